/*
 * Change data capture at work. Times of cdc.lsn_time_mapping and of the management views are the server's
 * local ones, so differences are taken by the server itself (DATEDIFF with GETDATE()).
 *
 * Whether what is needed is still there is the plan's to say, as in a run: it is given a reading, and asked.
 */
#include "sqlserver/check_capture.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/plan_feed.h"
#include "sqlserver/reading.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"
#include "sqlserver/table_list.h"

enum {
    LATENCY_WARNING_S = 30,
    RECENT_MINUTES = 10,
    COPY_ROWS_A_SECOND = 20000, /* a slow network's */
    COMMITS_A_READING = 1,
};

/* ---- on, and running ---- */

static void check_cdc(const Precheck *p, const char *name, Findings *out) {
    Err e;
    if (precheck_database(p->catalog, &e)) {
        findings_add(out, name, FINDING_OK, /* cure= */ NULL, "change data capture is on");
        return;
    }
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_enable_database(&cure);
    findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                 "change data capture is off in database " STR_FMT "; in it, as sysadmin, run",
                 STR_ARG(p->catalog->database));
}

static void check_agent(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (precheck_agent_runs(p->catalog, p->odbc, p->settings->agent_query)) {
        if (!p->settings->agent_query && precheck_ask(p, name, "SELECT TOP (1) 1 FROM sys.dm_server_services",
                                                      precheck_grant_server_state(p), &t, out))
            findings_add(out, name, FINDING_OK, NULL, t.rows ? "running" : "not told by this server");
        return;
    }
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_start_agent(&cure);
    findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                 "SQL Server Agent isn't running, so no changes are captured");
    out->items[out->count - 1].may_pass = precheck_ran_before(p);
}

/* ---- the jobs ---- */

typedef struct Job {
    int64_t max_trans, max_scans, is_continuous, polling_s, retention_min;
} Job;

/* Where a job's columns are in a row. */
typedef struct JobPlaces {
    size_t type, max_trans, max_scans, continuous, polling, retention;
} JobPlaces;

/* The database's jobs. db_owner may run the procedure; who has SELECT on the table behind it may read that.
 */
static bool read_jobs(const Precheck *p, const char *name, OdbcCells *ret, JobPlaces *ret_places,
                      Findings *out) {
    static const char by_table[] =
        "SELECT job_type, maxtrans, maxscans, continuous, pollinginterval, retention "
        "FROM msdb.dbo.cdc_jobs WHERE database_id = DB_ID()";
    Err ignored;
    *ret_places = (JobPlaces){1, 3, 4, 5, 6, 7}; /* job_id, job_type, job_name, maxtrans … as documented */
    if (odbc_cells(p->odbc, p->arena, "EXEC sys.sp_cdc_help_jobs", /* params= */ NULL, 0, ret, &ignored) &&
        ret->columns > ret_places->retention)
        return true;
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "USE msdb; ");
    setup_sql_create_user(precheck_user(p), &cure);
    buf_cstr(&cure, "; GRANT SELECT ON [dbo].[cdc_jobs] TO ");
    sql_text_name(precheck_user(p), &cure);
    *ret_places = (JobPlaces){0, 1, 2, 3, 4, 5};
    return precheck_ask(p, name, by_table, buf_text(&cure), ret, out);
}

/* false: there is none, or it can't be seen; a finding says so. */
static bool read_job(const Precheck *p, const char *name, const char *type, const char *without, Job *ret,
                     Findings *out) {
    OdbcCells t;
    JobPlaces at;
    if (!read_jobs(p, name, &t, &at, out)) return false;
    for (size_t i = 0; i < t.rows; i++) {
        if (!str_eq_c(odbc_cell(&t, i, at.type), type)) continue;
        *ret = (Job){odbc_cell_int(&t, i, at.max_trans, 0), odbc_cell_int(&t, i, at.max_scans, 0),
                     odbc_cell_int(&t, i, at.continuous, 0), odbc_cell_int(&t, i, at.polling, 0),
                     odbc_cell_int(&t, i, at.retention, 0)};
        return true;
    }
    CLEANUP_FREE char *cure = x_asprintf("EXEC sys.sp_cdc_add_job @job_type = N'%s'", type);
    findings_add(out, name, FINDING_WARNING, cure, "there is no %s job: %s", type, without);
    return false;
}

/* Commits a second that were captured lately; -1 = unknown. */
static int64_t recent_rate(const Precheck *p) {
    OdbcCells t;
    Err ignored;
    if (!odbc_cells(p->odbc, p->arena,
                    "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00 AND "
                    "tran_end_time > DATEADD(minute, -10, GETDATE())",
                    /* params= */ NULL, 0, &t, &ignored))
        return -1;
    return odbc_cell_int(&t, 0, 0, 0) / (RECENT_MINUTES * INT64_C(60));
}

