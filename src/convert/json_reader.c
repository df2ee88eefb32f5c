#include "convert/json_reader.h"

#include <string.h>

JsonReader json_reader_over(Str text) {
    const char *p = text.p ? text.p : "";
    return (JsonReader){.p = p, .end = p + text.n};
}

bool json_reader_fail(JsonReader *r, const char *why) {
    if (!r->why) r->why = why;
    return false;
}

bool json_reader_count(JsonReader *r, size_t count) {
    r->values += count;
    return r->values <= JSON_MAX_VALUES || json_reader_fail(r, "it has too many values");
}

static void skip_blanks(JsonReader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')) r->p++;
}

char json_reader_peek(JsonReader *r) {
    skip_blanks(r);
    return r->p < r->end ? *r->p : '\0';
}

bool json_reader_take(JsonReader *r, char c) {
    if (r->p < r->end && *r->p != c) skip_blanks(r);
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

bool json_reader_expect(JsonReader *r, char c) {
    if (json_reader_take(r, c)) return true;
    switch (c) {
    case '{': return json_reader_fail(r, "an object was expected");
    case '[': return json_reader_fail(r, "an array was expected");
    case '"': return json_reader_fail(r, "a text was expected");
    case ':': return json_reader_fail(r, "a colon is missing");
    default: return json_reader_fail(r, "a comma or a closing bracket is missing");
    }
}

static bool take_word(JsonReader *r, const char *word) {
    size_t n = strlen(word);
    skip_blanks(r);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

bool json_reader_take_null(JsonReader *r) {
    return take_word(r, "null");
}

bool json_reader_next(JsonReader *r, char close, bool *is_first) {
    bool was_first = *is_first;
    *is_first = false;
    if (r->why) return false;
    if (was_first) return !json_reader_take(r, close);
    if (json_reader_take(r, ',')) return true;
    if (!json_reader_take(r, close)) return json_reader_fail(r, "a comma or a closing bracket is missing");
    return false;
}

/* ---- texts ---- */

/* The next quote, backslash or control character at or behind p; end if there is none. */
static const char *find_special(const char *p, const char *end) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        uint64_t found = ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if (found & tops) break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) p++;
    return p;
}

static bool hex4(JsonReader *r, uint32_t *ret) {
    uint32_t v = 0;
    if (r->end - r->p < 4) return json_reader_fail(r, "a \\u without four hex digits");
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit > 15) return json_reader_fail(r, "a \\u without four hex digits");
        v = v << 4 | digit;
    }
    *ret = v;
    return true;
}

