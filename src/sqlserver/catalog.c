/*
 * A fixed number of queries brings everything, however many tables there are: the database, its tables, their
 * unique indexes, the capture instances, and the columns of both source and change tables. Filtering and
 * joining is done here: the lists are Java regular expressions, and one pass over sorted rows is simpler than
 * what SQL would need.
 *
 * A column's type is the change table's, since that is what is read; nullability, identity and whether it is
 * computed are the source table's. Columns are matched by column_id: a column that was dropped and made again
 * under its old name is another one.
 */
#include "sqlserver/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

typedef struct Loader {
    Catalog *c; /* the one being built */
    const Catalog *old;
    Odbc *odbc;
    const CatalogFilter *filter;
    OdbcCells keys, columns;
} Loader;

/* ---- lists ---- */

bool catalog_wants(const CatalogFilter *filter, Str qualified) {
    return table_filter_wants(&filter->tables, qualified);
}

bool catalog_wants_column(const CatalogFilter *filter, Str qualified) {
    return table_filter_lists_want(filter->column_include, filter->column_exclude, qualified);
}

/* Split at the last ':' of an entry: a table's expression may hold one ("(?:…)"), a column list none. */
static bool split_entry(Str entry, Str *ret_table, Str *ret_columns) {
    for (size_t i = entry.n; i-- > 0;) {
        if (entry.p[i] != ':') continue;
        *ret_table = str_trim(str_sub(entry, 0, i));
        *ret_columns = str_trim(str_sub(entry, i + 1, entry.n));
        return ret_table->n > 0 && ret_columns->n > 0;
    }
    return false;
}

static size_t split_columns(Str list, Arena *arena, Str **ret) {
    size_t count = 0, most = 1;
    for (size_t i = 0; i < list.n; i++) most += list.p[i] == ',';
    *ret = ARENA_ARRAY(arena, Str, most);
    Str head;
    while (str_split(&list, ',', &head))
        if (str_trim(head).n) (*ret)[count++] = arena_str(arena, str_trim(head));
    return count;
}

bool catalog_message_key(const char *text, Str qualified, Arena *arena, Str **ret, size_t *ret_count,
                         Err *e) {
    *ret_count = 0;
    Str rest = str_from(text), entry;
    while (str_split(&rest, ';', &entry)) {
        if (!str_trim(entry).n) continue;
        Str table, columns;
        if (!split_entry(entry, &table, &columns))
            return err_set(e, ERR_INVALID, false,
                           "message.key.columns: '" STR_FMT "' isn't schema.table:column,…", STR_ARG(entry));
        RegexList *list;
        if (!regexlist_compile(table, &list, e)) return err_wrap(e, "message.key.columns");
        bool matches = regexlist_match(list, qualified);
        regexlist_free(list);
        if (!matches) continue;
        *ret_count = split_columns(columns, arena, ret);
        return true;
    }
    return true;
}

/* ---- database and tables ---- */

static bool load_database(Loader *l, Err *e) {
    OdbcCells t;
    if (!odbc_cells(
            l->odbc, &l->c->arena,
            "SELECT DB_NAME(), d.is_cdc_enabled, d.snapshot_isolation_state, "
            "CAST(SERVERPROPERTY('EngineEdition') AS int) FROM sys.databases d WHERE d.name = DB_NAME()",
            /* params= */ NULL, 0, &t, e))
        return err_wrap(e, "reading sys.databases");
    if (t.rows != 1)
        return err_set(e, ERR_INTERNAL, false, "sys.databases doesn't show the connection's database");
    l->c->database = odbc_cell(&t, 0, 0);
    l->c->is_cdc_enabled = odbc_cell_int(&t, 0, 1, 0) != 0;
    l->c->allows_snapshot = odbc_cell_int(&t, 0, 2, 0) == 1;
    l->c->engine_edition = odbc_cell_int(&t, 0, 3, 0);
    return true;
}

static bool is_copied(const Loader *l, const CatalogTable *t) {
    const RegexList *list = l->filter->copied;
    if (!list || regexlist_match(list, str_from(t->qualified))) return true;
    CLEANUP(buf_done) Buf full = {0};
    buf_printf(&full, STR_FMT ".%s", STR_ARG(l->c->database), t->qualified);
    return regexlist_match(list, buf_view(&full));
}

