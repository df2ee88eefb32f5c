/*
 * The wire forms are those of PostgreSQL's *_recv functions (src/backend/utils/adt): dates count from
 * 2000-01-01, times in µs, numeric is a run of base-10000 digits with a weight. Decimals go from the unscaled
 * integer straight to these digits: no double, no text in between.
 *
 * A row reserves its worst case once and is then written with plain stores; nothing in the loop allocates or
 * checks room.
 */
#include "postgres/pgencode.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/civil.h"
#include "record/numtext.h"

enum {
    DAYS_1970_TO_2000 = 10957,
    DAYS_0001_TO_1970 = -CIVIL_DAY_0001,
    DAYS_0001_TO_2000 = DAYS_0001_TO_1970 + DAYS_1970_TO_2000,
    DAYS_TO_10000 = CIVIL_DAY_9999 - CIVIL_DAY_0001 + 1, /* since 0001-01-01 */
};
#define US_PER_DAY      INT64_C(86400000000)
#define NUMERIC_NEG     0x4000
#define GROUP           10000u /* a digit of PostgreSQL's numeric */
#define NULL_LENGTH     0xFFFFFFFFu
#define COPY_SIGNATURE  "PGCOPY\n\377\r\n\0"
#define COPY_SIGN_BYTES 11

static uint8_t *put16(uint8_t *out, uint16_t v) {
    v = htobe16(v);
    memcpy(out, &v, sizeof v);
    return out + sizeof v;
}

static uint8_t *put32(uint8_t *out, uint32_t v) {
    v = htobe32(v);
    memcpy(out, &v, sizeof v);
    return out + sizeof v;
}

static uint8_t *put64(uint8_t *out, uint64_t v) {
    v = htobe64(v);
    memcpy(out, &v, sizeof v);
    return out + sizeof v;
}

static uint8_t *put_field32(uint8_t *out, uint32_t v) {
    return put32(put32(out, 4), v);
}
static uint8_t *put_field64(uint8_t *out, uint64_t v) {
    return put64(put32(out, 8), v);
}

static uint8_t *put_field(uint8_t *out, const void *p, uint32_t n) {
    out = put32(out, n);
    if (n > 0) memcpy(out, p, n);
    return out + n;
}

static uint8_t *refuse(const PgField *f, const char *why, Err *e) {
    (void)err_set(e, ERR_DATA, false, "%s: %s", f->what, why);
    return NULL;
}

/* ---- numbers ---- */

uint8_t *pgencode_int_bool(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    out = put32(out, 1);
    *out = v->v.i != 0;
    return out + 1;
}

uint8_t *pgencode_int_int2(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (v->v.i < INT16_MIN || v->v.i > INT16_MAX) return refuse(f, "out of range for smallint", e);
    return put16(put32(out, 2), (uint16_t)v->v.i);
}

uint8_t *pgencode_int_int4(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (v->v.i < INT32_MIN || v->v.i > INT32_MAX) return refuse(f, "out of range for integer", e);
    return put_field32(out, (uint32_t)v->v.i);
}

uint8_t *pgencode_int_int8(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field64(out, (uint64_t)v->v.i);
}

/* Base-10000 digits, least significant first; the decimal point stands on a border between two of them. */
typedef struct Groups {
    uint16_t digit[12]; /* 38 digits and up to 3 of alignment */
    int count;
} Groups;

static void groups_add(Groups *g, uint64_t u) {
    for (; u > 0; u /= GROUP) g->digit[g->count++] = (uint16_t)(u % GROUP);
}

/* Take the scale % 4 digits below the last border off u, as a group of their own filled up with zeros. */
static uint64_t groups_align(Groups *g, uint64_t u, unsigned scale) {
    switch (scale % 4) { /* constant divisors: no division instruction */
    case 1: g->digit[g->count++] = (uint16_t)(u % 10 * 1000); return u / 10;
    case 2: g->digit[g->count++] = (uint16_t)(u % 100 * 100); return u / 100;
    case 3: g->digit[g->count++] = (uint16_t)(u % 1000 * 10); return u / 1000;
    default: return u;
    }
}

