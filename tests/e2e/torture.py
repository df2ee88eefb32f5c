"""torture: a running workload while faults come at random; afterwards source and target are compared row by row.

    make torture [SEED=n] [FAULTS=n]

Both servers are reached through a small proxy that can reset, stall and slow its connections. The target's foreign keys are immediate,
from the end of the first copy on. A seed gives the same faults in the same order; the points in time are the machine's. Faults come one
upon another, or one by one with the time measured until a row committed after the fault was gone is in the target. Printed at the end:
what came, how long the target took to be current again, and which kinds can't be had on this machine.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import psycopg2  # noqa: E402
import pytds  # noqa: E402

import lab  # noqa: E402
import workload  # noqa: E402
from compare import warehouse_differences  # noqa: E402
from conftest import QUICKSTART, Runner  # noqa: E402

DATABASE = "warehouse_source"
RESUME_LIMIT_S = 90
RESUME_BAR_S = 2  # after a fault is gone; told, not asserted
DISK_MIB = 400    # of the target's, when a file system may be mounted
SOURCE_ERRORS = (701, 1204, 1205, 1222, 8645, 10928, 40501)  # that pass by themselves
KEYED = ("customers", "orders", "line_items")


# ---- the wire ----

class Proxy:
    """Forwards 127.0.0.1:port to another port; its connections can be cut, held and slowed."""

    def __init__(self, to_port):
        self.to_port, self.pause, self.links, self.lock = to_port, 0.0, [], threading.Lock()
        self.flowing = threading.Event()
        self.flowing.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to_port), 5)
            except OSError:
                self._reset(client)
                continue
            for s in (client, server):
                s.settimeout(None)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.links.append((client, server))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                self.flowing.wait()
                if self.pause:
                    time.sleep(self.pause)
                b.sendall(data)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _reset(s):
        with contextlib.suppress(OSError):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_RD)  # wakes the pump that holds it
        s.close()

    def reset(self):
        """Every connection ends with a reset, on both sides."""
        with self.lock:
            links, self.links = self.links, []
        for link in links:
            for s in link:
                self._reset(s)

    def stall(self, seconds):
        """Nothing gets through for a while, then all connections are reset."""
        self.flowing.clear()
        time.sleep(seconds)
        self.reset()
        self.flowing.set()

    def half_open(self, seconds):
        """The servers see an end, millrace sees nothing for a while."""
        with self.lock:
            links, self.links = self.links, []
        self.flowing.clear()
        for _, server in links:
            self._reset(server)
        time.sleep(seconds)
        for client, _ in links:
            self._reset(client)
        self.flowing.set()

    def slow(self, seconds, pause):
        self.pause = pause
        time.sleep(seconds)
        self.pause = 0.0

    def close(self):
        self.listener.close()
        self.reset()


class Through:
    """A server as Runner sees it, behind a proxy."""

    def __init__(self, server, proxy):
        self.server, self.proxy = server, proxy

    def __getattr__(self, name):
        return getattr(self.server, name)

    @property
    def port(self):
        return self.proxy.port

    limits = "lock_timeout=400 statement_timeout=20000"

    def uri(self):
        """With short limits, so that a lock held for a second or two runs into them."""
        options = "%20".join(f"-c%20{limit.replace('=', '%3D')}" for limit in self.limits.split())
        return f"postgresql://postgres@127.0.0.1:{self.proxy.port}/{self.server.database}?options={options}"


# ---- the work ----

class Load(workload.Workload):
    """The warehouse's workload and a keyless table's, over connections that come and go."""

    def __init__(self, standin, customers, orders, seed, columns, pause):
        super().__init__(standin, customers, orders, seed=seed, pause=pause, database=DATABASE)
        self.columns = columns  # {table: [columns added so far]}, grown by the faults
        self.kinds += [(self.loose_in, 8), (self.loose_change, 5), (self.loose_out, 5), (self.added, 10), (self.sweep, 0.15),
                       (self.rekey, 6), (self.new_family, 5), (self.end_family, 3)]

    def run(self):
        while not self._stopping.is_set():
            with contextlib.suppress(Exception):  # the source is the truth: what failed wasn't committed, or was
                self.session()
            self._stopping.wait(0.05)

    def session(self):
        kinds, weights = zip(*self.kinds)
        with contextlib.closing(self.standin.connect(DATABASE, timeout=10)) as c, c.cursor() as q:
            while not self._stopping.is_set():
                sql, rows = self.random.choices(kinds, weights)[0]()
                q.execute(sql)
                while q.nextset():
                    pass
                self.transactions += 1
                self.rows += rows
                time.sleep(self.pause)

    def loose_in(self):
        a, b = self.random.randint(1, 20), self.random.choice(["NULL", "N'x'", "N'東京'"])
        return f"INSERT INTO dbo.loose VALUES ({a}, {b}), ({a}, {b}), (NULL, {b})", 3

    def loose_change(self):
        return f"UPDATE dbo.loose SET b = N'{self.random.randint(1, 5)}' WHERE a = {self.random.randint(1, 20)}", 1

    def loose_out(self):
        return f"DELETE TOP (2) FROM dbo.loose WHERE a = {self.random.randint(1, 20)} OR a IS NULL", 2

    def rekey(self):
        """Keys change, a whole order's at a time."""
        by, order = self.random.choice([1000, -1000]), self.order()
        return (f"UPDATE dbo.line_items SET line_no = line_no + {by} WHERE order_id = {order} AND line_no "
                f"{'< 1000' if by > 0 else '>= 1000'}", 3)

    def new_family(self):
        """Parents and children in one transaction, over three tables."""
        name = f"family-{self.random.randint(1, 10**9)}"
        return (f"BEGIN TRAN; INSERT INTO dbo.customers (name, email, city, credit, is_active, created_at) VALUES (N'{name}', NULL, NULL, 0, 1, "
                "'2026-01-01'); DECLARE @c int = SCOPE_IDENTITY(); INSERT INTO dbo.orders (customer_id, status, total, placed_at) "
                "VALUES (@c, N'new', 1, '2026-01-01'); DECLARE @o int = SCOPE_IDENTITY(); INSERT INTO dbo.line_items (order_id, line_no, "
                "sku, quantity, price) VALUES (@o, 1, N'a', 1, 1), (@o, 2, N'b', 1, 1); COMMIT", 4)

    def end_family(self):
        return ("BEGIN TRAN; DECLARE @c int = (SELECT MAX(c.id) FROM dbo.customers c WITH (UPDLOCK) WHERE c.name LIKE N'family-%'); "
                "DELETE FROM dbo.line_items WHERE order_id IN (SELECT id FROM dbo.orders WHERE customer_id = @c); "
                "DELETE FROM dbo.orders WHERE customer_id = @c; DELETE FROM dbo.customers WHERE id = @c; COMMIT", 4)

    def sweep(self):
        """A transaction of several batches."""
        return "UPDATE dbo.line_items SET quantity = quantity + 1", int(self.orders * 2.5)

    def added(self):
        """A value in one of the columns added meanwhile."""
        table = self.random.choice(KEYED)
        if not self.columns[f"dbo.{table}"]:
            return self.pay()
        column = self.random.choice(self.columns[f"dbo.{table}"])
        key = "order_id" if table == "line_items" else "id"
        return f"UPDATE dbo.{table} SET {column} = {self.random.randint(1, 9999)} WHERE {key} = {self.order()}", 1


