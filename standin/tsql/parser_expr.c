/*
 * Expressions by precedence climbing. T-SQL has two sorts, values and conditions, and takes neither for the
 * other; both are one node type here, and parser_condition_expr and parser_expr check which they got, so that
 * a parenthesis needs no looking ahead.
 *
 * Low to high: OR, AND, NOT, predicates (= < LIKE IN …), + - & | ^, * / %, unary, COLLATE.
 */
#include <string.h>

#include "standin/tsql/parser_internal.h"
#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/wtf8.h"

AstExpr *parser_new_expr(Parser *p, AstExprKind kind) {
    AstExpr *x = PARSER_NEW(p, AstExpr);
    x->kind = kind;
    x->line = parser_peek(p, 0)->line;
    return x;
}

/* ---- literals ---- */

static bool decimal_literal(Parser *p, AstExpr *x, Str text) {
    Decimal d;
    if (decimal_parse(text, /* may_have_exponent= */ false, &d) != DECIMAL_PARSED)
        return sqlerror_set(
            p->e, 1007, 1, x->line,
            "The number '%.*s' is out of the range for numeric representation (maximum precision "
            "38).",
            STR_ARG(text));
    x->u.literal.type = (Type){.id = TYPE_NUMERIC, .precision = d.precision, .scale = d.scale};
    x->u.literal.value = decimal_to_value(d, arena_alloc(p->a, DECIMAL_BLOB_BYTES));
    return true;
}

static bool integer_literal(Parser *p, AstExpr *x, Str text) {
    int64_t n;
    Err ignored = {0};
    if (!str_to_i64(text, 0, INT32_MAX, &n, &ignored)) return decimal_literal(p, x, text);
    x->u.literal.type = (Type){.id = TYPE_INT};
    x->u.literal.value = VALUE_OF_INT(n);
    return true;
}

static bool convert_literal(Parser *p, AstExpr *x, Str text, TypeId to) {
    Convert c = {
        .from = {.id = TYPE_VARCHAR, .length = 64}, .to = {.id = to}, .style = CONVERT_STYLE_DEFAULT};
    ConvertError error = {0};
    x->u.literal.type = c.to;
    if (!convert_value(&c, VALUE_OF_TEXT(text), p->a, &x->u.literal.value, &error))
        return sqlerror_from_convert(p->e, &error, x->line);
    return true;
}

/* "1e" means 1e0, "$" alone 0. */
static Str completed(Parser *p, const Token *t) {
    Str s = t->value;
    if (t->kind == TOKEN_MONEY) return s.n ? s : STR_LIT("0");
    char last = s.p[s.n - 1];
    if (last >= '0' && last <= '9') return s;
    return str_from(arena_printf(p->a, "%.*s0", STR_ARG(s)));
}

static Type text_type(Str s, bool is_unicode) {
    size_t n = is_unicode ? wtf8_units(s) : collation_encoded_bytes(collation_get(COLLATION_DEFAULT), s);
    Type t = {.id = is_unicode ? TYPE_NVARCHAR : TYPE_VARCHAR, .length = n ? (int32_t)n : 1};
    if (n > (is_unicode ? 4000u : 8000u)) t.length = TYPE_MAX_LENGTH;
    return t;
}

bool parser_at_literal(const Parser *p) {
    switch (parser_peek(p, 0)->kind) {
    case TOKEN_INTEGER:
    case TOKEN_DECIMAL:
    case TOKEN_FLOAT:
    case TOKEN_MONEY:
    case TOKEN_BINARY:
    case TOKEN_STRING:
    case TOKEN_NSTRING: return true;
    default: return parser_is_keyword(p, KW_NULL);
    }
}

AstExpr *parser_literal(Parser *p) {
    const Token *t = parser_peek(p, 0);
    AstExpr *x = parser_new_expr(p, EXPR_LITERAL);
    bool ok = true;
    switch (t->kind) {
    case TOKEN_INTEGER: ok = integer_literal(p, x, t->text); break;
    case TOKEN_DECIMAL: ok = decimal_literal(p, x, t->text); break;
    case TOKEN_FLOAT: ok = convert_literal(p, x, completed(p, t), TYPE_FLOAT); break;
    case TOKEN_MONEY: ok = convert_literal(p, x, completed(p, t), TYPE_MONEY); break;
    case TOKEN_BINARY:
        x->u.literal.type = (Type){.id = TYPE_VARBINARY, .length = t->value.n ? (int32_t)t->value.n : 1};
        if (t->value.n > 8000) x->u.literal.type.length = TYPE_MAX_LENGTH;
        x->u.literal.value = VALUE_OF_BLOB(t->value);
        break;
    case TOKEN_STRING:
        x->u.literal.type = text_type(t->value, /* is_unicode= */ false);
        x->u.literal.value = VALUE_OF_TEXT(t->value);
        break;
    case TOKEN_NSTRING:
        x->u.literal.type = text_type(t->value, /* is_unicode= */ true);
        x->u.literal.value = VALUE_OF_TEXT(t->value);
        break;
    default:
        if (!parser_is_keyword(p, KW_NULL)) return (void)parser_fail(p), NULL;
        break; /* type and value are NULL already */
    }
    if (!ok) return NULL;
    p->at++;
    return x;
}

