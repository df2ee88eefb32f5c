/*
 * The fence is a function (millrace.advance) that raises a SQLSTATE of our own when the position row isn't
 * there under our epoch and position. So it needs no answer of its own: it is sent ahead with BEGIN, the rows
 * and COMMIT, and when it fails, everything behind it in the pipeline is skipped by the server.
 *
 * Taking over: a former owner may be a stopped process whose transaction still holds the row's lock. Its
 * backend is ended first (pid and backend_start: a pid alone may be somebody else's by now), only then is the
 * row updated. A pipeline of several lanes has several rows; a new owner takes them all in one transaction,
 * in lane order, and gives their number another value there when they stand at one position.
 */
#include "postgres/position_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "pipeline/lanes.h"
#include "postgres/own_tables.h"
#include "postgres/pgname.h"

enum { OWN_TRIES = 5, END_WAIT_MS = 10000, END_POLL_MS = 20 };

enum {
    ST_TAKE,
    ST_TABLE,
    ST_FORGET,
    ST_CHUNK,
    ST_CONSISTENT,
    ST_CLEAR,
    ST_START_OTHERS,
    ST_ROUTE,
    ST_COUNT,
};

struct PositionStore {
    char *pipeline, *database;
    char lane[12];
    bool has_siblings;
    Ownership *ownership; /* the caller's, or &own */
    Ownership own;
    PgStatement statements[ST_COUNT];
};

static const char CREATE_SQL[] =
    /* IF NOT EXISTS would want the right to create even where the schema is there */
    "DO $d$ BEGIN IF to_regnamespace('millrace') IS NULL THEN CREATE SCHEMA millrace; END IF; END $d$;"
    "CREATE TABLE IF NOT EXISTS millrace.position ("
    " pipeline text NOT NULL, database text NOT NULL DEFAULT '', lane integer NOT NULL,"
    " position text, epoch bigint NOT NULL, lane_count integer NOT NULL, hash_version integer NOT NULL,"
    " consistent text, commit_time timestamptz, owner text, owner_pid integer, owner_start timestamptz,"
    " PRIMARY KEY (pipeline, database, lane)) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS millrace.table_state ("
    " pipeline text NOT NULL, database text NOT NULL DEFAULT '', source_schema text NOT NULL, source_table "
    "text NOT NULL,"
    " chunks_done bigint NOT NULL DEFAULT 0, upper_key text, is_done boolean NOT NULL DEFAULT false,"
    " is_streaming boolean NOT NULL DEFAULT false, fingerprint bigint NOT NULL, instance integer NOT NULL, "
    "floor text, rows_copied bigint NOT NULL DEFAULT 0,"
    " is_whole boolean NOT NULL DEFAULT false, asked text, filter text, is_paused boolean NOT NULL DEFAULT "
    "false, key_columns text, route text,"
    " PRIMARY KEY (pipeline, database, source_schema, source_table));"
    /* as an earlier version made it */
    "DO $d$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = "
    "'millrace.table_state'::regclass"
    " AND attname = 'database' AND NOT attisdropped) THEN"
    " ALTER TABLE millrace.table_state ADD COLUMN database text NOT NULL DEFAULT '', DROP CONSTRAINT "
    "table_state_pkey,"
    " ADD PRIMARY KEY (pipeline, database, source_schema, source_table); END IF;"
    " IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = 'millrace.table_state'::regclass"
    " AND attname = 'asked' AND NOT attisdropped) THEN"
    " ALTER TABLE millrace.table_state ADD COLUMN is_whole boolean NOT NULL DEFAULT false, ADD COLUMN asked "
    "text,"
    " ADD COLUMN filter text, ADD COLUMN is_paused boolean NOT NULL DEFAULT false;"
    " UPDATE millrace.table_state SET is_whole = is_done AND chunks_done > 0; END IF; END $d$;"
    "ALTER TABLE millrace.table_state ADD COLUMN IF NOT EXISTS rows_copied bigint NOT NULL DEFAULT 0,"
    " ADD COLUMN IF NOT EXISTS key_columns text, ADD COLUMN IF NOT EXISTS route text;"
    "DROP FUNCTION IF EXISTS millrace.advance(text, integer, bigint, text, text, bigint);"
    "CREATE OR REPLACE FUNCTION millrace.advance(p_pipeline text, p_database text, p_lane integer, "
    "p_epoch bigint, p_old text, p_new text,"
    " p_commit_us bigint) RETURNS void LANGUAGE plpgsql AS $f$"
    " BEGIN"
    " IF p_new IS NOT DISTINCT FROM p_old THEN"
    "  PERFORM 1 FROM millrace.position WHERE pipeline = p_pipeline AND database = p_database AND lane = "
    "p_lane AND epoch = p_epoch AND position IS NOT DISTINCT FROM p_old FOR UPDATE;"
    " ELSE"
    "  UPDATE millrace.position SET position = p_new, commit_time = CASE WHEN p_commit_us = 0 THEN "
    "commit_time"
    "   ELSE '1970-01-01 00:00:00+00'::timestamptz + p_commit_us * interval '1 microsecond' END"
    "   WHERE pipeline = p_pipeline AND database = p_database AND lane = p_lane AND epoch = p_epoch"
    "   AND position IS NOT DISTINCT FROM p_old;"
    " END IF;"
    " IF NOT FOUND THEN RAISE EXCEPTION 'another owner has taken pipeline %', p_pipeline"
    "  USING ERRCODE = '" PGCONN_SQLSTATE_FENCED "'; END IF;"
    " END $f$;" OWN_TABLES_EXPECT;

