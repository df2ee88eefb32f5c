#include "standin/store/row_buffer.h"
#include "test.h"

#include <string.h>

static void rows_come_back_as_they_went_in(void **state) {
    (void)state;
    SqlError e;
    RowBuffer *b = rowbuffer_new(3);
    Value in[] = {VALUE_OF_INT(-5), VALUE_OF_TEXT(STR_LIT("text")), {.kind = VALUE_NULL}}, out[3];
    Value second[] = {VALUE_OF_REAL(0.5), VALUE_OF_BLOB(((Str){"\0x", 2})), VALUE_OF_TEXT(STR_LIT(""))};
    assert_true(rowbuffer_add(b, in, &e));
    assert_true(rowbuffer_add(b, second, &e));
    assert_int_equal(rowbuffer_count(b), 2);
    for (int round = 0; round < 2; round++) {
        rowbuffer_rewind(b);
        assert_int_equal(rowbuffer_next(b, out, &e), 1);
        assert_int_equal(out[0].v.i, -5);
        assert_true(str_eq_c(out[1].v.s, "text"));
        assert_int_equal(out[2].kind, VALUE_NULL);
        assert_int_equal(rowbuffer_next(b, out, &e), 1);
        assert_true(out[0].kind == VALUE_REAL && out[0].v.d == 0.5);
        assert_true(out[1].kind == VALUE_BLOB && out[1].v.s.n == 2 && out[1].v.s.p[1] == 'x');
        assert_true(out[2].kind == VALUE_TEXT && out[2].v.s.n == 0);
        assert_int_equal(rowbuffer_next(b, out, &e), 0);
    }
    rowbuffer_clear(b);
    rowbuffer_rewind(b);
    assert_int_equal(rowbuffer_next(b, out, &e), 0);
    b = rowbuffer_free(b);
}

static void more_than_fits_in_memory_goes_to_a_file(void **state) {
    (void)state;
    enum { ROWS = 12000, BYTES = 1000 };
    SqlError e;
    char text[BYTES];
    memset(text, 'x', sizeof text);
    RowBuffer *b = rowbuffer_new(2);
    for (int64_t i = 0; i < ROWS; i++) {
        Value row[] = {VALUE_OF_INT(i), VALUE_OF_TEXT(((Str){text, (size_t)(i % BYTES)}))};
        assert_true(rowbuffer_add(b, row, &e));
    }
    for (int round = 0; round < 2; round++) {
        rowbuffer_rewind(b);
        Value row[2];
        for (int64_t i = 0; i < ROWS; i++) {
            assert_int_equal(rowbuffer_next(b, row, &e), 1);
            assert_int_equal(row[0].v.i, i);
            assert_int_equal(row[1].v.s.n, i % BYTES);
        }
        assert_int_equal(rowbuffer_next(b, row, &e), 0);
    }
    b = rowbuffer_free(b);
    assert_null(rowbuffer_free(b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_went_in),
        cmocka_unit_test(more_than_fits_in_memory_goes_to_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
