"""What a client's session does besides carrying values: prepared statements, batches of calls, transactions and savepoints, cancelling,
several results, messages, output parameters. Each through the client's own interface."""

import contextlib
import time

import pytest

import canonical
import clients
import lab

P = canonical.parameter
TIMEOUT_S = 20  # of a client's call that is broken off: far below the statement's own minute


def has(client, what):
    if not hasattr(client, what) and not isinstance(client, clients.Program):
        pytest.skip(f"{client.name} has no {what}")


def runs(*values):
    return [[P("int", v[0]).json(), P("nvarchar(40)", v[1]).json()] for v in values]


def test_a_prepared_statement_runs_again_with_other_values(client):
    client.run_ok("drop table if exists dbo.p")
    client.run_ok("create table dbo.p (id int not null primary key, name nvarchar(40))")
    found = client.do("prepared", sql="insert into dbo.p (id, name) values (?, ?)", runs=runs(("1", "a"), ("2", "ä"), ("3", None)))
    assert [r["error"] for r in found["results"]] == [None] * 3
    found = client.do("prepared", sql="select name from dbo.p where id = ? or name = ?", runs=runs(("1", ""), ("9", "ä"), ("3", "")))
    assert [r["sets"][0]["rows"] for r in found["results"]] == [[["a"]], [["ä"]], [[None]]]


def test_an_error_in_a_prepared_statement_leaves_it_usable(client):
    client.run_ok("drop table if exists dbo.p")
    client.run_ok("create table dbo.p (id int not null primary key, name nvarchar(40))")
    found = client.do("prepared", sql="insert into dbo.p (id, name) values (?, ?)", runs=runs(("1", "a"), ("2", "b")))
    if isinstance(client, clients.Jdbc):  # its Java program ends a series at the first error: two series
        again = client.do("prepared", sql="insert into dbo.p (id, name) values (?, ?)", runs=runs(("1", "again")))
    else:
        again = client.do("prepared", sql="insert into dbo.p (id, name) values (?, ?)", runs=runs(("1", "again"), ("3", "c")))
    assert clients.error_of(again["results"][0])[0] == 2627
    assert [r["error"] for r in found["results"]] == [None, None]
    assert client.value("select count(*) from dbo.p") in ("2", "3")


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transaction_ends_as_it_is_told(client, server, end):
    client.run_ok("drop table if exists dbo.x")
    client.run_ok("create table dbo.x (id int)")
    client.do("transaction", what="begin")
    client.run_ok("insert into dbo.x values (1)")
    assert client.value("select @@trancount") == "1"
    client.do("transaction", what=end)
    assert client.value("select @@trancount") == "0"
    assert server.rows("select count(*) from dbo.x", "judged") == [(1 if end == "commit" else 0,)]


def test_a_savepoint_takes_back_what_came_after_it(client, server):
    client.run_ok("drop table if exists dbo.x")
    client.run_ok("create table dbo.x (id int)")
    client.do("transaction", what="begin")
    client.run_ok("insert into dbo.x values (1)")
    client.do("transaction", what="save", name="here")
    client.run_ok("insert into dbo.x values (2)")
    client.do("transaction", what="rollback to", name="here")
    client.run_ok("insert into dbo.x values (3)")
    client.do("transaction", what="commit")
    assert server.rows("select id from dbo.x order by id", "judged") == [(1,), (3,)]


# isolation levels by the number each interface has for them
LEVELS = {"1": "ReadUncommitted", "2": "ReadCommitted", "4": "Repeatable", "8": "Serializable"}


@pytest.mark.parametrize("level", [1, 2, 4, 8])
def test_an_isolation_level_is_set(client, level):
    client.do("transaction", what="begin", isolation=level)
    client.run_ok("select 1")
    want = {1: "1", 2: "2", 4: "3", 8: "4"}[level]
    got = client.value("select cast(transaction_isolation_level as int) from sys.dm_exec_sessions where session_id = @@spid")
    client.do("transaction", what="rollback")
    client.do("transaction", what="begin", isolation=2)
    client.run_ok("select 1")
    client.do("transaction", what="rollback")
    assert got == want


@pytest.mark.parametrize("how", ["timeout", "cancel"])
@pytest.mark.parametrize("sql", [
    "waitfor delay '00:01:00'", "declare @i int = 0; while 1 = 1 if @i = 1 break",
    "with n(i) as (select 1 union all select i + 1 from n where i < 10000) select count(*) from n a, n b, n c option (maxrecursion 0)"],
    ids=["wait", "loop", "query"])
def test_a_statement_is_broken_off_and_the_connection_goes_on(client, how, sql):
    started = time.monotonic()
    found = client.do("cancel", sql=sql, how=how)
    if found is None:
        pytest.skip(f"{client.name} can't: {how}")
    assert time.monotonic() - started < TIMEOUT_S
    assert found["error"], found
    assert client.value("select 7") == "7"


RESULTS = """select 1 as a; update dbo.many set v = v + 1; select v from dbo.many where 1 = 0; insert dbo.many values (9);
             select 'x' as b, 2 as c; delete dbo.many where v = 9"""


def test_several_results_come_in_their_order(client):
    client.run_ok("drop table if exists dbo.many")
    client.run_ok("create table dbo.many (v int)")
    client.run_ok("insert dbo.many values (1), (2), (3)")
    found = client.do("run", sql=RESULTS)
    assert found["error"] is None
    rows = [s["rows"] for s in found["sets"]]
    if client.name == "python-tds":  # leaves the columns of the last result in place when one has none
        rows = rows[:1] + [r for r in rows[1:] if r]
        assert rows == [[["1"]], [["x", "2"]]]
        return
    assert rows == [[["1"]], [], [["x", "2"]]]
    if client.name == "pymssql":
        return  # its nextset passes over results without rows
    changed = [n for n in found["counts"] if n != -1]
    if client.name == "FreeTDS ODBC":  # loses the count after the last result set
        changed.append(1)
    if client.name == "tedious":  # tells the rows of SELECTs, too
        assert changed == [1, 3, 0, 1, 1, 1]
    else:
        assert changed == [3, 1, 1]


