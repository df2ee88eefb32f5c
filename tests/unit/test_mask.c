#include "sqlserver/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

#include "sqlserver/source_options.h"

static const Column NAME = {.name = {"Name", 4}, .type = SQLTYPE_NVARCHAR, .length = 100};
static const Column NUMBER = {.name = {"Name", 4}, .type = SQLTYPE_INT};

/* What the one property makes; NULL and e when it is refused. */
static MaskRules *rules_of(const char *key, const char *columns, Err *e) {
    Props *props = props_new();
    props_set(props, "topic.prefix", STR_LIT("p"), "test", 1);
    props_set(props, "database.hostname", STR_LIT("db1"), "test", 2);
    props_set(props, "database.names", STR_LIT("Shop"), "test", 3);
    props_set(props, key, str_from(columns), "test", 4);
    Options *o;
    MaskRules *rules = NULL;
    if (!options_parse(source_options, SOURCE_OPTION_COUNT, props, &o, e)) fail_msg("%s", e->msg);
    if (!mask_rules_new(o, &rules, e)) assert_null(rules);
    options_free(o);
    props_free(props);
    return rules;
}

static const MaskRule *find(const MaskRules *rules, const Column *column) {
    const MaskRule *rule;
    Err e = {0};
    if (!mask_find(rules, STR_LIT("Shop"), STR_LIT("dbo.people"), column, &rule, &e)) fail_msg("%s", e.msg);
    return rule;
}

/* The property applied to one text (NULL = NULL); owned. */
static char *masked(const char *key, const Column *column, const char *text, size_t n) {
    Err e = {0};
    Arena arena = {0};
    MaskRules *rules = rules_of(key, "dbo\\.people\\.name", &e);
    if (!rules) fail_msg("%s", e.msg);
    Masker *m = masker_new(find(rules, column), column);
    Value v = text ? value_bytes(text, (uint32_t)n) : value_null();
    masker_apply(m, &v, 1, 1, &arena);
    char *result = value_is_null(&v) ? NULL : str_dup(value_str(&v));
    masker_free(m);
    mask_rules_free(rules);
    arena_done(&arena);
    return result;
}

static void becomes(const char *key, const Column *column, const char *text, const char *expected) {
    char *got = masked(key, column, text, text ? strlen(text) : 0);
    if (!expected) assert_null(got);
    else assert_string_equal(got, expected);
    free(got);
}

