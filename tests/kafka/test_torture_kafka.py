"""A short form of torture_kafka.py: faults of every kind over both halves, then every row compared."""

import os
import time

import pytest

import lab
from conftest import LAB
from torture_kafka import KafkaTorture

SEED = int(os.environ.get("MILLRACE_SEED", "0")) or int(time.time())
SECONDS = int(os.environ.get("MILLRACE_TORTURE_SECONDS", "20"))


@pytest.fixture
def target():
    with lab.Postgres(LAB / "torture-pg", settings={"fsync": "off", "max_connections": 60}) as p:
        yield p


def test_faults_at_random_lose_and_double_nothing_over_topics(broker, registry, target):
    print(f"seed {SEED}: MILLRACE_SEED={SEED} replays the faults")
    directory = lab.fresh_dir(LAB / "torture")
    with lab.Standin(directory / "standin") as standin:
        t = KafkaTorture(directory, standin, target, broker, registry, SEED)
        try:
            t.torture(faults=1000, seconds=SECONDS, say=print)
            print(*t.report(), sep="\n")
        finally:
            t.close()
