/*
 * Schemas are built once. A row is converted column by column into the batch's arena; the source block is a
 * copy of a template in which only times, LSNs and the mark are set.
 */
#include "convert/envelope.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/wire_field.h"

enum { SOURCE_MAX = 14, ENVELOPE_MAX = 8 };

struct Envelope {
    atomic_int refs;
    const WireOptions *o;
    const Schema *schema;
    Arena arena; /* names */
    Str topic;
    WireField *columns;  /* those that have a field */
    uint16_t *column_at; /* and where they are in the row */
    size_t column_count;
    WireField *keys;
    size_t key_count;
    const ConnectSchema *key_schema, *row_schema, *value_schema;
};

const char *snapshot_mark_name(SnapshotMark mark) {
    static const char *const names[] = {
        "false", "true",       "first", "first_in_data_collection", "last_in_data_collection",
        "last",  "incremental"};
    return names[mark];
}

/* ---- schemas ---- */

/* For schemas that are ours to get right: a failure is a bug. */
static const ConnectSchema *make(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) assert(!"a schema of ours isn't one");
    return s;
}

static Value text(const char *s) {
    return value_bytes(s, (uint32_t)strlen(s));
}
static Value text_of(Str s) {
    return value_bytes(s.p, (uint32_t)s.n);
}

static const ConnectSchema *mark_schema(WireVersion version) {
    const char *allowed = version == WIRE_3_0 ? "true,first,first_in_data_collection,last_in_data_collection,"
                                                "last,false,incremental"
                                              : "true,last,false,incremental";
    ConnectParam param = {STR_LIT("allowed"), str_from(allowed)};
    return make(&(ConnectSchema){.type = CONNECT_STRING,
                                 .is_optional = true,
                                 .has_default = true,
                                 .default_value = text("false"),
                                 .name = STR_LIT("io.debezium.data.Enum"),
                                 .version = 1,
                                 .params = &param,
                                 .param_count = 1});
}

typedef struct FieldSpec {
    const char *name;
    ConnectType type;
    bool is_optional;
} FieldSpec;

static void drop_fields(ConnectField *fields, size_t count) {
    for (size_t i = 0; i < count; i++) connect_schema_unref(fields[i].schema);
}

const ConnectSchema *envelope_source_schema(const WireOptions *o) {
    static const FieldSpec specs[] = {
        {"version", CONNECT_STRING, false},   {"connector", CONNECT_STRING, false},
        {"name", CONNECT_STRING, false},      {"ts_ms", CONNECT_INT64, false},
        {"snapshot", CONNECT_STRING, true},   {"db", CONNECT_STRING, false},
        {"sequence", CONNECT_STRING, true},   {"ts_us", CONNECT_INT64, true},
        {"ts_ns", CONNECT_INT64, true},       {"schema", CONNECT_STRING, false},
        {"table", CONNECT_STRING, false},     {"change_lsn", CONNECT_STRING, true},
        {"commit_lsn", CONNECT_STRING, true}, {"event_serial_no", CONNECT_INT64, true}};
    ConnectField fields[SOURCE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        Str name = str_from(specs[i].name);
        if (o->version == WIRE_2_5 && (str_eq_c(name, "ts_us") || str_eq_c(name, "ts_ns"))) continue;
        const ConnectSchema *s = str_eq_c(name, "snapshot")
                                     ? mark_schema(o->version)
                                     : connect_schema_plain(specs[i].type, specs[i].is_optional);
        fields[count++] = (ConnectField){name, s};
    }
    const ConnectSchema *made =
        make(&(ConnectSchema){.type = CONNECT_STRUCT,
                              .name = STR_LIT("io.debezium.connector.sqlserver.Source"),
                              .fields = fields,
                              .field_count = count});
    drop_fields(fields, count);
    return made;
}

