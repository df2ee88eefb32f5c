#include "sqlserver/stream.h"

#include "base/arena.h"
#include "base/mem.h"
#include <string.h>

#include "test.h"

#include "fake_shop.h"

/* Two tables, T (change table 100) and U (200), both (Id int primary key, Name nvarchar(10)). */
static void two_tables(void) {
    shop_rules();
    fake_rule(
        (FakeRule){.match = "FROM sys.indexes",
                   .results = {"ibbiibt\n10|1|1|1|1|0|Id\n20|1|1|1|1|0|Id\n100|1|0|1|9|1|__$command_id\n"
                               "200|1|0|1|9|1|__$command_id\n"}});
    fake_rule(
        (FakeRule){.match = "ORDER BY source_object_id, create_date",
                   .results = {"iitx\n100|10|dbo_T|" SHOP_LSN(01) "\n200|20|dbo_U|" SHOP_LSN(01) "\n"}});
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns",
                         .results = {"iititiiiibbbt\n100|1|Id|1|int|4|10|0|1|0|1|0|int\n"
                                     "100|2|Name|2|nvarchar|20|0|0|2|1|0|0|nvarchar\n"
                                     "200|1|Id|1|int|4|10|0|1|0|1|0|int\n"
                                     "200|2|Name|2|nvarchar|20|0|0|2|1|0|0|nvarchar\n"}});
    fake_rule((FakeRule){.match = "WHERE EXISTS", .results = {"i\n0\n1\n", "ix\n", "i\n2\n"}});
}

typedef struct Run {
    Odbc *odbc;
    Catalog catalog;
    Plan *plan;
    Reading reading;
    Stream *stream;
    PlanAction window;
    Err e;
} Run;

static Lsn lsn(uint8_t n) {
    Lsn l = {{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, n}};
    return l;
}

/* A plan that stands at LSN 01 and is about to read up to `to`. */
static void plan_window_to(Run *r, uint8_t to) {
    PlanTableSpec specs[2];
    PlanInstance instances[2];
    StoredTable tables[2];
    for (size_t i = 0; i < r->catalog.instance_count; i++) {
        const CatalogInstance *in = &r->catalog.instances[i];
        const CatalogTable *t = &r->catalog.tables[in->table];
        specs[in->table] = (PlanTableSpec){.schema = t->schema, .table = t->name};
        instances[i] = (PlanInstance){.table = in->table,
                                      .object_id = in->object_id,
                                      .start_lsn = in->start_lsn,
                                      .fingerprint = in->schema->fingerprint};
        tables[in->table] = (StoredTable){.schema = "dbo",
                                          .table = in->table ? "U" : "T",
                                          .is_done = true,
                                          .chunks_done = 1,
                                          .fingerprint = in->schema->fingerprint,
                                          .instance = in->object_id};
    }
    Lsn first = lsn(1);
    StoredState state = {.has_position = true,
                         .is_snapshot_done = true,
                         .position = position_end_of(&first),
                         .tables = tables,
                         .table_count = r->catalog.table_count};
    r->plan = plan_new(PLAN_INITIAL, specs, r->catalog.table_count, &state);
    PlanReading reading = {.max_lsn = lsn(to),
                           .to_lsn = lsn(to),
                           .to_us = 5000000,
                           .now_us = 6000000,
                           .instances = instances,
                           .instance_count = r->catalog.instance_count};
    plan_reading(r->plan, &reading);
    if (!plan_next(r->plan, &r->window, &r->e)) fail_msg("%s", r->e.msg);
    assert_int_equal(r->window.kind, PLAN_WINDOW);
}

