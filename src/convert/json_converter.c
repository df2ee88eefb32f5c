/*
 * The schema makes nine tenths of a record's bytes, and they are the same in each record of a table. Writing,
 * the text in front of the payload is made once for a schema and copied. Reading, the bytes in front of the
 * payload are compared with those seen lately; only where none fits is the object taken apart, and its schema
 * looked for by its text, parsed if that is new. What is kept is bounded in number and in bytes; a full cache
 * is emptied.
 */
#include "convert/json_converter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "base/utf.h"
#include "convert/json_decode.h"
#include "convert/json_encode.h"
#include "convert/json_text.h"

enum { RECENT = 8, LEAST_CACHE = 16, MAX_SCHEMA_BYTES = 4 * 1024 * 1024 };

/* A schema that was written or read. */
typedef struct Entry {
    const JsonPlan *plan; /* owned; its schema is the entry's */
    Buf prefix;           /* {"schema":…,"payload": */
} Entry;

typedef struct Cache {
    StrMap *entries; /* Entry, owned */
    size_t bytes;    /* of entries, about */
} Cache;

typedef struct JsonConverter {
    Converter base; /* first */
    JsonRules rules;
    bool is_key, has_schemas;
    size_t cache_size;
    Cache written;               /* by a schema's address */
    const Entry *last;           /* of those */
    Cache read;                  /* by a schema's text */
    const Entry *recent[RECENT]; /* of those */
    size_t recent_at;
    Cache guessed; /* by names and types of a key without a schema */
    Buf guess;
} JsonConverter;

static const char *const DECIMAL_FORMATS[] = {"BASE64", "NUMERIC", NULL};

static const OptionDef options[] = {
    {.key = "schemas.enable",
     .type = OPTION_BOOL,
     .importance = OPTION_HIGH,
     .standard = "true",
     .help = "whether each record carries its schema beside its payload. A sink needs it: without, nothing "
             "tells the "
             "columns' types"},
    {.key = "schemas.cache.size",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "1000",
     .min = 0,
     .max = INT32_MAX,
     .unit = "schemas",
     .help = "how many schemas are kept ready for writing, and how many for reading; at least 16"},
    {.key = "decimal.format",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "BASE64",
     .values = DECIMAL_FORMATS,
     .help = "how decimals are written: the unscaled number's bytes as base64, or a number; both are read"},
    {.key = "replace.null.with.default",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "null in a field whose schema has a default becomes the default"},
    OPTION_NO_SENSE_ROW("converter.type", OPTION_STRING, "key.converter and value.converter say it",
                        .help = "whether it is for keys or values"),
};

/* ---- schemas that are kept ---- */

static void entry_free(Entry *entry) {
    if (!entry) return;
    json_plan_free(entry->plan);
    buf_done(&entry->prefix);
    free(entry);
}

static void cache_done(Cache *cache) {
    size_t at = 0;
    Str key;
    void *entry;
    while (strmap_next(cache->entries, &at, &key, &entry)) entry_free(entry);
    cache->entries = strmap_free(cache->entries);
    cache->bytes = 0;
}

static void cache_init(Cache *cache) {
    *cache = (Cache){.entries = strmap_new(/* ignore_case= */ false)};
}

/* Entries are moved to it. true: those before were forgotten. */
static bool cache_add(const JsonConverter *c, Cache *cache, Str key, Entry *entry) {
    size_t bytes = json_plan_bytes(entry->plan) + entry->prefix.cap + key.n;
    bool is_full =
        cache->bytes + bytes > CONVERTER_CACHE_BYTES || strmap_count(cache->entries) >= c->cache_size;
    if (is_full) {
        cache_done(cache);
        cache_init(cache);
    }
    cache->bytes += bytes;
    strmap_set(cache->entries, key, entry);
    return is_full;
}

static Entry *entry_new(const JsonConverter *c, const ConnectSchema *schema, Str schema_text, Err *e) {
    Entry *entry = x_calloc(1, sizeof *entry);
    entry->plan = json_plan_new(schema, &c->rules);
    buf_cstr(&entry->prefix, "{\"schema\":");
    bool ok = true;
    if (schema_text.p) buf_str(&entry->prefix, schema_text);
    else ok = json_encode_schema(entry->plan, (Str){NULL, 0}, &entry->prefix, e);
    buf_cstr(&entry->prefix, ",\"payload\":");
    if (ok) return entry;
    entry_free(entry);
    return NULL;
}

