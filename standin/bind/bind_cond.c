/* Conditions: SQL of three-valued logic, which SQLite shares. */
#include "standin/bind/bind_internal.h"

static bool comparison(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx left, right;
    return bindexpr_value(b, x->u.binary.left, &left) && bindexpr_value(b, x->u.binary.right, &right) &&
           bindtype_compare(b, x->u.binary.op, left, right, x->line, ret);
}

/* A chain of one connective becomes a balanced tree: SQLite bounds the depth of an expression. */
static const Sql *balanced(Binder *b, const char *format, const Sql *const *items, size_t count) {
    if (count == 1) return items[0];
    size_t half = count / 2;
    return SQL_OF(b, format, balanced(b, format, items, half),
                  balanced(b, format, items + half, count - half));
}

static bool connective(Binder *b, const AstExpr *x, const Sql **ret) {
    AstOp op = x->u.binary.op;
    const Sql **items = NULL;
    const AstExpr **chain = NULL;
    size_t chain_count = 0, count = 0;
    while (x->kind == EXPR_BINARY && x->u.binary.op == op) {
        BIND_PUSH(b, chain, chain_count, x->u.binary.right);
        x = x->u.binary.left;
    }
    BIND_PUSH(b, chain, chain_count, x);
    while (chain_count-- > 0) {
        const Sql *item;
        if (!bindexpr_condition(b, chain[chain_count], &item)) return false;
        BIND_PUSH(b, items, count, item);
    }
    *ret = balanced(b, op == OP_AND ? "(@ AND @)" : "(@ OR @)", items, count);
    return true;
}

static bool between(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand, low, high;
    const Sql *from, *to;
    if (!bindexpr_value(b, x->u.between.operand, &operand) || !bindexpr_value(b, x->u.between.low, &low) ||
        !bindexpr_value(b, x->u.between.high, &high) ||
        !bindtype_compare(b, OP_GE, operand, low, x->line, &from) ||
        !bindtype_compare(b, OP_LE, operand, high, x->line, &to))
        return false;
    *ret = SQL_OF(b, x->u.between.is_not ? "NOT (@ AND @)" : "(@ AND @)", from, to);
    return true;
}

static bool is_null(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand;
    if (!bindexpr_value(b, x->u.is_null.operand, &operand)) return false;
    *ret = SQL_OF(b, x->u.is_null.is_not ? "(@ IS NOT NULL)" : "(@ IS NULL)", operand.sql);
    return true;
}

/* A list's items may each pull the operand to another type: where they all agree it is one IN, which an index
 * can serve; else a chain of comparisons. */
static bool in_list(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand;
    size_t count = x->u.in.count;
    if (!bindexpr_value(b, x->u.in.operand, &operand)) return false;
    const Sql **items = ARENA_ARRAY(b->a, const Sql *, count),
              **equals = ARENA_ARRAY(b->a, const Sql *, count);
    const char *collate = "";
    bool is_uniform = operand.type.id != TYPE_NULL;
    for (size_t i = 0; i < count; i++) {
        Bx left = operand, item;
        const char *one;
        if (!bindexpr_value(b, x->u.in.list[i], &item)) return false;
        if (!bindtype_compare(b, OP_EQ, operand, item, x->line, &equals[i])) return false;
        if (!bindtype_unify(b, &left, &item, x->line, "equal to", &one)) return false;
        if (left.sql != operand.sql) is_uniform = false;
        if (*one) collate = one;
        items[i] = item.sql;
    }
    const Sql *all = is_uniform ? SQL_OF(b, arena_printf(b->a, "(@%s IN (@))", collate), operand.sql,
                                         sql_list(b, items, count))
                                : balanced(b, "(@ OR @)", equals, count);
    *ret = x->u.in.is_not ? SQL_OF(b, "(NOT @)", all) : all;
    return true;
}

static bool one_column(Binder *b, const AstQuery *ast, uint32_t line, Query *ret) {
    if (!bindquery_bind(b, ast, ret)) return false;
    if (ret->item_count == 1) return true;
    return sqlerror_set(b->e, 116, 1, line,
                        "Only one expression can be specified in the select list when the subquery is not "
                        "introduced with EXISTS.");
}

static bool in_query(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand;
    Query q;
    const char *collate;
    if (!bindexpr_value(b, x->u.in.operand, &operand) || !one_column(b, x->u.in.query, x->line, &q))
        return false;
    Bx item = q.items[0].value;
    item.is_constant = false;
    Type common = {.id = TYPE_NULL};
    Bx *both[] = {&operand, &item}, left = operand;
    bool is_text = type_is_text(operand.type.id) && type_is_text(item.type.id);
    if (!bindtype_unify(b, &left, &item, x->line, "equal to", &collate)) return false;
    item = q.items[0].value;
    if (!is_text && !bindtype_common(b, both, 2, x->line, &common)) return false;
    if (!is_text && common.id != TYPE_NULL && !bindquery_convert(b, &q, 0, &common, x->line)) return false;
    const char *format = arena_printf(b->a, "(@%s %s (@))", collate, x->u.in.is_not ? "NOT IN" : "IN");
    *ret = SQL_OF(b, format, operand.sql, bindquery_sql(b, &q));
    return true;
}

