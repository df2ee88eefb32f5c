/*
 * Rows of a page are decoded once, into the page's arena; a change that is made of one points at its values,
 * and its batch keeps the page alive. The five metadata columns stand before the captured ones in the same
 * row of values.
 *
 * Operation 3 isn't read as long as nobody needs it: half of all rows of an update stream. When an operation
 * 4 turns out to have changed a key column, the page is thrown away and read again with them, and so is the
 * rest of the window: one way to pair a 3 with its 4, whether they are always read or not.
 */
#include "sqlserver/change_page.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/reread.h"
#include "sqlserver/rowset.h"
#include "sqlserver/sql_text.h"

enum {
    NO_SUCH_OBJECT = 208, /* SQL Server's numbers */
    OUT_OF_RANGE = 313,   /* "an insufficient number of arguments": the instance doesn't hold the range */
    MIN_PAGE_ROWS = 16,   /* ≥ 2: a 3 and its 4 */
    MAX_PAGE_ROWS = 100000,
    FIRST_LONG_ROWS = 256, /* of a table with long columns, before their size is known */
};

/* A row that can't be read. */
typedef struct LeftOut {
    size_t row;
    const char *why; /* in the page's arena */
} LeftOut;

struct ChangePage {
    atomic_uint refs;
    Arena arena;
    Value **rows; /* owned array of pointers into the arena */
    size_t count, cap;
    LeftOut *left_out; /* owned; in the rows' order */
    size_t left_out_count, left_out_cap;
    uint8_t meta_count;
    bool has_command;
    const Schema *schema; /* a reference */
};

struct ChangeReader {
    const Schema *schema; /* a reference */
    char *name;           /* capture instance; owned */
    int32_t object_id;
    ChangeHow how;
    bool has_command, always_before, reads_before;
    size_t meta_count, count;
    Column *columns;       /* metadata and the schema's; owned */
    uint16_t *key_ordinal; /* owned: of the schema's key columns */
    uint16_t *ordinal;     /* owned: of all of them */
    Rowset *rowset;
    Reread *reread;    /* NULL = nothing is read again */
    size_t row_bytes;  /* estimate, kept up with what comes */
    uint64_t replaced; /* of the rowset's, told already */
};

/* ---- pages ---- */

static ChangePage *page_new(const ChangeReader *r) {
    ChangePage *p = x_calloc(1, sizeof *p);
    atomic_init(&p->refs, 1);
    p->schema = schema_ref(r->schema);
    p->meta_count = (uint8_t)r->meta_count;
    p->has_command = r->has_command;
    return p;
}

ChangePage *change_page_ref(ChangePage *p) {
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void change_page_unref(void *page) {
    ChangePage *p = page;
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    schema_unref(p->schema);
    arena_done(&p->arena);
    free(p->rows);
    free(p->left_out);
    free(p);
}

size_t change_page_count(const ChangePage *p) {
    return p->count;
}

size_t change_page_bytes(const ChangePage *p) {
    return p->arena.bytes + p->cap * sizeof *p->rows;
}

static Lsn lsn_value(const Value *v) {
    Lsn lsn = {{0}};
    if (v->n == LSN_BYTES && !v->flags) memcpy(lsn.b, v->v.p, LSN_BYTES);
    return lsn;
}

Position change_page_position(const ChangePage *p, size_t row) {
    const Value *v = p->rows[row];
    return (Position){.commit_lsn = lsn_value(&v[SQL_TEXT_META_LSN]),
                      .command_id = p->has_command ? (int32_t)v[SQL_TEXT_META_COMMAND].v.i : 0,
                      .seqval = lsn_value(&v[SQL_TEXT_META_SEQVAL]),
                      .operation = (uint8_t)v[SQL_TEXT_META_OPERATION].v.i};
}

uint8_t change_page_operation(const ChangePage *p, size_t row) {
    return (uint8_t)p->rows[row][SQL_TEXT_META_OPERATION].v.i;
}

const Value *change_page_values(const ChangePage *p, size_t row) {
    return p->rows[row] + p->meta_count;
}

bool change_page_is_left_out(const ChangePage *p, size_t row) {
    size_t from = 0, to = p->left_out_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (p->left_out[middle].row == row) return true;
        if (p->left_out[middle].row < row) from = middle + 1;
        else to = middle;
    }
    return false;
}

