/* The file under the server: connections, the writer, what a restart finds. */
#include "collector_sa.h"
#include "standin/store/store.h"

#include <sqlite3.h>

#include "test.h"

static int64_t ask_int(struct sqlite3 *db, const char *sql) {
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    return v;
}

static void connections_know_the_collations(void **state) {
    (void)state;
    Err e = {0};
    struct sqlite3 *db = store_connect(server_store(server.server), &e);
    assert_non_null(db);
    assert_int_equal(ask_int(db, "SELECT 'abc' = 'ABC  ' COLLATE SQL_Latin1_General_CP1_CI_AS"), 1);
    store_disconnect(db);
}

static void a_write_is_seen_when_it_is_committed(void **state) {
    (void)state;
    Err err = {0};
    SqlError e;
    Store *st = server_store(server.server);
    struct sqlite3 *one = store_connect(st, &err), *two = store_connect(st, &err);
    assert_true(store_write_begin(st, one, &e));
    assert_int_equal(sqlite3_exec(one, "CREATE TABLE x(a); INSERT INTO x VALUES (1)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(ask_int(two, "SELECT count(*) FROM sqlite_schema WHERE name = 'x'"), 0);
    assert_true(store_write_commit(st, one, &e));
    assert_int_equal(ask_int(two, "SELECT a FROM x"), 1);
    assert_true(store_write_begin(st, two, &e));
    assert_int_equal(sqlite3_exec(two, "DELETE FROM x", NULL, NULL, NULL), SQLITE_OK);
    store_write_rollback(st, two);
    assert_int_equal(ask_int(one, "SELECT count(*) FROM x"), 1);
    store_disconnect(one);
    store_disconnect(two);
}

static void changes_are_noted_while_a_snapshot_is_open(void **state) {
    (void)state;
    Store *st = server_store(server.server);
    uint64_t commit = store_next_commit(st);
    store_note_change(st, 1, 1, commit);
    assert_false(store_changed_since(st, 1, 1, 0)); /* no one asks */
    store_snapshot_opened(st);
    assert_true(store_has_snapshots(st));
    store_note_change(st, 1, 1, commit);
    assert_true(store_changed_since(st, 1, 1, commit - 1));
    store_snapshot_closed(st);
    assert_false(store_has_snapshots(st));
    assert_false(store_changed_since(st, 1, 1, 0));
    assert_int_equal(store_last_commit(st), commit);
    assert_true(store_next_transaction(st) < store_next_transaction(st));
}

static void reopen(void) {
    testclient_close(&a);
    server.server = server_close(server.server);
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "shop");
}

static void counters_go_on_after_a_restart(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (id int IDENTITY, v int) CREATE TABLE h (v int) INSERT t (v) VALUES (1), (2) DELETE "
        "t INSERT h VALUES (1), (2)",
        "#2\n#2\n#2\n");
    reopen();
    ASK(&a, "INSERT t (v) VALUES (3) SELECT id FROM t INSERT h VALUES (3) SELECT COUNT(*) FROM h",
        "#1\n3\n#1\n#1\n3\n#1\n");
}

static void counters_are_taken_from_the_rows_after_a_crash(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE t (id int IDENTITY(1, 5), v int) INSERT t (v) VALUES (1), (2), (3)", "#3\n");
    reopen(); /* m_state is read and emptied */
    Err e = {0};
    struct sqlite3 *db = store_connect(server_store(server.server), &e);
    assert_int_equal(ask_int(db, "SELECT count(*) FROM m_state"), 0);
    store_disconnect(db);
    testclient_close(&a);
    TestServer crashed = {0};
    CLEANUP_FREE char *copy =
        x_asprintf("cp -r %s %s-copy", server.dir, server.dir); /* as a kill would leave it */
    assert_int_equal(system(copy), 0);
    CLEANUP_FREE char *name = x_asprintf("%s-copy", server.dir);
    assert_true(strlen(name) < sizeof crashed.dir);
    memcpy(crashed.dir, name, strlen(name) + 1);
    testserver_open(&crashed, NULL);
    testclient_open(&a, crashed.server, "sa", "shop");
    ASK(&a, "INSERT t (v) VALUES (4) SELECT MAX(id) FROM t", "#1\n16\n#1\n");
    testclient_close(&a);
    testserver_close(&crashed);
    testclient_open(&a, server.server, "sa", "shop");
}

static void a_second_server_on_the_directory_is_refused(void **state) {
    (void)state;
    Store *second = NULL;
    Err e = {0};
    assert_false(store_open(server.dir, &second, &e));
    assert_null(second);
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.msg, "in use by another server"));
    ASK(&a, "CREATE TABLE t (a int) INSERT t VALUES (1) SELECT a FROM t",
        "#1\n1\n#1\n"); /* the first goes on */
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(connections_know_the_collations),
        TEST(a_write_is_seen_when_it_is_committed),
        TEST(changes_are_noted_while_a_snapshot_is_open),
        TEST(counters_go_on_after_a_restart),
        TEST(counters_are_taken_from_the_rows_after_a_crash),
        TEST(a_second_server_on_the_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
