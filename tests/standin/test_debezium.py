"""Real Debezium as a judge: its events, replayed in order, must build exactly the base tables, whatever is done to it."""

import contextlib
import datetime as dt
import decimal
import itertools
import json
import threading

import pytds
import pytest

import engines
import lab

ROOT = lab.ROOT
LAB = ROOT / "build" / "standin" / lab.build_dir().name / "debezium"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=engines.VERSIONS)
def host(request):
    """One JVM for all scenarios of a version."""
    with engines.Host(request.param, lab.fresh_dir(LAB / request.param)) as h:
        yield h


class Shop:
    """A database with change data capture on the server, and what the tests ask of it. Every one has a table `mark`, whose rows
    tell how far Debezium has come: commits are carried in order."""

    ITEM = """CREATE TABLE dbo.item(id int NOT NULL PRIMARY KEY, name nvarchar(60) NULL, price decimal(9,2) NOT NULL,
              seen datetime2(3) NULL)"""

    def __init__(self, server, name):
        self.server, self.name = server, name
        server.script(f"CREATE DATABASE [{name}]\nGO\nALTER DATABASE [{name}] SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.run("EXEC sys.sp_cdc_enable_db")
        self.run("CREATE TABLE dbo.mark(id int IDENTITY PRIMARY KEY, note varchar(10))", self.ITEM)
        self.capture("mark")
        self.capture("item")

    def run(self, *batches):
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            for batch in batches:
                q.execute(batch)
                while q.nextset():
                    pass

    def rows(self, sql):
        return self.server.rows(sql, self.name)

    def capture(self, table, schema="dbo", instance=None, **more):
        more = "".join(f", @{k} = {v}" for k, v in more.items())
        name = f"N'{instance}'" if instance else "NULL"
        self.run(f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', @role_name = NULL, "
                 f"@capture_instance = {name}{more}")
        lab.wait_for(f"{schema}.{table} captured", lambda: not self.rows(
            "SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NULL"))

    def captured(self):
        """Wait until the capture job has taken up every commit so far."""
        self.run("INSERT dbo.mark(note) VALUES ('captured')")
        lab.wait_for("the capture job", lambda: self.rows(
            "SELECT 1 FROM cdc.dbo_mark_CT WHERE id = (SELECT MAX(id) FROM dbo.mark)"))

    def fill(self, first, last):
        values = ", ".join(f"({i}, N'item {i} – ж', {i}.5, '2026-01-01T00:00:00.{i % 1000:03}')" for i in range(first, last + 1))
        self.run(f"INSERT dbo.item(id, name, price, seen) VALUES {values}")

    def base(self, table):
        """A table as replaying events would build it."""
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            q.execute("SELECT c.name FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = "
                      "i.index_id JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id "
                      f"WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID(N'{table}')")
            key = [r[0] for r in q.fetchall()]
            q.execute(f"SELECT * FROM {table}")
            names = [d[0] for d in q.description]
            rows = [dict(zip(names, map(plain, r))) for r in q.fetchall()]
        return {json.dumps({k: r[k] for k in key}, sort_keys=True): r for r in rows}

    def settings(self, **more):
        return settings(self.server, [self.name], **more)

    def drained(self, engine):
        """Wait until the engine has handed over everything committed so far."""
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            q.execute("INSERT dbo.mark(note) OUTPUT inserted.id VALUES ('drained')")
            mark = q.fetchone()[0]
        engine.wait(f"mark {mark}", lambda e: any(
            r.after["id"] == mark for r in e.rows("dbo.mark") if r.after and r.db == self.name))

    def check(self, engine, *tables, strict=True):
        """What the engine said, former runs of its name included, builds the tables."""
        self.drained(engine)
        built = engines.replay(engine.events(former=True), strict)
        for table in tables or ("dbo.item", "dbo.mark"):
            assert built.get((self.name, table), {}) == self.base(table)


def plain(value):
    if isinstance(value, decimal.Decimal):
        return f"{value:.2f}"  # python-tds drops zeros at the end
    if isinstance(value, dt.datetime):
        return round((value - dt.datetime(1970, 1, 1)) / dt.timedelta(milliseconds=1))
    return value


def settings(server, databases, **more):
    """A connector's properties; in `more`, __ stands for a dot."""
    return {"database.hostname": "127.0.0.1", "database.port": server.port, "database.user": "sa",
            "database.password": lab.PASSWORD, "database.names": ",".join(databases), "driver.trustServerCertificate": "true",
            "decimal.handling.mode": "string", **{k.replace("__", "."): v for k, v in more.items()}}


@pytest.fixture
def name(request, host):
    """Of a test's engine and database; unique in the JVM and on the server."""
    return f"t{next(numbers)}"


@pytest.fixture
def shop(server, name):
    return Shop(server, name)


@contextlib.contextmanager
def running(host, name, properties, gate=None):
    engine = host.start(name, properties, gate)
    try:
        yield engine
    except BaseException:
        host.command("stop", name)
        raise
    engine.stop()


def in_commit_order(rows):
    """Streamed rows come by commit LSN, within it by seqval and the number of the row there."""
    positions = [r.position for r in rows if r.snapshot == "false"]
    assert positions == sorted(positions)
    return positions


# --- snapshot ---------------------------------------------------------------------------------------------------------

def is_blocked(shop, sql):
    """Whether a statement of another session has to wait for a lock."""
    with contextlib.closing(shop.server.connect(shop.name)) as c, c.cursor() as q:
        try:
            q.execute("SET LOCK_TIMEOUT 50")
            q.execute(sql)
            return False
        except pytds.Error as e:
            assert "1222" in str(e.args) or "Lock request time out" in str(e)
            return True


# What a session may do while Debezium reads the tables: update a row it has read, insert one.
BLOCKED = {"exclusive": (True, True), "repeatable_read": (True, False), "read_committed": (False, False),
           "read_uncommitted": (False, False), "snapshot": (False, False)}


@pytest.mark.parametrize("query_mode", ["function", "direct"])
@pytest.mark.parametrize("isolation", BLOCKED)
def test_snapshot_then_stream(host, shop, name, isolation, query_mode):
    """Every isolation level keeps out what it says, and changes made meanwhile arrive: exactly once where the level
    promises it."""
    shop.fill(1, 200)
    shop.captured()
    properties = shop.settings(snapshot__isolation__mode=isolation, data__query__mode=query_mode, max__batch__size=8,
                               max__queue__size=16)
    with running(host, name, properties, gate=20) as engine:
        engine.wait_state("gate")  # in the midst of dbo.item
        update, insert = BLOCKED[isolation]
        assert is_blocked(shop, "UPDATE dbo.item SET price = 7 WHERE id = 1") == update
        assert is_blocked(shop, "INSERT dbo.item(id, price) VALUES (1001, 1)") == insert
        engine.open()
        engine.wait_rows(200, "dbo.item", op="r")
        assert [r.snapshot for r in engine.rows()][0] == "first"
        engine.wait_rows(1, snapshot="last")
        shop.run("UPDATE dbo.item SET name = N'after' WHERE id % 10 = 0", "DELETE dbo.item WHERE id BETWEEN 50 AND 59",
                 "INSERT dbo.item VALUES (2000, NULL, 3, NULL)")
        shop.check(engine, strict=isolation in ("exclusive", "snapshot"))
        in_commit_order(engine.rows())


def wait_schema(engine, table, kind="CREATE"):
    """Wait for the schema change event of a table."""
    return engine.wait(f"{kind} {table}", lambda e: any(
        c["type"] == kind and c["id"].endswith(f'."{table}"')
        for r in e.events() if r.topic == e.name for c in r.value["tableChanges"]))


def test_initial_only_then_initial_goes_on(host, shop, name):
    shop.fill(1, 50)
    shop.captured()
    with running(host, name, shop.settings(snapshot__mode="initial_only")) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("UPDATE dbo.item SET price = 8 WHERE id = 3")
    assert {r.op for r in engine.rows()} == {"r"}
    shop.fill(51, 60)
    with running(host, name, shop.settings(snapshot__mode="initial")) as engine:
        shop.check(engine)
        assert {r.op for r in engine.rows()} == {"c", "u"}


@pytest.mark.parametrize("mode", ["no_data", "schema_only"])
def test_without_data_only_changes_come(host, shop, name, mode):
    shop.fill(1, 50)
    shop.captured()
    with running(host, name, shop.settings(snapshot__mode=mode)) as engine:
        wait_schema(engine, "item")
        shop.run("UPDATE dbo.item SET price = 8 WHERE id <= 10", "DELETE dbo.item WHERE id > 10")
        shop.drained(engine)
        assert [r.op for r in engine.rows("dbo.item")] == ["u"] * 10 + ["d"] * 40
        assert len(shop.base("dbo.item")) == 10


def test_recovery_makes_the_schema_history_anew(host, shop, name):
    shop.fill(1, 10)
    shop.captured()
    with running(host, name, shop.settings()) as engine:
        engine.wait_rows(1, snapshot="last")
    (host.directory / f"{name}.history").unlink()
    shop.fill(11, 20)
    refused = host.start(name, shop.settings())
    assert "history topic is missing" in refused.failure()
    host.command("stop", name)
    refused.wait_stopped()
    with running(host, name, shop.settings(snapshot__mode="recovery")) as engine:
        shop.check(engine)
        assert {r.op for r in engine.rows()} == {"c"}


def test_when_needed_reads_again_after_cleanup(host, shop, name):
    """An offset that cleanup has passed: a new snapshot."""
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(snapshot__mode="when_needed")) as engine:
        engine.wait_rows(1, snapshot="last")
    shop.run("DELETE dbo.item WHERE id < 10")
    shop.fill(21, 30)
    shop.captured()
    shop.run("DECLARE @mark binary(10) = sys.fn_cdc_get_max_lsn() "
             "EXEC sys.sp_cdc_cleanup_change_table @capture_instance = N'dbo_item', @low_water_mark = @mark "
             "EXEC sys.sp_cdc_cleanup_change_table @capture_instance = N'dbo_mark', @low_water_mark = @mark")
    with running(host, name, shop.settings(snapshot__mode="when_needed")) as engine:
        shop.drained(engine)
        assert len([r for r in engine.rows("dbo.item") if r.op == "r"]) == 21
        assert engines.replay(engine.rows())[shop.name, "dbo.item"] == shop.base("dbo.item")


