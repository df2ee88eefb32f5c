/*
 * signal_inbox.h - the source's signals, wherever they come from: told to the plan, logged, and answered.
 * Owner thread only: the source's.
 *
 *   commands       from the worker (SourceClass.signal); answered by a BATCH_ANSWER
 *   the source     rows of signal.data.collection, a captured table, in the stream
 *   a file         signal.file: a JSON object a line, emptied once it is read
 * A row of the stream is seen with the reading, so before any window that has it is read: what it brings
 * about is announced before the position moves past it, and isn't lost when the process is. It may come twice
 * then. A file's line comes at most once.
 */
#ifndef SQLSERVER_SIGNAL_INBOX_H
#define SQLSERVER_SIGNAL_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/plan.h"
#include "pipeline/signal.h"
#include "record/batch.h"
#include "sqlserver/odbc.h"
#include "sqlserver/reading.h"

typedef struct SignalInbox SignalInbox;

/* All borrowed, longer than the inbox lives. */
typedef struct SignalInboxSpec {
    const char *table; /* "db.schema.table" or "schema.table"; NULL = none */
    const char *file;  /* NULL = none */
    int64_t file_poll_ms;
} SignalInboxSpec;

SignalInbox *signal_inbox_new(const SignalInboxSpec *spec);
SignalInbox *signal_inbox_free(SignalInbox *in); /* NULL is fine; returns NULL */
/* Whether the table is captured. Errors: as odbc.h; ERR_INVALID with the cure. */
MUST_CHECK bool signal_inbox_check(SignalInbox *in, Odbc *odbc, Err *e);
void signal_inbox_command(SignalInbox *in, const SignalText *s); /* copied */
/* Signals in the stream after `position`, up to `to`, that weren't seen yet. Errors: as odbc.h. */
MUST_CHECK bool signal_inbox_read(SignalInbox *in, Odbc *odbc, const Position *position, const Lsn *to,
                                  Err *e);
/* Tell the plan of what has come; not while a window is read. True: the plan may want something else now. */
bool signal_inbox_obey(SignalInbox *in, Plan *plan, const char *database, int64_t now_us);
/* The next answer that is due, moved to the caller; NULL when there is none, or the plan still has wishes. */
Batch *signal_inbox_answer(SignalInbox *in, const Plan *plan);

#endif
