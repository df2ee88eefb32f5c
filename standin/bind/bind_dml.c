/*
 * INSERT, UPDATE, DELETE, and what MERGE (bind_merge.c) shares with them. What they do to rows is exec/'s
 * work: here they become queries that say which rows and which values; OUTPUT becomes a query over one
 * changed row, whose columns are parameters.
 */
#include <string.h>

#include "standin/bind/bind_internal.h"
#include "standin/tsql/parser.h"

/* ---- a row as parameters ---- */

void binddml_row_source(Binder *b, Scope *scope, const BindRelation *r, Str alias, BoundParamKind kind) {
    Source *s = arena_zalloc(b->a, sizeof *s);
    s->alias = alias;
    s->relation = r;
    s->database = r->database;
    s->schema = r->schema;
    s->name = r->name;
    s->column_count = r->column_count;
    s->columns = ARENA_ARRAY(b->a, SourceColumn, r->column_count ? r->column_count : 1);
    for (size_t i = 0; i < r->column_count; i++) {
        BoundParam p = {.kind = kind, .type = r->columns[i].type, .column = i};
        s->columns[i] = (SourceColumn){.name = r->columns[i].name,
                                       .type = r->columns[i].type,
                                       .is_nullable = r->columns[i].is_nullable,
                                       .rank = RANK_IMPLICIT,
                                       .sql = sql_param(b, &p)};
    }
    BIND_PUSH(b, scope->sources, scope->source_count, s);
}

/* ---- the target ---- */

static bool is_changeable(Binder *b, const BindRelation *r, uint32_t line) {
    if (r->kind == BIND_TABLE || r->kind == BIND_TEMPORARY || r->kind == BIND_TABLE_VARIABLE) return true;
    if (r->sql.n && r->column_count)
        return sqlerror_set(
            b->e, 40517, 1, line,
            "Keyword or statement option 'INSERT, UPDATE or DELETE of a view' is not supported in "
            "this version of SQL Server.");
    return sqlerror_set(b->e, 259, 1, line, "Ad hoc updates to system catalogs are not allowed.");
}

static bool refuse_cte_target(Binder *b, const AstName *name) {
    if (name->schema.n) return true;
    for (const CteFrame *frame = b->ctes; frame; frame = frame->outer)
        for (size_t i = 0; i < frame->visible; i++)
            if (str_eq_icase(frame->with->ctes[i].name, name->name))
                return sqlerror_set(b->e, 40517, 1, name->line,
                                    "Keyword or statement option 'changes of a common table expression' "
                                    "is not supported in this version of SQL Server.");
    return true;
}

bool binddml_target(Binder *b, const AstName *name, const BindRelation **ret) {
    return refuse_cte_target(b, name) && bindfrom_table(b, name, ret) && is_changeable(b, *ret, name->line);
}

void binddml_mark_changed(Binder *b, const BindRelation *r, uint32_t hints) {
    for (size_t i = 0; i < b->ref_count; i++) {
        if (b->refs[i].relation != r) continue;
        b->refs[i].access = BIND_CHANGE;
        b->refs[i].hints |= hints;
        return;
    }
    bindfrom_add_ref(b, r, BIND_CHANGE, hints, NULL);
}

static bool find_column(Binder *b, const BindRelation *r, Str name, uint32_t line, size_t *ret) {
    for (size_t i = 0; i < r->column_count; i++)
        if (str_eq_icase(r->columns[i].name, name)) {
            *ret = i;
            return true;
        }
    return sqlerror_set(b->e, 207, 1, line, "Invalid column name '%.*s'.", STR_ARG(name));
}

static bool check_settable(Binder *b, const BindRelation *r, size_t column, uint32_t line) {
    const BindColumn *c = &r->columns[column];
    if (c->type.id == TYPE_ROWVERSION)
        return sqlerror_set(
            b->e, 273, 1, line,
            "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to "
            "exclude the timestamp column, or insert a DEFAULT into the timestamp column.");
    if (!c->is_computed) return true;
    return sqlerror_set(
        b->e, 271, 1, line,
        "The column \"%.*s\" cannot be modified because it is either a computed column or is the "
        "result of a UNION operator.",
        STR_ARG(c->name));
}

