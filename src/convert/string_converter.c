#include "convert/string_converter.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf.h"
#include "convert/json_text.h"

typedef struct StringConverter {
    Converter base;              /* first */
    const ConnectSchema *schema; /* of what is read */
} StringConverter;

static const char *const ENCODINGS[] = {"UTF-8", "UTF8", NULL};

static const OptionDef options[] = {
    {.key = "converter.encoding",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "UTF-8",
     .values = ENCODINGS,
     .help = "the texts' encoding; there is no other"},
    OPTION_NO_SENSE_ROW("converter.type", OPTION_STRING, "key.converter and value.converter say it",
                        .help = "whether it is for keys or values"),
};

static bool put_text(const ConnectSchema *s, const Value *v, Buf *out, Err *e);

/* Fields that are null are left out. */
static bool put_struct(const ConnectSchema *s, const Value *v, Buf *out, Err *e) {
    bool is_first = true;
    buf_cstr(out, "Struct{");
    for (size_t i = 0; i < s->field_count; i++) {
        const Value *field = record_field(v, i);
        if (value_is_null(field)) continue;
        if (!is_first) buf_u8(out, ',');
        is_first = false;
        buf_str(out, s->fields[i].name);
        buf_u8(out, '=');
        if (!put_text(s->fields[i].schema, field, out, e))
            return err_wrap(e, "field " STR_FMT, STR_ARG(s->fields[i].name));
    }
    buf_u8(out, '}');
    return true;
}

static bool put_items(const ConnectSchema *s, const Value *v, Buf *out, Err *e) {
    bool is_map = s->type == CONNECT_MAP;
    buf_u8(out, is_map ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0) buf_cstr(out, ", ");
        if (is_map && !put_text(s->key, record_field(v, 2 * i), out, e)) return false;
        if (is_map) buf_u8(out, '=');
        if (!put_text(s->value, record_field(v, is_map ? 2 * i + 1 : i), out, e)) return false;
    }
    buf_u8(out, is_map ? '}' : ']');
    return true;
}

static bool put_decimal(const ConnectSchema *s, const Value *v, Buf *out, Err *e) {
    int64_t scale;
    return str_to_i64(connect_schema_param(s, CONNECT_PARAM_SCALE), -10000, 10000, &scale, e) &&
           json_text_decimal(out, value_str(v), (int)scale, e);
}

static bool put_text(const ConnectSchema *s, const Value *v, Buf *out, Err *e) {
    if (value_is_null(v)) {
        buf_cstr(out, "null");
        return true;
    }
    bool is_date = connect_schema_is(s, CONNECT_DATE) || connect_schema_is(s, CONNECT_TIME) ||
                   connect_schema_is(s, CONNECT_TIMESTAMP);
    switch (s->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64:
        if (is_date) break;
        json_text_int(out, v->v.i);
        return true;
    case CONNECT_FLOAT32: json_text_float(out, (float)v->v.d); return true;
    case CONNECT_FLOAT64: json_text_double(out, v->v.d); return true;
    case CONNECT_BOOLEAN: buf_cstr(out, v->v.i ? "true" : "false"); return true;
    case CONNECT_STRING: buf_str(out, value_str(v)); return true;
    case CONNECT_STRUCT: return put_struct(s, v, out, e);
    case CONNECT_ARRAY:
    case CONNECT_MAP: return put_items(s, v, out, e);
    case CONNECT_BYTES:
        if (connect_schema_is(s, CONNECT_DECIMAL)) return put_decimal(s, v, out, e);
        break;
    }
    return err_set(e, ERR_DATA, false, "StringConverter has no text for Connect's type %s%s" STR_FMT,
                   connect_type_name(s->type), s->name.n ? " " : "", STR_ARG(s->name));
}

static bool encode(Converter *c, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                   bool *ret_is_null, Err *e) {
    (void)c;
    *ret_is_null = value_is_null(v);
    if (*ret_is_null) return true;
    if (!schema) {
        buf_str(out, value_str(v));
        return true;
    }
    if (put_text(schema, v, out, e)) return true;
    e->code = ERR_DATA;
    return err_wrap(e, "topic " STR_FMT, STR_ARG(topic));
}

static bool decode(Converter *base, Str topic, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                   Value *ret, Err *e) {
    const StringConverter *c = (const StringConverter *)base;
    if (!bytes.p) {
        *ret_schema = NULL;
        *ret = value_null();
        return true;
    }
    if (bytes.n > UINT32_MAX || !utf_valid8(bytes))
        return err_set(e, ERR_DATA, false, "topic " STR_FMT ": its text isn't UTF-8", STR_ARG(topic));
    record_batch_hold_schema(into, c->schema);
    *ret_schema = c->schema;
    *ret = value_bytes(bytes.p, (uint32_t)bytes.n);
    return true;
}

static bool make(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret, Err *e) {
    (void)spec, (void)o, (void)warnings, (void)e;
    StringConverter *c = x_calloc(1, sizeof *c);
    c->schema = connect_schema_plain(CONNECT_STRING, /* is_optional= */ true);
    *ret = &c->base;
    return true;
}

static void string_free(Converter *base) {
    StringConverter *c = (StringConverter *)base;
    connect_schema_unref(c->schema);
    free(c);
}

const ConverterClass string_converter_class = {.name = "org.apache.kafka.connect.storage.StringConverter",
                                               .options = options,
                                               .option_count = sizeof options / sizeof *options,
                                               .make = make,
                                               .encode = encode,
                                               .decode = decode,
                                               .free = string_free};
