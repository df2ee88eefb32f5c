#include "cli/topic_view.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static char topic[] = "p.d.dbo.t", other[] = "p.d.dbo.u", group[] = "connect-s", client[] = "millrace-s-0",
            foreign[] = "consumer-1", host[] = "/10.0.0.1", table[] = "\"dbo\".\"t\"", schema[] = "dbo",
            name[] = "t";

typedef struct Rig {
    StoredTable stored;
    GroupMember member;
    GroupPart parts[3];
    TopicStatus written;
    TopicViewSource source;
    TopicViewSink sink;
    TopicView view;
} Rig;

/* All is well, and topic t has 7 records that wait, the oldest since 2 s. */
static void open_rig(Rig *r) {
    *r = (Rig){.stored = {.schema = schema, .table = name, .is_done = true, .chunks_done = 2},
               .member = {.client = client, .host = host, .is_ours = true},
               .written = {.topic = topic, .partitions = 2, .last_us = 1767225602000000, .rows = 1234}};
    r->parts[0] = (GroupPart){.topic = topic, .ahead = 3, .oldest_ms = 1767225609000};
    r->parts[1] = (GroupPart){.topic = topic, .partition = 1, .ahead = 4, .oldest_ms = 1767225608000};
    r->parts[2] = (GroupPart){.topic = other, .oldest_ms = -1};
    r->written.table = table;
    r->source = (TopicViewSource){
        .connector = "src",
        .database = "d",
        .offsets_topic = "offsets",
        .stored = {.has_position = true, .is_snapshot_done = true, .tables = &r->stored, .table_count = 1},
        .source = {.was_asked = true, .lag = {.max_age_us = 1000000}},
        .behind_us = -1};
    r->sink = (TopicViewSink){.connector = "s",
                              .lag = {.group = group,
                                      .knows_members = true,
                                      .members = &r->member,
                                      .member_count = 1,
                                      .parts = r->parts,
                                      .part_count = 3},
                              .target = {.items = &r->written, .count = 1}};
    r->view = (TopicView){.sources = &r->source,
                          .source_count = 1,
                          .sinks = &r->sink,
                          .sink_count = 1,
                          .now_us = 1767225610000000};
}

static void states_tell_what_is_stored_and_who_is_in_the_group(void **state) {
    (void)state;
    Rig r;
    open_rig(&r);
    assert_true(topic_view_is_healthy(&r.view));
    assert_string_equal(topic_view_source_state(&r.source), "streaming");
    assert_string_equal(topic_view_sink_state(&r.sink), "running");
    r.source.stored.is_snapshot_done = false;
    assert_string_equal(topic_view_source_state(&r.source), "copying");
    r.source.stored = (StoredState){0};
    assert_string_equal(topic_view_source_state(&r.source), "not started");
    assert_false(topic_view_is_healthy(&r.view));
    open_rig(&r);
    r.member = (GroupMember){.client = foreign, .host = host};
    assert_string_equal(topic_view_sink_state(&r.sink), "foreign");
    assert_false(topic_view_is_healthy(&r.view));
    r.sink.lag.member_count = 0;
    assert_string_equal(topic_view_sink_state(&r.sink), "stopped");
    r.sink.lag.knows_members = false;
    assert_string_equal(topic_view_sink_state(&r.sink), "unknown");
    open_rig(&r);
    memcpy(r.sink.why_target, "no route", sizeof "no route");
    assert_false(topic_view_is_healthy(&r.view));
}

static void a_topics_partitions_are_one_line(void **state) {
    (void)state;
    Rig r;
    CLEANUP(buf_done) Buf out = {0};
    open_rig(&r);
    topic_view_text(&r.view, "\n", &out);
    const char *text = buf_text(&out);
    if (!strstr(text, "about 7 records wait, the oldest was written 2.0 s ago") ||
        !strstr(text, "dbo.t  streaming") || !strstr(text, "all that is captured is in the topics") ||
        !strstr(text, "1 live member\n") || !strstr(text, "1,234  \"dbo\".\"t\"") ||
        !strstr(text, "2026-01-01 00:00:02") || !strstr(text, "p.d.dbo.u"))
        fail_msg("%s", text);
    assert_null(strstr(strstr(text, topic) + 1, topic));
}

static void json_has_nulls_for_what_isnt_known(void **state) {
    (void)state;
    Rig r;
    CLEANUP(buf_done) Buf out = {0};
    json_error_t fault;
    open_rig(&r);
    r.source.behind_us = 2500000;
    topic_view_json(&r.view, &out);
    json_t *o = json_loads(buf_text(&out), 0, &fault), *source, *sink;
    assert_non_null(o);
    assert_true(json_is_true(json_object_get(o, "healthy")));
    source = json_array_get(json_object_get(o, "sources"), 0);
    sink = json_array_get(json_object_get(o, "sinks"), 0);
    assert_true(json_real_value(json_object_get(source, "behind_s")) == 2.5);
    assert_int_equal(json_integer_value(json_object_get(sink, "ahead")), 7);
    assert_true(json_real_value(json_object_get(sink, "behind_s")) == 2.0);
    const json_t *topics = json_object_get(sink, "topics");
    assert_int_equal(json_array_size(topics), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(topics, 0), "rows")), 1234);
    assert_true(json_is_null(json_object_get(json_array_get(topics, 1), "last_write")));
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_tell_what_is_stored_and_who_is_in_the_group),
        cmocka_unit_test(a_topics_partitions_are_one_line),
        cmocka_unit_test(json_has_nulls_for_what_isnt_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
