/*
 * smt_cast.c - Cast: fields, or a whole value, made another plain type, by Java's own conversions: a wider
 * integer is cut to its lowest bits, a floating-point number is cut towards zero and held to the type's
 * bounds, texts are read by parseInt and its kin (past the range is an error).
 *
 * Dates and times become text in the form of their type. Kafka's form goes by the number alone, so that all
 * before 1970-01-02 is printed as a time of day; that isn't copied.
 */
#include "transform/smt_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "transform/java_date.h"
#include "transform/java_text.h"
#include "transform/struct_map.h"

static const OptionDef OPTIONS[] = {
    {.key = "spec",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "field:type pairs, or one type for the whole value: int8 to int64, float32, float64, boolean, "
             "string"},
    SMT_REPLACE_NULL_ROW,
};

typedef struct FieldCast {
    Str field; /* borrowed from the options */
    ConnectType type;
} FieldCast;

typedef struct State {
    FieldCast *casts;
    size_t count;
    bool is_whole; /* casts[0].type is of the whole value */
    bool replace_null;
    JavaDate *time, *date, *timestamp;
} State;

typedef struct CastPlan {
    StructMap map;
    ConnectType *types; /* of each field; CONNECT_STRUCT: as it is */
    const ConnectSchema *whole;
} CastPlan;

static void free_plan(void *p) {
    CastPlan *plan = p;
    struct_map_done(&plan->map);
    connect_schema_unref(plan->whole);
    free(plan->types);
    free(plan);
}

static bool parse_type(Str text, ConnectType *ret, Err *e) {
    char lower[16] = "";
    for (size_t i = 0; i < text.n && i < sizeof lower - 1; i++)
        lower[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] | 32 : text.p[i]);
    if (text.n < sizeof lower && connect_type_by_name(str_from(lower), ret) && *ret <= CONNECT_STRING)
        return true;
    return err_set(e, ERR_INVALID, false,
                   "spec: no type '" STR_FMT
                   "'; there are int8, int16, int32, int64, float32, float64, boolean, string",
                   STR_ARG(text));
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->replace_null = s->replaces_null;
    const TextList *spec = options_list(s->options, "spec");
    state->casts = x_calloc(spec->count + 1, sizeof *state->casts);
    for (size_t i = 0; i < spec->count; i++) {
        Str item = str_from(spec->items[i]);
        size_t colon = str_find(item, ':');
        FieldCast *c = &state->casts[state->count++];
        state->is_whole = colon == item.n;
        c->field = str_trim(str_sub(item, 0, state->is_whole ? 0 : colon));
        Str type = str_trim(state->is_whole ? item : str_sub(item, colon + 1, item.n));
        if (!parse_type(type, &c->type, e)) return false;
        if (state->is_whole && spec->count > 1)
            return err_set(e, ERR_INVALID, false, "spec: a type without a field ('%s') must stand alone",
                           spec->items[i]);
    }
    return java_date_new("HH:mm:ss.SSS'Z'", &state->time, e) &&
           java_date_new("yyyy-MM-dd", &state->date, e) &&
           java_date_new("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", &state->timestamp, e);
}

static void done(void *p) {
    State *state = p;
    (void)java_date_free(state->time);
    (void)java_date_free(state->date);
    (void)java_date_free(state->timestamp);
    free(state->casts);
    free(state);
}

/* ---- values ---- */

static Value whole_number(int64_t n, ConnectType to) {
    switch (to) {
    case CONNECT_INT8: return value_int((int8_t)n);
    case CONNECT_INT16: return value_int((int16_t)n);
    case CONNECT_INT32: return value_int((int32_t)n);
    case CONNECT_BOOLEAN: return value_int(n != 0);
    case CONNECT_FLOAT32: return value_double((double)(float)n);
    case CONNECT_FLOAT64: return value_double((double)n);
    default: return value_int(n);
    }
}

/* Java's (int) and (long) of a floating-point number. */
static int64_t cut(double d, int64_t lo, int64_t hi) {
    if (isnan(d)) return 0;
    if (d <= (double)lo) return lo;
    if (d >= (double)hi) return hi;
    return (int64_t)d;
}

static Value float_number(double d, ConnectType to) {
    switch (to) {
    case CONNECT_FLOAT64: return value_double(d);
    case CONNECT_FLOAT32: return value_double((double)(float)d);
    case CONNECT_BOOLEAN: return value_int(cut(d, INT64_MIN, INT64_MAX) != 0);
    case CONNECT_INT64: return value_int(cut(d, INT64_MIN, INT64_MAX));
    default: return whole_number(cut(d, INT32_MIN, INT32_MAX), to);
    }
}

