/*
 * A type used in several places is made once: by its number, optional and not. A field's own default makes a
 * schema of its own.
 */
#include "convert/avro_to_connect.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "convert/avro_from_connect.h"

enum { MAX_BYTES = 64 * 1024 * 1024 }; /* of all schemas that are made of one */

typedef struct Maker {
    Arena arena; /* texts of what is being made */
    bool has_meta;
    const ConnectSchema **made; /* [number * 2 + optional]; owned references */
    unsigned depth;
    size_t count, bytes; /* of schemas that were made; what is in several of them counts several times */
} Maker;

/* What is known of one schema while it is made. */
typedef struct Draft {
    ConnectSchema spec;
    ConnectParam *params; /* room for param_cap */
    size_t param_cap;
    ConnectField *fields;
} Draft;

static bool bad(Err *e, const char *what, Str name) {
    return err_set(e, ERR_DATA, false, "Avro schema: %s%s%.*s", what, name.n ? ": " : "",
                   (int)(name.n < 120 ? name.n : 120), name.n ? name.p : "");
}

bool avro_to_connect_is_entry(const AvroType *t) {
    if (t->kind != AVRO_KIND_RECORD) return false;
    return str_eq_c(t->name, AVRO_CONNECT_NAMESPACE "." AVRO_CONNECT_MAP_ENTRY) ||
           str_eq_c(avro_type_text(t, "connect.internal.type"), AVRO_CONNECT_MAP_ENTRY);
}

/* ---- parameters ---- */

/* Set, or set anew in its place. */
static void add_param(Maker *m, Draft *d, Str name, Str value) {
    ConnectSchema *s = &d->spec;
    for (size_t i = 0; i < s->param_count; i++)
        if (str_eq(d->params[i].name, name)) {
            d->params[i].value = value;
            return;
        }
    if (s->param_count == d->param_cap) {
        size_t cap = d->param_cap ? d->param_cap * 2 : 8;
        ConnectParam *grown = ARENA_ARRAY(&m->arena, ConnectParam, cap);
        if (s->param_count) memcpy(grown, d->params, s->param_count * sizeof *grown);
        d->params = grown;
        d->param_cap = cap;
    }
    d->params[s->param_count++] = (ConnectParam){name, value};
    s->params = d->params;
}

static void add_param_number(Maker *m, Draft *d, const char *name, long long n) {
    add_param(m, d, str_from(name), str_from(arena_printf(&m->arena, "%lld", n)));
}

static Str json_text(const json_t *j) {
    return (Str){json_string_value(j), json_string_length(j)};
}

static Str joined(Maker *m, const char *head, Str tail) {
    return str_from(arena_printf(&m->arena, "%s" STR_FMT, head, STR_ARG(tail)));
}

/* ---- defaults ---- */

static bool default_value(Arena *a, const ConnectSchema *s, const AvroType *t, const json_t *j, Value *ret);

/* Characters U+0000 … U+00FF as bytes; '?' for others, as Java has it. */
static Value bytes_of(Arena *a, Str text) {
    char *out = arena_bytes(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x80) out[n++] = (char)c;
        else if (c < 0xC0) continue; /* the rest of a sequence */
        else if (c <= 0xC3 && i + 1 < text.n)
            out[n++] = (char)((c & 0x03) << 6 | ((unsigned char)text.p[i + 1] & 0x3F));
        else out[n++] = '?';
    }
    return value_bytes(out, (uint32_t)n);
}

