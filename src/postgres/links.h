/*
 * links.h - which target tables depend on each other, as PostgreSQL's catalog says now: what several lanes
 * must not write side by side (pipeline/route.h). Owner thread only.
 */
#ifndef POSTGRES_LINKS_H
#define POSTGRES_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "pipeline/route.h"
#include "postgres/pgconn.h"
#include "postgres/target.h"

/*
 * Of each known table, in their order (names borrowed from known; room for known->table_count): it is whole
 * when the target has other than one unique index on it, or one on other columns than the key, or one that
 * may take different keys for equal (citext, a collation that isn't deterministic), or an exclusion
 * constraint; when it isn't there; and whatever the target has where rows aren't written by the record's key.
 * Joined: by a foreign key, both being known. *ret_joins is owned. database: the source's; NULL = ''.
 */
MUST_CHECK bool links_read(PgConn *c, const TargetRules *rules, const char *database,
                           const StoredState *known, RouteTable *ret_tables, RouteJoin **ret_joins,
                           size_t *ret_join_count, Err *e);

#endif
