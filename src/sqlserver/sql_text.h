/*
 * sql_text.h - the statements sent to SQL Server: identifiers quoted here and nowhere else, values always as
 * parameters. Pure; any thread.
 */
#ifndef SQLSERVER_SQL_TEXT_H
#define SQLSERVER_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "record/schema.h"

void sql_text_name(Str name, Buf *sql);               /* [name], "]" doubled */
void sql_text_object(Str schema, Str name, Buf *sql); /* [schema].[name] */
void sql_text_literal(Str text, Buf *sql);            /* N'text', "'" doubled */

/* A column in a SELECT list, by its name: itself, or, of a type that drivers don't give, an expression of one
 * that they do (cell.h knows how to read it). */
void sql_text_value(const Column *column, Buf *sql);

/* The columns that precede a change table's own in our SELECT. Their names, "__$start_lsn" …, and types. */
enum {
    SQL_TEXT_META_LSN,
    SQL_TEXT_META_SEQVAL,
    SQL_TEXT_META_OPERATION,
    SQL_TEXT_META_MASK,
    SQL_TEXT_META_COMMAND, /* last: not in old change tables */
    SQL_TEXT_META_COUNT,
};
Column sql_text_meta_column(int meta);

/* What rows to read of a table in the order of its paging key. */
typedef struct SqlTextChunk {
    Str schema, table;
    const char *select;    /* a statement that gives the rows in place of the table, or NULL */
    const Column *columns; /* all that are read */
    const uint16_t *order; /* of the SELECT list: indexes into columns */
    size_t count;
    const bool *is_gone; /* by column: not in the table any more, read as NULL; NULL = none */
    const Column *key;   /* of the paging key, in order; key_count 0 = the whole table, unordered */
    size_t key_count;
    Str filter;       /* an SQL condition on the rows; empty = none */
    bool has_lower;   /* rows above the key given as parameters (sql_text_key_param tells which is which) */
    uint64_t top;     /* 0 = all */
    const char *hint; /* "WITH (…)" behind the table, or NULL */
} SqlTextChunk;
void sql_text_chunk(const SqlTextChunk *chunk, Buf *sql);
/*
 * The row-wise comparison (k1, k2, …) > (?, ?, …) as an index can use it:
 *   k1 >= ? AND (k1 > ? OR (k1 = ? AND (k2 > ? …)))
 * Parameter i of it is key column sql_text_key_param(i, key_count); there are sql_text_key_params(key_count).
 */
void sql_text_above(const Column *key, size_t key_count, Buf *sql);
size_t sql_text_key_params(size_t key_count);
size_t sql_text_key_param(size_t i, size_t key_count);
/* k1 = ? AND k2 = ? … */
void sql_text_equal(const Column *key, size_t key_count, Buf *sql);

/* A page of a change table. */
typedef struct SqlTextPage {
    Str instance;          /* capture instance: cdc.[<instance>_CT] */
    const Column *columns; /* SELECT list: metadata and captured columns */
    const uint16_t *order;
    size_t count;
    bool has_command;  /* __$command_id is in the change table's key */
    bool reads_before; /* operation 3, too */
    bool is_inside;    /* the rest of a transaction, behind one of its changes; else whole transactions behind
                          one */
    bool uses_function;      /* fn_cdc_get_all_changes_… in place of the change table; has_command false */
    uint8_t skipped;         /* operations that aren't wanted, bit 1 … bit 4 */
    bool has_no_command_yet; /* is_inside: that change's command id is NULL, which sorts first */
    uint64_t top;
} SqlTextPage;
/* What a parameter of the page's statement is. */
typedef enum SqlTextPageParam {
    SQL_TEXT_PAGE_TO,
    SQL_TEXT_PAGE_LSN,
    SQL_TEXT_PAGE_NEXT_LSN, /* the one after that */
    SQL_TEXT_PAGE_COMMAND,
    SQL_TEXT_PAGE_SEQVAL,
    SQL_TEXT_PAGE_OPERATION
} SqlTextPageParam;
enum { SQL_TEXT_PAGE_MAX_PARAMS = 16 };
/* Append the statement; what each ? is goes to params, their number is returned. The batch has a second
 * result: the instance's start_lsn, read after the page. */
size_t sql_text_page(const SqlTextPage *page, Buf *sql,
                     SqlTextPageParam params[static SQL_TEXT_PAGE_MAX_PARAMS]);

#endif
