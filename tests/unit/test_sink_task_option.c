#include "worker/sink_task_option.h"

#include <stdio.h>
#include <string.h>

#include "config/option_connect.h"
#include "test.h"

/* "" when it is fine, else the error. */
static const char *check(const char *topics, const char *regex, const char *dead) {
    static char text[ERR_MSG_SIZE];
    Props *props = props_new();
    const char *const values[][2] = {{"name", "s"},
                                     {"connector.class", "x"},
                                     {"topics", topics},
                                     {"topics.regex", regex},
                                     {"errors.deadletterqueue.topic.name", dead}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i][1]) props_set(props, values[i][0], str_from(values[i][1]), "sink.json", 0);
    const OptionTable tables[] = {sink_task_option_table(), option_connect_table()};
    Options *o = NULL;
    Err e = {0};
    text[0] = '\0';
    if (!options_parse_tables(tables, 2, props, &o, &e) || !sink_task_option_check(o, &e))
        (void)snprintf(text, sizeof text, "%s", e.msg);
    options_free(o);
    props_free(props);
    return text;
}

static void topics_or_an_expression_and_not_both(void **state) {
    (void)state;
    assert_string_equal(check("a,b", NULL, NULL), "");
    assert_string_equal(check(NULL, "shop\\..*", NULL), "");
    assert_non_null(strstr(check(NULL, NULL, NULL), "needs topics"));
    assert_non_null(strstr(check("a", "b", NULL), "exclude"));
    assert_non_null(strstr(check(NULL, "a(", NULL), "topics.regex"));
}

static void the_dead_letter_topic_is_not_read(void **state) {
    (void)state;
    assert_string_equal(check("a,b", NULL, "dlq"), "");
    assert_non_null(strstr(check("a,dlq", NULL, "dlq"), "among the topics"));
    assert_non_null(strstr(check(NULL, "d.*", "dlq"), "matches it"));
    assert_string_equal(check(NULL, "a{1,2}", "dlq"), ""); /* its comma doesn't separate */
    assert_string_equal(check(NULL, "D.*", "dlq"), "");    /* letter case counts */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_or_an_expression_and_not_both),
        cmocka_unit_test(the_dead_letter_topic_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
