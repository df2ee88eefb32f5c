/* signal_data.h - a signal's data as Debezium writes it, made of a command's options. Pure; any thread. */
#ifndef CLI_SIGNAL_DATA_H
#define CLI_SIGNAL_DATA_H

#include <stdbool.h>

#include "base/err.h"

/* Texts as they were given; NULL = not given. */
typedef struct SignalAsked {
    const char *data; /* whole, in place of all else */
    const char *tables, *filter, *message;
    bool is_blocking;
} SignalAsked;

/* *ret is owned; NULL: there is none. Errors: ERR_INVALID, an option isn't UTF-8. */
MUST_CHECK bool signal_data_make(const SignalAsked *asked, char **ret, Err *e);

#endif