def test_always_and_configuration_based(host, shop, name):
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(snapshot__mode="always")) as engine:
        shop.drained(engine)
    with running(host, name, shop.settings(snapshot__mode="always")) as engine:
        shop.drained(engine)
        assert len([r for r in engine.rows("dbo.item") if r.op == "r"]) == 20
    flags = {"snapshot.mode.configuration.based." + k: v for k, v in
             {"snapshot.data": "true", "snapshot.schema": "true", "start.stream": "false"}.items()}
    with running(host, name + "c", shop.settings(snapshot__mode="configuration_based", **flags)) as engine:
        engine.wait_rows(20, "dbo.item", op="r")


def test_snapshot_settings_reach_the_server(host, shop, name):
    """Statement overrides, tables in parallel, small fetches, a part of the tables, read-only intent, no lock timeout."""
    shop.run("CREATE TABLE dbo.left_out(id int PRIMARY KEY)", "INSERT dbo.left_out VALUES (1)")
    shop.capture("left_out")
    shop.fill(1, 300)
    shop.captured()
    overrides = {"snapshot.select.statement.overrides": "dbo.item",
                 "snapshot.select.statement.overrides.dbo.item": "SELECT * FROM [dbo].[item] WHERE id % 3 = 0 AND name LIKE N'item %'"}
    properties = shop.settings(snapshot__max__threads=2, snapshot__fetch__size=7, snapshot__lock__timeout__ms=0,
                               driver__applicationIntent="ReadOnly", max__iteration__transactions=0,
                               snapshot__include__collection__list=f"{shop.name}.dbo.item,{shop.name}.dbo.mark",
                               skipped__operations="u,t", **overrides)
    with running(host, name, properties) as engine:
        engine.wait_rows(1, snapshot="last")
        assert sorted(r.after["id"] for r in engine.rows("dbo.item")) == list(range(3, 301, 3))
        shop.run("UPDATE dbo.item SET price = 9 WHERE id = 3", "INSERT dbo.left_out VALUES (2)")
        shop.drained(engine)
        assert [(r.op, r.after["id"]) for r in engine.rows("dbo.left_out")] == [("c", 2)]
        assert not [r for r in engine.rows() if r.op == "u"]