static const ConnectSchema *block_schema(void) {
    ConnectField fields[] = {{STR_LIT("id"), connect_schema_plain(CONNECT_STRING, false)},
                             {STR_LIT("total_order"), connect_schema_plain(CONNECT_INT64, false)},
                             {STR_LIT("data_collection_order"), connect_schema_plain(CONNECT_INT64, false)}};
    const ConnectSchema *made = make(&(ConnectSchema){.type = CONNECT_STRUCT,
                                                      .is_optional = true,
                                                      .name = STR_LIT("event.block"),
                                                      .version = 1,
                                                      .fields = fields,
                                                      .field_count = 3});
    drop_fields(fields, 3);
    return made;
}

static const ConnectSchema *value_schema(const WireOptions *o, Str name, const ConnectSchema *row) {
    const ConnectSchema *source = envelope_source_schema(o), *block = block_schema();
    const ConnectSchema *op = connect_schema_plain(CONNECT_STRING, false);
    const ConnectSchema *time = connect_schema_plain(CONNECT_INT64, true);
    const ConnectField now[] = {{STR_LIT("before"), row},    {STR_LIT("after"), row},
                                {STR_LIT("source"), source}, {STR_LIT("transaction"), block},
                                {STR_LIT("op"), op},         {STR_LIT("ts_ms"), time},
                                {STR_LIT("ts_us"), time},    {STR_LIT("ts_ns"), time}};
    const ConnectField before_2_6[] = {{STR_LIT("before"), row},    {STR_LIT("after"), row},
                                       {STR_LIT("source"), source}, {STR_LIT("op"), op},
                                       {STR_LIT("ts_ms"), time},    {STR_LIT("transaction"), block}};
    bool is_old = o->version == WIRE_2_5;
    const ConnectSchema *made = make(&(ConnectSchema){.type = CONNECT_STRUCT,
                                                      .name = name,
                                                      .version = is_old ? 1 : 2,
                                                      .fields = is_old ? before_2_6 : now,
                                                      .field_count = is_old ? 6 : 8});
    connect_schema_unref(source);
    connect_schema_unref(block);
    connect_schema_unref(op);
    connect_schema_unref(time);
    return made;
}

Str envelope_topic_of(const WireOptions *o, Str database, Str schema, Str table, Arena *a) {
    const char *dot = o->delimiter;
    char *name = o->names_database
                     ? arena_printf(a, "%s%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, o->prefix, dot,
                                    STR_ARG(database), dot, STR_ARG(schema), dot, STR_ARG(table))
                     : arena_printf(a, "%s%s" STR_FMT "%s" STR_FMT, o->prefix, dot, STR_ARG(schema), dot,
                                    STR_ARG(table));
    return name_adjust_topic(str_from(name), a);
}

static Str schema_name(Envelope *v, const char *suffix) {
    char *name = arena_printf(&v->arena, STR_FMT "%s", STR_ARG(v->topic), suffix);
    return name_adjust_schema(v->o->schema_names, str_from(name), &v->arena);
}

