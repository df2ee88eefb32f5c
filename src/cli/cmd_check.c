/*
 * millrace check: everything that can be told of both sides before a run, and of one that is under way.
 * Nothing is written on either side; the checks are those that a run goes through at its start, and more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/pair.h"
#include "cli/topic_run.h"
#include "kafka/source_start.h"
#include "kafka/topic_sink.h"
#include "postgres/precheck_pg.h"
#include "postgres/scan_pg.h"
#include "postgres/sink.h"
#include "sqlserver/precheck.h"
#include "sqlserver/setup_sql.h"
#include "worker/check_kafka.h"

enum { PERMISSION_DENIED = 229 };

typedef struct Check {
    const Pair *pair;
    ConnectorContext context;
    bool shows_progress;
    SourceSettings settings;
    Odbc *odbc;
    Catalog catalog; /* as a run reads it */
    Catalog wanted;  /* with tables that aren't captured yet, for what the target would get */
    Arena arena;
    StoredState stored;
    bool has_stored; /* the target could be asked */
    int64_t rows, bytes;
    Findings found;
} Check;

static void check_done(Check *c) {
    findings_done(&c->found);
    stored_state_done(&c->stored);
    catalog_done(&c->wanted);
    catalog_done(&c->catalog);
    odbc_close(c->odbc);
    source_settings_done(&c->settings);
    arena_done(&c->arena);
}

static void progress(void *arg, const char *name) {
    const Check *c = arg;
    if (!c->shows_progress) return;
    (void)fprintf(stderr, "\r\x1b[K%s …", name);
    (void)fflush(stderr);
}

static bool has_target(const Check *c) {
    return c->pair->sink_class == &postgres_sink_class;
}

static bool has_topics(const Check *c) {
    return c->pair->sink_class == &topic_sink_class;
}

/* ---- options ---- */

static void check_options(Check *c, const TextList *warnings) {
    for (size_t i = 0; i < warnings->count; i++)
        findings_add(&c->found, "options", FINDING_WARNING, /* cure= */ NULL, "%s", warnings->items[i]);
    if (warnings->count == 0) findings_add(&c->found, "options", FINDING_OK, NULL, "each has its effect");
}

/* ---- what the target has stored: the source's checks go by it ---- */

/* Of a source with topics behind it: in the topic of offsets, which is only read. */
static void read_stored_topic(Check *c) {
    static const bool never = false;
    const Options *o = c->pair->sink.options;
    const SourceOffsetsKey key = {str_from(c->pair->pipeline), str_from(c->context.topic_prefix),
                                  str_from(c->context.database ? c->context.database : "")};
    SourceOffsets found = {0};
    bool exists = false;
    Err e = {0};
    progress(c, "kafka-broker");
    if (!check_kafka_has_topic(o, source_start_topic(o), &exists, &e))
        return; /* told by the broker's checks */
    if (exists && !source_start_read(o, &key, source_start_topic(o), &never, &found, &e)) {
        findings_add_err(&c->found, "kafka-internal-topics", /* cure= */ NULL, &e);
        return;
    }
    if (exists) stored_state_copy(&c->stored, &found.state);
    c->has_stored = true;
    source_offsets_done(&found);
}

static void read_stored(Check *c) {
    ScanPg *target = NULL;
    Err ignored;
    if (has_topics(c)) read_stored_topic(c);
    if (!has_target(c) || !scan_pg_open(c->pair->sink.options, &c->context, &target, &ignored)) return;
    c->has_stored = scan_pg_stored(target, &c->stored, &ignored);
    scan_pg_close(target);
}

/* ---- the source ---- */

static bool load_catalog(Check *c, bool takes_uncaptured, Catalog *ret) {
    CatalogFilter filter = c->settings.filter;
    CLEANUP(buf_done) Buf cure = {0};
    Err e;
    filter.takes_uncaptured = takes_uncaptured;
    if (catalog_load(ret, c->odbc, &filter, &e)) return true;
    if (odbc_last_native(c->odbc) == PERMISSION_DENIED)
        setup_sql_grant_cdc(c->settings.target.user ? str_from(c->settings.target.user) : STR_LIT("millrace"),
                            &cure);
    findings_add_err(&c->found, "source-grants", cure.n ? buf_text(&cure) : NULL, &e);
    return false;
}

