/*
 * struct_map.h - a struct made from another: its schema, and for each field the field of the input it comes
 * from. Drafted field by field, then compiled once; run per record. Owner thread only.
 */
#ifndef TRANSFORM_STRUCT_MAP_H
#define TRANSFORM_STRUCT_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "record/record.h"

typedef struct StructDraft {
    ConnectSchema spec; /* name, version, … of the result; borrowed texts */
    ConnectField *fields;
    int *from;
    size_t count, cap;
} StructDraft;

typedef struct StructMap {
    const ConnectSchema *out; /* owned */
    size_t count;
    int *from;         /* owned; below 0: not the input's, null until the caller puts it */
    bool replace_null; /* a null becomes the field's default */
} StructMap;

enum { STRUCT_MAP_NOWHERE = -1 };

/* Begin with name, version, documentation and parameters of a schema (of any type), but required and without
 * a default: what Kafka's SchemaUtil.copySchemaBasics keeps. */
StructDraft struct_draft(const ConnectSchema *like);
/* The same for another type than a struct: a spec to complete. */
ConnectSchema struct_draft_basics(const ConnectSchema *like, ConnectType type);
/* name and schema borrowed until the map is made. */
void struct_draft_add(StructDraft *d, Str name, const ConnectSchema *schema, int from);
/* All fields of a schema, as they are. */
void struct_draft_add_all(StructDraft *d, const ConnectSchema *schema);
void struct_draft_done(StructDraft *d);
/* Errors: ERR_INVALID (a field named twice). d is done in any case. */
MUST_CHECK bool struct_map_new(StructDraft *d, bool replace_null, StructMap *ret, Err *e);
void struct_map_done(StructMap *m);
/* One on the heap, as a plan of a schema_cache: NULL on error. */
StructMap *struct_map_plan(StructDraft *d, bool replace_null, Err *e);
void struct_map_free(void *plan);

/* A new row in the batch's arena from a row of schema `in`; the batch keeps m->out alive. in's own defaults
 * are used: its batch keeps them. */
Value *struct_map_row(const StructMap *m, const ConnectSchema *in, const Value *row, RecordBatch *b);

#endif
