#include "standin/tds/token.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

typedef struct Wire {
    int client, server;
    PacketIo *io;
    TokenOut *token;
    Out *out;
    uint8_t got[8192];
    size_t n;
} Wire;

static int set_up(void **state) {
    int fds[2];
    Wire *w = x_calloc(1, sizeof *w);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return -1;
    w->client = fds[0];
    w->server = fds[1];
    w->io = packet_new(fds[1]);
    w->token = token_new(w->io, "box");
    w->out = token_out(w->token);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    Wire *w = *state;
    w->token = token_free(w->token);
    w->io = packet_free(w->io);
    (void)close(w->client);
    (void)close(w->server);
    free(w);
    return 0;
}

/* The one packet that the answer is; its body must be `want`. */
static void assert_answer(Wire *w, const char *want, size_t n) {
    ssize_t got = recv(w->client, w->got, sizeof w->got, 0);
    assert_int_equal(got, n + PACKET_HEADER_BYTES);
    assert_int_equal(w->got[1], PACKET_STATUS_END);
    assert_memory_equal(w->got + PACKET_HEADER_BYTES, want, n);
}
#define ASSERT_ANSWER(w, literal) assert_answer((w), "" literal, sizeof(literal) - 1)

static const OutColumn id_and_name[] = {
    {.name = {"id", 2}, .type = {.id = TYPE_INT}, .is_identity = true},
    {.name = {"n", 1}, .type = {.id = TYPE_NVARCHAR, .length = 4}, .is_nullable = true, .is_updatable = true},
};

static void a_result_set_is_columns_rows_and_a_done_with_its_count(void **state) {
    Wire *w = *state;
    token_begin(w->token, false);
    assert_true(w->out->columns(w->out, id_and_name, 2));
    Value row[] = {VALUE_OF_INT(7), VALUE_OF_TEXT(STR_LIT("ab"))};
    assert_true(w->out->row(w->out, row));
    row[1] = (Value){0};
    assert_true(w->out->row(w->out, row));
    assert_true(w->out->done(w->out, OUT_CMD_SELECT, true, 2, false));
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\x81\2\0"
                     "\0\0\0\0\x10\0\x38\2i\0d\0"
                     "\0\0\0\0\x09\0\xe7\x08\0\x09\4\xd0\0\x34\1n\0"
                     "\xd1\7\0\0\0\4\0a\0b\0"
                     "\xd1\7\0\0\0\xff\xff"
                     "\xfd\x10\0\xc1\0\2\0\0\0\0\0\0\0");
}

static void rows_of_many_nulls_are_compact(void **state) {
    Wire *w = *state;
    OutColumn columns[3];
    for (size_t i = 0; i < 3; i++) columns[i] = (OutColumn){.type = {.id = TYPE_BIGINT}, .is_nullable = true};
    token_begin(w->token, false);
    assert_true(w->out->columns(w->out, columns, 3));
    size_t before = packet_out(w->io)->n;
    Value row[] = {{0}, VALUE_OF_INT(1), {0}};
    assert_true(w->out->row(w->out, row));
    assert_memory_equal(packet_out(w->io)->p + before, "\xd2\x05\x08\1\0\0\0\0\0\0\0", 11);
    assert_int_equal(packet_out(w->io)->n, before + 11);
}

static void only_the_last_done_says_that_no_more_follows(void **state) {
    Wire *w = *state;
    token_begin(w->token, false);
    assert_true(w->out->done(w->out, OUT_CMD_INSERT, true, 1, false));
    assert_true(w->out->done(w->out, OUT_CMD_NONE, false, 9, false));
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xfd\x11\0\xc3\0\1\0\0\0\0\0\0\0"
                     "\xfd\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void an_answer_of_nothing_still_has_a_done(void **state) {
    Wire *w = *state;
    token_begin(w->token, false);
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void a_procedure_ends_with_status_values_and_doneproc(void **state) {
    Wire *w = *state;
    Type type = {.id = TYPE_INT};
    Value v = VALUE_OF_INT(5);
    token_begin(w->token, true);
    assert_true(w->out->done(w->out, OUT_CMD_UPDATE, true, 3, false));
    assert_true(w->out->return_status(w->out, 0));
    assert_true(w->out->return_value(w->out, 1, STR_LIT("@x"), &type, &v));
    token_end_procedure(w->token);
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xff\x11\0\xc5\0\3\0\0\0\0\0\0\0"
                     "\x79\0\0\0\0"
                     "\xac\1\0\2@\0x\0\1\0\0\0\0\1\0\x26\4\4\5\0\0\0"
                     "\xfe\0\0\xe0\0\0\0\0\0\0\0\0\0");
}

