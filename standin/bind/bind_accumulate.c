/*
 * SELECT @v = @v + x FROM t ORDER BY y: the variable has a new value with each row. SQLite computes what it
 * sorts before it sorts, so the query is put into a subquery that gives the columns in their order, and the
 * assignments stand outside, where the variable is asked anew for each row (standin_variable).
 */
#include "standin/bind/bind_internal.h"

typedef struct Found { /* columns that the assignments use */
    const Sql **columns;
    size_t count;
} Found;

/* c<n> of the subquery for a column's piece of SQL; NULL: it is no column. */
static const Sql *inner_column(Binder *b, const Scope *scope, const Sql *sql, Found *found) {
    for (size_t i = 0; i < found->count; i++)
        if (found->columns[i] == sql) return sql_printf(b, "q_.c%zu", i + 1);
    for (size_t i = 0; i < scope->source_count; i++)
        for (size_t c = 0; c < scope->sources[i]->column_count; c++) {
            if (scope->sources[i]->columns[c].sql != sql) continue;
            BIND_PUSH(b, found->columns, found->count, sql);
            return sql_printf(b, "q_.c%zu", found->count);
        }
    return NULL;
}

/* The same tree with the columns replaced. */
static const Sql *replaced(Binder *b, const Scope *scope, const Sql *sql, Found *found) {
    const Sql *column = inner_column(b, scope, sql, found);
    if (column) return column;
    if (sql->count == 0 || sql->kind == SQL_TEXT) return sql;
    Sql *copy = arena_alloc(b->a, sizeof *copy);
    *copy = *sql;
    copy->kids = ARENA_ARRAY(b->a, const Sql *, sql->count);
    for (size_t i = 0; i < sql->count; i++) copy->kids[i] = replaced(b, scope, sql->kids[i], found);
    return copy;
}

bool bindaccumulate_wrap(Binder *b, const Scope *scope, uint32_t line, Query *q) {
    Found found = {0};
    if (q->is_single_row) return true; /* an aggregate over all: there is no second row */
    if (q->is_grouped || q->is_distinct || q->rank)
        return sqlerror_set(b->e, 40517, 1, line,
                            "Keyword or statement option 'SELECT @variable = … @variable … of groups' is not "
                            "supported in this "
                            "version of SQL Server.");
    for (size_t i = 0; i < q->item_count; i++)
        q->items[i].value.sql = replaced(b, scope, q->items[i].value.sql, &found);
    const Sql **list = ARENA_ARRAY(b->a, const Sql *, found.count + 1);
    for (size_t i = 0; i < found.count; i++)
        list[i] = SQL_OF(b, "@@", found.columns[i], sql_printf(b, " AS c%zu", i + 1));
    if (found.count == 0) list[found.count++] = sql_text(b, "1");
    const Sql *tail = q->tail ? q->tail : sql_text(b, "");
    q->from = SQL_OF(b, " FROM (SELECT @@@@) AS q_", sql_list(b, list, found.count), q->from, tail,
                     sql_text(b, q->has_limit ? "" : " LIMIT -1"));
    q->tail = NULL;
    return true;
}
