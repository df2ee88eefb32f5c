/*
 * A producer whose every record has columns of its own would fill the memory with schemas: past FITTED_MAX
 * all are forgotten, and what comes is seen to again. Which tables were written stays known: there are as
 * many as the target has, and a column that the source dropped shows by it alone.
 */
#include "postgres/fitted.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/strmap.h"

enum { BUCKETS = 1024 };

typedef struct Entry Entry;
struct Entry {
    const Schema *schema; /* a reference */
    bool for_rows;
    Entry *next; /* in its bucket */
};

struct Fitted {
    Entry *buckets[BUCKETS];
    size_t count;
    StrMap *written; /* tables */
};

Fitted *fitted_new(void) {
    Fitted *f = x_calloc(1, sizeof *f);
    f->written = strmap_new(/* ignore_case= */ false);
    return f;
}

static void forget_schemas(Fitted *f) {
    for (size_t i = 0; i < BUCKETS; i++) {
        for (Entry *entry = f->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            schema_unref(entry->schema);
            free(entry);
        }
        f->buckets[i] = NULL;
    }
    f->count = 0;
}

void fitted_clear(Fitted *f) {
    forget_schemas(f);
    strmap_free(f->written);
    f->written = strmap_new(/* ignore_case= */ false);
}

Fitted *fitted_free(Fitted *f) {
    if (!f) return NULL;
    forget_schemas(f);
    strmap_free(f->written);
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

static size_t bucket_of(const Schema *s) {
    return (size_t)(hash_mix((uint64_t)(uintptr_t)s, 0) % BUCKETS);
}

static Entry *find(const Fitted *f, const Schema *s) {
    Entry *entry = f->buckets[bucket_of(s)];
    while (entry && entry->schema != s) entry = entry->next;
    return entry;
}

bool fitted_has(const Fitted *f, const Schema *s, bool for_rows) {
    const Entry *entry = find(f, s);
    return entry && (entry->for_rows || !for_rows);
}

static Entry *add_entry(Fitted *f, const Schema *s) {
    if (f->count == FITTED_MAX) forget_schemas(f);
    Entry *entry = x_calloc(1, sizeof *entry), **bucket = &f->buckets[bucket_of(s)];
    entry->schema = schema_ref(s);
    entry->next = *bucket;
    *bucket = entry;
    f->count++;
    return entry;
}

void fitted_add(Fitted *f, const Schema *s, bool for_rows) {
    Entry *entry = find(f, s);
    if (!entry) entry = add_entry(f, s);
    entry->for_rows = entry->for_rows || for_rows;
    if (!for_rows) return;
    CLEANUP(buf_done) Buf table = {0};
    add_table(s, &table);
    (void)strmap_set(f->written, buf_view(&table), f);
}
