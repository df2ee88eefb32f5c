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
