/*
 * dead_letter.h - the table millrace.dead_letter: changes that the target refused, kept with the reason, in
 * the transaction that moved the position past them. Owner thread only.
 *
 * States: open → superseded (a later change of the key has made it worthless), replayed (`millrace dlq
 * replay`); purged letters are deleted. Who may do what when: pipeline/dead_order.h.
 *
 * Errors of all: as pgconn.h.
 */
#ifndef POSTGRES_DEAD_LETTER_H
#define POSTGRES_DEAD_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/dead_order.h"
#include "postgres/pgconn.h"
#include "postgres/target.h"
#include "record/change.h"

/* Whose letters; borrowed as long as the store lives. */
typedef struct DeadLetterKey {
    const char *pipeline, *database; /* NULL = '' */
    int lane;
} DeadLetterKey;

/* Why a change was refused. No row data. */
typedef struct Refusal {
    PgFailure failure;
    char message[ERR_MSG_SIZE];
} Refusal;

typedef struct DeadLetters DeadLetters;

DeadLetters *dead_letter_new(const DeadLetterKey *key);
DeadLetters *dead_letter_free(DeadLetters *d); /* NULL is fine; returns NULL */

/* Make the table where it is missing; the schema is there (position_store.h). */
MUST_CHECK bool dead_letter_create(PgConn *c, Err *e);
/* Fill the set with the keys of the open letters. Errors: ERR_INVALID, more than DEAD_ORDER_MAX. */
MUST_CHECK bool dead_letter_load(DeadLetters *d, PgConn *c, DeadOrder *order, Err *e);

/* The row's key in its target, as a number that is the same in every process and version. The table of a key
 * that isn't there (no key, or a bag's rows) has no number: false; nor has a key that wasn't read. */
bool dead_letter_key(const Target *t, const Value *row, uint64_t *ret);
/* The key as {"id":7}, or the whole row where there is no key. */
void dead_letter_key_text(const Target *t, const Value *row, Buf *out);

/* Inside the caller's transaction: keep the change. payload: dead_payload_write's. */
MUST_CHECK bool dead_letter_keep(DeadLetters *d, PgConn *c, const Target *t, const Change *change,
                                 const char *payload, const Refusal *why, Err *e);
/* Mark the open letters of the rows' keys superseded by the change at `by`; their locks are held to the end
 * of the transaction. */
MUST_CHECK bool dead_letter_supersede(DeadLetters *d, PgConn *c, const Target *t, const Change *by, Err *e);
/* All open letters of the table: it is copied anew. */
MUST_CHECK bool dead_letter_supersede_table(DeadLetters *d, PgConn *c, const Schema *schema, Err *e);
/* Whether the key of the change has an open letter; locked, if so, to the end of the transaction. */
MUST_CHECK bool dead_letter_is_open(DeadLetters *d, PgConn *c, const Target *t, const Change *change,
                                    bool *ret, Err *e);
/* Delete letters that are open no more and older than that, some at a time; *ret_more: there may be more. */
MUST_CHECK bool dead_letter_expire(DeadLetters *d, PgConn *c, int64_t days, bool *ret_more, Err *e);

#endif