# ---- the faults ----

class Torture:
    """Owns the process, the proxies and the workload; the servers are the caller's."""

    def __init__(self, directory, standin, postgres, seed, size=(300, 600), loads=2, pause=0.004, lanes=(1, 1, 3)):
        self.directory, self.standin, self.postgres, self.seed = pathlib.Path(directory), standin, postgres, seed
        self.columns = {f"dbo.{t}": [] for t in KEYED}
        self.instances = {t: [f"dbo_{t}"] for t in (*KEYED, "loose")}
        self.count, self.resumed, self.current, self.left_out = collections.Counter(), collections.defaultdict(list), [], []
        self.numbers, self.has_foreign_keys, self.mode, self.lane_counts, self.lanes = 0, False, "initial", lanes, 1
        self.create(*size)
        self.proxies = Proxy(standin.port), Proxy(postgres.port)
        self.source, self.target = (Through(s, p) for s, p in zip((standin, postgres), self.proxies))
        self.runner = Runner(self.directory, self.source, self.target)
        self.loads = [Load(standin, *size, seed=seed * 100 + i, columns=self.columns, pause=pause) for i in range(loads)]
        self.run = None
        self.faults = [(f, w) for f, w in (
            (self.kill, 8), (self.stop_and_go, 4), (self.term, 3), (self.takeover, 2), (self.postgres_crash, 3),
            (self.source_crash, 3), (self.reset, 6), (self.stall, 3), (self.half_open, 3), (self.slow, 2), (self.terminate, 4),
            (self.target_lock, 4), (self.source_lock, 3), (self.capture_lag, 3), (self.agent, 3), (self.new_instance, 5),
            (self.old_instance, 2), (self.source_error, 4), (self.row_lock, 4), (self.deadlock, 3), (self.allocation_failure, 3),
            (self.cleanup_near, 3), (self.cleanup_past, 0.7), (self.disk_full, 4))]
        if not getattr(postgres, "disk", None):
            self.faults = [(f, w) for f, w in self.faults if f != self.disk_full]
            self.left_out.append("disk_full (no right to mount a small file system)")

    def create(self, customers, orders):
        s = self.standin
        s.script((QUICKSTART / "schema.sql").read_text())
        s.script(f"USE {DATABASE}\nGO\nCREATE TABLE dbo.loose (a int NULL, b nvarchar(20) NULL)\nGO\n"
                 "INSERT INTO dbo.loose VALUES (1, N'x'), (1, N'x'), (2, NULL), (NULL, NULL), (NULL, NULL)")
        workload.load(s, customers=customers, orders=orders)
        if self.seed % 2:
            s.script(f"ALTER DATABASE {DATABASE} SET ALLOW_SNAPSHOT_ISOLATION ON")
        s.script((QUICKSTART / "enable-cdc.sql").read_text())
        s.script("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL", DATABASE)

    # -- the process

    def start(self):
        self.numbers += 1
        self.lanes = random.Random(self.seed * 1000 + self.numbers).choice(self.lane_counts)
        self.target.limits = "lock_timeout=400 statement_timeout=20000" if self.numbers % 2 else "statement_timeout=1500"
        return self.runner.start(
            source={"snapshot.mode": self.mode, "errors.max.retries": "-1", "table.include.list": "dbo.customers,dbo.orders,dbo.line_items,dbo.loose",
                    "retriable.restart.connector.wait.ms": "1000", "snapshot.lock.timeout.ms": "500"},
            sink={"retry.backoff.ms": "100", "tasks.max": str(self.lanes)}, name=f"millrace-{self.numbers}")

    def check(self):
        assert self.run.is_running(), f"seed {self.seed}: millrace ended by itself:\n{self.run.log()[-4000:]}"

    def kill(self, dice):
        self.run.stop(signal.SIGKILL)
        self.run = self.start()

    def term(self, dice):
        lab.wait_for("the start", lambda: "event=start" in self.run.log())  # before it a signal just ends the process
        status = self.run.stop(signal.SIGTERM, seconds=70)
        assert status == 0, f"seed {self.seed}: SIGTERM ended with {status}:\n{self.run.log()[-4000:]}"
        self.run = self.start()

    def stop_and_go(self, dice):
        self.run.send(signal.SIGSTOP)
        time.sleep(dice.uniform(0.1, 1.5))
        self.run.send(signal.SIGCONT)

    def takeover(self, dice):
        first = self.run
        lab.wait_for("the first to own", lambda: self.check() or "pipeline_owned" in first.log(), 30)  # else it takes it back
        first.send(signal.SIGSTOP)
        self.run = self.start()
        lab.wait_for("the second to own", lambda: "pipeline_owned" in self.run.log() or not self.run.is_running(), 30)
        first.send(signal.SIGCONT)
        lab.wait_for("the first to see that it lost", lambda: not first.is_running(), 60)
        assert first.child.returncode != 0, first.log()

    def allocation_failure(self, dice):
        """No more memory than there is: the process ends, and a new one goes on."""
        pages = int(pathlib.Path(f"/proc/{self.run.pid}/statm").read_text().split()[0])
        limit = pages * 4096 + dice.choice([0, 1 << 20, 8 << 20])
        subprocess.run(["prlimit", f"--pid={self.run.pid}", f"--as={limit}"], check=True)
        with contextlib.suppress(TimeoutError):
            lab.wait_for("the end", lambda: not self.run.is_running(), dice.uniform(0.5, 2))
        if self.run.is_running():  # it had enough
            self.count["allocation_failure (survived)"] += 1
            self.run.stop(signal.SIGKILL)
        else:
            assert self.run.child.returncode != 0, self.run.log()[-2000:]
        self.run = self.start()

    # -- the servers

    def disk_full(self, dice):
        """The file system of the whole cluster: rows, WAL, temporary files. PostgreSQL may end itself for it (PANIC)."""
        self.postgres.fill_disk()
        time.sleep(dice.uniform(0.3, 1.5))
        self.postgres.empty_disk()
        try:
            self.postgres.connect("postgres").close()
        except psycopg2.Error:
            self.count["disk_full (PostgreSQL ended)"] += 1
            if self.postgres.process.is_running():
                with contextlib.suppress(TimeoutError):
                    lab.wait_for("its recovery", lambda: not self.postgres.connect("postgres").close(), 10)
                    return
                self.postgres.stop(immediate=True)
            self.postgres.start()

    def source_error(self, dice):
        """The next statements of millrace fail with an error that may pass."""
        part = dice.choice(["%lsn_time_mapping%", "%[_]CT]%", "%FROM [[]dbo]%"])
        self.sql(f"EXEC standin.fail @number = {dice.choice(SOURCE_ERRORS)}, @severity = {dice.choice([13, 16, 16, 20])}, "
                 f"@times = {dice.randint(1, 4)}, @statement_like = N'{part}'")
        time.sleep(dice.uniform(0.3, 1.2))
        self.sql("EXEC standin.end_faults")

    def row_lock(self, dice):
        """Rows that changes go to are locked for longer than a lock or a statement may wait."""
        table, key = dice.choice([("customers", "id"), ("orders", "id"), ("line_items", "order_id")])
        with contextlib.closing(self.postgres.connect(autocommit=False)) as c, c.cursor() as q:
            q.execute("SELECT to_regclass(%s)", (f"dbo.{table}",))
            if q.fetchone()[0]:
                q.execute(f"SET lock_timeout = '3s'; SELECT count(*) FROM (SELECT 1 FROM dbo.{table} "
                          f"WHERE {key} % {dice.randint(1, 3)} = 0 FOR UPDATE) x")
                time.sleep(dice.uniform(0.6, 2))

    def deadlock(self, dice):
        """Children's rows first, then their parents', against our own order; until PostgreSQL has ended one or the other."""
        before = self.deadlocks()
        until = time.monotonic() + 4
        while time.monotonic() < until and self.deadlocks() == before:
            with contextlib.suppress(psycopg2.Error), contextlib.closing(self.postgres.connect(autocommit=False)) as c, c.cursor() as q:
                q.execute("SET lock_timeout = '1s'; SET deadlock_timeout = '1s'; SELECT 1 FROM dbo.line_items FOR UPDATE")
                time.sleep(0.15)
                q.execute("SELECT 1 FROM dbo.customers FOR UPDATE")
            time.sleep(0.05)
        self.count["deadlock (met)"] += self.deadlocks() > before

    def deadlocks(self):
        with contextlib.suppress(psycopg2.Error):
            self.postgres.rows("SELECT pg_stat_force_next_flush()")
        return self.postgres.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]

    def postgres_crash(self, dice):
        self.postgres.stop(immediate=True)
        time.sleep(dice.uniform(0, 1))
        self.postgres.start()

    def source_crash(self, dice):
        self.standin.process.kill()
        time.sleep(dice.uniform(0, 1))
        self.standin.start()

    def terminate(self, dice):
        self.postgres.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                           "AND datname = current_database()")

    def target_lock(self, dice):
        table = dice.choice((*KEYED, "loose"))
        mode = dice.choice(["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE"])
        with contextlib.closing(self.postgres.connect(autocommit=False)) as c, c.cursor() as q:
            q.execute("SELECT to_regclass(%s)", (f"dbo.{table}",))
            if q.fetchone()[0]:
                q.execute(f"SET lock_timeout = '3s'; LOCK TABLE dbo.{table} IN {mode} MODE")
                time.sleep(1.2)

    def source_lock(self, dice):
        table = dice.choice((*KEYED, "loose"))
        with contextlib.closing(self.standin.connect(DATABASE, timeout=20)) as c, c.cursor() as q:
            q.execute(f"BEGIN TRAN; SELECT TOP (1) * FROM dbo.{table} WITH (TABLOCKX)")
            q.fetchall()
            time.sleep(1.2)
            q.execute("ROLLBACK")

    def sql(self, text):
        """On the source; again while other sessions are in the way."""
        def done():
            self.standin.script(text, DATABASE)
            return True
        lab.wait_for(f"the source to take {text!r}", done, 30, step=0.1)

    def capture_lag(self, dice):
        """Not while the table without a key is copied: its exact copy needs a scan that reaches the log's end."""
        lab.wait_for("the copy of dbo.loose", self.loose_is_copied, 60)
        self.sql(f"EXEC standin.capture_lag @ms = {dice.randint(200, 1500)}")
        time.sleep(dice.uniform(0.5, 2))
        self.sql("EXEC standin.capture_lag @ms = 0")

    def loose_is_copied(self):
        self.check()
        return self.postgres.rows("SELECT 1 FROM millrace.table_state WHERE source_table = 'loose' AND is_done")

    def agent(self, dice):
        """Not before the copy's end: a start without a position refuses a stopped agent, as it should."""
        lab.wait_for("a position", self.has_position, 60)
        self.sql("EXEC standin.agent_stop")
        time.sleep(dice.uniform(0.2, 2))
        self.sql("EXEC standin.agent_start")

    def has_position(self):
        self.check()
        return self.postgres.rows("SELECT 1 FROM millrace.position WHERE position IS NOT NULL")

    def position(self):
        """The stored commit LSN as a binary literal."""
        text = self.postgres.rows("SELECT min(position) FROM millrace.position")[0][0]
        return "0x" + "".join(text.split()[0].split(":")[:3])

    def cleanup_near(self, dice):
        """Cleanup goes up to the stored position: nothing that is needed is taken."""
        lab.wait_for("a position", self.has_position, 60)
        lab.wait_for("the copy's end", self.is_copied, 60)
        self.sql(f"DECLARE @l binary(10) = {self.position()}; EXEC standin.cleanup_to @l")

    def cleanup_past(self, dice):
        """Cleanup goes past the stored position: an error, never a silent gap; then the documented way on."""
        lab.wait_for("a position", self.has_position, 60)
        lab.wait_for("the copy's end", self.is_copied, 90)
        self.run.stop(signal.SIGKILL)
        marker = self.runner.mark()
        lab.wait_for("its capture", lambda: self.standin.rows(
            f"SELECT 1 FROM cdc.[{self.instances['customers'][-1]}_CT] WHERE email = N'{marker}'", DATABASE), 30)
        self.sql("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @l")
        self.run = self.start()
        lab.wait_for("the error", lambda: not self.run.is_running(), 60)
        assert self.run.child.returncode != 0 and "are needed" in self.run.log(), self.run.log()[-3000:]
        self.mode = "when_needed"
        self.run = self.start()
        self.mode = "initial"
        lab.wait_for("the new copy", lambda: self.is_copied() and self.check() is None and self.reached(marker), 120)

    def reached(self, marker):
        return self.postgres.rows("SELECT 1 FROM dbo.customers WHERE email = %s", marker)

    def is_copied(self):
        return self.postgres.rows("SELECT 1 WHERE EXISTS (SELECT 1 FROM millrace.position) AND NOT EXISTS (SELECT 1 FROM "
                                  "millrace.position WHERE position IS NULL) AND (SELECT count(*) FROM millrace.table_state WHERE is_done) = 4")

    def foreign_keys(self, wanted):
        """Immediate ones, as the source has them. Several lanes look up at their start which tables belong together, so they are stopped
        for it; where they stand apart then, the keys have to wait."""
        stops = wanted and self.lanes > 1
        if stops:
            self.run.stop(signal.SIGTERM, seconds=70)
        for table in ("orders", "line_items"):
            self.postgres.rows(f"ALTER TABLE dbo.{table} DROP CONSTRAINT IF EXISTS fk_torture")
        try:
            for table, column, parent in (("orders", "customer_id", "customers"), ("line_items", "order_id", "orders")) if wanted else ():
                self.postgres.rows(f"ALTER TABLE dbo.{table} ADD CONSTRAINT fk_torture FOREIGN KEY ({column}) REFERENCES dbo.{parent}")
            self.has_foreign_keys = wanted
        except psycopg2.errors.ForeignKeyViolation:
            if not stops:  # one lane: the target is never between two states
                raise
            self.postgres.rows("ALTER TABLE dbo.orders DROP CONSTRAINT IF EXISTS fk_torture")
        if stops:
            self.run = self.start()

    def new_instance(self, dice):
        """A column and the instance that has it; a table without a key gets the instance alone."""
        table = dice.choice((*KEYED, "loose"))
        if len(self.instances[table]) == 2:
            return self.old_instance(dice, table)
        self.numbers += 1
        if table != "loose":
            column = f"added_{self.numbers}"
            self.sql(f"IF COL_LENGTH('dbo.{table}', '{column}') IS NULL ALTER TABLE dbo.{table} ADD {column} int NULL")
            self.columns[f"dbo.{table}"].append(column)
            time.sleep(dice.uniform(0, 0.5))
        name = f"dbo_{table}_{self.numbers}"
        self.sql(f"IF NOT EXISTS (SELECT * FROM cdc.change_tables WHERE capture_instance = N'{name}') "
                 f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', "
                 f"@capture_instance = N'{name}', @role_name = NULL")
        self.instances[table].append(name)

    def old_instance(self, dice, table=None):
        """The older of two is dropped, once the target is behind the newer one's start."""
        table = table or dice.choice((*KEYED, "loose"))
        if len(self.instances[table]) < 2:
            return
        if not self.is_taken_over(self.instances[table][1]):
            self.count["old_instance (not yet)"] += 1
            return
        old = self.instances[table].pop(0)
        self.sql(f"IF EXISTS (SELECT * FROM cdc.change_tables WHERE capture_instance = N'{old}') "
                 f"EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'{table}', @capture_instance = N'{old}'")

    def is_taken_over(self, instance):
        rows = self.standin.rows(
            f"SELECT start_lsn, object_id FROM cdc.change_tables WHERE capture_instance = N'{instance}'", DATABASE)
        return rows and rows[0][0] and self.postgres.rows(
            "SELECT 1 FROM millrace.table_state WHERE instance = %s", rows[0][1])

    # -- the wire

    def reset(self, dice):
        dice.choice(self.proxies).reset()

    def stall(self, dice):
        dice.choice(self.proxies).stall(dice.uniform(0.3, 2))

    def half_open(self, dice):
        dice.choice(self.proxies).half_open(dice.uniform(0.3, 2))

    def slow(self, dice):
        dice.choice(self.proxies).slow(dice.uniform(0.5, 2), dice.choice([0.005, 0.05]))

    # -- the run

    def fault(self, function, dice, say, name):
        say(name)
        self.count[function.__name__] += 1
        try:
            function(dice)
        except (psycopg2.Error, pytds.Error, OSError, EOFError) as e:  # another fault was in the way of this one
            say(f"{name} was cut short: {str(e).strip()}")

    def measure(self, name):
        """From now, with the fault gone: until something is committed in the target again, and until a row committed now is there."""
        begun = time.monotonic()
        try:
            before = self.positions()
            lab.wait_for("the position to move", lambda: self.check() or self.positions() != before, RESUME_LIMIT_S)
            self.resumed[name].append(time.monotonic() - begun)
            self.drain()
            self.current.append(time.monotonic() - begun)
        except psycopg2.Error as e:
            raise AssertionError(f"seed {self.seed}: after {name}: {e}") from None

    def positions(self):
        return self.postgres.rows("SELECT lane, position FROM millrace.position ORDER BY 1")

    def torture(self, faults, seconds=None, say=lambda text: None):
        """`faults` of them, or as many as come in `seconds`; some in pairs. Returns seconds from the last to being current."""
        until = time.monotonic() + (seconds or 1e9)
        dice = random.Random(self.seed)
        of_process = [(f, w) for f, w in self.faults if f in (
            self.kill, self.term, self.takeover, self.stop_and_go, self.allocation_failure, self.cleanup_past)]
        others = [(f, w) for f, w in self.faults if (f, w) not in of_process]
        for load in self.loads:
            load.start()
        self.run = self.start()
        for number in range(1, faults + 1):
            time.sleep(dice.choice([0, dice.uniform(0, 0.3), dice.uniform(0, 2)]))
            if time.monotonic() > until:
                break
            if not self.has_foreign_keys and self.count.total() and self.may_have_foreign_keys():
                self.foreign_keys(True)
            is_pair, is_measured = dice.random() < 0.3, dice.random() < 0.7
            beside = None
            for among in (others, of_process) if is_pair else (self.faults,):
                functions, weights = zip(*among)
                function = dice.choices(functions, weights)[0]
                name = f"{number}{' with' if beside else ''} {function.__name__}"
                job = (function, random.Random(dice.random()), say, name)
                if is_pair and not beside:
                    beside = threading.Thread(target=self.fault, args=job, daemon=True)
                    beside.start()
                    time.sleep(dice.uniform(0, 0.5))
                else:
                    self.fault(*job)
            if beside:
                beside.join(90)
            self.check()
            if not beside and is_measured and self.has_foreign_keys:
                self.measure(function.__name__)
        return self.resume()

    def may_have_foreign_keys(self):
        """Nothing is being copied, nor will be for an instance that there is."""
        with contextlib.suppress(psycopg2.Error, pytds.Error, OSError):
            return self.is_copied() and all(self.is_taken_over(names[-1]) for names in self.instances.values())
        return False

    @staticmethod
    def figures(times):
        times = sorted(times)
        return f"p50 {statistics.median(times):.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s, max {times[-1]:.2f} s"

    def report(self):
        """Lines: faults by kind, and how long it took to go on."""
        everything = [s for times in self.resumed.values() for s in times]
        yield f"{sum(n for name, n in self.count.items() if '(' not in name)} faults of {len([n for n in self.count if '(' not in n])} kinds"
        for name, n in sorted(self.count.items()):
            times = self.resumed.get(name)
            yield f"  {n:4} {name:32}" + (f" went on after {self.figures(times)} ({len(times)} measured)" if times else "")
        yield from (f"  left out: {name}" for name in self.left_out)
        if self.current:
            yield (f"after a fault was gone, the next commit: {self.figures(everything)}; "
                   f"{sum(s > RESUME_BAR_S for s in everything)} of {len(everything)} over {RESUME_BAR_S} s")
            yield f"all that was committed until then, too: {self.figures(self.current)}"

    def resume(self):
        """Current again: a row committed now is there."""
        begun = time.monotonic()
        self.drain()
        resumed = time.monotonic() - begun
        for load in self.loads:
            load.stop()
        self.drain()
        lab.wait_for("the added columns", lambda: self.check() or not self.differences(), RESUME_LIMIT_S, step=0.5)
        return resumed

    def drain(self):
        marker = None

        def mark():
            nonlocal marker
            marker = self.runner.mark()
            return True

        def is_there():
            self.check()
            return self.postgres.rows("SELECT 1 FROM dbo.customers WHERE email = %s", marker)
        lab.wait_for("the source to take a row", mark, 30)
        try:
            lab.wait_for("the target to catch up", is_there, RESUME_LIMIT_S)
        except TimeoutError as e:
            raise AssertionError(f"seed {self.seed}: {e}:\n{self.run.log()[-4000:]}") from None

    def differences(self):
        found = warehouse_differences(self.standin, self.postgres, DATABASE, self.columns)
        left = collections.Counter(map(tuple, self.standin.rows("SELECT a, b FROM dbo.loose", DATABASE)))
        right = collections.Counter(map(tuple, self.postgres.rows("SELECT a, b FROM dbo.loose")))
        found += [f"dbo.loose: {n} more of {row} in the source" for row, n in (left - right).items()]
        found += [f"dbo.loose: {n} more of {row} in the target" for row, n in (right - left).items()]
        return found

    def close(self):
        for load in self.loads:
            load._stopping.set()
        self.runner.stop()
        for p in self.proxies:
            p.close()


