/*
 * hierarchy.h - hierarchyid: SQL Server's bytes to the path that its ToString() gives ("/1/-2.18/"), and
 * back. Plain functions; any thread. Source: [MS-SSCLRT] 2.4, HierarchyId.
 */
#ifndef RECORD_HIERARCHY_H
#define RECORD_HIERARCHY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { HIERARCHY_MAX_BYTES = 892 };

/* Append the path of bytes to out. Errors: ERR_DATA, no hierarchyid. */
MUST_CHECK bool hierarchy_path(Str bytes, Buf *out, Err *e);
/* Append the bytes of a path to out. Errors: ERR_DATA, not a path. */
MUST_CHECK bool hierarchy_bytes(Str path, Buf *out, Err *e);

#endif
