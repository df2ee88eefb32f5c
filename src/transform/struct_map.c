#include "transform/struct_map.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/smt.h"

ConnectSchema struct_draft_basics(const ConnectSchema *like, ConnectType type) {
    return (ConnectSchema){.type = type,
                           .name = like->name,
                           .version = like->version,
                           .doc = like->doc,
                           .params = like->params,
                           .param_count = like->param_count};
}

StructDraft struct_draft(const ConnectSchema *like) {
    return (StructDraft){.spec = like ? struct_draft_basics(like, CONNECT_STRUCT)
                                      : (ConnectSchema){.type = CONNECT_STRUCT}};
}

void struct_draft_add(StructDraft *d, Str name, const ConnectSchema *schema, int from) {
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 32;
        d->fields = x_reallocarray(d->fields, d->cap, sizeof *d->fields);
        d->from = x_reallocarray(d->from, d->cap, sizeof *d->from);
    }
    d->fields[d->count] = (ConnectField){name, schema};
    d->from[d->count++] = from;
}

void struct_draft_add_all(StructDraft *d, const ConnectSchema *schema) {
    for (size_t i = 0; i < schema->field_count; i++)
        struct_draft_add(d, schema->fields[i].name, schema->fields[i].schema, (int)i);
}

void struct_draft_done(StructDraft *d) {
    free(d->fields);
    free(d->from);
    *d = (StructDraft){0};
}

bool struct_map_new(StructDraft *d, bool replace_null, StructMap *ret, Err *e) {
    StructMap m = {.count = d->count, .replace_null = replace_null};
    d->spec.fields = d->fields;
    d->spec.field_count = d->count;
    bool is_made = connect_schema_new(&d->spec, &m.out, e);
    if (is_made) {
        m.from = TAKE(d->from);
        *ret = m;
    }
    struct_draft_done(d);
    return is_made;
}

void struct_map_done(StructMap *m) {
    connect_schema_unref(m->out);
    free(m->from);
    *m = (StructMap){0};
}

StructMap *struct_map_plan(StructDraft *d, bool replace_null, Err *e) {
    StructMap m = {0};
    if (!struct_map_new(d, replace_null, &m, e)) return NULL;
    StructMap *ret = x_malloc(sizeof *ret);
    *ret = m;
    return ret;
}

void struct_map_free(void *plan) {
    struct_map_done(plan);
    free(plan);
}

Value *struct_map_row(const StructMap *m, const ConnectSchema *in, const Value *row, RecordBatch *b) {
    record_batch_hold_schema(b, m->out);
    Value *out = record_batch_row(b, m->count);
    for (size_t i = 0; i < m->count; i++)
        out[i] = m->from[i] < 0 ? value_null() : smt_field(in, row, (size_t)m->from[i], m->replace_null);
    return out;
}
