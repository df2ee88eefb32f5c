/* view_columns.h - sys.columns, sys.types, sys.indexes and the views over kinds of columns.
 */
#ifndef STANDIN_SYSTEM_VIEW_COLUMNS_H
#define STANDIN_SYSTEM_VIEW_COLUMNS_H

#include "standin/store/sysobj.h"

void view_columns_add(SysRegistry *r);

#endif
