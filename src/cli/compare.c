#include "cli/compare.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"

enum { PROGRESS_ROWS = 50000, AGAIN_MS = 200, KEYS_AT_ONCE = 500 };

void compare_result_done(CompareResult *r) {
    for (size_t i = 0; i < r->key_count; i++) free(r->keys[i].text);
    free(r->keys);
    memset(r, 0, sizeof *r);
}

/* ---- the source's rows as the target stores them ---- */

typedef struct Stored {
    Target *target; /* NULL: every text is stored as it is */
    Arena arena;    /* of the batch at hand */
} Stored;

static const Value *as_stored(Stored *s, const Value *row) {
    return s->target ? target_stored_row(s->target, row, &s->arena) : row;
}

static void stored_done(Stored *s) {
    target_free(s->target);
    arena_done(&s->arena);
}

/* ---- both sides, whole ---- */

/* Both sides are read at once, each by a thread of its own: the source by the caller's. They share the sums,
 * of which each adds to its own half; what they share beyond that is under the lock. */
typedef struct Pass {
    const Compare *compare;
    const Schema *schema;
    Stored *stored;
    Rowsum *sums;
    bool is_second; /* the rows of differing buckets are kept */
    pthread_mutex_t lock;
    int64_t rows[2];
    atomic_bool has_failed; /* one side did: the other needn't go on */
} Pass;

static bool count_row(Pass *p, RowsumSide side, Err *e) {
    if (++p->rows[side] % PROGRESS_ROWS != 0) return true;
    if (atomic_load(&p->has_failed)) return err_set(e, ERR_CANCELLED, false, "the other side failed");
    if (!p->compare->progress) return true;
    pthread_mutex_lock(&p->lock);
    p->compare->progress(p->compare->arg, p->schema->qualified, side, p->rows[side]);
    pthread_mutex_unlock(&p->lock);
    return true;
}

static bool add_row(Pass *p, RowsumSide side, const Value *row, Err *e) {
    if (!p->is_second) rowsum_add(p->sums, side, row);
    else if (rowsum_is_differing(p->sums, row)) {
        pthread_mutex_lock(&p->lock);
        rowsum_add_again(p->sums, side, row);
        pthread_mutex_unlock(&p->lock);
    }
    return count_row(p, side, e);
}

static bool add_target(void *arg, const Value *row, Err *e) {
    return add_row(arg, ROWSUM_TARGET, row, e);
}

static bool read_source(Pass *p, size_t table, Err *e) {
    if (!scan_begin(p->compare->source, table, /* in_order= */ false, e)) return false;
    for (;;) {
        Batch *batch = NULL;
        if (!scan_next(p->compare->source, &batch, e)) return false;
        if (!batch) return true;
        bool ok = true;
        for (size_t i = 0; ok && i < batch->count; i++)
            ok = add_row(p, ROWSUM_SOURCE, as_stored(p->stored, batch->changes[i].after), e);
        batch_free(batch);
        arena_clear(&p->stored->arena);
        if (!ok) return false;
    }
}

typedef struct TargetThread {
    Pass *pass;
    bool ok;
    Err err;
} TargetThread;

static void *read_target(void *arg) {
    TargetThread *t = arg;
    t->ok = scan_pg_table(t->pass->compare->target, t->pass->schema, add_target, t->pass, &t->err);
    if (!t->ok) atomic_store(&t->pass->has_failed, true);
    return NULL;
}

static bool read_both(const Compare *c, size_t table, Stored *stored, Rowsum *sums, bool is_second, Err *e) {
    Pass p = {.compare = c,
              .schema = scan_table(c->source, table),
              .stored = stored,
              .sums = sums,
              .is_second = is_second};
    TargetThread target = {.pass = &p};
    pthread_t thread;
    pthread_mutex_init(&p.lock, NULL);
    bool has_thread = pthread_create(&thread, NULL, read_target, &target) == 0;
    bool ok = read_source(&p, table, e);
    if (!ok) atomic_store(&p.has_failed, true);
    if (has_thread) pthread_join(thread, NULL);
    else (void)read_target(&target);
    pthread_mutex_destroy(&p.lock);
    if (!ok && (target.ok || e->code != ERR_CANCELLED)) return err_wrap(e, "source, %s", p.schema->qualified);
    if (target.ok) return true;
    *e = target.err;
    return err_wrap(e, "target, %s", p.schema->qualified);
}

