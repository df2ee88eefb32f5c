/*
 * The plan is a tree of steps in the order in which bytes are written, made by walking both schemas side by
 * side: Avro's says what is written, Connect's where it is found. A step knows the branch bytes of its union,
 * so that an optional field costs one comparison.
 */
#include "convert/avro_encode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "convert/avro_from_connect.h"
#include "convert/avro_to_connect.h"

enum { MAX_LONG_BYTES = 10, MAX_BRANCH = 63 /* one byte */, NO_BRANCH = 0xFF };

typedef enum EncodeOp {
    ENCODE_BOOLEAN,
    ENCODE_INT, /* 32 bits */
    ENCODE_LONG,
    ENCODE_FLOAT,
    ENCODE_DOUBLE,
    ENCODE_BYTES, /* texts too */
    ENCODE_FIXED,
    ENCODE_DECIMAL, /* a fixed with its sign extended */
    ENCODE_ENUM,
    ENCODE_STRUCT,
    ENCODE_ARRAY,
    ENCODE_PAIRS, /* a map, as Avro's or as a list of entries: the same bytes */
    ENCODE_UNION, /* a struct that stands for one */
    ENCODE_NULL,  /* a field that from doesn't have */
} EncodeOp;

typedef struct EncodeStep EncodeStep;
struct EncodeStep {
    uint8_t op;
    uint8_t null_branch, value_branch; /* as written; NO_BRANCH = it can't be null, it isn't in a union */
    uint32_t source;                   /* in a struct: the value's place in it */
    uint32_t count;                    /* of inner; ENUM: of symbols */
    uint32_t size;                     /* FIXED, DECIMAL */
    const EncodeStep *inner;
    const Str *symbols;
    const Value *standard; /* written in place of a null; NULL = none */
    Str name;              /* of the field, for messages */
};

struct AvroEncoder {
    Arena arena;
    const ConnectSchema *from; /* owned reference: defaults and names are its */
    EncodeStep root;
};

typedef struct Planner {
    Arena *arena;
    bool keeps_null;
    unsigned depth;
} Planner;

/* ---- planning ---- */

static bool misfit(const ConnectSchema *s, const AvroType *t, Err *e) {
    return err_set(e, ERR_INVALID, false, "%s can't be written as Avro's %s", connect_type_name(s->type),
                   avro_type_kind_name(t->kind));
}

static Str keep(Planner *p, Str s) {
    return arena_str(p->arena, s);
}

/* Whether a value of s can be written as t, a type that isn't a union. */
static bool fits(const ConnectSchema *s, const AvroType *t) {
    switch (s->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32: return t->kind == AVRO_KIND_INT || t->kind == AVRO_KIND_LONG;
    case CONNECT_INT64: return t->kind == AVRO_KIND_LONG;
    case CONNECT_FLOAT32: return t->kind == AVRO_KIND_FLOAT || t->kind == AVRO_KIND_DOUBLE;
    case CONNECT_FLOAT64: return t->kind == AVRO_KIND_DOUBLE;
    case CONNECT_BOOLEAN: return t->kind == AVRO_KIND_BOOLEAN;
    case CONNECT_STRING: return t->kind == AVRO_KIND_STRING || t->kind == AVRO_KIND_ENUM;
    case CONNECT_BYTES: return t->kind == AVRO_KIND_BYTES || t->kind == AVRO_KIND_FIXED;
    case CONNECT_ARRAY: return t->kind == AVRO_KIND_ARRAY;
    case CONNECT_MAP:
        return avro_from_connect_is_map(s) ? t->kind == AVRO_KIND_MAP
                                           : t->kind == AVRO_KIND_ARRAY && avro_to_connect_is_entry(t->items);
    case CONNECT_STRUCT: return t->kind == AVRO_KIND_RECORD;
    }
    return false;
}

/* The branch of a union that s is written as: of the same name if there is one. */
static bool choose_branch(const ConnectSchema *s, const AvroType *t, size_t *ret) {
    size_t found = t->count;
    for (size_t i = 0; i < t->count; i++) {
        if (!fits(s, t->branches[i])) continue;
        if (found == t->count) found = i;
        if (t->branches[i]->name.n && str_eq(t->branches[i]->name, s->name)) found = i;
    }
    *ret = found;
    return found < t->count && found <= MAX_BRANCH;
}

static bool plan_step(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e);

