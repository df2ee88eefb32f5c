/* Whole batches, RPCs and transaction requests against a session: answers as the client sees them. */
#include "collector_sa.h"
#include "standin/exec/session.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open(state);
    ASK(&a, "CREATE DATABASE shop", "");
    ASK(&a, "USE shop", "-5701 Changed database context to 'shop'.\n");
    ASK(&a,
        "CREATE TABLE item (id int IDENTITY PRIMARY KEY, name nvarchar(20) NOT NULL, price money DEFAULT 1)",
        "");
    return 0;
}

/* ---- parameters of RPCs */

static SessionParam text_param(const char *text) {
    return (SessionParam){.type = {.id = TYPE_NVARCHAR, .length = 4000},
                          .value = VALUE_OF_TEXT(str_from(text))};
}

static SessionParam int_param(const char *name, int64_t v, bool is_output) {
    return (SessionParam){
        .name = str_from(name), .type = {.id = TYPE_INT}, .value = VALUE_OF_INT(v), .is_output = is_output};
}

static const char *rpc(const char *name, const SessionParam *params, size_t count) {
    buf_clear(&a.collector.text);
    (void)session_rpc(a.session, str_from(name), params, count, /* no_metadata= */ false);
    return buf_text(&a.collector.text);
}

#define RPC(name, answer, ...)                                                                               \
    do {                                                                                                     \
        const SessionParam params_[] = {__VA_ARGS__};                                                        \
        assert_string_equal(rpc(name, params_, sizeof params_ / sizeof *params_), answer);                   \
    } while (0)

/* ---- tests */

static void results_have_names_types_and_counts(void **state) {
    (void)state;
    a.collector.has_metadata = true;
    ASK(&a,
        "INSERT item (name) VALUES (N'pen'), (N'ink') SELECT id, name, price, price * 2 AS twice FROM item",
        "#2\n[id int not null, name nvarchar(20) not null, price money, twice money]\n1|pen|1.00|2.00\n"
        "2|ink|1.00|2.00\n#2\n");
    ASK(&a, "SET NOCOUNT ON DELETE item SELECT 1", "[ int not null]\n1\n");
    ASK(&a, "SET FMTONLY ON SELECT * FROM item SET FMTONLY OFF",
        "[id int not null, name nvarchar(20) not null, price money]\n");
}

static void executesql_takes_parameters_by_name_and_place(void **state) {
    (void)state;
    RPC("sp_executesql", "42\n#1\n?0\n", text_param("SELECT @x + @y"), text_param("@x int, @y int = 2"),
        int_param("@x", 40, false));
    RPC("[sys].[sp_executesql]", "7\n#1\n?0\n", text_param("SELECT @x"), text_param("@x int"),
        int_param("", 7, false));
    RPC("sp_executesql", "?0\n=@x:8\n", text_param("SET @x = @x + 1"), text_param("@x int OUTPUT"),
        int_param("@x", 7, true));
    RPC("sp_executesql",
        "!8178 The parameterized query expects the parameter '@x', which was not supplied.\n?-6\n",
        text_param("SELECT @x"), text_param("@x int"));
    RPC("sp_nix", "!2812 Could not find stored procedure 'sp_nix'.\n", text_param("x"));
}

static void a_prepared_statement_runs_until_it_is_given_up(void **state) {
    (void)state;
    RPC("sp_prepare", "?0\n=@handle:1\n", int_param("@handle", 0, true), text_param("@n nvarchar(20)"),
        text_param("INSERT item (name) VALUES (@n)"));
    RPC("sp_execute", "#1\n?0\n", int_param("", 1, false), text_param("pen"));
    RPC("sp_execute", "#1\n?0\n", int_param("", 1, false), text_param("ink"));
    RPC("sp_prepexec", "2\n#1\n?0\n=@handle:2\n", int_param("@handle", 0, true), text_param("@i int"),
        text_param("SELECT COUNT(*) FROM item WHERE id > @i"), int_param("", 0, false));
    RPC("sp_unprepare", "?0\n", int_param("", 1, false));
    RPC("sp_execute", "!8179 Could not find prepared statement with handle 1.\n?-6\n",
        int_param("", 1, false), text_param("x"));
    ASK(&a, "ALTER TABLE item ADD extra int NULL", "");
    RPC("sp_execute", "1\n#1\n?0\n", int_param("", 2, false), int_param("", 1, false));
}

