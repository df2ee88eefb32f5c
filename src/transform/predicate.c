#include "transform/predicate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/option.h"
#include "transform/java_regex.h"

typedef enum PredicateKind { HAS_HEADER_KEY, IS_TOMBSTONE, TOPIC_MATCHES } PredicateKind;

struct Predicate {
    PredicateKind kind;
    char *name;       /* HAS_HEADER_KEY */
    JavaRegex *regex; /* TOPIC_MATCHES */
};

static const char PACKAGE[] = "org.apache.kafka.connect.transforms.predicates.";
static const char *const NAMES[] = {"HasHeaderKey", "RecordIsTombstone", "TopicNameMatches"};

static const OptionDef NAME_OPTION = {.key = "name",
                                      .type = OPTION_STRING,
                                      .importance = OPTION_MEDIUM,
                                      .is_required = true,
                                      .help = "the header's name"};
static const OptionDef PATTERN_OPTION = {.key = "pattern",
                                         .type = OPTION_STRING,
                                         .importance = OPTION_MEDIUM,
                                         .is_required = true,
                                         .help = "a regular expression that the whole topic name matches"};
static const struct {
    const OptionDef *defs;
    size_t count;
} OPTIONS[] = {{&NAME_OPTION, 1}, {NULL, 0}, {&PATTERN_OPTION, 1}};

static bool kind_of(const char *type, PredicateKind *ret, Err *e) {
    if (str_starts(str_from(type), str_from(PACKAGE)))
        for (int i = 0; i < 3; i++)
            if (strcmp(type + strlen(PACKAGE), NAMES[i]) == 0) {
                *ret = (PredicateKind)i;
                return true;
            }
    return err_set(e, ERR_INVALID, false, "no predicate '%s'; there are %s{%s, %s, %s}", type, PACKAGE,
                   NAMES[0], NAMES[1], NAMES[2]);
}

static bool take_options(Predicate *p, const Options *o, Err *e) {
    if (p->kind == HAS_HEADER_KEY) p->name = x_strdup(options_str(o, "name"));
    return p->kind != TOPIC_MATCHES || java_regex_new(options_str(o, "pattern"), NULL, &p->regex, e);
}

bool predicate_new(const char *type, const Props *props, Predicate **ret, Err *e) {
    PredicateKind kind = HAS_HEADER_KEY;
    if (!kind_of(type, &kind, e)) return false;
    Options *o = NULL;
    Predicate *p = x_calloc(1, sizeof *p);
    p->kind = kind;
    bool is_fine =
        options_parse(OPTIONS[kind].defs, OPTIONS[kind].count, props, &o, e) && take_options(p, o, e);
    o = options_free(o);
    if (!is_fine) {
        (void)predicate_free(p);
        return false;
    }
    *ret = p;
    return true;
}

Predicate *predicate_free(Predicate *p) {
    if (!p) return NULL;
    free(p->name);
    (void)java_regex_free(p->regex);
    free(p);
    return NULL;
}

bool predicate_is_of_topic(const Predicate *p) {
    return p->kind == TOPIC_MATCHES;
}

bool predicate_is_never_direct(const Predicate *p) {
    return p->kind == IS_TOMBSTONE;
}

bool predicate_test(Predicate *p, const Record *r) {
    Str ignored = {0};
    switch (p->kind) {
    case IS_TOMBSTONE: return value_is_null(&r->value);
    case TOPIC_MATCHES: return java_regex_route(p->regex, r->topic, &ignored);
    default: break;
    }
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_c(r->headers[i].key, p->name)) return true;
    return false;
}
