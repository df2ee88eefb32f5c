"""The recorder (scripts/tds_record.py) understands both directions and lets them through unchanged."""

import contextlib
import decimal
import io
import json
import struct

import pytds
import pytest

import lab
import tds_record
import tdswire


class Recorded:
    def __init__(self, proxy, out):
        self.proxy, self.out = proxy, out

    def requests(self):
        """What has been recorded so far."""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def connect(self, **options):
        return pytds.connect(dsn="127.0.0.1", port=self.proxy.port, user="sa", password=lab.PASSWORD, login_timeout=10,
                             **{"autocommit": True, **options})


@pytest.fixture
def recorded(server):
    out = io.StringIO()
    with tds_record.Proxy(("127.0.0.1", server.port), out=out, as_json=True) as proxy:
        yield Recorded(proxy, out)


def of_kind(requests, kind):
    return [r for r in requests if r["kind"] == kind]


def test_a_login_is_told_without_its_password(recorded):
    recorded.connect().close()
    first, login, *_ = recorded.requests()
    assert first["kind"] == "prelogin" and "encryption=02" in first["answer"]["options"]
    assert login["kind"] == "login" and login["user"] == "sa" and login["answer"]["login_ack"]
    assert "collation" in login["answer"]["env"]
    assert lab.PASSWORD not in recorded.out.getvalue()


def test_batches_and_calls_are_told_with_their_outcome(recorded):
    with contextlib.closing(recorded.connect()) as c, c.cursor() as q:
        q.execute("create table #t (a int not null, d decimal(10,2)); insert #t values (1, 2.50), (2, null)")
        q.execute("select a, d from #t where a < %s or d > %s", (5, decimal.Decimal("-1.5")))
        assert len(q.fetchall()) == 2
        with pytest.raises(pytds.Error):
            q.execute("select * from no_such_table")
    batches, calls = of_kind(recorded.requests(), "batch"), of_kind(recorded.requests(), "rpc")
    assert [d.get("count") for d in batches[0]["answer"]["done"]][-1] == 2
    error = batches[-1]["answer"]["messages"][0]
    assert (error["number"], error["class"], error["state"], error["line"]) == (208, 16, 1, 1)
    call = calls[0]["calls"][0]
    assert call["procedure"] == "sp_executesql"
    assert [p["value"] for p in call["parameters"][2:]] == ["5", "-1.5"]
    result = calls[0]["answer"]["results"][0]
    assert result["rows"] == 2 and [c["name"] for c in result["columns"]] == ["a", "d"]
    assert result["columns"][1]["type"] == "decimal(10,2)" and calls[0]["answer"]["return_status"] == 0


def test_transactions_bulk_data_and_attentions_are_told(recorded):
    with contextlib.closing(recorded.connect(autocommit=False)) as c:
        with c.cursor() as q:
            q.execute("create table dbo.loaded (a int)")
            c.commit()
            q.copy_to(data=[(i,) for i in range(10)], table_or_view="loaded", columns=[pytds.Column("a", pytds.tds_types.IntType())])
            q.execute("select 1")  # left unread: the client sends an attention
        c.rollback()
    requests = recorded.requests()
    assert [r["request"] for r in of_kind(requests, "transaction")][:2] == ["begin", "commit"]
    assert of_kind(requests, "bulk data")[0]["rows"] == 10
    for attention in of_kind(requests, "attention"):
        assert attention["answer"]["done"][-1]["status"] & 0x20
    assert all("bad" not in r["answer"] for r in requests if r["answer"])


def test_equal_statements_are_one_line_of_the_summary(recorded):
    with contextlib.closing(recorded.connect()) as c, c.cursor() as q:
        for i in range(3):
            q.execute(f"select  {i}, N'x{i}'")
            q.fetchall()
    out = io.StringIO()
    recorded.proxy.record.summary(out)
    assert "3 × batch: select 0, N'…'" in out.getvalue()


def test_every_kind_of_request_has_a_text(server):
    out = io.StringIO()
    with tds_record.Proxy(("127.0.0.1", server.port), out=out) as proxy:
        with contextlib.closing(Recorded(proxy, out).connect(autocommit=False)) as c, c.cursor() as q:
            q.execute("create table #b (a int)")
            q.copy_to(data=[(1,)], table_or_view="#b", columns=[pytds.Column("a", pytds.tds_types.IntType())])
            q.execute("select %s", (1,))
            c.rollback()
    text = out.getvalue()
    assert "login tds_version" in text and "transaction" in text and "rpc sp_executesql (10)" in text
    assert "bulk data 1 rows of a int" in text


def test_bytes_that_are_not_tds_end_the_connection_alone(recorded, capsys):
    import socket
    with socket.create_connection(("127.0.0.1", recorded.proxy.port), 5) as s:
        s.sendall(b"\x16\x03\x01" + bytes(60))
        assert s.recv(100) == b""
    recorded.connect().close()


@pytest.mark.parametrize("type_info, raw, text", [
    (b"\x3c", struct.pack("<iI", 0x7FFFFFFF, 0xFFFFFFFF), "922337203685477.5807"),
    (b"\x6a\x11\x26\x02", b"\x05\x00\x39\x30\x00\x00", "-123.45"),
    (b"\x3d", struct.pack("<iI", -53690, 299), "1753-01-01 00:00:00.997"),
    (b"\x2b\x07", b"\x0a" + (10 ** 7).to_bytes(5, "little") + bytes(3) + struct.pack("<h", -60), "0001-01-01 00:00:01.0000000Z -60 min"),
    (b"\x24\x10", bytes.fromhex("10ff19966f868b11d0b42d00c04fc964ff"), "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
    (b"\xe7\xff\xff" + bytes(5), struct.pack("<QI", 0xFFFFFFFFFFFFFFFE, 4) + "Жa".encode("utf-16-le") + bytes(4), "N'Жa'"),
    (b"\x62\x49\x1f\x00\x00", bytes(4), "NULL"),
])
def test_values_are_shown(type_info, raw, text):
    r = tdswire.Reader(type_info + raw)
    t = tdswire.Type(r, is_parameter=True)
    assert t.show(t.take(r)) == text and r.left() == 0
