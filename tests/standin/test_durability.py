"""kill -9 of the stand-in at random points of running transactions: what was committed is there, what wasn't is not, and the
change tables say the same. DURABILITY_SEED=… replays a run's decisions."""

import os
import random
import threading
import time

import lab
import pytds

LAB = lab.tests_dir("standin")

SEED = int(os.environ.get("DURABILITY_SEED", "0")) or int(time.time())
KILLS = int(os.environ.get("DURABILITY_KILLS", "4"))
SETUP = """CREATE DATABASE kept
GO
USE kept
GO
EXEC sys.sp_cdc_enable_db
GO
CREATE TABLE dbo.t(id int NOT NULL PRIMARY KEY, worker int NOT NULL, round int NOT NULL, v int NOT NULL)
GO
CREATE INDEX ix_t ON dbo.t(worker, round)
GO
EXEC sys.sp_cdc_enable_table 'dbo', 't', @role_name = NULL"""


class Worker(threading.Thread):
    """Transactions of its own rows, one after the other, until the server is gone. Knows how each ended."""

    def __init__(self, server, number, dice, begin):
        super().__init__(daemon=True)
        self.server, self.number, self.dice, self.round = server, number, random.Random(dice.random()), begin
        self.rows = {}  # as committed: id → v
        self.pending = None  # rows as they are if the COMMIT under way is done
        self.next_id = number * 100_000_000 + begin * 1000
        self.commits = 0

    def run(self):
        try:
            with self.server.connect("kept", autocommit=True) as c, c.cursor() as q:
                while True:
                    self.transaction(q)
        except (pytds.Error, OSError, EOFError):
            pass  # killed

    def transaction(self, q):
        rows = dict(self.rows)
        self.round += 1
        q.execute("BEGIN TRAN")
        for _ in range(self.dice.randint(1, 5)):
            self.statement(q, rows)
        if self.dice.random() < 0.2:
            q.execute("ROLLBACK")
            return
        self.pending = rows
        q.execute("COMMIT")
        self.rows, self.pending = rows, None
        self.commits += 1

    def statement(self, q, rows):
        kind = self.dice.choice(["insert", "insert", "update", "delete", "savepoint"])
        if kind == "insert":
            ids = range(self.next_id, self.next_id + self.dice.randint(1, 40))
            self.next_id = ids.stop
            values = ", ".join(f"({i}, {self.number}, {self.round}, {i % 97})" for i in ids)
            q.execute(f"INSERT dbo.t VALUES {values}")
            rows.update((i, i % 97) for i in ids)
        elif kind == "update":
            q.execute(f"UPDATE dbo.t SET v = v + 1 WHERE worker = {self.number} AND id % 3 = 0")
            rows.update((i, v + 1) for i, v in list(rows.items()) if i % 3 == 0)
        elif kind == "delete":
            q.execute(f"DELETE dbo.t WHERE worker = {self.number} AND id % 5 = {self.round % 5}")
            for i in [i for i in rows if i % 5 == self.round % 5]:
                del rows[i]
        else:
            q.execute(f"SAVE TRAN s DELETE dbo.t WHERE worker = {self.number} ROLLBACK TRAN s")


def settle(server):
    """The table's rows, and those that its change table leads to, once all of them are captured."""
    marker = int(time.time() * 1000) % 1_000_000_000 + 1_000_000_000
    server.script(f"INSERT dbo.t VALUES ({marker}, -1, 0, 0)", "kept")
    lab.wait_for("capture", lambda: server.rows(f"SELECT 1 FROM cdc.dbo_t_CT WHERE id = {marker}", "kept"))
    server.script(f"DELETE dbo.t WHERE id = {marker}", "kept")
    lab.wait_for("capture", lambda: len(server.rows(f"SELECT 1 FROM cdc.dbo_t_CT WHERE id = {marker}", "kept")) == 2)
    replayed = {}
    for operation, key, value in server.rows("SELECT [__$operation], id, v FROM cdc.dbo_t_CT ORDER BY [__$start_lsn], "
                                             "[__$command_id], [__$seqval], [__$operation]", "kept"):
        if operation == 1:
            assert replayed.pop(key, None) is not None, f"a delete of {key}, which isn't there"
        elif operation == 2:
            assert key not in replayed, f"a second insert of {key}"
            replayed[key] = value
        elif operation == 4:
            replayed[key] = value
    return dict(server.rows("SELECT id, v FROM dbo.t", "kept")), replayed


