"""A database for Debezium to capture, and what the tests ask of it and of an engine."""

import contextlib
import datetime as dt
import decimal
import json

import engines
import lab

class Shop:
    """A database with change data capture on the server, and what the tests ask of it. Every one has a table `mark`, whose rows
    tell how far Debezium has come: commits are carried in order."""

    ITEM = """CREATE TABLE dbo.item(id int NOT NULL PRIMARY KEY, name nvarchar(60) NULL, price decimal(9,2) NOT NULL,
              seen datetime2(3) NULL)"""

    def __init__(self, server, name):
        self.server, self.name = server, name
        server.script(f"CREATE DATABASE [{name}]\nGO\nALTER DATABASE [{name}] SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.run("EXEC sys.sp_cdc_enable_db")
        self.run("CREATE TABLE dbo.mark(id int IDENTITY PRIMARY KEY, note varchar(10))", self.ITEM)
        self.capture("mark")
        self.capture("item")

    def run(self, *batches):
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            for batch in batches:
                q.execute(batch)
                while q.nextset():
                    pass

    def rows(self, sql):
        return self.server.rows(sql, self.name)

    def capture(self, table, schema="dbo", instance=None, **more):
        more = "".join(f", @{k} = {v}" for k, v in more.items())
        name = f"N'{instance}'" if instance else "NULL"
        self.run(f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', @role_name = NULL, "
                 f"@capture_instance = {name}{more}")
        lab.wait_for(f"{schema}.{table} captured", lambda: not self.rows(
            "SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NULL"))

    def captured(self):
        """Wait until the capture job has taken up every commit so far."""
        self.run("INSERT dbo.mark(note) VALUES ('captured')")
        lab.wait_for("the capture job", lambda: self.rows(
            "SELECT 1 FROM cdc.dbo_mark_CT WHERE id = (SELECT MAX(id) FROM dbo.mark)"))

    def fill(self, first, last):
        values = ", ".join(f"({i}, N'item {i} – ж', {i}.5, '2026-01-01T00:00:00.{i % 1000:03}')" for i in range(first, last + 1))
        self.run(f"INSERT dbo.item(id, name, price, seen) VALUES {values}")

    def base(self, table):
        """A table as replaying events would build it."""
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            q.execute("SELECT c.name FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = "
                      "i.index_id JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id "
                      f"WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID(N'{table}')")
            key = [r[0] for r in q.fetchall()]
            q.execute(f"SELECT * FROM {table}")
            names = [d[0] for d in q.description]
            rows = [dict(zip(names, map(plain, r))) for r in q.fetchall()]
        return {json.dumps({k: r[k] for k in key}, sort_keys=True): r for r in rows}

    def settings(self, **more):
        return settings(self.server, [self.name], **more)

    def drained(self, engine):
        """Wait until the engine, which streams by now, has handed over everything committed so far."""
        with contextlib.closing(self.server.connect(self.name)) as c, c.cursor() as q:
            q.execute("INSERT dbo.mark(note) OUTPUT inserted.id VALUES ('drained')")
            mark = q.fetchone()[0]
        engine.wait(f"mark {mark}", lambda e: any(
            r.op == "c" and r.after["id"] == mark and r.db == self.name for r in e.rows("dbo.mark")))

    def check(self, engine, *tables, strict=True):
        """What the engine said, former runs of its name included, builds the tables."""
        self.drained(engine)
        built = engines.replay(engine.events(former=True), strict)
        for table in tables or ("dbo.item", "dbo.mark"):
            assert built.get((self.name, table), {}) == self.base(table)


def plain(value):
    if isinstance(value, decimal.Decimal):
        return f"{value:.2f}"  # python-tds drops zeros at the end
    if isinstance(value, dt.datetime):
        return round((value - dt.datetime(1970, 1, 1)) / dt.timedelta(milliseconds=1))
    return value


def settings(server, databases, **more):
    """A connector's properties; in `more`, __ stands for a dot."""
    return {"database.hostname": "127.0.0.1", "database.port": server.port, "database.user": "sa",
            "database.password": lab.PASSWORD, "database.names": ",".join(databases), "driver.trustServerCertificate": "true",
            "decimal.handling.mode": "string", **{k.replace("__", "."): v for k, v in more.items()}}


@contextlib.contextmanager
def running(host, name, properties, gate=None):
    engine = host.start(name, properties, gate)
    try:
        yield engine
    except BaseException:
        host.command("stop", name)
        raise
    engine.stop()


def refusal(host, name, properties):
    """What the engine says when it gives up."""
    engine = host.start(name, properties)
    why = engine.failure()
    host.command("stop", name)
    engine.wait_stopped()
    return why


def in_commit_order(rows):
    """Streamed rows come by commit LSN, within it by seqval and the number of the row there."""
    positions = [r.position for r in rows if r.snapshot == "false"]
    assert positions == sorted(positions)
    return positions


def wait_schema(engine, table, kind="CREATE"):
    """Wait for the schema change event of a table."""
    return engine.wait(f"{kind} {table}", lambda e: any(
        c["type"] == kind and c["id"].endswith(f'."{table}"')
        for r in e.events() if r.topic == e.name for c in r.value["tableChanges"]))
