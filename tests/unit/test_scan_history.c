#include "standin/capture/scan_history.h"
#include "test.h"

static ScanRecord scan(int32_t database_id, uint64_t transactions) {
    return (ScanRecord){.database_id = database_id,
                        .transactions = transactions,
                        .commands = transactions * 2,
                        .start_us = 1,
                        .end_us = 2};
}

static void empty_scans_in_a_row_share_one_record(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanRecord empty = scan(5, 0), full = scan(5, 3), got[SCAN_HISTORY_SESSIONS + 2];
    assert_int_equal(scan_history_add(h, &empty), 1);
    assert_int_equal(scan_history_add(h, &empty), 1);
    assert_int_equal(scan_history_add(h, &full), 2);
    assert_int_equal(scan_history_add(h, &empty), 3);
    assert_int_equal(scan_history_scans(h, 5, got), 4);
    assert_int_equal(got[1].empty_scans, 2);
    assert_int_equal(got[2].transactions, 3);
    h = scan_history_free(h);
}

static void the_aggregate_counts_what_the_ring_has_forgotten(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanRecord full = scan(5, 1), other = scan(6, 7), got[SCAN_HISTORY_SESSIONS + 2];
    for (int i = 0; i < SCAN_HISTORY_SESSIONS + 10; i++) (void)scan_history_add(h, &full);
    (void)scan_history_add(h, &other);
    assert_int_equal(scan_history_scans(h, 5, got), SCAN_HISTORY_SESSIONS);
    assert_int_equal(got[0].session_id, SCAN_HISTORY_AGGREGATE);
    assert_int_equal(got[0].transactions, SCAN_HISTORY_SESSIONS + 10);
    assert_int_equal(got[0].commands, 2 * (SCAN_HISTORY_SESSIONS + 10));
    h = scan_history_free(h);
}

static void errors_are_kept_by_database_in_their_order(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanError got[SCAN_HISTORY_ERRORS];
    for (int32_t i = 0; i < 3; i++)
        scan_history_add_error(h, &(ScanError){.database_id = i == 1 ? 6 : 5, .number = 2628 + i});
    assert_int_equal(scan_history_errors(h, 5, got), 2);
    assert_int_equal(got[0].number, 2628);
    assert_int_equal(got[1].number, 2630);
    h = scan_history_free(h);
}

static void errors_of_old_sessions_are_forgotten(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanError got[SCAN_HISTORY_ERRORS];
    ScanRecord failed = scan(5, 0);
    failed.errors = 1;
    int32_t last = 0;
    for (int i = 0; i < SCAN_HISTORY_SESSIONS + 3; i++) {
        last = scan_history_add(h, &failed);
        for (int k = 0; k < 2; k++)
            scan_history_add_error(h, &(ScanError){.session_id = last, .database_id = 5, .number = 1 + k});
    }
    assert_int_equal(scan_history_errors(h, 5, got), 2 * SCAN_HISTORY_SESSIONS);
    assert_int_equal(got[0].session_id, last - SCAN_HISTORY_SESSIONS + 1);
    h = scan_history_free(h);
}

static void a_scan_that_goes_on_is_shown_until_it_ends(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanRecord full = scan(5, 1), got[SCAN_HISTORY_SESSIONS + 2];
    assert_int_equal(scan_history_add(h, &full), 1);
    scan_history_set_active(h, &full);
    assert_int_equal(scan_history_scans(h, 6, got), 1);
    assert_int_equal(scan_history_scans(h, 5, got), 3);
    assert_int_equal(got[2].session_id, 2);
    assert_int_equal(got[2].end_us, 0);
    assert_int_equal(scan_history_add(h, &full), 2);
    assert_int_equal(scan_history_scans(h, 5, got), 3);
    assert_int_equal(got[2].end_us, 2);
    h = scan_history_free(h);
}

static void latency_is_from_the_last_change_to_the_end(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanRecord late = scan(5, 1), prompt = scan(5, 1), got[SCAN_HISTORY_SESSIONS + 2];
    late.end_us = 9000000;
    late.last_commit_cdc_us = 2000000;
    prompt.end_us = prompt.last_commit_cdc_us = 10000000;
    (void)scan_history_add(h, &late);
    (void)scan_history_add(h, &prompt);
    assert_int_equal(scan_history_scans(h, 5, got), 3);
    assert_int_equal(got[0].latency_s, 7); /* the last that wasn't 0 */
    assert_int_equal(got[1].latency_s, 7);
    assert_int_equal(got[2].latency_s, 0);
    assert_int_equal(got[0].duration_s, got[1].duration_s + got[2].duration_s);
    h = scan_history_free(h);
}

static void what_is_forgotten_is_not_shown(void **state) {
    (void)state;
    ScanHistory *h = scan_history_new();
    ScanRecord mine = scan(5, 1), others = scan(6, 1), got[SCAN_HISTORY_SESSIONS + 2];
    ScanError errors[SCAN_HISTORY_ERRORS];
    (void)scan_history_add(h, &mine);
    (void)scan_history_add(h, &others);
    scan_history_add_error(h, &(ScanError){.database_id = 5, .number = 1});
    scan_history_forget(h, 5);
    assert_int_equal(scan_history_scans(h, 5, got), 1);
    assert_int_equal(got[0].transactions, 0);
    assert_int_equal(scan_history_errors(h, 5, errors), 0);
    assert_int_equal(scan_history_scans(h, 6, got), 2);
    h = scan_history_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_scans_in_a_row_share_one_record),
        cmocka_unit_test(the_aggregate_counts_what_the_ring_has_forgotten),
        cmocka_unit_test(errors_are_kept_by_database_in_their_order),
        cmocka_unit_test(errors_of_old_sessions_are_forgotten),
        cmocka_unit_test(a_scan_that_goes_on_is_shown_until_it_ends),
        cmocka_unit_test(what_is_forgotten_is_not_shown),
        cmocka_unit_test(latency_is_from_the_last_change_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
