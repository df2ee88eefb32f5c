/*
 * takeover.h - going on where Debezium stopped: its offset and its schema history as what is stored of a
 * pipeline. Pure; any thread.
 *
 * Debezium's offset stands at a change; that commit is read again from its beginning, and what Debezium has
 * sent of it is left out by change_events_start. An offset of a finished snapshot stands behind its commit.
 */
#ifndef KAFKA_TAKEOVER_H
#define KAFKA_TAKEOVER_H

#include <stdbool.h>

#include "convert/connect_offset.h"
#include "convert/schema_history.h"
#include "pipeline/stored.h"

/* Tables that the history tells of (NULL: of none) are done; others are copied beside the stream, as new
 * ones. false: Debezium's snapshot wasn't finished, so nothing can be gone on with; *ret is {0}. ret is
 * owned. */
bool takeover_state(const ConnectOffset *debezium, const SchemaHistory *history, StoredState *ret);

#endif
