#include "kafka/source_offsets.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/connect_offset.h"

/* ---- writing ---- */

static void dump(json_t *j, Buf *out) {
    char *text = json_dumps(j, JSON_COMPACT);
    buf_cstr(out, text);
    free(text);
    json_decref(j);
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *str_of(Str s) {
    return json_stringn_nocheck(s.n ? s.p : "", s.n);
}

static json_t *position_of(const Position *p) {
    char text[POSITION_TEXT_SIZE];
    return position_is_zero(p) ? json_null() : json_string(position_format(p, text));
}

static json_t *partition_of(const SourceOffsetsKey *k, const char *what) {
    json_t *o = json_object();
    json_object_set_new(o, "millrace", json_string(what));
    json_object_set_new(o, "server", str_of(k->prefix));
    json_object_set_new(o, "database", str_of(k->database));
    return o;
}

static void dump_key(const SourceOffsetsKey *k, json_t *partition, Buf *out) {
    json_t *key = json_array();
    json_array_append_new(key, str_of(k->connector));
    json_array_append_new(key, partition);
    dump(key, out);
}

void source_offsets_position_key(const SourceOffsetsKey *k, Buf *out) {
    dump_key(k, partition_of(k, "position"), out);
}

void source_offsets_table_key(const SourceOffsetsKey *k, Str schema, Str table, Buf *out) {
    json_t *partition = partition_of(k, "table");
    json_object_set_new(partition, "schema", str_of(schema));
    json_object_set_new(partition, "table", str_of(table));
    dump_key(k, partition, out);
}

void source_offsets_position_value(int64_t epoch, const StoredState *state, const Position *inside,
                                   Str debezium, Buf *out) {
    json_t *o = json_object();
    json_object_set_new(o, "epoch", json_integer(epoch));
    json_object_set_new(o, "position", position_of(&state->position));
    json_object_set_new(o, "inside", position_of(inside));
    json_object_set_new(o, "consistent", position_of(&state->consistent));
    json_object_set_new(o, "debezium", debezium.n ? str_of(debezium) : json_null());
    dump(o, out);
}

void source_offsets_table_value(const StoredTable *t, Buf *out) {
    char fingerprint[17];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)t->fingerprint);
    json_t *o = json_object();
    json_object_set_new(o, "chunks_done", json_integer(t->chunks_done));
    json_object_set_new(o, "upper_key", text_or_null(t->upper_key));
    json_object_set_new(o, "is_done", json_boolean(t->is_done));
    json_object_set_new(o, "is_streaming", json_boolean(t->is_streaming));
    json_object_set_new(o, "fingerprint", json_string(fingerprint));
    json_object_set_new(o, "instance", json_integer(t->instance));
    json_object_set_new(o, "floor", position_of(&t->floor));
    json_object_set_new(o, "is_whole", json_boolean(t->is_whole));
    json_object_set_new(o, "asked", json_integer(t->asked));
    json_object_set_new(o, "is_paused", json_boolean(t->is_paused));
    json_object_set_new(o, "filter", text_or_null(t->filter));
    json_object_set_new(o, "key", text_or_null(t->key));
    dump(o, out);
}

/* ---- reading ---- */

static void table_done(StoredTable *t) {
    free(t->schema);
    free(t->table);
    free(t->upper_key);
    free(t->filter);
    free(t->key);
    free(t->route);
}

void source_offsets_done(SourceOffsets *o) {
    stored_state_done(&o->state);
    stored_state_done(&o->gone);
    free(o->debezium);
    free(o->written);
    *o = (SourceOffsets){0};
}

static bool read_position(const json_t *o, const char *name, Position *ret, Err *e) {
    const json_t *v = json_object_get(o, name);
    *ret = (Position){0};
    if (json_is_null(v)) return true;
    if (!json_is_string(v)) return err_set(e, ERR_INVALID, false, "%s isn't a text", name);
    return position_parse(json_string_value(v), ret, e);
}

static char *read_text(const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return text ? x_strdup(text) : NULL;
}

static bool take_position(SourceOffsets *o, const json_t *v, Err *e) {
    if (!read_position(v, "position", &o->state.position, e) || !read_position(v, "inside", &o->inside, e) ||
        !read_position(v, "consistent", &o->state.consistent, e))
        return false;
    if (!json_is_integer(json_object_get(v, "epoch")))
        return err_set(e, ERR_INVALID, false, "epoch isn't a number");
    free(o->written);
    o->written = read_text(v, "debezium");
    o->epoch = json_integer_value(json_object_get(v, "epoch"));
    o->has_own = true;
    return true;
}

static StoredTable *entry_of(SourceOffsets *o, const char *schema, const char *table) {
    StoredState *s = &o->state;
    for (size_t i = 0; i < s->table_count; i++)
        if (strcmp(s->tables[i].schema, schema) == 0 && strcmp(s->tables[i].table, table) == 0)
            return &s->tables[i];
    s->tables = x_reallocarray(s->tables, s->table_count + 1, sizeof *s->tables);
    s->tables[s->table_count] = (StoredTable){.schema = x_strdup(schema), .table = x_strdup(table)};
    return &s->tables[s->table_count++];
}

static void forget(SourceOffsets *o, const char *schema, const char *table) {
    StoredTable *t = entry_of(o, schema, table);
    table_done(t);
    *t = o->state.tables[--o->state.table_count];
}

/* An absent one is 0. */
static bool is_number_within(const json_t *o, const char *name, int64_t min, int64_t max, Err *e) {
    json_int_t n = json_integer_value(json_object_get(o, name));
    return (n >= min && n <= max) || err_set(e, ERR_INVALID, false, "%s is out of range", name);
}