bool binddml_column_list(Binder *b, const BindRelation *r, const Str *names, size_t count, uint32_t line,
                         size_t **ret) {
    *ret = ARENA_ARRAY(b->a, size_t, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        if (!find_column(b, r, names[i], line, &(*ret)[i]) || !check_settable(b, r, (*ret)[i], line))
            return false;
        for (size_t j = 0; j < i; j++)
            if ((*ret)[j] == (*ret)[i])
                return sqlerror_set(
                    b->e, 264, 1, line,
                    "The column name '%.*s' is specified more than once in the SET clause or column "
                    "list of an INSERT. A column cannot be assigned more than one value in the same "
                    "clause. Modify the clause to make sure that a column is updated only once.",
                    STR_ARG(names[i]));
    }
    return true;
}

size_t binddml_insertable(Binder *b, const BindRelation *r, size_t **ret) {
    size_t count = 0;
    *ret = ARENA_ARRAY(b->a, size_t, r->column_count ? r->column_count : 1);
    for (size_t i = 0; i < r->column_count; i++)
        if (!r->columns[i].is_computed && !r->columns[i].is_identity &&
            r->columns[i].type.id != TYPE_ROWVERSION)
            (*ret)[count++] = i;
    return count;
}

/* ---- OUTPUT ---- */

static bool output_into(Binder *b, const AstOutput *ast, uint32_t line, Query *q, BoundOutput *ret) {
    size_t count;
    if (!binddml_target(b, &ast->into, &ret->into)) return false;
    if (ast->into_columns) {
        count = ast->into_count;
        if (!binddml_column_list(b, ret->into, ast->into_columns, count, line, &ret->into_columns))
            return false;
    } else {
        count = binddml_insertable(b, ret->into, &ret->into_columns);
    }
    if (count != q->item_count)
        return sqlerror_set(b->e, 213, 1, line,
                            "Column name or number of supplied values does not match table definition.");
    for (size_t i = 0; i < count; i++)
        if (!bindtype_assign(b, q->items[i].value, ret->into, ret->into_columns[i], line, &q->items[i].value))
            return false;
    return true;
}

bool binddml_output(Binder *b, const AstOutput *ast, const BindRelation *r, bool has_inserted,
                    bool has_deleted, const Scope *more, uint32_t line, BoundOutput **ret) {
    if (!ast->items) return true;
    AstQuery query = {.kind = QUERY_SELECT, .line = line};
    query.u.select.items = ast->items;
    query.u.select.item_count = ast->item_count;
    Scope scope = {0}, *saved = b->scope;
    Query q;
    BoundOutput *out = arena_zalloc(b->a, sizeof *out);
    if (has_inserted) binddml_row_source(b, &scope, r, STR_LIT("inserted"), BOUND_INSERTED);
    if (has_deleted) binddml_row_source(b, &scope, r, STR_LIT("deleted"), BOUND_DELETED);
    for (size_t i = 0; more && i < scope.source_count; i++) /* MERGE: a row may have but one image */
        for (size_t c = 0; c < r->column_count; c++) scope.sources[i]->columns[c].is_nullable = true;
    for (size_t i = 0; more && i < more->source_count; i++)
        BIND_PUSH(b, scope.sources, scope.source_count, more->sources[i]);
    b->scope = &scope;
    bool ok = bindquery_bind_items(b, &query, &scope, &q);
    b->scope = saved;
    if (!ok || (ast->into.name.n && !output_into(b, ast, line, &q, out))) return false;
    bindquery_finish(b, &q, bindquery_sql(b, &q), &out->query);
    if (out->into) binddml_mark_changed(b, out->into, 0);
    *ret = out;
    return true;
}

/* ---- INSERT ---- */

/* A column's DEFAULT, or NULL. */
static bool default_value(Binder *b, const BindRelation *r, size_t column, Bx *ret) {
    const BindColumn *c = &r->columns[column];
    AstExpr *x;
    ParserOptions options = {.quoted_identifier = true};
    *ret = bindtype_null(b);
    if (c->default_text.n == 0) return true;
    Scope *saved = b->scope;
    b->scope = NULL;
    b->in_default = true;
    bool ok = parser_expression(c->default_text, &options, b->a, &x, b->e) && bindexpr_value(b, x, ret);
    b->in_default = false;
    b->scope = saved;
    return ok;
}

