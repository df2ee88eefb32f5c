/*
 * sqlvariant.h - sql_variant: how it is asked of the server, and what it becomes. Plain functions; any
 * thread.
 *
 * No ODBC driver gives a variant with its base type through a row array, so the server writes it down as
 * text: base type|precision|scale|bytes|collation|value and here it becomes a JSON object in the very form in
 * which PostgreSQL prints a jsonb (so that both sides can be compared as texts):
 *   {"type": "decimal", "scale": 2, "value": 12.50, "precision": 5}
 * Members besides type and value: precision and scale of decimal and numeric, scale of times, max_length in
 * bytes of texts and binaries, collation of texts. value is a number for whole and decimal numbers and money,
 * true or false for bit, and a string for all else: texts as they are; real and float in the fewest digits
 * that give the same number again; times in ISO 8601; binaries as 0x…; a uniqueidentifier in upper case.
 */
#ifndef SQLSERVER_SQLVARIANT_H
#define SQLSERVER_SQLVARIANT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Append the expression for a column, without a name behind it. quoted: "[c]". */
void sqlvariant_select(Str quoted, Buf *sql);
/* Append the JSON of what the expression gave. Errors: ERR_DATA, a base type that isn't known, or text that
 * the expression doesn't give. */
MUST_CHECK bool sqlvariant_json(Str text, Buf *out, Err *e);

#endif
