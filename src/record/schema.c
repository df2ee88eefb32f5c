/*
 * A schema is one block of memory: the public struct, its columns, the key's indexes, and every name, so that
 * the last reference frees it in one call. The types' table below is the one place that knows SQL Server's
 * names, what of length, precision and scale belongs to a type's spelling, and which form its values have.
 */
#include "record/schema.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { INT64_DECIMAL_DIGITS = 18 }; /* every number of 18 digits fits an int64 */

typedef struct SchemaBody {
    Schema s; /* first: a Schema * is a SchemaBody * */
    atomic_size_t refs;
} SchemaBody;

typedef enum Spelling { PLAIN, LENGTH, SCALE, PRECISION_AND_SCALE } Spelling;

static const struct {
    const char *name;
    ValueForm form;
    Spelling spelling;
} types[SQLTYPE_COUNT] = {
    [SQLTYPE_UNKNOWN] = {"unknown", FORM_BYTES, PLAIN},
    [SQLTYPE_BIT] = {"bit", FORM_INT, PLAIN},
    [SQLTYPE_TINYINT] = {"tinyint", FORM_INT, PLAIN},
    [SQLTYPE_SMALLINT] = {"smallint", FORM_INT, PLAIN},
    [SQLTYPE_INT] = {"int", FORM_INT, PLAIN},
    [SQLTYPE_BIGINT] = {"bigint", FORM_INT, PLAIN},
    [SQLTYPE_DECIMAL] = {"decimal", FORM_INT, PRECISION_AND_SCALE}, /* or FORM_INT128: sqltype_form */
    [SQLTYPE_MONEY] = {"money", FORM_INT, PLAIN},
    [SQLTYPE_SMALLMONEY] = {"smallmoney", FORM_INT, PLAIN},
    [SQLTYPE_REAL] = {"real", FORM_DOUBLE, PLAIN},
    [SQLTYPE_FLOAT] = {"float", FORM_DOUBLE, PLAIN},
    [SQLTYPE_DATE] = {"date", FORM_INT, PLAIN},
    [SQLTYPE_TIME] = {"time", FORM_INT, SCALE},
    [SQLTYPE_SMALLDATETIME] = {"smalldatetime", FORM_INT, PLAIN},
    [SQLTYPE_DATETIME] = {"datetime", FORM_INT, PLAIN},
    [SQLTYPE_DATETIME2] = {"datetime2", FORM_INT, SCALE},
    [SQLTYPE_DATETIMEOFFSET] = {"datetimeoffset", FORM_INT, SCALE},
    [SQLTYPE_CHAR] = {"char", FORM_TEXT, LENGTH},
    [SQLTYPE_VARCHAR] = {"varchar", FORM_TEXT, LENGTH},
    [SQLTYPE_TEXT] = {"text", FORM_TEXT, PLAIN},
    [SQLTYPE_NCHAR] = {"nchar", FORM_TEXT, LENGTH},
    [SQLTYPE_NVARCHAR] = {"nvarchar", FORM_TEXT, LENGTH},
    [SQLTYPE_NTEXT] = {"ntext", FORM_TEXT, PLAIN},
    [SQLTYPE_XML] = {"xml", FORM_TEXT, PLAIN},
    [SQLTYPE_BINARY] = {"binary", FORM_BYTES, LENGTH},
    [SQLTYPE_VARBINARY] = {"varbinary", FORM_BYTES, LENGTH},
    [SQLTYPE_IMAGE] = {"image", FORM_BYTES, PLAIN},
    [SQLTYPE_ROWVERSION] = {"rowversion", FORM_BYTES, PLAIN},
    [SQLTYPE_UNIQUEIDENTIFIER] = {"uniqueidentifier", FORM_GUID, PLAIN},
    [SQLTYPE_SQL_VARIANT] = {"sql_variant", FORM_TEXT, PLAIN},
    [SQLTYPE_HIERARCHYID] = {"hierarchyid", FORM_TEXT, PLAIN},
    [SQLTYPE_GEOGRAPHY] = {"geography", FORM_BYTES, PLAIN},
    [SQLTYPE_GEOMETRY] = {"geometry", FORM_BYTES, PLAIN},
    [SQLTYPE_CLR] = {"clr", FORM_BYTES, PLAIN},
};

