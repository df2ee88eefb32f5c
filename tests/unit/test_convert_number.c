#include "convert_cases.h"

static void numbers_are_read_from_text(void **state) {
    (void)state;
    const Type text = sized(TYPE_NVARCHAR, 60);
    const Case cases[] = {
        {" 42 ", text, INT, "42", -1},
        {"", text, INT, "0", -1},
        {"-2147483648", text, INT, "-2147483648", -1},
        {"2147483648", text, INT, "248", -1},
        {"1.5", text, INT, "245", -1},
        {"abc", text, INT, "245", -1},
        {"256", text, TINYINT, "244", -1},
        {"9223372036854775808", text, BIGINT, "8115", -1},
        {"x", text, BIGINT, "8114", -1},
        {"true", text, BIT, "1", -1},
        {"FALSE", text, BIT, "0", -1},
        {"17", text, BIT, "1", -1},
        {"yes", text, BIT, "245", -1},
        {"12.345", text, dec(10, 2), "12.35", -1},
        {"", text, dec(10, 2), "8114", -1},
        {"123456789.1", text, dec(10, 2), "8115", -1},
        {"1e3", text, FLOAT, "1000", -1},
        {"1e999", text, FLOAT, "8115", -1},
        {"nan", text, FLOAT, "8114", -1},
        {"0x10", text, FLOAT, "8114", -1},
        {"$1,234.56789", text, MONEY, "1234.5679", -1},
        {"-922337203685477.5808", text, MONEY, "-922337203685477.5808", -1},
        {"922337203685477.5808", text, MONEY, "8115", -1},
        {"abc", text, MONEY, "235", -1},
    };
    CHECK(cases);
}

static void numbers_become_other_numbers(void **state) {
    (void)state;
    const Case cases[] = {
        {"300", INT, TINYINT, "220", -1},
        {"70000", INT, SMALLINT, "220", -1},
        {"3000000000", BIGINT, INT, "8115", -1},
        {"7", INT, BIT, "1", -1},
        {"1.99", dec(5, 2), INT, "1", -1},
        {"-1.99", dec(5, 2), INT, "-1", -1},
        {"1.50", MONEY, INT, "2", -1},
        {"-1.50", MONEY, INT, "-2", -1},
        {"1.99e0", FLOAT, INT, "1", -1},
        {"3e9", FLOAT, INT, "232", -1},
        {"3e19", FLOAT, BIGINT, "8115", -1},
        {"123456", INT, dec(5, 0), "8115", -1},
        {"99999999999999999999999999999999999999", dec(38, 0), dec(38, 1), "8115", -1},
        {"12345678901234567890.5", dec(38, 1), dec(38, 0), "12345678901234567891", -1},
        {"0.1", FLOAT, dec(38, 20), "0.10000000000000001000", -1},
        {"1e38", FLOAT, dec(38, 0), "8115", -1},
        {"1e300", FLOAT, REAL, "8115", -1},
        {"16777217", INT, REAL, "1.67772e+007", -1},
        {"1.5", dec(3, 1), MONEY, "1.5000", -1},
        {"1900-01-02 12:00", DATETIME, FLOAT, "1.5", -1},
        {"1900-01-02 12:00", DATETIME, INT, "2", -1},
        {"1.25", FLOAT, DATETIME, "1900-01-02 06:00:00.000", -1},
        {"-1", INT, DATETIME, "1899-12-31 00:00:00.000", -1},
        {"99999999", INT, DATETIME, "8115", -1},
    };
    CHECK(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_from_text),
        cmocka_unit_test(numbers_become_other_numbers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
