#include "connector/claims.h"

#include <string.h>

#include "test.h"

static const Schema *schema_of(const char *database, const char *table) {
    const Column id = {.name = STR_LIT("id"), .type = SQLTYPE_INT};
    const SchemaSpec spec = {.database = str_from(database),
                             .schema = STR_LIT("dbo"),
                             .table = str_from(table),
                             .columns = &id,
                             .column_count = 1};
    const Schema *s;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void a_target_is_one_source_tables(void **state) {
    (void)state;
    Claims *c = claims_new();
    Err e = {0};
    const Schema *a = schema_of("north", "orders"), *same = schema_of("north", "orders"),
                 *b = schema_of("south", "orders"), *other = schema_of("north", "lines");
    assert_true(claims_take(c, "\"dbo\".\"orders\"", a, &e));
    assert_true(claims_take(c, "\"dbo\".\"orders\"", same, &e));
    assert_true(claims_take(c, "\"south\".\"orders\"", b, &e));
    assert_false(claims_take(c, "\"dbo\".\"orders\"", b, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "north.dbo.orders and south.dbo.orders"));
    assert_non_null(strstr(e.msg, "${source.db}"));
    assert_false(claims_take(c, "\"dbo\".\"orders\"", other, &e));
    assert_true(claims_take(NULL, "x", b, &e));
    schema_unref(a);
    schema_unref(same);
    schema_unref(b);
    schema_unref(other);
    assert_null(claims_free(c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_one_source_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
