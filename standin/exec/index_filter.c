#include "standin/exec/index_filter.h"

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/types/collation.h"

typedef struct Filter {
    Session *s;
    const Table *t;
    const Index *index;
    Buf shown, sql;
    SqlError *e;
} Filter;

static bool wrong(Filter *f) {
    return sql_error_set(f->e, 10735, 15, 1, "Incorrect WHERE clause for filtered index '%s' on table '%s'.",
                         f->index->name, f->t->name);
}

static const Column *column_of(Filter *f, const AstExpr *x) {
    if (x->kind != EXPR_COLUMN || x->u.column.schema.n) {
        (void)wrong(f);
        return NULL;
    }
    const Column *c = table_column(f->t, x->u.column.name);
    if (!c)
        (void)sql_error_set(f->e, 1911, 16, 1,
                            "Column name '" STR_FMT "' does not exist in the target table or view.",
                            STR_ARG(x->u.column.name));
    else if (c->is_computed)
        (void)sql_error_set(
            f->e, 10609, 16, 1,
            "Filtered index '%s' cannot be created on table '%s' because the column '%s' in the filter "
            "expression is a computed column. Rewrite the filter expression so that it does not "
            "include this column.",
            f->index->name, f->t->name, c->name);
    return c && !c->is_computed ? c : NULL;
}

/* A constant as it is shown: numbers in parentheses, texts in their quotes. */
static bool show(Filter *f, const AstExpr *x) {
    bool is_negative = x->kind == EXPR_UNARY && x->u.unary.op == OP_NEGATE;
    const AstExpr *plain = is_negative ? x->u.unary.operand : x;
    if (plain->kind != EXPR_LITERAL || plain->u.literal.value.kind == VALUE_NULL) return wrong(f);
    const Type *type = &plain->u.literal.type;
    bool is_text = type_is_text(type->id);
    CLEANUP(buf_done) Buf text = {0};
    ConvertError ignored;
    if (!convert_to_text(type, plain->u.literal.value, CONVERT_STYLE_DEFAULT, &text, &ignored))
        return wrong(f);
    if (!is_text) {
        buf_printf(&f->shown, is_negative ? "(-%s)" : "(%s)", buf_text(&text));
        return true;
    }
    if (type_is_unicode(type->id)) buf_u8(&f->shown, 'N');
    Value v = VALUE_OF_TEXT(buf_view(&text));
    ddl_literal(&v, &f->shown);
    return true;
}

static bool constant(Filter *f, const Column *c, const AstExpr *x) {
    Value v;
    if (!show(f, x) || !plan_scalar(f->s, x, &c->type, &f->s->scratch, &v, NULL, f->e)) return false;
    ddl_literal(&v, &f->sql);
    if (type_is_text(c->type.id))
        buf_printf(&f->sql, " COLLATE \"%s\"", collation_get(c->type.collation)->name);
    return true;
}

static bool comparison(Filter *f, const AstExpr *x) {
    static const char *const signs[] = {
        [OP_EQ] = "=", [OP_NE] = "<>", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">="};
    const Column *c = column_of(f, x->u.binary.left);
    if (!c) return false;
    buf_printf(&f->shown, "[%s]%s", c->name, signs[x->u.binary.op]);
    buf_printf(&f->sql, "c%d %s ", c->id, signs[x->u.binary.op]);
    return constant(f, c, x->u.binary.right);
}

static bool list(Filter *f, const AstExpr *x) {
    const Column *c = column_of(f, x->u.in.operand);
    if (!c) return false;
    if (!x->u.in.list || x->u.in.is_not) return wrong(f);
    buf_printf(&f->shown, "[%s] IN (", c->name);
    buf_printf(&f->sql, "c%d IN (", c->id);
    for (size_t i = 0; i < x->u.in.count; i++) {
        if (i) buf_cstr(&f->shown, ", ");
        if (i) buf_cstr(&f->sql, ", ");
        if (!constant(f, c, x->u.in.list[i])) return false;
    }
    buf_u8(&f->shown, ')');
    buf_u8(&f->sql, ')');
    return true;
}

static bool null_test(Filter *f, const AstExpr *x) {
    const char *test = x->u.is_null.is_not ? "IS NOT NULL" : "IS NULL";
    const Column *c = column_of(f, x->u.is_null.operand);
    if (!c) return false;
    buf_printf(&f->shown, "[%s] %s", c->name, test);
    buf_printf(&f->sql, "c%d %s", c->id, test);
    return true;
}

static bool term(Filter *f, const AstExpr *x) {
    if (x->kind == EXPR_IS_NULL) return null_test(f, x);
    if (x->kind == EXPR_IN) return list(f, x);
    if (x->kind != EXPR_BINARY) return wrong(f);
    if (x->u.binary.op >= OP_EQ && x->u.binary.op <= OP_GE) return comparison(f, x);
    if (x->u.binary.op != OP_AND || !term(f, x->u.binary.left)) return wrong(f);
    buf_cstr(&f->shown, " AND ");
    buf_cstr(&f->sql, " AND ");
    return term(f, x->u.binary.right);
}

bool indexfilter_set(Session *s, const Table *t, Index *x, const AstExpr *where, SqlError *e) {
    Filter f = {.s = s, .t = t, .index = x, .e = e};
    bool ok = term(&f, where);
    if (ok) {
        x->filter = x_asprintf("(%s)", buf_text(&f.shown));
        x->filter_sql = x_asprintf("(%s)", buf_text(&f.sql));
    }
    buf_done(&f.shown);
    buf_done(&f.sql);
    return ok;
}
