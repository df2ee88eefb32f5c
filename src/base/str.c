#include "base/str.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { NEAREST_MAX_BYTES = 127 }; /* longer words get no suggestion: bounds the rows of the distance table */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_from(const char *s) {
    return (Str){s, s ? strlen(s) : 0};
}

bool str_eq(Str a, Str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_c(Str a, const char *b) {
    return str_eq(a, str_from(b));
}

bool str_eq_icase(Str a, Str b) {
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool str_starts(Str s, Str prefix) {
    return s.n >= prefix.n && str_eq((Str){s.p, prefix.n}, prefix);
}

bool str_ends(Str s, Str suffix) {
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

int str_cmp(Str a, Str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0) return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

Str str_trim(Str s) {
    while (s.n > 0 && is_blank(s.p[s.n - 1])) s.n--;
    while (s.n > 0 && is_blank(s.p[0])) s = (Str){s.p + 1, s.n - 1};
    return s;
}

Str str_sub(Str s, size_t from, size_t n) {
    if (from > s.n) from = s.n;
    if (n > s.n - from) n = s.n - from;
    return (Str){s.p ? s.p + from : NULL, n};
}

size_t str_find(Str s, char c) {
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

char *str_dup(Str s) {
    char *copy = x_malloc(s.n + 1);
    if (s.n) memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

bool str_split(Str *s, char c, Str *head) {
    if (s->n == 0) return false;
    size_t at = str_find(*s, c);
    *head = (Str){s->p, at};
    *s = at < s->n ? (Str){s->p + at + 1, s->n - at - 1} : (Str){s->p + at, 0};
    return true;
}

bool str_to_i64(Str s, int64_t lo, int64_t hi, int64_t *ret, Err *e) {
    size_t i = 0;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) i++;
    if (i == s.n) goto bad;
    int64_t v = 0; /* counted down, for there is one more negative number than positive */
    bool is_past = false;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') goto bad;
        is_past |= __builtin_mul_overflow(v, 10, &v);
        is_past |= __builtin_sub_overflow(v, s.p[i] - '0', &v);
    }
    if (!negative) is_past |= __builtin_sub_overflow(0, v, &v);
    if (is_past || v < lo || v > hi)
        return err_set(e, ERR_RANGE, false, "%.*s is not in %lld..%lld", (int)(s.n < 32 ? s.n : 32), s.p,
                       (long long)lo, (long long)hi);
    *ret = v;
    return true;
bad:
    return err_set(e, ERR_INVALID, false, "not a whole number: '%.*s'", (int)(s.n < 32 ? s.n : 32),
                   s.n ? s.p : "");
}

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/*
 * Edit distance with swapped neighbours counted as one step ("optimal string alignment"), by three rolling
 * rows. Both texts are at most NEAREST_MAX_BYTES long.
 */
static size_t distance(Str a, Str b) {
    size_t rows[3][NEAREST_MAX_BYTES + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++) last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            bool is_swap = i > 1 && j > 1 && x == lower(b.p[j - 2]) && lower(a.p[i - 2]) == y;
            if (is_swap && before[j - 2] + 1 < now[j]) now[j] = before[j - 2] + 1;
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.n];
}

const char *str_nearest(Str s, const char *const *candidates, size_t count) {
    if (s.n == 0 || s.n > NEAREST_MAX_BYTES) return NULL;
    size_t near_enough = s.n < 4 ? 1 : s.n / 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        Str candidate = str_from(candidates[i]);
        if (candidate.n > NEAREST_MAX_BYTES) continue;
        size_t d = distance(s, candidate);
        if (d > near_enough || (nearest && d == near_enough)) continue;
        near_enough = d;
        nearest = candidates[i];
    }
    return nearest;
}
