/*
 * A few databases at most have change data capture, so sets are searched one by one. A set is read again in
 * place, as its database's instances are needed rarely more than a moment after they have changed.
 */
#include "standin/capture/instance_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

enum { TABLES = 3 };
static const char *const tables[TABLES] = {"change_tables", "captured_columns", "index_columns"};

/* What a set was read from: a table's published version and how often its rows have changed. */
typedef struct Origin {
    int32_t object_id; /* 0: there was no such table */
    uint64_t version, changes;
} Origin;

typedef struct Kept {
    int32_t database_id;
    Origin origins[TABLES];
    InstanceSet set;
} Kept;

struct InstanceCache {
    struct sqlite3 *db;
    Kept *kept; /* owned */
    size_t count;
    uint64_t reads;
};

InstanceCache *instance_cache_new(struct sqlite3 *db) {
    InstanceCache *c = x_calloc(1, sizeof *c);
    c->db = db;
    return c;
}

InstanceCache *instance_cache_free(InstanceCache *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->count; i++) instance_done(&c->kept[i].set);
    free(c->kept);
    free(c);
    return NULL;
}

uint64_t instance_cache_reads(const InstanceCache *c) {
    return c->reads;
}

static Origin origin_of(const Catalog *catalog, int32_t database_id, const char *name) {
    const Table *t = instance_cdc_table(catalog, database_id, str_from(name));
    if (!t) return (Origin){0};
    return (Origin){t->object_id, t->version, atomic_load(&t->state->changes)};
}

static bool is_same(const Origin *a, const Origin *b) {
    return a->object_id == b->object_id && a->version == b->version && a->changes == b->changes;
}

static Kept *place_for(InstanceCache *c, int32_t database_id) {
    for (size_t i = 0; i < c->count; i++)
        if (c->kept[i].database_id == database_id) return &c->kept[i];
    c->kept = x_reallocarray(c->kept, c->count + 1, sizeof *c->kept);
    c->kept[c->count] = (Kept){.database_id = database_id};
    return &c->kept[c->count++];
}

bool instance_cache_get(InstanceCache *c, const Catalog *catalog, int32_t database_id,
                        const InstanceSet **ret, SqlError *e) {
    Kept *kept = place_for(c, database_id);
    bool holds = kept->origins[0].object_id != 0;
    Origin now[TABLES];
    for (size_t i = 0; i < TABLES; i++) {
        now[i] = origin_of(catalog, database_id, tables[i]);
        holds = holds && is_same(&now[i], &kept->origins[i]);
    }
    if (!holds) {
        instance_done(&kept->set);
        kept->origins[0] = (Origin){0};
        c->reads++;
        if (!instance_load(c->db, NULL, catalog, database_id, &kept->set, e)) return false;
        for (size_t i = 0; i < TABLES; i++) kept->origins[i] = now[i];
    }
    *ret = &kept->set;
    return true;
}
