"""The judges of the stand-in: other people's clients against it. tests/standin runs alone by `make test-standin`."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import lab  # noqa: E402

LAB = ROOT / "build" / "standin" / lab.build_dir().name


@pytest.fixture(scope="module")
def server(request):
    """A stand-in of its own for each file of tests."""
    with lab.Standin(LAB / request.module.__name__) as s:
        yield s
