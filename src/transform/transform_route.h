/*
 * transform_route.h - what the transforms of a source and its sink do in direct mode, where rows go from
 * table to table without records: they name topics, from which the sink names its tables. Any thread: it has
 * a lock (it is asked once a table).
 */
#ifndef TRANSFORM_TRANSFORM_ROUTE_H
#define TRANSFORM_TRANSFORM_ROUTE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"

typedef struct TransformRoute TransformRoute;

/* source, sink: options with the rows of option_connect; borrowed for the call. *ret is NULL when neither has
 * transforms. may_delete: the sink's delete.enabled. Warnings are added.
 * Errors: ERR_INVALID: a transform that is wrong, or that can't act in direct mode, or that keeps deletes
 * away from a sink that is to carry them out. */
MUST_CHECK bool transform_route_new(const Options *source, const Options *sink, bool may_delete,
                                    TransformRoute **ret, TextList *warnings, Err *e);
TransformRoute *transform_route_free(TransformRoute *r); /* NULL is fine; returns NULL */

/* Append the topic that the source's records would go to; r NULL: topic itself. */
void transform_route_source(TransformRoute *r, Str topic, Buf *out);
/* And what the sink's transforms make of it: what ${topic} is. */
void transform_route_sink(TransformRoute *r, Str topic, Buf *out);

#endif
