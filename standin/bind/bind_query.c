/*
 * Query expressions. A bound query keeps its items apart from the rest, so that a set operation or an INSERT
 * can still convert them; bindquery_sql puts it together. Every item is named c<n> in SQL.
 */
#include "standin/bind/bind_internal.h"

#include <string.h>

/* ---- the select list ---- */

static void push_item(Binder *b, Query *q, QueryItem item) {
    BIND_PUSH(b, q->items, q->item_count, item);
}

static bool star(Binder *b, const AstItem *ast, Scope *scope, Query *q) {
    bool hit = false;
    for (size_t i = 0; i < scope->source_count; i++) {
        const Source *s = scope->sources[i];
        if (ast->qualifier.name.n && !bindname_matches(s, &ast->qualifier)) continue;
        hit = true;
        for (size_t c = 0; c < s->column_count; c++) {
            AstName name = {
                .schema = s->alias.n ? s->alias : s->name, .name = s->columns[c].name, .line = ast->line};
            QueryItem item = {.name = name.name};
            const SourceColumn *column = &s->columns[c];
            if (s->used) s->used[c] = true;
            if (scope->is_grouped && !bindname_column(b, &name, &item.value)) return false;
            item.value = (Bx){.sql = column->sql,
                              .type = column->type,
                              .is_nullable = column->is_nullable,
                              .rank = RANK_IMPLICIT,
                              .source = s,
                              .column = c};
            push_item(b, q, item);
        }
    }
    if (hit) return true;
    if (ast->qualifier.name.n == 0)
        return sqlerror_set(b->e, 263, 1, ast->line, "Must specify table to select from.");
    return sqlerror_set(
        b->e, 107, 1, ast->line,
        "The column prefix '%.*s' does not match with a table name or alias name used in the query.",
        STR_ARG(ast->qualifier.name));
}

static bool assignment(Binder *b, const AstItem *ast, bool has_from, Query *q, QueryItem *item) {
    BoundParam p = {.kind = BOUND_VARIABLE};
    Bx before;
    if (!bindexpr_variable(b, ast->variable, ast->line, &before)) return false;
    p.type = before.type;
    b->watched = ast->variable;
    b->is_watched_live = has_from;
    b->saw_watched = ast->assign_op != OP_EQ;
    bool ok = bindexpr_value(b, ast->expr, &item->value);
    b->watched = (Str){0};
    if (!ok) return false;
    if (has_from && b->saw_watched) {
        q->accumulates = true;
        before.sql = bindexpr_live_variable(b, ast->variable);
    }
    if (ast->assign_op != OP_EQ &&
        !bindtype_binary(b, ast->assign_op, before, item->value, ast->line, &item->value))
        return false;
    item->variable = ast->variable;
    return bindtype_convert(b, item->value, &p.type, MODE_IMPLICIT, ast->line, &item->value);
}

static bool item(Binder *b, const AstSelect *s, const AstItem *ast, Scope *scope, Query *q) {
    if (ast->kind == ITEM_STAR) return star(b, ast, scope, q);
    QueryItem x = {.name = ast->alias};
    if (ast->kind == ITEM_ASSIGN) {
        if (!assignment(b, ast, s->from_count > 0, q, &x)) return false;
        q->assigns = true;
    } else if (!bindexpr_value(b, ast->expr, &x.value)) {
        return false;
    }
    if (x.name.n == 0 && ast->kind == ITEM_EXPR && ast->expr->kind == EXPR_COLUMN) {
        /* As it is written here, whatever its letters were when it was made; $identity is no name. */
        x.name = ast->expr->u.column.name;
        if (x.value.source && x.name.p[0] == '$') x.name = x.value.source->columns[x.value.column].name;
    }
    push_item(b, q, x);
    return true;
}

static bool items(Binder *b, const AstSelect *s, Scope *scope, Query *q) {
    size_t outer = b->item;
    bool ok = true;
    for (size_t i = 0; ok && i < s->item_count; i++) {
        b->item = q->item_count + 1;
        ok = item(b, s, &s->items[i], scope, q);
    }
    b->item = outer;
    for (size_t i = 0; ok && q->assigns && i < q->item_count; i++)
        if (q->items[i].variable.n == 0)
            return sqlerror_set(
                b->e, 141, 1, s->items[0].line,
                "A SELECT statement that assigns a value to a variable must not be combined with "
                "data-retrieval operations.");
    return ok;
}

