#include "standin/tsql/parser.h"

#include "standin/tsql/parser_internal.h"

static bool start(Parser *p, Str text, const ParserOptions *options, Arena *a, SqlError *e) {
    Token *tokens;
    size_t count;
    *p = (Parser){.a = a, .e = e};
    if (!lexer_tokens(text, options->quoted_identifier, a, &tokens, &count, e)) return false;
    p->tokens = tokens;
    p->count = count;
    return true;
}

static bool at_end(Parser *p) {
    return parser_peek(p, 0)->kind == TOKEN_END || parser_fail(p);
}

bool parser_batch(Str text, const ParserOptions *options, Arena *a, AstBatch *ret, SqlError *e) {
    Parser p;
    AstStmt *first;
    if (!start(&p, text, options, a, e) || !parser_statements(&p, /* in_block= */ false, &first))
        return false;
    ret->first = first;
    return true;
}

bool parser_expression(Str text, const ParserOptions *options, Arena *a, AstExpr **ret, SqlError *e) {
    Parser p;
    if (!start(&p, text, options, a, e)) return false;
    AstExpr *x = parser_expr(&p);
    if (!x || !at_end(&p)) return false;
    *ret = x;
    return true;
}

bool parser_condition(Str text, const ParserOptions *options, Arena *a, AstExpr **ret, SqlError *e) {
    Parser p;
    if (!start(&p, text, options, a, e)) return false;
    AstExpr *x = parser_condition_expr(&p);
    if (!x || !at_end(&p)) return false;
    *ret = x;
    return true;
}

bool parser_parameter(Parser *p, ParserParam *ret) {
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_VARIABLE) return parser_fail(p);
    ret->name = t->text;
    p->at++;
    (void)parser_accept_keyword(p, KW_AS);
    if (parser_is_keyword(p, KW_CURSOR)) return parser_unsupported(p, "CURSOR VARYING");
    if (!parser_type(p, &ret->type)) return false;
    if (parser_accept_symbol(p, '=') && !(ret->initial = parser_expr(p))) return false;
    ret->is_output = parser_accept_word(p, "output") || parser_accept_word(p, "out");
    if (parser_is_word(p, "readonly")) return parser_unsupported(p, "READONLY");
    return true;
}

bool parser_parameters(Str text, const ParserOptions *options, Arena *a, ParserParam **ret, size_t *ret_count,
                       SqlError *e) {
    Parser p;
    ParserParam *params = NULL;
    size_t count = 0;
    if (!start(&p, text, options, a, e)) return false;
    if (parser_peek(&p, 0)->kind != TOKEN_END) {
        do {
            ParserParam one = {0};
            if (!parser_parameter(&p, &one)) return false;
            PARSER_PUSH(&p, params, count, one);
        } while (parser_accept_symbol(&p, ','));
    }
    if (!at_end(&p)) return false;
    *ret = params;
    *ret_count = count;
    return true;
}

/* Reserved words count as names here: OBJECT_ID('dbo.Order') finds the table. */
bool parser_name(Str text, Arena *a, AstName *ret) {
    SqlError ignored = {0};
    Token *tokens;
    size_t count;
    if (!lexer_tokens(text, /* quoted_identifier= */ true, a, &tokens, &count, &ignored)) return false;
    for (size_t i = 0; i < count; i++)
        if (tokens[i].kind == TOKEN_KEYWORD) tokens[i].kind = TOKEN_WORD;
    Parser p = {.tokens = tokens, .count = count, .a = a, .e = &ignored};
    return parser_dotted_name(&p, ret) && parser_peek(&p, 0)->kind == TOKEN_END;
}
