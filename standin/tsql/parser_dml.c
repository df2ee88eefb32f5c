/* SELECT, INSERT, UPDATE, DELETE, INSERT BULK; what MERGE (parser_merge.c) shares with them. */
#include "standin/tsql/parser_internal.h"

static bool select_statement(Parser *p, AstStmt *s, AstWith with) {
    s->kind = STMT_SELECT;
    s->u.query.with = with;
    return (s->u.query.query = parser_query(p)) != NULL && parser_option_clause(p);
}

bool parser_target(Parser *p, AstName *ret, uint32_t *ret_hints) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_VARIABLE) {
        *ret = (AstName){.name = t->text, .line = t->line};
        p->at++;
    } else if (!parser_dotted_name(p, ret)) {
        return false;
    }
    uint32_t line = parser_peek(p, 0)->line;
    if (parser_is_keyword(p, KW_WITH) && !parser_hints(p, ret_hints)) return false;
    if (*ret_hints & HINT_NOLOCK)
        return sqlerror_set(p->e, 1065, 1, line,
                            "The NOLOCK and READUNCOMMITTED lock hints are not allowed for target tables of "
                            "INSERT, UPDATE, DELETE or MERGE statements.");
    return true;
}

bool parser_output(Parser *p, AstOutput *ret) {
    if (!parser_accept_word(p, "output")) return true;
    if (!parser_items(p, &ret->items, &ret->item_count)) return false;
    if (!parser_accept_keyword(p, KW_INTO)) return true;
    uint32_t hints = 0;
    if (!parser_target(p, &ret->into, &hints)) return false;
    if (parser_is_symbol(p, '(') && !parser_name_list(p, &ret->into_columns, &ret->into_count)) return false;
    return !parser_is_word(p, "output") || parser_unsupported(p, "second OUTPUT");
}

/* ---- INSERT BULK ---- */

static bool bulk_option(Parser *p, AstInsertBulk *b) {
    if (parser_accept_word(p, "keep_nulls")) b->keep_nulls = true;
    else if (parser_accept_word(p, "check_constraints")) b->check_constraints = true;
    else if (parser_accept_word(p, "fire_triggers")) b->fire_triggers = true;
    else if (parser_accept_word(p, "keepidentity")) b->keep_identity = true;
    else if (parser_accept_word(p, "tablock")) b->hints |= HINT_TABLOCK;
    else if (parser_accept_word(p, "rows_per_batch"))
        return parser_expect_symbol(p, '=') && parser_integer(p, &b->rows_per_batch);
    else if (parser_accept_word(p, "kilobytes_per_batch"))
        return parser_expect_symbol(p, '=') && parser_integer(p, &b->kilobytes_per_batch);
    else if (parser_accept_keyword(p, KW_ORDER)) {
        AstKeyColumn *columns = NULL;
        size_t count = 0;
        return parser_key_list(p, &columns, &count);
    } else {
        return parser_fail(p);
    }
    return true;
}

static bool insert_bulk(Parser *p, AstStmt *s) {
    AstInsertBulk *b = &s->u.insert_bulk;
    s->kind = STMT_INSERT_BULK;
    p->at += 2;
    if (!parser_dotted_name(p, &b->table) || !parser_expect_symbol(p, '(')) return false;
    do {
        AstBulkColumn c = {0};
        if (!parser_one_name(p, &c.name) || !parser_type(p, &c.type)) return false;
        if (parser_accept_keyword(p, KW_COLLATE) && !parser_one_name(p, &c.collation)) return false;
        PARSER_PUSH(p, b->columns, b->column_count, c);
    } while (parser_accept_symbol(p, ','));
    if (!parser_expect_symbol(p, ')')) return false;
    if (!parser_accept_keyword(p, KW_WITH)) return true;
    if (!parser_expect_symbol(p, '(')) return false;
    do {
        if (!bulk_option(p, b)) return false;
    } while (parser_accept_symbol(p, ','));
    return parser_expect_symbol(p, ')');
}

/* ---- INSERT ---- */

static bool insert_source(Parser *p, AstInsert *i) {
    if (parser_accept_keyword(p, KW_DEFAULT)) {
        i->source = INSERT_FROM_DEFAULTS;
        return parser_expect_keyword(p, KW_VALUES);
    }
    if (parser_is_keyword(p, KW_EXEC) || parser_is_keyword(p, KW_EXECUTE)) {
        i->source = INSERT_FROM_EXEC;
        i->exec = PARSER_NEW(p, AstExec);
        return parser_execute(p, i->exec);
    }
    i->source = INSERT_FROM_QUERY;
    return (i->query = parser_query(p)) != NULL && parser_option_clause(p);
}