/* ---- ORDER BY, TOP, OFFSET ---- */

static bool order_by_item(Binder *b, const Query *q, size_t n, uint32_t line, const Sql **ret) {
    const Bx *x = &q->items[n].value;
    if (!bindcomparable_check(b, &x->type, COMPARE_ORDER, line)) return false;
    bool is_plain = x->source != NULL && !q->is_set;
    if (is_plain || (x->type.id == TYPE_DATETIMEOFFSET && !q->is_set)) *ret = bindtype_sortable(b, x);
    else *ret = SQL_OF(b, "@@", sql_printf(b, "%zu", n + 1), sql_text(b, bindtype_collate(b, &x->type)));
    return true;
}

/* A name that is an item's counts as the item, whatever columns there are. */
static bool named_item(Binder *b, const Query *q, const AstExpr *x, size_t *ret, bool *ret_found) {
    *ret_found = false;
    if (x->kind != EXPR_COLUMN || x->u.column.schema.n) return true;
    for (size_t i = 0; i < q->item_count; i++) {
        if (!str_eq_icase(q->items[i].name, x->u.column.name)) continue;
        bool is_same = *ret_found && q->items[*ret].value.source == q->items[i].value.source &&
                       q->items[*ret].value.source && q->items[*ret].value.column == q->items[i].value.column;
        if (*ret_found && !is_same)
            return sqlerror_set(b->e, 209, 1, x->line, "Ambiguous column name '%.*s'.",
                                STR_ARG(x->u.column.name));
        if (!*ret_found) *ret = i;
        *ret_found = true;
    }
    return true;
}

/* A column with its table's name, as it stands in the first SELECT of a set operation. */
static bool set_item(const AstQuery *ast, const AstExpr *x, size_t *ret) {
    while (ast->kind == QUERY_SET) ast = ast->u.set.left;
    if (ast->kind != QUERY_SELECT || x->kind != EXPR_COLUMN) return false;
    for (size_t i = 0; i < ast->u.select.item_count; i++) {
        const AstItem *item = &ast->u.select.items[i];
        if (item->kind != ITEM_EXPR) return false; /* the places after a star aren't the tree's */
        if (item->expr->kind != EXPR_COLUMN) continue;
        const AstName *name = &item->expr->u.column, *wanted = &x->u.column;
        if (!str_eq_icase(name->name, wanted->name) || !str_eq_icase(name->schema, wanted->schema)) continue;
        *ret = i;
        return true;
    }
    return false;
}

static bool order_term(Binder *b, const Query *q, const AstQuery *ast, const AstExpr *x, const Sql **ret) {
    size_t n = 0;
    bool found;
    if (x->kind == EXPR_LITERAL && x->u.literal.type.id == TYPE_INT) {
        int64_t position = x->u.literal.value.v.i;
        if (position < 1 || (size_t)position > q->item_count)
            return sqlerror_set(
                b->e, 108, 1, x->line,
                "The ORDER BY position number %lld is out of range of the number of items in the "
                "select list.",
                (long long)position);
        return order_by_item(b, q, (size_t)position - 1, x->line, ret);
    }
    if (!named_item(b, q, x, &n, &found)) return false;
    if (found || (q->is_set && set_item(ast, x, &n))) return order_by_item(b, q, n, x->line, ret);
    if (q->is_set)
        return sqlerror_set(
            b->e, 104, 1, x->line,
            "ORDER BY items must appear in the select list if the statement contains a UNION, "
            "INTERSECT or EXCEPT operator.");
    Bx value;
    if (!bindexpr_value(b, x, &value) || !bindcomparable_check(b, &value.type, COMPARE_ORDER, x->line))
        return false;
    *ret = value.is_constant ? SQL_OF(b, "(0+@)", sql_text(b, "0")) : bindtype_sortable(b, &value);
    return true;
}

