"""torture: a running workload while faults come at random; afterwards source and target are compared row by row.

    make torture [SEED=n] [FAULTS=n]

Both servers are reached through a small proxy that can reset, stall and slow its connections. A seed gives the same faults in the
same order; the points in time are the machine's. Printed at the end: what came, and how long the target took to be current again.
"""

import argparse
import collections
import contextlib
import pathlib
import random
import signal
import socket
import struct
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

    def uri(self):
        # short limits, so that a lock held for a second runs into them
        return (f"postgresql://postgres@127.0.0.1:{self.proxy.port}/{self.server.database}"
                "?options=-c%20lock_timeout%3D400%20-c%20statement_timeout%3D20000")


# ---- the work ----

class Load(workload.Workload):
    """The warehouse's workload and a keyless table's, over connections that come and go."""

    def __init__(self, standin, customers, orders, seed, columns, pause):
        super().__init__(standin, customers, orders, seed=seed, pause=pause, database=DATABASE)
        self.columns = columns  # {table: [columns added so far]}, grown by the faults
        self.kinds += [(self.loose_in, 8), (self.loose_change, 5), (self.loose_out, 5), (self.added, 10), (self.sweep, 0.15)]

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

    def __init__(self, directory, standin, postgres, seed, size=(300, 600), loads=2, pause=0.004):
        self.directory, self.standin, self.postgres, self.seed = pathlib.Path(directory), standin, postgres, seed
        self.columns = {f"dbo.{t}": [] for t in KEYED}
        self.instances = {t: [f"dbo_{t}"] for t in (*KEYED, "loose")}
        self.count = collections.Counter()
        self.numbers = 0
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
            (self.old_instance, 2))]

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
        return self.runner.start(
            source={"table.include.list": "dbo.customers,dbo.orders,dbo.line_items,dbo.loose",
                    "retriable.restart.connector.wait.ms": "1000", "snapshot.lock.timeout.ms": "500"},
            sink={"retry.backoff.ms": "100"}, name=f"millrace-{self.numbers}")

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

    # -- the servers

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

    def torture(self, faults, seconds=None, say=lambda text: None):
        """`faults` of them, or as many as come in `seconds`; some in pairs. Returns seconds from the last to being current."""
        until = time.monotonic() + (seconds or 1e9)
        dice = random.Random(self.seed)
        of_process = [(f, w) for f, w in self.faults if f in (self.kill, self.term, self.takeover, self.stop_and_go)]
        others = [(f, w) for f, w in self.faults if (f, w) not in of_process]
        for load in self.loads:
            load.start()
        self.run = self.start()
        for number in range(1, faults + 1):
            time.sleep(dice.choice([0, dice.uniform(0, 0.3), dice.uniform(0, 2)]))
            if time.monotonic() > until:
                break
            is_pair = dice.random() < 0.3
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
        return self.resume()

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


@contextlib.contextmanager
def servers(directory):
    directory = lab.fresh_dir(directory)
    with lab.Postgres(directory / "pg", settings={"fsync": "off"}) as postgres, lab.Standin(directory / "standin") as standin:
        yield standin, postgres


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--directory", default=ROOT / "build" / "torture")
    options = parser.parse_args()
    print(f"seed {options.seed}: SEED={options.seed} FAULTS={options.faults} replays the faults", flush=True)
    with servers(options.directory) as (standin, postgres):
        t = Torture(options.directory, standin, postgres, options.seed, size=(2000, 6000))
        begun = time.monotonic()
        try:
            resumed = t.torture(options.faults, say=lambda text: print(f"{time.monotonic() - begun:7.1f} s  {text}", flush=True))
        except TimeoutError as e:
            print(e, *t.differences(), t.run.log()[-4000:], sep="\n")
            return 1
        finally:
            t.close()
        print(", ".join(f"{n} {name}" for name, n in sorted(t.count.items())))
        print(f"{sum(load.transactions for load in t.loads)} transactions, {sum(load.rows for load in t.loads)} rows; "
              f"current again {resumed:.2f} s after the last fault; no difference; {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
