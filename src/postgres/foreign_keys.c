/*
 * What is taken away is stored by the statement that makes it again, in the transaction that drops it: so at
 * any moment a foreign key is either in the catalog or in millrace.foreign_key. Making it again checks all
 * rows, which holds as the target then shows a state that the source had; where it doesn't (the source never
 * had that key, or parents aren't replicated) it is made NOT VALID: it holds for what comes, and whoever
 * mends the rows validates it.
 */
#include "postgres/foreign_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "postgres/own_tables.h"

enum { ASK_US = 1000 * 1000, LOCKED_WAIT_US = 5 * 1000 * 1000 };

struct ForeignKeys {
    char *pipeline, *database;
    bool suspends;
    bool may_be_any; /* some may be taken away */
    int64_t ask_us;  /* when to ask again */
};

static const char CREATE_SQL[] =
    "CREATE TABLE IF NOT EXISTS millrace.foreign_key ("
    " pipeline text NOT NULL, database text NOT NULL, table_name text NOT NULL, name text NOT NULL,"
    " definition text NOT NULL, referenced text NOT NULL, suspended timestamptz NOT NULL DEFAULT "
    "pg_catalog.now(),"
    " copied timestamptz, PRIMARY KEY (pipeline, database, table_name, name))";

ForeignKeys *foreign_keys_new(const char *pipeline, const char *database, bool suspends) {
    ForeignKeys *f = x_calloc(1, sizeof *f);
    f->pipeline = x_strdup(pipeline);
    f->database = x_strdup(database ? database : "");
    f->suspends = suspends;
    f->may_be_any = true; /* of an earlier run */
    return f;
}

ForeignKeys *foreign_keys_free(ForeignKeys *f) {
    if (!f) return NULL;
    free(f->pipeline);
    free(f->database);
    free(f);
    return NULL;
}

bool foreign_keys_create(PgConn *c, Err *e) {
    bool is_there = false;
    if (!own_tables_exist(c, "foreign_key", &is_there, e)) return false;
    if (is_there || own_tables_make(c, CREATE_SQL, e)) return true;
    return err_wrap(e, "making millrace.foreign_key");
}

/* ---- taken away ---- */

typedef struct Key {
    const char *table, *name, *quoted, *definition, *referenced;
} Key;

static bool drop(const ForeignKeys *f, PgConn *c, const Key *k, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "ALTER TABLE %s DROP CONSTRAINT %s", k->table, k->quoted);
    LOG_INFO("foreign_key_suspended", LOG_S("table", k->table), LOG_S("constraint", k->name),
             LOG_S("why", "a copy begins; it is made again at its end"));
    return pgconn_query(
               c,
               "INSERT INTO millrace.foreign_key (pipeline, database, table_name, name, definition,"
               " referenced) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (pipeline, database, table_name, "
               "name)"
               " DO UPDATE SET definition = EXCLUDED.definition, copied = NULL",
               (const char *[]){f->pipeline, f->database, k->table, k->name, k->definition, k->referenced}, 6,
               &r, e) &&
           pgconn_exec(c, buf_text(&sql), e);
}

