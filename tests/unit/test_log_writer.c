/* The log written by transactions (log_writer.c) and read back (log_reader.c), in whole and in pieces. */
#include "collector.h"
#include "standin/store/log.h"
#include "test.h"

static TestServer server;
static TestClient a, b;
static struct sqlite3 *db; /* the reader's */
static LogReader *reader;

static void track(const char *table) {
    SqlError e = {0};
    const Table *t = session_find_table(a.session, str_from(table));
    assert_non_null(t);
    Table *copy = table_copy(t);
    copy->is_tracked_by_cdc = true;
    if (!session_publish_table(a.session, copy, &e)) fail_msg("%s", e.text);
    txn_statement_end(session_txn(a.session));
}

static int setup(void **state) {
    (void)state;
    Err e = {0};
    server = (TestServer){0};
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "");
    ASK(&a, "CREATE DATABASE shop", "");
    testclient_open(&b, server.server, "sa", "shop");
    (void)testclient_run(&a, "USE shop CREATE TABLE t (id int PRIMARY KEY, n nvarchar(20), x float)");
    track("dbo.t");
    db = store_connect(server_store(server.server), &e);
    reader = log_reader_new(server_log(server.server), db);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    reader = log_reader_free(reader);
    store_disconnect(db);
    testclient_close(&a);
    testclient_close(&b);
    testserver_close(&server);
    return 0;
}

static void put_value(Buf *out, const Value *v) {
    switch (v->kind) {
    case VALUE_NULL: buf_cstr(out, "NULL"); break;
    case VALUE_INT: buf_printf(out, "%lld", (long long)v->v.i); break;
    case VALUE_REAL: buf_printf(out, "%g", v->v.d); break;
    default: buf_str(out, v->v.s);
    }
}

static void put_image(Buf *out, const LogChange *c, const Value *values) {
    buf_cstr(out, " (");
    for (size_t i = 0; i < c->layout->count; i++) {
        if (i) buf_cstr(out, ",");
        put_value(out, &values[i]);
    }
    buf_cstr(out, ")");
}

/* All transactions after *after, a line a change: "T2 I@1.1 (1,a,0.5)" - transaction, operation, command,
 * images; *after moves on. Checks that positions rise and lie below their commit. */
static const char *read_log(LogLsn *after) {
    static Buf out;
    static const char marks[] = "IDUA";
    LogTransaction t;
    LogChange c;
    SqlError e = {0};
    buf_clear(&out);
    for (int n = 1; log_reader_next_transaction(reader, after, &t, &e); n++) {
        LogLsn last = t.begin_lsn;
        assert_true(log_lsn_cmp(after, &t.commit_lsn) < 0);
        assert_true(t.begin_us > 0 && t.begin_us <= t.commit_us);
        *after = t.commit_lsn;
        for (; log_reader_next_change(reader, &c, &e); last = c.seqval) {
            assert_true(log_lsn_cmp(&last, &c.seqval) <= 0 && log_lsn_cmp(&c.seqval, &t.commit_lsn) < 0);
            buf_printf(&out, "T%d %c@%d", n, marks[c.op], c.command_id);
            if (c.before) put_image(&out, &c, c.before);
            if (c.after) put_image(&out, &c, c.after);
            if (c.op == LOG_DDL) buf_printf(&out, " " STR_FMT, STR_ARG(c.ddl));
            buf_cstr(&out, "\n");
        }
        assert_int_equal(e.number, 0);
    }
    assert_int_equal(e.number, 0);
    return buf_text(&out);
}

static void each_statement_is_a_transaction_of_its_own(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(
        &a, "INSERT t VALUES (1, N'a', 0.5), (2, NULL, NULL) UPDATE t SET n = N'b' WHERE id = 1 DELETE t");
    assert_string_equal(read_log(&after),
                        "T1 I@1 (1,a,0.5)\nT1 I@1 (2,NULL,NULL)\nT2 U@1 (1,a,0.5) (1,b,0.5)\n"
                        "T3 D@1 (1,b,0.5)\nT3 D@1 (2,NULL,NULL)\n");
    assert_string_equal(read_log(&after), "");
}

static void commands_count_within_a_transaction(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(
        &a,
        "BEGIN TRAN INSERT t VALUES (1, N'a', 1) INSERT t VALUES (2, N'b', 2) DELETE t WHERE id = 1 COMMIT");
    assert_string_equal(read_log(&after), "T1 I@1 (1,a,1)\nT1 I@2 (2,b,2)\nT1 D@3 (1,a,1)\n");
}

static void what_was_rolled_back_isnt_there(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "BEGIN TRAN INSERT t VALUES (1, N'a', 1) ROLLBACK");
    (void)testclient_run(
        &a,
        "BEGIN TRAN INSERT t VALUES (1, N'a', 1) SAVE TRAN s INSERT t VALUES (2, N'b', 2) ROLLBACK TRAN s "
        "INSERT t VALUES (3, N'c', 3) INSERT t VALUES (3, N'c', 3) COMMIT");
    assert_string_equal(read_log(&after), "T1 I@1 (1,a,1)\nT1 I@3 (3,c,3)\n");
}

static void a_changed_key_is_a_delete_and_an_insert(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1)");
    (void)read_log(&after);
    (void)testclient_run(&a, "UPDATE t SET id = 5");
    assert_string_equal(read_log(&after), "T1 D@1 (1,a,1)\nT1 I@1 (5,a,1)\n");
}

