#include "sqlserver/probe.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#include "fake_shop.h"

/* Three change tables; the window is (01, 05]. */
typedef struct Run {
    Odbc *odbc;
    Probe *probe;
    InstanceStart instances[3];
    Reading reading;
    ProbeTable tables[3];
    Err e;
} Run;

static Lsn lsn(uint8_t n) {
    Lsn l = {{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, n}};
    return l;
}

static void run_begin(Run *r) {
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    memset(r, 0, sizeof *r);
    shop_rules();
    if (!odbc_connect(&target, &r->odbc, &r->e)) fail_msg("%s", r->e.msg);
    r->probe = probe_new();
    const char *const names[] = {"dbo_T", "dbo_U", "dbo_V"};
    for (size_t i = 0; i < 3; i++) {
        r->instances[i] = (InstanceStart){(int32_t)(100 + i), lsn(1)};
        r->tables[i] =
            (ProbeTable){.instance = str_from(names[i]), .object_id = (int32_t)(100 + i), .above = lsn(1)};
    }
    r->reading = (Reading){.instances = r->instances, .instance_count = 3};
}

static bool run_ask(Run *r) {
    Lsn from = lsn(1), to = lsn(5);
    return probe_ask(r->probe, r->odbc, &r->reading, &from, &to, r->tables, 3, &r->e);
}

static void run_end(Run *r) {
    probe_free(r->probe);
    odbc_close(r->odbc);
}

static void answer(const char *found, const char *later, const char *before) {
    fake_rule((FakeRule){.match = "WHERE EXISTS", .results = {found, later, before}});
}

static void what_is_found_is_told_and_what_is_not_has_the_readings_start(void **state) {
    (void)state;
    Run r;
    run_begin(&r);
    answer("i\n1\n", "ix\n", "i\n3\n");
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_false(r.tables[0].is_found);
    assert_true(r.tables[1].is_found);
    assert_false(r.tables[2].is_found);
    assert_int_equal(r.tables[0].start_lsn.b[9], 1);
    assert_int_equal(r.tables[2].start_lsn.b[9], 1);
    assert_int_equal(fake_logged("cdc.change_tables ORDER BY"), 0);
    run_end(&r);
}

static void one_that_begins_in_the_window_is_listed(void **state) {
    (void)state;
    Run r;
    run_begin(&r);
    r.instances[2].start_lsn = (Lsn){{0}}; /* it had not begun when the reading was taken */
    answer("i\n", "ix\n102|" SHOP_LSN(03) "\n", "i\n2\n");
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(r.tables[0].start_lsn.b[9], 1);
    assert_int_equal(r.tables[2].start_lsn.b[9], 3);
    assert_int_equal(fake_logged("cdc.change_tables ORDER BY"), 0);
    run_end(&r);
}

/* Cleanup raised U's start after the reading, and V was dropped after it was asked. */
static void when_the_count_is_another_all_are_listed(void **state) {
    (void)state;
    Run r;
    run_begin(&r);
    answer("i\n", "ix\n101|" SHOP_LSN(04) "\n", "i\n1\n");
    fake_rule((FakeRule){.match = "cdc.change_tables ORDER BY object_id",
                         .results = {"ix\n100|" SHOP_LSN(01) "\n101|" SHOP_LSN(04) "\n"}});
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(r.tables[0].start_lsn.b[9], 1);
    assert_int_equal(r.tables[1].start_lsn.b[9], 4);
    assert_true(lsn_is_zero(&r.tables[2].start_lsn));
    run_end(&r);
}

/* One is read from a later place: its parameter is asked for, and only then the text is another. */
static void the_text_follows_what_is_asked(void **state) {
    (void)state;
    Run r;
    run_begin(&r);
    answer("i\n", "ix\n", "i\n3\n");
    if (!run_ask(&r) || !run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(fake_logged("UNION ALL SELECT 1 WHERE EXISTS"), 2);
    assert_int_equal(fake_logged("__$start_lsn > CAST(? AS binary(10))"), 0);
    r.tables[1].above = lsn(2);
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(fake_logged("__$start_lsn > CAST(? AS binary(10))"), 1);
    r.tables[1].above = lsn(1);
    r.tables[2] = (ProbeTable){.instance = STR_LIT("dbo_W]"), .object_id = 109, .above = lsn(1)};
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    assert_int_equal(fake_logged("[dbo_W]]_CT]"), 1);
    assert_int_equal(fake_logged("[dbo_V_CT]"), 3);
    run_end(&r);
}

static void a_dropped_one_lets_each_be_asked_by_its_page(void **state) {
    (void)state;
    Run r;
    run_begin(&r);
    fake_rule((FakeRule){.match = "WHERE EXISTS", .native = 208});
    if (!run_ask(&r)) fail_msg("%s", r.e.msg);
    for (size_t i = 0; i < 3; i++) assert_true(r.tables[i].is_found);
    fake_rule((FakeRule){.match = "WHERE EXISTS", .native = 1205});
    assert_false(run_ask(&r));
    run_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_is_told_and_what_is_not_has_the_readings_start),
        cmocka_unit_test(one_that_begins_in_the_window_is_listed),
        cmocka_unit_test(when_the_count_is_another_all_are_listed),
        cmocka_unit_test(the_text_follows_what_is_asked),
        cmocka_unit_test(a_dropped_one_lets_each_be_asked_by_its_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
