#include "postgres/quarantine.h"

#include <string.h>

#include "pg_faults.h"
#include "pg_rig.h"
#include "test.h"

#define COMMON                                                                                               \
    {"insert.mode", "upsert"}, {"pk.mode", "record_key"}, {"delete.enabled", "true"},                        \
        {"schema.evolution", "basic"}, {"quote.identifiers", "true"}, {                                      \
        "table.name.format", "${source.schema}.${source.table}"                                              \
    }
static const Setting TOLERANT[] = {COMMON, {"errors.tolerance", "all"}, {NULL, NULL}};
static const Setting LIMITED[] = {
    COMMON, {"errors.tolerance", "all"}, {"dlq.limit.per.minute", "3"}, {NULL, NULL}};
static const Setting MINUTE[] = {
    COMMON, {"errors.tolerance", "all"}, {"errors.retry.timeout", "60000"}, {NULL, NULL}};
static const Setting PATIENT[] = {
    COMMON, {"errors.tolerance", "all"}, {"errors.retry.timeout", "-1"}, {NULL, NULL}};

static const Schema *start(Rig *r, const Setting *settings, const char *ddl) {
    rig_open(r, settings);
    const Schema *s = items("items", true);
    pg_fixture_exec(r->conn, ddl);
    begin(r, s);
    return s;
}

static void end(Rig *r, const Schema *s) {
    schema_unref(s);
    rig_close(r);
}

#define CHECKED                                                                                              \
    "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK (amount < 100000))"

#define REFERRING                                                                                            \
    "CREATE TABLE dbo.other (id int PRIMARY KEY);"                                                           \
    "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int REFERENCES dbo.other)"

static const char *letters(Rig *r) {
    return pg_fixture_text(r->conn, "SELECT concat_ws(' ', key, state, op, coalesce(sqlstate, '-')) FROM "
                                    "millrace.dead_letter ORDER BY id");
}

static const char *count_of(Rig *r) {
    return pg_fixture_text(r->conn, "SELECT count(*) FROM dbo.items");
}

static void the_refused_rows_are_set_aside_and_the_rest_is_in(void **state) {
    (void)state;
    for (int size = 0; size < 2; size++) { /* arrays, and a temporary table */
        Rig r;
        const Schema *s = start(&r, TOLERANT, CHECKED);
        int64_t n = size ? 5000 : 50;
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < n; i++)
            add(b, OP_CREATE, s, item(b, i, "x", i == 0 || i == 17 || i == n - 1 ? 100000 : i));
        must_put(r.sink, b);
        assert_int_equal(strtol(count_of(&r), NULL, 10), n - 3);
        assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM millrace.dead_letter WHERE state = "
                                                    "'open' AND sqlstate = '23514' AND constraint_name = "
                                                    "'items_amount_check' AND position IS NOT NULL"),
                            "3");
        assert_int_equal(
            metric_value(metrics_find(r.metrics, "millrace_dead_letters_total", STR_LIT("dbo.items"))), 3);
        assert_int_equal(
            metric_value(metrics_find(r.metrics, "millrace_inserts_applied_total", STR_LIT("dbo.items"))),
            n - 3);
        StoredState stored = own(r.sink);
        Position two = at(2);
        assert_int_equal(position_cmp(&stored.position, &two), 0);
        stored_state_done(&stored);
        end(&r, s);
    }
}

static void without_tolerance_table_key_position_and_cure_are_named(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, UPSERT, CHECKED);
    Batch *b = changes_batch(1, 2);
    for (int64_t i = 0; i < 3000; i++) add(b, OP_CREATE, s, item(b, i, "secret", i == 1234 ? 100000 : i));
    Err e = {0};
    assert_false(put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    const char *const said[] = {"dbo.items, key {\"id\":1234} at 00000001:00000002:0001", "23514",
                                "items_amount_check", "errors.tolerance=all"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(e.msg, said[i])) fail_msg("%s", e.msg);
    assert_null(strstr(e.msg, "secret"));
    assert_string_equal(count_of(&r), "0");
    assert_string_equal(letters(&r), "");
    end(&r, s);
}

