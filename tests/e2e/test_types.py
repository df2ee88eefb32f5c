"""Every SQL Server type at its extremes, through snapshot and stream, against what PostgreSQL should show.

The expected values are written by hand, as PostgreSQL prints them; nothing here is computed by what is tested.
"""

import lab

NINES = "9" * 38
LONG = 70000  # characters: more than one piece of a driver's read

# name, SQL Server type, type in PostgreSQL, [(T-SQL literal, PostgreSQL's text), …]; every column gets a NULL row as well
TYPES = [
    ("a_bit", "bit", "boolean", [("0", "false"), ("1", "true")]),
    ("a_tinyint", "tinyint", "smallint", [("0", "0"), ("255", "255")]),
    ("a_smallint", "smallint", "smallint", [("-32768", "-32768"), ("32767", "32767")]),
    ("an_int", "int", "integer", [("-2147483648", "-2147483648"), ("2147483647", "2147483647"), ("0", "0")]),
    ("a_bigint", "bigint", "bigint", [("-9223372036854775808", "-9223372036854775808"), ("9223372036854775807", "9223372036854775807")]),
    ("d38", "decimal(38,0)", "numeric(38,0)", [(f"-{NINES}", f"-{NINES}"), (NINES, NINES), ("0", "0")]),
    ("d38_38", "decimal(38,38)", "numeric(38,38)", [(f"0.{NINES}", f"0.{NINES}"), ("-0." + "0" * 37 + "1", "-0." + "0" * 37 + "1")]),
    ("d18_4", "numeric(18,4)", "numeric(18,4)", [("99999999999999.9999", "99999999999999.9999"), ("-0.0001", "-0.0001")]),
    ("d19_1", "decimal(19,1)", "numeric(19,1)", [("999999999999999999.9", "999999999999999999.9"), ("-1", "-1.0")]),
    ("a_money", "money", "numeric(19,4)", [("-922337203685477.5808", "-922337203685477.5808"), ("922337203685477.5807", "922337203685477.5807")]),
    ("a_smallmoney", "smallmoney", "numeric(10,4)", [("-214748.3648", "-214748.3648"), ("214748.3647", "214748.3647")]),
    ("a_real", "real", "real", [("3.4028235E+38", "3.4028235e+38"), ("-1.1754944E-38", "-1.1754944e-38"), ("CAST(0.1 AS real)", "0.1")]),
    ("a_float", "float", "double precision", [("1.7976931348623157E+308", "1.7976931348623157e+308"), ("-2.2250738585072014E-308", "-2.2250738585072014e-308"),
                                              ("0.1E0", "0.1"), ("9007199254740993E0", "9.007199254740992e+15")]),
    ("a_date", "date", "date", [("'0001-01-01'", "0001-01-01"), ("'9999-12-31'", "9999-12-31"), ("'1582-10-10'", "1582-10-10")]),
    ("time0", "time(0)", "time(0) without time zone", [("'23:59:59'", "23:59:59"), ("'00:00:00'", "00:00:00")]),
    ("time3", "time(3)", "time(3) without time zone", [("'23:59:59.999'", "23:59:59.999"), ("'12:34:56.78'", "12:34:56.78")]),
    ("time7", "time(7)", "time(6) without time zone", [("'23:59:59.9999999'", "23:59:59.999999"), ("'12:34:56.1234567'", "12:34:56.123457")]),
    ("a_smalldatetime", "smalldatetime", "timestamp(0) without time zone", [("'1900-01-01T00:00:00'", "1900-01-01 00:00:00"), ("'2079-06-06T23:59:00'", "2079-06-06 23:59:00")]),
    ("a_datetime", "datetime", "timestamp(3) without time zone", [("'1753-01-01T00:00:00.003'", "1753-01-01 00:00:00.003"), ("'9999-12-31T23:59:59.997'", "9999-12-31 23:59:59.997"),
                                                                  ("'2026-02-28T12:00:00.120'", "2026-02-28 12:00:00.12")]),
    ("datetime2_0", "datetime2(0)", "timestamp(0) without time zone", [("'0001-01-01T00:00:00'", "0001-01-01 00:00:00"), ("'9999-12-31T23:59:59'", "9999-12-31 23:59:59")]),
    ("datetime2_3", "datetime2(3)", "timestamp(3) without time zone", [("'2026-02-28T12:00:00.12'", "2026-02-28 12:00:00.12")]),
    ("datetime2_7", "datetime2(7)", "timestamp(6) without time zone", [("'9999-12-31T23:59:59.9999999'", "9999-12-31 23:59:59.999999"), ("'0001-01-01T00:00:00.0000001'", "0001-01-01 00:00:00"),
                                                                       ("'2026-02-28T12:00:00.1234567'", "2026-02-28 12:00:00.123457")]),
    ("an_offset", "datetimeoffset(7)", "timestamp(6) with time zone", [("'9999-12-31T23:59:59.9999999+00:00'", "9999-12-31 23:59:59.999999+00"), ("'0001-01-01T00:00:00+00:00'", "0001-01-01 00:00:00+00"),
                                                                       ("'2026-01-02T03:04:05.1234567+14:00'", "2026-01-01 13:04:05.123457+00"), ("'2026-01-02T03:04:05-14:00'", "2026-01-02 17:04:05+00")]),
    ("a_char", "char(5)", "character varying(5)", [("'ab'", "ab   "), ("''", "     "), ("'abcde'", "abcde")]),
    ("a_varchar", "varchar(20)", "character varying(20)", [("''", ""), ("'it''s  '", "it's  "), ("'caf\u00e9'", "caf\u00e9")]),
    ("an_nchar", "nchar(3)", "character varying(3)", [("N'\u00fc'", "\u00fc  "), ("N'\U0001f600x'", "\U0001f600x")]),
    ("an_nvarchar", "nvarchar(20)", "character varying(20)", [("N''", ""), ("N'\u00dcn\u00ef \U0001f600 \u4e2d'", "\u00dcn\u00ef \U0001f600 \u4e2d"), ("N'\t\r\n\\\"'", "\t\r\n\\\"")]),
    ("varchar_max", "varchar(max)", "text", [(f"REPLICATE(CAST('x' AS varchar(max)), {LONG})", "x" * LONG), ("''", ""), ("'short'", "short")]),
    ("nvarchar_max", "nvarchar(max)", "text", [(f"REPLICATE(CAST(N'\u00fc' AS nvarchar(max)), {LONG})", "\u00fc" * LONG), ("N''", ""), ("N'\U0001f600'", "\U0001f600")]),
    ("a_text", "text", "text", [("'old text'", "old text"), ("''", "")]),
    ("an_ntext", "ntext", "text", [("N'old \u00fc'", "old \u00fc"), ("N''", "")]),
    ("an_xml", "xml", "xml", [("N'<a b=\"1\"><c>x &amp; \u00fc</c></a>'", "<a b=\"1\"><c>x &amp; \u00fc</c></a>"), ("N''", "")]),
    ("a_binary", "binary(4)", "bytea", [("0x00FF00FF", "\\x00ff00ff"), ("0x01", "\\x01000000")]),
    ("a_varbinary", "varbinary(8)", "bytea", [("0x", "\\x"), ("0x0000000000000000", "\\x0000000000000000")]),
    ("varbinary_max", "varbinary(max)", "bytea", [(f"CAST(REPLICATE(CAST('a' AS varchar(max)), {LONG}) AS varbinary(max))", "\\x" + "61" * LONG), ("0x", "\\x")]),
    ("an_image", "image", "bytea", [("0x0001", "\\x0001"), ("0x", "\\x")]),
    ("a_guid", "uniqueidentifier", "uuid", [("'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6f9619ff-8b86-d011-b42d-00c04fc964ff"), ("'00000000-0000-0000-0000-000000000000'", "00000000-0000-0000-0000-000000000000")]),
    ("a_path", "hierarchyid", "text", [("CAST(0x AS hierarchyid)", "/"), ("CAST(0x5ADE AS hierarchyid)", "/1/1/3/"), ("CAST(0x59FB0540 AS hierarchyid)", "/1/-2.18/")]),
    ("a_geography", "geography", "bytea", [("CAST(0xE6100000010C0000000000000040000000000000F03F AS geography)", "\\x0101000020e6100000000000000000f03f0000000000000040")]),
    ("a_geometry", "geometry", "bytea", [("CAST(0x00000000010C000000000000F03F0000000000000040 AS geometry)", "\\x0101000000000000000000f03f0000000000000040"),
                                         ("CAST(0x000000000104000000000000000001000000FFFFFFFFFFFFFFFF02 AS geometry)", "\\x010200000000000000")]),
    ("a_sysname", "sysname NULL", "character varying(128)", [("N'a name'", "a name")]),
    ("an_alias", "dbo.Phone NULL", "character varying(12)", [("'555-0100'", "555-0100")]),
    ("a_sparse", "int SPARSE NULL", "integer", [("7", "7")]),
]

