/*
 * engine.h - the whole stand-in engine in a test: a server in a new directory, sessions, and their answers as
 * text. Rows come as "a|b|c" lines, NULL as "NULL", binary as 0x…; errors as "ERROR 208: …" lines,
 * information as "INFO …" lines. Everything is asserted to succeed unless an error is what the test looks
 * for.
 */
#ifndef TESTS_ENGINE_H
#define TESTS_ENGINE_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "standin/cdc/cdc.h"
#include "standin/exec/server.h"
#include "standin/system/system.h"
#include "standin/types/convert.h"

typedef struct Engine {
    char dir[64];
    Server *server;
} Engine;

typedef struct Client {
    Out out; /* first: the session gets it as an Out */
    Session *session;
    Buf answer;
    OutColumn columns[128];
    size_t column_count;
    uint64_t rows; /* of the last request */
    uint64_t affected;
    bool keeps_quiet; /* rows are only counted */
} Client;

static inline bool engine_columns(Out *o, const OutColumn *columns, size_t count) {
    Client *c = (Client *)o;
    assert_true(count <= 128);
    memcpy(c->columns, columns, count * sizeof *columns);
    c->column_count = count;
    return true;
}

static inline void engine_value(Buf *out, const Type *type, const Value *v) {
    ConvertError e;
    if (v->kind == VALUE_NULL) {
        buf_cstr(out, "NULL");
    } else if (type_is_binary(type->id)) {
        buf_cstr(out, "0x");
        for (size_t i = 0; i < v->v.s.n; i++) buf_printf(out, "%02X", (uint8_t)v->v.s.p[i]);
    } else {
        assert_true(convert_to_text(type, *v, 121, out, &e) || convert_to_text(type, *v, -1, out, &e));
    }
}

static inline bool engine_row(Out *o, const Value *values) {
    Client *c = (Client *)o;
    c->rows++;
    for (size_t i = 0; !c->keeps_quiet && i < c->column_count; i++) {
        if (i) buf_u8(&c->answer, '|');
        engine_value(&c->answer, &c->columns[i].type, &values[i]);
    }
    if (!c->keeps_quiet) buf_u8(&c->answer, '\n');
    return true;
}

static inline bool engine_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    (void)command, (void)failed;
    if (has_count) ((Client *)o)->affected = rows;
    return true;
}

static inline bool engine_message(Out *o, const OutMessage *m) {
    Client *c = (Client *)o;
    if (m->number == 5701 || m->number == 5703) return true; /* changed database, language */
    if (m->class_ > 10) buf_printf(&c->answer, "ERROR %d: " STR_FMT "\n", m->number, STR_ARG(m->text));
    else buf_printf(&c->answer, "INFO " STR_FMT "\n", STR_ARG(m->text));
    return true;
}

static inline bool engine_env_text(Out *o, OutEnv what, Str now, Str before) {
    (void)o, (void)what, (void)now, (void)before;
    return true;
}
static inline bool engine_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    (void)o, (void)what, (void)descriptor;
    return true;
}
static inline bool engine_return_status(Out *o, int32_t status) {
    (void)o, (void)status;
    return true;
}
static inline bool engine_return_value(Out *o, uint16_t ordinal, Str name, const Type *type,
                                       const Value *value) {
    (void)o, (void)ordinal, (void)name, (void)type, (void)value;
    return true;
}
static inline bool engine_is_cancelled(Out *o) {
    (void)o;
    return false;
}
static inline void engine_procedure(Out *o, bool enters) {
    (void)o, (void)enters;
}

static inline void engine_open(Engine *en, int64_t capture_interval_ms) {
    static const ServerModule *const modules[] = {&cdc_module, &system_module, NULL};
    Err e = {0};
    ServerOptions options = {.capture_interval_ms = capture_interval_ms, .modules = modules};
    if (!server_open(en->dir, &options, &en->server, &e)) fail_msg("%s", e.msg);
}

/* A server in a new directory; scans every capture_interval_ms. */
static inline Engine engine_start(int64_t capture_interval_ms) {
    Engine en = {.dir = "/tmp/engine-XXXXXX"};
    assert_non_null(mkdtemp(en.dir));
    engine_open(&en, capture_interval_ms);
    return en;
}

static inline void engine_stop(Engine *en) {
    char command[128];
    en->server = server_close(en->server);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", en->dir);
    assert_int_equal(system(command), 0);
}

static inline Client *client_open_as(Engine *en, const char *user, const char *password,
                                     const char *database) {
    Client *c = x_calloc(1, sizeof *c);
    c->out = (Out){engine_columns,       engine_row,          engine_done,
                   engine_message,       engine_env_text,     engine_env_transaction,
                   engine_return_status, engine_return_value, engine_is_cancelled,
                   engine_procedure};
    SessionLogin login = {.user = str_from(user),
                          .password = str_from(password),
                          .database = str_from(database),
                          .is_odbc = true};
    OutMessage m;
    c->session = session_open(en->server, &login, &c->out, &m);
    if (!c->session) fail_msg("login: " STR_FMT "", STR_ARG(m.text));
    buf_clear(&c->answer);
    return c;
}

static inline Client *client_open(Engine *en, const char *database) {
    return client_open_as(en, "sa", "", database);
}

static inline void client_close(Client *c) {
    (void)session_close(c->session);
    buf_done(&c->answer);
    free(c);
}

/* Run a batch; the answer as text, until the next call. */
static inline const char *ask(Client *c, const char *sql) {
    buf_clear(&c->answer);
    c->rows = 0;
    assert_true(session_batch(c->session, str_from(sql)));
    return buf_text(&c->answer);
}

/* Run a batch that must not fail. */
static inline void run(Client *c, const char *sql) {
    const char *answer = ask(c, sql);
    if (strstr(answer, "ERROR ")) fail_msg("%s\n%s", sql, answer);
}

/* Ask again until the answer is what is wanted, or a deadline. */
static inline void await_answer(Client *c, const char *sql, const char *wanted) {
    int64_t until = clock_mono_us() + 20 * 1000000;
    while (strcmp(ask(c, sql), wanted) != 0) {
        if (clock_mono_us() > until) fail_msg("%s\nis still: %s\nnot: %s", sql, buf_text(&c->answer), wanted);
        clock_sleep_ms(5);
    }
}

#define assert_answer(c, sql, wanted) assert_string_equal(ask((c), (sql)), (wanted))

#endif
