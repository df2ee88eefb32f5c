/*
 * view_objects.c - one row of sys.objects for each table and each constraint, which are parts of their Table
 * in the catalog. The more special views (sys.tables, sys.foreign_keys …) begin with the same twelve columns
 * and add their own, so all of them are made of object_start() and a few values more.
 */
#include "standin/system/view_objects.h"

#include "standin/builtin/view_row.h"
#include "standin/exec/proc.h"
#include "standin/exec/server.h"
#include "standin/system/view_routines.h"

typedef struct Object {
    const char *name;
    int32_t id, parent_id;
    const char *type, *type_desc; /* type: two characters */
} Object;

/* The columns that all objects have; t: the table, or the one a constraint belongs to. */
static void object_start(ViewRow *r, const Table *t, const Object *o) {
    view_row_text(r, o->name);
    view_row_int(r, o->id);
    view_row_null(r);
    view_row_int(r, t->schema_id);
    view_row_int(r, o->parent_id);
    view_row_text(r, o->type);
    view_row_text(r, o->type_desc);
    view_row_datetime(r, t->create_us);
    view_row_datetime(r, t->modify_us);
    view_row_int(r, t->is_ms_shipped);
    view_row_zeros(r, 2);
}

static Object table_object(const Table *t) {
    if (t->kind == TABLE_PROCEDURE) return (Object){t->name, t->object_id, 0, "P ", "SQL_STORED_PROCEDURE"};
    if (t->kind == TABLE_VIEW) return (Object){t->name, t->object_id, 0, "V ", "VIEW"};
    return (Object){view_table_name(t), t->object_id, 0, "U ", "USER_TABLE"};
}

void view_objects_start(ViewRow *r, const Table *t) {
    Object o = table_object(t);
    object_start(r, t, &o);
}

static Object key_object(const Table *t, const Index *i) {
    if (i->is_primary_key)
        return (Object){i->name, i->object_id, t->object_id, "PK", "PRIMARY_KEY_CONSTRAINT"};
    return (Object){i->name, i->object_id, t->object_id, "UQ", "UNIQUE_CONSTRAINT"};
}

static bool is_key(const Index *i) {
    return i->is_primary_key || i->is_unique_constraint;
}

/* ---- sys.schemas */

static const SysColumn SCHEMA_COLUMNS[] = {VIEW_NAME("name"), VIEW_INT("schema_id"),
                                           VIEW_INT_N("principal_id")};

static bool fill_schemas(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SCHEMA_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    for (size_t i = 0; d && i < d->schema_count; i++) {
        view_row_text(&r, d->schemas[i].name);
        view_row_int(&r, d->schemas[i].id);
        view_row_int(&r, d->schemas[i].principal_id);
        view_row_end(&r);
    }
    return true;
}

/* ---- sys.objects */

static const SysColumn OBJECTS_COLUMNS[] = {VIEW_OBJECT_COLUMNS};

static void one_object(ViewRow *r, const Table *t, Object o) {
    object_start(r, t, &o);
    view_row_end(r);
}

static void objects_of(ViewRow *r, const Table *t) {
    one_object(r, t, table_object(t));
    for (size_t i = 0; i < t->index_count; i++)
        if (is_key(&t->indexes[i])) one_object(r, t, key_object(t, &t->indexes[i]));
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const ForeignKey *f = &t->foreign_keys[i];
        one_object(r, t, (Object){f->name, f->object_id, t->object_id, "F ", "FOREIGN_KEY_CONSTRAINT"});
    }
    for (size_t i = 0; i < t->check_count; i++) {
        const Check *c = &t->checks[i];
        one_object(r, t, (Object){c->name, c->object_id, t->object_id, "C ", "CHECK_CONSTRAINT"});
    }
    for (size_t i = 0; i < t->column_count; i++) {
        const Column *c = &t->columns[i];
        if (!c->default_sql) continue;
        one_object(r, t,
                   (Object){c->default_name, c->default_object_id, t->object_id, "D ", "DEFAULT_CONSTRAINT"});
    }
}

