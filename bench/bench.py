"""bench: how fast millrace moves rows, beside what PostgreSQL itself can take on the same machine in the same run.

    make bench                                     the default cases, 1,000,000 rows, three rounds
    make bench CASES="direct/insert" ROWS=200000   a part
    make bench CASES="memory transaction"          the long ones, which run only when named
    make bench ROUNDS=5                            more rounds

Every round runs PostgreSQL's own limit (bench/pg_limit.c: the same rows from memory, in the way and the batch size that a sweep
before the first round found best, over as many connections as millrace has lanes) and millrace right after it, since a machine's
speed drifts. The table shows medians and the ratio's spread. `ceiling` is what the run's own CPU figures allow: the machine's
cores divided by the CPU that a row costs in millrace, the source and PostgreSQL together. build/bench/results.jsonl gets a line a
case, build/bench/performance.svg the plot. PostgreSQL is stock: fsync and synchronous_commit are on. The stand-in for SQL Server
and PostgreSQL share the machine's cores with millrace while it is measured; PostgreSQL alone has them for its limit.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

import lab  # noqa: E402
import plot  # noqa: E402
import table  # noqa: E402

LAB = lab.ROOT / "build" / "bench"
CORES = len(os.sched_getaffinity(0))

TABLE = """CREATE TABLE dbo.{name} (
    id       int NOT NULL CONSTRAINT pk_{name} PRIMARY KEY,
    name     nvarchar(60) NOT NULL,
    note     nvarchar(120) NULL,
    total    decimal(12, 2) NOT NULL,
    price    money NOT NULL,
    at       datetime2(3) NOT NULL,
    is_open  bit NOT NULL,
    item_uid uniqueidentifier NOT NULL
)"""
CAPTURE = "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{name}', @role_name = NULL"
INSERT = """INSERT INTO dbo.{name} (id, name, note, total, price, at, is_open, item_uid)
    SELECT n, N'Item number ' + CAST(n AS nvarchar(12)), CASE WHEN n % 4 = 0 THEN NULL ELSE N'a note on item ' + CAST(n AS nvarchar(12)) END,
           CAST(n % 1000000 AS decimal(12, 2)) / 4, CAST(n % 100000 AS money) / 8,
           DATEADD(second, n, CAST('2024-01-01T00:00:00' AS datetime2(3))), CASE WHEN n % 3 = 0 THEN 1 ELSE 0 END, NEWID()
    FROM dbo.numbers WHERE n BETWEEN {first} AND {last}"""
UPDATE = """UPDATE dbo.{name} SET note = N'changed ' + CAST(id AS nvarchar(12)), total = total + 1, price = price + 1
    WHERE id BETWEEN {first} AND {last}"""
BEAT = "UPDATE dbo.{name} SET total = total + 1 WHERE id = @n"

TRANSACTION_ROWS = 1000
LOAD_ROWS = 50_000
BEAT_RATE, BEAT_SECONDS, BEAT_KEYS = 1000, 20, 5000
COMMIT_RATE = 50  # bare commits beside the load: enough for a p99
IDLE_SECONDS = 20


class Bench:
    def __init__(self, rows, rounds):
        self.rows, self.rounds = rows, rounds
        self.databases = 0
        self.ways = {}  # (kind, connections) -> the options that name pg_limit's best way
        self.open = {}  # database -> connection
        self.pg = self.source = None

    # ---- the source ----

    def execute(self, sql, database="bench"):
        with contextlib.closing(self.source.connect(database)) as c, c.cursor() as q:
            q.execute(sql)
            while q.nextset():
                pass

    def numbers(self, rows):
        self.execute("CREATE TABLE dbo.numbers (n int NOT NULL PRIMARY KEY)")
        self.execute("INSERT INTO dbo.numbers (n) VALUES (1)")
        have = 1
        while have < rows:
            self.execute(f"INSERT INTO dbo.numbers (n) SELECT n + {have} FROM dbo.numbers WHERE n <= {rows - have}")
            have = min(rows, have * 2)

    def by_steps(self, sql, rows, step, name="items"):
        with contextlib.closing(self.source.connect("bench")) as c, c.cursor() as q:
            for first in range(1, rows + 1, step):
                q.execute(sql.format(name=name, first=first, last=min(rows, first + step - 1)))

    def new_source(self, case, rows, loaded, names=("items",), arguments=(), directory="standin"):
        say(f"{case}: preparing {len(names):,} table{'s' * (len(names) > 1)}, {rows:,} rows")
        self.source = lab.Standin(LAB / directory, arguments=arguments)
        self.execute("CREATE DATABASE bench", "master")
        self.numbers(rows)
        for name in names:
            self.execute(TABLE.format(name=name))
        for name in names[:1] if loaded else ():
            self.by_steps(INSERT, rows, LOAD_ROWS, name)
        self.execute("EXEC sys.sp_cdc_enable_db")
        for name in names:
            self.execute(CAPTURE.format(name=name))
        lab.wait_for("the capture instances", lambda: self.source.rows(
            "SELECT 1 WHERE NOT EXISTS (SELECT * FROM cdc.change_tables WHERE start_lsn IS NULL)", "bench"), 120)
        return self.source

    def captured(self, count, seconds=1800):
        lab.wait_for("capture", lambda: self.source.rows("SELECT COUNT(*) FROM cdc.dbo_items_CT", "bench")[0][0] >= count, seconds, 0.5)

    # ---- the target ----

    def new_database(self, template=None):
        self.databases += 1
        name = f"bench_{self.databases}"
        with contextlib.closing(self.pg.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'create database "{name}"' + (f' template "{template}"' if template else ""))
            q.execute("checkpoint")
        return name

    def drop_database(self, name):
        self.close_connections()
        with contextlib.closing(self.pg.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'drop database "{name}" with (force)')

    def close_connections(self):
        for c in self.open.values():
            c.close()
        self.open = {}

    def value(self, database, sql):
        """The first value of a query on a connection that is kept; None while the table isn't there."""
        try:
            connection = self.open.get(database) or self.open.setdefault(database, self.pg.connect(database))
            with connection.cursor() as q:
                q.execute(sql)
                return (q.fetchone() or [None])[0]
        except Exception:
            return None

    def uri(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.pg.port}/{database}"

    def is_copied(self, database):
        return lambda: self.value(database, "select bool_and(is_done) from millrace.table_state")

    def position_reached(self, database):
        """Every stored position has come to the end of what is captured: cheaper to ask than counting rows."""
        last = self.source.rows("SELECT CONVERT(varchar(30), MAX(start_lsn), 2) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00",
                                "bench")[0][0].lower()
        last = f"{last[:8]}:{last[8:16]}:{last[16:]}"
        return lambda: (self.value(database, "select min(position) from millrace.position") or "") >= last

    # ---- PostgreSQL's own limit ----

    def pg_limit(self, *arguments):
        done = subprocess.run([lab.build_dir() / "pg_limit", "--conninfo", self.uri("limit"), "--json", *map(str, arguments)],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

    def limit(self, kind, connections):
        way = self.ways.get((kind, connections), [])
        result = self.pg_limit("--rows", self.rows, "--case", kind, "--connections", connections, *way)
        if kind != "copy":
            self.ways[kind, connections] = ["--way", result["way"], "--batch", result["batch"]]
        return result

    # ---- one run of millrace ----

    def files(self, database, mode="initial", lanes=1, source=None):
        """A source's and a sink's file. database None: the sink that throws away."""
        config = {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "database.hostname": "127.0.0.1", "database.port": str(self.source.port), "database.user": "sa",
            "database.password": "${env:MILLRACE_SOURCE_PASSWORD}", "database.names": "bench", "database.encrypt": "false",
            "topic.prefix": "bench", "snapshot.mode": mode, "table.exclude.list": "dbo.numbers",
            "max.iteration.transactions": "0", **(source or {})}
        (LAB / "source.json").write_text(json.dumps({"name": "bench-source", "config": config}))
        sink = {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url": self.uri(database or "limit"),
                "topics.regex": "bench\\.bench\\.dbo\\..*", "insert.mode": "upsert", "primary.key.mode": "record_key",
                "delete.enabled": "true", "schema.evolution": "basic", "quote.identifiers": "true",
                "collection.name.format": "${source.schema}.${source.table}"}
        if lanes > 1:
            sink["tasks.max"] = str(lanes)
        if database is None:
            sink = {"connector.class": "millrace.NullSink", "topics.regex": ".*"}
        (LAB / "sink.json").write_text(json.dumps({"name": "bench-sink", "config": sink}))
        return [LAB / "source.json", LAB / "sink.json"]

    @contextlib.contextmanager
    def millrace(self, *files):
        """A running millrace. What it left in its summary goes to took["summary"]; a bad end is an error."""
        took = {}
        (LAB / "millrace.log").unlink(missing_ok=True)  # what is looked for in it is this run's
        p = lab.Millrace(LAB, "--summary-file", LAB / "summary.json", *files)
        try:
            yield p, took
        finally:
            status = p.stop(signal.SIGINT)
        if status != 0:
            raise RuntimeError(f"millrace ended with {status}:\n{p.log()[-2000:]}")
        took["summary"] = json.loads((LAB / "summary.json").read_text())

    @staticmethod
    def until(what, p, done, seconds=1800, step=0.02):
        def check():
            if not p.is_running():
                raise AssertionError(f"millrace ended:\n{p.log()[-2000:]}")
            return done()
        return lab.wait_for(what, check, seconds, step)

    def cpu(self, p):
        return {"cpu": lab.proc_cpu_s(p.pid), "source_cpu": self.source.cpu_s(), "pg_cpu": self.pg.cpu_s()}

    def run(self, files, done):
        """Start millrace, wait until done() holds, stop it; what it took. The clock starts with the process."""
        source, pg = self.source.cpu_s(), self.pg.cpu_s()
        begin = time.monotonic()
        with self.millrace(*files) as (p, took):
            self.until("millrace to finish", p, done)
            took["seconds"] = time.monotonic() - begin
            took.update(self.cpu(p), peak_rss_mib=lab.peak_rss_mib(p.pid))
            took["source_cpu"] -= source
            took["pg_cpu"] -= pg
        return took

    def seed(self):
        """A target that has everything up to now, to copy for each round."""
        database = self.new_database()
        self.run(self.files(database), self.is_copied(database))
        self.close_connections()
        return database

    # ---- beside PostgreSQL's limit ----

    def beside_limit(self, case, kind, lanes, template, done_of):
        runs, limits = [], []
        for number in range(self.rounds):
            say(f"{case}: round {number + 1} of {self.rounds}: PostgreSQL's own limit")
            limits.append(self.limit(kind, lanes))
            say(f"{case}: round {number + 1} of {self.rounds}: millrace")
            database = self.new_database(template)
            runs.append(self.run(self.files(database, lanes=lanes), done_of(database)))
            self.drop_database(database)
        return self.rates(case, self.rows, runs, limits)

    def case_snapshot(self, case, lanes):
        with self.new_source(case, self.rows, loaded=True):
            return self.beside_limit(case, "copy", lanes, None, self.is_copied)

    def case_insert(self, case, lanes):
        with self.new_source(case, self.rows, loaded=False):
            seed = self.seed()
            self.by_steps(INSERT, self.rows, TRANSACTION_ROWS)
            self.captured(self.rows)
            return self.beside_limit(case, "insert", lanes, seed, self.position_reached)

    def case_update(self, case, lanes):
        with self.new_source(case, self.rows, loaded=True):
            seed = self.seed()
            self.by_steps(UPDATE, self.rows, TRANSACTION_ROWS)
            self.captured(2 * self.rows)
            return self.beside_limit(case, "update", lanes, seed, self.position_reached)

    # ---- the source alone ----

    def case_source_snapshot(self, case):
        runs = []
        with self.new_source(case, self.rows, loaded=True):
            for number in range(self.rounds):
                say(f"{case}: round {number + 1} of {self.rounds}")
                runs.append(self.run_to_end(self.files(None, "initial_only")))
        return self.rates(case, self.rows, runs)

    def run_to_end(self, files):
        before = self.source.cpu_s()
        begin = time.monotonic()
        p = lab.Millrace(LAB, "--summary-file", LAB / "summary.json", *files)
        usage = os.wait4(p.pid, 0)[2]
        p.child.returncode = 0
        took = {"seconds": time.monotonic() - begin, "cpu": usage.ru_utime + usage.ru_stime,
                "source_cpu": self.source.cpu_s() - before, "peak_rss_mib": usage.ru_maxrss / 1024}
        summary = json.loads((LAB / "summary.json").read_text())
        if summary["copied"] != self.rows:
            raise RuntimeError(f"source/snapshot read {summary['copied']} rows of {self.rows}:\n{p.log()[-2000:]}")
        return took

    def stream_alone(self, case, sql, loaded):
        """Changes that are in the log already are captured while millrace reads and throws away: its CPU counts, not the time."""
        runs = []
        with self.new_source(case, self.rows, loaded):
            for number in range(self.rounds):
                say(f"{case}: round {number + 1} of {self.rounds}")
                if number and not loaded:
                    self.execute("DELETE FROM dbo.items")
                    lab.wait_for("capture", self.nothing_to_capture, 600, 0.5)
                self.execute("EXEC sys.sp_cdc_stop_job @job_type = N'capture'")
                self.by_steps(sql, self.rows, TRANSACTION_ROWS)
                with self.millrace(*self.files(None, "no_data")) as (p, took):
                    self.until("the stream's start", p, lambda: "event=stream_position" in p.log())
                    before = self.cpu(p)
                    begin = time.monotonic()
                    self.execute("EXEC sys.sp_cdc_start_job @job_type = N'capture'")
                    self.until("the stream's end", p, lambda: self.applied(p) >= self.rows, step=0.2)
                    took["seconds"] = time.monotonic() - begin
                    after = self.cpu(p)
                    took.update({"cpu": after["cpu"] - before["cpu"], "peak_rss_mib": lab.peak_rss_mib(p.pid)})
                runs.append(took)
        result = self.rates(case, self.rows, runs)
        result.pop("rows_per_s")  # the capture job's
        return result

    def nothing_to_capture(self):
        return self.source.rows("SELECT COUNT(*) FROM cdc.dbo_items_CT WHERE __$operation = 1", "bench")[0][0] >= self.rows

    @staticmethod
    def applied(p):
        counts = re.findall(r"applied ([\d,]+) changes", p.log()[-4000:])
        return int(counts[-1].replace(",", "")) if counts else 0

    # ---- latency, many tables ----

    def case_tables(self, case, count):
        """From the process's start to the first row in the target; then one table of `count` changes, BEAT_RATE times a second, and
        each change's way from commit to commit is measured, beside bare commits in the same PostgreSQL at the same time."""
        names = ["items"] + [f"items_{i}" for i in range(1, count)]
        with self.new_source(case, BEAT_KEYS, True, names, ["--capture-at-once"]):
            database = self.new_database()
            self.value(database, "select 1")
            begin = time.monotonic()
            with self.millrace(*self.files(database)) as (p, took):
                self.until("the first row", p, lambda: self.value(database, "select 1 from dbo.items limit 1"), step=0.002)
                first_ms = 1000 * (time.monotonic() - begin)
                self.until("the copy", p, self.is_copied(database), step=0.005)
                copied_ms = 1000 * (time.monotonic() - begin)
                os.sync()  # what earlier cases left to be written isn't this one's
                time.sleep(2)
                say(f"{case}: {BEAT_RATE} changes a second for {BEAT_SECONDS} s")
                before = self.cpu(p)
                bare = self.beat()
                seconds = BEAT_SECONDS
                after = self.cpu(p)
                self.until("the end", p, self.position_reached(database))
                took["peak_rss_mib"] = lab.peak_rss_mib(p.pid)
            self.drop_database(database)
        s = took["summary"]
        return {"case": case, "tables": count, "first_row_ms": first_ms, "copied_ms": copied_ms,
                "events": s["latency_count"], "p50_ms": s["p50_us"] / 1000, "p95_ms": s["p95_us"] / 1000,
                "p99_ms": s["p99_us"] / 1000, "bare_p50_ms": bare["p50_us"] / 1000, "bare_p99_ms": bare["p99_us"] / 1000,
                "peak_rss_mib": round(took["peak_rss_mib"], 1),
                **{key: round((after[key] - before[key]) / seconds, 3) for key in ("cpu", "source_cpu", "pg_cpu")}}

    def beat(self):
        load = subprocess.Popen(
            [lab.build_dir() / "tds_client", "--port", str(self.source.port), "--database", "bench", "beat", str(BEAT_RATE),
             str(BEAT_SECONDS), str(BEAT_KEYS), BEAT.format(name="items")],
            env={**os.environ, "STANDIN_PASSWORD": lab.PASSWORD}, stdout=subprocess.PIPE, text=True)
        bare = self.pg_limit("--case", "commit", "--rate", COMMIT_RATE, "--seconds", BEAT_SECONDS)
        out, _ = load.communicate()
        if load.returncode != 0:
            raise RuntimeError("the load on the source failed")
        took = float(re.search(r"seconds=([\d.]+)", out).group(1))
        if took > 1.1 * BEAT_SECONDS:
            say(f"the source took {took:.1f} s for {BEAT_SECONDS} s of load: fewer changes a second than wanted")
        return bare

    def case_idle(self, case):
        """Nothing happens: what that costs."""
        # the capture job as it is by default: one that scans more often notes that nothing happened more often, too
        source = self.new_source(case, BEAT_KEYS, True, arguments=("--capture-interval-ms", "5000"))
        with source, Requests(source.port) as requests:
            database = self.new_database()
            with self.millrace(*self.files(database, source={"database.port": str(requests.port)})) as (p, took):
                self.until("the copy", p, self.is_copied(database))
                time.sleep(5)
                before, asked = self.cpu(p), requests.count
                time.sleep(IDLE_SECONDS)
                after, asked = self.cpu(p), requests.count - asked
                rss = lab.peak_rss_mib(p.pid)
            self.drop_database(database)
        return {"case": case, "cpu_percent": round(100 * (after["cpu"] - before["cpu"]) / IDLE_SECONDS, 3),
                "statements_per_s": round(asked / IDLE_SECONDS, 2), "peak_rss_mib": round(rss, 1)}

    # ---- comparing ----

    def case_verify(self, case):
        runs = []
        with self.new_source(case, self.rows, loaded=True):
            database = self.new_database()
            files = self.files(database)
            self.run(files, self.is_copied(database))
            for number in range(self.rounds):
                say(f"{case}: round {number + 1} of {self.rounds}")
                source, pg = self.source.cpu_s(), self.pg.cpu_s()
                begin = time.monotonic()
                p = lab.Process("verify", [lab.build_dir() / "millrace", "verify", *files], LAB,
                                env={"MILLRACE_SOURCE_PASSWORD": lab.PASSWORD})
                _, status, usage = os.wait4(p.pid, 0)
                p.child.returncode = os.waitstatus_to_exitcode(status)
                if status != 0:
                    raise RuntimeError(f"verify ended with {p.child.returncode}:\n{p.log()[-2000:]}")
                runs.append({"seconds": time.monotonic() - begin, "cpu": usage.ru_utime + usage.ru_stime,
                             "source_cpu": self.source.cpu_s() - source, "pg_cpu": self.pg.cpu_s() - pg,
                             "peak_rss_mib": usage.ru_maxrss / 1024})
            self.drop_database(database)
        return self.rates(case, self.rows, runs)

    # ---- memory ----

    def case_memory(self, case):
        """The copy of ROWS and of 20 × ROWS rows: the same peak."""
        result = {"case": case, "rows": 20 * self.rows, "rss_by_rows": []}
        for rows in (self.rows, 5 * self.rows, 20 * self.rows):
            with self.new_source(case, rows, loaded=True):
                database = self.new_database()
                say(f"{case}: {rows:,} rows")
                took = self.run(self.files(database), self.is_copied(database))
                self.drop_database(database)
            result["rss_by_rows"].append([rows, round(took["peak_rss_mib"], 1), round(rows / took["seconds"])])
        result["peak_rss_mib"] = max(rss for _, rss, _ in result["rss_by_rows"])
        result["rows_per_s"] = result["rss_by_rows"][-1][2]
        return result

    def case_transaction(self, case):
        """One UPDATE of 10 × ROWS rows in one transaction, whole in the target."""
        rows = 10 * self.rows
        with self.new_source(case, rows, loaded=True):
            database = self.seed()
            say(f"{case}: one UPDATE of {rows:,} rows")
            self.by_steps(UPDATE, rows, rows)
            self.captured(2 * rows, seconds=3600)
            took = self.run(self.files(database), self.position_reached(database))
            changed = self.value(database, "select count(*) from dbo.items where note = 'changed ' || id")
            if changed != rows:
                raise RuntimeError(f"{changed} rows of {rows} have the transaction's values")
            self.drop_database(database)
        return self.rates(case, rows, [took])

    # ---- results ----

    @staticmethod
    def rates(case, rows, runs, limits=()):
        million = rows / 1e6
        rates = [rows / r["seconds"] for r in runs]
        result = {"case": case, "rows": rows, "rounds": len(runs), "rows_per_s": round(statistics.median(rates)),
                  "peak_rss_mib": round(max(r["peak_rss_mib"] for r in runs), 1)}
        keys = [key for key in ("cpu", "source_cpu", "pg_cpu") if runs[0].get(key) is not None]
        for key in keys:
            result[f"{key}_s_per_million"] = round(statistics.median(r[key] for r in runs) / million, 3)
        if limits:
            ratios = [rate / limit["rows_per_s"] for rate, limit in zip(rates, limits)]
            ceilings = [CORES * million / sum(r[key] for key in keys) * 1e6 for r in runs]
            result.update(limit_rows_per_s=round(statistics.median(limit["rows_per_s"] for limit in limits)),
                          limit_way=limits[-1]["way"], limit_batch=limits[-1]["batch"],
                          limit_pg_cpu_s_per_million=round(statistics.median(x["pg_cpu_s_per_million"] for x in limits), 3),
                          ratio=round(statistics.median(ratios), 3), ratio_min=round(min(ratios), 3), ratio_max=round(max(ratios), 3),
                          ceiling_rows_per_s=round(statistics.median(ceilings)),
                          of_ceiling=round(statistics.median(rate / most for rate, most in zip(rates, ceilings)), 3))
        return result


class Requests:
    """A relay before the source that counts what clients ask: TDS messages, by the flag of each one's last packet."""

    def __init__(self, port):
        self.to, self.count = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
                threading.Thread(target=self.carry, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self.carry, args=(server, client, False), daemon=True).start()

    def carry(self, source, sink, counts):
        left, header = 0, b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                while counts and data:
                    if left:
                        left, data = max(0, left - len(data)), data[left:]
                        continue
                    header, data = header + data[:8 - len(header)], data[8 - len(header):]
                    if len(header) == 8:
                        self.count += header[1] & 1
                        left, header = int.from_bytes(header[2:4], "big") - 8, b""
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def say(text):
    print(f"\r\x1b[K{text} …" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)


CASES = {
    "source/snapshot": lambda b, case: b.case_source_snapshot(case),
    "source/insert": lambda b, case: b.stream_alone(case, INSERT, loaded=False),
    "source/update": lambda b, case: b.stream_alone(case, UPDATE, loaded=True),
    "direct/snapshot": lambda b, case: b.case_snapshot(case, 1),
    "direct/insert": lambda b, case: b.case_insert(case, 1),
    "direct/update": lambda b, case: b.case_update(case, 1),
    "direct/snapshot-3": lambda b, case: b.case_snapshot(case, 3),
    "direct/insert-3": lambda b, case: b.case_insert(case, 3),
    "direct/update-3": lambda b, case: b.case_update(case, 3),
    "tables/1": lambda b, case: b.case_tables(case, 1),
    "tables/10": lambda b, case: b.case_tables(case, 10),
    "tables/100": lambda b, case: b.case_tables(case, 100),
    "tables/1000": lambda b, case: b.case_tables(case, 1000),
    "idle": lambda b, case: b.case_idle(case),
    "verify": lambda b, case: b.case_verify(case),
    "memory": lambda b, case: b.case_memory(case),
    "transaction": lambda b, case: b.case_transaction(case),
}
LONG = ["memory", "transaction"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=" ".join(c for c in CASES if c not in LONG), help="names, separated by blanks")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    wanted = re.split(r"[ ,]+", args.cases.strip())
    unknown = [c for c in wanted if c not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]}; there are {', '.join(CASES)}")
    lab.fresh_dir(LAB)
    bench = Bench(args.rows, args.rounds)
    results, failed = [], []
    with lab.Postgres(LAB / "pg", database="limit") as bench.pg, open(LAB / "results.jsonl", "w") as out:
        for case in wanted:
            try:
                result = CASES[case](bench, case)
            except Exception as e:  # the other cases' figures aren't lost for it
                failed.append(case)
                print(f"\n{case}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
                bench.close_connections()
                continue
            results.append(result)
            out.write(json.dumps(result) + "\n")
            out.flush()
    say("")
    print()
    table.show(results)
    plot.write(results, LAB / "performance.svg")
    print(f"\nwritten to {LAB / 'results.jsonl'}; plot: {LAB / 'performance.svg'}")
    return f"failed: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main())
