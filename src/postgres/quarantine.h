/*
 * quarantine.h - whose fault is it? Changes that PostgreSQL refuses are found (isolate.h), the rest is
 * applied, and the refused ones fail the task or are set aside as dead letters (dead_letter.h). Owner thread
 * only.
 *
 * A row's fault can only be what has SQLSTATE class 22 or 23 (ERR_DATA). And not even that is, when all of a
 * table's changes are refused alike: more than QUARANTINE_HANDFUL in one batch with none taken, or
 * QUARANTINE_RUN one behind the other. 23503 and 23505 may be another's: such a change is tried again once
 * the rest of its batch is in, and, as long as errors.retry.timeout says, with its whole transaction, counted
 * from the first such refusal in it.
 *
 * Errors: as pgconn.h; ERR_DATA names table, key, position and the way on; ERR_TIMEOUT, retriable, with its
 * retry_until_us: such a change waits.
 */
#ifndef POSTGRES_QUARANTINE_H
#define POSTGRES_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "connector/connector.h"
#include "observe/metrics.h"
#include "postgres/apply.h"
#include "postgres/dead_letter.h"
#include "postgres/pgconn.h"
#include "postgres/target_set.h"
#include "record/change.h"

enum { QUARANTINE_HANDFUL = 10, QUARANTINE_RUN = 100 };

typedef struct QuarantineRules {
    bool is_tolerant;         /* errors.tolerance=all */
    bool logs, logs_rows;     /* errors.log.enable, errors.log.include.messages */
    int64_t limit_per_minute; /* of letters; 0 = none */
    int64_t retention_days;
    int64_t retry_timeout_ms; /* 0 = not again, -1 = for ever */
} QuarantineRules;

typedef struct Quarantine Quarantine;

/* All borrowed as long as it lives; refused: the lane's, NULL = nothing is remembered from start to start. */
Quarantine *quarantine_new(const QuarantineRules *rules, const DeadLetterKey *key, Apply *apply,
                           TargetSet *targets, Metrics *metrics, RefusedBatch *refused);
Quarantine *quarantine_free(Quarantine *q); /* NULL is fine; returns NULL */
/* Letters aren't kept in the table: keep is called for each, in place of that, when the rest of its run is
 * in. at: as in quarantine_apply's changes. Nothing is remembered from one transaction to the next. fails: it
 * isn't tolerated, so the task fails at it once keep has returned true. */
typedef bool (*QuarantineKeep)(void *arg, size_t at, const Refusal *why, bool fails, Err *e);
void quarantine_keep_elsewhere(Quarantine *q, QuarantineKeep keep, void *arg);
/* The connection is new and the pipeline ours: what is open is read. Outside of a transaction. */
MUST_CHECK bool quarantine_own(Quarantine *q, PgConn *c, Err *e);

/* A batch of changes is to be written, the first of its transaction or a later one. batch tells the first
 * from all others, and is the same when they come again. */
void quarantine_begun(Quarantine *q, uint64_t batch);
/* Whether changes need quarantine_meet: letters are open. */
bool quarantine_is_open(const Quarantine *q);
/* Inside the transaction, before rows are written: letters that the changes supersede are marked.
 * *ret_holds: some can't be applied now; use quarantine_apply. */
MUST_CHECK bool quarantine_meet(Quarantine *q, PgConn *c, const Change *changes, size_t count,
                                bool *ret_holds, Err *e);
/* Apply what can be of the changes, one part at a time, and set the rest aside; the transaction is open and
 * sound. order: of what is applied at once. */
MUST_CHECK bool quarantine_apply(Quarantine *q, PgConn *c, const Change *changes, size_t count,
                                 ApplyOrder order, Err *e);
/* Of the last quarantine_apply: was this one set aside? */
bool quarantine_has(const Quarantine *q, size_t at);
/* The changes went in whole: whatever was refused of their tables before wasn't all of them. */
void quarantine_went_in(Quarantine *q, const Change *changes, size_t count);
/* For a batch that is tried in several ways: where its transaction stands now, and back to there. */
size_t quarantine_mark(const Quarantine *q);
void quarantine_back(Quarantine *q, size_t mark);
/* The end of the transaction. */
void quarantine_committed(Quarantine *q);
void quarantine_rolled_back(Quarantine *q);
/* The table is copied anew: its open letters are of the past. */
MUST_CHECK bool quarantine_copied_anew(Quarantine *q, PgConn *c, const Schema *schema, Err *e);
/* Now and then, outside of a transaction: what is closed and old is deleted. */
void quarantine_expire(Quarantine *q, PgConn *c, int64_t now_us);

#endif
