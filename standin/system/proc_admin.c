/*
 * proc_admin.c - procedures that tell administrators about the server. Most are SELECTs over the views, with
 * the procedure's parameters as variables: one result set after the other.
 */
#include "standin/system/proc_admin.h"

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/capture/cdc_message.h"
#include "standin/cdc/cdc.h"
#include "standin/cdc/proc_job.h"

static const Type NAME_TYPE = {.id = TYPE_NVARCHAR, .length = 776};

static bool ask(Session *s, int32_t database_id, const char *text, Str name, SqlError *e) {
    SessionParam p = proc_arg_param("@name", &NAME_TYPE, name.n ? VALUE_OF_TEXT(name) : (Value){0});
    return proc_query(s, database_id, str_from(text), &p, 1, NULL, NULL, e);
}

static bool no_object(Session *s, Str name, SqlError *e) {
    return sql_error_set(e, 15009, 16, 1,
                         "The object '" STR_FMT
                         "' does not exist in database '%s' or is invalid for this operation.",
                         STR_ARG(name), session_current_database(s)->name);
}

/* ---- sessions */

static bool sp_who(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT p.spid, p.ecid, p.status, p.loginame, p.hostname, CAST(p.blocked AS char(5)) AS blk, "
        "DB_NAME(p.dbid) AS dbname, CAST(CASE WHEN p.status = 'running' THEN 'SELECT' ELSE 'AWAITING "
        "COMMAND' END "
        "AS nchar(26)) AS cmd, 0 AS request_id FROM sys.sysprocesses AS p WHERE @name IS NULL OR p.loginame "
        "= "
        "@name OR CAST(p.spid AS nvarchar(10)) = @name OR (@name = N'active' AND p.status = 'running') ORDER "
        "BY "
        "p.spid";
    return ask(s, session_current_database(s)->id, text, proc_arg_text(call, 0), e);
}

static bool sp_who2(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] = "SELECT CAST(p.spid AS char(5)) AS SPID, p.status AS Status, p.loginame AS "
                               "Login, p.hostname AS HostName, "
                               "CAST('  .' AS char(5)) AS BlkBy, DB_NAME(p.dbid) AS DBName, CAST(CASE WHEN "
                               "p.status = 'running' THEN "
                               "'SELECT' ELSE 'AWAITING COMMAND' END AS nchar(16)) AS Command, CAST('0' AS "
                               "char(7)) AS CPUTime, CAST('0' "
                               "AS char(7)) AS DiskIO, CONVERT(char(14), p.login_time, 1) AS LastBatch, "
                               "p.program_name AS ProgramName, "
                               "CAST(p.spid AS char(5)) AS SPID, CAST('0' AS char(9)) AS REQUESTID FROM "
                               "sys.sysprocesses AS p WHERE @name "
                               "IS NULL OR p.loginame = @name OR CAST(p.spid AS nvarchar(10)) = @name OR "
                               "(@name = N'active' AND p.status "
                               "= 'running') ORDER BY p.spid";
    return ask(s, session_current_database(s)->id, text, proc_arg_text(call, 0), e);
}

/* ---- databases and their objects */

