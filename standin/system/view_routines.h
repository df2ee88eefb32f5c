/* view_routines.h - sys.procedures, sys.triggers, INFORMATION_SCHEMA.ROUTINES. */
#ifndef STANDIN_SYSTEM_VIEW_ROUTINES_H
#define STANDIN_SYSTEM_VIEW_ROUTINES_H

#include "standin/builtin/view_row.h"
#include "standin/exec/proc.h"

void view_routines_add(SysRegistry *r);

/* For sys.objects: rows of VIEW_OBJECT_COLUMNS, of what a database has besides tables. */
MUST_CHECK bool view_routines_of_database(Session *s, int32_t database_id, ViewRow *r, Arena *arena,
                                          SqlError *e);

#endif
