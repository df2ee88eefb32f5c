"""The probes of tests/conform: the stand-in answers as SQL Server is said to. `make conform DSN=…` asks another server."""

import glob
import pathlib
import sys

import pytest

import lab

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "conform"))

import run  # noqa: E402

FREETDS = next(iter(glob.glob("/usr/lib/*/odbc/libtdsodbc.so")), None)


@pytest.fixture(scope="module")
def dsn():
    with lab.Standin(lab.tests_dir("standin") / "conform", capture_ms=20) as s:
        yield (f"Driver={FREETDS};Server=127.0.0.1;Port={s.port};UID=sa;PWD={lab.PASSWORD};TDS_Version=7.4;"
               "ClientCharset=UTF-8")


@pytest.mark.skipif(not FREETDS, reason="FreeTDS's ODBC driver isn't installed")
@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "conform").glob("*.txt")), ids=lambda p: p.stem)
def test_the_stand_in_answers_as_sql_server(dsn, path):
    with run.File(dsn, path) as f:
        failures = list(f.failures())
    assert not failures, "\n".join(failures)