/* ---- primaries ---- */

static AstExpr *or_condition(Parser *p);

static bool is_condition(const AstExpr *x) {
    switch (x->kind) {
    case EXPR_UNARY: return x->u.unary.op == OP_NOT;
    case EXPR_BINARY: return x->u.binary.op >= OP_EQ && x->u.binary.op <= OP_OR;
    case EXPR_IS_NULL:
    case EXPR_BETWEEN:
    case EXPR_IN:
    case EXPR_LIKE:
    case EXPR_EXISTS:
    case EXPR_QUANTIFIED: return true;
    default: return false;
    }
}

static AstExpr *variable(Parser *p) {
    const Token *t = parser_peek(p, 0);
    AstExpr *x = parser_new_expr(p, t->kind == TOKEN_GLOBAL ? EXPR_GLOBAL : EXPR_VARIABLE);
    x->u.name = t->text;
    p->at++;
    return x;
}

static bool at_set_operator(const Parser *p) {
    return parser_is_keyword(p, KW_UNION) || parser_is_keyword(p, KW_EXCEPT) ||
           parser_is_keyword(p, KW_INTERSECT);
}

/* (SELECT …), or an expression; ((SELECT 1) UNION SELECT 2) turns out to be a query only at its UNION. */
static AstExpr *parenthesised(Parser *p) {
    AstExpr *x;
    if (!parser_enter(p)) return NULL;
    p->at++;
    if (parser_is_keyword(p, KW_SELECT)) {
        x = parser_new_expr(p, EXPR_SUBQUERY);
        if (!(x->u.query = parser_query(p))) return NULL;
    } else {
        x = or_condition(p);
        if (x && x->kind == EXPR_SUBQUERY && at_set_operator(p) &&
            !(x->u.query = parser_query_after(p, x->u.query)))
            return NULL;
    }
    if (!x || !parser_expect_symbol(p, ')')) return NULL;
    parser_leave(p);
    return x;
}

static AstExpr *column(Parser *p) {
    AstExpr *x = parser_new_expr(p, EXPR_COLUMN);
    if (!parser_dotted_name(p, &x->u.column)) return NULL;
    if (parser_peek(p, 0)->symbol != LEXER_PAIR(':', ':')) return x;
    Str type = x->u.column.name, method = parser_peek(p, 1)->text; /* geography::Point(…) */
    return (void)parser_unsupported(p, arena_printf(p->a, "%.*s::%.*s", STR_ARG(type), STR_ARG(method))),
           NULL;
}

static AstExpr *primary(Parser *p) {
    const Token *t = parser_peek(p, 0);
    if (!parser_refuse_value(p)) return NULL;
    if (parser_at_literal(p)) return parser_literal(p);
    if (t->kind == TOKEN_VARIABLE || t->kind == TOKEN_GLOBAL) return variable(p);
    if (parser_is_symbol(p, '(')) return parenthesised(p);
    if (parser_is_keyword(p, KW_DEFAULT)) {
        AstExpr *x = parser_new_expr(p, EXPR_DEFAULT);
        p->at++;
        return x;
    }
    p->e->number = 0;
    AstExpr *x = parser_call(p);
    if (x || p->e->number != 0) return x;
    if (parser_at_name(p)) return column(p);
    return (void)parser_fail(p), NULL;
}