VARIANTS = [
    ("CAST(1 AS bit)", '{"type": "bit", "value": true}'),
    ("CAST(255 AS tinyint)", '{"type": "tinyint", "value": 255}'),
    ("CAST(-32768 AS smallint)", '{"type": "smallint", "value": -32768}'),
    ("CAST(-2147483648 AS int)", '{"type": "int", "value": -2147483648}'),
    ("CAST(9223372036854775807 AS bigint)", '{"type": "bigint", "value": 9223372036854775807}'),
    (f"CAST({NINES} AS decimal(38,0))", '{"type": "decimal", "scale": 0, "value": ' + NINES + ', "precision": 38}'),
    ("CAST(-0.5 AS numeric(5,3))", '{"type": "numeric", "scale": 3, "value": -0.500, "precision": 5}'),
    ("CAST(-922337203685477.5808 AS money)", '{"type": "money", "value": -922337203685477.5808}'),
    ("CAST(214748.3647 AS smallmoney)", '{"type": "smallmoney", "value": 214748.3647}'),
    ("CAST(0.1 AS real)", '{"type": "real", "value": "0.1"}'),
    ("CAST(1.7976931348623157E+308 AS float)", '{"type": "float", "value": "1.7976931348623157e+308"}'),
    ("CAST(0.1 AS float)", '{"type": "float", "value": "0.1"}'),
    ("CAST('0001-01-01' AS date)", '{"type": "date", "value": "0001-01-01"}'),
    ("CAST('23:59:59.9999999' AS time(7))", '{"type": "time", "scale": 7, "value": "23:59:59.9999999"}'),
    ("CAST('23:59:59' AS time(0))", '{"type": "time", "scale": 0, "value": "23:59:59"}'),
    ("CAST('2079-06-06T23:59:00' AS smalldatetime)", '{"type": "smalldatetime", "value": "2079-06-06T23:59:00"}'),
    ("CAST('9999-12-31T23:59:59.997' AS datetime)", '{"type": "datetime", "value": "9999-12-31T23:59:59.997"}'),
    ("CAST('0001-01-01T00:00:00.12' AS datetime2(2))", '{"type": "datetime2", "scale": 2, "value": "0001-01-01T00:00:00.12"}'),
    ("CAST('9999-12-31T23:59:59.9999999+14:00' AS datetimeoffset(7))", '{"type": "datetimeoffset", "scale": 7, "value": "9999-12-31T23:59:59.9999999+14:00"}'),
    ("CAST('ab' AS char(4))", '{"type": "char", "value": "ab  ", "collation": "SQL_Latin1_General_CP1_CI_AS", "max_length": 4}'),
    ("CAST('it''s | \"x\"' AS varchar(8000))", '{"type": "varchar", "value": "it\'s | \\"x\\"", "collation": "SQL_Latin1_General_CP1_CI_AS", "max_length": 8000}'),
    ("CAST(N'\u4e2d\U0001f600' AS nvarchar(10))", '{"type": "nvarchar", "value": "\u4e2d\U0001f600", "collation": "SQL_Latin1_General_CP1_CI_AS", "max_length": 20}'),
    ("CAST(REPLICATE('y', 8000) AS varchar(8000))", '{"type": "varchar", "value": "' + "y" * 8000 + '", "collation": "SQL_Latin1_General_CP1_CI_AS", "max_length": 8000}'),
    ("CAST(N'' AS nchar(1))", '{"type": "nchar", "value": " ", "collation": "SQL_Latin1_General_CP1_CI_AS", "max_length": 2}'),
    ("CAST(0x01 AS binary(2))", '{"type": "binary", "value": "0x0100", "max_length": 2}'),
    ("CAST(0x AS varbinary(8000))", '{"type": "varbinary", "value": "0x", "max_length": 8000}'),
    ("CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", '{"type": "uniqueidentifier", "value": "6F9619FF-8B86-D011-B42D-00C04FC964FF"}'),
]
TYPES.append(("a_variant", "sql_variant", "jsonb", VARIANTS))
ROWS = max(len(cases) for _, _, _, cases in TYPES) + 1
DATABASE = "warehouse_source"


