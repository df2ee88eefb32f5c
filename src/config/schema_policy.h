/*
 * schema_policy.h - schema.change.policy and its exceptions: what is to be done when a table's columns
 * change, or it vanishes. Both connectors have the two properties. Read-only once made: any thread.
 *   schema.change.policy             evolve, ignore or fail
 *   schema.change.policy.overrides   "schema.table:policy;…", tables as regular expressions over the whole
 * name; the first that matches counts
 */
#ifndef CONFIG_SCHEMA_POLICY_H
#define CONFIG_SCHEMA_POLICY_H

#include "base/err.h"
#include "base/str.h"

typedef enum SchemaChange {
    SCHEMA_UNSET, /* not said: the connector's older properties decide */
    SCHEMA_EVOLVE,
    SCHEMA_IGNORE,
    SCHEMA_FAIL,
} SchemaChange;

extern const char *const SCHEMA_CHANGE_NAMES[]; /* evolve, ignore, fail; NULL-terminated: for option tables */

typedef struct SchemaPolicy SchemaPolicy;

/* Owned. base: for tables without an exception. Errors: ERR_INVALID, naming the entry. */
MUST_CHECK bool schema_policy_new(SchemaChange base, Str overrides, SchemaPolicy **ret, Err *e);
SchemaPolicy *schema_policy_free(SchemaPolicy *p); /* NULL is fine; returns NULL */
/* For "schema.table". NULL: SCHEMA_UNSET. */
SchemaChange schema_policy_of(const SchemaPolicy *p, Str qualified);

#endif
