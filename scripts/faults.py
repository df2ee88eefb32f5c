"""faults: what a running pipeline is put through at random, over a running workload; afterwards source and target are compared row by row.

Both servers are reached through a small proxy that can reset, stall and slow its connections. A seed gives the same faults in the same
order; the points in time are the machine's. Faults come one upon another, or one by one with the time measured until a row committed
after the fault was gone is in the target. Here is the frame and what servers and wires do; what becomes of millrace's own processes is
in tests/e2e/torture.py (direct) and tests/kafka/torture_kafka.py.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import socket
import statistics
import struct
import sys
import threading
import time

import psycopg2
import pytds

import lab
import workload
from compare import warehouse_differences

DATABASE = "warehouse_source"
QUICKSTART = lab.ROOT / "examples" / "quickstart"
RESUME_LIMIT_S = 90
RESUME_BAR_S = 2  # after a fault is gone; told, not asserted
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
        with contextlib.closing(self.standin.connect(DATABASE, timeout=10)) as c, c.cursor() as q:
            while not self._stopping.is_set():
                self.one(q)

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
    """Owns millrace's processes, the proxies and the workload; the servers are the caller's. Who derives from it starts processes
    (begin), says whether they run (check), what they say (log) and where the target stands (positions), and lists its faults."""

    OF_PROCESS = ()  # names of faults that start or stop millrace: never two of them at once
    KEYLESS = {"loose": "a, b"}  # and their columns
    LOAD = Load
    IN_THE_WAY = (psycopg2.Error, pytds.Error, OSError, EOFError)  # what a fault fails with when another one is in its way

    def __init__(self, directory, standin, postgres, seed, size, loads, pause):
        self.directory, self.standin, self.postgres, self.seed = pathlib.Path(directory), standin, postgres, seed
        self.columns = {f"dbo.{t}": [] for t in KEYED}
        self.count, self.resumed, self.current, self.left_out = collections.Counter(), collections.defaultdict(list), [], []
        self.create(*size)
        self.proxies = Proxy(standin.port), Proxy(postgres.port)
        self.source, self.target = (Through(s, p) for s, p in zip((standin, postgres), self.proxies))
        self.loads = [self.LOAD(standin, *size, seed=seed * 100 + i, columns=self.columns, pause=pause) for i in range(loads)]
        self.faults = []  # (method, weight)
        self.failed = []  # what a fault beside another one found

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

    # -- the servers

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
        table = dice.choice((*KEYED, *self.KEYLESS))
        mode = dice.choice(["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE"])
        with contextlib.closing(self.postgres.connect(autocommit=False)) as c, c.cursor() as q:
            q.execute("SELECT to_regclass(%s)", (f"dbo.{table}",))
            if q.fetchone()[0]:
                q.execute(f"SET lock_timeout = '3s'; LOCK TABLE dbo.{table} IN {mode} MODE")
                time.sleep(1.2)

    def source_lock(self, dice):
        table = dice.choice((*KEYED, *self.KEYLESS))
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
        except self.IN_THE_WAY as e:
            say(f"{name} was cut short: {str(e).strip()}")
        except AssertionError as e:
            if threading.current_thread() is threading.main_thread():
                raise
            self.failed.append(f"{name}: {e}")

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

    def torture(self, faults, seconds=None, say=lambda text: None):
        """`faults` of them, or as many as come in `seconds`; some in pairs. Returns seconds from the last to being current."""
        until = time.monotonic() + (seconds or 1e9)
        dice = random.Random(self.seed)
        of_process = [(f, w) for f, w in self.faults if f.__name__ in self.OF_PROCESS]
        others = [(f, w) for f, w in self.faults if (f, w) not in of_process]
        for load in self.loads:
            load.start()
        self.begin()
        for number in range(1, faults + 1):
            time.sleep(dice.choice([0, dice.uniform(0, 0.3), dice.uniform(0, 2)]))
            if time.monotonic() > until:
                break
            self.before_fault()
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
                assert not self.failed, f"seed {self.seed}: {self.failed}"
            self.check()
            if not beside and is_measured and self.may_measure():
                self.measure(function.__name__)
        return self.resume()

    def before_fault(self):
        """Between two faults."""

    def may_measure(self):
        return True

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
        try:
            lab.wait_for("the added columns", lambda: self.check() or not self.differences(), RESUME_LIMIT_S, step=0.5)
        except TimeoutError:
            raise AssertionError(f"seed {self.seed}: " + "\n".join(self.differences()[:30]) + f"\n{self.log()[-4000:]}") from None
        return resumed

    def drain(self):
        marker = None

        def mark():
            nonlocal marker
            marker = workload.mark(self.source)
            return True

        def is_there():
            self.check()
            return self.postgres.rows("SELECT 1 FROM dbo.customers WHERE email = %s", marker)
        lab.wait_for("the source to take a row", mark, 30)
        try:
            lab.wait_for("the target to catch up", is_there, RESUME_LIMIT_S)
        except TimeoutError as e:
            raise AssertionError(f"seed {self.seed}: {e}:\n{self.log()[-4000:]}") from None

    def differences(self):
        found = warehouse_differences(self.standin, self.postgres, DATABASE, self.columns)
        for table, columns in self.KEYLESS.items():
            left = collections.Counter(map(tuple, self.standin.rows(f"SELECT {columns} FROM dbo.{table}", DATABASE)))
            right = collections.Counter(map(tuple, self.postgres.rows(f"SELECT {columns} FROM dbo.{table}")))
            found += [f"dbo.{table}: {n} more of {row} in the source" for row, n in (left - right).items()]
            found += [f"dbo.{table}: {n} more of {row} in the target" for row, n in (right - left).items()]
        return found

    def close(self):
        for load in self.loads:
            load._stopping.set()
        for p in self.proxies:
            p.close()


def main(what, servers, make, faults, more=lambda parser: None):
    """A program's: make(options, *what servers(directory) gives) is put through faults; its exit status."""
    parser = argparse.ArgumentParser(description=what.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", type=int, default=faults)
    parser.add_argument("--directory", default=lab.ROOT / "build" / "torture")
    parser.add_argument("--seconds", type=float, help="end with what has come by then")
    more(parser)
    options = parser.parse_args()
    print(f"seed {options.seed}: SEED={options.seed} FAULTS={options.faults} replays the faults", flush=True)
    with servers(options.directory) as parts:
        t = make(options, *parts)
        begun = time.monotonic()
        try:
            resumed = t.torture(options.faults, options.seconds,
                                say=lambda text: print(f"{time.monotonic() - begun:7.1f} s  {text}", flush=True))
        except (TimeoutError, AssertionError) as e:
            print(e, *t.report(), sep="\n")
            print(*t.differences(), t.log()[-4000:], sep="\n")
            return 1
        finally:
            t.close()
        print(*t.report(), sep="\n")
        print(f"{sum(load.transactions for load in t.loads)} transactions, {sum(load.rows for load in t.loads)} rows; "
              f"current again {resumed:.2f} s after the last fault; no difference; {time.monotonic() - begun:.0f} s")
    return 0
