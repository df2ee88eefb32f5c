/*
 * Parts of the batch are applied in savepoints, from left to right (isolate.h). What is refused alone is a
 * suspect. It may only have come too early (a row that refers to one further on, where the constraint isn't
 * deferrable), so suspects are tried again when all else is in, as long as that helps. Those that remain fail
 * the task or become letters.
 *
 * Order. The set of keys with open letters (pipeline/dead_order.h) has the suspects too, from the moment they
 * are refused: a later change of such a key supersedes the suspect or is held back behind it, as it is with
 * letters of earlier transactions. A suspect that is superseded within its batch leaves no letter: that is
 * what compaction would have made of it.
 */
#include "postgres/quarantine.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "postgres/dead_payload.h"
#include "postgres/isolate.h"

enum {
    PASSES = 8,         /* over the suspects */
    PROBES = 10,        /* changes that are tried to tell a table's fault from a row's */
    PROBE_FROM = 20,    /* once so many are refused alike, and none is taken */
    KEY_SHOWN = 120,    /* bytes of a key in a message */
    MOST_TO_FAIL = 200, /* suspects, when none is to be set aside */
};
#define EXPIRE_FIRST_US (INT64_C(60) * 1000 * 1000)
#define EXPIRE_EVERY_US (INT64_C(3600) * 1000 * 1000)
#define MINUTE_US       (INT64_C(60) * 1000 * 1000)
#define NOT_FORCED      SIZE_MAX

typedef enum SuspectState { SUSPECT_OPEN, SUSPECT_IN, SUSPECT_SUPERSEDED } SuspectState;

typedef struct Suspect {
    size_t at;
    Target *target;
    uint64_t key;
    bool has_key;
    bool may_come_right; /* when more of the batch is in */
    SuspectState state;
    Refusal why;
} Suspect;

/* A table's refusals: within the batch, and over batches. Kept from the first one on. */
typedef struct Tally {
    char *table;
    Metric *metric;
    int64_t pending;   /* letters of the open transaction */
    PgFailure failure; /* the last */
    size_t refused;    /* of this batch */
    size_t run;        /* alike, one behind the other, over batches, */
    size_t run_before; /*   before the open transaction */
    bool is_alike;     /* all of this batch */
    bool was_probed;
} Tally;

/* A culprit that an attempt has named, and why. */
typedef struct Known {
    size_t at;
    Refusal why;
} Known;

/* What is asked of each change of the batch. */
typedef struct Mark {
    bool is_in, is_letter, supersedes, is_held;
} Mark;

struct Quarantine {
    QuarantineRules rules;
    DeadLetters *letters;
    DeadOrder *order;
    Apply *apply;
    TargetSet *targets;
    Metrics *metrics;
    Metric *open;
    RefusedBatch *refused, own;
    uint64_t batch; /* the first of the open transaction */
    bool has_begun;
    QuarantineKeep keep_elsewhere; /* NULL = letters go to the table */
    void *keep_arg;

    /* the batch at hand */
    PgConn *conn;
    const Change *changes;
    ApplyOrder apply_order;
    Mark *marks;
    size_t mark_count, mark_cap;
    Change *run; /* what is applied at once */
    size_t *run_at;
    size_t run_count, run_cap;
    Suspect *suspects;
    size_t suspect_count, suspect_cap;
    Known *known;
    size_t known_count, known_cap;
    Refusal why;   /* of the attempt that failed last */
    size_t forced; /* the suspect that is being tried again */

    Tally *tallies;
    size_t tally_count;
    int64_t minute_us, made; /* when the minute of `made` letters began */
    int64_t expire_us;
};

/* ---- life ---- */

