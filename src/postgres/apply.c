/*
 * Compacted: changes → last state per key (compact.h) → per table one delete and one put. Puts come first,
 * parents before children, then deletes, children before parents: so rows find what they refer to, and a
 * parent goes after its children have moved away. Tables with a second unique index, or with keys of texts,
 * floats or times, delete before all puts, so that a value can move from a row that goes; where that breaks a
 * foreign key, or a value moves between rows that stay, the caller does it again in order.
 *
 * In order: the changes are cut into runs of one table and one kind of statement in which no key comes twice;
 * a run is one statement. That is the source's order to every constraint that PostgreSQL checks by row or by
 * statement.
 *
 * Few rows or many. Array parameters save the round trips of COPY and the temporary table; COPY costs the
 * server less per row. Measured (8 columns, PostgreSQL 15, one local connection, new rows and updates): up to
 * 500 rows the arrays are a fifth to a quarter faster, at 2,000 both are equal, from 5,000 on COPY is faster
 * by a fifth.
 *
 * New rows. Where all changes of a table's batch are new rows, their keys aren't there: COPY straight into
 * the table costs the server half of the upsert (measured: from 250 rows on, one connection or three). Should
 * one be there after all (records that come again, rows that the first copy has read already), it is undone
 * to a savepoint and the upsert follows; a table in which that happened waits before it tries again, twice as
 * long each time.
 *
 * Many updates. Where all changes of a table's batch are updates, its rows are there: UPDATE … FROM costs the
 * server a tenth less than the upsert, which locks each row before it writes it. Should some not be there,
 * the count tells, and the upsert follows.
 */
#include "postgres/apply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"

#define NEW_ROWS "mr_new_rows"
enum { COPY_PIECE_BYTES = 64 * 1024, ROW_LIST_MIN = 256 };
enum { COPY_PAUSE_MIN = 8, COPY_PAUSE_MAX = 1024 }; /* statements */

typedef struct RowList {
    const Value **rows;
    size_t count, cap;
} RowList;

struct Apply {
    TargetSet *targets;
    Compact *compact;
    size_t small_rows, batch_rows;
    uint64_t transaction; /* number of the open one */
    Buf out;              /* of a COPY, or of array parameters */
    Buf counts;           /* of a bag's removals */
    RowList run;          /* in order: rows not written yet */
    RowList odd;          /* puts with absent columns */
    Target *copying;      /* a COPY into it is open */
    bool is_update;       /* the puts being written are all of rows that should be there */
    bool is_new;          /* … of rows that shouldn't */
    PgStatement look_up, any_hash, any_merge, savepoint, release;
    const Value *culprit; /* the row that couldn't be encoded */
    uint16_t culprit_column;
};

Apply *apply_new(TargetSet *targets) {
    Apply *a = x_calloc(1, sizeof *a);
    a->targets = targets;
    a->compact = compact_new();
    a->small_rows = APPLY_SMALL_ROWS;
    a->look_up.sql = "SELECT pg_catalog.set_config('enable_hashjoin', 'off', true),"
                     " pg_catalog.set_config('enable_mergejoin', 'off', true)";
    a->any_hash.sql = "RESET enable_hashjoin";
    a->any_merge.sql = "RESET enable_mergejoin";
    a->savepoint.sql = "SAVEPOINT " NEW_ROWS;
    a->release.sql = "RELEASE SAVEPOINT " NEW_ROWS;
    a->batch_rows = SIZE_MAX;
    return a;
}

Apply *apply_free(Apply *a) {
    if (!a) return NULL;
    compact_free(a->compact);
    buf_done(&a->out);
    buf_done(&a->counts);
    free(a->run.rows);
    free(a->odd.rows);
    free(a);
    return NULL;
}

void apply_set_small_rows(Apply *a, size_t rows) {
    a->small_rows = rows;
}

