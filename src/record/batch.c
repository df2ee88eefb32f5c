#include "record/batch.h"

#include <stdlib.h>

#include "base/mem.h"

enum { BATCH_FIRST_CHANGES = 256 };

struct BatchHold {
    BatchHold *next;
    void *object;
    void (*release)(void *object);
};

Batch *batch_new(BatchKind kind) {
    Batch *b = x_calloc(1, sizeof *b);
    b->kind = kind;
    b->refs = 1;
    return b;
}

Batch *batch_ref(Batch *b) {
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

Batch *batch_free(Batch *b) {
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0) return NULL;
    for (BatchHold *h = b->holds; h; h = h->next) h->release(h->object);
    schema_unref(b->schema);
    free(b->changes);
    arena_done(&b->arena);
    free(b);
    return NULL;
}

Batch *batch_share(const Batch *of, size_t cap) {
    Batch *b = batch_new(of->kind);
    b->changes = cap ? x_reallocarray(NULL, cap, sizeof *b->changes) : NULL;
    b->cap = cap;
    b->schema = of->schema ? schema_ref(of->schema) : NULL;
    b->from = of->from;
    b->to = of->to;
    b->ends_transaction = of->ends_transaction;
    b->is_consistent = of->is_consistent;
    b->is_final = of->is_final;
    b->table = of->table;
    b->table.filter = arena_str(&b->arena, of->table.filter);
    b->chunk = of->chunk;
    b->chunk.upper_key = arena_str(&b->arena, of->chunk.upper_key);
    b->to_us = of->to_us;
    b->read_us = of->read_us;
    return b;
}

Change *batch_add(Batch *b) {
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : BATCH_FIRST_CHANGES;
        b->changes = x_reallocarray(b->changes, b->cap, sizeof *b->changes);
    }
    Change *c = &b->changes[b->count++];
    *c = (Change){0};
    return c;
}

Value *batch_row(Batch *b, size_t n) {
    return ARENA_ARRAY(&b->arena, Value, n);
}

static void release_schema(void *schema) {
    schema_unref(schema);
}

void batch_hold_schema(Batch *b, const Schema *schema) {
    if (schema == b->held_schema) return;
    b->held_schema = schema;
    batch_hold(b, (void *)(uintptr_t)schema_ref(schema), release_schema, /* bytes= */ 0);
}

void batch_hold(Batch *b, void *object, void (*release)(void *object), size_t bytes) {
    BatchHold *h = arena_alloc(&b->arena, sizeof *h);
    *h = (BatchHold){.next = b->holds, .object = object, .release = release};
    b->holds = h;
    b->held_bytes += bytes;
}

size_t batch_bytes(const Batch *b) {
    return b->arena.bytes + b->cap * sizeof *b->changes + b->held_bytes;
}
