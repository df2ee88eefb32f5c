/*
 * collector_sa.h - a server and sa's session `a` on it: what the tests of one file share. To be included by
 * one file of a test program.
 */
#ifndef TESTS_UNIT_COLLECTOR_SA_H
#define TESTS_UNIT_COLLECTOR_SA_H

#include "collector.h"

static TestServer server;
static TestClient a;

static inline int sa_open(void **state) {
    (void)state;
    server = (TestServer){0};
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "");
    return 0;
}

/* And in a new database `shop`. */
static inline int sa_open_shop(void **state) {
    (void)sa_open(state);
    ASK(&a, "CREATE DATABASE shop", "");
    (void)testclient_run(&a, "USE shop");
    return 0;
}

static inline int sa_close(void **state) {
    (void)state;
    testclient_close(&a);
    testserver_close(&server);
    return 0;
}

#endif
