/*
 * MERGE as one query: the source joined with the target, each row with the number of the WHEN it takes and
 * that one's values. Target rows that the source doesn't match are a second SELECT behind UNION ALL.
 */
#include <string.h>

#include "standin/bind/bind_internal.h"

typedef struct When { /* a bound WHEN clause */
    const Sql *test;  /* its condition, or NULL */
    QueryItem *values;
    size_t value_count;
} When;

typedef struct Merge {
    Binder *b;
    const AstMerge *ast;
    uint32_t line;
    BoundMerge *ret;
    Source *target;
    Scope target_scope, source_scope, both; /* what the clauses may name */
    const Sql *target_sql, *source_sql, *on;
    When whens[MERGE_MAX_WHENS];
    Source **shown; /* the sources as OUTPUT sees them */
    QueryItem *extras;
    size_t extra_count;
} Merge;

/* ---- the two tables ---- */

static Str exposed(const Source *s) {
    return s->alias.n ? s->alias : s->name;
}

static bool check_names(const Merge *m) {
    const Source *t = m->target;
    for (size_t i = 0; i < m->source_scope.source_count; i++) {
        const Source *s = m->source_scope.sources[i];
        bool are_tables = !t->alias.n && !s->alias.n;
        if (!str_eq_icase(exposed(t), exposed(s)) ||
            (are_tables && (!str_eq_icase(t->schema, s->schema) || !str_eq_icase(t->database, s->database))))
            continue;
        return sqlerror_set(m->b->e, 5318, 1, m->line,
                            "In a MERGE statement, the source and target cannot have the same name or alias. "
                            "Use different aliases for the source and target to ensure that they have unique "
                            "names in the MERGE statement.");
    }
    return true;
}

static bool bind_tables(Merge *m) {
    Binder *b = m->b;
    const AstName *name = &m->ast->table;
    AstFrom f = {.kind = FROM_TABLE, .u.table = *name, .alias = m->ast->alias, .line = name->line};
    AstFrom *source = m->ast->source;
    if (!binddml_target(b, name, &m->ret->target)) return false;
    b->scope = &m->target_scope;
    if (!bindfrom_relation(b, m->ret->target, &f, NULL, 0, &m->target_scope, &m->target_sql)) return false;
    m->target = m->target_scope.sources[0];
    b->scope = &m->source_scope;
    if (!bindfrom_list(b, &source, 1, &m->source_scope, &m->source_sql) || !check_names(m)) return false;
    BIND_PUSH(b, m->both.sources, m->both.source_count, m->target);
    for (size_t i = 0; i < m->source_scope.source_count; i++)
        BIND_PUSH(b, m->both.sources, m->both.source_count, m->source_scope.sources[i]);
    b->scope = &m->both;
    return bindexpr_condition(b, m->ast->on, &m->on);
}

/* ---- WHEN ---- */

static bool check_aggregate(Binder *b, const AstExpr *x) {
    return !bindaggregate_within(x) || sqlerror_set(b->e, 5319, 1, x->line,
                                                    "Aggregates are not allowed in a WHEN clause of a MERGE "
                                                    "statement.");
}

static bool bind_condition_of(Merge *m, const AstMergeWhen *ast, const Scope *scope, When *w) {
    Scope here = *scope;
    if (!ast->condition) return true;
    if (ast->match != MERGE_MATCHED) here.merge_condition = &ast->match;
    m->b->scope = &here;
    bool ok = check_aggregate(m->b, ast->condition) && bindexpr_condition(m->b, ast->condition, &w->test);
    m->b->scope = NULL;
    return ok;
}

static bool bind_sets(Merge *m, const AstMergeWhen *ast, When *w, BoundMergeWhen *ret) {
    Binder *b = m->b;
    BoundUpdate u = {0};
    Query q = {0};
    for (size_t i = 0; i < ast->set_count; i++)
        if (!check_aggregate(b, ast->sets[i].value) ||
            (ast->sets[i].column.name.n && !binddml_set_column(b, &ast->sets[i], m->target, &u, &q)))
            return false;
    for (size_t i = 0; i < ast->set_count; i++) {
        if (!ast->sets[i].variable.n) continue;
        if (!binddml_set_variable(b, &ast->sets[i], &q)) return false;
        BIND_PUSH(b, ret->variables, ret->variable_count, ast->sets[i].variable);
    }
    ret->columns = u.columns;
    ret->column_count = u.column_count;
    w->values = q.items;
    w->value_count = q.item_count;
    return true;
}

