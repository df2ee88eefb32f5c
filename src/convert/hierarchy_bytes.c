/*
 * Each number goes into the shortest of thirteen bit patterns whose range holds it; x takes the number's
 * distance from the range's start, T is 1 before a "/" and 0 before a "." (where the number is stored one
 * larger). Zeros fill the last byte. The way back is sqlserver/hierarchy.h.
 */
#include "convert/hierarchy_bytes.h"

#include <stdint.h>
#include <string.h>

static const struct Pattern {
    int64_t least, most;
    const char *bits;
} PATTERNS[] = {
    {0, 3, "01xxT"},
    {4, 7, "100xxT"},
    {8, 15, "101xxxT"},
    {16, 79, "110xx0x1xxxT"},
    {80, 1103, "1110xxx0xxx0x1xxxT"},
    {1104, 5199, "11110xxxxx0xxx0x1xxxT"},
    {5200, 4294972495, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {4294972496, 281479271683151, "111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {-8, -1, "00111xxxT"},
    {-72, -9, "0010xx0x1xxxT"},
    {-4168, -73, "000110xxxxx0xxx0x1xxxT"},
    {-4294971464, -4169, "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {-281479271682120, -4294971465, "000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
};
enum { PATTERN_COUNT = sizeof PATTERNS / sizeof *PATTERNS, MAX_BYTES = 892, MAX_NUMBER_BITS = 64 };

typedef struct Bits {
    uint8_t *p;
    size_t at; /* of the next bit */
} Bits;

static void put_bit(Bits *b, unsigned bit) {
    if (b->at % 8 == 0) b->p[b->at / 8] = 0;
    b->p[b->at / 8] |= (uint8_t)(bit << (7 - b->at % 8));
    b->at++;
}

static bool put_number(Bits *b, int64_t number, bool is_slash) {
    int64_t stored = is_slash ? number : number + 1;
    for (size_t i = 0; i < PATTERN_COUNT; i++) {
        const struct Pattern *p = &PATTERNS[i];
        if (stored < p->least || stored > p->most) continue;
        size_t left = 0;
        for (const char *c = p->bits; *c; c++) left += *c == 'x';
        int64_t distance = stored - p->least;
        for (const char *c = p->bits; *c; c++) {
            if (*c == 'x') put_bit(b, (unsigned)(distance >> --left & 1));
            else put_bit(b, *c == 'T' ? is_slash : (unsigned)(*c - '0'));
        }
        return true;
    }
    return false;
}

bool hierarchy_bytes(Str path, Arena *a, Str *ret) {
    uint8_t bytes[MAX_BYTES + MAX_NUMBER_BITS / 8];
    Bits b = {.p = bytes};
    if (path.n == 0 || path.p[0] != '/') return false;
    Str rest = str_sub(path, 1, path.n);
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '.') n++;
        int64_t number;
        Err ignored = {0};
        if (n == rest.n || !str_to_i64(str_sub(rest, 0, n), INT64_MIN / 2, INT64_MAX / 2, &number, &ignored))
            return false;
        if (!put_number(&b, number, rest.p[n] == '/') || b.at > 8 * (size_t)MAX_BYTES) return false;
        rest = str_sub(rest, n + 1, rest.n);
    }
    *ret = arena_str(a, (Str){(const char *)bytes, (b.at + 7) / 8});
    return true;
}
