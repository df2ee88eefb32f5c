/*
 * envelope_ref.h - what Debezium's add.fields and add.headers name: a field of an envelope, or of a struct in
 * it. "op", "source.ts_ms", "table" (a bare name is looked up in the envelope for op and ts_*, in transaction
 * for its three fields, else in source), each with ":newname" if wanted. Owner thread only.
 */
#ifndef TRANSFORM_ENVELOPE_REF_H
#define TRANSFORM_ENVELOPE_REF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/textlist.h"
#include "record/record.h"

typedef struct EnvelopeRef {
    Str outer; /* the struct; "" = the envelope itself */
    Str field;
    Str name; /* of the field or header that is added */
} EnvelopeRef;

typedef struct EnvelopeRefs {
    EnvelopeRef *refs; /* in the arena given */
    size_t count;
} EnvelopeRefs;

/* An EnvelopeRef in one envelope's schema. */
typedef struct EnvelopePlace {
    int outer, field;            /* outer -1: the envelope; field -1: there is no such field */
    const ConnectSchema *schema; /* owned: the field's, optional, without a default */
} EnvelopePlace;

/* debezium_version: 205, 207 …: ts_us and ts_ns are the envelope's from 2.7 on. Errors: ERR_INVALID. */
MUST_CHECK bool envelope_refs_parse(const TextList *texts, const char *prefix, int debezium_version, Arena *a,
                                    EnvelopeRefs *ret, Err *e);
/* Errors: ERR_DATA (no such struct; a struct or map can't be added). */
MUST_CHECK bool envelope_ref_place(const EnvelopeRef *ref, const ConnectSchema *envelope, EnvelopePlace *ret,
                                   Err *e);
Value envelope_ref_value(const EnvelopePlace *place, const Value *envelope);

#endif
