/*
 * The world of the sink's half: sources, a group's rebalancing, another program's sink, and the oracle.
 *
 * The oracle. What a partition tells below an offset is the fold of its visible records, an event of a stream
 * once, the first time it comes; a copy's rows each time. At every commit of ours rows are compared with it.
 * Where an offset was taken from the group the same rows may be told again, so there only the end is
 * compared, where they are the sources' rows.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/change.h"
#include "sink_half.h"

enum { WORLD_STEPS = 700, QUIET_STEPS = 4000, EVENTS_MAX_COMMIT = 5 };

SinkWorld *sink_world_new(void) {
    return x_calloc(1, sizeof(SinkWorld));
}

SinkWorld *sink_world_free(SinkWorld *w) {
    free(w);
    return NULL;
}

bool sink_event_is_snapshot(const SinkEvent *e) {
    return e->op == OP_READ;
}

/* ---- the oracle ---- */

static void tell(SinkWorld *w, size_t p, int64_t upto) {
    struct SinkOracle *o = &w->oracle[p];
    for (; o->at < upto; o->at++) {
        if (!fake_kafka_is_visible(&w->kafka, p, o->at)) continue;
        uint32_t what = w->kafka.logs[p].records[o->at].what;
        const SinkEvent *e = &w->events[what];
        if (o->has_seen[what] && !sink_event_is_snapshot(e)) continue;
        o->has_seen[what] = true;
        sink_rows_apply(NULL, &o->rows, e);
    }
}

static void compare(Sim *s, const SinkRows *is, const SinkRows *should, size_t p, const char *when) {
    for (size_t i = 0; i < SINK_KEYS; i++)
        if (is->of[i] != should->of[i])
            sim_fail(s, "%s: partition %zu, %s %zu: %u instead of %u", when, p,
                     p == SINK_KEYLESS ? "rows of value" : "key", i, is->of[i], should->of[i]);
}

void sink_world_committed(Sim *s, SinkWorld *w, size_t p, size_t member, int64_t offset) {
    if (w->store.offsets[p].owner != member)
        sim_fail(s, "member %zu writes partition %zu after member %zu has taken it", member, p,
                 w->store.offsets[p].owner);
    if (w->is_loose) return;
    if (offset < w->oracle[p].at) sim_fail(s, "partition %zu goes back to %lld", p, (long long)offset);
    tell(w, p, offset);
    compare(s, &w->store.rows[p], &w->oracle[p].rows, p, "at a commit");
}

/* ---- sources ---- */

static uint32_t add_event(SinkWorld *w, size_t source, SinkEvent e) {
    SinkWriter *writer = &w->writers[source];
    uint32_t at = (uint32_t)w->event_count++;
    e.source = (uint8_t)source;
    e.serial = at + 1;
    w->events[at] = e;
    writer->made[writer->count++] = at;
    sink_rows_apply(NULL, &w->rows[e.partition], &w->events[at]);
    return at;
}

/* Each source has keys of its own, in both partitions; values are never used twice. */
static void change_keyed(Sim *s, SinkWorld *w, size_t source, bool is_copy) {
    uint8_t key = (uint8_t)(rng_below(sim_rng(s), SINK_KEYS / 2) * SINK_SOURCES + source);
    uint8_t p = (uint8_t)(key >> 1 & 1);
    bool is_there = w->rows[p].of[key] != 0;
    SinkEvent e = {.partition = p, .key = key, .op = is_there ? OP_UPDATE : OP_CREATE};
    e.lsn = w->writers[source].lsn;
    e.before = w->rows[p].of[key];
    e.after = (uint16_t)(w->event_count + 1);
    if (is_copy) { /* what the stream never told; its place is before what came */
        e.op = OP_READ;
        e.lsn = e.lsn > 1 ? e.lsn - 1 : 0;
    } else if (is_there && rng_chance(sim_rng(s), 25)) {
        e.op = OP_DELETE;
        e.after = 0;
    }
    (void)add_event(w, source, e);
}

