#include "standin/types/collation_table.h"

#include <string.h>

#include "standin/types/codepage.h"
#include "test.h"

static const Collation *named(const char *name) {
    for (size_t i = 0; i < collationtable_count(); i++)
        if (strcmp(collationtable_get(i)->name, name) == 0) return collationtable_get(i);
    fail_msg("no collation %s", name);
    return NULL;
}

static void the_first_is_the_servers_own(void **state) {
    (void)state;
    assert_string_equal(collationtable_get(0)->name, "SQL_Latin1_General_CP1_CI_AS");
    assert_int_equal(collationtable_get(0)->sort_id, 52);
}

static void a_name_says_how_its_collation_compares(void **state) {
    (void)state;
    const Collation *c = named("Japanese_CI_AS_KS_WS");
    assert_false(c->is_case_sensitive);
    assert_true(c->is_accent_sensitive && c->is_kana_sensitive && c->is_width_sensitive);
    assert_int_equal(c->code_page, 932);
    assert_int_equal(c->lcid, 0x411);
    c = named("Latin1_General_100_CI_AI_SC_UTF8");
    assert_true(c->is_utf8 && c->has_supplementary && !c->is_accent_sensitive);
    assert_int_equal(c->version, 2);
    c = named("Latin1_General_BIN");
    assert_true(c->is_binary && c->is_old_binary && c->is_case_sensitive);
    c = named("SQL_Latin1_General_CP850_BIN2");
    assert_true(c->is_binary && !c->is_old_binary);
    assert_int_equal(c->sort_id, 40);
}

static void names_are_unique_and_their_pages_exist(void **state) {
    (void)state;
    assert_true(collationtable_count() < COLLATION_NONE);
    for (size_t i = 0; i < collationtable_count(); i++) {
        const Collation *c = collationtable_get(i);
        if (!c->is_utf8) assert_non_null(codepage_get(c->code_page));
        for (size_t k = i + 1; k < collationtable_count(); k++)
            assert_string_not_equal(c->name, collationtable_get(k)->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_the_servers_own),
        cmocka_unit_test(a_name_says_how_its_collation_compares),
        cmocka_unit_test(names_are_unique_and_their_pages_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
