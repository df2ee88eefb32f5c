/* What procedures written in C do through their session: result sets, messages, T-SQL of their own. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"
#include "standin/exec/undeclared.h"

/* ---- results */

bool proc_columns(Session *s, const OutColumn *columns, size_t count) {
    if (!s->out->columns(s->out, columns, count)) s->is_stopped = true;
    s->result_rows = 0;
    return !s->is_stopped;
}

bool proc_row(Session *s, const Value *values) {
    s->result_rows++;
    if (!s->out->row(s->out, values)) s->is_stopped = true;
    return !s->is_stopped;
}

bool proc_rows_done(Session *s) {
    s->rowcount = (int64_t)s->result_rows;
    return runner_done(s, OUT_CMD_SELECT, !s->options.nocount, s->result_rows);
}

bool proc_message(Session *s, int32_t number, uint8_t class_, Str text) {
    return error_info(s, number, class_, 1, text, 1);
}

/* ---- T-SQL within a procedure: its output goes to a callback, its first error comes back */

typedef struct Capture {
    Out out;
    Session *s;
    ProcRow *row;
    void *arg;
    size_t columns;
    SqlError *e;
    bool has_error, refused;
} Capture;

static bool capture_columns(Out *o, const OutColumn *columns, size_t count) {
    (void)columns;
    ((Capture *)o)->columns = count;
    return true;
}

static bool capture_row(Out *o, const Value *values) {
    Capture *c = (Capture *)o;
    if (c->row && !c->row(c->arg, values, c->columns)) c->refused = true;
    return !c->refused;
}

static bool capture_message(Out *o, const OutMessage *m) {
    Capture *c = (Capture *)o;
    if (m->class_ <= 10 || c->has_error) return true;
    c->has_error = true;
    return sql_error_set(c->e, m->number, m->class_, m->state, STR_FMT, STR_ARG(m->text)) || true;
}

static bool capture_cancelled(Out *o) {
    Out *client = ((Capture *)o)->s->client;
    return client->is_cancelled(client);
}

typedef struct Saved { /* what the procedure's own statements must not change for the caller */
    Out *out;
    int32_t database_id;
    bool has_all_rights, is_rpc;
    int try_depth;
    Options options;
    int64_t rowcount, identity, scope_identity;
    bool has_identity, has_scope_identity;
    RowFilter filters[SESSION_MAX_FILTERS];
    size_t filter_count;
    Plan *binding;
} Saved;

static Saved save(Session *s) {
    Saved v = {.out = s->out,
               .database_id = session_hold_database(s),
               .has_all_rights = s->has_all_rights,
               .is_rpc = s->is_rpc,
               .try_depth = s->try_depth,
               .options = s->options,
               .rowcount = s->rowcount,
               .identity = s->identity,
               .scope_identity = s->scope_identity,
               .has_identity = s->has_identity,
               .has_scope_identity = s->has_scope_identity,
               .filter_count = s->filter_count,
               .binding = s->binding};
    memcpy(v.filters, s->filters, sizeof v.filters);
    return v;
}

static void restore(Session *s, const Saved *v) {
    s->out = v->out;
    session_return_to_database(s, v->database_id);
    s->has_all_rights = v->has_all_rights;
    s->is_rpc = v->is_rpc;
    s->try_depth = v->try_depth;
    s->options = v->options;
    s->rowcount = v->rowcount;
    s->identity = v->identity;
    s->scope_identity = v->scope_identity;
    s->has_identity = v->has_identity;
    s->has_scope_identity = v->has_scope_identity;
    s->filter_count = v->filter_count;
    memcpy(s->filters, v->filters, sizeof v->filters);
    s->binding = v->binding;
}

static bool declare(Session *s, const SessionParam *params, size_t count, SqlError *e) {
    for (size_t i = 0; i < count; i++) {
        Variable *v = scope_declare(s, params[i].name, &params[i].type, e);
        if (!v) return false;
        variable_set(v, params[i].value);
    }
    return true;
}

