"""millrace status: what the target tells, while a run is at work, and when it is dead."""

import contextlib
import json
import signal

import lab
from conftest import ADDRESS_OPTIONS


def look(runner, *arguments, status=None):
    done = runner.command("status", "--json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    if status is not None:
        assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def only(seen):
    assert len(seen["pipelines"]) == 1, seen
    return seen["pipelines"][0]


def by_table(pipeline):
    return {t["table"]: t for t in pipeline["tables"]}


def to(target):
    return f"--to={target.uri()}"


def test_a_target_without_pipelines_says_so(runner, target):
    shown = runner.command("status", to(target))
    assert shown.returncode == 1
    assert "no pipeline" in shown.stdout


def test_rows_changes_and_lag_while_it_runs(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    with contextlib.closing(warehouse.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute("UPDATE dbo.orders SET total = total + 1 WHERE id <= 5")
        q.execute("DELETE FROM dbo.line_items WHERE order_id = 7")
    runner.drained(run)

    def settled():
        p = only(look(runner, to(target), status=0))
        return p if by_table(p)["dbo.customers"]["inserts"] >= 1 and by_table(p)["dbo.orders"]["updates"] and p["lag"]["apply_s"] == 0 else None

    p = lab.wait_for("both marks in the figures", settled)
    tables = by_table(p)
    assert p["state"] == "streaming" and p["healthy"] and p["heartbeat_age_s"] < 30
    assert tables["dbo.orders"]["copied"] == 600 and tables["dbo.orders"]["percent"] == 100
    assert tables["dbo.orders"]["updates"] == 5 and tables["dbo.orders"]["last_change"]
    assert tables["dbo.line_items"]["deletes"] > 0
    assert p["applied"]["lsn"] == target.value("select position from millrace.position")
    assert p["captured"]["lsn"] and p["captured"]["commit_time"]
    seen = look(runner, *runner.files(), status=0)
    assert seen["source"]["error"] is None and seen["source"]["captured"], seen
    shown = runner.command("status", to(target))
    assert shown.returncode == 0 and "dbo.orders" in shown.stdout and "apply" in shown.stdout
    run.stop()
    assert only(look(runner, to(target), status=0))["state"] == "stopped"


def test_a_killed_process_does_not_look_alive(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    lab.wait_for("streaming", lambda: only(look(runner, to(target)))["state"] == "streaming")
    run.stop(signal.SIGKILL)
    target.rows("update millrace.status set heartbeat = heartbeat - interval '31 s'")  # as time passes
    p = only(look(runner, to(target), status=1))
    assert p["state"] == "stale" and p["last_state"] == "streaming"
    assert by_table(p)["dbo.orders"]["copied"] == 600, "rows copied are exact after a kill"
    again = runner.start()
    runner.drained(again)
    lab.wait_for("a new sign of life", lambda: only(look(runner, to(target)))["state"] == "streaming")
    again.stop()


def test_why_it_failed_is_kept(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    run.stop()
    target.rows("update millrace.position set position = '00000001:00000001:0001'")  # below what cleanup left
    warehouse.script("USE warehouse_source\nGO\nUPDATE dbo.orders SET total = total + 1 WHERE id = 1\nGO\n"
                     "DECLARE @low binary(10) = sys.fn_cdc_get_max_lsn();"
                     "EXEC sys.sp_cdc_cleanup_change_table 'dbo_orders', @low, 100")
    failed = runner.start()
    assert failed.wait() == 1, failed.log()
    p = only(look(runner, to(target), status=1))
    assert p["state"] == "failed" and "changes" in p["why"] and "sp_cdc_change_job" in p["why"], p


def test_a_source_that_is_down_is_said_to_be(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    files = runner.files()
    warehouse.stop()
    lab.wait_for("the failure's reason", lambda: only(look(runner, to(target)))["state"] in ("waiting", "starting"))
    seen = look(runner, *files)
    assert seen["source"]["error"], seen
    run.stop()


def test_the_copy_is_shown_on_its_way(runner, source, target):
    source.script("CREATE DATABASE shop\nGO\nUSE shop\nGO\nEXEC sys.sp_cdc_enable_db\nGO\n"
                  "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, name nvarchar(50) NULL)\nGO\n"
                  "INSERT INTO dbo.t SELECT value, N'x' FROM GENERATE_SERIES(1, 1000)\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL")
    run = runner.start("--from", f"mssql://sa@127.0.0.1:{source.port}/shop?tables=dbo.t&{ADDRESS_OPTIONS}", "--to", target.uri())
    lab.wait_for("the copy", lambda: target.rows("select 1 from dbo.t where id = 1000"))

    def counted():  # the first status may be written behind the first rows
        seen = look(runner, to(target))["pipelines"]
        return seen[0] if seen and seen[0]["tables"] and seen[0]["tables"][0]["expected"] else None

    p = lab.wait_for("its figures", counted)
    assert p["tables"][0]["copied"] == 1000 and p["tables"][0]["expected"] == 1000
    run.stop()


def test_several_lanes_are_one_pipeline(runner, warehouse, target):
    run = runner.start(sink={"tasks.max": "3"})
    runner.drained(run)
    with contextlib.closing(warehouse.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute("UPDATE dbo.orders SET total = total + 1 WHERE id <= 40")

    def settled():
        p = only(look(runner, to(target), status=0))
        ready = by_table(p)["dbo.orders"]["updates"] >= 40 and p["state"] == "streaming" and p["lag"]["apply_s"] == 0
        return p if ready else None

    p = lab.wait_for("the figures of all lanes", settled)
    assert p["lanes"] == 3
    assert by_table(p)["dbo.orders"]["copied"] == 600
    assert p["applied"]["lsn"] == target.value("select min(position collate \"C\") from millrace.position")
    shown = runner.command("cutover", *runner.files(sink={"tasks.max": "3"}))
    assert shown.returncode == 0, shown.stderr
    run.stop()