void apply_set_batch_rows(Apply *a, size_t rows) {
    a->batch_rows = rows;
}
void apply_begun(Apply *a) {
    a->transaction++;
}

static void list_add(RowList *list, const Value *row) {
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : ROW_LIST_MIN;
        list->rows = x_reallocarray(list->rows, list->cap, sizeof *list->rows);
    }
    list->rows[list->count++] = row;
}

/* A value of the row was refused by its encoder: which is found once more, as it is rare. */
static bool note_culprit(Apply *a, const PgRowPlan *plan, const Value *row) {
    Err unused;
    CLEANUP(buf_done) Buf out = {0};
    a->culprit = row;
    for (size_t i = 0; i < plan->count; i++) {
        a->culprit_column = plan->columns[i];
        if (!pgencode_array(&plan->fields[plan->columns[i]], plan->columns[i], &row, 1, &out, &unused)) break;
    }
    return false;
}

const Value *apply_culprit(const Apply *a, uint16_t *ret_column) {
    if (a->culprit) *ret_column = a->culprit_column;
    return a->culprit;
}

/* Of rows that couldn't be encoded, the first. */
static bool find_culprit(Apply *a, const PgRowPlan *plan, const Value *const *rows, size_t count) {
    Err unused;
    CLEANUP(buf_done) Buf out = {0};
    for (size_t i = 0; i < count; i++) {
        buf_clear(&out);
        if (!pgencode_copy_row(plan, rows[i], &out, &unused)) return note_culprit(a, plan, rows[i]);
    }
    return false;
}

/* ---- one statement's rows ---- */

/* The arrays of w over rows in a->out; params point into it. */
static bool encode_arrays(Apply *a, const Target *t, const TargetWrite *w, const Value *const *rows,
                          size_t count, PgParam *params, Err *e) {
    CLEANUP_FREE size_t *ends = x_calloc(w->count, sizeof *ends);
    buf_clear(&a->out);
    for (size_t i = 0; i < w->count; i++) {
        if (!pgencode_array(&t->fields[w->columns[i]], w->columns[i], rows, count, &a->out, e))
            return find_culprit(a, &(PgRowPlan){t->fields, w->columns, w->count}, rows, count);
        ends[i] = a->out.n;
    }
    for (size_t i = 0; i < w->count; i++) { /* only now: the buffer has moved while it grew */
        size_t start = i > 0 ? ends[i - 1] : 0;
        params[i] = (PgParam){.p = a->out.p + start, .n = ends[i] - start, .is_binary = true};
    }
    return true;
}

static bool write_small(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                        size_t count, Err *e) {
    CLEANUP_FREE PgParam *params = x_calloc(w->count, sizeof *params);
    return encode_arrays(a, t, w, rows, count, params, e) && pgconn_pipe_begin(c, e) &&
           pgconn_pipe_send(c, &w->small, params, w->count, /* ret_rows= */ NULL, e);
}

static bool copy_rows(Apply *a, PgConn *c, const PgRowPlan *plan, const Value *const *rows, size_t count,
                      Err *e) {
    for (size_t i = 0; i < count; i++) {
        if (!pgencode_copy_row(plan, rows[i], &a->out, e)) return note_culprit(a, plan, rows[i]);
        if (a->out.n >= COPY_PIECE_BYTES && !pgconn_copy_put(c, &a->out, e)) return false;
    }
    return true;
}

/* An empty temporary table for w. */
static bool clear_temp(const Apply *a, PgConn *c, TargetWrite *w, Err *e) {
    if (!w->is_temp_made && !pgconn_exec(c, w->temp_create, e)) return false;
    if (w->is_temp_made && w->temp_filled_in == a->transaction && !pgconn_exec(c, w->temp_clear, e))
        return false;
    w->is_temp_made = true;
    w->temp_filled_in = a->transaction;
    return true;
}