static bool order(Binder *b, const AstQuery *ast, Query *q) {
    const Sql **terms = ARENA_ARRAY(b->a, const Sql *, ast->order_count ? ast->order_count : 1);
    Scope *s = q->is_set ? NULL : b->scope;
    if (s) s->clause = "ORDER BY clause";
    if (s) s->has_windows_here = true;
    bool ok = true;
    for (size_t i = 0; ok && i < ast->order_count; i++) {
        ok = order_term(b, q, ast, ast->order[i].expr, &terms[i]);
        if (ok && ast->order[i].is_descending) terms[i] = SQL_OF(b, "@ DESC", terms[i]);
    }
    if (s) s->has_windows_here = false;
    if (ok) q->tail = SQL_OF(b, " ORDER BY @", sql_list(b, terms, ast->order_count));
    return ok;
}

/* ---- TOP … PERCENT, TOP … WITH TIES: rows are numbered around the query, then cut ---- */

static bool check_top(Binder *b, const AstQuery *ast, const AstTop *top) {
    if (top->with_ties && ast->order_count == 0)
        return sqlerror_set(
            b->e, 1062, 1, ast->line,
            "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.");
    return true;
}

/* The terms of ORDER BY as columns: of the select list if they are there, else hidden ones behind it. */
static bool rank_columns(Binder *b, const AstQuery *ast, Query *q, const Sql **ret_order) {
    const Sql **terms = ARENA_ARRAY(b->a, const Sql *, ast->order_count + 1);
    for (size_t i = 0; i < ast->order_count; i++) {
        const AstExpr *x = ast->order[i].expr;
        size_t n = 0;
        bool found = x->kind == EXPR_LITERAL && x->u.literal.type.id == TYPE_INT;
        if (found) n = (size_t)x->u.literal.value.v.i - 1; /* order() has looked at its range */
        else if (!named_item(b, q, x, &n, &found)) return false;
        const Type *type = found ? &q->items[n].value.type : NULL;
        if (!found) {
            Bx value;
            if (!bindexpr_value(b, x, &value)) return false;
            n = q->item_count + q->hidden_count;
            QueryItem item = {.value = value};
            q->hidden = bindsql_grow(b->a, q->hidden, q->hidden_count, sizeof *q->hidden);
            q->hidden[q->hidden_count++] = item;
            type = &q->hidden[q->hidden_count - 1].value.type;
        }
        Bx column = {.sql = sql_printf(b, "q_.c%zu", n + 1), .type = *type};
        terms[i] = bindtype_sortable(b, &column);
        if (ast->order[i].is_descending) terms[i] = SQL_OF(b, "@ DESC", terms[i]);
    }
    *ret_order =
        ast->order_count ? SQL_OF(b, "ORDER BY @", sql_list(b, terms, ast->order_count)) : sql_text(b, "");
    return true;
}

static bool percent_or_ties(Binder *b, const AstQuery *ast, const AstTop *top, Query *q) {
    const Sql *order_by, *count;
    if (b->scope) b->scope->has_windows_here = true;
    bool ok = rank_columns(b, ast, q, &order_by);
    if (b->scope) b->scope->has_windows_here = false;
    if (!ok) return false;
    if (top->is_percent) {
        Bx percent;
        if (!bindcall_argument(b, top->count, 'f', &percent)) return false;
        count = SQL_OF(b, "ts_percent(n_,@)", percent.sql);
    } else if (!bindquery_limit(b, top->count, &count)) {
        return false;
    }
    const Sql *rank = top->with_ties ? SQL_OF(b, "rank() OVER (@)", order_by) : sql_text(b, "0");
    q->rank = SQL_OF(b, "@ AS r_, row_number() OVER (@) AS o_, count(*) OVER () AS n_", rank, order_by);
    q->rank_limit = SQL_OF(b, top->with_ties ? "r_ <= @" : "o_ <= @", count);
    q->tail = NULL;
    return true;
}

