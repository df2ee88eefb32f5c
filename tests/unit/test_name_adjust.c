/* Names: what Avro takes, what a topic takes, as Debezium makes them. */
#include "test.h"

#include <string.h>

#include "convert/name_adjust.h"

static void expect(Str got, const char *want) {
    Arena a = {0};
    assert_string_equal(arena_str(&a, got).p, want);
    arena_done(&a);
}

static void none_leaves_a_name_as_it_is(void **state) {
    (void)state;
    Arena a = {0};
    expect(name_adjust_schema(NAME_ADJUST_NONE, STR_LIT("a b.1#"), &a), "a b.1#");
    arena_done(&a);
}

static void avro_writes_an_underscore(void **state) {
    (void)state;
    Arena a = {0};
    expect(name_adjust_schema(NAME_ADJUST_AVRO, STR_LIT("my-shop.dbo.Order Lines.Value"), &a),
           "my_shop.dbo.Order_Lines.Value");
    expect(name_adjust_schema(NAME_ADJUST_AVRO, STR_LIT("1a"), &a), "_1a");
    expect(name_adjust_field(NAME_ADJUST_AVRO, STR_LIT("a.b"), &a), "a_b");
    expect(name_adjust_field(NAME_ADJUST_AVRO, STR_LIT("Größe"), &a), "Gr__e");
    arena_done(&a);
}

static void avro_unicode_writes_the_code(void **state) {
    (void)state;
    Arena a = {0};
    expect(name_adjust_schema(NAME_ADJUST_AVRO_UNICODE, STR_LIT("Order_Lines"), &a), "Order_u005fLines");
    expect(name_adjust_field(NAME_ADJUST_AVRO_UNICODE, STR_LIT("1 é€"), &a), "_u0031_u0020_u00e9_u20ac");
    expect(name_adjust_field(NAME_ADJUST_AVRO_UNICODE, STR_LIT("😀"), &a), "_ud83d_ude00");
    arena_done(&a);
}

static void a_topic_has_few_characters_and_249_of_them(void **state) {
    (void)state;
    Arena a = {0};
    char longer[300];
    memset(longer, 'x', sizeof longer);
    expect(name_adjust_topic(STR_LIT("p.Shop.dbo.Order Lines-é"), &a), "p.Shop.dbo.Order_Lines-_");
    expect(name_adjust_topic(STR_LIT(".."), &a), "__");
    assert_int_equal(name_adjust_topic((Str){longer, sizeof longer}, &a).n, 249);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_leaves_a_name_as_it_is),
        cmocka_unit_test(avro_writes_an_underscore),
        cmocka_unit_test(avro_unicode_writes_the_code),
        cmocka_unit_test(a_topic_has_few_characters_and_249_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
