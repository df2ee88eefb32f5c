"""Every type at its extremes: (declaration, T-SQL literal, canonical value). NULL goes with each."""

import dataclasses

import canonical


@dataclasses.dataclass(frozen=True)
class Case:
    declaration: str
    literal: str
    value: str

    @property
    def name(self):
        return f"{self.declaration}-{self.literal if len(self.literal) < 40 else self.literal[:20] + f'…{len(self.literal)}'}"


def plain(declaration, *values):
    """The literal is the value."""
    return [Case(declaration, v, v) for v in values]


def quoted(declaration, *pairs):
    """(literal's text, canonical value or None for the same)"""
    return [Case(declaration, f"'{text}'", value or text) for text, value in pairs]


def floats(declaration, pack, *texts):
    return [Case(declaration, t if "E" in t else t + "E0", pack(float(t))) for t in texts]


def texts(declaration, *values):
    """char and nchar come back padded to their length."""
    p = canonical.parameter(declaration, None)
    prefix = "N" if p.type in ("nchar", "nvarchar", "ntext", "xml", "sysname") else ""
    padded = p.length if p.type in ("char", "nchar") else 0
    return [Case(declaration, f"{prefix}'" + v.replace("'", "''") + "'", v + " " * max(0, padded - len(v))) for v in values]


def bytes_(declaration, *values):
    p = canonical.parameter(declaration, None)
    padded = p.length if p.type == "binary" else 0
    return [Case(declaration, "0x" + v.hex(), v.ljust(padded, b"\0").hex()) for v in values]


GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
LATIN = "grüße, 5 €"  # of code page 1252
WIDE = "Жук \U0001F600 漢"  # a surrogate pair, too
JAPANESE = "日本語テスト"

