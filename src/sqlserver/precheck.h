/*
 * precheck.h - what would stop a run, found before it begins, each with its cure. Owner thread only.
 */
#ifndef SQLSERVER_PRECHECK_H
#define SQLSERVER_PRECHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "config/textlist.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"
#include "sqlserver/source_settings.h"

/* Connect; a database that can't be opened is told apart: misspelt, no access, or not up (retriable). */
MUST_CHECK bool precheck_connect(const OdbcTarget *target, Odbc **ret, Err *e);
/* CDC is on. Errors: ERR_INVALID with the cure. */
MUST_CHECK bool precheck_database(const Catalog *c, Err *e);
/*
 * Every wanted table has a capture instance, can be read, has columns that can be carried; the agent runs.
 * All faults go to problems (a line each: what, then the cure); false when there are any, *e then has the
 * first and the number of the others. is_running: a run that went on before: an agent that is down may come
 * back (retriable).
 */
MUST_CHECK bool precheck_tables(const Catalog *c, Odbc *odbc, const SourceSettings *settings, bool is_running,
                                TextList *problems, Err *e);
/* Whether SQL Server Agent runs; true when it can't be known (no permission, Azure SQL Database). */
bool precheck_agent_runs(const Catalog *c, Odbc *odbc, const char *query);

#endif
