"""Debezium's streaming: each kind of change, transactions, names, several databases."""

import contextlib
import itertools
import random
import subprocess
import threading

import pytds
import pytest

import engines
import lab
from shop import Shop, in_commit_order, refusal, running, settings


LINE = """CREATE TABLE dbo.line(item int NOT NULL, no int NOT NULL, note nvarchar(max) NULL, amount decimal(12,2) NULL,
          CONSTRAINT pk_line PRIMARY KEY (item, no))"""


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_streamed_changes(host, shop, name, query_mode):
    """Inserts, updates, deletes, key changes, transactions over tables, rolled back and interleaved ones."""
    shop.run(LINE, "CREATE TABLE dbo.keyless(a int NULL, b varchar(10) NULL)")
    shop.capture("line")
    shop.capture("keyless")
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(data__query__mode=query_mode, provide__transaction__metadata="true")) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.fill(21, 40)
        shop.run("UPDATE dbo.item SET price = price + 1, name = NULL WHERE id BETWEEN 10 AND 30",
                 "DELETE dbo.item WHERE id IN (1, 2, 3)",
                 "UPDATE dbo.item SET id = id + 1000 WHERE id > 35",  # keys: a delete and an insert each
                 "UPDATE dbo.item SET id = id WHERE id < 6",
                 "INSERT dbo.keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
                 "UPDATE dbo.keyless SET b = 'y' WHERE a = 1", "DELETE dbo.keyless WHERE a IS NULL")
        shop.run("""BEGIN TRAN
                    INSERT dbo.line VALUES (4, 1, REPLICATE(CAST(N'long ' AS nvarchar(max)), 5000), 1), (4, 2, NULL, 2)
                    UPDATE dbo.item SET price = 100 WHERE id = 4
                    UPDATE dbo.line SET amount = 3 WHERE item = 4
                    DELETE dbo.line WHERE no = 2
                    SAVE TRAN here
                    DELETE dbo.item
                    ROLLBACK TRAN here
                    COMMIT""",
                 "BEGIN TRAN DELETE dbo.item UPDATE dbo.line SET note = N'never' ROLLBACK")
        with contextlib.closing(shop.server.connect(shop.name)) as a, contextlib.closing(shop.server.connect(shop.name)) as b, \
                a.cursor() as first, b.cursor() as second:
            for no in range(3):  # rows by turns, committed the other way round
                first.execute(("BEGIN TRAN " if no == 0 else "") + f"INSERT dbo.line VALUES (10, {no}, N'first', {no})")
                second.execute(("BEGIN TRAN " if no == 0 else "") + f"INSERT dbo.line VALUES (11, {no}, N'second', {no})")
            second.execute("COMMIT")
            first.execute("COMMIT")
        shop.drained(engine)
        rows = engine.rows()
        built = engines.replay((r for r in rows if r.table != "dbo.keyless"), lobs={"note"})
        for table in ("dbo.item", "dbo.line", "dbo.mark"):
            assert built[shop.name, table] == shop.base(table)
        in_commit_order(rows)

        def ops(table, **fields):
            return [r.op for r in rows if r.table == table and r.snapshot == "false"]
        assert ops("dbo.item") == ["c"] * 20 + ["u"] * 21 + ["d"] * 3 + ops("dbo.item")[44:]
        assert sorted(ops("dbo.item")[44:54]) == ["c"] * 5 + ["d"] * 5
        assert ops("dbo.line") == ["c", "c", "u", "u", "d"] + ["c"] * 6
        assert [r.after["item"] for r in rows if r.table == "dbo.line" and r.op == "c"] == [4, 4, 11, 11, 11, 10, 10, 10]
        keyless = [r for r in rows if r.table == "dbo.keyless"]
        assert [r.op for r in keyless] == ["c", "c", "c", "u", "u", "d"] and {r.key for r in keyless} == {None}
        tombstones_follow_deletes(engine.events())
        transactions_are_told(engine, name, shop)


def tombstones_follow_deletes(events):
    events = [e for e in events if e.op or e.value is None]
    for at, e in enumerate(events):
        assert (e.value is None) == (at > 0 and events[at - 1].op == "d" and events[at - 1].key == e.key)


