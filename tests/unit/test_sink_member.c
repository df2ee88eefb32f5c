#include "worker/sink_member.h"

#include "sink_rig.h"

static int waits;

static void note_waiting(void *arg, const Err *why) {
    (void)arg;
    if (why) waits++;
}

static bool is_stopping;
static atomic_bool stop;

static bool open_of(const SinkRig *r, SinkMember **ret, Err *e) {
    const SinkMemberSpec spec = {.connector = "s",
                                 .options = r->options,
                                 .props = r->props,
                                 .writer = &kept_class,
                                 .metrics = r->metrics,
                                 .is_stopping = &is_stopping,
                                 .stop = &stop,
                                 .waiting = note_waiting};
    waits = 0;
    return sink_member_open(&spec, ret, e);
}

static void an_unknown_converter_is_refused(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"key.converter", "no.such.Converter"}, {NULL, NULL}};
    SinkRig r;
    SinkMember *m = NULL;
    Err e = {0};
    sink_rig_open(&r, settings);
    assert_false(open_of(&r, &m, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "no.such.Converter"));
    sink_rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_converter_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
