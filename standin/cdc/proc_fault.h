/*
 * proc_fault.h - procedures of the stand-in's own, schema standin: what a test needs to make happen that a
 * real server does on its own. sysadmin only.
 *
 *   standin.agent_stop, standin.agent_start   the service; when stop returns no scan is running
 *   standin.capture_lag @ms                   capture sees transactions only when they are so old
 *   standin.cleanup_to @lsn                   cleanup went past a client: all instances and the mapping,
 * below
 *                                             @lsn
 *
 * The rest is of connections and statements (exec/fault.h). @session is a @@SPID; without it every session
 * but the asking one is meant, those to come as well. @times 0 is without end.
 *
 *   standin.delay @ms, @session               each request waits so long (the last call counts; 0 ends it)
 *   standin.cut @rows, @bytes, @session, @times
 *                                             the connection is closed within the row after so many rows, or
 * after so many bytes, of the next answer that has more standin.half_open @rows, @session         requests
 * are taken and not answered, or an answer stops within the row after so many rows; nothing is closed
 *   standin.fail @number, @severity, @state, @times, @statement_like, @message, @session
 *                                             the next statements whose text is like that fail with that
 * error standin.failover @read_only_ms, @unavailable_ms all connections are closed; user databases can't be
 * opened (983) for
 *                                             @unavailable_ms, then not changed (3906) for @read_only_ms
 *   standin.end_faults                        all of these end; who was held up goes on
 */
#ifndef STANDIN_CDC_PROC_FAULT_H
#define STANDIN_CDC_PROC_FAULT_H

#include "standin/exec/proc.h"

void proc_fault_add(ProcRegistry *r);

#endif