class SmallDisk(lab.Postgres):
    """A cluster on a file system of its own that can be filled."""

    def __init__(self, directory, **options):
        self.disk = lab.fresh_dir(directory)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", self.disk], check=True, capture_output=True)
        try:
            super().__init__(self.disk / "pg", **options)
        except BaseException:
            self.unmount()
            raise

    def fill_disk(self):
        with contextlib.suppress(OSError), open(self.disk / "ballast", "wb") as f:
            while True:
                f.write(bytes(1 << 16))
                f.flush()

    def empty_disk(self):
        (self.disk / "ballast").unlink(missing_ok=True)

    def unmount(self):
        subprocess.run(["umount", "-l", self.disk], check=False, capture_output=True)

    def __exit__(self, *_):
        super().__exit__()
        self.unmount()


def postgres_server(directory):
    """On a small disk where one may be mounted: as root, outside most containers."""
    settings = {"fsync": "off", "deadlock_timeout": "100ms", "max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB"}
    try:
        return SmallDisk(directory / "disk", settings=settings)
    except (subprocess.CalledProcessError, OSError):
        return lab.Postgres(directory / "pg", settings=settings)


@contextlib.contextmanager
def servers(directory):
    directory = lab.fresh_dir(directory)
    with postgres_server(directory) as postgres, lab.Standin(directory / "standin") as standin:
        yield standin, postgres


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--directory", default=ROOT / "build" / "torture")
    parser.add_argument("--lanes", default="1,1,3", help="one of them at each start of the process")
    options = parser.parse_args()
    print(f"seed {options.seed}: SEED={options.seed} FAULTS={options.faults} replays the faults", flush=True)
    with servers(options.directory) as (standin, postgres):
        t = Torture(options.directory, standin, postgres, options.seed, size=(2000, 6000), lanes=[int(n) for n in options.lanes.split(",")])
        begun = time.monotonic()
        try:
            resumed = t.torture(options.faults, say=lambda text: print(f"{time.monotonic() - begun:7.1f} s  {text}", flush=True))
        except (TimeoutError, AssertionError) as e:
            print(e, *t.report(), sep="\n")
            print(*t.differences(), t.run.log()[-4000:], sep="\n")
            return 1
        finally:
            t.close()
        print(*t.report(), sep="\n")
        print(f"{sum(load.transactions for load in t.loads)} transactions, {sum(load.rows for load in t.loads)} rows; "
              f"current again {resumed:.2f} s after the last fault; no difference; {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