bool binddml_cell(Binder *b, const BindRelation *r, const AstExpr *x, size_t column, Bx *ret) {
    return x->kind == EXPR_DEFAULT ? default_value(b, r, column, ret) : bindexpr_value(b, x, ret);
}

/* Several rows first get one type for each column, as any table of values does. */
static bool insert_column(Binder *b, const AstQuery *ast, const BoundInsert *ret, Bx *cells, size_t column) {
    size_t rows = ast->u.values.row_count, columns = ret->column_count;
    Bx **all = ARENA_ARRAY(b->a, Bx *, rows);
    Type t;
    for (size_t r = 0; r < rows; r++) all[r] = &cells[r * columns + column];
    if (rows > 1 && !bindtype_common(b, all, rows, ast->line, &t)) return false;
    for (size_t r = 0; r < rows; r++) {
        uint32_t line = ast->u.values.rows[r][column]->line;
        if (!bindtype_assign(b, *all[r], ret->target, ret->columns[column], line, all[r])) return false;
    }
    return true;
}

static const Sql *cells_sql(Binder *b, const Bx *cells, size_t rows, size_t columns) {
    const Sql **lines = ARENA_ARRAY(b->a, const Sql *, rows);
    for (size_t r = 0; r < rows; r++) {
        const Sql **row = ARENA_ARRAY(b->a, const Sql *, columns);
        for (size_t c = 0; c < columns; c++) row[c] = cells[r * columns + c].sql;
        lines[r] = SQL_OF(b, "(@)", sql_list(b, row, columns));
    }
    return SQL_OF(b, "VALUES @", sql_list(b, lines, rows));
}

static void target_items(Binder *b, const BoundInsert *ret, Query *q) {
    *q = (Query){.is_values = true, .item_count = ret->column_count};
    q->items = arena_zalloc(b->a, ret->column_count * sizeof *q->items);
    for (size_t c = 0; c < ret->column_count; c++) {
        q->items[c].value.type = ret->target->columns[ret->columns[c]].type;
        q->items[c].value.is_nullable = true;
        q->items[c].name = ret->target->columns[ret->columns[c]].name;
    }
}

static bool insert_values(Binder *b, const AstQuery *ast, BoundInsert *ret) {
    size_t rows = ast->u.values.row_count, columns = ret->column_count;
    Bx *cells = ARENA_ARRAY(b->a, Bx, rows * columns);
    bool is_constant = true;
    for (size_t i = 0; i < rows * columns; i++)
        if (!binddml_cell(b, ret->target, ast->u.values.rows[i / columns][i % columns],
                          ret->columns[i % columns], &cells[i]))
            return false;
    for (size_t c = 0; c < columns; c++)
        if (!insert_column(b, ast, ret, cells, c)) return false;
    for (size_t i = 0; i < rows * columns; i++) is_constant &= cells[i].is_constant;
    ret->row_count = rows;
    if (is_constant) {
        Value *values = ARENA_ARRAY(b->a, Value, rows * columns);
        for (size_t i = 0; i < rows * columns; i++) values[i] = cells[i].value;
        ret->rows = values;
        return true;
    }
    Query q;
    target_items(b, ret, &q);
    bindquery_finish(b, &q, cells_sql(b, cells, rows, columns), &ret->query);
    return true;
}

/* TOP (n) PERCENT of the rows that " FROM …" has. */
bool binddml_percent_limit(Binder *b, const AstExpr *count, const Sql *body, const Sql **ret) {
    Bx percent;
    if (!bindcall_argument(b, count, 'f', &percent)) return false;
    *ret = SQL_OF(b, "(SELECT ts_percent(count(*),@)@)", percent.sql, body);
    return true;
}

