/*
 * Two passes over each side. The first keeps 2 × ROWSUM_BUCKETS sums: a wrong row changes its bucket's sum
 * but for a chance of 2^-64. The second keeps, of the differing buckets alone, one entry a key; equal rows
 * meet there and are marked equal, so what is left are the keys that differ. Both passes take their rows in
 * any order: the servers sort texts differently.
 */
#include "cli/rowsum.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "record/civil.h"
#include "record/numtext.h"

typedef struct Entry {
    uint64_t key_hash; /* 0 = free */
    RowsumKey key;
    bool is_there[2];
} Entry;

struct Rowsum {
    const Schema *schema;
    uint64_t *sums[2];
    int64_t rows[2];
    Arena arena;    /* the entries' keys */
    Entry *entries; /* open addressing, a power of two of them */
    size_t cap, used;
    RowsumKey *found; /* result of rowsum_keys */
    bool is_cut;
};

/* ---- hashes ---- */

static int64_t to_microseconds(int64_t ticks, int64_t last) {
    int64_t rounded = (ticks + 5) / 10;
    return rounded > last ? last : rounded; /* 23:59:59.9999999 doesn't become the next day */
}

/* The hash of what came before is the seed: so a value counts by its place, too. */
static uint64_t value_hash(const Column *c, const Value *v, uint64_t seed) {
    if (v->flags) return hash_mix(seed, UINT64_C(0x9e3779b97f4a7c15));
    int64_t i = v->v.i;
    switch (sqltype_form(c->type, c->precision)) {
    case FORM_INT:
        if (c->type == SQLTYPE_TIME) i = to_microseconds(i, INT64_C(86399999999));
        if (c->type == SQLTYPE_DATETIME2 || c->type == SQLTYPE_DATETIMEOFFSET)
            i = to_microseconds(i, (INT64_C(3652059) * INT64_C(86400000000)) - 1);
        return hash_mix(seed, (uint64_t)i);
    case FORM_DOUBLE: {
        double d = v->v.d == 0 ? 0 : v->v.d; /* -0 equals 0 */
        return hash_bytes(&d, sizeof d, seed);
    }
    case FORM_INT128:
    case FORM_GUID:
    case FORM_TEXT:
    case FORM_BYTES: return hash_bytes(v->v.p, v->n, seed);
    }
    return seed;
}

uint64_t rowsum_key_hash(const Schema *schema, const Value *row) {
    uint64_t h = 1;
    for (size_t i = 0; i < schema->key_count; i++) {
        size_t c = schema->key[i];
        h = value_hash(&schema->columns[c], &row[c], h);
    }
    return h ? h : 1;
}

uint64_t rowsum_row_hash(const Schema *schema, const Value *row) {
    uint64_t h = 2;
    for (size_t i = 0; i < schema->column_count; i++) h = value_hash(&schema->columns[i], &row[i], h);
    return h ? h : 1;
}

/* ---- first pass ---- */

Rowsum *rowsum_new(const Schema *schema) {
    Rowsum *r = x_calloc(1, sizeof *r);
    r->schema = schema;
    for (int side = 0; side < 2; side++) r->sums[side] = x_calloc(ROWSUM_BUCKETS, sizeof *r->sums[side]);
    return r;
}

Rowsum *rowsum_free(Rowsum *r) {
    if (!r) return NULL;
    free(r->sums[0]);
    free(r->sums[1]);
    free(r->entries);
    free(r->found);
    arena_done(&r->arena);
    free(r);
    return NULL;
}

static size_t bucket_of(uint64_t key_hash) {
    return (size_t)(key_hash >> 32) % ROWSUM_BUCKETS;
}

/* A keyless table has one bucket a row hash: rows that stand twice still add up. */
static uint64_t key_of(const Rowsum *r, const Value *row) {
    return r->schema->key_count ? rowsum_key_hash(r->schema, row) : rowsum_row_hash(r->schema, row);
}

void rowsum_add(Rowsum *r, RowsumSide side, const Value *row) {
    uint64_t key = key_of(r, row);
    r->sums[side][bucket_of(key)] += hash_mix(key, rowsum_row_hash(r->schema, row));
    r->rows[side]++;
}

int64_t rowsum_rows(const Rowsum *r, RowsumSide side) {
    return r->rows[side];
}

size_t rowsum_differing(const Rowsum *r) {
    size_t n = 0;
    for (size_t i = 0; i < ROWSUM_BUCKETS; i++) n += r->sums[0][i] != r->sums[1][i];
    return n;
}

/* ---- second pass ---- */

static Entry *slot(const Rowsum *r, uint64_t key_hash) {
    size_t at = (size_t)key_hash & (r->cap - 1);
    while (r->entries[at].key_hash && r->entries[at].key_hash != key_hash) at = (at + 1) & (r->cap - 1);
    return &r->entries[at];
}

static void grow(Rowsum *r) {
    Entry *old = r->entries;
    size_t n = r->cap;
    r->cap = n ? n * 2 : 1024;
    r->entries = x_calloc(r->cap, sizeof *r->entries);
    for (size_t i = 0; i < n; i++) {
        if (old[i].key_hash) *slot(r, old[i].key_hash) = old[i];
    }
    free(old);
}

