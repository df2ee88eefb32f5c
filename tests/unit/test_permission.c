#include "standin/store/permission.h"
#include "test.h"

static void names_are_found_in_any_case(void **state) {
    (void)state;
    assert_int_equal(permission_by_name(STR_LIT("view definition"), false)->bit, PERMISSION_VIEW_DEFINITION);
    assert_int_equal(permission_by_name(STR_LIT("EXEC"), false)->bit, PERMISSION_EXECUTE);
    assert_int_equal(permission_by_name(STR_LIT("Control Server"), true)->bit, PERMISSION_CONTROL_SERVER);
    assert_null(permission_by_name(STR_LIT("CONTROL SERVER"), false));
    assert_string_equal(permission_name_of(PERMISSION_UPDATE), "UPDATE");
}

static void each_name_has_a_bit_and_a_code_of_its_own(void **state) {
    (void)state;
    for (int is_server = 0; is_server < 2; is_server++) {
        size_t at = 0;
        uint32_t seen = 0;
        for (const PermissionName *p; (p = permission_next(is_server, &at));) {
            assert_int_equal(seen & p->bit, 0);
            assert_int_equal(str_from(p->type).n, 4);
            seen |= p->bit;
        }
    }
}

static void some_cover_others(void **state) {
    (void)state;
    assert_int_equal(permission_closure(PERMISSION_CONTROL), UINT32_MAX);
    assert_true(permission_closure(PERMISSION_VIEW_DATABASE_STATE) &
                PERMISSION_VIEW_DATABASE_PERFORMANCE_STATE);
    assert_true(permission_server_closure(PERMISSION_ALTER_SERVER_STATE) &
                PERMISSION_VIEW_SERVER_SECURITY_STATE);
    assert_false(permission_server_closure(PERMISSION_VIEW_SERVER_STATE) & PERMISSION_ALTER_SERVER_STATE);
}

static void fixed_roles_have_their_ids(void **state) {
    (void)state;
    assert_int_equal(permission_role(STR_LIT("sysadmin"))->id, 3);
    assert_int_equal(permission_role(STR_LIT("DBCREATOR"))->id, 9);
    assert_null(permission_role(STR_LIT("db_owner")));
    uint8_t room[PERMISSION_SID_BYTES];
    assert_int_equal(permission_sid("sa", room).n, 1);
    assert_int_equal(permission_sid("joe", room).n, PERMISSION_SID_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_any_case),
        cmocka_unit_test(each_name_has_a_bit_and_a_code_of_its_own),
        cmocka_unit_test(some_cover_others),
        cmocka_unit_test(fixed_roles_have_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
