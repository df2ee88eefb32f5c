#include "postgres/catalog_pg.h"

#include <stdlib.h>
#include <string.h>

#include "pg_fixture.h"
#include "test.h"

static PgTable *table(PgConn *c, const char *name) {
    PgTable *t = NULL;
    Err e = {0};
    if (!catalog_pg_table(c, "public", name, &t, &e)) fail_msg("%s", e.msg);
    return t;
}

static void columns_have_base_types_and_what_fills_them(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(
        c, "CREATE DOMAIN cents AS numeric(10,2); CREATE TYPE mood AS ENUM ('a');"
           "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price cents NOT NULL,"
           " dropped int, name varchar(5) DEFAULT 'x', twice bigint GENERATED ALWAYS AS (id * 2) STORED, m "
           "mood);"
           "ALTER TABLE t DROP COLUMN dropped");
    PgTable *t = table(c, "t");
    assert_int_equal(t->column_count, 5);
    assert_true(t->has_identity && t->columns[0].is_identity && t->columns[0].has_default);
    assert_int_equal(t->columns[1].type.kind, PGKIND_NUMERIC);
    assert_int_equal(pgtype_digits(&t->columns[1].type).scale, 2);
    assert_true(t->columns[1].is_not_null && !t->columns[1].has_default);
    assert_int_equal(t->columns[2].type.kind, PGKIND_TEXT);
    assert_true(t->columns[3].is_generated);
    assert_int_equal(t->columns[4].type.kind, PGKIND_TEXT);
    assert_int_not_equal(t->columns[4].type.array_oid, 0);
    catalog_pg_free(t);
    assert_null(table(c, "nothere"));
    pgconn_close(c);
}

static void only_unique_indexes_that_a_conflict_can_use_count(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c,
                    "CREATE TABLE u (a int PRIMARY KEY, b int, c int, d int UNIQUE DEFERRABLE);"
                    "CREATE UNIQUE INDEX ON u (c, b) INCLUDE (d); CREATE UNIQUE INDEX ON u (b) WHERE b > 0;"
                    "CREATE UNIQUE INDEX ON u ((c + 1)); CREATE INDEX ON u (c)");
    PgTable *t = table(c, "u");
    assert_int_equal(t->unique_count, 2);
    assert_true(t->uniques[0].is_primary);
    assert_true(catalog_pg_has_unique(t, (uint16_t[]){0}, 1));
    assert_true(catalog_pg_has_unique(t, (uint16_t[]){1, 2}, 2));
    assert_false(catalog_pg_has_unique(t, (uint16_t[]){1}, 1));
    assert_false(catalog_pg_has_unique(t, (uint16_t[]){3}, 1));
    assert_false(catalog_pg_has_unique(t, (uint16_t[]){0, 1}, 2));
    catalog_pg_free(t);
    pgconn_close(c);
}

static void foreign_keys_name_their_parents_once_and_never_the_table_itself(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(
        c, "CREATE TABLE p (a int PRIMARY KEY);"
           "CREATE TABLE k (a int PRIMARY KEY, b int REFERENCES p, c int REFERENCES p, d int REFERENCES k)");
    PgTable *p = table(c, "p"), *k = table(c, "k");
    assert_int_equal(k->parent_count, 1);
    assert_int_equal(k->parents[0], p->oid);
    assert_int_equal(p->parent_count, 0);
    catalog_pg_free(p);
    catalog_pg_free(k);
    pgconn_close(c);
}

static void names_are_found_exactly_or_by_the_only_other_case(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TABLE n (\"Id\" int, \"ID\" int, \"Name\" int)");
    PgTable *t = table(c, "n");
    assert_int_equal(catalog_pg_find(t, STR_LIT("ID")), 1);
    assert_int_equal(catalog_pg_find(t, STR_LIT("id")), -1);
    assert_int_equal(catalog_pg_find(t, STR_LIT("NAME")), 2);
    assert_int_equal(catalog_pg_find(t, STR_LIT("x")), -1);
    catalog_pg_free(t);
    pgconn_close(c);
}

static void all_rows_are_deleted_unless_others_point_to_them(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TABLE parent (id int PRIMARY KEY, boss int REFERENCES parent); "
                       "CREATE TABLE child (id int REFERENCES parent); "
                       "INSERT INTO parent VALUES (1, NULL), (2, 1); INSERT INTO child VALUES (2)");
    PgTable *parent = table(c, "parent"), *child = table(c, "child");
    bool is_empty = false;
    Err e = {0};
    assert_false(catalog_pg_delete_all(c, parent, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "foreign key"));
    if (!catalog_pg_delete_all(c, child, &e)) fail_msg("%s", e.msg);
    assert_true(catalog_pg_is_empty(c, child, &is_empty, &e) && is_empty);
    if (!catalog_pg_delete_all(c, parent, &e)) fail_msg("%s", e.msg); /* TRUNCATE refuses it even now */
    assert_true(catalog_pg_is_empty(c, parent, &is_empty, &e) && is_empty);
    catalog_pg_free(parent);
    catalog_pg_free(child);
    pgconn_close(c);
}

static void emptiness_and_the_current_schema_are_told(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TABLE e (a int)");
    PgTable *t = table(c, "e");
    bool is_empty = false;
    Err e = {0};
    assert_true(catalog_pg_is_empty(c, t, &is_empty, &e) && is_empty);
    pg_fixture_exec(c, "INSERT INTO e VALUES (1)");
    assert_true(catalog_pg_is_empty(c, t, &is_empty, &e) && !is_empty);
    char *schema = NULL;
    assert_true(catalog_pg_current_schema(c, &schema, &e));
    assert_string_equal(schema, "public");
    free(schema);
    pg_fixture_exec(c, "SET search_path = nothere");
    assert_false(catalog_pg_current_schema(c, &schema, &e));
    catalog_pg_free(t);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_have_base_types_and_what_fills_them),
        cmocka_unit_test(only_unique_indexes_that_a_conflict_can_use_count),
        cmocka_unit_test(foreign_keys_name_their_parents_once_and_never_the_table_itself),
        cmocka_unit_test(names_are_found_exactly_or_by_the_only_other_case),
        cmocka_unit_test(all_rows_are_deleted_unless_others_point_to_them),
        cmocka_unit_test(emptiness_and_the_current_schema_are_told),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
