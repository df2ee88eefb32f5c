#include "transform/transform_route.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "transform/transform.h"

struct TransformRoute {
    pthread_mutex_t lock;
    TransformChain *source, *sink;
    RecordBatch *scratch; /* lock */
};

static void add_patterned(const Options *o, const char *pattern, Props *to) {
    size_t at = 0;
    const char *key = NULL, *value = NULL;
    while (options_next(o, pattern, &at, &key, &value)) props_set(to, key, str_from(value), "", 0);
}

static void add_list(const Options *o, const char *key, Props *to) {
    const TextList *list = options_list(o, key);
    CLEANUP(buf_done) Buf text = {0};
    for (size_t i = 0; i < list->count; i++) buf_printf(&text, "%s%s", i ? "," : "", list->items[i]);
    if (list->count) props_set(to, key, buf_view(&text), "", 0);
}

/* The options' own words again. */
static bool make_chain(const Options *o, bool is_sink, TransformChain **ret, TextList *warnings,
                       bool *ret_drops_deletes, Err *e) {
    Props *props = props_new();
    char place[PROPS_PLACE_SIZE];
    add_list(o, "transforms", props);
    add_list(o, "predicates", props);
    add_patterned(o, "transforms.*", props);
    add_patterned(o, "predicates.*", props);
    const TransformSetup setup = {.is_sink = is_sink, .debezium_version = options_str(o, "debezium.version")};
    bool is_fine =
        transform_chain_new(props, &setup, ret, e) && transform_chain_direct(*ret, ret_drops_deletes, e);
    props = props_free(props);
    if (!is_fine) return err_wrap(e, "%s", options_place(o, "transforms", place));
    const TextList *own = transform_chain_warnings(*ret);
    for (size_t i = 0; i < own->count; i++)
        textlist_printf(warnings, "%s: %s", options_place(o, "transforms", place), own->items[i]);
    return true;
}

bool transform_route_new(const Options *source, const Options *sink, bool may_delete, TransformRoute **ret,
                         TextList *warnings, Err *e) {
    TransformRoute *r = x_calloc(1, sizeof *r);
    bool source_drops = false, sink_drops = false;
    (void)pthread_mutex_init(&r->lock, NULL);
    r->scratch = record_batch_new();
    bool is_fine = make_chain(source, false, &r->source, warnings, &source_drops, e) &&
                   make_chain(sink, true, &r->sink, warnings, &sink_drops, e);
    if (is_fine && may_delete && (source_drops || sink_drops))
        is_fine = err_set(e, ERR_INVALID, false,
                          "delete.enabled=true, but ExtractNewRecordState drops the deletes before "
                          "(delete.handling.mode=drop and drop.tombstones=true are its defaults): set its "
                          "delete.tombstone.handling.mode=tombstone to have them, or delete.enabled=false");
    bool is_empty = is_fine && transform_chain_is_empty(r->source) && transform_chain_is_empty(r->sink);
    if (!is_fine || is_empty) r = transform_route_free(r);
    *ret = r;
    return is_fine;
}

TransformRoute *transform_route_free(TransformRoute *r) {
    if (!r) return NULL;
    (void)transform_chain_free(r->source);
    (void)transform_chain_free(r->sink);
    (void)record_batch_free(r->scratch);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

static void route(TransformRoute *r, bool to_sink, Str topic, Buf *out) {
    Err e = {0};
    if (!r) {
        buf_str(out, topic);
        return;
    }
    pthread_mutex_lock(&r->lock);
    record_batch_clear(r->scratch);
    Str now = topic, next = topic;
    if (transform_chain_route(r->source, now, r->scratch, &next, &e)) now = next;
    if (to_sink && transform_chain_route(r->sink, now, r->scratch, &next, &e)) now = next;
    buf_str(out, now);
    pthread_mutex_unlock(&r->lock);
}

void transform_route_source(TransformRoute *r, Str topic, Buf *out) {
    route(r, false, topic, out);
}

void transform_route_sink(TransformRoute *r, Str topic, Buf *out) {
    route(r, true, topic, out);
}
