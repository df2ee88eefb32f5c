"""millrace verify and millrace setup."""

import contextlib

import lab
from conftest import ADDRESS_OPTIONS


def test_verify_finds_each_kind_of_difference(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    equal = runner.command("verify", *runner.files())
    assert equal.returncode == 0, equal.stdout + equal.stderr
    target.rows("update dbo.orders set total = total + 1 where id = 17")
    target.rows("delete from dbo.line_items where order_id = 5 and line_no = 1")
    target.rows("insert into dbo.customers select 100000, public_id, name, email, city, credit, is_active, created_at "
                "from dbo.customers where id = 1")
    found = runner.command("verify", "--settle=2", *runner.files())
    assert found.returncode == 1, found.stdout + found.stderr
    for key in ("17", "100000"):
        assert key in found.stdout, found.stdout
    assert "dbo.line_items" in found.stdout and "5" in found.stdout


def test_verify_under_traffic_waits_for_the_stream(runner, warehouse, target):
    from workload import Workload
    run = runner.start()
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=31, pause=0.005)
    load.start()
    try:
        for _ in range(3):
            done = runner.command("verify", *runner.files())
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        load.stop()


def test_setup_prints_what_yes_runs(runner, source, target):
    source.script("CREATE DATABASE warehouse_source\nGO\nUSE warehouse_source\nGO\n"
                  "CREATE TABLE dbo.customers (id int NOT NULL PRIMARY KEY, name nvarchar(20) NULL)")
    ends = ["--from", f"mssql://sa@127.0.0.1:{source.port}/warehouse_source?tables=dbo.customers&{ADDRESS_OPTIONS}", "--to", target.uri()]
    shown = runner.command("setup", *ends)
    assert shown.returncode == 0, shown.stderr
    assert "sp_cdc_enable_db" in shown.stdout and "sp_cdc_enable_table" in shown.stdout
    assert source.rows("SELECT is_cdc_enabled FROM sys.databases WHERE name = 'warehouse_source'")[0][0] in (0, False)
    done = runner.command("setup", *ends, "--yes")
    assert done.returncode == 0, done.stderr
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute("INSERT INTO dbo.customers VALUES (1, N'a')")
    run = runner.start(*ends)
    lab.wait_for("the row", lambda: target.rows("select 1 from dbo.customers where id = 1"))
    assert runner.command("setup", *ends, "--yes").returncode == 0, "a second time does nothing and says so"
    run.stop()
