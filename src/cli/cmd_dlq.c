/* millrace dlq: dead letters listed, shown, replayed, purged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/pair.h"
#include "postgres/dead_desk.h"
#include "postgres/dead_payload.h"

enum { KEY_SHOWN = 40, REASON_SHOWN = 40 };

typedef struct Dlq {
    DeadDesk *desk;
    DeadFilter filter;
    bool is_json;
    size_t count;
    int64_t *ids; /* collected */
    size_t id_count, id_cap;
    size_t failed;
} Dlq;

/* ---- output ---- */

static void pad(const char *text, int columns) {
    int n = 0;
    for (const char *p = text; *p; p++) n += ((unsigned char)*p & 0xC0) != 0x80; /* characters, not bytes */
    (void)printf("%s%*s", text, n < columns ? columns - n : 0, "");
    (void)fputs("  ", stdout);
}

/* Not longer than `most` bytes, cut at a character. */
static const char *cut(const char *text, size_t most, Buf *out) {
    size_t n = strlen(text);
    if (n <= most) return text;
    for (n = most; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;) n--;
    buf_clear(out);
    buf_printf(out, "%.*s…", (int)n, text);
    return buf_text(out);
}

static const char *reason(const DeadLetter *l) {
    return l->constraint ? l->constraint : l->column ? l->column : l->sqlstate ? "" : "waits behind another";
}

static void list_line(void *arg, const DeadLetter *l) {
    Dlq *d = arg;
    CLEANUP(buf_done) Buf key = {0}, why = {0};
    if (d->count++ == 0)
        (void)printf("%8s  %-24s  %-2s  %-*s  %-8s  %-*s  %-20s  %s\n", "id", "table", "op", KEY_SHOWN, "key",
                     "sqlstate", REASON_SHOWN, "constraint or column", "made", "state");
    (void)printf("%8lld  ", (long long)l->id);
    pad(l->table, 24);
    pad(l->op, 2);
    pad(cut(l->key, KEY_SHOWN, &key), KEY_SHOWN);
    pad(l->sqlstate ? l->sqlstate : "-", 8);
    pad(cut(reason(l), REASON_SHOWN, &why), REASON_SHOWN);
    pad(l->created, 20);
    (void)puts(l->state);
}

static void set_text(json_t *o, const char *name, const char *text) {
    json_object_set_new(o, name, text ? json_string(text) : json_null());
}

/* One line; key and payload are JSON already, and may hold what a JSON library refuses. */
static void json_line(void *arg, const DeadLetter *l) {
    Dlq *d = arg;
    json_t *o = json_object();
    json_object_set_new(o, "id", json_integer(l->id));
    const char *const texts[][2] = {{"pipeline", l->pipeline},
                                    {"database", l->database},
                                    {"table", l->table},
                                    {"target", l->target},
                                    {"op", l->op},
                                    {"state", l->state},
                                    {"sqlstate", l->sqlstate},
                                    {"constraint", l->constraint},
                                    {"column", l->column},
                                    {"message", l->message},
                                    {"position", l->position},
                                    {"commit_time", l->commit_time},
                                    {"created", l->created},
                                    {"closed", l->closed},
                                    {"superseded_by", l->superseded_by}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) set_text(o, texts[i][0], texts[i][1]);
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    text[strlen(text) - 1] = '\0'; /* the closing brace */
    (void)printf("%s,\"key\":%s,\"payload\":%s}\n", text, l->key, l->payload);
    d->count++;
}

static void show_row(const char *what, const Schema *s, const Value *row) {
    if (!row) return;
    (void)printf("%s:\n", what);
    for (size_t i = 0; i < s->column_count; i++) {
        CLEANUP(buf_done) Buf type = {0}, value = {0};
        const Column *c = &s->columns[i];
        column_type_format(c, &type);
        if (value_is_absent(&row[i])) buf_cstr(&value, "(not carried by the change)");
        else dead_payload_value(c, &row[i], &value);
        (void)printf("  " STR_FMT " %s: %s\n", STR_ARG(c->name), buf_text(&type), buf_text(&value));
    }
}

