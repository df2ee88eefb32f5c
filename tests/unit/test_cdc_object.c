#include "shop.h"
#include "standin/cdc/cdc_object.h"

static void a_database_without_cdc_has_none(void **state) {
    (void)state;
    assert_answer(sa, "SELECT COUNT(*) FROM sys.objects WHERE type IN ('IF', 'P', 'TR')", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.triggers", "0\n");
}

static void functions_have_ids_and_names_both_ways(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT OBJECT_NAME(OBJECT_ID('cdc.fn_cdc_get_all_changes_dbo_item')), "
                  "OBJECT_NAME(OBJECT_ID('cdc.fn_cdc_get_net_changes_dbo_item')), "
                  "OBJECT_SCHEMA_NAME(OBJECT_ID('CDC.FN_CDC_GET_NET_CHANGES_DBO_ITEM')), "
                  "OBJECT_ID('cdc.fn_cdc_get_all_changes_nosuch')",
                  "fn_cdc_get_all_changes_dbo_item|fn_cdc_get_net_changes_dbo_item|cdc|NULL\n");
    assert_answer(
        sa,
        "SELECT o.name FROM sys.objects o WHERE o.object_id = "
        "OBJECT_ID('cdc.fn_cdc_get_all_changes_dbo_item') AND o.type = 'IF' AND o.is_ms_shipped = 0",
        "fn_cdc_get_all_changes_dbo_item\n");
    assert_answer(
        sa,
        "SELECT OBJECTPROPERTY(OBJECT_ID('cdc.fn_cdc_get_all_changes_dbo_item'), 'IsInlineFunction'), "
        "OBJECTPROPERTY(OBJECT_ID('cdc.fn_cdc_get_all_changes_dbo_item'), 'IsProcedure')",
        "1|0\n");
}

static void an_instance_without_net_changes_has_one_function(void **state) {
    (void)state;
    run(sa,
        "EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'plain', @role_name = NULL, @supports_net_changes = "
        "0");
    assert_answer(sa, "SELECT name FROM sys.objects WHERE name LIKE 'fn_cdc%plain'",
                  "fn_cdc_get_all_changes_plain\n");
    assert_answer(sa, "SELECT COUNT(DISTINCT object_id) - COUNT(*) FROM sys.objects", "0\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'plain'");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.objects WHERE name LIKE '%plain%'", "0\n");
}

static void ids_end_where_the_fixed_ones_begin(void **state) {
    (void)state;
    assert_true(cdc_object_function_id(1000000, true) == cdc_object_function_id(1000000, false) + 1);
    assert_int_equal(cdc_object_function_id(INT32_MAX, false), 0);
    assert_string_equal(cdc_object_type_desc(CDC_TRIGGER), "SQL_TRIGGER");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_database_without_cdc_has_none),
        IN_CAPTURED_SHOP(functions_have_ids_and_names_both_ways),
        IN_CAPTURED_SHOP(an_instance_without_net_changes_has_one_function),
        IN_SHOP(ids_end_where_the_fixed_ones_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
