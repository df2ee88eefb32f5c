/* Query expressions: SELECT, VALUES, set operations, FROM with joins and hints, WITH. */
#include "standin/tsql/parser_internal.h"

/* ---- hints ---- */

static const struct {
    const char *word;
    uint32_t hint;
} hint_words[] = {
    {"NOLOCK", HINT_NOLOCK},
    {"READUNCOMMITTED", HINT_NOLOCK},
    {"SERIALIZABLE", HINT_HOLDLOCK},
    {"REPEATABLEREAD", HINT_REPEATABLEREAD},
    {"READCOMMITTED", HINT_READCOMMITTED},
    {"READCOMMITTEDLOCK", HINT_READCOMMITTEDLOCK},
    {"READPAST", HINT_READPAST},
    {"ROWLOCK", HINT_ROWLOCK},
    {"PAGLOCK", HINT_PAGLOCK},
    {"TABLOCK", HINT_TABLOCK},
    {"TABLOCKX", HINT_TABLOCKX},
    {"UPDLOCK", HINT_UPDLOCK},
    {"XLOCK", HINT_XLOCK},
    {"NOWAIT", HINT_NOWAIT},
    {"SNAPSHOT", HINT_SNAPSHOT},
    {"KEEPIDENTITY", HINT_KEEPIDENTITY},
    {"KEEPDEFAULTS", HINT_KEEPDEFAULTS},
    {"IGNORE_CONSTRAINTS", HINT_IGNORE_CONSTRAINTS},
    {"IGNORE_TRIGGERS", HINT_IGNORE_TRIGGERS},
    {"FORCESCAN", HINT_INDEX},
    {"FORCESEEK", HINT_INDEX},
};

static bool index_hint(Parser *p, uint32_t *ret) {
    *ret |= HINT_INDEX;
    p->at++;
    if (parser_accept_symbol(p, '=')) {
        p->at++;
        return true;
    }
    if (!parser_expect_symbol(p, '(')) return false;
    while (!parser_is_symbol(p, ')')) {
        if (parser_peek(p, 0)->kind == TOKEN_END) return parser_fail(p);
        p->at++;
    }
    p->at++;
    return true;
}

static bool one_hint(Parser *p, uint32_t *ret) {
    if (parser_is_keyword(p, KW_INDEX)) return index_hint(p, ret);
    if (parser_accept_keyword(p, KW_HOLDLOCK)) {
        *ret |= HINT_HOLDLOCK;
        return true;
    }
    const Token *t = parser_peek(p, 0);
    for (size_t i = 0; i < sizeof hint_words / sizeof *hint_words; i++) {
        if (!parser_accept_word(p, hint_words[i].word)) continue;
        *ret |= hint_words[i].hint;
        return true;
    }
    if (t->kind != TOKEN_WORD) return parser_fail(p);
    return sqlerror_set(
        p->e, 321, 1, t->line,
        "\"%.*s\" is not a recognized table hints option. If it is intended as a parameter to a "
        "table-valued function or to the CHANGETABLE function, ensure that your database "
        "compatibility mode is set to 90.",
        STR_ARG(t->text));
}

static bool is_hint_word(const Token *t) {
    if (t->keyword == KW_HOLDLOCK || t->keyword == KW_INDEX) return true;
    for (size_t i = 0; t->kind == TOKEN_WORD && i < sizeof hint_words / sizeof *hint_words; i++)
        if (str_eq_icase(t->text, str_from(hint_words[i].word))) return true;
    return false;
}

/* More than one of a group? */
static bool has_several(uint32_t hints, uint32_t group) {
    uint32_t of_group = hints & group;
    return (of_group & (of_group - 1)) != 0;
}

static bool check_hints(Parser *p, uint32_t hints, uint32_t line) {
    const uint32_t granularity =
        HINT_PAGLOCK | HINT_NOLOCK | HINT_READCOMMITTEDLOCK | HINT_ROWLOCK | HINT_TABLOCK | HINT_TABLOCKX;
    const uint32_t isolation =
        HINT_HOLDLOCK | HINT_NOLOCK | HINT_READCOMMITTED | HINT_REPEATABLEREAD | HINT_SNAPSHOT;
    bool is_bad = has_several(hints, granularity) || has_several(hints, isolation) ||
                  ((hints & HINT_NOLOCK) && (hints & (HINT_UPDLOCK | HINT_XLOCK | HINT_READPAST)));
    return !is_bad || sqlerror_set(p->e, 1047, 1, line, "Conflicting locking hints specified.");
}

