"""Waits of ten minutes between two tries: they end when the server that was gone answers again, and when the process is told to stop."""

import time

import pytest

import lab
import lab_kafka
from conftest import LAB
from test_sink import Sink, key, row

WAIT = "600000"
LONG = {"retry__backoff__ms": WAIT, "errors__retry__delay__max__ms": WAIT}


def await_log(run, event):
    lab.wait_for(event, lambda: event in run.log(), 120)
    time.sleep(1)  # so that it has seen nobody there


@pytest.fixture
def own_cluster():
    with lab.Postgres(LAB / "outage-pg", database="first", settings={"fsync": "off"}) as p:
        yield p


@pytest.fixture
def sink(broker, own_cluster):
    s = Sink(broker, own_cluster, lab.fresh_dir(LAB / "outage"), 1)
    yield s
    s.stop()


def test_a_sink_goes_on_when_postgresql_is_back(sink):
    sink.put([(key(1), row(1, "one"))])
    p = sink.start(**LONG)
    sink.await_rows([(1, "one")], process=p)
    sink.cluster.stop(immediate=True)
    sink.put([(key(2), row(2, "two"))])
    await_log(p, "event=sink_waits")
    late = sink.start(**LONG)  # which can't even begin
    await_log(late, "event=task_restarts")
    sink.cluster.start()
    sink.await_rows([(1, "one"), (2, "two")], process=p)
    lab.wait_for("the other process", lambda: "partitions_given" in late.log())
    assert p.is_running() and late.is_running()


def test_a_stop_ends_a_sink_s_waits(sink):
    sink.put([(key(1), row(1, "one"))])
    p = sink.start(**LONG)
    sink.await_rows([(1, "one")], process=p)
    sink.cluster.stop(immediate=True)
    sink.put([(key(2), row(2, "two"))])
    late = sink.start(**LONG)
    await_log(p, "event=sink_waits")
    await_log(late, "event=task_restarts")
    assert p.stop() == 0 and late.stop() == 0


def test_a_sink_goes_on_when_the_broker_is_back(own_cluster):
    with lab_kafka.Broker(LAB / "outage-broker") as broker:
        sink = Sink(broker, own_cluster, lab.fresh_dir(LAB / "outage"), 1)
        try:
            sink.put([(key(1), row(1, "one"))])
            broker.stop()
            p = sink.start(**LONG)
            await_log(p, "event=task_restarts")
            broker.start()
            sink.await_rows([(1, "one")], process=p, seconds=60)
            assert p.stop() == 0
        finally:
            sink.stop()