static void check_source(Check *c) {
    Err e;
    progress(c, "source-login");
    if (!source_settings(c->pair->source.options, &c->settings, &e)) {
        findings_add_err(&c->found, "options", /* cure= */ NULL, &e);
        return;
    }
    if (!precheck_connect_found(&c->settings.target, &c->odbc, &c->found)) return;
    if (!load_catalog(c, /* takes_uncaptured= */ false, &c->catalog) ||
        !load_catalog(c, c->settings.names_tables, &c->wanted))
        return;
    const Precheck p = {.catalog = &c->catalog,
                        .odbc = c->odbc,
                        .settings = &c->settings,
                        .stored = c->has_stored ? &c->stored : NULL,
                        .arena = &c->arena};
    precheck_all(&p, progress, c, &c->found);
    precheck_size(&p, &c->rows, &c->bytes);
}

/* ---- the target ---- */

/* The newest instance of each wanted table, and whether its rows are to be copied: a table's instances lie
 * together, oldest first. */
static size_t list_tables(const Check *c, const Schema **ret, bool *ret_is_copied) {
    bool copies = snapshot_mode_copies(c->settings.mode, &c->settings.flags);
    size_t count = 0;
    for (size_t i = 0; i < c->wanted.instance_count; i++) {
        const CatalogInstance *in = &c->wanted.instances[i];
        if (i == 0 || in->table != c->wanted.instances[i - 1].table) count++;
        ret[count - 1] = in->schema;
        ret_is_copied[count - 1] = copies && c->has_stored && !c->wanted.tables[in->table].is_uncopied &&
                                   !stored_state_table(&c->stored, in->schema->schema, in->schema->table);
    }
    return count;
}

static void check_target(Check *c) {
    size_t most = c->wanted.instance_count + 1;
    CLEANUP_FREE const Schema **schemas = x_reallocarray(NULL, most, sizeof *schemas);
    CLEANUP_FREE bool *is_copied = x_calloc(most, sizeof *is_copied);
    size_t count = list_tables(c, schemas, is_copied);
    const PrecheckPgTables tables = {.schemas = schemas,
                                     .count = count,
                                     .is_copied = is_copied,
                                     .source_rows = c->rows,
                                     .source_bytes = c->bytes};
    precheck_pg_all(c->pair->sink.options, &c->context, &tables, progress, c, &c->found);
}

/* ---- topics behind a source ---- */

static void check_topics(Check *c, size_t task) {
    const Options *o = c->pair->sink.options;
    CLEANUP_FREE const Schema **schemas = x_reallocarray(NULL, c->wanted.instance_count + 1, sizeof *schemas);
    CLEANUP_FREE bool *unused = x_calloc(c->wanted.instance_count + 1, sizeof *unused);
    CLEANUP_FREE char *id = source_start_transactional_id(o, c->pair->pipeline, (int)task);
    const CheckKafkaSpec spec = {.connector = c->pair->pipeline,
                                 .options = o,
                                 .transactional_id = id,
                                 .offsets_topic = source_start_topic(o),
                                 .schemas = schemas,
                                 .schema_count = list_tables(c, schemas, unused)};
    (void)check_kafka_all(&spec, progress, c, &c->found);
}

/* ---- the command ---- */

static void report(const Check *c, const char *connector, bool is_json, bool is_quiet) {
    CLEANUP(buf_done) Buf out = {0};
    struct winsize size;
    const char *term = getenv("TERM");
    bool is_terminal = isatty(STDOUT_FILENO) == 1 && term && strcmp(term, "dumb") != 0;
    int columns = is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    bool is_coloured = is_terminal && !getenv("NO_COLOR"); /* no-color.org */
    if (c->shows_progress) (void)fputs("\r\x1b[K", stderr);
    if (is_json) check_report_json(&c->found, connector, &out);
    else check_report_table(&c->found, columns, is_coloured, !is_quiet, &out);
    (void)fwrite(out.p, 1, out.n, stdout);
    (void)fflush(stdout);
}

/* One database of the source. False: a run would fail. */
static bool check_part(const Pair *pair, size_t task, const Args *args, const TextList *warnings,
                       Claims *claims) {
    Metrics *metrics = metrics_new();
    Check c = {
        .pair = pair, .context = pair_context(pair, metrics), .shows_progress = isatty(STDERR_FILENO) == 1};
    c.context.claims = claims;
    check_options(&c, warnings);
    read_stored(&c);
    check_source(&c);
    if (has_target(&c)) check_target(&c);
    if (has_topics(&c)) check_topics(&c, task);
    if (has_topics(&c) && !args_has(args, "json")) (void)printf("source %s\n", pair->source.name);
    if (pair->has_siblings && !args_has(args, "json")) (void)printf("database %s\n", pair_database(pair));
    report(&c, has_topics(&c) ? pair->source.name : NULL, args_has(args, "json"), args_has(args, "quiet"));
    bool ok = findings_count(&c.found, FINDING_ERROR) == 0;
    check_done(&c);
    metrics_free(metrics);
    return ok;
}