/* WITH (…), or the old form without WITH for a single known word. */
bool parser_hints(Parser *p, uint32_t *ret) {
    bool has_with = parser_is_keyword(p, KW_WITH) && parser_peek(p, 1)->symbol == '(';
    bool is_old = parser_is_symbol(p, '(') && is_hint_word(parser_peek(p, 1));
    if (!has_with && !is_old) return true;
    uint32_t line = parser_peek(p, 0)->line;
    p->at += has_with ? 2 : 1;
    do {
        if (!one_hint(p, ret)) return false;
        (void)parser_accept_symbol(p, ','); /* commas may be missing */
    } while (!parser_is_symbol(p, ')'));
    p->at++;
    return check_hints(p, *ret, line);
}

/* ---- FROM ---- */

static bool alias(Parser *p, AstFrom *f) {
    bool has_as = parser_accept_keyword(p, KW_AS);
    if (!has_as && !parser_at_name(p)) return true;
    return parser_one_name(p, &f->alias);
}

static AstFrom *new_from(Parser *p, AstFromKind kind) {
    AstFrom *f = PARSER_NEW(p, AstFrom);
    f->kind = kind;
    f->line = parser_peek(p, 0)->line;
    return f;
}

/* ( SELECT … ) AS a (columns), ( VALUES … ), or a parenthesised join. */
static AstFrom *parenthesised(Parser *p) {
    const Token *after = parser_peek(p, 1);
    bool is_query = after->keyword == KW_SELECT || after->keyword == KW_VALUES;
    for (size_t i = 1; !is_query && parser_peek(p, i)->symbol == '('; i++)
        is_query = parser_peek(p, i + 1)->keyword == KW_SELECT && i > 0;
    if (!parser_enter(p)) return NULL;
    AstFrom *f;
    p->at++;
    if (is_query) {
        f = new_from(p, FROM_QUERY);
        if (!(f->u.query = parser_query(p)) || !parser_expect_symbol(p, ')')) return NULL;
        (void)parser_accept_keyword(p, KW_AS);
        if (!parser_one_name(p, &f->alias)) return NULL;
        if (parser_is_symbol(p, '(') && !parser_name_list(p, &f->columns, &f->column_count)) return NULL;
    } else {
        f = parser_from_item(p);
        if (!f || !parser_expect_symbol(p, ')')) return NULL;
    }
    parser_leave(p);
    return f;
}

static AstFrom *function(Parser *p, AstName name) {
    AstFrom *f = new_from(p, FROM_FUNCTION);
    f->line = name.line;
    f->u.function.name = name;
    p->at++;
    if (!parser_is_symbol(p, ')') && !parser_expr_list(p, &f->u.function.args, &f->u.function.arg_count))
        return NULL;
    if (!parser_expect_symbol(p, ')') || !alias(p, f)) return NULL;
    if (parser_is_symbol(p, '(') && !is_hint_word(parser_peek(p, 1)) &&
        !parser_name_list(p, &f->columns, &f->column_count))
        return NULL;
    return parser_hints(p, &f->hints) ? f : NULL;
}

static AstFrom *source(Parser *p) {
    if (!parser_refuse_source(p)) return NULL;
    if (parser_is_symbol(p, '(')) return parenthesised(p);
    AstFrom *f = new_from(p, FROM_TABLE);
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_VARIABLE) {
        f->u.table = (AstName){.name = t->text, .line = t->line};
        p->at++;
    } else if (!parser_dotted_name(p, &f->u.table)) {
        return NULL;
    }
    if (t->kind == TOKEN_VARIABLE && parser_is_symbol(p, '.'))
        return (void)parser_unsupported(p, "xml methods"), NULL;
    if (parser_is_symbol(p, '(') && f->u.table.schema.n && str_eq_icase(f->u.table.name, STR_LIT("nodes")))
        return (void)parser_unsupported(p, "xml.nodes"), NULL;
    if (parser_is_symbol(p, '(') && !is_hint_word(parser_peek(p, 1))) return function(p, f->u.table);
    if (parser_is_keyword(p, KW_FOR) && str_eq_icase(parser_peek(p, 1)->text, STR_LIT("SYSTEM_TIME")))
        return (void)parser_unsupported(p, "FOR SYSTEM_TIME"), NULL;
    if (!parser_hints(p, &f->hints) || !alias(p, f)) return NULL; /* the old form has hints first */
    if (parser_is_keyword(p, KW_TABLESAMPLE)) return (void)parser_unsupported(p, "TABLESAMPLE"), NULL;
    return parser_hints(p, &f->hints) ? f : NULL;
}