static void
a_procedure_called_in_a_batch_ends_its_statements_and_itself_with_tokens_of_its_own(void **state) {
    Wire *w = *state;
    token_begin(w->token, false);
    w->out->procedure(w->out, true);
    assert_true(w->out->done(w->out, OUT_CMD_INSERT, true, 1, false));
    w->out->procedure(w->out, true);
    w->out->procedure(w->out, false);
    assert_true(w->out->done(w->out, OUT_CMD_EXEC, false, 0, false)); /* of the inner one */
    w->out->procedure(w->out, false);
    assert_true(w->out->return_status(w->out, 0));
    assert_true(w->out->done(w->out, OUT_CMD_EXEC, false, 0, false));
    assert_true(w->out->done(w->out, OUT_CMD_UPDATE, true, 2, false));
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xff\x11\0\xc3\0\1\0\0\0\0\0\0\0"
                     "\xff\1\0\xe0\0\0\0\0\0\0\0\0\0"
                     "\x79\0\0\0\0"
                     "\xfe\1\0\xe0\0\0\0\0\0\0\0\0\0"
                     "\xfd\x10\0\xc5\0\2\0\0\0\0\0\0\0");
}

static void a_call_that_another_follows_says_so(void **state) {
    Wire *w = *state;
    token_begin(w->token, true);
    token_end_procedure(w->token);
    token_end_procedure(w->token);
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xfe\x81\0\xe0\0\0\0\0\0\0\0\0\0"
                     "\xfe\0\0\xe0\0\0\0\0\0\0\0\0\0");
}

typedef struct Struck {
    uint64_t at;
    bool goes_on;
} Struck;

static bool strike(void *arg, uint64_t at) {
    ((Struck *)arg)->at = at;
    return ((Struck *)arg)->goes_on;
}

static void a_trap_strikes_within_the_row_after_so_many(void **state) {
    Wire *w = *state;
    OutColumn column = {.type = {.id = TYPE_INT}};
    Value v = VALUE_OF_INT(1);
    Struck struck = {0};
    token_begin(w->token, false);
    token_set_trap(w->token, &(TokenTrap){.rows = 2, .bytes = UINT64_MAX, .strike = strike, .arg = &struck});
    assert_true(w->out->columns(w->out, &column, 1));
    assert_true(w->out->row(w->out, &v) && w->out->row(w->out, &v));
    size_t before = packet_out(w->io)->n;
    assert_false(w->out->row(w->out, &v));
    assert_int_equal(struck.at, before + 3); /* of a row of five bytes */
    assert_true(w->out->row(w->out, &v));    /* it strikes once */
}

static void a_trap_strikes_at_a_byte(void **state) {
    Wire *w = *state;
    Struck struck = {.goes_on = true};
    token_begin(w->token, false);
    token_set_trap(w->token, &(TokenTrap){.rows = UINT64_MAX, .bytes = 20, .strike = strike, .arg = &struck});
    assert_true(w->out->return_status(w->out, 0));
    assert_int_equal(struck.at, 0);
    assert_true(w->out->env_transaction(w->out, OUT_ENV_BEGIN, 9) && w->out->return_status(w->out, 0));
    assert_int_equal(struck.at, 20);
}

