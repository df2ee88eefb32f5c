"""The sink under what goes wrong around it: records of 10 MB, a broker, topics and a PostgreSQL that go and come."""

import contextlib
import random
import signal

import pytest
from confluent_kafka import Producer

import lab
import lab_kafka
import topics
from conftest import LAB
from test_sink import Sink, key, row, sink  # noqa: F401 (fixtures)

BIG = 10_200_000  # bytes; with its schema below what the topic takes, and far above a client's usual 1 MB


def lines(process, event):
    """Lines of the log with this event."""
    return [line for line in process.log().splitlines() if f"event={event} " in line]


def waits(process):
    return len(lines(process, "sink_waits") + lines(process, "task_restarts"))


def calm(process, most=40):
    """It has told its trouble, but hasn't spun: of no event there are more lines than its waits explain."""
    events = [line.split("event=")[1].split()[0] for line in process.log().splitlines() if "event=" in line]
    counts = {e: events.count(e) for e in set(events)}
    assert max(counts.values()) <= most, counts


def put_big(broker, topic, *records):
    """(key, value) of any size."""
    failures = []
    producer = Producer({"bootstrap.servers": broker.address, "message.max.bytes": 20_000_000, **topics.LOG})
    for k, v in records:
        producer.produce(topic, v, k, 0, on_delivery=lambda e, _: e and failures.append(e))
    assert producer.flush(60) == 0 and not failures, failures


@pytest.fixture
def raised(sink):  # noqa: F811
    """The topic takes 12 MB, more than the broker's own limit."""
    sink.broker.delete_topic(sink.topic)
    lab.wait_for("the deletion", lambda: sink.topic not in sink.broker.topics())
    sink.broker.create_topic(sink.topic, 1, max__message__bytes=12_000_000)
    return sink


@pytest.mark.parametrize("fetch", ({}, {"consumer__override__max__partition__fetch__bytes": "1024",
                                        "consumer__override__fetch__max__bytes": "2048"}))
def test_records_of_ten_megabytes_come_whole_whatever_a_fetch_may_hold(raised, fetch):
    put_big(raised.broker, raised.topic, (key(1), row(1, "a")), *((key(i), row(i, "x" * BIG)) for i in (2, 3)), (key(4), row(4, "d")))
    p = raised.start(**fetch)
    raised.await_rows([(1, 1), (2, BIG), (3, BIG), (4, 1)], "select id, length(name) from TABLE order by id", process=p)
    assert raised.rows("select count(*) from TABLE where name = repeat('x', length(name))") == [(2,)]
    assert p.stop(signal.SIGTERM) == 0
    calm(p)


def test_a_bad_record_of_ten_megabytes_is_a_dead_letter_whole(raised):
    bad = b"\1" + b"x" * BIG
    put_big(raised.broker, raised.topic, (key(1), row(1, "a")), (key(2), bad), (key(3), row(3, "c")))
    dead = f"{raised.topic}-dlq"
    raised.broker.create_topic(dead, 1, max__message__bytes=12_000_000)
    p = raised.start(errors__tolerance="all", errors__deadletterqueue__topic__name=dead,
                     errors__deadletterqueue__context__headers__enable="true")
    raised.await_rows([(1, "a"), (3, "c")], process=p)
    assert [(r.key, r.value, dict(r.headers)["__connect.errors.offset"]) for r in topics.read(raised.broker, [dead])] == [(key(2), bad, b"1")]


def test_a_dead_letter_that_its_topic_is_too_small_for_is_named_and_comes_later(raised):
    bad = b"\1" + random.Random(BIG).randbytes(BIG)  # the letter is compressed, as far as that goes
    put_big(raised.broker, raised.topic, (key(1), row(1, "a")), (key(2), bad), (key(3), row(3, "c")))
    dead = f"{raised.topic}-dlq"
    raised.broker.create_topic(dead, 1, max__message__bytes=1_000_000)
    settings = dict(errors__tolerance="all", errors__deadletterqueue__topic__name=dead)
    p = raised.start(**settings)
    assert p.wait(60) != 0, p.log()
    [line] = lines(p, "task_failed")
    for word in (dead, "max.message.bytes", f"{raised.topic}-0 at offset 1"):
        assert word in line
    assert raised.offsets().get(0, 0) <= 1
    calm(p)
    raised.broker.set_topic(dead, max__message__bytes=12_000_000)
    p = raised.start(**settings)
    raised.await_rows([(1, "a"), (3, "c")], process=p)
    assert [r.value for r in topics.read(raised.broker, [dead])] == [bad]


@pytest.fixture(scope="module")
def own_broker():
    """One that may be stopped."""
    with lab_kafka.Broker(LAB / "bad-sink-broker") as b:
        yield b


@contextlib.contextmanager
def sink_of(broker, cluster, name):
    s = Sink(broker, cluster, lab.fresh_dir(LAB / name), 1)
    try:
        yield s
    finally:
        s.stop()


def test_a_broker_that_is_down_at_the_start_is_waited_for(own_broker, cluster):
    with sink_of(own_broker, cluster, "broker-later") as s:
        s.put([(key(i), row(i, "a")) for i in range(5)])
        own_broker.stop()
        p = s.start()
        lab.wait_for("the trouble told", lambda: lines(p, "task_restarts"), 60)
        assert "bootstrap.servers" in lines(p, "task_restarts")[0]
        assert s.rows("select 1 from TABLE") == []
        own_broker.start()
        s.await_rows([(i, "a") for i in range(5)], process=p, seconds=60)
        calm(p)
        own_broker.stop(kill=True)
        own_broker.start()
        s.put([(key(5), row(5, "b"))])
        s.await_rows([(i, "a") for i in range(5)] + [(5, "b")], process=p, seconds=60)
        assert p.stop(signal.SIGTERM) == 0
        calm(p, 80)


