/*
 * topic_store.h - the table millrace.topic_offset: how far a connector has written each topic partition,
 * under which epoch, and what its guard against repeats remembers (pipeline/partition.h). Written in the
 * rows' own transaction. Owner thread of the connection.
 *
 * Errors: as pgconn.h; ERR_FENCED when a partition isn't ours, or doesn't stand where we think.
 */
#ifndef POSTGRES_TOPIC_STORE_H
#define POSTGRES_TOPIC_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "connector/topic_writer_class.h"
#include "postgres/pgconn.h"

typedef struct TopicStore TopicStore;

TopicStore *topic_store_new(const char *connector);
TopicStore *topic_store_free(TopicStore *s); /* NULL is fine; returns NULL */
/* Make schema and tables where they are missing, and read the database's identity. */
MUST_CHECK bool topic_store_create(TopicStore *s, PgConn *c, Err *e);
/* A random text made with the tables; what a copy of the database shares with it. Borrowed. */
const char *topic_store_target(const TopicStore *s);

/* Raise the epochs, one partition after the other. A row that another's open transaction holds for longer
 * than a moment (a stopped process) is freed by ending that backend. */
MUST_CHECK bool topic_store_own(TopicStore *s, PgConn *c, TopicOffset *offsets, size_t count, Err *e);
MUST_CHECK bool topic_store_look(TopicStore *s, PgConn *c, TopicOffset *offsets, size_t count, Err *e);
/* Queue the fence into the open pipeline: all partitions move, or the transaction fails with ERR_FENCED. */
MUST_CHECK bool topic_store_move(TopicStore *s, PgConn *c, const TopicMove *moves, size_t count, Err *e);

#endif
