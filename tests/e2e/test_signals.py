"""Ad-hoc snapshots, stop, pause and resume: by command, by a signal table, by a file; under a workload and over restarts."""

import contextlib
import json
import re

import lab
from compare import warehouse_differences
from workload import Workload

SIGNAL_TABLE = """CREATE TABLE dbo.signals (id varchar(64) NOT NULL, type varchar(32) NOT NULL, data nvarchar(2048) NULL);
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'signals', @role_name = NULL"""


def run_sql(source, sql, *params):
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute(sql, params)
        while q.nextset():
            pass


def damage(target):
    """What only a copy can mend: rows that no change is to come of."""
    target.rows("update dbo.customers set city = 'nowhere' where id % 5 = 0")
    target.rows("delete from dbo.customers where id % 7 = 0 and not exists (select 1 from dbo.orders o where o.customer_id = customers.id)")


def signal(runner, *arguments, ok=True):
    r = runner.command("signal", *arguments, *runner.files())
    assert (r.returncode == 0) == ok, r.stdout + r.stderr
    return r.stdout


def copied(target, table="customers"):
    return target.rows("select 1 from millrace.table_state where source_table = %s and is_done", table)


def equal(run, source, target):
    def check():
        assert run.is_running(), run.log()
        return warehouse_differences(source, target) == []
    lab.wait_for("equal tables", check, 60, 0.3)


