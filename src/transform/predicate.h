/* predicate.h - Kafka's stock predicates: HasHeaderKey, RecordIsTombstone, TopicNameMatches. Owner thread
 * only. */
#ifndef TRANSFORM_PREDICATE_H
#define TRANSFORM_PREDICATE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/props.h"
#include "record/record.h"

typedef struct Predicate Predicate;

/* type: the Java class; props: its options without their prefix. Errors: ERR_INVALID (unknown class, with
 * those there are; options). */
MUST_CHECK bool predicate_new(const char *type, const Props *props, Predicate **ret, Err *e);
Predicate *predicate_free(Predicate *p); /* returns NULL */
/* Where there are no records but only topics: whether it can be told (TopicNameMatches), or is never true
 * (RecordIsTombstone). */
bool predicate_is_of_topic(const Predicate *p);
bool predicate_is_never_direct(const Predicate *p);
bool predicate_test(Predicate *p, const Record *r);

#endif