/* A struct of the compiled columns. */
static bool columns_schema(Envelope *v, const WireField *columns, size_t count, const char *suffix,
                           bool is_optional, const ConnectSchema **ret, Err *e) {
    CLEANUP_FREE ConnectField *fields = x_calloc(count + 1, sizeof *fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = (ConnectField){name_adjust_field(v->o->field_names, columns[i].column->name, &v->arena),
                                   columns[i].schema};
    ConnectSchema spec = {.type = CONNECT_STRUCT,
                          .is_optional = is_optional,
                          .name = schema_name(v, suffix),
                          .fields = fields,
                          .field_count = count};
    return connect_schema_new(&spec, ret, e) ||
           err_wrap(e, "table %s: the schema of its records", v->schema->qualified);
}

static bool compile_columns(Envelope *v, Err *e) {
    const Schema *s = v->schema;
    v->columns = x_calloc(s->column_count, sizeof *v->columns);
    v->column_at = x_calloc(s->column_count, sizeof *v->column_at);
    v->keys = x_calloc(s->key_count + 1, sizeof *v->keys);
    for (size_t i = 0; i < s->column_count; i++) {
        WireField *c = &v->columns[v->column_count];
        if (!wire_field_init(s, i, /* is_key= */ false, v->o, c, e)) return false;
        if (c->schema) v->column_at[v->column_count++] = (uint16_t)i;
    }
    for (size_t i = 0; i < s->key_count; i++) {
        WireField *c = &v->keys[v->key_count];
        if (!wire_field_init(s, s->key[i], /* is_key= */ true, v->o, c, e)) return false;
        v->key_count += c->schema != NULL;
    }
    return true;
}

bool envelope_new(const Schema *schema, const WireOptions *o, Envelope **ret, Err *e) {
    Envelope *v = x_calloc(1, sizeof *v);
    atomic_init(&v->refs, 1);
    v->o = o;
    v->schema = schema_ref(schema);
    v->topic = envelope_topic_of(o, schema->database, schema->schema, schema->table, &v->arena);
    if (!compile_columns(v, e) ||
        !columns_schema(v, v->columns, v->column_count, ".Value", true, &v->row_schema, e) ||
        (v->key_count && !columns_schema(v, v->keys, v->key_count, ".Key", false, &v->key_schema, e))) {
        envelope_free(v);
        return false;
    }
    v->value_schema = value_schema(o, schema_name(v, ".Envelope"), v->row_schema);
    *ret = v;
    return true;
}

Envelope *envelope_free(Envelope *v) {
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) > 1) return NULL;
    for (size_t i = 0; v->columns && i < v->column_count; i++) wire_field_done(&v->columns[i]);
    for (size_t i = 0; v->keys && i < v->key_count; i++) wire_field_done(&v->keys[i]);
    connect_schema_unref(v->key_schema);
    connect_schema_unref(v->row_schema);
    connect_schema_unref(v->value_schema);
    free(v->columns);
    free(v->column_at);
    free(v->keys);
    arena_done(&v->arena);
    schema_unref(v->schema);
    free(v);
    return NULL;
}

Str envelope_topic(const Envelope *v) {
    return v->topic;
}
const ConnectSchema *envelope_key_schema(const Envelope *v) {
    return v->key_schema;
}
const ConnectSchema *envelope_row_schema(const Envelope *v) {
    return v->row_schema;
}
const ConnectSchema *envelope_schema(const Envelope *v) {
    return v->value_schema;
}

/* ---- values ---- */

Value envelope_lsn(const Lsn *lsn, Arena *a) {
    char *p = arena_bytes(a, LSN_TEXT_SIZE);
    lsn_format(lsn, p);
    return value_bytes(p, LSN_TEXT_SIZE - 1);
}

static int64_t floor_ms(int64_t us) {
    return us / 1000 - (us % 1000 < 0);
}

Value envelope_source(const WireOptions *o, Str database, Str schema, Str table, const EventMeta *m,
                      Arena *a) {
    Value *f = ARENA_ARRAY(a, Value, SOURCE_MAX);
    size_t n = 0;
    f[n++] = text(o->version_text);
    f[n++] = text("sqlserver");
    f[n++] = text(o->prefix);
    f[n++] = value_int(floor_ms(m->source_us));
    f[n++] =
        m->mark == SNAPSHOT_MARK_FALSE ? value_null() : text(snapshot_mark_name(m->mark)); /* its default */
    f[n++] = text_of(database);
    f[n++] = value_null();
    if (o->version != WIRE_2_5) {
        f[n++] = value_int(m->source_us);
        f[n++] = value_int(m->source_us * 1000);
    }
    f[n++] = text_of(schema);
    f[n++] = text_of(table);
    f[n++] = m->change_lsn ? envelope_lsn(m->change_lsn, a) : value_null();
    f[n++] = m->commit_lsn ? envelope_lsn(m->commit_lsn, a) : value_null();
    f[n++] = m->serial_no ? value_int(m->serial_no) : value_null();
    return record_struct(f, n);
}

static Value block_of(const EventTransaction *t, Arena *a) {
    if (!t) return value_null();
    Value *f = ARENA_ARRAY(a, Value, 3);
    f[0] = text_of(t->id);
    f[1] = value_int(t->total_order);
    f[2] = value_int(t->data_collection_order);
    return record_struct(f, 3);
}

