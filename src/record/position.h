/*
 * position.h - where a change stands in the stream, and how far a reader or a target has come. A plain value;
 * any thread.
 *
 * Order: (commit LSN, command id, seqval, operation): the key of SQL Server's change tables (sqlserver
 * "cdc.<inst>_CT", clustered index), which is the order in which the changes were made; seqval alone isn't
 * monotonic in a transaction. A position whose command id is POSITION_END_COMMAND stands behind every change
 * of its commit LSN: "the transaction at commit_lsn is complete". It is what a target stores, and what a
 * window's end is.
 */
#ifndef RECORD_POSITION_H
#define RECORD_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "record/lsn.h"

#define POSITION_END_COMMAND INT32_MAX
enum { POSITION_TEXT_SIZE = LSN_TEXT_SIZE + 1 + 11 + LSN_TEXT_SIZE + 1 + 3 + 1 };

typedef struct Position {
    Lsn commit_lsn;
    int32_t command_id; /* __$command_id; 0 when the change table has none or it is NULL */
    Lsn seqval;
    uint8_t operation; /* __$operation: 1 delete, 2 insert, 3 update before, 4 update after */
} Position;

int position_cmp(const Position *a, const Position *b);
/* Behind all of the transaction at lsn. */
Position position_end_of(const Lsn *lsn);
bool position_is_end(const Position *p);
bool position_is_zero(const Position *p); /* {0}: before everything */
/* "0000002a:000001f0:0003" for an end, else "0000002a:000001f0:0003/7/0000002a:000001f0:0001/4". */
const char *position_format(const Position *p, char buf[static POSITION_TEXT_SIZE]);
/* Both forms. Errors: ERR_INVALID. */
MUST_CHECK bool position_parse(const char *text, Position *ret, Err *e);

#endif
