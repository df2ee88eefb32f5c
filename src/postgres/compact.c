/*
 * One open-addressing table over all tables of the batch: a slot is a tag of the hash and the number of an
 * entry; entries stand in order of first appearance. Hash and equality work on the values as they are (form
 * by form), so that no key is ever written out. Rows are borrowed from the batch; only a row put together
 * from two changes (because the later one doesn't carry a column) is copied, into an arena.
 *
 * A bag's entry stands for one row content. What comes in the run waits in a list (`pending`); a removal
 * first takes from there, and only then counts as one to take from the target.
 */
#include "postgres/compact.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"

enum { MIN_SLOTS = 1024 };
#define NONE UINT32_MAX

typedef struct Entry {
    CompactTable *table;
    const Value *row; /* the last state; of a removal, the row that has the key */
    int64_t removals; /* keyed: 0 or 1; bag: to take from the target */
    uint32_t pending; /* bag: newest row that came in this run, or NONE */
    uint32_t hash;
} Entry;

typedef struct Pending {
    const Value *row;
    uint32_t next;
} Pending;

struct Compact {
    uint32_t *slots; /* 0 = free, else number of the entry + 1 */
    size_t slot_count;
    Entry *entries;
    size_t entry_count, entry_cap;
    Pending *pending;
    size_t pending_count, pending_cap;
    CompactTable **tables;
    size_t table_count, table_cap;
    Arena arena;
};

Compact *compact_new(void) {
    Compact *c = x_calloc(1, sizeof *c);
    c->slot_count = MIN_SLOTS;
    c->slots = x_calloc(c->slot_count, sizeof *c->slots);
    return c;
}

Compact *compact_free(Compact *c) {
    if (!c) return NULL;
    free(c->slots);
    free(c->entries);
    free(c->pending);
    free(c->tables);
    arena_done(&c->arena);
    free(c);
    return NULL;
}

void compact_clear(Compact *c) {
    for (size_t i = 0; i < c->table_count; i++) {
        CompactTable *t = c->tables[i];
        t->is_touched = false;
        t->puts = t->gone = NULL;
        t->gone_times = NULL;
        t->put_count = t->gone_count = 0;
    }
    memset(c->slots, 0, c->slot_count * sizeof *c->slots);
    c->entry_count = c->pending_count = c->table_count = 0;
    arena_clear(&c->arena);
}

/* ---- keys ---- */

static bool is_bytes(ValueForm form) {
    return form != FORM_INT && form != FORM_DOUBLE;
}

static uint64_t hash_value(const Value *v, ValueForm form) {
    if (v->flags) return 0x9E3779B97F4A7C15u;
    if (is_bytes(form)) return hash_bytes(v->v.p, v->n, 0);
    return (uint64_t)v->v.i; /* a double by its bits; -0 and 0 are two keys, as they print */
}

static uint32_t hash_key(const CompactTable *t, const Value *row) {
    uint64_t h = (uint64_t)(uintptr_t)t;
    for (size_t i = 0; i < t->key_count; i++)
        h = hash_mix(h, hash_value(&row[t->key[i].column], t->key[i].form));
    return (uint32_t)(h ^ h >> 32);
}

static bool value_equal(const Value *a, const Value *b, ValueForm form) {
    if (value_is_unreadable(a) || value_is_unreadable(b)) return false; /* not even to itself */
    if (a->flags || b->flags) return a->flags && b->flags;
    if (!is_bytes(form)) return a->v.i == b->v.i;
    return a->n == b->n && (a->n == 0 || memcmp(a->v.p, b->v.p, a->n) == 0);
}

static bool key_equal(const CompactTable *t, const Value *a, const Value *b) {
    for (size_t i = 0; i < t->key_count; i++)
        if (!value_equal(&a[t->key[i].column], &b[t->key[i].column], t->key[i].form)) return false;
    return true;
}

/* The slot of row's key, or the free one where it belongs. */
static uint32_t *find_slot(const Compact *c, const CompactTable *t, const Value *row, uint32_t hash) {
    for (size_t at = hash & (c->slot_count - 1);; at = (at + 1) & (c->slot_count - 1)) {
        uint32_t *slot = &c->slots[at];
        if (*slot == 0) return slot;
        const Entry *entry = &c->entries[*slot - 1];
        if (entry->hash == hash && entry->table == t && key_equal(t, entry->row, row)) return slot;
    }
}

static void grow_slots(Compact *c) {
    c->slot_count *= 2;
    free(c->slots);
    c->slots = x_calloc(c->slot_count, sizeof *c->slots);
    for (size_t i = 0; i < c->entry_count; i++) {
        size_t at = c->entries[i].hash & (c->slot_count - 1);
        while (c->slots[at] != 0) at = (at + 1) & (c->slot_count - 1);
        c->slots[at] = (uint32_t)i + 1;
    }
}

static void touch(Compact *c, CompactTable *t) {
    if (t->is_touched) return;
    t->is_touched = true;
    if (c->table_count == c->table_cap) {
        c->table_cap = c->table_cap ? 2 * c->table_cap : 16;
        c->tables = x_reallocarray(c->tables, c->table_cap, sizeof *c->tables);
    }
    c->tables[c->table_count++] = t;
}