Quarantine *quarantine_new(const QuarantineRules *rules, const DeadLetterKey *key, Apply *apply,
                           TargetSet *targets, Metrics *metrics, RefusedBatch *refused) {
    Quarantine *q = x_calloc(1, sizeof *q);
    q->rules = *rules;
    q->letters = dead_letter_new(key);
    q->order = dead_order_new();
    q->apply = apply;
    q->targets = targets;
    q->metrics = metrics;
    q->refused = refused ? refused : &q->own;
    q->forced = NOT_FORCED;
    q->open = metrics_get(metrics, METRIC_GAUGE, "millrace_dead_letter_keys", (Str){0},
                          "Keys with open dead letters, as far as this lane knows");
    return q;
}

Quarantine *quarantine_free(Quarantine *q) {
    if (!q) return NULL;
    dead_letter_free(q->letters);
    dead_order_free(q->order);
    for (size_t i = 0; i < q->tally_count; i++) free(q->tallies[i].table);
    free(q->tallies);
    free(q->marks);
    free(q->run);
    free(q->run_at);
    free(q->suspects);
    free(q->known);
    free(q);
    return NULL;
}

void quarantine_keep_elsewhere(Quarantine *q, QuarantineKeep keep, void *arg) {
    q->keep_elsewhere = keep;
    q->keep_arg = arg;
}

bool quarantine_own(Quarantine *q, PgConn *c, Err *e) {
    if (!dead_letter_create(c, e) || !dead_letter_load(q->letters, c, q->order, e)) return false;
    metric_set(q->open, (int64_t)dead_order_count(q->order));
    return true;
}

void quarantine_begun(Quarantine *q, uint64_t batch) {
    if (q->has_begun) return;
    q->batch = batch;
    q->has_begun = true;
}

/* ---- tallies ---- */

static Tally *tally_of(Quarantine *q, const Target *t) {
    for (size_t i = 0; i < q->tally_count; i++)
        if (strcmp(q->tallies[i].table, t->schema->qualified) == 0) return &q->tallies[i];
    q->tallies = x_reallocarray(q->tallies, q->tally_count + 1, sizeof *q->tallies);
    Tally *tally = &q->tallies[q->tally_count++];
    *tally = (Tally){.table = x_strdup(t->schema->qualified)};
    tally->metric = metrics_get(q->metrics, METRIC_COUNTER, "millrace_dead_letters_total",
                                str_from(t->schema->qualified), "Changes set aside as dead letters");
    return tally;
}

static void count_refused(Tally *tally, const PgFailure *f) {
    bool is_same = memcmp(&tally->failure, f, sizeof *f) == 0;
    tally->is_alike = tally->refused == 0 || (tally->is_alike && is_same);
    tally->run = is_same ? tally->run + 1 : 1;
    tally->failure = *f;
    tally->refused++;
}

static bool is_of(const Change *change, const Tally *tally) {
    return strcmp(change->schema->qualified, tally->table) == 0;
}

static bool refused_alike(const Tally *tally, const Refusal *why, const char *how, Err *e) {
    return err_set(e, ERR_INVALID, false,
                   "%s: %s is refused alike (%s): that is the table's fault or the configuration's, not the "
                   "rows'; nothing is set aside: mend the target and start again",
                   tally->table, how, why->message);
}

void quarantine_went_in(Quarantine *q, const Change *changes, size_t count) {
    for (size_t i = 0; i < q->tally_count; i++) {
        Tally *tally = &q->tallies[i];
        for (size_t k = 0; k < count && tally->run > 0; k++)
            if (is_of(&changes[k], tally)) tally->run = 0;
    }
}

/* ---- what a change is ---- */

static Target *target_of(const Quarantine *q, const Change *change) {
    Target *t = NULL;
    Err unused;
    bool ok = target_set_find(q->targets, q->conn, change->schema, &t, &unused);
    return ok ? t : NULL; /* it was opened before the batch began */
}

/* Whether it carries all that the row has, or removes it. A computed column never comes with a change, so its
 * absence tells nothing. */
static bool is_whole(const Target *t, const Change *change) {
    if (!change->after) return true;
    for (size_t i = 0; i < t->written_count; i++) {
        uint16_t column = t->written[i];
        if (value_is_absent(&change->after[column]) && !t->schema->columns[column].is_computed) return false;
    }
    return true;
}

