/*
 * type_override.h - column.type.overrides: which type a column gets in PostgreSQL, in place of its native
 * one. "dbo.orders.total:numeric(20,6);dbo.t.c:text": schema.table.column as SQL Server spells them, a colon,
 * a type. Only what is made follows it: an existing column keeps the type it has. Owner thread only.
 */
#ifndef POSTGRES_TYPE_OVERRIDE_H
#define POSTGRES_TYPE_OVERRIDE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "config/textlist.h"
#include "record/schema.h"

typedef struct TypeOverrides TypeOverrides;

/* Errors: ERR_INVALID, an entry of another form, a type that can't be one's name, or a column named twice. */
MUST_CHECK bool type_overrides_new(Str text, TypeOverrides **ret, Err *e);
TypeOverrides *type_overrides_free(TypeOverrides *o); /* NULL is fine; returns NULL */
/* The type asked for, or NULL; borrowed. o may be NULL. The entry counts as used from now on. */
const char *type_overrides_find(TypeOverrides *o, const Schema *s, const Column *c);
/* Append a problem for each entry that was never used. */
void type_overrides_unused(const TypeOverrides *o, TextList *problems);

#endif
