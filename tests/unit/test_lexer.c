#include "standin/tsql/lexer.h"
#include "test.h"

#include <stdio.h>

static Arena arena;

static Token *tokens_of(const char *text, bool quoted_identifier, size_t *ret_count) {
    Token *tokens;
    SqlError e = {0};
    if (!lexer_tokens(str_from(text), quoted_identifier, &arena, &tokens, ret_count, &e))
        fail_msg("%s: %d %s", text, (int)e.number, e.text);
    return tokens;
}

static void check(const Token *t, TokenKind kind, const char *value) {
    assert_int_equal(t->kind, kind);
    if (!str_eq_c(t->value, value)) fail_msg("'%.*s' is not '%s'", STR_ARG(t->value), value);
}

static SqlError failure(const char *text) {
    Token *tokens;
    size_t count;
    SqlError e = {0};
    assert_false(lexer_tokens(str_from(text), true, &arena, &tokens, &count, &e));
    return e;
}

static int clear(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static void words_are_reserved_or_names_in_any_letter_case(void **state) {
    (void)state;
    size_t n;
    Token *t = tokens_of("sElEcT foo #tmp ##g _x tablé x@$1 $action", true, &n);
    assert_int_equal(n, 9);
    check(&t[0], TOKEN_KEYWORD, "sElEcT");
    assert_int_equal(t[0].keyword, KW_SELECT);
    check(&t[1], TOKEN_WORD, "foo");
    check(&t[2], TOKEN_WORD, "#tmp");
    check(&t[3], TOKEN_WORD, "##g");
    check(&t[5], TOKEN_WORD, "tablé");
    check(&t[6], TOKEN_WORD, "x@$1");
    check(&t[7], TOKEN_WORD, "$action");
    check(&t[8], TOKEN_END, "");
    assert_int_equal(lexer_keyword(STR_LIT("add")), KW_ADD);
    assert_int_equal(lexer_keyword(STR_LIT("WITH")), KW_WITH);
    assert_int_equal(lexer_keyword(STR_LIT("CURRENT_TIMESTAMP")), KW_CURRENT_TIMESTAMP);
    assert_int_equal(lexer_keyword(STR_LIT("WITHOUT")), KW_NONE);
}

static void quotes_are_taken_off_and_doubled_ones_undone(void **state) {
    (void)state;
    size_t n;
    Token *t = tokens_of("'it''s' N'é' [a]]b] \"x\"\"y\" ''", true, &n);
    check(&t[0], TOKEN_STRING, "it's");
    check(&t[1], TOKEN_NSTRING, "é");
    check(&t[2], TOKEN_QUOTED, "a]b");
    check(&t[3], TOKEN_QUOTED, "x\"y");
    check(&t[4], TOKEN_STRING, "");
}

static void double_quotes_are_strings_without_quoted_identifier(void **state) {
    (void)state;
    size_t n;
    check(tokens_of("\"a b\"", false, &n), TOKEN_STRING, "a b");
}

static void numbers_come_in_five_kinds(void **state) {
    (void)state;
    size_t n;
    Token *t = tokens_of("12 1.5 .5 1. 1e3 2E-4 1e $12.50 $ 0xABC 0x", true, &n);
    check(&t[0], TOKEN_INTEGER, "12");
    check(&t[1], TOKEN_DECIMAL, "1.5");
    check(&t[2], TOKEN_DECIMAL, ".5");
    check(&t[3], TOKEN_DECIMAL, "1.");
    check(&t[4], TOKEN_FLOAT, "1e3");
    check(&t[5], TOKEN_FLOAT, "2E-4");
    check(&t[6], TOKEN_FLOAT, "1e");
    check(&t[7], TOKEN_MONEY, "12.50");
    check(&t[8], TOKEN_MONEY, "");
    assert_int_equal(t[9].kind, TOKEN_BINARY);
    assert_memory_equal(t[9].value.p, "\x0A\xBC", 2); /* an odd digit gets a zero in front */
    assert_int_equal(t[9].value.n, 2);
    assert_int_equal(t[10].kind, TOKEN_BINARY);
    assert_int_equal(t[10].value.n, 0);
}

static void variables_and_symbols_are_cut_at_their_longest(void **state) {
    (void)state;
    size_t n;
    Token *t = tokens_of("@x @@ROWCOUNT a<=b <> += !< :: .", true, &n);
    check(&t[0], TOKEN_VARIABLE, "@x");
    check(&t[1], TOKEN_GLOBAL, "@@ROWCOUNT");
    assert_int_equal(t[3].symbol, LEXER_PAIR('<', '='));
    assert_int_equal(t[5].symbol, LEXER_PAIR('<', '>'));
    assert_int_equal(t[6].symbol, LEXER_PAIR('+', '='));
    assert_int_equal(t[7].symbol, LEXER_PAIR('!', '<'));
    assert_int_equal(t[8].symbol, LEXER_PAIR(':', ':'));
    assert_int_equal(t[9].symbol, '.');
}

static void comments_nest_and_lines_are_counted(void **state) {
    (void)state;
    size_t n;
    Token *t = tokens_of("a -- x\nb /* 1 /* 2\n */ 3 */ c 'x\ny' d", true, &n);
    assert_int_equal(n, 6);
    assert_int_equal(t[0].line, 1);
    assert_int_equal(t[1].line, 2);
    check(&t[2], TOKEN_WORD, "c");
    assert_int_equal(t[2].line, 3);
    check(&t[3], TOKEN_STRING, "x\ny");
    assert_int_equal(t[4].line, 4);
    assert_int_equal(t[5].line, 4);
}

static void what_never_ends_is_told_with_its_line(void **state) {
    (void)state;
    SqlError e = failure("select\n'abc");
    assert_int_equal(e.number, 105);
    assert_int_equal(e.class_, 15);
    assert_int_equal(e.line, 2);
    assert_string_equal(e.text, "Unclosed quotation mark after the character string 'abc'.");
    e = failure("select /* 1 /* 2 */");
    assert_int_equal(e.number, 113);
    assert_string_equal(e.text, "Missing end comment mark '*/'.");
    assert_int_equal(failure("[a").number, 105);
    assert_int_equal(failure("select \\").number, 102);
    assert_int_equal(failure("select []").number, 1038);
}

static void names_have_at_most_128_units(void **state) {
    (void)state;
    char name[140];
    (void)snprintf(name, sizeof name, "%0*d", 129, 0);
    name[0] = 'x';
    assert_int_equal(failure(name).number, 103);
    size_t n;
    name[128] = '\0';
    assert_int_equal(tokens_of(name, true, &n)[0].kind, TOKEN_WORD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(words_are_reserved_or_names_in_any_letter_case, clear),
        cmocka_unit_test_teardown(quotes_are_taken_off_and_doubled_ones_undone, clear),
        cmocka_unit_test_teardown(double_quotes_are_strings_without_quoted_identifier, clear),
        cmocka_unit_test_teardown(numbers_come_in_five_kinds, clear),
        cmocka_unit_test_teardown(variables_and_symbols_are_cut_at_their_longest, clear),
        cmocka_unit_test_teardown(comments_nest_and_lines_are_counted, clear),
        cmocka_unit_test_teardown(what_never_ends_is_told_with_its_line, clear),
        cmocka_unit_test_teardown(names_have_at_most_128_units, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
