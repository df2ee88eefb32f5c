/* Statement lists and the statements that steer: IF, WHILE, TRY, transactions, RAISERROR, DECLARE … */
#include "standin/tsql/parser_internal.h"

static bool statement(Parser *p, bool is_first, AstStmt *s, AstStmt **ret_last);

/* The body of IF, ELSE, WHILE: one statement. */
static bool body(Parser *p, AstStmt **ret) {
    if (!parser_enter(p)) return false;
    while (parser_accept_symbol(p, ';')) {}
    AstStmt *s = PARSER_NEW(p, AstStmt), *last = s;
    if (!statement(p, /* is_first= */ false, s, &last)) return false;
    if (last != s) { /* DECLARE @a int, @b int: a block of several */
        AstStmt *block = PARSER_NEW(p, AstStmt);
        *block = (AstStmt){.kind = STMT_BLOCK, .line = s->line, .text = s->text, .u.block = s};
        s = block;
    }
    parser_leave(p);
    *ret = s;
    return true;
}

static bool if_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_IF;
    p->at++;
    if (!(s->u.if_.condition = parser_condition_expr(p)) || !body(p, &s->u.if_.then)) return false;
    size_t semicolons = 0;
    while (parser_peek(p, semicolons)->symbol == ';') semicolons++;
    if (parser_peek(p, semicolons)->keyword != KW_ELSE) return true;
    p->at += semicolons + 1;
    return body(p, &s->u.if_.otherwise);
}

static bool while_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_WHILE;
    p->at++;
    if (!(s->u.if_.condition = parser_condition_expr(p))) return false;
    p->loop_depth++;
    bool ok = body(p, &s->u.if_.then);
    p->loop_depth--;
    return ok;
}

static bool loop_exit(Parser *p, AstStmt *s, AstStmtKind kind) {
    s->kind = kind;
    if (p->loop_depth == 0)
        return sqlerror_set(p->e, kind == STMT_BREAK ? 135 : 136, 1, s->line,
                            "Cannot use a %s statement outside the scope of a WHILE statement.",
                            kind == STMT_BREAK ? "BREAK" : "CONTINUE");
    p->at++;
    return true;
}

static bool tran_name(Parser *p, AstTran *t) {
    if (parser_peek(p, 0)->kind == TOKEN_VARIABLE) {
        t->name_variable = p->tokens[p->at++].text;
        return true;
    }
    if (!parser_at_name(p)) return true;
    return parser_one_name(p, &t->name);
}

/* COMMIT, ROLLBACK [TRAN [name] | WORK] */
static bool end_transaction(Parser *p, AstStmt *s, AstStmtKind kind) {
    s->kind = kind;
    p->at++;
    if (parser_accept_word(p, "work")) {
        s->u.tran.is_work = true;
        return true;
    }
    if (!parser_accept_keyword(p, KW_TRAN) && !parser_accept_keyword(p, KW_TRANSACTION)) return true;
    if (!tran_name(p, &s->u.tran)) return false;
    return !parser_is_keyword(p, KW_WITH) || kind != STMT_COMMIT || parser_peek(p, 1)->symbol != '(' ||
           parser_unsupported(p, "DELAYED_DURABILITY");
}

static bool begin_transaction(Parser *p, AstStmt *s) {
    s->kind = STMT_BEGIN_TRAN;
    p->at += 2;
    if (!tran_name(p, &s->u.tran)) return false;
    if (parser_is_keyword(p, KW_WITH) && str_eq_icase(parser_peek(p, 1)->text, STR_LIT("MARK")))
        return parser_unsupported(p, "WITH MARK");
    return true;
}

static bool try_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_TRY;
    p->at += 2;
    if (!parser_statements(p, /* in_block= */ true, &s->u.try_.body) || !parser_expect_keyword(p, KW_END) ||
        !parser_expect_word(p, "try") || !parser_expect_keyword(p, KW_BEGIN) ||
        !parser_expect_word(p, "catch"))
        return false;
    if (!parser_statements(p, /* in_block= */ true, &s->u.try_.handler)) return false;
    return parser_expect_keyword(p, KW_END) && parser_expect_word(p, "catch");
}

