/*
 * collector.h - a stand-in server in a fresh directory, and sessions whose answers come back as text: what
 * the tests of exec/ and cdc/ run whole batches with.
 *
 * The text of an answer: `[a int, b nvarchar(10)]` for a result set, `1|x` for a row (NULL as such), `#3` for
 * a DONE with a count, `!208 text` for an error, `-5701 text` for an information, `?12` for a return status,
 * `=@h:1` for an output value, `begin`, `commit` and `rollback` for the environment changes, each ending in a
 * newline. A DONE without a count adds nothing.
 */
#ifndef TESTS_UNIT_COLLECTOR_H
#define TESTS_UNIT_COLLECTOR_H

#include "test.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/exec/server.h"
#include "standin/types/convert.h"

typedef struct Collector {
    Out out;
    Buf text;
    Type types[64];
    size_t columns;
    bool has_metadata; /* show result sets' columns */
    atomic_bool is_cancelled;
} Collector;

static bool collect_columns(Out *o, const OutColumn *columns, size_t count) {
    Collector *c = (Collector *)o;
    c->columns = count;
    if (c->has_metadata) buf_cstr(&c->text, "[");
    for (size_t i = 0; i < count; i++) {
        c->types[i] = columns[i].type;
        if (!c->has_metadata) continue;
        buf_printf(&c->text, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(columns[i].name));
        type_format(&columns[i].type, &c->text);
        if (!columns[i].is_nullable) buf_cstr(&c->text, " not null");
    }
    if (c->has_metadata) buf_cstr(&c->text, "]\n");
    return true;
}

static bool collect_row(Out *o, const Value *values) {
    Collector *c = (Collector *)o;
    for (size_t i = 0; i < c->columns; i++) {
        ConvertError ignored;
        if (i) buf_cstr(&c->text, "|");
        if (values[i].kind == VALUE_NULL) buf_cstr(&c->text, "NULL");
        else if (!convert_to_text(&c->types[i], values[i], CONVERT_STYLE_DEFAULT, &c->text, &ignored))
            buf_cstr(&c->text, "?");
    }
    buf_cstr(&c->text, "\n");
    return true;
}

static bool collect_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    Collector *c = (Collector *)o;
    (void)command, (void)failed;
    if (has_count) buf_printf(&c->text, "#%llu\n", (unsigned long long)rows);
    return true;
}

static bool collect_message(Out *o, const OutMessage *m) {
    Collector *c = (Collector *)o;
    buf_printf(&c->text, "%s%d " STR_FMT "\n", m->class_ > 10 ? "!" : "-", m->number, STR_ARG(m->text));
    return true;
}

static bool collect_env_text(Out *o, OutEnv what, Str now, Str before) {
    (void)o, (void)what, (void)now, (void)before;
    return true;
}

static bool collect_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    Collector *c = (Collector *)o;
    (void)descriptor;
    buf_cstr(&c->text, what == OUT_ENV_BEGIN    ? "begin\n"
                       : what == OUT_ENV_COMMIT ? "commit\n"
                                                : "rollback\n");
    return true;
}

static bool collect_status(Out *o, int32_t status) {
    buf_printf(&((Collector *)o)->text, "?%d\n", status);
    return true;
}

static bool collect_value(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value) {
    Collector *c = (Collector *)o;
    ConvertError ignored;
    (void)ordinal;
    buf_printf(&c->text, "=" STR_FMT ":", STR_ARG(name));
    if (value->kind == VALUE_NULL ||
        !convert_to_text(type, *value, CONVERT_STYLE_DEFAULT, &c->text, &ignored))
        buf_cstr(&c->text, "NULL");
    buf_cstr(&c->text, "\n");
    return true;
}

static bool collect_cancelled(Out *o) {
    return atomic_load(&((Collector *)o)->is_cancelled);
}
static void collect_procedure(Out *o, bool enters) {
    (void)o, (void)enters;
}

