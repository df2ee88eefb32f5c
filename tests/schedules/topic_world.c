/*
 * The world of the half that writes topics: the source's log, the coordinator, Debezium, an operator, and the
 * oracle. All write under one transactional.id, or outside of transactions while nobody else does: so when a
 * transaction is decided, all before it is, and each partition is read on to its end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topic_half.h"

enum { WORLD_STEPS = 700, QUIET_STEPS = 6000 };

TopicWorld *topic_world_new(void) {
    return x_calloc(1, sizeof(TopicWorld));
}

TopicWorld *topic_world_free(TopicWorld *w) {
    for (size_t i = 0; i < TOPIC_PROCS; i++) record_batch_free(w->procs[i].records);
    free(w);
    return NULL;
}

/* ---- places ---- */

static uint32_t place_behind(const TopicWorld *w, uint32_t lsn, uint32_t serial) {
    size_t at = TOPIC_ROWS;
    while (at < w->event_count &&
           (w->events[at].lsn < lsn || (w->events[at].lsn == lsn && w->events[at].serial <= serial)))
        at++;
    return (uint32_t)at;
}

/* The note before a transaction's first change goes with it. */
uint32_t topic_place_of_position(const TopicWorld *w, const Position *position) {
    uint32_t lsn = sim_lsn_number(&position->commit_lsn);
    return place_behind(w, lsn, position_is_end(position) ? UINT32_MAX : (uint32_t)position->command_id);
}

uint32_t topic_place_of_offset(const TopicWorld *w, const TopicOffset *o) {
    return place_behind(w, o->lsn, o->is_snapshot ? UINT32_MAX : o->serial);
}

bool topic_offsets_equal(const TopicOffset *a, const TopicOffset *b) {
    return a->is_there == b->is_there && a->is_snapshot == b->is_snapshot &&
           a->is_completed == b->is_completed && a->lsn == b->lsn && a->serial == b->serial;
}

static uint32_t place_of_found(const TopicWorld *w, const TopicFound *f) {
    enum { CHUNK_ROWS = 2 };
    const StoredTable *t = &f->table.table;
    if (!f->has_table) return 0;
    if (!t->is_done) return t->chunks_done * CHUNK_ROWS;
    uint32_t place = topic_place_of_position(w, &f->position.position);
    if (!position_is_zero(&f->position.inside)) {
        uint32_t inside = topic_place_of_position(w, &f->position.inside);
        if (inside > place) place = inside;
    }
    uint32_t offset = f->debezium.is_there ? topic_place_of_offset(w, &f->debezium) : 0;
    return offset > place ? offset : place;
}

/* Events of a partition among the first so many. */
static uint32_t below(const TopicWorld *w, uint32_t place, size_t partition) {
    return place == w->event_count ? w->totals[partition] : w->events[place].below[partition];
}

/* ---- the topic of offsets ---- */

uint32_t topic_world_store(TopicWorld *w, const TopicStore *store) {
    assert(w->store_count < TOPIC_STORES);
    w->stores[w->store_count] = *store;
    return (uint32_t)w->store_count++;
}

static void take_store(TopicFound *f, const TopicStore *store) {
    switch (store->kind) {
    case STORE_POSITION:
        f->has_position = true;
        f->position = *store;
        break;
    case STORE_TABLE:
        f->has_table = true;
        f->table = *store;
        break;
    case STORE_DEBEZIUM: f->debezium = store->debezium; break;
    }
}

static const TopicStore *store_at(const TopicWorld *w, int64_t offset) {
    return &w->stores[w->kafka.logs[TOPIC_OFFSETS].records[offset].what & ~(uint32_t)TOPIC_FOREIGN];
}

TopicFound topic_world_found(const TopicWorld *w, bool is_dirty) {
    TopicFound found = {0};
    const KafkaLog *log = &w->kafka.logs[TOPIC_OFFSETS];
    int64_t end = is_dirty ? log->count : fake_kafka_stable(&w->kafka, TOPIC_OFFSETS);
    for (int64_t i = 0; i < end; i++)
        if (!log->records[i].is_marker && (is_dirty || fake_kafka_is_visible(&w->kafka, TOPIC_OFFSETS, i)))
            take_store(&found, store_at(w, i));
    if (!found.has_position) found.has_table = false;
    return found;
}

/* ---- the oracle ---- */