/* The key by which later changes supersede earlier ones; false where each change is a row of its own. */
static bool key_of(const Target *t, const Change *change, uint64_t *ret) {
    if (t->rules->insert == TARGET_INSERT || change->op == OP_TOMBSTONE) return false;
    if (!change->after && !t->rules->may_delete) return false; /* it is left out: nothing comes of it */
    return dead_letter_key(t, change_row(change), ret);
}

bool quarantine_is_open(const Quarantine *q) {
    return !dead_order_is_empty(q->order);
}

static bool meet_one(Quarantine *q, PgConn *c, const Change *change, Err *e) {
    Target *t = target_of(q, change);
    uint64_t key = 0;
    if (!t || !key_of(t, change, &key)) return true;
    return dead_order_change(q->order, key, is_whole(t, change)) != DEAD_SUPERSEDE ||
           dead_letter_supersede(q->letters, c, t, change, e);
}

bool quarantine_meet(Quarantine *q, PgConn *c, const Change *changes, size_t count, bool *ret_holds, Err *e) {
    q->conn = c;
    *ret_holds = false;
    for (size_t i = 0; i < count && !*ret_holds; i++) {
        Target *t = target_of(q, &changes[i]);
        uint64_t key = 0;
        *ret_holds =
            t && key_of(t, &changes[i], &key) && dead_order_has(q->order, key) && !is_whole(t, &changes[i]);
    }
    for (size_t i = 0; i < count && !*ret_holds && quarantine_is_open(q); i++)
        if (!meet_one(q, c, &changes[i], e)) return false;
    return true;
}

bool quarantine_copied_anew(Quarantine *q, PgConn *c, const Schema *schema, Err *e) {
    return dead_order_is_empty(q->order) || dead_letter_supersede_table(q->letters, c, schema, e);
}

/* ---- an attempt ---- */

static void start_batch(Quarantine *q, PgConn *c, const Change *changes, size_t count, ApplyOrder order) {
    if (count > q->mark_cap) {
        q->mark_cap = count;
        q->marks = x_reallocarray(q->marks, count, sizeof *q->marks);
    }
    memset(q->marks, 0, count * sizeof *q->marks);
    q->conn = c;
    q->changes = changes;
    q->mark_count = count;
    q->apply_order = order;
    q->suspect_count = q->known_count = 0;
    q->forced = NOT_FORCED;
    for (size_t i = 0; i < q->tally_count; i++) {
        q->tallies[i].refused = 0;
        q->tallies[i].was_probed = false;
    }
}

static bool has_open_suspect(const Quarantine *q, uint64_t key, size_t before) {
    for (size_t i = 0; i < q->suspect_count; i++) {
        const Suspect *s = &q->suspects[i];
        if (s->at < before && s->has_key && s->key == key && s->state == SUSPECT_OPEN) return true;
    }
    return false;
}

/* Is there a letter before it, of this batch or in the table? */
static bool is_behind_letter(Quarantine *q, Target *t, size_t at, uint64_t key, bool *ret, Err *e) {
    *ret = has_open_suspect(q, key, at);
    return *ret || q->keep_elsewhere || dead_letter_is_open(q->letters, q->conn, t, &q->changes[at], ret, e);
}

/* What becomes of one change; a letter that it supersedes is marked. */
static bool judge(Quarantine *q, size_t at, Err *e) {
    const Change *change = &q->changes[at];
    Mark *mark = &q->marks[at];
    Target *t = target_of(q, change);
    uint64_t key = 0;
    mark->supersedes = mark->is_held = false;
    if (!t || !dead_order_count(q->order) || !key_of(t, change, &key)) return true;
    switch (dead_order_change(q->order, key, is_whole(t, change))) {
    case DEAD_APPLY: return true;
    case DEAD_SUPERSEDE:
        mark->supersedes = true;
        return q->keep_elsewhere || dead_letter_supersede(q->letters, q->conn, t, change, e);
    case DEAD_HOLD: break;
    }
    if (!is_behind_letter(q, t, at, key, &mark->is_held, e)) return false;
    if (!mark->is_held) dead_order_closed(q->order, key); /* replayed or purged beside us */
    return true;
}

