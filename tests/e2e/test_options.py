"""Properties of the source, seen in the target."""

import contextlib
import hashlib

import pytest

import lab
from compare import warehouse_differences
from conftest import numbers
from workload import Workload


def execute(source, sql, database="warehouse_source"):
    with contextlib.closing(source.connect(database)) as c, c.cursor() as q:
        q.execute(sql)


def test_masked_hashed_and_truncated_columns_are_so_in_copy_and_stream(runner, warehouse, target):
    salt = "Pepper.7"
    changes = {
        "column.mask.with.5.chars": r"dbo\.customers\.email",
        f"column.mask.hash.v2.SHA-256.with.salt.{salt}": "dbo.customers.city",
        "column.truncate.to.4.chars": r"dbo\.customers\.name",
    }
    run = runner.start(source=changes)
    lab_rows = "select count(*) from dbo.customers where email = '*****' and length(name) <= 4"
    drained_by(runner, run, warehouse, target)
    execute(warehouse, "UPDATE dbo.customers SET email = N'new@example.com', name = N'Longer name', city = N'Ærø' WHERE id = 3")
    drained_by(runner, run, warehouse, target)
    assert target.value(lab_rows) == target.value("select count(*) from dbo.customers")
    expected = hashlib.sha256((salt + "Ærø").encode()).hexdigest()[:60]
    assert target.rows("select name, email, city from dbo.customers where id = 3") == [("Long", "*****", expected)]
    source, sink = runner.files(changes)
    done = runner.command("verify", source, sink)
    assert done.returncode == 0, done.stdout + done.stderr
    assert salt not in run.log() + done.stdout + done.stderr


def drained_by(runner, process, source, target):
    """Runner.drained finds its mark by the email, which these tests hide: an order's note does as well."""
    note = f"mark-{next(numbers)}"
    execute(source, f"INSERT INTO dbo.orders (customer_id, status, total, note, placed_at) VALUES (1, N'open', 0, N'{note}', '2026-01-01')")

    def check():
        assert process.is_running(), process.log()
        return target.rows("select 1 from dbo.orders where note = %s", note)

    lab.wait_for("the target to catch up", check, 60)


def test_a_mask_on_a_number_stops_the_run_at_its_start(runner, warehouse, target):
    run = runner.start(source={"column.mask.with.5.chars": r"dbo\.customers\.credit"})
    assert run.wait(30) == 1
    assert "only text is masked" in run.log()
    assert not target.rows("select 1 from pg_tables where schemaname = 'dbo'")


def test_skipped_operations_and_updates_without_a_change_are_left_out(runner, warehouse, target):
    changes = {"skipped.operations": "d", "skip.messages.without.change": "true", "column.exclude.list": r"dbo\.customers\.city"}
    run = runner.start(source=changes)
    runner.drained(run)
    target.rows("update dbo.customers set name = 'kept' where id = 4")
    execute(warehouse, "UPDATE dbo.customers SET city = N'not taken' WHERE id = 4")
    execute(warehouse, "DELETE FROM dbo.line_items WHERE order_id = 7")
    execute(warehouse, "UPDATE dbo.customers SET name = N'new' WHERE id = 5")
    runner.drained(run)
    assert target.value("select name from dbo.customers where id = 4") == "kept"
    assert target.value("select name from dbo.customers where id = 5") == "new"
    assert target.value("select count(*) from dbo.line_items where order_id = 7") > 0
    assert warehouse.rows("SELECT COUNT(*) FROM dbo.line_items WHERE order_id = 7", "warehouse_source")[0][0] == 0


def test_the_change_functions_give_the_same(runner, warehouse, target):
    run = runner.start(source={"data.query.mode": "function"})
    runner.drained(run)
    load = Workload(warehouse, 300, 600, seed=11, limit=150)
    load.start()
    load.join(60)
    assert not load.error
    runner.drained(run)
    assert run.stop() == 0
    for _ in range(3):
        runner.mark()
    lab.wait_for("capture", lambda: warehouse.rows("SELECT COUNT(*) FROM cdc.dbo_customers_CT", "warehouse_source")[0][0] >= 4)
    run = runner.start(source={"data.query.mode": "function"})
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []
    assert run.stop() == 0
    marker = runner.mark()
    lab.wait_for("capture", lambda: warehouse.rows(f"SELECT COUNT(*) FROM cdc.dbo_customers_CT WHERE email = N'{marker}'", "warehouse_source")[0][0])
    warehouse.script("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @l", "warehouse_source")
    done = runner.command("run", *runner.files({"data.query.mode": "function"}))
    assert done.returncode == 1 and "are needed, but its change table begins at" in done.stderr


