/*
 * A few numbers and a set. `position` is how far records have been read, `stored` how far the target has
 * them; between the two lies what is in hand, and a transaction moves one to the other as a whole. The
 * guard's state belongs to `position`: a partition that is taken again begins with what is stored, offset and
 * guard alike, so there is nothing to take back.
 *
 * The set of a commit's events is an open hash table of 128-bit numbers beside a list in order of arrival:
 * the list's tail is what is stored.
 */
#include "pipeline/partition.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define METADATA_PREFIX "millrace:"
enum {
    GUARD_VERSION_1 = 1, /* without the delete's key, */
    GUARD_VERSION_2 = 2, /*   without places and flags */
    GUARD_VERSION = 3,
    EVENTS_MIN = 16,
    HEAD_BYTES_1 = 1 + 4,
    HEAD_BYTES_2 = HEAD_BYTES_1 + 8,
    HEAD_BYTES = HEAD_BYTES_2 + 1,
    SOURCE_HEAD_BYTES_2 = 8 + LSN_BYTES + 2,
    SOURCE_HEAD_BYTES = SOURCE_HEAD_BYTES_2 + 1 + LSN_BYTES + 8,
    EVENT_BYTES = 16,
};

typedef struct EventId {
    uint64_t id[2];
} EventId;

typedef struct Source {
    uint64_t source;
    Lsn commit_lsn;
    bool is_partial; /* events of that commit may have been applied that aren't remembered */
    Lsn last_change; /* the largest place of its events */
    int64_t last_serial;
    EventId *events; /* in order of arrival */
    size_t count, cap;
    uint32_t *slots; /* index + 1 into events; a power of two, at least 2 * cap */
} Source;

typedef enum State { NEW, RUNNING, WRITING, UNSURE } State;

struct Partition {
    State state;
    bool has_stored;
    int64_t stored, position, writing, epoch;
    Source sources[PARTITION_SOURCES];
    size_t source_count;
    size_t last_source; /* found last */
    bool has_past;      /* a source that is new here may have begun its commit before */
    uint64_t run;
    uint64_t deleted_key; /* 0 = none */
    int64_t dropped;
};

Partition *partition_new(void) {
    return x_calloc(1, sizeof(Partition));
}

Partition *partition_free(Partition *p) {
    if (!p) return NULL;
    for (size_t i = 0; i < p->source_count; i++) {
        free(p->sources[i].events);
        free(p->sources[i].slots);
    }
    free(p);
    return NULL;
}

/* ---- the events of a commit ---- */

static size_t slot_of(const Source *s, const EventId *id) {
    size_t mask = 2 * s->cap - 1, at = (size_t)id->id[0] & mask;
    while (s->slots[at] != 0 && memcmp(&s->events[s->slots[at] - 1], id, sizeof *id) != 0)
        at = (at + 1) & mask;
    return at;
}

static bool has_event(const Source *s, const EventId *id) {
    return s->count > 0 && s->slots[slot_of(s, id)] != 0;
}

static void grow(Source *s) {
    s->cap = s->cap ? 2 * s->cap : EVENTS_MIN;
    s->events = x_reallocarray(s->events, s->cap, sizeof *s->events);
    free(s->slots);
    s->slots = x_calloc(2 * s->cap, sizeof *s->slots);
    for (size_t i = 0; i < s->count; i++) s->slots[slot_of(s, &s->events[i])] = (uint32_t)i + 1;
}

static void add_event(Source *s, const EventId *id) {
    if (s->count == PARTITION_EVENTS) { /* not remembered: not proven */
        s->is_partial = true;
        return;
    }
    if (s->count == s->cap) grow(s);
    s->events[s->count] = *id;
    s->slots[slot_of(s, id)] = (uint32_t)s->count + 1;
    s->count++;
}

static void forget_events(Source *s) {
    if (s->cap > EVENTS_MIN) { /* a large one: the next is likely small again */
        free(s->events);
        free(s->slots);
        s->events = NULL;
        s->slots = NULL;
        s->cap = 0;
    } else if (s->count > 0) {
        memset(s->slots, 0, 2 * s->cap * sizeof *s->slots);
    }
    s->count = 0;
}

static void next_commit(Source *s, const Lsn *lsn) {
    bool is_first = lsn_is_zero(&s->commit_lsn);
    forget_events(s);
    s->commit_lsn = *lsn;
    s->is_partial = is_first && s->is_partial;
    s->last_change = (Lsn){{0}};
    s->last_serial = 0;
}

static int place_cmp(const Source *s, const PartitionEvent *event) {
    int order = lsn_cmp(&event->change_lsn, &s->last_change);
    return order ? order : (event->serial > s->last_serial) - (event->serial < s->last_serial);
}