static bool default_items(Arena *a, const ConnectSchema *s, const AvroType *t, const json_t *j, Value *ret) {
    bool is_map = t->kind == AVRO_KIND_MAP;
    if (s->type == CONNECT_MAP ? !is_map || !json_is_object(j) : !json_is_array(j)) return false;
    size_t count = is_map ? json_object_size(j) : json_array_size(j), i = 0;
    Value *values = ARENA_ARRAY(a, Value, count * 2 + 1);
    if (is_map) {
        const char *key = NULL;
        json_t *item = NULL;
        json_object_foreach((json_t *)(uintptr_t)j, key, item) {
            values[2 * i] = value_bytes(key, (uint32_t)strlen(key));
            if (!default_value(a, s->value, t->items, item, &values[2 * i + 1])) return false;
            i++;
        }
    } else {
        for (; i < count; i++)
            if (!default_value(a, s->value, t->items, json_array_get(j, i), &values[i])) return false;
    }
    *ret = value_bytes((const char *)(const void *)values, (uint32_t)count);
    return true;
}

static bool default_record(Arena *a, const ConnectSchema *s, const AvroType *t, const json_t *j, Value *ret) {
    if (!json_is_object(j)) return false;
    Value *values = ARENA_ARRAY(a, Value, t->count + 1);
    for (size_t i = 0; i < t->count; i++) {
        char *name = arena_printf(a, STR_FMT, STR_ARG(t->fields[i].name));
        const json_t *item = json_object_get(j, name);
        if (!default_value(a, s->fields[i].schema, t->fields[i].type, item ? item : json_null(), &values[i]))
            return false;
    }
    *ret = value_bytes((const char *)(const void *)values, (uint32_t)t->count);
    return true;
}

/* false: not a default of that type; AvroData leaves such a one out. */
static bool default_value(Arena *a, const ConnectSchema *s, const AvroType *t, const json_t *j, Value *ret) {
    unsigned null_at = 0;
    const AvroType *inner = avro_type_nullable(t, &null_at);
    if (inner) t = inner;
    if (json_is_null(j)) {
        *ret = value_null();
        return s->is_optional;
    }
    switch (t->kind) {
    case AVRO_KIND_BOOLEAN: *ret = value_int(json_is_true(j)); return json_is_boolean(j);
    case AVRO_KIND_INT:
    case AVRO_KIND_LONG: *ret = value_int(json_integer_value(j)); return json_is_integer(j);
    case AVRO_KIND_FLOAT: *ret = value_double((double)(float)json_number_value(j)); return json_is_number(j);
    case AVRO_KIND_DOUBLE: *ret = value_double(json_number_value(j)); return json_is_number(j);
    case AVRO_KIND_STRING:
    case AVRO_KIND_ENUM:
        *ret = value_bytes(json_string_value(j), (uint32_t)json_string_length(j));
        return json_is_string(j);
    case AVRO_KIND_BYTES:
    case AVRO_KIND_FIXED: *ret = bytes_of(a, json_text(j)); return json_is_string(j);
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP: return default_items(a, s, t, j, ret);
    case AVRO_KIND_RECORD: return default_record(a, s, t, j, ret);
    case AVRO_KIND_NULL:
    case AVRO_KIND_UNION: return false;
    }
    return false;
}

/* ---- types ---- */

static bool make(Maker *m, const AvroType *t, bool is_optional, const json_t *standard,
                 const ConnectSchema **ret, Err *e);

static void logical(Draft *d, const char *name) {
    d->spec.name = str_from(name);
    d->spec.version = 1;
}

static void draft_bytes(Maker *m, const AvroType *t, Draft *d) {
    d->spec.type = CONNECT_BYTES;
    if (str_eq_icase(avro_type_text(t, "logicalType"), STR_LIT("decimal"))) {
        logical(d, CONNECT_DECIMAL);
        add_param_number(m, d, CONNECT_PARAM_SCALE, json_integer_value(avro_type_prop(t, "scale")));
        const json_t *precision = avro_type_prop(t, "precision");
        if (json_is_integer(precision) && json_integer_value(precision) != AVRO_CONNECT_PRECISION)
            add_param_number(m, d, CONNECT_PARAM_PRECISION, json_integer_value(precision));
    }
    if (t->kind == AVRO_KIND_FIXED) add_param_number(m, d, AVRO_CONNECT_FIXED_SIZE, (long long)t->size);
}