static bool fill_objects(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count;
    ViewRow r = view_row_start(rows, VIEW_COUNT(OBJECTS_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) objects_of(&r, t);
    return view_routines_of_database(s, database_id, &r, arena, e);
}

/* ---- sys.system_objects: the views, functions and procedures that come with the server */

static void system_object(ViewRow *r, Session *s, const char *name, int32_t id, int32_t schema_id,
                          const char *type, const char *type_desc) {
    view_row_text(r, name);
    view_row_int(r, id);
    view_row_null(r);
    view_row_int(r, schema_id);
    view_row_int(r, 0);
    view_row_text(r, type);
    view_row_text(r, type_desc);
    view_row_datetime(r, server_start_us(session_server(s)));
    view_row_datetime(r, server_start_us(session_server(s)));
    view_row_int(r, 1);
    view_row_zeros(r, 2);
    view_row_end(r);
}

static void system_tables(ViewRow *r, Session *s, const Database *d) {
    size_t at = 0;
    for (const SysTable *t; (t = sysregistry_next_table(server_sys(session_server(s)), &at)) != NULL;) {
        const Schema *schema = database_schema(d, str_from(t->schema));
        if (!schema || !view_is_shown(t) || (t->database_id && t->database_id != d->id)) continue;
        if (t->is_function)
            system_object(r, s, t->name, t->object_id, schema->id, "IF", "SQL_INLINE_TABLE_VALUED_FUNCTION");
        else system_object(r, s, t->name, t->object_id, schema->id, "V ", "VIEW");
    }
}

static bool fill_system_objects(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(OBJECTS_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    const Schema *sys = d ? database_schema(d, STR_LIT("sys")) : NULL;
    const ProcRegistry *procs = server_procs(session_server(s));
    const SysRegistry *registry = server_sys(session_server(s));
    size_t at = 0;
    if (!sys) return true;
    system_tables(&r, s, d);
    for (const SysFunction *f; (f = sysregistry_next_function(registry, &at)) != NULL;)
        if (str_eq_c(str_from(f->schema), "sys"))
            system_object(&r, s, f->name, sysregistry_function_id(registry, f), sys->id, "FN",
                          "SQL_SCALAR_FUNCTION");
    at = 0;
    for (const Proc *p; (p = procregistry_next(procs, &at)) != NULL;)
        system_object(&r, s, p->name, procregistry_object_id(procs, p), sys->id, "P ",
                      "SQL_STORED_PROCEDURE");
    return true;
}

/* Extended properties can't be added here. */
static bool fill_nothing(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)s, (void)database_id, (void)args, (void)arg_count, (void)rows, (void)arena, (void)e;
    return true;
}

/* ---- sys.tables, sys.views */

static const SysColumn TABLE_COLUMNS[] = {
    VIEW_OBJECT_COLUMNS,
    VIEW_INT("lob_data_space_id"),
    VIEW_INT_N("filestream_data_space_id"),
    VIEW_INT("max_column_id_used"),
    VIEW_BIT("lock_on_bulk_load"),
    VIEW_BIT_N("uses_ansi_nulls"),
    VIEW_BIT_N("is_replicated"),
    VIEW_BIT_N("has_replication_filter"),
    VIEW_BIT_N("is_merge_published"),
    VIEW_BIT_N("is_sync_tran_subscribed"),
    VIEW_BIT("has_unchecked_assembly_data"),
    VIEW_INT_N("text_in_row_limit"),
    VIEW_BIT_N("large_value_types_out_of_row"),
    VIEW_BIT_N("is_tracked_by_cdc"),
    VIEW_TINYINT_N("lock_escalation"),
    VIEW_NVARCHAR("lock_escalation_desc", 60),
    VIEW_BIT_N("is_filetable"),
    VIEW_BIT_N("is_memory_optimized"),
    VIEW_TINYINT_N("durability"),
    VIEW_NVARCHAR("durability_desc", 60),
    VIEW_TINYINT_N("temporal_type"),
    VIEW_NVARCHAR("temporal_type_desc", 60),
    VIEW_INT_N("history_table_id"),
    VIEW_BIT_N("is_remote_data_archive_enabled"),
    VIEW_BIT("is_external"),
};

static void table_row(ViewRow *r, const Table *t) {
    view_objects_start(r, t);
    view_row_int(r, 0);
    view_row_null(r);
    view_row_int(r, t->max_column_id);
    view_row_int(r, 0);
    view_row_int(r, 1);
    view_row_zeros(r, 7);
    view_row_int(r, t->is_tracked_by_cdc);
    view_row_int(r, 0);
    view_row_text(r, "TABLE");
    view_row_zeros(r, 3);
    view_row_text(r, "SCHEMA_AND_DATA");
    view_row_int(r, 0);
    view_row_text(r, "NON_TEMPORAL_TABLE");
    view_row_null(r);
    view_row_zeros(r, 2);
    view_row_end(r);
}

static bool fill_tables(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                        Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(TABLE_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;)
        if (t->kind == TABLE_USER || t->kind == TABLE_TEMP) table_row(&r, t);
    return true;
}

static const SysColumn VIEW_COLUMNS[] = {VIEW_OBJECT_COLUMNS, VIEW_BIT_N("is_replicated"),
                                         VIEW_BIT("with_check_option")};

static bool fill_views(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                       Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(VIEW_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        if (t->kind != TABLE_VIEW) continue;
        view_objects_start(&r, t);
        view_row_zeros(&r, 2);
        view_row_end(&r);
    }
    return true;
}

/* ---- constraints */

static const SysColumn KEY_COLUMNS[] = {VIEW_OBJECT_COLUMNS, VIEW_INT_N("unique_index_id"),
                                        VIEW_BIT("is_system_named"), VIEW_BIT("is_enforced")};

static bool fill_key_constraints(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                 SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(KEY_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        for (size_t i = 0; i < t->index_count; i++) {
            if (!is_key(&t->indexes[i])) continue;
            Object o = key_object(t, &t->indexes[i]);
            object_start(&r, t, &o);
            view_row_int(&r, t->indexes[i].id);
            view_row_int(&r, 0);
            view_row_int(&r, 1);
            view_row_end(&r);
        }
    }
    return true;
}

static const SysColumn FOREIGN_KEY_COLUMNS[] = {
    VIEW_OBJECT_COLUMNS,
    VIEW_INT_N("referenced_object_id"),
    VIEW_INT_N("key_index_id"),
    VIEW_BIT("is_disabled"),
    VIEW_BIT("is_not_for_replication"),
    VIEW_BIT("is_not_trusted"),
    VIEW_TINYINT_N("delete_referential_action"),
    VIEW_NVARCHAR("delete_referential_action_desc", 60),
    VIEW_TINYINT_N("update_referential_action"),
    VIEW_NVARCHAR("update_referential_action_desc", 60),
    VIEW_BIT("is_system_named"),
};

static const char *const ACTION_NAMES[] = {"NO_ACTION", "CASCADE", "SET_NULL", "SET_DEFAULT"};

static void foreign_key_row(ViewRow *r, const Catalog *c, const Table *t, const ForeignKey *f) {
    const Table *referenced = catalog_table_by_id(c, f->referenced_id);
    const Index *key = referenced ? table_primary_key(referenced) : NULL;
    object_start(r, t, &(Object){f->name, f->object_id, t->object_id, "F ", "FOREIGN_KEY_CONSTRAINT"});
    view_row_int(r, f->referenced_id);
    if (key) view_row_int(r, key->id);
    else view_row_null(r);
    view_row_int(r, f->is_disabled);
    view_row_int(r, 0);
    view_row_int(r, f->is_not_trusted);
    view_row_int(r, f->on_delete);
    view_row_text(r, ACTION_NAMES[f->on_delete]);
    view_row_int(r, f->on_update);
    view_row_text(r, ACTION_NAMES[f->on_update]);
    view_row_int(r, 0);
    view_row_end(r);
}

static bool fill_foreign_keys(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                              SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(FOREIGN_KEY_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;)
        for (size_t i = 0; i < t->foreign_key_count; i++)
            foreign_key_row(&r, session_catalog(s), t, &t->foreign_keys[i]);
    return true;
}

static const SysColumn FOREIGN_KEY_COLUMN_COLUMNS[] = {
    VIEW_INT("constraint_object_id"), VIEW_INT("constraint_column_id"), VIEW_INT("parent_object_id"),
    VIEW_INT("parent_column_id"),     VIEW_INT("referenced_object_id"), VIEW_INT("referenced_column_id"),
};

static void foreign_key_columns_of(ViewRow *r, const Table *t, const ForeignKey *f) {
    for (size_t i = 0; i < f->count; i++) {
        view_row_int(r, f->object_id);
        view_row_int(r, (int64_t)i + 1);
        view_row_int(r, t->object_id);
        view_row_int(r, f->columns[i]);
        view_row_int(r, f->referenced_id);
        view_row_int(r, f->referenced_columns[i]);
        view_row_end(r);
    }
}

static bool fill_foreign_key_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                     SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(FOREIGN_KEY_COLUMN_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;)
        for (size_t i = 0; i < t->foreign_key_count; i++) foreign_key_columns_of(&r, t, &t->foreign_keys[i]);
    return true;
}

