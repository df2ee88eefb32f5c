"""database.names with several databases: one pipeline name, each database carried by itself."""

import contextlib
import json
import signal

import pytest

import lab
from conftest import ADDRESS_OPTIONS, DRIVER

TABLE = """CREATE DATABASE {0}
GO
USE {0}
GO
EXEC sys.sp_cdc_enable_db
GO
CREATE TABLE dbo.items (id int NOT NULL PRIMARY KEY, name nvarchar(40) NULL)
GO
INSERT INTO dbo.items VALUES (1, N'{0} one'), (2, N'{0} two')
GO
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL
"""
NAMES = ("north", "south")
SOURCE = {"database.names": "north,south", "table.include.list": "dbo.items"}
SINK = {"topics.regex": r"sqlserver\..*", "collection.name.format": "${source.db}.${source.table}"}


@pytest.fixture
def two(source):
    for name in NAMES:
        source.script(TABLE.format(name))
    return source


def execute(source, database, sql):
    with contextlib.closing(source.connect(database)) as c, c.cursor() as q:
        q.execute(sql)


def rows(target, name):
    return target.rows(f"select id, name from {name}.items order by id")


def holds(target, name, expected):
    lab.wait_for(f"{name} to hold {expected}", lambda: rows(target, name) == expected)


@pytest.mark.parametrize("lanes", ["1", "3"])
def test_each_database_is_copied_streamed_verified_and_gone_on_with(lanes, runner, two, target):
    sink = {**SINK, "tasks.max": lanes}
    run = runner.start(source=SOURCE, sink=sink)
    for name in NAMES:
        holds(target, name, [(1, f"{name} one"), (2, f"{name} two")])
    for name in NAMES:
        execute(two, name, f"UPDATE dbo.items SET name = N'{name} changed' WHERE id = 1")
        holds(target, name, [(1, f"{name} changed"), (2, f"{name} two")])
    assert run.stop(signal.SIGTERM) == 0
    assert target.rows("select distinct database from millrace.position order by 1") == [("north",), ("south",)]
    execute(two, "south", "DELETE FROM dbo.items WHERE id = 2")
    files = runner.files(SOURCE, sink)
    run = runner.start(*files)
    holds(target, "south", [(1, "south changed")])
    done = runner.command("verify", *files)
    assert done.returncode == 0 and "database north" in done.stdout and "database south" in done.stdout, done.stdout + done.stderr
    execute(two, "north", "INSERT INTO dbo.items VALUES (3, N'north three')")
    holds(target, "north", [(1, "north changed"), (2, "north two"), (3, "north three")])
    summary = runner.directory / "summary.json"
    assert run.stop(signal.SIGTERM) == 0
    run = runner.start("--json", f"--summary-file={summary}", *files)
    lab.wait_for("both", lambda: run.log().count("event=pipeline_state") >= 2 and run.log().count("to=running") == 2)
    assert run.stop(signal.SIGTERM) == 0
    lines = [json.loads(line) for line in summary.read_text().splitlines()]
    assert sorted(line["database"] for line in lines) == ["north", "south"]


def test_tables_of_one_name_need_a_target_each(runner, two, target):
    done = runner.command("run", *runner.files(SOURCE, {**SINK, "collection.name.format": "${source.schema}.${source.table}"}))
    assert done.returncode == 1
    assert "north.dbo.items and south.dbo.items would both be written to" in done.stderr and "${source.db}" in done.stderr
    assert not target.rows("select 1 from pg_tables where schemaname = 'dbo'")


def test_one_database_that_fails_leaves_the_others_at_work(runner, two, target):
    source = {**SOURCE, "database.names": "north,nowhere"}
    run = runner.start(source=source, sink=SINK)
    holds(target, "north", [(1, "north one"), (2, "north two")])
    lab.wait_for("the failure", lambda: "pipeline_failed" in run.log() and "no database nowhere" in run.log())
    execute(two, "north", "INSERT INTO dbo.items VALUES (3, N'still')")
    holds(target, "north", [(1, "north one"), (2, "north two"), (3, "still")])
    assert run.stop(signal.SIGTERM) == 1
    assert "nowhere failed" in run.log()


def test_a_database_that_comes_later_is_copied_beside_the_others(runner, two, target):
    run = runner.start(source={**SOURCE, "database.names": "north"}, sink=SINK)
    holds(target, "north", [(1, "north one"), (2, "north two")])
    assert run.stop(signal.SIGTERM) == 0
    run = runner.start(source=SOURCE, sink=SINK)
    holds(target, "south", [(1, "south one"), (2, "south two")])
    execute(two, "north", "DELETE FROM dbo.items WHERE id = 1")
    holds(target, "north", [(2, "north two")])
    assert run.stop(signal.SIGTERM) == 0


@pytest.mark.skipif(bool(DRIVER), reason="addresses take the first driver found")
def test_addresses_may_name_several_databases(runner, two, target):
    run = runner.start(f"--from=mssql://sa@127.0.0.1:{two.port}/north,south?{ADDRESS_OPTIONS}", f"--to={target.uri()}")
    for name in NAMES:
        holds(target, f"{name}_dbo", [(1, f"{name} one"), (2, f"{name} two")])
    assert run.stop(signal.SIGTERM) == 0


def test_check_and_setup_take_them_in_turn(runner, two, target):
    files = runner.files(SOURCE, SINK)
    done = runner.command("check", *files)
    assert "database north" in done.stdout and "database south" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    mixed = runner.command("check", *runner.files(SOURCE, {**SINK, "collection.name.format": "${source.schema}.${source.table}"}))
    assert mixed.returncode == 1 and "would both be written to" in " ".join(mixed.stdout.split())
    objects = [json.loads(line) for line in runner.command("check", "--json", *runner.files(SOURCE, SINK)).stdout.splitlines()]
    assert len(objects) == 2 and all(o["ok"] for o in objects)
    done = runner.command("setup", *runner.files(SOURCE, SINK))
    assert done.returncode == 0 and done.stdout.count("nothing to do") <= 2
