"""Text that PostgreSQL can't hold, stored as the sink is told to."""

import contextlib

import pytest

import lab

SOURCE = """
CREATE TABLE dbo.notes (id int NOT NULL CONSTRAINT pk_notes PRIMARY KEY, note nvarchar(40) NULL, memo nvarchar(max) NULL)
GO
CREATE TABLE dbo.codes (code nvarchar(20) NOT NULL CONSTRAINT pk_codes PRIMARY KEY, note nvarchar(40) NULL)
GO
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'notes', @role_name = NULL
GO
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'codes', @role_name = NULL
GO
"""
TABLES = {"table.include.list": "dbo.customers,dbo.orders,dbo.line_items,dbo.notes,dbo.codes"}
NUL = "N'a' + NCHAR(0) + N'b'"


def run_sql(source, *statements):
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        for sql in statements:
            q.execute(sql)


@pytest.mark.parametrize(("mode", "stored"), [("replace", "a\ufffdb"), ("remove", "ab"), ("escape", "a\\u0000b")])
def test_a_nul_in_text_is_stored_as_told_and_verify_agrees(mode, stored, runner, warehouse, target):
    warehouse.script("USE warehouse_source\nGO\n" + SOURCE)
    run_sql(warehouse, f"INSERT INTO dbo.notes VALUES (1, {NUL}, N'plain'), (2, N'plain', {NUL})")
    sink = {"text.unstorable.handling.mode": mode}
    run = runner.start(source=TABLES, sink=sink)
    runner.drained(run)
    run_sql(warehouse, f"INSERT INTO dbo.notes VALUES (3, NULL, {NUL})", f"UPDATE dbo.notes SET memo = {NUL} WHERE id = 1")
    runner.drained(run)
    assert target.rows("select id, note, memo from dbo.notes order by id") == [(1, stored, stored), (2, "plain", stored), (3, None, stored)]
    log = run.log()
    assert log.count("text_changed") == log.count("dbo.notes.note") + log.count("dbo.notes.memo") > 0, log
    files = runner.files(source=TABLES, sink=sink)
    done = runner.command("verify", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    # a row that differs is found all the same, and the one that holds the character isn't
    target.rows("update dbo.notes set note = 'other' where id = 2")
    done = runner.command("verify", *files)
    assert done.returncode == 1 and "id=2" in done.stdout and "id=1" not in done.stdout, done.stdout + done.stderr
    # in a key two rows could become one: refused
    run_sql(warehouse, f"INSERT INTO dbo.codes VALUES ({NUL}, N'x')")
    lab.wait_for("the end", lambda: not run.is_running(), 60)
    assert "dbo.codes.code: the text holds U+0000" in run.log()
    assert target.value("select count(*) from dbo.codes") == 0
