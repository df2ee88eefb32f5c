/* Instances are read again when, and only when, the tables that they are read from were changed. Scans are
 * made by hand, so nothing here depends on time. */
#include "standin/capture/instance_cache.h"

#include "shop.h"

#include "standin/store/store.h"

static struct sqlite3 *db;
static InstanceCache *cache;

static int open_database(void **state) {
    Err e;
    (void)shop_open(state);
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, name nvarchar(40))");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL");
    db = store_connect(server_store(engine.server), &e);
    assert_non_null(db);
    cache = instance_cache_new(db);
    return 0;
}

static int close_database(void **state) {
    cache = instance_cache_free(cache);
    store_disconnect(db);
    return sa_close(state);
}

/* As the scan gets them. */
static const InstanceSet *get(void) {
    SqlError e = {0};
    CatalogPin pin;
    const InstanceSet *set = NULL;
    Catalog *catalog = server_catalog(engine.server);
    store_write_lock(server_store(engine.server));
    catalog_pin(catalog, &pin);
    const Database *d = catalog_database(catalog, STR_LIT("shop"));
    bool ok = d && instance_cache_get(cache, catalog, d->id, &set, &e);
    catalog_unpin(catalog, &pin);
    store_write_unlock(server_store(engine.server));
    if (!ok) fail_msg("%s", e.text);
    return set;
}

static void they_are_kept_while_other_tables_change(void **state) {
    (void)state;
    assert_int_equal(get()->count, 1);
    uint64_t reads = instance_cache_reads(cache);
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a')");
    run(sa, "BEGIN TRAN; INSERT INTO dbo.item VALUES(2, N'b'); COMMIT");
    assert_int_equal(get()->count, 1);
    assert_int_equal(instance_cache_reads(cache), reads);
}

static void a_new_one_is_seen_and_its_beginning(void **state) {
    (void)state;
    (void)get();
    run(sa, "CREATE TABLE dbo.later(id int NOT NULL PRIMARY KEY)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'later', @role_name = NULL");
    assert_int_equal(get()->count, 2);
    assert_false(get()->items[1].has_start);
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_true(get()->items[1].has_start);
}

static void what_is_changed_in_a_transaction_counts_from_its_commit(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_scan");
    (void)get();
    run(sa, "BEGIN TRAN; UPDATE cdc.change_tables SET has_drop_pending = 1");
    assert_false(get()->items[0].has_drop_pending);
    run(sa, "COMMIT");
    assert_true(get()->items[0].has_drop_pending);
    run(sa, "UPDATE cdc.change_tables SET has_drop_pending = 0");
    assert_false(get()->items[0].has_drop_pending);
}

static void a_dropped_one_goes(void **state) {
    (void)state;
    assert_int_equal(get()->count, 1);
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'all'");
    assert_int_equal(get()->count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_kept_while_other_tables_change, open_database,
                                        close_database),
        cmocka_unit_test_setup_teardown(a_new_one_is_seen_and_its_beginning, open_database, close_database),
        cmocka_unit_test_setup_teardown(what_is_changed_in_a_transaction_counts_from_its_commit,
                                        open_database, close_database),
        cmocka_unit_test_setup_teardown(a_dropped_one_goes, open_database, close_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
