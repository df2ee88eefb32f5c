#include "standin/tds/connection.h"

#include "fake_session.h"
#include "tls_client.h"

typedef struct Line {
    int client, server;
    pthread_t thread;
    ConnectionOptions options;
    Buf answer;
} Line;

static void *serve(void *arg) {
    const Line *l = arg;
    connection_run(l->server, &fake_server, &l->options);
    (void)shutdown(l->server, SHUT_RDWR);
    return NULL;
}

static int start(void **state, TlsServer *tls, bool requires_tls) {
    int fds[2];
    Line *l = x_calloc(1, sizeof *l);
    l->options = (ConnectionOptions){tls, requires_tls};
    buf_clear(&fake_server.notes);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return -1;
    l->client = fds[0];
    l->server = fds[1];
    *state = l;
    return pthread_create(&l->thread, NULL, serve, l);
}

static int set_up(void **state) {
    return start(state, NULL, false);
}

static int set_up_tls(void **state) {
    TlsServer *tls = NULL;
    Err e;
    return tls_server_new(NULL, NULL, &tls, &e) ? start(state, tls, false) : -1;
}

static int set_up_required_tls(void **state) {
    TlsServer *tls = NULL;
    Err e;
    return tls_server_new(NULL, NULL, &tls, &e) ? start(state, tls, true) : -1;
}

static int tear_down(void **state) {
    Line *l = *state;
    (void)shutdown(l->client, SHUT_RDWR);
    (void)pthread_join(l->thread, NULL);
    (void)close(l->client);
    (void)close(l->server);
    l->options.tls = tls_server_free(l->options.tls);
    buf_done(&l->answer);
    buf_done(&fake_server.notes);
    free(l);
    return fake_server.open_sessions;
}

static void log_in(Line *l) {
    client_logs_in(l->client, "right", 0x74000004);
    assert_true(client_reads(l->client, &l->answer));
}

static void assert_notes(const char *want) {
    assert_string_equal(buf_text(&fake_server.notes), want);
}

/* Does the answer have these bytes somewhere? */
static bool has(const Line *l, const char *bytes, size_t n) {
    return memmem(l->answer.p, l->answer.n, bytes, n) != NULL;
}

static void assert_ends(const Line *l, const char *bytes, size_t n) {
    assert_true(l->answer.n >= n);
    assert_memory_equal(l->answer.p + l->answer.n - n, bytes, n);
}
#define DONE_PLAIN "\xfd\0\0\0\0\0\0\0\0\0\0\0\0"
#define DONE_ERROR "\xfd\2\0\0\0\0\0\0\0\0\0\0\0"
#define DONE_ATTN  "\xfd\x20\0\xfd\0\0\0\0\0\0\0\0\0"

static void login_is_acknowledged_with_database_collation_and_packet_size(void **state) {
    Line *l = *state;
    client_sends(l->client, PACKET_PRELOGIN, PACKET_STATUS_END, (Str){"\1\0\6\0\1\xff\0", 7});
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.p[l->answer.n - 1], 2); /* no encryption */
    log_in(l);
    assert_true(has(l, "\xe3\x1b\0\1\6m\0a\0s\0", 11));
    assert_true(has(l, "\xe3\x08\0\7\5\x09\4\xd0\0\x34\0", 11));
    assert_true(has(l, "\xad\x32\0\1\x74\0\0\4\x14M\0", 11));
    assert_true(has(l,
                    "\xe3\x13\0\4\4"
                    "8\0000\0000\0000\0",
                    13));
    assert_ends(l, DONE_PLAIN, 13);
}

static void a_wrong_password_is_refused_and_the_connection_closed(void **state) {
    Line *l = *state;
    client_logs_in(l->client, "wrong", 0x74000004);
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.p[0], 0xaa);
    assert_true(has(l, "\x18\x48\0\0\1\x0e", 6)); /* 18456, state 1, class 14 */
    assert_ends(l, DONE_ERROR, 13);
    assert_false(client_reads(l->client, &l->answer));
}

