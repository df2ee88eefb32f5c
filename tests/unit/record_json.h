/*
 * record_json.h - records from and to JSON, for tests: what goes into a transform and what comes out, with
 * schemas, in one notation. Single quotes stand for double ones in json_of, so that tests read well.
 *
 *   record  {"topic", "key_schema", "key", "value_schema", "value", "headers": [[name, schema, value]…],
 *            "timestamp", "partition", "offset"}, what isn't there left out; a dropped one is null
 *   schema  "int32", "int32?" (optional), or {"t": type, "opt", "n": name, "v": version, "doc",
 *            "p": {parameters}, "def": default, "f": [[name, schema]…], "k": of keys, "e": of elements}
 *   value   numbers, true, texts; bytes in hexadecimal; a struct is an object, a map an array of pairs
 */
#ifndef TESTS_RECORD_JSON_H
#define TESTS_RECORD_JSON_H

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/record.h"

static inline json_t *json_of(const char *text) {
    CLEANUP_FREE char *copy = x_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'') *p = '"';
    json_error_t e;
    json_t *ret = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (!ret) (void)fprintf(stderr, "not JSON (%s at %d): %s\n", e.text, e.position, copy);
    assert(ret);
    return ret;
}

static inline Str json_str(const json_t *j) {
    return j ? (Str){json_string_value(j), json_string_length(j)} : (Str){0};
}

/* ---- from JSON ---- */

static Value value_from_json(const ConnectSchema *s, const json_t *j, Arena *a);

static inline Value bytes_from_json(const json_t *j, Arena *a) {
    Str hex = json_str(j);
    char *p = arena_bytes(a, hex.n / 2 + 1);
    for (size_t i = 0; i < hex.n / 2; i++) {
        char two[3] = {hex.p[2 * i], hex.p[2 * i + 1], '\0'};
        p[i] = (char)strtol(two, NULL, 16);
    }
    return value_bytes(p, (uint32_t)(hex.n / 2));
}

static inline double double_from_json(const json_t *j) {
    if (!json_is_string(j)) return json_number_value(j);
    return strtod(json_string_value(j), NULL);
}

static inline Value rows_from_json(const ConnectSchema *s, const json_t *j, Arena *a) {
    size_t n = s->type == CONNECT_STRUCT ? s->field_count : json_array_size(j);
    size_t count = s->type == CONNECT_MAP ? 2 * n : n;
    Value *row = ARENA_ARRAY(a, Value, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (s->type == CONNECT_STRUCT) {
            Str name = s->fields[i].name;
            CLEANUP_FREE char *key = x_strndup(name.p, name.n);
            row[i] = value_from_json(s->fields[i].schema, json_object_get(j, key), a);
        } else if (s->type == CONNECT_MAP)
            row[i] = value_from_json(i % 2 ? s->value : s->key,
                                     json_array_get(json_array_get(j, i / 2), i % 2), a);
        else row[i] = value_from_json(s->value, json_array_get(j, i), a);
    }
    return record_struct(row, n);
}

static Value value_from_json(const ConnectSchema *s, const json_t *j, Arena *a) {
    if (!j || json_is_null(j)) return value_null();
    ConnectType type = s ? s->type : CONNECT_STRING;
    switch (type) {
    case CONNECT_FLOAT32: return value_double((double)(float)double_from_json(j));
    case CONNECT_FLOAT64: return value_double(double_from_json(j));
    case CONNECT_BOOLEAN: return value_int(json_is_true(j));
    case CONNECT_STRING: {
        Str text = arena_str(a, json_str(j));
        return value_bytes(text.p, (uint32_t)text.n);
    }
    case CONNECT_BYTES: return bytes_from_json(j, a);
    case CONNECT_ARRAY:
    case CONNECT_MAP:
    case CONNECT_STRUCT: return rows_from_json(s, j, a);
    default: return value_int(json_integer_value(j));
    }
}

static const ConnectSchema *schema_from_json(const json_t *j); /* owned */

static inline void inner_from_json(const json_t *j, ConnectSchema *spec, ConnectField *fields) {
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(j, "f"), i, pair) {
        fields[i] =
            (ConnectField){json_str(json_array_get(pair, 0)), schema_from_json(json_array_get(pair, 1))};
        spec->field_count = i + 1;
    }
    spec->fields = fields;
    if (json_object_get(j, "k")) spec->key = schema_from_json(json_object_get(j, "k"));
    if (json_object_get(j, "e")) spec->value = schema_from_json(json_object_get(j, "e"));
}