/* ---- the keys that differ, again and again ---- */

bool compare_track(CompareTrack *t, uint64_t source, uint64_t target, int64_t now_ms) {
    if (t->seen == 0 || t->source[t->seen - 1] != source) {
        if (t->seen == COMPARE_SEEN) {
            memmove(t->source, t->source + 1, sizeof t->source - sizeof *t->source);
            t->seen--;
        }
        t->source[t->seen++] = source;
        t->source_ms = now_ms;
    }
    t->target = target;
    /* Equal to the newest state, or to one just seen: then the target is following. A target that was never
     * equal to any state seen since the first look can't become so without having changed. */
    for (size_t i = t->seen; i-- > 0;) {
        if (t->source[i] == target) return true;
    }
    return false;
}

typedef struct Again {
    const Compare *compare;
    const Schema *schema;
    size_t table;
    Stored *stored;
    const RowsumKey *keys;
    size_t count;
    CompareTrack *tracks; /* a key each */
    uint64_t (*now)[2];   /* a key each: hashes by side as just read */
    bool *is_equal;
    uint64_t *key_hashes;
    int64_t settled_ms; /* the last round's moment that the target has passed; 0 = none */
} Again;

/* Keys are few (those that differ): a linear search within the page that was asked for. */
static void note_row(Again *a, size_t first, size_t n, RowsumSide side, const Value *row) {
    uint64_t hash = rowsum_key_hash(a->schema, row);
    for (size_t i = first; i < first + n; i++) {
        if (a->key_hashes[i] == hash) a->now[i][side] = rowsum_row_hash(a->schema, row);
    }
}

typedef struct TargetPage {
    Again *again;
    size_t first, n;
} TargetPage;

static bool note_target(void *arg, const Value *row, Err *e) {
    TargetPage *p = arg;
    (void)e;
    note_row(p->again, p->first, p->n, ROWSUM_TARGET, row);
    return true;
}

static bool read_page(Again *a, size_t first, size_t n, Err *e) {
    size_t width = a->schema->key_count;
    Value *flat = x_reallocarray(NULL, n * width, sizeof *flat);
    const Value **rows = x_reallocarray(NULL, n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        memcpy(flat + i * width, a->keys[first + i].key, width * sizeof *flat);
        rows[i] = a->keys[first + i].key;
        a->now[first + i][0] = a->now[first + i][1] = 0;
    }
    Batch *batch = NULL;
    bool ok = scan_rows_by_key(a->compare->source, a->table, flat, n, &batch, e);
    for (size_t i = 0; ok && batch && i < batch->count; i++)
        note_row(a, first, n, ROWSUM_SOURCE, as_stored(a->stored, batch->changes[i].after));
    batch_free(batch);
    arena_clear(&a->stored->arena);
    TargetPage page = {a, first, n};
    ok = ok && scan_pg_keys(a->compare->target, a->schema, rows, n, note_target, &page, e);
    free(flat);
    free(rows);
    return ok;
}

/* Read all keys that aren't settled yet; false in *ret_open when none is left. */
static bool read_keys(Again *a, bool *ret_open, Err *e) {
    *ret_open = false;
    for (size_t first = 0; first < a->count; first += KEYS_AT_ONCE) {
        size_t n = a->count - first < KEYS_AT_ONCE ? a->count - first : KEYS_AT_ONCE;
        bool is_open = false;
        for (size_t i = first; i < first + n; i++) is_open = is_open || !a->is_equal[i];
        if (!is_open) continue;
        if (!read_page(a, first, n, e)) return err_wrap(e, "%s", a->schema->qualified);
        int64_t now_ms = clock_mono_us() / 1000;
        for (size_t i = first; i < first + n; i++) {
            if (a->is_equal[i]) continue;
            a->is_equal[i] = compare_track(&a->tracks[i], a->now[i][0], a->now[i][1], now_ms);
            *ret_open = *ret_open || !a->is_equal[i];
        }
    }
    return true;
}

static bool has_passed(const Compare *c, const Lsn *lsn, bool *ret, Err *e) {
    StoredState stored = {0};
    if (c->has_passed) return c->has_passed(c->passed_arg, lsn, ret, e);
    if (!scan_pg_stored(c->target, &stored, e)) return err_wrap(e, "target");
    const Position end = position_end_of(lsn);
    *ret = lsn_is_zero(lsn) || (stored.has_position && position_cmp(&stored.position, &end) >= 0);
    stored_state_done(&stored);
    return true;
}

