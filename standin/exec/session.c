/*
 * A session's life and its requests: batch, procedure call, transaction request. Bulk load is in bulk_load.c.
 */
#include "standin/exec/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/exec/api_cursor.h"
#include "standin/exec/authority.h"
#include "standin/exec/session_internal.h"
#include "standin/types/collation.h"

enum { PROGRESS_STEPS = 50000 };

/* ---- an Out that swallows everything: the server's own sessions */

static bool no_columns(Out *o, const OutColumn *columns, size_t count) {
    (void)o, (void)columns, (void)count;
    return true;
}
static bool no_row(Out *o, const Value *values) {
    (void)o, (void)values;
    return true;
}
static bool no_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    (void)o, (void)command, (void)has_count, (void)rows, (void)failed;
    return true;
}
static bool no_message(Out *o, const OutMessage *m) {
    (void)o, (void)m;
    return true;
}
static bool no_env_text(Out *o, OutEnv what, Str now, Str before) {
    (void)o, (void)what, (void)now, (void)before;
    return true;
}
static bool no_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    (void)o, (void)what, (void)descriptor;
    return true;
}
static bool no_status(Out *o, int32_t status) {
    (void)o, (void)status;
    return true;
}
static bool no_value(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value) {
    (void)o, (void)ordinal, (void)name, (void)type, (void)value;
    return true;
}
static bool not_cancelled(Out *o) {
    (void)o;
    return false;
}
static void no_procedure(Out *o, bool enters) {
    (void)o, (void)enters;
}

static Out silent = {no_columns,         no_row,    no_done,  no_message,    no_env_text,
                     no_env_transaction, no_status, no_value, not_cancelled, no_procedure};

Out *session_silent_out(void) {
    return &silent;
}

/* ---- opening */

static bool is_interrupted(void *arg) {
    Session *s = arg;
    return server_is_stopping(s->server) || s->is_killed || s->client->is_cancelled(s->client);
}

static int progress(void *arg) {
    const Session *s = arg;
    return !(s->txn && txn_is_undoing(s->txn)) && is_interrupted(arg);
}

