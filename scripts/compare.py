"""compare: source and target row by row, by clients that are not millrace's: python-tds on one side, psycopg2 on the other."""

import datetime
import decimal
import uuid


def plain(value):
    """One form for what both clients return: UUIDs as text, binary as bytes, zoned times in UTC, numbers as they are."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, decimal.Decimal):
        return value.normalize()
    return value


def rows_of(cursor, sql, key):
    cursor.execute(sql)
    return {tuple(plain(row[i]) for i in key): tuple(plain(v) for v in row) for row in cursor.fetchall()}


def differences(source, target, database, table, columns, key, target_table=None, most=10):
    """The first differences of a table, as lines; [] when all rows are equal. key: names of its key columns."""
    schema, name = table.split(".")
    indexes = [columns.index(k) for k in key]
    left_sql = "SELECT " + ", ".join(f"[{c}]" for c in columns) + f" FROM [{schema}].[{name}]"
    right_schema, right_name = (target_table or table).split(".")
    right_sql = "SELECT " + ", ".join(f'"{c}"' for c in columns) + f' FROM "{right_schema}"."{right_name}"'
    c = source.connect(database)
    try:
        with c.cursor() as q:
            left = rows_of(q, left_sql, indexes)
    finally:
        c.close()
    c = target.connect()
    try:
        with c.cursor() as q:
            right = rows_of(q, right_sql, indexes)
    finally:
        c.close()
    found = [f"{table} {k}: only in the source" for k in left.keys() - right.keys()]
    found += [f"{table} {k}: only in the target" for k in right.keys() - left.keys()]
    for k in left.keys() & right.keys():
        if left[k] != right[k]:
            which = [f"{c}: {a!r} / {b!r}" for c, a, b in zip(columns, left[k], right[k]) if a != b]
            found.append(f"{table} {k}: " + "; ".join(which))
    return sorted(found)[:most]


WAREHOUSE = {
    "dbo.customers": (["id", "public_id", "name", "email", "city", "credit", "is_active", "created_at"], ["id"]),
    "dbo.orders": (["id", "customer_id", "status", "total", "note", "placed_at"], ["id"]),
    "dbo.line_items": (["order_id", "line_no", "sku", "quantity", "price", "discount"], ["order_id", "line_no"]),
}


def warehouse_differences(source, target, database="warehouse_source", more_columns=None):
    """Differences over the quick start's three tables. more_columns: {table: [columns added]}."""
    found = []
    for table, (columns, key) in WAREHOUSE.items():
        found += differences(source, target, database, table, columns + (more_columns or {}).get(table, []), key)
    return found
