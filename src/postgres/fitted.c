#include "postgres/fitted.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"

typedef struct Entry {
    const Schema *schema; /* a reference */
    bool for_rows;
} Entry;

struct Fitted {
    Entry *entries;
    size_t count, cap;
    StrMap *written; /* tables */
};

Fitted *fitted_new(void) {
    Fitted *f = x_calloc(1, sizeof *f);
    f->written = strmap_new(/* ignore_case= */ false);
    return f;
}

void fitted_clear(Fitted *f) {
    for (size_t i = 0; i < f->count; i++) schema_unref(f->entries[i].schema);
    f->count = 0;
    strmap_free(f->written);
    f->written = strmap_new(/* ignore_case= */ false);
}

Fitted *fitted_free(Fitted *f) {
    if (!f) return NULL;
    fitted_clear(f);
    strmap_free(f->written);
    free(f->entries);
    free(f);
    return NULL;
}

static void add_table(const Schema *s, Buf *out) {
    const Str parts[] = {s->database, s->schema, s->table, s->topic};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_str(out, parts[i]);
        buf_u8(out, 0);
    }
}

bool fitted_was_written(const Fitted *f, const Schema *s) {
    CLEANUP(buf_done) Buf table = {0};
    add_table(s, &table);
    return strmap_get(f->written, buf_view(&table)) != NULL;
}

bool fitted_has(const Fitted *f, const Schema *s, bool for_rows) {
    for (size_t i = f->count; i-- > 0;)
        if (f->entries[i].schema == s) return f->entries[i].for_rows || !for_rows;
    return false;
}

static bool is_same(const Schema *a, const Schema *b) {
    return a->fingerprint == b->fingerprint && str_eq(a->table, b->table) && str_eq(a->schema, b->schema) &&
           str_eq(a->database, b->database) && str_eq(a->topic, b->topic);
}

/* The same columns may come as another object, when their maker has forgotten the first. */
static Entry *place_of(Fitted *f, const Schema *s) {
    for (size_t i = 0; i < f->count; i++)
        if (is_same(f->entries[i].schema, s)) return &f->entries[i];
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 16;
        f->entries = x_reallocarray(f->entries, f->cap, sizeof *f->entries);
    }
    f->entries[f->count] = (Entry){0};
    return &f->entries[f->count++];
}

void fitted_add(Fitted *f, const Schema *s, bool for_rows) {
    Entry *entry = place_of(f, s);
    const Schema *before = entry->schema;
    entry->schema = schema_ref(s);
    schema_unref(before);
    entry->for_rows = entry->for_rows || for_rows;
    if (!for_rows) return;
    CLEANUP(buf_done) Buf table = {0};
    add_table(s, &table);
    (void)strmap_set(f->written, buf_view(&table), f);
}