/* The rows into a COPY that has begun, and its end. */
static bool copy_all(Apply *a, PgConn *c, const PgRowPlan *plan, const Value *const *rows, size_t count,
                     Err *e) {
    buf_clear(&a->out);
    pgencode_copy_begin(&a->out);
    if (!copy_rows(a, c, plan, rows, count, e)) {
        pgconn_copy_abort(c);
        return false;
    }
    pgencode_copy_end(&a->out);
    return pgconn_copy_put(c, &a->out, e) && pgconn_copy_end(c, /* ret_rows= */ NULL, e);
}

static bool fill_temp(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                      size_t count, Err *e) {
    const PgRowPlan plan = {.fields = t->fields, .columns = w->columns, .count = w->count};
    return pgconn_pipe_end(c, e) && clear_temp(a, c, w, e) && pgconn_copy_in(c, w->temp_copy, e) &&
           copy_all(a, c, &plan, rows, count, e) && pgconn_pipe_begin(c, e);
}

/* Update the rows in the temporary table that are there; *ret_all: they all were. The planner knows nothing
 * of the temporary table: it is told to look each key up, not to walk over the target. */
static bool update_from_temp(Apply *a, PgConn *c, TargetWrite *w, size_t count, bool *ret_all, Err *e) {
    int64_t updated = 0;
    bool ok = pgconn_pipe_send(c, &a->look_up, NULL, 0, NULL, e) &&
              pgconn_pipe_send(c, &w->update, NULL, 0, &updated, e) &&
              pgconn_pipe_send(c, &a->any_hash, NULL, 0, NULL, e) &&
              pgconn_pipe_send(c, &a->any_merge, NULL, 0, NULL, e) && pgconn_pipe_end(c, e);
    *ret_all = updated == (int64_t)count;
    return ok;
}

static bool may_copy(const Apply *a, const Target *t, TargetWrite *w) {
    bool is_insert = w->copy && w->count > 0 && t->rules->insert != TARGET_UPDATE;
    if (!is_insert || !(a->is_new || t->key_count == 0)) return false;
    if (w->copy_pause == 0) return true;
    w->copy_pause--;
    return false;
}

/* A COPY of new rows has failed, and its transaction with it. Where that is for a row that was there, or
 * since the table doesn't take COPY (row security), it is as it was before, and the next tries wait. */
static bool take_back_copy(PgConn *c, const Target *t, TargetWrite *w, Err *e) {
    const char *state = pgconn_sqlstate(c);
    if (strcmp(state, "23505") != 0 && strcmp(state, "0A000") != 0) return false;
    LOG_DEBUG("copy_refused", LOG_S("table", t->schema->qualified), LOG_S("why", e->msg));
    unsigned pause = w->copy_pause_next > COPY_PAUSE_MIN ? w->copy_pause_next : COPY_PAUSE_MIN;
    w->copy_pause = pause;
    w->copy_pause_next = pause < COPY_PAUSE_MAX ? pause * 2 : COPY_PAUSE_MAX;
    return pgconn_exec(c, "ROLLBACK TO SAVEPOINT " NEW_ROWS "; RELEASE SAVEPOINT " NEW_ROWS, e);
}

/* New rows straight into the table; *ret_done: they are there. */
static bool copy_new(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                     size_t count, bool *ret_done, Err *e) {
    if (!pgconn_pipe_begin(c, e) || !pgconn_pipe_send(c, &a->savepoint, NULL, 0, NULL, e) ||
        !pgconn_pipe_end(c, e))
        return false;
    if (!pgconn_copy_in(c, w->copy, e)) return take_back_copy(c, t, w, e);
    if (!copy_all(a, c, &(PgRowPlan){t->fields, w->columns, w->count}, rows, count, e))
        return !a->culprit && pgconn_is_open(c) && take_back_copy(c, t, w, e);
    *ret_done = true;
    w->copy_pause_next = 0;
    return pgconn_pipe_begin(c, e) && pgconn_pipe_send(c, &a->release, NULL, 0, NULL, e);
}

