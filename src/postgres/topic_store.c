/*
 * The fence is a function, as in position_store.c: it raises a SQLSTATE of our own when not all rows are
 * there under their epochs and offsets, so it is sent ahead with BEGIN, the rows and COMMIT.
 *
 * Taking a partition doesn't end the former owner's backend at once: with a group's rebalancing that is a
 * live process, which has given the partition back and holds others. Only one that is in the way is ended.
 */
#include "postgres/topic_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "postgres/own_tables.h"

enum { OWN_TRIES = 5 };

struct TopicStore {
    char *connector, *target;
    PgStatement move;
};

static const char CREATE_SQL[] =
    "DO $d$ BEGIN IF to_regnamespace('millrace') IS NULL THEN CREATE SCHEMA millrace; END IF; END $d$;"
    "CREATE TABLE IF NOT EXISTS millrace.identity (id text PRIMARY KEY);"
    "INSERT INTO millrace.identity SELECT md5(random()::text || clock_timestamp()::text || "
    "pg_backend_pid()::text)"
    " WHERE NOT EXISTS (SELECT 1 FROM millrace.identity);"
    "CREATE TABLE IF NOT EXISTS millrace.topic_offset ("
    " connector text NOT NULL, topic text NOT NULL, partition integer NOT NULL,"
    " next_offset bigint, epoch bigint NOT NULL, guard bytea, updated timestamptz NOT NULL DEFAULT now(),"
    " owner_pid integer, owner_start timestamptz,"
    " PRIMARY KEY (connector, topic, partition)) WITH (fillfactor = 10);"
    "CREATE OR REPLACE FUNCTION millrace.move_offsets(p_connector text, p_topics text[], p_partitions "
    "integer[],"
    " p_epochs bigint[], p_old bigint[], p_new bigint[], p_guards bytea[]) RETURNS void LANGUAGE plpgsql AS "
    "$f$"
    " DECLARE n bigint;"
    " BEGIN"
    " UPDATE millrace.topic_offset t SET next_offset = m.new, guard = m.guard, updated = now()"
    "  FROM unnest(p_topics, p_partitions, p_epochs, p_old, p_new, p_guards)"
    "   AS m (topic, partition, epoch, old, new, guard)"
    "  WHERE t.connector = p_connector AND t.topic = m.topic AND t.partition = m.partition AND t.epoch = "
    "m.epoch"
    "  AND t.next_offset IS NOT DISTINCT FROM m.old;"
    " GET DIAGNOSTICS n = ROW_COUNT;"
    " IF n <> cardinality(p_topics) THEN RAISE EXCEPTION 'another owner has taken a partition of connector "
    "%',"
    "  p_connector USING ERRCODE = '" PGCONN_SQLSTATE_FENCED "'; END IF;"
    " END $f$;" OWN_TABLES_EXPECT;

TopicStore *topic_store_new(const char *connector) {
    TopicStore *s = x_calloc(1, sizeof *s);
    s->connector = x_strdup(connector);
    s->move.sql =
        "SELECT millrace.move_offsets($1::text, $2::text[], $3::integer[], $4::bigint[], $5::bigint[], "
        "$6::bigint[], $7::bytea[])";
    return s;
}

TopicStore *topic_store_free(TopicStore *s) {
    if (!s) return NULL;
    free(s->connector);
    free(s->target);
    free(s);
    return NULL;
}

static bool read_identity(TopicStore *s, PgConn *c, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, "SELECT id FROM millrace.identity LIMIT 1", NULL, 0, &r, e)) return false;
    if (PQntuples(r) == 0)
        return err_set(
            e, ERR_INVALID, false,
            "millrace.identity is empty: put its row back (INSERT INTO millrace.identity VALUES ('…'))");
    free(s->target);
    s->target = x_strdup(PQgetvalue(r, 0, 0));
    return true;
}

bool topic_store_create(TopicStore *s, PgConn *c, Err *e) {
    static const char is_made[] =
        "SELECT count(*) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n"
        " ON n.oid = p.pronamespace WHERE n.nspname = 'millrace'"
        " AND (p.proname = 'move_offsets' AND p.pronargs = 7 OR p.proname = 'expect')";
    bool has_tables = false, has_all = false;
    if (!own_tables_exist(c, "topic_offset,identity", &has_tables, e)) return false;
    if (has_tables) {
        CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
        if (!pgconn_query(c, is_made, NULL, 0, &r, e)) return false;
        has_all = PQgetvalue(r, 0, 0)[0] == '2';
    }
    if (has_all || own_tables_make(c, CREATE_SQL, e)) return read_identity(s, c, e);
    if (strcmp(pgconn_sqlstate(c), "42501") == 0)
        return err_wrap(e, "millrace's tables can't be made (a superuser runs what `millrace setup` prints)");
    return err_wrap(e, "making millrace's tables");
}

const char *topic_store_target(const TopicStore *s) {
    return s->target;
}

/* ---- taking, looking ---- */

static bool fill(const PGresult *r, TopicOffset *o, Err *e) {
    buf_clear(&o->guard);
    o->has_offset = PQntuples(r) > 0 && !PQgetisnull(r, 0, 0);
    o->offset = o->has_offset ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;
    o->epoch = PQntuples(r) > 0 ? strtoll(PQgetvalue(r, 0, 1), NULL, 10) : 0;
    if (PQntuples(r) == 0 || PQgetisnull(r, 0, 2)) return true;
    size_t n = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r, 0, 2), &n);
    if (!bytes) return err_set(e, ERR_INTERNAL, false, "millrace.topic_offset.guard can't be read");
    buf_add(&o->guard, bytes, n);
    PQfreemem(bytes);
    return true;
}

