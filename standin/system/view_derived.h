/* view_derived.h - views that are told by other views: files, statistics, logins, more of INFORMATION_SCHEMA.
 */
#ifndef STANDIN_SYSTEM_VIEW_DERIVED_H
#define STANDIN_SYSTEM_VIEW_DERIVED_H

#include "standin/store/sysobj.h"

void view_derived_add(SysRegistry *r);

#endif
