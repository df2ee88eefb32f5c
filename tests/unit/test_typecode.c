#include "standin/bind/typecode.h"
#include "test.h"

static void type_codes_keep_a_type(void **state) {
    (void)state;
    static const Type types[] = {{.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH, .collation = 3000},
                                 {.id = TYPE_DECIMAL, .precision = 38, .scale = 37},
                                 {.id = TYPE_XML, .length = 0},
                                 {.id = TYPE_VARBINARY, .length = 8000}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Type t = typecode_type(typecode_of(&types[i]));
        assert_int_equal(t.id, types[i].id);
        assert_int_equal(t.length, types[i].length);
        assert_int_equal(t.precision, types[i].precision);
        assert_int_equal(t.scale, types[i].scale);
        assert_int_equal(t.collation, types[i].collation);
    }
}

static void type_codes_are_positive_numbers(void **state) {
    (void)state;
    Type t = {.id = TYPE_XML, .length = 8000, .precision = 255, .scale = 255, .collation = 65534};
    assert_true(typecode_of(&t) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_codes_keep_a_type),
        cmocka_unit_test(type_codes_are_positive_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
