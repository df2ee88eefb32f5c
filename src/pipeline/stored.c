#include "pipeline/stored.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static void table_done(StoredTable *t) {
    free(t->schema);
    free(t->table);
    free(t->upper_key);
    free(t->filter);
    free(t->key);
    free(t->route);
}

void stored_state_done(StoredState *s) {
    for (size_t i = 0; i < s->table_count; i++) table_done(&s->tables[i]);
    free(s->tables);
    *s = (StoredState){0};
}

static char *copy_text(const char *text) {
    return text ? x_strdup(text) : NULL;
}

static StoredTable table_copy(const StoredTable *t) {
    StoredTable copy = *t;
    copy.schema = x_strdup(t->schema);
    copy.table = x_strdup(t->table);
    copy.upper_key = copy_text(t->upper_key);
    copy.filter = copy_text(t->filter);
    copy.key = copy_text(t->key);
    copy.route = copy_text(t->route);
    return copy;
}

void stored_state_copy(StoredState *s, const StoredState *from) {
    StoredState copy = *from;
    copy.tables = from->table_count ? x_calloc(from->table_count, sizeof *copy.tables) : NULL;
    for (size_t i = 0; i < from->table_count; i++) copy.tables[i] = table_copy(&from->tables[i]);
    stored_state_done(s);
    *s = copy;
}

static bool text_equal(const char *a, const char *b) {
    return !a == !b && str_eq(str_from(a), str_from(b));
}

bool stored_table_equal(const StoredTable *a, const StoredTable *b) {
    return a->chunks_done == b->chunks_done && text_equal(a->upper_key, b->upper_key) &&
           text_equal(a->filter, b->filter) && a->asked == b->asked && a->is_paused == b->is_paused &&
           a->is_whole == b->is_whole && a->is_done == b->is_done && a->is_streaming == b->is_streaming &&
           a->fingerprint == b->fingerprint && a->instance == b->instance &&
           position_cmp(&a->floor, &b->floor) == 0;
}

bool stored_state_equal(const StoredState *a, const StoredState *b) {
    if (a->has_position != b->has_position || position_cmp(&a->position, &b->position) != 0) return false;
    if (position_cmp(&a->consistent, &b->consistent) != 0 || a->table_count != b->table_count) return false;
    for (size_t i = 0; i < a->table_count; i++) {
        const StoredTable *t = &a->tables[i];
        const StoredTable *other = stored_state_table(b, str_from(t->schema), str_from(t->table));
        if (!other || !stored_table_equal(t, other)) return false;
    }
    return true;
}

const StoredTable *stored_state_table(const StoredState *s, Str schema, Str table) {
    for (size_t i = 0; i < s->table_count; i++) {
        const StoredTable *t = &s->tables[i];
        if (str_eq_c(table, t->table) && str_eq_c(schema, t->schema)) return t;
    }
    return NULL;
}

static StoredTable *entry_of(StoredState *s, const Batch *batch) {
    const StoredTable *t = stored_state_table(s, batch->schema->schema, batch->schema->table);
    return t ? &s->tables[t - s->tables] : NULL;
}

/* No more chunks come. */
static void end_copy(StoredTable *t) {
    free(t->upper_key);
    free(t->filter);
    t->upper_key = t->filter = NULL;
    t->is_done = true;
    t->asked = BATCH_NOT_ASKED;
    t->is_paused = false;
}

static void see_whether_all_is_copied(StoredState *s) {
    s->is_snapshot_done = s->has_position;
    for (size_t i = 0; i < s->table_count; i++)
        if (!s->tables[i].is_done && !s->tables[i].is_streaming) s->is_snapshot_done = false;
}

void stored_state_move(StoredState *s, const Position *to) {
    s->position = *to;
    s->has_position = !position_is_zero(to);
    see_whether_all_is_copied(s);
}

static void begin_copy(StoredTable *t, const BatchTable *table) {
    end_copy(t);
    t->is_done = table->copy == BATCH_COPY_NONE;
    t->is_streaming = table->copy == BATCH_COPY_BESIDE;
    t->chunks_done = 0;
    t->asked = table->asked;
    t->is_paused = table->is_paused;
    if (table->asked == BATCH_NOT_ASKED) t->is_whole = false;
    if (table->filter.n) t->filter = str_dup(table->filter);
}

static void forget_table(StoredState *s, StoredTable *t) {
    if (!t) return;
    table_done(t);
    *t = s->tables[--s->table_count];
    see_whether_all_is_copied(s);
}

void stored_state_add_table(StoredState *s, const Batch *batch) {
    assert(batch->kind == BATCH_TABLE);
    StoredTable *t = entry_of(s, batch);
    if (batch->table.copy == BATCH_COPY_GONE) {
        forget_table(s, t);
        return;
    }
    if (!t) {
        s->tables = x_reallocarray(s->tables, s->table_count + 1, sizeof *s->tables);
        t = &s->tables[s->table_count++];
        *t = (StoredTable){.schema = str_dup(batch->schema->schema), .table = str_dup(batch->schema->table)};
    }
    if (batch->table.copy == BATCH_COPY_BESIDE) s->consistent = (Position){0};
    t->fingerprint = batch->schema->fingerprint;
    t->instance = batch->table.instance;
    t->floor = batch->table.floor;
    free(t->key);
    t->key = schema_key_text(batch->schema);
    t->is_paused = batch->table.is_paused;
    if (batch->table.copy == BATCH_COPY_STOP) end_copy(t);
    else if (batch->table.copy != BATCH_COPY_KEEP) begin_copy(t, &batch->table);
    see_whether_all_is_copied(s);
}

void stored_state_mark_chunk(StoredState *s, const Batch *batch) {
    assert(batch->kind == BATCH_ROWS && batch->chunk.is_last_part);
    StoredTable *t = entry_of(s, batch);
    assert(t);
    if (t->chunks_done > batch->chunk.number) return;
    t->chunks_done = batch->chunk.number + 1;
    if (batch->chunk.is_last_chunk) {
        t->is_whole = t->is_whole || t->asked == BATCH_NOT_ASKED;
        end_copy(t);
    } else {
        free(t->upper_key);
        t->upper_key = str_dup(batch->chunk.upper_key);
    }
    if (batch->chunk.is_exact) t->floor = batch->chunk.watermark;
    see_whether_all_is_copied(s);
}
