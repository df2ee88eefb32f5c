#include "pipeline/signal.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

typedef struct Rig {
    Plan *plan;
    Buf answer;
} Rig;

static Lsn lsn(uint8_t n) {
    return (Lsn){{[9] = n}};
}

/* dbo.orders, dbo.items, and sales.heap, which has no key; all copied, at LSN 9. */
static Rig rig(void) {
    static const PlanTableSpec specs[] = {
        {.schema = {"dbo", 3}, .table = {"orders", 6}},
        {.schema = {"dbo", 3}, .table = {"items", 5}},
        {.schema = {"sales", 5}, .table = {"heap", 4}, .is_keyless = true},
    };
    StoredTable tables[3] = {{.schema = "dbo", .table = "orders"},
                             {.schema = "dbo", .table = "items"},
                             {.schema = "sales", .table = "heap"}};
    PlanInstance instances[3];
    for (size_t i = 0; i < 3; i++) {
        tables[i].is_done = tables[i].is_whole = true;
        tables[i].instance = 100 + (int32_t)i;
        tables[i].fingerprint = i + 1;
        instances[i] = (PlanInstance){.table = i,
                                      .object_id = 100 + (int32_t)i,
                                      .start_lsn = lsn(3),
                                      .fingerprint = i + 1,
                                      .is_keyless = i == 2};
    }
    Lsn at = lsn(9);
    StoredState stored = {
        .has_position = true, .position = position_end_of(&at), .tables = tables, .table_count = 3};
    Rig r = {.plan = plan_new(PLAN_INITIAL, specs, 3, &stored)};
    PlanReading reading = {
        .max_lsn = lsn(9), .to_lsn = lsn(9), .now_us = 1, .instances = instances, .instance_count = 3};
    plan_reading(r.plan, &reading);
    return r;
}

static const char *answer(Rig *r, const char *type, const char *data) {
    Signal *s = NULL;
    Err e = {0};
    if (!signal_parse(str_from(type), str_from(data), &s, &e)) fail_msg("%s", e.msg);
    buf_clear(&r->answer);
    signal_apply(s, r->plan, "Shop", &r->answer);
    signal_free(s);
    return buf_text(&r->answer);
}

static void rig_done(Rig *r) {
    plan_free(r->plan);
    buf_done(&r->answer);
}

static void a_snapshot_is_asked_for_by_expressions_over_both_forms_of_a_name(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(
        answer(&r, "execute-snapshot", "{\"data-collections\": [\"shop.DBO.o.*\", \"sales[.]heap\"]}"),
        "dbo.orders: snapshot begins; "
        "sales.heap: refused: it has no key, so its rows can't be upserted: name one by message.key.columns");
    PlanAction a;
    Err e = {0};
    assert_true(plan_next(r.plan, &a, &e));
    assert_int_equal(a.kind, PLAN_ANNOUNCE);
    assert_int_equal(a.table, 0);
    assert_int_equal(a.table_info.asked, BATCH_ASKED);
    rig_done(&r);
}

static void a_surrogate_key_makes_no_key_and_isnt_needed_beside_one(void **state) {
    (void)state;
    Rig r = rig();
    static const char keyless[] = "sales.heap: refused: it has no key, so its rows can't be upserted, and "
                                  "surrogate-key only names an order to read them in: name a key by "
                                  "message.key.columns";
    assert_string_equal(
        answer(&r, "execute-snapshot", "{\"data-collections\": [\"sales.heap\"], \"surrogate-key\": \"id\"}"),
        keyless);
    CLEANUP(buf_done) Buf both = {0};
    buf_printf(&both,
               "dbo.items: snapshot begins; %s; surrogate-key isn't needed: rows are read along the table's "
               "own key",
               keyless);
    assert_string_equal(
        answer(&r, "execute-snapshot",
               "{\"data-collections\": [\"dbo.items\", \"sales.heap\"], \"surrogate-key\": \"id\"}"),
        buf_text(&both));
    assert_string_equal(answer(&r, "execute-snapshot",
                               "{\"data-collections\": [\"dbo.nothing\"], \"surrogate-key\": \"id\"}"),
                        "refused: no table of the pipeline matches");
    rig_done(&r);
}

static void a_comma_in_an_expression_is_a_part_of_it(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(answer(&r, "execute-snapshot",
                               "{\"data-collections\": [\"dbo[.]\\\\w{5,6}\"], \"type\": \"BLOCKING\"}"),
                        "dbo.orders: blocking snapshot begins; dbo.items: blocking snapshot begins");
    rig_done(&r);
}

static void a_filter_goes_to_the_tables_that_its_expression_matches(void **state) {
    (void)state;
    Rig r = rig();
    (void)answer(&r, "execute-snapshot",
                 "{\"data-collections\": [\"dbo.items\"], \"additional-conditions\": "
                 "[{\"data-collection\": \"dbo.orders\", \"filter\": \"a = 1\"}, "
                 "{\"data-collection\": \"Shop.dbo.items\", \"filter\": \"b = 2\"}]}");
    PlanAction a;
    Err e = {0};
    assert_true(plan_next(r.plan, &a, &e));
    assert_int_equal(a.table, 1);
    assert_true(str_eq_c(a.table_info.filter, "b = 2"));
    rig_done(&r);
}

