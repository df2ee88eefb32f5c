/* API server cursors by whole-engine sessions, called as T-SQL: the manual's sp_cursoropen and
 * sp_cursorfetch. */
#include "engine_sa.h"

static int open_database(void **state) {
    (void)sa_open(state, 1000000);
    run(sa, "CREATE TABLE dbo.t(id int NOT NULL PRIMARY KEY, name nvarchar(10))");
    run(sa, "INSERT INTO dbo.t VALUES (1, N'a'), (2, N'b'), (3, NULL), (4, N'd'), (5, N'e')");
    return 0;
}

#define OPEN(text, scroll)                                                                                   \
    "DECLARE @c int, @s int = " scroll ", @k int = 1, @n int; EXEC sp_cursoropen @c OUTPUT, N'" text         \
    "', @s OUTPUT, @k OUTPUT, @n OUTPUT; "
#define FETCH(how) "EXEC sp_cursorfetch @c, " how "; "
#define ALL        "SELECT id, name FROM dbo.t ORDER BY id"

static void a_static_cursor_scrolls_by_windows(void **state) {
    (void)state;
    assert_answer(sa,
                  OPEN(ALL, "8") "SELECT @s, @k, @n; " FETCH("2, 0, 2") FETCH("2, 0, 2") FETCH("2, 0, 2")
                      FETCH("2, 0, 2"),
                  "8|1|5\n1|a|1\n2|b|1\n3|NULL|1\n4|d|1\n5|e|1\n");
    assert_answer(sa, OPEN(ALL, "8") FETCH("8, 0, 2") FETCH("4, 0, 2") FETCH("4, 0, 2") FETCH("1, 0, 1"),
                  "4|d|1\n5|e|1\n2|b|1\n3|NULL|1\n1|a|1\n2|b|1\n1|a|1\n");
    assert_answer(sa,
                  OPEN(ALL, "8") FETCH("16, 3, 1") FETCH("32, -2, 1") FETCH("16, -1, 3") FETCH("16, 9, 1")
                      FETCH("4, 0, 1"),
                  "3|NULL|1\n1|a|1\n5|e|1\n5|e|1\n");
}

static void what_is_asked_for_and_not_there_becomes_static(void **state) {
    (void)state;
    assert_answer(sa, OPEN(ALL, "1") "SELECT @s, @k, @n", "8|1|5\n");
    assert_answer(sa, OPEN(ALL, "2") "SELECT @s, @k, @n", "8|1|5\n");
    assert_answer(sa, OPEN(ALL, "16") "SELECT @s, @k, @n", "16|1|-1\n");
}

static void a_cursor_is_a_snapshot(void **state) {
    (void)state;
    assert_answer(sa, OPEN("SELECT id FROM dbo.t WHERE id > 4", "8") "DELETE dbo.t; " FETCH("2, 0, 10"),
                  "5|1\n");
}

static void a_forward_only_cursor_goes_forward(void **state) {
    (void)state;
    assert_answer(
        sa, OPEN(ALL, "4") FETCH("2, 0, 1") FETCH("8, 0, 1"),
        "1|a|1\nERROR 16911: fetch: The fetch type last cannot be used with forward only cursors.\n");
}

static void parameters_are_given_at_opening_or_to_a_prepared_cursor(void **state) {
    (void)state;
    assert_answer(sa,
                  "DECLARE @c int, @s int = 4104, @k int = 1, @n int; EXEC sp_cursoropen @c OUTPUT, N'SELECT "
                  "id FROM dbo.t "
                  "WHERE id > @p', @s OUTPUT, @k OUTPUT, @n OUTPUT, N'@p int', 3; " FETCH("2, 0, 10"),
                  "4|1\n5|1\n");
    assert_answer(sa,
                  "DECLARE @h int, @c int, @s int = 8, @k int = 1, @n int; EXEC sp_cursorprepexec @h OUTPUT, "
                  "@c OUTPUT, N'@p "
                  "int', N'SELECT id FROM dbo.t WHERE id > @p', @s OUTPUT, @k OUTPUT, @n OUTPUT, 4; " FETCH(
                      "2, 0, 10") "EXEC sp_cursorclose @c; EXEC sp_cursorexecute @h, @c OUTPUT, @s OUTPUT, "
                                  "@k OUTPUT, @n OUTPUT, 3; SELECT @n; "
                                  "EXEC sp_cursorunprepare @h",
                  "5|1\n2\n");
}

static void a_cursor_that_is_closed_or_read_only_says_so(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_cursorfetch 77, 2, 0, 1",
                  "ERROR 16909: sp_cursorfetch: The cursor identifier value provided (4d) is not valid.\n");
    assert_answer(
        sa,
        OPEN(ALL, "8")
            FETCH("2, 0, 2") "EXEC sp_cursor @c, 40, 2; EXEC sp_cursor @c, 8, 3; EXEC sp_cursor @c, 2, 1",
        "1|a|1\n2|b|1\n2|b|1\nERROR 16930: The requested row is not in the fetch buffer.\nERROR 16929: The "
        "cursor is READ ONLY.\n");
    assert_answer(
        sa, OPEN(ALL, "8") "EXEC sp_cursorclose @c; EXEC sp_cursorclose -1; EXEC sp_cursorclose @c",
        "ERROR 16909: sp_cursorclose: The cursor identifier value provided (abcdef5) is not valid.\n");
}

static void only_a_single_select_gets_a_cursor(void **state) {
    (void)state;
    assert_answer(
        sa, OPEN("DELETE dbo.t WHERE id = 1", "8"),
        "ERROR 16938: sp_cursoropen/sp_cursorprepare: The statement parameter can only be a batch or a "
        "stored "
        "procedure with a single select, without FOR BROWSE, COMPUTE BY, or variable assignments.\n");
    assert_answer(sa,
                  "DECLARE @c int, @s int = 8, @k int = 8193, @n int; EXEC sp_cursoropen @c OUTPUT, N'DELETE "
                  "dbo.t WHERE id = "
                  "1', @s OUTPUT, @k OUTPUT, @n OUTPUT; SELECT @c, COUNT(*) FROM dbo.t",
                  "0|4\n");
    assert_answer(sa, OPEN("SELECT nix FROM dbo.t", "8") "SELECT @c",
                  "ERROR 207: Invalid column name 'nix'.\n0\n");
    assert_answer(sa, OPEN("EXEC sp_pkeys t", "8") "SELECT @n", "1\n");
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_TABLE(a_static_cursor_scrolls_by_windows),
        WITH_TABLE(what_is_asked_for_and_not_there_becomes_static),
        WITH_TABLE(a_cursor_is_a_snapshot),
        WITH_TABLE(a_forward_only_cursor_goes_forward),
        WITH_TABLE(parameters_are_given_at_opening_or_to_a_prepared_cursor),
        WITH_TABLE(a_cursor_that_is_closed_or_read_only_says_so),
        WITH_TABLE(only_a_single_select_gets_a_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
