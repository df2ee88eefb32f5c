#include "worker/putter.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

#define AFTER_FAILURES "after %u failures in a row (errors.max.retries, max.retries)"

/* Own the pipeline again after a failed put. */
static bool own_again(const Putter *p, bool *ret_again, Err *e) {
    StoredState state = {0};
    bool ok = p->class->own(p->sink, &state, e);
    stored_state_done(&state);
    if (!ok || !p->class->needs_source_back(p->sink)) return ok;
    *ret_again = true;
    return err_set(e, ERR_IO, true,
                   "a transaction of several batches was cut: it is read again from what is stored");
}

/* Wait before the next try; false: there is none. */
static bool back_off(const Putter *p, Backoff *backoff, Rng *rng, Err *e) {
    if (!e->retriable || e->code == ERR_CANCELLED) return false;
    if (backoff_is_used_up(backoff, e, p->max_tries))
        return err_wrap(e, AFTER_FAILURES, backoff->counted + 1);
    int64_t ms = backoff_after_ms(backoff, rng, e, clock_mono_us());
    LOG_WARN("pipeline_retry", LOG_S("pipeline", p->pipeline), LOG_S("why", e->msg),
             LOG_I("try", backoff->tries), LOG_I("wait_ms", ms));
    p->tell(p->arg, e);
    return p->wait(p->arg, ms);
}

bool putter_put(const Putter *p, Rng *rng, const Batch *batch, bool *ret_again, Err *e) {
    Backoff backoff;
    backoff_init(&backoff, p->wait_ms, p->wait_max_ms);
    for (bool is_owned = true;; is_owned = false) {
        *ret_again = false;
        if ((is_owned || own_again(p, ret_again, e)) && p->class->put(p->sink, batch, e)) {
            if (backoff.tries > 0) p->tell(p->arg, NULL);
            return true;
        }
        *ret_again = *ret_again || (e->retriable && p->class->needs_source_back(p->sink));
        if (*ret_again || !back_off(p, &backoff, rng, e)) return false;
    }
}
