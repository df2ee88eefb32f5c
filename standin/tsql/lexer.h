/*
 * lexer.h - T-SQL text to tokens. Any thread.
 * Tokens borrow from the text, or from the arena where quotes had to be taken out.
 */
#ifndef STANDIN_TSQL_LEXER_H
#define STANDIN_TSQL_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "standin/tsql/sqlerror.h"

/* T-SQL's reserved words, sorted: none of them is a name unless it is quoted. */
#define LEXER_KEYWORDS(X)                                                                                    \
    X(ADD)                                                                                                   \
    X(ALL)                                                                                                   \
    X(ALTER)                                                                                                 \
    X(AND)                                                                                                   \
    X(ANY)                                                                                                   \
    X(AS)                                                                                                    \
    X(ASC)                                                                                                   \
    X(AUTHORIZATION)                                                                                         \
    X(BACKUP)                                                                                                \
    X(BEGIN)                                                                                                 \
    X(BETWEEN)                                                                                               \
    X(BREAK)                                                                                                 \
    X(BROWSE)                                                                                                \
    X(BULK)                                                                                                  \
    X(BY)                                                                                                    \
    X(CASCADE)                                                                                               \
    X(CASE)                                                                                                  \
    X(CHECK)                                                                                                 \
    X(CHECKPOINT)                                                                                            \
    X(CLOSE)                                                                                                 \
    X(CLUSTERED)                                                                                             \
    X(COALESCE)                                                                                              \
    X(COLLATE)                                                                                               \
    X(COLUMN)                                                                                                \
    X(COMMIT)                                                                                                \
    X(COMPUTE)                                                                                               \
    X(CONSTRAINT)                                                                                            \
    X(CONTAINS)                                                                                              \
    X(CONTAINSTABLE)                                                                                         \
    X(CONTINUE)                                                                                              \
    X(CONVERT)                                                                                               \
    X(CREATE)                                                                                                \
    X(CROSS)                                                                                                 \
    X(CURRENT)                                                                                               \
    X(CURRENT_DATE)                                                                                          \
    X(CURRENT_TIME)                                                                                          \
    X(CURRENT_TIMESTAMP)                                                                                     \
    X(CURRENT_USER)                                                                                          \
    X(CURSOR)                                                                                                \
    X(DATABASE)                                                                                              \
    X(DBCC)                                                                                                  \
    X(DEALLOCATE)                                                                                            \
    X(DECLARE)                                                                                               \
    X(DEFAULT)                                                                                               \
    X(DELETE)                                                                                                \
    X(DENY)                                                                                                  \
    X(DESC)                                                                                                  \
    X(DISTINCT)                                                                                              \
    X(DISTRIBUTED)                                                                                           \
    X(DOUBLE)                                                                                                \
    X(DROP)                                                                                                  \
    X(ELSE)                                                                                                  \
    X(END)                                                                                                   \
    X(ESCAPE)                                                                                                \
    X(EXCEPT)                                                                                                \
    X(EXEC)                                                                                                  \
    X(EXECUTE)                                                                                               \
    X(EXISTS)                                                                                                \
    X(EXIT)                                                                                                  \
    X(EXTERNAL)                                                                                              \
    X(FETCH)                                                                                                 \
    X(FILE)                                                                                                  \
    X(FILLFACTOR)                                                                                            \
    X(FOR)                                                                                                   \
    X(FOREIGN)                                                                                               \
    X(FREETEXT)                                                                                              \
    X(FREETEXTTABLE)                                                                                         \
    X(FROM)                                                                                                  \
    X(FULL)                                                                                                  \
    X(FUNCTION)                                                                                              \
    X(GOTO)                                                                                                  \
    X(GRANT)                                                                                                 \
    X(GROUP)                                                                                                 \
    X(HAVING)                                                                                                \
    X(HOLDLOCK)                                                                                              \
    X(IDENTITY)                                                                                              \
    X(IDENTITYCOL)                                                                                           \
    X(IDENTITY_INSERT)                                                                                       \
    X(IF)                                                                                                    \
    X(IN)                                                                                                    \
    X(INDEX)                                                                                                 \
    X(INNER)                                                                                                 \
    X(INSERT)                                                                                                \
    X(INTERSECT)                                                                                             \
    X(INTO)                                                                                                  \
    X(IS)                                                                                                    \
    X(JOIN)                                                                                                  \
    X(KEY)                                                                                                   \
    X(KILL)                                                                                                  \
    X(LEFT)                                                                                                  \
    X(LIKE)                                                                                                  \
    X(MERGE)                                                                                                 \
    X(NATIONAL)                                                                                              \
    X(NOCHECK)                                                                                               \
    X(NONCLUSTERED)                                                                                          \
    X(NOT)                                                                                                   \
    X(NULL)                                                                                                  \
    X(NULLIF)                                                                                                \
    X(OF)                                                                                                    \
    X(OFF)                                                                                                   \
    X(ON)                                                                                                    \
    X(OPEN)                                                                                                  \
    X(OPENDATASOURCE)                                                                                        \
    X(OPENQUERY)                                                                                             \
    X(OPENROWSET)                                                                                            \
    X(OPENXML)                                                                                               \
    X(OPTION)                                                                                                \
    X(OR)                                                                                                    \
    X(ORDER)                                                                                                 \
    X(OUTER)                                                                                                 \
    X(OVER)                                                                                                  \
    X(PERCENT)                                                                                               \
    X(PIVOT)                                                                                                 \
    X(PLAN)                                                                                                  \
    X(PRIMARY)                                                                                               \
    X(PRINT)                                                                                                 \
    X(PROC)                                                                                                  \
    X(PROCEDURE)                                                                                             \
    X(PUBLIC)                                                                                                \
    X(RAISERROR)                                                                                             \
    X(READ)                                                                                                  \
    X(RECONFIGURE)                                                                                           \
    X(REFERENCES)                                                                                            \
    X(REPLICATION)                                                                                           \
    X(RESTORE)                                                                                               \
    X(RETURN)                                                                                                \
    X(REVERT)                                                                                                \
    X(REVOKE)                                                                                                \
    X(RIGHT)                                                                                                 \
    X(ROLLBACK)                                                                                              \
    X(ROWCOUNT)                                                                                              \
    X(ROWGUIDCOL)                                                                                            \
    X(RULE)                                                                                                  \
    X(SAVE)                                                                                                  \
    X(SCHEMA)                                                                                                \
    X(SELECT)                                                                                                \
    X(SESSION_USER)                                                                                          \
    X(SET)                                                                                                   \
    X(SETUSER)                                                                                               \
    X(SHUTDOWN)                                                                                              \
    X(SOME)                                                                                                  \
    X(STATISTICS)                                                                                            \
    X(SYSTEM_USER)                                                                                           \
    X(TABLE)                                                                                                 \
    X(TABLESAMPLE)                                                                                           \
    X(TEXTSIZE)                                                                                              \
    X(THEN)                                                                                                  \
    X(TO)                                                                                                    \
    X(TOP)                                                                                                   \
    X(TRAN)                                                                                                  \
    X(TRANSACTION)                                                                                           \
    X(TRIGGER)                                                                                               \
    X(TRUNCATE)                                                                                              \
    X(TRY_CONVERT)                                                                                           \
    X(UNION)                                                                                                 \
    X(UNIQUE)                                                                                                \
    X(UNPIVOT)                                                                                               \
    X(UPDATE)                                                                                                \
    X(USE)                                                                                                   \
    X(USER)                                                                                                  \
    X(VALUES)                                                                                                \
    X(VARYING)                                                                                               \
    X(VIEW)                                                                                                  \
    X(WAITFOR)                                                                                               \
    X(WHEN)                                                                                                  \
    X(WHERE)                                                                                                 \
    X(WHILE)                                                                                                 \
    X(WITH)

