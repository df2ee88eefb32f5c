/*
 * A report travels as one JSON parameter: its fields are many and change from version to version, the
 * statement doesn't. Whether it says something new is told by comparing that text with the one written last;
 * the heartbeat and the times of asking are put in by the statement, or at the moment of writing, so that
 * they don't make it new.
 *
 * Counters in the process begin at 0 with each start. What earlier processes have counted is read once, when
 * the store is opened, and added: so the stored figures are absolute, and writing them twice does no harm. A
 * process that was killed takes up to a second's counts with it; rows copied are exact all the same, as they
 * are counted with the done mark of their chunk (position_store.h).
 */
#include "postgres/status_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "postgres/own_tables.h"

typedef struct Counted {
    int64_t inserts, updates, deletes;
} Counted;

struct StatusStore {
    char *pipeline, *database;
    char host[256];
    StrMap *before; /* by table: Counted *, owned; NULL = not read yet */
    char *written;  /* owned: the report written last, without its times; NULL = none */
    int64_t written_us;
};

static const char CREATE_SQL[] =
    "CREATE TABLE IF NOT EXISTS millrace.status ("
    " pipeline text NOT NULL, database text NOT NULL, state text NOT NULL, why text,"
    " heartbeat timestamptz NOT NULL, started timestamptz, host text, process_id integer, version text,"
    " captured text, captured_time timestamptz, asked_time timestamptz, source_time timestamptz,"
    " read text, read_time timestamptz,"
    " PRIMARY KEY (pipeline, database)) WITH (fillfactor = 50);"
    "CREATE TABLE IF NOT EXISTS millrace.table_stats ("
    " pipeline text NOT NULL, database text NOT NULL, table_name text NOT NULL,"
    " rows_expected bigint, inserts bigint NOT NULL, updates bigint NOT NULL, deletes bigint NOT NULL,"
    " last_change timestamptz,"
    " PRIMARY KEY (pipeline, database, table_name)) WITH (fillfactor = 50);";

/* $1 pipeline, $2 database, $3 owner, $4 the report. */
static const char WRITE_SQL[] =
    "WITH may AS (SELECT 1 WHERE CASE WHEN $3 <> '' THEN NOT EXISTS (SELECT 1 FROM millrace.position p"
    "  WHERE p.pipeline = $1 AND p.database = $2 AND p.owner IS DISTINCT FROM $3)"
    " ELSE NOT EXISTS (SELECT 1 FROM millrace.status t WHERE t.pipeline = $1 AND t.database = $2"
    "  AND t.state NOT IN ('stopped', 'failed')"
    "  AND t.heartbeat > pg_catalog.clock_timestamp() - interval '30 s') END),"
    " put AS (INSERT INTO millrace.status AS s (pipeline, database, state, why, heartbeat, started, host,"
    "  process_id, version, captured, captured_time, asked_time, source_time, read, read_time)"
    "  SELECT $1, $2, r.state, nullif(r.why, ''), pg_catalog.clock_timestamp(), "
    "   to_timestamp(r.started / 1e6), r.host, r.process_id, r.version, r.captured, "
    "to_timestamp(r.captured_us / 1e6),"
    "   to_timestamp(r.asked_us / 1e6), to_timestamp(r.source_us / 1e6), r.read,"
    "   to_timestamp(r.read_us / 1e6)"
    "  FROM may, jsonb_to_record($4::jsonb) AS r(state text, why text, started bigint, host text,"
    "   process_id integer, version text, captured text, captured_us bigint, asked_us bigint,"
    "   source_us bigint, read text, read_us bigint)"
    "  ON CONFLICT (pipeline, database) DO UPDATE SET state = EXCLUDED.state, why = EXCLUDED.why,"
    "   heartbeat = EXCLUDED.heartbeat, started = EXCLUDED.started, host = EXCLUDED.host,"
    "   process_id = EXCLUDED.process_id, version = EXCLUDED.version,"
    "   captured = coalesce(EXCLUDED.captured, s.captured),"
    "   captured_time = coalesce(EXCLUDED.captured_time, CASE WHEN EXCLUDED.captured = s.captured OR"
    "    EXCLUDED.captured IS NULL THEN s.captured_time END),"
    "   asked_time = coalesce(EXCLUDED.asked_time, s.asked_time),"
    "   source_time = coalesce(EXCLUDED.source_time, s.source_time),"
    "   read = coalesce(EXCLUDED.read, s.read), read_time = coalesce(EXCLUDED.read_time,"
    "    CASE WHEN EXCLUDED.read = s.read OR EXCLUDED.read IS NULL THEN s.read_time END)"
    "  RETURNING 1),"
    " tables AS (INSERT INTO millrace.table_stats AS s (pipeline, database, table_name, rows_expected,"
    "  inserts, updates, deletes, last_change)"
    "  SELECT $1, $2, r.name, r.expected, r.inserts, r.updates, r.deletes, to_timestamp(r.last_us / 1e6)"
    "  FROM put, jsonb_to_recordset($4::jsonb -> 'tables') AS r(name text, expected bigint,"
    "   inserts bigint, updates bigint, deletes bigint, last_us bigint)"
    "  ON CONFLICT (pipeline, database, table_name) DO UPDATE SET"
    "   rows_expected = coalesce(EXCLUDED.rows_expected, s.rows_expected), inserts = EXCLUDED.inserts,"
    "   updates = EXCLUDED.updates, deletes = EXCLUDED.deletes,"
    "   last_change = coalesce(EXCLUDED.last_change, s.last_change)"
    "  WHERE (s.inserts, s.updates, s.deletes, s.last_change, s.rows_expected) IS DISTINCT FROM"
    "   (EXCLUDED.inserts, EXCLUDED.updates, EXCLUDED.deletes, coalesce(EXCLUDED.last_change, s.last_change),"
    "    coalesce(EXCLUDED.rows_expected, s.rows_expected)))"
    " SELECT count(*) FROM put";

