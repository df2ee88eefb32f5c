/*
 * A row is filled by moves: each takes one field of a struct, converts it and puts it into one column. The
 * key's columns come from the record's key where pk.mode says so, also where the value has a field of that
 * name: that is what both JDBC sinks bind, and what the topic's partitioning and compaction went by.
 */
#include "convert/change_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PARAM_COLUMN "__debezium.source.column.name"

static const char *const KAFKA_NAMES[3] = {"__connect_topic", "__connect_partition", "__connect_offset"};

typedef struct Compile {
    const ChangeRules *rules;
    Str topic;
    const ConnectSchema *key, *row, *before; /* NULL = there is none */
    bool has_key;
    ChangePlan *p;
} Compile;

/* ---- what kind of records they are ---- */

static int find(const ConnectSchema *s, const char *name) {
    return connect_schema_find(s, str_from(name));
}

/* Field of that type, or -1. */
static int find_typed(const ConnectSchema *s, const char *name, ConnectType type) {
    int at = find(s, name);
    return at >= 0 && s->fields[at].schema->type == type ? at : -1;
}

/* By its shape, not its name, which SetSchemaMetadata may have changed. */
static bool find_envelope(const ConnectSchema *s, EnvelopePlaces *at) {
    *at = (EnvelopePlaces){.before = find_typed(s, "before", CONNECT_STRUCT),
                           .after = find_typed(s, "after", CONNECT_STRUCT),
                           .source = find_typed(s, "source", CONNECT_STRUCT),
                           .op = find_typed(s, "op", CONNECT_STRING)};
    if (at->after < 0 || at->source < 0 || at->op < 0) return false;
    const ConnectSchema *source = s->fields[at->source].schema;
    at->commit_lsn = find_typed(source, "commit_lsn", CONNECT_STRING);
    at->change_lsn = find_typed(source, "change_lsn", CONNECT_STRING);
    at->event_serial_no = find_typed(source, "event_serial_no", CONNECT_INT64);
    at->snapshot = find_typed(source, "snapshot", CONNECT_STRING);
    at->ts_ms = find_typed(source, "ts_ms", CONNECT_INT64);
    at->ts_us = find_typed(source, "ts_us", CONNECT_INT64);
    at->name = find_typed(source, "name", CONNECT_STRING);
    at->db = find_typed(source, "db", CONNECT_STRING);
    at->schema = find_typed(source, "schema", CONNECT_STRING);
    at->table = find_typed(source, "table", CONNECT_STRING);
    return true;
}

static ChangeSkip not_a_row(const ConnectSchema *s) {
    static const struct {
        const char *end;
        ChangeSkip skip;
    } known[] = {{"io.debezium.connector.common.Heartbeat", CHANGE_SKIP_HEARTBEAT},
                 {".SchemaChangeValue", CHANGE_SKIP_SCHEMA},
                 {"io.debezium.connector.common.TransactionMetadataValue", CHANGE_SKIP_TRANSACTION}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_ends(s->name, str_from(known[i].end))) return known[i].skip;
    return CHANGE_SKIP_NONE;
}

static bool find_kind(Compile *c, const ConnectSchema *value, Err *e) {
    ChangePlan *p = c->p;
    if (!value) {
        p->kind = CHANGE_KIND_KEY;
        return true;
    }
    if (value->type != CONNECT_STRUCT)
        return err_set(e, ERR_DATA, false,
                       "its value is of Connect's type %s; a table's row needs a struct with named fields",
                       connect_type_name(value->type));
    p->skip = not_a_row(value);
    if (p->skip != CHANGE_SKIP_NONE) {
        p->kind = CHANGE_KIND_SKIPPED;
    } else if (find_envelope(value, &p->at)) {
        p->kind = CHANGE_KIND_ENVELOPE;
        c->row = value->fields[p->at.after].schema;
        c->before = p->at.before < 0 ? NULL : value->fields[p->at.before].schema;
    } else {
        p->kind = CHANGE_KIND_FLAT;
        c->row = value;
        p->deleted_at = c->rules->may_delete ? find(value, "__deleted") : -1;
        if (p->deleted_at >= 0) p->deleted_type = value->fields[p->deleted_at].schema->type;
        if (p->deleted_at >= 0 && p->deleted_type != CONNECT_STRING && p->deleted_type != CONNECT_BOOLEAN)
            p->deleted_at = -1;
    }
    return true;
}

