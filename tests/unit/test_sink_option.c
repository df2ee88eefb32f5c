#include "postgres/sink_option.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "test.h"

typedef struct Setting {
    const char *key, *value;
} Setting;

static const char CONFLUENT[] = "io.confluent.connect.jdbc.JdbcSinkConnector";

static Options *parse(const Setting *settings, Err *e) {
    Props *props = props_new();
    props_set(props, "name", STR_LIT("t"), "sink.json", 1);
    props_set(props, "connector.class", str_from(sink_option_classes[0]), "sink.json", 2);
    props_set(props, "connection.url", STR_LIT("jdbc:postgresql://h:5433/d"), "sink.json", 3);
    for (int line = 4; settings->key; settings++, line++)
        props_set(props, settings->key, str_from(settings->value), "sink.json", line);
    const OptionTable tables[] = {{sink_options, SINK_OPTION_COUNT}, option_connect_table()};
    Options *o = NULL;
    if (!options_parse_tables(tables, 2, props, &o, e)) o = options_free(o);
    props_free(props);
    return o;
}

/* The target name of dbo.Order under the settings; or the error. */
static const char *name_by(const Setting *settings) {
    static char text[2 * ERR_MSG_SIZE];
    Err e = {0};
    Options *o = parse(settings, &e);
    SinkConfig *config = NULL;
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv"};
    const Column column = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1};
    const SchemaSpec spec = {.database = STR_LIT("db"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("Order"),
                             .version = 1,
                             .columns = &column,
                             .column_count = 1};
    const Schema *s = NULL;
    PgTableName name = {0};
    bool ok = o && sink_config_new(o, &context, &config, &e) && schema_new(&spec, &s, &e) &&
              pgname_rule_table(config->rules.names, s, &name, &e);
    (void)snprintf(text, sizeof text, "%s%s%s", ok && name.schema ? name.schema : "",
                   ok && name.schema ? "|" : "", ok ? name.table : e.msg);
    pgname_table_done(&name);
    schema_unref(s);
    sink_config_free(config);
    options_free(o);
    return text;
}

static void every_row_of_the_table_is_filled(void **state) {
    (void)state;
    for (size_t i = 0; i < SINK_OPTION_COUNT; i++) {
        const OptionDef *d = &sink_options[i];
        assert_non_null(d->key);
        assert_true(d->status == OPTION_SUPPORTED ? d->help != NULL : d->reason != NULL);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(d->key, sink_options[j].key);
    }
}

static void the_defaults_are_those_of_the_jdbc_sinks(void **state) {
    (void)state;
    Err e = {0};
    Options *o = parse((const Setting[]){{0}}, &e);
    SinkConfig *c = NULL;
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv"};
    assert_true(sink_config_new(o, &context, &c, &e));
    assert_int_equal(c->rules.insert, TARGET_INSERT);
    assert_int_equal(c->rules.key_mode, TARGET_KEY_NONE);
    assert_false(c->rules.may_delete || c->rules.may_create || c->rules.may_evolve);
    assert_int_equal(c->rules.key_fields->count, 0);
    assert_int_equal(c->rules.fillfactor, 100);
    assert_non_null(strstr(c->conninfo, "5433"));
    sink_config_free(c);
    options_free(o);
}

static void both_families_names_mean_the_same(void **state) {
    (void)state;
    static const Setting debezium[] = {{"primary.key.mode", "record_key"},
                                       {"primary.key.fields", "a, b"},
                                       {"insert.mode", "upsert"},
                                       {"schema.evolution", "basic"},
                                       {"connection.username", "u"},
                                       {"connection.password", "p"},
                                       {0}};
    static const Setting confluent[] = {
        {"pk.mode", "record_key"},    {"pk.fields", "a,b"},           {"insert.mode", "upsert"},
        {"auto.create", "true"},      {"auto.evolve", "true"},        {"connection.user", "u"},
        {"connection.password", "p"}, {"connector.class", CONFLUENT}, {0}};
    const Setting *both[] = {debezium, confluent};
    for (size_t i = 0; i < 2; i++) {
        Err e = {0};
        Options *o = parse(both[i], &e);
        if (!o) fail_msg("%s", e.msg);
        SinkConfig *c = NULL;
        const ConnectorContext context = {.name = "t", .topic_prefix = "srv"};
        assert_true(sink_config_new(o, &context, &c, &e));
        assert_int_equal(c->rules.insert, TARGET_UPSERT);
        assert_int_equal(c->rules.key_mode, TARGET_KEY_RECORD_KEY);
        assert_int_equal(c->rules.key_fields->count, 2);
        assert_true(c->rules.may_create && c->rules.may_evolve);
        assert_string_equal(c->user, "u");
        assert_string_equal(c->password, "p");
        sink_config_free(c);
        options_free(o);
    }
}

