/*
 * The components of joined tables come from a union by smallest name. A batch is shared out in two passes
 * over its changes: the first notes each change's lane, so that every share is allocated once, at its size.
 * A schema's entry is found by the schema's address, of which a reference is kept.
 */
#include "pipeline/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/strmap.h"

#define WHOLE "whole "
enum { SPREAD = UINT8_MAX };

typedef struct RouteEntry {
    uint8_t lane; /* or SPREAD */
    char *key;    /* stored; NULL = not known */
} RouteEntry;

/* A schema met in a change. */
typedef struct RouteSlot {
    const Schema *schema; /* a reference is held; NULL = free */
    uint8_t lane;
} RouteSlot;

struct Route {
    size_t lanes;
    bool insists_on_keys;
    StrMap *entries; /* by "schema.table" */
    RouteSlot *slots;
    size_t slot_count, slots_used; /* slot_count: a power of two */
    uint8_t *lane_of;              /* of each change of the batch at hand */
    size_t lane_of_cap;
};

/* ---- components ---- */

static size_t root_of(const size_t *parent, size_t i) {
    while (parent[i] != i) i = parent[i];
    return i;
}

static int compare_names(const RouteTable *a, const RouteTable *b) {
    int c = strcmp(a->schema, b->schema);
    return c ? c : strcmp(a->table, b->table);
}

void route_texts(const RouteTable *tables, size_t count, const RouteJoin *joins, size_t join_count,
                 char **ret_texts) {
    CLEANUP_FREE size_t *parent = x_calloc(count + 1, sizeof *parent);
    CLEANUP_FREE bool *is_joined = x_calloc(count + 1, sizeof *is_joined);
    for (size_t i = 0; i < count; i++) parent[i] = i;
    for (size_t i = 0; i < join_count; i++) {
        size_t a = root_of(parent, joins[i].a), b = root_of(parent, joins[i].b);
        is_joined[joins[i].a] = is_joined[joins[i].b] = true;
        if (compare_names(&tables[a], &tables[b]) <= 0) parent[b] = a;
        else parent[a] = b;
    }
    for (size_t i = 0; i < count; i++) {
        const RouteTable *name = &tables[root_of(parent, i)];
        bool is_whole = tables[i].is_whole || is_joined[i];
        ret_texts[i] = is_whole ? x_asprintf(WHOLE "%s.%s", name->schema, name->table) : x_strdup("key");
    }
}

/* ---- the lanes of tables ---- */

static uint8_t lane_of_name(size_t lanes, Str name) {
    return (uint8_t)(hash_bytes(name.p, name.n, /* seed= */ 0) % lanes);
}

static uint8_t lane_of_text(size_t lanes, const char *text) {
    Str s = str_from(text);
    if (!str_starts(s, STR_LIT(WHOLE))) return SPREAD;
    return lane_of_name(lanes, str_sub(s, sizeof WHOLE - 1, s.n));
}

static void entry_name(Str schema, Str table, Buf *out) {
    buf_str(out, schema);
    buf_u8(out, '.');
    buf_str(out, table);
}

Route *route_new(size_t lanes, const StoredState *stored) {
    assert(lanes >= 1 && lanes <= ROUTE_LANES_MAX);
    Route *r = x_calloc(1, sizeof *r);
    r->lanes = lanes;
    r->entries = strmap_new(/* ignore_case= */ false);
    for (size_t i = 0; i < stored->table_count; i++) {
        const StoredTable *t = &stored->tables[i];
        CLEANUP(buf_done) Buf name = {0};
        entry_name(str_from(t->schema), str_from(t->table), &name);
        RouteEntry *entry = x_calloc(1, sizeof *entry);
        entry->lane = t->route ? lane_of_text(lanes, t->route) : lane_of_name(lanes, buf_view(&name));
        entry->key = t->key ? x_strdup(t->key) : NULL;
        assert(!strmap_get(r->entries, buf_view(&name)));
        (void)strmap_set(r->entries, buf_view(&name), entry);
    }
    return r;
}

Route *route_free(Route *r) {
    if (!r) return NULL;
    size_t at = 0;
    Str name;
    void *value;
    while (strmap_next(r->entries, &at, &name, &value)) free(((RouteEntry *)value)->key);
    strmap_free_all(r->entries);
    for (size_t i = 0; i < r->slot_count; i++) schema_unref(r->slots[i].schema);
    free(r->slots);
    free(r->lane_of);
    free(r);
    return NULL;
}

void route_insist_on_keys(Route *r) {
    r->insists_on_keys = true;
}

static const RouteEntry *find_entry(const Route *r, Str schema, Str table) {
    CLEANUP(buf_done) Buf name = {0};
    entry_name(schema, table, &name);
    return strmap_get(r->entries, buf_view(&name));
}

bool route_is_whole(const Route *r, Str schema, Str table, size_t *ret_lane) {
    const RouteEntry *entry = find_entry(r, schema, table);
    CLEANUP(buf_done) Buf name = {0};
    entry_name(schema, table, &name);
    if (entry && entry->lane == SPREAD) return false;
    *ret_lane = entry ? entry->lane : lane_of_name(r->lanes, buf_view(&name));
    return true;
}

/* ---- the hash of a key ---- */

__extension__ typedef __int128 Int128;

/* A number by its value: trailing zeros of the fraction don't count, nor does the width. */
static uint64_t hash_number(Int128 n, uint8_t scale) {
    while (scale > 0 && n % 10 == 0) {
        n /= 10;
        scale--;
    }
    uint64_t low = hash_mix(scale, (uint64_t)n);
    return n == (int64_t)n ? low : hash_mix(low + 1, (uint64_t)(n >> 64));
}

