"""workload: what an application does to the quick start's three tables, as a seeded stream of T-SQL transactions.

Inserts, updates of one and of many rows, deletes, key changes, transactions over several tables, and some that roll back.
Plain T-SQL batches: they run on any SQL Server.
"""

import contextlib
import itertools
import random
import threading
import time

CITIES = ["Zürich", "København", "München", "São Paulo", "東京", "Oslo", "Kraków", "Αθήνα", "Lyon", "Antwerpen"]
MARKS = itertools.count(1)
STATUSES = ["new", "paid", "packed", "shipped", "delivered", "returned"]


def load(standin, customers, orders, items_per_order=2.5, database="warehouse_source"):
    """Fill the tables by INSERT … SELECT from a table of numbers, in transactions of some 50,000 rows."""
    top = max(customers, orders)
    items = int(orders * items_per_order)
    with contextlib.closing(standin.connect(database)) as c, c.cursor() as q:
        q.execute("CREATE TABLE dbo.numbers (n int NOT NULL PRIMARY KEY)")
        q.execute("INSERT INTO dbo.numbers (n) VALUES (1)")
        have = 1
        while have < top:
            q.execute(f"INSERT INTO dbo.numbers (n) SELECT n + {have} FROM dbo.numbers WHERE n <= {top - have}")
            have = min(top, have * 2)
        for first in range(1, customers + 1, 50_000):
            q.execute(f"""
                INSERT INTO dbo.customers (name, email, city, credit, is_active, created_at)
                SELECT N'Customer ' + CAST(n AS nvarchar(12)),
                       CASE WHEN n % 7 = 0 THEN NULL ELSE N'c' + CAST(n AS nvarchar(12)) + N'@example.com' END,
                       CASE n % 4 WHEN 0 THEN N'Zürich' WHEN 1 THEN N'København' WHEN 2 THEN N'東京' ELSE NULL END,
                       CAST(n AS money) / 8, CASE WHEN n % 5 = 0 THEN 0 ELSE 1 END,
                       DATEADD(second, n, CAST('2024-01-01T00:00:00' AS datetime2(3)))
                FROM dbo.numbers WHERE n BETWEEN {first} AND {min(customers, first + 49_999)} ORDER BY n""")
        for first in range(1, orders + 1, 50_000):
            last = min(orders, first + 49_999)
            q.execute(f"""
                INSERT INTO dbo.orders (customer_id, status, total, note, placed_at)
                SELECT 1 + n % {customers}, CASE n % 3 WHEN 0 THEN N'new' WHEN 1 THEN N'paid' ELSE N'shipped' END,
                       CAST(n % 100000 AS decimal(12, 2)) / 4, CASE WHEN n % 10 = 0 THEN N'note ' + CAST(n AS nvarchar(12)) END,
                       DATEADD(second, n, CAST('2024-06-01T00:00:00' AS datetime2(7)))
                FROM dbo.numbers WHERE n BETWEEN {first} AND {last} ORDER BY n""")
        line, left = 1, items
        while left > 0:
            count = min(left, orders)
            for first in range(1, count + 1, 50_000):
                last = min(count, first + 49_999)
                q.execute(f"""
                    INSERT INTO dbo.line_items (order_id, line_no, sku, quantity, price, discount)
                    SELECT n, {line}, N'SKU-' + CAST(n % 5000 AS nvarchar(12)), 1 + n % 9, CAST(n % 1000 AS money) / 4,
                           CASE WHEN n % 6 = 0 THEN CAST(0.1250 AS decimal(5, 4)) END
                    FROM dbo.numbers WHERE n BETWEEN {first} AND {last} ORDER BY n""")
            left -= count
            line += 1
        q.execute("DROP TABLE dbo.numbers")
    return customers + orders + items


def mark(standin, database="warehouse_source"):
    """A last committed change to wait for, as changes are carried in order: the email of a new customer."""
    email = f"mark-{next(MARKS)}@example.com"
    with contextlib.closing(standin.connect(database)) as c, c.cursor() as q:
        q.execute(f"""INSERT INTO dbo.customers (name, email, city, credit, is_active, created_at)
                      VALUES (N'mark', N'{email}', NULL, 0, 1, '2026-01-01')""")
    return email


