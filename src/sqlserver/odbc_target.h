/*
 * odbc_target.h - where to connect and how: from it the connection string of the driver at hand is made. Pure
 * but for odbc_target_driver, which asks unixODBC what is registered. Any thread.
 */
#ifndef SQLSERVER_ODBC_TARGET_H
#define SQLSERVER_ODBC_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef enum OdbcDriverKind {
    ODBC_DRIVER_MICROSOFT, /* "ODBC Driver 17/18 for SQL Server" */
    ODBC_DRIVER_FREETDS,
} OdbcDriverKind;

/* event.processing.failure.handling.mode: an error, or the row is left out: counted, and told or not. MARK,
 * in an error's place: the row comes with the value marked (VALUE_UNREADABLE), for the target to set it
 * aside. */
typedef enum UnreadableRow {
    UNREADABLE_FAIL,
    UNREADABLE_WARN,
    UNREADABLE_SKIP,
    UNREADABLE_MARK,
} UnreadableRow;

/* All texts are borrowed and must outlive what is made from it. NULL = not set. */
typedef struct OdbcTarget {
    const char *driver; /* database.odbc.driver: a registered name or a path; NULL = found by itself */
    const char *hostname;
    uint16_t port;        /* 0 = by the instance's name */
    const char *instance; /* a port, when set too, wins */
    const char *database;
    const char *user; /* NULL = Kerberos */
    const char *password;
    bool encrypt;
    bool trust_server_certificate;
    const char *host_name_in_certificate;
    bool is_read_only; /* applicationIntent=ReadOnly */
    bool multi_subnet_failover;
    const char *application;
    int64_t login_timeout_ms; /* 0 = the driver's */
    int64_t query_timeout_ms; /* 0 = none */
    int64_t max_value_bytes;  /* a longer value is an error; bounds what the driver buffers */
    UnreadableRow unreadable; /* what a row with such a value does to changes and copies */
} OdbcTarget;

/* The driver to use: the one named, else Microsoft's 18 or 17, else FreeTDS. ret_name is owned.
 * Errors: ERR_INVALID when none is installed, naming what to install. */
MUST_CHECK bool odbc_target_driver(const OdbcTarget *target, char **ret_name, OdbcDriverKind *ret_kind,
                                   Err *e);
/* FreeTDS by its file's or registered name, else Microsoft's. */
OdbcDriverKind odbc_target_kind(const char *driver);
/* The connection string, password and all: never log it. Errors: ERR_INVALID for what the driver can't do. */
MUST_CHECK bool odbc_target_string(const OdbcTarget *target, const char *driver, OdbcDriverKind kind,
                                   Buf *out, Err *e);

#endif
