/*
 * reporter.h - the PostgreSQL sink's place for reports (connector/report.h): a connection of its own, made
 * when it is needed, and a status store. Owner thread only: one that isn't the sink's.
 */
#ifndef POSTGRES_REPORTER_H
#define POSTGRES_REPORTER_H

#include "connector/connector.h"

/* Nothing is connected yet. options and context are borrowed as long as it lives. Errors: as sink_config_new.
 */
MUST_CHECK bool reporter_open(const Options *options, const ConnectorContext *context, Reporter **ret,
                              Err *e);
/* Connect if need be; write what is new or due. Commits asynchronously; waits at most some seconds for a lock
 * or an answer. Errors: as pgconn.h's; the next call connects anew. */
MUST_CHECK bool reporter_put(Reporter *r, const Report *report, Err *e);
/* As SinkClass.signals and answer. Errors: as reporter_put. */
MUST_CHECK bool reporter_signals(Reporter *r, int64_t after, SignalList *ret, Err *e);
MUST_CHECK bool reporter_answer(Reporter *r, const char *id, const char *outcome, Err *e);
Reporter *reporter_close(Reporter *r); /* NULL is fine; returns NULL */

#endif
