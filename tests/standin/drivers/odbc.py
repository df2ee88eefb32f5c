"""ODBC by ctypes: just enough of unixODBC's wide interface for the judges, with every attribute and C type within reach (pyodbc
keeps cursors, output parameters and seven-digit times to itself). Text is UTF-16; nothing is converted but what `cell` does."""

import ctypes
import decimal
import struct

import canonical

lib = ctypes.CDLL("libodbc.so.2")
SUCCESS, WITH_INFO, NO_DATA, NEED_DATA = 0, 1, 100, 99
ENV, DBC, STMT = 1, 2, 3
NTS = -3
ATTR_ODBC_VERSION, ATTR_AUTOCOMMIT, ATTR_TXN_ISOLATION, ATTR_LOGIN_TIMEOUT, ATTR_PACKET_SIZE = 200, 102, 108, 103, 112
ATTR_QUERY_TIMEOUT, ATTR_CURSOR_TYPE, ATTR_CONCURRENCY, ATTR_PARAMSET_SIZE, ATTR_PARAM_BIND_TYPE = 0, 6, 7, 22, 18
ATTR_PARAMS_PROCESSED, ATTR_PARAM_STATUS, ATTR_ROW_NUMBER = 21, 20, 14
CURSORS = {"forward": 0, "keyset": 1, "dynamic": 2, "static": 3}
CONCURRENCIES = {"read only": 1, "lock": 2, "rowver": 3, "values": 4}
FETCHES = {"next": 1, "first": 2, "last": 3, "prior": 4, "absolute": 5, "relative": 6}
C_CHAR, C_WCHAR, C_BINARY, C_SBIGINT, C_DOUBLE, C_FLOAT, C_TIMESTAMP = 1, -8, -2, -25, 8, 7, 93
IN, IN_OUT, OUT = 1, 2, 4
DESCRIBED = {"concise": 2, "length": 1003, "precision": 1005, "scale": 1006, "nullable": 1008, "octets": 1013, "identity": 11}
DESC_TYPE_NAME = 14
SS_VARIANT_TYPE = 1215
DIAG_SS = {"state": -1150, "class": -1151, "line": -1154}
DIAG_SS_PROCEDURE = -1153

for name in ("SQLAllocHandle", "SQLSetEnvAttr", "SQLDriverConnectW", "SQLExecDirectW", "SQLGetData", "SQLFetch"):
    getattr(lib, name).restype = ctypes.c_short


class Timestamp(ctypes.Structure):
    _fields_ = [("year", ctypes.c_short), *((n, ctypes.c_ushort) for n in ("month", "day", "hour", "minute", "second")),
                ("fraction", ctypes.c_uint)]

    @classmethod
    def of(cls, text):
        day, clock = text.split(" ")
        return cls(*map(int, day.split("-")), *map(int, clock[:8].split(":")), int(clock[9:]) * 100)

    def text(self):
        return (f"{self.year:04}-{self.month:02}-{self.day:02} {self.hour:02}:{self.minute:02}:{self.second:02}"
                f".{self.fraction // 100:07}")


class Error(Exception):
    def __init__(self, records):
        super().__init__("; ".join(f"[{r['sqlstate']}] {r['number']} {r['text']}" for r in records) or "no diagnostics")
        self.records = records


def call(name, *arguments):
    return ctypes.c_short(getattr(lib, name)(*arguments)).value


def wide(text):
    raw = text.encode("utf-16-le", "surrogatepass")
    return ctypes.create_string_buffer(raw + b"\0\0"), len(raw) // 2


def pointer(number):
    return ctypes.c_void_p(number)


def diagnostics(kind, handle):
    records = []
    while True:
        state, text = ctypes.create_string_buffer(14), ctypes.create_string_buffer(8192)
        native, length = ctypes.c_int(), ctypes.c_short()
        at = ctypes.c_short(len(records) + 1)
        if call("SQLGetDiagRecW", kind, handle, at, state, ctypes.byref(native), text, ctypes.c_short(4000),
                ctypes.byref(length)) not in (SUCCESS, WITH_INFO):
            return records
        record = {"sqlstate": state.raw[:10].decode("utf-16-le"), "number": native.value,
                  "text": text.raw[:2 * length.value].decode("utf-16-le", "replace")}
        if record["text"].startswith("[Microsoft]"):
            for field, number in DIAG_SS.items():
                value = ctypes.c_int()
                if call("SQLGetDiagFieldW", kind, handle, at, ctypes.c_short(number), ctypes.byref(value), 4, None) == SUCCESS:
                    record[field] = value.value
            procedure = ctypes.create_string_buffer(512)
            if call("SQLGetDiagFieldW", kind, handle, at, ctypes.c_short(DIAG_SS_PROCEDURE), procedure, ctypes.c_short(512),
                    ctypes.byref(length)) in (SUCCESS, WITH_INFO):
                record["procedure"] = procedure.raw[:length.value].decode("utf-16-le", "ignore").rstrip("\0")
        while record["text"].startswith("["):
            record["text"] = record["text"].partition("]")[2]
        records.append(record)


