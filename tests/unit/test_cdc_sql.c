#include "base/mem.h"
#include "standin/capture/cdc_sql.h"
#include "test.h"
#include <sqlite3.h>

static sqlite3 *db;
static StmtCache *cache;

static int open_memory(void **state) {
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    cache = stmtcache_new(db, 8);
    return 0;
}

static int close_memory(void **state) {
    (void)state;
    cache = stmtcache_free(cache);
    return sqlite3_close(db);
}

static void values_go_in_and_come_out_by_kind(void **state) {
    (void)state;
    SqlError e = {0};
    CLEANUP(arena_done) Arena arena = {0};
    const Value in[] = {VALUE_OF_INT(7),
                        VALUE_OF_TEXT(STR_LIT("text")),
                        VALUE_OF_BLOB(STR_LIT("\0\1")),
                        {.kind = VALUE_NULL}};
    Value out[4];
    CdcSqlRow row = {.values = out, .width = 4};
    assert_true(cdc_sql_run(cache, NULL, 0, &e, "CREATE TABLE %s(a, b, c, d)", "t1"));
    assert_true(cdc_sql_run(cache, in, 4, &e, "INSERT INTO t%d VALUES(?1, ?2, ?3, ?4)", 1));
    assert_true(cdc_sql_row(cache, in, 1, &arena, &row, &e, "SELECT * FROM t1 WHERE a = ?1"));
    assert_true(row.is_found);
    assert_int_equal(out[0].v.i, 7);
    assert_true(str_eq_c(out[1].v.s, "text"));
    assert_int_equal(out[2].kind, VALUE_BLOB);
    assert_int_equal(out[2].v.s.n, 2);
    assert_int_equal(out[3].kind, VALUE_NULL);
}

static void a_query_without_rows_finds_nothing(void **state) {
    (void)state;
    SqlError e = {0};
    CLEANUP(arena_done) Arena arena = {0};
    Value out;
    CdcSqlRow row = {.values = &out, .width = 1, .is_found = true};
    assert_true(cdc_sql_row(cache, NULL, 0, &arena, &row, &e, "SELECT 1 WHERE 1 = 0"));
    assert_false(row.is_found);
}

static void what_sqlite_refuses_is_an_error(void **state) {
    (void)state;
    SqlError e = {0};
    assert_false(cdc_sql_run(cache, NULL, 0, &e, "INSERT INTO nix VALUES(1)"));
    assert_true(e.number != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_go_in_and_come_out_by_kind, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(a_query_without_rows_finds_nothing, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(what_sqlite_refuses_is_an_error, open_memory, close_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
