/*
 * session_internal.h - the inside of a session, shared by the files of exec/. Owner thread only.
 *
 * A batch or procedure text runs in a Scope (variables, table variables); scopes nest by EXEC. The runner
 * walks the tree; each statement gives a Flow. A SQL error travels as `false` with a SqlError up to the
 * runner, which alone decides what it ends (error.c).
 */
#ifndef STANDIN_EXEC_SESSION_INTERNAL_H
#define STANDIN_EXEC_SESSION_INTERNAL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/strmap.h"
#include "standin/bind/bind.h"
#include "standin/bind/functions.h"
#include "standin/exec/server.h"
#include "standin/store/row_writer.h"
#include "standin/tsql/ast.h"
#include "standin/tsql/parser.h"

enum {
    SESSION_MAX_NESTING = 32,
    SESSION_MAX_HELD = 4 * SESSION_MAX_NESTING,
    SESSION_MAX_FILTERS = 16,
    SESSION_HANDLE_FIRST = 1,
    /* SqlError.number of a stop without a message: cancelled, or the client is gone */
    SESSION_STOPPED = 0,
};

typedef struct Variable {
    Str name; /* with '@' */
    Type type;
    Value value; /* bytes owned by `bytes` */
    Buf bytes;
    Table *table; /* a table variable */
} Variable;

typedef struct Scope {
    struct Scope *outer;
    StrMap *variables;
    Str procedure; /* name for messages; empty in a batch */
    int32_t return_status;
    int tries;                     /* TRY blocks open in this text */
    int outer_tries;               /* and around it */
    bool is_chained;               /* a procedure's: its owner's rights are asked, not the caller's */
    const struct Identity *acting; /* as whom it began: REVERT goes no further; NULL in a batch */
} Scope;

typedef struct Caught { /* the error a CATCH block is handling */
    struct Caught *outer;
    SqlError error;
    char procedure[132];
} Caught;

/* What a batch text became: its tree, and compiled statements kept from run to run. */
typedef struct Batch {
    Arena arena;
    char *text; /* owned; the tree borrows from it */
    size_t text_size;
    uint64_t hash;
    AstBatch tree;
    ParserParam *declared; /* of sp_executesql and sp_prepare */
    size_t declared_count;
    Str declaration;
    struct Plan *plans; /* kept ones */
    uint64_t used;
    int in_use;
    bool is_kept; /* in the session's cache or under a handle */
} Batch;

typedef enum PlanKind {
    PLAN_SELECT,
    PLAN_INSERT,
    PLAN_UPDATE,
    PLAN_DELETE,
    PLAN_MERGE,
    PLAN_SCALAR,
    PLAN_CONDITION
} PlanKind;

/* One bound statement or expression. Stale when the catalog, the database, the set of overlays or the row
 * filters have changed. */
typedef struct Plan {
    struct Plan *next; /* in the batch */
    const void *key;   /* the tree node */
    PlanKind kind;
    Arena arena;
    uint64_t catalog_version, source_version, temp_version;
    int32_t database_id;
    int date_style;     /* it was bound under */
    const void *acting; /* EXECUTE AS: a view was looked at for who was there then */
    bool is_in_use;
    union {
        BoundQuery query;
        BoundInsert insert;
        BoundUpdate update;
        BoundDelete delete_;
        BoundMerge merge;
    } u;
} Plan;

/* Rows of these tables are locked or looked at while a SELECT reads them (standin_lock in its SQL). */
typedef struct RowFilter {
    int32_t object_id;
    TxnRows rows;
    LockMode mode;
    bool keeps;      /* the lock is taken, for the transaction; else only waited for */
    bool skips_busy; /* READPAST */
    bool is_nowait;
} RowFilter;

typedef struct Options {
    bool nocount, xact_abort, implicit_transactions, quoted_identifier, ansi_nulls, ansi_warnings,
        ansi_padding, arithabort, concat_null, fmtonly, noexec, parseonly, ansi_null_default, cursor_close,
        no_browsetable, numeric_roundabort;
    int32_t textsize, rowcount, datefirst;
    int date_style;          /* SET DATEFORMAT: BindHost.date_style */
    int32_t identity_insert; /* object id of the table, 0 = none */
    char language[64];
} Options;

typedef struct TempTable {
    struct TempTable *next; /* older */
    Table *table;
    uint64_t born; /* the session's temp_version then */
} TempTable;

