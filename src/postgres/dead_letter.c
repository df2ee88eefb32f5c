/*
 * A key is looked for by the number that stands in the index, and told by its JSON text: two keys of one
 * number are two keys. The number comes from the values themselves, form by form, so that a row costs some
 * nanoseconds while letters are open, and nothing while none is.
 *
 * payload and key are of type json, which keeps a text as it came: U+0000 and unpaired surrogates stand in it
 * as escapes. jsonb would refuse them.
 */
#include "postgres/dead_letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "postgres/dead_payload.h"
#include "postgres/own_tables.h"

enum { EXPIRE_AT_ONCE = 5000 };

struct DeadLetters {
    char *pipeline, *database;
    char lane[12];
};

static const char CREATE_SQL[] =
    "CREATE TABLE IF NOT EXISTS millrace.dead_letter ("
    " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " pipeline text NOT NULL, database text NOT NULL, lane integer NOT NULL,"
    " source_schema text NOT NULL, source_table text NOT NULL, target text NOT NULL,"
    " op text NOT NULL, key_hash bigint, key json NOT NULL, payload json NOT NULL,"
    " sqlstate text, constraint_name text, column_name text, message text NOT NULL,"
    " position text NOT NULL, commit_time timestamptz,"
    " created timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),"
    " state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'superseded', 'replayed')),"
    " closed timestamptz, superseded_by text);"
    "CREATE INDEX IF NOT EXISTS dead_letter_open ON millrace.dead_letter"
    " (pipeline, database, source_schema, source_table, key_hash) WHERE state = 'open';"
    "CREATE INDEX IF NOT EXISTS dead_letter_closed ON millrace.dead_letter (closed) WHERE state <> 'open'";

DeadLetters *dead_letter_new(const DeadLetterKey *key) {
    DeadLetters *d = x_calloc(1, sizeof *d);
    d->pipeline = x_strdup(key->pipeline);
    d->database = x_strdup(key->database ? key->database : "");
    (void)snprintf(d->lane, sizeof d->lane, "%d", key->lane);
    return d;
}

DeadLetters *dead_letter_free(DeadLetters *d) {
    if (!d) return NULL;
    free(d->pipeline);
    free(d->database);
    free(d);
    return NULL;
}

bool dead_letter_create(PgConn *c, Err *e) {
    bool is_there = false;
    if (!own_tables_exist(c, "dead_letter", &is_there, e)) return false;
    if (is_there || own_tables_make(c, CREATE_SQL, e)) return true;
    return err_wrap(e, "making millrace.dead_letter");
}

bool dead_letter_load(DeadLetters *d, PgConn *c, DeadOrder *order, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char most[24];
    (void)snprintf(most, sizeof most, "%d", DEAD_ORDER_MAX + 1);
    if (!pgconn_query(c,
                      "SELECT DISTINCT key_hash FROM millrace.dead_letter WHERE pipeline = $1 AND database = "
                      "$2 AND state = 'open' AND key_hash IS NOT NULL LIMIT $3::bigint",
                      (const char *[]){d->pipeline, d->database, most}, 3, &r, e))
        return false;
    size_t count = (size_t)PQntuples(r);
    if (count > DEAD_ORDER_MAX)
        return err_set(e, ERR_INVALID, false,
                       "more than %d keys have open dead letters: replay or purge them (millrace dlq)",
                       DEAD_ORDER_MAX);
    CLEANUP_FREE uint64_t *keys = x_calloc(count + 1, sizeof *keys);
    for (size_t i = 0; i < count; i++) keys[i] = (uint64_t)strtoll(PQgetvalue(r, (int)i, 0), NULL, 10);
    dead_order_load(order, keys, count);
    return true;
}

/* ---- keys ---- */

static uint64_t hash_value(const Value *v, ValueForm form) {
    if (v->flags) return 1;
    if (form == FORM_INT || form == FORM_DOUBLE) return hash_mix((uint64_t)v->v.i, 2);
    return hash_bytes(v->v.p, v->n, 3);
}

bool dead_letter_key(const Target *t, const Value *row, uint64_t *ret) {
    if (t->key_count == 0) return false;
    for (size_t i = 0; i < t->compact.key_count; i++)
        if (value_is_unreadable(&row[t->compact.key[i].column])) return false;
    uint64_t h = hash_bytes(t->schema->qualified, strlen(t->schema->qualified), 0);
    for (size_t i = 0; i < t->compact.key_count; i++)
        h = hash_mix(h, hash_value(&row[t->compact.key[i].column], t->compact.key[i].form));
    *ret = h;
    return true;
}

void dead_letter_key_text(const Target *t, const Value *row, Buf *out) {
    const uint16_t *columns = t->key_count > 0 ? t->key : t->written;
    size_t count = t->key_count > 0 ? t->key_count : t->written_count;
    dead_payload_row(t->schema, row, columns, count, out);
}

/* ---- statements ---- */

/* Parameters that name one key: $1 … $6. */
typedef struct KeyTexts {
    char *schema, *table;
    Buf key;
    char hash[24];
    bool has_hash;
} KeyTexts;

