"""What changes around Debezium's tables while it streams: columns, capture instances, tables."""

import pytest

import engines
from shop import in_commit_order, running, wait_schema


def completed(rows, column):
    """Replayed rows with a column that came later: NULL in those told before."""
    return {key: {column: None, **row} for key, row in rows.items()}


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_second_capture_instance(host, shop, name, query_mode):
    """A column is added and a second instance made: Debezium goes over to it, with no event lost or twice; the first one is
    dropped then, and the whole again with a column dropped."""
    shop.fill(1, 5)
    shop.captured()
    with running(host, name, shop.settings(data__query__mode=query_mode)) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.fill(6, 7)
        shop.run("ALTER TABLE dbo.item ADD size nvarchar(10) NULL",
                 "INSERT dbo.item(id, price, size) VALUES (8, 1, N'unseen')",  # the instance doesn't have the column
                 "UPDATE dbo.item SET size = N'too' WHERE id = 6")
        shop.capture("item", instance="item2")
        shop.run("INSERT dbo.item(id, price, size) VALUES (9, 1, N'big')", "UPDATE dbo.item SET size = N'small' WHERE id <= 8",
                 "DELETE dbo.item WHERE id = 5")
        wait_schema(engine, "item", "ALTER")
        shop.drained(engine)
        built = engines.replay(engine.rows(), strict=False)
        assert completed(built[shop.name, "dbo.item"], "size") == shop.base("dbo.item")
        assert [(r.op, (r.after or r.before)["id"], (r.after or r.before).get("size")) for r in engine.rows("dbo.item")][5:] == [
            ("c", 6, None), ("c", 7, None), ("c", 8, None), ("c", 9, "big"),
            *(("u", i, "small") for i in range(1, 9)), ("d", 5, "small")]
        if query_mode == "direct":
            return  # a read of the table that isn't there any more ends the task
        shop.run("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'item', @capture_instance = N'dbo_item'",
                 "UPDATE dbo.item SET size = N'third', name = NULL WHERE id = 1",
                 "ALTER TABLE dbo.item DROP COLUMN name", "UPDATE dbo.item SET price = 77 WHERE id = 2")
        shop.capture("item", instance="item3")
        shop.run("UPDATE dbo.item SET price = 78 WHERE id = 3", "INSERT dbo.item(id, price, size) VALUES (10, 2, NULL)")
        shop.drained(engine)
        last = engine.rows("dbo.item")[-4:]
        assert [(r.op, r.after["id"], "name" in r.after) for r in last] == [
            ("u", 1, True), ("u", 2, True), ("u", 3, False), ("c", 10, False)]
        in_commit_order(engine.rows("dbo.item"))
    with running(host, name, shop.settings()) as engine:
        shop.run("DELETE dbo.item WHERE id = 10")
        shop.drained(engine)
        assert [(r.op, r.before) for r in engine.rows("dbo.item")] == [("d", {"id": 10, "price": "2.00", "seen": None, "size": None})]


def test_tables_come_and_go(host, shop, name):
    """A table captured from now on is told and streamed; one whose capture ends is left alone, the others go on."""
    shop.fill(1, 5)
    shop.captured()
    with running(host, name, shop.settings()) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("CREATE TABLE dbo.later(id bigint IDENTITY(10, 10) PRIMARY KEY, v varbinary(4) NULL)", "INSERT dbo.later VALUES (0x00)")
        shop.capture("later")
        shop.run("INSERT dbo.later VALUES (0x01), (NULL)", "UPDATE dbo.later SET v = 0x02 WHERE id = 10")
        wait_schema(engine, "later")
        shop.drained(engine)
        assert [(r.op, r.key, r.after["v"]) for r in engine.rows("dbo.later")] == [
            ("c", {"id": 20}, "AQ=="), ("c", {"id": 30}, None), ("u", {"id": 10}, "Ag==")]
        shop.run("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'item', @capture_instance = N'all'",
                 "DELETE dbo.item", "INSERT dbo.later VALUES (0x03)")
        shop.drained(engine)
        shop.run("DROP TABLE dbo.later")
        shop.drained(engine)
        assert engine.rows("dbo.later")[-1].after["v"] == "Aw=="
        assert {r.op for r in engine.rows("dbo.item")} == {"r"}
