/* The writer alone, on a change table in memory: maps, conversions, what isn't written. Masks and LOBs as
 * clients see them are in test_capture.c. */
#include "base/mem.h"
#include "standin/capture/change_writer.h"
#include "standin/store/table_sql.h"
#include "standin/types/collation.h"
#include "test.h"
#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *db;
static Table *table;
static ChangeWriter *writer;
static const LogLsn COMMIT = {{0, 0, 0, 1, 0, 0, 0, 1, 0, 9}};
static const LogLsn POSITION = {{0, 0, 0, 1, 0, 0, 0, 1, 0, 5}};
static const Type INT_TYPE = {.id = TYPE_INT}, NAME_TYPE = {.id = TYPE_NVARCHAR, .length = 10};

static int compare(void *arg, int n1, const void *p1, int n2, const void *p2) {
    (void)arg;
    return str_cmp((Str){p1, (size_t)n1}, (Str){p2, (size_t)n2});
}

static int open_writer(void **state) {
    (void)state;
    static const Type lsn = {.id = TYPE_BINARY, .length = 10}, mask = {.id = TYPE_VARBINARY, .length = 128};
    static CapturedColumn columns[] = {{.column_id = 1}, {.column_id = 3}};
    const Instance instance = {.object_id = 50, .columns = columns, .column_count = 2};
    CLEANUP(buf_done) Buf sql = {0};
    SqlError e = {0};
    table = table_new(50, 5, 5, STR_LIT("x_CT"));
    (void)table_add_column(table, STR_LIT("__$start_lsn"), &lsn, false);
    (void)table_add_column(table, STR_LIT("__$end_lsn"), &lsn, true);
    (void)table_add_column(table, STR_LIT("__$seqval"), &lsn, false);
    (void)table_add_column(table, STR_LIT("__$operation"), &INT_TYPE, false);
    (void)table_add_column(table, STR_LIT("__$update_mask"), &mask, true);
    (void)table_add_column(table, STR_LIT("id"), &INT_TYPE, true);
    (void)table_add_column(table, STR_LIT("name"), &NAME_TYPE, true);
    (void)table_add_column(table, STR_LIT("__$command_id"), &INT_TYPE, true);
    tablesql_create_table(table, &sql);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_create_collation(db, collation_get(COLLATION_DEFAULT)->name, SQLITE_UTF8, NULL, compare),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL), SQLITE_OK);
    writer = change_writer_new(db, table, &instance, &e);
    assert_non_null(writer);
    change_writer_begin(writer, &COMMIT);
    return 0;
}

static int close_writer(void **state) {
    (void)state;
    writer = change_writer_free(writer);
    table = table_free(table);
    return sqlite3_close(db);
}

/* "operation,id,name" of each row, in order of writing. */
static const char *rows(void) {
    static char text[256];
    sqlite3_stmt *st;
    text[0] = '\0';
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT group_concat(c4 || ',' || ifnull(c6, '-') || ',' || ifnull(c7, '-'), ';') "
                           "FROM t50",
                           -1, &st, NULL),
        SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
        (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(st, 0));
    (void)sqlite3_finalize(st);
    return text;
}

static uint32_t write_change(LogOp op, const LogLayout *layout, const Value *before, const Value *after) {
    SqlError e = {0};
    uint32_t written = 99;
    LogChange c = {
        .seqval = POSITION, .op = op, .object_id = 1, .layout = layout, .before = before, .after = after};
    if (!change_writer_write(writer, &c, 1, &written, &e)) fail_msg("%d %s", e.number, e.text);
    return written;
}

static const int32_t IDS[] = {1, 2, 3};
static const Type TYPES[] = {{.id = TYPE_INT}, {.id = TYPE_INT}, {.id = TYPE_NVARCHAR, .length = 10}};
static const LogLayout LAYOUT = {.object_id = 1, .column_ids = IDS, .types = TYPES, .count = 3};

static void values_are_found_by_column_id_in_whatever_layout(void **state) {
    (void)state;
    static const int32_t other_ids[] = {3, 1};
    static const Type other_types[] = {{.id = TYPE_NVARCHAR, .length = 10}, {.id = TYPE_INT}};
    static const LogLayout other = {
        .object_id = 1, .column_ids = other_ids, .types = other_types, .count = 2};
    static const LogLayout dropped = {.object_id = 1, .column_ids = IDS, .types = TYPES, .count = 2};
    const Value a[] = {VALUE_OF_INT(1), VALUE_OF_INT(7), VALUE_OF_TEXT(STR_LIT("a"))};
    const Value b[] = {VALUE_OF_TEXT(STR_LIT("b")), VALUE_OF_INT(2)};
    assert_int_equal(write_change(LOG_INSERT, &LAYOUT, NULL, a), 1);
    assert_int_equal(write_change(LOG_INSERT, &other, NULL, b), 1);
    assert_int_equal(write_change(LOG_DELETE, &dropped, a, NULL), 1);
    assert_string_equal(rows(), "2,1,a;2,2,b;1,1,-");
}

static void an_update_of_other_columns_alone_is_not_written(void **state) {
    (void)state;
    const Value a[] = {VALUE_OF_INT(1), VALUE_OF_INT(7), VALUE_OF_TEXT(STR_LIT("a"))};
    const Value b[] = {VALUE_OF_INT(1), VALUE_OF_INT(8), VALUE_OF_TEXT(STR_LIT("a"))};
    assert_int_equal(write_change(LOG_UPDATE, &LAYOUT, a, b), 0);
    assert_string_equal(rows(), "");
    assert_int_equal(write_change(LOG_UPDATE, &LAYOUT, a, a), 2); /* logged though nothing changed */
    assert_string_equal(rows(), "3,1,a;4,1,a");
}

static void values_of_another_type_are_converted(void **state) {
    (void)state;
    static const Type old_types[] = {{.id = TYPE_BIGINT}, {.id = TYPE_INT}, {.id = TYPE_INT}};
    static const LogLayout old = {.object_id = 1, .column_ids = IDS, .types = old_types, .count = 3};
    const Value a[] = {VALUE_OF_INT(5), VALUE_OF_INT(7), VALUE_OF_INT(42)};
    assert_int_equal(write_change(LOG_INSERT, &old, NULL, a), 1);
    assert_string_equal(rows(), "2,5,42");
    const Value b[] = {VALUE_OF_INT(INT64_C(5000000000)), VALUE_OF_INT(7), VALUE_OF_INT(42)};
    LogChange c = {.seqval = POSITION, .op = LOG_INSERT, .object_id = 1, .layout = &old, .after = b};
    SqlError e = {0};
    uint32_t written;
    assert_false(change_writer_write(writer, &c, 1, &written, &e));
    assert_int_equal(e.number, 8115);
}

static void the_row_count_is_known_after_the_commit(void **state) {
    (void)state;
    const Value a[] = {VALUE_OF_INT(1), VALUE_OF_INT(7), VALUE_OF_TEXT(STR_LIT("a"))};
    (void)write_change(LOG_INSERT, &LAYOUT, NULL, a);
    change_writer_rolled_back(writer);
    (void)write_change(LOG_INSERT, &LAYOUT, NULL, a);
    change_writer_committed(writer);
    assert_int_equal(atomic_load(&table->state->row_count), 1);
}

#define ON_TABLE(test) cmocka_unit_test_setup_teardown(test, open_writer, close_writer)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_TABLE(values_are_found_by_column_id_in_whatever_layout),
        ON_TABLE(an_update_of_other_columns_alone_is_not_written),
        ON_TABLE(values_of_another_type_are_converted),
        ON_TABLE(the_row_count_is_known_after_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
