/*
 * unstorable.h - text that PostgreSQL can't hold: U+0000, and what the sink stores in its place when
 * text.unstorable.handling.mode says so. Unpaired surrogates never come this far: the source makes them
 * U+FFFD.
 */
#ifndef POSTGRES_UNSTORABLE_H
#define POSTGRES_UNSTORABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "observe/metrics.h"

typedef enum UnstorableMode {
    UNSTORABLE_FAIL,    /* the value is refused */
    UNSTORABLE_REPLACE, /* U+0000 becomes U+FFFD */
    UNSTORABLE_REMOVE,  /* … nothing */
    UNSTORABLE_ESCAPE,  /* … the six characters \u0000 */
} UnstorableMode;
extern const char *const unstorable_modes[]; /* the option's values, by UnstorableMode; NULL-terminated */

/* A column of which texts are changed. Of the target's thread. */
typedef struct Unstorable {
    UnstorableMode mode;
    const char *what; /* "schema.table.column" of the source; borrowed */
    Metric *changed;  /* values; NULL = not counted */
    bool was_told;
} Unstorable;

/* Bytes by which the text grows at most; 0 where it has no U+0000, or has to be refused for its size. */
size_t unstorable_growth(UnstorableMode mode, Str text);
/* Write the text as it is stored (mode isn't FAIL) into text.n + unstorable_growth bytes at out; returns the
 * end. NULL: it would be larger than any value of PostgreSQL. */
uint8_t *unstorable_put(UnstorableMode mode, Str text, uint8_t *out);
/* A value was changed: it is counted, and the first of its column is told to the log. */
void unstorable_note(Unstorable *u);

#endif
