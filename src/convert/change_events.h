/*
 * change_events.h - a source's batches as Debezium's records, in order, with what counts over them:
 * Debezium's event_serial_no, its transaction block and topic, the marks of a snapshot's rows, and the offset
 * behind the last record. Owner thread only.
 *
 * event_serial_no counts the change rows of one (commit LSN, change LSN), an update being two, in Debezium's
 * order, where an operation 2 stands behind the 1 of the same change LSN. For that the LSNs of a
 * transaction's deletes are remembered, up to CHANGE_EVENTS_MAX_DELETES; beyond, an insert of the same change
 * LSN counts 1 where Debezium counts 2.
 */
#ifndef CONVERT_CHANGE_EVENTS_H
#define CONVERT_CHANGE_EVENTS_H

#include <stdbool.h>

#include "base/err.h"
#include "convert/connect_offset.h"
#include "convert/envelope.h"
#include "record/batch.h"
#include "record/record.h"

enum { CHANGE_EVENTS_MAX_DELETES = 1 << 18 };

typedef struct ChangeEvents ChangeEvents;

ChangeEvents *change_events_new(const WireOptions *o); /* o is borrowed; owned */
ChangeEvents *change_events_free(ChangeEvents *m);     /* NULL is fine; returns NULL */

/* Go on behind that offset: changes of its commit that Debezium had sent by then aren't added (their order is
 * Debezium's: connect_offset_covers), and with provide.transaction.metadata its transaction goes on. Debezium
 * stores the place of a transaction's first change with the notes before it too (END of the last one, BEGIN);
 * such an offset counts no change of that commit, and its change is added: it may not have been sent. */
void change_events_start(ChangeEvents *m, const ConnectOffset *from);

/* Where a chunk's rows stand in the snapshot, besides what the batch says. */
typedef struct ChangeEventsPlace {
    bool is_incremental; /* asked for by a signal: all rows have that mark */
    bool is_first;       /* the batch's first row is the snapshot's first */
    bool is_last;        /* the batch's last row is its last */
} ChangeEventsPlace;

/*
 * Records of the batch's changes from..to-1: all in one call, or stretch by stretch, in order.
 * BATCH_CHANGES: with those of the transaction topic between them when wanted, each before the change behind
 * it; BATCH_ROWS: of its rows. place may be NULL for BATCH_CHANGES; it speaks of the whole batch.
 * The batch is referenced by out (batch_ref) as long as its records live.
 * Errors: ERR_DATA (wire_field.h). What was counted is as before then, so that the caller may take the
 * failing change out and call again; *ret_failed is its index.
 */
MUST_CHECK bool change_events_add(ChangeEvents *m, Batch *batch, size_t from, size_t to,
                                  const ChangeEventsPlace *place, int64_t now_us, RecordBatch *out,
                                  size_t *ret_failed, Err *e);

/* All rows of a BATCH_ROWS are added: with the first copy's last one its offset is a finished snapshot's,
 * though it may have had no rows. */
void change_events_copied(ChangeEvents *m, const Batch *batch, const ChangeEventsPlace *place);

/* Behind all that was added: the transaction's largest change LSN in Debezium's order and its number of rows.
 * Borrowed until the next call. */
const ConnectOffset *change_events_offset(ChangeEvents *m);
/* The compiled envelope of a schema, made when it is new. Borrowed until another schema of its table comes.
 */
MUST_CHECK bool change_events_envelope(ChangeEvents *m, const Schema *schema, const Envelope **ret, Err *e);

#endif
