/*
 * isolate.h - which of a run of changes are refused? By halving: with b of n refused, about 2·b·log2(n)
 * attempts, and the rest is in. Pure: the attempts are the host's. Owner thread only.
 */
#ifndef POSTGRES_ISOLATE_H
#define POSTGRES_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ISOLATE_NOBODY SIZE_MAX

typedef struct IsolateHost {
    /* Apply changes [from, to). False with ERR_DATA: refused, and nothing of them is in; *ret_culprit may be
     * set to the one that is known to be at fault. False with another code: give up. */
    bool (*attempt)(void *arg, size_t from, size_t to, size_t *ret_culprit, Err *e);
    /* The change at `at` is refused on its own, as *e says. False with *e: give up. */
    bool (*refused)(void *arg, size_t at, Err *e);
    void *arg;
} IsolateHost;

/* Apply what can be of [from, to), in order, from left to right. Errors: the host's. */
MUST_CHECK bool isolate(const IsolateHost *h, size_t from, size_t to, Err *e);

#endif
