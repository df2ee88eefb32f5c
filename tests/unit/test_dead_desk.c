#include "postgres/dead_desk.h"

#include <pthread.h>
#include <string.h>

#include "pg_rig.h"
#include "test.h"

static const Setting TOLERANT[] = {
    {"insert.mode", "upsert"},     {"pk.mode", "record_key"},
    {"delete.enabled", "true"},    {"schema.evolution", "basic"},
    {"quote.identifiers", "true"}, {"table.name.format", "${source.schema}.${source.table}"},
    {"errors.tolerance", "all"},   {NULL, NULL}};

/* Letters 1 and 2: id 1 and 2, amount 100; letter 3: id 1 again, amount 200. Row 9 is in. */
typedef struct Fix {
    Rig rig;
    const Schema *schema;
    DeadDesk *desk;
} Fix;

static DeadDesk *desk_of(Rig *r) {
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = r->metrics};
    DeadDesk *desk = NULL;
    Err e = {0};
    if (!dead_desk_open(r->options, &context, &desk, &e)) fail_msg("%s", e.msg);
    return desk;
}

static void fix_open(Fix *f) {
    rig_open(&f->rig, TOLERANT);
    f->schema = items("items", true);
    pg_fixture_exec(
        f->rig.conn,
        "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK (amount < 100))");
    begin(&f->rig, f->schema);
    for (uint32_t i = 0; i < 2; i++) {
        Batch *b = changes_batch(1 + i, 2 + i);
        add(b, OP_CREATE, f->schema, item(b, 9, "nine", 9));
        add(b, OP_UPDATE, f->schema, item(b, 1, "one", i ? 200 : 100));
        if (i == 0) add(b, OP_CREATE, f->schema, item(b, 2, "two", 100));
        must_put(f->rig.sink, b);
    }
    f->desk = desk_of(&f->rig);
}

static void fix_close(Fix *f) {
    dead_desk_close(f->desk);
    schema_unref(f->schema);
    rig_close(&f->rig);
}

static void allow(Fix *f, int below) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "ALTER TABLE dbo.items DROP CONSTRAINT items_amount_check, ADD CONSTRAINT items_amount_check "
               "CHECK (amount < %d)",
               below);
    pg_fixture_exec(f->rig.conn, buf_text(&sql));
}

static DeadOutcome replay(Fix *f, int64_t id, Err *e) {
    DeadOutcome outcome;
    if (!dead_desk_replay(f->desk, id, &outcome, e)) fail_msg("%s", e->msg);
    return outcome;
}

static const char *states(Fix *f) {
    return pg_fixture_text(f->rig.conn, "SELECT state FROM millrace.dead_letter ORDER BY id");
}

static void letters_are_replayed_in_order_once_the_target_takes_them(void **state) {
    (void)state;
    Fix f;
    Err e = {0};
    fix_open(&f);
    assert_int_equal(replay(&f, 1, &e), DEAD_REFUSED);
    assert_non_null(strstr(e.msg, "23514"));
    assert_string_equal(states(&f), "open|open|open");
    allow(&f, 101);
    assert_int_equal(replay(&f, 3, &e), DEAD_BEHIND);
    assert_int_equal(replay(&f, 1, &e), DEAD_REPLAYED);
    assert_int_equal(replay(&f, 1, &e), DEAD_GONE);
    assert_int_equal(replay(&f, 99, &e), DEAD_GONE);
    assert_int_equal(replay(&f, 3, &e), DEAD_REFUSED);
    assert_int_equal(replay(&f, 2, &e), DEAD_REPLAYED);
    assert_string_equal(states(&f), "replayed|replayed|open");
    assert_string_equal(rows_of(&f.rig, "items"), "1,one,100|2,two,100|9,nine,9");
    allow(&f, 1000);
    assert_int_equal(replay(&f, 3, &e), DEAD_REPLAYED);
    assert_string_equal(rows_of(&f.rig, "items"), "1,one,200|2,two,100|9,nine,9");
    fix_close(&f);
}

typedef struct Beside {
    Fix *fix;
    DeadOutcome outcome;
    Err e;
} Beside;

static void *replay_beside(void *arg) {
    Beside *b = arg;
    b->outcome = replay(b->fix, 1, &b->e);
    return NULL;
}

static void wait_for_lock(Fix *f) {
    for (;;) {
        const char *n = pg_fixture_text(f->rig.conn, "SELECT count(*) FROM pg_locks WHERE NOT granted");
        if (strcmp(n, "0") != 0) return;
    }
}

/* The stream's transaction has marked the letter and is open: the replay waits, and finds nothing to do. */
static void a_replay_that_comes_second_finds_the_letter_superseded(void **state) {
    (void)state;
    Fix f;
    fix_open(&f);
    allow(&f, 1000);
    PgConn *stream = pg_fixture_connect();
    pg_fixture_exec(stream,
                    "BEGIN; UPDATE millrace.dead_letter SET state = 'superseded', closed = now() WHERE "
                    "id IN (1, 3); INSERT INTO dbo.items VALUES (1, 'later', 7)");
    Beside b = {.fix = &f};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, replay_beside, &b), 0);
    wait_for_lock(&f);
    pg_fixture_exec(stream, "COMMIT");
    pthread_join(thread, NULL);
    assert_int_equal(b.outcome, DEAD_GONE);
    assert_string_equal(rows_of(&f.rig, "items"), "1,later,7|9,nine,9");
    pgconn_close(stream);
    fix_close(&f);
}

