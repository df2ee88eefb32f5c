"""tdswire: TDS messages ([MS-TDS] 7.3 and 7.4) as Python values, for the recorder and the tests. It only reads.

A reader gives what it understands and says what it doesn't: `Bad` is raised where the bytes are not TDS. Values are shown as
short text, not converted: who wants values asks a client.
"""

import datetime as dt
import decimal
import struct
import uuid

PACKETS = {0x01: "batch", 0x03: "rpc", 0x04: "answer", 0x06: "attention", 0x07: "bulk data", 0x08: "fedauth token",
           0x0E: "transaction", 0x10: "login", 0x11: "sspi", 0x12: "prelogin"}
PROCEDURES = {1: "sp_cursor", 2: "sp_cursoropen", 3: "sp_cursorprepare", 4: "sp_cursorexecute", 5: "sp_cursorprepexec",
              6: "sp_cursorunprepare", 7: "sp_cursorfetch", 8: "sp_cursoroption", 9: "sp_cursorclose",
              10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec", 14: "sp_prepexecrpc",
              15: "sp_unprepare"}
TRANSACTIONS = {0: "get DTC address", 1: "propagate", 5: "begin", 6: "promote", 7: "commit", 8: "rollback", 9: "save"}
ISOLATIONS = {0: "", 1: "read uncommitted", 2: "read committed", 3: "repeatable read", 4: "serializable", 5: "snapshot"}
ENVS = {1: "database", 2: "language", 3: "charset", 4: "packet size", 7: "collation", 8: "begin", 9: "commit",
        10: "rollback", 11: "enlist", 12: "defect", 13: "mirror", 15: "promote", 16: "manager", 17: "ended",
        18: "reset", 19: "user instance", 20: "routing"}
COMMANDS = {0xC1: "SELECT", 0xC2: "SELECT INTO", 0xC3: "INSERT", 0xC4: "DELETE", 0xC5: "UPDATE", 0xD2: "ROLLBACK", 0xD4: "BEGIN",
            0xD5: "COMMIT", 0xE0: "EXEC", 0xF0: "BULK", 0xFD: "ATTENTION", 0x117: "MERGE"}
FEATURES = {0x01: "SESSIONRECOVERY", 0x02: "FEDAUTH", 0x04: "COLUMNENCRYPTION", 0x05: "GLOBALTRANSACTIONS",
            0x08: "AZURESQLSUPPORT", 0x09: "DATACLASSIFICATION", 0x0A: "UTF8_SUPPORT", 0x0B: "AZURESQLDNSCACHING",
            0x0D: "JSONSUPPORT", 0x0E: "VECTORSUPPORT", 0x0F: "ENHANCEDROUTING", 0x10: "USERAGENT"}
PRELOGIN = {0: "version", 1: "encryption", 2: "instance", 3: "thread", 4: "mars", 5: "trace", 6: "fedauth", 7: "nonce"}

FIXED = {0x1F: ("null", 0), 0x30: ("tinyint", 1), 0x32: ("bit", 1), 0x34: ("smallint", 2), 0x38: ("int", 4),
         0x7F: ("bigint", 8), 0x3B: ("real", 4), 0x3E: ("float", 8), 0x3C: ("money", 8), 0x7A: ("smallmoney", 4),
         0x3D: ("datetime", 8), 0x3A: ("smalldatetime", 4)}
SIZED = {0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}, 0x68: {1: "bit"}, 0x6D: {4: "real", 8: "float"},
         0x6E: {4: "smallmoney", 8: "money"}, 0x6F: {4: "smalldatetime", 8: "datetime"}, 0x24: {16: "uniqueidentifier"}}
