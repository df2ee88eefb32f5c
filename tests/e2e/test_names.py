"""Names with everything that either side allows."""

import lab
from test_types import DATABASE, wait_rows

LONG = "n" * 128
TWIN = "n" * 127 + "m"  # differs behind PostgreSQL's 63 bytes
WIDE = "\u00dc" * 128  # 256 bytes in UTF-8
COLUMNS = ['we"ird]na.me', "select", "\u00dcn\u00efcode \u4e2d", " led", "it's", "a;b--c", "$1", "%s?", "tab\there", LONG, TWIN, WIDE]
TABLES = [("dbo", 'we"ird]na.me', "plain"), ("dbo", "select", 'in]st"an.ce'), ('sch"e]ma.x', "\u00dcn\u00efcode", "un\u00efc'ode"), ("dbo", LONG, "long1"),
          ("dbo", TWIN, "long2"), ("order", " led", "t e"), ("\u00d6" * 100, WIDE, "wide")]
ALL = {"topics.regex": ".*"}


def mssql(name):
    return "[" + name.replace("]", "]]") + "]"


def literal(text):
    return "N'" + text.replace("'", "''") + "'"


def pg(name):
    return '"' + name.replace('"', '""') + '"'


def make(source, tables=TABLES, columns=COLUMNS):
    source.script(f"CREATE DATABASE {DATABASE}\nGO\nUSE {DATABASE}\nGO\nEXEC sys.sp_cdc_enable_db")
    for schema in {s for s, _, _ in tables} - {"dbo"}:
        source.script(f"CREATE SCHEMA {mssql(schema)}", DATABASE)
    for schema, table, instance in tables:
        full = f"{mssql(schema)}.{mssql(table)}"
        source.script(f"CREATE TABLE {full} ({mssql(columns[0])} int NOT NULL, {', '.join(mssql(c) + ' nvarchar(20) NULL' for c in columns[1:])}, "
                      f"CONSTRAINT {mssql('pk ' + instance)} PRIMARY KEY ({mssql(columns[0])}))\nGO\n"
                      f"EXEC sys.sp_cdc_enable_table @source_schema = {literal(schema)}, @source_name = {literal(table)}, @role_name = NULL, "
                      f"@capture_instance = {literal(instance)}\nGO\nINSERT INTO {full} VALUES (1{', N' + chr(39) + 'x' + chr(39)}{', NULL' * (len(columns) - 2)})", DATABASE)


def target_tables(target):
    return [(s, t) for s, t in target.rows("select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema', 'millrace') order by 1, 2")]


def shortened(name):
    raw = name.encode()
    if len(raw) <= 63:
        return None
    keep = raw[:54].decode(errors="ignore")
    return keep


def find(target, schema, table):
    """The table's name in the target: its own, or the one that begins as it does, with a hash behind."""
    found = []
    for s, t in target_tables(target):
        same = [have == want if shortened(want) is None else have.startswith(shortened(want) + "_") and len(have.encode()) <= 63 for have, want in ((s, schema), (t, table))]
        if all(same):
            found.append((s, t))
    return found


def test_names_of_every_kind_arrive_and_change(runner, source, target):
    make(source)
    everything = {"table.include.list": None}
    run = runner.start(source=everything, sink=ALL)
    lab.wait_for("the tables", lambda: len(target_tables(target)) == len(TABLES))
    names = {}
    for schema, table, _ in TABLES:
        found = find(target, schema, table)
        names[(schema, table)] = found
        if len(table) < 100:
            assert len(found) == 1, (schema, table, target_tables(target))
    longs = sorted(names[("dbo", LONG)])
    assert longs == sorted(names[("dbo", TWIN)]) and len(longs) == 2, "two long names with one beginning stay two tables"
    for s, t in target_tables(target):
        columns = [r[0] for r in target.rows("select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum", f"{pg(s)}.{pg(t)}")]
        for have, want in zip(columns, COLUMNS):
            assert have == want or (shortened(want) and have.startswith(shortened(want) + "_") and len(have.encode()) <= 63), (have, want)
        assert len(set(columns)) == len(COLUMNS)
    for schema, table, _ in TABLES:
        full, key = f"{mssql(schema)}.{mssql(table)}", mssql(COLUMNS[0])
        source.script(f"INSERT INTO {full} ({key}) VALUES (2), (3)\nUPDATE {full} SET {mssql(COLUMNS[2])} = N'new' WHERE {key} = 1\nDELETE FROM {full} WHERE {key} = 2\n"
                      f"UPDATE {full} SET {key} = 30 WHERE {key} = 3", DATABASE)
    for s, t in target_tables(target):
        wait_rows(run, target, f"select {pg(COLUMNS[0])}, {pg(COLUMNS[1]).replace('%', '%%')}, {pg(COLUMNS[2])} from {pg(s)}.{pg(t)} order by 1",
                  [(1, "x", "new"), (30, None, None)])
    verified = runner.command("verify", *runner.files(source=everything, sink=ALL))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert run.stop() == 0
    run = runner.start(source=everything, sink=ALL)  # the same names again
    full = f"{mssql(TABLES[0][0])}.{mssql(TABLES[0][1])}"
    source.script(f"DELETE FROM {full}", DATABASE)
    (s, t), = find(target, *TABLES[0][:2])
    wait_rows(run, target, f"select 1 from {pg(s)}.{pg(t)}", [])


def test_a_new_column_with_a_hard_name_is_added(runner, source, target):
    make(source, tables=TABLES[:1], columns=COLUMNS[:3])
    run = runner.start(source={"table.include.list": None}, sink=ALL)
    lab.wait_for("the table", lambda: find(target, *TABLES[0][:2]))
    schema, table, _ = TABLES[0]
    full, new = f"{mssql(schema)}.{mssql(table)}", 'ne"w] .\u00fc'
    source.script(f"ALTER TABLE {full} ADD {mssql(new)} int NULL\nGO\nEXEC sys.sp_cdc_enable_table @source_schema = {literal(schema)}, @source_name = {literal(table)}, "
                  f"@role_name = NULL, @capture_instance = N'se]c''ond'\nGO\nUPDATE {full} SET {mssql(new)} = 7", DATABASE)
    wait_rows(run, target, f"select {pg(COLUMNS[0])} from {pg(schema)}.{pg(table)}", [(1,)])
    lab.wait_for("the column", lambda: target.rows(f"select {pg(new)} from {pg(schema)}.{pg(table)}") == [(7,)])
