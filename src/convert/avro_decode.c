/*
 * The plan is a tree of steps in the order of the bytes. A count is believed only as far as the bytes left
 * can hold so many items; items of no bytes at all (a record without fields) are counted against an
 * allowance of values, so that a short record can't ask for much memory.
 */
#include "convert/avro_decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf.h"
#include "convert/avro_to_connect.h"
#include "record/connect_schema.h"

typedef enum DecodeOp {
    DECODE_BOOLEAN,
    DECODE_INT,
    DECODE_INT8,
    DECODE_INT16,
    DECODE_LONG,
    DECODE_FLOAT,
    DECODE_DOUBLE,
    DECODE_BYTES,
    DECODE_STRING,
    DECODE_FIXED,
    DECODE_ENUM,
    DECODE_STRUCT,
    DECODE_ARRAY,
    DECODE_PAIRS,
    DECODE_UNION, /* becomes a struct with one field set */
    DECODE_NULL,  /* a branch of such a union */
} DecodeOp;

typedef struct DecodeStep DecodeStep;
struct DecodeStep {
    uint8_t op;
    bool is_nullable;
    uint8_t null_branch; /* 0, 1 */
    uint32_t count;      /* of inner, of symbols */
    uint32_t fields;     /* UNION: of the struct */
    uint32_t size;       /* FIXED */
    uint32_t least;      /* bytes that a value takes at least, but not below 0 nor far above */
    const DecodeStep *inner;
    const Str *symbols;
};

struct AvroDecoder {
    Arena arena;
    DecodeStep root;
};

typedef struct Planner {
    Arena *arena;
    size_t steps;
    unsigned depth;
} Planner;

typedef struct Reader {
    const uint8_t *start, *p, *end;
    Arena *arena;
    size_t values_left;
    Err *e;
} Reader;

/* ---- planning ---- */

static bool plan_step(Planner *p, const AvroType *t, DecodeStep *s, Err *e);

static bool too_large(Err *e) {
    return err_set(e, ERR_DATA, false, "Avro schema: nested too deep, or too large");
}

static DecodeStep *new_steps(Planner *p, size_t count) {
    p->steps += count;
    DecodeStep *steps = ARENA_ARRAY(p->arena, DecodeStep, count + 1);
    memset(steps, 0, (count + 1) * sizeof *steps);
    return steps;
}

static bool plan_struct(Planner *p, const AvroType *t, DecodeStep *s, Err *e) {
    DecodeStep *inner = new_steps(p, t->count);
    size_t least = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!plan_step(p, t->fields[i].type, &inner[i], e)) return false;
        least += inner[i].least;
    }
    s->op = DECODE_STRUCT;
    s->inner = inner;
    s->count = (uint32_t)t->count;
    s->least = least < AVRO_TYPE_MAX_FIXED ? (uint32_t)least : AVRO_TYPE_MAX_FIXED;
    return true;
}

static bool plan_items(Planner *p, const AvroType *t, DecodeStep *s, Err *e) {
    DecodeStep *inner = new_steps(p, 2);
    s->inner = inner;
    s->least = 1;
    if (t->kind == AVRO_KIND_MAP) {
        s->op = DECODE_PAIRS;
        inner[0] = (DecodeStep){.op = DECODE_STRING, .least = 1};
        return plan_step(p, t->items, &inner[1], e);
    }
    if (!avro_to_connect_is_entry(t->items)) {
        s->op = DECODE_ARRAY;
        return plan_step(p, t->items, &inner[0], e);
    }
    s->op = DECODE_PAIRS;
    if (t->items->count != 2) return too_large(e);
    return plan_step(p, t->items->fields[0].type, &inner[0], e) &&
           plan_step(p, t->items->fields[1].type, &inner[1], e);
}

static bool plan_union(Planner *p, const AvroType *t, DecodeStep *s, Err *e) {
    DecodeStep *inner = new_steps(p, t->count);
    for (size_t i = 0; i < t->count; i++) {
        if (t->branches[i]->kind == AVRO_KIND_NULL) inner[i].op = DECODE_NULL;
        else if (!plan_step(p, t->branches[i], &inner[i], e)) return false;
        else s->fields++;
    }
    s->op = DECODE_UNION;
    s->inner = inner;
    s->count = (uint32_t)t->count;
    s->least = 1;
    return true;
}

static void plan_enum(Planner *p, const AvroType *t, DecodeStep *s) {
    Str *symbols = ARENA_ARRAY(p->arena, Str, t->count);
    for (size_t i = 0; i < t->count; i++) symbols[i] = arena_str(p->arena, t->symbols[i]);
    s->op = DECODE_ENUM;
    s->symbols = symbols;
    s->count = (uint32_t)t->count;
}

