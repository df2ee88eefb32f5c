/*
 * view_routines.c - views over functions, procedures and triggers: those of the server itself, and what
 * change data capture has made in a database.
 */
#include "standin/system/view_routines.h"

#include "standin/cdc/cdc_object.h"
#include "standin/system/view_objects.h"

/* ---- of change data capture */

/* The columns of an object that is no table's: of change data capture. */
static void cdc_object_start(ViewRow *r, const CdcObject *o, int32_t schema_id) {
    view_row_str(r, o->name);
    view_row_int(r, o->id);
    view_row_null(r);
    view_row_int(r, o->kind == CDC_TRIGGER ? CATALOG_SCHEMA_DBO : schema_id);
    view_row_int(r, 0);
    view_row_text(r, cdc_object_type(o->kind));
    view_row_text(r, cdc_object_type_desc(o->kind));
    view_row_datetime(r, o->create_us);
    view_row_datetime(r, o->create_us);
    view_row_int(r, o->is_ms_shipped);
    view_row_zeros(r, 2);
}

/* Those of one kind (ALL_KINDS: all but triggers, which stand in no schema's list) with `more` zeros each. */
enum { ALL_KINDS = -1 };
static bool cdc_objects(Session *s, int32_t database_id, int kind, size_t more, ViewRow *r, Arena *arena,
                        SqlError *e) {
    CdcObject *objects;
    size_t count;
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    const Schema *schema = d ? database_schema(d, STR_LIT("cdc")) : NULL;
    if (!cdc_object_list(s, database_id, arena, &objects, &count, e)) return false;
    for (size_t i = 0; schema && i < count; i++) {
        bool is_meant =
            kind == ALL_KINDS ? objects[i].kind != CDC_TRIGGER : objects[i].kind == (CdcObjectKind)kind;
        if (!is_meant) continue;
        cdc_object_start(r, &objects[i], schema->id);
        view_row_zeros(r, more);
        view_row_end(r);
    }
    return true;
}

bool view_routines_of_database(Session *s, int32_t database_id, ViewRow *r, Arena *arena, SqlError *e) {
    return cdc_objects(s, database_id, ALL_KINDS, 0, r, arena, e);
}

/* ---- sys.procedures, sys.triggers */

static const SysColumn PROCEDURE_COLUMNS[] = {
    VIEW_OBJECT_COLUMNS,
    VIEW_BIT("is_auto_executed"),
    VIEW_BIT_N("is_execution_replicated"),
    VIEW_BIT_N("is_repl_serializable_only"),
    VIEW_BIT_N("skips_repl_constraints"),
};

static bool fill_procedures(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                            SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PROCEDURE_COLUMNS));
    SessionTables at = {0};
    for (const Table *t; (t = session_next_table(s, database_id, &at)) != NULL;) {
        if (t->kind != TABLE_PROCEDURE) continue;
        view_objects_start(&r, t);
        view_row_zeros(&r, 4);
        view_row_end(&r);
    }
    return cdc_objects(s, database_id, CDC_PROCEDURE, 4, &r, arena, e);
}

static const SysColumn TRIGGER_COLUMNS[] = {
    VIEW_NAME("name"),
    VIEW_INT("object_id"),
    VIEW_TINYINT("parent_class"),
    VIEW_NVARCHAR("parent_class_desc", 60),
    VIEW_INT("parent_id"),
    VIEW_CHAR("type", 2),
    VIEW_NVARCHAR("type_desc", 60),
    VIEW_DATETIME("create_date"),
    VIEW_DATETIME("modify_date"),
    VIEW_BIT("is_ms_shipped"),
    VIEW_BIT("is_disabled"),
    VIEW_BIT("is_not_for_replication"),
    VIEW_BIT("is_instead_of_trigger"),
};

static bool fill_triggers(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)args, (void)arg_count;
    ViewRow r = view_row_start(rows, VIEW_COUNT(TRIGGER_COLUMNS));
    CdcObject *objects;
    size_t count;
    if (!cdc_object_list(s, database_id, arena, &objects, &count, e)) return false;
    for (size_t i = 0; i < count; i++) {
        const CdcObject *o = &objects[i];
        if (o->kind != CDC_TRIGGER) continue;
        view_row_str(&r, o->name);
        view_row_int(&r, o->id);
        view_row_int(&r, 0);
        view_row_text(&r, "DATABASE");
        view_row_int(&r, 0);
        view_row_text(&r, cdc_object_type(o->kind));
        view_row_text(&r, cdc_object_type_desc(o->kind));
        view_row_datetime(&r, o->create_us);
        view_row_datetime(&r, o->create_us);
        view_row_int(&r, o->is_ms_shipped);
        view_row_zeros(&r, 3);
        view_row_end(&r);
    }
    return true;
}

/* ---- INFORMATION_SCHEMA.ROUTINES */

