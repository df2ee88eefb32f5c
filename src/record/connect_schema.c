/*
 * A schema and all its own texts are in one arena of just their size, made once: a table has one for each of
 * its columns, and foreign schemas may have tens of thousands. Inner schemas are references. The fingerprint
 * is made bottom-up when a schema is built, so that comparing two deep ones is comparing two numbers most of
 * the time.
 */
#include "record/connect_schema.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

typedef struct SchemaBody {
    ConnectSchema s; /* first: a ConnectSchema * is a SchemaBody * */
    Arena arena;
    unsigned depth; /* of nested schemas; a plain one has 1 */
    size_t bytes;   /* with those inside, each as often as it is there */
    atomic_size_t refs;
} SchemaBody;

static const char *const type_names[] = {"int8",    "int16",  "int32", "int64", "float32", "float64",
                                         "boolean", "string", "bytes", "array", "map",     "struct"};
enum { TYPE_COUNT = sizeof type_names / sizeof *type_names };

const char *connect_type_name(ConnectType t) {
    return type_names[t];
}

bool connect_type_by_name(Str name, ConnectType *ret) {
    for (int i = 0; i < TYPE_COUNT; i++)
        if (str_eq_c(name, type_names[i])) {
            *ret = (ConnectType)i;
            return true;
        }
    return false;
}

static SchemaBody *body_of(const ConnectSchema *s) {
    return (SchemaBody *)(uintptr_t)s;
}

const ConnectSchema *connect_schema_ref(const ConnectSchema *s) {
    atomic_fetch_add_explicit(&body_of(s)->refs, 1, memory_order_relaxed);
    return s;
}

const ConnectSchema *connect_schema_unref(const ConnectSchema *s) {
    if (!s) return NULL;
    SchemaBody *b = body_of(s);
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1) return NULL;
    for (size_t i = 0; i < s->field_count; i++) connect_schema_unref(s->fields[i].schema);
    connect_schema_unref(s->key);
    connect_schema_unref(s->value);
    arena_done(&b->arena);
    free(b);
    return NULL;
}

/* ---- building ---- */

static int by_name(const void *a, const void *b) {
    const ConnectField *const *x = a, *const *y = b;
    return str_cmp((*x)->name, (*y)->name);
}

static bool check_fields(const ConnectSchema *spec, Err *e) {
    if (spec->field_count > CONNECT_MAX_FIELDS)
        return err_set(e, ERR_INVALID, false, "a struct of %zu fields; at most %d are taken",
                       spec->field_count, CONNECT_MAX_FIELDS);
    CLEANUP_FREE const ConnectField **sorted = x_calloc(spec->field_count + 1, sizeof(ConnectField *));
    for (size_t i = 0; i < spec->field_count; i++) {
        sorted[i] = &spec->fields[i];
        if (!spec->fields[i].schema)
            return err_set(e, ERR_INVALID, false, "field \"" STR_FMT "\" has no schema",
                           STR_ARG(spec->fields[i].name));
    }
    qsort(sorted, spec->field_count, sizeof(ConnectField *), by_name);
    for (size_t i = 1; i < spec->field_count; i++)
        if (str_eq(sorted[i - 1]->name, sorted[i]->name))
            return err_set(e, ERR_INVALID, false, "two fields are named \"" STR_FMT "\"",
                           STR_ARG(sorted[i]->name));
    return true;
}

static unsigned depth_below(const ConnectSchema *spec) {
    unsigned depth = 0;
    for (size_t i = 0; i < spec->field_count; i++) {
        unsigned d = body_of(spec->fields[i].schema)->depth;
        depth = d > depth ? d : depth;
    }
    if (spec->key && body_of(spec->key)->depth > depth) depth = body_of(spec->key)->depth;
    if (spec->value && body_of(spec->value)->depth > depth) depth = body_of(spec->value)->depth;
    return depth;
}

static bool check_spec(const ConnectSchema *spec, Err *e) {
    if (spec->type == CONNECT_STRUCT && !check_fields(spec, e)) return false;
    if ((spec->type == CONNECT_ARRAY || spec->type == CONNECT_MAP) && !spec->value)
        return err_set(e, ERR_INVALID, false, "%s without a schema of its items",
                       connect_type_name(spec->type));
    if (spec->type == CONNECT_MAP && !spec->key)
        return err_set(e, ERR_INVALID, false, "a map without a schema of its keys");
    if (spec->has_default && value_is_null(&spec->default_value) && !spec->is_optional)
        return err_set(e, ERR_INVALID, false, "the default is null, and the schema isn't optional");
    if (depth_below(spec) + 1 > CONNECT_MAX_DEPTH)
        return err_set(e, ERR_INVALID, false, "schemas nested deeper than %d", CONNECT_MAX_DEPTH);
    return true;
}

static uint64_t mix_str(uint64_t h, Str s) {
    return hash_mix(h, hash_bytes(s.p ? s.p : "", s.n, s.n));
}