/* A round: a moment, then the wait until the target has all that was committed before it. */
typedef struct Round {
    CapturePassed captured;
    int64_t began_ms;
    bool is_captured; /* all of before the moment lies at or under captured.max_lsn */
    bool is_passed;   /* and the target's position beyond that */
} Round;

static bool round_begin(const Compare *c, Round *r, Err *e) {
    clock_sleep_ms(2); /* so that what was read before is older, also in whole milliseconds */
    *r = (Round){.began_ms = clock_mono_us() / 1000};
    return scan_passed_begin(c->source, &r->captured, e) || err_wrap(e, "source");
}

static bool round_look(const Compare *c, Round *r, Err *e) {
    if (!r->is_captured) {
        if (!scan_passed_ask(c->source, &r->captured, e)) return err_wrap(e, "source");
        int64_t waited_ms = clock_mono_us() / 1000 - r->began_ms;
        /* where nothing can prove it, waiting for longer than the capture job's interval has to do */
        r->is_captured = r->captured.is_passed || (!r->captured.knows_scans && waited_ms >= c->settle_ms);
    }
    return !r->is_captured || has_passed(c, &r->captured.max_lsn, &r->is_passed, e);
}

static bool all_at_rest(const Again *a, int64_t since_ms) {
    for (size_t i = 0; i < a->count; i++)
        if (!a->is_equal[i] && a->tracks[i].source_ms >= since_ms) return false;
    return true;
}

/*
 * Until every key is equal, or different for certain: its row in the source is what it was before a moment,
 * and the target, which has all of before that moment, shows another. Keys whose row changed meanwhile get
 * another round. What isn't decided when the time is over stays undecided.
 */
static bool settle(Again *a, bool *ret_behind, Err *e) {
    const Compare *c = a->compare;
    int64_t begin_ms = clock_mono_us() / 1000;
    bool is_open = false;
    Round r;
    *ret_behind = true;
    if (!read_keys(a, &is_open, e)) return false;
    if (!is_open) return true;
    if (!round_begin(c, &r, e)) return false;
    for (;;) {
        bool was_passed = r.is_passed; /* before the keys are read */
        if (!read_keys(a, &is_open, e)) return false;
        if (!is_open) return true;
        int64_t now_ms = clock_mono_us() / 1000;
        if (was_passed) {
            *ret_behind = false;
            a->settled_ms = r.began_ms;
            if (all_at_rest(a, r.began_ms)) return true;
            if (!round_begin(c, &r, e)) return false;
        }
        if (now_ms - begin_ms >= c->wait_ms) return true;
        bool is_stuck = r.is_captured && now_ms - r.began_ms >= 2 * c->settle_ms;
        if (is_stuck && all_at_rest(a, now_ms - c->settle_ms)) return true;
        if (!r.is_passed && !round_look(c, &r, e)) return false;
        if (!r.is_passed) clock_sleep_ms(AGAIN_MS);
    }
}

static void add_key(CompareResult *r, const Schema *schema, const RowsumKey *key, bool is_settled) {
    Buf text = {0};
    rowsum_key_text(schema, key->key, &text);
    r->keys = x_reallocarray(r->keys, r->key_count + 1, sizeof *r->keys);
    r->keys[r->key_count++] =
        (CompareKey){.kind = key->kind, .text = str_dup(buf_view(&text)), .is_settled = is_settled};
    buf_done(&text);
}

static void report(const Again *a, CompareResult *r) {
    for (size_t i = 0; i < a->count; i++) {
        if (a->is_equal[i]) continue;
        RowsumKey key = a->keys[i];
        key.kind = !a->now[i][ROWSUM_TARGET]   ? ROWSUM_ONLY_SOURCE
                   : !a->now[i][ROWSUM_SOURCE] ? ROWSUM_ONLY_TARGET
                                               : ROWSUM_DIFFERS;
        add_key(r, a->schema, &key, a->tracks[i].source_ms < a->settled_ms);
    }
}

/* How many rows of that content the source had when the list was made; -1 = as many as the target. */
static int64_t count_before(const RowsumKey *keys, size_t count, uint64_t key_hash) {
    for (size_t i = 0; i < count; i++)
        if (keys[i].key_hash == key_hash) return (int64_t)keys[i].row_hash[ROWSUM_SOURCE];
    return -1;
}

