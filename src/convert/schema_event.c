/*
 * The event is a struct like any other. The history record is written field by field in the form that
 * Debezium's writer gives it (Jackson's default pretty printer): two blanks a level, arrays on one line.
 */
#include "convert/schema_event.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "convert/java_json.h"
#include "convert/jdbc_column.h"

enum { COLUMN_FIELDS = 15, CHANGE_FIELDS = 3, TABLE_FIELDS = 4, VALUE_FIELDS = 6 };

static const char *type_name(SchemaEventType type) {
    static const char *const names[] = {"CREATE", "ALTER", "DROP"};
    return names[type];
}

/* One part of a name in double quotes, as Debezium puts them. */
static void put_quoted(Str part, Buf *out) {
    if (part.n && (part.p[0] == '"' || part.p[part.n - 1] == '"')) {
        buf_str(out, part);
        return;
    }
    buf_u8(out, '"');
    for (size_t i = 0; i < part.n; i++) {
        if (part.p[i] == '"') buf_u8(out, '"');
        buf_u8(out, (uint8_t)part.p[i]);
    }
    buf_u8(out, '"');
}

static void put_id(const Schema *s, Buf *out) {
    put_quoted(s->database, out);
    buf_u8(out, '.');
    put_quoted(s->schema, out);
    buf_u8(out, '.');
    put_quoted(s->table, out);
}

/* ---- the event ---- */

/* Schemas of ours: a failure is a bug. */
static const ConnectSchema *make(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) assert(!"a schema of ours isn't one");
    return s;
}

static const ConnectSchema *struct_of(const WireOptions *o, const char *name, bool is_optional,
                                      const ConnectField *fields, size_t count) {
    CLEANUP(arena_done) Arena a = {0};
    const ConnectSchema *s =
        make(&(ConnectSchema){.type = CONNECT_STRUCT,
                              .is_optional = is_optional,
                              .name = name_adjust_schema(o->schema_names, str_from(name), &a),
                              .version = 1,
                              .fields = fields,
                              .field_count = count});
    for (size_t i = 0; i < count; i++) connect_schema_unref(fields[i].schema);
    return s;
}

static const ConnectSchema *array_of(const ConnectSchema *item, bool is_optional) {
    const ConnectSchema *s =
        make(&(ConnectSchema){.type = CONNECT_ARRAY, .is_optional = is_optional, .value = item});
    connect_schema_unref(item);
    return s;
}

static const ConnectSchema *column_schema(const WireOptions *o) {
    static const struct {
        const char *name;
        ConnectType type;
        bool is_optional;
    } specs[] = {{"name", CONNECT_STRING, false},
                 {"jdbcType", CONNECT_INT32, false},
                 {"nativeType", CONNECT_INT32, true},
                 {"typeName", CONNECT_STRING, false},
                 {"typeExpression", CONNECT_STRING, true},
                 {"charsetName", CONNECT_STRING, true},
                 {"length", CONNECT_INT32, true},
                 {"scale", CONNECT_INT32, true},
                 {"position", CONNECT_INT32, false},
                 {"optional", CONNECT_BOOLEAN, true},
                 {"autoIncremented", CONNECT_BOOLEAN, true},
                 {"generated", CONNECT_BOOLEAN, true},
                 {"comment", CONNECT_STRING, true},
                 {"defaultValueExpression", CONNECT_STRING, true}};
    ConnectField fields[COLUMN_FIELDS];
    for (size_t i = 0; i < COLUMN_FIELDS - 1; i++)
        fields[i] = (ConnectField){str_from(specs[i].name),
                                   connect_schema_plain(specs[i].type, specs[i].is_optional)};
    fields[COLUMN_FIELDS - 1] =
        (ConnectField){STR_LIT("enumValues"), array_of(connect_schema_plain(CONNECT_STRING, false), true)};
    return struct_of(o, "io.debezium.connector.schema.Column", false, fields, COLUMN_FIELDS);
}

