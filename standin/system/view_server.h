/* view_server.h - sys.databases, principals, permissions, configurations, sessions. */
#ifndef STANDIN_SYSTEM_VIEW_SERVER_H
#define STANDIN_SYSTEM_VIEW_SERVER_H

#include "standin/store/sysobj.h"

void view_server_add(SysRegistry *r);

#endif
