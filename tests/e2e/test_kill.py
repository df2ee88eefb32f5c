"""SIGKILL at random points of a running workload: nothing lost, nothing doubled."""

import os
import random
import signal
import time

import lab
import pytest
from compare import warehouse_differences
from workload import Workload

KILLS = int(os.environ.get("MILLRACE_KILLS", "20"))
SEED = int(os.environ.get("MILLRACE_SEED", "0")) or int(time.time())


def test_twenty_kills_of_a_running_workload_lose_nothing(runner, warehouse, target):
    print(f"seed {SEED}: MILLRACE_SEED={SEED} replays the points in time")
    dice = random.Random(SEED)
    load = Workload(warehouse, 300, 600, seed=SEED, pause=0.002)
    load.start()
    for kill in range(KILLS):
        run = runner.start(name=f"millrace-{kill}")
        time.sleep(dice.uniform(0.02, 1.0))
        assert run.is_running(), run.log()
        run.stop(signal.SIGKILL)
    run = runner.start(name="millrace-last")
    lab.wait_for("work after the last kill", lambda: load.transactions > 500, 120)
    load.stop()
    runner.drained(run, 120)
    assert warehouse_differences(warehouse, target) == []


def test_postgres_killed_and_back(runner, warehouse, cluster, target):
    """PostgreSQL goes down without a word and comes back: the source waits, then all is there."""
    run = runner.start()
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=SEED + 1, pause=0.002)
    load.start()
    lab.wait_for("work", lambda: load.transactions > 50)
    cluster.stop(immediate=True)
    lab.wait_for("millrace to notice", lambda: "pipeline_retry" in run.log())
    seen = load.transactions
    lab.wait_for("work meanwhile", lambda: load.transactions > seen + 50)
    cluster.start()
    lab.wait_for("work after it", lambda: load.transactions > seen + 100)
    load.stop()
    runner.drained(run)
    assert run.is_running()
    assert warehouse_differences(warehouse, target) == []


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_server_that_is_back_ends_the_wait(runner, warehouse, cluster, target, lanes):
    """Waits of ten minutes, and a server that comes back: each end in turn."""
    run = runner.start(sink={"retry.backoff.ms": "600000", "tasks.max": str(lanes)})
    runner.drained(run)
    for number, (stop, start) in enumerate(((lambda: cluster.stop(immediate=True), cluster.start),
                                            (warehouse.process.kill, warehouse.start))):
        stop()
        lab.wait_for("millrace to wait", lambda: run.log().count("pipeline_retry") > number)
        time.sleep(1)  # so that it has seen nobody there
        start()
        runner.drained(run, 120)
    assert run.is_running()


def test_source_killed_and_back(runner, warehouse, target):
    """The SQL Server side goes down and comes back: on from the committed position."""
    run = runner.start()
    runner.drained(run)
    warehouse.process.kill()
    lab.wait_for("millrace to notice", lambda: "pipeline_retry" in run.log())
    warehouse.start()
    load = Workload(warehouse, 300, 600, seed=SEED + 2, limit=100)
    load.start()
    load.join(60)
    assert not load.error
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []


def test_a_second_process_takes_over_and_the_stopped_one_writes_nothing(runner, warehouse, target):
    first = runner.start(name="first")
    runner.drained(first)
    first.send(signal.SIGSTOP)
    second = runner.start(name="second")
    load = Workload(warehouse, 300, 600, seed=SEED + 3, limit=100)
    load.start()
    load.join(60)
    assert not load.error
    runner.drained(second)
    epoch = target.value("select epoch from millrace.position")
    first.send(signal.SIGCONT)
    lab.wait_for("the first to see that it lost", lambda: not first.is_running(), 60)
    assert first.child.returncode != 0
    assert target.value("select epoch from millrace.position") == epoch
    runner.drained(second)
    assert warehouse_differences(warehouse, target) == []
