"""torture_kafka: both halves with Kafka between them while faults come at random (scripts/faults.py); afterwards source and target are
compared row by row, and the topics are looked through for events that were written twice.

    make torture-kafka [SEED=n] [FAULTS=n]

A process with the source, two with the sink; keys in JSON, values in Avro. Killed and stopped are all of them, the broker, the
registry, PostgreSQL and the source's server. What others do to topics comes, too: events that are written again (their own bytes, to their own
partition), transactions that are aborted, a source that is set back and repeats itself. What is written again is what docs/kafka.md
promises to tell: changes of an envelope below the partition's last commit, or among its last 128 events. Rows of a copy, tombstones and
flat records have nothing that would tell a repeat from an event, so a stranger's replays of those aren't part of it.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "kafka"))

import psycopg2  # noqa: E402
from confluent_kafka import KafkaException, Producer  # noqa: E402

import faults  # noqa: E402
import lab  # noqa: E402
import lab_kafka  # noqa: E402
import topics  # noqa: E402
from faults import DATABASE, KEYED  # noqa: E402

SESSION_S = 6      # after which the group takes a sink for gone
STORED_EVENTS = 128  # of the partition's last commit, that a sink knows again after a restart
REPEATED = "repeated"  # header of records that were written again here
WHO = {"broker": "broker", "registry": "registry", "postgres": "PostgreSQL", "source": "millrace", "sink": "millrace"}


class Load(faults.Load):
    """And a table without a key that only grows: there a row that comes twice shows for ever."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.kinds += [(self.journal, 15)]

    def journal(self):
        rows = self.random.randint(1, 4)
        values = ", ".join(f"({self.random.randint(1, 10**9)}, N'{self.name}')" for _ in range(rows))
        return f"INSERT INTO dbo.journal (n, what) VALUES {values}", rows


