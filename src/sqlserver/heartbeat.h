/*
 * heartbeat.h - heartbeat.action.query: a statement of the user's, run on the source every so often, on a
 * thread and a connection of its own so that reading never waits for it. A failure is a warning and tried
 * again with backoff.
 */
#ifndef SQLSERVER_HEARTBEAT_H
#define SQLSERVER_HEARTBEAT_H

#include <stdint.h>

#include "sqlserver/odbc_target.h"

typedef struct Heartbeat Heartbeat;

/* target's texts and sql are borrowed as long as it lives. Without a thread to be had it is NULL, and logged.
 */
Heartbeat *heartbeat_new(const OdbcTarget *target, const char *sql, int64_t interval_ms);
/* Wait for a statement that runs (it has a time limit), free; NULL is fine; returns NULL. */
Heartbeat *heartbeat_free(Heartbeat *h);

#endif
