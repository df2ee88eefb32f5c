#include "base/mem.h"
#include "standin/bind/bind_internal.h"
#include "standin/types/collation.h"

bool bindexpr_enter(Binder *b, uint32_t line) {
    if (b->depth++ < BIND_MAX_DEPTH) return true;
    return sqlerror_set(
        b->e, 191, 1, line,
        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up "
        "into smaller queries.");
}

bool bindexpr_variable(Binder *b, Str name, uint32_t line, Bx *ret) {
    for (size_t i = 0; i < b->view_arg_count; i++) {
        if (!str_eq_icase(b->view_args[i].name, name)) continue;
        *ret = b->view_args[i].value;
        return true;
    }
    if (b->watched.n && str_eq_icase(b->watched, name)) b->saw_watched = true;
    BoundParam p = {.kind = BOUND_VARIABLE, .name = name};
    if (b->in_view || !b->host->variable || !b->host->variable(b->host->data, name, &p.type))
        return sqlerror_set(b->e, 137, 2, line, "Must declare the scalar variable \"%.*s\".", STR_ARG(name));
    if (p.type.id == TYPE_NULL) {
        *ret = bindtype_null(b);
        ret->undeclared = name;
        return true;
    }
    *ret = (Bx){.sql = sql_param(b, &p), .type = p.type, .is_nullable = true};
    bindtype_settle(b, &ret->type);
    bool is_watched = b->watched.n && str_eq_icase(b->watched, name);
    if (is_watched && b->is_watched_live) ret->sql = bindexpr_live_variable(b, name);
    return true;
}

const Sql *bindexpr_live_variable(Binder *b, Str name) {
    return SQL_OF(b, "standin_variable(@)", sql_quoted(b, name));
}

static bool is_ascii(Str s) {
    size_t i = 0;
    while (i < s.n && (unsigned char)s.p[i] < 0x80) i++;
    return i == s.n;
}

/* 'x' is in the database's code page: what it lacks is lost here already, as on SQL Server. */
static void narrow(Binder *b, Type *t, Value *v) {
    t->collation = b->host->default_collation;
    if (t->id != TYPE_VARCHAR || v->kind != VALUE_TEXT || is_ascii(v->v.s)) return;
    const Collation *c = collation_get(t->collation);
    CLEANUP(buf_done) Buf bytes = {0};
    CLEANUP(buf_done) Buf text = {0};
    collation_encode(c, v->v.s, &bytes);
    collation_decode(c, buf_view(&bytes), &text);
    *v = VALUE_OF_TEXT(arena_str(b->a, buf_view(&text)));
    t->length = bytes.n > 8000 ? TYPE_MAX_LENGTH : (int32_t)bytes.n;
}

static bool literal(Binder *b, const AstExpr *x, Bx *ret) {
    Type t = x->u.literal.type;
    Value v = x->u.literal.value;
    if (type_is_text(t.id)) narrow(b, &t, &v);
    *ret = bindtype_constant(b, t, v);
    ret->is_integer_literal = x->u.literal.type.id == TYPE_INT;
    return true;
}

/* -9 is a literal too; so is -2147483648, whose digits alone are past int. */
static bool negate(Binder *b, Bx x, uint32_t line, Bx *ret) {
    if (x.is_integer_literal && x.value.kind == VALUE_INT) {
        *ret = bindtype_constant(b, x.type, VALUE_OF_INT(-x.value.v.i));
        ret->is_integer_literal = true;
        return true;
    }
    if (x.is_constant && x.type.id == TYPE_NUMERIC && x.value.kind == VALUE_INT) {
        *ret = bindtype_constant(b, x.type, VALUE_OF_INT(-x.value.v.i));
        return true;
    }
    if (x.is_constant && x.value.kind == VALUE_REAL) {
        *ret = bindtype_constant(b, x.type, VALUE_OF_REAL(-x.value.v.d));
        return true;
    }
    bool is_number = type_is_exact(x.type.id) || x.type.id == TYPE_FLOAT || x.type.id == TYPE_REAL;
    if (!is_number || x.type.id == TYPE_BIT)
        return sqlerror_set(b->e, 8117, 1, line, "Operand data type %s is invalid for minus operator.",
                            type_name(x.type.id));
    *ret = (Bx){.type = x.type, .is_nullable = x.is_nullable};
    if (x.type.id == TYPE_TINYINT) ret->type.id = TYPE_SMALLINT; /* its negative has no other home */
    ret->sql = SQL_OF(b, "ts_negate(@,@)", x.sql, bindtype_code(b, &x.type));
    return true;
}