static void page_leave_out(ChangePage *p, size_t row, const char *why) {
    if (p->left_out_count == p->left_out_cap) {
        p->left_out_cap = p->left_out_cap ? 2 * p->left_out_cap : 8;
        p->left_out = x_reallocarray(p->left_out, p->left_out_cap, sizeof *p->left_out);
    }
    p->left_out[p->left_out_count++] = (LeftOut){row, why};
}

static void page_add(ChangePage *p, Value *values, size_t rows, size_t stride) {
    if (p->count + rows > p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        if (p->cap < p->count + rows) p->cap = p->count + rows;
        p->rows = x_reallocarray(p->rows, p->cap, sizeof *p->rows);
    }
    for (size_t i = 0; i < rows; i++) p->rows[p->count++] = values + i * stride;
}

/* ---- readers ---- */

static void copy_columns(ChangeReader *r) {
    r->columns = x_calloc(r->count, sizeof *r->columns);
    for (size_t i = 0; i < r->meta_count; i++) r->columns[i] = sql_text_meta_column((int)i);
    memcpy(r->columns + r->meta_count, r->schema->columns, r->schema->column_count * sizeof *r->columns);
}

/* Before the first page: half of what is bound, and the values themselves. */
static size_t first_estimate(const ChangeReader *r) {
    size_t bytes = rowset_row_bytes(r->rowset) / 2 + r->count * sizeof(Value);
    return rowset_capacity(r->rowset) == 1 ? bytes + 8192 : bytes;
}

bool change_reader_new(const CatalogInstance *instance, const ChangeHow *how, OdbcDriverKind driver,
                       ChangeReader **ret, Err *e) {
    ChangeReader *r = x_calloc(1, sizeof *r);
    r->schema = schema_ref(instance->schema);
    r->name = str_dup(instance->name);
    r->object_id = instance->object_id;
    r->how = *how;
    r->has_command = instance->has_command && !how->uses_function;
    r->always_before = how->reads_before || r->schema->key_count == 0;
    r->meta_count = r->has_command ? SQL_TEXT_META_COUNT : SQL_TEXT_META_COUNT - 1;
    r->count = r->meta_count + r->schema->column_count;
    copy_columns(r);
    r->key_ordinal = x_calloc(r->schema->key_count + 1, sizeof *r->key_ordinal);
    for (size_t i = 0; i < r->schema->key_count; i++)
        r->key_ordinal[i] = instance->ordinal[r->schema->key[i]];
    r->ordinal = x_calloc(r->schema->column_count, sizeof *r->ordinal);
    memcpy(r->ordinal, instance->ordinal, r->schema->column_count * sizeof *r->ordinal);
    if (!rowset_new(r->schema->qualified, r->columns, r->count, driver, &r->rowset, e) ||
        !reread_new(instance, driver, &r->reread, e)) {
        change_reader_free(r);
        return false;
    }
    CLEANUP_FREE uint16_t *key = x_calloc(r->schema->key_count + 1, sizeof *key);
    for (size_t i = 0; i < r->schema->key_count; i++) key[i] = (uint16_t)(r->schema->key[i] + r->meta_count);
    rowset_set_key(r->rowset, key, r->schema->key_count);
    CLEANUP_FREE const MaskRule **masks = x_calloc(r->count, sizeof(MaskRule *));
    memcpy(masks + r->meta_count, instance->masks, r->schema->column_count * sizeof(MaskRule *));
    rowset_set_masks(r->rowset, masks);
    rowset_pass_unreadable(r->rowset);
    r->row_bytes = first_estimate(r);
    change_reader_begin(r);
    *ret = r;
    return true;
}

ChangeReader *change_reader_free(ChangeReader *r) {
    if (!r) return NULL;
    rowset_free(r->rowset);
    reread_free(r->reread);
    schema_unref(r->schema);
    free(r->name);
    free(r->columns);
    free(r->key_ordinal);
    free(r->ordinal);
    free(r);
    return NULL;
}

const Schema *change_reader_schema(const ChangeReader *r) {
    return r->schema;
}

int32_t change_reader_object(const ChangeReader *r) {
    return r->object_id;
}