/* ---- fields that are wanted ---- */

/* "field" or "topic:field". */
static bool names(const char *entry, Str topic, Str field) {
    Str text = str_trim(str_from(entry));
    if (str_eq(text, field)) return true;
    return text.n == topic.n + 1 + field.n && text.p[topic.n] == ':' &&
           str_eq(str_sub(text, 0, topic.n), topic) && str_eq(str_sub(text, topic.n + 1, field.n), field);
}

static bool list_names(const TextList *list, Str topic, Str field) {
    for (size_t i = 0; list && i < list->count; i++)
        if (names(list->items[i], topic, field)) return true;
    return false;
}

static bool is_wanted(const Compile *c, Str field) {
    const TextList *include = c->rules->include;
    if (include && include->count > 0 && !list_names(include, c->topic, field)) return false;
    return !list_names(c->rules->exclude, c->topic, field);
}

/* ---- the key ---- */

/* Whether pk.fields names it, and as which; of an empty list everything is a key, in its own place. */
static int key_place(const Compile *c, Str field, size_t own_place) {
    const TextList *list = c->rules->key_fields;
    if (!list || list->count == 0) return (int)own_place + 1;
    for (size_t i = 0; i < list->count; i++)
        if (str_eq_c(field, list->items[i])) return (int)i + 1;
    return 0;
}

static Column *add_column(Compile *c, const WireColumn *wire, int key_at) {
    Column *column = &c->p->columns[c->p->column_count++];
    *column = wire->column;
    column->column_id = (int32_t)c->p->column_count;
    column->key = (int16_t)key_at;
    if (key_at > 0) {
        column->is_nullable = false;
        c->p->key_count++;
    }
    return column;
}

/* What no table can have, whatever the target: a record's fault, not the table's. */
static bool check_column(const Compile *c, Str name, size_t field, Err *e) {
    if (name.n == 0 || memchr(name.p, 0, name.n))
        return err_set(e, ERR_DATA, false,
                       "its field %zu has a name that no column can have (%s); rename it (ReplaceField), or "
                       "leave it out",
                       field + 1, name.n == 0 ? "an empty one" : "with U+0000 in it");
    if (c->p->column_count < SCHEMA_MAX_COLUMNS && field <= UINT16_MAX) return true;
    return err_set(e, ERR_DATA, false,
                   "its row has more than %d columns, the most that a table may have here; "
                   "field.exclude.list leaves some out",
                   SCHEMA_MAX_COLUMNS);
}

static bool add_move(Compile *c, ChangeMove *to, Str field_name, const ConnectSchema *s, size_t field,
                     int key_at, Err *e) {
    Str of_source = c->rules->source_names_columns ? connect_schema_param(s, PARAM_COLUMN) : (Str){0};
    Str name = of_source.p ? of_source : field_name;
    if (!check_column(c, name, field, e)) return false;
    if (!wire_column_of(name, s, &to->wire, e)) return false;
    bool is_filled = c->rules->fills_defaults && s->has_default && !value_is_null(&s->default_value);
    to->filled = is_filled ? s : NULL;
    to->field = (uint16_t)field;
    to->column = (uint16_t)c->p->column_count;
    (void)add_column(c, &to->wire, key_at);
    return true;
}

static size_t key_field_count(const Compile *c) {
    if (c->rules->key_mode != CHANGE_KEY_RECORD_KEY || !c->has_key) return 0;
    return c->key && c->key->type == CONNECT_STRUCT ? c->key->field_count : 1;
}

/* The i-th field of the record's key: its name in the table and its schema. */
static Str key_field_name(const Compile *c, size_t i) {
    if (c->key && c->key->type == CONNECT_STRUCT) return c->key->fields[i].name;
    const TextList *list = c->rules->key_fields;
    return list && list->count == 1 ? str_from(list->items[0]) : (Str){NULL, 0};
}

/* Place in the table's key of the record key's field of that name; 0 = it isn't in the key. */
static int place_in_record_key(const Compile *c, Str field, size_t *ret_at) {
    for (size_t i = 0, n = key_field_count(c); i < n; i++)
        if (str_eq(key_field_name(c, i), field)) {
            *ret_at = i;
            return key_place(c, field, i);
        }
    return 0;
}