static void a_value_that_cannot_be_encoded_names_its_row_and_column(void **state) {
    (void)state;
    for (int size = 0; size < 2; size++) {
        Rig r;
        const Schema *s = start(&r, TOLERANT, "SELECT 1");
        int64_t n = size ? 4000 : 20;
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < n; i++) {
            const Value *row = item(b, i, "ab", i);
            if (i % 5 == 3) ((char *)(uintptr_t)row[1].v.p)[1] = '\0';
            add(b, OP_CREATE, s, row);
        }
        must_put(r.sink, b);
        assert_int_equal(strtol(count_of(&r), NULL, 10), n - n / 5);
        assert_string_equal(
            pg_fixture_text(r.conn,
                            "SELECT DISTINCT concat_ws(' ', sqlstate, column_name, payload::text LIKE "
                            "'%\"Name\":\"a\\\\u0000\"%') FROM millrace.dead_letter"),
            "22000 Name t");
        end(&r, s);
    }
}

static void chunks_of_a_first_copy_lose_only_the_refused_rows(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, TOLERANT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, CHECKED);
    must_put(r.sink, table_batch(s, BATCH_COPY_FIRST));
    must_put(r.sink, changes_batch(0, 1));
    for (uint32_t part = 0; part < 4; part++) {
        Batch *b = rows_batch(s, part / 2, part % 2 == 0, part % 2 == 1, /* is_plain= */ true);
        for (uint32_t i = 0; i < 2000; i++)
            add(b, OP_READ, s, item(b, part * 2000 + i, "row", part > 0 && i == 7 ? 100000 : i));
        must_put(r.sink, b);
    }
    assert_string_equal(count_of(&r), "7997");
    assert_string_equal(letters(&r),
                        "{\"id\":2007} open r 23514|{\"id\":4007} open r 23514|{\"id\":6007} open "
                        "r 23514");
    assert_int_equal(
        metric_value(metrics_find(r.metrics, "millrace_rows_copied_total", STR_LIT("dbo.items"))), 7997);
    end(&r, s);
}

static void a_later_change_of_the_key_supersedes_its_letters(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT, CHECKED);
    Batch *b = changes_batch(1, 2);
    for (int i = 0; i < 20; i++) add(b, OP_CREATE, s, item(b, i, "x", i == 5 || i == 6 ? 100000 : i));
    must_put(r.sink, b);
    b = changes_batch(2, 3);
    add(b, OP_UPDATE, s, item(b, 5, "good", 5));
    add(b, OP_DELETE, s, item(b, 6, NULL, -1));
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":5} superseded c 23514|{\"id\":6} superseded c 23514");
    assert_string_equal(pg_fixture_text(r.conn,
                                        "SELECT DISTINCT superseded_by LIKE '00000001:00000003:0001%' FROM "
                                        "millrace.dead_letter"),
                        "t");
    assert_string_equal(pg_fixture_text(r.conn, "SELECT \"Name\" FROM dbo.items WHERE id = 5"), "good");
    end(&r, s);
}

/* What the copy doesn't bring keeps its letter. */
static void a_copy_on_demand_supersedes_letters_of_the_rows_it_brings(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT, CHECKED);
    Batch *b = changes_batch(1, 2);
    for (int i = 0; i < 20; i++) add(b, OP_CREATE, s, item(b, i, "x", i == 5 || i == 6 ? 100000 : i));
    must_put(r.sink, b);
    b = table_batch(s, BATCH_COPY_BESIDE);
    b->table.asked = BATCH_ASKED;
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":5} open c 23514|{\"id\":6} open c 23514");
    b = rows_batch(s, 0, /* is_first= */ true, /* is_last= */ true, /* is_plain= */ false);
    add(b, OP_READ, s, item(b, 5, "good", 5));
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":5} superseded c 23514|{\"id\":6} open c 23514");
    b = table_batch(s, BATCH_COPY_BESIDE);
    b->table.empties = true;
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":5} superseded c 23514|{\"id\":6} superseded c 23514");
    end(&r, s);
}

