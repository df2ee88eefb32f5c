/* What procedures written in C may do: a module of the test's own registers some, with functions and views.
 */
#include "collector.h"
#include "standin/exec/proc.h"
#include "test.h"

static TestServer server;
static TestClient a;

/* ---- procedures */

static const Type int_type = {.id = TYPE_INT};

static bool sp_twice(Session *s, ProcCall *call, SqlError *e) {
    (void)s;
    if (call->args[0].value.kind == VALUE_NULL) return sql_error_set(e, 50100, 16, 1, "no number");
    call->outputs[1].value = VALUE_OF_INT(call->args[0].value.v.i * 2);
    call->ret_status = call->args[1].is_default ? 7 : 0;
    return true;
}

static bool count_row(void *arg, const Value *values, size_t count) {
    (void)count;
    *(int64_t *)arg += values[0].v.i;
    return true;
}

static bool sp_table(Session *s, ProcCall *call, SqlError *e) {
    SessionParam p = {.name = STR_LIT("@n"), .type = int_type, .value = call->args[0].value};
    int64_t sum = 0;
    int32_t database_id = session_current_database(s)->id;
    if (!proc_run(s, database_id,
                  STR_LIT("CREATE TABLE dbo.made (a int PRIMARY KEY) INSERT dbo.made VALUES (@n), (@n + 1)"),
                  &p, 1, e) ||
        !proc_query(s, database_id, STR_LIT("SELECT a FROM dbo.made"), NULL, 0, count_row, &sum, e))
        return false;
    OutColumn column = {.name = STR_LIT("sum"), .type = int_type};
    Value row = VALUE_OF_INT(sum);
    return proc_columns(s, &column, 1) && proc_row(s, &row) && proc_rows_done(s) &&
           proc_message(s, 50000, 10, STR_LIT("made")) &&
           proc_query(s, database_id, STR_LIT("SELECT a FROM dbo.made"), NULL, 0, NULL, NULL, e);
}

static bool sp_loud(Session *s, ProcCall *call, SqlError *e) {
    (void)call;
    return proc_run(s, session_current_database(s)->id, STR_LIT("SELECT 1 SELECT 1/0 SELECT * FROM nix"),
                    NULL, 0, e);
}

static const ProcParam twice_params[] = {{.name = "@n", .type = {.id = TYPE_INT}, .is_required = true},
                                         {.name = "@out", .type = {.id = TYPE_BIGINT}, .is_output = true}};
static const ProcParam table_params[] = {{.name = "@n", .type = {.id = TYPE_INT}}};
static const Proc procs[] = {
    {.name = "sp_twice", .params = twice_params, .param_count = 2, .call = sp_twice},
    {.name = "sp_table", .params = table_params, .param_count = 1, .call = sp_table},
    {.name = "sp_loud", .call = sp_loud},
};

/* ---- functions and views */

static bool fn_database(struct Session *s, const Value *args, size_t count, Arena *arena, Value *ret,
                        SqlError *e) {
    (void)count;
    if (args[0].kind == VALUE_INT && args[0].v.i < 0) return sql_error_set(e, 50101, 16, 1, "negative");
    *ret = VALUE_OF_TEXT(arena_str(arena, str_from(session_current_database(s)->name)));
    return true;
}

static bool fill_numbers(struct Session *s, int32_t database_id, const Value *args, size_t count,
                         SysRows *rows, Arena *arena, SqlError *e) {
    (void)s, (void)arena;
    int64_t n = count && args[0].kind == VALUE_INT ? args[0].v.i : 2;
    if (n > 100) return sql_error_set(e, 50102, 16, 1, "too many");
    for (int64_t i = 1; i <= n; i++) {
        Value row[] = {VALUE_OF_INT(i), VALUE_OF_INT(database_id)};
        sysrows_add(rows, row);
    }
    return true;
}

static const SysParam number_param[] = {{.name = "@n", .type = {.id = TYPE_INT}, .is_optional = true}};
static const SysFunction functions[] = {{.schema = "sys",
                                         .name = "fn_database",
                                         .result = {.id = TYPE_NVARCHAR, .length = 128},
                                         .params = number_param,
                                         .param_count = 1,
                                         .call = fn_database}};
static const SysColumn number_columns[] = {{.name = {"n", 1}, .type = {.id = TYPE_INT}},
                                           {.name = {"db", 2}, .type = {.id = TYPE_INT}}};
static const SysTable tables[] = {
    {.schema = "sys",
     .name = "numbers",
     .kind = SYS_ROWS,
     .columns = number_columns,
     .column_count = 2,
     .fill = fill_numbers},
    {.schema = "sys",
     .name = "fn_numbers",
     .kind = SYS_ROWS,
     .is_function = true,
     .columns = number_columns,
     .column_count = 2,
     .params = number_param,
     .param_count = 1,
     .fill = fill_numbers},
    {.schema = "sys",
     .name = "fn_double",
     .kind = SYS_SQL,
     .is_function = true,
     .params = number_param,
     .param_count = 1,
     .sql = "SELECT n * 2 AS twice FROM sys.fn_numbers(@n) WHERE n <= @n"},
    {.schema = "sys", .name = "made_too", .kind = SYS_SQL, .sql = "SELECT a FROM dbo.made"},
};

