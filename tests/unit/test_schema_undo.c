/* What an open transaction has changed of the schema is taken back at the next start. */
#include "standin/store/schema_undo.h"
#include "test.h"

#include <sqlite3.h>
#include <string.h>

static sqlite3 *db;

static void must(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static int setup(void **state) {
    (void)state;
    SqlError e;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    must("CREATE TABLE m_table(id INTEGER PRIMARY KEY, name, body);"
         "CREATE TABLE m_database(id INTEGER PRIMARY KEY, name, body);"
         "INSERT INTO m_table VALUES (7, 'seven', x'01'); CREATE TABLE t7(c1);");
    assert_true(schemaundo_recover(db, &e));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    (void)sqlite3_close(db);
    return 0;
}

static int count(const char *sql) {
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    (void)sqlite3_finalize(st);
    return n;
}

/* Table 7 gets a column, twice; table 8 comes, table 7 goes from the catalog. */
static void change(int owner, int64_t *ret_last) {
    SqlError e;
    int64_t note;
    assert_true(schemaundo_note(db, owner, SCHEMA_TABLE, 7, "ALTER TABLE t7 DROP COLUMN c2", &note, &e));
    must("ALTER TABLE t7 ADD COLUMN c2; UPDATE m_table SET body = x'02' WHERE id = 7");
    assert_true(schemaundo_note(db, owner, SCHEMA_TABLE, 7, "ALTER TABLE t7 DROP COLUMN c3", &note, &e));
    must("ALTER TABLE t7 ADD COLUMN c3; UPDATE m_table SET body = x'03' WHERE id = 7");
    assert_true(schemaundo_note(db, owner, SCHEMA_TABLE, 8, "DROP TABLE t8", &note, &e));
    must("CREATE TABLE t8(c1); INSERT INTO m_table VALUES (8, 'eight', x'08')");
    assert_true(schemaundo_note(db, owner, SCHEMA_TABLE, 7, NULL, ret_last, &e));
    must("DELETE FROM m_table WHERE id = 7");
}

static void all_is_as_it_was_before(void **state) {
    (void)state;
    SqlError e;
    int64_t last;
    change(51, &last);
    assert_true(schemaundo_recover(db, &e));
    assert_int_equal(count("SELECT COUNT(*) FROM m_table"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM m_table WHERE id = 7 AND name = 'seven' AND body = x'01'"),
                     1);
    assert_int_equal(count("SELECT COUNT(*) FROM pragma_table_info('t7')"), 1);
    assert_int_equal(count("SELECT COUNT(*) FROM sqlite_master WHERE name = 't8'"), 0);
    assert_int_equal(count("SELECT COUNT(*) FROM m_undo"), 0);
}

static void what_was_committed_stays(void **state) {
    (void)state;
    SqlError e;
    int64_t last;
    change(51, &last);
    assert_true(schemaundo_forget_all(db, 52, &e));
    assert_int_equal(count("SELECT COUNT(*) FROM m_undo"), 4);
    assert_true(schemaundo_forget_all(db, 51, &e));
    assert_true(schemaundo_recover(db, &e));
    assert_int_equal(count("SELECT id FROM m_table"), 8);
    assert_int_equal(count("SELECT COUNT(*) FROM pragma_table_info('t7')"), 3);
}

static void what_was_undone_is_not_undone_again(void **state) {
    (void)state;
    SqlError e;
    int64_t last;
    change(51, &last);
    must("INSERT INTO m_table VALUES (7, 'other', x'07')");
    assert_true(schemaundo_forget(db, 0, &e));
    assert_true(schemaundo_forget(db, last, &e));
    assert_int_equal(count("SELECT COUNT(*) FROM m_undo"), 3);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_is_as_it_was_before),
        TEST(what_was_committed_stays),
        TEST(what_was_undone_is_not_undone_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
