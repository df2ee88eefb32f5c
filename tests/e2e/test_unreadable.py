"""event.processing.failure.handling.mode: what a row or change that can't be read does."""

import contextlib

import lab
import pytest

MIB = 1_048_576


@pytest.fixture
def notes(source):
    """Tables with and without a key; rows 1 to 40, of which some have a value over a MiB: in the middle of a chunk, a whole chunk, and its end."""
    source.script("EXEC sp_configure 'max text repl size', -1\nGO\nRECONFIGURE\nGO\n"
                  "CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\nEXEC sys.sp_cdc_enable_db\nGO\n"
                  "CREATE TABLE dbo.notes (id int NOT NULL PRIMARY KEY, n int NOT NULL, note nvarchar(max) NULL)\nGO\n"
                  "CREATE TABLE dbo.loose (id int NOT NULL, note nvarchar(max) NULL)\nGO\n"
                  "INSERT INTO dbo.notes SELECT value, 0, N'x' FROM GENERATE_SERIES(1, 40)\nGO\n"
                  f"UPDATE dbo.notes SET note = REPLICATE(CAST(N'y' AS nvarchar(max)), {MIB + 1}) WHERE id IN (3, 11, 12, 13, 14, 15, 20, 40)\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'notes', @role_name = NULL\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL")
    return source


COPIED = sorted(set(range(1, 41)) - {3, 11, 12, 13, 14, 15, 20, 40})


def start(runner, mode):
    return runner.start(source={"table.include.list": "dbo.notes,dbo.loose", "max.value.bytes": str(MIB), "snapshot.fetch.size": "5",
                                "incremental.snapshot.chunk.size": "5", "event.processing.failure.handling.mode": mode})


def ids(target):
    return [i for i, in target.rows("select id from dbo.notes order by id")]


def test_a_row_over_the_limit_stops_by_default_and_is_named(runner, notes, target):
    run = start(runner, "fail")
    assert run.wait(30) == 1
    assert "table dbo.notes, column note, key id=3: the value has over 1048576 bytes (max.value.bytes)" in run.log()


@pytest.mark.parametrize("mode", ["warn", "skip"])
def test_rows_and_changes_are_left_out_and_counted(runner, notes, target, mode):
    run = start(runner, mode)
    lab.wait_for("the copy", lambda: ids(target) == COPIED)
    large = f"REPLICATE(CAST(N'z' AS nvarchar(max)), {MIB + 1})"
    with contextlib.closing(notes.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute(f"INSERT dbo.notes VALUES (41, 1, {large}), (42, 1, N'small')")
        q.execute(f"UPDATE dbo.notes SET n = 2, note = {large} WHERE id IN (1, 2)")     # left out: the target stays at n = 0
        q.execute("UPDATE dbo.notes SET n = 3, note = N'back' WHERE id = 1")             # its old value is over the limit: no matter
        q.execute("DELETE dbo.notes WHERE id = 2")                                       # nor here
        q.execute("UPDATE dbo.notes SET id = 60, note = N'moved' WHERE id = 41")         # a key that changes: its delete finds nothing
        q.execute(f"INSERT dbo.loose VALUES (1, {large}), (2, N'small')")
        q.execute("DELETE dbo.loose WHERE id = 1")                                       # without a key it would find any row
        q.execute("INSERT dbo.notes VALUES (70, 1, N'end')")
    lab.wait_for("the end", lambda: 70 in ids(target))
    assert ids(target) == sorted(set(COPIED) - {2} | {42, 60, 70})
    assert target.rows("select n, note from dbo.notes where id = 1") == [(3, "back")]
    assert target.rows("select id, note from dbo.loose") == [(2, "small")]
    log = run.log()
    told = {"warn": 8, "skip": 0}[mode]
    assert log.count("event=row_left_out table=dbo.notes") == told, log
    assert log.count("event=change_left_out table=dbo.notes") == (3 if told else 0), log
    assert log.count("event=change_left_out table=dbo.loose") == (2 if told else 0), log
    assert run.stop() == 0