class Connection:
    def __init__(self, connection_string):
        self.env, self.dbc = ctypes.c_void_p(), ctypes.c_void_p()
        call("SQLAllocHandle", ENV, None, ctypes.byref(self.env))
        call("SQLSetEnvAttr", self.env, ATTR_ODBC_VERSION, pointer(3), 0)
        call("SQLAllocHandle", DBC, self.env, ctypes.byref(self.dbc))
        call("SQLSetConnectAttrW", self.dbc, ATTR_LOGIN_TIMEOUT, pointer(15), 0)
        text, n = wide(connection_string)
        self.check(call("SQLDriverConnectW", self.dbc, None, text, ctypes.c_short(n), None, 0, None, 0))

    def check(self, status):
        if status not in (SUCCESS, WITH_INFO):
            raise Error(diagnostics(DBC, self.dbc))

    def attribute(self, number, value):
        self.check(call("SQLSetConnectAttrW", self.dbc, number, pointer(value), 0))

    def end(self, commit):
        self.check(call("SQLEndTran", DBC, self.dbc, ctypes.c_short(0 if commit else 1)))

    def statement(self, **attributes):
        return Statement(self, attributes)

    def close(self):
        call("SQLDisconnect", self.dbc)
        call("SQLFreeHandle", DBC, self.dbc)
        call("SQLFreeHandle", ENV, self.env)


