/*
 * plan_feed.h - what the plan (pipeline/plan.h) is told of a catalog and of the readings: for a run, and for
 * those who ask what a run would do. Pure; owner thread only.
 */
#ifndef SQLSERVER_PLAN_FEED_H
#define SQLSERVER_PLAN_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "config/schema_policy.h"
#include "pipeline/plan.h"
#include "pipeline/snapshot_mode.h"
#include "sqlserver/catalog.h"
#include "sqlserver/reading.h"

/* A plan of the catalog's tables, in their order, under what snapshot.mode means at this start. Owned. */
Plan *plan_feed_new(const Catalog *c, const SnapshotPolicy *policy, const SchemaPolicy *changes,
                    const StoredState *stored);
/* The same as for one of them, for plan_add_table. Borrows from the catalog. changes: whether it may vanish.
 */
PlanTableSpec plan_feed_table(const Catalog *c, size_t table, const SchemaPolicy *changes);
/* Where the reading ends: what the plan may give out in one window. */
Lsn plan_feed_end(const Reading *r);
/* Give the plan a reading. c: the catalog whose tables are the plan's, read no earlier than r. */
void plan_feed_reading(Plan *p, const Catalog *c, const Reading *r, bool is_secondary);

#endif