static bool plan_absent(const AvroField *f, EncodeStep *step, Err *e) {
    *step = (EncodeStep){.op = ENCODE_NULL, .null_branch = NO_BRANCH, .value_branch = NO_BRANCH};
    for (size_t i = 0; f->type->kind == AVRO_KIND_UNION && i < f->type->count && i <= MAX_BRANCH; i++)
        if (f->type->branches[i]->kind == AVRO_KIND_NULL) step->null_branch = (uint8_t)(2 * i);
    if (step->null_branch == NO_BRANCH)
        return err_set(e, ERR_INVALID, false,
                       "the topic's schema wants a field \"%.*s\", which records don't have",
                       (int)(f->name.n < 120 ? f->name.n : 120), f->name.p);
    return true;
}

static bool plan_struct(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e) {
    EncodeStep *inner = ARENA_ARRAY(p->arena, EncodeStep, t->count + 1);
    for (size_t i = 0; i < t->count; i++) {
        const AvroField *f = &t->fields[i];
        int at = connect_schema_find(s, f->name);
        if (at < 0) {
            if (!plan_absent(f, &inner[i], e)) return false;
            continue;
        }
        const ConnectSchema *fs = s->fields[at].schema;
        if (!plan_step(p, fs, f->type, &inner[i], e))
            return err_wrap(e, "%.*s", (int)(f->name.n < 120 ? f->name.n : 120), f->name.p);
        inner[i].source = (uint32_t)at;
        inner[i].name = s->fields[at].name;
        if (!p->keeps_null && fs->has_default && !value_is_null(&fs->default_value))
            inner[i].standard = &fs->default_value;
    }
    step->op = ENCODE_STRUCT;
    step->inner = inner;
    step->count = (uint32_t)t->count;
    return true;
}

static bool plan_items(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e) {
    EncodeStep *inner = ARENA_ARRAY(p->arena, EncodeStep, 2);
    step->inner = inner;
    step->count = s->type == CONNECT_MAP ? 2 : 1;
    step->op = s->type == CONNECT_MAP ? ENCODE_PAIRS : ENCODE_ARRAY;
    if (s->type == CONNECT_ARRAY) return plan_step(p, s->value, t->items, &inner[0], e);
    if (t->kind == AVRO_KIND_MAP) {
        inner[0] = (EncodeStep){.op = ENCODE_BYTES, .null_branch = NO_BRANCH, .value_branch = NO_BRANCH};
        return plan_step(p, s->value, t->items, &inner[1], e);
    }
    if (t->items->count != 2) return misfit(s, t, e);
    return plan_step(p, s->key, t->items->fields[0].type, &inner[0], e) &&
           plan_step(p, s->value, t->items->fields[1].type, &inner[1], e);
}

static bool plan_enum(Planner *p, const AvroType *t, EncodeStep *step) {
    Str *symbols = ARENA_ARRAY(p->arena, Str, t->count);
    for (size_t i = 0; i < t->count; i++) symbols[i] = keep(p, t->symbols[i]);
    step->op = ENCODE_ENUM;
    step->symbols = symbols;
    step->count = (uint32_t)t->count;
    return true;
}

/* t is no union. */
static bool plan_base(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e) {
    switch (t->kind) {
    case AVRO_KIND_BOOLEAN: step->op = ENCODE_BOOLEAN; return true;
    case AVRO_KIND_INT: step->op = ENCODE_INT; return true;
    case AVRO_KIND_LONG: step->op = ENCODE_LONG; return true;
    case AVRO_KIND_FLOAT: step->op = ENCODE_FLOAT; return true;
    case AVRO_KIND_DOUBLE: step->op = ENCODE_DOUBLE; return true;
    case AVRO_KIND_BYTES:
    case AVRO_KIND_STRING: step->op = ENCODE_BYTES; return true;
    case AVRO_KIND_FIXED:
        step->op = connect_schema_is(s, CONNECT_DECIMAL) ? ENCODE_DECIMAL : ENCODE_FIXED;
        step->size = (uint32_t)t->size;
        return true;
    case AVRO_KIND_ENUM: return plan_enum(p, t, step);
    case AVRO_KIND_RECORD: return plan_struct(p, s, t, step, e);
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP: return plan_items(p, s, t, step, e);
    default: return misfit(s, t, e);
    }
}

