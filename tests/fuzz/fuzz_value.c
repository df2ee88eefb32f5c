/*
 * fuzz_value.c - libFuzzer: the decoders of SQL Server's own value forms. The first byte says which:
 * geometry, geography, hierarchyid, sql_variant, or a text of a time. What a decoder takes must keep its
 * promises: EWKB begins with its byte order, a path gives the bytes that it came from or their shortest form,
 * JSON is an object.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record/civil.h"
#include "record/hierarchy.h"
#include "sqlserver/spatial.h"
#include "sqlserver/sqlvariant.h"

static void spatial(Str bytes, bool is_geography) {
    Buf out = {0};
    bool is_null;
    Err e;
    if (spatial_ewkb(bytes, is_geography, &out, &is_null, &e)) {
        assert(is_null || (out.n >= 9 && out.p[0] == 1));
        assert(out.n <= 4 * bytes.n + 64);
    }
    buf_done(&out);
}

static void hierarchy(Str bytes) {
    Buf path = {0}, back = {0}, again = {0};
    Err e;
    if (hierarchy_path(bytes, &path, &e)) {
        assert(hierarchy_bytes(buf_view(&path), &back, &e));
        assert(hierarchy_path(buf_view(&back), &again, &e));
        assert(str_eq(buf_view(&path), buf_view(&again)));
    }
    buf_clear(&back);
    if (hierarchy_bytes(bytes, &back, &e)) {
        buf_clear(&again);
        assert(hierarchy_path(buf_view(&back), &again, &e));
    }
    buf_done(&path);
    buf_done(&back);
    buf_done(&again);
}

static void variant(Str text) {
    Buf json = {0};
    Err e;
    if (sqlvariant_json(text, &json, &e)) assert(json.n > 2 && json.p[0] == '{' && json.p[json.n - 1] == '}');
    buf_done(&json);
}

static void civil(Str text) {
    CivilText t;
    if (civil_parse(text, &t)) assert(t.has_date || t.has_time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return -1;
    Str input = {(const char *)data + 1, size - 1};
    switch (data[0] % 5) {
    case 0: spatial(input, /* is_geography= */ false); break;
    case 1: spatial(input, /* is_geography= */ true); break;
    case 2: hierarchy(input); break;
    case 3: variant(input); break;
    default: civil(input); break;
    }
    return 0;
}
