/*
 * A process: what src/kafka/topic_sink.c and source_start.c do around pipeline/lane.h and pipeline/parts.h,
 * in steps as small as a record sent. After any failure its producer is closed, and it takes the task again.
 */
#include <assert.h>
#include <string.h>

#include "topic_half.h"

static TopicWorld *world_of(Sim *s) {
    return sim_topics(s);
}

/* ---- life ---- */

void topic_proc_start(Sim *s, TopicProc *p) {
    RecordBatch *records = p->records ? p->records : record_batch_new();
    *p = (TopicProc){.number = p->number, .is_alive = true, .records = records, .lane = lane_new()};
    p->parts.most = 1 + rng_below(sim_rng(s), 6);
    p->state = sim_is_broken(s, BREAK_TOPIC_READ_FIRST) ? TOPIC_READ : TOPIC_OPEN;
    sim_trace(s, "proc %zu: starts, at most %zu rows", p->number, p->parts.most);
}

void topic_proc_end(TopicProc *p) {
    topic_source_stop(p);
    p->lane = lane_free(p->lane);
    p->hand = NULL;
    p->is_alive = p->is_stopped = p->has_producer = false;
}

static bool is_committing(const TopicProc *p) {
    return p->op_at < p->op_count && p->ops[p->op_at].is_commit;
}

void topic_proc_crash(Sim *s, TopicProc *p) {
    sim_trace(s, "proc %zu: crashes", p->number);
    world_of(s)->was_left = false;
    if (p->has_producer && is_committing(p)) topic_world_cut(s, world_of(s), p->producer);
    topic_proc_end(p);
}

bool topic_proc_leave(Sim *s, TopicProc *p) {
    if (p->is_stopped || (p->state != TOPIC_PUT && p->state != TOPIC_WAIT) || !p->has_producer) return false;
    if (topic_world_end(s, world_of(s), p->producer, /* commits= */ false) == KAFKA_WAITS) return false;
    sim_trace(s, "proc %zu: stops", p->number);
    world_of(s)->was_left = true;
    topic_proc_end(p);
    return true;
}

/* As the worker does when it can't go on where it was. */
static void begin_anew(Sim *s, TopicProc *p, const char *why) {
    sim_trace(s, "proc %zu: begins anew: %s", p->number, why);
    topic_proc_end(p);
    topic_proc_start(s, p);
}

static void fenced(Sim *s, TopicProc *p) {
    sim_trace(s, "proc %zu: fenced", p->number);
    world_of(s)->was_left = false;
    lane_fenced(p->lane);
    topic_proc_end(p);
}

static void give_up(Sim *s, TopicProc *p, const char *why) {
    sim_trace(s, "proc %zu: gives up: %s", p->number, why);
    p->has_producer = p->has_read = false;
    p->op_count = p->op_at = 0;
    lane_lost(p->lane);
    if (lane_needs_source_back(p->lane) && rng_chance(sim_rng(s), 50)) {
        begin_anew(s, p, "a transaction of several batches was cut");
        return;
    }
    p->state = sim_is_broken(s, BREAK_TOPIC_READ_FIRST) ? TOPIC_READ : TOPIC_OPEN;
}

/* ---- what is to be sent ---- */

static void add_op(TopicProc *p, size_t partition, uint32_t what) {
    assert(p->op_count < TOPIC_OPS);
    p->ops[p->op_count++] = (TopicOp){.partition = (uint8_t)partition, .what = what};
}

static void add_store(Sim *s, TopicProc *p, const TopicStore *store) {
    add_op(p, TOPIC_OFFSETS, topic_world_store(world_of(s), store));
}

static void add_commit(TopicProc *p, const Position *inside) {
    assert(p->op_count < TOPIC_OPS);
    p->ops[p->op_count++] = (TopicOp){.is_commit = true, .inside = *inside};
}