static bool text_number(Str s, ConnectType to, Value *ret, Err *e) {
    static const int64_t lo[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    static const int64_t hi[] = {INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    int64_t n = 0;
    double d = 0;
    float f = 0;
    bool is_fine = true;
    if (to == CONNECT_BOOLEAN) n = str_eq_icase(s, STR_LIT("true"));
    else if (to == CONNECT_FLOAT64) is_fine = java_text_to_double(s, &d);
    else if (to == CONNECT_FLOAT32) {
        is_fine = java_text_to_float(s, &f);
        d = (double)f;
    } else is_fine = java_text_to_long(s, lo[to], hi[to], &n);
    if (!is_fine) return err_set(e, ERR_DATA, false, "a text that is no %s", connect_type_name(to));
    *ret = to == CONNECT_FLOAT32 || to == CONNECT_FLOAT64 ? value_double(d) : value_int(n);
    return true;
}

static bool decimal_of(const ConnectSchema *in, const Value *v, NumInt128 *ret, int *ret_scale, Err *e) {
    int64_t scale = 0;
    (void)java_text_to_long(connect_schema_param(in, CONNECT_PARAM_SCALE), -9999, 9999, &scale);
    *ret_scale = (int)scale;
    return java_text_unscaled(value_str(v), ret) ||
           err_set(e, ERR_DATA, false, "a decimal of more than 16 bytes can't be cast");
}

static bool decimal_number(const ConnectSchema *in, const Value *v, ConnectType to, Value *ret, Err *e) {
    NumInt128 n = 0;
    int scale = 0;
    char text[JAVA_TEXT_SIZE];
    if (!decimal_of(in, v, &n, &scale, e)) return false;
    if (to == CONNECT_FLOAT64 || to == CONNECT_FLOAT32) {
        const char *number = java_text_decimal(n, scale, text);
        *ret = value_double(to == CONNECT_FLOAT64 ? strtod(number, NULL) : (double)strtof(number, NULL));
        return true;
    }
    for (; scale > 0 && n != 0; scale--) n /= 10;
    JavaUInt128 bits = (JavaUInt128)n;
    for (; scale < 0 && bits != 0; scale++) bits *= 10;
    *ret = whole_number((int64_t)(uint64_t)bits, to);
    return true;
}

static Str base64(Str s, Arena *a) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = arena_bytes(a, (s.n + 2) / 3 * 4 + 1), *p = out;
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t v = (uint32_t)(uint8_t)s.p[i] << 16;
        if (i + 1 < s.n) v |= (uint32_t)(uint8_t)s.p[i + 1] << 8;
        if (i + 2 < s.n) v |= (uint8_t)s.p[i + 2];
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = i + 1 < s.n ? digits[v >> 6 & 63] : '=';
        *p++ = i + 2 < s.n ? digits[v & 63] : '=';
    }
    return (Str){out, (size_t)(p - out)};
}

static void put_time(const State *state, const ConnectSchema *in, int64_t n, Buf *out) {
    enum { DAY = 86400000 };
    if (connect_schema_is(in, CONNECT_DATE)) java_date_format(state->date, n * DAY, out);
    else if (connect_schema_is(in, CONNECT_TIME)) java_date_format(state->time, n, out);
    else java_date_format(n >= DAY && n % DAY == 0 ? state->date : state->timestamp, n, out);
}

static bool is_time(const ConnectSchema *in) {
    return connect_schema_is(in, CONNECT_DATE) || connect_schema_is(in, CONNECT_TIME) ||
           connect_schema_is(in, CONNECT_TIMESTAMP);
}

static bool to_text(const State *state, const ConnectSchema *in, const Value *v, Arena *a, Value *ret,
                    Err *e) {
    char text[JAVA_TEXT_SIZE] = "";
    CLEANUP(buf_done) Buf out = {0};
    NumInt128 n = 0;
    int scale = 0;
    Str s = {0};
    if (in->type == CONNECT_STRING) {
        *ret = *v;
        return true;
    }
    if (is_time(in)) {
        put_time(state, in, v->v.i, &out);
        s = buf_view(&out);
    } else if (in->type == CONNECT_BYTES && !connect_schema_is(in, CONNECT_DECIMAL)) {
        s = base64(value_str(v), a);
        *ret = value_bytes(s.p, (uint32_t)s.n);
        return true;
    } else if (in->type == CONNECT_BYTES) {
        if (!decimal_of(in, v, &n, &scale, e)) return false;
        s = str_from(java_text_decimal(n, scale, text));
    } else if (in->type == CONNECT_FLOAT32) s = str_from(java_text_float((float)v->v.d, text));
    else if (in->type == CONNECT_FLOAT64) s = str_from(java_text_double(v->v.d, text));
    else if (in->type == CONNECT_BOOLEAN) s = str_from(v->v.i ? "true" : "false");
    else {
        buf_printf(&out, "%lld", (long long)v->v.i);
        s = buf_view(&out);
    }
    s = arena_str(a, s);
    *ret = value_bytes(s.p, (uint32_t)s.n);
    return true;
}

static bool cast(const State *state, const ConnectSchema *in, const Value *v, ConnectType to, Arena *a,
                 Value *ret, Err *e) {
    if (value_is_null(v)) {
        *ret = value_null();
        return true;
    }
    if (in->type >= CONNECT_ARRAY)
        return err_set(e, ERR_DATA, false, "%s can't be cast", connect_type_name(in->type));
    if (to == CONNECT_STRING) return to_text(state, in, v, a, ret, e);
    switch (in->type) {
    case CONNECT_STRING: return text_number(value_str(v), to, ret, e);
    case CONNECT_BYTES:
        if (connect_schema_is(in, CONNECT_DECIMAL)) return decimal_number(in, v, to, ret, e);
        return err_set(e, ERR_DATA, false, "bytes can only be cast to string");
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: *ret = float_number(v->v.d, to); return true;
    default: *ret = whole_number(v->v.i, to); return true;
    }
}

