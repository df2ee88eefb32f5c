#include "standin/tds/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "fake_session.h"

enum { CLIENTS = 220 };

static const ConnectionOptions plain;

static int dial(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void many_clients_are_served_and_idle_ones_end_with_the_listener(void **state) {
    (void)state;
    Listener *l = NULL;
    Err e = {0};
    int fds[CLIENTS];
    CLEANUP(buf_done) Buf answer = {0};
    if (!listener_open(&fake_server, 0, &plain, &l, &e)) fail_msg("%s", e.msg);
    assert_int_not_equal(listener_port(l), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        fds[i] = dial(listener_port(l));
        client_logs_in(fds[i], "right", 0x74000004);
    }
    for (size_t i = 0; i < CLIENTS; i++) assert_true(client_reads(fds[i], &answer));
    assert_int_equal(fake_server.open_sessions, CLIENTS);
    client_batches(fds[0], "wait", PACKET_STATUS_END, 0);
    l = listener_close(l);
    assert_int_equal(fake_server.open_sessions, 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_false(client_reads(fds[i], &answer));
        (void)close(fds[i]);
    }
    buf_done(&fake_server.notes);
}

static void a_taken_port_is_an_error(void **state) {
    (void)state;
    Listener *l = NULL, *second = NULL;
    Err e = {0};
    assert_true(listener_open(&fake_server, 0, &plain, &l, &e));
    assert_false(listener_open(&fake_server, listener_port(l), &plain, &second, &e));
    assert_int_equal(e.code, ERR_IO);
    l = listener_close(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_clients_are_served_and_idle_ones_end_with_the_listener),
        cmocka_unit_test(a_taken_port_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
