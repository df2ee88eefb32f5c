/* COUNT, SUM, AVG, MIN, MAX, STRING_AGG and the aggregates of statistics. */
#include "standin/bind/bind_internal.h"
#include "standin/bind/fn_internal.h"
#include "standin/types/collation.h"
#include "standin/types/decimal.h"

typedef enum Aggregate {
    AGG_NONE,
    AGG_COUNT,
    AGG_COUNT_BIG,
    AGG_SUM,
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_STRING,
    AGG_DEVIATION,
    AGG_CHECKSUM,
} Aggregate;

static Aggregate aggregate_of(const AstCall *c) {
    static const struct {
        const char *name;
        Aggregate aggregate;
    } names[] = {{"COUNT", AGG_COUNT},
                 {"COUNT_BIG", AGG_COUNT_BIG},
                 {"SUM", AGG_SUM},
                 {"AVG", AGG_AVG},
                 {"MIN", AGG_MIN},
                 {"MAX", AGG_MAX},
                 {"STRING_AGG", AGG_STRING},
                 {"STDEV", AGG_DEVIATION},
                 {"STDEVP", AGG_DEVIATION},
                 {"VAR", AGG_DEVIATION},
                 {"VARP", AGG_DEVIATION},
                 {"CHECKSUM_AGG", AGG_CHECKSUM},
                 {"APPROX_COUNT_DISTINCT", AGG_COUNT_BIG}};
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

/* RANK() OVER (ORDER BY SUM(x)) */
static bool within_over(const AstOver *over) {
    if (!over) return false;
    for (size_t i = 0; i < over->order_count; i++)
        if (bindaggregate_within(over->order[i].expr)) return true;
    return within_list(over->partition, over->partition_count);
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
    case EXPR_CALL:
        return bindaggregate_is(x) || within_list(x->u.call.args, x->u.call.arg_count) ||
               within_over(x->u.call.over);
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
    case EXPR_AT_TIME_ZONE: return bindaggregate_within(x->u.binary.left);
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
    const char *format = aggregate == AGG_SUM
                             ? (c->is_distinct ? "ts_sum1(DISTINCT ts_tag(@,@,@))" : "ts_sum(@,@,@)")
                             : (c->is_distinct ? "ts_avg1(DISTINCT ts_tag(@,@,@))" : "ts_avg(@,@,@)");
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
    if (arg.type.id == TYPE_TEXT || arg.type.id == TYPE_NTEXT || arg.type.id == TYPE_IMAGE)
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for count operator.",
                            type_name(arg.type.id));
    bool is_distinct = c->is_distinct || str_eq_icase(c->name.name, STR_LIT("APPROX_COUNT_DISTINCT"));
    if (is_distinct &&
        (arg.type.id == TYPE_XML || arg.type.id == TYPE_GEOMETRY || arg.type.id == TYPE_GEOGRAPHY))
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for count operator.",
                            type_name(arg.type.id));
    ret->sql = SQL_OF(b, is_distinct ? "count(DISTINCT @)" : "count(@)", bindtype_sortable(b, &arg));
    return true;
}

/* ORDER BY of WITHIN GROUP as arguments: a bit for each descending one, then forms that compare bytewise. */
static bool within_keys(Binder *b, const AstCall *c, const Sql **ret) {
    const Sql **keys = ARENA_ARRAY(b->a, const Sql *, c->within_count + 1);
    unsigned long long descending = 0;
    for (size_t i = 0; i < c->within_count; i++) {
        Bx x;
        if (!bindexpr_value(b, c->within[i].expr, &x)) return false;
        if (c->within[i].is_descending && i < 63) descending |= 1ULL << i;
        uint16_t collation = x.type.collation ? x.type.collation : b->host->default_collation;
        keys[i + 1] = type_is_text(x.type.id)
                          ? SQL_OF(b, "ts_sort_key(@,@)", x.sql, sql_printf(b, "%d", collation))
                          : bindtype_sortable(b, &x);
    }
    keys[0] = sql_printf(b, "%llu", descending);
    *ret = sql_list(b, keys, c->within_count + 1);
    return true;
}

static bool string_agg(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    Bx arg, separator;
    const Sql *keys;
    if (!bindexpr_value(b, c->args[0], &arg) || !bindexpr_value(b, c->args[1], &separator) ||
        !within_keys(b, c, &keys))
        return false;
    if (c->is_distinct) return sqlerror_set(b->e, 102, 1, x->line, "Incorrect syntax near 'DISTINCT'.");
    Type t = {.id = type_is_unicode(arg.type.id) ? TYPE_NVARCHAR : TYPE_VARCHAR, .length = 8000};
    if (t.id == TYPE_NVARCHAR || !type_is_text(arg.type.id)) t = (Type){.id = TYPE_NVARCHAR, .length = 4000};
    if (arg.type.length == TYPE_MAX_LENGTH) t.length = TYPE_MAX_LENGTH;
    t.collation = type_is_text(arg.type.id) ? arg.type.collation : 0;
    if (!bindtype_convert(b, arg, &t, MODE_EXPLICIT, x->line, &arg)) return false;
    *ret = (Bx){.type = arg.type, .is_nullable = true};
    ret->sql =
        SQL_OF(b, "ts_string_agg(@,@,@,@)", arg.sql, separator.sql, bindtype_code(b, &ret->type), keys);
    return true;
}

