"""The source before a broker, a registry, topics and stored offsets that aren't as they should be: what is said (what, where, why, what to
do), that it is said a few times only, and that once it is mended no change is missing and none is there twice."""

import contextlib
import http.server
import json
import threading
import time
import urllib.error
import urllib.request

import pytest
from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

import lab
import lab_kafka
import topics
from conftest import LAB
from faults import Proxy
from test_avro import confluent
from test_secured import login, secured  # noqa: F401
from test_source import Pipeline

LINES = 80  # a run of a few dozen seconds says no more than that


def says(run, *words):
    """Waits for lines of the log that hold all of the words."""
    lab.wait_for(f"{words} in the log", lambda: [line for line in run.log().splitlines() if all(w in line for w in words)], 90, 0.1)
    assert len(run.log().splitlines()) < LINES, run.log()


def fails(run, *words):
    """It ends by itself, with one error that holds all of the words."""
    assert run.wait(90) == 1, run.log()
    [why] = [line for line in run.log().splitlines() if "event=pipeline_failed" in line]
    for word in words:
        assert word in why, why
    assert len(run.log().splitlines()) < LINES, run.log()


def ends(run):
    assert run.is_running(), run.log()[-3000:]
    assert run.stop() == 0, run.log()[-3000:]
    assert len(run.log().splitlines()) < LINES, run.log()


class Shop(Pipeline):
    """A pipeline whose rows are numbered one up."""
    last = 0

    def insert(self, count=1):
        """So many transactions of one row each."""
        with contextlib.closing(self.server.connect("shop")) as c, c.cursor() as q:
            for _ in range(count):
                self.last += 1
                q.execute(f"INSERT dbo.items VALUES ({self.last}, {self.last}, NULL)")

    def ids(self):
        return sorted(key["id"] for key, _ in self.events())

    def is_whole(self):
        return self.ids() == list(range(1, self.last + 1))

    def await_all(self, run=None):
        """Each row once."""
        def check():
            assert not run or run.is_running(), run.log()[-3000:]
            return len(self.events()) >= self.last
        self.wait(f"{self.last} rows", check, 90)
        assert self.is_whole(), self.ids()


class AvroShop(Shop):
    def __init__(self, broker, registry, **converter):
        self.avro = topics.Avro(registry if isinstance(registry, lab_kafka.Registry) else registry.real)
        super().__init__(broker, worker=confluent(registry, **{"retries__wait__ms": "50", "max__retries": "1", **converter}))

    def events(self, topic=None):
        if self.topic not in self.broker.topics():
            return []
        return [(self.avro(r.key)[1], self.avro(r.value)[1]) for r in topics.read(self.broker, [self.topic]) if r.value]


# ---- the broker ----

@pytest.fixture
def own_broker():
    with lab_kafka.Broker(LAB / "bad-broker") as b:
        yield b


@pytest.mark.parametrize("kill", [False, True])
def test_a_broker_that_stops_in_mid_stream_loses_nothing(own_broker, kill):
    """Changes come without a pause while it is away; other tests have it away at the start."""
    with Shop(own_broker, transaction__max__rows=50) as p:
        p.insert()
        run = p.start()
        p.await_all(run)
        over = threading.Event()

        def work():
            while not over.is_set():
                p.insert(5)
                time.sleep(0.02)
        worker = threading.Thread(target=work)
        worker.start()
        try:
            time.sleep(0.5)
            own_broker.stop(kill=kill)
            says(run, "level=warn event=kafka_", "127.0.0.1")  # the producer's word; while a commit waits, only its client's
            time.sleep(3)
            own_broker.start()
            time.sleep(1)
        finally:
            over.set()
            worker.join()
        p.await_all(run)
        ends(run)


# ---- the registry ----

