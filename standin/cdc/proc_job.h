/* proc_job.h - sys.sp_cdc_add_job and its kin, and sys.sp_cdc_scan. */
#ifndef STANDIN_CDC_PROC_JOB_H
#define STANDIN_CDC_PROC_JOB_H

#include "standin/capture/jobs.h"
#include "standin/exec/proc.h"

void proc_job_add(ProcRegistry *r);
/* Start or stop a database's job, and say so; errors 22022, 22997. */
MUST_CHECK bool proc_job_set_state(Session *s, const Database *d, JobType type, bool is_start, SqlError *e);

#endif