def case(cases, row):
    """What stands in a row: each case once, then NULL, then again."""
    row %= len(cases) + 1
    return (None, None) if row == len(cases) else cases[row]


def literals(row):
    return [case(cases, row)[0] or "NULL" for _, _, _, cases in TYPES]


def insert(source, ids, shift):
    names = ", ".join(f"[{name}]" for name, _, _, _ in TYPES)
    batch = [f"INSERT INTO dbo.every (id, {names}) VALUES ({i}, {', '.join(literals(i + shift))})" for i in ids]
    source.script("\nGO\n".join(batch), DATABASE)


def update(source, ids, shift):
    batch = []
    for i in ids:
        sets = ", ".join(f"[{t[0]}] = {value}" for t, value in zip(TYPES, literals(i + shift)))
        batch.append(f"UPDATE dbo.every SET {sets} WHERE id = {i}")
    source.script("\nGO\n".join(batch), DATABASE)


def expected(shifts):
    """{id: texts} for {id: shift}."""
    return {i: [case(cases, i + shift)[1] for _, _, _, cases in TYPES] for i, shift in shifts.items()}


def shown(target):
    columns = ", ".join(f'"{name}"::text' for name, _, _, _ in TYPES)
    return {row[0]: list(row[1:]) for row in target.rows(f"set timezone = 'UTC'; set extra_float_digits = 1; select id, {columns} from dbo.every")}