/* The entry of row's key; a new one has row NULL. Borrowed until the next call. */
static Entry *entry_of(Compact *c, CompactTable *t, const Value *row) {
    uint32_t hash = hash_key(t, row), *slot = find_slot(c, t, row, hash);
    if (*slot != 0) return &c->entries[*slot - 1];
    if (c->entry_count == c->entry_cap) {
        c->entry_cap = c->entry_cap ? 2 * c->entry_cap : MIN_SLOTS / 2;
        c->entries = x_reallocarray(c->entries, c->entry_cap, sizeof *c->entries);
    }
    assert(c->entry_count < UINT32_MAX - 1);
    *slot = (uint32_t)c->entry_count + 1;
    c->entries[c->entry_count] = (Entry){.table = t, .hash = hash, .pending = NONE};
    if (2 * ++c->entry_count > c->slot_count) grow_slots(c);
    touch(c, t);
    return &c->entries[c->entry_count - 1];
}

bool compact_has(const Compact *c, const CompactTable *t, const Value *row) {
    return *find_slot(c, t, row, hash_key(t, row)) != 0;
}

/* ---- changes ---- */

/* now, with what it doesn't carry taken from before. */
static const Value *fill_absent(Compact *c, const CompactTable *t, const Value *before, const Value *now) {
    Value *merged = NULL;
    for (size_t i = 0; i < t->column_count; i++) {
        if (!value_is_absent(&now[i]) || value_is_absent(&before[i])) continue;
        if (!merged) {
            merged = ARENA_ARRAY(&c->arena, Value, t->column_count);
            memcpy(merged, now, t->column_count * sizeof *now);
        }
        merged[i] = before[i];
    }
    return merged ? merged : now;
}

static void push_pending(Compact *c, Entry *entry, const Value *row) {
    if (c->pending_count == c->pending_cap) {
        c->pending_cap = c->pending_cap ? 2 * c->pending_cap : 64;
        c->pending = x_reallocarray(c->pending, c->pending_cap, sizeof *c->pending);
    }
    c->pending[c->pending_count] = (Pending){.row = row, .next = entry->pending};
    entry->pending = (uint32_t)c->pending_count++;
}

static bool rows_same(const CompactTable *t, const Value *a, const Value *b) {
    for (size_t i = 0; i < t->column_count; i++) {
        if (a[i].flags != b[i].flags || a[i].n != b[i].n) return false;
        if (a[i].n > 0 ? memcmp(a[i].v.p, b[i].v.p, a[i].n) != 0 : a[i].v.i != b[i].v.i) return false;
    }
    return true;
}

/* Of the rows that came in this run with the entry's content, one goes: which one must not matter. */
static bool pop_pending(Compact *c, Entry *entry, Err *e) {
    const Pending *newest = &c->pending[entry->pending];
    if (!entry->table->is_bag_whole)
        for (uint32_t i = newest->next; i != NONE; i = c->pending[i].next)
            if (!rows_same(entry->table, newest->row, c->pending[i].row))
                return err_set(
                    e, ERR_DATA, false,
                    "%s has no key, and a change fits several rows that differ in columns it doesn't carry",
                    entry->table->what);
    entry->pending = newest->next;
    return true;
}

static bool add_to_bag(Compact *c, Entry *entry, const Value *row, bool is_removed, Err *e) {
    if (!entry->row) entry->row = row;
    if (is_removed) {
        if (entry->pending != NONE) return pop_pending(c, entry, e);
        entry->removals++;
    } else if (entry->removals > 0 && entry->table->is_bag_whole) {
        entry->removals--; /* the same row went before: it stays where it is */
    } else {
        push_pending(c, entry, row);
    }
    return true;
}

bool compact_add(Compact *c, CompactTable *t, const Value *row, bool is_removed, Err *e) {
    Entry *entry = entry_of(c, t, row);
    if (t->is_bag) return add_to_bag(c, entry, row, is_removed, e);
    bool was_put = entry->row && entry->removals == 0;
    entry->row = was_put && !is_removed ? fill_absent(c, t, entry->row, row) : row;
    entry->removals = is_removed;
    return true;
}

/* ---- results ---- */

static void count_results(Compact *c) {
    for (size_t i = 0; i < c->entry_count; i++) {
        const Entry *entry = &c->entries[i];
        CompactTable *t = entry->table;
        if (entry->removals > 0) t->gone_count++;
        else if (!t->is_bag) t->put_count++;
        for (uint32_t at = entry->pending; at != NONE; at = c->pending[at].next) t->put_count++;
    }
}

static void put_result(Compact *c, const Entry *entry) {
    CompactTable *t = entry->table;
    if (entry->removals > 0) {
        if (t->is_bag) t->gone_times[t->gone_count] = entry->removals;
        t->gone[t->gone_count++] = entry->row;
    } else if (!t->is_bag) {
        t->puts[t->put_count++] = entry->row;
    }
    for (uint32_t at = entry->pending; at != NONE; at = c->pending[at].next)
        t->puts[t->put_count++] = c->pending[at].row;
}

void compact_finish(Compact *c, CompactTable ***ret, size_t *ret_count) {
    for (size_t i = 0; i < c->table_count; i++) c->tables[i]->put_count = c->tables[i]->gone_count = 0;
    count_results(c);
    for (size_t i = 0; i < c->table_count; i++) {
        CompactTable *t = c->tables[i];
        t->puts = ARENA_ARRAY(&c->arena, const Value *, t->put_count + 1);
        t->gone = ARENA_ARRAY(&c->arena, const Value *, t->gone_count + 1);
        t->gone_times = t->is_bag ? ARENA_ARRAY(&c->arena, int64_t, t->gone_count + 1) : NULL;
        t->put_count = t->gone_count = 0;
    }
    for (size_t i = 0; i < c->entry_count; i++) put_result(c, &c->entries[i]);
    *ret = c->tables;
    *ret_count = c->table_count;
}
