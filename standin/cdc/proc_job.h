/* proc_job.h - sys.sp_cdc_add_job and its kin, and sys.sp_cdc_scan. */
#ifndef STANDIN_CDC_PROC_JOB_H
#define STANDIN_CDC_PROC_JOB_H

#include "standin/exec/proc.h"

void proc_job_add(ProcRegistry *r);

#endif