# --- streaming --------------------------------------------------------------------------------------------------------

LINE = """CREATE TABLE dbo.line(item int NOT NULL, no int NOT NULL, note nvarchar(max) NULL, amount decimal(12,2) NULL,
          CONSTRAINT pk_line PRIMARY KEY (item, no))"""


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_streamed_changes(host, shop, name, query_mode):
    """Inserts, updates, deletes, key changes, transactions over tables, rolled back and interleaved ones."""
    shop.run(LINE, "CREATE TABLE dbo.keyless(a int NULL, b varchar(10) NULL)")
    shop.capture("line")
    shop.capture("keyless")
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(data__query__mode=query_mode, provide__transaction__metadata="true")) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.fill(21, 40)
        shop.run("UPDATE dbo.item SET price = price + 1, name = NULL WHERE id BETWEEN 10 AND 30",
                 "DELETE dbo.item WHERE id IN (1, 2, 3)",
                 "UPDATE dbo.item SET id = id + 1000 WHERE id > 35",  # keys: a delete and an insert each
                 "UPDATE dbo.item SET id = id WHERE id < 6",
                 "INSERT dbo.keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
                 "UPDATE dbo.keyless SET b = 'y' WHERE a = 1", "DELETE dbo.keyless WHERE a IS NULL")
        shop.run("""BEGIN TRAN
                    INSERT dbo.line VALUES (4, 1, REPLICATE(CAST(N'long ' AS nvarchar(max)), 5000), 1), (4, 2, NULL, 2)
                    UPDATE dbo.item SET price = 100 WHERE id = 4
                    UPDATE dbo.line SET amount = 3 WHERE item = 4
                    DELETE dbo.line WHERE no = 2
                    SAVE TRAN here
                    DELETE dbo.item
                    ROLLBACK TRAN here
                    COMMIT""",
                 "BEGIN TRAN DELETE dbo.item UPDATE dbo.line SET note = N'never' ROLLBACK")
        with contextlib.closing(shop.server.connect(shop.name)) as a, contextlib.closing(shop.server.connect(shop.name)) as b, \
                a.cursor() as first, b.cursor() as second:
            for no in range(3):  # rows by turns, committed the other way round
                first.execute(("BEGIN TRAN " if no == 0 else "") + f"INSERT dbo.line VALUES (10, {no}, N'first', {no})")
                second.execute(("BEGIN TRAN " if no == 0 else "") + f"INSERT dbo.line VALUES (11, {no}, N'second', {no})")
            second.execute("COMMIT")
            first.execute("COMMIT")
        shop.drained(engine)
        rows = engine.rows()
        built = engines.replay((r for r in rows if r.table != "dbo.keyless"), lobs={"note"})
        for table in ("dbo.item", "dbo.line", "dbo.mark"):
            assert built[shop.name, table] == shop.base(table)
        in_commit_order(rows)

        def ops(table, **fields):
            return [r.op for r in rows if r.table == table and r.snapshot == "false"]
        assert ops("dbo.item") == ["c"] * 20 + ["u"] * 21 + ["d"] * 3 + ops("dbo.item")[44:]
        assert sorted(ops("dbo.item")[44:54]) == ["c"] * 5 + ["d"] * 5
        assert ops("dbo.line") == ["c", "c", "u", "u", "d"] + ["c"] * 6
        assert [r.after["item"] for r in rows if r.table == "dbo.line" and r.op == "c"] == [4, 4, 11, 11, 11, 10, 10, 10]
        keyless = [r for r in rows if r.table == "dbo.keyless"]
        assert [r.op for r in keyless] == ["c", "c", "c", "u", "u", "d"] and {r.key for r in keyless} == {None}
        tombstones_follow_deletes(engine.events())
        transactions_are_told(engine, name, shop)