static bool write_large(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                        size_t count, Err *e) {
    bool is_all = false;
    if (!fill_temp(a, c, t, w, rows, count, e)) return false;
    if (a->is_update && w->update.sql && !update_from_temp(a, c, w, count, &is_all, e)) return false;
    return is_all ||
           (pgconn_pipe_begin(c, e) && pgconn_pipe_send(c, &w->merge, NULL, 0, /* ret_rows= */ NULL, e));
}

static bool write_some(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                       size_t count, Err *e) {
    bool is_done = false, is_small = count <= a->small_rows;
    if (!(is_small && count <= APPLY_SMALL_NEW_ROWS) && may_copy(a, t, w)) {
        if (!copy_new(a, c, t, w, rows, count, &is_done, e)) return false;
        if (is_done) return true;
    }
    return is_small ? write_small(a, c, t, w, rows, count, e) : write_large(a, c, t, w, rows, count, e);
}

static bool write_rows(Apply *a, PgConn *c, const Target *t, TargetWrite *w, const Value *const *rows,
                       size_t count, Err *e) {
    while (count > 0) { /* in equal parts: a few rows that are left over would cost more than their share */
        size_t parts = count / a->batch_rows + (count % a->batch_rows > 0);
        size_t n = (count + parts - 1) / parts;
        if (!write_some(a, c, t, w, rows, n, e)) return false;
        rows += n;
        count -= n;
    }
    return true;
}

/* A bag's removals: their contents, how many times each, and how many that makes. */
static bool remove_from_bag(Apply *a, PgConn *c, Target *t, const Value *const *rows, const int64_t *times,
                            size_t count, Err *e) {
    enum { OID_INT8 = 20 };
    TargetWrite *w = &t->removes;
    if (count == 0) return true;
    CLEANUP_FREE PgParam *params = x_calloc(w->count + 3, sizeof *params);
    const PgField number = {.encode = pgencode_int_int8, .oid = OID_INT8};
    int64_t total = 0;
    CLEANUP_FREE Value *values = x_calloc(count, sizeof *values);
    CLEANUP_FREE const Value **pointers = x_calloc(count, sizeof *pointers);
    for (size_t i = 0; i < count; i++) {
        values[i] = value_int(times ? times[i] : 1);
        pointers[i] = &values[i];
        total += values[i].v.i;
    }
    buf_clear(&a->counts);
    if (!encode_arrays(a, t, w, rows, count, params, e) ||
        !pgencode_array(&number, 0, pointers, count, &a->counts, e))
        return false;
    params[w->count] = (PgParam){.p = a->counts.p, .n = a->counts.n, .is_binary = true};
    uint64_t sum = __builtin_bswap64((uint64_t)total);
    params[w->count + 1] = (PgParam){.p = &sum, .n = sizeof sum, .is_binary = true};
    params[w->count + 2] = (PgParam){.p = t->schema->qualified};
    return pgconn_pipe_begin(c, e) &&
           pgconn_pipe_send(c, &w->small, params, w->count + 3, /* ret_rows= */ NULL, e);
}

/* ---- puts, by shape ---- */

/* Bits of the written columns that the row doesn't carry; whether there are any. */
static bool absent_columns(const Target *t, const Value *row, uint64_t *ret) {
    uint8_t any = 0;
    for (size_t i = 0; i < t->written_count; i++) any |= row[t->written[i]].flags;
    if (!(any & VALUE_ABSENT)) return false;
    memset(ret, 0, TARGET_WORDS(t->schema->column_count) * sizeof *ret);
    for (size_t i = 0; i < t->written_count; i++) {
        uint16_t column = t->written[i];
        if (value_is_absent(&row[column])) ret[column / 64] |= UINT64_C(1) << column % 64;
    }
    return true;
}

enum { MAX_WORDS = TARGET_WORDS(SCHEMA_MAX_COLUMNS) };