static bool run(Session *s, int32_t database_id, Str text, const SessionParam *params, size_t count,
                Capture *c, SqlError *e) {
    Saved saved = save(s);
    s->options.fmtonly = s->options.noexec = s->options.parseonly = s->options.implicit_transactions = false;
    s->options.quoted_identifier = true;
    s->options.rowcount = 0;
    s->filter_count = 0;
    s->binding = NULL;
    s->out = &c->out;
    s->database_id = database_id;
    s->has_all_rights = true;
    s->try_depth = 0;
    Caught *caught = s->caught;
    s->caught = NULL;
    e->number = SESSION_STOPPED;
    (void)scope_push(s, (Str){0});
    Batch *b = declare(s, params, count, e) ? batch_get(s, text, (Str){0}, e) : NULL;
    Flow f = b ? runner_batch(s, b) : FLOW_ABORT_BATCH;
    batch_release(s, b);
    scope_pop(s);
    s->caught = caught;
    restore(s, &saved);
    if (c->refused) s->is_stopped = false; /* the callback's word, not the client's */
    return b && !c->has_error && !c->refused && (f == FLOW_NEXT || f == FLOW_RETURN);
}

static Capture capture(Session *s, ProcRow *row, void *arg, SqlError *e) {
    Capture c = {.out = *session_silent_out(), .s = s, .row = row, .arg = arg, .e = e};
    c.out.columns = capture_columns;
    c.out.row = capture_row;
    c.out.message = capture_message;
    c.out.is_cancelled = capture_cancelled;
    return c;
}

bool proc_run(Session *s, int32_t database_id, Str text, const SessionParam *params, size_t count,
              SqlError *e) {
    Capture c = capture(s, NULL, NULL, e);
    return run(s, database_id, text, params, count, &c, e);
}

typedef struct Described {
    ProcColumns *see;
    void *arg;
    bool is_seen;
} Described;

static bool see_columns(Out *o, const OutColumn *columns, size_t count) {
    Described *d = ((Capture *)o)->arg;
    if (d->is_seen) return true;
    d->is_seen = true;
    return d->see(d->arg, columns, count);
}

bool proc_describe(Session *s, int32_t database_id, Str text, const SessionParam *params, size_t count,
                   ProcColumns *see, void *arg, SqlError *e) {
    CLEANUP(buf_done) Buf described = {0};
    Described d = {see, arg, false};
    Capture c = capture(s, NULL, &d, e);
    c.out.columns = see_columns;
    buf_cstr(&described, "SET FMTONLY ON; "); /* options come back with the procedure's own */
    for (size_t i = 0; i < count; i++) { /* plans are kept by the text: it says the parameters' types, too */
        buf_cstr(&described, "/*");
        type_format(&params[i].type, &described);
        buf_cstr(&described, "*/");
    }
    buf_str(&described, text);
    Undeclared *outer = s->undeclared;
    s->undeclared = undeclared_new();
    bool ok = run(s, database_id, buf_view(&described), params, count, &c, e);
    s->undeclared = undeclared_free(s->undeclared);
    s->undeclared = outer;
    return ok;
}

bool proc_undeclared(Session *s, Str text, const SessionParam *params, size_t count, Arena *a,
                     ProcUndeclared **ret, size_t *ret_count, SqlError *e) {
    return undeclared_describe(s, text, params, count, a, ret, ret_count, e);
}

/* Rows to the client, errors back to the procedure. */
static bool pass_columns(Out *o, const OutColumn *columns, size_t count) {
    Out *to = ((Capture *)o)->arg;
    return to->columns(to, columns, count);
}

static bool pass_row(Out *o, const Value *values) {
    Out *to = ((Capture *)o)->arg;
    return to->row(to, values);
}

static bool pass_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    Out *to = ((Capture *)o)->arg;
    return failed || to->done(to, command, has_count, rows, failed);
}

bool proc_query(Session *s, int32_t database_id, Str text, const SessionParam *params, size_t count,
                ProcRow *row, void *arg, SqlError *e) {
    Capture c = capture(s, row, row ? arg : s->out, e);
    if (!row) {
        c.out.columns = pass_columns;
        c.out.row = pass_row;
        c.out.done = pass_done;
    }
    return run(s, database_id, text, params, count, &c, e);
}

bool proc_script(Session *s, Str text, const SessionParam *params, size_t count, int32_t *ret_status,
                 SqlError *e) {
    Batch *b = batch_get(s, text, (Str){0}, e);
    if (!b) return false;
    int32_t database_id = session_hold_database(s);
    (void)scope_push(s, s->scope ? s->scope->procedure : (Str){0});
    bool ok = declare(s, params, count, e);
    Flow f = ok ? runner_batch(s, b) : FLOW_NEXT;
    s->nested_flow = f == FLOW_RETURN || f == FLOW_ABORT_SCOPE ? FLOW_NEXT : f;
    *ret_status = s->scope->return_status ? s->scope->return_status : s->last_error;
    scope_pop(s);
    session_return_to_database(s, database_id);
    batch_release(s, b);
    return ok;
}