static void run_begin(Run *r, StreamLimits limits, uint8_t to) {
    memset(r, 0, sizeof *r);
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    const CatalogFilter filter = {0};
    if (!odbc_connect(&target, &r->odbc, &r->e) || !catalog_load(&r->catalog, r->odbc, &filter, &r->e))
        fail_msg("%s", r->e.msg);
    r->stream = stream_new(&limits);
    r->reading.instances = x_calloc(2, sizeof *r->reading.instances);
    r->reading.instances[r->reading.instance_count++] = (InstanceStart){100, lsn(1)};
    r->reading.instances[r->reading.instance_count++] = (InstanceStart){200, lsn(1)};
    plan_window_to(r, to);
}

static const StreamLimits wide = {.max_changes = 1000, .max_bytes = 1 << 20, .page_bytes = 1 << 20};

static bool run_open(Run *r) {
    return stream_begin(r->stream, r->odbc, r->plan, &r->catalog, &r->reading, &r->window, &r->e);
}

static Batch *run_next(Run *r, bool *ret_is_done) {
    Batch *b;
    if (!stream_next(r->stream, &b, ret_is_done, &r->e)) fail_msg("%s", r->e.msg);
    return b;
}

static void run_end(Run *r) {
    stream_free(r->stream);
    plan_free(r->plan);
    reading_done(&r->reading);
    catalog_done(&r->catalog);
    odbc_close(r->odbc);
}

static void page(const char *table, const char *rows) {
    fake_rule((FakeRule){.match = table, .results = {rows, "x\n" SHOP_LSN(01) "\n"}});
}

/* The changes as "c5 u6 …": op and Id. */
static void assert_changes(const Batch *b, const char *wanted) {
    char text[512] = "";
    size_t at = 0;
    for (size_t i = 0; i < b->count; i++) {
        const Change *c = &b->changes[i];
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%c%s%lld", i ? " " : "", c->op,
                               str_eq_c(c->schema->table, "U") ? "U" : "", (long long)change_row(c)[0].v.i);
    }
    assert_string_equal(text, wanted);
}

/* What only a page's statement has in it. */
static const char page_of_T[] = "capture_instance = N'dbo_T'", page_of_U[] = "capture_instance = N'dbo_U'";

#define META "xxixi"

static void tables_are_merged_by_position(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    page(page_of_T, META "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|2|03|1|1|a\n" SHOP_LSN(02) "|" SHOP_LSN(
                        03) "|4|02|3|2|b\n" SHOP_LSN(04) "|" SHOP_LSN(01) "|1|03|1|3|c\n");
    page(page_of_U, META
         "it\n" SHOP_LSN(02) "|" SHOP_LSN(02) "|2|03|2|7|x\n" SHOP_LSN(03) "|" SHOP_LSN(01) "|2|03|1|8|y\n");
    run_begin(&r, wide, 5);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done);
    assert_true(is_done);
    assert_changes(b, "c1 cU7 u2 cU8 d3");
    assert_true(b->ends_transaction);
    assert_int_equal(b->to.commit_lsn.b[9], 5);
    assert_int_equal(b->to_us, 5000000);
    assert_int_equal(b->from.commit_lsn.b[9], 1);
    batch_free(b);
    run_end(&r);
}

static void batches_are_cut_where_transactions_end(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    page(page_of_T, META "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|2|03|1|1|a\n" SHOP_LSN(02) "|" SHOP_LSN(02) "|2|03|2|2|a\n" SHOP_LSN(
                        03) "|" SHOP_LSN(01) "|2|03|1|3|a\n" SHOP_LSN(03) "|" SHOP_LSN(02) "|2|03|2|4|"
                                                                                           "a\n" SHOP_LSN(04) "|" SHOP_LSN(
                                                                                               01) "|2|03|1|"
                                                                                                   "5|a\n");
    page(page_of_U, META "it\n");
    run_begin(&r, (StreamLimits){.max_changes = 3, .max_bytes = 1 << 20, .page_bytes = 1 << 20}, 5);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done); /* full within transaction 03, which moves on whole */
    assert_changes(b, "c1 c2");
    assert_int_equal(b->to.commit_lsn.b[9], 2);
    assert_true(b->ends_transaction && position_is_end(&b->to) && !is_done);
    Position to = b->to;
    batch_free(b);
    b = run_next(&r, &is_done);
    assert_changes(b, "c3 c4 c5");
    assert_int_equal(position_cmp(&b->from, &to), 0);
    assert_true(is_done);
    batch_free(b);
    run_end(&r);
}

