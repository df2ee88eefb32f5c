#include "standin/tsql/expr_text.h"

#include "base/mem.h"
#include "standin/tsql/parser.h"
#include "test.h"

static Arena arena;

static int clear(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static const ParserOptions options = {.quoted_identifier = true};

/* As the catalog shows it, or NULL where it has no such form. */
static const char *text_of(const char *condition) {
    AstExpr *x;
    SqlError e = {0};
    if (!parser_condition(str_from(condition), &options, &arena, &x, &e))
        fail_msg("%s: %s", condition, e.text);
    CLEANUP(buf_done) Buf out = {0};
    if (!exprtext_write(x, &out)) return NULL;
    return arena_printf(&arena, "%s", buf_text(&out));
}

static const char *value_of(const char *expression) {
    AstExpr *x;
    SqlError e = {0};
    if (!parser_expression(str_from(expression), &options, &arena, &x, &e))
        fail_msg("%s: %s", expression, e.text);
    CLEANUP(buf_done) Buf out = {0};
    if (!exprtext_write(x, &out)) return NULL;
    return arena_printf(&arena, "%s", buf_text(&out));
}

#define SAME(a, b) assert_string_equal((a), (b))

static void literals_are_in_parentheses_when_numbers(void **state) {
    (void)state;
    SAME(value_of("(5)"), "(5)");
    SAME(value_of("-1.5"), "(-1.5)");
    SAME(value_of("2147483647"), "(2147483647)");
    SAME(value_of("2147483648"), "(2147483648.)"); /* numeric(10,0) */
    SAME(value_of("-5."), "(-5.)");
    SAME(value_of("N'it''s'"), "N'it''s'");
    SAME(value_of("0x0aF0"), "0x0AF0");
    SAME(value_of("NULL"), "NULL");
}

static void names_are_quoted_and_calls_in_lower_case(void **state) {
    (void)state;
    SAME(value_of("GETDATE()"), "getdate()");
    SAME(value_of("CURRENT_TIMESTAMP"), "getdate()");
    SAME(value_of("ISNULL(a, [b]]c])"), "isnull([a],[b]]c])");
    SAME(value_of("DATEADD(DAY, 1, c)"), "dateadd(day,(1),[c])");
    SAME(value_of("CAST(a AS nvarchar(12))"), "CONVERT([nvarchar](12),[a])");
    SAME(value_of("CASE WHEN a > 1 THEN 'x' ELSE b END"), "case when [a]>(1) then 'x' else [b] end");
    SAME(value_of("COALESCE(a, b)"), "case when [a] IS NOT NULL then [a] else [b] end");
}

static void conditions_are_printed_from_the_tree(void **state) {
    (void)state;
    SAME(text_of("((a > 0))"), "[a]>(0)");
    SAME(text_of("a IN ('S', 'M')"), "[a]='M' OR [a]='S'");
    SAME(text_of("a NOT IN (1, 2) AND b = 1"), "NOT ([a]=(2) OR [a]=(1)) AND [b]=(1)");
    SAME(text_of("b = 1 AND a IN (1, 2)"), "[b]=(1) AND ([a]=(2) OR [a]=(1))");
    SAME(text_of("a BETWEEN 1 AND 10"), "[a]>=(1) AND [a]<=(10)");
    SAME(text_of("a LIKE 'S%' OR b IS NOT NULL"), "[a] like 'S%' OR [b] IS NOT NULL");
}

static void parentheses_stay_where_they_matter(void **state) {
    (void)state;
    SAME(value_of("(a - (a - 1)) * 2"), "([a]-([a]-(1)))*(2)");
    SAME(value_of("(a * b) + c"), "[a]*[b]+[c]");
    SAME(value_of("a - -b"), "[a]-(-[b])");
    SAME(value_of("-(-b)"), "-(-[b])");
    SAME(text_of("NOT (a = 1 AND b = 2)"), "NOT ([a]=(1) AND [b]=(2))");
}

static void a_subquery_has_no_such_form(void **state) {
    (void)state;
    assert_null(text_of("a IN (SELECT b FROM t)"));
    assert_null(text_of("a = 1 OR EXISTS (SELECT 1)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(literals_are_in_parentheses_when_numbers, clear),
        cmocka_unit_test_teardown(names_are_quoted_and_calls_in_lower_case, clear),
        cmocka_unit_test_teardown(conditions_are_printed_from_the_tree, clear),
        cmocka_unit_test_teardown(parentheses_stay_where_they_matter, clear),
        cmocka_unit_test_teardown(a_subquery_has_no_such_form, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
