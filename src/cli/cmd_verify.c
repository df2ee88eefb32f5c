/* millrace verify: both sides of every table, row by row, also while changes flow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/compare.h"
#include "cli/live.h"
#include "cli/pair.h"
#include "cli/topic_passed.h"
#include "cli/topic_run.h"

enum { SETTLE_S = 12, WAIT_S = 120, LIMIT = 100, NUMBER_MAX = 1000000000 };

typedef struct Verify {
    Compare compare;
    bool is_json, shows_progress;
    int64_t limit;   /* key lines a table */
    int64_t read[2]; /* rows, by side: for the progress line */
    size_t differing;
    int name_columns;
} Verify;

static const char *const kind_text[] = {"only in the source", "only in the target", "differs"};
static const char *const kind_name[] = {"only_source", "only_target", "differs"};

/* ---- output ---- */

static void clear_progress(const Verify *v) {
    if (v->shows_progress) (void)fputs("\r\x1b[K", stderr);
}

static void progress(void *arg, const char *table, RowsumSide side, int64_t rows) {
    Verify *v = arg;
    CLEANUP(buf_done) Buf source = {0};
    CLEANUP(buf_done) Buf target = {0};
    if (!v->shows_progress) return;
    v->read[side] = rows;
    live_number(v->read[ROWSUM_SOURCE], &source);
    live_number(v->read[ROWSUM_TARGET], &target);
    (void)fprintf(stderr, "\r\x1b[K%s: %s rows read in the source, %s in the target", table,
                  buf_text(&source), buf_text(&target));
    (void)fflush(stderr);
}

static void right(int64_t n, int columns) {
    CLEANUP(buf_done) Buf number = {0};
    live_number(n, &number);
    (void)printf("%*s", columns, buf_text(&number));
}

static void show_table(const Verify *v, const Schema *schema, const CompareResult *r) {
    (void)printf("%-*s", v->name_columns, schema->qualified);
    right(r->rows[ROWSUM_SOURCE], 16);
    right(r->rows[ROWSUM_TARGET], 16);
    right((int64_t)r->key_count, 12);
    (void)puts(r->is_cut ? " or more" : "");
    for (size_t i = 0; i < r->key_count && (int64_t)i < v->limit; i++)
        (void)printf("  %s %s: %s%s\n", schema->qualified, r->keys[i].text, kind_text[r->keys[i].kind],
                     r->keys[i].is_settled ? "" : " (still changing)");
    if ((int64_t)r->key_count > v->limit)
        (void)printf("  … and %lld more (--limit)\n", (long long)((int64_t)r->key_count - v->limit));
    if (r->key_count > 0 && r->is_behind)
        (void)puts("  the target's position is behind what is captured: is millrace run at work?");
}

static void show_json(const Schema *schema, const CompareResult *r) {
    json_t *keys = json_array();
    for (size_t i = 0; i < r->key_count; i++)
        json_array_append_new(keys, json_pack("{s:s, s:s, s:b}", "key", r->keys[i].text, "kind",
                                              kind_name[r->keys[i].kind], "settled", r->keys[i].is_settled));
    json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:b, s:b, s:o}", "table", schema->qualified, "source_rows",
                          (json_int_t)r->rows[0], "target_rows", (json_int_t)r->rows[1], "differences",
                          (json_int_t)r->key_count, "cut", r->is_cut, "behind",
                          r->key_count > 0 && r->is_behind, "keys", keys);
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    (void)puts(text);
    json_decref(o);
}

/* ---- the comparison ---- */

static bool verify_tables(Verify *v, Err *e) {
    size_t count = scan_table_count(v->compare.source);
    for (size_t i = 0; i < count; i++) {
        int n = (int)strlen(scan_table(v->compare.source, i)->qualified);
        if (n > v->name_columns) v->name_columns = n;
    }
    if (!v->is_json)
        (void)printf("%-*s%16s%16s%12s\n", v->name_columns, "table", "source", "target", "different");
    for (size_t i = 0; i < count; i++) {
        CompareResult r = {0};
        v->read[0] = v->read[1] = 0;
        bool ok = compare_table(&v->compare, i, &r, e);
        clear_progress(v);
        if (!ok) return false;
        if (v->is_json) show_json(scan_table(v->compare.source, i), &r);
        else show_table(v, scan_table(v->compare.source, i), &r);
        (void)fflush(stdout);
        v->differing += r.key_count;
        compare_result_done(&r);
    }
    return true;
}

static bool verify_pair(const Pair *pair, Verify *v, Err *e) {
    Metrics *metrics = metrics_new();
    const ConnectorContext context = pair_context(pair, metrics);
    bool ok = scan_open(pair->source.options, &v->compare.source, e) || err_wrap(e, "source");
    ok = ok && (scan_pg_open(pair->sink.options, &context, &v->compare.target, e) || err_wrap(e, "target"));
    ok = ok && verify_tables(v, e);
    scan_close(v->compare.source);
    scan_pg_close(v->compare.target);
    metrics_free(metrics);
    return ok;
}

