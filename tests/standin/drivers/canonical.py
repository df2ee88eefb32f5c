"""One form for values and types that all clients are compared in. The Java and the JavaScript driver write the same forms.

    bit, integers          "1"
    decimal, money         plain digits with the declared scale: "-0.10"
    float, real            the IEEE number's bytes, big-endian, in hexadecimal
    date                   "0001-01-01"
    time                   "23:59:59.9999999", always seven digits
    datetime…datetime2     "2026-11-03 16:05:06.0070000"
    datetimeoffset         the local time, and " +05:30"
    uniqueidentifier       upper case
    binary…image           hexadecimal, lower case
    text                   as it is
    NULL                   None
"""

import dataclasses
import datetime as dt
import decimal
import re
import struct
import uuid


@dataclasses.dataclass
class Parameter:
    """A value with the T-SQL type it is declared as; length is in characters or bytes, -1 for (max)."""
    type: str
    value: object
    length: int = 0
    precision: int = 0
    scale: int = 0

    def json(self):
        return dataclasses.asdict(self)


DECLARATION = re.compile(r"(\w+)(?:\((\w+)(?:,\s*(\d+))?\))?$")


def parameter(declaration, value):
    """parameter("decimal(5,2)", "1.00")"""
    name, first, second = DECLARATION.match(declaration).groups()
    p = Parameter(name, value)
    if name in ("decimal", "numeric"):
        p.precision, p.scale = int(first or 18), int(second or 0)
    elif name in ("time", "datetime2", "datetimeoffset"):
        p.scale = int(first) if first else 7
    elif first:
        p.length = -1 if first == "max" else int(first)
    elif name in ("text", "ntext", "image", "xml"):
        p.length = -1
    elif name == "sysname":
        p.length = 128
    return p


def double(x):
    return struct.pack(">d", x).hex()


def single(x):
    return struct.pack(">f", x).hex()


def to_double(text):
    raw = bytes.fromhex(text)
    return struct.unpack(">d" if len(raw) == 8 else ">f", raw)[0]


def seven_digits(text):
    """The fraction of a time padded to seven digits; a zone after it stays."""
    clock, fraction, zone = re.match(r"(.*?\d\d:\d\d:\d\d)(?:\.(\d+))?(?: ?([-+]\d\d:\d\d))?$", text).groups()
    return f"{clock}.{(fraction or '').ljust(7, '0')}" + (f" {zone}" if zone else "")


def from_python(value, kind, scale=None):
    """A value as pymssql and python-tds give it; kind: the T-SQL type's name; scale: of a decimal, where the value lost it."""
    if value is None or isinstance(value, str):
        return value.upper() if value and kind == "uniqueidentifier" else value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return single(value) if kind == "real" else double(value)
    if isinstance(value, decimal.Decimal):
        with decimal.localcontext() as c:
            c.prec = 40
            return format(value if scale is None or kind.endswith("money") else value.quantize(decimal.Decimal(1).scaleb(-scale)), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dt.datetime):
        text = f"{value.year:04}-{value:%m-%d %H:%M:%S}.{value.microsecond:06}0"
        if value.tzinfo:
            minutes = int(value.utcoffset().total_seconds()) // 60
            text += f" {'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        return text
    if isinstance(value, dt.date):
        return f"{value.year:04}-{value:%m-%d}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M:%S}.{value.microsecond:06}0"
    raise TypeError(f"{type(value)} for {kind}")


def to_python(p):
    """The Python value of a parameter."""
    v, kind = p.value, p.type
    if v is None:
        return None
    if kind == "bit":
        return v == "1"
    if kind in ("tinyint", "smallint", "int", "bigint"):
        return int(v)
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        return decimal.Decimal(v)
    if kind in ("float", "real"):
        return to_double(v)
    if kind == "date":
        return dt.date.fromisoformat(v)
    if kind == "time":
        return dt.time.fromisoformat(v[:15])
    if kind in ("datetime", "datetime2", "smalldatetime"):
        return dt.datetime.fromisoformat(v[:26])
    if kind == "datetimeoffset":
        sign = -1 if v[-6] == "-" else 1
        zone = dt.timezone(sign * dt.timedelta(hours=int(v[-5:-3]), minutes=int(v[-2:])))
        return dt.datetime.fromisoformat(v[:26]).replace(tzinfo=zone)
    if kind == "uniqueidentifier":
        return uuid.UUID(v)
    if kind in ("binary", "varbinary", "image", "rowversion", "timestamp"):
        return bytes.fromhex(v)
    return v