static bool begin(Parser *p, AstStmt *s) {
    const Token *after = parser_peek(p, 1);
    if (after->keyword == KW_TRAN || after->keyword == KW_TRANSACTION) return begin_transaction(p, s);
    if (after->keyword == KW_DISTRIBUTED)
        return parser_unsupported_statement(p, "BEGIN DISTRIBUTED TRANSACTION");
    if (after->kind == TOKEN_WORD && str_eq_icase(after->text, STR_LIT("TRY"))) return try_statement(p, s);
    s->kind = STMT_BLOCK;
    p->at++;
    if (!parser_statements(p, /* in_block= */ true, &s->u.block)) return false;
    if (!s->u.block) return parser_fail(p); /* an empty block is no statement */
    return parser_expect_keyword(p, KW_END);
}

static bool save_transaction(Parser *p, AstStmt *s) {
    s->kind = STMT_SAVE_TRAN;
    p->at++;
    if (!parser_accept_keyword(p, KW_TRAN) && !parser_expect_keyword(p, KW_TRANSACTION)) return false;
    return tran_name(p, &s->u.tran) && ((s->u.tran.name.n || s->u.tran.name_variable.n) || parser_fail(p));
}

/* ---- messages ---- */

static bool throw_statement(Parser *p, AstStmt *s) {
    AstRaise *r = &s->u.raise;
    s->kind = STMT_THROW;
    p->at++;
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_VARIABLE && t->kind != TOKEN_INTEGER) return true;
    return (r->message = parser_expr(p)) && parser_expect_symbol(p, ',') && (r->severity = parser_expr(p)) &&
           parser_expect_symbol(p, ',') && (r->state = parser_expr(p));
}

static bool raiserror(Parser *p, AstStmt *s) {
    AstRaise *r = &s->u.raise;
    s->kind = STMT_RAISERROR;
    p->at++;
    if (!parser_expect_symbol(p, '(') || !(r->message = parser_expr(p)) || !parser_expect_symbol(p, ',') ||
        !(r->severity = parser_expr(p)) || !parser_expect_symbol(p, ',') || !(r->state = parser_expr(p)))
        return false;
    if (parser_accept_symbol(p, ',') && !parser_expr_list(p, &r->args, &r->arg_count)) return false;
    if (!parser_expect_symbol(p, ')')) return false;
    if (!parser_accept_keyword(p, KW_WITH)) return true;
    do {
        if (parser_accept_word(p, "log")) r->with_log = true;
        else if (parser_accept_word(p, "nowait")) r->with_nowait = true;
        else if (parser_accept_word(p, "seterror")) r->with_seterror = true;
        else return parser_fail(p);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool waitfor(Parser *p, AstStmt *s) {
    p->at++;
    if (parser_is_symbol(p, '(')) return parser_unsupported_statement(p, "WAITFOR (…)");
    s->kind = parser_is_word(p, "delay") ? STMT_WAITFOR_DELAY : STMT_WAITFOR_TIME;
    if (!parser_accept_word(p, "delay") && !parser_expect_word(p, "time")) return false;
    return (s->u.expr = parser_expr(p)) != NULL;
}

/* ---- DECLARE ---- */

static bool declare_one(Parser *p, AstStmt *s) {
    AstDeclare *d = &s->u.declare;
    const Token *t = parser_peek(p, 0);
    s->kind = STMT_DECLARE;
    if (t->kind != TOKEN_VARIABLE) {
        size_t i = 1; /* the older form has INSENSITIVE and SCROLL before CURSOR */
        while (i < 3 && parser_peek(p, i)->kind == TOKEN_WORD) i++;
        if (parser_at_name(p) && parser_peek(p, i)->keyword == KW_CURSOR)
            return parser_unsupported_statement(p, "DECLARE CURSOR");
        return parser_fail(p);
    }
    d->name = t->text;
    p->at++;
    (void)parser_accept_keyword(p, KW_AS);
    if (parser_is_keyword(p, KW_CURSOR)) return parser_unsupported_statement(p, "DECLARE CURSOR");
    if (parser_accept_keyword(p, KW_TABLE)) {
        d->table = PARSER_NEW(p, AstCreateTable);
        return parser_table_body(p, d->table);
    }
    if (!parser_declared_type(p, &d->type)) return false;
    return !parser_accept_symbol(p, '=') || (d->initial = parser_expr(p)) != NULL;
}

static bool declare(Parser *p, AstStmt *s, AstStmt **ret_last) {
    p->at++;
    if (!declare_one(p, s)) return false;
    while (parser_accept_symbol(p, ',')) {
        AstStmt *next = PARSER_NEW(p, AstStmt);
        next->line = parser_peek(p, 0)->line;
        if (!declare_one(p, next)) return false;
        (*ret_last)->next = next;
        *ret_last = next;
    }
    return true;
}

/* ---- the rest ---- */

static bool use_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_USE;
    p->at++;
    return parser_one_name(p, &s->u.text);
}

static bool return_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_RETURN;
    p->at++;
    const Token *t = parser_peek(p, 0);
    bool has_value = parser_at_literal(p) || t->kind == TOKEN_VARIABLE || t->kind == TOKEN_GLOBAL ||
                     parser_is_symbol(p, '(') || parser_is_symbol(p, '-');
    return !has_value || (s->u.expr = parser_expr(p)) != NULL;
}

