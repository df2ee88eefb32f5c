#include "cli/pair.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/field_list.h"
#include "config/option_connect.h"
#include "config/secret.h"
#include "config/url.h"
#include "connector/null_sink.h"
#include "convert/wire_option.h"
#include "kafka/topic_sink.h"
#include "postgres/sink.h"
#include "sqlserver/source.h"
#include "transport/kafka_option.h"
#include "worker/worker_option.h"

#define ENV_SOURCE_PASSWORD "MILLRACE_SOURCE_PASSWORD"
#define ENV_TARGET_PASSWORD "PGPASSWORD"

static const SourceClass *const sources[] = {&sqlserver_source_class};
static const SinkClass *const sinks[] = {&postgres_sink_class, &null_sink_class};
enum { SOURCES = sizeof sources / sizeof *sources, SINKS = sizeof sinks / sizeof *sinks, MAX_FILES = 64 };

static void side_done(PairSide *s) {
    free(s->name);
    s->options = options_free(s->options);
}

void pair_done(Pair *p) {
    side_done(&p->source);
    side_done(&p->sink);
    p->worker = options_free(p->worker);
    for (size_t i = 0; i < p->database_count; i++) options_free(p->databases[i]);
    free(p->databases);
    p->route = transform_route_free(p->route);
    props_free(p->source_props);
    free(p->pipeline);
    memset(p, 0, sizeof *p);
}

size_t pair_parts(const Pair *p) {
    return p->database_count > 0 ? p->database_count : 1;
}

Pair pair_part(const Pair *p, size_t i) {
    Pair part = *p;
    part.databases = NULL;
    part.database_count = 0;
    if (p->database_count == 0) return part;
    part.source.options = p->databases[i];
    part.has_siblings = true;
    return part;
}

const char *pair_database(const Pair *p) {
    const TextList *names = options_list(p->source.options, "database.names");
    return names && names->count > 0 ? names->items[0] : NULL;
}

ConnectorContext pair_context(const Pair *p, Metrics *metrics) {
    static const bool never = false;
    const Options *source = p->source.options; /* NULL: the target alone (pair_from_target) */
    return (ConnectorContext){.name = p->pipeline,
                              .database = source ? pair_database(p) : NULL,
                              .has_siblings = p->has_siblings,
                              .topic_prefix = source ? options_str(source, "topic.prefix") : "",
                              .route = p->route,
                              .metrics = metrics,
                              .is_stopping = &never};
}

/* ---- classes ---- */

static bool has_class(const char *const *names, const char *class) {
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], class) == 0) return true;
    }
    return false;
}

static const SourceClass *source_of(const char *class) {
    for (size_t i = 0; i < SOURCES; i++) {
        if (has_class(sources[i]->class_names, class)) return sources[i];
    }
    return NULL;
}

static const SinkClass *sink_of(const char *class) {
    for (size_t i = 0; i < SINKS; i++) {
        if (has_class(sinks[i]->class_names, class)) return sinks[i];
    }
    return NULL;
}

static size_t add_names(const char **all, size_t n, const char *const *names) {
    for (size_t i = 0; names[i]; i++) all[n++] = names[i];
    return n;
}

