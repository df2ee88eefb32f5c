/*
 * sink.h - PostgreSQL as a sink: batches into transactions, each with its rows and its position. The classes
 * are io.debezium.connector.jdbc.JdbcSinkConnector and io.confluent.connect.jdbc.JdbcSinkConnector.
 */
#ifndef POSTGRES_SINK_H
#define POSTGRES_SINK_H

#include "connector/connector.h"

extern const SinkClass postgres_sink_class;

#endif
