#include "convert/name_adjust.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf.h"

enum { MAX_TOPIC = 249 }; /* Kafka's limit */

const char *const NAME_ADJUST_NAMES[] = {"none", "avro", "avro_unicode", NULL};

static bool is_letter(unsigned c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_digit(unsigned c) {
    return c >= '0' && c <= '9';
}

static bool is_first(NameAdjust how, unsigned c) {
    return is_letter(c) || (c == '_' && how == NAME_ADJUST_AVRO);
}

static bool is_allowed(NameAdjust how, bool with_dots, bool is_at_front, unsigned c) {
    if (is_first(how, c)) return true;
    return !is_at_front && (is_digit(c) || (c == '.' && with_dots));
}

static void put_replacement(NameAdjust how, bool is_at_front, unsigned c, Buf *out) {
    if (how == NAME_ADJUST_AVRO) {
        buf_u8(out, '_');
        if (is_at_front && is_digit(c)) buf_u8(out, (uint8_t)c);
        return;
    }
    buf_printf(out, c < 0x100 ? "_u00%x" : "_u%x", c);
}

static Str adjust(NameAdjust how, bool with_dots, Str name, Arena *a) {
    if (how == NAME_ADJUST_NONE) return name;
    CLEANUP(buf_done) Buf units = {0}, out = {0};
    size_t n = utf_8_to_16le(name, &units);
    for (size_t i = 0; i < n; i++) {
        unsigned c = units.p[2 * i] | (unsigned)units.p[2 * i + 1] << 8;
        if (is_allowed(how, with_dots, i == 0, c)) buf_u8(&out, (uint8_t)c);
        else put_replacement(how, i == 0, c, &out);
    }
    return arena_str(a, buf_view(&out));
}

Str name_adjust_schema(NameAdjust how, Str name, Arena *a) {
    return adjust(how, /* with_dots= */ true, name, a);
}

Str name_adjust_field(NameAdjust how, Str name, Arena *a) {
    return adjust(how, /* with_dots= */ false, name, a);
}

Str name_adjust_topic(Str name, Arena *a) {
    CLEANUP(buf_done) Buf units = {0}, out = {0};
    size_t n = utf_8_to_16le(name, &units);
    for (size_t i = 0; i < n; i++) {
        unsigned c = units.p[2 * i] | (unsigned)units.p[2 * i + 1] << 8;
        bool is_good = is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
        buf_u8(&out, is_good ? (uint8_t)c : '_');
    }
    if (out.n > MAX_TOPIC) out.n = MAX_TOPIC;
    Str made = buf_view(&out);
    if (str_eq_c(made, ".")) made = STR_LIT("_");
    else if (str_eq_c(made, "..")) made = STR_LIT("__");
    return arena_str(a, made);
}
