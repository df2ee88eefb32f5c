#include "postgres/pgtype.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

static Column column(SqlType type, int32_t length, uint8_t precision, uint8_t scale) {
    return (Column){
        .name = STR_LIT("c"), .type = type, .length = length, .precision = precision, .scale = scale};
}

static const char *ddl(Column c) {
    static char text[64];
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    if (!pgtype_ddl(&c, &out, &e)) return "refused";
    (void)snprintf(text, sizeof text, "%s", buf_text(&out));
    return text;
}

static PgType target(PgKind kind, int32_t typmod) {
    static const uint32_t oids[PGKIND_COUNT] = {[PGKIND_TEXT] = 1043, [PGKIND_NUMERIC] = 1700};
    return (PgType){.oid = oids[kind], .typmod = typmod, .kind = kind, .name = "its type"};
}

static int32_t numeric_typmod(int precision, int scale) {
    return (precision << 16 | scale) + 4;
}

static bool fits(Column c, PgType t) {
    PgField f;
    Err e = {0};
    bool ok = pgtype_field(&c, &t, "dbo.t.c", &f, &e);
    if (!ok) assert_non_null(strstr(e.msg, "dbo.t.c is "));
    return ok;
}

static void each_type_has_its_native_counterpart(void **state) {
    (void)state;
    assert_string_equal(ddl(column(SQLTYPE_TINYINT, 0, 0, 0)), "smallint"); /* 0…255 */
    assert_string_equal(ddl(column(SQLTYPE_DECIMAL, 0, 38, 10)), "numeric(38,10)");
    assert_string_equal(ddl(column(SQLTYPE_MONEY, 0, 19, 4)), "numeric(19,4)");
    assert_string_equal(ddl(column(SQLTYPE_DATETIME, 0, 0, 3)), "timestamp(3)");
    assert_string_equal(ddl(column(SQLTYPE_SMALLDATETIME, 0, 0, 0)), "timestamp(0)");
    assert_string_equal(ddl(column(SQLTYPE_DATETIME2, 0, 0, 7)), "timestamp(6)");
    assert_string_equal(ddl(column(SQLTYPE_DATETIMEOFFSET, 0, 0, 2)), "timestamp(2) with time zone");
    assert_string_equal(ddl(column(SQLTYPE_TIME, 0, 0, 7)), "time(6)");
    assert_string_equal(ddl(column(SQLTYPE_NVARCHAR, 40, 0, 0)), "varchar(40)");
    assert_string_equal(ddl(column(SQLTYPE_NVARCHAR, -1, 0, 0)), "text");
    assert_string_equal(ddl(column(SQLTYPE_UNIQUEIDENTIFIER, 0, 0, 0)), "uuid");
    assert_string_equal(ddl(column(SQLTYPE_ROWVERSION, 8, 0, 0)), "bytea");
    assert_string_equal(ddl(column(SQLTYPE_SQL_VARIANT, 0, 0, 0)), "jsonb");
    assert_string_equal(ddl(column(SQLTYPE_HIERARCHYID, 0, 0, 0)), "text");
    assert_string_equal(ddl(column(SQLTYPE_GEOGRAPHY, 0, 0, 0)), "bytea");
    assert_string_equal(ddl(column(SQLTYPE_CLR, 0, 0, 0)), "bytea");
    assert_string_equal(ddl(column(SQLTYPE_UNKNOWN, 0, 0, 0)), "refused");
}

static void every_native_counterpart_can_be_written(void **state) {
    (void)state;
    assert_true(fits(column(SQLTYPE_DECIMAL, 0, 38, 10), target(PGKIND_NUMERIC, numeric_typmod(38, 10))));
    assert_true(fits(column(SQLTYPE_DATETIME2, 0, 0, 7), target(PGKIND_TIMESTAMP, 6)));
    assert_true(fits(column(SQLTYPE_DATETIMEOFFSET, 0, 0, 7), target(PGKIND_TIMESTAMPTZ, -1)));
    assert_true(fits(column(SQLTYPE_FLOAT, 0, 0, 0), target(PGKIND_FLOAT8, -1)));
    assert_true(fits(column(SQLTYPE_XML, -1, 0, 0), target(PGKIND_XML, -1)));
}

