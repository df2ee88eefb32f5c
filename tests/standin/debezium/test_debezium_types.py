"""Every type through Debezium: what was inserted, in the snapshot and in changes, and how the schema names it."""

import base64
import datetime as dt
import decimal
import struct

import pytest

import engines
from shop import running

DAY_NS = 86_400 * 10**9
TIME = "io.debezium.time."


def wrapped(ns):
    """Nanoseconds since 1970 as Debezium counts them: in 64 bits, without a check."""
    return (ns + 2**63) % 2**64 - 2**63


def days(text):
    return dt.date.fromisoformat(text).toordinal() - dt.date(1970, 1, 1).toordinal()


def ns_of_day(text):
    hours, minutes, seconds = text.split(":")
    whole, _, fraction = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 10**9 + int((fraction + "0" * 9)[:9])


def ns(text):
    date, time = text.split(" ")
    return days(date) * DAY_NS + ns_of_day(time)


def quoted(values, prefix=""):
    return [prefix + "'" + v.replace("'", "''") + "'" for v in values]


class Type:
    """A column: its declaration, literals and the values that events must have; semantic name in the schema."""

    def __init__(self, declaration, literals, values, kind, semantic=None, before_update=True, before_delete=True):
        self.declaration, self.literals, self.values = declaration, list(literals), list(values)
        self.kind, self.semantic = kind, semantic
        self.before_update, self.before_delete = before_update, before_delete


def numbers(declaration, kind, *values):
    return Type(declaration, map(str, values), values, kind)


def decimals(declaration, *texts):
    return Type(declaration, texts, texts, "bytes", "org.apache.kafka.connect.data.Decimal")


