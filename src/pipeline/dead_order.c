/*
 * An open-addressing set of keys with a journal: each insertion and removal since the last commit is noted,
 * so that a savepoint that is rolled back takes the set back too. A removed key leaves a tombstone; the table
 * is built anew when the two together fill half of it.
 */
#include "pipeline/dead_order.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { MIN_SLOTS = 64 };

typedef enum SlotState { SLOT_FREE, SLOT_KEY, SLOT_GONE } SlotState;

typedef struct Slot {
    uint64_t key;
    uint8_t state; /* SlotState */
} Slot;

typedef struct Step {
    uint64_t key;
    bool was_added;
} Step;

struct DeadOrder {
    Slot *slots;
    size_t slot_count; /* a power of two */
    size_t used;       /* keys and tombstones */
    size_t count;      /* keys */
    Step *journal;
    size_t step_count, step_cap;
};

DeadOrder *dead_order_new(void) {
    DeadOrder *o = x_calloc(1, sizeof *o);
    o->slot_count = MIN_SLOTS;
    o->slots = x_calloc(o->slot_count, sizeof *o->slots);
    return o;
}

DeadOrder *dead_order_free(DeadOrder *o) {
    if (!o) return NULL;
    free(o->slots);
    free(o->journal);
    free(o);
    return NULL;
}

/* The key's slot, or the one where it would go. */
static Slot *find(const DeadOrder *o, uint64_t key) {
    Slot *room = NULL;
    for (size_t at = (size_t)hash_mix(key, 0) & (o->slot_count - 1);; at = (at + 1) & (o->slot_count - 1)) {
        Slot *s = &o->slots[at];
        if (s->state == SLOT_KEY && s->key == key) return s;
        if (s->state == SLOT_GONE && !room) room = s;
        if (s->state == SLOT_FREE) return room ? room : s;
    }
}

static void rebuild(DeadOrder *o) {
    Slot *old = o->slots;
    size_t old_count = o->slot_count;
    while (o->slot_count < 4 * (o->count + 1)) o->slot_count *= 2;
    o->slots = x_calloc(o->slot_count, sizeof *o->slots);
    o->used = o->count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].state == SLOT_KEY) *find(o, old[i].key) = old[i];
    free(old);
}

static bool add(DeadOrder *o, uint64_t key) {
    if (2 * (o->used + 1) > o->slot_count) rebuild(o);
    Slot *s = find(o, key);
    if (s->state == SLOT_KEY) return false;
    o->used += s->state == SLOT_FREE;
    o->count++;
    *s = (Slot){.key = key, .state = SLOT_KEY};
    return true;
}

static bool drop(DeadOrder *o, uint64_t key) {
    Slot *s = find(o, key);
    if (s->state != SLOT_KEY) return false;
    s->state = SLOT_GONE;
    o->count--;
    return true;
}

static void note(DeadOrder *o, uint64_t key, bool was_added) {
    if (o->step_count == o->step_cap) {
        o->step_cap = o->step_cap ? 2 * o->step_cap : 64;
        o->journal = x_reallocarray(o->journal, o->step_cap, sizeof *o->journal);
    }
    o->journal[o->step_count++] = (Step){key, was_added};
}

void dead_order_load(DeadOrder *o, const uint64_t *keys, size_t count) {
    for (size_t i = 0; i < o->slot_count; i++) o->slots[i].state = SLOT_FREE;
    o->count = o->used = o->step_count = 0;
    for (size_t i = 0; i < count; i++) (void)add(o, keys[i]);
}

bool dead_order_is_empty(const DeadOrder *o) {
    return o->count == 0;
}

size_t dead_order_count(const DeadOrder *o) {
    return o->count;
}

bool dead_order_has(const DeadOrder *o, uint64_t key) {
    return o->count > 0 && find(o, key)->state == SLOT_KEY;
}

DeadVerdict dead_order_change(DeadOrder *o, uint64_t key, bool is_whole) {
    if (!dead_order_has(o, key)) return DEAD_APPLY;
    if (!is_whole) return DEAD_HOLD;
    dead_order_closed(o, key);
    return DEAD_SUPERSEDE;
}

void dead_order_refused(DeadOrder *o, uint64_t key) {
    if (add(o, key)) note(o, key, /* was_added= */ true);
}

void dead_order_closed(DeadOrder *o, uint64_t key) {
    if (drop(o, key)) note(o, key, /* was_added= */ false);
}

size_t dead_order_mark(const DeadOrder *o) {
    return o->step_count;
}

void dead_order_undo(DeadOrder *o, size_t mark) {
    assert(mark <= o->step_count);
    while (o->step_count > mark) {
        Step step = o->journal[--o->step_count];
        if (step.was_added) (void)drop(o, step.key);
        else (void)add(o, step.key);
    }
}

void dead_order_committed(DeadOrder *o) {
    o->step_count = 0;
}

bool dead_order_may_replay(const uint64_t *keys, const bool *is_open, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (is_open[i] && keys[i] == keys[at]) return false;
    return is_open[at];
}
