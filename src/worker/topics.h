/*
 * topics.h - which tables a sink takes: `topics` and `topics.regex` over the names that topics would have,
 * <topic.prefix>.<database>.<schema>.<table> (Debezium's SchemaTopicNamingStrategy). Owner thread only.
 */
#ifndef WORKER_TOPICS_H
#define WORKER_TOPICS_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "record/schema.h"
#include "transform/transform_route.h"

typedef struct Topics Topics;

/* options: the sink's, borrowed. route: borrowed; what the source's transforms make of topics; may be NULL.
 * Neither property set: every table is taken. Errors: ERR_INVALID (the
 * expression; both set). */
MUST_CHECK bool topics_new(const Options *options, const char *prefix, TransformRoute *route, Topics **ret,
                           Err *e);
Topics *topics_free(Topics *t); /* returns NULL */
/* Errors: ERR_INVALID: the sink doesn't take this table, which would be lost in silence; says what to change.
 */
MUST_CHECK bool topics_check(const Topics *t, const Schema *schema, Err *e);

#endif
