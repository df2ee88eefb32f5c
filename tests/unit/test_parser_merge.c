/* MERGE: its parts, and what is wrong with them. */
#include "standin/tsql/parser.h"
#include "test.h"

static Arena arena;

static const AstMerge *merge_of(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    if (!parser_batch(str_from(text), &options, &arena, &batch, &e)) fail_msg("%s", e.text);
    assert_non_null(batch.first);
    assert_int_equal(batch.first->kind, STMT_MERGE);
    return &batch.first->u.merge;
}

static int32_t error_of(const char *clauses) {
    AstBatch batch;
    SqlError e = {0};
    ParserOptions options = {.quoted_identifier = true};
    const char *text = arena_printf(&arena, "MERGE t USING s ON t.a = s.a %s", clauses);
    assert_false(parser_batch(str_from(text), &options, &arena, &batch, &e));
    return e.number;
}

static void all_parts_are_read(void **state) {
    (void)state;
    const AstMerge *m = merge_of(
        "WITH c AS (SELECT 1 AS a) MERGE TOP (5) PERCENT INTO dbo.t WITH (HOLDLOCK) AS x USING c AS s ON x.a "
        "= "
        "s.a WHEN MATCHED AND s.a > 1 OR s.a < 0 THEN UPDATE SET x.b = s.a, c += 1 WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED BY TARGET THEN INSERT (a, b) VALUES (s.a, DEFAULT) WHEN NOT MATCHED BY SOURCE THEN "
        "DELETE OUTPUT $action, inserted.a INTO #log (w, a) OPTION (RECOMPILE);");
    assert_int_equal(m->with.count, 1);
    assert_true(m->top.is_percent && m->hints == HINT_HOLDLOCK && str_eq_c(m->alias, "x"));
    assert_int_equal(m->when_count, 4);
    assert_int_equal(m->whens[0].set_count, 2);
    assert_non_null(m->whens[0].condition);
    assert_int_equal(m->whens[1].action, MERGE_DELETE);
    assert_int_equal(m->whens[2].match, MERGE_NOT_MATCHED);
    assert_int_equal(m->whens[2].column_count, 2);
    assert_int_equal(m->whens[2].values[1]->kind, EXPR_DEFAULT);
    assert_int_equal(m->whens[3].match, MERGE_NOT_MATCHED_BY_SOURCE);
    assert_true(str_eq_c(m->output.items[0].expr->u.column.name, "$action"));
    assert_int_equal(m->output.into_count, 2);
}

static void names_may_be_left_out(void **state) {
    (void)state;
    const AstMerge *m =
        merge_of("MERGE @t USING (VALUES (1)) s(a) ON 1 = 0 WHEN NOT MATCHED THEN INSERT DEFAULT VALUES;");
    assert_true(str_eq_c(m->table.name, "@t") && m->alias.n == 0);
    assert_null(m->whens[0].values);
    assert_int_equal(m->source->kind, FROM_QUERY);
    assert_true(
        str_eq_c(merge_of("MERGE t [using] USING s ON 1 = 0 WHEN MATCHED THEN DELETE;")->alias, "using"));
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    assert_int_equal(error_of(";"), 102);
    assert_int_equal(error_of("WHEN MATCHED THEN DELETE"), 10713);
    assert_int_equal(error_of("WHEN MATCHED THEN DELETE SELECT 1;"), 10713);
    assert_int_equal(error_of("WHEN MATCHED THEN DELETE, DELETE;"), 102);
    assert_int_equal(error_of("WHEN NOT MATCHED THEN UPDATE SET b = 1;"), 10710);
    assert_int_equal(error_of("WHEN NOT MATCHED BY SOURCE THEN INSERT VALUES (1);"), 10711);
    assert_int_equal(error_of("WHEN MATCHED AND 1 = 1 THEN DELETE WHEN MATCHED THEN DELETE;"), 10714);
    assert_int_equal(error_of("WHEN MATCHED THEN DELETE WHEN MATCHED THEN UPDATE SET b = 1;"), 5324);
    assert_int_equal(error_of("WHEN NOT MATCHED THEN INSERT (t.a) VALUES (1);"), 10739);
    assert_int_equal(error_of("WHEN MATCHED THEN UPDATE SET @v = b = 1;"), 10723);
    assert_int_equal(error_of("WHEN NOT MATCHED BY NOONE THEN DELETE;"), 102);
    assert_int_equal(error_of("WHEN MATCHED THEN NOTHING;"), 102);
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_are_read),
        cmocka_unit_test(names_may_be_left_out),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
