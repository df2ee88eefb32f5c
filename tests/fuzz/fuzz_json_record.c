/*
 * fuzz_json_record.c - records of topics as libFuzzer makes them up, through JsonConverter and into changes
 * of rows. The first byte picks the settings; what follows is the value. What is read is written again and
 * must then read the same; sanitizers watch the rest.
 *
 *   clang -fsanitize=fuzzer,address,undefined … && ./fuzz_json_record -max_total_time=60 corpus/
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "convert/change_maker.h"
#include "convert/json_converter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Str topic = {"a.b.c.d", 7};

static Converter *converter(bool is_key, bool has_schemas, bool is_numeric) {
    Props *props = props_new();
    Converter *c = NULL;
    Err e = {0};
    props_set(props, "schemas.enable", str_from(has_schemas ? "true" : "false"), "f", 1);
    props_set(props, "decimal.format", str_from(is_numeric ? "NUMERIC" : "BASE64"), "f", 1);
    const ConverterSpec spec = {str_from(json_converter_class.name), is_key, props, "", NULL};
    bool ok = converter_new_of(&json_converter_class, &spec, &c, &e);
    assert(ok);
    (void)props_free(props);
    return c;
}

static void check_change(const Record *r, const ChangeRules *rules) {
    ChangeMaker *m = change_maker_new(rules);
    CLEANUP(arena_done) Arena a = {0};
    for (int i = 0; i < 2; i++) {
        MadeChange made;
        Err e = {0};
        if (!change_maker_make(m, r, &a, &made, &e)) {
            assert(e.code == ERR_DATA && e.msg[0]);
            continue;
        }
        if (made.skip) continue;
        const Change *c = &made.change;
        assert(c->schema && (c->op == OP_DELETE ? !c->after && c->before : c->after != NULL));
        for (size_t k = 0; k < c->schema->key_count; k++) assert(!value_is_absent(change_key(c, k)));
    }
    (void)change_maker_free(m);
}

/* Written again it reads the same, but for decimals as numbers: some have none, or have more bytes than need
 * be. */
static void check_again(Converter *c, const ConnectSchema *schema, const Value *v, bool is_numeric,
                        RecordBatch *b) {
    CLEANUP(buf_done) Buf out = {0};
    const ConnectSchema *read = NULL;
    Value again;
    bool is_null = false;
    Err e = {0};
    if (!converter_encode(c, topic, schema, v, &out, &is_null, &e)) return;
    bool ok = converter_decode(c, topic, is_null ? (Str){NULL, 0} : buf_view(&out), b, &read, &again, &e);
    assert(ok || is_numeric);
    if (ok && schema && read && !is_numeric) assert(connect_schema_equal(schema, read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    static const ChangeKeyMode modes[] = {CHANGE_KEY_NONE, CHANGE_KEY_RECORD_KEY, CHANGE_KEY_RECORD_VALUE,
                                          CHANGE_KEY_KAFKA};
    uint8_t bits = data[0];
    Str text = {(const char *)data + 1, size - 1};
    Converter *c = converter(bits & 1, bits & 2, bits & 4);
    RecordBatch *b = record_batch_new();
    Record r = {.topic = topic, .raw_value = text, .key = value_null(), .value = value_null()};
    Err e = {0};
    for (int i = 0; i < 2; i++) { /* the second time by what is kept of the first */
        if (!converter_decode(c, topic, text, b, &r.value_schema, &r.value, &e)) {
            assert(e.code == ERR_DATA && e.msg[0]);
            r.value = value_null();
            r.value_schema = NULL;
            continue;
        }
        check_again(c, r.value_schema, &r.value, bits & 4, b);
    }
    if (bits & 8) {
        r.key = r.value;
        r.key_schema = r.value_schema;
    }
    const ChangeRules rules = {.key_mode = modes[bits >> 4 & 3],
                               .may_delete = bits & 64 && modes[bits >> 4 & 3] == CHANGE_KEY_RECORD_KEY,
                               .names_from_source = bits & 128};
    check_change(&r, &rules);
    (void)converter_free(c);
    (void)record_batch_free(b);
    return 0;
}
