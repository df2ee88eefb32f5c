/* proc_job.c - the jobs' settings and life, and the log scan by hand. */
#include "standin/cdc/proc_job.h"

#include "base/mem.h"
#include "standin/builtin/proc_arg.h"
#include "standin/capture/atomic_work.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/jobs.h"
#include "standin/cdc/cdc.h"
#include "standin/cdc/proc_cdc.h"

enum {
    SCAN_WAIT_MS = 5000,
    ERROR_JOB_STATE = 22022,
    INFO_JOB_STARTED = 14243,
    INFO_JOB_STOPPED = 14254,
    LOOK_MS = 50, /* between scans without a polling interval */
};

static int32_t current_id(Session *s) {
    return session_current_database(s)->id;
}

static bool raise1(SqlError *e, int32_t number, Str a) {
    return cdc_message_raise(e, number, &a, 1);
}

/* The @job_type at argument i, capture when it is NULL. */
static bool job_type(const ProcCall *call, size_t i, JobType *ret, SqlError *e) {
    Str text = proc_arg_text(call, i);
    *ret = str_eq_icase(text, STR_LIT("cleanup")) ? JOB_CLEANUP : JOB_CAPTURE;
    if (text.n == 0 || str_eq_icase(text, str_from(jobs_type_name(*ret)))) return true;
    return raise1(e, 22992, text);
}

static bool find_job(Session *s, JobType type, Job *ret, bool *ret_found, SqlError *e) {
    return jobs_find(txn_statements(session_txn(s)), session_catalog(s), current_id(s), type, ret, ret_found,
                     e);
}

/* ---- settings */

/* Where a procedure has its settings among the arguments. */
typedef struct Settings {
    size_t maxtrans, maxscans, continuous, polling, retention, threshold;
} Settings;

static bool check_capture(const Job *job, SqlError *e) {
    if (job->maxtrans < 1) return cdc_message_raise(e, 22991, NULL, 0);
    if (job->maxscans < 1) return cdc_message_raise(e, 22970, NULL, 0);
    bool is_polling = job->polling_s >= 0 && job->polling_s <= JOBS_MAX_POLLING_S;
    return is_polling || cdc_message_raise(e, 22990, NULL, 0);
}

static bool check_cleanup(const Job *job, SqlError *e) {
    if (job->retention_min < 1 || job->retention_min > JOBS_MAX_RETENTION_MIN)
        return cdc_message_raise(e, 22994, NULL, 0);
    return job->threshold >= 1 || cdc_message_raise(e, 22850, NULL, 0);
}

/* A job that runs once has no polling interval, and one that is given an interval runs on. */
static void apply_capture(Job *job, const ProcCall *call, const Settings *at) {
    job->maxtrans = (int32_t)proc_arg_int(call, at->maxtrans, job->maxtrans);
    job->maxscans = (int32_t)proc_arg_int(call, at->maxscans, job->maxscans);
    job->polling_s = proc_arg_int(call, at->polling, job->polling_s);
    bool is_polling = !proc_arg_is_null(call, at->polling) && job->polling_s > 0;
    job->is_continuous = proc_arg_int(call, at->continuous, job->is_continuous || is_polling) != 0;
    bool is_valid = job->polling_s >= 0 && job->polling_s <= JOBS_MAX_POLLING_S;
    if (!job->is_continuous && is_valid) job->polling_s = 0;
}

/* Put what was given over the job's settings. */
static bool apply(Job *job, const ProcCall *call, const Settings *at, SqlError *e) {
    bool has_capture = !proc_arg_is_null(call, at->maxtrans) || !proc_arg_is_null(call, at->maxscans) ||
                       !proc_arg_is_null(call, at->continuous) || !proc_arg_is_null(call, at->polling);
    if (job->type == JOB_CLEANUP) {
        if (has_capture) return cdc_message_raise(e, 22996, NULL, 0);
        job->retention_min = proc_arg_int(call, at->retention, job->retention_min);
        job->threshold = proc_arg_int(call, at->threshold, job->threshold);
        return check_cleanup(job, e);
    }
    if (!proc_arg_is_null(call, at->retention) || !proc_arg_is_null(call, at->threshold))
        return cdc_message_raise(e, 22995, NULL, 0);
    apply_capture(job, call, at);
    return check_capture(job, e);
}

static bool save(Session *s, void *arg, SqlError *e) {
    return jobs_save(s, arg, e);
}

