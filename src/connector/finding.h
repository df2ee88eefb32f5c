/*
 * finding.h - what checks of a source or a target found: a line each, with the statement that mends it. What
 * stops a run is told from what is only to be known by the level. Owner thread only.
 */
#ifndef CONNECTOR_FINDING_H
#define CONNECTOR_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef enum FindingLevel {
    FINDING_OK,
    FINDING_NOTE,    /* worth knowing, or not to be told ("unknown: …") */
    FINDING_WARNING, /* a run starts, and may stop or lose a value later */
    FINDING_ERROR,   /* a run would fail */
} FindingLevel;

typedef struct Finding {
    const char *check; /* name of the check; static */
    FindingLevel level;
    bool may_pass; /* of an error: it may go by itself (a server that is away): a run that went on before
                      waits */
    char *what;    /* owned */
    char *cure;    /* owned: the statement that mends it; NULL = none is needed or known */
} Finding;

/* {0} is an empty one. */
typedef struct Findings {
    Finding *items; /* owned */
    size_t count, cap;
} Findings;

/* cure is copied; NULL = none. */
void findings_add(Findings *f, const char *check, FindingLevel level, const char *cure, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* What an error says that came of asking: retriable ones may pass. */
void findings_add_err(Findings *f, const char *check, const char *cure, const Err *why);
size_t findings_count(const Findings *f, FindingLevel level);
/* "what: cure" of one. Appended to nothing: owned, free it. */
char *finding_line(const Finding *finding);
/* Whether there is no error. Else *e is the first one with its cure and the number of the others;
 * retriable when each may pass. */
bool findings_pass(const Findings *f, Err *e);
const char *finding_level_name(FindingLevel level); /* "ok", "note", "warning", "error" */
void findings_done(Findings *f);                    /* {0} again */

#endif
