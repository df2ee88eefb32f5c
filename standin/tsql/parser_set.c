/* SET: variables, options, isolation level. */
#include "standin/tsql/parser_internal.h"

typedef enum SetForm { SET_SWITCH, SET_NUMBER, SET_WORD } SetForm;

static const struct {
    const char *name;
    SetForm form;
} set_options[] = {
    {"ANSI_DEFAULTS", SET_SWITCH},
    {"ANSI_NULL_DFLT_OFF", SET_SWITCH},
    {"ANSI_NULL_DFLT_ON", SET_SWITCH},
    {"ANSI_NULLS", SET_SWITCH},
    {"ANSI_PADDING", SET_SWITCH},
    {"ANSI_WARNINGS", SET_SWITCH},
    {"ARITHABORT", SET_SWITCH},
    {"ARITHIGNORE", SET_SWITCH},
    {"CONCAT_NULL_YIELDS_NULL", SET_SWITCH},
    {"CONTEXT_INFO", SET_NUMBER},
    {"CURSOR_CLOSE_ON_COMMIT", SET_SWITCH},
    {"DATEFIRST", SET_NUMBER},
    {"DATEFORMAT", SET_WORD},
    {"DEADLOCK_PRIORITY", SET_WORD},
    {"FMTONLY", SET_SWITCH},
    {"FORCEPLAN", SET_SWITCH},
    {"IMPLICIT_TRANSACTIONS", SET_SWITCH},
    {"LANGUAGE", SET_WORD},
    {"LOCK_TIMEOUT", SET_NUMBER},
    {"NO_BROWSETABLE", SET_SWITCH},
    {"NOCOUNT", SET_SWITCH},
    {"NOEXEC", SET_SWITCH},
    {"NUMERIC_ROUNDABORT", SET_SWITCH},
    {"PARSEONLY", SET_SWITCH},
    {"QUERY_GOVERNOR_COST_LIMIT", SET_NUMBER},
    {"QUOTED_IDENTIFIER", SET_SWITCH},
    {"REMOTE_PROC_TRANSACTIONS", SET_SWITCH},
    {"ROWCOUNT", SET_NUMBER},
    {"SHOWPLAN_ALL", SET_SWITCH},
    {"SHOWPLAN_TEXT", SET_SWITCH},
    {"SHOWPLAN_XML", SET_SWITCH},
    {"TEXTSIZE", SET_NUMBER},
    {"XACT_ABORT", SET_SWITCH},
};

static bool is_option(Str word, SetForm *ret) {
    for (size_t i = 0; i < sizeof set_options / sizeof *set_options; i++) {
        if (!str_eq_icase(word, str_from(set_options[i].name))) continue;
        *ret = set_options[i].form;
        return true;
    }
    return false;
}

static bool on_off(Parser *p, AstSetOption *o) {
    o->kind = parser_is_keyword(p, KW_ON) ? OPTION_ON : OPTION_OFF;
    return parser_accept_keyword(p, KW_ON) || parser_expect_keyword(p, KW_OFF);
}

static bool option_value(Parser *p, AstSetOption *o, SetForm form) {
    const Token *t = parser_peek(p, 0);
    if (form == SET_SWITCH) return on_off(p, o);
    if (t->kind == TOKEN_VARIABLE) {
        o->kind = OPTION_VARIABLE;
        o->text = t->text;
    } else if (form == SET_WORD &&
               (parser_at_name(p) || t->kind == TOKEN_STRING || t->kind == TOKEN_NSTRING)) {
        o->kind = OPTION_TEXT;
        o->text = t->value;
    } else if (t->kind == TOKEN_BINARY) {
        o->kind = OPTION_TEXT;
        o->text = t->value; /* its bytes */
    } else {
        o->kind = OPTION_NUMBER;
        return parser_integer(p, &o->number);
    }
    p->at++;
    return true;
}

static AstStmt *another(Parser *p, AstStmt **last) {
    AstStmt *s = PARSER_NEW(p, AstStmt);
    s->line = (*last)->line;
    s->text = (*last)->text;
    (*last)->next = s;
    *last = s;
    return s;
}