/* Entries hold their schema, so no other has its address. */
static const Entry *entry_to_write(JsonConverter *c, const ConnectSchema *schema, Err *e) {
    if (c->last && c->last->plan->schema == schema) return c->last;
    const Str address = {(const char *)&schema, sizeof(ConnectSchema *)};
    Entry *entry = strmap_get(c->written.entries, address);
    if (!entry) {
        entry = entry_new(c, schema, (Str){NULL, 0}, e);
        if (!entry) return NULL;
        (void)cache_add(c, &c->written, address, entry);
    }
    return c->last = entry;
}

/* ---- writing ---- */

static bool put_payload(JsonConverter *c, const ConnectSchema *schema, const Value *v, Buf *out, Err *e) {
    const Entry *entry = entry_to_write(c, schema, e);
    if (!entry) return false;
    if (c->has_schemas) buf_str(out, buf_view(&entry->prefix));
    return json_encode(entry->plan, v, out, e);
}

static bool encode(Converter *base, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                   bool *ret_is_null, Err *e) {
    JsonConverter *c = (JsonConverter *)base;
    *ret_is_null = !schema && value_is_null(v);
    if (*ret_is_null) return true;
    if (schema) {
        if (!put_payload(c, schema, v, out, e)) return err_wrap(e, "topic " STR_FMT, STR_ARG(topic));
    } else {
        if (c->has_schemas) buf_cstr(out, "{\"schema\":null,\"payload\":");
        json_text_string(out, value_str(v));
    }
    if (c->has_schemas) buf_u8(out, '}');
    return true;
}

/* ---- reading ---- */

static const Entry *by_prefix(const JsonConverter *c, Str bytes) {
    for (size_t i = 0; i < RECENT; i++) {
        const Entry *entry = c->recent[i];
        if (!entry) return NULL;
        if (bytes.n > entry->prefix.n && memcmp(bytes.p, entry->prefix.p, entry->prefix.n) == 0) return entry;
    }
    return NULL;
}

/* The entry of a schema's text, which isn't null. */
static const Entry *entry_to_read(JsonConverter *c, Str text, Err *e) {
    const ConnectSchema *schema = NULL;
    Entry *entry = strmap_get(c->read.entries, text);
    if (!entry) {
        if (text.n > MAX_SCHEMA_BYTES) {
            err_set(e, ERR_DATA, false, "its schema has %zu bytes; at most %d are read", text.n,
                    MAX_SCHEMA_BYTES);
            return NULL;
        }
        if (!json_decode_schema(text, &c->rules, &schema, e)) return NULL;
        entry = entry_new(c, schema, text, e);
        connect_schema_unref(schema);
        if (!entry) return NULL;
        if (cache_add(c, &c->read, text, entry)) {
            memset(c->recent, 0, sizeof c->recent);
            c->recent_at = 0;
        }
    }
    for (size_t i = 0; i < RECENT; i++)
        if (c->recent[i] == entry) return entry;
    c->recent[c->recent_at++ % RECENT] = entry;
    return entry;
}

static bool bad(Err *e, const char *why) {
    return err_set(e, ERR_DATA, false, "JSON that can't be read: %s", why);
}

static bool bad_envelope(Err *e) {
    return err_set(
        e, ERR_DATA, false,
        "it isn't an object of \"schema\" and \"payload\" alone, as JsonConverter with schemas.enable=true "
        "reads; if it was written without schemas: a sink needs them, so let the producer use "
        "schemas.enable=true, or Avro");
}

/* {"schema":…,"payload":…} in any order and with any blanks. */
static bool take_apart(Str bytes, Arena *a, Str *ret_schema, Str *ret_payload, Err *e) {
    JsonReader r = json_reader_over(bytes);
    size_t count = 0;
    *ret_schema = *ret_payload = (Str){NULL, 0};
    if (json_reader_peek(&r) != '{') {
        Str any;
        return json_reader_skip(&r, &any) && json_reader_end(&r) ? bad_envelope(e) : bad(e, r.why);
    }
    (void)json_reader_take(&r, '{');
    for (bool is_first = true; json_reader_next(&r, '}', &is_first); count++) {
        Str name, value;
        if (!json_reader_name(&r, a, &name) || !json_reader_skip(&r, &value)) break;
        if (str_eq_c(name, "schema")) *ret_schema = value;
        if (str_eq_c(name, "payload")) *ret_payload = value;
    }
    if (r.why || !json_reader_end(&r)) return bad(e, r.why);
    return (count == 2 && ret_schema->p && ret_payload->p) || bad_envelope(e);
}