static bool check_key(const Compile *c, Err *e) {
    const TextList *list = c->rules->key_fields;
    if (c->rules->key_mode != CHANGE_KEY_RECORD_KEY) return true;
    if (!c->has_key) {
        if (c->p->kind == CHANGE_KIND_ENVELOPE) return true; /* a table without a key */
        return err_set(
            e, ERR_DATA, false,
            "it has no key, which pk.mode=record_key needs; use pk.mode=record_value, or ValueToKey");
    }
    if (c->key && c->key->type != CONNECT_STRUCT && c->key->type >= CONNECT_ARRAY)
        return err_set(e, ERR_DATA, false, "its key is of Connect's type %s",
                       connect_type_name(c->key->type));
    if (!(c->key && c->key->type == CONNECT_STRUCT) && (!list || list->count != 1))
        return err_set(
            e, ERR_DATA, false,
            "its key is a single value, not a struct: pk.fields has to name exactly one column for it");
    for (size_t i = 0; list && i < list->count; i++) {
        size_t at;
        if (place_in_record_key(c, str_from(list->items[i]), &at) == 0)
            return err_set(e, ERR_DATA, false, "pk.fields names %s, which isn't a field of its key",
                           list->items[i]);
    }
    return true;
}

static const ConnectSchema *key_field_schema(const Compile *c, size_t i, const ConnectSchema *text) {
    if (!c->key) return text;
    return c->key->type == CONNECT_STRUCT ? c->key->fields[i].schema : c->key;
}

/* The column of the record key's i-th field. */
static bool add_key_move(Compile *c, size_t i, int place, Err *e) {
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, /* is_optional= */ true);
    bool ok = add_move(c, &c->p->key[c->p->key_move_count++], key_field_name(c, i),
                       key_field_schema(c, i, text), i, place, e);
    connect_schema_unref(text);
    return ok;
}

/* ---- columns ---- */

/* The field in `before` with the same name and form of value. */
static int place_before(const Compile *c, Str name, const ConnectSchema *s) {
    int at = c->before ? connect_schema_find(c->before, name) : -1;
    if (at < 0) return -1;
    const ConnectSchema *before = c->before->fields[at].schema;
    return before->type == s->type && str_eq(before->name, s->name) ? at : -1;
}

static bool add_row_field(Compile *c, size_t field, Err *e) {
    ChangePlan *p = c->p;
    Str name = c->row->fields[field].name;
    size_t at = 0;
    int place = place_in_record_key(c, name, &at);
    if (place > 0) return add_key_move(c, at, place, e);
    if (c->rules->key_mode == CHANGE_KEY_RECORD_VALUE) place = key_place(c, name, p->key_count);
    bool is_deleted_mark = p->kind == CHANGE_KIND_FLAT && p->deleted_at == (int)field;
    if (is_deleted_mark || (place == 0 && !is_wanted(c, name))) return true;
    p->row_before[p->row_count] = place_before(c, name, c->row->fields[field].schema);
    return add_move(c, &p->row[p->row_count++], name, c->row->fields[field].schema, field, place, e);
}

static bool has_row_field(const Compile *c, Str name) {
    for (size_t i = 0; i < c->p->row_count; i++)
        if (str_eq(c->row->fields[c->p->row[i].field].name, name)) return true;
    return false;
}

static bool has_key_field(const ChangePlan *p, size_t field) {
    for (size_t i = 0; i < p->key_move_count; i++)
        if (p->key[i].field == field) return true;
    return false;
}

static void add_kafka_columns(Compile *c) {
    static const SqlType types[3] = {SQLTYPE_NVARCHAR, SQLTYPE_INT, SQLTYPE_BIGINT};
    const TextList *list = c->rules->key_fields;
    for (int i = 0; i < 3; i++) {
        const char *name = list && list->count == 3 ? list->items[i] : KAFKA_NAMES[i];
        WireColumn w = {
            .column = {
                .name = str_from(name), .type = types[i], .length = i == 0 ? -1 : 0, .is_lob = i == 0}};
        c->p->kafka[i] = (int)c->p->column_count;
        (void)add_column(c, &w, i + 1);
    }
}

static bool check_value_key(const Compile *c, Err *e) {
    const TextList *list = c->rules->key_fields;
    for (size_t i = 0; c->rules->key_mode == CHANGE_KEY_RECORD_VALUE && list && i < list->count; i++)
        if (!has_row_field(c, str_from(list->items[i])))
            return err_set(e, ERR_DATA, false, "pk.fields names %s, which isn't a field of its value",
                           list->items[i]);
    return true;
}

