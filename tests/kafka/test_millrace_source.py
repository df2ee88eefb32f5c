"""millrace's topics beside real Debezium's: both read one database at the same time, each into a broker of its own.

One registry for both, so that Avro's schema ids, and with them keys, bytes and partitions, can be the same. Differences that are left
on purpose are in DIFFERENCES and in docs/compatibility.md.
"""

import contextlib
import json
import re

import pytest

import differ
import lab
import lab_kafka
import scenario
import sides
import topics
from conftest import LAB
from test_same import play

SHAPES = {"2.7.3.Final": "2.7", "3.0.7.Final": "3.0"}
TABLES_ORDER = {"first": "first_in_data_collection", "last": "last_in_data_collection"}
# What differs on purpose, Debezium's first: docs/compatibility.md tells why. Each has to be there in at least one setting.
DIFFERENCES = {
    "datetime2(7) past 64 bits of nanoseconds wraps": r"\.(before|after)\.datetime2_(u005f)?7: -\d+ and None",
    "days that Java's calendar leaves out": r"\.(before|after)\.a_(u005f)?date: -141422 and -141432",
    "Julian calendar before 1582, offsets": r"\.(before|after)\.an_(u005f)?offset: '0000-12-30T00:00:00Z' and '0001-01-01T00:00:00Z'",
    "Java's text of a float": r"\.(before|after)\.a_(u005f)?real: -1.17549435e-38 and -1.1754944e-38",
    "source of a change of schema while streaming": r"^(schemas|plain|avro)/0@\d+\.value\.source\.(ts_ms|ts_us|ts_ns|table): ",
}


@pytest.fixture(scope="module", params=lab_kafka.DEBEZIUM)
def pair(request, registry):
    """Debezium and millrace after the whole scenario, both stopped in the midst of it."""
    directory = LAB / f"pair-{request.param}"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.Standin(directory / "standin"))
        brokers = [stack.enter_context(lab_kafka.Broker(directory / f"broker-{who}")) for who in ("debezium", "millrace")]
        worker = stack.enter_context(lab_kafka.ConnectWorker(directory / "connect", brokers[0], request.param))
        both = (sides.Debezium(worker, server, registry),
                stack.enter_context(sides.Millrace(directory / "millrace", brokers[1], server, registry, SHAPES[request.param])))
        play(server, both, stop_in=scenario.keys)
        yield both


def known(difference):
    return [what for what, pattern in DIFFERENCES.items() if re.search(pattern, difference)]


def alike(records):
    """Without where in the whole copy a row was, since tables are copied in another order, and without the table that millrace reads
    again when a second capture instance brings a column."""
    found = []
    for r in records:
        source = r.value.get("source") if r.value else None
        if source and source.get("snapshot") == "incremental":
            continue
        if source:
            source["snapshot"] = TABLES_ORDER.get(source["snapshot"], source["snapshot"])
        found.append(r)
    return found


@pytest.mark.parametrize("name", scenario.SETTINGS)
def test_topics_are_the_same(pair, name):
    """Topics, partitions, keys, values, headers, schemas, in order."""
    debezium, millrace = pair
    assert debezium.topics_of(name) == millrace.topics_of(name)
    ones = debezium.read(name)
    assert len(ones) > 80
    assert [d for d in differ.differences(alike(ones), alike(millrace.read(name))) if not known(d)] == []


def test_a_table_is_read_again_for_a_new_column(pair):
    """What Debezium misses: rows whose new column was filled before the second instance began."""
    rows = [r.value["after"] for r in pair[1].read("plain") if r.value and r.value.get("source", {}).get("snapshot") == "incremental"]
    assert {(row["id"], row["points"]) for row in rows} >= {(1, 5)}


def test_each_difference_is_still_there(pair):
    debezium, millrace = pair
    found = {what for name in scenario.SETTINGS for d in differ.differences(alike(debezium.read(name)), alike(millrace.read(name))) for what in known(d)}
    assert found == set(DIFFERENCES)


@pytest.mark.parametrize("name", scenario.SETTINGS)
def test_history_and_offsets_are_the_same(pair, name):
    debezium, millrace = pair
    histories = [[(r.key, differ.history(r.value), r.headers) for r in topics.read(side.broker, [f"history-{name}"])] for side in pair]
    assert [d for d in differ.walk(*histories) if not known(d)] == []
    offsets = {r.key: json.loads(r.value) for r in topics.read(millrace.broker, ["connect-offsets"]) if r.value}
    key = json.dumps([name, {"server": name, "database": scenario.DATABASE}], separators=(",", ":")).encode()
    assert offsets[key] == debezium.worker.offsets(name)[0]["offset"]


def test_keys_in_avro_are_the_same_to_the_byte(pair):
    keys = [sorted((r.topic, r.partition, r.record.key) for r in alike(side.read("avro")) if r.key is not None) for side in pair]
    assert keys[0] == keys[1]