static bool insert_statement(Parser *p, AstStmt *s, AstWith with) {
    AstInsert *i = &s->u.insert;
    s->kind = STMT_INSERT;
    if (parser_peek(p, 1)->keyword == KW_BULK) return insert_bulk(p, s);
    p->at++;
    i->with = with;
    if (!parser_top(p, &i->top)) return false;
    (void)parser_accept_keyword(p, KW_INTO);
    if (!parser_target(p, &i->table, &i->hints)) return false;
    const Token *after = parser_peek(p, 1);
    bool is_query = after->keyword == KW_SELECT || after->symbol == '(';
    if (parser_is_symbol(p, '(') && !is_query && !parser_name_list(p, &i->columns, &i->column_count))
        return false;
    return parser_output(p, &i->output) && insert_source(p, i);
}

/* ---- UPDATE ---- */

static bool set_op(Parser *p, AstOp *ret) {
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
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!parser_accept_symbol(p, ops[i].symbol)) continue;
        *ret = ops[i].op;
        return true;
    }
    return parser_fail(p);
}

static bool one_set(Parser *p, AstSet *set) {
    const Token *t = parser_peek(p, 0);
    if (t->kind == TOKEN_VARIABLE) {
        set->variable = t->text;
        p->at++;
        if (!set_op(p, &set->op)) return false;
        const Token *after = parser_peek(p, 1);
        bool names_column = set->op == OP_EQ && parser_at_name(p) && after->kind == TOKEN_SYMBOL &&
                            after->symbol == '='; /* @v = column = value */
        if (!names_column) return (set->value = parser_expr(p)) != NULL;
    }
    if (!parser_dotted_name(p, &set->column)) return false;
    if (parser_is_symbol(p, '('))
        return parser_unsupported(p, arena_printf(p->a, "SET column.%.*s", STR_ARG(set->column.name)));
    return set_op(p, &set->op) && (set->value = parser_expr(p)) != NULL;
}

bool parser_set_list(Parser *p, AstSet **ret, size_t *ret_count) {
    do {
        AstSet set = {.op = OP_EQ};
        if (!one_set(p, &set)) return false;
        PARSER_PUSH(p, *ret, *ret_count, set);
    } while (parser_accept_symbol(p, ','));
    return true;
}

static bool where_clause(Parser *p, AstExpr **ret) {
    if (!parser_accept_keyword(p, KW_WHERE)) return parser_option_clause(p);
    if (parser_is_keyword(p, KW_CURRENT)) return parser_unsupported(p, "WHERE CURRENT OF");
    return (*ret = parser_condition_expr(p)) != NULL && parser_option_clause(p);
}

static bool update_statement(Parser *p, AstStmt *s, AstWith with) {
    AstUpdate *u = &s->u.update;
    s->kind = STMT_UPDATE;
    if (parser_peek(p, 1)->keyword == KW_STATISTICS)
        return parser_unsupported_statement(p, "UPDATE STATISTICS");
    p->at++;
    u->with = with;
    if (!parser_top(p, &u->top) || !parser_target(p, &u->table, &u->hints) ||
        !parser_expect_keyword(p, KW_SET))
        return false;
    if (!parser_set_list(p, &u->sets, &u->set_count) || !parser_output(p, &u->output)) return false;
    if (parser_accept_keyword(p, KW_FROM) && !parser_from_list(p, &u->from, &u->from_count)) return false;
    return where_clause(p, &u->where);
}

static bool delete_statement(Parser *p, AstStmt *s, AstWith with) {
    AstDelete *d = &s->u.delete_;
    s->kind = STMT_DELETE;
    p->at++;
    d->with = with;
    if (!parser_top(p, &d->top)) return false;
    (void)parser_accept_keyword(p, KW_FROM);
    if (!parser_target(p, &d->table, &d->hints) || !parser_output(p, &d->output)) return false;
    if (parser_accept_keyword(p, KW_FROM) && !parser_from_list(p, &d->from, &d->from_count)) return false;
    return where_clause(p, &d->where);
}

bool parser_data_statement(Parser *p, AstStmt *s) {
    AstWith with = {0};
    if (parser_is_keyword(p, KW_WITH) && !parser_with(p, &with)) return false;
    switch (parser_peek(p, 0)->keyword) {
    case KW_INSERT: return insert_statement(p, s, with);
    case KW_UPDATE: return update_statement(p, s, with);
    case KW_DELETE: return delete_statement(p, s, with);
    case KW_MERGE: return parser_merge(p, s, with);
    default: return select_statement(p, s, with);
    }
}
