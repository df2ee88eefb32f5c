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
#include "base/heap.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/live.h"
#include "cli/pair.h"
#include "cli/topic_run.h"
#include "kafka/topic_sink.h"
#include "postgres/precheck_pg.h"
#include "postgres/scan_pg.h"
#include "postgres/sink.h"
#include "postgres/topic_writer.h"
#include "sqlserver/scan.h"
#include "sqlserver/source_settings.h"
#include "worker/direct.h"
#include "worker/sink_task.h"

#define RESTART_WAIT "retriable.restart.connector.wait.ms"

enum {
    FRAME_MS = 250, /* a terminal's screen */
    LINE_MS = 5000, /* a line otherwise */
    SHORT_RUN_US = 10 * 1000000,
    LOG_LINES = 6, /* kept for the screen */
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

/* One pipeline of the run: of one database of the source; or a sink that is fed from topics. */
typedef struct Part {
    Pair pair;        /* borrowed; of a pipeline */
    const char *name; /* borrowed: the pipeline's, the connector's */
    Metrics *metrics;
    Direct *direct;
    SinkTasks *tasks; /* of a sink; then direct is NULL */
    DirectState state;
    Err why;
} Part;

typedef struct Parts {
    Part *items;      /* owned */
    Live *lives;      /* owned; as many */
    LiveTitle *title; /* the same */
    size_t count;
} Parts;

static bool is_over(DirectState state) {
    return state == DIRECT_STOPPED || state == DIRECT_FAILED;
}

/* In the words of pipelines. */
static DirectState tasks_state(SinkTasks *t, Err *ret_why) {
    static const DirectState states[] = {
        [SINK_TASK_STARTING] = DIRECT_STARTING, [SINK_TASK_RUNNING] = DIRECT_RUNNING,
        [SINK_TASK_WAITING] = DIRECT_WAITING,   [SINK_TASK_FAILED] = DIRECT_FAILED,
        [SINK_TASK_STOPPED] = DIRECT_STOPPED,
    };
    return states[sink_tasks_state_of_all(t, ret_why)];
}

/* How they are now. False: all have ended. */
static bool sample(Parts *p) {
    bool goes_on = false;
    for (size_t i = 0; i < p->count; i++) {
        Part *part = &p->items[i];
        part->state =
            part->tasks ? tasks_state(part->tasks, &part->why) : direct_state(part->direct, &part->why);
        goes_on |= !is_over(part->state);
    }
    return goes_on;
}

static void sample_lives(Parts *p) {
    for (size_t i = 0; i < p->count; i++) {
        const Part *part = &p->items[i];
        bool has_why = part->state == DIRECT_WAITING || part->state == DIRECT_FAILED;
        live_sample(&p->lives[i], part->metrics);
        p->title[i] = (LiveTitle){.pipeline = part->name,
                                  .state = direct_state_name(part->state),
                                  .why = has_why ? part->why.msg : "",
                                  .database = part->pair.has_siblings ? pair_database(&part->pair) : NULL};
    }
}

static void draw(Screen *s, const Parts *p) {
    CLEANUP(buf_done) Buf out = {0};
    if (s->is_terminal) {
        int columns = terminal_columns();
        read_log(s);
        live_screen(p->lives, p->title, p->count, columns, &out);
        for (int i = 0; i < LOG_LINES; i++) {
            if (s->lines[i]) buf_printf(&out, "\n\x1b[2m  %.*s\x1b[0m\x1b[K", columns - 3, s->lines[i]);
        }
    }
    for (size_t i = 0; !s->is_terminal && i < p->count; i++) {
        if (s->is_json) live_json(&p->lives[i], &p->title[i], "status", &out);
        else live_line(&p->lives[i], &p->title[i], &out);
    }
    (void)fwrite(out.p, 1, out.n, stdout);
    (void)fflush(stdout);
}

/* The last words: on stdout, and as JSON in the file that was asked for, a line each. */
static void summary(const Screen *s, const Parts *p) {
    CLEANUP(buf_done) Buf out = {0};
    CLEANUP(buf_done) Buf json = {0};
    for (size_t i = 0; i < p->count; i++) {
        live_json(&p->lives[i], &p->title[i], "summary", &json);
        if (!s->is_json) live_line(&p->lives[i], &p->title[i], &out);
    }
    if (s->is_json) buf_str(&out, buf_view(&json));
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

static void begin_drain(const Parts *p) {
    pthread_t watcher;
    LOG_INFO("stop_asked", LOG_S("next", "what was read is committed; a second signal leaves at once"));
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].tasks) sink_tasks_drain(p->items[i].tasks);
        else direct_drain(p->items[i].direct);
    }
    if (pthread_create(&watcher, NULL, leave_at_last, NULL) == 0) pthread_detach(watcher);
}

