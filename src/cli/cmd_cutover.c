/*
 * millrace cutover: the last step of a migration. Wait until the target holds all that SQL Server has
 * committed, prove that both sides are equal, set the sequences, and print what is left to make. Its output
 * is a script for psql: what isn't a statement is a comment; what goes on meanwhile is told on stderr.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/compare.h"
#include "cli/leftover.h"
#include "cli/live.h"
#include "cli/pair.h"
#include "postgres/sink_option.h"
#include "postgres/status_store.h"

enum { TIMEOUT_S = 300, SETTLE_S = 12, WAIT_S = 60, LOOK_MS = 500, KEYS_SHOWN = 10, SECONDS_MAX = 1000000 };

typedef struct Cutover {
    Pair pair; /* borrowed: one database's part */
    Metrics *metrics;
    Scan *source;
    ScanPg *target;
    Arena arena; /* of the extras */
    Extras extras;
    LeftoverTable *tables; /* owned, by source table */
    Target **targets;      /* owned, likewise */
    TextList *names;       /* owned, likewise */
    size_t count;
    Leftover leftover;
    int64_t timeout_ms, settle_ms;
    bool is_json, is_dry, may_set, shows_progress;
    Lsn drained; /* the target holds all up to here */
    json_t *json_tables, *json_set;
    size_t set_count;
} Cutover;

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fputs("cutover: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

static void clear_progress(const Cutover *c) {
    if (c->shows_progress) (void)fputs("\r\x1b[K", stderr);
}

/* ---- drained ---- */

/* What the target says of the run, for whoever waits in vain. */
static void explain_target(Cutover *c, Err *e) {
    StatusList list = {0};
    Err unused;
    if (!status_store_read(scan_pg_conn(c->target), c->pair.pipeline, &list, &unused) || list.count == 0) {
        (void)err_wrap(e, "no run has reported to this target");
        return;
    }
    const char *database = pair_database(&c->pair);
    size_t at = 0;
    while (at + 1 < list.count && (!database || strcmp(list.pipelines[at].database, database) != 0)) at++;
    const StatusPipeline *p = &list.pipelines[at];
    (void)err_wrap(e, "millrace run is %s%s%s", status_is_stale(p) ? "stale" : p->state, p->why ? ": " : "",
                   p->why ? p->why : "");
    status_list_done(&list);
}

static bool position_of(Cutover *c, Position *ret, Err *e) {
    StoredState stored = {0};
    if (!scan_pg_stored(c->target, &stored, e)) return err_wrap(e, "target");
    *ret = stored.has_position ? stored.position : (Position){0};
    bool is_copied = stored.is_snapshot_done;
    stored_state_done(&stored);
    if (!is_copied) *ret = (Position){0};
    return true;
}

static void show_wait(const Cutover *c, const char *what, const Position *at, int64_t since_ms) {
    char text[POSITION_TEXT_SIZE];
    if (!c->shows_progress) return;
    (void)fprintf(stderr, "\r\x1b[Kcutover: %s, %" PRId64 " s; the target is at %s", what,
                  (clock_mono_us() / 1000 - since_ms) / 1000,
                  position_is_zero(at) ? "its first copy" : position_format(at, text));
    (void)fflush(stderr);
}

/* All that was committed when this was called is in the target. */
static bool drain(Cutover *c, Err *e) {
    CapturePassed captured;
    int64_t begin_ms = clock_mono_us() / 1000;
    char lsn[LSN_TEXT_SIZE];
    if (!scan_passed_begin(c->source, &captured, e)) return err_wrap(e, "source");
    for (bool is_captured = false;;) {
        Position at = {0};
        if (!is_captured && !scan_passed_ask(c->source, &captured, e)) return err_wrap(e, "source");
        int64_t waited_ms = clock_mono_us() / 1000 - begin_ms;
        is_captured =
            is_captured || captured.is_passed || (!captured.knows_scans && waited_ms >= c->settle_ms);
        if (!position_of(c, &at, e)) return false;
        const Position end = position_end_of(&captured.max_lsn);
        if (is_captured && position_cmp(&at, &end) >= 0) break;
        show_wait(c, is_captured ? "waiting for millrace run" : "waiting for the capture job", &at, begin_ms);
        if (waited_ms >= c->timeout_ms && !is_captured) {
            (void)err_set(e, ERR_TIMEOUT, false,
                          "the capture job has not scanned what was committed %" PRId64
                          " s ago: is SQL Server Agent running? (--timeout)",
                          waited_ms / 1000);
            return false;
        }
        if (waited_ms >= c->timeout_ms) {
            (void)err_set(e, ERR_TIMEOUT, false,
                          "the target did not reach LSN %s within %" PRId64 " s (--timeout)",
                          lsn_format(&captured.max_lsn, lsn), c->timeout_ms / 1000);
            explain_target(c, e);
            return false;
        }
        clock_sleep_ms(LOOK_MS);
    }
    clear_progress(c);
    c->drained = captured.max_lsn;
    tell("drained: the target holds every commit up to %s", lsn_format(&c->drained, lsn));
    return true;
}

/* Nobody wrote since: else the comparison was of something that goes on. */
static bool check_writers(Cutover *c, Err *e) {
    char lsn[LSN_TEXT_SIZE];
    for (size_t i = 0; i < c->count; i++) {
        bool has_changed = false;
        if (!scan_has_changed(c->source, i, &c->drained, &has_changed, e)) return err_wrap(e, "source");
        if (has_changed)
            return err_set(
                e, ERR_INVALID, false,
                "table %s was changed after LSN %s, while this ran: stop all writers of SQL Server, then "
                "run it again",
                scan_table(c->source, i)->qualified, lsn_format(&c->drained, lsn));
    }
    return true;
}

/* ---- equal ---- */

static void show_result(Cutover *c, const Schema *schema, const CompareResult *r) {
    clear_progress(c);
    json_array_append_new(c->json_tables,
                          json_pack("{s:s, s:I, s:I, s:I}", "table", schema->qualified, "source_rows",
                                    (json_int_t)r->rows[0], "target_rows", (json_int_t)r->rows[1],
                                    "differences", (json_int_t)r->key_count));
    CLEANUP(buf_done) Buf rows = {0};
    live_number(r->rows[ROWSUM_SOURCE], &rows);
    if (r->key_count == 0) tell("equal: %s, %s rows", schema->qualified, buf_text(&rows));
    for (size_t i = 0; i < r->key_count && i < KEYS_SHOWN; i++)
        tell("different: %s %s", schema->qualified, r->keys[i].text);
}

static bool verify(Cutover *c, Err *e) {
    const Compare compare = {
        .source = c->source, .target = c->target, .settle_ms = c->settle_ms, .wait_ms = WAIT_S * 1000};
    size_t differing = 0, tables = 0;
    for (size_t i = 0; i < c->count; i++) {
        CompareResult r = {0};
        if (!compare_table(&compare, i, &r, e)) return false;
        show_result(c, scan_table(c->source, i), &r);
        differing += r.key_count;
        tables += r.key_count > 0;
        compare_result_done(&r);
    }
    return differing == 0 ||
           err_set(e, ERR_DATA, false,
                   "%zu rows of %zu tables differ: millrace verify lists them; nothing was set", differing,
                   tables);
}

/* ---- what is left ---- */

static bool open_table(Cutover *c, size_t i, Err *e) {
    const Schema *schema = scan_table(c->source, i);
    PgConn *conn = scan_pg_conn(c->target);
    if (!scan_pg_target(c->target, schema, &c->targets[i], e) ||
        !extras_pg_names(conn, c->targets[i]->table->oid, &c->names[i], e))
        return err_wrap(e, "target, %s", schema->qualified);
    LeftoverTable *t = &c->tables[i];
    *t = (LeftoverTable){.schema = schema, .target = c->targets[i], .names = &c->names[i]};
    for (size_t k = 0; k < schema->column_count; k++) {
        int place = c->targets[i]->places[k];
        if (!schema->columns[k].is_identity || place < 0 || t->sequence.name) continue;
        if (!extras_pg_sequence(conn, c->targets[i]->qualified, c->targets[i]->table->columns[place].name,
                                &t->sequence, e))
            return err_wrap(e, "target, %s", schema->qualified);
    }
    return true;
}

static bool find_leftover(Cutover *c, Err *e) {
    if (!scan_extras(c->source, &c->arena, &c->extras, e)) return err_wrap(e, "source");
    for (size_t i = 0; i < c->count; i++)
        if (!open_table(c, i, e)) return false;
    leftover_find(&c->extras, c->tables, c->count, &c->leftover);
    return true;
}

static bool connect_to_write(Cutover *c, SinkConfig **config, PgConn **ret, Err *e) {
    const ConnectorContext context = pair_context(&c->pair, c->metrics);
    if (!sink_config_new(c->pair.sink.options, &context, config, e)) return false;
    const PgConnSpec spec = sink_config_conn(*config);
    return pgconn_open(&spec, ret, e);
}

/* All sequences or none. */
static bool set_sequences(Cutover *c, Err *e) {
    SinkConfig *config = NULL;
    PgConn *conn = NULL;
    bool ok = connect_to_write(c, &config, &conn, e) && pgconn_exec(conn, "BEGIN", e);
    for (size_t i = 0; ok && i < c->leftover.count; i++) {
        const LeftoverStatement *s = &c->leftover.all[i];
        if (s->kind != LEFTOVER_SEQUENCE) continue;
        ok = pgconn_exec(conn, s->sql, e) || err_wrap(e, "setting the sequence of %s", s->table);
        if (!ok) break;
        json_array_append_new(c->json_set, json_pack("{s:s, s:s}", "table", s->table, "sql", s->sql));
        c->set_count++;
    }
    ok = ok && pgconn_exec(conn, "COMMIT", e);
    pgconn_close(conn);
    sink_config_free(config);
    if (ok) tell("%zu sequences set", c->set_count);
    return ok;
}

/* ---- output ---- */

static const char *const titles[LEFTOVER_KINDS] = {
    "sequences, where SQL Server's identities go on (--yes sets them)",
    "identities",
    "defaults",
    "unique constraints and indexes",
    "indexes",
    "check constraints",
    "foreign keys"};

static void print_script(const Cutover *c) {
    CLEANUP(buf_done) Buf out = {0};
    int last = -1;
    for (size_t i = 0; i < c->leftover.count; i++) {
        const LeftoverStatement *s = &c->leftover.all[i];
        if (s->kind == LEFTOVER_SEQUENCE && c->may_set) continue;
        if ((int)s->kind != last) buf_printf(&out, "\n-- %s\n", titles[s->kind]);
        last = (int)s->kind;
        leftover_print(s, &out);
    }
    const char *database = pair_database(&c->pair);
    if (c->pair.has_siblings && database) (void)printf("-- database %s\n", database);
    (void)puts("-- millrace cutover: what PostgreSQL lacks of what SQL Server has, for psql; lines that "
               "begin with -- "
               "are not certain to mean the same.\n-- Stop millrace run first.");
    if (last < 0) (void)puts("-- nothing: all is there");
    (void)fwrite(out.p, 1, out.n, stdout);
}

static json_t *text_json(const char *text) {
    return text ? json_string(text) : json_null();
}

static void print_json(Cutover *c) {
    char lsn[LSN_TEXT_SIZE];
    json_t *statements = json_array(), *o = json_object();
    for (size_t i = 0; i < c->leftover.count; i++) {
        const LeftoverStatement *s = &c->leftover.all[i];
        if (s->kind == LEFTOVER_SEQUENCE && c->may_set) continue;
        json_array_append_new(statements,
                              json_pack("{s:s, s:s, s:o, s:o, s:b}", "kind", leftover_kind_name(s->kind),
                                        "table", s->table, "sql", text_json(s->sql), "note",
                                        text_json(s->note), "certain", s->is_certain));
    }
    const char *database = pair_database(&c->pair);
    json_object_set_new(o, "database", text_json(database));
    json_object_set_new(o, "drained", c->is_dry ? json_null() : json_string(lsn_format(&c->drained, lsn)));
    json_object_set(o, "tables", c->json_tables);
    json_object_set(o, "sequences_set", c->json_set);
    json_object_set_new(o, "statements", statements);
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    (void)puts(text);
}

/* ---- the command ---- */

static bool cut_over(Cutover *c, Err *e) {
    const ConnectorContext context = pair_context(&c->pair, c->metrics);
    if (!scan_open(c->pair.source.options, &c->source, e)) return err_wrap(e, "source");
    if (!scan_pg_open(c->pair.sink.options, &context, &c->target, e)) return err_wrap(e, "target");
    c->count = scan_table_count(c->source);
    c->tables = x_calloc(c->count + 1, sizeof *c->tables);
    c->targets = x_calloc(c->count + 1, sizeof *c->targets);
    c->names = x_calloc(c->count + 1, sizeof *c->names);
    if (!c->is_dry) {
        tell("what is committed in SQL Server from now on is not waited for: its writers have to be stopped");
        /* asked before, too: a comparison of what still changes takes long, and says less */
        if (!drain(c, e) || !check_writers(c, e)) return false;
        bool is_equal = verify(c, e);
        if ((is_equal || e->code == ERR_DATA) && !check_writers(c, e)) return false;
        if (!is_equal) return false;
    }
    if (!find_leftover(c, e)) return false;
    if (c->may_set && !set_sequences(c, e)) return false;
    if (c->is_json) print_json(c);
    else print_script(c);
    return true;
}

static void cutover_done(Cutover *c) {
    for (size_t i = 0; i < c->count; i++) {
        extras_pg_sequence_done(&c->tables[i].sequence);
        textlist_done(&c->names[i]);
        target_free(c->targets[i]);
    }
    free(c->tables);
    free(c->targets);
    free(c->names);
    leftover_done(&c->leftover);
    arena_done(&c->arena);
    scan_close(c->source);
    scan_pg_close(c->target);
    metrics_free(c->metrics);
    json_decref(c->json_tables);
    json_decref(c->json_set);
}

static bool seconds(const Args *args, const char *name, int64_t otherwise, int64_t *ret_ms, Err *e) {
    if (!args_number(args, name, otherwise, SECONDS_MAX, ret_ms, e)) return false;
    *ret_ms *= 1000;
    return true;
}

/* One database, of which *c has the settings; what went wrong stands on stderr. */
static bool cut_over_part(Cutover *c) {
    Err e = {0};
    const char *database = pair_database(&c->pair);
    c->metrics = metrics_new();
    c->json_tables = json_array();
    c->json_set = json_array();
    if (c->pair.has_siblings && database) tell("database %s", database);
    bool ok = cut_over(c, &e);
    if (!ok) {
        clear_progress(c);
        command_error("cutover: %s", e.msg);
    }
    cutover_done(c);
    return ok;
}

static int run(const Args *args) {
    Err e = {0};
    Cutover c = {.is_json = args_has(args, "json"),
                 .is_dry = args_has(args, "dry-run"),
                 .may_set = args_has(args, "yes"),
                 .shows_progress = isatty(STDERR_FILENO) == 1};
    bool ok = seconds(args, "timeout", TIMEOUT_S, &c.timeout_ms, &e) &&
              seconds(args, "settle", SETTLE_S, &c.settle_ms, &e);
    if (ok && c.is_dry && c.may_set)
        ok = err_set(&e, ERR_INVALID, false, "--dry-run sets nothing: leave out --yes");
    if (!ok) {
        command_error("cutover: %s", e.msg);
        return EXIT_USAGE;
    }
    Pair pair = {0};
    if (!command_pair(args, &pair)) return EXIT_USAGE;
    log_set_level(LOG_LEVEL_WARN);
    for (size_t i = 0; ok && i < pair_parts(&pair); i++) {
        Cutover part = c;
        part.pair = pair_part(&pair, i);
        ok = cut_over_part(&part);
    }
    pair_done(&pair);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef cutover_args[] = {
    COMMAND_ENDS,
    {"yes", NULL, "set the sequences of the target; without it they are printed"},
    {"dry-run", NULL, "print what is left to make; nothing is waited for, compared or set"},
    {"timeout", "SECONDS", "how long the target may take to hold all that is committed (300)"},
    {"settle", "SECONDS",
     "how long a change may take to be captured, where the capture job's scans can't be seen (12)"},
    {"json", NULL, "one JSON object in place of the script"},
};

const Command command_cutover = {
    .name = "cutover",
    .usage = "millrace cutover [OPTION…] FILE…\n       millrace cutover [OPTION…] --from=URL --to=URL",
    .summary = "wait till the source is drained, verify, set sequences, print what is left to make",
    .about = "With the files or addresses of the run, which has to be at work. Stop all writers of SQL "
             "Server first: what "
             "is\n"
             "committed when cutover begins is waited for, then every row is compared, and it fails if "
             "anybody wrote "
             "meanwhile.\n"
             "Standard output is a script for psql: defaults, indexes, constraints, foreign keys. Nothing "
             "but sequences "
             "is ever\n"
             "changed, and those with --yes only. Status 0: drained and equal.",
    .args = cutover_args,
    .arg_count = sizeof cutover_args / sizeof *cutover_args,
    .run = run,
};
