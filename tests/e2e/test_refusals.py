"""What stops a run, and what it says: one clear line with the cure."""

import pytest

import lab
from compare import warehouse_differences

ENABLE = "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{}', @role_name = NULL"


def one_line(done, status=2):
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1]


def test_a_mistyped_property_names_file_line_and_the_nearest(runner, warehouse):
    path, sink = runner.files(source={"table.includ.list": "dbo.orders"})
    done = runner.command("run", path, sink)
    line = one_line(done)
    assert str(path.name) in line and "table.includ.list" in line and "table.include.list" in line


def test_a_mistyped_option_and_command_and_file(runner, warehouse):
    assert "--from" in one_line(runner.command("run", "--form", "x"))
    assert "verify" in one_line(runner.command("verfy"))
    line = one_line(runner.command("run", runner.directory / "source.jsn"))
    assert "source.jsn" in line


def test_a_value_out_of_range_says_what_was_expected(runner, warehouse):
    line = one_line(runner.command("run", *runner.files(source={"poll.interval.ms": "soon"})))
    assert "poll.interval.ms" in line and "soon" in line


def test_a_password_in_a_url_is_refused(runner, warehouse):
    done = runner.command("run", "--from", "mssql://sa:secret99@127.0.0.1/db", "--to", runner.target.uri())
    assert done.returncode == 2
    assert "secret99" not in done.stdout + done.stderr
    assert "MILLRACE_SOURCE_PASSWORD" in done.stderr


@pytest.mark.parametrize("case", ["no_cdc", "no_instance", "no_database", "bad_password", "agent"])
def test_what_would_stop_the_run_is_said_with_its_cure(case, runner, source, target):
    source.script("CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\n"
                  "CREATE TABLE dbo.customers (id int NOT NULL PRIMARY KEY, name nvarchar(20) NULL)")
    changes, env, cure = {"table.include.list": "dbo.customers"}, {}, None
    if case in ("no_instance", "agent"):
        source.script("EXEC sys.sp_cdc_enable_db", "warehouse_source")
    if case == "no_cdc":
        cure = "sp_cdc_enable_db"
    elif case == "no_instance":
        cure = "sp_cdc_enable_table"
    elif case == "no_database":
        changes["database.names"], cure = "warehouse_sauce", "warehouse_sauce"
    elif case == "bad_password":
        env, cure = {"SOURCE_PASSWORD": "Wrong-password-1"}, "Login failed"
    elif case == "agent":
        source.script(ENABLE.format("customers"), "warehouse_source")
        source.script("EXEC standin.agent_stop")
        cure = "Agent"
    done = runner.command("run", *runner.files(source=changes), **env)
    assert done.returncode != 0, done.stdout + done.stderr
    assert cure in done.stderr, done.stderr
    assert "Wrong-password-1" not in done.stderr


def test_a_target_that_is_not_empty_is_refused(runner, warehouse, target):
    target.rows("create schema dbo")
    target.rows("create table dbo.orders (id int primary key, customer_id int, status text, total numeric, note text, placed_at timestamp)")
    target.rows("insert into dbo.orders (id) values (1)")
    done = runner.command("run", *runner.files())
    assert done.returncode != 0
    assert "orders" in done.stderr and "empty" in done.stderr


def test_an_incompatible_target_is_refused(runner, warehouse, target):
    target.rows("create schema dbo")
    target.rows("create table dbo.orders (id date primary key)")
    done = runner.command("run", *runner.files())
    assert done.returncode != 0
    assert "dbo.orders" in done.stderr and "id" in done.stderr


def test_a_position_that_cleanup_has_passed_is_never_a_silent_gap(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    run.stop()
    for _ in range(3):
        runner.mark()
    lab.wait_for("capture", lambda: warehouse.rows("SELECT COUNT(*) FROM cdc.dbo_customers_CT", "warehouse_source")[0][0] >= 4)
    warehouse.script("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @l", "warehouse_source")
    done = runner.command("run", *runner.files())
    assert done.returncode != 0
    text = done.stderr
    assert "dbo_customers" in text or "dbo.customers" in text
    assert text.count(":") > 6, text  # the LSN that was needed and the one that is left
    assert "retention" in text or "snapshot" in text, text


def test_a_table_left_out_is_never_a_silent_gap_and_comes_back_whole(runner, warehouse, target):
    less = {"table.include.list": "dbo.customers,dbo.orders"}
    run = runner.start()
    runner.drained(run)
    run.stop()
    done = runner.command("run", *runner.files(source=less))
    assert done.returncode != 0
    assert "source_schema = 'dbo' AND source_table = 'line_items'" in done.stderr, done.stderr

    target.rows("delete from millrace.table_state where source_table = 'line_items'")
    run = runner.start(source=less)
    warehouse.script("DELETE FROM dbo.line_items WHERE order_id % 2 = 0", "warehouse_source")
    runner.drained(run)
    run.stop()
    target.rows("truncate dbo.line_items")
    run = runner.start()
    lab.wait_for("the copy", lambda: target.rows("select 1 from millrace.table_state where source_table = 'line_items' and is_done"))
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []
