/* COUNT, SUM, AVG, MIN, MAX, STRING_AGG; and the window functions that SQLite has in the same form. */
#include "standin/bind/bind_internal.h"
#include "standin/types/decimal.h"

typedef enum Aggregate {
    AGG_NONE,
    AGG_COUNT,
    AGG_COUNT_BIG,
    AGG_SUM,
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_STRING
} Aggregate;

static Aggregate aggregate_of(const AstCall *c) {
    static const struct {
        const char *name;
        Aggregate aggregate;
    } names[] = {{"COUNT", AGG_COUNT},      {"COUNT_BIG", AGG_COUNT_BIG},
                 {"SUM", AGG_SUM},          {"AVG", AGG_AVG},
                 {"MIN", AGG_MIN},          {"MAX", AGG_MAX},
                 {"STRING_AGG", AGG_STRING}};
    if (c->name.schema.n) return AGG_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_icase(c->name.name, str_from(names[i].name))) return names[i].aggregate;
    return AGG_NONE;
}

bool bindaggregate_is(const AstExpr *x) {
    return x->kind == EXPR_CALL && !x->u.call.over && aggregate_of(&x->u.call) != AGG_NONE;
}

static bool within_list(AstExpr *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (bindaggregate_within(list[i])) return true;
    return false;
}

static bool within_case(const AstExpr *x) {
    if (x->u.case_.operand && bindaggregate_within(x->u.case_.operand)) return true;
    if (x->u.case_.otherwise && bindaggregate_within(x->u.case_.otherwise)) return true;
    for (size_t i = 0; i < x->u.case_.count; i++)
        if (bindaggregate_within(x->u.case_.whens[i].when) || bindaggregate_within(x->u.case_.whens[i].then))
            return true;
    return false;
}

static bool within_binary(const AstExpr *x) {
    while (x->kind == EXPR_BINARY) {
        if (bindaggregate_within(x->u.binary.right)) return true;
        x = x->u.binary.left;
    }
    return bindaggregate_within(x);
}

bool bindaggregate_within(const AstExpr *x) {
    switch (x->kind) {
    case EXPR_CALL: return bindaggregate_is(x) || within_list(x->u.call.args, x->u.call.arg_count);
    case EXPR_UNARY: return bindaggregate_within(x->u.unary.operand);
    case EXPR_BINARY: return within_binary(x);
    case EXPR_IS_NULL: return bindaggregate_within(x->u.is_null.operand);
    case EXPR_BETWEEN:
        return bindaggregate_within(x->u.between.operand) || bindaggregate_within(x->u.between.low) ||
               bindaggregate_within(x->u.between.high);
    case EXPR_IN: return bindaggregate_within(x->u.in.operand) || within_list(x->u.in.list, x->u.in.count);
    case EXPR_LIKE: return bindaggregate_within(x->u.like.operand) || bindaggregate_within(x->u.like.pattern);
    case EXPR_CASE: return within_case(x);
    case EXPR_CAST: return bindaggregate_within(x->u.cast.operand);
    case EXPR_COLLATE: return bindaggregate_within(x->u.collate.operand);
    default: return false;
    }
}

static Type sum_type(const Type *t, Aggregate aggregate) {
    switch (t->id) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: return (Type){.id = TYPE_INT};
    case TYPE_BIGINT: return (Type){.id = TYPE_BIGINT};
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return (Type){.id = TYPE_MONEY};
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: {
        uint8_t scale = aggregate == AGG_AVG && t->scale < 6 ? 6 : t->scale;
        return (Type){.id = t->id, .precision = DECIMAL_MAX_PRECISION, .scale = scale};
    }
    default: return (Type){.id = TYPE_FLOAT};
    }
}

static bool is_summable(const Type *t) {
    if (t->id == TYPE_BIT) return false;
    return type_is_exact(t->id) || t->id == TYPE_FLOAT || t->id == TYPE_REAL;
}

