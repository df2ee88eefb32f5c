"""The six clients behind one interface: client.do("run", sql=…, params=[…]) and its kin give plain dicts whose values have the
forms of canonical.py. In SQL a parameter is "?"; each driver puts its own marker there.

    run        sql, params         {"sets": [{"columns": [...], "rows": [[...]]}], "counts": [...], "messages": [...], "error": ...}
    prepared   sql, runs           {"results": [as run, ...]}: the same prepared statement with each list of parameters
    call       procedure or sql    as run, and "outputs", "status"
    transaction what               begin, commit, rollback, save, rollback to
    cancel     sql, how            as run: broken off by the client's timeout of a second, or by its cancel call
    bulk       table, columns, rows
    cursor     sql, kind, moves    {"rows": [row or None, ...]}
    metadata   call, arguments     {"names": [...], "rows": [...]}
    describe   sql                 what is told of a statement before it runs
"""

import datetime as dt
import json
import os
import pathlib
import shutil
import subprocess
import threading

import canonical
import odbc
import pymssql
import pytds

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLIENTS = ROOT / "build" / "clients"
DRIVERS = pathlib.Path(__file__).resolve().parent
CALL_SECONDS = 60


class Failed(Exception):
    """The client reported an error where none is wanted."""


def error_of(found):
    e = found.get("error")
    return None if not e else (e.get("number"), e.get("text"))


class Client:
    """digits: of the fraction of a second that the client carries. tells: the fields of a column that it tells."""
    name = ""
    digits = 7
    tells = ()
    has_exact_decimals = True
    has_offsets = True

    def do(self, action, /, **request):
        return getattr(self, action)(**request)

    def run_ok(self, sql, *params):
        """The result sets of a statement that has to succeed."""
        found = self.do("run", sql=sql, params=[p.json() if isinstance(p, canonical.Parameter) else p for p in params])
        if found.get("error"):
            raise Failed(f"{self.name}: {found['error']} for {sql[:200]}")
        return found["sets"]

    def rows(self, sql, *params):
        sets = self.run_ok(sql, *params)
        return sets[0]["rows"] if sets else []

    def value(self, sql, *params):
        return self.rows(sql, *params)[0][0]


def parameters(params):
    return [p if isinstance(p, canonical.Parameter) else
            canonical.Parameter(**{k: v for k, v in p.items() if k in ("type", "value", "length", "precision", "scale")})
            for p in params or []]


# --- the two ODBC drivers -------------------------------------------------------------------------------------------

