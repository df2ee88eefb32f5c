/*
 * optiondoc: docs/configuration.md on standard output, made of the very tables that check a configuration.
 *
 * A section a table: what works comes in full, by importance; what isn't there yet with what setting it does;
 * what has nothing to act on here is grouped by the reason, since hardly anybody reads it name by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/option.h"
#include "config/option_connect.h"
#include "convert/converter.h"
#include "convert/wire_option.h"
#include "postgres/sink_option.h"
#include "sqlserver/source_options.h"
#include "transport/kafka_option.h"
#include "worker/sink_task_option.h"
#include "worker/worker_option.h"

static const char INTRO[] =
    "<!-- Made by scripts/gen-docs of the option tables in src/: change these, not this page. -->\n"
    "# Configuration\n\n"
    "A pipeline is one source and one sink. `millrace run FILE…` takes a file for each, and one for the "
    "worker if it is wanted:\n"
    "`.properties`, or `.json` as `{\"name\": …, \"config\": {…}}` or the bare object. A file with a "
    "`connector.class` is a connector, any\n"
    "other is the worker's. Property names are Debezium's for the source, and the JDBC sinks' (Debezium's "
    "and "
    "Confluent's) for the sink.\n\n"
    "- **Secrets**: `${env:NAME}` takes a value from the environment, `${file:/path/file.properties:key}` "
    "from a properties file.\n"
    "- **No file**: `--from 'mssql://user@host/database?…'` takes properties behind the `?`: `tables` is "
    "`table.include.list`, a key\n"
    "  without a dot is a `database.…` property (`encrypt=false`), a key with one is itself "
    "(`snapshot.mode=no_data`). It sets\n"
    "  `poll.interval.ms` to 100, `snapshot.max.threads` to 2 and `topic.prefix` to `sqlserver` unless they "
    "are given; `--to` means upserts\n"
    "  by key with deletes, tables made and evolved, source names kept.\n"
    "- **Mistakes**: an unknown property, a wrong type, a value out of range or a missing property is an "
    "error (status 2) that names\n"
    "  file, line and the nearest known name. A property that isn't supported yet is a warning, or an error "
    "where going on would write\n"
    "  other data than it asks for; one that has nothing to act on here is a warning.\n"
    "- **Not there yet**, though listed as supported: [properties without full effect]"
    "(limits.md#properties-without-full-effect-yet).\n";

/* ---- cells ---- */

static void put_code(const char *text, Buf *out) {
    buf_u8(out, '`');
    for (const char *p = text; *p; p++) {
        if (*p == '|') buf_u8(out, '\\'); /* it would end the cell, even in code */
        buf_u8(out, (uint8_t)*p);
    }
    buf_u8(out, '`');
}

static void put_text(const char *text, Buf *out) {
    for (const char *p = text; *p; p++) {
        if (strchr("|*$", *p)) buf_u8(out, '\\');
        buf_u8(out, (uint8_t)*p);
    }
}

static void put_key(const OptionDef *def, Buf *out) {
    put_code(def->key, out);
    if (!def->alias) return;
    buf_cstr(out, " or ");
    put_code(def->alias, out);
}

static void put_type(const OptionDef *def, Buf *out) {
    static const char *const names[] = {
        [OPTION_STRING] = "text",          [OPTION_PASSWORD] = "password", [OPTION_INT] = "integer",
        [OPTION_LONG] = "integer",         [OPTION_BOOL] = "boolean",      [OPTION_LIST] = "list",
        [OPTION_REGEXES] = "expressions",  [OPTION_ENUM] = "choice",       [OPTION_CLASS] = "class",
        [OPTION_DURATION] = "integer, ms",
    };
    buf_cstr(out, names[def->type]);
    if (def->unit) buf_printf(out, ", %s", def->unit);
}

static void put_default(const OptionDef *def, Buf *out) {
    if (def->is_required) buf_cstr(out, "required");
    else if (def->standard && *def->standard) put_code(def->standard, out);
    else buf_cstr(out, "–");
}

static void put_names(const char *const *names, Buf *out) {
    for (size_t i = 0; names && names[i]; i++) {
        if (i > 0) buf_cstr(out, ", ");
        put_code(names[i], out);
    }
}

static void put_values(const OptionDef *def, Buf *out) {
    if (def->type == OPTION_BOOL) buf_cstr(out, "`true`, `false`");
    put_names(def->values, out);
    if (def->values_not_yet) {
        buf_cstr(out, def->values_reason ? "; refused: " : "; not yet: ");
        put_names(def->values_not_yet, out);
        if (def->values_reason) buf_printf(out, " (%s)", def->values_reason);
    }
    if (def->min == 0 && def->max == 0) return;
    if (def->max == INT32_MAX || def->max == INT64_MAX) buf_printf(out, "from %lld", (long long)def->min);
    else buf_printf(out, "%lld to %lld", (long long)def->min, (long long)def->max);
}

/* ---- tables of one status ---- */

typedef bool Wanted(const OptionDef *def, OptionImportance importance);

static bool is_supported(const OptionDef *def, OptionImportance importance) {
    return def->status == OPTION_SUPPORTED && def->importance == importance;
}

static bool is_missing(const OptionDef *def, OptionImportance unused) {
    (void)unused;
    return def->status == OPTION_NOT_YET || def->status == OPTION_REFUSED;
}

static bool is_senseless(const OptionDef *def, OptionImportance unused) {
    (void)unused;
    return def->status == OPTION_NO_SENSE;
}

static bool has_any(const OptionTable *t, Wanted *wanted, OptionImportance importance) {
    for (size_t i = 0; i < t->count; i++)
        if (wanted(&t->defs[i], importance)) return true;
    return false;
}

