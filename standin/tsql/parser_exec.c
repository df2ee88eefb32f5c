/* EXECUTE: a procedure with its arguments, or a text. */
#include "standin/tsql/parser_internal.h"

/* An argument is a literal with an optional sign, a variable, DEFAULT, or a bare word, which is its own text.
 */
static AstExpr *argument(Parser *p) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_VARIABLE || t->kind == TOKEN_GLOBAL) {
        AstExpr *x = parser_new_expr(p, t->kind == TOKEN_GLOBAL ? EXPR_GLOBAL : EXPR_VARIABLE);
        x->u.name = t->text;
        p->at++;
        return x;
    }
    if (parser_is_keyword(p, KW_DEFAULT)) {
        AstExpr *x = parser_new_expr(p, EXPR_DEFAULT);
        p->at++;
        return x;
    }
    if (parser_is_symbol(p, '-') || parser_is_symbol(p, '+')) {
        AstExpr *x = parser_new_expr(p, EXPR_UNARY);
        x->u.unary.op = parser_is_symbol(p, '-') ? OP_NEGATE : OP_PLUS;
        p->at++;
        return (x->u.unary.operand = parser_literal(p)) ? x : NULL;
    }
    if (parser_at_name(p)) {
        AstExpr *x = parser_new_expr(p, EXPR_LITERAL);
        x->u.literal.type = (Type){.id = TYPE_NVARCHAR, .length = t->value.n ? (int32_t)t->value.n : 1};
        x->u.literal.value = VALUE_OF_TEXT(t->value);
        p->at++;
        return x;
    }
    return parser_literal(p);
}

static bool at_argument(const Parser *p) {
    const Token *t = parser_peek(p, 0);
    return parser_at_literal(p) || parser_at_name(p) || t->kind == TOKEN_VARIABLE ||
           t->kind == TOKEN_GLOBAL || parser_is_keyword(p, KW_DEFAULT) || parser_is_symbol(p, '-') ||
           parser_is_symbol(p, '+');
}

static bool arguments(Parser *p, AstExec *x) {
    if (!at_argument(p)) return true;
    do {
        AstExecArg arg = {0};
        const Token *t = parser_peek(p, 0);
        if (t->kind == TOKEN_VARIABLE && parser_peek(p, 1)->symbol == '=') {
            arg.name = t->text;
            p->at += 2;
        }
        if (!(arg.value = argument(p))) return false;
        arg.is_output = parser_accept_word(p, "output") || parser_accept_word(p, "out");
        PARSER_PUSH(p, x->args, x->arg_count, arg);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool text_form(Parser *p, AstExec *x) {
    p->at++;
    if (!(x->text = parser_expr(p)) || !parser_expect_symbol(p, ')')) return false;
    if (parser_is_word(p, "at")) return parser_unsupported(p, "EXECUTE … AT");
    if (!parser_accept_keyword(p, KW_AS)) return true;
    x->as_login = parser_is_word(p, "login");
    if (!parser_accept_word(p, "login") && !parser_expect_keyword(p, KW_USER)) return false;
    const Token *t = parser_peek(p, 1);
    if (!parser_is_symbol(p, '=') || (t->kind != TOKEN_STRING && t->kind != TOKEN_NSTRING))
        return parser_fail(p);
    x->as_name = t->value;
    p->at += 2;
    return true;
}

static bool with_options(Parser *p) {
    if (!parser_is_keyword(p, KW_WITH)) return true;
    if (!str_eq_icase(parser_peek(p, 1)->text, STR_LIT("RECOMPILE")))
        return parser_unsupported(p, "WITH RESULT SETS");
    p->at += 2;
    return true;
}

bool parser_execute(Parser *p, AstExec *ret) {
    if (!parser_accept_keyword(p, KW_EXEC)) (void)parser_accept_keyword(p, KW_EXECUTE);
    if (parser_is_symbol(p, '(')) return text_form(p, ret);
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_VARIABLE && parser_peek(p, 1)->symbol == '=') {
        ret->status_variable = t->text;
        p->at += 2;
        t = parser_peek(p, 0);
    }
    if (t->kind == TOKEN_VARIABLE) {
        ret->procedure_variable = t->text;
        p->at++;
    } else if (!parser_dotted_name(p, &ret->procedure)) {
        return false;
    }
    if (parser_is_symbol(p, ';') && parser_peek(p, 1)->kind == TOKEN_INTEGER)
        return parser_unsupported(p, "numbered procedures");
    return arguments(p, ret) && with_options(p);
}
