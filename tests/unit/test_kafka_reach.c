/* Any of the bootstrap servers will do, however it is written. */
#include "transport/kafka_reach.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "test.h"
#include "transport/kafka_option.h"

static bool reaches(const char *servers, const char *more) {
    CLEANUP_FREE char *text =
        x_asprintf("name=s\nconnector.class=x\nbootstrap.servers=%s\n%s", servers, more);
    const OptionTable tables[] = {kafka_option_worker_table(), kafka_option_source_table(),
                                  option_connect_table()};
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    if (!props_parse_properties(props, "worker", str_from(text), &e) ||
        !options_parse_tables(tables, 3, props, &o, &e))
        fail_msg("%s", e.msg);
    bool answer = kafka_reach_any(o, KAFKA_PRODUCER);
    options_free(o);
    props_free(props);
    return answer;
}

static int bound(int family, uint16_t *ret_port) {
    int fd = socket(family, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_6 = family == AF_INET6;
    socklen_t n = is_6 ? sizeof at6 : sizeof at;
    struct sockaddr *a = is_6 ? (struct sockaddr *)&at6 : (struct sockaddr *)&at;
    if (fd < 0 || bind(fd, a, n) != 0 || getsockname(fd, a, &n) != 0) {
        if (fd >= 0) close(fd);
        return -1;
    }
    *ret_port = ntohs(is_6 ? at6.sin6_port : at.sin_port);
    return fd;
}

static void one_server_that_listens_is_enough(void **state) {
    (void)state;
    uint16_t port = 0;
    int fd = bound(AF_INET, &port);
    assert_true(fd >= 0);
    CLEANUP_FREE char *alone = x_asprintf("127.0.0.1:%u", port),
                      *second = x_asprintf("127.0.0.1:1,%s", alone),
                      *named = x_asprintf("PLAINTEXT://%s", alone),
                      *override = x_asprintf("producer.override.bootstrap.servers=%s\n", alone);
    assert_false(reaches(second, "")); /* bound, but nobody listens */
    assert_int_equal(listen(fd, 4), 0);
    assert_true(reaches(alone, ""));
    assert_true(reaches(second, ""));
    assert_true(reaches(named, ""));
    assert_true(reaches("127.0.0.1:1", override));
    assert_false(reaches("127.0.0.1:1", ""));
    close(fd);
    assert_false(reaches(second, ""));
}

static void an_address_of_version_6_stands_in_brackets(void **state) {
    (void)state;
    uint16_t port = 0;
    int fd = bound(AF_INET6, &port);
    if (fd < 0) skip();
    CLEANUP_FREE char *server = x_asprintf("[::1]:%u", port);
    assert_false(reaches(server, ""));
    assert_int_equal(listen(fd, 4), 0);
    assert_true(reaches(server, ""));
    close(fd);
}

static void what_cannot_be_told_counts_as_there(void **state) {
    (void)state;
    assert_true(reaches("no such host:9092", ""));
    assert_true(reaches("127.0.0.1:port", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_that_listens_is_enough),
        cmocka_unit_test(an_address_of_version_6_stands_in_brackets),
        cmocka_unit_test(what_cannot_be_told_counts_as_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
