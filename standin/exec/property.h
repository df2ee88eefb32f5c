/*
 * property.h - SERVERPROPERTY and its kin: functions that give a sql_variant for a name. The session's thread
 * only. Source: the T-SQL manual's pages of these functions, which name each property's base type.
 */
#ifndef STANDIN_EXEC_PROPERTY_H
#define STANDIN_EXEC_PROPERTY_H

#include "base/arena.h"
#include "base/str.h"
#include "standin/store/catalog.h"
#include "standin/types/value.h"

struct Session;

/* Each: NULL for a name that there isn't. */
Value property_server(struct Session *s, Str name, Arena *a);
Value property_database(const Database *d, Str name, Arena *a);
Value property_connection(Str name, Arena *a);
Value property_session(struct Session *s, Str name, Arena *a);
Value property_collation(Str collation, Str name, Arena *a);

#endif
