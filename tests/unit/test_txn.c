/* Transactions of several sessions, interleaved, through whole batches: what each sees, waits for and leaves.
 */
#include "base/clock.h"
#include "collector_sa.h"
#include "standin/store/txn.h"
#include "test.h"

static TestClient b;

static int setup(void **state) {
    (void)sa_open(state);
    ASK(&a, "CREATE DATABASE shop", "");
    ASK(&a, "ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON", "");
    (void)testclient_run(&a, "USE shop");
    ASK(&a,
        "CREATE TABLE t (id int PRIMARY KEY, v int, u int UNIQUE) INSERT t VALUES (1,10,1), (2,20,2), "
        "(3,30,3)",
        "#3\n");
    testclient_open(&b, server.server, "sa", "shop");
    return 0;
}

static int teardown(void **state) {
    testclient_close(&b);
    return sa_close(state);
}

static void others_see_a_transaction_only_when_it_commits(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN INSERT t VALUES (4,40,4) SELECT COUNT(*) FROM t", "begin\n#1\n4\n#1\n");
    ASK(&b, "SELECT COUNT(*) FROM t WITH (READPAST)", "3\n#1\n");
    ASK(&b, "SELECT COUNT(*) FROM t WITH (NOLOCK)", "4\n#1\n");
    ASK(&a, "COMMIT", "commit\n");
    ASK(&b, "SELECT COUNT(*) FROM t", "4\n#1\n");
}

static void a_rollback_leaves_nothing(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN INSERT t VALUES (4,40,4) UPDATE t SET v = 0 DELETE t WHERE id = 1",
        "begin\n#1\n#4\n#1\n");
    ASK(&a, "SELECT id, v FROM t ORDER BY id", "2|0\n3|0\n4|0\n#3\n");
    ASK(&a, "ROLLBACK SELECT id, v FROM t", "rollback\n1|10\n2|20\n3|30\n#3\n");
}

static void a_savepoint_brings_back_what_was_then(void **state) {
    (void)state;
    ASK(&a,
        "BEGIN TRAN UPDATE t SET v = 11 WHERE id = 1 SAVE TRAN s UPDATE t SET v = 12 WHERE id = 1 "
        "DELETE t WHERE id = 2 INSERT t VALUES (9,90,9)",
        "begin\n#1\n#1\n#1\n#1\n");
    ASK(&a, "ROLLBACK TRAN s SELECT id, v FROM t ORDER BY id", "1|11\n2|20\n3|30\n#3\n");
    ASK(&a, "UPDATE t SET v = 13 WHERE id = 1 ROLLBACK TRAN s SELECT v FROM t WHERE id = 1", "#1\n11\n#1\n");
    ASK(&a, "COMMIT", "commit\n");
    ASK(&b, "SELECT id, v FROM t ORDER BY id", "1|11\n2|20\n3|30\n#3\n");
}

static void a_statement_that_fails_leaves_the_savepoint_usable(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN SAVE TRAN s", "begin\n");
    assert_non_null(strstr(testclient_run(&a, "INSERT t VALUES (7,70,7), (1,0,0)"), "!2627 "));
    ASK(&a, "UPDATE t SET v = 11 WHERE id = 1 ROLLBACK TRAN s SELECT v FROM t WHERE id = 1", "#1\n10\n#1\n");
    ASK(&a, "COMMIT", "commit\n");
}

static void nested_begins_count_and_the_last_commit_applies(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN BEGIN TRAN INSERT t VALUES (4,40,4) COMMIT SELECT @@TRANCOUNT", "begin\n#1\n1\n#1\n");
    ASK(&b, "SELECT COUNT(*) FROM t WITH (READPAST)", "3\n#1\n");
    ASK(&a, "COMMIT SELECT @@TRANCOUNT", "commit\n0\n#1\n");
    ASK(&b, "SELECT COUNT(*) FROM t", "4\n#1\n");
}

static void commit_and_rollback_without_begin_are_errors(void **state) {
    (void)state;
    ASK(&a, "COMMIT", "!3902 The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.\n");
    ASK(&a, "ROLLBACK", "!3903 The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.\n");
    ASK(&a, "BEGIN TRAN ROLLBACK TRAN nix",
        "begin\n!6401 Cannot roll back nix. No transaction or savepoint of that name was found.\n");
    ASK(&a, "ROLLBACK", "rollback\n");
}

