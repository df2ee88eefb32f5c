/* smt_schema_metadata.c - SetSchemaMetadata: another name or version of a struct's schema, all else of it
 * kept. Kafka's fails on every other type, and so does this. */
#include "transform/smt_table.h"

#include <stdlib.h>

static const OptionDef OPTIONS[] = {
    {.key = "schema.name", .type = OPTION_STRING, .importance = OPTION_HIGH, .help = "the schema's new name"},
    {.key = "schema.version",
     .type = OPTION_INT,
     .importance = OPTION_HIGH,
     .min = 1,
     .max = INT32_MAX,
     .help = "the schema's new version"},
    SMT_REPLACE_NULL_ROW,
};

static void free_plan(void *plan) {
    connect_schema_unref(plan);
}

static bool init(Smt *s, Err *e) {
    if (options_is_set(s->options, "schema.name") || options_is_set(s->options, "schema.version"))
        return true;
    return err_set(e, ERR_INVALID, false, "set schema.name or schema.version, or both");
}

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    ConnectSchema spec = *in;
    const ConnectSchema *out = NULL;
    if (options_is_set(s->options, "schema.name"))
        spec.name = str_from(options_str(s->options, "schema.name"));
    if (options_is_set(s->options, "schema.version"))
        spec.version = (int32_t)options_int(s->options, "schema.version");
    return connect_schema_new(&spec, &out, e) ? (void *)(uintptr_t)out : NULL;
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    const Value *v = smt_value(s, r);
    if (!in && value_is_null(v)) return true;
    if (!in) return err_set(e, ERR_DATA, false, "there is no schema to name");
    if (in->type != CONNECT_STRUCT)
        return err_set(e, ERR_DATA, false, "only a struct can be named, and this is %s",
                       connect_type_name(in->type));
    const ConnectSchema *out = smt_plan(s, in, e);
    if (!out) return false;
    record_batch_hold_schema(b, out);
    Value value = *v;
    if (!value_is_null(v) && s->replaces_null) {
        Value *row = record_batch_row(b, in->field_count);
        for (size_t i = 0; i < in->field_count; i++) row[i] = smt_field(in, v, i, true);
        value = record_struct(row, in->field_count);
    }
    smt_put(s, r, out, value);
    return true;
}

const SmtClass smt_schema_metadata = {.name = "org.apache.kafka.connect.transforms.SetSchemaMetadata",
                                      .has_sides = true,
                                      .options = OPTIONS,
                                      .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                      .init = init,
                                      .apply = apply,
                                      .plan = make_plan,
                                      .free_plan = free_plan,
                                      .direct = smt_direct_nothing};
