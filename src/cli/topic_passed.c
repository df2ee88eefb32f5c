/*
 * A source's position is written in the transaction of its records: once it can be read they are before the
 * ends. A sink's commit to its group follows the commit in PostgreSQL: what the group has is in the target.
 */
#include "cli/topic_passed.h"

#include "base/mem.h"
#include "cli/topic_look.h"

void topic_passed_done(TopicPassed *p) {
    group_lag_done(&p->ends);
    p->has_ends = false;
}

bool topic_passed_is_beyond(const GroupLag *now, const GroupLag *ends) {
    for (size_t i = 0; i < ends->part_count; i++) {
        const GroupPart *end = &ends->parts[i], *p = group_lag_part(now, end->topic, end->partition);
        if (!p) return false;
        bool waits = p->ahead > 0 || !p->is_looked_into; /* an end may be a transaction's mark */
        if (p->committed < end->end && waits) return false;
    }
    return true;
}

static bool ask_group(const TopicPassed *p, bool looks_into, GroupLag *ret, Err *e) {
    const GroupLagSpec spec = {
        .connector = p->sink->name, .options = p->sink->options, .looks_into = looks_into};
    return group_lag_ask(&spec, ret, e) || err_wrap(e, "sink %s", p->sink->name);
}

static bool ask_source(TopicPassed *p, Err *e) {
    StoredState stored = {0};
    const Position end = position_end_of(&p->lsn);
    if (!topic_look_stored(p->source, &stored, e)) return err_wrap(e, "source %s", p->source->source.name);
    bool is_in_topics = stored.has_position && position_cmp(&stored.position, &end) >= 0;
    stored_state_done(&stored);
    p->has_ends = is_in_topics && ask_group(p, /* looks_into= */ false, &p->ends, e);
    return p->has_ends || !is_in_topics;
}

bool topic_passed(void *arg, const Lsn *lsn, bool *ret, Err *e) {
    TopicPassed *p = arg;
    CLEANUP(group_lag_done) GroupLag now = {0};
    *ret = lsn_is_zero(lsn);
    if (*ret) return true;
    if (lsn_cmp(lsn, &p->lsn) != 0) topic_passed_done(p);
    p->lsn = *lsn;
    if (!p->has_ends && !ask_source(p, e)) return false;
    if (!p->has_ends) return true;
    if (!ask_group(p, /* looks_into= */ true, &now, e)) return false;
    *ret = topic_passed_is_beyond(&now, &p->ends);
    return true;
}
