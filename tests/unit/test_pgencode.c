#include "postgres/pgencode.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "record/civil.h"
#include "record/numtext.h"
#include "test.h"

/* The field's bytes as hex, length included. */
static const char *encoded(PgEncode encode, uint8_t scale, Value v) {
    static char hex[512];
    const PgField f = {.encode = encode, .what = "dbo.t.c", .scale = scale};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    uint8_t *start = buf_reserve(&out, PGENCODE_ROOM + v.n), *end = encode(&f, &v, start, &e);
    if (!end)
        return e.msg[0] ? memcpy(hex, e.msg, sizeof hex < sizeof e.msg ? sizeof hex : sizeof e.msg)
                        : "failed";
    size_t n = 0;
    for (uint8_t *p = start; p < end; p++) n += (size_t)snprintf(hex + n, sizeof hex - n, "%02x", *p);
    return hex;
}

static const char *encoded_text(PgEncode encode, uint8_t scale, Value v) {
    static char text[128];
    const PgField f = {.encode = encode, .what = "dbo.t.c", .scale = scale};
    uint8_t out[256];
    Err e = {0};
    uint8_t *end = encode(&f, &v, out, &e);
    assert_non_null(end);
    (void)snprintf(text, sizeof text, "%.*s", (int)(end - out - 4), (char *)out + 4);
    return text;
}

static void integers_are_big_endian_and_checked_for_range(void **state) {
    (void)state;
    assert_string_equal(encoded(pgencode_int_int2, 0, value_int(-2)), "00000002fffe");
    assert_string_equal(encoded(pgencode_int_int4, 0, value_int(258)), "0000000400000102");
    assert_string_equal(encoded(pgencode_int_int8, 0, value_int(INT64_MIN)), "000000088000000000000000");
    assert_string_equal(encoded(pgencode_int_bool, 0, value_int(1)), "0000000101");
    assert_string_equal(encoded(pgencode_int_int4, 0, value_int(INT64_C(1) << 31)),
                        "dbo.t.c: out of range for integer");
}

/* By hand: digits in base 10000, weight of the first, sign, display scale. */
static void numeric_has_base_10000_digits_around_the_point(void **state) {
    (void)state;
    assert_string_equal(encoded(pgencode_int_numeric, 2, value_int(0)), "00000008"
                                                                        "0000"
                                                                        "0000"
                                                                        "0000"
                                                                        "0002");
    assert_string_equal(encoded(pgencode_int_numeric, 2, value_int(1234)), /* 12.34 = 12, 3400 */
                        "0000000c"
                        "0002"
                        "0000"
                        "0000"
                        "0002"
                        "000c"
                        "0d48");
    assert_string_equal(encoded(pgencode_int_numeric, 2, value_int(-5)), /* -0.05 = 0500, weight -1 */
                        "0000000a"
                        "0001"
                        "ffff"
                        "4000"
                        "0002"
                        "01f4");
    assert_string_equal(encoded(pgencode_int_numeric, 4, value_int(10000)), /* 1.0000: zeros dropped */
                        "0000000a"
                        "0001"
                        "0000"
                        "0000"
                        "0004"
                        "0001");
    assert_string_equal(encoded(pgencode_int_numeric, 0, value_int(100000000)), /* 1 0000 0000 */
                        "0000000a"
                        "0001"
                        "0002"
                        "0000"
                        "0000"
                        "0001");
    assert_string_equal(encoded(pgencode_int_numeric, 9, value_int(1)), /* 1e-9: one digit at weight -3 */
                        "0000000a"
                        "0001"
                        "fffd"
                        "0000"
                        "0009"
                        "03e8");
    assert_string_equal(encoded(pgencode_int_numeric, 4, value_int(INT64_MIN)), /* money's smallest */
                        "00000012"
                        "0005"
                        "0003"
                        "4000"
                        "0004"
                        "039a"
                        "0d2c"
                        "0170"
                        "1565"
                        "16b0");
}

static void wide_decimals_agree_with_narrow_ones(void **state) {
    (void)state;
    static const int64_t values[] = {0, 1, -1, 9999, 10000, -123456789, INT64_C(999999999999999999)};
    for (uint8_t scale = 0; scale <= 38; scale++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            char narrow[512];
            NumInt128 wide = values[i];
            (void)snprintf(narrow, sizeof narrow, "%s",
                           encoded(pgencode_int_numeric, scale, value_int(values[i])));
            assert_string_equal(encoded(pgencode_int128_numeric, scale, value_bytes((const char *)&wide, 16)),
                                narrow);
        }
}

