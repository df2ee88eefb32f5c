#include "convert/avro_name.h"

#include "test.h"

static void letters_of_any_script_are_taken(void **state) {
    (void)state;
    static const char *const names[] = {"a",     "_",  "Z9_", "__debezium", "Größe", "顧客", "ΑΦΜ",
                                        "Заказ", "ªº", "ﬀ",   "가",         "x٣",    "ﾞ",    "שם"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!avro_name_is_valid(str_from(names[i]))) fail_msg("refused: %s", names[i]);
}

static void what_java_refuses_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {
        "",
        "[line no]",
        "2nd",
        "a b",
        "a.b",
        "a-b",
        "a$",
        "a@",
        "a[",
        "a`",
        "a{",
        "\xd9\xa3x",        /* a digit first: ARABIC-INDIC DIGIT THREE */
        "Nr\xe2\x84\x96",   /* NUMERO SIGN, a symbol */
        "e\xcc\x81",        /* an accent of its own is a mark */
        "a\xc2\xa0",        /* NO-BREAK SPACE */
        "a\xc2\xb2",        /* SUPERSCRIPT TWO, a number but no digit */
        "\xf0\x9d\x92\x9c", /* a letter, beyond U+FFFF */
        "\xf0\xa0\x80\x80", /* likewise */
        "\xff",
        "a\xc3",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (avro_name_is_valid(str_from(names[i]))) fail_msg("taken: %s", names[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_any_script_are_taken),
        cmocka_unit_test(what_java_refuses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
