#include "convert_cases.h"

static void values_become_binary(void **state) {
    (void)state;
    const Type bytes = sized(TYPE_VARBINARY, 30);
    const Case cases[] = {
        {"258", INT, bytes, "0x00000102", -1},
        {"258", INT, sized(TYPE_BINARY, 2), "0x0102", -1},
        {"258", INT, sized(TYPE_BINARY, 6), "0x000000000102", -1},
        {"-1", BIGINT, bytes, "0xFFFFFFFFFFFFFFFF", -1},
        {"1", BIT, bytes, "0x01", -1},
        {"1.50", dec(5, 2), bytes, "0x0502000196000000", -1},
        {"1", MONEY, bytes, "0x0000000000002710", -1},
        {"1", FLOAT, bytes, "0x3FF0000000000000", -1},
        {"1", REAL, bytes, "0x3F800000", -1},
        {"1900-01-02 00:00:01", DATETIME, bytes, "0x000000010000012C", -1},
        {"0001-01-02", DATE, bytes, "0x010000", -1},
        {"00:00:01", scaled(TYPE_TIME, 0), bytes, "0x00010000", -1},
        {"6F9619FF-8B86-D011-B42D-00C04FC964FF", GUID, bytes, "0xFF19966F868B11D0B42D00C04FC964FF", -1},
        {"AB", sized(TYPE_VARCHAR, 5), bytes, "0x4142", -1},
        {"AB", sized(TYPE_NVARCHAR, 5), bytes, "0x41004200", -1},
        {"0x0AfF", sized(TYPE_VARCHAR, 9), bytes, "0x0AFF", 1},
        {"0AfF", sized(TYPE_VARCHAR, 9), bytes, "0x0AFF", 2},
        {"0AfF", sized(TYPE_VARCHAR, 9), bytes, "8114", 1},
        {"0af", sized(TYPE_VARCHAR, 9), bytes, "8114", 2},
        {"AB", sized(TYPE_VARCHAR, 5), sized(TYPE_BINARY, 4), "0x41420000", -1},
        {"0x01020304", bytes, sized(TYPE_VARBINARY, 2), "0x0102", -1},
        {"0x0102", bytes, INT, "258", -1},
        {"0xFFFFFFFF", bytes, INT, "-1", -1},
        {"0x0502000196000000", bytes, dec(5, 2), "1.50", -1},
        {"0xFF19966F868B11D0B42D00C04FC964FF", bytes, GUID, "6F9619FF-8B86-D011-B42D-00C04FC964FF", -1},
        {"0x000000010000012C", bytes, DATETIME, "1900-01-02 00:00:01.000", -1},
    };
    CHECK(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_binary),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
