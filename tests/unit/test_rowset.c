#include "sqlserver/rowset.h"

#include "test.h"

#include "fake_odbc.h"

static Odbc *connect_as(int64_t max_value_bytes, UnreadableRow unreadable) {
    const OdbcTarget target = {.driver = "FreeTDS",
                               .hostname = "db1",
                               .port = 1,
                               .max_value_bytes = max_value_bytes,
                               .unreadable = unreadable};
    Odbc *c;
    Err e = {0};
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

static Odbc *connect_for(int64_t max_value_bytes) {
    return connect_as(max_value_bytes, UNREADABLE_FAIL);
}

static const Column columns[] = {
    {.name = {"Id", 2}, .type = SQLTYPE_INT},
    {.name = {"Note", 4}, .type = SQLTYPE_NVARCHAR, .length = -1, .is_lob = true},
    {.name = {"Name", 4}, .type = SQLTYPE_NVARCHAR, .length = 10},
};

static Rowset *rowset_of(size_t count) {
    Rowset *r;
    Err e = {0};
    if (!rowset_new("dbo.T", columns, count, ODBC_DRIVER_FREETDS, &r, &e)) fail_msg("%s", e.msg);
    return r;
}

static void rows_come_by_the_array_and_end(void **state) {
    (void)state;
    const Column two[] = {columns[0], columns[2]};
    Rowset *r;
    Err e = {0};
    Arena arena = {0};
    Value *v;
    size_t rows;
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .results = {"it\n1|one\n2|~\n3|three\n"}});
    Odbc *c = connect_for(0);
    assert_true(rowset_new("dbo.T", two, 2, ODBC_DRIVER_FREETDS, &r, &e));
    assert_true(rowset_capacity(r) > 100);
    assert_true(odbc_query(c, "SELECT", NULL, 0, &e) && rowset_bind(r, c, &arena, &e));
    assert_true(rowset_fetch(r, &v, &rows, &e));
    assert_int_equal(rows, 3);
    assert_int_equal(v[4].v.i, 3);
    assert_true(str_eq_c(value_str(&v[1]), "one"));
    assert_true(value_is_null(&v[3]));
    assert_true(rowset_fetch(r, &v, &rows, &e));
    assert_int_equal(rows, 0);
    rowset_free(r);
    arena_done(&arena);
    odbc_close(c);
}

static void masks_change_what_comes_but_not_the_last_row_for_paging(void **state) {
    (void)state;
    const Column two[] = {columns[0], columns[2]};
    Props *props = props_new();
    props_set(props, "column.mask.with.3.chars", STR_LIT("dbo.T.Name"), "test", 1);
    static const OptionDef defs[] = {{.key = "column.mask.with.*", .type = OPTION_STRING, .help = "x"}};
    Options *o;
    MaskRules *rules;
    Rowset *r;
    Err e = {0};
    Arena arena = {0};
    Value *v;
    size_t rows;
    if (!options_parse(defs, 1, props, &o, &e) || !mask_rules_new(o, &rules, &e)) fail_msg("%s", e.msg);
    const MaskRule *masks[2] = {NULL, NULL};
    assert_true(mask_find(rules, STR_LIT("d"), STR_LIT("dbo.T"), &two[1], &masks[1], &e));
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .results = {"it\n1|one\n2|~\n3|three\n"}});
    Odbc *c = connect_for(0);
    assert_true(rowset_new("dbo.T", two, 2, ODBC_DRIVER_FREETDS, &r, &e));
    rowset_set_masks(r, masks);
    assert_null(rowset_last(r));
    assert_true(odbc_query(c, "SELECT", NULL, 0, &e) && rowset_bind(r, c, &arena, &e));
    assert_true(rowset_fetch(r, &v, &rows, &e));
    assert_int_equal(rows, 3);
    for (size_t i = 0; i < rows; i++) assert_true(str_eq_c(value_str(&v[2 * i + 1]), "***"));
    assert_int_equal(v[4].v.i, 3);
    assert_true(str_eq_c(value_str(&rowset_last(r)[1]), "three"));
    rowset_free(r);
    mask_rules_free(rules);
    options_free(o);
    props_free(props);
    arena_done(&arena);
    odbc_close(c);
}

/* All columns, one of them long, of a statement that gives these rows. */
typedef struct Run {
    Rowset *r;
    Odbc *c;
    Arena arena;
    Value *v;
    size_t rows;
    Err e;
} Run;

