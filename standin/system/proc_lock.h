/* proc_lock.h - sp_getapplock, sp_releaseapplock, sp_lock. */
#ifndef STANDIN_SYSTEM_PROC_LOCK_H
#define STANDIN_SYSTEM_PROC_LOCK_H

#include "standin/exec/proc.h"

void proc_lock_add(ProcRegistry *r);

#endif
