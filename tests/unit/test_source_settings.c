#include "sqlserver/source_settings.h"

#include <string.h>

#include "sqlserver/source_options.h"
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

static Options *options_of(const char *const (*pairs)[2], size_t count) {
    Props *props = props_of(pairs, count);
    Options *o;
    Err e = {0};
    if (!options_parse(source_options, SOURCE_OPTION_COUNT, props, &o, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

static void defaults_are_debeziums(void **state) {
    (void)state;
    Options *o = options_of(NULL, 0);
    SourceSettings s;
    Err e = {0};
    if (!source_settings(o, &s, &e)) fail_msg("%s", e.msg);
    assert_int_equal(s.target.port, 1433);
    assert_true(s.target.encrypt);
    assert_int_equal(s.poll_interval_ms, 500);
    assert_int_equal(s.window_transactions, 500);
    assert_int_equal(s.mode, SNAPSHOT_INITIAL);
    assert_int_equal(s.snapshot_threads, 1);
    assert_false(s.names_tables);
    source_settings_done(&s);
    options_free(o);
}

static void an_instance_without_a_port_is_found_by_its_name(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"database.instance", "X"}, {"snapshot.mode", "schema_only"}};
    Options *o = options_of(pairs, 2);
    SourceSettings s;
    Err e = {0};
    assert_true(source_settings(o, &s, &e));
    assert_int_equal(s.target.port, 0);
    assert_int_equal(s.mode, SNAPSHOT_NO_DATA);
    source_settings_done(&s);
    options_free(o);
}

static void two_lists_against_each_other_are_refused(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"table.include.list", "dbo.a"}, {"table.exclude.list", "dbo.b"}};
    Options *o = options_of(pairs, 2);
    SourceSettings s;
    Err e = {0};
    assert_false(source_settings(o, &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
    options_free(o);
}

static void before_a_run_it_is_known_what_the_mode_does(void **state) {
    (void)state;
    static const char *const modes[] = {"initial", "initial_only", "no_data",     "schema_only",
                                        "always",  "recovery",     "when_needed", "configuration_based"};
    static const bool copies[] = {true, true, false, false, true, false, true, true};
    static const bool streams[] = {true, false, true, true, true, true, true, false};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        const char *const pairs[][2] = {{"snapshot.mode", modes[i]},
                                        {"snapshot.mode.configuration.based.snapshot.data", "true"}};
        Options *o = options_of(pairs, 2);
        SourceSettings s = {0};
        Err e = {0};
        assert_true(source_settings(o, &s, &e));
        assert_int_equal(snapshot_mode_copies(s.mode, &s.flags), copies[i]);
        source_settings_done(&s);
        assert_int_equal(source_streams(o), streams[i]);
        options_free(o);
    }
}

static void skipped_operations_are_bits_of_the_change_tables_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint8_t bits;
        bool is_ok;
    } cases[] = {{"t", 0, true},         {"none", 0, true},   {"d", 1 << 1, true},
                 {"c, D", 3 << 1, true}, {"u", 3 << 3, true}, {"x", 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const pairs[][2] = {{"skipped.operations", cases[i].text}};
        Options *o = options_of(pairs, 1);
        SourceSettings s = {0};
        Err e = {0};
        assert_int_equal(source_settings(o, &s, &e), cases[i].is_ok);
        if (cases[i].is_ok) assert_int_equal(s.how.skipped, cases[i].bits);
        else assert_non_null(strstr(e.msg, "skipped.operations"));
        source_settings_done(&s);
        options_free(o);
    }
}

static bool notifies(const char *channels) {
    const char *const pairs[][2] = {{"notification.enabled.channels", channels}};
    Options *o = options_of(pairs, 1);
    SourceSettings s;
    Err e = {0};
    if (!source_settings(o, &s, &e)) fail_msg("%s", e.msg);
    bool wanted = s.notifies;
    source_settings_done(&s);
    options_free(o);
    return wanted;
}

static void notifications_go_to_the_log_where_it_is_asked_for(void **state) {
    (void)state;
    assert_true(notifies("log"));
    assert_true(notifies("jmx, log"));
    assert_false(notifies("jmx"));
    static const char *const pairs[][2] = {{"notification.enabled.channels", "mail"}};
    Options *o = options_of(pairs, 1);
    SourceSettings s;
    Err e = {0};
    assert_false(source_settings(o, &s, &e));
    assert_non_null(strstr(e.msg, "log, sink, jmx"));
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_debeziums),
        cmocka_unit_test(an_instance_without_a_port_is_found_by_its_name),
        cmocka_unit_test(two_lists_against_each_other_are_refused),
        cmocka_unit_test(skipped_operations_are_bits_of_the_change_tables_numbers),
        cmocka_unit_test(notifications_go_to_the_log_where_it_is_asked_for),
        cmocka_unit_test(before_a_run_it_is_known_what_the_mode_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