DECIMALS = {0x6A: "decimal", 0x6C: "numeric", 0x37: "decimal", 0x3F: "numeric"}
TIMES = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}
STRINGS = {0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar", 0xA5: "varbinary", 0xAD: "binary"}
LONGS = {0x23: "text", 0x63: "ntext", 0x22: "image"}
SHOWN = 120  # characters of a value


class Bad(Exception):
    """The bytes are not what the protocol says should stand there."""


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, n):
        if n < 0 or self.at + n > len(self.data):
            raise Bad(f"{n} bytes wanted at {self.at} of {len(self.data)}")
        self.at += n
        return self.data[self.at - n:self.at]

    def left(self):
        return len(self.data) - self.at

    def unpack(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def u8(self):
        return self.unpack("B")

    def u16(self):
        return self.unpack("H")

    def u32(self):
        return self.unpack("I")

    def chars(self, n):
        return self.take(2 * n).decode("utf-16-le", "replace")

    def b_varchar(self):
        return self.chars(self.u8())

    def us_varchar(self):
        return self.chars(self.u16())


# --- types and values -----------------------------------------------------------------------------------------------

class Type:
    """TYPE_INFO, and how a value of it is read."""

    def __init__(self, r, is_parameter=False):
        self.code = c = r.u8()
        self.is_parameter = is_parameter
        self.precision = self.scale = self.collation = None
        self.size = 0
        if c in FIXED:
            self.name, self.size = FIXED[c]
        elif c in SIZED:
            self.size = r.u8()
            self.name = SIZED[c].get(self.size, f"type {c:#04x}({self.size})")
        elif c in DECIMALS:
            self.size, self.precision, self.scale = r.u8(), r.u8(), r.u8()
            self.name = f"{DECIMALS[c]}({self.precision},{self.scale})"
        elif c == 0x28:
            self.name = "date"
        elif c in TIMES:
            self.scale = r.u8()
            self.name = f"{TIMES[c]}({self.scale})"
        elif c in STRINGS:
            self.size = r.u16()
            if c in (0xA7, 0xAF, 0xE7, 0xEF):
                self.collation = r.take(5)
            length = "max" if self.size == 0xFFFF else self.size // 2 if c in (0xE7, 0xEF) else self.size
            self.name = f"{STRINGS[c]}({length})"
        elif c in LONGS:
            self.size, self.name = r.u32(), LONGS[c]
            if c != 0x22:
                self.collation = r.take(5)
        elif c == 0xF1:
            self.name = "xml"
            if r.u8():
                self.name = f"xml({r.b_varchar()}.{r.b_varchar()}.{r.us_varchar()})"
        elif c == 0xF0:
            if not is_parameter:
                self.size = r.u16()
            self.name = "udt " + ".".join(filter(None, (r.b_varchar(), r.b_varchar(), r.b_varchar())))
            if not is_parameter:
                r.us_varchar()
        elif c == 0x62:
            self.size, self.name = r.u32(), "sql_variant"
        elif c == 0xF3 and is_parameter:
            self.name = "table " + ".".join(filter(None, (r.b_varchar(), r.b_varchar(), r.b_varchar())))
        else:
            raise Bad(f"type {c:#04x}")

    def is_plp(self):
        return self.code in (0xF0, 0xF1) or self.code in STRINGS and self.size == 0xFFFF

    def take(self, r):
        """The value's bytes, or None for NULL."""
        if self.code in FIXED:
            return r.take(self.size) if self.size else None
        if self.is_plp():
            return plp(r)
        if self.code in STRINGS:
            n = r.u16()
            return None if n == 0xFFFF else r.take(n)
        if self.code in LONGS:
            if not self.is_parameter:
                n = r.u8()
                if not n:
                    return None
                r.take(n + 8)
            n = r.u32()
            return None if n == 0xFFFFFFFF else r.take(n)
        if self.code == 0x62:
            n = r.u32()
            return r.take(n) if n else None
        if self.code == 0xF3:
            return tvp(r)
        n = r.u8()
        return r.take(n) if n else None

    def show(self, raw):
        """A value as short text."""
        if raw is None:
            return "NULL"
        text = shown(self, raw)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(raw)} bytes)"