static void look_at_record(Sim *s, TopicWorld *w, size_t partition, uint32_t what) {
    uint32_t *seen = &w->oracle.seen[partition];
    bool is_foreign = (what & TOPIC_FOREIGN) != 0;
    const TopicEvent *e = &w->events[what & ~(uint32_t)TOPIC_FOREIGN];
    if (e->at > *seen)
        sim_fail(s, "partition %zu: number %u comes, and %u is missing", partition, e->at, *seen);
    else if (e->at < *seen && !is_foreign)
        sim_fail(s, "partition %zu: number %u comes once more", partition, e->at);
    *seen = e->at + 1;
}

/* What a JVM worker finds, which reads the topic uncommitted. */
static void look_at_dirty(Sim *s, const TopicWorld *w) {
    const KafkaLog *log = &w->kafka.logs[TOPIC_OFFSETS];
    for (int64_t i = log->count; i-- > 0;) {
        if (log->records[i].is_marker || store_at(w, i)->kind != STORE_DEBEZIUM) continue;
        const TopicOffset *dirty = &store_at(w, i)->debezium, *stored = &w->oracle.stored.debezium;
        if (!topic_offsets_equal(dirty, stored))
            sim_fail(s, "who reads uncommitted offsets finds Debezium's at %u, committed is %u", dirty->lsn,
                     stored->lsn);
        return;
    }
}

/* Debezium's offset: the last change of the last complete transaction. */
static void look_at_offset(Sim *s, const TopicWorld *w, const TopicOffset *before) {
    const TopicFound *now = &w->oracle.stored;
    if (!now->debezium.is_there || (now->debezium.is_snapshot && !now->debezium.is_completed)) return;
    uint32_t offset = topic_place_of_offset(w, &now->debezium);
    uint32_t position = topic_place_of_position(w, &now->position.position);
    bool stays = topic_offsets_equal(before, &now->debezium) && position <= offset;
    if (offset != position && !stays)
        sim_fail(s, "Debezium's offset stands at place %u, the position at %u", offset, position);
}

static void look_at_place(Sim *s, TopicWorld *w) {
    struct TopicOracle *o = &w->oracle;
    uint32_t place = place_of_found(w, &o->stored);
    bool jumps = o->is_loose && o->stored.position.is_again;
    if (o->stored.position.is_again && place != o->place)
        sim_fail(s, "it goes on from place %u, stored was %u", place, o->place);
    for (size_t p = 0; p <= TOPIC_NOTES; p++) {
        uint32_t should = below(w, place, p);
        if (o->seen[p] == should) continue;
        if (!jumps || o->seen[p] < should)
            sim_fail(s, "partition %zu holds %u, what is stored stands for %u", p, o->seen[p], should);
        o->seen[p] = should;
    }
    if (o->stored.position.is_again) o->is_loose = o->is_set_back = false;
    o->place = place;
}

/* Everything is decided: read on to the end. */
static void look(Sim *s, TopicWorld *w, bool is_ours) {
    struct TopicOracle *o = &w->oracle;
    const TopicOffset before = o->stored.debezium;
    bool has_stored = false;
    for (size_t p = 0; p < KAFKA_PARTITIONS; p++)
        for (; o->at[p] < w->kafka.logs[p].count; o->at[p]++) {
            if (!fake_kafka_is_visible(&w->kafka, p, o->at[p])) continue;
            if (p != TOPIC_OFFSETS) {
                look_at_record(s, w, p, w->kafka.logs[p].records[o->at[p]].what);
                continue;
            }
            take_store(&o->stored, store_at(w, o->at[p]));
            has_stored = true;
        }
    if (!is_ours) {
        if (has_stored) o->place = topic_place_of_offset(w, &o->stored.debezium);
        return;
    }
    look_at_place(s, w);
    look_at_offset(s, w, &before);
    look_at_dirty(s, w);
}

/* ---- the coordinator ---- */

KafkaResult topic_world_end(Sim *s, TopicWorld *w, uint32_t epoch, bool commits) {
    bool is_open = w->kafka.ids[0].transaction != 0;
    KafkaResult r = fake_kafka_end(&w->kafka, 0, epoch, commits);
    if (r != KAFKA_OK || !is_open) return r;
    sim_trace(s, "coordinator: %s", commits ? "commits" : "aborts");
    if (commits) look(s, w, /* is_ours= */ !w->foreign.is_running || !w->foreign.is_open);
    return r;
}

void topic_world_cut(Sim *s, TopicWorld *w, uint32_t epoch) {
    switch (rng_below(sim_rng(s), 3)) {
    case 0: (void)topic_world_end(s, w, epoch, /* commits= */ true); break;
    case 1:
        sim_trace(s, "a commit is on its way");
        w->has_late = true;
        w->late = epoch;
        break;
    default: break; /* it never comes: somebody else ends the transaction */
    }
}