static void add_position(Sim *s, TopicProc *p, const Position *position, const Position *inside) {
    static const Position none;
    bool forgets = sim_is_broken(s, BREAK_TOPIC_FORGET_INSIDE);
    if (sim_is_broken(s, BREAK_TOPIC_OFFSET_OUTSIDE)) add_commit(p, &p->parts.inside);
    add_store(s, p,
              &(TopicStore){.kind = STORE_POSITION,
                            .is_again = p->state == TOPIC_READ,
                            .epoch = p->epoch,
                            .position = *position,
                            .inside = forgets ? none : *inside,
                            .debezium = p->debezium});
    add_commit(p, inside);
}

static void add_debezium(Sim *s, TopicProc *p, const TopicOffset *offset) {
    add_store(s, p, &(TopicStore){.kind = STORE_DEBEZIUM, .debezium = *offset});
}

/* ---- owning ---- */

static void open_producer(Sim *s, TopicProc *p) {
    TopicWorld *w = world_of(s);
    if (sim_is_broken(s, BREAK_TOPIC_NO_FENCE) && w->kafka.ids[0].epoch) p->producer = w->kafka.ids[0].epoch;
    else if (fake_kafka_open(&w->kafka, 0, &p->producer) != KAFKA_OK) return;
    sim_trace(s, "proc %zu: has a producer under epoch %u", p->number, p->producer);
    p->has_producer = true;
    p->state = p->has_read ? TOPIC_AGAIN : TOPIC_READ;
}

static bool has_gone_on(Sim *s, const TopicFound *f) {
    if (!f->debezium.is_there || sim_is_broken(s, BREAK_TOPIC_NO_TAKEOVER)) return false;
    return !f->has_position || !topic_offsets_equal(&f->position.debezium, &f->debezium) ||
           sim_is_broken(s, BREAK_TOPIC_ALWAYS_TAKE_OVER);
}

/* As kafka/takeover.h: the transaction that the offset stands in is read again. */
static bool take_over(Sim *s, TopicFound *f) {
    const TopicOffset *o = &f->debezium;
    if (o->is_snapshot && !o->is_completed) return false;
    const Lsn before = sim_lsn(o->is_snapshot ? o->lsn : o->lsn - 1);
    const Position inside = f->position.inside;
    f->has_position = f->has_table = true;
    f->position = (TopicStore){.epoch = f->position.epoch, .position = position_end_of(&before)};
    if (sim_is_broken(s, BREAK_TOPIC_KEEP_INSIDE)) f->position.inside = inside;
    f->table.table.chunks_done = 1;
    f->table.table.is_done = f->table.table.is_whole = true;
    f->table.table.fingerprint = 0;
    f->table.table.instance = 0;
    f->table.table.upper_key = NULL;
    return true;
}

static StoredState state_of(const TopicFound *f, StoredTable *table) {
    static char schema[] = "dbo", name[] = "t0";
    StoredState state = {.tables = table, .table_count = f->has_table};
    *table = f->table.table;
    table->schema = schema;
    table->table = name;
    stored_state_move(&state, &f->position.position);
    return state;
}

/* The marks, for what outlives their owner. */
static StoredTable marks_of(const StoredTable *t) {
    static char upper[] = "k";
    StoredTable marks = *t;
    marks.schema = marks.table = marks.filter = marks.key = marks.route = NULL;
    if (marks.upper_key) marks.upper_key = upper;
    return marks;
}

/* The answer to the commit never came, and it isn't asked for. */
static void believe_oneself(const TopicProc *p, TopicFound *f) {
    const StoredState *stored = lane_stored(p->lane);
    f->position.position = stored->position;
    f->position.inside = p->parts.inside;
    f->has_table = stored->table_count > 0;
    if (f->has_table) f->table.table = marks_of(&stored->tables[0]);
}

static void write_again(Sim *s, TopicProc *p) {
    TopicFound *f = &p->found;
    const TopicStore *position = &f->position;
    if (f->has_table) add_store(s, p, &(TopicStore){.kind = STORE_TABLE, .table = f->table.table});
    if (f->debezium.is_there || f->has_position)
        add_debezium(s, p, &f->debezium); /* that there is none, too */
    add_position(s, p, &position->position, &position->inside);
    p->ops[p->op_count - 1].inside = position->inside;
}

