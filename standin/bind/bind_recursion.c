/*
 * Recursive common table expressions: the members of a UNION ALL before the first that reads the CTE itself
 * are the anchor, the others the recursion. They become SQLite's WITH RECURSIVE with a column more, the
 * level, which MAXRECURSION bounds.
 */
#include <string.h>

#include "standin/bind/bind_internal.h"

/* ---- does it read itself? ---- */

static bool query_reads(const AstQuery *q, Str name);

static bool from_reads(const AstFrom *f, Str name) {
    switch (f->kind) {
    case FROM_TABLE:
        return !f->u.table.schema.n && !f->u.table.database.n && str_eq_icase(f->u.table.name, name);
    case FROM_QUERY: return query_reads(f->u.query, name);
    case FROM_JOIN: return from_reads(f->u.join.left, name) || from_reads(f->u.join.right, name);
    default: return false;
    }
}

static bool query_reads(const AstQuery *q, Str name) {
    if (q->kind == QUERY_SET) return query_reads(q->u.set.left, name) || query_reads(q->u.set.right, name);
    if (q->kind != QUERY_SELECT) return false;
    for (size_t i = 0; i < q->u.select.from_count; i++)
        if (from_reads(q->u.select.from[i], name)) return true;
    return false;
}

bool bindrecursion_is(const AstCte *c) {
    return query_reads(c->query, c->name);
}

const Recursion *bindrecursion_find(const Binder *b, const AstName *name) {
    if (name->schema.n || name->database.n) return NULL;
    for (const Recursion *r = b->recursion; r; r = r->outer)
        if (str_eq_icase(r->name, name->name)) return r;
    return NULL;
}

const Sql *bindrecursion_source(Binder *b, const Recursion *r, Source *s) {
    s->name = r->name;
    s->column_count = r->column_count;
    s->columns = ARENA_ARRAY(b->a, SourceColumn, r->column_count);
    memcpy(s->columns, r->columns, r->column_count * sizeof *s->columns);
    for (size_t i = 0; i < r->column_count; i++) {
        s->columns[i].is_nullable = true;
        s->columns[i].sql = sql_printf(b, "f%d.c%zu", s->number, i + 1);
    }
    ((Recursion *)r)->used = s;
    return sql_printf(b, "r%d AS f%d", r->number, s->number);
}

/* ---- members ---- */

static bool same_type(const Type *a, const Type *b) {
    bool both_numeric =
        (a->id == TYPE_DECIMAL || a->id == TYPE_NUMERIC) && (b->id == TYPE_DECIMAL || b->id == TYPE_NUMERIC);
    return (a->id == b->id || both_numeric) && a->length == b->length && a->precision == b->precision &&
           a->scale == b->scale;
}

static bool check_types(Binder *b, const Recursion *r, Query *q, uint32_t line) {
    if (q->item_count != r->column_count)
        return sqlerror_set(
            b->e, 205, 1, line,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal "
            "number of expressions in their target lists.");
    for (size_t i = 0; i < q->item_count; i++) {
        const Type *t = &q->items[i].value.type;
        if (t->id != TYPE_NULL && !same_type(t, &r->columns[i].type))
            return sqlerror_set(
                b->e, 240, 1, line,
                "Types don't match between the anchor and the recursive part in column \"%.*s\" of recursive "
                "query \"%.*s\".",
                STR_ARG(r->columns[i].name), STR_ARG(r->name));
    }
    return true;
}

static bool refuse(Binder *b, const AstQuery *ast, const Recursion *r) {
    if (ast->kind == QUERY_SELECT && ast->u.select.is_distinct)
        return sqlerror_set(
            b->e, 460, 1, ast->line,
            "DISTINCT operator is not allowed in the recursive part of a recursive common table "
            "expression '%.*s'.",
            STR_ARG(r->name));
    if (ast->kind == QUERY_SELECT && ast->u.select.top.count)
        return sqlerror_set(b->e, 461, 1, ast->line,
                            "The TOP or OFFSET operator is not allowed in the recursive part of a recursive "
                            "common table expression '%.*s'.",
                            STR_ARG(r->name));
    return sqlerror_set(b->e, 467, 1, ast->line,
                        "GROUP BY, HAVING, or aggregate functions are not allowed in the recursive part of a "
                        "recursive common table expression '%.*s'.",
                        STR_ARG(r->name));
}

