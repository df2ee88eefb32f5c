/* Offsets in the bytes of Connect. The order of a map's entries is Java's (java_map.h). */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "convert/connect_offset.h"

static Lsn lsn(const char *text) {
    Lsn v = {{0}};
    Err e = {0};
    assert_true(lsn_parse(text, &v, &e));
    return v;
}

static void expect(const ConnectOffset *o, WireVersion version, const char *want) {
    Buf b = {0};
    connect_offset_value(o, version, &b);
    assert_string_equal(buf_text(&b), want);
    buf_done(&b);
}

static void keys_are_those_of_connect(void **state) {
    (void)state;
    Buf b = {0};
    Arena a = {0};
    Str database;
    connect_offset_key(STR_LIT("c\"1"), STR_LIT("sales"), STR_LIT("Shop"), &b);
    assert_string_equal(buf_text(&b), "[\"c\\\"1\",{\"server\":\"sales\",\"database\":\"Shop\"}]");
    assert_true(connect_offset_read_key(buf_view(&b), STR_LIT("c\"1"), STR_LIT("sales"), &a, &database));
    assert_string_equal(database.p, "Shop");
    assert_false(connect_offset_read_key(buf_view(&b), STR_LIT("c2"), STR_LIT("sales"), &a, &database));
    assert_false(connect_offset_read_key(buf_view(&b), STR_LIT("c\"1"), STR_LIT("sale"), &a, &database));
    assert_false(
        connect_offset_read_key(STR_LIT("[\"c2\",7]"), STR_LIT("c2"), STR_LIT("sales"), &a, &database));
    buf_done(&b);
    arena_done(&a);
}

static void an_incremental_snapshot_in_progress_is_read(void **state) {
    (void)state;
    static const char *const values[][2] = {
        {"\"[{\\\"incremental_snapshot_collections_id\\\":\\\"db.dbo.a\\\",\\\"incremental_snapshot_"
         "collections_"
         "additional_condition\\\":null},{\\\"incremental_snapshot_collections_id\\\":\\\"db.dbo.b\\\"}]\"",
         "db.dbo.a, db.dbo.b"},
        {"\"db.dbo.c\"", "db.dbo.c"}, /* another form: shown as it is */
        {"null", ""},
    };
    for (size_t i = 0; i < 3; i++) {
        Arena a = {0};
        Err e = {0};
        ConnectOffset o;
        CLEANUP(buf_done) Buf text = {0};
        buf_printf(&text,
                   "{\"commit_lsn\":\"00000027:00000a10:0003\",\"incremental_snapshot_maximum_key\":\"x\","
                   "\"incremental_snapshot_collections\":%s}",
                   values[i][0]);
        if (!connect_offset_read(buf_view(&text), &a, &o, &e)) fail_msg("%s", e.msg);
        assert_true(str_eq_c(o.incremental, values[i][1]));
        arena_done(&a);
    }
}

static void values_are_those_of_debezium(void **state) {
    (void)state;
    ConnectOffset o = {.commit_lsn = lsn("00000027:00000a10:0003"),
                       .change_lsn = lsn("00000027:00000a10:0002"),
                       .has_change = true,
                       .event_serial_no = 2};
    expect(&o, WIRE_2_7,
           "{\"event_serial_no\":2,\"commit_lsn\":\"00000027:00000a10:0003\",\"change_lsn\":\"00000027:"
           "00000a10:0002\"}");
    ConnectOffsetCount counts[] = {{STR_LIT("Shop.dbo.Item"), 3}};
    o.transaction_id = STR_LIT("00000027:00000a10:0003");
    o.counts = counts;
    o.count_count = 1;
    o.has_change = false;
    Buf b = {0};
    connect_offset_value(&o, WIRE_2_7, &b);
    assert_non_null(strstr(buf_text(&b), "\"transaction_id\":\"00000027:00000a10:0003\""));
    assert_non_null(strstr(buf_text(&b), "\"transaction_data_collection_order_Shop.dbo.Item\":3"));
    assert_non_null(strstr(buf_text(&b), "\"change_lsn\":\"NULL\""));
    buf_done(&b);
    o.is_snapshot = true;
    expect(&o, WIRE_2_7,
           "{\"commit_lsn\":\"00000027:00000a10:0003\",\"snapshot\":true,\"snapshot_completed\":false}");
    o.is_snapshot_completed = true;
    expect(
        &o, WIRE_3_0,
        "{\"commit_lsn\":\"00000027:00000a10:0003\",\"snapshot\":\"INITIAL\",\"snapshot_completed\":true}");
}