def times(declaration, kind, semantic, unit_ns, convert, *texts):
    return Type(declaration, quoted(texts), [wrapped(convert(t)) // unit_ns if unit_ns == 1 else convert(t) // unit_ns for t in texts],
                kind, TIME + semantic)


def texts(declaration, *values, padded=0, **lob):
    return Type(declaration, quoted(values, "N" if declaration.startswith(("n", "xml", "sysname")) or "COLLATE" in declaration else ""),
                [v.ljust(padded) for v in values], "string", **lob)


def binaries(declaration, *values, padded=0, **lob):
    return Type(declaration, ["0x" + v.hex() for v in values],
                [base64.b64encode(v.ljust(padded, b"\0")).decode() for v in values], "bytes", **lob)


LOB = {"before_update": False}  # NULL before an update that doesn't change it
OLD_LOB = {"before_update": False, "before_delete": False}
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
WIDE = "Жук \U0001f600 漢"
TYPES = [
    Type("bit", ["0", "1"], [False, True], "boolean"),
    numbers("tinyint", "int16", 0, 255), numbers("smallint", "int16", -32768, 32767), numbers("int", "int32", -2**31, 2**31 - 1),
    numbers("bigint", "int64", -2**63, 2**63 - 1),
    decimals("decimal(5,2)", "-999.99", "999.99", "0.01"), decimals("numeric(38,0)", "-" + "9" * 38, "9" * 38),
    decimals("decimal(38,38)", "-0." + "9" * 38, "0." + "0" * 37 + "1"), decimals("decimal(19,4)", "123456789012345.6789"),
    decimals("money", "-922337203685477.5808", "922337203685477.5807"), decimals("smallmoney", "-214748.3648", "214748.3647"),
    Type("real", ["-3.4028235E38", "1.17549435E-38", "0.1"],
         [struct.unpack("f", struct.pack("f", v))[0] for v in (-3.4028235e38, 1.17549435e-38, 0.1)], "float"),
    Type("float", ["-1.7976931348623157E308", "2.2250738585072014E-308", "0.1E0"],
         [-1.7976931348623157e308, 2.2250738585072014e-308, 0.1], "double"),
    Type("date", quoted(["0001-01-01", "9999-12-31"]), [days("0001-01-01"), days("9999-12-31")], "int32", TIME + "Date"),
    times("time(0)", "int32", "Time", 10**6, ns_of_day, "00:00:00", "23:59:59"),
    times("time(3)", "int32", "Time", 10**6, ns_of_day, "23:59:59.999"),
    times("time(5)", "int64", "MicroTime", 10**3, ns_of_day, "23:59:59.99999"),
    times("time(7)", "int64", "NanoTime", 1, ns_of_day, "23:59:59.9999999", "00:00:00.0000001"),
    times("smalldatetime", "int64", "Timestamp", 10**6, ns, "1900-01-01 00:00:00", "2079-06-06 23:59:00"),
    times("datetime", "int64", "Timestamp", 10**6, ns, "1753-01-01 00:00:00.003", "9999-12-31 23:59:59.997", "2026-01-01 00:00:00.007"),
    times("datetime2(0)", "int64", "Timestamp", 10**6, ns, "0001-01-01 00:00:00", "9999-12-31 23:59:59"),
    times("datetime2(3)", "int64", "Timestamp", 10**6, ns, "1969-12-31 23:59:59.999"),
    times("datetime2(6)", "int64", "MicroTimestamp", 10**3, ns, "0001-01-01 00:00:00.000001", "9999-12-31 23:59:59.999999"),
    times("datetime2(7)", "int64", "NanoTimestamp", 1, ns, "2026-11-03 16:05:06.1234567", "0001-01-01 00:00:00", "9999-12-31 23:59:59.9999999"),
    # Not before 1582: the driver's own type goes over to the Julian calendar there.
    Type("datetimeoffset(7)", quoted(["2026-11-03 16:05:06.1234567 +05:30", "1600-01-01 14:00:00 +14:00", "9999-12-31 09:59:59.9999999 -14:00"]),
         ["2026-11-03T16:05:06.1234567+05:30", "1600-01-01T14:00:00+14:00", "9999-12-31T09:59:59.9999999-14:00"], "string", TIME + "ZonedTimestamp"),
    Type("datetimeoffset(0)", quoted(["2026-11-03 16:05:06 +00:00"]), ["2026-11-03T16:05:06Z"], "string", TIME + "ZonedTimestamp"),
    texts("char(5)", "", "ab", "grüße", padded=5), texts("varchar(20)", "", " ", "5 € it's"), texts("varchar(8000)", "y" * 8000),
    texts("varchar(max)", "", "z" * 60_000, **LOB), texts("text", "", "olde", **OLD_LOB), texts("nchar(5)", "", "Жук", padded=5),
    texts("nvarchar(20)", "", WIDE), texts("nvarchar(4000)", "Ж" * 4000), texts("nvarchar(max)", "", "漢字 and more, " * 2_000, **LOB),
    texts("ntext", "", WIDE, **OLD_LOB), texts("sysname", "a name"), texts("xml", '<a b="c">Жук</a>'),
    texts("varchar(10) COLLATE Japanese_CI_AS", "日本語"), texts("varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8", WIDE),
    texts("nvarchar(10) COLLATE Latin1_General_BIN2", "aB"),
    binaries("binary(4)", b"", b"\x01\xff", padded=4), binaries("varbinary(10)", b"", b"\x00\xff\x00"),
    binaries("varbinary(max)", b"", b"\x00\x01\x02" * 20_000, **LOB), binaries("image", b"", b"\x00\xff", **OLD_LOB),
    Type("uniqueidentifier", quoted([GUID, "00000000-0000-0000-0000-000000000000"]), [GUID, "00000000-0000-0000-0000-000000000000"], "string"),
]
COLUMNS = {f"c{at:02}": t for at, t in enumerate(TYPES)}
ROWS = max(len(t.literals) for t in TYPES) + 1  # the last one has NULLs alone


def literal(column, row):
    return column.literals[row] if row < len(column.literals) else "NULL"


def expected(row):
    return {name: c.values[row] if row < len(c.values) else None for name, c in COLUMNS.items()}


def given(fields, values):
    """A row of an event with its decimals as text."""
    found = dict(values)
    for f in fields:
        if f.get("name") == "org.apache.kafka.connect.data.Decimal" and found[f["field"]] is not None:
            found[f["field"]] = f"{engines.decimal_of(found[f['field']], int(f['parameters']['scale'])):f}"
        if f["type"] == "float" and found[f["field"]] is not None:
            found[f["field"]] = struct.unpack("f", struct.pack("f", found[f["field"]]))[0]
    return found


@pytest.mark.parametrize("query_mode", ["function", "direct"])
def test_every_type(host, shop, name, query_mode):
    shop.run("CREATE TABLE dbo.types(id int NOT NULL PRIMARY KEY, n int NOT NULL, "
             + ", ".join(f"{column} {t.declaration} NULL" for column, t in COLUMNS.items()) + ")")

    def insert(first):
        shop.run(*(f"INSERT dbo.types VALUES ({first + row}, 0, " + ", ".join(literal(c, row) for c in COLUMNS.values()) + ")"
                   for row in range(ROWS)))
    insert(0)
    shop.capture("types")
    shop.captured()
    with running(host, name, shop.settings(data__query__mode=query_mode, decimal__handling__mode=None)) as engine:
        engine.wait_rows(1, snapshot="last")
        insert(100)
        shop.run("UPDATE dbo.types SET n = 1 WHERE id >= 100", "DELETE dbo.types WHERE id >= 100")
        shop.drained(engine)
        rows = engine.rows("dbo.types")
        fields = next(f for f in engine.schemas()[f"{name}.{name}.dbo.types"]["fields"] if f["field"] == "after")["fields"]
    assert [r.op for r in rows] == ["r"] * ROWS + ["c"] * ROWS + ["u"] * ROWS + ["d"] * ROWS
    named = {f["field"]: f for f in fields}
    for column, t in COLUMNS.items():
        assert (named[column]["type"], named[column].get("name")) == (t.kind, t.semantic), t.declaration
    for at, row in enumerate(rows):
        number, op = at % ROWS, row.op
        want = {"id": number + (100 if op != "r" else 0), "n": 1 if op in "ud" else 0, **expected(number)}
        if op != "d":
            assert given(fields, row.after) == want
        if op in "ud":
            before = {**want, "n": 1 if op == "d" else 0}
            for column, t in COLUMNS.items():
                if not (t.before_update if op == "u" else t.before_delete):
                    before[column] = None
            assert given(fields, row.before) == before


POINT = bytes.fromhex("E6100000010C") + struct.pack("<dd", 47.65100, -122.34900)  # WGS 84, version 1, a valid point


def test_columns_of_their_own_kind(host, shop, name):
    """Identity, rowversion, computed, sparse; sql_variant, which Debezium leaves out; CLR types as bytes."""
    shop.run("""CREATE TABLE dbo.kinds(id bigint IDENTITY(5, 5) PRIMARY KEY, v rowversion, a int SPARSE NULL, twice AS a * 2,
                h hierarchyid NULL, x sql_variant NULL, g geography NULL)""",
             "INSERT dbo.kinds(a, x, h) VALUES (1, N'text', 0x58)", f"INSERT dbo.kinds(a, x, g) VALUES (2, 7, 0x{POINT.hex()})")
    shop.capture("kinds")
    shop.captured()
    with running(host, name, shop.settings()) as engine:
        engine.wait_rows(1, snapshot="last")
        shop.run("INSERT dbo.kinds(a, x) VALUES (3, CAST('2026-01-01' AS date))", "UPDATE dbo.kinds SET x = 1.5, a = NULL, h = 0x68 WHERE id = 5")
        shop.drained(engine)
        versions = [base64.b64encode(bytes(r[0])).decode() for r in shop.rows("SELECT v FROM dbo.kinds ORDER BY id")]
        rows = engine.rows("dbo.kinds")
    assert [(r.op, *(r.after.get(k, "absent") for k in ("id", "a", "twice", "h", "g", "x"))) for r in rows] == [
        ("r", 5, 1, 2, "WA==", None, "absent"), ("r", 10, 2, 4, None, base64.b64encode(POINT).decode(), "absent"),
        ("c", 15, 3, None, None, None, "absent"), ("u", 5, None, None, "aA==", None, "absent")]
    assert [r.after["v"] for r in rows][1:] == [versions[1], versions[2], versions[0]]


DEFAULTS = [("int", "5", 5), ("bigint", "-7", -7), ("bit", "1", True), ("nvarchar(10)", "N'its'", "its"), ("varchar(10)", "''", ""),
            ("decimal(5,2)", "1.5", "1.5"), ("money", "2", "2"), ("float", "1.25", 1.25), ("real", "2.5", 2.5),
            ("date", "'2026-01-02'", days("2026-01-02")), ("datetime2(3)", "'2026-01-02T03:04:05.678'", ns("2026-01-02 03:04:05.678") // 10**6),
            ("datetime", "'2026-01-02 03:04:05'", ns("2026-01-02 03:04:05") // 10**6), ("time(3)", "'03:04:05'", ns_of_day("03:04:05") // 10**6),
            ("smalldatetime", "'2026-01-02 03:04'", ns("2026-01-02 03:04:00") // 10**6),
            ("binary(2)", "0x0102", "AQI="), ("uniqueidentifier", "NEWID()", None), ("datetime2(7)", "SYSDATETIME()", None)]


def test_defaults_are_in_the_schema(host, shop, name):
    """Defaults are read from the constraints' text, times by asking the server what they mean."""
    shop.run("CREATE TABLE dbo.defaults(id int PRIMARY KEY, " + ", ".join(
        f"d{at:02} {declaration} NOT NULL DEFAULT {text}" for at, (declaration, text, _) in enumerate(DEFAULTS)) + ")",
        "INSERT dbo.defaults(id) VALUES (1)")
    shop.capture("defaults")
    shop.captured()
    with running(host, name, shop.settings()) as engine:
        engine.wait_rows(1, snapshot="last")
        row = engine.rows("dbo.defaults")[0].after
        fields = {f["field"]: f for f in next(f for f in engine.schemas()[f"{name}.{name}.dbo.defaults"]["fields"]
                                              if f["field"] == "after")["fields"]}
    for at, (declaration, _, value) in enumerate(DEFAULTS):
        assert fields[f"d{at:02}"].get("default") == value, declaration
        if value is not None:
            same = decimal.Decimal if isinstance(row[f"d{at:02}"], str) and declaration.startswith(("dec", "mon")) else lambda v: v
            assert same(row[f"d{at:02}"]) == same(value), declaration
