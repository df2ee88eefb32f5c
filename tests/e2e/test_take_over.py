"""Coming from another tool whose target is there: docs/coming-from-debezium.md, as it says to do it."""

import contextlib

import lab


def change(source, sql):
    with contextlib.closing(source.connect("warehouse_source")) as c, c.cursor() as q:
        q.execute(sql)


def test_the_position_is_taken_over_at_an_lsn(runner, warehouse, target):
    old = runner.start()  # fills the target, as the other tool did
    runner.drained(old)
    old.stop()
    reached = target.value("select position from millrace.position")
    target.rows("drop schema millrace cascade")
    change(warehouse, "UPDATE dbo.orders SET total = total + 7 WHERE id <= 20")
    change(warehouse, "DELETE FROM dbo.line_items WHERE order_id = 9")
    change(warehouse, "INSERT INTO dbo.customers (name, credit, is_active, created_at) VALUES (N'new', 1, 1, '2026-01-01')")
    first = runner.start(source={"snapshot.mode": "no_data"})
    lab.wait_for("a position", lambda: target.value("select position from millrace.position"))
    runner.drained(first)
    first.stop()
    assert runner.command("verify", *runner.files()).returncode == 1, "what lies between isn't there yet"
    before = reached[:-4] + f"{int(reached[-4:], 16) - 1:04x}"
    target.rows("update millrace.position set position = %s, consistent = null", before)
    run = runner.start(source={"snapshot.mode": "no_data"})
    runner.drained(run)
    shown = runner.command("verify", *runner.files())
    assert shown.returncode == 0, shown.stdout + shown.stderr
    run.stop()
