#include "sqlserver/source.h"

#include "test.h"

#include "fake_shop.h"

typedef struct Run {
    Options *options;
    Metrics *metrics;
    bool is_stopping;
    StoredState state;
    Source *source;
    Err e;
} Run;

static bool run_begin(Run *r, const char *mode) {
    const char *const pairs[][2] = {{"snapshot.mode", mode}};
    memset(r, 0, sizeof *r);
    r->options = shop_options(pairs, 1);
    r->metrics = metrics_new();
    ConnectorContext context = {.name = "x", .metrics = r->metrics, .is_stopping = &r->is_stopping};
    return sqlserver_source_class.start(r->options, &context, &r->state, &r->source, &r->e);
}

static void run_end(Run *r) {
    sqlserver_source_class.stop(r->source);
    metrics_free(r->metrics);
    options_free(r->options);
    assert_int_equal(fake.open, 0);
}

/* The next batch, waited for. */
static Batch *next(Run *r) {
    for (int i = 0; i < 1000; i++) {
        Batch *b;
        if (!sqlserver_source_class.poll(r->source, 100, &b, &r->e)) fail_msg("%s", r->e.msg);
        if (b) return b;
    }
    fail_msg("no batch");
    return NULL;
}

static void shop_page_rule(const char *rows) {
    fake_rule((FakeRule){.match = "FROM [cdc].[dbo_T_CT] WHERE", .results = {rows, "x\n" SHOP_LSN(01) "\n"}});
}

static void a_first_run_copies_then_ends(void **state) {
    (void)state;
    Run r;
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "FROM [dbo].[T] ORDER BY", .results = {"it\n1|a\n2|b\n3|c\n"}});
    if (!run_begin(&r, "initial_only")) fail_msg("%s", r.e.msg);
    Batch *table = next(&r), *start = next(&r), *rows = next(&r), *end = next(&r);
    assert_int_equal(table->kind, BATCH_TABLE);
    assert_int_equal(table->table.copy, BATCH_COPY_FIRST);
    assert_int_equal(start->kind, BATCH_CHANGES);
    assert_int_equal(start->to.commit_lsn.b[9], 3);
    assert_int_equal(rows->kind, BATCH_ROWS);
    assert_int_equal(rows->count, 3);
    assert_true(rows->chunk.is_last_chunk && rows->chunk.is_plain);
    assert_int_equal(end->kind, BATCH_END);
    Batch *more;
    assert_true(sqlserver_source_class.poll(r.source, 5, &more, &r.e));
    assert_null(more);
    batch_free(table);
    batch_free(start);
    batch_free(rows);
    batch_free(end);
    Metric *expected = metrics_find(r.metrics, "millrace_rows_expected", STR_LIT("dbo.T"));
    assert_int_equal(metric_value(expected), 3);
    run_end(&r);
}

/* From a stored position on, of one table. */
static void go_on(Run *r, StoredTable *stored) {
    const char *const pairs[][2] = {{"snapshot.mode", "initial"}};
    r->options = shop_options(pairs, 1);
    r->metrics = metrics_new();
    r->state =
        (StoredState){.has_position = true, .is_snapshot_done = true, .tables = stored, .table_count = 1};
    Lsn first;
    assert_true(lsn_parse("0000002a:00000001:0001", &first, &r->e));
    r->state.position = position_end_of(&first);
    ConnectorContext context = {.name = "x", .metrics = r->metrics, .is_stopping = &r->is_stopping};
    if (!sqlserver_source_class.start(r->options, &context, &r->state, &r->source, &r->e))
        fail_msg("%s", r->e.msg);
}