static const char *const STATEMENTS[ST_COUNT] = {
    [ST_TAKE] = "SELECT millrace.advance($1::text, $2::text, $3::integer, $4::bigint, $5::text, "
                "$6::text, $7::bigint)",
    [ST_TABLE] = "INSERT INTO millrace.table_state AS t (pipeline, database, source_schema, source_table, "
                 "fingerprint, "
                 "instance, floor, is_done, is_streaming, asked, filter, is_paused, key_columns)"
                 " VALUES ($1, $2, $3, $4, $5::bigint, $6::integer, $7, $8::text IN ('none', 'stop'),"
                 " $8::text = 'beside', $9::text, $10, $11::boolean, $12)"
                 " ON CONFLICT (pipeline, database, source_schema, source_table) DO UPDATE SET fingerprint = "
                 "EXCLUDED.fingerprint,"
                 " instance = EXCLUDED.instance, floor = EXCLUDED.floor,"
                 " is_done = CASE WHEN $8::text = 'keep' THEN t.is_done ELSE EXCLUDED.is_done END,"
                 " is_streaming = CASE WHEN $8::text IN ('keep', 'stop') THEN t.is_streaming"
                 "  ELSE EXCLUDED.is_streaming END,"
                 " chunks_done = CASE WHEN $8::text IN ('keep', 'stop') THEN t.chunks_done ELSE 0 END,"
                 " rows_copied = CASE WHEN $8::text IN ('keep', 'stop') THEN t.rows_copied ELSE 0 END,"
                 " upper_key = CASE WHEN $8::text = 'keep' THEN t.upper_key END,"
                 " is_whole = t.is_whole AND ($8::text IN ('keep', 'stop') OR $9::text IS NOT NULL),"
                 " asked = CASE WHEN $8::text = 'keep' THEN t.asked ELSE EXCLUDED.asked END,"
                 " filter = CASE WHEN $8::text = 'keep' THEN t.filter ELSE EXCLUDED.filter END,"
                 " is_paused = EXCLUDED.is_paused, key_columns = EXCLUDED.key_columns",
    [ST_FORGET] = "DELETE FROM millrace.table_state WHERE pipeline = $1 AND database = $2"
                  " AND source_schema = $3 AND source_table = $4",
    /* a number other than the next one finds no row; the count is expected to be 1 */
    [ST_CHUNK] =
        "WITH u AS (UPDATE millrace.table_state SET chunks_done = chunks_done + 1, upper_key = $6,"
        " is_done = $7::boolean, floor = coalesce($8, floor), rows_copied = rows_copied + $9::bigint,"
        " is_whole = is_whole OR $7::boolean AND asked IS NULL,"
        " asked = CASE WHEN NOT $7::boolean THEN asked END, filter = CASE WHEN NOT $7::boolean THEN filter "
        "END,"
        " is_paused = is_paused AND NOT $7::boolean WHERE pipeline = $1 AND database = $2"
        " AND source_schema = $3 AND source_table = $4 AND chunks_done = $5::bigint"
        " RETURNING 1) SELECT millrace.expect((SELECT count(*) FROM u), 1, false, 'millrace.table_state')",
    [ST_CONSISTENT] = "UPDATE millrace.position SET consistent = $4"
                      " WHERE pipeline = $1 AND database = $2 AND lane = $3::integer",
    [ST_CLEAR] = "UPDATE millrace.position SET consistent = NULL"
                 " WHERE pipeline = $1 AND database = $2 AND consistent IS NOT NULL",
    [ST_START_OTHERS] =
        "WITH u AS (UPDATE millrace.position SET position = $4, commit_time = CASE WHEN $5::bigint <> 0 THEN"
        " '1970-01-01 00:00:00+00'::timestamptz + $5::bigint * interval '1 microsecond' END"
        " WHERE pipeline = $1 AND database = $2 AND lane <> $3::integer AND position IS NULL RETURNING 1)"
        " SELECT millrace.expect((SELECT count(*) FROM u), $6::bigint, false, 'millrace.position')",
    [ST_ROUTE] = "UPDATE millrace.table_state SET route = $5 WHERE pipeline = $1 AND database = $2"
                 " AND source_schema = $3 AND source_table = $4 AND route IS DISTINCT FROM $5",
};