#define LEXER_ENUM(word) KW_##word,
typedef enum LexerKeyword { KW_NONE, LEXER_KEYWORDS(LEXER_ENUM) KW_COUNT } LexerKeyword;
#undef LEXER_ENUM

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,     /* a name as written, not reserved; #t too */
    TOKEN_KEYWORD,  /* keyword says which */
    TOKEN_QUOTED,   /* [name] or "name" */
    TOKEN_INTEGER,  /* digits only */
    TOKEN_DECIMAL,  /* with a point */
    TOKEN_FLOAT,    /* with an exponent */
    TOKEN_MONEY,    /* $1.5: value without the sign of currency */
    TOKEN_BINARY,   /* 0x…: value is the bytes */
    TOKEN_STRING,   /* '…' */
    TOKEN_NSTRING,  /* N'…' */
    TOKEN_VARIABLE, /* @x */
    TOKEN_GLOBAL,   /* @@x */
    TOKEN_SYMBOL,   /* symbol says which: its character, or a pair (LEXER_PAIR) */
} TokenKind;

/* Symbols of two characters: <= >= <> != !< !> += -= *= /= %= &= |= ^= :: */
#define LEXER_PAIR(a, b) ((uint16_t)((unsigned char)(a) << 8 | (unsigned char)(b)))

typedef struct Token {
    TokenKind kind;
    LexerKeyword keyword;
    uint16_t symbol;
    uint32_t line;
    bool starts_line; /* first token of its line */
    Str text;         /* as written: borrowed from the input */
    Str value;        /* name without quotes, string's content, bytes */
} Token;

/* All tokens of text, ended by TOKEN_END (which has the last line). False: 102, 103, 105, 113 in *e. */
MUST_CHECK bool lexer_tokens(Str text, bool quoted_identifier, Arena *a, Token **ret, size_t *ret_count,
                             SqlError *e);
/* The word if it is reserved, in any letter case, else KW_NONE. */
LexerKeyword lexer_keyword(Str word);

#endif
