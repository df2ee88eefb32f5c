#include "standin/cdc/proc_script.h"

#include <string.h>

#include "base/mem.h"
#include "standin/cdc/proc_arg.h"

/* ---- running */

static bool check_object(Session *s, Str name, SqlError *e) {
    if (session_find_table(s, name)) return true;
    return sql_error_set(e, 15009, 16, 1,
                         "The object '" STR_FMT
                         "' does not exist in database '%s' or is invalid for this operation.",
                         STR_ARG(name), session_current_database(s)->name);
}

static bool check_database(Session *s, Str name, SqlError *e) {
    if (catalog_database(session_catalog(s), name)) return true;
    return sql_error_set(e, 15010, 16, 1,
                         "The database '" STR_FMT
                         "' does not exist. Supply a valid database name. To see available databases, use "
                         "sys.databases.",
                         STR_ARG(name));
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
        if (strcmp(p->params[i].name, "@dbname") == 0 && !check_database(s, value.v.s, e)) return false;
        call->ret_status = 0;
    }
    return proc_script(s, str_from(p->data), params, p->param_count, &call->ret_status, e);
}

/* sp_helpindex of a table that has none says so; sp_helptext of what has no text fails. */
static bool help_index(Session *s, ProcCall *call, SqlError *e) {
    const Table *t = session_find_table(s, proc_arg_text(call, 0));
    if (!t || t->index_count) return proc_script_call(s, call, e);
    CLEANUP_FREE char *text =
        x_asprintf("The object '" STR_FMT "' does not have any indexes, or you do not have permissions.",
                   STR_ARG(proc_arg_text(call, 0)));
    return proc_message(s, 15472, 0, str_from(text));
}

static bool help_text(Session *s, ProcCall *call, SqlError *e) {
    const Table *t = session_find_table(s, proc_arg_text(call, 0));
    if (!t || t->view_sql) return proc_script_call(s, call, e);
    call->ret_status = 1;
    return sql_error_set(e, 15197, 16, 1, "There is no text for object '" STR_FMT "'.",
                         STR_ARG(proc_arg_text(call, 0)));
}

/* ---- the scripts */

#define OBJECT_NAME(is_required_)                                                                            \
    { .name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 776}, .is_required = (is_required_) }

static const ProcParam WHO[] = {PROC_NAME("@loginame")};
static const ProcParam OBJECT[] = {OBJECT_NAME(true)};
static const ProcParam CONSTRAINT[] = {OBJECT_NAME(true),
                                       {.name = "@nomsg", .type = {.id = TYPE_VARCHAR, .length = 5}}};
static const ProcParam DATABASE[] = {PROC_NAME("@dbname")};
static const ProcParam SPACE[] = {OBJECT_NAME(false),
                                  {.name = "@updateusage", .type = {.id = TYPE_VARCHAR, .length = 5}}};
static const ProcParam PROCEDURES[] = {
    {.name = "@sp_name", .type = {.id = TYPE_NVARCHAR, .length = 390}},
    {.name = "@sp_owner", .type = {.id = TYPE_NVARCHAR, .length = 384}},
    PROC_NAME("@sp_qualifier"),
    PROC_BIT("@fUsePattern"),
};
static const ProcParam PRIVILEGES[] = {
    {.name = "@table_name", .type = {.id = TYPE_NVARCHAR, .length = 384}, .is_required = true},
    {.name = "@table_owner", .type = {.id = TYPE_NVARCHAR, .length = 384}},
    PROC_NAME("@table_qualifier"),
    PROC_BIT("@fUsePattern"),
};
static const ProcParam MSVER[] = {PROC_NAME("@optname")};

#define ID "DECLARE @id int = OBJECT_ID(@objname) "
#define COLUMN_NAMES(index)                                                                                  \
    "(SELECT STRING_AGG(CAST(c.name + CASE WHEN k.is_descending_key = 1 THEN N'(-)' ELSE N'' END AS "        \
    "nvarchar(200)), N', ') WITHIN GROUP (ORDER BY k.key_ordinal) FROM sys.index_columns AS k "              \
    "JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "                      \
    "WHERE k.object_id = " index ".object_id AND k.index_id = " index ".index_id AND k.key_ordinal > 0)"

