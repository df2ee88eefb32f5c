#include "standin/tds/tls.h"

#include <pthread.h>
#include <stdlib.h>

#include "tls_client.h"

typedef struct Line {
    int client_fd, server_fd;
    TlsServer *server;
    TlsClient client;
    TlsMode mode;
    Tls *tls; /* the server's side, once it has shaken hands */
    Err e;
    pthread_t thread;
} Line;

static int set_up(void **state) {
    int fds[2];
    Line *l = x_calloc(1, sizeof *l);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0 || !tls_server_new(NULL, NULL, &l->server, &l->e))
        return -1;
    l->client_fd = fds[0];
    l->server_fd = fds[1];
    tls_client_open(&l->client, l->client_fd);
    *state = l;
    return 0;
}

static int tear_down(void **state) {
    Line *l = *state;
    tls_client_done(&l->client);
    l->tls = tls_free(l->tls);
    l->server = tls_server_free(l->server);
    (void)close(l->client_fd);
    (void)close(l->server_fd);
    free(l);
    return 0;
}

static void *accept_client(void *arg) {
    Line *l = arg;
    if (!tls_accept(l->server, l->server_fd, l->mode, (Str){0}, &l->tls, &l->e)) {
        (void)shutdown(l->server_fd, SHUT_RDWR);
    }
    return NULL;
}

static void start(Line *l, TlsMode mode) {
    l->mode = mode;
    assert_int_equal(pthread_create(&l->thread, NULL, accept_client, l), 0);
}

/* Both sides' handshake; the client's answer. */
static bool shake_hands(Line *l, TlsMode mode) {
    start(l, mode);
    bool ok = tls_client_connects(&l->client, mode == TLS_IN_PRELOGIN);
    (void)pthread_join(l->thread, NULL);
    return ok;
}

static void assert_server_reads(Line *l, const char *want) {
    char buf[100] = "";
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, true), strlen(want));
    assert_string_equal(buf, want);
}

static void a_tds7_client_shakes_hands_inside_prelogin_packets_and_goes_on_bare(void **state) {
    Line *l = *state;
    char answer[6] = "";
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    assert_int_equal(SSL_version(l->client.ssl), TLS1_2_VERSION);
    assert_int_equal(l->client.packets_in, 2); /* one message a flight */
    tls_client_writes(&l->client, "login", 5);
    assert_server_reads(l, "login");
    assert_true(tls_write(l->tls, "right", 5));
    assert_true(tls_client_reads(&l->client, answer, 5));
    assert_string_equal(answer, "right");
}

static void a_handshake_may_come_in_packets_of_any_size(void **state) {
    Line *l = *state;
    l->client.piece = 7;
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    tls_client_writes(&l->client, "login", 5);
    assert_server_reads(l, "login");
}

static void what_follows_the_login_stays_in_the_socket_for_a_plain_reader(void **state) {
    Line *l = *state;
    char buf[100] = "";
    CLEANUP(buf_done) Buf both = {0};
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    assert_int_equal(SSL_write(l->client.ssl, "login", 5), 5);
    tls_client_output(&l->client, &both);
    buf_cstr(&both, "plain");
    assert_int_equal(write(l->client_fd, both.p, both.n), both.n);
    assert_server_reads(l, "login");
    l->tls = tls_free(l->tls);
    assert_int_equal(recv(l->server_fd, buf, sizeof buf, 0), 5);
    assert_string_equal(buf, "plain");
    assert_int_equal(recv(l->client_fd, buf, sizeof buf, MSG_DONTWAIT), -1); /* no close_notify */
}