StatusStore *status_store_new(const char *pipeline, const char *database) {
    StatusStore *s = x_calloc(1, sizeof *s);
    s->pipeline = x_strdup(pipeline);
    s->database = x_strdup(database ? database : "");
    if (gethostname(s->host, sizeof s->host - 1) != 0) s->host[0] = '\0';
    return s;
}

StatusStore *status_store_free(StatusStore *s) {
    if (!s) return NULL;
    if (s->before) strmap_free_all(s->before);
    free(s->pipeline);
    free(s->database);
    free(s->written);
    free(s);
    return NULL;
}

static int64_t number(const PGresult *r, int row, int column, int64_t otherwise) {
    return PQgetisnull(r, row, column) ? otherwise : strtoll(PQgetvalue(r, row, column), NULL, 10);
}

/* ---- opening ---- */

static const char TABLES[] = "status,table_stats,position";

static bool read_before(StatusStore *s, PgConn *c, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c,
                      "SELECT table_name, inserts, updates, deletes FROM millrace.table_stats"
                      " WHERE pipeline = $1 AND database = $2",
                      (const char *[]){s->pipeline, s->database}, 2, &r, e))
        return false;
    s->before = strmap_new(/* ignore_case= */ false);
    for (int i = 0; i < PQntuples(r); i++) {
        Counted *counted = x_calloc(1, sizeof *counted);
        *counted = (Counted){number(r, i, 1, 0), number(r, i, 2, 0), number(r, i, 3, 0)};
        (void)strmap_set(s->before, str_from(PQgetvalue(r, i, 0)), counted);
    }
    return true;
}

bool status_store_open(StatusStore *s, PgConn *c, Err *e) {
    bool is_there = false;
    if (!own_tables_exist(c, TABLES, &is_there, e)) return false;
    if (!is_there && !own_tables_make(c, CREATE_SQL, e)) return err_wrap(e, "making millrace.status");
    free(TAKE(s->written));
    return s->before || read_before(s, c, e); /* a second time what is there is ours already */
}

/* ---- writing ---- */

static void set_mark(json_t *o, const char *lsn_key, const char *us_key, const ProgressMark *mark) {
    char text[LSN_TEXT_SIZE];
    if (lsn_is_zero(&mark->lsn)) return;
    json_object_set_new(o, lsn_key, json_string(lsn_format(&mark->lsn, text)));
    if (mark->commit_us) json_object_set_new(o, us_key, json_integer(mark->commit_us));
}

static json_t *table_json(const StatusStore *s, const ReportTable *t) {
    static const Counted none;
    const Counted *before = strmap_get(s->before, t->name);
    if (!before) before = &none;
    json_t *o = json_pack("{s:s%, s:I, s:I, s:I}", "name", t->name.p, t->name.n, "inserts",
                          (json_int_t)(before->inserts + t->inserts), "updates",
                          (json_int_t)(before->updates + t->updates), "deletes",
                          (json_int_t)(before->deletes + t->deletes));
    if (t->expected >= 0) json_object_set_new(o, "expected", json_integer(t->expected));
    if (t->last_change_us > 0) json_object_set_new(o, "last_us", json_integer(t->last_change_us));
    return o;
}

