/*
 * odbc_type.h - how ODBC's catalog procedures (sp_columns, sp_special_columns, sp_datatype_info) describe a
 * type. Plain values; any thread. Source: the ODBC reference's appendix D and the answers of sp_columns and
 * sp_columns_100.
 */
#ifndef STANDIN_BUILTIN_ODBC_TYPE_H
#define STANDIN_BUILTIN_ODBC_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/types/type.h"

enum { ODBC_TYPE_NONE = INT32_MIN }; /* a column that is NULL for this type */

typedef enum OdbcTypeForm {
    ODBC_TYPE_OLD, /* sp_columns: types after 2005 are shown as nvarchar, (max) as its largest size */
    ODBC_TYPE_NEW, /* sp_columns_100: date, time and their kin as they are, (max) as 0 */
} OdbcTypeForm;

typedef struct OdbcType {
    int32_t data_type, sql_data_type, datetime_sub;
    int32_t precision, length, scale, radix, char_octet_length;
    int32_t ss_data_type; /* the type token of older clients, differs by nullability */
} OdbcType;

/* odbc_version: 2 or 3 (the codes of date and time types differ). */
OdbcType odbc_type_of(const Type *type, bool is_nullable, OdbcTypeForm form, int odbc_version);

#endif
