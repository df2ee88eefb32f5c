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

#include "config/table_filter.h"
#include "convert/connect_offset.h"
#include "convert/schema_history.h"
#include "pipeline/stored.h"

/* false: Debezium's snapshot wasn't finished: it would begin it anew, and so does who goes on. */
bool takeover_is_possible(const ConnectOffset *debezium);
/* Tables that the history tells of (NULL: of none) and that are read here are done; others are copied beside
 * the stream, as new ones. Of a whole database Debezium writes all tables into its history, whatever its
 * lists say, and the table of signals. false: it isn't possible, *ret is {0}. ret is owned. */
bool takeover_state(const ConnectOffset *debezium, const SchemaHistory *history, const TableFilter *filter,
                    StoredState *ret);

#endif