static bool join_hint(Parser *p) {
    return parser_accept_word(p, "loop") || parser_accept_word(p, "hash") ||
           parser_accept_word(p, "remote") || parser_accept_keyword(p, KW_MERGE);
}

/* INNER JOIN, LEFT [OUTER] JOIN, CROSS APPLY … ; false without an error: no join follows. */
static bool join_words(Parser *p, AstJoinKind *ret) {
    LexerKeyword first = parser_peek(p, 0)->keyword;
    bool is_apply = str_eq_icase(parser_peek(p, 1)->text, STR_LIT("APPLY"));
    switch (first) {
    case KW_JOIN: *ret = JOIN_INNER; break;
    case KW_INNER:
        *ret = JOIN_INNER;
        p->at++;
        break;
    case KW_LEFT:
    case KW_RIGHT:
    case KW_FULL:
        *ret = first == KW_LEFT ? JOIN_LEFT : first == KW_RIGHT ? JOIN_RIGHT : JOIN_FULL;
        p->at++;
        (void)parser_accept_keyword(p, KW_OUTER);
        break;
    case KW_CROSS:
        *ret = is_apply ? JOIN_CROSS_APPLY : JOIN_CROSS;
        p->at++;
        break;
    case KW_OUTER:
        if (!is_apply) return false;
        *ret = JOIN_OUTER_APPLY;
        p->at++;
        break;
    default: return false;
    }
    if (*ret == JOIN_CROSS_APPLY || *ret == JOIN_OUTER_APPLY) {
        p->at++;
        return true;
    }
    (void)join_hint(p);
    return parser_expect_keyword(p, KW_JOIN);
}

/* One join after `left`. a JOIN b JOIN c ON … ON …: until its ON, the right side takes joins of its own. */
static AstFrom *one_join(Parser *p, AstJoinKind kind, AstFrom *left) {
    AstFrom *f = new_from(p, FROM_JOIN);
    f->u.join.kind = kind;
    f->u.join.left = left;
    f->u.join.right = source(p);
    bool has_on = kind <= JOIN_FULL;
    while (f->u.join.right && has_on && !parser_is_keyword(p, KW_ON)) {
        p->e->number = 0;
        if (!parser_enter(p) || !join_words(p, &kind))
            return p->e->number ? NULL : ((void)parser_fail(p), NULL);
        f->u.join.right = one_join(p, kind, f->u.join.right);
        parser_leave(p);
    }
    if (!f->u.join.right || !has_on) return f->u.join.right ? f : NULL;
    p->at++;
    return (f->u.join.on = parser_condition_expr(p)) ? f : NULL;
}

AstFrom *parser_from_item(Parser *p) {
    AstFrom *left = source(p);
    if (!left || !parser_enter(p)) return NULL;
    AstJoinKind kind;
    p->e->number = 0;
    while (left && join_words(p, &kind)) {
        left = one_join(p, kind, left);
        p->e->number = left ? 0 : p->e->number;
    }
    if (!left || p->e->number != 0) return NULL;
    if (parser_is_keyword(p, KW_PIVOT) || parser_is_keyword(p, KW_UNPIVOT))
        return (void)parser_unsupported(p, parser_is_keyword(p, KW_PIVOT) ? "PIVOT" : "UNPIVOT"), NULL;
    parser_leave(p);
    return left;
}

bool parser_from_list(Parser *p, AstFrom ***ret, size_t *ret_count) {
    do {
        AstFrom *f = parser_from_item(p);
        if (!f) return false;
        PARSER_PUSH(p, *ret, *ret_count, f);
    } while (parser_accept_symbol(p, ','));
    return true;
}

/* ---- the select list ---- */

static bool assign_op(const Parser *p, AstOp *ret) {
    switch (parser_peek(p, 1)->kind == TOKEN_SYMBOL ? parser_peek(p, 1)->symbol : 0) {
    case '=': *ret = OP_EQ; return true;
    case LEXER_PAIR('+', '='): *ret = OP_ADD; return true;
    case LEXER_PAIR('-', '='): *ret = OP_SUB; return true;
    case LEXER_PAIR('*', '='): *ret = OP_MUL; return true;
    case LEXER_PAIR('/', '='): *ret = OP_DIV; return true;
    case LEXER_PAIR('%', '='): *ret = OP_MOD; return true;
    case LEXER_PAIR('&', '='): *ret = OP_BIT_AND; return true;
    case LEXER_PAIR('|', '='): *ret = OP_BIT_OR; return true;
    case LEXER_PAIR('^', '='): *ret = OP_BIT_XOR; return true;
    default: return false;
    }
}