static size_t put_utf8(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Behind "\u"; a pair of surrogates is one character. */
static bool take_unicode(JsonReader *r, uint32_t *ret) {
    enum { REPLACEMENT = 0xFFFD };
    uint32_t c, low;
    if (!hex4(r, &c)) return false;
    *ret = c;
    if (c < 0xD800 || c > 0xDFFF) return true;
    *ret = REPLACEMENT;
    if (c > 0xDBFF || r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u') return true;
    const char *before = r->p;
    r->p += 2;
    if (!hex4(r, &low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) r->p = before; /* read it again for itself */
    else *ret = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static bool take_escape(JsonReader *r, char *out, size_t *ret_n) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint32_t c;
    if (r->p == r->end) return json_reader_fail(r, "a text isn't closed");
    char letter = *r->p++;
    if (letter == 'u') {
        if (!take_unicode(r, &c)) return false;
        *ret_n = put_utf8(c, out);
        return true;
    }
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (!at) return json_reader_fail(r, "an unknown escape in a text");
    *out = meant[at - letters];
    *ret_n = 1;
    return true;
}

/* The rest of a text that has escapes; it gets no longer by being read. */
static bool unescape(JsonReader *r, const char *start, Arena *a, Str *ret) {
    const char *limit = r->p; /* where the text ends: a quote that no backslash is before */
    while (limit < r->end && *limit != '"') limit += *limit == '\\' && r->end - limit > 1 ? 2 : 1;
    char *out = arena_bytes(a, (size_t)(limit - start) + 4), *to = out;
    memcpy(to, start, (size_t)(r->p - start));
    to += r->p - start;
    while (r->p < r->end && *r->p == '\\') {
        size_t n = 0;
        r->p++;
        if (!take_escape(r, to, &n)) return false;
        to += n;
        const char *next = find_special(r->p, r->end);
        memcpy(to, r->p, (size_t)(next - r->p));
        to += next - r->p;
        r->p = next;
    }
    *ret = (Str){out, (size_t)(to - out)};
    return true;
}

bool json_reader_string(JsonReader *r, Arena *a, Str *ret) {
    if (!json_reader_expect(r, '"')) return false;
    const char *start = r->p;
    r->p = find_special(start, r->end);
    *ret = (Str){start, (size_t)(r->p - start)};
    if (r->p < r->end && *r->p == '\\' && !unescape(r, start, a, ret)) return false;
    if (r->p == r->end) return json_reader_fail(r, "a text isn't closed");
    if (*r->p != '"') return json_reader_fail(r, "a control character in a text");
    r->p++;
    return true;
}

bool json_reader_name(JsonReader *r, Arena *a, Str *ret) {
    return json_reader_string(r, a, ret) && json_reader_expect(r, ':');
}

/* ---- the other scalars ---- */

bool json_reader_bool(JsonReader *r, bool *ret) {
    *ret = take_word(r, "true");
    return *ret || take_word(r, "false") || json_reader_fail(r, "true or false was expected");
}

static const char *digits_end(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

bool json_reader_number(JsonReader *r, Str *ret, bool *is_whole) {
    skip_blanks(r);
    const char *p = r->p, *start = p, *end = r->end, *next;
    if (p < end && *p == '-') p++;
    next = digits_end(p, end);
    if (next == p) return json_reader_fail(r, "a number was expected");
    if (*p == '0' && next - p > 1) return json_reader_fail(r, "a number begins with 0");
    p = next;
    *is_whole = true;
    if (p < end && *p == '.') {
        *is_whole = false;
        next = digits_end(p + 1, end);
        if (next == p + 1) return json_reader_fail(r, "a number ends in its point");
        p = next;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *is_whole = false;
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        next = digits_end(p, end);
        if (next == p) return json_reader_fail(r, "a number's exponent has no digits");
        p = next;
    }
    r->p = p;
    *ret = (Str){start, (size_t)(p - start)};
    return true;
}

bool json_reader_int(JsonReader *r, int64_t lo, int64_t hi, int64_t *ret) {
    Str text;
    bool is_whole;
    if (!json_reader_number(r, &text, &is_whole)) return false;
    if (!is_whole) return json_reader_fail(r, "a whole number was expected");
    bool is_negative = text.p[0] == '-';
    uint64_t v = 0;
    for (size_t i = is_negative; i < text.n; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(text.p[i] - '0'), &v))
            return json_reader_fail(r, "a number is out of range");
    const uint64_t most = (uint64_t)INT64_MAX + is_negative;
    if (v > most) return json_reader_fail(r, "a number is out of range");
    int64_t number = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    if (number < lo || number > hi) return json_reader_fail(r, "a number is out of range");
    *ret = number;
    return true;
}

/* ---- skipping ---- */

static bool skip_string(JsonReader *r) {
    if (!json_reader_expect(r, '"')) return false;
    for (;;) {
        r->p = find_special(r->p, r->end);
        if (r->p == r->end) return json_reader_fail(r, "a text isn't closed");
        char c = *r->p++;
        if (c == '"') return true;
        if (c != '\\') return json_reader_fail(r, "a control character in a text");
        char out[4];
        size_t n;
        if (!take_escape(r, out, &n)) return false;
    }
}

static bool skip_scalar(JsonReader *r) {
    Str text;
    bool is_whole, truth;
    switch (json_reader_peek(r)) {
    case '"': return skip_string(r);
    case 't':
    case 'f': return json_reader_bool(r, &truth);
    case 'n': return json_reader_take_null(r) || json_reader_fail(r, "a value was expected");
    case '\0': return json_reader_fail(r, "it ends where a value was expected");
    default: return json_reader_number(r, &text, &is_whole);
    }
}

/* Open brackets are a stack of bits: 1 = an object. */
bool json_reader_skip(JsonReader *r, Str *ret) {
    uint8_t stack[JSON_MAX_DEPTH / 8] = {0};
    size_t depth = 0;
    bool is_first = false;
    (void)json_reader_peek(r);
    const char *start = r->p;
    for (;;) {
        char c = json_reader_peek(r);
        if (c == '{' || c == '[') {
            if (depth == JSON_MAX_DEPTH) return json_reader_fail(r, "it is nested too deep");
            uint8_t bit = (uint8_t)(1u << depth % 8);
            if (c == '{') stack[depth / 8] |= bit;
            else stack[depth / 8] &= (uint8_t)~bit;
            depth++;
            r->p++;
            is_first = true;
        } else if (!skip_scalar(r)) {
            return false;
        }
        bool is_object = false;
        for (; depth > 0; depth--) {
            is_object = stack[(depth - 1) / 8] >> (depth - 1) % 8 & 1;
            if (json_reader_next(r, is_object ? '}' : ']', &is_first)) break;
            if (r->why) return false;
        }
        if (depth == 0) break;
        if (is_object && (!skip_string(r) || !json_reader_expect(r, ':'))) return false;
    }
    *ret = (Str){start, (size_t)(r->p - start)};
    return true;
}

bool json_reader_end(JsonReader *r) {
    skip_blanks(r);
    return r->p == r->end || json_reader_fail(r, "there is more behind its end");
}
