/*
 * LIKE by T-SQL's rules: % any text, _ one character, [a-z] and [^a-z] one of a set, an escape character.
 * A % tries each place in turn, but only the last % needs going back to: what an earlier one took can't help.
 */
#include "standin/bind/fn_internal.h"
#include "standin/types/collation.h"
#include "standin/types/wtf8.h"

typedef struct Like {
    const Collation *collation;
    uint32_t escape;
} Like;

static uint64_t weight(const Like *l, uint32_t ch) {
    return collation_weight(l->collation, ch);
}

/* One set, *at behind its '['. False: it has no end, and matches nothing. */
static bool in_set(const Like *l, Str pattern, size_t *at, uint32_t ch, bool *ret_is_in) {
    bool is_not = *at < pattern.n && pattern.p[*at] == '^', is_in = false, is_first = true;
    if (is_not) (*at)++;
    uint64_t x = weight(l, ch);
    for (;; is_first = false) {
        if (*at >= pattern.n) return false;
        uint32_t low = wtf8_next(pattern, at);
        if (low == ']' && !is_first) break;
        if (l->escape && low == l->escape && *at < pattern.n) low = wtf8_next(pattern, at);
        uint32_t high = low;
        bool is_range = *at + 1 < pattern.n && pattern.p[*at] == '-' && pattern.p[*at + 1] != ']';
        if (is_range) {
            (*at)++;
            high = wtf8_next(pattern, at);
        }
        if (x >= weight(l, low) && x <= weight(l, high)) is_in = true;
    }
    *ret_is_in = is_in != is_not;
    return true;
}

/* One pattern item against one character; *at moves behind the item. */
static bool matches_one(const Like *l, Str pattern, size_t *at, uint32_t ch) {
    uint32_t p = wtf8_next(pattern, at);
    if (l->escape && p == l->escape && *at < pattern.n)
        return weight(l, wtf8_next(pattern, at)) == weight(l, ch);
    if (p == '_') return true;
    if (p == '[') {
        bool is_in = false;
        return in_set(l, pattern, at, ch, &is_in) && is_in;
    }
    return weight(l, p) == weight(l, ch);
}

static bool at_percent(const Like *l, Str pattern, size_t at) {
    return at < pattern.n && pattern.p[at] == '%' && l->escape != '%';
}

static bool is_blank(Str s) {
    size_t i = 0;
    while (i < s.n && s.p[i] == ' ') i++;
    return i == s.n;
}

bool fn_like(Str s, Str pattern, uint16_t collation, uint32_t escape, bool ignores_blanks) {
    Like l = {collation_get(collation), escape};
    size_t i = 0, p = 0, retry_text = 0, retry_pattern = 0;
    bool has_retry = false;
    while (i < s.n) {
        if (at_percent(&l, pattern, p)) {
            retry_pattern = ++p;
            retry_text = i;
            has_retry = true;
            continue;
        }
        size_t next_text = i, next_pattern = p;
        uint32_t ch = wtf8_next(s, &next_text);
        if (p < pattern.n && matches_one(&l, pattern, &next_pattern, ch)) {
            i = next_text;
            p = next_pattern;
            continue;
        }
        if (ignores_blanks && p >= pattern.n && is_blank(str_sub(s, i, s.n))) return true;
        if (!has_retry) return false;
        (void)wtf8_next(s, &retry_text);
        i = retry_text;
        p = retry_pattern;
    }
    while (at_percent(&l, pattern, p)) p++;
    return p >= pattern.n;
}