/* STDEV(x) and its kin are computed in float. */
static bool deviation(Binder *b, const AstExpr *x, Bx arg, Bx *ret) {
    static const Type to = {.id = TYPE_FLOAT};
    Str name = x->u.call.name.name;
    if (!is_summable(&arg.type))
        return sqlerror_set(b->e, 8117, 1, x->line, "Operand data type %s is invalid for %.*s operator.",
                            type_name(arg.type.id), STR_ARG(name));
    if (!bindtype_convert(b, arg, &to, MODE_IMPLICIT, x->line, &arg)) return false;
    int which = (name.p[name.n - 1] | 0x20) == 'p' ? FN_DEVIATION_POPULATION : 0;
    if ((name.p[0] | 0x20) == 'v') which |= FN_DEVIATION_VARIANCE;
    *ret = (Bx){.type = to, .is_nullable = true};
    if (x->u.call.is_distinct)
        return sqlerror_set(
            b->e, 40517, 1, x->line,
            "Keyword or statement option '%.*s(DISTINCT)' is not supported in this version of SQL Server.",
            STR_ARG(name));
    ret->sql = SQL_OF(b, "ts_deviation(@,@)", arg.sql, sql_printf(b, "%d", which));
    return true;
}

static bool checksum_agg(Binder *b, const AstExpr *x, Bx arg, Bx *ret) {
    static const Type to = {.id = TYPE_INT};
    if (!bindtype_convert(b, arg, &to, MODE_IMPLICIT, x->line, &arg)) return false;
    *ret = (Bx){.type = to, .is_nullable = true};
    ret->sql =
        SQL_OF(b, x->u.call.is_distinct ? "ts_checksum_agg(DISTINCT @)" : "ts_checksum_agg(@)", arg.sql);
    return true;
}

static bool min_max(Binder *b, const AstExpr *x, Aggregate aggregate, Bx *ret) {
    Bx arg;
    if (!bindexpr_value(b, x->u.call.args[0], &arg)) return false;
    if (arg.type.id == TYPE_BIT || arg.type.id == TYPE_TEXT || arg.type.id == TYPE_NTEXT ||
        arg.type.id == TYPE_IMAGE || arg.type.id == TYPE_XML || arg.type.id == TYPE_NULL ||
        arg.type.id == TYPE_GEOMETRY || arg.type.id == TYPE_GEOGRAPHY)
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
                            STR_ARG(bindcall_lower(b, c->name.name)), wanted);
    if (is_count) return count(b, x, aggregate, ret);
    if (aggregate == AGG_STRING) return string_agg(b, x, ret);
    if (aggregate == AGG_MIN || aggregate == AGG_MAX) return min_max(b, x, aggregate, ret);
    Bx arg;
    if (!bindexpr_value(b, c->args[0], &arg)) return false;
    if (aggregate == AGG_DEVIATION) return deviation(b, x, arg, ret);
    if (aggregate == AGG_CHECKSUM) return checksum_agg(b, x, arg, ret);
    return sum(b, x, aggregate, arg, ret);
}

bool bindaggregate_over(Binder *b, const AstExpr *x, Bx *ret) {
    Aggregate aggregate = aggregate_of(&x->u.call);
    if (bindcall_is_unbuilt(b, x->u.call.name.name, x->line)) return false;
    if (aggregate == AGG_NONE || aggregate == AGG_STRING || aggregate == AGG_CHECKSUM)
        return sqlerror_set(
            b->e, 4113, 1, x->line,
            "The function '%.*s' is not a valid windowing function, and cannot be used with the OVER clause.",
            STR_ARG(x->u.call.name.name));
    if (x->u.call.is_distinct)
        return sqlerror_set(b->e, 10759, 1, x->line, "Use of DISTINCT is not allowed with the OVER clause.");
    return aggregate_value(b, x, aggregate, ret);
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
    bool has_windows = s->has_windows_here;
    s->free_depth++;
    s->has_windows_here = false;
    bool ok = aggregate_value(b, x, aggregate_of(&x->u.call), ret);
    s->has_windows_here = has_windows;
    s->free_depth--;
    return ok;
}
