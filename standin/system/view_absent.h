/* view_absent.h - views of features that this server has not. */
#ifndef STANDIN_SYSTEM_VIEW_ABSENT_H
#define STANDIN_SYSTEM_VIEW_ABSENT_H

#include "standin/store/sysobj.h"

void view_absent_add(SysRegistry *r);

#endif