static void show_letter(void *arg, const DeadLetter *l) {
    Dlq *d = arg;
    CLEANUP(arena_done) Arena arena = {0};
    const Schema *schema = NULL;
    Change change = {0};
    Err e = {0};
    const char *const texts[][2] = {{"pipeline", l->pipeline},
                                    {"database", l->database},
                                    {"table", l->table},
                                    {"target", l->target},
                                    {"op", l->op},
                                    {"key", l->key},
                                    {"state", l->state},
                                    {"superseded by", l->superseded_by},
                                    {"SQLSTATE", l->sqlstate},
                                    {"constraint", l->constraint},
                                    {"column", l->column},
                                    {"message", l->message},
                                    {"position", l->position},
                                    {"committed", l->commit_time},
                                    {"made", l->created},
                                    {"closed", l->closed}};
    if (d->count++ > 0) (void)putchar('\n');
    (void)printf("%-14s %lld\n", "letter", (long long)l->id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i][1] && texts[i][1][0]) (void)printf("%-14s %s\n", texts[i][0], texts[i][1]);
    if (!dead_payload_read(str_from(l->payload), &arena, &schema, &change, &e)) {
        (void)printf("payload        %s\n", l->payload);
        return;
    }
    show_row("before", schema, change.before);
    show_row("after", schema, change.after);
    schema_unref(schema);
}

/* ---- actions ---- */

static bool list(Dlq *d, Err *e) {
    return dead_desk_list(d->desk, &d->filter, d->is_json ? json_line : list_line, d, e) &&
           (d->count > 0 || d->is_json || puts("no dead letters") >= 0);
}

static bool show(Dlq *d, Err *e) {
    if (d->filter.id_count == 0) return err_set(e, ERR_INVALID, false, "show: which one? give its id");
    if (!dead_desk_list(d->desk, &d->filter, d->is_json ? json_line : show_letter, d, e)) return false;
    return d->count == d->filter.id_count || err_set(e, ERR_INVALID, false, "%zu of %zu letters aren't there",
                                                     d->filter.id_count - d->count, d->filter.id_count);
}

static void collect(void *arg, const DeadLetter *l) {
    Dlq *d = arg;
    if (d->id_count == d->id_cap) {
        d->id_cap = d->id_cap ? 2 * d->id_cap : 64;
        d->ids = x_reallocarray(d->ids, d->id_cap, sizeof *d->ids);
    }
    d->ids[d->id_count++] = l->id;
}

static void tell(const Dlq *d, int64_t id, DeadOutcome outcome, const Err *e) {
    static const char *const names[] = {"replayed", "gone", "behind", "refused"};
    static const char *const texts[] = {"replayed", "open no more: nothing done",
                                        "an older letter of its row is open: left alone",
                                        "still refused, stays open"};
    const char *why = outcome == DEAD_REFUSED ? e->msg : "";
    if (!d->is_json) {
        (void)printf("%8lld  %s%s%s\n", (long long)id, texts[outcome], *why ? ": " : "", why);
        return;
    }
    json_t *o = json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "outcome", names[outcome], "why", why);
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    (void)puts(text);
    json_decref(o);
}

static bool replay(Dlq *d, Err *e) {
    d->filter.state = "open";
    if (!dead_desk_list(d->desk, &d->filter, collect, d, e)) return false;
    size_t done = 0;
    for (size_t i = 0; i < d->id_count; i++) {
        DeadOutcome outcome = DEAD_GONE;
        Err why = {0};
        if (!dead_desk_replay(d->desk, d->ids[i], &outcome, &why)) {
            *e = why;
            return false;
        }
        tell(d, d->ids[i], outcome, &why);
        done += outcome == DEAD_REPLAYED;
        d->failed += outcome == DEAD_REFUSED || outcome == DEAD_BEHIND;
    }
    if (!d->is_json) (void)printf("%zu of %zu replayed\n", done, d->id_count);
    return true;
}

/* Without ids: what is closed; open ones only by id or with --open. */
static bool purge(Dlq *d, bool with_open, Err *e) {
    int64_t closed = 0, more = 0;
    if (d->filter.id_count > 0 || with_open) {
        d->filter.state = NULL;
        if (!dead_desk_purge(d->desk, &d->filter, &closed, e)) return false;
    } else {
        d->filter.state = "replayed";
        if (!dead_desk_purge(d->desk, &d->filter, &closed, e)) return false;
        d->filter.state = "superseded";
        if (!dead_desk_purge(d->desk, &d->filter, &more, e)) return false;
    }
    if (d->is_json) (void)printf("{\"purged\":%lld}\n", (long long)(closed + more));
    else (void)printf("%lld purged\n", (long long)(closed + more));
    return true;
}

