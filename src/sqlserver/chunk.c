/*
 * A chunk is `SELECT TOP (n) … WHERE key > last ORDER BY key`: SQL Server orders and compares, in the
 * column's own type and collation; here the last row's key is only carried, as text. n aims at one batch of
 * part_bytes; when the rows turn out larger the chunk simply ends early, at the last row read. So a chunk of
 * a table with a paging key is always one batch. A table without one is read whole, in parts.
 */
#include "sqlserver/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/handover.h"
#include "sqlserver/key_text.h"
#include "sqlserver/row_flaws.h"
#include "sqlserver/rowset.h"
#include "sqlserver/sql_text.h"

/* SQL Server's numbers. */
enum { NO_SUCH_COLUMN = 207, NO_SUCH_OBJECT = 208, CHANGED_UNDER_SNAPSHOT = 3961 };

ChunkJob *chunk_job_new(const CatalogInstance *instance, const CatalogTable *table) {
    ChunkJob *job = x_calloc(1, sizeof *job);
    size_t columns = instance->schema->column_count;
    job->table = instance->table;
    job->instance = instance->object_id;
    job->schema = schema_ref(instance->schema);
    job->is_gone = x_calloc(columns, sizeof *job->is_gone);
    memcpy(job->is_gone, instance->is_gone, columns * sizeof *job->is_gone);
    job->masks = x_calloc(columns, sizeof(MaskRule *));
    memcpy(job->masks, instance->masks, columns * sizeof(MaskRule *));
    if (instance->paging) {
        job->paging_count = table->paging.count;
        job->paging = x_calloc(job->paging_count, sizeof *job->paging);
        memcpy(job->paging, instance->paging, job->paging_count * sizeof *job->paging);
    }
    return job;
}

ChunkJob *chunk_job_free(ChunkJob *job) {
    if (!job) return NULL;
    schema_unref(job->schema);
    free(job->is_gone);
    free(job->masks);
    free(job->paging);
    free(job->lower_key);
    free(job->select);
    free(job->filter);
    free(job);
    return NULL;
}

/* A chunk being read. */
typedef struct ChunkRead {
    const ChunkJob *job;
    const ChunkContext *context;
    Rowset *rowset;
    Arena arena; /* keys and markers */
    Column *key; /* of the paging key */
    Batch *part;
    Position watermark;
    bool is_first_part;
    uint64_t rows;
    RowFlaws flaws;
} ChunkRead;

static Batch *begin_part(ChunkRead *c) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_ref(c->job->schema);
    b->chunk = c->job->chunk;
    b->chunk.watermark = c->watermark;
    b->chunk.is_first_part = c->is_first_part;
    b->chunk.is_last_part = b->chunk.is_last_chunk = false;
    b->chunk.upper_key = (Str){0};
    b->read_us = clock_wall_us();
    c->is_first_part = false;
    return b;
}

static bool put_part(ChunkRead *c, Err *e) {
    return c->context->put(c->context->self, TAKE(c->part), e);
}

static bool run_query(ChunkRead *c, Err *e) {
    const ChunkJob *job = c->job;
    CLEANUP(buf_done) Buf sql = {0};
    OdbcParam key[ODBC_MAX_PARAMS / 2], params[ODBC_MAX_PARAMS];
    size_t count = 0;
    if (job->lower_key) {
        if (!key_text_parse(str_from(job->lower_key), &c->arena, key, job->paging_count, e)) return false;
        count = sql_text_key_params(job->paging_count);
        for (size_t i = 0; i < count; i++) params[i] = key[sql_text_key_param(i, job->paging_count)];
    }
    SqlTextChunk text = {.schema = job->schema->schema,
                         .table = job->schema->table,
                         .select = job->select,
                         .columns = job->schema->columns,
                         .order = rowset_order(c->rowset),
                         .count = job->schema->column_count,
                         .is_gone = job->is_gone,
                         .key = c->key,
                         .key_count = job->paging_count,
                         .filter = str_from(job->filter),
                         .has_lower = job->lower_key != NULL,
                         .top = job->paging ? job->top : 0};
    sql_text_chunk(&text, &sql);
    if (odbc_query(c->context->odbc, buf_text(&sql), params, count, e)) return true;
    /* what the catalog had is no more: it has to be read again */
    int32_t native = odbc_last_native(c->context->odbc);
    if (native == NO_SUCH_OBJECT || native == NO_SUCH_COLUMN || native == CHANGED_UNDER_SNAPSHOT)
        e->retriable = true;
    return false;
}