static CatalogTable table_named(Loader *l, Str schema, Str name, int32_t object_id) {
    CatalogTable t = {.schema = schema,
                      .name = name,
                      .qualified =
                          arena_printf(&l->c->arena, STR_FMT "." STR_FMT, STR_ARG(schema), STR_ARG(name)),
                      .object_id = object_id};
    t.is_uncopied = !is_copied(l, &t);
    return t;
}

/* The tables asked for, in their order; those that are gone keep their place. */
static void take_only(Loader *l, const OdbcCells *t) {
    Catalog *c = l->c;
    const Str *only = l->filter->only;
    for (size_t i = 0; i < l->filter->only_count; i++) {
        int32_t object_id = 0;
        for (size_t row = 0; row < t->rows && !object_id; row++)
            if (str_eq(odbc_cell(t, row, 0), only[2 * i]) && str_eq(odbc_cell(t, row, 1), only[2 * i + 1]))
                object_id = (int32_t)odbc_cell_int(t, row, 2, 0);
        c->tables[c->table_count++] = table_named(l, arena_str(&c->arena, only[2 * i]),
                                                  arena_str(&c->arena, only[2 * i + 1]), object_id);
    }
}

/* The tables that the lists want; built-in ones left out. */
static void take_wanted(Loader *l, const OdbcCells *t) {
    for (size_t i = 0; i < t->rows; i++) {
        Str schema = odbc_cell(t, i, 0), name = odbc_cell(t, i, 1);
        if (str_eq_c(schema, "cdc") || str_eq_c(schema, "sys") || str_eq_c(name, "systranschemas")) continue;
        CatalogTable table = table_named(l, schema, name, (int32_t)odbc_cell_int(t, i, 2, 0));
        if (catalog_wants(l->filter, str_from(table.qualified))) l->c->tables[l->c->table_count++] = table;
    }
}

static bool load_tables(Loader *l, Err *e) {
    OdbcCells t;
    if (!odbc_cells(l->odbc, &l->c->arena,
                    "SELECT s.name, t.name, t.object_id FROM sys.tables t JOIN sys.schemas s "
                    "ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name",
                    /* params= */ NULL, 0, &t, e))
        return err_wrap(e, "reading sys.tables");
    size_t most = l->filter->only ? l->filter->only_count : t.rows;
    l->c->tables = arena_zalloc(&l->c->arena, (most + 1) * sizeof *l->c->tables);
    if (l->filter->only) take_only(l, &t);
    else take_wanted(l, &t);
    return true;
}

/* Every column of every unique, unfiltered index and of the clustered keys of the change tables. */
static bool load_keys(Loader *l, Err *e) {
    if (!odbc_cells(
            l->odbc, &l->c->arena,
            "SELECT i.object_id, i.index_id, i.is_primary_key, i.type, ic.column_id, c.is_nullable, c.name "
            "FROM sys.indexes i JOIN sys.index_columns ic ON ic.object_id = i.object_id AND "
            "ic.index_id = i.index_id JOIN sys.columns c ON c.object_id = ic.object_id AND "
            "c.column_id = ic.column_id WHERE i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0 AND "
            "ic.key_ordinal > 0 ORDER BY i.object_id, i.index_id, ic.key_ordinal",
            /* params= */ NULL, 0, &l->keys, e))
        return err_wrap(e, "reading sys.indexes");
    return true;
}

enum { KEY_OBJECT, KEY_INDEX, KEY_IS_PRIMARY, KEY_TYPE, KEY_COLUMN, KEY_IS_NULLABLE, KEY_NAME };

/* First row of the object, or rows. The rows are sorted by object_id. */
static size_t first_row(const OdbcCells *t, int64_t object_id) {
    size_t lo = 0, hi = t->rows;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (odbc_cell_int(t, mid, 0, 0) < object_id) lo = mid + 1;
        else hi = mid;
    }
    return lo < t->rows && odbc_cell_int(t, lo, 0, 0) == object_id ? lo : t->rows;
}

