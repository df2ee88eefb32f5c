#include "cli/status_text.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static void what_isnt_known_is_said_to_be(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    status_text_number(-1, 4, &b);
    status_text_number(1234567, 12, &b);
    buf_u8(&b, '|');
    status_text_time(0, &b);
    buf_u8(&b, '|');
    status_text_time(INT64_C(1767225602000000), &b);
    buf_u8(&b, '|');
    status_text_duration(-1, &b);
    buf_u8(&b, '|');
    status_text_duration(INT64_C(3) * 3600 * 1000000, &b);
    assert_string_equal(buf_text(&b), "   ?   1,234,567|-|2026-01-01 00:00:02|not known|3 h");
}

static void unknown_values_are_null_in_json(void **state) {
    (void)state;
    json_t *o = json_object();
    status_text_set(o, "a", NULL);
    status_text_set(o, "b", "x");
    status_text_set_number(o, "c", 7, /* is_known= */ false);
    status_text_set_number(o, "d", 7, /* is_known= */ true);
    status_text_set_seconds(o, "e", -1);
    status_text_set_seconds(o, "f", 1500000);
    status_text_set_time(o, "g", 0);
    status_text_set_time(o, "h", INT64_C(1767225602000000));
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":null,\"b\":\"x\",\"c\":null,\"d\":7,\"e\":null,\"f\":1.5,\"g\":null,"
                              "\"h\":\"2026-01-01T00:00:02.000000Z\"}");
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_isnt_known_is_said_to_be),
        cmocka_unit_test(unknown_values_are_null_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
