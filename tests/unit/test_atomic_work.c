#include "shop.h"
#include "standin/capture/atomic_work.h"

/* standin.both @fails: two inserts by atomic_run, then a failure if so told. */
static bool insert_two(Session *s, void *arg, SqlError *e) {
    int32_t id = session_current_database(s)->id;
    if (!proc_run(s, id, STR_LIT("INSERT INTO dbo.t VALUES(1); INSERT INTO dbo.t VALUES(2)"), NULL, 0, e))
        return false;
    return !*(bool *)arg || sql_error_set(e, 50001, 16, 1, "told to fail");
}

static bool both(Session *s, ProcCall *call, SqlError *e) {
    bool fails = call->args[0].value.v.i != 0;
    return atomic_run(s, insert_two, &fails, e);
}

static const ProcParam PARAMS[] = {{.name = "@fails", .type = {.id = TYPE_INT}, .is_required = true}};
static const Proc PROCS[] = {{.name = "both", .params = PARAMS, .param_count = 1, .call = both}};

static void add(SysRegistry *sys, ProcRegistry *procs) {
    (void)sys;
    procregistry_add(procs, PROCS, 1);
}

static int open_own(void **state) {
    (void)state;
    static const ServerModule module = {.name = "both", .add = add};
    static const ServerModule *const modules[] = {&module, NULL};
    Err e = {0};
    engine = (Engine){.dir = "/tmp/engine-XXXXXX"};
    assert_non_null(mkdtemp(engine.dir));
    if (!server_open(engine.dir, &(ServerOptions){.modules = modules}, &engine.server, &e))
        fail_msg("%s", e.msg);
    sa = client_open(&engine, "master");
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    run(sa, "CREATE TABLE dbo.t(a int)");
    return 0;
}

static void work_that_succeeds_is_kept(void **state) {
    (void)state;
    run(sa, "EXEC both 0");
    assert_answer(sa, "SELECT COUNT(*), @@TRANCOUNT FROM dbo.t", "2|0\n");
}

static void work_that_fails_leaves_nothing(void **state) {
    (void)state;
    assert_answer(sa, "EXEC both 1", "ERROR 50001: told to fail\n");
    assert_answer(sa, "SELECT COUNT(*), @@TRANCOUNT FROM dbo.t", "0|0\n");
}

static void in_a_transaction_only_the_work_is_undone(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN; INSERT INTO dbo.t VALUES(7)");
    assert_answer(sa, "EXEC both 1", "ERROR 50001: told to fail\n");
    assert_answer(sa, "SELECT a, @@TRANCOUNT FROM dbo.t", "7|1\n");
    run(sa, "EXEC both 0; ROLLBACK");
    assert_answer(sa, "SELECT COUNT(*) FROM dbo.t", "0\n");
}

#define ON_OWN(test) cmocka_unit_test_setup_teardown(test, open_own, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_OWN(work_that_succeeds_is_kept),
        ON_OWN(work_that_fails_leaves_nothing),
        ON_OWN(in_a_transaction_only_the_work_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