/* The table's primary key, else its first unique index whose columns are all NOT NULL. */
static void find_paging_key(Loader *l, CatalogTable *table) {
    const OdbcCells *t = &l->keys;
    for (size_t i = first_row(t, table->object_id); i < t->rows;) {
        if (odbc_cell_int(t, i, KEY_OBJECT, 0) != table->object_id) break;
        int64_t index = odbc_cell_int(t, i, KEY_INDEX, 0);
        size_t end = i;
        bool has_null = false;
        while (end < t->rows && odbc_cell_int(t, end, KEY_OBJECT, 0) == table->object_id &&
               odbc_cell_int(t, end, KEY_INDEX, 0) == index)
            has_null |= odbc_cell_int(t, end++, KEY_IS_NULLABLE, 1) != 0;
        bool is_primary = odbc_cell_int(t, i, KEY_IS_PRIMARY, 0) != 0;
        if (!has_null && (is_primary || !table->paging.count)) {
            table->paging.count = end - i;
            table->paging.column_ids = ARENA_ARRAY(&l->c->arena, int32_t, end - i);
            for (size_t k = i; k < end; k++)
                table->paging.column_ids[k - i] = (int32_t)odbc_cell_int(t, k, KEY_COLUMN, 0);
            table->is_primary_key = is_primary;
        }
        if (is_primary) return;
        i = end;
    }
}

/* ---- columns ---- */

enum {
    COL_OBJECT,  /* change table */
    COL_ORDINAL, /* in the change table, from 1 */
    COL_NAME,    /* as captured */
    COL_ID,      /* column_id in the source table */
    COL_TYPE,    /* base type in the change table */
    COL_LENGTH,  /* bytes, −1 = max */
    COL_PRECISION,
    COL_SCALE,
    COL_SOURCE_ID, /* NULL: dropped from the source table */
    COL_IS_NULLABLE,
    COL_IS_IDENTITY,
    COL_IS_COMPUTED,
    COL_SOURCE_TYPE,
    COL_TYPE_NAME, /* as declared: an alias type's own */
    COL_DEFAULT    /* its default constraint's definition */
};

/* A user's own CLR type may have any name, a built-in type's too. */
#define TYPE_NAME(alias)                                                                                     \
    "CASE WHEN " alias ".is_assembly_type = 1 AND " alias ".is_user_defined = 1 THEN N'clr' ELSE " alias     \
    ".name END"
#define BASE_TYPE(alias, column)                                                                             \
    "LEFT JOIN sys.types " alias " ON " alias ".user_type_id = CASE WHEN " column                            \
    ".system_type_id = 240 THEN " column ".user_type_id ELSE " column ".system_type_id END "

#define DECLARED                                                                                             \
    "LEFT JOIN sys.types uty ON uty.user_type_id = so.user_type_id LEFT JOIN sys.default_constraints d ON "  \
    "d.object_id = so.default_object_id "

static const char CAPTURED_COLUMNS_SQL[] =
    "SELECT cc.object_id, cc.column_ordinal, cc.column_name, cc.column_id, " TYPE_NAME(
        "ty") ", ch.max_length, ch.precision, ch.scale, so.column_id, so.is_nullable, so.is_identity, "
              "so.is_computed, " TYPE_NAME("sty") ", uty.name, d.definition FROM cdc.captured_columns cc "
                                                  "JOIN cdc.change_tables ct ON ct.object_id = cc.object_id "
                                                  "JOIN sys.columns ch ON ch.object_id = cc.object_id AND "
                                                  "ch.name = cc.column_name " BASE_TYPE(
                                                      "ty", "ch") "LEFT JOIN sys.columns so ON so.object_id "
                                                                  "= ct.source_object_id AND so.column_id = "
                                                                  "cc.column_id " BASE_TYPE("sty", "so")
                                                                      DECLARED
    "ORDER BY cc.object_id, cc.column_ordinal";

/* The same shape for source tables themselves. */
static const char SOURCE_COLUMNS_SQL[] =
    "SELECT so.object_id, so.column_id, so.name, so.column_id, " TYPE_NAME(
        "ty") ", so.max_length, so.precision, so.scale, so.column_id, so.is_nullable, so.is_identity, "
              "so.is_computed, " TYPE_NAME("ty") ", uty.name, d.definition FROM sys.columns so "
                                                 "JOIN sys.tables t ON t.object_id = so.object_id " BASE_TYPE(
                                                     "ty", "so") DECLARED
    "ORDER BY so.object_id, so.column_id";

static int32_t declared_length(SqlType type, int64_t max_length) {
    switch (type) {
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR: return max_length < 0 ? -1 : (int32_t)(max_length / 2);
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY: return (int32_t)max_length;
    default: return 0;
    }
}

