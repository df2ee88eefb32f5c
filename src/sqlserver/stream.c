/*
 * The rows of a window lie in as many change tables as there are captured tables, each sorted by position;
 * merging them gives the order in which the changes were made. There is one statement at a time on the
 * connection, so each table is read in pages, and the next page is read when its last one is used up.
 *
 * Cleanup may run at any time, and a direct read of a change table raises no error when its rows are gone. So
 * after whatever was read (a page, or the answer "nothing there") start_lsn is read again and checked against
 * where the read began (plan_check_page).
 *
 * A batch is cut where a source transaction ends. When it is full inside a transaction that began in it, that
 * transaction's changes move on to the next batch; one that fills a batch alone goes over several.
 */
#include "sqlserver/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "record/change.h"
#include "sqlserver/change_page.h"
#include "sqlserver/probe.h"

enum {
    MIN_PAGE_BYTES = 128 * 1024,
};

/* One table's side of the merge. */
typedef struct MergeInput {
    ChangeReader *reader; /* owned by the stream's list of readers */
    size_t table;
    Position from; /* all up to here is read */
    bool may_have; /* the probe found rows */
    bool is_last;  /* no page behind this one */
    ChangePage *page;
    size_t row;
    Position head; /* of page row `row` */
    size_t row_bytes;
} MergeInput;

struct Stream {
    StreamLimits limits;
    ChangeReader **readers; /* owned; by object id of the instance, kept over windows */
    size_t reader_count, reader_cap;
    Probe *probe;

    Odbc *odbc; /* this and the next three: borrowed during a window */
    const Plan *plan;
    const Catalog *catalog;
    const Reading *reading;
    PlanAction window;
    MergeInput *inputs; /* owned, as the next: what the probe asks and gives, by input */
    ProbeTable *asked;
    size_t input_count, input_cap;
    size_t page_bytes;

    Position at;      /* batches so far end here */
    size_t time_at;   /* hint into the reading's commits */
    Lsn last_lsn;     /* commit of the change put last */
    int64_t last_us;  /* its time */
    Batch *batch;     /* being filled */
    size_t boundary;  /* changes of it that belong to complete transactions */
    Lsn boundary_lsn; /* the last of those transactions */
    int64_t boundary_us;
    size_t batch_bytes;
    size_t boundary_bytes;
    ChangePage **pages; /* held by the batch; owned array, borrowed pages */
    size_t page_count, page_cap;
};

Stream *stream_new(const StreamLimits *limits) {
    Stream *s = x_calloc(1, sizeof *s);
    s->limits = *limits;
    s->probe = probe_new();
    return s;
}

static void end_window(Stream *s) {
    for (size_t i = 0; i < s->input_count; i++) change_page_unref(s->inputs[i].page);
    s->input_count = 0;
    s->batch = batch_free(s->batch);
    s->page_count = 0;
}

void stream_reset(Stream *s) {
    end_window(s);
    for (size_t i = 0; i < s->reader_count; i++) change_reader_free(s->readers[i]);
    s->reader_count = 0;
}

Stream *stream_free(Stream *s) {
    if (!s) return NULL;
    stream_reset(s);
    probe_free(s->probe);
    free(s->readers);
    free(s->inputs);
    free(s->asked);
    free(s->pages);
    free(s);
    return NULL;
}

/* ---- beginning a window ---- */