static bool like(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand, pattern, escape = bindtype_null(b);
    Type max = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH};
    if (!bindexpr_value(b, x->u.like.operand, &operand) || !bindexpr_value(b, x->u.like.pattern, &pattern))
        return false;
    if (x->u.like.escape && !bindexpr_value(b, x->u.like.escape, &escape)) return false;
    bindtype_deduce(b, &pattern, &operand.type, /* is_exact= */ false);
    bindtype_deduce(b, &operand, &pattern.type, /* is_exact= */ false);
    const Bx *both[] = {&operand, &pattern};
    for (size_t i = 0; i < 2; i++)
        if (both[i]->type.id == TYPE_SQL_VARIANT || both[i]->type.id == TYPE_XML ||
            type_is_clr(both[i]->type.id))
            return sqlerror_set(b->e, 8116, 1, x->line,
                                "Argument data type %s is invalid for argument %zu of like function.",
                                type_name(both[i]->type.id), i + 1);
    Type collation;
    if (!bindtype_text_collation(b, &operand, &pattern, "like", x->line, &collation)) return false;
    bool is_unicode = type_is_unicode(operand.type.id) || type_is_unicode(pattern.type.id);
    if (!bindtype_convert(b, operand, &max, MODE_EXPLICIT, x->line, &operand) ||
        !bindtype_convert(b, pattern, &max, MODE_EXPLICIT, x->line, &pattern))
        return false;
    const Sql *number = sql_printf(b, "%d,%d", collation.collation, !is_unicode);
    const Sql *call = x->u.like.escape
                          ? SQL_OF(b, "ts_like(@,@,@,@)", operand.sql, pattern.sql, number, escape.sql)
                          : SQL_OF(b, "ts_like(@,@,@)", operand.sql, pattern.sql, number);
    *ret = x->u.like.is_not ? SQL_OF(b, "(NOT @)", call) : call;
    return true;
}

static bool exists(Binder *b, const AstExpr *x, const Sql **ret) {
    Query q;
    if (!bindquery_bind(b, x->u.query, &q)) return false;
    *ret = SQL_OF(b, "EXISTS (@)", bindquery_sql(b, &q));
    return true;
}

static AstOp opposite(AstOp op) {
    switch (op) {
    case OP_EQ: return OP_NE;
    case OP_NE: return OP_EQ;
    case OP_LT: return OP_GE;
    case OP_LE: return OP_GT;
    case OP_GT: return OP_LE;
    default: return OP_LT;
    }
}

/* x op ANY (q): some row has x op c1. x op ALL (q): no row has the opposite; a NULL on the way gives NULL
 * there, false here: the same in WHERE. */
static bool quantified(Binder *b, const AstExpr *x, const Sql **ret) {
    Bx operand;
    Query q;
    if (!bindexpr_value(b, x->u.quantified.operand, &operand) ||
        !one_column(b, x->u.quantified.query, x->line, &q))
        return false;
    Bx item = q.items[0].value;
    int number = b->next_source++;
    item.sql = sql_printf(b, "f%d.c1", number);
    item.is_constant = item.is_integer_literal = false;
    AstOp op = x->u.quantified.is_all ? opposite(x->u.quantified.op) : x->u.quantified.op;
    const Sql *condition;
    if (!bindtype_compare(b, op, operand, item, x->line, &condition)) return false;
    const Sql *query = bindquery_sql(b, &q), *alias = sql_printf(b, "f%d", number);
    if (!x->u.quantified.is_all) {
        *ret = SQL_OF(b, "EXISTS (SELECT 1 FROM (@) AS @ WHERE @)", query, alias, condition);
        return true;
    }
    *ret = SQL_OF(b, "NOT EXISTS (SELECT 1 FROM (@) AS @ WHERE @ IS NOT FALSE)", query, alias, condition);
    return true;
}

static bool condition(Binder *b, const AstExpr *x, const Sql **ret) {
    switch (x->kind) {
    case EXPR_UNARY: {
        const Sql *operand;
        if (!bindexpr_condition(b, x->u.unary.operand, &operand)) return false;
        *ret = SQL_OF(b, "(NOT @)", operand);
        return true;
    }
    case EXPR_BINARY:
        if (x->u.binary.op == OP_AND || x->u.binary.op == OP_OR) return connective(b, x, ret);
        return comparison(b, x, ret);
    case EXPR_IS_NULL: return is_null(b, x, ret);
    case EXPR_BETWEEN: return between(b, x, ret);
    case EXPR_IN: return x->u.in.query ? in_query(b, x, ret) : in_list(b, x, ret);
    case EXPR_LIKE: return like(b, x, ret);
    case EXPR_EXISTS: return exists(b, x, ret);
    case EXPR_QUANTIFIED: return quantified(b, x, ret);
    default:
        return sqlerror_set(b->e, 4145, 1, x->line,
                            "An expression of non-boolean type specified in a context where a condition is "
                            "expected.");
    }
}

bool bindexpr_condition(Binder *b, const AstExpr *x, const Sql **ret) {
    if (!bindexpr_enter(b, x->line)) return false;
    bool ok = condition(b, x, ret);
    b->depth--;
    return ok;
}
