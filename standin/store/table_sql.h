/*
 * table_sql.h - a table's form in SQLite: CREATE TABLE, CREATE INDEX and their pieces as text. Pure; any
 * thread.
 *
 * Columns get no REAL or NUMERIC affinity: INTEGER for what value.h keeps as integers, TEXT with the
 * collation for text, BLOB (no affinity) for the rest. A primary key on one integer column is SQLite's rowid
 * itself.
 */
#ifndef STANDIN_STORE_TABLE_SQL_H
#define STANDIN_STORE_TABLE_SQL_H

#include "base/buf.h"
#include "standin/store/catalog.h"

/* Decide which column, if any, is the rowid: when a table is made, never later. */
void tablesql_choose_rowid(Table *t);
/* Is the index nothing but the rowid, so that SQLite has none for it? */
bool tablesql_is_rowid_index(const Table *t, const Index *x);
/* "c3 TEXT COLLATE …" of the column at this position. */
void tablesql_column(const Table *t, size_t at, Buf *out);
void tablesql_create_table(const Table *t, Buf *out);
/* Nothing for the rowid's index; ends with ';'. */
void tablesql_create_index(const Table *t, const Index *x, Buf *out);
void tablesql_drop_index(const Table *t, const Index *x, Buf *out);
void tablesql_index_columns(const Table *t, const Index *x, Buf *out); /* "c1, c4 DESC" */
/* "temp." for tables of a session, else nothing. */
const char *tablesql_schema(const Table *t);

#endif