static bool draft_int(const AvroType *t, Draft *d, Err *e) {
    Str type = avro_type_text(t, "connect.type"), logical_type = avro_type_text(t, "logicalType");
    d->spec.type = CONNECT_INT32;
    if (logical_type.p) {
        if (str_eq_icase(logical_type, STR_LIT("date"))) logical(d, CONNECT_DATE);
        else if (str_eq_icase(logical_type, STR_LIT("time-millis"))) logical(d, CONNECT_TIME);
    } else if (type.p) {
        if (str_eq_c(type, "int8")) d->spec.type = CONNECT_INT8;
        else if (str_eq_c(type, "int16")) d->spec.type = CONNECT_INT16;
        else return bad(e, "a connect.type that an int can't be", type);
    }
    return true;
}

static void draft_enum(Maker *m, const AvroType *t, Draft *d) {
    d->spec.type = CONNECT_STRING;
    add_param(m, d, STR_LIT(AVRO_CONNECT_ENUM), t->name);
    for (size_t i = 0; i < t->count; i++)
        add_param(m, d, joined(m, AVRO_CONNECT_ENUM ".", t->symbols[i]), t->symbols[i]);
}

static bool draft_record(Maker *m, const AvroType *t, Draft *d, Err *e) {
    d->spec.type = CONNECT_STRUCT;
    d->fields = ARENA_ARRAY(&m->arena, ConnectField, t->count + 1);
    d->spec.fields = d->fields;
    if (m->has_meta && t->doc.p) add_param(m, d, STR_LIT(AVRO_CONNECT_RECORD_DOC), t->doc);
    for (size_t i = 0; i < t->count; i++) {
        const AvroField *f = &t->fields[i];
        if (m->has_meta && f->doc.p) add_param(m, d, joined(m, AVRO_CONNECT_FIELD_DOC, f->name), f->doc);
        const ConnectSchema *inner = NULL;
        if (!make(m, f->type, false, f->standard, &inner, e)) return false;
        d->fields[d->spec.field_count++] = (ConnectField){f->name, inner};
    }
    return true;
}

static bool draft_array(Maker *m, const AvroType *t, Draft *d, Err *e) {
    d->spec.type = CONNECT_ARRAY;
    if (!avro_to_connect_is_entry(t->items)) return make(m, t->items, false, NULL, &d->spec.value, e);
    const AvroType *entry = t->items;
    if (entry->count != 2 || !str_eq_c(entry->fields[0].name, "key") ||
        !str_eq_c(entry->fields[1].name, "value"))
        return bad(e, "the entries of a map aren't key and value", entry->name);
    d->spec.type = CONNECT_MAP;
    return make(m, entry->fields[0].type, false, NULL, &d->spec.key, e) &&
           make(m, entry->fields[1].type, false, NULL, &d->spec.value, e);
}

static Str simple_name(Str full) {
    size_t at = full.n;
    while (at > 0 && full.p[at - 1] != '.') at--;
    return str_sub(full, at, full.n);
}

/* A union of several types: a struct of a field for each, of which one is set. */
static bool draft_union(Maker *m, const AvroType *t, Draft *d, Err *e) {
    d->spec.type = CONNECT_STRUCT;
    d->spec.name = STR_LIT(AVRO_CONNECT_UNION);
    d->fields = ARENA_ARRAY(&m->arena, ConnectField, t->count + 1);
    d->spec.fields = d->fields;
    for (size_t i = 0; i < t->count; i++) {
        const AvroType *branch = t->branches[i];
        if (branch->kind == AVRO_KIND_NULL) {
            d->spec.is_optional = true;
            continue;
        }
        Str name = branch->name.n ? simple_name(branch->name) : str_from(avro_type_kind_name(branch->kind));
        const ConnectSchema *inner = NULL;
        if (!make(m, branch, true, NULL, &inner, e)) return false;
        d->fields[d->spec.field_count++] = (ConnectField){name, inner};
    }
    return true;
}

