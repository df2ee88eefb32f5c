/* System procedures that are T-SQL themselves. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop CREATE TABLE t(id int CONSTRAINT pk PRIMARY KEY, n int CONSTRAINT d DEFAULT 5 "
            "CONSTRAINT k CHECK (n > 0)) "
            "CREATE INDEX i ON t(n DESC)");
    return 0;
}

static void they_describe_tables(void **state) {
    (void)state;
    assert_answer(
        sa, "EXEC sp_helpindex 'dbo.t'",
        "i|nonclustered located on PRIMARY|n(-)\npk|clustered, unique, primary key located on PRIMARY|id\n");
    assert_answer(sa, "EXEC sp_helpconstraint 't', 'nomsg'",
                  "CHECK|k|(n/a)|(n/a)|Enabled|Is_For_Replication|([n]>(0))\n"
                  "DEFAULT on column n|d|(n/a)|(n/a)|(n/a)|(n/a)|((5))\n"
                  "PRIMARY KEY (clustered)|pk|(n/a)|(n/a)|(n/a)|(n/a)|id\n");
}

static void they_check_what_is_named(void **state) {
    (void)state;
    assert_answer(sa, "DECLARE @r int EXEC @r = sp_helpconstraint 'nix'",
                  "ERROR 15009: The object 'nix' does not exist in database 'shop' or is invalid for this "
                  "operation.\n");
    assert_answer(sa, "EXEC sp_helptext 't'", "ERROR 15197: There is no text for object 't'.\n");
}

static void old_names_for_security_are_statements(void **state) {
    (void)state;
    run(sa,
        "EXEC sp_addlogin 'ann', 'x' EXEC sp_adduser 'ann' EXEC sp_addrole 'r' EXEC sp_addrolemember 'r', "
        "'ann'");
    assert_answer(sa, "SELECT IS_ROLEMEMBER('r', 'ann')", "1\n");
    run(sa, "EXEC sp_droprolemember 'r', 'ann' EXEC sp_droprole 'r' EXEC sp_dropuser 'ann' EXEC sp_droplogin "
            "'ann'");
    assert_non_null(strstr(ask(sa, "EXEC sp_addrolemember 'db_owner', 'ann'"), "ERROR 15151"));
}

static void arguments_without_a_statement_are_refused(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_addlogin 'eve', 'x', @sid = N'0x01'",
                  "ERROR 40517: The argument @sid of sp_addlogin isn't supported by this server.\n");
    assert_answer(sa, "EXEC sp_password 'old', 'new'",
                  "ERROR 40517: The argument @old of sp_password isn't supported by this server.\n");
    assert_answer(sa, "EXEC sp_changedbowner 'sa', 'false'",
                  "ERROR 40517: The argument @map of sp_changedbowner isn't supported by this server.\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.server_principals WHERE name = 'eve'", "0\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_describe_tables),
        cmocka_unit_test(they_check_what_is_named),
        cmocka_unit_test(old_names_for_security_are_statements),
        cmocka_unit_test(arguments_without_a_statement_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
