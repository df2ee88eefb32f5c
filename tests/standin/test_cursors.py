"""Server cursors: what Microsoft's ODBC driver, FreeTDS's and mssql-jdbc ask for when a program scrolls. They are snapshots, read only."""

import pytest

import canonical
import clients

ROWS = [[str(i), None if i == 3 else f"r{i}"] for i in range(1, 8)]
MOVES = [["next"], ["next"], ["last"], ["prior"], ["first"], ["absolute", 3], ["relative", 2], ["absolute", -1], ["next"], ["absolute", 99],
         ["prior"]]
WANT = [1, 2, 7, 6, 1, 3, 5, 7, None, None, 7]
SCROLLING = (clients.Microsoft, clients.FreeTds, clients.Jdbc)


@pytest.fixture(scope="module", params=SCROLLING, ids=lambda kind: kind.name)
def scroller(request, open_clients):
    client = open_clients(request.param)
    client.run_ok("drop table if exists dbo.scrolled")
    client.run_ok("create table dbo.scrolled (id int not null primary key, name nvarchar(20))")
    client.run_ok("insert into dbo.scrolled values " + ", ".join(f"({i}, {'null' if n is None else repr(n)})" for i, n in ROWS))
    return client


def rows(client, **request):
    """FreeTDS shows the column that every cursor's row ends with."""
    found = client.do("cursor", **request)
    return [r and r[:2] for r in found["rows"]]


@pytest.mark.parametrize("kind", ["static", "keyset"])
def test_a_cursor_scrolls_every_way(scroller, kind):
    moves = [list(m) for m in MOVES]
    got = rows(scroller, sql="select id, name from dbo.scrolled order by id", kind=kind, moves=moves)
    assert got == [None if n is None else ROWS[n - 1] for n in WANT]


def test_a_cursor_takes_parameters(scroller):
    got = rows(scroller, sql="select id, name from dbo.scrolled where id > ? and name like ? order by id", kind="static",
               moves=[["last"], ["prior"], ["prior"]], params=[canonical.parameter("int", "5").json(), canonical.parameter("nvarchar(9)", "r%").json()])
    assert got == [ROWS[6], ROWS[5], None]


def test_an_empty_cursor_has_its_columns(scroller):
    found = scroller.do("cursor", sql="select id, name from dbo.scrolled where 1 = 0", kind="static", moves=[["next"]])
    assert found["rows"] == [None]
    assert [c["name"] for c in found["columns"]][:2] == ["id", "name"]


def test_an_error_of_the_statement_comes_through(scroller):
    with pytest.raises(Exception, match="no_such_table"):
        scroller.do("cursor", sql="select * from dbo.no_such_table", kind="static", moves=[["next"]])
    assert scroller.value("select 1") == "1"


def test_a_positioned_update_is_refused(open_clients):
    client = open_clients(clients.Jdbc)
    with pytest.raises(clients.Failed, match="cannot be updated|READ ONLY"):
        client.do("cursor", sql="select id, name from dbo.scrolled", kind="keyset", concurrency="update", moves=[["first"]], column=2, value="x")


def test_jdbc_reads_by_server_cursor_when_told(server):
    from judged import LAB, connected
    client = connected(clients.Jdbc, server, LAB, properties={"selectMethod": "cursor"})
    try:
        client.run_ok("create table dbo.many_rows (id int not null primary key)")
        client.run_ok("insert into dbo.many_rows select a.i * 100 + b.i from (values " +
                      ", ".join(f"({i})" for i in range(10)) + ") as a(i), (values " + ", ".join(f"({i})" for i in range(100)) + ") as b(i)")
        got = client.do("cursor", sql="select id from dbo.many_rows where id >= ? order by id", kind="forward", moves=[], fetch_size=64,
                        params=[canonical.parameter("int", "0").json()])["rows"]
        assert got == [[str(i)] for i in range(1000)]
        assert client.rows("select max(id) from dbo.many_rows") == [["999"]]
    finally:
        client.end()
