"""Columns that change data capture carries half or not at all: computed ones and large values."""

import pytest

import lab
from test_types import DATABASE, ONLY_T, small, wait_rows

COMPUTED = "a int NOT NULL, twice AS (a * 2), kept AS (a * 10) PERSISTED NOT NULL, name nvarchar(20) NULL, loud AS (UPPER(name))"
SHOWN = "select id, a, twice, kept, name, loud from dbo.t order by id"


def computed_rows(source, rows):
    source.script("\n".join(f"INSERT INTO dbo.t (id, a, name) VALUES ({row})" for row in rows), DATABASE)


@pytest.fixture
def computed(source):
    small(source, COMPUTED)
    computed_rows(source, ["1, 5, N'ann'", "2, 6, NULL"])
    return source


def test_computed_columns_are_left_alone_unless_asked_for(runner, computed, target):
    run = runner.start(source=ONLY_T)
    wait_rows(run, target, SHOWN, [(1, 5, 10, 50, "ann", "ANN"), (2, 6, 12, 60, None, None)])
    computed.script("UPDATE dbo.t SET a = 7 WHERE id = 1", DATABASE)
    computed_rows(computed, ["3, 8, N'cid'"])
    wait_rows(run, target, SHOWN, [(1, 7, 10, 50, "ann", "ANN"), (2, 6, 12, 60, None, None), (3, 8, None, None, "cid", None)])
    assert "column twice is computed" in run.log() and "grows old" in run.log()


def test_computed_columns_are_read_again_by_key(runner, computed, target):
    reread = {**ONLY_T, "computed.columns.mode": "reread"}
    run = runner.start(source=reread)
    wait_rows(run, target, SHOWN, [(1, 5, 10, 50, "ann", "ANN"), (2, 6, 12, 60, None, None)])
    computed.script("UPDATE dbo.t SET a = 7, name = NULL WHERE id = 1; UPDATE dbo.t SET name = N'bob' WHERE id = 2", DATABASE)
    computed_rows(computed, ["3, 8, N'cid'"])
    wait_rows(run, target, SHOWN, [(1, 7, 14, 70, None, None), (2, 6, 12, 60, "bob", "BOB"), (3, 8, 16, 80, "cid", "CID")])
    verified = runner.command("verify", *runner.files(source=reread))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_rows_that_changed_again_or_went_meanwhile_come_out_right(runner, computed, target):
    """What is read again may be newer than the change, or not there any more; the changes that follow set it right."""
    reread = {**ONLY_T, "computed.columns.mode": "reread"}
    run = runner.start(source=reread)
    wait_rows(run, target, SHOWN, [(1, 5, 10, 50, "ann", "ANN"), (2, 6, 12, 60, None, None)])
    run.stop()
    computed.script("\n".join(f"INSERT INTO dbo.t (id, a, name) VALUES ({i}, {i}, N'n{i}')" for i in range(100, 2600)), DATABASE)
    computed.script("\n".join(f"UPDATE dbo.t SET a = a + 1 WHERE id % 7 = {k % 7}" for k in range(40)), DATABASE)
    computed.script("DELETE FROM dbo.t WHERE id % 3 = 0; UPDATE dbo.t SET id = id + 10000 WHERE id % 10 = 1; UPDATE dbo.t SET name = N'x' WHERE id % 5 = 0", DATABASE)
    run = runner.start(source={**reread, "max.batch.size": 500})
    want = [tuple(r) for r in computed.rows("SELECT id, a, twice, kept, name, loud FROM dbo.t ORDER BY id", DATABASE)]
    assert len(want) > 1500
    wait_rows(run, target, SHOWN, want)


def test_computed_columns_can_be_excluded(runner, computed, target):
    run = runner.start(source={**ONLY_T, "computed.columns.mode": "exclude"})
    wait_rows(run, target, "select id, a, name from dbo.t order by id", [(1, 5, "ann"), (2, 6, None)])
    assert [r[0] for r in target.rows("select attname from pg_attribute where attrelid = 'dbo.t'::regclass and attnum > 0 order by attnum")] == ["id", "a", "name"]
    computed.script("UPDATE dbo.t SET a = 7 WHERE id = 1", DATABASE)
    wait_rows(run, target, "select id, a, name from dbo.t order by id", [(1, 7, "ann"), (2, 6, None)])


