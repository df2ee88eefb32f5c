#include "shop.h"
#include "standin/system/view_compat.h"

static void old_names_lead_to_the_same_objects(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(id int NOT NULL CONSTRAINT pk_t PRIMARY KEY, name nvarchar(20))");
    assert_answer(sa, "SELECT name, xtype, type FROM sysobjects WHERE xtype IN ('U', 'PK') ORDER BY name",
                  "pk_t|PK|K \nt|U |U \n");
    assert_answer(
        sa, "SELECT name, xtype, length, prec FROM dbo.syscolumns WHERE id = OBJECT_ID('t') ORDER BY colid",
        "id|56|4|10\nname|231|40|20\n");
    assert_answer(sa,
                  "SELECT name, indid, keycnt, status & 2048 FROM sys.sysindexes WHERE id = OBJECT_ID('t')",
                  "pk_t|1|1|2048\n");
    assert_answer(sa, "SELECT name FROM master..sysdatabases WHERE dbid > 4", "shop\n");
    assert_answer(sa, "SELECT xtype, xusertype FROM systypes WHERE name = 'int'", "56|56\n");
    assert_answer(sa, "SELECT uid, issqluser FROM sysusers WHERE name = 'dbo'", "1|1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {IN_SHOP(old_names_lead_to_the_same_objects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
