#include "worker/topics.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "transform/java_regex.h"

struct Topics {
    char *prefix;
    const TextList *names; /* of the options; empty = none */
    const char *pattern;   /* likewise; NULL = none */
    JavaRegex *regex;
    TransformRoute *route;
};

bool topics_new(const Options *options, const char *prefix, TransformRoute *route, Topics **ret, Err *e) {
    Topics t = {.route = route,
                .names = options_list(options, "topics"),
                .pattern = options_str(options, "topics.regex")};
    if (t.names->count > 0 && t.pattern)
        return err_set(e, ERR_INVALID, false,
                       "topics and topics.regex exclude each other: remove one of them");
    if (t.pattern && !java_regex_new(t.pattern, /* replacement= */ NULL, &t.regex, e))
        return err_wrap(e, "topics.regex");
    t.prefix = x_strdup(prefix ? prefix : "");
    *ret = x_malloc(sizeof t);
    **ret = t;
    return true;
}

Topics *topics_free(Topics *t) {
    if (!t) return NULL;
    java_regex_free(t->regex);
    free(t->prefix);
    free(t);
    return NULL;
}

static bool takes(const Topics *t, Str topic) {
    Str whole;
    if (t->regex) return java_regex_route(t->regex, topic, &whole);
    for (size_t i = 0; i < t->names->count; i++) {
        if (str_eq_c(topic, t->names->items[i])) return true;
    }
    return t->names->count == 0;
}

bool topics_check(const Topics *t, const Schema *schema, Err *e) {
    CLEANUP(buf_done) Buf routed = {0};
    CLEANUP_FREE char *made =
        x_asprintf("%s." STR_FMT "." STR_FMT "." STR_FMT, t->prefix, STR_ARG(schema->database),
                   STR_ARG(schema->schema), STR_ARG(schema->table));
    transform_route_source(t->route, str_from(made), &routed);
    const char *topic = buf_text(&routed);
    if (takes(t, buf_view(&routed))) return true;
    return err_set(e, ERR_INVALID, false,
                   "table %s: its topic %s isn't among the sink's %s, so its rows would have nowhere to go; "
                   "add it there, or "
                   "leave the table out of table.include.list",
                   schema->qualified, topic, t->regex ? "topics.regex" : "topics");
}
