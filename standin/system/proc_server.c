/* proc_server.c - sp_rename, sp_help, sp_configure, sp_server_info. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/capture/atomic_work.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/instance.h"
#include "standin/exec/server.h"
#include "standin/system/proc_catalog.h"
#include "standin/tsql/parser.h"

/* ---- sp_rename */

typedef struct Rename { /* of the table, or of one of its columns or indexes: the id that isn't 0 */
    int32_t object_id, column_id, index_id;
    Str to;
} Rename;

static void set_name(char **name, Str to) {
    free(*name);
    *name = str_dup(to);
}

/* The table is copied as it is once nobody else changes it. */
static bool rename_it(Session *s, void *arg, SqlError *e) {
    const Rename *r = arg;
    if (!session_lock_table(s, r->object_id, e)) return false;
    const Table *t = catalog_table_by_id(session_catalog(s), r->object_id);
    if (!t) return sql_error_set(e, 3701, 11, 5, "Cannot change the table: it does not exist.");
    Table *after = table_copy(t);
    size_t column = table_column_index(after, r->column_id);
    if (column < after->column_count) set_name(&after->columns[column].name, r->to);
    for (size_t i = 0; r->index_id && i < after->index_count; i++)
        if (after->indexes[i].id == r->index_id) set_name(&after->indexes[i].name, r->to);
    if (!r->column_id && !r->index_id) set_name(&after->name, r->to);
    return session_publish_table(s, after, e);
}

static bool not_found(Session *s, Str name, const char *type, SqlError *e) {
    return sql_error_set(e, 15225, 11, 1,
                         "No item by the name of '" STR_FMT
                         "' could be found in the current database '%s', given that "
                         "@itemtype was input as '%s'.",
                         STR_ARG(name), session_current_database(s)->name, type);
}

static bool in_use(Str name, const char *kind, SqlError *e) {
    return sql_error_set(e, 15335, 11, 1,
                         "Error: The new name '" STR_FMT
                         "' is already in use as a %s name and would cause a duplicate "
                         "that is not permitted.",
                         STR_ARG(name), kind);
}

static bool is_captured(Session *s, const Table *t, int32_t column_id, bool *ret, SqlError *e) {
    InstanceSet set;
    *ret = false;
    if (!instance_load(session_db(s), session_txn(s), session_catalog(s), t->database_id, &set, e))
        return false;
    for (size_t i = 0; i < set.count; i++)
        for (size_t k = 0; set.items[i].source_object_id == t->object_id && k < set.items[i].column_count;
             k++)
            *ret = *ret || set.items[i].columns[k].column_id == column_id;
    instance_done(&set);
    return true;
}

/* The table that the parts before the last one name. */
static const Table *owner_table(Session *s, const AstName *name, ProcCall *call) {
    Str schema = name->database.n ? name->database : STR_LIT("dbo");
    return session_find_table(s, str_from(arena_printf(call->arena, "[" STR_FMT "].[" STR_FMT "]",
                                                       STR_ARG(schema), STR_ARG(name->schema))));
}

static bool rename_column(Session *s, ProcCall *call, const AstName *name, Str to, SqlError *e) {
    const Table *t = name->schema.n ? owner_table(s, name, call) : NULL;
    const Column *c = t ? table_column(t, name->name) : NULL;
    bool captured;
    if (!c)
        return sql_error_set(
            e, 15248, 11, 1,
            "Either the parameter @objname is ambiguous or the claimed @objtype (COLUMN) is wrong.");
    if (table_column(t, to) && table_column(t, to) != c) return in_use(to, "COLUMN", e);
    if (!is_captured(s, t, c->id, &captured, e)) return false;
    if (captured) return cdc_message_raise(e, 4928, &(Str){c->name, str_from(c->name).n}, 1);
    return atomic_run(s, rename_it, &(Rename){.object_id = t->object_id, .column_id = c->id, .to = to}, e);
}

static bool rename_index(Session *s, ProcCall *call, const AstName *name, Str to, SqlError *e) {
    const Table *t = name->schema.n ? owner_table(s, name, call) : NULL;
    const Index *x = t ? table_index(t, name->name) : NULL;
    if (!x) return not_found(s, proc_arg_text(call, 0), "INDEX", e);
    if (table_index(t, to) && table_index(t, to) != x) return in_use(to, "INDEX", e);
    return atomic_run(s, rename_it, &(Rename){.object_id = t->object_id, .index_id = x->id, .to = to}, e);
}

