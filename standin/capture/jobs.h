/*
 * jobs.h - the settings of capture and cleanup jobs: rows of msdb.dbo.cdc_jobs, an ordinary table that is
 * made with the first of them. The numbers are its column ids.
 */
#ifndef STANDIN_CAPTURE_JOBS_H
#define STANDIN_CAPTURE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/exec/proc.h"
#include "standin/store/stmt_cache.h"

typedef enum JobType { JOB_CAPTURE, JOB_CLEANUP } JobType;

enum {
    JOBS_DEFAULT_MAXTRANS = 500,
    JOBS_DEFAULT_MAXSCANS = 10,
    JOBS_DEFAULT_POLLING_S = 5,
    JOBS_DEFAULT_RETENTION_MIN = 4320,
    JOBS_DEFAULT_THRESHOLD = 5000,
    JOBS_MAX_POLLING_S = 86399,
    JOBS_MAX_RETENTION_MIN = 52594800,
};

typedef struct Job {
    int32_t database_id;
    JobType type;
    int32_t maxtrans, maxscans;
    bool is_continuous;
    int64_t polling_s, retention_min, threshold;
} Job;

Job jobs_default(int32_t database_id, JobType type);
const char *jobs_type_name(JobType type); /* "capture", "cleanup" */
/* msdb.dbo.cdc_jobs; NULL: no database has CDC. The catalog is pinned. */
const Table *jobs_table(const Catalog *c);
/* Committed jobs of all databases into jobs[0 … room); *ret how many. */
MUST_CHECK bool jobs_load(StmtCache *cache, const Catalog *c, Job *jobs, size_t room, size_t *ret,
                          SqlError *e);
/* One job; *ret_found tells whether there is one. The catalog is pinned. */
MUST_CHECK bool jobs_find(StmtCache *cache, const Catalog *c, int32_t database_id, JobType type, Job *ret,
                          bool *ret_found, SqlError *e);
/* Within the session's transaction: add or replace a job, making the table if need be; drop one. */
MUST_CHECK bool jobs_save(Session *s, const Job *job, SqlError *e);
/* Drop the table itself when no database but this one (0: none) has CDC any more. */
MUST_CHECK bool jobs_drop_table(Session *s, int32_t except_database_id, SqlError *e);
MUST_CHECK bool jobs_drop(Session *s, int32_t database_id, JobType type, SqlError *e);

#endif
