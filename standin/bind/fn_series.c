/*
 * ts_split(text, separator) and ts_series(first, last, step): the rows of STRING_SPLIT and GENERATE_SERIES,
 * as table-valued functions of SQLite, so that arguments may come from tables to their left.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/bind/fn_internal.h"
#include "standin/types/wtf8.h"

enum { FIRST_ARGUMENT = 2 }; /* behind c1, c2 */

typedef struct SeriesCursor {
    FnCursor rows;
    bool is_split;
    Buf text, separator; /* split */
    size_t at, piece_from, piece_bytes;
    bool is_last_piece;
    int64_t value, last, step; /* series */
} SeriesCursor;

typedef struct SeriesTable {
    sqlite3_vtab base;
    Functions *functions;
    bool is_split;
} SeriesTable;

/* Which of the two a module is: its aux points here. */
typedef struct SeriesModule {
    Functions *functions;
    bool is_split;
} SeriesModule;

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                         char **error) {
    (void)argc, (void)argv, (void)error;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(c1, c2, a1 HIDDEN, a2 HIDDEN, a3 HIDDEN)");
    if (rc != SQLITE_OK) return rc;
    SeriesTable *t = x_calloc(1, sizeof *t);
    t->functions = ((SeriesModule *)aux)->functions;
    t->is_split = ((SeriesModule *)aux)->is_split;
    *ret = &t->base;
    return SQLITE_OK;
}

static int best_index(sqlite3_vtab *t, sqlite3_index_info *info) {
    (void)t;
    int last;
    int rc = fn_table_arguments(info, FIRST_ARGUMENT, &last);
    info->estimatedCost = 100;
    info->estimatedRows = 100;
    return rc;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **ret) {
    SeriesCursor *c = x_calloc(1, sizeof *c);
    c->is_split = ((SeriesTable *)t)->is_split;
    *ret = &c->rows.base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
    SeriesCursor *c = (SeriesCursor *)base;
    buf_done(&c->text);
    buf_done(&c->separator);
    free(c);
    return SQLITE_OK;
}

static void next_piece(SeriesCursor *c) {
    Str text = buf_view(&c->text), separator = buf_view(&c->separator);
    c->rows.is_at_end = c->is_last_piece;
    c->piece_from = c->at;
    while (c->at < text.n && !str_starts(str_sub(text, c->at, text.n - c->at), separator)) c->at++;
    c->piece_bytes = c->at - c->piece_from;
    c->is_last_piece = c->at >= text.n;
    c->at += separator.n;
}

static void next_number(SeriesCursor *c) {
    if (__builtin_add_overflow(c->value, c->step, &c->value)) c->rows.is_at_end = true;
    else c->rows.is_at_end = c->step > 0 ? c->value > c->last : c->value < c->last;
}

static int next_row(sqlite3_vtab_cursor *base) {
    SeriesCursor *c = (SeriesCursor *)base;
    c->rows.row++;
    if (c->is_split) next_piece(c);
    else next_number(c);
    return SQLITE_OK;
}

static int fail(sqlite3_vtab_cursor *base, int32_t number, const char *text) {
    Functions *f = ((SeriesTable *)base->pVtab)->functions;
    f->error = (SqlError){.number = number, .state = 11, .class_ = sqlerror_class(number)};
    (void)sqlerror_set(&f->error, number, 11, 0, "%s", text);
    f->has_error = true;
    return SQLITE_ERROR;
}

static int filter_split(SeriesCursor *c, sqlite3_value **argv) {
    buf_clear(&c->text);
    buf_clear(&c->separator);
    buf_str(&c->text, fn_text(argv[0]));
    buf_str(&c->separator, fn_text(argv[1]));
    if (wtf8_units(buf_view(&c->separator)) != 1)
        return fail(&c->rows.base, 214,
                    "Procedure expects parameter 'separator' of type 'nchar(1)/nvarchar(1)'.");
    c->at = 0;
    c->is_last_piece = false;
    next_piece(c);
    c->rows.is_at_end = false; /* an empty text is one empty piece */
    return SQLITE_OK;
}

static int filter_series(SeriesCursor *c, sqlite3_value **argv, int argc) {
    c->value = sqlite3_value_int64(argv[0]);
    c->last = sqlite3_value_int64(argv[1]);
    c->step = argc > 2 ? sqlite3_value_int64(argv[2]) : 0;
    if (c->step == 0) c->step = c->value <= c->last ? 1 : -1;
    c->rows.is_at_end = c->step > 0 ? c->value > c->last : c->value < c->last;
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv) {
    (void)number, (void)text;
    SeriesCursor *c = (SeriesCursor *)base;
    c->rows.row = 1;
    c->rows.is_at_end = argc < 2;
    for (int i = 0; i < argc; i++) c->rows.is_at_end |= sqlite3_value_type(argv[i]) == SQLITE_NULL;
    if (c->rows.is_at_end) return SQLITE_OK; /* NULL: no rows */
    return c->is_split ? filter_split(c, argv) : filter_series(c, argv, argc);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i) {
    SeriesCursor *c = (SeriesCursor *)base;
    if (!c->is_split) sqlite3_result_int64(out, c->value);
    else if (i) sqlite3_result_int64(out, c->rows.row);
    else fn_result(out, VALUE_OF_TEXT(str_sub(buf_view(&c->text), c->piece_from, c->piece_bytes)));
    return SQLITE_OK;
}

static const sqlite3_module module =
    FN_TABLE_MODULE(connect_table, best_index, open_cursor, close_cursor, filter, next_row, column);

static int add(sqlite3 *db, Functions *f, const char *name, bool is_split) {
    SeriesModule *m = x_malloc(sizeof *m);
    *m = (SeriesModule){f, is_split};
    return sqlite3_create_module_v2(db, name, &module, m, free);
}

int fn_series_register(sqlite3 *db, Functions *f) {
    int rc = add(db, f, "ts_split", /* is_split= */ true);
    return rc == SQLITE_OK ? add(db, f, "ts_series", /* is_split= */ false) : rc;
}
