/*
 * Walks a batch's tree: control flow, transactions, messages; each other statement is done by the file of its
 * kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/bind/message_format.h"
#include "standin/exec/authority.h"
#include "standin/exec/ddl_internal.h"
#include "standin/exec/session_internal.h"

bool runner_done(Session *s, OutCommand command, bool has_count, uint64_t rows) {
    s->last_error = 0;
    if (!s->out->done(s->out, command, has_count, rows, /* failed= */ false)) s->is_stopped = true;
    return !s->is_stopped;
}

void runner_tell_transaction(Session *s) {
    uint64_t now = txn_descriptor(s->txn);
    if (now == s->last_descriptor) return;
    if (s->last_descriptor &&
        !s->client->env_transaction(s->client, s->has_rolled_back ? OUT_ENV_ROLLBACK : OUT_ENV_COMMIT,
                                    s->last_descriptor))
        s->is_stopped = true;
    if (now && !s->client->env_transaction(s->client, OUT_ENV_BEGIN, now)) s->is_stopped = true;
    s->last_descriptor = now;
    s->has_rolled_back = true; /* what ends it without COMMIT */
}

/* SET IMPLICIT_TRANSACTIONS ON: the first statement that touches a table begins one. */
bool runner_begin_implicit(Session *s) {
    if (!s->options.implicit_transactions || txn_count(s->txn)) return true;
    txn_begin(s->txn, (Str){0});
    runner_tell_transaction(s);
    return !s->is_stopped;
}

/* ---- transactions */

static Str tran_name(Session *s, const AstTran *t) {
    if (!t->name_variable.n) return t->name;
    const Variable *v = scope_find(s, t->name_variable);
    return v && v->value.kind == VALUE_TEXT ? v->value.v.s : (Str){0};
}

static bool run_tran(Session *s, const AstStmt *st, OutCommand *ret_command, SqlError *e) {
    Str name = tran_name(s, &st->u.tran);
    bool ok = true;
    switch (st->kind) {
    case STMT_BEGIN_TRAN:
        *ret_command = OUT_CMD_BEGIN;
        if (!runner_begin_implicit(s)) return false; /* BEGIN TRAN too begins one */
        txn_begin(s->txn, name);
        break;
    case STMT_COMMIT:
        *ret_command = OUT_CMD_COMMIT;
        ok = txn_commit(s->txn, e);
        s->has_rolled_back = !ok;
        break;
    case STMT_ROLLBACK:
        *ret_command = OUT_CMD_ROLLBACK;
        ok = txn_rollback(s->txn, name, e);
        break;
    default: ok = txn_save(s->txn, name, e); break;
    }
    runner_tell_transaction(s);
    return ok && runner_done(s, *ret_command, false, 0);
}

/* ---- variables, messages */

static bool run_declare(Session *s, const AstDeclare *d, SqlError *e) {
    Type type;
    const UserType *alias;
    if (!ddltype_resolve(session_current_database(s), &d->type, 1, &type, &alias, e)) return false;
    Variable *v = scope_declare(s, d->name, &type, e);
    if (!v) return false;
    if (d->table) {
        Table *t = table_new(catalog_new_object_id(server_catalog(s->server)), CATALOG_TEMPDB,
                             CATALOG_SCHEMA_DBO, d->name);
        t->kind = TABLE_VARIABLE;
        t = ddl_build_table(s, d->table, t, e);
        if (!t || !ddl_create_local(s, t, e)) return false;
        v->table = t;
        return true;
    }
    if (!d->initial) return true;
    Value value;
    if (!plan_scalar(s, d->initial, &v->type, &s->scratch, &value, NULL, e)) return false;
    variable_set(v, value);
    return true;
}

/* SET @v = x and SET @v += x: the latter is bound as an expression of both. */
static bool run_set_variable(Session *s, const AstSetVariable *set, SqlError *e) {
    Variable *v = scope_find(s, set->name);
    if (!v)
        return sql_error_set(e, 137, 15, 1, "Must declare the scalar variable \"" STR_FMT "\".",
                             STR_ARG(set->name));
    AstExpr variable = {.kind = EXPR_VARIABLE, .line = set->value->line, .u.name = set->name};
    AstExpr sum = {.kind = EXPR_BINARY,
                   .line = set->value->line,
                   .u.binary = {.op = set->op, .left = &variable, .right = set->value}};
    Value value;
    const AstExpr *x = set->op == OP_EQ ? set->value : &sum;
    if (!plan_scalar(s, x, &v->type, &s->scratch, &value, NULL, e)) return false;
    variable_set(v, value);
    return runner_done(s, OUT_CMD_NONE, false, 0);
}

