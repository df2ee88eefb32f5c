#include "standin/system/proc_script.h"

#include <string.h>

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"

/* ---- running */

static bool check_object(Session *s, Str name, SqlError *e) {
    if (session_find_table(s, name)) return true;
    return sql_error_set(e, 15009, 16, 1,
                         "The object '" STR_FMT
                         "' does not exist in database '%s' or is invalid for this operation.",
                         STR_ARG(name), session_current_database(s)->name);
}

bool proc_script_call(Session *s, ProcCall *call, SqlError *e) {
    const Proc *p = call->proc;
    SessionParam params[PROC_MAX_PARAMS];
    for (size_t i = 0; i < p->param_count; i++) {
        bool is_null = call->args[i].is_default || call->args[i].value.kind == VALUE_NULL;
        Value value = is_null ? (Value){.kind = VALUE_NULL} : call->args[i].value;
        params[i] = proc_arg_param(p->params[i].name, &p->params[i].type, value);
        if (is_null) continue;
        call->ret_status = 1;
        if (strcmp(p->params[i].name, "@objname") == 0 && !check_object(s, value.v.s, e)) return false;
        call->ret_status = 0;
    }
    return proc_script(s, str_from(p->data), params, p->param_count, &call->ret_status, e);
}

/* What has no text fails. */
static bool help_text(Session *s, ProcCall *call, SqlError *e) {
    const Table *t = session_find_table(s, proc_arg_text(call, 0));
    if (!t || t->view_sql) return proc_script_call(s, call, e);
    call->ret_status = 1;
    return sql_error_set(e, 15197, 16, 1, "There is no text for object '" STR_FMT "'.",
                         STR_ARG(proc_arg_text(call, 0)));
}

/* ---- the scripts */

#define OBJECT_NAME                                                                                          \
    { .name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 776}, .is_required = true }

static const ProcParam OBJECT[] = {OBJECT_NAME};
static const ProcParam CONSTRAINT[] = {OBJECT_NAME,
                                       {.name = "@nomsg", .type = {.id = TYPE_VARCHAR, .length = 5}}};
static const ProcParam MSVER[] = {PROC_NAME("@optname")};

#define ID "DECLARE @id int = OBJECT_ID(@objname) "
#define COLUMN_NAMES(index)                                                                                  \
    "(SELECT STRING_AGG(CAST(c.name + CASE WHEN k.is_descending_key = 1 THEN N'(-)' ELSE N'' END AS "        \
    "nvarchar(200)), N', ') WITHIN GROUP (ORDER BY k.key_ordinal) FROM sys.index_columns AS k "              \
    "JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "                      \
    "WHERE k.object_id = " index ".object_id AND k.index_id = " index ".index_id AND k.key_ordinal > 0)"

static const char HELP_CONSTRAINT_TEXT[] = ID
    "IF ISNULL(@nomsg, '') <> 'nomsg' SELECT @objname AS [Object Name] "
    "SELECT constraint_type, constraint_name, delete_action, update_action, status_enabled, "
    "status_for_replication, constraint_keys FROM ("
    "SELECT CAST(REPLACE(REPLACE(k.type_desc, '_CONSTRAINT', ''), '_', ' ') + CASE i.index_id WHEN 1 THEN ' "
    "(clustered)' ELSE "
    "' (non-clustered)' END AS nvarchar(146)) AS constraint_type, k.name AS constraint_name, "
    "CAST('(n/a)' AS nvarchar(11)) AS delete_action, CAST('(n/a)' AS nvarchar(11)) AS update_action, "
    "CAST('(n/a)' AS varchar(8)) AS status_enabled, CAST('(n/a)' AS varchar(19)) AS "
    "status_for_replication, " COLUMN_NAMES(
        "i") " AS constraint_keys "
             "FROM sys.key_constraints AS k JOIN sys.indexes AS i ON i.object_id = k.parent_object_id AND "
             "i.index_id = "
             "k.unique_index_id WHERE k.parent_object_id = @id "
             "UNION ALL SELECT N'CHECK', name, N'(n/a)', N'(n/a)', CASE is_disabled WHEN 0 THEN 'Enabled' "
             "ELSE "
             "'Disabled' END, 'Is_For_Replication', definition FROM sys.check_constraints WHERE "
             "parent_object_id = @id "
             "UNION ALL SELECT N'DEFAULT on column ' + COL_NAME(@id, parent_column_id), name, N'(n/a)', "
             "N'(n/a)', "
             "'(n/a)', '(n/a)', definition FROM sys.default_constraints WHERE parent_object_id = @id "
             "UNION ALL SELECT N'FOREIGN KEY', name, REPLACE(delete_referential_action_desc, '_', ' '), "
             "REPLACE(update_referential_action_desc, '_', ' '), CASE is_disabled WHEN 0 THEN 'Enabled' ELSE "
             "'Disabled' "
             "END, 'Is_For_Replication', OBJECT_NAME(referenced_object_id) FROM sys.foreign_keys WHERE "
             "parent_object_id = @id) AS c ORDER BY constraint_type, constraint_name";
static const char HELP_TEXT_TEXT[] = "DECLARE @text nvarchar(max) = OBJECT_DEFINITION(OBJECT_ID(@objname)) "
                                     "SELECT CAST(CASE WHEN ordinal < COUNT(*) OVER () THEN value + "
                                     "NCHAR(10) ELSE value END AS nvarchar(255)) AS "
                                     "[Text] FROM STRING_SPLIT(@text, NCHAR(10), 1) ORDER BY ordinal";
static const char MSVER_TEXT[] =
    "SELECT [Index], Name, Internal_Value, Character_Value FROM (VALUES "
    "(CAST(1 AS smallint), N'ProductName', CAST(NULL AS int), N'Microsoft SQL Server'), "
    "(2, N'ProductVersion', 1048576, CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))), "
    "(3, N'Language', 1033, N'English (United States)'), (4, N'Platform', NULL, N'NT x64'), "
    "(15, N'WindowsVersion', 0, N'0.0 (0)'), (16, N'ProcessorCount', 2, N'2'), (19, N'PhysicalMemory', 2048, "
    "N'2048')) AS v([Index], Name, Internal_Value, Character_Value) WHERE @optname IS NULL OR Name = "
    "@optname";

static const Proc PROCS[] = {
    PROC_SCRIPT("sp_helpconstraint", CONSTRAINT, HELP_CONSTRAINT_TEXT),
    {.name = "sp_helptext", .params = OBJECT, .param_count = 1, .call = help_text, .data = HELP_TEXT_TEXT},
    PROC_SCRIPT("xp_msver", MSVER, MSVER_TEXT),
};

void proc_script_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
