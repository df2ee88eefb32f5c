/* Calls with OVER: ranking and offset functions, aggregates over a window. SQLite has them in the same form.
 */
#include <string.h>

#include "standin/bind/bind_internal.h"

/* ---- PARTITION BY, ORDER BY ---- */

static bool order_item(Binder *b, const AstOrder *order, const Sql **ret) {
    Bx x;
    if (!bindexpr_value(b, order->expr, &x)) return false;
    if (order->expr->kind == EXPR_LITERAL) {
        bool is_integer = x.type.id == TYPE_INT;
        return sqlerror_set(
            b->e, is_integer ? 5308 : 5309, 1, order->expr->line,
            "Windowed functions, aggregates and NEXT VALUE FOR functions do not support %s as "
            "ORDER BY clause expressions.",
            is_integer ? "integer indices" : "constants");
    }
    if (!bindcomparable_check(b, &x.type, COMPARE_ORDER, order->expr->line)) return false;
    *ret = x.is_constant ? sql_text(b, "NULL") : bindtype_sortable(b, &x);
    if (order->is_descending) *ret = SQL_OF(b, "@ DESC", *ret);
    return true;
}

/* ---- the frame ---- */

static const Sql *bound(Binder *b, const AstFrameBound *f) {
    if (f->kind == FRAME_CURRENT) return sql_text(b, "CURRENT ROW");
    const char *where = f->is_following ? "FOLLOWING" : "PRECEDING";
    if (f->kind == FRAME_UNBOUNDED) return sql_printf(b, "UNBOUNDED %s", where);
    return sql_printf(b, "%lld %s", (long long)f->rows->u.literal.value.v.i, where);
}

/* Order of bounds: -2 UNBOUNDED PRECEDING, -1 n PRECEDING, 0 CURRENT ROW, 1, 2. */
static int place(const AstFrameBound *f) {
    if (f->kind == FRAME_CURRENT) return 0;
    int distance = f->kind == FRAME_UNBOUNDED ? 2 : 1;
    return f->is_following ? distance : -distance;
}

static bool frame(Binder *b, const AstOver *over, uint32_t line, const Sql **ret) {
    *ret = sql_text(b, "");
    if (!over->has_frame) return true;
    if (over->is_range && (over->start.kind == FRAME_ROWS || over->end.kind == FRAME_ROWS))
        return sqlerror_set(
            b->e, 4194, 1, line,
            "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.");
    if (place(&over->start) == 2 || place(&over->end) == -2 || place(&over->start) > place(&over->end))
        return sqlerror_set(
            b->e, 4193, 1, line,
            "'BETWEEN ... AND ...' is not a valid window frame and cannot be used with the OVER "
            "clause.");
    *ret = SQL_OF(b, over->is_range ? " RANGE BETWEEN @ AND @" : " ROWS BETWEEN @ AND @",
                  bound(b, &over->start), bound(b, &over->end));
    return true;
}

static bool over_sql(Binder *b, const AstOver *over, uint32_t line, const Sql **ret) {
    const Sql *body = sql_text(b, ""), *rows;
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, over->partition_count + over->order_count + 1);
    Bx x;
    for (size_t i = 0; i < over->partition_count; i++) {
        if (!bindexpr_value(b, over->partition[i], &x) ||
            !bindcomparable_check(b, &x.type, COMPARE_PARTITION, over->partition[i]->line))
            return false;
        list[i] = bindtype_sortable(b, &x);
    }
    if (over->partition_count) body = SQL_OF(b, "PARTITION BY @", sql_list(b, list, over->partition_count));
    for (size_t i = 0; i < over->order_count; i++)
        if (!order_item(b, &over->order[i], &list[i])) return false;
    if (over->order_count) body = SQL_OF(b, "@ ORDER BY @", body, sql_list(b, list, over->order_count));
    if (!frame(b, over, line, &rows)) return false;
    *ret = SQL_OF(b, "@@", body, rows);
    return true;
}

/* ---- functions ---- */

typedef struct Ranking {
    const char *name, *format;
    TypeId type;
    uint8_t arguments;
} Ranking;

static const Ranking rankings[] = {{"ROW_NUMBER", "row_number() OVER (@)", TYPE_BIGINT, 0},
                                   {"RANK", "rank() OVER (@)", TYPE_BIGINT, 0},
                                   {"DENSE_RANK", "dense_rank() OVER (@)", TYPE_BIGINT, 0},
                                   {"PERCENT_RANK", "percent_rank() OVER (@)", TYPE_FLOAT, 0},
                                   {"CUME_DIST", "cume_dist() OVER (@)", TYPE_FLOAT, 0},
                                   {"NTILE", "ntile(@) OVER (@)", TYPE_BIGINT, 1}};

