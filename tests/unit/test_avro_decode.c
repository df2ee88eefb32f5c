/*
 * Decoding, and a property that holds both plans against libavro: random schemas of all kinds, random values
 * that libavro makes and writes; what the decoder reads is compared with libavro's value, and what the
 * encoder makes of it with libavro's bytes.
 */
#include "convert/avro_decode.h"

#include <avro.h>
#include <stdio.h>

#include "avro_rig.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "convert/avro_encode.h"
#include "convert/avro_from_connect.h"
#include "convert/avro_to_connect.h"

enum { MAX_BYTES = 256 * 1024 };

/* ---- a random schema ---- */

typedef struct Gen {
    Rng rng;
    Buf json;
    unsigned names;
} Gen;

static void gen_type(Gen *g, unsigned depth, bool in_union);

static void gen_record(Gen *g, unsigned depth) {
    uint64_t fields = 1 + rng_below(&g->rng, depth ? 5 : 2); /* libavro has no list of empty records */
    buf_printf(&g->json, "{\"type\":\"record\",\"name\":\"r%u\",%s\"fields\":[", g->names++,
               rng_chance(&g->rng, 30) ? "\"namespace\":\"a.b\"," : "");
    for (uint64_t i = 0; i < fields; i++) {
        buf_printf(&g->json, "%s{\"name\":\"f%d\",\"type\":", i ? "," : "", (int)i);
        gen_type(g, depth ? depth - 1 : 0, false);
        buf_cstr(&g->json, "}");
    }
    buf_cstr(&g->json, "]}");
}

static void gen_union(Gen *g, unsigned depth) {
    static const char *const plain[] = {"\"boolean\"", "\"int\"",   "\"long\"",  "\"float\"",
                                        "\"double\"",  "\"bytes\"", "\"string\""};
    if (rng_chance(&g->rng, 60)) { /* the usual one */
        bool is_last = rng_chance(&g->rng, 50);
        buf_cstr(&g->json, is_last ? "[" : "[\"null\",");
        gen_type(g, depth, true);
        buf_cstr(&g->json, is_last ? ",\"null\"]" : "]");
        return;
    }
    uint64_t from = rng_below(&g->rng, 4), count = 1 + rng_below(&g->rng, 3);
    buf_cstr(&g->json, "[");
    for (uint64_t i = from; i < from + count; i++)
        buf_printf(&g->json, "%s%s", i > from ? "," : "", plain[i]);
    if (rng_chance(&g->rng, 50)) buf_cstr(&g->json, ",\"null\"");
    if (depth && rng_chance(&g->rng, 50)) {
        buf_cstr(&g->json, ",");
        gen_record(g, depth - 1);
    }
    buf_cstr(&g->json, "]");
}

static void gen_named(Gen *g) {
    if (rng_chance(&g->rng, 50))
        buf_printf(&g->json, "{\"type\":\"enum\",\"name\":\"e%u\",\"symbols\":[\"A\",\"B\",\"C\"]}",
                   g->names++);
    else
        buf_printf(&g->json, "{\"type\":\"fixed\",\"name\":\"x%u\",\"size\":%d}", g->names++,
                   1 + (int)rng_below(&g->rng, 20));
}

static void gen_type(Gen *g, unsigned depth, bool in_union) {
    static const char *const plain[] = {
        "\"boolean\"", "\"int\"",   "\"long\"",   "\"float\"",
        "\"double\"",  "\"bytes\"", "\"string\"", "{\"type\":\"int\",\"connect.type\":\"int16\"}"};
    uint64_t pick = rng_below(&g->rng, depth ? 14 : 9);
    if (pick < 8) buf_cstr(&g->json, plain[pick]);
    else if (pick == 8) gen_named(g);
    else if (pick == 9 || (pick > 11 && in_union)) {
        buf_cstr(&g->json, "{\"type\":\"array\",\"items\":");
        gen_type(g, depth - 1, false);
        buf_cstr(&g->json, "}");
    } else if (pick == 10) {
        buf_cstr(&g->json, "{\"type\":\"map\",\"values\":");
        gen_type(g, depth - 1, false);
        buf_cstr(&g->json, "}");
    } else if (pick == 11) gen_record(g, depth - 1);
    else gen_union(g, depth - 1);
}

/* ---- libavro's value of it ---- */

static void fill(Rng *rng, avro_value_t *v, bool is_small);