/* A sink that is fed from topics: which tables it writes is told by records alone. */
static bool check_sink(const TopicRunSink *sink, const Args *args, const TextList *warnings) {
    static const bool never = false;
    Metrics *metrics = metrics_new();
    const Pair none = {0};
    Check c = {.pair = &none,
               .context = {.name = sink->name, .has_topics = true, .metrics = metrics, .is_stopping = &never},
               .shows_progress = isatty(STDERR_FILENO) == 1};
    const CheckKafkaSpec spec = {.connector = sink->name, .options = sink->options, .is_sink = true};
    const PrecheckPgTables tables = {0};
    check_options(&c, warnings);
    (void)check_kafka_all(&spec, progress, &c, &c.found);
    precheck_pg_all(sink->options, &c.context, &tables, progress, &c, &c.found);
    if (!args_has(args, "json")) (void)printf("sink %s\n", sink->name);
    report(&c, sink->name, args_has(args, "json"), args_has(args, "quiet"));
    bool ok = findings_count(&c.found, FINDING_ERROR) == 0;
    check_done(&c);
    metrics_free(metrics);
    return ok;
}

/* Connectors with topics at their other ends. */
static int check_connectors(const TopicRun *run, const Args *args, const TextList *warnings) {
    const TextList none = {0};
    Claims *claims = claims_new();
    int status = EXIT_OK;
    for (size_t i = 0; i < run->source_count; i++)
        for (size_t k = 0; k < pair_parts(&run->sources[i]); k++) {
            const Pair part = pair_part(&run->sources[i], k);
            if (!check_part(&part, k, args, i + k == 0 ? warnings : &none, claims)) status = EXIT_FAILED;
        }
    for (size_t i = 0; i < run->sink_count; i++)
        if (!check_sink(&run->sinks[i], args, i + run->source_count == 0 ? warnings : &none))
            status = EXIT_FAILED;
    claims_free(claims);
    return status;
}

static int run_connectors(const Args *args) {
    TextList warnings = {0}, problems = {0};
    TopicRun run = {0};
    int status = EXIT_USAGE;
    bool ok = topic_run_from_files(args->operands, args->operand_count, &run, &warnings, &problems);
    for (size_t i = 0; i < problems.count; i++) command_error("%s", problems.items[i]);
    log_set_level(LOG_LEVEL_ERROR);
    if (ok) status = check_connectors(&run, args, &warnings);
    topic_run_done(&run);
    textlist_done(&warnings);
    textlist_done(&problems);
    return status;
}

static int run(const Args *args) {
    if (topic_run_is_meant(args->operands, args->operand_count)) return run_connectors(args);
    TextList warnings = {0}, problems = {0};
    Pair pair = {0};
    bool ok = command_pair_found(args, &pair, &warnings, &problems);
    for (size_t i = 0; i < problems.count; i++) command_error("%s", problems.items[i]);
    int status = EXIT_USAGE;
    if (ok) {
        log_set_level(LOG_LEVEL_ERROR); /* what is worth telling is a finding */
        Claims *claims = claims_new();
        status = EXIT_OK;
        for (size_t i = 0; i < pair_parts(&pair); i++) {
            const Pair part = pair_part(&pair, i);
            if (!check_part(&part, i, args, &warnings, claims)) status = EXIT_FAILED;
        }
        claims_free(claims);
    }
    textlist_done(&warnings);
    textlist_done(&problems);
    pair_done(&pair);
    return status;
}

static const ArgDef check_args[] = {
    COMMAND_ENDS,
    {"json", NULL, "one JSON object: every check with severity, what was found, cure"},
    {"quiet", NULL, "only what isn't ok"},
};

const Command command_check = {
    .name = "check",
    .usage = "millrace check [OPTION…] FILE…\n       millrace check [OPTION…] --from=URL --to=URL",
    .summary = "look at both sides and say what would stop a run, or harm it later, with the cure",
    .about = "With the files or addresses of the run. Nothing is changed on either side. Status 1 where a "
             "run would "
             "fail;\n"
             "warnings and notes don't count. docs/checks.md tells of each check.",
    .args = check_args,
    .arg_count = sizeof check_args / sizeof *check_args,
    .run = run,
};
