/*
 * tls_client.h - a TLS client of OpenSSL's own over a socket, its handshake bare or inside pre-login packets:
 * for the tests of tds/. Its bytes are pumped through memory BIOs, so a test sees and shapes what goes over
 * the wire. To be included by one file of a test program.
 */
#ifndef TESTS_TLS_CLIENT_H
#define TESTS_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/tds/packet.h"
#include "test.h"

typedef struct TlsClient {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;     /* ssl's */
    size_t piece;      /* bytes of the handshake in one packet; 0: all */
    size_t packets_in; /* pre-login packets of the server */
} TlsClient;

static inline void tls_client_open(TlsClient *c, int fd) {
    *c = (TlsClient){.fd = fd, .context = SSL_CTX_new(TLS_client_method())};
    c->ssl = SSL_new(c->context);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    SSL_set_bio(c->ssl, c->in, c->out);
}

static inline void tls_client_done(TlsClient *c) {
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
}

static inline void tls_client_sends_packet(int fd, const uint8_t *p, size_t n, bool is_last) {
    uint8_t h[PACKET_HEADER_BYTES] = {PACKET_PRELOGIN, is_last ? PACKET_STATUS_END : 0,
                                      (uint8_t)((n + 8) >> 8), (uint8_t)(n + 8)};
    assert_int_equal(send(fd, h, sizeof h, MSG_NOSIGNAL), sizeof h);
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
}

/* What OpenSSL wants to send: owned by ret. */
static inline void tls_client_output(TlsClient *c, Buf *ret) {
    size_t n = BIO_ctrl_pending(c->out);
    if (n == 0) return;
    assert_int_equal(BIO_read(c->out, buf_reserve(ret, n), (int)n), n);
    ret->n += n;
}

static inline void tls_client_flush(TlsClient *c, bool is_wrapped) {
    CLEANUP(buf_done) Buf b = {0};
    tls_client_output(c, &b);
    if (!is_wrapped && b.n > 0) assert_int_equal(send(c->fd, b.p, b.n, MSG_NOSIGNAL), b.n);
    size_t piece = c->piece ? c->piece : b.n;
    for (size_t at = 0; is_wrapped && at < b.n; at += piece) {
        size_t n = b.n - at < piece ? b.n - at : piece;
        tls_client_sends_packet(c->fd, b.p + at, n, at + n == b.n);
    }
}

/* Bytes of the server's into OpenSSL; false: it hung up. */
static inline bool tls_client_feed(TlsClient *c, bool is_wrapped) {
    uint8_t buf[64 * 1024];
    size_t want = sizeof buf;
    if (is_wrapped) {
        uint8_t h[PACKET_HEADER_BYTES];
        if (recv(c->fd, h, sizeof h, MSG_WAITALL) != sizeof h) return false;
        assert_int_equal(h[0], PACKET_PRELOGIN);
        want = (size_t)(h[2] << 8 | h[3]) - sizeof h;
        c->packets_in++;
    }
    ssize_t n = recv(c->fd, buf, want, is_wrapped ? MSG_WAITALL : 0);
    if (n <= 0) return false;
    assert_int_equal(BIO_write(c->in, buf, (int)n), n);
    return true;
}

/* The handshake; false: refused. */
static inline bool tls_client_connects(TlsClient *c, bool is_wrapped) {
    for (;;) {
        int rc = SSL_connect(c->ssl);
        tls_client_flush(c, is_wrapped);
        if (rc == 1) return true;
        if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ || !tls_client_feed(c, is_wrapped)) return false;
    }
}

/* As bare records. */
static inline void tls_client_writes(TlsClient *c, const void *p, size_t n) {
    assert_int_equal(SSL_write(c->ssl, p, (int)n), n);
    tls_client_flush(c, false);
}

/* Exactly n plain bytes; false: the server hung up. */
static inline bool tls_client_reads(TlsClient *c, void *p, size_t n) {
    for (size_t at = 0; at < n;) {
        int got = SSL_read(c->ssl, (uint8_t *)p + at, (int)(n - at));
        if (got > 0) at += (size_t)got;
        else if (SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ || !tls_client_feed(c, false))
            return false;
    }
    return true;
}

#endif
