/*
 * smt_timestamp_converter.c - TimestampConverter: a field, or a whole value, from one form of a point in time
 * to another: text by a SimpleDateFormat pattern, a Unix number, Connect's Date, Time or Timestamp. What it
 * is, the schema tells: Connect's logical types by name, else STRING is text and INT64 a Unix number. All go
 * through milliseconds.
 */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "transform/java_date.h"
#include "transform/struct_map.h"

enum { DAY = 86400000 };

typedef enum Form { TEXT, UNIX, DATE, TIME, TIMESTAMP, NO_FORM } Form;
static const char *const FORMS[] = {"string", "unix", "Date", "Time", "Timestamp", NULL};
enum { SECONDS, MILLIS, MICROS, NANOS };
static const char *const PRECISIONS[] = {"seconds", "milliseconds", "microseconds", "nanoseconds", NULL};

static const OptionDef OPTIONS[] = {
    {.key = "field",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "",
     .help = "the field; empty: the whole value"},
    {.key = "target.type",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .is_required = true,
     .values = FORMS,
     .help = "what it becomes"},
    {.key = "format",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .standard = "",
     .help = "a SimpleDateFormat pattern for texts, in UTC"},
    {.key = "unix.precision",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "milliseconds",
     .values = PRECISIONS,
     .help = "the unit of Unix numbers"},
    SMT_REPLACE_NULL_ROW,
};

typedef struct State {
    Str field;
    Form target;
    size_t precision;
    JavaDate *format; /* NULL: none */
    int64_t now_ms;
    Buf text;
} State;

typedef struct TimePlan {
    StructMap map;
    int field; /* -1: it hasn't got it */
    Form from;
    const ConnectSchema *whole;
} TimePlan;

static void free_plan(void *p) {
    TimePlan *plan = p;
    struct_map_done(&plan->map);
    connect_schema_unref(plan->whole);
    free(plan);
}

static bool init(Smt *s, Err *e) {
    State *state = x_calloc(1, sizeof *state);
    s->state = state;
    state->field = str_from(options_str(s->options, "field"));
    state->target = (Form)options_enum(s->options, "target.type");
    state->precision = options_enum(s->options, "unix.precision");
    state->now_ms = clock_wall_us() / 1000;
    const char *format = options_str(s->options, "format");
    bool has_format = str_trim(str_from(format)).n != 0;
    if (state->target == TEXT && !has_format)
        return err_set(e, ERR_INVALID, false, "target.type=string needs a format");
    return !has_format || java_date_new(format, &state->format, e);
}

static void done(void *p) {
    State *state = p;
    (void)java_date_free(state->format);
    buf_done(&state->text);
    free(state);
}

static int64_t times(int64_t v, int64_t factor) {
    int64_t ret = 0;
    if (__builtin_mul_overflow(v, factor, &ret)) return v < 0 ? INT64_MIN : INT64_MAX;
    return ret;
}

static bool to_ms(const State *state, Form form, const Value *v, int64_t *ret, Err *e) {
    switch (form) {
    case TEXT:
        if (!state->format) return err_set(e, ERR_DATA, false, "a text needs a format, and none is set");
        return java_date_parse(state->format, value_str(v), state->now_ms, ret) ||
               err_set(e, ERR_DATA, false, "a text that the format doesn't fit");
    case UNIX:
        *ret = state->precision == SECONDS  ? times(v->v.i, 1000)
               : state->precision == MICROS ? v->v.i / 1000
               : state->precision == NANOS  ? v->v.i / 1000000
                                            : v->v.i;
        return true;
    case DATE: *ret = times(v->v.i, DAY); return true;
    default: *ret = v->v.i; return true;
    }
}

/* Kafka's Date and Time wrap around there; the value would be another day. */
static bool fits(const State *state, int64_t ms) {
    return state->target != DATE || (ms / DAY > INT32_MIN && ms / DAY < INT32_MAX);
}

static Value from_ms(State *state, int64_t ms, Arena *a) {
    int64_t in_day = (ms % DAY + DAY) % DAY;
    switch (state->target) {
    case TEXT:
        buf_clear(&state->text);
        java_date_format(state->format, ms, &state->text);
        return value_bytes(arena_str(a, buf_view(&state->text)).p, (uint32_t)state->text.n);
    case UNIX:
        return value_int(state->precision == SECONDS  ? ms / 1000
                         : state->precision == MICROS ? times(ms, 1000)
                         : state->precision == NANOS  ? times(ms, 1000000)
                                                      : ms);
    case DATE: return value_int((ms - in_day) / DAY);
    case TIME: return value_int(in_day);
    default: return value_int(ms);
    }
}

static bool convert(State *state, Form from, const Value *v, Arena *a, Value *ret, Err *e) {
    int64_t ms = 0;
    if (value_is_null(v)) {
        *ret = value_null();
        return true;
    }
    if (!to_ms(state, from, v, &ms, e)) return false;
    if (!fits(state, ms)) return err_set(e, ERR_DATA, false, "a time past the range of a Date");
    *ret = from_ms(state, ms, a);
    return true;
}