static inline void collector_init(Collector *c) {
    *c = (Collector){.out = {collect_columns, collect_row, collect_done, collect_message, collect_env_text,
                             collect_env_transaction, collect_status, collect_value, collect_cancelled,
                             collect_procedure}};
}

/* ---- a server, its directory, and sessions of sa */

typedef struct TestServer {
    char dir[64];
    Server *server;
} TestServer;

typedef struct TestClient {
    Collector collector;
    Session *session;
    pthread_t thread;
    const char *sql; /* what the thread runs */
} TestClient;

static inline void testserver_open(TestServer *t, const ServerOptions *options) {
    Err e = {0};
    const ServerOptions none = {0};
    if (!*t->dir) {
        (void)snprintf(t->dir, sizeof t->dir, "/tmp/standin-test-XXXXXX");
        if (!mkdtemp(t->dir)) abort();
    }
    if (server_open(t->dir, options ? options : &none, &t->server, &e)) return;
    (void)fprintf(stderr, "server_open: %s\n", e.msg);
    abort();
}

static inline int testserver_remove(const char *path, const struct stat *st, int kind, struct FTW *f) {
    (void)st, (void)kind, (void)f;
    return remove(path);
}

static inline void testserver_close(TestServer *t) {
    t->server = server_close(t->server);
    (void)nftw(t->dir, testserver_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void testclient_open(TestClient *c, Server *server, const char *user, const char *database) {
    OutMessage m;
    SessionLogin login = {.user = str_from(user), .password = STR_LIT("x"), .database = str_from(database)};
    collector_init(&c->collector);
    c->session = session_open(server, &login, &c->collector.out, &m);
    if (c->session) return;
    (void)fprintf(stderr, "session_open: %d " STR_FMT "\n", m.number, STR_ARG(m.text));
    abort();
}

static inline void testclient_close(TestClient *c) {
    c->session = session_close(c->session);
    buf_done(&c->collector.text);
}

/* Run a batch; its answer as text, borrowed until the client's next call. */
static inline const char *testclient_run(TestClient *c, const char *sql) {
    buf_clear(&c->collector.text);
    (void)session_batch(c->session, str_from(sql));
    return buf_text(&c->collector.text);
}

/* The answer to a batch is this text. */
#define ASK(client, sql, answer) assert_string_equal(testclient_run((client), (sql)), (answer))

/* ---- two clients at once: one runs in a thread of its own, and may have to wait for a lock */

static inline void *testclient_thread(void *arg) {
    TestClient *c = arg;
    (void)testclient_run(c, c->sql);
    return NULL;
}

typedef struct WaiterSearch {
    int spid;
    bool found;
} WaiterSearch;

static inline void waiter_visit(void *arg, const LockShown *l) {
    WaiterSearch *w = arg;
    if (l->spid == w->spid && !l->is_granted) w->found = true;
}

/* Is the client waiting for a lock? */
static inline bool testclient_waits(Server *server, const TestClient *c) {
    WaiterSearch w = {.spid = session_spid(c->session)};
    locktable_visit(store_locks(server_store(server)), waiter_visit, &w);
    return w.found;
}

static inline void testclient_start(TestClient *c, const char *sql) {
    c->sql = sql;
    if (pthread_create(&c->thread, NULL, testclient_thread, c) != 0) abort();
}

/* Start it and come back when it waits for a lock; the test fails if it never does. */
static inline void testclient_start_and_wait(Server *server, TestClient *c, const char *sql) {
    testclient_start(c, sql);
    int64_t end_us = clock_mono_us() + 20000000;
    while (!testclient_waits(server, c)) {
        if (clock_mono_us() > end_us) fail_msg("no lock was waited for: %s", sql);
        clock_sleep_ms(1);
    }
}

static inline const char *testclient_finish(TestClient *c) {
    (void)pthread_join(c->thread, NULL);
    return buf_text(&c->collector.text);
}

#endif
