/*
 * smt_replace_field.c - ReplaceField: fields left out or renamed. The result is a required schema without a
 * default, whatever the input was: Kafka copies name, version, documentation and parameters only.
 */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/struct_map.h"

static const OptionDef OPTIONS[] = {
    {.key = "exclude",
     .alias = "blacklist",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "fields to leave out; wins over include"},
    {.key = "include",
     .alias = "whitelist",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "fields to keep, others go; empty = all"},
    {.key = "renames", .type = OPTION_LIST, .importance = OPTION_MEDIUM, .help = "old:new pairs"},
    SMT_REPLACE_NULL_ROW,
};

typedef struct Rename {
    Str from, to; /* borrowed from the options */
} Rename;

typedef struct State {
    Rename *renames;
    size_t count;
    bool replace_null;
} State;

/* Values are looked up by the new name's old one, as Kafka does: where a field keeps a name that another was
 * to be renamed to, it gets that one's value, if it is of the type. */
typedef struct ReplacePlan {
    StructMap map;
    bool has_crossed; /* a field gets another's value */
} ReplacePlan;

static void free_plan(void *p) {
    ReplacePlan *plan = p;
    struct_map_done(&plan->map);
    free(plan);
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->replace_null = s->replaces_null;
    const TextList *list = options_list(s->options, "renames");
    state->renames = x_calloc(list->count + 1, sizeof *state->renames);
    for (size_t i = 0; i < list->count; i++) {
        Str pair = str_from(list->items[i]);
        size_t colon = str_find(pair, ':');
        Str to = str_sub(pair, colon + 1, pair.n);
        if (colon == pair.n || colon == 0 || to.n == 0 || str_find(to, ':') < to.n)
            return err_set(e, ERR_INVALID, false, "renames: '%s' isn't old:new", list->items[i]);
        state->renames[state->count++] = (Rename){str_sub(pair, 0, colon), to};
    }
    return true;
}

static void done(void *p) {
    State *state = p;
    free(state->renames);
    free(state);
}

static bool is_kept(const Smt *s, Str field) {
    const TextList *include = options_list(s->options, "include");
    return !textlist_has(options_list(s->options, "exclude"), field) &&
           (include->count == 0 || textlist_has(include, field));
}

/* The last pair counts, as in Java's map. */
static Str renamed(const State *state, Str field, bool is_back) {
    for (size_t i = state->count; i-- > 0;) {
        const Rename *r = &state->renames[i];
        if (str_eq(field, is_back ? r->to : r->from)) return is_back ? r->from : r->to;
    }
    return field;
}

static bool draft(const Smt *s, const ConnectSchema *in, StructDraft *d, ReplacePlan *plan, Err *e) {
    for (size_t i = 0; i < in->field_count; i++) {
        if (!is_kept(s, in->fields[i].name)) continue;
        Str name = renamed(s->state, in->fields[i].name, false);
        Str source = renamed(s->state, name, true);
        int from = connect_schema_find(in, source);
        if (from < 0)
            return err_set(e, ERR_DATA, false, "there is no field \"" STR_FMT "\" to rename",
                           STR_ARG(source));
        plan->has_crossed = plan->has_crossed || from != (int)i;
        struct_draft_add(d, name, in->fields[i].schema, from);
    }
    return true;
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    const State *state = s->state;
    ReplacePlan *plan = x_calloc(1, sizeof *plan);
    StructDraft d = struct_draft(in);
    if (draft(s, in, &d, plan, e) && struct_map_new(&d, state->replace_null, &plan->map, e)) return plan;
    struct_draft_done(&d);
    free_plan(plan);
    return NULL;
}

static bool is_logical(const ConnectSchema *s) {
    return connect_schema_is(s, CONNECT_DECIMAL) || connect_schema_is(s, CONNECT_DATE) ||
           connect_schema_is(s, CONNECT_TIME) || connect_schema_is(s, CONNECT_TIMESTAMP);
}

static bool takes(const ConnectSchema *to, const ConnectSchema *from, const Value *v) {
    if (value_is_null(v)) return to->is_optional;
    if (to->type >= CONNECT_ARRAY) return connect_schema_equal(to, from);
    bool is_either = is_logical(to) || is_logical(from);
    return to->type == from->type && (!is_either || str_eq(to->name, from->name));
}

static bool check_crossed(const StructMap *m, const ConnectSchema *in, const Value *row, Err *e) {
    for (size_t i = 0; i < m->count; i++) {
        const ConnectField *from = &in->fields[m->from[i]];
        if (!takes(m->out->fields[i].schema, from->schema, &row[i]))
            return err_set(e, ERR_DATA, false,
                           "field \"" STR_FMT "\" can't take the value of \"" STR_FMT "\"",
                           STR_ARG(m->out->fields[i].name), STR_ARG(from->name));
    }
    return true;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    const Value *v = smt_value(s, r);
    if (value_is_null(v)) return true;
    if (!smt_need_struct(in, v, e)) return false;
    ReplacePlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    Value *row = struct_map_row(&plan->map, in, v, b);
    if (plan->has_crossed && !check_crossed(&plan->map, in, row, e)) return false;
    smt_put(s, r, plan->map.out, record_struct(row, plan->map.count));
    return true;
}

const SmtClass smt_replace_field = {.name = "org.apache.kafka.connect.transforms.ReplaceField",
                                    .has_sides = true,
                                    .options = OPTIONS,
                                    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                    .init = init,
                                    .apply = apply,
                                    .plan = make_plan,
                                    .free_plan = free_plan,
                                    .done = done,
                                    .direct_cure =
                                        "leave columns out by column.exclude.list; names stay the source's"};
