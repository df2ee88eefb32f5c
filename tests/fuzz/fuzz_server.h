/*
 * fuzz_server.h - the whole stand-in for a fuzz target: a server in memory-backed files, made anew every so
 * many inputs, so that what inputs leave behind stays small. To be included by one file of a program.
 */
#ifndef TESTS_FUZZ_SERVER_H
#define TESTS_FUZZ_SERVER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "standin/cdc/cdc.h"
#include "standin/exec/server.h"
#include "standin/system/system.h"

enum { FUZZ_INPUTS_PER_SERVER = 256, FUZZ_NEVER_MS = 3600000 };

static Server *fuzz_server_open;
static char fuzz_dir[64];
static unsigned fuzz_inputs;
static Session *fuzz_session __attribute__((unused)); /* for the program to use; ends with its server */

static int fuzz_remove(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void fuzz_server_end(void) {
    if (!fuzz_server_open) return;
    if (fuzz_session) fuzz_session = session_close(fuzz_session);
    fuzz_server_open = server_close(fuzz_server_open);
    (void)nftw(fuzz_dir, fuzz_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* A table to find, with rows, a key, text, a computed column. */
static void fuzz_server_fill(void) {
    static const char script[] =
        "CREATE DATABASE f; ALTER DATABASE f SET ALLOW_SNAPSHOT_ISOLATION ON;"
        "EXEC ('USE f; CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int, s nvarchar(50), v varchar(max), d "
        "decimal(10,2) DEFAULT 1, w AS a + 1); INSERT t(id, a, s, v) VALUES (1, 10, N''x'', ''y''), (2, "
        "NULL, NULL, "
        "NULL)')";
    Err e = {0};
    Session *s = session_open_internal(fuzz_server_open, 1, &e);
    if (!s || !session_batch(s, str_from(script))) abort();
    (void)session_close(s);
}

/* The server that the next input is for. */
static inline Server *fuzz_server(void) {
    static const ServerModule *const modules[] = {&cdc_module, &system_module, NULL};
    static bool is_first = true;
    if (fuzz_server_open && ++fuzz_inputs % FUZZ_INPUTS_PER_SERVER != 0) return fuzz_server_open;
    if (is_first) {
        log_set_level(LOG_LEVEL_ERROR);
        (void)atexit(fuzz_server_end);
        is_first = false;
    }
    fuzz_server_end();
    (void)snprintf(fuzz_dir, sizeof fuzz_dir, "%s/fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ServerOptions options = {.name = "fuzz", .capture_interval_ms = FUZZ_NEVER_MS, .modules = modules};
    Err e = {0};
    if (!mkdtemp(fuzz_dir) || !server_open(fuzz_dir, &options, &fuzz_server_open, &e)) {
        (void)fprintf(stderr, "fuzz: %s: %s\n", fuzz_dir, e.msg);
        abort();
    }
    fuzz_server_fill();
    return fuzz_server_open;
}

#endif
