#define PCRE2_CODE_UNIT_WIDTH 8
#include "config/regexlist.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/textlist.h"

struct RegexList {
    TextList texts;
    pcre2_code **codes; /* owned, texts.count of them */
};

/* At the next comma that isn't escaped; `\,` becomes a comma, other escapes stay. false at the end. */
static bool next_expression(Str *list, Buf *ret) {
    buf_clear(ret);
    if (list->n == 0) return false;
    size_t i = 0;
    for (; i < list->n && list->p[i] != ','; i++) {
        bool is_escape = list->p[i] == '\\' && i + 1 < list->n;
        if (is_escape && list->p[i + 1] != ',') buf_u8(ret, (uint8_t)list->p[i]);
        i += is_escape;
        buf_u8(ret, (uint8_t)list->p[i]);
    }
    *list = str_sub(*list, i + 1, list->n);
    return true;
}

static pcre2_code *compile(Str text, uint32_t letters, Err *e) {
    assert(text.p);
    if (memmem(text.p, text.n, "&&", 2) && memchr(text.p, '[', text.n)) {
        (void)err_set(e, ERR_INVALID, false,
                      "bad regular expression '" STR_FMT "': intersections of classes (&&) are not supported",
                      STR_ARG(text));
        return NULL;
    }
    const uint32_t flags = letters | PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text.p, text.n, flags, &code, &at, NULL);
    if (re) return re;
    PCRE2_UCHAR why[160] = "";
    (void)pcre2_get_error_message(code, why, sizeof why);
    (void)err_set(e, ERR_INVALID, false, "bad regular expression '" STR_FMT "': %s at character %zu",
                  STR_ARG(text), (const char *)why, (size_t)at + 1);
    return NULL;
}

static bool compile_all(Str list, uint32_t letters, RegexList **ret, Err *e) {
    RegexList *l = x_calloc(1, sizeof *l);
    CLEANUP(buf_done) Buf one = {0};
    while (next_expression(&list, &one)) {
        Str text = str_trim(buf_view(&one));
        if (text.n == 0) continue;
        pcre2_code *re = compile(text, letters, e);
        if (!re) {
            (void)regexlist_free(l);
            return false;
        }
        l->codes = x_reallocarray(l->codes, l->texts.count + 1, sizeof(pcre2_code *));
        l->codes[l->texts.count] = re;
        textlist_add(&l->texts, text);
    }
    *ret = l;
    return true;
}

bool regexlist_compile(Str list, RegexList **ret, Err *e) {
    return compile_all(list, PCRE2_CASELESS, ret, e);
}

bool regexlist_compile_exact(Str list, RegexList **ret, Err *e) {
    return compile_all(list, /* letters= */ 0, ret, e);
}

RegexList *regexlist_free(RegexList *l) {
    if (!l) return NULL;
    for (size_t i = 0; i < l->texts.count; i++) pcre2_code_free(l->codes[i]);
    free(l->codes);
    textlist_done(&l->texts);
    free(l);
    return NULL;
}

size_t regexlist_count(const RegexList *l) {
    return l ? l->texts.count : 0;
}

bool regexlist_match(const RegexList *l, Str text) {
    return regexlist_find(l, text) < regexlist_count(l);
}

size_t regexlist_find(const RegexList *l, Str text) {
    for (size_t i = 0; i < regexlist_count(l); i++) {
        pcre2_match_data *match = pcre2_match_data_create(1, NULL);
        int found =
            match ? pcre2_match(l->codes[i], (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0, 0, match, NULL)
                  : -1;
        pcre2_match_data_free(match);
        if (found >= 0) return i;
    }
    return regexlist_count(l);
}

const char *regexlist_text(const RegexList *l, size_t i) {
    return l->texts.items[i];
}
