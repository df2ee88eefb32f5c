#include "base/mem.h"
#include "standin/capture/cdc_message.h"
#include "test.h"

static void arguments_take_the_places_in_their_order(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    Str args[] = {STR_LIT("sales"), STR_LIT("dbo"), STR_LIT("item")};
    cdc_message_format(22960, args, 3, &out);
    assert_string_equal(
        buf_text(&out),
        "Change data capture instance 'sales' has not been enabled for the source table 'dbo.item'. "
        "Use sys.sp_cdc_help_change_data_capture to verify the capture instance name and retry the "
        "operation.");
}

static void a_message_without_arguments_is_its_text(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    cdc_message_format(22981, NULL, 0, &out);
    assert_string_equal(buf_text(&out), "Object does not exist or access is denied.");
    assert_int_equal(cdc_message_class(22981), 16);
    assert_int_equal(cdc_message_class(22969), 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_take_the_places_in_their_order),
        cmocka_unit_test(a_message_without_arguments_is_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
