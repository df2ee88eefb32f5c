"""The protocol itself, byte by byte: what a raw client sends, and the tokens that [MS-TDS] says come back."""

import struct
import threading

import pytest

import lab
import rawtds
from rawtds import ATTENTION, BATCH, BULK, END, IGNORE, LOGIN, PRELOGIN, RESET, RESET_KEEP, call, int_param, text_param

LOGGED_IN = ["ENV database master", "INFO 5701 0 2", "ENV collation", "ENV language us_english", "INFO 5703 0 1", "LOGINACK"]
ONE = ["COLMETADATA a", "ROW"]
ATTENTION_DONE = "DONE ATTENTION attention"


def login(port, **options):
    c = rawtds.Client(port)
    return c, c.login(password=lab.PASSWORD, **options)


@pytest.fixture
def client(server):
    c, _ = login(server.port)
    with c:
        yield c


# --- login

def test_a_login_is_answered_in_the_servers_order(server):
    c, answer = login(server.port, packet_size=8000, features=b"\x0a\1\0\0\0\1" + b"\x09\1\0\0\0\2" + b"\1\0\0\0\0")
    assert answer == [*LOGGED_IN, "ENV packet size 8000", "FEATUREEXTACK UTF8_SUPPORT", "DONE 0x0"]
    c.close()


@pytest.mark.parametrize("asked, given", [(0, 4096), (100, 512), (512, 512), (32767, 32767), (65535, 32767)])
def test_the_packet_size_is_what_was_asked_within_bounds(server, asked, given):
    c, answer = login(server.port, packet_size=asked)
    assert f"ENV packet size {given}" in answer
    c.packet(BATCH, rawtds.headers() + rawtds.utf16("select replicate('x', 8000) a, replicate('y', 8000) b"))
    _, _, length, _, _, _ = struct.unpack(">BBHHBB", head := c.take(8))
    assert length == given if given < 16000 else length > 16000
    c.take(length - 8)
    c.close()
    assert head[0] == 4


@pytest.mark.parametrize("options, errors", [
    ({"password": "wrong"}, ["ERROR 18456 14 1"]),
    ({"user": "nobody"}, ["ERROR 18456 14 1"]),
    ({"user": ""}, ["ERROR 18456 14 1"]),
    ({"database": "nowhere"}, ["ERROR 4060 11 1", "ERROR 18456 14 1"]),
    ({"flags": (0xE0, 0x83, 0, 0)}, ["ERROR 18452 14 1"]),  # integrated security
    ({"features": b"\2\1\0\0\0\2"}, ["ERROR 18456 14 1"]),  # federated authentication
    ({"flags": (0xE0, 0x03, 0, 1)}, ["ERROR 18456 14 1"]),  # a new password
    ({"version": 0x72090002}, ["ERROR 18456 14 1"]),
])
def test_a_login_that_is_refused_says_why_and_ends(server, options, errors):
    with rawtds.Client(server.port) as c:
        assert c.login(**{"password": lab.PASSWORD, **options}) == [*errors, "DONE 0x0 error"]
        assert c.is_closed()


def test_a_database_that_is_only_wished_for_is_replaced(server):
    c, answer = login(server.port, database="nowhere", flags=(0xA0, 3, 0, 0))
    assert answer[:2] == ["ERROR 4063 11 1", "ENV database master"]
    assert c.batch("select 1 a")[:2] == ONE
    c.close()


@pytest.mark.parametrize("spoil", [
    lambda b: b[:90],                              # cut short
    lambda b: b[:36] + b"\xff\xff\1\0" + b[40:],   # a field outside
    lambda b: b[:42] + b"\xff\x7f" + b[44:],       # of a length outside
    lambda b: b"\xff\xff\xff\x7f" + b[4:],         # a length that isn't the message's
    lambda b: b[:27] + b"\x10" + b[28:56] + b"\xff\xff\4\0" + b[60:],  # features outside
])
def test_a_login_that_is_malformed_closes_the_connection(server, spoil):
    with rawtds.Client(server.port) as c:
        c.prelogin()
        c.packet(LOGIN, spoil(rawtds.login7(password=lab.PASSWORD)))
        assert c.is_closed()


@pytest.mark.parametrize("kind, body", [
    (PRELOGIN, b"\0\0\6"), (PRELOGIN, b"\1\0\6\xff\xff\xff"), (BATCH, b"select 1"), (0x08, b""), (0x11, b""), (0x53, b"")])
def test_what_is_no_prelogin_closes_the_connection(server, kind, body):
    with rawtds.Client(server.port) as c:
        c.packet(kind, body)
        assert c.is_closed()


def test_three_hundred_clients_are_connected_at_once(server):
    clients = [login(server.port)[0] for _ in range(300)]
    answers = [None] * len(clients)

    def ask(i):
        answers[i] = clients[i].batch(f"create table #t (a int) insert #t values ({i}) select a from #t")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(clients))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for c in clients:
        c.close()
    assert all(a == ["DONE 0xc6 more", "DONE INSERT more count=1", *ONE, "DONE SELECT count=1"] for a in answers)