static bool bind_values(Merge *m, const AstMergeWhen *ast, When *w, BoundMergeWhen *ret) {
    Binder *b = m->b;
    const BindRelation *r = m->ret->target;
    bool has_list = ast->columns != NULL;
    if (has_list) {
        ret->column_count = ast->column_count;
        if (!binddml_column_list(b, r, ast->columns, ast->column_count, ast->line, &ret->columns))
            return false;
    } else if (ast->values) {
        ret->column_count = binddml_insertable(b, r, &ret->columns);
    }
    if (!ast->values) { /* DEFAULT VALUES: whatever the list says */
        ret->column_count = 0;
        return true;
    }
    if (!binddml_check_count(b, ast->value_count, ret->column_count, has_list, ast->line)) return false;
    for (size_t i = 0; i < ret->column_count; i++) {
        QueryItem item = {0};
        size_t column = ret->columns[i];
        uint32_t line = ast->values[i]->line;
        if (!check_aggregate(b, ast->values[i]) || !binddml_cell(b, r, ast->values[i], column, &item.value) ||
            !bindtype_assign(b, item.value, r, column, line, &item.value))
            return false;
        ret->gives_identity |= r->columns[column].is_identity;
        BIND_PUSH(b, w->values, w->value_count, item);
    }
    return true;
}

static bool bind_when(Merge *m, size_t at) {
    const AstMergeWhen *ast = &m->ast->whens[at];
    BoundMergeWhen *ret = &m->ret->whens[at];
    When *w = &m->whens[at];
    Scope scope = ast->match == MERGE_MATCHED                 ? m->both
                  : ast->match == MERGE_NOT_MATCHED_BY_SOURCE ? m->target_scope
                                                              : m->source_scope;
    *ret = (BoundMergeWhen){.match = ast->match, .action = ast->action};
    if (!bind_condition_of(m, ast, &scope, w)) return false;
    if (ast->match == MERGE_NOT_MATCHED_BY_SOURCE) scope.hidden = &m->source_scope;
    m->b->scope = &scope;
    bool ok = true;
    if (ast->action == MERGE_UPDATE) ok = bind_sets(m, ast, w, ret);
    if (ast->action == MERGE_INSERT) ok = bind_values(m, ast, w, ret);
    m->b->scope = NULL;
    return ok;
}

/* ---- OUTPUT ---- */

static SourceColumn output_column(Merge *m, Str name, Type type, bool is_nullable, size_t at) {
    BoundParam p = {.kind = BOUND_DELETED, .type = type, .column = at};
    return (SourceColumn){.name = name,
                          .type = type,
                          .is_nullable = is_nullable,
                          .rank = RANK_IMPLICIT,
                          .sql = sql_param(m->b, &p)};
}

static void add_action(Merge *m, Scope *more) {
    Binder *b = m->b;
    Source *s = arena_zalloc(b->a, sizeof *s);
    Type type = {.id = TYPE_NVARCHAR, .length = 10, .collation = m->b->host->default_collation};
    s->column_count = 1;
    s->columns = ARENA_ARRAY(b->a, SourceColumn, 1);
    s->columns[0] = output_column(m, STR_LIT("$action"), type, false, m->ret->image_size++);
    BIND_PUSH(b, more->sources, more->source_count, s);
}

static void add_shown(Merge *m, const Source *from, Scope *more) {
    Binder *b = m->b;
    Source *s = arena_zalloc(b->a, sizeof *s);
    *s = *from;
    s->relation = NULL;
    s->used = arena_zalloc(b->a, (from->column_count + 1) * sizeof *s->used);
    s->columns = ARENA_ARRAY(b->a, SourceColumn, from->column_count ? from->column_count : 1);
    for (size_t c = 0; c < from->column_count; c++)
        s->columns[c] =
            output_column(m, from->columns[c].name, from->columns[c].type, true, m->ret->image_size++);
    BIND_PUSH(b, more->sources, more->source_count, s);
}