bool bindquery_limit(Binder *b, const AstExpr *count, const Sql **ret) {
    Bx x;
    Type bigint = {.id = TYPE_BIGINT};
    Scope *saved = b->scope;
    b->scope = NULL; /* no columns here */
    bool ok = bindexpr_value(b, count, &x);
    b->scope = saved;
    if (!ok || !bindtype_convert(b, x, &bigint, MODE_EXPLICIT, count->line, &x)) return false;
    bool is_good = x.is_constant && x.value.kind == VALUE_INT && x.value.v.i >= 0;
    if (x.is_constant && !is_good)
        return sqlerror_set(b->e, 1014, 1, count->line, "A TOP or FETCH clause contains an invalid value.");
    *ret = is_good ? x.sql : SQL_OF(b, "ts_limit(@)", x.sql);
    return true;
}

static bool limits(Binder *b, const AstQuery *ast, const AstTop *top, Query *q) {
    const Sql *limit = NULL, *offset = NULL, *tail = q->tail ? q->tail : sql_text(b, "");
    if (top && top->count) {
        if (ast->offset)
            return sqlerror_set(b->e, 10741, 2, ast->line,
                                "A TOP can not be used in the same query or sub-query as a OFFSET.");
        if (top->is_percent || top->with_ties) return percent_or_ties(b, ast, top, q);
        if (!bindquery_limit(b, top->count, &limit)) return false;
        q->is_single_row |= top->count->kind == EXPR_LITERAL &&
                            top->count->u.literal.value.kind == VALUE_INT &&
                            top->count->u.literal.value.v.i <= 1;
    }
    if (ast->fetch && !bindquery_limit(b, ast->fetch, &limit)) return false;
    if (ast->offset && !bindquery_limit(b, ast->offset, &offset)) return false;
    if (!limit && !offset) return true;
    q->has_limit = true;
    if (!limit) limit = sql_text(b, "-1");
    q->tail =
        offset ? SQL_OF(b, "@ LIMIT @ OFFSET @", tail, limit, offset) : SQL_OF(b, "@ LIMIT @", tail, limit);
    return true;
}

/* ---- SELECT ---- */

static bool has_aggregates(const AstQuery *ast) {
    const AstSelect *s = &ast->u.select;
    for (size_t i = 0; i < s->item_count; i++)
        if (s->items[i].expr && bindaggregate_within(s->items[i].expr)) return true;
    for (size_t i = 0; i < ast->order_count; i++)
        if (bindaggregate_within(ast->order[i].expr)) return true;
    return s->having != NULL;
}

static bool group_by(Binder *b, const AstSelect *s, Scope *scope, const Sql **tail) {
    const Sql **terms = ARENA_ARRAY(b->a, const Sql *, s->group_count ? s->group_count : 1);
    for (size_t i = 0; i < s->group_count; i++) {
        Bx x;
        if (!bindexpr_value(b, s->group[i], &x)) return false;
        if (x.is_constant || s->group[i]->kind == EXPR_VARIABLE)
            return sqlerror_set(
                b->e, 164, 1, s->group[i]->line,
                "Each GROUP BY expression must contain at least one column that is not an outer "
                "reference.");
        if (!bindcomparable_check(b, &x.type, COMPARE_GROUP, s->group[i]->line)) return false;
        terms[i] = bindtype_sortable(b, &x);
    }
    if (s->group_count) *tail = SQL_OF(b, "@ GROUP BY @", *tail, sql_list(b, terms, s->group_count));
    scope->group = s->group;
    scope->group_count = s->group_count;
    return true;
}

