"""The sink's side of topics: records that other people's clients wrote, into PostgreSQL, exactly once."""

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import time

import psycopg2
import pytest
from confluent_kafka import Consumer, TopicPartition

import lab
import lab_kafka
import topics
from conftest import LAB

numbers = itertools.count(1)
KEY = {"type": "struct", "optional": False, "name": "key", "fields": [{"field": "id", "type": "int32", "optional": False}]}
ROW = {"type": "struct", "optional": True, "name": "row", "fields": [
    {"field": "id", "type": "int32", "optional": False}, {"field": "name", "type": "string", "optional": True}]}
WIDER = {**ROW, "fields": ROW["fields"] + [{"field": "note", "type": "string", "optional": True}]}
SOURCE = {"type": "struct", "optional": False, "name": "io.debezium.connector.sqlserver.Source", "field": "source", "fields": [
    {"field": name, "type": "string", "optional": name.endswith("lsn")}
    for name in ("name", "db", "schema", "table", "snapshot", "commit_lsn", "change_lsn")]
    + [{"field": "ts_ms", "type": "int64", "optional": False}, {"field": "event_serial_no", "type": "int64", "optional": True}]}
ENVELOPE = {"type": "struct", "optional": False, "name": "s.dbo.t.Envelope", "version": 1, "fields": [
    {**ROW, "field": "before"}, {**ROW, "field": "after"}, SOURCE, {"field": "op", "type": "string", "optional": False},
    {"field": "ts_ms", "type": "int64", "optional": True}]}


def with_schema(schema, payload):
    return json.dumps({"schema": schema, "payload": payload}).encode()


def key(i):
    return with_schema(KEY, {"id": i})


def row(i, name, schema=ROW, **more):
    return with_schema(schema, {"id": i, "name": name, **more})


def envelope(i, op, name, commit, number):
    """An insert or update as Debezium writes it; commit and number in it tell where it stands in the log."""
    return with_schema(ENVELOPE, {
        "before": None, "after": {"id": i, "name": name}, "op": op, "ts_ms": 0,
        "source": {"name": "s", "db": "d", "schema": "dbo", "table": "t", "snapshot": "false", "ts_ms": 1000, "event_serial_no": 1,
                   "commit_lsn": f"00000001:{commit:08x}:0001", "change_lsn": f"00000001:{commit:08x}:{number:04x}"}})


class Sink:
    """A topic, a table of its name in a database of its own, and processes of one connector between them."""

    def __init__(self, broker, cluster, directory, partitions):
        self.broker, self.cluster, self.directory = broker, cluster, directory
        self.topic = self.database = f"sink_{os.getpid()}_{next(numbers)}"
        self.running = []
        broker.create_topic(self.topic, partitions)
        with contextlib.closing(cluster.connect("postgres")) as c, c.cursor() as q:
            q.execute(f'create database "{self.database}"')

    def rows(self, sql):
        with contextlib.closing(self.cluster.connect(self.database)) as c, c.cursor() as q:
            try:
                q.execute(sql.replace("TABLE", f'"{self.topic}"'))
            except psycopg2.errors.UndefinedTable:
                return []
            return q.fetchall() if q.description else []

    def put(self, records):
        """(key, value) or (key, value, partition)."""
        topics.produce(self.broker, [(self.topic, r[2] if len(r) > 2 else 0, r[0], r[1], None) for r in records])

    def start(self, worker=None, **settings):
        worker = lab_kafka.write_properties(self.directory / "worker.properties", {"bootstrap.servers": self.broker.address, **(worker or {})})
        config = {"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": self.topic,
                  "connection.url": f"jdbc:postgresql://127.0.0.1:{self.cluster.port}/{self.database}",
                  "connection.username": "postgres", "connection.password": "", "insert.mode": "upsert",
                  "primary.key.mode": "record_key", "delete.enabled": "true", "schema.evolution": "basic", "retry.backoff.ms": "100",
                  "consumer.override.session.timeout.ms": "6000",  # a killed member's partitions are free the sooner
                  "collection.name.format": "${topic}", "key.converter": "org.apache.kafka.connect.json.JsonConverter",
                  "value.converter": "org.apache.kafka.connect.json.JsonConverter",
                  **{k.replace("__", "."): v for k, v in settings.items()}}
        path = self.directory / "sink.json"
        path.write_text(json.dumps({"name": self.topic, "config": config}))
        p = lab.Millrace(self.directory, worker, path, name=f"millrace-{len(self.running)}")
        self.running.append(p)
        return p

    def await_rows(self, expected, sql="select id, name from TABLE order by id", process=None, seconds=30):
        def check():
            assert not process or process.is_running(), f"millrace ended:\n{process.log()}"
            return self.rows(sql) == expected
        try:
            lab.wait_for("the rows", check, seconds)
        except TimeoutError:
            raise AssertionError(f"{self.rows(sql)[:50]}\n{self.running[-1].log()[-3000:]}") from None

    def offsets(self):
        return dict(self.rows("select partition, next_offset from millrace.topic_offset"))

    def set_back(self):
        """As kafka-consumer-groups --reset-offsets --to-earliest does, once no member is left."""
        commit(self, 0)

    def stop(self):
        for p in self.running:
            if p.is_running():
                p.stop(signal.SIGKILL)


