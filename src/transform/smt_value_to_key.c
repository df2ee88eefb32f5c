/* smt_value_to_key.c - ValueToKey: a key made of fields of the value. A null value is an error, as in Kafka.
 */
#include "transform/smt_table.h"

#include "transform/struct_map.h"

static const OptionDef OPTIONS[] = {
    {.key = "fields",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the value's fields that make the key"},
    SMT_REPLACE_NULL_ROW,
};

static void *make_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    const TextList *fields = options_list(s->options, "fields");
    StructDraft d = struct_draft(NULL);
    for (size_t i = 0; i < fields->count; i++) {
        int from = connect_schema_find(in, str_from(fields->items[i]));
        if (from < 0) {
            (void)err_set(e, ERR_DATA, false, "the value has no field \"%s\"", fields->items[i]);
            struct_draft_done(&d);
            return NULL;
        }
        struct_draft_add(&d, in->fields[from].name, in->fields[from].schema, from);
    }
    return struct_map_plan(&d, s->replaces_null, e);
}

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    if (!smt_need_struct(r->value_schema, &r->value, e)) return false;
    const StructMap *m = smt_plan(s, r->value_schema, e);
    if (!m) return false;
    r->key = record_struct(struct_map_row(m, r->value_schema, &r->value, b), m->count);
    r->key_schema = m->out;
    return true;
}

const SmtClass smt_value_to_key = {.name = "org.apache.kafka.connect.transforms.ValueToKey",
                                   .options = OPTIONS,
                                   .option_count = sizeof OPTIONS / sizeof *OPTIONS,
                                   .apply = apply,
                                   .plan = make_plan,
                                   .free_plan = struct_map_free,
                                   .direct_cure = "name the key's columns in message.key.columns"};
