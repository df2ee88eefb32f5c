/*
 * Errors. Everybody above reads only Err: its code and `retriable` are set here, from the SQLSTATE, by one
 * table. The message is built from the primary text and the object names; DETAIL and CONTEXT hold rows ("Key
 * (id)=(7)", "COPY t, line 3, column c: …") and stay out, and so does what a class 22 message quotes after
 * its colon.
 *
 * Pipelines. libpq gives one result (or a failure, or "aborted") per queued statement, each followed by NULL;
 * the list `queued` says what each of them was, so that a statement counts as prepared only when the server
 * has said so.
 */
#include "postgres/pgconn.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

typedef struct Queued {
    PgStatement *preparing; /* not NULL: the answer to a Prepare */
    int64_t *ret_rows;
} Queued;

struct PgConn {
    PGconn *pg;
    uint64_t id; /* unique in the process */
    uint32_t next_statement;
    PgFailure failure; /* the last */
    char *backend_start;
    int backend_pid;
    Queued *queued;
    size_t queued_count, queued_cap;
};

ErrCode pgconn_classify(const char *sqlstate, bool *ret_is_retriable) {
    static const struct {
        const char *prefix;
        ErrCode code;
        bool is_retriable;
    } table[] = {
        {PGCONN_SQLSTATE_FENCED, ERR_FENCED, false},
        {"55P03", ERR_TIMEOUT, true},  /* lock_not_available */
        {"55006", ERR_TIMEOUT, true},  /* object_in_use */
        {"57014", ERR_TIMEOUT, true},  /* query_canceled: statement_timeout */
        {"57P04", ERR_INVALID, false}, /* database_dropped */
        {"25006", ERR_IO, true},    /* read_only_sql_transaction: a standby, until the failover is through */
        {"08", ERR_IO, true},       /* connection */
        {"40", ERR_IO, true},       /* rollback: deadlock, serialization */
        {"53", ERR_IO, true},       /* resources: disk full, memory, connections */
        {"57", ERR_IO, true},       /* operator intervention: shutdown, crash of another backend */
        {"58", ERR_IO, true},       /* system error */
        {"54000", ERR_DATA, false}, /* program_limit_exceeded: a row over a page, a key over an index entry */
        {"22", ERR_DATA, false},    /* data exception */
        {"23", ERR_DATA, false},    /* integrity constraint */
        {"0A", ERR_INVALID, false}, /* feature not supported */
        {"28", ERR_INVALID, false}, /* authorization */
        {"3D", ERR_INVALID, false}, /* no such database */
        {"3F", ERR_INVALID, false}, /* no such schema */
        {"42", ERR_INVALID, false}, /* names, types, grants */
        {"55", ERR_INVALID, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) != 0) continue;
        *ret_is_retriable = table[i].is_retriable;
        return table[i].code;
    }
    *ret_is_retriable = sqlstate[0] == '\0'; /* no answer at all: the connection is gone */
    return sqlstate[0] == '\0' ? ERR_IO : ERR_INTERNAL;
}

static void add_name(Buf *out, const PGresult *result, int field, const char *what) {
    const char *name = PQresultErrorField(result, field);
    if (name) buf_printf(out, "%s%s %s", out->n > 0 ? ", " : "", what, name);
}

/* The column in "COPY orders, line 3, column total: …", or the empty text. */
static Str copy_column(const PGresult *result) {
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *column = context && strncmp(context, "COPY ", 5) == 0 ? strstr(context, ", column ") : NULL;
    if (!column) return (Str){0};
    column += strlen(", column ");
    return (Str){column, strcspn(column, ":\n")};
}

static void add_copy_column(Buf *out, const PGresult *result) {
    Str column = copy_column(result);
    if (column.n > 0) buf_printf(out, "%scolumn " STR_FMT, out->n > 0 ? ", " : "", STR_ARG(column));
}

static void keep_failure(PgConn *c, const PGresult *result) {
    PgFailure *f = &c->failure;
    memset(f, 0, sizeof *f);
    if (!result) return;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE),
               *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
               *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    Str in_copy = copy_column(result);
    (void)snprintf(f->sqlstate, sizeof f->sqlstate, "%s", state ? state : "");
    (void)snprintf(f->constraint, sizeof f->constraint, "%s", constraint ? constraint : "");
    (void)snprintf(f->column, sizeof f->column, STR_FMT, STR_ARG(column ? str_from(column) : in_copy));
}