static bool is_lob_type(SqlType type, int64_t max_length) {
    switch (type) {
    case SQLTYPE_TEXT:
    case SQLTYPE_NTEXT:
    case SQLTYPE_IMAGE:
    case SQLTYPE_XML:
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY: return true;
    default: return max_length < 0;
    }
}

static Column column_at(const OdbcCells *t, size_t row) {
    SqlType type = sqltype_by_name(odbc_cell(t, row, COL_TYPE));
    Str source_type = odbc_cell(t, row, COL_SOURCE_TYPE);
    int64_t length = odbc_cell_int(t, row, COL_LENGTH, 0);
    /* A change table keeps a rowversion as binary(8). */
    if (source_type.p && sqltype_by_name(source_type) == SQLTYPE_ROWVERSION) type = SQLTYPE_ROWVERSION;
    bool has_scale = type == SQLTYPE_DECIMAL || type == SQLTYPE_TIME || type == SQLTYPE_DATETIME2 ||
                     type == SQLTYPE_DATETIMEOFFSET;
    bool is_money = type == SQLTYPE_MONEY || type == SQLTYPE_SMALLMONEY;
    return (Column){
        .name = odbc_cell(t, row, COL_NAME),
        .type = type,
        .length = declared_length(type, length),
        .precision = (uint8_t)(type == SQLTYPE_DECIMAL ? odbc_cell_int(t, row, COL_PRECISION, 0)
                               : is_money              ? (type == SQLTYPE_MONEY ? 19 : 10)
                                                       : 0),
        .scale = (uint8_t)(has_scale  ? odbc_cell_int(t, row, COL_SCALE, 0)
                           : is_money ? 4
                                      : 0),
        .is_nullable = odbc_cell_int(t, row, COL_IS_NULLABLE, 1) != 0,
        .is_identity = odbc_cell_int(t, row, COL_IS_IDENTITY, 0) != 0,
        .is_computed = odbc_cell_int(t, row, COL_IS_COMPUTED, 0) != 0,
        .is_lob = is_lob_type(type, length),
        .column_id = (int32_t)odbc_cell_int(t, row, COL_ID, 0),
        .type_name = odbc_cell(t, row, COL_TYPE_NAME),
        .default_text = odbc_cell(t, row, COL_DEFAULT),
    };
}

static size_t key_place(const CatalogKey *key, int32_t column_id) {
    for (size_t i = 0; i < key->count; i++)
        if (key->column_ids[i] == column_id) return i + 1;
    return 0;
}

/* The row of the column of that name: exact, else ASCII case ignored; `to` = none. */
static size_t find_column(const OdbcCells *t, size_t from, size_t to, Str name) {
    size_t near = to;
    for (size_t row = from; row < to; row++) {
        if (str_eq(odbc_cell(t, row, COL_NAME), name)) return row;
        if (near == to && str_eq_icase(odbc_cell(t, row, COL_NAME), name)) near = row;
    }
    return near;
}

/* message.key.columns by name; the columns are those of rows [from, to). */
static bool resolve_message_key(Loader *l, CatalogTable *table, const OdbcCells *t, size_t from, size_t to,
                                Err *e) {
    table->key = table->paging;
    if (!l->filter->message_keys) return true;
    Str *names;
    size_t count;
    if (!catalog_message_key(l->filter->message_keys, str_from(table->qualified), &l->c->arena, &names,
                             &count, e))
        return false;
    if (!count) return true;
    CatalogKey key = {.column_ids = ARENA_ARRAY(&l->c->arena, int32_t, count), .count = count};
    for (size_t i = 0; i < count; i++) {
        size_t row = find_column(t, from, to, names[i]);
        if (row == to)
            return err_set(e, ERR_INVALID, false,
                           "message.key.columns: table %s has no captured column " STR_FMT, table->qualified,
                           STR_ARG(names[i]));
        key.column_ids[i] = (int32_t)odbc_cell_int(t, row, COL_ID, 0);
    }
    table->key = key;
    return true;
}

/* All columns of a key are among rows [from, to). */
static bool has_key(const CatalogKey *key, const OdbcCells *t, size_t from, size_t to) {
    size_t found = 0;
    for (size_t row = from; row < to; row++)
        found += key_place(key, (int32_t)odbc_cell_int(t, row, COL_ID, 0)) != 0;
    return found == key->count;
}