static bool take_table(SourceOffsets *o, const json_t *partition, const json_t *v, Err *e) {
    const char *schema = json_string_value(json_object_get(partition, "schema"));
    const char *table = json_string_value(json_object_get(partition, "table"));
    const char *fingerprint = json_string_value(json_object_get(v, "fingerprint"));
    Position floor;
    if (!schema || !table) return err_set(e, ERR_INVALID, false, "a table without a name");
    if (!v) {
        forget(o, schema, table);
        return true;
    }
    if (!fingerprint || !read_position(v, "floor", &floor, e))
        return err_set(e, ERR_INVALID, false, "a table's value lacks something");
    if (!is_number_within(v, "chunks_done", 0, UINT32_MAX, e) ||
        !is_number_within(v, "instance", INT32_MIN, INT32_MAX, e) ||
        !is_number_within(v, "asked", BATCH_NOT_ASKED, BATCH_ASKED_BLOCKING, e))
        return false;
    StoredTable *t = entry_of(o, schema, table);
    StoredTable now = {.schema = TAKE(t->schema), .table = TAKE(t->table)};
    table_done(t);
    now.chunks_done = (uint32_t)json_integer_value(json_object_get(v, "chunks_done"));
    now.upper_key = read_text(v, "upper_key");
    now.is_done = json_is_true(json_object_get(v, "is_done"));
    now.is_streaming = json_is_true(json_object_get(v, "is_streaming"));
    now.fingerprint = strtoull(fingerprint, NULL, 16);
    now.instance = (int32_t)json_integer_value(json_object_get(v, "instance"));
    now.floor = floor;
    now.is_whole = json_is_true(json_object_get(v, "is_whole"));
    now.asked = (BatchAsked)json_integer_value(json_object_get(v, "asked"));
    now.is_paused = json_is_true(json_object_get(v, "is_paused"));
    now.filter = read_text(v, "filter");
    now.key = read_text(v, "key");
    *t = now;
    return true;
}

static bool is_text(const json_t *o, const char *name, Str text) {
    const json_t *v = json_object_get(o, name);
    return json_is_string(v) && str_eq((Str){json_string_value(v), json_string_length(v)}, text);
}

/* The partition of a key of ours for this task, or NULL; *ret_key is the caller's to free. */
static const json_t *own_partition(const SourceOffsetsKey *k, Str key, json_t **ret_key) {
    static const char mark[] = ",{\"millrace\":";
    *ret_key = NULL;
    if (!key.n || !memmem(key.p, key.n, mark, sizeof mark - 1)) return NULL;
    *ret_key = json_loadb(key.p, key.n, 0, NULL);
    const json_t *name = json_array_get(*ret_key, 0), *partition = json_array_get(*ret_key, 1);
    bool is_ours = json_is_string(name) &&
                   str_eq((Str){json_string_value(name), json_string_length(name)}, k->connector) &&
                   is_text(partition, "server", k->prefix) && is_text(partition, "database", k->database);
    return is_ours ? partition : NULL;
}

static bool take_own(SourceOffsets *o, const json_t *partition, Str value, Err *e) {
    json_t *v = value.p ? json_loadb(value.p, value.n, 0, NULL) : NULL;
    bool is_sound = !value.p || json_is_object(v), ok = true;
    if (!is_sound) ok = err_set(e, ERR_INVALID, false, "not a JSON object");
    else if (is_text(partition, "millrace", STR_LIT("table"))) ok = take_table(o, partition, v, e);
    else if (is_text(partition, "millrace", STR_LIT("position"))) {
        if (v) ok = take_position(o, v, e);
        else { /* somebody has reset the connector's offsets */ o->has_own = false;
            o->inside = o->state.position = o->state.consistent = (Position){0};
        }
    }
    json_decref(v);
    return ok;
}

bool source_offsets_take(SourceOffsets *o, const SourceOffsetsKey *k, Str key, Str value, Err *e) {
    CLEANUP(buf_done) Buf theirs = {0};
    json_t *parsed = NULL;
    connect_offset_key(k->connector, k->prefix, k->database, &theirs);
    if (str_eq(key, buf_view(&theirs))) {
        free(o->debezium);
        o->debezium = value.p ? str_dup(value) : NULL;
        return true;
    }
    const json_t *partition = own_partition(k, key, &parsed);
    bool ok = !partition || take_own(o, partition, value, e);
    json_decref(parsed);
    return ok;
}

static void drop_table(SourceOffsets *o, size_t i) {
    StoredState *s = &o->state, *gone = &o->gone;
    gone->tables = x_reallocarray(gone->tables, gone->table_count + 1, sizeof *gone->tables);
    gone->tables[gone->table_count++] = s->tables[i];
    s->tables[i] = s->tables[--s->table_count];
}

void source_offsets_settle(SourceOffsets *o) {
    StoredState *s = &o->state;
    if (!o->has_own) {
        while (s->table_count > 0) drop_table(o, s->table_count - 1);
        return;
    }
    const Position position = s->position;
    stored_state_move(s, &position);
}

void source_offsets_replace(SourceOffsets *o, StoredState *state) {
    StoredState *s = &o->state;
    for (size_t i = s->table_count; i-- > 0;)
        if (!stored_state_table(state, str_from(s->tables[i].schema), str_from(s->tables[i].table)))
            drop_table(o, i);
    stored_state_done(s);
    *s = *state;
    *state = (StoredState){0};
}

void source_offsets_drop_unread(SourceOffsets *o, const TableFilter *filter) {
    CLEANUP(buf_done) Buf name = {0};
    for (size_t i = o->state.table_count; i-- > 0;) {
        const StoredTable *t = &o->state.tables[i];
        buf_clear(&name);
        buf_printf(&name, "%s.%s", t->schema, t->table);
        if (t->instance == 0 && !table_filter_wants(filter, buf_view(&name))) drop_table(o, i);
    }
}
