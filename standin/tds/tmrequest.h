/* tmrequest.h - transaction manager requests ([MS-TDS] 2.2.6.9). Any thread. */
#ifndef STANDIN_TDS_TMREQUEST_H
#define STANDIN_TDS_TMREQUEST_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "base/err.h"
#include "standin/exec/session.h"

typedef struct TmRequest {
    SessionTm what;
    Str name;
    int isolation;       /* 0 = keep; of a begin, or of the transaction begun anew */
    bool begin_anew;     /* after commit and rollback */
    bool is_distributed; /* of MSDTC's, which isn't there: nothing else is set */
} TmRequest;

/* What follows ALL_HEADERS. Errors: ERR_INVALID. */
MUST_CHECK bool tmrequest_read(Cursor *c, Arena *a, TmRequest *ret, Err *e);

#endif
