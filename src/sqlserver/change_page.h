/*
 * change_page.h - one capture instance's changes, read in pages of bounded bytes in the order of their
 * positions. A ChangeReader: owner thread only. A ChangePage is reference-counted, read-only once read: any
 * thread.
 */
#ifndef SQLSERVER_CHANGE_PAGE_H
#define SQLSERVER_CHANGE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "record/change.h"
#include "record/lsn.h"
#include "record/position.h"
#include "record/schema.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"
#include "sqlserver/row_flaws.h"

typedef struct ChangePage ChangePage;
typedef struct ChangeReader ChangeReader;

size_t change_page_count(const ChangePage *p);
size_t change_page_bytes(const ChangePage *p);
Position change_page_position(const ChangePage *p, size_t row);
uint8_t change_page_operation(const ChangePage *p, size_t row); /* 1 … 4 */
/* The row's values in the order of the schema's columns; live as long as the page. */
const Value *change_page_values(const ChangePage *p, size_t row);
/* Whether the row can't be read and is to be left out (UnreadableRow); never so where that is an error. */
bool change_page_is_left_out(const ChangePage *p, size_t row);
ChangePage *change_page_ref(ChangePage *p);
void change_page_unref(void *page); /* NULL is fine; for batch_hold */

/* How changes are read. */
typedef struct ChangeHow {
    bool uses_function; /* data.query.mode=function */
    bool reads_before;  /* operation 3 of every update: whoever takes the changes wants the row before */
    uint8_t skipped;    /* operations that are left out, bit 1 … bit 4 (skipped.operations) */
} ChangeHow;

/* The instance is copied as far as needed. Errors: ERR_INVALID for a column type that can't be carried. */
MUST_CHECK bool change_reader_new(const CatalogInstance *instance, const ChangeHow *how,
                                  OdbcDriverKind driver, ChangeReader **ret, Err *e);
ChangeReader *change_reader_free(ChangeReader *r); /* NULL is fine; returns NULL */
const Schema *change_reader_schema(const ChangeReader *r);
int32_t change_reader_object(const ChangeReader *r);
Str change_reader_name(const ChangeReader *r); /* capture instance */
/* A new window begins: before images are read from now on only if they are always needed. */
void change_reader_begin(ChangeReader *r);

typedef struct ChangePageResult {
    ChangePage *page; /* owned (one reference); may be of 0 rows */
    Position upto;    /* all changes up to here are read: where the next page begins */
    RowFlaws flaws;   /* of its rows */
    bool is_last;     /* nothing is left up to the window's end */
    Lsn start_lsn;    /* of the instance, read after the page; zero = the instance is gone */
} ChangePageResult;

/*
 * The changes in (from, to], up to about `bytes` of them. Before images (operation 3) are in it when they are
 * asked for, the table is keyless or a key column was updated; an operation 3 is always followed by its 4.
 * Errors: as odbc.h and rowset.h. A change table that is gone is no error: no rows, start_lsn zero.
 */
MUST_CHECK bool change_reader_page(ChangeReader *r, Odbc *odbc, const Position *from, const Lsn *to,
                                   size_t bytes, ChangePageResult *ret, Err *e);

/* Whether an operation 4 of one of its pages changed a column that is read (its update mask has one). */
bool change_reader_sees_change(const ChangeReader *r, const ChangePage *p, size_t row);
/* For tests: whether a mask (big-endian, ordinal 1 = lowest bit of the last byte) has one of the ordinals. */
bool change_mask_has(Str mask, const uint16_t *ordinals, size_t count);

#endif
