/* proc_admin.h - what administrators call: sp_who, sp_spaceused, sp_helpdb, sp_help_job, xp_servicecontrol …
 */
#ifndef STANDIN_SYSTEM_PROC_ADMIN_H
#define STANDIN_SYSTEM_PROC_ADMIN_H

#include "standin/exec/proc.h"

void proc_admin_add(ProcRegistry *r);

#endif
