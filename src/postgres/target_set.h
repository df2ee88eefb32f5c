/*
 * target_set.h - the targets of one connection, found by the schema of a change, and ordered by their foreign
 * keys. Owner thread only.
 */
#ifndef POSTGRES_TARGET_SET_H
#define POSTGRES_TARGET_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "postgres/target.h"

typedef struct TargetSet TargetSet;

TargetSet *target_set_new(const TargetRules *rules); /* rules are borrowed */
TargetSet *target_set_free(TargetSet *set);          /* NULL is fine; returns NULL */
/* Forget all that was made on a connection or in a transaction that is no more. */
void target_set_clear(TargetSet *set);
/* The session's temporary tables may be gone (a transaction in which some were made was rolled back). */
void target_set_forget_temps(TargetSet *set);
/* The target of that schema; opened (without DDL) when it isn't known. Borrowed until the set is cleared or
 * another version of its table is opened. Errors: as target_open. */
MUST_CHECK bool target_set_find(TargetSet *set, PgConn *c, const Schema *schema, Target **ret, Err *e);
/* Open it anew, with the DDL that the rules allow. was_written: by the pipeline, before. */
MUST_CHECK bool target_set_open(TargetSet *set, PgConn *c, const Schema *schema, bool was_written,
                                Target **ret, Err *e);
/* What the targets' counters hold of the open transaction is committed: it is added to the metrics. */
void target_set_count_commit(TargetSet *set);
size_t target_set_count(const TargetSet *set);
Target *target_set_at(const TargetSet *set, size_t i);

#endif
