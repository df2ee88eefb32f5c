/*
 * field_drop.h - fields left out of structs by a list of names that comes with each record, in a header
 * (drop.fields.header.name). Owner thread only. {0}: nothing remembered yet.
 */
#ifndef TRANSFORM_FIELD_DROP_H
#define TRANSFORM_FIELD_DROP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "record/record.h"
#include "transform/schema_cache.h"

typedef struct FieldDrop {
    SchemaCache cache;
} FieldDrop;

typedef struct FieldNames {
    Str *names; /* in the batch's arena */
    size_t count;
} FieldNames;

/* The names in the first header of that name: an array of texts, or a text "[a, b]". None: count 0. */
FieldNames field_drop_names(const Record *r, const char *header, RecordBatch *b);
/* Take them out of *schema and *row (as ReplaceField's exclude does: nulls become defaults). only_optional:
 * required ones stay. Errors: ERR_DATA (not a struct). */
MUST_CHECK bool field_drop_apply(FieldDrop *d, const FieldNames *names, bool only_optional, RecordBatch *b,
                                 const ConnectSchema **schema, Value *row, Err *e);
void field_drop_done(FieldDrop *d);

#endif
