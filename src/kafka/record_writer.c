#include "kafka/record_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/converter.h"
#include "convert/header_text.h"
#include "transform/transform.h"
#include "transport/kafka_option.h"

enum { HEADERS_MAX = 256, LIST_TOPICS_MS = 10000 };

struct RecordWriter {
    KafkaProducer *producer;
    Converter *key, *value;
    Props *key_props, *value_props; /* the converters' */
    TransformChain *chain;
    KafkaTopicRules *rules;
    StrMap *known; /* topics that are there; NULL = not asked yet */
    Str last_name; /* of the topic written last: the text of a record's batch, compared by content */
    KafkaTopic *last;
    Buf last_text; /* owns last_name */
    Buf key_bytes, value_bytes, header_bytes;
    KafkaHeader headers[HEADERS_MAX];
};

/* ---- life ---- */

RecordWriter *record_writer_free(RecordWriter *w) {
    if (!w) return NULL;
    converter_free(w->key);
    converter_free(w->value);
    props_free(w->key_props);
    props_free(w->value_props);
    transform_chain_free(w->chain);
    kafka_topic_rules_free(w->rules);
    strmap_free(w->known);
    buf_done(&w->last_text);
    buf_done(&w->key_bytes);
    buf_done(&w->value_bytes);
    buf_done(&w->header_bytes);
    free(w);
    return NULL;
}

static bool make_converter(const Options *o, bool is_key, const bool *is_stopping, TextList *warnings,
                           Props **ret_props, Converter **ret, Err *e) {
    static const char *const keys[] = {"key.converter.*", NULL}, *const values[] = {"value.converter.*",
                                                                                    NULL};
    *ret_props = kafka_option_props(o, is_key ? keys : values);
    const ConverterSpec spec = {
        .class_name = str_from(options_str(o, is_key ? "key.converter" : "value.converter")),
        .is_key = is_key,
        .props = *ret_props,
        .prefix = is_key ? "key.converter." : "value.converter.",
        /* a flag of one byte that is only read: both ways of reading it atomically are the same */
        .is_stopping = is_stopping,
    };
    if (!converter_new(&spec, ret, e)) return err_wrap(e, "%s", is_key ? "key.converter" : "value.converter");
    textlist_add_all(warnings, converter_warnings(*ret));
    return true;
}

static bool make_chain(const Options *o, TextList *warnings, TransformChain **ret, Err *e) {
    static const char *const names[] = {"transforms", "transforms.*", "predicates", "predicates.*", NULL};
    Props *props = kafka_option_props(o, names);
    const TransformSetup setup = {.debezium_version = options_str(o, "debezium.version")};
    bool ok = transform_chain_new(props, &setup, ret, e);
    if (ok) textlist_add_all(warnings, transform_chain_warnings(*ret));
    props_free(props);
    return ok;
}

bool record_writer_new(const Options *options, const bool *is_stopping, TextList *warnings,
                       RecordWriter **ret, Err *e) {
    RecordWriter *w = x_calloc(1, sizeof *w);
    if (!make_converter(options, /* is_key= */ true, is_stopping, warnings, &w->key_props, &w->key, e) ||
        !make_converter(options, /* is_key= */ false, is_stopping, warnings, &w->value_props, &w->value, e) ||
        !make_chain(options, warnings, &w->chain, e) || !kafka_topic_rules_new(options, &w->rules, e)) {
        record_writer_free(w);
        return false;
    }
    *ret = w;
    return true;
}

void record_writer_use(RecordWriter *w, KafkaProducer *producer) {
    w->producer = producer;
    w->known = strmap_free(w->known);
    w->last = NULL;
    w->last_name = (Str){0};
}

/* ---- topics ---- */

static bool list_topics(RecordWriter *w, Err *e) {
    w->known = strmap_free(w->known);
    w->known = strmap_new(/* ignore_case= */ false);
    return kafka_topics_list(kafka_producer_handle(w->producer), LIST_TOPICS_MS, w->known, e);
}

