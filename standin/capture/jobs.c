#include "standin/capture/jobs.h"

#include "base/mem.h"
#include "standin/capture/cdc_sql.h"

enum { JOB_COLUMNS = 8 };
#define JOB_SELECT "SELECT c1, c2, c4, c5, c6, c7, c8, c9 FROM %s"

Job jobs_default(int32_t database_id, JobType type) {
    if (type == JOB_CLEANUP)
        return (Job){.database_id = database_id,
                     .type = type,
                     .retention_min = JOBS_DEFAULT_RETENTION_MIN,
                     .threshold = JOBS_DEFAULT_THRESHOLD};
    return (Job){.database_id = database_id,
                 .type = type,
                 .maxtrans = JOBS_DEFAULT_MAXTRANS,
                 .maxscans = JOBS_DEFAULT_MAXSCANS,
                 .is_continuous = true,
                 .polling_s = JOBS_DEFAULT_POLLING_S};
}

const char *jobs_type_name(JobType type) {
    return type == JOB_CAPTURE ? "capture" : "cleanup";
}

const Table *jobs_table(const Catalog *c) {
    return catalog_table(c, CATALOG_MSDB, CATALOG_SCHEMA_DBO, STR_LIT("cdc_jobs"));
}

static Job job_of(const Value *v) {
    return (Job){
        .database_id = (int32_t)v[0].v.i,
        .type = v[1].kind == VALUE_TEXT && str_eq_c(v[1].v.s, "capture") ? JOB_CAPTURE : JOB_CLEANUP,
        .maxtrans = (int32_t)v[2].v.i,
        .maxscans = (int32_t)v[3].v.i,
        .is_continuous = v[4].v.i != 0,
        .polling_s = v[5].v.i,
        .retention_min = v[6].v.i,
        .threshold = v[7].v.i,
    };
}

bool jobs_load(StmtCache *cache, const Catalog *c, Job *jobs, size_t room, size_t *ret, SqlError *e) {
    const Table *t = jobs_table(c);
    size_t n = 0;
    *ret = 0;
    while (t && n < room) {
        CLEANUP(arena_done) Arena arena = {0};
        Value values[JOB_COLUMNS];
        CdcSqlRow row = {.values = values, .width = JOB_COLUMNS};
        const Value skip = VALUE_OF_INT((int64_t)n);
        if (!cdc_sql_row(cache, &skip, 1, &arena, &row, e, JOB_SELECT " ORDER BY c1, c2 LIMIT 1 OFFSET ?1",
                         t->sql_name))
            return false;
        if (!row.is_found) break;
        jobs[n++] = job_of(values);
    }
    *ret = n;
    return true;
}

bool jobs_find(StmtCache *cache, const Catalog *c, int32_t database_id, JobType type, Job *ret,
               bool *ret_found, SqlError *e) {
    const Table *t = jobs_table(c);
    *ret_found = false;
    if (!t) return true;
    CLEANUP(arena_done) Arena arena = {0};
    Value values[JOB_COLUMNS];
    CdcSqlRow row = {.values = values, .width = JOB_COLUMNS};
    const Value p[] = {VALUE_OF_INT(database_id), VALUE_OF_TEXT(str_from(jobs_type_name(type)))};
    if (!cdc_sql_row(cache, p, 2, &arena, &row, e, JOB_SELECT " WHERE c1 = ?1 AND c2 = ?2", t->sql_name))
        return false;
    *ret_found = row.is_found;
    if (row.is_found) *ret = job_of(values);
    return true;
}

/* ---- changes */

static SessionParam number(const char *name, int64_t v) {
    return (SessionParam){.name = str_from(name), .type = {.id = TYPE_BIGINT}, .value = VALUE_OF_INT(v)};
}

static SessionParam type_param(JobType type) {
    return (SessionParam){.name = STR_LIT("@type"),
                          .type = {.id = TYPE_NVARCHAR, .length = 20},
                          .value = VALUE_OF_TEXT(str_from(jobs_type_name(type)))};
}

static bool make_table(Session *s, SqlError *e) {
    static const char text[] = "CREATE TABLE dbo.cdc_jobs(database_id int NOT NULL, job_type nvarchar(20) "
                               "NOT NULL, job_id uniqueidentifier, "
                               "maxtrans int, maxscans int, continuous bit, pollinginterval bigint, "
                               "retention bigint, threshold bigint, "
                               "CONSTRAINT cdc_jobs_pk PRIMARY KEY CLUSTERED (database_id, job_type))";
    return jobs_table(session_catalog(s)) != NULL || proc_run(s, CATALOG_MSDB, str_from(text), NULL, 0, e);
}

bool jobs_save(Session *s, const Job *job, SqlError *e) {
    static const char text[] =
        "UPDATE dbo.cdc_jobs SET maxtrans = @maxtrans, maxscans = @maxscans, continuous = @continuous, "
        "pollinginterval = @polling, retention = @retention, threshold = @threshold "
        "WHERE database_id = @database AND job_type = @type\n"
        "IF @@ROWCOUNT = 0 INSERT INTO dbo.cdc_jobs VALUES(@database, @type, NEWID(), @maxtrans, @maxscans, "
        "@continuous, @polling, @retention, @threshold)";
    const SessionParam p[] = {
        number("@database", job->database_id),     type_param(job->type),
        number("@maxtrans", job->maxtrans),        number("@maxscans", job->maxscans),
        number("@continuous", job->is_continuous), number("@polling", job->polling_s),
        number("@retention", job->retention_min),  number("@threshold", job->threshold),
    };
    return make_table(s, e) && proc_run(s, CATALOG_MSDB, str_from(text), p, sizeof p / sizeof *p, e);
}

bool jobs_drop(Session *s, int32_t database_id, JobType type, SqlError *e) {
    const SessionParam p[] = {number("@database", database_id), type_param(type)};
    return proc_run(s, CATALOG_MSDB,
                    STR_LIT("DELETE dbo.cdc_jobs WHERE database_id = @database AND job_type = @type"), p, 2,
                    e);
}

bool jobs_drop_table(Session *s, int32_t except_database_id, SqlError *e) {
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(session_catalog(s), &at)) != NULL;)
        if (d->is_cdc_enabled && d->id != except_database_id) return true;
    return !jobs_table(session_catalog(s)) ||
           proc_run(s, CATALOG_MSDB, STR_LIT("DROP TABLE dbo.cdc_jobs"), NULL, 0, e);
}