def plp(r):
    total = r.unpack("Q")
    if total == 0xFFFFFFFFFFFFFFFF:
        return None
    chunks = []
    while True:
        n = r.u32()
        if not n:
            return b"".join(chunks)
        chunks.append(r.take(n))


def tvp(r):
    """A table-valued parameter after its type's name; its rows are counted, not kept."""
    count = r.u16()
    columns = [column(r, is_parameter=True)[1] for _ in range(0 if count == 0xFFFF else count)]
    while (token := r.u8()) != 0x00:
        if token not in (0x10, 0x11):
            raise Bad(f"token {token:#04x} in a table-valued parameter")
        r.take(r.u16() * (3 if token == 0x10 else 2))  # order and unique keys; the columns' order
    rows = 0
    while r.u8() == 0x01:
        for t in columns:
            t.take(r)
        rows += 1
    return b"%d rows" % rows


def days(n):
    try:
        return str(dt.date(1, 1, 1) + dt.timedelta(days=n))
    except OverflowError:
        return f"day {n}"


def clock(ticks, scale):
    seconds, part = divmod(ticks, 10 ** scale)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{part:0{scale}}" if scale else "")


def shown(t, raw):
    little = int.from_bytes(raw, "little")
    kind = t.name.partition("(")[0]
    if kind in ("tinyint", "bit"):
        return str(raw[0])
    if kind in ("smallint", "int", "bigint"):
        return str(int.from_bytes(raw, "little", signed=True))
    if kind in ("real", "float"):
        return repr(struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0])
    if kind in ("money", "smallmoney"):
        ordered = raw[4:] + raw[:4] if len(raw) == 8 else raw  # the high word stands first
        n = int.from_bytes(ordered, "little", signed=True)
        return str(decimal.Decimal(n).scaleb(-4))
    if kind in ("decimal", "numeric"):
        n = int.from_bytes(raw[1:], "little")
        with decimal.localcontext() as c:
            c.prec = 40
            return format(decimal.Decimal(n if raw[0] else -n).scaleb(-t.scale), "f")
    if kind == "uniqueidentifier":
        return str(uuid.UUID(bytes_le=bytes(raw))).upper()
    if kind == "date":
        return days(little)
    if kind == "time":
        return clock(little, t.scale)
    if kind in ("datetime2", "datetimeoffset"):
        tail = 3 if kind == "datetime2" else 5
        text = days(int.from_bytes(raw[-tail:][:3], "little")) + " " + clock(int.from_bytes(raw[:-tail], "little"), t.scale)
        return text if kind == "datetime2" else f"{text}Z {struct.unpack('<h', raw[-2:])[0]:+} min"
    if kind == "datetime":
        day, ticks = struct.unpack("<iI", raw)
        return days(day + 693595) + " " + clock(round(ticks * 10 / 3), 3)
    if kind == "smalldatetime":
        day, minutes = struct.unpack("<HH", raw)
        return days(day + 693595) + f" {minutes // 60:02}:{minutes % 60:02}"
    if kind in ("nvarchar", "nchar", "ntext", "xml"):
        return "N'" + raw[:4 * SHOWN].decode("utf-16-le", "replace").replace("'", "''") + "'"
    if kind in ("varchar", "char", "text"):
        return "'" + raw[:4 * SHOWN].decode("cp1252", "replace").replace("'", "''") + "'"
    if kind.startswith("table"):
        return raw.decode()
    return "0x" + raw[:SHOWN].hex()


def column(r, is_parameter=False):
    """(name, Type, flags, user type) of COLMETADATA or of a table-valued parameter."""
    user, flags = r.u32(), r.u16()
    t = Type(r)
    if t.code in LONGS and not is_parameter:
        for _ in range(r.u8()):
            r.us_varchar()
    return r.b_varchar(), t, flags, user


# --- what clients send ----------------------------------------------------------------------------------------------

def prelogin(body):
    """{option: bytes}"""
    options, r = {}, Reader(body)
    while (token := r.u8()) != 0xFF:
        at, n = struct.unpack(">HH", r.take(4))
        options[token] = Reader(body, at).take(n)
    return options