def test_counts_are_left_out_when_nocount_is_on(client):
    client.run_ok("drop table if exists dbo.many")
    client.run_ok("create table dbo.many (v int)")
    found = client.do("run", sql="set nocount on; insert dbo.many values (1); insert dbo.many values (2); select v from dbo.many; set nocount off")
    assert [n for n in found["counts"] if n > 0] == []
    assert found["sets"][0]["rows"] == [["1"], ["2"]]


def test_an_error_is_told_with_all_it_has(client):
    found = client.do("run", sql="select 1;\nraiserror('code %d: %s', 14, 3, 7, 'late')")
    e = found["error"]
    assert e["number"] == 50000 and e["text"].startswith("code 7: late")
    for field, want in (("state", 3), ("class", 14), ("line", 2)):
        if e.get(field) is not None:
            assert e[field] == want, field
    assert found["sets"][0]["rows"] == [["1"]]
    assert client.value("select 1") == "1"


def test_an_error_of_a_procedure_names_it(client):
    e = client.do("run", sql="select 1; exec sp_columns @nosuch = 1")["error"]
    assert e["number"] == 8145 and "@nosuch is not a parameter for procedure sp_columns" in e["text"]
    if e.get("procedure") is not None:
        assert e["procedure"] == "sp_columns"


MESSAGES = "print 'one'; raiserror('two', 10, 1); print N'drei: ж'; raiserror('four', 5, 2)"


def test_messages_are_told(client):
    found = client.do("run", sql=MESSAGES)
    assert found["error"] is None
    texts = [m["text"] for m in found["messages"]]
    if client.name == "FreeTDS ODBC":  # ranks its records by severity
        assert sorted(texts) == sorted(["one", "two", "drei: ж", "four"])
        return
    assert texts == ["one", "two", "drei: ж", "four"]
    for m, (number, state, severity) in zip(found["messages"], [(0, 1, 0), (50000, 1, 0), (0, 1, 0), (50000, 2, 5)]):
        if m.get("class") is not None:
            assert (m["state"], m["class"]) == (state, severity)
        if m.get("number") is not None:
            assert m["number"] == number


def test_output_parameters_and_the_return_status_come_back(client):
    has(client, "call")
    # pymssql gives the outputs before there are any where a result set comes first
    result = "" if client.name == "pymssql" else "select @x as x; "
    sql = f"set @y = @x + 1; set @t = N'<' + @t + N'>'; {result}if @x = 5 return"
    given = [{"type": "nvarchar", "value": sql, "length": len(sql), "name": "@stmt"},
             {"type": "nvarchar", "value": "@x int, @y int output, @t nvarchar(20) output", "length": 100, "name": "@params"},
             {"type": "int", "value": "5", "name": "@x"}, {"type": "int", "value": None, "output": True, "name": "@y"},
             {"type": "nvarchar", "value": "ä", "length": 20, "output": True, "name": "@t", "declared": "nvarchar(20)"}]
    if client.name in ("ODBC Driver 18", "FreeTDS ODBC"):
        found = client.call("{call sp_executesql(?, ?, ?, ?, ?)}", given)
    elif client.name == "mssql-jdbc":
        found = client.do("call", sql="{call sp_executesql(?, ?, ?, ?, ?)}", params=given)
    else:
        found = client.do("call", procedure="sp_executesql", params=given)
    assert found["error"] is None, found["error"]
    assert [s["rows"] for s in found["sets"]] == ([[["5"]]] if result else [])
    assert found["outputs"] == ["6", "<ä>"]


def test_a_wrong_password_and_an_unknown_database_are_refused(client, server):
    for options, number, text in (({"password": "wrong"}, 18456, "Login failed for user 'sa'"),
                                  ({"database": "nowhere"}, 4060, 'Cannot open database "nowhere"')):
        told = refusal(type(client), server, {"password": lab.PASSWORD, "database": "judged", **options})
        assert text in told or str(number) in told or client.name in ("pymssql", "tedious") and \
            ("18456" in told or "Login failed" in told)  # they tell the last error, which follows 4060


def refusal(kind, server, options):
    other = kind(server.directory) if issubclass(kind, clients.Program) else kind()
    extra = {"cafile": str(server.certificate)} if kind is clients.PythonTds else {}
    try:
        other.do("connect", port=server.port, encrypt=True, **options, **extra)
    except Exception as e:  # each client has its own
        return str(e)
    finally:
        if isinstance(other, clients.Program):
            other.end()
    raise AssertionError("the login was taken")


def test_many_parameters_in_one_call(client):
    if client.name == "pymssql":
        pytest.skip("pymssql writes parameters into the text")
    n = 2000
    params = [P("int", str(i)) for i in range(n)]
    client.run_ok("drop table if exists dbo.wide")
    client.run_ok("create table dbo.wide (v int)")
    client.run_ok("insert into dbo.wide select v from (values " + ", ".join(["(?)"] * n) + ") as x(v)", *params)
    assert client.value("select sum(v) from dbo.wide") == str(n * (n - 1) // 2)


def test_a_large_value_goes_there_and_back(client):
    text = "0123456789äж" * 100_000
    if client.name == "pymssql":
        (got,), = client.rows("select N'" + text + "'")
    else:
        (got,), = client.rows("select ?", P("nvarchar(max)", text))
    assert got == text
