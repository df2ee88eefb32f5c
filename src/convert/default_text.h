/*
 * default_text.h - a column's default from its constraint's definition, as far as Debezium takes it:
 * constants, "((0))", "('abc')", "(0x01)". What is computed (getdate(), newid()) gives none, nor does a
 * column of an alias type. Any thread.
 */
#ifndef CONVERT_DEFAULT_TEXT_H
#define CONVERT_DEFAULT_TEXT_H

#include <stdbool.h>

#include "base/arena.h"
#include "record/schema.h"
#include "record/value.h"

/* The value in the column's canonical form (record/value.h), in the arena. false: none. */
bool default_text_value(const Column *c, Arena *a, Value *ret);
/* A decimal's default as it was written ("1.5" for a decimal(9,4)); borrowed. false: none. */
bool default_text_number(const Column *c, Str *ret);

#endif