static bool compose(Quarantine *q, size_t from, size_t to, Err *e) {
    if (to - from > q->run_cap) {
        q->run_cap = to - from;
        q->run = x_reallocarray(q->run, q->run_cap, sizeof *q->run);
        q->run_at = x_reallocarray(q->run_at, q->run_cap, sizeof *q->run_at);
    }
    q->run_count = 0;
    for (size_t i = from; i < to; i++) {
        if (!judge(q, i, e)) return false;
        if (q->marks[i].is_held) continue;
        q->run_at[q->run_count] = i;
        q->run[q->run_count++] = q->changes[i];
    }
    return true;
}

static bool send(PgConn *c, const char *sql, Err *e) {
    return pgconn_pipe_end(c, e) && pgconn_exec(c, sql, e);
}

static bool write_part(Quarantine *q, size_t from, size_t to, Err *e) {
    return compose(q, from, to, e) &&
           (q->run_count == 0 || apply_changes(q->apply, q->conn, q->run, q->run_count, q->apply_order, e)) &&
           send(q->conn, "SET CONSTRAINTS ALL IMMEDIATE", e);
}

/* The change whose value couldn't be encoded, if the attempt failed for that. */
static size_t culprit_of(const Quarantine *q, uint16_t *ret_column) {
    const Value *row = apply_culprit(q->apply, ret_column);
    for (size_t i = 0; row && i < q->run_count; i++)
        if (q->run[i].after == row || q->run[i].before == row) return q->run_at[i];
    return ISOLATE_NOBODY;
}

static void note_known(Quarantine *q, size_t at) {
    if (q->known_count == q->known_cap) {
        q->known_cap = q->known_cap ? 2 * q->known_cap : 16;
        q->known = x_reallocarray(q->known, q->known_cap, sizeof *q->known);
    }
    q->known[q->known_count++] = (Known){at, q->why};
}

static void note_why(Quarantine *q, size_t *ret_culprit, const Err *e) {
    uint16_t column = 0;
    size_t culprit = culprit_of(q, &column);
    memset(&q->why, 0, sizeof q->why);
    (void)snprintf(q->why.message, sizeof q->why.message, "%s", e->msg);
    if (!apply_culprit(q->apply, &column)) {
        q->why.failure = *pgconn_failure(q->conn);
        return;
    }
    (void)snprintf(q->why.failure.sqlstate, sizeof q->why.failure.sqlstate, "22000");
    if (culprit == ISOLATE_NOBODY) return; /* a row put together of several: found by halving */
    (void)snprintf(q->why.failure.column, sizeof q->why.failure.column, STR_FMT,
                   STR_ARG(q->changes[culprit].schema->columns[column].name));
    *ret_culprit = culprit;
    note_known(q, culprit);
}

/* Back to the savepoint; what was made in it is gone. */
static bool roll_back_part(Quarantine *q, size_t order_mark, Err *e) {
    Err unused;
    dead_order_undo(q->order, order_mark);
    bool was_sound = pgconn_pipe_end(q->conn, &unused);
    if (!was_sound && !pgconn_is_open(q->conn)) return false;
    target_set_forget_temps(q->targets);
    return pgconn_exec(q->conn, "ROLLBACK TO SAVEPOINT millrace_part", e);
}

static void add_suspect(Quarantine *q, size_t at, const Refusal *why, bool may_come_right) {
    if (q->suspect_count == q->suspect_cap) {
        q->suspect_cap = q->suspect_cap ? 2 * q->suspect_cap : 16;
        q->suspects = x_reallocarray(q->suspects, q->suspect_cap, sizeof *q->suspects);
    }
    Suspect *s = &q->suspects[q->suspect_count++];
    *s = (Suspect){.at = at, .target = NULL, .may_come_right = may_come_right, .why = *why};
    s->target = target_of(q, &q->changes[at]);
    s->has_key = s->target && key_of(s->target, &q->changes[at], &s->key);
    if (s->has_key) dead_order_refused(q->order, s->key);
}

