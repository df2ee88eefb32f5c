"""topics.regex of a sink: Java's expressions, and topics that come while it runs."""

import contextlib
import signal
import threading

import pytest

import lab
import topics
from conftest import LAB
from test_sink import Sink, key, row


@pytest.fixture
def sink(broker, cluster):
    s = Sink(broker, cluster, lab.fresh_dir(LAB / "regex"), 1)
    yield s
    s.stop()


def tables(sink):
    with contextlib.closing(sink.cluster.connect(sink.database)) as c, c.cursor() as q:
        q.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1")
        return [name for name, in q.fetchall()]


def fill(sink, topic, i):
    sink.broker.create_topic(topic, 2)
    topics.produce(sink.broker, [(topic, i % 2, key(i), row(i, topic), None)])


def test_an_expression_of_java_s_and_topics_that_come_later(sink):
    """Look-ahead and \\d, which POSIX's hasn't; letter case counts; two tasks and a topic that comes, then one more process."""
    first, second, third = (f"{sink.topic}_{name}" for name in ("items1", "items2", "more3"))
    others = f"{sink.topic}_secret1", f"{sink.topic.upper()}_items1", f"{sink.topic}_items", f"{first}0"
    settings = {"topics": "", "topics__regex": sink.topic + r"_(?!secret)[a-z]+\d", "tasks__max": "2",
                "consumer__override__metadata__max__age__ms": "500"}
    for number, topic in enumerate(others):
        fill(sink, topic, number)
    p = sink.start(**settings)
    lab.wait_for("a word on it", lambda: "event=topics_missing" in p.log())
    fill(sink, first, 1)
    sink.await_rows([(1, first)], f'select id, name from "{first}"', p)
    fill(sink, second, 2)
    sink.await_rows([(2, second)], f'select id, name from "{second}"', p)
    q = sink.start(**settings)
    lab.wait_for("the second process", lambda: "event=partitions_given" in q.log())
    fill(sink, third, 3)
    sink.await_rows([(3, third)], f'select id, name from "{third}"', p)
    topics.produce(sink.broker, [(first, 0, key(4), row(4, "late"), None)])
    sink.await_rows([(1, first), (4, "late")], f'select id, name from "{first}" order by id', p)
    assert tables(sink) == sorted([first, second, third])
    assert p.stop() == 0 and q.stop() == 0


def test_a_topic_that_is_removed_is_left(sink):
    """The others go on."""
    stays, goes = f"{sink.topic}_stays", f"{sink.topic}_goes"
    fill(sink, stays, 1)
    fill(sink, goes, 2)
    p = sink.start(topics="", topics__regex=sink.topic + "_.*", consumer__override__metadata__max__age__ms="500")
    for topic, i in ((stays, 1), (goes, 2)):
        sink.await_rows([(i, topic)], f'select id, name from "{topic}"', p)
    sink.broker.delete_topic(goes)
    lab.wait_for("a word on it", lambda: "event=topic_gone" in p.log())
    topics.produce(sink.broker, [(stays, 0, key(3), row(3, "on"), None)])
    sink.await_rows([(1, stays), (3, "on")], f'select id, name from "{stays}" order by id', p)
    assert p.stop() == 0


def test_a_stop_amid_a_rebalance(sink):
    """The first new topic makes the group spread its partitions anew, which waits for a member that is frozen; what a second one changes
    waits for that. Both members go in order."""
    settings = {"topics": "", "topics__regex": sink.topic + "_.*", "tasks__max": "2", "consumer__override__metadata__max__age__ms": "300"}
    fill(sink, f"{sink.topic}_1", 1)
    running = []
    for _ in range(2):
        running.append(sink.start(**settings))
        lab.wait_for("its partitions", lambda: "event=partitions_given" in running[-1].log())
    running[1].send(signal.SIGSTOP)
    for number in (2, 3):
        fill(sink, f"{sink.topic}_{number}", number)
        lab.wait_for("the new topic", lambda: running[0].log().count(f"event=topic_found topic={sink.topic}_{number}") == 2)
    stopper = threading.Thread(target=running[0].stop)
    stopper.start()
    lab.wait_for("the stop", lambda: "event=stop_asked" in running[0].log())
    running[1].send(signal.SIGCONT)
    stopper.join()
    assert [p.stop() for p in running] == [0, 0], [p.log()[-2000:] for p in running]