static void every_value_is_read_back(void **state) {
    (void)state;
    ConnectOffsetCount counts[] = {{STR_LIT("Shop.dbo.Item"), 3}, {STR_LIT("Shop.dbo.B c"), 1}};
    ConnectOffset made[] = {
        {.commit_lsn = lsn("00000027:00000a10:0003"), .is_snapshot = true},
        {.commit_lsn = lsn("00000027:00000a10:0003"), .is_snapshot = true, .is_snapshot_completed = true},
        {.commit_lsn = lsn("00000027:00000a10:0003"), .event_serial_no = 1},
        {.commit_lsn = lsn("00000027:00000a10:0003"),
         .change_lsn = lsn("00000027:00000a10:0002"),
         .has_change = true,
         .event_serial_no = 7,
         .transaction_id = STR_LIT("00000027:00000a10:0003"),
         .counts = counts,
         .count_count = 2}};
    for (size_t i = 0; i < 8; i++) {
        ConnectOffset *o = &made[i % 4], back;
        Buf b = {0}, again = {0};
        Arena a = {0};
        Err e = {0};
        WireVersion version = i < 4 ? WIRE_2_7 : WIRE_3_0;
        connect_offset_value(o, version, &b);
        assert_true(connect_offset_read(buf_view(&b), &a, &back, &e));
        connect_offset_value(&back, version, &again);
        assert_string_equal(buf_text(&b), buf_text(&again));
        assert_int_equal(back.is_snapshot, o->is_snapshot);
        buf_done(&b);
        buf_done(&again);
        arena_done(&a);
    }
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "null",
                                      "[]",
                                      "{}",
                                      "{\"commit_lsn\":7}",
                                      "{\"commit_lsn\":\"7\"}",
                                      "{\"lsn\":12}",
                                      "{\"commit_lsn\":\"NULL\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ConnectOffset o;
        Arena a = {0};
        Err e = {0};
        assert_false(connect_offset_read(str_from(bad[i]), &a, &o, &e));
        assert_int_equal(e.code, ERR_INVALID);
        arena_done(&a);
    }
}

static void an_offset_covers_what_debezium_would_skip(void **state) {
    (void)state;
    ConnectOffset o = {.commit_lsn = lsn("00000027:00000a10:0003"),
                       .change_lsn = lsn("00000027:00000a10:0002"),
                       .has_change = true,
                       .event_serial_no = 2};
    Lsn commit = o.commit_lsn, change = o.change_lsn, earlier = lsn("00000027:00000a10:0001"),
        later = lsn("00000027:00000a10:0004");
    assert_true(connect_offset_covers(&o, &earlier, &later, 9));
    assert_true(connect_offset_covers(&o, &commit, &earlier, 9));
    assert_true(connect_offset_covers(&o, &commit, &change, 2));
    assert_false(connect_offset_covers(&o, &commit, &change, 3));
    assert_false(connect_offset_covers(&o, &commit, &later, 1));
    assert_false(connect_offset_covers(&o, &later, &earlier, 1));
    o.is_snapshot = true;
    assert_true(connect_offset_covers(&o, &commit, &later, 1));
    o.is_snapshot = o.has_change = false;
    assert_false(connect_offset_covers(&o, &commit, &earlier, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_connect),
        cmocka_unit_test(an_incremental_snapshot_in_progress_is_read),
        cmocka_unit_test(values_are_those_of_debezium),
        cmocka_unit_test(every_value_is_read_back),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(an_offset_covers_what_debezium_would_skip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