bool foreign_keys_suspend(ForeignKeys *f, PgConn *c, uint32_t table, Err *e) {
    /* a partition's own are dropped with its parent's */
    static const char sql[] =
        "SELECT format('%I.%I', n.nspname, r.relname), o.conname, quote_ident(o.conname),"
        " pg_catalog.pg_get_constraintdef(o.oid), pg_catalog.pg_has_role(r.relowner, 'USAGE'),"
        " (SELECT format('%I.%I', pn.nspname, pr.relname) FROM pg_catalog.pg_class pr"
        "  JOIN pg_catalog.pg_namespace pn ON pn.oid = pr.relnamespace WHERE pr.oid = o.confrelid) FROM "
        "pg_catalog.pg_constraint o JOIN pg_catalog.pg_class r ON r.oid = o.conrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
        " WHERE o.contype = 'f' AND $1::oid IN (o.conrelid, o.confrelid) AND o.conparentid = 0"
        " ORDER BY 1, 2";
    if (!f->suspends) return true;
    char oid[12];
    (void)snprintf(oid, sizeof oid, "%u", table);
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL, *path = NULL, *back = NULL;
    /* with nothing on the path a definition names its tables with their schemas */
    if (!pgconn_query(c,
                      "SELECT p.old, pg_catalog.set_config('search_path', '', true) FROM"
                      " (SELECT pg_catalog.current_setting('search_path') AS old OFFSET 0) AS p",
                      NULL, 0, &path, e) ||
        !pgconn_query(c, sql, (const char *[]){oid}, 1, &r, e) ||
        !pgconn_query(c, "SELECT pg_catalog.set_config('search_path', $1, true)",
                      (const char *[]){PQgetvalue(path, 0, 0)}, 1, &back, e))
        return false;
    if (PQntuples(r) > 0 && !pgconn_exec(c, "SET LOCAL lock_timeout = '5s'", e)) return false;
    for (int i = 0; i < PQntuples(r); i++) {
        const char *of = PQgetvalue(r, i, 0), *name = PQgetvalue(r, i, 1);
        if (PQgetvalue(r, i, 4)[0] != 't') {
            LOG_WARN(
                "foreign_key_kept", LOG_S("table", of), LOG_S("constraint", name),
                LOG_S("why", "only the table's owner may drop it; rows of the copy may be refused by it"),
                LOG_S("next", "drop it for the time of the copy, or let the owner run millrace"));
            continue;
        }
        f->may_be_any = true;
        f->ask_us = 0;
        const Key key = {of, name, PQgetvalue(r, i, 2), PQgetvalue(r, i, 3), PQgetvalue(r, i, 5)};
        if (!drop(f, c, &key, e)) return false;
    }
    return true;
}

/* ---- made again ---- */

typedef enum Made { MADE, MADE_LATER, MADE_FAILED } Made;

static bool forget(const ForeignKeys *f, PgConn *c, const char *table, const char *name, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    return pgconn_query(c,
                        "DELETE FROM millrace.foreign_key WHERE pipeline = $1 AND database = $2"
                        " AND table_name = $3 AND name = $4",
                        (const char *[]){f->pipeline, f->database, table, name}, 4, &r, e);
}

static bool add(PgConn *c, const char *table, const char *quoted, const char *definition, const char *valid,
                Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "ALTER TABLE %s ADD CONSTRAINT %s %s%s", table, quoted, definition, valid);
    return pgconn_exec(c, "SAVEPOINT fk", e) && pgconn_exec(c, buf_text(&sql), e);
}

static bool is_state(const PgConn *c, const char *sqlstate) {
    return strcmp(pgconn_sqlstate(c), sqlstate) == 0;
}

/* In a transaction, which lives on unless MADE_FAILED. */
static Made make_again(PgConn *c, const char *table, const char *name, const char *quoted,
                       const char *definition, Err *e) {
    if (add(c, table, quoted, definition, "", e)) return MADE;
    if (!pgconn_is_open(c)) return MADE_FAILED;
    bool is_violated = is_state(c, "23503"), is_there = is_state(c, "42710");
    bool is_locked = is_state(c, "55P03") || is_state(c, "40P01") || is_state(c, "57014");
    Err why = *e;
    if (!pgconn_exec(c, "ROLLBACK TO SAVEPOINT fk", e)) return MADE_FAILED;
    if (is_there) return MADE;
    if (is_locked) return MADE_LATER;
    if (is_violated && add(c, table, quoted, definition, " NOT VALID", e)) {
        LOG_WARN("foreign_key_not_valid", LOG_S("table", table), LOG_S("constraint", name),
                 LOG_S("why", why.msg),
                 LOG_S("next", "it holds for what comes; mend the rows, then ALTER TABLE … VALIDATE "
                               "CONSTRAINT"));
        return MADE;
    }
    if (is_violated && !pgconn_exec(c, "ROLLBACK TO SAVEPOINT fk", e)) return MADE_FAILED;
    LOG_WARN("foreign_key_not_made", LOG_S("table", table), LOG_S("constraint", name),
             LOG_S("definition", definition), LOG_S("why", why.msg),
             LOG_S("next", "it is tried again; mend what stands in its way, or delete its row in "
                           "millrace.foreign_key"));
    return MADE_LATER;
}