static void change_keyless(Sim *s, SinkWorld *w, bool is_copy) {
    SinkRows *rows = &w->rows[SINK_KEYLESS];
    SinkEvent e = {.partition = SINK_KEYLESS, .lsn = w->writers[0].lsn, .op = OP_CREATE};
    uint16_t value = (uint16_t)(1 + rng_below(sim_rng(s), 3)),
             other = (uint16_t)(1 + rng_below(sim_rng(s), 3));
    if (is_copy) e.op = OP_READ;
    if (!is_copy && rows->of[value] > 0 && rng_chance(sim_rng(s), 60)) {
        e.before = value;
        e.op = rng_chance(sim_rng(s), 50) ? OP_UPDATE : OP_DELETE;
        if (e.op == OP_UPDATE) e.after = other;
    } else {
        e.after = value;
    }
    (void)add_event(w, 0, e);
}

static void make_commit(Sim *s, SinkWorld *w) {
    size_t source = rng_below(sim_rng(s), SINK_SOURCES);
    const SimShape *shape = sim_shape(s);
    w->writers[source].lsn++;
    for (uint64_t n = 1 + rng_below(sim_rng(s), EVENTS_MAX_COMMIT); n > 0; n--) {
        if (w->event_count + 1 >= SINK_EVENTS / 2) return;
        if (source == 0 && shape->has_keyless && rng_chance(sim_rng(s), 30)) change_keyless(s, w, false);
        else change_keyed(s, w, source, /* is_copy= */ rng_chance(sim_rng(s), 10));
    }
}

static bool is_done(const Sim *s, const SinkWriter *writer) {
    return sim_is_quiet(s) && writer->next == writer->count && writer->safe == writer->count;
}

/* What a source that repeats itself sends again of a copy is read again. */
static uint32_t fresh(SinkWorld *w, SinkWriter *writer) {
    uint32_t what = writer->made[writer->next];
    SinkEvent e = w->events[what];
    if (!sink_event_is_snapshot(&e) || e.partition == SINK_KEYLESS) return what;
    if (w->rows[e.partition].of[e.key] == 0 || w->event_count == SINK_EVENTS) return UINT32_MAX;
    e.after = w->rows[e.partition].of[e.key];
    e.serial = (uint32_t)w->event_count + 1;
    w->events[w->event_count] = e;
    return (uint32_t)w->event_count++;
}

/* At least once: it goes on from where it last noted its place. */
static void write_plain(Sim *s, SinkWorld *w, SinkWriter *writer) {
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->source_fails)) {
        sim_trace(s, "source %zu: dies, and repeats %zu events", (size_t)(writer - w->writers),
                  writer->next - writer->safe);
        writer->next = writer->safe;
        return;
    }
    if (writer->next < writer->count && rng_chance(sim_rng(s), 60)) {
        uint32_t what = fresh(w, writer);
        if (what != UINT32_MAX) fake_kafka_append(&w->kafka, w->events[what].partition, what);
        writer->next++;
    }
    if (rng_chance(sim_rng(s), 10)) writer->safe = writer->next;
}

static void open_writer(SinkWorld *w, size_t source) {
    SinkWriter *writer = &w->writers[source];
    if (fake_kafka_open(&w->kafka, source, &writer->epoch) != KAFKA_OK) return;
    writer->is_open = true;
    writer->next = writer->safe;
}

/* Its place is in its transaction: so what the coordinator was told to commit counts, also when it died then.
 */
static void end_transaction(Sim *s, SinkWorld *w, size_t source) {
    SinkWriter *writer = &w->writers[source];
    bool commits = sim_is_quiet(s) || !rng_chance(sim_rng(s), sim_shape(s)->abort);
    switch (fake_kafka_end(&w->kafka, source, writer->epoch, commits)) {
    case KAFKA_OK:
        sim_trace(s, "source %zu: %s", source, commits ? "commits" : "aborts");
        if (commits) writer->safe = writer->next;
        else writer->next = writer->safe;
        break;
    case KAFKA_FENCED: writer->is_open = false; break;
    case KAFKA_WAITS: break;
    }
}

static void write_exactly(Sim *s, SinkWorld *w, size_t source) {
    SinkWriter *writer = &w->writers[source];
    if (!writer->is_open) {
        open_writer(w, source);
        return;
    }
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->source_fails)) {
        sim_trace(s, "source %zu: dies, its transaction is torn", source);
        writer->is_open = false;
        return;
    }
    if (writer->next > writer->safe && rng_chance(sim_rng(s), 25)) {
        end_transaction(s, w, source);
        return;
    }
    if (writer->next == writer->count || fake_kafka_is_full(&w->kafka)) return;
    uint32_t what = writer->made[writer->next];
    switch (fake_kafka_send(&w->kafka, source, writer->epoch, w->events[what].partition, what)) {
    case KAFKA_OK: writer->next++; break;
    case KAFKA_FENCED: writer->is_open = false; break;
    case KAFKA_WAITS: break;
    }
}

