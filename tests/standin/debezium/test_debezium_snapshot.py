"""Debezium's snapshots: isolation levels with writers beside them, modes, settings that reach the server."""

import contextlib

import pytds
import pytest

import engines
from shop import in_commit_order, refusal, running, settings, wait_schema


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
        engine.wait_rows(1, snapshot="last")
        shop.drained(engine)
        assert len([r for r in engine.rows("dbo.item") if r.op == "r"]) == 21
        assert engines.replay(engine.rows())[shop.name, "dbo.item"] == shop.base("dbo.item")


def test_always_and_configuration_based(host, shop, name):
    shop.fill(1, 20)
    shop.captured()
    for _ in range(2):
        with running(host, name, shop.settings(snapshot__mode="always")) as engine:
            engine.wait_rows(1, snapshot="last")
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


# --- refused ----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def locked(shop, sql):
    """A transaction of another session that has done that and stays open."""
    with contextlib.closing(shop.server.connect(shop.name)) as c, c.cursor() as q:
        q.execute("BEGIN TRAN " + sql)
        yield
        q.execute("ROLLBACK")


def test_locked_out(host, shop, name):
    """A lock that isn't given in time ends the snapshot with the server's error, a statement's time limit with an attention."""
    shop.fill(1, 10)
    shop.captured()
    with locked(shop, "UPDATE dbo.item SET price = 5 WHERE id = 7"):
        why = refusal(host, name + "a", shop.settings(snapshot__lock__timeout__ms=100))
        assert "Lock request time out period exceeded" in why
        why = refusal(host, name + "b", shop.settings(snapshot__isolation__mode="read_committed", database__query__timeout__ms=1000,
                                                      snapshot__lock__timeout__ms=-1))
        assert "query has timed out" in why
        with running(host, name, shop.settings(snapshot__isolation__mode="snapshot")) as engine:  # doesn't wait
            engine.wait_rows(1, snapshot="last")
            assert len(engine.rows("dbo.item")) == 10
    shop.run("UPDATE dbo.item SET price = 6")  # none of them left a lock


def test_refusals(host, server, shop, name):
    """What the server refuses, with its words: snapshot isolation not allowed, the login, a database, CDC not on."""
    shop.run(f"ALTER DATABASE [{name}] SET ALLOW_SNAPSHOT_ISOLATION OFF")
    assert "snapshot isolation is not allowed in this database" in refusal(
        host, name + "a", shop.settings(snapshot__isolation__mode="snapshot"))
    assert "Login failed for user 'sa'" in refusal(host, name + "b", {**shop.settings(), "database.password": "wrong"})
    assert "nosuch" in refusal(host, name + "c", settings(
        server, ["nosuch"], driver__loginTimeout=2))  # the driver tries 4060 again until then
    server.script(f"CREATE DATABASE [{name}plain]")
    assert "capture" in refusal(host, name + "d", settings(server, [name + "plain"])).lower()