static void unknown_class(const Prop *prop, TextList *problems) {
    const char *all[32];
    size_t n = 0;
    for (size_t i = 0; i < SOURCES; i++) n = add_names(all, n, sources[i]->class_names);
    for (size_t i = 0; i < SINKS; i++) n = add_names(all, n, sinks[i]->class_names);
    char place[PROPS_PLACE_SIZE];
    const char *near = str_nearest(str_from(prop->value), all, n);
    textlist_printf(problems, "%s: connector.class: no connector '%s'%s%s%s", props_place(prop, place),
                    prop->value, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    for (size_t i = 0; !near && i < n; i++) textlist_printf(problems, "  there is %s", all[i]);
}

/* ---- options ---- */

static bool parse_connector(const OptionDef *defs, size_t count, const Props *props, PairSide *side,
                            TextList *warnings, TextList *problems) {
    const OptionTable tables[] = {{defs, count}, option_connect_table()};
    side->name = x_strdup(props_value(props, "name", props_origin(props)));
    return options_parse_all(tables, 2, props, &side->options, warnings, problems);
}

static Props *copy_props(const Props *props) {
    Props *copy = props_new();
    for (size_t i = 0; i < props_count(props); i++) props_add(copy, props_at(props, i));
    return copy;
}

/* The options once more for each of several databases; what there is to say of them was said. */
static bool split_databases(Pair *p, const OptionTable *tables, size_t count, const Props *props,
                            TextList *problems) {
    const TextList *names = options_list(p->source.options, "database.names");
    bool ok = true;
    if (!names || names->count < 2) return true;
    p->databases = x_calloc(names->count, sizeof *p->databases);
    for (size_t i = 0; i < names->count; i++) {
        for (size_t k = 0; k < i; k++)
            if (str_eq_icase(str_from(names->items[k]), str_from(names->items[i]))) {
                textlist_printf(problems, "database.names: %s is named twice", names->items[i]);
                ok = false;
            }
        Props *one = copy_props(props);
        TextList unused = {0};
        props_set(one, "database.names", str_from(names->items[i]), props_origin(props), 0);
        ok = options_parse_all(tables, count, one, &p->databases[p->database_count++], &unused, problems) &&
             ok;
        textlist_done(&unused);
        props_free(one);
    }
    return ok;
}

static bool parse_source(Pair *p, const Props *props, TextList *warnings, TextList *problems) {
    const SourceClass *class = p->source_class;
    p->source_props = copy_props(props);
    return parse_connector(class->options, class->option_count, props, &p->source, warnings, problems);
}

/* What the sink's lists leave of the columns: the source's options once more. */
static bool join_fields(Pair *p, TextList *problems) {
    const SourceClass *class = p->source_class;
    const OptionTable tables[] = {{class->options, class->option_count}, option_connect_table()};
    bool is_changed = false;
    TextList unused = {0};
    Err e = {0};
    if (p->sink_class->option_count == 0) return true; /* the null sink has none */
    if (!field_list_apply(p->sink.options, p->source_props, &is_changed, &e)) {
        textlist_printf(problems, "%s", e.msg);
        return false;
    }
    if (!is_changed) return true;
    options_free(TAKE(p->source.options));
    bool ok = options_parse_all(tables, 2, p->source_props, &p->source.options, &unused, problems);
    textlist_done(&unused);
    return ok;
}

static bool join_transforms(Pair *p, TextList *warnings, TextList *problems) {
    bool may_delete = p->sink_class->option_count > 0 && options_bool(p->sink.options, "delete.enabled");
    Err e = {0};
    if (transform_route_new(p->source.options, p->sink.options, may_delete, &p->route, warnings, &e))
        return true;
    textlist_printf(problems, "%s", e.msg);
    return false;
}

static void warn_of_tasks(const Pair *p, TextList *warnings) {
    int64_t tasks = options_int(p->source.options, "tasks.max");
    char place[PROPS_PLACE_SIZE];
    if (tasks > (int64_t)pair_parts(p))
        textlist_printf(warnings, "%s: tasks.max: %lld tasks for %zu database%s: one reads each",
                        options_place(p->source.options, "tasks.max", place), (long long)tasks, pair_parts(p),
                        pair_parts(p) > 1 ? "s" : "");
}

/* Both sides are known. */
static bool join(Pair *p, TextList *warnings, TextList *problems) {
    const OptionTable tables[] = {{p->source_class->options, p->source_class->option_count},
                                  option_connect_table()};
    if (!join_transforms(p, warnings, problems) || !join_fields(p, problems) ||
        !split_databases(p, tables, 2, p->source_props, problems))
        return false;
    p->source_props = props_free(p->source_props);
    p->pipeline = x_strdup(p->sink.name);
    warn_of_tasks(p, warnings);
    return true;
}

static bool take_connector(Pair *p, const Props *props, const Prop *class, TextList *warnings,
                           TextList *problems) {
    const SourceClass *source = source_of(class->value);
    const SinkClass *sink = source ? NULL : sink_of(class->value);
    char place[PROPS_PLACE_SIZE];
    if (source && !p->source.options) {
        p->source_class = source;
        return parse_source(p, props, warnings, problems);
    }
    if (sink && !p->sink.options) {
        p->sink_class = sink;
        return parse_connector(sink->options, sink->option_count, props, &p->sink, warnings, problems);
    }
    if (!source && !sink) unknown_class(class, problems);
    else
        textlist_printf(problems,
                        "%s: a second %s: a pipeline is one source and one sink; run another process for it",
                        props_place(class, place), source ? "source" : "sink");
    return false;
}

/* ---- files ---- */

static bool load(const char *path, Props *props, TextList *problems) {
    Err e = {0};
    if (props_load(props, path, &e) && props_resolve(props, &e)) return true;
    textlist_printf(problems, "%s", e.msg);
    return false;
}

static bool take_file(Pair *p, const char *path, Props *worker, TextList *warnings, TextList *problems) {
    Props *props = props_new();
    bool ok = load(path, props, problems);
    const Prop *class = ok ? props_get(props, "connector.class") : NULL;
    if (class) ok = take_connector(p, props, class, warnings, problems);
    else if (ok && props_get(props, "name") && props_get(props, "topics"))
        textlist_printf(problems, "%s: connector.class is missing", path), ok = false;
    for (size_t i = 0; ok && !class && i < props_count(props); i++) props_add(worker, props_at(props, i));
    props_free(props);
    return ok;
}

/* The worker's own; bootstrap.servers only where Kafka may be between. */
static bool parse_worker(Pair *p, const Props *worker, bool may_have_topics, TextList *warnings,
                         TextList *problems) {
    const OptionTable tables[] = {kafka_option_worker_table(), worker_option_table()};
    const Prop *servers = props_get(worker, KAFKA_OPTION_SERVERS);
    char place[PROPS_PLACE_SIZE];
    if (!servers || may_have_topics)
        return options_parse_all(servers ? tables : tables + 1, servers ? 2 : 1, worker, &p->worker, warnings,
                                 problems);
    textlist_printf(
        problems,
        "%s: " KAFKA_OPTION_SERVERS
        ": with Kafka between source and sink `millrace run`, `check`, `status` and `verify` work "
        "on connectors, no other command",
        props_place(servers, place));
    return false;
}

static bool has_both(const Pair *p, TextList *problems) {
    if (!p->source_class)
        textlist_printf(problems, "none of the files has a source (connector.class=%s)",
                        sources[0]->class_names[0]);
    if (!p->sink_class)
        textlist_printf(problems, "none of the files has a sink (connector.class=%s)",
                        sinks[0]->class_names[0]);
    return p->source_class && p->sink_class;
}

static bool from_files(const char *const *files, size_t count, bool may_have_topics, Pair *ret,
                       TextList *warnings, TextList *problems) {
    Pair p = {0};
    bool ok = count > 0 && count <= MAX_FILES;
    if (!ok) textlist_printf(problems, "name the source's and the sink's file (at most %d files)", MAX_FILES);
    Props *worker = props_new();
    for (size_t i = 0; i < count && count <= MAX_FILES; i++)
        ok = take_file(&p, files[i], worker, warnings, problems) && ok;
    ok = parse_worker(&p, worker, may_have_topics, warnings, problems) && ok;
    props_free(worker);
    if (!ok || !has_both(&p, problems) || !join(&p, warnings, problems)) {
        pair_done(&p);
        return false;
    }
    *ret = p;
    return true;
}

bool pair_from_files(const char *const *files, size_t count, Pair *ret, TextList *warnings,
                     TextList *problems) {
    return from_files(files, count, /* may_have_topics= */ false, ret, warnings, problems);
}

bool pair_ends_from_files(const char *const *files, size_t count, Pair *ret, TextList *warnings,
                          TextList *problems) {
    return from_files(files, count, /* may_have_topics= */ true, ret, warnings, problems);
}

/* ---- topics ---- */

bool pair_class(const Prop *connector_class, bool *ret_is_source, TextList *problems) {
    *ret_is_source = source_of(connector_class->value) != NULL;
    if (*ret_is_source || sink_of(connector_class->value)) return true;
    unknown_class(connector_class, problems);
    return false;
}

bool pair_from_source(const Props *connector, const Props *worker, Pair *ret, TextList *warnings,
                      TextList *problems) {
    Pair p = {.source_class = source_of(props_value(connector, "connector.class", "")),
              .sink_class = &topic_sink_class};
    const OptionTable wire = {wire_options_table, WIRE_OPTION_COUNT};
    const OptionTable own = {p.source_class->options, p.source_class->option_count};
    const OptionTable tables[] = {wire,
                                  kafka_option_source_table(),
                                  own,
                                  option_connect_table(),
                                  kafka_option_worker_table(),
                                  worker_option_table()};
    TextList unused = {0};
    p.pipeline = x_strdup(props_value(connector, "name", props_origin(connector)));
    p.source.name = x_strdup(p.pipeline);
    p.sink.name = x_strdup("topics");
    Props *both = kafka_option_merge(worker, connector);
    bool ok = options_parse_all(tables, 4, connector, &p.source.options, warnings, problems) &&
              options_parse_all(tables, 6, both, &p.sink.options, &unused, problems) &&
              split_databases(&p, tables, 4, connector, problems);
    textlist_done(&unused);
    props_free(both);
    if (!ok) {
        pair_done(&p);
        return false;
    }
    warn_of_tasks(&p, warnings);
    *ret = p;
    return true;
}

/* ---- addresses ---- */

static bool source_password(const PairUrls *urls, const char *user, Secret *ret, Err *e) {
    if (urls->source_password_file) return secret_from_file(urls->source_password_file, ret, e);
    if (getenv(ENV_SOURCE_PASSWORD)) return secret_from_env(ENV_SOURCE_PASSWORD, ret, e);
    if (!urls->may_prompt)
        return err_set(e, ERR_INVALID, false,
                       "--from: no password for %s: set " ENV_SOURCE_PASSWORD
                       " or give --source-password-file=FILE",
                       user);
    CLEANUP_FREE char *prompt = x_asprintf("Password of %s on SQL Server: ", user);
    return secret_prompt(prompt, ret, e);
}

static bool source_props(const PairUrls *urls, Props *props, Err *e) {
    if (!url_parse_mssql(urls->from, "--from", props, e)) return false;
    const char *host = props_value(props, "database.hostname", "");
    const char *instance = props_value(props, "database.instance", NULL);
    CLEANUP_FREE char *name = x_asprintf("%s%s%s/%s", host, instance ? "\\" : "", instance ? instance : "",
                                         props_value(props, "database.names", ""));
    props_set(props, "name", str_from(name), "--from", 0);
    props_set(props, "connector.class", str_from(sources[0]->class_names[0]), "--from", 0);
    if (!props_get(props, "topic.prefix"))
        props_set(props, "topic.prefix", STR_LIT("sqlserver"), "--from", 0);
    if (!props_get(props, "poll.interval.ms"))
        props_set(props, "poll.interval.ms", STR_LIT("100"), "--from", 0);
    if (!props_get(props, "snapshot.max.threads"))
        props_set(props, "snapshot.max.threads", STR_LIT("2"), "--from", 0);
    const char *user = props_value(props, "database.user", NULL);
    if (!user) return true; /* Kerberos */
    CLEANUP(secret_done) Secret password = {0};
    if (!source_password(urls, user, &password, e)) return false;
    props_set(props, "database.password", str_from(password.text), "--from", 0);
    return true;
}

static bool sink_props(const PairUrls *urls, const char *name, bool has_databases, Props *props, Err *e) {
    static const char *const wanted[][2] = {
        {"insert.mode", "upsert"},     {"primary.key.mode", "record_key"},
        {"delete.enabled", "true"},    {"schema.evolution", "basic"},
        {"quote.identifiers", "true"}, {"collection.name.format", "${source.schema}.${source.table}"},
    };
    if (!url_refuse_password(urls->to, "--to",
                             "the environment variable " ENV_TARGET_PASSWORD ", ~/.pgpass, or "
                             "--target-password-file=FILE",
                             e))
        return false;
    props_set(props, "name", str_from(name), "--to", 0);
    props_set(props, "connector.class", str_from(sinks[0]->class_names[0]), "--to", 0);
    props_set(props, "connection.url", str_from(urls->to), "--to", 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        props_set(props, wanted[i][0], str_from(wanted[i][1]), "--to", 0);
    if (has_databases) /* a schema of its own for each of their schemas */
        props_set(props, "collection.name.format", STR_LIT("${source.db}_${source.schema}.${source.table}"),
                  "--to", 0);
    if (!urls->target_password_file) return true;
    CLEANUP(secret_done) Secret password = {0};
    if (!secret_from_file(urls->target_password_file, &password, e)) return false;
    props_set(props, "connection.password", str_from(password.text), "--to", 0);
    return true;
}

bool pair_from_urls(const PairUrls *urls, Pair *ret, TextList *warnings, TextList *problems) {
    Pair p = {.source_class = sources[0], .sink_class = sinks[0]};
    Err e = {0};
    Props *from = props_new(), *to = props_new(), *worker = props_new();
    bool ok = source_props(urls, from, &e);
    bool has_databases = ok && strchr(props_value(from, "database.names", ""), ',') != NULL;
    ok = ok && sink_props(urls, props_value(from, "name", ""), has_databases, to, &e);
    if (!ok) textlist_printf(problems, "%s", e.msg);
    const OptionTable table = worker_option_table();
    ok = ok && options_parse_all(&table, 1, worker, &p.worker, warnings, problems) &&
         parse_source(&p, from, warnings, problems) &&
         parse_connector(p.sink_class->options, p.sink_class->option_count, to, &p.sink, warnings, problems);
    props_free(from);
    props_free(to);
    props_free(worker);
    if (!ok || !join(&p, warnings, problems)) {
        pair_done(&p);
        return false;
    }
    *ret = p;
    return true;
}

bool pair_from_target(const PairUrls *urls, Pair *ret, TextList *warnings, TextList *problems) {
    Pair p = {.sink_class = sinks[0]};
    Err e = {0};
    Props *to = props_new();
    bool ok = sink_props(urls, "target", /* has_databases= */ false, to, &e);
    if (!ok) textlist_printf(problems, "%s", e.msg);
    ok = ok &&
         parse_connector(p.sink_class->options, p.sink_class->option_count, to, &p.sink, warnings, problems);
    props_free(to);
    p.pipeline = x_strdup("");
    if (ok) *ret = p;
    else pair_done(&p);
    return ok;
}