static bool plan_union(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e) {
    size_t shift = s->is_optional ? 1 : 0; /* null first, then the fields in their order */
    if (t->kind != AVRO_KIND_UNION || t->count != s->field_count + shift || t->count > MAX_BRANCH)
        return misfit(s, t, e);
    EncodeStep *inner = ARENA_ARRAY(p->arena, EncodeStep, s->field_count + 1);
    size_t null_at = 0;
    for (; s->is_optional && null_at < t->count; null_at++)
        if (t->branches[null_at]->kind == AVRO_KIND_NULL) break;
    if (null_at == t->count) return misfit(s, t, e);
    for (size_t i = 0; i < s->field_count; i++) {
        size_t at = i + (s->is_optional && i >= null_at ? 1 : 0);
        const ConnectSchema *fs = s->fields[i].schema;
        inner[i] =
            (EncodeStep){.null_branch = NO_BRANCH, .value_branch = (uint8_t)(2 * at), .source = (uint32_t)i};
        if (!fits(fs, t->branches[at])) return misfit(fs, t->branches[at], e);
        if (!plan_base(p, fs, t->branches[at], &inner[i], e)) return false;
    }
    step->op = ENCODE_UNION;
    step->null_branch = s->is_optional ? (uint8_t)(2 * null_at) : NO_BRANCH;
    step->inner = inner;
    step->count = (uint32_t)s->field_count;
    return true;
}

static bool plan_step(Planner *p, const ConnectSchema *s, const AvroType *t, EncodeStep *step, Err *e) {
    *step = (EncodeStep){.null_branch = NO_BRANCH, .value_branch = NO_BRANCH};
    if (p->depth >= CONNECT_MAX_DEPTH) return err_set(e, ERR_INVALID, false, "nested too deep");
    if (avro_from_connect_is_union(s)) {
        p->depth++;
        bool ok = plan_union(p, s, t, step, e);
        p->depth--;
        return ok;
    }
    if (t->kind == AVRO_KIND_UNION) {
        for (size_t i = 0; i < t->count && i <= MAX_BRANCH; i++)
            if (t->branches[i]->kind == AVRO_KIND_NULL) step->null_branch = (uint8_t)(2 * i);
        size_t at = 0;
        if (!choose_branch(s, t, &at)) return misfit(s, t, e);
        step->value_branch = (uint8_t)(2 * at);
        t = t->branches[at];
    }
    if (!fits(s, t)) return misfit(s, t, e);
    p->depth++;
    bool ok = plan_base(p, s, t, step, e);
    p->depth--;
    return ok;
}

bool avro_encode_plan(const ConnectSchema *from, const AvroSchema *to, bool keeps_null, AvroEncoder **ret,
                      Err *e) {
    AvroEncoder *plan = x_calloc(1, sizeof *plan);
    plan->from = connect_schema_ref(from);
    Planner p = {.arena = &plan->arena, .keeps_null = keeps_null};
    if (!plan_step(&p, from, avro_type_root(to), &plan->root, e)) {
        avro_encode_free(plan);
        return false;
    }
    *ret = plan;
    return true;
}

size_t avro_encode_bytes(const AvroEncoder *p) {
    return sizeof *p + p->arena.bytes;
}

AvroEncoder *avro_encode_free(AvroEncoder *p) {
    if (!p) return NULL;
    connect_schema_unref(p->from);
    arena_done(&p->arena);
    free(p);
    return NULL;
}

/* ---- writing ---- */

static inline uint8_t *put_long(uint8_t *at, int64_t n) {
    uint64_t z = ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
    while (z >= 0x80) {
        *at++ = (uint8_t)(z | 0x80);
        z >>= 7;
    }
    *at++ = (uint8_t)z;
    return at;
}

static inline uint8_t *room(Buf *out, size_t n) {
    return out->cap - out->n >= n ? out->p + out->n : buf_reserve(out, n);
}

static inline void done(Buf *out, const uint8_t *at) {
    out->n = (size_t)(at - out->p);
}

void avro_encode_long(Buf *out, int64_t n) {
    done(out, put_long(room(out, MAX_LONG_BYTES), n));
}

static __attribute__((noinline, cold)) bool fault(const EncodeStep *s, const char *what, Err *e) {
    if (!s->name.n) return err_set(e, ERR_DATA, false, "the value %s", what);
    return err_set(e, ERR_DATA, false, "field \"%.*s\" %s", (int)(s->name.n < 120 ? s->name.n : 120),
                   s->name.p, what);
}