class OdbcClient(Client):
    tells = ("type", "length", "precision", "scale", "nullable")
    long_types = {}  # of parameters declared as (max)

    def connect(self, port, database, encrypt, user="sa", password="", **properties):
        self.connection = odbc.Connection(self.string(port, database, encrypt, user, password) +
                                          "".join(f";{k}={v}" for k, v in properties.items()))
        return {}

    def close(self):
        self.connection.close()
        return {}

    def gather(self, statement, execute, keep=None):
        found = {"sets": [], "counts": [], "messages": statement.messages, "error": None}
        try:
            execute()
            while True:
                columns = statement.columns()
                if columns:
                    found["sets"].append({"columns": columns, "rows": []})
                    for row in statement.rows(columns):
                        found["sets"][-1]["rows"].append(row)
                else:
                    count = statement.row_count()
                    if count >= 0:
                        found["counts"].append(count)
                if not statement.more():
                    break
        except odbc.Error as e:
            found["error"] = e.records[0] if e.records else {"number": 0, "text": "unknown"}
            found["errors"] = e.records
        return found

    def run(self, sql, params=(), **attributes):
        with self.connection.statement(**attributes) as s:
            self.bind(s, params)
            return self.gather(s, lambda: s.direct(sql))

    def bind(self, s, params):
        for i, p in enumerate(parameters(params)):
            if p.length == -1:
                p = canonical.Parameter(self.long_types.get(p.type, p.type), p.value, -1)
            s.bind(i + 1, p)

    def prepared(self, sql, runs):
        results = []
        with self.connection.statement() as s:
            s.prepare(sql)
            for params in runs:
                s.unbind()
                self.bind(s, params)
                results.append(self.gather(s, s.execute))
        return {"results": results}

    def call(self, sql, params):
        """The first parameter may be the return status."""
        with self.connection.statement() as s:
            bound = []
            for i, p in enumerate(params):
                direction = odbc.IN if not p.get("output") else odbc.OUT if p.get("value") is None else odbc.IN_OUT
                bound.append((p, *s.bind(i + 1, parameters([p])[0], direction)))
            found = self.gather(s, lambda: s.direct(sql))
            found["outputs"] = [odbc_output(*b) for b in bound if b[0].get("output")]
            return found

    def transaction(self, what, name=None, isolation=None):
        if isolation:
            self.connection.attribute(odbc.ATTR_TXN_ISOLATION, isolation)
        if what == "begin":
            self.connection.attribute(odbc.ATTR_AUTOCOMMIT, 0)
        elif what in ("commit", "rollback"):
            self.connection.end(what == "commit")
            self.connection.attribute(odbc.ATTR_AUTOCOMMIT, 1)
        elif what == "save":
            self.run_ok(f"SAVE TRANSACTION {name}")
        else:
            self.run_ok(f"ROLLBACK TRANSACTION {name}")
        return {}

    def cancel(self, sql, how):
        if how == "timeout":
            return self.run(sql, timeout=1)
        with self.connection.statement() as s:
            timer = threading.Timer(0.3, s.cancel)
            timer.start()
            found = self.gather(s, lambda: s.direct(sql))
            timer.join()
            return found

    def cursor(self, sql, kind, moves, params=(), concurrency="read only"):
        found = {"rows": []}
        with self.connection.statement(cursor=kind, concurrency=concurrency) as s:
            self.bind(s, params)
            s.direct(sql)
            found["messages"] = s.messages
            found["columns"] = s.columns()
            for move in moves:
                found["rows"].append(s.scroll(*move))
        return found

    def metadata(self, call, arguments):
        with self.connection.statement() as s:
            catalog_function(s, call, arguments)
            columns = s.columns()
            return {"names": [c["name"] for c in columns], "rows": list(s.rows(columns))}

    def describe(self, sql):
        with self.connection.statement() as s:
            s.prepare(sql)
            found = {"columns": s.columns(), "parameters": []}
            count = odbc.ctypes.c_short()
            s.run("SQLNumParams", odbc.ctypes.byref(count))
            for i in range(count.value):
                kind, size = odbc.ctypes.c_short(), odbc.ctypes.c_size_t()
                digits, nullable = odbc.ctypes.c_short(), odbc.ctypes.c_short()
                s.run("SQLDescribeParam", odbc.ctypes.c_ushort(i + 1), *map(odbc.ctypes.byref, (kind, size, digits, nullable)))
                found["parameters"].append({"sql_type": kind.value, "size": size.value, "digits": digits.value})
            return found


def odbc_output(p, buffer, indicator, c_type):
    if indicator.value == -1:
        return None
    raw = buffer.raw
    if c_type == odbc.C_SBIGINT:
        return str(int.from_bytes(raw[:8], "little", signed=True))
    if c_type == odbc.C_WCHAR:
        return raw[:indicator.value].decode("utf-16-le")
    return raw[:indicator.value].hex()


def catalog_function(s, call, arguments):
    """SQLColumns and its kin; every argument a string, a number or None."""
    sent = []
    for a in arguments:
        if isinstance(a, int):
            sent.append(odbc.ctypes.c_ushort(a))
        elif a is None:
            sent += [None, odbc.ctypes.c_short(0)]
        else:
            text, n = odbc.wide(a)
            s.keep.append(text)
            sent += [text, odbc.ctypes.c_short(n)]
    if call == "SQLSpecialColumnsW":  # the kind of columns stands first
        sent = sent[:1] + sent[1:]
    s.run(call, *sent)


class Microsoft(OdbcClient):
    name = "ODBC Driver 18"

    def string(self, port, database, encrypt, user, password):
        return (f"DRIVER={{ODBC Driver 18 for SQL Server}};SERVER=127.0.0.1,{port};DATABASE={database};UID={user};PWD={password};"
                f"Encrypt={'yes' if encrypt else 'no'};TrustServerCertificate=yes")


class FreeTds(OdbcClient):
    name = "FreeTDS ODBC"
    long_types = {"varchar": "text", "nvarchar": "ntext", "varbinary": "image"}  # a column size of 0 means 1 to it

    def string(self, port, database, encrypt, user, password):
        return (f"DRIVER={{FreeTDS}};SERVER=127.0.0.1;PORT={port};DATABASE={database};UID={user};PWD={password};TDS_Version=7.4;"
                f"ClientCharset=UTF-8;Encryption={'require' if encrypt else 'off'}")


