/*
 * args.h - a command's options and operands, from one table that also prints its help. Plain values over
 * argv; one thread. Forms: --name, --name=value, --name value; "--" ends the options. An option not in the
 * table is an error that names the nearest one. No option takes a password: an argument list can be read by
 * every user of the machine.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct ArgDef {
    const char *name;  /* without the dashes */
    const char *value; /* what it takes, for the help ("URL"); NULL = a switch */
    const char *help;
} ArgDef;

enum { ARGS_MAX_OPTIONS = 24 };

typedef struct Args {
    const ArgDef *defs;
    size_t def_count;
    const char *values[ARGS_MAX_OPTIONS]; /* by index in defs; "" for a switch that is on; NULL = not given */
    const char **operands;                /* borrowed from argv, in order */
    size_t operand_count;
} Args;

/* argv[0] is the command's name. Operands are moved to the front of argv. Errors: ERR_INVALID. */
MUST_CHECK bool args_parse(const ArgDef *defs, size_t def_count, int argc, const char **argv, Args *ret,
                           Err *e);
bool args_has(const Args *a, const char *name);
const char *args_value(const Args *a, const char *name); /* NULL = not given */
/* A whole number from 0 to max; `otherwise` where it isn't given. Errors: ERR_INVALID, ERR_RANGE, naming the
 * option. */
MUST_CHECK bool args_number(const Args *a, const char *name, int64_t otherwise, int64_t max, int64_t *ret,
                            Err *e);
/* The table as aligned lines. */
void args_help(const ArgDef *defs, size_t def_count, Buf *out);

#endif