Str change_reader_name(const ChangeReader *r) {
    return str_from(r->name);
}

void change_reader_begin(ChangeReader *r) {
    r->reads_before = r->always_before;
}

bool change_mask_has(Str mask, const uint16_t *ordinals, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t bit = ordinals[i] - 1u;
        if (bit / 8 < mask.n && (uint8_t)mask.p[mask.n - 1 - bit / 8] >> bit % 8 & 1) return true;
    }
    return false;
}

static bool changes_key(const ChangeReader *r, const Value *row) {
    if (row[SQL_TEXT_META_OPERATION].v.i != 4) return false;
    return change_mask_has(value_str(&row[SQL_TEXT_META_MASK]), r->key_ordinal, r->schema->key_count);
}

bool change_reader_sees_change(const ChangeReader *r, const ChangePage *p, size_t row) {
    const Value *mask = &p->rows[row][SQL_TEXT_META_MASK];
    return change_mask_has(value_str(mask), r->ordinal, r->schema->column_count);
}

/* What CDC doesn't carry is absent, not NULL: computed columns; (max) columns of a 3 unless changed; text,
 * ntext and image of a 1 and a 3. */
static void mark_absent(const ChangeReader *r, Value *row) {
    int64_t operation = row[SQL_TEXT_META_OPERATION].v.i;
    for (size_t i = 0; i < r->schema->column_count; i++) {
        const Column *c = &r->schema->columns[i];
        Value *v = &row[r->meta_count + i];
        if (!(v->flags & VALUE_NULL)) continue;
        bool is_old_lob = c->type == SQLTYPE_TEXT || c->type == SQLTYPE_NTEXT || c->type == SQLTYPE_IMAGE;
        if (c->is_computed || (operation == 3 && c->is_lob) || (operation == 1 && is_old_lob))
            v->flags |= VALUE_ABSENT;
    }
}

/* Of a row before a change the key is enough, where there is one. */
static void forget_old_marked(const ChangeReader *r, Value *row) {
    int64_t operation = row[SQL_TEXT_META_OPERATION].v.i;
    if (r->schema->key_count == 0 || operation == 2 || operation == 4) return;
    for (size_t i = r->meta_count; i < r->count; i++)
        if (value_is_unreadable(&row[i])) row[i] = value_unread();
}

static bool has_absent(const Schema *s) {
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].is_computed || s->columns[i].is_lob) return true;
    return false;
}

/* ---- reading a page ---- */

typedef struct PageRead {
    ChangeReader *r;
    Odbc *odbc;
    const Position *from;
    const Lsn *to;
    Lsn next; /* after from */
    size_t bytes, top;
    bool is_inside;   /* `from` is a change of a transaction whose rest is read */
    bool is_cut;      /* stopped before its end: it grew too large */
    bool wants_again; /* a key changed and before images weren't read */
    bool is_gone;
    bool is_out_of_range; /* the function says so */
} PageRead;

static OdbcParam page_param(const PageRead *q, SqlTextPageParam what, Arena *arena) {
    switch (what) {
    case SQL_TEXT_PAGE_TO: return odbc_bytes(q->to->b, LSN_BYTES);
    case SQL_TEXT_PAGE_LSN: return odbc_bytes(q->from->commit_lsn.b, LSN_BYTES);
    case SQL_TEXT_PAGE_NEXT_LSN: return odbc_bytes(q->next.b, LSN_BYTES);
    case SQL_TEXT_PAGE_SEQVAL: return odbc_bytes(q->from->seqval.b, LSN_BYTES);
    case SQL_TEXT_PAGE_COMMAND: return odbc_text(str_from(arena_printf(arena, "%d", q->from->command_id)));
    default: return odbc_text(str_from(arena_printf(arena, "%d", q->from->operation)));
    }
}

