/*
 * key_text.h - a row's key on its way back to SQL Server: as parameters of a statement, and as the opaque
 * text that a target stores between chunks. Pure; any thread.
 *
 * A value goes as text, bytes or double, and the statement casts it to the column's own type, so that
 * comparison and index use are SQL Server's. Text of a key: "t=17&t=caf%C3%A9&b=00ff", one field a column,
 * read back to the same values.
 */
#ifndef SQLSERVER_KEY_TEXT_H
#define SQLSERVER_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "record/schema.h"
#include "record/value.h"
#include "sqlserver/odbc.h"

/* The value as a parameter, its text in the arena (or borrowed from the value). Errors: ERR_DATA for NULL. */
MUST_CHECK bool key_text_param(const Column *column, const Value *value, Arena *arena, OdbcParam *ret,
                               Err *e);
/* "CAST(? AS decimal(12,2))": what stands for it in a statement. */
void key_text_marker(const Column *column, Buf *sql);

/* Append the opaque text of these parameters. */
void key_text_write(const OdbcParam *params, size_t count, Buf *out);
/* Read it back; texts in the arena. Errors: ERR_INVALID for other text or another number of fields. */
MUST_CHECK bool key_text_parse(Str text, Arena *arena, OdbcParam *ret, size_t count, Err *e);

/* A key's value for a person: text cut at 40 bytes, bytes as 0x…. */
void key_text_show(const Column *column, const Value *value, Buf *out);

#endif
