/*
 * A connection is in one of these states:
 *
 *     start ──pre-login──▶ [TLS handshake] ──▶ login ──LOGIN7 accepted──▶ ready ──INSERT BULK──▶ bulk ──▶
 * ready └──LOGIN7 at once (before TDS 7.1)──────▲└──refused──▶ closed       └──hang-up, broken protocol──▶
 * closed
 *
 * enter() goes as far as ready, connection_run's loop stays there; bulk is the session's state, in which
 * packets of type 7 are taken. A request is read whole (bulk data: packet by packet), handed to the session,
 * and its answer ended with the last DONE. When an attention has come meanwhile, what there is of the answer
 * is ended, and a message of its own acknowledges the attention.
 */
#include "standin/tds/connection.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/exec/session.h"
#include "standin/tds/bulkdata.h"
#include "standin/tds/login7.h"
#include "standin/tds/packet.h"
#include "standin/tds/prelogin.h"
#include "standin/tds/rpc.h"
#include "standin/tds/tmrequest.h"
#include "standin/tds/token.h"
#include "standin/types/collation.h"
#include "standin/types/product.h"
#include "standin/types/wtf8.h"

enum {
    CONNECTION_LOGIN_SECONDS = 30, /* a client that says nothing for so long is dropped */
    ERROR_PROTOCOL = 4002,         /* "The incoming … protocol stream is incorrect." */
    ERROR_DESCRIPTOR = 3989,
    ERROR_BULK_STATE = 4891,
    ERROR_NO_DTC = 8501,
    ERROR_LOGIN = 18456,
    ERROR_LOGIN_UNTRUSTED = 18452,
    INFO_DATABASE = 5701,
    INFO_LANGUAGE = 5703,
};

typedef struct Connection {
    int fd;
    Server *server;
    const ConnectionOptions *options;
    PreloginEncrypt encrypt; /* as agreed: OFF is the login only, ON and REQUIRED everything */
    bool is_strict;          /* TDS 8: in TLS from the first byte on */
    Session *session;        /* NULL before login */
    PacketIo *io;
    TokenOut *token;
    Arena arena;               /* of the request being handled */
    Buf body;                  /* likewise */
    uint64_t reset_descriptor; /* of the transaction that the request's own reset bit has ended, or 0 */
} Connection;

/* --- login ------------------------------------------------------------------------------------------------
 */

