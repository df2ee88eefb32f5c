#include "standin/types/collation.h"

#include "base/mem.h"
#include "test.h"

static const Collation *named(const char *name) {
    uint8_t i = collation_by_name(str_from(name));
    assert_int_not_equal(i, COLLATION_NONE);
    return collation_get(i);
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

/* compare and key must agree; returns the sign. */
static int compare(const Collation *c, const char *a, const char *b) {
    CLEANUP(buf_done) Buf ka = {0};
    CLEANUP(buf_done) Buf kb = {0};
    collation_key(c, str_from(a), &ka);
    collation_key(c, str_from(b), &kb);
    int by_key = str_cmp(buf_view(&ka), buf_view(&kb)),
        by_text = collation_compare(c, str_from(a), str_from(b));
    if (sign(by_key) != sign(by_text))
        fail_msg("key and compare differ for '%s' and '%s' under %s", a, b, c->name);
    return sign(by_text);
}

static void the_default_ignores_case_and_trailing_blanks_but_not_accents(void **state) {
    (void)state;
    const Collation *c = collation_get(COLLATION_DEFAULT);
    assert_string_equal(c->name, "SQL_Latin1_General_CP1_CI_AS");
    assert_int_equal(compare(c, "abc", "ABC"), 0);
    assert_int_equal(compare(c, "abc", "abc   "), 0);
    assert_int_equal(compare(c, "\xc3\xa9t\xc3\xa9", "\xc3\x89T\xc3\x89"), 0);
    assert_int_equal(compare(c, "resume", "r\xc3\xa9sum\xc3\xa9"), -1);
    assert_int_equal(compare(c, "\xd0\xb4", "\xd0\x94"), 0); /* Cyrillic */
    assert_int_equal(compare(c, "", "  "), 0);
}

static void sensitivities_are_those_of_the_name(void **state) {
    (void)state;
    assert_int_equal(compare(named("Latin1_General_CS_AS"), "a", "A"), -1);
    assert_int_equal(compare(named("Latin1_General_CS_AS"), "a", "a "), 0);
    assert_int_equal(compare(named("Latin1_General_CI_AI"), "r\xc3\xa9sum\xc3\xa9", "RESUME"), 0);
    assert_int_equal(compare(named("Latin1_General_BIN2"), "a", "B"), 1);
    assert_int_equal(compare(named("Latin1_General_BIN2"), "a  ", "a"), 0);
    assert_int_equal(compare(named("latin1_general_100_ci_as_sc_utf8"), "a", "A"), 0);
}

static void base_letters_decide_before_accents_before_case(void **state) {
    (void)state;
    const Collation *c = named("Latin1_General_CS_AS");
    static const char *const rising[] = {"",
                                         "_",
                                         "-",
                                         "(1)",
                                         "0",
                                         "10",
                                         "2",
                                         "a",
                                         "A",
                                         "\xc3\xa1",
                                         "ab",
                                         "Ab",
                                         "\xc3\xa1"
                                         "b",
                                         "\xc3\xa6",
                                         "b",
                                         "z",
                                         "\xce\xb1"};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        for (size_t k = 0; k < sizeof rising / sizeof *rising; k++) {
            int want = sign((int)i - (int)k), got = compare(c, rising[i], rising[k]);
            if (want != got) fail_msg("'%s' against '%s': %d, not %d", rising[i], rising[k], got, want);
        }
    }
}

static void wire_form_of_the_default_is_the_known_one(void **state) {
    (void)state;
    static const uint8_t known[] = {0x09, 0x04, 0xd0, 0x00, 0x34};
    uint8_t wire[COLLATION_WIRE_BYTES];
    collation_to_wire(collation_get(0), wire);
    assert_memory_equal(wire, known, sizeof known);
    for (size_t i = 0; i < collation_count(); i++) {
        collation_to_wire(collation_get((uint8_t)i), wire);
        assert_int_equal(collation_from_wire(wire), i);
    }
    assert_int_equal(collation_by_name(STR_LIT("Klingon_CI_AS")), COLLATION_NONE);
    assert_int_equal(collation_by_name(STR_LIT("DATABASE_DEFAULT")), 0);
}

static void code_page_1252_goes_there_and_back(void **state) {
    (void)state;
    const Collation *c = collation_get(0);
    CLEANUP(buf_done) Buf all = {0};
    CLEANUP(buf_done) Buf text = {0};
    CLEANUP(buf_done) Buf back = {0};
    for (unsigned i = 0; i < 256; i++) buf_u8(&all, (uint8_t)i);
    collation_decode(c, buf_view(&all), &text);
    collation_encode(c, buf_view(&text), &back);
    assert_int_equal(back.n, 256);
    assert_memory_equal(back.p, all.p, 256);
    assert_int_equal(collation_encoded_bytes(c, buf_view(&text)), 256);
}

static void what_a_code_page_lacks_becomes_a_question_mark(void **state) {
    (void)state;
    const Collation *c = collation_get(0);
    CLEANUP(buf_done) Buf out = {0};
    collation_encode(c,
                     STR_LIT("\xe2\x82\xac"
                             "1 \xd0\x96 \xc4\x80 \xf0\x9f\x98\x80"),
                     &out);
    assert_string_equal(buf_text(&out), "\x80"
                                        "1 ? A ??");
    buf_clear(&out);
    collation_encode(named("Latin1_General_100_CI_AS_SC_UTF8"), STR_LIT("\xd0\x96"), &out);
    assert_string_equal(buf_text(&out), "\xd0\x96");
}

static void folding_maps_upper_and_lower_to_each_other(void **state) {
    (void)state;
    static const struct {
        uint32_t upper, lower;
    } pairs[] = {{'A', 'a'},     {0xc4, 0xe4},   {0x178, 0xff},  {0x160, 0x161}, {0x13d, 0x13e},
                 {0x391, 0x3b1}, {0x416, 0x436}, {0x401, 0x451}, {0x531, 0x561}, {0xff21, 0xff41}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_int_equal(collation_lower(pairs[i].upper), pairs[i].lower);
        assert_int_equal(collation_upper(pairs[i].lower), pairs[i].upper);
        assert_int_equal(collation_lower(pairs[i].lower), pairs[i].lower);
        assert_int_equal(collation_upper(pairs[i].upper), pairs[i].upper);
    }
    assert_int_equal(collation_lower(0xd7), 0xd7);
    assert_int_equal(collation_upper(0xf7), 0xf7);
    assert_int_equal(collation_upper(0xdf), 0xdf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_ignores_case_and_trailing_blanks_but_not_accents),
        cmocka_unit_test(sensitivities_are_those_of_the_name),
        cmocka_unit_test(base_letters_decide_before_accents_before_case),
        cmocka_unit_test(wire_form_of_the_default_is_the_known_one),
        cmocka_unit_test(code_page_1252_goes_there_and_back),
        cmocka_unit_test(what_a_code_page_lacks_becomes_a_question_mark),
        cmocka_unit_test(folding_maps_upper_and_lower_to_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