/* Columns of the source that OUTPUT names go along in the query. */
static void add_extras(Merge *m, const Scope *more) {
    Binder *b = m->b;
    size_t at = m->ret->target->column_count + 1;
    for (size_t i = 0; i < m->source_scope.source_count; i++) {
        const Source *from = m->source_scope.sources[i], *shown = more->sources[i + 1];
        for (size_t c = 0; c < from->column_count; c++, at++) {
            if (!shown->used[c]) continue;
            if (from->used) from->used[c] = true;
            QueryItem item = {.value = {.sql = from->columns[c].sql, .type = from->columns[c].type}};
            BIND_PUSH(b, m->ret->extra_at, m->ret->extra_count, at);
            BIND_PUSH(b, m->extras, m->extra_count, item);
        }
    }
}

static bool bind_output(Merge *m) {
    Binder *b = m->b;
    const AstOutput *ast = &m->ast->output;
    Scope more = {0};
    m->ret->image_size = m->ret->target->column_count;
    for (size_t i = 0; i < ast->item_count; i++)
        if (ast->items[i].kind == ITEM_STAR && !ast->items[i].qualifier.name.n)
            return sqlerror_set(b->e, 102, 1, ast->items[i].line, "Incorrect syntax near '*'.");
    add_action(m, &more);
    for (size_t i = 0; i < m->source_scope.source_count; i++) add_shown(m, m->source_scope.sources[i], &more);
    if (!binddml_output(b, ast, m->ret->target, true, true, &more, m->line, &m->ret->output)) return false;
    if (m->ret->output) add_extras(m, &more);
    return true;
}

/* ---- the query ---- */

static const Sql *key(const Merge *m) {
    return sql_printf(m->b, "f%d.%s", m->target->number, m->target->key);
}

static bool is_in_part(const Merge *m, size_t when, bool by_source) {
    return (m->ast->whens[when].match == MERGE_NOT_MATCHED_BY_SOURCE) == by_source;
}

/* Which WHEN a row takes: the first whose condition is true. */
static const Sql *choice(const Merge *m, bool by_source) {
    static const char *const tests[] = {[MERGE_MATCHED] = "@ WHEN @ IS NOT NULL AND (@) THEN @",
                                        [MERGE_NOT_MATCHED] = "@ WHEN @ IS NULL AND (@) THEN @",
                                        [MERGE_NOT_MATCHED_BY_SOURCE] =
                                            "@ WHEN @ IS NOT NULL AND (@) THEN @"};
    const Sql *ret = sql_text(m->b, "CASE");
    for (size_t i = 0; i < m->ast->when_count; i++) {
        if (!is_in_part(m, i, by_source)) continue;
        const Sql *test = m->whens[i].test ? m->whens[i].test : sql_text(m->b, "1");
        ret = SQL_OF(m->b, tests[m->ast->whens[i].match], ret, key(m), test, sql_printf(m->b, "%zu", i));
    }
    return SQL_OF(m->b, "@ END", ret);
}

static const Sql *value_of(const Merge *m, const Sql *chosen, size_t at, bool by_source) {
    const Sql *whens = NULL;
    for (size_t i = 0; i < m->ast->when_count; i++) {
        if (!is_in_part(m, i, by_source) || at >= m->whens[i].value_count) continue;
        whens = SQL_OF(m->b, "@ WHEN @ THEN @", whens ? whens : sql_text(m->b, ""),
                       sql_printf(m->b, "%zu", i), m->whens[i].values[at].value.sql);
    }
    return whens ? SQL_OF(m->b, "CASE @@ END", chosen, whens) : sql_text(m->b, "NULL");
}

static const Sql *select_list(const Merge *m, bool by_source) {
    Binder *b = m->b;
    size_t count = m->ret->first_extra + m->extra_count;
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, count), *chosen = choice(m, by_source);
    list[MERGE_KEY] = key(m);
    list[MERGE_WHEN] = chosen;
    for (size_t i = MERGE_FIRST_VALUE; i < m->ret->first_extra; i++)
        list[i] = value_of(m, chosen, i - MERGE_FIRST_VALUE, by_source);
    for (size_t i = 0; i < m->extra_count; i++)
        list[m->ret->first_extra + i] = by_source ? sql_text(b, "NULL") : m->extras[i].value.sql;
    for (size_t i = 0; i < count; i++) list[i] = SQL_OF(b, "@ AS @", list[i], sql_printf(b, "c%zu", i + 1));
    return sql_list(b, list, count);
}