/* Names that sys.types has besides. */
static const struct {
    const char *name;
    SqlType type;
} aliases[] = {
    {"numeric", SQLTYPE_DECIMAL}, {"timestamp", SQLTYPE_ROWVERSION}, {"sysname", SQLTYPE_NVARCHAR}};

ValueForm sqltype_form(SqlType type, uint8_t precision) {
    if (type == SQLTYPE_DECIMAL && precision > INT64_DECIMAL_DIGITS) return FORM_INT128;
    return types[type].form;
}

const char *sqltype_name(SqlType type) {
    return types[type].name;
}

SqlType sqltype_by_name(Str name) {
    for (SqlType t = SQLTYPE_UNKNOWN + 1; t < SQLTYPE_COUNT; t++)
        if (str_eq_icase(name, str_from(types[t].name))) return t;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (str_eq_icase(name, str_from(aliases[i].name))) return aliases[i].type;
    return SQLTYPE_UNKNOWN;
}

void column_type_format(const Column *c, Buf *out) {
    buf_cstr(out, types[c->type].name);
    switch (types[c->type].spelling) {
    case PLAIN: return;
    case LENGTH:
        if (c->length < 0) buf_cstr(out, "(max)");
        else buf_printf(out, "(%d)", (int)c->length);
        return;
    case SCALE: buf_printf(out, "(%d)", c->scale); return;
    case PRECISION_AND_SCALE: buf_printf(out, "(%d,%d)", c->precision, c->scale); return;
    }
}

/* The key columns' indexes in key order, of the rows' key or the table's own; 0 = keyless. */
static bool order_key(const SchemaSpec *spec, bool is_own, uint16_t key[static SCHEMA_MAX_COLUMNS],
                      size_t *ret, Err *e) {
    bool seen[SCHEMA_MAX_COLUMNS + 1] = {false};
    size_t count = 0;
    for (size_t i = 0; i < spec->column_count; i++) {
        int16_t place = is_own ? spec->columns[i].table_key : spec->columns[i].key;
        if (place == 0) continue;
        if (place < 0 || place > SCHEMA_MAX_COLUMNS || seen[place])
            return err_set(
                e, ERR_INVALID, false, "table " STR_FMT "." STR_FMT ": key place %d of column " STR_FMT,
                STR_ARG(spec->schema), STR_ARG(spec->table), place, STR_ARG(spec->columns[i].name));
        seen[place] = true;
        key[place - 1] = (uint16_t)i;
        count++;
    }
    for (size_t place = 1; place <= count; place++)
        if (!seen[place])
            return err_set(e, ERR_INVALID, false, "table " STR_FMT "." STR_FMT ": no column at key place %zu",
                           STR_ARG(spec->schema), STR_ARG(spec->table), place);
    *ret = count;
    return true;
}

/* Through a byte form of fixed layout, since the number is stored and compared by later versions. */
static uint64_t fingerprint_of(const SchemaSpec *spec) {
    CLEANUP(buf_done) Buf b = {0};
    for (size_t i = 0; i < spec->column_count; i++) {
        const Column *c = &spec->columns[i];
        buf_le32(&b, (uint32_t)c->name.n);
        buf_str(&b, c->name);
        buf_cstr(&b, types[c->type].name); /* the enum's numbers may move */
        buf_le32(&b, (uint32_t)c->length);
        buf_u8(&b, c->precision);
        buf_u8(&b, c->scale);
        buf_u8(&b, c->is_nullable);
        buf_le16(&b, (uint16_t)c->key);
    }
    return hash_bytes(b.p, b.n, /* seed= */ 0);
}

static Str put_text(char **at, Str s) {
    Str copy = {*at, s.n};
    if (s.n) memcpy(*at, s.p, s.n);
    (*at)[s.n] = '\0';
    *at += s.n + 1;
    return copy;
}

