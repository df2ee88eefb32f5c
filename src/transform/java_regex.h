/*
 * java_regex.h - java.util.regex as routers and predicates use it: match the whole text; replace the first
 * match by a text with $1, ${name} and \-escapes. Run by PCRE2, whose expressions agree with Java's but for
 * intersections of character classes (`&&`), which are refused. Results are remembered by text, up to a
 * bound: topics are few. Owner thread only.
 */
#ifndef TRANSFORM_JAVA_REGEX_H
#define TRANSFORM_JAVA_REGEX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

typedef struct JavaRegex JavaRegex;

/* replacement may be NULL: only matching. Errors: ERR_INVALID, naming the expression and the place of the
 * fault; a group in the replacement that the expression hasn't got. */
MUST_CHECK bool java_regex_new(const char *expression, const char *replacement, JavaRegex **ret, Err *e);
JavaRegex *java_regex_free(JavaRegex *r); /* returns NULL */
/* Matcher.matches, and if so Matcher.replaceFirst: *ret is the new text (borrowed until the next call; the
 * text itself where there is no replacement). false: it doesn't match as a whole. */
bool java_regex_route(JavaRegex *r, Str text, Str *ret);

#endif
