/* Connect schemas: what is built is what is found, equal ones are equal, bad ones are refused. */
#include "test.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "record/connect_schema.h"

static const ConnectSchema *must(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    assert_true(connect_schema_new(spec, &s, &e));
    return s;
}

static const ConnectSchema *row(Str second) {
    const ConnectSchema *id = connect_schema_plain(CONNECT_INT32, false);
    const ConnectSchema *price =
        must(&(ConnectSchema){.type = CONNECT_BYTES,
                              .is_optional = true,
                              .name = STR_LIT(CONNECT_DECIMAL),
                              .version = 1,
                              .params = (ConnectParam[]){{STR_LIT("scale"), STR_LIT("2")}},
                              .param_count = 1});
    const ConnectSchema *s =
        must(&(ConnectSchema){.type = CONNECT_STRUCT,
                              .name = STR_LIT("sales.Value"),
                              .fields = (ConnectField[]){{STR_LIT("id"), id}, {second, price}},
                              .field_count = 2});
    connect_schema_unref(id);
    connect_schema_unref(price);
    return s;
}

static void test_a_struct_has_what_it_was_built_from(void **state) {
    (void)state;
    const ConnectSchema *s = row(STR_LIT("price"));
    assert_int_equal(connect_schema_find(s, STR_LIT("price")), 1);
    assert_int_equal(connect_schema_find(s, STR_LIT("Price")), -1);
    const ConnectSchema *price = s->fields[1].schema;
    assert_true(connect_schema_is(price, CONNECT_DECIMAL));
    assert_true(str_eq_c(connect_schema_param(price, "scale"), "2"));
    assert_null(connect_schema_param(price, "precision").p);
    connect_schema_unref(s);
}

static void test_equal_schemas_are_equal(void **state) {
    (void)state;
    const ConnectSchema *a = row(STR_LIT("price")), *b = row(STR_LIT("price")), *c = row(STR_LIT("cost"));
    assert_true(connect_schema_equal(a, b));
    assert_int_equal(a->fingerprint, b->fingerprint);
    assert_false(connect_schema_equal(a, c));
    const ConnectSchema *d = connect_schema_with_optional(a, true),
                        *f = connect_schema_with_optional(d, false);
    assert_false(connect_schema_equal(a, d));
    assert_true(connect_schema_equal(a, f));
    const ConnectSchema *all[] = {a, b, c, d, f};
    for (size_t i = 0; i < 5; i++) connect_schema_unref(all[i]);
}

static void test_a_default_is_copied_and_counts(void **state) {
    (void)state;
    char text[] = "false";
    ConnectSchema spec = {.type = CONNECT_STRING, .is_optional = true, .has_default = true};
    spec.default_value = value_bytes(text, 5);
    const ConnectSchema *a = must(&spec);
    text[0] = 'F';
    assert_true(str_eq_c(value_str(&a->default_value), "false"));
    const ConnectSchema *b = must(&spec);
    assert_false(connect_schema_equal(a, b));
    connect_schema_unref(a);
    connect_schema_unref(b);
}

static void refused(const ConnectSchema *spec, const char *part) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    assert_false(connect_schema_new(spec, &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, part));
}

static void test_bad_schemas_are_refused(void **state) {
    (void)state;
    const ConnectSchema *id = connect_schema_plain(CONNECT_INT32, false);
    refused(&(ConnectSchema){.type = CONNECT_STRUCT,
                             .fields =
                                 (ConnectField[]){{STR_LIT("a"), id}, {STR_LIT("b"), id}, {STR_LIT("a"), id}},
                             .field_count = 3},
            "named \"a\"");
    refused(&(ConnectSchema){.type = CONNECT_STRUCT,
                             .fields = (ConnectField[]){{STR_LIT("a"), NULL}},
                             .field_count = 1},
            "no schema");
    refused(&(ConnectSchema){.type = CONNECT_ARRAY}, "items");
    refused(&(ConnectSchema){.type = CONNECT_MAP, .value = id}, "keys");
    refused(&(ConnectSchema){.type = CONNECT_INT32, .has_default = true, .default_value = value_null()},
            "null");
    const ConnectSchema *deep = connect_schema_ref(id);
    for (int i = 1; i < CONNECT_MAX_DEPTH; i++) {
        const ConnectSchema *next = must(&(ConnectSchema){.type = CONNECT_ARRAY, .value = deep});
        connect_schema_unref(deep);
        deep = next;
    }
    refused(&(ConnectSchema){.type = CONNECT_ARRAY, .value = deep}, "nested");
    connect_schema_unref(deep);
    connect_schema_unref(id);
}