def test_a_copy_by_a_statement_of_ones_own_takes_its_rows_and_all_changes(runner, warehouse, target):
    changes = {
        "snapshot.select.statement.overrides": "dbo.orders,dbo.line_items",
        "snapshot.select.statement.overrides.dbo.orders": "SELECT * FROM [dbo].[orders] WHERE id % 2 = 0 ORDER BY id DESC -- newest first",
        "snapshot.select.statement.overrides.dbo.line_items": "SELECT l.* FROM dbo.line_items l JOIN dbo.orders o ON o.id = l.order_id WHERE o.id % 2 = 0;",
    }
    run = runner.start(source=changes)
    runner.drained(run)
    even = warehouse.rows("SELECT COUNT(*) FROM dbo.orders WHERE id % 2 = 0", "warehouse_source")[0][0]
    assert target.value("select count(*) from dbo.orders") == even > 0
    assert target.value("select count(*) from dbo.line_items where order_id % 2 = 1") == 0
    assert target.value("select count(*) from dbo.line_items") > 0
    execute(warehouse, "UPDATE dbo.orders SET note = N'changed' WHERE id = 5")
    runner.drained(run)
    assert target.value("select note from dbo.orders where id = 5") == "changed"


def test_a_statement_that_lacks_a_column_stops_the_run_at_its_start(runner, warehouse, target):
    changes = {
        "snapshot.select.statement.overrides": "dbo.orders",
        "snapshot.select.statement.overrides.dbo.orders": "SELECT id, status FROM dbo.orders",
    }
    done = runner.command("run", *runner.files(changes))
    assert done.returncode == 1 and "snapshot.select.statement.overrides.dbo.orders" in done.stderr
    assert not target.rows("select 1 from pg_tables where schemaname = 'dbo'")


def test_tables_that_are_not_to_be_copied_stream_from_now_on(runner, warehouse, target):
    run = runner.start(source={"snapshot.include.collection.list": r"warehouse_source\.dbo\.customers"})
    runner.drained(run)
    assert target.value("select count(*) from dbo.customers") > 300
    assert target.value("select count(*) from dbo.orders") == 0
    execute(warehouse, "UPDATE dbo.orders SET note = N'changed' WHERE id = 5")
    runner.drained(run)
    assert target.rows("select id, note from dbo.orders") == [(5, "changed")]


@pytest.mark.parametrize("mode", ["exclusive", "repeatable_read", "read_committed", "read_uncommitted", "snapshot"])
@pytest.mark.parametrize("allows_snapshot", [False, True])
def test_each_isolation_mode_ends_equal(mode, allows_snapshot, runner, warehouse, target):
    if allows_snapshot:
        warehouse.script("ALTER DATABASE warehouse_source SET ALLOW_SNAPSHOT_ISOLATION ON")
    if mode == "snapshot" and not allows_snapshot:
        done = runner.command("run", *runner.files({"snapshot.isolation.mode": mode}))
        assert done.returncode == 1 and "ALLOW_SNAPSHOT_ISOLATION" in done.stderr
        return
    load = Workload(warehouse, 300, 600, seed=12, limit=60)
    load.start()
    run = runner.start(source={"snapshot.isolation.mode": mode})
    load.join(60)
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []
    assert ("isolation_bettered" in run.log()) == (mode == "read_uncommitted")


def test_a_heartbeat_runs_on_the_source_and_its_failure_holds_nothing_up(runner, warehouse, target):
    execute(warehouse, "CREATE TABLE dbo.beats (id int IDENTITY PRIMARY KEY, at datetime2 NOT NULL)")
    beat = {"heartbeat.interval.ms": "50", "heartbeat.action.query": "INSERT INTO dbo.beats (at) VALUES (SYSUTCDATETIME())"}
    run = runner.start(source=beat)
    runner.drained(run)
    lab.wait_for("beats", lambda: warehouse.rows("SELECT COUNT(*) FROM dbo.beats", "warehouse_source")[0][0] >= 3)
    execute(warehouse, "DROP TABLE dbo.beats")
    lab.wait_for("the warning", lambda: "heartbeat_failed" in run.log())
    runner.drained(run)
    assert run.stop() == 0


