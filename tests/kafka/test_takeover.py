"""Debezium and millrace in turns on one connector: each goes on where the other stopped, nothing is lost and nothing doubled."""

import contextlib
import itertools
import json

import pytest

import lab
import lab_kafka
import topics
from conftest import LAB

numbers = itertools.count(1)
PLAIN = {f"{side}.converter{what}": value for side in ("key", "value")
         for what, value in (("", "org.apache.kafka.connect.json.JsonConverter"), (".schemas.enable", "false"))}

MILLRACES = ("debezium.version", "transaction.max.rows", "topic.creation.enable")  # not for Debezium's connector


class Shop:
    """A stand-in with two captured tables, and a connector that either of the two may run."""

    def __init__(self, broker, worker, name, **properties):
        self.broker, self.worker, self.name = broker, worker, name
        self.directory = lab.fresh_dir(LAB / name)
        self.server = lab.Standin(self.directory / "standin", capture_ms=20)
        self.server.script("CREATE DATABASE shop")
        self.server.script("""
            ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON
            GO
            EXEC sys.sp_cdc_enable_db
            GO
            CREATE TABLE dbo.items (id int NOT NULL PRIMARY KEY, n int NOT NULL DEFAULT 0, note nvarchar(40) NULL)
            CREATE TABLE dbo.marks (id int IDENTITY PRIMARY KEY, price decimal(9,2) NULL)
            GO
            EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL
            EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'marks', @role_name = NULL""", "shop")
        for topic, partitions in ((f"{name}-history", 1), (name, 1), (f"{name}.shop.dbo.items", 1), (f"{name}.shop.dbo.marks", 1)):
            broker.create_topic(topic, partitions)
        self.properties = {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "topic.prefix": name,
            "database.hostname": "127.0.0.1", "database.port": str(self.server.port), "database.user": "sa",
            "database.password": lab.PASSWORD, "database.names": "shop", "database.encrypt": "false", "poll.interval.ms": "20",
            "debezium.version": worker.debezium[:3], "schema.history.internal.kafka.topic": f"{name}-history",
            "schema.history.internal.kafka.bootstrap.servers": broker.address, **PLAIN,
            **{k.replace("__", "."): v for k, v in properties.items()}}
        self.worker_file = lab_kafka.write_properties(self.directory / "worker.properties", {
            "bootstrap.servers": broker.address, "group.id": worker.group, "offset.storage.topic": f"{worker.group}-offsets",
            "offset.storage.partitions": 1, **PLAIN})
        self.source_file = self.directory / "source.json"
        self.source_file.write_text(json.dumps({"name": name, "config": self.properties}))

    def sql(self, *batches):
        with contextlib.closing(self.server.connect("shop")) as c, c.cursor() as q:
            for text in batches:
                q.execute(text)

    def work(self, first):
        """Inserts, updates, deletes and a transaction over both tables, on keys of their own."""
        self.sql(*(f"INSERT dbo.items VALUES ({i}, 1, N'note {i}')" for i in range(first, first + 10)),
                 f"UPDATE dbo.items SET n = n + 1 WHERE id >= {first} AND id < {first + 5}", f"DELETE dbo.items WHERE id = {first}",
                 f"BEGIN TRAN; INSERT dbo.items(id) VALUES ({first + 20}), ({first + 21}); INSERT dbo.marks(price) VALUES (1.5); "
                 f"UPDATE dbo.items SET n = 7 WHERE id = {first + 20}; COMMIT",
                 f"UPDATE dbo.items SET id = {first + 30} WHERE id = {first + 1}", "INSERT dbo.marks(price) VALUES (2)")

    def events(self):
        read = topics.read(self.broker, [f"{self.name}.shop.dbo.items", f"{self.name}.shop.dbo.marks"])
        return [json.loads(r.value) for r in read if r.value]

    def built(self):
        """The tables as the events make them; every event must be of a row that is, or isn't, there."""
        rows = {"items": {}, "marks": {}}
        for e in self.events():
            table = rows[e["source"]["table"]]
            if e["op"] in "cr":
                assert e["after"]["id"] not in table, e
            if e["op"] in "ud":
                assert table.pop(e["before"]["id"]) == e["before"], e
            if e["op"] != "d":
                table[e["after"]["id"]] = e["after"]
        return {t: {k: v["n"] if t == "items" else None for k, v in r.items()} for t, r in rows.items()}

    def base(self):
        items = {r[0]: r[1] for r in self.server.rows("SELECT id, n FROM dbo.items", "shop")}
        return {"items": items, "marks": {r[0]: None for r in self.server.rows("SELECT id FROM dbo.marks", "shop")}}

    def wait_same(self, what):
        last = self.server.rows("SELECT MAX(id) FROM dbo.marks", "shop")[0][0]
        lab.wait_for(what, lambda: any(e["source"]["table"] == "marks" and e["after"]["id"] == last for e in self.events()), 60, 0.2)
        assert self.built() == self.base()

    @contextlib.contextmanager
    def millrace(self):
        with lab.Millrace(self.directory, "--plain", self.worker_file, self.source_file, name=f"millrace{next(numbers)}") as run:
            yield
            assert run.stop() == 0

    def debezium(self, **more):
        mine = {k: v for k, v in self.properties.items() if k not in MILLRACES}
        self.worker.post(self.name, {**mine, "driver.trustServerCertificate": "true", **{k.replace("__", "."): v for k, v in more.items()}})

    def has_offset(self, **wanted):
        """Whether there is one of Debezium's, with these values in it."""
        key = json.dumps([self.name, {"server": self.name, "database": "shop"}], separators=(",", ":")).encode()
        values = [r.value for r in topics.read(self.broker, [f"{self.worker.group}-offsets"]) if r.key == key and r.value]
        return bool(values) and wanted.items() <= json.loads(values[-1]).items()

    def offset(self):
        """Debezium's, as the topic of offsets has it."""
        key = json.dumps([self.name, {"server": self.name, "database": "shop"}], separators=(",", ":")).encode()
        return json.loads([r.value for r in topics.read(self.broker, [f"{self.worker.group}-offsets"]) if r.key == key][-1])

    def stop(self):
        self.server.stop()


