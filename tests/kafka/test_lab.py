"""The JVM stack itself: each part starts, does its work, and goes on after a restart."""

import subprocess

import pytest

import lab_kafka
import topics
from conftest import LAB


def test_a_broker_keeps_topics_and_records_over_a_restart():
    """The broker of older clusters, beside ZooKeeper; the KRaft one is every other test's."""
    with lab_kafka.Broker(LAB / "zookeeper", zookeeper=True) as b:
        b.create_topic("kept", partitions=2, retention__ms=3_600_000)
        topics.produce(b, [("kept", 1, b"key", b"value", [("h", b"1")]), ("kept", 0, b"gone", None, None)])
        b.stop(kill=True)
        b.start()
        assert b.topics() == ["kept"]
        found = topics.read(b, ["kept"])
        assert [(r.partition, r.key, r.value, r.headers) for r in found] == [
            (0, b"gone", None, []), (1, b"key", b"value", [("h", b"1")])]


def test_kcat_reads_what_a_client_wrote(broker):
    broker.create_topic("cat", partitions=1)
    topics.produce(broker, [("cat", 0, b"k", b"v", [])])
    done = subprocess.run(["kcat", "-C", "-q", "-b", broker.address, "-t", "cat", "-o", "beginning", "-e", "-f", "%k=%s\\n"],
                          capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "k=v\n"


def test_the_registry_gives_a_schema_back_by_its_id(registry):
    text = '{"type":"record","name":"a","fields":[]}'
    made = lab_kafka.http("POST", f"{registry.url}/subjects/lab-value/versions", {"schema": text})
    assert "lab-value" in registry.subjects()
    assert registry.schema(made["id"]) == text


def test_a_worker_has_the_plugins_of_its_version(worker):
    plugins = {p["class"].rsplit(".", 1)[1]: p["version"] for p in lab_kafka.http("GET", f"{worker.url}/connector-plugins")}
    assert plugins["SqlServerConnector"] == worker.debezium
    assert plugins["JdbcSinkConnector"] == lab_kafka.SINK
    converters = {p["class"] for p in lab_kafka.http("GET", f"{worker.url}/connector-plugins?connectorsOnly=false")}
    assert "io.apicurio.registry.utils.converter.AvroConverter" in converters


def test_ended_processes_are_told(broker):
    """A worker that can't start says why instead of being waited for."""
    worker = lab_kafka.ConnectWorker(LAB / "refused", broker, settings={"key.converter": "no.such.Converter"})
    try:
        with pytest.raises(AssertionError, match="no.such.Converter"):
            worker.wait_up()
    finally:
        worker.stop()