static void keys_that_change_places_end_right_in_log_order(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1), (2, N'b', 2)");
    (void)read_log(&after);
    ASK(&a, "UPDATE t SET id = id + 1 SELECT id, n FROM t", "#2\n2|a\n3|b\n#2\n");
    assert_string_equal(read_log(&after), "T1 D@1 (1,a,1)\nT1 D@1 (2,b,2)\nT1 I@1 (2,a,1)\nT1 I@1 (3,b,2)\n");
}

static void an_update_that_changes_nothing_isnt_logged(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1)");
    (void)read_log(&after);
    ASK(&a, "UPDATE t SET n = n", "#1\n");
    assert_string_equal(read_log(&after), "");
}

static void commits_are_in_order_positions_in_the_order_of_writing(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "BEGIN TRAN INSERT t VALUES (1, N'a', 1)");
    (void)testclient_run(&b, "INSERT t VALUES (2, N'b', 2)");
    (void)testclient_run(&a, "COMMIT");
    assert_string_equal(read_log(&after), "T1 I@1 (2,b,2)\nT2 I@1 (1,a,1)\n");
}

static void a_layout_says_which_columns_there_were(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1) ALTER TABLE t ADD y int NOT NULL DEFAULT 7 INSERT "
                             "t VALUES (2, N'b', 2, 8)");
    assert_string_equal(
        read_log(&after),
        "T1 I@1 (1,a,1)\nT2 A@0 ALTER TABLE t ADD y int NOT NULL DEFAULT 7\nT3 I@1 (2,b,2,8)\n");
}

static void large_transactions_come_back_whole(void **state) {
    (void)state;
    LogLsn after = {{0}};
    LogTransaction t;
    LogChange c;
    SqlError e = {0};
    (void)testclient_run(&a, "BEGIN TRAN DECLARE @i int = 0 WHILE @i < 3000 BEGIN INSERT t VALUES (@i, "
                             "REPLICATE(N'x', 20), @i) SET @i += 1 END "
                             "UPDATE t SET n = REPLICATE(N'y', 20) UPDATE t SET n = REPLICATE(N'z', 20) "
                             "UPDATE t SET x = 0 COMMIT");
    assert_true(log_reader_next_transaction(reader, &after, &t, &e));
    assert_int_equal(t.change_count, 12000 - 1); /* the row whose x is 0 already doesn't change */
    uint64_t n = 0;
    for (; log_reader_next_change(reader, &c, &e); n++)
        assert_int_equal((n < 3000 ? c.after : c.before)[0].v.i, n < 9000 ? n % 3000 : n - 9000 + 1);
    assert_int_equal(n, t.change_count);
    assert_false(log_reader_next_transaction(reader, &t.commit_lsn, &t, &e));
}

static void trimming_forgets_what_was_read(void **state) {
    (void)state;
    LogLsn after = {{0}}, from = {{0}};
    LogTransaction t;
    SqlError e = {0};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1) INSERT t VALUES (2, N'b', 2)");
    assert_int_equal(log_backlog(server_log(server.server)), 2);
    assert_true(log_reader_next_transaction(reader, &after, &t, &e));
    assert_true(store_write_begin(server_store(server.server), db, &e));
    assert_true(log_trim(server_log(server.server), db, &t.commit_lsn, &e));
    assert_true(store_write_commit(server_store(server.server), db, &e));
    assert_string_equal(read_log(&from), "T1 I@1 (2,b,2)\n");
    assert_int_equal(log_backlog(server_log(server.server)), 1);
}

static void positions_go_on_upwards_after_a_restart(void **state) {
    (void)state;
    LogLsn after = {{0}};
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1)");
    (void)read_log(&after);
    reader = log_reader_free(reader);
    store_disconnect(db);
    testclient_close(&a);
    testclient_close(&b);
    server.server = server_close(server.server);
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "shop");
    testclient_open(&b, server.server, "sa", "shop");
    Err e = {0};
    db = store_connect(server_store(server.server), &e);
    reader = log_reader_new(server_log(server.server), db);
    ASK(&a, "SELECT * FROM t INSERT t VALUES (2, N'b', 2)", "1|a|1\n#1\n#1\n");
    assert_string_equal(read_log(&after), "T1 I@1 (2,b,2)\n");
}

static void waiters_wake_when_something_was_committed(void **state) {
    (void)state;
    uint64_t seen = 0;
    Log *l = server_log(server.server);
    (void)log_wait(l, &seen, 0);
    assert_false(log_wait(l, &seen, 1));
    (void)testclient_run(&a, "INSERT t VALUES (1, N'a', 1)");
    assert_true(log_wait(l, &seen, 10000));
    assert_false(log_wait(l, &seen, 1));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(each_statement_is_a_transaction_of_its_own),
        TEST(commands_count_within_a_transaction),
        TEST(what_was_rolled_back_isnt_there),
        TEST(a_changed_key_is_a_delete_and_an_insert),
        TEST(keys_that_change_places_end_right_in_log_order),
        TEST(an_update_that_changes_nothing_isnt_logged),
        TEST(commits_are_in_order_positions_in_the_order_of_writing),
        TEST(a_layout_says_which_columns_there_were),
        TEST(large_transactions_come_back_whole),
        TEST(trimming_forgets_what_was_read),
        TEST(positions_go_on_upwards_after_a_restart),
        TEST(waiters_wake_when_something_was_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