static bool row_of(const Envelope *v, const Value *row, RecordBatch *out, Value *ret, Err *e) {
    if (!row) {
        *ret = value_null();
        return true;
    }
    Value *f = record_batch_row(out, v->column_count);
    for (size_t i = 0; i < v->column_count; i++)
        if (!wire_field_value(&v->columns[i], &row[v->column_at[i]], &out->arena, &f[i], e)) return false;
    *ret = record_struct(f, v->column_count);
    return true;
}

static bool key_of(const Envelope *v, const Value *row, RecordBatch *out, Value *ret, Err *e) {
    if (!v->key_schema) {
        *ret = value_null();
        return true;
    }
    Value *f = record_batch_row(out, v->key_count);
    for (size_t i = 0; i < v->key_count; i++) {
        size_t at = (size_t)(v->keys[i].column - v->schema->columns);
        if (!wire_field_value(&v->keys[i], &row[at], &out->arena, &f[i], e)) return false;
    }
    *ret = record_struct(f, v->key_count);
    return true;
}

static const char *op_name(uint8_t op) {
    switch (op) {
    case OP_READ: return "r";
    case OP_CREATE: return "c";
    case OP_UPDATE: return "u";
    case OP_DELETE: return "d";
    default: assert(!"a change that no source makes"); return "";
    }
}

static Value envelope_of(const Envelope *v, const Change *c, const EventMeta *m, const Value rows[static 2],
                         Arena *a) {
    Value *f = ARENA_ARRAY(a, Value, ENVELOPE_MAX);
    const Schema *s = v->schema;
    size_t n = 0;
    f[n++] = rows[0];
    f[n++] = rows[1];
    f[n++] = envelope_source(v->o, s->database, s->schema, s->table, m, a);
    if (v->o->version != WIRE_2_5) f[n++] = block_of(m->transaction, a);
    f[n++] = text(op_name(c->op));
    f[n++] = value_int(floor_ms(m->now_us));
    if (v->o->version == WIRE_2_5) {
        f[n++] = block_of(m->transaction, a);
    } else {
        f[n++] = value_int(m->now_us);
        f[n++] = value_int(m->now_us * 1000);
    }
    return record_struct(f, n);
}

static Record *add_record(const Envelope *v, const Change *c, const Value *key, const RecordHeader *header,
                          RecordBatch *out) {
    Record *r = record_batch_add(out);
    r->topic = v->topic;
    r->key_schema = v->key_schema;
    r->key = *key;
    r->source = c;
    if (header->key.n) record_add_header(out, r, *header);
    return r;
}

static void let_go(void *v) {
    envelope_free(v);
}

/* Keep the envelope alive with the records; once for a run of one table's. */
static void hold(const Envelope *v, RecordBatch *out) {
    if (record_batch_holds_schema(out, v->value_schema)) return;
    Envelope *held = (Envelope *)(uintptr_t)v;
    atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    record_batch_hold(out, held, let_go);
    record_batch_hold_schema(out, v->value_schema);
}

bool envelope_add(const Envelope *v, const Change *c, const EventMeta *m, RecordBatch *out, Err *e) {
    Value key, other_key, rows[2];
    RecordHeader header = {.value = value_null()};
    if (!key_of(v, change_row(c), out, &key, e) || !row_of(v, c->before, out, &rows[0], e) ||
        !row_of(v, c->after, out, &rows[1], e))
        return false;
    if (m->other && v->key_schema) {
        if (!key_of(v, change_row(m->other), out, &other_key, e)) return false;
        Str name = c->op == OP_DELETE ? STR_LIT("__debezium.newkey") : STR_LIT("__debezium.oldkey");
        header = (RecordHeader){name, v->key_schema, other_key};
    }
    hold(v, out);
    Record *r = add_record(v, c, &key, &header, out);
    r->value_schema = v->value_schema;
    r->value = envelope_of(v, c, m, rows, &out->arena);
    if (c->op == OP_DELETE && v->o->tombstones) (void)add_record(v, c, &key, &header, out);
    return true;
}