/* COLLATE and AT TIME ZONE follow a value. */
static AstExpr *postfix(Parser *p) {
    AstExpr *x = primary(p);
    while (x) {
        if (parser_is_keyword(p, KW_COLLATE)) {
            AstExpr *outer = parser_new_expr(p, EXPR_COLLATE);
            p->at++;
            outer->u.collate.operand = x;
            if (!parser_one_name(p, &outer->u.collate.collation)) return NULL;
            x = outer;
        } else if (parser_is_word(p, "at") && str_eq_icase(parser_peek(p, 1)->text, STR_LIT("time"))) {
            AstExpr *outer = parser_new_expr(p, EXPR_AT_TIME_ZONE);
            p->at += 2;
            outer->u.binary.left = x;
            if (!parser_expect_word(p, "zone") || !(outer->u.binary.right = primary(p))) return NULL;
            x = outer;
        } else if (parser_is_symbol(p, '.')) { /* @h.ToString() */
            Str method = parser_peek(p, 1)->text;
            return (void)parser_unsupported(p, arena_printf(p->a, "method %.*s", STR_ARG(method))), NULL;
        } else {
            break;
        }
    }
    return x;
}

/* ---- operators ---- */

static AstExpr *unary(Parser *p) {
    AstOp op;
    if (parser_is_symbol(p, '-')) op = OP_NEGATE;
    else if (parser_is_symbol(p, '+')) op = OP_PLUS;
    else if (parser_is_symbol(p, '~')) op = OP_BIT_NOT;
    else return postfix(p);
    if (!parser_enter(p)) return NULL;
    AstExpr *x = parser_new_expr(p, EXPR_UNARY);
    p->at++;
    x->u.unary.op = op;
    x->u.unary.operand = unary(p);
    parser_leave(p);
    return x->u.unary.operand ? x : NULL;
}

static bool product_op(const Parser *p, AstOp *ret) {
    if (parser_is_symbol(p, '*')) *ret = OP_MUL;
    else if (parser_is_symbol(p, '/')) *ret = OP_DIV;
    else if (parser_is_symbol(p, '%')) *ret = OP_MOD;
    else return false;
    return true;
}

static bool sum_op(const Parser *p, AstOp *ret) {
    if (parser_is_symbol(p, '+')) *ret = OP_ADD;
    else if (parser_is_symbol(p, '-')) *ret = OP_SUB;
    else if (parser_is_symbol(p, '&')) *ret = OP_BIT_AND;
    else if (parser_is_symbol(p, '|')) *ret = OP_BIT_OR;
    else if (parser_is_symbol(p, '^')) *ret = OP_BIT_XOR;
    else return false;
    return true;
}

/* Both operands must be values, not conditions. */
static AstExpr *binary(Parser *p, AstOp op, AstExpr *left, AstExpr *(*operand)(Parser *)) {
    AstExpr *x = parser_new_expr(p, EXPR_BINARY);
    if (is_condition(left)) return (void)parser_fail(p), NULL;
    p->at++;
    x->u.binary.op = op;
    x->u.binary.left = left;
    x->u.binary.right = operand(p);
    if (!x->u.binary.right) return NULL;
    if (is_condition(x->u.binary.right)) return (void)parser_fail(p), NULL;
    return x;
}

/* A chain of n operators makes a tree n deep, which the binder walks by recursion: bounded, like nesting, but
 * per statement (a chain's first operand may hold another chain). */
static bool add_link(Parser *p) {
    if (p->links < PARSER_MAX_LINKS) return p->links++, true;
    return sqlerror_set(
        p->e, 8623, 1, parser_peek(p, 0)->line,
        "The query processor ran out of internal resources and could not produce a query plan. "
        "This is a rare event and only expected for extremely complex queries or queries that "
        "reference a very large number of tables or partitions. Please simplify the query.");
}

static AstExpr *chain(Parser *p, bool (*op_of)(const Parser *, AstOp *), AstExpr *(*operand)(Parser *)) {
    AstExpr *x = operand(p);
    AstOp op;
    while (x && op_of(p, &op)) x = add_link(p) ? binary(p, op, x, operand) : NULL;
    return x;
}

static AstExpr *product(Parser *p) {
    return chain(p, product_op, unary);
}
static AstExpr *sum(Parser *p) {
    AstExpr *x = chain(p, sum_op, product);
    if (parser_at_words(p, "< <")) return (void)parser_unsupported(p, "<<"), NULL;
    if (parser_at_words(p, "> >")) return (void)parser_unsupported(p, ">>"), NULL;
    return x;
}

static bool compare_op(const Parser *p, AstOp *ret) {
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_SYMBOL) return false;
    switch (t->symbol) {
    case '=': *ret = OP_EQ; return true;
    case '<': *ret = OP_LT; return true;
    case '>': *ret = OP_GT; return true;
    case LEXER_PAIR('<', '='):
    case LEXER_PAIR('!', '>'): *ret = OP_LE; return true;
    case LEXER_PAIR('>', '='):
    case LEXER_PAIR('!', '<'): *ret = OP_GE; return true;
    case LEXER_PAIR('<', '>'):
    case LEXER_PAIR('!', '='): *ret = OP_NE; return true;
    default: return false;
    }
}