enum { ADD_TYPE, ADD_START, ADD_FIRST };
static bool add_job(Session *s, ProcCall *call, SqlError *e) {
    static const Settings at = {ADD_FIRST,     ADD_FIRST + 1, ADD_FIRST + 2,
                                ADD_FIRST + 3, ADD_FIRST + 4, ADD_FIRST + 5};
    JobType type;
    if (!proc_cdc_check(s, e) || !job_type(call, ADD_TYPE, &type, e)) return false;
    Job job, wanted = jobs_default(current_id(s), type);
    bool has_one;
    if (!apply(&wanted, call, &at, e) || !find_job(s, type, &job, &has_one, e)) return false;
    if (has_one)
        return sql_error_set(e, 14261, 16, 1, "The specified job_name ('cdc.%s_%s') already exists.",
                             session_current_database(s)->name, jobs_type_name(type));
    if (!atomic_run(s, save, &wanted, e)) return false;
    if (proc_arg_int(call, ADD_START, 1) == 0)
        (void)agent_stop_job(cdc_of(s)->agent, wanted.database_id, type);
    return true;
}

static bool change_job(Session *s, ProcCall *call, SqlError *e) {
    static const Settings at = {1, 2, 3, 4, 5, 6};
    JobType type;
    Job job;
    bool has_one;
    if (!proc_cdc_check(s, e) || !job_type(call, 0, &type, e) || !find_job(s, type, &job, &has_one, e))
        return false;
    if (!has_one) return raise1(e, 22997, str_from(jobs_type_name(type)));
    return apply(&job, call, &at, e) && atomic_run(s, save, &job, e);
}

static bool drop(Session *s, void *arg, SqlError *e) {
    return jobs_drop(s, current_id(s), *(JobType *)arg, e);
}

static bool drop_job(Session *s, ProcCall *call, SqlError *e) {
    JobType type;
    Job job;
    bool has_one;
    if (!proc_cdc_check(s, e) || !job_type(call, 0, &type, e) || !find_job(s, type, &job, &has_one, e))
        return false;
    if (!has_one) return raise1(e, 22997, str_from(jobs_type_name(type)));
    (void)agent_stop_job(cdc_of(s)->agent, current_id(s), type);
    return atomic_run(s, drop, &type, e);
}

static bool help_jobs(Session *s, ProcCall *call, SqlError *e) {
    static const char text[] =
        "SELECT job_id, job_type, CAST(N'cdc.' + DB_NAME(database_id) + N'_' + job_type AS sysname) AS "
        "job_name, "
        "maxtrans, maxscans, continuous, pollinginterval, retention, threshold FROM dbo.cdc_jobs "
        "WHERE database_id = @database ORDER BY job_type";
    (void)call;
    if (!proc_cdc_check(s, e)) return false;
    if (!jobs_table(session_catalog(s))) return raise1(e, 22993, str_from(session_current_database(s)->name));
    SessionParam p = proc_arg_param("@database", &(Type){.id = TYPE_INT}, VALUE_OF_INT(current_id(s)));
    return proc_query(s, CATALOG_MSDB, str_from(text), &p, 1, NULL, NULL, e);
}

/* ---- life */

bool proc_job_set_state(Session *s, const Database *d, JobType type, bool is_start, SqlError *e) {
    Job job;
    bool has_one;
    if (!jobs_find(txn_statements(session_txn(s)), session_catalog(s), d->id, type, &job, &has_one, e))
        return false;
    if (!has_one) return raise1(e, 22997, str_from(jobs_type_name(type)));
    Agent *agent = cdc_of(s)->agent;
    const char *database = d->name, *name = jobs_type_name(type);
    if (!agent_is_running(agent))
        return sql_error_set(
            e, ERROR_JOB_STATE, 16, 1,
            "SQLServerAgent Error: SQLServerAgent is not currently running so it cannot be notified "
            "of this action.");
    bool is_done = is_start ? agent_start_job(agent, job.database_id, type)
                            : agent_stop_job(agent, job.database_id, type);
    if (is_done && !is_start) capture_settle(cdc_of(s)->capture);
    if (!is_done)
        return sql_error_set(e, ERROR_JOB_STATE, 16, 1,
                             "SQLServerAgent Error: Request to %s job cdc.%s_%s (from User " STR_FMT
                             ") refused because the job is %s.",
                             is_start ? "run" : "stop", database, name, STR_ARG(session_login_name(s)),
                             is_start ? "already running" : "not currently running");
    CLEANUP_FREE char *text =
        x_asprintf("Job 'cdc.%s_%s' %s successfully.", database, name, is_start ? "started" : "stopped");
    return proc_message(s, is_start ? INFO_JOB_STARTED : INFO_JOB_STOPPED, 0, str_from(text));
}

static bool set_state(Session *s, ProcCall *call, bool is_start, SqlError *e) {
    JobType type;
    return proc_cdc_check(s, e) && job_type(call, 0, &type, e) &&
           proc_job_set_state(s, session_current_database(s), type, is_start, e);
}