static uint8_t *put_numeric(const Groups *g, bool is_negative, unsigned scale, uint8_t *out) {
    int fraction = (int)(scale + 3) / 4, low = 0;
    while (low < g->count && g->digit[low] == 0) low++; /* zeros at the end are implied by dscale */
    int n = g->count - low;
    out = put32(out, (uint32_t)(8 + 2 * n));
    out = put16(out, (uint16_t)n);
    out = put16(out, (uint16_t)(n > 0 ? g->count - 1 - fraction : 0));
    out = put16(out, is_negative && n > 0 ? NUMERIC_NEG : 0);
    out = put16(out, (uint16_t)scale);
    for (int i = g->count; i-- > low;) out = put16(out, g->digit[i]);
    return out;
}

uint8_t *pgencode_int_numeric(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    bool is_negative = v->v.i < 0;
    uint64_t u = is_negative ? 0 - (uint64_t)v->v.i : (uint64_t)v->v.i;
    Groups g;
    g.count = 0;
    groups_add(&g, groups_align(&g, u, f->scale));
    return put_numeric(&g, is_negative, f->scale, out);
}

__extension__ typedef unsigned __int128 UInt128;

static NumInt128 unscaled(const Value *v) {
    NumInt128 i;
    assert(v->n == sizeof i);
    memcpy(&i, v->v.p, sizeof i);
    return i;
}

uint8_t *pgencode_int128_numeric(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    static const uint64_t power[] = {1, 10, 100, 1000};
    NumInt128 i = unscaled(v);
    UInt128 u = i < 0 ? 0 - (UInt128)i : (UInt128)i;
    Groups g;
    g.count = 0;
    unsigned odd = f->scale % 4;
    if (odd > 0) {
        (void)groups_align(&g, (uint64_t)(u % power[odd]), odd);
        u /= power[odd];
    }
    for (; u >> 64;
         u /= UINT64_C(10000000000000000)) { /* four groups at a time while it takes 128-bit division */
        uint64_t low = (uint64_t)(u % UINT64_C(10000000000000000));
        for (int k = 0; k < 4; k++, low /= GROUP) g.digit[g.count++] = (uint16_t)(low % GROUP);
    }
    groups_add(&g, (uint64_t)u);
    return put_numeric(&g, i < 0, f->scale, out);
}

static uint8_t *put_cstr(uint8_t *out, const char *text) {
    return put_field(out, text, (uint32_t)strlen(text));
}

uint8_t *pgencode_int_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    char text[NUMTEXT_SIZE];
    return put_cstr(out, numtext_format(v->v.i, f->scale, text));
}

uint8_t *pgencode_int128_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    char text[NUMTEXT_SIZE];
    return put_cstr(out, numtext_format(unscaled(v), f->scale, text));
}

uint8_t *pgencode_double_float4(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    float narrow = (float)v->v.d; /* a real's value: exact */
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return put_field32(out, bits);
}

uint8_t *pgencode_double_float8(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    uint64_t bits;
    memcpy(&bits, &v->v.d, sizeof bits);
    return put_field64(out, bits);
}

uint8_t *pgencode_double_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    char text[PGENCODE_ROOM / 2];
    bool is_real = f->type == SQLTYPE_REAL;
    for (int digits = is_real ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v->v.d);
        double back = is_real ? (double)strtof(text, NULL) : strtod(text, NULL);
        if (memcmp(&back, &v->v.d, sizeof back) == 0) break;
    }
    return put_cstr(out, text);
}

/* ---- dates and times ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

int64_t pgencode_ticks_us(int64_t ticks) {
    const int64_t last_us = DAYS_TO_10000 * US_PER_DAY - 1;
    int64_t us = floor_div(ticks + 5, 10);
    return us > last_us && ticks < DAYS_TO_10000 * CIVIL_TICKS_PER_DAY ? last_us : us;
}

int64_t pgencode_time_us(int64_t time_ticks) {
    int64_t us = (time_ticks + 5) / 10;
    return us >= US_PER_DAY ? US_PER_DAY - 1 : us;
}

uint8_t *pgencode_date_date(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field32(out, (uint32_t)(v->v.i - DAYS_1970_TO_2000));
}

uint8_t *pgencode_date_timestamp(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field64(out, (uint64_t)((v->v.i - DAYS_1970_TO_2000) * US_PER_DAY));
}

uint8_t *pgencode_time_time(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field64(out, (uint64_t)pgencode_time_us(v->v.i));
}

uint8_t *pgencode_ticks_timestamp(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field64(out, (uint64_t)(pgencode_ticks_us(v->v.i) - DAYS_0001_TO_2000 * US_PER_DAY));
}

/* Units per second of Debezium's adaptive mode: ms, µs, ns; ticks in one unit, or units in one tick. */
static uint8_t *put_epoch(const PgField *f, int64_t ticks, uint8_t *out, Err *e) {
    if (f->scale <= 3) return put_field64(out, (uint64_t)floor_div(ticks, 10000));
    if (f->scale <= 6) return put_field64(out, (uint64_t)floor_div(ticks, 10));
    int64_t ns;
    if (__builtin_mul_overflow(ticks, 100, &ns))
        return refuse(f, "out of range for nanoseconds in a bigint", e);
    return put_field64(out, (uint64_t)ns);
}