/* Write the rows of a->odd, a shape at a time; they keep their order within a shape. */
static bool put_odd_rows(Apply *a, PgConn *c, Target *t, Err *e) {
    RowList *odd = &a->odd;
    CLEANUP_FREE const Value **same = x_calloc(odd->count + 1, sizeof *same);
    while (odd->count > 0) {
        uint64_t first[MAX_WORDS], other[MAX_WORDS];
        size_t left = 0, count = 0, bytes = TARGET_WORDS(t->schema->column_count) * sizeof *first;
        (void)absent_columns(t, odd->rows[0], first);
        for (size_t i = 0; i < odd->count; i++) {
            (void)absent_columns(t, odd->rows[i], other);
            if (memcmp(first, other, bytes) == 0) same[count++] = odd->rows[i];
            else odd->rows[left++] = odd->rows[i];
        }
        odd->count = left;
        if (!write_rows(a, c, t, &target_shape(t, first)->write, same, count, e)) return false;
    }
    return true;
}

/* rows is reordered: those in which a column is absent go to the end, in statements of their own. */
static bool put_rows(Apply *a, PgConn *c, Target *t, const Value **rows, size_t count, Err *e) {
    uint64_t absent[MAX_WORDS];
    size_t whole = 0;
    a->odd.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (absent_columns(t, rows[i], absent)) list_add(&a->odd, rows[i]);
        else rows[whole++] = rows[i];
    }
    return write_rows(a, c, t, &t->shapes.write, rows, whole, e) && put_odd_rows(a, c, t, e);
}

/* ---- what a change means to its target ---- */

static bool is_bag_update(const Target *t, const Change *change) {
    return t->is_bag && change->op == OP_UPDATE && change->after;
}

/* A bag's rows are told by what they hold, so one that wasn't read whole is nobody's, before and after. */
static bool is_readable(Apply *a, const Target *t, const Value *row, Err *e) {
    for (size_t i = 0; row && i < t->written_count; i++) {
        const Value *v = &row[t->written[i]];
        if (!value_is_unreadable(v)) continue;
        a->culprit = row;
        a->culprit_column = t->written[i];
        return err_set(e, ERR_DATA, false, "%s: %s", t->whats[t->written[i]], value_fault(v)->why);
    }
    return true;
}

static bool fits_bag(Apply *a, const Target *t, const Change *change, Err *e) {
    return !t->is_bag || (is_readable(a, t, change->before, e) && is_readable(a, t, change->after, e));
}

/* Whether a removal is to be done. delete.enabled=false and keyless appends leave rows where they are. */
static bool takes_removal(Target *t) {
    if (t->rules->may_delete && (t->key_count > 0 || t->is_bag)) return true;
    if (!t->has_warned_of_deletes)
        LOG_WARN("deletes_skipped", LOG_S("table", t->schema->qualified),
                 LOG_S("why", t->rules->may_delete ? "the table has no key" : "delete.enabled=false"));
    t->has_warned_of_deletes = true;
    return false;
}

static Target *target_of_compact(CompactTable *table) {
    return (Target *)(void *)((char *)table - offsetof(Target, compact));
}

static bool compact_change(Apply *a, PgConn *c, const Change *change, Err *e) {
    Target *t = NULL;
    if (!target_set_find(a->targets, c, change->schema, &t, e)) return false;
    if (change->op == OP_TOMBSTONE) return true;
    if (!fits_bag(a, t, change, e)) return false;
    t->has_known_rows |= change->op == OP_UPDATE || change->op == OP_DELETE;
    if (change->op == OP_DELETE)
        return !takes_removal(t) ||
               compact_add(a->compact, &t->compact, change->before, /* is_removed= */ true, e);
    if (is_bag_update(t, change)) {
        if (!change->before)
            return err_set(e, ERR_INTERNAL, false,
                           "%s has no key, and an update came without the row before it",
                           t->schema->qualified);
        if (!compact_add(a->compact, &t->compact, change->before, /* is_removed= */ true, e)) return false;
    }
    t->has_new_rows |= change->op != OP_UPDATE;
    return compact_add(a->compact, &t->compact, change->after, /* is_removed= */ false, e);
}

