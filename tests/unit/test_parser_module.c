/* CREATE VIEW and CREATE PROCEDURE: their parts, and what is wrong with them. */
#include "standin/tsql/parser.h"
#include "test.h"

static Arena arena;

static AstModule module_of(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    if (!parser_batch(str_from(text), &options, &arena, &batch, &e)) fail_msg("%s", e.text);
    assert_non_null(batch.first);
    assert_int_equal(batch.first->kind, STMT_CREATE_MODULE);
    return batch.first->u.module;
}

static int32_t error_of(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    assert_false(parser_batch(str_from(text), &options, &arena, &batch, &e));
    return e.number;
}

static void a_view_has_columns_and_a_query(void **state) {
    (void)state;
    AstModule m =
        module_of("CREATE OR ALTER VIEW s.v(a, b) WITH SCHEMABINDING AS\nSELECT 1, 2 WITH CHECK OPTION;");
    assert_true(m.may_replace && !m.is_procedure && !m.is_alter);
    assert_int_equal(m.column_count, 2);
    assert_true(str_eq_c(m.body, "SELECT 1, 2"));
    assert_int_equal(m.body_line, 2);
    assert_true(module_of("ALTER VIEW v AS WITH c AS (SELECT 1 AS n) SELECT n FROM c").is_alter);
}

static void a_procedure_has_parameters_and_statements(void **state) {
    (void)state;
    AstModule m = module_of(
        "CREATE PROC p (@a int, @b varchar(9) = 'x' OUTPUT) WITH RECOMPILE AS BEGIN SELECT 1 END SELECT 2");
    assert_true(m.is_procedure);
    assert_true(str_eq_c(m.parameters, "@a int, @b varchar(9) = 'x' OUTPUT"));
    assert_true(str_eq_c(m.body, "BEGIN SELECT 1 END SELECT 2"));
    assert_int_equal(module_of("CREATE PROCEDURE p AS SELECT 1").parameters.n, 0);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    assert_int_equal(error_of("SELECT 1 CREATE VIEW v AS SELECT 1 AS a"), 111);
    assert_int_equal(error_of("CREATE VIEW v AS UPDATE t SET a = 1"), 156);
    assert_int_equal(error_of("CREATE PROCEDURE p AS"), 102);
    assert_int_equal(error_of("CREATE PROCEDURE p AS SELEKT 1"), 102);
    assert_int_equal(error_of("CREATE VIEW v WITH NONSENSE AS SELECT 1 AS a"), 102);
    assert_int_equal(error_of("CREATE PROCEDURE p WITH EXECUTE AS OWNER AS SELECT 1"), 40517);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_has_columns_and_a_query),
        cmocka_unit_test(a_procedure_has_parameters_and_statements),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