CASES = [
    *plain("bit", "0", "1"),
    *plain("tinyint", "0", "255"),
    *plain("smallint", "-32768", "32767"),
    *plain("int", "-2147483648", "2147483647", "0"),
    *plain("bigint", "-9223372036854775808", "9223372036854775807"),
    *plain("decimal(1,0)", "9", "-9"),
    *plain("decimal(5,2)", "-999.99", "0.01", "0.00"),
    *plain("decimal(9,9)", "0.999999999", "-0.000000001"),
    *plain("numeric(10,0)", "-9999999999", "1"),
    *plain("numeric(18,0)", "-999999999999999999", "999999999999999999"),
    *plain("decimal(19,4)", "-999999999999999.9999", "1.5000"),
    *plain("decimal(28,28)", "0." + "9" * 28),
    *plain("decimal(38,0)", "9" * 38, "-" + "9" * 38, "0"),
    *plain("decimal(38,38)", "0." + "9" * 38, "-0." + "0" * 37 + "1"),
    *plain("money", "-922337203685477.5808", "922337203685477.5807", "0.0001", "-0.0001"),
    *plain("smallmoney", "-214748.3648", "214748.3647", "0.0001"),
    *floats("float", canonical.double, "-1.7976931348623157E308", "1.7976931348623157E308", "2.2250738585072014E-308", "0.1", "0",
            "-123456789.123456789"),
    *floats("real", canonical.single, "-3.4028234E38", "1.17549435E-38", "0.1", "0"),
    *quoted("date", ("0001-01-01", None), ("1582-10-10", None), ("9999-12-31", None)),
    *[case for n in range(8) for case in quoted(
        f"time({n})", ("00:00:00", "00:00:00.0000000"), ("23:59:59" + (".9999999"[:n + 1] if n else ""),
                                                        "23:59:59." + "9999999"[:n].ljust(7, "0")))],
    *[case for n in range(8) for case in quoted(
        f"datetime2({n})", ("0001-01-01 00:00:00", "0001-01-01 00:00:00.0000000"),
        ("9999-12-31 23:59:59" + (".9999999"[:n + 1] if n else ""), "9999-12-31 23:59:59." + "9999999"[:n].ljust(7, "0")))],
    *[case for n in range(8) for case in quoted(
        f"datetimeoffset({n})", ("2026-11-03 16:05:06" + (".1234567"[:n + 1] if n else "") + " +05:30",
                                 "2026-11-03 16:05:06." + "1234567"[:n].ljust(7, "0") + " +05:30"))],
    *quoted("datetimeoffset(7)", ("0001-01-01 14:00:00 +14:00", "0001-01-01 14:00:00.0000000 +14:00"),
            ("9999-12-31 09:59:59.9999999 -14:00", None), ("1900-01-01 00:00:00.0000001 +00:00", None)),
    *quoted("datetime", ("1753-01-01", "1753-01-01 00:00:00.0000000"), ("9999-12-31 23:59:59.997", "9999-12-31 23:59:59.9970000"),
            ("1899-12-31 12:00:00.003", "1899-12-31 12:00:00.0030000"), ("2026-11-03 16:05:06.005", "2026-11-03 16:05:06.0070000")),
    *quoted("smalldatetime", ("1900-01-01", "1900-01-01 00:00:00.0000000"), ("2079-06-06 23:59", "2079-06-06 23:59:00.0000000")),
    *quoted("uniqueidentifier", (GUID, None), ("00000000-0000-0000-0000-000000000000", None),
            ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", None)),
    *texts("char(1)", "", "x"),
    *texts("char(5)", "", "ab", "grüße"),
    *texts("char(8000)", "x" * 8000),
    *texts("varchar(20)", "", " ", "end  ", LATIN, "it's"),
    *texts("varchar(8000)", "y" * 8000),
    *texts("varchar(max)", "", LATIN, "z" * 8000, "z" * 8001, "z" * 100_000),
    *texts("nchar(5)", "", "Жук"),
    *texts("nchar(4000)", "Ж" * 4000),
    *texts("nvarchar(20)", "", " ", WIDE, "line\r\nand\ttab"),
    *texts("nvarchar(4000)", "Ж" * 4000, "\U0001F600" * 2000),
    *texts("nvarchar(max)", "", WIDE, "x" * 4001, "漢字 and more, " * 20_000),
    *texts("sysname", "a name"),
    *texts("text", "", LATIN, "t" * 9000),
    *texts("ntext", "", WIDE, "Ж" * 5000),
    *texts("xml", '<a b="c">Жук</a>', "<r>" + "<i>1</i>" * 2000 + "</r>"),
    *bytes_("binary(1)", b"\x00", b"\xff"),
    *bytes_("binary(4)", b"", b"\x01\xff"),
    *bytes_("binary(8000)", b"\xab" * 8000),
    *bytes_("varbinary(10)", b"", b"\x00\xff\x00"),
    *bytes_("varbinary(8000)", b"\xcd" * 8000),
    *bytes_("varbinary(max)", b"", b"\x00\x01\x02" * 50_000),
    *bytes_("image", b"", b"\x00\xff", b"\x7f" * 9000),
]

# Text of other code pages: columns with a collation; the literal is N'…' so that it isn't of the database's code page.
COLLATED = [
    Case("varchar(20) collate Latin1_General_CS_AS", f"N'{LATIN}'", LATIN),
    Case("varchar(20) collate Latin1_General_BIN2", f"N'{LATIN}'", LATIN),
    Case("varchar(40) collate Latin1_General_100_CI_AS_SC_UTF8", f"N'{WIDE}'", WIDE),
    Case("char(30) collate Latin1_General_100_CI_AS_SC_UTF8", f"N'{WIDE}'", WIDE + " " * (30 - len(WIDE.encode()))),
    Case("varchar(max) collate Latin1_General_100_CI_AS_SC_UTF8", f"N'{WIDE}'", WIDE),
    Case("varchar(20) collate Japanese_CI_AS", f"N'{JAPANESE}'", JAPANESE),
    Case("nvarchar(20) collate Japanese_CI_AS", f"N'{JAPANESE}'", JAPANESE),
]

# What a sql_variant may hold: the base type with its value.
VARIANTS = [
    *plain("bit", "1"), *plain("tinyint", "255"), *plain("smallint", "-32768"), *plain("int", "2147483647"),
    *plain("bigint", "-9223372036854775808"), *plain("decimal(10,3)", "-1234.500"), *plain("money", "-1.2345"),
    *floats("float", canonical.double, "-0.1"), *floats("real", canonical.single, "0.5"),
    *quoted("date", ("2026-11-03", None)), *quoted("datetime", ("2026-11-03 16:05:06.007", "2026-11-03 16:05:06.0070000")),
    *quoted("datetime2(3)", ("2026-11-03 16:05:06.123", "2026-11-03 16:05:06.1230000")), *quoted("uniqueidentifier", (GUID, None)),
    *texts("varchar(20)", LATIN), *texts("nvarchar(20)", WIDE), *bytes_("varbinary(10)", b"\x00\xff"),
]
# Types of the CLR as the bytes that they are: hierarchyid '/1/2/', a point.
OPAQUE = [Case("hierarchyid", "0x5B40", "5b40"), Case("geography", "0xE6100000010C" + "00" * 8 + "0000000000004940", "e6100000010c" + "00" * 8 + "0000000000004940"),
          Case("geometry", "0x00000000010C" + "000000000000F03F" * 2, "00000000010c" + "000000000000f03f" * 2)]