static bool rename_table(Session *s, ProcCall *call, Str to, SqlError *e) {
    const Table *t = session_find_table(s, proc_arg_text(call, 0));
    if (!t) return not_found(s, proc_arg_text(call, 0), "(null)", e);
    const Table *other = catalog_table(session_catalog(s), t->database_id, t->schema_id, to);
    if (other && other != t) return in_use(to, "OBJECT", e);
    return atomic_run(s, rename_it, &(Rename){.object_id = t->object_id, .to = to}, e);
}

static bool sp_rename(Session *s, ProcCall *call, SqlError *e) {
    Str type = proc_arg_text(call, 2), to = proc_arg_text(call, 1);
    AstName name;
    if (!session_is_member(s, session_current_database(s), STR_LIT("db_owner")))
        return cdc_message_raise(e, 22904, NULL, 0);
    if (to.n == 0 || to.n > 128)
        return sql_error_set(e, 15223, 11, 1,
                             "Error: The input parameter 'newname' is not allowed to be null.");
    if (!parser_name(proc_arg_text(call, 0), call->arena, &name))
        return not_found(s, proc_arg_text(call, 0), "(null)", e);
    bool ok;
    if (str_eq_icase(type, STR_LIT("COLUMN"))) ok = rename_column(s, call, &name, to, e);
    else if (str_eq_icase(type, STR_LIT("INDEX"))) ok = rename_index(s, call, &name, to, e);
    else if (type.n == 0 || str_eq_icase(type, STR_LIT("OBJECT"))) ok = rename_table(s, call, to, e);
    else
        return sql_error_set(e, 15249, 11, 1, "Error: Explicit @objtype '" STR_FMT "' is unrecognized.",
                             STR_ARG(type));
    return ok &&
           proc_message(s, 15477, 0,
                        STR_LIT("Caution: Changing any part of an object name could break scripts and stored "
                                "procedures."));
}

/* ---- sp_help */

static bool sp_help(Session *s, ProcCall *call, SqlError *e) {
    static const char all[] =
        "SELECT o.name AS Name, s.name AS Owner, o.type_desc AS Object_type FROM sys.objects AS o "
        "INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id ORDER BY Owner, Object_type, Name";
    static const char head[] = "SELECT o.name AS Name, s.name AS Owner, CASE o.type WHEN 'U' THEN 'user "
                               "table' ELSE 'view' END AS Type, "
                               "o.create_date AS Created_datetime FROM sys.objects AS o INNER JOIN "
                               "sys.schemas AS s ON s.schema_id = "
                               "o.schema_id WHERE o.object_id = @id";
    static const char columns[] =
        "SELECT c.name AS Column_name, t.name AS Type, CASE c.is_computed WHEN 1 THEN 'yes' ELSE 'no' END AS "
        "Computed, CAST(c.max_length AS int) AS Length, CASE WHEN n.name IS NULL THEN '     ' ELSE "
        "CAST(c.precision AS char(5)) END AS Prec, CASE WHEN n.name IS NULL OR t.name IN (N'float', N'real') "
        "THEN '     ' "
        "ELSE CAST(c.scale AS char(5)) END AS Scale, CASE c.is_nullable WHEN 1 THEN 'yes' ELSE 'no' END AS "
        "Nullable, "
        "CASE WHEN t.name IN (N'char', N'varchar', N'binary', N'varbinary') THEN 'no' ELSE '(n/a)' END AS "
        "TrimTrailingBlanks, CASE WHEN t.name NOT IN (N'char', N'varchar', N'binary', N'varbinary') THEN "
        "'(n/a)' WHEN "
        "c.is_nullable = 1 THEN 'yes' ELSE 'no' END AS FixedLenNullInSource, c.collation_name AS Collation "
        "FROM "
        "sys.columns AS c INNER JOIN sys.types AS t ON t.user_type_id = c.user_type_id LEFT JOIN (VALUES "
        "(N'tinyint'), "
        "(N'smallint'), (N'int'), (N'bigint'), (N'decimal'), (N'numeric'), (N'money'), (N'smallmoney'), "
        "(N'float'), "
        "(N'real'), (N'date'), (N'time'), (N'datetime2'), (N'datetimeoffset')) AS n(name) ON n.name = t.name "
        "WHERE "
        "c.object_id = @id ORDER BY c.column_id";
    static const char identity[] = "SELECT name AS [Identity], IDENT_SEED(@name) AS Seed, IDENT_INCR(@name) "
                                   "AS Increment, CAST(0 AS int) AS [Not For "
                                   "Replication] FROM sys.columns WHERE object_id = @id AND is_identity = 1 "
                                   "UNION ALL SELECT N'No identity column "
                                   "defined.', NULL, NULL, NULL WHERE NOT EXISTS (SELECT 1 FROM sys.columns "
                                   "WHERE object_id = @id AND is_identity = 1)";
    static const char guid[] = "SELECT name AS [RowGuidCol] FROM sys.columns WHERE object_id = @id AND "
                               "is_rowguidcol = 1 UNION ALL SELECT N'No "
                               "rowguidcol column defined.' WHERE NOT EXISTS (SELECT 1 FROM sys.columns "
                               "WHERE object_id = @id AND is_rowguidcol = "
                               "1)";
    static const char *const parts[] = {head,
                                        columns,
                                        identity,
                                        guid,
                                        "SELECT CAST(N'PRIMARY' AS sysname) AS Data_located_on_filegroup",
                                        "EXEC sys.sp_helpindex @name",
                                        "EXEC sys.sp_helpconstraint @name, N'nomsg'"};
    int32_t database_id = session_current_database(s)->id;
    if (proc_arg_text(call, 0).n == 0)
        return proc_query(s, database_id, str_from(all), NULL, 0, NULL, NULL, e);
    const Table *t = session_find_table(s, proc_arg_text(call, 0));
    if (!t)
        return sql_error_set(e, 15009, 16, 1,
                             "The object '" STR_FMT
                             "' does not exist in database '%s' or is invalid for this operation.",
                             STR_ARG(proc_arg_text(call, 0)), session_current_database(s)->name);
    const SessionParam params[] = {proc_arg_param("@id", &(Type){.id = TYPE_INT}, VALUE_OF_INT(t->object_id)),
                                   proc_arg_param("@name", &(Type){.id = TYPE_NVARCHAR, .length = 776},
                                                  VALUE_OF_TEXT(proc_arg_text(call, 0)))};
    bool is_table = t->kind != TABLE_VIEW;
    for (size_t i = 0; i < (is_table ? sizeof parts / sizeof *parts : 4); i++)
        if (!proc_query(s, database_id, str_from(parts[i]), params, 2, NULL, NULL, e)) return false;
    return true;
}

