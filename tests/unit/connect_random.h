/* connect_random.h - schemas and values of Connect's model from a seed, for tests that hold for all of them.
 */
#ifndef TESTS_CONNECT_RANDOM_H
#define TESTS_CONNECT_RANDOM_H

#include <string.h>

#include "test.h"

#include "base/arena.h"
#include "base/rng.h"
#include "record/connect_schema.h"
#include "record/record.h"

static inline Value random_value(Rng *rng, const ConnectSchema *s, Arena *a);

static inline Str random_text(Rng *rng, Arena *a) {
    static const char *const pieces[] = {
        "a", "Ünï", "\"", "\\", "/", "\n", "\x01", "\x7f", "€", "😀", " long enough for words "};
    Buf b = {0};
    for (uint64_t i = rng_below(rng, 8); i > 0; i--)
        buf_cstr(&b, pieces[rng_below(rng, sizeof pieces / sizeof *pieces)]);
    if (rng_chance(rng, 5)) buf_u8(&b, 0);
    Str s = arena_str(a, buf_view(&b));
    buf_done(&b);
    return s;
}

/* Owned. */
static inline const ConnectSchema *random_schema(Rng *rng, unsigned depth, Arena *a) {
    ConnectType type = (ConnectType)rng_below(rng, depth > 3 ? CONNECT_ARRAY : CONNECT_STRUCT + 1);
    ConnectSchema spec = {.type = type, .is_optional = rng_chance(rng, 60)};
    ConnectField fields[6];
    ConnectParam params[2];
    if (rng_chance(rng, 30)) spec.name = random_text(rng, a);
    if (rng_chance(rng, 30)) spec.version = (int32_t)rng_below(rng, 9);
    if (rng_chance(rng, 10)) spec.doc = random_text(rng, a);
    if (rng_chance(rng, 20)) {
        params[0] = (ConnectParam){STR_LIT("one"), random_text(rng, a)};
        params[1] = (ConnectParam){STR_LIT("two \""), random_text(rng, a)};
        spec.params = params;
        spec.param_count = 2;
    }
    if (type == CONNECT_BYTES && rng_chance(rng, 50)) {
        spec.name = str_from(CONNECT_DECIMAL);
        params[0] =
            (ConnectParam){STR_LIT("scale"), str_from(arena_printf(a, "%d", (int)rng_below(rng, 12)))};
        spec.params = params;
        spec.param_count = 1;
    }
    if (type == CONNECT_STRUCT) {
        spec.fields = fields;
        spec.field_count = (size_t)rng_below(rng, 6);
        for (size_t i = 0; i < spec.field_count; i++)
            fields[i] = (ConnectField){str_from(arena_printf(a, "f%zu \"%u", i, depth)),
                                       random_schema(rng, depth + 1, a)};
    }
    if (type == CONNECT_MAP) spec.key = random_schema(rng, depth + (rng_chance(rng, 70) ? 9 : 1), a);
    if (type == CONNECT_MAP || type == CONNECT_ARRAY) spec.value = random_schema(rng, depth + 1, a);
    const ConnectSchema *s = NULL, *with_default = NULL;
    Err e = {0};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    for (size_t i = 0; i < spec.field_count; i++) connect_schema_unref(fields[i].schema);
    connect_schema_unref(spec.key);
    connect_schema_unref(spec.value);
    if (type >= CONNECT_ARRAY || !rng_chance(rng, 15)) return s;
    spec.has_default = true;
    do spec.default_value = random_value(rng, s, a);
    while (value_is_null(&spec.default_value));
    if (!connect_schema_new(&spec, &with_default, &e)) fail_msg("%s", e.msg);
    connect_schema_unref(s);
    return with_default;
}

static inline Value random_number(Rng *rng, ConnectType type) {
    int bits = type == CONNECT_INT8 ? 8 : type == CONNECT_INT16 ? 16 : type == CONNECT_INT32 ? 32 : 64;
    int64_t v = (int64_t)rng_u64(rng) >> (64 - bits);
    return value_int(rng_chance(rng, 50) ? v : v % 100);
}

/* As a Decimal has them, and as bytes may be: as few as the number takes. */
static inline Value random_bytes(Rng *rng, const ConnectSchema *s, Arena *a) {
    bool is_decimal = connect_schema_is(s, CONNECT_DECIMAL);
    uint32_t n = (uint32_t)rng_below(rng, is_decimal ? 12 : 40) + is_decimal;
    char *p = arena_bytes(a, n + 1);
    for (uint32_t i = 0; i < n; i++) p[i] = (char)rng_u64(rng);
    while (is_decimal && n > 1 && (p[0] == 0 || p[0] == -1) && ((p[0] ^ p[1]) & 0x80) == 0) p++, n--;
    return value_bytes(p, n);
}

static inline Value random_floating(Rng *rng, bool is_float) {
    double d = (double)(int64_t)rng_u64(rng) / 1e7;
    if (rng_chance(rng, 50)) d = (double)((int64_t)rng_below(rng, 100000) - 50000) / 100;
    return value_double(is_float ? (double)(float)d : d);
}

static inline Value random_value(Rng *rng, const ConnectSchema *s, Arena *a) {
    if (s->is_optional && !s->has_default && rng_chance(rng, 20)) return value_null();
    switch (s->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64: return random_number(rng, s->type);
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return random_floating(rng, s->type == CONNECT_FLOAT32);
    case CONNECT_BOOLEAN: return value_int(rng_chance(rng, 50));
    case CONNECT_STRING: {
        Str text = random_text(rng, a);
        return value_bytes(text.p, (uint32_t)text.n);
    }
    case CONNECT_BYTES: return random_bytes(rng, s, a);
    case CONNECT_STRUCT: {
        Value *fields = ARENA_ARRAY(a, Value, s->field_count + 1);
        for (size_t i = 0; i < s->field_count; i++) fields[i] = random_value(rng, s->fields[i].schema, a);
        return record_struct(fields, s->field_count);
    }
    case CONNECT_ARRAY:
    case CONNECT_MAP: break;
    }
    size_t n = (size_t)rng_below(rng, 4), each = s->type == CONNECT_MAP ? 2 : 1;
    Value *items = ARENA_ARRAY(a, Value, n * each + 1);
    for (size_t i = 0; i < n * each; i++) {
        bool is_key = each == 2 && i % 2 == 0;
        do items[i] = random_value(rng, is_key ? s->key : s->value, a);
        while (is_key && value_is_null(&items[i]));
    }
    return record_struct(items, n);
}

#endif