static bool run_page(PageRead *q, Err *e) {
    ChangeReader *r = q->r;
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(arena_done) Arena arena = {0};
    SqlTextPageParam what[SQL_TEXT_PAGE_MAX_PARAMS];
    OdbcParam params[SQL_TEXT_PAGE_MAX_PARAMS];
    SqlTextPage page = {.instance = str_from(r->name),
                        .columns = r->columns,
                        .order = rowset_order(r->rowset),
                        .count = r->count,
                        .has_command = r->has_command,
                        .reads_before = r->reads_before,
                        .uses_function = r->how.uses_function,
                        .skipped = r->how.skipped,
                        .is_inside = q->is_inside,
                        .has_no_command_yet = q->from->command_id == 0,
                        .top = q->top};
    size_t count = sql_text_page(&page, &sql, what);
    for (size_t i = 0; i < count; i++) params[i] = page_param(q, what[i], &arena);
    if (odbc_query(q->odbc, buf_text(&sql), params, count, e)) return true;
    int32_t native = odbc_last_native(q->odbc);
    q->is_gone = native == NO_SUCH_OBJECT;
    q->is_out_of_range = native == OUT_OF_RANGE;
    return q->is_gone || q->is_out_of_range || err_wrap(e, "change table of %s", r->name);
}

/* A row before a change that can't be read misses those values only, where the key says which row it is. */
static bool leaves_out(const ChangeReader *r, const Value *row) {
    int64_t operation = row[SQL_TEXT_META_OPERATION].v.i;
    for (size_t i = 0; i < r->schema->key_count; i++)
        if (value_is_absent(&row[r->meta_count + r->schema->key[i]])) return true;
    return r->schema->key_count == 0 || operation == 2 || operation == 4;
}

static void tell_left_out(const ChangeReader *r, const Odbc *odbc, const ChangePage *page) {
    char at[POSITION_TEXT_SIZE];
    if (odbc_unreadable(odbc) != UNREADABLE_WARN) return;
    for (size_t i = 0; i < page->left_out_count; i++) {
        const Position p = change_page_position(page, page->left_out[i].row);
        LOG_WARN("change_left_out", LOG_S("table", r->schema->qualified),
                 LOG_S("at", position_format(&p, at)), LOG_S("why", page->left_out[i].why),
                 LOG_S("next", "the target stays without it (event.processing.failure.handling.mode)"));
    }
}

static bool fetch_page(PageRead *q, ChangePage *page, Err *e) {
    ChangeReader *r = q->r;
    bool marks = has_absent(r->schema);
    if (!rowset_bind(r->rowset, q->odbc, &page->arena, e)) return false;
    for (;;) {
        Value *values;
        size_t rows;
        if (!rowset_fetch(r->rowset, &values, &rows, e)) return false;
        if (rows == 0) return true;
        for (size_t i = 0; i < rows; i++) {
            Value *row = values + i * r->count;
            if (!r->reads_before && changes_key(r, row)) {
                q->wants_again = true;
                return true;
            }
            if (marks) mark_absent(r, row);
            if (rowset_has_marked(r->rowset)) forget_old_marked(r, row);
            const char *why = rowset_unreadable(r->rowset, i);
            if (why && leaves_out(r, row)) page_leave_out(page, page->count + i, why);
        }
        page_add(page, values, rows, r->count);
        if (change_page_bytes(page) > 2 * q->bytes && page->count >= MIN_PAGE_ROWS && page->count < q->top) {
            q->is_cut = true;
            return true;
        }
    }
}

/* The range's end is beyond what the function knows of: another replica, which lags. Where its beginning is
 * gone start_lsn tells, and the caller finds the gap. */
static bool is_not_there_yet(const PageRead *q, Err *e) {
    return err_set(e, ERR_IO, true, "change function of %s: it has no changes up to the window's end yet",
                   q->r->name);
}

/* The instance's start_lsn: the batch's second result, or asked for when the page was cut. */
static bool read_start(PageRead *q, Lsn *ret, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcCells t;
    bool more = false;
    if (q->is_cut || q->is_out_of_range) {
        OdbcParam name = odbc_text(str_from(q->r->name));
        if (!odbc_cells(q->odbc, &arena, "SELECT start_lsn FROM cdc.change_tables WHERE capture_instance = ?",
                        &name, 1, &t, e))
            return false;
    } else {
        if (!odbc_next_result(q->odbc, &more, e)) return false;
        if (!more) return err_set(e, ERR_INTERNAL, false, "the page's second result is missing");
        if (!odbc_read_cells(q->odbc, &arena, &t, e)) return false;
        odbc_close_query(q->odbc);
    }
    *ret = t.rows ? odbc_cell_lsn(&t, 0, 0) : (Lsn){{0}};
    const Lsn *first = q->is_inside ? &q->from->commit_lsn : &q->next;
    return !q->is_out_of_range || !t.rows || lsn_cmp(ret, first) > 0 || is_not_there_yet(q, e);
}