/* The items of a bare SELECT are converted where they are; anything else becomes a table first. */
static bool insert_query(Binder *b, const AstInsert *ast, BoundInsert *ret) {
    Query q, out;
    const Sql *limit = NULL;
    if (!bindquery_bind(b, ast->query, &q)) return false;
    if (q.item_count != ret->column_count) {
        bool has_list = ast->columns != NULL;
        if (!has_list)
            return sqlerror_set(b->e, 213, 1, ast->table.line,
                                "Column name or number of supplied values does not match table definition.");
        return sqlerror_set(
            b->e, q.item_count < ret->column_count ? 120 : 121, 1, ast->table.line,
            "The select list for the INSERT statement contains %s items than the insert list. The "
            "number of SELECT values must match the number of INSERT columns.",
            q.item_count < ret->column_count ? "fewer" : "more");
    }
    if (ast->top.count && !ast->top.is_percent && !bindquery_limit(b, ast->top.count, &limit)) return false;
    bool is_bare = !q.is_set && !q.is_values && !q.is_distinct && !ast->top.count;
    const Sql *inner = is_bare ? NULL : bindquery_sql(b, &q);
    int number = b->next_source++;
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, q.item_count);
    for (size_t i = 0; i < q.item_count; i++) {
        Bx x = q.items[i].value;
        if (!is_bare) {
            x.sql = sql_printf(b, "f%d.c%zu", number, i + 1);
            x.is_constant = x.is_integer_literal = false;
        }
        if (!bindtype_assign(b, x, ret->target, ret->columns[i], ast->table.line, &x)) return false;
        q.items[i].value = x;
        list[i] = x.sql;
    }
    const Sql *sql = is_bare ? bindquery_sql(b, &q)
                             : SQL_OF(b, "SELECT @ FROM (@) AS @", sql_list(b, list, q.item_count), inner,
                                      sql_printf(b, "f%d", number));
    if (ast->top.is_percent && !binddml_percent_limit(b, ast->top.count, SQL_OF(b, " FROM (@)", sql), &limit))
        return false;
    if (limit) sql = SQL_OF(b, "@ LIMIT @", sql, limit);
    target_items(b, ret, &out);
    bindquery_finish(b, &out, sql, &ret->query);
    return true;
}

bool binddml_check_count(Binder *b, size_t given, size_t wanted, bool has_list, uint32_t line) {
    if (given == wanted) return true;
    if (!has_list)
        return sqlerror_set(b->e, 213, 1, line,
                            "Column name or number of supplied values does not match table definition.");
    return sqlerror_set(
        b->e, given > wanted ? 110 : 109, 1, line,
        "There are %s columns in the INSERT statement than values specified in the VALUES clause. The "
        "number of values in the VALUES clause must match the number of columns specified in the "
        "INSERT statement.",
        given > wanted ? "fewer" : "more");
}

bool binddml_insert(Binder *b, const AstStmt *s, BoundInsert *ret) {
    const AstInsert *ast = &s->u.insert;
    *ret = (BoundInsert){.source = ast->source, .hints = ast->hints, .exec = ast->exec};
    if (!binddml_target(b, &ast->table, &ret->target)) return false;
    if (ast->columns) {
        ret->column_count = ast->column_count;
        if (!binddml_column_list(b, ret->target, ast->columns, ast->column_count, ast->table.line,
                                 &ret->columns))
            return false;
    } else if (ast->source != INSERT_FROM_DEFAULTS) {
        ret->column_count = binddml_insertable(b, ret->target, &ret->columns);
    }
    for (size_t i = 0; i < ret->column_count; i++)
        ret->gives_identity |= ret->target->columns[ret->columns[i]].is_identity;
    if (ast->source == INSERT_FROM_QUERY) {
        bool is_values = ast->query->kind == QUERY_VALUES;
        if (is_values ? !binddml_check_count(b, ast->query->u.values.column_count, ret->column_count,
                                             ast->columns != NULL, ast->table.line) ||
                            !insert_values(b, ast->query, ret)
                      : !insert_query(b, ast, ret))
            return false;
    }
    if (!binddml_output(b, &ast->output, ret->target, true, false, NULL, s->line, &ret->output)) return false;
    binddml_mark_changed(b, ret->target, ast->hints);
    ret->query.refs = b->refs;
    ret->query.ref_count = b->ref_count;
    return true;
}

/* ---- UPDATE, DELETE ---- */

