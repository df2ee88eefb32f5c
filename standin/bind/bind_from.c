/* FROM: tables, views, table functions, derived tables, CTEs, joins. Each becomes a Source of the scope. */
#include "standin/bind/bind_internal.h"

#include <string.h>

#include "standin/tsql/parser.h"

void bindfrom_add_ref(Binder *b, const BindRelation *r, BindAccess access, uint32_t hints, const bool *used) {
    BoundRef ref = {.relation = r, .access = access, .hints = hints, .used = used};
    BIND_PUSH(b, b->refs, b->ref_count, ref);
}

static Source *new_source(Binder *b, Scope *scope, const AstFrom *f) {
    Source *s = arena_zalloc(b->a, sizeof *s);
    s->number = b->next_source++;
    s->alias = f ? f->alias : (Str){0};
    s->key = "rowid";
    BIND_PUSH(b, scope->sources, scope->source_count, s);
    return s;
}

Str bindfrom_display(Binder *b, const AstName *n) {
    Buf text = {0};
    Str parts[] = {n->server, n->database, n->schema};
    for (size_t i = 0, seen = 0; i < 3; i++) {
        seen += parts[i].n > 0;
        if (seen) buf_printf(&text, "%.*s.", STR_ARG(parts[i]));
    }
    buf_str(&text, n->name);
    Str ret = arena_str(b->a, buf_view(&text));
    buf_done(&text);
    return ret;
}

static bool invalid_object(Binder *b, const AstName *name) {
    Str text = bindfrom_display(b, name);
    if (name->name.n && name->name.p[0] == '@')
        return sqlerror_set(b->e, 1087, 1, name->line, "Must declare the table variable \"%.*s\".",
                            STR_ARG(text));
    SqlError ignored = {0};
    if (b->host->function(b->host->data, b->database_id, name, b->a, &ignored))
        return sqlerror_set(b->e, 216, 1, name->line, "Parameters were not supplied for the function '%.*s'.",
                            STR_ARG(text));
    return sqlerror_set(b->e, 208, 1, name->line, "Invalid object name '%.*s'.", STR_ARG(text));
}

bool bindfrom_table(Binder *b, const AstName *name, const BindRelation **ret) {
    b->e->number = 0;
    *ret = b->host->relation(b->host->data, b->database_id, name, b->a, b->e);
    if (*ret) return true;
    if (b->e->number == 0) return invalid_object(b, name);
    if (b->e->line == 0) b->e->line = name->line;
    return false;
}

/* ---- relations ---- */

static void relation_columns(Binder *b, const BindRelation *r, Source *s) {
    s->columns = ARENA_ARRAY(b->a, SourceColumn, r->column_count ? r->column_count : 1);
    s->column_count = r->column_count;
    for (size_t i = 0; i < r->column_count; i++) {
        const BindColumn *c = &r->columns[i];
        s->columns[i] = (SourceColumn){.name = c->name,
                                       .type = c->type,
                                       .is_nullable = c->is_nullable,
                                       .is_identity = c->is_identity,
                                       .is_computed = c->is_computed,
                                       .rank = RANK_IMPLICIT,
                                       .sql = sql_printf(b, "f%d.c%d", s->number, (int)c->column_id)};
    }
}

static bool rename_columns(Binder *b, const AstFrom *f, Source *s) {
    if (!f || f->column_count == 0) return true;
    if (f->column_count != s->column_count)
        return sqlerror_set(b->e, f->column_count > s->column_count ? 8158 : 8159, 1, f->line,
                            "'%.*s' has %s columns than were specified in the column list.",
                            STR_ARG(f->alias), f->column_count > s->column_count ? "fewer" : "more");
    for (size_t i = 0; i < s->column_count; i++) s->columns[i].name = f->columns[i];
    return true;
}

void bindfrom_query_columns(Binder *b, const Query *q, Source *s) {
    s->columns = ARENA_ARRAY(b->a, SourceColumn, q->item_count ? q->item_count : 1);
    s->column_count = q->item_count;
    for (size_t i = 0; i < q->item_count; i++) {
        Type t = q->items[i].value.type;
        if (t.id == TYPE_NULL) t.id = TYPE_INT;
        s->columns[i] = (SourceColumn){.name = q->items[i].name,
                                       .type = t,
                                       .is_nullable = q->items[i].value.is_nullable,
                                       .rank = RANK_IMPLICIT,
                                       .sql = sql_printf(b, "f%d.c%zu", s->number, i + 1)};
    }
}

