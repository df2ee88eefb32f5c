/*
 * dead_payload.h - a change as the text of a dead letter, and back: JSON that people can read and from which
 * the change is made again, bit for bit. Any thread.
 *
 *   {"format":1,"op":"u","table":["shop","dbo","orders"],
 *    "columns":[{"name":"id","type":"int","length":4,"precision":10,"scale":0,"nullable":false,
 *                "identity":true,"computed":false,"lob":false,"id":1,"key":1}, …],
 *    "before":null,"after":{"id":7,"total":"12.34","at":"2026-01-31 10:00:00.0000000","note":null}}
 *
 * Numbers stand as numbers, decimals and times as text, bytes as "0x…", text as text: U+0000 and unpaired
 * surrogates as \u0000 and \ud800, which PostgreSQL's json holds (and jsonb doesn't). A column that the
 * change doesn't carry (VALUE_ABSENT) isn't in its row. A value that couldn't be read (VALUE_UNREADABLE) is
 * {"unreadable":"the value has over 1048576 bytes (max.value.bytes)","bytes":2097154}, bytes where it is
 * known.
 */
#ifndef POSTGRES_DEAD_PAYLOAD_H
#define POSTGRES_DEAD_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "record/change.h"

void dead_payload_write(const Change *change, Buf *out);
/* One value as it stands there; NULL and absent are null. */
void dead_payload_value(const Column *c, const Value *v, Buf *out);
/* {"id":7}: these columns of the row. */
void dead_payload_row(const Schema *schema, const Value *row, const uint16_t *columns, size_t count,
                      Buf *out);
/* The change again: rows in the arena, *ret_schema a reference of the caller's, position and times 0.
 * Errors: ERR_INVALID, not such a text. */
MUST_CHECK bool dead_payload_read(Str text, Arena *arena, const Schema **ret_schema, Change *ret, Err *e);

#endif
