/*
 * A stage is a transform with its predicate. A record goes through all stages before the next one does; what
 * it was is kept aside, so that a failure leaves no half-changed record (rows are never edited in place, so
 * the struct is all there is to keep).
 */
#include "transform/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "transform/predicate.h"
#include "transform/smt.h"
#include "transform/smt_table.h"

typedef struct Stage {
    char *alias, *type; /* owned */
    Smt smt;
    Predicate *predicate; /* borrowed; NULL: always */
    bool is_negated;
} Stage;

struct TransformChain {
    Stage *stages;
    size_t count;
    StrMap *predicates; /* Predicate, owned */
    TextList warnings;
    const char *failed; /* the class that the last failure was of, borrowed from its stage */
};

/* ---- from properties ---- */

/* Those that begin with "<prefix>.<alias>.", without it, but the chain's own ("type", …). */
static Props *props_of(const Props *all, const char *prefix, const char *alias, const char *const *own) {
    CLEANUP_FREE char *start = x_asprintf("%s.%s.", prefix, alias);
    Props *ret = props_new();
    for (size_t i = 0; i < props_count(all); i++) {
        const Prop *p = props_at(all, i);
        if (!str_starts(str_from(p->key), str_from(start))) continue;
        const char *key = p->key + strlen(start);
        bool is_own = false;
        for (size_t k = 0; own[k]; k++) is_own = is_own || strcmp(own[k], key) == 0;
        if (is_own) continue;
        Prop copy = *p;
        CLEANUP_FREE char *name = x_strdup(key);
        copy.key = name;
        props_add(ret, &copy);
    }
    return ret;
}

static const char *value_of(const Props *all, const char *prefix, const char *alias, const char *key) {
    CLEANUP_FREE char *name = x_asprintf("%s.%s.%s", prefix, alias, key);
    return props_value(all, name, NULL);
}

static bool add_predicate(TransformChain *c, const Props *all, const char *alias, Err *e) {
    static const char *const own[] = {"type", NULL};
    const char *type = value_of(all, "predicates", alias, "type");
    if (!type)
        return err_set(e, ERR_INVALID, false, "predicates.%s.type is missing: the predicate's class", alias);
    if (strmap_get(c->predicates, str_from(alias)))
        return err_set(e, ERR_INVALID, false, "predicates: '%s' is listed twice", alias);
    Props *props = props_of(all, "predicates", alias, own);
    Predicate *p = NULL;
    bool is_fine = predicate_new(type, props, &p, e);
    props = props_free(props);
    if (!is_fine) return err_wrap(e, "predicates.%s", alias);
    (void)strmap_set(c->predicates, str_from(alias), p);
    return true;
}

static bool set_predicate(TransformChain *c, Stage *s, const Props *all, Err *e) {
    const char *alias = value_of(all, "transforms", s->alias, "predicate");
    const char *negate = value_of(all, "transforms", s->alias, "negate");
    if (negate && !str_eq_icase(str_from(negate), STR_LIT("true")) &&
        !str_eq_icase(str_from(negate), STR_LIT("false")))
        return err_set(e, ERR_INVALID, false, "transforms.%s.negate: true or false, not '%s'", s->alias,
                       negate);
    s->is_negated = negate && str_eq_icase(str_from(negate), STR_LIT("true"));
    if (!alias)
        return !negate || err_set(e, ERR_INVALID, false,
                                  "transforms.%s.negate is set, but there is no transforms.%s.predicate to "
                                  "negate",
                                  s->alias, s->alias);
    s->predicate = strmap_get(c->predicates, str_from(alias));
    return s->predicate ||
           err_set(e, ERR_INVALID, false, "transforms.%s.predicate: '%s' isn't listed in `predicates`",
                   s->alias, alias);
}

