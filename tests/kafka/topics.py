"""Topics through other people's clients: confluent-kafka reads and writes bytes, fastavro and json decode them."""

import dataclasses
import functools
import io
import json
import struct
import time

import fastavro
from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_CREATE_TIME, Consumer, KafkaError, KafkaException, Producer, TopicPartition

import lab_kafka

LOG = {"logger": lab_kafka.QUIET}


@dataclasses.dataclass
class Record:
    """A record as the broker gave it."""
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list
    timestamp: int
    has_create_time: bool


def produce(broker, records):
    """Write (topic, partition, key, value, headers), all acknowledged on return."""
    failures = []
    producer = Producer({"bootstrap.servers": broker.address, "acks": "all", **LOG})
    for topic, partition, key, value, headers in records:
        producer.produce(topic, value, key, partition, on_delivery=lambda e, _: e and failures.append(e), headers=headers)
        producer.poll(0)
    assert producer.flush(60) == 0 and not failures, failures


def consumer(broker, group="reader", **settings):
    return Consumer({"bootstrap.servers": broker.address, "group.id": group, "enable.auto.commit": False,
                     "isolation.level": "read_committed", "auto.offset.reset": "error", "enable.partition.eof": True,
                     "check.crcs": True, "fetch.wait.max.ms": 20, **{k.replace("__", "."): v for k, v in settings.items()}}, **LOG)


def partitions_of(c, topic):
    metadata = c.list_topics(topic, timeout=20).topics[topic]
    if metadata.error:
        raise KafkaException(metadata.error)
    return [TopicPartition(topic, p) for p in sorted(metadata.partitions)]


def ends(c, part):
    """A partition's first offset, and the one behind its last."""
    return c.get_watermark_offsets(part, timeout=20)


def read(broker, names, seconds=60, last=None):
    """All committed records of the topics up to where they end now, by topic, partition and offset; `last`: of each partition only
    what has one of its last so many offsets."""
    found, until = [], time.monotonic() + seconds
    c = consumer(broker)
    try:
        left = {(p.topic, p.partition): p for name in names for p in partitions_of(c, name)}
        for part in left.values():
            part.offset = OFFSET_BEGINNING if last is None else max(0, ends(c, part)[1] - last)
        c.assign(list(left.values()))
        while left:  # up to the end that the broker tells: a transaction's mark has an offset, too
            assert time.monotonic() < until, f"{sorted(left)}: not at their ends within {seconds} s"
            for message in c.consume(10_000, 0.05):
                if message.error() and message.error().code() == KafkaError._PARTITION_EOF:
                    left.pop((message.topic(), message.partition()), None)
                elif message.error():
                    raise KafkaException(message.error())
                elif (message.topic(), message.partition()) in left:  # what came since belongs to the next reading
                    kind, stamp = message.timestamp()
                    found.append(Record(message.topic(), message.partition(), message.offset(), message.key(), message.value(),
                                        message.headers() or [], stamp, kind == TIMESTAMP_CREATE_TIME))
    finally:
        c.close()
    return sorted(found, key=lambda r: (r.topic, r.partition, r.offset))


class Avro:
    """Decoder of Confluent's wire format by fastavro, with the registry's schemas."""

    def __init__(self, registry):
        self.registry = registry
        self.parsed = functools.cache(self._parsed)

    def _parsed(self, schema_id):
        text = json.loads(self.registry.schema(schema_id))
        return text, fastavro.parse_schema(text)

    def __call__(self, data):
        """(schema as JSON, value); the bytes must end where the value does."""
        if data is None:
            return None, None
        magic, schema_id = struct.unpack(">bI", data[:5])
        assert magic == 0, data[:5]
        text, parsed = self.parsed(schema_id)
        stream = io.BytesIO(data[5:])
        value = fastavro.schemaless_reader(stream, parsed)
        assert not stream.read(1), f"bytes after the value, schema {schema_id}"
        return text, value


def json_with_schema(data):
    if data is None:
        return None, None
    both = json.loads(data)
    assert set(both) == {"schema", "payload"}
    return both["schema"], both["payload"]


def json_plain(data):
    return None, None if data is None else json.loads(data)
