/* view_columns.c - what tables are made of: columns, their types, and indexes. */
#include "standin/system/view_columns.h"

#include "standin/builtin/odbc_type.h"
#include "standin/builtin/view_row.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"
#include "standin/types/collation.h"

enum { USER_TYPE_SYSNAME = 256, FIRST_DATA_SPACE = 1 };

#define COLUMN_COLUMNS                                                                                       \
    VIEW_INT("object_id"), VIEW_NAME_N("name"), VIEW_INT("column_id"), VIEW_TINYINT("system_type_id"),       \
        VIEW_INT("user_type_id"), VIEW_SMALLINT("max_length"), VIEW_TINYINT("precision"),                    \
        VIEW_TINYINT("scale"), VIEW_NAME_N("collation_name"), VIEW_BIT_N("is_nullable"),                     \
        VIEW_BIT("is_ansi_padded"), VIEW_BIT("is_rowguidcol"), VIEW_BIT("is_identity"),                      \
        VIEW_BIT("is_computed"), VIEW_BIT("is_filestream"), VIEW_BIT_N("is_replicated"),                     \
        VIEW_BIT_N("is_non_sql_subscribed"), VIEW_BIT_N("is_merge_published"),                               \
        VIEW_BIT_N("is_dts_replicated"), VIEW_BIT("is_xml_document"), VIEW_INT("xml_collection_id"),         \
        VIEW_INT("default_object_id"), VIEW_INT("rule_object_id"), VIEW_BIT_N("is_sparse"),                  \
        VIEW_BIT_N("is_column_set"), VIEW_TINYINT_N("generated_always_type"),                                \
        VIEW_NVARCHAR("generated_always_type_desc", 60), VIEW_BIT("is_hidden"), VIEW_BIT("is_masked")

static const SysColumn COLUMNS_COLUMNS[] = {COLUMN_COLUMNS};
static const SysColumn COMPUTED_COLUMNS[] = {COLUMN_COLUMNS, VIEW_NVARCHAR("definition", TYPE_MAX_LENGTH),
                                             VIEW_BIT("uses_database_collation"), VIEW_BIT("is_persisted")};
static const SysColumn IDENTITY_COLUMNS[] = {COLUMN_COLUMNS, VIEW_VARIANT("seed_value"),
                                             VIEW_VARIANT("increment_value"), VIEW_VARIANT("last_value"),
                                             VIEW_BIT_N("is_not_for_replication")};

static int64_t user_type_id(const Type *t) {
    return t->is_sysname ? USER_TYPE_SYSNAME : (int64_t)t->id;
}

static void type_values(ViewRow *r, const Type *t, int32_t alias) {
    view_row_int(r, type_system_id(t->id));
    view_row_int(r, alias ? alias : user_type_id(t));
    view_row_int(r, type_max_length_bytes(t));
    view_row_int(r, type_sys_precision(t));
    view_row_int(r, type_sys_scale(t));
}

static void collation_value(ViewRow *r, const Type *t, const Database *d) {
    if (type_is_text(t->id) && t->id != TYPE_XML)
        view_row_text(r, collation_get(t->collation ? t->collation : d->collation)->name);
    else view_row_null(r);
}

static void column_start(ViewRow *r, const Database *d, const Table *t, const Column *c) {
    view_row_int(r, t->object_id);
    view_row_text(r, c->name);
    view_row_int(r, c->id);
    type_values(r, &c->type, c->user_type_id);
    collation_value(r, &c->type, d);
    view_row_int(r, c->is_nullable);
    view_row_int(r, type_is_text(c->type.id) || type_is_binary(c->type.id));
    view_row_int(r, c->is_rowguid);
    view_row_int(r, c->is_identity);
    view_row_int(r, c->is_computed);
    view_row_zeros(r, 7);
    view_row_int(r, c->default_object_id);
    view_row_int(r, 0);
    view_row_int(r, c->is_sparse);
    view_row_zeros(r, 2);
    view_row_text(r, "NOT_APPLICABLE");
    view_row_zeros(r, 2);
}

typedef bool ColumnPick(const Column *c);
typedef void ColumnRest(ViewRow *r, const Table *t, const Column *c, Arena *a);

static void each_column(Session *s, int32_t database_id, ViewRow *r, ColumnPick *pick, ColumnRest *rest,
                        Arena *a) {
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;) {
        for (size_t i = 0; i < t->column_count; i++) {
            const Column *c = &t->columns[i];
            if (pick && !pick(c)) continue;
            column_start(r, d, t, c);
            if (rest) rest(r, t, c, a);
            view_row_end(r);
        }
    }
}

static bool fill_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COLUMNS_COLUMNS));
    each_column(s, database_id, &r, NULL, NULL, arena);
    return true;
}