static bool sp_helpdb(Session *s, ProcCall *call, SqlError *e) {
    static const char head[] =
        "SELECT d.name, CAST(STR(CAST(SUM(f.size) AS float) / 128, 10, 2) + N' MB' AS nvarchar(13)) AS "
        "db_size, "
        "SUSER_SNAME(d.owner_sid) AS owner, CAST(d.database_id AS smallint) AS dbid, CONVERT(nvarchar(11), "
        "d.create_date) AS created, CAST('Status=' + d.state_desc + ', Updateability=READ_WRITE, "
        "UserAccess=' + "
        "d.user_access_desc + ', Recovery=' + d.recovery_model_desc + ', Collation=' + d.collation_name AS "
        "nvarchar(600)) AS status, d.compatibility_level FROM sys.databases AS d INNER JOIN sys.master_files "
        "AS f ON "
        "f.database_id = d.database_id WHERE @name IS NULL OR d.name = @name GROUP BY d.name, d.owner_sid, "
        "d.database_id, d.create_date, d.state_desc, d.user_access_desc, d.recovery_model_desc, "
        "d.collation_name, "
        "d.compatibility_level ORDER BY d.name";
    static const char files[] =
        "SELECT f.name, CAST(f.file_id AS smallint) AS fileid, f.physical_name AS filename, CASE f.type WHEN "
        "0 THEN "
        "CAST(N'PRIMARY' AS nvarchar(128)) END AS filegroup, CAST(CAST(f.size * 8 AS nvarchar(15)) + N' KB' "
        "AS "
        "nvarchar(18)) AS size, CAST(CASE f.max_size WHEN -1 THEN N'Unlimited' ELSE CAST(CAST(f.max_size AS "
        "bigint) * "
        "8 AS nvarchar(15)) + N' KB' END AS nvarchar(18)) AS maxsize, CAST(CAST(f.growth * 8 AS "
        "nvarchar(15)) + N' KB' "
        "AS nvarchar(18)) AS growth, CAST(CASE f.type WHEN 0 THEN 'data only' ELSE 'log only' END AS "
        "varchar(9)) AS "
        "usage FROM sys.master_files AS f WHERE f.database_id = DB_ID(@name) ORDER BY f.file_id";
    Str name = proc_arg_text(call, 0);
    if (name.n && !catalog_database(session_catalog(s), name))
        return sql_error_set(e, 15010, 16, 1,
                             "The database '" STR_FMT
                             "' does not exist. Supply a valid database name. To see "
                             "available databases, use sys.databases.",
                             STR_ARG(name));
    return ask(s, CATALOG_MASTER, head, name, e) && (!name.n || ask(s, CATALOG_MASTER, files, name, e));
}

/* Rows are counted; pages are of another storage, and there is nothing to count (as in sys.allocation_units).
 */
static bool sp_spaceused(Session *s, ProcCall *call, SqlError *e) {
    static const char table[] = "SELECT t.name, CAST(CAST(SUM(p.rows) AS bigint) AS char(20)) AS rows, "
                                "CAST(CAST(SUM(a.total_pages) * 8 AS "
                                "varchar(15)) + ' KB' AS varchar(18)) AS reserved, "
                                "CAST(CAST(SUM(a.data_pages) * 8 AS varchar(15)) + ' KB' AS "
                                "varchar(18)) AS data, CAST(CAST(SUM(a.used_pages - a.data_pages) * 8 AS "
                                "varchar(15)) + ' KB' AS varchar(18)) "
                                "AS index_size, CAST(CAST(SUM(a.total_pages - a.used_pages) * 8 AS "
                                "varchar(15)) + ' KB' AS varchar(18)) AS "
                                "unused FROM sys.tables AS t INNER JOIN sys.partitions AS p ON p.object_id = "
                                "t.object_id AND p.index_id < 2 "
                                "INNER JOIN sys.allocation_units AS a ON a.container_id = p.hobt_id WHERE "
                                "t.object_id = OBJECT_ID(@name) GROUP "
                                "BY t.name";
    static const char database[] =
        "SELECT DB_NAME() AS database_name, CAST(LTRIM(STR(CAST(SUM(f.size) AS float) / 128, 15, 2)) + ' MB' "
        "AS "
        "varchar(18)) AS database_size, CAST(LTRIM(STR(CAST(SUM(f.size) AS float) / 128, 15, 2)) + ' MB' AS "
        "varchar(18)) AS [unallocated space] FROM sys.database_files AS f";
    static const char space[] =
        "SELECT CAST(CAST(COALESCE(SUM(a.total_pages), 0) * 8 AS varchar(15)) + ' KB' AS varchar(18)) AS "
        "reserved, "
        "CAST(CAST(COALESCE(SUM(a.data_pages), 0) * 8 AS varchar(15)) + ' KB' AS varchar(18)) AS data, "
        "CAST(CAST(COALESCE(SUM(a.used_pages - a.data_pages), 0) * 8 AS varchar(15)) + ' KB' AS varchar(18)) "
        "AS "
        "index_size, CAST(CAST(COALESCE(SUM(a.total_pages - a.used_pages), 0) * 8 AS varchar(15)) + ' KB' AS "
        "varchar(18)) AS unused FROM sys.allocation_units AS a";
    Str name = proc_arg_text(call, 0);
    int32_t database_id = session_current_database(s)->id;
    if (!name.n) return ask(s, database_id, database, name, e) && ask(s, database_id, space, name, e);
    return session_find_table(s, name) ? ask(s, database_id, table, name, e) : no_object(s, name, e);
}

