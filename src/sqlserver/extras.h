/*
 * extras.h - what a table has besides columns and rows: identity, defaults, indexes, check constraints,
 * foreign keys, as the catalog views tell. For `millrace cutover`, which says what is left to make in the
 * target. Plain data in an arena; owner thread only.
 */
#ifndef SQLSERVER_EXTRAS_H
#define SQLSERVER_EXTRAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "sqlserver/odbc.h"

typedef enum ExtraKind {
    EXTRA_IDENTITY,
    EXTRA_DEFAULT,
    EXTRA_INDEX, /* the primary key is one, too */
    EXTRA_CHECK,
    EXTRA_FOREIGN_KEY,
} ExtraKind;

/* sys.foreign_keys' referential actions, by number. */
typedef enum ExtraAction { EXTRA_NO_ACTION, EXTRA_CASCADE, EXTRA_SET_NULL, EXTRA_SET_DEFAULT } ExtraAction;

typedef struct ExtraColumn {
    Str name;
    Str parent;         /* EXTRA_FOREIGN_KEY: the column it points to */
    bool is_descending; /* EXTRA_INDEX */
    bool is_included;   /* EXTRA_INDEX: not part of its key */
} ExtraColumn;

typedef struct Extra {
    ExtraKind kind;
    Str schema, table; /* source names, as all here */
    Str name;          /* of the index or constraint; of an identity none */
    Str definition;    /* EXTRA_DEFAULT, EXTRA_CHECK: the expression; EXTRA_INDEX: its filter, empty = none */
    ExtraColumn *columns;
    size_t column_count;
    bool is_disabled, is_not_trusted;
    bool is_unique, is_primary_key; /* EXTRA_INDEX */
    bool is_constraint;             /* EXTRA_INDEX: UNIQUE in the table */
    Str type;                       /* EXTRA_INDEX: "NONCLUSTERED", "CLUSTERED COLUMNSTORE", … */
    Str parent_schema, parent_table;
    ExtraAction on_delete, on_update;
    Str seed, increment,
        last; /* EXTRA_IDENTITY: decimal numbers; last: handed out last, .p NULL = none yet */
} Extra;

typedef struct Extras {
    Extra *all; /* in the arena: by kind, then by table and name */
    size_t count;
    /* Columns whose collation takes "a" and "A" for equal: triples of schema, table, column; in the arena. */
    Str *case_blind;
    size_t case_blind_count;
} Extras;

/* Of all tables of the database. Errors: as odbc.h. */
MUST_CHECK bool extras_load(Odbc *odbc, Arena *arena, Extras *ret, Err *e);
bool extras_is_case_blind(const Extras *x, Str schema, Str table, Str column);

#endif
