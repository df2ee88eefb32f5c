/*
 * target.h - one source table's place in PostgreSQL: the target table as it is, how each column is encoded,
 * and the statements that write rows (target_sql.h). Made once per schema version; owner thread only.
 */
#ifndef POSTGRES_TARGET_H
#define POSTGRES_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/schema_policy.h"
#include "config/textlist.h"
#include "connector/claims.h"
#include "observe/metrics.h"
#include "postgres/catalog_pg.h"
#include "postgres/compact.h"
#include "postgres/pgconn.h"
#include "postgres/pgencode.h"
#include "postgres/pgname.h"
#include "postgres/type_override.h"
#include "postgres/unstorable.h"
#include "record/change.h"
#include "record/schema.h"

typedef enum TargetInsert { TARGET_INSERT, TARGET_UPSERT, TARGET_UPDATE } TargetInsert;
typedef enum TargetKeyMode { TARGET_KEY_NONE, TARGET_KEY_RECORD_KEY, TARGET_KEY_RECORD_VALUE } TargetKeyMode;

/* What the sink's options say of every table. Borrowed by all its targets. */
typedef struct TargetRules {
    TargetInsert insert;
    TargetKeyMode key_mode;
    const TextList *key_fields; /* empty = all */
    bool may_delete, may_create;
    bool may_evolve;             /* where the policy says nothing */
    int fillfactor;              /* of tables that are made: percent, 0 or 100 = PostgreSQL's own */
    SchemaPolicy *schema_change; /* owned by the config */
    PgNameRule *names;
    TypeOverrides *types; /* column.type.overrides; NULL = none */
    UnstorableMode unstorable;
    Metrics *metrics;
    Claims *claims; /* of the process; NULL = none are kept */
} TargetRules;

/* Rows written by one statement: from array parameters, or, when they are many, from a temporary table. */
typedef struct TargetWrite {
    uint16_t *columns; /* of the source schema */
    size_t count;
    PgStatement small;
    PgStatement merge;
    PgStatement update; /* of rows that are there, in place of merge; sql NULL = there is none */
    char *temp_create, *temp_copy, *temp_clear;
    bool is_temp_made;
    uint64_t temp_filled_in; /* number of the transaction that last used it */
    char *copy;              /* straight into the table; of removes NULL */
    unsigned copy_pause;     /* so many statements more don't try it */
    unsigned copy_pause_next;
} TargetWrite;

/* Puts of the rows in which the same columns are absent. Linked, the first (nothing absent) always there. */
typedef struct TargetShape {
    TargetWrite write;
    uint64_t *absent; /* a bit per source column, TARGET_WORDS(column_count) words */
    struct TargetShape *next;
} TargetShape;

/* What the metrics tell of a table; changes are all of its inserts, updates and deletes, and tombstones. */
typedef enum TargetCount {
    TARGET_COPIED,
    TARGET_CHANGES,
    TARGET_INSERTS,
    TARGET_UPDATES,
    TARGET_DELETES,
    TARGET_COUNTS,
} TargetCount;

typedef struct TargetCounter {
    Metric *metric;
    int64_t pending; /* in the open transaction */
} TargetCounter;

typedef struct Target {
    const Schema *schema; /* a reference is held */
    const TargetRules *rules;
    PgTable *table;
    char *qualified;        /* "schema"."table" */
    PgField *fields;        /* by source column; encode NULL = not written */
    Unstorable *unstorable; /* by source column; what fields refer to */
    char **whats;           /* "dbo.orders.total", by source column */
    const char **types;     /* asked for by column.type.overrides, by source column; NULL = the native one */
    int *places;            /* of each source column in table->columns; -1 = not written */
    uint16_t *written;      /* source columns that are written */
    size_t written_count;
    uint16_t *key; /* source columns; of a keyless table none */
    size_t key_count;
    bool is_bag;          /* no key, but deletes and updates find their rows by content */
    CompactTable compact; /* its key columns with their forms */
    CompactKey *compact_key;
    TargetShape shapes;  /* puts */
    TargetWrite removes; /* by key; of a bag: by content, with a count */
    int rank;            /* tables that its foreign keys point to have a lower one */
    TargetCounter counters[TARGET_COUNTS];
    Metric *last_change;
    int64_t pending_last_us; /* commit time of the open transaction's last change of the table */
    bool has_new_rows;       /* of the batch at hand: not only updates */
    bool has_known_rows;     /* of the batch at hand: updates or removals */
    bool has_warned_of_deletes;
    bool was_written; /* by the pipeline, before it was opened */
    bool is_trial;    /* TARGET_DDL_TRIAL */
} Target;

static inline bool target_is_among(const uint16_t *columns, size_t count, uint16_t column) {
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column) return true;
    return false;
}
static inline bool target_is_key(const Target *t, uint16_t column) {
    return target_is_among(t->key, t->key_count, column);
}

#define TARGET_WORDS(columns) (((columns) + 63) / 64)

/* DDL on opening a target, where the rules allow it. */
typedef enum TargetDdl {
    TARGET_NO_DDL,
    TARGET_DDL,       /* create or evolve it */
    TARGET_DDL_AGAIN, /* the same for one that the pipeline has written before (ddl_pg.h: was_written) */
    TARGET_DDL_TRIAL, /* as TARGET_DDL, to be rolled back: a new table is made without files for its rows,
                       * and the Target is good for nothing but target_free */
} TargetDdl;

/* The target of schema as the catalog has it. ddl: create or evolve it where the rules allow, on c,
 * inside the caller's transaction. Errors: ERR_INVALID: missing, incompatible, no usable unique index, no
 * grant; each message names the cure. */
MUST_CHECK bool target_open(PgConn *c, const TargetRules *rules, const Schema *schema, TargetDdl ddl,
                            Target **ret, Err *e);
Target *target_free(Target *t); /* NULL is fine; returns NULL */
/* A change of it goes into the open transaction: its counters, once target_set_count_commit says so. */
void target_count_change(Target *t, const Change *change);
/* The shape for rows in which just the columns of `absent` are absent; made at its first use. */
TargetShape *target_shape(Target *t, const uint64_t *absent);
/* The row as it stands in the target: with its texts that PostgreSQL can't hold changed (in arena). It is row
 * itself where there are none, or where they are refused. */
const Value *target_stored_row(const Target *t, const Value *row, Arena *arena);
/* The DDL that target_open would run, or nothing. For checks before the start. */
MUST_CHECK bool target_plan_ddl(PgConn *c, const TargetRules *rules, const Schema *schema, Buf *ret, Err *e);

#endif
