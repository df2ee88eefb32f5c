/*
 * null_sink.h - a sink that counts what it is given and throws it away: shows what a source alone can do. It
 * stores no position, so every start is a first one. connector.class=millrace.NullSink.
 */
#ifndef CONNECTOR_NULL_SINK_H
#define CONNECTOR_NULL_SINK_H

#include "connector/connector.h"

extern const SinkClass null_sink_class;

#endif