@pytest.mark.parametrize("first", ["debezium", "millrace"])
def test_each_goes_on_where_the_other_stopped(broker, worker, first):
    shop = Shop(broker, worker, f"turns{next(numbers)}")
    try:
        shop.sql("INSERT dbo.items VALUES (1, 1, N'copied'), (2, 2, NULL)", "INSERT dbo.marks(price) VALUES (0)")
        turns = ["debezium", "millrace", "debezium", "millrace"][first == "millrace":]
        for turn, who in enumerate(turns):
            if who == "millrace":
                with shop.millrace():
                    if turn == 0:
                        shop.wait_same("the copy")
                    shop.work(1000 * turn + 100)
                    shop.wait_same(f"turn {turn}: millrace")
            else:
                if turn > 1:
                    worker.resume(shop.name)
                else:
                    shop.debezium()
                if turn == 0:
                    shop.wait_same("the copy")
                shop.work(1000 * turn + 100)
                shop.wait_same(f"turn {turn}: debezium")
                shop.worker.stop_connector(shop.name)
            shop.work(1000 * turn + 500)  # while neither runs
        events = shop.events()
        assert sum(e["op"] == "r" for e in events) == 3  # the tables were copied once
        places = [(e["source"]["commit_lsn"], e["source"]["change_lsn"], e["source"]["event_serial_no"], e["source"]["table"])
                  for e in events if e["op"] != "r"]
        assert len(set(places)) == len(places)
    finally:
        shop.stop()


