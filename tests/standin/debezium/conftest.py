"""Fixtures of the Debezium judges: its events, replayed in order, must build exactly the base tables, whatever is done to it."""

import itertools

import pytest

import engines
import lab
import shop as shops

LAB = lab.tests_dir("standin") / "debezium"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=engines.VERSIONS)
def host(request):
    """One JVM for all scenarios of a file and a version."""
    with engines.Host(request.param, lab.fresh_dir(LAB / request.module.__name__ / request.param)) as h:
        yield h


@pytest.fixture
def name():
    """Of a test's engine and database; unique in the JVM and on the server."""
    return f"t{next(numbers)}"


@pytest.fixture
def shop(server, name):
    return shops.Shop(server, name)