/* SELECT …, level + 1 FROM … r<n> … */
static bool member(Binder *b, const AstQuery *ast, Recursion *r, const Sql **ret) {
    Query q;
    r->used = NULL;
    if (!bindquery_bind(b, ast, &q) || !check_types(b, r, &q, ast->line)) return false;
    if (q.is_distinct || q.is_grouped || q.tail || q.rank) return refuse(b, ast, r);
    if (q.is_set || !r->used)
        return sqlerror_set(
            b->e, 40517, 1, ast->line,
            "Keyword or statement option 'recursive reference in a derived table' is not supported in this "
            "version of SQL Server.");
    QueryItem level = {.value = {.type = {.id = TYPE_INT}}};
    level.value.sql = sql_printf(b, "ts_recursion(f%d.l_+1,%d)", r->used->number, (int)b->max_recursion);
    BIND_PUSH(b, q.items, q.item_count, level);
    *ret = bindquery_sql(b, &q);
    return true;
}

/* The members of the chain from the left; the first n that don't read the CTE are one query, the anchor. */
static const AstQuery *split(Binder *b, const AstCte *c, const AstQuery ***ret_members, size_t *ret_count) {
    const AstQuery *q = c->query;
    const AstQuery **reversed = NULL;
    size_t count = 0;
    while (q->kind == QUERY_SET && q->u.set.op == SET_OP_UNION_ALL && query_reads(q, c->name)) {
        BIND_PUSH(b, reversed, count, q->u.set.right);
        q = q->u.set.left;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const AstQuery *other = reversed[i];
        reversed[i] = reversed[count - 1 - i];
        reversed[count - 1 - i] = other;
    }
    *ret_members = reversed;
    *ret_count = count;
    return q;
}

static bool check_members(Binder *b, const AstCte *c, const AstQuery *anchor, const AstQuery **members,
                          size_t count) {
    if (query_reads(anchor, c->name))
        return count ? sqlerror_set(b->e, 246, 1, anchor->line,
                                    "No anchor member was specified for recursive query \"%.*s\".",
                                    STR_ARG(c->name))
                     : sqlerror_set(b->e, 252, 1, anchor->line,
                                    "Recursive common table expression '%.*s' does not contain a top-level "
                                    "UNION ALL operator.",
                                    STR_ARG(c->name));
    for (size_t i = 0; i < count; i++)
        if (!query_reads(members[i], c->name))
            return sqlerror_set(
                b->e, 247, 1, members[i]->line,
                "An anchor member was found in the recursive part of recursive query \"%.*s\".",
                STR_ARG(c->name));
    return true;
}

static bool name_columns(Binder *b, const AstCte *c, Source *s) {
    for (size_t i = 0; i < c->column_count && i < s->column_count; i++) s->columns[i].name = c->columns[i];
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].name.n == 0)
            return sqlerror_set(b->e, 8155, 2, c->query->line,
                                "No column name was specified for column %zu of '%.*s'.", i + 1,
                                STR_ARG(c->name));
    return true;
}

bool bindrecursion_cte(Binder *b, const AstCte *c, Source *s, const Sql **ret) {
    const AstQuery **members;
    size_t count;
    const AstQuery *anchor = split(b, c, &members, &count);
    Query q;
    if (!check_members(b, c, anchor, members, count) || !bindquery_bind(b, anchor, &q)) return false;
    bindfrom_query_columns(b, &q, s);
    if (!name_columns(b, c, s)) return false;
    Recursion r = {.outer = b->recursion,
                   .name = c->name,
                   .number = b->next_source++,
                   .columns = s->columns,
                   .column_count = s->column_count};
    const Sql **names = ARENA_ARRAY(b->a, const Sql *, s->column_count);
    for (size_t i = 0; i < s->column_count; i++) names[i] = sql_printf(b, "c%zu", i + 1);
    const Sql *list = sql_list(b, names, s->column_count);
    const Sql *body = SQL_OF(b, "SELECT @,0 FROM (@)", list, bindquery_sql(b, &q));
    b->recursion = &r;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const Sql *one = NULL;
        ok = member(b, members[i], &r, &one);
        if (ok) body = SQL_OF(b, "@ UNION ALL @", body, one);
    }
    b->recursion = r.outer;
    for (size_t i = 0; i < s->column_count; i++) s->columns[i].is_nullable = true;
    *ret = SQL_OF(b, "(WITH RECURSIVE @(@,l_) AS (@) SELECT @ FROM @) AS @", sql_printf(b, "r%d", r.number),
                  list, body, list, sql_printf(b, "r%d", r.number), sql_printf(b, "f%d", s->number));
    return ok;
}
