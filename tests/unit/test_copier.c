#include "sqlserver/copier.h"

#include "test.h"

#include "fake_shop.h"

static const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};

typedef struct Setup {
    Odbc *odbc;
    Catalog catalog;
    Copier *copier;
} Setup;

static void setup_begin(Setup *s, size_t threads) {
    Err e = {0};
    const CatalogFilter filter = {0};
    memset(s, 0, sizeof *s);
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "FROM [dbo].[T] ORDER BY", .results = {"it\n1|a\n2|b\n"}});
    if (!odbc_connect(&target, &s->odbc, &e) || !catalog_load(&s->catalog, s->odbc, &filter, &e))
        fail_msg("%s", e.msg);
    CopierSpec spec = {.target = target, .threads = threads, .queue_bytes = 1 << 20};
    s->copier = copier_new(&spec);
}

static void setup_end(Setup *s) {
    copier_free(s->copier);
    catalog_done(&s->catalog);
    odbc_close(s->odbc);
    assert_int_equal(fake.open, 0);
}

static ChunkJob *job_of(Setup *s) {
    ChunkJob *job = chunk_job_new(&s->catalog.instances[0], &s->catalog.tables[0]);
    job->top = 10;
    job->part_bytes = 1 << 20;
    return job;
}

static void chunks_come_back_as_batches_and_free_their_reader(void **state) {
    (void)state;
    Setup s;
    setup_begin(&s, 2);
    copier_give(s.copier, job_of(&s));
    copier_give(s.copier, job_of(&s));
    assert_int_equal(copier_free_readers(s.copier), 0);
    for (int i = 0; i < 2; i++) {
        CopyItem item;
        assert_int_equal(copier_take(s.copier, 10000, &item), COPY_BATCH);
        assert_int_equal(item.batch->count, 2);
        assert_true(item.batch->chunk.is_last_chunk);
        assert_true(item.now_us > 0);
        batch_free(item.batch);
    }
    assert_int_equal(copier_free_readers(s.copier), 2);
    setup_end(&s);
}

static void a_failure_comes_as_an_event(void **state) {
    (void)state;
    Setup s;
    CopyItem item;
    setup_begin(&s, 1);
    fake_rule((FakeRule){.match = "FROM [dbo].[T] ORDER BY", .native = 1205});
    copier_give(s.copier, job_of(&s));
    assert_int_equal(copier_take(s.copier, 10000, &item), COPY_FAILED);
    assert_true(item.err.retriable);
    setup_end(&s);
}

static void what_was_not_taken_goes_with_the_copier(void **state) {
    (void)state;
    Setup s;
    setup_begin(&s, 2);
    copier_give(s.copier, job_of(&s));
    copier_give(s.copier, job_of(&s));
    setup_end(&s);
}

static void a_wake_ends_the_wait(void **state) {
    (void)state;
    Setup s;
    CopyItem item;
    setup_begin(&s, 1);
    copier_wake(s.copier);
    assert_int_equal(copier_take(s.copier, 60000, &item), COPY_NOTHING);
    assert_int_equal(copier_take(s.copier, 0, &item), COPY_NOTHING);
    setup_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_back_as_batches_and_free_their_reader),
        cmocka_unit_test(a_failure_comes_as_an_event),
        cmocka_unit_test(what_was_not_taken_goes_with_the_copier),
        cmocka_unit_test(a_wake_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
