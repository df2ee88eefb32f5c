/*
 * An array that is searched from its start, beginning with the one that was found last: a poll's records come
 * in runs of one partition, and a member has a few dozen. Moves name their partitions by index.
 */
#include "worker/sink_partitions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct SinkPartitions {
    void (*stored)(void *arg, const SinkPartition *p);
    void *arg;
    SinkPartition *all;
    size_t count, cap, last;
    TopicMove *moves;
    size_t *move_of; /* index in `all` of each */
    size_t move_count, move_cap;
};

SinkPartitions *sink_partitions_new(void (*stored)(void *arg, const SinkPartition *p), void *arg) {
    SinkPartitions *s = x_calloc(1, sizeof *s);
    s->stored = stored;
    s->arg = arg;
    return s;
}

static void release(SinkPartition *p) {
    free(p->topic);
    partition_free(p->state);
    buf_done(&p->guard);
}

SinkPartitions *sink_partitions_free(SinkPartitions *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < s->count; i++) release(&s->all[i]);
    free(s->all);
    free(s->moves);
    free(s->move_of);
    free(s);
    return NULL;
}

SinkPartition *sink_partitions_find(SinkPartitions *s, const char *topic, int32_t partition) {
    SinkPartition *last = s->last < s->count ? &s->all[s->last] : NULL;
    if (last && last->partition == partition && strcmp(last->topic, topic) == 0) return last;
    for (size_t i = 0; i < s->count; i++) {
        if (s->all[i].partition != partition || strcmp(s->all[i].topic, topic) != 0) continue;
        s->last = i;
        return &s->all[i];
    }
    return NULL;
}

void sink_partitions_drop(SinkPartitions *s, const char *topic, int32_t partition) {
    SinkPartition *p = sink_partitions_find(s, topic, partition);
    if (!p) return;
    release(p);
    *p = s->all[--s->count];
    s->last = 0;
}

SinkPartition *sink_partitions_add(SinkPartitions *s, const char *topic, int32_t partition) {
    SinkPartition *p = sink_partitions_find(s, topic, partition);
    if (p) release(p); /* its place stays, so that moves name what they named */
    else {
        if (s->count == s->cap) {
            s->cap = s->cap ? 2 * s->cap : 8;
            s->all = x_reallocarray(s->all, s->cap, sizeof *s->all);
        }
        p = &s->all[s->count++];
    }
    *p = (SinkPartition){.topic = x_strdup(topic), .partition = partition, .state = partition_new()};
    return p;
}

int64_t sink_partitions_dropped(const SinkPartitions *s) {
    int64_t dropped = 0;
    for (size_t i = 0; i < s->count; i++) dropped += partition_dropped(s->all[i].state);
    return dropped;
}

/* ---- moves ---- */

void sink_partitions_clear_moves(SinkPartitions *s) {
    s->move_count = 0;
}

static void add_move(SinkPartitions *s, size_t at) {
    SinkPartition *p = &s->all[at];
    const PartitionMove move = partition_writing(p->state);
    if (s->move_count == s->move_cap) {
        s->move_cap = s->move_cap ? 2 * s->move_cap : 8;
        s->moves = x_reallocarray(s->moves, s->move_cap, sizeof *s->moves);
        s->move_of = x_reallocarray(s->move_of, s->move_cap, sizeof *s->move_of);
    }
    buf_clear(&p->guard);
    partition_guard_write(p->state, &p->guard);
    s->move_of[s->move_count] = at;
    s->moves[s->move_count++] = (TopicMove){.topic = p->topic,
                                            .partition = p->partition,
                                            .has_old = move.has_old,
                                            .old = move.old,
                                            .new = move.new,
                                            .epoch = move.epoch,
                                            .guard = buf_view(&p->guard)};
}

void sink_partitions_move(SinkPartitions *s, const SinkPartition *p) {
    assert(p >= s->all && p < s->all + s->count);
    add_move(s, (size_t)(p - s->all));
}

void sink_partitions_collect(SinkPartitions *s) {
    s->move_count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (partition_is_behind(s->all[i].state)) add_move(s, i);
}

const TopicMove *sink_partitions_moves(const SinkPartitions *s, size_t *ret_count) {
    *ret_count = s->move_count;
    return s->moves;
}

/* ---- what became of them ---- */

static SinkPartition *moved(const SinkPartitions *s, size_t move) {
    return &s->all[s->move_of[move]];
}

void sink_partitions_committed(SinkPartitions *s) {
    for (size_t i = 0; i < s->move_count; i++) {
        SinkPartition *p = moved(s, i);
        partition_committed(p->state);
        s->stored(s->arg, p);
    }
    s->move_count = 0;
}

void sink_partitions_failed(SinkPartitions *s, bool is_open) {
    for (size_t i = 0; i < s->move_count; i++) {
        Partition *state = moved(s, i)->state;
        if (is_open) partition_rolled_back(state);
        else partition_lost(state);
    }
}

bool sink_partitions_is_unsure(const SinkPartitions *s) {
    return s->move_count > 0 && partition_is_unsure(moved(s, 0)->state);
}

PartitionSettled sink_partitions_settle(SinkPartitions *s, const TopicOffset *now, Err *e) {
    PartitionSettled all = PARTITION_IS_OUT;
    for (size_t i = 0; i < s->move_count; i++) {
        SinkPartition *p = moved(s, i);
        switch (partition_settle(p->state, now[i].has_offset, now[i].offset, now[i].epoch)) {
        case PARTITION_IS_IN:
            all = PARTITION_IS_IN;
            s->stored(s->arg, p);
            break;
        case PARTITION_IS_OUT: break;
        case PARTITION_FENCED:
            (void)err_set(e, ERR_FENCED, false, "another task has taken %s-%d", p->topic, (int)p->partition);
            return PARTITION_FENCED;
        }
    }
    if (all == PARTITION_IS_IN) s->move_count = 0;
    return all;
}
