/* view_objects.h - sys.objects and the views over kinds of objects: schemas, tables, constraints, partitions.
 */
#ifndef STANDIN_SYSTEM_VIEW_OBJECTS_H
#define STANDIN_SYSTEM_VIEW_OBJECTS_H

#include "standin/builtin/view_row.h"

void view_objects_add(SysRegistry *r);

/* VIEW_OBJECT_COLUMNS of a table, a view or a procedure. */
void view_objects_start(ViewRow *r, const Table *t);

#endif
