/*
 * dead_desk.h - dead letters from outside of the run: listed, replayed, purged, on a connection of its own,
 * beside a pipeline that may be running. Owner thread only.
 *
 * A replay is one transaction a letter: lock it, see that it still is open and that no older letter of the
 * same key is, write the row as the sink would, mark it. Why that is safe beside the stream, in both
 * directions: pipeline/dead_order.h.
 */
#ifndef POSTGRES_DEAD_DESK_H
#define POSTGRES_DEAD_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connector/connector.h"

typedef struct DeadDesk DeadDesk;

/* Which letters. Texts are borrowed; NULL = whatever. */
typedef struct DeadFilter {
    const char *pipeline;
    const char *table;  /* "dbo.orders" of the source */
    const char *state;  /* "open", "superseded", "replayed" */
    const int64_t *ids; /* id_count 0 = all */
    size_t id_count;
} DeadFilter;

/* As text, as the table has it; borrowed during the call. NULL = it has none. */
typedef struct DeadLetter {
    int64_t id;
    const char *pipeline, *database, *table, *target, *op, *key, *state, *sqlstate, *constraint, *column,
        *message, *position, *commit_time, *created, *closed, *superseded_by;
    const char *payload;
} DeadLetter;

typedef void DeadLetterSeen(void *arg, const DeadLetter *letter);

typedef enum DeadOutcome {
    DEAD_REPLAYED,
    DEAD_GONE,    /* not there, or open no more */
    DEAD_BEHIND,  /* an older letter of its row is open: first that one */
    DEAD_REFUSED, /* the target still refuses it, as *e says; it stays open */
} DeadOutcome;

/* o, context: the sink's, borrowed as long as the desk lives. Errors: as pgconn_open. */
MUST_CHECK bool dead_desk_open(const Options *o, const ConnectorContext *context, DeadDesk **ret, Err *e);
DeadDesk *dead_desk_close(DeadDesk *d); /* NULL is fine; returns NULL */
/* In the order of their making. A target that never had a letter has none. Errors: as pgconn.h. */
MUST_CHECK bool dead_desk_list(DeadDesk *d, const DeadFilter *filter, DeadLetterSeen *seen, void *arg,
                               Err *e);
/* One letter. False: nothing can go on (connection, rights). DEAD_REFUSED fills *e, too. */
MUST_CHECK bool dead_desk_replay(DeadDesk *d, int64_t id, DeadOutcome *ret, Err *e);
/* Delete letters; of open ones the change is given up. */
MUST_CHECK bool dead_desk_purge(DeadDesk *d, const DeadFilter *filter, int64_t *ret_count, Err *e);

#endif