class SlowRegistry:
    """Passes requests on to the real one; `pause` before each, which may change."""

    def __init__(self, real):
        self.real, self.pause, self.asked = real, 0.0, 0
        slow = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                slow.asked += 1
                time.sleep(slow.pause)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                request = urllib.request.Request(slow.real.url + self.path, body, {"Content-Type": "application/json"}, method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        status, text = answer.status, answer.read()
                except urllib.error.HTTPError as e:
                    status, text = e.code, e.read()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_GET = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def new_columns(p, columns):
    """A second capture instance, of these columns: its records have a schema of their own."""
    p.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL, "
          f"@capture_instance = N'second', @captured_column_list = N'{columns}'")


def test_a_registry_that_is_slow_is_waited_for(broker, registry):
    """First within the time that is allowed; then, when a schema changes in mid-stream, beyond it."""
    with SlowRegistry(registry) as slow, AvroShop(broker, slow, http__read__timeout__ms="4000") as p:
        slow.pause = 0.7
        p.insert(3)
        run = p.start()
        p.await_all(run)
        assert "registry_retry" not in run.log()
        asked, slow.pause = slow.asked, 6.0
        new_columns(p, "id, n")
        p.insert(3)
        says(run, "event=registry_retry", "http://127.0.0.1", "timed out")
        says(run, "event=pipeline_retry", f"topic {p.topic}", "schema registry")
        slow.pause = 0.0
        p.await_all(run)
        p.insert(3)
        p.await_all(run)
        assert slow.asked - asked < 30
        ends(run)


def test_a_registry_that_goes_away_in_mid_stream_is_waited_for(broker):
    """What has its schema already goes on without it."""
    with lab_kafka.Registry(LAB / "gone-registry") as own, AvroShop(broker, own) as p:
        p.insert(3)
        run = p.start()
        p.await_all(run)
        own.stop()
        p.insert(3)
        lab.wait_for("changes without the registry", lambda: len(topics.read(broker, [p.topic])) == 6, 60, 0.2)
        new_columns(p, "id, n")
        p.insert(3)
        says(run, "event=pipeline_retry", f"topic {p.topic}", "schema registry", own.base)
        own.start()
        own.wait_up()
        p.await_all(run)
        ends(run)


def test_a_schema_that_is_refused_in_mid_stream_names_the_field(broker, registry):
    with AvroShop(broker, registry) as p:
        p.insert(2)
        run = p.start()
        p.await_all(run)
        subject = f"{p.topic}-value"
        lab_kafka.http("PUT", f"{registry.url}/config/{subject}", {"compatibility": "FORWARD"})
        new_columns(p, "id, note")
        p.insert(2)
        fails(run, f"subject {subject}", "isn't compatible", "field after.n is gone", "change the table back, or the subject's compatibility")
        assert p.ids() == [1, 2]
        lab_kafka.http("PUT", f"{registry.url}/config/{subject}", {"compatibility": "NONE"})
        run = p.start()
        p.await_all(run)
        assert [set(v["after"]) for _, v in sorted(p.events(), key=lambda e: e[0]["id"])] == 2 * [{"id", "n", "note"}] + 2 * [{"id", "note"}]
        ends(run)


# ---- topics ----

@pytest.mark.parametrize("makes", [True, False])
def test_a_topic_that_is_deleted_while_it_runs(broker, makes):
    """Made again, or named; what came since is in the new one, once."""
    with Shop(broker, worker={"topic.creation.enable": str(makes).lower()}) as p:
        if not makes:
            broker.create_topic(f"{p.prefix}-offsets", 3, cleanup__policy="compact")
            broker.create_topic(p.prefix, 1)
            broker.create_topic(p.topic, 1)
        p.insert(3)
        run = p.start()
        p.await_all(run)
        broker.delete_topic(p.topic)
        lab.wait_for("the topic gone", lambda: p.topic not in broker.topics())
        p.insert(4)
        if makes:
            lab.wait_for("the topic made again", lambda: run.log().count("event=topic_made") >= 3, 90, 0.2)
        else:
            fails(run, f"topic {p.topic} isn't there, and topic.creation.enable=false")
            broker.create_topic(p.topic, 1)
            run = p.start()
        p.wait("what came since", lambda: p.ids() == [4, 5, 6, 7], 90)
        p.insert()
        p.wait("the next one", lambda: p.ids() == [4, 5, 6, 7, 8])
        ends(run)


