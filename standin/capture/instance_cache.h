/*
 * instance_cache.h - the committed capture instances of a database, kept from scan to scan: with many of them
 * reading them anew costs more than the scan. A set holds as long as the three tables that it was read from
 * are what they were: the same versions, and no committed row of theirs changed. One connection, its thread.
 */
#ifndef STANDIN_CAPTURE_INSTANCE_CACHE_H
#define STANDIN_CAPTURE_INSTANCE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/capture/instance.h"

struct sqlite3;
typedef struct InstanceCache InstanceCache;

InstanceCache *instance_cache_new(struct sqlite3 *db);
InstanceCache *instance_cache_free(InstanceCache *c); /* returns NULL */
/* The instances; borrowed until the next call. The store's writer mutex is held, so that nobody is
 * between counting a change and committing it; the catalog is pinned. Errors: as instance_load. */
MUST_CHECK bool instance_cache_get(InstanceCache *c, const Catalog *catalog, int32_t database_id,
                                   const InstanceSet **ret, SqlError *e);
/* How often sets were read, for tests. */
uint64_t instance_cache_reads(const InstanceCache *c);

#endif
