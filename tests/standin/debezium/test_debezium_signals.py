"""Debezium told by rows of a signal table to read tables again, while they change; heartbeats with a statement of their own."""

import contextlib
import json
import random
import threading

import pytest

import engines
from shop import Shop, running, wait_schema


def with_signals(shop):
    shop.run("CREATE TABLE dbo.signal(id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) NULL)")
    shop.capture("signal")
    return {"signal.data.collection": f"{shop.name}.dbo.signal", "signal.poll.interval.ms": 50}


def send(shop, kind, tables=(), name="ask", **more):
    data = json.dumps({"data-collections": [f"{shop.name}.{t}" for t in tables], **more})
    shop.run(f"INSERT dbo.signal VALUES ('{name}', '{kind}', '{data}')")


class Writer:
    """Changes rows of dbo.item on a connection of its own until told to end."""

    def __init__(self, shop, seed):
        self.shop, self.random, self.ended = shop, random.Random(seed), threading.Event()
        self.changes, self.error = 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        r = self.random
        try:
            with contextlib.closing(self.shop.server.connect(self.shop.name)) as c, c.cursor() as q:
                while not self.ended.wait(0.002):
                    key = r.randint(1, 3000)
                    q.execute(r.choice([
                        f"UPDATE dbo.item SET name = N'changed {self.changes}', price = price + 1 WHERE id BETWEEN {key} AND {key + 4}",
                        f"DELETE dbo.item WHERE id = {key}",
                        f"IF NOT EXISTS (SELECT 1 FROM dbo.item WHERE id = {key}) INSERT dbo.item(id, price) VALUES ({key}, 1)",
                        f"BEGIN TRAN DELETE dbo.item WHERE id = {key} INSERT dbo.item(id, price) VALUES ({key}, 2) COMMIT",
                        f"BEGIN TRAN DELETE dbo.item WHERE id > {key} ROLLBACK"]))
                    self.changes += 1
        except Exception as e:  # told by __exit__
            self.error = e

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        assert self.error is None, self.error


def fill(shop, last):
    for first in range(1, last, 500):
        shop.fill(first, first + 499)
    shop.captured()


@pytest.mark.parametrize("strategy", ["insert_insert", "insert_delete"])
def test_incremental_snapshot_beside_a_writer(host, shop, name, strategy):
    """Chunks read while rows change, with watermarks by the signal table: the outcome is the base table."""
    signals = with_signals(shop)
    fill(shop, 3000)
    properties = shop.settings(snapshot__mode="no_data", incremental__snapshot__chunk__size=400,
                               incremental__snapshot__watermarking__strategy=strategy,
                               incremental__snapshot__option__recompile="true", **signals)
    with running(host, name, properties) as engine:
        wait_schema(engine, "signal")
        shop.drained(engine)
        with Writer(shop, seed=strategy) as writer:
            send(shop, "execute-snapshot", ["dbo.item"], type="incremental")
            engine.wait("the last chunk", lambda e: any(r.after["id"] > 2990 for r in e.rows("dbo.item") if r.op == "r"))
        shop.drained(engine)
        assert writer.changes > 0
        shop.check(engine, "dbo.item", strict=False)
        read = [r.after["id"] for r in engine.rows("dbo.item") if r.op == "r"]
        assert read == sorted(set(read)) and len(read) > 2000
        assert {r.snapshot for r in engine.rows("dbo.item") if r.op == "r"} == {"incremental"}


KEYS = [("a int NOT NULL, b nvarchar(20) NOT NULL, v int, PRIMARY KEY (a, b)",
         "SELECT TOP (700) id % 7, N'ключ ' + CAST(id AS nvarchar(10)), id FROM dbo.item ORDER BY id"),
        ("a uniqueidentifier NOT NULL PRIMARY KEY, v int", "SELECT NEWID(), id FROM dbo.item"),
        ("a varchar(20) NOT NULL PRIMARY KEY, v int", "SELECT TOP (700) 'k' + CAST(id AS varchar(10)), id FROM dbo.item ORDER BY id"),
        ("a datetime2(7) NOT NULL, b decimal(20,4) NOT NULL, v int, PRIMARY KEY (b, a)",
         "SELECT TOP (700) DATEADD(ns, id * 100, '2026-01-01'), id * 1.25, id FROM dbo.item ORDER BY id")]


