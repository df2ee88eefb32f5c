/*
 * fake_session.h - a session that notes what it is asked, and a client that speaks raw TDS to it: for the
 * tests of tds/. To be included by one file of a test program: it defines exec/session.h's functions.
 */
#ifndef TESTS_FAKE_SESSION_H
#define TESTS_FAKE_SESSION_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf.h"
#include "standin/exec/server.h"
#include "standin/tds/packet.h"
#include "test.h"

struct Server {
    pthread_mutex_t mutex;
    Buf notes; /* "login sa; batch select 1; …" */
    int open_sessions;
};

struct Session {
    Server *server;
    Out *out;
    bool in_bulk, is_reset;
};

static Server fake_server = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void note(const char *what, Str detail) {
    (void)pthread_mutex_lock(&fake_server.mutex);
    buf_printf(&fake_server.notes, "%s" STR_FMT "; ", what, STR_ARG(detail));
    (void)pthread_mutex_unlock(&fake_server.mutex);
}

static Fault *fake_fault; /* for the whole program */

static void make_fault(void) {
    fake_fault = fault_new();
}

Fault *server_fault(const Server *server) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)server;
    (void)pthread_once(&once, make_fault);
    return fake_fault;
}

const char *server_name(const Server *server) {
    (void)server;
    return "fake";
}

Session *session_open(Server *server, const SessionLogin *login, Out *out, OutMessage *ret_message) {
    if (str_eq_c(login->password, "no database")) {
        *ret_message =
            (OutMessage){.number = 4060, .state = 1, .class_ = 11, .text = STR_LIT("No database.")};
        return NULL;
    }
    if (!str_eq_c(login->password, "right")) {
        *ret_message =
            (OutMessage){.number = 18456, .state = 1, .class_ = 14, .text = STR_LIT("Login failed.")};
        return NULL;
    }
    Session *s = x_calloc(1, sizeof *s);
    s->server = server;
    s->out = out;
    (void)__atomic_add_fetch(&server->open_sessions, 1, __ATOMIC_SEQ_CST);
    return s;
}

Session *session_close(Session *s) {
    (void)__atomic_sub_fetch(&s->server->open_sessions, 1, __ATOMIC_SEQ_CST);
    free(s);
    return NULL;
}

int session_spid(const Session *s) {
    (void)s;
    return 51;
}

Str session_database(const Session *s) {
    (void)s;
    return STR_LIT("master");
}

bool session_reset(Session *s, bool keep_transaction) {
    if (!keep_transaction) s->is_reset = true;
    note("reset ", keep_transaction ? STR_LIT("keep") : STR_LIT("all"));
    return true;
}

uint64_t session_transaction_descriptor(const Session *s) {
    return s->is_reset ? 0 : 7;
}

/* "wait" runs until it is cancelled; "bulk" waits for rows. */
bool session_batch(Session *s, Str text) {
    note("batch ", text);
    while (str_eq_c(text, "wait")) {
        if (s->out->is_cancelled(s->out)) return false;
        clock_sleep_ms(1);
    }
    s->in_bulk = str_eq_c(text, "bulk");
    return s->out->done(s->out, OUT_CMD_NONE, false, 0, false);
}

bool session_rpc(Session *s, Str procedure, const SessionParam *params, size_t count, bool no_metadata) {
    (void)params;
    (void)count;
    (void)no_metadata;
    note("rpc ", procedure);
    return s->out->done(s->out, OUT_CMD_SELECT, true, 0, false) && s->out->return_status(s->out, 0);
}

bool session_transaction(Session *s, SessionTm what, Str name, int isolation, bool begin_anew) {
    (void)name;
    (void)isolation;
    (void)begin_anew;
    note("transaction", (Str){0});
    return s->out->env_transaction(s->out, what == SESSION_TM_BEGIN ? OUT_ENV_BEGIN : OUT_ENV_COMMIT, 7) &&
           s->out->done(s->out, OUT_CMD_NONE, false, 0, false);
}

bool session_in_bulk(const Session *s) {
    return s->in_bulk;
}

bool session_bulk_columns(Session *s, const OutColumn *columns, size_t count) {
    (void)s;
    (void)count;
    note("columns ", columns[0].name);
    return true;
}

bool session_bulk_row(Session *s, const Value *values) {
    (void)s;
    (void)values;
    note("row", (Str){0});
    return true;
}

bool session_bulk_end(Session *s, bool is_cancelled) {
    s->in_bulk = false;
    note("end ", is_cancelled ? STR_LIT("cancelled") : STR_LIT("whole"));
    return is_cancelled || s->out->done(s->out, OUT_CMD_BULK, true, 1, false);
}

/* --- the client -------------------------------------------------------------------------------------------
 */

static inline void client_sends(int fd, uint8_t type, uint8_t status, Str body) {
    CLEANUP(buf_done) Buf b = {0};
    buf_u8(&b, type);
    buf_u8(&b, status);
    buf_be16(&b, (uint16_t)(body.n + PACKET_HEADER_BYTES));
    buf_be32(&b, 0);
    buf_str(&b, body);
    assert_int_equal(write(fd, b.p, b.n), b.n);
}

/* The next answer's body; false: the server hung up. */
static inline bool client_reads(int fd, Buf *body) {
    buf_clear(body);
    for (;;) {
        uint8_t h[PACKET_HEADER_BYTES];
        if (recv(fd, h, sizeof h, MSG_WAITALL) != sizeof h) return false;
        size_t n = (size_t)(h[2] << 8 | h[3]) - PACKET_HEADER_BYTES;
        uint8_t *p = buf_reserve(body, n + 1);
        if (n > 0) assert_int_equal(recv(fd, p, n, MSG_WAITALL), n);
        body->n += n;
        if (h[1] & PACKET_STATUS_END) return true;
    }
}

static inline void set16(Buf *b, size_t at, size_t v) {
    b->p[at] = (uint8_t)v;
    b->p[at + 1] = (uint8_t)(v >> 8);
}

/* LOGIN7 of sa with that password; version as the wire's u32. */
static inline void client_logs_in(int fd, const char *password, uint32_t version) {
    CLEANUP(buf_done) Buf b = {0};
    while (b.n < 94) buf_u8(&b, 0);
    for (size_t i = 0; i < 4; i++) b.p[4 + i] = (uint8_t)(version >> (8 * i));
    set16(&b, 8, 8000);
    set16(&b, 40, b.n);
    set16(&b, 42, utf_8_to_16le(STR_LIT("sa"), &b));
    size_t start = b.n;
    size_t units = utf_8_to_16le(str_from(password), &b);
    for (size_t i = start; i < b.n; i++) b.p[i] = (uint8_t)((b.p[i] << 4 | b.p[i] >> 4) ^ 0xa5);
    set16(&b, 44, start);
    set16(&b, 46, units);
    set16(&b, 0, b.n);
    client_sends(fd, PACKET_LOGIN7, PACKET_STATUS_END, buf_view(&b));
}

/* ALL_HEADERS with that descriptor. */
static inline void add_headers(Buf *b, uint64_t descriptor) {
    buf_le32(b, 22);
    buf_le32(b, 18);
    buf_le16(b, 2);
    buf_le64(b, descriptor);
    buf_le32(b, 1);
}

static inline void client_batches(int fd, const char *text, uint8_t status, uint64_t descriptor) {
    CLEANUP(buf_done) Buf b = {0};
    add_headers(&b, descriptor);
    (void)utf_8_to_16le(str_from(text), &b);
    client_sends(fd, PACKET_BATCH, status, buf_view(&b));
}

#endif
