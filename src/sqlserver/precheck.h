/*
 * precheck.h - what would stop a run, found before it begins, each with its cure. Owner thread only.
 */
#ifndef SQLSERVER_PRECHECK_H
#define SQLSERVER_PRECHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "config/textlist.h"
#include "pipeline/stored.h"
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
 * first and the number of the others. stored: what the target has: once a position is there the run has gone
 * on before: an agent that is down may come back (retriable), and a table that is stored may have vanished.
 */
MUST_CHECK bool precheck_tables(const Catalog *c, Odbc *odbc, const SourceSettings *settings,
                                const StoredState *stored, TextList *problems, Err *e);
/* The same of one table that has appeared while it runs. False: problems say why it can't be taken. */
bool precheck_new_table(const Catalog *c, size_t table, Odbc *odbc, const SourceSettings *settings,
                        TextList *problems);
/* Whether SQL Server Agent runs; true when it can't be known (no permission, Azure SQL Database). */
bool precheck_agent_runs(const Catalog *c, Odbc *odbc, const char *query);

#endif
