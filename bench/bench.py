"""bench: how fast millrace moves rows, beside what PostgreSQL itself can take on the same machine in the same run.

    make bench                                     all cases, 1,000,000 rows, three rounds
    make bench CASES="direct/insert" ROWS=200000   a part

Every round runs PostgreSQL's own limit (bench/pg_limit.c: the same rows from memory, best way, best batch size, one connection)
and millrace right after each other, since a machine's speed drifts. The table shows medians and the spread of the ratio;
build/bench/results.jsonl gets a line a case. PostgreSQL is stock: fsync and synchronous_commit are on. The stand-in for SQL
Server and PostgreSQL share the machine's cores with millrace while it is measured, PostgreSQL alone has them for its limit.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

import lab  # noqa: E402

LAB = lab.ROOT / "build" / "bench"
CASES = ["source/null", "direct/snapshot", "direct/insert", "direct/update", "direct/latency"]
LIMIT_OF = {"direct/snapshot": "copy", "direct/insert": "insert", "direct/update": "update"}

TABLE = """CREATE TABLE dbo.items (
    id       int NOT NULL CONSTRAINT pk_items PRIMARY KEY,
    name     nvarchar(60) NOT NULL,
    note     nvarchar(120) NULL,
    total    decimal(12, 2) NOT NULL,
    price    money NOT NULL,
    at       datetime2(3) NOT NULL,
    is_open  bit NOT NULL,
    item_uid uniqueidentifier NOT NULL
)"""
INSERT = """INSERT INTO dbo.items (id, name, note, total, price, at, is_open, item_uid)
    SELECT n, N'Item number ' + CAST(n AS nvarchar(12)), CASE WHEN n % 4 = 0 THEN NULL ELSE N'a note on item ' + CAST(n AS nvarchar(12)) END,
           CAST(n % 1000000 AS decimal(12, 2)) / 4, CAST(n % 100000 AS money) / 8,
           DATEADD(second, n, CAST('2024-01-01T00:00:00' AS datetime2(3))), CASE WHEN n % 3 = 0 THEN 1 ELSE 0 END, NEWID()
    FROM dbo.numbers WHERE n BETWEEN {first} AND {last}"""
UPDATE = """UPDATE dbo.items SET note = N'changed ' + CAST(id AS nvarchar(12)), total = total + 1, price = price + 1
    WHERE id BETWEEN {first} AND {last}"""
TRANSACTION_ROWS = 1000


class Bench:
    def __init__(self, rows, rounds):
        self.rows, self.rounds = rows, rounds
        self.databases = 0
        self.pg = self.source = None

    # ---- the source ----

    def execute(self, sql, database="bench"):
        with contextlib.closing(self.source.connect(database)) as c, c.cursor() as q:
            q.execute(sql)
            while q.nextset():
                pass

    def numbers(self):
        self.execute("CREATE TABLE dbo.numbers (n int NOT NULL PRIMARY KEY)")
        self.execute("INSERT INTO dbo.numbers (n) VALUES (1)")
        have = 1
        while have < self.rows:
            self.execute(f"INSERT INTO dbo.numbers (n) SELECT n + {have} FROM dbo.numbers WHERE n <= {self.rows - have}")
            have = min(self.rows, have * 2)

    def by_steps(self, sql, step):
        with contextlib.closing(self.source.connect("bench")) as c, c.cursor() as q:
            for first in range(1, self.rows + 1, step):
                q.execute(sql.format(first=first, last=min(self.rows, first + step - 1)))

    def new_source(self, name, with_rows):
        say(f"{name}: preparing {self.rows:,} rows in the source")
        self.source = lab.Standin(LAB / "standin")
        self.execute("CREATE DATABASE bench", "master")
        self.execute(TABLE)
        self.numbers()
        if with_rows:
            self.by_steps(INSERT, 50_000)
        self.execute("EXEC sys.sp_cdc_enable_db")
        self.execute("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL")
        lab.wait_for("the capture instance", lambda: self.source.rows(
            "SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NOT NULL", "bench"))

    def captured(self, count):
        lab.wait_for("capture", lambda: self.source.rows("SELECT COUNT(*) FROM cdc.dbo_items_CT", "bench")[0][0] >= count, 600, 0.5)

    # ---- the target ----

    def new_database(self, template=None):
        self.databases += 1
        name = f"bench_{self.databases}"
        with contextlib.closing(self.pg.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'create database "{name}"' + (f' template "{template}"' if template else ""))
            q.execute("checkpoint")
        return name

    def drop_database(self, name):
        with contextlib.closing(self.pg.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'drop database "{name}" with (force)')

    def uri(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.pg.port}/{database}"

    def limit(self, kind):
        done = subprocess.run([lab.build_dir() / "pg_limit", "--conninfo", self.uri("limit"), "--rows", str(self.rows),
                               "--case", kind, "--json"], capture_output=True, text=True, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

    # ---- one measured run of millrace ----

    def options(self, mode):
        source = {
            "name": "bench-source", "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "database.hostname": "127.0.0.1", "database.port": str(self.source.port), "database.user": "sa",
            "database.password": "${env:MILLRACE_SOURCE_PASSWORD}", "database.names": "bench", "database.encrypt": "false",
            "topic.prefix": "bench", "table.include.list": "dbo.items", "snapshot.mode": mode, "poll.interval.ms": "10",
            "max.iteration.transactions": "0"}
        path = LAB / "source.json"
        path.write_text(json.dumps({"name": source.pop("name"), "config": source}))
        return path

    def sink(self, database, null=False):
        path = LAB / "sink.json"
        config = {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url": self.uri(database),
                  "topics.regex": "bench\\.bench\\.dbo\\..*", "insert.mode": "upsert", "primary.key.mode": "record_key",
                  "delete.enabled": "true", "schema.evolution": "basic", "quote.identifiers": "true",
                  "collection.name.format": "${source.schema}.${source.table}"}
        if null:
            config = {"connector.class": "millrace.NullSink", "topics.regex": ".*"}
        path.write_text(json.dumps({"name": "bench-sink", "config": config}))
        return path

    def run(self, mode, database, done, null=False):
        """Start millrace, wait until done(status) holds, stop it; what it took. The clock starts with the process."""
        status = {}
        cpu = {"source": self.source.cpu_s(), "pg": self.pg.cpu_s()}
        begin = time.monotonic()
        p = lab.Millrace(LAB, "--summary-file", LAB / "summary.json", self.options(mode), self.sink(database, null))
        try:
            lab.wait_for("millrace to finish", lambda: self.check(p, done, status), 900, 0.02)
            seconds = time.monotonic() - begin
            own = lab.proc_cpu_s(p.pid)
            peak = lab.peak_rss_mib(p.pid)
            took = {"seconds": seconds, "cpu": own, "source_cpu": self.source.cpu_s() - cpu["source"],
                    "pg_cpu": self.pg.cpu_s() - cpu["pg"], "peak_rss_mib": peak}
        finally:
            status_code = p.stop(signal.SIGINT)
        if status_code != 0:
            raise RuntimeError(f"millrace ended with {status_code}:\n{p.log()[-2000:]}")
        took["summary"] = json.loads((LAB / "summary.json").read_text())
        return took

    @staticmethod
    def check(p, done, status):
        if not p.is_running():
            raise SystemExit(f"millrace ended:\n{p.log()[-2000:]}")
        return done()

    def target_count(self, database, where="true"):
        def count():
            c = self.counter.get(database)
            if c is None:
                c = self.counter[database] = self.pg.connect(database)
            with c.cursor() as q:
                q.execute(f"select count(*) from dbo.items where {where}")
                return q.fetchone()[0]
        return count

    # ---- the cases ----

    def measure(self, case):
        self.counter = {}
        runs, limits = getattr(self, "case_" + case.replace("/", "_"))(case)
        return self.result(case, runs, limits)

    def rounds_of(self, case, template, mode, done_of):
        runs, limits = [], []
        for number in range(self.rounds):
            if case in LIMIT_OF:
                say(f"{case}: round {number + 1} of {self.rounds}: PostgreSQL's own limit")
                limits.append(self.limit(LIMIT_OF[case]))
            say(f"{case}: round {number + 1} of {self.rounds}: millrace")
            database = self.new_database(template)
            runs.append(self.run(mode, database, done_of(database)))
            self.close_counters()
            self.drop_database(database)
        return runs, limits

    def close_counters(self):
        for c in self.counter.values():
            c.close()
        self.counter = {}

    def position_reached(self, database):
        """The stored position has come to the end of what is captured: cheaper to ask than counting rows."""
        last = self.source.rows("SELECT CONVERT(varchar(30), MAX(start_lsn), 2) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00",
                                "bench")[0][0].lower()
        last = f"{last[:8]}:{last[8:16]}:{last[16:]}"
        connection = self.pg.connect(database)
        self.counter[database] = connection

        def check():
            with connection.cursor() as q:
                q.execute("select min(position) from millrace.position")
                return (q.fetchone()[0] or "") >= last
        return check

    def case_direct_snapshot(self, case):
        self.new_source(case, with_rows=True)
        with self.source:
            def done_of(database):
                def check():
                    try:
                        connection = self.counter.get(database) or self.counter.setdefault(database, self.pg.connect(database))
                        with connection.cursor() as q:
                            q.execute("select bool_and(is_done) from millrace.table_state")
                            return q.fetchone()[0]
                    except Exception:
                        return False
                return check
            runs, limits = self.rounds_of(case, None, "initial", done_of)
        return runs, limits

    def seed(self, mode):
        """A target that has everything up to now, to copy for each round."""
        database = self.new_database()

        def check():
            with contextlib.suppress(Exception):
                with contextlib.closing(self.pg.connect(database)) as c, c.cursor() as q:
                    q.execute("select bool_and(is_done) from millrace.table_state")
                    return q.fetchone()[0]
        self.run(mode, database, check)
        return database

    def case_direct_insert(self, case):
        self.new_source(case, with_rows=False)
        with self.source:
            seed = self.seed("initial")
            self.by_steps(INSERT, TRANSACTION_ROWS)
            self.captured(self.rows)
            runs, limits = self.rounds_of(case, seed, "initial", self.position_reached)
            self.drop_database(seed)
        return runs, limits

    def case_direct_update(self, case):
        self.new_source(case, with_rows=True)
        with self.source:
            seed = self.seed("initial")
            self.by_steps(UPDATE, TRANSACTION_ROWS)
            self.captured(2 * self.rows)
            runs, limits = self.rounds_of(case, seed, "initial", self.position_reached)
            self.drop_database(seed)
        return runs, limits

    def case_source_null(self, case):
        """The source alone: rows read by the snapshot and thrown away."""
        self.new_source(case, with_rows=True)
        with self.source:
            runs = []
            for number in range(self.rounds):
                say(f"{case}: round {number + 1} of {self.rounds}")
                runs.append(self.run_to_end())
        return runs, []

    def run_to_end(self):
        before = self.source.cpu_s()
        begin = time.monotonic()
        p = lab.Millrace(LAB, "--summary-file", LAB / "summary.json", self.options("initial_only"), self.sink("limit", null=True))
        usage = os.wait4(p.pid, 0)[2]
        seconds = time.monotonic() - begin
        p.child.returncode = 0
        summary = json.loads((LAB / "summary.json").read_text())
        if summary["copied"] != self.rows:
            raise RuntimeError(f"source/null read {summary['copied']} rows of {self.rows}:\n{p.log()[-2000:]}")
        return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "source_cpu": self.source.cpu_s() - before,
                "pg_cpu": None, "peak_rss_mib": usage.ru_maxrss / 1024, "summary": summary}

    def case_direct_latency(self, case):
        """200 transactions of one row a second for 20 s: commit in SQL Server to commit in PostgreSQL."""
        rows = self.rows
        self.rows = min(rows, 10_000)
        self.new_source(case, with_rows=True)
        self.rows = rows
        seconds, rate = 20, 200
        with self.source:
            database = self.new_database()
            stop = threading.Event()

            def load():
                with contextlib.closing(self.source.connect("bench")) as c, c.cursor() as q:
                    next_at = time.monotonic()
                    for number in range(seconds * rate):
                        q.execute(f"UPDATE dbo.items SET total = total + 1 WHERE id = {1 + number % 10_000}")
                        next_at += 1 / rate
                        time.sleep(max(0, next_at - time.monotonic()))
                stop.set()
            thread = threading.Thread(target=load, daemon=True)

            def check():
                if not thread.is_alive() and not stop.is_set():
                    with contextlib.suppress(Exception):
                        with contextlib.closing(self.pg.connect(database)) as c, c.cursor() as q:
                            q.execute("select bool_and(is_done) from millrace.table_state")
                            if q.fetchone()[0]:
                                time.sleep(1)
                                thread.start()
                return stop.is_set()
            took = self.run("initial", database, check)
            self.drop_database(database)
        took["changes"] = seconds * rate
        return [took], []

    # ---- results ----

    def result(self, case, runs, limits):
        rows = runs[0].get("changes", self.rows)
        million = rows / 1e6
        rates = [rows / r["seconds"] for r in runs]
        result = {"case": case, "rows": rows, "rounds": len(runs)}
        if case != "direct/latency":
            result["rows_per_s"] = round(statistics.median(rates))
        if limits:
            ratios = [rate / limit["rows_per_s"] for rate, limit in zip(rates, limits)]
            result["limit_rows_per_s"] = round(statistics.median(limit["rows_per_s"] for limit in limits))
            result["limit_way"] = limits[0].get("way", limits[0].get("case"))
            result["ratio"] = round(statistics.median(ratios), 3)
            result["ratio_min"], result["ratio_max"] = round(min(ratios), 3), round(max(ratios), 3)
        result["cpu_s_per_million"] = round(statistics.median(r["cpu"] for r in runs) / million, 3)
        result["source_cpu_s_per_million"] = round(statistics.median(r["source_cpu"] for r in runs) / million, 3)
        if runs[0]["pg_cpu"] is not None:
            result["pg_cpu_s_per_million"] = round(statistics.median(r["pg_cpu"] for r in runs) / million, 3)
        result["peak_rss_mib"] = round(max(r["peak_rss_mib"] for r in runs), 1)
        if case == "direct/latency":
            s = runs[0]["summary"]
            result.update(p50_ms=s["p50_us"] / 1000, p95_ms=s["p95_us"] / 1000, p99_ms=s["p99_us"] / 1000,
                          events=s["latency_count"])
            for key in ("cpu_s_per_million", "source_cpu_s_per_million", "pg_cpu_s_per_million"):
                result.pop(key, None)
        return result


def say(text):
    print(f"\r\x1b[K{text} …" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)


COLUMNS = [("case", "case", "{}"), ("rows", "rows", "{:,}"), ("rows_per_s", "rows/s", "{:,}"),
           ("limit_rows_per_s", "PostgreSQL's", "{:,}"), ("ratio", "ratio", "{:.2f}"), ("spread", "spread", "{}"),
           ("cpu_s_per_million", "CPU s/M", "{:.2f}"), ("source_cpu_s_per_million", "source", "{:.2f}"),
           ("pg_cpu_s_per_million", "PostgreSQL", "{:.2f}"), ("peak_rss_mib", "peak MiB", "{:.1f}"),
           ("p50_ms", "p50 ms", "{:.1f}"), ("p95_ms", "p95 ms", "{:.1f}"), ("p99_ms", "p99 ms", "{:.1f}")]


def show(results):
    lines = [[title for _, title, _ in COLUMNS]]
    for r in results:
        r = {**r, "spread": f"{r['ratio_min']:.2f}–{r['ratio_max']:.2f}" if "ratio" in r else None}
        lines.append([form.format(r[key]) if r.get(key) is not None else "" for key, _, form in COLUMNS])
    keep = [i for i in range(len(COLUMNS)) if any(line[i] for line in lines[1:])]
    widths = [max(len(line[i]) for line in lines) for i in keep]
    for line in lines:
        print("  ".join(line[i].ljust(w) if i == 0 else line[i].rjust(w) for i, w in zip(keep, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=" ".join(CASES), help="names, separated by blanks")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    wanted = re.split(r"[ ,]+", args.cases.strip())
    unknown = [c for c in wanted if c not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]}; there are {', '.join(CASES)}")
    lab.fresh_dir(LAB)
    bench = Bench(args.rows, args.rounds)
    results = []
    with lab.Postgres(LAB / "pg", database="limit") as bench.pg, open(LAB / "results.jsonl", "w") as out:
        for case in wanted:
            result = bench.measure(case)
            results.append(result)
            out.write(json.dumps(result) + "\n")
            out.flush()
    say("")
    print()
    show(results)
    print(f"\nwritten to {(LAB / 'results.jsonl').relative_to(lab.ROOT)}")


if __name__ == "__main__":
    main()