static bool add_columns(Compile *c, Err *e) {
    ChangePlan *p = c->p;
    size_t most = (c->row ? c->row->field_count : 0) + key_field_count(c) + 3;
    p->columns = ARENA_ARRAY(&p->arena, Column, most);
    p->row = ARENA_ARRAY(&p->arena, ChangeMove, most);
    p->row_before = ARENA_ARRAY(&p->arena, int, most);
    p->key = ARENA_ARRAY(&p->arena, ChangeMove, most);
    for (size_t i = 0; c->row && i < c->row->field_count; i++)
        if (!add_row_field(c, i, e)) return false;
    for (size_t i = 0, n = key_field_count(c); i < n; i++) {
        int place = key_place(c, key_field_name(c, i), i);
        if (place > 0 && !has_key_field(p, i) && !add_key_move(c, i, place, e)) return false;
    }
    if (c->rules->key_mode == CHANGE_KEY_KAFKA) add_kafka_columns(c);
    if (!check_value_key(c, e)) return false;
    if (p->column_count == 0) return err_set(e, ERR_DATA, false, "no field of it is to be written");
    return true;
}

bool change_plan_new(const ChangeRules *rules, Str topic, const ConnectSchema *key_schema, bool has_key,
                     const ConnectSchema *value_schema, ChangePlan **ret, Err *e) {
    ChangePlan *p = x_calloc(1, sizeof *p);
    p->deleted_at = p->kafka[0] = p->kafka[1] = p->kafka[2] = -1;
    Compile c = {.rules = rules, .topic = topic, .key = key_schema, .has_key = has_key, .p = p};
    bool ok = find_kind(&c, value_schema, e);
    if (ok && p->kind != CHANGE_KIND_SKIPPED) ok = check_key(&c, e) && add_columns(&c, e);
    if (!ok) {
        change_plan_free(p);
        return false;
    }
    p->wants_before = p->key_count == 0 && rules->key_mode == CHANGE_KEY_RECORD_KEY;
    p->is_key_primitive = has_key && !(key_schema && key_schema->type == CONNECT_STRUCT);
    *ret = p;
    return true;
}

ChangePlan *change_plan_free(ChangePlan *p) {
    if (!p) return NULL;
    arena_done(&p->arena);
    free(p);
    return NULL;
}

/* ---- rows ---- */

/* The value at v, or what stands for it. The default is copied: a plan may be forgotten before its rows. */
static const Value *filled(const ChangeMove *m, const Value *v, Arena *a) {
    if (!m->filled || !value_is_null(v)) return v;
    Value *copy = ARENA_ARRAY(a, Value, 1);
    *copy = connect_value_copy(m->filled, &m->filled->default_value, a);
    return copy;
}

static bool fill_key(const ChangePlan *p, const Record *r, Arena *a, Value *row, Err *e) {
    for (size_t i = 0; i < p->key_move_count; i++) {
        const ChangeMove *m = &p->key[i];
        const Value *v = filled(m, p->is_key_primitive ? &r->key : record_field(&r->key, m->field), a);
        if (value_is_null(v))
            return err_set(e, ERR_DATA, false, "field " STR_FMT " of its key is null",
                           STR_ARG(m->wire.column.name));
        if (!wire_column_convert(&m->wire, v, a, &row[m->column], e)) return false;
    }
    if (p->kafka[0] >= 0) {
        row[p->kafka[0]] = value_bytes(r->topic.p, (uint32_t)r->topic.n);
        row[p->kafka[1]] = value_int(r->partition);
        row[p->kafka[2]] = value_int(r->offset);
    }
    return true;
}

static const Value absent = {.flags = VALUE_ABSENT};

bool change_plan_row(const ChangePlan *p, const Record *r, const Value *fields, bool is_before, Arena *a,
                     const Value **ret, Err *e) {
    Value *row = ARENA_ARRAY(a, Value, p->column_count + 1);
    if (!fill_key(p, r, a, row, e)) return false;
    for (size_t i = 0; i < p->row_count; i++) {
        const ChangeMove *m = &p->row[i];
        int at = is_before ? p->row_before[i] : (int)m->field;
        const Value *v = !fields || at < 0 ? &absent : filled(m, record_field(fields, (size_t)at), a);
        if (!wire_column_convert(&m->wire, v, a, &row[m->column], e)) return false;
    }
    *ret = row;
    return true;
}