static bool unary(Binder *b, const AstExpr *x, Bx *ret) {
    Bx operand;
    if (!bindexpr_value(b, x->u.unary.operand, &operand)) return false;
    if (operand.type.id == TYPE_NULL) operand.type.id = TYPE_INT;
    switch (x->u.unary.op) {
    case OP_NEGATE: return negate(b, operand, x->line, ret);
    case OP_PLUS: *ret = operand; return true;
    default: break;
    }
    if (!type_is_integer(operand.type.id))
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for '~' operator.",
                            type_name(operand.type.id));
    *ret = (Bx){.type = operand.type, .is_nullable = operand.is_nullable};
    const char *format = operand.type.id == TYPE_BIT       ? "(1 - @)"
                         : operand.type.id == TYPE_TINYINT ? "(255 - @)"
                                                           : "(~@)";
    ret->sql = SQL_OF(b, format, operand.sql);
    return true;
}

/* Chains lean to the left and may be long: walked in a loop. */
static bool binary(Binder *b, const AstExpr *x, Bx *ret) {
    const AstExpr **chain = NULL;
    size_t count = 0;
    while (x->kind == EXPR_BINARY && x->u.binary.op < OP_EQ) {
        BIND_PUSH(b, chain, count, x);
        x = x->u.binary.left;
    }
    Bx left;
    if (!bindexpr_value(b, x, &left)) return false;
    while (count-- > 0) {
        Bx right;
        if (!bindexpr_value(b, chain[count]->u.binary.right, &right) ||
            !bindtype_binary(b, chain[count]->u.binary.op, left, right, chain[count]->line, &left))
            return false;
    }
    *ret = left;
    return true;
}

/* CASE x WHEN a: x is compared with each, so its SQL may be written repeatedly; as SQL Server does it. */
static bool case_condition(Binder *b, const AstExpr *x, const AstWhen *when, const Sql **ret) {
    if (!x->u.case_.operand) return bindexpr_condition(b, when->when, ret);
    Bx operand, value;
    if (!bindexpr_value(b, x->u.case_.operand, &operand) || !bindexpr_value(b, when->when, &value))
        return false;
    return bindtype_compare(b, OP_EQ, operand, value, x->line, ret);
}

static bool case_expr(Binder *b, const AstExpr *x, Bx *ret) {
    size_t count = x->u.case_.count + 1;
    const Sql **conditions = ARENA_ARRAY(b->a, const Sql *, count);
    Bx *values = ARENA_ARRAY(b->a, Bx, count), **all = ARENA_ARRAY(b->a, Bx *, count);
    for (size_t i = 0; i < x->u.case_.count; i++) {
        if (!case_condition(b, x, &x->u.case_.whens[i], &conditions[i]) ||
            !bindexpr_value(b, x->u.case_.whens[i].then, &values[i]))
            return false;
        all[i] = &values[i];
    }
    all[count - 1] = &values[count - 1];
    if (!x->u.case_.otherwise) values[count - 1] = bindtype_null(b);
    else if (!bindexpr_value(b, x->u.case_.otherwise, &values[count - 1])) return false;
    Type t;
    if (!bindtype_common(b, all, count, x->line, &t)) return false;
    if (t.id == TYPE_NULL)
        return sqlerror_set(
            b->e, 8133, 1, x->line,
            "At least one of the result expressions in a CASE specification must be an expression "
            "other than the NULL constant.");
    *ret = (Bx){.type = t, .is_nullable = !x->u.case_.otherwise};
    const Sql **parts = ARENA_ARRAY(b->a, const Sql *, count);
    for (size_t i = 0; i < count; i++) {
        ret->is_nullable |= values[i].is_nullable;
        if (values[i].rank > ret->rank) ret->rank = values[i].rank;
        parts[i] = i + 1 < count ? SQL_OF(b, " WHEN @ THEN @", conditions[i], values[i].sql)
                                 : SQL_OF(b, " ELSE @ END", values[i].sql);
    }
    const Sql *body = sql_text(b, "CASE");
    for (size_t i = 0; i < count; i++) body = SQL_OF(b, "@@", body, parts[i]);
    ret->sql = SQL_OF(b, "(@)", body);
    return true;
}

