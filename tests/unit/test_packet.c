#include "standin/tds/packet.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

typedef struct Pair {
    int client, server;
    PacketIo *io;
} Pair;

static int set_up(void **state) {
    int fds[2];
    Pair *p = x_calloc(1, sizeof *p);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return -1;
    *p = (Pair){fds[0], fds[1], packet_new(fds[1])};
    *state = p;
    return 0;
}

static int tear_down(void **state) {
    Pair *p = *state;
    p->io = packet_free(p->io);
    (void)close(p->client);
    (void)close(p->server);
    free(p);
    return 0;
}

static void client_sends(const Pair *p, uint8_t type, uint8_t status, Str body) {
    uint8_t h[PACKET_HEADER_BYTES] = {type, status, (uint8_t)((body.n + 8) >> 8), (uint8_t)(body.n + 8)};
    assert_int_equal(write(p->client, h, sizeof h), sizeof h);
    if (body.n > 0) assert_int_equal(write(p->client, body.p, body.n), body.n);
}

/* All bytes that wait at the client. */
static size_t client_reads(const Pair *p, uint8_t *buf, size_t size) {
    size_t n = 0;
    ssize_t got;
    while (n < size && (got = recv(p->client, buf + n, size - n, MSG_DONTWAIT)) > 0) n += (size_t)got;
    return n;
}

static void a_message_is_joined_from_its_packets(void **state) {
    Pair *p = *state;
    CLEANUP(buf_done) Buf body = {0};
    Packet first;
    Err e = {0};
    bool is_ignored = true;
    client_sends(p, PACKET_BATCH, 0, STR_LIT("abc"));
    client_sends(p, PACKET_BATCH, PACKET_STATUS_END, STR_LIT("def"));
    assert_true(packet_next(p->io, &first, &e));
    assert_int_equal(first.type, PACKET_BATCH);
    assert_true(packet_rest(p->io, &first, 1000, &body, &is_ignored, &e));
    assert_true(str_eq_c(buf_view(&body), "abcdef"));
    assert_false(is_ignored);
}

static void a_message_past_the_limit_is_refused(void **state) {
    Pair *p = *state;
    CLEANUP(buf_done) Buf body = {0};
    Packet first;
    Err e = {0};
    bool is_ignored;
    client_sends(p, PACKET_BATCH, 0, STR_LIT("abc"));
    client_sends(p, PACKET_BATCH, PACKET_STATUS_END, STR_LIT("def"));
    assert_true(packet_next(p->io, &first, &e));
    assert_false(packet_rest(p->io, &first, 5, &body, &is_ignored, &e));
    assert_int_equal(e.code, ERR_RANGE);
}

static void the_first_byte_can_be_looked_at(void **state) {
    Pair *p = *state;
    Packet first;
    Err e = {0};
    uint8_t byte = 0;
    client_sends(p, PACKET_BATCH, PACKET_STATUS_END, STR_LIT("abc"));
    assert_true(packet_peek(p->io, &byte, &e));
    assert_int_equal(byte, PACKET_BATCH);
    assert_true(packet_next(p->io, &first, &e));
    assert_int_equal(first.body.n, 3);
}

static void a_message_that_the_client_gave_up_says_so(void **state) {
    Pair *p = *state;
    CLEANUP(buf_done) Buf body = {0};
    Packet first;
    Err e = {0};
    bool is_ignored = false;
    client_sends(p, PACKET_RPC, 0, STR_LIT("abc"));
    client_sends(p, PACKET_RPC, PACKET_STATUS_END | PACKET_STATUS_IGNORE, (Str){0});
    assert_true(packet_next(p->io, &first, &e));
    assert_true(packet_rest(p->io, &first, 1000, &body, &is_ignored, &e));
    assert_true(is_ignored);
}

static void a_hang_up_is_told_from_a_break(void **state) {
    Pair *p = *state;
    Packet packet;
    Err e = {0};
    client_sends(p, PACKET_BATCH, 0, STR_LIT("half a message"));
    assert_int_equal(shutdown(p->client, SHUT_WR), 0);
    assert_true(packet_next(p->io, &packet, &e));
    assert_false(packet_next(p->io, &packet, &e));
    assert_int_equal(e.code, ERR_IO);
}

static void a_hang_up_between_messages_is_in_order(void **state) {
    Pair *p = *state;
    Packet packet;
    Err e = {0};
    assert_int_equal(shutdown(p->client, SHUT_WR), 0);
    assert_false(packet_next(p->io, &packet, &e));
    assert_int_equal(e.code, ERR_CANCELLED);
}