static void step_kafka(Sim *s, TopicWorld *w) {
    if (w->has_late && rng_chance(sim_rng(s), 15) &&
        topic_world_end(s, w, w->late, /* commits= */ true) != KAFKA_WAITS)
        w->has_late = false;
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->evict) && w->kafka.ids[0].transaction) {
        sim_trace(s, "coordinator: gives a silent producer up");
        fake_kafka_expire(&w->kafka, 0);
    }
    for (size_t i = 0; i < KAFKA_PRODUCERS; i++) fake_kafka_step(s, &w->kafka);
}

/* ---- the source ---- */

static void add_event(TopicWorld *w, TopicKind kind, size_t partition, uint32_t serial) {
    TopicEvent *e = &w->events[w->event_count++];
    *e = (TopicEvent){
        .kind = kind, .partition = (uint8_t)partition, .serial = serial, .at = w->totals[partition]};
    e->lsn = kind == TOPIC_ROW ? 0 : w->lsn;
    memcpy(e->below, w->totals, sizeof e->below);
    w->totals[partition]++;
}

static void step_source(Sim *s, TopicWorld *w) {
    const SimShape *shape = sim_shape(s);
    w->now_us += 50 * 1000;
    if (sim_is_quiet(s) || rng_chance(sim_rng(s), shape->capture)) {
        w->captured = w->event_count;
        w->captured_lsn = w->lsn;
    }
    if (sim_is_quiet(s) || fake_kafka_is_full(&w->kafka)) return;
    if (rng_chance(sim_rng(s), 2)) w->lsn++; /* nothing of ours */
    if (w->commits == TOPIC_COMMITS || !rng_chance(sim_rng(s), shape->commit)) return;
    uint64_t most = rng_chance(sim_rng(s), shape->large) ? TOPIC_CHANGES : 3;
    uint32_t count = 1 + (uint32_t)rng_below(sim_rng(s), most);
    w->commits++;
    w->lsn++;
    add_event(w, TOPIC_NOTE, TOPIC_NOTES, 0);
    for (uint32_t i = 1; i <= count; i++) add_event(w, TOPIC_CHANGE, rng_below(sim_rng(s), TOPIC_DATA), i);
}

/* ---- others ---- */

/* All of ours are told to stop, or die. False: not now. */
static bool end_all(Sim *s, TopicWorld *w, bool is_gentle) {
    for (size_t i = 0; i < TOPIC_PROCS; i++) {
        TopicProc *p = &w->procs[i];
        if (!p->is_alive) continue;
        if (!is_gentle) topic_proc_crash(s, p);
        else if (!topic_proc_leave(s, p)) return false;
    }
    return true;
}

static void begin_foreign(Sim *s, TopicWorld *w, bool is_exact) {
    w->oracle.is_loose = true;
    w->foreign = (TopicForeign){.is_running = true, .is_exact = is_exact};
    w->was_left = !is_exact;
    sim_trace(s, "Debezium takes the connector, %s", is_exact ? "exactly once" : "at least once");
    if (is_exact) return;
    TopicFound found = topic_world_found(w, /* is_dirty= */ true);
    w->foreign.at = topic_place_of_offset(w, &found.debezium);
}

/* It fences ours by its transactional.id, or has to wait until ours have stopped: then nothing may be open.
 */
static void call_foreign(Sim *s, TopicWorld *w) {
    const TopicFound *stored = &w->oracle.stored;
    if (!stored->has_table || !stored->table.table.is_done) return; /* it would begin with a snapshot */
    if (w->oracle.is_set_back) return;                              /* ours find that first */
    bool is_exact = rng_chance(sim_rng(s), 50), finds_all_alive = is_exact && rng_chance(sim_rng(s), 50);
    if (!finds_all_alive && !end_all(s, w, /* is_gentle= */ !is_exact)) return;
    if (!is_exact && (fake_kafka_is_busy(&w->kafka) || w->has_late || !w->was_left)) return;
    begin_foreign(s, w, is_exact);
}

static void open_foreign(Sim *s, TopicWorld *w) {
    TopicForeign *f = &w->foreign;
    if (fake_kafka_open(&w->kafka, 0, &f->epoch) != KAFKA_OK) return;
    TopicFound found = topic_world_found(w, /* is_dirty= */ false);
    f->is_open = w->oracle.is_loose = true;
    f->at = topic_place_of_offset(w, &found.debezium);
    sim_trace(s, "Debezium: goes on from place %u", f->at);
}