/* Somebody writes once more what was there. */
static void repeat(Sim *s, SinkWorld *w) {
    size_t p = rng_below(sim_rng(s), SINK_PARTITIONS);
    int64_t end = fake_kafka_stable(&w->kafka, p);
    if (end == 0 || fake_kafka_is_full(&w->kafka)) return;
    int64_t at = (int64_t)rng_below(sim_rng(s), (uint64_t)end);
    uint32_t what = w->kafka.logs[p].records[at].what;
    if (!fake_kafka_is_visible(&w->kafka, p, at) || sink_event_is_snapshot(&w->events[what])) return;
    sim_trace(s, "somebody writes event %u once more", what);
    fake_kafka_append(&w->kafka, p, what);
}

static void step_sources(Sim *s, SinkWorld *w) {
    const SimShape *shape = sim_shape(s);
    size_t source = rng_below(sim_rng(s), SINK_SOURCES);
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), shape->commit)) make_commit(s, w);
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), shape->repeat)) repeat(s, w);
    if (!fake_kafka_is_full(&w->kafka) || sim_is_quiet(s)) {
        if (shape->is_plain) write_plain(s, w, &w->writers[source]);
        else write_exactly(s, w, source);
    }
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), 1) && rng_chance(sim_rng(s), 30))
        fake_kafka_expire(&w->kafka, source);
    fake_kafka_step(s, &w->kafka);
}

/* ---- the group ---- */

static size_t some_member(Sim *s, const SinkWorld *w) {
    size_t first = rng_below(sim_rng(s), SINK_MEMBERS);
    for (size_t i = 0; i < SINK_MEMBERS; i++) {
        const Member *m = &w->members[(first + i) % SINK_MEMBERS];
        if (m->is_alive && !m->is_stopped) return m->number;
    }
    return KAFKA_NOBODY;
}

static void step_group(Sim *s, SinkWorld *w) {
    FakeGroup *g = &w->group;
    size_t p = rng_below(sim_rng(s), SINK_PARTITIONS);
    const Member *owner = g->owner[p] < SINK_MEMBERS ? &w->members[g->owner[p]] : NULL;
    if (!owner || !owner->is_alive) {
        if (rng_chance(sim_rng(s), 20)) fake_group_give(g, p, some_member(s, w));
        return;
    }
    bool is_late = owner->is_stopped ? rng_chance(sim_rng(s), 10)
                                     : !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->evict);
    if (is_late) { /* taken for gone: it doesn't hear of it before it asks */
        size_t other = some_member(s, w);
        sim_trace(s, "group: partition %zu from member %zu, taken for gone, to %zu", p, g->owner[p], other);
        fake_group_give(g, p, other);
    } else if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->rebalance)) {
        g->wanted[p] = some_member(s, w);
    } else if (g->wanted[p] < SINK_MEMBERS && !w->members[g->wanted[p]].is_alive) {
        g->wanted[p] = g->owner[p];
    }
}

static void fate(Sim *s, SinkWorld *w) {
    const SimShape *shape = sim_shape(s);
    Member *m = &w->members[rng_below(sim_rng(s), SINK_MEMBERS)];
    bool is_loud = !sim_is_quiet(s);
    if (m->is_stopped) {
        if (rng_chance(sim_rng(s), is_loud ? 3 : 30)) {
            sim_trace(s, "member %zu: wakes up", m->number);
            m->is_stopped = false;
        }
    } else if (m->is_alive && is_loud && rng_chance(sim_rng(s), shape->crash)) {
        member_crash(s, m);
    } else if (m->is_alive && is_loud && rng_chance(sim_rng(s), shape->stop)) {
        sim_trace(s, "member %zu: stopped", m->number);
        m->is_stopped = true;
    } else if (m->is_alive && is_loud && m->state == MEMBER_POLL && rng_chance(sim_rng(s), 1)) {
        member_leave(s, m);
    } else if (!m->is_alive && !w->is_foreign && rng_chance(sim_rng(s), 15)) {
        fake_group_leave(&w->group, m->number);
        member_start(s, m);
    }
}

/* ---- others: all of ours are gone ---- */