static bool is_next(const LanePeers *p, const Batch *chunk, Err *e) {
    (void)p, (void)chunk, (void)e;
    return true;
}

static void put_and_tell(Sink *sink, Sink *other, Batch *b) {
    (void)batch_ref(b);
    must_put(sink, b);
    postgres_sink_class.learn(other, b);
    batch_free(b);
}

/* A chunk goes to any lane, the row's changes to one of them. */
static void a_lane_supersedes_the_letter_that_another_has_set_aside(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, TOLERANT);
    const Schema *s = items("items", true);
    pg_fixture_exec(r.conn, CHECKED);
    LanesStart lanes;
    StoredState stored = {0};
    Err e = {0};
    if (!postgres_sink_class.own_all(r.sink, 2, &lanes, &stored, &e)) fail_msg("%s", e.msg);
    stored_state_done(&stored);
    const LanePeers peers[] = {{.lane = 0, .count = 2, .await_chunk = is_next},
                               {.lane = 1, .count = 2, .await_chunk = is_next}};
    postgres_sink_class.join(r.sink, &peers[0]);
    const ConnectorContext context = {.name = "t",
                                      .topic_prefix = "srv",
                                      .lane = 1,
                                      .peers = &peers[1],
                                      .metrics = r.metrics,
                                      .is_stopping = &r.is_stopping};
    Sink *other = NULL;
    if (!postgres_sink_class.start(r.options, &context, &other, &e)) fail_msg("%s", e.msg);
    stored = own(other);
    stored_state_done(&stored);
    put_and_tell(r.sink, other, table_batch(s, BATCH_COPY_FIRST));
    put_and_tell(r.sink, other, changes_batch(0, 1));
    for (uint32_t chunk = 0; chunk < 2; chunk++) {
        Batch *b = rows_batch(s, chunk, /* is_first= */ true, /* is_last= */ true, /* is_plain= */ false);
        add(b, OP_READ, s, item(b, chunk, "x", chunk ? 1 : 100000));
        put_and_tell(other, r.sink, b);
    }
    assert_string_equal(letters(&r), "{\"id\":0} open r 23514");
    must_put(other, batch_new(BATCH_END));
    must_put(r.sink, batch_new(BATCH_END));
    Batch *b = changes_batch(1, 2);
    add(b, OP_UPDATE, s, item(b, 0, "good", 5));
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":0} superseded r 23514");
    postgres_sink_class.stop(other);
    end(&r, s);
}

static void what_is_refused_and_made_good_in_one_batch_leaves_no_letter(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT, CHECKED);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 100000));
    add(b, OP_CREATE, s, item(b, 2, "x", 100000));
    add(b, OP_UPDATE, s, item(b, 1, "y", 1));
    must_put(r.sink, b);
    assert_string_equal(letters(&r), "{\"id\":2} open c 23514");
    assert_string_equal(rows_of(&r, "items"), "1,y,1");
    end(&r, s);
}

static const Value *partial(Batch *b, int64_t id, int64_t amount) {
    Value *row = batch_row(b, 3);
    row[0] = value_int(id);
    row[1] = (Value){.flags = VALUE_ABSENT};
    row[2] = value_int(amount);
    return row;
}

