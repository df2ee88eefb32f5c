#include "postgres/apply.h"

#include <stdio.h>

#include "base/rng.h"
#include "pg_rig.h"
#include "postgres/position_store.h"
#include "test.h"

typedef struct Bench {
    PgConn *conn;
    Options *options;
    Metrics *metrics;
    SinkConfig *config;
    TargetSet *set;
    Apply *apply;
} Bench;

static Bench bench_open(const char *sql) {
    Bench b = {.conn = pg_fixture_connect(), .options = options_of(UPSERT), .metrics = metrics_new()};
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = b.metrics};
    Err e = {0};
    if (!sink_config_new(b.options, &context, &b.config, &e)) fail_msg("%s", e.msg);
    b.set = target_set_new(&b.config->rules);
    b.apply = apply_new(b.set);
    pg_fixture_exec(b.conn, "DROP SCHEMA IF EXISTS dbo CASCADE; CREATE SCHEMA dbo");
    pg_fixture_exec(b.conn, sql);
    PositionStore *store = position_store_new(&(PositionKey){.pipeline = "t"},
                                              NULL); /* for its function that counts a bag's rows */
    if (!position_store_create(store, b.conn, &e)) fail_msg("%s", e.msg);
    position_store_free(store);
    return b;
}

static void bench_close(Bench *b) {
    apply_free(b->apply);
    target_set_free(b->set);
    sink_config_free(b->config);
    options_free(b->options);
    metrics_free(b->metrics);
    pgconn_close(b->conn);
}

/* The batch's changes as one transaction. */
static bool apply_batch(Bench *b, const Batch *batch, ApplyOrder order, Err *e) {
    Target *t = NULL;
    for (size_t i = 0; i < batch->count; i++)
        if (!target_set_find(b->set, b->conn, batch->changes[i].schema, &t, e)) return false;
    pg_fixture_exec(b->conn, "BEGIN");
    apply_begun(b->apply);
    bool ok = apply_changes(b->apply, b->conn, batch->changes, batch->count, order, e);
    if (!pgconn_pipe_end(b->conn, ok ? e : &(Err){0})) ok = false;
    if (ok) ok = pgconn_exec(b->conn, "COMMIT", e);
    else pgconn_rollback(b->conn);
    return ok;
}

