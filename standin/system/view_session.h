/* view_session.h - who is connected, and how: sys.dm_exec_sessions, _connections, _requests. */
#ifndef STANDIN_SYSTEM_VIEW_SESSION_H
#define STANDIN_SYSTEM_VIEW_SESSION_H

#include "standin/store/sysobj.h"

void view_session_add(SysRegistry *r);

#endif
