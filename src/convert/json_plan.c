#include "convert/json_plan.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "convert/json_text.h"

typedef struct Root {
    JsonPlan plan; /* first: the plan that json_plan_new returns is a Root */
    Arena arena;
} Root;

static JsonKind kind_of(const ConnectSchema *s) {
    switch (s->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64: return JSON_KIND_INT;
    case CONNECT_FLOAT32: return JSON_KIND_FLOAT;
    case CONNECT_FLOAT64: return JSON_KIND_DOUBLE;
    case CONNECT_BOOLEAN: return JSON_KIND_BOOLEAN;
    case CONNECT_STRING: return JSON_KIND_TEXT;
    case CONNECT_BYTES: return connect_schema_is(s, CONNECT_DECIMAL) ? JSON_KIND_DECIMAL : JSON_KIND_BASE64;
    case CONNECT_ARRAY: return JSON_KIND_ARRAY;
    case CONNECT_MAP: return s->key->type == CONNECT_STRING ? JSON_KIND_OBJECT : JSON_KIND_PAIRS;
    case CONNECT_STRUCT: return JSON_KIND_STRUCT;
    }
    return JSON_KIND_STRUCT;
}

static int bits_of(ConnectType type) {
    return type == CONNECT_INT8 ? 8 : type == CONNECT_INT16 ? 16 : type == CONNECT_INT32 ? 32 : 64;
}

static int by_name(const void *a, const void *b, void *fields) {
    const ConnectField *f = fields;
    return str_cmp(f[*(const uint16_t *)a].name, f[*(const uint16_t *)b].name);
}

static void fill(JsonPlan *p, const ConnectSchema *s, const JsonRules *rules, Arena *a);

static void fill_struct(JsonPlan *p, Arena *a) {
    const ConnectSchema *s = p->schema;
    size_t n = s->field_count;
    JsonPlan *fields = ARENA_ARRAY(a, JsonPlan, n + 1);
    uint16_t *sorted = ARENA_ARRAY(a, uint16_t, n + 1);
    p->labels = ARENA_ARRAY(a, Str, n + 1);
    CLEANUP(buf_done) Buf label = {0};
    for (size_t i = 0; i < n; i++) {
        buf_clear(&label);
        buf_u8(&label, i == 0 ? '{' : ',');
        json_text_string(&label, s->fields[i].name);
        buf_u8(&label, ':');
        Str whole = arena_str(a, buf_view(&label));
        p->labels[i] = (Str){whole.p + 1, whole.n - 1};
        sorted[i] = (uint16_t)i;
        fill(&fields[i], s->fields[i].schema, p->rules, a);
    }
    qsort_r(sorted, n, sizeof *sorted, by_name, (void *)(uintptr_t)s->fields);
    p->fields = fields;
    p->sorted = sorted;
}

static void fill(JsonPlan *p, const ConnectSchema *s, const JsonRules *rules, Arena *a) {
    int64_t scale = 0;
    Err e = {0};
    *p = (JsonPlan){.schema = s, .rules = rules, .kind = kind_of(s)};
    if (p->kind == JSON_KIND_INT) {
        p->max = INT64_MAX >> (64 - bits_of(s->type));
        p->min = -p->max - 1;
    }
    /* a Decimal without a scale is one of scale 0 to whoever reads its number */
    if (p->kind == JSON_KIND_DECIMAL &&
        str_to_i64(connect_schema_param(s, CONNECT_PARAM_SCALE), -10000, 10000, &scale, &e))
        p->scale = (int)scale;
    if (p->kind == JSON_KIND_STRUCT) fill_struct(p, a);
    if (s->key) {
        JsonPlan *key = ARENA_ARRAY(a, JsonPlan, 1);
        fill(key, s->key, rules, a);
        p->key = key;
    }
    if (s->value) {
        JsonPlan *value = ARENA_ARRAY(a, JsonPlan, 1);
        fill(value, s->value, rules, a);
        p->value = value;
    }
}

const JsonPlan *json_plan_new(const ConnectSchema *schema, const JsonRules *rules) {
    Root *root = x_calloc(1, sizeof *root);
    fill(&root->plan, connect_schema_ref(schema), rules, &root->arena);
    return &root->plan;
}

const JsonPlan *json_plan_free(const JsonPlan *p) {
    if (!p) return NULL;
    Root *root = (Root *)(uintptr_t)p;
    connect_schema_unref(root->plan.schema);
    arena_done(&root->arena);
    free(root);
    return NULL;
}

size_t json_plan_bytes(const JsonPlan *p) {
    const Root *root = (const Root *)(const void *)p;
    return sizeof *root + root->arena.bytes + connect_schema_bytes(p->schema);
}

int json_plan_find(const JsonPlan *p, Str name) {
    size_t lo = 0, hi = p->schema->field_count;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        int order = str_cmp(name, p->schema->fields[p->sorted[middle]].name);
        if (order == 0) return p->sorted[middle];
        if (order < 0) hi = middle;
        else lo = middle + 1;
    }
    return -1;
}