/* Of the views that aren't SELECTs themselves. */
static bool fill_system_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COLUMNS_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    size_t at = 0;
    for (const SysTable *t; d && (t = sysregistry_next_table(server_sys(session_server(s)), &at)) != NULL;) {
        if (!view_is_shown(t)) continue;
        Table shown = {.object_id = t->object_id};
        for (size_t i = 0; i < t->column_count; i++) {
            char *name = arena_printf(arena, STR_FMT, STR_ARG(t->columns[i].name));
            Column c = {.name = name,
                        .id = (int32_t)i + 1,
                        .type = t->columns[i].type,
                        .is_nullable = t->columns[i].is_nullable};
            column_start(&r, d, &shown, &c);
            view_row_end(&r);
        }
    }
    return true;
}

static bool is_computed(const Column *c) {
    return c->is_computed;
}

static void computed_rest(ViewRow *r, const Table *t, const Column *c, Arena *a) {
    (void)t, (void)a;
    view_row_text(r, c->computed_sql);
    view_row_int(r, 1);
    view_row_int(r, c->is_persisted);
}

static bool fill_computed_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                  SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COMPUTED_COLUMNS));
    each_column(s, database_id, &r, is_computed, computed_rest, arena);
    return true;
}

static bool is_identity(const Column *c) {
    return c->is_identity;
}

static void identity_rest(ViewRow *r, const Table *t, const Column *c, Arena *a) {
    view_row_variant(r, &c->type, c->identity_seed, a);
    view_row_variant(r, &c->type, c->identity_step, a);
    if (atomic_load(&t->state->has_identity))
        view_row_variant(r, &c->type, atomic_load(&t->state->identity), a);
    else view_row_null(r);
    view_row_int(r, 0);
}

static bool fill_identity_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                  SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(IDENTITY_COLUMNS));
    each_column(s, database_id, &r, is_identity, identity_rest, arena);
    return true;
}

/* ---- sys.types */

static const SysColumn TYPE_COLUMNS[] = {
    VIEW_NAME("name"),
    VIEW_TINYINT("system_type_id"),
    VIEW_INT("user_type_id"),
    VIEW_INT("schema_id"),
    VIEW_INT_N("principal_id"),
    VIEW_SMALLINT("max_length"),
    VIEW_TINYINT("precision"),
    VIEW_TINYINT("scale"),
    VIEW_NAME_N("collation_name"),
    VIEW_BIT_N("is_nullable"),
    VIEW_BIT("is_user_defined"),
    VIEW_BIT("is_assembly_type"),
    VIEW_INT("default_object_id"),
    VIEW_INT("rule_object_id"),
    VIEW_BIT("is_table_type"),
};

/* Each type at its largest, as sys.types gives it. */
static const Type TYPES[] = {
    {.id = TYPE_IMAGE},
    {.id = TYPE_TEXT},
    {.id = TYPE_UNIQUEIDENTIFIER},
    {.id = TYPE_DATE},
    {.id = TYPE_TIME, .scale = 7},
    {.id = TYPE_DATETIME2, .scale = 7},
    {.id = TYPE_DATETIMEOFFSET, .scale = 7},
    {.id = TYPE_TINYINT},
    {.id = TYPE_SMALLINT},
    {.id = TYPE_INT},
    {.id = TYPE_SMALLDATETIME},
    {.id = TYPE_REAL},
    {.id = TYPE_MONEY},
    {.id = TYPE_DATETIME},
    {.id = TYPE_FLOAT},
    {.id = TYPE_NTEXT},
    {.id = TYPE_BIT},
    {.id = TYPE_DECIMAL, .precision = 38, .scale = 38},
    {.id = TYPE_NUMERIC, .precision = 38, .scale = 38},
    {.id = TYPE_SMALLMONEY},
    {.id = TYPE_BIGINT},
    {.id = TYPE_VARBINARY, .length = 8000},
    {.id = TYPE_VARCHAR, .length = 8000},
    {.id = TYPE_BINARY, .length = 8000},
    {.id = TYPE_CHAR, .length = 8000},
    {.id = TYPE_ROWVERSION},
    {.id = TYPE_NVARCHAR, .length = 4000},
    {.id = TYPE_NCHAR, .length = 4000},
    {.id = TYPE_XML, .length = TYPE_MAX_LENGTH},
    {.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true},
    {.id = TYPE_SQL_VARIANT},
    {.id = TYPE_HIERARCHYID},
    {.id = TYPE_GEOMETRY},
    {.id = TYPE_GEOGRAPHY},
};

static void type_row(ViewRow *r, const Database *d, const Type *t, const UserType *alias) {
    view_row_text(r, alias ? alias->name : t->is_sysname ? "sysname" : type_name(t->id));
    view_row_int(r, type_system_id(t->id));
    view_row_int(r, alias ? alias->id : user_type_id(t));
    view_row_int(r, alias ? alias->schema_id : CATALOG_SCHEMA_SYS);
    view_row_null(r);
    view_row_int(r, type_max_length_bytes(t));
    view_row_int(r, type_sys_precision(t));
    view_row_int(r, type_sys_scale(t));
    collation_value(r, t, d);
    view_row_int(r, alias ? alias->is_nullable : !t->is_sysname && t->id != TYPE_ROWVERSION);
    view_row_int(r, alias != NULL);
    view_row_int(r, type_is_clr(t->id));
    view_row_zeros(r, 3);
    view_row_end(r);
}

