#include "shop.h"
#include "standin/system/view_derived.h"

static void a_database_has_a_data_file_and_a_log(void **state) {
    (void)state;
    assert_answer(sa, "SELECT file_id, type_desc, name FROM sys.database_files ORDER BY file_id",
                  "1|ROWS|shop\n2|LOG|shop_log\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.master_files WHERE database_id = DB_ID('shop')", "2\n");
    assert_answer(sa, "SELECT name, is_default FROM sys.filegroups", "PRIMARY|1\n");
}

static void an_index_has_statistics(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int PRIMARY KEY, b int); CREATE INDEX ix ON dbo.t(b)");
    assert_answer(
        sa,
        "SELECT s.name, COL_NAME(c.object_id, c.column_id) FROM sys.stats AS s JOIN sys.stats_columns AS c "
        "ON c.object_id = s.object_id AND c.stats_id = s.stats_id WHERE s.object_id = OBJECT_ID('dbo.t') "
        "AND s.name = 'ix'",
        "ix|b\n");
}

static void constraints_and_grants_show_in_the_information_schema(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int CONSTRAINT pk PRIMARY KEY, b int CONSTRAINT ck CHECK (b > 0))");
    run(sa, "CREATE USER u WITHOUT LOGIN; GRANT SELECT ON dbo.t TO u");
    assert_answer(sa,
                  "SELECT CONSTRAINT_NAME, LEFT(CHECK_CLAUSE, 1) FROM INFORMATION_SCHEMA.CHECK_CONSTRAINTS",
                  "ck|(\n");
    assert_answer(
        sa, "SELECT CONSTRAINT_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE ORDER BY 1",
        "ck|b\npk|a\n");
    assert_answer(sa, "SELECT GRANTEE, TABLE_NAME, PRIVILEGE_TYPE FROM INFORMATION_SCHEMA.TABLE_PRIVILEGES",
                  "u|t|SELECT\n");
}

/* A SELECT that doesn't bind would be found only by who asks for that view. */
static void every_view_can_be_read(void **state) {
    (void)state;
    size_t at = 0, read = 0;
    for (const SysTable *t; (t = sysregistry_next_table(server_sys(engine.server), &at)) != NULL;) {
        if (t->is_function) continue;
        char text[400];
        (void)snprintf(text, sizeof text, "SELECT COUNT(*) FROM %s[%s].[%s] WHERE 1 = 0",
                       t->database_id == CATALOG_MSDB ? "msdb." : "", t->schema, t->name);
        assert_answer(sa, text, "0\n");
        read++;
    }
    assert_true(read > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_database_has_a_data_file_and_a_log),
        IN_SHOP(an_index_has_statistics),
        IN_SHOP(constraints_and_grants_show_in_the_information_schema),
        IN_SHOP(every_view_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
