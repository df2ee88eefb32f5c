#include "sqlserver/source_options.h"

#include <string.h>

#include "test.h"

static Props *props_of(const char *const (*pairs)[2], size_t count) {
    Props *props = props_new();
    props_set(props, "topic.prefix", STR_LIT("p"), "test", 1);
    props_set(props, "database.hostname", STR_LIT("db1"), "test", 2);
    props_set(props, "database.names", STR_LIT("Shop"), "test", 3);
    for (size_t i = 0; i < count; i++)
        props_set(props, pairs[i][0], str_from(pairs[i][1]), "test", (int)(4 + i));
    return props;
}

static void every_row_is_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < SOURCE_OPTION_COUNT; i++) {
        const OptionDef *d = &source_options[i];
        assert_non_null(d->key);
        if (d->status == OPTION_SUPPORTED && !d->help) fail_msg("%s has no help", d->key);
        if (d->status != OPTION_SUPPORTED && !d->reason) fail_msg("%s has no reason", d->key);
        for (size_t k = 0; k < i; k++)
            if (strcmp(d->key, source_options[k].key) == 0) fail_msg("%s is there twice", d->key);
    }
}

static void what_would_give_other_rows_is_an_error_what_cannot_matter_a_warning(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"converters", "x"}, {"time.precision.mode", "connect"}};
    Props *props = props_of(pairs, 2);
    Options *o;
    Err e = {0};
    assert_false(options_parse(source_options, SOURCE_OPTION_COUNT, props, &o, &e));
    assert_non_null(strstr(e.msg, "converters"));
    assert_int_equal(options_warnings(o)->count, 1);
    options_free(o);
    props_free(props);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(what_would_give_other_rows_is_an_error_what_cannot_matter_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