static void end_all(Sim *s, SinkWorld *w) {
    for (size_t i = 0; i < SINK_MEMBERS; i++) {
        Member *m = &w->members[i];
        if (!m->is_alive) continue;
        if (member_is_at_rest(m) && !m->is_stopped) member_leave(s, m);
        else member_crash(s, m);
        fake_group_leave(&w->group, i);
    }
    for (size_t i = 0; i < SINK_BACKENDS; i++) { /* what was sent is done, or never */
        StoreBackend *b = &w->store.backends[i];
        if (b->is_used && b->is_sent && rng_chance(sim_rng(s), 50)) (void)fake_store_commit(s, &w->store, b);
        *b = (StoreBackend){0};
    }
}

/* Another program's sink goes on from the group's offsets, at least once, without a word to the target's. */
static void begin_foreign(Sim *s, SinkWorld *w) {
    end_all(s, w);
    sim_trace(s, "another program's sink takes the group");
    w->is_foreign = w->is_loose = true;
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        w->foreign_at[p] = w->group.commits[p].is_there ? w->group.commits[p].offset : 0;
}

static void commit_foreign(SinkWorld *w, size_t p) {
    w->group.commits[p] = (KafkaCommit){.is_there = true, .offset = w->foreign_at[p]};
}

/* Rows that it writes before its first commit to the group, and is killed then, leave no trace: nobody could
 * know that they stand behind the target's offset. Nor that it has written old events once more beyond its
 * last commit, whose successors are dropped as repeats: so of a source that repeats itself it isn't killed.
 */
static bool has_left_traces(const SinkWorld *w) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        const KafkaCommit *c = &w->group.commits[p];
        int64_t start = c->is_there ? c->offset : 0;
        if (w->foreign_at[p] != start && (!c->is_there || c->metadata[0] != '\0')) return false;
    }
    return true;
}

static void step_foreign(Sim *s, SinkWorld *w) {
    size_t p = rng_below(sim_rng(s), SINK_PARTITIONS);
    int64_t *at = &w->foreign_at[p];
    if (*at < fake_kafka_stable(&w->kafka, p)) {
        if (fake_kafka_is_visible(&w->kafka, p, *at))
            sink_rows_apply(NULL, &w->store.rows[p], &w->events[w->kafka.logs[p].records[*at].what]);
        (*at)++;
    }
    if (rng_chance(sim_rng(s), 10)) commit_foreign(w, p);
    if (!rng_chance(sim_rng(s), sim_is_quiet(s) ? 20 : 3)) return;
    bool is_killed = !sim_shape(s)->is_plain && has_left_traces(w) && rng_chance(sim_rng(s), 50);
    for (size_t i = 0; i < SINK_PARTITIONS && !is_killed; i++) commit_foreign(w, i);
    sim_trace(s, "the other program's sink %s", is_killed ? "is killed" : "stops");
    w->is_foreign = false;
}

/* kafka-consumer-groups --reset-offsets. */
static void reset_group(Sim *s, SinkWorld *w) {
    size_t p = rng_below(sim_rng(s), SINK_PARTITIONS);
    const StoreOffset *o = &w->store.offsets[p];
    if (!o->is_there) return;
    end_all(s, w);
    w->is_loose = true;
    KafkaCommit *c = &w->group.commits[p];
    int64_t most =
        c->is_there && c->offset < o->offset ? c->offset : o->offset; /* further on would leave out */
    *c = (KafkaCommit){.is_there = true, .offset = (int64_t)rng_below(sim_rng(s), (uint64_t)most + 1)};
    sim_trace(s, "the operator resets partition %zu to %lld", p, (long long)w->group.commits[p].offset);
}

static void back_up(SinkWorld *w) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (!w->store.offsets[p].is_there) return;
    memcpy(w->backup.offsets, w->store.offsets, sizeof w->backup.offsets);
    memcpy(w->backup.rows, w->store.rows, sizeof w->backup.rows);
    memcpy(w->backup_oracle, w->oracle, sizeof w->oracle);
    w->has_backup = true;
}

static void restore(Sim *s, SinkWorld *w) {
    end_all(s, w);
    sim_trace(s, "the target is restored from its backup");
    memcpy(w->store.offsets, w->backup.offsets, sizeof w->backup.offsets);
    memcpy(w->store.rows, w->backup.rows, sizeof w->backup.rows);
    memcpy(w->oracle, w->backup_oracle, sizeof w->oracle);
    w->has_backup = false;
}

