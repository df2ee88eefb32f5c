#include "sqlserver/extras.h"

#include "base/mem.h"
#include "test.h"

#include "fake_odbc.h"

static Odbc *connect_now(void) {
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    Odbc *c;
    Err e = {0};
    fake_reset();
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

static void rows_of_one_name_are_one_things_columns(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Extras x = {0};
    Err e = {0};
    Odbc *c = connect_now();
    fake_rule((FakeRule){.match = "sys.identity_columns", .results = {"tttttt\ndbo|a|id|1|2|~\n"}});
    fake_rule((FakeRule){.match = "sys.default_constraints", .results = {"ttttt\ndbo|a|df_n|n|((0))\n"}});
    fake_rule((FakeRule){.match = "sys.indexes",
                         .results = {"ttttbbbbttbb\n"
                                     "dbo|a|pk_a|CLUSTERED|1|1|0|0|~|id|0|0\n"
                                     "dbo|a|ix_a|NONCLUSTERED|0|0|0|1|([n]>(0))|n|1|0\n"
                                     "dbo|a|ix_a|NONCLUSTERED|0|0|0|1|([n]>(0))|m|0|1\n"}});
    fake_rule((FakeRule){.match = "sys.check_constraints", .results = {"ttttbb\ndbo|a|ck|([n]>(0))|0|1\n"}});
    fake_rule(
        (FakeRule){.match = "sys.foreign_keys",
                   .results = {"tttttttiibb\ndbo|b|fk|dbo|a|a1|i1|1|0|0|1\ndbo|b|fk|dbo|a|a2|i2|1|0|0|1\n"}});
    fake_rule((FakeRule){.match = "collation_name", .results = {"ttt\ndbo|a|n\n"}});
    if (!extras_load(c, &arena, &x, &e)) fail_msg("%s", e.msg);
    assert_int_equal(x.count, 6);
    assert_int_equal(x.all[0].kind, EXTRA_IDENTITY);
    assert_true(str_eq_c(x.all[0].columns[0].name, "id"));
    assert_true(str_eq_c(x.all[0].increment, "2"));
    assert_null(x.all[0].last.p);
    assert_true(str_eq_c(x.all[1].definition, "((0))"));
    assert_true(x.all[2].is_primary_key && x.all[2].is_unique);
    assert_int_equal(x.all[2].definition.n, 0);
    assert_int_equal(x.all[3].column_count, 2);
    assert_true(x.all[3].columns[0].is_descending && x.all[3].columns[1].is_included && x.all[3].is_disabled);
    assert_true(x.all[4].is_not_trusted && !x.all[4].is_disabled);
    assert_int_equal(x.all[5].column_count, 2);
    assert_true(str_eq_c(x.all[5].columns[1].parent, "i2"));
    assert_int_equal(x.all[5].on_delete, EXTRA_CASCADE);
    assert_true(extras_is_case_blind(&x, STR_LIT("dbo"), STR_LIT("a"), STR_LIT("n")));
    assert_false(extras_is_case_blind(&x, STR_LIT("dbo"), STR_LIT("a"), STR_LIT("m")));
    odbc_close(c);
}

static void a_refused_view_is_an_error(void **state) {
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    Extras x = {0};
    Err e = {0};
    Odbc *c = connect_now();
    fake_rule((FakeRule){.match = "sys.", .native = 229, .state = "42000"});
    assert_false(extras_load(c, &arena, &x, &e));
    odbc_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_name_are_one_things_columns),
        cmocka_unit_test(a_refused_view_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
