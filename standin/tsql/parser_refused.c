/* What SQL Server's grammar has and this server hasn't, and which nothing else here would name. */
#include "standin/tsql/parser_internal.h"

bool parser_at_words(const Parser *p, const char *words) {
    Str rest = str_from(words);
    for (size_t i = 0; rest.n; i++) {
        Str word = {rest.p, 0};
        while (word.n < rest.n && rest.p[word.n] != ' ') word.n++;
        const Token *t = parser_peek(p, i);
        if (t->kind == TOKEN_QUOTED || !str_eq_icase(t->text, word)) return false;
        size_t skipped = word.n < rest.n ? word.n + 1 : word.n;
        rest = (Str){rest.p + skipped, rest.n - skipped};
    }
    return true;
}

static const char *first_of(const Parser *p, const char *const *phrases, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (parser_at_words(p, phrases[i])) return phrases[i];
    return NULL;
}

bool parser_refuse_statement(Parser *p) {
    static const char *const phrases[] = {
        "ADD COUNTER SIGNATURE",
        "ADD SENSITIVITY CLASSIFICATION",
        "ADD SIGNATURE",
        "ALTER BROKER PRIORITY",
        "ALTER COLUMN ENCRYPTION KEY",
        "ALTER CRYPTOGRAPHIC PROVIDER",
        "ALTER DATABASE AUDIT SPECIFICATION",
        "ALTER DATABASE ENCRYPTION KEY",
        "ALTER DATABASE SCOPED",
        "ALTER REMOTE SERVICE BINDING",
        "ALTER SCHEMA",
        "ALTER SEARCH PROPERTY LIST",
        "ALTER WORKLOAD GROUP",
        "BEGIN CONVERSATION",
        "BEGIN DIALOG",
        "CLOSE ALL SYMMETRIC KEYS",
        "CLOSE MASTER KEY",
        "CLOSE SYMMETRIC KEY",
        "CREATE BROKER PRIORITY",
        "CREATE COLUMN ENCRYPTION KEY",
        "CREATE COLUMN MASTER KEY",
        "CREATE CRYPTOGRAPHIC PROVIDER",
        "CREATE DATABASE AUDIT SPECIFICATION",
        "CREATE DATABASE ENCRYPTION KEY",
        "CREATE DATABASE SCOPED CREDENTIAL",
        "CREATE OR ALTER FUNCTION",
        "CREATE OR ALTER TRIGGER",
        "CREATE PRIMARY XML INDEX",
        "CREATE REMOTE SERVICE BINDING",
        "CREATE SEARCH PROPERTY LIST",
        "CREATE WORKLOAD GROUP",
        "DISABLE TRIGGER",
        "DROP SENSITIVITY CLASSIFICATION",
        "DROP SIGNATURE",
        "ENABLE TRIGGER",
        "END CONVERSATION",
        "GET CONVERSATION GROUP",
        "MOVE CONVERSATION",
        "OPEN MASTER KEY",
        "OPEN SYMMETRIC KEY",
        "READTEXT",
        "RECEIVE *",
        "RECEIVE TOP",
        "SEND ON CONVERSATION",
        "UPDATETEXT",
        "WRITETEXT",
    };
    const char *found = first_of(p, phrases, sizeof phrases / sizeof *phrases);
    if (found) return parser_unsupported_statement(p, found);
    bool is_label = parser_peek(p, 0)->kind == TOKEN_WORD && parser_peek(p, 1)->symbol == ':';
    return !is_label || parser_unsupported(p, "labels of GOTO");
}

bool parser_refuse_source(Parser *p) {
    static const char *const functions[] = {
        "CHANGETABLE", "CONTAINSTABLE", "FREETEXTTABLE", "OPENJSON", "OPENDATASOURCE",
        "OPENQUERY",   "OPENROWSET",    "OPENXML",       "PREDICT",  "SEMANTICKEYPHRASETABLE"};
    const char *found = first_of(p, functions, sizeof functions / sizeof *functions);
    if (found && parser_peek(p, 1)->symbol == '(') return parser_unsupported(p, found);
    static const char *const changes[] = {"( DELETE", "( INSERT", "( MERGE", "( UPDATE"};
    return !first_of(p, changes, sizeof changes / sizeof *changes) ||
           parser_unsupported(p, "FROM (INSERT, UPDATE, DELETE or MERGE … OUTPUT)");
}

bool parser_refuse_value(Parser *p) {
    if (parser_at_words(p, "NEXT VALUE FOR")) return parser_unsupported(p, "NEXT VALUE FOR");
    static const char *const calls[] = {"CONTAINS (", "FREETEXT (", "IDENTITY (", "JSON_OBJECT ("};
    static const char *const names[] = {"CONTAINS", "FREETEXT", "IDENTITY function", "JSON_OBJECT"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (parser_at_words(p, calls[i])) return parser_unsupported(p, names[i]);
    return !parser_at_words(p, "$PARTITION .") || parser_unsupported(p, "$PARTITION");
}