/* A query in FROM sees nothing of the FROM around it; on the right of APPLY it sees what is to its left. */
static bool derived(Binder *b, const AstQuery *ast, Source *s, bool is_applied, const Sql **ret) {
    Query q;
    if (ast->kind == QUERY_SELECT && ast->order_count && !ast->u.select.top.count && !ast->offset)
        return sqlerror_set(b->e, 1033, 1, ast->line,
                            "The ORDER BY clause is invalid in views, inline functions, derived tables, "
                            "subqueries, and common "
                            "table expressions, unless TOP, OFFSET or FOR XML is also specified.");
    Scope *saved = b->scope, boundary = {.outer = saved, .is_apply = true};
    b->scope = is_applied ? &boundary : saved ? saved->outer : NULL;
    bool ok = bindquery_bind(b, ast, &q);
    b->scope = saved;
    if (!ok) return false;
    bindfrom_query_columns(b, &q, s);
    const Sql *sql = bindquery_sql(b, &q);
    *ret = SQL_OF(b, "@ AS @", is_applied ? sql_apply(b, sql) : SQL_OF(b, "(@)", sql),
                  sql_printf(b, "f%d", s->number));
    if (is_applied && q.item_count > BIND_MAX_APPLIED)
        return sqlerror_set(b->e, 1056, 1, ast->line,
                            "The number of elements in the select list exceeds the maximum allowed number of "
                            "%d elements on the right side of APPLY.",
                            BIND_MAX_APPLIED);
    return true;
}

static bool view_query(Binder *b, const BindRelation *r, AstQuery **ret, CteFrame *frame) {
    AstBatch batch;
    ParserOptions options = {.quoted_identifier = true};
    if (!parser_batch(r->sql, &options, b->a, &batch, b->e)) return false;
    if (!batch.first || batch.first->next || batch.first->kind != STMT_SELECT)
        return sqlerror_set(b->e, 4413, 1, 0,
                            "Could not use view or function '%.*s' because of binding errors.",
                            STR_ARG(r->name));
    AstWith *with = arena_alloc(b->a, sizeof *with);
    *with = batch.first->u.query.with;
    *frame = (CteFrame){.with = with, .visible = with->count};
    *ret = batch.first->u.query.query;
    return true;
}

/* A view's SQL is bound in its own database, sees its own parameters and nothing of the statement around it.
 */
static bool view(Binder *b, const BindRelation *r, const Bx *args, size_t arg_count, Source *s,
                 bool is_applied, const Sql **ret) {
    Binder saved = *b;
    CteFrame frame;
    AstQuery *ast = NULL;
    ViewArg *view_args = ARENA_ARRAY(b->a, ViewArg, arg_count ? arg_count : 1);
    if (!bindexpr_enter(b, 0) || !view_query(b, r, &ast, &frame)) return false;
    for (size_t i = 0; i < arg_count; i++) {
        view_args[i] = (ViewArg){r->parameter_names[i], args[i]};
        if (is_applied && !args[i].is_constant) view_args[i].value.sql = sql_outer(b, args[i].sql);
    }
    b->view_args = view_args;
    b->view_arg_count = arg_count;
    b->in_view = true;
    b->database_id = r->database_id;
    b->ctes = frame.with->count ? &frame : NULL;
    b->scope = NULL;
    bool ok = derived(b, ast, s, is_applied, ret);
    b->view_args = saved.view_args;
    b->view_arg_count = saved.view_arg_count;
    b->in_view = saved.in_view;
    b->database_id = saved.database_id;
    b->ctes = saved.ctes;
    b->scope = saved.scope;
    b->depth = saved.depth;
    return ok;
}

static bool write_source(Binder *b, const BindRelation *r, const Bx *args, size_t arg_count, Source *s,
                         const Sql **ret) {
    Buf out = {0};
    Str *names = ARENA_ARRAY(b->a, Str, arg_count ? arg_count : 1);
    /* The host writes text, the arguments are still trees: it gets marks, which are replaced afterwards. */
    for (size_t i = 0; i < arg_count; i++) names[i] = STR_LIT("\001");
    b->e->number = 0;
    bool ok = b->host->write_source(b->host->data, r, names, arg_count, &out, b->e);
    if (ok) {
        Str text = arena_str(b->a, buf_view(&out));
        const Sql **pieces = NULL;
        size_t count = 0, next = 0;
        Str piece;
        if (text.n && text.p[0] == '(') s->key = "_rid_";
        while (str_split(&text, '\001', &piece)) {
            char *copy = arena_printf(b->a, "%.*s", STR_ARG(piece));
            BIND_PUSH(b, pieces, count, sql_text(b, copy));
            if (next < arg_count) BIND_PUSH(b, pieces, count, args[next++].sql);
        }
        const Sql *source = sql_text(b, "");
        for (size_t i = 0; i < count; i++) source = SQL_OF(b, "@@", source, pieces[i]);
        *ret = SQL_OF(b, "@ AS @", source, sql_printf(b, "f%d", s->number));
    } else if (b->e->number == 0) {
        (void)sqlerror_set(b->e, 208, 1, 0, "Invalid object name '%.*s'.", STR_ARG(r->name));
    }
    buf_done(&out);
    return ok;
}

