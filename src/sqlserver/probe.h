/*
 * probe.h - which change tables have rows in a window: one question for all of them, in one round trip.
 *
 * The statement's text is as long as there are tables, so it is kept while they stay the same; and the answer
 * holds nothing of tables where nothing happened. For these it must be known that nothing was taken away
 * before they were asked: an instance whose start_lsn is still at or below the window's beginning has lost
 * nothing. Those above are listed, the others counted, and the reading before the window tells how many there
 * have to be: start_lsn only grows, and an instance made since begins above the window. If the count is
 * another, all are listed.
 *
 * Owner thread only.
 */
#ifndef SQLSERVER_PROBE_H
#define SQLSERVER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "record/lsn.h"
#include "sqlserver/odbc.h"
#include "sqlserver/reading.h"

typedef struct Probe Probe;

/* A change table that is asked. */
typedef struct ProbeTable {
    Str instance; /* capture_instance; borrowed during the call */
    int32_t object_id;
    Lsn above; /* rows above it, up to the window's end; its beginning or later */
    /* What comes out: */
    bool is_found; /* there are rows, or it is to be found out by reading them: an instance was dropped */
    Lsn start_lsn; /* after it was asked, of one that isn't found; zero = the instance isn't there */
} ProbeTable;

Probe *probe_new(void);
Probe *probe_free(Probe *p); /* returns NULL */
/* Ask for the window (from, to]. reading: the one that the window comes from. Errors: as odbc.h. */
MUST_CHECK bool probe_ask(Probe *p, Odbc *odbc, const Reading *reading, const Lsn *from, const Lsn *to,
                          ProbeTable *tables, size_t count, Err *e);

#endif
