#include "standin/bind/message_format.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "standin/types/convert.h"
#include "standin/types/wtf8.h"

typedef struct Directive {
    char flags[8];
    int width, precision; /* -1: not given */
    char conversion;
} Directive;

typedef struct Arguments {
    const MessageArg *args;
    size_t count, next;
} Arguments;

static bool bad_directive(Str format, size_t from, size_t to, SqlError *e) {
    Str s = str_sub(format, from, to - from + (to < format.n));
    return sqlerror_set(e, 2787, 1, 0, "Invalid format specification: '%.*s'.", STR_ARG(s));
}

static bool bad_argument(size_t number, SqlError *e) {
    return sqlerror_set(
        e, 2786, 1, 0,
        "The data type of substitution parameter %zu does not match the expected type of the format "
        "specification.",
        number);
}

static const MessageArg *next_argument(Arguments *a) {
    static const MessageArg none = {.value = {.kind = VALUE_NULL}};
    return a->next < a->count ? &a->args[a->next++] : (a->next++, &none);
}

/* A width or precision: digits, or * for an argument. */
static bool number_at(Str format, size_t *at, Arguments *a, int *ret, SqlError *e) {
    if (*at < format.n && format.p[*at] == '*') {
        const MessageArg *arg = next_argument(a);
        if (arg->value.kind != VALUE_INT || arg->value.v.i > 2000 || arg->value.v.i < -2000)
            return bad_argument(a->next, e);
        *ret = (int)arg->value.v.i;
        ++*at;
        return true;
    }
    for (int n = 0; *at < format.n && format.p[*at] >= '0' && format.p[*at] <= '9'; ++*at) {
        n = n * 10 + (format.p[*at] - '0');
        *ret = n > 2000 ? (n = 2000) : n;
    }
    return true;
}

static bool directive_at(Str format, size_t *at, Arguments *a, Directive *ret, SqlError *e) {
    size_t from = *at - 1, flags = 0;
    *ret = (Directive){.width = -1, .precision = -1};
    while (*at < format.n && format.p[*at] && strchr("-+0# ", format.p[*at]) && flags < sizeof ret->flags - 1)
        ret->flags[flags++] = format.p[(*at)++];
    if (!number_at(format, at, a, &ret->width, e)) return false;
    if (*at < format.n && format.p[*at] == '.') {
        ++*at;
        ret->precision = 0;
        if (!number_at(format, at, a, &ret->precision, e)) return false;
    }
    Str rest = str_sub(format, *at, format.n - *at);
    if (str_starts(rest, STR_LIT("I64"))) *at += 3;
    else if (rest.n && (rest.p[0] == 'l' || rest.p[0] == 'h')) ++*at;
    if (*at >= format.n || !format.p[*at] || !strchr("diuxXos", format.p[*at]))
        return bad_directive(format, from, *at, e);
    ret->conversion = format.p[(*at)++];
    return true;
}

static bool put_number(const Directive *d, const MessageArg *arg, size_t number, Buf *out, SqlError *e) {
    if (arg->value.kind == VALUE_NULL && (arg->type.id == TYPE_NULL || type_is_integer(arg->type.id))) {
        buf_cstr(out, "(null)");
        return true;
    }
    if (arg->value.kind != VALUE_INT || !type_is_integer(arg->type.id)) return bad_argument(number, e);
    char spec[24], text[2100];
    (void)snprintf(spec, sizeof spec, "%%%s*.*ll%c", d->flags, d->conversion);
    long long n = arg->value.v.i;
    if (arg->type.id != TYPE_BIGINT && strchr("uxXo", d->conversion)) n = (long long)(uint32_t)n;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* spec holds flags and one conversion only */
    (void)snprintf(text, sizeof text, spec, d->width < 0 ? 0 : d->width, d->precision, n);
#pragma GCC diagnostic pop
    buf_cstr(out, text);
    return true;
}

static bool put_text(const Directive *d, const MessageArg *arg, size_t number, Buf *out, SqlError *e) {
    CLEANUP(arena_done) Arena scratch = {0};
    Str s = STR_LIT("(null)");
    if (arg->value.kind == VALUE_TEXT) s = arg->value.v.s;
    else if (arg->value.kind != VALUE_NULL) return bad_argument(number, e);
    if (d->precision >= 0) s = wtf8_slice(s, 0, (size_t)d->precision, &scratch);
    size_t units = wtf8_units(s), width = d->width > 0 ? (size_t)d->width : 0;
    bool is_left = strchr(d->flags, '-') != NULL || d->width < -1;
    if (d->width < -1) width = (size_t)-d->width;
    for (size_t i = units; !is_left && i < width; i++) buf_u8(out, ' ');
    buf_str(out, s);
    for (size_t i = units; is_left && i < width; i++) buf_u8(out, ' ');
    return true;
}

bool messageformat_text(Str format, const MessageArg *args, size_t count, Buf *out, SqlError *e) {
    Arguments a = {.args = args, .count = count};
    for (size_t i = 0; i < format.n;) {
        char c = format.p[i++];
        if (c != '%') {
            buf_u8(out, (uint8_t)c);
            continue;
        }
        if (i < format.n && format.p[i] == '%') {
            buf_u8(out, '%');
            i++;
            continue;
        }
        Directive d;
        if (!directive_at(format, &i, &a, &d, e)) return false;
        const MessageArg *arg = next_argument(&a);
        bool ok =
            d.conversion == 's' ? put_text(&d, arg, a.next, out, e) : put_number(&d, arg, a.next, out, e);
        if (!ok) return false;
    }
    return true;
}
