"""What goes into the stand-in comes back: every type it has, at its extremes, NULL, empty and longest, through
python-tds and through FreeTDS's ODBC driver, as literals and as parameters; and the lengths that both announce."""

import contextlib
import datetime as dt
import decimal
import glob
import pathlib
import struct
import uuid

import pyodbc
import pytest
import pytds

import lab

D = decimal.Decimal
ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES_DB = "types_test"
FREETDS = next(iter(glob.glob("/usr/lib/*/odbc/libtdsodbc.so")), None)


def single(x):
    """x rounded to a real."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def zone(minutes):
    return dt.timezone(dt.timedelta(minutes=minutes))


def numbers(declaration, *values):
    return [(declaration, str(v), v) for v in values]


def texts(declaration, *values, padded=None):
    quote = "N" if declaration.startswith(("n", "xml")) else ""
    return [(declaration, quote + "'" + v.replace("'", "''") + "'", v.ljust(padded) if padded else v) for v in values]


def binaries(declaration, *values, padded=None):
    return [(declaration, "0x" + v.hex(), v.ljust(padded, b"\0") if padded else v) for v in values]


GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
LATIN = "grüße, 5 €"
WIDE = "Жук \U0001f600 漢"

# (declared type, T-SQL literal, Python value)
CASES = [
    ("bit", "0", False),
    ("bit", "1", True),
    *numbers("tinyint", 0, 255),
    *numbers("smallint", -32768, 32767),
    *numbers("int", -2147483648, 2147483647, 0),
    *numbers("bigint", -9223372036854775808, 9223372036854775807),
    ("real", "-3.4E38", single(-3.4e38)),
    ("real", "1.17549435E-38", single(1.17549435e-38)),
    ("float", "-1.7976931348623157E308", -1.7976931348623157e308),
    ("float", "2.2250738585072014E-308", 2.2250738585072014e-308),
    ("float", "0.1E0", 0.1),
    *numbers("decimal(5,2)", D("-999.99"), D("0.01"), D("0.00")),
    *numbers("numeric(18,0)", D("-999999999999999999"), D("999999999999999999")),
    *numbers("decimal(19,4)", D("-999999999999999.9999"), D("1.5000")),
    *numbers("decimal(28,28)", D("0." + "9" * 28)),
    *numbers("decimal(38,0)", D("9" * 38), D("-" + "9" * 38)),
    *numbers("decimal(38,38)", D("0." + "9" * 38), D("-0." + "0" * 37 + "1")),
    *numbers("money", D("-922337203685477.5808"), D("922337203685477.5807"), D("0.0001")),
    *numbers("smallmoney", D("-214748.3648"), D("214748.3647")),
    ("date", "'0001-01-01'", dt.date(1, 1, 1)),
    ("date", "'9999-12-31'", dt.date(9999, 12, 31)),
    ("time(0)", "'23:59:59'", dt.time(23, 59, 59)),
    ("time(3)", "'12:34:56.789'", dt.time(12, 34, 56, 789000)),
    ("time(7)", "'00:00:00.0000010'", dt.time(0, 0, 0, 1)),
    ("datetime2(0)", "'2026-11-03 16:05:06'", dt.datetime(2026, 11, 3, 16, 5, 6)),
    ("datetime2(3)", "'0001-01-01 00:00:00.001'", dt.datetime(1, 1, 1, 0, 0, 0, 1000)),
    ("datetime2(7)", "'9999-12-31 23:59:59.999999'", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("datetime", "'1753-01-01'", dt.datetime(1753, 1, 1)),
    ("datetime", "'9999-12-31 23:59:59.997'", dt.datetime(9999, 12, 31, 23, 59, 59, 997000)),
    ("datetime", "'1899-12-31 12:00:00.003'", dt.datetime(1899, 12, 31, 12, 0, 0, 3000)),
    ("smalldatetime", "'1900-01-01'", dt.datetime(1900, 1, 1)),
    ("smalldatetime", "'2079-06-06 23:59'", dt.datetime(2079, 6, 6, 23, 59)),
    ("datetimeoffset(7)", "'2026-11-03 16:05:06.123456 +05:30'", dt.datetime(2026, 11, 3, 16, 5, 6, 123456, zone(330))),
    ("datetimeoffset(0)", "'0001-01-01 14:00:00 +14:00'", dt.datetime(1, 1, 1, 14, 0, 0, 0, zone(840))),
    ("datetimeoffset(3)", "'9999-12-31 09:59:59.999 -14:00'", dt.datetime(9999, 12, 31, 9, 59, 59, 999000, zone(-840))),
    ("uniqueidentifier", f"'{GUID}'", uuid.UUID(GUID)),
    *texts("char(5)", "", "ab", "grüße", padded=5),
    *texts("char(8000)", "x" * 8000),
    *texts("varchar(20)", "", " ", LATIN, "it''s"),
    *texts("varchar(8000)", "y" * 8000),
    *texts("varchar(max)", "", LATIN, "z" * 100_000),
    *texts("nchar(5)", "", "Жук", padded=5),
    *texts("nvarchar(20)", "", WIDE),
    *texts("nvarchar(4000)", "Ж" * 4000, "x" * 4000),
    *texts("nvarchar(max)", "", WIDE, "漢字 and more, " * 20_000),
    *texts("sysname", "a name"),
    *texts("text", "", LATIN),
    *texts("ntext", "", WIDE),
    *texts("xml", '<a b="c">Жук</a>'),
    *binaries("binary(4)", b"", b"\x01\xff", padded=4),
    *binaries("binary(8000)", b"\xab" * 8000),
    *binaries("varbinary(10)", b"", b"\x00\xff\x00"),
    *binaries("varbinary(8000)", b"\xcd" * 8000),
    *binaries("varbinary(max)", b"", b"\x00\x01\x02" * 50_000),
    *binaries("image", b"", b"\x00\xff"),
]


def case_id(case):
    return f"{case[0]}-{case[1][:24]}"


@pytest.fixture(scope="module")
def server():
    directory = ROOT / "build" / "standin" / lab.build_dir().name / "types"
    with lab.Standin(directory) as s:
        s.script(f"create database {TYPES_DB}")
        yield s


@pytest.fixture(scope="module")
def by_pytds(server):
    with contextlib.closing(server.connect(TYPES_DB)) as c:
        yield c


@pytest.fixture(scope="module")
def by_freetds(server):
    if not FREETDS:
        pytest.skip("FreeTDS's ODBC driver isn't installed (package tdsodbc)")
    c = pyodbc.connect(f"DRIVER={FREETDS};SERVER=127.0.0.1;PORT={server.port};UID=sa;PWD={lab.PASSWORD};"
                       f"DATABASE={TYPES_DB};TDS_Version=7.4;ClientCharset=UTF-8", autocommit=True)
    with contextlib.closing(c):
        yield c


def run(connection, sql, *params):
    with contextlib.closing(connection.cursor()) as q:
        q.execute(sql, *([params] if params else []))
        return [tuple(r) for r in q.fetchall()] if q.description else []


def same(got, want):
    if isinstance(want, uuid.UUID):
        return uuid.UUID(str(got)) == want
    if isinstance(want, dt.datetime) and want.tzinfo:
        # of equal moment and of equal offset
        return (got.replace(tzinfo=None), got.utcoffset()) == (want.replace(tzinfo=None), want.utcoffset())
    if isinstance(want, dt.date) and not isinstance(want, dt.datetime) and isinstance(got, str):
        return dt.date.fromisoformat(got.rjust(10, "0")) == want
    return got == want and isinstance(got, type(want))


def fresh_table(connection, declaration):
    run(connection, "drop table if exists dbo.t")
    run(connection, f"create table dbo.t (id int not null identity primary key, v {declaration} null)")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_literal_comes_back_through_python_tds(by_pytds, case):
    declaration, literal, want = case
    fresh_table(by_pytds, declaration)
    run(by_pytds, f"insert into dbo.t (v) values ({literal}), (null)")
    rows = run(by_pytds, "select v from dbo.t order by id")
    assert same(rows[0][0], want), repr(rows[0][0])[:200]
    assert rows[1] == (None,)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_literal_comes_back_through_freetds(by_freetds, case):
    declaration, literal, want = case
    if declaration.startswith("datetimeoffset"):
        pytest.skip("pyodbc can't read FreeTDS's datetimeoffset; the text form below covers it")
    fresh_table(by_freetds, declaration)
    run(by_freetds, f"insert into dbo.t (v) values ({literal}), (null)")
    rows = run(by_freetds, "select v from dbo.t order by id")
    assert same(rows[0][0], want), repr(rows[0][0])[:200]
    assert rows[1] == (None,)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_parameter_comes_back_through_python_tds(by_pytds, case):
    declaration, _, want = case
    fresh_table(by_pytds, declaration)
    value = want
    if isinstance(want, bytes):
        value = pytds.Binary(want)  # plain bytes are text to python-tds
    elif declaration.startswith(("char", "nchar")):
        value = want.rstrip()
    run(by_pytds, "insert into dbo.t (v) values (%s)", value)
    got = run(by_pytds, "select v from dbo.t")[0][0]
    assert same(got, want), repr(got)[:200]


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_parameter_comes_back_through_freetds(by_freetds, case):
    declaration, _, want = case
    if declaration.startswith("datetimeoffset"):
        pytest.skip("pyodbc can't read FreeTDS's datetimeoffset")
    if isinstance(want, dt.date) and want.year < 1753:
        pytest.skip("FreeTDS 1.3 sends early dates one day off (seen in its TDSDUMP)")
    if isinstance(want, dt.time) and want.microsecond:
        pytest.skip("pyodbc sends a time in whole seconds to this driver")
    fresh_table(by_freetds, declaration)
    run(by_freetds, "insert into dbo.t (v) values (?)", want)
    got = run(by_freetds, "select v from dbo.t")[0][0]
    assert same(got, want), repr(got)[:200]


SEVEN_DIGITS = [
    ("time(7)", "23:59:59.9999999", "23:59:59.9999999"),
    ("datetime2(7)", "9999-12-31 23:59:59.9999999", "9999-12-31 23:59:59.9999999"),
    ("datetime2(7)", "0001-01-01 00:00:00.0000001", "0001-01-01 00:00:00.0000001"),
    ("datetimeoffset(7)", "2026-11-03 16:05:06.1234567 -08:00", "2026-11-03 16:05:06.1234567 -08:00"),
    ("datetime", "2026-11-03 16:05:06.005", "2026-11-03 16:05:06.007"),
]


@pytest.mark.parametrize("declaration, text, want", SEVEN_DIGITS)
def test_digits_that_python_lacks_are_kept(by_pytds, by_freetds, declaration, text, want):
    fresh_table(by_pytds, declaration)
    run(by_pytds, f"insert into dbo.t (v) values ('{text}')")
    for connection in (by_pytds, by_freetds):
        assert run(connection, "select convert(varchar(40), v, 121) from dbo.t") == [(want,)]


def test_an_unpaired_surrogate_is_kept(by_pytds):
    fresh_table(by_pytds, "nvarchar(10)")
    run(by_pytds, "insert into dbo.t (v) values (N'a' + nchar(55357) + N'b')")
    assert run(by_pytds, "select convert(varbinary(20), v), len(v) from dbo.t") == [(b"a\0\x3d\xd8b\0", 3)]


def test_a_rowversion_is_eight_bytes_that_grow(by_pytds):
    fresh_table(by_pytds, "rowversion")
    run(by_pytds, "insert into dbo.t default values; insert into dbo.t default values")
    (first,), (second,) = run(by_pytds, "select v from dbo.t order by id")
    assert len(first) == 8 and first < second


# declared type, bytes in sys.columns, display size and precision and scale as FreeTDS's ODBC describes them
LENGTHS = [
    ("int", 4, (10, 0)),
    ("bigint", 8, (19, 0)),
    ("decimal(12,2)", 9, (12, 2)),
    ("money", 8, (19, 4)),
    ("bit", 1, (1, 0)),
    ("float", 8, (53, 0)),
    ("real", 4, (24, 0)),
    ("uniqueidentifier", 16, (36, 0)),
    ("varchar(20)", 20, (20, 0)),
    ("nvarchar(20)", 40, (20, 0)),
    ("varbinary(10)", 10, (10, 0)),
    ("nvarchar(max)", -1, None),
    ("datetime2(3)", 7, None),
    ("time(7)", 5, None),
    ("date", 3, (10, 0)),
    ("xml", -1, None),
]


@pytest.mark.parametrize("declaration, length, size", LENGTHS, ids=[x[0] for x in LENGTHS])
def test_lengths_are_announced(by_pytds, by_freetds, declaration, length, size):
    fresh_table(by_pytds, declaration)
    sql = "select max_length from sys.columns where object_id = object_id('dbo.t') and name = 'v'"
    assert run(by_pytds, sql) == [(length,)]
    with contextlib.closing(by_freetds.cursor()) as q:
        q.execute("select v, id from dbo.t")
        column, key = q.description
    assert column[6] is True and key[6] is False  # NULL allowed
    if size:
        precision, scale = size
        assert column[4] == precision and column[5] == scale


def test_bulk_rows_come_back(by_pytds):
    run(by_pytds, "drop table if exists dbo.loaded")
    run(by_pytds, "create table dbo.loaded (a int not null, b nvarchar(40), c varbinary(max), d decimal(10,2), e datetime2)")
    from pytds import tds_types as t
    columns = [pytds.Column("a", t.IntType()), pytds.Column("b", t.NVarCharType(size=40)),
               pytds.Column("c", t.VarBinaryMaxType()), pytds.Column("d", t.DecimalType(precision=10, scale=2)),
               pytds.Column("e", t.DateTime2Type(precision=6))]
    rows = [(i, None if i % 7 == 0 else WIDE + str(i), None if i % 5 == 0 else bytes([i % 256]) * (i % 300), D(i) / 100,
             dt.datetime(2026, 1, 1) + dt.timedelta(seconds=i)) for i in range(3000)]
    with contextlib.closing(by_pytds.cursor()) as q:
        q.copy_to(data=rows, table_or_view="loaded", columns=columns)
    assert run(by_pytds, "select * from dbo.loaded order by a") == rows


def test_an_error_is_told_and_the_connection_goes_on(by_pytds, by_freetds):
    with pytest.raises(pytds.Error) as told:
        run(by_pytds, "select * from dbo.no_such_table")
    assert told.value.number == 208
    with pytest.raises(pyodbc.Error, match="208|Invalid object name"):
        run(by_freetds, "select * from dbo.no_such_table")
    assert run(by_pytds, "select 1") == run(by_freetds, "select 1") == [(1,)]


def test_a_wrong_password_is_refused(server):
    with pytest.raises(pytds.Error, match="Login failed for user 'sa'"):
        pytds.connect(dsn="127.0.0.1", port=server.port, user="sa", password="wrong", login_timeout=5)