static bool plan_base(Planner *p, const AvroType *t, DecodeStep *s, Err *e) {
    s->least = 1;
    switch (t->kind) {
    case AVRO_KIND_BOOLEAN: s->op = DECODE_BOOLEAN; return true;
    case AVRO_KIND_INT: {
        bool is_plain = avro_type_text(t, "logicalType").p != NULL;
        Str type = is_plain ? (Str){NULL, 0} : avro_type_text(t, "connect.type");
        s->op = str_eq_c(type, "int8") ? DECODE_INT8 : str_eq_c(type, "int16") ? DECODE_INT16 : DECODE_INT;
        return true;
    }
    case AVRO_KIND_LONG: s->op = DECODE_LONG; return true;
    case AVRO_KIND_FLOAT:
        s->op = DECODE_FLOAT;
        s->least = sizeof(float);
        return true;
    case AVRO_KIND_DOUBLE:
        s->op = DECODE_DOUBLE;
        s->least = sizeof(double);
        return true;
    case AVRO_KIND_BYTES: s->op = DECODE_BYTES; return true;
    case AVRO_KIND_STRING: s->op = DECODE_STRING; return true;
    case AVRO_KIND_FIXED:
        s->op = DECODE_FIXED;
        s->size = s->least = (uint32_t)t->size;
        return true;
    case AVRO_KIND_ENUM: plan_enum(p, t, s); return true;
    case AVRO_KIND_RECORD: return plan_struct(p, t, s, e);
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP: return plan_items(p, t, s, e);
    case AVRO_KIND_UNION: return plan_union(p, t, s, e);
    case AVRO_KIND_NULL: return err_set(e, ERR_DATA, false, "Avro schema: null alone has no counterpart");
    }
    return false;
}

static bool plan_step(Planner *p, const AvroType *t, DecodeStep *s, Err *e) {
    if (p->depth >= AVRO_TYPE_MAX_DEPTH || p->steps > AVRO_TYPE_MAX_TYPES) return too_large(e);
    p->depth++;
    unsigned null_at = 0;
    const AvroType *inner = avro_type_nullable(t, &null_at);
    if (inner) t = inner;
    else if (t->kind == AVRO_KIND_UNION && t->count == 1) {
        DecodeStep *only = new_steps(p, 1); /* its branch is in the bytes all the same */
        s->op = DECODE_UNION;
        s->inner = only;
        s->count = 1;
        s->least = 1;
        bool ok = plan_step(p, t->branches[0], only, e);
        p->depth--;
        return ok;
    }
    bool ok = plan_base(p, t, s, e);
    if (inner) {
        s->is_nullable = true;
        s->null_branch = (uint8_t)null_at;
        s->least = 1;
    }
    p->depth--;
    return ok;
}

bool avro_decode_plan(const AvroSchema *from, AvroDecoder **ret, Err *e) {
    if (avro_type_is_recursive(from))
        return err_set(e, ERR_DATA, false, "Avro schema: it refers to itself, which a row can't hold");
    AvroDecoder *plan = x_calloc(1, sizeof *plan);
    Planner p = {.arena = &plan->arena};
    if (!plan_step(&p, avro_type_root(from), &plan->root, e)) {
        avro_decode_free(plan);
        return false;
    }
    *ret = plan;
    return true;
}

size_t avro_decode_bytes(const AvroDecoder *p) {
    return sizeof *p + p->arena.bytes;
}

AvroDecoder *avro_decode_free(AvroDecoder *p) {
    if (!p) return NULL;
    arena_done(&p->arena);
    free(p);
    return NULL;
}

/* ---- reading ---- */

static __attribute__((noinline, cold)) bool fault(Reader *r, const char *what) {
    return err_set(r->e, ERR_DATA, false, "Avro: %s at byte %zu of %zu", what, (size_t)(r->p - r->start),
                   (size_t)(r->end - r->start));
}

static inline size_t left(const Reader *r) {
    return (size_t)(r->end - r->p);
}

static bool read_long_slow(Reader *r, int64_t *ret) {
    uint64_t z = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->p == r->end) return fault(r, "a number is cut off");
        uint64_t b = *r->p++;
        if (shift == 63 && b > 1) break;
        z |= (b & 0x7F) << shift;
        if (b < 0x80) {
            *ret = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            return true;
        }
    }
    return fault(r, "a number is longer than 64 bits");
}

