/* Direct mode: transforms that name topics, those that do nothing there, and those that are refused. */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "transform/transform_route.h"

#define KAFKA  "org.apache.kafka.connect.transforms."
#define UNWRAP "transforms=u\ntransforms.u.type=io.debezium.transforms.ExtractNewRecordState\n"
#define ROUTE                                                                                                \
    "transforms=r\ntransforms.r.type=" KAFKA                                                                 \
    "RegexRouter\ntransforms.r.regex=([^.]+)\\\\.([^.]+)\\\\.(.*)\n"                                         \
    "transforms.r.replacement=$3\n"

static Options *options_of(const char *lines) {
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    CLEANUP_FREE char *text = x_asprintf("name=x\nconnector.class=y\n%s", lines);
    assert_true(props_parse_properties(props, "x.properties", str_from(text), &e));
    OptionTable table = option_connect_table();
    if (!options_parse_tables(&table, 1, props, &o, &e)) fail_msg("%s", e.msg);
    (void)props_free(props);
    return o;
}

static TransformRoute *route_of(const char *source, const char *sink, bool may_delete, Err *e) {
    Options *a = options_of(source), *b = options_of(sink);
    TransformRoute *r = NULL;
    TextList warnings = {0};
    bool is_fine = transform_route_new(a, b, may_delete, &r, &warnings, e);
    assert_int_equal(is_fine, e->code == ERR_OK);
    (void)options_free(a);
    (void)options_free(b);
    textlist_done(&warnings);
    return r;
}

static void routes(const char *source, const char *sink, const char *topic, const char *at_source,
                   const char *at_sink) {
    Err e = {0};
    TransformRoute *r = route_of(source, sink, false, &e);
    if (e.code) fail_msg("%s", e.msg);
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_done) Buf a = {0}, b = {0};
        transform_route_source(r, str_from(topic), &a);
        transform_route_sink(r, str_from(topic), &b);
        assert_string_equal(buf_text(&a), at_source);
        assert_string_equal(buf_text(&b), at_sink);
    }
    (void)transform_route_free(r);
}

static void refused(const char *sink, bool may_delete, const char *part) {
    Err e = {0};
    assert_null(route_of("", sink, may_delete, &e));
    assert_int_equal(e.code, ERR_INVALID);
    if (!strstr(e.msg, part)) fail_msg("%s", e.msg);
}

static void test_topics(void **state) {
    (void)state;
    routes("", "", "p.db.dbo.t", "p.db.dbo.t", "p.db.dbo.t");
    routes("", ROUTE, "p.db.dbo.t", "p.db.dbo.t", "dbo.t");
    routes(ROUTE, "", "p.db.dbo.t", "dbo.t", "dbo.t");
    routes(ROUTE,
           "transforms=r\ntransforms.r.type=io.debezium.transforms.ByLogicalTableRouter\n"
           "transforms.r.topic.regex=(.*)_\\\\d\ntransforms.r.topic.replacement=$1\n"
           "transforms.r.key.enforce.uniqueness=false",
           "p.db.dbo.t_1", "dbo.t_1", "dbo.t");
    routes("",
           ROUTE "transforms.r.predicate=p\npredicates=p\npredicates.p.type=" KAFKA
                 "predicates.TopicNameMatches\npredicates.p.pattern=q\\\\..*",
           "p.db.dbo.t", "p.db.dbo.t", "p.db.dbo.t");
}

static void test_what_does_nothing(void **state) {
    (void)state;
    routes(UNWRAP "transforms.u.delete.tombstone.handling.mode=tombstone\ntransforms.u.add.headers=op",
           UNWRAP, "t", "t", "t");
#define LATER UNWRAP "debezium.version=3.0\ntransforms.u.replace.null.with.default=false\n"
    routes(LATER, LATER, "t", "t", "t");
    routes("",
           "transforms=f,m\ntransforms.f.type=" KAFKA "Filter\ntransforms.f.predicate=p\npredicates=p\n"
           "predicates.p.type=" KAFKA "predicates.RecordIsTombstone\ntransforms.m.type=" KAFKA
           "SetSchemaMetadata$Value\ntransforms.m.schema.name=x",
           "t", "t", "t");
}

static void test_deletes_that_are_dropped(void **state) {
    (void)state;
    Err e = {0};
    refused(UNWRAP, true, "delete.tombstone.handling.mode=tombstone");
    (void)transform_route_free(route_of("", UNWRAP "transforms.u.drop.tombstones=false", true, &e));
    (void)transform_route_free(route_of("", UNWRAP "transforms.u.delete.handling.mode=none", true, &e));
    assert_int_equal(e.code, ERR_OK);
}

static void test_what_needs_records(void **state) {
    (void)state;
    refused(UNWRAP "transforms.u.add.fields=op", false,
            "x.properties:3: transforms.u (io.debezium.transforms.ExtractNewRecordState): add.fields");
    refused(UNWRAP "transforms.u.delete.handling.mode=rewrite", false, "__deleted");
    refused("transforms=t\ntransforms.t.type=" KAFKA
            "TimestampConverter$Value\ntransforms.t.target.type=Date",
            false, "arrive in PostgreSQL's own types");
    refused("transforms=t\ntransforms.t.type=" KAFKA "Filter", false, "table.include.list");
    refused("transforms=t\ntransforms.t.type=io.debezium.transforms.ByLogicalTableRouter\n"
            "transforms.t.topic.regex=a\ntransforms.t.topic.replacement=b",
            false, "key.enforce.uniqueness=true (the default)");
    refused("transforms=t\ntransforms.t.type=Nothing", false, "no transform 'Nothing'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_what_does_nothing),
        cmocka_unit_test(test_deletes_that_are_dropped),
        cmocka_unit_test(test_what_needs_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
