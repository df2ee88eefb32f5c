#include "record/schema.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#define NAMED(text) .name = {text, sizeof(text) - 1} /* STR_LIT is no constant */

static const Column orders[] = {
    {NAMED("Line"), .type = SQLTYPE_INT, .key = 2},
    {NAMED("Note"), .type = SQLTYPE_NVARCHAR, .length = 40, .is_nullable = true},
    {NAMED("Order"), .type = SQLTYPE_BIGINT, .key = 1},
};

static SchemaSpec spec(const Column *columns, size_t count) {
    return (SchemaSpec){.database = STR_LIT("shop"),
                        .schema = STR_LIT("dbo"),
                        .table = STR_LIT("orders"),
                        .version = 1,
                        .columns = columns,
                        .column_count = count};
}

static const Schema *schema_of(const Column *columns, size_t count) {
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec of = spec(columns, count);
    if (!schema_new(&of, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void everything_given_is_copied(void **state) {
    (void)state;
    char name[] = "Line";
    Column column = {.name = {name, 4}, .type = SQLTYPE_INT};
    const Schema *s = schema_of(&column, 1);
    memset(name, 'x', 4);
    column.type = SQLTYPE_BIT;
    assert_true(str_eq_c(s->columns[0].name, "Line"));
    assert_int_equal(s->columns[0].type, SQLTYPE_INT);
    assert_string_equal(s->qualified, "dbo.orders");
    assert_true(str_eq_c(s->database, "shop"));
    schema_unref(s);
}

static void a_table_without_a_schema_is_named_alone(void **state) {
    (void)state;
    const SchemaSpec spec = {
        .table = STR_LIT("readings"), .topic = STR_LIT("t.readings"), .columns = orders, .column_count = 3};
    const Schema *s = NULL;
    Err e = {0};
    assert_true(schema_new(&spec, &s, &e));
    assert_string_equal(s->qualified, "readings");
    assert_true(str_eq_c(s->topic, "t.readings"));
    schema_unref(s);
}

static void key_columns_are_listed_in_key_order(void **state) {
    (void)state;
    const Schema *s = schema_of(orders, 3);
    assert_int_equal(s->key_count, 2);
    assert_int_equal(s->key[0], 2);
    assert_int_equal(s->key[1], 0);
    schema_unref(s);
}

static void a_key_with_a_gap_or_a_double_place_is_refused(void **state) {
    (void)state;
    static const int16_t bad[][2] = {{1, 3}, {2, 2}, {0, 2}, {-1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Column columns[2] = {orders[0], orders[2]};
        for (size_t k = 0; k < 2; k++) columns[k].key = bad[i][k];
        const Schema *s = NULL;
        Err e = {0};
        SchemaSpec of = spec(columns, 2);
        assert_false(schema_new(&of, &s, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_null(s);
    }
}

static void a_table_without_columns_is_refused(void **state) {
    (void)state;
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec of = spec(orders, 0);
    assert_false(schema_new(&of, &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
}

static void the_fingerprint_tells_apart_what_a_target_cares_for(void **state) {
    (void)state;
    const Schema *a = schema_of(orders, 3), *same = schema_of(orders, 3), *fewer = schema_of(orders + 1, 1);
    assert_true(a->fingerprint == same->fingerprint);
    assert_true(a->fingerprint != fewer->fingerprint);
    for (int what = 0; what < 5; what++) {
        Column columns[3] = {orders[0], orders[1], orders[2]};
        Column *c = &columns[1];
        if (what == 0) c->name = STR_LIT("note");
        if (what == 1) c->type = SQLTYPE_VARCHAR;
        if (what == 2) c->length = 41;
        if (what == 3) c->is_nullable = false;
        if (what == 4) c->key = 3;
        const Schema *other = schema_of(columns, 3);
        assert_true(a->fingerprint != other->fingerprint);
        schema_unref(other);
    }
    schema_unref(a);
    schema_unref(same);
    schema_unref(fewer);
}

static void the_fingerprint_is_the_same_number_in_every_version(void **state) {
    (void)state;
    const Schema *s = schema_of(orders, 3);
    assert_true(s->fingerprint == UINT64_C(0x8560491d80acab6b));
    schema_unref(s);
}

static void find_takes_the_exact_name_else_the_only_one_that_differs_in_case(void **state) {
    (void)state;
    static const Column columns[] = {{NAMED("id"), .type = SQLTYPE_INT},
                                     {NAMED("ID"), .type = SQLTYPE_INT},
                                     {NAMED("Note"), .type = SQLTYPE_INT}};
    const Schema *s = schema_of(columns, 3);
    assert_int_equal(schema_find(s, STR_LIT("ID")), 1);
    assert_int_equal(schema_find(s, STR_LIT("Id")), -1);
    assert_int_equal(schema_find(s, STR_LIT("NOTE")), 2);
    assert_int_equal(schema_find(s, STR_LIT("none")), -1);
    schema_unref(s);
}

static void a_schema_lives_until_its_last_reference(void **state) {
    (void)state;
    const Schema *s = schema_of(orders, 3);
    assert_ptr_equal(schema_ref(s), s);
    assert_null(schema_unref(s));
    assert_int_equal(s->column_count, 3);
    assert_null(schema_unref(s));
    assert_null(schema_unref(NULL));
}

static void types_are_found_by_every_name_that_sys_types_has(void **state) {
    (void)state;
    for (SqlType t = SQLTYPE_UNKNOWN + 1; t < SQLTYPE_COUNT; t++)
        assert_int_equal(sqltype_by_name(str_from(sqltype_name(t))), t);
    assert_int_equal(sqltype_by_name(STR_LIT("Numeric")), SQLTYPE_DECIMAL);
    assert_int_equal(sqltype_by_name(STR_LIT("timestamp")), SQLTYPE_ROWVERSION);
    assert_int_equal(sqltype_by_name(STR_LIT("sysname")), SQLTYPE_NVARCHAR);
    assert_int_equal(sqltype_by_name(STR_LIT("vector")), SQLTYPE_UNKNOWN);
    assert_int_equal(sqltype_by_name(STR_LIT("unknown")), SQLTYPE_UNKNOWN);
}

static void a_type_is_written_as_the_manual_writes_it(void **state) {
    (void)state;
    static const struct {
        Column column;
        const char *text;
    } cases[] = {
        {{.type = SQLTYPE_NVARCHAR, .length = 40}, "nvarchar(40)"},
        {{.type = SQLTYPE_VARBINARY, .length = -1}, "varbinary(max)"},
        {{.type = SQLTYPE_DECIMAL, .precision = 12, .scale = 2}, "decimal(12,2)"},
        {{.type = SQLTYPE_DATETIME2, .scale = 7}, "datetime2(7)"},
        {{.type = SQLTYPE_MONEY, .precision = 19, .scale = 4}, "money"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buf_done) Buf b = {0};
        column_type_format(&cases[i].column, &b);
        assert_string_equal(buf_text(&b), cases[i].text);
    }
}

static void decimals_past_18_digits_take_the_wide_form(void **state) {
    (void)state;
    assert_int_equal(sqltype_form(SQLTYPE_DECIMAL, 18), FORM_INT);
    assert_int_equal(sqltype_form(SQLTYPE_DECIMAL, 19), FORM_INT128);
    assert_int_equal(sqltype_form(SQLTYPE_MONEY, 19), FORM_INT);
    assert_int_equal(sqltype_form(SQLTYPE_UNIQUEIDENTIFIER, 0), FORM_GUID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_given_is_copied),
        cmocka_unit_test(a_table_without_a_schema_is_named_alone),
        cmocka_unit_test(key_columns_are_listed_in_key_order),
        cmocka_unit_test(a_key_with_a_gap_or_a_double_place_is_refused),
        cmocka_unit_test(a_table_without_columns_is_refused),
        cmocka_unit_test(the_fingerprint_tells_apart_what_a_target_cares_for),
        cmocka_unit_test(the_fingerprint_is_the_same_number_in_every_version),
        cmocka_unit_test(find_takes_the_exact_name_else_the_only_one_that_differs_in_case),
        cmocka_unit_test(a_schema_lives_until_its_last_reference),
        cmocka_unit_test(types_are_found_by_every_name_that_sys_types_has),
        cmocka_unit_test(a_type_is_written_as_the_manual_writes_it),
        cmocka_unit_test(decimals_past_18_digits_take_the_wide_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