static inline bool read_long(Reader *r, int64_t *ret) {
    if (r->p < r->end && *r->p < 0x80) {
        uint64_t z = *r->p++;
        *ret = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
        return true;
    }
    return read_long_slow(r, ret);
}

static inline bool read_length(Reader *r, size_t *ret) {
    int64_t n = 0;
    if (!read_long(r, &n)) return false;
    if (n < 0 || (uint64_t)n > left(r) || n > UINT32_MAX) return fault(r, "a length is past the end");
    *ret = (size_t)n;
    return true;
}

static inline bool read_bytes(Reader *r, Value *ret) {
    size_t n = 0;
    if (!read_length(r, &n)) return false;
    *ret = value_bytes((const char *)r->p, (uint32_t)n);
    r->p += n;
    return true;
}

/* Most text is short and ASCII: that is seen without a step for each character. */
static inline bool is_text(const uint8_t *p, size_t n) {
    uint64_t seen = 0, eight = 0;
    size_t i = 0;
    for (; i + sizeof eight <= n; i += sizeof eight) {
        memcpy(&eight, p + i, sizeof eight);
        seen |= eight;
    }
    for (; i < n; i++) seen |= p[i];
    return !(seen & UINT64_C(0x8080808080808080)) || utf_valid8((Str){(const char *)p, n});
}

static Value *new_values(Reader *r, size_t count) {
    if (count > r->values_left) {
        fault(r, "more values than a record may have");
        return NULL;
    }
    r->values_left -= count;
    return ARENA_ARRAY(r->arena, Value, count + 1);
}

static bool read_step(Reader *r, const DecodeStep *s, Value *ret);

static bool read_struct(Reader *r, const DecodeStep *s, Value *ret) {
    Value *values = new_values(r, s->count);
    if (!values) return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (!read_step(r, &s->inner[i], &values[i])) return false;
    *ret = value_bytes((const char *)(const void *)values, s->count);
    return true;
}

/* The count of a block that has items; *ret 0 = the end. */
static bool read_block(Reader *r, const DecodeStep *s, size_t *ret) {
    int64_t count = 0, bytes = 0;
    if (!read_long(r, &count)) return false;
    if (count < 0) { /* its size in bytes follows, for those who want to skip it */
        if (count == INT64_MIN || !read_long(r, &bytes)) return fault(r, "a block's count is none");
        if (bytes < 0 || (uint64_t)bytes > left(r)) return fault(r, "a block is past the end");
        count = -count;
    }
    size_t least = s->inner[0].least + (s->op == DECODE_PAIRS ? s->inner[1].least : 0);
    if (least && (uint64_t)count > left(r) / least) return fault(r, "a block has more items than bytes");
    if ((uint64_t)count > AVRO_DECODE_SPARE_VALUES + left(r)) return fault(r, "a block has too many items");
    *ret = (size_t)count;
    return true;
}

/* Room for count items and, as blocks go on, for twice as many as there were. */
static Value *more_values(Reader *r, Value *values, size_t used, size_t wanted, size_t *cap) {
    if (wanted <= *cap) return values;
    *cap = wanted > *cap * 2 ? wanted : *cap * 2;
    Value *grown = new_values(r, *cap);
    if (grown && used) memcpy(grown, values, used * sizeof *grown);
    return grown;
}

static bool read_items(Reader *r, const DecodeStep *s, Value *ret) {
    size_t width = s->op == DECODE_PAIRS ? 2 : 1, used = 0, cap = 0, block = 0;
    Value *values = NULL;
    for (;;) {
        if (!read_block(r, s, &block)) return false;
        if (block == 0) break;
        values = more_values(r, values, used, used + block * width, &cap);
        if (!values) return false;
        for (size_t end = used + block * width; used < end; used++)
            if (!read_step(r, &s->inner[used % width], &values[used])) return false;
    }
    *ret = value_bytes((const char *)(const void *)values, (uint32_t)(used / width));
    return true;
}

static bool read_union(Reader *r, const DecodeStep *s, Value *ret) {
    int64_t branch = 0;
    if (!read_long(r, &branch)) return false;
    if (branch < 0 || branch >= s->count) return fault(r, "no such branch of a union");
    if (s->fields == 0) return read_step(r, &s->inner[branch], ret); /* a union of one */
    if (s->inner[branch].op == DECODE_NULL) {
        *ret = value_null();
        return true;
    }
    Value *values = new_values(r, s->fields);
    if (!values) return false;
    for (uint32_t i = 0, at = 0; i < s->count; i++) {
        if (s->inner[i].op == DECODE_NULL) continue;
        values[at] = value_null();
        if (i == (uint32_t)branch && !read_step(r, &s->inner[i], &values[at])) return false;
        at++;
    }
    *ret = value_bytes((const char *)(const void *)values, s->fields);
    return true;
}