static void a_database_that_cannot_be_opened_fails_the_login_with_two_errors(void **state) {
    Line *l = *state;
    client_logs_in(l->client, "no database", 0x74000004);
    assert_true(client_reads(l->client, &l->answer));
    assert_true(has(l, "\xdc\x0f\0\0\1\x0b", 6)); /* 4060, state 1, class 11 */
    assert_true(has(l, "\x18\x48\0\0\1\x0e", 6));
    assert_ends(l, DONE_ERROR, 13);
    assert_false(client_reads(l->client, &l->answer));
}

static void the_version_is_the_greatest_that_both_speak(void **state) {
    Line *l = *state;
    client_logs_in(l->client, "right", 0x730b0003);
    assert_true(client_reads(l->client, &l->answer));
    assert_true(has(l, "\xad\x32\0\1\x73\x0b\0\3\x14M\0", 11));
}

static void an_old_protocol_is_refused_by_name(void **state) {
    Line *l = *state;
    client_logs_in(l->client, "right", 0x71000001);
    assert_true(client_reads(l->client, &l->answer));
    assert_true(has(l, "7\0.\0003\0", 6));
    assert_false(client_reads(l->client, &l->answer));
}

static void a_batch_before_login_closes_the_connection(void **state) {
    Line *l = *state;
    client_batches(l->client, "select 1", PACKET_STATUS_END, 0);
    assert_false(client_reads(l->client, &l->answer));
    assert_notes("");
}

static void batches_run_and_are_answered(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "select 'gr\xc3\xbc\xc3\x9f'", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_PLAIN, 13);
    client_batches(l->client, "given up", PACKET_STATUS_END | PACKET_STATUS_IGNORE, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.n, 13);
    assert_ends(l, DONE_ERROR, 13);
    client_batches(l->client, "second", PACKET_STATUS_END, 7);
    assert_true(client_reads(l->client, &l->answer));
    assert_notes("batch select 'gr\xc3\xbc\xc3\x9f'; batch second; ");
}

static void a_foreign_transaction_descriptor_is_refused(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "select 1", PACKET_STATUS_END, 6);
    assert_true(client_reads(l->client, &l->answer));
    assert_true(has(l, "\x95\x0f\0\0", 4)); /* 3989 */
    assert_ends(l, DONE_ERROR, 13);
    assert_notes("");
}

static void the_descriptor_of_the_transaction_that_a_reset_ends_is_taken(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "a", PACKET_STATUS_END | PACKET_STATUS_RESET, 7);
    assert_true(client_reads(l->client, &l->answer));
    client_batches(l->client, "b", PACKET_STATUS_END, 7);
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_ERROR, 13);
    assert_notes("reset all; batch a; ");
}

static void a_distributed_transaction_is_refused(void **state) {
    Line *l = *state;
    CLEANUP(buf_done) Buf b = {0};
    log_in(l);
    add_headers(&b, 0);
    buf_add(&b, "\0\0\0\0", 4);
    client_sends(l->client, PACKET_TRANSACTION, PACKET_STATUS_END, buf_view(&b));
    assert_true(client_reads(l->client, &l->answer));
    assert_true(has(l, "\x35\x21\0\0\3\x10", 6)); /* 8501 */
    assert_notes("");
}