/* Fill *e from a failed result, or from the connection when there is none. */
static bool fail(PgConn *c, const PGresult *result, Err *e) {
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    keep_failure(c, result);
    bool is_retriable;
    ErrCode code = pgconn_classify(c->failure.sqlstate, &is_retriable);
    if (!state) {
        const char *text = PQerrorMessage(c->pg);
        size_t n = strcspn(text, "\n");
        return err_set(e, code, is_retriable, "PostgreSQL: %.*s", n > 0 ? (int)n : 15,
                       n > 0 ? text : "connection lost");
    }
    CLEANUP(buf_done) Buf names = {0};
    add_name(&names, result, PG_DIAG_SCHEMA_NAME, "schema");
    add_name(&names, result, PG_DIAG_TABLE_NAME, "table");
    add_name(&names, result, PG_DIAG_COLUMN_NAME, "column");
    add_name(&names, result, PG_DIAG_CONSTRAINT_NAME, "constraint");
    add_copy_column(&names, result);
    if (!primary) primary = "";
    const char *quoted = strncmp(state, "22", 2) == 0 ? strstr(primary, ": \"") : NULL;
    int shown = quoted ? (int)(quoted - primary) : (int)strcspn(primary, "\n");
    return err_set(e, code, is_retriable, "PostgreSQL %s: %.*s%s%s%s", state, shown, primary,
                   names.n > 0 ? " (" : "", buf_text(&names), names.n > 0 ? ")" : "");
}

static void log_notice(void *unused, const PGresult *result) {
    (void)unused;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool is_warning = severity && strcmp(severity, "WARNING") == 0;
    LOG_AT(is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "postgres_notice",
           LOG_S("text", primary ? primary : ""));
}

/* ---- life ---- */

/* libpq tells no SQLSTATE of a refused connection; its English texts are all there is to tell "wrong" from
 * "not now". With another lc_messages the refusal is retried, which is only slower to be noticed. */
static bool is_refusal(const char *text) {
    static const char *const parts[] = {
        "authentication failed", "no password supplied",      "does not exist",       "pg_hba.conf",
        "permission denied",     "invalid connection option", "invalid URI",          "missing \"=\"",
        "invalid port number",   "invalid integer value",     "invalid sslmode value"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(text, parts[i])) return true;
    return false;
}

static PGconn *connect_by(const PgConnSpec *spec) {
    const char *keys[12], *values[12];
    size_t n = 0;
#define PARAM(k, v) (keys[n] = (k), values[n] = (v), n++)
    PARAM("connect_timeout", "10"); /* before dbname: what conninfo says goes over it */
    PARAM("keepalives_idle", "30");
    PARAM("keepalives_interval", "10");
    PARAM("keepalives_count", "3");
    PARAM("tcp_user_timeout", "60000");
    PARAM("dbname", spec->conninfo);
    if (spec->user) PARAM("user", spec->user); /* after it: goes over conninfo */
    if (spec->password) PARAM("password", spec->password);
    if (spec->application) PARAM("fallback_application_name", spec->application);
    PARAM("client_encoding", "UTF8");
#undef PARAM
    keys[n] = values[n] = NULL;
    return PQconnectdbParams(keys, values, /* expand_dbname= */ 1);
}

bool pgconn_answers(const char *conninfo) {
    const char *keys[] = {"dbname", "connect_timeout", NULL};
    const char *values[] = {conninfo, "2", NULL};
    PGPing ping = PQpingParams(keys, values, /* expand_dbname= */ 1);
    return ping == PQPING_OK || ping == PQPING_NO_ATTEMPT;
}

/* Settings on which our statements rest, and who we are for pg_stat_activity. */
static bool greet(PgConn *c, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *result = NULL;
    /* Generic plans: our statements are inserts and look-ups by key, whose plan doesn't depend on the values.
     */
    if (!pgconn_exec(c,
                     "SET datestyle = 'ISO'; SET timezone = 'UTC'; SET standard_conforming_strings = on; "
                     "SET plan_cache_mode = force_generic_plan; SET client_min_messages = warning",
                     e))
        return false;
    if (!pgconn_query(c,
                      "SELECT pg_catalog.pg_backend_pid(), (SELECT backend_start::text FROM "
                      "pg_catalog.pg_stat_activity "
                      "WHERE pid = pg_catalog.pg_backend_pid())",
                      NULL, 0, &result, e))
        return false;
    c->backend_pid = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    c->backend_start = x_strdup(PQgetvalue(result, 0, 1));
    return true;
}