static void read_stored(Sim *s, TopicProc *p) {
    TopicFound *f = &p->found;
    *f = topic_world_found(world_of(s), sim_is_broken(s, BREAK_TOPIC_READ_UNCOMMITTED));
    p->is_taken_over = has_gone_on(s, f) && take_over(s, f);
    if (p->was_owned && sim_is_broken(s, BREAK_TOPIC_NOT_READ)) believe_oneself(p, f);
    if (p->is_taken_over) sim_trace(s, "proc %zu: goes on where Debezium stopped", p->number);
    p->epoch = f->position.epoch + 1;
    p->debezium = p->sent = p->from = f->debezium;
    p->noted = f->debezium.is_there && !f->debezium.is_snapshot ? f->debezium.lsn : 0;
    if (f->debezium.is_snapshot || sim_is_broken(s, BREAK_TOPIC_WHOLE_COMMIT)) p->from.lsn = 0;
    parts_owned(&p->parts, &f->position.inside);
    p->op_count = p->op_at = 0;
    if (!sim_is_broken(s, BREAK_TOPIC_NOT_AGAIN)) write_again(s, p);
    p->has_read = true;
    p->state = p->has_producer ? TOPIC_AGAIN : TOPIC_OPEN;
}

static void own(Sim *s, TopicProc *p) {
    static const char *const names[] = {"go on", "put again", "is in", "restart the source"};
    StoredTable table;
    const StoredState stored = state_of(&p->found, &table);
    LaneVerdict verdict = lane_owned(p->lane, p->epoch, &stored);
    sim_trace(s, "proc %zu: owns under epoch %d at %u, %s: %s", p->number, (int)p->epoch,
              sim_lsn_number(&stored.position.commit_lsn),
              position_is_zero(&p->parts.inside) ? "inside of nothing" : "inside of a transaction",
              names[verdict]);
    if (lane_needs_source_back(p->lane)) {
        begin_anew(s, p, "the source has to go back");
        return;
    }
    if (!p->was_owned) topic_source_start(p, &stored);
    p->was_owned = true;
    p->state = TOPIC_PUT;
}

/* ---- a batch ---- */

static void add_record(TopicProc *p, const TopicWorld *w, uint32_t event, const Change *source) {
    Record *r = record_batch_add(p->records);
    r->source = source;
    r->partition = w->events[event].partition;
    r->offset = event;
}

/* What Debezium had sent when it was gone on from its offset isn't made a record; it counts. */
static bool was_sent(TopicProc *p, const TopicEvent *e) {
    if (p->from.is_there && e->lsn != p->from.lsn) p->from.is_there = false;
    return p->from.is_there && e->serial <= p->from.serial;
}

/* As convert/change_events.h: a note before a transaction's first change. */
static void make_changes(Sim *s, TopicProc *p, const Batch *b) {
    const TopicWorld *w = world_of(s);
    for (size_t i = 0; i < b->count; i++) {
        const TopicEvent *e = &w->events[p->events[i]];
        if (was_sent(p, e)) continue;
        uint32_t note = p->events[i] - e->serial;
        const Change *with = sim_is_broken(s, BREAK_TOPIC_NOTES_ALONE) && i > 0 ? &b->changes[i - 1] : NULL;
        if (p->noted != e->lsn) add_record(p, w, note, with);
        p->noted = e->lsn;
        add_record(p, w, p->events[i], &b->changes[i]);
        p->sent = (TopicOffset){.is_there = true, .lsn = e->lsn, .serial = e->serial};
    }
}

static void send_changes(Sim *s, TopicProc *p, const Batch *b) {
    Position upto = parts_up_to(&p->parts, &p->work, b);
    if (sim_is_broken(s, BREAK_TOPIC_SEND_ALL)) upto = (Position){0};
    if (sim_is_broken(s, BREAK_TOPIC_SEND_OVERLAP)) upto = p->parts.inside;
    record_batch_clear(p->records);
    make_changes(s, p, b);
    if (!position_is_zero(&upto)) parts_drop(p->records, &upto);
    size_t sent = 0;
    for (size_t i = 0; i < p->records->count; i++) {
        const Record *r = &p->records->records[i];
        if (r->is_dropped) continue;
        add_op(p, (size_t)r->partition, (uint32_t)r->offset);
        sent++;
    }
    parts_sent(&p->parts, sent);
}

