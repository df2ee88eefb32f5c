/*
 * The letter says which target its change was meant for; a desk whose rules lead to another one (only the
 * target's address was given, and the pipeline has rules of its own) refuses to guess.
 */
#include "postgres/dead_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "postgres/apply.h"
#include "postgres/dead_payload.h"
#include "postgres/own_tables.h"
#include "postgres/sink_option.h"

struct DeadDesk {
    SinkConfig *config;
    PgConn *conn;
    TargetSet *targets;
    Apply *apply;
};

bool dead_desk_open(const Options *o, const ConnectorContext *context, DeadDesk **ret, Err *e) {
    DeadDesk *d = x_calloc(1, sizeof *d);
    if (!sink_config_new(o, context, &d->config, e)) {
        dead_desk_close(d);
        return false;
    }
    const PgConnSpec spec = sink_config_conn(d->config);
    if (!pgconn_open(&spec, &d->conn, e)) {
        dead_desk_close(d);
        return false;
    }
    d->targets = target_set_new(&d->config->rules);
    d->apply = apply_new(d->targets);
    *ret = d;
    return true;
}

DeadDesk *dead_desk_close(DeadDesk *d) {
    if (!d) return NULL;
    apply_free(d->apply);
    target_set_free(d->targets);
    pgconn_close(d->conn);
    sink_config_free(d->config);
    free(d);
    return NULL;
}

/* The filter as parameters $1 … $4. */
typedef struct FilterTexts {
    Buf ids;
    const char *params[4];
} FilterTexts;

#define FILTER                                                                                               \
    " WHERE ($1::text IS NULL OR pipeline = $1) AND ($2::text IS NULL OR source_schema || '.' ||"            \
    " source_table = $2) AND ($3::text IS NULL OR state = $3) AND ($4::bigint[] IS NULL OR id = ANY($4))"

static void filter_texts(const DeadFilter *filter, FilterTexts *ret) {
    *ret = (FilterTexts){.params = {filter->pipeline, filter->table, filter->state, NULL}};
    if (filter->id_count == 0) return;
    for (size_t i = 0; i < filter->id_count; i++)
        buf_printf(&ret->ids, "%s%lld", i > 0 ? "," : "{", (long long)filter->ids[i]);
    buf_cstr(&ret->ids, "}");
    ret->params[3] = buf_text(&ret->ids);
}

static void filter_texts_done(FilterTexts *f) {
    buf_done(&f->ids);
}

