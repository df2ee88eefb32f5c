/*
 * What a record costs is a look in a table and a plan's run. To write, plans are kept by topic and Connect
 * schema; to read, by the schema's number. Both tables are bounded in number and in bytes: a full one is
 * emptied, which costs no more than asking the registry anew. Numbers that the registry doesn't know are
 * remembered for a while, so that a topic full of them doesn't become as many requests.
 */
#include "convert/avro_converter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "convert/avro_decode.h"
#include "convert/avro_encode.h"
#include "convert/avro_from_connect.h"
#include "convert/avro_option.h"
#include "convert/avro_to_connect.h"
#include "convert/avro_type.h"
#include "convert/registry.h"

enum { BUCKETS = 1024, UNKNOWN_IDS = 32, UNKNOWN_MS = 10000, MAX_TEXTS = 65 };

typedef struct Writing { /* how records of a schema are written to a topic */
    struct Writing *next;
    uint64_t hash;
    char *topic;                 /* owned */
    const ConnectSchema *schema; /* owned reference */
    int32_t id;
    bool is_raw; /* bytes alone, without their length */
    AvroEncoder *plan;
} Writing;

typedef struct Reading { /* how records with a number are read */
    struct Reading *next;
    int32_t id;
    bool is_raw;
    AvroDecoder *plan;
    const ConnectSchema *schema; /* owned reference */
} Reading;

typedef struct Unknown {
    int32_t id;
    int64_t until_ms; /* 0 = free */
} Unknown;

typedef struct AvroConverter {
    Converter base; /* first */
    bool is_key;
    AvroSettings settings;
    Registry *registry;
    Writing *writings[BUCKETS];
    Reading *readings[BUCKETS];
    size_t writing_count, reading_count, writing_bytes, reading_bytes;
    Writing *last_writing;
    Reading *last_reading;
    Unknown unknown[UNKNOWN_IDS];
    size_t next_unknown;
} AvroConverter;

/* ---- made and freed ---- */

static bool make(const ConverterSpec *spec, AvroSettings *settings, Converter **ret) {
    AvroConverter *c = x_calloc(1, sizeof *c);
    c->is_key = spec->is_key;
    /* of Confluent's HeaderSchemaIdSerializer: the data is bare, and its first bytes may look like a number
     */
    c->base.foreign_header = spec->is_key ? "__key_schema_id" : "__value_schema_id";
    c->settings = *settings;
    c->settings.registry.http.is_stopping = spec->is_stopping;
    c->registry = registry_new(&c->settings.registry);
    *ret = &c->base;
    return true;
}

static bool make_confluent(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret,
                           Err *e) {
    AvroSettings settings;
    return avro_option_confluent_settings(o, spec->is_key, warnings, &settings, e) &&
           make(spec, &settings, ret);
}

static bool make_apicurio(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret,
                          Err *e) {
    AvroSettings settings;
    return avro_option_apicurio_settings(o, spec->is_key, warnings, &settings, e) &&
           make(spec, &settings, ret);
}

static void forget_writings(AvroConverter *c) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (Writing *w = c->writings[i], *next; w; w = next) {
            next = w->next;
            free(w->topic);
            connect_schema_unref(w->schema);
            avro_encode_free(w->plan);
            free(w);
        }
    memset(c->writings, 0, sizeof c->writings);
    c->writing_count = c->writing_bytes = 0;
    c->last_writing = NULL;
}

static void forget_readings(AvroConverter *c) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (Reading *r = c->readings[i], *next; r; r = next) {
            next = r->next;
            connect_schema_unref(r->schema);
            avro_decode_free(r->plan);
            free(r);
        }
    memset(c->readings, 0, sizeof c->readings);
    c->reading_count = c->reading_bytes = 0;
    c->last_reading = NULL;
}

static void avro_free(Converter *base) {
    AvroConverter *c = (AvroConverter *)base;
    forget_writings(c);
    forget_readings(c);
    registry_free(c->registry);
    avro_option_done(&c->settings);
    free(c);
}

static bool avro_ask(Converter *base, Buf *out, Err *e) {
    AvroConverter *c = (AvroConverter *)base;
    buf_cstr(out, "the registry answers, compatibility ");
    return registry_compatibility(c->registry, out, e);
}

/* Whether so many plans leave no room for one more. bytes: with its own. */
static bool is_full(const AvroConverter *c, size_t count, size_t bytes) {
    return bytes > CONVERTER_CACHE_BYTES || count >= c->settings.max_schemas;
}

/* ---- writing ---- */

