"""The judges of the stand-in: other people's clients against it. tests/standin runs alone by `make test-standin`."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "standin" / "drivers")]
os.environ.setdefault("ODBCSYSINI", str(ROOT / "build" / "clients"))

import clients  # noqa: E402
import lab  # noqa: E402
from judged import DATABASE, LAB, connected  # noqa: E402


@pytest.fixture(scope="module")
def server(request):
    """A stand-in of its own for each file of tests."""
    certificate = LAB / f"{request.module.__name__}.pem"
    LAB.mkdir(parents=True, exist_ok=True)
    with lab.Standin(LAB / request.module.__name__, arguments=["--tls-cert-out", certificate]) as s:
        s.certificate = certificate
        s.script(f"create database {DATABASE}")
        yield s


@pytest.fixture(scope="module")
def open_clients(server):
    """client(kind): one of each kind for the file's tests."""
    opened = {}

    def client(kind):
        if kind not in opened:
            opened[kind] = connected(kind, server, LAB)
        return opened[kind]

    yield client
    for c in opened.values():
        if isinstance(c, clients.Program):
            c.end()
        else:
            c.do("close")


@pytest.fixture(params=clients.ALL, ids=lambda kind: kind.name)
def client(request, open_clients):
    """Each of the six clients in turn."""
    return open_clients(request.param)
