/*
 * SELECT: bind, lock, stream. Rows go from sqlite3_step straight to the client; nothing is gathered.
 *
 * READ COMMITTED waits for rows that another transaction has changed. Most of the time no one holds any, and
 * the query reads the tables as they are. If a writer is in a table (its lock tells), the query is bound
 * again with standin_lock(table, rowid) in its source: the function looks at each row's lock before the row
 * is used. A busy row met before anything was sent makes the query wait and start over, and so see the row's
 * new state; met later, it is waited for in place. REPEATABLE READ and UPDLOCK keep what the function takes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"

enum { CANCEL_EVERY_ROWS = 512, ASIDE_ROWS = 10000 };

/* ---- locks */

typedef struct TableNeed { /* what one reference asks for */
    LockMode table;
    LockDuration duration;
    bool has_filter;
    RowFilter filter;
} TableNeed;

static LockDuration kept(const Session *s) {
    return txn_count(s->txn) ? LOCK_FOR_TRANSACTION : LOCK_FOR_STATEMENT;
}

static TxnIsolation level_of(Session *s, const Database *d, uint32_t hints) {
    TxnIsolation level = txn_isolation(s->txn);
    if (hints & HINT_NOLOCK) level = TXN_READ_UNCOMMITTED;
    if (hints & HINT_HOLDLOCK) level = TXN_SERIALIZABLE;
    if (hints & HINT_REPEATABLEREAD) level = TXN_REPEATABLE_READ;
    if (hints & (HINT_READCOMMITTED | HINT_READCOMMITTEDLOCK)) level = TXN_READ_COMMITTED;
    if (hints & HINT_SNAPSHOT) level = TXN_SNAPSHOT;
    bool is_versioned = d->is_read_committed_snapshot_on && !(hints & HINT_READCOMMITTEDLOCK);
    return level == TXN_READ_COMMITTED && is_versioned ? TXN_SNAPSHOT : level;
}

static bool check_readpast(uint32_t hints, TxnIsolation level, SqlError *e) {
    bool is_wrong = level == TXN_READ_UNCOMMITTED || level == TXN_SERIALIZABLE;
    if (!(hints & HINT_READPAST) || !is_wrong) return true;
    return sql_error_set(e, 650, 16, 1,
                         "You can only specify the READPAST lock in the READ COMMITTED or REPEATABLE READ "
                         "isolation levels.");
}

/* By a hint the table is locked as a whole; false: by none. */
static bool need_whole(const Session *s, TxnIsolation level, uint32_t hints, TableNeed *n) {
    bool is_table = (hints & HINT_TABLOCK) != 0, is_update = (hints & HINT_UPDLOCK) != 0;
    bool is_held = level == TXN_SERIALIZABLE || level == TXN_REPEATABLE_READ;
    n->duration = kept(s);
    if ((hints & HINT_TABLOCKX) || (is_table && (hints & HINT_XLOCK))) n->table = LOCK_X;
    else if (is_table && is_update) n->table = LOCK_U;
    else if (level == TXN_SERIALIZABLE && (hints & (HINT_UPDLOCK | HINT_XLOCK))) n->table = LOCK_SIX;
    else if (level == TXN_SERIALIZABLE) n->table = LOCK_S;
    else if (is_table && level != TXN_READ_UNCOMMITTED) n->table = LOCK_S;
    else return false;
    if (n->table == LOCK_S && !is_held) n->duration = LOCK_FOR_STATEMENT;
    return true;
}

static TableNeed need_of(const Session *s, const Table *t, TxnIsolation level, uint32_t hints) {
    TableNeed n = {.table = LOCK_SCH_S,
                   .duration = LOCK_FOR_STATEMENT,
                   .filter = {.object_id = t->object_id, .rows = TXN_ROWS_LOCKED, .mode = LOCK_S}};
    n.filter.skips_busy = (hints & HINT_READPAST) != 0;
    n.filter.is_nowait = (hints & HINT_NOWAIT) != 0;
    if (need_whole(s, level, hints, &n)) return n;
    n.duration = LOCK_FOR_STATEMENT;
    if (hints & (HINT_UPDLOCK | HINT_XLOCK)) {
        n.table = LOCK_IX;
        n.duration = kept(s);
        n.has_filter = n.filter.keeps = true;
        n.filter.mode = hints & HINT_XLOCK ? LOCK_X : LOCK_U;
    } else if (level == TXN_REPEATABLE_READ) {
        n.table = LOCK_IS;
        n.duration = kept(s);
        n.has_filter = n.filter.keeps = txn_count(s->txn) > 0;
    } else if (level == TXN_READ_COMMITTED) {
        n.table = LOCK_IS;
    }
    return n;
}