# ---- rights ----

@contextlib.contextmanager
def denied(broker, kind, name, operation):
    def of(make, permission):
        return make(kind, name, ResourcePatternType.LITERAL, "User:writer", "*", operation, permission)
    admin = broker.admin()
    for made in admin.create_acls([of(AclBinding, AclPermissionType.DENY)]).values():
        made.result(30)
    yield
    for gone in admin.delete_acls([of(AclBindingFilter, AclPermissionType.DENY)]).values():
        gone.result(30)


@pytest.mark.parametrize("what", ["topic", "offsets", "transaction"])
def test_a_right_that_is_taken_in_mid_stream_is_named(secured, what):  # noqa: F811
    with Shop(secured, worker=login(secured)) as p:
        p.insert(2)
        run = p.start()
        p.await_all(run)
        transactional_id = f"group{p.number}-items-0"
        kind, name = {"topic": (ResourceType.TOPIC, p.topic), "offsets": (ResourceType.TOPIC, f"{p.prefix}-offsets"),
                      "transaction": (ResourceType.TRANSACTIONAL_ID, transactional_id)}[what]
        with denied(secured, kind, name, AclOperation.WRITE):
            p.insert(3)
            # a transaction that stores an idle source's position has one topic, that of offsets
            fails(run, *{"transaction": ["transactional.id"], "topic": ["one of the topics", name], "offsets": [name]}[what], "WRITE")
            assert p.ids() == [1, 2]
        run = p.start()
        p.await_all(run)
        ends(run)


# ---- sizes ----

@pytest.fixture(scope="module")
def narrow():
    """A broker that takes 200,000 bytes at a time."""
    with lab_kafka.Broker(LAB / "narrow", settings={"message.max.bytes": 200_000}) as b:
        yield b


PLAIN = {"producer__override__compression__type": "none"}  # brokers count what is sent: such rows would shrink to nothing


def large(p, count, size=None):
    """One transaction, of rows of that size."""
    note = f"REPLICATE(CAST(N'x' AS nvarchar(max)), {size})" if size else "NULL"
    first, p.last = p.last + 1, p.last + count
    p.sql("BEGIN TRAN; " + " ".join(f"INSERT dbo.items VALUES ({i}, {i}, {note});" for i in range(first, p.last + 1)) + " COMMIT")


@pytest.mark.parametrize("by_topic", [True, False])
def test_a_row_that_topic_or_broker_refuses_is_named_with_its_size(broker, narrow, by_topic):
    b = broker if by_topic else narrow
    own = {"topic__creation__default__max__message__bytes": 200_000} if by_topic else {}
    with Shop(b, **PLAIN, **own) as p:
        p.server.script("EXEC sp_configure 'max text repl size', -1\nGO\nRECONFIGURE")
        p.insert(2)
        run = p.start()
        p.await_all(run)
        large(p, 1, 300_000)
        p.insert()
        fails(run, f"topic {p.topic}", "a record of 300", "max.message.bytes", "message.max.bytes of the broker")
        assert p.ids() == [1, 2]
        admin = b.admin()
        for done in admin.incremental_alter_configs([wider(p.topic)]).values():
            done.result(30)
        run = p.start()
        p.await_all(run)
        ends(run)


def wider(topic):
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
    entry = ConfigEntry("max.message.bytes", "1000000", incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])


