/* millrace status: what the target, and with Kafka the broker, tell of pipelines, also when nothing runs.
 * Only reads. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/pair.h"
#include "cli/status_view.h"
#include "cli/topic_look.h"
#include "cli/topic_run.h"
#include "postgres/sink_option.h"
#include "sqlserver/precheck.h"
#include "sqlserver/source_settings.h"

enum { WATCH_MS = 2000 };

typedef struct Status {
    Pair pair;
    bool has_source; /* the pair's; else the target alone was named */
    const char *pipeline;
    Metrics *metrics;
    SinkConfig *config;
    PgConn *target;  /* NULL = not connected */
    Odbc *source;    /* likewise */
    TopicRun topics; /* with Kafka between: in place of all these but `pipeline` */
    bool has_topics;
} Status;

/* ---- asking ---- */

static bool connect_target(Status *s, Err *e) {
    if (pgconn_is_open(s->target)) return true;
    s->target = pgconn_close(s->target);
    const PgConnSpec spec = sink_config_conn(s->config);
    return pgconn_open(&spec, &s->target, e) &&
           pgconn_exec(s->target, "SET default_transaction_read_only = on", e);
}

static void ask_source(Status *s, StatusSource *ret) {
    Err e = {0};
    SourceSettings settings = {0};
    ret->was_asked = s->has_source;
    if (!s->has_source) return;
    if (pair_parts(&s->pair) > 1) {
        (void)snprintf(ret->why, sizeof ret->why,
                       "it has several databases, each with a capture job of its own");
        return;
    }
    bool ok = s->source || (source_settings(s->pair.source.options, &settings, &e) &&
                            precheck_connect(&settings.target, &s->source, &e));
    source_settings_done(&settings);
    if (ok && capture_lag_ask(s->source, &ret->lag, &e)) return;
    s->source = odbc_close(s->source);
    (void)snprintf(ret->why, sizeof ret->why, "%s", e.msg);
}

static void show(Buf *out) {
    (void)fwrite(out->p, 1, out->n, stdout);
    (void)fflush(stdout);
}

static void look_at_topics(const Status *s, bool is_json, bool is_screen, bool *ret_healthy) {
    CLEANUP(buf_done) Buf out = {0};
    TopicView view;
    topic_look(&s->topics, s->pipeline, &view);
    *ret_healthy = topic_view_is_healthy(&view);
    if (is_screen) buf_cstr(&out, "\x1b[H");
    if (is_json) topic_view_json(&view, &out);
    else topic_view_text(&view, is_screen ? "\x1b[K\n" : "\n", &out);
    if (is_screen) buf_cstr(&out, "\x1b[J");
    show(&out);
    topic_view_done(&view);
}

/* One look, shown. *ret_healthy: there are pipelines, and all are well. */
static bool look(Status *s, bool is_json, bool is_screen, bool *ret_healthy, Err *e) {
    if (s->has_topics) {
        look_at_topics(s, is_json, is_screen, ret_healthy);
        return true;
    }
    CLEANUP(buf_done) Buf out = {0};
    StatusList list = {0};
    StatusSource source = {0};
    if (!connect_target(s, e) || !status_store_read(s->target, s->pipeline, &list, e)) return false;
    ask_source(s, &source);
    *ret_healthy = list.count > 0;
    for (size_t i = 0; i < list.count; i++)
        *ret_healthy = *ret_healthy && status_view_is_healthy(&list.pipelines[i]);
    if (is_screen) buf_cstr(&out, "\x1b[H"); /* ECMA-48: home; EL at each line's end; ED below */
    if (is_json) status_view_json(&list, &source, &out);
    else status_view_text(&list, &source, is_screen ? "\x1b[K\n" : "\n", &out);
    if (is_screen) buf_cstr(&out, "\x1b[J");
    show(&out);
    status_list_done(&list);
    return true;
}

/* Look again and again until a signal; a target that is away for a while is said to be. */
static bool watch(Status *s, bool is_json, bool *ret_healthy) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bool is_screen = !is_json && isatty(STDOUT_FILENO) == 1;
    const struct timespec pause = {.tv_sec = WATCH_MS / 1000};
    if (is_screen) (void)fputs("\x1b[2J", stdout);
    do {
        Err e = {0};
        if (!look(s, is_json, is_screen, ret_healthy, &e)) {
            *ret_healthy = false;
            command_error("status: %s", e.msg);
        }
    } while (sigtimedwait(&set, NULL, &pause) < 0);
    return true;
}

/* ---- the command ---- */

static bool open_pair(const Args *args, Status *s) {
    s->has_topics = topic_run_is_meant(args->operands, args->operand_count);
    if (s->has_topics) return command_topics(args, &s->topics);
    bool is_target_only = false, ok = command_pair_or_target(args, &s->pair, &is_target_only);
    s->has_source = !is_target_only;
    return ok;
}

static void status_done(Status *s) {
    pgconn_close(s->target);
    odbc_close(s->source);
    sink_config_free(s->config);
    metrics_free(s->metrics);
    pair_done(&s->pair);
    topic_run_done(&s->topics);
}

static int run(const Args *args) {
    Status s = {0};
    Err e = {0};
    bool is_healthy = false, is_json = args_has(args, "json");
    if (!open_pair(args, &s)) return EXIT_USAGE;
    log_set_level(LOG_LEVEL_ERROR);
    (void)signal(SIGPIPE, SIG_IGN);
    s.metrics = metrics_new();
    s.pipeline = args_value(args, "pipeline");
    if (!s.pipeline && s.has_source) s.pipeline = s.pair.pipeline;
    bool ok = true;
    if (!s.has_topics) {
        const ConnectorContext context = pair_context(&s.pair, s.metrics);
        ok = sink_config_new(s.pair.sink.options, &context, &s.config, &e);
    }
    if (ok)
        ok = args_has(args, "watch") ? watch(&s, is_json, &is_healthy)
                                     : look(&s, is_json, false, &is_healthy, &e);
    if (!ok) command_error("status: %s", e.msg);
    status_done(&s);
    return ok && is_healthy ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef status_args[] = {
    COMMAND_ENDS,
    {"pipeline", "NAME", "this pipeline only (with --to alone: all that the target knows)"},
    {"json", NULL, "one JSON object; with --watch one a line"},
    {"watch", NULL, "again every 2 seconds, until SIGINT"},
};

const Command command_status = {
    .name = "status",
    .usage =
        "millrace status [OPTION…] --to=URL\n       millrace status [OPTION…] --from=URL --to=URL\n       "
        "millrace status [OPTION…] FILE…",
    .summary = "what is stored of pipelines: state, rows, changes, lag; status 1 when one isn't well",
    .about =
        "Reads the target's tables in schema millrace, so it works when nothing runs and with the target "
        "alone. With\n"
        "the source named, too, SQL Server is asked how far its capture job is. Exit status: 0 every "
        "pipeline "
        "is at work,\n"
        "paused, or was stopped in order; 1 one has failed, waits after a failure, or is stale (no sign of "
        "life for 30 s),\n"
        "or there is none. With Kafka between, of the connectors given: how far the topics are behind SQL "
        "Server, and the\n"
        "sink's group behind the topics; 0 every source has begun and every sink has live members.",
    .args = status_args,
    .arg_count = sizeof status_args / sizeof *status_args,
    .run = run,
};
