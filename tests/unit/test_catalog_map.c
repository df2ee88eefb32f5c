#include "standin/store/catalog.h"
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *db;
static Catalog *catalog;

static int setup(void **state) {
    (void)state;
    SqlError e;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_true(catalog_open(db, &catalog, &e));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    catalog = catalog_close(catalog);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return 0;
}

static const Type int_type = {.id = TYPE_INT}, text_type = {.id = TYPE_NVARCHAR, .length = 20};

static int32_t publish(const char *name) {
    SqlError e;
    int32_t id = catalog_new_object_id(catalog);
    Table *t = table_new(id, CATALOG_MASTER, CATALOG_SCHEMA_DBO, str_from(name));
    (void)table_add_column(t, STR_LIT("id"), &int_type, false);
    (void)table_add_column(t, STR_LIT("name"), &text_type, true);
    Index *x = table_add_index(t, STR_LIT("pk"));
    x->is_unique = x->is_primary_key = true;
    x->key_count = x->column_count = 1;
    x->columns = calloc(1, sizeof *x->columns);
    x->columns[0].column_id = 1;
    ForeignKey *k = table_add_foreign_key(t, STR_LIT("fk"), 1);
    k->referenced_id = id;
    k->columns[0] = k->referenced_columns[0] = 1;
    (void)table_add_check(t, STR_LIT("ck"), STR_LIT("(1 = 1)"));
    assert_true(catalog_publish_table(catalog, db, t, &e));
    return id;
}

static void the_system_databases_are_there(void **state) {
    (void)state;
    CatalogPin pin;
    catalog_pin(catalog, &pin);
    const Database *d = catalog_database(catalog, STR_LIT("MASTER"));
    assert_non_null(d);
    assert_int_equal(d->id, CATALOG_MASTER);
    assert_int_equal(database_schema(d, STR_LIT("dbo"))->id, CATALOG_SCHEMA_DBO);
    assert_int_equal(database_principal(d, STR_LIT("db_owner"))->id, CATALOG_PRINCIPAL_DB_OWNER);
    assert_null(catalog_database(catalog, STR_LIT("nix")));
    int32_t at = 0, count = 0;
    while (catalog_next_database(catalog, &at)) count++;
    assert_int_equal(count, 4);
    catalog_unpin(catalog, &pin);
}

static void names_are_found_in_any_letter_case(void **state) {
    (void)state;
    int32_t id = publish("Order");
    CatalogPin pin;
    catalog_pin(catalog, &pin);
    const Table *t = catalog_table(catalog, CATALOG_MASTER, CATALOG_SCHEMA_DBO, STR_LIT("oRDER"));
    assert_non_null(t);
    assert_ptr_equal(t, catalog_table_by_id(catalog, id));
    assert_string_equal(table_column(t, STR_LIT("NAME"))->name, "name");
    assert_null(catalog_table(catalog, CATALOG_MASTER, CATALOG_SCHEMA_SYS, STR_LIT("Order")));
    catalog_unpin(catalog, &pin);
}

static void a_pinned_version_stays_readable(void **state) {
    (void)state;
    SqlError e;
    int32_t id = publish("t");
    CatalogPin pin;
    catalog_pin(catalog, &pin);
    const Table *before = catalog_table_by_id(catalog, id);
    uint64_t version = catalog_version(catalog);
    Table *copy = table_copy(before);
    (void)table_add_column(copy, STR_LIT("more"), &int_type, true);
    assert_true(catalog_publish_table(catalog, db, copy, &e));
    assert_true(catalog_version(catalog) > version);
    assert_int_equal(before->column_count, 2);
    assert_int_equal(catalog_table_by_id(catalog, id)->column_count, 3);
    assert_ptr_equal(catalog_table_by_id(catalog, id)->state, before->state);
    assert_true(catalog_drop_table(catalog, db, id, &e));
    assert_string_equal(before->name, "t");
    assert_null(catalog_table_by_id(catalog, id));
    catalog_unpin(catalog, &pin);
}

static void column_ids_are_not_used_again(void **state) {
    (void)state;
    Table *t = table_new(7, 1, 1, STR_LIT("t"));
    (void)table_add_column(t, STR_LIT("a"), &int_type, true);
    (void)table_add_column(t, STR_LIT("b"), &int_type, true);
    table_drop_column(t, 2);
    assert_int_equal(table_add_column(t, STR_LIT("b"), &int_type, true)->id, 3);
    assert_int_equal(table_column_index(t, 3), 1);
    assert_int_equal(table_column_index(t, 2), t->column_count);
    (void)table_free(t);
}

static void a_new_name_takes_the_place_of_the_old_one(void **state) {
    (void)state;
    SqlError e;
    int32_t id = publish("old");
    Table *copy = table_copy(catalog_table_by_id(catalog, id));
    free(copy->name);
    copy->name = strdup("new");
    assert_true(catalog_publish_table(catalog, db, copy, &e));
    assert_null(catalog_table(catalog, CATALOG_MASTER, CATALOG_SCHEMA_DBO, STR_LIT("old")));
    assert_non_null(catalog_table(catalog, CATALOG_MASTER, CATALOG_SCHEMA_DBO, STR_LIT("new")));
}

