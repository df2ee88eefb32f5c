"""ALTER TABLE … ADD with a second capture instance, in the midst of a workload."""

import contextlib

import lab
from compare import warehouse_differences
from workload import Workload

ENABLE_SECOND = """EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL,
    @capture_instance = N'dbo_customers_v2'"""


def run_sql(source, sql):
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute(sql)
        while q.nextset():
            pass


def test_a_second_instance_is_taken_over_and_the_column_added(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=21, pause=0.001)
    load.start()
    lab.wait_for("work before", lambda: load.transactions > 50)
    run_sql(warehouse, "ALTER TABLE dbo.customers ADD loyalty_points int NULL")
    run_sql(warehouse, ENABLE_SECOND)
    load.has_points = True
    seen = load.transactions
    lab.wait_for("work after", lambda: load.transactions > seen + 200)
    load.stop()
    runner.drained(run)
    added = {"dbo.customers": ["loyalty_points"]}
    lab.wait_for("the new column", lambda: target.rows(
        "select 1 from information_schema.columns where table_name = 'customers' and column_name = 'loyalty_points'"))
    lab.wait_for("equal tables", lambda: warehouse_differences(warehouse, target, more_columns=added) == [], 30, 0.5)
    assert warehouse.rows("SELECT COUNT(*) FROM dbo.customers WHERE loyalty_points IS NOT NULL", "warehouse_source")[0][0] > 0


def test_values_written_between_alter_and_the_second_instance_arrive(runner, warehouse, target):
    """They are in no change row: the table is read again for them."""
    run = runner.start()
    runner.drained(run)
    run_sql(warehouse, "ALTER TABLE dbo.customers ADD loyalty_points int NOT NULL CONSTRAINT df_points DEFAULT 7")
    run_sql(warehouse, "UPDATE dbo.customers SET loyalty_points = 1000 + id WHERE id % 3 = 0")
    run_sql(warehouse, ENABLE_SECOND)
    run_sql(warehouse, "UPDATE dbo.customers SET loyalty_points = 5 WHERE id = 1")
    runner.drained(run)
    added = {"dbo.customers": ["loyalty_points"]}

    def equal():
        assert run.is_running(), run.log()
        return warehouse_differences(warehouse, target, more_columns=added) == []

    lab.wait_for("equal tables", equal, 30, 0.5)


def test_a_restart_after_the_takeover_goes_on(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    run_sql(warehouse, "ALTER TABLE dbo.customers ADD loyalty_points int NULL")
    run_sql(warehouse, ENABLE_SECOND)
    run_sql(warehouse, "UPDATE dbo.customers SET loyalty_points = 5 WHERE id < 10")
    run.kill()
    run = runner.start()
    runner.drained(run)
    added = {"dbo.customers": ["loyalty_points"]}
    lab.wait_for("equal tables", lambda: warehouse_differences(warehouse, target, more_columns=added) == [], 30, 0.5)


def enable(source, table, instance=None):
    name = f", @capture_instance = N'{instance}'" if instance else ""
    run_sql(source, f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', @role_name = NULL{name}")


ALL_OF_DBO = {"table.include.list": r"dbo\.(customers|orders|line_items|late.*)"}


def both(source, target, table):
    sql = f"select id, note from dbo.{table} order by id"
    return [tuple(r) for r in source.rows(sql, "warehouse_source")], [tuple(r) for r in target.rows(sql)]


def equal(run, source, target, table):
    def check():
        assert run.is_running(), run.log()
        if not target.value("select to_regclass(%s) is not null", f"dbo.{table}"):
            return False
        mine, its = both(source, target, table)
        return mine == its and mine
    return check


def test_a_table_that_appears_is_copied_and_streamed(runner, warehouse, target):
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    run_sql(warehouse, "CREATE TABLE dbo.late1 (id int NOT NULL PRIMARY KEY, note nvarchar(40) NULL)")
    run_sql(warehouse, "INSERT INTO dbo.late1 VALUES " + ", ".join(f"({i}, N'before {i}')" for i in range(500)))
    enable(warehouse, "late1")
    run_sql(warehouse, "UPDATE dbo.late1 SET note = N'after' WHERE id < 7; DELETE FROM dbo.late1 WHERE id = 400")
    lab.wait_for("the new table", equal(run, warehouse, target, "late1"), 60, 0.2)
    run_sql(warehouse, "INSERT INTO dbo.late1 VALUES (1000, N'streamed')")
    lab.wait_for("its stream", equal(run, warehouse, target, "late1"), 30, 0.2)
    assert "event=table_appeared" in run.log()


def test_a_table_that_vanishes_leaves_the_others_going(runner, warehouse, target):
    run_sql(warehouse, "CREATE TABLE dbo.late2 (id int NOT NULL PRIMARY KEY, note nvarchar(40) NULL); INSERT INTO dbo.late2 VALUES (1, N'x')")
    enable(warehouse, "late2")
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    lab.wait_for("the copy", equal(run, warehouse, target, "late2"), 30, 0.2)
    run_sql(warehouse, "DROP TABLE dbo.late2")
    lab.wait_for("the table forgotten", lambda: "event=table_gone" in run.log(), 30, 0.2)
    runner.drained(run)
    assert target.rows("select source_table from millrace.table_state where source_table = 'late2'") == []
    assert target.rows("select id from dbo.late2") == [(1,)], "what the target has is left alone"
    run.kill()
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)

    target.rows("truncate dbo.late2")
    run_sql(warehouse, "CREATE TABLE dbo.late2 (id int NOT NULL PRIMARY KEY, note nvarchar(40) NULL); INSERT INTO dbo.late2 VALUES (5, N'again')")
    enable(warehouse, "late2")
    lab.wait_for("the table again", equal(run, warehouse, target, "late2"), 60, 0.2)


def test_a_table_that_vanished_while_nothing_ran_is_forgotten_too(runner, warehouse, target):
    run_sql(warehouse, "CREATE TABLE dbo.late3 (id int NOT NULL PRIMARY KEY, note nvarchar(40) NULL)")
    enable(warehouse, "late3")
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    run.kill()
    run_sql(warehouse, "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'late3', @capture_instance = N'all'")
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    lab.wait_for("the table forgotten", lambda: "event=table_gone" in run.log(), 30, 0.2)