static void run_begin(Run *run, Odbc *c, const char *result) {
    *run = (Run){.r = rowset_of(3), .c = c};
    fake_rule((FakeRule){.match = "SELECT", .results = {result}});
    assert_true(odbc_query(c, "SELECT", NULL, 0, &run->e) && rowset_bind(run->r, c, &run->arena, &run->e));
}

static bool run_fetch(Run *run) {
    return rowset_fetch(run->r, &run->v, &run->rows, &run->e);
}

static void run_end(Run *run) {
    rowset_free(run->r);
    arena_done(&run->arena);
    odbc_close(run->c);
}

static void long_columns_are_selected_last_and_read_row_by_row(void **state) {
    (void)state;
    Run run;
    fake_reset();
    run_begin(&run, connect_for(0), "itt\n1|one|a long note\n2|two|~\n");
    assert_int_equal(rowset_order(run.r)[0], 0);
    assert_int_equal(rowset_order(run.r)[1], 2);
    assert_int_equal(rowset_order(run.r)[2], 1);
    assert_int_equal(rowset_capacity(run.r), 1);
    assert_true(run_fetch(&run));
    assert_int_equal(run.rows, 1);
    assert_true(str_eq_c(value_str(&run.v[1]), "a long note"));
    assert_true(str_eq_c(value_str(&run.v[2]), "one"));
    assert_true(run_fetch(&run));
    assert_true(value_is_null(&run.v[1]));
    run_end(&run);
}

static void is_over_the_limit(Run *run) {
    const uint16_t key[] = {0};
    rowset_set_key(run->r, key, 1);
    assert_false(run_fetch(run));
    assert_int_equal(run->e.code, ERR_DATA);
    assert_string_equal(run->e.msg,
                        "table dbo.T, column Note, key Id=7: the value has over 11 bytes (max.value.bytes)");
}

static void a_value_over_the_limit_names_table_column_and_key(void **state) {
    (void)state;
    Run run;
    fake_reset();
    run_begin(&run, connect_for(11), "itt\n7|one|twelve bytes\n");
    is_over_the_limit(&run);
    run_end(&run);
}

/* The connection has to say so, and the reader be one that can do without. */
static void a_row_that_cannot_be_read_is_not_passed_by_one_of_both_alone(void **state) {
    (void)state;
    Run run;
    fake_reset();
    run_begin(&run, connect_as(11, UNREADABLE_SKIP), "itt\n7|one|twelve bytes\n");
    is_over_the_limit(&run);
    run_end(&run);
    fake_reset();
    run_begin(&run, connect_for(11), "itt\n7|one|twelve bytes\n");
    rowset_pass_unreadable(run.r);
    is_over_the_limit(&run);
    run_end(&run);
}

static void a_row_that_cannot_be_read_is_passed_when_told_so(void **state) {
    (void)state;
    Run run;
    fake_reset();
    run_begin(&run, connect_as(11, UNREADABLE_SKIP), "itt\n6|one|short\n7|two|twelve bytes\n8|three|short\n");
    rowset_pass_unreadable(run.r);
    assert_true(run_fetch(&run));
    assert_null(rowset_unreadable(run.r, 0));
    assert_true(run_fetch(&run));
    assert_non_null(strstr(rowset_unreadable(run.r, 0), "over 11 bytes (max.value.bytes)"));
    assert_int_equal(run.v[0].v.i, 7);
    assert_true(value_is_null(&run.v[1]) && value_is_absent(&run.v[1]));
    assert_true(str_eq_c(value_str(&run.v[2]), "two"));
    assert_int_equal(rowset_last(run.r)[0].v.i, 7); /* paging goes on from it */
    assert_true(run_fetch(&run));
    assert_null(rowset_unreadable(run.r, 0));
    assert_int_equal(run.v[0].v.i, 8);
    run_end(&run);
}

