/*
 * dead_order.h - the order of dead letters and of what comes after them. Pure: it decides, its caller talks
 * to PostgreSQL. Owner thread only.
 *
 * A dead letter is a change that the target refused. It may be replayed later, beside the running stream, so
 * the two must agree on which came first:
 *   - a later change that carries the whole row, or removes it, makes the key's open letters worthless: they
 *     are marked superseded in the transaction of that change, before its row is written (DEAD_SUPERSEDE);
 *   - a later change that carries only some columns can't stand on a row that isn't there, and would be
 *     overwritten by the replay if it is: while a letter of the key is open it becomes a letter itself, to be
 *     replayed behind the other (DEAD_HOLD);
 *   - a replay takes the letter's lock, sees that it is still open and that the key has no older open letter,
 *     and writes the row in the same transaction. postgres/dead_desk.c asks that of the database in one
 *     statement; dead_order_may_replay says the same to the simulation.
 * The stream takes the letters' locks before the rows' (it marks first), the replay too. So either the replay
 * commits first and the later change overwrites it, or the mark commits first and the replay finds nothing to
 * do. tests/unit/test_dead_order.c
 * interleaves the two at every statement.
 *
 * Keys are 64-bit hashes of table and key (dead_letter.h). The set holds every key that has an open letter,
 * as far as this lane could make one; a replay or a purge beside it takes letters away, which the set need
 * not know: the statements ask for `state = 'open'` again.
 */
#ifndef PIPELINE_DEAD_ORDER_H
#define PIPELINE_DEAD_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct DeadOrder DeadOrder;

typedef enum DeadVerdict {
    DEAD_APPLY,     /* no letter of the key is open */
    DEAD_SUPERSEDE, /* mark the key's letters, then apply */
    DEAD_HOLD,      /* don't apply: a letter of its own */
} DeadVerdict;

enum { DEAD_ORDER_MAX = 1000000 }; /* most keys with open letters */

DeadOrder *dead_order_new(void);
DeadOrder *dead_order_free(DeadOrder *o); /* NULL is fine; returns NULL */
/* What the target holds, as committed: replaces all. */
void dead_order_load(DeadOrder *o, const uint64_t *keys, size_t count);
bool dead_order_is_empty(const DeadOrder *o);
size_t dead_order_count(const DeadOrder *o);
bool dead_order_has(const DeadOrder *o, uint64_t key);

/* The next change of the stream: is_whole, it carries all that the row has, or removes it. After
 * DEAD_SUPERSEDE the key is open no more. */
DeadVerdict dead_order_change(DeadOrder *o, uint64_t key, bool is_whole);
/* A letter of the key has been made. */
void dead_order_refused(DeadOrder *o, uint64_t key);
/* What was replayed or purged beside us: the target says that no letter of the key is open. */
void dead_order_closed(DeadOrder *o, uint64_t key);

/* Everything since the last commit can be taken back to a mark, or to the commit (mark 0). */
size_t dead_order_mark(const DeadOrder *o);
void dead_order_undo(DeadOrder *o, size_t mark);
void dead_order_committed(DeadOrder *o);

/* May the letter at `at` be replayed, of letters in the order of their making? ids of keys; is_open of each.
 */
bool dead_order_may_replay(const uint64_t *keys, const bool *is_open, size_t at);

#endif
