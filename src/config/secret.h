/* secret.h - a password in memory: wiped when freed, and never part of a message. Owner thread only. */
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { SECRET_MAX_BYTES = 4096 };

typedef struct Secret {
    char *text; /* owned, NUL-terminated; NULL = none */
} Secret;

Secret secret_from(Str text); /* copies */
void secret_done(Secret *s);  /* wipe and free; s is {0} again */
/* Overwrite and free an owned NUL-terminated text; NULL is fine. */
void secret_wipe_free(char *text);

/* From the environment. Errors: ERR_INVALID naming a variable that is not set. */
MUST_CHECK bool secret_from_env(const char *name, Secret *ret, Err *e);
/* The first line of a file, without its line end. Errors: ERR_IO, ERR_RANGE (longer than SECRET_MAX_BYTES).
 */
MUST_CHECK bool secret_from_file(const char *path, Secret *ret, Err *e);
/* Ask on the controlling terminal, without echo. Errors: ERR_IO (no terminal), ERR_CANCELLED (Ctrl-C,
 * Ctrl-D). */
MUST_CHECK bool secret_prompt(const char *prompt, Secret *ret, Err *e);

#endif