static void a_reader_waits_for_a_changed_row_and_sees_its_new_state(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN UPDATE t SET v = 99 WHERE id = 1", "begin\n#1\n");
    ASK(&b, "SELECT v FROM t WHERE id = 2", "20\n#1\n");
    ASK(&b, "SELECT v FROM t WITH (NOLOCK) WHERE id = 1", "99\n#1\n");
    ASK(&b, "SELECT v FROM t WITH (READPAST)", "20\n30\n#2\n");
    testclient_start_and_wait(server.server, &b, "SELECT v FROM t WHERE id = 1");
    ASK(&a, "COMMIT", "commit\n");
    assert_string_equal(testclient_finish(&b), "99\n#1\n");
}

static void a_writer_waits_for_a_changed_row_and_changes_its_new_state(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN UPDATE t SET v = v + 1 WHERE id = 1", "begin\n#1\n");
    ASK(&b, "UPDATE t SET v = v + 1 WHERE id = 2", "#1\n");
    testclient_start_and_wait(server.server, &b, "UPDATE t SET v = v + 1 WHERE id = 1");
    ASK(&a, "COMMIT", "commit\n");
    assert_string_equal(testclient_finish(&b), "#1\n");
    ASK(&a, "SELECT v FROM t WHERE id < 3", "12\n21\n#2\n");
}

static void two_open_transactions_change_different_rows(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN UPDATE t SET v = 1 WHERE id = 1", "begin\n#1\n");
    ASK(&b, "BEGIN TRAN UPDATE t SET v = 2 WHERE id = 2 INSERT t VALUES (5,50,5)", "begin\n#1\n#1\n");
    ASK(&a, "INSERT t VALUES (6,60,6) COMMIT", "#1\ncommit\n");
    ASK(&b, "COMMIT SELECT id, v FROM t ORDER BY id", "commit\n1|1\n2|2\n3|30\n5|50\n6|60\n#5\n");
}

static void a_key_that_another_is_inserting_is_waited_for(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN INSERT t VALUES (7,70,7)", "begin\n#1\n");
    testclient_start_and_wait(server.server, &b, "INSERT t VALUES (8,80,7)");
    ASK(&a, "COMMIT", "commit\n");
    const char *answer = testclient_finish(&b);
    assert_non_null(strstr(answer, "!2627 Violation of UNIQUE KEY constraint"));
    ASK(&a, "BEGIN TRAN INSERT t VALUES (9,90,9)", "begin\n#1\n");
    testclient_start_and_wait(server.server, &b, "INSERT t VALUES (9,91,10)");
    ASK(&a, "ROLLBACK", "rollback\n");
    assert_string_equal(testclient_finish(&b), "#1\n");
}

static void a_lock_is_waited_for_only_so_long(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN DELETE t WHERE id = 1", "begin\n#1\n");
    ASK(&b, "SET LOCK_TIMEOUT 30 BEGIN TRAN INSERT t VALUES (4,40,4)", "begin\n#1\n");
    ASK(&b, "UPDATE t SET v = 0 WHERE id = 1 SELECT @@TRANCOUNT, @@LOCK_TIMEOUT",
        "!1222 Lock request time out period exceeded.\n1|30\n#1\n");
    ASK(&b, "SELECT * FROM t WITH (TABLOCKX)", "!1222 Lock request time out period exceeded.\n");
    ASK(&b, "COMMIT", "commit\n");
    ASK(&a, "ROLLBACK SELECT COUNT(*) FROM t", "rollback\n4\n#1\n");
}

static void of_two_that_wait_for_each_other_one_is_rolled_back(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN UPDATE t SET v = 1 WHERE id = 1", "begin\n#1\n");
    ASK(&b, "BEGIN TRAN UPDATE t SET v = 2 WHERE id = 2", "begin\n#1\n");
    testclient_start_and_wait(server.server, &b, "UPDATE t SET v = 2 WHERE id = 1");
    const char *answer = testclient_run(&a, "UPDATE t SET v = 1 WHERE id = 2 SELECT 'not reached'");
    assert_non_null(strstr(answer, "!1205 "));
    assert_non_null(strstr(answer, "rollback\n"));
    assert_null(strstr(answer, "not reached"));
    assert_string_equal(testclient_finish(&b), "#1\n");
    ASK(&b, "COMMIT SELECT v FROM t", "commit\n2\n2\n30\n#3\n");
}

static void repeatable_read_keeps_what_it_has_read(void **state) {
    (void)state;
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ BEGIN TRAN SELECT v FROM t WHERE id = 1",
        "begin\n10\n#1\n");
    ASK(&b, "UPDATE t SET v = 21 WHERE id = 2", "#1\n");
    testclient_start_and_wait(server.server, &b, "UPDATE t SET v = 11 WHERE id = 1");
    ASK(&a, "SELECT v FROM t WHERE id = 1 COMMIT", "10\n#1\ncommit\n");
    assert_string_equal(testclient_finish(&b), "#1\n");
}

