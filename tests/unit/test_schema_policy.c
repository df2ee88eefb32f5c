#include "config/schema_policy.h"

#include <string.h>

#include "test.h"

static void the_first_exception_that_matches_counts(void **state) {
    (void)state;
    SchemaPolicy *p = NULL;
    Err e = {0};
    assert_true(schema_policy_new(
        SCHEMA_EVOLVE, STR_LIT(" dbo[.](?:log|audit).*:Ignore; DBO.orders : fail;dbo.log1:fail; "), &p, &e));
    assert_int_equal(schema_policy_of(p, STR_LIT("dbo.customers")), SCHEMA_EVOLVE);
    assert_int_equal(schema_policy_of(p, STR_LIT("dbo.log1")), SCHEMA_IGNORE);
    assert_int_equal(schema_policy_of(p, STR_LIT("dbo.orders")), SCHEMA_FAIL);
    assert_int_equal(schema_policy_of(p, STR_LIT("dbo.orders2")), SCHEMA_EVOLVE);
    schema_policy_free(p);
}

static void none_says_nothing(void **state) {
    (void)state;
    SchemaPolicy *p = NULL;
    Err e = {0};
    assert_int_equal(schema_policy_of(NULL, STR_LIT("a.b")), SCHEMA_UNSET);
    assert_true(schema_policy_new(SCHEMA_UNSET, (Str){0}, &p, &e));
    assert_int_equal(schema_policy_of(p, STR_LIT("a.b")), SCHEMA_UNSET);
    schema_policy_free(p);
}

static void a_wrong_entry_is_named(void **state) {
    (void)state;
    static const char *const bad[] = {"dbo.a", "dbo.a:maybe", ":fail", "dbo.(:fail"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SchemaPolicy *p = NULL;
        Err e = {0};
        assert_false(schema_policy_new(SCHEMA_UNSET, str_from(bad[i]), &p, &e));
        assert_null(p);
        assert_int_equal(e.code, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_exception_that_matches_counts),
        cmocka_unit_test(none_says_nothing),
        cmocka_unit_test(a_wrong_entry_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
