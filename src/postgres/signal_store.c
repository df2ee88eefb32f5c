#include "postgres/signal_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "postgres/own_tables.h"

static const char CREATE_SQL[] =
    "DO $d$ BEGIN IF to_regnamespace('millrace') IS NULL THEN CREATE SCHEMA millrace; END IF; END $d$;"
    "CREATE TABLE IF NOT EXISTS millrace.signal ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pipeline text NOT NULL,"
    " database text NOT NULL DEFAULT '', type text NOT NULL, data text,"
    " created timestamptz NOT NULL DEFAULT pg_catalog.now(), taken_at timestamptz,"
    " outcome text, answered timestamptz);"
    "CREATE INDEX IF NOT EXISTS signal_open ON millrace.signal (pipeline, id) WHERE outcome IS NULL;";

bool signal_store_create(PgConn *c, Err *e) {
    bool is_there = false;
    if (!own_tables_exist(c, "signal", &is_there, e)) return false;
    if (is_there || own_tables_make(c, CREATE_SQL, e)) return true;
    return err_wrap(e, "making millrace.signal");
}

static const char *database_of(SignalKey key) {
    return key.database ? key.database : "";
}

bool signal_store_add(PgConn *c, SignalKey key, const char *type, const char *data, int64_t *ret_id, Err *e) {
    static const char sql[] =
        "INSERT INTO millrace.signal (pipeline, database, type, data) VALUES ($1, $2, $3, $4) RETURNING id";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){key.pipeline, database_of(key), type, data}, 4, &r, e))
        return false;
    *ret_id = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    return true;
}

static Str cell(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? (Str){0} : str_from(PQgetvalue(r, row, column));
}

bool signal_store_take(PgConn *c, SignalKey key, const char *owner, int64_t after, SignalList *ret, Err *e) {
    static const char sql[] =
        "WITH t AS (UPDATE millrace.signal s SET taken_at = coalesce(taken_at, pg_catalog.now())"
        " WHERE s.pipeline = $1 AND s.database IN ($2, '') AND s.outcome IS NULL AND s.id > $4::bigint"
        " AND EXISTS (SELECT 1 FROM millrace.position p WHERE p.pipeline = $1 AND p.database = $2"
        "  AND p.owner = $3) RETURNING id, type, data) SELECT id, type, data FROM t ORDER BY id";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char from[24];
    (void)snprintf(from, sizeof from, "%lld", (long long)after);
    if (!pgconn_query(c, sql, (const char *[]){key.pipeline, database_of(key), owner, from}, 4, &r, e))
        return false;
    for (int i = 0; i < PQntuples(r); i++)
        signal_list_add(ret, signal_text(cell(r, i, 0), cell(r, i, 1), cell(r, i, 2)));
    return true;
}

bool signal_store_answer(PgConn *c, const char *id, const char *outcome, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    return pgconn_query(c,
                        "UPDATE millrace.signal SET outcome = $2, answered = pg_catalog.now()"
                        " WHERE id = $1::bigint AND outcome IS NULL",
                        (const char *[]){id, outcome}, 2, &r, e);
}

bool signal_store_is_paused(PgConn *c, SignalKey key, bool *ret, Err *e) {
    static const char sql[] = "SELECT type = 'pause' FROM millrace.signal WHERE pipeline = $1"
                              " AND database IN ($2, '') AND type IN ('pause', 'resume')"
                              " ORDER BY id DESC LIMIT 1";
    bool is_there = false;
    *ret = false;
    if (!own_tables_exist(c, "signal", &is_there, e)) return false;
    if (!is_there) return true;
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){key.pipeline, database_of(key)}, 2, &r, e)) return false;
    *ret = PQntuples(r) > 0 && PQgetvalue(r, 0, 0)[0] == 't';
    return true;
}

bool signal_store_list(PgConn *c, SignalKey key, int64_t most, SignalRow **ret, size_t *ret_count, Err *e) {
    static const char sql[] =
        "SELECT id, type, coalesce(data, ''), date_trunc('second', created),"
        " coalesce(date_trunc('second', taken_at)::text, ''), coalesce(outcome, '') FROM millrace.signal"
        " WHERE pipeline = $1 AND database IN ($2, '') ORDER BY id DESC LIMIT $3::bigint";
    bool is_there = false;
    *ret = NULL;
    *ret_count = 0;
    if (!own_tables_exist(c, "signal", &is_there, e)) return false;
    if (!is_there) return true;
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char limit[24];
    (void)snprintf(limit, sizeof limit, "%lld", (long long)most);
    if (!pgconn_query(c, sql, (const char *[]){key.pipeline, database_of(key), limit}, 3, &r, e))
        return false;
    size_t count = (size_t)PQntuples(r);
    SignalRow *rows = x_calloc(count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (SignalRow){.id = x_strdup(PQgetvalue(r, (int)i, 0)),
                              .type = x_strdup(PQgetvalue(r, (int)i, 1)),
                              .data = x_strdup(PQgetvalue(r, (int)i, 2)),
                              .created = x_strdup(PQgetvalue(r, (int)i, 3)),
                              .taken = x_strdup(PQgetvalue(r, (int)i, 4)),
                              .outcome = x_strdup(PQgetvalue(r, (int)i, 5))};
    *ret = rows;
    *ret_count = count;
    return true;
}

SignalRow *signal_rows_free(SignalRow *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(rows[i].id);
        free(rows[i].type);
        free(rows[i].data);
        free(rows[i].created);
        free(rows[i].taken);
        free(rows[i].outcome);
    }
    free(rows);
    return NULL;
}

bool signal_store_outcome(PgConn *c, int64_t id, char **ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)id);
    if (!pgconn_query(c, "SELECT coalesce(outcome, '') FROM millrace.signal WHERE id = $1::bigint",
                      (const char *[]){text}, 1, &r, e))
        return false;
    if (PQntuples(r) == 0)
        return err_set(e, ERR_INVALID, false, "signal %s is gone from millrace.signal", text);
    *ret = x_strdup(PQgetvalue(r, 0, 0));
    return true;
}