static Source *find_source(Scope *scope, const AstName *name, const BindRelation *r) {
    for (size_t i = 0; i < scope->source_count; i++)
        if (scope->sources[i]->alias.n && bindname_matches(scope->sources[i], name)) return scope->sources[i];
    for (size_t i = 0; i < scope->source_count; i++)
        if (r && scope->sources[i]->relation == r) return scope->sources[i];
    for (size_t i = 0; i < scope->source_count; i++) {
        const BindRelation *other = scope->sources[i]->relation;
        if (r && other && other->object_id == r->object_id && other->kind == r->kind)
            return scope->sources[i];
    }
    return NULL;
}

/* FROM of the statement with the target in it; the target may be named by its alias there. */
static bool target_source(Binder *b, const AstName *name, AstFrom *const *from, size_t from_count,
                          Scope *scope, const Sql **ret_sql, Source **ret) {
    const Sql *list = NULL, *own;
    const BindRelation *r = NULL;
    if (from_count && !bindfrom_list(b, from, from_count, scope, &list)) return false;
    *ret = find_source(scope, name, NULL);
    if (!*ret) {
        if (!binddml_target(b, name, &r)) return false;
        *ret = find_source(scope, name, r);
    }
    if (!*ret) {
        AstFrom f = {.kind = FROM_TABLE, .u.table = *name, .line = name->line};
        if (!bindfrom_relation(b, r, &f, NULL, 0, scope, &own)) return false;
        *ret = scope->sources[scope->source_count - 1];
        list = list ? SQL_OF(b, "@, @", list, own) : own;
    }
    if (!(*ret)->relation || (*ret)->relation->sql.n)
        return sqlerror_set(
            b->e, 40517, 1, name->line,
            "Keyword or statement option 'UPDATE or DELETE of a derived table' is not supported in "
            "this version of SQL Server.");
    *ret_sql = list;
    return is_changeable(b, (*ret)->relation, name->line);
}

/* SELECT key, items FROM … WHERE … LIMIT … */
static bool finish_change(Binder *b, Query *q, const Source *s, const Sql *from, const AstExpr *where,
                          const AstTop *top, BoundQuery *ret) {
    const Sql *body = SQL_OF(b, " FROM @", from), *condition, *limit;
    if (where) {
        if (!bindexpr_condition(b, where, &condition)) return false;
        body = SQL_OF(b, "@ WHERE @", body, condition);
    }
    if (top->count) {
        if (top->is_percent ? !binddml_percent_limit(b, top->count, body, &limit)
                            : !bindquery_limit(b, top->count, &limit))
            return false;
        body = SQL_OF(b, "@ LIMIT @", body, limit);
    }
    q->items[0].value.sql = sql_printf(b, "f%d.%s", s->number, s->key);
    q->items[0].value.type.id = TYPE_BIGINT;
    q->from = body;
    bindquery_finish(b, q, bindquery_sql(b, q), ret);
    return true;
}

static bool set_value(Binder *b, const AstSet *set, const BindRelation *r, size_t column, const Source *s,
                      Bx *ret) {
    if (!binddml_cell(b, r, set->value, column, ret)) return false;
    if (set->op == OP_EQ || set->value->kind == EXPR_DEFAULT) return true;
    const SourceColumn *c = &s->columns[column];
    Bx before = {.sql = c->sql, .type = c->type, .is_nullable = c->is_nullable, .rank = RANK_IMPLICIT};
    return bindtype_binary(b, set->op, before, *ret, set->value->line, ret);
}

bool binddml_set_column(Binder *b, const AstSet *set, const Source *s, BoundUpdate *ret, Query *q) {
    const BindRelation *r = s->relation;
    size_t column;
    QueryItem item = {0};
    if (!find_column(b, r, set->column.name, set->column.line, &column)) return false;
    if (set->column.schema.n) {
        AstName qualifier = {.name = set->column.schema, .schema = set->column.database};
        if (!bindname_matches(s, &qualifier) && !str_eq_icase(qualifier.name, r->name))
            return sqlerror_set(b->e, 4104, 1, set->column.line,
                                "The multi-part identifier \"%.*s.%.*s\" could not be bound.",
                                STR_ARG(set->column.schema), STR_ARG(set->column.name));
    }
    if (r->columns[column].type.id == TYPE_ROWVERSION)
        return sqlerror_set(b->e, 272, 1, set->column.line, "Cannot update a timestamp column.");
    if (!check_settable(b, r, column, set->column.line)) return false;
    if (r->columns[column].is_identity)
        return sqlerror_set(b->e, 8102, 1, set->column.line, "Cannot update identity column '%.*s'.",
                            STR_ARG(set->column.name));
    if (!set_value(b, set, r, column, s, &item.value) ||
        !bindtype_assign(b, item.value, r, column, set->value->line, &item.value))
        return false;
    for (size_t i = 0; i < ret->column_count; i++)
        if (ret->columns[i] == column)
            return sqlerror_set(
                b->e, 264, 1, set->column.line,
                "The column name '%.*s' is specified more than once in the SET clause or column list "
                "of an INSERT. A column cannot be assigned more than one value in the same clause. "
                "Modify the clause to make sure that a column is updated only once.",
                STR_ARG(set->column.name));
    BIND_PUSH(b, ret->columns, ret->column_count, column);
    BIND_PUSH(b, q->items, q->item_count, item);
    return true;
}

