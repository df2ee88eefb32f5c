/* Rows through the row writer itself, in both modes. */
#include "collector_sa.h"
#include "standin/store/row_writer.h"
#include "test.h"

static const Table *make(const char *sql) {
    ASK(&a, sql, "");
    const Table *t = session_find_table(a.session, STR_LIT("dbo.t"));
    assert_non_null(t);
    return t;
}

static RowWriter *begin(const Table *t) {
    SqlError e;
    Txn *txn = session_txn(a.session);
    assert_true(txn_prepare_write(txn, t, &e));
    assert_true(txn_write_begin(txn, t, &e));
    return rowwriter_open(txn, t, "dbo");
}

static void end(RowWriter *w, bool keeps) {
    SqlError e;
    w = rowwriter_close(w);
    assert_null(w);
    if (keeps) assert_true(txn_write_end(session_txn(a.session), &e));
    else txn_write_cancel(session_txn(a.session));
    txn_statement_end(session_txn(a.session));
}

static bool insert(RowWriter *w, int64_t id, int64_t v, SqlError *e) {
    int64_t rowid;
    Value row[] = {VALUE_OF_INT(id), VALUE_OF_INT(v)};
    return rowwriter_insert(w, row, &rowid, e);
}

static void a_duplicate_names_its_index_and_key(void **state) {
    (void)state;
    const Table *t = make("CREATE TABLE t (id int CONSTRAINT pk PRIMARY KEY, v int CONSTRAINT uq UNIQUE)");
    for (int mode = 0; mode < 2; mode++) {
        SqlError e = {0};
        if (mode) ASK(&a, "BEGIN TRAN", "begin\n");
        RowWriter *w = begin(t);
        assert_int_equal(txn_mode(session_txn(a.session)), mode ? TXN_OVERLAY : TXN_DIRECT);
        assert_true(insert(w, 1, 10, &e));
        assert_false(insert(w, 1, 11, &e));
        assert_string_equal(e.text, "Violation of PRIMARY KEY constraint 'pk'. Cannot insert duplicate key "
                                    "in object 'dbo.t'. The duplicate key value is (1).");
        assert_false(insert(w, 2, 10, &e));
        assert_int_equal(e.number, 2627);
        assert_non_null(strstr(e.text, "UNIQUE KEY constraint 'uq'"));
        end(w, false);
    }
    ASK(&a, "ROLLBACK SELECT COUNT(*) FROM t", "rollback\n0\n#1\n");
}

static void rows_are_read_as_the_transaction_has_left_them(void **state) {
    (void)state;
    const Table *t = make("CREATE TABLE t (id int PRIMARY KEY, v int)");
    SqlError e = {0};
    Value row[2];
    RowWriter *w = begin(t);
    assert_true(insert(w, 1, 10, &e) && insert(w, 2, 20, &e));
    end(w, true);
    ASK(&a, "BEGIN TRAN", "begin\n");
    w = begin(t);
    assert_true(rowwriter_read(w, 1, row, &e));
    assert_int_equal(row[1].v.i, 10);
    static const size_t set[] = {1};
    rowwriter_set_columns(w, set, 1);
    assert_false(rowwriter_changes_keys(w));
    Value after[] = {VALUE_OF_INT(1), VALUE_OF_INT(11)};
    assert_true(rowwriter_update(w, 1, row, after, &e));
    assert_true(rowwriter_read(w, 1, row, &e));
    assert_int_equal(row[1].v.i, 11);
    assert_true(rowwriter_read(w, 2, row, &e) && rowwriter_delete(w, 2, row, &e));
    assert_false(rowwriter_read(w, 2, row, &e));
    assert_int_equal(e.number, 0);
    end(w, true);
    ASK(&a, "SELECT * FROM t ROLLBACK SELECT * FROM t", "1|11\n#1\nrollback\n1|10\n2|20\n#2\n");
}

static void a_statement_given_up_leaves_nothing(void **state) {
    (void)state;
    const Table *t = make("CREATE TABLE t (id int PRIMARY KEY, v int)");
    for (int mode = 0; mode < 2; mode++) {
        SqlError e = {0};
        if (mode) ASK(&a, "BEGIN TRAN INSERT t VALUES (9, 9)", "begin\n#1\n");
        RowWriter *w = begin(t);
        assert_true(insert(w, 1, 10, &e));
        end(w, false);
        ASK(&a, "SELECT COUNT(*) FROM t", mode ? "1\n#1\n" : "0\n#1\n");
    }
    ASK(&a, "ROLLBACK", "rollback\n");
}

static void a_busy_row_asks_for_a_new_start(void **state) {
    (void)state;
    TestClient b;
    const Table *t = make("CREATE TABLE t (id int PRIMARY KEY, v int)");
    ASK(&a, "INSERT t VALUES (1, 1)", "#1\n");
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&b, "BEGIN TRAN UPDATE t SET v = 2", "begin\n#1\n");
    SqlError e = {0};
    Value row[2];
    txn_set_lock_timeout_ms(session_txn(a.session), 20);
    RowWriter *w = begin(t);
    assert_false(rowwriter_read(w, 1, row, &e));
    w = rowwriter_close(w);
    assert_false(txn_must_retry(session_txn(a.session), &e)); /* waits, in vain */
    assert_int_equal(e.number, 1222);
    txn_statement_end(session_txn(a.session));
    testclient_close(&b);
}

static void a_set_key_column_changes_keys(void **state) {
    (void)state;
    const Table *t = make("CREATE TABLE t (id int PRIMARY KEY, v int)");
    static const size_t key[] = {0};
    RowWriter *w = begin(t);
    rowwriter_set_columns(w, key, 1);
    assert_true(rowwriter_changes_keys(w));
    end(w, false);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_duplicate_names_its_index_and_key), TEST(rows_are_read_as_the_transaction_has_left_them),
        TEST(a_statement_given_up_leaves_nothing), TEST(a_busy_row_asks_for_a_new_start),
        TEST(a_set_key_column_changes_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
