/*
 * proc_script.h - system procedures that are T-SQL themselves: a table of names, parameters and bodies, run
 * with the caller's rights. Registered once at start.
 */
#ifndef STANDIN_SYSTEM_PROC_SCRIPT_H
#define STANDIN_SYSTEM_PROC_SCRIPT_H

#include "standin/exec/proc.h"

/* A Proc's call: its data is the body's text, its parameters are the body's variables. A required @objname
 * must name an object (15009), a @dbname a database (15010). */
ProcFunction proc_script_call;
#define PROC_SCRIPT(name_, params_, text_)                                                                   \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = sizeof(params_) / sizeof *(params_),            \
        .call = proc_script_call, .data = (text_)                                                            \
    }

void proc_script_add(ProcRegistry *r);   /* sp_helpconstraint, sp_helptext … */
void proc_security_add(ProcRegistry *r); /* proc_security.c: sp_addrolemember, sp_helpuser … */

#endif
