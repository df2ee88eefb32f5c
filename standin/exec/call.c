/*
 * Calling a procedure: arguments by position or name to what it declares, the call, status and output values
 * back. EXEC in a batch and RPC differ in where those go: variables, or the client.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/module.h"
#include "standin/exec/session_internal.h"

/* ---- arguments */

static bool convert_arg(Session *s, const ProcParam *p, ProcArg *arg, SqlError *e) {
    if (p->type.id == TYPE_NULL || arg->value.kind == VALUE_NULL || arg->is_default) {
        if (p->type.id != TYPE_NULL) arg->type = p->type;
        return true;
    }
    Convert c = {.from = arg->type, .to = p->type, .style = CONVERT_STYLE_DEFAULT};
    ConvertError ce;
    if (convert_rule(arg->type.id, p->type.id) == CONVERT_NEVER ||
        !convert_value(&c, arg->value, &s->scratch, &arg->value, &ce))
        return sql_error_set(e, 8114, 16, 5, "Error converting data type %s to %s.", type_name(arg->type.id),
                             type_name(p->type.id));
    arg->type = p->type;
    return true;
}

static const char *proc_name(const Proc *proc) {
    return proc->name;
}

static size_t param_position(const Proc *proc, Str name) {
    size_t i = 0;
    while (i < proc->param_count && !str_eq_icase(str_from(proc->params[i].name), name)) i++;
    return i;
}

/* Given arguments in the declaration's order. A variadic procedure is an extended one (sp_executesql): its
 * own parameters go by position whatever they are called, as the manual says, and the extra ones follow. */
