/* proc_arg.h - reading a procedure's arguments. Any thread. */
#ifndef STANDIN_BUILTIN_PROC_ARG_H
#define STANDIN_BUILTIN_PROC_ARG_H

#include "standin/exec/proc.h"

/* Declarations of parameters, for static tables of ProcParam. */
#define PROC_NAME(n)                                                                                         \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true }                       \
    }
#define PROC_TEXT(n)                                                                                         \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH }                               \
    }
#define PROC_INT(n)                                                                                          \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_INT }                                                               \
    }
#define PROC_BIGINT(n)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_BIGINT }                                                            \
    }
#define PROC_BIT(n)                                                                                          \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_BIT }                                                               \
    }

Str proc_arg_text(const ProcCall *call, size_t i); /* empty for NULL */
bool proc_arg_is_null(const ProcCall *call, size_t i);
int64_t proc_arg_int(const ProcCall *call, size_t i, int64_t otherwise);      /* otherwise: for NULL */
SessionParam proc_arg_param(const char *name, const Type *type, Value value); /* for proc_run */

#endif
