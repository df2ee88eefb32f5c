/*
 * smt_mask_field.c - MaskField: fields' values become 0, "", false, the epoch or empty, or a given text.
 * Nulls stay null. As in Kafka a null value (a tombstone) is an error: give it a predicate
 * (RecordIsTombstone, negate). A masked decimal has its schema's scale here; Kafka's BigDecimal.ZERO has
 * scale 0, which the converters then refuse.
 */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/java_text.h"
#include "transform/struct_map.h"

static const OptionDef OPTIONS[] = {
    {.key = "fields",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the fields to mask"},
    {.key = "replacement",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "what numbers and texts become instead of 0 and the empty text"},
    SMT_REPLACE_NULL_ROW,
};

typedef struct Mask {
    size_t field;
    Value value;
    char unscaled[16];
} Mask;

typedef struct MaskPlan {
    size_t count;
    Mask *masks;
} MaskPlan;

static void free_plan(void *p) {
    MaskPlan *plan = p;
    free(plan->masks);
    free(plan);
}

static bool init(Smt *s, Err *e) {
    const char *text = options_str(s->options, "replacement");
    if (text && !*text)
        return err_set(e, ERR_INVALID, false, "replacement: expected a value, not an empty text");
    return true;
}

static bool plain_mask(const ConnectSchema *f, Mask *m, Err *e) {
    static const char nothing[] = "";
    switch (f->type) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: m->value = value_double(0); return true;
    case CONNECT_STRING:
    case CONNECT_ARRAY:
    case CONNECT_MAP: m->value = value_bytes(nothing, 0); return true;
    case CONNECT_BYTES:
        if (!connect_schema_is(f, CONNECT_DECIMAL)) break;
        m->value = value_bytes(m->unscaled, 1);
        return true;
    case CONNECT_STRUCT: break;
    default: m->value = value_int(0); return true;
    }
    return err_set(e, ERR_DATA, false, "%s can't be masked", connect_type_name(f->type));
}

static bool is_time(const ConnectSchema *f) {
    return connect_schema_is(f, CONNECT_DATE) || connect_schema_is(f, CONNECT_TIME) ||
           connect_schema_is(f, CONNECT_TIMESTAMP);
}

static int scale_of(const ConnectSchema *f) {
    int64_t scale = 0;
    (void)java_text_to_long(connect_schema_param(f, CONNECT_PARAM_SCALE), -9999, 9999, &scale);
    return (int)scale;
}

static bool text_mask(const ConnectSchema *f, const char *text, Mask *m, Err *e) {
    Str s = str_from(text);
    int64_t n = 0;
    double d = 0;
    NumInt128 big = 0;
    bool is_fine = false;
    if (is_time(f) || f->type == CONNECT_BOOLEAN || f->type >= CONNECT_ARRAY ||
        (f->type == CONNECT_BYTES && !connect_schema_is(f, CONNECT_DECIMAL)))
        return err_set(e, ERR_DATA, false, "%s can't be masked by a replacement",
                       f->name.n ? "a value of this type" : connect_type_name(f->type));
    switch (f->type) {
    case CONNECT_STRING: m->value = value_bytes(s.p, (uint32_t)s.n); return true;
    case CONNECT_BYTES:
        is_fine = java_text_to_decimal(s, scale_of(f), &big);
        m->value = value_bytes(m->unscaled, java_text_to_unscaled(big, m->unscaled));
        break;
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64:
        is_fine = java_text_to_double(s, &d);
        m->value = value_double(f->type == CONNECT_FLOAT32 ? (double)(float)d : d);
        break;
    default:
        is_fine = java_text_whole(s, &n);
        m->value = value_int(f->type == CONNECT_INT8    ? (int8_t)n
                             : f->type == CONNECT_INT16 ? (int16_t)n
                             : f->type == CONNECT_INT32 ? (int32_t)n
                                                        : n);
    }
    return is_fine ||
           err_set(e, ERR_DATA, false, "replacement '%s' can't be made %s", text, connect_type_name(f->type));
}

/* A field that can't be masked only matters where it isn't null: told by value.aux, which no mask has. */
enum { CANT = 1 };

static bool make_mask(const Smt *s, const ConnectSchema *f, Mask *m, Err *e) {
    const char *text = options_str(s->options, "replacement");
    return text ? text_mask(f, text, m, e) : plain_mask(f, m, e);
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    (void)e;
    const TextList *fields = options_list(s->options, "fields");
    MaskPlan *plan = x_calloc(1, sizeof *plan);
    plan->masks = x_calloc(in->field_count + 1, sizeof *plan->masks);
    for (size_t i = 0; i < in->field_count; i++) {
        if (!textlist_has(fields, in->fields[i].name)) continue;
        Mask *m = &plan->masks[plan->count++];
        Err ignored = {0};
        m->field = i;
        if (!make_mask(s, in->fields[i].schema, m, &ignored)) m->value = (Value){.aux = CANT};
    }
    return plan;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    const Value *v = smt_value(s, r);
    if (!smt_need_struct(in, v, e)) return false;
    MaskPlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    bool replace = s->replaces_null;
    Value *row = record_batch_row(b, in->field_count);
    for (size_t i = 0; i < in->field_count; i++) row[i] = smt_field(in, v, i, replace);
    for (size_t i = 0; i < plan->count; i++) {
        Mask *m = &plan->masks[i];
        if (value_is_null(&row[m->field])) continue;
        if (m->value.aux == CANT) {
            Mask again = {0};
            (void)make_mask(s, in->fields[m->field].schema, &again, e);
            return err_wrap(e, "field \"" STR_FMT "\"", STR_ARG(in->fields[m->field].name));
        }
        row[m->field] = m->value;
        if (in->fields[m->field].schema->type == CONNECT_BYTES)
            row[m->field].v.p = arena_str(&b->arena, value_str(&m->value)).p;
    }
    smt_put(s, r, in, record_struct(row, in->field_count));
    return true;
}

const SmtClass smt_mask_field = {.name = "org.apache.kafka.connect.transforms.MaskField",
                                 .has_sides = true,
                                 .options = OPTIONS,
                                 .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                 .init = init,
                                 .apply = apply,
                                 .plan = make_plan,
                                 .free_plan = free_plan,
                                 .direct_cure = "mask columns by column.mask.with.length.chars"};
