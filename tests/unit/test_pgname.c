#include "postgres/pgname.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "test.h"

static const Schema *schema_of(const char *schema, const char *table) {
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1}};
    const SchemaSpec spec = {.database = STR_LIT("Sales"),
                             .schema = str_from(schema),
                             .table = str_from(table),
                             .version = 1,
                             .columns = columns,
                             .column_count = 1};
    const Schema *s = NULL;
    Err e = {0};
    assert_true(schema_new(&spec, &s, &e));
    return s;
}

/* "schema|table" of dbo.Order, or the error. */
static const char *name_by(PgNameRuleSpec spec) {
    static char text[ERR_MSG_SIZE];
    PgNameRule *rule = NULL;
    Err e = {0};
    if (!pgname_rule_new(&spec, &rule, &e)) return memcpy(text, e.msg, sizeof text);
    const Schema *s = schema_of("dbo", "Order");
    PgTableName name = {0};
    if (pgname_rule_table(rule, s, &name, &e))
        (void)snprintf(text, sizeof text, "%s|%s", name.schema ? name.schema : "", name.table);
    else memcpy(text, e.msg, sizeof text);
    pgname_table_done(&name);
    schema_unref(s);
    pgname_rule_free(rule);
    return text;
}

static void quoting_doubles_quotes(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    pgname_qualified(&out, STR_LIT("a\"b"), STR_LIT("C d"));
    assert_string_equal(buf_text(&out), "\"a\"\"b\".\"C d\"");
}

static void placeholders_name_the_source(void **state) {
    (void)state;
    assert_string_equal(name_by((PgNameRuleSpec){.format = STR_LIT("${source.schema}.${source.table}")}),
                        "dbo|Order");
    assert_string_equal(name_by((PgNameRuleSpec){.format = STR_LIT("x_${source.db}_${source.table}")}),
                        "|x_Sales_Order");
    assert_string_equal(
        name_by((PgNameRuleSpec){.format = STR_LIT("${source.schema}.${source.table}"), .is_folded = true}),
        "dbo|order");
}

static void a_topic_is_cut_at_its_dots_or_joined_by_underscores(void **state) {
    (void)state;
    PgNameRuleSpec spec = {.format = STR_LIT("${topic}"),
                           .topic_prefix = STR_LIT("srv"),
                           .topic_style = PGTOPIC_UNDERSCORE,
                           .is_folded = true};
    assert_string_equal(name_by(spec), "|srv_sales_dbo_order");
    spec.topic_style = PGTOPIC_SPLIT;
    assert_non_null(strstr(name_by(spec), "4 parts"));
    spec.format = STR_LIT("\"${topic}\"");
    assert_string_equal(name_by(spec), "|srv.sales.dbo.order");
    spec.topic_prefix = (Str){0};
    assert_non_null(strstr(name_by(spec), "topic.prefix"));
}

