/*
 * view_agent.c - msdb.dbo.sysjobs and its kin. The jobs are the rows of msdb.dbo.cdc_jobs, a table that isn't
 * there before a database has one: then these tables are empty. What the agent's thread knows comes from
 * spt_jobs.
 */
#include "standin/system/view_agent.h"

#include <string.h>

#include "standin/builtin/view_row.h"
#include "standin/cdc/cdc.h"
#include "standin/exec/proc.h"

/* ---- where the jobs stand */

static const SysColumn STATE_COLUMNS[] = {
    VIEW_INT("database_id"),       VIEW_NVARCHAR("job_type", 20), VIEW_BIT("is_running"),
    VIEW_DATETIME_N("start_date"), VIEW_DATETIME_N("stop_date"),
};

static void time_or_null(ViewRow *r, int64_t wall_us) {
    if (wall_us) view_row_datetime(r, wall_us);
    else view_row_null(r);
}

static void state_row(ViewRow *r, Session *s, const Database *d, JobType type) {
    AgentJob job;
    if (!agent_job(cdc_of(s)->agent, d->id, type, &job)) return;
    view_row_int(r, d->id);
    view_row_text(r, jobs_type_name(type));
    view_row_int(r, job.is_running);
    time_or_null(r, job.started_us);
    time_or_null(r, job.is_running ? 0 : job.stopped_us);
    view_row_end(r);
}

static bool fill_states(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                        Arena *arena, SqlError *e) {
    (void)database_id, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(STATE_COLUMNS));
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(session_catalog(s), &at)) != NULL;) {
        state_row(&r, s, d, JOB_CAPTURE);
        state_row(&r, s, d, JOB_CLEANUP);
    }
    return true;
}

/* ---- tables over cdc_jobs */

#define NAME "CAST(N'cdc.' + DB_NAME(j.database_id) + N'_' + j.job_type AS sysname)"
#define STEP                                                                                                 \
    "CASE j.job_type WHEN N'capture' THEN N'Change Data Capture Collection Agent' ELSE N'Change Data "       \
    "Capture Cleanup Agent' END"

static const struct {
    const char *name, *sql;
} JOB_TABLES[] = {
    {"sysjobs",
     "SELECT j.job_id, 0 AS originating_server_id, " NAME
     " AS name, CAST(1 AS tinyint) AS enabled, CAST(CASE j.job_type WHEN N'capture' THEN N'CDC Log Scan Job' "
     "ELSE N'CDC Cleanup Job' END AS nvarchar(512)) AS description, 1 AS start_step_id, CASE j.job_type WHEN "
     "N'capture' THEN 13 ELSE 16 END AS category_id, CAST(0x01 AS varbinary(85)) AS owner_sid, 0 AS "
     "notify_level_eventlog, 0 AS notify_level_email, 0 AS notify_level_netsend, 0 AS notify_level_page, 0 "
     "AS "
     "notify_email_operator_id, 0 AS notify_netsend_operator_id, 0 AS notify_page_operator_id, 0 AS "
     "delete_level, d.create_date AS date_created, d.create_date AS date_modified, 1 AS version_number FROM "
     "dbo.cdc_jobs AS j INNER JOIN sys.databases AS d ON d.database_id = j.database_id"},
    {"sysjobsteps",
     "SELECT j.job_id, 1 AS step_id, CAST(" STEP
     " AS sysname) AS step_name, CAST(N'TSQL' AS nvarchar(40)) AS "
     "subsystem, CAST(N'sys.sp_MScdc_' + j.job_type + N'_job' AS nvarchar(max)) AS command, 0 AS flags, "
     "CAST(1 AS tinyint) AS on_success_action, CAST(2 AS tinyint) AS on_fail_action, "
     "CAST(DB_NAME(j.database_id) "
     "AS sysname) AS database_name, 10 AS retry_attempts, 1 AS retry_interval, 0 AS last_run_outcome FROM "
     "dbo.cdc_jobs AS j"},
    {"sysjobactivity",
     "SELECT 1 AS session_id, j.job_id, s.start_date AS run_requested_date, CAST(NULL AS sysname) AS "
     "run_requested_source, CAST(NULL AS datetime) AS queued_date, s.start_date AS start_execution_date, "
     "CASE WHEN s.start_date IS NULL THEN NULL ELSE 1 END AS last_executed_step_id, s.start_date AS "
     "last_executed_step_date, s.stop_date AS stop_execution_date, CAST(NULL AS int) AS job_history_id, "
     "CAST(NULL AS datetime) AS next_scheduled_run_date FROM dbo.cdc_jobs AS j LEFT JOIN dbo.spt_jobs AS s "
     "ON "
     "s.database_id = j.database_id AND s.job_type = j.job_type"},
    {"sysjobservers", "SELECT j.job_id, 0 AS server_id, CAST(5 AS tinyint) AS last_run_outcome, CAST(NULL AS "
                      "nvarchar(4000)) AS "
                      "last_outcome_message, 0 AS last_run_date, 0 AS last_run_time, 0 AS last_run_duration "
                      "FROM dbo.cdc_jobs AS j"},
};

