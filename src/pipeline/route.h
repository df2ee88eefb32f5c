/*
 * route.h - which of several lanes a change goes to. Pure. Owner thread only.
 *
 * Changes that the target's constraints make depend on each other go to one lane: tables that foreign keys
 * join, all rows of a table with a second unique constraint, or without a key. All other tables are spread by
 * the hash of the key: the same value gives the same number whatever the width or scale of its column, so
 * that a row's changes meet in one lane. A changed key is a delete and a create (record/change.h): each goes
 * where its own key goes.
 *
 * Where a table's changes go is a text, so that it can be stored, and made again from what is stored:
 *   "key"            spread by key
 *   "whole NAME"     to one lane, told by NAME: of the joined tables the first by name ("schema.table")
 */
#ifndef PIPELINE_ROUTE_H
#define PIPELINE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/stored.h"
#include "record/batch.h"

enum {
    ROUTE_LANES_MAX = 32,
    ROUTE_HASH_VERSION = 1, /* stored: another hash of keys gets another number */
};

/* A table as the target shows it. Borrowed. */
typedef struct RouteTable {
    const char *schema, *table; /* source names */
    bool is_whole;              /* its rows depend on each other: never spread */
} RouteTable;
/* Two of them, by index, that a foreign key joins. */
typedef struct RouteJoin {
    size_t a, b;
} RouteJoin;

/* The text of each table; ret_texts[i] is owned by the caller. */
void route_texts(const RouteTable *tables, size_t count, const RouteJoin *joins, size_t join_count,
                 char **ret_texts);

typedef struct Route Route;

/* By the texts of stored->tables. lanes: 1 … ROUTE_LANES_MAX. */
Route *route_new(size_t lanes, const StoredState *stored);
Route *route_free(Route *r); /* NULL is fine; returns NULL */
/* Refuse, from now on, a table whose key isn't the one that is stored. */
void route_insist_on_keys(Route *r);
/* The lane that takes the whole table; false: its changes are spread. A table that has no text goes whole. */
bool route_is_whole(const Route *r, Str schema, Str table, size_t *ret_lane);
/* Share the changes of b out: ret_shares[0 … lanes-1], owned, in b's order, whose rows are b's (batch_share).
 * Errors: ERR_INTERNAL (a table that isn't known), ERR_INVALID (another key than the stored one); nothing is
 * made then. */
MUST_CHECK bool route_split(Route *r, const Batch *b, Batch **ret_shares, Err *e);
/* The hash of a change's key, version ROUTE_HASH_VERSION; for tests and for those who want to know. */
uint64_t route_key_hash(const Change *c);

#endif
