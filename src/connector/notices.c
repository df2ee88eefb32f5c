#include "connector/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

typedef enum Kind { KIND_NONE, KIND_INITIAL, KIND_INCREMENTAL, KINDS } Kind;

static const char *const kind_names[KINDS] = {"", "Initial Snapshot", "Incremental Snapshot"};

/* A table's part in a snapshot; it stays until the snapshot is over, so that all its tables can be named. */
typedef struct Entry {
    char *name; /* owned: database.schema.table */
    Kind kind;
    bool is_read, is_paused;
    int64_t rows;
} Entry;

struct Notices {
    char *connector, *database;
    NoticeFn *tell;
    void *arg;
    Entry *entries; /* owned */
    size_t count;
    char id[NOTICE_ID_SIZE]; /* of the incremental snapshot; "" = none is under way */
};

/* RFC 9562, version 4. */
static void make_id(char ret[static NOTICE_ID_SIZE]) {
    uint8_t b[16] = {0};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) { /* never for so few; an id is no secret */
        int64_t now_us = clock_wall_us(), mono_us = clock_mono_us();
        memcpy(b, &now_us, sizeof now_us);
        memcpy(b + 8, &mono_us, sizeof mono_us);
    }
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    (void)snprintf(ret, NOTICE_ID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* ---- entries ---- */

static char *name_of(const Notices *n, Str schema, Str table) {
    return x_asprintf("%s." STR_FMT "." STR_FMT, n->database, STR_ARG(schema), STR_ARG(table));
}

static Entry *find(Notices *n, const char *name) {
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->entries[i].name, name) == 0) return &n->entries[i];
    return NULL;
}

/* Moved: name. */
static Entry *enter(Notices *n, char *name, Kind kind) {
    Entry *entry = find(n, name);
    if (entry) free(entry->name);
    else {
        n->entries = x_reallocarray(n->entries, n->count + 1, sizeof *n->entries);
        entry = &n->entries[n->count++];
    }
    *entry = (Entry){.name = name, .kind = kind};
    return entry;
}

static bool is_under_way(const Notices *n, Kind kind) {
    for (size_t i = 0; i < n->count; i++)
        if (n->entries[i].kind == kind && !n->entries[i].is_read) return true;
    return false;
}

static void forget(Notices *n, Kind kind) {
    size_t kept = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (n->entries[i].kind == kind) free(n->entries[i].name);
        else n->entries[kept++] = n->entries[i];
    }
    n->count = kept;
    if (kind == KIND_INCREMENTAL) n->id[0] = '\0';
}

Notices *notices_new(const char *connector, const char *database, const StoredState *stored, NoticeFn *tell,
                     void *arg) {
    Notices *n = x_calloc(1, sizeof *n);
    n->connector = x_strdup(connector);
    n->database = x_strdup(database);
    n->tell = tell;
    n->arg = arg;
    for (size_t i = 0; i < stored->table_count; i++) {
        const StoredTable *t = &stored->tables[i];
        bool is_initial = !t->is_streaming || t->asked == BATCH_ASKED_BLOCKING;
        if (t->is_done) continue;
        enter(n, name_of(n, str_from(t->schema), str_from(t->table)),
              is_initial ? KIND_INITIAL : KIND_INCREMENTAL)
            ->is_paused = t->is_paused;
    }
    return n;
}

Notices *notices_free(Notices *n) {
    if (!n) return NULL;
    for (size_t i = 0; i < n->count; i++) free(n->entries[i].name);
    free(n->entries);
    free(n->connector);
    free(n->database);
    free(n);
    return NULL;
}

/* ---- telling ---- */

/* data is taken. */
static void tell(Notices *n, Kind kind, const char *type, json_t *data) {
    Notice notice = {.aggregate_type = kind_names[kind], .type = type};
    json_object_set_new(data, "connector_name", json_string(n->connector));
    CLEANUP_FREE char *text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(data);
    if (kind == KIND_INCREMENTAL && !n->id[0]) make_id(n->id);
    if (kind == KIND_INCREMENTAL) memcpy(notice.id, n->id, sizeof notice.id);
    else make_id(notice.id);
    notice.data = text ? text : "{}";
    n->tell(n->arg, &notice);
}

