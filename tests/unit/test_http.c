#include "base/http.h"

#include "http_rig.h"

static int echo(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig;
    if (str_eq_c(r->path, "/hang-up")) return 0;
    if (str_eq_c(r->path, "/long")) {
        for (int i = 0; i < 1000; i++) buf_cstr(reply, "0123456789");
        return 200;
    }
    buf_str(reply, r->head);
    buf_str(reply, r->body);
    return str_eq_c(r->path, "/teapot") ? 418 : 200;
}

static HttpReply call(Http *h, const char *method, const char *base, const char *path, Str body, Err *e) {
    CLEANUP_FREE char *url = x_asprintf("%s%s", base, path);
    HttpReply reply = {0};
    HttpRequest request = {method, url, body, body.p ? "text/plain" : NULL, "text/html"};
    if (!http_call(h, &request, &reply, e)) reply.status = -1;
    return reply;
}

static void a_request_arrives_whole_and_any_status_is_an_answer(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    http_rig_start(&rig, echo, NULL);
    Http *h = http_new(&(HttpSettings){.user = "joe", .password = "secret"});
    HttpReply reply = call(h, "POST", rig.url, "/a?b=c", STR_LIT("abc"), &e);
    assert_int_equal(reply.status, 200);
    const char *text = buf_text(&reply.body);
    assert_non_null(strstr(text, "POST /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(text, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(text, "Accept: text/html\r\n"));
    assert_non_null(strstr(text, "Authorization: Basic am9lOnNlY3JldA==\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nabc"));
    buf_done(&reply.body);
    reply = call(h, "GET", rig.url, "/teapot", (Str){NULL, 0}, &e);
    assert_int_equal(reply.status, 418);
    assert_non_null(strstr(buf_text(&reply.body), "GET /teapot"));
    buf_done(&reply.body);
    http_free(h);
    http_rig_stop(&rig);
}

static void faults_are_told_apart_and_hold_nothing_secret(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    http_rig_start(&rig, echo, NULL);
    Http *h = http_new(&(HttpSettings){.user = "joe", .password = "pepper", .max_reply_bytes = 1000});
    HttpReply reply = call(h, "GET", rig.url, "/hang-up", (Str){NULL, 0}, &e);
    assert_int_equal(reply.status, -1);
    assert_int_equal(e.code, ERR_IO);
    assert_true(e.retriable);
    assert_null(strstr(e.msg, "pepper"));
    buf_done(&reply.body);
    reply = call(h, "GET", rig.url, "/long", (Str){NULL, 0}, &e);
    assert_int_equal(e.code, ERR_RANGE);
    assert_false(e.retriable);
    buf_done(&reply.body);
    reply = call(h, "GET", "ftp://127.0.0.1", "/", (Str){NULL, 0}, &e);
    assert_int_equal(e.code, ERR_INVALID);
    buf_done(&reply.body);
    char url[64];
    (void)snprintf(url, sizeof url, "%s", rig.url);
    http_rig_stop(&rig);
    reply = call(h, "GET", url, "/", (Str){NULL, 0}, &e);
    assert_int_equal(e.code, ERR_IO);
    assert_true(e.retriable);
    buf_done(&reply.body);
    http_free(h);
}

/* A peer that takes a connection, reads once and is gone. */
static void *hang_up(void *arg) {
    char hello[4096];
    for (int i = 0; i < 2; i++) {
        int fd = accept(*(int *)arg, NULL, NULL);
        (void)!read(fd, hello, sizeof hello);
        const struct linger reset = {.l_onoff = i, .l_linger = 0}; /* the second one by a reset */
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    return NULL;
}

static void a_handshake_that_is_broken_off_may_pass(void **state) {
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    pthread_t thread;
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 2), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(pthread_create(&thread, NULL, hang_up, &fd), 0);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", ntohs(at.sin_port));
    Http *h = http_new(&(HttpSettings){.timeout_ms = 5000});
    for (int i = 0; i < 2; i++) {
        Err e = {0};
        HttpReply reply = call(h, "GET", url, "/", (Str){NULL, 0}, &e);
        assert_int_equal(reply.status, -1);
        if (e.code != ERR_IO || !e.retriable) fail_msg("%s", e.msg);
        buf_done(&reply.body);
    }
    pthread_join(thread, NULL);
    close(fd);
    http_free(h);
}

static void a_stop_ends_a_request(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    bool is_stopping = true;
    http_rig_start(&rig, echo, NULL);
    Http *h = http_new(&(HttpSettings){.is_stopping = &is_stopping});
    HttpReply reply = call(h, "GET", rig.url, "/", (Str){NULL, 0}, &e);
    assert_int_equal(reply.status, -1);
    assert_int_equal(e.code, ERR_CANCELLED);
    buf_done(&reply.body);
    http_free(h);
    http_rig_stop(&rig);
}

static void what_stands_in_a_path_is_escaped(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    http_escape(&b, STR_LIT("a-b.c_d~/ %\xc3\xa9"));
    assert_string_equal(buf_text(&b), "a-b.c_d~%2F%20%25%C3%A9");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_whole_and_any_status_is_an_answer),
        cmocka_unit_test(faults_are_told_apart_and_hold_nothing_secret),
        cmocka_unit_test(a_handshake_that_is_broken_off_may_pass),
        cmocka_unit_test(a_stop_ends_a_request),
        cmocka_unit_test(what_stands_in_a_path_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
