"""millrace check: what is planted is named, its cure is run, and it is ok then. Nothing is changed by looking."""

import json

import pytest

import lab

DATABASE = "warehouse_source"


class Checks:
    """One `millrace check --json`: its status, and findings by check."""

    def __init__(self, runner, source=None, sink=None, **env):
        done = runner.command("check", "--json", *runner.files(source, sink), **env)
        assert done.returncode in (0, 1), done.stderr
        self.status, self.answer = done.returncode, json.loads(done.stdout)
        assert self.answer["ok"] == (self.status == 0)

    def of(self, check, severity=None):
        found = [c for c in self.answer["checks"] if c["check"] == check]
        assert found, f"no {check}: {self.answer}"
        return [c for c in found if severity is None or c["severity"] == severity]

    def worst(self, check):
        return max((c["severity"] for c in self.of(check)), key=["ok", "note", "warning", "error"].index)

    def cure(self, check):
        return next(c["cure"] for c in self.of(check) if c["severity"] != "ok")


def everything(source, target):
    """What either side has: objects, rows of the catalogs, settings."""
    return (
        source.rows("SELECT name, type FROM sys.objects ORDER BY name", DATABASE),
        source.rows("SELECT capture_instance, start_lsn FROM cdc.change_tables ORDER BY 1", DATABASE),
        source.rows("SELECT COUNT(*) FROM sys.database_permissions", DATABASE),
        target.rows("SELECT nspname, relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                    "WHERE nspname !~ '^pg_(temp|toast)' ORDER BY 1, 2"),
        target.rows("SELECT datacl::text FROM pg_database WHERE datname = current_database()"),
    )


def test_a_healthy_pair_is_ok_and_looking_changes_nothing(runner, warehouse, target):
    lab.wait_for("capture to begin", lambda: not warehouse.rows("SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NULL", DATABASE))
    before = everything(warehouse, target)
    c = Checks(runner)
    assert c.status == 0 and c.answer["errors"] == 0
    assert everything(warehouse, target) == before
    assert len({f["check"] for f in c.answer["checks"]}) >= 45
    for check in ("source-login", "cdc-database", "agent", "tables-captured", "source-grants", "position", "target-login",
                  "target-primary", "target-encoding", "target-tables", "target-empty"):
        assert c.worst(check) == "ok", c.of(check)
    text = runner.command("check", *runner.files())
    assert text.returncode == 0 and "a run can start" in text.stdout
    assert "\x1b" not in text.stdout + text.stderr, "colours and progress are for terminals"
    quiet = runner.command("check", "--quiet", *runner.files())
    assert "source-login" not in quiet.stdout and len(quiet.stdout) < len(text.stdout)


def test_a_run_under_way_is_seen_and_left_alone(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    c = Checks(runner)
    assert c.status == 0 and c.worst("target-owner") == "warning"
    assert "all that follows it is there" in c.of("position")[0]["found"]
    assert c.of("target-empty")[0]["found"] == "nothing is to be copied"
    runner.drained(run)
    assert run.stop() == 0
    assert Checks(runner).worst("target-owner") == "ok"


def test_capture_that_is_off(runner, source, target):
    source.script(f"CREATE DATABASE {DATABASE}\nGO\nUSE {DATABASE}\nGO\nCREATE TABLE dbo.customers (id int NOT NULL PRIMARY KEY)")
    of = {"table.include.list": "dbo.customers"}
    c = Checks(runner, of)
    assert c.status == 1 and c.worst("cdc-database") == "error"
    assert "1 are to be made" in c.of("target-tables")[0]["found"], "the target is looked at all the same"
    source.script(c.cure("cdc-database"), DATABASE)
    c = Checks(runner, of)
    assert c.status == 1 and c.worst("tables-captured") == "error"
    source.script(c.cure("tables-captured"), DATABASE)
    c = Checks(runner, of)
    assert c.status == 0 and c.worst("tables-captured") == "ok"
    source.script("EXEC standin.agent_stop")
    c = Checks(runner, of)
    assert c.status == 1 and c.worst("agent") == "error" and "SQL Server Agent" in c.cure("agent")
    source.script("EXEC standin.agent_start")
    assert Checks(runner, of).status == 0


def test_who_may_not_read_gets_the_grants(runner, warehouse, target):
    warehouse.script("CREATE TABLE dbo.loose (a int NULL)\nGO\n"
                     "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'loose', @role_name = NULL", DATABASE)
    warehouse.script("CREATE LOGIN reader WITH PASSWORD = N'Reader-demo-1'")
    reader = {"SOURCE_USER": "reader", "SOURCE_PASSWORD": "Reader-demo-1"}
    of = {"table.include.list": "dbo.customers,dbo.loose"}
    c = Checks(runner, of, **reader)
    assert c.status == 1
    where = "source-database" if any(f["check"] == "source-database" for f in c.answer["checks"]) else "source-login"
    assert "CREATE USER [reader] FOR LOGIN [reader]" in c.of(where)[0]["found"]
    warehouse.script("CREATE USER [reader] FOR LOGIN [reader]", DATABASE)
    c = Checks(runner, of, **reader)
    warehouse.script(c.cure("source-grants"), DATABASE)
    c = Checks(runner, of, **reader)
    hidden = " ".join(f["found"] for f in c.of("tables"))  # SQL Server hides what one may not use
    assert c.status == 1 and c.of("tables", "error") and "dbo_loose" in hidden and "dbo_customers" in hidden
    warehouse.script("GRANT SELECT ON dbo.customers TO reader\nGO\nGRANT VIEW DEFINITION ON dbo.loose TO reader", DATABASE)
    c = Checks(runner, of, **reader)
    assert c.status == 1 and "dbo_loose" not in " ".join(f["found"] for f in c.of("tables"))
    warehouse.script(c.cure("source-grants"), DATABASE)
    c = Checks(runner, of, **reader)
    assert c.worst("source-grants") == "ok", c.of("source-grants")
    assert c.worst("keyless-copy") == "error" and c.status == 1, "a table without a key wants db_owner"
    assert c.worst("capture-latency") == "note" and c.of("capture-latency")[0]["found"].startswith("unknown: ")
    warehouse.script(c.cure("keyless-copy"), DATABASE)
    c = Checks(runner, of, **reader)
    assert c.worst("keyless-copy") == "ok" and c.status == 0
    assert c.worst("table-keys") == "warning"


def test_warnings_of_the_source_have_cures_that_mend_them(runner, warehouse, target):
    warehouse.script("CREATE TABLE dbo.notes (id int NOT NULL PRIMARY KEY, body nvarchar(max) NULL)\nGO\n"
                     "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'notes', @role_name = NULL\nGO\n"
                     "ALTER TABLE dbo.notes ADD later int NULL", DATABASE)
    of = {"table.include.list": "dbo.customers,dbo.notes"}
    planted = ("snapshot-isolation", "capture-job", "lob-columns", "columns-captured")
    c = Checks(runner, of)
    assert c.status == 0
    for check in planted:
        assert c.worst(check) in ("note", "warning"), c.of(check)
        warehouse.script(c.cure(check).replace("; EXEC", "\nGO\nEXEC"), DATABASE)
    lab.wait_for("the new instance", lambda: not warehouse.rows("SELECT 1 FROM cdc.change_tables WHERE start_lsn IS NULL", DATABASE))
    c = Checks(runner, of)
    for check in planted:
        assert c.worst(check) == "ok", c.of(check)
    assert c.worst("capture-instances") == "note"
    warehouse.script(c.cure("capture-instances"), DATABASE)
    assert Checks(runner, of).worst("capture-instances") == "ok"


def test_retention_that_runs_out_and_a_position_that_cleanup_has_passed(runner, warehouse, target):
    run = runner.start()
    runner.drained(run)
    run.stop()
    warehouse.script("EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 1", DATABASE)
    runner.mark()
    lab.wait_for("capture", lambda: warehouse.rows("SELECT COUNT(*) FROM cdc.dbo_customers_CT", DATABASE)[0][0] >= 2)
    c = Checks(runner)
    assert c.worst("position") == "ok" and c.worst("retention") in ("ok", "warning")
    lab.wait_for("half of a minute", lambda: Checks(runner).worst("retention") == "warning", 60, step=3)
    c = Checks(runner)
    assert "@retention = " in c.cure("retention") and c.status == 0
    warehouse.script(c.cure("retention"), DATABASE)
    for _ in range(3):
        runner.mark()
    lab.wait_for("capture", lambda: warehouse.rows("SELECT COUNT(*) FROM cdc.dbo_customers_CT", DATABASE)[0][0] >= 5)
    warehouse.script("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @l", DATABASE)
    c = Checks(runner)
    assert c.status == 1 and c.worst("position") == "error"
    assert "dbo.customers" in c.of("position")[0]["found"]


@pytest.fixture
def etl(target):
    """A role that may do nothing yet."""
    target.rows("DROP ROLE IF EXISTS etl")
    target.rows("CREATE ROLE etl LOGIN")
    yield "etl"
    target.rows("DROP OWNED BY etl CASCADE")
    target.rows("DROP ROLE etl")


def test_a_role_of_the_target_gets_what_it_needs_by_the_cures(runner, warehouse, target, etl):
    target.rows("CREATE SCHEMA dbo")
    target.rows("CREATE TABLE dbo.customers (id int PRIMARY KEY)")
    target.rows(f'REVOKE TEMPORARY ON DATABASE "{target.database}" FROM PUBLIC')
    target.rows(f"ALTER ROLE etl IN DATABASE \"{target.database}\" SET idle_in_transaction_session_timeout = '2s'")
    c = Checks(runner, sink={"connection.user": etl})
    assert c.status == 1
    assert c.worst("target-timeouts") == "warning"
    for check in ("target-temporary", "target-store", "target-rights"):
        assert c.worst(check) == "error", c.of(check)
    for _ in range(4):
        c = Checks(runner, sink={"connection.user": etl})
        errors = [f for f in c.answer["checks"] if f["severity"] == "error"]
        for f in errors:
            target.rows(f["cure"])
    assert c.status == 0, errors


def test_tables_of_the_target_that_are_in_the_way(runner, warehouse, target):
    target.rows("CREATE SCHEMA dbo")
    target.rows("CREATE UNLOGGED TABLE dbo.customers (id int PRIMARY KEY)")
    target.rows("CREATE UNLOGGED TABLE dbo.orders (id int PRIMARY KEY, customer_id int REFERENCES dbo.customers)")
    target.rows("INSERT INTO dbo.customers VALUES (1)")
    target.rows("CREATE FUNCTION dbo.noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    target.rows("CREATE TRIGGER noisy BEFORE INSERT ON dbo.orders FOR EACH ROW EXECUTE FUNCTION dbo.noop()")
    planted = ("target-empty", "target-triggers", "target-unlogged")
    c = Checks(runner)
    assert c.status == 1 and c.worst("target-empty") == "error"
    assert c.worst("target-foreign-keys") in ("ok", "note"), "their owner's run takes them out of the way"
    target.rows("ALTER TABLE dbo.orders DROP CONSTRAINT orders_customer_id_fkey")  # else TRUNCATE is refused
    for check in planted:
        for f in Checks(runner).of(check):
            if f["severity"] != "ok":
                target.rows(f["cure"])
    c = Checks(runner)
    assert c.status == 0
    for check in planted:
        assert c.worst(check) == "ok", c.of(check)
    run = runner.start()
    runner.drained(run)


def test_a_side_that_is_away_is_an_error_of_its_own(runner, warehouse, target):
    done = runner.command("check", "--json", *runner.files(source={"database.port": str(lab.free_port())}))
    assert done.returncode == 1
    found = {c["check"]: c["severity"] for c in json.loads(done.stdout)["checks"]}
    assert found["source-login"] == "error" and found["target-login"] == "ok"
    done = runner.command("check", "--json", *runner.files(sink={"connection.url": f"postgresql://postgres@127.0.0.1:{lab.free_port()}/x"}))
    assert done.returncode == 1
    found = {c["check"]: c["severity"] for c in json.loads(done.stdout)["checks"]}
    assert found["source-login"] == "ok" and found["target-login"] == "error" and found["position"] == "note"


def test_an_option_without_effect_is_a_warning(runner, warehouse):
    c = Checks(runner, source={"internal.log.position.check.enable": "true", "custom.metric.tags": "a=b"})
    assert c.status == 0
    assert c.worst("options") in ("warning", "ok")
