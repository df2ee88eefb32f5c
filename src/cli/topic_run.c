#include "cli/topic_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "postgres/sink_option.h"
#include "postgres/topic_writer.h"
#include "transport/kafka_option.h"
#include "worker/sink_task_option.h"
#include "worker/worker_option.h"

enum { MAX_FILES = 64 };

/* The connectors' sets, until the worker's is known. */
typedef struct Given {
    Props *connectors[MAX_FILES]; /* owned */
    size_t count;
    Props *worker; /* owned */
} Given;

static void given_done(Given *g) {
    for (size_t i = 0; i < g->count; i++) props_free(g->connectors[i]);
    props_free(g->worker);
}

bool topic_run_is_meant(const char *const *files, size_t count) {
    bool is_meant = false;
    for (size_t i = 0; i < count && !is_meant; i++) {
        Props *props = props_new();
        Err unused;
        is_meant = props_load(props, files[i], &unused) && !props_get(props, "connector.class") &&
                   props_get(props, KAFKA_OPTION_SERVERS);
        props_free(props);
    }
    return is_meant;
}

void topic_run_done(TopicRun *r) {
    for (size_t i = 0; i < r->source_count; i++) pair_done(&r->sources[i]);
    for (size_t i = 0; i < r->sink_count; i++) {
        free(r->sinks[i].name);
        options_free(r->sinks[i].options);
        props_free(r->sinks[i].props);
    }
    free(r->sources);
    free(r->sinks);
    options_free(r->worker);
    *r = (TopicRun){0};
}

/* ---- files ---- */

static bool read_file(Given *g, const char *path, TextList *problems) {
    Props *props = props_new();
    Err e = {0};
    if (!props_load(props, path, &e) || !props_resolve(props, &e)) {
        textlist_printf(problems, "%s", e.msg);
        props_free(props);
        return false;
    }
    if (props_get(props, "connector.class")) {
        g->connectors[g->count++] = props;
        return true;
    }
    bool is_connector = props_get(props, "topics") || props_get(props, "topic.prefix");
    if (is_connector) textlist_printf(problems, "%s: connector.class is missing", path);
    for (size_t i = 0; i < props_count(props); i++) props_add(g->worker, props_at(props, i));
    props_free(props);
    return !is_connector;
}

/* ---- connectors ---- */

static bool take_source(TopicRun *r, const Given *g, const Props *props, TextList *warnings,
                        TextList *problems) {
    Pair pair;
    if (!pair_from_source(props, g->worker, &pair, warnings, problems)) return false;
    r->sources = x_reallocarray(r->sources, r->source_count + 1, sizeof *r->sources);
    r->sources[r->source_count++] = pair;
    return true;
}

static bool is_postgres(const Prop *class) {
    for (size_t i = 0; sink_option_classes[i]; i++)
        if (strcmp(class->value, sink_option_classes[i]) == 0) return true;
    return false;
}

static bool take_sink(TopicRun *r, const Given *g, const Props *props, TextList *warnings,
                      TextList *problems) {
    const OptionTable own = {postgres_topic_writer_class.options, postgres_topic_writer_class.option_count};
    const OptionTable tables[] = {sink_task_option_table(), kafka_option_worker_table(), own,
                                  option_connect_table()};
    const Prop *class = props_get(props, "connector.class");
    char place[PROPS_PLACE_SIZE];
    if (!is_postgres(class)) {
        textlist_printf(problems, "%s: connector.class: '%s' isn't fed from topics",
                        props_place(class, place), class->value);
        return false;
    }
    TopicRunSink sink = {.name = x_strdup(props_value(props, "name", props_origin(props))),
                         .props = kafka_option_merge(g->worker, props)};
    Err e = {0};
    bool ok = options_parse_all(tables, 4, sink.props, &sink.options, warnings, problems);
    if (ok && !sink_task_option_check(sink.options, &e)) {
        textlist_printf(problems, "%s", e.msg);
        ok = false;
    }
    r->sinks = x_reallocarray(r->sinks, r->sink_count + 1, sizeof *r->sinks);
    r->sinks[r->sink_count++] = sink;
    return ok;
}

static bool take_connector(TopicRun *r, const Given *g, const Props *props, TextList *warnings,
                           TextList *problems) {
    bool is_source = false;
    if (!pair_class(props_get(props, "connector.class"), &is_source, problems)) return false;
    return is_source ? take_source(r, g, props, warnings, problems)
                     : take_sink(r, g, props, warnings, problems);
}

static bool has_two_of_a_name(const Given *g, TextList *problems) {
    for (size_t i = 0; i < g->count; i++)
        for (size_t k = 0; k < i; k++) {
            const char *name = props_value(g->connectors[i], "name", "");
            if (strcmp(name, props_value(g->connectors[k], "name", "")) != 0) continue;
            textlist_printf(problems, "%s: name: there is another connector '%s'",
                            props_origin(g->connectors[i]), name);
            return true;
        }
    return false;
}

static bool take_all(TopicRun *r, const Given *g, TextList *warnings, TextList *problems) {
    const OptionTable tables[] = {kafka_option_worker_table(), worker_option_table()};
    bool ok = options_parse_all(tables, 2, g->worker, &r->worker, warnings, problems);
    if (g->count == 0) {
        textlist_printf(problems, "none of the files has a connector (connector.class)");
        return false;
    }
    if (has_two_of_a_name(g, problems)) ok = false;
    for (size_t i = 0; i < g->count; i++)
        ok = take_connector(r, g, g->connectors[i], warnings, problems) && ok;
    return ok;
}

bool topic_run_from_files(const char *const *files, size_t count, TopicRun *ret, TextList *warnings,
                          TextList *problems) {
    Given g = {.worker = props_new()};
    TopicRun r = {0};
    bool ok = count <= MAX_FILES;
    if (!ok) textlist_printf(problems, "at most %d files", MAX_FILES);
    for (size_t i = 0; i < count && count <= MAX_FILES; i++) ok = read_file(&g, files[i], problems) && ok;
    ok = ok && take_all(&r, &g, warnings, problems);
    given_done(&g);
    if (ok) *ret = r;
    else topic_run_done(&r);
    return ok;
}
