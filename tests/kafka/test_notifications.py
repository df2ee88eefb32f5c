"""Notifications of snapshots in a topic: each once, in the shape of Debezium's, whose own connector is asked."""

import contextlib
import json

import topics
from test_source import Pipeline


def notes(broker, topic):
    """(type, value, key) of all committed notifications, in the order of their time."""
    if topic not in broker.topics():
        return []
    found = [(json.loads(r.value), json.loads(r.key)) for r in topics.read(broker, [topic])]
    return sorted(found, key=lambda f: f[0]["payload"]["timestamp"])


def test_each_is_written_once_over_a_kill(broker):
    topic = "notes-once"
    with Pipeline(broker, {"key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true"},
                  notification__enabled__channels="sink", notification__sink__topic__name=topic) as p:
        p.sql("INSERT dbo.items VALUES (1, 10, NULL), (2, 20, NULL)")
        run = p.start()
        p.wait("the end", lambda: any(v["payload"]["type"] == "COMPLETED" for v, _ in notes(broker, topic)))
        run.kill()
        run = p.start()
        p.sql("INSERT dbo.items VALUES (3, 30, NULL)")
        p.wait("the change", lambda: len(topics.read(broker, [p.topic])) == 3)
        found = notes(broker, topic)
        assert sorted(v["payload"]["type"] for v, _ in found) == ["COMPLETED", "IN_PROGRESS", "STARTED", "TABLE_SCAN_COMPLETED"]
        assert all(v["payload"]["id"] == k["payload"]["id"] for v, k in found)
        scanned = next(v["payload"] for v, _ in found if v["payload"]["type"] == "TABLE_SCAN_COMPLETED")
        assert scanned["aggregate_type"] == "Initial Snapshot" and scanned["additional_data"] == {
            "connector_name": p.prefix, "data_collections": "shop.dbo.items", "scanned_collection": "shop.dbo.items",
            "total_rows_scanned": "2", "status": "SUCCEEDED"}
        assert run.is_running() and run.stop() == 0


def test_a_sink_channel_without_its_topic_is_refused(broker):
    with Pipeline(broker, notification__enabled__channels="sink") as p:
        run = p.start()
        p.wait("the end", lambda: not run.is_running())
        assert "notification.sink.topic.name" in run.log()


def test_the_shape_is_debeziums(worker):
    broker, topic = worker.broker, f"notes-{worker.debezium}"
    with Pipeline(broker, {"key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true"},
                  notification__enabled__channels="sink", notification__sink__topic__name=f"{topic}-ours") as p:
        p.sql("INSERT dbo.items VALUES (1, 10, NULL), (2, 20, NULL)")
        config = json.loads(p.source_file.read_text())["config"]
        worker.post(topic, {**config, "topic.prefix": f"{p.prefix}-theirs", "notification.sink.topic.name": topic,
                            "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
                            "schema.history.internal.kafka.topic": f"{topic}-history",
                            "schema.history.internal.kafka.bootstrap.servers": broker.address,
                            **{f"{side}.converter": "org.apache.kafka.connect.json.JsonConverter" for side in ("key", "value")}})
        p.start()
        with contextlib.ExitStack() as stack:
            stack.callback(worker.stop_connector, topic)
            for name in (topic, f"{topic}-ours"):
                p.wait(name, lambda name=name: any(v["payload"]["type"] == "COMPLETED" for v, _ in notes(broker, name)))
        theirs, ours = notes(broker, topic), notes(broker, f"{topic}-ours")
        assert theirs[0][0]["schema"] == ours[0][0]["schema"] and theirs[0][1]["schema"] == ours[0][1]["schema"]

        def told(found):
            rows = [{**v["payload"], "additional_data": {**v["payload"]["additional_data"], "connector_name": ""}} for v, _ in found]
            return sorted((r["aggregate_type"], r["type"], json.dumps(r["additional_data"], sort_keys=True)) for r in rows)
        assert told(theirs) == told(ours)
