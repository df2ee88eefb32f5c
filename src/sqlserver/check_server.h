/*
 * check_server.h - checks of the server and the database as such: version, driver, clock, rights, isolation,
 * other readers. Rows for precheck.h. Owner thread only.
 */
#ifndef SQLSERVER_CHECK_SERVER_H
#define SQLSERVER_CHECK_SERVER_H

#include "sqlserver/precheck.h"

PrecheckDefs check_server_defs(void);

#endif