@pytest.mark.parametrize("limit", [200_000, 5_000])
def test_small_rows_go_into_a_topic_that_takes_little_at_a_time(broker, limit):
    """Each fits, what is sent at a time doesn't: as Java's producer, ours sends less at a time then. A transaction of several batches
    is read again for it."""
    with Shop(broker, topic__creation__default__max__message__bytes=limit, max__batch__size=100, **PLAIN) as p:
        large(p, 1000, 200)
        run = p.start()
        p.await_all(run)
        large(p, 1000, 200)
        p.await_all(run)
        assert 1 <= run.log().count("event=pipeline_retry") <= 2
        says(run, "event=pipeline_retry", f"topic {p.topic}", "batch.size", "set producer.override.batch.size below")
        ends(run)


# ---- what is stored ----

def stored(p, mark):
    """The record of the topic of offsets whose key has the mark."""
    found = {r.key: r for r in topics.read(p.broker, [f"{p.prefix}-offsets"]) if mark in r.key and r.value}
    [record] = found.values()
    return record


def store(p, record, value):
    topics.produce(p.broker, [(record.topic, record.partition, record.key, value, [])])


@pytest.mark.parametrize("mark", [b'{"millrace":"position"', b'{"millrace":"table"', b'{"server"'])
@pytest.mark.parametrize("value", [b"\xff\x00 not JSON", b"[]", b'{"epoch":"x","position":7,"commit_lsn":"y","fingerprint":3}'])
def test_an_offset_that_cannot_be_read_is_named_with_its_place(broker, mark, value):
    with Shop(broker) as p:
        p.insert(2)
        run = p.start()
        p.await_all(run)
        p.insert()
        p.await_all(run)
        ends(run)
        sound = stored(p, mark)
        store(p, sound, value)
        p.insert()
        fails(p.start(), "connector items", f"topic {p.prefix}-offsets", f"partition {sound.partition}, offset ",
              sound.key.decode().replace('"', '\\"'), "write the value before it", "null to forget it")
        store(p, sound, sound.value)
        run = p.start()
        p.await_all(run)
        assert sum(e["op"] == "r" for _, e in p.events()) == 2
        ends(run)


# ---- time ----

@pytest.fixture
def strict():
    """A broker that ends transactions that are over their time soon."""
    with lab_kafka.Broker(LAB / "strict", settings={"transaction.abort.timed.out.transaction.cleanup.interval.ms": 200}) as b:
        yield b


def test_a_keyless_table_whose_copy_is_over_its_time_is_refused_with_the_cure(strict):
    """All of its copy is one transaction. With more time it goes in, once."""
    with Shop(strict, producer__override__transaction__timeout__ms=1500) as p:
        p.sql("CREATE TABLE dbo.notes (n int NOT NULL, note nvarchar(max) NULL)")
        p.sql("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'notes', @role_name = NULL")
        for first in range(0, 6000, 400):
            p.sql(f"INSERT dbo.notes VALUES {', '.join(f'({i}, REPLICATE(CAST(N{chr(39)}x{chr(39)} AS nvarchar(max)), 1000))' for i in range(first, first + 400))}")
        proxy = Proxy(p.server.port)
        proxy.pause = 0.03
        source = json.loads(p.source_file.read_text())
        source["config"]["database.port"] = str(proxy.port)
        p.source_file.write_text(json.dumps(source))
        run = p.start()
        fails(run, "table dbo.notes couldn't be copied in 3 tries", "in one transaction", "transaction.timeout.ms (1500 ms)",
              "Raise producer.override.transaction.timeout.ms", "give it a key")
        topic = f"{p.prefix}.shop.dbo.notes"
        assert p.events(topic) == []
        source["config"]["producer.override.transaction.timeout.ms"] = "120000"
        p.source_file.write_text(json.dumps(source))
        run = p.start()
        p.wait("the copy", lambda: len(topics.read(strict, [topic])) >= 6000 if topic in strict.topics() else False, 90)
        assert sorted(json.loads(r.value)["after"]["n"] for r in topics.read(strict, [topic])) == list(range(6000))
        ends(run)
        proxy.close()
