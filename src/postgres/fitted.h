/*
 * fitted.h - which schemas have a table that fits them, and which tables rows went to: what a writer of
 * topics has seen to on its connection. A delete by key alone says nothing of the table's other columns, so
 * what was seen to for such a delete holds for no row. Owner thread only.
 */
#ifndef POSTGRES_FITTED_H
#define POSTGRES_FITTED_H

#include <stdbool.h>

#include "record/schema.h"

enum { FITTED_MAX = 4096 }; /* schemas; past it they are forgotten, but not which tables were written */

typedef struct Fitted Fitted;

Fitted *fitted_new(void);
Fitted *fitted_free(Fitted *f); /* NULL is fine; returns NULL */
void fitted_clear(Fitted *f);   /* forget all: the connection is another one */
/* for_rows: false, for deletes by key alone. s is known by its address; a reference is kept. */
bool fitted_has(const Fitted *f, const Schema *s, bool for_rows);
void fitted_add(Fitted *f, const Schema *s, bool for_rows);
/* Any schema of the table of s was added for rows. */
bool fitted_was_written(const Fitted *f, const Schema *s);

#endif
