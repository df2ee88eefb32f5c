"""Debezium stopped, killed, cut off: nothing lost, and twice only what its contract lets come twice."""

import contextlib
import signal

import pytest

import engines
import lab
from shop import Shop, in_commit_order, running, settings

BATCH = 128


@pytest.fixture
def own_host(host):
    """Starts JVMs that a test may kill; they share the state of `host`."""
    started = []

    def start():
        started.append(engines.Host(host.version, host.directory, name=f"jvm-{len(started)}-own"))
        return started[-1]
    yield start
    for h in started:
        h.close()


@pytest.fixture
def own_server(host, name):
    """A server that a test may stop."""
    with lab.Standin(host.directory / f"{name}-standin") as s:
        yield s


def test_transactions_open_while_debezium_stops(host, shop, name):
    """A transaction that began before the stop and ends after the start comes whole, once."""
    shop.fill(1, 10)
    shop.captured()
    with contextlib.closing(shop.server.connect(shop.name)) as c, c.cursor() as open_one:
        with running(host, name, shop.settings()) as engine:
            engine.wait_rows(1, snapshot="last")
            open_one.execute("BEGIN TRAN UPDATE dbo.item SET price = 1 WHERE id < 5")
            shop.fill(11, 20)
            shop.drained(engine)
        open_one.execute("INSERT dbo.item(id, price) VALUES (100, 1)")
        shop.fill(21, 30)
        with running(host, name, shop.settings()) as engine:
            shop.fill(31, 40)
            shop.drained(engine)
            open_one.execute("DELETE dbo.item WHERE id = 4 COMMIT")
            shop.check(engine)
            assert [(r.op, r.after and r.after["id"]) for r in engine.rows("dbo.item")][-6:] == [
                ("u", 1), ("u", 2), ("u", 3), ("u", 4), ("c", 100), ("d", None)]
    in_commit_order(engine.rows("dbo.item", former=True))


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_killed_in_the_middle_of_a_transaction(own_host, shop, name, query_mode):
    """kill -9 while a large transaction's events are handed over: it goes on from its offsets, in the same order."""
    shop.fill(1, 200)
    shop.captured()
    properties = shop.settings(data__query__mode=query_mode, max__batch__size=BATCH, max__queue__size=2 * BATCH)
    first = own_host()
    engine = first.start(name, properties, gate=1000)
    engine.wait_rows(1, snapshot="last")
    shop.run("""BEGIN TRAN
                INSERT dbo.item(id, name, price)
                SELECT 1000 + a.id + 200 * (b.id - 1), N'many', 1 FROM dbo.item a CROSS JOIN dbo.item b WHERE b.id <= 10
                UPDATE dbo.item SET price = price + 1 WHERE id % 2 = 0
                INSERT dbo.mark(note) VALUES ('within')
                DELETE dbo.item WHERE id % 5 = 0
                COMMIT""")
    engine.wait_state("gate")
    first.kill()
    before = engine.rows()
    assert len(before) == 1000
    with running(own_host(), name, properties) as engine:
        shop.check(engine, strict=False)
        again = engine.rows()
    assert len({r.source["commit_lsn"] for r in before[250:] + again[:500]}) == 1  # one transaction on both sides
    positions = [r.position for r in before if r.snapshot == "false"]
    twice = [r.position for r in again if r.position in set(positions)]
    assert len(twice) <= BATCH and twice == positions[len(positions) - len(twice):]
    streamed = positions + [r.position for r in again][len(twice):]
    assert streamed == sorted(set(streamed))
    changes = 2000 + 1100 + 1 + 440
    assert len(streamed) == changes + 1  # and the mark


def test_killed_in_the_middle_of_a_snapshot(own_host, shop, name):
    """The whole snapshot comes again, and the changes since the first one began."""
    shop.fill(1, 500)
    shop.captured()
    properties = shop.settings(max__batch__size=16, max__queue__size=32, snapshot__isolation__mode="snapshot")
    first = own_host()
    engine = first.start(name, properties, gate=100)
    engine.wait_state("gate")
    first.kill()
    shop.run("DELETE dbo.item WHERE id = 1", "UPDATE dbo.item SET name = N'while dead'")
    shop.captured()
    with running(own_host(), name, properties) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.check(engine, strict=False)
        assert [r.op for r in engine.rows("dbo.item")] == ["r"] * 499 + ["d"] + ["u"] * 499


