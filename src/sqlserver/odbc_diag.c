/*
 * A failed call leaves one to a dozen diagnostics, informational ones among them, and the first is often the
 * least telling: FreeTDS puts "Adaptive Server connection failed" beside the server's "Login failed". So
 * every one is classified, and the cause is the one of the most telling class: a refusal by name before a
 * lost connection, that before a statement's error.
 */
#include "sqlserver/odbc_diag.h"

#include <string.h>

#include "base/mem.h"

typedef struct NativeFault {
    int32_t native;
    OdbcFault fault;
} NativeFault;

/* SQL Server's messages (sys.messages), Azure SQL's transient errors, winsock's, and FreeTDS's own (sybdb.h).
 */
static const NativeFault NATIVE_FAULTS[] = {
    {5701, ODBC_FAULT_NONE},        /* changed database context */
    {5703, ODBC_FAULT_NONE},        /* changed language setting */
    {18452, ODBC_FAULT_LOGIN},      /* untrusted domain */
    {18456, ODBC_FAULT_LOGIN},      /* login failed */
    {18470, ODBC_FAULT_LOGIN},      /* account disabled */
    {18486, ODBC_FAULT_LOGIN},      /* account locked */
    {18487, ODBC_FAULT_LOGIN},      /* password expired */
    {18488, ODBC_FAULT_LOGIN},      /* password must be changed */
    {916, ODBC_FAULT_DATABASE},     /* principal cannot access the database */
    {4060, ODBC_FAULT_DATABASE},    /* cannot open database */
    {18451, ODBC_FAULT_CONNECTION}, /* server is shutting down */
    {596, ODBC_FAULT_CONNECTION},   /* session killed */
    {921, ODBC_FAULT_CONNECTION},   /* database not recovered yet */
    {922, ODBC_FAULT_CONNECTION},   /* database being recovered */
    {927, ODBC_FAULT_CONNECTION},   /* database being restored */
    {942, ODBC_FAULT_CONNECTION},   /* database offline */
    {952, ODBC_FAULT_CONNECTION},   /* database in transition */
    {976, ODBC_FAULT_CONNECTION},   /* availability replica not readable */
    {983, ODBC_FAULT_CONNECTION},   /* replica resolving */
    {6005, ODBC_FAULT_CONNECTION},  /* shutdown in progress */
    {9001, ODBC_FAULT_CONNECTION},  /* log not available */
    {17142, ODBC_FAULT_CONNECTION}, /* server paused */
    {4221, ODBC_FAULT_CONNECTION},  /* login to a readable secondary must wait */
    {64, ODBC_FAULT_CONNECTION},    {121, ODBC_FAULT_CONNECTION},   {233, ODBC_FAULT_CONNECTION},
    {10053, ODBC_FAULT_CONNECTION}, {10054, ODBC_FAULT_CONNECTION}, {10060, ODBC_FAULT_CONNECTION},
    {10061, ODBC_FAULT_CONNECTION}, {10928, ODBC_FAULT_BUSY},       {10929, ODBC_FAULT_BUSY},
    {40197, ODBC_FAULT_CONNECTION}, {40501, ODBC_FAULT_BUSY},       {40540, ODBC_FAULT_CONNECTION},
    {40613, ODBC_FAULT_CONNECTION}, {49918, ODBC_FAULT_BUSY},       {49919, ODBC_FAULT_BUSY},
    {49920, ODBC_FAULT_BUSY},       {701, ODBC_FAULT_BUSY},      /* out of memory */
    {1204, ODBC_FAULT_BUSY},                                     /* no locks left */
    {1205, ODBC_FAULT_BUSY},                                     /* deadlock victim */
    {1222, ODBC_FAULT_BUSY},                                     /* lock time-out */
    {3961, ODBC_FAULT_BUSY},                                     /* DDL met a snapshot transaction */
    {8645, ODBC_FAULT_BUSY},                                     /* no memory grant in time */
    {8651, ODBC_FAULT_BUSY},        {20003, ODBC_FAULT_TIMEOUT}, /* SYBETIME */
    {20002, ODBC_FAULT_CONNECTION},                              /* SYBEFCON */
    {20004, ODBC_FAULT_CONNECTION},                              /* SYBEREAD */
    {20006, ODBC_FAULT_CONNECTION},                              /* SYBEWRIT */
    {20008, ODBC_FAULT_CONNECTION},                              /* SYBESOCK */
    {20009, ODBC_FAULT_CONNECTION},                              /* SYBECONN */
    {20017, ODBC_FAULT_CONNECTION},                              /* SYBESEOF */
    {20020, ODBC_FAULT_CONNECTION},                              /* SYBEBTOK: bad token */
    {20047, ODBC_FAULT_CONNECTION},                              /* SYBEDDNE: dead */
};