/* ---- predicates ---- */

static AstExpr *value(Parser *p) {
    AstExpr *x = sum(p);
    if (x && is_condition(x)) return (void)parser_fail(p), NULL;
    return x;
}

static AstExpr *quantified(Parser *p, AstOp op, AstExpr *left) {
    AstExpr *x = parser_new_expr(p, EXPR_QUANTIFIED);
    x->u.quantified.op = op;
    x->u.quantified.operand = left;
    x->u.quantified.is_all = parser_is_keyword(p, KW_ALL);
    p->at++;
    if (!parser_expect_symbol(p, '(') || !(x->u.quantified.query = parser_query(p)) ||
        !parser_expect_symbol(p, ')'))
        return NULL;
    return x;
}

static AstExpr *comparison(Parser *p, AstOp op, AstExpr *left) {
    const Token *after = parser_peek(p, 1);
    if (after->keyword == KW_ALL || after->keyword == KW_ANY || after->keyword == KW_SOME) {
        p->at++;
        return quantified(p, op, left);
    }
    return binary(p, op, left, sum);
}

/* IN ((SELECT …)) and IN ((SELECT 1), 2): one query alone is a query, several are a list. */
static bool in_parentheses(Parser *p, AstExpr *x) {
    if (!parser_expr_list(p, &x->u.in.list, &x->u.in.count)) return false;
    if (x->u.in.count > 1 || x->u.in.list[0]->kind != EXPR_SUBQUERY) return true;
    x->u.in.query = x->u.in.list[0]->u.query;
    x->u.in.list = NULL;
    x->u.in.count = 0;
    if (at_set_operator(p)) x->u.in.query = parser_query_after(p, x->u.in.query);
    return x->u.in.query != NULL;
}

static AstExpr *in_predicate(Parser *p, AstExpr *left, bool is_not) {
    AstExpr *x = parser_new_expr(p, EXPR_IN);
    p->at++;
    x->u.in.operand = left;
    x->u.in.is_not = is_not;
    if (!parser_expect_symbol(p, '(')) return NULL;
    size_t depth = 0;
    while (parser_peek(p, depth)->kind == TOKEN_SYMBOL && parser_peek(p, depth)->symbol == '(') depth++;
    if (parser_peek(p, depth)->keyword == KW_SELECT) {
        if (depth == 0) x->u.in.query = parser_query(p);
        else if (!in_parentheses(p, x)) return NULL;
        if (!x->u.in.query && !x->u.in.list) return NULL;
    } else if (!parser_expr_list(p, &x->u.in.list, &x->u.in.count)) {
        return NULL;
    }
    return parser_expect_symbol(p, ')') ? x : NULL;
}

static AstExpr *between_predicate(Parser *p, AstExpr *left, bool is_not) {
    AstExpr *x = parser_new_expr(p, EXPR_BETWEEN);
    p->at++;
    x->u.between.operand = left;
    x->u.between.is_not = is_not;
    if (!(x->u.between.low = value(p)) || !parser_expect_keyword(p, KW_AND) ||
        !(x->u.between.high = value(p)))
        return NULL;
    return x;
}

static AstExpr *like_predicate(Parser *p, AstExpr *left, bool is_not) {
    AstExpr *x = parser_new_expr(p, EXPR_LIKE);
    p->at++;
    x->u.like.operand = left;
    x->u.like.is_not = is_not;
    if (!(x->u.like.pattern = value(p))) return NULL;
    if (parser_accept_keyword(p, KW_ESCAPE) && !(x->u.like.escape = value(p))) return NULL;
    return x;
}

/* x IS [NOT] NULL, x IS [NOT] DISTINCT FROM y */
static AstExpr *is_predicate(Parser *p, AstExpr *left) {
    AstExpr *x = parser_new_expr(p, EXPR_IS_NULL);
    p->at++;
    x->u.is_null.operand = left;
    x->u.is_null.is_not = parser_accept_keyword(p, KW_NOT);
    if (parser_accept_keyword(p, KW_DISTINCT)) {
        AstOp op = x->u.is_null.is_not ? OP_NOT_DISTINCT : OP_DISTINCT;
        *x = (AstExpr){.kind = EXPR_BINARY, .line = x->line, .u.binary = {.op = op, .left = left}};
        return parser_expect_keyword(p, KW_FROM) && (x->u.binary.right = value(p)) ? x : NULL;
    }
    return parser_expect_keyword(p, KW_NULL) ? x : NULL;
}