/* ---- the command ---- */

/* action [ID…] [FILE…]: ids are the operands that are numbers. */
static bool take_operands(const Args *args, Args *ret_rest, const char **ret_action, Dlq *d, Err *e) {
    *ret_rest = *args;
    ret_rest->operand_count = 0;
    if (args->operand_count == 0)
        return err_set(e, ERR_INVALID, false, "which of list, show, replay, purge? see millrace dlq --help");
    *ret_action = args->operands[0];
    d->ids = x_calloc(args->operand_count, sizeof *d->ids);
    for (size_t i = 1; i < args->operand_count; i++) {
        Err unused;
        int64_t id = 0;
        if (str_to_i64(str_from(args->operands[i]), 1, INT64_MAX, &id, &unused)) d->ids[d->id_count++] = id;
        else ret_rest->operands[ret_rest->operand_count++] = args->operands[i];
    }
    return true;
}

static bool act(Dlq *d, const char *action, const Args *args, Err *e) {
    if (strcmp(action, "list") == 0) return list(d, e);
    if (strcmp(action, "show") == 0) return show(d, e);
    if (strcmp(action, "replay") == 0) return replay(d, e);
    return purge(d, args_has(args, "open"), e);
}

static bool is_action(const char *text, Err *e) {
    static const char *const actions[] = {"list", "show", "replay", "purge"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(text, actions[i]) == 0) return true;
    const char *near = str_nearest(str_from(text), actions, 4);
    return err_set(e, ERR_INVALID, false, "'%s' is none of list, show, replay, purge%s%s%s", text,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int run(const Args *args) {
    Dlq d = {.is_json = args_has(args, "json")};
    Args rest;
    Pair pair = {0};
    Err e = {0};
    const char *action = NULL, *pipeline = args_value(args, "pipeline");
    if (!take_operands(args, &rest, &action, &d, &e) || !is_action(action, &e)) {
        command_error("dlq: %s", e.msg);
        free(d.ids);
        return EXIT_USAGE;
    }
    bool is_target_only = false;
    if (!command_pair_or_target(&rest, &pair, &is_target_only)) {
        free(d.ids);
        return EXIT_USAGE;
    }
    log_set_level(LOG_LEVEL_ERROR);
    int64_t *ids = TAKE(d.ids);
    d.filter = (DeadFilter){.pipeline = pipeline         ? pipeline
                                        : is_target_only ? NULL
                                                         : pair.pipeline,
                            .table = args_value(args, "table"),
                            .state = args_value(args, "state"),
                            .ids = ids,
                            .id_count = d.id_count};
    d.id_count = 0;
    Metrics *metrics = metrics_new();
    const ConnectorContext context = pair_context(&pair, metrics);
    bool ok = dead_desk_open(pair.sink.options, &context, &d.desk, &e) && act(&d, action, args, &e);
    if (!ok) command_error("dlq: %s", e.msg);
    dead_desk_close(d.desk);
    metrics_free(metrics);
    pair_done(&pair);
    free(d.ids);
    free(ids);
    return ok && d.failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static const ArgDef dlq_args[] = {
    COMMAND_ENDS,
    {"pipeline", "NAME", "the letters of this pipeline only (with --to alone: of all)"},
    {"table", "SCHEMA.TABLE", "the letters of this source table only"},
    {"state", "STATE", "list: open, superseded or replayed ones only"},
    {"open", NULL, "purge: open letters, too: their changes are given up"},
    {"json", NULL, "a JSON object a line, with all that is kept"},
};

const Command command_dlq = {
    .name = "dlq",
    .usage = "millrace dlq list|show|replay|purge [OPTION…] [ID…] --to=URL\n       millrace dlq … [ID…] "
             "--from=URL --to=URL\n       millrace dlq … [ID…] FILE…",
    .summary = "dead letters: changes that the target refused (errors.tolerance=all)",
    .about =
        "list shows them, show ID all of one. replay [ID…] tries the open ones again, oldest first, each in "
        "a transaction of its\n"
        "own, also while the run is at work; what later changes have superseded is left alone. purge deletes "
        "what is closed;\n"
        "with ids, or --open, open letters, too. Status 1: a letter was refused again.",
    .args = dlq_args,
    .arg_count = sizeof dlq_args / sizeof *dlq_args,
    .run = run,
};
