#include "convert/avro_option.h"

#include <string.h>

#include "test.h"

typedef bool Maker(const Options *o, bool is_key, TextList *warnings, AvroSettings *ret, Err *e);

/* Properties as key, value, …, NULL; false: refused, by the table or by the settings. */
static bool made(bool is_apicurio, const char *const *pairs, AvroSettings *ret, TextList *warnings, Err *e) {
    Props *props = props_new();
    for (; *pairs; pairs += 2) props_set(props, pairs[0], str_from(pairs[1]), "c.json", 0);
    Options *o = NULL;
    const OptionDef *defs = is_apicurio ? avro_option_apicurio : avro_option_confluent;
    size_t count = is_apicurio ? AVRO_OPTION_APICURIO_COUNT : AVRO_OPTION_CONFLUENT_COUNT;
    Maker *maker = is_apicurio ? avro_option_apicurio_settings : avro_option_confluent_settings;
    bool ok = options_parse(defs, count, props, &o, e) && maker(o, /* is_key= */ true, warnings, ret, e);
    options_free(o);
    props_free(props);
    return ok;
}
#define MADE(is_apicurio, ...) made(is_apicurio, (const char *const[]){__VA_ARGS__, NULL}, &s, &warnings, &e)

static void defaults_are_confluents(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_true(MADE(false, "schema.registry.url", "http://a:8081/ , https://b"));
    assert_int_equal(s.registry.url_count, 2);
    assert_string_equal(s.registry.urls[0], "http://a:8081");
    assert_string_equal(s.registry.urls[1], "https://b");
    assert_true(s.may_register && s.has_meta && s.has_raw_bytes);
    assert_false(s.uses_latest || s.keeps_null || s.registry.normalizes || s.registry.http.skips_host_check);
    assert_int_equal(s.subject, AVRO_SUBJECT_TOPIC);
    assert_int_equal(s.registry.max_retries, 3);
    assert_int_equal(s.max_schemas, 1000);
    assert_null(s.registry.http.user);
    assert_int_equal(warnings.count, 0);
    avro_option_done(&s);
}

static void user_and_password_come_from_the_address_or_the_property(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_true(MADE(false, "schema.registry.url", "http://joe:p%40ss@a:8081"));
    assert_string_equal(s.registry.urls[0], "http://a:8081");
    assert_string_equal(s.registry.http.user, "joe");
    assert_string_equal(s.registry.http.password, "p@ss");
    avro_option_done(&s);
    assert_true(MADE(false, "schema.registry.url", "http://x:y@a", "basic.auth.credentials.source",
                     "USER_INFO", "basic.auth.user.info", "joe:a:b"));
    assert_string_equal(s.registry.urls[0], "http://a");
    assert_string_equal(s.registry.http.user, "joe");
    assert_string_equal(s.registry.http.password, "a:b");
    avro_option_done(&s);
    assert_true(MADE(false, "schema.registry.url", "http://a", "basic.auth.user.info", "joe:pepper"));
    assert_int_equal(warnings.count, 1); /* the source says URL */
    assert_null(strstr(warnings.items[0], "pepper"));
    avro_option_done(&s);
    textlist_done(&warnings);
}

static void the_clients_properties_may_have_its_prefix(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_true(MADE(false, "schema.registry.url", "http://a",
                     "schema.registry.basic.auth.credentials.source", "USER_INFO",
                     "schema.registry.basic.auth.user.info", "joe:p",
                     "schema.registry.bearer.auth.credentials.source", "STATIC_TOKEN",
                     "schema.registry.http.connect.timeout.ms", "11", "schema.registry.http.read.timeout.ms",
                     "12", "schema.registry.max.retries", "13", "schema.registry.retries.wait.ms", "14",
                     "schema.registry.retries.max.wait.ms", "15"));
    assert_string_equal(s.registry.http.user, "joe");
    assert_int_equal(s.registry.http.connect_timeout_ms, 11);
    assert_int_equal(s.registry.http.timeout_ms, 12);
    assert_int_equal(s.registry.max_retries, 13);
    assert_int_equal(s.registry.wait_ms, 14);
    assert_int_equal(s.registry.max_wait_ms, 15);
    avro_option_done(&s);
    assert_true(MADE(false, "schema.registry.url", "http://a", "schema.registry.bearer.auth.token", "abc"));
    assert_string_equal(s.registry.http.token, "abc");
    avro_option_done(&s);
    static const char *const refused[] = {"schema.registry.proxy.host", "proxy.port",
                                          "schema.registry.bearer.auth.client.id",
                                          "schema.registry.auto.register.schemas"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        e = (Err){0};
        if (MADE(false, "schema.registry.url", "http://a", refused[i], "1"))
            fail_msg("taken: %s", refused[i]);
        assert_non_null(strstr(e.msg, refused[i]));
    }
}