static bool print(Parser *p, AstStmt *s) {
    s->kind = STMT_PRINT;
    p->at++;
    return (s->u.expr = parser_expr(p)) != NULL;
}

/* EXECUTE AS LOGIN | USER = 'name', EXECUTE AS CALLER */
static bool execute_as(Parser *p, AstStmt *s) {
    s->kind = STMT_EXECUTE_AS;
    p->at += 2;
    if (parser_accept_word(p, "caller")) return true;
    s->u.execute_as.is_login = parser_is_word(p, "login");
    if (!parser_accept_word(p, "login") && !parser_expect_keyword(p, KW_USER)) return false;
    if (!parser_expect_symbol(p, '=') || !(s->u.execute_as.name = parser_expr(p))) return false;
    return !parser_is_keyword(p, KW_WITH) || parser_unsupported(p, "EXECUTE AS … WITH NO REVERT or COOKIE");
}

static bool revert(Parser *p, AstStmt *s) {
    s->kind = STMT_REVERT;
    p->at++;
    return !parser_is_keyword(p, KW_WITH) || parser_unsupported(p, "REVERT WITH COOKIE");
}

static bool execute(Parser *p, AstStmt *s) {
    if (parser_peek(p, 1)->keyword == KW_AS) return execute_as(p, s);
    s->kind = STMT_EXEC;
    return parser_execute(p, &s->u.exec);
}

static bool kill_statement(Parser *p, AstStmt *s) {
    s->kind = STMT_KILL;
    p->at++;
    return parser_integer(p, &s->u.number);
}

static bool refused(Parser *p, bool *ret_is_refused) {
    static const struct {
        LexerKeyword keyword;
        const char *name;
    } table[] = {{KW_BACKUP, "BACKUP"},     {KW_RESTORE, "RESTORE"},
                 {KW_DBCC, "DBCC"},         {KW_GOTO, "GOTO"},
                 {KW_SHUTDOWN, "SHUTDOWN"}, {KW_SETUSER, "SETUSER"},
                 {KW_OPEN, "OPEN"},         {KW_FETCH, "FETCH"},
                 {KW_CLOSE, "CLOSE"},       {KW_DEALLOCATE, "DEALLOCATE"},
                 {KW_BULK, "BULK INSERT"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!parser_is_keyword(p, table[i].keyword)) continue;
        *ret_is_refused = true;
        return parser_unsupported_statement(p, table[i].name);
    }
    return true;
}

