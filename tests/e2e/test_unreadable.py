"""event.processing.failure.handling.mode and errors.tolerance: what a row or change that can't be read does."""

import contextlib
import json

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


MADE = ("EXEC sp_configure 'max text repl size', -1\nGO\nRECONFIGURE\nGO\n"
        "CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\nEXEC sys.sp_cdc_enable_db\nGO\n")


def captured(table):
    return f"\nGO\nEXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', @role_name = NULL"


@pytest.mark.parametrize("mode", ["fail", "warn"])
def test_a_computed_value_that_is_read_again_follows_the_mode(runner, source, target, mode):
    """The change row is small; the computed column, which change rows don't carry, is over the limit."""
    source.script(MADE + "CREATE TABLE dbo.grown (id int NOT NULL PRIMARY KEY, n int NOT NULL,"
                  " body AS REPLICATE(CAST(N'y' AS nvarchar(max)), n))\nGO\nINSERT dbo.grown VALUES (1, 1), (2, 2)" + captured("grown"))
    run = runner.start(source={"table.include.list": "dbo.grown", "max.value.bytes": str(MIB), "computed.columns.mode": "reread",
                               "event.processing.failure.handling.mode": mode})
    rows = lambda: target.rows("select id, n, length(body) from dbo.grown order by id")
    lab.wait_for("the copy", lambda: rows() == [(1, 1, 1), (2, 2, 2)])
    source.script(f"UPDATE dbo.grown SET n = {MIB + 1} WHERE id = 2; INSERT dbo.grown VALUES (3, 3), (4, {MIB + 4}); UPDATE dbo.grown SET n = 5 WHERE id = 1",
                  "warehouse_source")
    why = "table dbo.grown, column body, key id={}: the value has over 1048576 bytes (max.value.bytes)"
    if mode == "fail":
        assert run.wait(30) == 1
        assert why.format(2) in run.log()
        return
    lab.wait_for("the changes", lambda: rows() == [(1, 5, 5), (2, 2, 2), (3, 3, 3)])
    source.script("UPDATE dbo.grown SET n = 6", "warehouse_source")     # and what was left out comes with a later change
    lab.wait_for("the end", lambda: rows() == [(i, 6, 6) for i in (1, 2, 3, 4)])
    log = run.log()
    assert log.count("event=change_left_out table=dbo.grown") == 2, log
    assert why.format(2) in log and why.format(4) in log, log
    assert run.stop() == 0


@pytest.fixture
def paths(source):
    """hierarchyid beside the key, and as the key; some are no path. (SQL Server itself lets none in that it made.)"""
    source.script(MADE + "CREATE TABLE dbo.paths (id int NOT NULL PRIMARY KEY, n int NOT NULL, h hierarchyid NULL)\nGO\n"
                  "INSERT dbo.paths SELECT value, 0, CAST(0x58 AS hierarchyid) FROM GENERATE_SERIES(1, 20)\nGO\n"
                  "UPDATE dbo.paths SET h = CAST(0xFF AS hierarchyid) WHERE id IN (2, 5, 6, 7, 8, 9, 10, 20)\nGO\n"
                  "CREATE TABLE dbo.nodes (h hierarchyid NOT NULL PRIMARY KEY, n int NOT NULL)\nGO\n"
                  "INSERT dbo.nodes VALUES (CAST(0x58 AS hierarchyid), 1), (CAST(0x5ADE AS hierarchyid), 2), (CAST(0xFF AS hierarchyid), 3)" + captured("paths") + captured("nodes"))
    return source


def start_paths(runner, mode, tables="dbo.paths,dbo.nodes"):
    return runner.start(source={"table.include.list": tables, "snapshot.fetch.size": "5", "incremental.snapshot.chunk.size": "5",
                                "event.processing.failure.handling.mode": mode})


def test_a_malformed_hierarchyid_stops_by_default_and_is_named(runner, paths, target):
    run = start_paths(runner, "fail", "dbo.paths")   # alone: which of two tables is read first nobody knows
    assert run.wait(30) == 1
    assert "table dbo.paths, column h, key id=2: the bytes are no hierarchyid" in run.log()