static void check_job(const Precheck *p, const char *name, Findings *out) {
    Job job;
    if (!read_job(p, name, "capture", "nothing is captured, unless replication's log reader does it", &job,
                  out))
        return;
    if (!job.is_continuous) {
        findings_add(
            out, name, FINDING_WARNING, "EXEC sys.sp_cdc_change_job @job_type = N'capture', @continuous = 1",
            "the capture job isn't continuous: changes come when its schedule starts it, at most %lld "
            "transactions each time",
            (long long)(job.max_trans * job.max_scans));
        return;
    }
    if (job.polling_s == 0) {
        findings_add(out, name, FINDING_OK, NULL, "continuous, no pause between scans");
        return;
    }
    int64_t ceiling = job.max_trans * job.max_scans / job.polling_s, rate = recent_rate(p);
    CLEANUP_FREE char *cure = x_asprintf(
        "EXEC sys.sp_cdc_change_job @job_type = N'capture', @maxtrans = %lld, @pollinginterval = 1; EXEC "
        "sys.sp_cdc_stop_job; EXEC sys.sp_cdc_start_job",
        (long long)(job.max_trans < 5000 ? 5000 : 2 * job.max_trans));
    bool is_near = rate >= 0 && rate * 2 >= ceiling;
    findings_add(out, name,
                 is_near             ? FINDING_WARNING
                 : job.polling_s > 1 ? FINDING_NOTE
                                     : FINDING_OK,
                 is_near || job.polling_s > 1 ? cure : NULL,
                 "the capture job takes at most %lld transactions a second (%lld × %lld every %lld s)%s; "
                 "each waits up "
                 "to %lld s for it",
                 (long long)ceiling, (long long)job.max_trans, (long long)job.max_scans,
                 (long long)job.polling_s, is_near ? ", and half of that is reached" : "",
                 (long long)job.polling_s);
}

static const char *grant_database_state(const Precheck *p) {
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "GRANT VIEW DATABASE STATE TO ");
    sql_text_name(precheck_user(p), &cure);
    return arena_str(p->arena, buf_view(&cure)).p;
}

static void check_latency(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT TOP (1) latency, tran_count, command_count, duration, "
                      "DATEDIFF(second, start_time, GETDATE()) FROM sys.dm_cdc_log_scan_sessions "
                      "WHERE session_id > 0 AND tran_count > 0 ORDER BY session_id DESC",
                      grant_database_state(p), &t, out))
        return;
    if (t.rows == 0) {
        findings_add(out, name, FINDING_OK, NULL, "no scan had anything to capture yet");
        return;
    }
    int64_t latency_s = odbc_cell_int(&t, 0, 0, 0);
    bool is_slow = latency_s >= LATENCY_WARNING_S;
    findings_add(
        out, name, is_slow ? FINDING_WARNING : FINDING_OK,
        is_slow ? "raise maxtrans and maxscans of the capture job (check capture-job), or give its log disk "
                  "room to be read"
                : NULL,
        "the last scan with changes was %lld s behind the commits it read (%lld transactions, %lld changes)",
        (long long)latency_s, (long long)odbc_cell_int(&t, 0, 1, 0), (long long)odbc_cell_int(&t, 0, 2, 0));
}

static void check_errors(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT TOP (1) error_number, DATEDIFF(minute, entry_time, GETDATE()), "
                      "(SELECT COUNT(*) FROM sys.dm_cdc_errors), error_message FROM sys.dm_cdc_errors "
                      "ORDER BY entry_time DESC",
                      grant_database_state(p), &t, out))
        return;
    if (t.rows == 0) return;
    findings_add(out, name, FINDING_WARNING,
                 "SELECT * FROM sys.dm_cdc_errors; then EXEC sys.sp_cdc_start_job once its cause is gone",
                 "%lld errors of the capture job; the last %lld minutes ago: %lld, " STR_FMT,
                 (long long)odbc_cell_int(&t, 0, 2, 1), (long long)odbc_cell_int(&t, 0, 1, 0),
                 (long long)odbc_cell_int(&t, 0, 0, 0), STR_ARG(odbc_cell(&t, 0, 3)));
}

/* ---- what is kept ---- */

/* Seconds since the commit at the stored position, or since the next one that is left; -1 = unknown. */
static int64_t position_age_s(const Precheck *p) {
    OdbcParam lsn = odbc_bytes(p->stored->position.commit_lsn.b, LSN_BYTES);
    OdbcCells t;
    Err ignored;
    if (!odbc_cells(p->odbc, p->arena,
                    "SELECT DATEDIFF(second, MIN(tran_end_time), GETDATE()) FROM cdc.lsn_time_mapping "
                    "WHERE start_lsn > CAST(? AS binary(10))",
                    &lsn, 1, &t, &ignored) ||
        t.rows == 0)
        return -1;
    return odbc_cell_int(&t, 0, 0, 0); /* none is later: nothing is owed */
}