static bool arrange(Session *s, const Proc *proc, ProcArg *given, size_t count, ProcArg **ret,
                    size_t *ret_count, SqlError *e) {
    ProcArg *args = arena_zalloc(&s->scratch, (proc->param_count + count) * sizeof *args);
    bool *has = arena_zalloc(&s->scratch, proc->param_count * sizeof *has);
    size_t used = proc->param_count;
    for (size_t i = 0; i < count; i++) {
        size_t at = i < proc->param_count ? i : used;
        if (given[i].name.n && !proc->is_variadic) {
            at = param_position(proc, given[i].name);
            if (at == proc->param_count)
                return sql_error_set(e, 8145, 16, 1, STR_FMT " is not a parameter for procedure %s.",
                                     STR_ARG(given[i].name), proc_name(proc));
        }
        if (at >= proc->param_count && !proc->is_variadic)
            return sql_error_set(e, 8144, 16, 2, "Procedure or function %s has too many arguments specified.",
                                 proc_name(proc));
        if (at < proc->param_count) {
            has[at] = true;
            args[at] = given[i];
            if (!convert_arg(s, &proc->params[at], &args[at], e)) return false;
        } else {
            args[used++] = given[i];
        }
    }
    for (size_t i = 0; i < proc->param_count; i++) {
        if (has[i]) continue;
        if (proc->params[i].is_required)
            return sql_error_set(e, 201, 16, 4,
                                 "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                                 proc_name(proc), proc->params[i].name);
        args[i] = (ProcArg){.type = proc->params[i].type, .is_default = true};
    }
    *ret = args;
    *ret_count = used;
    return true;
}

enum { FIRST_PROCEDURE_MESSAGE = 13000 }; /* system procedures raise these */

/* Run it in the database that was named. */
static Flow run_proc(Session *s, const Proc *proc, Str database, ProcCall *call, SqlError *e, bool *ret_ok) {
    s->nested_flow = FLOW_NEXT;
    *ret_ok = false;
    if (s->nesting >= SESSION_MAX_NESTING) {
        (void)sql_error_set(
            e, 217, 16, 1,
            "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).");
        return FLOW_NEXT;
    }
    if (proc->wants_quiet_transaction && txn_count(s->txn)) {
        (void)sql_error_set(e, 15002, 16, 1, "The procedure '%s' cannot be executed within a transaction.",
                            proc->name);
        return FLOW_NEXT;
    }
    const Database *d = database.n ? session_database_named(s, database, e) : NULL;
    if (database.n && !d) return FLOW_NEXT;
    int32_t database_id = session_hold_database(s);
    if (d) s->database_id = d->id;
    call->proc = proc;
    *ret_ok = proc->call(s, call, e);
    /* What a procedure itself refuses ends with RETURN 1; an error of the engine doesn't come so far. */
    if (!*ret_ok && call->ret_status == 0 && e->number >= FIRST_PROCEDURE_MESSAGE) call->ret_status = 1;
    session_return_to_database(s, d ? database_id : s->database_id);
    Flow f = s->nested_flow;
    s->nested_flow = FLOW_NEXT;
    return f;
}

/* ---- RPC */

static void send_outputs(Session *s, const Proc *proc, const ProcArg *given, size_t count,
                         const ProcCall *call) {
    for (size_t i = 0; i < count && !s->is_stopped; i++) {
        if (!given[i].is_output) continue;
        size_t at = i;
        if (given[i].name.n && i < proc->param_count) {
            size_t named = param_position(proc, given[i].name);
            if (named < proc->param_count) at = named;
        }
        const ProcArg *a = &call->args[at];
        if (!s->client->return_value(s->client, (uint16_t)i, given[i].name, &a->type, &a->value))
            s->is_stopped = true;
    }
}

Flow call_rpc(Session *s, const Proc *proc, Str database, ProcArg *given, size_t count, bool no_metadata) {
    SqlError e = {0};
    ProcCall call = {.arena = &s->scratch, .no_metadata = no_metadata};
    ProcArg *args;
    s->scope->procedure = str_from(proc->name);
    bool ok = arrange(s, proc, given, count, &args, &call.count, &e);
    Flow f = FLOW_NEXT;
    if (ok) {
        call.args = call.outputs = args;
        f = run_proc(s, proc, database, &call, &e, &ok);
    }
    if (!ok) {
        f = error_handle(s, NULL, OUT_CMD_EXEC, &e);
        if (f == FLOW_STOP || s->is_stopped) return f;
        call.ret_status = call.ret_status ? call.ret_status : -6;
        if (!s->client->return_status(s->client, call.ret_status)) s->is_stopped = true;
        return f;
    }
    if (f == FLOW_STOP || s->is_stopped) return FLOW_STOP;
    if (!s->client->return_status(s->client, call.ret_status)) s->is_stopped = true;
    if (!s->is_stopped) send_outputs(s, proc, given, count, &call);
    return f; /* the protocol tells the call's end */
}

/* ---- EXEC */

/* The values of the arguments as written. */
static bool evaluate(Session *s, const AstExec *x, ProcArg *args, SqlError *e) {
    for (size_t i = 0; i < x->arg_count; i++) {
        const AstExecArg *a = &x->args[i];
        args[i].name = a->name;
        args[i].is_output = a->is_output;
        if (a->value->kind == EXPR_DEFAULT) {
            args[i].is_default = true;
            continue;
        }
        if (a->value->kind == EXPR_VARIABLE) {
            const Variable *v = scope_find(s, a->value->u.name);
            if (!v)
                return sql_error_set(e, 137, 15, 2, "Must declare the scalar variable \"" STR_FMT "\".",
                                     STR_ARG(a->value->u.name));
            args[i].type = v->type;
            args[i].value = v->value;
            continue;
        }
        if (!plan_scalar(s, a->value, NULL, &s->scratch, &args[i].value, &args[i].type, e)) return false;
    }
    return true;
}

static bool assign_output(Session *s, const AstExpr *to, const ProcArg *from, SqlError *e) {
    if (to->kind != EXPR_VARIABLE) return true;
    Variable *v = scope_find(s, to->u.name);
    if (!v) return true;
    Convert c = {.from = from->type, .to = v->type, .style = CONVERT_STYLE_DEFAULT};
    ConvertError ce;
    Value value;
    if (from->value.kind == VALUE_NULL || from->type.id == TYPE_NULL) {
        value = from->value;
    } else if (!convert_value(&c, from->value, &s->scratch, &value, &ce)) {
        return sqlerror_from_convert(e, &ce, 0);
    }
    variable_set(v, value);
    return true;
}

static void assign_status(Session *s, const AstExec *x, const ProcCall *call) {
    Variable *v = x->status_variable.n ? scope_find(s, x->status_variable) : NULL;
    if (v) variable_set(v, VALUE_OF_INT(call->ret_status));
}

static bool assign_outputs(Session *s, const Proc *proc, const AstExec *x, const ProcCall *call,
                           SqlError *e) {
    assign_status(s, x, call);
    for (size_t i = 0; i < x->arg_count; i++) {
        if (!x->args[i].is_output) continue;
        size_t at = i;
        if (x->args[i].name.n && i < proc->param_count) {
            size_t named = param_position(proc, x->args[i].name);
            if (named < proc->param_count) at = named;
        }
        if (!assign_output(s, x->args[i].value, &call->args[at], e)) return false;
    }
    return true;
}

static Flow exec_text(Session *s, const AstExec *x, const AstStmt *st) {
    static const Type text_type = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH};
    SqlError e = {0};
    Value v;
    if (!plan_scalar(s, x->text, &text_type, &s->scratch, &v, NULL, &e))
        return error_handle(s, st, OUT_CMD_EXEC, &e);
    Identity *acting = s->acting;
    if (x->as_name.n && !authority_impersonate(s, x->as_login, x->as_name, &e))
        return error_handle(s, st, OUT_CMD_EXEC, &e);
    int32_t database_id = session_hold_database(s);
    Flow f = v.kind == VALUE_TEXT ? runner_text(s, v.v.s, (Str){0}, /* own_scope= */ true) : FLOW_NEXT;
    authority_revert_to(s, acting);
    session_return_to_database(s, database_id); /* USE inside lasts as long as the text */
    return f == FLOW_ABORT_SCOPE || f == FLOW_RETURN ? FLOW_NEXT : f;
}

