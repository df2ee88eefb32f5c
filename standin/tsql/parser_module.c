/* CREATE VIEW and CREATE PROCEDURE. The body's tree is thrown away again: it is read for its errors' sake. */
#include "standin/tsql/parser_internal.h"

static bool is_procedure(const Token *t) {
    return t->keyword == KW_PROCEDURE || t->keyword == KW_PROC;
}

bool parser_at_module(const Parser *p) {
    const Token *t = parser_peek(p, 0);
    if (t->keyword == KW_OR) t = parser_peek(p, 2);
    return t->keyword == KW_VIEW || is_procedure(t);
}

/* Only semicolons may stand before it. */
static bool check_first(Parser *p, size_t start, const AstModule *m) {
    for (size_t i = 0; i < start; i++)
        if (p->tokens[i].symbol != ';')
            return sqlerror_set(p->e, 111, 1, p->tokens[start].line,
                                "'%s %s' must be the first statement in a query batch.",
                                m->is_alter ? "ALTER" : "CREATE", m->is_procedure ? "PROCEDURE" : "VIEW");
    return true;
}

/* WITH SCHEMABINDING, ENCRYPTION, … */
static bool options(Parser *p, AstModule *m) {
    if (!parser_accept_keyword(p, KW_WITH)) return true;
    do {
        if (parser_accept_word(p, "encryption")) m->with_encryption = true;
        else if (parser_is_word(p, "schemabinding") || parser_is_word(p, "view_metadata") ||
                 parser_is_word(p, "recompile"))
            p->at++;
        else if (parser_is_word(p, "native_compilation")) return parser_unsupported(p, "NATIVE_COMPILATION");
        else if (parser_is_keyword(p, KW_EXECUTE) || parser_is_keyword(p, KW_EXEC)) {
            p->at++;
            if (!parser_expect_keyword(p, KW_AS)) return false;
            if (!parser_accept_word(p, "caller")) return parser_unsupported(p, "EXECUTE AS of a module");
        } else return parser_fail(p);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool view(Parser *p, AstModule *m) {
    if (parser_is_symbol(p, '(') && !parser_name_list(p, &m->columns, &m->column_count)) return false;
    if (!options(p, m) || !parser_expect_keyword(p, KW_AS)) return false;
    size_t from = p->at;
    m->body_line = parser_peek(p, 0)->line;
    m->select = PARSER_NEW(p, AstStmt);
    m->select->line = m->body_line;
    m->select->max_recursion = PARSER_MAX_RECURSION;
    if (!parser_is_keyword(p, KW_SELECT) && !parser_is_keyword(p, KW_WITH) && !parser_is_symbol(p, '('))
        return parser_fail(p);
    if (!parser_data_statement(p, m->select) || m->select->kind != STMT_SELECT)
        return p->e->number ? false : parser_fail(p);
    m->body = parser_text_since(p, from);
    if (parser_accept_keyword(p, KW_WITH) &&
        (!parser_expect_keyword(p, KW_CHECK) || !parser_expect_keyword(p, KW_OPTION)))
        return false;
    while (parser_accept_symbol(p, ';')) {}
    return parser_peek(p, 0)->kind == TOKEN_END || parser_fail(p);
}

/* The list with or without parentheses; the text without them. */
static bool parameters(Parser *p, AstModule *m) {
    bool has_parenthesis = parser_accept_symbol(p, '(');
    size_t from = p->at;
    if (parser_peek(p, 0)->kind == TOKEN_VARIABLE) {
        do {
            ParserParam one = {0};
            if (!parser_parameter(p, &one)) return false;
        } while (parser_accept_symbol(p, ','));
    }
    m->parameters = parser_text_since(p, from);
    return !has_parenthesis || parser_expect_symbol(p, ')');
}

static bool procedure(Parser *p, AstModule *m) {
    if (parser_is_symbol(p, ';')) return parser_unsupported(p, "numbered procedures");
    if (!parameters(p, m) || !options(p, m)) return false;
    if (parser_is_keyword(p, KW_FOR)) return parser_unsupported(p, "FOR REPLICATION");
    if (!parser_expect_keyword(p, KW_AS)) return false;
    if (parser_at_words(p, "EXTERNAL NAME")) return parser_unsupported(p, "EXTERNAL NAME");
    size_t from = p->at;
    AstStmt *ignored;
    m->body_line = parser_peek(p, 0)->line;
    if (!parser_statements(p, /* in_block= */ true, &ignored)) return false;
    if (!ignored || parser_peek(p, 0)->kind != TOKEN_END) return parser_fail(p);
    m->body = parser_text_since(p, from);
    return true;
}

bool parser_module(Parser *p, AstStmt *s, size_t start) {
    AstModule *m = &s->u.module;
    s->kind = STMT_CREATE_MODULE;
    m->is_alter = p->tokens[start].keyword == KW_ALTER;
    if (parser_accept_keyword(p, KW_OR)) {
        m->may_replace = true;
        if (m->is_alter || !parser_expect_keyword(p, KW_ALTER)) return m->is_alter ? parser_fail(p) : false;
    }
    m->is_procedure = is_procedure(parser_peek(p, 0));
    p->at++;
    if (!check_first(p, start, m) || !parser_dotted_name(p, &m->name)) return false;
    p->e->number = 0;
    return m->is_procedure ? procedure(p, m) : view(p, m);
}
