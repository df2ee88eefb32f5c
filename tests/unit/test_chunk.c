#include "sqlserver/chunk.h"

#include "base/mem.h"
#include "test.h"

#include "fake_shop.h"

enum { MAX_PARTS = 8 };

typedef struct Run {
    Odbc *odbc;
    Catalog catalog;
    ChunkJob *job;
    Batch *parts[MAX_PARTS];
    size_t count;
    bool is_stopping, is_dropped;
    Metrics *metrics;
    Err e;
} Run;

static const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};

static bool take_part(void *self, Batch *part, Err *e) {
    (void)e;
    Run *r = self;
    assert_true(r->count < MAX_PARTS);
    r->parts[r->count++] = part;
    return true;
}

static void run_begin(Run *r) {
    memset(r, 0, sizeof *r);
    r->metrics = metrics_new();
    const CatalogFilter filter = {0};
    if (!odbc_connect(&target, &r->odbc, &r->e) || !catalog_load(&r->catalog, r->odbc, &filter, &r->e))
        fail_msg("%s", r->e.msg);
    const CatalogInstance *in = &r->catalog.instances[0];
    r->job = chunk_job_new(in, &r->catalog.tables[in->table]);
    r->job->top = 3;
    r->job->part_bytes = 1 << 20;
}

static bool run_read(Run *r) {
    ChunkContext context = {.odbc = r->odbc,
                            .target = &target,
                            .is_stopping = &r->is_stopping,
                            .put = take_part,
                            .self = r,
                            .metrics = r->metrics};
    return chunk_read(r->job, &context, &r->is_dropped, &r->e);
}

static void run_end(Run *r) {
    for (size_t i = 0; i < r->count; i++) batch_free(r->parts[i]);
    metrics_free(r->metrics);
    chunk_job_free(r->job);
    catalog_done(&r->catalog);
    odbc_close(r->odbc);
}

static void a_full_chunk_says_where_the_next_begins(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT TOP (3) [Id], [Name] FROM [dbo].[T] ORDER BY [Id]",
                         .results = {"it\n1|a\n2|b\n7|~\n"}});
    run_begin(&r);
    if (!run_read(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(r.count, 1);
    const BatchChunk *c = &r.parts[0]->chunk;
    assert_true(c->is_first_part && c->is_last_part && !c->is_last_chunk);
    assert_true(str_eq_c(c->upper_key, "t=7"));
    assert_int_equal(r.parts[0]->count, 3);
    assert_int_equal(r.parts[0]->changes[2].op, OP_READ);
    assert_int_equal(r.parts[0]->changes[2].after[0].v.i, 7);
    run_end(&r);
}

static void the_next_chunk_begins_behind_the_stored_key_and_a_short_one_is_the_last(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "WHERE [Id] > CAST(? AS int)", .params = "7 ", .results = {"it\n9|x\n"}});
    run_begin(&r);
    r.job->lower_key = x_strdup("t=7");
    if (!run_read(&r)) fail_msg("%s", r.e.msg);
    assert_true(r.parts[0]->chunk.is_last_chunk);
    assert_int_equal(r.parts[0]->count, 1);
    run_end(&r);
}

static void an_empty_chunk_keeps_the_key(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "WHERE [Id] >", .results = {"it\n"}});
    run_begin(&r);
    r.job->lower_key = x_strdup("t=7");
    assert_true(run_read(&r));
    assert_true(r.parts[0]->chunk.is_last_chunk);
    assert_true(str_eq_c(r.parts[0]->chunk.upper_key, "t=7"));
    run_end(&r);
}

static void a_key_that_is_not_this_tables_is_refused(void **state) {
    (void)state;
    Run r;
    shop_rules();
    run_begin(&r);
    r.job->lower_key = x_strdup("t=7&t=8");
    assert_false(run_read(&r));
    assert_int_equal(r.e.code, ERR_INVALID);
    assert_int_equal(r.count, 0);
    run_end(&r);
}

static void a_column_that_is_gone_is_read_as_null(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "CAST(NULL AS nvarchar(10)) AS [Name]", .results = {"it\n1|~\n"}});
    run_begin(&r);
    r.job->is_gone[1] = true;
    assert_true(run_read(&r));
    assert_int_equal(r.parts[0]->count, 1);
    run_end(&r);
}

static void a_stop_ends_the_read(void **state) {
    (void)state;
    Run r;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM [dbo].[T] ORDER", .results = {"it\n1|a\n"}});
    run_begin(&r);
    r.is_stopping = true;
    assert_false(run_read(&r));
    assert_int_equal(r.e.code, ERR_CANCELLED);
    run_end(&r);
}

static void an_exact_chunk_of_an_old_instance_is_dropped(void **state) {
    (void)state;
    Run r;
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "SELECT TOP (1) n.object_id", .results = {"i\n101\n"}});
    run_begin(&r);
    r.job->chunk.is_exact = true;
    if (!run_read(&r)) fail_msg("%s", r.e.msg);
    assert_true(r.is_dropped);
    assert_int_equal(r.count, 0);
    run_end(&r);
}