static bool select_body(Binder *b, const AstQuery *ast, Scope *scope, Query *q) {
    const AstSelect *s = &ast->u.select;
    const Sql *from, *condition, *body = sql_text(b, "");
    if (s->into.name.n && ast != b->into_query)
        return sqlerror_set(b->e, 156, 1, s->into.line, "Incorrect syntax near the keyword 'INTO'.");
    if (!bindfrom_list(b, s->from, s->from_count, scope, &from)) return false;
    if (from) body = SQL_OF(b, " FROM @", from);
    if (scope->source_count == 1 && s->from_count == 1) q->only_source = scope->sources[0];
    if (s->where) {
        if (bindaggregate_within(s->where))
            return sqlerror_set(
                b->e, 147, 1, s->where->line,
                "An aggregate may not appear in the WHERE clause unless it is in a subquery contained "
                "in a HAVING clause or a select list, and the column being aggregated is an outer "
                "reference.");
        if (!bindexpr_condition(b, s->where, &condition)) return false;
        body = SQL_OF(b, "@ WHERE @", body, condition);
    }
    if (!group_by(b, s, scope, &body)) return false;
    q->is_grouped = scope->is_grouped = s->group_count > 0 || has_aggregates(ast);
    scope->has_windows_here = true;
    bool ok = items(b, s, scope, q);
    scope->has_windows_here = false;
    if (!ok) return false;
    if (s->having) {
        scope->clause = "HAVING clause";
        if (!bindexpr_condition(b, s->having, &condition)) return false;
        body = SQL_OF(b, "@ HAVING @", body, condition);
    }
    q->from = body;
    q->is_distinct = s->is_distinct;
    for (size_t i = 0; q->is_distinct && i < q->item_count; i++)
        if (!bindcomparable_check(b, &q->items[i].value.type, COMPARE_DISTINCT, ast->line)) return false;
    q->is_single_row = (s->from_count == 0 && !s->having) || (q->is_grouped && s->group_count == 0);
    if (!check_top(b, ast, &s->top)) return false;
    if ((ast->order_count && !order(b, ast, q)) || !limits(b, ast, &s->top, q)) return false;
    return !q->accumulates || bindaccumulate_wrap(b, scope, ast->line, q);
}

static bool select_query(Binder *b, const AstQuery *ast, Query *q) {
    Scope scope = {.outer = b->scope};
    b->scope = &scope;
    bool ok = select_body(b, ast, &scope, q);
    b->scope = scope.outer;
    return ok;
}

bool bindquery_bind_items(Binder *b, const AstQuery *ast, Scope *scope, Query *ret) {
    *ret = (Query){.from = sql_text(b, ""), .is_single_row = true};
    return items(b, &ast->u.select, scope, ret);
}

/* ---- VALUES ---- */

static bool values_query(Binder *b, const AstQuery *ast, Query *q) {
    size_t rows = ast->u.values.row_count, columns = ast->u.values.column_count;
    q->is_values = true;
    q->row_count = rows;
    q->rows = ARENA_ARRAY(b->a, Bx *, rows);
    for (size_t r = 0; r < rows; r++) {
        q->rows[r] = ARENA_ARRAY(b->a, Bx, columns);
        for (size_t c = 0; c < columns; c++)
            if (!bindexpr_value(b, ast->u.values.rows[r][c], &q->rows[r][c])) return false;
    }
    Bx **column = ARENA_ARRAY(b->a, Bx *, rows);
    for (size_t c = 0; c < columns; c++) {
        QueryItem item = {0};
        for (size_t r = 0; r < rows; r++) column[r] = &q->rows[r][c];
        if (!bindtype_common(b, column, rows, ast->line, &item.value.type)) return false;
        for (size_t r = 0; r < rows; r++) item.value.is_nullable |= column[r]->is_nullable;
        push_item(b, q, item);
    }
    return true;
}

/* ---- UNION, EXCEPT, INTERSECT ---- */

static void set_collates(Query *q) {
    q->collates = true;
    if (q->is_set) {
        set_collates(q->left);
        set_collates(q->right);
    }
}

static bool unify_sides(Binder *b, Query *q, uint32_t line) {
    static const char *const operators[] = {[SET_OP_UNION] = "UNION",
                                            [SET_OP_UNION_ALL] = "UNION ALL",
                                            [SET_OP_EXCEPT] = "EXCEPT",
                                            [SET_OP_INTERSECT] = "INTERSECT"};
    for (size_t i = 0; i < q->item_count; i++) {
        Bx left = q->left->items[i].value, right = q->right->items[i].value;
        Bx *both[] = {&left, &right};
        Type t;
        left.is_constant = right.is_constant = false;
        size_t outer = b->item;
        b->item = i + 1;
        b->set_operator = operators[q->op];
        bool ok = bindtype_common(b, both, 2, line, &t);
        b->item = outer;
        b->set_operator = NULL;
        if (!ok) return false;
        if (t.id == TYPE_NULL) t.id = TYPE_INT;
        if (!bindquery_convert(b, q->left, i, &t, line) || !bindquery_convert(b, q->right, i, &t, line))
            return false;
        q->items[i].value.type = t;
        q->items[i].value.is_nullable = left.is_nullable || right.is_nullable;
    }
    return true;
}

