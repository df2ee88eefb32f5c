/*
 * mask.h - values changed on their way out of the source: column.truncate.to.N.chars,
 * column.mask.with.N.chars, column.mask.hash.ALG.with.salt.SALT and its v2, with Debezium's results byte for
 * byte. The rules are read-only once made: any thread. A Masker belongs to one thread.
 *
 * The salt is a secret: no message names a hash rule but by its algorithm.
 */
#ifndef SQLSERVER_MASK_H
#define SQLSERVER_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/option.h"
#include "record/schema.h"
#include "record/value.h"

typedef struct MaskRules MaskRules;
typedef struct MaskRule MaskRule;
typedef struct Masker Masker;

/* The rules of these options; *ret is NULL when there are none. Errors: ERR_INVALID, naming the property: a
 * number or an algorithm that isn't one, an expression that isn't. */
MUST_CHECK bool mask_rules_new(const Options *o, MaskRules **ret, Err *e);
MaskRules *mask_rules_free(MaskRules *r); /* NULL is fine; returns NULL */

/*
 * What becomes of a column: *ret is NULL when no rule names it, or when a truncation names one that isn't
 * text. Of several rules the first in the order hash, mask, truncation counts. rules may be NULL. Errors:
 * ERR_INVALID when a mask or a hash names a column that isn't text, which would go out unmasked.
 */
MUST_CHECK bool mask_find(const MaskRules *rules, Str database, Str qualified, const Column *column,
                          const MaskRule **ret, Err *e);
/* Tell in the column what Debezium tells of it in the schema: by the same rule, and of a truncation whatever
 * the type. rules may be NULL. */
void mask_mark(const MaskRules *rules, Str database, Str qualified, Column *column);
/* A mask has all its asterisks, as Debezium's, though the column be shorter. Into topics, which hold any
 * text; before the first Masker is made. */
void mask_rules_set_uncut(MaskRules *r);          /* NULL is fine */
const char *mask_rule_name(const MaskRule *rule); /* "column.mask.with.5.chars", without salt; borrowed */

/* For values of this column (its length is taken); owned. The rules must outlive it. */
Masker *masker_new(const MaskRule *rule, const Column *column);
Masker *masker_free(Masker *m); /* NULL is fine; returns NULL */
/* Change `rows` values, `stride` values apart, in place; what they need goes to the arena. A mask hides NULL,
 * too; hash and truncation leave it. */
void masker_apply(Masker *m, Value *values, size_t stride, size_t rows, Arena *arena);

#endif