static const Value *copy_key(Rowsum *r, const Value *row) {
    const Schema *s = r->schema;
    Value *key = ARENA_ARRAY(&r->arena, Value, s->key_count ? s->key_count : 1);
    for (size_t i = 0; i < s->key_count; i++) {
        const Column *c = &s->columns[s->key[i]];
        key[i] = row[s->key[i]];
        ValueForm form = sqltype_form(c->type, c->precision);
        if (key[i].flags || form == FORM_INT || form == FORM_DOUBLE) continue;
        char *bytes = arena_alloc(&r->arena, key[i].n + 1); /* aligned: an int128 is read through it */
        memcpy(bytes, key[i].v.p, key[i].n);
        key[i].v.p = bytes;
    }
    return key;
}

bool rowsum_is_differing(const Rowsum *r, const Value *row) {
    size_t bucket = bucket_of(key_of(r, row));
    return r->sums[0][bucket] != r->sums[1][bucket];
}

void rowsum_add_again(Rowsum *r, RowsumSide side, const Value *row) {
    uint64_t key_hash = key_of(r, row);
    size_t bucket = bucket_of(key_hash);
    if (r->sums[0][bucket] == r->sums[1][bucket]) return;
    if (r->used * 2 >= r->cap) grow(r);
    Entry *e = slot(r, key_hash);
    if (!e->key_hash) {
        if (r->used >= ROWSUM_MAX_KEYS) {
            r->is_cut = true;
            return;
        }
        r->used++;
        e->key_hash = key_hash;
        e->key.key = copy_key(r, row);
    }
    e->is_there[side] = true;
    /* A keyless table's equal rows share an entry: their number is part of the sum. */
    e->key.row_hash[side] += r->schema->key_count ? rowsum_row_hash(r->schema, row) : 1;
}

void rowsum_again(Rowsum *r) {
    free(TAKE(r->entries));
    free(TAKE(r->found));
    arena_done(&r->arena);
    r->arena = (Arena){0};
    r->cap = r->used = 0;
    r->is_cut = false;
}

const RowsumKey *rowsum_keys(Rowsum *r, size_t *ret_count, bool *ret_cut) {
    free(r->found);
    r->found = x_reallocarray(NULL, r->used + 1, sizeof *r->found);
    size_t n = 0;
    for (size_t i = 0; i < r->cap; i++) {
        const Entry *e = &r->entries[i];
        if (!e->key_hash || e->key.row_hash[0] == e->key.row_hash[1]) continue;
        r->found[n] = e->key;
        r->found[n].key_hash = e->key_hash;
        r->found[n].kind = !e->is_there[ROWSUM_TARGET]   ? ROWSUM_ONLY_SOURCE
                           : !e->is_there[ROWSUM_SOURCE] ? ROWSUM_ONLY_TARGET
                                                         : ROWSUM_DIFFERS;
        n++;
    }
    *ret_count = n;
    *ret_cut = r->is_cut;
    return r->found;
}

/* ---- keys for people ---- */

static void temporal_text(const Column *c, const Value *v, Buf *out) {
    char text[CIVIL_TEXT_SIZE];
    if (c->type == SQLTYPE_DATE) buf_cstr(out, civil_format_date(v->v.i, text));
    else if (c->type == SQLTYPE_TIME) buf_cstr(out, civil_format_time(v->v.i, c->scale, text));
    else if (c->type == SQLTYPE_DATETIMEOFFSET)
        buf_cstr(out, civil_format_offset(v->v.i, c->scale, v->aux, text));
    else buf_cstr(out, civil_format_datetime(v->v.i, c->scale, text));
}

static void guid_text(const char *bytes, Buf *out) {
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) buf_u8(out, '-');
        buf_printf(out, "%02x", (unsigned)(uint8_t)bytes[i]);
    }
}

static void value_text(const Column *c, const Value *v, Buf *out) {
    enum { MOST = 60 };
    char number[NUMTEXT_SIZE];
    NumInt128 wide = 0;
    if (value_is_null(v)) {
        buf_cstr(out, "NULL");
        return;
    }
    switch (sqltype_form(c->type, c->precision)) {
    case FORM_INT:
        if (c->type >= SQLTYPE_DATE && c->type <= SQLTYPE_DATETIMEOFFSET) temporal_text(c, v, out);
        else buf_cstr(out, numtext_format(v->v.i, c->type >= SQLTYPE_DECIMAL ? c->scale : 0, number));
        break;
    case FORM_DOUBLE: buf_printf(out, "%.17g", v->v.d); break;
    case FORM_INT128:
        memcpy(&wide, v->v.p, sizeof wide);
        buf_cstr(out, numtext_format(wide, c->scale, number));
        break;
    case FORM_GUID: guid_text(v->v.p, out); break;
    case FORM_TEXT:
        buf_printf(out, "'" STR_FMT "%s'", STR_ARG(str_sub(value_str(v), 0, MOST)), v->n > MOST ? "…" : "");
        break;
    case FORM_BYTES:
        buf_cstr(out, "0x");
        for (uint32_t i = 0; i < v->n && i < MOST / 2; i++)
            buf_printf(out, "%02x", (unsigned)(uint8_t)v->v.p[i]);
        break;
    }
}

void rowsum_key_text(const Schema *schema, const Value *key, Buf *out) {
    for (size_t i = 0; i < schema->key_count; i++) {
        const Column *c = &schema->columns[schema->key[i]];
        buf_printf(out, "%s" STR_FMT "=", i ? ", " : "", STR_ARG(c->name));
        value_text(c, &key[i], out);
    }
    if (schema->key_count == 0) buf_cstr(out, "(no key)");
}
