/* INSERT BULK and its rows. */
#include "collector_sa.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open_shop(state);
    ASK(&a,
        "CREATE TABLE t (id int IDENTITY PRIMARY KEY, n nvarchar(5) NOT NULL, d decimal(8,2) DEFAULT 7 CHECK "
        "(d < 100), c AS d + 1)",
        "");
    return 0;
}

static const OutColumn columns[] = {
    {.name = {"n", 1}, .type = {.id = TYPE_VARCHAR, .length = 20}},
    {.name = {"d", 1}, .type = {.id = TYPE_FLOAT}},
};

static const char *load(const char *begin, const char *const *names, const double *numbers, size_t count,
                        bool is_cancelled) {
    ASK(&a, begin, "");
    assert_true(session_in_bulk(a.session));
    buf_clear(&a.collector.text);
    assert_true(session_bulk_columns(a.session, columns, 2));
    for (size_t i = 0; i < count; i++) {
        Value row[] = {VALUE_OF_TEXT(str_from(names[i])), {.kind = VALUE_NULL}};
        if (numbers[i] >= 0) row[1] = VALUE_OF_REAL(numbers[i]);
        assert_true(session_bulk_row(a.session, row));
    }
    assert_true(session_bulk_end(a.session, is_cancelled));
    assert_false(session_in_bulk(a.session));
    return buf_text(&a.collector.text);
}

static void rows_are_converted_and_completed(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const double numbers[] = {1.25, -1, 99};
    assert_string_equal(load("INSERT BULK t (n varchar(20), d float)", names, numbers, 3, false), "#3\n");
    ASK(&a, "SELECT * FROM t", "1|a|1.25|2.25\n2|b|7.00|8.00\n3|c|99.00|100.00\n#3\n");
    assert_string_equal(
        load("INSERT BULK t (n varchar(20), d float) WITH (KEEP_NULLS)", names, numbers, 2, false), "#2\n");
    ASK(&a, "SELECT d FROM t WHERE id = 5", "NULL\n#1\n");
}

static void all_or_nothing(void **state) {
    (void)state;
    static const char *const names[] = {"a", "much too long"};
    static const double numbers[] = {1, 2};
    assert_string_equal(load("INSERT BULK t (n varchar(20), d float)", names, numbers, 2, false),
                        "!4863 Bulk load data conversion error (truncation) for row 2, column 1 (n).\n");
    assert_string_equal(
        load("INSERT BULK t (n varchar(20), d float)", names, numbers, 1, /* is_cancelled= */ true), "");
    ASK(&a, "SELECT COUNT(*) FROM t", "0\n#1\n");
}

static void constraints_are_looked_at_when_asked(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    static const double numbers[] = {500};
    assert_string_equal(load("INSERT BULK t (n varchar(20), d float)", names, numbers, 1, false), "#1\n");
    const char *answer =
        load("INSERT BULK t (n varchar(20), d float) WITH (CHECK_CONSTRAINTS)", names, numbers, 1, false);
    assert_non_null(strstr(answer, "!547 The INSERT statement conflicted with the CHECK constraint"));
}

static void it_belongs_to_the_transaction(void **state) {
    (void)state;
    static const char *const names[] = {"a"};
    static const double numbers[] = {1};
    ASK(&a, "BEGIN TRAN", "begin\n");
    assert_string_equal(load("INSERT BULK t (n varchar(20), d float)", names, numbers, 1, false), "#1\n");
    ASK(&a, "SELECT COUNT(*) FROM t ROLLBACK SELECT COUNT(*) FROM t", "1\n#1\nrollback\n0\n#1\n");
}

static void a_table_that_changes_meanwhile_is_refused(void **state) {
    (void)state;
    TestClient b;
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&b, "CREATE TABLE u (x int, n varchar(20), d float)", "");
    ASK(&a, "INSERT BULK u (n varchar(20), d float)", "");
    buf_clear(&a.collector.text);
    assert_true(session_bulk_columns(a.session, columns, 2));
    ASK(&b, "ALTER TABLE u DROP COLUMN x", "");
    Value row[] = {VALUE_OF_TEXT(STR_LIT("a")), VALUE_OF_REAL(1)};
    assert_true(session_bulk_row(a.session, row));
    assert_true(session_bulk_end(a.session, false));
    assert_string_equal(buf_text(&a.collector.text),
                        "!4891 Insert bulk failed due to a schema change of the target table.\n");
    ASK(&b, "SELECT COUNT(*) FROM u", "0\n#1\n");
    testclient_close(&b);
}

static void unknown_columns_are_refused(void **state) {
    (void)state;
    static const OutColumn wrong[] = {{.name = {"nix", 3}, .type = {.id = TYPE_INT}}};
    ASK(&a, "INSERT BULK t (nix int)", "");
    buf_clear(&a.collector.text);
    assert_true(session_bulk_columns(a.session, wrong, 1));
    assert_true(session_bulk_end(a.session, false));
    assert_string_equal(buf_text(&a.collector.text),
                        "!4819 Bulk copy: the column 'nix' does not exist in the table.\n");
    ASK(&a, "INSERT BULK nix (a int)",
        "!4701 Cannot find the object \"nix\" because it does not exist or you do not have permissions.\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(rows_are_converted_and_completed),     TEST(all_or_nothing),
        TEST(constraints_are_looked_at_when_asked), TEST(it_belongs_to_the_transaction),
        TEST(unknown_columns_are_refused),          TEST(a_table_that_changes_meanwhile_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
