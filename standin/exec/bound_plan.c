/*
 * Bound statements: made by bind/ when a statement is reached (so that a batch may create what it then uses),
 * kept with the batch, and bound anew when something they rest on has changed.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "standin/exec/session_internal.h"
#include "standin/store/txn_internal.h"

Plan *plan_free(Plan *p) {
    if (!p) return NULL;
    arena_done(&p->arena);
    free(p);
    return NULL;
}

static uint64_t source_version(const Session *s) {
    uint64_t v = txn_source_version(s->txn);
    for (size_t i = 0; i < s->filter_count; i++)
        v = hash_mix(v, (uint64_t)(uint32_t)s->filters[i].object_id << 8 | (s->filters[i].rows + 1));
    return v;
}

static bool is_stale(const Session *s, const Plan *p) {
    return p->catalog_version != catalog_version(server_catalog(s->server)) ||
           p->source_version != source_version(s) || p->temp_version != s->temp_version ||
           p->database_id != s->database_id || p->acting != s->acting ||
           p->date_style != s->options.date_style;
}

static bool bind(Session *s, Plan *p, const void *node, SqlError *e) {
    Plan *outer = s->binding;
    s->binding = p;
    s->host.default_collation = session_current_database(s)->collation;
    s->host.date_style = s->options.date_style;
    e->number = 0;
    bool ok = false;
    switch (p->kind) {
    case PLAN_SELECT: ok = bind_select(&s->host, &p->arena, node, &p->u.query, e); break;
    case PLAN_INSERT: ok = bind_insert(&s->host, &p->arena, node, &p->u.insert, e); break;
    case PLAN_UPDATE: ok = bind_update(&s->host, &p->arena, node, &p->u.update, e); break;
    case PLAN_DELETE: ok = bind_delete(&s->host, &p->arena, node, &p->u.delete_, e); break;
    case PLAN_MERGE: ok = bind_merge(&s->host, &p->arena, node, &p->u.merge, e); break;
    case PLAN_SCALAR: ok = bind_scalar(&s->host, &p->arena, node, NULL, &p->u.query, e); break;
    case PLAN_CONDITION: ok = bind_condition(&s->host, &p->arena, node, &p->u.query, e); break;
    }
    s->binding = outer;
    if (!ok) s->is_binding_failed = true;
    return ok;
}

Plan *plan_get(Session *s, Batch *b, const void *node, PlanKind kind, bool keep, SqlError *e) {
    for (Plan **at = b ? &b->plans : NULL; at && *at; at = &(*at)->next) {
        Plan *p = *at;
        if (p->key != node || p->kind != kind || p->is_in_use) continue;
        if (!is_stale(s, p)) {
            p->is_in_use = true;
            return p;
        }
        *at = p->next;
        (void)plan_free(p);
        break;
    }
    Plan *p = x_calloc(1, sizeof *p);
    p->key = node;
    p->kind = kind;
    p->catalog_version = catalog_version(server_catalog(s->server));
    p->source_version = source_version(s);
    p->temp_version = s->temp_version;
    p->database_id = s->database_id;
    p->acting = s->acting;
    p->date_style = s->options.date_style;
    if (!bind(s, p, node, e)) return plan_free(p);
    p->is_in_use = true;
    if (b && (keep || b->is_kept)) {
        p->next = b->plans;
        b->plans = p;
    } else {
        p->key = NULL;
    }
    return p;
}

void plan_release(Plan *p) {
    if (!p) return;
    p->is_in_use = false;
    if (!p->key) (void)plan_free(p);
}

/* ---- running */