static void an_error_in_the_midst_of_rows_comes_after_them(void **state) {
    (void)state;
    ASK(&a, "INSERT item (name, price) VALUES (N'a', 1), (N'b', 0), (N'c', 2)", "#3\n");
    ASK(&a, "SELECT 10 / price FROM item", "10.00\n!8134 Divide by zero error encountered.\n");
}

static void what_an_error_ends_depends_on_it(void **state) {
    (void)state;
    ASK(&a, "INSERT item (name) VALUES (NULL) SELECT @@ERROR",
        "!515 Cannot insert the value NULL into column 'name', table 'shop.dbo.item'; column does not allow "
        "nulls. "
        "INSERT fails.\n-3621 The statement has been terminated.\n515\n#1\n");
    ASK(&a, "SELECT * FROM nix SELECT 1", "!208 Invalid object name 'nix'.\n");
    ASK(&a, "EXEC('SELECT * FROM nix SELECT 1') SELECT 2", "!208 Invalid object name 'nix'.\n2\n#1\n");
    ASK(&a, "BEGIN TRAN SELECT CAST(N'x' AS int) SELECT 1",
        "begin\n!245 Conversion failed when converting the nvarchar value 'x' to data type int.\nrollback\n");
    ASK(&a, "SELECT FROM item", "!156 Incorrect syntax near the keyword 'FROM'.\n");
    ASK(&a, "THROW 50001, N'mine', 3; SELECT 1", "!50001 mine\n");
    ASK(&a, "RAISERROR(N'%d of %s', 16, 1, 3, N'x') SELECT 1", "!50000 3 of x\n1\n#1\n");
    ASK(&a, "RAISERROR(N'x', 20, 1)",
        "!2754 Error severity levels greater than 18 can only be specified by members of the sysadmin role, "
        "using "
        "the WITH LOG option.\n");
    ASK(&a, "RAISERROR(N'x', 20, 1) WITH LOG",
        "!40517 RAISERROR with a severity above 19 isn't supported by this server.\n");
}

static void try_and_catch(void **state) {
    (void)state;
    ASK(&a,
        "BEGIN TRY SELECT 1 / 0 SELECT 'no' END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_LINE() END "
        "CATCH",
        "8134|1\n#1\n");
    ASK(&a, "BEGIN TRY EXEC('SELECT * FROM nix') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH",
        "208\n#1\n");
    ASK(&a,
        "BEGIN TRY BEGIN TRY THROW 50001, N'a', 1 END TRY BEGIN CATCH THROW 50002, N'b', 1 END CATCH END TRY "
        "BEGIN CATCH SELECT ERROR_NUMBER() END CATCH SELECT ERROR_NUMBER()",
        "50002\n#1\nNULL\n#1\n");
    ASK(&a,
        "SET XACT_ABORT ON BEGIN TRAN BEGIN TRY INSERT item (name) VALUES (NULL) END TRY "
        "BEGIN CATCH SELECT XACT_STATE() INSERT item (name) VALUES (N'x') END CATCH",
        "begin\n-1\n#1\n!3930 The current transaction cannot be committed and cannot support operations that "
        "write to "
        "the log file. Roll back the transaction.\nrollback\n");
    ASK(&a, "SET XACT_ABORT OFF", "");
}