static void supersede_suspects(Quarantine *q, size_t by) {
    uint64_t key = 0;
    Target *t = target_of(q, &q->changes[by]);
    if (!t || !key_of(t, &q->changes[by], &key)) return;
    for (size_t i = 0; i < q->suspect_count; i++) {
        Suspect *s = &q->suspects[i];
        if (s->at < by && s->has_key && s->key == key && s->state == SUSPECT_OPEN)
            s->state = SUSPECT_SUPERSEDED;
    }
}

/* A part is in: its tables take rows, and what it superseded or held back is so for good. */
static void settle_part(Quarantine *q, size_t from, size_t to) {
    static const Refusal held = {
        .message =
            "an earlier change of the row is a dead letter, and this one carries only some columns: it "
            "waits behind it"};
    for (size_t i = from; i < to; i++) {
        if (q->marks[i].supersedes) supersede_suspects(q, i);
        if (q->marks[i].is_held && i != q->forced) add_suspect(q, i, &held, /* may_come_right= */ true);
        q->marks[i].is_in = !q->marks[i].is_held;
    }
    quarantine_went_in(q, q->run, q->run_count);
}

static bool attempt(void *arg, size_t from, size_t to, size_t *ret_culprit, Err *e) {
    Quarantine *q = arg;
    size_t order_mark = dead_order_mark(q->order);
    if (!send(q->conn, "SAVEPOINT millrace_part", e)) return false;
    if (write_part(q, from, to, e) && send(q->conn, "RELEASE SAVEPOINT millrace_part", e)) {
        settle_part(q, from, to);
        return true;
    }
    note_why(q, ret_culprit, e);
    Err back = {0};
    if (roll_back_part(q, order_mark, &back) || e->code != ERR_DATA) return false;
    if (back.code == ERR_OK) (void)err_set(&back, ERR_IO, true, "PostgreSQL: connection lost");
    *e = back; /* it is refused, but nothing can go on from here */
    return false;
}

/* ---- what is refused ---- */

static bool is_state(const Refusal *why, const char *state) {
    return strcmp(why->failure.sqlstate, state) == 0;
}

/* Refusals that another row of the batch, or another writer, may make good. */
static bool may_come_right(const Refusal *why, bool is_encoder) {
    return !is_encoder && (is_state(why, "23503") || is_state(why, "23505") || is_state(why, "22000"));
}

/* The task's failure at a row: table, key, position, why, and the way on. */
static bool fail_at(const Quarantine *q, const Suspect *s, Err *e) {
    const Change *change = &q->changes[s->at];
    char position[POSITION_TEXT_SIZE];
    CLEANUP(buf_done) Buf key = {0};
    if (s->target->key_count > 0) dead_letter_key_text(s->target, change_row(change), &key);
    return err_set(e, ERR_DATA, false,
                   "%s, %s%.*s%s at %s: %s; mend the row or the target, or set such rows aside by "
                   "errors.tolerance=all",
                   change->schema->qualified, key.n > 0 ? "key " : "a row without a key",
                   (int)(key.n < KEY_SHOWN ? key.n : KEY_SHOWN), buf_text(&key), key.n > KEY_SHOWN ? "…" : "",
                   position_format(&change->position, position), s->why.message);
}

/* A letter that goes elsewhere goes before the failure, as Kafka Connect's do. One in the table would be
 * rolled back with all else. */
static bool fail_task_at(Quarantine *q, const Suspect *s, Err *e) {
    bool ok = !q->keep_elsewhere || q->keep_elsewhere(q->keep_arg, s->at, &s->why, /* fails= */ true, e);
    return ok && fail_at(q, s, e);
}