static void say_retention(const Precheck *p, const char *name, int64_t retention_s, int64_t needed_s,
                          const char *what, Findings *out) {
    int64_t percent = needed_s * 100 / (retention_s > 0 ? retention_s : 1);
    int64_t more_min = needed_s * 4 / 60 > retention_s * 2 / 60 ? needed_s * 4 / 60 : retention_s * 2 / 60;
    CLEANUP_FREE char *cure = x_asprintf(
        "EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = %lld", (long long)more_min);
    (void)p;
    if (percent < 50)
        findings_add(out, name, FINDING_OK, NULL,
                     "changes are kept for %lld minutes; %s %lld minutes: %lld %%",
                     (long long)(retention_s / 60), what, (long long)(needed_s / 60), (long long)percent);
    else
        findings_add(out, name, FINDING_WARNING, cure,
                     "changes are kept for %lld minutes, and %s %lld minutes: %lld %%, %s",
                     (long long)(retention_s / 60), what, (long long)(needed_s / 60), (long long)percent,
                     percent >= 80 ? "what is needed is about to be deleted" : "more than half");
}

static void check_retention(const Precheck *p, const char *name, Findings *out) {
    Job job;
    if (!read_job(p, name, "cleanup", "change tables grow without end", &job, out)) return;
    int64_t retention_s = job.retention_min * 60;
    if (precheck_ran_before(p)) {
        int64_t age_s = position_age_s(p);
        if (age_s >= 0) say_retention(p, name, retention_s, age_s, "the stored position lies back", out);
        else findings_add(out, name, FINDING_NOTE, NULL, "unknown: the stored position's time can't be told");
        return;
    }
    int64_t rows, bytes;
    precheck_size(p, &rows, &bytes);
    int64_t copy_s = rows / COPY_ROWS_A_SECOND;
    say_retention(p, name, retention_s, copy_s, "the copy takes, at 20,000 rows a second, about", out);
}

/* ---- where a run would go on ---- */

/* The tables as a run would fix them. */
static bool load_fixed(const Precheck *p, TableList *tables, Catalog *ret, Err *e) {
    CatalogFilter filter = p->settings->filter;
    table_list_fix(tables, p->catalog, &filter, p->stored);
    table_list_use(tables, &filter);
    return catalog_load(ret, p->odbc, &filter, e);
}

static bool ask_plan(const Precheck *p, const Catalog *c, Reading *r, Err *e) {
    const SnapshotStart start = {.has_position = p->stored->has_position};
    SnapshotPolicy policy;
    PlanAction action = {0};
    if (!snapshot_mode_policy(p->settings->mode, &p->settings->flags, &start, &policy, e) ||
        !reading_take(r, p->odbc, &p->stored->position.commit_lsn, COMMITS_A_READING, e))
        return false;
    Plan *plan = plan_feed_new(c, &policy, p->settings->schema_change, p->stored);
    plan_feed_reading(plan, c, r, p->settings->target.is_read_only);
    bool ok = plan_next(plan, &action, e);
    plan_free(plan);
    return ok;
}

static void check_position(const Precheck *p, const char *name, Findings *out) {
    if (!p->stored) {
        findings_add(out, name, FINDING_NOTE, NULL, "unknown: the target couldn't be asked");
        return;
    }
    if (!p->stored->has_position && snapshot_mode_copies(p->settings->mode, &p->settings->flags)) {
        findings_add(out, name, FINDING_OK, NULL, "none is stored: the run begins with a first copy");
        return;
    }
    CLEANUP(catalog_done) Catalog fixed = {0};
    CLEANUP(reading_done) Reading reading = {0};
    CLEANUP(table_list_done) TableList tables = {0};
    char text[POSITION_TEXT_SIZE];
    Err e;
    if (!load_fixed(p, &tables, &fixed, &e) || !ask_plan(p, &fixed, &reading, &e))
        findings_add_err(out, name, /* cure= */ NULL, &e);
    else if (!p->stored->has_position)
        findings_add(out, name, FINDING_OK, NULL, "none is stored: the run begins with what is captured now");
    else
        findings_add(out, name, FINDING_OK, NULL, "stored at %s: all that follows it is there",
                     position_format(&p->stored->position, text));
}

PrecheckDefs check_capture_defs(void) {
    static const PrecheckDef defs[] = {
        {.name = "cdc-database", .is_before_run = true, .run = check_cdc},
        {.name = "agent", .is_before_run = true, .needs_cdc = true, .run = check_agent},
        {.name = "capture-job", .needs_cdc = true, .run = check_job},
        {.name = "capture-latency", .needs_cdc = true, .run = check_latency},
        {.name = "capture-errors", .needs_cdc = true, .run = check_errors},
        {.name = "retention", .needs_cdc = true, .run = check_retention},
        {.name = "position", .needs_cdc = true, .run = check_position},
    };
    return (PrecheckDefs){defs, sizeof defs / sizeof *defs};
}
