/*
 * row_writer.h - changing rows of one table within a statement (txn_write_begin … txn_write_end): base or
 * write set, row and key locks, unique keys, the log. Owner thread only.
 *
 * Values are whole rows in column order. Every call that returns false with e->number TXN_MUST_WAIT asks for
 * the statement to be started over (txn_must_retry).
 */
#ifndef STANDIN_STORE_ROW_WRITER_H
#define STANDIN_STORE_ROW_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/store/catalog.h"
#include "standin/store/sql_error.h"
#include "standin/store/txn.h"
#include "standin/types/value.h"

typedef struct RowWriter RowWriter;

/* schema: the schema's name, for messages. Both borrowed until the close. */
RowWriter *rowwriter_open(Txn *t, const Table *table, const char *schema);
RowWriter *rowwriter_close(RowWriter *w); /* NULL is a no-op; returns NULL */

/* Lock the row for a change (X), then read it as the transaction sees it; values are borrowed until the next
 * read. false with e->number 0: there is no such row (any more). */
bool rowwriter_read(RowWriter *w, int64_t rowid, Value *ret_values, SqlError *e);
bool rowwriter_insert(RowWriter *w, const Value *values, int64_t *ret_rowid, SqlError *e);
bool rowwriter_delete(RowWriter *w, int64_t rowid, const Value *before, SqlError *e);

/* Which columns the statement sets, by position: before the first update. */
void rowwriter_set_columns(RowWriter *w, const size_t *columns, size_t count);
/* Does the statement change a column of a unique or clustered index? Then an update of several rows goes in
 * two passes, rowwriter_take_out of each row, then rowwriter_put_back of each, so that keys may change
 * places. */
bool rowwriter_changes_keys(const RowWriter *w);
/* The statement is a MERGE, before the first update: one of a table with a unique index is logged as a delete
 * and an insert, whatever it sets. */
void rowwriter_set_merging(RowWriter *w);
bool rowwriter_update(RowWriter *w, int64_t rowid, const Value *before, const Value *after, SqlError *e);
bool rowwriter_take_out(RowWriter *w, int64_t rowid, const Value *before, SqlError *e);
bool rowwriter_put_back(RowWriter *w, int64_t rowid, const Value *before, const Value *after, SqlError *e);
/* Before the passes: some new key is another row's old one. Their log records are then all deletes, then all
 * inserts, each with a position of its own, so that a reader in log order ends with the right rows. */
void rowwriter_set_overlapping(RowWriter *w);

/* 2627 or 2601 for these values and this index. */
bool rowwriter_duplicate_error(const RowWriter *w, const Index *x, const Value *values, SqlError *e);

#endif