/* A random name for the process as an owner. */
static void name_owner(Ownership *o) {
    if (o->owner[0]) return;
    uint64_t id = hash_mix((uint64_t)clock_wall_us() ^ (uint64_t)getpid() << 40,
                           (uint64_t)(uintptr_t)o ^ (uint64_t)clock_mono_us() << 20);
    (void)snprintf(o->owner, sizeof o->owner, "%016llx", (unsigned long long)id);
}

PositionStore *position_store_new(const PositionKey *key, Ownership *ownership) {
    PositionStore *s = x_calloc(1, sizeof *s);
    s->pipeline = x_strdup(key->pipeline);
    s->database = x_strdup(key->database ? key->database : "");
    s->has_siblings = key->has_siblings;
    (void)snprintf(s->lane, sizeof s->lane, "%d", key->lane);
    s->ownership = ownership ? ownership : &s->own;
    name_owner(s->ownership);
    for (size_t i = 0; i < ST_COUNT; i++) s->statements[i].sql = STATEMENTS[i];
    return s;
}

PositionStore *position_store_free(PositionStore *s) {
    if (!s) return NULL;
    free(s->pipeline);
    free(s->database);
    free(s);
    return NULL;
}

/* ---- setting up ---- */

static bool exists(PgConn *c, bool *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    static const char sql[] =
        "SELECT pg_catalog.count(*) + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE "
        "attrelid ="
        " to_regclass('millrace.table_state') AND attname = 'route' AND NOT attisdropped)"
        " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n"
        " ON n.oid = p.pronamespace WHERE n.nspname = 'millrace'"
        " AND (p.proname = 'advance' AND p.pronargs = 7 OR p.proname = 'expect')";
    if (!pgconn_query(c, sql, NULL, 0, &r, e)) return false;
    *ret = strcmp(PQgetvalue(r, 0, 0), "3") == 0;
    return true;
}

bool position_store_create(PositionStore *s, PgConn *c, Err *e) {
    (void)s;
    bool is_there = false;
    if (!exists(c, &is_there, e)) return false;
    if (is_there) return true;
    if (own_tables_make(c, CREATE_SQL, e)) return true;
    if (strcmp(pgconn_sqlstate(c), "42501") == 0)
        return err_wrap(e, "millrace's tables can't be made (a superuser runs what `millrace setup` prints)");
    return err_wrap(e, "making millrace's tables");
}

void position_store_grants(const char *role, Buf *out) {
    CLEANUP(buf_done) Buf name = {0};
    pgname_quote(&name, str_from(role));
    buf_printf(out, "CREATE SCHEMA IF NOT EXISTS millrace AUTHORIZATION %s;\n", buf_text(&name));
}

/* ---- taking over ---- */

typedef struct Owner {
    char epoch[24];
    bool is_other; /* not one of our own connections */
    int pid;       /* of a backend that still lives; 0 = none */
} Owner;

/* Who owns the row; false also when there is no row yet: *ret_found tells. */
static bool read_owner(PositionStore *s, PgConn *c, const char *database, bool *ret_found, Owner *ret,
                       Err *e) {
    static const char sql[] =
        "SELECT p.epoch, p.owner IS DISTINCT FROM $3, a.pid FROM millrace.position p LEFT JOIN"
        " pg_catalog.pg_stat_activity a ON a.pid = p.owner_pid AND a.backend_start = p.owner_start"
        " AND a.pid <> pg_catalog.pg_backend_pid()"
        " WHERE p.pipeline = $1 AND p.database = $4 AND p.lane = $2::integer";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){s->pipeline, s->lane, s->ownership->owner, database}, 4, &r,
                      e))
        return false;
    *ret_found = PQntuples(r) > 0;
    if (!*ret_found) return true;
    *ret = (Owner){.is_other = PQgetvalue(r, 0, 1)[0] == 't',
                   .pid = PQgetisnull(r, 0, 2) ? 0 : (int)strtol(PQgetvalue(r, 0, 2), NULL, 10)};
    (void)snprintf(ret->epoch, sizeof ret->epoch, "%s", PQgetvalue(r, 0, 0));
    return true;
}