def test_incremental_snapshots_by_other_keys(host, shop, name):
    """Composite keys, keys of text, GUIDs, decimals and times page rightly; a filter; a surrogate key; stopped and resumed."""
    signals = with_signals(shop)
    fill(shop, 1000)
    for at, (columns, rows) in enumerate(KEYS):
        shop.run(f"CREATE TABLE dbo.k{at}({columns})", f"INSERT dbo.k{at} {rows}")
        shop.capture(f"k{at}")
    properties = shop.settings(snapshot__mode="no_data", incremental__snapshot__chunk__size=100,
                               driver__sendStringParametersAsUnicode="false" if host.version.startswith("2") else "true", **signals)
    with running(host, name, properties) as engine:
        wait_schema(engine, "signal")
        shop.drained(engine)
        send(shop, "execute-snapshot", [f"dbo.k{at}" for at in range(len(KEYS))], type="incremental")
        for at in range(len(KEYS)):
            count = len(shop.rows(f"SELECT 1 FROM dbo.k{at}"))
            read = engine.wait_rows(count, f"dbo.k{at}", op="r")
            assert sorted(r.after["v"] for r in read) == sorted(r[0] for r in shop.rows(f"SELECT v FROM dbo.k{at}"))
        send(shop, "execute-snapshot", ["dbo.item"], name="part", type="incremental", **{
            "surrogate-key": "price",
            "additional-conditions": [{"data-collection": f"{shop.name}.dbo.item", "filter": "id % 4 = 0"}]})
        engine.wait_rows(250, "dbo.item", op="r")
    with running(host, name, properties) as engine:
        shop.run("DELETE dbo.item WHERE id = 1")
        shop.drained(engine)
        assert [r.op for r in engine.rows("dbo.item")] == ["d"]


def test_incremental_snapshot_goes_on_after_a_restart(host, shop, name):
    """Stopped between chunks, it goes on with the next one. Debezium keeps where it is in the offsets of the signal table's events,
    not in those of the rows read: a stop right behind a row forgets it, so it is asked anew until a stop comes behind a signal."""
    signals = with_signals(shop)
    fill(shop, 3000)
    properties = shop.settings(snapshot__mode="no_data", incremental__snapshot__chunk__size=100, **signals)

    def is_under_way(engine):
        return any(key.startswith("incremental_snapshot") for key in engine.events()[-1].offset)

    for attempt in range(40):
        with running(host, name, properties) as engine:
            if attempt == 0:
                wait_schema(engine, "signal")
            shop.drained(engine)
            send(shop, "execute-snapshot", ["dbo.item"], name=f"ask {attempt}", type="incremental")
            engine.wait("some chunks", lambda e: len(e.rows("dbo.item")) >= 300 and is_under_way(e))
        if b"incremental_snapshot" in engine.offsets() and not any(r.after["id"] == 3000 for r in engine.rows("dbo.item")):
            break
    else:
        raise AssertionError("no stop came in the middle of the snapshot and behind a signal")
    with running(host, name, properties) as engine:
        engine.wait("the last row", lambda e: any(r.after["id"] == 3000 for r in e.rows("dbo.item")))
        assert min(r.after["id"] for r in engine.rows("dbo.item")) > 100  # not from the beginning
        shop.check(engine, "dbo.item", strict=False)


def test_blocking_snapshot(host, shop, name):
    """Streaming pauses, the tables are read again, streaming goes on where it was."""
    signals = with_signals(shop)
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(**signals)) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("DELETE dbo.item WHERE id = 1")
        shop.drained(engine)
        send(shop, "execute-snapshot", ["dbo.item"], type="blocking")
        engine.wait_rows(39, "dbo.item", op="r")
        shop.run("UPDATE dbo.item SET price = 3 WHERE id > 10", "DELETE dbo.item WHERE id = 2")
        shop.check(engine, strict=False)
        assert [r.op for r in engine.rows("dbo.item")] == ["r"] * 20 + ["d"] + ["r"] * 19 + ["u"] * 10 + ["d"]


def test_heartbeat_with_a_statement(host, shop, name):
    """The statement runs on the server with every beat, and its change comes back as an event. The first beat comes while the
    snapshot still holds its row locks: those don't keep out an insert."""
    shop.run("CREATE TABLE dbo.beat(id int IDENTITY PRIMARY KEY, at datetime2(3))", "INSERT dbo.beat VALUES (NULL)")
    shop.capture("beat")
    shop.captured()
    properties = shop.settings(heartbeat__interval__ms=50, heartbeat__action__query="INSERT dbo.beat VALUES (SYSUTCDATETIME())")
    with running(host, name, properties) as engine:
        engine.wait_rows(1, snapshot="last")
        engine.wait_rows(3, "dbo.beat", op="c")
        engine.wait("heartbeats", lambda e: len([r for r in e.events() if r.topic == f"__debezium-heartbeat.{name}"]) > 3)
        shop.check(engine)
