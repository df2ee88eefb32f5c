/*
 * cdc_sql.h - short SQL of this layer's own on base tables, run through a connection's statement cache: the
 * tables of schema cdc are written and looked up by it, without T-SQL in between. Owner thread of the
 * connection only.
 */
#ifndef STANDIN_CAPTURE_CDC_SQL_H
#define STANDIN_CAPTURE_CDC_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "standin/store/sql_error.h"
#include "standin/store/stmt_cache.h"
#include "standin/types/value.h"

/* Run a statement, its text made by printf, parameters ?1 … ?count. Rows are ignored. */
MUST_CHECK bool cdc_sql_run(StmtCache *cache, const Value *params, size_t count, SqlError *e, const char *fmt,
                            ...) __attribute__((format(printf, 5, 6)));

typedef struct CdcSqlRow {
    Value *values; /* bytes in the arena */
    size_t width;
    bool is_found;
} CdcSqlRow;
/* The first row of a query; width values of it. */
MUST_CHECK bool cdc_sql_row(StmtCache *cache, const Value *params, size_t count, Arena *arena, CdcSqlRow *row,
                            SqlError *e, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

#endif