static void updates_of_columns_that_are_not_read_are_skipped(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    StreamLimits limits = wide;
    limits.skips_unchanged = true;
    page(
        page_of_T,
        META "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|4|04|1|1|a\n" SHOP_LSN(02) "|" SHOP_LSN(
            02) "|2|07|2|2|a\n" SHOP_LSN(03) "|" SHOP_LSN(01) "|4|06|1|3|a\n" SHOP_LSN(04) "|" SHOP_LSN(01) "|4|04|1|4|a\n");
    page(page_of_U, META "it\n");
    run_begin(&r, limits, 5);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done);
    assert_changes(b, "c2 u3");
    assert_true(is_done && b->ends_transaction);
    assert_int_equal(b->to.commit_lsn.b[9], 5);
    batch_free(b);
    run_end(&r);
}

static void the_change_function_tells_by_its_error_that_changes_are_gone(void **state) {
    (void)state;
    Run r;
    Batch *b;
    bool is_done;
    two_tables();
    StreamLimits limits = wide;
    limits.how.uses_function = true;
    fake_rule((FakeRule){.match = "fn_cdc_get_all_changes_dbo_T", .native = 313, .state = "42000"});
    fake_rule((FakeRule){.match = "fn_cdc_get_all_changes_dbo_U",
                         .results = {"xxxiit\n", "x\n" SHOP_LSN(01) "\n"}});
    fake_rule((FakeRule){.match = "SELECT start_lsn FROM cdc.change_tables WHERE capture_instance = ?",
                         .results = {"x\n" SHOP_LSN(04) "\n"}});
    run_begin(&r, limits, 5);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    assert_false(stream_next(r.stream, &b, &is_done, &r.e));
    assert_int_equal(r.e.code, ERR_RANGE);
    assert_non_null(strstr(r.e.msg, "T"));
    run_end(&r);
}

static void a_transaction_over_the_limit_goes_over_several(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    page(page_of_T, META "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|2|03|1|1|a\n" SHOP_LSN(02) "|" SHOP_LSN(
                        02) "|2|03|2|2|a\n" SHOP_LSN(02) "|" SHOP_LSN(03) "|2|03|3|3|a\n");
    page(page_of_U, META "it\n");
    run_begin(&r, (StreamLimits){.max_changes = 2, .max_bytes = 1 << 20, .page_bytes = 1 << 20}, 2);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done);
    assert_changes(b, "c1 c2");
    assert_false(b->ends_transaction);
    assert_int_equal(b->to.command_id, 2);
    batch_free(b);
    b = run_next(&r, &is_done);
    assert_changes(b, "c3");
    assert_true(b->ends_transaction && is_done);
    batch_free(b);
    run_end(&r);
}

static void a_changed_key_is_read_again_with_its_old_value(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    fake_rule((FakeRule){.match = "WHERE EXISTS", .results = {"i\n0\n", "ix\n", "i\n2\n"}});
    page(
        page_of_T,
        META "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|3|03|1|1|a\n" SHOP_LSN(02) "|" SHOP_LSN(
            01) "|4|03|1|9|a\n" SHOP_LSN(02) "|" SHOP_LSN(02) "|3|02|2|5|a\n" SHOP_LSN(02) "|" SHOP_LSN(02) "|4|02|2|5|b\n");
    page("<> 3", META
         "it\n" SHOP_LSN(02) "|" SHOP_LSN(01) "|4|03|1|9|a\n" SHOP_LSN(02) "|" SHOP_LSN(02) "|4|02|2|5|b\n");
    run_begin(&r, wide, 2);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done);
    assert_changes(b, "d1 c9 u5");
    assert_int_equal(b->changes[0].position.operation, 3);
    assert_int_equal(b->changes[1].position.operation, 4);
    assert_non_null(b->changes[2].before);
    batch_free(b);
    run_end(&r);
}