/* Wait until the target has all of before this call; *ret: it has, within the time. */
static bool wait_round(const Compare *c, int64_t until_ms, bool *ret, Err *e) {
    Round r;
    if (!round_begin(c, &r, e)) return false;
    while (!r.is_passed && clock_mono_us() / 1000 < until_ms) {
        if (!round_look(c, &r, e)) return false;
        if (!r.is_passed) clock_sleep_ms(AGAIN_MS);
    }
    *ret = r.is_passed;
    return true;
}

/* Without a key no single row can be read again, so all of the differing buckets are: contents of which the
 * source has as many rows as before the wait, and the target still another number, are different for certain.
 */
static bool look_at_bag(Again *a, Rowsum *sums, CompareResult *r, Err *e) {
    const Compare *c = a->compare;
    int64_t until_ms = clock_mono_us() / 1000 + c->wait_ms;
    CLEANUP_FREE RowsumKey *before = NULL;
    CLEANUP_FREE bool *is_settled = NULL;
    for (bool is_open = a->count > 0, was_passed = true; is_open && was_passed;) {
        size_t before_count = a->count;
        before = x_reallocarray(before, before_count, sizeof *before);
        memcpy(before, a->keys, before_count * sizeof *before);
        if (!wait_round(c, until_ms, &was_passed, e)) return false;
        r->is_behind = !was_passed;
        rowsum_again(sums); /* the values of `before` go with it: its hashes and counts are what is used */
        if (!read_both(c, a->table, a->stored, sums, /* is_second= */ true, e)) return false;
        a->keys = rowsum_keys(sums, &a->count, &r->is_cut);
        is_settled = x_reallocarray(is_settled, a->count + 1, sizeof *is_settled);
        is_open = false;
        for (size_t i = 0; i < a->count; i++) {
            int64_t n = count_before(before, before_count, a->keys[i].key_hash);
            is_settled[i] = was_passed && n == (int64_t)a->keys[i].row_hash[ROWSUM_SOURCE];
            is_open = is_open || !is_settled[i];
        }
        if (clock_mono_us() / 1000 >= until_ms) break;
    }
    for (size_t i = 0; i < a->count; i++) add_key(r, a->schema, &a->keys[i], is_settled && is_settled[i]);
    return true;
}

static bool look_again(const Compare *c, size_t table, Stored *stored, Rowsum *sums, CompareResult *r,
                       Err *e) {
    Again a = {.compare = c, .schema = scan_table(c->source, table), .table = table, .stored = stored};
    if (!read_both(c, table, stored, sums, /* is_second= */ true, e)) return false;
    a.keys = rowsum_keys(sums, &a.count, &r->is_cut);
    if (a.schema->key_count == 0) return look_at_bag(&a, sums, r, e);
    a.tracks = x_calloc(a.count + 1, sizeof *a.tracks);
    a.now = x_calloc(a.count + 1, sizeof *a.now);
    a.is_equal = x_calloc(a.count + 1, sizeof *a.is_equal);
    a.key_hashes = x_calloc(a.count + 1, sizeof *a.key_hashes);
    for (size_t i = 0; i < a.count; i++) a.key_hashes[i] = a.keys[i].key_hash;
    bool ok = settle(&a, &r->is_behind, e);
    if (ok) report(&a, r);
    free(a.tracks);
    free(a.now);
    free(a.is_equal);
    free(a.key_hashes);
    return ok;
}

bool compare_table(const Compare *c, size_t table, CompareResult *ret, Err *e) {
    CompareResult r = {0};
    CLEANUP(stored_done) Stored stored = {0};
    const Schema *schema = scan_table(c->source, table);
    if (!scan_pg_changing_target(c->target, schema, &stored.target, e))
        return err_wrap(e, "target, %s", schema->qualified);
    Rowsum *sums = rowsum_new(schema);
    bool ok = read_both(c, table, &stored, sums, /* is_second= */ false, e);
    for (int side = 0; side < 2; side++) r.rows[side] = rowsum_rows(sums, (RowsumSide)side);
    if (ok && rowsum_differing(sums) > 0) ok = look_again(c, table, &stored, sums, &r, e);
    rowsum_free(sums);
    if (!ok) compare_result_done(&r);
    *ret = r;
    return ok;
}
