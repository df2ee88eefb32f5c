#include "standin/store/catalog_save.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static Table *example(void) {
    static const Type decimal = {.id = TYPE_DECIMAL, .precision = 12, .scale = 3},
                      text = {.id = TYPE_NVARCHAR,
                              .length = TYPE_MAX_LENGTH,
                              .collation = 1000,
                              .is_sysname = true};
    Table *t = table_new(17, 5, 1, STR_LIT("t\xc3\xa9"));
    Column *c = table_add_column(t, STR_LIT("a"), &decimal, true);
    c->default_sql = x_strdup("((0))");
    c->default_name = x_strdup("df");
    c->default_object_id = 18;
    c = table_add_column(t, STR_LIT("b"), &text, false);
    c->is_computed = c->is_persisted = true;
    c->computed_sql = x_strdup("(a)");
    Index *x = table_add_index(t, STR_LIT("ix"));
    x->is_unique = true;
    x->key_count = 1;
    x->column_count = 2;
    x->columns = x_calloc(2, sizeof *x->columns);
    x->columns[0] = (IndexColumn){.column_id = 2, .is_descending = true};
    x->columns[1] = (IndexColumn){.column_id = 1, .is_included = true};
    ForeignKey *k = table_add_foreign_key(t, STR_LIT("fk"), 1);
    k->referenced_id = 99;
    k->on_delete = KEY_CASCADE;
    k->columns[0] = 1;
    k->referenced_columns[0] = 4;
    table_add_check(t, STR_LIT("ck"), STR_LIT("(a > 0)"))->is_disabled = true;
    t->is_tracked_by_cdc = true;
    atomic_store(&t->state->identity, 42);
    atomic_store(&t->state->has_identity, true);
    return t;
}

static void a_table_comes_back_as_it_was(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf first = {0};
    CLEANUP(buf_done) Buf again = {0};
    Table *t = example();
    catalog_save_table(t, &first);
    Table *copy = catalog_load_table(buf_view(&first));
    assert_non_null(copy);
    catalog_save_table(copy, &again);
    assert_int_equal(first.n, again.n);
    assert_memory_equal(first.p, again.p, first.n);
    assert_string_equal(copy->name, "t\xc3\xa9");
    assert_string_equal(copy->sql_name, "t17");
    assert_int_equal(copy->columns[1].type.length, TYPE_MAX_LENGTH);
    assert_null(copy->columns[1].default_sql);
    assert_true(copy->indexes[0].columns[0].is_descending && copy->indexes[0].columns[1].is_included);
    assert_int_equal(atomic_load(&copy->state->identity), 42);
    t = table_free(t);
    copy = table_free(copy);
}

static void a_databases_alias_types_come_back(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    Database *d = x_calloc(1, sizeof *d);
    d->name = x_strdup("shop");
    Type base = {.id = TYPE_DECIMAL, .precision = 10, .scale = 3};
    int32_t first = database_add_type(d, CATALOG_SCHEMA_DBO, STR_LIT("Price"), &base, false)->id;
    assert_int_equal(first, CATALOG_FIRST_USER_TYPE);
    assert_int_equal(database_add_type(d, CATALOG_SCHEMA_DBO, STR_LIT("Cost"), &base, true)->id, first + 1);
    catalog_save_database(d, &b);
    d = database_free(d);
    d = catalog_load_database(buf_view(&b));
    assert_non_null(d);
    const UserType *t = database_type(d, CATALOG_SCHEMA_DBO, STR_LIT("PRICE"));
    assert_non_null(t);
    assert_ptr_equal(t, database_type_by_id(d, first));
    assert_int_equal(t->base.scale, 3);
    assert_false(t->is_nullable);
    database_drop_type(d, first);
    assert_null(database_type_by_id(d, first));
    assert_non_null(database_type(d, CATALOG_SCHEMA_DBO, STR_LIT("cost")));
    d = database_free(d);
}

static void bytes_cut_anywhere_are_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    Table *t = example();
    catalog_save_table(t, &b);
    for (size_t n = 0; n < b.n; n++) assert_null(catalog_load_table((Str){(const char *)b.p, n}));
    t = table_free(t);
}

static void bytes_of_anything_end_in_no_crash(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    Table *t = example();
    catalog_save_table(t, &b);
    for (size_t i = 1; i < b.n; i++) {
        uint8_t kept = b.p[i];
        b.p[i] = 0xff;
        Table *other = catalog_load_table(buf_view(&b));
        other = table_free(other);
        Database *d = catalog_load_database(buf_view(&b));
        d = database_free(d);
        b.p[i] = kept;
    }
    t = table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_back_as_it_was),
        cmocka_unit_test(a_databases_alias_types_come_back),
        cmocka_unit_test(bytes_cut_anywhere_are_refused),
        cmocka_unit_test(bytes_of_anything_end_in_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
