"""A database that has every type and every kind of change, for two connectors that read it side by side.

Both take their first copy of the same quiet tables, then both stream the same changes; what they write differs by nothing but
what must differ. build() makes the tables and rows, PHASES are run one after another while both stream.
"""

import contextlib
import importlib.util
import threading

import lab

DATABASE = "Shop"
SETTINGS = {  # a connector's, by name; each name is its topic.prefix, so that all of them share one worker and one broker
    "schemas": {"provide.transaction.metadata": "true"},
    "plain": {"key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false", "decimal.handling.mode": "string",
              "time.precision.mode": "connect", "binary.handling.mode": "hex", "tombstones.on.delete": "false",
              "message.key.columns": "dbo.customers:email", "skipped.operations": "none",
              "column.mask.hash.v2.SHA-256.with.salt.pepper": r"dbo\.journal\.what"},
    "modes": {"column.propagate.source.type": ".*", "decimal.handling.mode": "double", "binary.handling.mode": "base64",
              "time.precision.mode": "adaptive_time_microseconds", "schema.name.adjustment.mode": "avro_unicode",
              "field.name.adjustment.mode": "avro_unicode", "include.schema.changes": "false",
              "column.mask.with.12.chars": r"dbo\.customers\.state,dbo\.lines\.sku",  # longer than the one, shorter than the other
              "column.truncate.to.2.chars": r"dbo\.uniq\.what,dbo\.customers\.visits"},
    "avro": {"schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro", "provide.transaction.metadata": "true"},
}
TABLES = ["dbo.customers", "dbo.every", "dbo.journal", "dbo.lines", "dbo.mark", "dbo.uniq", "sales.order lines"]


