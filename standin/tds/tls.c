/*
 * OpenSSL reads and writes through a BIO of ours over the socket. While the handshake of a TDS 7 client
 * lasts, the BIO takes off and puts on the headers of pre-login packets; a flight is collected and goes out
 * as one message when OpenSSL flushes. No session tickets and no renegotiation: nothing may come that the
 * login's hand-over to plain packets doesn't expect.
 */
#include "standin/tds/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/tds/packet.h"

enum { CERTIFICATE_DAYS = 3650, RSA_BITS = 2048, CERTIFICATE_VERSION_3 = 2 };

struct TlsServer {
    SSL_CTX *context;
    BIO_METHOD *method;
    pthread_mutex_t mutex; /* of making the certificate */
    bool has_certificate;
};

struct Tls {
    SSL *ssl;
    int fd;
    TlsMode mode;
    int read_flags;
    bool is_wrapped;    /* inside pre-login packets */
    size_t packet_left; /* of the pre-login packet being read */
    Buf early;          /* came before the handshake did */
    size_t early_at;
    Buf flight; /* wrapped, not yet sent */
};

/* --- errors -----------------------------------------------------------------------------------------------
 */

static bool openssl_failed(Err *e, ErrCode code, const char *what) {
    char text[160] = "no reason given";
    unsigned long number = ERR_peek_last_error();
    if (number != 0) ERR_error_string_n(number, text, sizeof text);
    ERR_clear_error();
    return err_set(e, code, false, "%s: %s", what, text);
}

/* --- the BIO ----------------------------------------------------------------------------------------------
 */

/* Bytes, 0 = the end, -1 = none now or an error (errno). */
static ssize_t receive(Tls *t, void *buf, size_t n, int flags) {
    size_t early = t->early.n - t->early_at;
    if (early > 0) {
        n = n < early ? n : early;
        memcpy(buf, t->early.p + t->early_at, n);
        t->early_at += n;
        return (ssize_t)n;
    }
    for (;;) {
        ssize_t got = recv(t->fd, buf, n, flags);
        if (got >= 0 || errno != EINTR) return got;
    }
}

/* The header of the pre-login packet that carries the handshake on. */
static bool next_packet(Tls *t) {
    uint8_t h[PACKET_HEADER_BYTES];
    for (size_t at = 0; at < sizeof h;) {
        ssize_t n = receive(t, h + at, sizeof h - at, 0);
        if (n <= 0) return false;
        at += (size_t)n;
    }
    size_t length = (size_t)(h[2] << 8 | h[3]);
    if (h[0] != PACKET_PRELOGIN || length < PACKET_HEADER_BYTES || length > PACKET_SIZE_MAX) return false;
    t->packet_left = length - PACKET_HEADER_BYTES;
    return true;
}

static int bio_read(BIO *bio, char *buf, int n) {
    Tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    while (t->is_wrapped && t->packet_left == 0) {
        if (!next_packet(t)) return -1;
    }
    size_t want = t->is_wrapped && (size_t)n > t->packet_left ? t->packet_left : (size_t)n;
    ssize_t got = receive(t, buf, want, t->read_flags);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
    if (got > 0 && t->is_wrapped) t->packet_left -= (size_t)got;
    return (int)got;
}