@pytest.mark.parametrize("lists", ["include_list", "no_list"])
def test_tables_of_the_history_that_are_not_read_are_no_obstacle(broker, worker, lists):
    """Debezium writes every table of the database into its history, whatever the lists say, and the table of signals."""
    more = {"table.include.list": r"dbo\.items,dbo\.marks"} if lists == "include_list" else {}
    shop = Shop(broker, worker, f"turns{next(numbers)}", **{"signal.data.collection": "shop.dbo.signals"}, **more)
    try:
        shop.sql("CREATE TABLE dbo.signals (id varchar(42) NOT NULL PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) NULL)",
                 "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'signals', @role_name = NULL",
                 "INSERT dbo.items VALUES (1, 1, N'copied')", "INSERT dbo.marks(price) VALUES (0)")
        if more:
            shop.sql("CREATE TABLE dbo.other (id int NOT NULL PRIMARY KEY)",
                     "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'other', @role_name = NULL")
        shop.debezium()
        shop.wait_same("the copy")
        shop.work(100)
        shop.wait_same("debezium")
        worker.stop_connector(shop.name)
        history = b"".join(r.value for r in topics.read(broker, [f"{shop.name}-history"]))
        assert b"signals" in history and (b"other" in history or not more)
        shop.work(500)
        for turn in range(2):  # the second one goes on from millrace's own position
            with shop.millrace():
                shop.work(1000 * turn + 1100)
                shop.wait_same(f"millrace {turn}")
        worker.resume(shop.name)
        shop.work(5100)
        shop.wait_same("debezium again")
        worker.stop_connector(shop.name)
        assert sum(e["op"] == "r" for e in shop.events()) == 2
    finally:
        shop.stop()


def test_a_copy_that_ends_without_rows_is_finished_for_debezium_too(broker, worker):
    """The table that is copied last (items) is empty, and nothing is changed before Debezium goes on."""
    shop = Shop(broker, worker, f"turns{next(numbers)}")
    try:
        shop.sql("INSERT dbo.marks(price) VALUES (0), (1)")
        with shop.millrace():
            lab.wait_for("the copy", lambda: shop.has_offset(snapshot_completed=True), 60, 0.2)
        assert len(shop.events()) == 2
        shop.debezium()
        shop.work(100)
        shop.wait_same("debezium")
        worker.stop_connector(shop.name)
        assert sum(e["op"] == "r" for e in shop.events()) == 2
    finally:
        shop.stop()


class LargeTransactions(Shop):
    """One that has transactions of thousands of changes over three tables, and a Debezium that takes its time for them (SLOW). The third
    table's topic isn't made by itself."""
    SLOW = {"max.batch.size": "20", "max.queue.size": "40", "producer.override.batch.size": "0", "producer.override.buffer.memory": "65536"}

    def __init__(self, broker, worker, name):
        super().__init__(broker, worker, name, provide__transaction__metadata="true", topic__creation__enable="false",
                         transaction__max__rows="300", max__batch__size="200")
        broker.create_topic(f"{name}.transaction", 1)
        self.sql("CREATE TABLE dbo.late (id int NOT NULL PRIMARY KEY)",
                 "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'late', @role_name = NULL")

    def transaction(self, first, count):
        """Inserts, updates and deletes of the same rows, some rows of another table between them, and one of a third near its end; the number
        of changes."""
        ids = range(first, first + count)
        rows = [", ".join(f"({i}, 1, N'note {i}')" for i in ids[at:at + 500]) for at in range(0, count, 500)]
        self.sql("BEGIN TRAN; " + " ".join(f"INSERT dbo.items VALUES {r}; INSERT dbo.marks(price) VALUES (1), (2);" for r in rows)
                 + f" UPDATE dbo.items SET n = 2 WHERE id >= {first} AND id % 2 = 0; DELETE dbo.items WHERE id >= {first} AND id % 4 = 0;"
                 f" INSERT dbo.late VALUES ({first}); UPDATE dbo.items SET n = 3 WHERE id >= {first} AND id % 4 = 1; COMMIT")
        return count + 2 * len(rows) + count // 2 + count // 4 + 1 + count // 4

    def topics(self):
        tables = [f"{self.name}.shop.dbo.{t}" for t in ("items", "marks", "late")]
        return [t for t in tables if t in self.broker.topics()]

    def changes(self, who):
        """Changes that one of the two wrote: (place in Debezium's order, number in the transaction) by commit."""
        found = {}
        for r in topics.read(self.broker, self.topics()):
            e = json.loads(r.value) if r.value else {"op": "r"}
            if e["op"] != "r" and ("millrace" in e["source"]["version"]) == (who == "millrace"):
                s = e["source"]
                found.setdefault(s["commit_lsn"], []).append(((s["change_lsn"], s["event_serial_no"]), e["transaction"]["total_order"]))
        return {commit: sorted(places) for commit, places in found.items()}

    def is_within_a_transaction(self, before):
        """Whether the offset counts changes of a commit that wasn't there before: the notes that begin and end transactions store the place
        of a commit's first change too, and count none of it."""
        at = self.offset()
        counts = [v for k, v in at.items() if k.startswith("transaction_data_collection_order_")]
        return at["commit_lsn"] not in before and at["transaction_id"] == at["commit_lsn"] and sum(map(int, counts)) > 0