static bool ranking(Binder *b, const AstExpr *x, const Ranking *r, const Sql *over, Bx *ret) {
    Bx groups;
    *ret = (Bx){.type = {.id = r->type}, .is_nullable = r->arguments > 0};
    if (x->u.call.arg_count != r->arguments)
        return bindcall_wrong_count(b, x, r->name, r->arguments, r->arguments);
    if (x->u.call.over->has_frame)
        return sqlerror_set(b->e, 10752, 1, x->line, "The function '%s' may not have a window frame.",
                            r->name);
    if (r->arguments == 0) return ret->sql = SQL_OF(b, r->format, over), true;
    if (!bindcall_argument(b, x->u.call.args[0], 'b', &groups)) return false;
    ret->sql = SQL_OF(b, r->format, groups.sql, over);
    return true;
}

static bool is_one_of(Str name, const char *const *names, size_t count, size_t *ret) {
    for (*ret = 0; *ret < count; ++*ret)
        if (str_eq_icase(name, str_from(names[*ret]))) return true;
    return false;
}

/* LAG(x [, rows [, default]]), LEAD */
static bool offset(Binder *b, const AstExpr *x, const char *name, const Sql *over, Bx *ret) {
    const AstCall *c = &x->u.call;
    Bx value, rows = bindtype_constant(b, (Type){.id = TYPE_BIGINT}, VALUE_OF_INT(1)), otherwise;
    if (c->arg_count < 1 || c->arg_count > 3) return bindcall_wrong_count(b, x, name, 1, 3);
    if (c->over->has_frame)
        return sqlerror_set(b->e, 10752, 1, x->line, "The function '%s' may not have a window frame.", name);
    if (!bindexpr_value(b, c->args[0], &value)) return false;
    if (c->arg_count > 1 && !bindcall_argument(b, c->args[1], 'b', &rows)) return false;
    if (rows.is_constant && rows.value.kind == VALUE_INT && rows.value.v.i < 0)
        return sqlerror_set(b->e, 8730, 1, x->line,
                            "Offset parameter for Lag and Lead functions cannot be a negative value.");
    otherwise = bindtype_null(b);
    if (c->arg_count > 2 &&
        (!bindexpr_value(b, c->args[2], &otherwise) ||
         !bindtype_convert(b, otherwise, &value.type, MODE_IMPLICIT, x->line, &otherwise)))
        return false;
    *ret = (Bx){.type = value.type, .is_nullable = true, .rank = value.rank};
    ret->sql = SQL_OF(b, name[2] == 'G' ? "lag(@,@,@) OVER (@)" : "lead(@,@,@) OVER (@)", value.sql, rows.sql,
                      otherwise.sql, over);
    return true;
}

/* FIRST_VALUE(x), LAST_VALUE(x) */
static bool edge(Binder *b, const AstExpr *x, const char *name, const Sql *over, Bx *ret) {
    Bx value;
    if (x->u.call.arg_count != 1) return bindcall_wrong_count(b, x, name, 1, 1);
    if (!bindexpr_value(b, x->u.call.args[0], &value)) return false;
    *ret = (Bx){.type = value.type, .is_nullable = true, .rank = value.rank};
    ret->sql =
        SQL_OF(b, name[0] == 'F' ? "first_value(@) OVER (@)" : "last_value(@) OVER (@)", value.sql, over);
    return true;
}

static bool needs_order(Binder *b, const AstExpr *x, const char *name) {
    return x->u.call.over->order_count ||
           sqlerror_set(b->e, 4112, 1, x->line, "The function '%s' must have an OVER clause with ORDER BY.",
                        name);
}

bool bindwindow_value(Binder *b, const AstExpr *x, Bx *ret) {
    static const char *const offsets[] = {"LAG", "LEAD"}, *const edges[] = {"FIRST_VALUE", "LAST_VALUE"};
    const AstCall *c = &x->u.call;
    const Sql *over;
    size_t which;
    if (!b->scope || !b->scope->has_windows_here)
        return sqlerror_set(b->e, 4108, 1, x->line,
                            "Windowed functions can only appear in the SELECT or ORDER BY clauses.");
    b->scope->has_windows_here = false;
    bool ok = over_sql(b, c->over, x->line, &over);
    for (size_t i = 0; ok && i < sizeof rankings / sizeof *rankings; i++) {
        if (!str_eq_icase(c->name.name, str_from(rankings[i].name))) continue;
        ok = needs_order(b, x, rankings[i].name) && ranking(b, x, &rankings[i], over, ret);
        b->scope->has_windows_here = true;
        return ok;
    }
    if (ok && is_one_of(c->name.name, offsets, 2, &which)) {
        ok = needs_order(b, x, offsets[which]) && offset(b, x, offsets[which], over, ret);
    } else if (ok && is_one_of(c->name.name, edges, 2, &which)) {
        ok = needs_order(b, x, edges[which]) && edge(b, x, edges[which], over, ret);
    } else if (ok) {
        ok = bindaggregate_over(b, x, ret);
        if (ok) ret->sql = SQL_OF(b, "@ OVER (@)", ret->sql, over);
    }
    b->scope->has_windows_here = true;
    return ok;
}
