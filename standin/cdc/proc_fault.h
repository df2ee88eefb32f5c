/*
 * proc_fault.h - procedures of the stand-in's own, schema standin: what a test needs to make happen that a
 * real server does on its own. sysadmin only.
 *
 *   standin.agent_stop, standin.agent_start   the service; when stop returns no scan is running
 *   standin.capture_lag @ms                   capture sees transactions only when they are so old
 *   standin.cleanup_to @lsn                   cleanup went past a client: all instances and the mapping,
 * below @lsn
 */
#ifndef STANDIN_CDC_PROC_FAULT_H
#define STANDIN_CDC_PROC_FAULT_H

#include "standin/exec/proc.h"

void proc_fault_add(ProcRegistry *r);

#endif
