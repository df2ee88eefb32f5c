/*
 * view_row.h - how system views are written down: column declarations, and a row filled in column by column.
 * Stack objects; the thread of the session that asks.
 */
#ifndef STANDIN_BUILTIN_VIEW_ROW_H
#define STANDIN_BUILTIN_VIEW_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/store/catalog.h"
#include "standin/store/sysobj.h"

/* Declarations of a view's columns, for static tables of SysColumn; the _N ones are nullable. */
#define VIEW_COL(n, nullable, ...)                                                                           \
    { {"" n, sizeof(n) - 1}, {__VA_ARGS__}, nullable }
#define VIEW_NAME(n)            VIEW_COL(n, false, .id = TYPE_NVARCHAR, .length = 128, .is_sysname = true)
#define VIEW_NAME_N(n)          VIEW_COL(n, true, .id = TYPE_NVARCHAR, .length = 128, .is_sysname = true)
#define VIEW_NVARCHAR(n, size)  VIEW_COL(n, true, .id = TYPE_NVARCHAR, .length = size)
#define VIEW_VARCHAR(n, size)   VIEW_COL(n, true, .id = TYPE_VARCHAR, .length = size)
#define VIEW_CHAR(n, size)      VIEW_COL(n, true, .id = TYPE_CHAR, .length = size)
#define VIEW_VARBINARY(n, size) VIEW_COL(n, true, .id = TYPE_VARBINARY, .length = size)
#define VIEW_INT(n)             VIEW_COL(n, false, .id = TYPE_INT)
#define VIEW_INT_N(n)           VIEW_COL(n, true, .id = TYPE_INT)
#define VIEW_BIGINT(n)          VIEW_COL(n, false, .id = TYPE_BIGINT)
#define VIEW_BIGINT_N(n)        VIEW_COL(n, true, .id = TYPE_BIGINT)
#define VIEW_SMALLINT(n)        VIEW_COL(n, false, .id = TYPE_SMALLINT)
#define VIEW_SMALLINT_N(n)      VIEW_COL(n, true, .id = TYPE_SMALLINT)
#define VIEW_TINYINT(n)         VIEW_COL(n, false, .id = TYPE_TINYINT)
#define VIEW_TINYINT_N(n)       VIEW_COL(n, true, .id = TYPE_TINYINT)
#define VIEW_BIT(n)             VIEW_COL(n, false, .id = TYPE_BIT)
#define VIEW_BIT_N(n)           VIEW_COL(n, true, .id = TYPE_BIT)
#define VIEW_DATETIME(n)        VIEW_COL(n, false, .id = TYPE_DATETIME)
#define VIEW_DATETIME_N(n)      VIEW_COL(n, true, .id = TYPE_DATETIME)
#define VIEW_VARIANT(n)         VIEW_COL(n, true, .id = TYPE_SQL_VARIANT)
#define VIEW_COUNT(array)       (sizeof(array) / sizeof(array)[0])
/* An entry of a static table of SysTable: the view schema.name with its columns and its callback. */
#define VIEW_TABLE(schema_, name_, columns_, fill_)                                                          \
    {                                                                                                        \
        .schema = (schema_), .name = (name_), .kind = SYS_ROWS, .columns = (columns_),                       \
        .column_count = VIEW_COUNT(columns_), .fill = (fill_)                                                \
    }
/* The same of a table-valued function, with its parameters. */
#define VIEW_FUNCTION(schema_, name_, params_, columns_, fill_)                                              \
    {                                                                                                        \
        .schema = (schema_), .name = (name_), .kind = SYS_ROWS, .is_function = true, .columns = (columns_),  \
        .column_count = VIEW_COUNT(columns_), .params = (params_), .param_count = VIEW_COUNT(params_),       \
        .fill = (fill_)                                                                                      \
    }
/* An entry of a view that is a T-SQL SELECT; database_id_: only in that one, or 0. */
#define VIEW_SQL(schema_, name_, database_id_, sql_)                                                         \
    { .schema = (schema_), .name = (name_), .kind = SYS_SQL, .database_id = (database_id_), .sql = (sql_) }
/* Two entries: sys.name and the view with the objects of the server's own, which here are none more. */
#define VIEW_SQL_AND_ALL(name_, sql_) VIEW_SQL("sys", name_, 0, sql_), VIEW_SQL("sys", "all_" name_, 0, sql_)

/* The twelve columns that all views of objects begin with. */
#define VIEW_OBJECT_COLUMNS                                                                                  \
    VIEW_NAME("name"), VIEW_INT("object_id"), VIEW_INT_N("principal_id"), VIEW_INT("schema_id"),             \
        VIEW_INT("parent_object_id"), VIEW_CHAR("type", 2), VIEW_NVARCHAR("type_desc", 60),                  \
        VIEW_DATETIME("create_date"), VIEW_DATETIME("modify_date"), VIEW_BIT("is_ms_shipped"),               \
        VIEW_BIT("is_published"), VIEW_BIT("is_schema_published")

enum { VIEW_ROW_MAX_COLUMNS = 64 };

/* Values are put in the order of the columns, then view_row_end hands the row on. */
typedef struct ViewRow {
    SysRows *rows; /* borrowed */
    size_t width;  /* columns of the view */
    size_t n;
    Value values[VIEW_ROW_MAX_COLUMNS];
} ViewRow;

/* A table's name as the views show it: a temporary one's is filled up to its full length. Borrowed until the
 * thread's next call. */
const char *view_table_name(const Table *t);

/* Not one of the views that the catalog procedures have for themselves. */
bool view_is_shown(const SysTable *t);

ViewRow view_row_start(SysRows *rows, size_t width);
void view_row_int(ViewRow *r, int64_t v); /* also bit, tinyint … bigint */
void view_row_variant(ViewRow *r, const Type *base, int64_t v,
                      Arena *a); /* a whole number as a sql_variant */
void view_row_null(ViewRow *r);
void view_row_nulls(ViewRow *r, size_t count);
void view_row_zeros(ViewRow *r, size_t count);    /* so many 0s: options that are off */
void view_row_text(ViewRow *r, const char *text); /* NULL: null; borrowed until view_row_end */
void view_row_str(ViewRow *r, Str text);
void view_row_blob(ViewRow *r, Str bytes);
void view_row_datetime(ViewRow *r, int64_t wall_us); /* µs since 1970 UTC → the server's local datetime */
void view_row_end(ViewRow *r);                       /* asserts that every column has its value */

#endif
