#include "postgres/reporter.h"

#include <stdlib.h>

#include "base/mem.h"
#include "postgres/signal_store.h"
#include "postgres/sink_option.h"
#include "postgres/status_store.h"

struct Reporter {
    SinkConfig *config;
    StatusStore *store;
    PgConn *conn; /* NULL = not connected */
    SignalKey key;
    const Ownership *ownership;
};

/* A report that gets lost in a crash is replaced by the next: its commit isn't worth waiting for. */
static const char SESSION_SQL[] =
    "SET synchronous_commit = off; SET lock_timeout = '2s'; SET statement_timeout = '5s'";

bool reporter_open(const Options *options, const ConnectorContext *context, Reporter **ret, Err *e) {
    Reporter *r = x_calloc(1, sizeof *r);
    if (!sink_config_new(options, context, &r->config, e)) {
        reporter_close(r);
        return false;
    }
    free(r->config->application);
    r->config->application = x_asprintf("millrace report %s", context->name);
    r->store = status_store_new(context->name, context->database);
    r->key = (SignalKey){context->name, context->database};
    r->ownership = context->ownership;
    *ret = r;
    return true;
}

static bool connect_now(Reporter *r, Err *e) {
    if (pgconn_is_open(r->conn)) return true;
    r->conn = pgconn_close(r->conn);
    const PgConnSpec spec = sink_config_conn(r->config);
    return pgconn_open(&spec, &r->conn, e) && pgconn_exec(r->conn, SESSION_SQL, e) &&
           status_store_open(r->store, r->conn, e);
}

bool reporter_put(Reporter *r, const Report *report, Err *e) {
    if (connect_now(r, e) && status_store_write(r->store, r->conn, report, /* ret_written= */ NULL, e))
        return true;
    r->conn = pgconn_close(r->conn);
    return false;
}

bool reporter_signals(Reporter *r, int64_t after, SignalList *ret, Err *e) {
    if (!r->ownership) return true;
    if (connect_now(r, e) && signal_store_take(r->conn, r->key, r->ownership->owner, after, ret, e))
        return true;
    r->conn = pgconn_close(r->conn);
    return false;
}

bool reporter_answer(Reporter *r, const char *id, const char *outcome, Err *e) {
    if (connect_now(r, e) && signal_store_answer(r->conn, id, outcome, e)) return true;
    r->conn = pgconn_close(r->conn);
    return false;
}

Reporter *reporter_close(Reporter *r) {
    if (!r) return NULL;
    pgconn_close(r->conn);
    status_store_free(r->store);
    sink_config_free(r->config);
    free(r);
    return NULL;
}