def test_what_was_committed_is_there_and_nothing_else():
    print(f"seed {SEED}: DURABILITY_SEED={SEED}")
    dice = random.Random(SEED)
    server = lab.Standin(LAB / "durability", capture_ms=10)
    try:
        server.script(SETUP)
        known, commits = {}, 0
        for kill in range(KILLS):
            workers = [Worker(server, n, dice, kill * 200) for n in range(1, 4)]
            for w in workers:
                w.rows = {i: v for i, v in known.items() if i // 100_000_000 == w.number}
                w.next_id = max([w.next_id, *(i + 1 for i in w.rows)])
                w.start()
            enough = dice.randint(5, 40)
            lab.wait_for("commits", lambda: sum(w.commits for w in workers) >= enough, step=0.001)
            time.sleep(dice.uniform(0, 0.02))  # not to be waited for: any point will do
            server.process.kill()
            for w in workers:
                w.join(30)
            server.start()
            rows, replayed = settle(server)
            assert rows == replayed
            known = {}
            for w in workers:
                own = {i: v for i, v in rows.items() if i // 100_000_000 == w.number}
                assert own == w.rows or own == w.pending, f"worker {w.number} of kill {kill}"
                known.update(own)
            assert sorted(known.items()) == sorted(rows.items())
            commits += sum(w.commits for w in workers)
            mapped = server.rows("SELECT COUNT(DISTINCT [__$start_lsn]) FROM cdc.dbo_t_CT AS c WHERE NOT EXISTS (SELECT 1 FROM "
                                 "cdc.lsn_time_mapping AS m WHERE m.start_lsn = c.[__$start_lsn])", "kept")
            assert mapped == [(0,)]
        assert commits > 0
    finally:
        server.stop()


def test_schema_changes_of_an_open_transaction_are_gone():
    server = lab.Standin(LAB / "durability-schema", capture_ms=10)
    try:
        server.script(SETUP + """
GO
CREATE TABLE dbo.dropped(id int)
GO
INSERT dbo.dropped VALUES (7)
GO
CREATE TABLE dbo.altered(id int PRIMARY KEY)
GO
INSERT dbo.altered VALUES (1)""")
        with server.connect("kept") as kept, kept.cursor() as q:
            q.execute("BEGIN TRAN CREATE TABLE dbo.kept(id int) INSERT dbo.kept VALUES (1) ALTER TABLE dbo.altered ADD kept int COMMIT")
        c = server.connect("kept")
        q = c.cursor()
        for statement in ("BEGIN TRAN", "CREATE TABLE dbo.made(id int)", "INSERT dbo.made VALUES (1)", "DROP TABLE dbo.dropped",
                          "ALTER TABLE dbo.altered ADD w int NOT NULL DEFAULT 5", "CREATE INDEX ix_w ON dbo.altered(w)",
                          "CREATE SCHEMA made", "EXEC sys.sp_cdc_disable_table 'dbo', 't', 'dbo_t'",
                          "EXEC sys.sp_cdc_enable_table 'dbo', 'altered', @role_name = NULL"):
            q.execute(statement)
        server.process.kill()
        server.start()
        tables = [name for name, in server.rows("SELECT name FROM sys.tables WHERE schema_id = 1 ORDER BY name", "kept")]
        assert [t for t in tables if t != "systranschemas"] == ["altered", "dropped", "kept", "t"]
        assert server.rows("SELECT * FROM dbo.dropped", "kept") == [(7,)]
        assert server.rows("SELECT * FROM dbo.altered", "kept") == [(1, None)]
        assert server.rows("SELECT SCHEMA_ID('made')", "kept") == [(None,)]
        assert server.rows("SELECT capture_instance FROM cdc.change_tables", "kept") == [("dbo_t",)]
        rows, replayed = settle(server)
        assert rows == replayed
    finally:
        server.stop()