def wait_written(shop, who, count, past=()):
    """Until one of the two has written that many changes of commits that weren't there before."""
    def there():
        return sum(len(c) for commit, c in shop.changes(who).items() if commit not in past) >= count
    lab.wait_for(f"{count} changes by {who}", there, 60, 0.05)


def test_takeover_in_mid_transaction(broker, worker):
    """Debezium is killed in a transaction, with an offset of its middle stored: millrace writes just what lies behind that offset. And
    millrace's end in a transaction, of which some is written: Debezium goes on from the transaction before."""
    shop = LargeTransactions(broker, worker, f"turns{next(numbers)}")
    try:
        shop.sql("INSERT dbo.items VALUES (1, 1, N'copied')", "INSERT dbo.marks(price) VALUES (0)")
        shop.debezium(**LargeTransactions.SLOW)
        lab.wait_for("the copy", lambda: len(topics.read(broker, shop.topics())) == 2, 60, 0.1)
        shop.sql("INSERT dbo.marks(price) VALUES (1)")
        wait_written(shop, "debezium", 1)
        before = set(shop.changes("debezium"))
        broker.create_topic(f"{shop.name}.shop.dbo.late", 1)
        total = shop.transaction(1000, 3000)
        lab.wait_for("an offset within it", lambda: shop.is_within_a_transaction(before), 60, 0.01)
        worker.stop(kill=True)
        offset = shop.offset()
        place = (offset["change_lsn"], int(offset["event_serial_no"]))
        sent = shop.changes("debezium")[offset["commit_lsn"]]
        assert offset["commit_lsn"] not in before and place in dict(sent) and len(sent) < total

        shop.sql("INSERT dbo.marks(price) VALUES (3)")
        with shop.millrace():
            wait_written(shop, "millrace", 1, {offset["commit_lsn"]})
        written = shop.changes("millrace")
        ours, theirs = written[offset["commit_lsn"]], [c for c in sent if c[0] <= place]
        assert set(written) & before == set() and ours[0][0] > place
        assert [number for _, number in theirs + ours] == list(range(1, total + 1))
        assert len({at for at, _ in theirs + ours}) == total

        broker.delete_topic(f"{shop.name}.shop.dbo.late")
        lab.wait_for("the topic gone", lambda: len(shop.topics()) == 2)
        stood, before = shop.offset(), before | set(written) | {offset["commit_lsn"]}
        total = shop.transaction(10000, 1000)
        with lab.Millrace(shop.directory, "--plain", shop.worker_file, shop.source_file, name=f"millrace{next(numbers)}") as run:
            assert run.wait(60) != 0 and "late" in run.log()
        [(commit, some)] = [(c, found) for c, found in shop.changes("millrace").items() if c not in before]
        assert 0 < len(some) < total and shop.offset() == stood

        broker.create_topic(f"{shop.name}.shop.dbo.late", 1)
        worker.start()
        worker.wait_up()
        wait_written(shop, "debezium", total, before)
        worker.stop_connector(shop.name)
        [theirs] = [found for c, found in shop.changes("debezium").items() if c not in before]
        assert shop.changes("debezium")[commit] == theirs
        assert [number for _, number in theirs] == list(range(1, total + 1)) and len(dict(theirs)) == total
        shop.sql("INSERT dbo.marks(price) VALUES (4)")
        with shop.millrace():
            wait_written(shop, "millrace", 1, before | {commit})
        assert shop.changes("millrace")[commit] == some
    finally:
        shop.stop()