static void wider_existing_columns_are_taken(void **state) {
    (void)state;
    assert_true(fits(column(SQLTYPE_INT, 0, 0, 0), target(PGKIND_INT8, -1)));
    assert_true(fits(column(SQLTYPE_BIT, 0, 0, 0), target(PGKIND_INT2, -1)));
    assert_true(fits(column(SQLTYPE_DECIMAL, 0, 9, 0), target(PGKIND_INT4, -1)));
    assert_true(fits(column(SQLTYPE_DECIMAL, 0, 9, 2), target(PGKIND_NUMERIC, -1)));
    assert_true(fits(column(SQLTYPE_REAL, 0, 0, 0), target(PGKIND_FLOAT8, -1)));
    assert_true(fits(column(SQLTYPE_UNIQUEIDENTIFIER, 0, 0, 0), target(PGKIND_TEXT, -1)));
    assert_true(fits(column(SQLTYPE_NVARCHAR, -1, 0, 0), target(PGKIND_JSONB, -1)));
    assert_true(fits(column(SQLTYPE_DATETIME, 0, 0, 3), target(PGKIND_INT8, -1)));
    assert_true(fits(column(SQLTYPE_FLOAT, 0, 0, 0), target(PGKIND_TEXT, -1)));
    assert_true(fits(column(SQLTYPE_HIERARCHYID, 0, 0, 0), target(PGKIND_LTREE, -1)));
    assert_true(fits(column(SQLTYPE_GEOMETRY, 0, 0, 0), target(PGKIND_SPATIAL, -1)));
    assert_true(fits(column(SQLTYPE_SQL_VARIANT, 0, 0, 0), target(PGKIND_TEXT, -1)));
}

static void types_of_extensions_are_known_by_name(void **state) {
    (void)state;
    assert_int_equal(pgtype_kind(70001, false, "citext"), PGKIND_TEXT);
    assert_int_equal(pgtype_kind(70001, false, "ltree"), PGKIND_LTREE);
    assert_int_equal(pgtype_kind(70001, false, "geography"), PGKIND_SPATIAL);
    assert_int_equal(pgtype_kind(70001, true, "mood"), PGKIND_TEXT);
    assert_int_equal(pgtype_kind(70001, false, "mood"), PGKIND_OTHER);
}

static void what_would_lose_something_is_refused_by_name(void **state) {
    (void)state;
    assert_false(fits(column(SQLTYPE_BIGINT, 0, 0, 0), target(PGKIND_INT4, -1)));
    assert_false(fits(column(SQLTYPE_DECIMAL, 0, 10, 0), target(PGKIND_INT4, -1)));
    assert_false(fits(column(SQLTYPE_DECIMAL, 0, 10, 4), target(PGKIND_NUMERIC, numeric_typmod(12, 2))));
    assert_false(fits(column(SQLTYPE_DATETIME2, 0, 0, 7), target(PGKIND_TIMESTAMP, 3)));
    assert_false(fits(column(SQLTYPE_DATETIME2, 0, 0, 7), target(PGKIND_DATE, -1)));
    assert_false(fits(column(SQLTYPE_DATETIMEOFFSET, 0, 0, 7), target(PGKIND_TIMESTAMP, 6)));
    assert_false(fits(column(SQLTYPE_FLOAT, 0, 0, 0), target(PGKIND_FLOAT4, -1)));
    assert_false(fits(column(SQLTYPE_NVARCHAR, 10, 0, 0), target(PGKIND_INT4, -1)));
    assert_false(fits(column(SQLTYPE_INT, 0, 0, 0), target(PGKIND_OTHER, -1)));
    assert_false(fits(column(SQLTYPE_HIERARCHYID, 0, 0, 0), target(PGKIND_BYTEA, -1)));
    assert_false(fits(column(SQLTYPE_VARBINARY, 8, 0, 0), target(PGKIND_SPATIAL, -1)));
    assert_false(fits(column(SQLTYPE_NVARCHAR, 8, 0, 0), target(PGKIND_LTREE, -1)));
}

static void widening_never_takes_a_digit_away(void **state) {
    (void)state;
    Column big = column(SQLTYPE_BIGINT, 0, 0, 0), wide = column(SQLTYPE_DECIMAL, 0, 12, 2),
           deep = column(SQLTYPE_DECIMAL, 0, 12, 6);
    Column text = column(SQLTYPE_NVARCHAR, 40, 0, 0), max = column(SQLTYPE_NVARCHAR, -1, 0, 0);
    PgType int4 = target(PGKIND_INT4, -1), int8 = target(PGKIND_INT8, -1);
    PgType numeric = target(PGKIND_NUMERIC, numeric_typmod(10, 2)), varchar = target(PGKIND_TEXT, 20 + 4);
    assert_true(pgtype_is_widening(&big, &int4));
    assert_false(pgtype_is_widening(&big, &int8));
    assert_true(pgtype_is_widening(&wide, &numeric));
    assert_false(pgtype_is_widening(&deep, &numeric)); /* 6 digits before the point, 8 are there */
    assert_true(pgtype_is_widening(&text, &varchar));
    assert_true(pgtype_is_widening(&max, &varchar));
    varchar.typmod = 40 + 4;
    assert_false(pgtype_is_widening(&text, &varchar));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_native_counterpart),
        cmocka_unit_test(every_native_counterpart_can_be_written),
        cmocka_unit_test(wider_existing_columns_are_taken),
        cmocka_unit_test(types_of_extensions_are_known_by_name),
        cmocka_unit_test(what_would_lose_something_is_refused_by_name),
        cmocka_unit_test(widening_never_takes_a_digit_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