/* Chains of UNION lean to the left and may be long; each level is bound once. */
static bool set_query(Binder *b, const AstQuery *ast, Query *q) {
    q->is_set = true;
    q->op = ast->u.set.op;
    q->left = arena_zalloc(b->a, sizeof *q->left);
    q->right = arena_zalloc(b->a, sizeof *q->right);
    if (!bindquery_bind(b, ast->u.set.left, q->left) || !bindquery_bind(b, ast->u.set.right, q->right))
        return false;
    if (q->left->item_count != q->right->item_count)
        return sqlerror_set(
            b->e, 205, 1, ast->line,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal "
            "number of expressions in their target lists.");
    for (size_t i = 0; i < q->left->item_count; i++)
        push_item(b, q, (QueryItem){.name = q->left->items[i].name});
    if (!unify_sides(b, q, ast->line)) return false;
    for (size_t i = 0; q->op != SET_OP_UNION_ALL && i < q->item_count; i++)
        if (!bindcomparable_check(b, &q->items[i].value.type, COMPARE_SET, ast->line)) return false;
    if (q->op != SET_OP_UNION_ALL) set_collates(q);
    return (ast->order_count == 0 || order(b, ast, q)) && limits(b, ast, NULL, q);
}

bool bindquery_bind(Binder *b, const AstQuery *ast, Query *ret) {
    *ret = (Query){0};
    if (!bindexpr_enter(b, ast->line)) return false;
    bool ok = false;
    switch (ast->kind) {
    case QUERY_SELECT: ok = select_query(b, ast, ret); break;
    case QUERY_VALUES: ok = values_query(b, ast, ret); break;
    case QUERY_SET: ok = set_query(b, ast, ret); break;
    }
    b->depth--;
    return ok;
}

/* ---- conversion of items ---- */

bool bindquery_convert(Binder *b, Query *q, size_t item, const Type *to, uint32_t line) {
    Bx *x = &q->items[item].value;
    if (q->is_set)
        return (x->type = *to, bindquery_convert(b, q->left, item, to, line)) &&
               bindquery_convert(b, q->right, item, to, line);
    for (size_t r = 0; r < q->row_count; r++)
        if (!bindtype_convert(b, q->rows[r][item], to, MODE_IMPLICIT, line, &q->rows[r][item])) return false;
    if (q->is_values) return x->type = *to, true;
    return bindtype_convert(b, *x, to, MODE_IMPLICIT, line, x);
}

/* ---- writing ---- */

static const Sql *values_sql(Binder *b, const Query *q) {
    const Sql **rows = ARENA_ARRAY(b->a, const Sql *, q->row_count), **cells, **names;
    for (size_t r = 0; r < q->row_count; r++) {
        cells = ARENA_ARRAY(b->a, const Sql *, q->item_count);
        for (size_t c = 0; c < q->item_count; c++) cells[c] = q->rows[r][c].sql;
        rows[r] = SQL_OF(b, "(@)", sql_list(b, cells, q->item_count));
    }
    names = ARENA_ARRAY(b->a, const Sql *, q->item_count);
    for (size_t c = 0; c < q->item_count; c++) names[c] = sql_printf(b, "column%zu AS c%zu", c + 1, c + 1);
    return SQL_OF(b, "SELECT @ FROM (VALUES @)", sql_list(b, names, q->item_count),
                  sql_list(b, rows, q->row_count));
}

/* The query numbered and cut: c1 … of it, in its order. */
static const Sql *ranked_sql(Binder *b, const Query *q, const Sql *inner) {
    const Sql **names = ARENA_ARRAY(b->a, const Sql *, q->item_count);
    for (size_t i = 0; i < q->item_count; i++) names[i] = sql_printf(b, "c%zu", i + 1);
    const Sql *list = sql_list(b, names, q->item_count);
    return SQL_OF(b, "SELECT @ FROM (SELECT @, @ FROM (@) AS q_) WHERE @ ORDER BY o_", list, list, q->rank,
                  inner, q->rank_limit);
}

