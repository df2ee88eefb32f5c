/*
 * target_sql.h - the statements that write a target's rows: puts of rows in which the same columns are
 * absent, and removes. Text is made of the target's columns, key and rules, which stand by then; nothing is
 * asked of the server. Owner thread only.
 */
#ifndef POSTGRES_TARGET_SQL_H
#define POSTGRES_TARGET_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "postgres/target.h"

/* "a", "b", … of source columns as the target has them, each with a prefix ("s." or ""). */
void target_sql_names(const Target *t, const uint16_t *columns, size_t count, const char *prefix, Buf *out);
/* Fill shape->write, for all written columns but shape->absent. number: tells its temporary table from those
 * of other shapes. */
void target_sql_puts(const Target *t, TargetShape *shape, unsigned number);
/* Fill t->removes; nothing for a table whose rows can't be told apart. */
void target_sql_removes(Target *t);
void target_sql_done(TargetWrite *w);
/* The text as a copy of its own, and b empty. */
char *target_sql_take(Buf *b);

#endif
