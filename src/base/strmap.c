/*
 * Two arrays: the entries in the order of insertion, and a table of entry numbers probed linearly. A removed
 * entry stays as a hole (key NULL) that its table slot still names, so probing and walking go on over it;
 * holes are swept out when the table is rebuilt, which only a set of a new key does. So removing while
 * walking is sound.
 */
#include "base/strmap.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { STRMAP_FIRST_SLOTS = 16 };

typedef struct Entry {
    char *key; /* owned; NULL = removed */
    size_t key_bytes;
    uint64_t hash;
    void *value; /* borrowed */
} Entry;

struct StrMap {
    Entry *entries;
    size_t used, count; /* with holes, without */
    uint32_t *slots;    /* entry number + 1; 0 = free */
    size_t slot_count;  /* a power of two; entries fill it to 3/4 at most */
    bool ignore_case;
};

StrMap *strmap_new(bool ignore_case) {
    StrMap *m = x_calloc(1, sizeof *m);
    m->ignore_case = ignore_case;
    return m;
}

StrMap *strmap_free(StrMap *m) {
    if (!m) return NULL;
    for (size_t i = 0; i < m->used; i++) free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    free(m);
    return NULL;
}

StrMap *strmap_free_all(StrMap *m) {
    for (size_t i = 0; m && i < m->used; i++)
        if (m->entries[i].key) free(m->entries[i].value); /* not of a hole */
    return strmap_free(m);
}

static uint64_t hash_key(const StrMap *m, Str key) {
    if (!m->ignore_case) return hash_bytes(key.p, key.n, 0);
    uint64_t h = key.n;
    char folded[64];
    for (size_t at = 0; at < key.n; at += sizeof folded) {
        size_t n = key.n - at < sizeof folded ? key.n - at : sizeof folded;
        for (size_t i = 0; i < n; i++) {
            char c = key.p[at + i];
            folded[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        }
        h = hash_bytes(folded, n, h);
    }
    return h;
}

static bool is_key(const StrMap *m, const Entry *entry, uint64_t hash, Str key) {
    if (!entry->key || entry->hash != hash) return false;
    Str own = {entry->key, entry->key_bytes};
    return m->ignore_case ? str_eq_icase(own, key) : str_eq(own, key);
}

static Entry *find(const StrMap *m, uint64_t hash, Str key) {
    if (m->slot_count == 0) return NULL;
    for (size_t i = hash & (m->slot_count - 1); m->slots[i]; i = (i + 1) & (m->slot_count - 1)) {
        Entry *entry = &m->entries[m->slots[i] - 1];
        if (is_key(m, entry, hash, key)) return entry;
    }
    return NULL;
}

static void take_slot(StrMap *m, size_t number) {
    size_t i = m->entries[number].hash & (m->slot_count - 1);
    while (m->slots[i]) i = (i + 1) & (m->slot_count - 1);
    m->slots[i] = (uint32_t)number + 1;
}

/* Room for one more: sweep the holes out, and double unless that alone freed half. */
static void rebuild(StrMap *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key) m->entries[kept++] = m->entries[i];
    m->used = kept;
    if (m->slot_count == 0) m->slot_count = STRMAP_FIRST_SLOTS;
    else if (kept >= m->slot_count / 8 * 3) m->slot_count *= 2;
    assert(m->slot_count <= UINT32_MAX);
    free(m->slots);
    m->slots = x_calloc(m->slot_count, sizeof *m->slots);
    m->entries = x_reallocarray(m->entries, m->slot_count / 4 * 3, sizeof *m->entries);
    for (size_t i = 0; i < kept; i++) take_slot(m, i);
}

void *strmap_set(StrMap *m, Str key, void *value) {
    assert(value);
    uint64_t hash = hash_key(m, key);
    Entry *entry = find(m, hash, key);
    if (entry) {
        void *former = entry->value;
        entry->value = value;
        return former;
    }
    if (m->used == m->slot_count / 4 * 3) rebuild(m);
    m->entries[m->used] = (Entry){.key = str_dup(key), .key_bytes = key.n, .hash = hash, .value = value};
    take_slot(m, m->used++);
    m->count++;
    return NULL;
}

void *strmap_get(const StrMap *m, Str key) {
    const Entry *entry = m->count ? find(m, hash_key(m, key), key) : NULL;
    return entry ? entry->value : NULL;
}

void *strmap_del(StrMap *m, Str key) {
    Entry *entry = m->count ? find(m, hash_key(m, key), key) : NULL;
    if (!entry) return NULL;
    free(entry->key);
    entry->key = NULL;
    m->count--;
    return entry->value;
}

size_t strmap_count(const StrMap *m) {
    return m->count;
}

bool strmap_next(const StrMap *m, size_t *at, Str *ret_key, void **ret_value) {
    while (*at < m->used && !m->entries[*at].key) ++*at;
    if (*at >= m->used) return false;
    const Entry *entry = &m->entries[(*at)++];
    *ret_key = (Str){entry->key, entry->key_bytes};
    *ret_value = entry->value;
    return true;
}