# --- transactions

def test_transaction_manager_requests_nest_and_name_savepoints(client):
    assert client.transaction(b"\5\0\0\0") == ["ENV begin", "DONE BEGIN"]
    assert client.transaction(b"\5\0\0\0") == ["DONE BEGIN"]
    assert client.transaction(b"\x09\0\4s\0p\0") == ["DONE 0x0"]
    assert client.transaction(b"\x08\0\4s\0p\0\0") == ["DONE ROLLBACK"]
    assert client.transaction(b"\7\0\0\0") == ["DONE COMMIT"]
    assert client.transaction(b"\7\0\0\1\0\0") == ["ENV commit", "ENV begin", "DONE COMMIT"]
    assert client.transaction(b"\x08\0\0\1\0\0") == ["ENV rollback", "ENV begin", "DONE ROLLBACK"]
    assert client.transaction(b"\x08\0\0\0") == ["ENV rollback", "DONE ROLLBACK"]
    assert client.transaction(b"\x08\0\0\0") == ["ERROR 3903 16 1", "DONE ROLLBACK error"]
    assert client.transaction(b"\7\0\0\0") == ["ERROR 3902 16 1", "DONE COMMIT error"]


def test_batches_tell_of_their_transactions(client):
    assert client.batch("begin tran") == ["ENV begin", "DONE BEGIN"]
    assert client.batch("select 1 a", descriptor=client.descriptor + 1) == ["ERROR 3989 16 1", "DONE 0x0 error"]
    assert client.batch("save tran s rollback tran s") == ["DONE 0x0 more", "DONE ROLLBACK"]
    assert client.batch("commit") == ["ENV commit", "DONE COMMIT"]
    assert client.batch("set implicit_transactions on select 1 a rollback")[-1].startswith("DONE ROLLBACK")


def test_distributed_transactions_are_refused(client):
    assert client.transaction(b"\0\0\0\0") == ["ERROR 8501 16 3", "DONE 0x0 error"]


def test_the_reset_bits_restore_what_the_login_gave(client):
    client.batch("create table #t (a int) use tempdb set lock_timeout 7 set transaction isolation level serializable begin tran")
    asks = "select @@trancount a, @@lock_timeout b, db_name() c, object_id('tempdb..#t') d"
    columns = "COLMETADATA a b c d"
    assert client.batch(asks, RESET_KEEP | END) == ["ENV reset", columns, "ROW", "DONE SELECT count=1"]
    assert client.batch(asks, RESET | END) == ["ENV rollback", "ENV reset", columns, "ROW", "DONE SELECT count=1"]
    assert client.batch("select a from #t")[0] == "ERROR 208 16 1"


# --- procedure calls

def executesql(text):
    return call(10, text_param("", text))


def test_several_calls_stand_in_a_message(client):
    one = ["COLMETADATA a", "ROW", "DONEINPROC SELECT more count=1", "RETURNSTATUS 0"]
    for separator in (b"\xff", b"\x80"):
        answer = client.rpc(executesql("select 1 a"), executesql("select 2 a"), separator=separator)
        assert answer == [*one, "DONEPROC EXEC more inbatch", *one, "DONEPROC EXEC"]


def test_a_call_gives_its_output_values_behind_its_status(client):
    answer = client.rpc(call(10, text_param("", "set @x = @y + 1"), text_param("", "@x int output, @y int"),
                             int_param("@x", None, 1), int_param("@y", 4)))
    assert answer[-3:] == ["RETURNSTATUS 0", "RETURNVALUE @x=5", "DONEPROC EXEC"]


def test_prepared_statements_are_called_by_their_handles(client):
    answer = client.rpc(call(13, int_param("", None, 1), text_param("", "@y int"), text_param("", "select @y a"), int_param("", 4)))
    assert answer == [*ONE, "DONEINPROC SELECT more count=1", "RETURNSTATUS 0", "RETURNVALUE =1", "DONEPROC EXEC"]
    assert client.rpc(call("sp_execute", int_param("", 1), int_param("", 5)))[:2] == ONE
    assert client.rpc(call("[sys].[sp_unprepare]", int_param("", 1))) == ["RETURNSTATUS 0", "DONEPROC EXEC"]
    assert client.rpc(call(12, int_param("", 1), int_param("", 5)))[0] == "ERROR 8179 16 2"