def every():
    """The end-to-end tests' list of types with literals."""
    spec = importlib.util.spec_from_file_location("e2e_types", lab.ROOT / "tests" / "e2e" / "test_types.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TYPES = [t for t in module.TYPES if t[1] not in ("geography", "geometry")]  # docs/compatibility.md: left out of topics
    return module


EVERY = every()
ROWS = max(len(cases) for name, _, _, cases in EVERY.TYPES if name != "a_variant") + 1


def settings(server, broker, name, label="", **more):
    """What a connector is given, whoever runs it, but its converters. The label stands before its name and its topics'."""
    return {
        "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": label + name,
        "database.hostname": "127.0.0.1", "database.port": str(server.port), "database.user": "sa",
        "database.password": lab.PASSWORD, "database.names": DATABASE, "database.encrypt": "false",
        "schema.history.internal.kafka.bootstrap.servers": broker.address, "schema.history.internal.kafka.topic": f"history-{label}{name}",
        "topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3", "poll.interval.ms": "50",
        "event.converting.failure.handling.mode": "warn",  # of datetime2(7) that nanoseconds in 64 bits can't hold
        **SETTINGS[name], **{k.replace("__", "."): v for k, v in more.items()}}


def capture(table, instance=None):
    schema, name = table.split(".")
    more = f", @capture_instance = N'{instance}'" if instance else ""
    return f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{name}', @role_name = NULL{more}"


def insert_every(ids, shift=0):
    names = ", ".join(f"[{name}]" for name, _, _, _ in EVERY.TYPES)
    return [f"INSERT INTO dbo.every (id, {names}) VALUES ({i}, {', '.join(EVERY.literals(i + shift))})" for i in ids]


def build(server):
    """Make the database, its first rows and its capture instances; returns how many rows a first copy has."""
    columns = ", ".join(f"[{name}] {kind}" + ("" if "NULL" in kind else " NULL") for name, kind, _, _ in EVERY.TYPES)
    server.script(f"CREATE DATABASE [{DATABASE}]\nGO\nALTER DATABASE [{DATABASE}] SET ALLOW_SNAPSHOT_ISOLATION ON")
    run(server, "EXEC sp_configure 'max text repl size', -1; RECONFIGURE", "CREATE TYPE dbo.Phone FROM varchar(12)",
        "CREATE SCHEMA sales", "EXEC sys.sp_cdc_enable_db",
        f"CREATE TABLE dbo.every (id int NOT NULL PRIMARY KEY, {columns}, version rowversion NOT NULL)",
        """CREATE TABLE dbo.customers (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, name nvarchar(60) NOT NULL, email varchar(80) NOT NULL,
           credit decimal(12, 2) NOT NULL DEFAULT 0, state varchar(10) NULL DEFAULT 'new', visits int NULL DEFAULT 7,
           seen datetime2(3) NOT NULL DEFAULT '2026-01-02T03:04:05.678', is_active bit NOT NULL DEFAULT 1, ref uniqueidentifier NULL DEFAULT NEWID(),
           phone dbo.Phone NULL DEFAULT '0', owner sysname NOT NULL DEFAULT 'nobody', balance bigint NULL DEFAULT 3147483648)""",
        "CREATE TABLE dbo.lines (order_id int NOT NULL, line_no smallint NOT NULL, sku varchar(20) NULL, price money NULL, PRIMARY KEY (order_id, line_no))",
        "CREATE TABLE dbo.journal (at datetime2(7) NOT NULL, what nvarchar(40) NULL)",
        "CREATE TABLE dbo.uniq (code varchar(10) NOT NULL, part int NOT NULL, what nvarchar(40) NULL)",
        "CREATE UNIQUE INDEX uniq_code ON dbo.uniq (code, part)",
        "CREATE TABLE sales.[order lines] ([line no] int NOT NULL PRIMARY KEY, [Größe] nvarchar(10) NULL, [2nd] int NULL, a_b int NULL)",
        "CREATE TABLE dbo.mark (id int NOT NULL PRIMARY KEY)",
        *(capture(t) for t in TABLES),
        *insert_every(range(ROWS)),
        *(f"INSERT INTO dbo.customers (name, email, credit, ref) VALUES (N'Kunde {i} – ж', 'c{i}@example.com', {i}.5, '0000000{i}-8B86-D011-B42D-00C04FC964FF')"
          for i in range(1, 6)),
        "INSERT INTO dbo.customers (name, email, state, visits, ref) VALUES (N'none', 'none@example.com', NULL, NULL, NULL)",
        *(f"INSERT INTO dbo.lines VALUES ({i // 3}, {i % 3}, 'SKU-{i}', {i}.25)" for i in range(9)),
        "INSERT INTO dbo.journal VALUES ('2026-01-02T03:04:05.1234567', N'first')", "INSERT INTO dbo.journal VALUES ('2026-01-02T03:04:05.1234567', N'first')",
        "INSERT INTO dbo.uniq VALUES ('a', 1, N'one')", "INSERT INTO dbo.uniq VALUES ('b', 1, N'two')",
        "INSERT INTO sales.[order lines] VALUES (1, N'groß', 2, 3)", "INSERT INTO dbo.mark VALUES (0)")
    captured(server)
    return sum(server.rows(f"SELECT COUNT(*) FROM {quoted(t)}", DATABASE)[0][0] for t in TABLES)


def quoted(table):
    return ".".join(f"[{part}]" for part in table.split("."))


def run(server, *batches):
    server.script("\nGO\n".join(batches), DATABASE)


def mark(server, number):
    """A commit to wait for: commits are carried in order."""
    run(server, f"INSERT INTO dbo.mark VALUES ({number})")


def captured(server):
    """Wait until the capture job has taken up all commits."""
    mark(server, -1)
    lab.wait_for("the capture job", lambda: server.rows("SELECT 1 FROM cdc.dbo_mark_CT WHERE id = -1", DATABASE))
    run(server, "DELETE dbo.mark WHERE id = -1")
    lab.wait_for("the capture job", lambda: server.rows("SELECT 1 FROM cdc.dbo_mark_CT WHERE id = -1 AND __$operation = 1", DATABASE))


def operations(server):
    """Each operation, transactions over tables, rolled back work, several rows at once."""
    run(server, "INSERT INTO dbo.customers (name, email) VALUES (N'fresh', 'fresh@example.com')",
        "UPDATE dbo.customers SET credit = credit + 1, state = NULL, phone = NULL WHERE id = 1", "UPDATE dbo.customers SET name = name WHERE id = 2",
        "DELETE dbo.customers WHERE id = 3", "UPDATE dbo.customers SET visits = NULL WHERE id IN (1, 2, 4)",
        """BEGIN TRAN INSERT INTO dbo.lines VALUES (10, 1, 'SKU', 1), (10, 2, NULL, NULL); UPDATE dbo.customers SET visits = 1 WHERE id = 4;
           DELETE dbo.lines WHERE order_id = 0; INSERT INTO dbo.lines VALUES (0, 0, 'again', 5) COMMIT""",
        "BEGIN TRAN UPDATE dbo.customers SET name = N'never'; DELETE dbo.lines ROLLBACK",
        "BEGIN TRAN INSERT INTO dbo.lines VALUES (11, 1, 'brief', 1); UPDATE dbo.lines SET sku = 'brief 2' WHERE order_id = 11; DELETE dbo.lines WHERE order_id = 11 COMMIT",
        "INSERT INTO dbo.journal VALUES ('2261-12-31T23:59:59.9999999', NULL)", "UPDATE dbo.journal SET what = N'changed' WHERE what = N'first'",
        "DELETE dbo.journal WHERE what IS NULL",
        "UPDATE sales.[order lines] SET [Größe] = N'klein', [2nd] = NULL", "DELETE sales.[order lines]")


def keys(server):
    """Keys that change: a primary key's, a swap within one statement, a unique index's, and a column that message.key.columns names."""
    run(server, "UPDATE dbo.lines SET line_no = line_no + 50 WHERE order_id = 1", "UPDATE dbo.lines SET line_no = 3 - line_no WHERE order_id = 2 AND line_no IN (1, 2)",
        "UPDATE dbo.uniq SET code = 'z', what = N'moved' WHERE code = 'a'", "UPDATE dbo.uniq SET what = N'stays' WHERE code = 'b'", "DELETE dbo.uniq WHERE code = 'z'",
        "UPDATE dbo.customers SET email = 'moved@example.com' WHERE id = 2", "DELETE dbo.customers WHERE id = 2")


def types(server):
    run(server, *insert_every(range(100, 100 + ROWS)),
        *(f"UPDATE dbo.every SET " + ", ".join(f"[{t[0]}] = {v}" for t, v in zip(EVERY.TYPES, EVERY.literals(i + 1))) + f" WHERE id = {i}" for i in range(ROWS)),
        "UPDATE dbo.every SET a_bit = 1 - a_bit WHERE id >= 100", "DELETE dbo.every WHERE id % 2 = 1")


def schema(server):
    """A column is added, a second capture instance takes over, the first one goes."""
    run(server, "ALTER TABLE dbo.customers ADD points bigint NULL", "UPDATE dbo.customers SET points = 5 WHERE id = 1", capture("dbo.customers", "customers_2"))
    lab.wait_for("the second instance", lambda: not server.rows("SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NULL", DATABASE))
    run(server, "INSERT INTO dbo.customers (name, email, points) VALUES (N'later', 'later@example.com', 9000000000)", "UPDATE dbo.customers SET points = 6 WHERE id = 4",
        "DELETE dbo.customers WHERE id = 5")


class Steady:
    """Small transactions, one after the other, until they are stopped."""

    def __init__(self, server):
        self.server, self.is_over = server, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        number = 1000
        with contextlib.closing(self.server.connect(DATABASE)) as c, c.cursor() as q:
            while not self.is_over.wait(0.02):
                q.execute(f"BEGIN TRAN INSERT INTO dbo.lines VALUES ({number}, 1, 'steady', 1), ({number}, 2, NULL, NULL); "
                          f"UPDATE dbo.customers SET visits = {number} WHERE id = 1; DELETE dbo.lines WHERE order_id = {number} AND line_no = 2 COMMIT")
                number += 1

    def stop(self):
        self.is_over.set()
        self.thread.join()


PHASES = [operations, keys, types, schema]