/* Whether they are due; also notes since when no copy goes on. */
static bool is_due(const ForeignKeys *f, PgConn *c, bool is_end, bool *ret_any, bool *ret_due, Err *e) {
    static const char sql[] =
        "WITH p AS (SELECT bool_and(consistent IS NOT NULL) AS is_consistent, min(commit_time) AS at"
        "  FROM millrace.position WHERE pipeline = $1 AND database = $2),"
        " t AS (SELECT NOT EXISTS (SELECT 1 FROM millrace.table_state WHERE pipeline = $1"
        "  AND database = $2 AND NOT is_done) AS is_copied),"
        " u AS (UPDATE millrace.foreign_key SET copied = CASE WHEN t.is_copied THEN pg_catalog.now() END"
        "  FROM t WHERE pipeline = $1 AND database = $2 AND t.is_copied <> (copied IS NOT NULL))"
        " SELECT (SELECT count(*) FROM millrace.foreign_key WHERE pipeline = $1 AND database = $2),"
        " t.is_copied AND ($3::boolean OR p.is_consistent OR p.at > (SELECT max(copied) FROM "
        "millrace.foreign_key"
        "  WHERE pipeline = $1 AND database = $2) + interval '1 minute') FROM p, t";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){f->pipeline, f->database, is_end ? "t" : "f"}, 3, &r, e))
        return false;
    *ret_any = strcmp(PQgetvalue(r, 0, 0), "0") != 0;
    *ret_due = PQgetvalue(r, 0, 1)[0] == 't';
    return true;
}

static bool make_all(ForeignKeys *f, PgConn *c, int64_t now_us, bool *ret_made, Err *e) {
    static const char sql[] = "SELECT table_name, name, quote_ident(name), definition FROM"
                              " millrace.foreign_key WHERE pipeline = $1 AND database = $2 ORDER BY 1, 2";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '2s'", e) ||
        !pgconn_query(c, sql, (const char *[]){f->pipeline, f->database}, 2, &r, e))
        return false;
    bool is_all = true;
    for (int i = 0; i < PQntuples(r); i++) {
        const char *table = PQgetvalue(r, i, 0), *name = PQgetvalue(r, i, 1);
        Made made = make_again(c, table, name, PQgetvalue(r, i, 2), PQgetvalue(r, i, 3), e);
        if (made == MADE_FAILED) return false;
        is_all = is_all && made == MADE;
        if (made != MADE) continue;
        *ret_made = true;
        LOG_INFO("foreign_key_made", LOG_S("table", table), LOG_S("constraint", name));
        if (!forget(f, c, table, name, e)) return false;
    }
    f->may_be_any = !is_all;
    if (!is_all) f->ask_us = now_us + LOCKED_WAIT_US;
    return pgconn_exec(c, "COMMIT", e);
}

bool foreign_keys_restore(ForeignKeys *f, PgConn *c, int64_t now_us, bool is_end, bool *ret_made, Err *e) {
    *ret_made = false;
    if (!f->may_be_any || (now_us < f->ask_us && !is_end)) return true;
    f->ask_us = now_us + ASK_US;
    bool any = false, due = false;
    if (!is_due(f, c, is_end, &any, &due, e)) return false;
    f->may_be_any = any;
    if (any && due && !make_all(f, c, now_us, ret_made, e)) {
        if (pgconn_is_open(c)) pgconn_rollback(c);
        f->may_be_any = true;
        return err_wrap(e, "making foreign keys again after a copy");
    }
    if (is_end && f->may_be_any)
        LOG_WARN("foreign_keys_left", LOG_S("pipeline", f->pipeline),
                 LOG_S("why", due ? "they can't be made now" : "not all tables are copied"),
                 LOG_S("next", "start again, or make them by millrace.foreign_key"));
    return true;
}
