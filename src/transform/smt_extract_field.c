/* smt_extract_field.c - ExtractField: a field in the place of its struct; HoistField: a struct around a
 * value. */
#include "transform/smt_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/field_path.h"
#include "transform/struct_map.h"

static const char *const SYNTAX[] = {"V1", "V2", NULL};

static const OptionDef EXTRACT_OPTIONS[] = {
    {.key = "field",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .is_required = true,
     .help = "the field to extract"},
    {.key = "field.syntax.version",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "V1",
     .values = SYNTAX,
     .help = "V2: field is a path of names between dots"},
    SMT_REPLACE_NULL_ROW,
};

static void extract_done(void *p) {
    field_path_done(p);
    free(p);
}

static bool extract_init(Smt *s, Err *e) {
    FieldPath *path = x_calloc(1, sizeof *path);
    s->state = path;
    return field_path_parse(options_str(s->options, "field"),
                            options_enum(s->options, "field.syntax.version") == 1, path, e);
}

/* The way to the field, by indices. */
static void *find_way(const Smt *s, const ConnectSchema *in, Err *e) {
    const FieldPath *path = s->state;
    int *way = x_calloc(path->steps.count, sizeof *way);
    if (field_path_find(path, in, way)) return way;
    free(way);
    (void)err_set(e, ERR_DATA, false, "there is no field \"%s\"", options_str(s->options, "field"));
    return NULL;
}

static bool extract_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const FieldPath *path = s->state;
    const ConnectSchema *schema = smt_schema(s, r);
    Value v = *smt_value(s, r);
    if (!schema && value_is_null(&v)) return true;
    if (!schema || schema->type != CONNECT_STRUCT) return smt_need_struct(schema, &v, e);
    const int *way = smt_plan(s, schema, e);
    if (!way) return false;
    record_batch_hold_schema(b, schema);
    bool replace = s->replaces_null;
    for (size_t i = 0; i < path->steps.count; i++) {
        bool is_last = i + 1 == path->steps.count;
        if (!value_is_null(&v)) v = smt_field(schema, &v, (size_t)way[i], replace || !is_last);
        schema = schema->fields[way[i]].schema;
    }
    smt_put(s, r, schema, v);
    return true;
}

const SmtClass smt_extract_field = {
    .name = "org.apache.kafka.connect.transforms.ExtractField",
    .has_sides = true,
    .options = EXTRACT_OPTIONS,
    .option_count = sizeof EXTRACT_OPTIONS / sizeof *EXTRACT_OPTIONS,
    .init = extract_init,
    .apply = extract_apply,
    .plan = find_way,
    .free_plan = free,
    .done = extract_done,
    .direct_cure = "take it out: there is no envelope around a row, and no struct around a key"};

/* ---- HoistField ---- */

static const OptionDef HOIST_OPTIONS[] = {
    {.key = "field",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .is_required = true,
     .help = "the name of the struct's only field"},
};

static void *hoist_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    StructDraft d = struct_draft(NULL);
    struct_draft_add(&d, str_from(options_str(s->options, "field")), in, 0);
    return struct_map_plan(&d, /* replace_null= */ false, e);
}

static bool hoist_apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    const ConnectSchema *in = smt_schema(s, r);
    if (!in) return err_set(e, ERR_DATA, false, "there is no schema to put into a struct");
    const StructMap *m = smt_plan(s, in, e);
    if (!m) return false;
    record_batch_hold_schema(b, m->out);
    Value *row = record_batch_row(b, 1);
    row[0] = *smt_value(s, r);
    if (value_is_null(&row[0]) && !in->is_optional)
        return err_set(e, ERR_DATA, false, "null can't be put into a required field");
    smt_put(s, r, m->out, record_struct(row, 1));
    return true;
}

const SmtClass smt_hoist_field = {.name = "org.apache.kafka.connect.transforms.HoistField",
                                  .has_sides = true,
                                  .options = HOIST_OPTIONS,
                                  .option_count = 1,
                                  .apply = hoist_apply,
                                  .plan = hoist_plan,
                                  .free_plan = struct_map_free,
                                  .direct_cure = "take it out: there is no envelope around a row"};
