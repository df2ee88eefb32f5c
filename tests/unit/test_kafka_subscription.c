/* Before librdkafka's mock of a cluster: which topics a consumer is subscribed to. */
#include "transport/kafka_subscription.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mock_kafka.h"

typedef struct Rig {
    MockKafka mock;
    rd_kafka_t *rk;
    KafkaSubscription *s;
} Rig;

static void make_topic(const Rig *r, const char *name) {
    assert_int_equal(rd_kafka_mock_topic_create(r->mock.cluster, name, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static Rig rig(const char *regex, const TextList *names) {
    char why[256];
    Rig r = {.mock = mock_kafka_new()};
    Err e = {0};
    rd_kafka_conf_t *conf = mock_kafka_conf(&r.mock);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "g", why, sizeof why), RD_KAFKA_CONF_OK);
    r.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!r.rk) fail_msg("%s", why);
    if (!kafka_subscription_new(names, regex, /* look_ms= */ 0, &r.s, &e)) fail_msg("%s", e.msg);
    return r;
}

static void done(Rig *r) {
    kafka_subscription_free(r->s);
    rd_kafka_destroy(r->rk);
    mock_kafka_done(&r->mock);
}

static void begin(Rig *r) {
    Err e = {0};
    if (!kafka_subscription_begin(r->s, r->rk, &e)) fail_msg("%s", e.msg);
}

/* names: separated by blanks, in any order. */
static void assert_subscribed(const Rig *r, const char *names) {
    rd_kafka_topic_partition_list_t *list = NULL;
    size_t count = 0;
    assert_int_equal(rd_kafka_subscription(r->rk, &list), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (Str rest = str_from(names), name; str_split(&rest, ' ', &name);) {
        CLEANUP_FREE char *topic = str_dup(name);
        count++;
        if (!rd_kafka_topic_partition_list_find(list, topic, RD_KAFKA_PARTITION_UA))
            fail_msg("%s isn't subscribed to", topic);
    }
    assert_int_equal(list->cnt, count);
    assert_int_equal(kafka_subscription_count(r->s), count);
    rd_kafka_topic_partition_list_destroy(list);
}

static bool takes(const char *expression, const char *topic) {
    JavaRegex *regex = NULL;
    Err e = {0};
    if (!java_regex_new(expression, /* replacement= */ NULL, &regex, &e)) fail_msg("%s", e.msg);
    bool answer = kafka_subscription_takes(regex, str_from(topic));
    java_regex_free(regex);
    return answer;
}

static void expressions_are_java_s(void **state) {
    (void)state;
    assert_true(takes("shop\\.\\w+\\d{2}", "shop.item07"));
    assert_false(takes("shop\\.\\w+\\d{2}", "shop.item7"));
    assert_true(takes("shop\\.(?!secret).*", "shop.items"));
    assert_false(takes("shop\\.(?!secret).*", "shop.secrets"));
    assert_false(takes("shop\\..*", "Shop.items")); /* letter case counts, */
    assert_true(takes("(?i)shop\\..*", "Shop.items"));
    assert_false(takes("a|b", "ab")); /* and all of the name */
}

static void kafka_s_own_topics_are_not_taken(void **state) {
    (void)state;
    assert_false(takes(".*", "__consumer_offsets"));
    assert_false(takes(".*", "__transaction_state"));
    assert_true(takes(".*", "__mine"));
}

static void a_bad_expression_is_refused(void **state) {
    (void)state;
    KafkaSubscription *s = NULL;
    Err e = {0};
    assert_false(kafka_subscription_new(NULL, "a(", 0, &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "topics.regex"));
}

static void names_are_taken_as_they_are(void **state) {
    (void)state;
    char *items[] = {(char[]){"a"}, (char[]){"not.there"}, NULL};
    const TextList names = {items, 2};
    Rig r = rig(/* regex= */ NULL, &names);
    make_topic(&r, "a");
    make_topic(&r, "b");
    begin(&r);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "a not.there");
    done(&r);
}

static void topics_that_come_are_found_by_the_next_look(void **state) {
    (void)state;
    Rig r = rig("shop\\.(?!b)\\w+", /* names= */ NULL);
    make_topic(&r, "other");
    begin(&r);
    assert_subscribed(&r, "");
    make_topic(&r, "shop.a");
    make_topic(&r, "shop.b");
    make_topic(&r, "Shop.c");
    assert_subscribed(&r, "");
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.a");
    make_topic(&r, "shop.d");
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.a shop.d");
    done(&r);
}

static void a_topic_is_left_when_two_looks_do_not_show_it(void **state) {
    (void)state;
    Rig r = rig("shop\\..*", /* names= */ NULL);
    make_topic(&r, "shop.a");
    make_topic(&r, "shop.b");
    begin(&r);
    rd_kafka_mock_topic_set_error(r.mock.cluster, "shop.a", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.a shop.b");
    rd_kafka_mock_topic_set_error(r.mock.cluster, "shop.b", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.b");
    rd_kafka_mock_topic_set_error(r.mock.cluster, "shop.a", RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.a");
    rd_kafka_mock_topic_set_error(r.mock.cluster, "shop.a", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    kafka_subscription_look(r.s, r.rk);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "");
    done(&r);
}

static void a_look_that_fails_changes_nothing(void **state) {
    (void)state;
    Rig r = rig("shop\\..*", /* names= */ NULL);
    make_topic(&r, "shop.a");
    begin(&r);
    rd_kafka_mock_broker_set_down(r.mock.cluster, 1);
    kafka_subscription_look(r.s, r.rk);
    kafka_subscription_look(r.s, r.rk);
    assert_subscribed(&r, "shop.a");
    done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_java_s),
        cmocka_unit_test(kafka_s_own_topics_are_not_taken),
        cmocka_unit_test(a_bad_expression_is_refused),
        cmocka_unit_test(names_are_taken_as_they_are),
        cmocka_unit_test(topics_that_come_are_found_by_the_next_look),
        cmocka_unit_test(a_topic_is_left_when_two_looks_do_not_show_it),
        cmocka_unit_test(a_look_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
