/*
 * parser_internal.h - what the parser's files share. Recursive descent: every parser_… function stands on its
 * first token, moves behind its last, and returns false or NULL with *p->e filled.
 */
#ifndef STANDIN_TSQL_PARSER_INTERNAL_H
#define STANDIN_TSQL_PARSER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "standin/tsql/ast.h"
#include "standin/tsql/lexer.h"
#include "standin/tsql/parser.h"

typedef struct Parser {
    const Token *tokens;
    size_t count, at; /* the last token is TOKEN_END, which is never passed */
    Arena *a;
    SqlError *e;
    int depth;             /* of nesting: bounded, the stack is */
    int links;             /* operators chained in this statement */
    int loop_depth;        /* WHILE around */
    int32_t max_recursion; /* of the statement at hand */
    Str column;            /* whose type is being read: messages name it; may be empty */
    size_t ordinal;        /* its number, from 1; 0 as 1 */
} Parser;

enum { PARSER_MAX_LINKS = 10000, PARSER_MAX_RECURSION = 100 };

/* Append to an array in the arena: (items, count) grow by doubling. */
#define PARSER_PUSH(p, items, count, value)                                                                  \
    do {                                                                                                     \
        (items) = parser_grow((p)->a, (items), (count), sizeof *(items));                                    \
        (items)[(count)++] = (value);                                                                        \
    } while (0)
void *parser_grow(Arena *a, void *items, size_t count, size_t size);
#define PARSER_NEW(p, type) ((type *)arena_zalloc((p)->a, sizeof(type)))

/* ---- tokens (parser_token.c) ---- */
const Token *parser_peek(const Parser *p, size_t ahead);
bool parser_is_keyword(const Parser *p, LexerKeyword keyword);
bool parser_is_word(const Parser *p, const char *word); /* unreserved, any letter case */
bool parser_is_symbol(const Parser *p, unsigned symbol);
bool parser_accept_keyword(Parser *p, LexerKeyword keyword);
bool parser_accept_word(Parser *p, const char *word);
bool parser_accept_symbol(Parser *p, unsigned symbol);
MUST_CHECK bool parser_expect_keyword(Parser *p, LexerKeyword keyword);
MUST_CHECK bool parser_expect_word(Parser *p, const char *word);
MUST_CHECK bool parser_expect_symbol(Parser *p, unsigned symbol);
/* 102 or 156 near the current token; false. */
bool parser_fail(Parser *p);
/* 40510: a statement; 40517: a word or clause that SQL Server knows and this server doesn't. */
bool parser_unsupported_statement(Parser *p, const char *what);
bool parser_unsupported(Parser *p, const char *what);
/* ---- parser_refused.c: false, with 40510 or 40517, at what this server doesn't have */
/* At these words or symbols, separated by one space, in any letter case. */
bool parser_at_words(const Parser *p, const char *words);
MUST_CHECK bool parser_refuse_statement(Parser *p);
MUST_CHECK bool parser_refuse_source(Parser *p); /* of FROM */
MUST_CHECK bool parser_refuse_value(Parser *p);
MUST_CHECK bool parser_enter(Parser *p); /* one level deeper; 191 */
void parser_leave(Parser *p);

bool parser_at_name(const Parser *p);
MUST_CHECK bool parser_one_name(Parser *p, Str *ret);
MUST_CHECK bool parser_dotted_name(Parser *p, AstName *ret);
/* (a, b, …) */
MUST_CHECK bool parser_name_list(Parser *p, Str **ret, size_t *ret_count);
MUST_CHECK bool parser_integer(Parser *p, int64_t *ret); /* with an optional sign */
/* A system type (2715 for another); parser_declared_type also takes a name that CREATE TYPE may have made. */
MUST_CHECK bool parser_type(Parser *p, AstType *ret);
MUST_CHECK bool parser_declared_type(Parser *p, AstType *ret);
/* The text from token `from` up to the current one. */
Str parser_text_since(const Parser *p, size_t from);
Str parser_upper(Parser *p, Str s);

