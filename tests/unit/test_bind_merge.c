/* MERGE: which rows take which clause, and what each may name. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    return 0;
}

static int fill(void **state) {
    (void)state;
    run(sa,
        "DROP TABLE IF EXISTS t, s CREATE TABLE t(id int PRIMARY KEY, v varchar(5)) CREATE TABLE s(id int, v "
        "varchar(5)) INSERT t VALUES (1, 'a'), (2, 'b'), (3, 'c') INSERT s VALUES (2, 'B'), (4, 'D')");
    return 0;
}

static void a_row_takes_the_first_clause_that_is_true(void **state) {
    (void)state;
    assert_answer(
        sa,
        "MERGE t USING s ON t.id = s.id WHEN MATCHED AND s.v = 'x' THEN DELETE WHEN MATCHED THEN UPDATE "
        "SET v = s.v WHEN NOT MATCHED BY SOURCE AND t.id = 1 THEN DELETE WHEN NOT MATCHED BY SOURCE "
        "THEN UPDATE SET v = 'rest' WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v) OUTPUT $action, "
        "deleted.id, inserted.id, s.v;",
        "UPDATE|2|2|B\nINSERT|NULL|4|D\nDELETE|1|NULL|NULL\nUPDATE|3|3|NULL\n");
}

static void a_clause_that_isnt_taken_is_not_computed(void **state) {
    (void)state;
    assert_answer(
        sa,
        "MERGE t USING s ON t.id = s.id WHEN MATCHED AND s.id = 2 THEN UPDATE SET v = 'ok' WHEN NOT "
        "MATCHED AND s.id = 0 THEN INSERT VALUES (1 / (s.id - 4), 'long text') OUTPUT $action;",
        "UPDATE\n");
}

static void a_source_of_several_tables(void **state) {
    (void)state;
    assert_answer(
        sa,
        "MERGE t USING s x JOIN s y ON x.id = y.id ON t.id = y.id WHEN MATCHED THEN UPDATE SET v = x.v + "
        "y.v WHEN NOT MATCHED BY SOURCE THEN DELETE OUTPUT $action, deleted.id, inserted.v;",
        "UPDATE|2|BB\nDELETE|1|NULL\nDELETE|3|NULL\n");
}

static void top_counts_rows_that_take_a_clause(void **state) {
    (void)state;
    assert_answer(
        sa,
        "MERGE TOP (1) t USING s ON t.id = s.id WHEN NOT MATCHED BY SOURCE AND t.id = 3 THEN DELETE "
        "OUTPUT deleted.id;",
        "3\n");
    assert_answer(
        sa,
        "MERGE TOP (50) PERCENT t USING s ON 1 = 0 WHEN NOT MATCHED THEN INSERT VALUES (s.id + 10, s.v) "
        "OUTPUT inserted.id;",
        "12\n");
}

static void a_clause_names_its_own_rows_only(void **state) {
    (void)state;
    static const struct {
        const char *clauses, *error;
    } table[] = {
        {"WHEN NOT MATCHED AND t.v = '' THEN INSERT VALUES (1, '');", "ERROR 5333: The identifier 't.v'"},
        {"WHEN NOT MATCHED BY SOURCE AND s.v = '' THEN DELETE;", "ERROR 5334: The identifier 's.v'"},
        {"WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = s.v;", "ERROR 207: Invalid column name 'v'."},
        {"WHEN NOT MATCHED THEN INSERT VALUES (t.id, '');", "ERROR 4104"},
        {"WHEN MATCHED THEN UPDATE SET v = id;", "ERROR 209"},
        {"WHEN MATCHED THEN UPDATE SET v = MAX(s.v);", "ERROR 5319"},
        {"WHEN NOT MATCHED THEN INSERT VALUES (s.id);", "ERROR 213"},
        {"WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id, 1);", "ERROR 110"},
        {"WHEN MATCHED THEN DELETE OUTPUT *;", "ERROR 102"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char sql[256];
        (void)snprintf(sql, sizeof sql, "MERGE t USING s ON t.id = s.id %s", table[i].clauses);
        const char *answer = ask(sa, sql);
        if (!strstr(answer, table[i].error)) fail_msg("%s: %s", table[i].clauses, answer);
    }
    assert_non_null(strstr(ask(sa, "MERGE t USING t ON 1 = 1 WHEN MATCHED THEN DELETE;"), "ERROR 5318"));
    assert_non_null(strstr(
        ask(sa, "WITH c AS (SELECT id FROM t) MERGE c USING s ON c.id = s.id WHEN MATCHED THEN DELETE;"),
        "ERROR 40517"));
}

#define TEST(t) cmocka_unit_test_setup(t, fill)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_row_takes_the_first_clause_that_is_true),
        TEST(a_clause_that_isnt_taken_is_not_computed),
        TEST(a_source_of_several_tables),
        TEST(top_counts_rows_that_take_a_clause),
        TEST(a_clause_names_its_own_rows_only),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
