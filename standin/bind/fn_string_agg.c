/*
 * ts_string_agg(x, separator, type of the result, descending bits, keys …): STRING_AGG. Its order within the
 * group is the aggregate's own work: SQLite gives rows as they come. Keys arrive in forms that compare by
 * memcmp or as numbers; text has been through ts_sort_key.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/bind/fn_internal.h"
#include "standin/types/collation.h"
#include "standin/types/wtf8.h"

enum { MAX_TEXT_BYTES = 64 * 1024 * 1024, FIRST_KEY = 4 };

typedef struct Row {
    Str text, separator;
    Value *keys;
    size_t number;
} Row;

typedef struct Gathered {
    Arena arena;
    Row *rows;
    size_t count, size, key_count, bytes;
    uint64_t descending;
    Type type;
} Gathered;

typedef struct Holder { /* SQLite's memory for the aggregate */
    Gathered *g;
} Holder;

static Value keep(Arena *a, Value v) {
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) v.v.s = arena_str(a, v.v.s);
    return v;
}

static void step(sqlite3_context *c, int n, sqlite3_value **v) {
    Holder *h = sqlite3_aggregate_context(c, sizeof *h);
    if (!h || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    if (!h->g) {
        h->g = x_calloc(1, sizeof *h->g);
        h->g->key_count = (size_t)(n - FIRST_KEY);
        h->g->type = fn_type(v[2]);
        h->g->descending = (uint64_t)sqlite3_value_int64(v[3]);
    }
    Gathered *g = h->g;
    if (g->bytes > MAX_TEXT_BYTES) return; /* refused at the end */
    if (g->count == g->size) {
        g->size = g->size ? g->size * 2 : 16;
        g->rows = x_reallocarray(g->rows, g->size, sizeof *g->rows);
    }
    Row *r = &g->rows[g->count];
    *r = (Row){.text = arena_str(&g->arena, fn_text(v[0])),
               .separator = arena_str(&g->arena, fn_text(v[1])),
               .keys = arena_array(&g->arena, sizeof(Value), g->key_count + 1),
               .number = g->count};
    for (size_t i = 0; i < g->key_count; i++) r->keys[i] = keep(&g->arena, fn_value(v[FIRST_KEY + i]));
    g->bytes += r->text.n + r->separator.n;
    g->count++;
}

static int compare_keys(const Value *a, const Value *b) {
    if (a->kind != b->kind && (a->kind == VALUE_NULL || b->kind == VALUE_NULL))
        return a->kind == VALUE_NULL ? -1 : 1;
    if (a->kind == VALUE_NULL) return 0;
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) return (a->v.i > b->v.i) - (a->v.i < b->v.i);
    if (a->kind == VALUE_REAL && b->kind == VALUE_REAL) return (a->v.d > b->v.d) - (a->v.d < b->v.d);
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->v.s, b->v.s);
}

static int compare_rows(const void *x, const void *y, void *arg) {
    const Row *a = x, *b = y;
    const Gathered *g = arg;
    for (size_t i = 0; i < g->key_count; i++) {
        int order = compare_keys(&a->keys[i], &b->keys[i]);
        if (order) return i < 64 && g->descending >> i & 1 ? -order : order;
    }
    return (a->number > b->number) - (a->number < b->number);
}

static bool is_too_long(const Gathered *g, Str text) {
    if (g->bytes > MAX_TEXT_BYTES) return true;
    if (g->type.length == TYPE_MAX_LENGTH) return false;
    return type_is_unicode(g->type.id) ? wtf8_units(text) > 4000 : text.n > 8000;
}

static void give(sqlite3_context *c) {
    Holder *h = sqlite3_aggregate_context(c, 0);
    Gathered *g = h ? h->g : NULL;
    if (!g) {
        sqlite3_result_null(c);
        return;
    }
    CLEANUP(buf_done) Buf out = {0};
    qsort_r(g->rows, g->count, sizeof *g->rows, compare_rows, g);
    for (size_t i = 0; i < g->count && g->bytes <= MAX_TEXT_BYTES; i++) {
        if (i) buf_str(&out, g->rows[i].separator);
        buf_str(&out, g->rows[i].text);
    }
    if (is_too_long(g, buf_view(&out)))
        fn_fail(
            c, 9829, 1,
            "STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result "
            "truncation.");
    else fn_result(c, VALUE_OF_TEXT(buf_view(&out)));
    arena_done(&g->arena);
    free(g->rows);
    free(g);
    h->g = NULL;
}

/* (text, collation) */
static void fn_sort_key(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    CLEANUP(buf_done) Buf key = {0};
    collation_key(collation_get((uint16_t)sqlite3_value_int(v[1])), fn_text(v[0]), &key);
    fn_result(c, VALUE_OF_BLOB(buf_view(&key)));
}

int fn_string_agg_register(sqlite3 *db, Functions *f) {
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int rc = sqlite3_create_function_v2(db, "ts_string_agg", -1, flags, f, NULL, step, give, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db, "ts_sort_key", 2, flags, f, fn_sort_key, NULL, NULL, NULL);
    return rc;
}
