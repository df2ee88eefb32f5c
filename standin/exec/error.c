/*
 * What an error ends. SQL Server knows four extents: the statement (most run-time errors), the text it stands
 * in (what the binder finds), the whole request with its transaction (conversion errors, deadlocks, THROW
 * without the rollback), and, with XACT_ABORT ON, the request with its transaction for nearly all. Within TRY
 * an error goes to CATCH instead, and what would have rolled back makes the transaction uncommittable.
 */
#include <string.h>

#include "standin/exec/authority.h"
#include "standin/exec/session_internal.h"

/* Errors that end the request and roll back its transaction (conversion and the like). */
static bool ends_transaction(int32_t number) {
    static const int32_t numbers[] = {235,  241,  242,  244,  245,  248,  293,  295,  296,   1204, 1205,
                                      3951, 3952, 3960, 3961, 8114, 8169, 9002, 9420, 10010, 13609};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] == number) return true;
    return false;
}

/* What the binder finds ends the text it stands in; so do a few that run-time code raises. */
static bool ends_scope(int32_t number) {
    static const int32_t numbers[] = {137, 201, 207, 208, 213, 102, 156, 2812, 8144, 8145, 8146, 8178, 217};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] == number) return number != 2812;
    return false;
}

/* Errors after which SQL Server says 3621 as well: a row was refused. */
static bool terminates_statement(int32_t number) {
    return number == 515 || number == 547 || number == 2601 || number == 2627 || number == 2628 ||
           number == 8152 || number == 8115 || number == 220;
}

bool error_info(Session *s, int32_t number, uint8_t class_, uint8_t state, Str text, uint32_t line) {
    OutMessage m = {.number = number,
                    .class_ = class_,
                    .state = state,
                    .text = text,
                    .procedure = s->scope ? s->scope->procedure : (Str){0},
                    .line = line};
    if (!s->out->message(s->out, &m)) s->is_stopped = true;
    return !s->is_stopped;
}

void error_send(Session *s, const SqlError *e, Str procedure) {
    OutMessage m = {.number = e->number,
                    .class_ = e->class_,
                    .state = e->state,
                    .text = str_from(e->text),
                    .procedure = procedure,
                    .line = e->line ? e->line : 1};
    if (!s->out->message(s->out, &m)) s->is_stopped = true;
}

static void remember_thrown(Session *s, const SqlError *e) {
    Str procedure = s->scope ? s->scope->procedure : (Str){0};
    size_t n = procedure.n < sizeof s->thrown_procedure - 1 ? procedure.n : sizeof s->thrown_procedure - 1;
    s->thrown = *e;
    if (n) memcpy(s->thrown_procedure, procedure.p, n);
    s->thrown_procedure[n] = '\0';
}

static void denial_after(SqlError *e) {
    uint32_t line = e->line;
    (void)sql_error_set(e, 297, 16, 1, "The user does not have permission to perform this action.");
    e->line = line;
}

Flow error_handle(Session *s, const AstStmt *st, OutCommand command, SqlError *e) {
    bool is_binding = s->is_binding_failed, is_raised = s->is_raised, is_thrown = s->is_thrown;
    s->is_binding_failed = s->is_raised = s->is_thrown = false;
    if (e->number == SESSION_STOPPED || s->is_stopped) return FLOW_STOP;
    if (!e->line && st) e->line = st->line;
    s->last_error = e->number;
    bool aborts = ends_transaction(e->number) || (s->options.xact_abort && !is_raised && e->class_ > 10);
    bool is_own_scope =
        is_binding && s->try_depth == s->scope->outer_tries + s->scope->tries && s->scope->tries;
    if (s->try_depth && e->class_ < 20 && !is_own_scope) {
        if (aborts) txn_doom(s->txn);
        if (authority_denial_follows(e)) denial_after(e); /* the last of the two */
        remember_thrown(s, e);
        return FLOW_THROW;
    }
    error_send(s, e, s->scope ? s->scope->procedure : (Str){0});
    if (authority_denial_follows(e) && !s->is_stopped) {
        SqlError denial = *e;
        denial_after(&denial);
        error_send(s, &denial, s->scope ? s->scope->procedure : (Str){0});
    }
    bool changes = command == OUT_CMD_INSERT || command == OUT_CMD_UPDATE || command == OUT_CMD_DELETE;
    if (changes && terminates_statement(e->number) && !s->is_stopped)
        (void)error_info(s, 3621, 0, 0, STR_LIT("The statement has been terminated."), e->line);
    if (aborts) {
        txn_rollback_all(s->txn);
        runner_tell_transaction(s);
    }
    if (s->is_stopped || !s->out->done(s->out, command, false, 0, /* failed= */ true)) return FLOW_STOP;
    if (e->class_ >= 20) { /* ends the connection */
        s->is_stopped = true;
        return FLOW_STOP;
    }
    if (aborts || is_thrown) return FLOW_ABORT_BATCH;
    return is_binding || ends_scope(e->number) ? FLOW_ABORT_SCOPE : FLOW_NEXT;
}
