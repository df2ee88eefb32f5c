#include "standin/store/sqlite_collation.h"

#include "base/mem.h"
#include "standin/types/variant.h"
#include "test.h"

static sqlite3 *open_db(void) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlitecollation_register(db), SQLITE_OK);
    return db;
}

static int number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int ret = sqlite3_column_int(st, 0);
    (void)sqlite3_finalize(st);
    return ret;
}

static void a_collation_is_there_when_it_is_named(void **state) {
    (void)state;
    sqlite3 *db = open_db();
    assert_int_equal(number(db, "SELECT 'a' = 'A ' COLLATE \"Latin1_General_CI_AS\""), 1);
    assert_int_equal(number(db, "SELECT 'a' = 'A' COLLATE \"Latin1_General_CS_AS\""), 0);
    sqlite3_stmt *st = NULL;
    assert_int_not_equal(sqlite3_prepare_v2(db, "SELECT 'a' = 'A' COLLATE \"Klingon_CI_AS\"", -1, &st, NULL),
                         SQLITE_OK);
    (void)sqlite3_close(db);
}

static void variants_are_equal_by_value(void **state) {
    (void)state;
    sqlite3 *db = open_db();
    Arena a = {0};
    Value x = variant_pack(&(Type){.id = TYPE_INT}, VALUE_OF_INT(5), &a);
    Value y = variant_pack(&(Type){.id = TYPE_DECIMAL, .precision = 5, .scale = 2}, VALUE_OF_INT(500), &a);
    sqlite3_stmt *st = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT ?1 = ?2 COLLATE \"" VARIANT_COLLATION "\"", -1, &st, NULL), SQLITE_OK);
    (void)sqlite3_bind_text(st, 1, x.v.s.p, (int)x.v.s.n, SQLITE_STATIC);
    (void)sqlite3_bind_text(st, 2, y.v.s.p, (int)y.v.s.n, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 1);
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collation_is_there_when_it_is_named),
        cmocka_unit_test(variants_are_equal_by_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
