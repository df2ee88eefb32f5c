/* Before librdkafka's mock of a cluster, which tells no configurations: those stay unknown, and the rest is
 * told. */
#include "worker/check_kafka.h"

#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "convert/wire_option.h"
#include "mock_kafka.h"
#include "test.h"
#include "transport/kafka_option.h"

#include "item_table.h"

static const OptionDef PREFIX[] = {{.key = "topic.prefix", .type = OPTION_STRING, .is_required = true}};

static Options *source_options_of(const char *servers, const char *more) {
    const OptionTable wire = {wire_options_table, WIRE_OPTION_COUNT}, own = {PREFIX, 1};
    const OptionTable tables[] = {wire, kafka_option_source_table(), own, option_connect_table(),
                                  kafka_option_worker_table()};
    CLEANUP_FREE char *text =
        x_asprintf("name=s\nconnector.class=x\ntopic.prefix=p\nbootstrap.servers=%s\n%s", servers, more);
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    if (!props_parse_properties(props, "source", str_from(text), &e) ||
        !options_parse_tables(tables, 5, props, &o, &e))
        fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

static Findings look(const Options *o) {
    const Schema *schema = item_schema("Item", true);
    const CheckKafkaSpec spec = {.connector = "s",
                                 .options = o,
                                 .transactional_id = "g-s-0",
                                 .offsets_topic = "connect-offsets",
                                 .schemas = &schema,
                                 .schema_count = 1};
    Findings found = {0};
    (void)check_kafka_all(&spec, /* progress= */ NULL, /* arg= */ NULL, &found);
    schema_unref(schema);
    return found;
}

static const Finding *find(const Findings *f, const char *check, const char *text) {
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].check, check) == 0 && strstr(f->items[i].what, text)) return &f->items[i];
    for (size_t i = 0; i < f->count; i++) print_message("%s: %s\n", f->items[i].check, f->items[i].what);
    fail_msg("no finding of %s says '%s'", check, text);
    return NULL;
}

static void topics_that_are_there_and_those_to_be_made(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    const char *servers = rd_kafka_mock_cluster_bootstraps(m.cluster);
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "connect-offsets", 2, 1),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    Options *o = source_options_of(servers, "topic.creation.default.replication.factor=3\n");
    Findings f = look(o);
    assert_int_equal(find(&f, "kafka-broker", "1 broker,")->level, FINDING_OK);
    assert_int_equal(find(&f, "kafka-topics", "p.Shop.dbo.Item is to be made, with 3 partitions")->level,
                     FINDING_NOTE);
    assert_int_equal(find(&f, "kafka-topics", "connect-offsets is there, 2 partitions")->level, FINDING_OK);
    const Finding *replicas = find(&f, "kafka-replication", "3 replicas on 1 broker");
    assert_int_equal(replicas->level, FINDING_ERROR);
    assert_string_equal(replicas->cure, "set topic.creation.default.replication.factor");
    assert_int_equal(find(&f, "kafka-internal-topics", "unknown: ")->level, FINDING_NOTE);
    assert_int_equal(find(&f, "kafka-transactions", "g-s-0")->level, FINDING_NOTE);
    bool is_there = true;
    Err e = {0};
    assert_true(check_kafka_has_topic(o, "p.Shop.dbo.Item", &is_there, &e));
    assert_false(is_there); /* not even by having been asked for */
    findings_done(&f);
    options_free(o);
    mock_kafka_done(&m);
}

static void a_topic_that_may_not_be_made_stops_a_run(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    Options *o =
        source_options_of(rd_kafka_mock_cluster_bootstraps(m.cluster), "topic.creation.enable=false\n");
    Findings f = look(o);
    const Finding *missing = find(&f, "kafka-topics", "p.Shop.dbo.Item isn't there");
    assert_int_equal(missing->level, FINDING_ERROR);
    assert_non_null(strstr(missing->cure, "topic.creation.enable"));
    findings_done(&f);
    options_free(o);
    mock_kafka_done(&m);
}

static void no_broker_is_one_finding_that_may_pass(void **state) {
    (void)state;
    Options *o = source_options_of("127.0.0.1:1", "");
    Findings f = look(o);
    assert_int_equal(f.count, 1);
    const Finding *away = find(&f, "kafka-broker", "");
    assert_int_equal(away->level, FINDING_ERROR);
    assert_true(away->may_pass);
    assert_non_null(strstr(away->cure, "bootstrap.servers"));
    findings_done(&f);
    options_free(o);
}

static void each_check_has_a_name_of_its_own(void **state) {
    (void)state;
    const char *names[32];
    size_t count = check_kafka_names(names, 32);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) assert_string_not_equal(names[i], names[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_that_are_there_and_those_to_be_made),
        cmocka_unit_test(a_topic_that_may_not_be_made_stops_a_run),
        cmocka_unit_test(no_broker_is_one_finding_that_may_pass),
        cmocka_unit_test(each_check_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