static json_t *collections(const Notices *n, Kind kind) {
    CLEANUP(buf_done) Buf names = {0};
    for (size_t i = 0; i < n->count; i++)
        if (n->entries[i].kind == kind) buf_printf(&names, "%s%s", names.n ? "," : "", n->entries[i].name);
    json_t *data = json_object();
    json_object_set_new(data, "data_collections", json_string(buf_text(&names)));
    return data;
}

void notices_skipped(Notices *n) {
    if (n) tell(n, KIND_INITIAL, "SKIPPED", json_object());
}

static void read_whole(Notices *n, Entry *entry) {
    Kind kind = entry->kind;
    json_t *data = collections(n, kind);
    CLEANUP_FREE char *rows = x_asprintf("%lld", (long long)entry->rows);
    entry->is_read = true;
    json_object_set_new(data, "scanned_collection", json_string(entry->name));
    json_object_set_new(data, "total_rows_scanned", json_string(rows));
    json_object_set_new(data, "status",
                        json_string(entry->rows || kind == KIND_INITIAL ? "SUCCEEDED" : "EMPTY"));
    tell(n, kind, "TABLE_SCAN_COMPLETED", data);
    if (is_under_way(n, kind)) return;
    tell(n, kind, "COMPLETED", json_object());
    forget(n, kind);
}

/* ---- batches ---- */

static void begin(Notices *n, char *name, const BatchTable *t) {
    bool is_initial = t->copy == BATCH_COPY_FIRST || t->asked == BATCH_ASKED_BLOCKING;
    Kind kind = is_initial ? KIND_INITIAL : KIND_INCREMENTAL;
    bool was_under_way = is_under_way(n, kind);
    enter(n, name, kind)->is_paused = t->is_paused;
    if (!was_under_way) tell(n, kind, "STARTED", is_initial ? json_object() : collections(n, kind));
}

static void stop(Notices *n, Entry *entry) {
    Kind kind = entry->kind;
    json_t *data = json_object();
    json_object_set_new(data, "data_collections", json_string(entry->name));
    entry->is_read = true;
    tell(n, kind, "ABORTED", data);
    if (!is_under_way(n, kind)) forget(n, kind);
}

static void note_table(Notices *n, const Batch *b) {
    char *name = name_of(n, b->schema->schema, b->schema->table);
    Entry *entry = find(n, name);
    bool is_copied = entry && !entry->is_read;
    switch (b->table.copy) {
    case BATCH_COPY_FIRST:
    case BATCH_COPY_BESIDE: begin(n, name, &b->table); return;
    case BATCH_COPY_STOP:
    case BATCH_COPY_GONE:
        if (is_copied) stop(n, entry);
        break;
    case BATCH_COPY_KEEP:
        if (is_copied && entry->is_paused != b->table.is_paused) {
            entry->is_paused = b->table.is_paused;
            tell(n, entry->kind, entry->is_paused ? "PAUSED" : "RESUMED", collections(n, entry->kind));
        }
        break;
    case BATCH_COPY_NONE: break;
    }
    free(name);
}

static void note_rows(Notices *n, const Batch *b) {
    CLEANUP_FREE char *name = name_of(n, b->schema->schema, b->schema->table);
    Entry *entry = find(n, name);
    if (!entry || entry->is_read) return;
    bool begins = b->chunk.is_first_part && (b->chunk.number == 0 || entry->kind == KIND_INCREMENTAL);
    if (begins) {
        json_t *data = collections(n, entry->kind);
        json_object_set_new(data, "current_collection_in_progress", json_string(name));
        tell(n, entry->kind, "IN_PROGRESS", data);
    }
    entry->rows += (int64_t)b->count;
    if (b->chunk.is_last_part && b->chunk.is_last_chunk) read_whole(n, entry);
}

void notices_batch(Notices *n, const Batch *b) {
    if (!n) return;
    if (b->kind == BATCH_TABLE) note_table(n, b);
    if (b->kind == BATCH_ROWS) note_rows(n, b);
}

void notices_log(void *arg, const Notice *notice) {
    (void)arg;
    LOG_INFO("notification", LOG_S("id", notice->id), LOG_S("aggregate_type", notice->aggregate_type),
             LOG_S("type", notice->type), LOG_S("additional_data", notice->data),
             LOG_I("timestamp", clock_wall_us() / 1000));
}