static void tables_that_point_to_one_are_found(void **state) {
    (void)state;
    int32_t id = publish("self"), at = 0;
    assert_int_equal(catalog_next_referencing(catalog, id, &at)->object_id, id);
    assert_null(catalog_next_referencing(catalog, id, &at));
}

static void all_of_it_is_there_when_it_is_opened_again(void **state) {
    (void)state;
    SqlError e;
    int32_t id = publish("kept");
    assert_true(catalog_create_database(catalog, db, STR_LIT("shop"), &e));
    Database *d = database_copy(catalog_database(catalog, STR_LIT("shop")));
    d->is_cdc_enabled = true;
    int32_t schema = database_add_schema(d, STR_LIT("cdc"), CATALOG_PRINCIPAL_DBO)->id;
    Principal *p = database_add_principal(d, STR_LIT("reader"), CATALOG_USER);
    int32_t user = p->id;
    p->login = strdup("login");
    principal_set_member(p, CATALOG_PRINCIPAL_DB_DATAREADER, true);
    database_add_grant(d, user, GRANT_ON_SCHEMA, schema, 0)->allow = PERMISSION_SELECT;
    assert_true(catalog_publish_database(catalog, db, d, &e));
    char name[] = "login", password[] = "secret", database[] = "shop";
    Login login = {.name = name,
                   .password = password,
                   .default_database = database,
                   .is_disabled = true,
                   .roles = 1 << 6,
                   .deny = 2};
    assert_true(catalog_set_login(catalog, db, &login, &e));
    catalog = catalog_close(catalog);
    assert_true(catalog_open(db, &catalog, &e));

    const Table *t = catalog_table_by_id(catalog, id);
    assert_string_equal(t->name, "kept");
    assert_int_equal(t->columns[1].type.length, 20);
    assert_true(t->indexes[0].is_primary_key);
    assert_int_equal(t->foreign_keys[0].referenced_id, id);
    assert_string_equal(t->checks[0].sql, "(1 = 1)");
    const Database *now = catalog_database(catalog, STR_LIT("shop"));
    assert_true(now->is_cdc_enabled);
    assert_int_equal(database_schema(now, STR_LIT("cdc"))->id, schema);
    assert_int_equal(database_principal(now, STR_LIT("reader"))->member_of[0],
                     CATALOG_PRINCIPAL_DB_DATAREADER);
    assert_int_equal(now->grants[0].allow, PERMISSION_SELECT);
    const Login *l = catalog_login(catalog, STR_LIT("LOGIN"));
    assert_string_equal(l->password, "secret");
    assert_string_equal(l->default_database, "shop");
    assert_true(l->is_disabled && !l->is_sysadmin);
    assert_int_equal(l->id, CATALOG_FIRST_LOGIN);
    assert_int_equal(l->roles, 1 << 6);
    assert_int_equal(l->deny, 2);
    assert_true(catalog_new_object_id(catalog) > id);
}

static void dropping_a_user_takes_its_grants(void **state) {
    (void)state;
    Database *d = database_copy(catalog_database_by_id(catalog, CATALOG_MASTER));
    int32_t user = database_add_principal(d, STR_LIT("u"), CATALOG_USER)->id;
    (void)database_add_grant(d, user, GRANT_ON_DATABASE, 0, 0);
    assert_int_equal(d->grant_count, 1);
    database_drop_principal(d, user);
    assert_int_equal(d->grant_count, 0);
    assert_null(database_principal(d, STR_LIT("u")));
    (void)database_free(d);
}

static void bytes_of_another_version_are_refused(void **state) {
    (void)state;
    SqlError e;
    assert_int_equal(sqlite3_exec(db, "INSERT INTO m_table VALUES (1, 'x', x'ff00')", NULL, NULL, NULL),
                     SQLITE_OK);
    catalog = catalog_close(catalog);
    assert_false(catalog_open(db, &catalog, &e));
    assert_int_equal(e.number, 5173);
    assert_int_equal(sqlite3_exec(db, "UPDATE m_table SET body = x'01'", NULL, NULL, NULL), SQLITE_OK);
    assert_false(catalog_open(db, &catalog, &e));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_system_databases_are_there),
        TEST(names_are_found_in_any_letter_case),
        TEST(a_pinned_version_stays_readable),
        TEST(column_ids_are_not_used_again),
        TEST(a_new_name_takes_the_place_of_the_old_one),
        TEST(tables_that_point_to_one_are_found),
        TEST(all_of_it_is_there_when_it_is_opened_again),
        TEST(dropping_a_user_takes_its_grants),
        TEST(bytes_of_another_version_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
