#include "standin/tds/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/mem.h"

enum {
    PACKET_IN_BYTES = 64 * 1024, /* holds any packet whole */
    PACKET_FLOW_BYTES = 128 * 1024,
    PACKET_BURST = 256, /* packets in one sendmsg */
    PACKET_LOOK_EVERY_MS = 5,
    PACKET_SEALING_BYTES = 1024 * 1024, /* not kept when larger */
};

struct PacketIo {
    int fd;
    uint32_t size, next_size; /* of this message out, of the next */
    uint16_t spid;
    uint8_t number; /* of the next packet out */
    uint64_t sent;  /* of the message's body */
    bool is_gone;
    bool in_message; /* the next packet in isn't a message's first */
    Tls *tls;        /* NULL: plain */
    Buf sealing;     /* packets on their way into TLS */
    int64_t looked_ms;
    size_t in_at, in_end;
    Buf out;
    uint8_t in[PACKET_IN_BYTES];
};

PacketIo *packet_new(int fd) {
    PacketIo *io = x_calloc(1, sizeof *io);
    io->fd = fd;
    io->size = io->next_size = PACKET_SIZE_DEFAULT;
    io->number = 1;
    return io;
}

PacketIo *packet_free(PacketIo *io) {
    if (io) {
        io->tls = tls_free(io->tls);
        buf_done(&io->sealing);
        buf_done(&io->out);
    }
    free(io);
    return NULL;
}

uint32_t packet_set_size(PacketIo *io, uint32_t size) {
    if (size < PACKET_SIZE_MIN) size = PACKET_SIZE_MIN;
    if (size > PACKET_SIZE_MAX) size = PACKET_SIZE_MAX;
    io->next_size = size;
    return size;
}

void packet_set_spid(PacketIo *io, uint16_t spid) {
    io->spid = spid;
}

/* --- in ---------------------------------------------------------------------------------------------------
 */

/* What is there, up to n bytes; 0: nothing yet, -1: gone. */
static int receive(PacketIo *io, uint8_t *p, size_t n, bool may_wait) {
    if (io->tls) return tls_read(io->tls, p, n, may_wait);
    for (;;) {
        ssize_t got = recv(io->fd, p, n, may_wait ? 0 : MSG_DONTWAIT);
        if (got > 0) return (int)got;
        if (got < 0 && errno == EINTR) continue;
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
    }
}

/* Read what is there. 0: nothing yet (may_wait: for as long as the socket's timeout), -1: gone. */
static int fill(PacketIo *io, bool may_wait) {
    if (io->in_at > 0) {
        memmove(io->in, io->in + io->in_at, io->in_end - io->in_at);
        io->in_end -= io->in_at;
        io->in_at = 0;
    }
    if (io->in_end == sizeof io->in) return 0;
    int n = receive(io, io->in + io->in_end, sizeof io->in - io->in_end, may_wait);
    if (n > 0) io->in_end += (size_t)n;
    if (n < 0) io->is_gone = true;
    return n;
}

static size_t buffered(const PacketIo *io) {
    return io->in_end - io->in_at;
}

static bool fill_to(PacketIo *io, size_t n, Err *e) {
    while (buffered(io) < n) {
        if (fill(io, /* may_wait= */ true) > 0) continue;
        if (buffered(io) == 0 && !io->in_message)
            return err_set(e, ERR_CANCELLED, false, "the client hung up");
        return err_set(e, ERR_IO, false, "the client went away in the middle of a message");
    }
    return true;
}

bool packet_peek(PacketIo *io, uint8_t *ret, Err *e) {
    if (!fill_to(io, 1, e)) return false;
    *ret = io->in[io->in_at];
    return true;
}

bool packet_start_tls(PacketIo *io, TlsServer *tls, TlsMode mode, Err *e) {
    Str early = {(const char *)io->in + io->in_at, buffered(io)};
    if (!tls_accept(tls, io->fd, mode, early, &io->tls, e)) return false;
    io->in_at = io->in_end = 0;
    return true;
}

void packet_keep_tls(PacketIo *io) {
    if (io->tls) tls_keep(io->tls);
}

void packet_drop_tls(PacketIo *io) {
    io->tls = tls_free(io->tls);
}

bool packet_next(PacketIo *io, Packet *ret, Err *e) {
    if (!fill_to(io, PACKET_HEADER_BYTES, e)) return false;
    const uint8_t *h = io->in + io->in_at;
    size_t length = (size_t)(h[2] << 8 | h[3]);
    if (length < PACKET_HEADER_BYTES || length > PACKET_SIZE_MAX) {
        return err_set(e, ERR_INVALID, false, "not a TDS packet: type 0x%02x, length %zu", h[0], length);
    }
    if (!fill_to(io, length, e)) return false;
    h = io->in + io->in_at; /* filling may have moved it */
    *ret = (Packet){h[0], h[1], {(const char *)h + PACKET_HEADER_BYTES, length - PACKET_HEADER_BYTES}};
    io->in_at += length;
    io->in_message = (ret->status & PACKET_STATUS_END) == 0;
    return true;
}

bool packet_rest(PacketIo *io, const Packet *first, size_t max, Buf *body, bool *ret_ignored, Err *e) {
    Packet p = *first;
    for (;;) {
        if (p.type != first->type) {
            return err_set(e, ERR_INVALID, false, "packet type 0x%02x inside a message of type 0x%02x",
                           p.type, first->type);
        }
        buf_str(body, p.body);
        if (body->n > max) return err_set(e, ERR_RANGE, false, "a message of over %zu bytes", max);
        if (p.status & PACKET_STATUS_END) break;
        if (!packet_next(io, &p, e)) return false;
    }
    *ret_ignored = (p.status & PACKET_STATUS_IGNORE) != 0;
    return true;
}

