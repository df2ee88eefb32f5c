"""Source with Kafka behind it: each change once in the topics, whatever is killed; clear errors for what can't go on."""

import contextlib
import itertools
import json
import signal
import threading
import time

import pytest

import lab
import lab_kafka
import topics
from conftest import LAB

numbers = itertools.count(1)
PLAIN = {"key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false"}


class Pipeline:
    """A stand-in with a captured table, and a connector of its own into a broker."""

    def __init__(self, broker, worker=None, **source):
        self.broker, self.number = broker, next(numbers)
        self.directory = lab.fresh_dir(LAB / f"source-{self.number}")
        self.prefix = f"source{self.number}"
        self.topic = f"{self.prefix}.shop.dbo.items"
        self.server = lab.Standin(self.directory / "standin", capture_ms=20)
        self.server.script("CREATE DATABASE shop")
        self.server.script("""
            EXEC sys.sp_cdc_enable_db
            GO
            CREATE TABLE dbo.items (id int NOT NULL PRIMARY KEY, n int NOT NULL, note nvarchar(max) NULL)
            GO
            EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL""", "shop")
        self.worker_file = lab_kafka.write_properties(self.directory / "worker.properties", {
            "bootstrap.servers": broker.address, "group.id": f"group{self.number}", "offset.storage.partitions": 3,
            "offset.storage.topic": f"{self.prefix}-offsets", **PLAIN, **(worker or {})})
        self.source_file = self.directory / "source.json"
        self.source_file.write_text(json.dumps({"name": "items", "config": {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "topic.prefix": self.prefix,
            "database.hostname": "127.0.0.1", "database.port": str(self.server.port), "database.user": "sa",
            "database.password": lab.PASSWORD, "database.names": "shop", "database.encrypt": "false",
            "poll.interval.ms": "10", **{k.replace("__", "."): str(v) for k, v in source.items()}}}))
        self.runs = []

    def start(self, name="millrace"):
        run = lab.Millrace(self.directory, "--plain", self.worker_file, self.source_file, name=f"{name}{len(self.runs)}")
        self.runs.append(run)
        return run

    def sql(self, text):
        with contextlib.closing(self.server.connect("shop")) as c, c.cursor() as q:
            q.execute(text)

    def rows(self):
        return {tuple(r)[0]: tuple(r)[1] for r in self.server.rows("SELECT id, n FROM dbo.items", "shop")}

    def events(self, topic=None):
        """Key and envelope of all committed records; tombstones are left out. Nothing when there is no topic yet."""
        if (topic or self.topic) not in self.broker.topics():
            return []
        found = topics.read(self.broker, [topic or self.topic])
        return [(json.loads(r.key), json.loads(r.value)) for r in found if r.value]

    def state(self):
        """What the topics' events make of the table."""
        rows = {}
        for key, event in self.events():
            if event["op"] == "d":
                rows.pop(key["id"], None)
            else:
                rows[key["id"]] = event["after"]["n"]
        return rows

    def wait(self, what, check, seconds=60):
        lab.wait_for(what, check, seconds, step=0.2)

    def stop(self):
        for run in self.runs:
            if run.is_running():
                run.stop()
        self.server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def test_a_table_is_copied_and_followed(broker):
    with Pipeline(broker, schema__history__internal__kafka__topic="source-history") as p:
        p.sql("INSERT dbo.items VALUES (1, 10, N'a'), (2, 20, NULL)")
        run = p.start()
        p.wait("the copy", lambda: len(p.events()) == 2)
        p.sql("INSERT dbo.items VALUES (3, 30, NULL)")
        p.sql("UPDATE dbo.items SET n = 11 WHERE id = 1")
        p.sql("DELETE dbo.items WHERE id = 2")
        p.wait("the changes", lambda: len(p.events()) == 5)
        assert run.stop() == 0
        events = p.events()
        assert sorted(e["op"] for _, e in events) == ["c", "d", "r", "r", "u"]
        update = next(e for _, e in events if e["op"] == "u")
        assert update["before"]["n"] == 10 and update["after"]["n"] == 11
        assert p.state() == p.rows()
        records = topics.read(broker, [p.topic])
        assert [r.key for r in records if r.value is None] == [b'{"id":2}']
        assert len({r.partition for r in records if json.loads(r.key) == {"id": 1}}) == 1
        names = broker.topics()
        assert p.prefix in names and "source-history" in names
        assert len(topics.partitions_of(topics.consumer(broker), p.topic)) == 3
        history = topics.read(broker, ["source-history"])
        assert [json.loads(r.value)["tableChanges"][0]["id"] for r in history if p.prefix.encode() in r.value] == [
            '"shop"."dbo"."items"']
        offsets = {r.key: json.loads(r.value) for r in topics.read(broker, [f"{p.prefix}-offsets"])}
        debezium = offsets[json.dumps(["items", {"server": p.prefix, "database": "shop"}], separators=(",", ":")).encode()]
        delete = next(e for _, e in events if e["op"] == "d")
        assert debezium["commit_lsn"] == delete["source"]["commit_lsn"]
        assert debezium["change_lsn"] == delete["source"]["change_lsn"]


