#include "cli/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { PROGRESS_ROWS = 50000, AGAIN_MS = 200, KEYS_AT_ONCE = 500 };

void compare_result_done(CompareResult *r) {
    for (size_t i = 0; i < r->key_count; i++) free(r->keys[i].text);
    free(r->keys);
    memset(r, 0, sizeof *r);
}

/* ---- both sides, whole ---- */

typedef struct Pass {
    const Compare *compare;
    const Schema *schema;
    Rowsum *sums;
    void (*add)(Rowsum *, RowsumSide, const Value *);
    int64_t rows;
} Pass;

static void count_row(Pass *p, const char *what) {
    if (++p->rows % PROGRESS_ROWS == 0 && p->compare->progress)
        p->compare->progress(p->compare->arg, p->schema->qualified, what, p->rows);
}

static bool add_target(void *arg, const Value *row, Err *e) {
    Pass *p = arg;
    (void)e;
    p->add(p->sums, ROWSUM_TARGET, row);
    count_row(p, "in the target");
    return true;
}

static bool read_source(Pass *p, size_t table, Err *e) {
    if (!scan_begin(p->compare->source, table, /* in_order= */ false, e)) return false;
    for (;;) {
        Batch *batch = NULL;
        if (!scan_next(p->compare->source, &batch, e)) return false;
        if (!batch) return true;
        for (size_t i = 0; i < batch->count; i++) {
            p->add(p->sums, ROWSUM_SOURCE, batch->changes[i].after);
            count_row(p, "in the source");
        }
        batch_free(batch);
    }
}

static bool read_both(const Compare *c, size_t table, Rowsum *sums,
                      void (*add)(Rowsum *, RowsumSide, const Value *), Err *e) {
    Pass p = {.compare = c, .schema = scan_table(c->source, table), .sums = sums, .add = add};
    if (!read_source(&p, table, e)) return err_wrap(e, "source, %s", p.schema->qualified);
    p.rows = 0;
    if (!scan_pg_table(c->target, p.schema, add_target, &p, e))
        return err_wrap(e, "target, %s", p.schema->qualified);
    return true;
}

/* ---- the keys that differ, again and again ---- */

bool compare_track(CompareTrack *t, uint64_t source, uint64_t target, int64_t now_ms) {
    if (t->seen == 0 || t->source[t->seen - 1] != source) {
        if (t->seen == COMPARE_SEEN) {
            memmove(t->source, t->source + 1, sizeof t->source - sizeof *t->source);
            t->seen--;
        }
        t->source[t->seen++] = source;
        t->changed_ms = now_ms;
    }
    if (t->target != target) t->changed_ms = now_ms;
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
    const RowsumKey *keys;
    size_t count;
    CompareTrack *tracks; /* a key each */
    uint64_t (*now)[2];   /* a key each: hashes by side as just read */
    bool *is_equal;
    uint64_t *key_hashes;
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
        note_row(a, first, n, ROWSUM_SOURCE, batch->changes[i].after);
    batch_free(batch);
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
    if (!scan_pg_stored(c->target, &stored, e)) return err_wrap(e, "target");
    const Position end = position_end_of(lsn);
    *ret = stored.has_position && position_cmp(&stored.position, &end) >= 0;
    stored_state_done(&stored);
    return true;
}

static bool all_at_rest(const Again *a, int64_t settle_ms) {
    int64_t now_ms = clock_mono_us() / 1000;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->is_equal[i] && now_ms - a->tracks[i].changed_ms < settle_ms) return false;
    }
    return true;
}

/* Until every key is equal, or at rest with the stream past it, or the time is over. */
static bool settle(Again *a, bool *ret_behind, Err *e) {
    const Compare *c = a->compare;
    int64_t begin_ms = clock_mono_us() / 1000, asked_ms = begin_ms;
    Lsn captured = {{0}};
    *ret_behind = true;
    if (!scan_max_lsn(c->source, &captured, e)) return err_wrap(e, "source");
    for (;;) {
        bool is_open = false, passed = false;
        if (!read_keys(a, &is_open, e)) return false;
        if (!is_open) return true;
        if (!has_passed(c, &captured, &passed, e)) return false;
        if (passed) *ret_behind = false;
        int64_t now_ms = clock_mono_us() / 1000;
        if (all_at_rest(a, c->settle_ms) && (passed || now_ms - begin_ms >= 2 * c->settle_ms)) return true;
        if (now_ms - begin_ms >= c->wait_ms) return true;
        if (passed && now_ms - asked_ms >= 1000) { /* a later LSN to pass: taken after this read */
            if (!scan_max_lsn(c->source, &captured, e)) return err_wrap(e, "source");
            asked_ms = now_ms;
        }
        clock_sleep_ms(AGAIN_MS);
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

static void report(const Again *a, int64_t settle_ms, CompareResult *r) {
    int64_t now_ms = clock_mono_us() / 1000;
    for (size_t i = 0; i < a->count; i++) {
        if (a->is_equal[i]) continue;
        RowsumKey key = a->keys[i];
        key.kind = !a->now[i][ROWSUM_TARGET]   ? ROWSUM_ONLY_SOURCE
                   : !a->now[i][ROWSUM_SOURCE] ? ROWSUM_ONLY_TARGET
                                               : ROWSUM_DIFFERS;
        add_key(r, a->schema, &key, now_ms - a->tracks[i].changed_ms >= settle_ms);
    }
}

static bool look_again(const Compare *c, size_t table, Rowsum *sums, CompareResult *r, Err *e) {
    Again a = {.compare = c, .schema = scan_table(c->source, table), .table = table};
    if (!read_both(c, table, sums, rowsum_add_again, e)) return false;
    a.keys = rowsum_keys(sums, &a.count, &r->is_cut);
    if (a.schema->key_count == 0) { /* no key to read a row by: what differs now is said */
        for (size_t i = 0; i < a.count; i++) add_key(r, a.schema, &a.keys[i], false);
        return true;
    }
    a.tracks = x_calloc(a.count + 1, sizeof *a.tracks);
    a.now = x_calloc(a.count + 1, sizeof *a.now);
    a.is_equal = x_calloc(a.count + 1, sizeof *a.is_equal);
    a.key_hashes = x_calloc(a.count + 1, sizeof *a.key_hashes);
    for (size_t i = 0; i < a.count; i++) a.key_hashes[i] = a.keys[i].key_hash;
    bool ok = settle(&a, &r->is_behind, e);
    if (ok) report(&a, c->settle_ms, r);
    free(a.tracks);
    free(a.now);
    free(a.is_equal);
    free(a.key_hashes);
    return ok;
}

bool compare_table(const Compare *c, size_t table, CompareResult *ret, Err *e) {
    CompareResult r = {0};
    Rowsum *sums = rowsum_new(scan_table(c->source, table));
    bool ok = read_both(c, table, sums, rowsum_add, e);
    for (int side = 0; side < 2; side++) r.rows[side] = rowsum_rows(sums, (RowsumSide)side);
    if (ok && rowsum_differing(sums) > 0) ok = look_again(c, table, sums, &r, e);
    rowsum_free(sums);
    if (!ok) compare_result_done(&r);
    *ret = r;
    return ok;
}