static void add(SysRegistry *sys, ProcRegistry *registry) {
    procregistry_add(registry, procs, sizeof procs / sizeof *procs);
    sysregistry_add_functions(sys, functions, 1);
    sysregistry_add_tables(sys, tables, sizeof tables / sizeof *tables);
}

static int started;

static bool start(Server *s, void **ret_state, Err *e) {
    (void)s, (void)e;
    *ret_state = &started;
    started++;
    return true;
}

static void stop(void *state) {
    --*(int *)state;
}

static const ServerModule module = {.name = "test", .add = add, .start = start, .stop = stop};
static const ServerModule *const modules[] = {&module, NULL};

static int setup(void **state) {
    (void)state;
    static const ServerOptions options = {.modules = modules};
    server = (TestServer){0};
    testserver_open(&server, &options);
    testclient_open(&a, server.server, "sa", "");
    ASK(&a, "CREATE DATABASE shop CREATE LOGIN joe WITH PASSWORD = 'x'", "");
    (void)testclient_run(&a, "USE shop CREATE USER joe");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    testclient_close(&a);
    assert_int_equal(started, 1);
    testserver_close(&server);
    assert_int_equal(started, 0);
    return 0;
}

static void arguments_and_results_go_both_ways(void **state) {
    (void)state;
    ASK(&a, "DECLARE @r int, @o int EXEC @r = sp_twice 21, @o OUTPUT SELECT @r, @o", "?0\n0|42\n#1\n");
    ASK(&a, "DECLARE @r int EXEC @r = shop..sp_twice @n = '4' SELECT @r", "?7\n7\n#1\n");
    ASK(&a, "EXEC sp_twice",
        "!201 Procedure or function 'sp_twice' expects parameter '@n', which was not supplied.\n");
    ASK(&a, "EXEC sp_twice 1, 2, 3",
        "!8144 Procedure or function sp_twice has too many arguments specified.\n");
    ASK(&a, "EXEC sp_twice @x = 1", "!8145 @x is not a parameter for procedure sp_twice.\n");
    ASK(&a, "EXEC sp_twice 'x'", "!8114 Error converting data type varchar to int.\n");
    ASK(&a, "EXEC sp_twice NULL SELECT 1", "!50100 no number\n1\n#1\n");
}

static void a_procedure_runs_sql_of_its_own(void **state) {
    (void)state;
    ASK(&a, "EXEC sp_table 5", "11\n#1\n-50000 made\n5\n6\n#2\n?0\n");
    ASK(&a, "BEGIN TRAN DROP TABLE made EXEC sp_table 1 ROLLBACK SELECT * FROM made",
        "begin\n3\n#1\n-50000 made\n1\n2\n#2\n?0\nrollback\n5\n6\n#2\n");
    ASK(&a, "EXEC sp_table 1", "!2714 There is already an object named 'made' in the database.\n");
    ASK(&a, "EXEC sp_loud SELECT 1", "!8134 Divide by zero error encountered.\n1\n#1\n");
    ASK(&a, "BEGIN TRY EXEC sp_loud END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH", "8134\n#1\n");
}

static void functions_and_views_are_part_of_the_language(void **state) {
    (void)state;
    ASK(&a, "SELECT sys.fn_database(1), master.sys.fn_database(1)", "shop|master\n#1\n");
    ASK(&a, "SELECT sys.fn_database(-1)", "!50101 negative\n");
    ASK(&a,
        "SELECT n, db - DB_ID() FROM sys.numbers WHERE n > 1 SELECT db FROM master.sys.numbers WHERE n = 1",
        "2|0\n#1\n1\n#1\n");
    ASK(&a, "SELECT SUM(n) FROM sys.fn_numbers(4) SELECT * FROM sys.fn_numbers(101)",
        "10\n#1\n!50102 too many\n");
    ASK(&a, "DECLARE @x int = 3 SELECT * FROM sys.fn_double(@x) ORDER BY twice DESC", "6\n4\n2\n#3\n");
}

static void system_views_need_no_grant_on_what_they_read(void **state) {
    (void)state;
    (void)testclient_run(&a, "EXEC sp_table 5");
    TestClient joe;
    testclient_open(&joe, server.server, "joe", "shop");
    ASK(&joe, "SELECT COUNT(*) FROM dbo.made",
        "!229 The SELECT permission was denied on the object 'made', database 'shop', schema 'dbo'.\n");
    ASK(&joe, "SELECT COUNT(*) FROM sys.made_too", "2\n#1\n");
    testclient_close(&joe);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(arguments_and_results_go_both_ways),
        TEST(a_procedure_runs_sql_of_its_own),
        TEST(functions_and_views_are_part_of_the_language),
        TEST(system_views_need_no_grant_on_what_they_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