/* The same columns, no row. */
static const char *empty_sql(const char *sql, Arena *arena) {
    static const char no_jobs[] =
        "(SELECT CAST(NULL AS int) AS database_id, CAST(NULL AS nvarchar(20)) AS job_type, CAST(NULL AS "
        "uniqueidentifier) AS job_id WHERE 1 = 0)";
    const char *from = strstr(sql, "dbo.cdc_jobs");
    return arena_printf(arena, "%.*s%s%s", (int)(from - sql), sql, no_jobs, from + strlen("dbo.cdc_jobs"));
}

static bool find_job_table(void *arg, Session *s, int32_t database_id, Str schema, Str name, bool is_function,
                           Arena *arena, SysTable *ret) {
    (void)arg;
    if (is_function || database_id != CATALOG_MSDB || !str_eq_icase(schema, STR_LIT("dbo"))) return false;
    for (size_t i = 0; i < VIEW_COUNT(JOB_TABLES); i++) {
        if (!str_eq_icase(name, str_from(JOB_TABLES[i].name))) continue;
        const char *sql = JOB_TABLES[i].sql;
        if (!jobs_table(session_catalog(s))) sql = empty_sql(sql, arena);
        *ret = (SysTable)VIEW_SQL("dbo", JOB_TABLES[i].name, CATALOG_MSDB, sql);
        return true;
    }
    return false;
}

/* ---- */

#define NOTHING " WHERE 1 = 0"

static const SysTable TABLES[] = {
    {.schema = "dbo",
     .name = "spt_jobs",
     .kind = SYS_ROWS,
     .columns = STATE_COLUMNS,
     .column_count = VIEW_COUNT(STATE_COLUMNS),
     .fill = fill_states,
     .database_id = CATALOG_MSDB},
    VIEW_SQL(
        "dbo", "sysjobhistory", CATALOG_MSDB,
        "SELECT CAST(NULL AS int) AS instance_id, CAST(NULL AS uniqueidentifier) AS job_id, CAST(NULL AS "
        "int) "
        "AS step_id, CAST(NULL AS sysname) AS step_name, CAST(NULL AS int) AS sql_message_id, CAST(NULL AS "
        "int) AS sql_severity, CAST(NULL AS nvarchar(4000)) AS message, CAST(NULL AS int) AS run_status, "
        "CAST(NULL AS int) AS run_date, CAST(NULL AS int) AS run_time, CAST(NULL AS int) AS run_duration, "
        "CAST(NULL AS int) AS retries_attempted, CAST(NULL AS sysname) AS server" NOTHING),
    VIEW_SQL("dbo", "syssessions", CATALOG_MSDB,
             "SELECT 1 AS session_id, d.create_date AS agent_start_date FROM sys.databases AS d WHERE "
             "d.database_id = 2"),
    VIEW_SQL("dbo", "syscategories", CATALOG_MSDB,
             "SELECT c.category_id, 1 AS category_class, CAST(1 AS tinyint) AS category_type, CAST(c.name AS "
             "sysname) AS name FROM (VALUES (0, N'[Uncategorized (Local)]'), (13, N'REPL-LogReader'), (16, "
             "N'REPL-Checkup')) AS c(category_id, name)"),
    VIEW_SQL(
        "dbo", "restorehistory", CATALOG_MSDB,
        "SELECT CAST(NULL AS int) AS restore_history_id, CAST(NULL AS datetime) AS restore_date, CAST(NULL "
        "AS "
        "nvarchar(128)) AS destination_database_name, CAST(NULL AS nvarchar(128)) AS user_name, CAST(NULL AS "
        "int) AS backup_set_id, CAST(NULL AS char(1)) AS restore_type, CAST(NULL AS bit) AS replace, "
        "CAST(NULL AS bit) AS recovery, CAST(NULL AS bit) AS restart, CAST(NULL AS datetime) AS stop_at, "
        "CAST(NULL AS tinyint) AS device_count, CAST(NULL AS nvarchar(128)) AS stop_at_mark_name, CAST(NULL "
        "AS bit) AS stop_before" NOTHING),
    VIEW_SQL(
        "dbo", "backupset", CATALOG_MSDB,
        "SELECT CAST(NULL AS int) AS backup_set_id, CAST(NULL AS uniqueidentifier) AS backup_set_uuid, "
        "CAST(NULL AS int) AS media_set_id, CAST(NULL AS nvarchar(128)) AS name, CAST(NULL AS nvarchar(128)) "
        "AS user_name, CAST(NULL AS numeric(25, 0)) AS first_lsn, CAST(NULL AS numeric(25, 0)) AS last_lsn, "
        "CAST(NULL AS numeric(25, 0)) AS checkpoint_lsn, CAST(NULL AS numeric(25, 0)) AS "
        "database_backup_lsn, "
        "CAST(NULL AS datetime) AS backup_start_date, CAST(NULL AS datetime) AS backup_finish_date, "
        "CAST(NULL "
        "AS char(1)) AS type, CAST(NULL AS numeric(20, 0)) AS backup_size, CAST(NULL AS nvarchar(128)) AS "
        "database_name, CAST(NULL AS nvarchar(128)) AS server_name, CAST(NULL AS nvarchar(60)) AS "
        "recovery_model, CAST(NULL AS bit) AS is_copy_only" NOTHING),
};

void view_agent_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
    sysregistry_add_finder(r, find_job_table, NULL);
}
