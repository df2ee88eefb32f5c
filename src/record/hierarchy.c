/*
 * A path is a run of numbers, each in the shortest of thirteen bit patterns whose range holds it: fixed bits,
 * which tell the range and keep the order of bytes that of the tree, and x bits, the number's distance from
 * the range's start. The last bit, T, is 1 before a "/" and 0 before a "."; before a "." the number is stored
 * one larger. Zeros fill the last byte up.
 */
#include "record/hierarchy.h"

#include <stdint.h>
#include <string.h>

typedef struct Pattern {
    int64_t least, most;
    const char *bits;
} Pattern;

static const Pattern PATTERNS[] = {
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
enum { PATTERN_COUNT = sizeof PATTERNS / sizeof *PATTERNS };

typedef struct Bits {
    Str bytes;
    size_t at; /* of the next bit */
} Bits;

static size_t bits_left(const Bits *b) {
    return 8 * b->bytes.n - b->at;
}

static unsigned bit_at(const Bits *b, size_t at) {
    return (unsigned)(uint8_t)b->bytes.p[at / 8] >> (7 - at % 8) & 1u;
}

/* Whether only the last byte's filling is left. */
static bool is_end(const Bits *b) {
    if (bits_left(b) >= 8) return false;
    for (size_t i = b->at; i < 8 * b->bytes.n; i++)
        if (bit_at(b, i)) return false;
    return true;
}

static bool take_number(Bits *b, const Pattern *p, int64_t *ret, bool *ret_is_slash) {
    size_t n = strlen(p->bits);
    int64_t distance = 0;
    if (bits_left(b) < n) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned bit = bit_at(b, b->at + i);
        switch (p->bits[i]) {
        case 'x': distance = 2 * distance + bit; break;
        case 'T': *ret_is_slash = bit; break;
        default:
            if (bit != (unsigned)(p->bits[i] - '0')) return false;
        }
    }
    b->at += n;
    *ret = p->least + distance;
    return true;
}

static bool next_number(Bits *b, int64_t *ret, bool *ret_is_slash) {
    for (size_t i = 0; i < PATTERN_COUNT; i++)
        if (take_number(b, &PATTERNS[i], ret, ret_is_slash)) return true;
    return false;
}

bool hierarchy_path(Str bytes, Buf *out, Err *e) {
    Bits b = {.bytes = bytes};
    bool is_slash = true;
    buf_u8(out, '/');
    while (!is_end(&b)) {
        int64_t number;
        if (!next_number(&b, &number, &is_slash))
            return err_set(e, ERR_DATA, false, "the bytes are no hierarchyid");
        buf_printf(out, "%lld%c", (long long)(is_slash ? number : number - 1), is_slash ? '/' : '.');
    }
    return is_slash || err_set(e, ERR_DATA, false, "the bytes are no hierarchyid");
}

/* ---- back ---- */

typedef struct BitsOut {
    Buf *out;
    unsigned byte, count;
} BitsOut;

static void put_bit(BitsOut *b, unsigned bit) {
    b->byte = b->byte << 1 | bit;
    if (++b->count < 8) return;
    buf_u8(b->out, (uint8_t)b->byte);
    *b = (BitsOut){.out = b->out};
}

static bool put_number(BitsOut *b, int64_t number, bool is_slash) {
    const Pattern *p = PATTERNS;
    while (p < PATTERNS + PATTERN_COUNT && (number < p->least || number > p->most)) p++;
    if (p == PATTERNS + PATTERN_COUNT) return false;
    unsigned left = 0; /* x bits still to be put */
    for (const char *c = p->bits; *c; c++) left += *c == 'x';
    for (const char *c = p->bits; *c; c++)
        put_bit(b, *c == 'x'   ? (unsigned)((number - p->least) >> --left & 1)
                   : *c == 'T' ? is_slash
                               : (unsigned)(*c - '0'));
    return true;
}

bool hierarchy_bytes(Str path, Buf *out, Err *e) {
    BitsOut b = {.out = out};
    bool ok = path.n > 0 && path.p[0] == '/' && path.p[path.n - 1] == '/';
    for (size_t at = 1; ok && at < path.n;) {
        size_t end = at;
        while (path.p[end] != '/' && path.p[end] != '.') end++;
        int64_t number;
        Err unused;
        bool is_slash = path.p[end] == '/';
        ok = str_to_i64(str_sub(path, at, end - at), INT64_MIN, INT64_MAX - 1, &number, &unused) &&
             put_number(&b, is_slash ? number : number + 1, is_slash);
        at = end + 1;
    }
    if (!ok) return err_set(e, ERR_DATA, false, "not the path of a hierarchyid");
    while (b.count) put_bit(&b, 0);
    return true;
}
