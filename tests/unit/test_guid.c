#include "standin/types/guid.h"

#include <string.h>

#include "test.h"

static const char text[] = "6F9619FF-8B86-D011-B42D-00C04FC964FF";
static const uint8_t wire[] = {0xff, 0x19, 0x96, 0x6f, 0x86, 0x8b, 0x11, 0xd0,
                               0xb4, 0x2d, 0x00, 0xc0, 0x4f, 0xc9, 0x64, 0xff};

static void text_wire_and_stored_forms_map_to_each_other(void **state) {
    (void)state;
    uint8_t stored[GUID_BYTES], again[GUID_BYTES], out[GUID_BYTES];
    char buf[GUID_TEXT_SIZE];
    assert_true(guid_parse(str_from(text), stored));
    guid_to_wire(stored, out);
    assert_memory_equal(out, wire, GUID_BYTES);
    guid_from_wire(wire, again);
    assert_memory_equal(again, stored, GUID_BYTES);
    assert_string_equal(guid_format(stored, buf), text);
    assert_true(guid_parse(STR_LIT("{6f9619ff-8b86-d011-b42d-00c04fc964ff}"), again));
    assert_memory_equal(again, stored, GUID_BYTES);
}

static void stored_order_is_the_servers_sort_order(void **state) {
    (void)state;
    /* SQL Server sorts by the last group first, the first group last; within a group by wire bytes. */
    static const char *const rising[] = {
        "FFFFFFFF-FFFF-FFFF-FFFF-000000000000", "00000000-0000-0000-0000-000000000001",
        "01000000-0000-0000-0000-000000000001", "00000001-0000-0000-0000-000000000001",
        "00000000-0001-0000-0000-000000000001", "00000000-0000-0001-0000-000000000001",
        "00000000-0000-0000-0001-000000000001", "00000000-0000-0000-0000-010000000000"};
    uint8_t a[GUID_BYTES], b[GUID_BYTES];
    for (size_t i = 1; i < sizeof rising / sizeof *rising; i++) {
        assert_true(guid_parse(str_from(rising[i - 1]), a));
        assert_true(guid_parse(str_from(rising[i]), b));
        if (memcmp(a, b, GUID_BYTES) >= 0) fail_msg("%s should sort before %s", rising[i - 1], rising[i]);
    }
}

static void parse_refuses_other_text(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "6F9619FF-8B86-D011-B42D-00C04FC964F", "6F9619FF8B86D011B42D00C04FC964FF0000",
        "6F9619FG-8B86-D011-B42D-00C04FC964FF", "{6F9619FF-8B86-D011-B42D-00C04FC964FF"};
    uint8_t stored[GUID_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(guid_parse(str_from(bad[i]), stored));
}

static void a_random_one_is_version_4(void **state) {
    (void)state;
    uint8_t random[GUID_BYTES], stored[GUID_BYTES];
    char buf[GUID_TEXT_SIZE];
    memset(random, 0xff, sizeof random);
    guid_from_random(random, stored);
    assert_string_equal(guid_format(stored, buf), "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_wire_and_stored_forms_map_to_each_other),
        cmocka_unit_test(stored_order_is_the_servers_sort_order),
        cmocka_unit_test(parse_refuses_other_text),
        cmocka_unit_test(a_random_one_is_version_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
