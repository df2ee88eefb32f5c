/* view_lock.h - the dynamic management views of locks, waits, requests and transactions. */
#ifndef STANDIN_SYSTEM_VIEW_LOCK_H
#define STANDIN_SYSTEM_VIEW_LOCK_H

#include "standin/store/sysobj.h"

void view_lock_add(SysRegistry *r);

#endif
