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


KEYED = "CREATE TABLE dbo.late4 (id int NOT NULL PRIMARY KEY, note varchar(10) NULL, n int NOT NULL, d decimal(9,2) NULL, gone int NOT NULL)"


def prepared(warehouse):
    run_sql(warehouse, KEYED)
    run_sql(warehouse, "INSERT INTO dbo.late4 VALUES " + ", ".join(f"({i}, 'n{i}', {i}, {i}.25, {i})" for i in range(200)))
    enable(warehouse, "late4")


def late4(source, target, columns="id, note, n, d"):
    sql = f"select {columns} from dbo.late4 order by id"
    return [tuple(r) for r in source.rows(sql, "warehouse_source")], [tuple(r) for r in target.rows(sql)]


def late4_equal(run, source, target, columns="id, note, n, d"):
    def check():
        assert run.is_running(), run.log()
        mine, its = late4(source, target, columns)
        return mine == its
    lab.wait_for("equal tables", check, 60, 0.2)


class Writer:
    """Rows changed without end, by a thread."""

    def __init__(self, source):
        import threading
        self.source, self.ended = source, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        i = 0
        with contextlib.closing(self.source.connect("warehouse_source")) as c, c.cursor() as q:
            while not self.ended.is_set():
                i += 1
                q.execute(f"UPDATE dbo.late4 SET note = 'w{i % 1000}' WHERE id % 10 = {i % 10}")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(30)