static void an_exact_chunk_gives_its_own_watermark(void **state) {
    (void)state;
    Run r;
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "SELECT TOP (1) n.object_id", .results = {"i\n100\n"}});
    fake_rule((FakeRule){.match = "SELECT [Id], [Name] FROM [dbo].[T]", .results = {"it\n1|a\n2|b\n"}});
    run_begin(&r);
    free(TAKE(r.job->paging));
    r.job->paging_count = 0;
    r.job->chunk.is_exact = true;
    if (!run_read(&r)) fail_msg("%s", r.e.msg);
    assert_false(r.is_dropped);
    assert_true(position_is_end(&r.parts[0]->chunk.watermark));
    assert_int_equal(r.parts[0]->chunk.watermark.commit_lsn.b[9], 3);
    assert_true(r.parts[0]->chunk.is_last_chunk);
    assert_int_equal(fake_logged("COMMIT TRANSACTION"), 1);
    run_end(&r);
}

/* An idle database: no commit was captured since the instance began, or none ever. */
static void an_exact_chunk_is_never_older_than_the_plans_watermark(void **state) {
    (void)state;
    static const char *const clocks[] = {shop_clock, "xss\n~|2020,1,1,12,0,0,0|2020,1,1,12,0,0,0\n"};
    for (size_t i = 0; i < 2; i++) {
        Run r;
        shop_rules();
        shop_reading_rules();
        fake_rule((FakeRule){.match = "SELECT sys.fn_cdc_get_max_lsn()", .results = {clocks[i]}});
        fake_rule((FakeRule){.match = "n.start_lsn > 0x0", .results = {"i\n100\n"}});
        fake_rule((FakeRule){.match = "SELECT [Id], [Name] FROM [dbo].[T]", .results = {"it\n1|a\n"}});
        run_begin(&r);
        free(TAKE(r.job->paging));
        r.job->paging_count = 0;
        r.job->chunk.is_exact = true;
        const Lsn ahead = {{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, 7}};
        r.job->chunk.watermark = position_end_of(&ahead);
        if (!run_read(&r)) fail_msg("%s", r.e.msg);
        assert_int_equal(r.parts[0]->chunk.watermark.commit_lsn.b[9], 7);
        run_end(&r);
    }
}

/* Rows of a table whose key is a hierarchyid, of which the last is none. */
static void read_paths(Run *r, uint64_t top) {
    static const Column columns[] = {{.name = {"H", 1}, .type = SQLTYPE_HIERARCHYID, .key = 1}};
    const SchemaSpec spec = {.database = STR_LIT("Shop"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("P"),
                             .version = 1,
                             .columns = columns,
                             .column_count = 1};
    const OdbcTarget skipping = {
        .driver = "FreeTDS", .hostname = "db1", .port = 1, .unreadable = UNREADABLE_SKIP};
    shop_rules();
    fake_rule((FakeRule){.match = "FROM [dbo].[P]", .results = {"x\n58\n5ade\nff\n"}});
    run_begin(r);
    odbc_close(r->odbc);
    schema_unref(r->job->schema);
    if (!odbc_connect(&skipping, &r->odbc, &r->e) || !schema_new(&spec, &r->job->schema, &r->e))
        fail_msg("%s", r->e.msg);
    r->job->top = top;
}

static void a_copy_does_not_go_on_from_a_key_that_cannot_be_read(void **state) {
    (void)state;
    Run r;
    read_paths(&r, 3);
    assert_false(run_read(&r));
    assert_int_equal(r.e.code, ERR_DATA);
    assert_string_equal(r.e.msg,
                        "table dbo.P: column H: the key that the copy would go on from can't be read");
    run_end(&r);
}

static void a_copy_ends_behind_a_key_that_cannot_be_read_and_counts_its_row(void **state) {
    (void)state;
    Run r;
    read_paths(&r, 4);
    if (!run_read(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(r.parts[0]->count, 2);
    assert_true(r.parts[0]->chunk.is_last_chunk);
    Metric *left_out = metrics_find(r.metrics, "millrace_rows_left_out_total", STR_LIT("dbo.P"));
    assert_int_equal(metric_value(left_out), 1);
    run_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_chunk_says_where_the_next_begins),
        cmocka_unit_test(the_next_chunk_begins_behind_the_stored_key_and_a_short_one_is_the_last),
        cmocka_unit_test(an_empty_chunk_keeps_the_key),
        cmocka_unit_test(a_key_that_is_not_this_tables_is_refused),
        cmocka_unit_test(a_column_that_is_gone_is_read_as_null),
        cmocka_unit_test(a_stop_ends_the_read),
        cmocka_unit_test(an_exact_chunk_of_an_old_instance_is_dropped),
        cmocka_unit_test(an_exact_chunk_gives_its_own_watermark),
        cmocka_unit_test(a_copy_does_not_go_on_from_a_key_that_cannot_be_read),
        cmocka_unit_test(a_copy_ends_behind_a_key_that_cannot_be_read_and_counts_its_row),
        cmocka_unit_test(an_exact_chunk_is_never_older_than_the_plans_watermark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