/* One that isn't remembered: new, or of a part of the commit that was forgotten. */
static void note_event(Source *s, const PartitionEvent *event, const EventId *id) {
    int order = place_cmp(s, event);
    if (s->is_partial && order <= 0) forget_events(s);
    if (order > 0) {
        s->last_change = event->change_lsn;
        s->last_serial = event->serial;
    }
    add_event(s, id);
}

/* The source's place; made where there is none, in place of the eldest when there are too many. */
static Source *source_of(Partition *p, uint64_t source) {
    if (p->last_source < p->source_count && p->sources[p->last_source].source == source)
        return &p->sources[p->last_source];
    for (size_t i = 0; i < p->source_count; i++) {
        if (p->sources[i].source != source) continue;
        p->last_source = i;
        return &p->sources[i];
    }
    if (p->source_count == PARTITION_SOURCES) {
        free(p->sources[0].events);
        free(p->sources[0].slots);
        memmove(&p->sources[0], &p->sources[1], (PARTITION_SOURCES - 1) * sizeof *p->sources);
        p->source_count--;
        p->has_past = true;
    }
    p->last_source = p->source_count++;
    Source *s = &p->sources[p->last_source];
    *s = (Source){.source = source, .is_partial = p->has_past};
    return s;
}

static bool is_guarded(const ChangeOrigin *o, uint8_t op) {
    return o->is_envelope && !o->is_snapshot && o->has_lsn &&
           (op == OP_CREATE || op == OP_UPDATE || op == OP_DELETE);
}

bool partition_event_of(const ChangeOrigin *o, uint8_t op, Str key, PartitionEvent *ret) {
    if (!is_guarded(o, op)) return false;
    struct {
        Lsn change_lsn;
        uint8_t op;
        uint8_t pad[5];
        int64_t serial;
    } id = {.change_lsn = o->change_lsn, .op = op, .serial = o->event_serial_no};
    *ret = (PartitionEvent){.source = o->source,
                            .commit_lsn = o->commit_lsn,
                            .change_lsn = o->change_lsn,
                            .serial = o->event_serial_no};
    for (uint64_t i = 0; i < 2; i++)
        ret->id[i] = hash_mix(hash_bytes(&id, sizeof id, i), hash_bytes(key.p, key.n, i + 2));
    return true;
}

bool partition_guard(Partition *p, const PartitionEvent *event, PartitionVerdict *ret, Err *e) {
    Source *s = source_of(p, event->source);
    const EventId id = {{event->id[0], event->id[1]}};
    int order = lsn_cmp(&event->commit_lsn, &s->commit_lsn);
    if (order < 0 || (order == 0 && has_event(s, &id))) {
        p->run++;
        p->dropped++;
        *ret = PARTITION_DROP;
        if (p->run < PARTITION_RUN_MAX) return true;
        char last[LSN_TEXT_SIZE], this[LSN_TEXT_SIZE];
        return err_set(
            e, ERR_INVALID, false,
            "%d changes one behind the other are at or before commit LSN %s, which is in the target "
            "(the last is of %s): either all of it was written to the topic again, or the source "
            "database was set back. Its changes are to be applied all the same? Then set guard to NULL in "
            "millrace.topic_offset and start again",
            PARTITION_RUN_MAX, lsn_format(&s->commit_lsn, last), lsn_format(&event->commit_lsn, this));
    }
    if (order > 0) next_commit(s, &event->commit_lsn);
    note_event(s, event, &id);
    p->run = 0;
    *ret = PARTITION_APPLY;
    return true;
}

void partition_note_delete(Partition *p, uint64_t key) {
    p->deleted_key = key;
}

bool partition_is_behind_delete(const Partition *p, uint64_t key) {
    return key != 0 && key == p->deleted_key;
}

int64_t partition_dropped(const Partition *p) {
    return p->dropped;
}

static bool is_cut(const Source *s) {
    return s->is_partial || s->count > PARTITION_STORED_EVENTS;
}

/* Version, run, key of the delete, whether there is a past; then per source: number, LSN, count, whether the
 * commit is cut, its last place, events. Little-endian. */
void partition_guard_write(const Partition *p, Buf *out) {
    if (p->source_count == 0 && p->deleted_key == 0 && !p->has_past) return;
    buf_u8(out, GUARD_VERSION);
    buf_le32(out, (uint32_t)p->run);
    buf_le64(out, p->deleted_key);
    buf_u8(out, p->has_past);
    for (size_t i = 0; i < p->source_count; i++) {
        const Source *s = &p->sources[i];
        size_t n = s->count < PARTITION_STORED_EVENTS ? s->count : PARTITION_STORED_EVENTS;
        buf_le64(out, s->source);
        buf_add(out, s->commit_lsn.b, LSN_BYTES);
        buf_le16(out, (uint16_t)n);
        buf_u8(out, is_cut(s));
        buf_add(out, s->last_change.b, LSN_BYTES);
        buf_le64(out, (uint64_t)s->last_serial);
        for (size_t k = s->count - n; k < s->count; k++) {
            buf_le64(out, s->events[k].id[0]);
            buf_le64(out, s->events[k].id[1]);
        }
    }
}

