#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    FIRST_RECORDS = 256,
    KEPT_SCHEMAS = sizeof((RecordBatch *)0)->held_schemas / sizeof *((RecordBatch *)0)->held_schemas,
};

struct RecordHold { /* in the batch's arena */
    RecordHold *next;
    void *object;
    void (*release)(void *object);
};

RecordBatch *record_batch_new(void) {
    return x_calloc(1, sizeof(RecordBatch));
}

static void let_go(RecordBatch *b) {
    for (RecordHold *h = b->holds; h; h = h->next) h->release(h->object);
    b->holds = NULL;
    memset(b->held_schemas, 0, sizeof b->held_schemas);
}

RecordBatch *record_batch_free(RecordBatch *b) {
    if (!b) return NULL;
    let_go(b);
    arena_done(&b->arena);
    free(b->records);
    free(b);
    return NULL;
}

void record_batch_clear(RecordBatch *b) {
    let_go(b);
    arena_clear(&b->arena);
    b->count = 0;
}

Record *record_batch_add(RecordBatch *b) {
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : FIRST_RECORDS;
        b->records = x_reallocarray(b->records, b->cap, sizeof *b->records);
    }
    Record *r = &b->records[b->count++];
    *r = (Record){
        .key = value_null(), .value = value_null(), .timestamp_ms = -1, .partition = -1, .offset = -1};
    return r;
}

Value *record_batch_row(RecordBatch *b, size_t n) {
    return ARENA_ARRAY(&b->arena, Value, n + 1);
}

static void release_schema(void *schema) {
    connect_schema_unref(schema);
}

bool record_batch_holds_schema(const RecordBatch *b, const ConnectSchema *schema) {
    for (size_t i = 0; i < KEPT_SCHEMAS; i++)
        if (b->held_schemas[i] == schema) return true;
    return false;
}

void record_batch_hold_schema(RecordBatch *b, const ConnectSchema *schema) {
    if (!schema || record_batch_holds_schema(b, schema)) return;
    b->held_schemas[b->held_at++ % KEPT_SCHEMAS] = schema;
    record_batch_hold(b, (void *)(uintptr_t)connect_schema_ref(schema), release_schema);
}

void record_batch_hold(RecordBatch *b, void *object, void (*release)(void *object)) {
    RecordHold *h = arena_alloc(&b->arena, sizeof *h);
    *h = (RecordHold){b->holds, object, release};
    b->holds = h;
}

void record_add_header(RecordBatch *b, Record *r, RecordHeader header) {
    RecordHeader *headers = ARENA_ARRAY(&b->arena, RecordHeader, r->header_count + 1);
    if (r->header_count) memcpy(headers, r->headers, r->header_count * sizeof *headers);
    headers[r->header_count++] = header;
    r->headers = headers;
}
