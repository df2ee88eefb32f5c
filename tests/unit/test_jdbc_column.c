/* Columns as the JDBC driver tells of them. */
#include "test.h"

#include "convert/jdbc_column.h"

static void expect(Column c, int type, const char *name, int32_t length, int scale) {
    JdbcColumn j;
    jdbc_column(&c, &j);
    assert_int_equal(j.jdbc_type, type);
    assert_string_equal(j.type_name, name);
    assert_int_equal(j.length, length);
    assert_int_equal(j.has_scale, scale >= 0);
    if (scale >= 0) assert_int_equal(j.scale, scale);
}

static void columns_are_described_as_by_the_driver(void **state) {
    (void)state;
    expect((Column){.type = SQLTYPE_INT, .is_identity = true}, 4, "int identity", 10, 0);
    expect((Column){.type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2}, 3, "decimal", 9, 2);
    expect((Column){.type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .type_name = STR_LIT("numeric")}, 2,
           "numeric", 9, 2);
    expect((Column){.type = SQLTYPE_NVARCHAR, .length = 40}, -9, "nvarchar", 40, -1);
    expect((Column){.type = SQLTYPE_NVARCHAR, .length = -1}, -9, "nvarchar", INT32_MAX, -1);
    expect((Column){.type = SQLTYPE_DATETIME2, .scale = 7}, 93, "datetime2", 27, 7);
    expect((Column){.type = SQLTYPE_DATETIME2}, 93, "datetime2", 19, 0);
    expect((Column){.type = SQLTYPE_DATETIMEOFFSET, .scale = 7}, -155, "datetimeoffset", 34, 7);
    expect((Column){.type = SQLTYPE_TIME, .scale = 3}, 92, "time", 12, 3);
    expect((Column){.type = SQLTYPE_ROWVERSION}, -2, "timestamp", 8, -1);
}

static void every_column_is_read_back(void **state) {
    (void)state;
    for (SqlType t = SQLTYPE_BIT; t < SQLTYPE_CLR; t++) {
        Column c = {.type = t, .precision = 9, .scale = 2, .length = 40}, back = {0};
        JdbcColumn j;
        jdbc_column(&c, &j);
        assert_true(jdbc_column_read(&j, &back));
        assert_int_equal(back.type, t);
        if (t == SQLTYPE_DECIMAL) assert_int_equal(back.precision, 9);
        if (t == SQLTYPE_VARCHAR) assert_int_equal(back.length, 40);
    }
    JdbcColumn unknown = {.type_name = "vector"};
    Column c;
    assert_false(jdbc_column_read(&unknown, &c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_described_as_by_the_driver),
        cmocka_unit_test(every_column_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