/* The target of UPDATE and DELETE: row_writer.h locks what is changed; what is read on the way is waited for,
 * as by SQL Server's update locks, which are given back at once where nothing is changed. */
static TableNeed need_of_target(const Session *s, const Table *t, TxnIsolation level, uint32_t hints) {
    TableNeed n = {.table = LOCK_SCH_S,
                   .duration = kept(s),
                   .filter = {.object_id = t->object_id, .rows = TXN_ROWS_LOCKED, .mode = LOCK_U}};
    n.filter.skips_busy = (hints & HINT_READPAST) != 0;
    n.filter.is_nowait = (hints & HINT_NOWAIT) != 0;
    if (hints & (HINT_TABLOCK | HINT_TABLOCKX)) n.table = LOCK_X;
    else if (level == TXN_SERIALIZABLE) n.table = LOCK_SIX;
    return n;
}

static bool take_table(Session *s, const Table *t, const TableNeed *n, uint32_t hints, SqlError *e) {
    int64_t timeout_ms = txn_lock_timeout_ms(s->txn);
    if (hints & HINT_NOWAIT) txn_set_lock_timeout_ms(s->txn, 0);
    bool ok = txn_lock(s->txn, (LockResource){.object_id = t->object_id}, n->table, n->duration, e);
    txn_set_lock_timeout_ms(s->txn, timeout_ms);
    return ok;
}

static bool has_filter(const RowFilter *filters, size_t count, int32_t object_id) {
    for (size_t i = 0; i < count; i++)
        if (filters[i].object_id == object_id) return true;
    return false;
}

static size_t user_tables(const BoundQuery *q) {
    size_t count = 0;
    for (size_t i = 0; i < q->ref_count; i++) {
        const Table *t = host_table(q->refs[i].relation);
        count += t && t->kind == TABLE_USER;
    }
    return count;
}

/* Must rows be looked at one by one, and which? A join doesn't wait for others' new rows: SQLite reads them
 * all there, also those that the join doesn't come by. */
static bool choose_rows(const Session *s, const BoundQuery *q, const Table *t, TxnIsolation level,
                        TableNeed *n) {
    bool others_write = txn_others_write(s->txn, t);
    if (n->table == LOCK_SCH_S && level == TXN_READ_UNCOMMITTED) {
        n->filter.rows = TXN_ROWS_DIRTY;
        return others_write;
    }
    if (others_write && user_tables(q) == 1) n->filter.rows = TXN_ROWS_LOCKED_NEW;
    bool waits = n->table == LOCK_IS || (n->table == LOCK_SCH_S && n->filter.mode == LOCK_U);
    return n->has_filter || (waits && (others_write || lock_has_writers(txn_owner(s->txn), t->object_id)));
}

static bool same_filters(const Session *s, const RowFilter *filters, size_t count) {
    if (count != s->filter_count) return false;
    for (size_t i = 0; i < count; i++)
        if (filters[i].object_id != s->filters[i].object_id || filters[i].rows != s->filters[i].rows)
            return false;
    return true;
}

static bool lock_reference(Session *s, const BoundQuery *q, const BoundRef *ref, const Table *t,
                           bool is_target, TableNeed *n, bool *ret_looks, SqlError *e) {
    const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
    if (!d || !txn_read_start(s->txn, d, t, e)) return false;
    TxnIsolation level = level_of(s, d, ref->hints);
    if (!check_readpast(ref->hints, level, e)) return false;
    *n = is_target ? need_of_target(s, t, level, ref->hints) : need_of(s, t, level, ref->hints);
    if (!take_table(s, t, n, ref->hints, e)) return false;
    bool is_versioned = txn_isolation(s->txn) == TXN_SNAPSHOT && level == TXN_SNAPSHOT;
    *ret_looks = !(is_target && is_versioned) && choose_rows(s, q, t, level, n);
    return true;
}

bool query_lock(Session *s, const BoundQuery *q, const Table *target, bool changes_target, bool *ret_rebind,
                SqlError *e) {
    RowFilter filters[SESSION_MAX_FILTERS];
    size_t count = 0;
    for (size_t i = 0; i < q->ref_count; i++) {
        const BoundRef *ref = &q->refs[i];
        const Table *t = host_table(ref->relation);
        bool looks;
        TableNeed n;
        if (!t || t->kind != TABLE_USER || (t == target && !changes_target)) continue;
        if (!lock_reference(s, q, ref, t, t == target, &n, &looks, e)) return false;
        if (looks && count < SESSION_MAX_FILTERS && !has_filter(filters, count, t->object_id))
            filters[count++] = n.filter;
    }
    *ret_rebind = !same_filters(s, filters, count);
    memcpy(s->filters, filters, count * sizeof *filters);
    s->filter_count = count;
    return true;
}