static bool make_topic(RecordWriter *w, const char *name, const KafkaTopicSpec *spec, Err *e) {
    KafkaTopicSpec found;
    if (!spec && kafka_topic_rules_find(w->rules, name, &found)) spec = &found;
    if (!spec) {
        if (!list_topics(w, e)) return false;
        return strmap_get(w->known, str_from(name)) ||
               err_set(
                   e, ERR_INVALID, false,
                   "topic %s isn't there, and topic.creation.enable=false: make it, or let topics be made",
                   name);
    }
    if (!kafka_topics_create(kafka_producer_handle(w->producer), name, spec, e)) return false;
    LOG_INFO("topic_made", LOG_S("topic", name), LOG_I("partitions", spec->partitions));
    (void)strmap_set(w->known, str_from(name), w->known);
    return true;
}

bool record_writer_topic(RecordWriter *w, Str name, const KafkaTopicSpec *spec, KafkaTopic **ret, Err *e) {
    if (!w->known && !list_topics(w, e)) return false;
    if (!strmap_get(w->known, name)) {
        CLEANUP_FREE char *text = str_dup(name);
        if (!make_topic(w, text, spec, e)) return false;
    }
    *ret = kafka_producer_topic(w->producer, name);
    return true;
}

static bool topic_of(RecordWriter *w, Str name, Err *e) {
    if (w->last && str_eq(name, w->last_name)) return true;
    w->last = NULL;
    if (!record_writer_topic(w, name, NULL, &w->last, e)) return false;
    buf_clear(&w->last_text);
    buf_str(&w->last_text, name);
    w->last_name = buf_view(&w->last_text);
    return true;
}

/* ---- records ---- */

/* Bytes of the headers stand one behind the other: their places are known once all are written. */
static bool make_headers(RecordWriter *w, const Record *r, Err *e) {
    size_t starts[HEADERS_MAX];
    if (r->header_count > HEADERS_MAX)
        return err_set(e, ERR_DATA, false, "a record with %zu headers", r->header_count);
    buf_clear(&w->header_bytes);
    for (size_t i = 0; i < r->header_count; i++) {
        const RecordHeader *h = &r->headers[i];
        bool is_null = false;
        starts[i] = w->header_bytes.n;
        header_text_write(h->schema, &h->value, &w->header_bytes, &is_null);
        w->headers[i] = (KafkaHeader){.name = h->key};
        w->headers[i].value.n = is_null ? SIZE_MAX : w->header_bytes.n - starts[i];
    }
    const char *bytes = buf_text(&w->header_bytes);
    for (size_t i = 0; i < r->header_count; i++) {
        Str *v = &w->headers[i].value;
        *v = v->n == SIZE_MAX ? (Str){0} : (Str){bytes + starts[i], v->n};
    }
    return true;
}

static Str bytes_of(Buf *b, bool is_null) {
    return is_null ? (Str){0} : (Str){buf_text(b), b->n};
}

static bool send_record(RecordWriter *w, const Record *r, Err *e) {
    bool no_key = false, no_value = false;
    buf_clear(&w->key_bytes);
    buf_clear(&w->value_bytes);
    if (!converter_encode(w->key, r->topic, r->key_schema, &r->key, &w->key_bytes, &no_key, e) ||
        !converter_encode(w->value, r->topic, r->value_schema, &r->value, &w->value_bytes, &no_value, e) ||
        !topic_of(w, r->topic, e) || (r->header_count > 0 && !make_headers(w, r, e)))
        return false;
    const KafkaMessage m = {.key = bytes_of(&w->key_bytes, no_key),
                            .value = bytes_of(&w->value_bytes, no_value),
                            .partition = r->partition,
                            .timestamp_ms = r->timestamp_ms,
                            .headers = w->headers,
                            .header_count = r->header_count};
    return kafka_producer_send(w->producer, w->last, &m, e);
}

bool record_writer_put(RecordWriter *w, RecordBatch *records, size_t *ret_sent, Err *e) {
    size_t at = 0, sent = 0;
    if (!transform_chain_is_empty(w->chain) && !transform_chain_apply(w->chain, records, &at, e))
        return false;
    for (size_t i = 0; i < records->count; i++) {
        const Record *r = &records->records[i];
        if (r->is_dropped) continue;
        if (!send_record(w, r, e)) return err_wrap(e, "topic " STR_FMT, STR_ARG(r->topic));
        sent++;
    }
    if (ret_sent) *ret_sent = sent;
    return true;
}
