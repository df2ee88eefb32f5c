/*
 * millrace run: start the pipeline, show it, stop it in order.
 *
 * The main thread owns the signals (blocked everywhere, taken by sigtimedwait) and the screen; the pipeline
 * has its own threads. On a terminal the screen is drawn in the alternate buffer and log lines go through a
 * pipe to its lower part; otherwise stdout gets a line now and then (JSON with --json) and stderr the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/live.h"
#include "cli/pair.h"
#include "postgres/precheck_pg.h"
#include "postgres/scan_pg.h"
#include "postgres/sink.h"
#include "sqlserver/scan.h"
#include "sqlserver/source_settings.h"
#include "worker/direct.h"

#define RESTART_WAIT "retriable.restart.connector.wait.ms"

enum {
    FRAME_MS = 250, /* a terminal's screen */
    LINE_MS = 5000, /* a line otherwise */
    LOG_LINES = 6,  /* kept for the screen */
    QUEUE_BATCHES = 8,
    QUEUE_BYTES = 8 << 20,
    RESTART_WAIT_MAX_MS = 30000,
    STOP_LIMIT_S = 75, /* more than a drain takes (worker/direct.c), less than systemd waits */
};

typedef struct Screen {
    bool is_terminal, is_json;
    int log_pipe[2];
    Buf partial;              /* a log line that hasn't ended yet */
    char *lines[LOG_LINES];   /* owned; the newest last */
    const char *summary_file; /* NULL = none */
} Screen;

/* ---- log lines on the screen ---- */

static void keep_line(Screen *s, Str line) {
    free(s->lines[0]);
    memmove(s->lines, s->lines + 1, sizeof s->lines - sizeof *s->lines);
    s->lines[LOG_LINES - 1] = str_dup(line);
}

static void read_log(Screen *s) {
    char bytes[4096];
    ssize_t n;
    while ((n = read(s->log_pipe[0], bytes, sizeof bytes)) > 0) {
        Str rest = {bytes, (size_t)n};
        while (rest.n > 0) {
            size_t end = str_find(rest, '\n');
            buf_str(&s->partial, str_sub(rest, 0, end));
            if (end == rest.n) break;
            keep_line(s, buf_view(&s->partial));
            buf_clear(&s->partial);
            rest = str_sub(rest, end + 1, rest.n);
        }
    }
}

static void screen_open(Screen *s) {
    if (!s->is_terminal || pipe2(s->log_pipe, O_NONBLOCK | O_CLOEXEC) != 0) {
        s->is_terminal = false;
        return;
    }
    log_set_fd(s->log_pipe[1]);
    (void)fputs("\x1b[?1049h\x1b[?25l", stdout); /* alternate screen, no cursor: xterm's ctlseqs */
}

/* Back to the ordinary screen, with the last log lines on it. */
static void screen_close(Screen *s) {
    if (s->is_terminal) {
        log_set_fd(STDERR_FILENO);
        read_log(s);
        (void)fputs("\x1b[?25h\x1b[?1049l", stdout);
        (void)fflush(stdout);
        for (int i = 0; i < LOG_LINES; i++) {
            if (s->lines[i]) (void)fprintf(stderr, "%s\n", s->lines[i]);
        }
        (void)close(s->log_pipe[0]);
        (void)close(s->log_pipe[1]);
    }
    for (int i = 0; i < LOG_LINES; i++) free(s->lines[i]);
    buf_done(&s->partial);
}

