"""Tables without a key: a bag of rows, exact to the number of equal ones."""

import collections
import contextlib
import itertools
import json
import signal
import threading

import lab


def bag(rows):
    return collections.Counter(tuple(r) for r in rows)


def test_equal_rows_are_counted_through_copy_changes_and_a_kill(runner, source, target):
    source.script("CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\n"
                  "CREATE TABLE dbo.loose (a int NULL, b nvarchar(20) NULL)\nGO\n"
                  "INSERT INTO dbo.loose VALUES (1, N'x'), (1, N'x'), (1, N'x'), (2, NULL), (NULL, NULL), (NULL, NULL)\nGO\n"
                  "EXEC sys.sp_cdc_enable_db\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL")

    def equal():
        assert run.is_running(), run.log()
        return bag(target.rows("select a, b from dbo.loose")) == bag(source.rows("SELECT a, b FROM dbo.loose", "warehouse_source"))

    run = runner.start(source={"table.include.list": "dbo.loose"})
    lab.wait_for("the copy", equal)
    assert "event=table_without_key table=dbo.loose" in run.log()
    for kill in (False, True):
        with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
            q.execute("DELETE TOP (1) FROM dbo.loose WHERE a = 1")
            q.execute("UPDATE dbo.loose SET b = N'y' WHERE a = 2")
            q.execute("INSERT INTO dbo.loose VALUES (NULL, NULL), (3, N'z'), (3, N'z')")
            q.execute("UPDATE dbo.loose SET b = N'w' WHERE a IS NULL")
        if kill:
            run.stop(signal.SIGKILL)
            run = runner.start(source={"table.include.list": "dbo.loose"})
        lab.wait_for("equal bags", equal)
    assert sum(bag(target.rows("select a, b from dbo.loose")).values()) == 10


def test_verify_waits_for_the_stream_and_proves_a_difference(runner, source, target):
    source.script("CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\n"
                  "CREATE TABLE dbo.loose (a int NULL, b nvarchar(20) NULL)\nGO\n"
                  "INSERT INTO dbo.loose SELECT value % 50, N'x' FROM GENERATE_SERIES(1, 500)\nGO\n"
                  "EXEC sys.sp_cdc_enable_db\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL")
    run = runner.start(source={"table.include.list": "dbo.loose"})
    lab.wait_for("the copy", lambda: target.value("select count(*) from dbo.loose") == 500)
    over = threading.Event()

    def write():
        with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
            for i in itertools.count():
                if over.wait(0.05):
                    return
                q.execute(f"INSERT INTO dbo.loose VALUES ({i % 7}, N'new')")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            shown = runner.command("verify", *runner.files(source={"table.include.list": "dbo.loose"}))
            assert shown.returncode == 0, shown.stdout + shown.stderr
        target.rows("update dbo.loose set b = 'y' where ctid in (select ctid from dbo.loose where a = 9 and b = 'x' limit 1)")
        shown = runner.command("verify", "--json", *runner.files(source={"table.include.list": "dbo.loose"}))
    finally:
        over.set()
        writer.join()
    assert shown.returncode == 1
    found = json.loads(shown.stdout)
    assert found["differences"] == 2 and all(k["settled"] for k in found["keys"]), found
    run.stop()