def test_a_letter_whose_transaction_is_tried_again_is_there_once(own_broker, cluster):
    """The connection goes away when the letter is safe already: between its acknowledgement and the commit."""
    with sink_of(own_broker, cluster, "letter-once") as s:
        s.rows("create table TABLE (id int primary key, name text check (name <> 'bad'))")
        dead = f"{s.topic}-dlq"
        s.put([(key(1), row(1, "one")), (key(2), b"not JSON")])
        p = s.start(errors__tolerance="all", errors__deadletterqueue__topic__name=dead)
        s.await_rows([(1, "one")], process=p)
        with contextlib.closing(cluster.connect(s.database, autocommit=False)) as holder, holder.cursor() as q:
            q.execute(f'lock table "{s.topic}"')
            s.put([(key(3), row(3, "bad")), (key(4), row(4, "four"))])
            waiting = ("select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ")
            lab.wait_for("a put that waits for the table", lambda: s.rows(waiting + "wait_event_type = 'Lock'"))
            own_broker.process.send(signal.SIGSTOP)  # from here on no letter is acknowledged
            try:
                holder.commit()
                ours = waiting + "state = 'idle in transaction'"
                lab.wait_for("a put that waits for its letter", lambda: s.rows(ours) and s.rows(ours))
                s.rows(ours.replace("select 1", "select pg_terminate_backend(pid)"))
            finally:
                own_broker.process.send(signal.SIGCONT)
        s.await_rows([(1, "one"), (4, "four")], process=p, seconds=60)
        assert len(lines(p, "sink_waits")) >= 1
        assert [r.key for r in topics.read(own_broker, [dead])] == [key(2), key(3)]


def test_a_topic_that_is_made_later_is_told_and_then_read(sink):  # noqa: F811
    sink.broker.delete_topic(sink.topic)
    lab.wait_for("the deletion", lambda: sink.topic not in sink.broker.topics())
    p = sink.start()
    lab.wait_for("the trouble told", lambda: lines(p, "topic_missing"), 60)
    assert f'topic="{sink.topic}"' in lines(p, "topic_missing")[0] or f"topic={sink.topic}" in lines(p, "topic_missing")[0]
    sink.broker.create_topic(sink.topic, 1)
    sink.put([(key(1), row(1, "one"))])
    sink.await_rows([(1, "one")], process=p, seconds=60)
    assert p.stop(signal.SIGTERM) == 0
    calm(p)


@pytest.mark.parametrize("count", (3, 10, 25))
def test_a_topic_that_is_made_anew_while_it_is_read_stops_with_the_cure(sink, count):  # noqa: F811
    """Fewer, as many and more records than the old one had: offsets begin again, the stored one stands for others by now."""
    sink.put([(key(i), row(i, "old")) for i in range(10)])
    p = sink.start()
    sink.await_rows([(i, "old") for i in range(10)], process=p)
    sink.broker.delete_topic(sink.topic)
    lab.wait_for("the deletion", lambda: sink.topic not in sink.broker.topics())
    sink.broker.create_topic(sink.topic, 1)
    sink.put([(key(100 + i), row(100 + i, "new")) for i in range(count)])
    assert p.wait(60) != 0
    [line] = lines(p, "task_failed")
    for word in (sink.topic, "made anew", "reset-offsets"):
        assert word in line
    calm(p)
    p = sink.start()  # a supervisor starts it again: it doesn't go on in silence either
    assert p.wait(60) != 0 and sink.topic in lines(p, "task_failed")[0]
    sink.set_back()
    p = sink.start()
    sink.await_rows([(i, "old") for i in range(10)] + [(100 + i, "new") for i in range(count)], process=p)


@pytest.fixture
def own_cluster():
    with lab.Postgres(LAB / "bad-sink-pg", database="first", settings={"max_connections": 30}) as p:
        yield p


@pytest.mark.parametrize("immediate", (False, True))
def test_a_postgresql_that_stops_and_starts_while_records_flow(broker, own_cluster, immediate):
    """Into a table without a key, which would show a row that comes twice."""
    with sink_of(broker, own_cluster, f"pg-restarts-{immediate}") as s:
        p = s.start(insert__mode="insert", primary__key__mode="none", delete__enabled="false", max__retries="-1",
                    errors__retry__delay__max__ms="2000")
        s.put([(key(0), row(0, "a"))])
        s.await_rows([(0, "a")], process=p)
        total = 1
        for _ in range(3):
            for _ in range(4):
                s.put([(key(i), row(i, "a")) for i in range(total, total + 300)])
                total += 300
            own_cluster.stop(immediate=immediate)
            told = waits(p)
            s.put([(key(i), row(i, "a")) for i in range(total, total + 300)])
            total += 300
            lab.wait_for("the trouble told", lambda: waits(p) > told and p.is_running(), 30)
            own_cluster.start()
        s.await_rows([(total, total)], "select count(*), count(distinct id) from TABLE", process=p, seconds=60)
        assert s.offsets() == {0: total}
        assert p.stop(signal.SIGTERM) == 0
        calm(p, 80)
