#include "transport/kafka_jaas.h"

#include <string.h>

#include "test.h"

static void a_module_s_options_become_librdkafka_s(void **state) {
    (void)state;
    KafkaJaas j = {0};
    Err e = {0};
    const Str text = STR_LIT("org.apache.kafka.common.security.scram.ScramLoginModule required\n"
                             " username=\"ann\"\n password=\"a \\\"b\\\" \\\\ c;\" tokenauth=true ;");
    assert_true(kafka_jaas_parse(text, &j, &e));
    assert_int_equal(j.count, 2);
    assert_string_equal(j.items[0].name, "sasl.username");
    assert_string_equal(j.items[0].value, "ann");
    assert_string_equal(j.items[1].name, "sasl.password");
    assert_string_equal(j.items[1].value, "a \"b\" \\ c;");
    assert_int_equal(j.unknown.count, 1);
    assert_string_equal(j.unknown.items[0], "tokenauth");
    kafka_jaas_done(&j);
}

static void what_is_no_such_text_is_refused_without_being_shown(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "PlainLoginModule",
        "PlainLoginModule required username=\"u\" password=\"secret",
        "PlainLoginModule required username=\"u\" password=\"secret\"",
        "PlainLoginModule required secret;",
        "com.example.SecretLoginModule required a=\"secret\";",
        "PlainLoginModule required a=b; PlainLoginModule required secret=d;",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        KafkaJaas j = {0};
        Err e = {0};
        assert_false(kafka_jaas_parse(str_from(wrong[i]), &j, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_null(strstr(e.msg, "secret"));
        assert_int_equal(j.count, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_s_options_become_librdkafka_s),
        cmocka_unit_test(what_is_no_such_text_is_refused_without_being_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