static bool sp_helpindex(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT i.name AS index_name, CAST(CASE i.type WHEN 1 THEN 'clustered' ELSE 'nonclustered' END + "
        "CASE WHEN "
        "i.is_unique = 1 THEN ', unique' ELSE '' END + CASE WHEN i.is_primary_key = 1 THEN ', primary key' "
        "ELSE '' "
        "END + CASE WHEN i.is_unique_constraint = 1 THEN ', unique key' ELSE '' END + ' located on PRIMARY' "
        "AS "
        "varchar(210)) AS index_description, CAST((SELECT STRING_AGG(COL_NAME(c.object_id, c.column_id) + "
        "CASE WHEN "
        "c.is_descending_key = 1 THEN N'(-)' ELSE N'' END, N', ') WITHIN GROUP (ORDER BY c.key_ordinal) FROM "
        "sys.index_columns AS c WHERE c.object_id = i.object_id AND c.index_id = i.index_id AND "
        "c.key_ordinal > 0) "
        "AS nvarchar(2078)) AS index_keys FROM sys.indexes AS i WHERE i.object_id = OBJECT_ID(@name) AND "
        "i.index_id "
        "> 0 ORDER BY i.name";
    Str name = proc_arg_text(call, 0);
    const Table *t = session_find_table(s, name);
    if (!t) return no_object(s, name, e);
    if (t->index_count) return ask(s, session_current_database(s)->id, text, name, e);
    CLEANUP_FREE char *none = x_asprintf(
        "The object '" STR_FMT "' does not have any indexes, or you do not have permissions.", STR_ARG(name));
    return proc_message(s, 15472, 0, str_from(none));
}

/* ---- the agent */

static bool sp_help_job(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT j.job_id, CAST(@@SERVERNAME AS nvarchar(30)) AS originating_server, j.name, j.enabled, "
        "j.description, j.start_step_id, c.name AS category, CAST(N'sa' AS nvarchar(128)) AS owner, "
        "j.notify_level_eventlog, j.notify_level_email, j.notify_level_netsend, j.notify_level_page, "
        "CAST(N'(unknown)' "
        "AS sysname) AS notify_email_operator, CAST(N'(unknown)' AS sysname) AS notify_netsend_operator, "
        "CAST(N'(unknown)' AS sysname) AS notify_page_operator, j.delete_level, j.date_created, "
        "j.date_modified, "
        "j.version_number, 0 AS last_run_date, 0 AS last_run_time, 5 AS last_run_outcome, 0 AS "
        "next_run_date, 0 AS "
        "next_run_time, 0 AS next_run_schedule_id, CASE WHEN a.start_execution_date IS NOT NULL AND "
        "a.stop_execution_date IS NULL THEN 1 ELSE 4 END AS current_execution_status, CAST(N'0 (unknown)' AS "
        "sysname) "
        "AS current_execution_step, 0 AS current_retry_attempt, 1 AS has_step, 1 AS has_schedule, 1 AS "
        "has_target, 1 "
        "AS type FROM dbo.sysjobs AS j INNER JOIN dbo.syscategories AS c ON c.category_id = j.category_id "
        "LEFT JOIN "
        "dbo.sysjobactivity AS a ON a.job_id = j.job_id WHERE @name IS NULL OR j.name = @name ORDER BY "
        "j.name";
    return ask(s, CATALOG_MSDB, text, proc_arg_text(call, 1), e);
}

/* "cdc.<database>_<type>" */
static const Database *job_named(Session *s, Str name, JobType *ret_type) {
    static const Str prefix = {"cdc.", 4};
    for (JobType type = JOB_CAPTURE; type <= JOB_CLEANUP; type++) {
        Str tail = str_from(jobs_type_name(type));
        if (name.n < prefix.n + tail.n + 1 || !str_eq_icase(str_sub(name, 0, prefix.n), prefix) ||
            !str_eq_icase(str_sub(name, name.n - tail.n, tail.n), tail))
            continue;
        *ret_type = type;
        return catalog_database(session_catalog(s), str_sub(name, prefix.n, name.n - tail.n - prefix.n - 1));
    }
    return NULL;
}

static bool set_job(Session *s, ProcCall *call, bool is_start, SqlError *e) {
    Str name = proc_arg_text(call, 0);
    JobType type;
    const Database *d = job_named(s, name, &type);
    if (!session_is_sysadmin(s)) return cdc_message_raise(e, 22904, NULL, 0);
    if (d) return proc_job_set_state(s, d, type, is_start, e);
    return sql_error_set(e, 14262, 16, 1, "The specified @job_name ('" STR_FMT "') does not exist.",
                         STR_ARG(name));
}

static bool sp_start_job(Session *s, ProcCall *call, SqlError *e) {
    return set_job(s, call, true, e);
}
static bool sp_stop_job(Session *s, ProcCall *call, SqlError *e) {
    return set_job(s, call, false, e);
}

/* Asked for the agent's state by who wants to know whether capture can work. */
static bool xp_servicecontrol(Session *s, ProcCall *call, SqlError *e) {
    static const OutColumn column = {.name = {"Current Service State", 21},
                                     .type = {.id = TYPE_NVARCHAR, .length = 255},
                                     .is_nullable = true};
    Str action = proc_arg_text(call, 0), service = proc_arg_text(call, 1);
    if (!str_eq_icase(action, STR_LIT("QUERYSTATE")))
        return sql_error_set(e, 22022, 16, 1, "xp_servicecontrol can only QUERYSTATE on this server.");
    bool is_agent =
        str_eq_icase(service, STR_LIT("SQLSERVERAGENT")) || str_eq_icase(service, STR_LIT("SQLAGENT$"));
    bool is_running = !is_agent || agent_is_running(cdc_of(s)->agent);
    Value row = VALUE_OF_TEXT(is_running ? STR_LIT("Running.") : STR_LIT("Stopped."));
    return proc_columns(s, &column, 1) && proc_row(s, &row) && proc_rows_done(s);
}

/* ---- */

static const ProcParam LOGIN[] = {PROC_NAME("@loginame")};
static const ProcParam DATABASE[] = {PROC_NAME("@dbname")};
static const ProcParam OBJECT[] = {{.name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 776}},
                                   {.name = "@updateusage", .type = {.id = TYPE_VARCHAR, .length = 5}}};