static void loops_and_variables(void **state) {
    (void)state;
    ASK(&a,
        "DECLARE @i int = 0, @s nvarchar(20) = N'' WHILE 1 = 1 BEGIN SET @i += 1 IF @i = 2 CONTINUE IF @i > "
        "4 BREAK "
        "SET @s = @s + CAST(@i AS nvarchar(5)) END SELECT @s, @i",
        "134|5\n#1\n");
    ASK(&a, "DECLARE @n int SELECT @n = COUNT(*) FROM item PRINT @n RETURN PRINT 1", "-0 0\n");
    ASK(&a, "SELECT @nix", "!137 Must declare the scalar variable \"@nix\".\n");
}

static void temporary_tables_live_with_the_session(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE #t (a int PRIMARY KEY, b nvarchar(9)) INSERT #t VALUES (1, N'x')", "#1\n");
    ASK(&a, "BEGIN TRAN UPDATE #t SET b = N'y' ROLLBACK SELECT * FROM #t", "begin\n#1\nrollback\n1|x\n#1\n");
    ASK(&a, "DECLARE @t TABLE (a int) BEGIN TRAN INSERT @t VALUES (1) ROLLBACK SELECT * FROM @t",
        "begin\n#1\nrollback\n1\n#1\n");
    (void)session_reset(a.session, false);
    ASK(&a, "SELECT * FROM #t", "!208 Invalid object name '#t'.\n");
    ASK(&a, "SELECT DB_NAME()", "master\n#1\n");
}

static void a_reset_tells_that_it_has_ended_the_transaction_and_keeps_the_isolation_level(void **state) {
    (void)state;
    ASK(&a, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE SET LOCK_TIMEOUT 5 BEGIN TRAN", "begin\n");
    buf_clear(&a.collector.text);
    (void)session_reset(a.session, /* keep_transaction= */ true);
    assert_string_equal(buf_text(&a.collector.text), "");
    ASK(&a, "SELECT @@TRANCOUNT", "1\n#1\n");
    buf_clear(&a.collector.text);
    (void)session_reset(a.session, /* keep_transaction= */ false);
    assert_string_equal(buf_text(&a.collector.text), "rollback\n");
    ASK(&a, "SELECT @@TRANCOUNT, @@LOCK_TIMEOUT", "0|-1\n#1\n");
    assert_int_equal(txn_isolation(session_txn(a.session)), TXN_SERIALIZABLE);
}

static void a_reset_ends_a_session_whose_database_is_gone(void **state) {
    (void)state;
    TestClient b;
    ASK(&a, "USE master CREATE DATABASE gone", "-5701 Changed database context to 'master'.\n");
    testclient_open(&b, server.server, "sa", "gone");
    ASK(&b, "USE master", "-5701 Changed database context to 'master'.\n");
    ASK(&a, "DROP DATABASE gone", "");
    assert_false(session_reset(b.session, /* keep_transaction= */ false));
    ASK(&b, "SELECT DB_NAME()", "master\n#1\n");
    testclient_close(&b);
}

static void a_killed_sessions_rows_all_go(void **state) {
    (void)state;
    TestClient b;
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&a, "BEGIN TRAN INSERT item (name) VALUES (N'mine')", "begin\n#1\n"); /* so the table is shared */
    ASK(&b,
        "SET NOCOUNT ON DECLARE @i int = 1 BEGIN TRAN INSERT item (name) VALUES (N'x') WHILE @i < 30000 "
        "BEGIN "
        "INSERT item (name) SELECT name FROM item WITH (READPAST) SET @i = @i * 2 END",
        "begin\n");
    assert_true(server_kill(server.server, session_spid(b.session)));
    testclient_close(&b);
    testclient_open(&b, server.server, "sa", "shop"); /* of the same session_id */
    ASK(&b, "BEGIN TRAN INSERT item (name) VALUES (N'y')", "begin\n#1\n");
    ASK(&b, "SELECT COUNT(*) FROM item WITH (READPAST)", "1\n#1\n");
    ASK(&b, "COMMIT", "commit\n");
    ASK(&a, "COMMIT SELECT COUNT(*) FROM item", "commit\n2\n#1\n");
    testclient_close(&b);
}

