/*
 * schema_cache.h - what a transform worked out for an input schema, found again by the schema's pointer, else
 * by its content. Bounded: past SCHEMA_CACHE_MAX or SCHEMA_CACHE_BYTES the oldest go. {0} is an empty one;
 * then set free_plan. Owner thread only.
 */
#ifndef TRANSFORM_SCHEMA_CACHE_H
#define TRANSFORM_SCHEMA_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "record/connect_schema.h"

enum { SCHEMA_CACHE_MAX = 256, SCHEMA_CACHE_BYTES = 64 * 1024 * 1024 /* of input schemas */ };

typedef struct SchemaCacheEntry {
    const ConnectSchema *schema; /* a reference */
    const ConnectSchema *twin;   /* a reference: found last by content; NULL = none yet */
    uint64_t extra;
    void *plan; /* owned */
} SchemaCacheEntry;

typedef struct SchemaCache {
    SchemaCacheEntry *entries; /* a ring */
    size_t count, next, last;  /* next: to be filled; last: found last */
    size_t bytes;
    void (*free_plan)(void *plan);
} SchemaCache;

/* The plan for a schema (and a number that tells apart several plans of one schema), or NULL. */
void *schema_cache_find(SchemaCache *c, const ConnectSchema *schema, uint64_t extra);
/* plan is moved; returned. */
void *schema_cache_add(SchemaCache *c, const ConnectSchema *schema, uint64_t extra, void *plan);
void schema_cache_done(SchemaCache *c);

#endif
