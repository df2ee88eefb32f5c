/*
 * convert.h - a value from one type to another by SQL Server's rules: CAST, CONVERT, assignment, comparison.
 * Any thread. Sources: the T-SQL manual's "CAST and CONVERT" (allowed pairs, styles) and sys.messages
 * (texts).
 */
#ifndef STANDIN_TYPES_CONVERT_H
#define STANDIN_TYPES_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

enum { CONVERT_STYLE_DEFAULT = -1, CONVERT_MESSAGE_SIZE = 512 };

/* A SQL Server error: what OutMessage needs. */
typedef struct ConvertError {
    int32_t number;
    uint8_t state, class_;
    char text[CONVERT_MESSAGE_SIZE];
} ConvertError;

typedef enum ConvertRule { CONVERT_NEVER, CONVERT_EXPLICIT_ONLY, CONVERT_IMPLICIT } ConvertRule;
ConvertRule convert_rule(TypeId from, TypeId to);
/* convert_rule, and what depends on more than the type's id: (max) isn't put into a sql_variant, the text
 * form of a CLR type isn't known. */
bool convert_is_allowed(const Type *from, const Type *to, bool is_explicit);
/* The error of a pair that isn't allowed, known before anything runs: 206 or 257 implicit, 529 explicit,
 * 40517 where SQL Server would run a CLR type's code. */
void convert_refuse(const Type *from, const Type *to, bool is_explicit, ConvertError *e);

typedef struct Convert {
    Type from, to;
    int style;          /* CONVERT's third argument; CONVERT_STYLE_DEFAULT without */
    bool is_assignment; /* into a column: text or binary too long is error 2628 (number and bare text; the
                         * caller adds table and column), not cut. Trailing blanks are cut silently. */
} Convert;

/* Convert. NULL stays NULL. The result's bytes are in the arena or borrowed from v. False: *e is filled
 * (8115, 8114, 220, 232, 241, 242, 244, 245, 248, 235, 234, 8169, 8170, 2628, 529 …). */
MUST_CHECK bool convert_value(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e);
/* Appends the value's text as CONVERT(nvarchar(max), v, style) gives it; NULL appends nothing. False only for
 * a style that the type doesn't have (281). */
MUST_CHECK bool convert_to_text(const Type *from, Value v, int style, Buf *out, ConvertError *e);

/* The type a literal or expression of both gets (CASE, UNION, comparison, +): higher precedence wins,
 * lengths, precision and scale joined. */
Type convert_common_type(const Type *a, const Type *b);
/* Order of two values of one type t: <0, 0, >0. Text by t's collation. Neither is NULL. */
int convert_compare(const Type *t, Value a, Value b);
/* Append bytes of a VALUE_TEXT of type t that are equal where convert_compare gives 0: for hash tables. */
void convert_text_key(const Type *t, Str s, Buf *out);

#endif
