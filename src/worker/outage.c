/*
 * Waits grow so that a server in trouble isn't pressed, and for one that is down they would go on long after
 * it is up again. Asking whether it is there costs it nothing. Only the step from "no answer" to "answer"
 * counts: what answers all the time and refuses has another trouble, which takes its time.
 */
#include "worker/outage.h"

#include "base/clock.h"

typedef struct Seen {
    bool was_gone[OUTAGE_ENDS];
} Seen;

/* Whether one has come back since the last look. */
static bool is_back(const Outage *o, Seen *seen) {
    bool is_any = false;
    for (size_t i = 0; i < OUTAGE_ENDS; i++) {
        const OutageEnd *end = &o->ends[i];
        bool is_there = !end->answers || end->answers(end->arg);
        is_any = is_any || (is_there && seen->was_gone[i]);
        seen->was_gone[i] = !is_there;
    }
    return is_any;
}

bool outage_wait(const Outage *o, int64_t ms) {
    int64_t until_us = clock_mono_us() + ms * 1000;
    Seen seen = {0};
    if (ms > OUTAGE_LOOK_MS) (void)is_back(o, &seen);
    for (;;) {
        int64_t left = (until_us - clock_mono_us() + 999) / 1000;
        if (left <= 0) return true;
        if (!o->wait(o->arg, left < OUTAGE_LOOK_MS ? left : OUTAGE_LOOK_MS)) return false;
        if (left > OUTAGE_LOOK_MS && is_back(o, &seen)) return true;
    }
}