@pytest.fixture
def sink(request, broker, cluster):
    directory = lab.fresh_dir(LAB / request.node.name)
    s = Sink(broker, cluster, directory, getattr(request, "param", 1))
    yield s
    s.stop()


def test_rows_updates_and_deletes_arrive_with_their_offsets(sink):
    sink.put([(key(1), row(1, "one")), (key(2), row(2, "two")), (key(1), row(1, "uno")), (key(2), None)])
    p = sink.start()
    sink.await_rows([(1, "uno")], process=p)
    assert sink.offsets() == {0: 4}
    assert p.stop(signal.SIGTERM) == 0
    c = Consumer({"bootstrap.servers": sink.broker.address, "group.id": f"connect-{sink.topic}"})
    [committed] = c.committed([TopicPartition(sink.topic, 0)], 20)
    c.close()
    assert committed.offset == 4  # for lag monitors
    sink.put([(key(3), row(3, "three"))])
    p = sink.start()
    sink.await_rows([(1, "uno"), (3, "three")], process=p)


def test_a_stop_after_a_topic_was_removed(sink):
    """librdkafka's handle can't be freed then: the process ends all the same."""
    goes = f"{sink.topic}_goes"
    sink.broker.create_topic(goes, 1)
    sink.put([(key(1), row(1, "one"))])
    topics.produce(sink.broker, [(goes, 0, key(2), row(2, "two"), None)])
    p = sink.start(topics=f"{sink.topic},{goes}", consumer__override__metadata__max__age__ms="500")
    sink.await_rows([(1, "one")], process=p)
    sink.await_rows([(2, "two")], f'select id, name from "{goes}"', p)
    sink.broker.delete_topic(goes)
    lab.wait_for("a word on it", lambda: "event=topic_missing" in p.log())
    assert p.stop() == 0


def test_a_schema_change_in_mid_topic(sink):
    sink.put([(key(1), row(1, "a")), (key(2), row(2, "b", WIDER, note="n")), (key(3), row(3, "c")), (key(1), row(1, "d", WIDER, note="m"))])
    p = sink.start()
    sink.await_rows([(1, "d", "m"), (2, "b", "n"), (3, "c", None)], "select id, name, note from TABLE order by id", p)


@pytest.mark.parametrize("sink", [4], indirect=True)
def test_each_record_once_whatever_is_killed(sink):
    """A table without a key, which would show a row that comes twice; two processes, kills and zombies in mid-batch."""
    settings = dict(tasks__max="2", insert__mode="insert", primary__key__mode="none", delete__enabled="false",
                    max__retries="-1")
    rng, total, frozen = random.Random(6), 0, []
    processes = [sink.start(**settings), sink.start(**settings)]
    for step in range(8):
        for _ in range(4):
            sink.put([(key(i), row(i, f"n{i}"), i % 4) for i in range(total, total + 500)])
            total += 500
            time.sleep(0.1)
        p = processes.pop(rng.randrange(2))
        if step % 3 == 2:
            os.kill(p.pid, signal.SIGSTOP)
            frozen.append(p)
        else:
            p.stop(signal.SIGKILL if step % 3 == 0 else signal.SIGTERM)
        processes.append(sink.start(**settings))
    for p in frozen:  # it believes that its partitions are still its own
        os.kill(p.pid, signal.SIGCONT)
    sink.await_rows([(total, total)], "select count(*), count(distinct id) from TABLE", seconds=60)
    time.sleep(1)
    assert sink.rows("select count(*), count(distinct id) from TABLE") == [(total, total)]