def test_the_waits_before_copy_and_stream_are_kept(runner, warehouse, target):
    run = runner.start(source={"snapshot.delay.ms": "3600000"})
    lab.wait_for("the tables", lambda: target.rows("select 1 from pg_tables where tablename = 'line_items' and schemaname = 'dbo'"))
    lab.wait_for("the position", lambda: "stream_position" in run.log())
    assert target.value("select count(*) from dbo.customers") == 0
    assert run.stop() == 0
    run = runner.start(source={"streaming.delay.ms": "300"})
    runner.drained(run)
    assert warehouse_differences(warehouse, target) == []


@pytest.mark.parametrize("limits,tries", [({}, 11), ({"source": {"errors.max.retries": "2"}}, 3), ({"sink": {"max.retries": "1"}}, 2)])
def test_a_target_that_stays_away_fails_after_ten_restarts_or_what_is_set(limits, tries, runner, warehouse):
    waits = {"retriable.restart.connector.wait.ms": "2"}
    nowhere = {"connection.url": f"postgresql://postgres@127.0.0.1:{lab.free_port()}/nowhere", "retry.backoff.ms": "1"}
    files = runner.files({**waits, **limits.get("source", {})}, {**nowhere, **limits.get("sink", {})})
    done = runner.command("run", *files)
    assert done.returncode == 1
    assert done.stderr.count("event=pipeline_retry") == tries - 1
    assert f"tries={tries}" in done.stderr and "refused" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("lists", [{"field.exclude.list": "city,sqlserver.warehouse_source.dbo.orders:note"},
                                   {"fields.whitelist": "name,status,total,placed_at,customer_id,sku,quantity,email"}])
def test_fields_that_the_sink_does_not_want_are_not_written(lists, runner, warehouse, target):
    run = runner.start(sink=lists)
    runner.drained(run)
    columns = {row[0] for row in target.rows("select table_name || '.' || column_name from information_schema.columns where table_schema = 'dbo'")}
    assert "customers.city" not in columns and "orders.note" not in columns
    assert {"customers.id", "customers.name", "orders.id", "orders.status", "line_items.order_id", "line_items.line_no"} <= columns
    done = runner.command("verify", *runner.files(sink=lists))
    assert done.returncode == 0, done.stdout + done.stderr


CONFLUENT = {"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "primary.key.mode": None, "schema.evolution": None,
             "quote.identifiers": None, "collection.name.format": None, "pk.mode": "record_key", "auto.create": "true", "auto.evolve": "true",
             "table.name.format": "${topic}"}
UNWRAP_AND_ROUTE = {
    "transforms": "unwrap,route",
    "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
    "transforms.unwrap.delete.tombstone.handling.mode": "tombstone",
    "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.route.regex": r"[^.]+\.[^.]+\.([^.]+)\.([^.]+)",
    "transforms.route.replacement": "$1.$2",
}


def test_transforms_of_the_jvm_stack_name_the_tables(runner, warehouse, target):
    """What the files of Confluent's sink behind Debezium always have: rows need no unwrapping, tables are named by the router."""
    run = runner.start(sink={**CONFLUENT, **UNWRAP_AND_ROUTE})
    runner.drained(run)
    execute(warehouse, "UPDATE dbo.customers SET city = N'moved' WHERE id = 1")
    execute(warehouse, "DELETE FROM dbo.line_items WHERE order_id = 1")
    runner.drained(run)
    assert target.value("select city from dbo.customers where id = 1") == "moved"
    assert not warehouse_differences(warehouse, target)


def test_room_in_the_pages_of_made_tables_makes_updates_cheap(runner, warehouse, target):
    """PostgreSQL says itself that no index has a new entry for them."""
    run = runner.start(sink={"table.fillfactor": "60"})
    runner.drained(run)
    made = target.rows("select reloptions from pg_class where relkind = 'r' and relnamespace = 'dbo'::regnamespace")
    assert made and all(options == ["fillfactor=60"] for options, in made), made
    execute(warehouse, "UPDATE dbo.customers SET city = N'moved' WHERE id <= 5")
    runner.drained(run)
    lab.wait_for("the server's count", lambda: target.rows(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where schemaname = 'dbo' and relname = 'customers'") == [(5, 5)])
    assert not warehouse_differences(warehouse, target)


def test_a_transform_that_needs_records_stops_the_run_with_its_cure(runner, warehouse):
    cast = {"transforms": "cast", "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.cast.spec": "id:string"}
    refused = runner.command("run", *runner.files(sink=cast))
    assert refused.returncode == 2 and "works on records of topics only" in refused.stderr and "column.type.overrides" in refused.stderr, refused.stderr