static bool end_backend(PositionStore *s, PgConn *c, int pid, Err *e) {
    char text[12];
    (void)snprintf(text, sizeof text, "%d", pid);
    LOG_WARN("former_owner_ended", LOG_S("pipeline", s->pipeline), LOG_I("pid", pid));
    for (int64_t until_us = clock_mono_us() + END_WAIT_MS * INT64_C(1000);; clock_sleep_ms(END_POLL_MS)) {
        CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
        if (!pgconn_query(c,
                          "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                          "WHERE pid = $1::integer",
                          (const char *[]){text}, 1, &r, e))
            return err_wrap(
                e, "ending the former owner's backend %d (grant pg_signal_backend, or end it by hand)", pid);
        if (PQntuples(r) == 0) return true;
        if (clock_mono_us() > until_us)
            return err_set(
                e, ERR_TIMEOUT, true,
                "PostgreSQL backend %d of the former owner doesn't end; it is asked again, or end it "
                "by hand: SELECT pg_terminate_backend(%d)",
                pid, pid);
    }
}

static bool insert_row(PositionStore *s, PgConn *c, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    return pgconn_query(
        c,
        "INSERT INTO millrace.position (pipeline, database, lane, epoch, lane_count, hash_version)"
        " VALUES ($1, $2, $3::integer, 0, 1, 1) ON CONFLICT DO NOTHING",
        (const char *[]){s->pipeline, s->database, s->lane}, 3, &r, e);
}

/* Raise the epoch if it still is the one seen; the transaction stays open. *ret_epoch 0 = it wasn't. */
static bool raise_epoch(PositionStore *s, PgConn *c, const char *seen, int64_t *ret_epoch, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char pid[12];
    (void)snprintf(pid, sizeof pid, "%d", pgconn_backend_pid(c));
    if (!pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '5s'", e)) return false;
    if (!pgconn_query(
            c,
            "UPDATE millrace.position SET epoch = epoch + 1, owner = $4, owner_pid = $5::integer,"
            " owner_start = $6::timestamptz WHERE pipeline = $1 AND database = $7 AND lane = $2::integer"
            " AND epoch = $3::bigint RETURNING epoch",
            (const char *[]){s->pipeline, s->lane, seen, s->ownership->owner, pid, pgconn_backend_start(c),
                             s->database},
            7, &r, e))
        return false;
    *ret_epoch = PQntuples(r) > 0 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
    return true;
}

static bool parse_position(const PGresult *r, int row, int column, Position *ret, Err *e) {
    *ret = (Position){0};
    return PQgetisnull(r, row, column) || position_parse(PQgetvalue(r, row, column), ret, e);
}

static const char *const asked_names[] = {[BATCH_ASKED] = "incremental", [BATCH_ASKED_BLOCKING] = "blocking"};

static BatchAsked asked_of(const char *name) {
    for (BatchAsked a = BATCH_ASKED; a <= BATCH_ASKED_BLOCKING; a++)
        if (strcmp(asked_names[a], name) == 0) return a;
    return BATCH_NOT_ASKED; /* NULL reads as '' */
}

static bool read_table(const PGresult *r, int row, StoredTable *t, Err *e) {
    *t = (StoredTable){
        .schema = x_strdup(PQgetvalue(r, row, 0)),
        .table = x_strdup(PQgetvalue(r, row, 1)),
        .chunks_done = (uint32_t)strtoul(PQgetvalue(r, row, 2), NULL, 10),
        .upper_key = PQgetisnull(r, row, 3) ? NULL : x_strdup(PQgetvalue(r, row, 3)),
        .is_done = PQgetvalue(r, row, 4)[0] == 't',
        .is_streaming = PQgetvalue(r, row, 5)[0] == 't',
        .fingerprint = (uint64_t)strtoll(PQgetvalue(r, row, 6), NULL, 10),
        .instance = (int32_t)strtol(PQgetvalue(r, row, 7), NULL, 10),
        .is_whole = PQgetvalue(r, row, 9)[0] == 't',
        .asked = asked_of(PQgetvalue(r, row, 10)),
        .is_paused = PQgetvalue(r, row, 11)[0] == 't',
        .filter = PQgetisnull(r, row, 12) ? NULL : x_strdup(PQgetvalue(r, row, 12)),
        .key = PQgetisnull(r, row, 13) ? NULL : x_strdup(PQgetvalue(r, row, 13)),
        .route = PQgetisnull(r, row, 14) ? NULL : x_strdup(PQgetvalue(r, row, 14)),
    };
    return parse_position(r, row, 8, &t->floor, e);
}

static bool read_state(PositionStore *s, PgConn *c, const char *database, StoredState *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *row = NULL, *tables = NULL;
    if (!pgconn_query(
            c,
            "SELECT position, consistent FROM millrace.position WHERE pipeline = $1 AND database = $3"
            " AND lane = $2::integer",
            (const char *[]){s->pipeline, s->lane, database}, 3, &row, e) ||
        !pgconn_query(
            c,
            "SELECT source_schema, source_table, chunks_done, upper_key, is_done, is_streaming, fingerprint,"
            " instance, floor, is_whole, asked, is_paused, filter, key_columns, route FROM "
            "millrace.table_state WHERE pipeline = "
            "$1 AND database = $2"
            " ORDER BY source_schema, source_table",
            (const char *[]){s->pipeline, database}, 2, &tables, e))
        return false;
    if (PQntuples(row) == 0) return true;
    if (!parse_position(row, 0, 0, &ret->position, e) || !parse_position(row, 0, 1, &ret->consistent, e))
        return false;
    ret->has_position = ret->is_snapshot_done = !PQgetisnull(row, 0, 0);
    size_t count = (size_t)PQntuples(tables);
    ret->tables = x_calloc(count + 1, sizeof *ret->tables);
    for (; ret->table_count < count; ret->table_count++) {
        StoredTable *t = &ret->tables[ret->table_count];
        if (!read_table(tables, (int)ret->table_count, t, e)) return false;
        if (!t->is_done && !t->is_streaming) ret->is_snapshot_done = false;
    }
    return true;
}

/* Whether the pipeline is stored as a version did that knew of no databases: without its database's name. */
static bool find_unnamed(PositionStore *s, PgConn *c, bool *ret, Err *e) {
    static const char sql[] = "SELECT bool_or(database = '') AND NOT bool_or(database = $2)"
                              " FROM millrace.position WHERE pipeline = $1";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    *ret = false;
    if (s->database[0] == '\0') return true;
    if (!pgconn_query(c, sql, (const char *[]){s->pipeline, s->database}, 2, &r, e)) return false;
    *ret = PQgetvalue(r, 0, 0)[0] == 't';
    return true;
}

/* All rows, in lane order, and their epochs. */
static bool read_lanes(PositionStore *s, PgConn *c, const char *database, bool locks, LanesStored *ret,
                       int64_t epochs[static ROUTE_LANES_MAX], Err *e) {
    static const char *const sql[] = {
        "SELECT epoch, position, consistent, hash_version FROM millrace.position WHERE pipeline = $1"
        " AND database = $2 ORDER BY lane",
        "SELECT epoch, position, consistent, hash_version FROM millrace.position WHERE pipeline = $1"
        " AND database = $2 ORDER BY lane FOR UPDATE"};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql[locks], (const char *[]){s->pipeline, database}, 2, &r, e)) return false;
    size_t count = (size_t)PQntuples(r);
    if (count > ROUTE_LANES_MAX)
        return err_set(e, ERR_INTERNAL, false, "millrace.position has %zu lanes of pipeline %s", count,
                       s->pipeline);
    *ret = (LanesStored){.count = count};
    for (size_t i = 0; i < count; i++) {
        epochs[i] = strtoll(PQgetvalue(r, (int)i, 0), NULL, 10);
        ret->hash_version = (int32_t)strtol(PQgetvalue(r, (int)i, 3), NULL, 10);
        if (!parse_position(r, (int)i, 1, &ret->positions[i], e) ||
            !parse_position(r, (int)i, 2, &ret->consistent[i], e))
            return false;
    }
    return true;
}

