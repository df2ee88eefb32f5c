/* proc_catalog.h - ODBC's catalog procedures, sp_help, sp_rename, sp_configure and other procedures of every
 * SQL Server. */
#ifndef STANDIN_SYSTEM_PROC_CATALOG_H
#define STANDIN_SYSTEM_PROC_CATALOG_H

#include "standin/exec/proc.h"

void proc_catalog_add(ProcRegistry *r);

/* proc_server.c: sp_rename, sp_configure, sp_help … */
void proc_server_add(ProcRegistry *r);

#endif
