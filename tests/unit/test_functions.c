/* The registered functions as SQL, beside what test_bind.c runs through the binder. */
#include "standin/bind/functions.h"
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "standin/bind/fn_internal.h"
#include "standin/bind/typecode.h"
#include "standin/types/collation.h"

static sqlite3 *db;
static Functions *functions;

static int open_all(void **state) {
    (void)state;
    Err e = {0};
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    functions = functions_register(db, &e);
    assert_non_null(functions);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    (void)sqlite3_close(db);
    functions = functions_free(functions);
    return 0;
}

static const char *value_of(const char *sql, char buf[static 256]) {
    sqlite3_stmt *st;
    SqlError e;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    if (sqlite3_step(st) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        (void)snprintf(buf, 256, "%s", text ? text : "NULL");
    } else {
        assert_true(functions_take_error(functions, &e));
        assert_false(functions_take_error(functions, &e));
        (void)snprintf(buf, 256, "error %d", (int)e.number);
    }
    (void)sqlite3_finalize(st);
    return buf;
}

static void like_matches_by_t_sql(void **state) {
    (void)state;
    static const struct {
        const char *text, *pattern;
        bool is_match;
    } cases[] = {
        {"abc", "abc", true},
        {"ABC", "abc", true},
        {"abc", "a%", true},
        {"abc", "%c", true},
        {"abc", "%b%", true},
        {"abc", "a_c", true},
        {"abc", "a_", false},
        {"", "%", true},
        {"abc", "", false},
        {"a]c", "a]c", true},
        {"a5", "a[0-9]", true},
        {"ax", "a[^0-9]", true},
        {"a-", "a[0-9-]", true},
        {"a]", "a[]]", true},
        {"abcabd", "%abd", true},
        {"a[c", "a[[]c", true},
        {"a%c", "a[%]c", true},
        {"axc", "a[%]c", false},
        {"é", "_", true},
        {"a", "[", false},
        {"aaaaab", "%a%ab", true},
        {"mississippi", "m%iss%pi", true},
        {"mississippi", "m%iss%x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fn_like(str_from(cases[i].text), str_from(cases[i].pattern), COLLATION_DEFAULT, 0, false) !=
            cases[i].is_match)
            fail_msg("'%s' LIKE '%s'", cases[i].text, cases[i].pattern);
    assert_true(fn_like(STR_LIT("50%"), STR_LIT("50!%"), COLLATION_DEFAULT, '!', false));
    assert_false(fn_like(STR_LIT("500"), STR_LIT("50!%"), COLLATION_DEFAULT, '!', false));
    assert_false(fn_like(STR_LIT("abc  "), STR_LIT("%bc"), COLLATION_DEFAULT, 0, false));
    assert_true(fn_like(STR_LIT("abc  "), STR_LIT("%bc"), COLLATION_DEFAULT, 0, true)); /* varchar's blanks */
    assert_false(fn_like(STR_LIT("abc"), STR_LIT("abc "), COLLATION_DEFAULT, 0, true));
}

static void like_takes_linear_tries_on_hostile_patterns(void **state) {
    (void)state;
    char text[2001], pattern[201];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i + 1 < sizeof pattern; i++) pattern[i] = i % 2 ? 'a' : '%';
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = '\0';
    assert_false(fn_like(str_from(text), str_from(pattern), COLLATION_DEFAULT, 0, false));
}

static void every_collation_is_known_to_sqlite(void **state) {
    (void)state;
    char sql[256], buf[256];
    for (size_t i = 0; i < collation_count(); i++) {
        const Collation *c = collation_get((uint8_t)i);
        (void)snprintf(sql, sizeof sql, "SELECT 'a' = 'A  ' COLLATE \"%s\"", c->name);
        assert_string_equal(value_of(sql, buf), c->is_case_sensitive || c->is_binary ? "0" : "1");
    }
}

static void errors_are_sql_servers_and_taken_once(void **state) {
    (void)state;
    char sql[256], buf[256];
    Type text = {.id = TYPE_VARCHAR, .length = 5}, number = {.id = TYPE_INT};
    (void)snprintf(sql, sizeof sql, "SELECT ts_convert('x', %lld, %lld)", (long long)typecode_of(&text),
                   (long long)typecode_of(&number));
    assert_string_equal(value_of(sql, buf), "error 245");
    (void)snprintf(sql, sizeof sql, "SELECT ts_try_convert('x', %lld, %lld)", (long long)typecode_of(&text),
                   (long long)typecode_of(&number));
    assert_string_equal(value_of(sql, buf), "NULL");
    assert_string_equal(value_of("SELECT ts_substring('abc', 1, -1)", buf), "error 537");
    assert_string_equal(value_of("SELECT ts_limit(-1)", buf), "error 127");
    assert_string_equal(value_of("SELECT ts_translate('xab', 'ab', char(0x1f600), 0)", buf), "error 9828");
    assert_string_equal(value_of("SELECT ts_limit(NULL)", buf), "error 1014");
    assert_string_equal(value_of("SELECT ts_raise(512)", buf), "error 512");
}

static void null_in_gives_null_out(void **state) {
    (void)state;
    char buf[256];
    static const char *const calls[] = {"ts_len(NULL)",
                                        "ts_upper(NULL)",
                                        "ts_substring('a', NULL, 1)",
                                        "ts_like('a', NULL, 0)",
                                        "ts_add(1, NULL, 0, 0, 0)",
                                        "ts_sqrt(NULL)",
                                        "ts_dateadd(1, NULL, 1, 0)",
                                        "ts_convert(NULL, 0, 0)",
                                        "ts_sum(NULL, 0, 0)"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT %s", calls[i]);
        assert_string_equal(value_of(sql, buf), "NULL");
    }
}

static void new_ids_differ(void **state) {
    (void)state;
    char a[256], b[256];
    (void)value_of("SELECT hex(ts_newid())", a);
    (void)value_of("SELECT hex(ts_newid())", b);
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, b);
}

static void a_row_is_read_as_it_is_stored(void **state) {
    (void)state;
    sqlite3_stmt *st;
    Value row[6];
    const char *sql = "SELECT 7, 'h' || char(233), x'00ff', NULL, 1.5, ''";
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    functions_row_values(st, 6, row);
    assert_int_equal(row[0].kind, VALUE_INT);
    assert_int_equal(row[0].v.i, 7);
    assert_int_equal(row[1].kind, VALUE_TEXT);
    assert_true(str_eq(row[1].v.s, STR_LIT("h\xc3\xa9")));
    assert_int_equal(row[2].kind, VALUE_BLOB);
    assert_true(str_eq(row[2].v.s, ((Str){"\0\xff", 2})));
    assert_int_equal(row[3].kind, VALUE_NULL);
    assert_int_equal(row[4].kind, VALUE_REAL);
    assert_true(row[4].v.d == 1.5);
    assert_int_equal(row[5].kind, VALUE_TEXT);
    assert_int_equal(row[5].v.s.n, 0);
    (void)sqlite3_finalize(st);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read_as_it_is_stored),
        cmocka_unit_test(like_matches_by_t_sql),
        cmocka_unit_test(like_takes_linear_tries_on_hostile_patterns),
        cmocka_unit_test(every_collation_is_known_to_sqlite),
        cmocka_unit_test(errors_are_sql_servers_and_taken_once),
        cmocka_unit_test(null_in_gives_null_out),
        cmocka_unit_test(new_ids_differ),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