static void *put_later(void *arg) {
    Beside *b = arg;
    Batch *batch = changes_batch(3, 4);
    add(batch, OP_UPDATE, b->fix->schema, item(batch, 1, "later", 7));
    must_put(b->fix->rig.sink, batch);
    return NULL;
}

/* The replay has locked the letter and written: the stream waits, and its later change overwrites. */
static void a_later_change_that_comes_second_overwrites_the_replay(void **state) {
    (void)state;
    Fix f;
    fix_open(&f);
    PgConn *replayer = pg_fixture_connect();
    pg_fixture_exec(replayer, "BEGIN; SELECT 1 FROM millrace.dead_letter WHERE id = 1 AND state = 'open' FOR "
                              "UPDATE; INSERT INTO dbo.items VALUES (1, 'one', 99)");
    Beside b = {.fix = &f};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, put_later, &b), 0);
    wait_for_lock(&f);
    pg_fixture_exec(replayer, "UPDATE millrace.dead_letter SET state = 'replayed' WHERE id = 1; COMMIT");
    pthread_join(thread, NULL);
    assert_string_equal(states(&f), "replayed|open|superseded");
    assert_string_equal(rows_of(&f.rig, "items"), "1,later,7|9,nine,9");
    pgconn_close(replayer);
    fix_close(&f);
}

typedef struct Seen {
    size_t count;
    int64_t last;
} Seen;

static void see(void *arg, const DeadLetter *l) {
    Seen *s = arg;
    s->count++;
    assert_true(l->id > s->last);
    s->last = l->id;
    assert_string_equal(l->pipeline, "t");
    assert_string_equal(l->table, "dbo.items");
    assert_string_equal(l->constraint, "items_amount_check");
    assert_non_null(strstr(l->payload, "\"after\":{\"id\":"));
}

static void they_are_listed_and_purged_by_filter(void **state) {
    (void)state;
    Fix f;
    Err e = {0};
    int64_t count = 0;
    const int64_t two = 2;
    fix_open(&f);
    Seen all = {0}, one = {0}, none = {0};
    assert_true(dead_desk_list(f.desk, &(DeadFilter){.pipeline = "t", .table = "dbo.items"}, see, &all, &e));
    assert_true(dead_desk_list(f.desk, &(DeadFilter){.ids = &two, .id_count = 1}, see, &one, &e));
    assert_true(dead_desk_list(f.desk, &(DeadFilter){.pipeline = "other"}, see, &none, &e));
    assert_int_equal(all.count, 3);
    assert_int_equal(one.count, 1);
    assert_int_equal(none.count, 0);
    assert_true(dead_desk_purge(f.desk, &(DeadFilter){.state = "replayed"}, &count, &e) && count == 0);
    assert_true(dead_desk_purge(f.desk, &(DeadFilter){.ids = &two, .id_count = 1}, &count, &e) && count == 1);
    assert_string_equal(states(&f), "open|open");
    fix_close(&f);
}

static void a_target_without_letters_has_none(void **state) {
    (void)state;
    Fix f;
    Err e = {0};
    int64_t count = 7;
    Seen none = {0};
    fix_open(&f);
    pg_fixture_exec(f.rig.conn, "DROP TABLE millrace.dead_letter");
    assert_true(dead_desk_list(f.desk, &(DeadFilter){.pipeline = "t"}, see, &none, &e) && none.count == 0);
    assert_true(dead_desk_purge(f.desk, &(DeadFilter){.pipeline = "t"}, &count, &e) && count == 0);
    assert_int_equal(replay(&f, 1, &e), DEAD_GONE);
    fix_close(&f);
}

static void a_payload_that_was_tampered_with_is_refused(void **state) {
    (void)state;
    Fix f;
    Err e = {0};
    fix_open(&f);
    pg_fixture_exec(f.rig.conn, "UPDATE millrace.dead_letter SET payload = '{\"op\":\"c\"}' WHERE id = 1;"
                                "UPDATE millrace.dead_letter SET target = 'elsewhere' WHERE id = 2");
    assert_int_equal(replay(&f, 1, &e), DEAD_REFUSED);
    assert_int_equal(replay(&f, 2, &e), DEAD_REFUSED);
    assert_non_null(strstr(e.msg, "elsewhere"));
    assert_string_equal(states(&f), "open|open|open");
    fix_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_replayed_in_order_once_the_target_takes_them),
        cmocka_unit_test(a_replay_that_comes_second_finds_the_letter_superseded),
        cmocka_unit_test(a_later_change_that_comes_second_overwrites_the_replay),
        cmocka_unit_test(they_are_listed_and_purged_by_filter),
        cmocka_unit_test(a_target_without_letters_has_none),
        cmocka_unit_test(a_payload_that_was_tampered_with_is_refused),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
