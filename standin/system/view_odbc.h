/*
 * view_odbc.h - sys.spt_…: the rows behind the catalog procedures (sp_columns, sp_pkeys …), which select from
 * them.
 */
#ifndef STANDIN_SYSTEM_VIEW_ODBC_H
#define STANDIN_SYSTEM_VIEW_ODBC_H

#include "standin/builtin/odbc_type.h"
#include "standin/builtin/view_row.h"

void view_odbc_add(SysRegistry *r);

/* The parameters @form and @odbc_version of the functions that describe types, and what they ask for. */
enum { VIEW_ODBC_PARAMS = 2 };
extern const SysParam view_odbc_params[VIEW_ODBC_PARAMS];
OdbcTypeForm view_odbc_form(const Value *args);
int view_odbc_version(const Value *args);
void view_odbc_number(ViewRow *r, int32_t v); /* ODBC_TYPE_NONE: NULL */

#endif
