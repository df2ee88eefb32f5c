/* ddl_internal.h - what the files of schema statements share. The session's thread. */
#ifndef STANDIN_EXEC_DDL_INTERNAL_H
#define STANDIN_EXEC_DDL_INTERNAL_H

#include "standin/exec/session_internal.h"

/* ---- ddl.c: the frame of a schema change */

/* Within an SQLite write transaction: SQL for SQLite (may be empty), then the new version published, moved,
 * then log records written. By rollback before is copied and published again, after undo_sql. */
bool ddl_change(Session *s, const Table *before, Table *after, const char *sql, const char *undo_sql,
                SqlError *e);
/* Log a statement on a tracked table (ddl_history): before ddl_change. */
bool ddl_log(Session *s, const Table *t, Str text, int32_t altered_column, bool is_drop, SqlError *e);
/* Does change data capture tell the table's rows apart by this index? */
MUST_CHECK bool ddl_is_cdc_key(Session *s, const Table *t, const Index *x, bool *ret, SqlError *e);
/* 3764 for what change data capture has made, while the database has it; procedures of its own may. */
MUST_CHECK bool ddl_check_not_cdc(Session *s, const Table *t, const char *verb, SqlError *e);
bool ddl_may_create(Session *s, const Database *d, const Schema *schema, const char *what, SqlError *e);
bool ddl_may(Session *s, const Database *d, const Table *t, const char *what,
             SqlError *e);                  /* 262, 3704-like */
void ddl_literal(const Value *v, Buf *out); /* as SQLite's literal */
bool ddl_name_is_free(Session *s, const Database *d, const Schema *schema, Str name, SqlError *e); /* 2714 */

/* ---- ddl_table.c */
bool ddltable_add_column(Session *s, Table *t, const AstColumnDef *def, SqlError *e);
/* All kinds but CHECK, DEFAULT of a column definition are refused where they make no sense. */
bool ddltable_add_constraint(Session *s, Table *t, const AstConstraint *c, const AstColumnDef *of,
                             SqlError *e);
bool ddltable_add_column_constraints(Session *s, Table *t, const AstColumnDef *def, SqlError *e);
bool ddltable_add_index(Session *s, Table *t, const AstCreateIndex *x, SqlError *e);
bool ddltable_type(Session *s, Table *t, const AstColumnDef *def, Type *ret, const UserType **ret_alias,
                   SqlError *e);
/* "Table.Column names of a key are in this order": the index whose key columns are these, or NULL. */
const Index *ddltable_unique_on(const Table *t, const int32_t *column_ids, size_t count);
bool ddl_create_table(Session *s, const AstStmt *st, SqlError *e);
bool ddl_drop_tables(Session *s, const AstStmt *st, SqlError *e);

/* ---- ddl_alter.c, ddl_index.c, ddl_database.c */
bool ddl_alter_table(Session *s, const AstStmt *st, SqlError *e);
bool ddl_alter_column(Session *s, const Table *t, const AstColumnDef *def, Str text,
                      SqlError *e); /* ddl_column.c */
bool ddl_create_index(Session *s, const AstStmt *st, SqlError *e);
bool ddl_drop_index(Session *s, const AstStmt *st, SqlError *e);
bool ddl_database(Session *s, const AstStmt *st, SqlError *e);
bool ddl_schema(Session *s, const AstStmt *st, SqlError *e);

/* ---- ddl_type.c */
/* A declared type; an alias type's base, *ret_alias is then set (borrowed from d). 2715: there is none.
 * ordinal: of the column, for the message. */
bool ddltype_resolve(const Database *d, const AstType *t, size_t ordinal, Type *ret,
                     const UserType **ret_alias, SqlError *e);
bool ddl_type(Session *s, const AstStmt *st, SqlError *e);

#endif
