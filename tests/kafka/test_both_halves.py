"""Both halves with Kafka between them: SQL Server's tables and PostgreSQL's are the same, whatever is killed in between."""

import json
import random
import signal
import time

import pytest

import lab
import lab_kafka
import workload
from compare import WAREHOUSE, differences
from conftest import LAB, ROOT

QUICKSTART = ROOT / "examples" / "quickstart"


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


def test_source_and_target_agree_over_kills(broker, warehouse, target):
    directory = lab.fresh_dir(LAB / "both-run")
    files = write_files(directory, broker, warehouse, target)
    rng, processes = random.Random(3), []

    def start():
        processes.append(lab.Millrace(directory, "--plain", *files, name=f"millrace{len(processes)}"))

    start()
    load = workload.Workload(warehouse, 300, 600, seed=11, limit=400)
    load.start()
    try:
        for _ in range(3):
            time.sleep(3 + 2 * rng.random())
            processes[-1].stop(signal.SIGKILL)
            start()
        load.stop()
        lab.wait_for("source and target to agree", lambda: not differences_of(warehouse, target), 90, step=0.5)
    except TimeoutError:
        raise AssertionError(f"{differences_of(warehouse, target)}\n{processes[-1].log()[-4000:]}") from None
    finally:
        load.stop()
        if processes[-1].is_running():
            assert processes[-1].stop(signal.SIGTERM) == 0, processes[-1].log()[-4000:]


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
