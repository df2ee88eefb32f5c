#include "postgres/foreign_keys.h"

#include "base/log.h"
#include "pg_rig.h"
#include "postgres/position_store.h"
#include "test.h"

static PgConn *connect_to_run(void) {
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE; DROP SCHEMA IF EXISTS dbo CASCADE;"
                       "CREATE SCHEMA dbo; DROP ROLE IF EXISTS guest");
    PositionStore *positions = position_store_new(&(PositionKey){.pipeline = "p", .database = "shop"}, NULL);
    Err e = {0};
    if (!position_store_create(positions, c, &e) || !foreign_keys_create(c, &e)) fail_msg("%s", e.msg);
    assert_true(foreign_keys_create(c, &e)); /* once more does no harm */
    position_store_free(positions);
    pg_fixture_exec(
        c, "INSERT INTO millrace.position (pipeline, database, lane, epoch, lane_count, hash_version)"
           " VALUES ('p', 'shop', 0, 1, 1, 1);"
           "INSERT INTO millrace.table_state (pipeline, database, source_schema, source_table, fingerprint,"
           " instance) VALUES ('p', 'shop', 'dbo', 'child', 1, 1);"
           "CREATE TABLE dbo.parent (id int PRIMARY KEY);"
           "CREATE TABLE dbo.\"Child\" (id int PRIMARY KEY, up int CONSTRAINT \"Child's\" REFERENCES "
           "dbo.parent ON DELETE CASCADE, self int CONSTRAINT self REFERENCES dbo.\"Child\");"
           "CREATE TABLE dbo.apart (id int PRIMARY KEY, up int REFERENCES dbo.apart)");
    return c;
}

static const char KEYS[] =
    "SELECT coalesce(string_agg(conname || CASE WHEN convalidated THEN '' ELSE ' (not "
    "valid)' END, ', ' ORDER BY conname), '') FROM pg_constraint WHERE contype = 'f' AND "
    "connamespace = 'dbo'::regnamespace AND conname NOT LIKE 'apart%'";

static uint32_t oid_of(PgConn *c, const char *table) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT '%s'::regclass::oid", table);
    return (uint32_t)strtoul(pg_fixture_text(c, buf_text(&sql)), NULL, 10);
}

static void suspend(ForeignKeys *f, PgConn *c, const char *table) {
    Err e = {0};
    uint32_t oid = oid_of(c, table);
    pg_fixture_exec(c, "BEGIN");
    if (!foreign_keys_suspend(f, c, oid, &e)) fail_msg("%s", e.msg);
    pg_fixture_exec(c, "COMMIT");
}

/* Each call asks: the clock is far ahead of the last one. */
static bool restore_at(ForeignKeys *f, PgConn *c, bool is_end) {
    static int64_t now_us = 1;
    bool is_made = false;
    Err e = {0};
    now_us += INT64_C(60000000);
    if (!foreign_keys_restore(f, c, now_us, is_end, &is_made, &e)) fail_msg("%s", e.msg);
    assert_false(pgconn_in_transaction(c));
    return is_made;
}
static bool restore(ForeignKeys *f, PgConn *c) {
    return restore_at(f, c, /* is_end= */ false);
}

static void keys_of_and_to_a_table_go_and_come_back_as_they_were(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    pg_fixture_exec(c, "SET search_path = dbo, public");
    suspend(f, c, "dbo.parent");
    assert_string_equal(pg_fixture_text(c, "SHOW search_path"), "dbo, public");
    pg_fixture_exec(c, "RESET search_path");
    assert_string_equal(pg_fixture_text(c, KEYS), "self");
    suspend(f, c, "dbo.\"Child\"");
    assert_string_equal(pg_fixture_text(c, KEYS), "");
    pg_fixture_exec(c, "INSERT INTO dbo.\"Child\" VALUES (1, 7, 1)"); /* nothing is checked */
    assert_false(restore(f, c));                                      /* the copy goes on */
    pg_fixture_exec(c, "INSERT INTO dbo.parent VALUES (7); UPDATE millrace.table_state SET is_done = true");
    assert_false(restore(f, c)); /* not consistent yet */
    pg_fixture_exec(c, "UPDATE millrace.position SET consistent = '00000001:00000001:0001'");
    foreign_keys_free(f);
    f = foreign_keys_new("p", "shop", /* suspends= */ true); /* after a restart */
    assert_true(restore(f, c));
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    assert_string_equal(pg_fixture_text(c,
                                        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname "
                                        "= 'Child''s'"),
                        "FOREIGN KEY (up) REFERENCES dbo.parent(id) ON DELETE CASCADE");
    assert_string_equal(pg_fixture_text(c, "SELECT count(*) FROM millrace.foreign_key"), "0");
    assert_false(restore(f, c));
    foreign_keys_free(f);
    pgconn_close(c);
}

