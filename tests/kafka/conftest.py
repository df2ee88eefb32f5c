"""Fixtures of the tests of topics: the JVM stack (scripts/kafka), the stand-in, PostgreSQL, and millrace."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import lab  # noqa: E402
import lab_kafka  # noqa: E402

LAB = lab.tests_dir("kafka-tests")


@pytest.fixture(scope="session")
def broker():
    with lab_kafka.Broker(LAB / "broker") as b:
        yield b


@pytest.fixture(scope="session")
def registry():
    with lab_kafka.Registry(LAB / "registry") as r:
        yield r


@pytest.fixture(scope="session")
def cluster():
    """One PostgreSQL; each test has a database of its own."""
    with lab.Postgres(LAB / "sink-pg", database="first", settings={"fsync": "off", "max_connections": 60}) as p:
        yield p


@pytest.fixture(scope="module", params=lab_kafka.DEBEZIUM)
def worker(request, broker, registry):
    """A Connect worker of each version of Debezium."""
    group = f"connect-{request.module.__name__}-{request.param}"
    with lab_kafka.ConnectWorker(LAB / group, broker, request.param, group, {"offset.flush.interval.ms": 100}) as w:
        yield w
