/*
 * regexlist.h - Debezium's lists of regular expressions (table.include.list and its kin): separated by
 * commas, a comma in an expression written `\,`; each must match the whole text, letter case ignored (or not:
 * regexlist_compile_exact). Expressions are PCRE2's, which agree with Java's but for character class
 * intersections (`&&`), which are refused. Read-only once compiled: any thread.
 */
#ifndef CONFIG_REGEXLIST_H
#define CONFIG_REGEXLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

typedef struct RegexList RegexList;

/* Errors: ERR_INVALID, naming the expression and the place of the fault in it. */
MUST_CHECK bool regexlist_compile(Str list, RegexList **ret, Err *e);
/* The same, where letter case counts: Kafka Connect's lists. */
MUST_CHECK bool regexlist_compile_exact(Str list, RegexList **ret, Err *e);
RegexList *regexlist_free(RegexList *l); /* returns NULL */
size_t regexlist_count(const RegexList *l);
/* Whether one of them matches. A NULL or empty list matches nothing. */
bool regexlist_match(const RegexList *l, Str text);
/* The number of the first that matches, or regexlist_count. */
size_t regexlist_find(const RegexList *l, Str text);
/* The i-th expression as it was written (the escape of commas taken away); borrowed. */
const char *regexlist_text(const RegexList *l, size_t i);

#endif