static json_t *report_json(const StatusStore *s, const Report *r) {
    json_t *tables = json_array();
    for (size_t i = 0; i < r->table_count; i++) json_array_append_new(tables, table_json(s, &r->tables[i]));
    json_t *o = json_pack("{s:s, s:s, s:I, s:s, s:i, s:s, s:o}", "state", r->state, "why", r->why, "started",
                          (json_int_t)r->started_us, "host", s->host, "process_id", (int)getpid(), "version",
                          MILLRACE_VERSION, "tables", tables);
    set_mark(o, "captured", "captured_us", &r->progress.captured);
    set_mark(o, "read", "read_us", &r->progress.read);
    return o;
}

bool status_store_write(StatusStore *s, PgConn *c, const Report *report, bool *ret_written, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (ret_written) *ret_written = false;
    json_t *o = report_json(s, report);
    char *text = json_dumps(o, JSON_COMPACT);
    bool is_due = clock_mono_us() - s->written_us >= STATUS_HEARTBEAT_S * INT64_C(1000000);
    if (s->written && strcmp(s->written, text) == 0 && !is_due) {
        json_decref(o);
        free(text);
        return true;
    }
    if (report->progress.asked_us) {
        json_object_set_new(o, "asked_us", json_integer(report->progress.asked_us));
        json_object_set_new(o, "source_us", json_integer(report->progress.source_us));
    }
    CLEANUP_FREE char *whole = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    bool ok = pgconn_query(c, WRITE_SQL, (const char *[]){s->pipeline, s->database, report->owner, whole}, 4,
                           &r, e);
    free(TAKE(s->written));
    if (ok) s->written = text;
    else free(text);
    s->written_us = clock_mono_us();
    if (ok && ret_written) *ret_written = number(r, 0, 0, 0) > 0;
    return ok || err_wrap(e, "writing millrace.status");
}

/* ---- reading ---- */

/* A pipeline that an older version wrote, or whose reports never got through, has a position and no status.
 */
static const char PIPELINES_SQL[] =
    "SELECT p.pipeline, p.database, coalesce(s.state, 'unknown'), s.why, s.host, s.version, s.process_id,"
    " (extract(epoch FROM s.started) * 1000000)::bigint, (extract(epoch FROM s.heartbeat) * "
    "1000000)::bigint, (extract(epoch FROM pg_catalog.clock_timestamp() - s.heartbeat) * 1000000)::bigint,"
    " (extract(epoch FROM s.asked_time) * 1000000)::bigint, (extract(epoch FROM s.source_time) * "
    "1000000)::bigint, s.captured, (extract(epoch FROM s.captured_time) * 1000000)::bigint, s.read, "
    "(extract(epoch FROM s.read_time) * 1000000)::bigint,"
    " p.position, (extract(epoch FROM p.commit_time) * 1000000)::bigint, p.consistent, p.lanes"
    " FROM (SELECT coalesce(q.pipeline, t.pipeline) AS pipeline, coalesce(q.database, t.database) AS "
    "database,"
    "   q.position, q.commit_time, q.consistent, q.lanes FROM"
    "  (SELECT DISTINCT ON (pipeline, database) pipeline, database, position, commit_time, consistent,"
    "    count(*) OVER (PARTITION BY pipeline, database) AS lanes FROM millrace.position"
    "    ORDER BY pipeline, database, position COLLATE \"C\" NULLS FIRST) q"
    "  FULL JOIN millrace.status t USING (pipeline, database)) p"
    " LEFT JOIN millrace.status s ON s.pipeline = p.pipeline AND s.database = p.database"
    " WHERE $1::text IS NULL OR p.pipeline = $1 ORDER BY 1, 2";

static const char TABLES_SQL[] =
    "SELECT coalesce(n.table_name, s.table_name), coalesce(n.rows_copied, 0), coalesce(s.rows_expected, -1),"
    " coalesce(n.is_done, false), coalesce(n.is_streaming, false),"
    " coalesce(s.inserts, 0), coalesce(s.updates, 0), coalesce(s.deletes, 0),"
    " (extract(epoch FROM s.last_change) * 1000000)::bigint"
    " FROM (SELECT source_schema || '.' || source_table AS table_name, rows_copied, "
    "is_done, is_streaming"
    "  FROM millrace.table_state WHERE pipeline = $1 AND database = $2) n"
    " FULL JOIN (SELECT * FROM millrace.table_stats WHERE pipeline = $1 AND database = "
    "$2) s"
    "  USING (table_name) ORDER BY 1";

static char *text(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? NULL : x_strdup(PQgetvalue(r, row, column));
}

static StatusMark mark(const PGresult *r, int row, int column) {
    return (StatusMark){text(r, row, column), number(r, row, column + 1, 0)};
}