/* ---- schemas ---- */

/* Optional as the field was, its default cast along; name and version go. */
static const ConnectSchema *cast_schema(const State *state, const ConnectSchema *in, ConnectSchema spec,
                                        Err *e) {
    Arena arena = {0};
    const ConnectSchema *ret = NULL;
    spec.is_optional = in->is_optional;
    spec.has_default = in->has_default && !value_is_null(&in->default_value);
    bool is_fine =
        !spec.has_default || cast(state, in, &in->default_value, spec.type, &arena, &spec.default_value, e);
    if (is_fine && !connect_schema_new(&spec, &ret, e)) ret = NULL;
    arena_done(&arena);
    return ret;
}

static ConnectType type_for(const State *state, Str field) {
    for (size_t i = state->count; i-- > 0;)
        if (str_eq(state->casts[i].field, field)) return state->casts[i].type;
    return CONNECT_STRUCT;
}

static bool draft_fields(const State *state, const ConnectSchema *in, CastPlan *plan, StructDraft *d,
                         const ConnectSchema **made, Err *e) {
    for (size_t i = 0; i < in->field_count; i++) {
        const ConnectField *f = &in->fields[i];
        plan->types[i] = type_for(state, f->name);
        const ConnectSchema *schema = f->schema;
        if (plan->types[i] != CONNECT_STRUCT) {
            schema = made[i] = cast_schema(state, f->schema, (ConnectSchema){.type = plan->types[i]}, e);
            if (!schema) return err_wrap(e, "the default of field \"" STR_FMT "\"", STR_ARG(f->name));
        }
        struct_draft_add(d, f->name, schema, (int)i);
    }
    return true;
}

static bool plan_struct(const State *state, const ConnectSchema *in, CastPlan *plan, Err *e) {
    const ConnectSchema **made = x_calloc(in->field_count + 1, sizeof *made);
    plan->types = x_calloc(in->field_count + 1, sizeof *plan->types);
    StructDraft d = struct_draft(in);
    d.spec.is_optional = in->is_optional;
    bool is_fine = draft_fields(state, in, plan, &d, made, e);
    if (is_fine) is_fine = struct_map_new(&d, state->replace_null, &plan->map, e);
    else struct_draft_done(&d);
    for (size_t i = 0; i < in->field_count; i++) connect_schema_unref(made[i]);
    free(made);
    if (is_fine && in->has_default && !value_is_null(&in->default_value))
        return err_set(e, ERR_DATA, false, "a struct with a default can't be cast");
    return is_fine;
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    const State *state = s->state;
    CastPlan *plan = x_calloc(1, sizeof *plan);
    bool is_fine = true;
    if (state->is_whole) {
        plan->whole = cast_schema(state, in, struct_draft_basics(in, state->casts[0].type), e);
        is_fine = plan->whole != NULL;
    } else is_fine = plan_struct(state, in, plan, e);
    if (is_fine) return plan;
    free_plan(plan);
    return NULL;
}

static bool apply_fields(const State *state, const CastPlan *plan, const ConnectSchema *in, Value *row,
                         RecordBatch *b, Err *e) {
    for (size_t i = 0; i < in->field_count; i++) {
        if (plan->types[i] == CONNECT_STRUCT) continue;
        if (!cast(state, in->fields[i].schema, &row[i], plan->types[i], &b->arena, &row[i], e))
            return err_wrap(e, "field \"" STR_FMT "\"", STR_ARG(in->fields[i].name));
    }
    return true;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const State *state = s->state;
    const ConnectSchema *in = smt_schema(s, r);
    const Value v = *smt_value(s, r);
    if (value_is_null(&v)) return true;
    if (!in) return err_set(e, ERR_DATA, false, "there is no schema to cast from");
    if (!state->is_whole && !smt_need_struct(in, &v, e)) return false;
    CastPlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    if (state->is_whole) {
        Value ret = {0};
        if (!cast(state, in, &v, state->casts[0].type, &b->arena, &ret, e)) return false;
        record_batch_hold_schema(b, plan->whole);
        smt_put(s, r, plan->whole, ret);
        return true;
    }
    Value *row = struct_map_row(&plan->map, in, &v, b);
    if (!apply_fields(state, plan, in, row, b, e)) return false;
    smt_put(s, r, plan->map.out, record_struct(row, plan->map.count));
    return true;
}

const SmtClass smt_cast = {
    .name = "org.apache.kafka.connect.transforms.Cast",
    .has_sides = true,
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .init = init,
    .apply = apply,
    .plan = make_plan,
    .free_plan = free_plan,
    .done = done,
    .direct_cure = "take it out, and set the column's type in the target (column.type.overrides)"};
