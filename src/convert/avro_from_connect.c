/*
 * The text is written as Java's Schema.toString does: a type without properties is a bare word, a name that
 * was written before a reference, a namespace left out where it is the one around, properties in the order in
 * which AvroData adds them, texts escaped as Jackson does.
 */
#include "convert/avro_from_connect.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/avro_name.h"

typedef struct Seen {
    Str name;                    /* the full one */
    const ConnectSchema *schema; /* owned: not optional */
} Seen;

typedef struct Writer {
    Buf *out;
    bool has_meta;
    Seen *seen;
    size_t seen_count;
    unsigned nameless;
} Writer;

typedef struct Name {
    Str space, name; /* space p NULL = none */
} Name;

bool avro_from_connect_is_union(const ConnectSchema *s) {
    return s->type == CONNECT_STRUCT && connect_schema_is(s, AVRO_CONNECT_UNION);
}

bool avro_from_connect_is_map(const ConnectSchema *s) {
    return s->type == CONNECT_MAP && s->key->type == CONNECT_STRING && !s->key->is_optional;
}

static bool is_decimal(const ConnectSchema *s) {
    return str_eq_icase(s->name, STR_LIT(CONNECT_DECIMAL));
}

static bool is_fixed(const ConnectSchema *s) {
    return s->type == CONNECT_BYTES && s->name.n && connect_schema_param(s, AVRO_CONNECT_FIXED_SIZE).p;
}

/* ---- JSON as Jackson writes it ---- */

static void json_char(Buf *out, unsigned char c) {
    static const char shorts[] = "btn?fr"; /* from 8 */
    if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11) buf_printf(out, "\\%c", shorts[c - 8]);
    else if (c < 0x20) buf_printf(out, "\\u%04X", c);
    else buf_u8(out, c);
}

static void json_text(Buf *out, Str s) {
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) json_char(out, (unsigned char)s.p[i]);
    buf_u8(out, '"');
}

/* Bytes as the characters U+0000 … U+00FF. */
static void json_bytes(Buf *out, Str s) {
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80) {
            json_char(out, c);
        } else {
            buf_u8(out, (uint8_t)(0xC0 | c >> 6));
            buf_u8(out, (uint8_t)(0x80 | (c & 0x3F)));
        }
    }
    buf_u8(out, '"');
}

/* The shortest digits that read back as the same, as Java's Double.toString and Float.toString lay them out.
 */