static void without_names_what_is_under_way_is_meant(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(answer(&r, "stop-snapshot", ""), "no ad-hoc snapshot is under way");
    (void)answer(&r, "execute-snapshot", "{\"data-collections\": [\"dbo.items\"]}");
    assert_string_equal(answer(&r, "pause-snapshot", "{}"), "dbo.items: snapshot paused");
    assert_string_equal(answer(&r, "resume-snapshot", "{\"type\": \"incremental\"}"),
                        "dbo.items: snapshot resumed");
    assert_string_equal(answer(&r, "stop-snapshot", "{\"data-collections\": []}"),
                        "dbo.items: snapshot stopped");
    assert_string_equal(answer(&r, "stop-snapshot", "{\"data-collections\": [\"dbo.items\"]}"),
                        "dbo.items: no ad-hoc snapshot of it is under way");
    rig_done(&r);
}

static void a_name_that_matches_nothing_is_told(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(answer(&r, "execute-snapshot", "{\"data-collections\": [\"orders\"]}"),
                        "refused: no table of the pipeline matches");
    rig_done(&r);
}

static void a_log_line_has_the_position_in_its_hole(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(answer(&r, "log", "{\"message\": \"here\"}"), "here");
    assert_non_null(strstr(answer(&r, "log", "{\"message\": \"at {}!\"}"), "00000000:00000000:0009"));
    rig_done(&r);
}

static void a_jvm_connectors_marks_are_let_pass(void **state) {
    (void)state;
    Rig r = rig();
    assert_string_equal(answer(&r, "snapshot-window-open", "{\"openWindowTimestamp\": \"x\"}"),
                        "no marks are needed");
    assert_string_equal(answer(&r, "snapshot-window-close", "no JSON"), "no marks are needed");
    rig_done(&r);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const char *const bad[][3] = {
        {"explode", "{}", "type 'explode' isn't one of execute-snapshot"},
        {"execute-snapshot", "{}", "data-collections"},
        {"execute-snapshot", "[1]", "isn't a JSON object"},
        {"execute-snapshot", "{", "isn't a JSON object"},
        {"execute-snapshot", "{\"data-collections\": \"a\"}", "isn't an array"},
        {"execute-snapshot", "{\"data-collections\": [1]}", "isn't a name"},
        {"execute-snapshot", "{\"data-collections\": [\"(\"]}", "data-collections"},
        {"execute-snapshot", "{\"data-collections\": [\"a\"], \"type\": \"big\"}", "incremental or blocking"},
        {"execute-snapshot", "{\"data-collections\": [\"a\"], \"additional-condition\": \"x\"}",
         "additional-conditions"},
        {"execute-snapshot",
         "{\"data-collections\": [\"a\"], \"additional-conditions\": [{\"filter\": \"x\"}]}",
         "data-collection"},
        {"execute-snapshot",
         "{\"data-collections\": [\"a\"], \"additional-conditions\": [{\"data-collection\": \"a\", "
         "\"filter\": "
         "\" select * from a\"}]}",
         "not a SELECT"},
        {"log", "", "message"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Signal *s = NULL;
        Err e = {0};
        assert_false(signal_parse(str_from(bad[i][0]), str_from(bad[i][1]), &s, &e));
        assert_null(s);
        assert_int_equal(e.code, ERR_INVALID);
        if (!strstr(e.msg, bad[i][2])) fail_msg("%zu: %s", i, e.msg);
    }
}

static void a_list_of_texts_owns_them(void **state) {
    (void)state;
    SignalList l = {0};
    signal_list_add(&l, signal_text(STR_LIT("1"), STR_LIT("log"), (Str){0}));
    signal_list_add(&l, signal_text(STR_LIT("2"), STR_LIT("log"), STR_LIT("{}")));
    assert_int_equal(l.count, 2);
    assert_null(l.items[0].data);
    assert_string_equal(l.items[1].data, "{}");
    signal_list_done(&l);
    assert_int_equal(l.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_asked_for_by_expressions_over_both_forms_of_a_name),
        cmocka_unit_test(a_surrogate_key_makes_no_key_and_isnt_needed_beside_one),
        cmocka_unit_test(a_comma_in_an_expression_is_a_part_of_it),
        cmocka_unit_test(a_filter_goes_to_the_tables_that_its_expression_matches),
        cmocka_unit_test(without_names_what_is_under_way_is_meant),
        cmocka_unit_test(a_name_that_matches_nothing_is_told),
        cmocka_unit_test(a_log_line_has_the_position_in_its_hole),
        cmocka_unit_test(a_jvm_connectors_marks_are_let_pass),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_list_of_texts_owns_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