static bool send_all(const Tls *t, const void *p, size_t n) {
    for (const uint8_t *at = p; n > 0;) {
        ssize_t sent = send(t->fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static int bio_write(BIO *bio, const char *p, int n) {
    Tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!t->is_wrapped) return send_all(t, p, (size_t)n) ? n : -1;
    buf_add(&t->flight, p, (size_t)n);
    return n;
}

/* The flight as one message of pre-login packets. */
static bool send_flight(Tls *t) {
    enum { ROOM = PACKET_SIZE_DEFAULT - PACKET_HEADER_BYTES };
    CLEANUP(buf_done) Buf out = {0};
    uint8_t number = 1;
    for (size_t at = 0; at < t->flight.n;) {
        size_t left = t->flight.n - at, body = left < ROOM ? left : ROOM;
        buf_u8(&out, PACKET_PRELOGIN);
        buf_u8(&out, body == left ? PACKET_STATUS_END : 0);
        buf_be16(&out, (uint16_t)(body + PACKET_HEADER_BYTES));
        buf_be16(&out, 0);
        buf_u8(&out, number++);
        buf_u8(&out, 0);
        buf_add(&out, t->flight.p + at, body);
        at += body;
    }
    buf_clear(&t->flight);
    return send_all(t, out.p, out.n);
}

static long bio_ctrl(BIO *bio, int command, long number, void *p) {
    (void)number, (void)p;
    Tls *t = BIO_get_data(bio);
    if (command != BIO_CTRL_FLUSH) return 0;
    return t->flight.n == 0 || send_flight(t);
}

static int bio_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *new_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "TDS");
    if (m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create)) {
        return m;
    }
    BIO_meth_free(m);
    return NULL;
}

/* --- the server's certificate -----------------------------------------------------------------------------
 */

static bool add_name(X509 *certificate, const char *host) {
    X509_NAME *name = X509_get_subject_name(certificate);
    /* The address among the DNS names, too: Microsoft's drivers look for it there. */
    CLEANUP_FREE char *others = x_asprintf("DNS:localhost,DNS:%s,DNS:127.0.0.1,IP:127.0.0.1", host);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, others);
    bool ok = extension && X509_add_ext(certificate, extension, -1) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1, -1, 0) &&
              X509_set_issuer_name(certificate, name);
    X509_EXTENSION_free(extension);
    return ok;
}

static bool add_serial(X509 *certificate) {
    uint8_t bytes[8];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, never short */
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(certificate));
    BN_free(n);
    return ok;
}

static bool sign_own(SSL_CTX *context, EVP_PKEY *key, X509 *certificate) {
    char host[256] = "localhost";
    (void)gethostname(host, sizeof host - 1);
    enum { DAY_SECONDS = 24 * 3600 };
    return X509_set_version(certificate, CERTIFICATE_VERSION_3) && add_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), (long)CERTIFICATE_DAYS * DAY_SECONDS) &&
           X509_set_pubkey(certificate, key) && add_name(certificate, host) &&
           X509_sign(certificate, key, EVP_sha256()) > 0 &&
           SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
}