static void step_others(Sim *s, SinkWorld *w) {
    const SimShape *shape = sim_shape(s);
    if (w->is_foreign) {
        step_foreign(s, w);
        return;
    }
    if (sim_is_quiet(s) || !rng_chance(sim_rng(s), 10)) return;
    if (rng_chance(sim_rng(s), shape->foreign)) begin_foreign(s, w);
    else if (rng_chance(sim_rng(s), shape->reset)) reset_group(s, w);
    else if (shape->restore && !w->has_backup && rng_chance(sim_rng(s), 20)) back_up(w);
    else if (w->has_backup && rng_chance(sim_rng(s), shape->restore)) restore(s, w);
}

/* ---- the run ---- */

static void step(Sim *s, SinkWorld *w) {
    sim_count_step(s);
    step_sources(s, w);
    step_group(s, w);
    fate(s, w);
    step_others(s, w);
    fake_store_step(s, &w->store);
    for (size_t i = 0; i < SINK_MEMBERS && !sim_has_failed(s); i++) {
        Member *m = &w->members[rng_below(sim_rng(s), SINK_MEMBERS)];
        if (m->is_alive && !m->is_stopped) member_step(s, m);
    }
}

static void first_copy(Sim *s, SinkWorld *w) {
    for (uint64_t n = rng_below(sim_rng(s), 10); n > 0; n--) {
        if (sim_shape(s)->has_keyless && !sim_shape(s)->is_plain && rng_chance(sim_rng(s), 30))
            change_keyless(s, w, /* is_copy= */ true);
        else change_keyed(s, w, rng_below(sim_rng(s), SINK_SOURCES), /* is_copy= */ true);
    }
}

static void begin(Sim *s, SinkWorld *w) {
    fake_kafka_init(&w->kafka);
    fake_group_init(&w->group);
    memset(&w->store, 0, sizeof w->store);
    memset(w->rows, 0, sizeof w->rows);
    memset(w->oracle, 0, sizeof w->oracle);
    w->event_count = 0;
    w->has_backup = w->is_foreign = w->is_loose = false;
    memset(w->writers, 0, sizeof w->writers);
    for (size_t i = 0; i < SINK_MEMBERS; i++) w->members[i] = (Member){.number = i};
    first_copy(s, w);
}

/* Behind the last record that readers see. */
static int64_t last_of(const SinkWorld *w, size_t p) {
    int64_t at = fake_kafka_stable(&w->kafka, p);
    while (at > 0 && !fake_kafka_is_visible(&w->kafka, p, at - 1)) at--;
    return at;
}

static bool is_held(const SinkWorld *w, size_t p) {
    const FakeGroup *g = &w->group;
    if (g->owner[p] >= SINK_MEMBERS) return false;
    const Member *m = &w->members[g->owner[p]];
    return !m->is_stopped && m->slots[p].is_held && m->slots[p].generation == g->generation[p];
}

static bool is_through(const Sim *s, const SinkWorld *w) {
    for (size_t i = 0; i < SINK_SOURCES; i++)
        if (!is_done(s, &w->writers[i])) return false;
    if (fake_kafka_is_busy(&w->kafka) || w->is_foreign) return false;
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (!is_held(w, p) || !w->store.offsets[p].is_there || w->store.offsets[p].offset < last_of(w, p))
            return false;
    for (size_t i = 0; i < SINK_MEMBERS; i++)
        if (!member_is_at_rest(&w->members[i])) return false;
    return true;
}

void sink_world_run(Sim *s, SinkWorld *w) {
    begin(s, w);
    for (int i = 0; i < WORLD_STEPS && !sim_has_failed(s); i++) step(s, w);
    sim_set_quiet(s);
    bool is_there = false;
    for (int i = 0; i < QUIET_STEPS && !sim_has_failed(s) && !is_there; i++) {
        step(s, w);
        is_there = i % 16 == 0 && is_through(s, w);
    }
    if (!sim_has_failed(s) && !is_there) sim_fail(s, "the target doesn't get to the topics' end");
    for (size_t p = 0; p < SINK_PARTITIONS && !sim_has_failed(s); p++)
        compare(s, &w->store.rows[p], &w->rows[p], p, "at the end");
    for (size_t i = 0; i < SINK_MEMBERS; i++)
        if (w->members[i].is_alive) member_crash(s, &w->members[i]);
}