static void a_record_cut_short_is_nothing_yet_unless_one_waits(void **state) {
    Line *l = *state;
    char buf[8] = "";
    CLEANUP(buf_done) Buf record = {0};
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    tls_keep(l->tls);
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, false), 0);
    assert_int_equal(SSL_write(l->client.ssl, "attention", 9), 9);
    tls_client_output(&l->client, &record);
    assert_int_equal(write(l->client_fd, record.p, 9), 9);
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, false), 0);
    assert_int_equal(write(l->client_fd, record.p + 9, record.n - 9), record.n - 9);
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, false), sizeof buf);
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, false), 1); /* decrypted before, the socket is empty */
    assert_int_equal(tls_read(l->tls, buf, sizeof buf, false), 0);
}

static void a_strict_client_starts_with_tls_and_its_alpn(void **state) {
    Line *l = *state;
    const unsigned char *chosen;
    unsigned chosen_bytes;
    assert_int_equal(SSL_set_alpn_protos(l->client.ssl, (const uint8_t *)"\x07tds/8.0", 8), 0);
    assert_true(shake_hands(l, TLS_ON_SOCKET));
    SSL_get0_alpn_selected(l->client.ssl, &chosen, &chosen_bytes);
    assert_int_equal(chosen_bytes, 7);
    assert_memory_equal(chosen, "tds/8.0", 7);
    assert_int_equal(SSL_version(l->client.ssl), TLS1_3_VERSION);
    tls_client_writes(&l->client, "login", 5);
    assert_server_reads(l, "login");
}

static void a_client_of_another_protocol_is_refused(void **state) {
    Line *l = *state;
    assert_int_equal(SSL_set_alpn_protos(l->client.ssl, (const uint8_t *)"\x02h2", 3), 0);
    assert_false(shake_hands(l, TLS_ON_SOCKET));
    assert_null(l->tls);
    assert_int_equal(l->e.code, ERR_IO);
}

