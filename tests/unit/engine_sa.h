/*
 * engine_sa.h - an engine and sa's session on it: what the tests of one file share. To be included by one
 * file of a test program.
 */
#ifndef TESTS_ENGINE_SA_H
#define TESTS_ENGINE_SA_H

#include "engine.h"

static Engine engine;
static Client *sa;

/* sa in master of a new server that scans every capture_interval_ms; 0, as set-up functions give. */
static inline int sa_open(void **state, int64_t capture_interval_ms) {
    (void)state;
    engine = engine_start(capture_interval_ms);
    sa = client_open(&engine, "master");
    return 0;
}

static inline int sa_close(void **state) {
    (void)state;
    client_close(sa);
    engine_stop(&engine);
    return 0;
}

#endif