static void fill_bytes(Rng *rng, avro_value_t *v, bool is_text) {
    char text[40];
    size_t n = (is_text ? 0 : 1) + (size_t)rng_below(rng, sizeof text - 2); /* libavro can't set no bytes */
    for (size_t i = 0; i < n; i++) text[i] = is_text ? (char)('a' + rng_below(rng, 26)) : (char)rng_u64(rng);
    text[n] = 0;
    if (is_text) assert_int_equal(avro_value_set_string_len(v, text, n + 1), 0);
    else assert_int_equal(avro_value_set_bytes(v, text, n), 0);
}

static int64_t any_number(Rng *rng) {
    return (int64_t)rng_u64(rng) >> rng_below(rng, 64);
}

static void fill_items(Rng *rng, avro_value_t *v, bool is_map) {
    uint64_t count = rng_below(rng, 5);
    for (uint64_t i = 0; i < count; i++) {
        avro_value_t item;
        char key[24];
        (void)snprintf(key, sizeof key, "k%d", (int)i);
        if (is_map) assert_int_equal(avro_value_add(v, key, &item, NULL, NULL), 0);
        else assert_int_equal(avro_value_append(v, &item, NULL), 0);
        fill(rng, &item, false);
    }
}

static void fill_fields(Rng *rng, avro_value_t *v) {
    size_t count = 0;
    assert_int_equal(avro_value_get_size(v, &count), 0);
    for (size_t i = 0; i < count; i++) {
        avro_value_t field;
        assert_int_equal(avro_value_get_by_index(v, i, &field, NULL), 0);
        /* a small number where Connect's type is smaller than Avro's */
        avro_schema_t s = avro_value_get_schema(&field);
        fill(rng, &field, avro_typeof(s) == AVRO_INT32);
    }
}

static void fill(Rng *rng, avro_value_t *v, bool is_small) {
    switch (avro_value_get_type(v)) {
    case AVRO_BOOLEAN: avro_value_set_boolean(v, rng_chance(rng, 50)); break;
    case AVRO_INT32:
        avro_value_set_int(v, is_small ? (int16_t)any_number(rng) : (int16_t)(any_number(rng) >> 3));
        break;
    case AVRO_INT64: avro_value_set_long(v, any_number(rng)); break;
    case AVRO_FLOAT: avro_value_set_float(v, (float)any_number(rng) / 3); break;
    case AVRO_DOUBLE: avro_value_set_double(v, (double)any_number(rng) / 3); break;
    case AVRO_NULL: avro_value_set_null(v); break;
    case AVRO_BYTES: fill_bytes(rng, v, false); break;
    case AVRO_STRING: fill_bytes(rng, v, true); break;
    case AVRO_ENUM: avro_value_set_enum(v, (int)rng_below(rng, 3)); break;
    case AVRO_FIXED: {
        unsigned char bytes[32];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)rng_u64(rng);
        size_t n = (size_t)avro_schema_fixed_size(avro_value_get_schema(v));
        assert_int_equal(avro_value_set_fixed(v, bytes, n), 0);
        break;
    }
    case AVRO_ARRAY: fill_items(rng, v, false); break;
    case AVRO_MAP: fill_items(rng, v, true); break;
    case AVRO_RECORD: fill_fields(rng, v); break;
    case AVRO_UNION: {
        avro_value_t branch;
        size_t count = avro_schema_union_size(avro_value_get_schema(v));
        assert_int_equal(avro_value_set_branch(v, (int)rng_below(rng, count), &branch), 0);
        fill(rng, &branch, false);
        break;
    }
    default: fail_msg("a type that isn't generated");
    }
}

/* ---- the same value? ---- */

static void same(avro_value_t *a, const AvroType *t, const Value *v);

static void same_text(const void *p, size_t n, const Value *v) {
    assert_int_equal(n, v->n);
    assert_memory_equal(p, n ? v->v.p : "", n);
}

static void same_items(avro_value_t *a, const AvroType *t, const Value *v) {
    size_t count = 0, width = t->kind == AVRO_KIND_MAP ? 2 : 1;
    assert_int_equal(avro_value_get_size(a, &count), 0);
    assert_int_equal(count, v->n);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        const char *key = NULL;
        assert_int_equal(avro_value_get_by_index(a, i, &item, &key), 0);
        if (width == 2) same_text(key, strlen(key), record_field(v, 2 * i));
        same(&item, t->items, record_field(v, i * width + width - 1));
    }
}