static bool draft_type(Maker *m, const AvroType *t, Draft *d, Err *e) {
    switch (t->kind) {
    case AVRO_KIND_NULL: return bad(e, "null alone has no counterpart in Connect", (Str){NULL, 0});
    case AVRO_KIND_BOOLEAN: d->spec.type = CONNECT_BOOLEAN; return true;
    case AVRO_KIND_INT: return draft_int(t, d, e);
    case AVRO_KIND_LONG:
        d->spec.type = CONNECT_INT64;
        if (str_eq_icase(avro_type_text(t, "logicalType"), STR_LIT("timestamp-millis")))
            logical(d, CONNECT_TIMESTAMP);
        return true;
    case AVRO_KIND_FLOAT: d->spec.type = CONNECT_FLOAT32; return true;
    case AVRO_KIND_DOUBLE: d->spec.type = CONNECT_FLOAT64; return true;
    case AVRO_KIND_BYTES:
    case AVRO_KIND_FIXED: draft_bytes(m, t, d); return true;
    case AVRO_KIND_STRING: d->spec.type = CONNECT_STRING; return true;
    case AVRO_KIND_ENUM: draft_enum(m, t, d); return true;
    case AVRO_KIND_RECORD: return draft_record(m, t, d, e);
    case AVRO_KIND_ARRAY: return draft_array(m, t, d, e);
    case AVRO_KIND_MAP:
        d->spec.type = CONNECT_MAP;
        d->spec.key = m->made[0]; /* a text */
        return make(m, t->items, false, NULL, &d->spec.value, e);
    case AVRO_KIND_UNION: return draft_union(m, t, d, e);
    }
    return false;
}

/* ---- what connect.* says ---- */

static bool draft_version(const AvroType *t, Draft *d, Err *e) {
    const json_t *version = avro_type_prop(t, "connect.version");
    if (!version) return true;
    json_int_t n = json_integer_value(version);
    if (!json_is_integer(version) || n < 0 || n > INT32_MAX || (d->spec.version && d->spec.version != n))
        return bad(e, "connect.version isn't the version of its logical type, or no number", d->spec.name);
    d->spec.version = (int32_t)n;
    return true;
}

static bool draft_params(Maker *m, const AvroType *t, Draft *d, Err *e) {
    const json_t *params = m->has_meta ? avro_type_prop(t, "connect.parameters") : NULL;
    const char *key = NULL;
    json_t *value = NULL;
    if (params && !json_is_object(params)) return bad(e, "connect.parameters isn't an object", t->name);
    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        if (!json_is_string(value)) return bad(e, "a parameter that isn't a text", str_from(key));
        add_param(m, d, str_from(key), json_text(value));
    }
    json_object_foreach((json_t *)(uintptr_t)t->props, key,
                        value) if (strncmp(key, "avro", 4) == 0 && json_is_string(value))
        add_param(m, d, str_from(key), json_text(value));
    return true;
}

static void draft_default(Maker *m, const AvroType *t, Draft *d, const json_t *standard) {
    const json_t *own = avro_type_prop(t, "connect.default");
    if (!standard || json_is_null(standard)) standard = own;
    else if (m->has_meta && !own) add_param(m, d, STR_LIT(AVRO_CONNECT_DEFAULT_FLAG), STR_LIT("true"));
    if (!standard || json_is_null(standard)) return;
    d->spec.has_default = default_value(&m->arena, &d->spec, t, standard, &d->spec.default_value);
}

static bool draft_name(const AvroType *t, Draft *d, Err *e) {
    Str name = avro_type_text(t, "connect.name");
    bool is_decimal = str_eq_c(d->spec.name, CONNECT_DECIMAL);
    if (!name.p && (t->kind != AVRO_KIND_FIXED || !is_decimal)) name = t->name;
    if (name.n == 0 || str_starts(name, STR_LIT(AVRO_CONNECT_DEFAULT))) return true;
    if (d->spec.name.n && !str_eq(d->spec.name, name))
        return bad(e, "connect.name isn't the name of its logical type", name);
    d->spec.name = name;
    return true;
}