static void add_supported(const OptionTable *t, OptionImportance importance, Buf *out) {
    static const char *const titles[] = {"high", "medium", "low"};
    if (!has_any(t, is_supported, importance)) return;
    buf_printf(out, "\n**Supported, of %s importance**\n\n", titles[importance]);
    buf_cstr(out, "| property | type | default | values | meaning |\n"
                  "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < t->count; i++) {
        const OptionDef *def = &t->defs[i];
        if (!is_supported(def, importance)) continue;
        buf_cstr(out, "| ");
        put_key(def, out);
        buf_cstr(out, " | ");
        put_type(def, out);
        buf_cstr(out, " | ");
        put_default(def, out);
        buf_cstr(out, " | ");
        put_values(def, out);
        buf_cstr(out, " | ");
        put_text(def->help ? def->help : "", out);
        buf_cstr(out, " |\n");
    }
}

static void add_missing(const OptionTable *t, Buf *out) {
    if (!has_any(t, is_missing, OPTION_HIGH)) return;
    buf_cstr(out, "\n**Not yet**\n\n| property | type | default | when set to another value | why |\n"
                  "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < t->count; i++) {
        const OptionDef *def = &t->defs[i];
        if (!is_missing(def, OPTION_HIGH)) continue;
        buf_cstr(out, "| ");
        put_key(def, out);
        buf_cstr(out, " | ");
        put_type(def, out);
        buf_cstr(out, " | ");
        put_default(def, out);
        buf_cstr(out, def->status == OPTION_REFUSED ? " | error | " : " | warning | ");
        put_text(def->reason ? def->reason : "", out);
        buf_cstr(out, " |\n");
    }
}

static const char *reason_of(const OptionDef *def) {
    return def->reason ? def->reason : "";
}

/* Whether an earlier senseless row has the i-th one's reason. */
static bool was_listed(const OptionTable *t, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (t->defs[k].status == OPTION_NO_SENSE &&
            strcmp(reason_of(&t->defs[k]), reason_of(&t->defs[i])) == 0)
            return true;
    return false;
}

static void add_senseless(const OptionTable *t, Buf *out) {
    if (!has_any(t, is_senseless, OPTION_HIGH)) return;
    buf_cstr(out, "\n**No meaning here** (a warning when set)\n\n| why | properties |\n| --- | --- |\n");
    for (size_t i = 0; i < t->count; i++) {
        const char *comma = "";
        if (t->defs[i].status != OPTION_NO_SENSE || was_listed(t, i)) continue;
        buf_cstr(out, "| ");
        put_text(reason_of(&t->defs[i]), out);
        buf_cstr(out, " | ");
        for (size_t k = i; k < t->count; k++) {
            const OptionDef *def = &t->defs[k];
            if (def->status != OPTION_NO_SENSE || strcmp(reason_of(def), reason_of(&t->defs[i])) != 0)
                continue;
            buf_cstr(out, comma);
            put_key(def, out);
            comma = ", ";
        }
        buf_cstr(out, " |\n");
    }
}

/* ---- sections ---- */

static void add_section(const char *title, const char *const *classes, const char *what, OptionTable t,
                        Buf *out) {
    buf_printf(out, "\n## %s\n\n%s\n", title, what);
    if (classes) {
        buf_cstr(out, "`connector.class`: ");
        put_names(classes, out);
        buf_cstr(out, ".\n");
    }
    for (OptionImportance i = OPTION_HIGH; i <= OPTION_LOW; i++) add_supported(&t, i, out);
    add_missing(&t, out);
    add_senseless(&t, out);
}

static void add_converter(const ConverterClass *c, Buf *out) {
    CLEANUP_FREE char *title = x_asprintf("Converter %s", c->name);
    add_section(title, NULL, "Its properties stand behind `key.converter.` or `value.converter.`.",
                (OptionTable){c->options, c->option_count}, out);
}

int main(void) {
    CLEANUP(buf_done) Buf out = {0};
    buf_cstr(&out, INTRO);
    add_section("Source: SQL Server", source_option_classes,
                "Expressions are regular expressions, separated by commas (a comma in one is written `\\,`); "
                "each has to "
                "match the\nwhole name, letter case ignored.",
                (OptionTable){source_options, SOURCE_OPTION_COUNT}, &out);
    add_section("Source: records in topics", NULL,
                "With Kafka between source and sink; in direct mode these have nothing to act on.",
                (OptionTable){wire_options_table, WIRE_OPTION_COUNT}, &out);
    add_section("Sink: PostgreSQL", sink_option_classes,
                "The two classes differ in what `${topic}` and an unquoted name become: Debezium's joins the "
                "topic's parts "
                "by `_` and folds\nnames to lower case unless `quote.identifiers=true`; Confluent's splits "
                "the topic at its "
                "dots and keeps the case.",
                (OptionTable){sink_options, SINK_OPTION_COUNT}, &out);
    add_section("Both connectors", NULL, "What Kafka Connect itself knows of every connector.",
                option_connect_table(), &out);
    for (size_t i = 0; converter_class_at(i); i++) add_converter(converter_class_at(i), &out);
    add_section("Worker", NULL, "The worker's own file; none is needed.", worker_option_table(), &out);
    add_section("Worker: with Kafka", NULL,
                "With `bootstrap.servers` these count before all others of the same name.",
                kafka_option_worker_table(), &out);
    add_section("Source: with Kafka", NULL,
                "With Kafka between source and sink; before what the tables above say of the same names.",
                kafka_option_source_table(), &out);
    add_section("Sink: with Kafka", NULL,
                "With Kafka between source and sink; before what the tables above say of the same names.",
                sink_task_option_table(), &out);
    bool ok = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
