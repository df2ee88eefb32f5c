/*
 * Most text is ASCII: every loop takes runs of 8 ASCII bytes at once before it decodes a character.
 */
#include "standin/types/wtf8.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { WTF8_REPLACEMENT = 0xfffd };

static bool is_ascii8(const char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* A continuation byte's six bits, or -1. */
static int tail_bits(Str s, size_t at) {
    if (at >= s.n) return -1;
    uint8_t b = (uint8_t)s.p[at];
    return (b & 0xc0) == 0x80 ? b & 0x3f : -1;
}

uint32_t wtf8_next(Str s, size_t *at) {
    assert(*at < s.n);
    size_t i = *at;
    uint8_t b = (uint8_t)s.p[i];
    *at = i + 1;
    if (b < 0x80) return b;
    size_t tails = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
    if (b < 0xc2 || b > 0xf4) return WTF8_REPLACEMENT;
    uint32_t c = b & (0x3fu >> tails);
    for (size_t k = 1; k <= tails; k++) {
        int bits = tail_bits(s, i + k);
        if (bits < 0) return WTF8_REPLACEMENT;
        c = c << 6 | (uint32_t)bits;
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (c < least[tails] || c > 0x10ffff) return WTF8_REPLACEMENT;
    *at = i + 1 + tails;
    return c;
}

size_t wtf8_put(uint32_t c, char out[static 4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t wtf8_units(Str s) {
    size_t units = 0, at = 0;
    while (at < s.n) {
        if (at + 8 <= s.n && is_ascii8(s.p + at)) {
            at += 8;
            units += 8;
            continue;
        }
        units += wtf8_next(s, &at) >= 0x10000 ? 2 : 1;
    }
    return units;
}

/* Moves on from *at by up to units UTF-16 units. True when the last one was the first half of *ret_pair. */
static bool skip_units(Str s, size_t *at, size_t units, uint32_t *ret_pair) {
    while (units > 0 && *at < s.n) {
        if (units >= 8 && *at + 8 <= s.n && is_ascii8(s.p + *at)) {
            *at += 8;
            units -= 8;
            continue;
        }
        uint32_t c = wtf8_next(s, at);
        if (c >= 0x10000 && units == 1) {
            *ret_pair = c;
            return true;
        }
        units -= c >= 0x10000 ? 2 : 1;
    }
    return false;
}

static uint32_t high_half(uint32_t c) {
    return 0xd800 + ((c - 0x10000) >> 10);
}
static uint32_t low_half(uint32_t c) {
    return 0xdc00 + ((c - 0x10000) & 0x3ff);
}

Str wtf8_prefix(Str s, size_t units, Arena *a) {
    return wtf8_slice(s, 0, units, a);
}

Str wtf8_slice(Str s, size_t from, size_t count, Arena *a) {
    size_t begin = 0, end;
    uint32_t first = 0, last = 0;
    if (count == 0) return (Str){s.p, 0};
    bool is_cut_first = skip_units(s, &begin, from, &first);
    end = begin;
    bool is_cut_last = skip_units(s, &end, count - (is_cut_first ? 1 : 0), &last);
    if (!is_cut_first && !is_cut_last) return (Str){s.p + begin, end - begin};
    size_t whole = end - begin - (is_cut_last ? 4 : 0);
    char *out = arena_bytes(a, whole + 8), *p = out;
    if (is_cut_first) p += wtf8_put(low_half(first), p);
    if (whole > 0) memcpy(p, s.p + begin, whole);
    p += whole;
    if (is_cut_last) p += wtf8_put(high_half(last), p);
    return (Str){out, (size_t)(p - out)};
}

static uint8_t *put_unit(uint8_t *out, uint32_t unit) {
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
    return out + 2;
}

/* 8 ASCII bytes to 8 units: the compiler makes one vector instruction of it. */
static void widen8(const char *p, uint8_t *out) {
    for (size_t i = 0; i < 8; i++) {
        out[2 * i] = (uint8_t)p[i];
        out[2 * i + 1] = 0;
    }
}

size_t wtf8_to_utf16le(Str s, uint8_t *out) {
    uint8_t *o = out;
    size_t at = 0;
    while (at < s.n) {
        if (at + 8 <= s.n && is_ascii8(s.p + at)) {
            widen8(s.p + at, o);
            at += 8;
            o += 16;
            continue;
        }
        /* Less than 8 are left, and all before them was ASCII: once more the last 8. */
        if (s.n >= 8 && at + 8 > s.n && o == out + 2 * at && is_ascii8(s.p + s.n - 8)) {
            widen8(s.p + s.n - 8, out + 2 * (s.n - 8));
            return 2 * s.n;
        }
        uint8_t b = (uint8_t)s.p[at];
        if (b < 0x80) {
            o = put_unit(o, b);
            at++;
            continue;
        }
        uint32_t c = wtf8_next(s, &at);
        if (c >= 0x10000) {
            o = put_unit(o, high_half(c));
            o = put_unit(o, low_half(c));
        } else o = put_unit(o, c);
    }
    return (size_t)(o - out);
}

static uint32_t unit_at(const uint8_t *p) {
    return (uint32_t)(p[0] | p[1] << 8);
}

size_t wtf8_from_utf16le(const uint8_t *utf16, size_t n, char *out) {
    char *o = out;
    size_t i = 0;
    n &= ~(size_t)1;
    while (i < n) {
        uint32_t c = unit_at(utf16 + i);
        i += 2;
        if (c < 0x80) {
            *o++ = (char)c;
            continue;
        }
        if (c >= 0xd800 && c < 0xdc00 && i < n) {
            uint32_t low = unit_at(utf16 + i);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        char four[4];
        size_t len = wtf8_put(c, four);
        memcpy(o, four, len);
        o += len;
    }
    return (size_t)(o - out);
}
