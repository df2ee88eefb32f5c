/*
 * transform_probe.c - millrace's transforms for a judge: a line of JSON in, a line out, until the input ends.
 *   in   {"props": {…}, "sink": true, "version": "2.7", "records": [record…]} (record_json.h)
 *   out  {"config_error": text} or {"records": [record | null | {"error": text}…]}
 * All records of a line go through one chain, as one batch.
 */
#include "record_json.h"

#include "base/buf.h"
#include "config/props.h"
#include "transform/transform.h"

static Props *props_of(const json_t *in) {
    Props *props = props_new();
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(in, "props"), key, value)
        props_set(props, key, json_str(value), "probe", 0);
    return props;
}

static json_t *transformed(TransformChain *c, const json_t *in) {
    RecordBatch *b = record_batch_new();
    json_t *ret = json_array(), *record;
    size_t i;
    json_array_foreach(json_object_get(in, "records"), i, record)(void) record_from_json(record, b);
    Err e = {0};
    for (size_t at = 0, done = 0; done < b->count; at++) {
        bool is_done = transform_chain_apply(c, b, &at, &e);
        for (; done < at; done++) (void)json_array_append_new(ret, record_to_json(&b->records[done]));
        if (is_done) break;
        (void)json_array_append_new(ret, json_pack("{s:s}", "error", e.msg));
        done++;
    }
    (void)record_batch_free(b);
    return json_pack("{s:o}", "records", ret);
}

static json_t *answer(const json_t *in) {
    const TransformSetup setup = {.is_sink = json_is_true(json_object_get(in, "sink")),
                                  .debezium_version = json_string_value(json_object_get(in, "version"))};
    Props *props = props_of(in);
    TransformChain *c = NULL;
    Err e = {0};
    bool is_fine = transform_chain_new(props, &setup, &c, &e);
    json_t *ret = is_fine ? transformed(c, in) : json_pack("{s:s}", "config_error", e.msg);
    (void)transform_chain_free(c);
    (void)props_free(props);
    return ret;
}

int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        json_error_t why;
        json_t *in = json_loads(line, 0, &why);
        if (!in) {
            (void)fprintf(stderr, "not JSON: %s\n", why.text);
            free(line);
            return 1;
        }
        json_t *out = answer(in);
        char *text = json_dumps(out, JSON_COMPACT);
        (void)puts(text);
        free(text);
        json_decref(out);
        json_decref(in);
    }
    free(line);
    return 0;
}