/* A query that may give several rows is error 512 if it does. */
static bool subquery(Binder *b, const AstExpr *x, Bx *ret) {
    Query q;
    if (!bindquery_bind(b, x->u.query, &q)) return false;
    if (q.item_count != 1)
        return sqlerror_set(
            b->e, 116, 1, x->line,
            "Only one expression can be specified in the select list when the subquery is not "
            "introduced with EXISTS.");
    *ret = q.items[0].value;
    ret->source = NULL;
    ret->is_constant = ret->is_integer_literal = false;
    ret->is_nullable = true;
    const Sql *sql = bindquery_sql(b, &q);
    if (q.is_single_row) ret->sql = SQL_OF(b, "(@)", sql);
    else
        ret->sql =
            SQL_OF(b,
                   "(SELECT CASE WHEN count(*) > 1 THEN ts_raise(512) ELSE max(c1) END FROM (SELECT c1 "
                   "FROM (@) LIMIT 2))",
                   sql);
    return true;
}

static bool collate(Binder *b, const AstExpr *x, Bx *ret) {
    if (!bindexpr_value(b, x->u.collate.operand, ret)) return false;
    uint16_t collation = collation_by_name(x->u.collate.collation);
    if (collation == COLLATION_NONE)
        return sqlerror_set(b->e, 448, 3, x->line, "Invalid collation '%.*s'.",
                            STR_ARG(x->u.collate.collation));
    if (!type_is_text(ret->type.id))
        return sqlerror_set(b->e, 447, 0, x->line, "Expression type %s is invalid for COLLATE clause.",
                            type_name(ret->type.id));
    ret->type.collation = collation;
    ret->rank = RANK_EXPLICIT;
    ret->source = NULL;
    return true;
}

static bool value(Binder *b, const AstExpr *x, Bx *ret) {
    switch (x->kind) {
    case EXPR_LITERAL: return literal(b, x, ret);
    case EXPR_VARIABLE: return bindexpr_variable(b, x->u.name, x->line, ret);
    case EXPR_GLOBAL: return bindsession_global(b, x, ret);
    case EXPR_COLUMN: return bindname_column(b, &x->u.column, ret);
    case EXPR_UNARY: return unary(b, x, ret);
    case EXPR_BINARY: return binary(b, x, ret);
    case EXPR_CASE: return case_expr(b, x, ret);
    case EXPR_CAST: {
        Bx operand;
        return bindexpr_value(b, x->u.cast.operand, &operand) && bindtype_cast(b, x, operand, ret);
    }
    case EXPR_CALL: return bindcall_value(b, x, ret);
    case EXPR_SUBQUERY: return subquery(b, x, ret);
    case EXPR_COLLATE: return collate(b, x, ret);
    case EXPR_AT_TIME_ZONE: return binddate_at_time_zone(b, x, ret);
    case EXPR_DEFAULT:
        return sqlerror_set(b->e, 156, 1, x->line, "Incorrect syntax near the keyword 'DEFAULT'.");
    default:
        return sqlerror_set(b->e, 4145, 1, x->line,
                            "An expression of non-boolean type specified in a context where a condition is "
                            "expected.");
    }
}

bool bindexpr_value(Binder *b, const AstExpr *x, Bx *ret) {
    if (!bindexpr_enter(b, x->line)) return false;
    Scope *s = b->scope;
    bool is_free = s && s->is_grouped && s->free_depth == 0 && bindname_is_grouped(b, s, x);
    if (is_free) s->free_depth++;
    bool ok = value(b, x, ret);
    if (is_free) s->free_depth--;
    b->depth--;
    return ok;
}
