/*
 * view_odbc.h - sys.spt_…: the rows behind the catalog procedures (sp_columns, sp_pkeys …), which select from
 * them.
 */
#ifndef STANDIN_CDC_VIEW_ODBC_H
#define STANDIN_CDC_VIEW_ODBC_H

#include "standin/store/sysobj.h"

void view_odbc_add(SysRegistry *r);

#endif
