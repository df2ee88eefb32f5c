/*
 * pg_rig.h - what tests of the PostgreSQL sink share: a sink on the fixture's cluster, schemas, and batches
 * in stream order.
 */
#ifndef TESTS_PG_RIG_H
#define TESTS_PG_RIG_H

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/option_connect.h"
#include "pg_fixture.h"
#include "postgres/sink.h"
#include "postgres/sink_option.h"

typedef struct Rig {
    PgConn *conn; /* to look from outside */
    Metrics *metrics;
    Options *options;
    Sink *sink;
    bool is_stopping;
} Rig;

typedef struct Setting {
    const char *key, *value;
} Setting;

__attribute__((unused)) static const Setting UPSERT[] = {
    {"insert.mode", "upsert"},
    {"pk.mode", "record_key"},
    {"delete.enabled", "true"},
    {"schema.evolution", "basic"},
    {"quote.identifiers", "true"},
    {"table.name.format", "${source.schema}.${source.table}"},
    {NULL, NULL},
};

static inline Options *options_of(const Setting *settings) {
    Props *props = props_new();
    props_set(props, "name", STR_LIT("t"), "test", 0);
    props_set(props, "connector.class", str_from(sink_option_classes[0]), "test", 0);
    CLEANUP(buf_done) Buf url = {0};
    buf_printf(&url, "postgresql:///postgres?host=%s&user=postgres", pg_fixture_dir);
    props_set(props, "connection.url", buf_view(&url), "test", 0);
    for (; settings->key; settings++) props_set(props, settings->key, str_from(settings->value), "test", 0);
    const OptionTable tables[] = {{sink_options, SINK_OPTION_COUNT}, option_connect_table()};
    Options *o = NULL;
    Err e = {0};
    if (!options_parse_tables(tables, 2, props, &o, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

static inline Sink *sink_of(Rig *r, const char *name) {
    const ConnectorContext context = {
        .name = name, .topic_prefix = "srv", .metrics = r->metrics, .is_stopping = &r->is_stopping};
    Sink *sink = NULL;
    Err e = {0};
    if (!postgres_sink_class.start(r->options, &context, &sink, &e)) fail_msg("%s", e.msg);
    return sink;
}

static inline StoredState own(Sink *sink) {
    StoredState state = {0};
    Err e = {0};
    if (!postgres_sink_class.own(sink, &state, &e)) fail_msg("%s", e.msg);
    return state;
}

static inline void rig_open(Rig *r, const Setting *settings) {
    *r = (Rig){.conn = pg_fixture_connect(), .metrics = metrics_new(), .options = options_of(settings)};
    pg_fixture_exec(r->conn, "DROP SCHEMA IF EXISTS dbo CASCADE; DROP SCHEMA IF EXISTS millrace CASCADE;"
                             "CREATE SCHEMA dbo");
    r->sink = sink_of(r, "t");
    StoredState state = own(r->sink);
    assert_false(state.has_position);
    stored_state_done(&state);
}

static inline void rig_close(Rig *r) {
    postgres_sink_class.stop(r->sink);
    options_free(r->options);
    metrics_free(r->metrics);
    pgconn_close(r->conn);
}

static inline const Schema *schema_of(const char *table, const Column *columns, size_t count) {
    const SchemaSpec spec = {.database = STR_LIT("db"),
                             .schema = STR_LIT("dbo"),
                             .table = str_from(table),
                             .version = 1,
                             .columns = columns,
                             .column_count = count};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

/* id int key, name nvarchar(20), amount int. */
static inline const Schema *items(const char *table, bool has_key) {
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = has_key ? 1 : 0, .column_id = 1},
        {.name = STR_LIT("Name"),
         .type = SQLTYPE_NVARCHAR,
         .length = 20,
         .is_nullable = true,
         .column_id = 2},
        {.name = STR_LIT("amount"), .type = SQLTYPE_INT, .is_nullable = true, .column_id = 3},
    };
    return schema_of(table, columns, 3);
}

static inline Position at(uint32_t n) {
    Lsn lsn = {{0, 0, 0, 1, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 1}};
    return position_end_of(&lsn);
}

/* The n-th change of the transaction at commit. */
static inline Position inside(uint32_t commit, uint32_t n) {
    Position p = at(commit);
    p.command_id = (int32_t)n;
    p.operation = 2;
    return p;
}

static inline bool put(Sink *sink, Batch *b, Err *e) {
    bool ok = postgres_sink_class.put(sink, b, e);
    batch_free(b);
    return ok;
}

static inline void must_put(Sink *sink, Batch *b) {
    Err e = {0};
    if (!put(sink, b, &e)) fail_msg("%s", e.msg);
}

static inline Batch *table_batch(const Schema *s, BatchCopy copy) {
    Batch *b = batch_new(BATCH_TABLE);
    b->schema = schema_ref(s);
    b->table = (BatchTable){.copy = copy, .instance = 7};
    return b;
}

static inline Batch *changes_batch(uint32_t from, uint32_t to) {
    Batch *b = batch_new(BATCH_CHANGES);
    b->from = from ? at(from) : (Position){0};
    b->to = at(to);
    b->ends_transaction = true;
    return b;
}

/* One part of a chunk of s; chunk 1 is the last. */
static inline Batch *rows_batch(const Schema *s, uint32_t chunk, bool is_first, bool is_last, bool is_plain) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_ref(s);
    b->chunk = (BatchChunk){.number = chunk,
                            .is_first_part = is_first,
                            .is_last_part = is_last,
                            .is_last_chunk = is_last && chunk == 1,
                            .is_plain = is_plain,
                            .watermark = at(1),
                            .upper_key = STR_LIT("key")};
    return b;
}

static inline const Value *item(Batch *b, int64_t id, const char *name, int64_t amount) {
    Value *row = batch_row(b, 3);
    Str text = name ? arena_str(&b->arena, str_from(name)) : (Str){0};
    row[0] = value_int(id);
    row[1] = name ? value_bytes(text.p, (uint32_t)text.n) : value_null();
    row[2] = amount < 0 ? value_null() : value_int(amount);
    return row;
}

static inline void add(Batch *b, ChangeOp op, const Schema *s, const Value *row) {
    batch_hold_schema(b, s);
    Change *c = batch_add(b);
    c->op = (uint8_t)op;
    c->schema = s;
    if (op == OP_DELETE) c->before = row;
    else c->after = row;
    Lsn lsn = b->to.commit_lsn;
    c->position = position_end_of(&lsn);
    c->position.command_id = (int32_t)b->count;
    c->source_us = clock_wall_us() - 1000;
}

/* The stream has begun at position 1 and the table is known. */
static inline void begin(Rig *r, const Schema *s) {
    must_put(r->sink, table_batch(s, BATCH_COPY_NONE));
    Batch *b = changes_batch(0, 1);
    must_put(r->sink, b);
}

static inline const char *rows_of(Rig *r, const char *table) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "SELECT concat_ws(',', id, coalesce(\"Name\", '-'), coalesce(amount::text, '-')) FROM "
               "dbo.\"%s\" ORDER BY 1",
               table);
    return pg_fixture_text(r->conn, buf_text(&sql));
}

#endif
