/* rpc.h - what stands in request messages: ALL_HEADERS ([MS-TDS] 2.2.5.3), RPC calls (2.2.6.6). Any thread.
 */
#ifndef STANDIN_TDS_RPC_H
#define STANDIN_TDS_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "base/err.h"
#include "standin/exec/session.h"
#include "standin/store/sql_error.h"

enum { RPC_MAX_PARAMS = 2100 }; /* those of sp_executesql itself count, too */

/* The transaction descriptor that the headers carry (0: none). Errors: ERR_INVALID. */
MUST_CHECK bool rpc_read_headers(Cursor *c, uint64_t *ret_descriptor, Err *e);

typedef struct RpcCall {
    Str procedure; /* by id or by name as sent */
    SessionParam *params;
    size_t count;
    bool no_metadata;
} RpcCall;

/* The next call of the message; all of it in the arena or borrowed from the cursor's bytes. Read the message
 * to its end: `while (cursor_left(c) > 0)`. False: *e is the server's error for it (8003 … 8023); what isn't
 * supported is named. */
MUST_CHECK bool rpc_read(Cursor *c, Arena *a, RpcCall *ret, SqlError *e);

#endif
