"""Foreign keys of the target, checked at once: out of the way while tables are copied, then in force under the stream."""

import signal
import time

import pytest

import lab
from compare import warehouse_differences
from workload import Workload

KEYS = """select conname, convalidated from pg_constraint where contype = 'f' and connamespace = 'dbo'::regnamespace order by 1"""
ALL = [("fk_line_items_orders", True), ("fk_orders_customers", True)]
ADD = """alter table dbo.orders add constraint fk_orders_customers foreign key (customer_id) references dbo.customers;
         alter table dbo.line_items add constraint fk_line_items_orders foreign key (order_id) references dbo.orders"""


@pytest.mark.parametrize("lanes", ["1", "3"])
def test_a_copy_under_traffic_ends_with_the_keys_in_force(runner, warehouse, target, lanes):
    sink = {"tasks.max": lanes}
    run = runner.start(sink=sink)
    runner.drained(run)
    assert run.stop(signal.SIGTERM) == 0
    target.rows(ADD)
    load = Workload(warehouse, 300, 600, seed=int(time.time()), pause=0.002)
    load.start()
    run = runner.start(sink=sink, source={"snapshot.mode": "always", "snapshot.fetch.size": "100"})
    lab.wait_for("the keys to go", lambda: run.is_running() and target.rows(KEYS) == [])
    lab.wait_for("the keys to come back", lambda: run.is_running() and target.rows(KEYS) == ALL, 60)
    seen = load.transactions
    lab.wait_for("traffic with the keys in force", lambda: run.is_running() and load.transactions > seen + 200, 60)
    load.stop()
    runner.drained(run)
    lab.wait_for("all rows", lambda: warehouse_differences(warehouse, target) == [], 60)
    assert target.rows(KEYS) == ALL
    assert target.rows("select * from millrace.foreign_key") == []
    assert run.stop(signal.SIGTERM) == 0


def test_a_kill_in_the_copy_does_not_lose_the_keys(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    assert run.stop(signal.SIGTERM) == 0
    target.rows(ADD)
    run = runner.start(source={"snapshot.mode": "always", "snapshot.fetch.size": "20"})
    lab.wait_for("the keys to go", lambda: target.rows("select 1 from millrace.foreign_key"))
    run.stop(signal.SIGKILL)
    run = runner.start(source={"snapshot.mode": "initial"})
    lab.wait_for("the first commit behind the copy", lambda: runner.mark() and target.rows(KEYS) == ALL, 60, step=0.2)
    assert run.is_running()
