/*
 * server.h - the stand-in's engine as a whole: storage, logins, sessions, registries, modules. Any thread
 * unless said otherwise.
 */
#ifndef STANDIN_EXEC_SERVER_H
#define STANDIN_EXEC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "standin/exec/configuration.h"
#include "standin/exec/fault.h"
#include "standin/exec/proc.h"
#include "standin/exec/session.h"
#include "standin/store/catalog.h"
#include "standin/store/log.h"
#include "standin/store/store.h"
#include "standin/store/sysobj.h"

/* A part above the engine (cdc/, system/): registers its procedures, functions and views, then runs its jobs.
 */
typedef struct ServerModule {
    const char *name;
    void (*add)(SysRegistry *sys, ProcRegistry *procs); /* at open, before anything runs; may be NULL */
    /* After the storage is open, before sessions: *ret_state is passed to stop. May be NULL. */
    bool (*start)(Server *server, void **ret_state, Err *e);
    /* A database is about to be dropped, by this session; may be NULL. */
    bool (*drop_database)(Session *s, int32_t database_id, SqlError *e);
    void (*stop)(void *state); /* at close, sessions are gone; ends and joins its threads. May be NULL. */
} ServerModule;

typedef struct ServerOptions {
    const char *sa_password;            /* NULL: any password is taken for sa */
    const char *name;                   /* @@SERVERNAME; NULL: the host's */
    int64_t capture_interval_ms;        /* of the capture job; 0: the job's own setting (5 s) */
    bool captures_at_once;              /* the capture job scans as soon as something is committed */
    const ServerModule *const *modules; /* NULL-terminated; may be NULL */
} ServerOptions;

/* Open or create the data directory. Errors: ERR_IO, ERR_DATA. */
MUST_CHECK bool server_open(const char *dir, const ServerOptions *options, Server **ret, Err *e);
/* Stops the modules, closes the storage. All sessions are closed. Returns NULL. */
Server *server_close(Server *server);
/* Ask everything that runs to end soon (statements fail, waits end); sessions are to be closed then. */
void server_stop(Server *server);
bool server_is_stopping(const Server *server);

Store *server_store(Server *server);
Configuration *server_configuration(const Server *server);
Catalog *server_catalog(Server *server);
Log *server_log(Server *server);
const SysRegistry *server_sys(const Server *server);
const ProcRegistry *server_procs(const Server *server);
/* Tell the modules. */
MUST_CHECK bool server_drop_database(Server *server, Session *s, int32_t database_id, SqlError *e);
void *server_module_state(const Server *server, const char *module); /* what its start gave; NULL = none */
Fault *server_fault(const Server *server);                           /* what tests ask to go wrong */
const char *server_name(const Server *server);
int64_t server_capture_interval_ms(const Server *server);
bool server_captures_at_once(const Server *server);
int64_t server_start_us(const Server *server);
/* KILL: the session's request ends and its connection with it. false: there is no such session. */
bool server_kill(Server *server, int spid);
size_t server_session_count(const Server *server);
/* The clients' sessions by spid, in the arena; returns how many. */
size_t server_list_sessions(Server *server, Arena *arena, SessionInfo **ret);
uint64_t server_next_rowversion(Server *server);
uint64_t server_last_rowversion(const Server *server); /* @@DBTS */

/* 18456, or 18470 when it is disabled. */
MUST_CHECK bool server_check_login(Server *server, Str user, Str password, SqlError *e);

#endif