static void only_tables_with_changes_are_read(void **state) {
    (void)state;
    Run r;
    bool is_done;
    two_tables();
    fake_rule((FakeRule){.match = "WHERE EXISTS", .results = {"i\n", "ix\n", "i\n2\n"}});
    run_begin(&r, wide, 4);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    Batch *b = run_next(&r, &is_done);
    assert_int_equal(b->count, 0);
    assert_true(is_done && b->ends_transaction);
    assert_int_equal(fake_logged("SELECT TOP ("), 0);
    assert_int_equal(fake_logged("DECLARE @from"), 1); /* one question for both */
    assert_int_equal(fake_logged("UNION ALL SELECT 1 WHERE EXISTS"), 1);
    batch_free(b);
    run_end(&r);
}

static void what_cleanup_took_while_nothing_was_found_is_a_gap(void **state) {
    (void)state;
    Run r;
    two_tables();
    fake_rule(
        (FakeRule){.match = "WHERE EXISTS", .results = {"i\n", "ix\n100|" SHOP_LSN(03) "\n", "i\n1\n"}});
    fake_rule((FakeRule){.match = "FROM cdc.change_tables ORDER BY object_id",
                         .results = {"ix\n100|" SHOP_LSN(03) "\n200|" SHOP_LSN(01) "\n"}});
    run_begin(&r, wide, 4);
    assert_false(run_open(&r));
    assert_int_equal(r.e.code, ERR_RANGE);
    assert_false(r.e.retriable);
    run_end(&r);
}

static void a_page_that_began_below_start_lsn_is_thrown_away(void **state) {
    (void)state;
    Run r;
    Batch *b;
    bool is_done;
    two_tables();
    fake_rule((FakeRule){
        .match = page_of_T,
        .results = {META "it\n" SHOP_LSN(04) "|" SHOP_LSN(01) "|2|03|1|1|a\n", "x\n" SHOP_LSN(04) "\n"}});
    page(page_of_U, META "it\n");
    run_begin(&r, wide, 4);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    assert_false(stream_next(r.stream, &b, &is_done, &r.e));
    assert_int_equal(r.e.code, ERR_RANGE);
    run_end(&r);
}

static void an_instance_dropped_meanwhile_is_told_as_such(void **state) {
    (void)state;
    Run r;
    Batch *b;
    bool is_done;
    two_tables();
    fake_rule((FakeRule){.match = "WHERE EXISTS", .native = 208});
    fake_rule((FakeRule){.match = page_of_T, .native = 208});
    page(page_of_U, META "it\n");
    run_begin(&r, wide, 4);
    if (!run_open(&r)) fail_msg("%s", r.e.msg);
    assert_false(stream_next(r.stream, &b, &is_done, &r.e));
    assert_true(r.e.retriable);
    run_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_merged_by_position),
        cmocka_unit_test(batches_are_cut_where_transactions_end),
        cmocka_unit_test(updates_of_columns_that_are_not_read_are_skipped),
        cmocka_unit_test(the_change_function_tells_by_its_error_that_changes_are_gone),
        cmocka_unit_test(a_transaction_over_the_limit_goes_over_several),
        cmocka_unit_test(a_changed_key_is_read_again_with_its_old_value),
        cmocka_unit_test(only_tables_with_changes_are_read),
        cmocka_unit_test(what_cleanup_took_while_nothing_was_found_is_a_gap),
        cmocka_unit_test(a_page_that_began_below_start_lsn_is_thrown_away),
        cmocka_unit_test(an_instance_dropped_meanwhile_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