static bool param_value(Session *s, const BoundParam *param, const Value *inserted, const Value *deleted,
                        Value *ret, SqlError *e) {
    switch (param->kind) {
    case BOUND_VALUE: *ret = param->value; return true;
    case BOUND_VARIABLE: {
        const Variable *v = scope_find(s, param->name);
        if (!v)
            return sql_error_set(e, 137, 15, 2, "Must declare the scalar variable \"" STR_FMT "\".",
                                 STR_ARG(param->name));
        *ret = v->value;
        return true;
    }
    case BOUND_INTRINSIC: return intrinsic_value(s, param->intrinsic, &s->scratch, ret, e);
    case BOUND_INSERTED: *ret = inserted ? inserted[param->column] : (Value){.kind = VALUE_NULL}; return true;
    case BOUND_DELETED: *ret = deleted ? deleted[param->column] : (Value){.kind = VALUE_NULL}; return true;
    }
    return sql_error_set(e, 8624, 16, 2, "Internal Query Processor Error: unknown parameter kind.");
}

sqlite3_stmt *plan_open(Session *s, const BoundQuery *q, const Value *inserted, const Value *deleted,
                        SqlError *e) {
    sqlite3_stmt *st = stmtcache_take(txn_statements(s->txn), str_from(q->sql), e);
    if (!st) return NULL;
    for (size_t i = 0; i < q->param_count; i++) {
        Value v = {.kind = VALUE_NULL};
        if (!param_value(s, &q->params[i], inserted, deleted, &v, e)) {
            stmtcache_put(txn_statements(s->txn), st);
            return NULL;
        }
        (void)functions_bind_value(st, (int)i + 1, &v);
    }
    return st;
}

int plan_step(Session *s, sqlite3_stmt *st, SqlError *e) {
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) return 1;
    if (rc == SQLITE_DONE) return 0;
    if (s->has_wanted) {
        e->number = TXN_MUST_WAIT;
        return -1;
    }
    if (s->has_function_error) {
        s->has_function_error = false;
        *e = s->function_error;
        return -1;
    }
    if (functions_take_error(s->functions, e)) return -1;
    if ((rc & 0xff) == SQLITE_INTERRUPT) {
        e->number = SESSION_STOPPED;
        return -1;
    }
    if ((rc & 0xff) == SQLITE_FULL) {
        (void)sql_error_set(e, 1105, 17, 2, "Could not allocate space: %s", sqlite3_errmsg(s->db));
        return -1;
    }
    (void)sql_error_set(e, 8624, 16, 3, "Internal Query Processor Error: %s", sqlite3_errmsg(s->db));
    return -1;
}

void plan_close(Session *s, sqlite3_stmt *st) {
    stmtcache_put(txn_statements(s->txn), st);
}

static Value copy_value(Arena *a, Value v) {
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) v.v.s = arena_str(a, v.v.s);
    return v;
}

bool plan_value(Session *s, const BoundQuery *q, const Value *inserted, const Value *deleted, Arena *a,
                Value *ret, SqlError *e) {
    if (q->is_param) {
        if (!param_value(s, &q->params[0], inserted, deleted, ret, e)) return false;
        *ret = copy_value(a, *ret);
        return true;
    }
    sqlite3_stmt *st = plan_open(s, q, inserted, deleted, e);
    if (!st) return false;
    int rc = plan_step(s, st, e);
    *ret = rc == 1 ? copy_value(a, functions_column_value(st, 0)) : (Value){.kind = VALUE_NULL};
    plan_close(s, st);
    return rc >= 0;
}

bool plan_scalar(Session *s, const AstExpr *x, const Type *to, Arena *a, Value *ret, Type *ret_type,
                 SqlError *e) {
    Plan p = {.kind = PLAN_SCALAR};
    Plan *outer = s->binding;
    s->binding = &p;
    s->host.default_collation = session_current_database(s)->collation;
    s->host.date_style = s->options.date_style;
    e->number = 0;
    bool ok = bind_scalar(&s->host, &p.arena, x, to, &p.u.query, e);
    s->binding = outer;
    if (!ok) s->is_binding_failed = true;
    if (ok && ret_type) *ret_type = p.u.query.columns[0].type;
    ok = ok && plan_value(s, &p.u.query, NULL, NULL, a, ret, e);
    arena_done(&p.arena);
    return ok;
}
