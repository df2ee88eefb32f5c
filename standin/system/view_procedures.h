/* view_procedures.h - sys.spt_procedures and sys.spt_procedure_columns: the procedures and their parameters
 * as ODBC's catalog functions describe them. */
#ifndef STANDIN_SYSTEM_VIEW_PROCEDURES_H
#define STANDIN_SYSTEM_VIEW_PROCEDURES_H

#include "standin/store/sysobj.h"

void view_procedures_add(SysRegistry *r);

#endif