static bool decode_with(const Entry *entry, JsonReader *r, bool is_in_object, RecordBatch *into,
                        const ConnectSchema **ret_schema, Value *ret, Err *e) {
    if (!json_decode(entry->plan, r, &into->arena, ret, e)) return false;
    if ((is_in_object && !json_reader_expect(r, '}')) || !json_reader_end(r)) return bad(e, r->why);
    record_batch_hold_schema(into, entry->plan->schema);
    *ret_schema = entry->plan->schema;
    return true;
}

/* ---- reading without a schema ---- */

static const char *guess_of(JsonReader *r, Arena *a, Value *ret) {
    Str text;
    bool is_whole, truth;
    int64_t number;
    *ret = value_null();
    switch (json_reader_peek(r)) {
    case '"':
        if (!json_reader_string(r, a, &text)) return NULL;
        *ret = value_bytes(text.p, (uint32_t)text.n);
        return "string";
    case 't':
    case 'f':
        if (!json_reader_bool(r, &truth)) return NULL;
        *ret = value_int(truth);
        return "boolean";
    case 'n':
        return json_reader_take_null(r) ? "string" : (json_reader_fail(r, "a value was expected"), NULL);
    default: break;
    }
    JsonReader again = *r;
    if (!json_reader_number(r, &text, &is_whole)) return NULL;
    if (is_whole && json_reader_int(&again, INT64_MIN, INT64_MAX, &number)) {
        *ret = value_int(number);
        return "int64";
    }
    CLEANUP_FREE char *copy = str_dup(text);
    double d = strtod(copy, NULL);
    if (d - d != 0) return json_reader_fail(r, "a number is out of range"), NULL;
    *ret = value_double(d);
    return "double";
}

/* The schema whose fields are what c->guess says: text of a JSON schema. */
static const ConnectSchema *guessed_schema(JsonConverter *c, Err *e) {
    Str text = buf_view(&c->guess);
    Entry *entry = strmap_get(c->guessed.entries, text);
    const ConnectSchema *schema = NULL;
    if (entry) return entry->plan->schema;
    if (!json_decode_schema(text, &c->rules, &schema, e)) return NULL;
    entry = entry_new(c, schema, text, e);
    connect_schema_unref(schema);
    if (!entry) return NULL;
    (void)cache_add(c, &c->guessed, text, entry);
    return schema;
}

static bool guess_object(JsonConverter *c, JsonReader *r, Arena *a, Value *ret) {
    enum { MOST_FIELDS = 64 };
    Value *fields = ARENA_ARRAY(a, Value, MOST_FIELDS);
    size_t count = 0;
    (void)json_reader_take(r, '{');
    buf_cstr(&c->guess, "{\"type\":\"struct\",\"optional\":true,\"fields\":[");
    for (bool is_first = true; json_reader_next(r, '}', &is_first); count++) {
        Str name;
        if (count == MOST_FIELDS) return json_reader_fail(r, "a key without a schema has too many fields");
        if (!json_reader_name(r, a, &name)) return false;
        const char *type = guess_of(r, a, &fields[count]);
        if (!type) return false;
        buf_printf(&c->guess, "%s{\"type\":\"%s\",\"optional\":true,\"field\":", count ? "," : "", type);
        json_text_string(&c->guess, name);
        buf_u8(&c->guess, '}');
    }
    buf_cstr(&c->guess, "]}");
    *ret = record_struct(fields, count);
    return !r->why;
}

