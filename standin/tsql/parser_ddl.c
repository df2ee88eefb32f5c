/* CREATE, ALTER, DROP of everything but tables' insides; TRUNCATE. */
#include "standin/tsql/parser_internal.h"

/* What SQL Server has and this server hasn't: refused by its name. */
static bool refuse_object(Parser *p, const char *verb) {
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_WORD && t->kind != TOKEN_KEYWORD) return parser_fail(p);
    static const char *const known[] = {
        "PROCEDURE",  "PROC",       "FUNCTION",    "VIEW",     "TRIGGER",     "TYPE",          "SEQUENCE",
        "SYNONYM",    "STATISTICS", "RULE",        "DEFAULT",  "ASSEMBLY",    "CERTIFICATE",   "SYMMETRIC",
        "ASYMMETRIC", "MASTER",     "PARTITION",   "FULLTEXT", "SERVER",      "AUTHORIZATION", "ENDPOINT",
        "CREDENTIAL", "XML",        "SPATIAL",     "EXTERNAL", "QUEUE",       "SERVICE",       "AVAILABILITY",
        "RESOURCE",   "EVENT",      "COLUMNSTORE", "OR",       "APPLICATION", "AGGREGATE",     "MESSAGE",
        "CONTRACT",   "ROUTE",      "SECURITY",    "INDEX"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_icase(t->text, str_from(known[i])))
            return parser_unsupported_statement(p, arena_printf(p->a, "%s %s", verb, known[i]));
    return parser_fail(p);
}

/* ---- databases ---- */

static bool create_database(Parser *p, AstStmt *s) {
    AstDatabase *d = &s->u.database;
    s->kind = STMT_CREATE_DATABASE;
    p->at++;
    if (!parser_one_name(p, &d->name)) return false;
    if (parser_is_word(p, "containment")) return parser_unsupported(p, "CONTAINMENT");
    if (parser_is_keyword(p, KW_ON) || parser_at_words(p, "LOG ON"))
        return parser_unsupported(p, "files of CREATE DATABASE");
    if (parser_at_words(p, "AS SNAPSHOT")) return parser_unsupported(p, "AS SNAPSHOT OF");
    if (parser_accept_keyword(p, KW_COLLATE) && !parser_one_name(p, &d->collation)) return false;
    return !parser_is_keyword(p, KW_WITH) || parser_unsupported(p, "CREATE DATABASE … WITH");
}

/* One option: NAME [=] value; some are a bare word (SINGLE_USER). */
static bool database_option(Parser *p, AstDatabase *d) {
    const Token *t = parser_peek(p, 0);
    AstDatabaseOption o = {0};
    if (t->kind != TOKEN_WORD && t->kind != TOKEN_KEYWORD) return parser_fail(p);
    o.name = parser_upper(p, t->text);
    p->at++;
    bool has_equals = parser_accept_symbol(p, '=');
    t = parser_peek(p, 0);
    bool has_value = t->kind == TOKEN_WORD || t->kind == TOKEN_INTEGER || t->keyword == KW_ON ||
                     t->keyword == KW_OFF || t->keyword == KW_FULL;
    if (has_equals && !has_value) return parser_fail(p);
    if (has_value) {
        o.value = parser_upper(p, t->text);
        p->at++;
    }
    if (parser_is_symbol(p, '('))
        return parser_unsupported(p, arena_printf(p->a, "%.*s (…)", STR_ARG(o.name)));
    PARSER_PUSH(p, d->options, d->option_count, o);
    return true;
}

static bool termination(Parser *p) {
    if (!parser_accept_keyword(p, KW_WITH)) return true;
    if (parser_accept_word(p, "no_wait")) return true;
    if (!parser_expect_keyword(p, KW_ROLLBACK)) return false;
    if (parser_accept_word(p, "immediate")) return true;
    int64_t seconds;
    if (!parser_expect_word(p, "after") || !parser_integer(p, &seconds)) return false;
    (void)parser_accept_word(p, "seconds");
    return true;
}

