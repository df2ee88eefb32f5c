"""snapshot.mode: what is copied, what is streamed, and what becomes of rows that are there already."""

import signal

import pytest

import lab
from compare import warehouse_differences

CLEAN_UP = "DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @l"
BASED_ON = "snapshot.mode.configuration.based."


def change_while_stopped(runner, warehouse, cleans_up):
    """Changes of customers and line items, captured; then the cleanup job takes them."""
    warehouse.script("UPDATE dbo.customers SET city = CONVERT(nvarchar(40), NEWID()) WHERE id <= 5", "warehouse_source")
    warehouse.script("DELETE FROM dbo.line_items WHERE order_id = 7", "warehouse_source")
    marker = runner.mark()
    captured = f"SELECT COUNT(*) FROM cdc.dbo_customers_CT WHERE email = N'{marker}'"
    lab.wait_for("capture", lambda: warehouse.rows(captured, "warehouse_source")[0][0])
    if cleans_up:
        warehouse.script(CLEAN_UP, "warehouse_source")


def run_once(runner, mode, sink=None, **more):
    run = runner.start(source={"snapshot.mode": mode, **more}, sink=sink)
    runner.drained(run)  # a change may come in beside a copy:
    lab.wait_for("the copies' end", lambda: not runner.target.rows("select 1 from millrace.table_state where not is_done"), 60)
    log = run.log()
    assert run.stop(signal.SIGTERM) == 0
    return log


def test_always_copies_anew_at_each_start_and_only_then(runner, warehouse, target):
    assert "table_copied_anew" not in run_once(runner, "always")
    change_while_stopped(runner, warehouse, cleans_up=True)
    target.rows("update dbo.customers set name = 'wrong' where id = 4")
    target.rows("insert into dbo.line_items (order_id, line_no, sku, quantity, price) values (999999, 1, 'stray', 1, 1)")
    log = run_once(runner, "always")
    assert log.count("event=table_copied_anew") == 3
    assert warehouse_differences(warehouse, target) == []
    assert target.value("select count(*) from dbo.line_items where sku = 'stray'") == 0


def test_when_needed_copies_what_changes_are_gone_of(runner, warehouse, target):
    run_once(runner, "when_needed")
    change_while_stopped(runner, warehouse, cleans_up=False)
    assert "table_copied_anew" not in run_once(runner, "when_needed")
    assert warehouse_differences(warehouse, target) == []
    change_while_stopped(runner, warehouse, cleans_up=True)
    refused = runner.command("run", *runner.files({"snapshot.mode": "initial"}))
    assert refused.returncode == 1 and "when_needed" in refused.stderr
    log = run_once(runner, "when_needed")
    assert "event=table_copied_anew table=dbo.customers" in log and "changes of it are gone" in log
    assert warehouse_differences(warehouse, target) == []


def test_several_lanes_copy_anew_as_one_does(runner, warehouse, target):
    lanes = {"tasks.max": "3"}
    run_once(runner, "initial", lanes)
    change_while_stopped(runner, warehouse, cleans_up=True)
    assert "changes of it are gone" in run_once(runner, "when_needed", lanes)
    assert warehouse_differences(warehouse, target) == []
    target.rows("insert into dbo.line_items (order_id, line_no, sku, quantity, price) values (999999, 1, 'stray', 1, 1)")
    assert run_once(runner, "always", lanes).count("event=table_copied_anew") == 3
    assert warehouse_differences(warehouse, target) == []


def test_a_copy_anew_with_foreign_keys_that_are_kept_names_them(runner, warehouse, target):
    run_once(runner, "initial")
    target.rows("alter table dbo.orders add foreign key (customer_id) references dbo.customers")
    done = runner.command("run", *runner.files({"snapshot.mode": "always", "table.include.list": "dbo.customers"}))
    assert done.returncode == 1
    keep = {"foreign.keys.during.copy": "keep"}
    done = runner.command("run", *runner.files({"snapshot.mode": "always"}, keep))
    assert done.returncode == 1 and "foreign key" in done.stderr, done.stderr
    assert target.value("select count(*) from dbo.customers") > 0


def test_recovery_needs_a_position_and_goes_on_from_it(runner, warehouse, target):
    done = runner.command("run", *runner.files({"snapshot.mode": "recovery"}))
    assert done.returncode == 1 and "snapshot.mode=recovery" in done.stderr
    run_once(runner, "initial")
    change_while_stopped(runner, warehouse, cleans_up=False)
    run_once(runner, "recovery")
    assert warehouse_differences(warehouse, target) == []


def test_configuration_based_does_what_its_flags_say(runner, warehouse, target):
    mode = {"snapshot.mode": "configuration_based"}
    done = runner.command("run", *runner.files(mode))
    assert done.returncode == 1 and "nothing to do" in done.stderr
    done = runner.command("run", *runner.files({**mode, BASED_ON + "snapshot.schema": "true"}))
    assert done.returncode == 0, done.stderr
    assert target.value("select count(*) from dbo.customers") == 0
    target.rows("drop schema dbo cascade; drop schema millrace cascade")
    done = runner.command("run", *runner.files({**mode, BASED_ON + "snapshot.data": "true"}))
    assert done.returncode == 0, done.stderr
    assert warehouse_differences(warehouse, target) == []
    change_while_stopped(runner, warehouse, cleans_up=False)
    log = run_once(runner, "configuration_based", **{BASED_ON + "snapshot.data": "true", BASED_ON + "start.stream": "true"})
    assert log.count("event=table_copied_anew") == 3
    assert warehouse_differences(warehouse, target) == []


@pytest.mark.parametrize("mode", ["never", "custom", "initial_onyl"])
def test_what_debezium_refuses_is_refused(mode, runner, warehouse):
    done = runner.command("run", *runner.files({"snapshot.mode": mode}))
    assert done.returncode == 2 and "snapshot.mode" in done.stderr