RETRY = {"errors.max.retries": -1, "errors.retry.delay.initial.ms": 50, "errors.retry.delay.max.ms": 200,
         "retriable.restart.connector.wait.ms": 50}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_server_restarts(host, own_server, name, end):
    """The server goes away in mid-stream, with a transaction open, and comes back."""
    shop = Shop(own_server, name)
    shop.fill(1, 10)
    shop.captured()
    with running(host, name, shop.settings(**RETRY)) as engine:
        engine.wait_rows(1, snapshot="last")
        with contextlib.closing(own_server.connect(name)) as c, c.cursor() as q:
            q.execute("BEGIN TRAN DELETE dbo.item")  # never committed
            shop_rows = 10
            for round in range(3):
                shop.run(*(f"INSERT dbo.item(id, price) VALUES ({100 * round + i}, 1)" for i in range(100, 120)))
                shop_rows += 20
                own_server.process.stop(end)
                own_server.start()
        shop.check(engine, strict=False)
        assert len(shop.base("dbo.item")) == shop_rows
        streamed = [r.position for r in engine.rows() if r.snapshot == "false"]
        assert sorted(set(streamed)) == list(dict.fromkeys(streamed))


FAULTS = ["cut @rows = 3", "cut @bytes = 1500", "fail @number = 1205, @severity = 13, @statement_like = N'%fn_cdc_get_all_changes%'",
          "fail @number = 9001, @severity = 21, @statement_like = N'%lsn_time_mapping%'", "failover 0, 300", "delay 30"]


def test_faults_in_mid_stream(host, own_server, name):
    """Connections cut within a row, a deadlock's victim, a fatal error, a failover, a slow server: it comes through each."""
    shop = Shop(own_server, name)
    shop.fill(1, 5)
    shop.captured()
    with running(host, name, shop.settings(**RETRY)) as engine:
        engine.wait_rows(1, snapshot="last")
        for at, fault in enumerate(FAULTS, 1):
            shop.fill(100 * at, 100 * at + 30)
            own_server.script(f"EXEC standin.{fault}")
            lab.wait_for("the server", lambda: shop.run(f"UPDATE dbo.item SET price = {at} WHERE id > 100") is None)
            engine.wait_rows(1, "dbo.item", op="u")
            own_server.script("EXEC standin.end_faults")
            shop.drained(engine)
        shop.check(engine, strict=False)
        streamed = [r.position for r in engine.rows() if r.snapshot == "false"]
        assert sorted(set(streamed)) == list(dict.fromkeys(streamed))


def test_half_open_connection(host, own_server, name):
    """A server that takes requests and doesn't answer any more: the driver's socket timeout ends it, and the next one goes on."""
    shop = Shop(own_server, name)
    shop.fill(1, 5)
    shop.captured()
    with running(host, name, shop.settings(driver__socketTimeout=3000, **RETRY)) as engine:
        engine.wait_rows(1, snapshot="last")
        with contextlib.closing(own_server.connect()) as c, c.cursor() as q:
            q.execute("EXEC standin.half_open")
            engine.wait("the time-out", lambda _: "Read timed out" in host.log())
            q.execute("EXEC standin.end_faults")
        shop.fill(6, 9)
        shop.check(engine, strict=False)


def test_agent_stopped(host, own_server, name):
    """Without the agent nothing is captured; Debezium says so and goes on when it is back."""
    own_server.script(f"CREATE DATABASE {name}\nGO\nUSE {name} EXEC sys.sp_cdc_enable_db "
                      "CREATE TABLE dbo.t(id int PRIMARY KEY) EXEC standin.agent_stop "
                      "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL")
    with running(host, name, settings(own_server, [name])) as engine:
        engine.wait("the complaint", lambda _: "SQL Server Agent is not running" in host.log())
        own_server.script("INSERT dbo.t VALUES (1) EXEC standin.agent_start INSERT dbo.t VALUES (2)", name)
        engine.wait_rows(2, "dbo.t", op="c")