/* What is stored as a whole: the lane that is furthest behind says from where on the source is needed. */
static void see_lanes(const LanesStart *start, StoredState *state) {
    state->position = start->lowest;
    state->ahead = start->highest;
    state->consistent = start->consistent;
}

static bool read_whole(PositionStore *s, PgConn *c, const char *database, StoredState *ret, Err *e) {
    LanesStored lanes;
    LanesStart start;
    int64_t epochs[ROUTE_LANES_MAX];
    if (!read_lanes(s, c, database, /* locks= */ false, &lanes, epochs, e)) return false;
    if (lanes.count == 0) return true;
    lanes.hash_version = ROUTE_HASH_VERSION;
    if (!read_state(s, c, database, ret, e) || !lanes_settle(&lanes, lanes.count, &start, e)) return false;
    see_lanes(&start, ret);
    return true;
}

bool position_store_read(PositionStore *s, PgConn *c, StoredState *ret, Err *e) {
    StoredState state = {0};
    bool is_there = false, is_unnamed = false;
    if (!exists(c, &is_there, e)) return false;
    if (is_there && !find_unnamed(s, c, &is_unnamed, e)) return false;
    if (is_there && !read_whole(s, c, is_unnamed ? "" : s->database, &state, e)) {
        stored_state_done(&state);
        return false;
    }
    *ret = state;
    return true;
}