static void a_stored_position_is_gone_on_from(void **state) {
    (void)state;
    Run r = {0};
    StoredTable stored = {.schema = "dbo", .table = "T", .is_done = true, .chunks_done = 1, .fingerprint = 1};
    shop_rules();
    shop_reading_rules();
    /* start_lsn, seqval, operation, mask, command, Id, Name */
    shop_page_rule("xxixiit\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|2|03|1|7|new\n" SHOP_LSN(03) "|" SHOP_LSN(
        02) "|4|02|1|7|newer\n" SHOP_LSN(03) "|" SHOP_LSN(03) "|1|03|2|8|old\n");
    go_on(&r, &stored);
    Batch *b = next(&r);
    if (b->kind == BATCH_TABLE) { /* the stored schema is another */
        batch_free(b);
        b = next(&r);
    }
    while (b->kind == BATCH_ROWS) {
        batch_free(b);
        b = next(&r);
    }
    assert_int_equal(b->kind, BATCH_CHANGES);
    assert_int_equal(b->count, 3);
    assert_int_equal(b->changes[0].op, OP_CREATE);
    assert_true(str_eq_c(value_str(&b->changes[0].after[1]), "new"));
    assert_int_equal(b->changes[1].op, OP_UPDATE);
    assert_null(b->changes[1].before);
    assert_int_equal(b->changes[2].op, OP_DELETE);
    assert_int_equal(b->changes[2].before[0].v.i, 8);
    assert_int_equal(b->changes[2].source_us - b->changes[0].source_us, 3000000);
    assert_true(b->ends_transaction);
    assert_int_equal(b->to.commit_lsn.b[9], 3);
    batch_free(b);
    run_end(&r);
}

/* A typing error in an ad-hoc snapshot's condition must not stop all else, nor each later start. */
static void a_filter_that_is_refused_ends_its_copy_and_nothing_else(void **state) {
    (void)state;
    Run r = {0};
    StoredTable stored = {.schema = "dbo",
                          .table = "T",
                          .is_streaming = true,
                          .asked = BATCH_ASKED,
                          .filter = "nonsense = 1",
                          .instance = 100,
                          .fingerprint = 1};
    shop_rules();
    shop_reading_rules();
    shop_page_rule("xxixiit\n");
    fake_rule((FakeRule){.match = "WHERE (nonsense", .native = 207, .state = "42S22"});
    go_on(&r, &stored);
    bool is_stopped = false;
    for (int i = 0; i < 10 && !is_stopped; i++) {
        Batch *b = next(&r);
        assert_int_not_equal(b->kind, BATCH_ROWS);
        is_stopped = b->kind == BATCH_TABLE && b->table.copy == BATCH_COPY_STOP;
        batch_free(b);
    }
    assert_true(is_stopped);
    run_end(&r);
}

static void a_lost_connection_is_told_as_retriable(void **state) {
    (void)state;
    Run r;
    Batch *b;
    shop_rules();
    if (!run_begin(&r, "initial")) fail_msg("%s", r.e.msg);
    fake_rule((FakeRule){.match = "fn_cdc_get_max_lsn", .native = 20017, .state = "01000"});
    assert_false(sqlserver_source_class.poll(r.source, 100, &b, &r.e));
    assert_true(r.e.retriable);
    run_end(&r);
}

static void a_wake_ends_a_poll(void **state) {
    (void)state;
    Run r;
    Batch *b;
    shop_rules();
    fake_rule((FakeRule){
        .match = "FROM cdc.lsn_time_mapping",
        .results = {"xss\n~|2020,1,1,12,0,0,0|2020,1,1,12,0,0,0\n", "xd\n", "ix\n100|~\n", "x\n~\n"}});
    if (!run_begin(&r, "initial")) fail_msg("%s", r.e.msg);
    sqlserver_source_class.wake(r.source);
    assert_true(sqlserver_source_class.poll(r.source, 60000, &b, &r.e));
    assert_null(b);
    run_end(&r);
}

static void what_would_stop_the_run_is_told_at_the_start(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM sys.databases d", .results = {"tbbi\nShop|0|0|3\n"}});
    assert_false(run_begin(&r, "initial"));
    assert_int_equal(r.e.code, ERR_INVALID);
    r.source = NULL;
    run_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_run_copies_then_ends),
        cmocka_unit_test(a_stored_position_is_gone_on_from),
        cmocka_unit_test(a_filter_that_is_refused_ends_its_copy_and_nothing_else),
        cmocka_unit_test(a_lost_connection_is_told_as_retriable),
        cmocka_unit_test(a_wake_ends_a_poll),
        cmocka_unit_test(what_would_stop_the_run_is_told_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
