/*
 * topic_sink.h - a source's batches into topics, exactly once: Kafka's place of a target (connector.h). Its
 * options are the worker's and the source connector's in one (kafka_option_merge), by the tables that
 * topic_sink_tables names.
 */
#ifndef KAFKA_TOPIC_SINK_H
#define KAFKA_TOPIC_SINK_H

#include "connector/connector.h"

extern const SinkClass topic_sink_class;

#endif
