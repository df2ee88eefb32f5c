/*
 * smt_logical_router.c - Debezium's ByLogicalTableRouter: several tables' changes into one topic, keys made
 * distinct by a field more, schemas named after the new topic. Records that are no envelopes keep their
 * value.
 */
#include "transform/smt_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "transform/java_regex.h"
#include "transform/struct_map.h"

enum { ADJUST_NONE, ADJUST_AVRO, ADJUST_AVRO_UNICODE };
static const char *const ADJUST[] = {"none", "avro", "avro_unicode", NULL};

static const OptionDef OPTIONS[] = {
    {.key = "topic.regex",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .is_required = true,
     .help = "a regular expression that the whole topic name matches"},
    {.key = "topic.replacement",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .is_required = true,
     .help = "the new topic, with $1 or ${name} for groups"},
    {.key = "key.enforce.uniqueness",
     .type = OPTION_BOOL,
     .importance = OPTION_LOW,
     .standard = "true",
     .help = "put the old topic, or what key.field.replacement makes of it, into the key"},
    {.key = "key.field.regex",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "matched against the old topic for that field"},
    {.key = "key.field.name",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .standard = "__dbz__physicalTableIdentifier",
     .help = "that field's name"},
    {.key = "key.field.replacement",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "that field's content, with $1 or ${name} for groups"},
    {.key = "schema.name.adjustment.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "none",
     .values = ADJUST,
     .help = "how characters that schema names may not have are replaced"},
    OPTION_NO_SENSE_ROW("logical.table.cache.size", OPTION_INT, "256 schemas are remembered",
                        .standard = "16", .min = 1, .max = INT32_MAX),
};

typedef struct State {
    JavaRegex *topic, *key; /* key NULL: the field is the old topic */
    const ConnectSchema *text;
} State;

typedef struct RoutePlan {
    StructMap map;
    StructMap inner;   /* of an envelope: its before and after */
    int before, after; /* their fields; -1 of a key */
} RoutePlan;

static void free_plan(void *p) {
    RoutePlan *plan = p;
    struct_map_done(&plan->map);
    struct_map_done(&plan->inner);
    free(plan);
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->text = connect_schema_plain(CONNECT_STRING, false);
    const char *regex = options_str(s->options, "key.field.regex");
    const char *replacement = options_str(s->options, "key.field.replacement");
    bool has_regex = str_trim(str_from(regex)).n != 0;
    if (has_regex && str_trim(str_from(replacement)).n == 0)
        return err_set(e, ERR_INVALID, false, "key.field.regex is set, and key.field.replacement isn't");
    return java_regex_new(options_str(s->options, "topic.regex"),
                          options_str(s->options, "topic.replacement"), &state->topic, e) &&
           (!has_regex || java_regex_new(regex, replacement, &state->key, e));
}

static void done(void *p) {
    State *state = p;
    (void)java_regex_free(state->topic);
    (void)java_regex_free(state->key);
    connect_schema_unref(state->text);
    free(state);
}

/* ---- names ---- */

static bool is_name_char(char c, bool is_first, bool is_unicode) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter || (c == '_' && !is_unicode)) return true;
    return !is_first && ((c >= '0' && c <= '9') || c == '.');
}

/* UTF-8's next code point; a broken byte is itself. */
static uint32_t next_point(Str *s) {
    uint8_t c = (uint8_t)s->p[0];
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (n > s->n) n = 1;
    uint32_t v = n == 1 ? c : c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) v = v << 6 | ((uint8_t)s->p[i] & 0x3f);
    *s = str_sub(*s, n, s->n);
    return v;
}

static void put_unit(Buf *out, uint32_t unit, bool is_unicode) {
    if (is_unicode) buf_printf(out, "_u%04x", unit);
    else buf_u8(out, '_');
}

static char *adjusted(const Smt *s, Str topic, const char *suffix) {
    CLEANUP_FREE char *name = x_asprintf("" STR_FMT "%s", STR_ARG(topic), suffix);
    size_t mode = options_enum(s->options, "schema.name.adjustment.mode");
    if (mode == ADJUST_NONE) return TAKE(name);
    bool is_unicode = mode == ADJUST_AVRO_UNICODE;
    CLEANUP(buf_done) Buf out = {0};
    Str rest = str_from(name);
    while (rest.n) {
        char c = rest.p[0];
        bool is_first = rest.p == name;
        uint32_t point = next_point(&rest);
        if (point < 0x80 && is_name_char(c, is_first, is_unicode)) buf_u8(&out, (uint8_t)c);
        else if (point >= 0x10000) { /* Java sees two units */
            put_unit(&out, 0xd800 + ((point - 0x10000) >> 10), is_unicode);
            put_unit(&out, 0xdc00 + (point & 0x3ff), is_unicode);
        } else put_unit(&out, point, is_unicode);
    }
    return x_strdup(buf_text(&out));
}

/* ---- plans ---- */

static StructDraft renamed_draft(const ConnectSchema *in, const char *name) {
    StructDraft d = struct_draft(in);
    d.spec.is_optional = in->is_optional;
    d.spec.name = str_from(name);
    return d;
}