static bool contains(Str text, const char *word) {
    size_t n = strlen(word);
    return text.n >= n && memmem(text.p, text.n, word, n);
}

OdbcFault odbc_diag_fault(const OdbcDiag *diag) {
    if (contains(diag->message, "SSL Provider") || contains(diag->message, "certificate"))
        return ODBC_FAULT_TLS;
    for (size_t i = 0; i < sizeof NATIVE_FAULTS / sizeof *NATIVE_FAULTS; i++)
        if (NATIVE_FAULTS[i].native == diag->native) return NATIVE_FAULTS[i].fault;
    const char *s = diag->state;
    if (strcmp(s, "28000") == 0) return ODBC_FAULT_LOGIN;
    if (strcmp(s, "HYT00") == 0 || strcmp(s, "HYT01") == 0) return ODBC_FAULT_TIMEOUT;
    if (strcmp(s, "40001") == 0) return ODBC_FAULT_BUSY;
    if (strncmp(s, "08", 2) == 0) return ODBC_FAULT_CONNECTION;
    /* Every error of the server has a number. Without one it is the driver's own, and FreeTDS says "Unknown
     * error" so when it writes to a connection that is gone. */
    if (strcmp(s, "HY000") == 0 && diag->native == 0) return ODBC_FAULT_CONNECTION;
    if (strncmp(s, "01", 2) == 0 || strncmp(s, "00", 2) == 0) return ODBC_FAULT_NONE;
    return ODBC_FAULT_STATEMENT;
}

/* How much a class tells of the cause. */
static int fault_rank(OdbcFault fault) {
    switch (fault) {
    case ODBC_FAULT_NONE: return 0;
    case ODBC_FAULT_STATEMENT: return 1;
    case ODBC_FAULT_BUSY: return 2;
    case ODBC_FAULT_TIMEOUT: return 3;
    case ODBC_FAULT_CONNECTION: return 4;
    case ODBC_FAULT_LOGIN: return 5;
    case ODBC_FAULT_DATABASE: return 6;
    case ODBC_FAULT_TLS: return 7;
    }
    return 0;
}

size_t odbc_diag_cause(const OdbcDiag *diags, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        int mine = fault_rank(odbc_diag_fault(&diags[i])), its = fault_rank(odbc_diag_fault(&diags[best]));
        if (mine > its) best = i;
    }
    return best;
}

Str odbc_diag_text(Str message) {
    while (message.n && message.p[0] == '[') {
        size_t close = str_find(message, ']');
        if (close == message.n) break;
        message = str_sub(message, close + 1, message.n);
    }
    return str_trim(message);
}

static ErrCode fault_code(OdbcFault fault) {
    switch (fault) {
    case ODBC_FAULT_LOGIN:
    case ODBC_FAULT_DATABASE:
    case ODBC_FAULT_TLS:
    case ODBC_FAULT_STATEMENT: return ERR_INVALID;
    case ODBC_FAULT_TIMEOUT: return ERR_TIMEOUT;
    default: return ERR_IO;
    }
}

/* Messages that quote a value of a row: it couldn't be converted, or overflowed. */
static bool quotes_value(int32_t native) {
    return native == 245 || native == 248;
}

/* The text with what stands between its first and its last quote left out. */
static char *without_value(Str text) {
    size_t first = str_find(text, '\''), last = text.n;
    while (last > first && text.p[last - 1] != '\'') last--;
    if (first == text.n) return str_dup(text);
    Str head = str_sub(text, 0, first), tail = str_sub(text, last, text.n);
    return x_asprintf(STR_FMT "'…'" STR_FMT, STR_ARG(head), STR_ARG(tail));
}

bool odbc_diag_err(const OdbcDiag *diags, size_t count, Err *e) {
    if (count == 0) return err_set(e, ERR_IO, true, "the ODBC driver gave no reason");
    const OdbcDiag *cause = &diags[odbc_diag_cause(diags, count)];
    OdbcFault fault = odbc_diag_fault(cause);
    bool retriable =
        fault == ODBC_FAULT_CONNECTION || fault == ODBC_FAULT_TIMEOUT || fault == ODBC_FAULT_BUSY;
    Str text = odbc_diag_text(cause->message);
    CLEANUP_FREE char *shown = quotes_value(cause->native) ? without_value(text) : NULL;
    if (shown) text = str_from(shown);
    return err_set(e, fault_code(fault), retriable, STR_FMT " (error %d, SQLSTATE %s)", STR_ARG(text),
                   cause->native, cause->state);
}
