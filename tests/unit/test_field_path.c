/* Field paths of both syntaxes. */
#include "test.h"

#include <string.h>

#include "record_json.h"
#include "transform/field_path.h"

static void steps(const char *text, bool is_v2, size_t count, const char *const *want) {
    FieldPath p = {0};
    Err e = {0};
    if (!field_path_parse(text, is_v2, &p, &e)) fail_msg("%s", e.msg);
    assert_int_equal(p.steps.count, count);
    for (size_t i = 0; i < count; i++) assert_string_equal(p.steps.items[i], want[i]);
    field_path_done(&p);
}

static void test_steps(void **state) {
    (void)state;
    steps("a.b", false, 1, (const char *const[]){"a.b"});
    steps("a.b.c", true, 3, (const char *const[]){"a", "b", "c"});
    steps("`a.b`.c", true, 2, (const char *const[]){"a.b", "c"});
    steps("a.`b`c`", true, 2, (const char *const[]){"a", "b`c"});
    steps("`a\\`.b`.c", true, 2, (const char *const[]){"a`.b", "c"});
    steps("a.", true, 2, (const char *const[]){"a", ""});
    steps("", true, 1, (const char *const[]){""});
}

static void test_a_backtick_without_its_pair(void **state) {
    (void)state;
    static const char *const bad[] = {"`a", "a.`b", "`a\\`"};
    for (size_t i = 0; i < 3; i++) {
        FieldPath p = {0};
        Err e = {0};
        assert_false(field_path_parse(bad[i], true, &p, &e));
        assert_non_null(strstr(e.msg, "backtick"));
        field_path_done(&p);
    }
}

static void test_finding(void **state) {
    (void)state;
    json_t *j = json_of("{'t':'struct','f':[['x','int8'],['a',{'t':'struct','f':[['b','int32']]}]]}");
    const ConnectSchema *s = schema_from_json(j);
    FieldPath p = {0}, q = {0};
    Err e = {0};
    int way[2] = {-1, -1};
    assert_true(field_path_parse("a.b", true, &p, &e) && field_path_parse("x.b", true, &q, &e));
    const ConnectSchema *found = field_path_find(&p, s, way);
    assert_int_equal(found->type, CONNECT_INT32);
    assert_int_equal(way[0], 1);
    assert_int_equal(way[1], 0);
    assert_null(field_path_find(&q, s, way));
    field_path_done(&p);
    field_path_done(&q);
    connect_schema_unref(s);
    json_decref(j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_a_backtick_without_its_pair),
        cmocka_unit_test(test_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