# --- the two Python clients -----------------------------------------------------------------------------------------

class PythonClient(Client):
    digits = 6

    def close(self):
        self.connection.close()
        return {}

    def bind(self, p):
        return canonical.to_python(p)

    def run(self, sql, params=()):
        found = {"sets": [], "counts": [], "messages": [], "error": None}
        self.messages = found["messages"]
        with self.connection.cursor() as q:
            self.gather(q, found, lambda: q.execute(
                sql.replace("?", "%s") if params else sql, *([tuple(self.bind(p) for p in parameters(params))] if params else [])))
        return found

    def gather(self, q, found, execute):
        try:
            execute()
            while True:
                if q.description:
                    columns = self.columns(q)
                    rows = [[canonical.from_python(v, c["type"], c.get("scale")) for v, c in zip(row, columns)] for row in q.fetchall()]
                    found["sets"].append({"columns": columns, "rows": rows})
                elif q.rowcount >= 0:
                    found["counts"].append(q.rowcount)
                if not q.nextset():
                    break
        except self.errors as e:
            found["error"] = self.complaint(e)

    def prepared(self, sql, runs):
        return {"results": [self.run(sql, params) for params in runs]}

    def transaction(self, what, name=None, isolation=None):
        levels = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 4: "REPEATABLE READ", 8: "SERIALIZABLE", 32: "SNAPSHOT", 4096: "SNAPSHOT"}
        if isolation:
            self.run_ok(f"SET TRANSACTION ISOLATION LEVEL {levels[isolation]}")
        if what == "begin":
            self.set_autocommit(False)
        elif what in ("commit", "rollback"):
            getattr(self.connection, what)()
            self.set_autocommit(True)
        else:
            self.run_ok(f"{'SAVE' if what == 'save' else 'ROLLBACK'} TRANSACTION {name}")
        return {}


class Pymssql(PythonClient):
    name = "pymssql"
    errors = (pymssql.Error,)
    tells = ()
    KINDS = {pymssql.STRING.value: "text", pymssql.BINARY.value: "binary", pymssql.NUMBER.value: "number",
             pymssql.DATETIME.value: "datetime", pymssql.DECIMAL.value: "decimal"}

    def connect(self, port, database, encrypt, user="sa", password="", timeout=0, **properties):
        self.connection = pymssql.connect(server="127.0.0.1", port=port, user=user, password=password, database=database,
                                          charset="UTF-8", autocommit=True, login_timeout=15, timeout=timeout,
                                          encryption="require" if encrypt else "off", tds_version="7.4", **properties)
        self.arguments = (port, database, encrypt, user, password)
        self.messages = []
        self.connection._conn.set_msghandler(self.message)
        return {}

    def message(self, state, severity, server, procedure, line, text):
        self.messages.append({"state": state, "class": severity, "procedure": procedure.decode(), "line": line, "text": text.decode()})

    def columns(self, q):
        return [{"name": d[0], "type": self.KINDS.get(d[1], str(d[1]))} for d in q.description]

    def set_autocommit(self, on):
        self.connection.autocommit(on)

    def bind(self, p):
        v = canonical.to_python(p)
        return str(v) if p.type == "uniqueidentifier" and v else v

    def complaint(self, e):
        number, text = (e.args + (None, None))[:2] if isinstance(e.args[0], int) else (None, str(e))
        text = text.decode() if isinstance(text, bytes) else str(text)
        return {"number": number, "text": text.split("DB-Lib error message")[0]}

    def call(self, procedure, params, sql=None):
        found = {"sets": [], "counts": [], "messages": [], "error": None, "outputs": [], "status": None}
        self.messages = found["messages"]
        with self.connection.cursor() as q:
            sent = [pymssql.output({"int": int}.get(p["type"], str), canonical.to_python(parameters([p])[0])) if p.get("output")
                    else canonical.to_python(parameters([p])[0]) for p in params]
            result = []
            self.gather(q, found, lambda: result.extend(q.callproc(procedure, tuple(sent))))
            found["outputs"] = [canonical.from_python(v, p["type"]) for v, p in zip(result, params) if p.get("output")]
            found["status"] = q.returnvalue
        return found

    @staticmethod
    def bulk_value(column, v):
        """It takes a day for a datetime only."""
        v = canonical.to_python(canonical.Parameter(column["type"], v))
        return dt.datetime.combine(v, dt.time()) if column["type"] == "date" and v else v

    def cancel(self, sql, how):
        if how != "timeout":
            return None  # pymssql has no cancel from another thread
        client = Pymssql()
        client.connect(*self.arguments, timeout=1)
        try:
            return client.run(sql)
        finally:
            client.close()
            client.connect(*self.arguments, timeout=300)  # db-lib's timeout is the whole process's
            client.close()

    def bulk(self, table, columns, rows):
        try:
            self.connection.bulk_copy(table, [tuple(self.bulk_value(c, v) for c, v in zip(columns, row)) for row in rows],
                                      batch_size=1000)
        except self.errors as e:
            return {"error": self.complaint(e)}
        return {"error": None}


