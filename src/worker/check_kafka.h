/*
 * check_kafka.h - the broker's side of a connector by name: what would stop a run, what may stop it later,
 * and what is only to be known; each with what mends it. Nothing is written: no topic is made, no group
 * joined, no transactional.id taken. Owner thread only.
 */
#ifndef WORKER_CHECK_KAFKA_H
#define WORKER_CHECK_KAFKA_H

#include <stdbool.h>
#include <stddef.h>

#include "config/option.h"
#include "connector/finding.h"
#include "record/schema.h"

/* All borrowed. */
typedef struct CheckKafkaSpec {
    const char *connector;
    const Options *options; /* the worker's and the connector's in one */
    bool is_sink;
    /* a source's: */
    const char *transactional_id, *offsets_topic;
    const Schema *const *schemas; /* whose changes go into topics */
    size_t schema_count;
} CheckKafkaSpec;

typedef void CheckKafkaProgress(void *arg, const char *name); /* a check begins */

/* progress may be NULL. True: the broker could be asked. */
bool check_kafka_all(const CheckKafkaSpec *spec, CheckKafkaProgress *progress, void *arg, Findings *out);
/* Whether the topic is among those that the broker shows. Errors: as kafka_error. */
MUST_CHECK bool check_kafka_has_topic(const Options *options, const char *topic, bool *ret, Err *e);
/* Names of all checks, in order; the number of them is returned. */
size_t check_kafka_names(const char **ret, size_t most);

#endif
