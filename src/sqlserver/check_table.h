/*
 * check_table.h - checks of the wanted tables: captured, readable, keys, types, collations, columns. Rows for
 * precheck.h. Owner thread only.
 */
#ifndef SQLSERVER_CHECK_TABLE_H
#define SQLSERVER_CHECK_TABLE_H

#include "sqlserver/precheck.h"

PrecheckDefs check_table_defs(void);

#endif