static const Type print_type = {.id = TYPE_NVARCHAR, .length = 4000};

static bool run_print(Session *s, const AstStmt *st, SqlError *e) {
    Value v;
    if (!plan_scalar(s, st->u.expr, &print_type, &s->scratch, &v, NULL, e)) return false;
    Str text = v.kind == VALUE_TEXT && v.v.s.n ? v.v.s : STR_LIT(" ");
    return error_info(s, 0, 0, 1, text, st->line);
}

bool proc_wait_ms(Session *s, int64_t ms, SqlError *e) {
    int64_t end_us = clock_mono_us() + ms * 1000;
    for (int64_t left; (left = (end_us - clock_mono_us()) / 1000) > 0;) {
        clock_sleep_ms(left < 50 ? left : 50);
        if (s->out->is_cancelled(s->out) || server_is_stopping(s->server)) {
            e->number = SESSION_STOPPED;
            s->is_stopped = true;
            return false;
        }
    }
    return true;
}

static bool run_reconfigure(Session *s, SqlError *e) {
    if (!session_is_sysadmin(s))
        return sql_error_set(e, 5812, 14, 1, "You do not have permission to run the RECONFIGURE statement.");
    if (txn_count(s->txn) > 0)
        return sql_error_set(e, 574, 16, 0, "CONFIG statement cannot be used inside a user transaction.");
    return configuration_install(server_configuration(s->server), server_store(s->server), s->db, e);
}

static const Type time_type = {.id = TYPE_TIME, .scale = 7};
enum { TICKS_PER_MS = 10000, MS_PER_DAY = 86400000 };

static bool run_waitfor(Session *s, const AstStmt *st, SqlError *e) {
    Value v;
    if (!plan_scalar(s, st->u.expr, &time_type, &s->scratch, &v, NULL, e)) return false;
    int64_t ms = v.kind == VALUE_INT ? v.v.i / TICKS_PER_MS : 0;
    if (st->kind == STMT_WAITFOR_TIME) {
        int64_t now_ms = clock_wall_us() / 1000 % MS_PER_DAY; /* the server's clock is UTC */
        ms = (ms - now_ms + MS_PER_DAY) % MS_PER_DAY;
    }
    return proc_wait_ms(s, ms, e);
}

/* ---- RAISERROR and THROW */

static bool scalar_of(Session *s, const AstExpr *x, Type *ret_type, Value *ret, SqlError *e) {
    *ret = (Value){.kind = VALUE_NULL};
    return !x || plan_scalar(s, x, NULL, &s->scratch, ret, ret_type, e);
}

static bool format_raise(Session *s, const AstRaise *r, Str format, Buf *out, SqlError *e) {
    MessageArg args[MESSAGE_MAX_ARGS];
    if (r->arg_count > MESSAGE_MAX_ARGS)
        return sql_error_set(e, 2747, 16, 1,
                             "Too many substitution parameters for RAISERROR. Cannot exceed %d substitution "
                             "parameters.",
                             MESSAGE_MAX_ARGS);
    for (size_t i = 0; i < r->arg_count; i++)
        if (!scalar_of(s, r->args[i], &args[i].type, &args[i].value, e)) return false;
    return messageformat_text(format, args, r->arg_count, out, e);
}

static int64_t number_of(const Value *v, int64_t otherwise) {
    return v->kind == VALUE_INT ? v->v.i : otherwise;
}