static void json_double(Buf *out, double d, bool is_float) {
    if (isnan(d) || isinf(d)) {
        buf_cstr(out, isnan(d) ? "\"NaN\"" : d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    char text[40];
    for (int digits = 1; digits <= 17; digits++) { /* d.ddde±xx */
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, d);
        double back = strtod(text, NULL);
        if (is_float ? (float)back == (float)d : back == d) break;
    }
    char *mark = strchr(text, 'e');
    assert(mark);
    int exponent = (int)strtol(mark + 1, NULL, 10);
    char digits[24];
    size_t n = 0;
    for (const char *p = text; p < mark; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    if (text[0] == '-') buf_u8(out, '-');
    if (d != 0 && (exponent < -3 || exponent >= 7)) {
        buf_printf(out, "%c.%.*sE%d", digits[0], n > 1 ? (int)n - 1 : 1, n > 1 ? digits + 1 : "0", exponent);
        return;
    }
    if (exponent < 0) buf_cstr(out, "0.");
    for (int i = -1; i > exponent; i--) buf_u8(out, '0');
    for (int i = 0; i < (int)n || i <= exponent + 1; i++) {
        if (exponent >= 0 && i == exponent + 1) buf_u8(out, '.');
        if (exponent < 0 && i >= (int)n) break;
        buf_u8(out, i < (int)n ? (uint8_t)digits[i] : '0');
    }
}

static const Value *inner(const Value *v) {
    return (const Value *)(const void *)v->v.p;
}

static void json_value(Buf *out, const ConnectSchema *s, const Value *v);

static void json_map(Buf *out, const ConnectSchema *s, const Value *v) {
    bool is_map = avro_from_connect_is_map(s);
    buf_u8(out, is_map ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        buf_cstr(out, i ? (is_map ? "," : ",[") : (is_map ? "" : "["));
        json_value(out, s->key, &inner(v)[2 * i]);
        buf_u8(out, is_map ? ':' : ',');
        json_value(out, s->value, &inner(v)[2 * i + 1]);
        if (!is_map) buf_u8(out, ']');
    }
    buf_u8(out, is_map ? '}' : ']');
}

static void json_struct(Buf *out, const ConnectSchema *s, const Value *v) {
    buf_u8(out, '{');
    for (size_t i = 0; i < s->field_count; i++) {
        if (i) buf_u8(out, ',');
        json_text(out, s->fields[i].name);
        buf_u8(out, ':');
        json_value(out, s->fields[i].schema, &inner(v)[i]);
    }
    buf_u8(out, '}');
}

static void json_value(Buf *out, const ConnectSchema *s, const Value *v) {
    if (value_is_null(v)) {
        buf_cstr(out, "null");
        return;
    }
    switch (s->type) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: json_double(out, v->v.d, s->type == CONNECT_FLOAT32); return;
    case CONNECT_BOOLEAN: buf_cstr(out, v->v.i ? "true" : "false"); return;
    case CONNECT_STRING: json_text(out, value_str(v)); return;
    case CONNECT_BYTES: json_bytes(out, value_str(v)); return;
    case CONNECT_ARRAY:
        buf_u8(out, '[');
        for (size_t i = 0; i < v->n; i++) {
            if (i) buf_u8(out, ',');
            json_value(out, s->value, &inner(v)[i]);
        }
        buf_u8(out, ']');
        return;
    case CONNECT_MAP: json_map(out, s, v); return;
    case CONNECT_STRUCT: json_struct(out, s, v); return;
    default: buf_printf(out, "%lld", (long long)v->v.i); return;
    }
}

/* ---- names ---- */

static Name split(Str full) {
    size_t at = full.n;
    while (at > 0 && full.p[at - 1] != '.') at--;
    return (Name){at ? str_sub(full, 0, at - 1) : (Str){NULL, 0}, str_sub(full, at, full.n)};
}

static bool check_name(Str name, const char *what, const char *cure, Err *e) {
    if (avro_name_is_valid(name)) return true;
    return err_set(e, ERR_INVALID, false,
                   "the %s '%.*s' isn't a name in Avro (letters, digits and _, no digit first): set %s=avro",
                   what, (int)(name.n < 120 ? name.n : 120), name.p ? name.p : "", cure);
}

/* Writes a reference and says so, when the name was written before; enters it otherwise. */
static bool enter_name(Writer *w, Str full, const ConnectSchema *s, Str space, bool *ret_is_known, Err *e) {
    const ConnectSchema *plain = connect_schema_with_optional(s, false);
    *ret_is_known = false;
    for (size_t i = 0; i < w->seen_count; i++) {
        if (!str_eq(w->seen[i].name, full)) continue;
        bool is_same = connect_schema_equal(w->seen[i].schema, plain);
        connect_schema_unref(plain);
        if (!is_same)
            return err_set(e, ERR_INVALID, false,
                           "two structs named '%.*s' differ: Avro can't tell them apart",
                           (int)(full.n < 200 ? full.n : 200), full.p);
        Name name = split(full);
        json_text(w->out, str_eq(name.space, space) ? name.name : full);
        *ret_is_known = true;
        return true;
    }
    w->seen = x_reallocarray(w->seen, w->seen_count + 1, sizeof *w->seen);
    w->seen[w->seen_count++] = (Seen){full, plain};
    return true;
}

static void write_name(Writer *w, Name name, Str space) {
    buf_cstr(w->out, ",\"name\":");
    json_text(w->out, name.name);
    if (str_eq(name.space, space)) return;
    buf_cstr(w->out, ",\"namespace\":");
    json_text(w->out, name.space);
}

/* ---- types ---- */

static bool write_type(Writer *w, const ConnectSchema *s, bool ignores_optional, Str space, Err *e);

static void write_params(Writer *w, const ConnectSchema *s) {
    size_t written = 0;
    for (size_t i = 0; i < s->param_count; i++) {
        if (str_eq_c(s->params[i].name, AVRO_CONNECT_DEFAULT_FLAG)) continue;
        buf_cstr(w->out, written++ ? "," : ",\"connect.parameters\":{");
        json_text(w->out, s->params[i].name);
        buf_u8(w->out, ':');
        json_text(w->out, s->params[i].value);
    }
    if (written) buf_u8(w->out, '}');
}

static void write_meta(Writer *w, const ConnectSchema *s) {
    Buf *out = w->out;
    if (s->doc.n) {
        buf_cstr(out, ",\"connect.doc\":");
        json_text(out, s->doc);
    }
    if (s->version) buf_printf(out, ",\"connect.version\":%d", (int)s->version);
    write_params(w, s);
    if (s->has_default && !value_is_null(&s->default_value) &&
        !connect_schema_param(s, AVRO_CONNECT_DEFAULT_FLAG).p) {
        buf_cstr(out, ",\"connect.default\":");
        json_value(out, s, &s->default_value);
    }
    if (s->name.n) {
        buf_cstr(out, ",\"connect.name\":");
        json_text(out, s->name);
    }
    if (s->type == CONNECT_INT8 || s->type == CONNECT_INT16)
        buf_printf(out, ",\"connect.type\":\"%s\"", connect_type_name(s->type));
}

static int64_t number_param(const ConnectSchema *s, const char *name, int64_t otherwise) {
    Err e = {0};
    int64_t n = otherwise;
    (void)!str_to_i64(connect_schema_param(s, name), INT32_MIN, INT32_MAX, &n, &e);
    return n;
}

/* The logical type that a name of Connect's has in Avro; all but Decimal need no more than the word. */
static const char *logical_type(const ConnectSchema *s) {
    if (is_decimal(s)) return "decimal";
    if (str_eq_icase(s->name, STR_LIT(CONNECT_DATE))) return "date";
    if (str_eq_icase(s->name, STR_LIT(CONNECT_TIME))) return "time-millis";
    return str_eq_icase(s->name, STR_LIT(CONNECT_TIMESTAMP)) ? "timestamp-millis" : NULL;
}

/* What follows a type's own members: AvroData's properties, in its order. */
static void write_props(Writer *w, const ConnectSchema *s) {
    if (is_decimal(s) && s->type == CONNECT_BYTES)
        buf_printf(w->out, ",\"scale\":%lld,\"precision\":%lld",
                   (long long)number_param(s, CONNECT_PARAM_SCALE, 0),
                   (long long)number_param(s, CONNECT_PARAM_PRECISION, AVRO_CONNECT_PRECISION));
    if (w->has_meta) write_meta(w, s);
    const char *logical = logical_type(s);
    if (logical) buf_printf(w->out, ",\"logicalType\":\"%s\"", logical);
    for (size_t i = 0; i < s->param_count; i++) {
        if (!str_starts(s->params[i].name, STR_LIT("avro"))) continue;
        buf_u8(w->out, ',');
        json_text(w->out, s->params[i].name);
        buf_u8(w->out, ':');
        json_text(w->out, s->params[i].value);
    }
}

static const char *plain_word(ConnectType t) {
    switch (t) {
    case CONNECT_INT64: return "long";
    case CONNECT_FLOAT32: return "float";
    case CONNECT_FLOAT64: return "double";
    case CONNECT_BOOLEAN: return "boolean";
    case CONNECT_STRING: return "string";
    case CONNECT_BYTES: return "bytes";
    default: return "int";
    }
}

/* {"type":"int", … or, without properties, "int". */
static void write_plain(Writer *w, const ConnectSchema *s) {
    size_t start = w->out->n;
    buf_printf(w->out, "{\"type\":\"%s\"", plain_word(s->type));
    size_t bare = w->out->n;
    write_props(w, s);
    if (w->out->n == bare) {
        w->out->n = start;
        buf_printf(w->out, "\"%s\"", plain_word(s->type));
    } else {
        buf_u8(w->out, '}');
    }
}

static bool write_field(Writer *w, Str name, Str doc, const ConnectSchema *s, Str space, Err *e) {
    buf_cstr(w->out, "{\"name\":");
    json_text(w->out, name);
    buf_cstr(w->out, ",\"type\":");
    if (!write_type(w, s, false, space, e))
        return err_wrap(e, "%.*s", (int)(name.n < 100 ? name.n : 100), name.p);
    if (doc.p) {
        buf_cstr(w->out, ",\"doc\":");
        json_text(w->out, doc);
    }
    bool has_default = s->has_default && !value_is_null(&s->default_value);
    /* a default stands for a union's first type: an optional struct's is null, AvroData leaves another out */
    bool is_left_out = has_default && s->type == CONNECT_STRUCT && s->is_optional;
    if (has_default && !is_left_out) {
        buf_cstr(w->out, ",\"default\":");
        json_value(w->out, s, &s->default_value);
    } else if (s->is_optional && !is_left_out) {
        buf_cstr(w->out, ",\"default\":null");
    }
    buf_u8(w->out, '}');
    return true;
}

/* "io.confluent.connect.avro.ConnectDefault", …2, …: the n-th struct without a name. */
static Str nameless(Writer *w, char buf[static 64]) {
    w->nameless++;
    int n = w->nameless > 1 ? snprintf(buf, 64, AVRO_CONNECT_DEFAULT "%u", w->nameless)
                            : snprintf(buf, 64, AVRO_CONNECT_DEFAULT);
    return (Str){buf, (size_t)n};
}

static Str field_doc(const ConnectSchema *s, Str field) {
    for (size_t i = 0; i < s->param_count; i++)
        if (str_starts(s->params[i].name, STR_LIT(AVRO_CONNECT_FIELD_DOC)) &&
            str_eq(str_sub(s->params[i].name, sizeof AVRO_CONNECT_FIELD_DOC - 1, SIZE_MAX), field))
            return s->params[i].value;
    return (Str){NULL, 0};
}

static bool write_record(Writer *w, const ConnectSchema *s, Str space, Err *e) {
    char own[64];
    Str full = s->name.n ? s->name : nameless(w, own);
    Name name = split(full);
    bool is_known = false;
    if (!check_name(name.name, "struct's name", "schema.name.adjustment.mode", e)) return false;
    if (s->name.n && !enter_name(w, full, s, space, &is_known, e)) return false;
    if (is_known) return true;
    buf_cstr(w->out, "{\"type\":\"record\"");
    write_name(w, name, space);
    Str doc = connect_schema_param(s, AVRO_CONNECT_RECORD_DOC);
    if (doc.p) {
        buf_cstr(w->out, ",\"doc\":");
        json_text(w->out, doc);
    }
    buf_cstr(w->out, ",\"fields\":[");
    for (size_t i = 0; i < s->field_count; i++) {
        const ConnectField *f = &s->fields[i];
        if (i) buf_u8(w->out, ',');
        if (!check_name(f->name, "field", "field.name.adjustment.mode", e)) return false;
        if (!write_field(w, f->name, field_doc(s, f->name), f->schema, name.space, e)) return false;
    }
    buf_u8(w->out, ']');
    write_props(w, s);
    buf_u8(w->out, '}');
    return true;
}

static bool write_fixed(Writer *w, const ConnectSchema *s, Str space, Err *e) {
    bool is_known = false;
    Name name = split(s->name);
    if (!check_name(name.name, "schema's name", "schema.name.adjustment.mode", e)) return false;
    if (!enter_name(w, s->name, s, space, &is_known, e) || is_known) return is_known;
    buf_cstr(w->out, "{\"type\":\"fixed\"");
    write_name(w, name, space);
    buf_printf(w->out, ",\"size\":%lld", (long long)number_param(s, AVRO_CONNECT_FIXED_SIZE, 0));
    write_props(w, s);
    buf_u8(w->out, '}');
    return true;
}

/* A map whose keys aren't texts: a list of records of key and value. */
static bool write_entries(Writer *w, const ConnectSchema *s, Str space, Err *e) {
    bool has_name = s->name.n > 0, is_known = false;
    Str full = has_name ? s->name : STR_LIT(AVRO_CONNECT_NAMESPACE "." AVRO_CONNECT_MAP_ENTRY);
    Name name = split(full);
    if (!check_name(name.name, "schema's name", "schema.name.adjustment.mode", e)) return false;
    buf_cstr(w->out, "{\"type\":\"array\",\"items\":");
    if (!enter_name(w, full, s, space, &is_known, e)) return false;
    if (!is_known) {
        buf_cstr(w->out, "{\"type\":\"record\"");
        write_name(w, name, space);
        buf_cstr(w->out, ",\"fields\":[");
        if (!write_field(w, STR_LIT("key"), (Str){NULL, 0}, s->key, name.space, e)) return false;
        buf_u8(w->out, ',');
        if (!write_field(w, STR_LIT("value"), (Str){NULL, 0}, s->value, name.space, e)) return false;
        buf_cstr(w->out, has_name ? "],\"connect.internal.type\":\"" AVRO_CONNECT_MAP_ENTRY "\"}" : "]}");
    }
    write_props(w, s);
    buf_u8(w->out, '}');
    return true;
}

static bool write_union(Writer *w, const ConnectSchema *s, Str space, Err *e) {
    buf_cstr(w->out, s->is_optional ? "[\"null\"" : "[");
    for (size_t i = 0; i < s->field_count; i++) {
        if (i || s->is_optional) buf_u8(w->out, ',');
        if (!write_type(w, s->fields[i].schema, /* ignores_optional= */ true, space, e)) return false;
    }
    buf_u8(w->out, ']');
    return true;
}

static bool write_base(Writer *w, const ConnectSchema *s, Str space, Err *e) {
    if (s->type == CONNECT_STRUCT) return write_record(w, s, space, e);
    if (s->type == CONNECT_MAP && !avro_from_connect_is_map(s)) return write_entries(w, s, space, e);
    if (is_fixed(s)) return write_fixed(w, s, space, e);
    if (s->type != CONNECT_ARRAY && s->type != CONNECT_MAP) {
        write_plain(w, s);
        return true;
    }
    buf_cstr(w->out,
             s->type == CONNECT_MAP ? "{\"type\":\"map\",\"values\":" : "{\"type\":\"array\",\"items\":");
    if (!write_type(w, s->value, false, space, e)) return false;
    write_props(w, s);
    buf_u8(w->out, '}');
    return true;
}

static bool write_type(Writer *w, const ConnectSchema *s, bool ignores_optional, Str space, Err *e) {
    if (avro_from_connect_is_union(s)) return write_union(w, s, space, e);
    if (!s->is_optional || ignores_optional) return write_base(w, s, space, e);
    bool null_last = s->type != CONNECT_STRUCT && s->has_default && !value_is_null(&s->default_value);
    buf_cstr(w->out, null_last ? "[" : "[\"null\",");
    if (!write_base(w, s, space, e)) return false;
    buf_cstr(w->out, null_last ? ",\"null\"]" : "]");
    return true;
}

bool avro_from_connect(const ConnectSchema *s, bool has_meta, Buf *out, Err *e) {
    Writer w = {.out = out, .has_meta = has_meta};
    bool ok = write_type(&w, s, /* ignores_optional= */ false, (Str){NULL, 0}, e);
    for (size_t i = 0; i < w.seen_count; i++) connect_schema_unref(w.seen[i].schema);
    free(w.seen);
    return ok;
}
