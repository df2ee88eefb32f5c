"""Avro with a real registry between both halves: millrace's records as others read them, and what goes wrong with a registry."""

import json
import signal
import struct

import pytest

import lab
import lab_kafka
import topics
import workload
from compare import WAREHOUSE, differences
from conftest import LAB, ROOT
from test_source import Pipeline

QUICKSTART = ROOT / "examples" / "quickstart"
CONFLUENT = "io.confluent.connect.avro.AvroConverter"


def confluent(registry, **more):
    both = {"": CONFLUENT, ".schema.registry.url": registry.url, **{"." + k.replace("__", "."): v for k, v in more.items()}}
    return {f"{side}.converter{key}": value for side in ("key", "value") for key, value in both.items()}


def apicurio(registry):
    return {**registry.converter("key"), **registry.converter("value")}


@pytest.mark.parametrize("settings", (confluent, apicurio))
def test_others_read_what_is_written(broker, registry, settings):
    """fastavro reads each record by the schema that the registry has under its number and its subject."""
    with Pipeline(broker, worker=settings(registry)) as p:
        p.sql("INSERT dbo.items VALUES (1, 10, N'one'), (2, 20, NULL)")
        p.start()
        avro = topics.Avro(registry)

        def events():
            found = topics.read(broker, [p.topic]) if p.topic in broker.topics() else []
            return [(avro(r.key)[1], avro(r.value)[1], r) for r in found if r.value]
        p.wait("the copy", lambda: len(events()) == 2)
        p.sql("UPDATE dbo.items SET n = 21 WHERE id = 2")
        p.wait("the update", lambda: len(events()) == 3)
        rows = {key["id"]: (value["op"], value["after"]["n"], value["after"]["note"]) for key, value, _ in events()}
        assert rows == {1: ("r", 10, "one"), 2: ("u", 21, None)}
        for side, raw in (("key", events()[0][2].key), ("value", events()[0][2].value)):
            magic, number = struct.unpack(">bI", raw[:5])
            latest = lab_kafka.http("GET", f"{registry.url}/subjects/{p.topic}-{side}/versions/latest")
            assert magic == 0 and latest["id"] == number


def test_a_registry_that_comes_late_is_waited_for(broker):
    registry = lab_kafka.Registry(LAB / "late-registry")
    try:
        registry.wait_up()
        registry.process.stop()
        with Pipeline(broker, worker=confluent(registry, max__retries="1", retries__wait__ms="100")) as p:
            p.sql("INSERT dbo.items VALUES (1, 10, N'one')")
            run = p.start()
            p.wait("a retry", lambda: "registry" in run.log())
            assert run.is_running()
            registry.start()
            registry.wait_up()
            p.wait("the copy", lambda: p.topic in broker.topics() and len(topics.read(broker, [p.topic])) == 1)
    finally:
        registry.process.stop()


def test_a_column_that_the_subject_refuses_is_named(broker, registry):
    """BACKWARD at the subject: another type of a column stops the source with the column's name."""
    with Pipeline(broker, worker=confluent(registry)) as p:
        subject = f"{p.topic}-value"
        taken = '{"type":"record","name":"Envelope","namespace":"%s","fields":[{"name":"op","type":"int"}]}' % p.topic
        lab_kafka.http("POST", f"{registry.url}/subjects/{subject}/versions", {"schema": taken})
        lab_kafka.http("PUT", f"{registry.url}/config/{subject}", {"compatibility": "BACKWARD"})
        p.sql("INSERT dbo.items VALUES (1, 10, N'one')")
        run = p.start()
        p.wait("the refusal", lambda: subject in run.log() and "isn't compatible" in run.log())
        assert "field op changes its type from int to string" in run.log()


@pytest.fixture
def warehouse():
    directory = lab.fresh_dir(LAB / "both")
    with lab.Standin(directory / "standin") as s:
        s.script((QUICKSTART / "schema.sql").read_text())
        workload.load(s, customers=300, orders=600)
        s.script((QUICKSTART / "enable-cdc.sql").read_text())
        yield s


@pytest.fixture
def target():
    with lab.Postgres(LAB / "both-pg", settings={"fsync": "off"}) as p:
        yield p


def write_files(directory, broker, source, target):
    """Names are the directory's, as Avro takes them: the broker is shared by all tests."""
    own = directory.name.replace("-", "_")
    worker = lab_kafka.write_properties(directory / "worker.properties", {
        "bootstrap.servers": broker.address, "group.id": own, "offset.storage.topic": f"{own}-offsets",
        "offset.storage.partitions": 1, "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter"})
    connectors = []
    for name in ("source", "sink"):
        connector = json.loads((QUICKSTART / f"{name}.json").read_text())
        connector["name"] = f"{own}-{name}"
        connectors.append((directory / f"{name}.json", connector))
    connectors[0][1]["config"].update({
        "database.hostname": "127.0.0.1", "database.port": str(source.port), "database.user": "sa",
        "database.password": lab.PASSWORD, "topic.prefix": own})
    connectors[1][1]["config"].update({
        "topics.regex": own + "\\.warehouse_source\\.dbo\\..*", "tasks.max": "3",
        "connection.url": f"postgresql://postgres@127.0.0.1:{target.port}/{target.database}",
        "consumer.override.session.timeout.ms": "6000", "consumer.override.metadata.max.age.ms": "1000"})
    for path, connector in connectors:
        path.write_text(json.dumps(connector, indent=2))
    return [worker, *(path for path, _ in connectors)]


def differences_of(source, target):
    """uniqueidentifier is text in topics, in SQL Server's capitals."""
    try:
        found = []
        for table, (columns, key) in WAREHOUSE.items():
            found += differences(source, target, "warehouse_source", table, [c for c in columns if c != "public_id"], key)
        ids = {i: str(u).lower() for i, u in source.rows("SELECT id, public_id FROM dbo.customers", "warehouse_source")}
        same = ids == {i: u.lower() for i, u in target.rows("select id, public_id from dbo.customers")}
        return found if same else [*found, "public_id"]
    except Exception as e:  # no table yet
        return [str(e)]


def test_both_halves_agree_over_avro_and_a_kill(broker, registry, warehouse, target):
    directory = lab.fresh_dir(LAB / "avro-run")
    files = write_files(directory, broker, warehouse, target)
    worker = files[0].read_text().splitlines()
    own = [f"{k}={v}" for k, v in confluent(registry).items()]
    files[0].write_text("\n".join([line for line in worker if ".converter=" not in line] + own) + "\n")
    run = lab.Millrace(directory, "--plain", *files, name="first")
    load = workload.Workload(warehouse, 300, 600, seed=5, limit=200)
    load.start()
    try:
        lab.wait_for("the first rows", lambda: target.rows("select count(*) from dbo.customers")[0][0] > 0, 90, step=0.2)
        run.stop(signal.SIGKILL)
        run = lab.Millrace(directory, "--plain", *files, name="second")
        load.stop()
        lab.wait_for("source and target to agree", lambda: not differences_of(warehouse, target), 90, step=0.5)
    except TimeoutError:
        raise AssertionError(f"{differences_of(warehouse, target)}\n{run.log()[-4000:]}") from None
    finally:
        load.stop()
        if run.is_running():
            assert run.stop(signal.SIGTERM) == 0, run.log()[-4000:]
