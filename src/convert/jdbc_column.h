/*
 * jdbc_column.h - a column as Microsoft's JDBC driver describes it (DatabaseMetaData.getColumns): what
 * Debezium puts into schema history, schema change events and propagated parameters. Any thread.
 * Source: sp_columns_100 and the driver's documented type mapping; java.sql.Types.
 */
#ifndef CONVERT_JDBC_COLUMN_H
#define CONVERT_JDBC_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/schema.h"

enum { JDBC_TYPE_NAME_SIZE = 160 };

typedef struct JdbcColumn {
    int jdbc_type;                       /* DATA_TYPE: java.sql.Types, microsoft.sql.Types */
    char type_name[JDBC_TYPE_NAME_SIZE]; /* TYPE_NAME: "int identity", "decimal", … */
    int32_t length;                      /* COLUMN_SIZE */
    bool has_scale;
    int scale; /* DECIMAL_DIGITS */
} JdbcColumn;

void jdbc_column(const Column *c, JdbcColumn *ret);
/* The way back, as far as it goes: type, length, precision and scale of ret are set. false: unknown name. */
bool jdbc_column_read(const JdbcColumn *from, Column *ret);

#endif