static void test_a_schema_takes_little_more_than_what_is_in_it(void **state) {
    (void)state;
    static ConnectField fields[CONNECT_MAX_FIELDS];
    static char names[CONNECT_MAX_FIELDS][16];
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < CONNECT_MAX_FIELDS; i++) {
        (void)snprintf(names[i], sizeof names[i], "column_%d", i);
        fields[i].name = str_from(names[i]);
        fields[i].schema =
            must(&(ConnectSchema){.type = CONNECT_STRING, .name = STR_LIT("io.debezium.data.Xml")});
    }
    const ConnectSchema *s =
        must(&(ConnectSchema){.type = CONNECT_STRUCT, .fields = fields, .field_count = CONNECT_MAX_FIELDS});
    for (size_t i = 0; i < CONNECT_MAX_FIELDS; i++) connect_schema_unref(fields[i].schema);
    size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    if (taken > CONNECT_MAX_FIELDS * 384u) fail_msg("%zu bytes", taken); /* 4 KiB each would be 16 MiB */
    assert_in_range(connect_schema_bytes(s), CONNECT_MAX_FIELDS * 128u, CONNECT_MAX_FIELDS * 384u);
    assert_true(str_eq_c(s->fields[4095].name, "column_4095"));
    assert_true(connect_schema_is(s->fields[7].schema, "io.debezium.data.Xml"));
    connect_schema_unref(s);
}

static void test_a_schema_that_is_there_often_counts_as_often(void **state) {
    (void)state;
    const ConnectSchema *s = connect_schema_plain(CONNECT_INT32, false);
    size_t one = connect_schema_bytes(s);
    for (int i = 1; i < CONNECT_MAX_DEPTH; i++) {
        const ConnectSchema *next = must(&(ConnectSchema){.type = CONNECT_MAP, .key = s, .value = s});
        assert_true(connect_schema_bytes(next) > 2 * connect_schema_bytes(s));
        connect_schema_unref(s);
        s = next;
    }
    assert_true(connect_schema_bytes(s) > one << (CONNECT_MAX_DEPTH - 1));
    connect_schema_unref(s);
}

static void test_values_are_copied_with_all_they_point_to(void **state) {
    (void)state;
    const ConnectSchema *s = row(STR_LIT("price"));
    char bytes[] = "\x04\xC7";
    Value fields[] = {value_int(7), value_bytes(bytes, 2)};
    Value v = {.v = {.p = (const char *)(const void *)fields}, .n = 2};
    CLEANUP(arena_done) Arena a = {0};
    Value copy = connect_value_copy(s, &v, &a);
    assert_true(connect_value_equal(s, &v, &copy));
    bytes[0] = 5;
    assert_false(connect_value_equal(s, &v, &copy));
    bytes[0] = 4;
    fields[0] = value_int(8);
    assert_false(connect_value_equal(s, &v, &copy));
    Value null = value_null();
    assert_false(connect_value_equal(s, &v, &null));
    assert_true(connect_value_equal(s, &null, &null));
    connect_schema_unref(s);
}

static void test_types_have_connects_names(void **state) {
    (void)state;
    ConnectType t = CONNECT_INT8;
    assert_true(connect_type_by_name(STR_LIT("struct"), &t));
    assert_int_equal(t, CONNECT_STRUCT);
    assert_string_equal(connect_type_name(CONNECT_FLOAT32), "float32");
    assert_false(connect_type_by_name(STR_LIT("float"), &t));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_struct_has_what_it_was_built_from),
        cmocka_unit_test(test_equal_schemas_are_equal),
        cmocka_unit_test(test_a_default_is_copied_and_counts),
        cmocka_unit_test(test_bad_schemas_are_refused),
        cmocka_unit_test(test_a_schema_takes_little_more_than_what_is_in_it),
        cmocka_unit_test(test_a_schema_that_is_there_often_counts_as_often),
        cmocka_unit_test(test_values_are_copied_with_all_they_point_to),
        cmocka_unit_test(test_types_have_connects_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
