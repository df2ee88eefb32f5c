"""millrace check with Kafka between: what is planted is named with its cure; nothing is made by looking."""

import contextlib
import json
import subprocess

import pytest
from confluent_kafka import Consumer

import lab
from conftest import LAB
from test_sink import Sink, key, row
from test_source import Pipeline


class Checks:
    """One `millrace check --json`: its status, and findings by connector and check."""

    def __init__(self, *files):
        done = subprocess.run([lab.build_dir() / "millrace", "check", "--json", *map(str, files)], capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode in (0, 1), done.stderr
        self.status, self.answers = done.returncode, {a["connector"]: a for a in map(json.loads, done.stdout.splitlines())}
        assert all(a["ok"] for a in self.answers.values()) == (self.status == 0)

    def of(self, connector, check):
        found = [c for c in self.answers[connector]["checks"] if c["check"] == check]
        assert found, f"no {check}: {self.answers[connector]}"
        return found

    def bad(self, connector, check, text, severity="error"):
        """The finding, which has a cure."""
        [found] = [c for c in self.of(connector, check) if text in c["found"]]
        assert found["severity"] == severity and found.get("cure"), found
        return found

    def errors(self, connector):
        return {c["check"] for c in self.answers[connector]["checks"] if c["severity"] == "error"}


@pytest.fixture
def sink(request, broker, cluster):
    s = Sink(broker, cluster, lab.fresh_dir(LAB / request.node.name), 1)
    yield s
    s.stop()


def write_sink(sink, **settings):
    path = sink.directory / "check.json"
    path.write_text(json.dumps({"name": sink.topic, "config": {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "topics": sink.topic,
        "connection.url": f"jdbc:postgresql://127.0.0.1:{sink.cluster.port}/{sink.database}",
        "connection.username": "postgres", "connection.password": "", "insert.mode": "upsert", "primary.key.mode": "record_key",
        "delete.enabled": "true", "schema.evolution": "basic", **settings}}))
    return path


def test_a_source_and_a_sink_that_are_well(broker, sink):
    with Pipeline(broker) as p:
        sink.put([(key(1), row(1, "one"))])
        before = broker.topics()
        c = Checks(p.worker_file, p.source_file, write_sink(sink))
        assert broker.topics() == before and not sink.rows("select 1 from pg_namespace where nspname = 'millrace'")
        assert c.errors("items") == c.errors(sink.topic) == set() and c.status == 0
        assert f"topic {p.topic} is to be made, with 3 partitions" in [f["found"] for f in c.of("items", "kafka-topics")]
        assert "about 1 records are ahead" in c.of(sink.topic, "kafka-group")[-1]["found"]
        assert c.of(sink.topic, "target-version") and c.of("items", "cdc-database")
        run = p.start()
        p.sql("INSERT dbo.items VALUES (1, 10, NULL)")
        p.wait("the row", lambda: p.state() == {1: 10})
        c = Checks(p.worker_file, p.source_file)
        assert c.status == 0, c.answers
        assert f"topic {p.topic} is there, 3 partitions" in [f["found"] for f in c.of("items", "kafka-topics")]
        assert "cleanup.policy=compact" in c.of("items", "kafka-internal-topics")[0]["found"]
        assert "all that follows it is there" in c.of("items", "position")[0]["found"], "by the topic of offsets"
        assert run.is_running() and run.stop() == 0
        text = subprocess.run([lab.build_dir() / "millrace", "check", p.worker_file, p.source_file], capture_output=True, text=True, timeout=60)
        assert text.returncode == 0 and "source items" in text.stdout and "a run can start" in text.stdout


def test_what_would_stop_a_source(broker):
    history, offsets = "check-history", "check-offsets"
    broker.create_topic(history, 1, cleanup__policy="compact")
    broker.create_topic(offsets, 1, cleanup__policy="delete")
    with Pipeline(broker, {"offset.storage.topic": offsets, "value.converter": "io.confluent.connect.avro.AvroConverter",
                           "value.converter.schema.registry.url": f"http://127.0.0.1:{lab.free_port()}"},
                  schema__history__internal__kafka__topic=history, topic__creation__default__replication__factor=3,
                  producer__override__transaction__timeout__ms=3600000, producer__override__max__request__size=5000000) as p:
        p.worker_file.write_text("\n".join(line for line in p.worker_file.read_text().splitlines()
                                           if not line.startswith("value.converter.schemas.enable")))
        broker.create_topic(p.topic, 1, max__message__bytes=1000000)
        c = Checks(p.worker_file, p.source_file)
        assert c.status == 1
        assert "cleanup.policy=compact" in c.bad("items", "kafka-internal-topics", offsets)["cure"]
        assert "retention.ms=-1" in c.bad("items", "kafka-internal-topics", history)["cure"]
        assert "transaction.max.timeout.ms" in c.bad("items", "kafka-transactions", "3600000")["found"]
        assert p.topic in c.bad("items", "kafka-record-size", "(max.request.size)", "warning")["cure"]
        assert "kafka-registry" in c.errors("items")
        broker.delete_topic(p.topic)
        c = Checks(p.worker_file, p.source_file)
        assert "topic.creation" in c.bad("items", "kafka-replication", "3 replicas on 1 broker")["cure"]


def test_what_would_stop_a_sink(broker, sink):
    worker = sink.directory / "worker.properties"
    worker.write_text(f"bootstrap.servers={broker.address}\n")
    other = Consumer({"bootstrap.servers": broker.address, "group.id": f"connect-{sink.topic}", "client.id": "connector-consumer-0"})
    with contextlib.closing(other):
        other.subscribe([sink.topic])
        lab.wait_for("the other member", lambda: other.poll(0.5) or other.assignment(), 30)
        c = Checks(worker, write_sink(sink))
        assert c.status == 1 and "connector-consumer-0" in c.bad(sink.topic, "kafka-group", "another program")["found"]
    c = Checks(worker, write_sink(sink, topics=f"{sink.topic},not-there"))
    assert c.status == 0 and c.bad(sink.topic, "kafka-topics", "not-there", "warning")
    c = Checks(worker, write_sink(sink, **{"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "check-dead",
                                           "errors.deadletterqueue.topic.replication.factor": "3"}))
    assert c.status == 1 and c.bad(sink.topic, "kafka-replication", "3 replicas on 1 broker")