static bool wants_column(Loader *l, const CatalogTable *table, Str name, Buf *text) {
    buf_clear(text);
    buf_printf(text, "%s." STR_FMT, table->qualified, STR_ARG(name));
    return catalog_wants_column(l->filter, buf_view(text));
}

/* The schema before it with the same columns goes on; else the next version. */
static bool make_schema(Loader *l, const CatalogInstance *instance, const Column *columns, size_t count,
                        const Schema **ret, Err *e) {
    const CatalogTable *table = &l->c->tables[instance->table];
    uint32_t version = 1;
    for (size_t i = 0; i < l->old->instance_count; i++) {
        const CatalogInstance *before = &l->old->instances[i];
        if (str_eq(before->schema->schema, table->schema) && str_eq(before->schema->table, table->name) &&
            before->schema->version >= version)
            version = before->schema->version + 1;
    }
    for (size_t i = 0; i < l->c->instance_count; i++) {
        const CatalogInstance *before = &l->c->instances[i];
        if (before->table == instance->table && before->schema->version >= version)
            version = before->schema->version + 1;
    }
    SchemaSpec spec = {.database = l->c->database,
                       .schema = table->schema,
                       .table = table->name,
                       .version = version,
                       .columns = columns,
                       .column_count = count,
                       .has_table_key = table->key.column_ids != table->paging.column_ids};
    const Schema *made;
    if (!schema_new(&spec, &made, e)) return err_wrap(e, "table %s", table->qualified);
    const CatalogInstance *before = catalog_instance(l->old, instance->object_id);
    if (before && before->schema->fingerprint == made->fingerprint &&
        before->schema->column_count == made->column_count) {
        schema_unref(made);
        made = schema_ref(before->schema);
    }
    *ret = made;
    return true;
}

/* Schema columns of the paging key, or NULL when one of them isn't captured. */
static const uint16_t *paging_columns(Loader *l, const CatalogTable *table, const Schema *schema) {
    uint16_t *paging = ARENA_ARRAY(&l->c->arena, uint16_t, table->paging.count + 1);
    size_t found = 0;
    for (size_t i = 0; i < schema->column_count; i++) {
        size_t place = key_place(&table->paging, schema->columns[i].column_id);
        if (!place) continue;
        paging[place - 1] = (uint16_t)i;
        found++;
    }
    return found && found == table->paging.count ? paging : NULL;
}

/* Debezium's mappers leave the key alone, and rows would no longer be told apart by it. */
static bool find_masks(Loader *l, CatalogInstance *instance, Err *e) {
    const Schema *s = instance->schema;
    const MaskRule **masks = arena_zalloc(&l->c->arena, s->column_count * sizeof(MaskRule *));
    instance->masks = masks;
    for (size_t i = 0; i < s->column_count; i++) {
        const MaskRule *rule;
        const Column *c = &s->columns[i];
        if (!mask_find(l->filter->masks, l->c->database, str_from(s->qualified), c, &rule, e)) return false;
        if (!c->key) masks[i] = rule;
        else if (rule) instance->spared = rule;
    }
    return true;
}

