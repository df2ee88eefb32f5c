/*
 * topic_status.h - what the target tells of a connector that is fed from topics, for `millrace status`: how
 * far each topic is written (millrace.topic_offset), when it was last, and the table it goes to with its
 * rows, about. Only reads. Owner thread of the connection.
 */
#ifndef POSTGRES_TOPIC_STATUS_H
#define POSTGRES_TOPIC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postgres/pgconn.h"
#include "postgres/pgname.h"

typedef struct TopicStatus {
    char *topic; /* owned */
    int64_t partitions;
    int64_t last_us; /* of its last write, by the target's clock; 0 = unknown */
    char *table;     /* owned: "schema"."table"; NULL = not there, or transforms name it */
    int64_t rows;    /* by the server's statistics; -1 = unknown */
} TopicStatus;

typedef struct TopicStatusList {
    TopicStatus *items; /* owned, by topic */
    size_t count;
    int64_t now_us; /* the target's clock */
} TopicStatusList;

/* names: NULL = no table is looked for. Nothing is stored of the connector: count is 0. Errors: as pgconn.h.
 */
MUST_CHECK bool topic_status_read(PgConn *c, const char *connector, const PgNameRule *names,
                                  TopicStatusList *ret, Err *e);
void topic_status_done(TopicStatusList *l);
const TopicStatus *topic_status_find(const TopicStatusList *l, const char *topic); /* NULL: not there */

#endif