static const SysColumn ROUTINE_COLUMNS[] = {
    VIEW_NAME_N("SPECIFIC_CATALOG"),
    VIEW_NAME_N("SPECIFIC_SCHEMA"),
    VIEW_NAME("SPECIFIC_NAME"),
    VIEW_NAME_N("ROUTINE_CATALOG"),
    VIEW_NAME_N("ROUTINE_SCHEMA"),
    VIEW_NAME("ROUTINE_NAME"),
    VIEW_NVARCHAR("ROUTINE_TYPE", 20),
    VIEW_NAME_N("MODULE_CATALOG"),
    VIEW_NAME_N("MODULE_SCHEMA"),
    VIEW_NAME_N("MODULE_NAME"),
    VIEW_NAME_N("UDT_CATALOG"),
    VIEW_NAME_N("UDT_SCHEMA"),
    VIEW_NAME_N("UDT_NAME"),
    VIEW_NAME_N("DATA_TYPE"),
    VIEW_INT_N("CHARACTER_MAXIMUM_LENGTH"),
    VIEW_INT_N("CHARACTER_OCTET_LENGTH"),
    VIEW_NAME_N("COLLATION_CATALOG"),
    VIEW_NAME_N("COLLATION_SCHEMA"),
    VIEW_NAME_N("COLLATION_NAME"),
    VIEW_NAME_N("CHARACTER_SET_CATALOG"),
    VIEW_NAME_N("CHARACTER_SET_SCHEMA"),
    VIEW_NAME_N("CHARACTER_SET_NAME"),
    VIEW_SMALLINT_N("NUMERIC_PRECISION"),
    VIEW_SMALLINT_N("NUMERIC_PRECISION_RADIX"),
    VIEW_SMALLINT_N("NUMERIC_SCALE"),
    VIEW_SMALLINT_N("DATETIME_PRECISION"),
    VIEW_NVARCHAR("INTERVAL_TYPE", 30),
    VIEW_SMALLINT_N("INTERVAL_PRECISION"),
    VIEW_NAME_N("TYPE_UDT_CATALOG"),
    VIEW_NAME_N("TYPE_UDT_SCHEMA"),
    VIEW_NAME_N("TYPE_UDT_NAME"),
    VIEW_NAME_N("SCOPE_CATALOG"),
    VIEW_NAME_N("SCOPE_SCHEMA"),
    VIEW_NAME_N("SCOPE_NAME"),
    VIEW_COL("MAXIMUM_CARDINALITY", true, .id = TYPE_BIGINT),
    VIEW_NAME_N("DTD_IDENTIFIER"),
    VIEW_NVARCHAR("ROUTINE_BODY", 30),
    VIEW_NVARCHAR("ROUTINE_DEFINITION", 4000),
    VIEW_NAME_N("EXTERNAL_NAME"),
    VIEW_NVARCHAR("EXTERNAL_LANGUAGE", 30),
    VIEW_NVARCHAR("PARAMETER_STYLE", 30),
    VIEW_NVARCHAR("IS_DETERMINISTIC", 10),
    VIEW_NVARCHAR("SQL_DATA_ACCESS", 30),
    VIEW_NVARCHAR("IS_NULL_CALL", 10),
    VIEW_NAME_N("SQL_PATH"),
    VIEW_NVARCHAR("SCHEMA_LEVEL_ROUTINE", 10),
    VIEW_SMALLINT_N("MAX_DYNAMIC_RESULT_SETS"),
    VIEW_NVARCHAR("IS_USER_DEFINED_CAST", 10),
    VIEW_NVARCHAR("IS_IMPLICITLY_INVOCABLE", 10),
    VIEW_DATETIME("CREATED"),
    VIEW_DATETIME("LAST_ALTERED"),
};
enum { BEFORE_DATA_TYPE = 6, AFTER_DATA_TYPE = 22 };

static void routine_row(ViewRow *r, const Database *d, const CdcObject *o) {
    bool is_function = o->kind == CDC_FUNCTION;
    for (int i = 0; i < 2; i++) {
        view_row_text(r, d->name);
        view_row_text(r, "cdc");
        view_row_str(r, o->name);
    }
    view_row_text(r, is_function ? "FUNCTION" : "PROCEDURE");
    view_row_nulls(r, BEFORE_DATA_TYPE);
    view_row_text(r, is_function ? "TABLE" : NULL);
    view_row_nulls(r, AFTER_DATA_TYPE);
    view_row_text(r, "SQL");
    view_row_nulls(r, 4);
    view_row_text(r, "NO");
    view_row_text(r, is_function ? "READS" : "MODIFIES");
    view_row_null(r);
    view_row_null(r);
    view_row_text(r, "YES");
    view_row_int(r, is_function ? 0 : -1);
    view_row_text(r, "NO");
    view_row_text(r, "NO");
    view_row_datetime(r, o->create_us);
    view_row_datetime(r, o->create_us);
    view_row_end(r);
}

static bool fill_routines(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)args, (void)arg_count;
    ViewRow r = view_row_start(rows, VIEW_COUNT(ROUTINE_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    CdcObject *objects;
    size_t count;
    if (!d || !cdc_object_list(s, database_id, arena, &objects, &count, e)) return d == NULL;
    for (size_t i = 0; i < count; i++)
        if (objects[i].kind != CDC_TRIGGER) routine_row(&r, d, &objects[i]);
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "procedures", PROCEDURE_COLUMNS, fill_procedures),
    VIEW_TABLE("sys", "triggers", TRIGGER_COLUMNS, fill_triggers),
    VIEW_TABLE("INFORMATION_SCHEMA", "ROUTINES", ROUTINE_COLUMNS, fill_routines),
};

void view_routines_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
