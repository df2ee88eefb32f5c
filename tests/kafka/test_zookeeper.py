"""Both halves over a broker of older clusters, beside ZooKeeper: a table from end to end."""

import json

import lab
import lab_kafka
from conftest import LAB
from test_source import Pipeline

JSON = {f"{side}.converter": "org.apache.kafka.connect.json.JsonConverter" for side in ("key", "value")}


def test_a_table_goes_from_end_to_end_with_zookeeper(cluster):
    with lab_kafka.Broker(LAB / "older", zookeeper=True) as broker, Pipeline(broker) as p:
        worker = p.worker_file
        worker.write_text("".join(line for line in worker.read_text().splitlines(True) if ".converter." not in line)
                          + "".join(f"{k}={v}\n" for k, v in JSON.items()))
        p.sql("INSERT dbo.items VALUES (1, 10, N'one'), (2, 20, NULL), (3, 30, N'three')")
        sink = p.directory / "sink.json"
        sink.write_text(json.dumps({"name": "rows", "config": {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics.regex": f"{p.prefix}\\.shop\\.dbo\\..*",
            "connection.url": f"jdbc:postgresql://127.0.0.1:{cluster.port}/{cluster.database}", "connection.username": "postgres",
            "connection.password": "", "insert.mode": "upsert", "primary.key.mode": "record_key", "delete.enabled": "true",
            "schema.evolution": "basic", "collection.name.format": "older_items", "consumer.override.metadata.max.age.ms": "500"}}))
        run = lab.Millrace(p.directory, "--plain", worker, p.source_file, sink)
        p.runs.append(run)

        def arrived():
            assert run.is_running(), run.log()[-3000:]
            wanted = sorted(tuple(r) for r in p.server.rows("SELECT id, n, note FROM dbo.items", "shop"))
            return cluster.rows("select id, n, note from older_items order by id") == wanted
        p.wait("the copy", arrived)
        p.sql("INSERT dbo.items VALUES (4, 40, N'four')")
        p.sql("UPDATE dbo.items SET n = 11 WHERE id = 1")
        p.sql("DELETE dbo.items WHERE id = 2")
        p.wait("the changes", arrived)
        broker.stop(kill=True)
        p.sql("INSERT dbo.items VALUES (5, 50, NULL)")
        broker.start()
        p.wait("what came while it was away", arrived, 90)
        assert len(cluster.rows("select 1 from older_items")) == 4
        assert run.stop() == 0