/* SET a, b, c ON: one statement each. */
static bool options(Parser *p, AstStmt *s, AstStmt **ret_last) {
    size_t from = p->at;
    SetForm form = SET_SWITCH;
    size_t count = 0;
    do {
        const Token *t = parser_peek(p, 0);
        if (!is_option(t->text, &form)) {
            if (t->kind != TOKEN_WORD && t->kind != TOKEN_KEYWORD) return parser_fail(p);
            if (parser_at_words(p, "OFFSETS")) return parser_unsupported(p, "SET OFFSETS");
            if (parser_is_word(p, "fips_flagger")) return parser_unsupported(p, "SET FIPS_FLAGGER");
            return sqlerror_set(p->e, 195, 5, t->line, "'%.*s' is not a recognized SET option.",
                                STR_ARG(t->text));
        }
        p->at++;
        count++;
    } while (parser_accept_symbol(p, ','));
    AstSetOption value = {0};
    if (!option_value(p, &value, form)) return false;
    for (size_t i = 0; i < count; i++) {
        AstStmt *one = i == 0 ? s : another(p, ret_last);
        one->kind = STMT_SET_OPTION;
        one->u.set_option = value;
        one->u.set_option.name = parser_upper(p, p->tokens[from + 2 * i].text);
    }
    return true;
}

static bool isolation(Parser *p, AstStmt *s) {
    AstSetOption *o = &s->u.set_option;
    s->kind = STMT_SET_OPTION;
    p->at++;
    if (!parser_expect_word(p, "isolation") || !parser_expect_word(p, "level")) return false;
    o->name = STR_LIT("TRANSACTION ISOLATION LEVEL");
    o->kind = OPTION_TEXT;
    if (parser_accept_word(p, "snapshot")) o->text = STR_LIT("SNAPSHOT");
    else if (parser_accept_word(p, "serializable")) o->text = STR_LIT("SERIALIZABLE");
    else if (parser_accept_word(p, "repeatable")) {
        o->text = STR_LIT("REPEATABLE READ");
        return parser_expect_keyword(p, KW_READ);
    } else if (parser_accept_keyword(p, KW_READ)) {
        bool is_committed = parser_accept_word(p, "committed");
        o->text = is_committed ? STR_LIT("READ COMMITTED") : STR_LIT("READ UNCOMMITTED");
        return is_committed || parser_expect_word(p, "uncommitted");
    } else {
        return parser_fail(p);
    }
    return true;
}

static bool identity_insert(Parser *p, AstStmt *s) {
    AstSetOption *o = &s->u.set_option;
    s->kind = STMT_SET_OPTION;
    p->at++;
    o->name = STR_LIT("IDENTITY_INSERT");
    return parser_dotted_name(p, &o->table) && on_off(p, o);
}

/* SET STATISTICS IO, TIME, XML ON */
static bool statistics(Parser *p, AstStmt *s) {
    AstSetOption *o = &s->u.set_option;
    s->kind = STMT_SET_OPTION;
    p->at++;
    o->name = STR_LIT("STATISTICS");
    do {
        o->text = parser_upper(p, parser_peek(p, 0)->text);
        if (parser_peek(p, 0)->kind != TOKEN_WORD) return parser_fail(p);
        p->at++;
    } while (parser_accept_symbol(p, ','));
    return on_off(p, o);
}

static bool variable(Parser *p, AstStmt *s) {
    static const struct {
        unsigned symbol;
        AstOp op;
    } ops[] = {{'=', OP_EQ},
               {LEXER_PAIR('+', '='), OP_ADD},
               {LEXER_PAIR('-', '='), OP_SUB},
               {LEXER_PAIR('*', '='), OP_MUL},
               {LEXER_PAIR('/', '='), OP_DIV},
               {LEXER_PAIR('%', '='), OP_MOD},
               {LEXER_PAIR('&', '='), OP_BIT_AND},
               {LEXER_PAIR('|', '='), OP_BIT_OR},
               {LEXER_PAIR('^', '='), OP_BIT_XOR}};
    AstSetVariable *v = &s->u.set_variable;
    s->kind = STMT_SET_VARIABLE;
    v->name = p->tokens[p->at++].text;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!parser_accept_symbol(p, ops[i].symbol)) continue;
        v->op = ops[i].op;
        if (parser_is_keyword(p, KW_CURSOR)) return parser_unsupported(p, "SET @variable = CURSOR");
        return (v->value = parser_expr(p)) != NULL;
    }
    if (parser_is_symbol(p, '.')) return parser_unsupported(p, "SET @variable.method");
    return parser_fail(p);
}

bool parser_set(Parser *p, AstStmt *s, AstStmt **ret_last) {
    p->at++;
    if (parser_peek(p, 0)->kind == TOKEN_VARIABLE) return variable(p, s);
    if (parser_is_keyword(p, KW_TRANSACTION) || parser_is_keyword(p, KW_TRAN)) return isolation(p, s);
    if (parser_is_keyword(p, KW_IDENTITY_INSERT)) return identity_insert(p, s);
    if (parser_is_keyword(p, KW_STATISTICS)) return statistics(p, s);
    return options(p, s, ret_last);
}
