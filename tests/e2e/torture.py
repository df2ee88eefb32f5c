"""torture: the direct pipeline while faults come at random (scripts/faults.py); afterwards source and target are compared row by row.

    make torture [SEED=n] [FAULTS=n]

The target's foreign keys are immediate, from the end of the first copy on. Printed at the end: what came, how long the target took to be
current again, and which kinds can't be had on this machine.
"""

import contextlib
import pathlib
import random
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import psycopg2  # noqa: E402
import pytds  # noqa: E402

import faults  # noqa: E402
import lab  # noqa: E402
from conftest import Runner  # noqa: E402
from faults import DATABASE, KEYED  # noqa: E402

DISK_MIB = 400  # of the target's, when a file system may be mounted


class Torture(faults.Torture):
    """Owns the one process."""

    OF_PROCESS = ("kill", "term", "takeover", "stop_and_go", "allocation_failure", "cleanup_past")

    def __init__(self, directory, standin, postgres, seed, size=(300, 600), loads=2, pause=0.004, lanes=(1, 1, 3)):
        super().__init__(directory, standin, postgres, seed, size, loads, pause)
        self.instances = {t: [f"dbo_{t}"] for t in (*KEYED, *self.KEYLESS)}
        self.numbers, self.has_foreign_keys, self.mode, self.lane_counts, self.lanes = 0, False, "initial", lanes, 1
        self.runner = Runner(self.directory, self.source, self.target)
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

    def begin(self):
        self.run = self.start()

    def log(self):
        return self.run.log()

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

    # -- the run

    def before_fault(self):
        if not self.has_foreign_keys and self.count.total() and self.may_have_foreign_keys():
            self.foreign_keys(True)

    def may_measure(self):
        return self.has_foreign_keys

    def positions(self):
        return self.postgres.rows("SELECT lane, position FROM millrace.position ORDER BY 1")

    def may_have_foreign_keys(self):
        """Nothing is being copied, nor will be for an instance that there is."""
        with contextlib.suppress(psycopg2.Error, pytds.Error, OSError):
            return self.is_copied() and all(self.is_taken_over(names[-1]) for names in self.instances.values())
        return False

    def close(self):
        super().close()
        self.runner.stop()


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
    def make(options, standin, postgres):
        return Torture(options.directory, standin, postgres, options.seed, size=(2000, 6000), lanes=[int(n) for n in options.lanes.split(",")])
    return faults.main(__doc__, servers, make, faults=200, more=lambda parser: parser.add_argument(
        "--lanes", default="1,1,3", help="one of them at each start of the process"))


if __name__ == "__main__":
    sys.exit(main())