@pytest.mark.parametrize("calls, error", [
    ([call("nowhere")], "ERROR 2812 16 62"),
    ([call(99)], "ERROR 8004 16 1"),
    ([call("")], "ERROR 8004 16 1"),
    ([executesql("select 1") + b"\0\0\xf3\0\0\0\0"], "ERROR 8009 16 1"),       # a table-valued parameter
    ([executesql("select 1") + b"\0\0\x6d\4\4\0\0\xc0\x7f"], "ERROR 8023 16 1"),  # not a number
    ([executesql("select 1") + b"\0\x40\x26\4\0"], "ERROR 8006 16 1"),
    ([call(10, *[int_param("", i) for i in range(2101)])], "ERROR 8003 16 1"),
])
def test_a_call_that_is_wrong_is_refused_and_the_session_goes_on(client, calls, error):
    answer = client.rpc(*calls)
    assert answer[0] == error
    assert answer[-1] == "DONEPROC EXEC error"
    assert client.batch("select 1 a")[:2] == ONE


def test_a_procedure_that_a_batch_calls_ends_in_doneproc(client):
    assert client.batch("exec sp_executesql N'select 1 a' select 2 a") == [
        *ONE, "DONEINPROC SELECT more count=1", "RETURNSTATUS 0", "DONEPROC EXEC more", *ONE, "DONE SELECT count=1"]


# --- attention

def test_an_attention_is_answered_when_nothing_runs(client):
    client.packet(ATTENTION)
    assert client.answer() == [ATTENTION_DONE]


def broken_off(client):
    """The rest of the answer, then the acknowledgement, which is a message of its own."""
    answer = client.answer()
    return ATTENTION_DONE not in answer and client.answer() == [ATTENTION_DONE]


@pytest.mark.parametrize("text", [
    "waitfor delay '00:10:00'",
    "declare @i bigint set @i = 0 while 1 = 1 set @i = @i + 1",
    "select count_big(*) a from sys.types a, sys.types b, sys.types c, sys.types d, sys.types e, sys.types f, sys.types g",
    "select a.name, b.name from sys.types a, sys.types b, sys.types c, sys.types d, sys.types e, sys.types f, sys.types g",
])
def test_an_attention_ends_what_runs(client, text):
    client.packet(BATCH, rawtds.headers() + rawtds.utf16(text))
    client.packet(ATTENTION)
    assert broken_off(client)
    assert client.batch("select 1 a") == [*ONE, "DONE SELECT count=1"]


def test_an_attention_ends_a_wait_for_a_lock_and_keeps_the_transaction(server, client):
    other, _ = login(server.port)
    other.batch("create table held (a int)")
    other.batch("begin tran insert held values (1) select a from held with (tablockx)")
    client.batch("begin tran")
    client.packet(BATCH, rawtds.headers(client.descriptor) + rawtds.utf16("select a from held with (holdlock)"))
    client.packet(ATTENTION)
    assert broken_off(client)
    assert client.batch("if @@trancount = 1 select 1 a")[:2] == ONE
    other.batch("rollback drop table held")
    other.close()




def test_a_request_given_up_while_it_was_sent_gets_a_failed_done(client):
    client.packet(BATCH, rawtds.headers() + rawtds.utf16("create table given_up (a int)"), 0)
    client.packet(BATCH, b"", END | IGNORE)
    assert client.answer() == ["DONE 0x0 error"]
    assert client.batch("select a from given_up")[0] == "ERROR 208 16 1"


# --- bulk load

COLUMN_A = b"\x81\1\0" + b"\0\0\0\0\x09\0\x26\4" + b"\1a\0"
LOAD_DONE = b"\xfd" + bytes(12)


@pytest.fixture
def loading(client):
    client.batch("create table loaded (a int)")
    assert client.batch("insert bulk loaded ([a] int)")[-1].startswith("DONE")
    yield client
    client.batch("drop table loaded")


def row(value):
    return b"\xd1\4" + struct.pack("<i", value)


def count(client):
    client.packet(BATCH, rawtds.headers() + rawtds.utf16("select count(*) from loaded"))
    return int.from_bytes(client.message()[-17:-13], "little")


def test_a_load_comes_in_packets_cut_anywhere(loading):
    data = COLUMN_A + b"".join(row(i) for i in range(100)) + LOAD_DONE
    for at in range(0, len(data), 7):
        loading.packet(BULK, data[at:at + 7], END if at + 7 >= len(data) else 0)
    assert loading.answer() == ["DONE BULK count=100"]
    assert count(loading) == 100


@pytest.mark.parametrize("how", ["attention", "ignore", "garbage"])
def test_a_load_that_is_given_up_leaves_nothing(loading, how):
    loading.packet(BULK, COLUMN_A + row(1), 0)
    if how == "attention":
        loading.packet(ATTENTION)
        assert loading.answer() == [ATTENTION_DONE]
    elif how == "ignore":
        loading.packet(BULK, b"", END | IGNORE)
        assert loading.answer() == ["DONE 0x0 error"]
    else:
        loading.packet(BULK, b"\x99\x99", END)
        assert loading.answer()[-1].endswith("error")
    assert count(loading) == 0