def login(body):
    """LOGIN7; the password is not read."""
    def text(at):
        where, n = struct.unpack_from("<HH", body, at)
        return Reader(body, where).chars(n)
    if len(body) < 94:
        raise Bad("LOGIN7 is too short")
    version, size = struct.unpack_from("<II", body, 4)
    found = {"tds_version": f"{version:#010x}", "packet_size": size, "flags": body[24:28].hex(" "),
             "host": text(36), "user": text(40), "application": text(48), "server": text(52), "library": text(60),
             "language": text(64), "database": text(68)}
    if body[27] & 0x10:
        where = struct.unpack_from("<H", body, 56)[0]
        r = Reader(body, Reader(body, where).u32())
        features = []
        while (feature := r.u8()) != 0xFF:
            data = r.take(r.u32())
            features.append(f"{FEATURES.get(feature, f'{feature:#04x}')}({'' if feature == 2 else data.hex()[:40]})")
        found["features"] = features
    return found


def headers(r):
    """Skip ALL_HEADERS; the transaction descriptor."""
    start = r.at
    total = r.u32()
    end, descriptor = start + total, 0
    while r.at < end:
        n, kind = r.u32(), r.u16()
        data = Reader(r.take(n - 6))
        if kind == 2:
            descriptor = data.unpack("Q")
    return descriptor