uint8_t *pgencode_time_epoch4(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field32(out, (uint32_t)(v->v.i / 10000));
}

uint8_t *pgencode_time_epoch8(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    return put_epoch(f, v->v.i, out, e);
}

uint8_t *pgencode_ticks_epoch8(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    return put_epoch(f, v->v.i - DAYS_0001_TO_1970 * CIVIL_TICKS_PER_DAY, out, e);
}

uint8_t *pgencode_date_epoch4(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field32(out, (uint32_t)v->v.i);
}

uint8_t *pgencode_date_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    char text[CIVIL_TEXT_SIZE];
    return put_cstr(out, civil_format_date(v->v.i, text));
}

uint8_t *pgencode_time_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    char text[CIVIL_TEXT_SIZE];
    return put_cstr(out, civil_format_time(v->v.i, f->scale, text));
}

/* ISO 8601: a T between date and time. */
static void format_iso(int64_t ticks, int scale, char text[static CIVIL_TEXT_SIZE]) {
    (void)civil_format_datetime(ticks, scale, text);
    char *blank = strchr(text, ' ');
    if (blank) *blank = 'T';
}

uint8_t *pgencode_ticks_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)e;
    char text[CIVIL_TEXT_SIZE];
    format_iso(v->v.i, f->scale, text);
    return put_cstr(out, text);
}

/* As Debezium's ZonedTimestamp: zeros at the fraction's end dropped, the offset, or Z for 0. */
uint8_t *pgencode_offset_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    char text[CIVIL_TEXT_SIZE];
    format_iso(v->v.i + v->aux * 60 * CIVIL_TICKS_PER_SECOND, 7, text);
    size_t n = strlen(text);
    while (text[n - 1] == '0') n--;
    if (text[n - 1] == '.') n--;
    int minutes = v->aux < 0 ? -v->aux : v->aux;
    if (minutes == 0) (void)snprintf(text + n, sizeof text - n, "Z");
    else
        (void)snprintf(text + n, sizeof text - n, "%c%02d:%02d", v->aux < 0 ? '-' : '+', minutes / 60 % 100,
                       minutes % 60);
    return put_cstr(out, text);
}

/* ---- bytes and text ---- */

uint8_t *pgencode_bytes_bytea(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    return put_field(out, v->v.p, v->n);
}

uint8_t *pgencode_bytes_int8(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (v->n != 8) return refuse(f, "a rowversion of other than 8 bytes", e);
    return put_field(out, v->v.p, 8);
}

static bool has_nul(const Value *v) {
    return v->n > 0 && memchr(v->v.p, 0, v->n) != NULL;
}

static uint8_t *refuse_nul(const PgField *f, Err *e) {
    return refuse(f, "the text holds U+0000, which PostgreSQL cannot store", e);
}

/* A text that holds U+0000, behind a prefix of the type's binary form. */
static uint8_t *put_unstorable(const PgField *f, const Value *v, Str prefix, uint8_t *out, Err *e) {
    if (!f->unstorable) return refuse_nul(f, e);
    uint8_t *start = out + sizeof(uint32_t);
    memcpy(start, prefix.p, prefix.n);
    uint8_t *end = unstorable_put(f->unstorable->mode, value_str(v), start + prefix.n);
    if (!end) return refuse(f, "the text is too large with U+0000 written in another way", e);
    (void)put32(out, (uint32_t)(end - start));
    unstorable_note(f->unstorable);
    return end;
}

uint8_t *pgencode_text_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (has_nul(v)) return put_unstorable(f, v, (Str){"", 0}, out, e);
    return put_field(out, v->v.p, v->n);
}

