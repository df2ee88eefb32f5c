/*
 * check_pg_server.h - checks of the PostgreSQL server, its database and the role: version, rights, settings,
 * room, other owners. Rows for precheck_pg.h. Owner thread only.
 */
#ifndef POSTGRES_CHECK_PG_SERVER_H
#define POSTGRES_CHECK_PG_SERVER_H

#include "postgres/precheck_pg.h"

/* What every connection of a sink asks: nothing of tables. */
PrecheckPgDefs check_pg_connection_defs(void);
PrecheckPgDefs check_pg_server_defs(void);

#endif