/* Until all have ended: one that fails doesn't take the others along. */
static void watch(Parts *p, Screen *screen) {
    sigset_t set = stop_signals();
    int64_t period_us = (int64_t)(screen->is_terminal ? FRAME_MS : LINE_MS) * 1000,
            drawn_us = clock_mono_us();
    int64_t begun_us = drawn_us;
    bool is_draining = false;
    for (;;) {
        /* Short runs end without a wait, long ones seldom wake up for nothing. */
        bool is_short = clock_mono_us() - begun_us < SHORT_RUN_US;
        const struct timespec slice = {.tv_nsec = (is_short ? 100 : 250) * 1000000L};
        if (is_draining) clock_sleep_ms(10);
        else if (sigtimedwait(&set, NULL, &slice) > 0) {
            begin_drain(p);
            is_draining = true;
        }
        bool goes_on = sample(p);
        if (goes_on && clock_mono_us() - drawn_us < period_us) continue;
        drawn_us = clock_mono_us();
        sample_lives(p);
        if (!goes_on) return;
        draw(screen, p);
    }
}

/* The lesser of both sides' limits, of which -1 is none; one that is set counts before a default. */
static int32_t most_restarts(const Pair *pair) {
    const Options *source = pair->source.options;
    bool has_sink = pair->sink_class->option_count > 0;
    int64_t a = options_int(source, "errors.max.retries");
    int64_t b = has_sink ? options_int(pair->sink.options, "max.retries") : a;
    bool a_is_set = options_is_set(source, "errors.max.retries");
    bool b_is_set = has_sink && options_is_set(pair->sink.options, "max.retries");
    if (a_is_set != b_is_set) return (int32_t)(a_is_set ? a : b);
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

/* tasks.max of the sink. */
static size_t lanes_of(const Pair *pair) {
    int64_t lanes = sink_number(pair, "tasks.max", 1);
    return lanes < ROUTE_LANES_MAX ? (size_t)lanes : ROUTE_LANES_MAX;
}

static bool sets_aside(const Pair *pair) {
    return pair->sink_class == &postgres_sink_class &&
           options_enum(pair->sink.options, "errors.tolerance") == 1;
}

static DirectSpec spec_of(const Pair *pair, Metrics *metrics, Claims *claims) {
    const Options *source = pair->source.options;
    int64_t bytes = options_int(source, "max.queue.size.in.bytes");
    return (DirectSpec){
        .name = pair->pipeline,
        .database = pair_database(pair),
        .has_siblings = pair->has_siblings,
        .source = pair->source_class,
        .source_options = source,
        .sink = pair->sink_class,
        .sink_options = pair->sink.options,
        .topic_prefix = options_str(source, "topic.prefix"),
        .route = pair->route,
        .metrics = metrics,
        .claims = claims,
        .lanes = lanes_of(pair),
        .queue_batches = queue_batches(source),
        .queue_bytes = bytes > 0 ? (size_t)bytes : QUEUE_BYTES,
        .max_restarts = most_restarts(pair),
        .restart_wait_ms = sink_number(pair, "retry.backoff.ms", 1000),
        .restart_wait_max_ms =
            options_is_set(source, RESTART_WAIT) ? options_int(source, RESTART_WAIT) : RESTART_WAIT_MAX_MS,
        .stop_at_end = !source_streams(source),
        .wants_before = pair->sink_class == &topic_sink_class,
        .sets_aside = sets_aside(pair),
    };
}

/* Room for so many more. */
static void parts_grow(Parts *p, size_t more) {
    p->items = x_reallocarray(p->items, p->count + more, sizeof *p->items);
    p->lives = x_reallocarray(p->lives, p->count + more, sizeof *p->lives);
    p->title = x_reallocarray(p->title, p->count + more, sizeof *p->title);
    memset(p->items + p->count, 0, more * sizeof *p->items);
    memset(p->lives + p->count, 0, more * sizeof *p->lives);
    memset(p->title + p->count, 0, more * sizeof *p->title);
}

/* All parts of the pair, as many pipelines. */
static void parts_start(Parts *p, const Pair *pair, Claims *claims) {
    size_t count = pair_parts(pair);
    parts_grow(p, count);
    for (size_t i = 0; i < count; i++) {
        Part *part = &p->items[p->count];
        part->pair = pair_part(pair, i);
        part->name = part->pair.pipeline;
        part->metrics = metrics_new();
        DirectSpec spec = spec_of(&part->pair, part->metrics, claims);
        spec.task = (int)i;
        part->direct = direct_start(&spec);
        live_sample(&p->lives[p->count++], part->metrics);
    }
}

static bool parts_start_sink(Parts *p, const TopicRunSink *sink, Err *e) {
    parts_grow(p, 1);
    Part *part = &p->items[p->count];
    part->name = sink->name;
    part->metrics = metrics_new();
    const SinkTasksSpec spec = {.connector = sink->name,
                                .options = sink->options,
                                .props = sink->props,
                                .writer = &postgres_topic_writer_class,
                                .metrics = part->metrics};
    if (!sink_tasks_start(&spec, &part->tasks, e)) {
        part->metrics = metrics_free(part->metrics);
        return false;
    }
    live_sample(&p->lives[p->count++], part->metrics);
    return true;
}

/* False: one of them has failed. */
static bool parts_end(Parts *p) {
    bool ok = true;
    for (size_t i = 0; i < p->count; i++) {
        Part *part = &p->items[i];
        if (part->state == DIRECT_FAILED) {
            ok = false;
            command_error("%s %s%s%s failed: %s", part->tasks ? "sink" : "pipeline", part->name,
                          p->title[i].database ? "/" : "", p->title[i].database ? p->title[i].database : "",
                          part->why.msg);
        }
        live_done(&p->lives[i]);
        metrics_free(part->metrics);
    }
    free(p->items);
    free(p->lives);
    free(p->title);
    return ok;
}

static void run_begins(const Options *worker, Screen *screen) {
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    static const LogLevel levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR};
    log_set_level(levels[options_enum(worker, "log.level")]);
    screen_open(screen);
}