static void what_is_no_handshake_ends_it(void **state) {
    Line *l = *state;
    start(l, TLS_IN_PRELOGIN);
    tls_client_sends_packet(l->client_fd, (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18, true);
    (void)pthread_join(l->thread, NULL);
    assert_null(l->tls);
    assert_int_equal(l->e.code, ERR_IO);
}

static void another_packet_ends_the_handshake(void **state) {
    Line *l = *state;
    start(l, TLS_IN_PRELOGIN);
    assert_int_equal(write(l->client_fd, "\x10\1\0\x0c\0\0\1\0\1\2\3\4", 12), 12);
    (void)pthread_join(l->thread, NULL);
    assert_null(l->tls);
}

static void a_client_that_leaves_ends_the_handshake(void **state) {
    Line *l = *state;
    start(l, TLS_IN_PRELOGIN);
    assert_int_equal(SSL_connect(l->client.ssl), -1);
    tls_client_flush(&l->client, true);
    (void)shutdown(l->client_fd, SHUT_RDWR);
    (void)pthread_join(l->thread, NULL);
    assert_null(l->tls);
}

static void what_came_before_the_handshake_belongs_to_it(void **state) {
    Line *l = *state;
    CLEANUP(buf_done) Buf hello = {0};
    assert_int_equal(SSL_connect(l->client.ssl), -1);
    tls_client_output(&l->client, &hello);
    (void)shutdown(l->client_fd, SHUT_WR); /* all that the server gets is what it has */
    Str early = {(const char *)hello.p, hello.n};
    assert_false(tls_accept(l->server, l->server_fd, TLS_ON_SOCKET, early, &l->tls, &l->e));
    assert_true(tls_client_feed(&l->client, false));
    assert_int_equal(SSL_connect(l->client.ssl), 1); /* the server's whole flight is there */
}

typedef struct Writer {
    Tls *tls;
    Buf data;
    bool is_done;
} Writer;

static void *write_all(void *arg) {
    Writer *w = arg;
    w->is_done = tls_write(w->tls, w->data.p, w->data.n);
    return NULL;
}

static void a_megabyte_goes_through_in_both_directions(void **state) {
    Line *l = *state;
    enum { BYTES = 1024 * 1024 };
    pthread_t thread;
    Writer w = {0};
    CLEANUP_FREE uint8_t *back = x_malloc(BYTES);
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    tls_keep(l->tls);
    for (size_t i = 0; i < BYTES; i++) buf_u8(&w.data, (uint8_t)(i * i >> 7));
    w.tls = l->tls;
    assert_int_equal(pthread_create(&thread, NULL, write_all, &w), 0);
    assert_true(tls_client_reads(&l->client, back, BYTES));
    (void)pthread_join(thread, NULL);
    assert_true(w.is_done);
    assert_memory_equal(back, w.data.p, BYTES);
    memset(back, 0, BYTES);
    for (size_t at = 0; at < BYTES;) { /* 16 KiB fit into a socket's buffer */
        tls_client_writes(&l->client, w.data.p + at, 16384);
        for (size_t end = at + 16384; at < end;) {
            int n = tls_read(l->tls, back + at, end - at, true);
            assert_true(n > 0);
            at += (size_t)n;
        }
    }
    assert_memory_equal(back, w.data.p, BYTES);
    buf_done(&w.data);
}

/* Certificates of two servers, and the key of none. */
static void a_client_can_verify_the_certificate_that_was_written(void **state) {
    Line *l = *state;
    char file[] = "/tmp/test_tls-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(tls_server_write_certificate(l->server, file, &l->e));
    assert_int_equal(SSL_CTX_load_verify_locations(l->client.context, file, NULL), 1);
    SSL_set_verify(l->client.ssl, SSL_VERIFY_PEER, NULL);
    SSL_set1_host(l->client.ssl, "localhost");
    X509_STORE *store = X509_STORE_new();
    assert_int_equal(X509_STORE_load_file(store, file), 1);
    SSL_set1_verify_cert_store(l->client.ssl, store);
    X509_STORE_free(store);
    assert_true(shake_hands(l, TLS_IN_PRELOGIN));
    assert_int_equal(SSL_get_verify_result(l->client.ssl), X509_V_OK);
    (void)unlink(file);
}

static void another_servers_certificate_is_not_trusted(void **state) {
    Line *l = *state;
    SSL_set_verify(l->client.ssl, SSL_VERIFY_PEER, NULL);
    assert_false(shake_hands(l, TLS_IN_PRELOGIN));
    assert_null(l->tls);
}

static void a_certificate_needs_its_key(void **state) {
    Line *l = *state;
    TlsServer *s = NULL;
    char file[] = "/tmp/test_tls-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(tls_server_write_certificate(l->server, file, &l->e));
    assert_false(tls_server_new(file, NULL, &s, &l->e));
    assert_false(tls_server_new(NULL, file, &s, &l->e));
    assert_false(tls_server_new(file, file, &s, &l->e)); /* has no key in it */
    assert_false(tls_server_new("/nowhere/c.pem", "/nowhere/k.pem", &s, &l->e));
    assert_int_equal(l->e.code, ERR_INVALID);
    assert_null(s);
    (void)unlink(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_tds7_client_shakes_hands_inside_prelogin_packets_and_goes_on_bare),
        TEST(a_handshake_may_come_in_packets_of_any_size),
        TEST(what_follows_the_login_stays_in_the_socket_for_a_plain_reader),
        TEST(a_record_cut_short_is_nothing_yet_unless_one_waits),
        TEST(a_strict_client_starts_with_tls_and_its_alpn),
        TEST(a_client_of_another_protocol_is_refused),
        TEST(what_is_no_handshake_ends_it),
        TEST(another_packet_ends_the_handshake),
        TEST(a_client_that_leaves_ends_the_handshake),
        TEST(what_came_before_the_handshake_belongs_to_it),
        TEST(a_megabyte_goes_through_in_both_directions),
        TEST(a_client_can_verify_the_certificate_that_was_written),
        TEST(another_servers_certificate_is_not_trusted),
        TEST(a_certificate_needs_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