/* Fills *e with what is raised; class ≤ 10 is a message only. */
static bool run_raiserror(Session *s, const AstStmt *st, SqlError *e) {
    const AstRaise *r = &st->u.raise;
    Value message, severity, state;
    Type type = {0};
    if (!scalar_of(s, r->message, &type, &message, e) || !scalar_of(s, r->severity, NULL, &severity, e) ||
        !scalar_of(s, r->state, NULL, &state, e))
        return false;
    CLEANUP(buf_done) Buf text = {0};
    int32_t number = 50000;
    if (message.kind == VALUE_TEXT) {
        if (!format_raise(s, r, message.v.s, &text, e)) return false;
    } else {
        number = (int32_t)number_of(&message, 50000);
        buf_printf(&text,
                   "Error %d, severity %d, state %d was raised, but no message with that error number was "
                   "found in sys.messages. If error is larger than 50000, make sure the user-defined message "
                   "is added using sp_addmessage.",
                   number, (int)number_of(&severity, 16), (int)number_of(&state, 1));
    }
    int64_t class_ = number_of(&severity, 16);
    class_ = class_ < 0 ? 0 : class_ > 25 ? 25 : class_;
    if (class_ > 18 && !r->with_log)
        return sql_error_set(e, 2754, 16, 1,
                             "Error severity levels greater than 18 can only be specified by members of the "
                             "sysadmin role, using the WITH LOG option.");
    if (class_ > 19) /* would end the connection */
        return sql_error_set(e, 40517, 16, 1,
                             "RAISERROR with a severity above 19 isn't supported by this server.");
    int64_t shown_state = number_of(&state, 1);
    shown_state = shown_state < 0 ? 1 : shown_state > 255 ? 255 : shown_state;
    if (class_ <= 10)
        return error_info(s, number, (uint8_t)class_, (uint8_t)shown_state, buf_view(&text), st->line) &&
               runner_done(s, OUT_CMD_NONE, false, 0);
    s->is_raised = true;
    return sql_error_set(e, number, (uint8_t)class_, (uint8_t)shown_state, "%s", buf_text(&text));
}

static bool run_throw(Session *s, const AstStmt *st, SqlError *e) {
    const AstRaise *r = &st->u.raise;
    if (!r->message) {
        if (!s->caught)
            return sql_error_set(
                e, 10704, 15, 1,
                "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert "
                "the THROW statement inside a CATCH block, or add error parameters to the THROW "
                "statement.");
        *e = s->caught->error;
        s->is_thrown = true;
        return false;
    }
    Value number, text, state;
    if (!scalar_of(s, r->message, NULL, &number, e) || !scalar_of(s, r->severity, NULL, &text, e) ||
        !scalar_of(s, r->state, NULL, &state, e))
        return false;
    Str shown = text.kind == VALUE_TEXT ? text.v.s : (Str){0};
    if (number_of(&number, 50000) < 50000)
        return sql_error_set(
            e, 35100, 16, 10,
            "Error number %lld in the THROW statement is outside the valid range. Specify an error "
            "number in the valid range of 50000 to 2147483647.",
            (long long)number_of(&number, 0));
    s->is_thrown = true;
    return sql_error_set(e, (int32_t)number_of(&number, 50000), 16, (uint8_t)number_of(&state, 1), STR_FMT,
                         STR_ARG(shown));
}

/* ---- control flow */

static bool is_condition_true(Session *s, Batch *b, const AstStmt *st, bool keep, bool *ret, SqlError *e) {
    Plan *p = plan_get(s, b, st->u.if_.condition, PLAN_CONDITION, keep, e);
    Value v = {.kind = VALUE_NULL};
    bool ok = p && plan_value(s, &p->u.query, NULL, NULL, &s->scratch, &v, e);
    plan_release(p);
    *ret = v.kind == VALUE_INT && v.v.i;
    return ok;
}

static Flow run_if(Session *s, Batch *b, const AstStmt *st, bool in_loop) {
    SqlError e = {0};
    bool is_true;
    if (!is_condition_true(s, b, st, in_loop, &is_true, &e)) return error_handle(s, st, OUT_CMD_NONE, &e);
    const AstStmt *branch = is_true ? st->u.if_.then : st->u.if_.otherwise;
    return branch ? runner_list(s, b, branch, in_loop) : FLOW_NEXT;
}

