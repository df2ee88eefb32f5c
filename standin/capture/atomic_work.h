/*
 * atomic_work.h - a procedure's changes as a whole or not at all: in a transaction of its own, or up to a
 * savepoint of the caller's. The session's thread.
 */
#ifndef STANDIN_CAPTURE_ATOMIC_WORK_H
#define STANDIN_CAPTURE_ATOMIC_WORK_H

#include "standin/exec/proc.h"

typedef bool AtomicWork(Session *s, void *arg, SqlError *e);

/* Run work; false: what it did is undone, *e is its error. */
MUST_CHECK bool atomic_run(Session *s, AtomicWork *work, void *arg, SqlError *e);

#endif
