/* view_objects.h - sys.objects and the views over kinds of objects: schemas, tables, constraints, partitions.
 */
#ifndef STANDIN_CDC_VIEW_OBJECTS_H
#define STANDIN_CDC_VIEW_OBJECTS_H

#include "standin/store/sysobj.h"

void view_objects_add(SysRegistry *r);

#endif
