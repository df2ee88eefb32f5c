/*
 * Java's replaceFirst searches anew, from the start and unanchored: what it replaces needn't be the whole
 * text that matches() found ("a|ab" on "ab" replaces the "a"). So one compiled expression is run both ways,
 * the anchors being options of the match.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "transform/java_regex.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"

enum { MAX_REMEMBERED = 4096 };

typedef struct Piece { /* of the replacement: a text, or a group where group ≥ 0 */
    Str text;
    int group;
} Piece;

typedef struct Answer {
    bool is_match;
    Str text; /* behind this struct */
} Answer;

struct JavaRegex {
    pcre2_code *code;
    pcre2_match_data *match;
    char *replacement; /* owned; NULL: none */
    char *literal;     /* owned: the replacement's plain characters, which pieces point to */
    Piece *pieces;
    size_t piece_count;
    StrMap *answers; /* Answer, owned */
};

static bool compile(JavaRegex *r, const char *expression, Err *e) {
    if (strstr(expression, "&&") && strchr(expression, '['))
        return err_set(e, ERR_INVALID, false,
                       "bad regular expression '%s': intersections of classes (&&) are not supported",
                       expression);
    int code = 0;
    PCRE2_SIZE at = 0;
    r->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
    if (!r->code) {
        PCRE2_UCHAR why[160] = "";
        (void)pcre2_get_error_message(code, why, sizeof why);
        return err_set(e, ERR_INVALID, false, "bad regular expression '%s': %s at character %zu", expression,
                       (const char *)why, (size_t)at + 1);
    }
    r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
    return true;
}

/* ---- the replacement ---- */

static Piece *add_piece(JavaRegex *r) {
    r->pieces = x_reallocarray(r->pieces, r->piece_count + 1, sizeof *r->pieces);
    r->pieces[r->piece_count] = (Piece){.group = -1};
    return &r->pieces[r->piece_count++];
}

static void add_char(JavaRegex *r, size_t *literal_n, char c) {
    r->literal[*literal_n] = c;
    if (r->piece_count == 0 || r->pieces[r->piece_count - 1].group >= 0)
        add_piece(r)->text.p = r->literal + *literal_n;
    r->pieces[r->piece_count - 1].text.n++;
    (*literal_n)++;
}

static bool named_group(JavaRegex *r, const char **p, Err *e) {
    const char *end = strchr(*p, '}');
    if (!end) return err_set(e, ERR_INVALID, false, "replacement '%s': ${ without }", r->replacement);
    CLEANUP_FREE char *name = x_strndup(*p + 1, (size_t)(end - *p) - 1);
    int group = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name);
    if (group < 0)
        return err_set(e, ERR_INVALID, false, "replacement '%s': the expression has no group named '%s'",
                       r->replacement, name);
    add_piece(r)->group = group;
    *p = end + 1;
    return true;
}

/* Java takes the first digit, and further ones as long as there is such a group. */
static bool numbered_group(JavaRegex *r, uint32_t groups, const char **p, Err *e) {
    if (**p < '0' || **p > '9')
        return err_set(e, ERR_INVALID, false,
                       "replacement '%s': a $ stands before a group's number or {name}; write \\$ for the "
                       "character itself",
                       r->replacement);
    uint32_t group = (uint32_t)(*(*p)++ - '0');
    if (group > groups)
        return err_set(e, ERR_INVALID, false, "replacement '%s': the expression has no group %u",
                       r->replacement, group);
    while (**p >= '0' && **p <= '9' && group * 10 + (uint32_t)(**p - '0') <= groups)
        group = group * 10 + (uint32_t)(*(*p)++ - '0');
    add_piece(r)->group = (int)group;
    return true;
}

static bool parse_replacement(JavaRegex *r, const char *replacement, Err *e) {
    uint32_t groups = 0;
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    r->replacement = x_strdup(replacement);
    r->literal = x_malloc(strlen(replacement) + 1);
    size_t literal_n = 0;
    for (const char *p = r->replacement; *p;) {
        if (*p == '\\') {
            if (!p[1]) return err_set(e, ERR_INVALID, false, "replacement '%s' ends in a \\", r->replacement);
            add_char(r, &literal_n, p[1]);
            p += 2;
        } else if (*p == '$') {
            p++;
            if (!(*p == '{' ? named_group(r, &p, e) : numbered_group(r, groups, &p, e))) return false;
        } else add_char(r, &literal_n, *p++);
    }
    return true;
}

bool java_regex_new(const char *expression, const char *replacement, JavaRegex **ret, Err *e) {
    JavaRegex *r = x_calloc(1, sizeof *r);
    r->answers = strmap_new(false);
    if (!compile(r, expression, e) || (replacement && !parse_replacement(r, replacement, e))) {
        (void)java_regex_free(r);
        return false;
    }
    *ret = r;
    return true;
}

JavaRegex *java_regex_free(JavaRegex *r) {
    if (!r) return NULL;
    pcre2_match_data_free(r->match);
    pcre2_code_free(r->code);
    free(r->replacement);
    free(r->literal);
    free(r->pieces);
    (void)strmap_free_all(r->answers);
    free(r);
    return NULL;
}

/* ---- running ---- */

static bool run(JavaRegex *r, Str text, uint32_t options) {
    return pcre2_match(r->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, options, r->match, NULL) >= 0;
}

static void replace_first(JavaRegex *r, Str text, Buf *out) {
    if (!r->replacement || !run(r, text, 0)) {
        buf_str(out, text);
        return;
    }
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->match);
    buf_str(out, str_sub(text, 0, v[0]));
    for (size_t i = 0; i < r->piece_count; i++) {
        const Piece *piece = &r->pieces[i];
        if (piece->group < 0) buf_str(out, piece->text);
        else if (v[2 * piece->group] != PCRE2_UNSET)
            buf_str(out, str_sub(text, v[2 * piece->group], v[2 * piece->group + 1] - v[2 * piece->group]));
    }
    buf_str(out, str_sub(text, v[1], text.n - v[1]));
}

static const Answer *find_answer(JavaRegex *r, Str text) {
    CLEANUP(buf_done) Buf out = {0};
    bool is_match = run(r, text, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
    if (is_match) replace_first(r, text, &out);
    Answer *a = x_malloc(sizeof *a + out.n + 1);
    char *p = (char *)(a + 1);
    if (out.n) memcpy(p, out.p, out.n);
    *a = (Answer){is_match, {p, out.n}};
    if (strmap_count(r->answers) >= MAX_REMEMBERED) {
        (void)strmap_free_all(r->answers);
        r->answers = strmap_new(false);
    }
    (void)strmap_set(r->answers, text, a);
    return a;
}

bool java_regex_route(JavaRegex *r, Str text, Str *ret) {
    const Answer *a = strmap_get(r->answers, text);
    if (!a) a = find_answer(r, text);
    if (a->is_match) *ret = a->text;
    return a->is_match;
}
