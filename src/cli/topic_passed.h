/*
 * topic_passed.h - whether a target that is fed from topics has all that was captured up to an LSN, for
 * compare.h: the source's position in the topic of offsets is beyond it, and the sink's group is beyond the
 * ends that the topics had then. Owner thread only.
 */
#ifndef CLI_TOPIC_PASSED_H
#define CLI_TOPIC_PASSED_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/topic_run.h"
#include "record/lsn.h"
#include "worker/group_lag.h"

typedef struct TopicPassed {
    const Pair *source; /* borrowed, as the sink; one database */
    const TopicRunSink *sink;
    Lsn lsn;       /* asked for last */
    bool has_ends; /* it is in the topics, */
    GroupLag ends; /*   which ended there */
} TopicPassed;

/* Compare.has_passed; arg: a TopicPassed. Errors: the broker's. */
MUST_CHECK bool topic_passed(void *arg, const Lsn *lsn, bool *ret, Err *e);
void topic_passed_done(TopicPassed *p);
/* Whether the group is now beyond all of these ends. */
bool topic_passed_is_beyond(const GroupLag *now, const GroupLag *ends);

#endif