static uint64_t take_le(Str *in, size_t bytes) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v |= (uint64_t)(uint8_t)in->p[i] << 8 * i;
    *in = str_sub(*in, bytes, SIZE_MAX);
    return v;
}

static Lsn take_lsn(Str *in) {
    Lsn lsn;
    memcpy(lsn.b, in->p, LSN_BYTES);
    *in = str_sub(*in, LSN_BYTES, SIZE_MAX);
    return lsn;
}

static void read_source(Partition *p, uint8_t version, Str *in) {
    bool has_places = version == GUARD_VERSION;
    Source *s = source_of(p, take_le(in, 8));
    s->commit_lsn = take_lsn(in);
    uint64_t n = take_le(in, 2);
    s->is_partial = has_places ? take_le(in, 1) != 0 : n == PARTITION_STORED_EVENTS;
    if (has_places) {
        s->last_change = take_lsn(in);
        s->last_serial = (int64_t)take_le(in, 8);
    }
    for (; n > 0 && in->n >= EVENT_BYTES; n--) {
        const uint64_t first = take_le(in, 8);
        add_event(s, &(EventId){{first, take_le(in, 8)}});
    }
}

/* What can't be read proves nothing, and is left out. */
static void guard_read(Partition *p, Str in) {
    static const size_t heads[] = {
        [GUARD_VERSION_1] = HEAD_BYTES_1, [GUARD_VERSION_2] = HEAD_BYTES_2, [GUARD_VERSION] = HEAD_BYTES};
    uint8_t version = in.n > 0 ? (uint8_t)in.p[0] : 0;
    if (version == 0 || version > GUARD_VERSION || in.n < heads[version]) return;
    size_t source_head = version < GUARD_VERSION ? SOURCE_HEAD_BYTES_2 : SOURCE_HEAD_BYTES;
    in = str_sub(in, 1, SIZE_MAX);
    p->run = take_le(&in, 4);
    if (version >= GUARD_VERSION_2) p->deleted_key = take_le(&in, 8);
    if (version == GUARD_VERSION) p->has_past = take_le(&in, 1) != 0;
    while (in.n >= source_head && p->source_count < PARTITION_SOURCES) read_source(p, version, &in);
}

/* ---- where it begins ---- */

static bool past_end(const PartitionFacts *f, int64_t offset, const char *whose, Err *e) {
    return err_set(
        e, ERR_RANGE, false,
        "%s says offset %lld, but the partition ends at %lld: the topic was made anew or cut, and what "
        "it holds now may not follow on what is in the target; copy anew, or, if it does follow, reset "
        "the group's offsets (kafka-consumer-groups --reset-offsets)",
        whose, (long long)offset, (long long)f->high);
}

/* Kafka drops a group's commits with the topic, and a group without members loses them by time. What was told
 * once and isn't there any more may stand for another log, whose first records would be left out. Where
 * nothing of the log lies before the offset, nothing can be. */
static bool lost_commit(const PartitionFacts *f, Err *e) {
    return err_set(
        e, ERR_RANGE, false,
        "the target says offset %lld, but the group has no commit any more: the topic was made anew, or the "
        "group's offsets expired or were deleted; if the topic is the same, kafka-consumer-groups "
        "--reset-offsets --to-offset %lld goes on there, and --to-earliest reads one that was made anew",
        (long long)f->stored, (long long)f->stored);
}

static bool check_log(const PartitionFacts *f, const char *whose, PartitionStart *start, Err *e) {
    if (start->offset > f->high) return past_end(f, start->offset, whose, e);
    if (start->offset >= f->low) return true;
    if (!f->is_reset_asked || f->reset == PARTITION_NONE)
        return err_set(
            e, ERR_RANGE, false,
            "%s says offset %lld, but the partition begins at %lld: records between them were deleted "
            "(retention) before they were written to the target; copy anew, or go on without them by "
            "consumer.override.auto.offset.reset=earliest",
            whose, (long long)start->offset, (long long)f->low);
    start->offset = f->reset == PARTITION_EARLIEST ? f->low : f->high;
    start->must_store = start->is_reset = true;
    return true;
}