static Flow run_while(Session *s, Batch *b, const AstStmt *st) {
    for (;;) {
        SqlError e = {0};
        bool is_true;
        if (s->out->is_cancelled(s->out) || server_is_stopping(s->server)) return FLOW_STOP;
        if (!is_condition_true(s, b, st, /* keep= */ true, &is_true, &e))
            return error_handle(s, st, OUT_CMD_NONE, &e);
        if (!is_true) return FLOW_NEXT;
        Flow f = runner_list(s, b, st->u.if_.then, /* in_loop= */ true);
        if (f == FLOW_BREAK) return FLOW_NEXT;
        if (f != FLOW_NEXT && f != FLOW_CONTINUE) return f;
    }
}

static Flow run_try(Session *s, Batch *b, const AstStmt *st, bool in_loop) {
    s->try_depth++;
    s->scope->tries++;
    Flow f = runner_list(s, b, st->u.try_.body, in_loop);
    s->scope->tries--;
    s->try_depth--;
    if (f != FLOW_THROW) return f;
    Caught caught = {.outer = s->caught, .error = s->thrown};
    memcpy(caught.procedure, s->thrown_procedure, sizeof caught.procedure);
    s->caught = &caught;
    f = runner_list(s, b, st->u.try_.handler, in_loop);
    s->caught = caught.outer;
    return f;
}

static Flow run_return(Session *s, const AstStmt *st) {
    static const Type int_type = {.id = TYPE_INT};
    SqlError e = {0};
    if (st->u.expr) {
        Value v;
        if (!plan_scalar(s, st->u.expr, &int_type, &s->scratch, &v, NULL, &e))
            return error_handle(s, st, OUT_CMD_NONE, &e);
        s->scope->return_status = (int32_t)number_of(&v, 0);
    }
    return FLOW_RETURN;
}

static bool run_use(Session *s, Str name, SqlError *e) {
    const Database *before = session_current_database(s), *d = session_database_named(s, name, e);
    if (!d) return false;
    s->database_id = d->id;
    CLEANUP_FREE char *text = x_asprintf("Changed database context to '%s'.", d->name);
    if (!s->client->env_text(s->client, OUT_ENV_DATABASE, str_from(d->name),
                             str_from(before ? before->name : "")))
        s->is_stopped = true;
    return error_info(s, 5701, 10, 2, str_from(text), 1) && runner_done(s, OUT_CMD_NONE, false, 0);
}

static bool run_kill(Session *s, int64_t spid, SqlError *e) {
    if (!s->is_sysadmin)
        return sql_error_set(e, 6102, 14, 1, "User does not have permission to use the KILL statement.");
    if (spid == s->spid) return sql_error_set(e, 6104, 16, 1, "Cannot use KILL to kill your own process.");
    if (spid <= 0 || spid > INT16_MAX)
        return sql_error_set(e, 6101, 16, 1, "Session ID %lld is not valid.", (long long)spid);
    if (!server_kill(s->server, (int)spid))
        return sql_error_set(e, 6106, 16, 2, "Process ID %d is not an active process ID.", (int)spid);
    return runner_done(s, OUT_CMD_NONE, false, 0);
}

/* As sys.dm_exec_requests names it. */
static const char *command_name(AstStmtKind kind) {
    switch (kind) {
    case STMT_SELECT: return "SELECT";
    case STMT_INSERT: return "INSERT";
    case STMT_UPDATE: return "UPDATE";
    case STMT_DELETE: return "DELETE";
    case STMT_MERGE: return "MERGE";
    case STMT_TRUNCATE: return "TRUNCATE TABLE";
    case STMT_INSERT_BULK: return "BULK INSERT";
    case STMT_CREATE_TABLE: return "CREATE TABLE";
    case STMT_ALTER_TABLE: return "ALTER TABLE";
    case STMT_DROP_TABLE: return "DROP TABLE";
    case STMT_BEGIN_TRAN: return "BEGIN TRANSACTION";
    case STMT_COMMIT: return "COMMIT TRANSACTION";
    case STMT_ROLLBACK: return "ROLLBACK TRANSACTION";
    case STMT_WAITFOR_DELAY:
    case STMT_WAITFOR_TIME: return "WAITFOR";
    case STMT_KILL: return "KILL";
    default: return "CONDITIONAL";
    }
}