static void the_largest_decimal_has_all_its_digits(void **state) {
    (void)state;
    NumInt128 max = numtext_power10(38) - 1;
    const Value v = value_bytes((const char *)&max, 16);
    assert_string_equal(encoded(pgencode_int128_numeric, 0, v), "0000001c"
                                                                "000a"
                                                                "0009"
                                                                "0000"
                                                                "0000"
                                                                "0063"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f"
                                                                "270f");
    assert_string_equal(encoded(pgencode_int128_numeric, 38, v), "0000001c"
                                                                 "000a"
                                                                 "ffff"
                                                                 "0000"
                                                                 "0026"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "270f"
                                                                 "26ac");
    assert_string_equal(encoded_text(pgencode_int128_text, 38, v),
                        "0.99999999999999999999999999999999999999");
}

static void the_seventh_digit_rounds_half_up_but_never_into_the_next_day_or_year(void **state) {
    (void)state;
    assert_int_equal(pgencode_ticks_us(1234564), 123456);
    assert_int_equal(pgencode_ticks_us(1234565), 123457);
    int64_t last = INT64_C(3652059) * CIVIL_TICKS_PER_DAY - 1; /* 9999-12-31 23:59:59.9999999 */
    assert_int_equal(pgencode_ticks_us(last), INT64_C(3652059) * 86400000000 - 1);
    assert_int_equal(pgencode_time_us(CIVIL_TICKS_PER_DAY - 1), INT64_C(86400000000) - 1);
    assert_int_equal(pgencode_time_us(5), 1);
}

