#include "standin/types/variant.h"

#include <stdio.h>

#include "base/mem.h"
#include "standin/types/collation.h"
#include "standin/types/convert.h"
#include "test.h"

static Arena arena;

static const Type TEXT = {.id = TYPE_NVARCHAR, .length = 100};

/* text, converted to t, as a variant */
static Value variant(const char *text, Type t) {
    ConvertError e;
    Value v;
    Convert c = {.from = TEXT, .to = t, .style = CONVERT_STYLE_DEFAULT};
    if (!convert_value(&c, VALUE_OF_TEXT(str_from(text)), &arena, &v, &e)) fail_msg("%s: %s", text, e.text);
    return variant_pack(&t, v, &arena);
}

static Value of(const char *text, TypeId id) {
    return variant(text,
                   (Type){.id = id, .length = 20, .precision = 18, .scale = id == TYPE_DECIMAL ? 4 : 0});
}

/* The keys must be equal where the values are. */
static int compare(Value a, Value b) {
    CLEANUP(buf_done) Buf x = {0};
    CLEANUP(buf_done) Buf y = {0};
    int c = variant_compare(a.v.s, b.v.s);
    variant_key(a.v.s, &x);
    variant_key(b.v.s, &y);
    assert_int_equal(c == 0, str_eq(buf_view(&x), buf_view(&y)));
    return (c > 0) - (c < 0);
}

static void a_value_comes_out_as_it_went_in(void **state) {
    (void)state;
    Type t = {.id = TYPE_DECIMAL, .precision = 38, .scale = 10}, base;
    Value v;
    assert_true(variant_unpack(variant("-1234567890123456789.5", t), &base, &v));
    assert_int_equal(base.id, TYPE_DECIMAL);
    assert_int_equal(base.precision, 38);
    assert_int_equal(base.scale, 10);
    CLEANUP(buf_done) Buf text = {0};
    ConvertError e;
    assert_true(convert_to_text(&base, v, CONVERT_STYLE_DEFAULT, &text, &e));
    assert_string_equal(buf_text(&text), "-1234567890123456789.5000000000");
    assert_int_equal(variant_pack(&TEXT, (Value){0}, &arena).kind, VALUE_NULL);
    assert_false(variant_unpack(VALUE_OF_TEXT(STR_LIT("short")), &base, &v));
}

static void families_rise_as_the_manual_says(void **state) {
    (void)state;
    const Value rising[] = {of("FF9619FF-8B86-D011-B42D-00C04FC964FF", TYPE_UNIQUEIDENTIFIER),
                            of("z", TYPE_VARBINARY),
                            of("zzz", TYPE_VARCHAR),
                            of("-5", TYPE_BIGINT),
                            of("-1e300", TYPE_FLOAT),
                            of("0001-01-01", TYPE_DATE)};
    for (size_t i = 0; i + 1 < sizeof rising / sizeof *rising; i++)
        assert_int_equal(compare(rising[i], rising[i + 1]), -1);
}

static void within_a_family_values_are_compared_whatever_their_types(void **state) {
    (void)state;
    assert_int_equal(compare(of("5", TYPE_TINYINT), of("5.0000", TYPE_DECIMAL)), 0);
    assert_int_equal(compare(of("5", TYPE_BIGINT), of("5.5", TYPE_MONEY)), -1);
    assert_int_equal(compare(of("1.5", TYPE_REAL), of("1.5", TYPE_FLOAT)), 0);
    assert_int_equal(compare(of("abc", TYPE_VARCHAR), of("ABC ", TYPE_NCHAR)), 0);
    assert_int_equal(compare(of("2026-01-02", TYPE_DATE), of("2026-01-02 00:00", TYPE_DATETIME)), 0);
    assert_int_equal(compare(of("2026-01-02 02:00 +02:00", TYPE_DATETIMEOFFSET), of("2026-01-02", TYPE_DATE)),
                     0);
}

static void texts_of_two_collations_are_never_equal(void **state) {
    (void)state;
    Type ci = {
        .id = TYPE_VARCHAR, .length = 5, .collation = collation_by_name(STR_LIT("Latin1_General_CI_AS"))};
    Type cs = {
        .id = TYPE_VARCHAR, .length = 5, .collation = collation_by_name(STR_LIT("Latin1_General_CS_AS"))};
    assert_int_not_equal(compare(variant("a", ci), variant("a", cs)), 0);
    assert_int_equal(compare(variant("a", ci), variant("A", ci)), 0);
    assert_int_not_equal(compare(variant("a", cs), variant("A", cs)), 0);
}

static const char *property(Value v, const char *name) {
    static char text[130];
    Type t;
    ConvertError e;
    Value x = variant_property(v, str_from(name), &arena);
    if (x.kind == VALUE_NULL) return "NULL";
    assert_true(variant_unpack(x, &t, &x));
    CLEANUP(buf_done) Buf out = {0};
    assert_true(convert_to_text(&t, x, CONVERT_STYLE_DEFAULT, &out, &e));
    (void)snprintf(text, sizeof text, "%s", buf_text(&out));
    return text;
}

static void properties_are_the_base_types(void **state) {
    (void)state;
    Value v = variant("46279.1", (Type){.id = TYPE_DECIMAL, .precision = 8, .scale = 2});
    assert_string_equal(property(v, "BaseType"), "decimal");
    assert_string_equal(property(v, "precision"), "8");
    assert_string_equal(property(v, "Scale"), "2");
    assert_string_equal(property(v, "MaxLength"), "5");
    assert_string_equal(property(v, "Collation"), "NULL");
    assert_string_equal(property(v, "Colour"), "NULL");
    v = of("abc", TYPE_NVARCHAR);
    assert_string_equal(property(v, "BaseType"), "nvarchar");
    assert_string_equal(property(v, "MaxLength"), "40");
    assert_string_equal(property(v, "TotalBytes"), "14");
    assert_string_equal(property(v, "Collation"), "SQL_Latin1_General_CP1_CI_AS");
    assert_string_equal(property((Value){0}, "BaseType"), "NULL");
}

static void what_a_variant_cannot_hold_is_known(void **state) {
    (void)state;
    static const TypeId out[] = {TYPE_TEXT,       TYPE_NTEXT,    TYPE_IMAGE,       TYPE_XML,
                                 TYPE_ROWVERSION, TYPE_GEOMETRY, TYPE_HIERARCHYID, TYPE_SQL_VARIANT};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) assert_false(variant_holds(&(Type){.id = out[i]}));
    assert_false(variant_holds(&(Type){.id = TYPE_VARCHAR, .length = TYPE_MAX_LENGTH}));
    assert_true(variant_holds(&(Type){.id = TYPE_DATETIMEOFFSET, .scale = 7}));
}

static int done(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_comes_out_as_it_went_in),
        cmocka_unit_test(families_rise_as_the_manual_says),
        cmocka_unit_test(within_a_family_values_are_compared_whatever_their_types),
        cmocka_unit_test(texts_of_two_collations_are_never_equal),
        cmocka_unit_test(properties_are_the_base_types),
        cmocka_unit_test(what_a_variant_cannot_hold_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