def differences(target, want):
    got = shown(target)
    found = [f"rows {sorted(got)} instead of {sorted(want)}"] if sorted(got) != sorted(want) else []
    for i in sorted(set(got) & set(want)):
        for (name, kind, _, _), a, b in zip(TYPES, got[i], want[i]):
            if a != b:
                found.append(f"row {i}, {name} {kind}: {str(a)[:80]!r} instead of {str(b)[:80]!r}")
    return found


def wait_equal(run, target, want):
    def equal():
        assert run.is_running(), run.log()
        return target.rows("select to_regclass('dbo.every')")[0][0] and not differences(target, want)

    try:
        lab.wait_for("equality", equal, 60)
    except TimeoutError:
        assert differences(target, want) == []
        raise


def make(source):
    columns = ",\n".join(f"[{name}] {kind}" + ("" if "NULL" in kind else " NULL") for name, kind, _, _ in TYPES)
    source.script(f"""CREATE DATABASE {DATABASE}
GO
USE {DATABASE}
GO
EXEC sp_configure 'max text repl size', -1; RECONFIGURE
GO
CREATE TYPE dbo.Phone FROM varchar(12)
GO
CREATE TABLE dbo.every (id int NOT NULL PRIMARY KEY, {columns}, version rowversion NOT NULL)
GO
EXEC sys.sp_cdc_enable_db
GO
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'every', @role_name = NULL
""")


