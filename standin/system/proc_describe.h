/* proc_describe.h - sp_describe_first_result_set, by which drivers learn a statement's columns before they
 * run it. */
#ifndef STANDIN_SYSTEM_PROC_DESCRIBE_H
#define STANDIN_SYSTEM_PROC_DESCRIBE_H

#include "standin/exec/proc.h"

void proc_describe_add(ProcRegistry *r);

#endif