static bool sum(Binder *b, const AstExpr *x, Aggregate aggregate, Bx arg, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (!is_summable(&arg.type))
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for %s operator.",
                            type_name(arg.type.id), aggregate == AGG_SUM ? "sum" : "avg");
    *ret = (Bx){.type = sum_type(&arg.type, aggregate), .is_nullable = true};
    const char *format = aggregate == AGG_SUM ? (c->is_distinct ? "ts_sum(DISTINCT @,@,@)" : "ts_sum(@,@,@)")
                                              : (c->is_distinct ? "ts_avg(DISTINCT @,@,@)" : "ts_avg(@,@,@)");
    if (c->is_distinct) /* SQLite: DISTINCT aggregates have one argument only */
        return sqlerror_set(
            b->e, 40517, 1, x->line,
            "Keyword or statement option 'SUM(DISTINCT) and AVG(DISTINCT)' is not supported in this "
            "version of SQL Server.");
    ret->sql = SQL_OF(b, format, arg.sql, bindtype_code(b, &arg.type), bindtype_code(b, &ret->type));
    return true;
}

static bool count(Binder *b, const AstExpr *x, Aggregate aggregate, Bx *ret) {
    const AstCall *c = &x->u.call;
    *ret = (Bx){.type = {.id = aggregate == AGG_COUNT ? TYPE_INT : TYPE_BIGINT}};
    if (c->is_star) {
        ret->sql = sql_text(b, "count(*)");
        return true;
    }
    Bx arg;
    if (!bindexpr_value(b, c->args[0], &arg)) return false;
    ret->sql = SQL_OF(b, c->is_distinct ? "count(DISTINCT @)" : "count(@)", bindtype_sortable(b, &arg));
    return true;
}

static bool string_agg(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    Bx arg, separator;
    if (c->within_count)
        return sqlerror_set(
            b->e, 40517, 1, x->line,
            "Keyword or statement option 'WITHIN GROUP' is not supported in this version of SQL "
            "Server.");
    if (!bindexpr_value(b, c->args[0], &arg) || !bindexpr_value(b, c->args[1], &separator)) return false;
    Type t = {.id = type_is_unicode(arg.type.id) ? TYPE_NVARCHAR : TYPE_VARCHAR, .length = 8000};
    if (t.id == TYPE_NVARCHAR || !type_is_text(arg.type.id)) t = (Type){.id = TYPE_NVARCHAR, .length = 4000};
    if (arg.type.length == TYPE_MAX_LENGTH) t.length = TYPE_MAX_LENGTH;
    if (!bindtype_convert(b, arg, &t, MODE_EXPLICIT, x->line, &arg)) return false;
    *ret = (Bx){.type = arg.type, .is_nullable = true};
    ret->sql = SQL_OF(b, "group_concat(@,@)", arg.sql, separator.sql);
    return true;
}

static bool min_max(Binder *b, const AstExpr *x, Aggregate aggregate, Bx *ret) {
    Bx arg;
    if (!bindexpr_value(b, x->u.call.args[0], &arg)) return false;
    if (arg.type.id == TYPE_BIT || arg.type.id == TYPE_TEXT || arg.type.id == TYPE_NTEXT ||
        arg.type.id == TYPE_IMAGE || arg.type.id == TYPE_XML || arg.type.id == TYPE_NULL)
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for %s operator.",
                            arg.type.id == TYPE_NULL ? "NULL" : type_name(arg.type.id),
                            aggregate == AGG_MIN ? "min" : "max");
    *ret = (Bx){.type = arg.type, .is_nullable = true, .rank = arg.rank};
    /* the whole datetimeoffset: its first bytes decide */
    const Sql *sql = arg.type.id == TYPE_DATETIMEOFFSET ? arg.sql : bindtype_sortable(b, &arg);
    ret->sql = SQL_OF(b, aggregate == AGG_MIN ? "min(@)" : "max(@)", sql);
    return true;
}

