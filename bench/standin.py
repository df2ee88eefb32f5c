"""standin.py: what the stand-in's own work costs: CPU time of its process alone, by a client that costs next to nothing.

    standin.py [--rows 1000000] [--runs 3]

Rows have 8 columns: bigint key, two nvarchar, two decimal, datetime2, bit, uniqueidentifier. A table of figures: rows/s by
the clock, CPU seconds per million rows (the least and the most of all runs), and the process's memory in MiB: at its
peak, and of the peak what isn't pages of files.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
import lab  # noqa: E402

COLUMNS = ("id bigint NOT NULL PRIMARY KEY, name nvarchar(60), city nvarchar(40), price decimal(12,2), amount decimal(19,4), "
           "changed_at datetime2(7), is_active bit, code uniqueidentifier")
NAMES = "id, name, city, price, amount, changed_at, is_active, code"
RANGE = "DECLARE @from binary(10) = sys.fn_cdc_get_min_lsn('dbo_tracked'), @to binary(10) = sys.fn_cdc_get_max_lsn() "
READS = [
    ("read base table", f"SELECT {NAMES} FROM dbo.plain"),
    ("read base table by key", f"SELECT {NAMES} FROM dbo.plain WHERE id > 0 ORDER BY id"),
    ("read _CT, the 8 columns", f"SELECT {NAMES} FROM cdc.dbo_tracked_CT"),
    ("read _CT, all 14 columns", "SELECT * FROM cdc.dbo_tracked_CT"),
    ("read _CT in order, 12 columns", RANGE + f"SELECT [__$start_lsn], [__$seqval], [__$operation], [__$update_mask], {NAMES} "
     "FROM cdc.dbo_tracked_CT WHERE [__$start_lsn] BETWEEN @from AND @to "
     "ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]"),
    ("fn_cdc_get_all_changes, sorted", RANGE + "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_tracked(@from, @to, N'all') "
     "ORDER BY [__$start_lsn], [__$seqval], [__$operation]"),
]


class Memory:
    """Memory of a process, looked at now and then: the peak since the last reset."""

    def __init__(self, pid):
        self.pid, self.peak, self.anonymous = pid, 0.0, 0.0

    def look(self):
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines())
        self.peak = max(self.peak, int(fields["VmRSS"].split()[0]) / 1024)
        self.anonymous = max(self.anonymous, int(fields["RssAnon"].split()[0]) / 1024)


class Bench:
    def __init__(self, standin, rows):
        self.standin, self.rows, self.figures = standin, rows, {}

    def client(self, *arguments):
        return subprocess.Popen(
            [lab.build_dir() / "tds_client", "--port", str(self.standin.port), "--database", "bench", *map(str, arguments)],
            env={**os.environ, "STANDIN_PASSWORD": lab.PASSWORD}, stdout=subprocess.PIPE, text=True)

    def measure(self, name, rows, is_done):
        """Until is_done() says so."""
        memory, cpu, begun = Memory(self.standin.process.pid), self.standin.cpu_s(), time.monotonic()
        while not is_done():
            memory.look()
            time.sleep(0.01)
        wall = time.monotonic() - begun
        self.figures.setdefault(name, []).append((rows, wall, self.standin.cpu_s() - cpu, memory))

    def run(self, name, rows, *arguments):
        child = self.client(*arguments)
        self.measure(name, rows, lambda: child.poll() is not None)
        if child.returncode != 0:
            raise SystemExit(f"{name}: failed")
        answer = dict(field.split("=") for field in child.stdout.read().split())
        if arguments[0] == "read" and arguments[1].find("SELECT") >= 0 and int(answer["rows"]) != rows:
            raise SystemExit(f"{name}: {answer['rows']} rows, not {rows}")

    def capture(self, name, changes, total):
        count = "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00"
        self.measure(name, changes, lambda: self.standin.rows(count, "bench")[0][0] >= total)

    def all_of(self, runs):
        s, n = self.standin, self.rows
        s.script(f"CREATE DATABASE bench\nGO\nUSE bench\nGO\nEXEC sys.sp_cdc_enable_db\nGO\nCREATE TABLE dbo.plain ({COLUMNS})\n"
                 f"GO\nCREATE TABLE dbo.tracked ({COLUMNS})\nGO\n"
                 "EXEC sys.sp_cdc_enable_table @source_schema = 'dbo', @source_name = 'tracked', @role_name = NULL")
        for _ in range(runs):
            s.script("DELETE FROM dbo.plain", "bench")
            self.run("bulk load", n, "load", "dbo.plain", 1, n)
        self.run("bulk load, tracked", n, "load", "dbo.tracked", 1, n)
        self.capture("capture of inserts", n, 1)
        for name, sql in READS:
            for _ in range(runs):
                self.run(name, n, "read", sql)
        self.run("UPDATE of all, tracked", n, "read", "UPDATE dbo.tracked SET city = N'elsewhere'")
        self.capture("capture of updates", n, 2)
        self.run("DELETE of all, tracked", n, "read", "BEGIN TRAN DELETE FROM dbo.tracked COMMIT")
        self.capture("capture of deletes", n, 3)

    def show(self):
        print(f"{'':32} {'rows/s':>10} {'CPU s per 1,000,000':>20} {'RSS MiB':>8} {'not files':>9}")
        for name, runs in self.figures.items():
            speed = max(rows / wall for rows, wall, _, _ in runs)
            cpu = sorted(c / rows * 1e6 for rows, _, c, _ in runs)
            print(f"{name:32} {speed:10,.0f} {f'{cpu[0]:.2f}' + (f' - {cpu[-1]:.2f}' if len(cpu) > 1 else ''):>20} "
                  f"{max(m.peak for *_, m in runs):8.0f} {max(m.anonymous for *_, m in runs):9.0f}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    with lab.Standin(lab.ROOT / "build" / "bench-standin") as s:
        bench = Bench(s, given.rows)
        bench.all_of(given.runs)
        bench.show()


if __name__ == "__main__":
    main()