static const ConnectSchema *schema_from_json(const json_t *j) {
    const ConnectSchema *ret = NULL;
    Err e = {0};
    Arena a = {0};
    ConnectSchema spec = {0};
    ConnectParam params[16];
    ConnectField *fields = x_calloc(json_array_size(json_object_get(j, "f")) + 1, sizeof *fields);
    Str type = json_is_string(j) ? json_str(j) : json_str(json_object_get(j, "t"));
    spec.is_optional = json_is_true(json_object_get(j, "opt"));
    if (str_ends(type, STR_LIT("?"))) {
        type.n--;
        spec.is_optional = true;
    }
    bool is_type = connect_type_by_name(type, &spec.type);
    assert(is_type);
    (void)is_type;
    spec.name = json_str(json_object_get(j, "n"));
    spec.doc = json_str(json_object_get(j, "doc"));
    spec.version = (int32_t)json_integer_value(json_object_get(j, "v"));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(j, "p"), key, value) params[spec.param_count++] =
        (ConnectParam){str_from(key), json_str(value)};
    spec.params = params;
    inner_from_json(j, &spec, fields);
    spec.has_default = json_object_get(j, "def") != NULL;
    if (spec.has_default) spec.default_value = value_from_json(&spec, json_object_get(j, "def"), &a);
    bool ok = connect_schema_new(&spec, &ret, &e);
    if (!ok) (void)fprintf(stderr, "schema: %s\n", e.msg);
    assert(ok);
    for (size_t i = 0; i < spec.field_count; i++) connect_schema_unref(fields[i].schema);
    connect_schema_unref(spec.key);
    connect_schema_unref(spec.value);
    free(fields);
    arena_done(&a);
    return ret;
}

static inline const ConnectSchema *held_schema(const json_t *j, RecordBatch *b) {
    if (!j) return NULL;
    const ConnectSchema *s = schema_from_json(j);
    record_batch_hold_schema(b, s);
    connect_schema_unref(s);
    return s;
}

static inline int64_t json_or(const json_t *j, const char *key, int64_t otherwise) {
    const json_t *v = json_object_get(j, key);
    return v ? json_integer_value(v) : otherwise;
}

static inline Record *record_from_json(const json_t *j, RecordBatch *b) {
    Record *r = record_batch_add(b);
    r->topic = arena_str(&b->arena, json_str(json_object_get(j, "topic")));
    r->key_schema = held_schema(json_object_get(j, "key_schema"), b);
    r->key = value_from_json(r->key_schema, json_object_get(j, "key"), &b->arena);
    r->value_schema = held_schema(json_object_get(j, "value_schema"), b);
    r->value = value_from_json(r->value_schema, json_object_get(j, "value"), &b->arena);
    r->timestamp_ms = json_or(j, "timestamp", -1);
    r->partition = (int32_t)json_or(j, "partition", -1);
    r->offset = json_or(j, "offset", -1);
    size_t i;
    json_t *h;
    json_array_foreach(json_object_get(j, "headers"), i, h) {
        const json_t *schema = json_array_get(h, 1);
        RecordHeader header = {.key = arena_str(&b->arena, json_str(json_array_get(h, 0)))};
        header.schema = json_is_null(schema) ? NULL : held_schema(schema, b);
        header.value = value_from_json(header.schema, json_array_get(h, 2), &b->arena);
        record_add_header(b, r, header);
    }
    return r;
}

/* ---- to JSON ---- */

static json_t *value_to_json(const ConnectSchema *s, const Value *v);

static inline json_t *hex_to_json(Str s) {
    CLEANUP_FREE char *hex = x_malloc(2 * s.n + 1);
    hex[0] = '\0';
    for (size_t i = 0; i < s.n; i++) (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned char)s.p[i]);
    return json_string(hex);
}

