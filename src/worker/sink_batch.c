/*
 * Three loops over the same records, each with its own place to go on from: decode, transform, make. A record
 * that failed is marked as dropped, so that the next loop passes it over and indexes stay the inputs'.
 */
#include "worker/sink_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "record/record.h"

struct SinkBatch {
    SinkBatchSpec spec;
    bool looks_for_headers; /* a converter has one that it isn't to be given the bytes with */
    RecordBatch *records;   /* by input */
    SinkInput *inputs;
    size_t input_count, input_cap;
    Change *changes;
    size_t *change_of; /* input of each */
    size_t change_count, change_cap;
    size_t transformed, made;
    const Schema *held;
    bool is_unsaid; /* the host hasn't dealt with this failure yet */
    size_t unsaid_at;
    SinkFault unsaid;
};

SinkBatch *sink_batch_new(const SinkBatchSpec *spec) {
    SinkBatch *b = x_calloc(1, sizeof *b);
    b->spec = *spec;
    b->looks_for_headers = converter_foreign_header(spec->key) || converter_foreign_header(spec->value);
    b->records = record_batch_new();
    return b;
}

SinkBatch *sink_batch_free(SinkBatch *b) {
    if (!b) return NULL;
    record_batch_free(b->records);
    free(b->inputs);
    free(b->changes);
    free(b->change_of);
    free(b);
    return NULL;
}

void sink_batch_clear(SinkBatch *b) {
    record_batch_clear(b->records);
    b->input_count = b->change_count = b->transformed = b->made = 0;
    b->held = NULL;
    b->is_unsaid = false;
}

void sink_batch_add(SinkBatch *b, const SinkInput *input) {
    if (b->input_count == b->input_cap) {
        b->input_cap = b->input_cap ? 2 * b->input_cap : 256;
        b->inputs = x_reallocarray(b->inputs, b->input_cap, sizeof *b->inputs);
    }
    b->inputs[b->input_count++] = *input;
}

size_t sink_batch_inputs(const SinkBatch *b) {
    return b->input_count;
}

/* ---- decode ---- */

/* The host may fail to deal with it, for now: then it is told again, as its letter would be missing. */
static bool say_failure(SinkBatch *b, Err *e) {
    if (!b->is_unsaid) return true;
    if (!b->spec.failed(b->spec.arg, &b->inputs[b->unsaid_at], &b->unsaid, e)) return false;
    b->is_unsaid = false;
    return true;
}

/* A record's own fault is dealt with: it is left out. */
static bool fail_one(SinkBatch *b, size_t at, SinkStage stage, const Err *why, Err *e) {
    b->records->records[at].is_dropped = true;
    b->is_unsaid = true;
    b->unsaid_at = at;
    b->unsaid = (SinkFault){
        .stage = stage,
        .transform = stage == SINK_TRANSFORM ? transform_chain_failed(b->spec.chain) : NULL,
        .why = *why,
    };
    return say_failure(b, e);
}

static void take_headers(SinkBatch *b, Record *r, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    const char *name = NULL;
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        record_add_header(b->records, r,
                          (RecordHeader){.key = str_from(name),
                                         .value = value ? value_bytes(value, (uint32_t)n) : value_null()});
}

static void describe(SinkBatch *b, Record *r, const SinkInput *in) {
    const rd_kafka_message_t *m = in->message;
    r->topic = str_from(in->topic);
    r->partition = in->partition;
    r->offset = m->offset;
    r->raw_key = (Str){m->key, m->key_len};
    r->raw_value = (Str){m->payload, m->len};
    if (transform_chain_is_empty(b->spec.chain)) return; /* nobody looks at the rest */
    rd_kafka_timestamp_type_t type;
    r->timestamp_ms = rd_kafka_message_timestamp(m, &type);
    take_headers(b, r, m);
}