static uint64_t hash_double(double d) {
    uint64_t bits;
    if (d == 0) d = 0; /* -0 */
    memcpy(&bits, &d, sizeof bits);
    return hash_mix(1, bits);
}

/* Blanks at the end don't count, as SQL Server compares, and PostgreSQL its character(n). */
static uint64_t hash_text(Str s) {
    while (s.n > 0 && s.p[s.n - 1] == ' ') s.n--;
    return hash_bytes(s.p, s.n, /* seed= */ 2);
}

static bool has_unscaled_number(SqlType type) {
    return type == SQLTYPE_DECIMAL || type == SQLTYPE_MONEY || type == SQLTYPE_SMALLMONEY;
}

static bool has_ticks(SqlType type) {
    return type == SQLTYPE_TIME || type == SQLTYPE_DATETIME2 || type == SQLTYPE_DATETIMEOFFSET;
}

static uint64_t hash_value(const Column *column, const Value *v) {
    if (v->flags) return 3;
    /* keys that PostgreSQL rounds to one microsecond are one key there */
    if (has_ticks(column->type)) return hash_mix(5, (uint64_t)((v->v.i + 5) / 10));
    uint8_t scale = has_unscaled_number(column->type) ? column->scale : 0;
    switch (sqltype_form(column->type, column->precision)) {
    case FORM_INT: return scale == 0 ? hash_mix(0, (uint64_t)v->v.i) : hash_number(v->v.i, scale);
    case FORM_INT128: {
        Int128 n;
        memcpy(&n, v->v.p, sizeof n);
        return hash_number(n, scale);
    }
    case FORM_DOUBLE: return hash_double(v->v.d);
    case FORM_TEXT: return hash_text(value_str(v));
    case FORM_GUID:
    case FORM_BYTES: return hash_bytes(v->v.p, v->n, /* seed= */ 4);
    }
    return 0;
}

uint64_t route_key_hash(const Change *c) {
    const Schema *s = c->schema;
    uint64_t hash = s->key_count;
    for (size_t i = 0; i < s->key_count; i++)
        hash = hash_mix(hash, hash_value(&s->columns[s->key[i]], change_key(c, i)));
    return hash;
}

/* ---- sharing out ---- */

static size_t slot_of(const Route *r, const Schema *schema) {
    size_t at = (size_t)hash_mix((uint64_t)(uintptr_t)schema, 0) & (r->slot_count - 1);
    while (r->slots[at].schema && r->slots[at].schema != schema) at = (at + 1) & (r->slot_count - 1);
    return at;
}

static void grow_slots(Route *r) {
    RouteSlot *old = r->slots;
    size_t old_count = r->slot_count;
    r->slot_count = old_count ? 2 * old_count : 64;
    r->slots = x_calloc(r->slot_count, sizeof *r->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].schema) r->slots[slot_of(r, old[i].schema)] = old[i];
    free(old);
}

static bool meet_schema(Route *r, const Schema *s, uint8_t *ret, Err *e) {
    const RouteEntry *entry = find_entry(r, s->schema, s->table);
    if (!entry)
        return err_set(e, ERR_INTERNAL, false, "a change of %s, which isn't known to the target",
                       s->qualified);
    CLEANUP_FREE char *key = schema_key_text(s);
    if (r->insists_on_keys && entry->key && strcmp(entry->key, key) != 0)
        return err_set(e, ERR_INVALID, false,
                       "table %s: its key was (%s) and is (%s) now, while the lanes still stand at different "
                       "positions: run once with the former key (message.key.columns), then change it",
                       s->qualified, entry->key, key);
    if (2 * (r->slots_used + 1) > r->slot_count) grow_slots(r);
    uint8_t lane = entry->lane;
    if (lane == SPREAD && s->key_count == 0) lane = lane_of_name(r->lanes, str_from(s->qualified));
    r->slots[slot_of(r, s)] = (RouteSlot){schema_ref(s), lane};
    r->slots_used++;
    *ret = lane;
    return true;
}

static bool lane_of_schema(Route *r, const Schema *s, uint8_t *ret, Err *e) {
    const RouteSlot *slot = r->slot_count ? &r->slots[slot_of(r, s)] : NULL;
    if (!slot || !slot->schema) return meet_schema(r, s, ret, e);
    *ret = slot->lane;
    return true;
}

/* The lane of each change, and how many each lane gets. */
static bool find_lanes(Route *r, const Batch *b, size_t counts[static ROUTE_LANES_MAX], Err *e) {
    const Schema *last = NULL;
    uint8_t table_lane = SPREAD;
    if (b->count > r->lane_of_cap) {
        r->lane_of = x_reallocarray(r->lane_of, b->count, sizeof *r->lane_of);
        r->lane_of_cap = b->count;
    }
    for (size_t i = 0; i < b->count; i++) {
        const Change *c = &b->changes[i];
        if (c->schema != last && !lane_of_schema(r, c->schema, &table_lane, e)) return false;
        last = c->schema;
        uint8_t lane = table_lane;
        if (lane == SPREAD) lane = (uint8_t)(route_key_hash(c) % r->lanes);
        r->lane_of[i] = lane;
        counts[lane]++;
    }
    return true;
}

bool route_split(Route *r, const Batch *b, Batch **ret_shares, Err *e) {
    size_t counts[ROUTE_LANES_MAX] = {0};
    if (!find_lanes(r, b, counts, e)) return false;
    for (size_t i = 0; i < r->lanes; i++) ret_shares[i] = batch_share(b, counts[i]);
    for (size_t i = 0; i < b->count; i++) {
        Batch *share = ret_shares[r->lane_of[i]];
        share->changes[share->count++] = b->changes[i];
    }
    return true;
}
