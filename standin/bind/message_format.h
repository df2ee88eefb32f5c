/*
 * message_format.h - the printf-like texts of RAISERROR and FORMATMESSAGE: %d %i %u %x %X %o %s with flags,
 * width and precision, * for either. Any thread.
 */
#ifndef STANDIN_BIND_MESSAGE_FORMAT_H
#define STANDIN_BIND_MESSAGE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "standin/tsql/sqlerror.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

typedef struct MessageArg {
    Value value;
    Type type; /* TYPE_NULL: not given */
} MessageArg;

enum { MESSAGE_MAX_ARGS = 20, MESSAGE_MAX_UNITS = 2047 };

/* Append the message. False: *e is 2786 (an argument of another kind) or 2787 (no such directive). */
MUST_CHECK bool messageformat_text(Str format, const MessageArg *args, size_t count, Buf *out, SqlError *e);

#endif