static const char *text_at(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

static void see_row(const PGresult *r, int row, DeadLetterSeen *seen, void *arg) {
    int c = 1;
    DeadLetter l = {.id = strtoll(PQgetvalue(r, row, 0), NULL, 10)};
    const char **const fields[] = {&l.pipeline,      &l.database, &l.table,       &l.target,     &l.op,
                                   &l.key,           &l.state,    &l.sqlstate,    &l.constraint, &l.column,
                                   &l.message,       &l.position, &l.commit_time, &l.created,    &l.closed,
                                   &l.superseded_by, &l.payload};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = text_at(r, row, c++);
    seen(arg, &l);
}

bool dead_desk_list(DeadDesk *d, const DeadFilter *filter, DeadLetterSeen *seen, void *arg, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    CLEANUP(filter_texts_done) FilterTexts f = {0};
    bool is_there = false;
    if (!own_tables_exist(d->conn, "dead_letter", &is_there, e)) return false;
    if (!is_there) return true;
    filter_texts(filter, &f);
    if (!pgconn_query(d->conn,
                      "SELECT id, pipeline, database, source_schema || '.' || source_table, target, op, key, "
                      "state, sqlstate, constraint_name, column_name, message, position,"
                      " to_char(commit_time, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
                      " to_char(created, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
                      " to_char(closed, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), superseded_by, payload"
                      " FROM millrace.dead_letter" FILTER " ORDER BY id",
                      f.params, 4, &r, e))
        return false;
    for (int i = 0; i < PQntuples(r); i++) see_row(r, i, seen, arg);
    return true;
}

bool dead_desk_purge(DeadDesk *d, const DeadFilter *filter, int64_t *ret_count, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    CLEANUP(filter_texts_done) FilterTexts f = {0};
    bool is_there = false;
    *ret_count = 0;
    if (!own_tables_exist(d->conn, "dead_letter", &is_there, e)) return false;
    if (!is_there) return true;
    filter_texts(filter, &f);
    if (!pgconn_query(d->conn, "DELETE FROM millrace.dead_letter" FILTER, f.params, 4, &r, e)) return false;
    *ret_count = strtoll(PQcmdTuples(r), NULL, 10);
    return true;
}

/* ---- replay ---- */

/* Lock the letter. *ret is set when it can't be replayed now; else *ret_row has target and payload. */
static bool take_letter(DeadDesk *d, const char *id, bool *ret_may, DeadOutcome *ret, PGresult **ret_row,
                        Err *e) {
    *ret_may = false;
    if (!pgconn_query(d->conn,
                      "SELECT l.target, l.payload, EXISTS (SELECT 1 FROM millrace.dead_letter o WHERE"
                      " o.pipeline = l.pipeline AND o.database = l.database AND o.source_schema ="
                      " l.source_schema AND o.source_table = l.source_table AND o.key_hash IS NOT DISTINCT"
                      " FROM l.key_hash AND o.key::text = l.key::text AND o.state = 'open' AND o.id < l.id)"
                      " FROM millrace.dead_letter l WHERE l.id = $1::bigint AND l.state = 'open' FOR UPDATE",
                      (const char *[]){id}, 1, ret_row, e))
        return false;
    *ret = DEAD_GONE;
    if (PQntuples(*ret_row) == 0) return true;
    *ret = DEAD_BEHIND;
    *ret_may = PQgetvalue(*ret_row, 0, 2)[0] == 'f';
    return true;
}

static bool apply_letter(DeadDesk *d, const Change *change, const char *target, Err *e) {
    Target *t = NULL;
    if (!target_set_find(d->targets, d->conn, change->schema, &t, e)) return false;
    if (strcmp(t->qualified, target) != 0)
        return err_set(e, ERR_INVALID, false,
                       "the letter was meant for %s, and these options lead to %s: give the pipeline's files",
                       target, t->qualified);
    apply_begun(d->apply);
    return apply_changes(d->apply, d->conn, change, 1, APPLY_IN_ORDER, e) && pgconn_pipe_end(d->conn, e) &&
           pgconn_exec(d->conn, "SET CONSTRAINTS ALL IMMEDIATE", e);
}

static bool write_letter(DeadDesk *d, const char *id, const PGresult *row, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    const Schema *schema = NULL;
    Change change = {0};
    bool ok = dead_payload_read(str_from(PQgetvalue(row, 0, 1)), &arena, &schema, &change, e) &&
              apply_letter(d, &change, PQgetvalue(row, 0, 0), e) &&
              pgconn_query(d->conn,
                           "UPDATE millrace.dead_letter SET state = 'replayed', closed ="
                           " pg_catalog.clock_timestamp() WHERE id = $1::bigint",
                           (const char *[]){id}, 1, &r, e) &&
              pgconn_exec(d->conn, "COMMIT", e);
    schema_unref(schema);
    return ok;
}

bool dead_desk_replay(DeadDesk *d, int64_t id, DeadOutcome *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *row = NULL;
    char id_text[24];
    bool is_there = false, may = false;
    (void)snprintf(id_text, sizeof id_text, "%lld", (long long)id);
    *ret = DEAD_GONE;
    if (!own_tables_exist(d->conn, "dead_letter", &is_there, e)) return false;
    if (!is_there) return true;
    if (!pgconn_exec(d->conn, "BEGIN", e) || !take_letter(d, id_text, &may, ret, &row, e)) {
        pgconn_rollback(d->conn);
        return false;
    }
    if (may && write_letter(d, id_text, row, e)) {
        *ret = DEAD_REPLAYED;
        return true;
    }
    pgconn_rollback(d->conn);
    target_set_clear(d->targets); /* what was made in the transaction is gone */
    if (!may) return true;
    *ret = DEAD_REFUSED;
    return pgconn_is_open(d->conn);
}