static size_t text_bytes(const SchemaSpec *spec) {
    size_t n = spec->database.n + spec->schema.n + spec->table.n + spec->topic.n + 4;
    n += spec->schema.n + 1 + spec->table.n + 1; /* qualified */
    for (size_t i = 0; i < spec->column_count; i++) {
        const Column *c = &spec->columns[i];
        n += c->name.n + c->type_name.n + c->default_text.n + 3;
    }
    return n;
}

bool schema_new(const SchemaSpec *spec, const Schema **ret, Err *e) {
    uint16_t key[SCHEMA_MAX_COLUMNS], own[SCHEMA_MAX_COLUMNS];
    size_t key_count = 0, own_count = 0, n = spec->column_count;
    if (n == 0 || n > SCHEMA_MAX_COLUMNS)
        return err_set(e, ERR_INVALID, false, "table " STR_FMT "." STR_FMT ": %zu columns, must be 1 to %d",
                       STR_ARG(spec->schema), STR_ARG(spec->table), n, SCHEMA_MAX_COLUMNS);
    if (!order_key(spec, /* is_own= */ false, key, &key_count, e)) return false;
    if (spec->has_table_key && !order_key(spec, /* is_own= */ true, own, &own_count, e)) return false;

    SchemaBody *body = x_malloc(sizeof *body + n * sizeof(Column) + (key_count + own_count) * sizeof *key +
                                text_bytes(spec));
    Column *columns = (Column *)(body + 1);
    uint16_t *key_copy = (uint16_t *)(columns + n);
    char *at = (char *)(key_copy + key_count + own_count);
    memcpy(columns, spec->columns, n * sizeof *columns);
    if (key_count) memcpy(key_copy, key, key_count * sizeof *key);
    if (own_count) memcpy(key_copy + key_count, own, own_count * sizeof *own);
    for (size_t i = 0; i < n; i++) {
        columns[i].name = put_text(&at, columns[i].name);
        columns[i].type_name = put_text(&at, columns[i].type_name);
        columns[i].default_text = put_text(&at, columns[i].default_text);
    }

    body->s = (Schema){
        .version = spec->version,
        .fingerprint = fingerprint_of(spec),
        .column_count = n,
        .columns = columns,
        .key_count = key_count,
        .key = key_copy,
        .has_table_key = spec->has_table_key,
        .table_key_count = own_count,
        .table_key = key_copy + key_count,
    };
    body->s.database = put_text(&at, spec->database);
    body->s.schema = put_text(&at, spec->schema);
    body->s.table = put_text(&at, spec->table);
    body->s.topic = put_text(&at, spec->topic);
    body->s.qualified = at;
    if (spec->schema.n > 0) {
        put_text(&at, spec->schema);
        at[-1] = '.';
    }
    put_text(&at, spec->table);
    atomic_init(&body->refs, 1);
    *ret = &body->s;
    return true;
}

const Schema *schema_ref(const Schema *s) {
    SchemaBody *body = (SchemaBody *)(uintptr_t)s;
    atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
    return s;
}

const Schema *schema_unref(const Schema *s) {
    if (!s) return NULL;
    SchemaBody *body = (SchemaBody *)(uintptr_t)s;
    size_t before = atomic_fetch_sub_explicit(&body->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) free(body);
    return NULL;
}

char *schema_key_text(const Schema *s) {
    CLEANUP(buf_done) Buf text = {0};
    for (size_t i = 0; i < s->key_count; i++) {
        if (i > 0) buf_u8(&text, ',');
        buf_str(&text, s->columns[s->key[i]].name);
    }
    return str_dup(buf_view(&text));
}

int schema_find(const Schema *s, Str name) {
    int found = -1;
    bool is_unique = true;
    for (size_t i = 0; i < s->column_count; i++) {
        if (str_eq(s->columns[i].name, name)) return (int)i;
        if (!str_eq_icase(s->columns[i].name, name)) continue;
        is_unique = found < 0;
        found = (int)i;
    }
    return is_unique ? found : -1;
}
