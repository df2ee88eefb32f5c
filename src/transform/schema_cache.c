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
    for (size_t i = 0; i < c->count; i++) {
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

static void forget(SchemaCache *c, SchemaCacheEntry *x) {
    connect_schema_unref(x->schema);
    connect_schema_unref(x->twin);
    c->free_plan(x->plan);
}

void *schema_cache_add(SchemaCache *c, const ConnectSchema *schema, uint64_t extra, void *plan) {
    if (!c->entries) c->entries = x_calloc(SCHEMA_CACHE_MAX, sizeof *c->entries);
    size_t i = c->next;
    c->next = (c->next + 1) % SCHEMA_CACHE_MAX;
    if (c->count < SCHEMA_CACHE_MAX) c->count++;
    else forget(c, &c->entries[i]);
    c->entries[i] = (SchemaCacheEntry){connect_schema_ref(schema), NULL, extra, plan};
    c->last = i;
    return plan;
}

void schema_cache_done(SchemaCache *c) {
    for (size_t i = 0; i < c->count; i++) forget(c, &c->entries[i]);
    free(c->entries);
    *c = (SchemaCache){.free_plan = c->free_plan};
}