static int terminal_columns(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw(Screen *s, const Live *live, const LiveTitle *title) {
    CLEANUP(buf_done) Buf out = {0};
    if (s->is_terminal) {
        int columns = terminal_columns();
        read_log(s);
        live_screen(live, title, columns, &out);
        for (int i = 0; i < LOG_LINES; i++) {
            if (s->lines[i]) buf_printf(&out, "\n\x1b[2m  %.*s\x1b[0m\x1b[K", columns - 3, s->lines[i]);
        }
    } else if (s->is_json) live_json(live, title, "status", &out);
    else live_line(live, title, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    (void)fflush(stdout);
}

/* The last words: on stdout, and as JSON in the file that was asked for. */
static void summary(const Screen *s, const Live *live, const LiveTitle *title) {
    CLEANUP(buf_done) Buf out = {0};
    CLEANUP(buf_done) Buf json = {0};
    live_json(live, title, "summary", &json);
    if (s->is_json) buf_str(&out, buf_view(&json));
    else live_line(live, title, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    (void)fflush(stdout);
    if (!s->summary_file) return;
    FILE *f = fopen(s->summary_file, "we");
    bool ok = f && fwrite(json.p, 1, json.n, f) == json.n;
    if (f) ok = fclose(f) == 0 && ok;
    if (!ok) command_error("run: %s can't be written: %s", s->summary_file, strerror(errno));
}

/* ---- the run ---- */

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* A second signal must not wait for anything, and the first one not for a server that doesn't answer: its
 * driver's call can't be broken off. What is committed stays, the rest is read again at the next start. */
static void *leave_at_last(void *arg) {
    sigset_t set = stop_signals();
    const struct timespec limit = {.tv_sec = STOP_LIMIT_S};
    (void)arg;
    int number;
    do number = sigtimedwait(&set, NULL, &limit);
    while (number < 0 && errno == EINTR);
    if (number > 0) _exit(128 + number);
    LOG_ERROR("stop_given_up", LOG_S("why", "a server doesn't answer"), LOG_I("waited_s", STOP_LIMIT_S));
    _exit(EXIT_FAILED);
}

static void begin_drain(Direct *d) {
    pthread_t watcher;
    LOG_INFO("stop_asked", LOG_S("next", "what was read is committed; a second signal leaves at once"));
    direct_drain(d);
    if (pthread_create(&watcher, NULL, leave_at_last, NULL) == 0) pthread_detach(watcher);
}

static DirectState watch(Direct *d, const Pair *pair, const Metrics *metrics, Screen *screen, Live *live) {
    sigset_t set = stop_signals();
    int64_t period_us = (int64_t)(screen->is_terminal ? FRAME_MS : LINE_MS) * 1000,
            drawn_us = clock_mono_us();
    const struct timespec slice = {.tv_nsec = 100 * 1000000};
    bool is_draining = false;
    for (;;) {
        if (is_draining) clock_sleep_ms(10);
        else if (sigtimedwait(&set, NULL, &slice) > 0) {
            begin_drain(d);
            is_draining = true;
        }
        Err why = {0};
        DirectState state = direct_state(d, &why);
        bool is_over = state == DIRECT_STOPPED || state == DIRECT_FAILED;
        if (!is_over && clock_mono_us() - drawn_us < period_us) continue;
        drawn_us = clock_mono_us();
        live_sample(live, metrics);
        bool has_why = state == DIRECT_WAITING || state == DIRECT_FAILED;
        const LiveTitle title = {pair->pipeline, direct_state_name(state), has_why ? why.msg : ""};
        if (is_over) return state;
        draw(screen, live, &title);
    }
}

/* The lesser of two limits of which -1 is none. */
static int32_t lesser_limit(int64_t a, int64_t b) {
    return (int32_t)(a < 0 ? b : b < 0 || a < b ? a : b);
}

/* The null sink has no options of its own. */
static int64_t sink_number(const Pair *pair, const char *key, int64_t otherwise) {
    return pair->sink_class->option_count > 0 ? options_int(pair->sink.options, key) : otherwise;
}

/* max.queue.size is in changes; a batch has up to max.batch.size of them. */
static size_t queue_batches(const Options *source) {
    if (!options_is_set(source, "max.queue.size")) return QUEUE_BATCHES;
    int64_t batches = options_int(source, "max.queue.size") / options_int(source, "max.batch.size");
    return batches > 1 ? (size_t)batches : 1;
}

static DirectSpec spec_of(const Pair *pair, Metrics *metrics) {
    const Options *source = pair->source.options;
    int64_t bytes = options_int(source, "max.queue.size.in.bytes");
    return (DirectSpec){
        .name = pair->pipeline,
        .database = pair_database(pair),
        .source = pair->source_class,
        .source_options = source,
        .sink = pair->sink_class,
        .sink_options = pair->sink.options,
        .topic_prefix = options_str(source, "topic.prefix"),
        .metrics = metrics,
        .queue_batches = queue_batches(source),
        .queue_bytes = bytes > 0 ? (size_t)bytes : QUEUE_BYTES,
        .max_restarts =
            lesser_limit(options_int(source, "errors.max.retries"), sink_number(pair, "max.retries", -1)),
        .restart_wait_ms = sink_number(pair, "retry.backoff.ms", 1000),
        .restart_wait_max_ms =
            options_is_set(source, RESTART_WAIT) ? options_int(source, RESTART_WAIT) : RESTART_WAIT_MAX_MS,
        .stop_at_end = !source_streams(source),
    };
}

static int run_pair(const Pair *pair, Screen *screen) {
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    static const LogLevel levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR};
    log_set_level(levels[options_enum(pair->worker, "log.level")]);

    Metrics *metrics = metrics_new();
    const DirectSpec spec = spec_of(pair, metrics);
    screen_open(screen);
    LOG_INFO("start", LOG_S("version", MILLRACE_VERSION), LOG_S("pipeline", pair->pipeline),
             LOG_S("source", pair->source.name), LOG_S("sink", pair->sink.name));
    Direct *d = direct_start(&spec);
    Live live = {0};
    live_sample(&live, metrics);
    DirectState state = watch(d, pair, metrics, screen, &live);
    Err why = {0};
    (void)direct_state(d, &why);
    direct_stop(d);
    live_sample(&live, metrics);
    screen_close(screen);
    bool has_failed = state == DIRECT_FAILED;
    summary(screen, &live, &(LiveTitle){pair->pipeline, direct_state_name(state), has_failed ? why.msg : ""});
    if (has_failed) command_error("pipeline %s failed: %s", pair->pipeline, why.msg);
    live_done(&live);
    metrics_free(metrics);
    return has_failed ? EXIT_FAILED : EXIT_OK;
}

/* ---- before the run ---- */

typedef struct Check {
    const Schema **schemas;
    bool *is_copied;
    size_t count;
} Check;

/* What is to be written, and which tables are to be copied into. A server that can't be asked now is no
 * reason to stop: the run waits for it, and finds the same faults then. */
static bool read_tables(const Pair *pair, const ConnectorContext *context, Scan *scan, Check *ret) {
    ScanPg *target = NULL;
    StoredState stored = {0};
    Err e = {0};
    if (!scan_pg_open(pair->sink.options, context, &target, &e)) return false;
    bool ok = scan_pg_stored(target, &stored, &e);
    ret->count = ok ? scan_table_count(scan) : 0;
    for (size_t i = 0; i < ret->count; i++) {
        const Schema *s = scan_table(scan, i);
        ret->schemas[i] = s;
        ret->is_copied[i] = scan_is_copied(scan, i) && !stored_state_table(&stored, s->schema, s->table);
    }
    stored_state_done(&stored);
    scan_pg_close(target);
    return ok;
}

/* Everything about the target's tables that would stop the run, said at once, before anything is written. */
static bool check_target(const Pair *pair) {
    if (pair->sink_class != &postgres_sink_class) return true;
    Scan *scan = NULL;
    Err e = {0};
    if (!scan_open(pair->source.options, &scan, &e)) return true;
    CLEANUP(findings_done) Findings found = {0};
    Metrics *metrics = metrics_new();
    const ConnectorContext context = pair_context(pair, metrics);
    size_t most = scan_table_count(scan) + 1;
    Check c = {.schemas = x_reallocarray(NULL, most, sizeof(Schema *)),
               .is_copied = x_calloc(most, sizeof(bool))};
    bool ok = true;
    if (read_tables(pair, &context, scan, &c)) {
        const PrecheckPgTables tables = {.schemas = c.schemas, .count = c.count, .is_copied = c.is_copied};
        ok = !precheck_pg_start(pair->sink.options, &context, &tables, &found, &e) ||
             findings_pass(&found, &e);
    }
    for (size_t i = 0; !ok && i < found.count; i++) {
        CLEANUP_FREE char *line = finding_line(&found.items[i]);
        if (found.items[i].level == FINDING_ERROR) command_error("%s", line);
    }
    free(c.schemas);
    free(c.is_copied);
    scan_close(scan);
    metrics_free(metrics);
    return ok;
}

static int run(const Args *args) {
    const char *term = getenv("TERM");
    Screen screen = {.is_json = args_has(args, "json"), .summary_file = args_value(args, "summary-file")};
    screen.is_terminal = !screen.is_json && !args_has(args, "plain") && isatty(STDOUT_FILENO) == 1 && term &&
                         strcmp(term, "dumb") != 0;
    Pair pair = {0};
    if (!command_pair(args, &pair)) return EXIT_USAGE;
    if (options_int(pair.sink.options, "tasks.max") > 1)
        command_error("warning: tasks.max: one task writes so far; a larger number changes nothing");
    log_set_level(LOG_LEVEL_ERROR); /* what the check meets, the run meets again and tells */
    int status = check_target(&pair) ? run_pair(&pair, &screen) : EXIT_FAILED;
    pair_done(&pair);
    return status;
}

static const ArgDef run_args[] = {
    COMMAND_ENDS,
    {"json", NULL, "status as JSON lines on stdout"},
    {"plain", NULL, "status as text lines, also on a terminal"},
    {"summary-file", "FILE", "write the final status there, as JSON"},
};

const Command command_run = {
    .name = "run",
    .usage = "millrace run [OPTION…] FILE…\n       millrace run [OPTION…] --from=URL --to=URL",
    .summary = "copy the tables, then keep them current until SIGINT or SIGTERM",
    .about = "FILE: connector files (.json or .properties, with a connector.class) and the worker's "
             "properties, as\n"
             "connect-standalone takes them. --from and --to need no file. A signal drains and commits what "
             "was read and\n"
             "ends with status 0; a second one leaves at once.",
    .args = run_args,
    .arg_count = sizeof run_args / sizeof *run_args,
    .run = run,
};
