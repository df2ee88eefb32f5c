/*
 * http.h - requests over HTTP and HTTPS (libcurl): one at a time, with time limits, an answer of bounded
 * length, and nothing secret in errors. Whoever calls decides about trying again. Owner thread only; the
 * connection is kept open between requests.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* All texts may be NULL: none. Copied. */
typedef struct HttpSettings {
    const char *user, *password;             /* basic authentication */
    const char *token;                       /* bearer authentication */
    const char *ca_file;                     /* PEM, in place of the system's */
    const char *ca_pem;                      /* the same as text */
    const char *certificate_file, *key_file; /* PEM, of this client; one file may hold both */
    const char *certificate_pem, *key_pem;
    const char *key_password;
    bool skips_host_check;                  /* the name in the server's certificate */
    int64_t connect_timeout_ms, timeout_ms; /* of a whole request; 0 = 10 s, 30 s */
    size_t max_reply_bytes;                 /* 0 = 8 MiB */
    const bool *is_stopping;                /* borrowed, read atomically; set = give up; may be NULL */
} HttpSettings;

typedef struct HttpRequest {
    const char *method;                /* "GET", "POST" */
    const char *url;                   /* http:// or https://, without user and password */
    Str body;                          /* p NULL = none */
    const char *content_type, *accept; /* NULL = none, any */
} HttpRequest;

typedef struct HttpReply {
    int status;
    Buf body; /* cleared and filled; the caller's */
} HttpReply;

typedef struct Http Http;

Http *http_new(const HttpSettings *settings);
Http *http_free(Http *h); /* NULL is fine; returns NULL */
/* Any status is an answer. Errors: ERR_IO, ERR_TIMEOUT (retriable: no connection, cut off, too slow);
 * ERR_INVALID (not retriable: URL, certificate, TLS); ERR_RANGE (the answer is too long); ERR_CANCELLED. */
MUST_CHECK bool http_call(Http *h, const HttpRequest *request, HttpReply *reply, Err *e);

/* Append s so that it can stand between two slashes of a URL. */
void http_escape(Buf *out, Str s);

#endif
