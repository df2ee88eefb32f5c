/*
 * cleanup.h - what sp_cdc_cleanup_change_table and the cleanup job do: raise low ends, delete what lies
 * below. The session's thread.
 */
#ifndef STANDIN_CAPTURE_CLEANUP_H
#define STANDIN_CAPTURE_CLEANUP_H

#include <stdbool.h>

#include "standin/capture/instance.h"
#include "standin/exec/proc.h"

/* Raise an instance's start_lsn to mark, never lower it, then delete rows below it, at most threshold a
 * statement. */
MUST_CHECK bool cleanup_instance(Session *s, int32_t database_id, const Instance *instance, const Lsn10 *mark,
                                 int64_t threshold, SqlError *e);
/* The whole database: everything older than retention_min minutes before the newest entry of
 * lsn_time_mapping. */
MUST_CHECK bool cleanup_database(Session *s, int32_t database_id, int64_t retention_min, int64_t threshold,
                                 SqlError *e);
/* Everything below mark, of all instances and of lsn_time_mapping. */
MUST_CHECK bool cleanup_to(Session *s, int32_t database_id, const Lsn10 *mark, int64_t threshold,
                           SqlError *e);

#endif
