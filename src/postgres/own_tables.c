/* Two first starts at once would make the same thing twice, which IF NOT EXISTS doesn't keep from failing: so
 * one waits for the other by an advisory lock, whose number is the schema's. */
#include "postgres/own_tables.h"

#include "base/mem.h"

bool own_tables_exist(PgConn *c, const char *names, bool *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c,
                      "SELECT pg_catalog.bool_and(pg_catalog.to_regclass('millrace.' || n) IS NOT NULL)"
                      " FROM pg_catalog.unnest(pg_catalog.string_to_array($1, ',')) n",
                      &names, 1, &r, e))
        return false;
    *ret = PQgetvalue(r, 0, 0)[0] == 't';
    return true;
}

bool own_tables_make(PgConn *c, const char *sql, Err *e) {
    if (pgconn_exec(c, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(5572894213)", e) &&
        pgconn_exec(c, sql, e) && pgconn_exec(c, "COMMIT", e))
        return true;
    pgconn_rollback(c);
    return false;
}
