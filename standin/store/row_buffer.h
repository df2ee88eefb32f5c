/*
 * row_buffer.h - rows set aside between the reading and the writing part of a statement: in memory up to a
 * bound, then in a file without a name. Written first, then read from the start, as often as wanted. Owner
 * thread only.
 */
#ifndef STANDIN_STORE_ROW_BUFFER_H
#define STANDIN_STORE_ROW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/store/sql_error.h"
#include "standin/types/value.h"

typedef struct RowBuffer RowBuffer;

RowBuffer *rowbuffer_new(size_t columns);
RowBuffer *rowbuffer_free(RowBuffer *b); /* returns NULL */
void rowbuffer_clear(RowBuffer *b);
uint64_t rowbuffer_count(const RowBuffer *b);
MUST_CHECK bool rowbuffer_add(RowBuffer *b, const Value *values, SqlError *e); /* copied */
void rowbuffer_rewind(RowBuffer *b);
/* The next row, borrowed until the next call; 1, 0 at the end, -1 with *e. */
int rowbuffer_next(RowBuffer *b, Value *ret_values, SqlError *e);

#endif