static bool keyword_statement(Parser *p, AstStmt *s, AstStmt **ret_last) {
    switch (parser_peek(p, 0)->keyword) {
    case KW_SELECT:
    case KW_INSERT:
    case KW_UPDATE:
    case KW_DELETE:
    case KW_MERGE:
    case KW_WITH: return parser_data_statement(p, s);
    case KW_CREATE: return parser_create(p, s);
    case KW_ALTER: return parser_alter(p, s);
    case KW_DROP: return parser_drop(p, s);
    case KW_TRUNCATE: return parser_truncate(p, s);
    case KW_DECLARE: return declare(p, s, ret_last);
    case KW_SET: return parser_set(p, s, ret_last);
    case KW_IF: return if_statement(p, s);
    case KW_WHILE: return while_statement(p, s);
    case KW_BREAK: return loop_exit(p, s, STMT_BREAK);
    case KW_CONTINUE: return loop_exit(p, s, STMT_CONTINUE);
    case KW_BEGIN: return begin(p, s);
    case KW_COMMIT: return end_transaction(p, s, STMT_COMMIT);
    case KW_ROLLBACK: return end_transaction(p, s, STMT_ROLLBACK);
    case KW_SAVE: return save_transaction(p, s);
    case KW_RAISERROR: return raiserror(p, s);
    case KW_PRINT: return print(p, s);
    case KW_RETURN: return return_statement(p, s);
    case KW_WAITFOR: return waitfor(p, s);
    case KW_USE: return use_statement(p, s);
    case KW_EXEC:
    case KW_EXECUTE: return execute(p, s);
    case KW_GRANT:
    case KW_DENY:
    case KW_REVOKE: return parser_grant(p, s);
    case KW_RECONFIGURE:
        s->kind = STMT_RECONFIGURE;
        p->at++;
        return !parser_accept_keyword(p, KW_WITH) || parser_expect_word(p, "override");
    case KW_REVERT: return revert(p, s);
    case KW_KILL: return kill_statement(p, s);
    case KW_CHECKPOINT:
        s->kind = STMT_CHECKPOINT;
        p->at++;
        return true;
    default: {
        bool is_refused = false;
        return refused(p, &is_refused) ? parser_fail(p) : false;
    }
    }
}

/* DECLARE and SET may give several statements: *ret_last is the last one. The text is set for all. */
static bool statement(Parser *p, bool is_first, AstStmt *s, AstStmt **ret_last) {
    size_t from = p->at;
    const Token *t = parser_peek(p, 0);
    s->line = t->line;
    *ret_last = s;
    p->links = 0;
    p->max_recursion = PARSER_MAX_RECURSION;
    if (!parser_refuse_statement(p)) return false;
    bool ok;
    if (t->kind == TOKEN_WORD && str_eq_icase(t->text, STR_LIT("THROW"))) ok = throw_statement(p, s);
    else if (t->kind == TOKEN_SYMBOL && t->symbol == '(') ok = parser_data_statement(p, s);
    else if (t->kind == TOKEN_KEYWORD) ok = keyword_statement(p, s, ret_last);
    else if (is_first && parser_at_name(p)) ok = execute(p, s);
    else ok = parser_fail(p);
    if (!ok) return false;
    Str text = parser_text_since(p, from);
    for (AstStmt *i = s; i; i = i->next) {
        i->text = text;
        i->max_recursion = p->max_recursion;
    }
    return true;
}

bool parser_statements(Parser *p, bool in_block, AstStmt **ret) {
    if (!parser_enter(p)) return false;
    AstStmt **link = ret;
    bool is_first = !in_block;
    *ret = NULL;
    for (;;) {
        while (parser_accept_symbol(p, ';')) {}
        if (parser_peek(p, 0)->kind == TOKEN_END) break;
        if (in_block && parser_is_keyword(p, KW_END)) break;
        AstStmt *s = PARSER_NEW(p, AstStmt), *last = s;
        if (!statement(p, is_first, s, &last)) return false;
        *link = s;
        link = &last->next;
        is_first = false;
    }
    parser_leave(p);
    return true;
}