/* Columns of rows [from, to) to an instance. */
static bool build_instance(Loader *l, CatalogInstance *instance, const OdbcCells *t, size_t from, size_t to,
                           Err *e) {
    CatalogTable *table = &l->c->tables[instance->table];
    if (!resolve_message_key(l, table, t, from, to, e)) return false;
    bool is_keyed = table->key.count && has_key(&table->key, t, from, to);
    bool can_page = table->paging.count && has_key(&table->paging, t, from, to);
    size_t most = to - from, count = 0;
    Column *columns = ARENA_ARRAY(&l->c->arena, Column, most + 1);
    uint16_t *ordinal = ARENA_ARRAY(&l->c->arena, uint16_t, most + 1);
    bool *is_gone = ARENA_ARRAY(&l->c->arena, bool, most + 1);
    CLEANUP(buf_done) Buf text = {0};
    for (size_t row = from; row < to; row++) {
        Column c = column_at(t, row);
        size_t place = is_keyed ? key_place(&table->key, c.column_id) : 0;
        bool is_needed = place || (can_page && key_place(&table->paging, c.column_id));
        bool is_left_out = c.is_computed && l->filter->computed == CATALOG_COMPUTED_EXCLUDE;
        if (!is_needed && (is_left_out || !wants_column(l, table, c.name, &text))) continue;
        c.key = (int16_t)place;
        c.table_key = can_page ? (int16_t)key_place(&table->paging, c.column_id) : 0;
        if (!c.key) mask_mark(l->filter->masks, l->c->database, str_from(table->qualified), &c);
        ordinal[count] = (uint16_t)odbc_cell_int(t, row, COL_ORDINAL, 0);
        is_gone[count] = !odbc_cell(t, row, COL_SOURCE_ID).p;
        columns[count++] = c;
    }
    if (!make_schema(l, instance, columns, count, &instance->schema, e)) return false;
    instance->ordinal = ordinal;
    instance->is_gone = is_gone;
    instance->paging = can_page ? paging_columns(l, table, instance->schema) : NULL;
    instance->paging_count = instance->paging ? table->paging.count : 0;
    instance->rereads_computed = l->filter->computed == CATALOG_COMPUTED_REREAD;
    if (find_masks(l, instance, e)) return true;
    instance->schema = schema_unref(instance->schema);
    return false;
}

/* ---- instances ---- */

static size_t table_of(const Catalog *c, int64_t object_id) {
    for (size_t i = 0; i < c->table_count; i++)
        if (c->tables[i].object_id == object_id && object_id != 0) return i;
    return c->table_count;
}

static bool has_command_key(const Loader *l, int32_t object_id) {
    const OdbcCells *t = &l->keys;
    for (size_t i = first_row(t, object_id); i < t->rows; i++) {
        if (odbc_cell_int(t, i, KEY_OBJECT, 0) != object_id) return false;
        if (odbc_cell_int(t, i, KEY_TYPE, 0) == 1 &&
            str_eq_icase(odbc_cell(t, i, KEY_NAME), STR_LIT("__$command_id")))
            return true;
    }
    return false;
}

static bool adds_columns(const Schema *schema, const Schema *before) {
    for (size_t i = 0; i < schema->column_count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < before->column_count && !is_there; k++)
            is_there = before->columns[k].column_id == schema->columns[i].column_id;
        if (!is_there) return true;
    }
    return false;
}

static void see(Catalog *c, int32_t object_id) {
    c->seen[c->seen_count++] = object_id;
}

/* columns_of: the object whose columns they are among l->columns. */
static bool add_instance(Loader *l, CatalogInstance instance, int32_t columns_of, Err *e) {
    const OdbcCells *t = &l->columns;
    size_t from = first_row(t, columns_of), to = from;
    while (to < t->rows && odbc_cell_int(t, to, COL_OBJECT, 0) == columns_of) to++;
    if (from == to) return true; /* made or dropped between two queries: not seen yet */
    if (instance.object_id) see(l->c, instance.object_id);
    if (!build_instance(l, &instance, t, from, to, e)) return false;
    instance.adds_columns = true;
    for (size_t i = l->c->instance_count; i-- > 0;) {
        if (l->c->instances[i].table != instance.table) continue;
        instance.adds_columns = adds_columns(instance.schema, l->c->instances[i].schema);
        break;
    }
    l->c->instances[l->c->instance_count++] = instance;
    return true;
}

static bool load_captured(Loader *l, Err *e) {
    OdbcCells t;
    Arena *arena = &l->c->arena;
    if (!odbc_cells(l->odbc, arena,
                    "SELECT object_id, source_object_id, capture_instance, start_lsn FROM cdc.change_tables "
                    "ORDER BY source_object_id, create_date, object_id",
                    /* params= */ NULL, 0, &t, e) ||
        !odbc_cells(l->odbc, arena, CAPTURED_COLUMNS_SQL, /* params= */ NULL, 0, &l->columns, e))
        return err_wrap(e, "reading cdc.change_tables");
    l->c->instances = arena_zalloc(arena, (t.rows + l->c->table_count + 1) * sizeof *l->c->instances);
    l->c->seen = ARENA_ARRAY(arena, int32_t, t.rows + 1);
    for (size_t i = 0; i < t.rows; i++) {
        size_t table = table_of(l->c, odbc_cell_int(&t, i, 1, 0));
        int32_t object_id = (int32_t)odbc_cell_int(&t, i, 0, 0);
        if (table == l->c->table_count) {
            see(l->c, object_id);
            continue;
        }
        l->c->tables[table].instance_count++;
        CatalogInstance instance = {.table = table,
                                    .object_id = object_id,
                                    .name = odbc_cell(&t, i, 2),
                                    .start_lsn = odbc_cell_lsn(&t, i, 3),
                                    .has_command = has_command_key(l, object_id)};
        if (!add_instance(l, instance, object_id, e)) return false;
    }
    return true;
}