static void transforms_name_the_topic(void **state) {
    (void)state;
    Props *props = props_new(), *none = props_new();
    Options *o = NULL, *source = NULL;
    TransformRoute *route = NULL;
    TextList warnings = {0};
    Err e = {0};
    const OptionTable table = option_connect_table();
    assert_true(props_parse_properties(none, "n", STR_LIT("name=n\nconnector.class=x\n"), &e));
    assert_true(props_parse_properties(
        props, "s",
        STR_LIT("name=n\nconnector.class=x\ntransforms=r\n"
                "transforms.r.type=org.apache.kafka.connect.transforms.RegexRouter\n"
                "transforms.r.regex=srv\\\\.(.*)\\\\.dbo\\\\.(.*)\ntransforms.r.replacement=$1.my_$2\n"),
        &e));
    assert_true(options_parse_tables(&table, 1, none, &source, &e));
    if (!options_parse_tables(&table, 1, props, &o, &e) ||
        !transform_route_new(source, o, /* may_delete= */ true, &route, &warnings, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(name_by((PgNameRuleSpec){
                            .format = STR_LIT("${topic}"), .topic_prefix = STR_LIT("srv"), .route = route}),
                        "Sales|my_Order");
    (void)transform_route_free(route);
    textlist_done(&warnings);
    (void)options_free(o);
    (void)options_free(source);
    (void)props_free(props);
    (void)props_free(none);
}

static void a_schema_with_a_topic_needs_no_prefix(void **state) {
    (void)state;
    const Column column = {.name = STR_LIT("id"), .type = SQLTYPE_INT};
    const SchemaSpec flat = {
        .table = STR_LIT("a.b"), .topic = STR_LIT("a.b"), .columns = &column, .column_count = 1};
    const PgNameRuleSpec spec = {
        .format = STR_LIT("${topic}"), .topic_style = PGTOPIC_SPLIT, .has_topics = true};
    const Schema *s = NULL;
    PgNameRule *rule = NULL;
    PgTableName name = {0};
    Err e = {0};
    assert_true(schema_new(&flat, &s, &e));
    assert_true(pgname_rule_new(&spec, &rule, &e));
    assert_true(pgname_rule_table(rule, s, &name, &e));
    assert_string_equal(name.schema, "a");
    assert_string_equal(name.table, "b");
    pgname_table_done(&name);
    pgname_rule_free(rule);
    schema_unref(s);
}

static void a_wrong_format_is_refused_with_the_nearest_placeholder(void **state) {
    (void)state;
    assert_non_null(
        strstr(name_by((PgNameRuleSpec){.format = STR_LIT("${source.tabel}")}), "${source.table}"));
    assert_non_null(strstr(name_by((PgNameRuleSpec){.format = STR_LIT("${source.table")}), "isn't closed"));
    assert_non_null(strstr(name_by((PgNameRuleSpec){.format = STR_LIT("\"a")}), "quote"));
    assert_non_null(strstr(name_by((PgNameRuleSpec){.format = STR_LIT("a..b")}), "empty part"));
    assert_non_null(strstr(name_by((PgNameRuleSpec){.format = (Str){0}}), "empty"));
}

static void long_names_are_shortened_alike_and_apart(void **state) {
    (void)state;
    char a[100], b[100];
    memset(a, 'x', sizeof a);
    memcpy(b, a, sizeof a);
    b[99] = 'y';
    CLEANUP(buf_done) Buf one = {0}, again = {0}, other = {0}, accents = {0};
    pgname_fit(&one, (Str){a, sizeof a});
    pgname_fit(&again, (Str){a, sizeof a});
    pgname_fit(&other, (Str){b, sizeof b});
    assert_int_equal(one.n, PGNAME_MAX_BYTES);
    assert_true(str_eq(buf_view(&one), buf_view(&again)));
    assert_false(str_eq(buf_view(&one), buf_view(&other)));
    for (size_t i = 1; i + 1 < sizeof a; i += 2) memcpy(a + i, "\xc3\xa9", 2); /* é, across the cut */
    pgname_fit(&accents, (Str){a, sizeof a - 1});
    assert_true(accents.n < PGNAME_MAX_BYTES);
    assert_int_equal(accents.p[accents.n - 9], '_');
}

static void two_source_tables_cannot_have_one_target(void **state) {
    (void)state;
    const PgNameRuleSpec spec = {.format = STR_LIT("${source.table}")};
    PgNameRule *rule = NULL;
    Err e = {0};
    assert_true(pgname_rule_new(&spec, &rule, &e));
    const Schema *a = schema_of("dbo", "t"), *b = schema_of("web", "t");
    PgTableName name = {0}, other = {0};
    assert_true(pgname_rule_table(rule, a, &name, &e));
    assert_false(pgname_rule_table(rule, b, &other, &e));
    assert_non_null(strstr(e.msg, "web.t"));
    pgname_table_done(&name);
    assert_true(pgname_rule_table(rule, a, &name, &e)); /* the same one again is fine */
    pgname_table_done(&name);
    schema_unref(a);
    schema_unref(b);
    pgname_rule_free(rule);
}

static void two_source_schemas_cannot_become_one_by_their_names(void **state) {
    (void)state;
    const PgNameRuleSpec folded = {.format = STR_LIT("${source.schema}.${source.table}"), .is_folded = true};
    const PgNameRuleSpec fixed = {.format = STR_LIT("Archive.${source.schema}_${source.table}"),
                                  .is_folded = true};
    const Schema *a = schema_of("Sales", "a"), *b = schema_of("SALES", "b");
    PgNameRule *rule = NULL;
    PgTableName name = {0};
    Err e = {0};
    assert_true(pgname_rule_new(&folded, &rule, &e));
    assert_true(pgname_rule_table(rule, a, &name, &e));
    assert_string_equal(name.schema, "sales");
    pgname_table_done(&name);
    assert_false(pgname_rule_table(rule, b, &name, &e));
    assert_non_null(strstr(e.msg, "Sales and SALES"));
    pgname_rule_free(rule);
    assert_true(pgname_rule_new(&fixed, &rule, &e)); /* one schema on purpose */
    assert_true(pgname_rule_table(rule, a, &name, &e));
    pgname_table_done(&name);
    assert_true(pgname_rule_table(rule, b, &name, &e));
    pgname_table_done(&name);
    pgname_rule_free(rule);
    schema_unref(a);
    schema_unref(b);
}

static void a_format_tells_whether_it_wants_the_source(void **state) {
    (void)state;
    static const char *const formats[] = {"${topic}", "a.${source.table}"};
    for (size_t i = 0; i < 2; i++) {
        PgNameRule *rule = NULL;
        Err e = {0};
        const PgNameRuleSpec spec = {.format = str_from(formats[i]), .has_topics = true};
        assert_true(pgname_rule_new(&spec, &rule, &e));
        assert_int_equal(pgname_rule_wants_source(rule), i == 1);
        pgname_rule_free(rule);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_doubles_quotes),
        cmocka_unit_test(placeholders_name_the_source),
        cmocka_unit_test(a_topic_is_cut_at_its_dots_or_joined_by_underscores),
        cmocka_unit_test(transforms_name_the_topic),
        cmocka_unit_test(a_schema_with_a_topic_needs_no_prefix),
        cmocka_unit_test(a_wrong_format_is_refused_with_the_nearest_placeholder),
        cmocka_unit_test(a_format_tells_whether_it_wants_the_source),
        cmocka_unit_test(long_names_are_shortened_alike_and_apart),
        cmocka_unit_test(two_source_tables_cannot_have_one_target),
        cmocka_unit_test(two_source_schemas_cannot_become_one_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
