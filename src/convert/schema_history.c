/*
 * Tables by name; each record replaces or drops some. Debezium applies a record when its position's change
 * LSN isn't after the wanted one's, none being before all: the same is done here, so that both see the same
 * tables at the same offset.
 */
#include "convert/schema_history.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "convert/jdbc_column.h"

struct SchemaHistory {
    char *prefix, *database;
    bool has_until, until_has_change;
    Lsn until;
    StrMap *tables; /* by "schema\nname", a Schema each: a reference */
    size_t count;
};

SchemaHistory *schema_history_new(Str prefix, Str database, const ConnectOffset *until) {
    SchemaHistory *h = x_calloc(1, sizeof *h);
    h->prefix = str_dup(prefix);
    h->database = str_dup(database);
    h->has_until = until != NULL;
    if (until) {
        h->until_has_change = until->has_change && !until->is_snapshot;
        h->until = until->change_lsn;
    }
    h->tables = strmap_new(/* ignore_case= */ false);
    return h;
}

SchemaHistory *schema_history_free(SchemaHistory *h) {
    if (!h) return NULL;
    size_t at = 0;
    Str key;
    void *value;
    while (strmap_next(h->tables, &at, &key, &value)) schema_unref(value);
    strmap_free(h->tables);
    free(h->prefix);
    free(h->database);
    free(h);
    return NULL;
}

static Str text_of(const json_t *v) {
    return json_is_string(v) ? (Str){json_string_value(v), json_string_length(v)} : (Str){NULL, 0};
}

static void drop(json_t **v) {
    json_decref(*v);
}

/* ---- names ---- */

/* The next part of "\"db\".\"schema\".\"table\"", unquoted. */
static bool next_part(Str *s, Buf *out) {
    buf_clear(out);
    if (s->n == 0 || s->p[0] != '"') return false;
    size_t i = 1;
    for (; i < s->n; i++) {
        if (s->p[i] == '"') {
            if (i + 1 < s->n && s->p[i + 1] == '"') i++;
            else break;
        }
        buf_u8(out, (uint8_t)s->p[i]);
    }
    if (i == s->n || (i + 1 < s->n && s->p[i + 1] != '.')) return false;
    *s = str_sub(*s, i + 2, s->n);
    return true;
}

static Str table_key(Str schema, Str table, Buf *out) {
    buf_clear(out);
    buf_str(out, schema);
    buf_u8(out, '\n');
    buf_str(out, table);
    return buf_view(out);
}

/* ---- tables ---- */

static void read_column(const json_t *v, Column *ret) {
    Str type = text_of(json_object_get(v, "typeName"));
    const json_t *scale = json_object_get(v, "scale");
    JdbcColumn j = {.jdbc_type = (int)json_integer_value(json_object_get(v, "jdbcType")),
                    .length = (int32_t)json_integer_value(json_object_get(v, "length")),
                    .has_scale = json_is_integer(scale),
                    .scale = (int)json_integer_value(scale)};
    if (type.n < sizeof j.type_name) memcpy(j.type_name, type.p ? type.p : "", type.n);
    *ret = (Column){.name = text_of(json_object_get(v, "name")),
                    .is_nullable = json_is_true(json_object_get(v, "optional")),
                    .is_computed = json_is_true(json_object_get(v, "generated")),
                    .default_text = text_of(json_object_get(v, "defaultValueExpression"))};
    (void)jdbc_column_read(&j, ret); /* an unknown type is left as such */
    ret->type_name = type;
    if (ret->is_identity) ret->type_name.n -= sizeof " identity" - 1;
    ret->is_lob = ret->length < 0 || ret->type == SQLTYPE_TEXT || ret->type == SQLTYPE_NTEXT ||
                  ret->type == SQLTYPE_IMAGE || ret->type == SQLTYPE_XML;
}

static void read_key(const json_t *names, Column *columns, size_t count) {
    size_t i;
    json_t *name;
    int16_t place = 0;
    json_array_foreach(names, i,
                       name) for (size_t c = 0; c < count;
                                  c++) if (str_eq(columns[c].name, text_of(name)) && !columns[c].key) {
        columns[c].key = ++place;
        break;
    }
}

