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


class Shop:
    """A stand-in with two captured tables, and a connector that either of the two may run."""

    def __init__(self, broker, worker, name):
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
            "schema.history.internal.kafka.bootstrap.servers": broker.address, **PLAIN}
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

    def debezium(self):
        mine = {k: v for k, v in self.properties.items() if k != "debezium.version"}
        self.worker.post(self.name, {**mine, "driver.trustServerCertificate": "true"})

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