typedef struct Handle { /* sp_prepare */
    int32_t number;
    Batch *batch;
} Handle;

/* What a statement leads to. */
typedef enum Flow {
    FLOW_NEXT,
    FLOW_BREAK,
    FLOW_CONTINUE,
    FLOW_RETURN,
    FLOW_THROW,       /* to the CATCH of an outer TRY: Session.thrown */
    FLOW_ABORT_SCOPE, /* the text at hand ends */
    FLOW_ABORT_BATCH, /* the whole request ends */
    FLOW_STOP,        /* the client is gone or has cancelled: nothing more is sent */
} Flow;

typedef struct Bulk Bulk;

struct Session {
    Server *server;
    int spid;
    Out *out;
    Out *client; /* out, unless output is captured */
    sqlite3 *db;
    Functions *functions;
    bool has_context_info;
    char context_info[128]; /* CONTEXT_INFO() */
    Txn *txn;
    BindHost host;
    char *login, *application, *host_name, *user;
    char *original_login;    /* who logged in, whoever is impersonated */
    struct Identity *acting; /* authority.h: what EXECUTE AS has changed, innermost first */
    bool is_sysadmin, is_odbc;
    atomic_bool is_internal;                          /* the server's own; others look at it */
    _Atomic int32_t database_id;                      /* others look at it: is the database in use? */
    _Atomic int32_t held_databases[SESSION_MAX_HELD]; /* those of the texts around the one that runs */
    atomic_size_t held_count;
    int32_t login_database_id;
    int64_t login_us;
    SessionTransport transport;
    atomic_bool is_listed, is_running; /* logged in; a request runs */
    _Atomic int64_t shown_lock_timeout_ms;
    /* as others see them: of the last statement's end */
    _Atomic int32_t shown_isolation, shown_transactions, shown_priority;
    _Atomic(const char *) shown_command;
    _Atomic int64_t shown_request_us, shown_transaction_us;
    _Atomic uint64_t shown_transaction_id;
    char shown_transaction_name[36]; /* the server's mutex */
    atomic_bool is_killed;
    Options options;
    Scope *scope;
    struct Undeclared *undeclared; /* while a text with undeclared parameters is looked at */
    int nesting;
    Caught *caught;
    int try_depth;
    SqlError thrown; /* on its way to a CATCH */
    char thrown_procedure[132];
    TempTable *temps;
    uint64_t temp_version; /* counts up when temporary tables come or go */

    CatalogPin pin;
    int pin_depth;
    Plan *binding;           /* while bind_… runs: whose arena relations live in */
    bool is_binding_failed;  /* the last failure was the binder's: it ends the scope */
    bool is_raised;          /* the error comes from RAISERROR: it ends nothing */
    bool is_thrown;          /* from THROW: it ends the request */
    StrMap *scalars;         /* SQLite functions registered for system functions, by name; SQLite owns them */
    SqlError function_error; /* of such a function */
    bool has_function_error;
    RowFilter filters[SESSION_MAX_FILTERS];
    size_t filter_count;
    bool has_wanted; /* standin_lock met a busy row before the first row was sent */
    LockResource wanted;
    LockMode wanted_mode;
    bool has_sent_row;
    bool has_all_rights; /* inside proc_run */

    int64_t statement_us; /* GETDATE() of the statement */
    int32_t last_error;
    int64_t rowcount;
    bool has_identity, has_scope_identity;
    int64_t identity, scope_identity;
    bool is_stopped; /* out said stop */
    bool is_rpc;
    Flow nested_flow;         /* what the text that a procedure ran has led to */
    uint64_t result_rows;     /* sent since proc_columns */
    uint64_t last_descriptor; /* the client has been told of */
    bool has_rolled_back;     /* how the transaction ended that the client is to be told of */

    Batch **cache;
    size_t cache_count, cache_bytes; /* bytes: of the texts */
    uint64_t cache_tick;
    Handle *handles;
    size_t handle_count;
    int32_t next_handle;
    struct ApiCursor *cursors; /* api_cursor.h */
    int32_t next_cursor;
    Bulk *bulk;
    Arena scratch;            /* of one statement */
    Arena spare;              /* cleared, for the next */
    Session *next, *previous; /* in the server's list, by spid */
};

Out *session_silent_out(void); /* swallows everything; static */

