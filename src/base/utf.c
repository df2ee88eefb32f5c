/*
 * Most text is ASCII even in databases that hold other scripts, so both directions run over 16 bytes at a
 * time while they are, and step by character where they aren't. Malformed UTF-8 is replaced by maximal
 * subparts, as Unicode 15 section 3.9 ("U+FFFD Substitution of Maximal Subparts") and the browsers do it.
 */
#include "base/utf.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BAD_CHAR = 0xfffd };

/* How many of the n bytes at p, from the front and in steps of 16, are ASCII. */
static size_t ascii_run8(const uint8_t *p, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        uint64_t lo, hi;
        memcpy(&lo, p + i, 8);
        memcpy(&hi, p + i + 8, 8);
        if ((lo | hi) & 0x8080808080808080u) break;
    }
    return i;
}

/* Narrow leading ASCII units into out, 8 at a time; returns how many. */
static size_t narrow_ascii(const uint8_t *p, size_t units, char *out) {
    size_t i = 0;
#ifdef __SSE2__
    const __m128i high = _mm_set1_epi16((short)0xff80);
    for (; units - i >= 8; i += 8) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 2 * i));
        __m128i is_ascii = _mm_cmpeq_epi16(_mm_and_si128(v, high), _mm_setzero_si128());
        if (_mm_movemask_epi8(is_ascii) != 0xffff) break;
        _mm_storel_epi64((__m128i *)(void *)(out + i), _mm_packus_epi16(v, v));
    }
#else
    for (; units - i >= 8; i += 8) {
        const uint8_t *u = p + 2 * i;
        uint8_t low = 0, high = 0;
        for (size_t k = 0; k < 16; k += 2) {
            low |= u[k];
            high |= u[k + 1];
        }
        if (low >= 0x80 || high) break;
        for (size_t k = 0; k < 8; k++) out[i + k] = (char)u[2 * k];
    }
#endif
    return i;
}

/* Widen leading ASCII bytes into out, 16 at a time; returns how many. */
static size_t widen_ascii(const uint8_t *p, size_t n, uint8_t *out) {
    size_t i = 0;
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128();
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        if (_mm_movemask_epi8(v)) break;
        _mm_storeu_si128((__m128i *)(void *)(out + 2 * i), _mm_unpacklo_epi8(v, zero));
        _mm_storeu_si128((__m128i *)(void *)(out + 2 * i + 16), _mm_unpackhi_epi8(v, zero));
    }
#else
    size_t run = ascii_run8(p, n);
    for (; i < run; i++) {
        out[2 * i] = p[i];
        out[2 * i + 1] = 0;
    }
#endif
    return i;
}

/* Smallest and largest second byte that lead allows (Unicode 15, table 3-7), and the length; 0 = no lead
 * byte. */
static size_t lead_info(uint8_t lead, uint8_t *lo, uint8_t *hi) {
    *lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

/* One character at p (n > 0 bytes left): its code point and length. Malformed: *ok false, the maximal
 * subpart. */
static uint32_t decode8(const uint8_t *p, size_t n, size_t *len, bool *ok) {
    *ok = true;
    *len = 1;
    if (p[0] < 0x80) return p[0];
    uint8_t lo, hi;
    size_t want = lead_info(p[0], &lo, &hi);
    uint32_t c = want ? p[0] & (0xffu >> (want + 1)) : 0;
    for (size_t i = 1; i < want; i++, lo = 0x80, hi = 0xbf) {
        if (i >= n || p[i] < lo || p[i] > hi) {
            want = 0;
            break;
        }
        c = c << 6 | (p[i] & 0x3fu);
        *len = i + 1;
    }
    if (want) return c;
    *ok = false;
    return BAD_CHAR;
}

bool utf_valid8(Str s) {
    const uint8_t *p = (const uint8_t *)s.p;
    size_t i = 0, len;
    bool ok = true;
    while (i < s.n) {
        i += ascii_run8(p + i, s.n - i);
        for (size_t k = 0; k < 16 && i < s.n; k++, i += len) {
            (void)decode8(p + i, s.n - i, &len, &ok);
            if (!ok) return false;
        }
    }
    return true;
}

static size_t encode8(uint32_t c, char *out) {
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

static uint32_t unit_at(const uint8_t *p, size_t i) {
    return p[2 * i] | (uint32_t)p[2 * i + 1] << 8;
}

size_t utf_16le_to_8(const void *utf16, size_t n, char *out, size_t *bad) {
    const uint8_t *p = utf16;
    size_t units = n / 2, at = 0, bad_count = n % 2;
    for (size_t i = 0; i < units;) {
        size_t run = narrow_ascii(p + 2 * i, units - i, out + at);
        i += run;
        at += run;
        /* Up to 8 by character before trying a run again: a text in another script isn't slowed by the tries.
         */
        for (size_t k = 0; k < 8 && i < units; k++, i++) {
            uint32_t c = unit_at(p, i);
            if (c >= 0xd800 && c <= 0xdfff) {
                uint32_t low = c < 0xdc00 && i + 1 < units ? unit_at(p, i + 1) : 0;
                bool is_pair = low >= 0xdc00 && low <= 0xdfff;
                c = is_pair ? 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00)) : BAD_CHAR;
                i += is_pair;
                bad_count += !is_pair;
            }
            at += encode8(c, out + at);
        }
    }
    if (bad) *bad += bad_count;
    return at;
}

static uint8_t *put16(uint8_t *out, uint32_t unit) {
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
    return out + 2;
}

size_t utf_8_to_16le(Str s, Buf *out) {
    const uint8_t *p = (const uint8_t *)s.p;
    size_t room;
    if (__builtin_mul_overflow(s.n, 2, &room)) room = SIZE_MAX; /* buf_reserve stops the program */
    uint8_t *start = buf_reserve(out, room), *at = start;       /* a byte becomes at most one unit */
    size_t i = 0, len;
    bool ok;
    while (i < s.n) {
        size_t run = widen_ascii(p + i, s.n - i, at);
        i += run;
        at += 2 * run;
        for (size_t k = 0; k < 16 && i < s.n; k++, i += len) {
            uint32_t c = decode8(p + i, s.n - i, &len, &ok);
            if (c >= 0x10000) {
                at = put16(at, 0xd800 + ((c - 0x10000) >> 10));
                c = 0xdc00 + ((c - 0x10000) & 0x3ff);
            }
            at = put16(at, c);
        }
    }
    out->n += (size_t)(at - start);
    return (size_t)(at - start) / 2;
}

size_t utf_units16(Str s) {
    const uint8_t *p = (const uint8_t *)s.p;
    size_t i = 0, units = 0, len;
    bool ok;
    while (i < s.n) {
        size_t run = ascii_run8(p + i, s.n - i);
        i += run;
        units += run;
        for (size_t k = 0; k < 16 && i < s.n; k++, i += len)
            units += decode8(p + i, s.n - i, &len, &ok) >= 0x10000 ? 2 : 1;
    }
    return units;
}