static void set_read_timeout(int fd, int seconds) {
    struct timeval t = {.tv_sec = seconds};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static PreloginTls own_tls(const Connection *c) {
    if (!c->options->tls || c->is_strict) return PRELOGIN_TLS_NONE; /* strict: there is no more to agree on */
    return c->options->requires_tls ? PRELOGIN_TLS_REQUIRED : PRELOGIN_TLS_OPTIONAL;
}

/* Answer the pre-login, shake hands if that is what was agreed. */
static bool answer_prelogin(Connection *c, Err *e) {
    Prelogin asked;
    if (!prelogin_read(buf_view(&c->body), &asked, e)) return false;
    c->encrypt = prelogin_encrypt(asked.encrypt, own_tls(c));
    prelogin_answer(&asked, PRODUCT_VERSION_WORD, c->encrypt, packet_out(c->io));
    if (!packet_end(c->io)) return err_set(e, ERR_IO, false, "the client hung up after its pre-login");
    if (c->encrypt == PRELOGIN_ENCRYPT_NOT_SUPPORTED) return true;
    if (asked.encrypt == PRELOGIN_ENCRYPT_NOT_SUPPORTED)
        return err_set(e, ERR_INVALID, false, "the client has no encryption, which is required");
    if (!packet_start_tls(c->io, c->options->tls, TLS_IN_PRELOGIN, e)) return false;
    if (c->encrypt != PRELOGIN_ENCRYPT_OFF) packet_keep_tls(c->io);
    return true;
}

/* Why a login can't be taken before the engine is asked, or NULL; *number is set to the error's. */
static const char *unsupported_login(const Connection *c, const Login7 *l, int32_t *number) {
    bool is_tds8 = c->is_strict && l->tds_version == LOGIN7_VERSION_8; /* Microsoft's driver says 7.4 there */
    if (l->tds_version < LOGIN7_VERSION_7_3 && !is_tds8) return "TDS versions before 7.3 are not supported.";
    if (l->wants_integrated_security) {
        *number = ERROR_LOGIN_UNTRUSTED;
        return "Login failed. The login is from an untrusted domain and cannot be used with Integrated "
               "authentication.";
    }
    if (l->wants_federated_security)
        return "Login failed. Federated authentication is not supported by this server.";
    if (l->wants_new_password)
        return "The password change failed. Password change during login is not supported by this server.";
    return NULL;
}

static bool refuse_login(Connection *c, int32_t number, const char *text, Err *e) {
    token_message(c->token, number, 14, 1, text);
    (void)token_end(c->token);
    return err_set(e, ERR_INVALID, false, "login refused: %s", text);
}

/* What the engine says, and that the login has failed if it doesn't say so itself. */
static bool tell_refusal(Connection *c, const Login7 *l, const OutMessage *m, Err *e) {
    enum { LOGIN_ERRORS_FIRST = 18450, LOGIN_ERRORS_LAST = 18499 };
    Out *out = token_out(c->token);
    (void)out->message(out, m);
    if (m->number >= LOGIN_ERRORS_FIRST && m->number <= LOGIN_ERRORS_LAST) {
        (void)out->done(out, OUT_CMD_NONE, false, 0, true);
    } else {
        CLEANUP_FREE char *text = x_asprintf("Login failed for user '" STR_FMT "'.", STR_ARG(l->user));
        token_message(c->token, ERROR_LOGIN, 14, 1, text);
    }
    (void)token_end(c->token);
    return err_set(e, ERR_INVALID, false, "login refused: " STR_FMT, STR_ARG(m->text));
}

/* The version that both sides speak. */
static uint32_t agreed_version(const Login7 *l) {
    if (l->tds_version == LOGIN7_VERSION_8) return LOGIN7_VERSION_8;
    if (l->tds_version >= LOGIN7_VERSION_7_4) return LOGIN7_VERSION_7_4;
    return l->tds_version >= LOGIN7_VERSION_7_3B ? LOGIN7_VERSION_7_3B : LOGIN7_VERSION_7_3;
}

/* In the server's own order. */
static void accept_login(Connection *c, const Login7 *l, uint32_t size) {
    static const Str language = {"us_english", 10};
    Out *out = token_out(c->token);
    Str database = session_database(c->session);
    CLEANUP_FREE char *text = x_asprintf("Changed database context to '" STR_FMT "'.", STR_ARG(database));
    (void)out->env_text(out, OUT_ENV_DATABASE, database, STR_LIT("master"));
    token_message(c->token, INFO_DATABASE, 10, 2, text);
    token_collation(c->token, COLLATION_DEFAULT);
    (void)out->env_text(out, OUT_ENV_LANGUAGE, language, (Str){0});
    token_message(c->token, INFO_LANGUAGE, 10, 1, "Changed language setting to us_english.");
    token_login_ack(c->token, agreed_version(l), PRODUCT_VERSION_WORD);
    token_packet_size(c->token, size, PACKET_SIZE_DEFAULT);
    if (l->wants_utf8) token_utf8_ack(c->token);
}

static int port_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    return name(fd, (struct sockaddr *)&address, &size) == 0 && address.sin_family == AF_INET
               ? ntohs(address.sin_port)
               : 0;
}

static SessionTransport transport(const Connection *c, uint32_t packet_size) {
    return (SessionTransport){.is_encrypted = c->is_strict || c->encrypt == PRELOGIN_ENCRYPT_ON ||
                                              c->encrypt == PRELOGIN_ENCRYPT_REQUIRED,
                              .packet_size = packet_size,
                              .client_port = port_of(c->fd, getpeername),
                              .server_port = port_of(c->fd, getsockname)};
}

static bool login(Connection *c, Err *e) {
    Login7 l;
    token_begin(c->token, false);
    if (!login7_read(buf_view(&c->body), &c->arena, &l, e)) return false;
    int32_t number = ERROR_LOGIN;
    const char *unsupported = unsupported_login(c, &l, &number);
    if (unsupported) return refuse_login(c, number, unsupported, e);
    uint32_t size = packet_set_size(c->io, l.packet_size == 0 ? PACKET_SIZE_DEFAULT : l.packet_size);
    SessionLogin login = {
        .user = l.user,
        .password = l.password,
        .database = l.database,
        .application = l.application,
        .host = l.host,
        .language = l.language,
        .is_read_only_intent = l.is_read_only_intent,
        .is_database_optional = l.is_database_optional,
        .is_odbc = l.is_odbc,
        .transport = transport(c, size),
    };
    OutMessage refusal = {0};
    c->session = session_open(c->server, &login, token_out(c->token), &refusal);
    if (!c->session) return tell_refusal(c, &l, &refusal, e);
    packet_set_spid(c->io, (uint16_t)session_spid(c->session));
    accept_login(c, &l, size);
    return token_end(c->token) || err_set(e, ERR_IO, false, "the client hung up at login");
}