static bool send_foreign(TopicWorld *w, size_t partition, uint32_t what) {
    TopicForeign *f = &w->foreign;
    if (f->is_exact)
        return fake_kafka_send(&w->kafka, 0, f->epoch, partition, what | TOPIC_FOREIGN) == KAFKA_OK;
    fake_kafka_append(&w->kafka, partition, what | TOPIC_FOREIGN);
    return true;
}

static void store_foreign(Sim *s, TopicWorld *w) {
    TopicForeign *f = &w->foreign;
    const TopicEvent *last = &w->events[f->at - 1];
    if (f->sent == 0 || last->kind != TOPIC_CHANGE) return;
    const TopicOffset offset = {.is_there = true, .lsn = last->lsn, .serial = last->serial};
    const TopicStore store = {.kind = STORE_DEBEZIUM, .debezium = offset};
    if (!send_foreign(w, TOPIC_OFFSETS, topic_world_store(w, &store))) return;
    if (f->is_exact && topic_world_end(s, w, f->epoch, /* commits= */ true) != KAFKA_OK) return;
    sim_trace(s, "Debezium: stores its offset, transaction %u, change %u", offset.lsn, offset.serial);
    if (!f->is_exact) look(s, w, /* is_ours= */ false);
    f->sent = 0;
}

/* Killed, what it sent since it stored its offset is sent again by whoever goes on. But a transaction of
 * which ours had sent more than it has by then would end there in its own order, and nobody could know: it is
 * told to stop (docs/kafka.md). */
static bool may_be_killed(const TopicWorld *w) {
    const TopicFound *stored = &w->oracle.stored;
    return w->foreign.is_exact || w->foreign.sent == 0 || position_is_zero(&stored->position.inside) ||
           !topic_offsets_equal(&stored->position.debezium, &stored->debezium);
}

static void end_foreign(Sim *s, TopicWorld *w) {
    TopicForeign *f = &w->foreign;
    bool is_killed = may_be_killed(w) && rng_chance(sim_rng(s), 50);
    if (!is_killed && f->sent > 0) store_foreign(s, w);
    if (!is_killed && f->sent > 0) return; /* in a moment */
    sim_trace(s, "Debezium %s", is_killed ? "is killed" : "stops");
    if (!f->is_exact) look(s, w, /* is_ours= */ false);
    *f = (TopicForeign){0};
}

static void step_foreign(Sim *s, TopicWorld *w) {
    TopicForeign *f = &w->foreign;
    if (f->is_exact && !f->is_open) {
        open_foreign(s, w);
        return;
    }
    if (f->is_exact && f->epoch != w->kafka.ids[0].epoch) f->is_running = false; /* given up */
    if (!f->is_running) return;
    if (rng_chance(sim_rng(s), 5)) {
        end_foreign(s, w);
        return;
    }
    if (rng_chance(sim_rng(s), 15)) store_foreign(s, w);
    else if (f->at < w->captured && send_foreign(w, w->events[f->at].partition, f->at)) {
        f->at++;
        f->sent++;
    }
}

/* By hand: Debezium's offset is set back to one of the changes before. */
static void set_back(Sim *s, TopicWorld *w) {
    const TopicFound *stored = &w->oracle.stored;
    if (!stored->has_table || !stored->table.table.is_done || w->oracle.place <= TOPIC_ROWS) return;
    if (!end_all(s, w, /* is_gentle= */ true) || fake_kafka_is_busy(&w->kafka) || w->has_late) return;
    uint32_t at = TOPIC_ROWS + (uint32_t)rng_below(sim_rng(s), w->oracle.place - TOPIC_ROWS);
    const TopicEvent *e = &w->events[at];
    if (e->kind != TOPIC_CHANGE) return;
    const TopicOffset offset = {.is_there = true, .lsn = e->lsn, .serial = e->serial};
    if (topic_offsets_equal(&offset, &stored->debezium) ||
        topic_offsets_equal(&offset, &stored->position.debezium))
        return;
    sim_trace(s, "the operator sets the offset to transaction %u, change %u", e->lsn, e->serial);
    const TopicStore store = {.kind = STORE_DEBEZIUM, .debezium = offset};
    fake_kafka_append(&w->kafka, TOPIC_OFFSETS, topic_world_store(w, &store) | TOPIC_FOREIGN);
    w->oracle.is_loose = w->oracle.is_set_back = true;
    look(s, w, /* is_ours= */ false);
}

