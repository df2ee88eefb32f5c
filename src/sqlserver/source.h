/* source.h - SQL Server as a source: Debezium's connector class, its properties, and the way from change
 * tables to batches. */
#ifndef SQLSERVER_SOURCE_H
#define SQLSERVER_SOURCE_H

#include "connector/connector.h"

extern const SourceClass sqlserver_source_class;

#endif