bool partition_begin(Partition *p, const PartitionFacts *f, PartitionStart *ret, Err *e) {
    PartitionStart start = {0};
    const char *whose = "the target";
    if (f->group == PARTITION_GROUP_OTHERS && !(f->has_stored && f->stored == f->committed)) {
        start = (PartitionStart){.offset = f->committed, .must_store = true, .is_adopted = true};
        whose = "the group's commit, which isn't ours,";
    } else if (f->has_stored) {
        start.offset = f->stored;
        start.must_store = f->group != PARTITION_GROUP_OURS; /* equal, or untold: but to be marked as ours */
    } else if (f->group == PARTITION_GROUP_OURS) {
        return err_set(
            e, ERR_RANGE, false,
            "the group's commit at offset %lld is of this target, but millrace.topic_offset has none of "
            "the partition: it was deleted? Put it back, or reset the group's offsets to where the "
            "target's rows end (kafka-consumer-groups --reset-offsets)",
            (long long)f->committed);
    } else {
        if (f->reset == PARTITION_NONE)
            return err_set(e, ERR_RANGE, false,
                           "neither the target nor the group has an offset, and auto.offset.reset is none");
        start = (PartitionStart){.offset = f->reset == PARTITION_EARLIEST ? f->low : f->high,
                                 .must_store = true,
                                 .is_reset = true};
    }
    if (!check_log(f, whose, &start, e)) return false;
    if (f->group == PARTITION_GROUP_NONE && f->has_stored && f->stored > f->low && !start.is_reset)
        return lost_commit(f, e);
    p->state = RUNNING;
    p->has_stored = f->has_stored;
    p->stored = f->stored;
    p->position = start.offset;
    p->epoch = f->epoch;
    /* Of a way that others went the guard knows nothing, also where it led to the same offset: they may have
     * begun further back and written repeats; and a reset may be meant as a replay. */
    bool is_theirs = f->group == PARTITION_GROUP_OTHERS;
    p->has_past = is_theirs || (start.is_reset && start.offset > 0);
    if (!is_theirs) guard_read(p, f->guard);
    *ret = start;
    return true;
}

/* ---- records ---- */

bool partition_offer(Partition *p, int64_t offset) {
    assert(p->state == RUNNING);
    if (offset < p->position) return false;
    p->position = offset + 1;
    return true;
}

void partition_pass(Partition *p, int64_t next) {
    if (next > p->position) p->position = next;
}

bool partition_is_behind(const Partition *p) {
    return !p->has_stored || p->stored != p->position;
}

PartitionMove partition_writing(Partition *p) {
    assert(p->state == RUNNING);
    p->state = WRITING;
    p->writing = p->position;
    return (PartitionMove){.has_old = p->has_stored, .old = p->stored, .new = p->position, .epoch = p->epoch};
}

void partition_committed(Partition *p) {
    assert(p->state == WRITING);
    p->state = RUNNING;
    p->has_stored = true;
    p->stored = p->writing;
}

void partition_rolled_back(Partition *p) {
    assert(p->state == WRITING);
    p->state = RUNNING;
}

void partition_lost(Partition *p) {
    assert(p->state == WRITING);
    p->state = UNSURE;
}

PartitionSettled partition_settle(Partition *p, bool has_stored, int64_t stored, int64_t epoch) {
    assert(p->state == UNSURE);
    if (epoch != p->epoch) return PARTITION_FENCED;
    p->state = WRITING;
    if (has_stored && stored == p->writing) {
        partition_committed(p);
        return PARTITION_IS_IN;
    }
    if (has_stored != p->has_stored || (has_stored && stored != p->stored)) {
        p->state = UNSURE;
        return PARTITION_FENCED; /* nobody but us writes under our epoch: somebody changed it by hand */
    }
    partition_rolled_back(p);
    return PARTITION_IS_OUT;
}

bool partition_is_unsure(const Partition *p) {
    return p->state == UNSURE;
}

int64_t partition_stored(const Partition *p) {
    return p->has_stored ? p->stored : -1;
}

int64_t partition_position(const Partition *p) {
    return p->position;
}

/* ---- group commits ---- */

const char *partition_metadata(Str target, int64_t epoch, char buf[static PARTITION_METADATA_SIZE]) {
    (void)snprintf(buf, PARTITION_METADATA_SIZE, METADATA_PREFIX STR_FMT ":%lld", STR_ARG(target),
                   (long long)epoch);
    return buf;
}

PartitionGroup partition_group_of(Str metadata, Str target) {
    Str prefix = STR_LIT(METADATA_PREFIX);
    if (!str_starts(metadata, prefix)) return PARTITION_GROUP_OTHERS;
    Str rest = str_sub(metadata, prefix.n, SIZE_MAX);
    Str named = str_sub(rest, 0, str_find(rest, ':'));
    return str_eq(named, target) ? PARTITION_GROUP_OURS : PARTITION_GROUP_OTHERS;
}