static void a_partial_change_waits_behind_the_letter_of_its_row(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT, CHECKED);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "whole", 100000));
    add(b, OP_CREATE, s, item(b, 2, "x", 2));
    add(b, OP_UPDATE, s, partial(b, 1, 7)); /* in the same batch: compacted it would be whole */
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,whole,7|2,x,2");
    b = changes_batch(2, 3);
    add(b, OP_CREATE, s, item(b, 3, "whole", 100000));
    must_put(r.sink, b);
    b = changes_batch(3, 4);
    add(b, OP_UPDATE, s, partial(b, 3, 8));
    add(b, OP_UPDATE, s, partial(b, 2, 9));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,whole,7|2,x,9");
    assert_string_equal(letters(&r), "{\"id\":3} open c 23514|{\"id\":3} open u -");
    /* the row's letters are replayed beside us: the next one may go on */
    pg_fixture_exec(r.conn, "UPDATE millrace.dead_letter SET state = 'replayed', closed = now()");
    b = changes_batch(4, 5);
    add(b, OP_UPDATE, s, partial(b, 3, 10));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,whole,7|2,x,9|3,-,10");
    end(&r, s);
}

static void a_whole_table_refused_alike_fails_and_nothing_is_set_aside(void **state) {
    (void)state;
    for (int size = 0; size < 2; size++) {
        Rig r;
        const Schema *s = start(&r, TOLERANT,
                                "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK "
                                "(amount < 0))");
        Batch *b = changes_batch(1, 2);
        for (int64_t i = 0; i < (size ? 3000 : QUARANTINE_HANDFUL + 1); i++)
            add(b, OP_CREATE, s, item(b, i, "x", 1));
        Err e = {0};
        assert_false(put(r.sink, b, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, "refused alike"));
        assert_string_equal(letters(&r), "");
        b = changes_batch(1, 2); /* a handful may be the rows' fault */
        for (int64_t i = 0; i < QUARANTINE_HANDFUL; i++) add(b, OP_CREATE, s, item(b, i, "x", 1));
        must_put(r.sink, b);
        end(&r, s);
    }
}

static void a_table_refused_batch_after_batch_fails_too(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT,
                            "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int CHECK "
                            "(amount < 0))");
    Err e = {0};
    bool ok = true;
    uint32_t n = 0;
    for (; ok && n < 2 * QUARANTINE_RUN; n++) {
        Batch *b = changes_batch(n + 1, n + 2);
        add(b, OP_CREATE, s, item(b, n, "x", 1));
        ok = put(r.sink, b, &e);
    }
    assert_false(ok);
    assert_int_equal(n, QUARANTINE_RUN);
    assert_non_null(strstr(e.msg, "refused alike"));
    end(&r, s);
}