def test_a_generated_column_of_the_target_computes_itself(runner, computed, target):
    target.rows("create schema dbo; create table dbo.t (id int primary key, a int, twice int generated always as (a * 2) stored, kept int, name text, loud text)")
    run = runner.start(source=ONLY_T)
    wait_rows(run, target, "select id, a, twice from dbo.t order by id", [(1, 5, 10), (2, 6, 12)])
    computed.script("UPDATE dbo.t SET a = 7 WHERE id = 1", DATABASE)
    wait_rows(run, target, "select id, a, twice from dbo.t order by id", [(1, 7, 14), (2, 6, 12)])


def test_a_computed_key_is_refused_with_its_cure(runner, source, target):
    small(source, "a int NULL")
    source.script("CREATE TABLE dbo.k (a int NOT NULL, k AS (a + 1) PERSISTED NOT NULL PRIMARY KEY)\nGO\n"
                  "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'k', @role_name = NULL", DATABASE)
    done = runner.command("run", *runner.files(source={"table.include.list": "dbo.k"}))
    assert done.returncode != 0 and "dbo.k" in done.stderr and "message.key.columns" in done.stderr, done.stderr


LARGE = 200_000
LOBS = "n int NULL, vm varchar(max) NULL, nm nvarchar(max) NULL, bm varbinary(max) NULL, tx text NULL, nt ntext NULL, im image NULL, x xml NULL"
LOB_SHOWN = ("select id, n, length(vm), md5(vm), length(nm), md5(nm), length(bm), md5(bm), length(tx), md5(tx), length(nt), md5(nt), length(im), md5(im), x::text "
             "from dbo.t order by id")


def lob_rows(target):
    return target.rows(LOB_SHOWN)


def test_large_values_survive_changes_that_do_not_touch_them(runner, source, target):
    source.script("EXEC sp_configure 'max text repl size', -1; RECONFIGURE")
    big = (f"REPLICATE(CAST('v' AS varchar(max)), {LARGE}), REPLICATE(CAST(N'\u00fc' AS nvarchar(max)), {LARGE}), "
           f"CAST(REPLICATE(CAST('b' AS varchar(max)), {LARGE}) AS varbinary(max)), REPLICATE(CAST('t' AS varchar(max)), {LARGE}), "
           f"REPLICATE(CAST(N'n' AS nvarchar(max)), {LARGE}), CAST(REPLICATE(CAST('i' AS varchar(max)), {LARGE}) AS varbinary(max)), N'<a>1</a>'")
    small(source, LOBS, [f"1, 1, {big}", "2, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL"])
    run = runner.start(source=ONLY_T)
    lab.wait_for("the copy", lambda: len(lob_rows(target)) == 2)
    before = lob_rows(target)
    assert before[0][2:14:2] == (LARGE,) * 6
    source.script("UPDATE dbo.t SET n = 10 WHERE id = 1; UPDATE dbo.t SET n = 20 WHERE id = 2", DATABASE)
    want = [(1, 10, *before[0][2:]), (2, 20, *before[1][2:])]
    wait_rows(run, target, LOB_SHOWN, want)
    source.script("UPDATE dbo.t SET vm = NULL, tx = NULL WHERE id = 1; UPDATE dbo.t SET nm = N'', im = 0x WHERE id = 2", DATABASE)
    empty = "d41d8cd98f00b204e9800998ecf8427e"
    first, second = list(want[0]), list(want[1])
    first[2:4] = first[8:10] = [None, None]
    second[4:6] = second[12:14] = [0, empty]
    wait_rows(run, target, LOB_SHOWN, [tuple(first), tuple(second)])
    source.script("UPDATE dbo.t SET id = 11 WHERE id = 1", DATABASE)  # a new key: delete and insert, whole
    wait_rows(run, target, LOB_SHOWN, [tuple(second), (11, *first[1:])])
    source.script(f"INSERT INTO dbo.t VALUES (3, 3, {big}); DELETE FROM dbo.t WHERE id = 11", DATABASE)
    wait_rows(run, target, LOB_SHOWN, [tuple(second), (3, 3, *before[0][2:])])
    verified = runner.command("verify", *runner.files(source=ONLY_T))
    assert verified.returncode == 0, verified.stdout + verified.stderr
