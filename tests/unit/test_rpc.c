#include "standin/tds/rpc.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf.h"
#include "test.h"

static void add_name(Buf *b, const char *text) {
    buf_u8(b, (uint8_t)utf_units16(str_from(text)));
    (void)utf_8_to_16le(str_from(text), b);
}

static void add_int(Buf *b, const char *name, uint8_t status, int32_t v) {
    add_name(b, name);
    buf_u8(b, status);
    buf_u8(b, 0x26);
    buf_u8(b, 4);
    buf_u8(b, 4);
    buf_le32(b, (uint32_t)v);
}

static void headers_give_the_descriptor(void **state) {
    (void)state;
    static const char bytes[] = "\x16\0\0\0\x12\0\0\0\2\0\x09\0\0\0\0\0\0\0\1\0\0\0rest";
    uint64_t descriptor;
    Err e = {0};
    Cursor c = cursor_over(bytes, sizeof bytes - 1);
    assert_true(rpc_read_headers(&c, &descriptor, &e));
    assert_int_equal(descriptor, 9);
    assert_int_equal(cursor_left(&c), 4);
    for (size_t n = 0; n < 22; n++) {
        Cursor shorter = cursor_over(bytes, n);
        assert_false(rpc_read_headers(&shorter, &descriptor, &e));
    }
}

static void several_calls_stand_in_one_message(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    RpcCall call;
    SqlError e = {0};
    buf_le16(&b, 0xffff);
    buf_le16(&b, 13);
    buf_le16(&b, 2);
    add_int(&b, "", 1, 1);
    add_int(&b, "@x", 2, -5);
    buf_u8(&b, 0xff);
    buf_le16(&b, 3);
    (void)utf_8_to_16le(STR_LIT("abc"), &b);
    buf_le16(&b, 0);
    Cursor c = cursor_over(b.p, b.n);
    assert_true(rpc_read(&c, &a, &call, &e));
    assert_true(str_eq_c(call.procedure, "sp_prepexec"));
    assert_true(call.no_metadata);
    assert_int_equal(call.count, 2);
    assert_true(call.params[0].is_output && !call.params[1].is_output && call.params[1].is_default);
    assert_int_equal(call.params[1].value.v.i, -5);
    assert_true(str_eq_c(call.params[1].name, "@x"));
    assert_true(rpc_read(&c, &a, &call, &e));
    assert_true(str_eq_c(call.procedure, "abc"));
    assert_int_equal(call.count, 0);
    assert_int_equal(cursor_left(&c), 0);
}

static void a_name_without_an_at_sign_is_no_name(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    RpcCall call;
    SqlError e = {0};
    buf_le16(&b, 0xffff);
    buf_le16(&b, 10);
    buf_le16(&b, 0);
    add_int(&b, "stmt", 0, 1);
    Cursor c = cursor_over(b.p, b.n);
    assert_true(rpc_read(&c, &a, &call, &e));
    assert_int_equal(call.count, 1);
    assert_int_equal(call.params[0].name.n, 0);
}

static void many_parameters_are_kept_and_too_many_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    RpcCall call;
    SqlError e = {0};
    buf_le16(&b, 0xffff);
    buf_le16(&b, 10);
    buf_le16(&b, 0);
    for (int i = 0; i < RPC_MAX_PARAMS; i++) add_int(&b, "", 0, i);
    Cursor c = cursor_over(b.p, b.n);
    assert_true(rpc_read(&c, &a, &call, &e));
    assert_int_equal(call.count, RPC_MAX_PARAMS);
    assert_int_equal(call.params[2000].value.v.i, 2000);
    add_int(&b, "", 0, 1);
    c = cursor_over(b.p, b.n);
    assert_false(rpc_read(&c, &a, &call, &e));
    assert_int_equal(e.number, 8003);
}

static void what_is_not_supported_is_named(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        int32_t number;
        const char *says;
    } cases[] = {
        {"\xff\xff\x63\0\0\0", 6, 8004, "The RPC name is invalid."},
        {"\0\0\0\0", 4, 8004, "The RPC name is invalid."},
        {"\xff\xff\x0a\0\0", 5, 8004, "The RPC name is invalid."},
        {"\xff\xff\x0a\0\0\0\0\0\xf3", 9, 8009,
         "Parameter 1 (\"\"): a table-valued parameter is not supported."},
        {"\xff\xff\x0a\0\0\0\2@\0x\0\0\x07", 13, 8009, "Parameter 1 (\"@x\"): Data type 0x07 is unknown."},
        {"\xff\xff\x0a\0\0\0\2@\0x", 10, 8005, "Parameter 1: The parameter name is invalid."},
        {"\xff\xff\x0a\0\0\0\0\x08\x1f", 9, 8006, "Parameter 1: Encrypted parameters are not supported."},
        {"\xff\xff\x0a\0\0\0\0\x10\x1f", 9, 8006, "Parameter 1: The parameter status flags are invalid."},
        {"\xff\xff\x0a\0\0\0\0\0\x26\3", 10, 8016,
         "Parameter 1 (\"\"): Data type 0x26 has an invalid data length or metadata length."},
        {"\xff\xff\x0a\0\0\0\0\0\x26\4\4\1\2", 13, 8016,
         "Parameter 1 (\"\"): Data type 0x26 has an invalid data length or metadata length."},
        {"\xff\xff\x0a\0\0\0\0\0\x6a\5\5\6", 12, 8017,
         "Parameter 1 (\"\"): Data type 0x6A has an invalid precision or scale."},
        {"\xff\xff\x0a\0\0\0\1@\0\0\x6d\4\4\0\0\xc0\x7f", 17, 8023,
         "Parameter 1 (\"@\"): The supplied value is not a valid instance of data type real. Check the "
         "source data for "
         "invalid values. An example of an invalid value is data of numeric type with scale greater than "
         "precision."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(arena_done) Arena a = {0};
        RpcCall call;
        SqlError e = {0};
        Cursor c = cursor_over(cases[i].bytes, cases[i].n);
        static const char prefix[] = "The incoming tabular data stream (TDS) remote procedure call (RPC) "
                                     "protocol stream is incorrect. ";
        assert_false(rpc_read(&c, &a, &call, &e));
        assert_int_equal(e.number, cases[i].number);
        assert_memory_equal(e.text, prefix, sizeof prefix - 1);
        assert_string_equal(e.text + sizeof prefix - 1, cases[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_give_the_descriptor),
        cmocka_unit_test(several_calls_stand_in_one_message),
        cmocka_unit_test(a_name_without_an_at_sign_is_no_name),
        cmocka_unit_test(many_parameters_are_kept_and_too_many_refused),
        cmocka_unit_test(what_is_not_supported_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