static bool draft_meta(Maker *m, const AvroType *t, Draft *d, const json_t *standard, Err *e) {
    Str doc = avro_type_text(t, "connect.doc");
    if (m->has_meta && doc.p) d->spec.doc = doc;
    if (!draft_version(t, d, e) || !draft_params(m, t, d, e)) return false;
    draft_default(m, t, d, standard);
    return draft_name(t, d, e);
}

static void drop_inner(Draft *d) {
    for (size_t i = 0; i < d->spec.field_count; i++) connect_schema_unref(d->fields[i].schema);
    connect_schema_unref(d->spec.value);
}

/* What make gives back is owned: a reference for each call. */
static bool make_new(Maker *m, const AvroType *t, bool is_optional, const json_t *standard,
                     const ConnectSchema **ret, Err *e) {
    Draft d = {0};
    bool ok = draft_type(m, t, &d, e) && draft_meta(m, t, &d, standard, e);
    const ConnectSchema *own_key = d.spec.key && d.spec.key != m->made[0] ? d.spec.key : NULL;
    if (is_optional) d.spec.is_optional = true;
    ok = ok && connect_schema_new(&d.spec, ret, e);
    if (!ok && e->code == ERR_INVALID) e->code = ERR_DATA;
    drop_inner(&d);
    connect_schema_unref(own_key);
    return ok;
}

static bool make(Maker *m, const AvroType *t, bool is_optional, const json_t *standard,
                 const ConnectSchema **ret, Err *e) {
    unsigned null_at = 0;
    const AvroType *inner = avro_type_nullable(t, &null_at);
    if (t->kind == AVRO_KIND_UNION && t->count == 1) inner = t->branches[0];
    else if (inner) is_optional = true;
    if (inner) {
        t = inner;
        standard = NULL;
    }
    bool is_shared = !standard || json_is_null(standard);
    const ConnectSchema **slot = &m->made[1 + t->number * 2 + is_optional];
    if (is_shared && *slot) {
        *ret = connect_schema_ref(*slot);
        return true;
    }
    if (m->depth >= CONNECT_MAX_DEPTH) return bad(e, "nested too deep", t->name);
    /* fields with defaults share nothing: a type that is named twice in a type is made twice as often */
    if (++m->count > AVRO_TYPE_MAX_TYPES) return bad(e, "too large once its names are resolved", t->name);
    m->depth++;
    bool ok = make_new(m, t, is_optional, standard, ret, e);
    m->depth--;
    if (ok) m->bytes += connect_schema_bytes(*ret);
    if (ok && m->bytes > MAX_BYTES) { /* an enum of 4,096 symbols in as many fields */
        *ret = connect_schema_unref(*ret);
        return bad(e, "too large once its names are resolved", t->name);
    }
    if (ok && is_shared) *slot = connect_schema_ref(*ret);
    return ok;
}

bool avro_to_connect(const AvroSchema *from, bool has_meta, const ConnectSchema **ret, Err *e) {
    if (avro_type_is_recursive(from))
        return bad(e, "it refers to itself, which a row can't hold", avro_type_root(from)->name);
    size_t slots = 1 + avro_type_count(from) * 2;
    Maker m = {.has_meta = has_meta, .made = x_calloc(slots, sizeof(ConnectSchema *))};
    m.made[0] = connect_schema_plain(CONNECT_STRING, false);
    bool ok = make(&m, avro_type_root(from), false, NULL, ret, e);
    for (size_t i = 0; i < slots; i++) connect_schema_unref(m.made[i]);
    free(m.made);
    arena_done(&m.arena);
    return ok;
}