static bool alter_database(Parser *p, AstStmt *s) {
    AstDatabase *d = &s->u.database;
    s->kind = STMT_ALTER_DATABASE;
    p->at++;
    if (!parser_accept_keyword(p, KW_CURRENT) && !parser_one_name(p, &d->name)) return false;
    if (parser_accept_keyword(p, KW_COLLATE)) return parser_one_name(p, &d->collation);
    if (parser_accept_word(p, "modify")) {
        if (!parser_is_word(p, "name")) return parser_unsupported(p, "MODIFY FILE");
        p->at++;
        return parser_expect_symbol(p, '=') && parser_one_name(p, &d->new_name);
    }
    if (parser_is_keyword(p, KW_ADD)) return parser_unsupported(p, "ADD FILE");
    if (parser_is_word(p, "remove")) return parser_unsupported(p, "REMOVE FILE");
    if (!parser_expect_keyword(p, KW_SET)) return false;
    do {
        if (!database_option(p, d)) return false;
    } while (parser_accept_symbol(p, ','));
    return termination(p);
}

/* ---- DROP ---- */

static bool if_exists(Parser *p, AstDropObjects *d) {
    d->if_exists = parser_accept_keyword(p, KW_IF);
    return !d->if_exists || parser_expect_keyword(p, KW_EXISTS);
}

static bool drop_objects(Parser *p, AstStmt *s, AstStmtKind kind) {
    AstDropObjects *d = &s->u.drop;
    s->kind = kind;
    p->at++;
    if (!if_exists(p, d)) return false;
    do {
        AstName name;
        if (!parser_dotted_name(p, &name)) return false;
        PARSER_PUSH(p, d->names, d->count, name);
    } while (parser_accept_symbol(p, ','));
    return true;
}

/* What can't be made here can't be there either: the statement is as good as on any server without such. */
static bool drop_absent(Parser *p, AstStmt *s) {
    static const struct {
        const char *word, *kind;
    } kinds[] = {
        {"procedure", "procedure"}, {"proc", "procedure"},  {"view", "view"},
        {"function", "function"},   {"trigger", "trigger"}, {"sequence", "sequence object"},
        {"synonym", "synonym"},
    };
    const Token *t = parser_peek(p, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool is_name = t->kind == TOKEN_WORD || t->kind == TOKEN_KEYWORD;
        if (!is_name || !str_eq_icase(t->text, str_from(kinds[i].word))) continue;
        s->u.drop.kind = kinds[i].kind;
        bool is_module = i < 3; /* procedures and views */
        return drop_objects(p, s, is_module ? STMT_DROP_MODULE : STMT_DROP_ABSENT);
    }
    return refuse_object(p, "DROP");
}

/* DROP INDEX i ON t, …; the old form t.i too. */
static bool drop_index(Parser *p, AstStmt *s) {
    AstDropObjects *d = &s->u.drop;
    s->kind = STMT_DROP_INDEX;
    p->at++;
    if (!if_exists(p, d)) return false;
    do {
        AstName index, table;
        size_t count = d->count;
        if (!parser_dotted_name(p, &index)) return false;
        if (parser_accept_keyword(p, KW_ON)) {
            if (!parser_dotted_name(p, &table)) return false;
        } else {
            table = (AstName){.name = index.schema, .schema = index.database, .line = index.line};
            if (table.name.n == 0) return parser_fail(p);
        }
        PARSER_PUSH(p, d->names, d->count, table);
        PARSER_PUSH(p, d->indexes, count, index.name);
    } while (parser_accept_symbol(p, ','));
    return !parser_at_words(p, "WITH (") || parser_unsupported(p, "DROP INDEX … WITH");
}

/* ---- schemas ---- */

