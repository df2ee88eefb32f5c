/* str.h - borrowed text: a pointer and a length, not NUL-terminated. A plain value; any thread. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct Str {
    const char *p; /* borrowed; may be NULL when n is 0 */
    size_t n;      /* bytes */
} Str;

#define STR_LIT(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_FMT          "%.*s" /* printf("" STR_FMT "", STR_ARG(s)) */
#define STR_ARG(s)       ((int)(s).n), ((s).n ? (s).p : "")

Str str_from(const char *s); /* NULL gives the empty text */
bool str_eq(Str a, Str b);
bool str_eq_c(Str a, const char *b);
bool str_eq_icase(Str a, Str b); /* ASCII letters only */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
int str_cmp(Str a, Str b);                 /* bytewise, shorter first */
Str str_trim(Str s);                       /* without ASCII blanks at both ends */
Str str_sub(Str s, size_t from, size_t n); /* clamped */
/* Index of the first c, or s.n. */
size_t str_find(Str s, char c);
char *str_dup(Str s); /* owned, NUL-terminated */
/* Cut s at the first c: *head gets what stands before, *s the rest behind it. false when s is used up: an
 * empty text has no piece, and a c at the very end adds none. */
bool str_split(Str *s, char c, Str *head);
/* Whole text as a decimal number. Errors: ERR_INVALID for other text, ERR_RANGE past lo..hi. */
MUST_CHECK bool str_to_i64(Str s, int64_t lo, int64_t hi, int64_t *ret, Err *e);
/* The candidate nearest to s by edit distance (ASCII case ignored), or NULL when none is near enough to
 * suggest. */
const char *str_nearest(Str s, const char *const *candidates, size_t count);

#endif
