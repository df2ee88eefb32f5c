/*
 * http_rig.h - an HTTP server of the test's own, on loopback: one request a connection, each handed to the
 * test's function on the server's thread.
 */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

typedef struct RigRequest {
    Str method, path, head, body;
} RigRequest;

typedef struct HttpRig HttpRig;
struct HttpRig {
    int fd;
    char url[64];
    pthread_t thread;
    /* The status; the answer's body goes into reply. 0 = hang up without an answer. */
    int (*answer)(HttpRig *rig, const RigRequest *r, Buf *reply);
    void *user;
    atomic_int requests;
};

static inline bool rig_read(int fd, Buf *in, size_t *ret_head) {
    size_t head = 0, want = SIZE_MAX;
    while (in->n < want) {
        ssize_t n = read(fd, buf_reserve(in, 4096), 4095);
        if (n <= 0) return false;
        in->n += (size_t)n;
        const char *text = buf_text(in), *end = strstr(text, "\r\n\r\n");
        if (!end) continue;
        head = (size_t)(end + 4 - text);
        const char *length = strcasestr(text, "content-length:");
        want = head + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
    }
    *ret_head = head;
    return true;
}

static inline void rig_serve(HttpRig *rig, int fd) {
    CLEANUP(buf_done) Buf in = {0};
    CLEANUP(buf_done) Buf body = {0};
    CLEANUP(buf_done) Buf out = {0};
    size_t head = 0;
    if (!rig_read(fd, &in, &head)) return;
    Str all = buf_view(&in), line = str_sub(all, 0, str_find(all, '\r')), method, path;
    (void)str_split(&line, ' ', &method);
    (void)str_split(&line, ' ', &path);
    RigRequest r = {method, path, str_sub(all, 0, head), str_sub(all, head, all.n)};
    atomic_fetch_add(&rig->requests, 1);
    int status = rig->answer(rig, &r, &body);
    if (!status) return;
    buf_printf(
        &out,
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
        status, body.n);
    buf_add(&out, body.p, body.n);
    for (size_t at = 0; at < out.n;) {
        ssize_t n = send(fd, out.p + at, out.n - at, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += (size_t)n;
    }
}

static inline void *rig_run(void *user) {
    HttpRig *rig = user;
    for (int fd; (fd = accept(rig->fd, NULL, NULL)) >= 0; close(fd)) rig_serve(rig, fd);
    return NULL;
}

static inline void http_rig_start(HttpRig *rig, int (*answer)(HttpRig *, const RigRequest *, Buf *),
                                  void *user) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    rig->answer = answer;
    rig->user = user;
    atomic_init(&rig->requests, 0);
    rig->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rig->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(rig->fd, 16), 0);
    assert_int_equal(getsockname(rig->fd, (struct sockaddr *)&a, &size), 0);
    (void)snprintf(rig->url, sizeof rig->url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    assert_int_equal(pthread_create(&rig->thread, NULL, rig_run, rig), 0);
}

static inline void http_rig_stop(HttpRig *rig) {
    (void)shutdown(rig->fd, SHUT_RDWR);
    (void)pthread_join(rig->thread, NULL);
    (void)close(rig->fd);
}

#endif