static void what_is_wrong_with_the_table_is_no_rows_fault(void **state) {
    (void)state;
    static const char *const wrong[] = {"ALTER TABLE dbo.items DROP COLUMN amount", "DROP TABLE dbo.items",
                                        "ALTER TABLE dbo.items DROP CONSTRAINT items_pkey"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Rig r;
        const Schema *s = start(&r, TOLERANT, CHECKED);
        Batch *b = changes_batch(1, 2);
        add(b, OP_CREATE, s, item(b, 1, "x", 1));
        must_put(r.sink, b);
        pg_fixture_exec(r.conn, wrong[i]);
        b = changes_batch(2, 3);
        add(b, OP_CREATE, s, item(b, 2, "x", 1));
        Err e = {0};
        assert_false(put(r.sink, b, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(letters(&r), "");
        end(&r, s);
    }
}

static void the_limit_of_a_minute_fails_the_task_and_keeps_none_of_the_batch(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, LIMITED, CHECKED);
    for (uint32_t i = 0; i < 2; i++) {
        Batch *b = changes_batch(1 + i, 2 + i);
        add(b, OP_CREATE, s, item(b, 10 * i + 3, "x", 3));
        add(b, OP_CREATE, s, item(b, 10 * i + 1, "x", 100000));
        add(b, OP_CREATE, s, item(b, 10 * i + 2, "x", 100000));
        Err e = {0};
        bool ok = put(r.sink, b, &e);
        assert_true(ok == (i == 0));
        if (!ok) assert_non_null(strstr(e.msg, "dlq.limit.per.minute"));
    }
    assert_string_equal(letters(&r), "{\"id\":1} open c 23514|{\"id\":2} open c 23514");
    assert_string_equal(rows_of(&r, "items"), "3,x,3");
    end(&r, s);
}

/* Neither order of the changes is one that an immediate foreign key to itself allows row by row. */
static void a_row_that_came_too_early_is_tried_again_when_the_rest_is_in(void **state) {
    (void)state;
    Rig r;
    const Schema *s =
        start(&r, TOLERANT,
              "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount int REFERENCES "
              "dbo.items CHECK (amount < 100000))");
    Batch *b = changes_batch(1, 2);
    for (int64_t i = 0; i < 40; i++) add(b, OP_CREATE, s, item(b, i, "x", i < 39 ? i + 1 : -1));
    add(b, OP_CREATE, s, item(b, 50, "x", 60));
    add(b, OP_CREATE, s, item(b, 51, "x", 100000));
    must_put(r.sink, b);
    assert_string_equal(count_of(&r), "40");
    assert_string_equal(letters(&r), "{\"id\":50} open c 23503|{\"id\":51} open c 23514");
    end(&r, s);
}

static void a_constraint_that_others_may_mend_is_retried_as_long_as_is_said(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, PATIENT, REFERRING);
    Err e = {0};
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 5));
    assert_false(put(r.sink, b, &e));
    assert_true(e.retriable);
    assert_non_null(strstr(e.msg, "errors.retry.timeout"));
    assert_true(e.retry_until_us == INT64_MAX); /* for ever, whatever the number of tries */
    pg_fixture_exec(r.conn, "INSERT INTO dbo.other VALUES (5)");
    StoredState stored = own(r.sink);
    stored_state_done(&stored);
    b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 5));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,x,5");
    assert_string_equal(letters(&r), "");
    end(&r, s);
}

/* As after a failure: what the process remembers stays. */
static void start_again(Rig *r, Ownership *ownership) {
    postgres_sink_class.stop(r->sink);
    const ConnectorContext context = {.name = "t",
                                      .topic_prefix = "srv",
                                      .metrics = r->metrics,
                                      .ownership = ownership,
                                      .is_stopping = &r->is_stopping};
    Err e = {0};
    if (!postgres_sink_class.start(r->options, &context, &r->sink, &e)) fail_msg("%s", e.msg);
    StoredState stored = own(r->sink);
    stored_state_done(&stored);
}

static void each_lane_remembers_since_when_a_change_is_refused(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, PATIENT, REFERRING);
    Ownership ownership = {.refused = {[1] = {.batch = 9, .since_us = 1}}};
    int64_t first_us = 0;
    for (int i = 0; i < 2; i++) {
        start_again(&r, &ownership);
        Err e = {0};
        Batch *b = changes_batch(1, 2);
        add(b, OP_CREATE, s, item(b, 1, "x", 5));
        assert_false(put(r.sink, b, &e));
        assert_non_null(strstr(e.msg, "errors.retry.timeout"));
        if (i == 0) first_us = ownership.refused[0].since_us;
    }
    assert_true(first_us > 0 && ownership.refused[0].since_us == first_us);
    assert_int_equal(ownership.refused[1].batch, 9);
    assert_int_equal(ownership.refused[1].since_us, 1);
    end(&r, s);
}

/* A transaction of `parts` batches, each with an item 10 * part + 1 that refers to a row of dbo.other, 5. The
 * last put's outcome. */
static bool put_referring(Rig *r, const Schema *s, uint32_t to, uint32_t parts, Err *e) {
    bool ok = true;
    for (uint32_t i = 0; i < parts && ok; i++) {
        Batch *b = batch_new(BATCH_CHANGES);
        b->from = i > 0 ? inside(to, 10 * i) : at(to - 1);
        b->to = i < parts - 1 ? inside(to, 10 * (i + 1)) : at(to);
        b->ends_transaction = i == parts - 1;
        for (uint32_t k = 1; k < 4; k++) {
            add(b, OP_CREATE, s, item(b, 10 * i + k, "x", k == 2 ? -1 : 5));
            b->changes[k - 1].position = inside(to, 10 * i + k);
        }
        ok = put(r->sink, b, e);
    }
    return ok;
}

