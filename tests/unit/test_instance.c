#include "shop.h"
#include "standin/capture/instance.h"

static InstanceSet load(Session *s, bool sees_own) {
    SqlError e = {0};
    InstanceSet set;
    CatalogPin pin;
    catalog_pin(session_catalog(s), &pin);
    const Database *d = catalog_database(session_catalog(s), STR_LIT("shop"));
    bool ok =
        instance_load(session_db(s), sees_own ? session_txn(s) : NULL, session_catalog(s), d->id, &set, &e);
    catalog_unpin(session_catalog(s), &pin);
    if (!ok) fail_msg("%s", e.text);
    return set;
}

static void an_instance_is_read_with_columns_and_key(void **state) {
    (void)state;
    InstanceSet set = load(sa->session, false);
    assert_int_equal(set.count, 1);
    const Instance *it = instance_by_name(&set, STR_LIT("DBO_ITEM"));
    assert_ptr_equal(it, &set.items[0]);
    assert_int_equal(it->column_count, 3);
    assert_true(str_eq_c(it->columns[1].name, "name"));
    assert_int_equal(it->columns[1].column_id, 2);
    assert_int_equal(it->key_count, 1);
    assert_true(it->has_start && !it->has_role && it->supports_net_changes);
    assert_null(instance_by_name(&set, STR_LIT("nix")));
    instance_done(&set);
}

static void what_a_transaction_has_made_only_it_sees(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN; EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'second', @role_name = NULL");
    InstanceSet own = load(sa->session, true), committed = load(sa->session, false);
    assert_int_equal(own.count, 2);
    assert_int_equal(committed.count, 1);
    instance_done(&own);
    instance_done(&committed);
    run(sa, "ROLLBACK");
}

static void a_database_without_cdc_has_none(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_disable_db");
    InstanceSet set = load(sa->session, true);
    assert_int_equal(set.count, 0);
    instance_done(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(an_instance_is_read_with_columns_and_key),
        IN_CAPTURED_SHOP(what_a_transaction_has_made_only_it_sees),
        IN_CAPTURED_SHOP(a_database_without_cdc_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