static void step_others(Sim *s, TopicWorld *w) {
    const SimShape *shape = sim_shape(s);
    if (w->foreign.is_running) {
        step_foreign(s, w);
        return;
    }
    if (sim_is_quiet(s) || !rng_chance(sim_rng(s), 10)) return;
    if (rng_chance(sim_rng(s), shape->foreign)) call_foreign(s, w);
    else if (rng_chance(sim_rng(s), shape->reset)) set_back(s, w);
}

/* ---- processes ---- */

static size_t awake(const TopicWorld *w) {
    size_t n = 0;
    for (size_t i = 0; i < TOPIC_PROCS; i++) n += w->procs[i].is_alive && !w->procs[i].is_stopped;
    return n;
}

static void fate(Sim *s, TopicWorld *w) {
    const SimShape *shape = sim_shape(s);
    TopicProc *p = &w->procs[rng_below(sim_rng(s), TOPIC_PROCS)];
    bool is_loud = !sim_is_quiet(s);
    if (p->is_stopped) {
        if (rng_chance(sim_rng(s), is_loud ? 4 : 30)) {
            sim_trace(s, "proc %zu: wakes up", p->number);
            p->is_stopped = false;
        }
    } else if (p->is_alive && is_loud && rng_chance(sim_rng(s), shape->crash)) {
        topic_proc_crash(s, p);
    } else if (p->is_alive && is_loud && rng_chance(sim_rng(s), shape->stop)) {
        sim_trace(s, "proc %zu: stopped", p->number);
        p->is_stopped = true;
    }
    bool is_second = is_loud && awake(w) == 1 && rng_chance(sim_rng(s), shape->rebalance);
    if (w->foreign.is_running || (awake(w) > 0 && !is_second)) return;
    for (size_t i = 0; i < TOPIC_PROCS; i++) {
        if (w->procs[i].is_alive) continue;
        topic_proc_start(s, &w->procs[i]);
        return;
    }
}

/* ---- the run ---- */

static void step(Sim *s, TopicWorld *w) {
    sim_count_step(s);
    step_source(s, w);
    step_kafka(s, w);
    step_others(s, w);
    fate(s, w);
    for (size_t i = 0; i < TOPIC_PROCS && !sim_has_failed(s); i++) {
        TopicProc *p = &w->procs[rng_below(sim_rng(s), TOPIC_PROCS)];
        if (p->is_alive && !p->is_stopped) topic_proc_step(s, p);
    }
}

static void begin(TopicWorld *w) {
    fake_kafka_init(&w->kafka);
    w->event_count = w->store_count = 0;
    memset(w->totals, 0, sizeof w->totals);
    memset(&w->oracle, 0, sizeof w->oracle);
    w->foreign = (TopicForeign){0};
    w->has_late = false;
    w->was_left = true;
    w->commits = 0;
    w->now_us = 0;
    w->lsn = w->captured_lsn = TOPIC_START;
    for (size_t i = 0; i < TOPIC_ROWS; i++) add_event(w, TOPIC_ROW, i % TOPIC_DATA, 0);
    w->captured = w->event_count;
    for (size_t i = 0; i < TOPIC_PROCS; i++) w->procs[i].number = i;
}

static bool is_through(const TopicWorld *w) {
    if (w->foreign.is_running || w->has_late || w->oracle.place != w->event_count) return false;
    if (!w->oracle.stored.has_table || !w->oracle.stored.table.table.is_done) return false;
    for (size_t i = 0; i < TOPIC_PROCS; i++)
        if (topic_proc_is_through(&w->procs[i])) return true;
    return false;
}

void topic_world_run(Sim *s, TopicWorld *w) {
    begin(w);
    for (int i = 0; i < WORLD_STEPS && !sim_has_failed(s); i++) step(s, w);
    sim_set_quiet(s);
    bool is_there = false;
    for (int i = 0; i < QUIET_STEPS && !sim_has_failed(s) && !is_there; i++) {
        step(s, w);
        is_there = is_through(w);
    }
    if (!sim_has_failed(s) && !is_there) sim_fail(s, "the topics don't get there");
    for (size_t p = 0; p <= TOPIC_NOTES && !sim_has_failed(s); p++)
        if (w->oracle.seen[p] != w->totals[p])
            sim_fail(s, "at the end partition %zu holds %u of %u", p, w->oracle.seen[p], w->totals[p]);
    for (size_t i = 0; i < TOPIC_PROCS; i++)
        if (w->procs[i].is_alive) topic_proc_end(&w->procs[i]);
}
