"""The sink, its registry and its schemas: a registry that refuses, hangs or fails, and schemas that PostgreSQL can't take."""

import contextlib
import http.server
import json
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

import lab
import lab_kafka
import topics
from test_avro_sink import avro_key, avro_row, foreign, settings
from test_bad_sink import calm, lines
from test_sink import commit, key, row, sink, with_schema  # noqa: F401 (fixtures)


class Front:
    """A registry's address that is ours: it may wait or refuse before it asks the real one, and counts what it is asked."""

    def __init__(self, registry):
        self.registry, self.asked, self.wait_s, self.status, self.open_ones = registry, [], 0.0, None, []
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                front.open_ones.append(self.connection)

            def do_GET(self):
                front.asked.append(self.path)
                time.sleep(front.wait_s)
                status, body = (front.status, b"{}") if front.status else front.ask(self.path)
                with contextlib.suppress(OSError):  # who asked has gone
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.handler, self.server, self.port = Handler, None, lab.free_port()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path):
        try:
            with urllib.request.urlopen(self.registry.url + path, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def open(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """Connections are refused from now on."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            for connection in self.open_ones:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server = None


@pytest.fixture
def front(registry):
    f = Front(registry)
    yield f
    f.close()


def through(front, **more):
    return {**{k: front.url if k.endswith("url") else v for k, v in settings(front.registry).items()}, **more}


def records(registry, topic, numbers, name="x"):
    return [(avro_key(registry, topic, i), avro_row(registry, topic, i, name)) for i in numbers]


def test_a_registry_that_refuses_at_the_start_and_later_is_waited_for(sink, registry, front):  # noqa: F811
    dead = f"{sink.topic}-dlq"
    sink.put(records(registry, sink.topic, range(10)))
    p = sink.start(**through(front, errors__tolerance="all", errors__deadletterqueue__topic__name=dead,
                             errors__retry__delay__max__ms="1000", max__retries="-1"))
    lab.wait_for("the trouble told", lambda: lines(p, "sink_waits"), 30)
    line = lines(p, "sink_waits")[0]
    for word in ("schema registry", f"127.0.0.1:{front.port}", f"{sink.topic}-0 at offset 0"):
        assert word in line, line
    assert sink.rows("select 1 from TABLE") == []
    front.open()
    sink.await_rows([(i, "x") for i in range(10)], process=p)
    asked = len(front.asked)
    assert asked <= 4, front.asked  # a key's and a value's schema
    front.close()
    told = len(lines(p, "sink_waits"))
    sink.put(records(registry, sink.topic, range(10, 20)))  # known schemas: nobody has to be asked
    sink.await_rows([(i, "x") for i in range(20)], process=p)
    wider = avro_row(registry, sink.topic, 20, "x", ("note", ["null", "string"]), note="n")
    sink.put([(avro_key(registry, sink.topic, 20), wider)])
    lab.wait_for("the trouble told", lambda: len(lines(p, "sink_waits")) > told, 30)
    front.open()
    sink.await_rows([(i, "x", None) for i in range(20)] + [(20, "x", "n")], "select id, name, note from TABLE order by id", process=p)
    assert len(front.asked) <= asked + 2
    assert p.stop(signal.SIGTERM) == 0
    assert dead not in sink.broker.topics() or topics.read(sink.broker, [dead]) == []
    calm(p)


def test_a_registry_that_is_slow_or_in_trouble_is_asked_within_bounds(sink, registry, front):  # noqa: F811
    """Half a second an answer: it comes. Then longer than it may take, then 503s: it is told, and tried again."""
    front.open()
    front.wait_s = 0.5
    sink.put(records(registry, sink.topic, range(200)))
    p = sink.start(**through(front, key__converter__http__read__timeout__ms="1500", value__converter__http__read__timeout__ms="1500",
                             errors__retry__delay__max__ms="1000", max__retries="-1"))
    sink.await_rows([(i, "x") for i in range(200)], process=p)
    assert len(front.asked) <= 4 and not lines(p, "sink_waits"), front.asked
    for wait_s, status, words in ((4.0, None, ("schema registry",)), (0.0, 503, ("schema registry", "503"))):
        number = 1000 + (status or 0)
        front.wait_s, front.status = wait_s, status
        told, asked = len(lines(p, "sink_waits")), len(front.asked)
        sink.put([(avro_key(registry, sink.topic, number),
                   avro_row(registry, sink.topic, number, "y", (f"c{number}", ["null", "string"]), **{f"c{number}": "n"}))])
        lab.wait_for("the trouble told", lambda: len(lines(p, "sink_waits")) > told + 1, 30)
        for word in (*words, f"{sink.topic}-0 at offset"):
            assert word in lines(p, "sink_waits")[-1]
        assert len(front.asked) - asked <= 20, len(front.asked) - asked
        front.wait_s, front.status = 0.0, None
        lab.wait_for("the row", lambda: p.is_running() and sink.rows(f"select c{number} from TABLE where id = {number}") == [("n",)], 30)
    assert p.stop(signal.SIGTERM) == 0
    calm(p)


def test_without_tolerance_bytes_that_are_no_avro_or_of_no_schema_stop_with_their_place(sink, registry):  # noqa: F811
    good = records(registry, sink.topic, range(4))
    sink.put([good[0], (good[1][0], b"\1" + good[1][1][1:]), (good[2][0], b"\0\0\x0f\0\0" + good[2][1][5:]), good[3]])
    p = sink.start(**settings(registry))
    assert p.wait(30) != 0
    [line] = lines(p, "task_failed")
    for word in (f"{sink.topic}-0 at offset 1", "VALUE_CONVERTER", "magic byte 0x01", "errors.tolerance"):
        assert word in line, line
    assert sink.offsets().get(0, 0) <= 1
    commit(sink, 2)  # the operator passes over it
    p = sink.start(**settings(registry))
    assert p.wait(30) != 0
    [line] = lines(p, "task_failed")
    for word in (f"{sink.topic}-0 at offset 2", "VALUE_CONVERTER", "has no schema 983040"):
        assert word in line, line
    p = sink.start(**settings(registry), errors__tolerance="all")
    sink.await_rows([(3, "x")], process=p)
    assert sorted(offset_of(line) for line in lines(p, "record_failed")) == [2]
    assert sink.offsets() == {0: 4}


def offset_of(line):
    return int(line.split(" offset=")[1].split()[0])


# ---- schemas that PostgreSQL can't take ----

def struct(*fields):
    return {"type": "struct", "optional": False, "name": "row", "fields": [{"field": "id", "type": "int32", "optional": False}, *fields]}


def text(name):
    return {"field": name, "type": "string", "optional": True}


LONG = "n" * 70
UNTAKABLE = {
    "too many columns": (struct(*(text(f"c{i}") for i in range(1700))), {"id": 1}, ("1024", "field.exclude.list")),
    "a map": (struct({"field": "m", "type": "map", "optional": True, "keys": {"type": "string"}, "values": {"type": "int32"}}),
              {"id": 1, "m": {"a": 1}}, ("m", "map")),
    "a nested record": (struct({"type": "struct", "field": "inner", "optional": True, "fields": [text("a")]}),
                        {"id": 1, "inner": {"a": "b"}}, ("inner", "struct")),
    "an array": (struct({"field": "a", "type": "array", "optional": True, "items": {"type": "int32"}}), {"id": 1, "a": [1]}, ("a", "array")),
    "an empty name": (struct(text("")), {"id": 1, "": "x"}, ("field 2", "ReplaceField")),
    "a name with a NUL": (struct(text("a\0b")), {"id": 1, "a\0b": "x"}, ("U+0000", "ReplaceField")),
}


@pytest.mark.parametrize("what", UNTAKABLE)
@pytest.mark.parametrize("tolerant", (False, True))
def test_a_schema_that_no_table_can_have_is_named_and_the_rest_goes_on(sink, what, tolerant):  # noqa: F811
    schema, payload, words = UNTAKABLE[what]
    bad = with_schema(schema, payload)
    sink.put([(key(0), row(0, "a")), (key(1), bad), (key(2), row(2, "b"))])
    dead = f"{sink.topic}-dlq"
    more = dict(errors__tolerance="all", errors__deadletterqueue__topic__name=dead,
                errors__deadletterqueue__context__headers__enable="true") if tolerant else {}
    p = sink.start(**more)
    if tolerant:
        sink.await_rows([(0, "a"), (2, "b")], process=p)
        [letter] = topics.read(sink.broker, [dead])
        why = dict(letter.headers)["__connect.errors.exception.message"].decode()
        assert letter.value == bad and sink.offsets() == {0: 3}
    else:
        assert p.wait(30) != 0
        [why] = lines(p, "task_failed")
        assert f"{sink.topic}-0 at offset 1" in why
        assert sink.offsets().get(0, 0) <= 1
    for word in words:
        assert word in why, why
    calm(p)


def test_names_that_postgresql_would_cut_stay_apart(sink):  # noqa: F811
    """Their first 63 bytes are equal; and a name that is what another is shortened to is refused, by both names."""
    names = (LONG + "a", LONG + "b")
    sink.put([(key(1), with_schema(struct(*map(text, names)), {"id": 1, names[0]: "first", names[1]: "second"}))])
    p = sink.start()
    lab.wait_for("the row", lambda: p.is_running() and sink.rows("select * from TABLE") == [(1, "first", "second")])
    [short] = sink.rows(f"select attname from pg_attribute where attrelid = '{sink.topic}'::regclass and attnum = 2")[0]
    names = (LONG + "a", short)
    sink.put([(key(2), with_schema(struct(*map(text, names)), {"id": 2, names[0]: "first", names[1]: "second"}))])
    assert p.wait(30) != 0
    [line] = lines(p, "task_failed")
    assert names[0] in line and names[1] in line, line
    assert sink.rows("select count(*) from TABLE") == [(1,)] and sink.offsets() == {0: 1}