/* A view keeps the columns it was made with, whatever * stands for by now. */
static bool name_view_columns(Binder *b, const BindRelation *r, const AstFrom *f, Source *s) {
    if (!r->column_count) return true;
    if (s->column_count < r->column_count)
        return sqlerror_set(b->e, 4502, 1, f ? f->line : 0,
                            "View or function '%.*s' has more column names specified than columns defined.",
                            STR_ARG(r->name));
    s->column_count = r->column_count;
    for (size_t i = 0; i < r->column_count; i++) s->columns[i].name = r->columns[i].name;
    return true;
}

static bool relation(Binder *b, const BindRelation *r, const AstFrom *f, const Bx *args, size_t arg_count,
                     Scope *scope, bool is_applied, const Sql **ret) {
    Source *s = new_source(b, scope, f);
    s->relation = r;
    s->database = r->database;
    s->schema = r->schema;
    s->name = r->name;
    if (r->sql.n)
        return view(b, r, args, arg_count, s, is_applied, ret) && name_view_columns(b, r, f, s) &&
               rename_columns(b, f, s);
    s->used = arena_zalloc(b->a, (r->column_count + 1) * sizeof *s->used);
    bindfrom_add_ref(b, r, BIND_READ, f ? f->hints : 0, s->used);
    relation_columns(b, r, s);
    return write_source(b, r, args, arg_count, s, ret) && rename_columns(b, f, s);
}

bool bindfrom_relation(Binder *b, const BindRelation *r, const AstFrom *f, const Sql *const *args,
                       size_t arg_count, Scope *scope, const Sql **ret) {
    (void)args;
    (void)arg_count;
    return relation(b, r, f, NULL, 0, scope, /* is_applied= */ false, ret);
}

/* ---- CTEs ---- */

static bool cte(Binder *b, CteFrame *frame, size_t index, const AstFrom *f, Scope *scope, const Sql **ret) {
    const AstCte *c = &frame->with->ctes[index];
    CteFrame inner = *frame, *saved = b->ctes;
    inner.visible = index; /* a CTE sees those before it */
    inner.is_binding = true;
    b->ctes = &inner;
    Source *s = new_source(b, scope, f);
    s->name = c->name;
    Scope *scope_saved = b->scope;
    b->scope = NULL;
    bool ok = bindexpr_enter(b, f->line) &&
              (bindrecursion_is(c) ? bindrecursion_cte(b, c, s, ret) : derived(b, c->query, s, false, ret));
    b->depth--;
    b->scope = scope_saved;
    b->ctes = saved;
    if (!ok) return false;
    if (c->column_count && c->column_count != s->column_count)
        return sqlerror_set(b->e, 8158, 1, f->line,
                            "'%.*s' has %s columns than were specified in the column list.", STR_ARG(c->name),
                            c->column_count > s->column_count ? "fewer" : "more");
    for (size_t i = 0; i < c->column_count; i++) s->columns[i].name = c->columns[i];
    return rename_columns(b, f, s);
}

static bool find_cte(Binder *b, const AstName *name, CteFrame **ret, size_t *ret_index) {
    if (name->schema.n || name->database.n) return false;
    for (CteFrame *frame = b->ctes; frame; frame = frame->outer)
        for (size_t i = frame->visible; i-- > 0;)
            if (str_eq_icase(frame->with->ctes[i].name, name->name)) {
                *ret = frame;
                *ret_index = i;
                return true;
            }
    return false;
}

/* ---- items ---- */