static void key_texts(const Target *t, const Change *change, KeyTexts *ret) {
    uint64_t hash = 0;
    *ret = (KeyTexts){.schema = str_dup(t->schema->schema), .table = str_dup(t->schema->table)};
    ret->has_hash = dead_letter_key(t, change_row(change), &hash);
    (void)snprintf(ret->hash, sizeof ret->hash, "%lld", (long long)hash);
    dead_letter_key_text(t, change_row(change), &ret->key);
}

static void key_texts_done(KeyTexts *k) {
    free(k->schema);
    free(k->table);
    buf_done(&k->key);
}

static const char *or_null(const char *text) {
    return text[0] ? text : NULL;
}

bool dead_letter_keep(DeadLetters *d, PgConn *c, const Target *t, const Change *change, const char *payload,
                      const Refusal *why, Err *e) {
    static const char sql[] =
        "INSERT INTO millrace.dead_letter (pipeline, database, lane, source_schema, source_table, target, op,"
        " key_hash, key, payload, sqlstate, constraint_name, column_name, message, position, commit_time)"
        " VALUES ($1, $2, $3::integer, $4, $5, $6, $7, $8::bigint, $9::json, $10::json, $11, $12, $13, $14,"
        " $15, CASE WHEN $16::bigint > 0 THEN '1970-01-01 00:00:00+00'::timestamptz + $16::bigint"
        " * interval '1 microsecond' END)";
    CLEANUP(key_texts_done) KeyTexts k = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char position[POSITION_TEXT_SIZE], op[] = {(char)change->op, '\0'}, source_us[24];
    key_texts(t, change, &k);
    (void)snprintf(source_us, sizeof source_us, "%lld", (long long)change->source_us);
    const char *params[] = {d->pipeline,
                            d->database,
                            d->lane,
                            k.schema,
                            k.table,
                            t->qualified,
                            op,
                            k.has_hash ? k.hash : NULL,
                            buf_text(&k.key),
                            payload,
                            or_null(why->failure.sqlstate),
                            or_null(why->failure.constraint),
                            or_null(why->failure.column),
                            why->message,
                            position_format(&change->position, position),
                            source_us};
    return pgconn_query(c, sql, params, sizeof params / sizeof *params, &r, e) ||
           err_wrap(e, "keeping a dead letter of %s", t->schema->qualified);
}

#define THIS_KEY                                                                                             \
    " WHERE pipeline = $1 AND database = $2 AND source_schema = $3 AND source_table = $4"                    \
    " AND key_hash = $5::bigint AND key::text = $6 AND state = 'open'"

bool dead_letter_supersede(DeadLetters *d, PgConn *c, const Target *t, const Change *by, Err *e) {
    CLEANUP(key_texts_done) KeyTexts k = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char position[POSITION_TEXT_SIZE];
    key_texts(t, by, &k);
    const char *params[] = {d->pipeline,
                            d->database,
                            k.schema,
                            k.table,
                            k.hash,
                            buf_text(&k.key),
                            position_format(&by->position, position)};
    return pgconn_query(c,
                        "UPDATE millrace.dead_letter SET state = 'superseded', superseded_by = $7,"
                        " closed = pg_catalog.clock_timestamp()" THIS_KEY,
                        params, 7, &r, e);
}

bool dead_letter_supersede_table(DeadLetters *d, PgConn *c, const Schema *schema, Err *e) {
    CLEANUP_FREE char *name = str_dup(schema->schema), *table = str_dup(schema->table);
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    return pgconn_query(c,
                        "UPDATE millrace.dead_letter SET state = 'superseded', superseded_by = 'copied anew',"
                        " closed = pg_catalog.clock_timestamp() WHERE pipeline = $1 AND database = $2"
                        " AND source_schema = $3 AND source_table = $4 AND state = 'open'",
                        (const char *[]){d->pipeline, d->database, name, table}, 4, &r, e);
}

bool dead_letter_is_open(DeadLetters *d, PgConn *c, const Target *t, const Change *change, bool *ret,
                         Err *e) {
    CLEANUP(key_texts_done) KeyTexts k = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    key_texts(t, change, &k);
    const char *params[] = {d->pipeline, d->database, k.schema, k.table, k.hash, buf_text(&k.key)};
    if (!pgconn_query(c, "SELECT 1 FROM millrace.dead_letter" THIS_KEY " FOR UPDATE", params, 6, &r, e))
        return false;
    *ret = PQntuples(r) > 0;
    return true;
}

bool dead_letter_expire(DeadLetters *d, PgConn *c, int64_t days, bool *ret_more, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    char days_text[24], most[12];
    (void)snprintf(days_text, sizeof days_text, "%lld", (long long)days);
    (void)snprintf(most, sizeof most, "%d", EXPIRE_AT_ONCE);
    if (!pgconn_query(c,
                      "WITH old AS (SELECT id FROM millrace.dead_letter WHERE state <> 'open' AND closed <"
                      " pg_catalog.clock_timestamp() - $3::bigint * interval '1 day' AND pipeline = $1 AND"
                      " database = $2 LIMIT $4::bigint FOR UPDATE SKIP LOCKED)"
                      " DELETE FROM millrace.dead_letter d USING old WHERE d.id = old.id",
                      (const char *[]){d->pipeline, d->database, days_text, most}, 4, &r, e))
        return false;
    *ret_more = strtol(PQcmdTuples(r), NULL, 10) >= EXPIRE_AT_ONCE;
    return true;
}