static bool read_table(const json_t *table, Str database, Str schema, Str name, const Schema **ret, Err *e) {
    const json_t *list = json_object_get(table, "columns");
    size_t count = json_array_size(list);
    if (count == 0 || count > SCHEMA_MAX_COLUMNS)
        return err_set(e, ERR_DATA, false, "schema history: a table of %zu columns", count);
    CLEANUP_FREE Column *columns = x_calloc(count, sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        read_column(json_array_get(list, i), &columns[i]);
        if (columns[i].name.n == 0)
            return err_set(e, ERR_DATA, false, "schema history: a column without a name");
        columns[i].column_id = (int32_t)(i + 1);
    }
    read_key(json_object_get(table, "primaryKeyColumnNames"), columns, count);
    SchemaSpec spec = {.database = database,
                       .schema = schema,
                       .table = name,
                       .version = 1,
                       .columns = columns,
                       .column_count = count};
    return schema_new(&spec, ret, e) || err_wrap(e, "schema history");
}

static bool read_change(SchemaHistory *h, const json_t *change, Err *e) {
    CLEANUP(buf_done) Buf database = {0}, schema = {0}, table = {0}, key = {0};
    Str id = text_of(json_object_get(change, "id")), type = text_of(json_object_get(change, "type"));
    if (!next_part(&id, &database) || !next_part(&id, &schema) || !next_part(&id, &table) || id.n)
        return err_set(e, ERR_DATA, false, "schema history: a table's id isn't three quoted names");
    Str name = table_key(buf_view(&schema), buf_view(&table), &key);
    const Schema *made = NULL;
    if (str_eq_c(type, "CREATE") || str_eq_c(type, "ALTER")) {
        if (!read_table(json_object_get(change, "table"), buf_view(&database), buf_view(&schema),
                        buf_view(&table), &made, e))
            return false;
        schema_unref(strmap_set(h->tables, name, (void *)(uintptr_t)made));
    } else if (str_eq_c(type, "DROP")) {
        schema_unref(strmap_del(h->tables, name));
    } else {
        return err_set(e, ERR_DATA, false, "schema history: a change that is neither CREATE, ALTER nor DROP");
    }
    return true;
}

/* ---- records ---- */

static bool is_ours(const SchemaHistory *h, const json_t *record) {
    const json_t *source = json_object_get(record, "source");
    return str_eq(text_of(json_object_get(source, "server")), str_from(h->prefix)) &&
           str_eq(text_of(json_object_get(source, "database")), str_from(h->database));
}

static bool is_reached(const SchemaHistory *h, const json_t *record) {
    Lsn at;
    Err ignored = {0};
    Str text = text_of(json_object_get(json_object_get(record, "position"), "change_lsn"));
    if (!h->has_until || !text.p || !lsn_parse(text.p, &at, &ignored)) return true;
    return h->until_has_change && lsn_cmp(&at, &h->until) <= 0;
}

bool schema_history_read(SchemaHistory *h, Str json, Err *e) {
    json_error_t why;
    if (json.n > SCHEMA_HISTORY_MAX_RECORD)
        return err_set(e, ERR_DATA, false, "schema history: a record of %zu bytes", json.n);
    CLEANUP(drop) json_t *record = json_loadb(json.p ? json.p : "", json.n, JSON_ALLOW_NUL, &why);
    if (!json_is_object(record))
        return err_set(e, ERR_DATA, false, "schema history: a record isn't a JSON object");
    if (!is_ours(h, record) || !is_reached(h, record)) return true;
    h->count++;
    const json_t *changes = json_object_get(record, "tableChanges");
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change) if (!read_change(h, change, e)) return false;
    return true;
}

size_t schema_history_count(const SchemaHistory *h) {
    return h->count;
}

const Schema *schema_history_table(const SchemaHistory *h, Str schema, Str table) {
    CLEANUP(buf_done) Buf key = {0};
    return strmap_get(h->tables, table_key(schema, table, &key));
}

bool schema_history_next(const SchemaHistory *h, size_t *at, const Schema **ret) {
    Str key;
    void *value;
    if (!strmap_next(h->tables, at, &key, &value)) return false;
    *ret = value;
    return true;
}