static bool table_item(Binder *b, const AstFrom *f, Scope *scope, const Sql **ret) {
    CteFrame *frame;
    size_t index;
    const BindRelation *r;
    const Recursion *recursion = bindrecursion_find(b, &f->u.table);
    if (recursion) {
        *ret = bindrecursion_source(b, recursion, new_source(b, scope, f));
        return rename_columns(b, f, scope->sources[scope->source_count - 1]);
    }
    if (find_cte(b, &f->u.table, &frame, &index)) return cte(b, frame, index, f, scope, ret);
    if (!bindfrom_table(b, &f->u.table, &r)) return false;
    if (!relation(b, r, f, NULL, 0, scope, /* is_applied= */ false, ret)) return false;
    Source *s = scope->sources[scope->source_count - 1];
    if (s->alias.n == 0) s->name = f->u.table.name;
    s->written = bindfrom_display(b, &f->u.table);
    return true;
}

static bool wrong_count(Binder *b, const AstFrom *f, bool has_too_many) {
    Str text = bindfrom_display(b, &f->u.function.name);
    if (has_too_many)
        return sqlerror_set(b->e, 8144, 3, f->line,
                            "Procedure or function %.*s has too many arguments specified.", STR_ARG(text));
    return sqlerror_set(
        b->e, 313, 3, f->line,
        "An insufficient number of arguments were supplied for the procedure or function %.*s.",
        STR_ARG(text));
}

/* Arguments see what is to the left of APPLY, else only what is around the FROM. */
static bool function_argument(Binder *b, const AstExpr *x, bool is_applied, Bx *ret) {
    Scope *saved = b->scope;
    if (!is_applied && saved) b->scope = saved->outer;
    bool ok = bindexpr_value(b, x, ret);
    b->scope = saved;
    return ok;
}

static bool series_item(Binder *b, const AstFrom *f, Scope *scope, bool is_applied, const Sql **ret) {
    Bx *args = ARENA_ARRAY(b->a, Bx, f->u.function.arg_count + 1);
    for (size_t i = 0; i < f->u.function.arg_count; i++)
        if (!function_argument(b, f->u.function.args[i], is_applied, &args[i])) return false;
    Source *s = new_source(b, scope, f);
    return bindseries_item(b, f, args, s, ret) && rename_columns(b, f, s);
}

static bool function_item(Binder *b, const AstFrom *f, Scope *scope, bool is_applied, const Sql **ret) {
    const AstName *name = &f->u.function.name;
    if (bindseries_is(name)) return series_item(b, f, scope, is_applied, ret);
    b->e->number = 0;
    const BindRelation *r = b->host->function(b->host->data, b->database_id, name, b->a, b->e);
    if (!r) {
        if (b->e->number == 0) return invalid_object(b, name);
        if (b->e->line == 0) b->e->line = name->line;
        return false;
    }
    size_t given = f->u.function.arg_count;
    if (given > r->parameter_count) return wrong_count(b, f, /* has_too_many= */ true);
    if (given < r->required_count) return wrong_count(b, f, /* has_too_many= */ false);
    Bx *args = ARENA_ARRAY(b->a, Bx, r->parameter_count ? r->parameter_count : 1);
    for (size_t i = 0; i < r->parameter_count; i++) {
        const Type *to = &r->parameters[i];
        bool is_default = i >= given || f->u.function.args[i]->kind == EXPR_DEFAULT;
        if (is_default) args[i] = bindtype_null(b);
        else if (!function_argument(b, f->u.function.args[i], is_applied, &args[i])) return false;
        if (to->id != TYPE_NULL && !bindtype_convert(b, args[i], to, MODE_IMPLICIT, f->line, &args[i]))
            return false;
        args[i].is_integer_literal = false;
    }
    return relation(b, r, f, args, r->parameter_count, scope, is_applied, ret);
}

static bool query_item(Binder *b, const AstFrom *f, Scope *scope, bool is_applied, const Sql **ret) {
    Source *s = new_source(b, scope, f);
    scope->source_count--; /* it doesn't see itself */
    bool ok = derived(b, f->u.query, s, is_applied, ret);
    scope->source_count++;
    if (!ok || !rename_columns(b, f, s)) return false;
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].name.n == 0)
            return sqlerror_set(b->e, 8155, 2, f->line,
                                "No column name was specified for column %zu of '%.*s'.", i + 1,
                                STR_ARG(f->alias));
    return true;
}

static bool item(Binder *b, const AstFrom *f, Scope *scope, bool is_applied, const Sql **ret);

static void make_nullable(Scope *scope, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        for (size_t c = 0; c < scope->sources[i]->column_count; c++)
            scope->sources[i]->columns[c].is_nullable = true;
}