static const char WHO_TEXT[] =
    "SELECT CAST(s.session_id AS smallint) AS spid, CAST(0 AS smallint) AS ecid, "
    "CAST(s.status AS nchar(30)) AS status, CAST(s.login_name AS nchar(128)) AS loginame, "
    "CAST(s.host_name AS nchar(128)) AS hostname, CAST(0 AS char(5)) AS blk, "
    "CAST(DB_NAME(s.database_id) AS nchar(128)) AS dbname, "
    "CAST(CASE s.status WHEN 'running' THEN N'SELECT' ELSE N'AWAITING COMMAND' END AS nchar(26)) AS cmd, "
    "0 AS request_id FROM sys.dm_exec_sessions AS s WHERE @loginame IS NULL OR s.login_name = @loginame "
    "OR @loginame = N'active' AND s.status = 'running' OR @loginame = CAST(s.session_id AS nvarchar(10)) "
    "ORDER BY s.session_id";
static const char WHO2_TEXT[] =
    "SELECT CAST(s.session_id AS char(5)) AS SPID, CAST(s.status AS nvarchar(30)) AS Status, "
    "s.login_name AS Login, ISNULL(s.host_name, N'  .') AS HostName, CAST('  .' AS char(5)) AS BlkBy, "
    "DB_NAME(s.database_id) AS DBName, "
    "CASE s.status WHEN 'running' THEN N'SELECT' ELSE N'AWAITING COMMAND' END AS Command, "
    "CAST(s.cpu_time AS varchar(30)) AS CPUTime, CAST(s.reads + s.writes AS varchar(30)) AS DiskIO, "
    "CONVERT(varchar(14), s.last_request_start_time, 101) AS LastBatch, "
    "ISNULL(s.program_name, N'') AS ProgramName, CAST(s.session_id AS char(5)) AS SPID, "
    "CAST('0' AS char(5)) AS REQUESTID FROM sys.dm_exec_sessions AS s "
    "WHERE @loginame IS NULL OR s.login_name = @loginame ORDER BY s.session_id";
static const char HELP_INDEX_TEXT[] = ID
    "SELECT i.name AS index_name, CAST(LOWER(i.type_desc) + CASE WHEN i.is_unique = 1 THEN ', unique' ELSE "
    "'' "
    "END + CASE WHEN i.is_primary_key = 1 THEN ', primary key' WHEN i.is_unique_constraint = 1 THEN "
    "', unique key' ELSE '' END + ' located on PRIMARY' AS varchar(210)) AS index_description, " COLUMN_NAMES(
        "i") " AS index_keys FROM sys.indexes AS i "
             "WHERE i.object_id = @id AND i.index_id > 0 ORDER BY i.name";
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
static const char HELP_DB_TEXT[] =
    "SELECT d.name, CAST('      8.00 MB' AS nvarchar(13)) AS db_size, "
    "ISNULL(SUSER_SNAME(d.owner_sid), N'sa') AS owner, CAST(d.database_id AS smallint) AS dbid, "
    "CONVERT(nvarchar(11), d.create_date) AS created, CAST(N'Status=' + d.state_desc + "
    "N', Updateability=READ_WRITE, UserAccess=' + d.user_access_desc + N', Recovery=' + "
    "d.recovery_model_desc + "
    "N', Collation=' + d.collation_name AS nvarchar(600)) AS status, d.compatibility_level "
    "FROM sys.databases AS d WHERE @dbname IS NULL OR d.name = @dbname ORDER BY d.name";
static const char SPACE_USED_TEXT[] =
    "IF @objname IS NULL BEGIN SELECT DB_NAME() AS database_name, CAST('8.00 MB' AS varchar(18)) AS "
    "database_size, CAST('0.00 MB' AS varchar(18)) AS [unallocated space] "
    "SELECT CAST('0 KB' AS varchar(18)) AS reserved, CAST('0 KB' AS varchar(18)) AS data, "
    "CAST('0 KB' AS varchar(18)) AS index_size, CAST('0 KB' AS varchar(18)) AS unused RETURN 0 END " ID
    "SELECT OBJECT_NAME(@id) AS name, CAST(SUM(rows) AS char(20)) AS rows, CAST('0 KB' AS varchar(18)) AS "
    "reserved, "
    "CAST('0 KB' AS varchar(18)) AS data, CAST('0 KB' AS varchar(18)) AS index_size, "
    "CAST('0 KB' AS varchar(18)) AS unused FROM sys.partitions WHERE object_id = @id AND index_id < 2";
static const char HELP_TEXT_TEXT[] = "DECLARE @text nvarchar(max) = OBJECT_DEFINITION(OBJECT_ID(@objname)) "
                                     "SELECT CAST(CASE WHEN ordinal < COUNT(*) OVER () THEN value + "
                                     "NCHAR(10) ELSE value END AS nvarchar(255)) AS "
                                     "[Text] FROM STRING_SPLIT(@text, NCHAR(10), 1) ORDER BY ordinal";
