/*
 * json_reader.h - reading JSON text (RFC 8259) piece by piece. Foreign bytes: everything is checked, nothing
 * recurses. A reader is a plain value over borrowed text, which is UTF-8: check it first (utf_valid8); owner
 * thread only. Each step first skips blanks. After a failure `why` says what was wrong and the reader is done
 * with.
 */
#ifndef CONVERT_JSON_READER_H
#define CONVERT_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum {
    JSON_MAX_DEPTH = 512,      /* of what is skipped */
    JSON_MAX_VALUES = 1 << 20, /* of one text: three bytes can be a struct of thousands of missing fields */
};

typedef struct JsonReader {
    const char *p, *end;
    const char *why; /* static text; NULL = all went well */
    size_t values;   /* that were given memory: whoever gives it counts them (json_reader_count) */
} JsonReader;

JsonReader json_reader_over(Str text);
bool json_reader_fail(JsonReader *r, const char *why); /* keeps the first reason; returns false */
/* count more values are read; fails past JSON_MAX_VALUES. */
bool json_reader_count(JsonReader *r, size_t count);
/* The next character that is no blank, without taking it; '\0' at the end. */
char json_reader_peek(JsonReader *r);
/* Take c if it comes next. */
bool json_reader_take(JsonReader *r, char c);
/* Take c, or fail. */
bool json_reader_expect(JsonReader *r, char c);
bool json_reader_take_null(JsonReader *r);
/* Between members of an object or array that was opened: *is_first is true before the first one. True: a
 * member follows; false: the closing `close` was taken, or it failed. */
bool json_reader_next(JsonReader *r, char close, bool *is_first);
/* A text without its escapes: borrowed from what is read, or from a. An unpaired surrogate becomes U+FFFD. */
bool json_reader_string(JsonReader *r, Arena *a, Str *ret);
/* A name and its colon. */
bool json_reader_name(JsonReader *r, Arena *a, Str *ret);
bool json_reader_bool(JsonReader *r, bool *ret);
/* A number's text. is_whole: neither fraction nor exponent. */
bool json_reader_number(JsonReader *r, Str *ret, bool *is_whole);
/* A whole number within lo … hi. */
bool json_reader_int(JsonReader *r, int64_t lo, int64_t hi, int64_t *ret);
/* Any value, checked; its text. */
bool json_reader_skip(JsonReader *r, Str *ret);
/* Nothing but blanks may be left. */
bool json_reader_end(JsonReader *r);

#endif
