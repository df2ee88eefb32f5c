/*
 * position_store.h - what the target keeps of a pipeline, in schema `millrace`: the position row with epoch
 * and owner, and a row a table. One store a connection; owner thread only. The statements named store_… are
 * queued into an open pipeline (pgconn.h) and take effect with the caller's transaction.
 */
#ifndef POSTGRES_POSITION_STORE_H
#define POSTGRES_POSITION_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "connector/connector.h"
#include "pipeline/lane.h"
#include "pipeline/lanes.h"
#include "postgres/pgconn.h"

typedef struct PositionStore PositionStore;

/* The rows' key; copied. */
typedef struct PositionKey {
    const char *pipeline, *database; /* the source's; NULL = '' */
    bool has_siblings;               /* other databases are stored under the same pipeline */
    int lane;                        /* 0 … */
} PositionKey;

/* ownership: what the process remembers, borrowed; NULL = as long
 * as the store lives. */
PositionStore *position_store_new(const PositionKey *key, Ownership *ownership);
PositionStore *position_store_free(PositionStore *s); /* NULL is fine; returns NULL */

/* Make schema, tables and functions where they are missing. Errors: ERR_INVALID (no CREATE on the database),
 * with the statements to run in place of it. */
MUST_CHECK bool position_store_create(PositionStore *s, PgConn *c, Err *e);
/* Append the statements that an administrator runs for a role that may not create schemas itself (quoted
 * here). */
void position_store_grants(const char *role, Buf *out);

/*
 * Take the pipeline: end the backend that owned it if it is still that one, raise the epoch, read what is
 * stored (owned by the caller). Taking it again after a lost connection succeeds only if nobody else has
 * taken it since. What a version stored that knew of no databases gets the database's name, if no other may
 * lay claim to it. Errors: ERR_FENCED, taken by another since; ERR_TIMEOUT, retriable, the row stayed locked.
 */
MUST_CHECK bool position_store_own(PositionStore *s, PgConn *c, int64_t *ret_epoch, StoredState *ret, Err *e);

/* Take all rows of the pipeline at once, by lane 0's store: the others belong to this process then, and each
 * takes its own with position_store_own. `wanted` lanes if the rows stand together: *ret_start says how many
 * there are. ret: as position_store_own's, with this lane's position. Errors: the same, and lanes_settle's.
 */
MUST_CHECK bool position_store_own_all(PositionStore *s, PgConn *c, size_t wanted, int64_t *ret_epoch,
                                       LanesStart *ret_start, StoredState *ret, Err *e);

/* What is stored (of several lanes: at the position of the last), without taking anything; *ret is owned by
 * the caller. Nothing there: has_position is false.
 */
MUST_CHECK bool position_store_read(PositionStore *s, PgConn *c, StoredState *ret, Err *e);
/* Whether the row, as it is committed now, says that we (this store) own the pipeline. */
MUST_CHECK bool position_store_is_ours(PositionStore *s, PgConn *c, bool *ret, Err *e);

/* LANE_BEGIN_MOVED and LANE_BEGIN_LOCKED, behind BEGIN; LANE_MOVE. Without a row under epoch and `old` the
 * pipeline fails with ERR_FENCED. commit_us: commit time of `new` in the source; 0 = unknown. */
MUST_CHECK bool position_store_take(PositionStore *s, PgConn *c, const LaneWork *work, const Position *new,
                                    int64_t commit_us, Err *e);
MUST_CHECK bool position_store_mark_table(PositionStore *s, PgConn *c, const Batch *batch, Err *e);
/* The chunk whose last part is `batch` is done; rows: of the whole chunk, for those who ask how far it is. */
MUST_CHECK bool position_store_mark_chunk(PositionStore *s, PgConn *c, const Batch *batch, int64_t rows,
                                          Err *e);
/* consistent NULL = none any more, in all lanes' rows. */
MUST_CHECK bool position_store_mark_consistent(PositionStore *s, PgConn *c, const Position *consistent,
                                               Err *e);
/* LANE_MOVE_OTHERS: so many other rows, which have no position, get this one. */
MUST_CHECK bool position_store_start_others(PositionStore *s, PgConn *c, const Position *at,
                                            int64_t commit_us, size_t others, Err *e);
MUST_CHECK bool position_store_set_route(PositionStore *s, PgConn *c, const StoredTable *table, Err *e);

#endif