/* What is stored without a database's name is this one's, unless others may lay claim to it too. */
static bool name_unnamed(PositionStore *s, PgConn *c, Err *e) {
    static const char sql[] =
        "WITH p AS (UPDATE millrace.position SET database = $2 WHERE pipeline = $1 AND database = '' "
        "RETURNING 1)"
        " UPDATE millrace.table_state SET database = $2 WHERE pipeline = $1 AND database = ''"
        " AND EXISTS (SELECT 1 FROM p)";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    bool is_unnamed = false, is_found = false;
    Owner owner;
    if (!find_unnamed(s, c, &is_unnamed, e)) return false;
    if (!is_unnamed) return true;
    if (s->has_siblings)
        return err_set(e, ERR_INVALID, false,
                       "pipeline %s is stored without its database's name: start it once with that database "
                       "alone (database.names), then with the others",
                       s->pipeline);
    if (!read_owner(s, c, "", &is_found, &owner, e)) return false;
    if (is_found && owner.pid != 0 && !end_backend(s, c, owner.pid, e)) return false;
    LOG_INFO("pipeline_database_named", LOG_S("pipeline", s->pipeline), LOG_S("database", s->database));
    return pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '5s'", e) &&
           pgconn_query(c, sql, (const char *[]){s->pipeline, s->database}, 2, &r, e) &&
           pgconn_exec(c, "COMMIT", e);
}

static bool is_taken(const PositionStore *s, Err *e) {
    return err_set(e, ERR_FENCED, false,
                   "another owner has taken pipeline %s: only one process may run it, so this one stops",
                   s->pipeline);
}

/* One try. *ret_epoch 0 = another taker was faster, or the row is new: look again. */
static bool try_own(PositionStore *s, PgConn *c, int64_t *ret_epoch, StoredState *ret, Err *e) {
    Owner owner;
    bool is_found = false;
    *ret_epoch = 0;
    if (!read_owner(s, c, s->database, &is_found, &owner, e)) return false;
    if (!is_found && s->ownership->was_owned) return is_taken(s, e);
    if (!is_found) return insert_row(s, c, e);
    if (s->ownership->was_owned && owner.is_other) return is_taken(s, e);
    if (owner.pid != 0 && !end_backend(s, c, owner.pid, e)) return false;
    if (!raise_epoch(s, c, owner.epoch, ret_epoch, e)) return false;
    if (*ret_epoch == 0) return pgconn_exec(c, "ROLLBACK", e);
    return read_state(s, c, s->database, ret, e) && pgconn_exec(c, "COMMIT", e);
}

/* End the backends that hold rows now; false with ERR_FENCED when they are another's that came later.
 * *ret_count: rows. */
static bool end_owners(PositionStore *s, PgConn *c, size_t *ret_count, int64_t epochs[static ROUTE_LANES_MAX],
                       Err *e) {
    static const char sql[] =
        "SELECT p.epoch, p.owner IS DISTINCT FROM $3, a.pid FROM millrace.position p LEFT JOIN"
        " pg_catalog.pg_stat_activity a ON a.pid = p.owner_pid AND a.backend_start = p.owner_start"
        " AND a.pid <> pg_catalog.pg_backend_pid()"
        " WHERE p.pipeline = $1 AND p.database = $2 ORDER BY p.lane";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){s->pipeline, s->database, s->ownership->owner}, 3, &r, e))
        return false;
    *ret_count = (size_t)PQntuples(r);
    if (s->ownership->was_owned && *ret_count == 0) return is_taken(s, e);
    for (int i = 0; i < PQntuples(r) && i < ROUTE_LANES_MAX; i++) {
        epochs[i] = strtoll(PQgetvalue(r, i, 0), NULL, 10);
        if (s->ownership->was_owned && PQgetvalue(r, i, 1)[0] == 't') return is_taken(s, e);
    }
    for (int i = 0; i < PQntuples(r); i++)
        if (!PQgetisnull(r, i, 2) && !end_backend(s, c, (int)strtol(PQgetvalue(r, i, 2), NULL, 10), e))
            return false;
    return true;
}

static bool raise_epochs(PositionStore *s, PgConn *c, int64_t epoch, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char pid[12], text[24];
    (void)snprintf(pid, sizeof pid, "%d", pgconn_backend_pid(c));
    (void)snprintf(text, sizeof text, "%lld", (long long)epoch);
    return pgconn_query(c,
                        "UPDATE millrace.position SET epoch = $3::bigint, owner = $4,"
                        " owner_pid = CASE WHEN lane = $7::integer THEN $5::integer END,"
                        " owner_start = CASE WHEN lane = $7::integer THEN $6::timestamptz END"
                        " WHERE pipeline = $1 AND database = $2",
                        (const char *[]){s->pipeline, s->database, text, s->ownership->owner, pid,
                                         pgconn_backend_start(c), s->lane},
                        7, &r, e);
}

