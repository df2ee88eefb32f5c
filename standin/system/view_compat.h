/* view_compat.h - the compatibility views: sysobjects, syscolumns and their kin, of schema sys and dbo. */
#ifndef STANDIN_SYSTEM_VIEW_COMPAT_H
#define STANDIN_SYSTEM_VIEW_COMPAT_H

#include "standin/store/sysobj.h"

void view_compat_add(SysRegistry *r);

#endif