class KafkaTorture(faults.Torture):
    """Owns millrace's processes; broker, registry and databases are the caller's, and run when it ends."""

    OF_PROCESS = ("kill_source", "kill_sink", "stop_source", "stop_sink", "freeze_source", "freeze_sink", "source_taken_over", "sink_taken_over",
                  "rebalance", "rebalance_in_batch", "kill_registry", "stop_registry", "set_back")
    KEYLESS = {**faults.Torture.KEYLESS, "journal": "n, what"}
    LOAD = Load
    IN_THE_WAY = (*faults.Torture.IN_THE_WAY, KafkaException, lab_kafka.HttpError)

    def __init__(self, directory, standin, postgres, broker, registry, seed, size=(300, 600), loads=2, pause=0.01):
        super().__init__(directory, standin, postgres, seed, size, loads, pause)
        self.broker, self.registry = broker, registry
        self.prefix = f"torture_{os.getpid()}_{seed}"
        self.topics = [f"{self.prefix}.{DATABASE}.dbo.{table}" for table in (*KEYED, *self.KEYLESS)]
        self.offsets_topic = f"{self.prefix}-offsets"
        self.decode = topics.Avro(registry)
        self.processes, self.source_run, self.sinks = [], None, []  # all that were started; those that are to run
        self.repeats = 0       # events written again on purpose
        self.stretches = []    # [{(topic, partition): end}]: where the source was set back
        self.faults = [
            (self.kill_source, 7), (self.kill_sink, 9), (self.stop_source, 3), (self.stop_sink, 4), (self.freeze_source, 3),
            (self.freeze_sink, 3), (self.source_taken_over, 4), (self.sink_taken_over, 4), (self.rebalance, 4), (self.rebalance_in_batch, 4),
            (self.kill_broker, 8), (self.stop_broker, 3), (self.freeze_broker, 3), (self.kill_registry, 6), (self.stop_registry, 2),
            (self.postgres_crash, 6), (self.kill_postgres_backend, 5), (self.source_crash, 2), (self.reset, 2), (self.stall, 2),
            (self.half_open, 2), (self.terminate, 2), (self.target_lock, 2), (self.source_lock, 1), (self.source_error, 2),
            (self.row_lock, 2), (self.repeat, 12), (self.aborted, 4), (self.set_back, 4)]
        self.write_files()

    def create(self, customers, orders):
        super().create(customers, orders)
        self.standin.script(
            f"USE {DATABASE}\nGO\nCREATE TABLE dbo.journal (n int NOT NULL, what nvarchar(40) NULL)\nGO\n"
            "INSERT INTO dbo.journal VALUES (1, N'copied'), (1, N'copied'), (2, NULL)\nGO\n"
            "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'journal', @role_name = NULL")

    # -- the processes

    def write_files(self):
        self.worker_file = lab_kafka.write_properties(self.directory / "worker.properties", {
            "bootstrap.servers": self.broker.address, "group.id": self.prefix, "offset.storage.topic": self.offsets_topic,
            "offset.storage.partitions": 1, "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": self.registry.url,
            "value.converter.max.retries": 1, "value.converter.retries.wait.ms": 200})
        self.write_file("source", {
            "topic.prefix": self.prefix, "database.hostname": "127.0.0.1", "database.port": self.source.port, "database.user": "sa",
            "database.password": lab.PASSWORD, "table.include.list": ",".join(f"dbo.{t}" for t in (*KEYED, *self.KEYLESS)),
            "column.propagate.source.type": ".*", "errors.max.retries": -1, "retriable.restart.connector.wait.ms": 1000,
            "snapshot.lock.timeout.ms": 500, "transaction.max.rows": 500, "topic.creation.default.partitions": 3,
            "topic.creation.default.replication.factor": 1})
        self.write_file("sink", {
            "topics.regex": self.prefix + "\\.warehouse_source\\.dbo\\..*", "tasks.max": 2, "connection.url": self.target.uri(),
            "max.retries": -1, "retry.backoff.ms": 100, "errors.retry.delay.max.ms": 1000,
            "consumer.override.session.timeout.ms": SESSION_S * 1000, "consumer.override.metadata.max.age.ms": 1000})

    def write_file(self, name, changes):
        connector = json.loads((faults.QUICKSTART / f"{name}.json").read_text())
        connector["name"] = f"{self.prefix}-{name}"
        connector["config"].update({key: str(value) for key, value in changes.items()})
        (self.directory / f"{name}.json").write_text(json.dumps(connector, indent=2))

    def start(self, what):
        run = lab.Millrace(self.directory, "--plain", self.worker_file, self.directory / f"{what}.json", name=f"{what}-{len(self.processes)}")
        self.processes.append(run)
        return run

    def begin(self):
        self.source_run = self.start("source")
        self.sinks = [self.start("sink"), self.start("sink")]

    def check(self):
        for run in (self.source_run, *self.sinks):
            assert run.is_running(), f"seed {self.seed}: {run.name} ended by itself:\n{run.log()[-4000:]}"

    def log(self):
        return "\n".join(f"{run.name}:\n{run.log()[-1500:]}" for run in (self.source_run, *self.sinks))

    def positions(self):
        """Nothing until a sink has been there: a first fault may be over before."""
        if self.postgres.rows("SELECT to_regclass('millrace.topic_offset')")[0][0] is None:
            return []
        return self.postgres.rows("SELECT topic, partition, next_offset FROM millrace.topic_offset ORDER BY 1, 2")

    def started_again(self, run):
        """The process that takes the place of one that has ended."""
        if run is self.source_run:
            self.source_run = self.start("source")
        else:
            self.sinks[self.sinks.index(run)] = self.start("sink")

    def kill(self, run):
        run.stop(signal.SIGKILL)
        self.started_again(run)

    def term(self, run):
        lab.wait_for("the start", lambda: "event=start" in run.log())  # before it a signal just ends the process
        status = run.stop(signal.SIGTERM, seconds=70)
        assert status == 0, f"seed {self.seed}: {run.name}: SIGTERM ended with {status}:\n{run.log()[-4000:]}"
        self.started_again(run)

    def freeze(self, run, seconds):
        run.send(signal.SIGSTOP)
        time.sleep(seconds)
        run.send(signal.SIGCONT)

    def kill_source(self, dice):
        self.kill(self.source_run)

    def kill_sink(self, dice):
        self.kill(dice.choice(self.sinks))

    def stop_source(self, dice):
        self.term(self.source_run)

    def stop_sink(self, dice):
        self.term(dice.choice(self.sinks))

    def freeze_source(self, dice):
        self.freeze(self.source_run, dice.uniform(0.1, 1.5))

    def freeze_sink(self, dice):
        self.freeze(dice.choice(self.sinks), dice.uniform(0.1, 1.5))

    def source_taken_over(self, dice):
        """Stopped, replaced, and let go on: it believes that the task is still its own, with a transaction open."""
        first = self.source_run
        lab.wait_for("the first to own", lambda: self.check() or "pipeline_owned" in first.log(), 60)  # else it takes it back
        first.send(signal.SIGSTOP)
        self.source_run = self.start("source")
        try:
            lab.wait_for("the second to own", lambda: "pipeline_owned" in self.source_run.log() or not self.source_run.is_running(), 60)
        finally:
            first.send(signal.SIGCONT)
        lab.wait_for("the first to see that it lost", lambda: not first.is_running(), 60)
        assert first.child.returncode != 0 and "another process runs" in first.log(), first.log()[-3000:]

    def sink_taken_over(self, dice):
        """Stopped until its partitions are others', and let go on with what it had in hand."""
        self.freeze(dice.choice(self.sinks), SESSION_S + dice.uniform(0.5, 2))

    def rebalance(self, dice, seconds=(0.5, 3)):
        """A third one comes and goes: partitions move twice."""
        run = self.start("sink")
        time.sleep(dice.uniform(*seconds))
        run.stop(dice.choice([signal.SIGTERM, signal.SIGKILL]), seconds=70)

    def rebalance_in_batch(self, dice):
        """While all of them hold records that can't be written."""
        with contextlib.closing(self.postgres.connect(autocommit=False)) as c, c.cursor() as q:
            q.execute("SELECT count(*) FROM (VALUES ('customers'), ('orders'), ('line_items'), ('journal')) x (t) "
                      "WHERE to_regclass('dbo.' || t) IS NOT NULL")
            if q.fetchone()[0] == 4:
                q.execute("SET lock_timeout = '3s'; LOCK TABLE dbo.customers, dbo.orders, dbo.line_items, dbo.journal IN SHARE ROW EXCLUSIVE MODE")
            self.rebalance(dice, seconds=(2.5, 4))

    # -- the servers

    def kill_broker(self, dice, kill=True):
        self.broker.stop(kill=kill)
        time.sleep(dice.uniform(0, 1))
        self.broker.start()

    def stop_broker(self, dice):
        self.kill_broker(dice, kill=False)

    def freeze_broker(self, dice):
        self.freeze(self.broker.process, dice.uniform(0.5, 5))

    def kill_registry(self, dice, kill=True):
        """And a process that has to ask for all its schemas anew."""
        self.registry.stop(kill=kill)
        try:
            if dice.random() < 0.7:
                self.kill(dice.choice([self.source_run, *self.sinks]))
                self.count["kill_registry (and a process)"] += 1
            time.sleep(dice.uniform(0, 1.5))
        finally:
            self.registry.start()
            self.registry.wait_up()

    def stop_registry(self, dice):
        self.kill_registry(dice, kill=False)

    def kill_postgres_backend(self, dice):
        """SIGKILL of one that writes: PostgreSQL ends all others and recovers."""
        def ended():
            with contextlib.suppress(psycopg2.Error):
                q.execute("SELECT 1")
                return False
            return True
        with contextlib.closing(self.postgres.connect()) as c, c.cursor() as q:
            q.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
            pids = q.fetchall()
            if not pids:
                self.count["kill_postgres_backend (none there)"] += 1
                return
            os.kill(dice.choice(pids)[0], signal.SIGKILL)
            lab.wait_for("the end of all", ended)
        lab.wait_for("its recovery", lambda: not self.postgres.connect().close(), 30)

    # -- the topics

    def tail(self, topic):
        """A topic's newest committed events, by partition: [(record, envelope)]; none of a tombstone."""
        if topic not in self.broker.topics():
            return {}
        found = collections.defaultdict(list)
        for r in topics.read(self.broker, [topic], last=2500):
            if r.value:
                found[r.partition].append((r, self.decode(r.value)[1]))
        return found

    def repeat(self, dice):
        """Changes are written to their partition again, byte for byte, by somebody else: a stretch, in order or not, once or twice."""
        topic = dice.choice(self.topics)
        parts = {p: self.proven(events) for p, events in self.tail(topic).items()}
        parts = {p: records for p, records in parts.items() if records}
        if not parts:
            self.count["repeat (nothing there)"] += 1
            return
        partition = dice.choice(sorted(parts))
        records = parts[partition]
        first = dice.randrange(len(records))
        again = records[first:first + dice.choice([1, 10, 300])] * dice.choice([1, 1, 2])
        if dice.random() < 0.3:
            dice.shuffle(again)
        topics.produce(self.broker, [(topic, partition, r.key, r.value, [*r.headers, (REPEATED, b"1")]) for r in again])
        self.repeats += len(again)

    @staticmethod
    def proven(events):
        """Those that a sink knows to be repeats: see docs/kafka.md."""
        changes = [(r, (v["source"]["commit_lsn"])) for r, v in events if v["op"] in "cud"]
        last = changes[-1][1] if changes else ""
        is_known = sum(lsn == last for _, lsn in changes) <= STORED_EVENTS and any(lsn < last for _, lsn in changes)
        return [r for r, lsn in changes if lsn < last or is_known]

    def aborted(self, dice):
        """A stranger's transaction that no reader of committed records may see; while it is open nobody gets past it."""
        there = [t for t in self.topics if t in self.broker.topics()]
        producer = Producer({"bootstrap.servers": self.broker.address, "transactional.id": f"{self.prefix}-stranger", **topics.LOG})
        producer.init_transactions(30)
        producer.begin_transaction()
        for topic in there:
            producer.produce(topic, b"not Avro", b"not JSON")
        producer.flush(30)
        time.sleep(dice.uniform(0, 1.5))
        producer.abort_transaction(30)

    def set_back(self, dice):
        """The stored position of the source is set back, so it writes again what it has written: as Debezium does after a crash. Not
        behind the copy's end, since rows of a copy are never taken for repeats."""
        self.source_run.stop(signal.SIGKILL)
        try:
            states, tables, debezium = [], {}, None
            for r in topics.read(self.broker, [self.offsets_topic]) if self.offsets_topic in self.broker.topics() else []:
                if b'"millrace":"table"' in r.key:
                    tables[r.key] = r.value
                elif b'"millrace":"position"' in r.key:
                    states.append((r, dict(tables)))
                else:
                    debezium = r.key
            usable = [r for r, then in states if then == tables and json.loads(r.value)["debezium"]][-300:]
            is_copied = len(tables) == len(self.topics) and all(json.loads(v)["is_done"] for v in tables.values())
            if not usable or not is_copied:
                self.count["set_back (not yet copied)"] += 1
                return
            old = dice.choice(usable)
            self.stretches.append(self.ends())
            topics.produce(self.broker, [(self.offsets_topic, 0, old.key, old.value, []),
                                         (self.offsets_topic, 0, debezium, json.loads(old.value)["debezium"].encode(), [])])
            self.count["set_back (positions)"] += len(usable) - usable.index(old)
        finally:
            self.started_again(self.source_run)

    def ends(self):
        c = topics.consumer(self.broker)
        try:
            return {(part.topic, part.partition): topics.ends(c, part)[1] for t in self.topics for part in topics.partitions_of(c, t)}
        finally:
            c.close()

    # -- the run

    def resume(self):
        """Current again; then all that is in the topics is in the target, and it is still the same."""
        resumed = super().resume()
        ends = collections.defaultdict(int)
        for r in self.written():
            ends[r.topic, r.partition] = r.offset + 1
        lab.wait_for("all records to be dealt with", lambda: all(ends[t, p] <= n for t, p, n in self.positions()), 30)
        found = self.differences() + self.written_twice()
        assert not found, found[:20]
        for run in (self.source_run, *self.sinks):
            assert run.stop(signal.SIGTERM, seconds=70) == 0, run.log()[-4000:]
        failed = [run.name for run in self.processes if "event=task_failed" in run.log()]
        assert not failed, f"{failed}: a task failed"
        return resumed

    def written(self):
        return topics.read(self.broker, self.topics, seconds=300)

    def written_twice(self):
        """Events that the source wrote more than once since it was set back last: its own exactly once."""
        seen, found = set(), []
        for r in self.written():
            if not r.value or any(name == REPEATED for name, _ in r.headers):
                continue
            stretch = sum(r.offset >= ends[r.topic, r.partition] for ends in self.stretches)
            event = self.decode(r.value)[1]
            if event["op"] == "r" and r.key is None:  # rows that are alike
                continue
            at = event["source"]
            place = ("r",) if event["op"] == "r" else (at["commit_lsn"], at["change_lsn"], at["event_serial_no"], event["op"])
            place = (stretch, r.topic, r.key, *place)
            if place in seen:
                found.append(f"{r.topic}-{r.partition} at offset {r.offset}: written before: {place}")
            seen.add(place)
        return found

    def report(self):
        yield from super().report()
        kills = collections.Counter()
        for name, n in self.count.items():
            what, _, who = name.partition("_")
            if "(" not in name and (what in ("kill", "stop") or name in ("postgres_crash", "source_taken_over", "sink_taken_over")):
                kills[WHO.get(who.split("_")[0]) or WHO[what]] += n
        kills["millrace"] += self.count["kill_registry (and a process)"] + self.count["set_back"] + self.count["rebalance"] + self.count["rebalance_in_batch"]
        yield f"kills and stops: {sum(kills.values())} ({', '.join(f'{n} of {who}' for who, n in kills.most_common())})"
        yield f"events written again by somebody else: {self.repeats}; positions that the source was set back by: {self.count['set_back (positions)']}"

    def close(self):
        super().close()
        for run in self.processes:
            run.send(signal.SIGCONT)
            if run.is_running():
                run.stop(signal.SIGKILL)
        for server in (self.broker, self.registry):
            server.process.send(signal.SIGCONT)
            if not server.process.is_running():
                server.start()
        self.registry.wait_up()


@contextlib.contextmanager
def servers(directory):
    directory = lab.fresh_dir(directory)
    with contextlib.ExitStack() as stack:
        registry = lab_kafka.Registry(directory / "registry")
        stack.callback(lambda: registry.process.stop())
        broker = stack.enter_context(lab_kafka.Broker(directory / "broker"))
        postgres = stack.enter_context(lab.Postgres(directory / "pg", settings={"fsync": "off", "max_connections": 60}))
        standin = stack.enter_context(lab.Standin(directory / "standin"))
        yield standin, postgres, broker, registry.wait_up()


def main():
    def make(options, *parts):
        return KafkaTorture(options.directory, *parts, options.seed, size=(1000, 3000))
    return faults.main(__doc__, servers, make, faults=150)


if __name__ == "__main__":
    sys.exit(main())
