#include "sqlserver/signal_inbox.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "fake_shop.h"

typedef struct Rig {
    Odbc *odbc;
    Plan *plan;
    SignalInbox *inbox;
    Err e;
} Rig;

static Lsn lsn(uint8_t n) {
    return (Lsn){{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, n}};
}
static Position end_of(uint8_t n) {
    return position_end_of(&(Lsn){{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, n}});
}

/* A plan that streams dbo.T at LSN 2. */
static Plan *streaming(void) {
    PlanTableSpec spec = {.schema = STR_LIT("dbo"), .table = STR_LIT("T")};
    StoredTable table = {.schema = "dbo", .table = "T", .is_done = true, .instance = 100, .fingerprint = 7};
    StoredState stored = {.has_position = true, .position = end_of(2), .tables = &table, .table_count = 1};
    PlanInstance instance = {.object_id = 100, .start_lsn = lsn(1), .fingerprint = 7};
    Plan *p = plan_new(PLAN_INITIAL, &spec, 1, &stored);
    PlanReading reading = {.max_lsn = lsn(3), .to_lsn = lsn(3), .instances = &instance, .instance_count = 1};
    plan_reading(p, &reading);
    return p;
}

static Rig rig(const SignalInboxSpec *spec) {
    Rig r = {.plan = streaming(), .inbox = signal_inbox_new(spec)};
    OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .database = "Shop", .user = "reader"};
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT ct.capture_instance, cc.column_name",
                         .results = {"tt\ndbo_sig|Id\ndbo_sig|type]\ndbo_sig|Data\n"}});
    if (!odbc_connect(&target, &r.odbc, &r.e)) fail_msg("%s", r.e.msg);
    return r;
}

static void rig_done(Rig *r) {
    signal_inbox_free(r->inbox);
    plan_free(r->plan);
    odbc_close(r->odbc);
}

static bool read_to(Rig *r, uint8_t from, uint8_t to) {
    Position at = end_of(from);
    Lsn end = lsn(to);
    return signal_inbox_read(r->inbox, r->odbc, &at, &end, &r->e);
}

static void a_command_is_answered_behind_what_it_brings_about(void **state) {
    (void)state;
    SignalInboxSpec spec = {0};
    Rig r = rig(&spec);
    SignalText text = {
        .id = "12", .type = "execute-snapshot", .data = "{\"data-collections\": [\"Shop.dbo.T\"]}"};
    signal_inbox_command(r.inbox, &text);
    assert_true(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    assert_false(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    assert_null(signal_inbox_answer(r.inbox, r.plan)); /* not announced yet */
    PlanAction a;
    assert_true(plan_next(r.plan, &a, &r.e));
    assert_int_equal(a.kind, PLAN_ANNOUNCE);
    plan_announced(r.plan, 0);
    Batch *answer = signal_inbox_answer(r.inbox, r.plan);
    assert_non_null(answer);
    assert_int_equal(answer->kind, BATCH_ANSWER);
    assert_true(str_eq_c(answer->answer_to, "12"));
    assert_true(str_eq_c(answer->answer, "dbo.T: snapshot begins"));
    batch_free(answer);
    assert_null(signal_inbox_answer(r.inbox, r.plan));
    rig_done(&r);
}

static void a_command_that_makes_no_sense_is_refused(void **state) {
    (void)state;
    SignalInboxSpec spec = {0};
    Rig r = rig(&spec);
    SignalText text = {.id = "1", .type = "explode"};
    signal_inbox_command(r.inbox, &text);
    assert_true(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    Batch *answer = signal_inbox_answer(r.inbox, r.plan);
    assert_true(str_starts(answer->answer, STR_LIT("refused: type 'explode'")));
    batch_free(answer);
    rig_done(&r);
}

static void the_streams_signals_are_read_once_up_to_the_readings_end(void **state) {
    (void)state;
    SignalInboxSpec spec = {.table = "Shop.dbo.sig"};
    Rig r = rig(&spec);
    fake_rule(
        (FakeRule){.match = "SELECT [Id], [type]]], [Data] FROM cdc.[dbo_sig_CT]",
                   .results = {"ttt\na|execute-snapshot|{\"data-collections\": [\"dbo.T\"]}\nb|log|~\n"}});
    assert_true(signal_inbox_check(r.inbox, r.odbc, &r.e));
    assert_true(read_to(&r, 2, 3));
    assert_true(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    assert_true(plan_has_wishes(r.plan));
    assert_true(read_to(&r, 2, 3)); /* nothing new: nothing is asked */
    assert_false(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    assert_null(signal_inbox_answer(r.inbox, r.plan)); /* nobody waits for one */
    rig_done(&r);
}

static void a_signal_table_that_isnt_captured_has_its_cure(void **state) {
    (void)state;
    SignalInboxSpec spec = {.table = "sig"};
    Rig r = rig(&spec);
    fake_rule((FakeRule){.match = "SELECT ct.capture_instance, cc.column_name", .results = {"tt\n"}});
    assert_false(signal_inbox_check(r.inbox, r.odbc, &r.e));
    assert_int_equal(r.e.code, ERR_INVALID);
    assert_non_null(strstr(r.e.msg, "sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'sig'"));
    rig_done(&r);
}

static void a_signal_table_that_is_dropped_is_no_failure(void **state) {
    (void)state;
    SignalInboxSpec spec = {.table = "dbo.sig"};
    Rig r = rig(&spec);
    fake_rule((FakeRule){.match = "FROM cdc.[dbo_sig_CT]", .native = 208, .state = "42S02"});
    assert_true(read_to(&r, 2, 3));
    assert_false(signal_inbox_obey(r.inbox, r.plan, "Shop", 0));
    rig_done(&r);
}

static void a_file_is_read_line_by_line_and_emptied(void **state) {
    (void)state;
    char path[] = "/tmp/signal_inbox.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char lines[] = "no JSON\n\n{\"id\": \"1\", \"data\": {}}\n"
                                "{\"id\": \"2\", \"type\": \"execute-snapshot\", \"data\": "
                                "{\"data-collections\": [\"dbo.T\"]}}\n";
    assert_int_equal(write(fd, lines, sizeof lines - 1), (ssize_t)(sizeof lines - 1));
    SignalInboxSpec spec = {.file = path, .file_poll_ms = 10};
    Rig r = rig(&spec);
    assert_true(signal_inbox_obey(r.inbox, r.plan, "Shop", 5000));
    assert_true(plan_has_wishes(r.plan));
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    assert_int_equal(write(fd, lines, sizeof lines - 1), (ssize_t)(sizeof lines - 1));
    assert_false(signal_inbox_obey(r.inbox, r.plan, "Shop", 14999)); /* not yet */
    assert_true(signal_inbox_obey(r.inbox, r.plan, "Shop", 15000));
    (void)close(fd);
    (void)unlink(path);
    assert_false(signal_inbox_obey(r.inbox, r.plan, "Shop", 100000)); /* there need not be one */
    rig_done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_answered_behind_what_it_brings_about),
        cmocka_unit_test(a_command_that_makes_no_sense_is_refused),
        cmocka_unit_test(the_streams_signals_are_read_once_up_to_the_readings_end),
        cmocka_unit_test(a_signal_table_that_isnt_captured_has_its_cure),
        cmocka_unit_test(a_signal_table_that_is_dropped_is_no_failure),
        cmocka_unit_test(a_file_is_read_line_by_line_and_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