static const char PROCEDURES_TEXT[] =
    "SELECT DB_NAME() AS PROCEDURE_QUALIFIER, SCHEMA_NAME(schema_id) AS PROCEDURE_OWNER, "
    "CAST(name + N';1' AS nvarchar(134)) AS PROCEDURE_NAME, -1 AS NUM_INPUT_PARAMS, -1 AS NUM_OUTPUT_PARAMS, "
    "-1 AS NUM_RESULT_SETS, CAST(NULL AS varchar(254)) AS REMARKS, CAST(2 AS smallint) AS PROCEDURE_TYPE "
    "FROM sys.procedures WHERE name LIKE ISNULL(@sp_name, N'%') AND "
    "SCHEMA_NAME(schema_id) LIKE ISNULL(@sp_owner, N'%') ORDER BY 1, 2, 3";
/* The owner has every permission; others have what they were granted. */
static const char TABLE_PRIVILEGES_TEXT[] =
    "SELECT DB_NAME() AS TABLE_QUALIFIER, SCHEMA_NAME(t.schema_id) AS TABLE_OWNER, t.name AS TABLE_NAME, "
    "USER_NAME(p.grantor) AS GRANTOR, USER_NAME(p.grantee) AS GRANTEE, CAST(p.name AS varchar(32)) AS "
    "PRIVILEGE, "
    "CAST(CASE p.state WHEN 'W' THEN 'YES' ELSE 'NO' END AS varchar(3)) AS IS_GRANTABLE FROM sys.objects AS "
    "t "
    "JOIN (SELECT major_id, grantor_principal_id, grantee_principal_id, permission_name, state "
    "FROM sys.database_permissions WHERE class = 1 AND minor_id = 0 AND state <> 'D' "
    "UNION ALL SELECT o.object_id, 1, 1, v.name, 'W' FROM sys.objects AS o CROSS JOIN (VALUES (N'DELETE'), "
    "(N'INSERT'), (N'REFERENCES'), (N'SELECT'), (N'UPDATE')) AS v(name)) AS p(id, grantor, grantee, name, "
    "state) "
    "ON p.id = t.object_id WHERE t.type IN ('U', 'V') AND t.name LIKE @table_name AND "
    "SCHEMA_NAME(t.schema_id) LIKE ISNULL(@table_owner, N'%') ORDER BY 1, 2, 3, 6";
static const char MSVER_TEXT[] =
    "SELECT [Index], Name, Internal_Value, Character_Value FROM (VALUES "
    "(CAST(1 AS smallint), N'ProductName', CAST(NULL AS int), N'Microsoft SQL Server'), "
    "(2, N'ProductVersion', 1048576, CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))), "
    "(3, N'Language', 1033, N'English (United States)'), (4, N'Platform', NULL, N'NT x64'), "
    "(15, N'WindowsVersion', 0, N'0.0 (0)'), (16, N'ProcessorCount', 2, N'2'), (19, N'PhysicalMemory', 2048, "
    "N'2048')) AS v([Index], Name, Internal_Value, Character_Value) WHERE @optname IS NULL OR Name = "
    "@optname";

static const Proc PROCS[] = {
    PROC_SCRIPT("sp_who", WHO, WHO_TEXT),
    PROC_SCRIPT("sp_who2", WHO, WHO2_TEXT),
    {.name = "sp_helpindex", .params = OBJECT, .param_count = 1, .call = help_index, .data = HELP_INDEX_TEXT},
    PROC_SCRIPT("sp_helpconstraint", CONSTRAINT, HELP_CONSTRAINT_TEXT),
    PROC_SCRIPT("sp_helpdb", DATABASE, HELP_DB_TEXT),
    PROC_SCRIPT("sp_spaceused", SPACE, SPACE_USED_TEXT),
    {.name = "sp_helptext", .params = OBJECT, .param_count = 1, .call = help_text, .data = HELP_TEXT_TEXT},
    PROC_SCRIPT("sp_stored_procedures", PROCEDURES, PROCEDURES_TEXT),
    PROC_SCRIPT("sp_table_privileges", PRIVILEGES, TABLE_PRIVILEGES_TEXT),
    PROC_SCRIPT("xp_msver", MSVER, MSVER_TEXT),
};

void proc_script_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