/* The first byte tells TDS 8 from TDS 7. */
static bool start_strict(Connection *c, Err *e) {
    enum { TLS_HANDSHAKE = 0x16 };
    uint8_t first;
    if (!packet_peek(c->io, &first, e)) return false;
    c->is_strict = first == TLS_HANDSHAKE;
    if (!c->is_strict) return true;
    if (!c->options->tls) return err_set(e, ERR_INVALID, false, "a TLS handshake, but TLS is off");
    if (!packet_start_tls(c->io, c->options->tls, TLS_ON_SOCKET, e)) return false;
    packet_keep_tls(c->io);
    return true;
}

/* A whole message of the login phase, into c->body; *ret_type is PACKET_PRELOGIN or PACKET_LOGIN7. */
static bool read_login_message(Connection *c, uint8_t *ret_type, Err *e) {
    enum { MAX_BYTES = 128 * 1024 }; /* [MS-TDS] 2.2.6.4: a LOGIN7 has at most 128 KiB - 1 */
    Packet p;
    bool is_ignored;
    buf_clear(&c->body);
    if (!packet_next(c->io, &p, e)) return false;
    if (p.type != PACKET_PRELOGIN && p.type != PACKET_LOGIN7) {
        return err_set(e, ERR_INVALID, false, "packet type 0x%02x before login", p.type);
    }
    *ret_type = p.type;
    return packet_rest(c->io, &p, MAX_BYTES, &c->body, &is_ignored, e);
}

/* Everything up to the login's answer. */
static bool enter(Connection *c, Err *e) {
    uint8_t type;
    set_read_timeout(c->fd, CONNECTION_LOGIN_SECONDS);
    if (!start_strict(c, e) || !read_login_message(c, &type, e)) return false;
    if (type == PACKET_PRELOGIN) {
        if (!answer_prelogin(c, e) || !read_login_message(c, &type, e)) return false;
        if (type != PACKET_LOGIN7) return err_set(e, ERR_INVALID, false, "a second pre-login");
    }
    bool is_plain = !c->is_strict && c->encrypt == PRELOGIN_ENCRYPT_NOT_SUPPORTED;
    if (is_plain && c->options->requires_tls)
        return err_set(e, ERR_INVALID, false, "a login without the encryption that is required");
    if (c->encrypt == PRELOGIN_ENCRYPT_OFF) packet_drop_tls(c->io);
    if (!login(c, e)) return false;
    set_read_timeout(c->fd, 0);
    return true;
}

/* --- faults -----------------------------------------------------------------------------------------------
 */

static bool is_interrupted(void *arg) {
    return packet_is_interrupted(arg);
}

static bool is_gone(void *arg) {
    return packet_is_gone(arg);
}

/* Before a request that has been read is looked at. */
static void suffer(Connection *c) {
    Fault *f = server_fault(c->server);
    int spid = session_spid(c->session);
    fault_delay(f, spid, is_interrupted, c->io);
    fault_hold(f, spid, /* within_answer= */ false, is_gone, c->io);
}

static bool strike_cut(void *arg, uint64_t at) {
    Connection *c = arg;
    fault_strike(server_fault(c->server), FAULT_CUT, session_spid(c->session));
    packet_cut(c->io, at);
    return false;
}

static bool strike_half_open(void *arg, uint64_t at) {
    Connection *c = arg;
    (void)at;
    if (!packet_push(c->io)) return false;
    fault_hold(server_fault(c->server), session_spid(c->session), /* within_answer= */ true, is_gone, c->io);
    return true;
}

/* An answer begins: what may strike within it. */
static void begin_answer(Connection *c, bool is_rpc) {
    FaultRule r;
    token_begin(c->token, is_rpc);
    if (!fault_of_answer(server_fault(c->server), session_spid(c->session), &r)) return;
    TokenTrap trap = {
        .rows = r.has_rows ? r.rows : UINT64_MAX,
        .bytes = r.has_rows ? UINT64_MAX : r.bytes,
        .strike = r.kind == FAULT_CUT ? strike_cut : strike_half_open,
        .arg = c,
    };
    token_set_trap(c->token, &trap);
}

/* --- requests ---------------------------------------------------------------------------------------------
 */

static bool protocol_error(Connection *c, const Err *e) {
    char text[ERR_MSG_SIZE + 128];
    (void)snprintf(text, sizeof text,
                   "The incoming tabular data stream (TDS) protocol stream is incorrect. %s.", e->msg);
    token_message(c->token, ERROR_PROTOCOL, 16, 1, text);
    return true;
}

