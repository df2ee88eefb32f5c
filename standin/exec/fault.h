/*
 * fault.h - what tests ask to go wrong: slow, cut and silent connections, statements that fail, a failover.
 * Any thread. The procedures that ask are in cdc/proc_fault.c; tds/ and the runner look here before they act,
 * at the cost of one atomic load while nothing is asked for.
 *
 * A rule is for one session, or for every session but the one that asked.
 */
#ifndef STANDIN_EXEC_FAULT_H
#define STANDIN_EXEC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/store/sql_error.h"

typedef struct Fault Fault;

typedef enum FaultKind {
    FAULT_DELAY,     /* ms before each request is looked at */
    FAULT_CUT,       /* the connection is closed within an answer, after so many rows or bytes of it */
    FAULT_HALF_OPEN, /* nothing is answered any more, but the connection stays */
    FAULT_FAIL,      /* statements fail with an error */
} FaultKind;

typedef struct FaultRule {
    FaultKind kind;
    int spid;       /* of this session; 0: of every session but… */
    int but_spid;   /* …this one */
    int64_t ms;     /* of a delay */
    bool has_rows;  /* of a cut, of a half-open connection: rows is given */
    uint64_t rows;  /* whole rows of the answer */
    uint64_t bytes; /* of a cut without rows: bytes of the answer's tokens */
    int64_t times;  /* how often it strikes; 0: without end */
    const char
        *pattern;   /* of a failure: LIKE pattern that the statement's text matches; NULL: any statement */
    SqlError error; /* of a failure */
} FaultRule;

Fault *fault_new(void);
Fault *fault_free(Fault *f);

/* From now on; pattern is copied. A delay takes the place of an earlier one. */
void fault_add(Fault *f, const FaultRule *rule);
/* All rules end, and the failover's consequences; who was held goes on. */
void fault_end_all(Fault *f);

/* Wait as long as this session's delay is. Ends early when ends(arg) says so; it is asked every few
 * milliseconds. */
void fault_delay(Fault *f, int spid, bool (*ends)(void *arg), void *arg);
/* Wait while this session's connection is to be half-open: before a request, by a rule without rows; within
 * an answer, by any. Ends early as above. */
void fault_hold(Fault *f, int spid, bool within_answer, bool (*ends)(void *arg), void *arg);
/* The rule that may strike within this session's next answer (FAULT_CUT, FAULT_HALF_OPEN with rows); false:
 * none. */
bool fault_of_answer(Fault *f, int spid, FaultRule *ret);
/* It is about to strike: counts as one of its times. */
void fault_strike(Fault *f, FaultKind kind, int spid);
/* True: the statement is to fail with *ret. */
bool fault_of_statement(Fault *f, int spid, Str statement, SqlError *ret);

/* The sockets that a failover closes. fd stays the caller's, open until fault_disconnect. */
void fault_connect(Fault *f, int spid, int fd);
void fault_disconnect(Fault *f, int spid);
/* All connections are closed, that of by_spid after its answer; user databases can't be opened for so long,
 * and can't be changed for so long after that. */
void fault_failover(Fault *f, int by_spid, int64_t unavailable_ms, int64_t read_only_ms);
/* Close the session's socket (KILL). */
void fault_hang_up(Fault *f, int spid);
bool fault_is_dropped(Fault *f, int spid); /* by a failover that it asked for itself */
bool fault_is_unavailable(Fault *f);
bool fault_is_read_only(Fault *f);

#endif
