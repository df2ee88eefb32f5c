"""Encryption between the stand-in and FreeTDS: what the client asks, what the server requires, and what neither lets through."""

import contextlib
import glob

import pyodbc
import pytest
import pytds

import lab

FREETDS = next(iter(glob.glob("/usr/lib/*/odbc/libtdsodbc.so")), None)
WIDE = "x" * 300_000


def ask(standin, encryption):
    """A value of many packets there and back."""
    c = pyodbc.connect(f"Driver={FREETDS};Server=127.0.0.1;Port={standin.port};UID=sa;PWD={lab.PASSWORD};"
                       f"TDS_Version=7.4;Encryption={encryption}", timeout=10)
    with contextlib.closing(c):
        return c.execute("select cast(? as varchar(max))", WIDE).fetchone()[0]


@pytest.fixture(scope="module", params=["optional", "required", "off"])
def server(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    arguments = ["--encryption", request.param]
    if request.param != "off":
        arguments += ["--tls-cert-out", directory / "certificate.pem"]
    with lab.Standin(directory / "standin", arguments=arguments) as s:
        s.mode = request.param
        s.certificate = directory / "certificate.pem"
        yield s


@pytest.mark.parametrize("encryption", ["off", "request", "require"])
def test_each_side_gets_the_encryption_it_insists_on(server, encryption):
    if (server.mode, encryption) in [("off", "require"), ("required", "off")]:
        with pytest.raises(pyodbc.Error):
            ask(server, encryption)
    else:
        assert ask(server, encryption) == WIDE


def test_a_client_without_tls_is_turned_away_only_where_it_is_required(server):
    if server.mode == "required":
        with pytest.raises(pytds.Error):
            server.connect()
    else:
        server.connect().close()


def test_the_certificate_can_be_had(server):
    if server.mode != "off":
        assert server.certificate.read_text().startswith("-----BEGIN CERTIFICATE-----")