/* Several are refused, in one batch and in several of a transaction: none waits anew for another's sake. */
static void the_time_to_try_again_is_that_of_the_whole_transaction(void **state) {
    (void)state;
    for (uint32_t parts = 1; parts < 4; parts++) {
        Rig r;
        const Schema *s = start(&r, MINUTE, REFERRING);
        Ownership ownership = {0};
        Err e = {0};
        for (int i = 0; i < 2; i++) {
            start_again(&r, &ownership);
            assert_false(put_referring(&r, s, 2, parts, &e));
            assert_true(e.retriable);
        }
        ownership.refused[0].since_us -= INT64_C(61) * 1000 * 1000; /* as if it had been a minute ago */
        start_again(&r, &ownership);
        if (!put_referring(&r, s, 2, parts, &e)) fail_msg("%s", e.msg);
        assert_int_equal(strtol(count_of(&r), NULL, 10), parts);
        assert_int_equal(
            strtol(pg_fixture_text(r.conn, "SELECT count(*) FROM millrace.dead_letter"), NULL, 10),
            2 * parts);
        assert_int_equal(ownership.refused[0].since_us, 0);
        end(&r, s);
    }
}

static void a_chunk_that_is_read_again_is_known_again(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, MINUTE,
                            "CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text UNIQUE, amount int);"
                            "INSERT INTO dbo.items VALUES (7, 'x')");
    Ownership ownership = {0};
    int64_t first_us = 0;
    start_again(&r, &ownership);
    Batch *table = table_batch(s, BATCH_COPY_BESIDE);
    table->table.asked = BATCH_ASKED;
    must_put(r.sink, table);
    for (uint32_t i = 0; i < 2; i++) {
        Err e = {0};
        Batch *b = rows_batch(s, 0, /* is_first= */ true, /* is_last= */ true, /* is_plain= */ false);
        add(b, OP_READ, s, item(b, 1, "x", 5));
        b->changes[0].position = at(5 + i);
        assert_false(put(r.sink, b, &e));
        assert_true(e.retriable);
        if (i == 0) first_us = ownership.refused[0].since_us;
        StoredState stored = own(r.sink);
        stored_state_done(&stored);
    }
    assert_true(first_us > 0 && ownership.refused[0].since_us == first_us);
    end(&r, s);
}

static void inside_a_long_transaction_the_earlier_batches_stay(void **state) {
    (void)state;
    Rig r;
    const Schema *s = start(&r, TOLERANT, CHECKED);
    for (uint32_t i = 0; i < 3; i++) {
        Batch *b = batch_new(BATCH_CHANGES);
        b->from = i ? inside(2, i * 1000) : at(1);
        b->to = i < 2 ? inside(2, (i + 1) * 1000) : at(2);
        b->ends_transaction = i == 2;
        for (uint32_t j = 0; j < 700; j++) {
            add(b, OP_CREATE, s, item(b, i * 700 + j, "x", j == 33 ? 100000 : 1));
            b->changes[j].position = inside(2, i * 1000 + j + 1);
        }
        must_put(r.sink, b);
        assert_string_equal(count_of(&r), i < 2 ? "0" : "2097");
    }
    assert_string_equal(pg_fixture_text(r.conn, "SELECT count(*) FROM millrace.dead_letter"), "3");
    end(&r, s);
}