def test_a_command_copies_a_table_again_beside_a_workload(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    damage(target)
    load = Workload(warehouse, 300, 600, seed=5, pause=0.001)
    load.start()
    lab.wait_for("work", lambda: load.transactions > 30)
    out = signal(runner, "execute-snapshot", "--tables=dbo.customers")
    assert "dbo.customers: snapshot begins" in out
    seen = load.transactions
    lab.wait_for("more work", lambda: load.transactions > seen + 100)
    load.stop()
    runner.drained(run)
    lab.wait_for("the copy", lambda: copied(target), 30, 0.2)
    equal(run, warehouse, target)
    listed = signal(runner, "list")
    assert re.search(r"execute-snapshot +dbo.customers: snapshot begins", listed), listed


def test_a_filter_copies_just_its_rows(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    target.rows("update dbo.customers set city = 'nowhere'")
    signal(runner, "execute-snapshot", "--tables=dbo.customers", "--filter=id <= 100 -- the first")
    lab.wait_for("the copy", lambda: copied(target) and target.value(
        "select count(*) from dbo.customers where city = 'nowhere' and id <= 100") == 0, 30, 0.2)
    assert target.value("select count(*) from dbo.customers where city = 'nowhere' and id > 100 and coalesce(email, '') not like 'mark-%%'") == 200
    signal(runner, "execute-snapshot", "--tables=dbo.customers")
    equal(run, warehouse, target)


def test_pause_stop_and_a_kill_in_each_state(runner, warehouse, target):
    """Small chunks make the copy long enough to be met in its midst."""
    slow = {"incremental.snapshot.chunk.size": "1"}
    run = runner.start(source=slow)
    runner.drained(run)
    damage(target)
    signal(runner, "execute-snapshot", "--tables=dbo.customers,dbo.orders")
    assert "dbo.orders: snapshot paused" in signal(runner, "pause-snapshot", "--tables=dbo.orders") or copied(target, "orders")
    run.kill()
    run = runner.start(source=slow)
    lab.wait_for("customers", lambda: copied(target, "customers"), 60, 0.2)
    state = target.rows("select is_paused, is_done from millrace.table_state where source_table = 'orders'")[0]
    assert state in [(True, False), (False, True)], "a pause survives"
    signal(runner, "resume-snapshot")
    lab.wait_for("orders", lambda: copied(target, "orders"), 60, 0.2)
    equal(run, warehouse, target)
    assert "no ad-hoc snapshot" in signal(runner, "stop-snapshot")

    signal(runner, "execute-snapshot", "--tables=dbo.orders")
    signal(runner, "stop-snapshot", "--tables=dbo.orders")
    lab.wait_for("the stop", lambda: copied(target, "orders"), 30, 0.2)
    run.kill()
    run = runner.start(source=slow)
    runner.drained(run)
    equal(run, warehouse, target)


def test_a_blocking_snapshot_is_cut_and_goes_on(runner, warehouse, target):
    slow = {"incremental.snapshot.chunk.size": "2"}
    run = runner.start(source=slow)
    runner.drained(run)
    damage(target)
    load = Workload(warehouse, 300, 600, seed=6, pause=0.001)
    load.start()
    out = signal(runner, "execute-snapshot", "--tables=dbo.customers,dbo.line_items", "--blocking")
    assert "blocking snapshot begins" in out
    run.kill()
    run = runner.start(source=slow)
    seen = load.transactions
    lab.wait_for("more work", lambda: load.transactions > seen + 50)
    load.stop()
    runner.drained(run)
    equal(run, warehouse, target)


def test_the_pipeline_is_paused_over_a_restart_and_resumed(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    assert "paused" in signal(runner, "pause")
    before = target.value("select position from millrace.position")
    run.kill()
    run = runner.start()
    marker = runner.mark()
    lab.wait_for("the pause", lambda: "to=paused" in run.log(), 30, 0.1)
    lab.wait_for("the status", lambda: target.rows("select 1 from millrace.status where state = 'paused'"), 30, 0.1)
    assert target.rows("select 1 from dbo.customers where email = %s", marker) == []
    assert target.value("select position from millrace.position") == before
    assert "resumed" in signal(runner, "resume")
    lab.wait_for("the mark", lambda: target.rows("select 1 from dbo.customers where email = %s", marker), 30, 0.1)


def test_a_signal_table_in_the_stream(runner, warehouse, target):
    run_sql(warehouse, SIGNAL_TABLE)
    config = {"signal.data.collection": "warehouse_source.dbo.signals"}
    run = runner.start(source=config)
    runner.drained(run)
    damage(target)
    with contextlib.closing(warehouse.connect("warehouse_source", autocommit=False)) as c, c.cursor() as q:
        q.execute("UPDATE dbo.customers SET credit = credit + 1 WHERE id < 50")
        q.execute("INSERT INTO dbo.signals VALUES (%s, %s, %s)", (
            "one", "execute-snapshot", json.dumps({"data-collections": ["warehouse_source.dbo.customers"], "type": "incremental"})))
        q.execute("UPDATE dbo.customers SET credit = credit + 1 WHERE id >= 50")
        c.commit()
    lab.wait_for("the signal", lambda: "event=snapshot_asked_for" in run.log(), 30, 0.1)
    equal(run, warehouse, target)
    assert not target.value("select to_regclass('dbo.signals') is not null"), "the table isn't data"
    run_sql(warehouse, "INSERT INTO dbo.signals VALUES ('two', 'log', N'{\"message\": \"here at {}\"}')")
    lab.wait_for("the log line", lambda: "here at 0000" in run.log(), 30, 0.1)


def test_a_signal_file(runner, warehouse, target, directory):
    file = directory / "signals.txt"
    config = {"signal.enabled.channels": "file", "signal.file": str(file), "signal.poll.interval.ms": "100"}
    run = runner.start(source=config)
    runner.drained(run)
    damage(target)
    file.write_text('not JSON\n{"id": "x", "type": "execute-snapshot", "data": {"data-collections": ["dbo[.]customers"]}}\n')
    lab.wait_for("the signal", lambda: "event=snapshot_asked_for" in run.log(), 30, 0.1)
    equal(run, warehouse, target)
    assert "event=signal_ignored" in run.log()
    assert file.read_text() == ""


def test_notifications_of_snapshots_are_log_lines(runner, warehouse, target):
    def told(run):
        found = re.findall(r'event=notification id=(\S+) aggregate_type="(\w+) Snapshot" type=(\w+) additional_data=(.*) timestamp=\d+', run.log())
        return [(kind, type_, json.loads(json.loads(data)), id_) for id_, kind, type_, data in found]

    config = {"notification.enabled.channels": "log,jmx"}
    run = runner.start(source=config)
    lab.wait_for("the copy's end", lambda: told(run)[-1:] and told(run)[-1][1] == "COMPLETED", 60, 0.1)
    runner.drained(run)
    assert "event=notification_channel_ignored channel=jmx" in run.log()
    first = told(run)
    assert [t[:2] for t in first[:2]] == [("Initial", "STARTED"), ("Initial", "IN_PROGRESS")] and first[-1][:2] == ("Initial", "COMPLETED")
    assert sorted(t[1] for t in first) == ["COMPLETED", *["IN_PROGRESS"] * 3, "STARTED", *["TABLE_SCAN_COMPLETED"] * 3]
    scanned = {t[2]["scanned_collection"]: t[2] for t in first if t[1] == "TABLE_SCAN_COMPLETED"}
    customers = scanned["warehouse_source.dbo.customers"]
    assert customers["total_rows_scanned"] == "300" and customers["status"] == "SUCCEEDED" and customers["connector_name"] == "sqlserver"
    assert sorted(customers["data_collections"].split(",")) == sorted(scanned) and len({t[3] for t in first}) == len(first)
    signal(runner, "execute-snapshot", "--tables=dbo.customers")
    lab.wait_for("the end", lambda: told(run)[-1][:2] == ("Incremental", "COMPLETED"), 30, 0.1)
    asked = told(run)[len(first):]
    assert asked[0][1] == "STARTED" and asked[-2][1] == "TABLE_SCAN_COMPLETED" and len({t[3] for t in asked}) == 1
    run.stop()
    run = runner.start(source=config)
    runner.drained(run)
    assert [t[:2] for t in told(run)] == [("Initial", "SKIPPED")]


def test_what_cant_be_done_is_said(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    assert "no table of the pipeline matches" in signal(runner, "execute-snapshot", "--tables=dbo.nothing", ok=False)
    r = runner.command("signal", "explode", *runner.files())
    assert r.returncode == 2 and "isn't one of" in r.stderr
    run.stop()
    out = signal(runner, "log", "--message=later", "--wait=0")
    assert "waits" in out
    run = runner.start()
    lab.wait_for("the line", lambda: "outcome=later" in run.log(), 30, 0.1)
    lab.wait_for("the answer", lambda: "logged" in signal(runner, "list"), 30, 0.5)


def test_a_surrogate_key_makes_no_key(runner, warehouse, target):
    """Rows of a table without a key can't be upserted, whatever order they are read in: refused, and none is there twice."""
    warehouse.script("USE warehouse_source\nGO\nCREATE TABLE dbo.loose (id int NOT NULL, note nvarchar(20) NULL)\nGO\n"
                     "INSERT INTO dbo.loose VALUES (1, N'x'), (2, N'y'), (2, N'y')\nGO\n"
                     "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL")
    run = runner.start(source={"table.include.list": None})
    runner.drained(run)
    target.rows("update dbo.customers set city = 'nowhere' where id = 5")
    out = signal(runner, "execute-snapshot", '--data={"data-collections": ["dbo.loose"], "surrogate-key": "id"}', ok=False)
    assert "dbo.loose: refused: it has no key" in out and "message.key.columns" in out and "isn't needed" not in out, out
    out = signal(runner, "execute-snapshot", '--data={"data-collections": ["dbo.customers"], "surrogate-key": "email"}')
    assert "dbo.customers: snapshot begins; surrogate-key isn't needed" in out, out
    lab.wait_for("the copy", lambda: copied(target) and target.value("select city <> 'nowhere' from dbo.customers where id = 5"), 30, 0.2)
    assert sorted(target.rows("select id, note from dbo.loose")) == [(1, "x"), (2, "y"), (2, "y")]


def test_a_table_whose_signal_table_isnt_captured_is_refused(runner, warehouse, target):
    run = runner.start(source={"signal.data.collection": "warehouse_source.dbo.nowhere"})
    lab.wait_for("the end", lambda: not run.is_running(), 30, 0.1)
    assert "sp_cdc_enable_table" in run.log()
