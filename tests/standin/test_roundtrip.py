"""What goes into the stand-in comes back, and is told to be what it was declared: every type at its extremes, through six clients
that share no code but FreeTDS's. Each is held to the same truth, so they agree with each other.

Where a client can't (a six-digit clock, decimals as JavaScript numbers), the truth is cut to what it can carry, below and nowhere
else: LIMITS says what and why."""

import datetime as dt
import re

import pytest

import canonical
from cases import CASES, COLLATED, OPAQUE, VARIANTS

TEMPORAL = ("time", "datetime2", "datetimeoffset")


def base(case):
    return re.match(r"\w+", case.declaration)[0]


def carried(client, case):
    """The value as far as the client can carry it."""
    value, kind = case.value, base(case)
    if kind in TEMPORAL and client.digits < 7:
        value = re.sub(r"(\.\d{%d})\d+" % client.digits, lambda m: m[1] + "0" * (7 - client.digits), value)
    if kind in ("decimal", "numeric", "money", "smallmoney") and not client.has_exact_decimals:
        scale = canonical.parameter(case.declaration, None).scale if kind in ("decimal", "numeric") else 4
        return float(value), scale
    if kind == "datetimeoffset" and not client.has_offsets:
        moment = canonical.to_python(canonical.Parameter("datetimeoffset", case.value))
        try:
            utc = moment.astimezone(dt.timezone.utc)
        except OverflowError:
            return None
        return f"{utc.year:04}-{utc:%m-%d %H:%M:%S}{value[19:27]} +00:00"
    return value


def same(client, case, got):
    want = carried(client, case)
    if isinstance(want, tuple):
        number, scale = want
        return got is not None and float(got) == pytest.approx(number, rel=1e-15, abs=10 ** -scale / 2)
    if want and base(case) in TEMPORAL and client.digits < 7:
        got = re.sub(r"(\.\d{%d})\d+" % client.digits, lambda m: m[1] + "0" * (7 - client.digits), got)
    if base(case) == "real" and len(got) == 16:  # pymssql doesn't tell a real from a float
        got = canonical.single(canonical.to_double(got))
    return got == want


def fresh(client, declaration):
    client.run_ok("drop table if exists dbo.t")
    client.run_ok(f"create table dbo.t (id int not null identity primary key, v {declaration} null)")


def is_latin(text):
    try:
        return bool(text.encode("cp1252")) or True
    except UnicodeEncodeError:
        return False


def shown(value):
    return repr(value)[:200]


@pytest.mark.parametrize("case", CASES + COLLATED, ids=lambda c: c.name)
def test_a_literal_and_a_null_come_back(client, case):
    if client.name == "python-tds":
        skip_if_limited(client, case)
    fresh(client, case.declaration)
    client.run_ok(f"insert into dbo.t (v) values ({case.literal}), (null)")
    (got,), (null,) = client.rows("select v from dbo.t order by id")
    assert same(client, case, got), shown(got)
    assert null is None


# (client, case, why): what a client can't send, as seen in its packets
LIMITS = [
    ("FreeTDS ODBC", lambda c: base(c) in ("date", "datetime2", "datetime") and c.value < "1753", "sends early dates a day off"),
    ("pymssql", lambda c: base(c) == "datetime2" and not c.value.endswith("0000"), "writes datetime with three digits"),
    ("pymssql", lambda c: base(c) == "varbinary" and not c.value, "writes empty bytes as ''"),
    ("tedious", lambda c: base(c) in ("decimal", "numeric", "money") and len(c.value.strip("-0.")) > 15, "sends JavaScript numbers"),
    ("mssql-jdbc", lambda c: base(c) in ("date", "datetimeoffset") and c.value < "1582-10-15" and c.value != "0001-01-01",
     "goes through the Julian calendar"),
    ("python-tds", lambda c: c.declaration.endswith("UTF8"), "doesn't know UTF-8 collations"),
]


def skip_if_limited(client, case):
    for name, applies, why in LIMITS:
        if client.name == name and applies(case):
            pytest.skip(f"{name} {why}")


@pytest.mark.parametrize("case", CASES + COLLATED, ids=lambda c: c.name)
def test_a_parameter_and_a_null_come_back(client, case):
    skip_if_limited(client, case)
    p = canonical.parameter(case.declaration.partition(" collate")[0], case.value)
    if base(case) in ("char", "nchar"):
        p.value = p.value.rstrip(" ")
    if p.type in ("char", "varchar") and not is_latin(p.value):
        p.type = "n" + p.type  # else the client makes it text of the connection's code page
    if p.type == "datetimeoffset" and client.name == "FreeTDS ODBC":
        p = canonical.Parameter("nvarchar", case.value, 40)  # it can't make one of text
    fresh(client, case.declaration)
    client.run_ok("insert into dbo.t (v) values (?)", p)
    p.value = None
    client.run_ok("insert into dbo.t (v) values (?)", p)
    (got,), (null,) = client.rows("select v from dbo.t order by id")
    assert same(client, case, got), shown(got)
    assert null is None


