/*
 * row_version.h - the commit that last changed a row, of rows changed while a SNAPSHOT transaction is open:
 * what an update conflict (3960) is told by. Bounded: past its limit a whole table counts as changed. Under
 * the store's writer mutex.
 */
#ifndef STANDIN_STORE_ROW_VERSION_H
#define STANDIN_STORE_ROW_VERSION_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RowVersions RowVersions;

RowVersions *rowversions_new(void);
RowVersions *rowversions_free(RowVersions *v);
void rowversions_clear(RowVersions *v);
void rowversions_note(RowVersions *v, int32_t object_id, int64_t rowid, uint64_t commit);
bool rowversions_changed_since(const RowVersions *v, int32_t object_id, int64_t rowid, uint64_t commit);

#endif