@pytest.mark.parametrize("mode", ["warn", "skip"])
def test_a_malformed_hierarchyid_follows_the_mode(runner, paths, target, mode):
    run = start_paths(runner, mode)
    kept = sorted(set(range(1, 21)) - {2, 5, 6, 7, 8, 9, 10, 20})
    ids = lambda: [i for i, in target.rows("select id from dbo.paths order by id")]
    lab.wait_for("the copy", lambda: ids() == kept and len(target.rows("select h from dbo.nodes")) == 2)
    bad = "CAST(0xFF AS hierarchyid)"
    with contextlib.closing(paths.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute(f"INSERT dbo.paths VALUES (21, 1, {bad}), (22, 1, NULL)")
        q.execute(f"UPDATE dbo.paths SET n = 2, h = {bad} WHERE id IN (1, 3)")              # left out
        q.execute("UPDATE dbo.paths SET n = 3, h = CAST(0x5ADE AS hierarchyid) WHERE id = 1")   # its old value is malformed: no matter
        q.execute("DELETE dbo.paths WHERE id = 3")
        q.execute("INSERT dbo.nodes VALUES (CAST(0xFE AS hierarchyid), 4)")                # a key that can't be read: nobody's row
        q.execute(f"UPDATE dbo.nodes SET n = 4 WHERE h = {bad}")
        q.execute(f"DELETE dbo.nodes WHERE h = {bad}")
        q.execute("UPDATE dbo.nodes SET n = 5 WHERE n = 1")
        q.execute("INSERT dbo.paths VALUES (70, 1, NULL)")
    lab.wait_for("the end", lambda: 70 in ids())
    assert ids() == sorted(set(kept) - {3} | {22, 70})
    assert target.rows("select n, h from dbo.paths where id = 1") == [(3, "/1/1/3/")]
    assert target.rows("select h, n from dbo.nodes order by n") == [("/1/1/3/", 2), ("/1/", 5)]
    log = run.log()
    told = mode == "warn"
    assert log.count("event=row_left_out table=dbo.paths") == (8 if told else 0), log
    assert log.count("event=row_left_out table=dbo.nodes") == (1 if told else 0), log
    assert log.count("event=change_left_out table=dbo.paths") == (3 if told else 0), log
    assert log.count("event=change_left_out table=dbo.nodes") == (3 if told else 0), log
    assert run.stop() == 0


TOLERANT = {"errors.tolerance": "all"}
OVER = "the value has over 1048576 bytes (max.value.bytes)"


def letters(target, table, state="open"):
    """(op, key, the row before, the row after) of each."""
    rows = target.rows("select op, key::text, payload::text from millrace.dead_letter where source_table = %s and state = %s order by id", table, state)
    return [(op, json.loads(key), json.loads(payload)["before"], json.loads(payload)["after"]) for op, key, payload in rows]


def run_sql(source, *statements):
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        for sql in statements:
            q.execute(sql)


def end_of_notes(notes, target, i):
    run_sql(notes, f"INSERT dbo.notes VALUES ({i}, 1, N'end')")
    lab.wait_for("the end", lambda: i in ids(target))


@pytest.mark.parametrize("lanes", ["1", "3"])
def test_with_tolerance_values_over_the_limit_become_dead_letters(runner, notes, target, lanes):
    sink = {**TOLERANT, "tasks.max": lanes}
    source = {"table.include.list": "dbo.notes,dbo.loose", "max.value.bytes": str(MIB), "snapshot.fetch.size": "5"}
    run = runner.start(*runner.files(source=source, sink=sink))
    lab.wait_for("the copy", lambda: ids(target) == COPIED)
    copied = letters(target, "notes")
    assert sorted(key["id"] for _, key, _, _ in copied) == [3, 11, 12, 13, 14, 15, 20, 40]
    for op, key, before, after in copied:
        assert (op, before) == ("r", None)
        assert after == {"id": key["id"], "n": 0, "note": {"unreadable": OVER, "bytes": 2 * (MIB + 1)}}
    assert target.rows("select distinct sqlstate, column_name, message from millrace.dead_letter") == [("22000", "note", "dbo.notes.note: " + OVER)]

    large = f"REPLICATE(CAST(N'z' AS nvarchar(max)), {MIB + 1})"
    run_sql(notes, f"INSERT dbo.notes VALUES (41, 1, {large}), (42, 1, N'small')",
            f"UPDATE dbo.notes SET n = 2, note = {large} WHERE id IN (1, 2)",
            f"INSERT dbo.loose VALUES (1, {large}), (2, N'small')",
            "DELETE dbo.loose WHERE id = 1")            # nobody's row in the target: without a key its content would say which
    end_of_notes(notes, target, 70)
    lab.wait_for("what is loose", lambda: target.rows("select id, note from dbo.loose") == [(2, "small")])
    lab.wait_for("its letters", lambda: [op for op, _, _, _ in letters(target, "loose")] == ["c", "d"])
    assert ids(target) == sorted(set(COPIED) | {42, 70})
    assert target.rows("select distinct n from dbo.notes where id < 3") == [(0,)]
    open_now = {key["id"]: op for op, key, _, _ in letters(target, "notes")}
    assert open_now == {**dict.fromkeys([3, 11, 12, 13, 14, 15, 20, 40], "r"), 41: "c", 1: "u", 2: "u"}

    run_sql(notes, "UPDATE dbo.notes SET n = 3, note = N'back' WHERE id IN (1, 3)",      # heals the one that streamed and the one that was copied
            "DELETE dbo.notes WHERE id = 2",
            "UPDATE dbo.notes SET id = 60, note = N'moved' WHERE id = 41",
            f"UPDATE dbo.notes SET n = 4, note = {large} WHERE id = 42", "UPDATE dbo.notes SET n = 5, note = N'y' WHERE id = 42")
    end_of_notes(notes, target, 71)
    lab.wait_for("all", lambda: ids(target) == sorted(set(COPIED) - {2} | {3, 42, 60, 70, 71}))
    lab.wait_for("values", lambda: target.rows("select id, n, note from dbo.notes where id in (1, 3, 42, 60) order by id")
                 == [(1, 3, "back"), (3, 3, "back"), (42, 5, "y"), (60, 1, "moved")])
    assert sorted(key["id"] for _, key, _, _ in letters(target, "notes")) == [11, 12, 13, 14, 15, 20, 40]
    assert {1, 2, 3, 41} <= {key["id"] for _, key, _, _ in letters(target, "notes", "superseded")}

    # what isn't in the letter can't be replayed
    files = runner.files(source=source, sink=sink)
    again = runner.command("dlq", "replay", "--table=dbo.notes", *files)
    assert again.returncode == 1 and OVER in again.stdout + again.stderr, again.stdout + again.stderr
    assert len(letters(target, "notes")) == 7
    shown = runner.command("dlq", "show", str(target.value("select min(id) from millrace.dead_letter where state = 'open'")), "--to", target.uri())
    assert f'{{"unreadable":"{OVER}","bytes":{2 * (MIB + 1)}}}' in shown.stdout, shown.stdout + shown.stderr
    assert run.stop() == 0

    # with a larger limit they are read once more: an ad-hoc snapshot closes the letters
    larger = runner.files(source={**source, "max.value.bytes": str(4 * MIB)}, sink=sink)
    run = runner.start(*larger)
    told = runner.command("signal", "execute-snapshot", "--tables=dbo.notes", *larger)
    assert told.returncode == 0, told.stdout + told.stderr
    lab.wait_for("the large ones", lambda: target.value("select count(*) from dbo.notes where length(note) = %s", MIB + 1) == 7)
    lab.wait_for("no open letters", lambda: letters(target, "notes") == [])
    assert run.stop() == 0


def test_a_mode_that_is_set_goes_before_tolerance(runner, notes, target):
    run = runner.start(*runner.files(source={"table.include.list": "dbo.notes", "max.value.bytes": str(MIB),
                                             "event.processing.failure.handling.mode": "skip"}, sink=TOLERANT))
    lab.wait_for("the copy", lambda: ids(target) == COPIED)
    assert target.value("select count(*) from millrace.dead_letter") == 0
    assert run.stop() == 0


def test_with_tolerance_a_computed_value_that_is_read_again_becomes_a_dead_letter(runner, source, target):
    source.script(MADE + "CREATE TABLE dbo.grown (id int NOT NULL PRIMARY KEY, n int NOT NULL,"
                  " body AS REPLICATE(CAST(N'y' AS nvarchar(max)), n))\nGO\nINSERT dbo.grown VALUES (1, 1), (2, 2)" + captured("grown"))
    run = runner.start(*runner.files(source={"table.include.list": "dbo.grown", "max.value.bytes": str(MIB), "computed.columns.mode": "reread"},
                                     sink=TOLERANT))
    rows = lambda: target.rows("select id, n, length(body) from dbo.grown order by id")
    lab.wait_for("the copy", lambda: rows() == [(1, 1, 1), (2, 2, 2)])
    run_sql(source, f"UPDATE dbo.grown SET n = {MIB + 1} WHERE id = 2; INSERT dbo.grown VALUES (3, 3)")
    lab.wait_for("the changes", lambda: rows() == [(1, 1, 1), (2, 2, 2), (3, 3, 3)])
    assert [(op, key, after["body"]["unreadable"]) for op, key, _, after in letters(target, "grown")] == [("u", {"id": 2}, OVER)]
    run_sql(source, "UPDATE dbo.grown SET n = 6")
    lab.wait_for("the end", lambda: rows() == [(i, 6, 6) for i in (1, 2, 3)])
    assert letters(target, "grown") == []
    assert run.stop() == 0


def test_with_tolerance_a_malformed_hierarchyid_becomes_a_dead_letter_but_not_in_a_key(runner, paths, target):
    source = {"snapshot.fetch.size": "5"}
    run = runner.start(*runner.files(source={**source, "table.include.list": "dbo.paths"}, sink=TOLERANT))
    bad = [2, 5, 6, 7, 8, 9, 10, 20]
    lab.wait_for("the copy", lambda: [i for i, in target.rows("select id from dbo.paths order by id")] == sorted(set(range(1, 21)) - set(bad)))
    copied = letters(target, "paths")
    assert sorted(key["id"] for _, key, _, _ in copied) == bad
    assert all(after["h"] == {"unreadable": "the bytes are no hierarchyid"} for _, _, _, after in copied)
    run_sql(paths, f"UPDATE dbo.paths SET h = CAST(0x5ADE AS hierarchyid) WHERE id IN ({', '.join(map(str, bad))})")
    lab.wait_for("all", lambda: target.value("select count(*) from dbo.paths where h = '/1/1/3/'") == len(bad))
    assert letters(target, "paths") == []
    assert run.stop() == 0
    run = runner.start(*runner.files(source={**source, "table.include.list": "dbo.paths,dbo.nodes"}, sink=TOLERANT))
    assert run.wait(30) == 1
    assert "table dbo.nodes, column h" in run.log() and "the bytes are no hierarchyid" in run.log()


def test_with_tolerance_rows_without_a_key_are_set_aside_and_never_guessed(runner, source, target):
    """Two rows that differ in nothing but the value that can't be read: a change of one must not touch the other."""
    large = f"REPLICATE(CAST(N'z' AS nvarchar(max)), {MIB + 1})"
    source.script(MADE + "CREATE TABLE dbo.bag (n int NOT NULL, note nvarchar(max) NULL)\nGO\n"
                  f"INSERT dbo.bag VALUES (1, N'small'), (1, {large}), (2, N'two')" + captured("bag"))
    run = runner.start(*runner.files(source={"table.include.list": "dbo.bag", "max.value.bytes": str(MIB)}, sink=TOLERANT))
    rows = lambda: target.rows("select n, note from dbo.bag order by n")
    lab.wait_for("the copy", lambda: rows() == [(1, "small"), (2, "two")])
    run_sql(source, f"DELETE dbo.bag WHERE note = {large}", f"UPDATE dbo.bag SET note = {large} WHERE n = 2", "INSERT dbo.bag VALUES (3, N'end')")
    lab.wait_for("the end", lambda: rows() == [(1, "small"), (2, "two"), (3, "end")])
    there = [(op, before and before["n"], after and after["n"]) for op, _, before, after in letters(target, "bag")]
    assert there == [("r", None, 1), ("d", 1, None), ("u", 2, 2)]
    assert run.stop() == 0