static bool is_attention_next(const PacketIo *io) {
    return buffered(io) >= PACKET_HEADER_BYTES && io->in[io->in_at] == PACKET_ATTENTION;
}

static int64_t coarse_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Look at the socket if that hasn't been done just now. */
static void look(PacketIo *io) {
    int64_t now = coarse_ms();
    if (io->is_gone || now - io->looked_ms < PACKET_LOOK_EVERY_MS) return;
    io->looked_ms = now;
    (void)fill(io, /* may_wait= */ false);
}

bool packet_is_gone(PacketIo *io) {
    look(io);
    return io->is_gone;
}

bool packet_is_interrupted(PacketIo *io) {
    look(io);
    return io->is_gone || is_attention_next(io);
}

bool packet_take_attention(PacketIo *io) {
    if (!is_attention_next(io)) return false;
    Packet p;
    Err e;
    return packet_next(io, &p, &e);
}

/* --- out --------------------------------------------------------------------------------------------------
 */

Buf *packet_out(PacketIo *io) {
    return &io->out;
}

/* The vector joined, so that records are full. */
static bool send_sealed(PacketIo *io, const struct iovec *v, size_t count) {
    buf_clear(&io->sealing);
    for (size_t i = 0; i < count; i++) buf_add(&io->sealing, v[i].iov_base, v[i].iov_len);
    bool ok = tls_write(io->tls, io->sealing.p, io->sealing.n);
    if (io->sealing.cap > PACKET_SEALING_BYTES) buf_done(&io->sealing);
    if (!ok) io->is_gone = true;
    return ok;
}

/* All of the vector; false: the client is gone. */
static bool send_all(PacketIo *io, struct iovec *v, size_t count) {
    if (io->tls) return send_sealed(io, v, count);
    while (count > 0) {
        struct msghdr m = {.msg_iov = v, .msg_iovlen = count};
        ssize_t n = sendmsg(io->fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            io->is_gone = true;
            return false;
        }
        size_t left = (size_t)n;
        while (count > 0 && left >= v->iov_len) {
            left -= v->iov_len;
            v++;
            count--;
        }
        if (left > 0) {
            v->iov_base = (uint8_t *)v->iov_base + left;
            v->iov_len -= left;
        }
    }
    return true;
}

static void write_header(PacketIo *io, uint8_t h[static PACKET_HEADER_BYTES], size_t body, bool is_last) {
    size_t length = body + PACKET_HEADER_BYTES;
    h[0] = PACKET_ANSWER;
    h[1] = is_last ? PACKET_STATUS_END : 0;
    h[2] = (uint8_t)(length >> 8);
    h[3] = (uint8_t)length;
    h[4] = (uint8_t)(io->spid >> 8);
    h[5] = (uint8_t)io->spid;
    h[6] = io->number++;
    h[7] = 0;
}

/* Send the buffer's packets, up to PACKET_BURST of them from *at on: whole ones only, or to the end. */
static bool send_burst(PacketIo *io, size_t *at, bool to_end) {
    uint8_t headers[PACKET_BURST][PACKET_HEADER_BYTES];
    struct iovec v[2 * PACKET_BURST];
    size_t room = io->size - PACKET_HEADER_BYTES, packets = 0;
    for (; packets < PACKET_BURST; packets++) {
        size_t left = io->out.n - *at, body = left < room ? left : room;
        bool is_last = to_end && left <= room;
        if (left <= room && !to_end) break; /* keep one: the message's last packet must not be empty */
        write_header(io, headers[packets], body, is_last);
        v[2 * packets] = (struct iovec){headers[packets], PACKET_HEADER_BYTES};
        v[2 * packets + 1] = (struct iovec){io->out.p ? io->out.p + *at : NULL, body};
        *at += body;
        if (is_last) {
            packets++;
            break;
        }
    }
    return send_all(io, v, 2 * packets);
}

uint64_t packet_sent(const PacketIo *io) {
    return io->sent;
}

void packet_cut(PacketIo *io, uint64_t at) {
    size_t room = io->size - PACKET_HEADER_BYTES, end = at > io->sent ? (size_t)(at - io->sent) : 0;
    if (end > io->out.n) end = io->out.n;
    for (size_t from = 0; from < end && !io->is_gone;) {
        uint8_t header[PACKET_HEADER_BYTES];
        size_t left = io->out.n - from, body = left < room ? left : room, n = end - from;
        write_header(io, header, body, /* is_last= */ false);
        if (n > body) n = body;
        struct iovec v[] = {{header, sizeof header}, {io->out.p + from, n}};
        (void)send_all(io, v, 2);
        from += n;
    }
    io->is_gone = true;
    (void)shutdown(io->fd, SHUT_RDWR);
}

bool packet_flow(PacketIo *io) {
    return io->out.n < PACKET_FLOW_BYTES || packet_push(io);
}

bool packet_push(PacketIo *io) {
    if (io->is_gone) return false;
    size_t at = 0, room = io->size - PACKET_HEADER_BYTES;
    while (io->out.n - at > room) {
        if (!send_burst(io, &at, false)) return false;
    }
    if (at > 0) memmove(io->out.p, io->out.p + at, io->out.n - at);
    io->out.n -= at;
    io->sent += at;
    return true;
}

bool packet_end(PacketIo *io) {
    size_t at = 0;
    if (io->is_gone) return false;
    do {
        if (!send_burst(io, &at, true)) return false;
    } while (at < io->out.n);
    buf_clear(&io->out);
    io->size = io->next_size;
    io->number = 1;
    io->sent = 0;
    return true;
}
