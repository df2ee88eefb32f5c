#include "shop.h"
#include "standin/system/view_session.h"

static void each_client_has_a_row(void **state) {
    (void)state;
    Client *other = client_open(&engine, "shop");
    assert_answer(
        sa, "SELECT COUNT(*), COUNT(DISTINCT session_id) FROM sys.dm_exec_sessions WHERE is_user_process = 1",
        "2|2\n");
    assert_answer(
        sa,
        "SELECT login_name, status, DB_NAME(database_id) FROM sys.dm_exec_sessions WHERE session_id = @@SPID",
        "sa|running|shop\n");
    run(other, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET LOCK_TIMEOUT 7; BEGIN TRAN");
    assert_answer(sa,
                  "SELECT status, transaction_isolation_level, lock_timeout, open_transaction_count FROM "
                  "sys.dm_exec_sessions WHERE session_id <> @@SPID",
                  "sleeping|4|7|1\n");
    assert_answer(sa, "SELECT open_tran FROM master..sysprocesses WHERE spid <> @@SPID", "1\n");
    client_close(other);
    assert_answer(sa, "SELECT COUNT(*) FROM sys.dm_exec_sessions", "1\n");
}

static void a_login_sees_itself_only(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE USER reader FOR LOGIN reader");
    Client *reader = client_open_as(&engine, "reader", "p", "shop");
    assert_answer(reader, "SELECT login_name FROM sys.dm_exec_sessions", "reader\n");
    client_close(reader);
}

static void a_connection_tells_its_transport(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT net_transport, encrypt_option, auth_scheme, client_tcp_port FROM sys.dm_exec_connections "
        "WHERE session_id = @@SPID",
        "TCP|FALSE|SQL|NULL\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(each_client_has_a_row),
        IN_SHOP(a_login_sees_itself_only),
        IN_SHOP(a_connection_tells_its_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