static void tablockx_keeps_others_out_until_the_end(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN SELECT TOP (0) * FROM t WITH (TABLOCKX)", "begin\n#0\n");
    testclient_start_and_wait(server.server, &b, "SELECT COUNT(*) FROM t");
    ASK(&a, "COMMIT", "commit\n");
    assert_string_equal(testclient_finish(&b), "3\n#1\n");
}

static void a_rollback_to_a_savepoint_gives_table_locks_back(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN SAVE TRAN s SELECT TOP (0) * FROM t WITH (TABLOCKX)", "begin\n#0\n");
    testclient_start_and_wait(server.server, &b, "INSERT t VALUES (4,40,4)");
    ASK(&a, "ROLLBACK TRAN s", "");
    assert_string_equal(testclient_finish(&b), "#1\n");
    ASK(&a, "COMMIT", "commit\n");
}

static void snapshot_sees_the_state_of_its_first_access(void **state) {
    (void)state;
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN", "begin\n");
    ASK(&b, "UPDATE t SET v = 11 WHERE id = 1", "#1\n");
    ASK(&a, "SELECT v FROM t WHERE id = 1", "11\n#1\n");
    ASK(&b, "UPDATE t SET v = 12 WHERE id = 1 INSERT t VALUES (4,40,4)", "#1\n#1\n");
    ASK(&a, "SELECT v FROM t WHERE id = 1 SELECT COUNT(*) FROM t", "11\n#1\n3\n#1\n");
    ASK(&a, "COMMIT SELECT v FROM t WHERE id = 1", "commit\n12\n#1\n");
}

static void a_snapshot_refuses_what_got_another_form(void **state) {
    (void)state;
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN SELECT COUNT(*) FROM t", "begin\n3\n#1\n");
    ASK(&b, "ALTER TABLE t ADD w int CREATE TABLE n (i int)", "");
    const char *answer = testclient_run(&a, "SELECT * FROM t");
    assert_non_null(strstr(answer, "!3961 Snapshot isolation transaction failed in database 'shop'"));
    assert_non_null(strstr(answer, "rollback\n"));
    ASK(&a, "BEGIN TRAN SELECT COUNT(*) FROM n", "begin\n0\n#1\n");
    ASK(&b, "ALTER TABLE t DROP COLUMN w", "");
    answer = testclient_run(&a, "UPDATE t SET v = 0 WHERE id = 1");
    assert_non_null(strstr(answer, "!3961 "));
}

static void snapshot_isnt_kept_out_by_tablockx(void **state) {
    (void)state;
    ASK(&b, "BEGIN TRAN SELECT TOP (0) * FROM t WITH (TABLOCKX)", "begin\n#0\n");
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN SELECT COUNT(*) FROM t COMMIT",
        "begin\n3\n#1\ncommit\n");
    ASK(&b, "COMMIT", "commit\n");
}

static void snapshot_refuses_to_change_what_others_have_changed(void **state) {
    (void)state;
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN SELECT COUNT(*) FROM t", "begin\n3\n#1\n");
    ASK(&b, "UPDATE t SET v = 11 WHERE id = 1", "#1\n");
    ASK(&a, "UPDATE t SET v = 0 WHERE id = 2", "#1\n");
    const char *answer = testclient_run(&a, "UPDATE t SET v = 0 WHERE id = 1");
    assert_non_null(strstr(answer, "!3960 Snapshot isolation transaction aborted due to update conflict."));
    assert_non_null(strstr(answer, "rollback\n"));
    ASK(&b, "SELECT v FROM t", "11\n20\n30\n#3\n");
}