static const Sql *select_sql(Binder *b, const Query *q) {
    size_t count = q->item_count + q->hidden_count;
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, count);
    for (size_t i = 0; i < count; i++) {
        const Bx *x = i < q->item_count ? &q->items[i].value : &q->hidden[i - q->item_count].value;
        const char *collate = q->is_distinct || q->collates ? bindtype_collate(b, &x->type) : "";
        list[i] = SQL_OF(b, "@@", x->sql, sql_printf(b, "%s AS c%zu", collate, i + 1));
    }
    const Sql *sql = SQL_OF(b, q->is_distinct ? "SELECT DISTINCT @@@" : "SELECT @@@",
                            sql_list(b, list, count), q->from, q->tail ? q->tail : sql_text(b, ""));
    return q->rank ? ranked_sql(b, q, sql) : sql;
}

/* SQLite's compound has no parentheses: a side that is more than a bare SELECT becomes a table. */
static const Sql *side_sql(Binder *b, const Query *q, bool is_left) {
    const Sql *sql = bindquery_sql(b, q);
    bool is_bare = !q->tail && !q->rank && (!q->is_set || is_left);
    return is_bare ? sql : SQL_OF(b, "SELECT * FROM (@)", sql);
}

const Sql *bindquery_sql(Binder *b, const Query *q) {
    static const char *const words[] = {[SET_OP_UNION] = "@ UNION @@",
                                        [SET_OP_UNION_ALL] = "@ UNION ALL @@",
                                        [SET_OP_EXCEPT] = "@ EXCEPT @@",
                                        [SET_OP_INTERSECT] = "@ INTERSECT @@"};
    if (q->is_values) return values_sql(b, q);
    if (!q->is_set) return select_sql(b, q);
    return SQL_OF(b, words[q->op], side_sql(b, q->left, /* is_left= */ true),
                  side_sql(b, q->right, /* is_left= */ false), q->tail ? q->tail : sql_text(b, ""));
}

/* ---- the result ---- */

static BoundColumn result_column(const Query *q, const QueryItem *item) {
    const Bx *x = &item->value;
    BoundColumn c = {
        .name = item->name, .type = x->type, .is_nullable = x->is_nullable, .variable = item->variable};
    if (c.type.id == TYPE_NULL) c.type.id = TYPE_INT;
    if (!x->source || q->is_set) return c;
    const SourceColumn *column = &x->source->columns[x->column];
    c.is_identity = column->is_identity;
    c.is_computed = column->is_computed;
    c.is_updatable = x->source->relation && x->source->relation->kind == BIND_TABLE && !c.is_computed;
    if (x->source->relation) c.table = x->source->relation->name;
    return c;
}

static const size_t *plain_columns(Binder *b, const Query *q) {
    if (!q->only_source || !q->only_source->relation || q->only_source->relation->sql.n) return NULL;
    if (q->is_set || q->is_distinct || q->is_grouped) return NULL;
    size_t *ret = ARENA_ARRAY(b->a, size_t, q->item_count ? q->item_count : 1);
    for (size_t i = 0; i < q->item_count; i++) {
        if (q->items[i].value.source != q->only_source || q->items[i].variable.n) return NULL;
        ret[i] = q->items[i].value.column;
    }
    return ret;
}

void bindquery_finish(Binder *b, const Query *q, const Sql *sql, BoundQuery *ret) {
    *ret = (BoundQuery){.assigns = q->assigns, .column_count = q->item_count};
    b->params = NULL;
    b->param_count = 0;
    ret->sql = bindsql_write(b, sql);
    ret->params = b->params;
    ret->param_count = b->param_count;
    ret->refs = b->refs;
    ret->ref_count = b->ref_count;
    ret->columns = ARENA_ARRAY(b->a, BoundColumn, q->item_count ? q->item_count : 1);
    for (size_t i = 0; i < q->item_count; i++) {
        ret->columns[i] = result_column(q, &q->items[i]);
        bindtype_settle(b, &ret->columns[i].type);
    }
    ret->plain = plain_columns(b, q);
    ret->is_param = q->item_count == 1 && q->items[0].value.sql && q->items[0].value.sql->kind == SQL_PARAM &&
                    !q->is_set && !q->is_values && q->from && q->from->kind == SQL_TEXT &&
                    q->from->text.n == 0;
}