/* As many rows as lanes, all like the first. */
static bool rewrite_rows(PositionStore *s, PgConn *c, size_t count, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *gone = NULL, *kept = NULL, *made = NULL;
    char text[24], version[12];
    (void)snprintf(text, sizeof text, "%zu", count);
    (void)snprintf(version, sizeof version, "%d", ROUTE_HASH_VERSION);
    const char *params[] = {s->pipeline, s->database, text, version};
    return pgconn_query(c,
                        "DELETE FROM millrace.position WHERE pipeline = $1 AND database = $2"
                        " AND lane >= $3::integer",
                        params, 3, &gone, e) &&
           pgconn_query(c,
                        "UPDATE millrace.position SET lane_count = $3::integer, hash_version = $4::integer,"
                        " consistent = NULL WHERE pipeline = $1 AND database = $2",
                        params, 4, &kept, e) &&
           pgconn_query(
               c,
               "INSERT INTO millrace.position (pipeline, database, lane, position, epoch, lane_count,"
               " hash_version, commit_time, owner) SELECT pipeline, database, g, position, epoch,"
               " lane_count, hash_version, commit_time, owner FROM millrace.position,"
               " pg_catalog.generate_series(1, $3::integer - 1) g WHERE pipeline = $1"
               " AND database = $2 AND lane = 0 ON CONFLICT DO NOTHING",
               params, 3, &made, e);
}

/* One try, as try_own. */
static bool try_own_all(PositionStore *s, PgConn *c, size_t wanted, int64_t *ret_epoch, LanesStart *ret_start,
                        StoredState *ret, Err *e) {
    size_t count = 0;
    int64_t seen[ROUTE_LANES_MAX], epochs[ROUTE_LANES_MAX], epoch = 0;
    LanesStored lanes;
    *ret_epoch = 0;
    if (!end_owners(s, c, &count, seen, e)) return false;
    if (count == 0) return insert_row(s, c, e);
    if (!pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '5s'", e) ||
        !read_lanes(s, c, s->database, /* locks= */ true, &lanes, epochs, e))
        return false;
    bool is_same = lanes.count == count && memcmp(seen, epochs, count * sizeof *seen) == 0;
    if (!is_same) return pgconn_exec(c, "ROLLBACK", e);
    for (size_t i = 0; i < count; i++)
        if (epochs[i] > epoch) epoch = epochs[i];
    if (!raise_epochs(s, c, epoch + 1, e) || !lanes_settle(&lanes, wanted, ret_start, e)) return false;
    if (ret_start->rewrites && !rewrite_rows(s, c, ret_start->count, e)) return false;
    if (ret_start->rewrites)
        LOG_INFO("lanes_changed", LOG_S("pipeline", s->pipeline), LOG_I("from", lanes.count),
                 LOG_I("to", ret_start->count));
    *ret_epoch = epoch + 1;
    return read_state(s, c, s->database, ret, e) && pgconn_exec(c, "COMMIT", e);
}

/* Try until it is ours. ret_start NULL: just the lane's own row. */
static bool own(PositionStore *s, PgConn *c, size_t wanted, int64_t *ret_epoch, LanesStart *ret_start,
                StoredState *ret, Err *e) {
    StoredState state = {0};
    if (!s->ownership->was_owned && !name_unnamed(s, c, e)) {
        pgconn_rollback(c);
        return false;
    }
    for (int i = 0; i < OWN_TRIES; i++) {
        int64_t epoch = 0;
        if (!(ret_start ? try_own_all(s, c, wanted, &epoch, ret_start, &state, e)
                        : try_own(s, c, &epoch, &state, e))) {
            pgconn_rollback(c);
            stored_state_done(&state);
            return false;
        }
        if (epoch == 0) continue;
        if (!s->ownership->was_owned) s->ownership->was_owned = true; /* lanes read it side by side */
        *ret_epoch = epoch;
        *ret = state;
        return true;
    }
    return err_set(e, ERR_TIMEOUT, true,
                   "pipeline %s is being taken by several processes at once; stop all but one", s->pipeline);
}

bool position_store_own(PositionStore *s, PgConn *c, int64_t *ret_epoch, StoredState *ret, Err *e) {
    return own(s, c, /* wanted= */ 0, ret_epoch, /* ret_start= */ NULL, ret, e);
}

bool position_store_own_all(PositionStore *s, PgConn *c, size_t wanted, int64_t *ret_epoch,
                            LanesStart *ret_start, StoredState *ret, Err *e) {
    return own(s, c, wanted, ret_epoch, ret_start, ret, e);
}

bool position_store_is_ours(PositionStore *s, PgConn *c, bool *ret, Err *e) {
    Owner owner;
    bool is_found = false;
    if (!read_owner(s, c, s->database, &is_found, &owner, e)) return false;
    *ret = is_found && !owner.is_other;
    return true;
}

/* ---- statements of a transaction ---- */

typedef struct Texts {
    PgParam params[16];
    size_t count;
} Texts;

static void add_text(Texts *t, const char *text) {
    t->params[t->count++] = (PgParam){.p = text};
}

/* A position's text; none is NULL. */
static const char *position_text(const Position *p, char buf[static POSITION_TEXT_SIZE]) {
    return position_is_zero(p) ? NULL : position_format(p, buf);
}

static bool send(PositionStore *s, PgConn *c, int statement, const Texts *t, Err *e) {
    return pgconn_pipe_send(c, &s->statements[statement], t->params, t->count, /* ret_rows= */ NULL, e);
}

