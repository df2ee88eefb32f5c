/* A port that listens answers, one that doesn't, doesn't. */
#include "base/net.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static void a_listening_port_answers(void **state) {
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    assert_false(net_answers("127.0.0.1", ntohs(at.sin_port), 1000)); /* bound, but nobody listens */
    assert_int_equal(listen(fd, 1), 0);
    assert_true(net_answers("127.0.0.1", ntohs(at.sin_port), 1000));
    close(fd);
    assert_false(net_answers("127.0.0.1", ntohs(at.sin_port), 1000));
}

static void a_name_that_is_not_known_says_nothing(void **state) {
    (void)state;
    assert_true(net_answers("no such host", 1433, 1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listening_port_answers),
        cmocka_unit_test(a_name_that_is_not_known_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