static void bytes_that_are_no_packet_are_refused(void **state) {
    Pair *p = *state;
    Packet packet;
    Err e = {0};
    assert_int_equal(write(p->client, "\x16\x03\x01\x00\x00\x00\x00\x00", 8),
                     8); /* TLS; here: length 0x0100 */
    assert_int_equal(write(p->client, "\x01\x01\x00\x07", 4), 4);
    assert_int_equal(shutdown(p->client, SHUT_WR), 0);
    assert_false(packet_next(p->io, &packet, &e));
    assert_int_equal(e.code, ERR_IO);
}

static void a_long_answer_goes_in_packets_of_the_agreed_size(void **state) {
    Pair *p = *state;
    static uint8_t got[64 * 1024];
    assert_int_equal(packet_set_size(p->io, 100), PACKET_SIZE_MIN);
    assert_int_equal(packet_set_size(p->io, 600), 600);
    assert_true(packet_end(p->io)); /* an empty message still goes in the old size; then the new one holds */
    assert_int_equal(client_reads(p, got, sizeof got), PACKET_HEADER_BYTES);
    for (unsigned i = 0; i < 2000; i++) buf_u8(packet_out(p->io), (uint8_t)i);
    assert_true(packet_end(p->io));
    size_t n = client_reads(p, got, sizeof got), at = 0, bytes = 0, packets = 0;
    while (at < n) {
        size_t length = (size_t)(got[at + 2] << 8 | got[at + 3]);
        assert_true(length <= 600);
        assert_int_equal(got[at], PACKET_ANSWER);
        assert_int_equal(got[at + 6], packets + 1);
        for (size_t i = PACKET_HEADER_BYTES; i < length; i++) assert_int_equal(got[at + i], (uint8_t)bytes++);
        at += length;
        assert_int_equal(got[at - length + 1], at == n ? PACKET_STATUS_END : 0);
        packets++;
    }
    assert_int_equal(bytes, 2000);
    assert_int_equal(packets, 4);
}

static void a_cut_ends_the_message_within_a_packet(void **state) {
    Pair *p = *state;
    uint8_t got[2000];
    (void)packet_set_size(p->io, 512);
    assert_true(packet_end(p->io)); /* from the next message on */
    (void)client_reads(p, got, sizeof got);
    for (size_t i = 0; i < 1500; i++) buf_u8(packet_out(p->io), (uint8_t)i);
    packet_cut(p->io, 700);
    assert_true(packet_is_gone(p->io));
    size_t n = 0;
    ssize_t r;
    while ((r = recv(p->client, got + n, sizeof got - n, 0)) > 0) n += (size_t)r;
    assert_int_equal(r, 0); /* closed */
    assert_int_equal(n, 8 + 504 + 8 + 196);
    assert_int_equal(got[1], 0);
    assert_int_equal(got[512 + 2] << 8 | got[512 + 3], 512); /* as if the packet went on */
    assert_int_equal(got[n - 1], (uint8_t)699);
    assert_false(packet_end(p->io));
}

static void what_is_pushed_is_sent_in_full_packets(void **state) {
    Pair *p = *state;
    uint8_t got[9000];
    for (size_t i = 0; i < 5000; i++) buf_u8(packet_out(p->io), 1);
    assert_true(packet_push(p->io));
    assert_int_equal(packet_sent(p->io), 4088);
    assert_int_equal(client_reads(p, got, sizeof got), 4096);
    assert_true(packet_end(p->io));
    assert_int_equal(packet_sent(p->io), 0);
    assert_int_equal(client_reads(p, got, sizeof got), 5000 - 4088 + 8);
}

static void an_attention_is_seen_and_taken(void **state) {
    Pair *p = *state;
    Packet packet;
    Err e = {0};
    assert_false(packet_take_attention(p->io));
    client_sends(p, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0});
    while (!packet_is_interrupted(p->io)) (void)usleep(1000);
    assert_true(packet_take_attention(p->io));
    assert_false(packet_take_attention(p->io));
    client_sends(p, PACKET_BATCH, PACKET_STATUS_END, STR_LIT("x"));
    assert_true(packet_next(p->io, &packet, &e));
    assert_int_equal(packet.type, PACKET_BATCH);
}

static void a_client_that_left_interrupts(void **state) {
    Pair *p = *state;
    assert_int_equal(shutdown(p->client, SHUT_RDWR), 0);
    while (!packet_is_interrupted(p->io)) (void)usleep(1000);
    buf_cstr(packet_out(p->io), "too late");
    assert_false(packet_end(p->io));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_is_joined_from_its_packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_past_the_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_byte_can_be_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_the_client_gave_up_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hang_up_is_told_from_a_break, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hang_up_between_messages_is_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_packet_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_answer_goes_in_packets_of_the_agreed_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_ends_the_message_within_a_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_pushed_is_sent_in_full_packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_attention_is_seen_and_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_left_interrupts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