static bool read_enum(Reader *r, const DecodeStep *s, Value *ret) {
    int64_t n = 0;
    if (!read_long(r, &n)) return false;
    if (n < 0 || n >= s->count) return fault(r, "no such symbol of an enum");
    char *symbol = arena_bytes(r->arena, s->symbols[n].n + 1); /* the plan may go before the value */
    memcpy(symbol, s->symbols[n].p, s->symbols[n].n);
    *ret = value_bytes(symbol, (uint32_t)s->symbols[n].n);
    return true;
}

static bool read_int(Reader *r, const DecodeStep *s, Value *ret) {
    int64_t n = 0;
    if (!read_long(r, &n)) return false;
    if (n != (int32_t)n) return fault(r, "an int is longer than 32 bits");
    if (s->op == DECODE_INT8) n = (int8_t)(uint8_t)n;
    if (s->op == DECODE_INT16) n = (int16_t)(uint16_t)n;
    *ret = value_int(n);
    return true;
}

static bool read_real(Reader *r, const DecodeStep *s, Value *ret) {
    size_t n = s->op == DECODE_FLOAT ? sizeof(float) : sizeof(double);
    if (left(r) < n) return fault(r, "a number is cut off");
    uint64_t bits = 0;
    for (size_t i = n; i-- > 0;) bits = bits << 8 | r->p[i];
    r->p += n;
    if (s->op == DECODE_FLOAT) {
        float f = 0;
        uint32_t half = (uint32_t)bits;
        memcpy(&f, &half, sizeof f);
        *ret = value_double((double)f);
    } else {
        double d = 0;
        memcpy(&d, &bits, sizeof d);
        *ret = value_double(d);
    }
    return true;
}

static bool read_value(Reader *r, const DecodeStep *s, Value *ret) {
    int64_t n = 0;
    switch ((DecodeOp)s->op) {
    case DECODE_BOOLEAN:
        if (left(r) == 0 || *r->p > 1) return fault(r, "no truth value");
        *ret = value_int(*r->p++);
        return true;
    case DECODE_INT:
    case DECODE_INT8:
    case DECODE_INT16: return read_int(r, s, ret);
    case DECODE_LONG:
        if (!read_long(r, &n)) return false;
        *ret = value_int(n);
        return true;
    case DECODE_FLOAT:
    case DECODE_DOUBLE: return read_real(r, s, ret);
    case DECODE_BYTES: return read_bytes(r, ret);
    case DECODE_STRING:
        if (!read_bytes(r, ret)) return false;
        return is_text((const uint8_t *)ret->v.p, ret->n) || fault(r, "a text isn't UTF-8");
    case DECODE_FIXED:
        if (left(r) < s->size) return fault(r, "a fixed is cut off");
        *ret = value_bytes((const char *)r->p, s->size);
        r->p += s->size;
        return true;
    case DECODE_ENUM: return read_enum(r, s, ret);
    case DECODE_STRUCT: return read_struct(r, s, ret);
    case DECODE_ARRAY:
    case DECODE_PAIRS: return read_items(r, s, ret);
    case DECODE_UNION: return read_union(r, s, ret);
    case DECODE_NULL: break;
    }
    *ret = value_null();
    return true;
}

static bool read_step(Reader *r, const DecodeStep *s, Value *ret) {
    if (s->is_nullable) {
        int64_t branch = 0;
        if (!read_long(r, &branch)) return false;
        if ((uint64_t)branch > 1) return fault(r, "no such branch of a union");
        if ((uint64_t)branch == s->null_branch) {
            *ret = value_null();
            return true;
        }
    }
    return read_value(r, s, ret);
}

bool avro_decode(const AvroDecoder *p, Str bytes, Arena *a, Value *ret, Err *e) {
    const uint8_t *start = (const uint8_t *)(bytes.p ? bytes.p : "");
    Reader r = {start, start, start + bytes.n, a, AVRO_DECODE_SPARE_VALUES, e};
    if (__builtin_add_overflow(r.values_left, bytes.n, &r.values_left)) r.values_left = SIZE_MAX;
    Value v;
    if (!read_step(&r, &p->root, &v)) return false;
    if (r.p != r.end) return fault(&r, "the value ends before the bytes do:");
    *ret = v;
    return true;
}