static void snapshot_needs_the_databases_leave(void **state) {
    (void)state;
    ASK(&a, "ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION OFF", "");
    const char *answer = testclient_run(&a, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT SELECT * FROM t");
    assert_non_null(strstr(answer, "!3952 Snapshot isolation transaction failed accessing database 'shop'"));
}

static void read_committed_snapshot_doesnt_wait(void **state) {
    (void)state;
    ASK(&a, "ALTER DATABASE shop SET READ_COMMITTED_SNAPSHOT ON", "");
    ASK(&a, "BEGIN TRAN UPDATE t SET v = 99 WHERE id = 1", "begin\n#1\n");
    ASK(&b, "SELECT v FROM t WHERE id = 1", "10\n#1\n");
    ASK(&a, "COMMIT", "commit\n");
}

static void a_schema_change_waits_for_open_writers_and_rolls_back(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN INSERT t VALUES (4,40,4)", "begin\n#1\n");
    testclient_start_and_wait(server.server, &b, "ALTER TABLE t ADD w int NOT NULL DEFAULT 5");
    ASK(&a, "COMMIT", "commit\n");
    assert_string_equal(testclient_finish(&b), "");
    ASK(&a, "SELECT * FROM t WHERE id = 4", "4|40|4|5\n#1\n");
    ASK(&a,
        "BEGIN TRAN UPDATE t SET v = 1 WHERE id = 4 ALTER TABLE t ADD x nvarchar(9) NULL INSERT t VALUES "
        "(5,50,5,6,N'x') "
        "SELECT * FROM t WHERE id >= 4 ORDER BY id",
        "begin\n#1\n#1\n4|1|4|5|NULL\n5|50|5|6|x\n#2\n");
    ASK(&a, "ROLLBACK SELECT * FROM t WHERE id >= 4", "rollback\n4|40|4|5\n#1\n");
}

static void a_dropped_table_comes_back_by_rollback(void **state) {
    (void)state;
    ASK(&a, "BEGIN TRAN DROP TABLE t CREATE TABLE t (x int) INSERT t VALUES (1) SELECT * FROM t",
        "begin\n#1\n1\n#1\n");
    ASK(&a, "ROLLBACK SELECT COUNT(*), MAX(u) FROM t", "rollback\n3|3\n#1\n");
    ASK(&a, "DROP TABLE t SELECT * FROM t", "!208 Invalid object name 't'.\n");
}

static void a_closed_session_leaves_nothing_behind(void **state) {
    (void)state;
    TestClient c;
    testclient_open(&c, server.server, "sa", "shop");
    ASK(&c, "BEGIN TRAN DELETE t CREATE TABLE #x (a int)", "begin\n#3\n");
    testclient_close(&c);
    ASK(&a, "SELECT COUNT(*) FROM t", "3\n#1\n");
    assert_int_equal(locktable_count(store_locks(server_store(server.server))), 0);
}

/* ---- a table that changes while its writers wait */

typedef struct Waiter {
    TestClient client;
    pthread_t thread;
    const char *sql;
} Waiter;

static void *waiter_run(void *arg) {
    Waiter *w = arg;
    (void)testclient_run(&w->client, w->sql);
    return NULL;
}

static void count_waiters(void *arg, const LockShown *l) {
    if (!l->is_granted) ++*(int *)arg;
}

/* Begins, and waits for a lock as the wanted-th. */
static void start_waiter(Waiter *w, const char *sql, int wanted) {
    int64_t end_us = clock_mono_us() + 10000000;
    testclient_open(&w->client, server.server, "sa", "shop");
    w->sql = sql;
    assert_int_equal(pthread_create(&w->thread, NULL, waiter_run, w), 0);
    for (int n = 0; n < wanted; clock_sleep_ms(1)) {
        n = 0;
        locktable_visit(store_locks(server_store(server.server)), count_waiters, &n);
        if (clock_mono_us() > end_us) fail_msg("%d of %d wait", n, wanted);
    }
}

static void end_waiter(Waiter *w) {
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    testclient_close(&w->client);
}

static void commit_waiter(Waiter *w) {
    ASK(&w->client, "COMMIT", "commit\n");
    testclient_close(&w->client);
}

/* They queue behind an ALTER TABLE that queues behind the first, and were bound before it: their rows are
 * there after their commits, in the form that the table has now. */
static void writers_that_waited_for_a_schema_change_lose_nothing(void **state) {
    (void)state;
    Waiter alters, all[3];
    ASK(&a, "BEGIN TRAN INSERT t VALUES (4,40,4)", "begin\n#1\n");
    start_waiter(&alters, "ALTER TABLE t ADD x int NOT NULL DEFAULT 7", 1);
    start_waiter(&all[0], "BEGIN TRAN INSERT t (id, v, u) VALUES (5,50,5)", 2);
    start_waiter(&all[1], "BEGIN TRAN UPDATE t SET v = 11 WHERE id = 1", 3);
    start_waiter(&all[2], "BEGIN TRAN DELETE t WHERE id = 2", 4);
    ASK(&a, "COMMIT", "commit\n");
    end_waiter(&alters);
    for (size_t i = 0; i < 3; i++) assert_int_equal(pthread_join(all[i].thread, NULL), 0);
    ASK(&a, "BEGIN TRAN INSERT t VALUES (8,80,8,9) COMMIT", "begin\n#1\ncommit\n");
    for (size_t i = 0; i < 3; i++) commit_waiter(&all[i]);
    ASK(&a, "SELECT id, v, x FROM t ORDER BY id", "1|11|7\n3|30|7\n4|40|7\n5|50|7\n8|80|9\n#5\n");
}

static void a_merge_that_waited_for_a_schema_change_loses_nothing(void **state) {
    (void)state;
    Waiter alters, merges;
    ASK(&a, "BEGIN TRAN UPDATE t SET v = 31 WHERE id = 3", "begin\n#1\n");
    start_waiter(&alters, "ALTER TABLE t ADD x int NOT NULL DEFAULT 7", 1);
    start_waiter(&merges,
                 "BEGIN TRAN MERGE t USING (SELECT 6 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT "
                 "(id, v, u) VALUES (6, 60, 6);",
                 2);
    ASK(&a, "COMMIT", "commit\n");
    end_waiter(&alters);
    assert_int_equal(pthread_join(merges.thread, NULL), 0);
    ASK(&a, "BEGIN TRAN INSERT t VALUES (8,80,8,9) COMMIT", "begin\n#1\ncommit\n");
    commit_waiter(&merges);
    ASK(&a, "SELECT id, v, x FROM t ORDER BY id", "1|10|7\n2|20|7\n3|31|7\n6|60|7\n8|80|9\n#5\n");
}

/* Money moved between rows by two sessions at once, deadlocks and all, is never made nor lost. */
typedef struct Mover {
    TestClient client;
    pthread_t thread;
    int first, second;
} Mover;

static void *mover_run(void *arg) {
    Mover *m = arg;
    for (int i = 0; i < 60; i++) {
        CLEANUP_FREE char *sql = x_asprintf("BEGIN TRAN UPDATE t SET v = v - 1 WHERE id = %d "
                                            "UPDATE t SET v = v + 1 WHERE id = %d COMMIT",
                                            i % 2 ? m->first : m->second, i % 2 ? m->second : m->first);
        (void)testclient_run(&m->client, sql);
    }
    return NULL;
}

static void concurrent_transfers_keep_the_sum(void **state) {
    (void)state;
    Mover movers[3] = {{.first = 1, .second = 2}, {.first = 2, .second = 3}, {.first = 3, .second = 1}};
    for (int i = 0; i < 3; i++) {
        testclient_open(&movers[i].client, server.server, "sa", "shop");
        assert_int_equal(pthread_create(&movers[i].thread, NULL, mover_run, &movers[i]), 0);
    }
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(movers[i].thread, NULL), 0);
    for (int i = 0; i < 3; i++) testclient_close(&movers[i].client);
    ASK(&a, "SELECT SUM(v), COUNT(*) FROM t", "60|3\n#1\n");
    assert_int_equal(locktable_count(store_locks(server_store(server.server))), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(others_see_a_transaction_only_when_it_commits),
        TEST(a_rollback_leaves_nothing),
        TEST(a_savepoint_brings_back_what_was_then),
        TEST(a_statement_that_fails_leaves_the_savepoint_usable),
        TEST(nested_begins_count_and_the_last_commit_applies),
        TEST(commit_and_rollback_without_begin_are_errors),
        TEST(a_reader_waits_for_a_changed_row_and_sees_its_new_state),
        TEST(a_writer_waits_for_a_changed_row_and_changes_its_new_state),
        TEST(two_open_transactions_change_different_rows),
        TEST(a_key_that_another_is_inserting_is_waited_for),
        TEST(a_lock_is_waited_for_only_so_long),
        TEST(of_two_that_wait_for_each_other_one_is_rolled_back),
        TEST(repeatable_read_keeps_what_it_has_read),
        TEST(tablockx_keeps_others_out_until_the_end),
        TEST(a_rollback_to_a_savepoint_gives_table_locks_back),
        TEST(snapshot_sees_the_state_of_its_first_access),
        TEST(a_snapshot_refuses_what_got_another_form),
        TEST(snapshot_isnt_kept_out_by_tablockx),
        TEST(snapshot_refuses_to_change_what_others_have_changed),
        TEST(snapshot_needs_the_databases_leave),
        TEST(read_committed_snapshot_doesnt_wait),
        TEST(a_schema_change_waits_for_open_writers_and_rolls_back),
        TEST(a_dropped_table_comes_back_by_rollback),
        TEST(a_closed_session_leaves_nothing_behind),
        TEST(writers_that_waited_for_a_schema_change_lose_nothing),
        TEST(a_merge_that_waited_for_a_schema_change_loses_nothing),
        TEST(concurrent_transfers_keep_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