static bool load_uncaptured(Loader *l, Err *e) {
    Catalog *c = l->c;
    if (!odbc_cells(l->odbc, &c->arena, SOURCE_COLUMNS_SQL, /* params= */ NULL, 0, &l->columns, e))
        return err_wrap(e, "reading sys.columns");
    if (!c->instances) c->instances = arena_zalloc(&c->arena, (c->table_count + 1) * sizeof *c->instances);
    for (size_t i = 0; i < c->table_count; i++) {
        CatalogInstance instance = {.table = i};
        if (!c->tables[i].instance_count && !add_instance(l, instance, c->tables[i].object_id, e))
            return false;
    }
    return true;
}

/* Read before all else: a change of columns that is captured while they are read is news then, and they are
 * read once more. Read after them, it would be taken for one that they show. */
static bool load_ddl_lsn(Loader *l, Err *e) {
    OdbcCells t;
    if (!odbc_cells(l->odbc, &l->c->arena, "SELECT MAX(ddl_lsn) FROM cdc.ddl_history", /* params= */ NULL, 0,
                    &t, e))
        return err_wrap(e, "reading cdc.ddl_history");
    if (t.rows) l->c->ddl_lsn = odbc_cell_lsn(&t, 0, 0);
    return true;
}

static bool load_all(Loader *l, Err *e) {
    if (!load_database(l, e)) return false;
    if (l->c->is_cdc_enabled && !load_ddl_lsn(l, e)) return false;
    if (!load_tables(l, e) || !load_keys(l, e)) return false;
    for (size_t i = 0; i < l->c->table_count; i++) find_paging_key(l, &l->c->tables[i]);
    if (l->c->is_cdc_enabled && !load_captured(l, e)) return false;
    return !l->filter->takes_uncaptured || load_uncaptured(l, e);
}

static int by_id(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_object(const void *a, const void *b) {
    const CatalogInstance *const *x = a, *const *y = b;
    return by_id(&(*x)->object_id, &(*y)->object_id);
}

/* With a thousand tables each window looks each of them up. */
static void make_lookups(Catalog *c) {
    if (c->seen_count) qsort(c->seen, c->seen_count, sizeof *c->seen, by_id);
    c->by_object = ARENA_ARRAY(&c->arena, const CatalogInstance *, c->instance_count + 1);
    for (size_t i = 0; i < c->instance_count; i++) c->by_object[i] = &c->instances[i];
    qsort(c->by_object, c->instance_count, sizeof *c->by_object, by_object);
}

bool catalog_load(Catalog *c, Odbc *odbc, const CatalogFilter *filter, Err *e) {
    Catalog fresh = {0};
    Loader l = {.c = &fresh, .old = c, .odbc = odbc, .filter = filter};
    if (!load_all(&l, e)) {
        catalog_done(&fresh);
        return false;
    }
    make_lookups(&fresh);
    catalog_done(c);
    *c = fresh;
    return true;
}

void catalog_done(Catalog *c) {
    for (size_t i = 0; i < c->instance_count; i++) schema_unref(c->instances[i].schema);
    arena_done(&c->arena);
    *c = (Catalog){0};
}

const CatalogInstance *catalog_instance(const Catalog *c, int32_t object_id) {
    if (object_id == 0 || !c->by_object) return NULL; /* no change table */
    const CatalogInstance wanted = {.object_id = object_id}, *key = &wanted;
    const CatalogInstance **found =
        bsearch(&key, c->by_object, c->instance_count, sizeof *c->by_object, by_object);
    return found ? *found : NULL;
}

bool catalog_has_seen(const Catalog *c, int32_t object_id) {
    return c->seen_count && bsearch(&object_id, c->seen, c->seen_count, sizeof *c->seen, by_id);
}
