/* Logins, users, roles; GRANT, DENY, REVOKE. */
#include "standin/tsql/parser_internal.h"

bool parser_at_principal(const Parser *p) {
    if (parser_is_keyword(p, KW_USER) || parser_is_word(p, "login") || parser_is_word(p, "role")) return true;
    return parser_is_word(p, "server") && str_eq_icase(parser_peek(p, 1)->text, STR_LIT("ROLE"));
}

static AstPrincipalKind kind_of(Parser *p) {
    if (parser_accept_keyword(p, KW_USER)) return PRINCIPAL_USER;
    if (parser_accept_word(p, "login")) return PRINCIPAL_LOGIN;
    if (parser_accept_word(p, "role")) return PRINCIPAL_ROLE;
    p->at += 2;
    return PRINCIPAL_SERVER_ROLE;
}

static bool word_or_name(Parser *p, Str *ret) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_STRING || t->kind == TOKEN_NSTRING || t->kind == TOKEN_KEYWORD) {
        *ret = t->value;
        p->at++;
        return true;
    }
    return parser_one_name(p, ret);
}

/* Options of a password: HASHED is refused, the others are of a policy, which there isn't. */
static bool password_options(Parser *p) {
    if (parser_is_word(p, "hashed")) return parser_unsupported(p, "HASHED");
    while (parser_accept_word(p, "must_change") || parser_accept_word(p, "unlock")) {}
    return true;
}