DECLARATIONS = sorted({c.declaration for c in CASES})


def told_type(client, p):
    """The name that a client gives to a column of the type."""
    names = {"sysname": "nvarchar"}
    if client.name == "FreeTDS ODBC":  # one name for the small and the large one
        names |= {"smalldatetime": "datetime", "smallmoney": "money"}
    if client.name == "python-tds":  # one class of its own for both
        names |= {"char": "varchar", "nchar": "nvarchar", "binary": "varbinary", "numeric": "decimal"}
        if p.length == -1 and p.type == "nvarchar":
            return "ntext"
    return names.get(p.type, p.type)


def told_length(client, p):
    """Characters or bytes, as each client counts them; None: it isn't told, or isn't a length."""
    if p.type not in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary", "sysname"):
        return None
    is_wide = p.type in ("nchar", "nvarchar", "sysname")
    if client.name == "mssql-jdbc":
        return (1073741823 if is_wide else 2147483647) if p.length == -1 else p.length
    if client.name in ("ODBC Driver 18", "FreeTDS ODBC"):
        return 0 if p.length == -1 else p.length
    if client.name == "tedious":
        return 65535 if p.length == -1 else p.length * (1 + is_wide)
    return (-1 if is_wide else 0) if p.length == -1 else p.length  # python-tds


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_columns_are_told_as_declared(client, declaration):
    if not client.tells:
        pytest.skip(f"{client.name} tells no more than a family of types")
    p = canonical.parameter(declaration, None)
    client.run_ok("drop table if exists dbo.told")
    client.run_ok(f"create table dbo.told (v {declaration} null, w {declaration} not null)")
    columns = client.run_ok("select v, w from dbo.told")[0]["columns"]
    assert [c["name"] for c in columns] == ["v", "w"]
    assert [c["nullable"] for c in columns] == [1, 0]
    for c in columns:
        assert c["type"] == told_type(client, p)
        length = told_length(client, p)
        if length is not None:
            assert c["precision" if client.name == "mssql-jdbc" else "length"] == length
        if p.type in ("decimal", "numeric"):
            assert (c["precision"], c["scale"]) == (p.precision, p.scale)
        if p.type in TEMPORAL and client.name != "python-tds":
            assert c["scale"] == p.scale


def of_variant(client, case, got):
    """python-tds and tedious give a value without its type; so it is read as what was put in."""
    p = canonical.parameter(case.declaration, None)
    if client.name == "python-tds" and p.type == "decimal":
        return f"{float(got):.{p.scale}f}"
    if client.name != "tedious":
        return got
    if p.type in ("float", "real"):
        return (canonical.double if p.type == "float" else canonical.single)(float(got))
    return got[:10] if p.type == "date" else "1" if got == "true" else got


@pytest.mark.parametrize("case", VARIANTS, ids=lambda c: c.name)
def test_a_variant_keeps_its_base_type(client, case):
    if client.name in ("pymssql", "FreeTDS ODBC"):
        pytest.skip("FreeTDS gives the bytes of what is in a variant, not its type")
    if client.name == "tedious" and base(case) == "varchar":
        pytest.skip("tedious takes the length for the collation, and the collation for the length")
    fresh(client, "sql_variant")
    client.run_ok(f"insert into dbo.t (v) values (cast({case.literal} as {case.declaration})), (null)")
    (got,), (null,) = client.rows("select v from dbo.t order by id")
    assert null is None
    got = of_variant(client, case, got)
    assert same(client, case, got), shown(got)


def test_an_unpaired_surrogate_is_kept(client):
    fresh(client, "nvarchar(10)")
    client.run_ok("insert into dbo.t (v) values (N'a' + nchar(55357) + N'b')")
    assert client.rows("select len(v), datalength(v) from dbo.t") == [["3", "6"]]
    assert client.value("select convert(varbinary(20), v) from dbo.t") == "61003dd86200"


def test_a_rowversion_is_eight_bytes_that_grow(client):
    fresh(client, "rowversion")
    client.run_ok("insert into dbo.t default values")
    client.run_ok("insert into dbo.t default values")
    (first,), (second,) = client.rows("select v from dbo.t order by id")
    assert len(first) == 16 and first < second


@pytest.mark.parametrize("case", OPAQUE, ids=lambda c: c.declaration)
def test_bytes_of_a_clr_type_come_back(client, case):
    fresh(client, case.declaration)
    client.run_ok(f"insert into dbo.t (v) values ({case.literal}), (null)")
    (got,), (null,) = client.rows("select v from dbo.t order by id")
    assert got == case.value and null is None