static void days_and_times_count_from_2000(void **state) {
    (void)state;
    assert_string_equal(encoded(pgencode_date_date, 0, value_int(10957)), "0000000400000000");
    assert_string_equal(encoded(pgencode_date_date, 0, value_int(CIVIL_DAY_0001)), "00000004fff4dbf9");
    int64_t day_2000 = (10957 - (int64_t)CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY;
    assert_string_equal(encoded(pgencode_ticks_timestamp, 7, value_int(day_2000 + 10)),
                        "000000080000000000000001");
    assert_string_equal(encoded(pgencode_date_timestamp, 0, value_int(10958)), "00000008000000141dd76000");
}

static void epochs_are_debeziums_numbers(void **state) {
    (void)state;
    int64_t epoch = -(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY;
    assert_string_equal(encoded(pgencode_ticks_epoch8, 3, value_int(epoch + 20000)),
                        "000000080000000000000002");
    assert_string_equal(encoded(pgencode_ticks_epoch8, 6, value_int(epoch - 10)), "00000008ffffffffffffffff");
    assert_string_equal(encoded(pgencode_ticks_epoch8, 7, value_int(epoch + 1)), "000000080000000000000064");
    assert_string_equal(encoded(pgencode_ticks_epoch8, 7, value_int(0)),
                        "dbo.t.c: out of range for nanoseconds in a bigint");
}

static void texts_of_times_are_iso_8601(void **state) {
    (void)state;
    int64_t ticks = (civil_to_days((CivilDate){2024, 2, 29}) - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY +
                    10 * CIVIL_TICKS_PER_SECOND + 1200000;
    assert_string_equal(encoded_text(pgencode_ticks_text, 3, value_int(ticks)), "2024-02-29T00:00:10.120");
    Value v = value_int(ticks);
    assert_string_equal(encoded_text(pgencode_offset_text, 7, v), "2024-02-29T00:00:10.12Z");
    v.aux = -330;
    assert_string_equal(encoded_text(pgencode_offset_text, 7, v), "2024-02-28T18:30:10.12-05:30");
    assert_string_equal(encoded_text(pgencode_int_text, 2, value_int(-5)), "-0.05");
}

static void guids_go_as_bytes_or_as_sql_servers_text(void **state) {
    (void)state;
    static const char guid[] = "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
    Value v = value_bytes(guid, 16);
    assert_string_equal(encoded(pgencode_guid_uuid, 0, v), "0000001000112233445566778899aabbccddeeff");
    assert_string_equal(encoded_text(pgencode_guid_text, 0, v), "00112233-4455-6677-8899-AABBCCDDEEFF");
    static const char text[] = "00112233-4455-6677-8899-aabbccDDEEFF";
    assert_string_equal(encoded(pgencode_text_uuid, 0, value_bytes(text, 36)),
                        "0000001000112233445566778899aabbccddeeff");
    assert_string_equal(
        encoded(pgencode_text_uuid, 0, value_bytes("x0112233-4455-6677-8899-aabbccDDEEFF", 36)),
        "dbo.t.c: not the text of a uuid");
}

static void text_with_a_nul_is_refused_by_name(void **state) {
    (void)state;
    assert_string_equal(encoded(pgencode_text_text, 0, value_bytes("a\0b", 3)),
                        "dbo.t.c: the text holds U+0000, which PostgreSQL cannot store");
    assert_string_equal(encoded(pgencode_text_jsonb, 0, value_bytes("{}", 2)), "00000003017b7d");
    assert_string_equal(encoded(pgencode_text_text, 0, value_bytes("", 0)), "00000000");
}

static const char *written_as(UnstorableMode mode, PgEncode encode, Value v) {
    static char hex[512];
    Unstorable unstorable = {.mode = mode, .what = "dbo.t.c"};
    const PgField f = {.encode = encode, .what = "dbo.t.c", .is_variable = true, .unstorable = &unstorable};
    const uint16_t column = 0;
    const Value *rows[] = {&v};
    CLEANUP(buf_done) Buf row = {0};
    CLEANUP(buf_done) Buf array = {0};
    Err e = {0};
    assert_true(pgencode_copy_row(&(PgRowPlan){&f, &column, 1}, &v, &row, &e));
    assert_true(pgencode_array(&f, 0, rows, 1, &array, &e));
    assert_int_equal(array.n - 20, row.n - 2); /* behind their heads both are the same */
    assert_memory_equal(array.p + 20, row.p + 2, row.n - 2);
    assert_int_equal(unstorable.was_told, v.n > 0 && memchr(v.v.p, 0, v.n) != NULL);
    for (size_t i = 2, n = 0; i < row.n; i++)
        n += (size_t)snprintf(hex + n, sizeof hex - n, "%02x", row.p[i]);
    return hex;
}

static void a_nul_is_written_as_the_column_says(void **state) {
    (void)state;
    const Value v = value_bytes("a\0\0b\0", 5), none = value_bytes("ab", 2);
    assert_string_equal(written_as(UNSTORABLE_REMOVE, pgencode_text_text, v), "000000026162");
    assert_string_equal(written_as(UNSTORABLE_REPLACE, pgencode_text_text, v),
                        "0000000b61efbfbdefbfbd62efbfbd");
    assert_string_equal(written_as(UNSTORABLE_ESCAPE, pgencode_text_text, v),
                        "00000014615c75303030305c7530303030625c7530303030");
    assert_string_equal(written_as(UNSTORABLE_REPLACE, pgencode_text_jsonb, value_bytes("\"\0\"", 3)),
                        "000000060122efbfbd22");
    assert_string_equal(written_as(UNSTORABLE_ESCAPE, pgencode_text_text, none), "000000026162");
    assert_string_equal(written_as(UNSTORABLE_ESCAPE, pgencode_text_text, value_null()), "ffffffff");
}

static void room_is_kept_for_the_longest_way_to_write_a_nul(void **state) {
    (void)state;
    enum { NULS = 100000 };
    Unstorable unstorable = {.mode = UNSTORABLE_ESCAPE, .what = "dbo.t.c", .was_told = true};
    const PgField f = {.encode = pgencode_text_text, .is_variable = true, .unstorable = &unstorable};
    const uint16_t column = 0;
    CLEANUP_FREE char *text = x_calloc(NULS, 1);
    const Value v = value_bytes(text, NULS);
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_true(pgencode_copy_row(&(PgRowPlan){&f, &column, 1}, &v, &out, &e));
    assert_int_equal(out.n, 2 + 4 + 6 * NULS);
    assert_memory_equal(out.p + out.n - 12, "\\u0000\\u0000", 12);
}

static void a_path_is_an_ltree_that_no_other_path_is(void **state) {
    (void)state;
    const PgField f = {.encode = pgencode_path_ltree, .what = "dbo.t.h", .is_variable = true};
    const Value path = value_bytes("/1/2.5/-3/", 10), root = value_bytes("/", 1), bad = value_bytes("1", 1);
    uint8_t room[PGENCODE_ROOM + 16];
    Err e = {0};
    assert_int_equal(pgencode_path_ltree(&f, &path, room, &e) - room, 13);
    assert_memory_equal(room,
                        "\0\0\0\x09\x01"
                        "1.2_5.n3",
                        13);
    assert_int_equal(pgencode_path_ltree(&f, &root, room, &e) - room, 5);
    assert_null(pgencode_path_ltree(&f, &bad, room, &e));
    assert_int_equal(e.code, ERR_DATA);
}

static void a_float_is_the_shortest_text_that_reads_back(void **state) {
    (void)state;
    static const struct {
        double d;
        SqlType type;
        const char *text;
    } cases[] = {{0.1, SQLTYPE_FLOAT, "0.1"},
                 {1.7976931348623157e308, SQLTYPE_FLOAT, "1.7976931348623157e+308"},
                 {-0.0, SQLTYPE_FLOAT, "-0"},
                 {(double)0.1f, SQLTYPE_REAL, "0.1"},
                 {(double)3.4028235e38f, SQLTYPE_REAL, "3.4028235e+38"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const PgField f = {.type = cases[i].type};
        const Value v = value_double(cases[i].d);
        uint8_t room[PGENCODE_ROOM];
        Err e = {0};
        size_t n = (size_t)(pgencode_double_text(&f, &v, room, &e) - room);
        assert_int_equal(n, 4 + strlen(cases[i].text));
        assert_memory_equal(room + 4, cases[i].text, n - 4);
    }
}

static void a_row_is_whole_or_not_there(void **state) {
    (void)state;
    const PgField fields[] = {{.encode = pgencode_int_int4, .what = "a"},
                              {.encode = pgencode_text_text, .what = "b", .is_variable = true}};
    const uint16_t columns[] = {0, 1};
    const PgRowPlan plan = {.fields = fields, .columns = columns, .count = 2};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    const Value good[] = {value_int(7), value_null()}, bad[] = {value_int(7), value_bytes("\0", 1)};
    assert_true(pgencode_copy_row(&plan, good, &out, &e));
    static const uint8_t want[] = {0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(out.p, want, sizeof want);
    assert_false(pgencode_copy_row(&plan, bad, &out, &e));
    assert_int_equal(out.n, sizeof want);
    assert_int_equal(e.code, ERR_DATA);
}

static void an_array_has_one_dimension_and_its_elements_type(void **state) {
    (void)state;
    const PgField f = {.encode = pgencode_int_int2, .oid = 21};
    const Value a[] = {value_int(1)}, b[] = {value_null()};
    const Value *rows[] = {a, b};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_true(pgencode_array(&f, 0, rows, 2, &out, &e));
    static const uint8_t want[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21,   0,    0,    0,
                                   2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(out.p, want, sizeof want);
}

static void a_value_that_was_not_read_is_refused_and_never_null(void **state) {
    (void)state;
    const ValueFault fault = {.why = "the value has over 9 bytes (max.value.bytes)", .bytes = 10};
    const PgField f = {.encode = pgencode_text_text, .what = "dbo.t.c", .is_variable = true, .oid = 25};
    const uint16_t column = 0;
    const Value v = value_unreadable(&fault), *rows[] = {&v};
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_false(pgencode_copy_row(&(PgRowPlan){&f, &column, 1}, &v, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_string_equal(e.msg, "dbo.t.c: the value has over 9 bytes (max.value.bytes)");
    assert_int_equal(out.n, 0);
    assert_false(pgencode_array(&f, column, rows, 1, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian_and_checked_for_range),
        cmocka_unit_test(numeric_has_base_10000_digits_around_the_point),
        cmocka_unit_test(wide_decimals_agree_with_narrow_ones),
        cmocka_unit_test(the_largest_decimal_has_all_its_digits),
        cmocka_unit_test(the_seventh_digit_rounds_half_up_but_never_into_the_next_day_or_year),
        cmocka_unit_test(days_and_times_count_from_2000),
        cmocka_unit_test(a_nul_is_written_as_the_column_says),
        cmocka_unit_test(room_is_kept_for_the_longest_way_to_write_a_nul),
        cmocka_unit_test(epochs_are_debeziums_numbers),
        cmocka_unit_test(texts_of_times_are_iso_8601),
        cmocka_unit_test(guids_go_as_bytes_or_as_sql_servers_text),
        cmocka_unit_test(text_with_a_nul_is_refused_by_name),
        cmocka_unit_test(a_path_is_an_ltree_that_no_other_path_is),
        cmocka_unit_test(a_float_is_the_shortest_text_that_reads_back),
        cmocka_unit_test(a_row_is_whole_or_not_there),
        cmocka_unit_test(a_value_that_was_not_read_is_refused_and_never_null),
        cmocka_unit_test(an_array_has_one_dimension_and_its_elements_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
