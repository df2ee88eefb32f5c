/* quote.h - names as delimited identifiers in T-SQL text. Any thread. */
#ifndef STANDIN_BUILTIN_QUOTE_H
#define STANDIN_BUILTIN_QUOTE_H

#include "base/buf.h"
#include "base/str.h"

/* Append [name], a closing bracket doubled. */
void quote_name(Str name, Buf *out);

#endif
