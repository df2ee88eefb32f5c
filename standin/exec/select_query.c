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
#include "standin/store/txn_internal.h"

enum { CANCEL_EVERY_ROWS = 512 };

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
    if (hints & HINT_NOLOCK) return TXN_READ_UNCOMMITTED;
    if (hints & HINT_HOLDLOCK) return TXN_SERIALIZABLE;
    if (hints & HINT_REPEATABLEREAD) return TXN_REPEATABLE_READ;
    TxnIsolation level = txn_isolation(s->txn);
    bool is_versioned = d->is_read_committed_snapshot_on && !(hints & HINT_READCOMMITTED);
    if (level == TXN_READ_COMMITTED && is_versioned) return TXN_SNAPSHOT;
    return level;
}

static TableNeed need_of(Session *s, const Table *t, const Database *d, uint32_t hints) {
    TableNeed n = {
        .table = LOCK_SCH_S, .duration = LOCK_FOR_STATEMENT, .filter = {.object_id = t->object_id}};
    TxnIsolation level = level_of(s, d, hints);
    n.filter.skips_busy = (hints & HINT_READPAST) != 0;
    bool is_exclusive = (hints & HINT_TABLOCKX) || ((hints & HINT_TABLOCK) && (hints & HINT_XLOCK));
    if (is_exclusive || ((hints & HINT_TABLOCK) && (hints & HINT_UPDLOCK))) {
        n.table = is_exclusive ? LOCK_X : LOCK_U;
        n.duration = kept(s);
    } else if (hints & (HINT_UPDLOCK | HINT_XLOCK)) {
        n.table = LOCK_IX;
        n.duration = kept(s);
        n.has_filter = n.filter.keeps = true;
        n.filter.mode = hints & HINT_XLOCK ? LOCK_X : LOCK_U;
    } else if (level == TXN_SERIALIZABLE || ((hints & HINT_TABLOCK) && level != TXN_READ_UNCOMMITTED)) {
        n.table = LOCK_S;
        n.duration = level >= TXN_REPEATABLE_READ && level != TXN_SNAPSHOT ? kept(s) : LOCK_FOR_STATEMENT;
    } else if (level == TXN_REPEATABLE_READ) {
        n.table = LOCK_IS;
        n.duration = kept(s);
        n.has_filter = n.filter.keeps = txn_count(s->txn) > 0;
        n.filter.mode = LOCK_S;
    } else if (level == TXN_READ_COMMITTED) {
        n.table = LOCK_IS;
        n.filter.mode = LOCK_S;
    }
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

bool query_lock(Session *s, const BoundQuery *q, const Table *target, bool *ret_rebind, SqlError *e) {
    RowFilter filters[SESSION_MAX_FILTERS];
    size_t count = 0;
    for (size_t i = 0; i < q->ref_count; i++) {
        const BoundRef *ref = &q->refs[i];
        const Table *t = host_table(ref->relation);
        if (!t || t == target || t->kind != TABLE_USER) continue;
        const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
        if (!d || !txn_read_start(s->txn, d, t, e)) return false;
        TableNeed n = need_of(s, t, d, ref->hints);
        if (!take_table(s, t, &n, ref->hints, e)) return false;
        bool looks =
            n.has_filter || (n.table == LOCK_IS && lock_has_writers(txn_owner(s->txn), t->object_id));
        if (looks && count < SESSION_MAX_FILTERS && !has_filter(filters, count, t->object_id))
            filters[count++] = n.filter;
    }
    *ret_rebind = count != s->filter_count;
    for (size_t i = 0; i < count && !*ret_rebind; i++)
        *ret_rebind = filters[i].object_id != s->filters[i].object_id;
    memcpy(s->filters, filters, count * sizeof *filters);
    s->filter_count = count;
    return true;
}

static const RowFilter *filter_of(const Session *s, int32_t object_id) {
    for (size_t i = 0; i < s->filter_count; i++)
        if (s->filters[i].object_id == object_id) return &s->filters[i];
    return NULL;
}

/* standin_lock(object_id, rowid): 1 = use the row. */
void query_lock_function(sqlite3_context *c, int argc, sqlite3_value **argv) {
    Session *s = sqlite3_user_data(c);
    (void)argc;
    const RowFilter *f = filter_of(s, sqlite3_value_int(argv[0]));
    sqlite3_result_int(c, 1);
    if (!f) return;
    LockResource r = {
        .object_id = f->object_id, .space = LOCK_ROW_SPACE, .key = sqlite3_value_int64(argv[1])};
    LockDuration duration = f->keeps ? kept(s) : LOCK_FOR_STATEMENT;
    bool is_free = f->keeps
                       ? lock_take(txn_owner(s->txn), r, f->mode, duration, 0, NULL, NULL) == LOCK_GRANTED
                       : !lock_would_wait(txn_owner(s->txn), r, f->mode);
    if (is_free) return;
    if (f->skips_busy) {
        sqlite3_result_int(c, 0);
        return;
    }
    if (txn_is_writing(s->txn)) { /* the reading part of a change: that starts over by itself */
        if (txn_try_lock(s->txn, r, f->mode, &s->function_error)) return;
        s->has_wanted = true;
        sqlite3_result_error(c, "wait", -1);
        return;
    }
    if (!s->has_sent_row) {
        s->has_wanted = true;
        s->wanted = r;
        s->wanted_mode = f->mode;
        sqlite3_result_error(c, "wait", -1);
        return;
    }
    if (txn_lock(s->txn, r, f->mode, duration, &s->function_error)) return;
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

static bool stream(Session *s, const BoundQuery *q, uint64_t *ret_rows, SqlError *e) {
    sqlite3_stmt *st = plan_open(s, q, NULL, NULL, e);
    if (!st) return false;
    Value *row = ARENA_ARRAY(&s->scratch, Value, q->column_count);
    uint64_t rows = 0, limit = s->options.rowcount > 0 ? (uint64_t)s->options.rowcount : UINT64_MAX;
    s->has_sent_row = false;
    int rc = plan_step(s, st, e); /* the metadata waits: a busy row starts the query over */
    bool ok = rc >= 0 && (q->assigns || query_send_columns(s, q->columns, q->column_count) || stopped(s, e));
    while (ok && rc == 1 && rows < limit) {
        ok = take_row(s, q, st, row, e);
        if (ok && ++rows % CANCEL_EVERY_ROWS == 0 && s->out->is_cancelled(s->out)) ok = stopped(s, e);
        if (ok && rows < limit) rc = plan_step(s, st, e);
    }
    plan_close(s, st);
    *ret_rows = rows;
    return ok && rc >= 0;
}

/* ---- the statement */

static bool may_read(Session *s, const BoundQuery *q, SqlError *e) {
    for (size_t i = 0; i < q->ref_count; i++)
        if (q->refs[i].access == BIND_READ && !host_may_use(s, q->refs[i].relation, PERMISSION_SELECT, e))
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
            ok = query_lock(s, q, /* target= */ NULL, &rebind, e);
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