static const RowFilter *filter_of(const Session *s, int32_t object_id) {
    for (size_t i = 0; i < s->filter_count; i++)
        if (s->filters[i].object_id == object_id) return &s->filters[i];
    return NULL;
}

/* A busy row, met while nothing is lost by starting over: the caller waits for it and does. */
static void want(Session *s, sqlite3_context *c, LockResource r, const RowFilter *f) {
    s->has_wanted = true;
    s->wanted = r;
    s->wanted_mode = f->mode;
    if (txn_is_writing(s->txn)) /* the reading part of a change: that starts over by itself */
        txn_want(s->txn, r, f->mode, f->keeps ? kept(s) : LOCK_FOR_STATEMENT);
    sqlite3_result_error(c, "wait", -1);
}

/* standin_lock(object_id, rowid, is_new): 1 = use the row. A new one is another session's, waited for but
 * never used: once it may be seen it is in the table. */
void query_lock_function(sqlite3_context *c, int argc, sqlite3_value **argv) {
    Session *s = sqlite3_user_data(c);
    (void)argc;
    const RowFilter *f = filter_of(s, sqlite3_value_int(argv[0]));
    bool is_new = sqlite3_value_int(argv[2]) != 0;
    sqlite3_result_int(c, !is_new);
    if (!f) return;
    LockResource r = {
        .object_id = f->object_id, .space = LOCK_ROW_SPACE, .key = sqlite3_value_int64(argv[1])};
    bool keeps = f->keeps && !is_new;
    LockDuration duration = keeps ? kept(s) : LOCK_FOR_STATEMENT;
    bool is_free = keeps ? lock_take(txn_owner(s->txn), r, f->mode, duration, 0, NULL, NULL) == LOCK_GRANTED
                         : !lock_would_wait(txn_owner(s->txn), r, f->mode);
    if (is_free) return;
    if (f->skips_busy) {
        sqlite3_result_int(c, 0);
        return;
    }
    if (!f->is_nowait && (txn_is_writing(s->txn) || !s->has_sent_row)) {
        want(s, c, r, f);
        return;
    }
    if (f->is_nowait) (void)lock_error(txn_owner(s->txn), LOCK_TIMEOUT, &s->function_error);
    else if (txn_lock(s->txn, r, f->mode, duration, &s->function_error)) return;
    s->has_function_error = true;
    sqlite3_result_error(c, "raised", -1);
}

/* ---- rows */

bool query_send_columns(Session *s, const BoundColumn *columns, size_t count) {
    OutColumn *shown = ARENA_ARRAY(&s->scratch, OutColumn, count);
    for (size_t i = 0; i < count; i++)
        shown[i] = (OutColumn){.name = columns[i].name,
                               .type = columns[i].type,
                               .is_nullable = columns[i].is_nullable,
                               .is_identity = columns[i].is_identity,
                               .is_computed = columns[i].is_computed,
                               .is_updatable = columns[i].is_updatable,
                               .table = columns[i].table};
    if (!s->out->columns(s->out, shown, count)) s->is_stopped = true;
    return !s->is_stopped;
}

static bool stopped(Session *s, SqlError *e) {
    s->is_stopped = true;
    e->number = SESSION_STOPPED;
    return false;
}

static bool take_row(Session *s, const BoundQuery *q, sqlite3_stmt *st, Value *row, SqlError *e) {
    functions_row_values(st, q->column_count, row);
    for (size_t i = 0; q->assigns && i < q->column_count; i++) {
        Variable *v = scope_find(s, q->columns[i].variable);
        if (v) variable_set(v, row[i]);
    }
    if (q->assigns) return true;
    s->has_sent_row = true;
    return s->out->row(s->out, row) || stopped(s, e);
}

/* While others write to a table, the first rows are set aside: as long as none is sent, a busy row makes the
 * query start over and see what has become of it. */
static int set_aside(Session *s, const BoundQuery *q, sqlite3_stmt *st, RowBuffer *aside, Value *row,
                     SqlError *e) {
    int rc = plan_step(s, st, e);
    while (rc == 1 && aside && rowbuffer_count(aside) < ASIDE_ROWS) {
        functions_row_values(st, q->column_count, row);
        if (!rowbuffer_add(aside, row, e)) return -1;
        rc = plan_step(s, st, e);
    }
    return rc;
}

static bool send_aside(Session *s, RowBuffer *aside, Value *row, uint64_t limit, uint64_t *rows,
                       SqlError *e) {
    int rc = 0;
    rowbuffer_rewind(aside);
    while (*rows < limit && (rc = rowbuffer_next(aside, row, e)) == 1) {
        ++*rows;
        if (!s->out->row(s->out, row)) return stopped(s, e);
    }
    s->has_sent_row = *rows > 0;
    return rc >= 0;
}

