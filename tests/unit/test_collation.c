#include "standin/types/collation.h"

#include "base/mem.h"
#include "test.h"

static const Collation *named(const char *name) {
    uint16_t i = collation_by_name(str_from(name));
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
    for (size_t i = 0; i < collation_count(); i++) { /* what is found has the same bytes */
        uint8_t again[COLLATION_WIRE_BYTES];
        collation_to_wire(collation_get((uint16_t)i), wire);
        collation_to_wire(collation_get(collation_from_wire(wire)), again);
        assert_memory_equal(wire, again, sizeof wire);
    }
    assert_int_equal(collation_by_name(STR_LIT("Klingon_CI_AS")), COLLATION_NONE);
    assert_int_equal(collation_by_name(STR_LIT("DATABASE_DEFAULT")), 0);
}

static void wire_forms_of_other_collations_are_as_servers_send_them(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint8_t wire[COLLATION_WIRE_BYTES];
    } known[] = {{"Latin1_General_CI_AS", {0x09, 0x04, 0xd0, 0x00, 0x00}},
                 {"Latin1_General_BIN2", {0x09, 0x04, 0x00, 0x02, 0x00}},
                 {"Latin1_General_BIN", {0x09, 0x04, 0x00, 0x01, 0x00}},
                 {"Latin1_General_100_CI_AS_SC_UTF8", {0x09, 0x04, 0xd0, 0x24, 0x00}},
                 {"Japanese_CI_AS", {0x11, 0x04, 0xd0, 0x00, 0x00}},
                 {"Japanese_XJIS_140_CS_AS_KS_WS", {0x11, 0x04, 0x00, 0x30, 0x00}},
                 {"Chinese_PRC_CI_AS", {0x04, 0x08, 0xd0, 0x00, 0x00}},
                 {"SQL_Latin1_General_CP850_BIN2", {0x09, 0x04, 0x00, 0x02, 0x28}}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint8_t wire[COLLATION_WIRE_BYTES];
        collation_to_wire(named(known[i].name), wire);
        assert_memory_equal(wire, known[i].wire, sizeof wire);
    }
}

static void kana_and_width_count_where_the_name_says_so(void **state) {
    (void)state;
    const char *hiragana = "\xe3\x81\x82", *katakana = "\xe3\x82\xa2", *half = "\xef\xbd\xb1";
    assert_int_equal(compare(named("Japanese_CI_AS"), hiragana, katakana), 0);
    assert_int_equal(compare(named("Japanese_CI_AS"), half, katakana), 0);
    assert_int_not_equal(compare(named("Japanese_CI_AS_KS"), hiragana, katakana), 0);
    assert_int_equal(compare(named("Japanese_CI_AS_KS"), half, katakana), 0);
    assert_int_not_equal(compare(named("Japanese_CI_AS_WS"), half, katakana), 0);
    assert_int_equal(compare(named("Latin1_General_CI_AS"), "\xef\xbc\xa1", "a"), 0); /* a wide A */
    assert_int_not_equal(compare(named("Latin1_General_CI_AS_WS"), "\xef\xbc\xa1", "a"), 0);
}

static void letters_of_other_scripts_have_case_and_accents_too(void **state) {
    (void)state;
    assert_int_equal(compare(named("Cyrillic_General_CI_AS"), "\xd0\x96", "\xd0\xb6"), 0);
    assert_int_equal(compare(named("Greek_CI_AI"), "\xce\xac", "\xce\x91"), 0);
    assert_int_not_equal(compare(named("Greek_CI_AS"), "\xce\xac", "\xce\xb1"), 0);
    assert_int_equal(compare(named("Vietnamese_CI_AI"), "\xe1\xba\xa5", "A"), 0);
    assert_int_not_equal(compare(named("Turkish_CI_AS"), "I", "i"), 0);
    assert_int_equal(compare(named("Turkish_CI_AS"), "\xc4\xb0", "i"), 0);
    assert_int_equal(compare(named("Turkish_CI_AS"), "I", "\xc4\xb1"), 0);
}

static void double_byte_pages_count_and_cut_by_bytes(void **state) {
    (void)state;
    const Collation *c = named("Japanese_CI_AS");
    Str text = STR_LIT("a\xe6\x97\xa5\xe6\x9c\xac\xef\xbd\xb1"); /* a, two kanji, half-width katakana */
    CLEANUP(buf_done) Buf bytes = {0};
    CLEANUP(buf_done) Buf back = {0};
    collation_encode(c, text, &bytes);
    assert_string_equal(buf_text(&bytes), "a\x93\xfa\x96\x7b\xb1");
    assert_int_equal(collation_encoded_bytes(c, text), 6);
    collation_decode(c, buf_view(&bytes), &back);
    assert_true(str_eq(buf_view(&back), text));
    assert_int_equal(collation_prefix(c, text, 4).n, 4); /* not half of a kanji */
    assert_int_equal(collation_prefix(c, text, 5).n, 7);
    assert_int_equal(collation_prefix(named("Latin1_General_100_CI_AS_SC_UTF8"), text, 6).n, 4);
}

static void weights_are_equal_and_rising_as_the_order_is(void **state) {
    (void)state;
    const Collation *ci = named("Latin1_General_CI_AS"), *bin = named("Latin1_General_BIN2");
    assert_true(collation_weight(ci, 'a') == collation_weight(ci, 'A'));
    assert_true(collation_weight(ci, 'a') < collation_weight(ci, 0xe9));
    assert_true(collation_weight(ci, 0xe9) < collation_weight(ci, 'f'));
    assert_true(collation_weight(bin, 'a') > collation_weight(bin, 'B'));
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
        cmocka_unit_test(wire_forms_of_other_collations_are_as_servers_send_them),
        cmocka_unit_test(kana_and_width_count_where_the_name_says_so),
        cmocka_unit_test(letters_of_other_scripts_have_case_and_accents_too),
        cmocka_unit_test(double_byte_pages_count_and_cut_by_bytes),
        cmocka_unit_test(weights_are_equal_and_rising_as_the_order_is),
        cmocka_unit_test(code_page_1252_goes_there_and_back),
        cmocka_unit_test(what_a_code_page_lacks_becomes_a_question_mark),
        cmocka_unit_test(folding_maps_upper_and_lower_to_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
