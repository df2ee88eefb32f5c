/* proc_cdc.h - sys.sp_cdc_…: enabling, disabling, asking, cleaning up. Jobs are in proc_job.h. */
#ifndef STANDIN_CDC_PROC_CDC_H
#define STANDIN_CDC_PROC_CDC_H

#include "standin/exec/proc.h"

void proc_cdc_add(ProcRegistry *r);

/* The checks that these procedures begin with: 22901 without CDC, 22904 for others than db_owner. */
MUST_CHECK bool proc_cdc_check_database(Session *s, SqlError *e);
MUST_CHECK bool proc_cdc_check_owner(Session *s, SqlError *e);
/* Both, in SQL Server's order: the caller's rights come first. */
MUST_CHECK bool proc_cdc_check(Session *s, SqlError *e);

/* proc_database.c, proc_table.c, proc_help.c, proc_cleanup.c: by their names */
ProcFunction proc_database_enable, proc_database_disable, proc_database_upgrade;
ProcFunction proc_table_enable, proc_table_disable;
ProcFunction proc_help_change_data_capture, proc_help_captured_columns, proc_help_ddl_history;
ProcFunction proc_help_wrapper_function;
ProcFunction proc_cleanup_change_table;

#endif
