/*
 * setup_sql.h - the T-SQL that a database administrator runs for us: enable CDC, make capture instances, give
 * grants. Pure: text from names; also the cure in error messages. Any thread.
 */
#ifndef SQLSERVER_SETUP_SQL_H
#define SQLSERVER_SETUP_SQL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

void setup_sql_enable_database(Buf *out);
/* instance empty = the default name. */
void setup_sql_enable_table(Str schema, Str table, Str instance, Buf *out);
void setup_sql_allow_snapshot(Str database, Buf *out);
void setup_sql_create_user(Str login, Buf *out);
void setup_sql_grant_table(Str schema, Str table, Str user, Buf *out);
void setup_sql_grant_cdc(Str user, Buf *out);
void setup_sql_grant_server_state(Str login, Buf *out);
void setup_sql_start_agent(Buf *out); /* not T-SQL: what to do */

#endif