static const SysColumn DEFAULT_COLUMNS[] = {VIEW_OBJECT_COLUMNS, VIEW_INT("parent_column_id"),
                                            VIEW_NVARCHAR("definition", TYPE_MAX_LENGTH),
                                            VIEW_BIT("is_system_named")};

static bool fill_default_constraints(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                     SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(DEFAULT_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        for (size_t i = 0; i < t->column_count; i++) {
            const Column *c = &t->columns[i];
            if (!c->default_sql) continue;
            object_start(
                &r, t,
                &(Object){c->default_name, c->default_object_id, t->object_id, "D ", "DEFAULT_CONSTRAINT"});
            view_row_int(&r, c->id);
            view_row_text(&r, c->default_sql);
            view_row_int(&r, 0);
            view_row_end(&r);
        }
    }
    return true;
}

static const SysColumn CHECK_COLUMNS[] = {VIEW_OBJECT_COLUMNS,
                                          VIEW_BIT("is_disabled"),
                                          VIEW_BIT("is_not_for_replication"),
                                          VIEW_BIT("is_not_trusted"),
                                          VIEW_INT("parent_column_id"),
                                          VIEW_NVARCHAR("definition", TYPE_MAX_LENGTH),
                                          VIEW_BIT_N("uses_database_collation"),
                                          VIEW_BIT("is_system_named")};

