/*
 * smt_header.c - HeaderFrom (fields become headers), InsertHeader, DropHeaders. InsertHeader guesses the
 * literal's type as Kafka's Values.parseString does for scalars: true and false, whole numbers as the
 * smallest integer type that holds them, other numbers as float32 or float64, ISO 8601 dates and times; all
 * else is text. Literals that Kafka takes for lists, maps or big decimals are refused.
 */
#include "transform/smt_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/civil.h"
#include "transform/java_text.h"
#include "transform/struct_map.h"

enum { MOVE, COPY };
static const char *const OPERATIONS[] = {"move", "copy", NULL};

static const OptionDef FROM_OPTIONS[] = {
    {.key = "fields",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the fields that become headers"},
    {.key = "headers",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the headers' names, in the fields' order"},
    {.key = "operation",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .is_required = true,
     .values = OPERATIONS,
     .help = "move takes the fields out, copy leaves them"},
    SMT_REPLACE_NULL_ROW,
};

typedef struct FromPlan {
    StructMap map; /* move */
    int *fields;
} FromPlan;

static void free_plan(void *p) {
    FromPlan *plan = p;
    struct_map_done(&plan->map);
    free(plan->fields);
    free(plan);
}

static bool from_init(Smt *s, Err *e) {
    size_t fields = options_list(s->options, "fields")->count;
    size_t headers = options_list(s->options, "headers")->count;
    return fields == headers ||
           err_set(e, ERR_INVALID, false, "%zu fields, but %zu headers", fields, headers);
}

static bool make_map(const Smt *s, const ConnectSchema *in, StructMap *ret, Err *e) {
    StructDraft d = struct_draft(in);
    for (size_t i = 0; i < in->field_count; i++)
        if (!textlist_has(options_list(s->options, "fields"), in->fields[i].name))
            struct_draft_add(&d, in->fields[i].name, in->fields[i].schema, (int)i);
    return struct_map_new(&d, s->replaces_null, ret, e);
}

static bool fill_plan(const Smt *s, const ConnectSchema *in, FromPlan *plan, Err *e) {
    const TextList *fields = options_list(s->options, "fields");
    plan->fields = x_calloc(fields->count + 1, sizeof *plan->fields);
    for (size_t i = 0; i < fields->count; i++) {
        plan->fields[i] = connect_schema_find(in, str_from(fields->items[i]));
        if (plan->fields[i] < 0)
            return err_set(e, ERR_DATA, false, "there is no field \"%s\"", fields->items[i]);
    }
    return options_enum(s->options, "operation") == COPY || make_map(s, in, &plan->map, e);
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    FromPlan *plan = x_calloc(1, sizeof *plan);
    if (fill_plan(s, in, plan, e)) return plan;
    free_plan(plan);
    return NULL;
}

static bool from_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    const Value v = *smt_value(s, r);
    if (!smt_need_struct(in, &v, e)) return false;
    FromPlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    const TextList *headers = options_list(s->options, "headers");
    bool replace = s->replaces_null;
    record_batch_hold_schema(b, in);
    for (size_t i = 0; i < headers->count; i++) {
        size_t field = (size_t)plan->fields[i];
        record_add_header(b, r,
                          (RecordHeader){str_from(headers->items[i]), in->fields[field].schema,
                                         smt_field(in, &v, field, replace)});
    }
    if (plan->map.out)
        smt_put(s, r, plan->map.out, record_struct(struct_map_row(&plan->map, in, &v, b), plan->map.count));
    return true;
}

const SmtClass smt_header_from = {.name = "org.apache.kafka.connect.transforms.HeaderFrom",
                                  .has_sides = true,
                                  .options = FROM_OPTIONS,
                                  .option_count = sizeof FROM_OPTIONS / sizeof *FROM_OPTIONS,
                                  .init = from_init,
                                  .apply = from_apply,
                                  .plan = make_plan,
                                  .free_plan = free_plan,
                                  .direct_cure = "take it out: there are no headers"};

/* ---- InsertHeader ---- */

static const OptionDef INSERT_OPTIONS[] = {
    {.key = "header",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the header's name"},
    {.key = "value.literal",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "its value; the type is guessed from the text"},
};

static ConnectType smallest(int64_t n) {
    if (n == (int8_t)n) return CONNECT_INT8;
    if (n == (int16_t)n) return CONNECT_INT16;
    return n == (int32_t)n ? CONNECT_INT32 : CONNECT_INT64;
}

/* Kafka's fixed patterns: 2026-01-31, 23:59:59.999Z, 2026-01-31T23:59:59.999Z. */
static const ConnectSchema *guess_time(Str s, Value *ret) {
    CivilText t = {0};
    bool is_date = s.n == 10, is_time = s.n == 13 && s.p[2] == ':' && s.p[12] == 'Z',
         is_both = s.n == 24 && s.p[10] == 'T' && s.p[23] == 'Z';
    if (!(is_date || is_time || is_both) || !civil_parse(s, &t)) return NULL;
    int64_t ms = t.ticks / 10000;
    if (is_date && t.has_date && !t.has_time) {
        *ret = value_int(t.days);
        return smt_logical(CONNECT_INT32, CONNECT_DATE, false);
    }
    if (is_time && t.has_time && !t.has_date) {
        *ret = value_int(ms);
        return smt_logical(CONNECT_INT32, CONNECT_TIME, false);
    }
    if (!is_both || !t.has_date || !t.has_time) return NULL;
    *ret = value_int(t.days * 86400000 + ms);
    return smt_logical(CONNECT_INT64, CONNECT_TIMESTAMP, false);
}

static bool guess(Str s, const ConnectSchema **ret_schema, Value *ret, Err *e) {
    int64_t n = 0;
    double d = 0;
    *ret = value_bytes(s.p, (uint32_t)s.n);
    if (s.p[0] == '[' || s.p[0] == '{' || s.p[0] == '"')
        return err_set(e, ERR_INVALID, false,
                       "value.literal: lists, maps and quoted texts are not supported; give a plain text, a "
                       "number, true or false");
    if (str_eq_c(s, "true") || str_eq_c(s, "false")) {
        *ret = value_int(s.p[0] == 't');
        *ret_schema = connect_schema_plain(CONNECT_BOOLEAN, false);
    } else if (java_text_to_long(s, INT64_MIN, INT64_MAX, &n)) {
        *ret = value_int(n);
        *ret_schema = connect_schema_plain(smallest(n), false);
    } else if ((*ret_schema = guess_time(s, ret)) != NULL) {
        return true;
    } else if (strspn(s.p, "+-.0123456789eE") == s.n && java_text_to_double(s, &d)) {
        return err_set(e, ERR_INVALID, false,
                       "value.literal: '" STR_FMT
                       "' would be a decimal or a floating-point number; only whole "
                       "numbers are supported",
                       STR_ARG(s));
    } else *ret_schema = connect_schema_plain(CONNECT_STRING, false);
    return true;
}

typedef struct InsertState {
    const ConnectSchema *schema;
    Value value;
} InsertState;

static bool insert_init(Smt *s, Err *e) {
    InsertState *state = x_calloc(1, sizeof *state);
    s->state = state;
    return guess(str_from(options_str(s->options, "value.literal")), &state->schema, &state->value, e);
}

static void insert_done(void *p) {
    InsertState *state = p;
    connect_schema_unref(state->schema);
    free(state);
}

static bool insert_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    (void)e;
    const InsertState *state = s->state;
    record_batch_hold_schema(b, state->schema);
    record_add_header(
        b, r, (RecordHeader){str_from(options_str(s->options, "header")), state->schema, state->value});
    return true;
}

const SmtClass smt_insert_header = {.name = "org.apache.kafka.connect.transforms.InsertHeader",
                                    .options = INSERT_OPTIONS,
                                    .option_count = 2,
                                    .init = insert_init,
                                    .apply = insert_apply,
                                    .done = insert_done,
                                    .direct = smt_direct_nothing};

/* ---- DropHeaders ---- */

static const OptionDef DROP_OPTIONS[] = {
    {.key = "headers",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the headers that go"},
};

static bool drop_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    (void)e;
    const TextList *names = options_list(s->options, "headers");
    RecordHeader *kept = ARENA_ARRAY(&b->arena, RecordHeader, r->header_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < r->header_count; i++)
        if (!textlist_has(names, r->headers[i].key)) kept[count++] = r->headers[i];
    r->headers = kept;
    r->header_count = count;
    return true;
}

const SmtClass smt_drop_headers = {.name = "org.apache.kafka.connect.transforms.DropHeaders",
                                   .options = DROP_OPTIONS,
                                   .option_count = 1,
                                   .apply = drop_apply,
                                   .direct = smt_direct_nothing};
