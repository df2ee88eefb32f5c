"""Debezium engines run by tests/standin/debezium's harness, and what the tests do with their events."""

import base64
import contextlib
import decimal
import json
import pathlib
import signal
import subprocess

import lab

ROOT = lab.ROOT
VERSIONS = ("2.7.3.Final", "3.0.7.Final")
if lab.build_dir().name == "asan":  # both send the same; under sanitizers one will do
    VERSIONS = VERSIONS[1:]


class Host:
    """A JVM that holds engines. Killing it is how an engine crashes."""

    def __init__(self, version, directory, name="jvm"):
        self.version, self.directory = version, pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        jars = ROOT / "build" / "debezium" / version
        self.log_path = self.directory / f"{name}.log"
        self.output = open(self.directory / f"{name}.out", "ab")
        self.child = subprocess.Popen(
            ["java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
             f"-Dlog4j.configuration=file:{ROOT}/tests/standin/debezium/harness/log4j.properties", f"-Dharness.log={self.log_path}",
             "-cp", f"{jars}/classes:{jars}/lib/*", "Harness"],
            stdin=subprocess.PIPE, stdout=self.output, stderr=self.output, text=True)
        self.engines = []

    def command(self, *words):
        self.child.stdin.write("\t".join(map(str, words)) + "\n")
        self.child.stdin.flush()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self, name, properties, gate=None):
        engine = Engine(self, name, properties, gate)
        self.engines.append(engine)
        return engine

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(10)

    def close(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self.output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Engine:
    """One engine's run. Its offsets, schema history and events live under the host's directory by its name, so that a
    second run of the name goes on where the first ended."""

    def __init__(self, host, name, properties, gate=None):
        self.host, self.name = host, name
        base = host.directory / name
        self.events_path, self.offsets_path = base.with_suffix(".events"), base.with_suffix(".offsets")
        self._lines, self._read = [], 0
        self.skip = len(self.lines(0))  # of former runs
        properties = {
            "name": name, "topic.prefix": name,
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
            "offset.storage.file.filename": self.offsets_path, "offset.flush.interval.ms": 0,
            "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
            "schema.history.internal.file.filename": base.with_suffix(".history"),
            "poll.interval.ms": 20, "errors.max.retries": 0, **properties}
        path = base.with_suffix(".properties")
        path.write_text("".join(f"{key}={escape(value)}\n" for key, value in properties.items() if value is not None))
        host.command("start", name, path, self.events_path, *([gate] if gate else []))

    def lines(self, skip=None):
        """What is whole of the events file, parsed once."""
        with contextlib.suppress(FileNotFoundError), open(self.events_path, "rb") as f:
            f.seek(self._read)
            whole, newline, _ = f.read().rpartition(b"\n")  # a line may be half written
            self._read += len(whole) + len(newline)
            self._lines += map(json.loads, whole.splitlines())
        return self._lines[self.skip if skip is None else skip:]

    def offsets(self):
        """What it has stored, as Java's serialized bytes: JSON texts among them."""
        return self.offsets_path.read_bytes()

    def states(self):
        return [line["state"] for line in self.lines() if "state" in line]

    def events(self, former=False):
        """Records, oldest first; with `former`, those of the name's former runs before them."""
        return [Event(line) for line in self.lines(0 if former else None) if "offset" in line]

    def rows(self, table=None, former=False):
        """Events of rows, tombstones left out."""
        return [e for e in self.events(former) if e.op and (table is None or e.table == table)]

    def schemas(self):
        return {line["topic"]: line["schema"]["schema"] for line in self.lines(0) if "schema" in line}

    def wait(self, what, check, seconds=60):
        def live():
            for line in self.lines():
                assert line.get("state") != "failed", f"{self.name}: {line['message']}: {line['error']}"
            assert self.host.child.poll() is None, f"the JVM ended: {self.host.child.returncode}"
            return check(self)
        try:
            return lab.wait_for(f"{self.name}: {what}", live, seconds, step=0.05)
        except (TimeoutError, AssertionError) as e:
            raise AssertionError(f"{e}\n--- end of Debezium's log:\n{self.host.log()[-6000:]}") from None

    def wait_state(self, state, seconds=60):
        self.wait(state, lambda e: state in e.states(), seconds)

    def wait_rows(self, count, table=None, seconds=60, **fields):
        """Wait for `count` row events with the given fields."""
        def check(e):
            found = [r for r in e.rows(table) if all(getattr(r, k) == v for k, v in fields.items())]
            return len(found) >= count and found
        return self.wait(f"{count} events {table or ''} {fields or ''}", check, seconds)

    def failure(self, seconds=60):
        """Wait until the engine gives up; why it says it did."""
        def check():
            return next((line for line in self.lines() if line.get("state") == "failed"), None)
        line = lab.wait_for(f"{self.name}: failure", check, seconds)
        return f"{line['message']} {line['error']}"

    def open(self):
        self.host.command("open", self.name)

    def stop(self):
        self.host.command("stop", self.name)
        self.wait_stopped()

    def wait_stopped(self, seconds=60):
        lab.wait_for(f"{self.name}: stopped", lambda: {"stopped", "stop failed"} & set(self.states()), seconds)


def escape(value):
    return str(value).replace("\\", "\\\\").replace("\n", "\\n")


class Event:
    def __init__(self, line):
        self.topic, self.key, self.value = line["topic"], line["key"], line["value"]
        self.headers, self.offset, self.partition = line["headers"], line["offset"], line["partition"]
        value = self.value if isinstance(self.value, dict) else {}
        self.op, self.before, self.after = value.get("op"), value.get("before"), value.get("after")
        self.source, self.transaction = value.get("source") or {}, value.get("transaction")
        self.table = ".".join(filter(None, (self.source.get("schema"), self.source.get("table"))))
        self.db, self.snapshot = self.source.get("db"), self.source.get("snapshot")
        self.position = (self.source.get("commit_lsn") or "", self.source.get("change_lsn") or "",
                         self.source.get("event_serial_no") or 0)

    def __repr__(self):
        return f"<{self.op} {self.table} {self.key} {self.before} -> {self.after} at {self.position} {self.snapshot}>"


def replay(events, strict=True, lobs=()):
    """The tables that the events build: {(db, table): {key: row}}. Strict: every event must fit what is there; of an update's
    row before, columns named in `lobs` are NULL when they didn't change."""
    tables = {}
    for e in events:
        if not e.op:
            continue
        table = tables.setdefault((e.db, e.table), {})
        key = json.dumps(e.key, sort_keys=True)
        if strict:
            there = table.get(key)
            assert (e.op in "cr") == (there is None), f"{e}: there is {there}"
            before = {k: there[k] if e.op == "u" and k in lobs and v is None else v for k, v in (e.before or {}).items()}
            assert e.op in "cr" or before == there, f"{e}: there is {there}"
        if e.op == "d":
            table.pop(key, None)
        else:
            table[key] = e.after
    return tables


def decimal_of(text, scale):
    unscaled = int.from_bytes(base64.b64decode(text), "big", signed=True)
    return decimal.Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale))