static const ConnectSchema *table_schema(const WireOptions *o) {
    const ConnectField fields[TABLE_FIELDS] = {
        {STR_LIT("defaultCharsetName"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("primaryKeyColumnNames"), array_of(connect_schema_plain(CONNECT_STRING, false), true)},
        {STR_LIT("columns"), array_of(column_schema(o), false)},
        {STR_LIT("comment"), connect_schema_plain(CONNECT_STRING, true)}};
    return struct_of(o, "io.debezium.connector.schema.Table", true, fields, TABLE_FIELDS);
}

static const ConnectSchema *value_schema(const WireOptions *o) {
    const ConnectField change[CHANGE_FIELDS] = {
        {STR_LIT("type"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("id"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("table"), table_schema(o)}};
    const ConnectSchema *changes =
        array_of(struct_of(o, "io.debezium.connector.schema.Change", false, change, CHANGE_FIELDS), false);
    const ConnectField fields[VALUE_FIELDS] = {
        {STR_LIT("source"), envelope_source_schema(o)},
        {STR_LIT("ts_ms"), connect_schema_plain(CONNECT_INT64, false)},
        {STR_LIT("databaseName"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("schemaName"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("ddl"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("tableChanges"), changes}};
    return struct_of(o, "io.debezium.connector.sqlserver.SchemaChangeValue", false, fields, VALUE_FIELDS);
}

static Value text(Str s, Arena *a) {
    Str copy = arena_str(a, s);
    return value_bytes(copy.p, (uint32_t)copy.n);
}

static Value column_value(const Column *c, size_t position, RecordBatch *out) {
    JdbcColumn j;
    jdbc_column(c, &j);
    Value *f = record_batch_row(out, COLUMN_FIELDS);
    size_t n = 0;
    f[n++] = text(c->name, &out->arena);
    f[n++] = value_int(j.jdbc_type);
    f[n++] = value_null();
    f[n++] = text(str_from(j.type_name), &out->arena);
    f[n++] = text(str_from(j.type_name), &out->arena);
    f[n++] = value_null();
    f[n++] = value_int(j.length);
    f[n++] = j.has_scale ? value_int(j.scale) : value_null();
    f[n++] = value_int((int64_t)position);
    f[n++] = value_int(c->is_nullable);
    f[n++] = value_int(c->is_identity);
    f[n++] = value_int(c->is_computed);
    f[n++] = value_null();
    f[n++] = c->default_text.n ? text(c->default_text, &out->arena) : value_null();
    f[n++] = value_null();
    return record_struct(f, n);
}

/* The table's own key, where the records' is another one. */
static size_t key_of(const Schema *s, const uint16_t **ret) {
    *ret = s->has_table_key ? s->table_key : s->key;
    return s->has_table_key ? s->table_key_count : s->key_count;
}

static Value table_value(const SchemaEvent *ev, RecordBatch *out) {
    const Schema *s = ev->schema;
    const uint16_t *key;
    size_t key_count = key_of(s, &key);
    Value *keys = record_batch_row(out, key_count), *columns = record_batch_row(out, s->column_count);
    for (size_t i = 0; i < key_count; i++) keys[i] = text(s->columns[key[i]].name, &out->arena);
    for (size_t i = 0; i < s->column_count; i++) columns[i] = column_value(&s->columns[i], i + 1, out);
    Value *f = record_batch_row(out, TABLE_FIELDS);
    f[0] = value_null();
    f[1] = record_struct(keys, key_count);
    f[2] = record_struct(columns, s->column_count);
    f[3] = value_null();
    return record_struct(f, TABLE_FIELDS);
}

static Value changes_value(const SchemaEvent *ev, RecordBatch *out) {
    CLEANUP(buf_done) Buf id = {0};
    put_id(ev->schema, &id);
    Value *change = record_batch_row(out, CHANGE_FIELDS), *list = record_batch_row(out, 1);
    change[0] = text(str_from(type_name(ev->type)), &out->arena);
    change[1] = text(buf_view(&id), &out->arena);
    change[2] = ev->type == SCHEMA_EVENT_DROP ? value_null() : table_value(ev, out);
    list[0] = record_struct(change, CHANGE_FIELDS);
    return record_struct(list, 1);
}

void schema_event_add(const SchemaEvent *ev, const WireOptions *o, RecordBatch *out) {
    const ConnectField key_field = {STR_LIT("databaseName"), connect_schema_plain(CONNECT_STRING, false)};
    const ConnectSchema *key_schema =
        struct_of(o, "io.debezium.connector.sqlserver.SchemaChangeKey", false, &key_field, 1);
    const ConnectSchema *schema = value_schema(o);
    const Schema *s = ev->schema;
    Arena *a = &out->arena;
    Record *r = record_batch_add(out);
    record_batch_hold_schema(out, key_schema);
    record_batch_hold_schema(out, schema);
    Value *key = record_batch_row(out, 1), *f = record_batch_row(out, VALUE_FIELDS);
    key[0] = text(s->database, a);
    f[0] = envelope_source(o, arena_str(a, s->database), arena_str(a, s->schema), arena_str(a, s->table),
                           &ev->meta, a);
    f[1] = value_int(ev->ts_ms);
    f[2] = key[0];
    f[3] = text(s->schema, a);
    f[4] = ev->is_streaming ? value_bytes("N/A", 3) : value_null();
    f[5] = changes_value(ev, out);
    r->topic = str_from(o->prefix);
    r->partition = 0;
    r->key_schema = key_schema;
    r->value_schema = schema;
    r->key = record_struct(key, 1);
    r->value = record_struct(f, VALUE_FIELDS);
    connect_schema_unref(key_schema);
    connect_schema_unref(schema);
}

/* ---- the history record ---- */

typedef struct Writer {
    Buf *out;
    int depth;
    bool has_field; /* of the object being written */
} Writer;

static void line(Writer *w) {
    buf_u8(w->out, '\n');
    for (int i = 0; i < w->depth; i++) buf_cstr(w->out, "  ");
}

static void open_object(Writer *w) {
    buf_u8(w->out, '{');
    w->depth++;
    w->has_field = false;
}

static void close_object(Writer *w) {
    w->depth--;
    if (w->has_field) line(w);
    else buf_u8(w->out, ' ');
    buf_u8(w->out, '}');
    w->has_field = true; /* of the one around it */
}

static void name(Writer *w, Str key) {
    if (w->has_field) buf_u8(w->out, ',');
    w->has_field = true;
    line(w);
    java_json_text(key, w->out);
    buf_cstr(w->out, " : ");
}

static void put_text(Writer *w, const char *key, Str value) {
    name(w, str_from(key));
    if (value.p) java_json_text(value, w->out);
    else buf_cstr(w->out, "null");
}
static void put_int(Writer *w, const char *key, int64_t value) {
    name(w, str_from(key));
    buf_printf(w->out, "%lld", (long long)value);
}
static void put_bool(Writer *w, const char *key, bool value) {
    name(w, str_from(key));
    buf_cstr(w->out, value ? "true" : "false");
}

static const Str NOTHING = {NULL, 0};

static void put_column(Writer *w, const Column *c, size_t position) {
    JdbcColumn j;
    jdbc_column(c, &j);
    open_object(w);
    put_text(w, "name", c->name);
    put_int(w, "jdbcType", j.jdbc_type);
    put_text(w, "typeName", str_from(j.type_name));
    put_text(w, "typeExpression", str_from(j.type_name));
    put_text(w, "charsetName", NOTHING);
    put_int(w, "length", j.length);
    if (j.has_scale) put_int(w, "scale", j.scale);
    put_int(w, "position", (int64_t)position);
    put_bool(w, "optional", c->is_nullable);
    put_bool(w, "autoIncremented", c->is_identity);
    put_bool(w, "generated", c->is_computed);
    put_text(w, "comment", NOTHING);
    put_bool(w, "hasDefaultValue", c->default_text.n > 0 || c->is_nullable); /* NULL is one, too */
    if (c->default_text.n) put_text(w, "defaultValueExpression", c->default_text);
    name(w, STR_LIT("enumValues"));
    buf_cstr(w->out, "[ ]");
    close_object(w);
}

static void put_table(Writer *w, const SchemaEvent *ev) {
    const Schema *s = ev->schema;
    const uint16_t *key;
    size_t key_count = key_of(s, &key);
    open_object(w);
    put_text(w, "defaultCharsetName", NOTHING);
    name(w, STR_LIT("primaryKeyColumnNames"));
    buf_cstr(w->out, "[ ");
    for (size_t i = 0; i < key_count; i++) {
        if (i) buf_cstr(w->out, ", ");
        java_json_text(s->columns[key[i]].name, w->out);
    }
    buf_cstr(w->out, key_count ? " ]" : "]");
    name(w, STR_LIT("columns"));
    buf_cstr(w->out, "[ ");
    for (size_t i = 0; i < s->column_count; i++) {
        if (i) buf_cstr(w->out, ", ");
        put_column(w, &s->columns[i], i + 1);
    }
    buf_cstr(w->out, " ]");
    name(w, STR_LIT("attributes"));
    buf_cstr(w->out, "[ ]");
    close_object(w);
}

static void put_position(Writer *w, const ConnectOffset *at, WireVersion version) {
    CLEANUP(arena_done) Arena a = {0};
    size_t count;
    const ConnectOffsetEntry *entries = connect_offset_entries(at, version, &a, &count);
    open_object(w);
    for (size_t i = 0; i < count; i++) {
        name(w, entries[i].key);
        buf_cstr(w->out, entries[i].json);
    }
    close_object(w);
}

void schema_event_history(const SchemaEvent *ev, const ConnectOffset *at, const WireOptions *o, Buf *out) {
    CLEANUP(buf_done) Buf id = {0};
    Writer w = {.out = out};
    const Schema *s = ev->schema;
    put_id(s, &id);
    open_object(&w);
    name(&w, STR_LIT("source"));
    open_object(&w);
    put_text(&w, "server", str_from(o->prefix));
    put_text(&w, "database", s->database);
    close_object(&w);
    name(&w, STR_LIT("position"));
    put_position(&w, at, o->version);
    put_int(&w, "ts_ms", ev->ts_ms);
    put_text(&w, "databaseName", s->database);
    put_text(&w, "schemaName", s->schema);
    if (ev->is_streaming) put_text(&w, "ddl", STR_LIT("N/A"));
    name(&w, STR_LIT("tableChanges"));
    buf_cstr(out, "[ ");
    open_object(&w);
    put_text(&w, "type", str_from(type_name(ev->type)));
    put_text(&w, "id", buf_view(&id));
    if (ev->type != SCHEMA_EVENT_DROP) {
        name(&w, STR_LIT("table"));
        put_table(&w, ev);
        put_text(&w, "comment", NOTHING);
    }
    close_object(&w);
    buf_cstr(out, " ]");
    close_object(&w);
}
