/*
 * transform.h - a connector's chain of single message transforms, as Kafka Connect runs them: from its
 * properties `transforms=a,b`, `transforms.a.type=…`, `transforms.a.…`, `transforms.a.predicate`, `.negate`,
 * and `predicates=p`, `predicates.p.type=…`.
 *
 * Records are edited in place in the sense that the Record changes; rows of values and schemas never do: a
 * changed row is a new one in the batch's arena. So a copy of a Record taken before stays good as long as the
 * batch. Schema work is done once an input schema and remembered, up to a bound.
 *
 * A chain outlives the batches it was applied to: their values may point into its options.
 *
 * One thread a chain. Which classes there are: transform/smt_table.h.
 */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/props.h"
#include "config/textlist.h"
#include "record/record.h"

enum { TRANSFORM_MAX = 64 }; /* in a chain */

typedef struct TransformSetup {
    bool is_sink;                 /* records come from topics: they have offsets */
    const char *debezium_version; /* "2.5", "2.7", "3.0": options that differ; NULL = 2.7 */
} TransformSetup;

typedef struct TransformChain TransformChain;

/* props: all of the connector's; others' are ignored. An empty chain when there are no transforms.
 * Errors: ERR_INVALID, naming alias, class and option (unknown class: with those that exist; unknown option:
 * with the nearest name). */
MUST_CHECK bool transform_chain_new(const Props *props, const TransformSetup *setup, TransformChain **ret,
                                    Err *e);
TransformChain *transform_chain_free(TransformChain *c); /* NULL is fine; returns NULL */
bool transform_chain_is_empty(const TransformChain *c);
/* Properties of aliases that no list names, and the like. One line each; borrowed. */
const TextList *transform_chain_warnings(const TransformChain *c);
/*
 * Run all records from *at on through the chain. Dropped ones get is_dropped and stay where they are; those
 * that have it already are passed over. true: all are done, *at is the batch's count. false: record *at
 * failed and is as it came; to go on without it, count *at up and call again.
 * Errors: ERR_DATA, naming alias, class and topic, and the field where one is at fault.
 */
MUST_CHECK bool transform_chain_apply(TransformChain *c, RecordBatch *batch, size_t *at, Err *e);
/* The Java class of the transform that the last failure was of,
 * "org.apache.kafka.connect.transforms.Cast$Value"; NULL = none has failed. Borrowed from the chain. */
const char *transform_chain_failed(const TransformChain *c);

/*
 * Where rows go directly from table to table there are no records; what a chain does there is to name
 * another topic, from which tables are named, and to leave deletes out.
 * transform_chain_direct: whether that is all this chain would do. Errors: ERR_INVALID, naming the transform
 * that needs records, and what does its work there.
 * transform_chain_route: the topic it makes of a topic, into the arena of `scratch`.
 */
MUST_CHECK bool transform_chain_direct(const TransformChain *c, bool *ret_drops_deletes, Err *e);
MUST_CHECK bool transform_chain_route(TransformChain *c, Str topic, RecordBatch *scratch, Str *ret, Err *e);

#endif
