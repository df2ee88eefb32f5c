/*
 * leftover.h - what a copied table still lacks in PostgreSQL of what it has in SQL Server: sequences,
 * defaults, indexes, check constraints, foreign keys, each as a statement, in an order that works. Only
 * writes text; owner thread only.
 *
 * What the target has already is left out: a default or identity by its column, a unique index by its
 * columns, the others by their names. A statement that is certain to mean the same can be run as it is; one
 * that isn't is a comment, with the reason.
 */
#ifndef CLI_LEFTOVER_H
#define CLI_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "config/textlist.h"
#include "postgres/extras_pg.h"
#include "postgres/target.h"
#include "sqlserver/extras.h"

/* In the order in which they have to run. */
typedef enum LeftoverKind {
    LEFTOVER_SEQUENCE, /* sets a sequence that is there */
    LEFTOVER_IDENTITY, /* makes one */
    LEFTOVER_DEFAULT,
    LEFTOVER_UNIQUE,
    LEFTOVER_INDEX,
    LEFTOVER_CHECK,
    LEFTOVER_FOREIGN_KEY,
    LEFTOVER_KINDS,
} LeftoverKind;

typedef struct LeftoverStatement {
    LeftoverKind kind;
    const char *table; /* "dbo.orders"; borrowed from its schema */
    char *sql;         /* owned; without ';'; NULL = there is none to give */
    char *note;        /* owned; NULL = none */
    bool is_certain;   /* may be run as it is */
} LeftoverStatement;

/* A copied table and what it is in the target; all borrowed. */
typedef struct LeftoverTable {
    const Schema *schema;
    const Target *target;
    const TextList *names;     /* of its indexes and constraints in the target */
    ExtrasPgSequence sequence; /* of its identity column in the target */
} LeftoverTable;

typedef struct Leftover {
    LeftoverStatement *all; /* owned */
    size_t count;
} Leftover;

void leftover_find(const Extras *extras, const LeftoverTable *tables, size_t count, Leftover *ret);
void leftover_done(Leftover *l);
const char *leftover_kind_name(LeftoverKind kind); /* "foreign_key" */
/* The statement as a script has it: note, SQL, ';', commented out when it isn't certain. */
void leftover_print(const LeftoverStatement *s, Buf *out);

#endif