static bool fill_types(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                       Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    ViewRow r = view_row_start(rows, VIEW_COUNT(TYPE_COLUMNS));
    for (size_t i = 0; d && i < VIEW_COUNT(TYPES); i++) type_row(&r, d, &TYPES[i], NULL);
    for (size_t i = 0; d && i < d->type_count; i++) type_row(&r, d, &d->types[i].base, &d->types[i]);
    return true;
}

/* ---- sys.indexes, sys.index_columns */

static const SysColumn INDEX_COLUMNS[] = {
    VIEW_INT("object_id"),          VIEW_NAME_N("name"),
    VIEW_INT("index_id"),           VIEW_TINYINT("type"),
    VIEW_NVARCHAR("type_desc", 60), VIEW_BIT_N("is_unique"),
    VIEW_INT("data_space_id"),      VIEW_BIT_N("ignore_dup_key"),
    VIEW_BIT_N("is_primary_key"),   VIEW_BIT_N("is_unique_constraint"),
    VIEW_TINYINT("fill_factor"),    VIEW_BIT_N("is_padded"),
    VIEW_BIT_N("is_disabled"),      VIEW_BIT_N("is_hypothetical"),
    VIEW_BIT_N("allow_row_locks"),  VIEW_BIT_N("allow_page_locks"),
    VIEW_BIT_N("has_filter"),       VIEW_NVARCHAR("filter_definition", TYPE_MAX_LENGTH),
};

/* index NULL: the heap, which has a row of its own. */
static void index_row(ViewRow *r, const Table *t, const Index *index) {
    view_row_int(r, t->object_id);
    view_row_text(r, index ? index->name : NULL);
    view_row_int(r, index ? index->id : 0);
    view_row_int(r, !index ? 0 : index->is_clustered ? 1 : 2);
    view_row_text(r, !index ? "HEAP" : index->is_clustered ? "CLUSTERED" : "NONCLUSTERED");
    view_row_int(r, index && index->is_unique);
    view_row_int(r, FIRST_DATA_SPACE);
    view_row_int(r, 0);
    view_row_int(r, index && index->is_primary_key);
    view_row_int(r, index && index->is_unique_constraint);
    view_row_zeros(r, 4);
    view_row_int(r, 1);
    view_row_int(r, 1);
    view_row_int(r, index && index->filter);
    view_row_text(r, index ? index->filter : NULL);
    view_row_end(r);
}

static bool fill_indexes(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(INDEX_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        if (t->kind == TABLE_VIEW || t->kind == TABLE_PROCEDURE) continue;
        bool is_heap = true;
        for (size_t i = 0; i < t->index_count; i++) is_heap = is_heap && !t->indexes[i].is_clustered;
        if (is_heap) index_row(&r, t, NULL);
        for (size_t i = 0; i < t->index_count; i++) index_row(&r, t, &t->indexes[i]);
    }
    return true;
}

static const SysColumn INDEX_COLUMN_COLUMNS[] = {
    VIEW_INT("object_id"),           VIEW_INT("index_id"),
    VIEW_INT("index_column_id"),     VIEW_INT("column_id"),
    VIEW_TINYINT("key_ordinal"),     VIEW_TINYINT("partition_ordinal"),
    VIEW_BIT_N("is_descending_key"), VIEW_BIT_N("is_included_column"),
};

static void index_columns_of(ViewRow *r, const Table *t, const Index *index) {
    for (size_t i = 0; i < index->column_count; i++) {
        const IndexColumn *c = &index->columns[i];
        view_row_int(r, t->object_id);
        view_row_int(r, index->id);
        view_row_int(r, (int64_t)i + 1);
        view_row_int(r, c->column_id);
        view_row_int(r, i < index->key_count ? (int64_t)i + 1 : 0);
        view_row_int(r, 0);
        view_row_int(r, c->is_descending);
        view_row_int(r, c->is_included);
        view_row_end(r);
    }
}

static bool fill_index_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                               SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(INDEX_COLUMN_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;)
        for (size_t i = 0; i < t->index_count; i++) index_columns_of(&r, t, &t->indexes[i]);
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "columns", COLUMNS_COLUMNS, fill_columns),
    VIEW_TABLE("sys", "system_columns", COLUMNS_COLUMNS, fill_system_columns),
    VIEW_SQL("sys", "all_columns", 0, "SELECT * FROM sys.columns UNION ALL SELECT * FROM sys.system_columns"),
    VIEW_TABLE("sys", "computed_columns", COMPUTED_COLUMNS, fill_computed_columns),
    VIEW_TABLE("sys", "identity_columns", IDENTITY_COLUMNS, fill_identity_columns),
    VIEW_TABLE("sys", "types", TYPE_COLUMNS, fill_types),
    VIEW_TABLE("sys", "indexes", INDEX_COLUMNS, fill_indexes),
    VIEW_TABLE("sys", "index_columns", INDEX_COLUMN_COLUMNS, fill_index_columns),
};

void view_columns_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
