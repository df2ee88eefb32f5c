"""Topics of two sides that read the same database at the same time: field by field, schema by schema, partition by partition.

Debezium's two versions among themselves show that what is left out of the comparison is no more than what must differ.
"""

import contextlib

import pytest

import differ
import lab
import lab_kafka
import scenario
import sides
import topics
from conftest import LAB


# The one difference in topics between the versions: what source.snapshot's schema says it may be. (The other: an offset of a
# running copy has the text INITIAL in place of true.)
SNAPSHOT_ENUM = ("parameters.allowed: 'true,last,false,incremental' and "
                 "'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental'")


@pytest.fixture(scope="module")
def debeziums(registry):
    """Both versions, each with a broker of its own (their topics have the same names), over one database, to its end."""
    directory = LAB / "debeziums"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.Standin(directory / "standin"))
        found = []
        for version in lab_kafka.DEBEZIUM:
            broker = stack.enter_context(lab_kafka.Broker(directory / f"broker-{version}"))
            worker = stack.enter_context(lab_kafka.ConnectWorker(directory / f"connect-{version}", broker, version))
            found.append(sides.Debezium(worker, server, registry))
        play(server, found)
        yield found


def play(server, found, names=scenario.SETTINGS, stop_in=None):
    """Copy, then phase after phase, each side up to a mark before the next. With stop_in all are stopped behind that phase, among transactions that come
    all the while; the next phase is over when they go on."""
    rows = scenario.build(server)
    for side in found:
        side.start(names)
    for side in found:
        side.wait_copied(rows, names)
    steady = None
    for at, phase in enumerate([*scenario.PHASES, lambda _: None], 1):  # the last mark's transaction isn't told to have ended
        phase(server)
        if phase is stop_in:
            steady = scenario.Steady(server)
            for side in found:
                side.stop(names)
            continue
        if steady:
            for side in found:
                side.go_on(names)
            steady.stop()
            steady = None
        scenario.mark(server, at)
        for side in found:
            side.wait_mark(at, names)


@pytest.mark.parametrize("name", scenario.SETTINGS)
def test_both_versions_of_debezium_write_the_same(debeziums, name):
    first, second = debeziums
    assert first.topics_of(name) == second.topics_of(name) and len(first.topics_of(name)) >= len(scenario.TABLES)
    ones = first.read(name)
    assert len(ones) > 80
    assert [d for d in differ.differences(ones, second.read(name)) if not d.endswith(SNAPSHOT_ENUM)] == []


@pytest.mark.parametrize("name", scenario.SETTINGS)
def test_both_versions_keep_the_same_history_and_offsets(debeziums, name):
    histories = [[(r.key, differ.history(r.value), r.headers) for r in topics.read(side.broker, [f"history-{name}"])] for side in debeziums]
    assert [d for d in differ.walk(*histories) if not d.endswith(".position.snapshot: True and 'INITIAL'")] == []
    offsets = [side.worker.offsets(name) for side in debeziums]
    assert offsets[0] == offsets[1] and offsets[0][0]["partition"] == {"server": name, "database": scenario.DATABASE}


def test_avro_of_both_is_the_same_to_the_byte(debeziums):
    """One registry: the same schema has the same id, so the same key the same bytes, and the same partition."""
    keys = [[(r.topic, r.partition, r.record.key) for r in side.read("avro") if r.key is not None] for side in debeziums]
    assert keys[0] == keys[1]
    assert all(key[0] == 0 for _, _, key in keys[0])  # the wire format's first byte