static void a_password_that_cuts_the_address_is_refused_unseen(void **state) {
    (void)state;
    static const char *const urls[] = {"http://joe:pep/per@a:8081", "https://joe:pep@per/x@a:8081",
                                       "http://joe/pep:per@a", "http://a:8081,http://joe:p/epper@b"};
    AvroSettings s;
    TextList warnings = {0};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        Err e = {0};
        if (MADE(false, "schema.registry.url", urls[i])) fail_msg("taken: %s", urls[i]);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, "schema.registry.url"));
        assert_non_null(strstr(e.msg, "%2F"));
        assert_null(strstr(e.msg, "pep"));
        assert_null(strstr(e.msg, "per@"));
    }
    Err e = {0};
    assert_true(MADE(false, "schema.registry.url", "http://joe:p%2Fss@a:8081/path/"));
    assert_string_equal(s.registry.urls[0], "http://a:8081/path");
    assert_string_equal(s.registry.http.password, "p/ss");
    avro_option_done(&s);
}

static void a_subject_is_named_by_its_strategy(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_true(MADE(false, "schema.registry.url", "http://a", "key.subject.name.strategy",
                     "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
                     "value.subject.name.strategy",
                     "io.confluent.kafka.serializers.subject.RecordNameStrategy"));
    assert_int_equal(s.subject, AVRO_SUBJECT_TOPIC_RECORD);
    avro_option_done(&s);
    assert_false(MADE(false, "schema.registry.url", "http://a", "key.subject.name.strategy", "a.B"));
    assert_int_equal(e.code, ERR_INVALID);
}

static void what_would_change_the_bytes_is_refused(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    static const char *const refused[][2] = {
        {"enhanced.avro.schema.support", "true"},
        {"scrub.invalid.names", "true"},
        {"use.schema.id", "7"},
        {"schema.registry.ssl.truststore.type", "JKS"},
        {"basic.auth.credentials.source", "SASL_INHERIT"},
        {"basic.auth.credentials.source", "USER_INFO"},
        {"schema.registry.ur", "x"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        Err e = {0};
        if (MADE(false, "schema.registry.url", "http://a", refused[i][0], refused[i][1]))
            fail_msg("taken: %s", refused[i][0]);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, refused[i][0]));
    }
    Err e = {0};
    assert_false(MADE(false, "schema.registry.url", "a:8081"));
    assert_non_null(strstr(e.msg, "http://"));
    assert_false(MADE(false, "auto.register.schemas", "true")); /* no address */
}

#define API_URL  "apicurio.registry.url", "http://a:8080/apis/registry/v2/"
#define API_FORM "apicurio.registry.as-confluent", "true", "apicurio.registry.use-id", "contentId"
#define API_BARE "apicurio.registry.headers.enabled", "false"

static void apicurios_properties_become_its_compatible_side(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_true(MADE(true, API_URL, API_FORM, API_BARE, "apicurio.registry.auto-register", "true",
                     "apicurio.auth.username", "joe", "apicurio.auth.password", "p"));
    assert_string_equal(s.registry.urls[0], "http://a:8080/apis/ccompat/v7");
    assert_true(s.may_register);
    assert_false(s.has_raw_bytes);
    assert_string_equal(s.registry.http.password, "p");
    avro_option_done(&s);
    assert_true(MADE(true, API_URL, API_FORM, API_BARE, "apicurio.registry.artifact-resolver-strategy",
                     "io.apicurio.registry.serde.strategy.SimpleTopicIdStrategy"));
    assert_int_equal(s.subject, AVRO_SUBJECT_TOPIC_ALONE);
    assert_false(s.may_register);
    avro_option_done(&s);
}

static void apicurios_own_format_is_refused_with_the_property(void **state) {
    (void)state;
    AvroSettings s;
    TextList warnings = {0};
    Err e = {0};
    assert_false(MADE(true, API_URL, API_BARE));
    assert_non_null(strstr(e.msg, "apicurio.registry.as-confluent"));
    assert_false(MADE(true, API_URL, API_BARE, "apicurio.registry.as-confluent", "true"));
    assert_non_null(strstr(e.msg, "apicurio.registry.use-id"));
    assert_false(MADE(true, API_URL, API_FORM));
    assert_non_null(strstr(e.msg, "apicurio.registry.headers.enabled"));
    assert_false(MADE(true, API_FORM, API_BARE, "apicurio.registry.url", "http://a:8080"));
    assert_non_null(strstr(e.msg, "/apis/registry/v2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_confluents),
        cmocka_unit_test(user_and_password_come_from_the_address_or_the_property),
        cmocka_unit_test(the_clients_properties_may_have_its_prefix),
        cmocka_unit_test(a_password_that_cuts_the_address_is_refused_unseen),
        cmocka_unit_test(a_subject_is_named_by_its_strategy),
        cmocka_unit_test(what_would_change_the_bytes_is_refused),
        cmocka_unit_test(apicurios_properties_become_its_compatible_side),
        cmocka_unit_test(apicurios_own_format_is_refused_with_the_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