/* The subject that a schema of the topic has. */
static bool subject_of(const AvroConverter *c, Str topic, const ConnectSchema *schema, Buf *out, Err *e) {
    AvroSubject how = c->settings.subject;
    if (how == AVRO_SUBJECT_RECORD || how == AVRO_SUBJECT_TOPIC_RECORD) {
        if (schema->type != CONNECT_STRUCT || schema->name.n == 0)
            return err_set(e, ERR_DATA, false,
                           "a subject named by the schema wants a struct with a name, and this is %s",
                           connect_type_name(schema->type));
        if (how == AVRO_SUBJECT_TOPIC_RECORD) buf_printf(out, STR_FMT "-", STR_ARG(topic));
        buf_str(out, schema->name);
        return true;
    }
    buf_str(out, topic);
    if (how == AVRO_SUBJECT_TOPIC) buf_cstr(out, c->is_key ? "-key" : "-value");
    return true;
}

static bool parse_texts(const TextList *texts, AvroSchema **ret, Err *e) {
    Str views[MAX_TEXTS];
    if (texts->count > MAX_TEXTS) return err_set(e, ERR_DATA, false, "a schema with too many references");
    for (size_t i = 0; i < texts->count; i++) views[i] = str_from(texts->items[i]);
    return avro_type_parse(views, texts->count, ret, e);
}

/* The registry's number for the schema, and the schema to write by. */
static bool negotiate(AvroConverter *c, Str subject, const ConnectSchema *schema, int32_t *ret_id,
                      AvroSchema **ret, Err *e) {
    CLEANUP(buf_done) Buf text = {0};
    if (c->settings.uses_latest) {
        RegistrySchema latest = {0};
        if (!registry_latest(c->registry, subject, &latest, e)) return false;
        *ret_id = latest.id;
        bool ok = parse_texts(&latest.texts, ret, e);
        textlist_done(&latest.texts);
        return ok;
    }
    if (!avro_from_connect(schema, c->settings.has_meta, &text, e)) return false;
    Str view = buf_view(&text);
    return avro_type_parse(&view, 1, ret, e) &&
           registry_id(c->registry, subject, view, c->settings.may_register, ret_id, e);
}

static bool plan_writing(AvroConverter *c, Str topic, const ConnectSchema *schema, Writing *w, Err *e) {
    CLEANUP(buf_done) Buf subject = {0};
    AvroSchema *avro = NULL;
    bool ok = subject_of(c, topic, schema, &subject, e) &&
              negotiate(c, buf_view(&subject), schema, &w->id, &avro, e) &&
              avro_encode_plan(schema, avro, c->settings.keeps_null, &w->plan, e);
    if (ok) w->is_raw = c->settings.has_raw_bytes && avro_type_root(avro)->kind == AVRO_KIND_BYTES;
    avro_type_free(avro);
    return ok;
}

static bool is_writing(const Writing *w, uint64_t hash, Str topic, const ConnectSchema *schema) {
    return w->hash == hash && str_eq_c(topic, w->topic) && connect_schema_equal(w->schema, schema);
}

static bool find_writing(AvroConverter *c, Str topic, const ConnectSchema *schema, Writing **ret, Err *e) {
    uint64_t hash = hash_mix(schema->fingerprint, hash_bytes(topic.p, topic.n, topic.n));
    Writing **bucket = &c->writings[hash % BUCKETS];
    for (*ret = *bucket; *ret; *ret = (*ret)->next)
        if (is_writing(*ret, hash, topic, schema)) return true;
    Writing w = {.hash = hash};
    if (!plan_writing(c, topic, schema, &w, e)) return false;
    size_t own = connect_schema_bytes(schema) + avro_encode_bytes(w.plan);
    if (is_full(c, c->writing_count, c->writing_bytes + own)) forget_writings(c);
    w.topic = str_dup(topic);
    w.schema = connect_schema_ref(schema);
    w.next = *bucket;
    *bucket = x_malloc(sizeof w);
    **bucket = w;
    c->writing_count++;
    c->writing_bytes += own;
    *ret = *bucket;
    return true;
}

static bool avro_encode_value(Converter *base, Str topic, const ConnectSchema *schema, const Value *v,
                              Buf *out, bool *ret_is_null, Err *e) {
    AvroConverter *c = (AvroConverter *)base;
    *ret_is_null = v->flags != 0;
    if (*ret_is_null) {
        if (schema && !schema->is_optional)
            return err_set(e, ERR_DATA, false, "the value is null, and its schema isn't optional");
        return true;
    }
    if (!schema)
        return err_set(
            e, ERR_DATA, false,
            "a value without a schema can't be written as Avro: use StringConverter, or JsonConverter with "
            "schemas.enable=false");
    Writing *w = c->last_writing;
    if (!w || w->schema != schema || !str_eq_c(topic, w->topic)) {
        if (!find_writing(c, topic, schema, &w, e)) return false;
        c->last_writing = w;
    }
    uint8_t *at = buf_reserve(out, AVRO_CONVERTER_HEADER_BYTES);
    at[0] = 0;
    for (int i = 0; i < 4; i++) at[1 + i] = (uint8_t)((uint32_t)w->id >> (24 - 8 * i));
    out->n += AVRO_CONVERTER_HEADER_BYTES;
    if (w->is_raw) {
        buf_str(out, value_str(v));
        return true;
    }
    return avro_encode(w->plan, v, out, e);
}

