/*
 * bind_internal.h - what the binder's files share.
 *
 * A bound expression (Bx) is a T-SQL type and a piece of SQL. The SQL is a tree of texts (Sql), written out
 * at the end: wrapping a piece in a conversion costs nothing, and a parameter gets its number when it is
 * written, so that only what is used becomes one.
 */
#ifndef STANDIN_BIND_BIND_INTERNAL_H
#define STANDIN_BIND_BIND_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/bind/bind.h"

/* ---- SQL pieces (bind_sql.c) ---- */

typedef struct Sql Sql;
/* SQL_OUTER: something of the query around an APPLY's right side; within that side it is a parameter.
 * SQL_APPLY: that side, a query of its own that fn_apply.c runs for each row on the left. */
typedef enum SqlKind { SQL_TEXT, SQL_FORMAT, SQL_PARAM, SQL_OUTER, SQL_APPLY } SqlKind;
struct Sql {
    SqlKind kind;
    Str text; /* SQL_FORMAT: '@' stands for the next child, '$' for all that are left, with commas */
    const Sql **kids;
    size_t count;
    BoundParam param; /* SQL_PARAM */
};

typedef struct Binder Binder;
typedef struct Query Query;

const Sql *sql_text(Binder *b, const char *text); /* text lives as long as the arena */
const Sql *sql_printf(Binder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const Sql *sql_format(Binder *b, const char *format, const Sql *const *kids, size_t count);
#define SQL_OF(b, format, ...)                                                                               \
    sql_format((b), (format), (const Sql *const[]){__VA_ARGS__},                                             \
               sizeof((const Sql *const[]){__VA_ARGS__}) / sizeof(const Sql *))
const Sql *sql_param(Binder *b, const BoundParam *param);
const Sql *sql_outer(Binder *b, const Sql *x);
const Sql *sql_apply(Binder *b, const Sql *query);
const Sql *sql_value(Binder *b, const Type *type, Value v); /* inline if short, else a parameter */
const Sql *sql_list(Binder *b, const Sql *const *kids, size_t count);
/* 'it''s': for names handed to functions. */
const Sql *sql_quoted(Binder *b, Str s);

/* ---- bound expressions ---- */

typedef enum BxRank { RANK_COERCIBLE, RANK_IMPLICIT, RANK_EXPLICIT } BxRank; /* whose collation wins */

typedef struct Bx {
    const Sql *sql;
    Type type;
    bool is_nullable;
    BxRank rank;
    bool is_constant; /* value is known now */
    Value value;
    bool is_integer_literal; /* its digits count where decimal precision matters */
    Str undeclared;          /* nothing but a parameter whose type is to be found out: its name */
    /* A plain column of a source: */
    const struct Source *source;
    size_t column; /* ordinal in the source */
} Bx;

typedef struct SourceColumn {
    Str name;
    Type type;
    bool is_nullable, is_identity, is_computed;
    const Sql *sql;
    BxRank rank;
} SourceColumn;

typedef struct Source { /* one FROM item */
    int number;         /* alias f<number> */
    Str alias;          /* as written, or empty */
    Str database, schema, name;
    Str written;                  /* the table as the text has it ("dbo.t"), or empty */
    const BindRelation *relation; /* NULL: derived */
    const char *key;              /* rowid or _rid_ */
    SourceColumn *columns;
    size_t column_count;
    bool *used; /* named columns, of a relation; or NULL */
} Source;

typedef struct Scope {
    struct Scope *outer;
    Source **sources;
    size_t source_count;
    /* Grouping: columns outside aggregates must be in GROUP BY (8120). */
    bool is_grouped;
    AstExpr *const *group;
    size_t group_count;
    int free_depth;        /* > 0: inside an aggregate or a grouped expression */
    bool is_apply;         /* without sources: what lies further out is SQL_OUTER */
    bool has_windows_here; /* the select list or ORDER BY is being bound: OVER may stand */
    const char *clause;    /* "select list", "HAVING clause", "ORDER BY clause" */
    /* MERGE: a condition of WHEN NOT MATCHED [BY SOURCE], where other names than these have an error of their
     * own (5333, 5334); what can be named in the statement, but not here. */
    const AstMergeMatch *merge_condition;
    const struct Scope *hidden;
} Scope;

typedef struct CteFrame { /* visible CTEs, innermost first */
    struct CteFrame *outer;
    const AstWith *with;
    size_t visible;  /* the first n of them */
    bool is_binding; /* the one after them is being bound */
} CteFrame;

typedef struct ViewArg { /* @parameter of a view's SQL */
    Str name;
    Bx value;
} ViewArg;

struct Binder {
    const BindHost *host;
    Arena *a;
    SqlError *e;
    int next_source;
    int depth;
    int32_t database_id; /* names resolve in it; 0: the current one */
    Scope *scope;
    CteFrame *ctes;
    const ViewArg *view_args;
    size_t view_arg_count;
    bool in_view;
    bool in_default;                   /* a column's DEFAULT: NEWSEQUENTIALID() may stand there */
    const AstQuery *into_query;        /* the one that may say INTO */
    size_t item;                       /* of the select list that is being bound, from 1; 0: none */
    const char *set_operator;          /* "UNION" and its kin, whose sides are being joined; NULL */
    Str watched;                       /* a variable being assigned from rows: */
    bool saw_watched, is_watched_live; /* live: asked anew for each row */
    BoundRef *refs;
    size_t ref_count;
    const struct Recursion *recursion; /* recursive CTEs being bound, innermost first */
    int32_t max_recursion;
    /* while writing */
    BoundParam *params;
    size_t param_count;
    struct OuterParam *outers; /* not NULL: an APPLY's right side is being written */
};

enum { BIND_MAX_DEPTH = 250, BIND_MAX_VIEWS = 16 };
enum { BIND_MAX_APPLIED = 1024 }; /* columns of a query on the right of APPLY */

#define BIND_PUSH(b, items, count, value)                                                                    \
    do {                                                                                                     \
        (items) = bindsql_grow((b)->a, (items), (count), sizeof *(items));                                   \
        (items)[(count)++] = (value);                                                                        \
    } while (0)
void *bindsql_grow(Arena *a, void *items, size_t count, size_t size);
/* Write out; fills the binder's params. NUL-terminated. */
const char *bindsql_write(Binder *b, const Sql *sql);

/* ---- types (bind_type.c) ---- */

typedef enum BindMode { MODE_IMPLICIT, MODE_EXPLICIT, MODE_ASSIGN } BindMode;
/* x as `to`. table, column (MODE_ASSIGN into a column): for 2628; may be empty. */
MUST_CHECK bool bindtype_convert(Binder *b, Bx x, const Type *to, BindMode mode, uint32_t line, Bx *ret);
MUST_CHECK bool bindtype_assign(Binder *b, Bx x, const BindRelation *r, size_t column, uint32_t line,
                                Bx *ret);
MUST_CHECK bool bindtype_cast(Binder *b, const AstExpr *x, Bx operand, Bx *ret);
MUST_CHECK bool bindtype_binary(Binder *b, AstOp op, Bx left, Bx right, uint32_t line, Bx *ret);
MUST_CHECK bool bindtype_compare(Binder *b, AstOp op, Bx left, Bx right, uint32_t line, const Sql **ret);
/* x, if it is an undeclared parameter, is used as this type: as it is (is_exact: it is assigned or compared
 * for equality), or as the one of its family that is considered. */
void bindtype_deduce(Binder *b, Bx *x, const Type *type, bool is_exact);
/* Both to their common type, ready for = or IN; *ret_collate: " COLLATE "x"" or "". */
MUST_CHECK bool bindtype_unify(Binder *b, Bx *left, Bx *right, uint32_t line, const char *what,
                               const char **ret_collate);
/* The type all of them get (CASE, UNION, COALESCE); each is converted in place. */
MUST_CHECK bool bindtype_common(Binder *b, Bx **items, size_t count, uint32_t line, Type *ret);
/* x with COLLATE if it is text; datetimeoffset by its UTC part: for ORDER BY, GROUP BY, DISTINCT, MIN. */
const Sql *bindtype_sortable(Binder *b, const Bx *x);
const char *bindtype_collate(Binder *b, const Type *t); /* " COLLATE \"name\"" */
/* The collation that two texts are compared by (468 if there is none): ret->collation. */
MUST_CHECK bool bindtype_text_collation(Binder *b, const Bx *x, const Bx *y, const char *what, uint32_t line,
                                        Type *ret);
void bindtype_settle(const Binder *b, Type *t);     /* text without a collation gets the database's */
const Sql *bindtype_code(Binder *b, const Type *t); /* the type as a number, for functions */
Bx bindtype_constant(Binder *b, Type type, Value v);
Bx bindtype_null(Binder *b);
/* Complete error 2628 with table, column and the value's beginning. */
void bindtype_truncated(SqlError *e, const Type *to, Value v, const char *table, Str column);
/* Same values of both types look the same in memory: no conversion is needed. */
bool bindtype_is_same_form(const Type *from, const Type *to);

/* ---- what can be compared (bind_comparable.c) ---- */
typedef enum BindCompare {
    COMPARE_ORDER,
    COMPARE_GROUP,
    COMPARE_PARTITION,
    COMPARE_DISTINCT,
    COMPARE_SET
} BindCompare;
/* 305, 306, 249, 421, 5335 for a type that can't. */
MUST_CHECK bool bindcomparable_check(Binder *b, const Type *t, BindCompare what, uint32_t line);
/* 402, 305, 403 for operands of =, <, … that can't; name: "equal to". */
MUST_CHECK bool bindcomparable_operator(Binder *b, const Type *l, const Type *r, const char *name,
                                        uint32_t line);

/* ---- expressions (bind_expr.c, bind_call.c, bind_aggregate.c, bind_cond.c) ---- */
MUST_CHECK bool bindexpr_value(Binder *b, const AstExpr *x, Bx *ret);
MUST_CHECK bool bindexpr_condition(Binder *b, const AstExpr *x, const Sql **ret);
MUST_CHECK bool bindexpr_variable(Binder *b, Str name, uint32_t line, Bx *ret);
const Sql *bindexpr_live_variable(Binder *b, Str name);
/* bind_accumulate.c: the assignments of a bound SELECT, row after row. */
MUST_CHECK bool bindaccumulate_wrap(Binder *b, const Scope *scope, uint32_t line, Query *q);
/* bind_unbuilt.c: true: a function or @@global that this server hasn't; *e is 40517, which names it. */
bool bindcall_is_unbuilt(Binder *b, Str name, uint32_t line);
MUST_CHECK bool bindcall_value(Binder *b, const AstExpr *x, Bx *ret);
/* An argument by its letter: t text or binary, u text, i int, b bigint, f float, n nvarchar, v varbinary, d
 * date or time, # number, x as it comes. */
MUST_CHECK bool bindcall_argument(Binder *b, const AstExpr *ast, char letter, Bx *ret);
Str bindcall_lower(Binder *b, Str s); /* messages have function names in lower case */
/* Argument i of the call of this function; 8116 for a type that it doesn't take. */
MUST_CHECK bool bindcall_argument_of(Binder *b, const AstExpr *call, const char *name, size_t i, char letter,
                                     Bx *ret);
bool bindcall_wrong_count(Binder *b, const AstExpr *x, const char *name, int least, int most);
enum { BIND_ANY_COUNT = 255 };
/* bind_date.c (*ret_found false: none of its functions) */
MUST_CHECK bool binddate_call(Binder *b, const AstExpr *x, Bx *ret, bool *ret_found);
MUST_CHECK bool binddate_at_time_zone(Binder *b, const AstExpr *x, Bx *ret);
/* bind_session.c: @@names; functions of the session and the catalog (*ret_found false: none of them). */
MUST_CHECK bool bindsession_global(Binder *b, const AstExpr *x, Bx *ret);
MUST_CHECK bool bindsession_call(Binder *b, const AstExpr *x, Bx *ret, bool *ret_found);
bool bindaggregate_is(const AstExpr *x); /* a call of an aggregate, without OVER */
MUST_CHECK bool bindaggregate_value(Binder *b, const AstExpr *x, Bx *ret);
/* Does an aggregate stand in x, outside subqueries? */
bool bindaggregate_within(const AstExpr *x);
/* An aggregate that has an OVER clause, without that clause's SQL. */
MUST_CHECK bool bindaggregate_over(Binder *b, const AstExpr *x, Bx *ret);
MUST_CHECK bool bindwindow_value(Binder *b, const AstExpr *x, Bx *ret); /* bind_window.c: a call with OVER */
MUST_CHECK bool bindexpr_enter(Binder *b, uint32_t line);

/* ---- names (bind_name.c) ---- */
MUST_CHECK bool bindname_column(Binder *b, const AstName *name, Bx *ret);
/* True: the name is a method or property of a CLR or xml column; *e is 40517, which names it. */
bool bindname_is_method(Binder *b, const AstName *name);
/* Is this the column of a GROUP BY item, or does an item equal x? */
bool bindname_is_grouped(Binder *b, Scope *s, const AstExpr *x);
bool bindname_matches(const Source *s, const AstName *qualifier); /* of t.* and t.column */

/* ---- FROM (bind_from.c) ---- */
MUST_CHECK bool bindfrom_list(Binder *b, AstFrom *const *items, size_t count, Scope *scope, const Sql **ret);
MUST_CHECK bool bindfrom_relation(Binder *b, const BindRelation *r, const AstFrom *f, const Sql *const *args,
                                  size_t arg_count, Scope *scope, const Sql **ret);
MUST_CHECK bool bindfrom_table(Binder *b, const AstName *name, const BindRelation **ret);
Str bindfrom_display(Binder *b, const AstName *name); /* as written: db.schema.t */
void bindfrom_add_ref(Binder *b, const BindRelation *r, BindAccess access, uint32_t hints, const bool *used);

void bindfrom_query_columns(Binder *b, const Query *q, Source *s);

/* ---- STRING_SPLIT, GENERATE_SERIES (bind_series.c) ---- */
bool bindseries_is(const AstName *name);
MUST_CHECK bool bindseries_item(Binder *b, const AstFrom *f, Bx *args, Source *s, const Sql **ret);

/* ---- recursive CTEs (bind_recursion.c) ---- */
typedef struct Recursion {
    const struct Recursion *outer;
    Str name;
    int number; /* SQL name r<number> */
    const SourceColumn *columns;
    size_t column_count;
    const Source *used; /* the last reference to it */
} Recursion;

bool bindrecursion_is(const AstCte *c); /* a UNION ALL that reads itself */
MUST_CHECK bool bindrecursion_cte(Binder *b, const AstCte *c, Source *s, const Sql **ret);
const Recursion *bindrecursion_find(const Binder *b, const AstName *name);
/* s becomes a reference to it. */
const Sql *bindrecursion_source(Binder *b, const Recursion *r, Source *s);

/* ---- queries (bind_query.c) ---- */
typedef struct QueryItem {
    Bx value;
    Str name, variable;
} QueryItem;

struct Query { /* bound, not yet written: its items can still be converted */
    QueryItem *items;
    size_t item_count;
    bool is_set, is_values, is_distinct;
    bool collates; /* items are compared by a set operation */
    /* SELECT */
    const Sql *from; /* " FROM …", " WHERE …", " GROUP BY …" or empty text */
    /* set operation */
    AstSetOp op;
    struct Query *left, *right;
    /* VALUES: rows × items */
    Bx **rows;
    size_t row_count;
    const Sql *tail; /* " ORDER BY … LIMIT …" or NULL */
    /* TOP … PERCENT or WITH TIES: columns behind the items for its order, what numbers rows, which stay. */
    QueryItem *hidden;
    size_t hidden_count;
    const Sql *rank, *rank_limit;
    bool assigns, is_single_row, is_grouped, has_limit;
    bool accumulates;          /* @v = @v + x: the variable changes with each row */
    const Source *only_source; /* the one FROM item, or NULL */
};

MUST_CHECK bool bindquery_bind(Binder *b, const AstQuery *q, Query *ret);
/* The items of a SELECT without FROM over a scope that is there already (OUTPUT). */
MUST_CHECK bool bindquery_bind_items(Binder *b, const AstQuery *q, Scope *scope, Query *ret);
MUST_CHECK bool bindquery_convert(Binder *b, Query *q, size_t item, const Type *to, uint32_t line);
const Sql *bindquery_sql(Binder *b, const Query *q);
MUST_CHECK bool bindquery_limit(Binder *b, const AstExpr *count, const Sql **ret); /* of TOP, FETCH, OFFSET */
/* Everything but sql of a result that was bound. */
void bindquery_finish(Binder *b, const Query *q, const Sql *sql, BoundQuery *ret);

/* ---- data changes (bind_dml.c) ---- */
MUST_CHECK bool binddml_insert(Binder *b, const AstStmt *s, BoundInsert *ret);
MUST_CHECK bool binddml_update(Binder *b, const AstStmt *s, BoundUpdate *ret);
MUST_CHECK bool binddml_delete(Binder *b, const AstStmt *s, BoundDelete *ret);
MUST_CHECK bool binddml_merge(Binder *b, const AstStmt *s, BoundMerge *ret); /* bind_merge.c */
MUST_CHECK bool binddml_target(Binder *b, const AstName *name, const BindRelation **ret);
/* The statement changes r: so its reference says. */
void binddml_mark_changed(Binder *b, const BindRelation *r, uint32_t hints);
/* The columns of a list, or all that a list may have. */
MUST_CHECK bool binddml_column_list(Binder *b, const BindRelation *r, const Str *names, size_t count,
                                    uint32_t line, size_t **ret);
size_t binddml_insertable(Binder *b, const BindRelation *r, size_t **ret);
/* As many values as columns? 213 without a list, else 109, 110. */
MUST_CHECK bool binddml_check_count(Binder *b, size_t given, size_t wanted, bool has_list, uint32_t line);
/* A value for a column of r: DEFAULT or an expression, not yet converted. */
MUST_CHECK bool binddml_cell(Binder *b, const BindRelation *r, const AstExpr *x, size_t column, Bx *ret);
/* column = value of the target s: appended to both. @v = value: appended to q. */
MUST_CHECK bool binddml_set_column(Binder *b, const AstSet *set, const Source *s, BoundUpdate *ret, Query *q);
MUST_CHECK bool binddml_set_variable(Binder *b, const AstSet *set, Query *q);
/* TOP (n) PERCENT of the rows that " FROM …" has. */
MUST_CHECK bool binddml_percent_limit(Binder *b, const AstExpr *count, const Sql *body, const Sql **ret);
/* OUTPUT, which sees the images of r's row and `more` (or NULL). */
MUST_CHECK bool binddml_output(Binder *b, const AstOutput *ast, const BindRelation *r, bool has_inserted,
                               bool has_deleted, const Scope *more, uint32_t line, BoundOutput **ret);
/* One row of r as a source named alias: its columns are parameters. */
void binddml_row_source(Binder *b, Scope *scope, const BindRelation *r, Str alias, BoundParamKind kind);

#endif
