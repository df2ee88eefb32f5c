"""tasks.max: several lanes write side by side. Killed, stopped, another number of them: nothing lost, nothing doubled."""

import contextlib
import signal
import time

import lab
from compare import warehouse_differences
from workload import Workload

THREE = {"tasks.max": "3"}
SEED = int(time.time())


def lanes(target):
    return target.rows("select lane, lane_count, position, consistent from millrace.position order by lane")


def settled(runner, run, warehouse, target, seconds=60):
    """Wait until all lanes hold what the source had committed when this was called."""
    runner.drained(run, seconds)
    lab.wait_for("all lanes", lambda: run.is_running() and warehouse_differences(warehouse, target) == [], seconds)


def test_three_lanes_copy_and_follow(runner, warehouse, target):
    """Chunks side by side, then a workload with key changes and transactions over several tables."""
    run = runner.start(sink=THREE, source={"snapshot.fetch.size": "100"})
    load = Workload(warehouse, 300, 600, seed=SEED, limit=300)
    load.start()
    load.join()
    settled(runner, run, warehouse, target)
    rows = lanes(target)
    assert [r[:2] for r in rows] == [(0, 3), (1, 3), (2, 3)]
    assert run.stop(signal.SIGTERM) == 0
    assert len({r[2] for r in lanes(target)}) == 1, "a drain leaves all lanes at one position"
    routes = dict(target.rows("select source_table, route from millrace.table_state"))
    assert set(routes.values()) == {"key"}
    assert warehouse_differences(warehouse, target) == []


def test_kills_of_three_lanes_lose_nothing(runner, warehouse, target):
    load = Workload(warehouse, 300, 600, seed=SEED + 1, pause=0.002)
    load.start()
    for kill in range(8):
        run = runner.start(name=f"millrace-{kill}", sink=THREE)
        time.sleep(0.15 + 0.1 * kill)
        assert run.is_running(), run.log()
        run.stop(signal.SIGKILL)
    run = runner.start(name="millrace-last", sink=THREE)
    seen = load.transactions
    lab.wait_for("work after the last kill", lambda: load.transactions > seen + 100, 120)
    load.stop()
    settled(runner, run, warehouse, target, 120)


def test_another_number_of_lanes(runner, warehouse, target):
    """3, then 1, 2 and 4, each after a kill that leaves lanes at different positions."""
    load = Workload(warehouse, 300, 600, seed=SEED + 2, pause=0.002)
    load.start()
    for count in (3, 1, 2, 4):
        run = runner.start(name=f"millrace-{count}", sink={"tasks.max": str(count)})
        lab.wait_for(f"{count} lanes", lambda: run.is_running() and [r[1] for r in lanes(target)] == [count] * count)
        seen = load.transactions
        lab.wait_for("work", lambda: load.transactions > seen + 30)
        run.stop(signal.SIGKILL)
    run = runner.start(name="millrace-last", sink={"tasks.max": "1"})
    load.stop()
    settled(runner, run, warehouse, target, 120)
    lab.wait_for("a state that SQL Server had", lambda: [r[0] for r in lanes(target)] == [0] and lanes(target)[0][3])


def test_foreign_keys_and_unique_constraints_keep_tables_together(runner, warehouse, target):
    """Immediate foreign keys in the target: the three tables are one component, and no statement meets an error."""
    run = runner.start(sink=THREE)
    settled(runner, run, warehouse, target)
    assert run.stop(signal.SIGTERM) == 0
    target.rows("alter table dbo.line_items add foreign key (order_id) references dbo.orders")
    run = runner.start(sink=THREE, name="millrace-joined")
    load = Workload(warehouse, 300, 600, seed=SEED + 3, limit=200)
    load.start()
    load.join()
    settled(runner, run, warehouse, target)
    routes = dict(target.rows("select source_table, route from millrace.table_state"))
    assert routes == {"customers": "key", "orders": "whole dbo.line_items", "line_items": "whole dbo.line_items"}
    assert "replayed_in_order" not in run.log()


def test_a_stopped_process_writes_nothing_when_it_wakes(runner, warehouse, target):
    """SIGSTOP past its takeover by a process with another number of lanes."""
    first = runner.start(sink=THREE, name="millrace-first")
    settled(runner, first, warehouse, target)
    load = Workload(warehouse, 300, 600, seed=SEED + 4, pause=0.002)
    load.start()
    lab.wait_for("work", lambda: load.transactions > 50)
    first.send(signal.SIGSTOP)
    second = runner.start(sink={"tasks.max": "2"}, name="millrace-second")
    lab.wait_for("two lanes", lambda: second.is_running() and [r[1] for r in lanes(target)] == [2, 2], 30)
    first.send(signal.SIGCONT)
    lab.wait_for("the first to end", lambda: not first.is_running(), 60)
    assert "another owner" in first.log()
    seen = load.transactions
    lab.wait_for("work after it", lambda: load.transactions > seen + 50)
    load.stop()
    settled(runner, second, warehouse, target)


def test_a_lane_that_loses_its_connection_goes_on(runner, warehouse, target):
    run = runner.start(sink=THREE)
    settled(runner, run, warehouse, target)
    load = Workload(warehouse, 300, 600, seed=SEED + 5, pause=0.002)
    load.start()
    for lane in (0, 2, 1, 0):
        seen = load.transactions
        lab.wait_for("work", lambda: load.transactions > seen + 20)
        target.rows("select pg_terminate_backend(owner_pid) from millrace.position where lane = %s", lane)
    load.stop()
    settled(runner, run, warehouse, target)
    assert run.is_running()


def test_a_new_column_under_three_lanes(runner, warehouse, target):
    """A schema change: all lanes meet, one changes the table, all go on."""
    run = runner.start(sink=THREE)
    load = Workload(warehouse, 300, 600, seed=SEED + 6, pause=0.002)
    load.start()
    lab.wait_for("work", lambda: load.transactions > 20)
    with contextlib.closing(warehouse.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute("ALTER TABLE dbo.customers ADD loyalty int NULL")
        q.execute("""EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL,
                     @capture_instance = N'dbo_customers_2'""")
        q.execute("UPDATE dbo.customers SET loyalty = 7 WHERE id <= 50")
    seen = load.transactions
    lab.wait_for("work after it", lambda: load.transactions > seen + 50)
    load.stop()
    runner.drained(run)
    lab.wait_for("the new column", lambda: target.rows(
        "select 1 from information_schema.columns where table_name = 'customers' and column_name = 'loyalty'"))
    lab.wait_for("its values", lambda: target.value("select count(*) from dbo.customers where loyalty = 7") == source_count(warehouse))


def source_count(warehouse):
    with contextlib.closing(warehouse.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute("SELECT COUNT(*) FROM dbo.customers WHERE loyalty = 7")
        return q.fetchone()[0]
