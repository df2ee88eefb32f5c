/*
 * schema_undo.h - how the schema changes of an open transaction are taken back when the server didn't live to
 * see its end. A change stands in the file at once (exec/ddl.c); with it, in the same SQLite transaction,
 * goes a note of what was: the object's row of the catalog before, and SQL that brings SQLite's table back.
 * COMMIT and rollback take the notes out; those that are there when the server starts are carried out, the
 * newest first.
 *
 * The connection's thread; db is in the write transaction that makes the change, but for schemaundo_recover.
 */
#ifndef STANDIN_STORE_SCHEMA_UNDO_H
#define STANDIN_STORE_SCHEMA_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/store/sql_error.h"

struct sqlite3;

typedef enum SchemaObject { SCHEMA_TABLE, SCHEMA_DATABASE } SchemaObject;

/* Before the catalog is read. */
MUST_CHECK bool schemaundo_recover(struct sqlite3 *db, SqlError *e);
/* Before the object's row changes; owner: the session. sql may be NULL. */
MUST_CHECK bool schemaundo_note(struct sqlite3 *db, int owner, SchemaObject kind, int32_t id, const char *sql,
                                int64_t *ret_note, SqlError *e);
/* It was undone (a note; 0 is none), or all of the owner's is to stay. */
MUST_CHECK bool schemaundo_forget(struct sqlite3 *db, int64_t note, SqlError *e);
MUST_CHECK bool schemaundo_forget_all(struct sqlite3 *db, int owner, SqlError *e);

#endif
