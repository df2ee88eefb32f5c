#include "convert/json_encode.h"

#include "convert/json_text.h"
#include "record/record.h"

static bool put_null(const JsonPlan *p, Buf *out, Err *e) {
    const ConnectSchema *s = p->schema;
    if (p->rules->fills_defaults && s->has_default && !value_is_null(&s->default_value))
        return json_encode(p, &s->default_value, out, e);
    if (!s->is_optional)
        return err_set(e, ERR_DATA, false,
                       "null where the schema (%s%s" STR_FMT ") is neither optional nor has a default",
                       connect_type_name(s->type), s->name.n ? " " : "", STR_ARG(s->name));
    buf_add(out, "null", 4);
    return true;
}

static bool put_struct(const JsonPlan *p, const Value *v, Buf *out, Err *e) {
    if (p->schema->field_count == 0) buf_u8(out, '{');
    for (size_t i = 0; i < p->schema->field_count; i++) {
        buf_add(out, p->labels[i].p - 1, p->labels[i].n + 1);
        if (json_encode(&p->fields[i], record_field(v, i), out, e)) continue;
        return err_wrap(e, "field " STR_FMT, STR_ARG(p->schema->fields[i].name));
    }
    buf_u8(out, '}');
    return true;
}

static bool put_array(const JsonPlan *p, const Value *v, Buf *out, Err *e) {
    buf_u8(out, '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0) buf_u8(out, ',');
        if (!json_encode(p->value, record_field(v, i), out, e)) return false;
    }
    buf_u8(out, ']');
    return true;
}

static bool put_map(const JsonPlan *p, const Value *v, Buf *out, Err *e) {
    bool is_object = p->kind == JSON_KIND_OBJECT;
    buf_u8(out, is_object ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        const Value *key = record_field(v, 2 * i);
        if (i > 0) buf_u8(out, ',');
        if (is_object && value_is_null(key)) return err_set(e, ERR_DATA, false, "a map's key is null");
        if (!is_object) buf_u8(out, '[');
        if (!json_encode(p->key, key, out, e)) return false;
        buf_u8(out, is_object ? ':' : ',');
        if (!json_encode(p->value, record_field(v, 2 * i + 1), out, e)) return false;
        if (!is_object) buf_u8(out, ']');
    }
    buf_u8(out, is_object ? '}' : ']');
    return true;
}

static void put_base64(const Value *v, Buf *out) {
    buf_u8(out, '"');
    json_text_base64(out, value_str(v));
    buf_u8(out, '"');
}

/* What isn't a number is a text. */
static void put_floating(double v, bool is_float, Buf *out) {
    bool is_finite = v - v == 0;
    if (!is_finite) buf_u8(out, '"');
    if (is_float) json_text_float(out, (float)v);
    else json_text_double(out, v);
    if (!is_finite) buf_u8(out, '"');
}

bool json_encode(const JsonPlan *p, const Value *v, Buf *out, Err *e) {
    if (value_is_null(v) || value_is_absent(v)) return put_null(p, out, e);
    switch (p->kind) {
    case JSON_KIND_INT: json_text_int(out, v->v.i); return true;
    case JSON_KIND_BOOLEAN: buf_cstr(out, v->v.i ? "true" : "false"); return true;
    case JSON_KIND_FLOAT: put_floating(v->v.d, /* is_float= */ true, out); return true;
    case JSON_KIND_DOUBLE: put_floating(v->v.d, /* is_float= */ false, out); return true;
    case JSON_KIND_TEXT: json_text_string(out, value_str(v)); return true;
    case JSON_KIND_BASE64: put_base64(v, out); return true;
    case JSON_KIND_DECIMAL:
        if (p->rules->is_numeric) return json_text_decimal(out, value_str(v), p->scale, e);
        put_base64(v, out);
        return true;
    case JSON_KIND_STRUCT: return put_struct(p, v, out, e);
    case JSON_KIND_ARRAY: return put_array(p, v, out, e);
    case JSON_KIND_OBJECT:
    case JSON_KIND_PAIRS: return put_map(p, v, out, e);
    }
    return false;
}

/* ---- schemas ---- */

static void put_member(const char *label, Str text, Buf *out) {
    buf_cstr(out, label);
    json_text_string(out, text);
}

static bool put_inner(const JsonPlan *p, Buf *out, Err *e) {
    const Str none = {NULL, 0};
    switch (p->kind) {
    case JSON_KIND_STRUCT:
        buf_cstr(out, ",\"fields\":[");
        for (size_t i = 0; i < p->schema->field_count; i++) {
            if (i > 0) buf_u8(out, ',');
            if (!json_encode_schema(&p->fields[i], p->schema->fields[i].name, out, e)) return false;
        }
        buf_u8(out, ']');
        return true;
    case JSON_KIND_ARRAY: buf_cstr(out, ",\"items\":"); return json_encode_schema(p->value, none, out, e);
    case JSON_KIND_OBJECT:
    case JSON_KIND_PAIRS:
        buf_cstr(out, ",\"keys\":");
        if (!json_encode_schema(p->key, none, out, e)) return false;
        buf_cstr(out, ",\"values\":");
        return json_encode_schema(p->value, none, out, e);
    default: return true;
    }
}

static void put_params(const ConnectSchema *s, Buf *out) {
    if (s->param_count == 0) return;
    buf_cstr(out, ",\"parameters\":{");
    for (size_t i = 0; i < s->param_count; i++) {
        if (i > 0) buf_u8(out, ',');
        json_text_string(out, s->params[i].name);
        put_member(":", s->params[i].value, out);
    }
    buf_u8(out, '}');
}

bool json_encode_schema(const JsonPlan *p, Str field, Buf *out, Err *e) {
    const ConnectSchema *s = p->schema;
    const char *type = p->kind == JSON_KIND_FLOAT    ? "float"
                       : p->kind == JSON_KIND_DOUBLE ? "double"
                                                     : connect_type_name(s->type);
    put_member("{\"type\":", str_from(type), out);
    if (!put_inner(p, out, e)) return false;
    buf_cstr(out, s->is_optional ? ",\"optional\":true" : ",\"optional\":false");
    if (s->name.n > 0) put_member(",\"name\":", s->name, out);
    if (s->version != 0) {
        buf_cstr(out, ",\"version\":");
        json_text_int(out, s->version);
    }
    if (s->doc.n > 0) put_member(",\"doc\":", s->doc, out);
    put_params(s, out);
    if (s->has_default && !value_is_null(&s->default_value)) {
        buf_cstr(out, ",\"default\":");
        if (!json_encode(p, &s->default_value, out, e)) return false;
    }
    if (field.p) put_member(",\"field\":", field, out);
    buf_u8(out, '}');
    return true;
}