/* @v = expr, and @v = column = expr: after the columns, in a second pass. */
bool binddml_set_variable(Binder *b, const AstSet *set, Query *q) {
    QueryItem item = {.variable = set->variable};
    Bx before;
    if (!bindexpr_variable(b, set->variable, set->value->line, &before) ||
        !bindexpr_value(b, set->value, &item.value))
        return false;
    if (set->op != OP_EQ && !set->column.name.n &&
        !bindtype_binary(b, set->op, before, item.value, set->value->line, &item.value))
        return false;
    if (!bindtype_convert(b, item.value, &before.type, MODE_IMPLICIT, set->value->line, &item.value))
        return false;
    BIND_PUSH(b, q->items, q->item_count, item);
    return true;
}

static bool update_body(Binder *b, const AstStmt *s, Scope *scope, BoundUpdate *ret) {
    const AstUpdate *ast = &s->u.update;
    const Sql *from;
    Source *source;
    Query q = {0};
    if (!target_source(b, &ast->table, ast->from, ast->from_count, scope, &from, &source)) return false;
    ret->target = source->relation;
    BIND_PUSH(b, q.items, q.item_count, (QueryItem){0});
    for (size_t i = 0; i < ast->set_count; i++)
        if (ast->sets[i].column.name.n && !binddml_set_column(b, &ast->sets[i], source, ret, &q))
            return false;
    for (size_t i = 0; i < ast->set_count; i++)
        if (ast->sets[i].variable.n && !binddml_set_variable(b, &ast->sets[i], &q)) return false;
    return finish_change(b, &q, source, from, ast->where, &ast->top, &ret->query);
}

bool binddml_update(Binder *b, const AstStmt *s, BoundUpdate *ret) {
    const AstUpdate *ast = &s->u.update;
    Scope scope = {0};
    *ret = (BoundUpdate){.hints = ast->hints};
    b->scope = &scope;
    bool ok = update_body(b, s, &scope, ret);
    b->scope = NULL;
    if (!ok || !binddml_output(b, &ast->output, ret->target, true, true, NULL, s->line, &ret->output))
        return false;
    binddml_mark_changed(b, ret->target, ast->hints);
    ret->query.refs = b->refs;
    ret->query.ref_count = b->ref_count;
    return true;
}

static bool delete_body(Binder *b, const AstDelete *ast, Scope *scope, BoundDelete *ret) {
    const Sql *from;
    Source *source;
    Query q = {0};
    if (!target_source(b, &ast->table, ast->from, ast->from_count, scope, &from, &source)) return false;
    ret->target = source->relation;
    BIND_PUSH(b, q.items, q.item_count, (QueryItem){0});
    return finish_change(b, &q, source, from, ast->where, &ast->top, &ret->query);
}

bool binddml_delete(Binder *b, const AstStmt *s, BoundDelete *ret) {
    const AstDelete *ast = &s->u.delete_;
    Scope scope = {0};
    *ret = (BoundDelete){.hints = ast->hints};
    b->scope = &scope;
    bool ok = delete_body(b, ast, &scope, ret);
    b->scope = NULL;
    if (!ok || !binddml_output(b, &ast->output, ret->target, false, true, NULL, s->line, &ret->output))
        return false;
    binddml_mark_changed(b, ret->target, ast->hints);
    ret->query.refs = b->refs;
    ret->query.ref_count = b->ref_count;
    return true;
}