const Proc *call_find(Session *s, const AstName *name, SqlError *e) {
    const Proc *proc = procregistry_find(server_procs(s->server), name->name);
    if (proc) return proc;
    e->number = 0;
    const Table *t = module_procedure(s, name, e);
    return t ? module_proc(s, t, &s->scratch, e) : NULL;
}

static const Proc *find_proc(Session *s, const AstExec *x, AstName *name, SqlError *e) {
    *name = x->procedure;
    if (x->procedure_variable.n) {
        const Variable *v = scope_find(s, x->procedure_variable);
        if (!v || v->value.kind != VALUE_TEXT || !parser_name(v->value.v.s, &s->scratch, name)) {
            (void)sql_error_set(e, 2812, 16, 62, "Could not find stored procedure ''.");
            return NULL;
        }
    }
    if (name->server.n) {
        (void)sql_error_set(e, 7202, 11, 2, "Could not find server '" STR_FMT "' in sys.servers.",
                            STR_ARG(name->server));
        return NULL;
    }
    const Proc *proc = call_find(s, name, e);
    if (proc || e->number) return proc;
    CLEANUP(buf_done) Buf b = {0};
    if (name->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(name->database));
    if (name->schema.n || name->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(name->schema));
    buf_str(&b, name->name);
    (void)sql_error_set(e, 2812, 16, 62, "Could not find stored procedure '%s'.", buf_text(&b));
    return NULL;
}

static Flow exec_proc(Session *s, const AstExec *x, const AstStmt *st) {
    SqlError e = {0};
    AstName name;
    const Proc *proc = find_proc(s, x, &name, &e);
    ProcArg *given = arena_zalloc(&s->scratch, x->arg_count * sizeof *given), *args;
    ProcCall call = {.arena = &s->scratch};
    if (!proc || !evaluate(s, x, given, &e)) return error_handle(s, st, OUT_CMD_EXEC, &e);
    Flow f = FLOW_NEXT;
    Str outer = s->scope->procedure;
    s->scope->procedure = str_from(proc->name); /* its parameters' errors are its own, too */
    bool ok = arrange(s, proc, given, x->arg_count, &args, &call.count, &e);
    if (!ok) {
        f = error_handle(s, st, OUT_CMD_EXEC, &e);
        s->scope->procedure = outer;
        return f;
    }
    call.args = call.outputs = args;
    s->client->procedure(s->client, /* enters= */ true);
    f = run_proc(s, proc, name.database, &call, &e, &ok);
    s->client->procedure(s->client, /* enters= */ false);
    if (!ok) f = error_handle(s, st, OUT_CMD_EXEC, &e);
    if (!ok && f == FLOW_NEXT) assign_status(s, x, &call); /* the batch goes on */
    s->scope->procedure = outer;
    if (ok && f == FLOW_NEXT && !assign_outputs(s, proc, x, &call, &e))
        return error_handle(s, st, OUT_CMD_EXEC, &e);
    if (s->is_stopped) return FLOW_STOP;
    if (!ok || (f != FLOW_NEXT && f != FLOW_ABORT_SCOPE && f != FLOW_RETURN))
        return f == FLOW_ABORT_SCOPE ? FLOW_NEXT : f;
    if (!s->out->return_status(s->out, call.ret_status) ||
        !s->out->done(s->out, OUT_CMD_EXEC, false, 0, false))
        s->is_stopped = true;
    return s->is_stopped ? FLOW_STOP : FLOW_NEXT;
}

static Flow exec_any(Session *s, const AstExec *x, const AstStmt *st) {
    return x->text ? exec_text(s, x, st) : exec_proc(s, x, st);
}

Flow call_exec(Session *s, Batch *b, const AstStmt *st) {
    (void)b;
    return exec_any(s, &st->u.exec, st);
}

bool call_insert_exec(Session *s, Batch *b, const AstExec *x, Out *collector, SqlError *e) {
    (void)b;
    Out *out = s->out;
    int tries = s->try_depth;
    if (out != s->client) return sql_error_set(e, 8164, 16, 1, "An INSERT EXEC statement cannot be nested.");
    s->out = collector;
    e->number = SESSION_STOPPED;
    Flow f = exec_any(s, x, NULL);
    s->out = out;
    s->try_depth = tries;
    if (f == FLOW_THROW) *e = s->thrown;
    if (e->number != SESSION_STOPPED) s->is_stopped = false; /* the collector refused, not the client */
    return f == FLOW_NEXT && e->number == SESSION_STOPPED;
}
