/*
 * rowsum.h - comparing two tables without order and without keeping their rows (design §6.14): each row's
 * hash is added to the sum of the bucket its key's hash falls into; equal rows on both sides give equal sums,
 * whatever order they came in. Buckets that differ are looked at again, row by row. Owner thread only.
 *
 * Values are compared as the target can hold them: times to the microsecond, datetimeoffset by its instant;
 * texts as they come (compare.c changes those that the sink changes).
 */
#ifndef CLI_ROWSUM_H
#define CLI_ROWSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/schema.h"
#include "record/value.h"

enum { ROWSUM_BUCKETS = 1 << 16, ROWSUM_MAX_KEYS = 200000 };

/* Hash of the key columns, and of all columns, of a row of the schema. */
uint64_t rowsum_key_hash(const Schema *schema, const Value *row);
uint64_t rowsum_row_hash(const Schema *schema, const Value *row);
/* "order_id=5, line_no=1": a key (key_count values, in key order), for people. Texts are cut at 60 bytes. */
void rowsum_key_text(const Schema *schema, const Value *key, Buf *out);

typedef enum RowsumSide { ROWSUM_SOURCE, ROWSUM_TARGET } RowsumSide;

/* First pass: sums. The two sides may be added by two threads. */
typedef struct Rowsum Rowsum;
Rowsum *rowsum_new(const Schema *schema); /* borrowed */
Rowsum *rowsum_free(Rowsum *r);
void rowsum_add(Rowsum *r, RowsumSide side, const Value *row);
int64_t rowsum_rows(const Rowsum *r, RowsumSide side);
/* Buckets that differ; 0 = the tables are equal. */
size_t rowsum_differing(const Rowsum *r);

/* Second pass: the rows of the differing buckets, both sides again. Whether the row is in one: any thread,
 * between the passes. */
bool rowsum_is_differing(const Rowsum *r, const Value *row);
void rowsum_add_again(Rowsum *r, RowsumSide side, const Value *row);

/* Forget what the second pass has kept, to do it once more; rowsum_keys' result goes, too. */
void rowsum_again(Rowsum *r);

typedef enum RowsumKind { ROWSUM_ONLY_SOURCE, ROWSUM_ONLY_TARGET, ROWSUM_DIFFERS } RowsumKind;
typedef struct RowsumKey {
    RowsumKind kind;
    uint64_t key_hash;
    const Value *key;     /* schema->key_count values, in key order; owned by the Rowsum */
    uint64_t row_hash[2]; /* by side; 0 when the row isn't there */
} RowsumKey;
/* The keys that differ, in no order. More than ROWSUM_MAX_KEYS: cut, and *ret_cut says so. Borrowed. */
const RowsumKey *rowsum_keys(Rowsum *r, size_t *ret_count, bool *ret_cut);

#endif