/* ON sees the sources of its own join only; SQLite agrees, as each is in the text already. */
static bool join(Binder *b, const AstFrom *f, Scope *scope, const Sql **ret) {
    static const char *const words[] = {[JOIN_INNER] = "JOIN",
                                        [JOIN_LEFT] = "LEFT JOIN",
                                        [JOIN_RIGHT] = "RIGHT JOIN",
                                        [JOIN_FULL] = "FULL JOIN",
                                        [JOIN_CROSS] = "CROSS JOIN"};
    AstJoinKind kind = f->u.join.kind;
    bool is_apply = kind == JOIN_CROSS_APPLY || kind == JOIN_OUTER_APPLY;
    const Sql *left, *right, *on;
    size_t first = scope->source_count;
    if (!item(b, f->u.join.left, scope, /* is_applied= */ false, &left)) return false;
    size_t middle = scope->source_count;
    if (!item(b, f->u.join.right, scope, is_apply, &right)) return false;
    size_t end = scope->source_count;
    if (f->u.join.right->kind == FROM_JOIN) right = SQL_OF(b, "(@)", right);
    if (kind == JOIN_CROSS || is_apply) {
        bool is_outer = kind == JOIN_OUTER_APPLY;
        if (is_outer) make_nullable(scope, middle, end);
        /* CROSS JOIN would fix SQLite's order of loops */
        *ret = SQL_OF(b, is_outer ? "@ LEFT JOIN @ ON 1" : "@ JOIN @ ON 1", left, right);
        return true;
    }
    Scope only = *scope, *saved = b->scope;
    only.sources = scope->sources + first;
    only.source_count = end - first;
    only.outer = scope->outer;
    b->scope = &only;
    bool ok = bindexpr_condition(b, f->u.join.on, &on);
    b->scope = saved;
    if (!ok) return false;
    if (kind == JOIN_LEFT || kind == JOIN_FULL) make_nullable(scope, middle, end);
    if (kind == JOIN_RIGHT || kind == JOIN_FULL) make_nullable(scope, first, middle);
    *ret = SQL_OF(b, arena_printf(b->a, "@ %s @ ON @", words[kind]), left, right, on);
    return true;
}

static bool item(Binder *b, const AstFrom *f, Scope *scope, bool is_applied, const Sql **ret) {
    if (!bindexpr_enter(b, f->line)) return false;
    bool ok = false;
    switch (f->kind) {
    case FROM_TABLE: ok = table_item(b, f, scope, ret); break;
    case FROM_FUNCTION: ok = function_item(b, f, scope, is_applied, ret); break;
    case FROM_QUERY: ok = query_item(b, f, scope, is_applied, ret); break;
    case FROM_JOIN: ok = join(b, f, scope, ret); break;
    }
    b->depth--;
    return ok;
}

static bool check_names(Binder *b, const Scope *scope, uint32_t line) {
    for (size_t i = 0; i < scope->source_count; i++)
        for (size_t j = i + 1; j < scope->source_count; j++) {
            const Source *x = scope->sources[i], *y = scope->sources[j];
            Str name = y->alias.n ? y->alias : y->name;
            bool both = (x->alias.n > 0) == (y->alias.n > 0);
            if (!both || !str_eq_icase(x->alias.n ? x->alias : x->name, name)) continue;
            if (x->alias.n == 0 &&
                (!str_eq_icase(x->schema, y->schema) || !str_eq_icase(x->database, y->database)))
                continue;
            return sqlerror_set(b->e, x->alias.n ? 1011 : 1013, 1, line,
                                x->alias.n
                                    ? "The correlation name '%.*s' is specified multiple times in a FROM "
                                      "clause."
                                    : "The objects \"%.*s\" in the FROM clause have the same exposed names. "
                                      "Use correlation names to distinguish them.",
                                STR_ARG(name));
        }
    return true;
}

bool bindfrom_list(Binder *b, AstFrom *const *items, size_t count, Scope *scope, const Sql **ret) {
    const Sql *all = NULL;
    for (size_t i = 0; i < count; i++) {
        const Sql *one;
        if (!item(b, items[i], scope, /* is_applied= */ false, &one)) return false;
        if (items[i]->kind == FROM_JOIN && count > 1) one = SQL_OF(b, "(@)", one);
        all = all ? SQL_OF(b, "@, @", all, one) : one;
    }
    *ret = all;
    return count == 0 || check_names(b, scope, items[0]->line);
}