static void rows_of_a_table_without_a_key_are_set_aside_by_content(void **state) {
    (void)state;
    Rig r;
    rig_open(&r, TOLERANT);
    const Schema *s = items("items", false);
    pg_fixture_exec(r.conn,
                    "CREATE TABLE dbo.items (id int, \"Name\" text, amount int CHECK (amount < 100000))");
    begin(&r, s);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, s, item(b, 1, "x", 1));
    add(b, OP_CREATE, s, item(b, 1, "x", 100000));
    must_put(r.sink, b);
    b = changes_batch(2, 3);
    add(b, OP_DELETE, s, item(b, 1, "x", 100000)); /* the row that isn't there */
    add(b, OP_CREATE, s, item(b, 2, "x", 2));
    must_put(r.sink, b);
    assert_string_equal(rows_of(&r, "items"), "1,x,1|2,x,2");
    assert_string_equal(
        pg_fixture_text(r.conn,
                        "SELECT concat_ws(' ', key, op, sqlstate, key_hash) FROM millrace.dead_letter "
                        "ORDER BY id"),
        "{\"id\":1,\"Name\":\"x\",\"amount\":100000} c 23514|{\"id\":1,\"Name\":\"x\",\"amount\":100000} d "
        "22000");
    end(&r, s);
}

/* ---- each call to PostgreSQL fails once in turn ---- */

enum { STEPS = 7, MANY = 1600 };

/* The k-th batch of a stream that goes by every way: DDL, a copied chunk, arrays, a temporary table, a batch
 * taken apart, letters superseded. `from` is what is stored. */
static Batch *nth_batch(const Schema *s, uint32_t k) {
    Batch *b = changes_batch(k - 1, k);
    if (k == 3)
        for (int64_t i = 0; i < 8; i++) add(b, OP_CREATE, s, item(b, i, "x", i > 5 ? 100000 : i));
    if (k == 4)
        for (int64_t i = 0; i < MANY; i++) add(b, OP_UPDATE, s, item(b, i + 100, "y", i));
    if (k == 5) add(b, OP_UPDATE, s, item(b, 6, "good", 6));
    for (int64_t i = 0; k == 6 && i < MANY; i++) {
        const Value *row = item(b, i + 100, "z", i + 1);
        if (i == 9) *(char *)(uintptr_t)row[1].v.p = '\0';
        add(b, OP_UPDATE, s, row);
    }
    if (k == 7) add(b, OP_DELETE, s, item(b, 3, NULL, -1));
    return b;
}

/* The sink, started and owned; what is stored. Tried until it succeeds: the fault comes once. */
static uint32_t restart(Rig *r, StoredState *ret) {
    const ConnectorContext context = {
        .name = "t", .topic_prefix = "srv", .metrics = r->metrics, .is_stopping = &r->is_stopping};
    for (int tries = 0; tries < 3; tries++) {
        Err e = {0};
        if (r->sink) postgres_sink_class.stop(r->sink);
        r->sink = NULL;
        StoredState state = {0};
        if (postgres_sink_class.start(r->options, &context, &r->sink, &e) &&
            postgres_sink_class.own(r->sink, &state, &e)) {
            uint32_t stored = 0;
            for (uint32_t k = 1; k <= STEPS && state.has_position; k++) {
                Position p = at(k);
                if (position_cmp(&state.position, &p) == 0) stored = k;
            }
            if (ret) *ret = state;
            else stored_state_done(&state);
            return stored;
        }
        assert_true(e.msg[0] != '\0');
        assert_true(e.retriable);
    }
    fail_msg("it doesn't start again");
    return 0;
}

/* The worker's part (worker/direct.c): put, and after a failure the same again or from what is stored. */
static void carry(Rig *r, const Schema *s) {
    StoredState state = {0};
    uint32_t done = restart(r, &state);
    bool has_table = stored_state_table(&state, s->schema, s->table) != NULL;
    stored_state_done(&state);
    for (int failures = 0; done < STEPS;) {
        Err e = {0};
        Batch *b = has_table ? nth_batch(s, done + 1) : table_batch(s, BATCH_COPY_NONE);
        if (has_table && done == 0) b->from = (Position){0};
        bool ok = put(r->sink, b, &e);
        if (ok && has_table) done++;
        if (ok) has_table = true;
        if (ok) continue;
        assert_true(e.msg[0] != '\0');
        if (!e.retriable) fail_msg("%s", e.msg);
        assert_true(++failures <= 2);
        done = restart(r, &state);
        has_table = stored_state_table(&state, s->schema, s->table) != NULL;
        stored_state_done(&state);
    }
}

