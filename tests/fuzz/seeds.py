#!/usr/bin/env python3
"""seeds.py: what the fuzz targets begin with, as files below the given directory: seeds.py build/fuzz/seeds

T-SQL is taken from the conformance probes and from tests/fuzz/corpus/*.sql; requests are built as clients build them."""

import json
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "standin"), str(ROOT / "scripts")]

import rawtds  # noqa: E402
from rawtds import call, int_param, text_param  # noqa: E402


def statements():
    """Each probe's text, one after the other."""
    for path in sorted((ROOT / "tests" / "conform").glob("*.txt")):
        text, lines = "", path.read_text(encoding="utf-8").splitlines()
        for line in lines + [""]:
            begins = re.match(r"\w+(>>?|\?>) (.*)", line)
            if begins or not line.startswith((" ", "\t")):
                if text:
                    yield text.replace("{db}", "f")
                text = begins.group(2) if begins else ""
            elif text:
                text += "\n" + line.strip()
    for path in sorted((ROOT / "tests" / "fuzz" / "corpus").glob("*.sql")):
        yield from re.split(r"(?im)^go$", path.read_text(encoding="utf-8"))


def request(kind, body):
    return struct.pack("<BH", kind, len(body)) + body


def requests():
    """Runs of requests for fuzz_connection's mode 2."""
    column = b"\0\0\0\0\x09\0\x26\4\1a\0"
    load = b"\x81\1\0" + column + b"\xd1\4\1\0\0\0\xd2\1" + b"\xfd" + bytes(12)
    sql, rpc, transaction, bulk, attention, given_up = 0, 2, 4, 5, 6, 7
    yield request(sql, b"select id, a, s, v, d from t order by id") + request(attention, b"")
    yield request(sql, b"create table l (a int)") + request(sql, b"insert bulk l ([a] int)") + request(bulk, load)
    yield request(transaction, b"\5\0\2\0") + request(sql, b"insert t(id) values (9)") + request(transaction, b"\7\0\0\1\0\0")
    yield request(transaction, b"\5\0\5\0") + request(transaction, b"\x09\0\4s\0p\0") + request(transaction, b"\x08\0\4s\0p\0\0")
    yield request(given_up, b"select") + request(sql | 0x80, b"select @@trancount") + request(sql | 0xC0, b"select 1")
    define, text = text_param("", "@a int, @s nvarchar(50) output"), text_param("", "select @s = s from t where id = @a")
    yield request(rpc, call(10, text, define, int_param("@a", 1), text_param("@s", "", 1)))
    yield request(rpc, call(13, int_param("", None, 1), define, text, int_param("@a", 1), text_param("@s", "", 1)) + b"\xff" +
                  call(12, int_param("", 1), int_param("@a", 2), text_param("@s", "", 1)) + b"\xff" + call(15, int_param("", 1)))
    yield request(rpc, call("sp_columns_100", text_param("", "t"), options=2) + b"\x80" + call("[sys].[sp_pkeys]", text_param("", "t")))
    values = [b"\x6a\x11\x26\5\5\1\1\0\0\0", b"\x2a\7\x08" + bytes(8), b"\x2b\7\x0a" + bytes(10), b"\x28\3\1\0\0", b"\x6d\x08\x08" + bytes(8),
              b"\x6e\x08\x08" + bytes(8), b"\x24\x10\x10" + bytes(16), b"\xa5\xff\xff" + struct.pack("<Q", 2) + b"\2\0\0\0ab\0\0\0\0",
              b"\xe7\xff\xff\x09\4\xd0\0\x34" + b"\xfe" + b"\xff" * 7 + b"\2\0\0\0a\0\0\0\0\0", b"\xf1\0" + b"\xff" * 8,
              b"\x62\x49\x1f\0\0\6\0\0\0\x38\0\1\2\3\4", b"\x23\xff\xff\xff\x7f\x09\4\xd0\0\x34\1\0\0\0x"]
    names = ", ".join(f"@p{i} sql_variant" for i in range(len(values)))
    yield request(rpc, call(10, text_param("", "select " + names.replace(" sql_variant", "")), text_param("", names)) +
                  b"".join(b"\0\0" + v for v in values))