static int version_number(const char *version) {
    char *end = NULL;
    long major = strtol(version ? version : "2.7", &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return (int)(major * 100 + minor);
}

static bool init_smt(Smt *smt, const Props *props, Err *e) {
    const SmtClass *class_ = smt->class_;
    if (!options_parse(class_->options, class_->option_count, props, &smt->options, e)) return false;
    for (size_t i = 0; i < class_->option_count; i++)
        if (strcmp(class_->options[i].key, SMT_REPLACE_NULL) == 0)
            smt->replaces_null = options_bool(smt->options, SMT_REPLACE_NULL);
    smt->cache.free_plan = class_->free_plan;
    return !class_->init || class_->init(smt, e);
}

static bool add_stage(TransformChain *c, const Props *all, const char *alias, const TransformSetup *setup,
                      Err *e) {
    static const char *const own[] = {"type", "predicate", "negate", NULL};
    const char *type = value_of(all, "transforms", alias, "type");
    if (!type)
        return err_set(e, ERR_INVALID, false, "transforms.%s.type is missing: the transform's class", alias);
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->stages[i].alias, alias) == 0)
            return err_set(e, ERR_INVALID, false, "transforms: '%s' is listed twice", alias);
    if (c->count == TRANSFORM_MAX)
        return err_set(e, ERR_INVALID, false, "transforms: more than %d", TRANSFORM_MAX);
    const SmtClass *class_ = NULL;
    bool is_key = false;
    if (!smt_table_find(str_trim(str_from(type)), &class_, &is_key, e))
        return err_wrap(e, "transforms.%s.type", alias);
    Stage *s = &c->stages[c->count++];
    *s = (Stage){.alias = x_strdup(alias),
                 .type = str_dup(str_trim(str_from(type))),
                 .smt = {.class_ = class_,
                         .is_key = is_key,
                         .is_sink = setup->is_sink,
                         .debezium_version = version_number(setup->debezium_version)}};
    Props *props = props_of(all, "transforms", alias, own);
    bool is_fine = init_smt(&s->smt, props, e);
    props = props_free(props);
    if (!is_fine) return err_wrap(e, "transforms.%s (%s)", alias, type);
    for (size_t i = 0; i < options_warnings(s->smt.options)->count; i++)
        textlist_printf(&c->warnings, "transforms.%s: %s", alias, options_warnings(s->smt.options)->items[i]);
    return set_predicate(c, s, all, e);
}

/* Properties of an alias that isn't listed: Connect passes over them too, but a misspelt one should show. */
static void warn_of_unlisted(TransformChain *c, const Props *all, const char *prefix,
                             const TextList *listed) {
    CLEANUP_FREE char *start = x_asprintf("%s.", prefix);
    for (size_t i = 0; i < props_count(all); i++) {
        Str key = str_from(props_at(all, i)->key);
        if (!str_starts(key, str_from(start))) continue;
        Str rest = str_sub(key, str_from(start).n, key.n);
        bool is_listed = false;
        for (size_t k = 0; k < listed->count && !is_listed; k++) {
            Str alias = str_from(listed->items[k]);
            is_listed = str_starts(rest, alias) && rest.n > alias.n && rest.p[alias.n] == '.';
        }
        if (!is_listed)
            textlist_printf(&c->warnings, "" STR_FMT " has no effect: its alias isn't listed in `%s`",
                            STR_ARG(key), prefix);
    }
}

static bool build(TransformChain *c, const Props *all, const TransformSetup *setup, Err *e) {
    CLEANUP(textlist_done) TextList predicates = {0}, transforms = {0};
    textlist_split(&predicates, str_from(props_value(all, "predicates", "")));
    textlist_split(&transforms, str_from(props_value(all, "transforms", "")));
    for (size_t i = 0; i < predicates.count; i++)
        if (!add_predicate(c, all, predicates.items[i], e)) return false;
    for (size_t i = 0; i < transforms.count; i++)
        if (!add_stage(c, all, transforms.items[i], setup, e)) return false;
    warn_of_unlisted(c, all, "transforms", &transforms);
    warn_of_unlisted(c, all, "predicates", &predicates);
    return true;
}

bool transform_chain_new(const Props *props, const TransformSetup *setup, TransformChain **ret, Err *e) {
    TransformChain *c = x_calloc(1, sizeof *c);
    c->predicates = strmap_new(false);
    c->stages = x_calloc(TRANSFORM_MAX, sizeof *c->stages);
    if (!build(c, props, setup, e)) {
        (void)transform_chain_free(c);
        return false;
    }
    *ret = c;
    return true;
}