static void send_rows(Sim *s, TopicProc *p, const Batch *b) {
    const TopicWorld *w = world_of(s);
    for (size_t i = 0; i < b->count; i++) add_op(p, w->events[p->events[i]].partition, p->events[i]);
    bool is_completed = b->chunk.is_last_chunk && b->chunk.is_last_part;
    p->sent = (TopicOffset){.is_there = true, .is_snapshot = true, .is_completed = is_completed};
}

static bool has_step(const LaneWork *work, LaneStep step) {
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i] == step) return true;
    return false;
}

static void store_offset(Sim *s, TopicProc *p, const Position *to) {
    TopicOffset o = p->sent;
    if (!o.is_there) return;
    if (o.is_snapshot) o.lsn = sim_lsn_number(&to->commit_lsn);
    if (topic_offsets_equal(&o, &p->debezium)) return;
    add_debezium(s, p, &o);
    if (!sim_is_broken(s, BREAK_TOPIC_DEBEZIUM_ASIDE)) p->debezium = o;
}

/* The transaction goes on in the next batch. */
static void split(Sim *s, TopicProc *p, const Batch *b) {
    if (!parts_are_due(&p->parts, b)) return;
    const Position *last = &b->changes[b->count - 1].position;
    Position position = p->work.old;
    if (sim_is_broken(s, BREAK_TOPIC_MOVE_AT_SPLIT)) position = position_end_of(&last->commit_lsn);
    if (sim_is_broken(s, BREAK_TOPIC_DEBEZIUM_AT_SPLIT)) store_offset(s, p, last);
    sim_trace(s, "proc %zu: a part is due, of transaction %u", p->number, sim_lsn_number(&last->commit_lsn));
    add_position(s, p, &position, last);
}

static void commit(Sim *s, TopicProc *p) {
    Position inside = parts_left(&p->parts, &p->work.new);
    if (sim_is_broken(s, BREAK_TOPIC_CLEAR_INSIDE)) inside = (Position){0};
    store_offset(s, p, &p->work.new);
    add_position(s, p, &p->work.new, &inside);
}

static void store_table(Sim *s, TopicProc *p, const Batch *b) {
    StoredState behind = {0};
    stored_state_copy(&behind, lane_stored(p->lane));
    if (b->kind == BATCH_TABLE) stored_state_add_table(&behind, b);
    else stored_state_mark_chunk(&behind, b);
    add_store(s, p, &(TopicStore){.kind = STORE_TABLE, .table = marks_of(&behind.tables[0])});
    stored_state_done(&behind);
    if (sim_is_broken(s, BREAK_TOPIC_MARK_OUTSIDE)) add_commit(p, &p->parts.inside);
}

static void begin_step(Sim *s, TopicProc *p, LaneStep step, const Batch *b) {
    switch (step) {
    case LANE_MARK_TABLE:
    case LANE_MARK_CHUNK: store_table(s, p, b); break;
    case LANE_COPY_PLAIN:
    case LANE_UPSERT_ROWS: send_rows(s, p, b); break;
    case LANE_APPLY:
        send_changes(s, p, b);
        if (!has_step(&p->work, LANE_COMMIT)) split(s, p, b);
        break;
    case LANE_COMMIT: commit(s, p); break;
    default: break; /* nothing to send */
    }
}

static void put(Sim *s, TopicProc *p) {
    static const char *const kinds[] = {"changes", "rows", "table", "end", "answer"};
    Err e;
    if (!p->hand) {
        p->hand = topic_source_next(s, p);
        p->is_second = false;
    }
    p->state = TOPIC_STEPS;
    p->step = p->op_count = p->op_at = 0;
    if (!p->hand) {
        lane_idle(p->lane, world_of(s)->now_us, &p->work);
        return;
    }
    const Batch *b = p->hand;
    if (!lane_put(p->lane, b, world_of(s)->now_us, &p->work, &e)) {
        sim_fail(s, "lane: %s", e.msg);
        return;
    }
    sim_trace(s, "proc %zu: puts %s, %zu, (%u, %u]%s: %zu steps from change %zu on", p->number,
              kinds[b->kind], b->count, sim_lsn_number(&b->from.commit_lsn),
              sim_lsn_number(&b->to.commit_lsn), b->ends_transaction ? "" : ", to go on", p->work.count,
              p->work.first);
}