static void write_bytes(const Value *v, Buf *out) {
    uint8_t *at = put_long(room(out, MAX_LONG_BYTES + (size_t)v->n), v->n);
    if (v->n) memcpy(at, v->v.p, v->n);
    done(out, at + v->n);
}

static bool write_fixed(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    bool fits_size = s->op == ENCODE_DECIMAL ? v->n > 0 && v->n <= s->size : v->n == s->size;
    if (!fits_size) return fault(s, "isn't as long as Avro's fixed", e);
    uint8_t *at = room(out, s->size);
    size_t pad = s->size - v->n;
    if (pad) memset(at, v->v.p[0] & 0x80 ? 0xFF : 0, pad);
    memcpy(at + pad, v->v.p, v->n);
    done(out, at + s->size);
    return true;
}

static bool write_enum(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    for (uint32_t i = 0; i < s->count; i++)
        if (str_eq(s->symbols[i], value_str(v))) {
            avro_encode_long(out, i);
            return true;
        }
    return fault(s, "isn't one of the enum's symbols", e);
}

static void write_float(const Value *v, Buf *out) {
    float f = (float)v->v.d;
    uint32_t bits = 0;
    memcpy(&bits, &f, sizeof bits);
    buf_le32(out, bits);
}

static void write_double(const Value *v, Buf *out) {
    uint64_t bits = 0;
    memcpy(&bits, &v->v.d, sizeof bits);
    buf_le64(out, bits);
}

static inline const Value *inner_values(const Value *v) {
    return (const Value *)(const void *)v->v.p;
}

static bool write_step(const EncodeStep *s, const Value *v, Buf *out, Err *e);

static bool write_items(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    const Value *values = inner_values(v);
    if (v->n) avro_encode_long(out, v->n);
    for (size_t i = 0, n = (size_t)v->n * s->count; i < n; i++)
        if (!write_step(&s->inner[s->count == 2 ? i % 2 : 0], &values[i], out, e)) return false;
    avro_encode_long(out, 0);
    return true;
}

static bool write_union(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    const Value *values = inner_values(v);
    for (uint32_t i = 0; i < s->count; i++)
        if (values[i].flags == 0) return write_step(&s->inner[i], &values[i], out, e);
    if (s->null_branch == NO_BRANCH) return fault(s, "is a union of which no type is set", e);
    buf_u8(out, s->null_branch);
    return true;
}

static bool write_struct(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    const Value *values = inner_values(v);
    for (const EncodeStep *f = s->inner, *end = f + s->count; f < end; f++) {
        const Value *value = &values[f->source];
        if (value->flags && f->standard) value = f->standard;
        if (!write_step(f, value, out, e)) return false;
    }
    return true;
}

static bool write_value(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    switch ((EncodeOp)s->op) {
    case ENCODE_BOOLEAN: buf_u8(out, v->v.i != 0); return true;
    case ENCODE_INT:
        if (v->v.i != (int32_t)v->v.i) return fault(s, "doesn't fit Avro's int", e);
        avro_encode_long(out, v->v.i);
        return true;
    case ENCODE_LONG: avro_encode_long(out, v->v.i); return true;
    case ENCODE_FLOAT: write_float(v, out); return true;
    case ENCODE_DOUBLE: write_double(v, out); return true;
    case ENCODE_BYTES: write_bytes(v, out); return true;
    case ENCODE_FIXED:
    case ENCODE_DECIMAL: return write_fixed(s, v, out, e);
    case ENCODE_ENUM: return write_enum(s, v, out, e);
    case ENCODE_STRUCT: return write_struct(s, v, out, e);
    case ENCODE_ARRAY:
    case ENCODE_PAIRS: return write_items(s, v, out, e);
    case ENCODE_UNION: return write_union(s, v, out, e);
    case ENCODE_NULL: break;
    }
    return true;
}

static bool write_step(const EncodeStep *s, const Value *v, Buf *out, Err *e) {
    if (v->flags || s->op == ENCODE_NULL) {
        if (s->null_branch == NO_BRANCH) return fault(s, "is null, which its schema doesn't allow", e);
        *room(out, 1) = s->null_branch;
        out->n++;
        return true;
    }
    if (s->value_branch != NO_BRANCH) {
        *room(out, 1) = s->value_branch;
        out->n++;
    }
    return write_value(s, v, out, e);
}

bool avro_encode(const AvroEncoder *p, const Value *v, Buf *out, Err *e) {
    return write_step(&p->root, v, out, e);
}
