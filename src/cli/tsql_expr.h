/*
 * tsql_expr.h - defaults and conditions of SQL Server's catalog as PostgreSQL has to write them. Only what is
 * certain to mean the same is said to be; what only looks alike (texts under another collation, the server's
 * local time) is likely, with the reason; all else is unknown and nothing is written. Pure; any thread.
 */
#ifndef CLI_TSQL_EXPR_H
#define CLI_TSQL_EXPR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "postgres/pgtype.h"

typedef enum TsqlTrust { TSQL_CERTAIN, TSQL_LIKELY, TSQL_UNKNOWN } TsqlTrust;

typedef struct TsqlColumn {
    Str name; /* in the target, not quoted */
    PgKind kind;
    bool is_case_blind; /* its collation in SQL Server */
} TsqlColumn;

/* The target's column of a source name; false = it has none. */
typedef bool TsqlFind(const void *arg, Str name, TsqlColumn *ret);

/* A default ("((0))", "(getutcdate())") for a column of that kind. *ret_why (static text; NULL = nothing to
 * say): why it isn't certain, or what differs. A NULL default writes nothing and is certain. */
TsqlTrust tsql_expr_default(Str definition, PgKind kind, Buf *out, const char **ret_why);
/* A check's or a filter's condition ("([quantity]>(0))"). */
TsqlTrust tsql_expr_condition(Str definition, TsqlFind *find, const void *arg, Buf *out,
                              const char **ret_why);

#endif