static bool start_job(Session *s, ProcCall *call, SqlError *e) {
    return set_state(s, call, true, e);
}
static bool stop_job(Session *s, ProcCall *call, SqlError *e) {
    return set_state(s, call, false, e);
}

/* ---- sp_cdc_scan */

enum { SCAN_MAXTRANS, SCAN_MAXSCANS, SCAN_CONTINUOUS, SCAN_POLLING };

static bool check_scan(const ProcCall *call, Job *job, SqlError *e) {
    int64_t continuous = proc_arg_int(call, SCAN_CONTINUOUS, call->args[SCAN_CONTINUOUS].is_default ? 0 : -1);
    if (continuous != 0 && continuous != 1) return cdc_message_raise(e, 22998, NULL, 0);
    job->is_continuous = continuous == 1;
    job->polling_s = proc_arg_int(call, SCAN_POLLING, 0);
    if (!job->is_continuous && job->polling_s != 0) return cdc_message_raise(e, 22999, NULL, 0);
    job->maxtrans = (int32_t)proc_arg_int(call, SCAN_MAXTRANS, job->maxtrans);
    job->maxscans = (int32_t)proc_arg_int(call, SCAN_MAXSCANS, job->maxscans);
    return check_capture(job, e);
}

/* One run, waiting a while for a schema change that keeps it from going on. */
static bool run_scan(Session *s, int32_t database_id, const CaptureLimits *limits, SqlError *e) {
    bool has_more;
    for (int64_t waited_ms = 0;; waited_ms += LOOK_MS) {
        if (capture_run(cdc_of(s)->capture, database_id, limits, session_spid(s), SCAN_WAIT_MS, &has_more, e))
            return true;
        if (e->number != CAPTURE_BLOCKED || waited_ms >= SCAN_WAIT_MS) return false;
        if (!proc_wait_ms(s, LOOK_MS, e)) return false;
    }
}

static bool scan(Session *s, ProcCall *call, SqlError *e) {
    if (!proc_cdc_check(s, e)) return false;
    Agent *agent = cdc_of(s)->agent;
    Job job = jobs_default(current_id(s), JOB_CAPTURE), wanted = job, own;
    bool has_own;
    if (!check_scan(call, &wanted, e) || !find_job(s, JOB_CAPTURE, &own, &has_own, e)) return false;
    CaptureLimits limits = {.max_transactions = wanted.maxtrans, .max_scans = wanted.maxscans};
    for (;;) {
        limits.lag_ms = agent_lag_ms(agent);
        limits.idle_ms = agent_idle_ms(agent, has_own ? &own : &job);
        if (!run_scan(s, job.database_id, &limits, e)) return false;
        if (!wanted.is_continuous) return true;
        /* Runs on until its client stops it. */
        int64_t wait_ms = wanted.polling_s > 0 ? wanted.polling_s * 1000 : LOOK_MS;
        if (!proc_wait_ms(s, wait_ms, e)) return false;
    }
}

/* ---- */

#define SETTINGS                                                                                             \
    PROC_INT("@maxtrans"), PROC_INT("@maxscans"), PROC_BIT("@continuous"), PROC_BIGINT("@pollinginterval"),  \
        PROC_BIGINT("@retention"), PROC_BIGINT("@threshold")

static const ProcParam ADD[] = {
    {.name = "@job_type", .type = {.id = TYPE_NVARCHAR, .length = 20}, .is_required = true},
    PROC_BIT("@start_job"),
    SETTINGS};
static const ProcParam CHANGE[] = {PROC_NAME("@job_type"), SETTINGS};
static const ProcParam TYPE_ONLY[] = {PROC_NAME("@job_type")};
static const ProcParam SCAN[] = {PROC_INT("@maxtrans"),
                                 PROC_INT("@maxscans"),
                                 {.name = "@continuous", .type = {.id = TYPE_TINYINT}},
                                 PROC_BIGINT("@pollinginterval")};

#define PROC(name_, params_, call_)                                                                          \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof(params_)[0],           \
        .call = (call_)                                                                                      \
    }

static const Proc PROCS[] = {
    PROC("sp_cdc_add_job", ADD, add_job),
    PROC("sp_cdc_change_job", CHANGE, change_job),
    PROC("sp_cdc_drop_job", TYPE_ONLY, drop_job),
    {.name = "sp_cdc_help_jobs", .call = help_jobs},
    PROC("sp_cdc_start_job", TYPE_ONLY, start_job),
    PROC("sp_cdc_stop_job", TYPE_ONLY, stop_job),
    PROC("sp_cdc_scan", SCAN, scan),
};

void proc_job_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