/* A statement that isn't control flow; true: it is done. */
static bool run_plain(Session *s, Batch *b, const AstStmt *st, bool keep, OutCommand *command, SqlError *e) {
    switch (st->kind) {
    case STMT_SELECT: *command = OUT_CMD_SELECT; return query_select(s, b, st, keep, e);
    case STMT_INSERT: *command = OUT_CMD_INSERT; return dml_insert(s, b, st, keep, e);
    case STMT_UPDATE: *command = OUT_CMD_UPDATE; return dml_update(s, b, st, keep, e);
    case STMT_DELETE: *command = OUT_CMD_DELETE; return dml_delete(s, b, st, keep, e);
    case STMT_MERGE: *command = OUT_CMD_MERGE; return dml_merge(s, b, st, keep, e);
    case STMT_TRUNCATE: *command = OUT_CMD_DDL; return dml_truncate(s, st, e);
    case STMT_INSERT_BULK: *command = OUT_CMD_BULK; return bulk_begin(s, &st->u.insert_bulk, e);
    case STMT_USE: return run_use(s, st->u.text, e);
    case STMT_DECLARE: return run_declare(s, &st->u.declare, e);
    case STMT_SET_VARIABLE: return run_set_variable(s, &st->u.set_variable, e);
    case STMT_SET_OPTION:
        return option_set(s, &st->u.set_option, e) && runner_done(s, OUT_CMD_NONE, false, 0);
    case STMT_BEGIN_TRAN:
    case STMT_COMMIT:
    case STMT_ROLLBACK:
    case STMT_SAVE_TRAN: return run_tran(s, st, command, e);
    case STMT_THROW: return run_throw(s, st, e);
    case STMT_RAISERROR: return run_raiserror(s, st, e);
    case STMT_PRINT: return run_print(s, st, e);
    case STMT_WAITFOR_DELAY:
    case STMT_WAITFOR_TIME: return run_waitfor(s, st, e);
    case STMT_CREATE_PRINCIPAL:
    case STMT_ALTER_PRINCIPAL:
    case STMT_DROP_PRINCIPAL:
    case STMT_ROLE_MEMBER:
    case STMT_GRANT:
    case STMT_EXECUTE_AS:
    case STMT_REVERT:
    case STMT_AUTHORIZATION:
        *command = OUT_CMD_DDL;
        return security_statement(s, st, e) && runner_done(s, OUT_CMD_DDL, false, 0);
    case STMT_RECONFIGURE: return run_reconfigure(s, e) && runner_done(s, OUT_CMD_NONE, false, 0);
    case STMT_CHECKPOINT: return runner_done(s, OUT_CMD_NONE, false, 0);
    case STMT_KILL: return run_kill(s, st->u.number, e);
    default: *command = OUT_CMD_DDL; return ddl_statement(s, st, e) && runner_done(s, OUT_CMD_DDL, false, 0);
    }
}

static bool is_dml(AstStmtKind k) {
    return k == STMT_SELECT || k == STMT_INSERT || k == STMT_UPDATE || k == STMT_DELETE || k == STMT_MERGE ||
           k == STMT_TRUNCATE || k == STMT_CREATE_TABLE || k == STMT_ALTER_TABLE || k == STMT_DROP_TABLE ||
           k == STMT_GRANT;
}

/* SELECT without FROM begins no implicit transaction. */
static bool touches_tables(const AstStmt *st) {
    if (!is_dml(st->kind)) return false;
    if (st->kind != STMT_SELECT) return true;
    const AstQuery *q = st->u.query.query;
    return q->kind != QUERY_SELECT || q->u.select.from_count > 0;
}

/* SET FMTONLY ON: only what gives results is looked at; nothing runs. */
static bool is_skipped(const Session *s, const AstStmt *st) {
    if (s->options.noexec || s->options.parseonly) return st->kind != STMT_SET_OPTION;
    return s->options.fmtonly && st->kind != STMT_SELECT && st->kind != STMT_SET_OPTION &&
           st->kind != STMT_DECLARE && st->kind != STMT_USE;
}

/* What a test asked for, unless it is what ends it. */
static bool is_to_fail(Session *s, const AstStmt *st, SqlError *e) {
    if (s->is_internal || s->has_all_rights) return false;
    if (st->kind == STMT_EXEC && str_eq_icase(st->u.exec.procedure.schema, STR_LIT("standin"))) return false;
    return fault_of_statement(server_fault(s->server), s->spid, st->text, e);
}

