#include "transform/schema_cache.h"

#include <stdlib.h>

#include "base/mem.h"

static bool is_it(const SchemaCacheEntry *x, const ConnectSchema *schema, uint64_t extra) {
    return (x->schema == schema || x->twin == schema) && x->extra == extra;
}

void *schema_cache_find(SchemaCache *c, const ConnectSchema *schema, uint64_t extra) {
    if (c->count == 0) return NULL;
    const SchemaCacheEntry *last = &c->entries[c->last];
    if (is_it(last, schema, extra)) return last->plan;
    for (size_t back = 1; back <= c->count; back++) {
        size_t i = (c->next + SCHEMA_CACHE_MAX - back) % SCHEMA_CACHE_MAX;
        SchemaCacheEntry *x = &c->entries[i];
        if (x->extra == extra && x->schema->fingerprint == schema->fingerprint &&
            (is_it(x, schema, extra) || connect_schema_equal(x->schema, schema))) {
            c->last = i;
            if (x->schema != schema && x->twin != schema) {
                connect_schema_unref(x->twin);
                x->twin = connect_schema_ref(schema);
            }
            return x->plan;
        }
    }
    return NULL;
}

static void forget_oldest(SchemaCache *c) {
    SchemaCacheEntry *x = &c->entries[(c->next + SCHEMA_CACHE_MAX - c->count) % SCHEMA_CACHE_MAX];
    c->count--;
    c->bytes -= connect_schema_bytes(x->schema);
    connect_schema_unref(x->schema);
    connect_schema_unref(x->twin);
    c->free_plan(x->plan);
}

void *schema_cache_add(SchemaCache *c, const ConnectSchema *schema, uint64_t extra, void *plan) {
    if (!c->entries) c->entries = x_calloc(SCHEMA_CACHE_MAX, sizeof *c->entries);
    while (c->count == SCHEMA_CACHE_MAX ||
           (c->count && c->bytes + connect_schema_bytes(schema) > SCHEMA_CACHE_BYTES))
        forget_oldest(c);
    size_t i = c->next;
    c->next = (c->next + 1) % SCHEMA_CACHE_MAX;
    c->count++;
    c->bytes += connect_schema_bytes(schema);
    c->entries[i] = (SchemaCacheEntry){connect_schema_ref(schema), NULL, extra, plan};
    c->last = i;
    return plan;
}

void schema_cache_done(SchemaCache *c) {
    while (c->count) forget_oldest(c);
    free(c->entries);
    *c = (SchemaCache){.free_plan = c->free_plan};
}
