/*
 * fuzz_avro.c - libFuzzer: an Avro schema, a NUL, and bytes of it. What parses must become Connect's schema
 * and plans or be refused; what is read must be written as bytes that are read as the same. The text of a
 * schema that Connect's becomes must become the same schema again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "convert/avro_decode.h"
#include "convert/avro_diff.h"
#include "convert/avro_encode.h"
#include "convert/avro_from_connect.h"
#include "convert/avro_to_connect.h"
#include "record/connect_schema.h"

enum { MAX_SCHEMA = 16 * 1024, MAX_VALUES = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All of a value can be read, as its schema says. */
static size_t walk(const ConnectSchema *s, const Value *v) {
    if (value_is_null(v)) {
        assert(s->is_optional);
        return 1;
    }
    if (s->type == CONNECT_STRING || s->type == CONNECT_BYTES)
        return v->n ? (uint8_t)v->v.p[v->n - 1] % 2 : 1;
    if (s->type < CONNECT_ARRAY) return 1;
    size_t n = s->type == CONNECT_MAP ? (size_t)v->n * 2 : v->n, sum = 1;
    const Value *values = (const Value *)(const void *)v->v.p;
    assert(s->type != CONNECT_STRUCT || n == s->field_count);
    for (size_t i = 0; i < n; i++) {
        const ConnectSchema *inner = s->type == CONNECT_STRUCT              ? s->fields[i].schema
                                     : s->type == CONNECT_MAP && i % 2 == 0 ? s->key
                                                                            : s->value;
        sum += walk(inner, &values[i]);
    }
    return sum;
}

static void check_value(const ConnectSchema *s, const AvroSchema *avro, const AvroDecoder *d, Str bytes) {
    Arena a = {0};
    Value v, again;
    Err e = {0};
    AvroEncoder *encoder = NULL;
    Buf out = {0};
    if (!avro_decode(d, bytes, &a, &v, &e)) {
        assert(e.code == ERR_DATA && e.msg[0]);
    } else if (walk(s, &v) < MAX_VALUES && avro_encode_plan(s, avro, /* keeps_null= */ true, &encoder, &e)) {
        if (avro_encode(encoder, &v, &out, &e)) {
            bool ok = avro_decode(d, buf_view(&out), &a, &again, &e);
            assert(ok && connect_value_equal(s, &v, &again));
        }
    }
    avro_encode_free(encoder);
    buf_done(&out);
    arena_done(&a);
}

/* Connect's schema as text, parsed again: the same schema. Names that Avro hasn't are refused. */
static void check_text(const ConnectSchema *s) {
    Buf text = {0};
    Err e = {0};
    AvroSchema *again = NULL;
    const ConnectSchema *back = NULL;
    if (avro_from_connect(s, /* has_meta= */ true, &text, &e)) {
        Str view = buf_view(&text);
        if (avro_type_parse(&view, 1, &again, &e) && avro_to_connect(again, true, &back, &e))
            assert(back->type == s->type && back->field_count == s->field_count);
    } else {
        assert(e.code == ERR_INVALID && e.msg[0]);
    }
    connect_schema_unref(back);
    avro_type_free(again);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    Str text = {(const char *)data, end ? (size_t)(end - data) : size};
    Str bytes = {(const char *)data + (end ? text.n + 1 : size), end ? size - text.n - 1 : 0};
    AvroSchema *avro = NULL;
    const ConnectSchema *s = NULL;
    AvroDecoder *d = NULL;
    Err e = {0};
    if (text.n > MAX_SCHEMA) return 0;
    if (avro_type_parse(&text, 1, &avro, &e)) {
        Buf out = {0};
        bool differs = avro_diff(avro_type_root(avro), avro_type_root(avro), &out);
        assert(!differs);
        buf_done(&out);
        bool has_schema = avro_to_connect(avro, true, &s, &e);
        assert(has_schema || (e.code == ERR_DATA && e.msg[0]));
        if (has_schema) check_text(s);
        if (has_schema && avro_decode_plan(avro, &d, &e)) check_value(s, avro, d, bytes);
    } else {
        assert(e.code == ERR_DATA && e.msg[0]);
    }
    avro_decode_free(d);
    connect_schema_unref(s);
    avro_type_free(avro);
    return 0;
}