/* Where the instance's reader is, or would be. */
static size_t reader_place(const Stream *s, int32_t object_id) {
    size_t low = 0, high = s->reader_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (change_reader_object(s->readers[middle]) < object_id) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool find_reader(Stream *s, const CatalogInstance *instance, ChangeReader **ret, Err *e) {
    size_t at = reader_place(s, instance->object_id);
    bool is_there = at < s->reader_count && change_reader_object(s->readers[at]) == instance->object_id;
    if (is_there && change_reader_schema(s->readers[at]) == instance->schema) {
        *ret = s->readers[at];
        return true;
    }
    ChangeReader *made;
    if (!change_reader_new(instance, &s->limits.how, odbc_driver(s->odbc), &made, e)) return false;
    if (is_there) {
        change_reader_free(s->readers[at]); /* its columns changed */
    } else {
        if (s->reader_count == s->reader_cap) {
            s->reader_cap = s->reader_cap ? s->reader_cap * 2 : 8;
            s->readers = x_reallocarray(s->readers, s->reader_cap, sizeof(ChangeReader *));
        }
        memmove(s->readers + at + 1, s->readers + at, (s->reader_count - at) * sizeof(ChangeReader *));
        s->reader_count++;
    }
    s->readers[at] = *ret = made;
    return true;
}

static bool add_input(Stream *s, size_t table, int32_t object_id, const Position *from, Err *e) {
    const CatalogInstance *instance = catalog_instance(s->catalog, object_id);
    if (!instance)
        return err_set(e, ERR_IO, true, "the capture instance of table %s is gone",
                       s->catalog->tables[table].qualified);
    if (s->input_count == s->input_cap) {
        s->input_cap = s->input_cap ? s->input_cap * 2 : 8;
        s->inputs = x_reallocarray(s->inputs, s->input_cap, sizeof *s->inputs);
        s->asked = x_reallocarray(s->asked, s->input_cap, sizeof *s->asked);
    }
    MergeInput in = {.table = table, .from = *from, .may_have = true};
    if (!find_reader(s, instance, &in.reader, e)) return false;
    change_reader_begin(in.reader);
    s->inputs[s->input_count++] = in;
    return true;
}

/* Which inputs have rows; of the others, was all there that they could have had? */
static bool probe_all(Stream *s, Err *e) {
    if (s->input_count <= 1) return true; /* its page is the same one round trip */
    for (size_t i = 0; i < s->input_count; i++) {
        const MergeInput *in = &s->inputs[i];
        s->asked[i] = (ProbeTable){.instance = change_reader_name(in->reader),
                                   .object_id = change_reader_object(in->reader),
                                   .above = in->from.commit_lsn};
    }
    if (!probe_ask(s->probe, s->odbc, s->reading, &s->window.from.commit_lsn, &s->window.to.commit_lsn,
                   s->asked, s->input_count, e))
        return false;
    for (size_t i = 0; i < s->input_count; i++) {
        MergeInput *in = &s->inputs[i];
        in->may_have = s->asked[i].is_found;
        if (!in->may_have && !plan_check_page(s->plan, in->table, &in->from, &s->asked[i].start_lsn, e))
            return false;
    }
    return true;
}

static void share_page_bytes(Stream *s) {
    size_t active = 0;
    for (size_t i = 0; i < s->input_count; i++) active += s->inputs[i].may_have;
    s->page_bytes = s->limits.page_bytes / (active ? active : 1);
    if (s->page_bytes < MIN_PAGE_BYTES) s->page_bytes = MIN_PAGE_BYTES;
}

bool stream_begin(Stream *s, Odbc *odbc, const Plan *plan, const Catalog *catalog, const Reading *reading,
                  const PlanAction *window, Err *e) {
    end_window(s);
    s->odbc = odbc;
    s->plan = plan;
    s->catalog = catalog;
    s->reading = reading;
    s->window = *window;
    s->at = window->from;
    s->last_lsn = window->from.commit_lsn;
    s->last_us = 0;
    s->time_at = 0;
    for (size_t table = 0; table < catalog->table_count; table++) {
        int32_t object_id;
        Position from;
        if (plan_range(plan, table, &object_id, &from) && !add_input(s, table, object_id, &from, e))
            return false;
    }
    if (!probe_all(s, e)) return false;
    for (size_t i = 0; i < s->input_count; i++) s->inputs[i].is_last = !s->inputs[i].may_have;
    share_page_bytes(s);
    return true;
}

/* ---- merging ---- */

static bool next_page(Stream *s, MergeInput *in, Err *e) {
    ChangePageResult got;
    if (!change_reader_page(in->reader, s->odbc, &in->from, &s->window.to.commit_lsn, s->page_bytes, &got, e))
        return false;
    change_page_unref(in->page);
    in->page = got.page;
    in->row = 0;
    in->is_last = got.is_last;
    if (!plan_check_page(s->plan, in->table, &in->from, &got.start_lsn, e)) return false;
    size_t count = change_page_count(got.page);
    in->from = got.upto;
    row_flaws_count(&got.flaws, s->limits.metrics, change_reader_schema(in->reader)->qualified);
    if (!count) return true;
    in->row_bytes = change_page_bytes(got.page) / count;
    in->head = change_page_position(got.page, 0);
    return true;
}

static bool is_used_up(const MergeInput *in) {
    return !in->page || in->row >= change_page_count(in->page);
}

static bool fill(Stream *s, MergeInput *in, Err *e) {
    while (is_used_up(in) && !in->is_last)
        if (!next_page(s, in, e)) return false;
    return true;
}

/* The input whose head comes first, NULL when all are used up; *ret_second is the next one's head, as far as
 * it may run. */
static MergeInput *first_input(Stream *s, Position *ret_second, bool *ret_has_second) {
    MergeInput *first = NULL, *second = NULL;
    for (size_t i = 0; i < s->input_count; i++) {
        MergeInput *in = &s->inputs[i];
        if (is_used_up(in)) continue;
        if (!first || position_cmp(&in->head, &first->head) < 0) {
            second = first;
            first = in;
        } else if (!second || position_cmp(&in->head, &second->head) < 0) {
            second = in;
        }
    }
    *ret_has_second = second != NULL;
    if (second) *ret_second = second->head;
    return first;
}

/* ---- filling a batch ---- */

static void batch_begin(Stream *s) {
    s->batch = batch_new(BATCH_CHANGES);
    s->batch->from = s->at;
    s->batch->read_us = clock_wall_us();
    s->boundary = s->batch_bytes = s->boundary_bytes = 0;
    s->page_count = 0;
}

static void hold_page(Stream *s, ChangePage *page) {
    for (size_t i = s->page_count; i-- > 0;)
        if (s->pages[i] == page) return;
    if (s->page_count == s->page_cap) {
        s->page_cap = s->page_cap ? s->page_cap * 2 : 8;
        s->pages = x_reallocarray(s->pages, s->page_cap, sizeof *s->pages);
    }
    s->pages[s->page_count++] = page;
    batch_hold(s->batch, change_page_ref(page), change_page_unref, /* bytes= */ 0); /* counted by the rows */
}

static void put_change(Stream *s, ChangeOp op, const Schema *schema, const Value *before, const Value *after,
                       const Position *position) {
    Change *c = batch_add(s->batch);
    c->op = (uint8_t)op;
    c->schema = schema;
    c->before = before;
    c->after = after;
    c->position = *position;
    c->source_us = s->last_us;
}

static bool same_value(ValueForm form, const Value *a, const Value *b) {
    if (a->flags != b->flags) return false;
    if (a->flags) return true;
    if (form == FORM_INT) return a->v.i == b->v.i && a->aux == b->aux;
    if (form == FORM_DOUBLE) return a->v.d == b->v.d;
    return a->n == b->n && memcmp(a->v.p, b->v.p, a->n) == 0;
}

static bool same_key(const Schema *s, const Value *a, const Value *b) {
    for (size_t i = 0; i < s->key_count; i++) {
        const Column *c = &s->columns[s->key[i]];
        if (!same_value(sqltype_form(c->type, c->precision), &a[s->key[i]], &b[s->key[i]])) return false;
    }
    return true;
}

/* A 3 and the 4 behind it. */
static void put_update(Stream *s, const Schema *schema, const Value *before, const Position *before_at,
                       const Value *after, const Position *after_at) {
    if (before && !same_key(schema, before, after)) {
        put_change(s, OP_DELETE, schema, before, NULL, before_at);
        put_change(s, OP_CREATE, schema, NULL, after, after_at);
    } else {
        put_change(s, OP_UPDATE, schema, before, after, after_at);
    }
}

/* The row at in->row to changes; moves in->row on. Errors: ERR_INTERNAL for an operation that CDC doesn't
 * have. */
static void pass(MergeInput *in, size_t rows) {
    in->row += rows;
    if (!is_used_up(in)) in->head = change_page_position(in->page, in->row);
}

/* Nobody wants it, or it can't be read. */
static bool is_skipped(const Stream *s, const MergeInput *in) {
    if (change_page_is_left_out(in->page, in->row)) return true;
    if (in->head.operation == 3 && change_page_is_left_out(in->page, in->row + 1)) return true;
    return s->limits.skips_unchanged && in->head.operation >= 3 &&
           !change_reader_sees_change(in->reader, in->page, in->row);
}

static bool put_row(Stream *s, MergeInput *in, Err *e) {
    const Schema *schema = change_reader_schema(in->reader);
    const Value *values = change_page_values(in->page, in->row);
    Position at = in->head;
    if (is_skipped(s, in)) {
        pass(in, at.operation == 3 ? 2 : 1);
        return true;
    }
    hold_page(s, in->page);
    batch_hold_schema(s->batch, schema);
    size_t rows = 1;
    switch (at.operation) {
    case 1: put_change(s, OP_DELETE, schema, values, NULL, &at); break;
    case 2: put_change(s, OP_CREATE, schema, NULL, values, &at); break;
    case 3: {
        if (in->row + 1 >= change_page_count(in->page) || change_page_operation(in->page, in->row + 1) != 4)
            return err_set(e, ERR_INTERNAL, false,
                           "table %s: an update's new values don't follow its old ones", schema->qualified);
        Position after_at = change_page_position(in->page, in->row + 1);
        put_update(s, schema, values, &at, change_page_values(in->page, in->row + 1), &after_at);
        rows = 2;
        break;
    }
    case 4: put_update(s, schema, NULL, NULL, values, &at); break;
    default:
        return err_set(e, ERR_INTERNAL, false, "table %s: unknown __$operation %u", schema->qualified,
                       at.operation);
    }
    s->batch_bytes += rows * (in->row_bytes + sizeof(Change));
    pass(in, rows);
    return true;
}

static bool is_full(const Stream *s) {
    return s->batch->count >= s->limits.max_changes || s->batch_bytes >= s->limits.max_bytes;
}

/* Give the batch away as ending at `to`. */
static Batch *finish(Stream *s, const Position *to, bool ends_transaction, int64_t to_us) {
    s->batch->to = s->at = *to;
    s->batch->ends_transaction = ends_transaction;
    s->batch->to_us = to_us;
    s->batch->held_bytes += s->batch_bytes > s->batch->count * sizeof(Change)
                                ? s->batch_bytes - s->batch->count * sizeof(Change)
                                : 0;
    return TAKE(s->batch);
}

/* Whether the page has changes of a later transaction. */
static bool reaches_beyond(const ChangePage *page, const Lsn *lsn) {
    size_t count = change_page_count(page);
    if (!count) return false;
    const Position last = change_page_position(page, count - 1);
    return lsn_cmp(&last.commit_lsn, lsn) > 0;
}

/* Cut the batch where its last complete transaction ends; the changes behind that begin the next one. */
static Batch *finish_at_boundary(Stream *s) {
    Batch *full = s->batch;
    size_t moved = full->count - s->boundary, moved_bytes = s->batch_bytes - s->boundary_bytes;
    Change *tail = full->changes + s->boundary;
    full->count = s->boundary;
    s->batch_bytes = s->boundary_bytes;
    Position to = position_end_of(&s->boundary_lsn);
    (void)finish(s, &to, /* ends_transaction= */ true, s->boundary_us);
    size_t page_count = s->page_count;
    batch_begin(s);
    for (size_t i = 0; i < page_count; i++) {
        ChangePage *page = s->pages[i]; /* hold_page writes behind what is read here: never more than i */
        if (reaches_beyond(page, &s->boundary_lsn)) hold_page(s, page);
    }
    for (size_t i = 0; i < moved; i++) {
        batch_hold_schema(s->batch, tail[i].schema);
        *batch_add(s->batch) = tail[i];
    }
    s->batch_bytes = moved_bytes;
    return full;
}

/* A change of another transaction comes next: the batch could end here. */
static void note_boundary(Stream *s, const Lsn *next) {
    s->boundary = s->batch->count;
    s->boundary_bytes = s->batch_bytes;
    s->boundary_lsn = s->last_lsn;
    s->boundary_us = s->last_us;
    s->last_lsn = *next;
    s->last_us = reading_commit_us(s->reading, next, &s->time_at);
}

/* Put rows of `in` as long as they come before `second`. *ret is a batch when one got full. */
static bool run_input(Stream *s, MergeInput *in, const Position *second, Batch **ret, Err *e) {
    while (!is_used_up(in) && (!second || position_cmp(&in->head, second) <= 0)) {
        bool begins = lsn_cmp(&in->head.commit_lsn, &s->last_lsn) != 0;
        if (begins && s->batch->count && is_full(s)) {
            Position to = position_end_of(&s->last_lsn);
            *ret = finish(s, &to, /* ends_transaction= */ true, s->last_us);
            return true;
        }
        if (!begins && is_full(s)) {
            if (s->boundary) {
                *ret = finish_at_boundary(s);
            } else {
                Position to = s->batch->changes[s->batch->count - 1].position;
                *ret = finish(s, &to, /* ends_transaction= */ false, 0);
            }
            return true;
        }
        if (begins) note_boundary(s, &in->head.commit_lsn);
        if (!put_row(s, in, e)) return false;
    }
    return true;
}

bool stream_next(Stream *s, Batch **ret, bool *ret_is_done, Err *e) {
    if (!s->batch) batch_begin(s);
    *ret_is_done = false;
    *ret = NULL;
    for (;;) {
        for (size_t i = 0; i < s->input_count; i++)
            if (!fill(s, &s->inputs[i], e)) return false;
        Position second;
        bool has_second;
        MergeInput *in = first_input(s, &second, &has_second);
        if (!in) break;
        if (!run_input(s, in, has_second ? &second : NULL, ret, e)) return false;
        if (*ret) return true;
    }
    s->batch->is_consistent = s->window.is_consistent;
    *ret = finish(s, &s->window.to, /* ends_transaction= */ true, s->window.to_us);
    *ret_is_done = true;
    end_window(s);
    return true;
}