def test_killed_again_and_again_each_change_comes_once(broker):
    """Transactions of several rows while the process is killed at odd moments; a small transaction.max.rows splits the large ones."""
    with Pipeline(broker, transaction__max__rows=7) as p:
        p.sql("INSERT dbo.items VALUES (0, 0, NULL)")
        changes = [0]
        ends = threading.Event()

        def work():
            with contextlib.closing(p.server.connect("shop", autocommit=False)) as c, c.cursor() as q:
                for i in itertools.count(1):
                    if ends.is_set():
                        return
                    count = 40 if i % 9 == 0 else 3
                    for k in range(count):
                        q.execute(f"INSERT dbo.items VALUES ({i * 100 + k}, {i}, NULL)")
                    q.execute(f"UPDATE dbo.items SET n = {i} WHERE id = 0")
                    c.commit()
                    changes[0] += count + 1

        run = p.start()
        p.wait("the copy", lambda: len(p.events()) >= 1)
        worker = threading.Thread(target=work)
        worker.start()
        for i in range(8):
            time.sleep(0.25 + 0.17 * i % 0.6)
            run.kill()
            run = p.start()
        time.sleep(2)
        ends.set()
        worker.join()
        p.wait("all changes", lambda: p.state() == p.rows(), 90)
        assert run.stop() == 0
        events = [e for _, e in p.events() if e["op"] != "r"]
        places = [(e["source"]["commit_lsn"], e["source"]["change_lsn"], e["source"]["event_serial_no"]) for e in events]
        assert len(places) == len(set(places)) == changes[0]
        assert p.state() == p.rows()


def test_a_second_process_takes_the_task_and_the_first_one_stops(broker):
    with Pipeline(broker) as p:
        p.sql("INSERT dbo.items VALUES (1, 1, NULL)")
        first = p.start("first")
        p.wait("the copy", lambda: len(p.events()) == 1)
        second = p.start("second")
        p.wait("the second owner", lambda: "pipeline_owned" in second.log())
        p.sql("INSERT dbo.items VALUES (2, 2, NULL)")
        assert first.wait(60) == 1
        assert "another process runs this connector's task" in first.log()
        p.wait("the change", lambda: len(p.events()) == 2)
        assert second.stop() == 0
        assert sorted(k["id"] for k, _ in p.events()) == [1, 2]


def test_a_broker_that_is_down_is_waited_for():
    broker = lab_kafka.Broker(LAB / "down")
    try:
        broker.stop()
        with Pipeline(broker) as p:
            p.sql("INSERT dbo.items VALUES (1, 1, NULL)")
            run = p.start()
            p.wait("a word on it", lambda: "bootstrap.servers" in run.log(), 90)
            assert run.is_running()
            broker.start()
            p.wait("the copy", lambda: len(p.events()) == 1, 90)
            broker.stop(kill=True)
            p.sql("INSERT dbo.items VALUES (2, 2, NULL)")
            time.sleep(1)
            broker.start()
            p.wait("the change", lambda: len(p.events()) == 2, 90)
            assert run.stop() == 0
            assert [k["id"] for k, _ in sorted(p.events(), key=str)] == [1, 2]
    finally:
        broker.stop()


