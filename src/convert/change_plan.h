/*
 * change_plan.h - how records of one topic, key schema and value schema become changes: what kind of records
 * they are, where each column's value stands in them, and how it is converted. Compiled once by change_maker,
 * then read only; owner thread only.
 */
#ifndef CONVERT_CHANGE_PLAN_H
#define CONVERT_CHANGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "convert/change_maker.h"
#include "convert/wire_column.h"
#include "record/connect_schema.h"
#include "record/record.h"

typedef enum ChangeKind {
    CHANGE_KIND_ENVELOPE,
    CHANGE_KIND_FLAT,
    CHANGE_KIND_KEY,     /* of a value nothing is known: deletes by key only */
    CHANGE_KIND_SKIPPED, /* not of a row: `skip` says what */
} ChangeKind;

/* Fields of an envelope and of its source block; -1 = it hasn't got it. */
typedef struct EnvelopePlaces {
    int before, after, source, op;
    int commit_lsn, change_lsn, event_serial_no, snapshot, ts_ms, ts_us, name, db, schema, table;
} EnvelopePlaces;

/* One column's value: out of the field-th value of a struct. */
typedef struct ChangeMove {
    WireColumn wire;
    const ConnectSchema *filled; /* a null becomes its default; NULL = it stays null */
    uint16_t field;              /* of the row's struct, or of the key's */
    uint16_t column;             /* of the schema */
} ChangeMove;

typedef struct ChangePlan {
    ChangeKind kind;
    ChangeSkip skip;
    EnvelopePlaces at;
    bool wants_before;     /* the table has no key: its rows are found by what they were */
    bool is_key_primitive; /* the key is no struct: it is the column */
    Column *columns;       /* with their places in the key */
    size_t column_count, key_count;
    ChangeMove *row; /* from the row */
    size_t row_count;
    int *row_before; /* of each of `row`: its field in `before`, -1 = none */
    ChangeMove *key; /* from the record's key */
    size_t key_move_count;
    int kafka[3];   /* columns of topic, partition, offset; -1 = none */
    int deleted_at; /* flat: field __deleted; -1 = none */
    ConnectType deleted_type;
    Arena arena; /* all of the above */
} ChangePlan;

/* key_schema NULL: the key is null, or a STRING without a schema (has_key). value_schema NULL: nothing is
 * known of the topic's values. Both are borrowed as long as the plan lives. Errors: ERR_DATA, no record of
 * these schemas can be written. */
MUST_CHECK bool change_plan_new(const ChangeRules *rules, Str topic, const ConnectSchema *key_schema,
                                bool has_key, const ConnectSchema *value_schema, ChangePlan **ret, Err *e);
ChangePlan *change_plan_free(ChangePlan *p); /* NULL is fine; returns NULL */

/* A row of plan->column_count values, out of a row's struct (is_before: laid out as `before`) and the record.
 * Columns that neither has are ABSENT; fields NULL: the key alone. Errors: ERR_DATA. */
MUST_CHECK bool change_plan_row(const ChangePlan *p, const Record *r, const Value *fields, bool is_before,
                                Arena *a, const Value **ret, Err *e);

#endif
