/*
 * pg_fixture.h - a throw-away PostgreSQL cluster for one test program: made and started at the first
 * pg_fixture_start, on a Unix socket only, stopped and removed by pg_fixture_stop. fsync is off. As root it
 * runs as user postgres.
 */
#ifndef TESTS_PG_FIXTURE_H
#define TESTS_PG_FIXTURE_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "postgres/pgconn.h"
#include "test.h"

static char pg_fixture_dir[64];
static char pg_fixture_bin[128];
static char pg_fixture_conninfo[128];

__attribute__((format(printf, 1, 2))) static int pg_fixture_run(const char *fmt, ...) {
    char command[1024], as_user[1200];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    const char *who = geteuid() == 0 ? "runuser -u postgres -- " : "";
    (void)snprintf(as_user, sizeof as_user, "cd / && %s%s >>/tmp/pg_fixture.%d.log 2>&1", who, command,
                   (int)getpid());
    return system(as_user); // NOLINT: a test's fixed commands
}

static inline int pg_fixture_start(void **state) {
    (void)state;
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0) return -1;
    (void)snprintf(pg_fixture_bin, sizeof pg_fixture_bin, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    (void)snprintf(pg_fixture_dir, sizeof pg_fixture_dir, "/tmp/millrace-pg.%d", (int)getpid());
    (void)snprintf(pg_fixture_conninfo, sizeof pg_fixture_conninfo, "host=%s user=postgres dbname=postgres",
                   pg_fixture_dir);
    if (pg_fixture_run("mkdir -m 755 %s", pg_fixture_dir) != 0) return -1;
    if (pg_fixture_run("%s/initdb -D %s/data -U postgres -A trust -E UTF8 --locale=C --no-sync",
                       pg_fixture_bin, pg_fixture_dir) != 0)
        return -1;
    return pg_fixture_run("%s/pg_ctl -D %s/data -w -l %s/log -o \"-c fsync=off -c listen_addresses= -k %s "
                          "-c shared_buffers=16MB -c max_connections=30 -c autovacuum=off\" start",
                          pg_fixture_bin, pg_fixture_dir, pg_fixture_dir, pg_fixture_dir);
}

static inline int pg_fixture_stop(void **state) {
    (void)state;
    (void)pg_fixture_run("%s/pg_ctl -D %s/data -w -m immediate stop", pg_fixture_bin, pg_fixture_dir);
    (void)pg_fixture_run("rm -r %s", pg_fixture_dir);
    char log[64];
    (void)snprintf(log, sizeof log, "/tmp/pg_fixture.%d.log", (int)getpid());
    (void)unlink(log);
    return 0;
}

static inline PgConn *pg_fixture_connect(void) {
    const PgConnSpec spec = {.conninfo = pg_fixture_conninfo, .application = "test"};
    PgConn *c = NULL;
    Err e = {0};
    if (!pgconn_open(&spec, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

static inline void pg_fixture_exec(PgConn *c, const char *sql) {
    Err e = {0};
    if (!pgconn_exec(c, sql, &e)) fail_msg("%s: %s", sql, e.msg);
}

/* The answer's first column, rows joined by '|', NULL as "null"; borrowed until the next call. */
static inline const char *pg_fixture_text(PgConn *c, const char *sql) {
    static char text[8192];
    PGresult *r = NULL;
    Err e = {0};
    if (!pgconn_query(c, sql, NULL, 0, &r, &e)) fail_msg("%s: %s", sql, e.msg);
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < PQntuples(r) && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? "|" : "",
                              PQgetisnull(r, i, 0) ? "null" : PQgetvalue(r, i, 0));
    PQclear(r);
    return text;
}

#endif
