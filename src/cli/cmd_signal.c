/* millrace signal: a command to a pipeline that is at work elsewhere, by way of the target. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/pair.h"
#include "cli/signal_data.h"
#include "pipeline/signal.h"
#include "postgres/signal_store.h"
#include "postgres/sink_option.h"

enum { WAIT_S = 15, POLL_MS = 200, LIMIT = 20, NUMBER_MAX = 1000000 };

typedef struct Call {
    Pair pair;
    Metrics *metrics;
    SinkConfig *config;
    PgConn *target;
    SignalKey key;
} Call;

/* ---- what is asked ---- */

static bool take_options(const Args *args, int64_t *ret_wait_s, int64_t *ret_limit, char **ret_data, Err *e) {
    const SignalAsked asked = {.data = args_value(args, "data"),
                               .tables = args_value(args, "tables"),
                               .filter = args_value(args, "filter"),
                               .message = args_value(args, "message"),
                               .is_blocking = args_has(args, "blocking")};
    return args_number(args, "wait", WAIT_S, NUMBER_MAX, ret_wait_s, e) &&
           args_number(args, "limit", LIMIT, NUMBER_MAX, ret_limit, e) &&
           signal_data_make(&asked, ret_data, e);
}

static bool check(const char *type, const char *data) {
    Signal *parsed = NULL;
    Err e = {0};
    bool ok = signal_parse(str_from(type), data ? str_from(data) : (Str){0}, &parsed, &e);
    if (!ok) command_error("signal: %s", e.msg);
    signal_free(parsed);
    return ok;
}

/* ---- the target ---- */

static bool open_call(const Args *args, Call *c) {
    bool is_target_only = false;
    if (!command_pair_or_target(args, &c->pair, &is_target_only)) return false;
    const char *named = args_value(args, "pipeline");
    c->key.pipeline = named ? named : is_target_only ? NULL : c->pair.pipeline;
    c->key.database = args_value(args, "database");
    if (!is_target_only && !c->key.database) {
        if (pair_parts(&c->pair) > 1) {
            command_error("signal: the source has several databases: name one: --database=NAME");
            return false;
        }
        c->key.database = pair_database(&c->pair);
    }
    if (c->key.pipeline) return true;
    command_error("signal: with --to alone name the pipeline: --pipeline=NAME (millrace status lists them)");
    return false;
}

static bool connect_target(Call *c, Err *e) {
    c->metrics = metrics_new();
    const ConnectorContext context = pair_context(&c->pair, c->metrics);
    if (!sink_config_new(c->pair.sink.options, &context, &c->config, e)) return false;
    const PgConnSpec spec = sink_config_conn(c->config);
    return pgconn_open(&spec, &c->target, e);
}

static void close_call(Call *c) {
    pgconn_close(c->target);
    sink_config_free(c->config);
    metrics_free(c->metrics);
    pair_done(&c->pair);
}

/* ---- list ---- */

static bool list(const Call *c, int64_t most, Err *e) {
    SignalRow *rows = NULL;
    size_t count = 0;
    if (!signal_store_list(c->target, c->key, most, &rows, &count, e)) return false;
    (void)printf("%-6s %-24s %-18s %s\n", "id", "created", "type", "outcome");
    for (size_t i = 0; i < count; i++)
        (void)printf("%-6s %-24s %-18s %s\n", rows[i].id, rows[i].created, rows[i].type,
                     rows[i].outcome[0] ? rows[i].outcome
                     : rows[i].taken[0] ? "(taken, not answered yet)"
                                        : "(waits for a millrace run)");
    signal_rows_free(rows, count);
    return true;
}

/* ---- sending ---- */

/* *ret_outcome: "" when none came in time. */
static bool await(const Call *c, int64_t id, int64_t wait_s, char **ret_outcome, Err *e) {
    for (int64_t until_us = clock_mono_us() + wait_s * 1000000;; clock_sleep_ms(POLL_MS)) {
        if (!signal_store_outcome(c->target, id, ret_outcome, e)) return false;
        if ((*ret_outcome)[0] || clock_mono_us() >= until_us) return true;
        free(*ret_outcome);
    }
}

static bool send_one(const Call *c, const char *type, const char *data, int64_t wait_s, bool *ret_is_refused,
                     Err *e) {
    int64_t id = 0;
    CLEANUP_FREE char *outcome = NULL;
    if (!signal_store_create(c->target, e) || !signal_store_add(c->target, c->key, type, data, &id, e) ||
        !await(c, id, wait_s, &outcome, e))
        return false;
    *ret_is_refused = strstr(outcome, "refused") != NULL;
    if (outcome[0]) (void)printf("signal %lld: %s\n", (long long)id, outcome);
    else
        (void)printf("signal %lld waits: it is taken when millrace run is at work on pipeline %s (millrace "
                     "signal list)\n",
                     (long long)id, c->key.pipeline);
    return true;
}

static int run(const Args *given) {
    Args args = *given;
    int64_t wait_s, limit;
    if (args.operand_count == 0) {
        command_error(
            "signal: which? list, execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot, log, "
            "pause, resume");
        return EXIT_USAGE;
    }
    const char *type = args.operands[0];
    args.operands++;
    args.operand_count--;
    bool is_list = strcmp(type, "list") == 0;
    CLEANUP_FREE char *data = NULL;
    Call c = {0};
    Err e = {0};
    if (!take_options(&args, &wait_s, &limit, &data, &e)) {
        command_error("signal: %s", e.msg);
        return EXIT_USAGE;
    }
    if (!is_list && !check(type, data)) return EXIT_USAGE;
    log_set_level(LOG_LEVEL_WARN);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!open_call(&args, &c)) {
        close_call(&c);
        return EXIT_USAGE;
    }
    bool is_refused = false;
    bool ok = connect_target(&c, &e) &&
              (is_list ? list(&c, limit, &e) : send_one(&c, type, data, wait_s, &is_refused, &e));
    if (!ok) command_error("signal: %s", e.msg);
    close_call(&c);
    return ok && !is_refused ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef signal_args[] = {
    COMMAND_ENDS,
    {"pipeline", "NAME", "which pipeline (with --to alone; else that of the files or addresses)"},
    {"database", "NAME", "which of the source's databases, where it has several"},
    {"tables", "REGEX,…", "tables that are meant: expressions over schema.table"},
    {"filter", "SQL", "execute-snapshot: only rows for which this condition holds in SQL Server"},
    {"blocking", NULL, "execute-snapshot: the stream stands still until the rows are copied"},
    {"message", "TEXT", "log: what the run is to log; {} becomes the position"},
    {"data", "JSON", "the signal's data as Debezium writes it, in place of the options above"},
    {"wait", "SECONDS", "for the outcome (15); 0: leave it to `millrace signal list`"},
    {"limit", "N", "list: so many, the newest first (20)"},
};

const Command command_signal = {
    .name = "signal",
    .usage = "millrace signal TYPE [OPTION…] FILE…\n       millrace signal TYPE [OPTION…] --from=URL "
             "--to=URL\n       "
             "millrace signal TYPE [OPTION…] --to=URL --pipeline=NAME",
    .summary = "ask a running pipeline: copy tables again, stop, pause, resume; or list what was asked",
    .about =
        "TYPE: execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot (ad-hoc copies of tables),\n"
        "pause, resume (the whole pipeline), log, list. A row in the target's table millrace.signal carries "
        "it "
        "to\nthe run, which takes it within a second or two, or at its next start, and writes the outcome "
        "back.",
    .args = signal_args,
    .arg_count = sizeof signal_args / sizeof *signal_args,
    .run = run,
};