/* ---- error.c: messages, and what an error ends */
/* A statement has failed with e: report it, or hand it to a CATCH. */
Flow error_handle(Session *s, const AstStmt *st, OutCommand command, SqlError *e);
void error_send(Session *s, const SqlError *e, Str procedure);
bool error_info(Session *s, int32_t number, uint8_t class_, uint8_t state, Str text, uint32_t line);

/* ---- text_cache.c: the cache of parsed texts */
Batch *batch_get(Session *s, Str text, Str declaration,
                 SqlError *e); /* parsed; give back with batch_release */
void batch_release(Session *s, Batch *b);
void batch_clear_cache(Session *s);
Batch *batch_free(Batch *b);

/* ---- bound_plan.c */
/* The plan of this node, bound now if there is none or it is stale. keep: for the batch's next run. */
Plan *plan_get(Session *s, Batch *b, const void *node, PlanKind kind, bool keep, SqlError *e);
void plan_release(Plan *p); /* frees one that isn't kept */
Plan *plan_free(Plan *p);
/* Prepare and bind the parameters. deleted and inserted: rows for BOUND_DELETED and BOUND_INSERTED, or NULL.
 */
sqlite3_stmt *plan_open(Session *s, const BoundQuery *q, const Value *inserted, const Value *deleted,
                        SqlError *e);
/* Step: 1 = a row, 0 = the end, -1 = *e. */
int plan_step(Session *s, sqlite3_stmt *st, SqlError *e);
void plan_close(Session *s, sqlite3_stmt *st);
/* The first column of the first row; bytes in the arena. NULL value when there is no row. */
bool plan_value(Session *s, const BoundQuery *q, const Value *inserted, const Value *deleted, Arena *a,
                Value *ret, SqlError *e);
bool plan_scalar(Session *s, const AstExpr *x, const Type *to, Arena *a, Value *ret, Type *ret_type,
                 SqlError *e);

/* ---- bind_host.c: the binder's questions */
void host_init(Session *s);
void host_variable_function(sqlite3_context *c, int argc, sqlite3_value **argv);
void session_enter(Session *s); /* pin the catalog; nests */
void session_leave(Session *s);
/* The current database stays in use until session_return, though another is gone into meanwhile. */
int32_t session_hold_database(Session *s);
void session_return_to_database(Session *s, int32_t held);
const Database *session_database_named(Session *s, Str name, SqlError *e); /* 911, 916, 983 */
bool session_may_change(const Session *s, const Database *d, SqlError *e); /* 3906 */
/* Resolve a table for DDL or DML: *e is 208-like when NULL. */
const Table *session_resolve(Session *s, const AstName *name, SqlError *e);
/* The database and schema a new object goes to. */
bool session_resolve_schema(Session *s, const AstName *name, const Database **ret_d,
                            const Schema **ret_schema, SqlError *e);
const Table *session_temp_table(const Session *s, Str name);
const char *session_schema_name(Session *s, const Table *t);
BindRelation *host_relation_of(Session *s, const Table *t, Arena *a);
/* 229, 230. used: which of r's columns the statement names, or NULL: all. */
bool host_may_use(Session *s, const BindRelation *r, uint32_t permission, const bool *used, SqlError *e);
const Table *host_table(const BindRelation *r); /* NULL: a system view or function */
Value host_argument(sqlite3_value *v);          /* borrowed */

/* ---- intrinsic.c, metadata.c */
bool intrinsic_value(void *data, BindIntrinsic what, Arena *a, Value *ret, SqlError *e);
bool metadata_value(void *data, BindMetadata what, const Value *args, size_t count, Arena *a, Value *ret,
                    SqlError *e);
Value metadata_security(Session *s, BindMetadata what, const Value *args, size_t count, Arena *a);
const char *intrinsic_version(void);

/* ---- sysvtab.c */
bool sysvtab_register(Session *s, Err *e);

/* ---- variable.c */
Scope *scope_push(Session *s, Str procedure);
void scope_pop(Session *s);
Variable *scope_declare(Session *s, Str name, const Type *type, SqlError *e); /* 134 */
Variable *scope_find(Session *s, Str name);
void variable_set(Variable *v, Value value); /* copies */

