#include "sqlserver/plan_feed.h"

#include <string.h>

#include "test.h"

/* dbo.a with two instances, the newer one keyless, and dbo.b with one that hasn't begun. */
typedef struct Shop {
    Schema keyed, keyless;
    CatalogTable tables[2];
    CatalogInstance instances[3];
    Catalog catalog;
    InstanceStart starts[2];
    CommitTime commits[2];
    Reading reading;
} Shop;

static const SnapshotPolicy POLICY = {.plan = PLAN_INITIAL};

static Lsn lsn(uint8_t n) {
    return (Lsn){{0, 0, 0, 1, 0, 0, 0, n, 0, 1}};
}

static void shop(Shop *s) {
    *s = (Shop){.keyed = {.key_count = 1, .fingerprint = 1}, .keyless = {.fingerprint = 2}};
    s->tables[0] = (CatalogTable){.schema = STR_LIT("dbo"), .name = STR_LIT("a"), .instance_count = 2};
    s->tables[1] = (CatalogTable){.schema = STR_LIT("dbo"), .name = STR_LIT("b"), .instance_count = 1};
    s->instances[0] = (CatalogInstance){.table = 0, .object_id = 10, .schema = &s->keyed};
    s->instances[1] = (CatalogInstance){.table = 0, .object_id = 11, .schema = &s->keyless};
    s->instances[2] = (CatalogInstance){.table = 1, .object_id = 20, .schema = &s->keyed};
    s->catalog =
        (Catalog){.tables = s->tables, .table_count = 2, .instances = s->instances, .instance_count = 3};
    s->starts[0] = (InstanceStart){10, lsn(4)};
    s->starts[1] = (InstanceStart){11, lsn(6)};
    s->commits[0] = (CommitTime){lsn(7), 100};
    s->commits[1] = (CommitTime){lsn(8), 200};
    s->reading = (Reading){.max_lsn = lsn(9),
                           .now_us = 300,
                           .commits = s->commits,
                           .commit_count = 2,
                           .instances = s->starts,
                           .instance_count = 2};
}

static void a_tables_spec_is_its_newest_instances(void **state) {
    (void)state;
    Shop s;
    shop(&s);
    PlanTableSpec a = plan_feed_table(&s.catalog, 0, NULL), b = plan_feed_table(&s.catalog, 1, NULL);
    assert_true(a.is_keyless);
    assert_false(b.is_keyless);
    assert_true(str_eq_c(b.table, "b"));
}

/* A stored position within what is captured: a window follows; up to the last commit read when there are
 * more. */
static void a_reading_leads_to_the_window_it_describes(void **state) {
    (void)state;
    for (int is_full = 0; is_full < 2; is_full++) {
        Shop s;
        shop(&s);
        s.reading.is_full = is_full;
        Lsn at = lsn(6);
        StoredTable tables[] = {
            {.schema = "dbo", .table = "a", .is_done = true, .fingerprint = 2, .instance = 11},
            {.schema = "dbo", .table = "b", .is_done = true, .fingerprint = 1, .instance = 20}};
        StoredState stored = {.has_position = true,
                              .position = position_end_of(&at),
                              .is_snapshot_done = true,
                              .tables = tables,
                              .table_count = 2};
        s.catalog.table_count = 1;
        s.catalog.instance_count = 2;
        stored.table_count = 1;
        Plan *plan = plan_feed_new(&s.catalog, &POLICY, NULL, &stored);
        plan_feed_reading(plan, &s.catalog, &s.reading, /* is_secondary= */ false);
        PlanAction action = {0};
        Err e = {0};
        if (!plan_next(plan, &action, &e)) fail_msg("%s", e.msg);
        assert_int_equal(action.kind, PLAN_WINDOW);
        Lsn end = lsn(is_full ? 8 : 9);
        assert_memory_equal(&action.to.commit_lsn, &end, sizeof end);
        plan_free(plan);
    }
}

/* What cleanup has taken is the plan's error, whoever asks. */
static void changes_that_are_gone_are_an_error(void **state) {
    (void)state;
    Shop s;
    shop(&s);
    Lsn at = lsn(2);
    StoredTable table = {.schema = "dbo", .table = "a", .is_done = true, .fingerprint = 1, .instance = 10};
    StoredState stored = {.has_position = true,
                          .position = position_end_of(&at),
                          .is_snapshot_done = true,
                          .tables = &table,
                          .table_count = 1};
    s.catalog.table_count = 1;
    s.catalog.instance_count = 2;
    Plan *plan = plan_feed_new(&s.catalog, &POLICY, NULL, &stored);
    plan_feed_reading(plan, &s.catalog, &s.reading, /* is_secondary= */ false);
    PlanAction action = {0};
    Err e = {0};
    assert_false(plan_next(plan, &action, &e));
    assert_int_equal(e.code, ERR_RANGE);
    assert_non_null(strstr(e.msg, "dbo.a"));
    plan_free(plan);
    const SnapshotPolicy copies = {.plan = PLAN_INITIAL, .copies_gone = true};
    plan = plan_feed_new(&s.catalog, &copies, NULL, &stored); /* unless the mode copies them again */
    plan_feed_reading(plan, &s.catalog, &s.reading, /* is_secondary= */ false);
    assert_true(plan_next(plan, &action, &e));
    plan_free(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tables_spec_is_its_newest_instances),
        cmocka_unit_test(a_reading_leads_to_the_window_it_describes),
        cmocka_unit_test(changes_that_are_gone_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
