#include "base/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CONNECT_MS = 10000, REQUEST_MS = 30000, REPLY_BYTES = 8 * 1024 * 1024, MAX_REDIRECTS = 3 };

struct Http {
    CURL *curl;
    size_t max_reply_bytes;
    const bool *is_stopping;
    HttpReply *reply; /* of the request that is under way */
    bool is_too_long;
    char text[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void) {
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take_body(char *p, size_t size, size_t count, void *user) {
    Http *h = user;
    size_t n = size * count;
    if (n > h->max_reply_bytes - h->reply->body.n) {
        h->is_too_long = true;
        return 0; /* curl gives up */
    }
    buf_add(&h->reply->body, p, n);
    return n;
}

static int look_at_stop(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const Http *h = user;
    (void)a, (void)b, (void)c, (void)d;
    return h->is_stopping && __atomic_load_n(h->is_stopping, __ATOMIC_ACQUIRE);
}

/* Curl copies texts but not blobs, which it is told to copy. */
static void set_text(CURL *c, CURLoption option, const char *text) {
    if (text && *text) (void)curl_easy_setopt(c, option, text);
}

static void set_blob(CURL *c, CURLoption option, const char *text) {
    if (!text || !*text) return;
    struct curl_blob blob = {(void *)(uintptr_t)text, strlen(text), CURL_BLOB_COPY};
    (void)curl_easy_setopt(c, option, &blob);
}

static void set_tls(CURL *c, const HttpSettings *s) {
    set_text(c, CURLOPT_CAINFO, s->ca_file);
    set_blob(c, CURLOPT_CAINFO_BLOB, s->ca_pem);
    set_text(c, CURLOPT_SSLCERT, s->certificate_file);
    set_text(c, CURLOPT_SSLKEY, s->key_file ? s->key_file : s->certificate_file);
    set_blob(c, CURLOPT_SSLCERT_BLOB, s->certificate_pem);
    set_blob(c, CURLOPT_SSLKEY_BLOB, s->key_pem);
    set_text(c, CURLOPT_KEYPASSWD, s->key_password);
    (void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (s->skips_host_check) (void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void set_user(CURL *c, const HttpSettings *s) {
    if (s->token) {
        (void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        set_text(c, CURLOPT_XOAUTH2_BEARER, s->token);
    } else if (s->user) {
        (void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        set_text(c, CURLOPT_USERNAME, s->user);
        set_text(c, CURLOPT_PASSWORD, s->password);
    }
}

Http *http_new(const HttpSettings *s) {
    (void)pthread_once(&once, init_library);
    Http *h = x_calloc(1, sizeof *h);
    CURL *c = h->curl = curl_easy_init();
    if (!c) abort(); /* out of memory */
    h->max_reply_bytes = s->max_reply_bytes ? s->max_reply_bytes : REPLY_BYTES;
    h->is_stopping = s->is_stopping;
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    (void)curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "millrace/" MILLRACE_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(s->connect_timeout_ms ? s->connect_timeout_ms : CONNECT_MS));
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(s->timeout_ms ? s->timeout_ms : REQUEST_MS));
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->text);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_at_stop);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
    set_tls(c, s);
    set_user(c, s);
    return h;
}

Http *http_free(Http *h) {
    if (!h) return NULL;
    curl_easy_cleanup(h->curl);
    free(h);
    return NULL;
}

static bool is_setting_fault(CURLcode code) {
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_TOO_MANY_REDIRECTS: return true;
    default: return false;
    }
}

/* A handshake that the peer broke off without a word, as a server does that restarts: curl's code for it is
 * the one of a handshake that can't succeed, so what the TLS library says has to tell (OpenSSL's, GnuTLS's
 * and the system's texts). */
static bool is_broken_handshake(CURLcode code, const char *why) {
    static const char *const texts[] = {"SSL_ERROR_SYSCALL", "unexpected eof", "reset by peer", "Broken pipe",
                                        "non-properly terminated"};
    if (code != CURLE_SSL_CONNECT_ERROR) return false;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcasestr(why, texts[i])) return true;
    return false;
}

/* Up to the path: what a message may hold. */
static Str origin_of(const char *url) {
    Str s = str_from(url);
    size_t at = 0;
    for (unsigned slashes = 0; at < s.n && slashes < 3 && s.p[at] != '?'; at++) slashes += s.p[at] == '/';
    return str_sub(s, 0, at);
}

static bool explain(const Http *h, const HttpRequest *r, CURLcode code, Err *e) {
    Str origin = origin_of(r->url);
    const char *why = h->text[0] ? h->text : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK) return err_set(e, ERR_CANCELLED, false, "told to stop");
    if (h->is_too_long)
        return err_set(e, ERR_RANGE, false, "%s " STR_FMT ": the answer is longer than %zu bytes", r->method,
                       STR_ARG(origin), h->max_reply_bytes);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, true, "%s " STR_FMT ": %s", r->method, STR_ARG(origin), why);
    if (is_setting_fault(code) && !is_broken_handshake(code, why))
        return err_set(e, ERR_INVALID, false, "%s " STR_FMT ": %s", r->method, STR_ARG(origin), why);
    return err_set(e, ERR_IO, true, "%s " STR_FMT ": %s", r->method, STR_ARG(origin), why);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value) {
    if (!value) return list;
    CLEANUP_FREE char *line = x_asprintf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, line);
    if (!longer) abort(); /* out of memory */
    return longer;
}

bool http_call(Http *h, const HttpRequest *r, HttpReply *reply, Err *e) {
    CURL *c = h->curl;
    h->reply = reply;
    h->is_too_long = false;
    h->text[0] = '\0';
    reply->status = 0;
    buf_clear(&reply->body);
    struct curl_slist *headers = add_header(NULL, "Content-Type", r->content_type);
    headers = add_header(headers, "Accept", r->accept);
    (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    if (r->body.p) {
        (void)curl_easy_setopt(c, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.p);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    } else {
        (void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    CURLcode code = curl_easy_perform(c);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) return explain(h, r, code, e);
    long status = 0;
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    return true;
}

void http_escape(Buf *out, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain) buf_u8(out, c);
        else buf_printf(out, "%%%02X", c);
    }
}