/* To the end of all. */
static int run_on(Parts *parts, Screen *screen) {
    watch(parts, screen);
    for (size_t i = 0; i < parts->count; i++) {
        direct_stop(parts->items[i].direct);
        sink_tasks_stop(parts->items[i].tasks);
    }
    sample_lives(parts);
    screen_close(screen);
    summary(screen, parts);
    return parts_end(parts) ? EXIT_OK : EXIT_FAILED;
}

static int run_pair(const Pair *pair, Screen *screen) {
    Parts parts = {0};
    run_begins(pair->worker, screen);
    LOG_INFO("start", LOG_S("version", MILLRACE_VERSION), LOG_S("pipeline", pair->pipeline),
             LOG_S("source", pair->source.name), LOG_S("sink", pair->sink.name),
             LOG_I("databases", pair_parts(pair)));
    Claims *claims = claims_new();
    parts_start(&parts, pair, claims);
    int status = run_on(&parts, screen);
    claims_free(claims);
    return status;
}

/* Connectors with topics at their other ends. */
static int run_topics(const TopicRun *run, Screen *screen) {
    Parts parts = {0};
    run_begins(run->worker, screen);
    LOG_INFO("start", LOG_S("version", MILLRACE_VERSION), LOG_I("sources", run->source_count),
             LOG_I("sinks", run->sink_count));
    Claims *claims = claims_new();
    Err e = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < run->sink_count; i++) ok = parts_start_sink(&parts, &run->sinks[i], &e);
    for (size_t i = 0; ok && i < run->source_count; i++) parts_start(&parts, &run->sources[i], claims);
    if (!ok) begin_drain(&parts);
    int status = run_on(&parts, screen);
    if (!ok) command_error("%s", e.msg);
    claims_free(claims);
    return ok ? status : EXIT_FAILED;
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

/* Everything about the target's tables that would stop the run, said at once, before anything is written.
 * What may pass by itself (a table that somebody has locked) is the run's to wait for. */
static bool check_part(const Pair *pair, Claims *claims) {
    Scan *scan = NULL;
    Err e = {0};
    if (!scan_open(pair->source.options, &scan, &e)) return true;
    CLEANUP(findings_done) Findings found = {0};
    Metrics *metrics = metrics_new();
    ConnectorContext context = pair_context(pair, metrics);
    context.claims = claims;
    size_t most = scan_table_count(scan) + 1;
    Check c = {.schemas = x_reallocarray(NULL, most, sizeof(Schema *)),
               .is_copied = x_calloc(most, sizeof(bool))};
    bool ok = true;
    if (read_tables(pair, &context, scan, &c)) {
        const PrecheckPgTables tables = {.schemas = c.schemas, .count = c.count, .is_copied = c.is_copied};
        ok = !precheck_pg_start(pair->sink.options, &context, &tables, &found, &e) ||
             findings_pass(&found, &e) || e.retriable;
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

static bool check_target(const Pair *pair) {
    if (pair->sink_class != &postgres_sink_class) return true;
    Claims *claims = claims_new();
    bool ok = true;
    for (size_t i = 0; i < pair_parts(pair); i++) {
        const Pair part = pair_part(pair, i);
        ok = check_part(&part, claims) && ok;
    }
    claims_free(claims);
    return ok;
}

static int run_files(const Args *args, Screen *screen) {
    TopicRun run = {0};
    if (!command_topics(args, &run)) return EXIT_USAGE;
    heap_keep_requests();
    int status = run_topics(&run, screen);
    topic_run_done(&run);
    return status;
}

static int run(const Args *args) {
    const char *term = getenv("TERM");
    Screen screen = {.is_json = args_has(args, "json"), .summary_file = args_value(args, "summary-file")};
    screen.is_terminal = !screen.is_json && !args_has(args, "plain") && isatty(STDOUT_FILENO) == 1 && term &&
                         strcmp(term, "dumb") != 0;
    if (topic_run_is_meant(args->operands, args->operand_count)) return run_files(args, &screen);
    Pair pair = {0};
    if (!command_pair(args, &pair)) return EXIT_USAGE;
    if (options_int(pair.sink.options, "tasks.max") > ROUTE_LANES_MAX)
        command_error("warning: tasks.max: %d tasks write, no more", ROUTE_LANES_MAX);
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
