#include "engine.h"
#include "standin/builtin/view_row.h"

/* A view of the test's own, registered by a module of its own. */
static const SysColumn COLUMNS[] = {VIEW_INT("number"), VIEW_NAME_N("name"), VIEW_BIT("is_on"),
                                    VIEW_VARBINARY("bytes", 4), VIEW_DATETIME_N("seen")};

static bool fill(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                 Arena *arena, SqlError *e) {
    (void)s, (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COLUMNS));
    view_row_int(&r, database_id);
    view_row_text(&r, "one");
    view_row_zeros(&r, 1);
    view_row_blob(&r, STR_LIT("\x01\x02"));
    view_row_datetime(&r, 0);
    view_row_end(&r);
    view_row_int(&r, 2);
    view_row_text(&r, NULL);
    view_row_int(&r, 1);
    view_row_nulls(&r, 2);
    view_row_end(&r);
    return true;
}

static const SysTable TABLES[] = {VIEW_TABLE("sys", "sample", COLUMNS, fill)};

static void add(SysRegistry *sys, ProcRegistry *procs) {
    (void)procs;
    sysregistry_add_tables(sys, TABLES, VIEW_COUNT(TABLES));
}

static void rows_come_as_they_were_put_together(void **state) {
    (void)state;
    static const ServerModule module = {.name = "sample", .add = add};
    static const ServerModule *const modules[] = {&module, NULL};
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    Engine en = {.dir = "/tmp/engine-XXXXXX"};
    assert_non_null(mkdtemp(en.dir));
    Err e = {0};
    if (!server_open(en.dir, &(ServerOptions){.modules = modules}, &en.server, &e)) fail_msg("%s", e.msg);
    Client *c = client_open(&en, "master");
    assert_answer(c, "SELECT * FROM sys.sample",
                  "1|one|0|0x0102|1970-01-01 00:00:00.000\n2|NULL|1|NULL|NULL\n");
    assert_answer(c, "SELECT name FROM msdb.sys.sample WHERE number = 4", "one\n");
    client_close(c);
    engine_stop(&en);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_come_as_they_were_put_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