def transactions_are_told(engine, name, shop):
    """BEGIN and END of each transaction, the counts right; the last one's END comes with the next."""
    told = [e.value for e in engine.events() if e.topic == f"{name}.transaction"]
    assert [t["status"] for t in told] == ["BEGIN", "END"] * (len(told) // 2) + ["BEGIN"] * (len(told) % 2)
    streamed = [r for r in engine.rows() if r.snapshot == "false"]
    by_transaction = {k: list(g) for k, g in itertools.groupby(streamed, lambda r: r.source["commit_lsn"])}
    assert [t["id"] for t in told if t["status"] == "BEGIN"] == list(by_transaction)
    for t in told:
        if t["status"] == "END":
            counts = {c["data_collection"]: c["event_count"] for c in t["data_collections"]}
            rows = by_transaction[t["id"]]
            assert sum(counts.values()) == t["event_count"] == len(rows)
            assert [r.transaction["total_order"] for r in rows] == list(range(1, len(rows) + 1))
            for table, count in counts.items():
                assert count == len([r for r in rows if f"{shop.name}.{r.table}" == table])


def test_names_and_schemas(host, shop, name):
    """Blanks, letters beyond ASCII, another schema, a key of another kind; a key that the connector's owner chose."""
    shop.run("CREATE SCHEMA sales", "CREATE TABLE sales.[Käufe 2026]([Größe cm] uniqueidentifier NOT NULL PRIMARY KEY, [select] nvarchar(20))",
             "INSERT sales.[Käufe 2026] VALUES ('6F9619FF-8B86-D011-B42D-00C04FC964FF', N'x')")
    shop.capture("Käufe 2026", schema="sales", instance="Käufe")
    shop.fill(1, 3)
    shop.captured()
    with running(host, name, shop.settings(message__key__columns="dbo.item:name")) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("UPDATE sales.[Käufe 2026] SET [select] = N'ж'", "INSERT sales.[Käufe 2026] VALUES (NEWID(), NULL)",
                 "UPDATE dbo.item SET name = N'new' WHERE id = 2")
        shop.check(engine, "dbo.mark")
        built = engines.replay(engine.rows())[shop.name, "sales.Käufe 2026"]
        assert sorted(map(str, built.values())) == sorted(
            str({"Größe cm": str(r[0]).upper(), "select": r[1]}) for r in shop.rows("SELECT * FROM sales.[Käufe 2026]"))
        deleted, created = [r for r in engine.rows("dbo.item") if r.op in "dc"]
        assert (deleted.op, deleted.key, created.op, created.key) == ("d", {"name": "item 2 – ж"}, "c", {"name": "new"})
        assert deleted.headers["__debezium.newkey"] == {"name": "new"}
        assert created.headers["__debezium.oldkey"] == {"name": "item 2 – ж"}
        assert deleted.position == created.position


def test_several_databases(host, server, name):
    """One engine, two databases, one named in other letters; each has its own offsets."""
    shops = [Shop(server, name + "a"), Shop(server, name + "b")]
    for at, shop in enumerate(shops):
        shop.fill(1, 10 * (at + 1))
        shop.captured()
    properties = settings(server, [shops[0].name.upper(), shops[1].name])
    for run in range(2):
        with running(host, name, properties) as engine:
            if run == 0:
                engine.wait_rows(2, snapshot="last")
            for shop in shops:
                shop.run(f"UPDATE dbo.item SET price = {run + 1} WHERE id = 5", f"DELETE dbo.item WHERE id = {run + 1}")
            for shop in shops:
                shop.check(engine)
    assert {e.partition["database"] for e in engine.events(former=True)} == {s.name for s in shops}


class Writer(threading.Thread):
    """Transactions at random over two tables, some rolled back, some in part, some with a statement that fails on a key that is
    there; a deadlock's victim goes on with the next."""

    def __init__(self, shop, seed, count):
        super().__init__()
        self.shop, self.random, self.count, self.failed = shop, random.Random(seed), count, []
        self.committed = self.victims = 0

    def statement(self):
        r, key = self.random, self.random.randint(1, 40)
        return r.choice([
            f"INSERT dbo.item(id, price) VALUES ({key + 100}, 1), ({key}, 1)",
            f"IF NOT EXISTS (SELECT 1 FROM dbo.item WITH (UPDLOCK, HOLDLOCK) WHERE id = {key}) INSERT dbo.item(id, price) VALUES ({key}, 3)",
            f"UPDATE dbo.item SET price = price + 1 WHERE id BETWEEN {key} AND {key + 3}",
            f"UPDATE dbo.line SET amount = {key}, note = N'{key}' WHERE item = {key % 5}",
            f"DELETE dbo.item WHERE id = {key}",
            f"DELETE dbo.line WHERE item = {key % 5} AND no > 3",
            f"INSERT dbo.line(item, no, amount) SELECT {key % 5}, COALESCE(MAX(no), 0) + 1, {key} FROM dbo.line WITH (TABLOCKX) "
            f"WHERE item = {key % 5}"])

    def transaction(self):
        r = self.random
        parts = ["BEGIN TRAN", *(self.statement() for _ in range(r.randint(1, 4)))]
        if r.random() < 0.3:
            parts += ["SAVE TRAN here", self.statement(), "ROLLBACK TRAN here"]
        return parts + [r.choice(["COMMIT"] * 4 + ["ROLLBACK"])]

    def run(self):
        with contextlib.closing(self.shop.server.connect(self.shop.name)) as c, c.cursor() as q:
            for _ in range(self.count):
                try:
                    for part in self.transaction():
                        with contextlib.suppress(pytds.IntegrityError):
                            q.execute(part)
                    self.committed += 1
                except pytds.Error as e:
                    if "deadlock victim" not in str(e):
                        self.failed.append(e)
                        return
                    self.victims += 1


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_writers_at_random(host, shop, name, query_mode):
    """Interleaved transactions of three sessions: every event must fit the row that the events before it left."""
    shop.run(LINE)
    shop.capture("line")
    shop.fill(1, 20)
    shop.captured()
    with running(host, name, shop.settings(data__query__mode=query_mode)) as engine:
        engine.wait_rows(1, snapshot="last")
        writers = [Writer(shop, f"{query_mode}{n}", 60) for n in range(3)]
        for w in writers:
            w.start()
        for w in writers:
            w.join()
        assert not [e for w in writers for e in w.failed]
        assert sum(w.committed for w in writers) > 100
        shop.drained(engine)
        built = engines.replay(engine.events(), lobs={"note"})
        for table in ("dbo.item", "dbo.line", "dbo.mark"):
            assert built[shop.name, table] == shop.base(table)
        in_commit_order(engine.rows())


DRIVER = [{"encrypt": "false", "packetSize": 512, "responseBuffering": "full"},
          {"packetSize": 16384, "sendStringParametersAsUnicode": "false", "prepareMethod": "prepare"},
          {"enablePrepareOnFirstPreparedStatementCall": "true", "disableStatementPooling": "false", "statementPoolingCacheSize": 10,
           "serverPreparedStatementDiscardThreshold": 1},
          {"sendTimeAsDatetime": "false", "encrypt": "false", "packetSize": 32767, "multiSubnetFailover": "true"}]


@pytest.mark.parametrize("driver", DRIVER, ids=lambda d: next(iter(d)))
def test_driver_settings(host, shop, name, driver):
    """Ways of the driver to put the same questions: packet sizes, no encryption, sp_prepare, pooled statements."""
    shop.fill(1, 300)
    shop.captured()
    with running(host, name, shop.settings(**{f"driver.{k}": v for k, v in driver.items()})) as engine:
        engine.wait_rows(1, snapshot="last")
        for n in range(3):
            shop.run(f"UPDATE dbo.item SET name = REPLICATE(N'{n}', 60) WHERE id > {100 * n}")
            shop.drained(engine)
        shop.check(engine)


def test_certificate_is_checked(host, name):
    """Encryption with a certificate that the driver verifies; without it in the store, no connection."""
    certificate, store = host.directory / "server.pem", host.directory / "trust.p12"
    with lab.Standin(host.directory / f"{name}-standin", arguments=["--tls-cert-out", certificate]) as server:
        shop = Shop(server, name)
        shop.fill(1, 5)
        shop.captured()
        store.unlink(missing_ok=True)
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "server", "-file", certificate, "-keystore", store,
                        "-storetype", "PKCS12", "-storepass", lab.PASSWORD], check=True, capture_output=True)
        strict = {**shop.settings(), "driver.trustServerCertificate": "false"}
        assert "PKIX path building failed" in refusal(host, name + "a", strict)
        strict.update({"driver.trustStore": store, "driver.trustStoreType": "PKCS12", "driver.trustStorePassword": lab.PASSWORD})
        with running(host, name, strict) as engine:
            engine.wait_rows(1, snapshot="last")
            shop.check(engine)