static bool stream_from(Session *s, const BoundQuery *q, sqlite3_stmt *st, RowBuffer *aside,
                        uint64_t *ret_rows, SqlError *e) {
    Value *row = ARENA_ARRAY(&s->scratch, Value, q->column_count);
    uint64_t rows = 0, limit = s->options.rowcount > 0 ? (uint64_t)s->options.rowcount : UINT64_MAX;
    int rc = set_aside(s, q, st, aside, row, e); /* the metadata waits: a busy row starts the query over */
    bool ok = rc >= 0 && (q->assigns || query_send_columns(s, q->columns, q->column_count) || stopped(s, e));
    if (ok && aside) ok = send_aside(s, aside, row, limit, &rows, e);
    while (ok && rc == 1 && rows < limit) {
        ok = take_row(s, q, st, row, e);
        if (ok && ++rows % CANCEL_EVERY_ROWS == 0 && s->out->is_cancelled(s->out)) ok = stopped(s, e);
        if (ok && rows < limit) rc = plan_step(s, st, e);
    }
    *ret_rows = rows;
    return ok && rc >= 0;
}

static bool waits_for_rows(const Session *s) {
    for (size_t i = 0; i < s->filter_count; i++)
        if (s->filters[i].rows != TXN_ROWS_DIRTY) return true;
    return false;
}

static bool stream(Session *s, const BoundQuery *q, uint64_t *ret_rows, SqlError *e) {
    sqlite3_stmt *st = plan_open(s, q, NULL, NULL, e);
    if (!st) return false;
    RowBuffer *aside = waits_for_rows(s) && !q->assigns ? rowbuffer_new(q->column_count) : NULL;
    s->has_sent_row = false;
    bool ok = stream_from(s, q, st, aside, ret_rows, e);
    plan_close(s, st);
    if (aside) (void)rowbuffer_free(aside);
    return ok;
}

/* ---- the statement */

static bool may_read(Session *s, const BoundQuery *q, SqlError *e) {
    for (size_t i = 0; i < q->ref_count; i++)
        if (q->refs[i].access == BIND_READ &&
            !host_may_use(s, q->refs[i].relation, PERMISSION_SELECT, q->refs[i].used, e))
            return false;
    return true;
}

static bool select_once(Session *s, Batch *b, const AstStmt *st, bool keep, uint64_t *ret_rows, SqlError *e) {
    bool rebind = true, ok = true;
    while (ok && rebind) {
        Plan *p = plan_get(s, b, st, PLAN_SELECT, keep, e);
        if (!p) return false;
        const BoundQuery *q = &p->u.query;
        ok = may_read(s, q, e);
        if (ok && s->options.fmtonly) {
            rebind = false;
            ok = q->assigns || query_send_columns(s, q->columns, q->column_count) || stopped(s, e);
        } else if (ok) {
            ok = query_lock(s, q, /* target= */ NULL, false, &rebind, e);
            rebind = rebind || p->catalog_version != catalog_version(server_catalog(s->server));
            if (ok && !rebind) ok = stream(s, q, ret_rows, e);
        }
        plan_release(p);
    }
    return ok;
}

static bool has_no_columns_to_send(const AstStmt *st) {
    const AstQuery *q = st->u.query.query;
    return q->kind == QUERY_SELECT && q->u.select.item_count && q->u.select.items[0].kind == ITEM_ASSIGN;
}

bool query_select(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e) {
    const AstQuery *q = st->u.query.query;
    if (q->kind == QUERY_SELECT && q->u.select.into.name.n) return query_select_into(s, st, e);
    uint64_t rows = 0;
    s->filter_count = 0;
    bool ok;
    while (!(ok = select_once(s, b, st, keep, &rows, e)) && e->number == TXN_MUST_WAIT) {
        s->has_wanted = false;
        const RowFilter *f = filter_of(s, s->wanted.object_id);
        LockDuration duration = f && f->keeps ? kept(s) : LOCK_FOR_STATEMENT;
        if (!txn_lock(s->txn, s->wanted, s->wanted_mode, duration, e)) break;
    }
    s->has_wanted = false;
    s->filter_count = 0;
    if (!ok) return false;
    bool is_counted = !s->options.fmtonly && !s->options.nocount;
    s->rowcount = (int64_t)rows;
    if (has_no_columns_to_send(st)) is_counted = false;
    return runner_done(s, OUT_CMD_SELECT, is_counted, rows) || stopped(s, e);
}
