/*
 * fuzz_connection.c - libFuzzer: everything that a client can send, over a socket, to the whole stand-in. The
 * first byte says what the rest is:
 *
 *     0  the connection's bytes from its first on
 *     1  its bytes after pre-login and login
 *     2  after the login, requests: {kind, u16 length, body} …; packets, headers and UTF-16 are put around
 * them (kinds: SQL text, RPC, transaction request, bulk data, attention, a request given up)
 *
 * What is sent back must be a run of whole packets of answers.
 */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/utf.h"
#include "fuzz_server.h"
#include "standin/tds/connection.h"
#include "standin/tds/packet.h"
#include "standin/types/wtf8.h"

enum { MAX_INPUT = 32 * 1024, BURST = 4000, QUIET_MS = 3, LOGIN_FIXED_BYTES = 94 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- what the client sends --------------------------------------------------------------------------------
 */

static void add_message(Buf *out, uint8_t type, uint8_t status, Str body) {
    do {
        Str piece = str_sub(body, 0, BURST);
        body = str_sub(body, piece.n, body.n);
        buf_u8(out, type);
        buf_u8(out, body.n == 0 ? status : status & (uint8_t)~PACKET_STATUS_END);
        buf_be16(out, (uint16_t)(piece.n + PACKET_HEADER_BYTES));
        buf_be32(out, 0);
        buf_str(out, piece);
    } while (body.n > 0);
}

static void add_login(Buf *out) {
    static const char prelogin[] = "\1\0\6\0\1\xff\2";
    CLEANUP(buf_done) Buf b = {0};
    while (b.n < LOGIN_FIXED_BYTES) buf_u8(&b, 0);
    b.p[7] = 0x74;
    b.p[4] = 0x04;
    b.p[24] = 0xe0;
    b.p[25] = 0x03;
    static const struct {
        uint8_t at;
        const char *text;
    } fields[] = {{40, "sa"}, {68, "f"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        b.p[fields[i].at] = (uint8_t)b.n;
        size_t units = utf_8_to_16le(str_from(fields[i].text), &b);
        b.p[fields[i].at + 2] = (uint8_t)units;
    }
    b.p[0] = (uint8_t)b.n;
    add_message(out, PACKET_PRELOGIN, PACKET_STATUS_END, (Str){prelogin, sizeof prelogin - 1});
    add_message(out, PACKET_LOGIN7, PACKET_STATUS_END, buf_view(&b));
}

static void add_headers(Buf *b) {
    buf_le32(b, 22);
    buf_le32(b, 18);
    buf_le16(b, 2);
    buf_le64(b, 0);
    buf_le32(b, 1);
}

/* One request of mode 2; the kind's upper bits: reset, no end, more. */
static void add_request(Buf *out, uint8_t kind, Str body) {
    static const uint8_t resets[] = {0, 0, PACKET_STATUS_RESET, PACKET_STATUS_RESET_KEEP};
    CLEANUP(buf_done) Buf b = {0};
    uint8_t status = PACKET_STATUS_END | resets[kind >> 6];
    switch (kind % 8) {
    case 0:
    case 1: {
        add_headers(&b);
        uint8_t *p = buf_reserve(&b, 2 * body.n);
        b.n += wtf8_to_utf16le(body, p);
        add_message(out, PACKET_BATCH, status, buf_view(&b));
        break;
    }
    case 2:
    case 3:
        add_headers(&b);
        buf_str(&b, body);
        add_message(out, PACKET_RPC, status, buf_view(&b));
        break;
    case 4:
        add_headers(&b);
        buf_str(&b, body);
        add_message(out, PACKET_TRANSACTION, status, buf_view(&b));
        break;
    case 5: add_message(out, PACKET_BULK, status, body); break;
    case 6: add_message(out, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0}); break;
    default: add_message(out, PACKET_BATCH, PACKET_STATUS_END | PACKET_STATUS_IGNORE, body);
    }
}

static void make_input(Buf *out, const uint8_t *data, size_t size) {
    if (data[0] % 3 == 0) {
        buf_add(out, data + 1, size - 1);
        return;
    }
    add_login(out);
    if (data[0] % 3 == 1) {
        buf_add(out, data + 1, size - 1);
        return;
    }
    Cursor c = cursor_over(data + 1, size - 1);
    while (cursor_left(&c) > 3) {
        uint8_t kind = cursor_u8(&c);
        size_t n = cursor_le16(&c);
        add_request(out, kind, cursor_bytes(&c, n < cursor_left(&c) ? n : cursor_left(&c)));
    }
}

/* --- the client -------------------------------------------------------------------------------------------
 */

typedef struct Peer {
    int fd;
    Buf input, output;
} Peer;

/* Send all, take all, hang up once nothing has come for a while after everything was taken. */
static void *talk(void *arg) {
    Peer *p = arg;
    size_t sent = 0;
    for (bool is_shut = false;;) {
        struct pollfd poller = {.fd = p->fd, .events = POLLIN};
        if (sent < p->input.n) poller.events |= POLLOUT;
        int ready = poll(&poller, 1, QUIET_MS);
        int waiting = 0;
        if (ready == 0 && !is_shut && sent == p->input.n && ioctl(p->fd, TIOCOUTQ, &waiting) == 0 &&
            waiting == 0) {
            (void)shutdown(p->fd, SHUT_WR);
            is_shut = true;
        }
        if (poller.revents & POLLOUT) {
            ssize_t n = send(p->fd, p->input.p + sent, p->input.n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) sent += (size_t)n;
            else if (n < 0 && !(poller.revents & POLLIN)) sent = p->input.n; /* the server hung up */
        }
        if (poller.revents & (POLLIN | POLLHUP)) {
            uint8_t *at = buf_reserve(&p->output, 65536);
            ssize_t n = recv(p->fd, at, 65536, 0);
            if (n <= 0) return NULL;
            if (p->output.n < 1024 * 1024) p->output.n += (size_t)n; /* the rest isn't looked at */
        }
    }
}

static void check_output(const Buf *out) {
    if (out->n >= 1024 * 1024) return;
    Cursor c = cursor_over(out->p, out->n);
    while (cursor_left(&c) > 0) {
        uint8_t type = cursor_u8(&c), status = cursor_u8(&c);
        size_t length = cursor_be16(&c);
        assert(!c.failed && (type == PACKET_ANSWER || type == PACKET_PRELOGIN));
        assert(status <= PACKET_STATUS_END && length > PACKET_HEADER_BYTES && length <= PACKET_SIZE_MAX);
        cursor_skip(&c, length - 4);
    }
    /* The last one may be cut: a client that hung up gets no more. */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > MAX_INPUT) return -1;
    int fds[2];
    pthread_t thread;
    Peer peer = {0};
    Server *server = fuzz_server();
    ConnectionOptions options = {0};
    make_input(&peer.input, data, size);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) abort();
    peer.fd = fds[0];
    if (pthread_create(&thread, NULL, talk, &peer) != 0) abort();
    connection_run(fds[1], server, &options);
    (void)close(fds[1]);
    (void)pthread_join(thread, NULL);
    (void)close(fds[0]);
    check_output(&peer.output);
    fault_end_all(server_fault(server)); /* an input may have asked for some */
    buf_done(&peer.input);
    buf_done(&peer.output);
    return 0;
}
