#include "standin/store/table_sql.h"
#include "test.h"

#include <stdlib.h>

#include "base/mem.h"

static Table *table_with_key(const Type *key, bool is_descending) {
    static const Type text = {.id = TYPE_NVARCHAR, .length = 10}, real = {.id = TYPE_FLOAT},
                      wide = {.id = TYPE_DECIMAL, .precision = 38};
    Table *t = table_new(17, 5, 1, STR_LIT("t"));
    (void)table_add_column(t, STR_LIT("id"), key, false);
    (void)table_add_column(t, STR_LIT("name"), &text, true);
    (void)table_add_column(t, STR_LIT("x"), &real, true);
    (void)table_add_column(t, STR_LIT("d"), &wide, true);
    Index *x = table_add_index(t, STR_LIT("pk"));
    x->id = 1;
    x->is_unique = x->is_primary_key = x->is_clustered = true;
    x->columns = x_calloc(1, sizeof *x->columns);
    x->columns[0] = (IndexColumn){.column_id = 1, .is_descending = is_descending};
    x->key_count = x->column_count = 1;
    tablesql_choose_rowid(t);
    return t;
}

static void an_integer_key_is_the_rowid(void **state) {
    (void)state;
    static const Type key = {.id = TYPE_BIGINT};
    CLEANUP(buf_done) Buf b = {0};
    Table *t = table_with_key(&key, false);
    tablesql_create_table(t, &b);
    tablesql_create_index(t, &t->indexes[0], &b);
    assert_string_equal(buf_text(&b), "CREATE TABLE t17(c1 INTEGER PRIMARY KEY, c2 TEXT COLLATE "
                                      "\"SQL_Latin1_General_CP1_CI_AS\", c3 BLOB, c4 BLOB);");
    t = table_free(t);
}

static void other_keys_get_an_index(void **state) {
    (void)state;
    static const Type guid = {.id = TYPE_UNIQUEIDENTIFIER}, number = {.id = TYPE_INT};
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_done) Buf b = {0};
        Table *t = table_with_key(i ? &number : &guid, i == 1);
        assert_false(t->has_rowid_column);
        tablesql_create_index(t, &t->indexes[0], &b);
        tablesql_drop_index(t, &t->indexes[0], &b);
        assert_string_equal(buf_text(&b),
                            i ? "CREATE UNIQUE INDEX i17_1 ON t17(c1 DESC);DROP INDEX IF EXISTS i17_1;"
                              : "CREATE UNIQUE INDEX i17_1 ON t17(c1);DROP INDEX IF EXISTS i17_1;");
        t = table_free(t);
    }
}

static void tables_of_a_session_are_in_its_own_schema(void **state) {
    (void)state;
    static const Type guid = {.id = TYPE_UNIQUEIDENTIFIER};
    CLEANUP(buf_done) Buf b = {0};
    Table *t = table_with_key(&guid, false);
    t->kind = TABLE_TEMP;
    tablesql_create_index(t, &t->indexes[0], &b);
    assert_string_equal(buf_text(&b), "CREATE UNIQUE INDEX temp.i17_1 ON t17(c1);");
    t = table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integer_key_is_the_rowid),
        cmocka_unit_test(other_keys_get_an_index),
        cmocka_unit_test(tables_of_a_session_are_in_its_own_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