/* A part in the midst of a chunk comes once. */
static void steps_are_done(Sim *s, TopicProc *p) {
    lane_done(p->lane);
    p->state = p->hand ? TOPIC_PUT : TOPIC_WAIT;
    bool may_come_again =
        p->hand && !p->is_second && (p->hand->kind != BATCH_ROWS || p->hand->chunk.is_last_part);
    if (may_come_again && !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->duplicate)) {
        sim_trace(s, "proc %zu: the same batch comes once more", p->number);
        p->is_second = true;
        return;
    }
    p->hand = NULL;
}

/* ---- one step ---- */

static void was_committed(Sim *s, TopicProc *p, const TopicOp *op) {
    parts_committed(&p->parts, &op->inside);
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->duplicate)) /* EndTxn comes twice */
        (void)fake_kafka_end(&world_of(s)->kafka, 0, p->producer, /* commits= */ true);
}

static void step_commit(Sim *s, TopicProc *p, const TopicOp *op) {
    TopicWorld *w = world_of(s);
    bool may_fail = !sim_is_quiet(s);
    if (may_fail && rng_chance(sim_rng(s), sim_shape(s)->abort)) {
        KafkaResult r = topic_world_end(s, w, p->producer, /* commits= */ false);
        if (r == KAFKA_FENCED) fenced(s, p);
        else if (r == KAFKA_OK) give_up(s, p, "its transaction is aborted");
        return;
    }
    if (may_fail && rng_chance(sim_rng(s), sim_shape(s)->lose)) {
        if (sim_is_broken(s, BREAK_TOPIC_COMMIT_ASSUMED)) {
            if (topic_world_end(s, w, p->producer, rng_chance(sim_rng(s), 50)) != KAFKA_OK) return;
            p->op_at++;
            was_committed(s, p, op);
            return;
        }
        topic_world_cut(s, w, p->producer);
        give_up(s, p, "no answer to a commit");
        return;
    }
    switch (topic_world_end(s, w, p->producer, /* commits= */ true)) {
    case KAFKA_OK:
        p->op_at++;
        was_committed(s, p, op);
        break;
    case KAFKA_FENCED: fenced(s, p); break;
    case KAFKA_WAITS: break;
    }
}

static void step_op(Sim *s, TopicProc *p) {
    const TopicOp *op = &p->ops[p->op_at];
    if (op->is_commit) {
        step_commit(s, p, op);
        return;
    }
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->refuse)) {
        give_up(s, p, "a record isn't taken");
        return;
    }
    switch (fake_kafka_send(&world_of(s)->kafka, 0, p->producer, op->partition, op->what)) {
    case KAFKA_OK: p->op_at++; break;
    case KAFKA_FENCED: fenced(s, p); break;
    case KAFKA_WAITS: break;
    }
}

static void step_work(Sim *s, TopicProc *p) {
    if (p->step == p->work.count) {
        steps_are_done(s, p);
        return;
    }
    p->op_count = p->op_at = 0;
    begin_step(s, p, p->work.steps[p->step++], p->hand);
}

void topic_proc_step(Sim *s, TopicProc *p) {
    if (p->op_at < p->op_count && p->has_producer) {
        step_op(s, p);
        return;
    }
    switch (p->state) {
    case TOPIC_OPEN: open_producer(s, p); break;
    case TOPIC_READ: read_stored(s, p); break;
    case TOPIC_AGAIN: own(s, p); break;
    case TOPIC_WAIT:
        if (rng_chance(sim_rng(s), 30)) p->state = TOPIC_PUT;
        break;
    case TOPIC_PUT: put(s, p); break;
    case TOPIC_STEPS: step_work(s, p); break;
    }
}

bool topic_proc_is_through(const TopicProc *p) {
    return p->is_alive && !p->is_stopped && p->state == TOPIC_WAIT;
}
