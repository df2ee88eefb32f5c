"""The ways rows come in by the thousand: each client's bulk copy, FreeTDS's freebcp, arrays of parameters, batches of calls."""

import decimal
import shutil
import subprocess

import pyodbc
import pytest

import canonical
import clients
import lab

N = 3000
COLUMNS = [("id", "int"), ("name", "nvarchar(40)"), ("code", "varchar(10)"), ("price", "decimal(12,2)"), ("bytes", "varbinary(20)"),
           ("day", "date"), ("at", "datetime2(3)"), ("ratio", "float"), ("flag", "bit"), ("long", "nvarchar(max)")]
DDL = "create table dbo.loaded (" + ", ".join(f"{n} {t}{' not null' if n == 'id' else ''}" for n, t in COLUMNS) + ")"


def row(i):
    none = i % 7 == 0
    return [str(i), None if none else f"Жук {i}", f"c{i % 100}", None if none else f"{i}.{i % 100:02}",
            None if none else f"{i % 256:02x}00", f"20{i % 90 + 10}-01-{i % 28 + 1:02}", f"2026-11-03 16:05:06.{i % 1000:03}0000",
            canonical.double(i / 8), str(i % 2), None if none else "long " * (i % 50)]


def column_specs():
    return [{"name": n, **{k: v for k, v in canonical.parameter(t, None).json().items() if k != "value"}} for n, t in COLUMNS]


def check(server, n=N):
    got = server.rows("select count(*), sum(id), count(name), sum(price), sum(datalength(bytes)), sum(ratio), sum(cast(flag as int)), "
                      "sum(len(long)), max(name), max(at) from dbo.loaded", "judged")[0]
    kept = [i for i in range(n) if i % 7]
    assert got[0] == n and got[1] == n * (n - 1) // 2 and got[2] == len(kept)
    assert got[3] == sum(decimal.Decimal(f"{i}.{i % 100:02}") for i in kept)
    assert got[4] == 2 * len(kept) and got[5] == pytest.approx(n * (n - 1) / 16) and got[6] == n // 2
    assert got[8] == max(f"Жук {i}" for i in kept) and str(got[9])[:23] == "2026-11-03 16:05:06.999"


@pytest.fixture
def empty(server):
    server.script("drop table if exists dbo.loaded", "judged")
    server.script(DDL, "judged")


@pytest.mark.parametrize("kind", [clients.PythonTds, clients.Tedious, clients.Jdbc, clients.Pymssql], ids=lambda k: k.name)
def test_a_clients_bulk_copy(open_clients, server, empty, kind):
    client = open_clients(kind)
    found = client.do("bulk", table="dbo.loaded" if kind is not clients.PythonTds else "loaded", columns=column_specs(),
                      rows=[row(i) for i in range(N)], **({"batch": 1000} if kind is clients.Jdbc else {}))
    assert not found.get("error"), found["error"]
    check(server)


def test_a_bulk_copy_with_a_bad_row_loads_nothing_of_its_batch(open_clients, server, empty):
    client = open_clients(clients.Tedious)
    rows = [row(i) for i in range(10)]
    rows[5][0] = None
    found = client.do("bulk", table="dbo.loaded", columns=column_specs(), rows=rows)
    assert found["error"]
    assert server.rows("select count(*) from dbo.loaded", "judged") == [(0,)]
    assert client.value("select 1") == "1"


@pytest.mark.parametrize("driver", ["ODBC Driver 18 for SQL Server", "FreeTDS"])
def test_arrays_of_parameters(server, empty, driver):
    where = f"SERVER=127.0.0.1,{server.port}" if "18" in driver else f"SERVER=127.0.0.1;PORT={server.port};TDS_Version=7.4;ClientCharset=UTF-8"
    c = pyodbc.connect(f"DRIVER={{{driver}}};{where};DATABASE=judged;UID=sa;PWD={lab.PASSWORD};TrustServerCertificate=yes", autocommit=True)
    values = []
    for i in range(N):
        r = [canonical.to_python(canonical.parameter(t, v)) for (_, t), v in zip(COLUMNS, row(i))]
        if driver == "FreeTDS" and r[4] is None:
            r[4] = b""  # pyodbc sends a NULL as varchar to it, which isn't converted to varbinary
        values.append(r)
    q = c.cursor()
    q.fast_executemany = "18" in driver
    q.executemany("insert into dbo.loaded values (" + ", ".join("?" * len(COLUMNS)) + ")", values)
    c.close()
    check(server)


def test_jdbc_batches_calls(open_clients, server, empty):
    client = open_clients(clients.Jdbc)
    n = 500
    runs = [[{**canonical.parameter(t, v).json()} for (_, t), v in zip(COLUMNS, row(i))] for i in range(n)]
    found = client.do("batch", sql="insert into dbo.loaded values (" + ", ".join("?" * len(COLUMNS)) + ")", runs=runs)
    assert found["counts"] == [1] * n
    got = server.rows("select count(*), sum(id) from dbo.loaded", "judged")[0]
    assert got == (n, n * (n - 1) // 2)


@pytest.mark.skipif(not shutil.which("freebcp"), reason="freebcp isn't installed")
def test_freebcp_loads_and_unloads(server, tmp_path):
    server.script("drop table if exists dbo.bcp", "judged")
    server.script("create table dbo.bcp (id int not null, name nvarchar(20), price decimal(9,2))", "judged")
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("".join(f"{i}\tn{i}\t{i}.50\n" for i in range(1000)))
    run = ["freebcp", "judged.dbo.bcp"]
    access = ["-S", f"127.0.0.1:{server.port}", "-U", "sa", "-P", lab.PASSWORD, "-c", "-t", "\t"]
    env = {"TDSVER": "7.4", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([*run, "in", str(source), *access], capture_output=True, text=True, timeout=60, env=env)
    assert "1000 rows copied" in done.stdout, done.stdout + done.stderr
    assert server.rows("select count(*), sum(id), sum(price) from dbo.bcp", "judged")[0][:2] == (1000, 499500)
    done = subprocess.run([*run, "out", str(out), *access], capture_output=True, text=True, timeout=60, env=env)
    assert "1000 rows copied" in done.stdout, done.stdout + done.stderr
    assert sorted(out.read_text().splitlines()) == sorted(source.read_text().splitlines())
