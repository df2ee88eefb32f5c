"""Fixtures of the end-to-end tests: real PostgreSQL, the SQL Server stand-in, and millrace as a user runs it."""

import contextlib
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import lab  # noqa: E402
import workload  # noqa: E402

LAB = lab.tests_dir("e2e")
# The ODBC driver that millrace reads through: its own choice, or, for a second pass, the one named here (scripts/test e2e-microsoft).
DRIVER = os.environ.get("MILLRACE_E2E_DRIVER")
THROUGH_DRIVER = {"database.odbc.driver": DRIVER, "database.encrypt": "true", "database.trustServerCertificate": "true"} if DRIVER else {}
ADDRESS_OPTIONS = "encrypt=true&trustServerCertificate=true" if DRIVER else "encrypt=false"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster():
    """One PostgreSQL cluster for all tests; each test gets a database of its own."""
    with lab.Postgres(LAB / "pg", database="first", settings={"fsync": "off", "max_connections": 60}) as p:
        yield p


class Target:
    """A database of the shared cluster, with Postgres' helpers."""

    def __init__(self, cluster, name):
        self.cluster, self.database, self.port = cluster, name, cluster.port
        cluster_sql(cluster, f'create database "{name}"')

    def connect(self, autocommit=True):
        return self.cluster.connect(self.database, autocommit)

    def rows(self, sql, *params):
        with contextlib.closing(self.connect()) as c, c.cursor() as q:
            q.execute(sql, params or None)
            return q.fetchall() if q.description else []

    def value(self, sql, *params):
        return self.rows(sql, *params)[0][0]

    def uri(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self.database}"


def cluster_sql(cluster, sql):
    with contextlib.closing(cluster.connect("postgres")) as c, c.cursor() as q:
        q.execute(sql)


@pytest.fixture
def target(cluster):
    name = f"warehouse_{os.getpid()}_{next(numbers)}"
    t = Target(cluster, name)
    yield t
    cluster_sql(cluster, f'drop database "{name}" with (force)')


@pytest.fixture
def directory(request):
    return lab.fresh_dir(LAB / request.node.name.replace("[", "-").replace("]", ""))


@pytest.fixture
def source(directory):
    """A stand-in of its own for each test."""
    with lab.Standin(directory / "standin") as s:
        yield s


QUICKSTART = ROOT / "examples" / "quickstart"


@pytest.fixture
def warehouse(source):
    """The quick start's schema, filled and with CDC on; small."""
    source.script((QUICKSTART / "schema.sql").read_text())
    workload.load(source, customers=300, orders=600)
    source.script((QUICKSTART / "enable-cdc.sql").read_text())
    return source


class Runner:
    """Writes connector files and runs millrace commands with them."""

    def __init__(self, directory, source, target):
        self.directory, self.source, self.target = directory, source, target
        self.running = []

    def files(self, source=None, sink=None):
        """The quick start's files with the given properties changed (None removes one)."""
        paths = []
        for name, changes in (("source", {**THROUGH_DRIVER, **(source or {})}), ("sink", sink or {})):
            config = json.loads((QUICKSTART / f"{name}.json").read_text())
            config["config"].update(changes)
            config["config"] = {k: v for k, v in config["config"].items() if v is not None}
            path = self.directory / f"{name}.json"
            whole = path.with_suffix(".new")  # a run that is starting may be reading the one that is there
            whole.write_text(json.dumps(config, indent=2))
            whole.replace(path)
            paths.append(path)
        return paths

    def env(self):
        return {"SOURCE_HOST": "127.0.0.1", "SOURCE_PORT": str(self.source.port), "SOURCE_USER": "sa",
                "SOURCE_PASSWORD": lab.PASSWORD, "MILLRACE_SOURCE_PASSWORD": lab.PASSWORD, "TARGET_URL": self.target.uri()}

    def start(self, *arguments, source=None, sink=None, name=None):
        """`millrace run` in the background."""
        arguments = arguments or self.files(source, sink)
        p = lab.Millrace(self.directory, *arguments, name=name or f"millrace-{len(self.running)}", env=self.env())
        self.running.append(p)
        return p

    def command(self, *arguments, seconds=60, **env):
        """Any command to its end; a CompletedProcess with text."""
        return subprocess.run([lab.build_dir() / "millrace", *map(str, arguments)], capture_output=True, text=True,
                              timeout=seconds, env={**os.environ, **self.env(), **env}, stdin=subprocess.DEVNULL)

    def drained(self, process, seconds=60):
        """Wait until the target holds everything the source had committed when this was called."""
        marker = self.mark()

        def check():
            assert process.is_running(), f"millrace ended:\n{process.log()}"
            return self.target.rows("select 1 from dbo.customers where email = %s", marker)

        lab.wait_for("the target to catch up", check, seconds)

    def mark(self):
        """A last committed change to wait for: changes are carried in order."""
        return workload.mark(self.source)

    def stop(self):
        for p in self.running:
            if p.is_running():
                p.stop(signal.SIGKILL)


@pytest.fixture
def runner(directory, source, target):
    r = Runner(directory, source, target)
    yield r
    r.stop()
