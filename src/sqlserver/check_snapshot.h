/*
 * check_snapshot.h - checks of how tables are to be copied: statements of one's own, and copies that a
 * read-only replica can't do. Rows for precheck.h. Owner thread only.
 */
#ifndef SQLSERVER_CHECK_SNAPSHOT_H
#define SQLSERVER_CHECK_SNAPSHOT_H

#include "sqlserver/precheck.h"

PrecheckDefs check_snapshot_defs(void);

#endif