def test_every_type_arrives_whole_by_snapshot_and_by_stream(runner, source, target):
    make(source)
    only = {"table.include.list": "dbo.every"}
    insert(source, range(ROWS), shift=0)
    run = runner.start(source=only)
    shifts = {i: 0 for i in range(ROWS)}
    wait_equal(run, target, expected(shifts))
    made = dict(target.rows("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'dbo.every'::regclass and attnum > 0"))
    assert {name: made[name] for name, _, _, _ in TYPES} == {name: kind for name, _, kind, _ in TYPES}
    insert(source, range(100, 100 + ROWS), shift=0)
    shifts.update({i: 0 for i in range(100, 100 + ROWS)})
    wait_equal(run, target, expected(shifts))
    update(source, range(ROWS), shift=1)
    shifts.update({i: 1 for i in range(ROWS)})
    wait_equal(run, target, expected(shifts))
    source.script("DELETE FROM dbo.every WHERE id % 2 = 1", DATABASE)
    shifts = {i: shift for i, shift in shifts.items() if i % 2 == 0}
    wait_equal(run, target, expected(shifts))
    versions = source.rows("SELECT id, CAST(version AS varbinary(8)) FROM dbo.every", DATABASE)
    lab.wait_for("the versions", lambda: sorted(target.rows("select id, version from dbo.every")) and
                 sorted((i, bytes(v)) for i, v in target.rows("select id, version from dbo.every")) == sorted((i, bytes(v)) for i, v in versions))
    verified = runner.command("verify", *runner.files(source=only))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    target.rows("update dbo.every set a_path = '/9/', a_variant = '{\"type\": \"int\", \"value\": 1}' where id = 0")
    verified = runner.command("verify", "--settle=1", *runner.files(source=only))
    assert verified.returncode == 1 and "id=0" in verified.stdout, verified.stdout + verified.stderr


def small(source, columns, rows=()):
    source.script(f"CREATE DATABASE {DATABASE}\nGO\nUSE {DATABASE}\nGO\nCREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, {columns})\nGO\n" +
                  "".join(f"INSERT INTO dbo.t VALUES ({row})\nGO\n" for row in rows) +
                  "EXEC sys.sp_cdc_enable_db\nGO\nEXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL")


def wait_rows(run, target, sql, want):
    def equal():
        assert run.is_running(), run.log()
        return target.rows(sql) == want

    try:
        lab.wait_for("the rows", equal, 30)
    except TimeoutError:
        assert target.rows(sql) == want
        raise


ONLY_T = {"table.include.list": "dbo.t"}