def seeds():
    for record in json_records():
        yield "fuzz_json_record", record
    texts = [t.encode() for t in statements()]
    for text in texts:
        yield "fuzz_tsql", b"\0" + text
        yield "fuzz_batch", text
    for run in requests():
        yield "fuzz_connection", b"\2" + run
    for at in range(0, len(texts), 8):
        yield "fuzz_connection", b"\2" + b"".join(request(0, t) for t in texts[at:at + 8])
    packet = lambda kind, body: struct.pack(">BBHHBB", kind, 1, len(body) + 8, 0, 1, 0) + body  # noqa: E731
    prelogin, login = b"\0\0\x0b\0\6\1\0\x11\0\1\xff" + bytes(6) + b"\2", rawtds.login7(features=b"\x0a\1\0\0\0\1")
    batch = packet(1, rawtds.headers() + rawtds.utf16("select 1"))
    yield "fuzz_connection", b"\0" + packet(18, prelogin) + packet(16, login) + batch
    yield "fuzz_connection", b"\1" + batch + packet(6, b"") + batch
    yield "fuzz_tds", b"\0" + login
    yield "fuzz_tds", b"\3" + prelogin
    for run in requests():
        kind, length = struct.unpack_from("<BH", run)
        yield "fuzz_tds", bytes([1 if kind == 2 else 2 if kind == 5 else 3]) + run[3:3 + length]

    zero, one, two = struct.pack("<d", 0), struct.pack("<d", 1), struct.pack("<d", 2)
    lists = lambda points, figures, shapes: (struct.pack("<I", len(points) // 16) + points + struct.pack("<I", len(figures) // 5) + figures +  # noqa: E731
                                             struct.pack("<I", len(shapes) // 9) + shapes)
    figure, shape = struct.pack("<BI", 1, 0), lambda parent, first, kind: struct.pack("<iiB", parent, first, kind)  # noqa: E731
    plain, curved = struct.pack("<IBB", 0, 1, 4), struct.pack("<IBB", 4326, 2, 4)
    spatial = [plain[:5] + b"\x0c" + one + two, plain[:5] + b"\x0f" + one + two + one + zero, plain[:5] + b"\x14" + zero + one + two + one,
               plain + lists(zero + one + one + two, figure, shape(-1, 0, 2)), plain + lists(b"", b"", shape(-1, -1, 7)),
               plain + lists(zero + one, figure, shape(-1, 0, 7) + shape(0, 0, 4) + shape(1, 0, 1)),
               curved + lists((zero + one) * 2 + (one + two) * 2, struct.pack("<BI", 3, 0), shape(-1, 0, 9)) + struct.pack("<I", 2) + b"\2\3",
               curved + lists((zero + one) * 3, struct.pack("<BI", 2, 0), shape(-1, 0, 10)), b"\xff\xff\xff\xff"]
    for text in spatial:
        yield "fuzz_value", b"\0" + text
        yield "fuzz_value", b"\1" + text
    for text in (b"", b"\x58", b"\x5a\xde", b"\x59\xfb\x05\x40", b"/1/-2.18/", b"/4294972496/-4169/", b"/281479271683151/"):
        yield "fuzz_value", b"\2" + text
    for text in (b"int|10|0|4||-7", b"decimal|38|2|17||1.25", b"float|53|0|8||1.7976931348623157e+308", b"nvarchar|0|0|20|Latin1_General_CI_AS|a\"b",
                 b"datetimeoffset|34|7|10||2026-01-02 03:04:05.1234567 +01:00", b"varbinary|0|0|2||00FF", b"bit|1|0|1||1"):
        yield "fuzz_value", b"\3" + text
    yield "fuzz_value", b"\4" + b"2026-01-02T03:04:05.1234567+01:00"
    for text in (b'{"event_serial_no":2,"commit_lsn":"00000027:00000a10:0003","change_lsn":"00000027:00000a10:0002","transaction_id":"x",'
                 b'"transaction_data_collection_order_a.b.c":3}',
                 b'{"commit_lsn":"00000027:00000a10:0003","snapshot":"INITIAL","snapshot_completed":true}'):
        yield "fuzz_topic_state", b"\0" + text
    yield "fuzz_topic_state", b'\1["c",{"server":"p","database":"d"}]'
    yield "fuzz_topic_state", (b'\2{"source":{"server":"p","database":"d"},"position":{"change_lsn":"00000027:00000a10:0002"},"tableChanges":[{"type":'
                               b'"CREATE","id":"\\"d\\".\\"s\\".\\"t\\"","table":{"primaryKeyColumnNames":["a"],"columns":[{"name":"a","jdbcType":4,'
                               b'"typeName":"int identity","length":10,"scale":0,"optional":false,"defaultValueExpression":"((0))"}]}}]}')

    named = '{"type":"record","name":"a.R","fields":[{"name":"a","type":["null","int"],"default":null},{"name":"b","type":{"type":"map","values":"bytes"}}]}'
    for schema, data in (('"int"', b"\2"), ('["null","string"]', b"\2\2x"), (named, b"\2\4\2\2k\2v\0"), ('{"type":"array","items":"double"}', b"\2" + one + b"\0"),
                         ('["int","string","null"]', b"\2\2x"), ('{"type":"fixed","name":"F","size":2}', b"ab"), ('{"type":"enum","name":"E","symbols":["A","B"]}', b"\2"),
                         ('{"type":"bytes","logicalType":"decimal","precision":9,"scale":2,"connect.default":"\\u0001"}', b"\4\1\2")):
        yield "fuzz_avro", schema.encode() + b"\0" + data


def schema(kind, field=None, **more):
    return {"type": kind, "optional": True} | more | ({"field": field} if field else {})


def json_records():
    """fuzz_json_record: an envelope, a flat record, one of each type; the first byte picks the settings."""
    decimal = {"name": "org.apache.kafka.connect.data.Decimal", "version": 1, "parameters": {"scale": "2"}}
    fields = [schema("int32", "Id"), schema("bytes", "Price", **decimal), schema("string", "Note", default="x"),
              schema("int64", "Seen", name="io.debezium.time.MicroTimestamp"), schema("double", "D")]
    row = {"Id": 7, "Price": "BMc=", "Note": "\u00e9\n", "Seen": 1700000000123456, "D": 1.5e-7}
    source = [schema("string", name) for name in ("name", "db", "schema", "table", "commit_lsn", "change_lsn")]
    envelope = schema("struct", fields=[schema("struct", "before", fields=fields), schema("struct", "after", fields=fields),
                                        schema("struct", "source", fields=source), schema("string", "op")])
    where = dict.fromkeys(("name", "db", "schema", "table"), "t") | dict.fromkeys(
        ("commit_lsn", "change_lsn"), "00000027:00000a10:0003")
    values = [(envelope, {"before": row, "after": row, "source": where, "op": "u"}),
              (envelope, {"before": row, "after": None, "source": where, "op": "d"}),
              (schema("struct", fields=fields), row),
              (schema("map", keys=schema("string"), values=schema("array", items=schema("boolean"))), {"a": [True, None]}),
              (schema("map", keys=schema("int8"), values=schema("float")), [[1, 0.5], [2, "NaN"]]), (None, {"Id": 7})]
    for bits in (0x02, 0x16, 0x5A, 0xE2):
        for kind, value in values:
            yield bytes([bits]) + json.dumps({"schema": kind, "payload": value}).encode()
            yield bytes([bits & ~2]) + json.dumps(value).encode()


def main():
    target = pathlib.Path(sys.argv[1])
    for i, (name, data) in enumerate(seeds()):
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name / f"{i:04}").write_bytes(data)


if __name__ == "__main__":
    main()
