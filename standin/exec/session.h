/*
 * session.h - one client's session: what tds/ asks the engine to do. Owner thread only (each connection has a
 * thread). Every call reports through `out`: result sets, messages, DONEs. A SQL error is not a failed call:
 * it is a message and a done(failed). The functions return false only when `out` said stop or the server is
 * shutting down: close the connection.
 */
#ifndef STANDIN_EXEC_SESSION_H
#define STANDIN_EXEC_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "standin/exec/out.h"

typedef struct Server Server; /* server.h: databases, logins, storage, jobs; shared by all sessions */
typedef struct Session Session;

typedef struct SessionTransport { /* as sys.dm_exec_connections tells it */
    bool is_encrypted;            /* not only the login */
    uint32_t packet_size;
    int client_port, server_port; /* TCP; 0: another transport */
} SessionTransport;

typedef struct SessionLogin {
    Str user, password, database, application, host, language; /* UTF-8; database may be empty */
    bool is_read_only_intent;
    bool is_database_optional; /* OptionFlags1 fDatabase is clear: fall back, with a message, instead of
                                  failing */
    bool is_odbc;              /* OptionFlags2 fODBC: ANSI defaults, implicit transactions off */
    SessionTransport transport;
} SessionLogin;

/* Log in. NULL: refused, *ret_message has the number (18456, 18470, 4060, 4064) and text, static or borrowed
 * from the server. */
Session *session_open(Server *server, const SessionLogin *login, Out *out, OutMessage *ret_message);
typedef struct SessionInfo { /* what others see of a session: sys.dm_exec_sessions */
    int spid;
    int32_t database_id;
    Str login, host, application;
    int64_t login_us;
    SessionTransport transport;
    int32_t isolation, open_transactions; /* as the last statement left them */
    int64_t lock_timeout_ms;
    int deadlock_priority;
    bool is_running;
    const char *command; /* of the statement that runs, or ran last: "SELECT"; NULL: none did */
    int64_t request_us, transaction_us; /* wall clock: since when */
    uint64_t transaction_id;
    Str transaction_name;
} SessionInfo;

/* Roll back, release, free; returns NULL. */
Session *session_close(Session *s);
int session_spid(const Session *s);
Str session_database(const Session *s);
/* RESETCONNECTION: login-time database and options, temporary objects gone, prepared handles gone; rolls back
 * unless keep. */
bool session_reset(Session *s, bool keep_transaction);

/* A SQL batch (UTF-8). */
bool session_batch(Session *s, Str text);

typedef struct SessionParam {
    Str name; /* with '@', or empty = positional */
    Type type;
    Value value;
    bool is_output, is_default;
} SessionParam;

/* A procedure by name ("sys.sp_cdc_enable_table", "sp_executesql", …); the TDS procedure ids are mapped to
 * their names. */
bool session_rpc(Session *s, Str procedure, const SessionParam *params, size_t count, bool no_metadata);

typedef enum SessionTm {
    SESSION_TM_BEGIN,
    SESSION_TM_COMMIT,
    SESSION_TM_ROLLBACK,
    SESSION_TM_SAVE
} SessionTm;
/* A transaction manager request; isolation as in [MS-TDS] 2.2.6.9 (0 = keep); begin_anew after commit or
 * rollback. */
bool session_transaction(Session *s, SessionTm what, Str name, int isolation, bool begin_anew);
uint64_t session_transaction_descriptor(const Session *s); /* 0 = none */

/* Bulk load: after a batch `INSERT BULK t (…)` the session waits for rows. */
bool session_in_bulk(const Session *s);
/* The columns of the client's COLMETADATA, then rows, then the end (all or nothing); each false = stop the
 * connection. */
bool session_bulk_columns(Session *s, const OutColumn *columns, size_t count);
bool session_bulk_row(Session *s, const Value *values);
bool session_bulk_end(Session *s, bool is_cancelled);

#endif
