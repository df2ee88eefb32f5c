"""Avro that other programs wrote, with a real registry, into PostgreSQL: what can't be read is a dead letter, a registry that hangs isn't."""

import io
import json
import signal
import struct

import fastavro

import lab
import lab_kafka
import topics
from test_sink import sink  # noqa: F401 (fixtures)


def foreign(registry, subject, fields, **values):
    """A record of another program: its schema registered, the bytes written by fastavro."""
    schema = {"type": "record", "name": "Row", "namespace": "other", "fields": [{"name": n, "type": t} for n, t in fields]}
    number = lab_kafka.http("POST", f"{registry.url}/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]
    out = io.BytesIO(struct.pack(">bI", 0, number))
    out.seek(5)
    fastavro.schemaless_writer(out, schema, values)
    return out.getvalue()


def avro_key(registry, topic, i):
    return foreign(registry, f"{topic}-key", [("id", "int")], id=i)


def avro_row(registry, topic, i, name, *more, **values):
    return foreign(registry, f"{topic}-value", [("id", "int"), ("name", ["null", "string"]), *more], id=i, name=name, **values)


def settings(registry):
    """The sink's converters, as test_sink's start takes them."""
    both = {"": "io.confluent.connect.avro.AvroConverter", "__schema__registry__url": registry.url, "__max__retries": "0"}
    return {f"{side}__converter{key}": value for side in ("key", "value") for key, value in both.items()}


def test_other_programs_records_arrive_and_bad_ones_are_dead_letters(sink, registry):  # noqa: F811
    """A schema change in mid-topic; another number than the registry has, another first byte, data that is cut off, text."""
    def row(i, name, *more, **values):
        return avro_row(registry, sink.topic, i, name, *more, **values)
    good, wider = row(1, "one"), row(9, None, ("day", {"type": "int", "logicalType": "date"}), day=1)
    bad = [b"\0\0\1\0\0" + good[5:], b"\1" + good[1:], good[:-1], good + b"\0", b"{}", b""]
    key = [avro_key(registry, sink.topic, i) for i in range(10)]
    sink.put([(key[1], good), *((key[2 + i], b) for i, b in enumerate(bad)), (key[9], wider)])
    dead = f"{sink.topic}-dlq"
    p = sink.start(**settings(registry), errors__tolerance="all", errors__deadletterqueue__topic__name=dead,
                   errors__deadletterqueue__context__headers__enable="true")
    sink.await_rows([(1, "one", None), (9, None, "1970-01-02")], "select id, name, day::text from TABLE order by id", process=p)
    letters = {dict(r.headers)["__connect.errors.offset"]: r for r in topics.read(sink.broker, [dead])}
    assert [letters[str(1 + i).encode()].value for i in range(len(bad))] == bad and len(letters) == len(bad)
    assert {dict(r.headers)["__connect.errors.stage"] for r in letters.values()} == {b"VALUE_CONVERTER"}
    why = dict(letters[b"1"].headers)["__connect.errors.exception.message"]
    assert b"has no schema 65536" in why, why


def test_a_registry_that_hangs_is_waited_for_and_nothing_is_a_dead_letter(sink, registry):  # noqa: F811
    sink.put([(avro_key(registry, sink.topic, i), avro_row(registry, sink.topic, i, "x")) for i in range(20)])
    dead = f"{sink.topic}-dlq"
    registry.process.send(signal.SIGSTOP)
    try:
        p = sink.start(**settings(registry), key__converter__http__read__timeout__ms="500", errors__tolerance="all",
                       errors__deadletterqueue__topic__name=dead)
        lab.wait_for("a retry", lambda: "sink_waits" in p.log() and "schema registry" in p.log(), 30)
    finally:
        registry.process.send(signal.SIGCONT)
    sink.await_rows([(i, "x") for i in range(20)], process=p)
    assert dead not in sink.broker.topics() or topics.read(sink.broker, [dead]) == []