def test_a_topic_that_is_not_to_be_made_is_named(broker):
    with Pipeline(broker, worker={"topic.creation.enable": "false"}) as p:
        broker.create_topic(f"{p.prefix}-offsets", 3, cleanup__policy="compact")
        broker.create_topic(p.prefix, 1)
        p.sql("INSERT dbo.items VALUES (1, 1, NULL)")
        run = p.start()
        assert run.wait(60) == 1
        assert f"topic {p.topic} isn't there, and topic.creation.enable=false" in run.log()
        assert p.topic not in broker.topics()


@pytest.mark.parametrize("fits", [False, True])
def test_a_record_of_ten_megabytes(broker, fits):
    more = {"producer__override__max__request__size": 12_000_000, "topic__creation__default__max__message__bytes": 12_000_000}
    with Pipeline(broker, **(more if fits else {})) as p:
        run = p.start()
        p.wait("the start", lambda: "source_started" in run.log())
        p.server.script("EXEC sp_configure 'max text repl size', -1\nGO\nRECONFIGURE")
        p.sql("INSERT dbo.items SELECT 1, 1, REPLICATE(CAST(N'x' AS nvarchar(max)), 5000000)")
        p.sql("UPDATE dbo.items SET n = 2, note = REPLICATE(CAST(N'y' AS nvarchar(max)), 5000000) WHERE id = 1")
        if fits:
            p.wait("the rows", lambda: p.state() == {1: 2}, 90)
            assert run.stop() == 0
            assert len(p.events()[-1][1]["after"]["note"]) == 5_000_000
            return
        assert run.wait(60) == 1
        assert f"topic {p.topic}" in run.log() and "max.request.size" in run.log()
        assert run.log().count("pipeline_retry") == 0
        assert p.state() == {}


def test_a_time_that_the_broker_refuses_is_named(broker):
    with Pipeline(broker, producer__override__transaction__timeout__ms=90_000_000) as p:
        run = p.start()
        assert run.wait(60) == 1
        assert "transaction.max.timeout.ms" in run.log()


def test_debezium_s_offset_is_gone_on_from_without_a_copy(broker):
    """With our own keys gone the topic of offsets is as Debezium leaves it."""
    with Pipeline(broker, schema__history__internal__kafka__topic="takeover-history") as p:
        p.sql("INSERT dbo.items VALUES (1, 10, NULL), (2, 20, NULL)")
        run = p.start()
        p.wait("the copy", lambda: len(p.events()) == 2)
        p.sql("UPDATE dbo.items SET n = 11 WHERE id = 1")
        p.wait("the change", lambda: len(p.events()) == 3)
        assert run.stop() == 0
        ours = {(r.partition, r.key) for r in topics.read(broker, [f"{p.prefix}-offsets"]) if b"millrace" in r.key}
        topics.produce(broker, [(f"{p.prefix}-offsets", partition, key, None, []) for partition, key in ours])
        p.sql("DELETE dbo.items WHERE id = 2")
        run = p.start()
        p.wait("what came since", lambda: len(p.events()) == 4)
        p.sql("INSERT dbo.items VALUES (3, 30, NULL)")
        p.wait("the next change", lambda: len(p.events()) == 5)
        assert run.stop() == 0
        assert "offset_taken_over" in run.log()
        assert sorted(e["op"] for _, e in p.events()) == ["c", "d", "r", "r", "u"]
        assert p.state() == p.rows()


def test_heartbeats_carry_the_offset_again(broker):
    with Pipeline(broker, heartbeat__interval__ms=300) as p:
        p.sql("INSERT dbo.items VALUES (1, 1, NULL)")
        run = p.start()
        beats = f"__debezium-heartbeat.{p.prefix}"
        p.wait("two heartbeats", lambda: len(topics.read(broker, [beats])) >= 2)
        assert run.stop(signal.SIGINT) == 0
        beat = topics.read(broker, [beats])[0]
        assert json.loads(beat.key) == {"serverName": p.prefix} and set(json.loads(beat.value)) == {"ts_ms"}