def test_what_a_producer_writes_twice_is_written_once(sink):
    """Replays of a stretch, within a commit and over several; rows go into a table without a key."""
    records = [(key(i), envelope(i, "c", f"n{i}", commit=10 + i // 4, number=i % 4 + 1)) for i in range(40)]
    sink.put(records[:10] + records[7:10] + records[7:20] + records[:20] + records[19:] + records[-3:])
    p = sink.start(insert__mode="insert", primary__key__mode="none", delete__enabled="false")
    sink.await_rows([(i, f"n{i}") for i in range(40)], process=p)
    p.stop(signal.SIGKILL)
    sink.put(records[-2:] + [(key(40), envelope(40, "c", "new", commit=19, number=9)),  # the last commit again, and more of it
                              (key(7), None), (key(41), envelope(41, "c", "end", commit=20, number=1))])  # and a tombstone, not wanted
    p = sink.start(insert__mode="insert", primary__key__mode="none", delete__enabled="false")
    sink.await_rows([(i, f"n{i}") for i in range(40)] + [(40, "new"), (41, "end")], process=p)
    assert p.stop(signal.SIGTERM) == 0
    assert "event=records_skipped" in p.log() and "tombstones=1" in p.log()


def test_a_tombstone_that_comes_again_takes_no_newer_row(sink):
    """A source that was set back writes delete, tombstone and the insert behind them once more; the sink ends between the first two."""
    made, gone, again = (key(1), envelope(1, "c", "old", 10, 1)), (key(1), envelope(1, "d", None, 11, 1)), (key(1), envelope(1, "c", "new", 12, 1))
    written = 0
    for records in ([made, gone, (key(1), None), again], [gone], [(key(1), None), again]):
        sink.put(records)
        written += len(records)
        p = sink.start()
        lab.wait_for("all records", lambda: p.is_running() and sink.offsets() == {0: written})
        assert sink.rows("select id, name from TABLE") == [(1, "new")]
        assert p.stop(signal.SIGTERM) == 0


def test_dead_letters_are_the_records_and_the_reason(sink):
    sink.rows("create table TABLE (id int primary key, name text check (name <> 'bad'))")
    bad = (key(5), row(5, "bad"))
    sink.put([(key(1), row(1, "one")), (key(2), b"\0\1 not JSON"), bad, (b"{", row(6, "six")), (key(7), row(7, "seven"))])
    dead = f"{sink.topic}-dlq"
    p = sink.start(errors__tolerance="all", errors__deadletterqueue__topic__name=dead,
                   errors__deadletterqueue__context__headers__enable="true")
    sink.await_rows([(1, "one"), (7, "seven")], process=p)
    assert sink.offsets() == {0: 5}
    letters = topics.read(sink.broker, [dead])
    found = {dict(r.headers)["__connect.errors.offset"]: (r.key, r.value, dict(r.headers)) for r in letters}
    assert sorted(found) == [b"1", b"2", b"3"]
    assert found[b"2"][:2] == bad and found[b"1"][1] == b"\0\1 not JSON" and found[b"3"][0] == b"{"
    assert [found[o][2]["__connect.errors.stage"] for o in sorted(found)] == [b"VALUE_CONVERTER", b"TASK_PUT", b"KEY_CONVERTER"]
    assert found[b"2"][2]["__millrace.errors.sqlstate"] == b"23514"
    assert found[b"2"][2]["__connect.errors.class.name"] == b"org.apache.kafka.connect.sink.SinkTask"
    assert found[b"2"][2]["__connect.errors.topic"] == sink.topic.encode()
    assert not any(b"bad" in value for _, value in letters[0].headers)


def test_without_tolerance_the_first_bad_record_stops_the_task(sink):
    sink.put([(key(1), row(1, "one")), (key(2), b"\0\1 not JSON"), (key(3), row(3, "three"))])
    p = sink.start()
    assert p.wait(30) != 0
    assert f"{sink.topic}-0 at offset 1" in p.log()
    assert sink.offsets().get(0, 0) <= 1


def commit(sink, offset, metadata=""):
    """As another program's sink of the group, or an operator, would."""
    c = Consumer({"bootstrap.servers": sink.broker.address, "group.id": f"connect-{sink.topic}"})
    c.commit(offsets=[TopicPartition(sink.topic, 0, offset, metadata)], asynchronous=False)
    c.close()


def test_somebody_elses_commit_wins_and_ours_does_not(sink):
    sink.put([(key(i), row(i, "a")) for i in range(10)])
    commit(sink, 4)  # a JVM sink has written the first four
    p = sink.start()
    sink.await_rows([(i, "a") for i in range(4, 10)], process=p)
    assert p.stop(signal.SIGTERM) == 0
    sink.rows("delete from TABLE")
    commit(sink, 8)  # the operator sets it back
    p = sink.start()
    sink.await_rows([(8, "a"), (9, "a")], process=p)
    assert p.stop(signal.SIGTERM) == 0
    assert "group_offset_taken" in p.log()
    sink.rows("delete from TABLE")
    p = sink.start()  # and this time nobody has
    sink.put([(key(10), row(10, "b"))])
    sink.await_rows([(10, "b")], process=p)


def test_a_topic_that_was_made_anew_stops_with_the_cure(sink):
    sink.put([(key(i), row(i, "a")) for i in range(10)])
    p = sink.start()
    sink.await_rows([(i, "a") for i in range(10)], process=p)
    assert p.stop(signal.SIGTERM) == 0
    admin = sink.broker.admin()
    admin.delete_topics([sink.topic])[sink.topic].result()
    lab.wait_for("the deletion", lambda: sink.topic not in sink.broker.topics())
    sink.broker.create_topic(sink.topic, 1)
    sink.put([(key(1), row(1, "other"))])
    p = sink.start()
    assert p.wait(30) != 0
    assert "made anew" in p.log() and "reset-offsets" in p.log()
    assert (1, "a") in sink.rows("select id, name from TABLE")


def test_a_database_that_is_away_is_waited_for(sink):
    sink.put([(key(1), row(1, "one"))])
    p = sink.start()
    sink.await_rows([(1, "one")], process=p)
    sink.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{sink.database}' and pid <> pg_backend_pid()")
    sink.put([(key(2), row(2, "two"))])
    sink.await_rows([(1, "one"), (2, "two")], process=p)
