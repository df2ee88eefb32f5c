/*
 * view_procedures.c - what sp_stored_procedures and sp_sproc_columns select from. All procedures are the
 * server's own (schema sys); their names carry the group number ";1", as the manual's result sets do.
 */
#include "standin/system/view_procedures.h"

#include <string.h>

#include "standin/exec/server.h"
#include "standin/system/view_odbc.h"

enum { ODBC_PARAM_INPUT = 1, ODBC_PARAM_INPUT_OUTPUT = 2, ODBC_PARAM_RETURN_VALUE = 5, ODBC_PT_FUNCTION = 2 };

static const Type variant_type = {.id = TYPE_SQL_VARIANT}; /* of a parameter that is taken as it comes */

/* PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME. */
static void procedure_name(ViewRow *r, const Database *d, const Proc *p, Arena *arena) {
    view_row_text(r, d->name);
    view_row_text(r, "sys");
    view_row_text(r, arena_printf(arena, "%s;1", p->name));
}

/* The stand-in's own procedures (standin.…) are no part of SQL Server's list. */
static bool is_listed(const Proc *p) {
    return strncmp(p->name, "sp_", 3) == 0;
}

static const SysColumn PROCEDURE_COLUMNS[] = {
    VIEW_NAME_N("PROCEDURE_QUALIFIER"), VIEW_NAME_N("PROCEDURE_OWNER"),  VIEW_NVARCHAR("PROCEDURE_NAME", 134),
    VIEW_INT("NUM_INPUT_PARAMS"),       VIEW_INT("NUM_OUTPUT_PARAMS"),   VIEW_INT("NUM_RESULT_SETS"),
    VIEW_VARCHAR("REMARKS", 254),       VIEW_SMALLINT("PROCEDURE_TYPE"), VIEW_NAME("NAME"),
};

static bool fill_procedures(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                            SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PROCEDURE_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    size_t at = 0;
    for (const Proc *p; d && (p = procregistry_next(server_procs(session_server(s)), &at)) != NULL;) {
        if (!is_listed(p)) continue;
        procedure_name(&r, d, p, arena);
        view_row_int(&r, -1); /* "reserved for future use" */
        view_row_int(&r, -1);
        view_row_int(&r, -1);
        view_row_null(&r);
        view_row_int(&r, ODBC_PT_FUNCTION);
        view_row_text(&r, p->name);
        view_row_end(&r);
    }
    return true;
}

static const SysColumn PARAMETER_COLUMNS[] = {
    VIEW_NAME_N("PROCEDURE_QUALIFIER"),
    VIEW_NAME_N("PROCEDURE_OWNER"),
    VIEW_NVARCHAR("PROCEDURE_NAME", 134),
    VIEW_NAME_N("COLUMN_NAME"),
    VIEW_SMALLINT("COLUMN_TYPE"),
    VIEW_SMALLINT("DATA_TYPE"),
    VIEW_NAME_N("TYPE_NAME"),
    VIEW_INT_N("PRECISION"),
    VIEW_INT_N("LENGTH"),
    VIEW_SMALLINT_N("SCALE"),
    VIEW_SMALLINT_N("RADIX"),
    VIEW_SMALLINT_N("NULLABLE"),
    VIEW_VARCHAR("REMARKS", 254),
    VIEW_NVARCHAR("COLUMN_DEF", 4000),
    VIEW_SMALLINT_N("SQL_DATA_TYPE"),
    VIEW_SMALLINT_N("SQL_DATETIME_SUB"),
    VIEW_INT_N("CHAR_OCTET_LENGTH"),
    VIEW_INT("ORDINAL_POSITION"),
    VIEW_VARCHAR("IS_NULLABLE", 254),
    VIEW_TINYINT_N("SS_DATA_TYPE"),
    VIEW_NAME("NAME"),
};

typedef struct Parameter { /* one row's */
    const char *name;
    Type type;
    int column_type, ordinal;
    bool is_nullable;
} Parameter;

static void parameter_row(ViewRow *r, const Database *d, const Proc *p, const Parameter *x, OdbcTypeForm form,
                          int version, Arena *arena) {
    OdbcType o = odbc_type_of(&x->type, x->is_nullable, form, version);
    procedure_name(r, d, p, arena);
    view_row_text(r, x->name);
    view_row_int(r, x->column_type);
    view_row_int(r, o.data_type);
    view_row_text(r, x->type.is_sysname ? "sysname" : type_name(x->type.id));
    view_odbc_number(r, o.precision);
    view_odbc_number(r, o.length);
    view_odbc_number(r, o.scale);
    view_odbc_number(r, o.radix);
    view_row_int(r, x->is_nullable);
    view_row_nulls(r, 2);
    view_row_int(r, o.sql_data_type);
    view_odbc_number(r, o.datetime_sub);
    view_odbc_number(r, o.char_octet_length);
    view_row_int(r, x->ordinal);
    view_row_text(r, x->is_nullable ? "YES" : "NO");
    view_row_int(r, o.ss_data_type);
    view_row_text(r, p->name);
    view_row_end(r);
}

static bool fill_parameters(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                            SysRows *rows, Arena *arena, SqlError *e) {
    (void)arg_count, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(PARAMETER_COLUMNS));
    OdbcTypeForm form = view_odbc_form(args);
    int version = view_odbc_version(args);
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    size_t at = 0;
    for (const Proc *p; d && (p = procregistry_next(server_procs(session_server(s)), &at)) != NULL;) {
        if (!is_listed(p)) continue;
        Parameter result = {"@RETURN_VALUE", {.id = TYPE_INT}, ODBC_PARAM_RETURN_VALUE, 0, false};
        parameter_row(&r, d, p, &result, form, version, arena);
        for (size_t i = 0; i < p->param_count; i++) {
            const ProcParam *q = &p->params[i];
            Parameter x = {.name = q->name,
                           .type = q->type.id == TYPE_NULL ? variant_type : q->type,
                           .column_type = q->is_output ? ODBC_PARAM_INPUT_OUTPUT : ODBC_PARAM_INPUT,
                           .ordinal = (int)i + 1,
                           .is_nullable = true};
            parameter_row(&r, d, p, &x, form, version, arena);
        }
    }
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("sys", "spt_procedures", PROCEDURE_COLUMNS, fill_procedures),
    VIEW_FUNCTION("sys", "spt_procedure_columns", view_odbc_params, PARAMETER_COLUMNS, fill_parameters),
};

void view_procedures_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
