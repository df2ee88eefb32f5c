/*
 * parser.h - T-SQL text to a syntax tree. Any thread.
 * The whole batch is parsed before anything of it runs, as SQL Server does: a syntax error anywhere means
 * that nothing runs.
 */
#ifndef STANDIN_TSQL_PARSER_H
#define STANDIN_TSQL_PARSER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "standin/tsql/ast.h"
#include "standin/tsql/sqlerror.h"

typedef struct ParserOptions {
    bool quoted_identifier; /* "x" is a name (the default of all drivers), else a string */
} ParserOptions;

/* The batch's tree, in the arena; texts may be borrowed from `text`, which must live as long.
 * False: *e says what and in which line: 102, 103, 105, 113, 156, 170, 178, 191, 195, 243, 319, 2715, 4145 …;
 * 40510 and 40517 name a statement or option of SQL Server that this server doesn't have. */
MUST_CHECK bool parser_batch(Str text, const ParserOptions *options, Arena *a, AstBatch *ret, SqlError *e);
/* One expression alone (a stored DEFAULT, CHECK or computed column's text). */
MUST_CHECK bool parser_expression(Str text, const ParserOptions *options, Arena *a, AstExpr **ret,
                                  SqlError *e);
/* A condition alone (CHECK). */
MUST_CHECK bool parser_condition(Str text, const ParserOptions *options, Arena *a, AstExpr **ret,
                                 SqlError *e);
/* A declaration list of sp_executesql: "@a int, @b nvarchar(20) = N'x' OUTPUT". Empty text: none. */
typedef struct ParserParam {
    Str name; /* with '@' */
    AstType type;
    AstExpr *initial;
    bool is_output;
} ParserParam;
MUST_CHECK bool parser_parameters(Str text, const ParserOptions *options, Arena *a, ParserParam **ret,
                                  size_t *ret_count, SqlError *e);
/* "db.schema.[name]" as OBJECT_ID and sp_help take it. False: not a name of at most four parts. */
MUST_CHECK bool parser_name(Str text, Arena *a, AstName *ret);

#endif