TransformChain *transform_chain_free(TransformChain *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->count; i++) {
        Stage *s = &c->stages[i];
        if (s->smt.cache.free_plan) schema_cache_done(&s->smt.cache);
        if (s->smt.state) (s->smt.class_->done ? s->smt.class_->done : free)(s->smt.state);
        s->smt.options = options_free(s->smt.options);
        free(s->alias);
        free(s->type);
    }
    free(c->stages);
    size_t at = 0;
    Str key = {0};
    for (void *p = NULL; strmap_next(c->predicates, &at, &key, &p);) (void)predicate_free(p);
    (void)strmap_free(c->predicates);
    textlist_done(&c->warnings);
    free(c);
    return NULL;
}

bool transform_chain_is_empty(const TransformChain *c) {
    return c->count == 0;
}

const TextList *transform_chain_warnings(const TransformChain *c) {
    return &c->warnings;
}

/* ---- running ---- */

static bool apply_stages(TransformChain *c, RecordBatch *batch, Record *r, Err *e) {
    for (size_t i = 0; i < c->count && !r->is_dropped; i++) {
        Stage *s = &c->stages[i];
        if (s->predicate && predicate_test(s->predicate, r) == s->is_negated) continue;
        if (s->smt.class_->apply(&s->smt, batch, r, e)) continue;
        if (e->code == ERR_INVALID) e->code = ERR_DATA;
        c->failed = s->type;
        return err_wrap(e, "transforms.%s (%s), topic " STR_FMT, s->alias, s->type, STR_ARG(r->topic));
    }
    return true;
}

bool transform_chain_apply(TransformChain *c, RecordBatch *batch, size_t *at, Err *e) {
    for (; *at < batch->count; (*at)++) {
        Record *r = &batch->records[*at];
        if (r->is_dropped) continue;
        Record before = *r;
        if (apply_stages(c, batch, r, e)) continue;
        *r = before;
        return false;
    }
    return true;
}

const char *transform_chain_failed(const TransformChain *c) {
    return c->failed;
}

/* ---- without records ---- */

/* A predicate that can't be told without a record is of no matter where the transform does nothing. */
static bool stage_direct(const Stage *s, SmtDirect *ret, Err *e) {
    const SmtClass *class_ = s->smt.class_;
    *ret = (SmtDirect){0};
    if (s->predicate && predicate_is_never_direct(s->predicate) && !s->is_negated) return true;
    if (!class_->direct)
        return err_set(e, ERR_INVALID, false, "it works on records of topics only; %s", class_->direct_cure);
    if (!class_->direct(&s->smt, ret, e)) return false;
    bool is_told =
        !s->predicate || predicate_is_of_topic(s->predicate) || predicate_is_never_direct(s->predicate);
    return is_told || !ret->routes ||
           err_set(e, ERR_INVALID, false, "its predicate works on records of topics only; take it out");
}

bool transform_chain_direct(const TransformChain *c, bool *ret_drops_deletes, Err *e) {
    *ret_drops_deletes = false;
    for (size_t i = 0; i < c->count; i++) {
        SmtDirect direct = {0};
        if (!stage_direct(&c->stages[i], &direct, e))
            return err_wrap(e, "transforms.%s (%s)", c->stages[i].alias, c->stages[i].type);
        *ret_drops_deletes = *ret_drops_deletes || direct.drops_deletes;
    }
    return true;
}

bool transform_chain_route(TransformChain *c, Str topic, RecordBatch *scratch, Str *ret, Err *e) {
    Record *r = record_batch_add(scratch);
    r->topic = topic;
    /* A row's record has a value: RecordIsTombstone is false of it. */
    r->value = value_bytes("", 0);
    for (size_t i = 0; i < c->count; i++) {
        Stage *s = &c->stages[i];
        SmtDirect direct = {0};
        if (!stage_direct(s, &direct, e)) return false;
        if (!direct.routes || (s->predicate && predicate_test(s->predicate, r) == s->is_negated)) continue;
        if (!s->smt.class_->apply(&s->smt, scratch, r, e)) return false;
    }
    *ret = r->topic;
    return true;
}
