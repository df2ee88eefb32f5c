#include "convert/json_text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/mem.h"
#include "base/rng.h"

static void texts_are_escaped_as_jackson_does(void **state) {
    (void)state;
    static const char raw[] =
        "a\"b\\c/\b\t\n\f\r\x01\x1f\x7f\xc3\xa9\xe2\x80\xa8\xef\xbf\xbd\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf and "
        "on, long\0end";
    CLEANUP(buf_done) Buf out = {0};
    json_text_string(&out, (Str){raw, sizeof raw - 1});
    assert_string_equal(buf_text(&out),
                        "\"a\\\"b\\\\c/\\b\\t\\n\\f\\r\\u0001\\u001F\x7f\xc3\xa9\xe2\x80\xa8\xef\xbf\xbd"
                        "\\uD83D\\uDE00\\uDBFF\\uDFFF and on, long\\u0000end\"");
    buf_clear(&out);
    json_text_string(&out, (Str){NULL, 0});
    assert_string_equal(buf_text(&out), "\"\"");
}

static void every_byte_is_escaped_alike_wherever_it_stands(void **state) {
    (void)state;
    for (size_t place = 0; place < 20; place++)
        for (int c = 0; c < 128; c++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[place] = (char)c;
            CLEANUP(buf_done) Buf out = {0};
            json_text_string(&out, (Str){text, sizeof text});
            bool is_escaped = c < 32 || c == '"' || c == '\\';
            assert_int_equal(out.n > sizeof text + 2, is_escaped);
        }
}

static const char *of_double(double v) {
    static Buf out;
    buf_clear(&out);
    json_text_double(&out, v);
    return buf_text(&out);
}

static const char *of_float(float v) {
    static Buf out;
    buf_clear(&out);
    json_text_float(&out, v);
    return buf_text(&out);
}

static void floats_are_as_java_prints_them(void **state) {
    (void)state;
    assert_string_equal(of_double(0), "0.0");
    assert_string_equal(of_double(-0.0), "-0.0");
    assert_string_equal(of_double(1), "1.0");
    assert_string_equal(of_double(-12.5), "-12.5");
    assert_string_equal(of_double(100), "100.0");
    assert_string_equal(of_double(9999999), "9999999.0");
    assert_string_equal(of_double(1e7), "1.0E7");
    assert_string_equal(of_double(12345678), "1.2345678E7");
    assert_string_equal(of_double(0.001), "0.001");
    assert_string_equal(of_double(0.00123), "0.00123");
    assert_string_equal(of_double(0.0001), "1.0E-4");
    assert_string_equal(of_double(0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(of_double(1.0 / 3), "0.3333333333333333");
    assert_string_equal(of_double(DBL_MAX), "1.7976931348623157E308");
    assert_string_equal(of_double(DBL_MIN), "2.2250738585072014E-308");
    assert_string_equal(of_double(4.9e-324), "4.9E-324");
    assert_string_equal(of_double(1e22), "1.0E22");
    assert_string_equal(of_float(1.4e-45F), "1.4E-45");
    assert_string_equal(of_double(NAN), "NaN");
    assert_string_equal(of_double(-INFINITY), "-Infinity");
    assert_string_equal(of_float(0.1F), "0.1");
    assert_string_equal(of_float(16777216.0F), "1.6777216E7");
    assert_string_equal(of_float(FLT_MAX), "3.4028235E38");
    assert_string_equal(of_float(1.17549435e-38F), "1.1754944E-38");
    assert_string_equal(of_float(3.3333333F), "3.3333333");
}

static void what_is_printed_reads_as_the_same_number(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_u64(&rng);
        double d = i % 3 ? (double)(int64_t)(bits % 100000000) / 1000.0 : 0;
        if (i % 3 == 0) memcpy(&d, &bits, sizeof d);
        float f = (float)d;
        if (!isnan(d) && !isinf(d)) assert_true(strtod(of_double(d), NULL) == d);
        if (!isnan(f) && !isinf(f)) assert_true(strtof(of_float(f), NULL) == f);
    }
}

static void base64_has_its_padding(void **state) {
    (void)state;
    static const struct {
        const char *raw, *expected;
    } cases[] = {{"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
                 {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\x04\xc8", "BMg="}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buf_done) Buf out = {0};
        json_text_base64(&out, str_from(cases[i].raw));
        assert_string_equal(buf_text(&out), cases[i].expected);
    }
}

static void decimals_are_as_bigdecimal_prints_them(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        int scale;
        const char *expected;
    } cases[] = {
        {"\x04\xC7", 2, 2, "12.23"},
        {"\x00", 1, 0, "0"},
        {"\x00", 1, 2, "0.00"},
        {"\xFF", 1, 4, "-0.0001"},
        {"\x01", 1, 6, "0.000001"},
        {"\x01", 1, 7, "1E-7"},
        {"\x0C", 1, 8, "1.2E-7"},
        {"\x00", 1, 7, "0E-7"},
        {"\x07", 1, -2, "7E+2"},
        {"\x0C", 1, -2, "1.2E+3"},
        {"\x80", 1, 0, "-128"},
        {"\x4B\x3B\x4C\xA8\x5A\x86\xC4\x7A\x09\x8A\x22\x3F\xFF\xFF\xFF\xFF", 16, 38,
         "0.99999999999999999999999999999999999999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buf_done) Buf out = {0};
        Err e = {0};
        assert_true(json_text_decimal(&out, (Str){cases[i].bytes, cases[i].n}, cases[i].scale, &e));
        assert_string_equal(buf_text(&out), cases[i].expected);
    }
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_false(json_text_decimal(&out, (Str){"", 0}, 0, &e));
    assert_int_equal(e.code, ERR_DATA);
}

static void whole_numbers_have_no_limit_but_their_own(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    json_text_int(&out, INT64_MIN);
    buf_u8(&out, ' ');
    json_text_int(&out, INT64_MAX);
    buf_u8(&out, ' ');
    json_text_int(&out, 0);
    assert_string_equal(buf_text(&out), "-9223372036854775808 9223372036854775807 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped_as_jackson_does),
        cmocka_unit_test(every_byte_is_escaped_alike_wherever_it_stands),
        cmocka_unit_test(floats_are_as_java_prints_them),
        cmocka_unit_test(what_is_printed_reads_as_the_same_number),
        cmocka_unit_test(base64_has_its_padding),
        cmocka_unit_test(decimals_are_as_bigdecimal_prints_them),
        cmocka_unit_test(whole_numbers_have_no_limit_but_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