static bool check_form(const Converter *c, const rd_kafka_headers_t *headers, Str bytes, Err *e) {
    const char *name = converter_foreign_header(c);
    const void *value = NULL;
    size_t n = 0;
    if (!name || !bytes.p ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return err_set(e, ERR_DATA, false,
                   "its schema is told by the header %s, which isn't read: let the producer use "
                   "PrefixSchemaIdSerializer, which writes the schema's number before the data",
                   name);
}

/* Cheap where a record has no headers: librdkafka reads them when they are asked for. */
static bool check_forms(const SinkBatch *b, const Record *r, const rd_kafka_message_t *m,
                        SinkStage *ret_stage, Err *e) {
    rd_kafka_headers_t *headers = NULL;
    if (!b->looks_for_headers || rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    *ret_stage = SINK_KEY;
    if (!check_form(b->spec.key, headers, r->raw_key, e)) return false;
    *ret_stage = SINK_VALUE;
    return check_form(b->spec.value, headers, r->raw_value, e);
}

/* By index: decoding may add to the batch's arena, not to its records. */
static bool decode_one(SinkBatch *b, Record *r, SinkStage *ret_stage, Err *e) {
    *ret_stage = SINK_KEY;
    if (!converter_decode(b->spec.key, r->topic, r->raw_key, b->records, &r->key_schema, &r->key, e))
        return false;
    *ret_stage = SINK_VALUE;
    return converter_decode(b->spec.value, r->topic, r->raw_value, b->records, &r->value_schema, &r->value,
                            e);
}

static bool decode(SinkBatch *b, Err *e) {
    while (b->records->count < b->input_count) {
        SinkStage stage;
        Err why = {0};
        Record *r = record_batch_add(b->records);
        const SinkInput *in = &b->inputs[b->records->count - 1];
        describe(b, r, in);
        if (check_forms(b, r, in->message, &stage, &why) && decode_one(b, r, &stage, &why)) continue;
        if (why.code != ERR_DATA) {
            b->records->count--;
            *e = why;
            return err_wrap(e, "%s-%d at offset %lld", b->inputs[b->records->count].topic,
                            (int)b->inputs[b->records->count].partition,
                            (long long)b->inputs[b->records->count].message->offset);
        }
        if (!fail_one(b, b->records->count - 1, stage, &why, e)) return false;
    }
    return true;
}

static bool transform(SinkBatch *b, Err *e) {
    Err why = {0};
    if (transform_chain_is_empty(b->spec.chain)) return true;
    while (!transform_chain_apply(b->spec.chain, b->records, &b->transformed, &why)) {
        if (why.code != ERR_DATA) {
            *e = why;
            return false;
        }
        if (!fail_one(b, b->transformed++, SINK_TRANSFORM, &why, e)) return false;
    }
    return true;
}

/* ---- make ---- */

static void release_schema(void *schema) {
    schema_unref(schema);
}

static void hold(SinkBatch *b, const Schema *s) {
    if (s == b->held) return;
    b->held = s;
    record_batch_hold(b->records, (void *)(uintptr_t)schema_ref(s), release_schema);
}

static void keep(SinkBatch *b, size_t input, const Change *change) {
    if (b->change_count == b->change_cap) {
        b->change_cap = b->change_cap ? 2 * b->change_cap : 256;
        b->changes = x_reallocarray(b->changes, b->change_cap, sizeof *b->changes);
        b->change_of = x_reallocarray(b->change_of, b->change_cap, sizeof *b->change_of);
    }
    hold(b, change->schema);
    b->change_of[b->change_count] = input;
    b->changes[b->change_count++] = *change;
}

/* A partition is of one topic; 0 = there is no key. */
static uint64_t key_number(const Record *r) {
    return r->raw_key.p ? hash_bytes(r->raw_key.p, r->raw_key.n, 0) | 1 : 0;
}

/* *ret: a change that isn't in the target yet was made. */
static bool make_one(SinkBatch *b, size_t at, MadeChange *made, bool *ret, Err *e) {
    const Record *r = &b->records->records[at];
    const SinkInput *in = &b->inputs[at];
    Err why = {0};
    *ret = false;
    bool is_told = value_is_null(&r->value) && partition_is_behind_delete(in->state, key_number(r));
    if (!is_told && !change_maker_make(b->spec.maker, r, &b->records->arena, made, &why)) {
        if (why.code == ERR_DATA) return fail_one(b, at, SINK_PUT, &why, e);
        *e = why;
        return false;
    }
    bool deletes = !is_told && made->origin.is_envelope && made->change.op == OP_DELETE;
    partition_note_delete(in->state, deletes ? key_number(r) : 0);
    if (is_told || made->skip != CHANGE_SKIP_NONE) return true;
    PartitionVerdict verdict = PARTITION_APPLY;
    PartitionEvent event;
    if (partition_event_of(&made->origin, made->change.op, r->raw_key, &event) &&
        !partition_guard(in->state, &event, &verdict, e))
        return err_wrap(e, "%s-%d", in->topic, (int)in->partition);
    *ret = verdict == PARTITION_APPLY;
    return true;
}

static bool make(SinkBatch *b, Err *e) {
    for (; b->made < b->input_count; b->made++) {
        MadeChange made = {0};
        bool is_new = false;
        if (b->records->records[b->made].is_dropped) continue;
        if (!make_one(b, b->made, &made, &is_new, e)) return false;
        if (is_new) keep(b, b->made, &made.change);
    }
    return true;
}

bool sink_batch_make(SinkBatch *b, Err *e) {
    return say_failure(b, e) && decode(b, e) && transform(b, e) && make(b, e);
}

const Change *sink_batch_changes(const SinkBatch *b, size_t *ret_count) {
    *ret_count = b->change_count;
    return b->changes;
}

const SinkInput *sink_batch_input_of(const SinkBatch *b, size_t change) {
    return &b->inputs[b->change_of[change]];
}