static void an_error_is_told_in_the_done_behind_it(void **state) {
    Wire *w = *state;
    OutMessage m = {.number = 208, .state = 1, .class_ = 16, .text = STR_LIT("no t"), .line = 3};
    token_begin(w->token, false);
    assert_true(w->out->message(w->out, &m));
    assert_true(w->out->done(w->out, OUT_CMD_SELECT, false, 0, true));
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xaa\x1c\0\xd0\0\0\0\1\x10\4\0n\0o\0 \0t\0\3b\0o\0x\0\0\3\0\0\0"
                     "\xfd\2\0\xc1\0\0\0\0\0\0\0\0\0");
}

static void severity_10_is_sent_as_0(void **state) {
    Wire *w = *state;
    OutMessage m = {.number = 5701, .state = 2, .class_ = 10};
    assert_true(w->out->message(w->out, &m));
    assert_memory_equal(packet_out(w->io)->p, "\xab\x14\0\x45\x16\0\0\2\0", 9);
}

static void environment_changes_have_their_layouts(void **state) {
    Wire *w = *state;
    token_begin(w->token, false);
    assert_true(w->out->env_text(w->out, OUT_ENV_DATABASE, STR_LIT("d"), STR_LIT("m")));
    assert_true(w->out->env_transaction(w->out, OUT_ENV_BEGIN, 9));
    assert_true(w->out->env_transaction(w->out, OUT_ENV_COMMIT, 9));
    token_packet_size(w->token, 8000, 4096);
    token_collation(w->token, 0);
    token_reset_done(w->token);
    assert_true(token_end(w->token));
    ASSERT_ANSWER(w, "\xe3\7\0\1\1d\0\1m\0"
                     "\xe3\x0b\0\x08\x08\x09\0\0\0\0\0\0\0\0"
                     "\xe3\x0b\0\x09\0\x08\x09\0\0\0\0\0\0\0"
                     "\xe3\x13\0\4\4"
                     "8\0000\0000\0000\0\4"
                     "4\0000\0009\0006\0"
                     "\xe3\x08\0\7\5\x09\4\xd0\0\x34\0"
                     "\xe3\3\0\x12\0\0"
                     "\xfd\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void an_attention_ends_the_answer_and_stops_the_rows(void **state) {
    Wire *w = *state;
    uint8_t attention[] = {PACKET_ATTENTION, PACKET_STATUS_END, 0, 8, 0, 0, 1, 0};
    OutColumn column = {.type = {.id = TYPE_INT}};
    Value v = VALUE_OF_INT(1);
    token_begin(w->token, false);
    assert_true(w->out->columns(w->out, &column, 1));
    assert_int_equal(write(w->client, attention, sizeof attention), sizeof attention);
    while (w->out->row(w->out, &v)) continue;
    assert_true(packet_take_attention(w->io));
    assert_true(token_end_attention(w->token));
    size_t n = 0;
    ssize_t got;
    uint8_t last[13] = {0};
    while ((got = recv(w->client, w->got, sizeof w->got, MSG_DONTWAIT)) > 0) {
        n += (size_t)got;
        if (got >= 13) memcpy(last, w->got + got - 13, 13);
    }
    assert_true(n > 13);
    assert_memory_equal(last, "\xfd\x20\0\xfd\0\0\0\0\0\0\0\0\0", 13);
}

static void a_value_that_does_not_fit_becomes_an_error_not_wrong_bytes(void **state) {
    Wire *w = *state;
    Value row[] = {{0}, {0}};
    token_begin(w->token, false);
    assert_true(w->out->columns(w->out, id_and_name, 2));
    size_t before = packet_out(w->io)->n;
    assert_false(w->out->row(w->out, row));
    assert_int_equal(packet_out(w->io)->p[before], 0xaa);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_result_set_is_columns_rows_and_a_done_with_its_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_of_many_nulls_are_compact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_last_done_says_that_no_more_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_of_nothing_still_has_a_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_procedure_ends_with_status_values_and_doneproc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_procedure_called_in_a_batch_ends_its_statements_and_itself_with_tokens_of_its_own, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_call_that_another_follows_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trap_strikes_within_the_row_after_so_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trap_strikes_at_a_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_is_told_in_the_done_behind_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(severity_10_is_sent_as_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(environment_changes_have_their_layouts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_attention_ends_the_answer_and_stops_the_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_that_does_not_fit_becomes_an_error_not_wrong_bytes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
