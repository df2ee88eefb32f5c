/* RegexRouter and TimestampRouter. */
#include "transform_rig.h"

#define KAFKA "type=org.apache.kafka.connect.transforms."

static void test_by_regex(void **state) {
    (void)state;
    static const char lines[] = KAFKA "RegexRouter\nregex=[^.]+\\\\.[^.]+\\\\.(.*)\nreplacement=$1";
    expect(lines, "{'topic':'srv.shop.dbo.orders','partition':2,'timestamp':5}",
           "{'topic':'dbo.orders','partition':2,'timestamp':5}");
    expect(lines, "{'topic':'plain'}", "{'topic':'plain'}");
    expect_config_error(KAFKA "RegexRouter\nregex=(\nreplacement=x", SINK, "bad regular expression");
}

static void test_by_timestamp(void **state) {
    (void)state;
    expect(KAFKA "TimestampRouter", "{'topic':'t','timestamp':1769817600000}",
           "{'topic':'t-20260131','timestamp':1769817600000}");
    expect(KAFKA "TimestampRouter\ntopic.format=${timestamp}_${topic}\ntimestamp.format=yyyy",
           "{'topic':'t','timestamp':0}", "{'topic':'1970_t','timestamp':0}");
    expect_error(KAFKA "TimestampRouter", "{'topic':'t'}", "no timestamp");
    expect_config_error(KAFKA "TimestampRouter\ntimestamp.format=ww", SINK, "letter 'w'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_regex),
        cmocka_unit_test(test_by_timestamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