/* A key with U+FFFD may stand for one with an unpaired surrogate: paging from it could skip rows. */
static bool check_key(const ChunkRead *c, const OdbcParam *key, Err *e) {
    if (!rowset_replaced(c->rowset)) return true;
    for (size_t i = 0; i < c->job->paging_count; i++)
        if (key[i].kind == ODBC_PARAM_TEXT && key[i].value.n &&
            memmem(key[i].value.p, key[i].value.n, "\xef\xbf\xbd", 3))
            return err_set(e, ERR_DATA, false,
                           "column " STR_FMT ": a key value isn't valid UTF-16 (unpaired surrogate)",
                           STR_ARG(c->key[i].name));
    return true;
}

/* Its key is among what couldn't be read. */
static const Column *unread_key(const ChunkRead *c, const Value *row) {
    for (size_t i = 0; i < c->job->paging_count; i++)
        if (row[c->job->paging[i]].flags & (VALUE_ABSENT | VALUE_UNREADABLE)) return &c->key[i];
    return NULL;
}

static bool set_upper_key(ChunkRead *c, const Value *last, Err *e) {
    const Column *unread = last ? unread_key(c, last) : NULL;
    if (unread && !c->part->chunk.is_last_chunk)
        return err_set(e, ERR_DATA, false,
                       "column " STR_FMT ": the key that the copy would go on from can't be read",
                       STR_ARG(unread->name));
    if (!last || unread) {
        c->part->chunk.upper_key = arena_str(&c->part->arena, str_from(c->job->lower_key));
        return true;
    }
    OdbcParam key[ODBC_MAX_PARAMS / 2];
    for (size_t i = 0; i < c->job->paging_count; i++)
        if (!key_text_param(&c->key[i], &last[c->job->paging[i]], &c->arena, &key[i], e)) return false;
    if (!check_key(c, key, e)) return false;
    CLEANUP(buf_done) Buf text = {0};
    key_text_write(key, c->job->paging_count, &text);
    c->part->chunk.upper_key = arena_str(&c->part->arena, buf_view(&text));
    return true;
}

static void tell_left_out(ChunkRead *c, const char *why) {
    c->flaws.left_out++;
    if (odbc_unreadable(c->context->odbc) == UNREADABLE_WARN)
        LOG_WARN("row_left_out", LOG_S("table", c->job->schema->qualified), LOG_S("why", why),
                 LOG_S("next", "the copy goes on without it (event.processing.failure.handling.mode)"));
}

static void add_rows(ChunkRead *c, const Value *values, size_t rows) {
    size_t columns = c->job->schema->column_count;
    c->rows += rows; /* of the statement: one that is left out ends no chunk */
    for (size_t i = 0; i < rows; i++) {
        const char *why = rowset_unreadable(c->rowset, i);
        if (why) {
            tell_left_out(c, why);
            continue;
        }
        Change *change = batch_add(c->part);
        change->op = OP_READ;
        change->schema = c->job->schema;
        change->after = values + i * columns;
        change->position = c->watermark;
    }
}

/* Read to the end, or until a chunk with a paging key has enough. *ret_last: the last row, in the open part's
 * arena. */
static bool fetch_rows(ChunkRead *c, const Value **ret_last, bool *ret_is_end, Err *e) {
    const ChunkJob *job = c->job;
    for (;;) {
        Value *values;
        size_t rows;
        if (__atomic_load_n(c->context->is_stopping, __ATOMIC_RELAXED))
            return err_set(e, ERR_CANCELLED, false, "stopping");
        if (!rowset_fetch(c->rowset, &values, &rows, e)) return false;
        *ret_is_end = rows == 0;
        if (rows == 0) return true;
        add_rows(c, values, rows);
        *ret_last = rowset_last(c->rowset);
        if (batch_bytes(c->part) < (job->paging ? 2 : 1) * job->part_bytes) continue;
        if (job->paging) return true;
        if (!put_part(c, e)) return false;
        c->part = begin_part(c);
        rowset_into(c->rowset, &c->part->arena);
    }
}