static bool connect_storage(Session *s, Err *e) {
    s->db = store_connect(server_store(s->server), e);
    if (!s->db) return false;
    s->functions = functions_register(s->db, e);
    if (!s->functions) return false;
    s->scalars = strmap_new(/* ignore_case= */ true);
    int rc =
        sqlite3_create_function(s->db, "standin_lock", 3, SQLITE_UTF8, s, query_lock_function, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(s->db, "standin_variable", 1, SQLITE_UTF8, s, host_variable_function,
                                     NULL, NULL);
    if (rc != SQLITE_OK) return err_set(e, ERR_INTERNAL, false, "%s", sqlite3_errmsg(s->db));
    sqlite3_progress_handler(s->db, PROGRESS_STEPS, progress, s);
    s->txn = txn_new(server_store(s->server), s->db, s->spid);
    txn_set_cancel(s->txn, is_interrupted, s);
    host_init(s);
    return sysvtab_register(s, e);
}

static Session *open_common(Server *server, Out *out, Err *e) {
    Session *s = x_calloc(1, sizeof *s);
    s->server = server;
    s->out = s->client = out;
    s->next_handle = SESSION_HANDLE_FIRST;
    (void)server_attach(server, s);
    options_default(s);
    return connect_storage(s, e) ? s : session_close(s);
}

Session *session_close(Session *s) {
    if (!s) return NULL;
    s->out = s->client = &silent;
    bulk_free(s);
    if (s->txn) txn_rollback_all(s->txn);
    while (s->scope) scope_pop(s);
    if (s->db) ddl_drop_temps(s);
    for (size_t i = 0; i < s->handle_count; i++) batch_release(s, s->handles[i].batch);
    free(s->handles);
    api_cursor_close_all(s);
    batch_clear_cache(s);
    s->txn = txn_free(s->txn);
    if (s->db) store_disconnect(s->db);
    s->functions = functions_free(s->functions);
    s->scalars = strmap_free(s->scalars);
    server_detach(s->server, s);
    arena_done(&s->scratch);
    arena_done(&s->spare);
    authority_revert_to(s, NULL);
    free(s->login);
    free(s->original_login);
    free(s->user);
    free(s->application);
    free(s->host_name);
    free(s);
    return NULL;
}

Session *session_open_internal(Server *server, int32_t database_id, Err *e) {
    Session *s = open_common(server, &silent, e);
    if (!s) return NULL;
    s->login = x_strdup("sa");
    server_set_login(server, s, STR_LIT("sa"));
    s->user = x_strdup("dbo");
    s->application = x_strdup("server");
    s->host_name = x_strdup(server_name(server));
    s->is_sysadmin = true;
    s->is_internal = true;
    s->database_id = s->login_database_id = database_id;
    return s;
}

static void refuse(OutMessage *ret, const SqlError *e, Session *s, Str user) {
    static _Thread_local char text[CONVERT_MESSAGE_SIZE]; /* borrowed by the caller until its next login */
    (void)s, (void)user;
    memcpy(text, e->text, sizeof text);
    *ret = (OutMessage){
        .number = e->number, .state = e->state, .class_ = e->class_, .text = str_from(text), .line = 1};
}

/* Whether that database can be the session's; "" can't. *e is left alone, but for one that may be open later.
 */
static bool take_database(Session *s, Str name, SqlError *e) {
    SqlError why = {0};
    const Database *d = name.n ? session_database_named(s, name, &why) : NULL;
    if (d) s->database_id = s->login_database_id = d->id;
    else if (why.number == 983) *e = why;
    return d != NULL;
}

static bool no_database(Str wanted, SqlError *e) {
    if (e->number != 0) return false;
    if (!wanted.n) return sql_error_set(e, 4064, 11, 1, "Cannot open user default database. Login failed.");
    return sql_error_set(e, 4060, 11, 1,
                         "Cannot open database \"" STR_FMT "\" requested by the login. The login failed.",
                         STR_ARG(wanted));
}

/* The login's database: what was asked for, its default, or master; e->number tells of a fall-back. */
static bool choose_database(Session *s, Str wanted, bool is_optional, SqlError *e) {
    const Login *l = catalog_login(session_catalog(s), str_from(s->login));
    Str own = l && *l->default_database ? str_from(l->default_database) : STR_LIT("master");
    if (take_database(s, wanted.n ? wanted : own, e)) return true;
    if (!is_optional) return no_database(wanted, e);
    if (wanted.n && take_database(s, own, e)) {
        (void)sql_error_set(e, 4063, 11, 1,
                            "Cannot open database \"" STR_FMT "\" that was requested by the login. Using the "
                            "user default database \"" STR_FMT "\" instead.",
                            STR_ARG(wanted), STR_ARG(own));
        return true;
    }
    if (!take_database(s, STR_LIT("master"), e)) return no_database(wanted, e);
    if (wanted.n)
        (void)sql_error_set(e, 4061, 11, 1,
                            "Neither the database \"" STR_FMT
                            "\" requested by the login nor the user default "
                            "database could be opened. The master database is being used instead.",
                            STR_ARG(wanted));
    else
        (void)sql_error_set(e, 4062, 11, 1,
                            "Cannot open user default database. Using master database instead.");
    return true;
}

static bool begin_session(Session *s, const SessionLogin *login, SqlError *e) {
    session_enter(s);
    const Login *l = catalog_login(session_catalog(s), str_from(s->login));
    s->is_sysadmin = str_eq_icase(str_from(s->login), STR_LIT("sa")) || (l && l->is_sysadmin);
    bool ok = choose_database(s, login->database, login->is_database_optional, e);
    session_leave(s);
    if (ok && e->number != 0) error_send(s, e, (Str){0});
    return ok;
}

Session *session_open(Server *server, const SessionLogin *login, Out *out, OutMessage *ret_message) {
    SqlError e = {0};
    if (!server_check_login(server, login->user, login->password, &e)) {
        refuse(ret_message, &e, NULL, login->user);
        return NULL;
    }
    Err err = {0};
    Session *s = open_common(server, out, &err);
    if (!s) {
        (void)sql_error_set(&e, 17189, 16, 1, "The session could not be opened: %s", err.msg);
        refuse(ret_message, &e, NULL, login->user);
        return NULL;
    }
    s->login = str_dup(login->user);
    server_set_login(server, s, login->user);
    s->user = NULL;
    s->application = str_dup(login->application);
    s->host_name = str_dup(login->host);
    s->is_odbc = login->is_odbc;
    s->login_us = clock_wall_us();
    s->transport = login->transport;
    s->shown_isolation = TXN_READ_COMMITTED;
    s->shown_lock_timeout_ms = -1;
    if (begin_session(s, login, &e)) {
        s->is_listed = true;
        return s;
    }
    refuse(ret_message, &e, s, login->user);
    return session_close(s);
}

int session_spid(const Session *s) {
    return s->spid;
}

Str session_database(const Session *s) {
    Session *pinned = (Session *)s;
    session_enter(pinned);
    const Database *d = session_current_database(pinned);
    static _Thread_local char name[4 * 128 + 1]; /* borrowed until the thread's next call */
    size_t n = d ? strlen(d->name) : 0;
    n = n < sizeof name ? n : sizeof name - 1;
    if (n) memcpy(name, d->name, n);
    session_leave(pinned);
    return (Str){name, n};
}

/* The database of the login; it may be gone meanwhile. */
static bool return_to_login_database(Session *s) {
    session_enter(s);
    bool ok = catalog_database_by_id(session_catalog(s), s->login_database_id) != NULL;
    if (ok) s->database_id = s->login_database_id;
    session_leave(s);
    if (ok) return true;
    SqlError e = {0};
    (void)sql_error_set(&e, 18056, 20, 46,
                        "The client was unable to reuse a session with SPID %d, which had been reset for "
                        "connection pooling. The failure ID is 46. This error may have been caused by an "
                        "earlier operation failing. Check the error logs for failed operations immediately "
                        "before this error message.",
                        s->spid);
    error_send(s, &e, (Str){0});
    s->is_stopped = true;
    return false;
}

bool session_reset(Session *s, bool keep_transaction) {
    if (!keep_transaction) txn_rollback_all(s->txn);
    s->has_rolled_back = true;
    runner_tell_transaction(s);
    bulk_free(s);
    authority_revert_to(s, NULL);
    ddl_drop_temps(s);
    for (size_t i = 0; i < s->handle_count; i++) batch_release(s, s->handles[i].batch);
    s->handle_count = 0;
    api_cursor_close_all(s);
    if (!return_to_login_database(s)) return false;
    lock_release_session(txn_owner(s->txn));
    lockowner_set_priority(txn_owner(s->txn), 0);
    txn_set_lock_timeout_ms(s->txn, -1); /* the isolation level stays: [MS-TDS] 2.2.3.1.2 */
    options_default(s);
    s->has_context_info = false;
    s->rowcount = 0;
    s->last_error = 0;
    s->has_identity = s->has_scope_identity = false;
    return !s->is_stopped;
}

/* ---- requests */

void session_show(Session *s) {
    uint64_t id = txn_descriptor(s->txn);
    if (id && s->shown_transaction_id != id) {
        s->shown_transaction_us = clock_wall_us();
        server_show_transaction(s->server, s, txn_name(s->txn));
    }
    s->shown_transaction_id = id;
    s->shown_isolation = (int32_t)txn_isolation(s->txn);
    s->shown_lock_timeout_ms = txn_lock_timeout_ms(s->txn);
    s->shown_transactions = txn_count(s->txn);
    s->shown_priority = lockowner_priority(txn_owner(s->txn));
}

static void request_begin(Session *s) {
    s->is_running = true;
    s->shown_request_us = clock_wall_us();
    s->is_stopped = false;
    s->is_binding_failed = s->is_raised = s->is_thrown = false;
    s->caught = NULL;
    s->try_depth = 0;
    s->statement_us = clock_wall_us();
    s->has_rolled_back = true;
}

/* Whatever a request left open in the middle (an attention): statements end, locks of the statement go. */
static bool request_end(Session *s) {
    txn_write_cancel(s->txn);
    txn_statement_end(s->txn);
    arena_clear(&s->scratch);
    s->out = s->client;
    session_show(s);
    s->is_running = false;
    return !server_is_stopping(s->server) && !s->is_stopped && !s->is_killed;
}

/* What an error in a TRY block has made uncommittable doesn't outlive the request. */
static void end_doomed(Session *s) {
    if (!txn_is_doomed(s->txn)) return;
    SqlError e = {0};
    txn_write_cancel(s->txn);
    txn_rollback_all(s->txn);
    runner_tell_transaction(s);
    (void)sql_error_set(&e, 3998, 16, 1,
                        "Uncommittable transaction is detected at the end of the batch. The transaction is "
                        "rolled back.");
    s->try_depth = 0;
    (void)error_handle(s, NULL, OUT_CMD_NONE, &e);
}

bool session_batch(Session *s, Str text) {
    request_begin(s);
    s->is_rpc = false;
    SqlError e = {0};
    Batch *b = batch_get(s, text, (Str){0}, &e);
    if (!b) {
        (void)error_handle(s, NULL, OUT_CMD_NONE, &e);
        return request_end(s);
    }
    (void)scope_push(s, (Str){0});
    (void)runner_batch(s, b);
    end_doomed(s);
    scope_pop(s);
    batch_release(s, b);
    return request_end(s);
}

/* [db].[schema].name without quotes; what isn't such a name is one as it stands. */
static AstName name_of(Session *s, Str text) {
    AstName parsed;
    return parser_name(text, &s->scratch, &parsed) ? parsed : (AstName){.name = text};
}

bool session_rpc(Session *s, Str procedure, const SessionParam *params, size_t count, bool no_metadata) {
    request_begin(s);
    s->is_rpc = true;
    session_enter(s);
    AstName name = name_of(s, procedure);
    SqlError e = {0};
    const Proc *proc = call_find(s, &name, &e);
    (void)scope_push(s, (Str){0});
    if (!proc) {
        if (!e.number)
            (void)sql_error_set(&e, 2812, 16, 62, "Could not find stored procedure '" STR_FMT "'.",
                                STR_ARG(procedure));
        (void)error_handle(s, NULL, OUT_CMD_EXEC, &e);
    } else if (!str_starts(procedure, STR_LIT("standin.")) &&
               fault_of_statement(server_fault(s->server), s->spid, procedure, &e)) {
        (void)error_handle(s, NULL, OUT_CMD_EXEC, &e);
    } else {
        ProcArg *args = arena_zalloc(&s->scratch, count * sizeof *args);
        for (size_t i = 0; i < count; i++)
            args[i] = (ProcArg){.value = params[i].value,
                                .type = params[i].type,
                                .name = params[i].name,
                                .is_default = params[i].is_default,
                                .is_output = params[i].is_output};
        (void)call_rpc(s, proc, name.database, args, count, no_metadata);
    }
    end_doomed(s);
    scope_pop(s);
    session_leave(s);
    return request_end(s);
}

/* ---- transaction manager requests */

static bool finish_request(Session *s, OutCommand command, bool ok, SqlError *e) {
    runner_tell_transaction(s);
    if (ok) (void)runner_done(s, command, false, 0);
    else (void)error_handle(s, NULL, command, e);
    return request_end(s);
}

bool session_transaction(Session *s, SessionTm what, Str name, int isolation, bool begin_anew) {
    SqlError e = {0};
    bool ok = true;
    OutCommand command = OUT_CMD_NONE;
    request_begin(s);
    (void)scope_push(s, (Str){0});
    switch (what) {
    case SESSION_TM_BEGIN:
        command = OUT_CMD_BEGIN;
        txn_begin(s->txn, name);
        break;
    case SESSION_TM_COMMIT:
        command = OUT_CMD_COMMIT;
        ok = txn_commit(s->txn, &e);
        s->has_rolled_back = !ok;
        break;
    case SESSION_TM_ROLLBACK:
        command = OUT_CMD_ROLLBACK;
        ok = txn_rollback(s->txn, name, &e);
        break;
    case SESSION_TM_SAVE: ok = txn_save(s->txn, name, &e); break;
    }
    if (ok && isolation >= TXN_READ_UNCOMMITTED && isolation <= TXN_SNAPSHOT)
        txn_set_isolation(s->txn, (TxnIsolation)isolation);
    if (ok && begin_anew && !txn_count(s->txn)) {
        runner_tell_transaction(s);
        txn_begin(s->txn, (Str){0});
    }
    bool open = finish_request(s, command, ok, &e);
    scope_pop(s);
    return open;
}

uint64_t session_transaction_descriptor(const Session *s) {
    return txn_descriptor(s->txn);
}

/* ---- what procedures ask */

Server *session_server(Session *s) {
    return s->server;
}
Catalog *session_catalog(Session *s) {
    return server_catalog(s->server);
}
Log *session_log(Session *s) {
    return server_log(s->server);
}
Txn *session_txn(Session *s) {
    return s->txn;
}
struct sqlite3 *session_db(Session *s) {
    return s->db;
}
Str session_login_name(const Session *s) {
    return str_from(s->login);
}
bool session_is_sysadmin(const Session *s) {
    return s->is_sysadmin || s->has_all_rights;
}

const Database *session_current_database(Session *s) {
    return catalog_database_by_id(server_catalog(s->server), s->database_id);
}
