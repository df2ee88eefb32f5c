/* Everything in an expression that begins with a word and isn't a column: calls, CASE, CAST and their kin. */
#include "standin/tsql/parser_internal.h"

static AstExpr *case_expr(Parser *p) {
    AstExpr *x = parser_new_expr(p, EXPR_CASE);
    if (!parser_enter(p)) return NULL;
    p->at++;
    bool is_simple = !parser_is_keyword(p, KW_WHEN);
    if (is_simple && !(x->u.case_.operand = parser_expr(p))) return NULL;
    while (parser_accept_keyword(p, KW_WHEN)) {
        AstWhen w = {.when = is_simple ? parser_expr(p) : parser_condition_expr(p)};
        if (!w.when || !parser_expect_keyword(p, KW_THEN) || !(w.then = parser_expr(p))) return NULL;
        PARSER_PUSH(p, x->u.case_.whens, x->u.case_.count, w);
    }
    if (x->u.case_.count == 0) return (void)parser_fail(p), NULL;
    if (parser_accept_keyword(p, KW_ELSE) && !(x->u.case_.otherwise = parser_expr(p))) return NULL;
    parser_leave(p);
    return parser_expect_keyword(p, KW_END) ? x : NULL;
}

/* Of the system's own. */
static bool cast_type(Parser *p, AstType *ret) {
    if (!parser_declared_type(p, ret)) return false;
    return ret->type.id != TYPE_NULL ||
           sqlerror_set(p->e, 243, 1, ret->line, "Type %.*s is not a defined system type.",
                        STR_ARG(ret->alias.name));
}

/* CAST(x AS t), TRY_CAST, PARSE, TRY_PARSE */
static AstExpr *cast_expr(Parser *p, bool is_try, bool is_parse) {
    AstExpr *x = parser_new_expr(p, EXPR_CAST);
    p->at += 2;
    x->u.cast.is_try = is_try;
    x->u.cast.is_parse = is_parse;
    if (!(x->u.cast.operand = parser_expr(p)) || !parser_expect_keyword(p, KW_AS) ||
        !cast_type(p, &x->u.cast.to))
        return NULL;
    if (is_parse && parser_is_word(p, "using")) return (void)parser_unsupported(p, "USING"), NULL;
    return parser_expect_symbol(p, ')') ? x : NULL;
}

/* CONVERT(t, x [, style]), TRY_CONVERT */
static AstExpr *convert_expr(Parser *p, bool is_try) {
    AstExpr *x = parser_new_expr(p, EXPR_CAST);
    p->at += 2;
    x->u.cast.is_try = is_try;
    if (!cast_type(p, &x->u.cast.to) || !parser_expect_symbol(p, ',') ||
        !(x->u.cast.operand = parser_expr(p)))
        return NULL;
    if (parser_accept_symbol(p, ',') && !(x->u.cast.style = parser_expr(p))) return NULL;
    return parser_expect_symbol(p, ')') ? x : NULL;
}

static bool takes_datepart(Str name) {
    static const char *const names[] = {"DATEADD",  "DATEDIFF",  "DATEDIFF_BIG", "DATEPART",
                                        "DATENAME", "DATETRUNC", "DATE_BUCKET"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_icase(name, str_from(names[i]))) return true;
    return false;
}

/* UNBOUNDED PRECEDING, CURRENT ROW, n FOLLOWING … */
static bool frame_bound(Parser *p, AstFrameBound *ret) {
    if (parser_accept_keyword(p, KW_CURRENT)) {
        ret->kind = FRAME_CURRENT;
        return parser_expect_word(p, "row");
    }
    ret->kind = FRAME_ROWS;
    if (parser_accept_word(p, "unbounded")) ret->kind = FRAME_UNBOUNDED;
    else if (parser_peek(p, 0)->kind != TOKEN_INTEGER) return parser_fail(p);
    else if (!(ret->rows = parser_literal(p))) return false;
    ret->is_following = parser_accept_word(p, "following");
    return ret->is_following || parser_expect_word(p, "preceding");
}

