/* view_information.h - INFORMATION_SCHEMA: the standard's views over tables, columns and constraints. */
#ifndef STANDIN_SYSTEM_VIEW_INFORMATION_H
#define STANDIN_SYSTEM_VIEW_INFORMATION_H

#include "standin/store/sysobj.h"

void view_information_add(SysRegistry *r);

#endif