static void a_rolled_back_copy_leaves_them(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    Err e = {0};
    uint32_t oid = oid_of(c, "dbo.parent");
    pg_fixture_exec(c, "BEGIN");
    assert_true(foreign_keys_suspend(f, c, oid, &e));
    pg_fixture_exec(c, "ROLLBACK");
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    assert_false(restore(f, c));
    foreign_keys_free(f);
    f = foreign_keys_new("p", "shop", /* suspends= */ false);
    suspend(f, c, "dbo.parent");
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    foreign_keys_free(f);
    pgconn_close(c);
}

static void one_that_its_rows_break_is_made_for_what_comes(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    suspend(f, c, "dbo.\"Child\"");
    pg_fixture_exec(c, "INSERT INTO dbo.\"Child\" VALUES (1, 7, 1);"
                       "UPDATE millrace.table_state SET is_done = true;"
                       "UPDATE millrace.position SET consistent = '00000001:00000001:0001'");
    assert_true(restore(f, c));
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's (not valid), self");
    foreign_keys_free(f);
    pgconn_close(c);
}

static void without_a_consistent_position_they_wait_for_a_later_commit(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    suspend(f, c, "dbo.\"Child\"");
    pg_fixture_exec(c, "UPDATE millrace.table_state SET is_done = true;"
                       "UPDATE millrace.position SET commit_time = now()");
    assert_false(restore(f, c));
    assert_string_equal(pg_fixture_text(c, "SELECT count(copied) FROM millrace.foreign_key"), "2");
    assert_false(restore(f, c));
    pg_fixture_exec(c, "UPDATE millrace.position SET commit_time = now() + interval '2 minutes'");
    assert_true(restore(f, c));
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    foreign_keys_free(f);
    pgconn_close(c);
}

/* snapshot.mode=initial_only: no stream ever makes the position consistent. */
static void at_the_end_they_come_back_without_a_consistent_position(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    suspend(f, c, "dbo.\"Child\"");
    assert_false(restore_at(f, c, /* is_end= */ true)); /* the copy isn't done */
    pg_fixture_exec(c, "UPDATE millrace.table_state SET is_done = true");
    assert_false(restore(f, c));
    assert_true(restore_at(f, c, /* is_end= */ true));
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    foreign_keys_free(f);
    pgconn_close(c);
}

static void what_cannot_be_made_now_is_kept(void **state) {
    (void)state;
    PgConn *c = connect_to_run(), *other = pg_fixture_connect();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    suspend(f, c, "dbo.\"Child\"");
    pg_fixture_exec(c, "UPDATE millrace.table_state SET is_done = true;"
                       "UPDATE millrace.position SET consistent = '00000001:00000001:0001'");
    pg_fixture_exec(other, "BEGIN; LOCK TABLE dbo.parent IN ACCESS EXCLUSIVE MODE");
    assert_true(restore(f, c)); /* the one to itself */
    assert_string_equal(pg_fixture_text(c, KEYS), "self");
    pg_fixture_exec(other, "ROLLBACK");
    pg_fixture_exec(c, "ALTER TABLE dbo.parent RENAME TO parents");
    assert_false(restore(f, c));
    assert_string_equal(pg_fixture_text(c, "SELECT name FROM millrace.foreign_key"), "Child's");
    pg_fixture_exec(c, "ALTER TABLE dbo.parents RENAME TO parent");
    assert_true(restore(f, c));
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    foreign_keys_free(f);
    pgconn_close(other);
    pgconn_close(c);
}

static void a_role_that_does_not_own_the_table_leaves_them(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    ForeignKeys *f = foreign_keys_new("p", "shop", /* suspends= */ true);
    pg_fixture_exec(c, "CREATE ROLE guest; GRANT USAGE ON SCHEMA millrace, dbo TO guest;"
                       "GRANT ALL ON ALL TABLES IN SCHEMA millrace TO guest; SET ROLE guest");
    suspend(f, c, "dbo.parent");
    pg_fixture_exec(c, "RESET ROLE");
    assert_string_equal(pg_fixture_text(c, KEYS), "Child's, self");
    pg_fixture_exec(c, "DROP OWNED BY guest; DROP ROLE guest");
    foreign_keys_free(f);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_and_to_a_table_go_and_come_back_as_they_were),
        cmocka_unit_test(a_rolled_back_copy_leaves_them),
        cmocka_unit_test(one_that_its_rows_break_is_made_for_what_comes),
        cmocka_unit_test(without_a_consistent_position_they_wait_for_a_later_commit),
        cmocka_unit_test(at_the_end_they_come_back_without_a_consistent_position),
        cmocka_unit_test(what_cannot_be_made_now_is_kept),
        cmocka_unit_test(a_role_that_does_not_own_the_table_leaves_them),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