static void same_union(avro_value_t *a, const AvroType *t, const Value *v) {
    avro_value_t branch;
    unsigned null_at = 0;
    int at = 0;
    assert_int_equal(avro_value_get_discriminant(a, &at), 0);
    assert_int_equal(avro_value_get_current_branch(a, &branch), 0);
    if (t->branches[at]->kind == AVRO_KIND_NULL) {
        assert_true(value_is_null(v));
    } else if (t->count == 1 || avro_type_nullable(t, &null_at)) {
        same(&branch, t->branches[at], v);
    } else { /* a struct in which its field is set */
        size_t field = 0;
        for (int i = 0; i < at; i++) field += t->branches[i]->kind != AVRO_KIND_NULL;
        for (size_t i = 0; i < v->n; i++) assert_int_equal(value_is_null(record_field(v, i)), i != field);
        same(&branch, t->branches[at], record_field(v, field));
    }
}

static void same(avro_value_t *a, const AvroType *t, const Value *v) {
    const void *p = NULL;
    const char *text = NULL;
    size_t n = 0;
    int i = 0;
    int64_t l = 0;
    float f = 0;
    double d = 0;
    switch (t->kind) {
    case AVRO_KIND_BOOLEAN:
        avro_value_get_boolean(a, &i);
        assert_int_equal(!!i, v->v.i);
        break;
    case AVRO_KIND_INT:
        avro_value_get_int(a, &i);
        assert_int_equal(i, v->v.i);
        break;
    case AVRO_KIND_LONG:
        avro_value_get_long(a, &l);
        assert_true(l == v->v.i);
        break;
    case AVRO_KIND_FLOAT:
        avro_value_get_float(a, &f);
        assert_true((double)f == v->v.d);
        break;
    case AVRO_KIND_DOUBLE:
        avro_value_get_double(a, &d);
        assert_true(d == v->v.d);
        break;
    case AVRO_KIND_BYTES:
        avro_value_get_bytes(a, &p, &n);
        same_text(p, n, v);
        break;
    case AVRO_KIND_STRING:
        avro_value_get_string(a, &text, &n);
        same_text(text, n - 1, v);
        break;
    case AVRO_KIND_FIXED:
        avro_value_get_fixed(a, &p, &n);
        same_text(p, n, v);
        break;
    case AVRO_KIND_ENUM:
        avro_value_get_enum(a, &i);
        same_text(t->symbols[i].p, t->symbols[i].n, v);
        break;
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP: same_items(a, t, v); break;
    case AVRO_KIND_UNION: same_union(a, t, v); break;
    case AVRO_KIND_RECORD:
        assert_int_equal(v->n, t->count);
        for (size_t k = 0; k < t->count; k++) {
            avro_value_t field;
            assert_int_equal(avro_value_get_by_index(a, k, &field, NULL), 0);
            same(&field, t->fields[k].type, record_field(v, k));
        }
        break;
    case AVRO_KIND_NULL: fail_msg("null alone");
    }
}

/* ---- the property ---- */

typedef struct Ours {
    AvroSchema *avro;
    const ConnectSchema *connect;
    AvroDecoder *decoder;
    AvroEncoder *encoder;
} Ours;

static void ours_make(Ours *o, Str json) {
    Err e = {0};
    if (!avro_type_parse(&json, 1, &o->avro, &e) || !avro_to_connect(o->avro, true, &o->connect, &e) ||
        !avro_decode_plan(o->avro, &o->decoder, &e) ||
        !avro_encode_plan(o->connect, o->avro, false, &o->encoder, &e))
        fail_msg("%s: %.*s", e.msg, (int)json.n, json.p);
}

static void ours_free(Ours *o) {
    avro_encode_free(o->encoder);
    avro_decode_free(o->decoder);
    connect_schema_unref(o->connect);
    avro_type_free(o->avro);
}

static void hold(Gen *g, const Ours *o, avro_value_t *value, char *bytes, Arena *a) {
    Err e = {0};
    avro_writer_t writer = avro_writer_memory(bytes, MAX_BYTES);
    assert_int_equal(avro_value_write(writer, value), 0);
    Str theirs = {bytes, (size_t)avro_writer_tell(writer)};
    avro_writer_free(writer);
    Value v;
    if (!avro_decode(o->decoder, theirs, a, &v, &e)) fail_msg("%s: %s", e.msg, buf_text(&g->json));
    same(value, avro_type_root(o->avro), &v);
    CLEANUP(buf_done) Buf out = {0};
    if (!avro_encode(o->encoder, &v, &out, &e)) fail_msg("%s: %s", e.msg, buf_text(&g->json));
    if (!str_eq(buf_view(&out), theirs)) fail_msg("other bytes: %s", buf_text(&g->json));
    if (theirs.n == 0) return;
    theirs.n = (size_t)rng_below(&g->rng, theirs.n); /* cut off: refused, or a value that is shorter */
    if (!avro_decode(o->decoder, theirs, a, &v, &e)) assert_int_equal(e.code, ERR_DATA);
    else fail_msg("cut at %zu and taken: %s", theirs.n, buf_text(&g->json));
}

