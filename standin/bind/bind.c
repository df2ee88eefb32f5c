#include "standin/bind/bind.h"

#include <stdio.h>

#include "standin/bind/bind_internal.h"
#include "standin/types/convert.h"

static Binder binder_for(const BindHost *h, Arena *a, SqlError *e) {
    return (Binder){.host = h, .a = a, .e = e, .next_source = 1, .max_recursion = 100};
}

static void push_with(Binder *b, CteFrame *frame, const AstWith *with) {
    if (with->count == 0) return;
    *frame = (CteFrame){.with = with, .visible = with->count};
    b->ctes = frame;
}

bool bind_select(const BindHost *h, Arena *a, const AstStmt *s, BoundQuery *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    CteFrame frame;
    Query q;
    b.max_recursion = s->max_recursion;
    push_with(&b, &frame, &s->u.query.with);
    b.into_query = s->u.query.query;
    if (!bindquery_bind(&b, s->u.query.query, &q)) return false;
    bindquery_finish(&b, &q, bindquery_sql(&b, &q), ret);
    return true;
}

bool bind_insert(const BindHost *h, Arena *a, const AstStmt *s, BoundInsert *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    CteFrame frame;
    b.max_recursion = s->max_recursion;
    push_with(&b, &frame, &s->u.insert.with);
    return binddml_insert(&b, s, ret);
}

bool bind_update(const BindHost *h, Arena *a, const AstStmt *s, BoundUpdate *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    CteFrame frame;
    b.max_recursion = s->max_recursion;
    push_with(&b, &frame, &s->u.update.with);
    return binddml_update(&b, s, ret);
}

bool bind_delete(const BindHost *h, Arena *a, const AstStmt *s, BoundDelete *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    CteFrame frame;
    b.max_recursion = s->max_recursion;
    push_with(&b, &frame, &s->u.delete_.with);
    return binddml_delete(&b, s, ret);
}

bool bind_merge(const BindHost *h, Arena *a, const AstStmt *s, BoundMerge *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    CteFrame frame;
    b.max_recursion = s->max_recursion;
    push_with(&b, &frame, &s->u.merge.with);
    return binddml_merge(&b, s, ret);
}

/* One value alone: SELECT value. A constant is a parameter, so that is_param tells the caller. */
static void finish_value(Binder *b, Bx x, BoundQuery *ret) {
    BoundParam constant = {.kind = BOUND_VALUE, .type = x.type, .value = x.value};
    if (x.is_constant) x.sql = sql_param(b, &constant);
    QueryItem item = {.value = x};
    Query q = {.items = &item, .item_count = 1, .from = sql_text(b, ""), .is_single_row = true};
    bindquery_finish(b, &q, bindquery_sql(b, &q), ret);
}

static bool scalar(Binder *b, const AstExpr *x, const Type *to, BoundQuery *ret) {
    Bx value;
    if (!bindexpr_value(b, x, &value)) return false;
    if (to && !bindtype_convert(b, value, to, MODE_IMPLICIT, x->line, &value)) return false;
    finish_value(b, value, ret);
    return true;
}

static bool condition(Binder *b, const AstExpr *x, BoundQuery *ret) {
    Bx value = {.type = {.id = TYPE_BIT}, .is_nullable = true};
    if (!bindexpr_condition(b, x, &value.sql)) return false;
    finish_value(b, value, ret);
    return true;
}

bool bind_scalar(const BindHost *h, Arena *a, const AstExpr *x, const Type *to, BoundQuery *ret,
                 SqlError *e) {
    Binder b = binder_for(h, a, e);
    return scalar(&b, x, to, ret);
}

bool bind_condition(const BindHost *h, Arena *a, const AstExpr *x, BoundQuery *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    return condition(&b, x, ret);
}

bool bind_row(const BindHost *h, Arena *a, const BindRelation *r, const AstExpr *x, bool is_condition,
              const Type *to, BoundQuery *ret, SqlError *e) {
    Binder b = binder_for(h, a, e);
    Scope scope = {0};
    binddml_row_source(&b, &scope, r, (Str){0}, BOUND_INSERTED);
    b.scope = &scope;
    b.in_default = !is_condition;
    return is_condition ? condition(&b, x, ret) : scalar(&b, x, to, ret);
}

bool bind_type(const BindHost *h, Arena *a, const BindRelation *r, const AstExpr *x, Type *ret,
               bool *ret_nullable, SqlError *e) {
    Binder b = binder_for(h, a, e);
    Scope scope = {0};
    Bx value;
    if (r) binddml_row_source(&b, &scope, r, (Str){0}, BOUND_INSERTED);
    b.scope = &scope;
    if (!bindexpr_value(&b, x, &value)) return false;
    *ret = value.type.id == TYPE_NULL ? (Type){.id = TYPE_INT} : value.type;
    *ret_nullable = value.is_nullable;
    return true;
}

bool bind_assign(const BindRelation *r, size_t ordinal, const Type *from, Value v, Arena *a, Value *ret,
                 SqlError *e) {
    const BindColumn *c = &r->columns[ordinal];
    Convert convert = {.from = *from, .to = c->type, .style = CONVERT_STYLE_DEFAULT, .is_assignment = true};
    ConvertError error;
    bool is_allowed = from->id == TYPE_NULL || convert_is_allowed(from, &c->type, /* is_explicit= */ false);
    if (!is_allowed) {
        convert_refuse(from, &c->type, /* is_explicit= */ false, &error);
        return sqlerror_from_convert(e, &error, 0);
    }
    if (v.kind == VALUE_NULL || bindtype_is_same_form(from, &c->type)) return *ret = v, true;
    if (convert_value(&convert, v, a, ret, &error)) return true;
    (void)sqlerror_from_convert(e, &error, 0);
    if (e->number == 2628)
        bindtype_truncated(
            e, &c->type, v,
            arena_printf(a, "%.*s.%.*s.%.*s", STR_ARG(r->database), STR_ARG(r->schema), STR_ARG(r->name)),
            c->name);
    return false;
}
