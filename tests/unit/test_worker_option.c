#include "worker/worker_option.h"

#include <string.h>

#include "test.h"

static bool parse(const char *key, const char *value, Options **ret, Err *e) {
    Props *props = props_new();
    props_set(props, key, str_from(value), "worker.properties", 3);
    const OptionTable table = worker_option_table();
    bool ok = options_parse_tables(&table, 1, props, ret, e);
    props_free(props);
    return ok;
}

static void a_broker_is_refused_and_says_what_holds_without_it(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_false(parse("bootstrap.servers", "127.0.0.1:9092", &o, &e));
    assert_non_null(strstr(e.msg, "bootstrap.servers"));
    assert_non_null(strstr(e.msg, "joined directly"));
    options_free(o);
}

static void what_only_a_broker_needs_is_a_warning_with_its_reason(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(parse("value.converter", "io.confluent.connect.avro.AvroConverter", &o, &e));
    assert_int_equal(options_warnings(o)->count, 1);
    assert_non_null(strstr(options_warnings(o)->items[0], "no broker"));
    options_free(o);
}

static void a_consumers_password_is_not_shown(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(parse("consumer.sasl.jaas.config", "password=hush-hush", &o, &e));
    for (size_t i = 0; i < options_warnings(o)->count; i++)
        assert_null(strstr(options_warnings(o)->items[i], "hush-hush"));
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_is_refused_and_says_what_holds_without_it),
        cmocka_unit_test(what_only_a_broker_needs_is_a_warning_with_its_reason),
        cmocka_unit_test(a_consumers_password_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