static bool create_schema(Parser *p, AstStmt *s) {
    s->kind = STMT_CREATE_SCHEMA;
    p->at++;
    bool has_name = parser_at_name(p);
    if (has_name && !parser_one_name(p, &s->u.schema.name)) return false;
    if (!parser_accept_keyword(p, KW_AUTHORIZATION)) return has_name || parser_fail(p);
    if (!parser_one_name(p, &s->u.schema.owner)) return false;
    if (!has_name) s->u.schema.name = s->u.schema.owner;
    return true;
}

/* ---- types ---- */

/* CREATE TYPE name FROM base [NULL | NOT NULL] */
static bool create_type(Parser *p, AstStmt *s) {
    s->kind = STMT_CREATE_TYPE;
    p->at++;
    if (!parser_dotted_name(p, &s->u.create_type.name)) return false;
    if (parser_is_keyword(p, KW_AS)) return parser_unsupported_statement(p, "CREATE TYPE … AS TABLE");
    if (parser_is_keyword(p, KW_EXTERNAL))
        return parser_unsupported_statement(p, "CREATE TYPE … EXTERNAL NAME");
    if (!parser_expect_keyword(p, KW_FROM) || !parser_type(p, &s->u.create_type.base)) return false;
    s->u.create_type.is_nullable = !parser_accept_keyword(p, KW_NOT);
    if (!s->u.create_type.is_nullable) return parser_expect_keyword(p, KW_NULL);
    (void)parser_accept_keyword(p, KW_NULL);
    return true;
}

/* ---- entry points ---- */

bool parser_create(Parser *p, AstStmt *s) {
    size_t start = p->at++;
    if (parser_at_module(p)) return parser_module(p, s, start);
    if (parser_at_principal(p)) return parser_create_principal(p, s, /* is_alter= */ false);
    if (parser_is_word(p, "type")) return create_type(p, s);
    switch (parser_peek(p, 0)->keyword) {
    case KW_DATABASE: return create_database(p, s);
    case KW_SCHEMA: return create_schema(p, s);
    case KW_TABLE:
        s->kind = STMT_CREATE_TABLE;
        p->at++;
        return parser_dotted_name(p, &s->u.create_table.name) && parser_table_body(p, &s->u.create_table);
    case KW_UNIQUE:
    case KW_CLUSTERED:
    case KW_NONCLUSTERED:
    case KW_INDEX: return parser_create_index(p, s);
    default: return refuse_object(p, "CREATE");
    }
}

bool parser_alter(Parser *p, AstStmt *s) {
    size_t start = p->at++;
    if (parser_at_module(p)) return parser_module(p, s, start);
    if (parser_at_principal(p)) return parser_create_principal(p, s, /* is_alter= */ true);
    switch (parser_peek(p, 0)->keyword) {
    case KW_DATABASE: return alter_database(p, s);
    case KW_AUTHORIZATION: return parser_authorization(p, s);
    case KW_TABLE: return parser_alter_table(p, s);
    default: return refuse_object(p, "ALTER");
    }
}

bool parser_drop(Parser *p, AstStmt *s) {
    p->at++;
    if (parser_at_principal(p)) return parser_drop_principal(p, s);
    if (parser_is_word(p, "type")) return drop_objects(p, s, STMT_DROP_TYPE);
    switch (parser_peek(p, 0)->keyword) {
    case KW_DATABASE: return drop_objects(p, s, STMT_DROP_DATABASE);
    case KW_SCHEMA: return drop_objects(p, s, STMT_DROP_SCHEMA);
    case KW_TABLE: return drop_objects(p, s, STMT_DROP_TABLE);
    case KW_INDEX: return drop_index(p, s);
    default: return drop_absent(p, s);
    }
}

bool parser_truncate(Parser *p, AstStmt *s) {
    s->kind = STMT_TRUNCATE;
    p->at++;
    if (!parser_expect_keyword(p, KW_TABLE) || !parser_dotted_name(p, &s->u.name)) return false;
    return !parser_is_keyword(p, KW_WITH) || parser_unsupported(p, "TRUNCATE TABLE … WITH (PARTITIONS)");
}