/* ---- sp_configure */

static bool set_option(Session *s, const ConfigurationOption *o, int64_t value, SqlError *e) {
    Configuration *c = server_configuration(session_server(s));
    if (!session_is_sysadmin(s))
        return sql_error_set(e, 15247, 16, 1, "User does not have permission to perform this action.");
    int32_t before = configuration_value(c, o->id);
    if (!configuration_set(c, o, value, e)) return false;
    CLEANUP_FREE char *text = x_asprintf(
        "Configuration option '%s' changed from %d to %lld. Run the RECONFIGURE statement to install.",
        o->name, before, (long long)value);
    return proc_message(s, 15457, 0, str_from(text));
}

static const OutColumn CONFIGURE_COLUMNS[] = {
    {.name = {"name", 4}, .type = {.id = TYPE_NVARCHAR, .length = 35}},
    {.name = {"minimum", 7}, .type = {.id = TYPE_INT}, .is_nullable = true},
    {.name = {"maximum", 7}, .type = {.id = TYPE_INT}, .is_nullable = true},
    {.name = {"config_value", 12}, .type = {.id = TYPE_INT}, .is_nullable = true},
    {.name = {"run_value", 9}, .type = {.id = TYPE_INT}, .is_nullable = true},
};

static bool sp_configure(Session *s, ProcCall *call, SqlError *e) {
    const Configuration *c = server_configuration(session_server(s));
    Str name = proc_arg_text(call, 0);
    const ConfigurationOption *meant = name.n ? configuration_find(c, name, e) : NULL, *o;
    if (name.n && !meant) return false;
    if (meant && !proc_arg_is_null(call, 1)) return set_option(s, meant, proc_arg_int(call, 1, 0), e);
    bool shows_all = configuration_in_use(c, CONFIGURATION_SHOW_ADVANCED) != 0;
    if (!proc_columns(s, CONFIGURE_COLUMNS, sizeof CONFIGURE_COLUMNS / sizeof *CONFIGURE_COLUMNS))
        return false;
    for (size_t i = 0; (o = configuration_option(i)) != NULL; i++) {
        const Value row[] = {VALUE_OF_TEXT(str_from(o->name)), VALUE_OF_INT(o->minimum),
                             VALUE_OF_INT(o->maximum), VALUE_OF_INT(configuration_value(c, o->id)),
                             VALUE_OF_INT(configuration_in_use(c, o->id))};
        bool is_shown = meant ? o == meant : shows_all || !o->is_advanced;
        if (is_shown && !proc_row(s, row)) return false;
    }
    return proc_rows_done(s);
}

