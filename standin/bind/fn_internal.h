/* fn_internal.h - what the files of registered functions share. */
#ifndef STANDIN_BIND_FN_INTERNAL_H
#define STANDIN_BIND_FN_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "standin/bind/functions.h"
#include "standin/types/convert.h"

struct Functions {
    const BindHost *host;
    SqlError error; /* of the last function that failed */
    bool has_error;
    Arena scratch; /* cleared by each call that uses it */
};

typedef void FnCall(sqlite3_context *c, int n, sqlite3_value **v);
typedef struct FnRow {
    const char *name;
    int args; /* -1: any number */
    FnCall *call;
    bool is_volatile; /* may give something else for the same arguments */
} FnRow;

/* Rows ended by a NULL name, one table a file. */
extern const FnRow fn_convert_rows[], fn_arith_rows[], fn_math_rows[], fn_text_rows[], fn_time_rows[],
    fn_meta_rows[], fn_string_rows[];
/* Aggregates: registered by themselves. */
enum { FN_DEVIATION_POPULATION = 1, FN_DEVIATION_VARIANCE = 2 }; /* second argument of ts_deviation */
int fn_aggregate_register(sqlite3 *db, Functions *f);
int fn_string_agg_register(sqlite3 *db, Functions *f);
int fn_apply_register(sqlite3 *db);                /* the table-valued ts_apply */
int fn_series_register(sqlite3 *db, Functions *f); /* ts_split, ts_series */

/* ---- fn_table.c: table-valued functions. Their cursors begin with an FnCursor, which they keep up to date;
 * their tables are one piece of memory. */
typedef struct FnCursor {
    sqlite3_vtab_cursor base;
    bool is_at_end;
    sqlite3_int64 row;
} FnCursor;

/* The hidden columns from `first` on are the arguments, all of which must be known: that puts the tables they
 * come from into outer loops. *ret_last: the last one given, from 1; 0 = none. */
int fn_table_arguments(sqlite3_index_info *info, int first, int *ret_last);
int fn_table_disconnect(sqlite3_vtab *t);
int fn_table_is_at_end(sqlite3_vtab_cursor *base);
int fn_table_row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *ret);

/* Without xCreate it is there by its name alone. */
#define FN_TABLE_MODULE(connect, best_index, open, close, filter, next, column)                              \
    {                                                                                                        \
        .xConnect = (connect), .xBestIndex = (best_index), .xDisconnect = fn_table_disconnect,               \
        .xOpen = (open), .xClose = (close), .xFilter = (filter), .xNext = (next),                            \
        .xEof = fn_table_is_at_end, .xColumn = (column), .xRowid = fn_table_row_id                           \
    }

/* ---- functions.c */
Functions *fn_of(sqlite3_context *c);
Arena *fn_scratch(sqlite3_context *c); /* cleared */
Value fn_value(sqlite3_value *v);      /* borrowed until the call returns */
Type fn_type(sqlite3_value *v);        /* a typecode */
Str fn_text(sqlite3_value *v);
void fn_result(sqlite3_context *c, Value v); /* copies */
void fn_fail(sqlite3_context *c, int32_t number, uint8_t state, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void fn_fail_convert(sqlite3_context *c, const ConvertError *e);
void fn_overflow(sqlite3_context *c, const Type *t); /* 8115 */
/* Is one of the first n arguments NULL? Then the result is. */
bool fn_has_null(sqlite3_context *c, int n, sqlite3_value **v);
/* Does s match the LIKE pattern under a collation? escape 0: none; ignores_blanks: s may go on with blanks
 * where the pattern has ended, as varchar may. */
bool fn_like(Str s, Str pattern, uint16_t collation, uint32_t escape, bool ignores_blanks);

#endif