static bool is_star(const Parser *p) {
    size_t i = 0;
    while (parser_peek(p, i)->kind == TOKEN_WORD || parser_peek(p, i)->kind == TOKEN_QUOTED) {
        if (parser_peek(p, i + 1)->symbol != '.') return false;
        i += 2;
        if (parser_peek(p, i)->symbol == '.') i++;
    }
    return parser_peek(p, i)->kind == TOKEN_SYMBOL && parser_peek(p, i)->symbol == '*';
}

static bool star_item(Parser *p, AstItem *item) {
    item->kind = ITEM_STAR;
    if (parser_at_name(p) && (!parser_dotted_name(p, &item->qualifier) || !parser_expect_symbol(p, '.')))
        return false;
    return parser_expect_symbol(p, '*');
}

static bool item_alias(Parser *p, AstItem *item) {
    bool has_as = parser_accept_keyword(p, KW_AS);
    TokenKind kind = parser_peek(p, 0)->kind;
    if (kind == TOKEN_STRING || kind == TOKEN_NSTRING) {
        item->alias = p->tokens[p->at++].value;
        return true;
    }
    if (!has_as && !parser_at_name(p)) return true;
    return parser_one_name(p, &item->alias);
}

static bool one_item(Parser *p, AstItem *item) {
    const Token *t = parser_peek(p, 0), *after = parser_peek(p, 1);
    item->line = t->line;
    if (is_star(p)) return star_item(p, item);
    if (t->kind == TOKEN_VARIABLE && assign_op(p, &item->assign_op)) {
        item->kind = ITEM_ASSIGN;
        item->variable = t->text;
        p->at += 2;
    } else if ((parser_at_name(p) || t->kind == TOKEN_STRING) && after->kind == TOKEN_SYMBOL &&
               after->symbol == '=') { /* alias = expr */
        item->alias = t->value;
        p->at += 2;
        return (item->expr = parser_expr(p)) != NULL;
    }
    if (!(item->expr = parser_expr(p))) return false;
    return item->kind == ITEM_ASSIGN || item_alias(p, item);
}

bool parser_items(Parser *p, AstItem **ret, size_t *ret_count) {
    do {
        AstItem item = {.kind = ITEM_EXPR};
        if (!one_item(p, &item)) return false;
        PARSER_PUSH(p, *ret, *ret_count, item);
    } while (parser_accept_symbol(p, ','));
    return true;
}

bool parser_top(Parser *p, AstTop *ret) {
    if (!parser_accept_keyword(p, KW_TOP)) return true;
    if (parser_accept_symbol(p, '(')) {
        if (!(ret->count = parser_expr(p)) || !parser_expect_symbol(p, ')')) return false;
    } else {
        TokenKind kind = parser_peek(p, 0)->kind;
        if (kind != TOKEN_INTEGER && kind != TOKEN_DECIMAL && kind != TOKEN_FLOAT) return parser_fail(p);
        if (!(ret->count = parser_literal(p))) return false;
    }
    ret->is_percent = parser_accept_keyword(p, KW_PERCENT);
    ret->with_ties = parser_is_keyword(p, KW_WITH) && str_eq_icase(parser_peek(p, 1)->text, STR_LIT("TIES"));
    if (ret->with_ties) p->at += 2;
    return true;
}

/* ---- queries ---- */

