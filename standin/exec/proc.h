/*
 * proc.h - procedures written in C: sp_executesql, sp_cdc_enable_table, sp_columns_100 … The registry, and
 * what a procedure may do to its session.
 *
 * A procedure is found by its bare name in any database, with or without schema "sys" or "dbo". Its arguments
 * arrive by position, already converted to the declared types, absent ones with is_default set.
 */
#ifndef STANDIN_EXEC_PROC_H
#define STANDIN_EXEC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "standin/exec/out.h"
#include "standin/exec/session.h"
#include "standin/store/catalog.h"
#include "standin/store/sql_error.h"
#include "standin/store/txn.h"

struct sqlite3;
typedef struct ProcRegistry ProcRegistry;

enum { PROC_MAX_PARAMS = 40 };

typedef struct ProcParam {
    const char *name; /* with '@' */
    Type type;        /* TYPE_NULL: taken as it comes */
    bool is_required; /* else absent = NULL with is_default: error 201 when missing */
    bool is_output;
} ProcParam;

typedef struct ProcArg {
    Value value;
    Type type;
    Str name;        /* as given, or empty */
    bool is_default; /* not given, or DEFAULT */
    bool is_output;  /* the caller wants it back: set value */
} ProcArg;

typedef struct Proc Proc;
typedef struct ProcCall {
    const Proc *proc;
    const ProcArg *args; /* by the declaration; of a variadic procedure all that were given */
    ProcArg *outputs;    /* the same array, to set values of output parameters (bytes in arena) */
    size_t count;
    Arena *arena;       /* lives until the call's end */
    int32_t ret_status; /* RETURN value: 0 unless set */
    bool no_metadata;
} ProcCall;

/* false: the error is in *e (the statement fails with it; session rules decide on the transaction). Result
 * sets go through proc_columns/proc_row/proc_rows_done, messages through proc_message. */
typedef bool ProcFunction(Session *s, ProcCall *call, SqlError *e);

struct Proc {
    const char *name;
    const ProcParam *params;
    size_t param_count;           /* ≤ PROC_MAX_PARAMS */
    bool is_variadic;             /* takes more, unnamed in the declaration (sp_executesql) */
    bool wants_quiet_transaction; /* refused inside a transaction (574) */
    ProcFunction *call;
    const void *data; /* the function's own: the text of a script (proc_script.h) */
};

ProcRegistry *procregistry_new(void);
ProcRegistry *procregistry_free(ProcRegistry *r);
void procregistry_add(ProcRegistry *r, const Proc *procs,
                      size_t count);                              /* borrowed for the registry's life */
const Proc *procregistry_find(const ProcRegistry *r, Str name);   /* any letter case; NULL = none */
const Proc *procregistry_next(const ProcRegistry *r, size_t *at); /* walk: *at starts at 0 */
int32_t procregistry_object_id(const ProcRegistry *r,
                               const Proc *p);                     /* negative, fixed while the server runs */
const Proc *procregistry_by_id(const ProcRegistry *r, int32_t id); /* NULL = none */

/* ---- what a procedure (or a SysScalar, SysFill) may ask of its session; owner thread only */
Server *session_server(Session *s);
Catalog *session_catalog(Session *s);
Log *session_log(Session *s);
const Database *session_current_database(Session *s); /* pinned while a statement runs */
Txn *session_txn(Session *s);
struct sqlite3 *session_db(Session *s);
Str session_login_name(const Session *s);
Str session_user_name(Session *s); /* in the current database */
bool session_is_sysadmin(const Session *s);
/* Member of a database role, by name ("db_owner"); sysadmin and dbo always. */
bool session_is_member(Session *s, const Database *d, Str role);
bool session_may(Session *s, const Database *d, const Table *t, uint32_t permissions);
/* The tables of a database: those in the catalog, and in tempdb the session's own temporary ones. Begin with
 * {0}; NULL: the end. */
