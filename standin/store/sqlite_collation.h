/*
 * sqlite_collation.h - SQL Server's collations for SQLite, each under its name, and the order of sql_variant.
 * A connection's own thread.
 */
#ifndef STANDIN_STORE_SQLITE_COLLATION_H
#define STANDIN_STORE_SQLITE_COLLATION_H

#include <sqlite3.h>

/* On db; a collation is made when SQL first names it. Returns SQLite's code. */
int sqlitecollation_register(sqlite3 *db);

#endif