static void whichever_call_fails_nothing_is_lost_doubled_or_half_done(void **state) {
    (void)state;
    long last = 0;
    for (long n = 1; n == 1 || n <= last; n++) {
        Rig r = {.conn = pg_fixture_connect(), .metrics = metrics_new(), .options = options_of(TOLERANT)};
        const Schema *s = items("items", true);
        pg_fixture_exec(r.conn,
                        "DROP SCHEMA IF EXISTS dbo CASCADE; DROP SCHEMA IF EXISTS millrace CASCADE;"
                        "CREATE SCHEMA dbo; CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, "
                        "amount int CHECK (amount < 100000))");
        fault_mode = n % 2 ? FAULT_BEFORE : FAULT_BEHIND; /* behind the one or before the next */
        fault_calls = 0;
        fault_countdown = n;
        fault_is_armed = true;
        carry(&r, s);
        fault_is_armed = false;
        if (n == 1) last = fault_calls;
        assert_string_equal(
            pg_fixture_text(r.conn, "SELECT concat_ws(' ', count(*), sum(amount), count(*) FILTER (WHERE "
                                    "\"Name\" = 'z'), count(*) FILTER (WHERE id = 6 AND \"Name\" = 'good')) "
                                    "FROM dbo.items"),
            "1606 1280817 1599 1");
        assert_string_equal(
            letters(&r), "{\"id\":6} superseded c 23514|{\"id\":7} open c 23514|{\"id\":109} open u 22000");
        postgres_sink_class.stop(r.sink);
        options_free(r.options);
        metrics_free(r.metrics);
        pgconn_close(r.conn);
        schema_unref(s);
    }
    assert_true(last > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_refused_rows_are_set_aside_and_the_rest_is_in),
        cmocka_unit_test(without_tolerance_table_key_position_and_cure_are_named),
        cmocka_unit_test(a_value_that_cannot_be_encoded_names_its_row_and_column),
        cmocka_unit_test(chunks_of_a_first_copy_lose_only_the_refused_rows),
        cmocka_unit_test(a_later_change_of_the_key_supersedes_its_letters),
        cmocka_unit_test(a_copy_on_demand_supersedes_letters_of_the_rows_it_brings),
        cmocka_unit_test(a_lane_supersedes_the_letter_that_another_has_set_aside),
        cmocka_unit_test(what_is_refused_and_made_good_in_one_batch_leaves_no_letter),
        cmocka_unit_test(a_partial_change_waits_behind_the_letter_of_its_row),
        cmocka_unit_test(a_whole_table_refused_alike_fails_and_nothing_is_set_aside),
        cmocka_unit_test(a_table_refused_batch_after_batch_fails_too),
        cmocka_unit_test(what_is_wrong_with_the_table_is_no_rows_fault),
        cmocka_unit_test(the_limit_of_a_minute_fails_the_task_and_keeps_none_of_the_batch),
        cmocka_unit_test(a_row_that_came_too_early_is_tried_again_when_the_rest_is_in),
        cmocka_unit_test(a_constraint_that_others_may_mend_is_retried_as_long_as_is_said),
        cmocka_unit_test(each_lane_remembers_since_when_a_change_is_refused),
        cmocka_unit_test(the_time_to_try_again_is_that_of_the_whole_transaction),
        cmocka_unit_test(a_chunk_that_is_read_again_is_known_again),
        cmocka_unit_test(inside_a_long_transaction_the_earlier_batches_stay),
        cmocka_unit_test(rows_of_a_table_without_a_key_are_set_aside_by_content),
        cmocka_unit_test(whichever_call_fails_nothing_is_lost_doubled_or_half_done),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