static void the_reset_bit_resets_first(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "a", PACKET_STATUS_END | PACKET_STATUS_RESET, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_memory_equal(l->answer.p, "\xe3\3\0\x12\0\0", 6);
    client_batches(l->client, "b", PACKET_STATUS_END | PACKET_STATUS_RESET_KEEP, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_notes("reset all; batch a; reset keep; batch b; ");
}

static void each_call_of_a_message_runs_and_the_last_doneproc_ends_it(void **state) {
    Line *l = *state;
    CLEANUP(buf_done) Buf b = {0};
    log_in(l);
    add_headers(&b, 0);
    buf_add(&b, "\xff\xff\x0f\0\0\0\xff\xff\xff\x0a\0\0\0", 13);
    client_sends(l->client, PACKET_RPC, PACKET_STATUS_END, buf_view(&b));
    assert_true(client_reads(l->client, &l->answer));
    assert_notes("rpc sp_unprepare; rpc sp_executesql; ");
    static const char one[] = "\xff\x11\0\xc1\0\0\0\0\0\0\0\0\0\x79\0\0\0\0\xfe\x81\0\xe0\0\0\0\0\0\0\0\0\0";
    assert_int_equal(l->answer.n, 2 * (sizeof one - 1));
    assert_memory_equal(l->answer.p, one, sizeof one - 1);
    assert_ends(l, "\xfe\0\0\xe0\0\0\0\0\0\0\0\0\0", 13);
}

static void a_malformed_call_is_an_error_and_the_connection_goes_on(void **state) {
    Line *l = *state;
    CLEANUP(buf_done) Buf b = {0};
    log_in(l);
    add_headers(&b, 0);
    buf_add(&b, "\xff\xff\x63\0\0\0", 6);
    client_sends(l->client, PACKET_RPC, PACKET_STATUS_END, buf_view(&b));
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, "\xfe\2\0\xe0\0\0\0\0\0\0\0\0\0", 13);
    client_batches(l->client, "still here", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_notes("batch still here; ");
}

static void a_transaction_request_answers_with_its_descriptor(void **state) {
    Line *l = *state;
    CLEANUP(buf_done) Buf b = {0};
    log_in(l);
    add_headers(&b, 0);
    buf_add(&b, "\5\0\2\0", 4);
    client_sends(l->client, PACKET_TRANSACTION, PACKET_STATUS_END, buf_view(&b));
    assert_true(client_reads(l->client, &l->answer));
    assert_memory_equal(l->answer.p, "\xe3\x0b\0\x08\x08\7\0\0\0\0\0\0\0\0", 14);
}

static void an_attention_is_answered_idle_and_running(void **state) {
    Line *l = *state;
    log_in(l);
    client_sends(l->client, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0});
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.n, 13);
    assert_ends(l, DONE_ATTN, 13);
    client_batches(l->client, "wait", PACKET_STATUS_END, 0);
    client_sends(l->client, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0});
    assert_true(client_reads(l->client, &l->answer)); /* what there is of the answer */
    assert_ends(l, DONE_PLAIN, 13);
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.n, 13);
    assert_ends(l, DONE_ATTN, 13);
    client_batches(l->client, "next", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_PLAIN, 13);
}

static void a_client_that_leaves_ends_its_running_request(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "wait", PACKET_STATUS_END, 0); /* tear_down hangs up, and waits for the end */
}

static const char bulk_data[] =
    "\x81\1\0\0\0\0\0\x08\0\x38\1a\0\xd1\1\0\0\0\xd1\2\0\0\0\xfd\0\0\0\0\0\0\0\0\0\0\0\0";

static void bulk_rows_reach_the_session(void **state) {
    Line *l = *state;
    Str data = {bulk_data, sizeof bulk_data - 1};
    log_in(l);
    client_batches(l->client, "bulk", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    client_sends(l->client, PACKET_BULK, 0, str_sub(data, 0, 17));
    client_sends(l->client, PACKET_BULK, PACKET_STATUS_END, str_sub(data, 17, data.n));
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, "\xfd\x10\0\xf0\0\1\0\0\0\0\0\0\0", 13);
    assert_notes("batch bulk; columns a; row; row; end whole; ");
}

static void broken_bulk_data_cancels_the_load_only(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "bulk", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    client_sends(l->client, PACKET_BULK, PACKET_STATUS_END, STR_LIT("\xd1\1"));
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_ERROR, 13);
    client_sends(l->client, PACKET_BULK, PACKET_STATUS_END,
                 (Str){bulk_data, sizeof bulk_data - 1}); /* unasked */
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_ERROR, 13);
    assert_notes("batch bulk; end cancelled; ");
}

static void a_load_ended_by_the_ignore_bit_is_cancelled_without_an_acknowledgement(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "bulk", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    client_sends(l->client, PACKET_BULK, 0, (Str){bulk_data, 18});
    client_sends(l->client, PACKET_BULK, PACKET_STATUS_END | PACKET_STATUS_IGNORE, (Str){0});
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.n, 13);
    assert_ends(l, DONE_ERROR, 13);
    assert_notes("batch bulk; columns a; row; end cancelled; ");
}

static void a_load_that_the_client_gives_up_is_cancelled(void **state) {
    Line *l = *state;
    log_in(l);
    client_batches(l->client, "bulk", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    client_sends(l->client, PACKET_BULK, 0, (Str){bulk_data, 18});
    client_sends(l->client, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0});
    assert_true(client_reads(l->client, &l->answer));
    assert_ends(l, DONE_ATTN, 13);
    assert_notes("batch bulk; columns a; row; end cancelled; ");
}

