/* An open-addressing hash table (object, row) → commit; row ALL_ROWS of an object stands for the whole table.
 */
#include "standin/store/row_version.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 1024, MAX_SLOTS = 1 << 21 };
#define ALL_ROWS INT64_MIN

typedef struct Slot {
    int32_t object_id; /* 0 = free */
    int64_t rowid;
    uint64_t commit;
} Slot;

struct RowVersions {
    Slot *slots;
    size_t slot_count, used;
};

RowVersions *rowversions_new(void) {
    return x_calloc(1, sizeof(RowVersions));
}

void rowversions_clear(RowVersions *v) {
    free(v->slots);
    *v = (RowVersions){0};
}

RowVersions *rowversions_free(RowVersions *v) {
    if (v) rowversions_clear(v);
    free(v);
    return NULL;
}

static Slot *find(const RowVersions *v, int32_t object_id, int64_t rowid) {
    size_t mask = v->slot_count - 1;
    size_t at = (size_t)hash_mix((uint64_t)(uint32_t)object_id, (uint64_t)rowid) & mask;
    while (v->slots[at].object_id && (v->slots[at].object_id != object_id || v->slots[at].rowid != rowid))
        at = (at + 1) & mask;
    return &v->slots[at];
}

static void grow(RowVersions *v) {
    RowVersions old = *v;
    v->slot_count = old.slot_count ? old.slot_count * 2 : FIRST_SLOTS;
    v->slots = x_calloc(v->slot_count, sizeof *v->slots);
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].object_id) *find(v, old.slots[i].object_id, old.slots[i].rowid) = old.slots[i];
    free(old.slots);
}

void rowversions_note(RowVersions *v, int32_t object_id, int64_t rowid, uint64_t commit) {
    if (v->used * 2 >= v->slot_count && v->slot_count < MAX_SLOTS) grow(v);
    if (v->used * 4 >= v->slot_count * 3) rowid = ALL_ROWS;
    Slot *s = find(v, object_id, rowid);
    if (!s->object_id) v->used++;
    *s = (Slot){object_id, rowid, commit};
}

bool rowversions_changed_since(const RowVersions *v, int32_t object_id, int64_t rowid, uint64_t commit) {
    if (!v->slot_count) return false;
    return find(v, object_id, rowid)->commit > commit || find(v, object_id, ALL_ROWS)->commit > commit;
}