def tombstones_follow_deletes(events):
    events = [e for e in events if e.op or e.value is None]
    for at, e in enumerate(events):
        assert (e.value is None) == (at > 0 and events[at - 1].op == "d" and events[at - 1].key == e.key)


def transactions_are_told(engine, name, shop):
    """BEGIN and END of each transaction, the counts right; the last one's END comes with the next."""
    told = [e.value for e in engine.events() if e.topic == f"{name}.transaction"]
    assert [t["status"] for t in told] == ["BEGIN", "END"] * (len(told) // 2) + ["BEGIN"] * (len(told) % 2)
    streamed = [r for r in engine.rows() if r.snapshot == "false"]
    by_transaction = {k: list(g) for k, g in itertools.groupby(streamed, lambda r: r.source["commit_lsn"])}
    assert [t["id"] for t in told if t["status"] == "BEGIN"] == list(by_transaction)
    for t in told:
        if t["status"] == "END":
            counts = {c["data_collection"]: c["event_count"] for c in t["data_collections"]}
            rows = by_transaction[t["id"]]
            assert sum(counts.values()) == t["event_count"] == len(rows)
            assert [r.transaction["total_order"] for r in rows] == list(range(1, len(rows) + 1))
            for table, count in counts.items():
                assert count == len([r for r in rows if f"{shop.name}.{r.table}" == table])


def test_names_and_schemas(host, shop, name):
    """Blanks, letters beyond ASCII, another schema, a key of another kind; a key that the connector's owner chose."""
    shop.run("CREATE SCHEMA sales", "CREATE TABLE sales.[Käufe 2026]([Größe cm] uniqueidentifier NOT NULL PRIMARY KEY, [select] nvarchar(20))",
             "INSERT sales.[Käufe 2026] VALUES ('6F9619FF-8B86-D011-B42D-00C04FC964FF', N'x')")
    shop.capture("Käufe 2026", schema="sales", instance="Käufe")
    shop.fill(1, 3)
    shop.captured()
    with running(host, name, shop.settings(message__key__columns="dbo.item:name")) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("UPDATE sales.[Käufe 2026] SET [select] = N'ж'", "INSERT sales.[Käufe 2026] VALUES (NEWID(), NULL)",
                 "UPDATE dbo.item SET name = N'new' WHERE id = 2")
        shop.check(engine, "dbo.mark")
        built = engines.replay(engine.rows())[shop.name, "sales.Käufe 2026"]
        assert sorted(map(str, built.values())) == sorted(
            str({"Größe cm": str(r[0]).upper(), "select": r[1]}) for r in shop.rows("SELECT * FROM sales.[Käufe 2026]"))
        deleted, created = [r for r in engine.rows("dbo.item") if r.op in "dc"]
        assert (deleted.op, deleted.key, created.op, created.key) == ("d", {"name": "item 2 – ж"}, "c", {"name": "new"})
        assert deleted.headers["__debezium.newkey"] == {"name": "new"}
        assert created.headers["__debezium.oldkey"] == {"name": "item 2 – ж"}
        assert deleted.position == created.position


def test_several_databases(host, server, name):
    """One engine, two databases, one named in other letters; each has its own offsets."""
    shops = [Shop(server, name + "a"), Shop(server, name + "b")]
    for at, shop in enumerate(shops):
        shop.fill(1, 10 * (at + 1))
        shop.captured()
    properties = settings(server, [shops[0].name.upper(), shops[1].name])
    for run in range(2):
        with running(host, name, properties) as engine:
            if run == 0:
                engine.wait_rows(2, snapshot="last")
            for shop in shops:
                shop.run(f"UPDATE dbo.item SET price = {run + 1} WHERE id = 5", f"DELETE dbo.item WHERE id = {run + 1}")
            for shop in shops:
                shop.check(engine)
    assert {e.partition["database"] for e in engine.events(former=True)} == {s.name for s in shops}
