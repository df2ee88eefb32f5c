/* The properties that decide how records look. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "config/props.h"
#include "convert/wire_option.h"

static const OptionDef source[] = {
    {.key = "topic.prefix", .type = OPTION_STRING},
    {.key = "database.names", .type = OPTION_LIST},
};

/* Parse properties, "key=value\n"…; NULL and *e when they are refused. */
static Options *parse(const char *text, Err *e) {
    Props *props = props_new();
    Options *o = NULL;
    assert_true(props_parse_properties(props, "source.properties", str_from(text), e));
    OptionTable tables[] = {{wire_options_table, WIRE_OPTION_COUNT}, {source, 2}};
    if (!options_parse_tables(tables, 2, props, &o, e)) o = options_free(o);
    props_free(props);
    return o;
}

static void defaults_are_those_of_debezium_2_7(void **state) {
    (void)state;
    Err e = {0};
    Options *o = parse("topic.prefix=p\ndatabase.names=Shop\n", &e);
    WireOptions w, standard = wire_options_standard("p");
    assert_non_null(o);
    assert_true(wire_options(o, &w, &e));
    assert_int_equal(w.version, WIRE_2_7);
    assert_string_equal(w.prefix, "p");
    assert_string_equal(w.delimiter, standard.delimiter);
    assert_string_equal(w.heartbeat_prefix, standard.heartbeat_prefix);
    assert_string_equal(w.transaction, standard.transaction);
    assert_true(w.names_database && w.tombstones && w.schema_changes && !w.transactions);
    assert_int_equal(w.decimal, WIRE_DECIMAL_PRECISE);
    assert_int_equal(w.time, WIRE_TIME_ADAPTIVE);
    assert_int_equal(w.binary, WIRE_BINARY_BYTES);
    assert_int_equal(w.unfit, WIRE_UNFIT_FAIL);
    assert_null(w.propagated_columns);
    options_free(o);
}

static void all_are_read(void **state) {
    (void)state;
    Err e = {0};
    Options *o =
        parse("topic.prefix=p\ndatabase.names=Shop\ndebezium.version=3.0\ndecimal.handling.mode=string\n"
              "time.precision.mode=connect\nbinary.handling.mode=base64-url-safe\n"
              "schema.name.adjustment.mode=avro\nfield.name.adjustment.mode=avro_unicode\n"
              "event.converting.failure.handling.mode=warn\ntombstones.on.delete=false\n"
              "provide.transaction.metadata=true\ninclude.schema.changes=false\ntopic.name.database=false\n"
              "column.propagate.source.type=.*\nheartbeat.topics.prefix=hb\n",
              &e);
    WireOptions w;
    assert_non_null(o);
    assert_true(wire_options(o, &w, &e));
    assert_int_equal(w.version, WIRE_3_0);
    assert_int_equal(w.decimal, WIRE_DECIMAL_STRING);
    assert_int_equal(w.time, WIRE_TIME_CONNECT);
    assert_int_equal(w.binary, WIRE_BINARY_URL_SAFE);
    assert_int_equal(w.schema_names, NAME_ADJUST_AVRO);
    assert_int_equal(w.field_names, NAME_ADJUST_AVRO_UNICODE);
    assert_int_equal(w.unfit, WIRE_UNFIT_NULL);
    assert_true(!w.names_database && !w.tombstones && !w.schema_changes && w.transactions);
    assert_int_equal(regexlist_count(w.propagated_columns), 1);
    assert_string_equal(w.heartbeat_prefix, "hb");
    options_free(o);
}

static void names_without_the_database_are_for_one(void **state) {
    (void)state;
    Err e = {0};
    Options *o = parse("topic.prefix=p\ndatabase.names=A,B\ntopic.name.database=false\n", &e);
    WireOptions w;
    assert_non_null(o);
    assert_false(wire_options(o, &w, &e));
    assert_non_null(strstr(e.msg, "topic.name.database"));
    options_free(o);
    assert_null(parse("topic.prefix=p\ntime.precision.mode=isostring\n", &e)); /* not yet */
}

static void a_topic_of_notifications_has_a_name(void **state) {
    (void)state;
    static const char base[] =
        "topic.prefix=p\ndatabase.names=Shop\nnotification.enabled.channels=log, sink\n";
    char named[256];
    Err e = {0};
    WireOptions w;
    Options *o = parse(base, &e);
    assert_non_null(o);
    assert_false(wire_options(o, &w, &e));
    assert_non_null(strstr(e.msg, "notification.sink.topic.name"));
    options_free(o);
    (void)snprintf(named, sizeof named, "%snotification.sink.topic.name=notes\n", base);
    o = parse(named, &e);
    assert_true(o && wire_options(o, &w, &e));
    assert_string_equal(w.notifications, "notes");
    options_free(o);
    o = parse("topic.prefix=p\ndatabase.names=Shop\nnotification.sink.topic.name=notes\n", &e);
    assert_true(o && wire_options(o, &w, &e));
    assert_null(w.notifications);
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_debezium_2_7),
        cmocka_unit_test(all_are_read),
        cmocka_unit_test(a_topic_of_notifications_has_a_name),
        cmocka_unit_test(names_without_the_database_are_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