/* ---- runner.c */
Flow runner_batch(Session *s, Batch *b);
/* 266 when a text or procedure left another count of transactions than it found; f: how it ended. */
Flow runner_check_count(Session *s, int before, Flow f);
Flow runner_list(Session *s, Batch *b, const AstStmt *first, bool in_loop);
/* Run a text in a scope of its own. */
Flow runner_text(Session *s, Str text, Str procedure, bool own_scope);
bool runner_done(Session *s, OutCommand command, bool has_count, uint64_t rows);
void session_show(Session *s);            /* for others' eyes: what has changed */
void runner_tell_transaction(Session *s); /* ENVCHANGE 8, 9, 10 for what has changed since */
bool runner_begin_implicit(Session *s);

/* ---- select_query.c */
bool query_select(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e);
/* Locks of what the query reads, for its isolation level and hints; *ret_rebind: filters have changed. */
bool query_lock(Session *s, const BoundQuery *q, const Table *target, bool changes_target, bool *ret_rebind,
                SqlError *e);
bool query_select_into(Session *s, const AstStmt *st, SqlError *e); /* select_into.c */
bool query_send_columns(Session *s, const BoundColumn *columns, size_t count);
void query_lock_function(sqlite3_context *c, int argc, sqlite3_value **argv);

/* ---- insert.c, update_delete.c, merge.c, select_into.c */
bool dml_insert(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e);
bool dml_update(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e);
bool dml_delete(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e);
bool dml_merge(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e);
bool dml_check_identity(const Session *s, bool gives_identity, const Table *t, SqlError *e); /* 544, 545 */
/* What is set, and what changes with it: computed columns and rowversion. In the statement's arena. */
size_t *dml_dependent_columns(Session *s, const Table *t, const size_t *columns, size_t count,
                              size_t *ret_count);
bool dml_read_start(Session *s, const Table *t, SqlError *e); /* 3952, 3961 before a change */
bool dml_truncate(Session *s, const AstStmt *st, SqlError *e);

/* ---- ddl*.c */
bool ddl_statement(Session *s, const AstStmt *st, SqlError *e);
Table *ddl_build_table(Session *s, const AstCreateTable *c, Table *t, SqlError *e); /* t: moved */
void ddl_drop_temps(Session *s);
void ddl_drop_temp(Session *s, Table *t);
bool ddl_create_local(Session *s, Table *t, SqlError *e); /* #table or table variable */

/* ---- security.c, option.c, call.c, bulk.c */
bool security_statement(Session *s, const AstStmt *st, SqlError *e);
bool option_set(Session *s, const AstSetOption *o, SqlError *e);
void options_default(Session *s);
Flow call_exec(Session *s, Batch *b, const AstStmt *st);
/* A procedure called by RPC: result, status, output values. */
Flow call_rpc(Session *s, const Proc *proc, Str database, ProcArg *args, size_t count, bool no_metadata);
/* By its name, a system procedure or a user's; NULL with e->number 0: there is none. */
const Proc *call_find(Session *s, const AstName *name, SqlError *e);
bool call_insert_exec(Session *s, Batch *b, const AstExec *x, Out *collector, SqlError *e);
bool bulk_begin(Session *s, const AstInsertBulk *b, SqlError *e);
void bulk_free(Session *s);
void procs_core_add(ProcRegistry *procs);
/* Run a text with the call's arguments from `first` on as values of its parameters. */
bool procs_run_with_values(Session *s, Batch *b, ProcCall *call, size_t first, SqlError *e);
/* A handle for a text; its batch, which the handle holds. NULL: *e. */
Batch *procs_prepare(Session *s, Str text, Str declaration, ProcArg *ret_handle, SqlError *e);
Batch *procs_prepared(Session *s, const ProcArg *handle, SqlError *e); /* 8179 */
bool procs_unprepare(Session *s, const ProcArg *handle, SqlError *e);
/* The columns of its first result set, without rows; nothing if it has none. */
bool procs_send_metadata(Session *s, const Batch *b, ProcCall *call, SqlError *e);

/* ---- server.c */
void server_show_transaction(Server *server, Session *s, Str name);
int server_attach(Server *server, Session *s); /* gives the spid */
void server_detach(Server *server, Session *s);
void server_set_login(Server *server, Session *s, Str login); /* others look at it */
bool server_login_in_use(const Server *server, Str login);    /* does a session of its act now? */
bool server_database_in_use(const Server *server, int32_t database_id);

#endif
