#include "cli/check_report.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "test.h"

static void some(Findings *f) {
    findings_add(f, "tables", FINDING_OK, NULL, "2 wanted");
    findings_add(f, "source-clock", FINDING_NOTE, NULL,
                 "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf");
    findings_add(f, "agent", FINDING_ERROR, "EXEC start \"it\"", "isn't running");
}

static void a_table_is_aligned_and_a_cure_stands_alone(void **state) {
    (void)state;
    CLEANUP(findings_done) Findings f = {0};
    CLEANUP(buf_done) Buf out = {0};
    some(&f);
    check_report_table(&f, /* columns= */ 0, /* is_coloured= */ false, /* shows_all= */ true, &out);
    assert_string_equal(
        buf_text(&out),
        "ok       tables        2 wanted\n"
        "note     source-clock  eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf\n"
        "error    agent         isn't running\n"
        "                       EXEC start \"it\"\n"
        "\n"
        "1 ok, 1 note, 0 warnings, 1 error: a run would fail\n");
}

static void text_is_wrapped_between_words_and_colours_are_for_terminals(void **state) {
    (void)state;
    CLEANUP(findings_done) Findings f = {0};
    CLEANUP(buf_done) Buf out = {0};
    some(&f);
    check_report_table(&f, /* columns= */ 60, /* is_coloured= */ true, /* shows_all= */ false, &out);
    const char *text = buf_text(&out);
    assert_null(strstr(text, "2 wanted"));
    assert_non_null(strstr(text,
                           "\x1b[36mnote   \x1b[0m  source-clock  eins zwei drei vier fünf sechs sieben\n"
                           "                       acht neun zehn elf zwölf\n"));
    assert_non_null(strstr(text, "\x1b[1mEXEC start \"it\"\x1b[0m\n"));
}

static void json_has_all_of_it(void **state) {
    (void)state;
    CLEANUP(findings_done) Findings f = {0};
    CLEANUP(buf_done) Buf out = {0};
    some(&f);
    check_report_json(&f, /* connector= */ NULL, &out);
    json_t *all = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(all);
    json_t *checks = json_object_get(all, "checks");
    assert_int_equal(json_array_size(checks), 3);
    json_t *agent = json_array_get(checks, 2);
    assert_string_equal(json_string_value(json_object_get(agent, "severity")), "error");
    assert_string_equal(json_string_value(json_object_get(agent, "cure")), "EXEC start \"it\"");
    assert_true(json_is_null(json_object_get(json_array_get(checks, 0), "cure")));
    assert_int_equal(json_integer_value(json_object_get(all, "errors")), 1);
    assert_true(json_is_false(json_object_get(all, "ok")));
    json_decref(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_aligned_and_a_cure_stands_alone),
        cmocka_unit_test(text_is_wrapped_between_words_and_colours_are_for_terminals),
        cmocka_unit_test(json_has_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