/* --- TLS --------------------------------------------------------------------------------------------------
 */

/* A pre-login with that encryption byte; the server's. */
static int agree(Line *l, char encryption) {
    char body[] = "\1\0\6\0\1\xff\0";
    body[6] = encryption;
    client_sends(l->client, PACKET_PRELOGIN, PACKET_STATUS_END, (Str){body, 7});
    assert_true(client_reads(l->client, &l->answer));
    return l->answer.p[l->answer.n - 1];
}

/* What fn sends into a socket goes through TLS instead. */
static void send_sealed(Line *l, TlsClient *c, void (*fn)(int fd)) {
    int fds[2];
    uint8_t buf[4096];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    fn(fds[0]);
    ssize_t n = recv(fds[1], buf, sizeof buf, 0);
    assert_true(n > 0);
    tls_client_writes(c, buf, (size_t)n);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)l;
}

static void sends_login(int fd) {
    client_logs_in(fd, "right", 0x74000004);
}
static void sends_bad_login(int fd) {
    client_logs_in(fd, "wrong", 0x74000004);
}
static void sends_strict_login(int fd) {
    client_logs_in(fd, "right", 0x08000000);
}
static void sends_wait(int fd) {
    client_batches(fd, "wait", PACKET_STATUS_END, 0);
}
static void sends_attention(int fd) {
    client_sends(fd, PACKET_ATTENTION, PACKET_STATUS_END, (Str){0});
}

/* The next answer through TLS; false: the server hung up. */
static bool reads_sealed(Line *l, TlsClient *c) {
    uint8_t h[PACKET_HEADER_BYTES] = {0};
    buf_clear(&l->answer);
    while ((h[1] & PACKET_STATUS_END) == 0) {
        if (!tls_client_reads(c, h, sizeof h)) return false;
        size_t n = (size_t)(h[2] << 8 | h[3]) - PACKET_HEADER_BYTES;
        if (!tls_client_reads(c, buf_reserve(&l->answer, n + 1), n)) return false;
        l->answer.n += n;
    }
    return true;
}

static void only_the_login_is_encrypted_when_the_client_says_off(void **state) {
    Line *l = *state;
    TlsClient c;
    tls_client_open(&c, l->client);
    assert_int_equal(agree(l, 0), 0);
    assert_true(tls_client_connects(&c, true));
    send_sealed(l, &c, sends_login);
    assert_true(client_reads(l->client, &l->answer)); /* plain */
    assert_ends(l, DONE_PLAIN, 13);
    client_batches(l->client, "plain", PACKET_STATUS_END, 0);
    assert_true(client_reads(l->client, &l->answer));
    assert_notes("batch plain; ");
    tls_client_done(&c);
}

static void a_refused_login_is_told_in_plain_too(void **state) {
    Line *l = *state;
    TlsClient c;
    tls_client_open(&c, l->client);
    assert_int_equal(agree(l, 0), 0);
    assert_true(tls_client_connects(&c, true));
    send_sealed(l, &c, sends_bad_login);
    assert_true(client_reads(l->client, &l->answer));
    assert_int_equal(l->answer.p[0], 0xaa);
    assert_false(client_reads(l->client, &l->answer));
    tls_client_done(&c);
}

static void everything_is_encrypted_when_the_client_says_on_and_an_attention_gets_through(void **state) {
    Line *l = *state;
    TlsClient c;
    tls_client_open(&c, l->client);
    assert_int_equal(agree(l, 1), 1);
    assert_true(tls_client_connects(&c, true));
    send_sealed(l, &c, sends_login);
    assert_true(reads_sealed(l, &c));
    assert_ends(l, DONE_PLAIN, 13);
    send_sealed(l, &c, sends_wait);
    send_sealed(l, &c, sends_attention);
    assert_true(reads_sealed(l, &c));
    assert_ends(l, DONE_PLAIN, 13);
    assert_true(reads_sealed(l, &c));
    assert_ends(l, DONE_ATTN, 13);
    tls_client_done(&c);
}

static void a_client_without_tls_gets_in_where_it_is_optional(void **state) {
    Line *l = *state;
    assert_int_equal(agree(l, 2), 2);
    log_in(l);
    assert_ends(l, DONE_PLAIN, 13);
}