static bool read_parts(ChunkRead *c, Err *e) {
    const ChunkJob *job = c->job;
    const Value *last = NULL;
    bool is_end = false;
    if (!run_query(c, e)) return err_wrap(e, "table %s", job->schema->qualified);
    c->part = begin_part(c);
    if (!rowset_bind(c->rowset, c->context->odbc, &c->part->arena, e) || !fetch_rows(c, &last, &is_end, e))
        return false;
    odbc_close_query(c->context->odbc);
    c->part->chunk.is_last_part = true;
    c->part->chunk.is_last_chunk = is_end && (!job->paging || c->rows < job->top);
    if (job->paging && !set_upper_key(c, last, e)) return err_wrap(e, "table %s", job->schema->qualified);
    return put_part(c, e);
}

/* Under the lock: is the job's instance the newest of the table that has begun? One begins when the capture
 * job sets its start_lsn, which may lie above the captured max. */
static bool is_newest(ChunkRead *c, bool *ret, Err *e) {
    OdbcCells t;
    OdbcParam instance = odbc_text(str_from(arena_printf(&c->arena, "%d", c->job->instance)));
    if (!odbc_cells(c->context->odbc, &c->arena,
                    "SELECT TOP (1) n.object_id FROM cdc.change_tables n JOIN cdc.change_tables o "
                    "ON n.source_object_id = o.source_object_id WHERE o.object_id = CAST(? AS int) "
                    "AND n.start_lsn > 0x00000000000000000000 "
                    "ORDER BY n.create_date DESC, n.object_id DESC",
                    &instance, 1, &t, e))
        return err_wrap(e, "reading cdc.change_tables");
    *ret = t.rows && odbc_cell_int(&t, 0, 0, 0) == c->job->instance;
    return true;
}

/* The rows hold all that was captured, and the capture job may have been further than its last captured
 * commit: the plan knows (its watermark). */
static Position later_watermark(const Lsn *captured, const Position *planned) {
    Position p = position_end_of(captured);
    return position_cmp(&p, planned) < 0 ? *planned : p;
}

static bool read_exact(ChunkRead *c, bool *ret_is_dropped, Err *e) {
    const ChunkContext *context = c->context;
    Lsn watermark;
    HandoverSpec spec = {.target = context->target,
                         .schema = c->job->schema->schema,
                         .table = c->job->schema->table,
                         .uses_snapshot = context->uses_snapshot,
                         .lock_timeout_ms = context->lock_timeout_ms};
    if (!handover_begin(context->odbc, &spec, &watermark, e)) return false;
    c->watermark = later_watermark(&watermark, &c->job->chunk.watermark);
    bool is_current = false;
    bool ok = is_newest(c, &is_current, e);
    *ret_is_dropped = ok && !is_current;
    if (ok && (!is_current || read_parts(c, e))) return handover_end(context->odbc, e);
    Err ignored;
    (void)!handover_end(context->odbc, &ignored);
    return false;
}

bool chunk_read(const ChunkJob *job, const ChunkContext *context, bool *ret_is_dropped, Err *e) {
    *ret_is_dropped = false;
    if (job->paging_count > ODBC_MAX_PARAMS / 2)
        return err_set(e, ERR_INVALID, false, "table %s: a key of %zu columns is too wide",
                       job->schema->qualified, job->paging_count);
    ChunkRead c = {.job = job, .context = context, .watermark = job->chunk.watermark, .is_first_part = true};
    c.key = ARENA_ARRAY(&c.arena, Column, job->paging_count + 1);
    for (size_t i = 0; i < job->paging_count; i++) c.key[i] = job->schema->columns[job->paging[i]];
    bool ok = rowset_new(job->schema->qualified, job->schema->columns, job->schema->column_count,
                         odbc_driver(context->odbc), &c.rowset, e);
    if (ok) {
        rowset_set_key(c.rowset, job->schema->key, job->schema->key_count);
        rowset_set_masks(c.rowset, job->masks);
        rowset_pass_unreadable(c.rowset);
    }
    ok = ok && (job->chunk.is_exact ? read_exact(&c, ret_is_dropped, e) : read_parts(&c, e));
    if (!ok) odbc_close_query(context->odbc);
    if (c.rowset) c.flaws.replaced = rowset_replaced(c.rowset);
    row_flaws_count(&c.flaws, context->metrics, job->schema->qualified);
    batch_free(c.part);
    rowset_free(c.rowset);
    arena_done(&c.arena);
    return ok;
}