static StatusPipeline pipeline_of(const PGresult *r, int row) {
    return (StatusPipeline){.pipeline = text(r, row, 0),
                            .database = text(r, row, 1),
                            .state = text(r, row, 2),
                            .why = text(r, row, 3),
                            .host = text(r, row, 4),
                            .version = text(r, row, 5),
                            .process_id = number(r, row, 6, 0),
                            .started_us = number(r, row, 7, 0),
                            .heartbeat_us = number(r, row, 8, 0),
                            .heartbeat_age_us = number(r, row, 9, -1),
                            .asked_us = number(r, row, 10, 0),
                            .source_us = number(r, row, 11, 0),
                            .captured = mark(r, row, 12),
                            .read = mark(r, row, 14),
                            .applied = mark(r, row, 16),
                            .consistent = text(r, row, 18),
                            .lanes = (int)number(r, row, 19, 0)};
}

static bool read_tables(PgConn *c, StatusPipeline *p, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, TABLES_SQL, (const char *[]){p->pipeline, p->database}, 2, &r, e)) return false;
    size_t count = (size_t)PQntuples(r);
    p->tables = x_calloc(count + 1, sizeof *p->tables);
    for (; p->table_count < count; p->table_count++) {
        int row = (int)p->table_count;
        p->tables[row] = (StatusTable){.name = text(r, row, 0),
                                       .copied = number(r, row, 1, 0),
                                       .expected = number(r, row, 2, -1),
                                       .is_done = PQgetvalue(r, row, 3)[0] == 't',
                                       .is_streaming = PQgetvalue(r, row, 4)[0] == 't',
                                       .inserts = number(r, row, 5, 0),
                                       .updates = number(r, row, 6, 0),
                                       .deletes = number(r, row, 7, 0),
                                       .last_change_us = number(r, row, 8, 0)};
    }
    return true;
}

/* Open dead letters, by table; nothing where no sink has made their table. */
static bool read_dead_letters(PgConn *c, StatusPipeline *p, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    bool is_there = false;
    static const char sql[] =
        "SELECT source_schema || '.' || source_table, count(*) FROM millrace.dead_letter"
        " WHERE pipeline = $1 AND database = $2 AND state = 'open' GROUP BY 1";
    if (!own_tables_exist(c, "dead_letter", &is_there, e)) return false;
    if (!is_there) return true;
    if (!pgconn_query(c, sql, (const char *[]){p->pipeline, p->database}, 2, &r, e)) return false;
    for (int row = 0; row < PQntuples(r); row++)
        for (size_t i = 0; i < p->table_count; i++)
            if (strcmp(p->tables[i].name, PQgetvalue(r, row, 0)) == 0)
                p->tables[i].dead_letters = number(r, row, 1, 0);
    return true;
}

static bool read_list(PgConn *c, const char *pipeline, StatusList *l, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL, *now = NULL;
    if (!pgconn_query(c, "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint", NULL,
                      0, &now, e) ||
        !pgconn_query(c, PIPELINES_SQL, (const char *[]){pipeline}, 1, &r, e))
        return false;
    l->now_us = number(now, 0, 0, 0);
    size_t count = (size_t)PQntuples(r);
    l->pipelines = x_calloc(count + 1, sizeof *l->pipelines);
    while (l->count < count) {
        l->pipelines[l->count] = pipeline_of(r, (int)l->count);
        StatusPipeline *p = &l->pipelines[l->count++];
        if (!read_tables(c, p, e) || !read_dead_letters(c, p, e)) return false;
    }
    return true;
}

bool status_store_read(PgConn *c, const char *pipeline, StatusList *ret, Err *e) {
    StatusList l = {0};
    bool is_there = false;
    bool ok = own_tables_exist(c, TABLES, &is_there, e) && (!is_there || read_list(c, pipeline, &l, e));
    if (ok) *ret = l;
    else status_list_done(&l);
    return ok || err_wrap(e, "reading millrace.status");
}

static void pipeline_done(StatusPipeline *p) {
    for (size_t i = 0; i < p->table_count; i++) free(p->tables[i].name);
    char *const owned[] = {p->pipeline, p->database,   p->state,        p->why,      p->host,
                           p->version,  p->consistent, p->captured.lsn, p->read.lsn, p->applied.lsn};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    free(p->tables);
}

void status_list_done(StatusList *l) {
    for (size_t i = 0; i < l->count; i++) pipeline_done(&l->pipelines[i]);
    free(l->pipelines);
    *l = (StatusList){0};
}

bool status_is_stale(const StatusPipeline *p) {
    bool has_ended = strcmp(p->state, "stopped") == 0 || strcmp(p->state, "failed") == 0;
    return !has_ended && (p->heartbeat_age_us < 0 || p->heartbeat_age_us > STATUS_STALE_S * INT64_C(1000000));
}