/* Changes of the table further on, some of them, each tried alone and rolled back: are they refused alike? */
static bool probe(Quarantine *q, const Tally *tally, size_t behind, bool *ret_all, Err *e) {
    size_t left = 0, seen = 0, tried = 0;
    for (size_t i = behind + 1; i < q->mark_count; i++) left += is_of(&q->changes[i], tally);
    *ret_all = true;
    for (size_t i = behind + 1; i < q->mark_count && *ret_all; i++) {
        if (!is_of(&q->changes[i], tally)) continue;
        if (seen++ * PROBES < tried * left) continue;
        tried++;
        size_t order_mark = dead_order_mark(q->order), unused = ISOLATE_NOBODY;
        if (!send(q->conn, "SAVEPOINT millrace_part", e)) return false;
        bool was_taken = write_part(q, i, i + 1, e);
        if (!was_taken && e->code != ERR_DATA) return false;
        if (!was_taken) note_why(q, &unused, e);
        if (!roll_back_part(q, order_mark, e)) return false;
        *ret_all = !was_taken && memcmp(&tally->failure, &q->why.failure, sizeof q->why.failure) == 0;
    }
    return true;
}

static const Refusal *known_refusal(const Quarantine *q, size_t at) {
    for (size_t i = q->known_count; i-- > 0;)
        if (q->known[i].at == at) return &q->known[i].why;
    return NULL;
}

static bool has_taken(const Quarantine *q, const Tally *tally) {
    for (size_t i = 0; i < q->mark_count; i++)
        if (q->marks[i].is_in && is_of(&q->changes[i], tally)) return true;
    return false;
}

/* Whether it may still be the rows' fault, after so many of the table. */
static bool may_be_rows(Quarantine *q, size_t suspect, Err *e) {
    const Refusal why = q->suspects[suspect].why;
    Tally *tally = tally_of(q, q->suspects[suspect].target);
    if (q->suspects[suspect].may_come_right) return true; /* told when the rest is in */
    if (!tally->is_alike || tally->refused < PROBE_FROM || tally->was_probed) return true;
    tally->was_probed = true;
    bool all = false;
    if (has_taken(q, tally)) return true;
    if (!probe(q, tally, q->suspects[suspect].at, &all, e)) return false;
    return !all || refused_alike(tally, &why, "everything that was tried", e);
}

static bool refused(void *arg, size_t at, Err *e) {
    Quarantine *q = arg;
    const Refusal *known = known_refusal(q, at);
    const Refusal why = known ? *known : q->why;
    add_suspect(q, at, &why, may_come_right(&why, known != NULL));
    const Suspect *s = &q->suspects[q->suspect_count - 1];
    if (!s->target) return false;
    count_refused(tally_of(q, s->target), &why.failure);
    if (!q->rules.is_tolerant && (!s->may_come_right || q->suspect_count == MOST_TO_FAIL))
        return fail_task_at(q, s, e);
    return may_be_rows(q, q->suspect_count - 1, e);
}

/* ---- once more, when the rest is in ---- */

/* *ret_in: it is. */
static bool try_again(Quarantine *q, size_t i, bool *ret_in, Err *e) {
    size_t unused = ISOLATE_NOBODY;
    uint64_t key = q->suspects[i].key;
    size_t at = q->suspects[i].at;
    q->forced = at;
    *ret_in = attempt(q, at, at + 1, &unused, e) && !q->marks[at].is_held;
    bool was_held = q->marks[at].is_held;
    q->forced = NOT_FORCED;
    if (!*ret_in && !was_held && e->code != ERR_DATA) return false;
    Suspect *s = &q->suspects[i];
    if (!*ret_in && !was_held) s->why = q->why;
    if (*ret_in) s->state = SUSPECT_IN;
    if (*ret_in && s->has_key && has_open_suspect(q, key, q->mark_count)) dead_order_refused(q->order, key);
    return true;
}