static bool fill_check_constraints(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                   SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(CHECK_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        for (size_t i = 0; i < t->check_count; i++) {
            const Check *c = &t->checks[i];
            object_start(&r, t, &(Object){c->name, c->object_id, t->object_id, "C ", "CHECK_CONSTRAINT"});
            view_row_int(&r, c->is_disabled);
            view_row_zeros(&r, 2);
            view_row_int(&r, c->column_id);
            view_row_text(&r, c->sql);
            view_row_int(&r, 1);
            view_row_int(&r, 0);
            view_row_end(&r);
        }
    }
    return true;
}

/* ---- sys.partitions, sys.dm_db_partition_stats: one partition for each index, or for the heap */

static const SysColumn PARTITION_COLUMNS[] = {
    VIEW_BIGINT("partition_id"),
    VIEW_INT("object_id"),
    VIEW_INT("index_id"),
    VIEW_INT("partition_number"),
    VIEW_BIGINT("hobt_id"),
    VIEW_BIGINT_N("rows"),
    VIEW_SMALLINT("filestream_filegroup_id"),
    VIEW_TINYINT("data_compression"),
    VIEW_NVARCHAR("data_compression_desc", 60),
};

static const SysColumn PARTITION_STATS_COLUMNS[] = {
    VIEW_BIGINT_N("partition_id"),
    VIEW_INT("object_id"),
    VIEW_INT("index_id"),
    VIEW_INT("partition_number"),
    VIEW_BIGINT_N("in_row_data_page_count"),
    VIEW_BIGINT_N("in_row_used_page_count"),
    VIEW_BIGINT_N("in_row_reserved_page_count"),
    VIEW_BIGINT_N("lob_used_page_count"),
    VIEW_BIGINT_N("lob_reserved_page_count"),
    VIEW_BIGINT_N("row_overflow_used_page_count"),
    VIEW_BIGINT_N("row_overflow_reserved_page_count"),
    VIEW_BIGINT_N("used_page_count"),
    VIEW_BIGINT_N("reserved_page_count"),
    VIEW_BIGINT_N("row_count"),
};

typedef void PartitionRow(ViewRow *r, const Table *t, int32_t index_id);

