/*
 * outage.h - a wait between two tries that ends early: a server that didn't answer answers again. A plain
 * value; the waiting thread's.
 */
#ifndef WORKER_OUTAGE_H
#define WORKER_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTAGE_LOOK_MS = 500, OUTAGE_ENDS = 2 };

/* One of the servers; answers NULL: it can't be told. */
typedef struct OutageEnd {
    bool (*answers)(void *arg); /* takes about a second at most */
    void *arg;                  /* borrowed */
} OutageEnd;

typedef struct Outage {
    bool (*wait)(void *arg, int64_t ms); /* false: told to end */
    void *arg;                           /* borrowed */
    OutageEnd ends[OUTAGE_ENDS];
} Outage;

/* Wait for ms, or until a server that was seen not to answer answers. A wait of up to OUTAGE_LOOK_MS is just
 * that. false: told to end. */
bool outage_wait(const Outage *o, int64_t ms);

#endif
