"""Tables as wide as SQL Server allows, and sparse columns."""

import lab
from test_types import DATABASE, ONLY_T, small, wait_rows

WIDTH = 1023  # and the key: 1,024 columns
KINDS = ["int", "nvarchar(10)", "smallint", "bit", "decimal(9,2)", "date"]  # that fit into a row of either side
VALUES = ["{i}", "N'v{i}'", "{i}", "1", "{i}.5", "'2026-01-02'"]
SHOWN = ["{i}", "v{i}", "{i}", "true", "{i}.50", "2026-01-02"]


def name(i):
    return f"column_with_a_name_of_usual_length_{i:04}"


def columns(count, suffix=" NULL"):
    return ", ".join(f"{name(i)} {KINDS[i % len(KINDS)]}{suffix}" for i in range(count))


def values(count, every=1):
    return ", ".join(VALUES[i % len(KINDS)].format(i=i) if i % every == 0 else "NULL" for i in range(count))


def shown(count, every=1):
    return [SHOWN[i % len(KINDS)].format(i=i) if i % every == 0 else None for i in range(count)]


def row(target, i):
    """A row as texts; json, since a record of PostgreSQL has at most 1,664 columns and a driver's row may have less."""
    found = target.rows("select to_jsonb(t) from dbo.t t where id = %s", i)
    if not found:
        return None
    return [found[0][0][name(k)] for k in range(len(found[0][0]) - 1)]


def texts(values):
    return [v if v is None else f"{v:.2f}" if KINDS[i % len(KINDS)].startswith("decimal") else str(v).lower() for i, v in enumerate(values)]


def test_a_table_of_1024_columns_is_copied_and_kept_current(runner, source, target):
    small(source, columns(WIDTH), [f"1, {values(WIDTH)}", f"2, {values(WIDTH, every=7)}", f"3, {', '.join(['NULL'] * WIDTH)}"])
    run = runner.start(source=ONLY_T)
    lab.wait_for("the copy", lambda: target.rows("select count(*) from dbo.t") == [(3,)])
    assert texts(row(target, 1)) == shown(WIDTH)
    assert texts(row(target, 2)) == shown(WIDTH, every=7)
    assert row(target, 3) == [None] * WIDTH
    source.script(f"INSERT INTO dbo.t VALUES (4, {values(WIDTH, every=3)})", DATABASE)
    sets = ", ".join(f"{name(i)} = {VALUES[i % len(KINDS)].format(i=i)}" for i in range(WIDTH))
    source.script(f"UPDATE dbo.t SET {sets} WHERE id = 3", DATABASE)
    source.script(f"UPDATE dbo.t SET {name(0)} = NULL WHERE id = 1\nDELETE FROM dbo.t WHERE id = 2", DATABASE)
    wait_rows(run, target, "select id from dbo.t order by id", [(1,), (3,), (4,)])
    lab.wait_for("the update", lambda: texts(row(target, 3)) == shown(WIDTH) and row(target, 1)[0] is None)
    assert texts(row(target, 4)) == shown(WIDTH, every=3)
    assert texts(row(target, 1))[1:] == shown(WIDTH)[1:]
    verified = runner.command("verify", *runner.files(source=ONLY_T))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_many_rows_of_a_wide_table_at_once(runner, source, target):
    """Enough rows for COPY into a temporary table, not arrays."""
    count, rows = 300, 1200
    small(source, columns(count))
    run = runner.start(source=ONLY_T)
    lab.wait_for("the table", lambda: target.rows("select 1 from dbo.t limit 1") == [])
    source.script("BEGIN TRANSACTION\n" + "\n".join(f"INSERT INTO dbo.t VALUES ({i}, {values(count, every=11)})" for i in range(rows)) + "\nCOMMIT", DATABASE)
    wait_rows(run, target, "select count(*) from dbo.t", [(rows,)])
    source.script(f"UPDATE dbo.t SET {name(0)} = id", DATABASE)
    wait_rows(run, target, f"select count(*) from dbo.t where {name(0)} = id", [(rows,)])
    assert texts(row(target, 17))[1:] == shown(count, every=11)[1:]


def test_a_row_that_no_page_of_postgresql_holds_is_named(runner, source, target):
    count = 1023
    small(source, ", ".join(f"{name(i)} datetime2(7) SPARSE NULL" for i in range(count)), ["1, " + ", ".join(["NULL"] * count)])
    run = runner.start(source=ONLY_T)
    lab.wait_for("the copy", lambda: target.rows("select count(*) from dbo.t") == [(1,)])
    sets = ", ".join(f"{name(i)} = '2026-01-02T03:04:05'" for i in range(count))
    source.script(f"UPDATE dbo.t SET {sets} WHERE id = 1", DATABASE)
    lab.wait_for("the failure", lambda: not run.is_running(), 60)
    log = run.log()
    assert "dbo.t" in log and "row is too big" in log and "8160" in log, log[-2000:]


def test_sparse_columns_are_plain_ones(runner, source, target):
    source.script(f"""CREATE DATABASE {DATABASE}
GO
USE {DATABASE}
GO
CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, a int SPARSE NULL, b nvarchar(20) SPARSE NULL)
GO
INSERT INTO dbo.t VALUES (1, 5, NULL), (2, NULL, N'x')
GO
EXEC sys.sp_cdc_enable_db
GO
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL""")
    run = runner.start(source=ONLY_T)
    shown = "select id, a, b from dbo.t order by id"
    wait_rows(run, target, shown, [(1, 5, None), (2, None, "x")])
    source.script("UPDATE dbo.t SET a = NULL, b = N'y' WHERE id = 1; INSERT INTO dbo.t VALUES (3, 7, N'z')", DATABASE)
    wait_rows(run, target, shown, [(1, None, "y"), (2, None, "x"), (3, 7, "z")])