static int64_t partition_id(const Table *t, int32_t index_id) {
    return (int64_t)t->object_id << 16 | index_id;
}

static void partition_row(ViewRow *r, const Table *t, int32_t index_id) {
    view_row_int(r, partition_id(t, index_id));
    view_row_int(r, t->object_id);
    view_row_int(r, index_id);
    view_row_int(r, 1);
    view_row_int(r, partition_id(t, index_id));
    view_row_int(r, atomic_load(&t->state->row_count));
    view_row_zeros(r, 2);
    view_row_text(r, "NONE");
    view_row_end(r);
}

static void partition_stats_row(ViewRow *r, const Table *t, int32_t index_id) {
    view_row_int(r, partition_id(t, index_id));
    view_row_int(r, t->object_id);
    view_row_int(r, index_id);
    view_row_int(r, 1);
    view_row_zeros(r, 9); /* pages: another storage, nothing to count */
    view_row_int(r, atomic_load(&t->state->row_count));
    view_row_end(r);
}

static void each_partition(Session *s, int32_t database_id, ViewRow *r, PartitionRow *row) {
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        if (t->kind == TABLE_VIEW || t->kind == TABLE_PROCEDURE) continue;
        bool is_clustered = false;
        for (size_t i = 0; i < t->index_count; i++) is_clustered = is_clustered || t->indexes[i].is_clustered;
        if (!is_clustered) row(r, t, 0);
        for (size_t i = 0; i < t->index_count; i++) row(r, t, t->indexes[i].id);
    }
}

static bool fill_partitions(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                            SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PARTITION_COLUMNS));
    each_partition(s, database_id, &r, partition_row);
    return true;
}

static bool fill_partition_stats(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                 SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PARTITION_STATS_COLUMNS));
    each_partition(s, database_id, &r, partition_stats_row);
    return true;
}

/* ---- */

static const SysColumn EXTENDED_PROPERTY_COLUMNS[] = {
    VIEW_TINYINT("class"), VIEW_NVARCHAR("class_desc", 60), VIEW_INT("major_id"), VIEW_INT("minor_id"),
    VIEW_NAME("name"),     VIEW_VARIANT("value"),
};

#define SYSTEM_VIEWS                                                                                         \
    "SELECT o.*, CAST(0 AS bit) AS is_replicated, CAST(0 AS bit) AS with_check_option FROM "                 \
    "sys.system_objects AS o WHERE o.type = 'V'"

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "schemas", SCHEMA_COLUMNS, fill_schemas),
    VIEW_TABLE("sys", "objects", OBJECTS_COLUMNS, fill_objects),
    VIEW_TABLE("sys", "system_objects", OBJECTS_COLUMNS, fill_system_objects),
    VIEW_SQL("sys", "all_objects", 0, "SELECT * FROM sys.objects UNION ALL SELECT * FROM sys.system_objects"),
    VIEW_TABLE("sys", "extended_properties", EXTENDED_PROPERTY_COLUMNS, fill_nothing),
    VIEW_TABLE("sys", "tables", TABLE_COLUMNS, fill_tables),
    VIEW_TABLE("sys", "views", VIEW_COLUMNS, fill_views),
    VIEW_SQL("sys", "system_views", 0, SYSTEM_VIEWS),
    VIEW_SQL("sys", "all_views", 0, "SELECT * FROM sys.views UNION ALL SELECT * FROM sys.system_views"),
    VIEW_TABLE("sys", "key_constraints", KEY_COLUMNS, fill_key_constraints),
    VIEW_TABLE("sys", "foreign_keys", FOREIGN_KEY_COLUMNS, fill_foreign_keys),
    VIEW_TABLE("sys", "foreign_key_columns", FOREIGN_KEY_COLUMN_COLUMNS, fill_foreign_key_columns),
    VIEW_TABLE("sys", "default_constraints", DEFAULT_COLUMNS, fill_default_constraints),
    VIEW_TABLE("sys", "check_constraints", CHECK_COLUMNS, fill_check_constraints),
    VIEW_TABLE("sys", "partitions", PARTITION_COLUMNS, fill_partitions),
    VIEW_TABLE("sys", "dm_db_partition_stats", PARTITION_STATS_COLUMNS, fill_partition_stats),
};

void view_objects_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
