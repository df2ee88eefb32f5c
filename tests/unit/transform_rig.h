/* transform_rig.h - a chain from properties, a record through it, compared as JSON (record_json.h). */
#ifndef TESTS_TRANSFORM_RIG_H
#define TESTS_TRANSFORM_RIG_H

#include "test.h"

#include "base/buf.h"
#include "record_json.h"
#include "transform/transform.h"

static inline TransformChain *chain_or_null(const char *properties, TransformSetup setup, Err *e) {
    Props *props = props_new();
    TransformChain *c = NULL;
    assert_true(props_parse_properties(props, "sink.properties", str_from(properties), e));
    if (!transform_chain_new(props, &setup, &c, e)) c = NULL;
    (void)props_free(props);
    return c;
}

/* properties of one transform "t": "type=…\nfield=…", each line becoming transforms.t.… */
static inline char *properties_of(const char *lines) {
    Buf out = {0};
    buf_cstr(&out, "transforms=t\n");
    Str rest = str_from(lines), line = {0};
    while (str_split(&rest, '\n', &line)) {
        bool is_own = str_starts(line, STR_LIT("transforms")) || str_starts(line, STR_LIT("predicates"));
        buf_printf(&out, "%s" STR_FMT "\n", is_own ? "" : "transforms.t.", STR_ARG(line));
    }
    char *ret = x_strdup(buf_text(&out));
    buf_done(&out);
    return ret;
}

static inline void expect_config_error(const char *lines, TransformSetup setup, const char *part) {
    CLEANUP_FREE char *properties = properties_of(lines);
    Err e = {0};
    TransformChain *c = chain_or_null(properties, setup, &e);
    if (c || !strstr(e.msg, part)) (void)fprintf(stderr, "config: expected '%s', got '%s'\n", part, e.msg);
    assert_null(c);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, part));
}

static inline bool is_same(json_t *got, json_t *want) {
    /* By text: the order of fields counts. */
    CLEANUP_FREE char *g = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    CLEANUP_FREE char *w = json_dumps(want, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    if (strcmp(g, w) != 0) (void)fprintf(stderr, "got  %s\nwant %s\n", g, w);
    return strcmp(g, w) == 0;
}

/* Twice, so that a remembered plan is used too. */
static inline void run_chain(const char *lines, TransformSetup setup, const char *in, const char *want,
                             const char *error) {
    CLEANUP_FREE char *properties = properties_of(lines);
    Err e = {0};
    TransformChain *c = chain_or_null(properties, setup, &e);
    if (!c) (void)fprintf(stderr, "config: %s\n", e.msg);
    assert_non_null(c);
    RecordBatch *b = record_batch_new();
    json_t *j = json_of(in);
    (void)record_from_json(j, b);
    (void)record_from_json(j, b);
    json_t *expected = want ? json_of(want) : record_to_json(&b->records[0]);
    for (size_t i = 0, at = 0; i < 2; i++) {
        bool is_done = transform_chain_apply(c, b, &at, &e);
        if (error) {
            if (!is_done && !strstr(e.msg, error)) (void)fprintf(stderr, "error: %s\n", e.msg);
            assert_false(is_done);
            assert_int_equal(e.code, ERR_DATA);
            assert_non_null(strstr(e.msg, error));
            assert_int_equal(at, i);
            at++;
        } else if (!is_done) fail_msg("%s", e.msg);
        json_t *got = record_to_json(&b->records[i]);
        assert_true(is_same(got, expected));
        json_decref(got);
    }
    json_decref(j);
    json_decref(expected);
    (void)record_batch_free(b);
    (void)transform_chain_free(c);
}

static const TransformSetup SINK = {.is_sink = true, .debezium_version = "2.7"};

static inline void expect(const char *lines, const char *in, const char *want) {
    run_chain(lines, SINK, in, want, NULL);
}

static inline void expect_error(const char *lines, const char *in, const char *part) {
    run_chain(lines, SINK, in, NULL, part);
}

#endif