static bool frame(Parser *p, AstOver *over) {
    over->is_range = parser_is_word(p, "range");
    if (!over->is_range && !parser_is_word(p, "rows")) return true;
    p->at++;
    over->has_frame = true;
    over->end.kind = FRAME_CURRENT;
    if (over->order_count == 0)
        return sqlerror_set(p->e, 10756, 1, parser_peek(p, 0)->line,
                            "Window frame with ROWS or RANGE must have an ORDER BY clause.");
    if (!parser_accept_keyword(p, KW_BETWEEN)) return frame_bound(p, &over->start);
    return frame_bound(p, &over->start) && parser_expect_keyword(p, KW_AND) && frame_bound(p, &over->end);
}

static bool over_clause(Parser *p, AstOver **ret) {
    AstOver *over = PARSER_NEW(p, AstOver);
    p->at++;
    if (parser_at_name(p)) return parser_unsupported(p, "OVER of a WINDOW clause");
    if (!parser_expect_symbol(p, '(')) return false;
    if (parser_accept_word(p, "partition") &&
        (!parser_expect_keyword(p, KW_BY) || !parser_expr_list(p, &over->partition, &over->partition_count)))
        return false;
    if (parser_accept_keyword(p, KW_ORDER) &&
        (!parser_expect_keyword(p, KW_BY) || !parser_order_list(p, &over->order, &over->order_count)))
        return false;
    if (!frame(p, over)) return false;
    *ret = over;
    return parser_expect_symbol(p, ')');
}

static bool within_group(Parser *p, AstCall *call) {
    p->at++;
    return parser_expect_keyword(p, KW_GROUP) && parser_expect_symbol(p, '(') &&
           parser_expect_keyword(p, KW_ORDER) && parser_expect_keyword(p, KW_BY) &&
           parser_order_list(p, &call->within, &call->within_count) && parser_expect_symbol(p, ')');
}

/* TRIM([LEADING | TRAILING | BOTH] [characters FROM] text): the text comes first in the tree. */
static bool trim_args(Parser *p, AstCall *call) {
    static const char *const words[] = {"leading", "trailing", "both"};
    static const char *const names[] = {"LTRIM", "RTRIM", "TRIM"};
    bool has_word = false;
    for (size_t i = 0; !has_word && i < 3; i++) {
        if (parser_peek(p, 1)->symbol == ')' || !parser_accept_word(p, words[i])) continue;
        has_word = true;
        call->name.name = str_from(names[i]);
    }
    AstExpr *first = parser_expr(p), *text = NULL;
    if (!first) return false;
    if (parser_accept_keyword(p, KW_FROM) ? !(text = parser_expr(p)) : has_word) return parser_fail(p);
    if (text) PARSER_PUSH(p, call->args, call->arg_count, text);
    PARSER_PUSH(p, call->args, call->arg_count, first);
    return parser_expect_symbol(p, ')');
}

/* IIF's first argument is a condition. */
static bool call_args(Parser *p, AstCall *call) {
    if (parser_accept_symbol(p, ')')) return true;
    if (parser_is_symbol(p, '*')) {
        p->at++;
        call->is_star = true;
        return parser_expect_symbol(p, ')');
    }
    if (parser_accept_keyword(p, KW_DISTINCT)) call->is_distinct = true;
    else (void)parser_accept_keyword(p, KW_ALL);
    if (str_eq_icase(call->name.name, STR_LIT("TRIM"))) return trim_args(p, call);
    if (takes_datepart(call->name.name)) {
        if (!parser_one_name(p, &call->datepart) || !parser_expect_symbol(p, ',')) return false;
    }
    if (str_eq_icase(call->name.name, STR_LIT("IIF"))) {
        AstExpr *condition = parser_condition_expr(p);
        if (!condition || !parser_expect_symbol(p, ',')) return false;
        PARSER_PUSH(p, call->args, call->arg_count, condition);
    }
    return parser_expr_list(p, &call->args, &call->arg_count) && parser_expect_symbol(p, ')');
}