static void a_truncation_counts_utf16_units_and_parts_no_pair(void **state) {
    (void)state;
    static const char key[] = "column.truncate.to.3.chars";
    becomes(key, &NAME, "abcdef", "abc");
    becomes(key, &NAME, "ab", "ab");
    becomes(key, &NAME, "", "");
    becomes(key, &NAME, NULL, NULL);
    becomes(key, &NAME, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", "\xc3\xa4\xc3\xb6\xc3\xbc");
    becomes(key, &NAME, "ab\xf0\x9f\x98\x80", "ab");
    becomes(key, &NAME, "a\xf0\x9f\x98\x80z", "a\xf0\x9f\x98\x80");
    becomes("column.truncate.to.0.chars", &NAME, "abc", "");
}

static void a_mask_is_the_same_for_all_and_fits_the_column(void **state) {
    (void)state;
    const Column narrow = {.name = NAME.name, .type = SQLTYPE_VARCHAR, .length = 4};
    const Column unlimited = {.name = NAME.name, .type = SQLTYPE_NVARCHAR, .length = -1, .is_lob = true};
    becomes("column.mask.with.6.chars", &NAME, "secret that is longer", "******");
    becomes("column.mask.with.6.chars", &NAME, NULL, "******");
    becomes("column.mask.with.6.chars", &narrow, "x", "****");
    becomes("column.mask.with.6.chars", &unlimited, "x", "******");
    becomes("column.mask.with.0.chars", &NAME, "x", "");
}

static void hashes_are_debeziums(void **state) {
    (void)state;
    const Column narrow = {.name = NAME.name, .type = SQLTYPE_NVARCHAR, .length = 12};
    becomes("column.mask.hash.v2.SHA-256.with.salt.salt.1", &NAME, "\xc3\x84rger",
            "dea4db4d1610fbb81fb372afd49848915017f39e981dfed6c66ad8cbd5c009e0");
    becomes("column.mask.hash.v2.SHA-256.with.salt.salt.1", &narrow, "\xc3\x84rger", "dea4db4d1610");
    becomes("column.mask.hash.SHA-256.with.salt.salt.1", &NAME,
            "a\xf0\x9f\x98\x80"
            "b",
            "eabddc34cb3cbe1428b82c3f63011414d8589883114a3342c8c8e8313c4a4420");
    becomes("column.mask.hash.MD5.with.salt.s", &NAME, "x", "9ba30586108161dff3c7394dac3f39c3");
    becomes("column.mask.hash.MD5.with.salt.s", &NAME, NULL, NULL);
}

static void columns_are_named_with_or_without_the_database(void **state) {
    (void)state;
    Err e = {0};
    MaskRules *rules = rules_of("column.truncate.to.3.chars", "other,Shop\\.dbo\\.people\\..*", &e);
    assert_string_equal(mask_rule_name(find(rules, &NAME)), "column.truncate.to.3.chars");
    assert_null(find(rules, &NUMBER)); /* not text: stays whole */
    mask_rules_free(rules);
    assert_null(find(NULL, &NAME));
}

/* Topics hold any text, and Debezium looks at no length. */
static void into_topics_a_mask_has_all_its_asterisks(void **state) {
    (void)state;
    const Column narrow = {.name = NAME.name, .type = SQLTYPE_VARCHAR, .length = 4};
    Err e = {0};
    Arena arena = {0};
    MaskRules *rules = rules_of("column.mask.with.6.chars", "dbo\\.people\\.name", &e);
    mask_rules_set_uncut(rules);
    Masker *m = masker_new(find(rules, &narrow), &narrow);
    Value v = value_bytes("x", 1);
    masker_apply(m, &v, 1, 1, &arena);
    assert_true(str_eq_c(value_str(&v), "******"));
    masker_free(m);
    mask_rules_free(rules);
    arena_done(&arena);
    mask_rules_set_uncut(NULL);
}

static Column marked(const char *key, Column column) {
    Err e = {0};
    MaskRules *rules = rules_of(key, "dbo\\.people\\.name", &e);
    mask_mark(rules, STR_LIT("Shop"), STR_LIT("dbo.people"), &column);
    mask_rules_free(rules);
    return column;
}

static void what_becomes_of_a_column_is_told_in_it(void **state) {
    (void)state;
    Column c = marked("column.mask.with.6.chars", NAME);
    assert_true(c.is_masked && !c.is_cut);
    c = marked("column.mask.hash.v2.MD5.with.salt.s", NAME);
    assert_true(c.is_masked && !c.is_cut);
    c = marked("column.truncate.to.3.chars", NUMBER); /* Debezium looks at no type */
    assert_true(!c.is_masked && c.is_cut && c.cut_chars == 3);
    Column other = NAME;
    other.name = STR_LIT("other");
    c = marked("column.truncate.to.3.chars", other);
    assert_false(c.is_masked || c.is_cut);
    mask_mark(NULL, STR_LIT("Shop"), STR_LIT("dbo.people"), &c);
}

static void a_mask_on_what_is_not_text_is_refused(void **state) {
    (void)state;
    Err e = {0};
    const MaskRule *rule;
    MaskRules *rules = rules_of("column.mask.hash.v2.MD5.with.salt.PEPPER", "dbo.people.name", &e);
    assert_false(mask_find(rules, STR_LIT("Shop"), STR_LIT("dbo.people"), &NUMBER, &rule, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "dbo.people.Name"));
    assert_null(strstr(e.msg, "PEPPER"));
    mask_rules_free(rules);
}

static void what_is_no_rule_is_refused_without_its_salt(void **state) {
    (void)state;
    static const char *const bad[] = {
        "column.truncate.to.x.chars", "column.mask.with.5.char", "column.mask.with.70000.chars",
        "column.mask.hash.v2.NOPE.with.salt.PEPPER", "column.mask.hash.MD5.PEPPER"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Err e = {0};
        assert_null(rules_of(bad[i], "dbo.people.name", &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_null(strstr(e.msg, "PEPPER"));
    }
    Err e = {0};
    assert_null(rules_of("column.mask.hash.v2.MD5.with.salt.PEPPER", "(", &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_null(strstr(e.msg, "PEPPER"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncation_counts_utf16_units_and_parts_no_pair),
        cmocka_unit_test(a_mask_is_the_same_for_all_and_fits_the_column),
        cmocka_unit_test(hashes_are_debeziums),
        cmocka_unit_test(columns_are_named_with_or_without_the_database),
        cmocka_unit_test(into_topics_a_mask_has_all_its_asterisks),
        cmocka_unit_test(what_becomes_of_a_column_is_told_in_it),
        cmocka_unit_test(a_mask_on_what_is_not_text_is_refused),
        cmocka_unit_test(what_is_no_rule_is_refused_without_its_salt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
