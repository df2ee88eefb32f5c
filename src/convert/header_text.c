/* Source: Kafka's javadoc of org.apache.kafka.connect.data.Values.convertToString, and what it gives: inside
 * a structure texts stand in quotes, bytes are base64, Connect's dates have Java's patterns by their value.
 */
#include "convert/header_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/civil.h"
#include "record/numtext.h"
#include "record/record.h"

enum { MS_A_DAY = 86400000, DECIMAL_BYTES = 16, NUMBER_SIZE = 40 };

static void add_quoted(Str s, Buf *out) {
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') buf_u8(out, '\\');
        buf_u8(out, (uint8_t)s.p[i]);
    }
    buf_u8(out, '"');
}

static void add_text(Str s, bool is_inside, Buf *out) {
    if (is_inside) add_quoted(s, out);
    else buf_str(out, s);
}

static void add_base64(Str s, bool is_inside, Buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (is_inside) buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i += 3) {
        size_t n = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = (uint32_t)(uint8_t)s.p[i] << 16;
        if (n > 1) v |= (uint32_t)(uint8_t)s.p[i + 1] << 8;
        if (n > 2) v |= (uint32_t)(uint8_t)s.p[i + 2];
        for (size_t k = 0; k < 4; k++) buf_u8(out, (uint8_t)(k <= n ? digits[v >> (18 - 6 * k) & 63] : '='));
    }
    if (is_inside) buf_u8(out, '"');
}

/* false: more digits than can be, so that its bytes are shown. */
static bool add_decimal(const ConnectSchema *s, Str bytes, Buf *out) {
    Str scale_text = connect_schema_param(s, CONNECT_PARAM_SCALE);
    int64_t scale = 0;
    Err unused;
    if (bytes.n == 0 || bytes.n > DECIMAL_BYTES ||
        !str_to_i64(scale_text, 0, NUMTEXT_MAX_DIGITS, &scale, &unused))
        return false;
    NumInt128 v = (int8_t)bytes.p[0];
    for (size_t i = 1; i < bytes.n; i++) v = v * 256 + (uint8_t)bytes.p[i];
    char text[NUMTEXT_SIZE];
    if (numtext_digits(v) > NUMTEXT_MAX_DIGITS) return false;
    buf_cstr(out, numtext_format(v, (int)scale, text));
    return true;
}

static void add_time(int64_t ms, Buf *out) {
    int64_t days = ms / MS_A_DAY, rest = ms % MS_A_DAY;
    if (rest < 0) rest += MS_A_DAY, days--;
    CivilDate d = civil_from_days(days);
    bool has_date = ms >= MS_A_DAY, has_time = !has_date || rest != 0;
    if (has_date) buf_printf(out, "%04d-%02d-%02d", (int)d.year, d.month, d.day);
    if (has_date && has_time) buf_u8(out, 'T');
    if (has_time)
        buf_printf(out, "%02d:%02d:%02d.%03dZ", (int)(rest / 3600000), (int)(rest / 60000 % 60),
                   (int)(rest / 1000 % 60), (int)(rest % 1000));
}

/* Java's text of a floating-point number: the fewest digits that give it back, and at least one behind the
 * point; with an exponent outside 10^-3 … 10^7. */
static void add_float(double d, bool is_single, Buf *out) {
    char digits[NUMBER_SIZE];
    int precision = 0;
    if (d != d || d - d != 0) {
        buf_cstr(out, d != d ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return;
    }
    do (void)snprintf(digits, sizeof digits, "%.*e", precision, d);
    while (precision++ < 17 && (is_single ? strtof(digits, NULL) != (float)d : strtod(digits, NULL) != d));
    char *e = strchr(digits, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10);
    *e = '\0';
    const char *p = digits;
    if (*p == '-') buf_u8(out, (uint8_t)*p++);
    char plain[NUMBER_SIZE] = {0};
    size_t n = 0;
    for (; *p; p++)
        if (*p != '.') plain[n++] = *p;
    if (d == 0) {
        buf_cstr(out, "0.0");
        return;
    }
    if (exponent < -3 || exponent >= 7) {
        buf_printf(out, "%c.%sE%d", plain[0], n > 1 ? plain + 1 : "0", exponent);
    } else if (exponent < 0) {
        buf_printf(out, "0.%.*s%s", -exponent - 1, "00", plain);
    } else {
        size_t whole = (size_t)exponent + 1;
        for (size_t i = 0; i < whole; i++) buf_u8(out, (uint8_t)(i < n ? plain[i] : '0'));
        buf_printf(out, ".%s", n > whole ? plain + whole : "0");
    }
}

static void add(const ConnectSchema *s, const Value *v, bool is_inside, Buf *out);

static void add_struct(const ConnectSchema *s, const Value *v, Buf *out) {
    buf_u8(out, '{');
    for (size_t i = 0; i < s->field_count; i++) {
        if (i > 0) buf_u8(out, ',');
        add_quoted(s->fields[i].name, out);
        buf_u8(out, ':');
        add(s->fields[i].schema, record_field(v, i), /* is_inside= */ true, out);
    }
    buf_u8(out, '}');
}

static void add_items(const ConnectSchema *s, const Value *v, Buf *out) {
    bool is_map = s->type == CONNECT_MAP;
    buf_u8(out, is_map ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0) buf_u8(out, ',');
        if (is_map) {
            add(s->key, record_field(v, 2 * i), /* is_inside= */ true, out);
            buf_u8(out, ':');
        }
        add(s->value, record_field(v, is_map ? 2 * i + 1 : i), /* is_inside= */ true, out);
    }
    buf_u8(out, is_map ? '}' : ']');
}

static void add_integer(const ConnectSchema *s, const Value *v, Buf *out) {
    if (connect_schema_is(s, CONNECT_DATE)) add_time(v->v.i * MS_A_DAY, out);
    else if (connect_schema_is(s, CONNECT_TIME) || connect_schema_is(s, CONNECT_TIMESTAMP))
        add_time(v->v.i, out);
    else buf_printf(out, "%lld", (long long)v->v.i);
}

static void add(const ConnectSchema *s, const Value *v, bool is_inside, Buf *out) {
    if (value_is_null(v)) {
        buf_cstr(out, "null");
        return;
    }
    switch (s->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64: add_integer(s, v, out); return;
    case CONNECT_FLOAT32: add_float(v->v.d, /* is_single= */ true, out); return;
    case CONNECT_FLOAT64: add_float(v->v.d, /* is_single= */ false, out); return;
    case CONNECT_BOOLEAN: buf_cstr(out, v->v.i ? "true" : "false"); return;
    case CONNECT_STRING: add_text(value_str(v), is_inside, out); return;
    case CONNECT_BYTES:
        if (!connect_schema_is(s, CONNECT_DECIMAL) || !add_decimal(s, value_str(v), out))
            add_base64(value_str(v), is_inside, out);
        return;
    case CONNECT_STRUCT: add_struct(s, v, out); return;
    case CONNECT_ARRAY:
    case CONNECT_MAP: add_items(s, v, out); return;
    }
}

void header_text_write(const ConnectSchema *schema, const Value *v, Buf *out, bool *ret_is_null) {
    *ret_is_null = value_is_null(v);
    if (*ret_is_null) return;
    if (schema) add(schema, v, /* is_inside= */ false, out);
    else buf_str(out, value_str(v));
}