static bool plan_key(const Smt *s, const ConnectSchema *in, Str topic, RoutePlan *plan, Err *e) {
    const State *state = s->state;
    CLEANUP_FREE char *name = adjusted(s, topic, ".Key");
    StructDraft d = renamed_draft(in, name);
    struct_draft_add_all(&d, in);
    if (options_bool(s->options, "key.enforce.uniqueness"))
        struct_draft_add(&d, str_from(options_str(s->options, "key.field.name")), state->text,
                         STRUCT_MAP_NOWHERE);
    plan->before = plan->after = -1;
    return struct_map_new(&d, true, &plan->map, e);
}

static bool plan_envelope(const Smt *s, const ConnectSchema *in, Str topic, RoutePlan *plan, Err *e) {
    plan->before = connect_schema_find(in, STR_LIT("before"));
    plan->after = connect_schema_find(in, STR_LIT("after"));
    if (plan->before < 0 || in->fields[plan->before].schema->type != CONNECT_STRUCT)
        return err_set(e, ERR_DATA, false, "the envelope has no struct \"before\"");
    const ConnectSchema *row = in->fields[plan->before].schema;
    CLEANUP_FREE char *row_name = adjusted(s, topic, ".Value");
    CLEANUP_FREE char *name = adjusted(s, topic, ".Envelope");
    StructDraft inner = renamed_draft(row, row_name);
    struct_draft_add_all(&inner, row);
    if (!struct_map_new(&inner, true, &plan->inner, e)) return false;
    StructDraft d = renamed_draft(in, name);
    struct_draft_add_all(&d, in);
    d.fields[plan->before].schema = plan->inner.out;
    if (plan->after >= 0) d.fields[plan->after].schema = plan->inner.out;
    return struct_map_new(&d, true, &plan->map, e);
}

/* By schema and new topic: one schema may come in several topics. */
static const RoutePlan *plan_of(Smt *s, const ConnectSchema *in, Str topic, bool is_key, Err *e) {
    uint64_t extra = hash_bytes(topic.p, topic.n, is_key);
    RoutePlan *plan = schema_cache_find(&s->cache, in, extra);
    if (plan) return plan;
    plan = x_calloc(1, sizeof *plan);
    if (is_key ? plan_key(s, in, topic, plan, e) : plan_envelope(s, in, topic, plan, e))
        return schema_cache_add(&s->cache, in, extra, plan);
    free_plan(plan);
    return NULL;
}

static bool route_key(Smt *s, RecordBatch *b, Record *r, Str topic, Err *e) {
    const State *state = s->state;
    if (value_is_null(&r->key)) {
        r->key_schema = NULL;
        return true;
    }
    if (!smt_need_struct(r->key_schema, &r->key, e)) return err_wrap(e, "key");
    const RoutePlan *plan = plan_of(s, r->key_schema, topic, true, e);
    if (!plan) return false;
    Value *row = struct_map_row(&plan->map, r->key_schema, &r->key, b);
    if (plan->map.count > r->key_schema->field_count) {
        Str table = r->topic, found = {0};
        if (state->key && java_regex_route(state->key, r->topic, &found)) table = arena_str(&b->arena, found);
        row[plan->map.count - 1] = value_bytes(table.p, (uint32_t)table.n);
    }
    r->key = record_struct(row, plan->map.count);
    r->key_schema = plan->map.out;
    return true;
}

static bool route_value(Smt *s, RecordBatch *b, Record *r, Str topic, Err *e) {
    const ConnectSchema *in = r->value_schema;
    const RoutePlan *plan = plan_of(s, in, topic, false, e);
    if (!plan) return false;
    Value *row = struct_map_row(&plan->map, in, &r->value, b);
    const int sides[] = {plan->before, plan->after};
    for (int i = 0; i < 2; i++) {
        if (sides[i] < 0 || value_is_null(&row[sides[i]])) continue;
        const ConnectSchema *inner = in->fields[sides[i]].schema;
        if (inner->field_count != plan->inner.count)
            return err_set(e, ERR_DATA, false, "\"before\" and \"after\" aren't alike");
        row[sides[i]] =
            record_struct(struct_map_row(&plan->inner, inner, &row[sides[i]], b), plan->inner.count);
    }
    r->value = record_struct(row, plan->map.count);
    r->value_schema = plan->map.out;
    return true;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const State *state = s->state;
    Str topic = {0};
    if (!java_regex_route(state->topic, r->topic, &topic) || topic.n == 0) return true;
    topic = arena_str(&b->arena, topic);
    if (!route_key(s, b, r, topic, e)) return false;
    bool is_envelope = !value_is_null(&r->value) && r->value_schema &&
                       r->value_schema->type == CONNECT_STRUCT &&
                       str_ends(r->value_schema->name, STR_LIT(".Envelope"));
    if (is_envelope && !route_value(s, b, r, topic, e)) return false;
    r->topic = topic;
    return true;
}

static bool direct(const Smt *s, SmtDirect *ret, Err *e) {
    if (options_bool(s->options, "key.enforce.uniqueness"))
        return err_set(e, ERR_INVALID, false,
                       "key.enforce.uniqueness=true (the default) puts a field into the keys, which works on "
                       "records of topics only; set it to false");
    return smt_direct_routes(s, ret, e);
}

const SmtClass smt_logical_router = {.name = "io.debezium.transforms.ByLogicalTableRouter",
                                     .options = OPTIONS,
                                     .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                     .init = init,
                                     .apply = apply,
                                     .free_plan = free_plan,
                                     .done = done,
                                     .direct = direct};
