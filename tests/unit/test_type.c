#include "standin/types/type.h"

#include "base/mem.h"
#include "test.h"

static void names_and_synonyms_are_found_in_any_case(void **state) {
    (void)state;
    assert_int_equal(type_by_name(STR_LIT("NVarChar")), TYPE_NVARCHAR);
    assert_int_equal(type_by_name(STR_LIT("integer")), TYPE_INT);
    assert_int_equal(type_by_name(STR_LIT("dec")), TYPE_DECIMAL);
    assert_int_equal(type_by_name(STR_LIT("sysname")), TYPE_NVARCHAR);
    assert_int_equal(type_by_name(STR_LIT("rowversion")), TYPE_ROWVERSION);
    assert_int_equal(type_by_name(STR_LIT("timestamp")), TYPE_ROWVERSION);
    assert_int_equal(type_by_name(STR_LIT("character varying")), TYPE_VARCHAR);
    assert_int_equal(type_by_name(STR_LIT("null")), TYPE_NULL);
    assert_int_equal(type_by_name(STR_LIT("geography")), TYPE_GEOGRAPHY);
    assert_int_equal(type_by_name(STR_LIT("SQL_VARIANT")), TYPE_SQL_VARIANT);
    assert_int_equal(type_by_name(STR_LIT("vector")), TYPE_NULL);
    assert_int_equal(type_system_id(TYPE_HIERARCHYID), 240);
}

static void format_writes_a_type_as_the_manual_does(void **state) {
    (void)state;
    static const struct {
        Type type;
        const char *text;
    } cases[] = {
        {{.id = TYPE_INT}, "int"},
        {{.id = TYPE_NVARCHAR, .length = 40}, "nvarchar(40)"},
        {{.id = TYPE_VARBINARY, .length = TYPE_MAX_LENGTH}, "varbinary(max)"},
        {{.id = TYPE_DECIMAL, .precision = 12, .scale = 2}, "decimal(12,2)"},
        {{.id = TYPE_DATETIME2, .scale = 7}, "datetime2(7)"},
        {{.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true}, "sysname"},
        {{.id = TYPE_ROWVERSION}, "timestamp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buf_done) Buf out = {0};
        type_format(&cases[i].type, &out);
        assert_string_equal(buf_text(&out), cases[i].text);
    }
}

static void lengths_in_bytes_are_those_of_sys_columns(void **state) {
    (void)state;
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_NVARCHAR, .length = 40}), 80);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_VARCHAR, .length = TYPE_MAX_LENGTH}), -1);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_XML}), -1);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_NTEXT}), 16);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_DECIMAL, .precision = 9}), 5);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_DECIMAL, .precision = 38}), 17);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_DATETIME2, .scale = 3}), 7);
    assert_int_equal(type_max_length_bytes(&(Type){.id = TYPE_DATETIMEOFFSET, .scale = 7}), 10);
}

static void sys_columns_count_the_digits_of_times(void **state) {
    (void)state;
    assert_int_equal(type_sys_precision(&(Type){.id = TYPE_TIME, .scale = 7}), 16);
    assert_int_equal(type_sys_precision(&(Type){.id = TYPE_TIME}), 8);
    assert_int_equal(type_sys_precision(&(Type){.id = TYPE_DATETIMEOFFSET, .scale = 3}), 30);
    assert_int_equal(type_sys_scale(&(Type){.id = TYPE_MONEY}), 4);
    assert_int_equal(type_sys_precision(&(Type){.id = TYPE_NVARCHAR, .length = 40}), 0);
}

static void precedence_orders_types_as_the_manual_does(void **state) {
    (void)state;
    static const TypeId falling[] = {TYPE_XML,       TYPE_DATETIMEOFFSET,
                                     TYPE_DATETIME2, TYPE_DATETIME,
                                     TYPE_DATE,      TYPE_TIME,
                                     TYPE_FLOAT,     TYPE_REAL,
                                     TYPE_DECIMAL,   TYPE_MONEY,
                                     TYPE_BIGINT,    TYPE_INT,
                                     TYPE_BIT,       TYPE_UNIQUEIDENTIFIER,
                                     TYPE_NVARCHAR,  TYPE_NCHAR,
                                     TYPE_VARCHAR,   TYPE_CHAR,
                                     TYPE_VARBINARY, TYPE_BINARY};
    for (size_t i = 1; i < sizeof falling / sizeof *falling; i++) {
        assert_true(type_precedence(falling[i - 1]) > type_precedence(falling[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_synonyms_are_found_in_any_case),
        cmocka_unit_test(format_writes_a_type_as_the_manual_does),
        cmocka_unit_test(lengths_in_bytes_are_those_of_sys_columns),
        cmocka_unit_test(sys_columns_count_the_digits_of_times),
        cmocka_unit_test(precedence_orders_types_as_the_manual_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