def test_columns_are_widened_and_nullable_without_a_second_instance(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    with Writer(warehouse):
        run_sql(warehouse, "ALTER TABLE dbo.late4 ALTER COLUMN n bigint NULL")
        run_sql(warehouse, "ALTER TABLE dbo.late4 ALTER COLUMN note varchar(60) NULL")
        run_sql(warehouse, "ALTER TABLE dbo.late4 ALTER COLUMN d decimal(20,2) NULL")
        run_sql(warehouse, "UPDATE dbo.late4 SET n = 5000000000 WHERE id = 3; UPDATE dbo.late4 SET n = NULL WHERE id = 4;"
                           "UPDATE dbo.late4 SET note = REPLICATE('x', 55), d = 123456789012345.75 WHERE id = 5")
        runner.drained(run)
    runner.drained(run)
    late4_equal(run, warehouse, target)
    types = dict(target.rows("select column_name, data_type from information_schema.columns where table_name = 'late4'"))
    assert types["n"] == "bigint"
    assert (3, 5000000000) in target.rows("select id, n from dbo.late4") and (4, None) in target.rows("select id, n from dbo.late4")


def test_a_dropped_column_stays_in_the_target_and_blocks_nothing(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    run_sql(warehouse, "ALTER TABLE dbo.late4 DROP COLUMN gone")
    run_sql(warehouse, "INSERT INTO dbo.late4 (id, note, n, d) VALUES (900, 'a', 1, 1)")
    late4_equal(run, warehouse, target)
    enable(warehouse, "late4", "late4_second")
    run_sql(warehouse, "INSERT INTO dbo.late4 (id, note, n, d) VALUES (901, 'b', 1, 1)")
    late4_equal(run, warehouse, target)
    assert target.value("select gone from dbo.late4 where id = 901") is None


def test_an_added_column_that_isnt_captured_is_told(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    run_sql(warehouse, "ALTER TABLE dbo.late4 ADD extra int NULL")
    run_sql(warehouse, "UPDATE dbo.late4 SET note = 'z' WHERE id = 1")
    lab.wait_for("the warning", lambda: "event=column_not_captured" in run.log(), 30, 0.1)
    assert "columns=extra" in run.log() and "EXEC sys.sp_cdc_enable_table" in run.log()
    late4_equal(run, warehouse, target)


def test_a_capture_instance_is_made_and_the_old_one_dropped(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source={**ALL_OF_DBO, "capture.instance.auto": "true"})
    runner.drained(run)
    with Writer(warehouse):
        for name in ("extra", "more"):
            run_sql(warehouse, f"ALTER TABLE dbo.late4 ADD {name} int NULL")
            run_sql(warehouse, f"UPDATE dbo.late4 SET {name} = id * 2 WHERE id % 3 = 0")
            lab.wait_for("the column", lambda: target.rows(
                "select 1 from information_schema.columns where table_name = 'late4' and column_name = %s", name), 60, 0.2)
            lab.wait_for("one instance", lambda: warehouse.rows(
                "SELECT COUNT(*) FROM cdc.change_tables WHERE source_object_id = OBJECT_ID(N'dbo.late4')", "warehouse_source")[0][0] == 1, 60, 0.2)
    runner.drained(run)
    late4_equal(run, warehouse, target, "id, note, n, d, gone, extra, more")
    assert run.log().count("event=capture_instance_made") == 2


def test_policies_ignore_and_fail(runner, warehouse, target):
    prepared(warehouse)
    policy = {"schema.change.policy": "ignore", "schema.change.policy.overrides": r"dbo\.customers:fail"}
    run = runner.start(source=ALL_OF_DBO, sink=policy)
    runner.drained(run)
    run_sql(warehouse, "ALTER TABLE dbo.late4 ADD extra int NULL")
    enable(warehouse, "late4", "late4_second")
    run_sql(warehouse, "UPDATE dbo.late4 SET extra = 7, note = 'kept' WHERE id < 50")
    lab.wait_for("the switch", lambda: "event=column_ignored" in run.log(), 30, 0.1)
    late4_equal(run, warehouse, target)
    assert target.rows("select 1 from information_schema.columns where table_name = 'late4' and column_name = 'extra'") == []
    run_sql(warehouse, "ALTER TABLE dbo.customers ADD loyalty_points int NULL")
    run_sql(warehouse, ENABLE_SECOND)
    run_sql(warehouse, "UPDATE dbo.customers SET loyalty_points = 1")
    lab.wait_for("the stop", lambda: not run.is_running(), 60, 0.1)
    assert "dbo.customers has changed" in run.log() and "ADD COLUMN" in run.log()


def test_a_vanished_table_stops_the_run_where_the_policy_says_so(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source={**ALL_OF_DBO, "schema.change.policy.overrides": "dbo.late4:fail"})
    runner.drained(run)
    run_sql(warehouse, "DROP TABLE dbo.late4")
    lab.wait_for("the stop", lambda: not run.is_running(), 60, 0.1)
    assert "dbo.late4" in run.log() and "no change table" in run.log()


def test_a_start_waits_for_a_table_that_is_to_be_altered(runner, warehouse, target):
    """Whoever holds it may be a former owner that hangs: the run ends that one, so it has to come so far."""
    run = runner.start()
    runner.drained(run)
    run.kill()
    run_sql(warehouse, "ALTER TABLE dbo.customers ADD loyalty_points int NULL")
    run_sql(warehouse, ENABLE_SECOND)
    run_sql(warehouse, "UPDATE dbo.customers SET loyalty_points = 5 WHERE id < 10")
    with contextlib.closing(target.connect(autocommit=False)) as c, c.cursor() as q:
        q.execute("select count(*) from dbo.customers")
        run = runner.start(name="again")
        lab.wait_for("a try", lambda: not run.is_running() or "event=pipeline_retry" in run.log(), 60, 0.1)
        assert run.is_running(), run.log()
        c.rollback()
    runner.drained(run)
    added = {"dbo.customers": ["loyalty_points"]}
    lab.wait_for("equal tables", lambda: warehouse_differences(warehouse, target, more_columns=added) == [], 30, 0.5)


def test_ddl_that_waits_for_a_lock_is_tried_again(runner, warehouse, target):
    prepared(warehouse)
    run = runner.start(source=ALL_OF_DBO)
    runner.drained(run)
    with contextlib.closing(target.connect(autocommit=False)) as c, c.cursor() as q:
        q.execute("select count(*) from dbo.late4")
        run_sql(warehouse, "ALTER TABLE dbo.late4 ALTER COLUMN n bigint NOT NULL")
        run_sql(warehouse, "UPDATE dbo.late4 SET n = 6000000000 WHERE id = 1")
        lab.wait_for("the refusal", lambda: "event=pipeline_retry" in run.log(), 60, 0.1)
        c.rollback()
    late4_equal(run, warehouse, target)