def test_a_column_gets_the_type_that_is_asked_for(runner, source, target):
    target.rows("create extension if not exists citext; create extension if not exists ltree")
    small(source, "total decimal(10,2) NULL, at datetimeoffset(7) NULL, day date NULL, mail nvarchar(40) NULL, h hierarchyid NULL, v sql_variant NULL, d datetime NULL, f float NULL",
          ["1, 12.50, '2026-01-02T03:04:05.1234567+05:30', '2026-01-02', N'A@b', CAST(0x59FB0540 AS hierarchyid), CAST(5 AS int), '2026-01-02T03:04:05.003', 0.1"])
    asked = ("dbo.t.total:numeric(20,6);dbo.t.at:text;dbo.t.day:timestamp(0);dbo.t.mail:citext;dbo.t.h:ltree;dbo.t.v:text;"
             "dbo.t.d:timestamp with time zone;dbo.t.f:text")
    run = runner.start(source=ONLY_T, sink={"column.type.overrides": asked})
    first = (1, "12.500000", "2026-01-02T03:04:05.1234567+05:30", "2026-01-02 00:00:00", "A@b", "1.n2_18", '{"type": "int", "value": 5}',
             "2026-01-02 03:04:05.003+00", "0.1")
    shown = "set timezone = 'UTC'; select id, total::text, at, day::text, mail::text, h::text, v, d::text, f from dbo.t order by id"
    wait_rows(run, target, shown, [first])
    source.script("INSERT INTO dbo.t VALUES (2, -1, '0001-01-01T00:00:00-01:00', NULL, N'', CAST(0x AS hierarchyid), NULL, NULL, 1.7976931348623157E+308)", DATABASE)
    wait_rows(run, target, shown, [first, (2, "-1.000000", "0001-01-01T00:00:00-01:00", None, "", "", None, None, "1.7976931348623157e+308")])
    types = dict(target.rows("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'dbo.t'::regclass and attnum > 0"))
    assert types == {"id": "integer", "total": "numeric(20,6)", "at": "text", "day": "timestamp(0) without time zone", "mail": "citext", "h": "ltree",
                     "v": "text", "d": "timestamp with time zone", "f": "text"}
    verified = runner.command("verify", *runner.files(source=ONLY_T, sink={"column.type.overrides": asked}))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_type_that_would_lose_something_is_refused_before_a_row_is_written(runner, source, target):
    small(source, "total decimal(10,2) NULL, f float NULL", ["1, 12.50, 1"])
    for asked, words in [("dbo.t.total:numeric(10,1)", ["dbo.t.total", "decimal(10,2)", "numeric(10,1)"]), ("dbo.t.total:integer", ["integer"]),
                         ("dbo.t.f:real", ["float", "real"]), ("dbo.t.f:nosuch", ["nosuch"]), ("dbo.t.f:text[]", ["no type's name"]),
                         ("dbo.t.f", ["schema.table.column:type"])]:
        done = runner.command("run", *runner.files(source=ONLY_T, sink={"column.type.overrides": asked}))
        assert done.returncode in (1, 2), (asked, done.stdout, done.stderr)
        line = done.stderr.strip().splitlines()[-1]
        assert "column.type.overrides" in line and all(word in line for word in words), line
    assert target.rows("select to_regclass('dbo.t')::text") == [(None,)]


def test_an_override_without_effect_is_named(runner, source, target):
    small(source, "n int NULL", ["1, 5"])
    target.rows("create schema dbo; create table dbo.t (id int primary key, n bigint)")
    done = runner.command("run", *runner.files(source=ONLY_T, sink={"column.type.overrides": "dbo.t.N:numeric"}))
    assert done.returncode == 1 and "dbo.t.N" in done.stderr, done.stderr
    run = runner.start(source=ONLY_T, sink={"column.type.overrides": "dbo.t.n:numeric"})
    wait_rows(run, target, "select id, n from dbo.t", [(1, 5)])
    assert "event=type_override_unused table=dbo.t column=n asked_for=numeric has=bigint" in run.log(), run.log()
    assert target.value("select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'dbo.t'::regclass and attname = 'n'") == "bigint"


def test_existing_columns_of_many_kinds_are_filled(runner, source, target):
    small(source, "mood nvarchar(10) NULL, age int NULL, doc nvarchar(max) NULL, docb nvarchar(max) NULL, guid nvarchar(36) NULL, total money NULL, twice int NULL, day date NULL, t7 time(3) NULL",
          ["1, N'glad', 7, N'{\"a\": 1}', N'{\"b\":2}', N'6F9619FF-8B86-D011-B42D-00C04FC964FF', 1.5, 2, '2026-01-02', '12:00:00.5'"])
    target.rows("""create schema dbo; create type mood as enum ('glad', 'sad'); create domain age as int check (value between 0 and 150);
        create domain amount as numeric(12,4);
        create table dbo.t (id int generated always as identity primary key, mood mood, age age, doc json, docb jsonb, guid uuid, total amount,
                            twice int generated always as (age * 2) stored, day int, t7 bigint, extra text default 'x')""")
    run = runner.start(source=ONLY_T)
    shown = "select id, mood::text, age, doc::text, docb::text, guid::text, total::text, twice, day, t7, extra from dbo.t order by id"
    first = (1, "glad", 7, '{"a": 1}', '{"b": 2}', "6f9619ff-8b86-d011-b42d-00c04fc964ff", "1.5000", 14, 20455, 43200500, "x")
    wait_rows(run, target, shown, [first])
    source.script("INSERT INTO dbo.t VALUES (2, N'sad', 8, NULL, NULL, NULL, -1, NULL, NULL, NULL); UPDATE dbo.t SET age = 9, mood = N'sad' WHERE id = 1", DATABASE)
    wait_rows(run, target, shown, [(1, "sad", 9, *first[3:7], 18, *first[8:]), (2, "sad", 8, None, None, None, "-1.0000", 16, None, None, "x")])