bool pgconn_open(const PgConnSpec *spec, PgConn **ret, Err *e) {
    static uint64_t last_id;
    PgConn *c = x_calloc(1, sizeof *c);
    c->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    c->pg = connect_by(spec);
    if (PQstatus(c->pg) != CONNECTION_OK) {
        const char *text = c->pg ? PQerrorMessage(c->pg) : "out of memory";
        bool is_final = is_refusal(text);
        (void)err_set(e, is_final ? ERR_INVALID : ERR_IO, !is_final, "PostgreSQL: %.*s",
                      (int)strcspn(text, "\n"), text);
        pgconn_close(c);
        return false;
    }
    (void)PQsetNoticeReceiver(c->pg, log_notice, NULL);
    if (!greet(c, e)) {
        pgconn_close(c);
        return false;
    }
    *ret = c;
    return true;
}

PgConn *pgconn_close(PgConn *c) {
    if (!c) return NULL;
    PQfinish(c->pg);
    free(c->backend_start);
    free(c->queued);
    free(c);
    return NULL;
}

bool pgconn_is_open(const PgConn *c) {
    return c && PQstatus(c->pg) == CONNECTION_OK;
}
bool pgconn_in_transaction(const PgConn *c) {
    return PQtransactionStatus(c->pg) != PQTRANS_IDLE;
}
PGconn *pgconn_raw(PgConn *c) {
    return c->pg;
}
int pgconn_backend_pid(const PgConn *c) {
    return c->backend_pid;
}
const char *pgconn_backend_start(const PgConn *c) {
    return c->backend_start;
}
const char *pgconn_sqlstate(const PgConn *c) {
    return c->failure.sqlstate;
}
const PgFailure *pgconn_failure(const PgConn *c) {
    return &c->failure;
}

void pgconn_clear_cleanup(PGresult **result) {
    PQclear(*result);
}

/* ---- statements ---- */

static bool is_success(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool pgconn_exec(PgConn *c, const char *sql, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *result = PQexec(c->pg, sql);
    return is_success(result) || fail(c, result, e);
}

void pgconn_rollback(PgConn *c) {
    Err ignored;
    if (!pgconn_is_open(c)) return;
    if (!pgconn_pipe_end(c, &ignored) && !pgconn_is_open(c)) return;
    if (pgconn_in_transaction(c) && !pgconn_exec(c, "ROLLBACK", &ignored))
        LOG_DEBUG("rollback_failed", LOG_S("why", ignored.msg));
}

bool pgconn_query(PgConn *c, const char *sql, const char *const *params, size_t count, PGresult **ret,
                  Err *e) {
    PGresult *result = PQexecParams(c->pg, sql, (int)count, NULL, params, NULL, NULL, 0);
    if (!is_success(result)) {
        (void)fail(c, result, e);
        PQclear(result);
        return false;
    }
    *ret = result;
    return true;
}

/* Parameters as libpq takes them: borrowed pointers. */
typedef struct Params {
    const char *values[PGCONN_MAX_PARAMS];
    int lengths[PGCONN_MAX_PARAMS], formats[PGCONN_MAX_PARAMS];
} Params;

static void set_params(Params *p, const PgParam *params, size_t count) {
    assert(count <= PGCONN_MAX_PARAMS);
    for (size_t i = 0; i < count; i++) {
        assert(params[i].n <= INT32_MAX);
        p->values[i] = params[i].p;
        p->lengths[i] = (int)params[i].n;
        p->formats[i] = params[i].is_binary;
    }
}

bool pgconn_query_binary(PgConn *c, const char *sql, const uint32_t *types, const PgParam *params,
                         size_t count, PGresult **ret, Err *e) {
    Params p;
    set_params(&p, params, count);
    PGresult *result =
        PQexecParams(c->pg, sql, (int)count, types, p.values, p.lengths, p.formats, /* resultFormat= */ 1);
    if (!is_success(result)) {
        (void)fail(c, result, e);
        PQclear(result);
        return false;
    }
    *ret = result;
    return true;
}

bool pgconn_check(PgConn *c, Err *e) {
    struct pollfd socket = {.fd = PQsocket(c->pg), .events = POLLIN};
    /* a session that was ended says so first, as a notice; its end stands behind that */
    while (pgconn_is_open(c) && poll(&socket, 1, /* timeout= */ 0) > 0) {
        if (!PQconsumeInput(c->pg)) return fail(c, /* result= */ NULL, e);
        (void)PQisBusy(c->pg); /* takes in what has come */
    }
    return pgconn_is_open(c) || fail(c, /* result= */ NULL, e);
}

/* ---- pipelines ---- */

bool pgconn_pipe_begin(PgConn *c, Err *e) {
    if (PQpipelineStatus(c->pg) != PQ_PIPELINE_OFF) return true;
    c->queued_count = 0;
    if (!pgconn_is_open(c) || !PQenterPipelineMode(c->pg)) return fail(c, NULL, e);
    return true;
}

static void enqueue(PgConn *c, Queued q) {
    if (c->queued_count == c->queued_cap) {
        c->queued_cap = c->queued_cap ? 2 * c->queued_cap : 16;
        c->queued = x_reallocarray(c->queued, c->queued_cap, sizeof *c->queued);
    }
    c->queued[c->queued_count++] = q;
}

bool pgconn_pipe_send(PgConn *c, PgStatement *s, const PgParam *params, size_t count, int64_t *ret_rows,
                      Err *e) {
    char name[16];
    if (s->prepared_on != c->id) s->number = c->next_statement++;
    (void)snprintf(name, sizeof name, "mr%u", (unsigned)s->number);
    if (s->prepared_on != c->id) {
        if (!PQsendPrepare(c->pg, name, s->sql, s->types ? (int)count : 0, s->types)) return fail(c, NULL, e);
        s->prepared_on = c->id;
        enqueue(c, (Queued){.preparing = s});
    }
    Params p;
    set_params(&p, params, count);
    if (!PQsendQueryPrepared(c->pg, name, (int)count, p.values, p.lengths, p.formats, /* resultFormat= */ 0))
        return fail(c, NULL, e);
    enqueue(c, (Queued){.ret_rows = ret_rows});
    return true;
}

/* The answer to one queued statement; false when it failed or wasn't done. The first failure goes to *e. */
static bool take_answer(PgConn *c, const Queued *q, bool has_failed, Err *e) {
    PGresult *result = PQgetResult(c->pg);
    bool ok = result && is_success(result);
    if (ok && q->ret_rows) *q->ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
    if (!ok && q->preparing) q->preparing->prepared_on = 0;
    if (!ok && !has_failed) (void)fail(c, result, e);
    while (result) { /* to the NULL that ends it */
        PQclear(result);
        result = PQgetResult(c->pg);
    }
    return ok;
}

bool pgconn_pipe_end(PgConn *c, Err *e) {
    bool has_failed = false;
    if (PQpipelineStatus(c->pg) == PQ_PIPELINE_OFF) return true;
    if (!PQpipelineSync(c->pg)) has_failed = !fail(c, NULL, e);
    for (size_t i = 0; i < c->queued_count; i++)
        if (!take_answer(c, &c->queued[i], has_failed, e)) has_failed = true;
    c->queued_count = 0;
    if (pgconn_is_open(c)) {
        PGresult *sync = PQgetResult(c->pg);
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC && !has_failed) has_failed = !fail(c, sync, e);
        PQclear(sync);
    }
    if (!PQexitPipelineMode(c->pg) && !has_failed) has_failed = !fail(c, NULL, e);
    return !has_failed;
}

