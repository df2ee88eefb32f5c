#include "shop.h"
#include "standin/system/view_server.h"

static void databases_tell_their_options(void **state) {
    (void)state;
    run(sa, "ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON");
    assert_answer(sa,
                  "SELECT name, is_cdc_enabled, snapshot_isolation_state_desc, "
                  "is_read_committed_snapshot_on, state_desc, "
                  "recovery_model_desc FROM master.sys.databases WHERE database_id > 4",
                  "shop|0|ON|0|ONLINE|FULL\n");
    assert_answer(sa, "SELECT name FROM sys.databases WHERE database_id <= 4 ORDER BY database_id",
                  "master\ntempdb\nmodel\nmsdb\n");
}

static void principals_and_their_roles_are_listed(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN reader WITH PASSWORD = 'p'");
    run(sa, "CREATE USER reader FOR LOGIN reader; CREATE ROLE readers; ALTER ROLE readers ADD MEMBER reader");
    assert_answer(sa,
                  "SELECT name, type, authentication_type_desc FROM sys.database_principals WHERE name LIKE "
                  "'reader%' ORDER "
                  "BY name",
                  "reader|S|INSTANCE\nreaders|R|NONE\n");
    assert_answer(
        sa,
        "SELECT USER_NAME(role_principal_id) FROM sys.database_role_members WHERE member_principal_id = "
        "USER_ID('reader')",
        "readers\n");
    assert_answer(sa,
                  "SELECT name, type_desc FROM sys.server_principals WHERE name IN ('sa', 'reader', "
                  "'sysadmin') ORDER BY "
                  "name",
                  "reader|SQL_LOGIN\nsa|SQL_LOGIN\nsysadmin|SERVER_ROLE\n");
    assert_answer(
        sa,
        "SELECT p.name FROM sys.server_role_members m JOIN sys.server_principals p ON p.principal_id = "
        "m.member_principal_id",
        "sa\n");
}

static void permissions_have_their_codes(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int); CREATE USER u WITHOUT LOGIN; GRANT SELECT, INSERT ON dbo.t TO u; "
            "DENY DELETE ON dbo.t "
            "TO u");
    assert_answer(sa,
                  "SELECT class_desc, OBJECT_NAME(major_id), type, permission_name, state_desc FROM "
                  "sys.database_permissions WHERE grantee_principal_id = USER_ID('u') AND class = 1 ORDER BY "
                  "permission_name",
                  "OBJECT_OR_COLUMN|t|DL  |DELETE|DENY\nOBJECT_OR_COLUMN|t|IN  |INSERT|GRANT\n"
                  "OBJECT_OR_COLUMN|t|SL  |SELECT|GRANT\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(databases_tell_their_options),
        IN_SHOP(principals_and_their_roles_are_listed),
        IN_SHOP(permissions_have_their_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
