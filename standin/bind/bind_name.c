/* Column names: which source of which scope has it. Inner scopes win; within one, two hits are error 209. */
#include "standin/bind/bind_internal.h"

#include <string.h>

static bool same(Str a, Str b) {
    return str_eq_icase(a, b);
}

/* t.x, s.t.x, db.s.t.x against a source: by alias if it has one, else by its own name. */
bool bindname_matches(const Source *s, const AstName *q) {
    if (s->alias.n) return q->schema.n == 0 && same(q->name, s->alias);
    if (!same(q->name, s->name)) return false;
    if (q->schema.n && !same(q->schema, s->schema)) return false;
    return q->database.n == 0 || same(q->database, s->database);
}

/* The table part of a column's name: db.schema.table of db.schema.table.column. */
static AstName qualifier_of(const AstName *column) {
    return (AstName){
        .database = column->server, .schema = column->database, .name = column->schema, .line = column->line};
}

typedef struct Hit {
    const Source *source;
    size_t column, count;
    bool has_qualifier_match;
} Hit;

/* $identity is the name of a table's identity column. */
static bool is_named(const SourceColumn *c, Str name) {
    return same(c->name, name) || (c->is_identity && same(name, STR_LIT("$identity")));
}

static void look(const Scope *scope, const AstName *name, Hit *hit) {
    AstName qualifier = qualifier_of(name);
    for (size_t i = 0; i < scope->source_count; i++) {
        const Source *s = scope->sources[i];
        if (qualifier.name.n && !bindname_matches(s, &qualifier)) continue;
        if (qualifier.name.n) hit->has_qualifier_match = true;
        for (size_t c = 0; c < s->column_count; c++) {
            if (!is_named(&s->columns[c], name->name)) continue;
            hit->source = s;
            hit->column = c;
            hit->count++;
        }
    }
}

/* h.ToString(), g.Lat: is what looks like a table a column of a CLR type, or of xml? */
bool bindname_is_method(Binder *b, const AstName *name) {
    AstName column = {.schema = name->database, .name = name->schema};
    for (const Scope *s = b->scope; s && name->schema.n; s = s->outer) {
        Hit hit = {0};
        look(s, &column, &hit);
        if (hit.count == 0) continue;
        const Type *t = &hit.source->columns[hit.column].type;
        if (!type_is_clr(t->id) && t->id != TYPE_XML) return false;
        return !sqlerror_set(
            b->e, 40517, 1, name->line,
            "Keyword or statement option '%s.%.*s' is not supported in this version of SQL Server.",
            type_name(t->id), STR_ARG(name->name));
    }
    return false;
}

static bool not_found_in_merge(Binder *b, const AstName *name, AstMergeMatch match) {
    Str text = bindfrom_display(b, name);
    bool by_source = match == MERGE_NOT_MATCHED_BY_SOURCE;
    return sqlerror_set(b->e, by_source ? 5334 : 5333, name->schema.n ? 2 : 1, name->line,
                        "The identifier '%.*s' cannot be bound. Only %s columns and columns in the clause "
                        "scope are allowed in the 'WHEN NOT MATCHED%s' clause of a MERGE statement.",
                        STR_ARG(text), by_source ? "target" : "source", by_source ? " BY SOURCE" : "");
}

static bool not_found(Binder *b, const AstName *name, bool has_qualifier_match) {
    if (same(name->name, STR_LIT("$rowguid")))
        return sqlerror_set(
            b->e, 40517, 1, name->line,
            "Keyword or statement option '$ROWGUID' is not supported in this version of SQL Server.");
    if (name->name.n && name->name.p[0] == '$' && !same(name->name, STR_LIT("$identity")))
        return sqlerror_set(b->e, 126, 1, name->line, "Invalid pseudocolumn \"%.*s\".", STR_ARG(name->name));
    for (const Scope *s = b->scope; s && !has_qualifier_match; s = s->outer) {
        Hit hit = {0};
        if (s->merge_condition) return not_found_in_merge(b, name, *s->merge_condition);
        if (s->hidden) look(s->hidden, name, &hit);
        has_qualifier_match = hit.has_qualifier_match;
    }
    if (bindname_is_method(b, name)) return false;
    if (name->schema.n == 0 || has_qualifier_match)
        return sqlerror_set(b->e, 207, 1, name->line, "Invalid column name '%.*s'.", STR_ARG(name->name));
    Str parts[] = {name->server, name->database, name->schema};
    Buf text = {0};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].n) buf_printf(&text, "%.*s.", STR_ARG(parts[i]));
    buf_str(&text, name->name);
    (void)sqlerror_set(b->e, 4104, 1, name->line, "The multi-part identifier \"%s\" could not be bound.",
                       buf_text(&text));
    buf_done(&text);
    return false;
}

static bool is_same_column(Binder *b, Scope *s, const AstExpr *x, const Source *source, size_t column) {
    Hit hit = {0};
    (void)b;
    if (x->kind != EXPR_COLUMN) return false;
    look(s, &x->u.column, &hit);
    return hit.count == 1 && hit.source == source && hit.column == column;
}

static bool check_grouped(Binder *b, Scope *s, const AstName *name, const Hit *hit) {
    if (!s->is_grouped || s->free_depth > 0) return true;
    for (size_t i = 0; i < s->group_count; i++)
        if (is_same_column(b, s, s->group[i], hit->source, hit->column)) return true;
    const Source *source = hit->source;
    Str table = source->alias.n ? source->alias : source->written.n ? source->written : source->name;
    int number = !s->clause ? 8120 : strcmp(s->clause, "HAVING clause") == 0 ? 8121 : 8127;
    if (number == 8120)
        return sqlerror_set(b->e, 8120, 1, name->line,
                            "Column '%.*s.%.*s' is invalid in the select list because it is not contained in "
                            "either an aggregate function or the GROUP BY clause.",
                            STR_ARG(table), STR_ARG(hit->source->columns[hit->column].name));
    return sqlerror_set(b->e, number, 1, name->line,
                        "Column \"%.*s.%.*s\" is invalid in the %s because it is not contained in either an "
                        "aggregate function or the GROUP BY clause.",
                        STR_ARG(table), STR_ARG(hit->source->columns[hit->column].name), s->clause);
}

