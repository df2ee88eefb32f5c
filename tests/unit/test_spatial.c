#include "sqlserver/spatial.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static size_t unhex(const char *hex, uint8_t *out) {
    size_t n = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        char two[3] = {hex[0], hex[1], 0};
        out[n++] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

/* What came out, as upper-case hexadecimal digits; owned by the caller. */
static char *ewkb_of(const char *hex, bool is_geography) {
    uint8_t bytes[512];
    size_t n = unhex(hex, bytes);
    Buf out = {0}, text = {0};
    bool is_null = false;
    Err e = {0};
    if (!spatial_ewkb((Str){(const char *)bytes, n}, is_geography, &out, &is_null, &e)) fail_msg("%s", e.msg);
    assert_false(is_null);
    for (size_t i = 0; i < out.n; i++) buf_printf(&text, "%02X", out.p[i]);
    char *ret = strdup(buf_text(&text));
    buf_done(&out);
    buf_done(&text);
    return ret;
}

static void expect(const char *hex, bool is_geography, const char *ewkb) {
    char *got = ewkb_of(hex, is_geography);
    assert_string_equal(got, ewkb);
    free(got);
}

#define N0 "0000000000000000"
#define N1 "000000000000F03F"
#define N2 "0000000000000040"
#define N3 "0000000000000840"

static void a_point_keeps_its_srid_z_and_m(void **state) {
    (void)state;
    expect("00000000010C" N1 N2, false, "0101000000" N1 N2);
    expect("E6100000010C" N2 N1, true, "0101000020E6100000" N1 N2); /* latitude first, longitude first */
    expect("00000000010D" N1 N2 N3, false, "0101000080" N1 N2 N3);
    expect("00000000010F" N1 N2 N3 N0, false, "01010000C0" N1 N2 N3 N0);
}

static void lines_come_with_two_points_and_with_more(void **state) {
    (void)state;
    expect("000000000114" N0 N0 N0 N1, false, "010200000002000000" N0 N0 N0 N1);
    expect("000000000115" N0 N0 N0 N1 N1 N2, false, "010200008002000000" N0 N0 N1 N0 N1 N2);
    expect("00000000010403000000" N1 N0 N0 N1 N0 N2 "01000000010000000001000000FFFFFFFF0000000002", false,
           "010200000003000000" N1 N0 N0 N1 N0 N2);
    expect("E6100000010403000000" N0 N1 N1 N0 N0 "000000000000F0BF"
           "01000000010000000001000000FFFFFFFF0000000002",
           true, "0102000020E610000003000000" N1 N0 N0 N1 "000000000000F0BF" N0);
}

static void a_polygon_keeps_its_rings(void **state) {
    (void)state;
    expect("0000000001040A000000" N0 N0 N0 N3 N3 N3 N3 N0 N0 N0 N1 N1 N1 N2 N2 N2 N2 N1 N1 N1
           "020000000200000000000500000001000000FFFFFFFF0000000003",
           false,
           "010300000002000000"
           "05000000" N0 N0 N0 N3 N3 N3 N3 N0 N0 N0 "05000000" N1 N1 N1 N2 N2 N2 N2 N1 N1 N1);
}

static void collections_nest(void **state) {
    (void)state;
    expect("00000000010402000000" N0 N0 N0 N1
           "020000000100000000010100000004000000FFFFFFFF00000000070000000000000000010000"
           "00000100000007020000000100000001",
           false,
           "010700000002000000"
           "0101000000" N0 N0 "010700000001000000"
           "0101000000" N0 N1);
    expect("00000000010402000000" N0 N0 N0 N1
           "01000000010000000002000000FFFFFFFF0000000005000000000000000002",
           false,
           "010500000001000000"
           "010200000002000000" N0 N0 N0 N1);
    expect("00000000010404000000" N0 N0 N0 N1 N1 N1 N0 N0
           "01000000020000000002000000FFFFFFFF0000000006000000000000000003",
           false,
           "010600000001000000"
           "010300000001000000"
           "04000000" N0 N0 N0 N1 N1 N1 N0 N0);
}

static void what_is_empty_stays_so(void **state) {
    (void)state;
    char *got = ewkb_of("000000000104000000000000000001000000FFFFFFFFFFFFFFFF01", false);
    assert_int_equal(strlen(got), 2 * (5 + 16));
    assert_memory_equal(got, "0101000000", 10);
    assert_true(strstr(got, "F87F") != NULL); /* not a number, as PostGIS writes it */
    free(got);
    expect("000000000104000000000000000001000000FFFFFFFFFFFFFFFF02", false, "010200000000000000");
    expect("000000000104000000000000000001000000FFFFFFFFFFFFFFFF07", false, "010700000000000000");
}

static void curves_are_taken_apart(void **state) {
    (void)state;
    expect("00000000020403000000" N0 N0 N1 N1 N2 N0 "01000000020000000001000000FFFFFFFF0000000008", false,
           "010800000003000000" N0 N0 N1 N1 N2 N0);
    /* a line and an arc: segments "first line", "first arc" */
    expect("00000000020404000000" N0 N0 N1 N0 N2 N1 N3 N0
           "01000000030000000001000000FFFFFFFF0000000009020000000203",
           false,
           "010900000002000000"
           "010200000002000000" N0 N0 N1 N0 "010800000003000000" N1 N0 N2 N1 N3 N0);
    expect("00000000020405000000" N2 N1 N1 N2 N0 N1 N1 N0 N2 N1
           "01000000020000000001000000FFFFFFFF000000000A",
           false,
           "010A00000001000000"
           "010800000005000000" N2 N1 N1 N2 N0 N1 N1 N0 N2 N1);
}

static void a_null_inside_is_null(void **state) {
    (void)state;
    Buf out = {0};
    bool is_null = false;
    Err e = {0};
    assert_true(spatial_ewkb((Str){"\xff\xff\xff\xff", 4}, false, &out, &is_null, &e));
    assert_true(is_null);
    assert_int_equal(out.n, 0);
}

static void other_bytes_and_the_full_globe_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "00000000",
        "00000000030C" N1 N2,
        "00000000010C" N1,
        "0000000001040100000000",
        "00000000010401000000" N0 N0 "010000000109000000"
        "01000000FFFFFFFF0000000001", /* a point that isn't there */
        "00000000010401000000" N0 N0 "01000000010000000001000000FFFFFFFF0500000001",
        "00000000020404000000" N0 N0 N1 N0 N2 N1 N3 N0
        "01000000030000000001000000FFFFFFFF00000000090100000003",
        "E61000000224000000000000000001000000FFFFFFFFFFFFFFFF0B",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t bytes[256];
        size_t n = unhex(bad[i], bytes);
        Buf out = {0};
        bool is_null;
        Err e = {0};
        if (spatial_ewkb((Str){(const char *)bytes, n}, true, &out, &is_null, &e)) fail_msg("%s", bad[i]);
        assert_int_equal(e.code, ERR_DATA);
        buf_done(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_keeps_its_srid_z_and_m),
        cmocka_unit_test(lines_come_with_two_points_and_with_more),
        cmocka_unit_test(a_polygon_keeps_its_rings),
        cmocka_unit_test(collections_nest),
        cmocka_unit_test(what_is_empty_stays_so),
        cmocka_unit_test(curves_are_taken_apart),
        cmocka_unit_test(a_null_inside_is_null),
        cmocka_unit_test(other_bytes_and_the_full_globe_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