static bool decode_guessing(JsonConverter *c, Str payload, RecordBatch *into,
                            const ConnectSchema **ret_schema, Value *ret, Err *e) {
    JsonReader r = json_reader_over(payload);
    buf_clear(&c->guess);
    if (json_reader_peek(&r) == '{') {
        (void)guess_object(c, &r, &into->arena, ret);
    } else {
        const char *type = guess_of(&r, &into->arena, ret);
        if (type) buf_printf(&c->guess, "{\"type\":\"%s\",\"optional\":true}", type);
    }
    if (r.why || !json_reader_end(&r)) return bad(e, r.why);
    if (value_is_null(ret)) return true;
    *ret_schema = guessed_schema(c, e);
    if (!*ret_schema) return false;
    record_batch_hold_schema(into, *ret_schema);
    return true;
}

static bool decode_plain(JsonConverter *c, Str payload, RecordBatch *into, const ConnectSchema **ret_schema,
                         Value *ret, Err *e) {
    JsonReader r = json_reader_over(payload);
    Str any;
    if (c->is_key) return decode_guessing(c, payload, into, ret_schema, ret, e);
    *ret = value_null();
    if (!json_reader_skip(&r, &any) || !json_reader_end(&r)) return bad(e, r.why);
    if (str_eq_c(any, "null")) return true;
    return err_set(
        e, ERR_DATA, false,
        "a value without a schema can't become a row, since nothing tells its columns' types: let the "
        "producer and this converter use schemas.enable=true, or Avro");
}

static bool decode_bytes(JsonConverter *c, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                         Value *ret, Err *e) {
    if (str_starts(bytes, STR_LIT("\xEF\xBB\xBF")))
        bytes = str_sub(bytes, 3, bytes.n); /* a BOM, as Jackson */
    const Entry *entry = c->has_schemas ? by_prefix(c, bytes) : NULL;
    /* what equals a prefix was checked when that was read */
    if (!utf_valid8(entry ? str_sub(bytes, entry->prefix.n, bytes.n) : bytes))
        return bad(e, "it isn't UTF-8");
    if (entry) {
        JsonReader r = json_reader_over(str_sub(bytes, entry->prefix.n, bytes.n));
        return decode_with(entry, &r, /* is_in_object= */ true, into, ret_schema, ret, e);
    }
    if (!c->has_schemas) return decode_plain(c, bytes, into, ret_schema, ret, e);
    Str schema, payload;
    if (!take_apart(bytes, &into->arena, &schema, &payload, e)) return false;
    if (str_eq_c(schema, "null")) return decode_plain(c, payload, into, ret_schema, ret, e);
    entry = entry_to_read(c, schema, e);
    if (!entry) return false;
    JsonReader r = json_reader_over(payload);
    return decode_with(entry, &r, /* is_in_object= */ false, into, ret_schema, ret, e);
}

static bool decode(Converter *base, Str topic, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                   Value *ret, Err *e) {
    const ConnectSchema *schema = NULL;
    Value v = value_null();
    if (bytes.n > UINT32_MAX) return err_set(e, ERR_DATA, false, "a record of more than 4 GiB");
    if (bytes.p && !decode_bytes((JsonConverter *)base, bytes, into, &schema, &v, e))
        return err_wrap(e, "topic " STR_FMT, STR_ARG(topic));
    *ret_schema = schema;
    *ret = v;
    return true;
}

/* ---- the class ---- */

static bool make(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret, Err *e) {
    (void)warnings, (void)e;
    JsonConverter *c = x_calloc(1, sizeof *c);
    c->is_key = spec->is_key;
    c->has_schemas = options_bool(o, "schemas.enable");
    c->rules = (JsonRules){.is_numeric = options_enum(o, "decimal.format") == 1,
                           .fills_defaults = options_bool(o, "replace.null.with.default")};
    int64_t size = options_int(o, "schemas.cache.size");
    c->cache_size = size < LEAST_CACHE ? LEAST_CACHE : (size_t)size;
    cache_init(&c->written);
    cache_init(&c->read);
    cache_init(&c->guessed);
    *ret = &c->base;
    return true;
}

static void json_free(Converter *base) {
    JsonConverter *c = (JsonConverter *)base;
    cache_done(&c->written);
    cache_done(&c->read);
    cache_done(&c->guessed);
    buf_done(&c->guess);
    free(c);
}

const ConverterClass json_converter_class = {.name = "org.apache.kafka.connect.json.JsonConverter",
                                             .options = options,
                                             .option_count = sizeof options / sizeof *options,
                                             .make = make,
                                             .encode = encode,
                                             .decode = decode,
                                             .free = json_free};