/* ---- COPY ---- */

bool pgconn_copy_in(PgConn *c, const char *sql, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *result = PQexec(c->pg, sql);
    return PQresultStatus(result) == PGRES_COPY_IN || fail(c, result, e);
}

bool pgconn_copy_put(PgConn *c, Buf *buf, Err *e) {
    assert(buf->n <= INT32_MAX);
    bool ok = PQputCopyData(c->pg, (const char *)buf->p, (int)buf->n) == 1;
    buf_clear(buf);
    if (ok) return true;
    PGresult *result = PQgetResult(c->pg); /* the server's reason, when it has given one */
    (void)fail(c, PQresultStatus(result) == PGRES_FATAL_ERROR ? result : NULL, e);
    PQclear(result);
    return false;
}

/* Every result up to the NULL. */
static bool drain(PgConn *c, int64_t *ret_rows, Err *e) {
    bool ok = true;
    for (PGresult *result; (result = PQgetResult(c->pg)) != NULL; PQclear(result)) {
        if (is_success(result)) {
            if (ret_rows) *ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
        } else if (ok) {
            ok = fail(c, result, e);
        }
    }
    return ok;
}

bool pgconn_copy_end(PgConn *c, int64_t *ret_rows, Err *e) {
    if (PQputCopyEnd(c->pg, NULL) != 1) return fail(c, NULL, e);
    if (!drain(c, ret_rows, e)) return false;
    return pgconn_is_open(c) || fail(c, NULL, e);
}

void pgconn_copy_abort(PgConn *c) {
    Err ignored;
    if (PQputCopyEnd(c->pg, "given up") == 1) (void)drain(c, NULL, &ignored);
}

bool pgconn_copy_out(PgConn *c, const char *sql, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *result = PQexec(c->pg, sql);
    return PQresultStatus(result) == PGRES_COPY_OUT || fail(c, result, e);
}

bool pgconn_drain(PgConn *c, Err *e) {
    return drain(c, /* ret_rows= */ NULL, e) && (pgconn_is_open(c) || fail(c, /* result= */ NULL, e));
}