class PythonTds(PythonClient):
    name = "python-tds"
    errors = (pytds.Error, TimeoutError)
    tells = ("type", "length", "precision", "scale", "nullable")

    def connect(self, port, database, encrypt, user="sa", password="", timeout=None, **properties):
        ssl = {"cafile": properties.pop("cafile"), "validate_host": False} if encrypt else {}
        self.extra = {"cafile": ssl["cafile"]} if ssl else {}
        self.connection = pytds.connect(dsn="127.0.0.1", port=port, user=user, password=password, database=database, autocommit=True,
                                        login_timeout=15, timeout=timeout, **ssl, **properties)
        self.arguments = (port, database, encrypt, user, password)
        return {}

    def columns(self, q):
        return [{"name": d[0], "type": python_tds_type(d), "length": d[3], "precision": d[4], "scale": d[5], "nullable": int(bool(d[6]))}
                for d in q.description]

    def set_autocommit(self, on):
        self.connection.autocommit = on

    def bind(self, p):
        v = canonical.to_python(p)
        return pytds.Binary(v) if isinstance(v, bytes) else v

    def complaint(self, e):
        return {"number": getattr(e, "number", None), "state": getattr(e, "state", None), "class": getattr(e, "severity", None),
                "line": getattr(e, "line", None), "procedure": getattr(e, "procname", None), "text": getattr(e, "text", "") or str(e)}

    def gather(self, q, found, execute):
        super().gather(q, found, execute)
        for _, e in q.messages:
            m = self.complaint(e)
            if not found["error"] or m["number"] != found["error"]["number"]:
                found["messages"].append(m)

    def call(self, procedure, params, sql=None):
        found = {"sets": [], "counts": [], "messages": [], "error": None, "outputs": [], "status": None}
        with self.connection.cursor() as q:
            sent = [pytds.output(value=canonical.to_python(parameters([p])[0]), param_type=p.get("declared", p["type"])) if p.get("output")
                    else canonical.to_python(parameters([p])[0]) for p in params]
            self.gather(q, found, lambda: q.callproc(procedure, tuple(sent)))
            found["status"] = q.get_proc_return_status()
            outputs = sorted(q._session.output_params.items())  # get_proc_outputs wants them to stand first
            found["outputs"] = [canonical.from_python(o.value, p["type"]) for (_, o), p in
                                zip(outputs, [p for p in params if p.get("output")])]
        return found

    def cancel(self, sql, how):
        if how == "timeout":
            client = PythonTds()
            client.connect(*self.arguments, timeout=1, **self.extra)
            try:
                return client.run(sql)
            finally:
                client.close()
        return None

    def bulk(self, table, columns, rows):
        try:
            with self.connection.cursor() as q:
                q.copy_to(data=[tuple(canonical.to_python(canonical.Parameter(c["type"], v)) for c, v in zip(columns, row))
                                for row in rows],
                          table_or_view=table, columns=[pytds.Column(c["name"], python_tds_column(c)) for c in columns])
        except self.errors as e:
            return {"error": self.complaint(e)}
        return {"error": None}


