/* connect_text.h - Connect schemas and values as JSON text, for tests that hold exact shapes: the forms of
 * Kafka's JsonConverter (schemas.enable=true and false), bytes as hex. */
#ifndef TESTS_CONNECT_TEXT_H
#define TESTS_CONNECT_TEXT_H

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "record/record.h"

static inline void connect_text_str(Str s, Buf *out) {
    buf_u8(out, '"');
    buf_str(out, s);
    buf_u8(out, '"');
}

static inline void connect_text_value(const ConnectSchema *s, const Value *v, Buf *out) {
    if (value_is_null(v)) {
        buf_cstr(out, "null");
        return;
    }
    const Value *inner = (const Value *)(const void *)v->v.p;
    switch (s->type) {
    case CONNECT_BOOLEAN: buf_cstr(out, v->v.i ? "true" : "false"); return;
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: buf_printf(out, "%.17g", v->v.d); return;
    case CONNECT_STRING: connect_text_str(value_str(v), out); return;
    case CONNECT_BYTES:
        buf_cstr(out, "x'");
        for (uint32_t i = 0; i < v->n; i++) buf_printf(out, "%02x", (uint8_t)v->v.p[i]);
        buf_u8(out, '\'');
        return;
    case CONNECT_STRUCT:
        for (uint32_t i = 0; i < v->n; i++) {
            buf_cstr(out, i ? "," : "{");
            connect_text_str(s->fields[i].name, out);
            buf_u8(out, ':');
            connect_text_value(s->fields[i].schema, &inner[i], out);
        }
        buf_u8(out, '}');
        return;
    case CONNECT_ARRAY:
        buf_u8(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i) buf_u8(out, ',');
            connect_text_value(s->value, &inner[i], out);
        }
        buf_u8(out, ']');
        return;
    default: buf_printf(out, "%" PRId64, v->v.i);
    }
}

static inline void connect_text_schema(const ConnectSchema *s, Str field, Buf *out) {
    buf_printf(out, "{\"type\":\"%s\"", connect_type_name(s->type));
    if (s->type == CONNECT_STRUCT) {
        buf_cstr(out, ",\"fields\":[");
        for (size_t i = 0; i < s->field_count; i++) {
            if (i) buf_u8(out, ',');
            connect_text_schema(s->fields[i].schema, s->fields[i].name, out);
        }
        buf_u8(out, ']');
    }
    if (s->type == CONNECT_ARRAY) {
        buf_cstr(out, ",\"items\":");
        connect_text_schema(s->value, (Str){NULL, 0}, out);
    }
    buf_printf(out, ",\"optional\":%s", s->is_optional ? "true" : "false");
    if (s->name.n) {
        buf_cstr(out, ",\"name\":");
        connect_text_str(s->name, out);
    }
    if (s->version) buf_printf(out, ",\"version\":%d", (int)s->version);
    for (size_t i = 0; i < s->param_count; i++) {
        buf_cstr(out, i ? "," : ",\"parameters\":{");
        connect_text_str(s->params[i].name, out);
        buf_u8(out, ':');
        connect_text_str(s->params[i].value, out);
    }
    if (s->param_count) buf_u8(out, '}');
    if (s->has_default) {
        buf_cstr(out, ",\"default\":");
        connect_text_value(s, &s->default_value, out);
    }
    if (field.n) {
        buf_cstr(out, ",\"field\":");
        connect_text_str(field, out);
    }
    buf_u8(out, '}');
}

/* Both compared with what is expected; single quotes stand for double ones in `want`, but for those of x''.
 */
static inline void connect_text_expect(Buf *got, const char *want) {
    Buf wanted = {0};
    for (const char *p = want; *p; p++) {
        if (p[0] == 'x' && p[1] == '\'') { /* bytes: keep their quotes */
            const char *end = strchr(p + 2, '\'');
            buf_add(&wanted, p, (size_t)(end - p) + 1);
            p = end;
        } else {
            buf_u8(&wanted, *p == '\'' ? '"' : (uint8_t)*p);
        }
    }
    assert_string_equal(buf_text(got), buf_text(&wanted));
    buf_done(&wanted);
}
static inline void connect_text_expect_value(const ConnectSchema *s, const Value *v, const char *want) {
    Buf got = {0};
    connect_text_value(s, v, &got);
    connect_text_expect(&got, want);
    buf_done(&got);
}
static inline void connect_text_expect_schema(const ConnectSchema *s, const char *want) {
    Buf got = {0};
    connect_text_schema(s, (Str){NULL, 0}, &got);
    connect_text_expect(&got, want);
    buf_done(&got);
}

#endif
