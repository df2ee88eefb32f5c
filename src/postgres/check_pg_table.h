/*
 * check_pg_table.h - checks of the target tables: names, fit, rights, emptiness, foreign keys, triggers.
 * Rows for precheck_pg.h. Owner thread only.
 */
#ifndef POSTGRES_CHECK_PG_TABLE_H
#define POSTGRES_CHECK_PG_TABLE_H

#include "postgres/precheck_pg.h"

PrecheckPgDefs check_pg_table_defs(void);

#endif