TDS_CODES = {0x1F: "null", 0x30: "tinyint", 0x32: "bit", 0x34: "smallint", 0x38: "int", 0x7F: "bigint", 0x3B: "real", 0x3E: "float",
             0x3C: "money", 0x7A: "smallmoney", 0x3D: "datetime", 0x3A: "smalldatetime", 0x24: "uniqueidentifier", 0x28: "date",
             0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset", 0x6A: "decimal", 0x6C: "numeric", 0xA5: "varbinary",
             0xAD: "binary", 0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar", 0x23: "text", 0x63: "ntext", 0x22: "image",
             0xF1: "xml", 0xF0: "udt", 0x62: "sql_variant"}
TDS_SIZED = {0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}, 0x68: {1: "bit"}, 0x6D: {4: "real", 8: "float"},
             0x6E: {4: "smallmoney", 8: "money"}, 0x6F: {4: "smalldatetime", 8: "datetime"}}


def python_tds_type(d):
    return TDS_SIZED[d[1]].get(d[3]) if d[1] in TDS_SIZED else TDS_CODES.get(d[1], str(d[1]))


def python_tds_column(c):
    t = pytds.tds_types
    kind, length = c["type"], c.get("length") or 0
    if kind in ("nvarchar", "varchar", "varbinary") and length == -1:
        return {"nvarchar": t.NVarCharMaxType, "varchar": t.VarCharMaxType, "varbinary": t.VarBinaryMaxType}[kind]()
    if kind in ("nvarchar", "varchar", "varbinary", "char", "nchar", "binary"):
        return {"nvarchar": t.NVarCharType, "varchar": t.VarCharType, "varbinary": t.VarBinaryType, "char": t.CharType,
                "nchar": t.NCharType, "binary": t.BinaryType}[kind](size=length)
    if kind in ("decimal", "numeric"):
        return t.DecimalType(precision=c["precision"], scale=c["scale"])
    if kind in ("time", "datetime2", "datetimeoffset"):
        return {"time": t.TimeType, "datetime2": t.DateTime2Type, "datetimeoffset": t.DateTimeOffsetType}[kind](precision=c["scale"])
    return {"bit": t.BitType, "tinyint": t.TinyIntType, "smallint": t.SmallIntType, "int": t.IntType, "bigint": t.BigIntType,
            "real": t.RealType, "float": t.FloatType, "money": t.MoneyType, "smallmoney": t.SmallMoneyType, "date": t.DateType,
            "datetime": t.DateTimeType, "smalldatetime": t.SmallDateTimeType, "uniqueidentifier": t.UniqueIdentifierType}[kind]()


# --- the two programs -----------------------------------------------------------------------------------------------

class Program(Client):
    """A driver program in another language that answers lines of JSON."""
    argv, environment, properties = (), {}, {}

    def __init__(self, directory):
        self.log = open(pathlib.Path(directory) / f"{type(self).__name__}.log", "wb")
        self.child = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                      env={**os.environ, **self.environment}, encoding="utf-8")

    def do(self, action, /, **request):
        request = {"do": action, **request}
        if action == "connect":
            request = {"user": "sa", **request, "properties": {**self.properties, **request.get("properties", {})}, "encrypt": "true" if request["encrypt"] else "false"}
            request.pop("cafile", None)
        watch = threading.Timer(CALL_SECONDS, self.child.kill)
        watch.start()
        try:
            self.child.stdin.write(json.dumps(request) + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise Failed(f"{self.name}: the program ended at {request}: {pathlib.Path(self.log.name).read_text()[-2000:]}")
        found = json.loads(line)
        if found.get("error") and action in ("connect", "transaction", "describe", "metadata", "cursor"):
            raise Failed(f"{self.name}: {found['error']}")
        return found

    def end(self):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)
        self.child.stdout.close()
        self.log.close()


class Jdbc(Program):
    name = "mssql-jdbc"
    tells = ("type", "precision", "scale", "nullable")
    argv = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
            f"{CLIENTS}/classes:{CLIENTS}/mssql-jdbc.jar", "Judge")
    properties = {"sendTimeAsDatetime": "false"}


class Tedious(Program):
    name = "tedious"
    tells = ("type", "length", "precision", "scale", "nullable")
    has_exact_decimals = False
    has_offsets = False
    argv = (shutil.which("node") or str(ROOT / "build/venv/bin/node"), str(DRIVERS / "judge.mjs"))
    environment = {"JUDGE_MODULES": str(CLIENTS)}


ALL = (Microsoft, FreeTds, Pymssql, PythonTds, Tedious, Jdbc)