static bool aggregate_value(Binder *b, const AstExpr *x, Aggregate aggregate, Bx *ret) {
    const AstCall *c = &x->u.call;
    size_t wanted = aggregate == AGG_STRING ? 2 : 1;
    bool is_count = aggregate == AGG_COUNT || aggregate == AGG_COUNT_BIG;
    if ((c->is_star && !is_count) || (!c->is_star && c->arg_count != wanted))
        return sqlerror_set(b->e, 174, 1, x->line, "The %.*s function requires %zu argument(s).",
                            STR_ARG(c->name.name), wanted);
    if (is_count) return count(b, x, aggregate, ret);
    if (aggregate == AGG_STRING) return string_agg(b, x, ret);
    if (aggregate == AGG_MIN || aggregate == AGG_MAX) return min_max(b, x, aggregate, ret);
    Bx arg;
    return bindexpr_value(b, c->args[0], &arg) && sum(b, x, aggregate, arg, ret);
}

bool bindaggregate_value(Binder *b, const AstExpr *x, Bx *ret) {
    Scope *s = b->scope;
    if (!s || !s->is_grouped)
        return sqlerror_set(
            b->e, 147, 1, x->line,
            "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a "
            "HAVING clause or a select list, and the column being aggregated is an outer reference.");
    for (size_t i = 0; i < x->u.call.arg_count; i++)
        if (bindaggregate_within(x->u.call.args[i]))
            return sqlerror_set(
                b->e, 130, 1, x->line,
                "Cannot perform an aggregate function on an expression containing an aggregate or a "
                "subquery.");
    s->free_depth++;
    bool ok = aggregate_value(b, x, aggregate_of(&x->u.call), ret);
    s->free_depth--;
    return ok;
}

/* ---- OVER ---- */

static bool over_sql(Binder *b, const AstOver *over, const Sql **ret) {
    const Sql *body = sql_text(b, "");
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, over->partition_count + over->order_count + 1);
    Bx x;
    for (size_t i = 0; i < over->partition_count; i++) {
        if (!bindexpr_value(b, over->partition[i], &x)) return false;
        list[i] = bindtype_sortable(b, &x);
    }
    if (over->partition_count) body = SQL_OF(b, "PARTITION BY @", sql_list(b, list, over->partition_count));
    for (size_t i = 0; i < over->order_count; i++) {
        if (!bindexpr_value(b, over->order[i].expr, &x)) return false;
        list[i] = x.is_constant ? sql_text(b, "NULL") : bindtype_sortable(b, &x);
        if (over->order[i].is_descending) list[i] = SQL_OF(b, "@ DESC", list[i]);
    }
    if (over->order_count) body = SQL_OF(b, "@ ORDER BY @", body, sql_list(b, list, over->order_count));
    *ret = body;
    return true;
}

bool bindaggregate_window(Binder *b, const AstExpr *x, Bx *ret) {
    static const char *const ranks[] = {"ROW_NUMBER", "RANK", "DENSE_RANK"};
    static const char *const formats[] = {"row_number() OVER (@)", "rank() OVER (@)",
                                          "dense_rank() OVER (@)"};
    const AstCall *c = &x->u.call;
    Aggregate aggregate = aggregate_of(c);
    const Sql *over;
    if (!over_sql(b, c->over, &over)) return false;
    for (size_t i = 0; i < 3; i++) {
        if (!str_eq_icase(c->name.name, str_from(ranks[i]))) continue;
        if (c->over->order_count == 0)
            return sqlerror_set(b->e, 4112, 1, x->line,
                                "The function '%s' must have an OVER clause with ORDER BY.", ranks[i]);
        *ret = (Bx){.type = {.id = TYPE_BIGINT}, .sql = SQL_OF(b, formats[i], over)};
        return true;
    }
    bool is_built =
        aggregate == AGG_COUNT || aggregate == AGG_COUNT_BIG || aggregate == AGG_MIN || aggregate == AGG_MAX;
    if (!is_built)
        return sqlerror_set(
            b->e, 40517, 1, x->line,
            "Keyword or statement option '%.*s OVER' is not supported in this version of SQL Server.",
            STR_ARG(c->name.name));
    Scope *s = b->scope;
    if (s) s->free_depth++;
    bool ok = aggregate_value(b, x, aggregate, ret);
    if (s) s->free_depth--;
    if (ok) ret->sql = SQL_OF(b, "@ OVER (@)", ret->sql, over);
    return ok;
}