class Statement:
    """attributes: timeout, cursor, concurrency, by name."""

    def __init__(self, connection, attributes):
        self.handle, self.messages, self.keep = ctypes.c_void_p(), [], []
        connection.check(call("SQLAllocHandle", STMT, connection.dbc, ctypes.byref(self.handle)))
        for name, value in attributes.items():
            number = {"timeout": ATTR_QUERY_TIMEOUT, "cursor": ATTR_CURSOR_TYPE, "concurrency": ATTR_CONCURRENCY}[name]
            value = {"cursor": CURSORS, "concurrency": CONCURRENCIES}.get(name, {}).get(value, value)
            self.check(call("SQLSetStmtAttrW", self.handle, number, pointer(value), 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        call("SQLFreeHandle", STMT, self.handle)

    def check(self, status):
        """True, or False at the end of data; messages are kept, errors raised."""
        if status == SUCCESS:
            return True
        records = diagnostics(STMT, self.handle)
        if status in (WITH_INFO, NO_DATA):
            self.messages += records
            return status != NO_DATA
        raise Error(records)

    def run(self, name, *arguments):
        return self.check(call(name, self.handle, *arguments))

    def direct(self, sql):
        text, n = wide(sql)
        return self.run("SQLExecDirectW", text, n)

    def prepare(self, sql):
        text, n = wide(sql)
        return self.run("SQLPrepareW", text, n)

    def execute(self):
        return self.run("SQLExecute")

    def cancel(self):
        return call("SQLCancel", self.handle)

    # --- parameters

    def bind(self, at, p, direction=IN):
        """p: canonical.Parameter. Returns the buffer and its indicator, for outputs."""
        c_type, sql_type, size, digits, raw = bound_form(p)
        room = max(len(raw or b""), 64 if direction != IN else 1)
        if direction != IN and p.length:
            room = max(room, 2 * (p.length if p.length > 0 else 4000) + 2)
        buffer = ctypes.create_string_buffer((raw or b"").ljust(room, b"\0"), room)
        indicator = ctypes.c_ssize_t(-1 if raw is None else len(raw))
        self.keep.append((buffer, indicator))
        self.run("SQLBindParameter", ctypes.c_ushort(at), ctypes.c_short(direction), ctypes.c_short(c_type),
                 ctypes.c_short(sql_type), ctypes.c_size_t(size), ctypes.c_short(digits), buffer,
                 ctypes.c_ssize_t(room), ctypes.byref(indicator))
        return buffer, indicator, c_type

    def unbind(self):
        call("SQLFreeStmt", self.handle, ctypes.c_ushort(3))
        self.keep.clear()

    # --- results

    def columns(self):
        count = ctypes.c_short()
        self.run("SQLNumResultCols", ctypes.byref(count))
        return [self.column(i + 1) for i in range(count.value)]

    def column(self, at):
        text, length = ctypes.create_string_buffer(2048), ctypes.c_short()
        found = {}
        name, n = ctypes.create_string_buffer(1024), ctypes.c_short()
        kind, size, digits, nullable = ctypes.c_short(), ctypes.c_size_t(), ctypes.c_short(), ctypes.c_short()
        self.run("SQLDescribeColW", ctypes.c_ushort(at), name, ctypes.c_short(500), ctypes.byref(n), ctypes.byref(kind),
                 ctypes.byref(size), ctypes.byref(digits), ctypes.byref(nullable))
        found["name"] = name.raw[:2 * n.value].decode("utf-16-le")
        for field, number in DESCRIBED.items():
            value = ctypes.c_ssize_t()
            self.run("SQLColAttributeW", ctypes.c_ushort(at), ctypes.c_ushort(number), None, 0, None, ctypes.byref(value))
            found[field] = value.value
        self.run("SQLColAttributeW", ctypes.c_ushort(at), ctypes.c_ushort(DESC_TYPE_NAME), text, ctypes.c_short(2000),
                 ctypes.byref(length), None)
        found["type"] = text.raw[:length.value].decode("utf-16-le").lower()
        return found

    def rows(self, columns=None):
        columns = columns or self.columns()
        while self.run("SQLFetch"):
            yield [self.cell(i + 1, c) for i, c in enumerate(columns)]

    def scroll(self, orientation, offset=0):
        """One row of a scrollable cursor, or None outside of it."""
        if not self.run("SQLFetchScroll", ctypes.c_short(FETCHES[orientation]), ctypes.c_ssize_t(offset)):
            return None
        return [self.cell(i + 1, c) for i, c in enumerate(self.columns())]

    def more(self):
        return self.run("SQLMoreResults")

    def row_count(self):
        n = ctypes.c_ssize_t()
        self.run("SQLRowCount", ctypes.byref(n))
        return n.value

    def get(self, at, c_type, chunk=65536):
        """The bytes of a value in a C type, or None."""
        parts, terminator = [], {C_CHAR: 1, C_WCHAR: 2}.get(c_type, 0)
        while True:
            buffer, indicator = ctypes.create_string_buffer(chunk), ctypes.c_ssize_t()
            status = call("SQLGetData", self.handle, ctypes.c_ushort(at), ctypes.c_short(c_type), buffer,
                          ctypes.c_ssize_t(chunk), ctypes.byref(indicator))
            if status == NO_DATA:
                return b"".join(parts)
            if status not in (SUCCESS, WITH_INFO):
                raise Error(diagnostics(STMT, self.handle))
            n = indicator.value
            if n == -1:
                return None
            is_cut = n == -4 or n > chunk - terminator  # FreeTDS doesn't say so by its status
            parts.append(buffer.raw[:chunk - terminator if is_cut else n])
            if not is_cut:
                return b"".join(parts)

    def cell(self, at, column):
        kind = column["concise"]
        if kind in (-7, -6, 5, 4, -5):
            raw = self.get(at, C_SBIGINT)
            return raw and str(struct.unpack("<q", raw[:8])[0])
        if kind in (6, 8):
            raw = self.get(at, C_DOUBLE)
            return raw and canonical.double(struct.unpack("<d", raw[:8])[0])
        if kind == 7:
            raw = self.get(at, C_FLOAT)
            return raw and canonical.single(struct.unpack("<f", raw[:4])[0])
        if kind == 93:
            raw = self.get(at, C_TIMESTAMP)
            return raw and Timestamp.from_buffer_copy(raw).text()
        if kind == -150:
            return self.variant(at)
        if kind in (-2, -3, -4, -151):
            raw = self.get(at, C_BINARY)
            return None if raw is None else raw.hex()
        raw = self.get(at, C_WCHAR)
        if raw is None:
            return None
        text = raw.decode("utf-16-le", "surrogatepass")
        if kind in (2, 3):
            with decimal.localcontext() as c:
                c.prec = 40
                return format(decimal.Decimal(text), "f")
        if kind in (91, -155) and text[1] == "-":
            text = "000" + text  # FreeTDS: the year 1 is "1"
        if kind in (-154, -155):
            return canonical.seven_digits(text)
        return text.upper() if kind == -11 else text


    def variant(self, at):
        """A sql_variant by the type of what is in it, which is known once the value has been looked at."""
        indicator, nothing = ctypes.c_ssize_t(), ctypes.create_string_buffer(1)
        self.run("SQLGetData", ctypes.c_ushort(at), ctypes.c_short(C_BINARY), nothing, ctypes.c_ssize_t(0), ctypes.byref(indicator))
        if indicator.value == -1:
            return None
        c_type = ctypes.c_ssize_t()
        self.run("SQLColAttributeW", ctypes.c_ushort(at), ctypes.c_ushort(SS_VARIANT_TYPE), None, 0, None, ctypes.byref(c_type))
        concise = {4: 4, -25: -5, 5: 5, -6: -6, -28: -6, -16: 4, -15: 5, -7: -7, 8: 8, 7: 7, -2: -3, 93: 93, 11: 93, 91: 91, 9: 91, 0x4000: -154,
                   0x4001: -155, 2: 2, -11: -11}.get(c_type.value, -9)
        return self.cell(at, {"concise": concise})


def bound_form(p):
    """(C type, SQL type, column size, digits, bytes) for a parameter of a T-SQL type."""
    value, kind = p.value, p.type
    narrow = None if value is None else value.encode()
    integers = {"bit": -7, "tinyint": -6, "smallint": 5, "int": 4, "bigint": -5}
    if kind in integers:
        return C_SBIGINT, integers[kind], 0, 0, None if value is None else struct.pack("<q", int(value))
    if kind in ("float", "real"):
        form, c_type, size = ("<d", C_DOUBLE, 53) if kind == "float" else ("<f", C_FLOAT, 24)
        return c_type, 6 if kind == "float" else 7, size, 0, None if value is None else struct.pack(form, canonical.to_double(value))
    if kind in ("decimal", "numeric", "money", "smallmoney"):
        size = {"money": (19, 4), "smallmoney": (10, 4)}.get(kind, (p.precision, p.scale))
        return C_CHAR, 2 if kind == "numeric" else 3, *size, narrow
    scale = {"datetime": 3, "smalldatetime": 0}.get(kind, p.scale)
    fraction = scale + 1 if scale else 0
    if kind == "date":
        return C_CHAR, 91, 10, 0, narrow
    if kind == "time":
        return C_CHAR, -154, 8 + fraction, scale, narrow and cut(value, scale)
    if kind == "datetimeoffset":
        return C_CHAR, -155, 26 + fraction, scale, narrow and cut(value[:-7], scale, 19) + narrow[-7:]
    if kind in ("datetime", "datetime2", "smalldatetime"):
        return C_TIMESTAMP, 93, 19 + fraction, scale, None if value is None else bytes(Timestamp.of(value))
    if kind == "uniqueidentifier":
        return C_CHAR, -11, 36, 0, narrow
    if kind in ("binary", "varbinary", "image", "rowversion", "timestamp"):
        raw = None if value is None else bytes.fromhex(value)
        size = 2147483647 if kind == "image" else 0 if p.length == -1 else p.length or len(raw or b"") or 1
        return C_BINARY, {"binary": -2, "image": -4}.get(kind, -3), size, 0, raw
    text = None if value is None else value.encode("utf-16-le", "surrogatepass")
    sql_type = {"nchar": -8, "nvarchar": -9, "ntext": -10, "xml": -10, "sysname": -9, "char": 1, "varchar": 12, "text": -1}[kind]
    long_size = {"ntext": 1073741823, "xml": 1073741823, "text": 2147483647}.get(kind, 0)
    return C_WCHAR, sql_type, long_size if p.length == -1 else p.length or max(1, len(text or b"") // 2), 0, text


def cut(text, scale, whole=8):
    """A time with as many digits of its fraction as the type has."""
    return text[:whole + 1 + scale if scale else whole].encode()