/* ---- sp_server_info */

static const struct {
    int32_t id;
    const char *name, *value;
} ATTRIBUTES[] = {
    {1, "DBMS_NAME", "Microsoft SQL Server"},
    {10, "OWNER_TERM", "owner"},
    {11, "TABLE_TERM", "table"},
    {12, "MAX_OWNER_NAME_LENGTH", "128"},
    {13, "TABLE_LENGTH", "128"},
    {14, "MAX_QUAL_LENGTH", "128"},
    {15, "COLUMN_LENGTH", "128"},
    {16, "IDENTIFIER_CASE", "MIXED"},
    {17, "TX_ISOLATION", "2"},
    {18, "COLLATION_SEQ", "charset=iso_1 sort_order=nocase_iso charset_num=1 sort_order_num=52"},
    {19, "SAVEPOINT_SUPPORT", "Y"},
    {20, "MULTI_RESULT_SETS", "Y"},
    {22, "ACCESSIBLE_TABLES", "Y"},
    {100, "USERID_LENGTH", "128"},
    {101, "QUALIFIER_TERM", "database"},
    {102, "NAMED_TRANSACTIONS", "Y"},
    {103, "SPROC_AS_LANGUAGE", "Y"},
    {104, "ACCESSIBLE_SPROC", "Y"},
    {105, "MAX_INDEX_COLS", "16"},
    {106, "RENAME_TABLE", "Y"},
    {107, "RENAME_COLUMN", "Y"},
    {108, "DROP_COLUMN", "Y"},
    {109, "INCREASE_COLUMN_LENGTH", "Y"},
    {110, "DDL_IN_TRANSACTION", "Y"},
    {111, "DESCENDING_INDEXES", "Y"},
    {112, "SP_RENAME", "Y"},
    {113, "REMOTE_SPROC", "N"},
};

static bool sp_server_info(Session *s, ProcCall *call, SqlError *e) {
    static const OutColumn columns[] = {
        {.name = {"attribute_id", 12}, .type = {.id = TYPE_INT}},
        {.name = {"attribute_name", 14}, .type = {.id = TYPE_VARCHAR, .length = 60}},
        {.name = {"attribute_value", 15}, .type = {.id = TYPE_VARCHAR, .length = 255}, .is_nullable = true},
    };
    (void)e;
    if (!proc_columns(s, columns, 3)) return false;
    for (size_t i = 0; i < sizeof ATTRIBUTES / sizeof *ATTRIBUTES; i++) {
        if (!proc_arg_is_null(call, 0) && proc_arg_int(call, 0, 0) != ATTRIBUTES[i].id) continue;
        const Value row[] = {VALUE_OF_INT(ATTRIBUTES[i].id), VALUE_OF_TEXT(str_from(ATTRIBUTES[i].name)),
                             VALUE_OF_TEXT(str_from(ATTRIBUTES[i].value))};
        if (!proc_row(s, row)) return false;
    }
    return proc_rows_done(s);
}

/* ---- */

static const ProcParam RENAME[] = {
    {.name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 1035}, .is_required = true},
    {.name = "@newname", .type = {.id = TYPE_NVARCHAR, .length = 128}, .is_required = true},
    {.name = "@objtype", .type = {.id = TYPE_VARCHAR, .length = 13}},
};
static const ProcParam HELP[] = {{.name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 776}}};
static const ProcParam CONFIGURE[] = {{.name = "@configname", .type = {.id = TYPE_VARCHAR, .length = 35}},
                                      PROC_INT("@configvalue")};
static const ProcParam SERVER_INFO[] = {PROC_INT("@attribute_id")};

static const Proc PROCS[] = {
    {.name = "sp_rename", .params = RENAME, .param_count = 3, .call = sp_rename},
    {.name = "sp_help", .params = HELP, .param_count = 1, .call = sp_help},
    {.name = "sp_configure", .params = CONFIGURE, .param_count = 2, .call = sp_configure},
    {.name = "sp_server_info", .params = SERVER_INFO, .param_count = 1, .call = sp_server_info},
};

void proc_server_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