/* ALL_HEADERS; false: the request was answered with an error. */
static bool take_headers(Connection *c, Cursor *at) {
    uint64_t descriptor;
    Err e;
    if (!rpc_read_headers(at, &descriptor, &e)) {
        (void)protocol_error(c, &e);
        return false;
    }
    bool is_current = descriptor == session_transaction_descriptor(c->session);
    if (descriptor == 0 || is_current || descriptor == c->reset_descriptor) return true;
    token_message(
        c->token, ERROR_DESCRIPTOR, 16, 1,
        "The request is not allowed to start because it should come with valid transaction descriptor.");
    return false;
}

static bool run_batch(Connection *c, Cursor at) {
    if (!take_headers(c, &at)) return true;
    size_t n = cursor_left(&at);
    char *text = arena_bytes(&c->arena, 3 * (n / 2) + 1);
    Str batch = {text, wtf8_from_utf16le(at.p, n, text)};
    return session_batch(c->session, batch);
}

static bool run_rpc(Connection *c, Cursor at) {
    bool goes_on = true;
    SqlError e;
    if (!take_headers(c, &at)) {
        token_end_procedure(c->token);
        return true;
    }
    while (goes_on && cursor_left(&at) > 0) {
        RpcCall call;
        if (!rpc_read(&at, &c->arena, &call, &e)) {
            token_message(c->token, e.number, e.class_, e.state, e.text);
            token_end_procedure(c->token);
            return true;
        }
        goes_on = session_rpc(c->session, call.procedure, call.params, call.count, call.no_metadata);
        token_end_procedure(c->token);
    }
    return goes_on;
}

static bool run_transaction(Connection *c, Cursor at) {
    TmRequest r;
    Err e;
    if (!take_headers(c, &at)) return true;
    if (!tmrequest_read(&at, &c->arena, &r, &e)) return protocol_error(c, &e);
    if (r.is_distributed) {
        CLEANUP_FREE char *text = x_asprintf("MSDTC on server '%s' is unavailable.", server_name(c->server));
        token_message(c->token, ERROR_NO_DTC, 16, 3, text);
        return true;
    }
    return session_transaction(c->session, r.what, r.name, r.isolation, r.begin_anew);
}

/* The end of an answer: false = close the connection. */
static bool end_answer(Connection *c, bool goes_on) {
    bool is_interrupted = packet_take_attention(c->io);
    if (!token_end(c->token)) return false;
    return is_interrupted ? token_end_attention(c->token) : goes_on;
}

static bool reset_if_asked(Connection *c, uint8_t status) {
    c->reset_descriptor = 0;
    if ((status & (PACKET_STATUS_RESET | PACKET_STATUS_RESET_KEEP)) == 0) return true;
    c->reset_descriptor = session_transaction_descriptor(c->session);
    if (!session_reset(c->session, (status & PACKET_STATUS_RESET_KEEP) != 0)) return false;
    token_reset_done(c->token);
    return true;
}

/* A request that is read whole. */
static bool handle_whole(Connection *c, const Packet *first, Err *e) {
    bool is_ignored, goes_on = true;
    uint8_t type = first->type, status = first->status;
    buf_clear(&c->body);
    arena_clear(&c->arena);
    if (!packet_rest(c->io, first, PACKET_MESSAGE_MAX, &c->body, &is_ignored, e)) return false;
    suffer(c);
    begin_answer(c, type == PACKET_RPC);
    if (is_ignored) return token_end_ignored(c->token) || err_set(e, ERR_IO, false, "the client is gone");
    Cursor at = cursor_over(c->body.p, c->body.n);
    if (!reset_if_asked(c, status)) goes_on = false;
    else if (type == PACKET_BATCH) goes_on = run_batch(c, at);
    else if (type == PACKET_RPC) goes_on = run_rpc(c, at);
    else goes_on = run_transaction(c, at);
    if (c->body.cap > 1024 * 1024) buf_done(&c->body); /* a rare large request doesn't keep its memory */
    return end_answer(c, goes_on) || err_set(e, ERR_CANCELLED, false, "the connection ended");
}

/* --- bulk load --------------------------------------------------------------------------------------------
 */

static bool bulk_columns(void *user, const OutColumn *columns, size_t count) {
    return session_bulk_columns(user, columns, count);
}

static bool bulk_row(void *user, const Value *values) {
    return session_bulk_row(user, values);
}

/* How a client breaks off a message that it hasn't sent whole. */
typedef enum GivenUp { NOT_GIVEN_UP, BY_ATTENTION, BY_STATUS } GivenUp;

