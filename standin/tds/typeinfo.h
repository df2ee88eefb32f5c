/*
 * typeinfo.h - types and values on the wire ([MS-TDS] 2.2.5.4-2.2.5.6). Plain functions; any thread.
 *
 * Out: an encoder is chosen once per column (typeinfo_encoder); a row is then one call per value, straight
 * into memory that the caller has reserved. In: a TypeInfo is read once, then values by it.
 */
#ifndef STANDIN_TDS_TYPEINFO_H
#define STANDIN_TDS_TYPEINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/err.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

typedef struct TypeInfoEncoder TypeInfoEncoder;
/* Write one value at p; returns behind it, or NULL: the value doesn't fit its type (a bug of the engine's).
 */
typedef uint8_t *(*TypeInfoWrite)(const TypeInfoEncoder *x, const Value *v, uint8_t *p);
struct TypeInfoEncoder {
    TypeInfoWrite write;
    Type type;
    bool is_nullable, is_variable; /* variable: needs 2 bytes per byte of the value more than base_bytes */
    uint8_t width;                 /* bytes of a fixed-size value */
    uint32_t base_bytes;           /* most bytes that a value takes, apart from a variable one's own */
};

/* For a column of this type; nullable ones are written with a length. */
TypeInfoEncoder typeinfo_encoder(const Type *t, bool is_nullable);
/* Bytes to reserve for v. */
static inline size_t typeinfo_room(const TypeInfoEncoder *x, const Value *v) {
    return x->base_bytes + (x->is_variable && v->kind != VALUE_NULL ? 2 * v->v.s.n : 0);
}
/* Append TYPE_INFO as the encoder's values will follow. database: the current one, which stands in a CLR
 * type's name. */
void typeinfo_write(const TypeInfoEncoder *x, Str database, Buf *out);
/* The user type that COLMETADATA gives. */
uint32_t typeinfo_user_type(const Type *t);

/* A type as a client sent it. */
typedef struct TypeInfo {
    Type type;
    uint8_t token;
    uint8_t width; /* bytes of a fixed-length value; 0: a length stands before each */
    bool is_plp;
    bool is_old_lob; /* text, ntext, image */
} TypeInfo;

/* of_column: in a column's description, where a CLR type has its length and assembly, too. Errors:
 * ERR_INVALID for types that aren't supported (named) or malformed bytes, ERR_RANGE precision or scale;
 * c->failed: cut short. */
MUST_CHECK bool typeinfo_read(Cursor *c, bool of_column, TypeInfo *ret, Err *e);
/* A value of that type. Its bytes are borrowed from the cursor's or put into the arena. has_pointer: as in a
 * row, text and image carry a text pointer. Errors: ERR_RANGE (no legal value), ERR_INVALID (cut short:
 * c->failed). */
MUST_CHECK bool typeinfo_read_value(Cursor *c, const TypeInfo *t, bool has_pointer, Arena *a, Value *ret,
                                    Err *e);

#endif