static const char *text_of(Bench *b, const char *table) {
    char sql[256];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT string_agg(concat_ws(',', id, \"Name\", amount), ' ' ORDER BY id, \"Name\", amount)"
        " FROM dbo.%s",
        table);
    return pg_fixture_text(b->conn, sql);
}

/* Random changes of few keys: small statements, temporary tables, pieces and order by order must agree. */
static void every_way_ends_in_the_same_rows(void **state) {
    (void)state;
    enum { KEYS = 40, WAYS = 4 };
    Bench b = bench_open(
        "CREATE TABLE dbo.w0 (id int PRIMARY KEY, \"Name\" text, amount int);"
        "CREATE TABLE dbo.w1 (LIKE dbo.w0 INCLUDING ALL); CREATE TABLE dbo.w2 (LIKE dbo.w0 INCLUDING ALL);"
        "CREATE TABLE dbo.w3 (LIKE dbo.w0 INCLUDING ALL)");
    const Schema *schemas[WAYS];
    const char *names[WAYS] = {"w0", "w1", "w2", "w3"};
    for (size_t w = 0; w < WAYS; w++) schemas[w] = items(names[w], true);
    for (uint64_t round = 0; round < 20; round++) {
        for (size_t w = 0; w < WAYS; w++) {
            Rng rng;
            rng_seed(&rng, round);
            Batch *batch = changes_batch(1, 2);
            for (size_t i = 0; i < 100; i++) {
                int64_t key = (int64_t)rng_below(&rng, KEYS);
                ChangeOp op = rng_chance(&rng, 30) ? OP_DELETE : OP_UPDATE;
                add(batch, op, schemas[w],
                    item(batch, key, rng_chance(&rng, 20) ? NULL : "n", (int64_t)rng_below(&rng, 99)));
            }
            apply_set_small_rows(b.apply, w == 1 ? 0 : 1000);
            apply_set_batch_rows(b.apply, w == 2 ? 7 : SIZE_MAX);
            Err e = {0};
            if (!apply_batch(&b, batch, w == 3 ? APPLY_IN_ORDER : APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
            batch_free(batch);
        }
        char want[8192];
        (void)snprintf(want, sizeof want, "%s", text_of(&b, "w0"));
        for (size_t w = 1; w < WAYS; w++) assert_string_equal(text_of(&b, names[w]), want);
    }
    for (size_t w = 0; w < WAYS; w++) schema_unref(schemas[w]);
    bench_close(&b);
}

/* The same for tables without a key: an update has its row before. */
static void bags_agree_in_order_and_compacted(void **state) {
    (void)state;
    Bench b = bench_open(
        "CREATE TABLE dbo.b0 (id int, \"Name\" text, amount int); CREATE TABLE dbo.b1 (LIKE dbo.b0)");
    const Schema *schemas[] = {items("b0", false), items("b1", false)};
    int64_t have[200][2];
    size_t count = 0, before = 0;
    for (uint64_t round = 0; round < 15; round++) {
        int64_t start[200][2];
        memcpy(start, have, sizeof have);
        before = count;
        for (size_t w = 0; w < 2; w++) {
            Rng rng;
            rng_seed(&rng, round);
            memcpy(have, start, sizeof have);
            count = before;
            Batch *batch = changes_batch(1, 2);
            for (size_t i = 0; i < 12; i++) {
                size_t at_row = count > 0 ? rng_below(&rng, count) : 0;
                int64_t id = (int64_t)rng_below(&rng, 3), amount = (int64_t)rng_below(&rng, 2);
                const Value *old = count > 0 ? item(batch, have[at_row][0], NULL, have[at_row][1]) : NULL;
                if (count == 0 || rng_chance(&rng, 50)) {
                    add(batch, OP_CREATE, schemas[w], item(batch, id, NULL, amount));
                    at_row = count++;
                } else if (rng_chance(&rng, 50)) {
                    add(batch, OP_DELETE, schemas[w], old);
                    memcpy(have[at_row], have[--count], sizeof *have);
                    continue;
                } else {
                    add(batch, OP_UPDATE, schemas[w], item(batch, id, NULL, amount));
                    batch->changes[batch->count - 1].before = old;
                }
                have[at_row][0] = id;
                have[at_row][1] = amount;
            }
            Err e = {0};
            if (!apply_batch(&b, batch, w ? APPLY_IN_ORDER : APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
            batch_free(batch);
        }
        char want[8192];
        (void)snprintf(want, sizeof want, "%s", text_of(&b, "b0"));
        assert_string_equal(text_of(&b, "b1"), want);
        char rows[16];
        (void)snprintf(rows, sizeof rows, "%zu", count);
        assert_string_equal(pg_fixture_text(b.conn, "SELECT count(*) FROM dbo.b0"), rows);
    }
    schema_unref(schemas[0]);
    schema_unref(schemas[1]);
    bench_close(&b);
}

/* Rows that differ in a column which changes don't carry: equal ones may go, different ones are never
 * guessed. */
static void a_bag_with_unseen_columns_refuses_to_guess(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.lob (id int, note text); INSERT INTO dbo.lob VALUES (1, 'a'), (1, "
                         "'a'), (2, 'x'), (2, 'y')");
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT},
                              {.name = STR_LIT("note"),
                               .type = SQLTYPE_NVARCHAR,
                               .length = -1,
                               .is_nullable = true,
                               .is_lob = true}};
    const Schema *s = schema_of("lob", columns, 2);
    for (int64_t id = 1; id <= 2; id++) {
        Batch *batch = changes_batch(1, 2);
        Value *row = batch_row(batch, 2);
        row[0] = value_int(id);
        row[1] = value_null();
        add(batch, OP_DELETE, s, row);
        Err e = {0};
        assert_int_equal(apply_batch(&b, batch, APPLY_COMPACTED, &e), id == 1);
        if (id == 2) assert_int_equal(e.code, ERR_DATA);
        batch_free(batch);
    }
    assert_string_equal(pg_fixture_text(b.conn, "SELECT id || note FROM dbo.lob ORDER BY 1"), "1a|2x|2y");
    schema_unref(s);
    bench_close(&b);
}

static void a_copy_goes_on_over_parts_until_it_is_ended(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int)");
    const Schema *s = items("items", true), *other = items("other", true);
    Err e = {0};
    pg_fixture_exec(b.conn, "BEGIN");
    for (int64_t part = 0; part < 3; part++) {
        Batch *batch = rows_batch(s, 0, part == 0, part == 2, true);
        for (int64_t i = 0; i < 5000; i++) add(batch, OP_READ, s, item(batch, part * 5000 + i, "row", i));
        assert_true(apply_copy(b.apply, b.conn, s, batch->changes, batch->count, &e));
        assert_false(apply_copy(b.apply, b.conn, other, batch->changes, batch->count, &e));
        batch_free(batch);
    }
    assert_true(apply_copy_end(b.apply, b.conn, &e));
    assert_true(apply_copy_end(b.apply, b.conn, &e)); /* none is open */
    pg_fixture_exec(b.conn, "COMMIT");
    assert_string_equal(pg_fixture_text(b.conn, "SELECT count(*) || ' ' || sum(id) FROM dbo.items"),
                        "15000 112492500");
    schema_unref(s);
    schema_unref(other);
    bench_close(&b);
}

/* Many updates are one UPDATE from a temporary table; rows that aren't there are put all the same. */
static void updates_find_their_rows_and_put_those_that_are_missing(void **state) {
    (void)state;
    enum { ROWS = 3000 };
    Bench b = bench_open("CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int); "
                         "INSERT INTO dbo.items SELECT n, 'old', 0 FROM generate_series(1, 3000) AS n");
    const Schema *s = items("items", true);
    for (int round = 0; round < 2; round++) {
        Batch *batch = changes_batch(1, 2);
        for (int64_t i = 1; i <= ROWS + 5 * round; i++)
            add(batch, OP_UPDATE, s, item(batch, i, "new", i + round));
        Err e = {0};
        if (!apply_batch(&b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
        batch_free(batch);
        assert_string_equal(pg_fixture_text(b.conn,
                                            "SELECT count(*) || ' ' || sum(amount - id) FROM dbo.items "
                                            "WHERE \"Name\" = 'new'"),
                            round ? "3005 3005" : "3000 0");
        assert_string_equal(pg_fixture_text(b.conn, "SHOW enable_hashjoin"), "on");
    }
    schema_unref(s);
    bench_close(&b);
}

#define TOLD                                                                                                 \
    "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK (amount < 1000));"          \
    "CREATE TABLE dbo.told (what text);"                                                                     \
    "CREATE FUNCTION dbo.tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"                        \
    " $$BEGIN INSERT INTO dbo.told VALUES (left(current_query(), 4)); RETURN NULL; END$$;"                   \
    "CREATE TRIGGER tell AFTER INSERT ON dbo.items FOR EACH STATEMENT EXECUTE FUNCTION dbo.tell();"

/* Rows from..to-1 as new ones; what PostgreSQL was told to do, since the last call. */
static const char *put_new(Bench *b, const Schema *s, int64_t from, int64_t to, const char *name) {
    pg_fixture_exec(b->conn, "TRUNCATE dbo.told");
    Batch *batch = changes_batch(1, 2);
    for (int64_t i = from; i < to; i++) add(batch, OP_CREATE, s, item(batch, i, name, 0));
    Err e = {0};
    if (!apply_batch(b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
    batch_free(batch);
    return pg_fixture_text(b->conn, "SELECT string_agg(what, ' ') FROM dbo.told");
}

static void new_rows_go_straight_in_until_one_was_there(void **state) {
    (void)state;
    Bench b = bench_open(TOLD);
    const Schema *s = items("items", true);
    apply_set_small_rows(b.apply, 0);
    assert_string_equal(put_new(&b, s, 0, 100, "first"), "COPY");
    assert_string_equal(put_new(&b, s, 99, 200, "second"), "INSE"); /* 99 was there: undone, then put */
    assert_string_equal(
        pg_fixture_text(b.conn, "SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT \"Name\" || count(*) AS n"
                                " FROM dbo.items GROUP BY \"Name\") AS g"),
        "first99 second101");
    for (int64_t i = 0; i < 8; i++)
        assert_string_equal(put_new(&b, s, 1000 + 10 * i, 1010 + 10 * i, "x"), "INSE");
    assert_string_equal(put_new(&b, s, 2000, 2010, "x"), "COPY");
    assert_string_equal(put_new(&b, s, 2009, 2020, "x"), "INSE");
    assert_string_equal(put_new(&b, s, 2020, 2030, "x"),
                        "INSE"); /* a success has made the pause short again */
    schema_unref(s);
    bench_close(&b);
}

static void what_is_not_only_new_is_put_and_other_refusals_are_told(void **state) {
    (void)state;
    Bench b = bench_open(TOLD "INSERT INTO dbo.items VALUES (1, 'old', 0); TRUNCATE dbo.told");
    const Schema *s = items("items", true);
    apply_set_small_rows(b.apply, 0);
    Batch *batch = changes_batch(1, 2);
    add(batch, OP_DELETE, s, item(batch, 1, NULL, 0));
    add(batch, OP_CREATE, s, item(batch, 1, "again", 5));
    Err e = {0};
    if (!apply_batch(&b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
    batch_free(batch);
    assert_string_equal(pg_fixture_text(b.conn, "SELECT string_agg(what, ' ') FROM dbo.told"), "INSE");
    batch = changes_batch(1, 2);
    add(batch, OP_CREATE, s, item(batch, 7, "too much", 1000));
    assert_false(apply_batch(&b, batch, APPLY_COMPACTED, &e));
    assert_string_equal(pgconn_sqlstate(b.conn), "23514");
    batch_free(batch);
    assert_string_equal(text_of(&b, "items"), "1,again,5");
    schema_unref(s);
    bench_close(&b);
}

/* COPY isn't there for a table with row security: the rows are put. */
static void a_table_that_takes_no_copy_gets_its_rows(void **state) {
    (void)state;
    Bench b = bench_open(TOLD "CREATE ROLE mr_some_writer; GRANT ALL ON SCHEMA dbo TO mr_some_writer;"
                              "GRANT ALL ON ALL TABLES IN SCHEMA dbo TO mr_some_writer;"
                              "ALTER TABLE dbo.items ENABLE ROW LEVEL SECURITY;"
                              "CREATE POLICY all_rows ON dbo.items USING (true)");
    const Schema *s = items("items", true);
    apply_set_small_rows(b.apply, 0);
    pg_fixture_exec(b.conn, "SET ROLE mr_some_writer");
    assert_string_equal(put_new(&b, s, 0, 100, "row"), "INSE");
    assert_string_equal(pg_fixture_text(b.conn, "SELECT count(*) FROM dbo.items"), "100");
    pg_fixture_exec(b.conn, "RESET ROLE; DROP OWNED BY mr_some_writer; DROP ROLE mr_some_writer");
    schema_unref(s);
    bench_close(&b);
}

/* Compacted, without the order of the source to fall back to. */
static void a_parent_goes_after_its_children_moved_away(void **state) {
    (void)state;
    Bench b =
        bench_open("CREATE TABLE dbo.parent (id int PRIMARY KEY, \"Name\" text, amount int);"
                   "CREATE TABLE dbo.child (id int PRIMARY KEY, \"Name\" text, amount int REFERENCES "
                   "dbo.parent);"
                   "INSERT INTO dbo.parent VALUES (1, 'p', 1); INSERT INTO dbo.child VALUES (1, 'c', 1), "
                   "(2, 'c', 1)");
    const Schema *child = items("child", true), *parent = items("parent", true);
    Batch *batch = changes_batch(1, 2);
    add(batch, OP_CREATE, parent, item(batch, 2, "p", 1));
    add(batch, OP_UPDATE, child, item(batch, 1, "c", 2));
    add(batch, OP_DELETE, child, item(batch, 2, "c", 1));
    add(batch, OP_DELETE, parent, item(batch, 1, "p", 1));
    Err e = {0};
    if (!apply_batch(&b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
    assert_string_equal(text_of(&b, "parent"), "2,p,1");
    assert_string_equal(text_of(&b, "child"), "1,c,2");
    batch_free(batch);
    schema_unref(child);
    schema_unref(parent);
    bench_close(&b);
}

/* With a second unique index, the row that goes makes room for the one that comes. */
static void a_unique_value_moves_from_a_row_that_goes(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text UNIQUE, amount int);"
                         "INSERT INTO dbo.items VALUES (1, 'one', 1)");
    const Schema *s = items("items", true);
    Batch *batch = changes_batch(1, 2);
    add(batch, OP_DELETE, s, item(batch, 1, "one", 1));
    add(batch, OP_CREATE, s, item(batch, 2, "one", 1));
    Err e = {0};
    if (!apply_batch(&b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
    assert_string_equal(text_of(&b, "items"), "2,one,1");
    batch_free(batch);
    schema_unref(s);
    bench_close(&b);
}

/* A key that became another one, which the target takes for the same: the row stays, under the new key. */
static void a_key_that_is_the_same_to_the_target_keeps_its_row(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.codes (code char(5) PRIMARY KEY, amount int);"
                         "INSERT INTO dbo.codes VALUES ('a', 1)");
    const Column columns[] = {
        {.name = STR_LIT("code"), .type = SQLTYPE_VARCHAR, .length = 5, .key = 1, .column_id = 1},
        {.name = STR_LIT("amount"), .type = SQLTYPE_INT, .is_nullable = true, .column_id = 2},
    };
    const Schema *s = schema_of("codes", columns, 2);
    Err e = {0};
    Batch *batch = changes_batch(1, 2);
    Value *before = batch_row(batch, 2), *after = batch_row(batch, 2);
    before[0] = value_bytes("a", 1);
    after[0] = value_bytes("a ", 2);
    before[1] = after[1] = value_int(2);
    add(batch, OP_DELETE, s, before);
    add(batch, OP_CREATE, s, after);
    if (!apply_batch(&b, batch, APPLY_COMPACTED, &e)) fail_msg("%s", e.msg);
    assert_string_equal(pg_fixture_text(b.conn, "SELECT code || ',' || amount FROM dbo.codes"), "a,2");
    batch_free(batch);
    schema_unref(s);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_ends_in_the_same_rows),
        cmocka_unit_test(bags_agree_in_order_and_compacted),
        cmocka_unit_test(a_bag_with_unseen_columns_refuses_to_guess),
        cmocka_unit_test(updates_find_their_rows_and_put_those_that_are_missing),
        cmocka_unit_test(new_rows_go_straight_in_until_one_was_there),
        cmocka_unit_test(what_is_not_only_new_is_put_and_other_refusals_are_told),
        cmocka_unit_test(a_table_that_takes_no_copy_gets_its_rows),
        cmocka_unit_test(a_parent_goes_after_its_children_moved_away),
        cmocka_unit_test(a_unique_value_moves_from_a_row_that_goes),
        cmocka_unit_test(a_key_that_is_the_same_to_the_target_keeps_its_row),
        cmocka_unit_test(a_copy_goes_on_over_parts_until_it_is_ended),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