/* ---- expressions (parser_expr.c), functions (parser_call.c) ---- */
AstExpr *parser_expr(Parser *p);
AstExpr *parser_condition_expr(Parser *p);
AstExpr *parser_new_expr(Parser *p, AstExprKind kind);
AstExpr *parser_literal(Parser *p);
bool parser_at_literal(const Parser *p);
/* At a name or keyword that begins a call, CASE, CAST …; NULL without an error: it isn't one. */
AstExpr *parser_call(Parser *p);
MUST_CHECK bool parser_expr_list(Parser *p, AstExpr ***ret, size_t *ret_count);
MUST_CHECK bool parser_order_list(Parser *p, AstOrder **ret, size_t *ret_count);

/* ---- queries (parser_query.c) ---- */
AstQuery *parser_query(Parser *p);
/* UNION, EXCEPT, INTERSECT after a parenthesised query that was already read. */
AstQuery *parser_query_after(Parser *p, AstQuery *left);
AstFrom *parser_from_item(Parser *p); /* one item of it, joins included */
MUST_CHECK bool parser_from_list(Parser *p, AstFrom ***ret, size_t *ret_count);
MUST_CHECK bool parser_hints(Parser *p, uint32_t *ret);
MUST_CHECK bool parser_items(Parser *p, AstItem **ret, size_t *ret_count);
MUST_CHECK bool parser_top(Parser *p, AstTop *ret);
MUST_CHECK bool parser_with(Parser *p, AstWith *ret);
MUST_CHECK bool parser_option_clause(Parser *p);

/* ---- statements: each fills s, whose kind, line are set by the caller or by itself ---- */
MUST_CHECK bool parser_data_statement(Parser *p, AstStmt *s); /* parser_dml.c: SELECT, INSERT, WITH … */
/* The table of INSERT, UPDATE, DELETE, MERGE: a name, an alias or @t; hints (1065). */
MUST_CHECK bool parser_target(Parser *p, AstName *ret, uint32_t *ret_hints);
MUST_CHECK bool parser_set_list(Parser *p, AstSet **ret, size_t *ret_count); /* after SET */
MUST_CHECK bool parser_output(Parser *p, AstOutput *ret);
MUST_CHECK bool parser_merge(Parser *p, AstStmt *s, AstWith with); /* parser_merge.c */
MUST_CHECK bool parser_create(Parser *p, AstStmt *s);              /* parser_ddl.c */
MUST_CHECK bool parser_alter(Parser *p, AstStmt *s);
MUST_CHECK bool parser_drop(Parser *p, AstStmt *s);
MUST_CHECK bool parser_truncate(Parser *p, AstStmt *s);
/* parser_module.c: on VIEW, PROCEDURE or OR ALTER after CREATE or ALTER, whose token is at `start` */
bool parser_at_module(const Parser *p);
MUST_CHECK bool parser_module(Parser *p, AstStmt *s, size_t start);
MUST_CHECK bool parser_parameter(Parser *p, ParserParam *ret); /* parser.c: one of a declaration list */
/* parser_table.c: after CREATE TABLE's name, and for table variables */
MUST_CHECK bool parser_table_body(Parser *p, AstCreateTable *ret);
MUST_CHECK bool parser_alter_table(Parser *p, AstStmt *s);
MUST_CHECK bool parser_create_index(Parser *p, AstStmt *s); /* after CREATE */
MUST_CHECK bool parser_key_list(Parser *p, AstKeyColumn **ret, size_t *ret_count);
/* parser_security.c */
MUST_CHECK bool parser_create_principal(Parser *p, AstStmt *s, bool is_alter);
MUST_CHECK bool parser_drop_principal(Parser *p, AstStmt *s);
MUST_CHECK bool parser_grant(Parser *p, AstStmt *s);
MUST_CHECK bool parser_authorization(Parser *p, AstStmt *s); /* after ALTER */
bool parser_at_principal(const Parser *p);
/* parser_exec.c */
MUST_CHECK bool parser_execute(Parser *p, AstExec *ret); /* on EXEC or, first in a batch, on the name */
/* parser_control.c: the statements around the data; ret_last: a list may grow by several */
MUST_CHECK bool parser_statements(Parser *p, bool in_block, AstStmt **ret);
MUST_CHECK bool parser_set(Parser *p, AstStmt *s, AstStmt **ret_last); /* parser_set.c */

#endif
