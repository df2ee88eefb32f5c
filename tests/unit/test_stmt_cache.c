#include "standin/store/stmt_cache.h"
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *db;
static StmtCache *cache;

static int setup(void **state) {
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    cache = stmtcache_new(db, 3);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    cache = stmtcache_free(cache);
    assert_int_equal(sqlite3_close(db), SQLITE_OK); /* nothing was left open */
    return 0;
}

static void the_same_text_gives_the_same_statement(void **state) {
    (void)state;
    SqlError e;
    sqlite3_stmt *st = stmtcache_take(cache, STR_LIT("SELECT ?1"), &e);
    assert_int_equal(sqlite3_bind_int(st, 1, 5), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    stmtcache_put(cache, st);
    assert_ptr_equal(stmtcache_take(cache, STR_LIT("SELECT ?1"), &e), st);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(st, 0), SQLITE_NULL); /* nothing of the last use is left */
    stmtcache_put(cache, st);
}

static void one_in_use_isnt_given_twice(void **state) {
    (void)state;
    SqlError e;
    sqlite3_stmt *st = stmtcache_take(cache, STR_LIT("SELECT 1"), &e);
    sqlite3_stmt *other = stmtcache_take(cache, STR_LIT("SELECT 1"), &e);
    assert_ptr_not_equal(st, other);
    stmtcache_put(cache, other);
    stmtcache_put(cache, st);
}

static void more_than_there_is_room_for_still_works(void **state) {
    (void)state;
    SqlError e;
    sqlite3_stmt *taken[5];
    for (int i = 0; i < 5; i++) {
        char sql[32];
        int n = snprintf(sql, sizeof sql, "SELECT %d", i);
        taken[i] = stmtcache_take(cache, (Str){sql, (size_t)n}, &e);
        assert_non_null(taken[i]);
    }
    for (int i = 0; i < 5; i++) stmtcache_put(cache, taken[i]);
    for (int i = 0; i < 20; i++) {
        char sql[32];
        int n = snprintf(sql, sizeof sql, "SELECT %d", i);
        sqlite3_stmt *st = stmtcache_take(cache, (Str){sql, (size_t)n}, &e);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(st, 0), i);
        stmtcache_put(cache, st);
    }
    stmtcache_clear(cache);
}

static void what_sqlite_cant_compile_is_an_error(void **state) {
    (void)state;
    SqlError e = {0};
    assert_null(stmtcache_take(cache, STR_LIT("nonsense"), &e));
    assert_int_equal(e.number, 8624);
    assert_false(stmtcache_run(cache, "nonsense", &e));
    assert_true(stmtcache_run(cache, "CREATE TABLE t(a)", &e));
    stmtcache_put(cache, NULL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_text_gives_the_same_statement),
        TEST(one_in_use_isnt_given_twice),
        TEST(more_than_there_is_room_for_still_works),
        TEST(what_sqlite_cant_compile_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