static uint64_t mix_value(uint64_t h, const ConnectSchema *s, const Value *v) {
    if (value_is_null(v)) return hash_mix(h, 1);
    switch (s->type) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return hash_mix(h, hash_bytes(&v->v.d, sizeof v->v.d, 2));
    case CONNECT_STRING:
    case CONNECT_BYTES: return mix_str(h, value_str(v));
    case CONNECT_STRUCT:
    case CONNECT_ARRAY:
    case CONNECT_MAP: return hash_mix(h, v->n);
    default: return hash_mix(h, (uint64_t)v->v.i);
    }
}

static uint64_t fingerprint_of(const ConnectSchema *s) {
    uint64_t h = hash_mix((uint64_t)s->type, (uint64_t)s->is_optional + 2u * (uint64_t)s->has_default);
    if (s->has_default) h = mix_value(h, s, &s->default_value);
    h = mix_str(mix_str(h, s->name), s->doc);
    h = hash_mix(h, (uint64_t)s->version);
    for (size_t i = 0; i < s->param_count; i++)
        h = mix_str(mix_str(h, s->params[i].name), s->params[i].value);
    for (size_t i = 0; i < s->field_count; i++) {
        h = mix_str(h, s->fields[i].name);
        h = hash_mix(h, s->fields[i].schema->fingerprint);
    }
    if (s->key) h = hash_mix(h, s->key->fingerprint);
    if (s->value) h = hash_mix(h, s->value->fingerprint);
    return h;
}

/* Bytes of s in the arena. */
static size_t text_bytes(Str s) {
    return s.n ? s.n + 1 : 0;
}

static Str take_text(Str s, Arena *a) {
    return s.n ? arena_str(a, s) : STR_LIT("");
}

/* What the spec's own arrays and texts take; what a list or a struct as the default takes comes on top. */
static size_t own_bytes(const ConnectSchema *spec) {
    size_t bytes = spec->param_count * sizeof(ConnectParam) + spec->field_count * sizeof(ConnectField);
    bytes += text_bytes(spec->name) + text_bytes(spec->doc);
    for (size_t i = 0; i < spec->param_count; i++)
        bytes += text_bytes(spec->params[i].name) + text_bytes(spec->params[i].value);
    for (size_t i = 0; i < spec->field_count; i++) bytes += text_bytes(spec->fields[i].name);
    bool is_text = spec->type == CONNECT_STRING || spec->type == CONNECT_BYTES;
    if (is_text && spec->has_default && !value_is_null(&spec->default_value))
        bytes += spec->default_value.n + 1;
    return bytes;
}

/* The arrays first: they are aligned. */
static void take_arrays(ConnectSchema *s, const ConnectSchema *spec, Arena *a) {
    ConnectParam *params = spec->param_count ? ARENA_ARRAY(a, ConnectParam, spec->param_count) : NULL;
    ConnectField *fields = spec->field_count ? ARENA_ARRAY(a, ConnectField, spec->field_count) : NULL;
    for (size_t i = 0; i < spec->param_count; i++)
        params[i] = (ConnectParam){take_text(spec->params[i].name, a), take_text(spec->params[i].value, a)};
    for (size_t i = 0; i < spec->field_count; i++)
        fields[i] =
            (ConnectField){take_text(spec->fields[i].name, a), connect_schema_ref(spec->fields[i].schema)};
    s->params = params;
    s->param_count = spec->param_count;
    s->fields = fields;
    s->field_count = spec->field_count;
}

static size_t add_bytes(size_t a, const ConnectSchema *s) {
    size_t bytes = body_of(s)->bytes;
    return bytes < CONNECT_SCHEMA_BYTES_MAX - a ? a + bytes : CONNECT_SCHEMA_BYTES_MAX;
}

static size_t all_bytes(const SchemaBody *b) {
    size_t bytes = sizeof *b + b->arena.bytes;
    for (size_t i = 0; i < b->s.field_count; i++) bytes = add_bytes(bytes, b->s.fields[i].schema);
    if (b->s.key) bytes = add_bytes(bytes, b->s.key);
    return b->s.value ? add_bytes(bytes, b->s.value) : bytes;
}

static void take_inner(ConnectSchema *s, const ConnectSchema *spec) {
    s->key = spec->type == CONNECT_MAP ? connect_schema_ref(spec->key) : NULL;
    s->value =
        spec->type == CONNECT_MAP || spec->type == CONNECT_ARRAY ? connect_schema_ref(spec->value) : NULL;
}

bool connect_schema_new(const ConnectSchema *spec, const ConnectSchema **ret, Err *e) {
    assert(spec->type == CONNECT_STRUCT || spec->field_count == 0);
    if (!check_spec(spec, e)) return false;
    SchemaBody *b = x_calloc(1, sizeof *b);
    ConnectSchema *s = &b->s;
    Arena *a = &b->arena;
    atomic_init(&b->refs, 1);
    b->depth = depth_below(spec) + 1;
    s->type = spec->type;
    s->is_optional = spec->is_optional;
    s->version = spec->version;
    size_t own = own_bytes(spec);
    if (own > 0) arena_room(a, own);
    take_arrays(s, spec, a);
    take_inner(s, spec);
    s->name = take_text(spec->name, a);
    s->doc = take_text(spec->doc, a);
    s->has_default = spec->has_default;
    if (s->has_default) s->default_value = connect_value_copy(s, &spec->default_value, a);
    s->fingerprint = fingerprint_of(s);
    b->bytes = all_bytes(b);
    *ret = s;
    return true;
}

