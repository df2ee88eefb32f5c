/*
 * smt_flatten.c - Flatten: nested structs' fields become fields of the outer one, their names joined. A field
 * is optional where anything around it was. Maps are refused, as in Kafka; arrays stay as they are.
 */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/struct_map.h"

static const OptionDef OPTIONS[] = {
    {.key = "delimiter",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .standard = ".",
     .help = "what stands between the names"},
};

typedef struct FlatPlan {
    const ConnectSchema *out;
} FlatPlan;

typedef struct Draft {
    StructDraft d;
    const char *delimiter;
    Arena names;
    const ConnectSchema **made; /* owned references */
    size_t made_count;
} Draft;

static void free_plan(void *p) {
    FlatPlan *plan = p;
    connect_schema_unref(plan->out);
    free(plan);
}

/* The field's own schema, but optional where it became so, and with the default that reaches it. */
static bool add_leaf(Draft *d, Str name, const ConnectSchema *in, bool is_optional, const Value *preset,
                     Err *e) {
    ConnectSchema spec = struct_draft_basics(in, in->type);
    spec.key = in->key;
    spec.value = in->value;
    spec.is_optional = is_optional;
    spec.has_default = preset != NULL;
    if (preset) spec.default_value = *preset;
    const ConnectSchema *made = NULL;
    if (!connect_schema_new(&spec, &made, e)) return false;
    d->made = x_reallocarray(d->made, d->made_count + 1, sizeof *d->made);
    d->made[d->made_count++] = made;
    struct_draft_add(&d->d, name, made, STRUCT_MAP_NOWHERE);
    return true;
}

static const Value *preset_of(const ConnectSchema *schema, const Value *outer, size_t i) {
    const ConnectSchema *f = schema->fields[i].schema;
    const Value *v = f->has_default ? &f->default_value : outer ? record_field(outer, i) : NULL;
    return v && value_is_null(v) ? NULL : v;
}

static bool add_fields(Draft *d, Str prefix, const ConnectSchema *schema, bool is_optional,
                       const Value *preset, Err *e) {
    for (size_t i = 0; i < schema->field_count; i++) {
        const ConnectField *f = &schema->fields[i];
        Str name = f->name;
        if (prefix.n)
            name = str_from(arena_printf(&d->names, "" STR_FMT "%s" STR_FMT, STR_ARG(prefix), d->delimiter,
                                         STR_ARG(f->name)));
        bool optional = is_optional || f->schema->is_optional;
        const Value *own = preset_of(schema, preset, i);
        if (f->schema->type == CONNECT_MAP)
            return err_set(e, ERR_DATA, false, "field \"" STR_FMT "\" is a map", STR_ARG(name));
        if (!(f->schema->type == CONNECT_STRUCT ? add_fields(d, name, f->schema, optional, own, e)
                                                : add_leaf(d, name, f->schema, optional, own, e)))
            return false;
    }
    return true;
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    Draft d = {.d = struct_draft(in), .delimiter = options_str(s->options, "delimiter")};
    const Value *preset = in->has_default && !value_is_null(&in->default_value) ? &in->default_value : NULL;
    StructMap m = {0};
    FlatPlan *plan = NULL;
    if (add_fields(&d, (Str){0}, in, in->is_optional, preset, e) && struct_map_new(&d.d, true, &m, e)) {
        plan = x_calloc(1, sizeof *plan);
        plan->out = connect_schema_ref(m.out);
    }
    struct_draft_done(&d.d);
    struct_map_done(&m);
    arena_done(&d.names);
    for (size_t i = 0; i < d.made_count; i++) connect_schema_unref(d.made[i]);
    free(d.made);
    return plan;
}

/* A null struct gives its fields null. */
static void put_fields(const ConnectSchema *schema, const Value *row, Value **at) {
    for (size_t i = 0; i < schema->field_count; i++) {
        const ConnectSchema *f = schema->fields[i].schema;
        /* As Struct.get and getStruct: only the former gives defaults. */
        Value v = row ? smt_field(schema, row, i, f->type != CONNECT_STRUCT) : value_null();
        if (f->type == CONNECT_STRUCT) put_fields(f, value_is_null(&v) ? NULL : &v, at);
        else *(*at)++ = v;
    }
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    const Value v = *smt_value(s, r);
    if (value_is_null(&v)) return true;
    if (!smt_need_struct(in, &v, e)) return false;
    FlatPlan *plan = smt_plan(s, in, e);
    if (!plan) return false;
    record_batch_hold_schema(b, plan->out);
    Value *row = record_batch_row(b, plan->out->field_count), *at = row;
    put_fields(in, &v, &at);
    smt_put(s, r, plan->out, record_struct(row, plan->out->field_count));
    return true;
}

const SmtClass smt_flatten = {.name = "org.apache.kafka.connect.transforms.Flatten",
                              .has_sides = true,
                              .options = OPTIONS,
                              .option_count = 1,
                              .apply = apply,
                              .plan = make_plan,
                              .free_plan = free_plan,
                              .direct_cure = "take it out: rows are flat"};
