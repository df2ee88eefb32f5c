#include "shop.h"
#include "standin/system/view_absent.h"

static void what_nobody_has_made_is_not_there(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT name, definition FROM sys.procedures AS p JOIN sys.sql_modules AS m ON m.object_id = "
        "p.object_id",
        "");
    assert_answer(sa, "SELECT name, base_object_name FROM sys.synonyms", "");
    assert_answer(sa, "SELECT SEQUENCE_NAME FROM INFORMATION_SCHEMA.SEQUENCES", "");
    assert_answer(sa,
                  "SELECT g.name, r.replica_server_name FROM sys.availability_groups AS g JOIN "
                  "sys.availability_replicas AS r ON r.group_id = g.group_id",
                  "");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.change_tracking_databases WHERE database_id = DB_ID()",
                  "0\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {IN_SHOP(what_nobody_has_made_is_not_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
