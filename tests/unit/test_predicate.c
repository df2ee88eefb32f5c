/* Kafka's stock predicates. */
#include "test.h"

#include <string.h>

#include "transform/predicate.h"

#define PACKAGE "org.apache.kafka.connect.transforms.predicates."

static Predicate *made(const char *type, const char *key, const char *value) {
    Props *props = props_new();
    Predicate *p = NULL;
    Err e = {0};
    if (key) props_set(props, key, str_from(value), "x", 0);
    if (!predicate_new(type, props, &p, &e)) fail_msg("%s", e.msg);
    (void)props_free(props);
    return p;
}

static void test_each(void **state) {
    (void)state;
    RecordHeader h = {STR_LIT("h"), NULL, value_bytes("x", 1)};
    Record r = {.topic = STR_LIT("a.b"), .value = value_null(), .headers = &h, .header_count = 1};
    Predicate *has = made(PACKAGE "HasHeaderKey", "name", "h"),
              *not = made(PACKAGE "HasHeaderKey", "name", "H");
    Predicate *tombstone = made(PACKAGE "RecordIsTombstone", NULL, NULL);
    Predicate *topic = made(PACKAGE "TopicNameMatches", "pattern", "a\\.."),
              *part = made(PACKAGE "TopicNameMatches", "pattern", "a");
    assert_true(predicate_test(has, &r));
    assert_false(predicate_test(not, &r));
    assert_true(predicate_test(tombstone, &r));
    r.value = value_int(1);
    assert_false(predicate_test(tombstone, &r));
    assert_true(predicate_test(topic, &r));
    assert_false(predicate_test(part, &r));
    Predicate *all[] = {has, not, tombstone, topic, part};
    for (size_t i = 0; i < 5; i++) (void)predicate_free(all[i]);
}

static void test_refused(void **state) {
    (void)state;
    Props *none = props_new();
    Predicate *p = NULL;
    Err e = {0};
    assert_false(predicate_new("com.example.Mine", none, &p, &e));
    assert_non_null(strstr(e.msg, "{HasHeaderKey, RecordIsTombstone, TopicNameMatches}"));
    assert_false(predicate_new(PACKAGE "HasHeaderKey", none, &p, &e));
    assert_non_null(strstr(e.msg, "name is required"));
    (void)props_free(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