static const Sql *joined_part(const Merge *m) {
    bool inserts = false;
    for (size_t i = 0; i < m->ast->when_count; i++) inserts |= m->ast->whens[i].match == MERGE_NOT_MATCHED;
    return SQL_OF(m->b, inserts ? "SELECT @ FROM @ LEFT JOIN @ ON @" : "SELECT @ FROM @ JOIN @ ON @",
                  select_list(m, false), m->source_sql, m->target_sql, m->on);
}

/* One source gets a mark, which lets SQLite make an index for the join; several can't be one SELECT's *. */
static const Sql *unmatched_part(const Merge *m) {
    Binder *b = m->b;
    const Sql *list = select_list(m, true);
    if (m->source_scope.source_count > 1)
        return SQL_OF(b, "SELECT @ FROM @ WHERE NOT EXISTS (SELECT 1 FROM @ WHERE @)", list, m->target_sql,
                      m->source_sql, m->on);
    const Sql *name = sql_printf(b, "f%d", m->source_scope.sources[0]->number);
    const Sql *marked = SQL_OF(b, "(SELECT 1 AS mark, @.* FROM @) AS @", name, m->source_sql, name);
    return SQL_OF(b, "SELECT @ FROM @ LEFT JOIN @ ON @ WHERE @.mark IS NULL", list, m->target_sql, marked,
                  m->on, name);
}

/* TOP counts the rows that something is done with. */
static bool limited(const Merge *m, const Sql *rows, const Sql **ret) {
    const AstTop *top = &m->ast->top;
    const Sql *limit;
    *ret = rows;
    if (!top->count) return true;
    const Sql *body = SQL_OF(m->b, " FROM (@) WHERE c2 IS NOT NULL", rows);
    m->b->scope = NULL;
    if (top->is_percent ? !binddml_percent_limit(m->b, top->count, body, &limit)
                        : !bindquery_limit(m->b, top->count, &limit))
        return false;
    *ret = SQL_OF(m->b, "SELECT *@ LIMIT @", body, limit);
    return true;
}

static bool finish(Merge *m) {
    Binder *b = m->b;
    bool has_joined = false, has_unmatched = false;
    size_t values = 0;
    for (size_t i = 0; i < m->ast->when_count; i++) {
        bool by_source = m->ast->whens[i].match == MERGE_NOT_MATCHED_BY_SOURCE;
        has_unmatched |= by_source;
        has_joined |= !by_source;
        if (m->whens[i].value_count > values) values = m->whens[i].value_count;
    }
    m->ret->first_extra = MERGE_FIRST_VALUE + values;
    const Sql *joined = has_joined ? joined_part(m) : NULL;
    const Sql *unmatched = has_unmatched ? unmatched_part(m) : NULL, *sql;
    const Sql *rows = joined && unmatched ? SQL_OF(b, "@ UNION ALL @", joined, unmatched)
                      : joined            ? joined
                                          : unmatched;
    if (!limited(m, rows, &sql)) return false;
    Query q = {.is_values = true, .item_count = m->ret->first_extra + m->extra_count};
    q.items = arena_zalloc(b->a, q.item_count * sizeof *q.items);
    bindquery_finish(b, &q, sql, &m->ret->query);
    return true;
}

bool binddml_merge(Binder *b, const AstStmt *s, BoundMerge *ret) {
    const AstMerge *ast = &s->u.merge;
    Merge m = {.b = b, .ast = ast, .line = s->line, .ret = ret};
    *ret = (BoundMerge){.hints = ast->hints, .when_count = ast->when_count};
    bool ok = bind_tables(&m);
    b->scope = NULL;
    for (size_t i = 0; ok && i < ast->when_count; i++) ok = bind_when(&m, i);
    if (!ok || !bind_output(&m) || !finish(&m)) return false;
    binddml_mark_changed(b, ret->target, ast->hints);
    ret->query.refs = b->refs;
    ret->query.ref_count = b->ref_count;
    return true;
}
