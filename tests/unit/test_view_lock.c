#include "shop.h"
#include "standin/system/view_lock.h"

static void locks_are_shown_with_their_modes(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(id int NOT NULL PRIMARY KEY, v int) INSERT dbo.t VALUES (1, 1)");
    run(sa, "BEGIN TRAN work UPDATE dbo.t SET v = 2 WHERE id = 1");
    assert_answer(
        sa,
        "SELECT resource_type, request_mode, request_status, request_owner_type FROM sys.dm_tran_locks "
        "WHERE request_session_id = @@SPID ORDER BY resource_type",
        "DATABASE|S|GRANT|SHARED_TRANSACTION_WORKSPACE\nKEY|X|GRANT|TRANSACTION\n"
        "OBJECT|IX|GRANT|TRANSACTION\n");
    assert_answer(sa,
                  "SELECT t.name, t.transaction_state, s.open_transaction_count FROM "
                  "sys.dm_tran_active_transactions AS t JOIN sys.dm_tran_session_transactions AS s ON "
                  "s.transaction_id = t.transaction_id",
                  "work|2|1\n");
    run(sa, "ROLLBACK");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.dm_tran_locks WHERE resource_type <> 'DATABASE'", "0\n");
}

static void who_runs_is_a_request(void **state) {
    (void)state;
    Client *other = client_open(&engine, "shop");
    assert_answer(sa, "SELECT status, command, blocking_session_id FROM sys.dm_exec_requests",
                  "running|SELECT|0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.dm_os_waiting_tasks", "0\n");
    client_close(other);
}

static void without_view_server_state_there_is_nothing_to_see(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE USER reader FOR LOGIN reader");
    Client *reader = client_open_as(&engine, "reader", "p", "shop");
    assert_non_null(strstr(ask(reader, "SELECT * FROM sys.dm_tran_locks"), "ERROR 300: "));
    assert_answer(reader, "SELECT COUNT(*) FROM sys.dm_exec_requests", "1\n");
    client_close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(locks_are_shown_with_their_modes),
        IN_SHOP(who_runs_is_a_request),
        IN_SHOP(without_view_server_state_there_is_nothing_to_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