static bool group_clause(Parser *p, AstSelect *s) {
    p->at++;
    if (!parser_expect_keyword(p, KW_BY)) return false;
    static const char *const refused[] = {"ROLLUP (", "CUBE (", "GROUPING SETS", "( )", "ALL"};
    static const char *const names[] = {"ROLLUP", "CUBE", "GROUPING SETS", "GROUP BY ()", "GROUP BY ALL"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (parser_at_words(p, refused[i])) return parser_unsupported(p, names[i]);
    if (!parser_expr_list(p, &s->group, &s->group_count)) return false;
    if (parser_at_words(p, "WITH ROLLUP")) return parser_unsupported(p, "WITH ROLLUP");
    return !parser_at_words(p, "WITH CUBE") || parser_unsupported(p, "WITH CUBE");
}

static AstQuery *select_query(Parser *p) {
    AstQuery *q = PARSER_NEW(p, AstQuery);
    q->kind = QUERY_SELECT;
    q->line = parser_peek(p, 0)->line;
    AstSelect *s = &q->u.select;
    p->at++;
    if (parser_accept_keyword(p, KW_DISTINCT)) s->is_distinct = true;
    else (void)parser_accept_keyword(p, KW_ALL);
    if (!parser_top(p, &s->top) || !parser_items(p, &s->items, &s->item_count)) return NULL;
    if (parser_accept_keyword(p, KW_INTO) && !parser_dotted_name(p, &s->into)) return NULL;
    if (parser_accept_keyword(p, KW_FROM) && !parser_from_list(p, &s->from, &s->from_count)) return NULL;
    if (parser_accept_keyword(p, KW_WHERE) && !(s->where = parser_condition_expr(p))) return NULL;
    if (parser_is_keyword(p, KW_GROUP) && !group_clause(p, s)) return NULL;
    if (parser_accept_keyword(p, KW_HAVING) && !(s->having = parser_condition_expr(p))) return NULL;
    return q;
}

static AstQuery *values_query(Parser *p) {
    AstQuery *q = PARSER_NEW(p, AstQuery);
    q->kind = QUERY_VALUES;
    q->line = parser_peek(p, 0)->line;
    p->at++;
    do {
        AstExpr **row = NULL;
        size_t count = 0;
        if (!parser_expect_symbol(p, '(') || !parser_expr_list(p, &row, &count) ||
            !parser_expect_symbol(p, ')'))
            return NULL;
        if (q->u.values.row_count > 0 && count != q->u.values.column_count)
            return (void)sqlerror_set(
                       p->e, 10709, 1, q->line,
                       "The number of columns for each row in a table value constructor must be "
                       "the same."),
                   NULL;
        q->u.values.column_count = count;
        PARSER_PUSH(p, q->u.values.rows, q->u.values.row_count, row);
    } while (parser_accept_symbol(p, ','));
    return q;
}

static AstQuery *query_term(Parser *p) {
    if (parser_is_keyword(p, KW_SELECT)) return select_query(p);
    if (parser_is_keyword(p, KW_VALUES)) return values_query(p);
    if (!parser_is_symbol(p, '(') || !parser_enter(p)) return (void)parser_fail(p), NULL;
    p->at++;
    AstQuery *q = parser_query(p);
    if (!q || !parser_expect_symbol(p, ')')) return NULL;
    parser_leave(p);
    return q;
}

static AstQuery *set_query(Parser *p, AstSetOp op, AstQuery *left, AstQuery *right) {
    AstQuery *q = PARSER_NEW(p, AstQuery);
    *q = (AstQuery){.kind = QUERY_SET, .line = left->line, .u.set = {.op = op, .left = left, .right = right}};
    return q;
}

/* INTERSECT binds closer than UNION and EXCEPT. */
static AstQuery *intersection(Parser *p, AstQuery *left) {
    while (left && parser_accept_keyword(p, KW_INTERSECT)) {
        AstQuery *right = query_term(p);
        left = right ? set_query(p, SET_OP_INTERSECT, left, right) : NULL;
    }
    return left;
}

static AstQuery *combination(Parser *p, AstQuery *left) {
    while (left) {
        AstSetOp op;
        if (parser_accept_keyword(p, KW_UNION))
            op = parser_accept_keyword(p, KW_ALL) ? SET_OP_UNION_ALL : SET_OP_UNION;
        else if (parser_accept_keyword(p, KW_EXCEPT)) op = SET_OP_EXCEPT;
        else break;
        if (p->links++ >= PARSER_MAX_LINKS) return (void)parser_unsupported(p, "so many UNIONs"), NULL;
        AstQuery *right = intersection(p, query_term(p));
        left = right ? set_query(p, op, left, right) : NULL;
    }
    return left;
}

static bool offset_clause(Parser *p, AstQuery *q) {
    if (!parser_accept_word(p, "offset")) return true;
    if (!(q->offset = parser_expr(p))) return false;
    if (!parser_accept_word(p, "rows") && !parser_expect_word(p, "row")) return false;
    if (!parser_accept_keyword(p, KW_FETCH)) return true;
    if (!parser_accept_word(p, "next") && !parser_expect_word(p, "first")) return false;
    if (!(q->fetch = parser_expr(p))) return false;
    if (!parser_accept_word(p, "rows") && !parser_expect_word(p, "row")) return false;
    return parser_expect_word(p, "only");
}

static AstQuery *ordered(Parser *p, AstQuery *q) {
    if (!q) return NULL;
    if (parser_accept_keyword(p, KW_ORDER)) {
        if (!parser_expect_keyword(p, KW_BY) || !parser_order_list(p, &q->order, &q->order_count))
            return NULL;
        if (!offset_clause(p, q)) return NULL;
    }
    if (parser_is_keyword(p, KW_FOR)) {
        Str what = parser_peek(p, 1)->text;
        return (void)parser_unsupported(p, arena_printf(p->a, "FOR %.*s", STR_ARG(what))), NULL;
    }
    return q;
}

AstQuery *parser_query_after(Parser *p, AstQuery *left) {
    return ordered(p, combination(p, intersection(p, left)));
}

AstQuery *parser_query(Parser *p) {
    if (!parser_enter(p)) return NULL;
    AstQuery *q = parser_query_after(p, query_term(p));
    if (q) parser_leave(p);
    return q;
}

bool parser_with(Parser *p, AstWith *ret) {
    p->at++;
    if (parser_is_word(p, "xmlnamespaces")) return parser_unsupported(p, "XMLNAMESPACES");
    do {
        AstCte c = {0};
        if (!parser_one_name(p, &c.name)) return false;
        if (parser_is_symbol(p, '(') && !parser_name_list(p, &c.columns, &c.column_count)) return false;
        if (!parser_expect_keyword(p, KW_AS) || !parser_expect_symbol(p, '(') ||
            !(c.query = parser_query(p)) || !parser_expect_symbol(p, ')'))
            return false;
        PARSER_PUSH(p, ret->ctes, ret->count, c);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool max_recursion(Parser *p) {
    int64_t n;
    if (!parser_integer(p, &n)) return false;
    if (n < 0 || n > INT16_MAX)
        return sqlerror_set(
            p->e, 310, 1, parser_peek(p, 0)->line,
            "The value %lld specified for the MAXRECURSION option exceeds the allowed maximum "
            "of 32767.",
            (long long)n);
    p->max_recursion = (int32_t)n;
    return true;
}

/* A hint of plans, which are SQLite's: read up to the comma or parenthesis that ends it. */
static bool plan_hint(Parser *p) {
    static const char *const words[] = {"RECOMPILE",
                                        "MAXDOP",
                                        "FAST",
                                        "HASH",
                                        "LOOP",
                                        "CONCAT",
                                        "FORCE",
                                        "KEEP",
                                        "KEEPFIXED",
                                        "EXPAND",
                                        "OPTIMIZE",
                                        "PARAMETERIZATION",
                                        "QUERYTRACEON",
                                        "ROBUST",
                                        "USE",
                                        "LABEL",
                                        "ORDER",
                                        "MERGE",
                                        "IGNORE_NONCLUSTERED_COLUMNSTORE_INDEX",
                                        "MIN_GRANT_PERCENT",
                                        "MAX_GRANT_PERCENT",
                                        "NO_PERFORMANCE_SPOOL",
                                        "DISABLE",
                                        "TABLE"};
    const Token *t = parser_peek(p, 0);
    bool is_known = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        is_known |=
            (t->kind == TOKEN_WORD || t->kind == TOKEN_KEYWORD) && str_eq_icase(t->text, str_from(words[i]));
    if (!is_known) return parser_fail(p);
    for (int depth = 0;; p->at++) {
        if (parser_peek(p, 0)->kind == TOKEN_END) return parser_fail(p);
        if (depth == 0 && (parser_is_symbol(p, ',') || parser_is_symbol(p, ')'))) return true;
        if (parser_is_symbol(p, '(')) depth++;
        if (parser_is_symbol(p, ')')) depth--;
    }
}

/* OPTION (RECOMPILE, MAXRECURSION 5, …) */
bool parser_option_clause(Parser *p) {
    if (!parser_accept_keyword(p, KW_OPTION)) return true;
    if (!parser_expect_symbol(p, '(')) return false;
    do {
        bool ok = parser_accept_word(p, "maxrecursion") ? max_recursion(p) : plan_hint(p);
        if (!ok) return false;
    } while (parser_accept_symbol(p, ','));
    return parser_expect_symbol(p, ')');
}