class Workload(threading.Thread):
    """Transactions, one after another, until stop(); `transactions` and `rows` count what was committed."""

    def __init__(self, standin, customers, orders, seed=1, pause=0.0, limit=None, database="warehouse_source"):
        super().__init__(name=f"workload-{seed}", daemon=True)
        self.standin, self.database = standin, database
        self.customers, self.orders = customers, orders
        self.random = random.Random(seed)
        self.pause, self.limit = pause, limit
        self.has_points = False  # dbo.customers has got loyalty_points
        self.transactions = self.rows = 0
        self.error = None
        self._stopping = threading.Event()
        self.kinds = [(self.new_order, 30), (self.pay, 20), (self.credit, 10), (self.cancel, 8), (self.renumber, 8),
                      (self.new_customer, 8), (self.many, 4), (self.undone, 4), (self.swap, 4), (self.churn, 4)]

    def stop(self):
        self._stopping.set()
        self.join(60)
        if self.error:
            raise self.error

    def run(self):
        try:
            with contextlib.closing(self.standin.connect(self.database)) as c, c.cursor() as q:
                while not self._stopping.is_set() and (self.limit is None or self.transactions < self.limit):
                    self.one(q)
        except Exception as e:
            if not self._stopping.is_set():
                self.error = e

    def one(self, q):
        """A transaction of some kind, and the pause behind it."""
        kinds, weights = zip(*self.kinds)
        sql, rows = self.random.choices(kinds, weights)[0]()
        q.execute(sql)
        while q.nextset():
            pass
        self.transactions += 1
        self.rows += rows
        if self.pause:
            time.sleep(self.pause)

    def order(self):
        return self.random.randint(1, self.orders)

    def customer(self):
        return self.random.randint(1, self.customers)

    def money(self):
        return f"{self.random.randint(0, 9_999_999) / 10_000:.4f}"

    def new_order(self):
        lines = self.random.randint(1, 5)
        values = ", ".join(
            f"(@o, {i + 1}, N'SKU-{self.random.randint(1, 5000)}', {self.random.randint(1, 9)}, {self.money()}, "
            f"{self.random.choice(['NULL', '0.1250', '0.0500'])})" for i in range(lines))
        return f"""BEGIN TRAN; DECLARE @o int;
            INSERT INTO dbo.orders (customer_id, status, total, note, placed_at)
            VALUES ({self.customer()}, N'new', {self.random.randint(1, 99_999)}.25, N'{self.random.choice(CITIES)}',
                    SYSUTCDATETIME());
            SET @o = CAST(SCOPE_IDENTITY() AS int);
            INSERT INTO dbo.line_items (order_id, line_no, sku, quantity, price, discount) VALUES {values};
            UPDATE dbo.customers SET credit = credit + 1 WHERE id = {self.customer()};
            COMMIT""", 2 + lines

    def pay(self):
        return f"UPDATE dbo.orders SET status = N'{self.random.choice(STATUSES)}', total = total + 1 WHERE id = {self.order()}", 1

    def credit(self):
        points = f", loyalty_points = {self.random.randint(0, 5000)}" if self.has_points else ""
        return (f"UPDATE dbo.customers SET credit = {self.money()}, city = N'{self.random.choice(CITIES)}'{points} "
                f"WHERE id = {self.customer()}"), 1

    def cancel(self):
        return f"""BEGIN TRAN; DECLARE @o int = {self.order()};
            DELETE FROM dbo.line_items WHERE order_id = @o; DELETE FROM dbo.orders WHERE id = @o; COMMIT""", 3

    def renumber(self):  # the key changes: SQL Server logs delete and insert
        return f"UPDATE dbo.line_items SET line_no = line_no + 100 WHERE order_id = {self.order()}", 2

    def new_customer(self):
        return f"""INSERT INTO dbo.customers (name, email, city, credit, is_active, created_at)
            VALUES (N'Neu {self.random.randint(1, 10**6)} {self.random.choice(CITIES)}', NULL, NULL, {self.money()}, 1,
                    SYSUTCDATETIME())""", 1

    def many(self):
        first = self.order()
        return f"UPDATE dbo.orders SET note = N'swept {first}' WHERE id BETWEEN {first} AND {first + 50}", 51

    def undone(self):
        return f"""BEGIN TRAN; UPDATE dbo.orders SET status = N'never' WHERE id = {self.order()};
            DELETE FROM dbo.line_items WHERE order_id = {self.order()}; ROLLBACK""", 0

    def swap(self):  # two keys change places in one statement
        return f"UPDATE dbo.line_items SET line_no = 3 - line_no WHERE order_id = {self.order()} AND line_no IN (1, 2)", 2

    def churn(self):  # born, changed and gone within one transaction
        return f"""BEGIN TRAN; DECLARE @o int = {self.order()};
            IF EXISTS (SELECT 1 FROM dbo.orders WHERE id = @o)
            BEGIN
                INSERT INTO dbo.line_items (order_id, line_no, sku, quantity, price, discount)
                VALUES (@o, 999, N'churn', 1, 1, NULL);
                UPDATE dbo.line_items SET quantity = 2 WHERE order_id = @o AND line_no = 999;
                DELETE FROM dbo.line_items WHERE order_id = @o AND line_no = 999
            END
            COMMIT""", 3
