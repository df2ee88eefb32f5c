/* FOREIGN KEYs seen from the table they point to. */
#include "collector_sa.h"
#include "test.h"

static void a_key_that_is_back_at_the_end_is_no_conflict(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) INSERT p VALUES (1), (2) CREATE TABLE c (x int CONSTRAINT fk "
        "REFERENCES p) INSERT c VALUES (1)",
        "#2\n#1\n");
    ASK(&a, "UPDATE p SET id = 3 - id", "#2\n");
    ASK(&a, "UPDATE p SET id = id + 1",
        "!547 The UPDATE statement conflicted with the REFERENCE constraint \"fk\". The conflict occurred in "
        "database \"shop\", table \"dbo.c\", column 'x'.\n-3621 The statement has been terminated.\n");
    ASK(&a, "UPDATE p SET id = 5 WHERE id = 2 DELETE p WHERE id = 5", "#1\n#1\n");
}

static void keys_of_several_columns_and_null(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE p (x int, y nvarchar(3), PRIMARY KEY (x, y)) INSERT p VALUES (1, N'a'), (1, N'b') "
        "CREATE TABLE c (x int, y nvarchar(3), CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES p (x, y)) INSERT "
        "c VALUES (1, N'A'), (1, NULL), (NULL, N'z')",
        "#2\n#3\n");
    ASK(&a, "DELETE p WHERE y = N'b' DELETE p",
        "#1\n!547 The DELETE statement conflicted with the REFERENCE constraint \"fk\". The conflict "
        "occurred in database \"shop\", table \"dbo.c\".\n-3621 The statement has been terminated.\n");
}

static void a_disabled_key_is_not_looked_at(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) CREATE TABLE c (x int CONSTRAINT fk REFERENCES p) INSERT p "
        "VALUES (1) INSERT c VALUES (1)",
        "#1\n#1\n");
    ASK(&a, "ALTER TABLE c NOCHECK CONSTRAINT fk INSERT c VALUES (9) DELETE p", "#1\n#1\n");
}

static void cascading_updates_check_the_childs_other_rules(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) INSERT p VALUES (1) CREATE TABLE c (x int CONSTRAINT fk "
        "REFERENCES p ON UPDATE CASCADE, y AS x * 2, CONSTRAINT ck CHECK (x < 10)) INSERT c VALUES (1)",
        "#1\n#1\n");
    ASK(&a, "UPDATE p SET id = 5 SELECT * FROM c", "#1\n5|10\n#1\n");
    const char *answer = testclient_run(&a, "UPDATE p SET id = 50");
    assert_non_null(strstr(answer, "conflicted with the CHECK constraint \"ck\""));
    ASK(&a, "SELECT id FROM p", "5\n#1\n");
}

static void what_cant_be_done_is_said(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) INSERT p VALUES (1) CREATE TABLE c (x int DEFAULT 0 REFERENCES "
        "p ON DELETE SET DEFAULT) INSERT c VALUES (1)",
        "#1\n#1\n");
    ASK(&a, "DELETE p", "!40517 ON DELETE and ON UPDATE SET DEFAULT aren't supported by this server.\n");
    const char *answer =
        testclient_run(&a, "CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n ON DELETE CASCADE)");
    assert_non_null(strstr(answer, "!1785 Introducing FOREIGN KEY constraint"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_is_back_at_the_end_is_no_conflict),
        TEST(keys_of_several_columns_and_null),
        TEST(a_disabled_key_is_not_looked_at),
        TEST(cascading_updates_check_the_childs_other_rules),
        TEST(what_cant_be_done_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