def test_columns_that_hold_it_not_are_refused(runner, source, target):
    small(source, "n int NULL, s nvarchar(40) NULL", ["1, 5, N'10.0.0.1'"])
    for columns, word in [("n int[], s text", "integer[]"), ("n int, s inet", "inet"), ("n date, s text", "date"), ("n int, s int4range", "int4range")]:
        target.rows(f"drop schema if exists dbo cascade; create schema dbo; create table dbo.t (id int primary key, {columns})")
        done = runner.command("run", *runner.files(source=ONLY_T))
        assert done.returncode != 0 and word in done.stderr, done.stderr


# name, type, keys in T-SQL as f(i); distinct for i in 0…51
KEYS = [
    ("k_tinyint", "tinyint", lambda i: f"{i}"), ("k_bigint", "bigint", lambda i: f"{i * 300000000000000000 - 9000000000000000000}"),
    ("k_decimal", "decimal(38,4)", lambda i: f"{i * 10 ** 32}.0001"), ("k_money", "money", lambda i: f"{i}.5 - 900000000000000"),
    ("k_real", "real", lambda i: f"CAST(0.1 AS real) * {i + 1}"), ("k_float", "float", lambda i: f"1e308 / {i + 1}"),
    ("k_date", "date", lambda i: f"DATEADD(day, {i * 50000}, CAST('0001-01-01' AS date))"), ("k_time", "time(7)", lambda i: f"'00:00:00.{i:07}'"),
    ("k_datetime", "datetime", lambda i: f"DATEADD(ms, {i * 10}, CAST('2026-01-01' AS datetime))"), ("k_datetime2", "datetime2(3)", lambda i: f"DATEADD(ms, {i}, CAST('9999-12-31T23:59:59' AS datetime2(3)))"),
    ("k_offset", "datetimeoffset(3)", lambda i: f"'2026-01-01T00:00:{i:02}.001+0{i % 10}:30'"), ("k_char", "char(6)", lambda i: f"'{i}'"),
    ("k_varchar", "varchar(20)", lambda i: f"'it''s {i}%'"), ("k_nvarchar", "nvarchar(20)", lambda i: f"N'\u00fc\u4e2d {i}'"), ("k_binary", "binary(4)", lambda i: f"0x00{i:02X}"),
    ("k_varbinary", "varbinary(8)", lambda i: f"0x{i:04X}FF"), ("k_guid", "uniqueidentifier", lambda i: f"'{i:08X}-8B86-D011-B42D-00C04FC964FF'"),
]


