"""Change tables against base tables: interleaved transactions at random, the server killed in between, and at the end every
change row must be explained by what the clients did. One thread drives all sessions, so what must come out is known."""

import contextlib
import pathlib
import random

import lab
import pytds
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SESSIONS, STEPS, KILLS = 4, 700, 6
STATEMENT_FAILED = (1222, 1205, 2601, 2627, 22903)  # locked, victim, keys that are there, a scan that runs
SETUP = """
CREATE DATABASE churn
GO
USE churn
EXEC sys.sp_cdc_enable_db
CREATE TABLE dbo.marker(txn int NOT NULL PRIMARY KEY)
CREATE TABLE dbo.a(id int NOT NULL PRIMARY KEY, n int, t varchar(20), big varchar(max))
CREATE TABLE dbo.b(id int NOT NULL PRIMARY KEY, u int NOT NULL UNIQUE, v decimal(9, 2))
CREATE TABLE dbo.h(k int, v int)
GO
USE churn
EXEC sys.sp_cdc_enable_table N'dbo', N'marker', @role_name = NULL
EXEC sys.sp_cdc_enable_table N'dbo', N'a', @role_name = NULL
EXEC sys.sp_cdc_enable_table N'dbo', N'a', N'second', @role_name = NULL, @captured_column_list = N'id, n'
EXEC sys.sp_cdc_enable_table N'dbo', N'b', @role_name = NULL
EXEC sys.sp_cdc_enable_table N'dbo', N'h', @role_name = NULL
"""
# instance: (table, captured columns, number of key columns; 0: a heap, ordinals of large columns)
INSTANCES = {"dbo_marker": ("marker", ["txn"], 1, []), "dbo_a": ("a", ["id", "n", "t", "big"], 1, [4]),
             "second": ("a", ["id", "n"], 1, []), "dbo_b": ("b", ["id", "u", "v"], 1, []),
             "dbo_h": ("h", ["k", "v"], 0, [])}