bool bindname_column(Binder *b, const AstName *name, Bx *ret) {
    bool has_qualifier_match = false;
    int applies = 0; /* crossed on the way out */
    for (Scope *s = b->scope; s; s = s->outer) {
        Hit hit = {0};
        applies += s->is_apply;
        look(s, name, &hit);
        has_qualifier_match |= hit.has_qualifier_match;
        if (hit.count > 1)
            return sqlerror_set(b->e, 209, 1, name->line, "Ambiguous column name '%.*s'.",
                                STR_ARG(name->name));
        if (hit.count == 0) continue;
        if (!check_grouped(b, s, name, &hit)) return false;
        if (hit.source->used) hit.source->used[hit.column] = true;
        const SourceColumn *c = &hit.source->columns[hit.column];
        *ret = (Bx){.sql = c->sql,
                    .type = c->type,
                    .is_nullable = c->is_nullable,
                    .rank = RANK_IMPLICIT,
                    .source = hit.source,
                    .column = hit.column};
        while (applies-- > 0) ret->sql = sql_outer(b, ret->sql);
        return true;
    }
    return not_found(b, name, has_qualifier_match);
}

/* ---- equality of expressions, for GROUP BY ---- */

static bool equal(Binder *b, Scope *s, const AstExpr *x, const AstExpr *y);

static bool equal_lists(Binder *b, Scope *s, AstExpr *const *x, size_t nx, AstExpr *const *y, size_t ny) {
    if (nx != ny) return false;
    for (size_t i = 0; i < nx; i++)
        if (!equal(b, s, x[i], y[i])) return false;
    return true;
}

static bool equal_columns(Binder *b, Scope *s, const AstExpr *x, const AstExpr *y) {
    Hit hit = {0};
    look(s, &x->u.column, &hit);
    return hit.count == 1 && is_same_column(b, s, y, hit.source, hit.column);
}

static bool equal_values(const Value *x, const Value *y) {
    if (x->kind != y->kind) return false;
    switch (x->kind) {
    case VALUE_NULL: return true;
    case VALUE_INT: return x->v.i == y->v.i;
    case VALUE_REAL: return !(x->v.d < y->v.d) && !(x->v.d > y->v.d);
    default: return str_eq(x->v.s, y->v.s);
    }
}

static bool equal_cases(Binder *b, Scope *s, const AstExpr *x, const AstExpr *y) {
    if (x->u.case_.count != y->u.case_.count || !equal(b, s, x->u.case_.operand, y->u.case_.operand) ||
        !equal(b, s, x->u.case_.otherwise, y->u.case_.otherwise))
        return false;
    for (size_t i = 0; i < x->u.case_.count; i++)
        if (!equal(b, s, x->u.case_.whens[i].when, y->u.case_.whens[i].when) ||
            !equal(b, s, x->u.case_.whens[i].then, y->u.case_.whens[i].then))
            return false;
    return true;
}

static bool equal_casts(Binder *b, Scope *s, const AstExpr *x, const AstExpr *y) {
    return memcmp(&x->u.cast.to.type, &y->u.cast.to.type, sizeof(Type)) == 0 &&
           x->u.cast.is_try == y->u.cast.is_try && equal(b, s, x->u.cast.operand, y->u.cast.operand) &&
           equal(b, s, x->u.cast.style, y->u.cast.style);
}

/* What isn't compared here (subqueries, IN, LIKE …) never equals: the error then says so. */
static bool equal(Binder *b, Scope *s, const AstExpr *x, const AstExpr *y) {
    if (!x || !y) return x == y;
    if (x->kind != y->kind) return false;
    switch (x->kind) {
    case EXPR_LITERAL: return equal_values(&x->u.literal.value, &y->u.literal.value);
    case EXPR_VARIABLE:
    case EXPR_GLOBAL: return same(x->u.name, y->u.name);
    case EXPR_COLUMN: return equal_columns(b, s, x, y);
    case EXPR_UNARY:
        return x->u.unary.op == y->u.unary.op && equal(b, s, x->u.unary.operand, y->u.unary.operand);
    case EXPR_BINARY:
        return x->u.binary.op == y->u.binary.op && equal(b, s, x->u.binary.left, y->u.binary.left) &&
               equal(b, s, x->u.binary.right, y->u.binary.right);
    case EXPR_IS_NULL:
        return x->u.is_null.is_not == y->u.is_null.is_not &&
               equal(b, s, x->u.is_null.operand, y->u.is_null.operand);
    case EXPR_CASE: return equal_cases(b, s, x, y);
    case EXPR_CAST: return equal_casts(b, s, x, y);
    case EXPR_CALL:
        return same(x->u.call.name.name, y->u.call.name.name) &&
               same(x->u.call.datepart, y->u.call.datepart) &&
               equal_lists(b, s, x->u.call.args, x->u.call.arg_count, y->u.call.args, y->u.call.arg_count);
    case EXPR_COLLATE:
        return same(x->u.collate.collation, y->u.collate.collation) &&
               equal(b, s, x->u.collate.operand, y->u.collate.operand);
    default: return false;
    }
}

bool bindname_is_grouped(Binder *b, Scope *s, const AstExpr *x) {
    for (size_t i = 0; i < s->group_count; i++)
        if (equal(b, s, s->group[i], x)) return true;
    return false;
}