static bool look_at(TopicStore *s, PgConn *c, TopicOffset *o, Err *e) {
    char partition[12];
    (void)snprintf(partition, sizeof partition, "%d", (int)o->partition);
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    return pgconn_query(c,
                        "SELECT next_offset, epoch, guard FROM millrace.topic_offset"
                        " WHERE connector = $1 AND topic = $2 AND partition = $3::integer",
                        (const char *[]){s->connector, o->topic, partition}, 3, &r, e) &&
           fill(r, o, e);
}

bool topic_store_look(TopicStore *s, PgConn *c, TopicOffset *offsets, size_t count, Err *e) {
    for (size_t i = 0; i < count; i++)
        if (!look_at(s, c, &offsets[i], e)) return false;
    return true;
}

/* The recorded owner's backend, if it still is that one and not ours. */
static bool end_owner(TopicStore *s, PgConn *c, const TopicOffset *o, Err *e) {
    char partition[12];
    (void)snprintf(partition, sizeof partition, "%d", (int)o->partition);
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    LOG_WARN("former_owner_ended", LOG_S("topic", o->topic), LOG_I("partition", o->partition));
    if (pgconn_query(
            c,
            "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM millrace.topic_offset t"
            " JOIN pg_catalog.pg_stat_activity a ON a.pid = t.owner_pid AND a.backend_start = t.owner_start"
            " WHERE t.connector = $1 AND t.topic = $2 AND t.partition = $3::integer"
            " AND a.pid <> pg_catalog.pg_backend_pid()",
            (const char *[]){s->connector, o->topic, partition}, 3, &r, e))
        return true;
    return err_wrap(e, "ending the former owner's backend (grant pg_signal_backend, or end it by hand)");
}

static bool own_once(TopicStore *s, PgConn *c, TopicOffset *o, Err *e) {
    char partition[12];
    (void)snprintf(partition, sizeof partition, "%d", (int)o->partition);
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    static const char sql[] =
        "INSERT INTO millrace.topic_offset AS t (connector, topic, partition, epoch, owner_pid, owner_start)"
        " SELECT $1, $2, $3::integer, 1, a.pid, a.backend_start FROM pg_catalog.pg_stat_activity a"
        " WHERE a.pid = pg_catalog.pg_backend_pid()"
        " ON CONFLICT (connector, topic, partition) DO UPDATE SET epoch = t.epoch + 1,"
        " owner_pid = EXCLUDED.owner_pid, owner_start = EXCLUDED.owner_start RETURNING next_offset, epoch, "
        "guard";
    if (!pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '2s'", e)) return false;
    if (pgconn_query(c, sql, (const char *[]){s->connector, o->topic, partition}, 3, &r, e) &&
        fill(r, o, e) && pgconn_exec(c, "COMMIT", e))
        return true;
    pgconn_rollback(c);
    return false;
}

static bool own_one(TopicStore *s, PgConn *c, TopicOffset *o, Err *e) {
    for (int tries = 1;; tries++) {
        if (own_once(s, c, o, e)) return true;
        if (e->code != ERR_TIMEOUT || tries == OWN_TRIES || !pgconn_is_open(c))
            return err_wrap(e, "taking partition %s-%d", o->topic, (int)o->partition);
        if (!end_owner(s, c, o, e)) return false;
    }
}

bool topic_store_own(TopicStore *s, PgConn *c, TopicOffset *offsets, size_t count, Err *e) {
    for (size_t i = 0; i < count; i++)
        if (!own_one(s, c, &offsets[i], e)) return false;
    return true;
}

/* ---- moving ---- */

static void put_quoted(Buf *out, const char *text) {
    buf_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') buf_u8(out, '\\');
        buf_u8(out, (uint8_t)*text);
    }
    buf_u8(out, '"');
}

static void put_bytes(Buf *out, Str bytes) {
    static const char hex[] = "0123456789abcdef";
    if (bytes.n == 0) {
        buf_cstr(out, "NULL");
        return;
    }
    buf_cstr(out, "\"\\\\x");
    for (size_t i = 0; i < bytes.n; i++) {
        buf_u8(out, (uint8_t)hex[(uint8_t)bytes.p[i] >> 4]);
        buf_u8(out, (uint8_t)hex[(uint8_t)bytes.p[i] & 15]);
    }
    buf_u8(out, '"');
}

static void put_field(const TopicMove *m, size_t field, Buf *out) {
    switch (field) {
    case 0: put_quoted(out, m->topic); return;
    case 1: buf_printf(out, "%d", (int)m->partition); return;
    case 2: buf_printf(out, "%lld", (long long)m->epoch); return;
    case 3:
        if (m->has_old) buf_printf(out, "%lld", (long long)m->old);
        else buf_cstr(out, "NULL");
        return;
    case 4: buf_printf(out, "%lld", (long long)m->new); return;
    default: put_bytes(out, m->guard); return;
    }
}

bool topic_store_move(TopicStore *s, PgConn *c, const TopicMove *moves, size_t count, Err *e) {
    enum { FIELDS = 6 };
    Buf arrays[FIELDS] = {{0}};
    PgParam params[FIELDS + 1] = {{.p = s->connector, .n = strlen(s->connector)}};
    for (size_t f = 0; f < FIELDS; f++) {
        for (size_t i = 0; i < count; i++) {
            buf_u8(&arrays[f], i > 0 ? ',' : '{');
            put_field(&moves[i], f, &arrays[f]);
        }
        buf_cstr(&arrays[f], count > 0 ? "}" : "{}");
        params[f + 1] = (PgParam){.p = buf_text(&arrays[f]), .n = arrays[f].n};
    }
    bool ok = pgconn_pipe_send(c, &s->move, params, FIELDS + 1, /* ret_rows= */ NULL, e);
    for (size_t f = 0; f < FIELDS; f++) buf_done(&arrays[f]);
    return ok;
}