static bool has_certificate(TlsServer *s, Err *e) {
    (void)pthread_mutex_lock(&s->mutex);
    if (!s->has_certificate) {
        EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
        X509 *certificate = X509_new();
        s->has_certificate = key && certificate && sign_own(s->context, key, certificate);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    bool ok = s->has_certificate;
    (void)pthread_mutex_unlock(&s->mutex);
    return ok || openssl_failed(e, ERR_INTERNAL, "making a certificate");
}

static bool read_files(TlsServer *s, const char *certificate_file, const char *key_file, Err *e) {
    if (!certificate_file || !key_file) {
        return err_set(e, ERR_INVALID, false, "a certificate needs its key, and a key its certificate");
    }
    if (SSL_CTX_use_certificate_chain_file(s->context, certificate_file) != 1)
        return openssl_failed(e, ERR_INVALID, certificate_file);
    if (SSL_CTX_use_PrivateKey_file(s->context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(s->context) != 1) {
        return openssl_failed(e, ERR_INVALID, key_file);
    }
    s->has_certificate = true;
    return true;
}

/* A TDS 8 client offers "tds/8.0"; what a TDS 7 client may offer means nothing. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *arg) {
    static const unsigned char tds8[] = "\x07tds/8.0";
    (void)arg;
    const Tls *t = BIO_get_data(SSL_get_rbio(ssl));
    if (t->mode != TLS_ON_SOCKET) return SSL_TLSEXT_ERR_NOACK;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_bytes, tds8, sizeof tds8 - 1, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void set_up_context(SSL_CTX *context) {
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(context,
                              SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_num_tickets(context, 0);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

bool tls_server_new(const char *certificate_file, const char *key_file, TlsServer **ret, Err *e) {
    TlsServer *s = x_calloc(1, sizeof *s);
    (void)pthread_mutex_init(&s->mutex, NULL);
    s->context = SSL_CTX_new(TLS_server_method());
    s->method = new_method();
    bool ok = s->context && s->method;
    if (!ok) (void)openssl_failed(e, ERR_INTERNAL, "TLS");
    else set_up_context(s->context);
    if (ok && (certificate_file || key_file)) ok = read_files(s, certificate_file, key_file, e);
    if (!ok) {
        (void)tls_server_free(s);
        return false;
    }
    *ret = s;
    return true;
}

TlsServer *tls_server_free(TlsServer *s) {
    if (!s) return NULL;
    SSL_CTX_free(s->context);
    BIO_meth_free(s->method);
    (void)pthread_mutex_destroy(&s->mutex);
    free(s);
    return NULL;
}

bool tls_server_write_certificate(TlsServer *s, const char *file, Err *e) {
    if (!has_certificate(s, e)) return false;
    CLEANUP_FREE char *temporary = x_asprintf("%s.tmp", file); /* whoever waits for the file sees it whole */
    FILE *f = fopen(temporary, "we");
    if (!f) return err_set(e, ERR_IO, false, "%s: %s", temporary, strerror(errno));
    bool is_written = PEM_write_X509(f, SSL_CTX_get0_certificate(s->context)) == 1;
    if (fclose(f) != 0 || !is_written || rename(temporary, file) != 0) {
        return err_set(e, ERR_IO, false, "%s: %s", file, strerror(errno));
    }
    return true;
}

/* --- a connection -----------------------------------------------------------------------------------------
 */

static bool attach(TlsServer *s, Tls *t) {
    t->ssl = SSL_new(s->context);
    BIO *bio = BIO_new(s->method);
    if (!t->ssl || !bio) {
        (void)BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, t);
    SSL_set_bio(t->ssl, bio, bio);
    if (t->mode == TLS_IN_PRELOGIN) return SSL_set_max_proto_version(t->ssl, TLS1_2_VERSION) == 1;
    return true;
}

bool tls_accept(TlsServer *s, int fd, TlsMode mode, Str early, Tls **ret, Err *e) {
    if (!has_certificate(s, e)) return false;
    Tls *t = x_calloc(1, sizeof *t);
    t->fd = fd;
    t->mode = mode;
    t->is_wrapped = mode == TLS_IN_PRELOGIN;
    buf_str(&t->early, early);
    ERR_clear_error();
    if (!attach(s, t) || SSL_accept(t->ssl) != 1) {
        if (ERR_peek_error() != 0) (void)openssl_failed(e, ERR_IO, "TLS handshake");
        else
            (void)err_set(e, ERR_IO, false,
                          "the client went away in the TLS handshake, or sent something else");
        (void)tls_free(t);
        return false;
    }
    t->is_wrapped = false;
    buf_done(&t->flight);
    *ret = t;
    return true;
}

Tls *tls_free(Tls *t) {
    if (!t) return NULL;
    SSL_free(t->ssl);
    ERR_clear_error();
    buf_done(&t->early);
    buf_done(&t->flight);
    free(t);
    return NULL;
}

void tls_keep(Tls *t) {
    SSL_set_read_ahead(t->ssl, 1);
}

int tls_read(Tls *t, void *buf, size_t size, bool may_wait) {
    size_t n = 0;
    ERR_clear_error();
    t->read_flags = may_wait ? 0 : MSG_DONTWAIT;
    if (SSL_read_ex(t->ssl, buf, size, &n) == 1) return n > INT32_MAX ? INT32_MAX : (int)n;
    return SSL_get_error(t->ssl, 0) == SSL_ERROR_WANT_READ ? 0 : -1;
}

bool tls_write(Tls *t, const void *p, size_t n) {
    size_t written;
    ERR_clear_error();
    return n == 0 || SSL_write_ex(t->ssl, p, n, &written) == 1;
}