/* Feed the load from the message that begins with p, unless *bad is set already; what is wrong with the data
 * is left in *bad, and the message is read to its end all the same. *ret_given_up: by the client. False: the
 * connection is broken, *e tells how. */
static bool read_load(Connection *c, BulkData *bulk, Packet p, GivenUp *ret_given_up, Err *bad, Err *e) {
    bool is_sound = bad->code == ERR_OK;
    *ret_given_up = NOT_GIVEN_UP;
    for (;;) {
        bool is_last = (p.status & PACKET_STATUS_END) != 0;
        if (p.type == PACKET_ATTENTION) *ret_given_up = BY_ATTENTION;
        else if (is_last && (p.status & PACKET_STATUS_IGNORE) != 0) *ret_given_up = BY_STATUS;
        if (*ret_given_up != NOT_GIVEN_UP) return true;
        if (p.type != PACKET_BULK) {
            return err_set(e, ERR_INVALID, false, "packet type 0x%02x inside bulk data", p.type);
        }
        if (is_sound) is_sound = bulkdata_feed(bulk, p.body, is_last, bad);
        if (is_last) break;
        if (!packet_next(c->io, &p, e)) return false;
    }
    return true;
}

static bool handle_bulk(Connection *c, const Packet *first, Err *e) {
    BulkDataSink sink = {.user = c->session, .columns = bulk_columns, .row = bulk_row};
    BulkData *bulk = bulkdata_new(&sink);
    Err bad = {0};
    GivenUp given_up;
    bool in_bulk = session_in_bulk(c->session), goes_on = true;
    token_begin(c->token, false);
    if (!in_bulk) (void)err_set(&bad, ERR_INVALID, false, "bulk data without INSERT BULK before it");
    bool is_read = read_load(c, bulk, *first, &given_up, &bad, e);
    bulk = bulkdata_free(bulk);
    if (!is_read) return false;
    suffer(c);
    bool is_broken = bad.code != ERR_OK;
    if (in_bulk) goes_on = session_bulk_end(c->session, given_up != NOT_GIVEN_UP || is_broken);
    if (given_up == BY_ATTENTION) return token_end_attention(c->token);
    if (given_up == BY_STATUS) return token_end_ignored(c->token);
    if (is_broken && bad.code != ERR_CANCELLED) token_message(c->token, ERROR_BULK_STATE, 16, 1, bad.msg);
    return end_answer(c, goes_on && bad.code != ERR_CANCELLED) ||
           err_set(e, ERR_CANCELLED, false, "the connection ended");
}

/* --- the way through --------------------------------------------------------------------------------------
 */

static bool handle(Connection *c, const Packet *first, Err *e) {
    switch (first->type) {
    case PACKET_BATCH:
    case PACKET_RPC:
    case PACKET_TRANSACTION: return handle_whole(c, first, e);
    case PACKET_BULK: return handle_bulk(c, first, e);
    case PACKET_ATTENTION: /* nothing runs: the answer is due all the same */
        suffer(c);
        token_begin(c->token, false);
        return token_end_attention(c->token) || err_set(e, ERR_IO, false, "the client is gone");
    default: return err_set(e, ERR_INVALID, false, "packet type 0x%02x", first->type);
    }
}

void connection_run(int fd, Server *server, const ConnectionOptions *options) {
    PacketIo *io = packet_new(fd);
    Connection c = {
        .fd = fd,
        .server = server,
        .options = options,
        .encrypt = PRELOGIN_ENCRYPT_NOT_SUPPORTED,
        .io = io,
        .token = token_new(io, server_name(server)),
    };
    Err e = {0};
    Packet first;
    bool is_open = enter(&c, &e);
    if (c.session) fault_connect(server_fault(server), session_spid(c.session), fd);
    while (is_open) {
        is_open = packet_next(c.io, &first, &e) && handle(&c, &first, &e);
        if (is_open && fault_is_dropped(server_fault(server), session_spid(c.session)))
            is_open = err_set(&e, ERR_CANCELLED, false, "a failover");
    }
    if (e.code == ERR_CANCELLED) LOG_DEBUG("connection_closed", LOG_S("reason", e.msg));
    else LOG_INFO("connection_broken", LOG_S("reason", e.msg));
    if (c.session) {
        fault_disconnect(server_fault(server), session_spid(c.session)); /* before the number is another's */
        c.session = session_close(c.session);
    }
    c.token = token_free(c.token);
    c.io = packet_free(c.io);
    arena_done(&c.arena);
    buf_done(&c.body);
}
