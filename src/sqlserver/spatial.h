/*
 * spatial.h - geometry and geography: SQL Server's bytes to EWKB (well-known binary with SRID, Z and M as
 * PostGIS reads and writes it; little-endian; no SRID in it when that is 0). Plain functions; any thread.
 * Source: [MS-SSCLRT] 2.1 (geography and geometry); OGC 06-103r4 and ISO 13249-3 for WKB.
 */
#ifndef SQLSERVER_SPATIAL_H
#define SQLSERVER_SPATIAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Append the EWKB of bytes to out. is_geography: points are (latitude, longitude) there, and the other way
 * round in WKB. *ret_is_null: the type's own NULL, nothing appended. Errors: ERR_DATA, bytes of another form,
 * or the full globe, which WKB hasn't. */
MUST_CHECK bool spatial_ewkb(Str bytes, bool is_geography, Buf *out, bool *ret_is_null, Err *e);

#endif
