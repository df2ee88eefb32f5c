#include "standin/tds/typeinfo.h"

#include "standin/types/convert.h"
#include "test.h"

static Arena arena;

/* text as a value of type t */
static Value make(const char *text, const Type *t) {
    ConvertError e = {0};
    Value v;
    Convert c = {.from = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH}, .to = *t, .style = -1};
    if (type_is_binary(t->id)) return VALUE_OF_BLOB(str_from(text));
    if (!convert_value(&c, VALUE_OF_TEXT(str_from(text)), &arena, &v, &e)) fail_msg("%s: %s", text, e.text);
    return v;
}

static void a_null_in_a_fixed_column_is_refused(void **state) {
    (void)state;
    uint8_t room[64];
    static const TypeId ids[] = {TYPE_INT,      TYPE_DATETIME, TYPE_DECIMAL,
                                 TYPE_NVARCHAR, TYPE_DATE,     TYPE_UNIQUEIDENTIFIER};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        Type t = {.id = ids[i], .length = 5, .precision = 5};
        TypeInfoEncoder x = typeinfo_encoder(&t, false);
        assert_null(x.write(&x, &(Value){0}, room));
    }
}

static void known_bytes_are_written(void **state) {
    (void)state;
    static const struct {
        Type t;
        const char *value;
        uint8_t bytes[12];
        size_t n;
    } cases[] = {
        {{.id = TYPE_MONEY}, "922337203685477.5807", {8, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff}, 9},
        {{.id = TYPE_DATETIME}, "2024-02-29 23:59:59.997", {8, 0x25, 0xb1, 0, 0, 0xff, 0x81, 0x8b, 0x01}, 9},
        {{.id = TYPE_DECIMAL, .precision = 5, .scale = 2}, "-1.50", {5, 0, 0x96, 0, 0, 0}, 6},
        {{.id = TYPE_DATE}, "0001-01-02", {3, 1, 0, 0}, 4},
        {{.id = TYPE_NVARCHAR, .length = 3}, "ab", {4, 0, 'a', 0, 'b', 0}, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t room[64];
        TypeInfoEncoder x = typeinfo_encoder(&cases[i].t, true);
        Value v = make(cases[i].value, &cases[i].t);
        assert_ptr_equal(x.write(&x, &v, room), room + cases[i].n);
        assert_memory_equal(room, cases[i].bytes, cases[i].n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_in_a_fixed_column_is_refused),
        cmocka_unit_test(known_bytes_are_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