static const ProcParam INDEXED[] = {
    {.name = "@objname", .type = {.id = TYPE_NVARCHAR, .length = 776}, .is_required = true}};
static const ProcParam HELP_JOB[] = {{.name = "@job_id", .type = {.id = TYPE_UNIQUEIDENTIFIER}},
                                     PROC_NAME("@job_name"),
                                     {.name = "@job_aspect", .type = {.id = TYPE_VARCHAR, .length = 9}}};
static const ProcParam JOB[] = {PROC_NAME("@job_name")};
static const ProcParam SERVICE[] = {PROC_NAME("@action"), PROC_NAME("@service")};

#define PROC(name_, params_, call_)                                                                          \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof(params_)[0],           \
        .call = (call_)                                                                                      \
    }

static const Proc PROCS[] = {
    PROC("sp_who", LOGIN, sp_who),
    PROC("sp_who2", LOGIN, sp_who2),
    PROC("sp_helpdb", DATABASE, sp_helpdb),
    PROC("sp_spaceused", OBJECT, sp_spaceused),
    PROC("sp_helpindex", INDEXED, sp_helpindex),
    PROC("sp_help_job", HELP_JOB, sp_help_job),
    PROC("sp_start_job", JOB, sp_start_job),
    PROC("sp_stop_job", JOB, sp_stop_job),
    PROC("xp_servicecontrol", SERVICE, xp_servicecontrol),
};

void proc_admin_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
