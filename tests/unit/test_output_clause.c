/* OUTPUT: expressions over both images, targets, and what a failure leaves. */
#include "collector_sa.h"
#include "test.h"

static void expressions_see_both_images(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE t (id int PRIMARY KEY, v int, n nvarchar(9) DEFAULT N'd')", "");
    ASK(&a, "INSERT t (id, v) OUTPUT inserted.*, inserted.v * 2 AS twice VALUES (1, 10), (2, 20)",
        "1|10|d|20\n2|20|d|40\n#2\n");
    ASK(&a, "UPDATE t SET v += 1 OUTPUT inserted.v - deleted.v, UPPER(inserted.n) WHERE id = 1", "1|D\n#1\n");
    ASK(&a, "DELETE t OUTPUT deleted.id", "1\n2\n#2\n");
    ASK(&a, "DELETE t OUTPUT inserted.id",
        "!4104 The multi-part identifier \"inserted.id\" could not be bound.\n");
}

static void nothing_is_sent_by_a_statement_that_fails(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (id int CONSTRAINT pk PRIMARY KEY) CREATE TABLE log (id int CONSTRAINT ck CHECK (id "
        "< 3))",
        "");
    ASK(&a, "INSERT t OUTPUT inserted.id VALUES (1), (1)",
        "!2627 Violation of PRIMARY KEY constraint 'pk'. Cannot insert duplicate key in object 'dbo.t'. The "
        "duplicate key value is (1).\n-3621 The statement has been terminated.\n");
    ASK(&a, "INSERT t OUTPUT inserted.id INTO log VALUES (1), (3)",
        "!547 The INSERT statement conflicted with the CHECK constraint \"ck\". The conflict occurred in "
        "database \"shop\", table \"dbo.log\", column 'id'.\n-3621 The statement has been terminated.\n");
    ASK(&a, "SELECT COUNT(*) FROM t SELECT COUNT(*) FROM log", "0\n#1\n0\n#1\n");
}

static void the_target_may_be_any_table(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (id int) CREATE TABLE log (n int IDENTITY, id int, at int DEFAULT 7) CREATE TABLE "
        "#log (id int)",
        "");
    ASK(&a,
        "INSERT t OUTPUT inserted.id INTO log (id) VALUES (1), (2) INSERT t OUTPUT inserted.id INTO #log "
        "VALUES (3)",
        "#2\n#1\n");
    ASK(&a,
        "BEGIN TRAN DELETE t OUTPUT deleted.id INTO log (id) WHERE id = 3 COMMIT SELECT * FROM log SELECT * "
        "FROM #log",
        "begin\n#1\ncommit\n1|1|7\n2|2|7\n3|3|7\n#3\n3\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(expressions_see_both_images),
        TEST(nothing_is_sent_by_a_statement_that_fails),
        TEST(the_target_may_be_any_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
