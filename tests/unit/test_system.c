#include "shop.h"
#include "standin/system/system.h"

static void every_kind_of_view_and_procedure_is_registered(void **state) {
    (void)state;
    static const struct {
        const char *sql, *answer;
    } asked[] = {
        {"SELECT COUNT(*) FROM sys.schemas WHERE name = 'dbo'", "1\n"},
        {"SELECT COUNT(*) FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = 'dbo'", "1\n"},
        {"SELECT name FROM sys.databases WHERE database_id = DB_ID()", "shop\n"},
        {"SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE session_id = @@SPID", "1\n"},
        {"SELECT COUNT(*) FROM sys.dm_tran_locks WHERE request_mode = 'X'", "0\n"},
        {"SELECT COUNT(*) FROM sys.fulltext_indexes", "0\n"},
        {"SELECT COUNT(*) FROM msdb.dbo.sysjobs", "0\n"},
        {"EXEC sp_helprole 'db_owner'", "db_owner|16384|0\n"},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        assert_answer(sa, asked[i].sql, asked[i].answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {IN_SHOP(every_kind_of_view_and_procedure_is_registered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