def test_keys_of_every_type_find_their_rows(runner, source, target):
    """Every type that can be a key, in copy, update, delete and a change of the key itself; verify looks rows up by key, too."""
    paths = ["0x", "0x58", "0x5ADE", "0x59FB0540", "0x5AC0"]
    source.script(f"CREATE DATABASE {DATABASE}\nGO\nUSE {DATABASE}\nGO\nEXEC sys.sp_cdc_enable_db")
    for name, kind, key in KEYS:
        rows = ", ".join(f"({key(i)}, {i})" for i in range(40))
        source.script(f"CREATE TABLE dbo.{name} (k {kind} NOT NULL PRIMARY KEY, v int NULL)\nGO\nINSERT INTO dbo.{name} VALUES {rows}", DATABASE)
    source.script("CREATE TABLE dbo.k_path (k hierarchyid NOT NULL PRIMARY KEY, v int NULL)\nGO\nINSERT INTO dbo.k_path VALUES " +
                  ", ".join(f"(CAST({p} AS hierarchyid), {i})" for i, p in enumerate(paths)), DATABASE)
    names = [k[0] for k in KEYS] + ["k_path"]
    for name in names:
        source.script(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{name}', @role_name = NULL", DATABASE)
    everything, digits = {"table.include.list": None}, {"column.type.overrides": "dbo.k_time.k:text"}
    run = runner.start(source=everything, sink=digits)
    for name, kind, key in KEYS:
        wait_rows(run, target, f"select count(*), sum(v) from dbo.{name}", [(40, 780)])
        source.script(f"UPDATE dbo.{name} SET v = 1000 + v WHERE v < 5\nDELETE FROM dbo.{name} WHERE v BETWEEN 10 AND 19\n"
                      f"UPDATE dbo.{name} SET k = {key(50)} WHERE v = 30\nINSERT INTO dbo.{name} VALUES ({key(51)}, 51)", DATABASE)
    source.script("UPDATE dbo.k_path SET v = 100 WHERE v = 3; DELETE FROM dbo.k_path WHERE v = 1; UPDATE dbo.k_path SET k = CAST(0x58 AS hierarchyid) WHERE v = 2", DATABASE)
    for name, _, _ in KEYS:
        wait_rows(run, target, f"select count(*), sum(v) from dbo.{name}", [(31, 780 - 145 + 5000 + 51)])
    wait_rows(run, target, "select k, v from dbo.k_path order by v", [("/", 0), ("/1/", 2), ("/1/1/", 4), ("/1/-2.18/", 100)])
    verified = runner.command("verify", *runner.files(source=everything, sink=digits))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    for name in names:
        target.rows(f"update dbo.{name} set v = -1 where v = (select max(v) from dbo.{name})")
    verified = runner.command("verify", "--settle=1", *runner.files(source=everything, sink=digits))
    assert verified.returncode == 1, verified.stdout + verified.stderr
    for name in names:
        assert f"dbo.{name}" in verified.stdout, verified.stdout


def test_keys_that_postgresql_would_make_one_are_refused(runner, source, target):
    """The 7th digit of a second tells rows apart in SQL Server, and isn't there in PostgreSQL."""
    source.script(f"CREATE DATABASE {DATABASE}\nGO\nUSE {DATABASE}\nGO\nEXEC sys.sp_cdc_enable_db\nGO\n"
                  "CREATE TABLE dbo.t (id int NOT NULL, at datetime2(7) NOT NULL, v int NULL, PRIMARY KEY (id, at))\nGO\n"
                  "INSERT INTO dbo.t VALUES (1, '2026-01-02T03:04:05.1234561', 1), (1, '2026-01-02T03:04:05.1234562', 2)\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL")
    done = runner.command("run", *runner.files(source=ONLY_T))
    assert done.returncode != 0 and "column.type.overrides=dbo.t.at:text" in done.stderr, done.stderr
    run = runner.start(source=ONLY_T, sink={"column.type.overrides": "dbo.t.at:text"})
    wait_rows(run, target, "select id, at, v from dbo.t order by v", [(1, "2026-01-02T03:04:05.1234561", 1), (1, "2026-01-02T03:04:05.1234562", 2)])
    source.script("UPDATE dbo.t SET v = 3 WHERE v = 1; DELETE FROM dbo.t WHERE v = 2", DATABASE)
    wait_rows(run, target, "select id, at, v from dbo.t", [(1, "2026-01-02T03:04:05.1234561", 3)])
    assert run.stop() == 0
    target.rows("drop schema dbo cascade; drop schema millrace cascade")
    run = runner.start(source=ONLY_T, sink={"column.type.overrides": "dbo.t.at:timestamp(6)"})
    wait_rows(run, target, "select id, at::text, v from dbo.t", [(1, "2026-01-02 03:04:05.123456", 3)])