static int by_rank(const void *a, const void *b) {
    const Target *x = target_of_compact(*(CompactTable *const *)a),
                 *y = target_of_compact(*(CompactTable *const *)b);
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static bool remove_rows(Apply *a, PgConn *c, Target *t, Err *e) {
    const CompactTable *r = &t->compact;
    if (t->is_bag) return remove_from_bag(a, c, t, r->gone, r->gone_times, r->gone_count, e);
    return write_rows(a, c, t, &t->removes, r->gone, r->gone_count, e);
}

/* Whether two keys that differ here may be one in the target: 'a' and 'a ' (character(n)), 'a' and 'A'
 * (citext, collations), -0 and 0, times that it rounds. */
static bool has_loose_key(const Target *t) {
    for (size_t i = 0; i < t->key_count; i++) {
        const Column *c = &t->schema->columns[t->key[i]];
        ValueForm form = sqltype_form(c->type, c->precision);
        bool is_time =
            c->type == SQLTYPE_TIME || c->type == SQLTYPE_DATETIME2 || c->type == SQLTYPE_DATETIMEOFFSET;
        if (form == FORM_TEXT || form == FORM_DOUBLE || is_time) return true;
    }
    return false;
}

/* A value of a second unique index may move from a row that goes to one that is put; of a bag, and where a
 * key may be told otherwise in the target, what is put must not be taken for what goes. */
static bool goes_before(const Target *t) {
    return t->is_bag || t->table->unique_count > 1 || has_loose_key(t);
}

/* Children before parents. */
static bool remove_all(Apply *a, PgConn *c, CompactTable **tables, size_t n, bool is_before, Err *e) {
    for (size_t i = n; i-- > 0;) {
        Target *t = target_of_compact(tables[i]);
        if (goes_before(t) == is_before && !remove_rows(a, c, t, e)) return false;
    }
    return true;
}

static bool apply_compacted(Apply *a, PgConn *c, const Change *changes, size_t count, Err *e) {
    for (size_t i = 0; i < count; i++)
        if (!compact_change(a, c, &changes[i], e)) return false;
    CompactTable **tables;
    size_t n;
    compact_finish(a->compact, &tables, &n);
    if (n > 1) qsort(tables, n, sizeof *tables, by_rank);
    if (!remove_all(a, c, tables, n, /* is_before= */ true, e)) return false;
    for (size_t i = 0; i < n; i++) {
        Target *t = target_of_compact(tables[i]);
        a->is_update = !t->has_new_rows;
        a->is_new = !t->has_known_rows;
        t->has_new_rows = t->has_known_rows = false;
        bool ok = put_rows(a, c, t, t->compact.puts, t->compact.put_count, e);
        a->is_update = a->is_new = false;
        if (!ok) return false;
    }
    return remove_all(a, c, tables, n, /* is_before= */ false, e);
}

/* ---- in order ---- */

/* A run: rows of a->run, all put or all removed, all of one target. a->compact holds their keys. */
typedef struct Run {
    Target *target;
    bool is_removal;
} Run;

static bool end_run(Apply *a, PgConn *c, Run *run, Err *e) {
    Target *t = run->target;
    bool ok = true;
    if (a->run.count > 0 && run->is_removal)
        ok = t->is_bag ? remove_from_bag(a, c, t, a->run.rows, NULL, a->run.count, e)
                       : write_rows(a, c, t, &t->removes, a->run.rows, a->run.count, e);
    else if (a->run.count > 0) ok = put_rows(a, c, t, a->run.rows, a->run.count, e);
    a->run.count = 0;
    compact_clear(a->compact);
    return ok;
}

static bool add_to_run(Apply *a, PgConn *c, Run *run, Target *t, const Value *row, bool is_removal, Err *e) {
    bool is_keyed =
        t->key_count > 0 && t->rules->insert != TARGET_INSERT; /* a plain INSERT takes what comes */
    bool goes_on = run->target == t && run->is_removal == is_removal;
    if (goes_on && (is_keyed || t->is_bag) && compact_has(a->compact, &t->compact, row)) goes_on = false;
    if (!goes_on && !end_run(a, c, run, e)) return false;
    *run = (Run){.target = t, .is_removal = is_removal};
    list_add(&a->run, row);
    if (!is_keyed && !t->is_bag) return true;
    return t->is_bag && !is_removal ? true : compact_add(a->compact, &t->compact, row, is_removal, e);
}

static bool order_change(Apply *a, PgConn *c, Run *run, const Change *change, Err *e) {
    Target *t = NULL;
    if (!target_set_find(a->targets, c, change->schema, &t, e)) return false;
    if (change->op == OP_TOMBSTONE) return true;
    if (!fits_bag(a, t, change, e)) return false;
    if (change->op == OP_DELETE)
        return !takes_removal(t) || add_to_run(a, c, run, t, change->before, true, e);
    if (is_bag_update(t, change) && !add_to_run(a, c, run, t, change->before, true, e)) return false;
    return add_to_run(a, c, run, t, change->after, false, e);
}

static bool apply_in_order(Apply *a, PgConn *c, const Change *changes, size_t count, Err *e) {
    Run run = {0};
    a->run.count = 0;
    for (size_t i = 0; i < count; i++)
        if (!order_change(a, c, &run, &changes[i], e)) return false;
    return end_run(a, c, &run, e);
}

bool apply_changes(Apply *a, PgConn *c, const Change *changes, size_t count, ApplyOrder order, Err *e) {
    assert(!a->copying);
    compact_clear(a->compact);
    a->culprit = NULL;
    bool ok = order == APPLY_COMPACTED ? apply_compacted(a, c, changes, count, e)
                                       : apply_in_order(a, c, changes, count, e);
    compact_clear(a->compact); /* rows and targets are borrowed no longer */
    return ok;
}

/* ---- plain COPY ---- */

static bool copy_begin(Apply *a, PgConn *c, Target *t, Err *e) {
    if (!pgconn_pipe_end(c, e) || !pgconn_copy_in(c, t->shapes.write.copy, e)) return false;
    a->copying = t;
    buf_clear(&a->out);
    pgencode_copy_begin(&a->out);
    return true;
}

bool apply_copy(Apply *a, PgConn *c, const Schema *schema, const Change *rows, size_t count, Err *e) {
    Target *t = NULL;
    a->culprit = NULL;
    if (a->copying && a->copying->schema == schema) t = a->copying;
    else if (a->copying) return err_set(e, ERR_INTERNAL, false, "a chunk of another table inside a chunk");
    else if (!target_set_find(a->targets, c, schema, &t, e) || !copy_begin(a, c, t, e)) return false;
    const PgRowPlan plan = {.fields = t->fields, .columns = t->written, .count = t->written_count};
    for (size_t i = 0; i < count; i++) {
        if (!pgencode_copy_row(&plan, rows[i].after, &a->out, e))
            return note_culprit(a, &plan, rows[i].after);
        if (a->out.n >= COPY_PIECE_BYTES && !pgconn_copy_put(c, &a->out, e)) return false;
    }
    return true;
}

bool apply_copy_end(Apply *a, PgConn *c, Err *e) {
    if (!a->copying) return true;
    a->copying = NULL;
    pgencode_copy_end(&a->out);
    return pgconn_copy_put(c, &a->out, e) && pgconn_copy_end(c, /* ret_rows= */ NULL, e);
}

void apply_copy_abort(Apply *a, PgConn *c) {
    if (a->copying && pgconn_is_open(c)) pgconn_copy_abort(c);
    a->copying = NULL;
}
