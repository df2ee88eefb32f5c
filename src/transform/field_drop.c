#include "transform/field_drop.h"

#include "base/hash.h"
#include "transform/smt.h"
#include "transform/struct_map.h"

static FieldNames of_array(const RecordHeader *h, RecordBatch *b) {
    FieldNames ret = {ARENA_ARRAY(&b->arena, Str, (size_t)h->value.n + 1), 0};
    for (size_t i = 0; i < h->value.n; i++)
        if (!value_is_null(record_field(&h->value, i)))
            ret.names[ret.count++] = value_str(record_field(&h->value, i));
    return ret;
}

/* "[a, b]" or ["a","b"], as header converters write a list of texts. */
static FieldNames of_text(Str text, RecordBatch *b) {
    text = str_trim(text);
    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']') return (FieldNames){0};
    text = str_sub(text, 1, text.n - 2);
    FieldNames ret = {ARENA_ARRAY(&b->arena, Str, text.n + 1), 0};
    for (Str one = {0}; str_split(&text, ',', &one);) {
        one = str_trim(one);
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"') one = str_sub(one, 1, one.n - 2);
        if (one.n) ret.names[ret.count++] = one;
    }
    return ret;
}

FieldNames field_drop_names(const Record *r, const char *header, RecordBatch *b) {
    for (size_t i = 0; i < r->header_count; i++) {
        const RecordHeader *h = &r->headers[i];
        if (!str_eq_c(h->key, header)) continue;
        if (value_is_null(&h->value)) break;
        if (h->schema && h->schema->type == CONNECT_ARRAY && h->schema->value->type == CONNECT_STRING)
            return of_array(h, b);
        if (!h->schema || h->schema->type == CONNECT_STRING) return of_text(value_str(&h->value), b);
        break;
    }
    return (FieldNames){0};
}

static bool has(const FieldNames *names, Str field) {
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->names[i], field)) return true;
    return false;
}

static StructMap *make_plan(const FieldNames *names, bool only_optional, const ConnectSchema *in, Err *e) {
    StructDraft d = struct_draft(in);
    size_t dropped = 0;
    for (size_t i = 0; i < in->field_count; i++) {
        const ConnectField *f = &in->fields[i];
        bool goes = has(names, f->name) && (f->schema->is_optional || !only_optional);
        dropped += goes;
        if (!goes) struct_draft_add(&d, f->name, f->schema, (int)i);
    }
    /* With nothing to take out, Debezium doesn't touch the struct: its schema may stay optional. */
    if (dropped == 0 && only_optional) {
        d.spec = *in;
        d.spec.fields = NULL;
        d.spec.field_count = 0;
        return struct_map_plan(&d, false, e);
    }
    return struct_map_plan(&d, true, e);
}

bool field_drop_apply(FieldDrop *d, const FieldNames *names, bool only_optional, RecordBatch *b,
                      const ConnectSchema **schema, Value *row, Err *e) {
    if (names->count == 0 || value_is_null(row)) return true;
    const ConnectSchema *in = *schema;
    if (!smt_need_struct(in, row, e)) return false;
    uint64_t extra = only_optional;
    for (size_t i = 0; i < names->count; i++) extra = hash_bytes(names->names[i].p, names->names[i].n, extra);
    d->cache.free_plan = struct_map_free;
    StructMap *m = schema_cache_find(&d->cache, in, extra);
    if (!m) {
        m = make_plan(names, only_optional, in, e);
        if (!m) return false;
        schema_cache_add(&d->cache, in, extra, m);
    }
    *row = record_struct(struct_map_row(m, in, row, b), m->count);
    *schema = m->out;
    return true;
}

void field_drop_done(FieldDrop *d) {
    if (d->cache.free_plan) schema_cache_done(&d->cache);
}