static void plans_read_and_write_what_libavro_does(void **state) {
    (void)state;
    CLEANUP_FREE char *bytes = x_malloc(MAX_BYTES);
    Arena a = {0};
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        Gen g = {0};
        rng_seed(&g.rng, seed);
        gen_type(&g, 1 + (unsigned)(seed % 4), false);
        Ours o = {0};
        ours_make(&o, buf_view(&g.json));
        avro_schema_t schema;
        if (avro_schema_from_json_length((const char *)g.json.p, g.json.n, &schema))
            fail_msg("libavro: %s: %s", avro_strerror(), buf_text(&g.json));
        avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
        avro_value_t value;
        assert_int_equal(avro_generic_value_new(iface, &value), 0);
        for (int i = 0; i < 20; i++) {
            avro_value_reset(&value);
            fill(&g.rng, &value, true);
            hold(&g, &o, &value, bytes, &a);
            arena_clear(&a);
        }
        avro_value_decref(&value);
        avro_value_iface_decref(iface);
        avro_schema_decref(schema);
        ours_free(&o);
        buf_done(&g.json);
    }
    arena_done(&a);
}

/* ---- bytes of anybody ---- */

static void refused(const char *json, Str bytes, const char *why) {
    AvroSchema *s = rig_parse(json);
    AvroDecoder *d = NULL;
    Err e = {0};
    Arena a = {0};
    assert_true(avro_decode_plan(s, &d, &e));
    Value v;
    if (avro_decode(d, bytes, &a, &v, &e)) fail_msg("taken as %s", json);
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    if (!strstr(e.msg, why)) fail_msg("%s", e.msg);
    arena_done(&a);
    avro_decode_free(d);
    avro_type_free(s);
}

static void bytes_of_another_shape_are_refused_with_their_place(void **state) {
    (void)state;
    refused("\"int\"", (Str){NULL, 0}, "cut off at byte 0 of 0");
    refused("\"int\"", STR_LIT("\x80\x80\x80\x80\x80\x01"), "longer than 32 bits");
    refused("\"long\"", STR_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "longer than 64 bits");
    refused("\"long\"", STR_LIT("\x02\x02"), "ends before the bytes do: at byte 1 of 2");
    refused("\"boolean\"", STR_LIT("\x02"), "no truth value");
    refused("\"string\"",
            STR_LIT("\x08"
                    "abc"),
            "past the end");
    refused("\"string\"", STR_LIT("\x01"), "past the end");
    refused("\"string\"", STR_LIT("\x02\xff"), "isn't UTF-8");
    refused("\"double\"", STR_LIT("\x02\x02"), "cut off");
    refused("[\"null\",\"int\"]", STR_LIT("\x04"), "no such branch");
    refused("[\"int\",\"string\",\"null\"]", STR_LIT("\x01"), "no such branch");
    refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", STR_LIT("\x02"), "no such symbol");
    refused("{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", STR_LIT("ab"), "cut off");
}

static void counts_past_all_measure_take_no_memory(void **state) {
    (void)state;
    static const char list[] = "{\"type\":\"array\",\"items\":\"int\"}";
    static const char empties[] =
        "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}}";
    refused(list, STR_LIT("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "more items than bytes");
    refused(list, STR_LIT("\x01\x08\x02"), "past the end");
    refused(list, STR_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), "none");
    refused(empties, STR_LIT("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "too many");
    refused(empties, STR_LIT("\x80\x80\x80\x01\x80\x80\x80\x01\x00"),
            "more values than"); /* a million, twice */
}

static void blocks_of_a_list_are_joined(void **state) {
    (void)state;
    AvroSchema *s = rig_parse("{\"type\":\"array\",\"items\":\"int\"}");
    AvroDecoder *d = NULL;
    Err e = {0};
    Arena a = {0};
    Value v;
    assert_true(avro_decode_plan(s, &d, &e));
    /* two items; then one, with the size of its block before it */
    assert_true(avro_decode(d, STR_LIT("\x04\x02\x04\x01\x02\x06\x00"), &a, &v, &e));
    assert_int_equal(v.n, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(record_field(&v, i)->v.i, i + 1);
    arena_done(&a);
    avro_decode_free(d);
    avro_type_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_read_and_write_what_libavro_does),
        cmocka_unit_test(bytes_of_another_shape_are_refused_with_their_place),
        cmocka_unit_test(counts_past_all_measure_take_no_memory),
        cmocka_unit_test(blocks_of_a_list_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