static void requests_of_the_transaction_manager(void **state) {
    (void)state;
    buf_clear(&a.collector.text);
    (void)session_transaction(a.session, SESSION_TM_BEGIN, (Str){0}, 0, false);
    assert_true(session_transaction_descriptor(a.session) != 0);
    assert_string_equal(buf_text(&a.collector.text), "begin\n");
    ASK(&a, "INSERT item (name) VALUES (N'x')", "#1\n");
    buf_clear(&a.collector.text);
    (void)session_transaction(a.session, SESSION_TM_COMMIT, (Str){0}, 0, /* begin_anew= */ true);
    assert_string_equal(buf_text(&a.collector.text), "commit\nbegin\n");
    ASK(&a, "DELETE item", "#1\n");
    buf_clear(&a.collector.text);
    (void)session_transaction(a.session, SESSION_TM_ROLLBACK, (Str){0}, 0, false);
    assert_string_equal(buf_text(&a.collector.text), "rollback\n");
    ASK(&a, "SELECT COUNT(*) FROM item", "1\n#1\n");
}

static void implicit_transactions_begin_with_the_first_table(void **state) {
    (void)state;
    ASK(&a, "SET IMPLICIT_TRANSACTIONS ON SELECT 1", "1\n#1\n");
    ASK(&a, "SELECT COUNT(*) FROM item", "begin\n0\n#1\n");
    ASK(&a, "IF @@TRANCOUNT > 0 COMMIT TRAN", "commit\n");
    ASK(&a, "SET IMPLICIT_TRANSACTIONS OFF", "");
}

static void a_cancelled_request_stops_and_undoes_its_statement(void **state) {
    (void)state;
    ASK(&a,
        "SET NOCOUNT ON DECLARE @i int = 0 WHILE @i < 2000 BEGIN INSERT item (name) VALUES (N'x') SET @i += "
        "1 END",
        "");
    atomic_store(&a.collector.is_cancelled, true);
    (void)testclient_run(&a, "DELETE item");
    atomic_store(&a.collector.is_cancelled, false);
    ASK(&a, "SELECT COUNT(*) FROM item", "2000\n");
}

static void logins_are_checked(void **state) {
    (void)state;
    Collector c;
    OutMessage m;
    collector_init(&c);
    SessionLogin login = {.user = STR_LIT("nobody"), .password = STR_LIT("x")};
    assert_null(session_open(server.server, &login, &c.out, &m));
    assert_int_equal(m.number, 18456);
    login.user = STR_LIT("sa");
    login.database = STR_LIT("nix");
    assert_null(session_open(server.server, &login, &c.out, &m));
    assert_int_equal(m.number, 4060);
}

static void a_restart_keeps_everything(void **state) {
    (void)state;
    ASK(&a, "INSERT item (name) VALUES (N'a'), (N'b') DELETE item", "#2\n#2\n");
    testclient_close(&a);
    server.server = server_close(server.server);
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "shop");
    ASK(&a, "INSERT item (name) VALUES (N'c') SELECT id, name, price FROM item", "#1\n3|c|1.00\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(results_have_names_types_and_counts),
        TEST(executesql_takes_parameters_by_name_and_place),
        TEST(a_prepared_statement_runs_until_it_is_given_up),
        TEST(an_error_in_the_midst_of_rows_comes_after_them),
        TEST(what_an_error_ends_depends_on_it),
        TEST(try_and_catch),
        TEST(loops_and_variables),
        TEST(temporary_tables_live_with_the_session),
        TEST(a_reset_tells_that_it_has_ended_the_transaction_and_keeps_the_isolation_level),
        TEST(a_reset_ends_a_session_whose_database_is_gone),
        TEST(a_killed_sessions_rows_all_go),
        TEST(requests_of_the_transaction_manager),
        TEST(implicit_transactions_begin_with_the_first_table),
        TEST(a_cancelled_request_stops_and_undoes_its_statement),
        TEST(logins_are_checked),
        TEST(a_restart_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
