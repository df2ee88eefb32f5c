/*
 * cell.h - one column of a bound row array: how it is asked of the driver, and how its bytes become values.
 * Pure; any thread.
 *
 * A cell is {SQLLEN indicator, data[width]}, aligned to 8; rows of cells lie behind one another (row-wise
 * binding). The decode function is chosen once per column and runs over a whole row array; it goes by the
 * indicator's length, so that one function serves what both drivers give (a datetime is 8 raw bytes from
 * FreeTDS, a 16-byte struct from Microsoft's).
 */
#ifndef SQLSERVER_CELL_H
#define SQLSERVER_CELL_H

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "record/schema.h"
#include "record/value.h"
#include "sqlserver/odbc_target.h"

/* Where texts and bytes go: room in an arena, taken in pieces so that a text needs no exact measure before.
 */
typedef struct CellRoom {
    Arena *arena;
    char *at, *end;
    uint64_t replaced; /* unpaired surrogates that became U+FFFD */
    Buf scratch;       /* owned: a value on its way into another form */
} CellRoom;

void cell_room_done(CellRoom *room); /* free what it owns; the arena isn't */
/* At least n bytes, to be given back but for what is used: room->at moves on by the caller. */
char *cell_room(CellRoom *room, size_t n);

typedef struct CellRun CellRun;
typedef bool (*CellDecode)(const CellRun *run, Value *out, Err *e);
/* The value of the run's row has no form outside SQL Server, for that reason: what stands in its place. */
typedef Value (*CellRefused)(void *self, size_t row, const Err *why);

typedef struct CellPlan {
    SQLSMALLINT c_type;
    uint32_t width;           /* bytes of data; 0 for a long one */
    bool is_long;             /* read by SQLGetData, behind all others in the SELECT */
    bool is_utf16;            /* a text whose data is UTF-16LE */
    bool is_ended;            /* the driver puts a NUL behind: width has room for it */
    uint8_t precision, scale; /* SQL_C_NUMERIC: to be set in the row descriptor */
    SqlType type;
    CellDecode decode; /* NULL for a long one */
} CellPlan;

struct CellRun {
    const CellPlan *plan;
    const uint8_t *cells; /* the first row's cell */
    size_t stride;        /* bytes from row to row */
    size_t rows;
    size_t out_stride; /* values from row to row */
    CellRoom *room;
    CellRefused refused; /* asked for such a value; NULL = it's an error */
    void *self;          /* for `refused` */
};

enum { CELL_HEAD = sizeof(SQLLEN) };

/* How to read this column by that driver. Errors: ERR_INVALID for a type that can't be carried (the message
 * names the type only). */
MUST_CHECK bool cell_plan(const Column *column, OdbcDriverKind driver, CellPlan *ret, Err *e);
/* Bytes of a cell with its indicator, a multiple of 8. */
size_t cell_bytes(const CellPlan *plan);
/* Decode run->rows cells to out[0], out[out_stride], … Errors: ERR_DATA for a value longer than declared
 * (cut by the driver) and one that nobody wants to be told of (CellRefused), ERR_INTERNAL for bytes that
 * aren't the type's. */
MUST_CHECK bool cell_decode(const CellRun *run, Value *out, Err *e);
/* A long value's bytes, read whole, to a value. Errors: ERR_DATA, they aren't the type's, or have no form
 * outside SQL Server. */
MUST_CHECK bool cell_long(const CellPlan *plan, Str bytes, CellRoom *room, Value *out, Err *e);

#endif