static AstExpr *call_expr(Parser *p, AstName name) {
    AstExpr *x = parser_new_expr(p, EXPR_CALL);
    x->line = name.line;
    AstCall *call = &x->u.call;
    call->name = name;
    if (!parser_enter(p)) return NULL;
    p->at++; /* ( */
    if (!call_args(p, call)) return NULL;
    parser_leave(p);
    if (parser_is_word(p, "within") && !within_group(p, call)) return NULL;
    if (parser_at_words(p, "IGNORE NULLS") || parser_at_words(p, "RESPECT NULLS"))
        return (void)parser_unsupported(p, "IGNORE NULLS and RESPECT NULLS"), NULL;
    if (parser_is_keyword(p, KW_OVER) && !over_clause(p, &call->over)) return NULL;
    return x;
}

/* CURRENT_TIMESTAMP and its kin are calls without parentheses. */
static AstExpr *niladic(Parser *p) {
    AstExpr *x = parser_new_expr(p, EXPR_CALL);
    x->u.call.name = (AstName){.name = parser_peek(p, 0)->text, .line = x->line};
    p->at++;
    return x;
}

static AstExpr *keyword_call(Parser *p) {
    bool is_open = parser_peek(p, 1)->symbol == '(';
    switch (parser_peek(p, 0)->keyword) {
    case KW_CASE: return case_expr(p);
    case KW_CURRENT_TIMESTAMP:
    case KW_CURRENT_DATE:
    case KW_CURRENT_USER:
    case KW_SESSION_USER:
    case KW_SYSTEM_USER:
    case KW_USER: return niladic(p);
    case KW_CONVERT: return is_open ? convert_expr(p, /* is_try= */ false) : NULL;
    case KW_TRY_CONVERT: return is_open ? convert_expr(p, /* is_try= */ true) : NULL;
    case KW_COALESCE:
    case KW_NULLIF:
    case KW_LEFT:
    case KW_RIGHT: {
        if (!is_open) return NULL;
        const Token *t = parser_peek(p, 0);
        AstName name = {.name = t->text, .line = t->line};
        p->at++;
        return call_expr(p, name);
    }
    default: return NULL;
    }
}

/* How many tokens a dotted name takes here, if a parenthesis follows; else 0. */
static bool is_call_ahead(const Parser *p) {
    for (size_t i = 0;; i += 2) {
        const Token *t = parser_peek(p, i), *after = parser_peek(p, i + 1);
        if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED) {
            if (t->kind != TOKEN_SYMBOL || t->symbol != '.') return false;
            i--; /* an empty part */
            continue;
        }
        if (after->kind != TOKEN_SYMBOL) return false;
        if (after->symbol == '(') return true;
        if (after->symbol != '.') return false;
    }
}

AstExpr *parser_call(Parser *p) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_KEYWORD) return keyword_call(p);
    if (!parser_at_name(p) || !is_call_ahead(p)) return NULL;
    if (t->kind == TOKEN_WORD && parser_peek(p, 1)->symbol == '(') {
        bool is_try =
            str_eq_icase(t->text, STR_LIT("TRY_CAST")) || str_eq_icase(t->text, STR_LIT("TRY_PARSE"));
        bool is_parse =
            str_eq_icase(t->text, STR_LIT("PARSE")) || str_eq_icase(t->text, STR_LIT("TRY_PARSE"));
        if (is_try || is_parse || str_eq_icase(t->text, STR_LIT("CAST")))
            return cast_expr(p, is_try, is_parse);
    }
    AstName name;
    if (!parser_dotted_name(p, &name)) return NULL;
    return call_expr(p, name);
}