def batch(body):
    r = Reader(body)
    return {"transaction": bool(headers(r)), "text": r.chars(r.left() // 2)}


def rpc(body):
    """The calls of an RPC message."""
    r, calls = Reader(body), []
    transaction = bool(headers(r))
    while r.left():
        n = r.u16()
        if n == 0xFFFF:
            number = r.u16()
            call = {"procedure": PROCEDURES.get(number, f"procedure {number}"), "by_id": number}
        else:
            call = {"procedure": r.chars(n)}
        call.update(flags=r.u16(), transaction=transaction, parameters=[])
        while r.left() and r.data[r.at] not in (0xFF, 0xFE, 0x80):
            name, status = r.b_varchar(), r.u8()
            t = Type(r, is_parameter=True)
            raw = t.take(r)
            p = {"name": name, "type": t.name, "value": t.show(raw)}
            if t.code in (0xE7, 0xEF, 0x63) and raw is not None:
                p["text"] = raw.decode("utf-16-le", "replace")
            if status & 1:
                p["output"] = True
            if status & 2:
                p["default"] = True
            call["parameters"].append(p)
        if r.left():
            r.u8()
        calls.append(call)
    return calls


def transaction(body):
    r = Reader(body)
    found = {"transaction": bool(headers(r))}
    what = r.u16()
    found["request"] = TRANSACTIONS.get(what, str(what))
    if what == 5:
        found.update(isolation=ISOLATIONS.get(r.u8(), "?"), name=r.chars(r.u8() // 2))
    elif what in (7, 8):
        found["name"] = r.chars(r.u8() // 2)
        if r.u8() & 1:
            found["begin_anew"] = ISOLATIONS.get(r.u8(), "?") or "as before"
    elif what == 9:
        found["name"] = r.chars(r.u8() // 2)
    return found


def bulk(body):
    """COLMETADATA and the number of rows."""
    found = answer(body)
    return found["results"][0] if found["results"] else {"columns": [], "rows": 0}


# --- what servers answer --------------------------------------------------------------------------------------------

class Answer:
    """The tokens of an answer, summed up."""

    def __init__(self, body, keep_rows, columns):
        self.r, self.keep_rows, self.columns = Reader(body), keep_rows, columns
        self.found = {"results": [], "messages": [], "done": [], "env": [], "return_values": []}

    def read(self):
        names = {0x81: self.metadata, 0xD1: self.row, 0xD2: self.nbc_row, 0xFD: self.done, 0xFE: self.done, 0xFF: self.done,
                 0x79: self.status, 0xAC: self.value, 0xAA: self.message, 0xAB: self.message, 0xE3: self.env,
                 0xAD: self.login_ack, 0xAE: self.features, 0xA9: self.order, 0xA4: self.skip, 0xA5: self.skip,
                 0xE4: self.long_skip, 0xED: self.skip, 0xEE: self.long_skip}
        try:
            while self.r.left():
                self.token = self.r.u8()
                if self.token not in names:
                    raise Bad(f"token {self.token:#04x} at {self.r.at - 1}")
                names[self.token]()
        except Bad as e:
            self.found["bad"] = str(e)
        return self.found

    def metadata(self):
        count = self.r.u16()
        columns = [column(self.r) for _ in range(0 if count == 0xFFFF else count)]
        self.columns = self.found["types"] = [t for _, t, _, _ in columns]
        self.found["results"].append({
            "columns": [{"name": n, "type": t.name, "code": t.code, "flags": f, "user_type": u} for n, t, f, u in columns],
            "rows": 0, **({"values": []} if self.keep_rows else {})})

    def values(self, nulls):
        if not self.found["results"]:  # an RPC that wanted no metadata: its columns were told by an earlier answer
            if not self.columns:
                raise Bad("a row before its columns")
            self.found["results"].append({"columns": [], "rows": 0, **({"values": []} if self.keep_rows else {})})
        taken = [None if nulls and nulls[i // 8] >> i % 8 & 1 else t.take(self.r) for i, t in enumerate(self.columns)]
        self.found["results"][-1]["rows"] += 1
        if self.keep_rows:
            self.found["results"][-1]["values"].append([t.show(v) for t, v in zip(self.columns, taken)])

    def row(self):
        self.values(b"")

    def nbc_row(self):
        self.values(self.r.take((len(self.columns) + 7) // 8))

    def done(self):
        status, command, count = self.r.u16(), self.r.u16(), self.r.unpack("Q")
        done = {"token": {0xFD: "DONE", 0xFE: "DONEPROC", 0xFF: "DONEINPROC"}[self.token], "status": status,
                "command": COMMANDS.get(command, f"{command:#x}")}
        if status & 0x10:
            done["count"] = count
        self.found["done"].append(done)

    def status(self):
        self.found["return_status"] = self.r.unpack("i")

    def value(self):
        self.r.u16()
        name = self.r.b_varchar()
        self.r.u8()
        self.r.u32()
        self.r.u16()
        t = Type(self.r)
        self.found["return_values"].append({"name": name, "type": t.name, "value": t.show(t.take(self.r))})

    def message(self):
        r = Reader(self.r.take(self.r.u16()))
        m = {"error": self.token == 0xAA, "number": r.unpack("i"), "state": r.u8(), "class": r.u8(), "text": r.us_varchar()}
        r.b_varchar()
        m["procedure"] = r.b_varchar()
        m["line"] = r.u32() if r.left() >= 4 else r.u16()
        self.found["messages"].append(m)

    def env(self):
        r = Reader(self.r.take(self.r.u16()))
        kind = r.u8()
        self.found["env"].append(ENVS.get(kind, str(kind)) + (f" {r.b_varchar()}" if kind in (1, 2, 4) else ""))

    def login_ack(self):
        self.r.take(self.r.u16())
        self.found["login_ack"] = True

    def features(self):
        acknowledged = []
        while (feature := self.r.u8()) != 0xFF:
            self.r.take(self.r.u32())
            acknowledged.append(FEATURES.get(feature, f"{feature:#04x}"))
        self.found["features"] = acknowledged

    def order(self):
        self.r.take(self.r.u16())

    def skip(self):
        self.r.take(self.r.u16())

    def long_skip(self):
        self.r.take(self.r.u32())


def answer(body, keep_rows=False, columns=()):
    """columns: the types of an earlier answer, for rows that come without metadata."""
    return Answer(body, keep_rows, columns).read()