static void a_client_without_tls_is_turned_away_where_it_is_required(void **state) {
    Line *l = *state;
    assert_int_equal(agree(l, 2), 3);
    assert_false(client_reads(l->client, &l->answer));
}

static void required_means_everything(void **state) {
    Line *l = *state;
    TlsClient c;
    tls_client_open(&c, l->client);
    assert_int_equal(agree(l, 0), 3);
    assert_true(tls_client_connects(&c, true));
    send_sealed(l, &c, sends_login);
    assert_true(reads_sealed(l, &c));
    assert_ends(l, DONE_PLAIN, 13);
    tls_client_done(&c);
}

static void a_login_without_a_prelogin_is_no_way_around_it(void **state) {
    Line *l = *state;
    client_logs_in(l->client, "right", 0x74000004);
    assert_false(client_reads(l->client, &l->answer));
}

static void a_strict_client_is_in_tls_from_its_first_byte(void **state) {
    Line *l = *state;
    TlsClient c;
    tls_client_open(&c, l->client);
    assert_int_equal(SSL_set_alpn_protos(c.ssl, (const uint8_t *)"\x07tds/8.0", 8), 0);
    assert_true(tls_client_connects(&c, false));
    send_sealed(l, &c, sends_strict_login);
    assert_true(reads_sealed(l, &c));
    assert_true(has(l, "\xad\x32\0\1\x08\0\0\0\x14M\0", 11));
    tls_client_done(&c);
}

static void a_strict_client_is_dropped_where_tls_is_off(void **state) {
    Line *l = *state;
    assert_int_equal(write(l->client, "\x16\3\1\0\5hello", 10), 10);
    assert_false(client_reads(l->client, &l->answer));
}

static void a_second_prelogin_closes_the_connection(void **state) {
    Line *l = *state;
    assert_int_equal(agree(l, 2), 2);
    client_sends(l->client, PACKET_PRELOGIN, PACKET_STATUS_END, (Str){"\xff", 1});
    assert_false(client_reads(l->client, &l->answer));
}

#define TEST(name)     cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TLS(name)      cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down)
#define REQUIRED(name) cmocka_unit_test_setup_teardown(name, set_up_required_tls, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(login_is_acknowledged_with_database_collation_and_packet_size),
        TEST(a_wrong_password_is_refused_and_the_connection_closed),
        TEST(a_database_that_cannot_be_opened_fails_the_login_with_two_errors),
        TEST(the_version_is_the_greatest_that_both_speak),
        TEST(the_descriptor_of_the_transaction_that_a_reset_ends_is_taken),
        TEST(a_distributed_transaction_is_refused),
        TEST(a_load_ended_by_the_ignore_bit_is_cancelled_without_an_acknowledgement),
        TEST(an_old_protocol_is_refused_by_name),
        TEST(a_batch_before_login_closes_the_connection),
        TEST(batches_run_and_are_answered),
        TEST(a_foreign_transaction_descriptor_is_refused),
        TEST(the_reset_bit_resets_first),
        TEST(each_call_of_a_message_runs_and_the_last_doneproc_ends_it),
        TEST(a_malformed_call_is_an_error_and_the_connection_goes_on),
        TEST(a_transaction_request_answers_with_its_descriptor),
        TEST(an_attention_is_answered_idle_and_running),
        TEST(a_client_that_leaves_ends_its_running_request),
        TEST(bulk_rows_reach_the_session),
        TEST(broken_bulk_data_cancels_the_load_only),
        TEST(a_load_that_the_client_gives_up_is_cancelled),
        TEST(a_strict_client_is_dropped_where_tls_is_off),
        TEST(a_second_prelogin_closes_the_connection),
        TLS(only_the_login_is_encrypted_when_the_client_says_off),
        TLS(a_refused_login_is_told_in_plain_too),
        TLS(everything_is_encrypted_when_the_client_says_on_and_an_attention_gets_through),
        TLS(a_client_without_tls_gets_in_where_it_is_optional),
        TLS(a_strict_client_is_in_tls_from_its_first_byte),
        REQUIRED(a_client_without_tls_is_turned_away_where_it_is_required),
        REQUIRED(required_means_everything),
        REQUIRED(a_login_without_a_prelogin_is_no_way_around_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
