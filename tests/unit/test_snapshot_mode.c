#include "pipeline/snapshot_mode.h"

#include <string.h>

#include "test.h"

typedef struct Case {
    SnapshotMode mode;
    SnapshotFlags flags;
    SnapshotStart start;
    SnapshotPolicy expected;
} Case;

#define FIRST                                                                                                \
    { .has_position = false }
#define AGAIN                                                                                                \
    { .has_position = true }
#define RESTART                                                                                              \
    { .has_position = true, .is_restart = true }

static const Case cases[] = {
    {SNAPSHOT_ALWAYS, {0}, FIRST, {PLAN_INITIAL, false, true}},
    {SNAPSHOT_ALWAYS, {0}, AGAIN, {PLAN_INITIAL, true, true}},
    {SNAPSHOT_ALWAYS, {0}, RESTART, {PLAN_INITIAL, false, true}},
    {SNAPSHOT_INITIAL, {0}, FIRST, {PLAN_INITIAL, false, false}},
    {SNAPSHOT_INITIAL, {0}, AGAIN, {PLAN_INITIAL, false, false}},
    {SNAPSHOT_INITIAL_ONLY, {0}, FIRST, {PLAN_INITIAL_ONLY, false, false}},
    {SNAPSHOT_INITIAL_ONLY, {0}, AGAIN, {PLAN_INITIAL_ONLY, false, false}},
    {SNAPSHOT_NO_DATA, {0}, FIRST, {PLAN_NO_DATA, false, false}},
    {SNAPSHOT_NO_DATA, {0}, AGAIN, {PLAN_NO_DATA, false, false}},
    {SNAPSHOT_RECOVERY, {0}, AGAIN, {PLAN_NO_DATA, false, false}},
    {SNAPSHOT_RECOVERY, {0}, RESTART, {PLAN_NO_DATA, false, false}},
    {SNAPSHOT_WHEN_NEEDED, {0}, FIRST, {PLAN_INITIAL, false, true}},
    {SNAPSHOT_WHEN_NEEDED, {0}, AGAIN, {PLAN_INITIAL, false, true}},
    {SNAPSHOT_CONFIGURATION_BASED, {.data = true}, FIRST, {PLAN_INITIAL_ONLY, false, false}},
    {SNAPSHOT_CONFIGURATION_BASED, {.data = true}, AGAIN, {PLAN_INITIAL_ONLY, true, false}},
    {SNAPSHOT_CONFIGURATION_BASED, {.data = true, .stream = true}, AGAIN, {PLAN_INITIAL, true, false}},
    {SNAPSHOT_CONFIGURATION_BASED, {.data = true, .stream = true}, RESTART, {PLAN_INITIAL, false, false}},
    {SNAPSHOT_CONFIGURATION_BASED, {.stream = true}, FIRST, {PLAN_NO_DATA, false, false}},
    {SNAPSHOT_CONFIGURATION_BASED,
     {.stream = true, .on_data_error = true},
     AGAIN,
     {PLAN_NO_DATA, false, true}},
    {SNAPSHOT_CONFIGURATION_BASED, {.schema = true}, FIRST, {PLAN_TABLES_ONLY, false, false}},
};

static void each_mode_has_its_policy(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *c = &cases[i];
        SnapshotPolicy got;
        Err e = {0};
        if (!snapshot_mode_policy(c->mode, &c->flags, &c->start, &got, &e))
            fail_msg("case %zu: %s", i, e.msg);
        if (got.plan != c->expected.plan || got.copies_anew != c->expected.copies_anew ||
            got.copies_gone != c->expected.copies_gone)
            fail_msg("case %zu: plan %d, anew %d, gone %d", i, got.plan, got.copies_anew, got.copies_gone);
        bool copies = got.plan == PLAN_INITIAL || got.plan == PLAN_INITIAL_ONLY;
        bool streams = got.plan == PLAN_INITIAL || got.plan == PLAN_NO_DATA;
        assert_int_equal(snapshot_mode_copies(c->mode, &c->flags), copies);
        assert_int_equal(snapshot_mode_streams(c->mode, &c->flags), streams);
    }
}

static void recovery_without_a_position_is_refused(void **state) {
    (void)state;
    SnapshotPolicy got;
    Err e = {0};
    assert_false(snapshot_mode_policy(SNAPSHOT_RECOVERY, NULL, &(SnapshotStart){0}, &got, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "recovery"));
}

static void flags_that_leave_nothing_to_do_are_refused(void **state) {
    (void)state;
    SnapshotPolicy got;
    Err e = {0};
    const SnapshotFlags flags = {.on_data_error = true};
    assert_false(snapshot_mode_policy(SNAPSHOT_CONFIGURATION_BASED, &flags, &(SnapshotStart){0}, &got, &e));
    assert_int_equal(e.code, ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_has_its_policy),
        cmocka_unit_test(recovery_without_a_position_is_refused),
        cmocka_unit_test(flags_that_leave_nothing_to_do_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