static void note_size(ChangeReader *r, const ChangePage *page) {
    if (page->count < MIN_PAGE_ROWS) return;
    size_t seen = change_page_bytes(page) / page->count + 1;
    r->row_bytes = seen > r->row_bytes ? seen : (3 * r->row_bytes + seen) / 4;
}

static size_t page_rows(const ChangeReader *r, size_t bytes) {
    size_t top = bytes / r->row_bytes;
    if (top < MIN_PAGE_ROWS) return MIN_PAGE_ROWS;
    return top > MAX_PAGE_ROWS ? MAX_PAGE_ROWS : top;
}

/* A 3 at the end of a page that has more behind it is read again with its 4. */
static void drop_half_pair(ChangePage *page, bool is_last) {
    if (!is_last && page->count && change_page_operation(page, page->count - 1) == 3) page->count--;
}

static ChangePageResult page_result(const PageRead *q, ChangePage *page, const Lsn *start) {
    bool is_end = q->is_gone || (!q->is_cut && page->count < q->top); /* of what was asked for */
    drop_half_pair(page, is_end);
    ChangePageResult result = {
        .page = page, .start_lsn = *start, .is_last = q->is_gone || (is_end && !q->is_inside)};
    if (is_end) result.upto = position_end_of(q->is_inside ? &q->from->commit_lsn : q->to);
    else result.upto = change_page_position(page, page->count - 1);
    return result;
}

static int by_row(const void *a, const void *b) {
    const LeftOut *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* The new rows of the page, to be completed by what the change table doesn't carry. */
static bool reread_page(ChangeReader *r, Odbc *odbc, ChangePage *page, Err *e) {
    if (!r->reread || page->count == 0) return true;
    CLEANUP_FREE RereadRow *rows = x_calloc(page->count, sizeof *rows);
    CLEANUP_FREE size_t *places = x_calloc(page->count, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        uint8_t operation = change_page_operation(page, i);
        if ((operation != 2 && operation != 4) || change_page_is_left_out(page, i)) continue;
        places[count] = i;
        rows[count++].values = page->rows[i] + page->meta_count;
    }
    if (!reread_rows(r->reread, odbc, rows, count, &page->arena, e)) return false;
    size_t before = page->left_out_count;
    for (size_t i = 0; i < count; i++)
        if (rows[i].unreadable) page_leave_out(page, places[i], rows[i].unreadable);
    if (page->left_out_count > before)
        qsort(page->left_out, page->left_out_count, sizeof *page->left_out, by_row);
    return true;
}

bool change_reader_page(ChangeReader *r, Odbc *odbc, const Position *from, const Lsn *to, size_t bytes,
                        ChangePageResult *ret, Err *e) {
    for (;;) {
        PageRead q = {.r = r,
                      .odbc = odbc,
                      .from = from,
                      .to = to,
                      .bytes = bytes,
                      .top = page_rows(r, bytes),
                      .is_inside = !position_is_end(from) && !position_is_zero(from)};
        if (!lsn_next(&from->commit_lsn, &q.next, e)) return false;
        ChangePage *page = page_new(r);
        Lsn start = {{0}};
        bool ok = run_page(&q, e) && (q.is_gone || q.is_out_of_range || fetch_page(&q, page, e)) &&
                  (q.is_gone || q.wants_again || read_start(&q, &start, e));
        odbc_close_query(odbc);
        ok = ok && (q.is_gone || q.wants_again || reread_page(r, odbc, page, e));
        if (ok && !q.wants_again) {
            note_size(r, page);
            *ret = page_result(&q, page, &start);
            ret->flaws.left_out = page->left_out_count;
            tell_left_out(r, odbc, page);
            ret->flaws.replaced = rowset_replaced(r->rowset) - r->replaced;
            r->replaced += ret->flaws.replaced;
            return true;
        }
        change_page_unref(page);
        if (!ok) return false;
        r->reads_before = true;
    }
}
