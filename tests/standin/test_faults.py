"""Faults that tests ask for: what a client sees of them."""

import struct
import time

import pytest

import lab
import rawtds
from rawtds import ATTENTION, BATCH

ROWS = "select top 1000 a from many order by a"


@pytest.fixture(scope="module")
def many(server):
    server.script("create table many (a int not null primary key)")
    server.script("with n(i) as (select 1 union all select i + 1 from n where i < 1000) insert many select i from n "
                  "option (maxrecursion 0)")


def login(port, **options):
    c = rawtds.Client(port)
    assert c.login(password=lab.PASSWORD, **options)[-1] == "DONE 0x0"
    return c


@pytest.fixture
def sa(server):
    with login(server.port) as c:
        yield c
        c.batch("exec standin.end_faults")


@pytest.fixture
def victim(server, sa):
    with login(server.port) as c:
        yield c


def send(client, text):
    client.packet(BATCH, rawtds.headers(client.descriptor) + rawtds.utf16(text))


def ask_all(client, text):
    assert client.batch(text)[-1].startswith("DONE"), text


def rest(client):
    """All bytes to the connection's end: bodies of packets, and how much the last one lacks."""
    data = b""
    while piece := client.socket.recv(65536):
        data += piece
    body, at, lacks = b"", 0, 0
    while at < len(data):
        length = struct.unpack_from(">H", data, at + 2)[0]
        body += data[at + 8:at + length]
        lacks = at + length - len(data)
        at += length
    return body, lacks


def test_a_connection_is_cut_within_a_row(sa, victim, many):
    ask_all(sa, "exec standin.cut @rows = 700")
    assert victim.batch("select top 10 a from many")[-1] == "DONE SELECT count=10"  # doesn't get so far
    send(victim, ROWS)
    body, lacks = rest(victim)
    start = body.index(b"\x01a\x00") + 3
    assert (len(body) - start) // 5 == 700
    assert (len(body) - start) % 5 != 0
    assert lacks > 0


def test_a_connection_is_cut_after_bytes(sa, victim, many):
    ask_all(sa, "exec standin.cut @bytes = 1234")
    send(victim, ROWS)
    assert len(rest(victim)[0]) == 1234


def test_a_cut_strikes_so_often(server, sa, many):
    ask_all(sa, "exec standin.cut @rows = 5, @times = 2")
    for _ in range(2):
        with login(server.port) as c:
            send(c, ROWS)
            assert rest(c)[1] > 0
    with login(server.port) as c:
        assert c.batch(ROWS)[-1] == "DONE SELECT count=1000"


def test_a_half_open_connection_is_silent_until_the_faults_end(sa, victim):
    ask_all(sa, "exec standin.half_open")
    victim.socket.settimeout(0.3)
    send(victim, "select 1 a")
    victim.packet(ATTENTION)
    with pytest.raises(TimeoutError):
        victim.socket.recv(1)
    ask_all(sa, "exec standin.end_faults")
    victim.socket.settimeout(20)
    victim.answer()
    assert victim.answer() == ["DONE ATTENTION attention"]


def test_an_answer_stops_within_a_row_and_nothing_is_closed(sa, victim, many):
    ask_all(sa, "exec standin.half_open @rows = 900")
    victim.socket.settimeout(0.3)
    send(victim, ROWS)
    got = b""
    with pytest.raises(TimeoutError):
        while True:
            got += victim.socket.recv(65536)
    assert len(got) == 4096  # the whole packets there are
    ask_all(sa, "exec standin.end_faults")
    victim.socket.settimeout(20)
    body = got[8:] + victim.message()
    assert body.count(b"\xd1") >= 1000


def test_a_silent_servers_client_may_leave(server, sa, many):
    with login(server.port) as c:
        ask_all(sa, "exec standin.half_open")
        send(c, "select 1")
    ask_all(sa, "exec standin.end_faults")
    lab.wait_for("its end", lambda: sessions(sa) == 1)


def sessions(client):
    client.packet(BATCH, rawtds.headers() + rawtds.utf16("select count(*) from sys.dm_exec_sessions where is_user_process = 1"))
    return int.from_bytes(client.message()[-17:-13], "little")


def test_a_delay_is_before_each_request_and_an_attention_ends_it(sa, victim):
    ask_all(sa, "exec standin.delay 150")
    start = time.monotonic()
    victim.batch("select 1")
    assert time.monotonic() - start >= 0.15
    ask_all(sa, "exec standin.delay 3600000")
    send(victim, "select 1")
    victim.packet(ATTENTION)
    victim.answer()
    assert victim.answer() == ["DONE ATTENTION attention"]
    ask_all(sa, "exec standin.delay 0")
    assert victim.batch("select 1 a")[0] == "COLMETADATA a"


def test_a_fatal_error_closes_the_connection(sa, victim):
    ask_all(sa, "exec standin.fail @number = 596, @severity = 21, @message = N'The session is in the kill state.'")
    assert victim.batch("select 1")[0] == "ERROR 596 21 1"
    assert victim.is_closed()


def test_a_failure_is_of_statements_like_that(sa, victim):
    ask_all(sa, "exec standin.fail 1222, @state = 45, @statement_like = '%from many%'")
    assert victim.batch("select 1 a")[0] == "COLMETADATA a"
    assert victim.batch("select 1 a select a from many select 2 b")[:5] == [
        "COLMETADATA a", "ROW", "DONE SELECT more count=1", "ERROR 1222 16 45", "DONE 0x0 more error"]
    ask_all(sa, "exec standin.fail 5000, @statement_like = 'sp_%', @times = 1")
    assert victim.rpc(rawtds.call("sp_executesql", rawtds.text_param("", "select 1")))[0] == "ERROR 5000 16 1"


def test_a_failover_drops_all_and_passes(server, many):
    database = "judged"
    one, two = login(server.port, database=database), login(server.port)
    one.batch("create table kept (a int) begin tran insert kept values (1)")
    assert two.batch("exec standin.failover @unavailable_ms = 3600000, @read_only_ms = 3600000")[-1].startswith("DONEPROC")
    assert one.is_closed() and two.is_closed()
    with rawtds.Client(server.port) as c:
        assert c.login(password=lab.PASSWORD, database=database) == ["ERROR 983 14 1", "ERROR 18456 14 1", "DONE 0x0 error"]
        assert c.is_closed()
    with login(server.port) as c:
        assert c.batch(f"use {database}")[0] == "ERROR 983 14 1"
        c.batch("exec standin.failover @read_only_ms = 3600000")
    with login(server.port, database=database) as c:
        assert c.batch("select a from kept")[-1] == "DONE SELECT count=0"  # rolled back
        assert c.batch("insert kept values (1)")[0] == "ERROR 3906 16 2"
        ask_all(c, "exec standin.end_faults")
        assert c.batch("insert kept values (1) drop table kept")[0] == "DONE INSERT more count=1"
