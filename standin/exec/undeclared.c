/*
 * Every statement of the text is bound, none is run. Where the binder meets a variable that isn't declared,
 * it takes it for an untyped NULL, and tells (bindtype_deduce) as which type each is then used.
 */
#include "standin/exec/undeclared.h"

#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"
#include "standin/tsql/lexer.h"

enum { UNDECLARED_MAX = 2100 }; /* a statement has no more parameters */

struct Undeclared {
    StrMap *items; /* by name; values: Found */
};

typedef struct Found {
    Type type;
    bool is_deduced, is_output;
    Str formal; /* the procedure's parameter that it is given for */
} Found;

Undeclared *undeclared_new(void) {
    Undeclared *u = x_calloc(1, sizeof *u);
    u->items = strmap_new(/* ignore_case= */ true);
    return u;
}

Undeclared *undeclared_free(Undeclared *u) {
    if (!u) return NULL;
    u->items = strmap_free_all(u->items);
    free(u);
    return NULL;
}

static Found *found(Undeclared *u, Str name) {
    Found *f = strmap_get(u->items, name);
    if (f) return f;
    f = x_calloc(1, sizeof *f);
    (void)strmap_set(u->items, name, f);
    return f;
}

void undeclared_meet(Undeclared *u, Str name) {
    (void)found(u, name);
}

void undeclared_deduce(Undeclared *u, Str name, const Type *type) {
    Found *f = found(u, name);
    if (f->is_deduced) return;
    f->type = *type;
    f->is_deduced = true;
}

/* ---- statements */

static bool bind_list(Session *s, const AstStmt *first, Arena *a, SqlError *e);

static bool bind_value(Session *s, const AstExpr *x, const Type *to, Arena *a, SqlError *e) {
    BoundQuery q;
    return !x || bind_scalar(&s->host, a, x, to, &q, e);
}

/* SET @v = x tells x's type by v, or v's by x. */
static bool bind_set(Session *s, const AstSetVariable *set, Arena *a, SqlError *e) {
    const Variable *v = scope_find(s, set->name);
    if (v) return bind_value(s, set->value, &v->type, a, e);
    Type type;
    bool is_nullable;
    if (!bind_type(&s->host, a, NULL, set->value, &type, &is_nullable, e)) return false;
    undeclared_deduce(s->undeclared, set->name, &type);
    found(s->undeclared, set->name)->is_output = true;
    return true;
}

static const ProcParam *formal_of(const Proc *proc, const AstExecArg *arg, size_t at) {
    for (size_t i = 0; arg->name.n && i < proc->param_count; i++)
        if (str_eq_icase(str_from(proc->params[i].name), arg->name)) return &proc->params[i];
    return !arg->name.n && at < proc->param_count ? &proc->params[at] : NULL;
}

static bool bind_exec(Session *s, const AstExec *x, SqlError *e) {
    static const Type int_type = {.id = TYPE_INT};
    if (x->text || x->procedure_variable.n) return true; /* known when it runs */
    const Proc *proc = procregistry_find(server_procs(s->server), x->procedure.name);
    if (!proc)
        return sql_error_set(e, 2812, 16, 62, "Could not find stored procedure '" STR_FMT "'.",
                             STR_ARG(x->procedure.name));
    if (x->status_variable.n && !scope_find(s, x->status_variable)) {
        undeclared_deduce(s->undeclared, x->status_variable, &int_type);
        found(s->undeclared, x->status_variable)->is_output = true;
    }
    for (size_t i = 0; i < x->arg_count; i++) {
        const AstExecArg *arg = &x->args[i];
        const ProcParam *formal = formal_of(proc, arg, i);
        if (arg->value->kind != EXPR_VARIABLE || scope_find(s, arg->value->u.name)) continue;
        Found *f = found(s->undeclared, arg->value->u.name);
        f->is_output |= arg->is_output;
        if (!formal || formal->type.id == TYPE_NULL) continue;
        f->formal = str_from(formal->name);
        undeclared_deduce(s->undeclared, arg->value->u.name, &formal->type);
    }
    return true;
}

static bool bind_declare(Session *s, const AstDeclare *d, Arena *a, SqlError *e) {
    const Variable *v = scope_declare(s, d->name, &d->type.type, e);
    if (!v) return false;
    if (d->table)
        return sql_error_set(e, 11526, 16, 1,
                             "The metadata could not be determined because the statement uses a table "
                             "variable, which this server doesn't describe.");
    return bind_value(s, d->initial, &d->type.type, a, e);
}

