#include "connector/finding.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static void what_is_no_error_passes(void **state) {
    (void)state;
    Findings f = {0};
    Err e = {0};
    findings_add(&f, "a", FINDING_OK, NULL, "fine");
    findings_add(&f, "b", FINDING_WARNING, "run x", "%d of them", 3);
    assert_true(findings_pass(&f, &e));
    assert_int_equal(findings_count(&f, FINDING_WARNING), 1);
    assert_string_equal(f.items[1].what, "3 of them");
    assert_string_equal(f.items[1].cure, "run x");
    assert_null(f.items[0].cure);
    findings_done(&f);
    assert_int_equal(f.count, 0);
}

static void the_first_error_is_told_with_its_cure_and_the_number_of_the_others(void **state) {
    (void)state;
    Findings f = {0};
    Err e = {0};
    findings_add(&f, "a", FINDING_NOTE, NULL, "so");
    findings_add(&f, "b", FINDING_ERROR, "run x", "is off");
    assert_false(findings_pass(&f, &e));
    assert_string_equal(e.msg, "is off: run x");
    assert_int_equal(e.code, ERR_INVALID);
    for (int i = 0; i < 40; i++) findings_add(&f, "c", FINDING_ERROR, NULL, "more");
    assert_false(findings_pass(&f, &e));
    assert_string_equal(e.msg, "is off: run x (and 40 more)");
    findings_done(&f);
}

static void errors_that_may_pass_are_retriable_only_among_themselves(void **state) {
    (void)state;
    Findings f = {0};
    Err why = {0}, e = {0};
    (void)err_set(&why, ERR_IO, true, "away");
    findings_add_err(&f, "a", "start it", &why);
    assert_false(findings_pass(&f, &e));
    assert_true(e.retriable);
    assert_string_equal(e.msg, "away: start it");
    findings_add(&f, "b", FINDING_ERROR, NULL, "wrong");
    assert_false(findings_pass(&f, &e));
    assert_false(e.retriable);
    char *line = finding_line(&f.items[1]);
    assert_string_equal(line, "wrong");
    free(line);
    assert_string_equal(finding_level_name(FINDING_ERROR), "error");
    findings_done(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_error_passes),
        cmocka_unit_test(the_first_error_is_told_with_its_cure_and_the_number_of_the_others),
        cmocka_unit_test(errors_that_may_pass_are_retriable_only_among_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