class Churn:
    """The sessions and what they have done."""

    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        self.last_txn, self.written, self.committed, self.sessions = 0, [], [], []
        self.connect()

    def connect(self):
        self.sessions = [None] * SESSIONS
        self.connections = [self.server.connect("churn") for _ in range(SESSIONS)]
        for c in self.connections:
            self.execute(c, "SET LOCK_TIMEOUT 0")

    def kill(self):
        """Open transactions are lost; what was committed is not."""
        self.server.process.kill()
        for c in self.connections:
            with contextlib.suppress(Exception):
                c.close()
        self.server.start()
        self.connect()

    @staticmethod
    def execute(connection, sql):
        with connection.cursor() as q:
            q.execute(sql)
            while q.nextset():
                pass

    def begin(self, i):
        self.last_txn += 1
        self.sessions[i] = self.last_txn
        self.execute(self.connections[i], f"BEGIN TRAN INSERT dbo.marker VALUES ({self.last_txn})")
        self.written.append(self.last_txn)

    def end(self, i, how):
        self.execute(self.connections[i], how)
        if how == "COMMIT":
            self.committed.append(self.sessions[i])
        self.sessions[i] = None

    def statement(self):
        r = self.random
        key, other, number = r.randrange(60), r.randrange(60), r.randrange(5)
        return r.choice([
            f"INSERT dbo.a VALUES ({key}, {number}, 'row {number}', REPLICATE('x', {number * 100}))",
            f"INSERT dbo.a SELECT v, {number}, NULL, NULL FROM (VALUES ({key}), ({key + 60}), ({key + 120})) AS x(v)",
            f"UPDATE dbo.a SET n = {number} WHERE id = {key}",
            f"UPDATE dbo.a SET t = 'row {number}', n = n WHERE id BETWEEN {key} AND {key + 3}",
            f"UPDATE dbo.a SET big = REPLICATE('y', {number * 50}) WHERE id = {key}",
            f"UPDATE dbo.a SET big = big, n = {number} WHERE id = {key}",
            f"UPDATE dbo.a SET id = {other} WHERE id = {key}",
            f"UPDATE dbo.a SET id = id + 200 WHERE id BETWEEN {key} AND {key + 2}",
            f"DELETE dbo.a WHERE id = {key}", f"DELETE dbo.a WHERE id > {100 + key}",
            f"INSERT dbo.b VALUES ({key}, {other}, {number}.5)", f"UPDATE dbo.b SET u = {other} WHERE id = {key}",
            f"UPDATE dbo.b SET v = v + 1 WHERE id < {key}", f"UPDATE dbo.b SET id = id + 1, u = u + 100 WHERE u < {key}",
            f"DELETE dbo.b WHERE id = {key}",
            f"INSERT dbo.h VALUES ({key}, {number})", f"INSERT dbo.h SELECT k, v FROM dbo.h WHERE k < {number}",
            f"UPDATE dbo.h SET v = {number} WHERE k = {key}", f"UPDATE dbo.h SET v = v WHERE k < {key}",
            f"DELETE TOP (1) FROM dbo.h WHERE k < {key}",
            "SAVE TRAN here", "ROLLBACK TRAN here", "EXEC sys.sp_cdc_scan @maxtrans = 2, @maxscans = 1"])

    def step(self):
        i = self.random.randrange(SESSIONS)
        if self.sessions[i] is None:
            return self.begin(i)
        if self.random.random() < 0.2:
            return self.end(i, self.random.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
        sql = self.statement()
        try:
            self.execute(self.connections[i], sql)
        except pytds.Error as e:
            number = getattr(e, "number", 0)
            if number == 6401:  # no such savepoint
                return None
            assert number in STATEMENT_FAILED, f"{sql}: {e}"
        return None

    def run(self):
        kills = set(self.random.sample(range(20, STEPS), KILLS))
        for n in range(STEPS):
            self.step()
            if n in kills:
                self.kill()
        for i in range(SESSIONS):
            if self.sessions[i] is not None:
                self.end(i, "COMMIT")


def ordinals(mask):
    return {8 * at + bit + 1 for at, byte in enumerate(reversed(mask)) for bit in range(8) if byte >> bit & 1}


def image_of(row, columns):
    return tuple(row[c] for c in columns)


class Replay:
    """One change table, row by row, against the table that it builds up."""

    def __init__(self, name, rows):
        self.name, self.rows = name, rows
        self.table, self.columns, self.key_columns, self.large = INSTANCES[name]
        self.state = []

    def remove(self, image):
        assert image in self.state, f"{self.name}: {image} isn't there"
        self.state.remove(image)

    def add(self, image):
        if self.key_columns:
            assert all(x[0] != image[0] for x in self.state), f"{self.name}: {image} is there already"
        self.state.append(image)

    def update(self, before_row, after_row):
        before, after = image_of(before_row, self.columns), image_of(after_row, self.columns)
        changed = ordinals(before_row["__$update_mask"])
        assert before_row["__$update_mask"] == after_row["__$update_mask"]
        if self.large and not set(self.large) & changed:  # not in the image before, and as it was
            assert before[self.large[0] - 1] is None
            before = before[:self.large[0] - 1] + (after[self.large[0] - 1],)
        assert changed == {i + 1 for i, (x, y) in enumerate(zip(before, after)) if x != y}, (self.name, before, after)
        self.remove(before)
        self.add(after)

    def run(self):
        everything, rows = set(range(1, len(self.columns) + 1)), iter(self.rows)
        for row in rows:
            assert row["__$seqval"] < row["__$start_lsn"]
            operation = row["__$operation"]
            if operation == 3:
                after = next(rows)
                same = ("__$start_lsn", "__$seqval", "__$command_id")
                assert after["__$operation"] == 4 and all(row[c] == after[c] for c in same)
                self.update(row, after)
                continue
            assert ordinals(row["__$update_mask"]) == everything
            if operation == 1:
                self.remove(image_of(row, self.columns))
            else:
                assert operation == 2
                self.add(image_of(row, self.columns))
        return self.state


def rows_of(server, sql):
    with contextlib.closing(server.connect("churn", as_dict=True)) as c, c.cursor() as q:
        q.execute(sql)
        return q.fetchall()


def captured(server, markers):
    """All change rows by instance, when the last commit has come."""
    def is_there():
        rows = rows_of(server, "SELECT COUNT(*) AS n FROM cdc.dbo_marker_CT")
        return rows[0]["n"] >= markers
    lab.wait_for("capture", is_there)
    order = "ORDER BY __$start_lsn, __$command_id, __$seqval, __$operation"
    return {name: rows_of(server, f"SELECT * FROM cdc.[{name}_CT] {order}") for name in INSTANCES}


def check_commits(server, churn, changes):
    markers = changes["dbo_marker"]
    assert [r["txn"] for r in markers] == churn.committed  # each once, in the order of the commits
    by_position = sorted(markers, key=lambda r: r["__$seqval"])
    written = [t for t in churn.written if t in set(churn.committed)]
    assert [r["txn"] for r in by_position] == written  # positions are those of the writing
    mapping = rows_of(server, "SELECT * FROM cdc.lsn_time_mapping ORDER BY start_lsn")
    known = [m["start_lsn"] for m in mapping if m["tran_id"] != b"\x00"]
    assert known == [r["__$start_lsn"] for r in markers]
    assert {r["__$start_lsn"] for rows in changes.values() for r in rows} == set(known)
    ends = [m["tran_end_time"] for m in mapping]
    assert ends == sorted(ends) and all(m["tran_begin_time"] <= m["tran_end_time"] for m in mapping)


def check_instances_agree(changes):
    """The second instance has the same changes, without those of columns that it hasn't."""
    def positions(rows):
        return {(r["__$start_lsn"], r["__$seqval"], r["__$operation"]) for r in rows}
    seen = [r for r in changes["dbo_a"]
            if r["__$operation"] < 3 or ordinals(r["__$update_mask"]) & {1, 2} or not ordinals(r["__$update_mask"])]
    assert positions(seen) == positions(changes["second"])


def check_net_changes(server, name, table):
    columns = INSTANCES[name][1]
    rows = rows_of(server, f"""
        DECLARE @from binary(10) = sys.fn_cdc_get_min_lsn(N'{name}'), @to binary(10) = sys.fn_cdc_get_max_lsn()
        SELECT * FROM cdc.[fn_cdc_get_net_changes_{name}](@from, @to, N'all')""")
    assert {r["__$operation"] for r in rows} <= {2}  # the window is all there ever was
    assert sorted(image_of(r, columns) for r in rows) == table


@pytest.mark.parametrize("seed", [7, 1234, 99991])
def test_change_tables_replayed_are_the_tables(seed):
    directory = lab.tests_dir("standin") / f"cdc_random_{seed}"
    with lab.Standin(directory, capture_ms=10) as server:
        server.script(SETUP)
        churn = Churn(server, seed)
        churn.run()
        changes = captured(server, len(churn.committed))
        check_commits(server, churn, changes)
        check_instances_agree(changes)
        for name, (table, columns, key_columns, _) in INSTANCES.items():
            base = sorted(image_of(r, columns) for r in rows_of(server, f"SELECT * FROM dbo.{table}"))
            assert sorted(Replay(name, changes[name]).run()) == base, f"{name}, seed {seed}"
            if key_columns:
                check_net_changes(server, name, base)