const ConnectSchema *connect_schema_plain(ConnectType type, bool is_optional) {
    assert(type < CONNECT_ARRAY);
    const ConnectSchema *s = NULL;
    Err e = {0};
    bool ok = connect_schema_new(&(ConnectSchema){.type = type, .is_optional = is_optional}, &s, &e);
    assert(ok);
    (void)ok;
    return s;
}

const ConnectSchema *connect_schema_with_optional(const ConnectSchema *s, bool is_optional) {
    if (s->is_optional == is_optional) return connect_schema_ref(s);
    ConnectSchema spec = *s;
    spec.is_optional = is_optional;
    if (!is_optional && spec.has_default && value_is_null(&spec.default_value)) spec.has_default = false;
    const ConnectSchema *ret = NULL;
    Err e = {0};
    bool ok = connect_schema_new(&spec, &ret, &e);
    assert(ok);
    (void)ok;
    return ret;
}

size_t connect_schema_bytes(const ConnectSchema *s) {
    return body_of(s)->bytes;
}

/* ---- comparing, finding ---- */

static bool inner_equal(const ConnectSchema *a, const ConnectSchema *b) {
    return a == b || (a && b && connect_schema_equal(a, b));
}

bool connect_schema_equal(const ConnectSchema *a, const ConnectSchema *b) {
    if (a == b) return true;
    if (a->fingerprint != b->fingerprint || a->type != b->type || a->is_optional != b->is_optional ||
        a->has_default != b->has_default || a->version != b->version || a->param_count != b->param_count ||
        a->field_count != b->field_count || !str_eq(a->name, b->name) || !str_eq(a->doc, b->doc))
        return false;
    for (size_t i = 0; i < a->param_count; i++)
        if (!str_eq(a->params[i].name, b->params[i].name) || !str_eq(a->params[i].value, b->params[i].value))
            return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !inner_equal(a->fields[i].schema, b->fields[i].schema))
            return false;
    if (!inner_equal(a->key, b->key) || !inner_equal(a->value, b->value)) return false;
    return !a->has_default || connect_value_equal(a, &a->default_value, &b->default_value);
}

int connect_schema_find(const ConnectSchema *s, Str field) {
    for (size_t i = 0; i < s->field_count; i++)
        if (str_eq(s->fields[i].name, field)) return (int)i;
    return -1;
}

Str connect_schema_param(const ConnectSchema *s, const char *name) {
    for (size_t i = 0; i < s->param_count; i++)
        if (str_eq_c(s->params[i].name, name)) return s->params[i].value;
    return (Str){NULL, 0};
}

/* ---- values ---- */

/* The values behind an ARRAY, MAP or STRUCT, and the schema of the i-th. */
static size_t inner_count(const ConnectSchema *s, const Value *v) {
    return s->type == CONNECT_MAP ? (size_t)v->n * 2 : v->n;
}
static const ConnectSchema *inner_schema(const ConnectSchema *s, size_t i) {
    if (s->type == CONNECT_STRUCT) return s->fields[i].schema;
    return s->type == CONNECT_MAP && i % 2 == 0 ? s->key : s->value;
}
static const Value *inner_values(const Value *v) {
    return (const Value *)(const void *)v->v.p;
}

Value connect_value_copy(const ConnectSchema *s, const Value *v, Arena *a) {
    Value ret = *v;
    if (value_is_null(v) || s->type < CONNECT_STRING) return ret;
    if (s->type == CONNECT_STRING || s->type == CONNECT_BYTES) {
        ret.v.p = arena_str(a, value_str(v)).p;
        return ret;
    }
    size_t n = inner_count(s, v);
    Value *values = ARENA_ARRAY(a, Value, n + 1);
    for (size_t i = 0; i < n; i++) values[i] = connect_value_copy(inner_schema(s, i), &inner_values(v)[i], a);
    ret.v.p = (const char *)(const void *)values;
    return ret;
}

bool connect_value_equal(const ConnectSchema *s, const Value *a, const Value *b) {
    if (value_is_null(a) || value_is_null(b)) return value_is_null(a) && value_is_null(b);
    switch (s->type) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return memcmp(&a->v.d, &b->v.d, sizeof a->v.d) == 0;
    case CONNECT_STRING:
    case CONNECT_BYTES: return str_eq(value_str(a), value_str(b));
    case CONNECT_STRUCT:
    case CONNECT_ARRAY:
    case CONNECT_MAP: break;
    default: return a->v.i == b->v.i;
    }
    if (a->n != b->n) return false;
    for (size_t i = 0, n = inner_count(s, a); i < n; i++)
        if (!connect_value_equal(inner_schema(s, i), &inner_values(a)[i], &inner_values(b)[i])) return false;
    return true;
}