bool position_store_take(PositionStore *s, PgConn *c, const LaneWork *work, const Position *new,
                         int64_t commit_us, Err *e) {
    char epoch[24], old_text[POSITION_TEXT_SIZE], new_text[POSITION_TEXT_SIZE], time[24];
    (void)snprintf(epoch, sizeof epoch, "%lld", (long long)work->epoch);
    (void)snprintf(time, sizeof time, "%lld", (long long)commit_us);
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    add_text(&t, s->lane);
    add_text(&t, epoch);
    add_text(&t, position_text(&work->old, old_text));
    add_text(&t, position_text(new, new_text));
    add_text(&t, time);
    return send(s, c, ST_TAKE, &t, e);
}

bool position_store_mark_table(PositionStore *s, PgConn *c, const Batch *batch, Err *e) {
    static const char *const copy_names[] = {[BATCH_COPY_KEEP] = "keep",
                                             [BATCH_COPY_NONE] = "none",
                                             [BATCH_COPY_FIRST] = "first",
                                             [BATCH_COPY_BESIDE] = "beside",
                                             [BATCH_COPY_STOP] = "stop"};
    CLEANUP_FREE char *key = schema_key_text(batch->schema);
    CLEANUP_FREE char *filter = batch->table.filter.n ? str_dup(batch->table.filter) : NULL;
    CLEANUP_FREE char *schema = str_dup(batch->schema->schema), *table = str_dup(batch->schema->table);
    char fingerprint[24], instance[12], floor[POSITION_TEXT_SIZE];
    (void)snprintf(fingerprint, sizeof fingerprint, "%lld", (long long)batch->schema->fingerprint);
    (void)snprintf(instance, sizeof instance, "%d", (int)batch->table.instance);
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    add_text(&t, schema);
    add_text(&t, table);
    if (batch->table.copy == BATCH_COPY_GONE) return send(s, c, ST_FORGET, &t, e);
    add_text(&t, fingerprint);
    add_text(&t, instance);
    add_text(&t, position_text(&batch->table.floor, floor));
    add_text(&t, copy_names[batch->table.copy]);
    add_text(&t, asked_names[batch->table.asked]);
    add_text(&t, filter);
    add_text(&t, batch->table.is_paused ? "t" : "f");
    add_text(&t, key);
    return send(s, c, ST_TABLE, &t, e);
}

bool position_store_mark_chunk(PositionStore *s, PgConn *c, const Batch *batch, int64_t rows, Err *e) {
    CLEANUP_FREE char *schema = str_dup(batch->schema->schema), *table = str_dup(batch->schema->table);
    CLEANUP_FREE char *upper_key = batch->chunk.is_last_chunk ? NULL : str_dup(batch->chunk.upper_key);
    char number[12], floor[POSITION_TEXT_SIZE], rows_text[24];
    (void)snprintf(rows_text, sizeof rows_text, "%lld", (long long)rows);
    (void)snprintf(number, sizeof number, "%u", (unsigned)batch->chunk.number);
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    add_text(&t, schema);
    add_text(&t, table);
    add_text(&t, number);
    add_text(&t, upper_key);
    add_text(&t, batch->chunk.is_last_chunk ? "t" : "f");
    add_text(&t, batch->chunk.is_exact ? position_text(&batch->chunk.watermark, floor) : NULL);
    add_text(&t, rows_text);
    return send(s, c, ST_CHUNK, &t, e);
}

bool position_store_mark_consistent(PositionStore *s, PgConn *c, const Position *consistent, Err *e) {
    char text[POSITION_TEXT_SIZE];
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    if (!consistent) return send(s, c, ST_CLEAR, &t, e);
    add_text(&t, s->lane);
    add_text(&t, position_text(consistent, text));
    return send(s, c, ST_CONSISTENT, &t, e);
}

bool position_store_start_others(PositionStore *s, PgConn *c, const Position *at, int64_t commit_us,
                                 size_t others, Err *e) {
    char text[POSITION_TEXT_SIZE], time[24], count[24];
    (void)snprintf(time, sizeof time, "%lld", (long long)commit_us);
    (void)snprintf(count, sizeof count, "%zu", others);
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    add_text(&t, s->lane);
    add_text(&t, position_text(at, text));
    add_text(&t, time);
    add_text(&t, count);
    return send(s, c, ST_START_OTHERS, &t, e);
}

bool position_store_set_route(PositionStore *s, PgConn *c, const StoredTable *table, Err *e) {
    Texts t = {.count = 0};
    add_text(&t, s->pipeline);
    add_text(&t, s->database);
    add_text(&t, table->schema);
    add_text(&t, table->table);
    add_text(&t, table->route);
    return send(s, c, ST_ROUTE, &t, e);
}
