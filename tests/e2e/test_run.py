"""Snapshot and stream, as a user runs them."""

import contextlib
import signal

import pytest

import lab
from compare import warehouse_differences
from conftest import ADDRESS_OPTIONS, DRIVER
from workload import Workload


def test_a_snapshot_and_the_changes_after_it_arrive(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=7, limit=300)
    load.start()
    load.join(60)
    assert not load.error and load.transactions == 300
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []
    assert run.stop(signal.SIGINT) == 0


def test_changes_made_while_the_snapshot_runs_are_not_lost(runner, warehouse, target):
    load = Workload(warehouse, 300, 600, seed=8)
    load.start()
    run = runner.start()
    lab.wait_for("the snapshot", lambda: target.rows("select 1 from dbo.line_items limit 1"))
    lab.wait_for("some transactions", lambda: load.transactions > 300)
    load.stop()
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []


def test_the_target_gets_native_types_keys_and_not_null(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    columns = dict(target.rows("""select column_name, format_type(a.atttypid, a.atttypmod) || case when a.attnotnull
        then ' not null' else '' end from information_schema.columns c join pg_attribute a on a.attname = c.column_name
        and a.attrelid = 'dbo.customers'::regclass where table_schema = 'dbo' and table_name = 'customers'"""))
    assert columns["id"] == "integer not null"
    assert columns["public_id"] == "uuid not null"
    assert columns["credit"] == "numeric(19,4) not null"
    assert columns["is_active"] == "boolean not null"
    assert columns["created_at"] == "timestamp(3) without time zone not null"
    assert columns["email"] in ("text", "character varying(200)")
    keys = target.rows("""select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid
        and a.attnum = any(i.indkey) where i.indrelid = 'dbo.line_items'::regclass and i.indisprimary order by 1""")
    assert keys == [("line_no",), ("order_id",)]


def test_stopping_drains_and_a_restart_goes_on(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    assert run.stop(signal.SIGTERM) == 0
    load = Workload(warehouse, 300, 600, seed=9, limit=100)
    load.start()
    load.join(60)
    assert not load.error
    run = runner.start()
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []
    copied = [line for line in run.log().splitlines() if "event=snapshot_table" in line]
    assert copied == [], "the second start copied nothing again"


def test_one_postgres_transaction_shows_a_source_transaction_whole(runner, warehouse, target):
    """A reader of the target never sees an order without its lines: both are written by one source transaction."""
    run = runner.start()
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=10)
    load.kinds = [(load.new_order, 1)]
    load.start()
    torn = 0
    with contextlib.closing(target.connect()) as c, c.cursor() as q:
        for _ in range(200):
            q.execute("""select count(*) from dbo.orders o where id > 600
                         and not exists (select 1 from dbo.line_items l where l.order_id = o.id)""")
            torn += q.fetchone()[0]
    load.stop()
    assert load.transactions > 0
    assert torn == 0


def test_from_and_to_run_without_files(runner, warehouse, target):
    run = runner.start("--from", f"mssql://sa@127.0.0.1:{warehouse.port}/warehouse_source?tables=dbo.customers,dbo.orders&{ADDRESS_OPTIONS}",
                       "--to", target.uri())
    runner.drained(run)
    tables = target.rows("select tablename from pg_tables where schemaname = 'dbo' order by 1")
    assert tables == [("customers",), ("orders",)]
    assert target.value("select count(*) from dbo.orders") == 600
    assert run.stop(signal.SIGINT) == 0


def test_initial_only_copies_and_ends_and_no_data_copies_nothing(runner, warehouse, target):
    done = runner.command("run", *runner.files(source={"snapshot.mode": "initial_only"}))
    assert done.returncode == 0, done.stderr
    assert target.value("select count(*) from dbo.line_items") == 1500
    target.rows("drop schema dbo cascade")
    target.rows("drop schema millrace cascade")
    run = runner.start(source={"snapshot.mode": "no_data"})
    lab.wait_for("the start", lambda: target.rows("select 1 from millrace.position where position is not null"))
    runner.drained(run)
    assert target.value("select count(*) from dbo.customers") == 1


def test_position_is_readable(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    columns = [r[0] for r in target.rows("""select column_name from information_schema.columns
                                            where table_schema = 'millrace' and table_name = 'position'""")]
    assert "position" in columns and "epoch" in columns
    lsn = target.value("select position from millrace.position")
    assert len(lsn.split(":")) == 3


@pytest.mark.skipif(not DRIVER, reason="only in the pass that names a driver")
def test_the_source_is_read_through_the_driver_that_was_named(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    assert f'driver="{DRIVER}"' in run.log()