static void columns_are_named_by_the_source_in_debeziums_class_only(void **state) {
    (void)state;
    Err e = {0};
    Options *debezium = parse((const Setting[]){{0}}, &e),
            *confluent = parse((const Setting[]){{"connector.class", CONFLUENT}, {0}}, &e);
    assert_true(sink_option_is_debezium(debezium));
    assert_false(sink_option_is_debezium(confluent));
    options_free(debezium);
    options_free(confluent);
}

static void names_follow_the_classs_own_rules(void **state) {
    (void)state;
    assert_string_equal(name_by((const Setting[]){{0}}), "srv_db_dbo_order");
    assert_string_equal(name_by((const Setting[]){{"quote.identifiers", "true"}, {0}}), "srv_db_dbo_Order");
    assert_string_equal(
        name_by((const Setting[]){{"collection.name.format", "${source.schema}.${source.table}"},
                                  {"quote.identifiers", "true"},
                                  {0}}),
        "dbo|Order");
    assert_non_null(strstr(name_by((const Setting[]){{"connector.class", CONFLUENT}, {0}}), "4 parts"));
    assert_string_equal(name_by((const Setting[]){
                            {"connector.class", CONFLUENT}, {"table.name.format", "\"${topic}\""}, {0}}),
                        "srv.db.dbo.Order");
    assert_string_equal(name_by((const Setting[]){{"connector.class", CONFLUENT},
                                                  {"table.name.format", "${source.table}"},
                                                  {"quote.sql.identifiers", "never"},
                                                  {0}}),
                        "order");
}

static void settings_that_contradict_each_other_are_refused_with_their_place(void **state) {
    (void)state;
    const char *why = name_by((const Setting[]){{"insert.mode", "upsert"}, {0}});
    assert_non_null(strstr(why, "sink.json:4: insert.mode"));
    assert_non_null(strstr(why, "pk.mode=record_key"));
    assert_non_null(strstr(name_by((const Setting[]){{"delete.enabled", "true"}, {0}}), "delete.enabled"));
    assert_non_null(
        strstr(name_by((const Setting[]){{"connection.url", "jdbc:mysql://h/d"}, {0}}), "connection.url"));
    assert_non_null(
        strstr(name_by((const Setting[]){{"table.name.format", "${x}"}, {0}}), "table.name.format"));
    assert_non_null(strstr(name_by((const Setting[]){{"pk.mode", "kafka"}, {0}}), "kafka"));
}

static void what_would_give_other_rows_is_an_error_and_not_a_warning(void **state) {
    (void)state;
    Err e = {0};
    assert_null(parse((const Setting[]){{"column.naming.strategy", "x"}, {0}}, &e));
    assert_non_null(strstr(e.msg, "column.naming.strategy"));
    Options *o = parse((const Setting[]){{"connection.pool.max_size", "8"}, {"db.timezone", "UTC"}, {0}}, &e);
    assert_non_null(o);
    assert_int_equal(options_warnings(o)->count, 2);
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_filled),
        cmocka_unit_test(the_defaults_are_those_of_the_jdbc_sinks),
        cmocka_unit_test(both_families_names_mean_the_same),
        cmocka_unit_test(columns_are_named_by_the_source_in_debeziums_class_only),
        cmocka_unit_test(names_follow_the_classs_own_rules),
        cmocka_unit_test(settings_that_contradict_each_other_are_refused_with_their_place),
        cmocka_unit_test(what_would_give_other_rows_is_an_error_and_not_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