static bool verify_all(const Pair *pair, Verify *v, Err *e) {
    bool ok = true;
    for (size_t i = 0; ok && i < pair_parts(pair); i++) {
        const Pair part = pair_part(pair, i);
        if (part.has_siblings && !v->is_json) (void)printf("database %s\n", pair_database(&part));
        ok = verify_pair(&part, v, e);
    }
    return ok;
}

/* ---- with Kafka between ---- */

/* Options that only act without Kafka, or with it, were told of by the run. */
static bool open_ends(const Args *args, Pair *ret) {
    TextList unused = {0}, problems = {0};
    bool ok = pair_ends_from_files(args->operands, args->operand_count, ret, &unused, &problems);
    for (size_t i = 0; i < problems.count; i++) command_error("verify: %s", problems.items[i]);
    textlist_done(&unused);
    textlist_done(&problems);
    return ok;
}

static bool verify_ends(const Pair *ends, const TopicRun *run, Verify *v, Err *e) {
    bool ok = true;
    for (size_t i = 0; ok && i < pair_parts(ends); i++) {
        const Pair part = pair_part(ends, i), source = pair_part(&run->sources[0], i);
        CLEANUP(topic_passed_done) TopicPassed passed = {.source = &source, .sink = &run->sinks[0]};
        v->compare.has_passed = topic_passed;
        v->compare.passed_arg = &passed;
        if (part.has_siblings && !v->is_json) (void)printf("database %s\n", pair_database(&part));
        ok = verify_pair(&part, v, e);
    }
    return ok;
}

static int run_ends(const Args *args, Verify *v) {
    TopicRun run = {0};
    Pair ends = {0};
    Err e = {0};
    if (!open_ends(args, &ends)) return EXIT_USAGE;
    if (!command_topics(args, &run)) {
        pair_done(&ends);
        return EXIT_USAGE;
    }
    log_set_level(LOG_LEVEL_WARN);
    bool ok = verify_ends(&ends, &run, v, &e);
    if (!ok) command_error("verify: %s", e.msg);
    topic_run_done(&run);
    pair_done(&ends);
    return ok && v->differing == 0 ? EXIT_OK : EXIT_FAILED;
}

/* ---- the command ---- */

static int run(const Args *args) {
    int64_t settle_s = 0, wait_s = 0;
    Err e = {0};
    Verify v = {
        .is_json = args_has(args, "json"), .shows_progress = isatty(STDERR_FILENO) == 1, .name_columns = 5};
    if (!args_number(args, "settle", SETTLE_S, NUMBER_MAX, &settle_s, &e) ||
        !args_number(args, "wait", WAIT_S, NUMBER_MAX, &wait_s, &e) ||
        !args_number(args, "limit", LIMIT, NUMBER_MAX, &v.limit, &e)) {
        command_error("verify: %s", e.msg);
        return EXIT_USAGE;
    }
    v.compare.settle_ms = settle_s * 1000;
    v.compare.wait_ms = wait_s * 1000;
    v.compare.progress = progress;
    v.compare.arg = &v;
    if (topic_run_is_meant(args->operands, args->operand_count)) return run_ends(args, &v);
    Pair pair = {0};
    if (!command_pair(args, &pair)) return EXIT_USAGE;
    log_set_level(LOG_LEVEL_WARN);
    bool ok = verify_all(&pair, &v, &e);
    if (!ok) command_error("verify: %s", e.msg);
    pair_done(&pair);
    return ok && v.differing == 0 ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef verify_args[] = {
    COMMAND_ENDS,
    {"json", NULL, "a JSON object a table, with all keys that differ"},
    {"limit", "N", "lines of keys a table (100)"},
    {"settle", "SECONDS",
     "how long a change may take to be captured, where the capture job's scans can't be seen (12; else "
     "nothing is waited for but the scans)"},
    {"wait", "SECONDS", "and what still changes then is said to (120)"},
};

const Command command_verify = {
    .name = "verify",
    .usage = "millrace verify [OPTION…] FILE…\n       millrace verify [OPTION…] --from=URL --to=URL",
    .summary = "compare source and target row by row; status 1 and the keys when they differ",
    .about = "With the files or addresses of the run. Rows that differ are read again until the stream had "
             "the time to bring\n"
             "them, so it can be used while the run is at work. With Kafka between: the worker's file, one "
             "source and one sink.",
    .args = verify_args,
    .arg_count = sizeof verify_args / sizeof *verify_args,
    .run = run,
};