uint8_t *pgencode_text_jsonb(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (has_nul(v)) return put_unstorable(f, v, (Str){"\1", 1}, out, e);
    out = put32(out, v->n + 1);
    *out++ = 1; /* version of the binary form: text follows */
    if (v->n > 0) memcpy(out, v->v.p, v->n);
    return out + v->n;
}

uint8_t *pgencode_path_ltree(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (v->n < 1 || v->v.p[0] != '/' || v->v.p[v->n - 1] != '/')
        return refuse(f, "not the path of a hierarchyid", e);
    uint32_t n = v->n > 1 ? v->n - 2 : 0; /* without the slashes at both ends */
    out = put32(out, n + 1);
    *out++ = 1; /* version of the binary form: text follows */
    for (uint32_t i = 0; i < n; i++) {
        char c = v->v.p[1 + i];
        *out++ = (uint8_t)(c == '/' ? '.' : c == '.' ? '_' : c == '-' ? 'n' : c);
    }
    return out;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

uint8_t *pgencode_text_uuid(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    Str s = str_trim(value_str(v));
    if (s.n != 36) return refuse(f, "not the text of a uuid", e);
    out = put32(out, 16);
    for (size_t i = 0; i < s.n;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s.p[i++] != '-') return refuse(f, "not the text of a uuid", e);
            continue;
        }
        int hi = hex_digit(s.p[i]), lo = hex_digit(s.p[i + 1]);
        if (hi < 0 || lo < 0) return refuse(f, "not the text of a uuid", e);
        *out++ = (uint8_t)(hi << 4 | lo);
        i += 2;
    }
    return out;
}

uint8_t *pgencode_guid_uuid(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    assert(v->n == 16);
    return put_field(out, v->v.p, 16);
}

uint8_t *pgencode_guid_text(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    (void)f, (void)e;
    static const char digits[] = "0123456789ABCDEF";
    assert(v->n == 16);
    out = put32(out, 36);
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = (uint8_t)digits[(uint8_t)v->v.p[i] >> 4];
        *out++ = (uint8_t)digits[(uint8_t)v->v.p[i] & 15];
    }
    return out;
}

/* ---- rows and arrays ---- */

void pgencode_copy_begin(Buf *out) {
    buf_add(out, COPY_SIGNATURE, COPY_SIGN_BYTES);
    buf_be32(out, 0); /* flags */
    buf_be32(out, 0); /* no header extension */
}

void pgencode_copy_end(Buf *out) {
    buf_be16(out, 0xFFFF);
}

static uint8_t *put_value(const PgField *f, const Value *v, uint8_t *out, Err *e) {
    if (v->flags == 0) return f->encode(f, v, out, e);
    return value_is_unreadable(v) ? refuse(f, value_fault(v)->why, e) : put32(out, NULL_LENGTH);
}

static size_t variable_room(const PgField *f, const Value *v) {
    if (!f->is_variable) return 0;
    return v->n + (f->unstorable && v->flags == 0 ? unstorable_growth(f->unstorable->mode, value_str(v)) : 0);
}

bool pgencode_copy_row(const PgRowPlan *plan, const Value *row, Buf *out, Err *e) {
    size_t room = 2 + plan->count * PGENCODE_ROOM;
    for (size_t i = 0; i < plan->count; i++)
        room += variable_room(&plan->fields[plan->columns[i]], &row[plan->columns[i]]);
    uint8_t *start = buf_reserve(out, room), *p = put16(start, (uint16_t)plan->count);
    for (size_t i = 0; i < plan->count; i++) {
        uint16_t column = plan->columns[i];
        p = put_value(&plan->fields[column], &row[column], p, e);
        if (!p) return false;
    }
    out->n += (size_t)(p - start);
    return true;
}

bool pgencode_array(const PgField *f, uint16_t column, const Value *const *rows, size_t count, Buf *out,
                    Err *e) {
    assert(count > 0 && count <= INT32_MAX);
    buf_be32(out, 1); /* dimensions */
    buf_be32(out, 1); /* may hold NULLs */
    buf_be32(out, f->oid);
    buf_be32(out, (uint32_t)count);
    buf_be32(out, 1); /* lower bound */
    for (size_t i = 0; i < count; i++) {
        const Value *v = &rows[i][column];
        uint8_t *start = buf_reserve(out, PGENCODE_ROOM + variable_room(f, v)),
                *p = put_value(f, v, start, e);
        if (!p) return false;
        out->n += (size_t)(p - start);
    }
    return true;
}
