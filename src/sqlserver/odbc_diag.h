/*
 * odbc_diag.h - what an ODBC diagnostic means to us: which of several names the cause, whose fault it is, and
 * whether trying again can help. Pure; plain values; any thread.
 *
 * Microsoft's driver tells by SQLSTATE, FreeTDS often only by the native number (a lost connection is
 * SQLSTATE 01000 with native 20017), so both are looked at.
 */
#ifndef SQLSERVER_ODBC_DIAG_H
#define SQLSERVER_ODBC_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

typedef struct OdbcDiag {
    char state[6];  /* SQLSTATE, NUL-terminated */
    int32_t native; /* SQL Server's message number, or the driver's own (FreeTDS: 20000 … 20999) */
    Str message;    /* borrowed */
} OdbcDiag;

typedef enum OdbcFault {
    ODBC_FAULT_NONE,       /* information: changed database, language */
    ODBC_FAULT_LOGIN,      /* the server said no to the login */
    ODBC_FAULT_DATABASE,   /* cannot open the database: misspelt, no access, or not up yet */
    ODBC_FAULT_CONNECTION, /* the peer is away or went away */
    ODBC_FAULT_TIMEOUT,
    ODBC_FAULT_BUSY,      /* deadlock, lock time-out, out of a resource: the same again may pass */
    ODBC_FAULT_TLS,       /* certificate or protocol: configuration */
    ODBC_FAULT_STATEMENT, /* all else */
} OdbcFault;

OdbcFault odbc_diag_fault(const OdbcDiag *diag);
/* Index of the diagnostic that names the cause; count > 0. */
size_t odbc_diag_cause(const OdbcDiag *diags, size_t count);
/* The message without the "[vendor][driver][server]" parts before it. */
Str odbc_diag_text(Str message);
/* Fill *e from the diagnostics; returns false. count 0 gives ERR_IO "the driver gave no reason". */
bool odbc_diag_err(const OdbcDiag *diags, size_t count, Err *e);

#endif
