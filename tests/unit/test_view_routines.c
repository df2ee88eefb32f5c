#include "shop.h"
#include "standin/system/view_routines.h"

static void system_procedures_and_functions_are_in_every_database(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT type, SCHEMA_NAME(schema_id), is_ms_shipped FROM sys.all_objects WHERE name IN "
                  "('sp_cdc_enable_db', 'fn_cdc_get_max_lsn', 'dm_cdc_errors') ORDER BY name",
                  "V |sys|1\nFN|sys|1\nP |sys|1\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.system_objects WHERE name = 'sp_cdc_scan' AND object_id < 0",
                  "1\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.objects WHERE name = 'sp_cdc_scan'", "0\n");
    assert_answer(sa,
                  "SELECT OBJECT_NAME(OBJECT_ID('sys.sp_cdc_enable_db')), "
                  "OBJECT_NAME(OBJECT_ID('sys.fn_cdc_get_max_lsn')), OBJECT_NAME(OBJECT_ID('sys.tables'))",
                  "sp_cdc_enable_db|fn_cdc_get_max_lsn|tables\n");
}

static void routines_are_what_capture_has_made(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT ROUTINE_CATALOG, ROUTINE_SCHEMA, ROUTINE_TYPE, DATA_TYPE FROM "
                  "INFORMATION_SCHEMA.ROUTINES WHERE ROUTINE_NAME = 'fn_cdc_get_all_changes_dbo_item'",
                  "shop|cdc|FUNCTION|TABLE\n");
    assert_answer(sa, "SELECT name, parent_class_desc, is_ms_shipped, is_disabled FROM sys.triggers",
                  "tr_MScdc_ddl_event|DATABASE|1|0\n");
    assert_answer(sa,
                  "SELECT COUNT(*) FROM sys.procedures WHERE name = 'sp_batchinsert_' + "
                  "CAST(OBJECT_ID('cdc.dbo_item_CT') AS varchar(20))",
                  "1\n");
}

static void a_function_without_its_arguments_is_told_so(void **state) {
    (void)state;
    assert_answer(sa, "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item",
                  "ERROR 216: Parameters were not supplied for the function "
                  "'cdc.fn_cdc_get_all_changes_dbo_item'.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(system_procedures_and_functions_are_in_every_database),
        IN_CAPTURED_SHOP(routines_are_what_capture_has_made),
        IN_CAPTURED_SHOP(a_function_without_its_arguments_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
