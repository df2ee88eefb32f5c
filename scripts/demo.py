"""demo: millrace's whole way on this machine, in under two minutes.

    make demo          everything, then nothing is left running
    make demo KEEP=1   leaves all up and prints lines to paste

A throw-away PostgreSQL cluster and the SQL Server stand-in start under build/demo/ on free loopback ports; the quick start's
schema is made, filled and put under change data capture; `millrace run` copies it and follows a workload of inserts, updates,
deletes, key changes and transactions over several tables, with an ALTER TABLE … ADD and a second capture instance in its
midst. At the end `millrace verify` compares source and target row by row.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import lab
from workload import Workload, load

LAB = lab.ROOT / "build" / "demo"
QUICKSTART = lab.ROOT / "examples" / "quickstart"
CUSTOMERS, ORDERS, ITEMS_PER_ORDER = 100_000, 200_000, 2.5
WORKLOAD_SECONDS = 20
TABLES = ["dbo.customers", "dbo.orders", "dbo.line_items"]


def step(text):
    print(f"\x1b[1m==>\x1b[0m {text}" if sys.stdout.isatty() else f"==> {text}", flush=True)


class Demo:
    def __init__(self):
        self.failed = None
        self.first_row_s = None
        self.workloads = []
        self.ready = threading.Event()

    def environment(self):
        return {"SOURCE_HOST": "127.0.0.1", "SOURCE_PORT": str(self.source.port), "SOURCE_USER": "sa",
                "SOURCE_PASSWORD": lab.PASSWORD, "TARGET_URL": self.target.uri()}

    def prepare(self):
        step("a PostgreSQL cluster and the SQL Server stand-in, on loopback")
        self.source.script((QUICKSTART / "schema.sql").read_text())
        begin = time.monotonic()
        step(f"loading {CUSTOMERS:,} customers, {ORDERS:,} orders, {int(ORDERS * ITEMS_PER_ORDER):,} line items into SQL Server")
        self.rows = load(self.source, CUSTOMERS, ORDERS, ITEMS_PER_ORDER)
        seconds = time.monotonic() - begin
        step(f"{self.rows:,} rows in {seconds:.1f} s; enabling change data capture")
        self.source.script((QUICKSTART / "enable-cdc.sql").read_text())

    def start(self, shows=True):
        files = [QUICKSTART / "source.json", QUICKSTART / "sink.json"]
        if shows:
            step("millrace run " + " ".join(str(f.relative_to(lab.ROOT)) for f in files))
        self.begin = time.monotonic()
        self.millrace = lab.Process(
            "millrace", [lab.build_dir() / "millrace", "run", "--summary-file", LAB / "summary.json", *files], LAB,
            env=self.environment(), stdout=sys.stdout if shows else None)

    def target_value(self, sql):
        with contextlib.suppress(Exception):
            return self.target.rows(sql)[0][0]

    def wait(self, what, check, seconds=90):
        def alive():
            if not self.millrace.is_running():
                raise SystemExit(f"millrace ended:\n{self.millrace.log()[-3000:]}")
            return check()
        lab.wait_for(what, alive, seconds)

    def follow(self):
        """What happens beside the screen: wait for the snapshot, work, change the schema, work on, catch up."""
        self.wait("the first rows", lambda: self.target_value(
            "select 1 from (select 1 from dbo.customers union all select 1 from dbo.orders union all select 1 from dbo.line_items) r limit 1"))
        self.first_row_s = time.monotonic() - self.begin
        self.wait("the snapshot", lambda: self.target_value("select bool_and(is_done) from millrace.table_state"))
        self.snapshot_s = time.monotonic() - self.begin
        self.workloads = [Workload(self.source, CUSTOMERS, ORDERS, seed=seed, pause=0.001) for seed in (1, 2)]
        for w in self.workloads:
            w.start()
        time.sleep(WORKLOAD_SECONDS / 2)
        self.alter()
        time.sleep(WORKLOAD_SECONDS / 2)
        for w in self.workloads:
            w.stop()
        self.mark("the last change")

    def alter(self):
        with contextlib.closing(self.source.connect("warehouse_source")) as c, c.cursor() as q:
            q.execute("ALTER TABLE dbo.customers ADD loyalty_points int NULL")
            q.execute("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL, "
                      "@capture_instance = N'dbo_customers_v2'")
        for w in self.workloads:
            w.has_points = True

    def mark(self, what):
        """One more committed row; commits arrive in order, so when it is there all before it is."""
        email = f"mark-{time.monotonic_ns()}@example.com"
        with contextlib.closing(self.source.connect("warehouse_source")) as c, c.cursor() as q:
            q.execute("INSERT INTO dbo.customers (name, email, city, credit, is_active, created_at, loyalty_points) "
                      f"VALUES (N'mark', N'{email}', NULL, 0, 1, SYSUTCDATETIME(), 1)")
        self.wait(what, lambda: self.target_value(f"select 1 from dbo.customers where email = '{email}' and loyalty_points = 1"))

    def verify(self):
        files = [QUICKSTART / "source.json", QUICKSTART / "sink.json"]
        step("millrace verify: source against target, row by row")
        done = subprocess.run([lab.build_dir() / "millrace", "verify", *files], env={**os.environ, **self.environment()})
        return done.returncode == 0

    def print_summary(self, is_equal):
        s = json.loads((LAB / "summary.json").read_text())
        work = sum(w.transactions for w in self.workloads)
        rows = sum(w.rows for w in self.workloads)
        lines = [
            ("rows copied", f"{self.rows:,}", f"{self.rows / self.snapshot_s:,.0f} rows/s from the start of the process"),
            ("rows read again", f"{s['copied'] - self.rows:,}", "for the values of the new column"),
            ("first row", f"{self.first_row_s:.2f} s", "after the start of the process"),
            ("transactions", f"{work:,}", f"{rows:,} rows changed in {WORKLOAD_SECONDS} s, {s['changes']:,} changes applied"),
            ("latency", f"{s['p50_us'] / 1000:.0f} ms",
             f"p50; p95 {s['p95_us'] / 1000:.0f} ms, p99 {s['p99_us'] / 1000:.0f} ms: commit to commit, capture interval "
             f"{self.source.capture_ms} ms"),
            ("peak memory", f"{s['peak_rss_mib']:.1f} MiB", "resident, of millrace"),
            ("source = target", "yes" if is_equal else "NO", "every row of " + ", ".join(TABLES)),
        ]
        print()
        for name, value, note in lines:
            print(f"  {name:<16} {value:>12}   {note}")
        print()

    def keep(self):
        s, t = self.source, self.target
        print(f"""All is up. Type SQL on the left and see it on the right:

  tsql -H 127.0.0.1 -p {s.port} -U sa -P {lab.PASSWORD} -D warehouse_source
  1> UPDATE dbo.customers SET city = N'Basel' WHERE id = 1
  2> go

  psql {t.uri()}
  warehouse=# select id, name, city from dbo.customers where id = 1;

Ctrl-C here ends everything.""", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with contextlib.suppress(KeyboardInterrupt):
            while self.millrace.is_running():
                time.sleep(0.5)

    def run(self, keep):
        begin = time.monotonic()
        lab.fresh_dir(LAB)
        with contextlib.ExitStack() as stack:
            self.target = stack.enter_context(lab.Postgres(LAB / "pg"))
            self.source = stack.enter_context(lab.Standin(LAB / "standin"))
            self.prepare()
            self.start()
            stack.callback(lambda: self.millrace.stop(signal.SIGINT))
            self.follow()
            status = self.millrace.stop(signal.SIGINT)
            is_equal = self.verify()
            self.print_summary(is_equal)
            if keep:  # on from the stored position, without the screen
                self.start(shows=False)
                self.keep()
        print(f"  done in {time.monotonic() - begin:.0f} s; nothing is left running; logs in build/demo/")
        return 0 if is_equal and status == 0 else 1


def main():
    parser = argparse.ArgumentParser(description="millrace's demo")
    parser.add_argument("--keep", action="store_true", help="leave all up and print lines to paste")
    args = parser.parse_args()
    sys.exit(Demo().run(args.keep))


if __name__ == "__main__":
    main()