typedef struct SessionTables {
    int32_t at;
    const Table *temp; /* the last one given */
} SessionTables;
const Table *session_next_table(Session *s, int32_t database_id, SessionTables *at);
/* PARSENAME-like: [db.][schema.]name in any quoting, resolved in the current database. NULL: none. */
const Table *session_find_table(Session *s, Str name);

/* Result sets: columns, rows, then done. false: the client is gone, leave at once with false (e->number 0).
 */
bool proc_columns(Session *s, const OutColumn *columns, size_t count);
bool proc_row(Session *s, const Value *values);
bool proc_rows_done(Session *s);
/* An informational message (class ≤ 10). */
bool proc_message(Session *s, int32_t number, uint8_t class_, Str text);
/* Wait, as WAITFOR does. False: the client has had enough, or the server stops: leave at once with false. */
bool proc_wait_ms(Session *s, int64_t ms, SqlError *e);

/* Run T-SQL within the procedure, with all rights and no output but messages of errors; names resolve in
 * database_id. The text may have @variables, given by params (as sp_executesql). */
MUST_CHECK bool proc_run(Session *s, int32_t database_id, Str text, const SessionParam *params, size_t count,
                         SqlError *e);
/* The same for one SELECT whose rows come to a callback (NULL row callback: to the client, as a result set).
 */
typedef bool ProcRow(void *arg, const Value *values, size_t count);
MUST_CHECK bool proc_query(Session *s, int32_t database_id, Str text, const SessionParam *params,
                           size_t count, ProcRow *row, void *arg, SqlError *e);

/* Run T-SQL as the procedure's body: with the caller's rights, in the current database, answers to the
 * client. The parameters are its variables. Errors are reported as those of any T-SQL; false: the text
 * couldn't be parsed. */
MUST_CHECK bool proc_script(Session *s, Str text, const SessionParam *params, size_t count,
                            int32_t *ret_status, SqlError *e);

/* The columns of the first result set that the text would give: it is bound, not run. Variables that nobody
 * declares count as NULL. */
typedef bool ProcColumns(void *arg, const OutColumn *columns, size_t count);
MUST_CHECK bool proc_describe(Session *s, int32_t database_id, Str text, const SessionParam *params,
                              size_t count, ProcColumns *see, void *arg, SqlError *e);

/* A parameter that a text uses and @params doesn't declare, with the type that its use asks for. */
typedef struct ProcUndeclared {
    Str name; /* with '@' */
    Type type;
    bool is_output; /* assigned, or given for an output parameter */
    Str formal;     /* the procedure's parameter that it is given for; else empty */
} ProcUndeclared;
/* Those of a text, in their order in it and in the arena; the text is bound, not run. */
MUST_CHECK bool proc_undeclared(Session *s, Str text, const SessionParam *params, size_t count, Arena *a,
                                ProcUndeclared **ret, size_t *ret_count, SqlError *e);

/* ---- schema changes as procedures make them, inside the session's transaction (undone by its rollback) */
/* The table's Sch-M lock, to the end of the transaction (or the statement); refused inside SNAPSHOT (3964).
 * Before the table is looked up that is copied and edited: another may have changed it meanwhile. */
MUST_CHECK bool session_lock_table(Session *s, int32_t object_id, SqlError *e);
/* Publish an edited copy (table_copy, database_copy): moved. Needs the Sch-M lock for tables, taken inside
 * where the copy is of a table that nobody else can have changed. */
MUST_CHECK bool session_publish_table(Session *s, Table *t, SqlError *e);
MUST_CHECK bool session_publish_database(Session *s, Database *d, SqlError *e);
MUST_CHECK bool session_create_table(Session *s, Table *t, SqlError *e); /* also makes it in SQLite */
MUST_CHECK bool session_drop_table(Session *s, int32_t object_id, SqlError *e);
/* Change the declared type of a column, converting its rows (ALTER COLUMN without its checks). */
MUST_CHECK bool session_alter_column(Session *s, int32_t object_id, int32_t column_id, const Type *type,
                                     bool is_nullable, SqlError *e);

/* A session of the server itself (jobs): sysadmin, no client. Close with session_close. */
Session *session_open_internal(Server *server, int32_t database_id, Err *e);

#endif