/* Forwards and backwards by turns: rows may refer to the one before or to the one behind. */
static bool come_right(Quarantine *q, Err *e) {
    bool has_moved = true;
    for (int pass = 0; pass < PASSES && (has_moved || pass < 2); pass++) {
        has_moved = false;
        for (size_t k = 0; k < q->suspect_count; k++) {
            size_t i = pass % 2 == 0 ? k : q->suspect_count - 1 - k;
            const Suspect *s = &q->suspects[i];
            bool is_in = false;
            if (s->state != SUSPECT_OPEN || !s->may_come_right) continue;
            if (s->has_key && has_open_suspect(q, s->key, s->at)) continue; /* its elder first */
            if (!try_again(q, i, &is_in, e)) return false;
            has_moved = has_moved || is_in;
        }
    }
    return true;
}

/* ---- what remains ---- */

static size_t open_suspects(const Quarantine *q) {
    size_t n = 0;
    for (size_t i = 0; i < q->suspect_count; i++) n += q->suspects[i].state == SUSPECT_OPEN;
    return n;
}

static int64_t wait_end(int64_t since_us, int64_t timeout_ms) {
    bool has_end = timeout_ms >= 0 && timeout_ms < (INT64_MAX - since_us) / 1000;
    return has_end ? since_us + timeout_ms * 1000 : INT64_MAX;
}

/* Another pipeline, or another writer, may bring what a constraint misses: errors.retry.timeout. One clock
 * for all of the transaction: with one for each change the last one to be refused would have the others wait,
 * too. */
static bool may_wait(Quarantine *q, const Suspect *s, Err *e) {
    RefusedBatch *r = q->refused;
    int64_t now_us = clock_mono_us();
    if (q->rules.retry_timeout_ms == 0 || !(is_state(&s->why, "23503") || is_state(&s->why, "23505")))
        return true;
    if (r->since_us == 0 || r->batch != q->batch) *r = (RefusedBatch){.batch = q->batch, .since_us = now_us};
    int64_t until_us = wait_end(r->since_us, q->rules.retry_timeout_ms);
    if (now_us >= until_us) return true;
    (void)fail_at(q, s, e);
    e->code = ERR_TIMEOUT;
    e->retriable = true;
    e->retry_until_us = until_us;
    return err_wrap(e, "tried again within errors.retry.timeout");
}

static bool within_limit(Quarantine *q, size_t count, Err *e) {
    int64_t now_us = clock_mono_us();
    if (now_us - q->minute_us > MINUTE_US) {
        q->minute_us = now_us;
        q->made = 0;
    }
    if (q->rules.limit_per_minute > 0 && q->made + (int64_t)count > q->rules.limit_per_minute)
        return err_set(
            e, ERR_INVALID, false,
            "more than %lld dead letters within a minute (dlq.limit.per.minute): the last ones were "
            "not set aside; see what is wrong (millrace dlq list), then start again",
            (long long)q->rules.limit_per_minute);
    return true;
}

static void log_letter(const Quarantine *q, const Suspect *s, const char *payload) {
    const Change *change = &q->changes[s->at];
    char position[POSITION_TEXT_SIZE];
    CLEANUP(buf_done) Buf key = {0};
    if (!q->rules.logs) return;
    if (s->target->key_count > 0) dead_letter_key_text(s->target, change_row(change), &key);
    LOG_WARN("dead_letter", LOG_S("table", change->schema->qualified), LOG_S("key", buf_text(&key)),
             LOG_S("position", position_format(&change->position, position)), LOG_S("why", s->why.message),
             LOG_S("payload", q->rules.logs_rows ? payload : "(errors.log.include.messages=false)"));
}

static void count_letter(Quarantine *q, const Suspect *s) {
    q->marks[s->at].is_letter = true;
    tally_of(q, s->target)->pending++;
    q->made++;
}

static bool keep(Quarantine *q, const Suspect *s, Err *e) {
    CLEANUP(buf_done) Buf payload = {0};
    const Change *change = &q->changes[s->at];
    if (q->keep_elsewhere) {
        count_letter(q, s);
        return q->keep_elsewhere(q->keep_arg, s->at, &s->why, /* fails= */ false, e);
    }
    dead_payload_write(change, &payload);
    if (!dead_letter_keep(q->letters, q->conn, s->target, change, buf_text(&payload), &s->why, e)) {
        e->retriable = e->retriable && e->code != ERR_DATA;
        return false;
    }
    log_letter(q, s, buf_text(&payload));
    count_letter(q, s);
    return true;
}

