/*
 * pgname.h - names in PostgreSQL: the one place that quotes an identifier, and the rule by which a source
 * table gets its target table. A rule is owner thread only; the functions without one are for any thread.
 */
#ifndef POSTGRES_PGNAME_H
#define POSTGRES_PGNAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "record/schema.h"
#include "transform/transform_route.h"

enum { PGNAME_MAX_BYTES = 63 }; /* NAMEDATALEN - 1: PostgreSQL cuts what is longer, so we shorten it first */

/* Append name as a quoted identifier: "a""b". The only way a name gets into a statement. */
void pgname_quote(Buf *out, Str name);
/* Append "schema"."table"; an empty schema is left out. */
void pgname_qualified(Buf *out, Str schema, Str table);
/* Append name as it fits into 63 bytes: whole, or its start, '_' and 8 hex digits of its hash. Same name,
 * same result. */
void pgname_fit(Buf *out, Str name);

/* Owned by the caller: pgname_table_done. */
typedef struct PgTableName {
    char *schema; /* NULL = the first schema of the connection's search path */
    char *table;
} PgTableName;
void pgname_table_done(PgTableName *name);

typedef enum PgTopicStyle {
    PGTOPIC_SPLIT,      /* ${topic} is cut at its dots into schema and table (Confluent's sink) */
    PGTOPIC_UNDERSCORE, /* its dots become '_' (Debezium's sink) */
} PgTopicStyle;

typedef struct PgNameRuleSpec {
    Str format; /* of ${topic}, ${source.db}, ${source.schema}, ${source.table}; "…" keeps dots together */
    Str topic_prefix; /* ${topic} = prefix.database.schema.table, of a schema that has no topic of its own */
    bool has_topics;  /* all have one: no prefix is needed */
    TransformRoute *route; /* borrowed; what becomes of the topic of a schema that has none; may be NULL */
    PgTopicStyle topic_style;
    bool is_folded; /* to lower case, as PostgreSQL does with names that aren't quoted (ASCII letters) */
} PgNameRuleSpec;

typedef struct PgNameRule PgNameRule;

/* Errors: ERR_INVALID (unknown placeholder, open quote, empty format, ${topic} without a prefix). */
MUST_CHECK bool pgname_rule_new(const PgNameRuleSpec *spec, PgNameRule **ret, Err *e);
PgNameRule *pgname_rule_free(PgNameRule *rule);        /* NULL is fine; returns NULL */
bool pgname_rule_wants_source(const PgNameRule *rule); /* the format has ${source.…} */
/* The table for s. Errors: ERR_INVALID (not one, two or three parts, an empty part, the name is already
 * another source table's, or its schema's name was made of another name). */
MUST_CHECK bool pgname_rule_table(PgNameRule *rule, const Schema *s, PgTableName *ret, Err *e);
/* The same, but only asked for: no other table is kept from the name. */
MUST_CHECK bool pgname_rule_find(const PgNameRule *rule, const Schema *s, PgTableName *ret, Err *e);
/* Append the name of a source column: folded if the rule says so, and fitted. */
void pgname_rule_column(const PgNameRule *rule, Str column, Buf *out);

#endif
