/* view_agent.h - SQL Server Agent's tables in msdb: the jobs of change data capture, and where they stand. */
#ifndef STANDIN_SYSTEM_VIEW_AGENT_H
#define STANDIN_SYSTEM_VIEW_AGENT_H

#include "standin/store/sysobj.h"

void view_agent_add(SysRegistry *r);

#endif
