/*
 * rowset.h - rows of a running statement, decoded column by column from a row array that stays in
 * the cache.
 * Owner thread only (the connection's).
 *
 * The columns are given in the order in which values are wanted; the SELECT list must have them in the order
 * that rowset_order tells: long ones ((max), text, xml …) last, since a driver gives those only behind all
 * bound ones. With long columns rows are fetched one at a time.
 */
#ifndef SQLSERVER_ROWSET_H
#define SQLSERVER_ROWSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "record/schema.h"
#include "record/value.h"
#include "sqlserver/mask.h"
#include "sqlserver/odbc.h"

typedef struct Rowset Rowset;

/* Plan and buffers for these columns (borrowed until rowset_free). label names the table in errors (copied).
 * Errors: ERR_INVALID for a type that can't be carried, naming table and column. */
MUST_CHECK bool rowset_new(const char *label, const Column *columns, size_t count, OdbcDriverKind driver,
                           Rowset **ret, Err *e);
Rowset *rowset_free(Rowset *r); /* NULL is fine; returns NULL */

/* order[i] = which of the columns is the i-th of the SELECT list. Borrowed. */
const uint16_t *rowset_order(const Rowset *r);
/* Rows that one fetch gives at most. */
size_t rowset_capacity(const Rowset *r);
/* Bytes of one row, as bound: an upper bound for rows without long values. */
size_t rowset_row_bytes(const Rowset *r);
/* Values of the key in an error about one row: indexes into the columns; count 0 = none. Copied. */
void rowset_set_key(Rowset *r, const uint16_t *key, size_t count);
/* The same where the key isn't among the columns: tell appends "Id=7" for a row of which all but long values
 * is decoded. self is borrowed until another is given. */
typedef void (*RowsetTellKey)(void *self, const Value *row, Buf *out);
void rowset_set_key_teller(Rowset *r, RowsetTellKey tell, void *self);

/* How values are changed once they are read, by column; NULL entries and a NULL array = not at all. The array
 * is copied, the rules are borrowed until rowset_free. */
void rowset_set_masks(Rowset *r, const MaskRule *const *rules);

/* Bind to the statement that runs on c, which must have exactly these columns; values go to the arena
 * (borrowed until another is given). Errors: as odbc.h. */
MUST_CHECK bool rowset_bind(Rowset *r, Odbc *c, Arena *arena, Err *e);
/* Values go to this arena from now on. Also to be told after an arena was cleared. */
void rowset_into(Rowset *r, Arena *arena);
/*
 * The next rows: *ret_rows ≥ 1, 0 at the end; *ret_values has rows × columns values, row by row, in the
 * arena, as have their texts. Errors: as odbc.h; ERR_DATA for a value over max.value.bytes or one without a
 * form outside SQL Server, naming table, column and key; ERR_INTERNAL when the driver gave other than its
 * type.
 */
MUST_CHECK bool rowset_fetch(Rowset *r, Value **ret_values, size_t *ret_rows, Err *e);
/* Its reader can do without a row. Where the connection says so (OdbcTarget.unreadable), one with a value
 * that can't be read is then no error of rowset_fetch: it comes with NULL and absent in place of that value.
 * With UNREADABLE_MARK the value is marked and the row is one like others; in a key column it's an error
 * still. */
void rowset_pass_unreadable(Rowset *r);
/* Why the row-th of the rows that were fetched last can't be read; NULL: it can. Until the next fetch; the
 * text is in the arena. */
const char *rowset_unreadable(const Rowset *r, size_t row);
/* Some of the rows that were fetched last have marked values. */
bool rowset_has_marked(const Rowset *r);
/* The last row that was fetched, as it was before masks; until the next fetch. NULL before the first. */
const Value *rowset_last(const Rowset *r);
/* Unpaired surrogates replaced so far. */
uint64_t rowset_replaced(const Rowset *r);

#endif
