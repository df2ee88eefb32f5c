/* The chain: order, predicates, failures that leave the record as it was, and what is said of bad properties.
 */
#include "transform_rig.h"

#define KAFKA "org.apache.kafka.connect.transforms."
#define TWO_ROUTES                                                                                           \
    "transforms=a,b\ntransforms.a.type=" KAFKA "RegexRouter\ntransforms.a.regex=x\n"                         \
    "transforms.a.replacement=y\ntransforms.b.type=" KAFKA "RegexRouter\ntransforms.b.regex=y\n"             \
    "transforms.b.replacement=z\n"

static void test_in_order(void **state) {
    (void)state;
    expect(TWO_ROUTES, "{'topic':'x'}", "{'topic':'z'}");
    expect(TWO_ROUTES "transforms.b.predicate=p\npredicates=p\npredicates.p.type=" KAFKA
                      "predicates.TopicNameMatches\npredicates.p.pattern=q",
           "{'topic':'x'}", "{'topic':'y'}");
    expect(TWO_ROUTES
           "transforms.b.predicate=p\ntransforms.b.negate=true\npredicates=p\npredicates.p.type=" KAFKA
           "predicates.TopicNameMatches\npredicates.p.pattern=q",
           "{'topic':'x'}", "{'topic':'z'}");
}

static void test_a_failed_record_is_as_it_came(void **state) {
    (void)state;
    expect_error(
        "transforms=a,b\ntransforms.a.type=" KAFKA
        "RegexRouter\ntransforms.a.regex=x\ntransforms.a.replacement=y\n"
        "transforms.b.type=" KAFKA "ValueToKey\ntransforms.b.fields=id",
        "{'topic':'x','key_schema':'int32','key':1}",
        "transforms.b (org.apache.kafka.connect.transforms.ValueToKey), topic y: a struct is needed");
}

static void test_bad_properties(void **state) {
    (void)state;
    expect_config_error("regex=x", SINK, "transforms.t.type is missing");
    expect_config_error("type=com.example.Mine", SINK, "transforms.t.type: no transform 'com.example.Mine'");
    expect_config_error("type=" KAFKA "RegexRouter\nregexp=x\nreplacement=y", SINK, "'regex'");
    expect_config_error("type=" KAFKA "RegexRouter\nreplacement=y", SINK,
                        "transforms.t (org.apache.kafka.connect.transforms.RegexRouter)");
    expect_config_error("type=" KAFKA "Filter\nnegate=true", SINK, "no transforms.t.predicate to negate");
    expect_config_error("type=" KAFKA "Filter\npredicate=p", SINK, "'p' isn't listed in `predicates`");
    expect_config_error("type=" KAFKA "Filter\nnegate=yes", SINK, "true or false");
    expect_config_error("type=" KAFKA "Filter\npredicates=p", SINK, "predicates.p.type is missing");
    expect_config_error("transforms=t,t\ntype=" KAFKA "Filter", SINK, "'t' is listed twice");
}

static void test_none(void **state) {
    (void)state;
    Err e = {0};
    TransformChain *c = chain_or_null("name=x\ntransforms=\ntransforms.old.type=y", SINK, &e);
    assert_non_null(c);
    assert_true(transform_chain_is_empty(c));
    assert_int_equal(transform_chain_warnings(c)->count, 1);
    assert_non_null(strstr(transform_chain_warnings(c)->items[0], "transforms.old.type has no effect"));
    (void)transform_chain_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_a_failed_record_is_as_it_came),
        cmocka_unit_test(test_bad_properties),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