/* ---- schemas ---- */

static const ConnectSchema *target_schema(const State *state, bool is_optional) {
    switch (state->target) {
    case TEXT: return connect_schema_plain(CONNECT_STRING, is_optional);
    case UNIX: return connect_schema_plain(CONNECT_INT64, is_optional);
    case DATE: return smt_logical(CONNECT_INT32, CONNECT_DATE, is_optional);
    case TIME: return smt_logical(CONNECT_INT32, CONNECT_TIME, is_optional);
    default: return smt_logical(CONNECT_INT64, CONNECT_TIMESTAMP, is_optional);
    }
}

static bool form_of(const ConnectSchema *in, Form *ret, Err *e) {
    if (connect_schema_is(in, CONNECT_TIMESTAMP)) *ret = TIMESTAMP;
    else if (connect_schema_is(in, CONNECT_DATE)) *ret = DATE;
    else if (connect_schema_is(in, CONNECT_TIME)) *ret = TIME;
    else if (in->type == CONNECT_STRING) *ret = TEXT;
    else if (in->type == CONNECT_INT64) *ret = UNIX;
    else
        return err_set(e, ERR_DATA, false, "%s%s" STR_FMT " is no point in time", connect_type_name(in->type),
                       in->name.n ? " " : "", STR_ARG(in->name));
    return true;
}

static bool plan_fields(State *state, const ConnectSchema *in, bool replace, TimePlan *plan, Err *e) {
    StructDraft d = struct_draft(in);
    d.spec.is_optional = in->is_optional;
    const ConnectSchema *target = NULL;
    plan->field = connect_schema_find(in, state->field);
    struct_draft_add_all(&d, in);
    Err ignored = {0};
    if (plan->field >= 0) {
        const ConnectSchema *f = in->fields[plan->field].schema;
        target = target_schema(state, f->is_optional);
        d.fields[plan->field].schema = target;
        if (!form_of(f, &plan->from, &ignored)) plan->from = NO_FORM; /* no matter where the struct is null */
    }
    bool is_fine = struct_map_new(&d, replace, &plan->map, e);
    connect_schema_unref(target);
    if (is_fine && in->has_default && !value_is_null(&in->default_value))
        return err_set(e, ERR_DATA, false, "a struct with a default can't be converted");
    return is_fine;
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    State *state = s->state;
    TimePlan *plan = x_calloc(1, sizeof *plan);
    bool is_fine = true;
    if (state->field.n == 0) {
        is_fine = form_of(in, &plan->from, e);
        plan->whole = target_schema(state, in->is_optional);
    } else is_fine = plan_fields(state, in, s->replaces_null, plan, e);
    if (is_fine) return plan;
    free_plan(plan);
    return NULL;
}

static bool apply_whole(Smt *s, RecordBatch *b, Record *r, const TimePlan *plan, Err *e) {
    Value ret = {0};
    if (!convert(s->state, plan->from, smt_value(s, r), &b->arena, &ret, e)) return false;
    record_batch_hold_schema(b, plan->whole);
    smt_put(s, r, plan->whole, ret);
    return true;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    State *state = s->state;
    const ConnectSchema *in = smt_schema(s, r);
    const Value v = *smt_value(s, r);
    if (!in && value_is_null(&v)) return true;
    if (!in) return err_set(e, ERR_DATA, false, "there is no schema to convert from");
    if (state->field.n && in->type != CONNECT_STRUCT) return smt_need_struct(in, &v, e);
    TimePlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    if (state->field.n == 0) return apply_whole(s, b, r, plan, e);
    if (value_is_null(&v)) {
        record_batch_hold_schema(b, plan->map.out);
        smt_put(s, r, plan->map.out, v);
        return true;
    }
    Value *row = struct_map_row(&plan->map, in, &v, b);
    if (plan->field >= 0) {
        Value *at = &row[plan->field];
        if (plan->from == NO_FORM) {
            (void)form_of(in->fields[plan->field].schema, &(Form){0}, e);
            return err_wrap(e, "field \"" STR_FMT "\"", STR_ARG(state->field));
        }
        if (!convert(state, plan->from, at, &b->arena, at, e))
            return err_wrap(e, "field \"" STR_FMT "\"", STR_ARG(state->field));
    }
    smt_put(s, r, plan->map.out, record_struct(row, plan->map.count));
    return true;
}

const SmtClass smt_timestamp_converter = {
    .name = "org.apache.kafka.connect.transforms.TimestampConverter",
    .has_sides = true,
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof *OPTIONS,
    .init = init,
    .apply = apply,
    .plan = make_plan,
    .free_plan = free_plan,
    .done = done,
    .direct_cure = "take it out: dates and times arrive in PostgreSQL's own types"};