/* ---- reading ---- */

static int64_t now_ms(void) {
    return clock_mono_us() / 1000;
}

static bool is_known_unknown(const AvroConverter *c, int32_t id) {
    for (size_t i = 0; i < UNKNOWN_IDS; i++)
        if (c->unknown[i].until_ms && c->unknown[i].id == id) return now_ms() < c->unknown[i].until_ms;
    return false;
}

static void remember_unknown(AvroConverter *c, int32_t id) {
    size_t at = c->next_unknown;
    for (size_t i = 0; i < UNKNOWN_IDS; i++)
        if (c->unknown[i].until_ms && c->unknown[i].id == id) at = i;
    if (at == c->next_unknown) c->next_unknown = (at + 1) % UNKNOWN_IDS;
    c->unknown[at] = (Unknown){id, now_ms() + UNKNOWN_MS};
}

static bool plan_reading(AvroConverter *c, int32_t id, Reading *r, Err *e) {
    RegistrySchema text = {0};
    AvroSchema *avro = NULL;
    if (!registry_by_id(c->registry, id, &text, e)) return false;
    bool ok = parse_texts(&text.texts, &avro, e) &&
              avro_to_connect(avro, c->settings.has_meta, &r->schema, e) &&
              avro_decode_plan(avro, &r->plan, e);
    if (ok) r->is_raw = c->settings.has_raw_bytes && avro_type_root(avro)->kind == AVRO_KIND_BYTES;
    else (void)err_wrap(e, "schema %d", (int)id);
    textlist_done(&text.texts);
    avro_type_free(avro);
    if (!ok) connect_schema_unref(r->schema);
    return ok;
}

static bool find_reading(AvroConverter *c, int32_t id, Reading **ret, Err *e) {
    Reading **bucket = &c->readings[(uint32_t)id % BUCKETS];
    for (*ret = *bucket; *ret; *ret = (*ret)->next)
        if ((*ret)->id == id) return true;
    if (is_known_unknown(c, id))
        return err_set(e, ERR_DATA, false,
                       "schema %d: the registry didn't have it, or not one that can be read", (int)id);
    Reading r = {.id = id};
    if (!plan_reading(c, id, &r, e)) {
        if (e->code == ERR_DATA) remember_unknown(c, id);
        return false;
    }
    size_t own = connect_schema_bytes(r.schema) + avro_decode_bytes(r.plan);
    if (is_full(c, c->reading_count, c->reading_bytes + own)) forget_readings(c);
    r.next = *bucket;
    *bucket = x_malloc(sizeof r);
    **bucket = r;
    c->reading_count++;
    c->reading_bytes += own;
    *ret = *bucket;
    return true;
}

static bool avro_decode_value(Converter *base, Str topic, Str bytes, RecordBatch *into,
                              const ConnectSchema **ret_schema, Value *ret, Err *e) {
    AvroConverter *c = (AvroConverter *)base;
    (void)topic;
    *ret_schema = NULL;
    *ret = value_null();
    if (!bytes.p) return true;
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (bytes.n < AVRO_CONVERTER_HEADER_BYTES)
        return err_set(e, ERR_DATA, false,
                       "%zu bytes aren't Avro with a schema's number: the first five are zero and the number",
                       bytes.n);
    if (p[0] != 0)
        return err_set(
            e, ERR_DATA, false,
            "unknown magic byte 0x%02x: not Avro with a schema's number (another converter wrote it?)", p[0]);
    int32_t id = (int32_t)((uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4]);
    Reading *r = c->last_reading;
    if (!r || r->id != id) {
        if (!find_reading(c, id, &r, e)) return false;
        c->last_reading = r;
    }
    Str data = str_sub(bytes, AVRO_CONVERTER_HEADER_BYTES, bytes.n);
    if (r->is_raw) *ret = value_bytes(data.p, (uint32_t)data.n);
    else if (!avro_decode(r->plan, data, &into->arena, ret, e)) return err_wrap(e, "schema %d", (int)id);
    record_batch_hold_schema(into, r->schema);
    *ret_schema = r->schema;
    return true;
}

const ConverterClass avro_converter_class = {
    .name = "io.confluent.connect.avro.AvroConverter",
    .options = avro_option_confluent,
    .option_count = AVRO_OPTION_CONFLUENT_COUNT,
    .make = make_confluent,
    .encode = avro_encode_value,
    .decode = avro_decode_value,
    .ask = avro_ask,
    .free = avro_free,
};
const ConverterClass avro_converter_apicurio_class = {
    .name = "io.apicurio.registry.utils.converter.AvroConverter",
    .options = avro_option_apicurio,
    .option_count = AVRO_OPTION_APICURIO_COUNT,
    .make = make_apicurio,
    .encode = avro_encode_value,
    .decode = avro_decode_value,
    .ask = avro_ask,
    .free = avro_free,
};