static Flow run_exec(Session *s, Batch *b, const AstStmt *st) {
    SqlError e = {0};
    if (is_skipped(s, st)) return FLOW_NEXT;
    return is_to_fail(s, st, &e) ? error_handle(s, st, OUT_CMD_EXEC, &e) : call_exec(s, b, st);
}

static Flow run_statement(Session *s, Batch *b, const AstStmt *st, bool in_loop) {
    switch (st->kind) {
    case STMT_IF: return run_if(s, b, st, in_loop);
    case STMT_WHILE: return run_while(s, b, st);
    case STMT_BREAK: return FLOW_BREAK;
    case STMT_CONTINUE: return FLOW_CONTINUE;
    case STMT_BLOCK: return runner_list(s, b, st->u.block, in_loop);
    case STMT_TRY: return run_try(s, b, st, in_loop);
    case STMT_RETURN: return run_return(s, st);
    case STMT_EXEC: return run_exec(s, b, st);
    default: break;
    }
    if (is_skipped(s, st)) return FLOW_NEXT;
    if (touches_tables(st) && !runner_begin_implicit(s)) return FLOW_STOP;
    SqlError e = {0};
    OutCommand command = OUT_CMD_NONE;
    s->statement_us = clock_wall_us();
    s->shown_command = command_name(st->kind);
    session_show(s);
    bool ok = !is_to_fail(s, st, &e) && run_plain(s, b, st, in_loop, &command, &e);
    txn_statement_end(s->txn);
    if (ok) return s->is_stopped ? FLOW_STOP : FLOW_NEXT;
    return error_handle(s, st, command, &e);
}

/* Each statement has scratch memory of its own, so that a loop doesn't gather what its rounds leave. */
static Flow run_with_scratch(Session *s, Batch *b, const AstStmt *st, bool in_loop) {
    Arena outer = s->scratch;
    s->scratch = s->spare;
    s->spare = (Arena){0};
    Flow f = run_statement(s, b, st, in_loop);
    arena_clear(&s->scratch);
    arena_done(&s->spare);
    s->spare = s->scratch;
    s->scratch = outer;
    return f;
}

Flow runner_list(Session *s, Batch *b, const AstStmt *first, bool in_loop) {
    for (const AstStmt *st = first; st; st = st->next) {
        session_enter(s);
        Flow f = run_with_scratch(s, b, st, in_loop);
        session_leave(s);
        if (s->is_stopped) return FLOW_STOP;
        if (f != FLOW_NEXT) return f;
    }
    return FLOW_NEXT;
}

Flow runner_batch(Session *s, Batch *b) {
    return runner_list(s, b, b->tree.first, /* in_loop= */ false);
}

Flow runner_check_count(Session *s, int before, Flow f) {
    int now = txn_count(s->txn);
    bool goes_on = f == FLOW_NEXT || f == FLOW_RETURN || f == FLOW_ABORT_SCOPE;
    if (now == before || !goes_on || s->options.implicit_transactions) return f;
    SqlError e = {0};
    (void)sql_error_set(&e, 266, 16, 2,
                        "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT "
                        "statements. Previous count = %d, current count = %d.",
                        before, now);
    Flow after = error_handle(s, NULL, OUT_CMD_NONE, &e);
    return after == FLOW_NEXT ? f : after;
}

Flow runner_text(Session *s, Str text, Str procedure, bool own_scope) {
    SqlError e = {0};
    int count = txn_count(s->txn);
    if (s->nesting >= SESSION_MAX_NESTING) {
        (void)sql_error_set(
            &e, 217, 16, 1,
            "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).");
        return error_handle(s, NULL, OUT_CMD_EXEC, &e);
    }
    Batch *b = batch_get(s, text, (Str){0}, &e);
    if (!b) return error_handle(s, NULL, OUT_CMD_NONE, &e);
    Identity *acting = s->acting;
    Options options = s->options;
    if (own_scope) (void)scope_push(s, procedure);
    Flow f = runner_batch(s, b);
    f = runner_check_count(s, count, f);
    if (own_scope) {
        s->options = options; /* SET within EXEC's text lasts as long as it */
        authority_revert_to(s, acting);
        scope_pop(s);
    }
    batch_release(s, b);
    return f;
}
