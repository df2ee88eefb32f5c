/*
 * A range that is refused is cut in two and its halves are applied one behind the other: so the order of the
 * source holds, and what is refused is refused on top of everything before it. When the left half was taken
 * whole, the right half holds the fault and isn't tried as a whole again. Where the host knows the culprit (a
 * value that can't be encoded) nothing is halved.
 */
#include "postgres/isolate.h"

/* *ret_any: something of it was refused. is_known: that something will be is known, so it isn't tried whole.
 */
static bool settle(const IsolateHost *h, size_t from, size_t to, bool is_known, bool *ret_any, Err *e) {
    while (from < to) {
        size_t culprit = ISOLATE_NOBODY;
        if (!is_known || to - from == 1) {
            if (h->attempt(h->arg, from, to, &culprit, e)) return true;
            if (e->code != ERR_DATA) return false;
        }
        is_known = false;
        if (to - from == 1) {
            *ret_any = true;
            return h->refused(h->arg, from, e);
        }
        bool left_any = false;
        if (culprit >= from && culprit < to) {
            Err why = *e;
            *ret_any = true;
            if (!settle(h, from, culprit, false, &left_any, e)) return false;
            if (!h->refused(h->arg, culprit, &why)) {
                *e = why;
                return false;
            }
            from = culprit + 1;
            continue;
        }
        size_t middle = from + (to - from) / 2;
        if (!settle(h, from, middle, false, &left_any, e)) return false;
        *ret_any = *ret_any || left_any;
        is_known = !left_any;
        from = middle;
    }
    return true;
}

bool isolate(const IsolateHost *h, size_t from, size_t to, Err *e) {
    bool any = false;
    return settle(h, from, to, /* is_known= */ false, &any, e);
}