static inline json_t *double_to_json(double d) {
    if (isfinite(d)) return json_real(d);
    return json_string(isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
}

static inline json_t *rows_to_json(const ConnectSchema *s, const Value *v) {
    json_t *ret = s->type == CONNECT_STRUCT ? json_object() : json_array();
    for (size_t i = 0; i < (s->type == CONNECT_STRUCT ? s->field_count : v->n); i++) {
        if (s->type == CONNECT_STRUCT) {
            Str name = s->fields[i].name;
            CLEANUP_FREE char *key = x_strndup(name.p, name.n);
            (void)json_object_set_new(ret, key, value_to_json(s->fields[i].schema, record_field(v, i)));
        } else if (s->type == CONNECT_MAP) {
            json_t *pair = json_array();
            (void)json_array_append_new(pair, value_to_json(s->key, record_field(v, 2 * i)));
            (void)json_array_append_new(pair, value_to_json(s->value, record_field(v, 2 * i + 1)));
            (void)json_array_append_new(ret, pair);
        } else (void)json_array_append_new(ret, value_to_json(s->value, record_field(v, i)));
    }
    return ret;
}

static json_t *value_to_json(const ConnectSchema *s, const Value *v) {
    if (value_is_null(v)) return json_null();
    switch (s ? s->type : CONNECT_STRING) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return double_to_json(v->v.d);
    case CONNECT_BOOLEAN: return json_boolean(v->v.i);
    case CONNECT_STRING: return json_stringn(v->n ? v->v.p : "", v->n);
    case CONNECT_BYTES: return hex_to_json(value_str(v));
    case CONNECT_ARRAY:
    case CONNECT_MAP:
    case CONNECT_STRUCT: return rows_to_json(s, v);
    default: return json_integer(v->v.i);
    }
}

static inline json_t *text_to_json(Str s) {
    return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *schema_to_json(const ConnectSchema *s);

static inline void details_to_json(const ConnectSchema *s, json_t *ret) {
    if (s->name.n) (void)json_object_set_new(ret, "n", text_to_json(s->name));
    if (s->version) (void)json_object_set_new(ret, "v", json_integer(s->version));
    if (s->doc.n) (void)json_object_set_new(ret, "doc", text_to_json(s->doc));
    if (s->has_default && !value_is_null(&s->default_value))
        (void)json_object_set_new(ret, "def", value_to_json(s, &s->default_value));
    json_t *params = json_object();
    for (size_t i = 0; i < s->param_count; i++) {
        CLEANUP_FREE char *key = x_strndup(s->params[i].name.p, s->params[i].name.n);
        (void)json_object_set_new(params, key, text_to_json(s->params[i].value));
    }
    if (s->param_count) (void)json_object_set(ret, "p", params);
    json_decref(params);
    if (s->key) (void)json_object_set_new(ret, "k", schema_to_json(s->key));
    if (s->value) (void)json_object_set_new(ret, "e", schema_to_json(s->value));
}

static json_t *schema_to_json(const ConnectSchema *s) {
    char type[24];
    (void)snprintf(type, sizeof type, "%s%s", connect_type_name(s->type), s->is_optional ? "?" : "");
    json_t *ret = json_object();
    (void)json_object_set_new(ret, "t", json_string(type));
    details_to_json(s, ret);
    json_t *fields = json_array();
    for (size_t i = 0; i < s->field_count; i++) {
        json_t *pair = json_array();
        (void)json_array_append_new(pair, text_to_json(s->fields[i].name));
        (void)json_array_append_new(pair, schema_to_json(s->fields[i].schema));
        (void)json_array_append_new(fields, pair);
    }
    if (s->type == CONNECT_STRUCT) (void)json_object_set(ret, "f", fields);
    json_decref(fields);
    if (json_object_size(ret) > 1) return ret;
    json_decref(ret);
    return json_string(type);
}

static inline json_t *record_to_json(const Record *r) {
    if (r->is_dropped) return json_null();
    json_t *ret = json_object();
    (void)json_object_set_new(ret, "topic", text_to_json(r->topic));
    if (r->key_schema) (void)json_object_set_new(ret, "key_schema", schema_to_json(r->key_schema));
    if (!value_is_null(&r->key)) (void)json_object_set_new(ret, "key", value_to_json(r->key_schema, &r->key));
    if (r->value_schema) (void)json_object_set_new(ret, "value_schema", schema_to_json(r->value_schema));
    if (!value_is_null(&r->value))
        (void)json_object_set_new(ret, "value", value_to_json(r->value_schema, &r->value));
    if (r->timestamp_ms >= 0) (void)json_object_set_new(ret, "timestamp", json_integer(r->timestamp_ms));
    if (r->partition >= 0) (void)json_object_set_new(ret, "partition", json_integer(r->partition));
    if (r->offset >= 0) (void)json_object_set_new(ret, "offset", json_integer(r->offset));
    json_t *headers = json_array();
    for (size_t i = 0; i < r->header_count; i++) {
        const RecordHeader *h = &r->headers[i];
        json_t *one = json_array();
        (void)json_array_append_new(one, text_to_json(h->key));
        (void)json_array_append_new(one, h->schema ? schema_to_json(h->schema) : json_null());
        (void)json_array_append_new(one, value_to_json(h->schema, &h->value));
        (void)json_array_append_new(headers, one);
    }
    if (r->header_count) (void)json_object_set(ret, "headers", headers);
    json_decref(headers);
    return ret;
}

#endif