static bool bind_statement(Session *s, const AstStmt *st, Arena *a, SqlError *e) {
    union {
        BoundQuery query;
        BoundInsert insert;
        BoundUpdate update;
        BoundDelete delete_;
        BoundMerge merge;
    } u;
    switch (st->kind) {
    case STMT_SELECT: return bind_select(&s->host, a, st, &u.query, e);
    case STMT_INSERT:
        if (st->u.insert.source == INSERT_FROM_EXEC && !bind_exec(s, st->u.insert.exec, e)) return false;
        return bind_insert(&s->host, a, st, &u.insert, e);
    case STMT_UPDATE: return bind_update(&s->host, a, st, &u.update, e);
    case STMT_DELETE: return bind_delete(&s->host, a, st, &u.delete_, e);
    case STMT_MERGE: return bind_merge(&s->host, a, st, &u.merge, e);
    case STMT_DECLARE: return bind_declare(s, &st->u.declare, a, e);
    case STMT_SET_VARIABLE: return bind_set(s, &st->u.set_variable, a, e);
    case STMT_IF:
    case STMT_WHILE:
        return bind_condition(&s->host, a, st->u.if_.condition, &u.query, e) &&
               bind_list(s, st->u.if_.then, a, e) && bind_list(s, st->u.if_.otherwise, a, e);
    case STMT_BLOCK: return bind_list(s, st->u.block, a, e);
    case STMT_TRY: return bind_list(s, st->u.try_.body, a, e) && bind_list(s, st->u.try_.handler, a, e);
    case STMT_PRINT:
    case STMT_RETURN: return bind_value(s, st->u.expr, NULL, a, e);
    case STMT_EXEC: return bind_exec(s, &st->u.exec, e);
    default: return true; /* has no expressions to speak of */
    }
}

static bool bind_list(Session *s, const AstStmt *first, Arena *a, SqlError *e) {
    for (const AstStmt *st = first; st; st = st->next)
        if (!bind_statement(s, st, a, e)) return false;
    return true;
}

/* ---- the answer */

/* The names as they stand in the text: each may be there once. */
static bool collect(Session *s, Str text, Arena *a, ProcUndeclared **ret, size_t *ret_count, SqlError *e) {
    Token *tokens;
    size_t token_count, count = 0;
    if (!lexer_tokens(text, s->options.quoted_identifier, a, &tokens, &token_count, e)) return false;
    ProcUndeclared *list = ARENA_ARRAY(a, ProcUndeclared, token_count);
    for (size_t i = 0; i < token_count; i++) {
        const Found *f =
            tokens[i].kind == TOKEN_VARIABLE ? strmap_get(s->undeclared->items, tokens[i].text) : NULL;
        if (!f) continue;
        Str name = arena_str(a, tokens[i].text);
        for (size_t j = 0; j < count; j++)
            if (str_eq_icase(list[j].name, name))
                return sql_error_set(e, 11508, 16, 1,
                                     "The undeclared parameter '" STR_FMT
                                     "' is used more than once in the batch being analyzed.",
                                     STR_ARG(name));
        if (!f->is_deduced)
            return sql_error_set(e, 11502, 16, 1,
                                 "The type for parameter '" STR_FMT "' cannot be deduced in this context.",
                                 STR_ARG(name));
        if (count == UNDECLARED_MAX)
            return sql_error_set(e, 8003, 16, 1, "Too many parameters were provided.");
        list[count++] = (ProcUndeclared){
            .name = name, .type = f->type, .is_output = f->is_output, .formal = arena_str(a, f->formal)};
    }
    *ret = list;
    *ret_count = count;
    return true;
}

static bool describe(Session *s, Str text, const SessionParam *params, size_t count, Arena *a, SqlError *e) {
    ParserOptions options = {.quoted_identifier = s->options.quoted_identifier};
    AstBatch tree;
    for (size_t i = 0; i < count; i++)
        if (!scope_declare(s, params[i].name, &params[i].type, e)) return false;
    return parser_batch(text, &options, a, &tree, e) && bind_list(s, tree.first, a, e);
}

bool undeclared_describe(Session *s, Str text, const SessionParam *params, size_t count, Arena *a,
                         ProcUndeclared **ret, size_t *ret_count, SqlError *e) {
    Plan plan = {0}; /* relations that the binder asks for live in its arena */
    Plan *outer = s->binding;
    Undeclared *outer_undeclared = s->undeclared;
    s->undeclared = undeclared_new();
    s->binding = &plan;
    s->host.default_collation = session_current_database(s)->collation;
    e->number = 0;
    (void)scope_push(s, (Str){0});
    bool ok = describe(s, text, params, count, &plan.arena, e) && collect(s, text, a, ret, ret_count, e);
    scope_pop(s);
    arena_done(&plan.arena);
    s->binding = outer;
    s->undeclared = undeclared_free(s->undeclared);
    s->undeclared = outer_undeclared;
    return ok;
}