/* WITH NAME = value, …; what isn't kept is named and refused, but for policies, which have no effect here. */
static bool principal_options(Parser *p, AstPrincipal *x) {
    static const char *const without_effect[] = {"CHECK_POLICY", "CHECK_EXPIRATION", "OLD_PASSWORD",
                                                 "DEFAULT_LANGUAGE", "SID"};
    do {
        Str option, value;
        if (!word_or_name(p, &option) || !parser_expect_symbol(p, '=')) return false;
        if (parser_peek(p, 0)->kind == TOKEN_BINARY) {
            value = (Str){0};
            p->at++;
        } else if (!word_or_name(p, &value)) {
            return false;
        }
        bool is_known = false;
        for (size_t i = 0; i < sizeof without_effect / sizeof *without_effect; i++)
            is_known |= str_eq_icase(option, str_from(without_effect[i]));
        if (str_eq_icase(option, STR_LIT("PASSWORD"))) {
            x->password = value;
            x->has_password = true;
            if (!password_options(p)) return false;
        } else if (str_eq_icase(option, STR_LIT("DEFAULT_SCHEMA"))) x->default_schema = value;
        else if (str_eq_icase(option, STR_LIT("DEFAULT_DATABASE"))) x->default_database = value;
        else if (str_eq_icase(option, STR_LIT("NAME"))) x->new_name = value;
        else if (str_eq_icase(option, STR_LIT("LOGIN"))) x->for_login = value;
        else if (!is_known) return parser_unsupported(p, arena_printf(p->a, "%.*s", STR_ARG(option)));
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool role_member(Parser *p, AstStmt *s, bool is_server) {
    AstRoleMember *m = &s->u.role_member;
    AstRoleMember member = {.is_server = is_server, .role = s->u.principal.name};
    s->kind = STMT_ROLE_MEMBER;
    member.is_add = parser_is_keyword(p, KW_ADD);
    p->at++;
    if (!parser_expect_word(p, "member") || !parser_one_name(p, &member.member)) return false;
    *m = member;
    return true;
}

bool parser_create_principal(Parser *p, AstStmt *s, bool is_alter) {
    AstPrincipal *x = &s->u.principal;
    s->kind = is_alter ? STMT_ALTER_PRINCIPAL : STMT_CREATE_PRINCIPAL;
    x->kind = kind_of(p);
    bool is_role = x->kind == PRINCIPAL_ROLE || x->kind == PRINCIPAL_SERVER_ROLE;
    if (!parser_one_name(p, &x->name)) return false;
    if (is_role && is_alter && (parser_is_keyword(p, KW_ADD) || parser_is_keyword(p, KW_DROP)))
        return role_member(p, s, x->kind == PRINCIPAL_SERVER_ROLE);
    if (is_alter && parser_accept_word(p, "enable")) return x->is_enable = true;
    if (is_alter && parser_accept_word(p, "disable")) return x->is_disable = true;
    if (is_role && parser_accept_keyword(p, KW_AUTHORIZATION)) return parser_one_name(p, &x->owner);
    if (parser_accept_word(p, "without")) {
        x->without_login = true;
        if (!parser_expect_word(p, "login")) return false;
    } else if (parser_accept_keyword(p, KW_FOR) || parser_accept_keyword(p, KW_FROM)) {
        if (!parser_is_word(p, "login"))
            return parser_unsupported(p, "FROM WINDOWS, CERTIFICATE or EXTERNAL PROVIDER");
        p->at++;
        if (!parser_one_name(p, &x->for_login)) return false;
    }
    if (x->kind == PRINCIPAL_LOGIN && !is_alter && !parser_is_keyword(p, KW_WITH)) return parser_fail(p);
    return !parser_accept_keyword(p, KW_WITH) || principal_options(p, x);
}

bool parser_drop_principal(Parser *p, AstStmt *s) {
    s->kind = STMT_DROP_PRINCIPAL;
    s->u.drop_principal.kind = kind_of(p);
    s->u.drop_principal.if_exists = parser_accept_keyword(p, KW_IF);
    if (s->u.drop_principal.if_exists && !parser_expect_keyword(p, KW_EXISTS)) return false;
    return parser_one_name(p, &s->u.drop_principal.name);
}

/* Words up to ON, TO, FROM, a comma or a column list: "VIEW SERVER STATE". */
static bool permission(Parser *p, AstGrant *g) {
    size_t from = p->at;
    Str words = {0};
    for (;;) {
        const Token *t = parser_peek(p, 0);
        bool ends = t->keyword == KW_ON || t->keyword == KW_TO || t->keyword == KW_FROM;
        if (ends || (t->kind != TOKEN_WORD && t->kind != TOKEN_KEYWORD)) break;
        words =
            words.n ? str_from(arena_printf(p->a, "%.*s %.*s", STR_ARG(words), STR_ARG(t->text))) : t->text;
        p->at++;
    }
    if (p->at == from) return parser_fail(p);
    words = parser_upper(p, words);
    if (str_eq(words, STR_LIT("ALL PRIVILEGES"))) words = STR_LIT("ALL");
    PARSER_PUSH(p, g->permissions, g->permission_count, words);
    return !parser_is_symbol(p, '(') || parser_name_list(p, &g->columns, &g->column_count);
}

/* ALTER AUTHORIZATION ON DATABASE::x | SCHEMA::x TO y */
bool parser_authorization(Parser *p, AstStmt *s) {
    s->kind = STMT_AUTHORIZATION;
    p->at++;
    if (!parser_expect_keyword(p, KW_ON)) return false;
    s->u.authorization.is_schema = parser_is_keyword(p, KW_SCHEMA);
    if (parser_peek(p, 1)->symbol != LEXER_PAIR(':', ':') ||
        (!parser_is_keyword(p, KW_SCHEMA) && !parser_is_keyword(p, KW_DATABASE)))
        return parser_unsupported(p, "ALTER AUTHORIZATION of anything but databases and schemas");
    p->at += 2;
    if (!parser_one_name(p, &s->u.authorization.database) || !parser_expect_keyword(p, KW_TO)) return false;
    return parser_one_name(p, &s->u.authorization.login);
}

/* ON [OBJECT|SCHEMA|DATABASE ::] name */
static bool securable(Parser *p, AstGrant *g) {
    g->on = ON_OBJECT;
    const Token *t = parser_peek(p, 0);
    if (parser_peek(p, 1)->symbol == LEXER_PAIR(':', ':')) {
        if (str_eq_icase(t->text, STR_LIT("SCHEMA"))) g->on = ON_SCHEMA;
        else if (str_eq_icase(t->text, STR_LIT("DATABASE"))) g->on = ON_DATABASE;
        else if (!str_eq_icase(t->text, STR_LIT("OBJECT"))) g->on = ON_OTHER;
        p->at += 2;
    }
    if (!parser_dotted_name(p, &g->securable)) return false;
    return !parser_is_symbol(p, '(') || parser_name_list(p, &g->columns, &g->column_count);
}

bool parser_grant(Parser *p, AstStmt *s) {
    AstGrant *g = &s->u.grant;
    s->kind = STMT_GRANT;
    LexerKeyword verb = p->tokens[p->at++].keyword;
    g->kind = verb == KW_GRANT ? GRANT_GRANT : verb == KW_DENY ? GRANT_DENY : GRANT_REVOKE;
    if (verb == KW_REVOKE && parser_accept_keyword(p, KW_GRANT)) {
        g->option_only = true;
        if (!parser_expect_keyword(p, KW_OPTION) || !parser_expect_keyword(p, KW_FOR)) return false;
    }
    do {
        if (!permission(p, g)) return false;
    } while (parser_accept_symbol(p, ','));
    if (parser_accept_keyword(p, KW_ON) && !securable(p, g)) return false;
    if (!(verb == KW_REVOKE && parser_accept_keyword(p, KW_FROM)) && !parser_expect_keyword(p, KW_TO))
        return false;
    do {
        Str name;
        if (parser_accept_keyword(p, KW_PUBLIC)) name = STR_LIT("public");
        else if (!parser_one_name(p, &name)) return false;
        PARSER_PUSH(p, g->principals, g->principal_count, name);
    } while (parser_accept_symbol(p, ','));
    g->cascade = parser_accept_keyword(p, KW_CASCADE);
    if (parser_is_keyword(p, KW_AS)) return parser_unsupported(p, "GRANT … AS");
    if (!parser_accept_keyword(p, KW_WITH)) return true;
    g->with_grant = true;
    return parser_expect_keyword(p, KW_GRANT) && parser_expect_keyword(p, KW_OPTION);
}