static void a_malformed_hierarchyid_is_named_or_passed_among_the_rows_of_an_array(void **state) {
    (void)state;
    static const char rows[] = "ixt\n6|5ade|six\n7|ff|seven\n8|58|eight\n";
    static const char why[] = "table dbo.T, column Path, key Id=7: the bytes are no hierarchyid";
    const Column three[] = {columns[0], {.name = {"Path", 4}, .type = SQLTYPE_HIERARCHYID}, columns[2]};
    const uint16_t key[] = {0};
    const UnreadableRow modes[] = {UNREADABLE_FAIL, UNREADABLE_WARN};
    for (size_t i = 0; i < 2; i++) {
        Run run = {0};
        fake_reset();
        fake_rule((FakeRule){.match = "SELECT", .results = {rows}});
        run.c = connect_as(0, modes[i]);
        assert_true(rowset_new("dbo.T", three, 3, ODBC_DRIVER_FREETDS, &run.r, &run.e));
        rowset_set_key(run.r, key, 1);
        rowset_pass_unreadable(run.r);
        assert_true(odbc_query(run.c, "SELECT", NULL, 0, &run.e) &&
                    rowset_bind(run.r, run.c, &run.arena, &run.e));
        bool ok = run_fetch(&run);
        assert_int_equal(ok, modes[i] != UNREADABLE_FAIL);
        if (ok) {
            assert_int_equal(run.rows, 3);
            assert_null(rowset_unreadable(run.r, 0));
            assert_string_equal(rowset_unreadable(run.r, 1), why);
            assert_null(rowset_unreadable(run.r, 2));
            assert_true(value_is_absent(&run.v[4]) && str_eq_c(value_str(&run.v[5]), "seven"));
            assert_true(str_eq_c(value_str(&run.v[7]), "/1/") && str_eq_c(value_str(&run.v[1]), "/1/1/3/"));
        } else {
            assert_int_equal(run.e.code, ERR_DATA);
            assert_string_equal(run.e.msg, why);
        }
        run_end(&run);
    }
}

static void a_value_that_cannot_be_read_is_marked_where_rows_are_set_aside(void **state) {
    (void)state;
    Run run;
    fake_reset();
    run_begin(&run, connect_as(11, UNREADABLE_MARK), "itt\n6|one|short\n7|two|twelve bytes\n8|three|~\n");
    rowset_pass_unreadable(run.r);
    assert_true(run_fetch(&run));
    assert_false(rowset_has_marked(run.r));
    assert_true(run_fetch(&run));
    assert_true(rowset_has_marked(run.r));
    assert_null(rowset_unreadable(run.r, 0)); /* a row like others */
    const Value *v = &run.v[1];
    assert_true(value_is_unreadable(v) && !value_is_null(v) && !value_is_absent(v) && v->n == 0);
    assert_string_equal(value_fault(v)->why, "the value has over 11 bytes (max.value.bytes)");
    assert_true(value_fault(v)->bytes > 11); /* as the driver tells it */
    assert_true(str_eq_c(value_str(&run.v[2]), "two"));
    assert_true(run_fetch(&run));
    assert_false(rowset_has_marked(run.r));
    assert_true(value_is_null(&run.v[1]));
    run_end(&run);
}

static void a_key_that_cannot_be_read_is_never_marked(void **state) {
    (void)state;
    const Column two[] = {{.name = {"Path", 4}, .type = SQLTYPE_HIERARCHYID}, columns[2]};
    const uint16_t key[] = {0};
    Run run = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .results = {"xt\n5ade|six\nff|seven\n"}});
    run.c = connect_as(0, UNREADABLE_MARK);
    assert_true(rowset_new("dbo.T", two, 2, ODBC_DRIVER_FREETDS, &run.r, &run.e));
    rowset_set_key(run.r, key, 1);
    rowset_pass_unreadable(run.r);
    assert_true(odbc_query(run.c, "SELECT", NULL, 0, &run.e) &&
                rowset_bind(run.r, run.c, &run.arena, &run.e));
    assert_false(run_fetch(&run));
    assert_int_equal(run.e.code, ERR_DATA);
    assert_non_null(strstr(run.e.msg, "table dbo.T, column Path"));
    run_end(&run);
}

static void another_number_of_columns_is_an_error(void **state) {
    (void)state;
    Rowset *r = rowset_of(1);
    Err e = {0};
    Arena arena = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .results = {"ii\n1|2\n"}});
    Odbc *c = connect_for(0);
    assert_true(odbc_query(c, "SELECT", NULL, 0, &e));
    assert_false(rowset_bind(r, c, &arena, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    rowset_free(r);
    odbc_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_by_the_array_and_end),
        cmocka_unit_test(masks_change_what_comes_but_not_the_last_row_for_paging),
        cmocka_unit_test(long_columns_are_selected_last_and_read_row_by_row),
        cmocka_unit_test(a_value_over_the_limit_names_table_column_and_key),
        cmocka_unit_test(a_row_that_cannot_be_read_is_not_passed_by_one_of_both_alone),
        cmocka_unit_test(a_row_that_cannot_be_read_is_passed_when_told_so),
        cmocka_unit_test(a_malformed_hierarchyid_is_named_or_passed_among_the_rows_of_an_array),
        cmocka_unit_test(a_value_that_cannot_be_read_is_marked_where_rows_are_set_aside),
        cmocka_unit_test(a_key_that_cannot_be_read_is_never_marked),
        cmocka_unit_test(another_number_of_columns_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