/* Fail at the first that is open, or keep them all. */
static bool finish(Quarantine *q, Err *e) {
    size_t count = open_suspects(q);
    const Suspect *first = NULL;
    if (count == 0) return true;
    for (size_t i = 0; i < q->suspect_count; i++) {
        const Suspect *s = &q->suspects[i];
        if (s->state != SUSPECT_OPEN) continue;
        if (!first) first = s;
        const Tally *tally = tally_of(q, s->target);
        if (!may_wait(q, s, e)) return false;
        if (!q->rules.is_tolerant) return fail_task_at(q, s, e);
        bool is_many =
            (tally->is_alike && tally->refused > QUARANTINE_HANDFUL) || tally->run >= QUARANTINE_RUN;
        if (is_many && !has_taken(q, tally)) return refused_alike(tally, &s->why, "change after change", e);
    }
    if (!within_limit(q, count, e)) return false;
    for (size_t i = 0; i < q->suspect_count; i++)
        if (q->suspects[i].state == SUSPECT_OPEN && !keep(q, &q->suspects[i], e)) return false;
    LOG_WARN("dead_letters", LOG_I("count", count), LOG_S("table", q->changes[first->at].schema->qualified),
             LOG_S("first", first->why.message),
             LOG_S("next", q->keep_elsewhere ? "see the dead letter topic" : "millrace dlq list"));
    return true;
}

bool quarantine_apply(Quarantine *q, PgConn *c, const Change *changes, size_t count, ApplyOrder order,
                      Err *e) {
    start_batch(q, c, changes, count, order);
    const IsolateHost host = {.attempt = attempt, .refused = refused, .arg = q};
    return pgconn_pipe_end(c, e) && isolate(&host, 0, count, e) && come_right(q, e) && finish(q, e);
}

bool quarantine_has(const Quarantine *q, size_t at) {
    return at < q->mark_count && q->marks[at].is_letter;
}

/* ---- the transaction's end ---- */

size_t quarantine_mark(const Quarantine *q) {
    return dead_order_mark(q->order);
}

void quarantine_back(Quarantine *q, size_t mark) {
    dead_order_undo(q->order, mark);
}

void quarantine_committed(Quarantine *q) {
    if (q->keep_elsewhere) dead_order_undo(q->order, 0);
    else dead_order_committed(q->order);
    for (size_t i = 0; i < q->tally_count; i++) {
        if (q->tallies[i].pending > 0) metric_add(q->tallies[i].metric, q->tallies[i].pending);
        q->tallies[i].pending = 0;
        q->tallies[i].run_before = q->tallies[i].run;
    }
    metric_set(q->open, (int64_t)dead_order_count(q->order));
    if (q->has_begun) q->refused->since_us = 0;
    q->has_begun = false;
}

void quarantine_rolled_back(Quarantine *q) {
    q->has_begun = false;
    dead_order_undo(q->order, 0);
    for (size_t i = 0; i < q->tally_count; i++) {
        q->made -= q->tallies[i].pending;
        q->tallies[i].pending = 0;
        q->tallies[i].run = q->tallies[i].run_before;
    }
    if (q->made < 0) q->made = 0; /* a minute has begun within the transaction */
}

void quarantine_expire(Quarantine *q, PgConn *c, int64_t now_us) {
    if (q->expire_us == 0) q->expire_us = now_us + EXPIRE_FIRST_US;
    if (now_us < q->expire_us) return;
    bool has_more = false;
    Err e = {0};
    if (!dead_letter_expire(q->letters, c, q->rules.retention_days, &has_more, &e))
        LOG_WARN("dead_letters_not_expired", LOG_S("why", e.msg), LOG_S("next", "tried again in an hour"));
    q->expire_us = now_us + (has_more ? EXPIRE_FIRST_US : EXPIRE_EVERY_US);
}