static AstExpr *exists_predicate(Parser *p) {
    AstExpr *x = parser_new_expr(p, EXPR_EXISTS);
    p->at++;
    if (!parser_expect_symbol(p, '(') || !(x->u.query = parser_query(p)) || !parser_expect_symbol(p, ')'))
        return NULL;
    return x;
}

static AstExpr *predicate(Parser *p) {
    if (parser_is_keyword(p, KW_EXISTS)) return exists_predicate(p);
    AstExpr *left = sum(p);
    if (!left || is_condition(left)) return left; /* a parenthesised condition */
    AstOp op;
    if (compare_op(p, &op)) return comparison(p, op, left);
    if (parser_is_keyword(p, KW_IS)) return is_predicate(p, left);
    bool is_not = parser_is_keyword(p, KW_NOT);
    LexerKeyword next = parser_peek(p, is_not)->keyword;
    if (next != KW_IN && next != KW_BETWEEN && next != KW_LIKE) return left; /* a value: the caller says */
    p->at += is_not;
    if (next == KW_IN) return in_predicate(p, left, is_not);
    if (next == KW_BETWEEN) return between_predicate(p, left, is_not);
    return like_predicate(p, left, is_not);
}

static AstExpr *negation(Parser *p) {
    if (!parser_is_keyword(p, KW_NOT)) return predicate(p);
    if (!parser_enter(p)) return NULL;
    AstExpr *x = parser_new_expr(p, EXPR_UNARY);
    p->at++;
    x->u.unary.op = OP_NOT;
    x->u.unary.operand = negation(p);
    parser_leave(p);
    if (x->u.unary.operand && !is_condition(x->u.unary.operand)) return (void)parser_fail(p), NULL;
    return x->u.unary.operand ? x : NULL;
}

static bool not_a_condition(Parser *p) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_END && p->at > 0) t--;
    return sqlerror_set(
        p->e, 4145, 1, t->line,
        "An expression of non-boolean type specified in a context where a condition is expected, "
        "near '%.*s'.",
        STR_ARG(t->text));
}

/* left AND right AND …, both sides conditions; the chain leans to the left. */
static AstExpr *logic(Parser *p, LexerKeyword keyword, AstOp op, AstExpr *(*operand)(Parser *)) {
    AstExpr *left = operand(p);
    while (left && parser_is_keyword(p, keyword)) {
        if (!is_condition(left)) return (void)not_a_condition(p), NULL;
        if (!add_link(p)) return NULL;
        AstExpr *x = parser_new_expr(p, EXPR_BINARY);
        p->at++;
        x->u.binary.op = op;
        x->u.binary.left = left;
        x->u.binary.right = operand(p);
        if (!x->u.binary.right) return NULL;
        if (!is_condition(x->u.binary.right)) return (void)not_a_condition(p), NULL;
        left = x;
    }
    return left;
}

static AstExpr *and_condition(Parser *p) {
    return logic(p, KW_AND, OP_AND, negation);
}
static AstExpr *or_condition(Parser *p) {
    return logic(p, KW_OR, OP_OR, and_condition);
}

AstExpr *parser_condition_expr(Parser *p) {
    if (!parser_enter(p)) return NULL;
    AstExpr *x = or_condition(p);
    parser_leave(p);
    if (x && !is_condition(x)) return (void)not_a_condition(p), NULL;
    return x;
}

AstExpr *parser_expr(Parser *p) {
    if (!parser_enter(p)) return NULL;
    AstExpr *x = value(p);
    parser_leave(p);
    return x;
}

bool parser_expr_list(Parser *p, AstExpr ***ret, size_t *ret_count) {
    do {
        AstExpr *x = parser_expr(p);
        if (!x) return false;
        PARSER_PUSH(p, *ret, *ret_count, x);
    } while (parser_accept_symbol(p, ','));
    return true;
}

bool parser_order_list(Parser *p, AstOrder **ret, size_t *ret_count) {
    do {
        AstOrder o = {.expr = parser_expr(p)};
        if (!o.expr) return false;
        o.is_descending = parser_is_keyword(p, KW_DESC);
        o.is_desc_given = o.is_descending || parser_is_keyword(p, KW_ASC);
        p->at += o.is_desc_given;
        PARSER_PUSH(p, *ret, *ret_count, o);
    } while (parser_accept_symbol(p, ','));
    return true;
}
