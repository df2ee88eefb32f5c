/*
 * tls.h - TLS under a connection's packets. OpenSSL stays behind this header.
 *
 * A TDS 7 client shakes hands inside pre-login packets (type 0x12, both directions) and then sends bare TLS
 * records ([MS-TDS] 2.2.6.5, 3.2.5.2); a TDS 8 ("strict") client starts with TLS on the socket. Records are
 * read one by one and never ahead in a TDS 7 session: when only the login is encrypted, the byte behind its
 * last record is plain again.
 */
#ifndef STANDIN_TDS_TLS_H
#define STANDIN_TDS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* The server's certificate, key and settings. Any thread. */
typedef struct TlsServer TlsServer;

/* PEM files; both NULL: a self-signed certificate of its own, made when it is first needed, as SQL Server
 * makes one at start. Errors: ERR_INVALID. */
MUST_CHECK bool tls_server_new(const char *certificate_file, const char *key_file, TlsServer **ret, Err *e);
TlsServer *tls_server_free(TlsServer *s);
/* The certificate as PEM, for clients that verify it. Errors: ERR_IO. */
MUST_CHECK bool tls_server_write_certificate(TlsServer *s, const char *file, Err *e);

/* One connection's TLS. The connection's thread only. */
typedef struct Tls Tls;

typedef enum TlsMode {
    TLS_IN_PRELOGIN, /* TDS 7: TLS 1.2, as SQL Server offers it there */
    TLS_ON_SOCKET,   /* TDS 8: TLS 1.2 or 1.3, ALPN tds/8.0 */
} TlsMode;

/* Shake hands over fd, which stays the caller's; early: bytes already read from it. Errors: ERR_IO. */
MUST_CHECK bool tls_accept(TlsServer *s, int fd, TlsMode mode, Str early, Tls **ret, Err *e);
Tls *tls_free(Tls *t);
/* The whole session stays in TLS: records may be read ahead, which is faster. */
void tls_keep(Tls *t);
/* Plain bytes: how many, 0 when nothing is there yet (may_wait: the socket's own timeout is over), -1 when
 * the peer is gone or isn't speaking TLS. */
int tls_read(Tls *t, void *buf, size_t size, bool may_wait);
/* All of it; false: the client is gone. */
bool tls_write(Tls *t, const void *p, size_t n);

#endif
