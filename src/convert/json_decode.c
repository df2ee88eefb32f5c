/*
 * One pass, led by the schema: a struct's fields mostly come in its order, written without blanks, so each
 * name is first compared as text with the one expected; only where that fails is it read and looked up.
 * Recursion is as deep as the schema, which connect_schema.h bounds.
 */
#include "convert/json_decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/numtext.h"
#include "record/record.h"

__extension__ typedef unsigned __int128 UnsignedInt128;

static bool refuse(JsonReader *r, Err *e) {
    return err_set(e, ERR_DATA, false, "%s", r->why ? r->why : "it can't be read");
}

/* ---- numbers ---- */

/* Up to 15 digits and a power of ten that a double holds: exact, and so is the quotient's rounding. */
static bool simple_double(Str t, double *ret) {
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    if (t.n > 16) return false;
    int64_t v = 0;
    size_t behind = 0;
    bool is_negative = t.p[0] == '-', has_point = false;
    for (size_t i = is_negative; i < t.n; i++) {
        if (t.p[i] == '.') {
            has_point = true;
            continue;
        }
        if (t.p[i] < '0' || t.p[i] > '9') return false;
        v = v * 10 + (t.p[i] - '0');
        behind += has_point;
    }
    if (v > INT64_C(999999999999999)) return false;
    *ret = (double)v / powers[behind];
    if (is_negative) *ret = -*ret;
    return true;
}

static bool take_not_finite(JsonReader *r, Arena *a, double *ret) {
    Str text;
    if (!json_reader_string(r, a, &text)) return false;
    if (str_eq_c(text, "NaN")) *ret = NAN;
    else if (str_eq_c(text, "Infinity")) *ret = INFINITY;
    else if (str_eq_c(text, "-Infinity")) *ret = -INFINITY;
    else return json_reader_fail(r, "a number was expected");
    return true;
}

static bool take_floating(JsonReader *r, Arena *a, bool is_float, double *ret) {
    enum { MOST_DIGITS = 1100 }; /* the longest exact double has fewer */
    char copy[MOST_DIGITS + 1];
    Str text;
    bool is_whole;
    if (json_reader_peek(r) == '"') return take_not_finite(r, a, ret);
    if (!json_reader_number(r, &text, &is_whole)) return false;
    if (!is_float && simple_double(text, ret)) return true;
    if (text.n > MOST_DIGITS) return json_reader_fail(r, "a number has too many digits");
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *ret = is_float ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    return !isinf(*ret) || json_reader_fail(r, "a number is out of range");
}

/* ---- bytes ---- */

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool take_base64(JsonReader *r, Arena *a, Value *ret) {
    Str text;
    if (!json_reader_string(r, a, &text)) return false;
    size_t n = text.n;
    while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=') n--;
    if (n % 4 == 1 || (n < text.n && text.n % 4 != 0)) return json_reader_fail(r, "a text isn't base64");
    char *out = arena_bytes(a, n / 4 * 3 + 4), *to = out;
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0) return json_reader_fail(r, "a text isn't base64");
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            *to++ = (char)(bits >> 16);
            *to++ = (char)(bits >> 8);
            *to++ = (char)bits;
        }
    }
    if (n % 4 == 3) *to++ = (char)(bits >> 10);
    if (n % 4 == 3) *to++ = (char)(bits >> 2);
    if (n % 4 == 2) *to++ = (char)(bits >> 4);
    *ret = value_bytes(out, (uint32_t)(to - out));
    return true;
}

/* As few bytes of two's complement as hold it. */
static Value bytes_of_number(NumInt128 v, Arena *a) {
    char *out = arena_bytes(a, sizeof v);
    size_t n = sizeof v;
    UnsignedInt128 u = (UnsignedInt128)v;
    for (size_t i = sizeof v; i-- > 0; u >>= 8) out[i] = (char)(u & 0xFF);
    const char *p = out;
    for (; n > 1 && (*p == 0 || *p == -1) && ((p[0] ^ p[1]) & 0x80) == 0; n--) p++;
    return value_bytes(p, (uint32_t)n);
}

/* A number's text to the unscaled number of that scale; digits beyond it must be zeros. */
static bool unscaled(JsonReader *r, Str text, int scale, NumInt128 *ret) {
    enum { FAR = 100000 };
    NumInt128 v = 0;
    int64_t behind = 0, exponent = 0;
    size_t i = text.p[0] == '-';
    bool has_point = false;
    for (; i < text.n && text.p[i] != 'e' && text.p[i] != 'E'; i++) {
        if (text.p[i] == '.') {
            has_point = true;
            continue;
        }
        if (v >= numtext_power10(NUMTEXT_MAX_DIGITS) / 10)
            return json_reader_fail(r, "a decimal has more than 38 digits");
        v = v * 10 + (text.p[i] - '0');
        behind += has_point;
    }
    Err e = {0};
    Str tail = i < text.n ? str_sub(text, i + 1, text.n) : (Str){NULL, 0};
    if (tail.n > 0 && tail.p[0] == '+') tail = str_sub(tail, 1, tail.n);
    if (tail.n > 0 && !str_to_i64(tail, -FAR, FAR, &exponent, &e))
        return json_reader_fail(r, "a decimal's exponent is out of range");
    int64_t shift = scale - behind + exponent;
    for (; shift > 0 && v != 0; shift--)
        if (v >= numtext_power10(NUMTEXT_MAX_DIGITS) / 10)
            return json_reader_fail(r, "a decimal has more than 38 digits");
        else v *= 10;
    for (; shift < 0 && v != 0; shift++, v /= 10)
        if (v % 10 != 0) return json_reader_fail(r, "a decimal has more digits than its scale");
    *ret = text.p[0] == '-' ? -v : v;
    return true;
}

static bool take_decimal(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret) {
    Str text;
    bool is_whole;
    NumInt128 v;
    if (json_reader_peek(r) == '"') return take_base64(r, a, ret);
    if (!json_reader_number(r, &text, &is_whole) || !unscaled(r, text, p->scale, &v)) return false;
    *ret = bytes_of_number(v, a);
    return true;
}

/* ---- what holds others ---- */

static bool value_of_null(const JsonPlan *p, Value *ret, Err *e) {
    const ConnectSchema *s = p->schema;
    if (s->has_default && p->rules->fills_defaults) {
        *ret = s->default_value;
        return true;
    }
    *ret = value_null();
    return s->is_optional || err_set(e, ERR_DATA, false, "null or missing, and the schema allows neither");
}

/* Take the name of the field that is expected, as its plan has it. */
static bool take_label(JsonReader *r, Str label) {
    if ((size_t)(r->end - r->p) < label.n || memcmp(r->p, label.p, label.n) != 0) return false;
    r->p += label.n;
    return true;
}

/* Which field comes next; -1: one that isn't known, or a failure (r->why). */
static int take_field(const JsonPlan *p, size_t expected, JsonReader *r, Arena *a) {
    Str name;
    if (expected < p->schema->field_count && take_label(r, p->labels[expected])) return (int)expected;
    return json_reader_name(r, a, &name) ? json_plan_find(p, name) : -1;
}

enum { UNSET = 0x80 }; /* a flag of a value that hasn't come yet */

static bool fill_missing(const JsonPlan *p, Value *fields, Err *e) {
    for (size_t i = 0; i < p->schema->field_count; i++) {
        if (!(fields[i].flags & UNSET) || value_of_null(&p->fields[i], &fields[i], e)) continue;
        return err_wrap(e, "field " STR_FMT, STR_ARG(p->schema->fields[i].name));
    }
    return true;
}

static bool take_struct(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret, Err *e) {
    size_t count = p->schema->field_count, expected = 0, came = 0;
    if (!json_reader_count(r, count)) return refuse(r, e);
    Value *fields = ARENA_ARRAY(a, Value, count + 1);
    for (size_t i = 0; i < count; i++) fields[i] = (Value){.flags = UNSET};
    if (!json_reader_expect(r, '{')) return refuse(r, e);
    for (bool is_first = true; json_reader_next(r, '}', &is_first);) {
        int at = take_field(p, expected, r, a);
        Str skipped;
        if (at < 0) {
            if (r->why || !json_reader_skip(r, &skipped)) return refuse(r, e);
            continue;
        }
        came += (fields[at].flags & UNSET) != 0;
        if (!json_decode(&p->fields[at], r, a, &fields[at], e))
            return err_wrap(e, "field " STR_FMT, STR_ARG(p->schema->fields[at].name));
        expected = (size_t)at + 1;
    }
    if (r->why) return refuse(r, e);
    *ret = record_struct(fields, count);
    return came == count || fill_missing(p, fields, e);
}

/* Values of an array or a map, one after the other, in memory that doubles. */
typedef struct List {
    Arena *arena;
    Value *values;
    size_t count, cap;
} List;

static Value *list_add(List *l) {
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        Value *more = ARENA_ARRAY(l->arena, Value, cap);
        if (l->count > 0) memcpy(more, l->values, l->count * sizeof *more);
        l->values = more;
        l->cap = cap;
    }
    l->values[l->count] = value_null();
    return &l->values[l->count++];
}

static bool take_array(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret, Err *e) {
    List list = {.arena = a};
    if (!json_reader_expect(r, '[')) return refuse(r, e);
    for (bool is_first = true; json_reader_next(r, ']', &is_first);) {
        Value v;
        if (!json_reader_count(r, 1)) break;
        if (!json_decode(p->value, r, a, &v, e)) return false;
        *list_add(&list) = v;
    }
    *ret = record_struct(list.values, list.count);
    return !r->why || refuse(r, e);
}

static bool take_pair(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret_key, Value *ret_value, Err *e) {
    Str name;
    if (p->kind == JSON_KIND_OBJECT) {
        if (!json_reader_name(r, a, &name)) return refuse(r, e);
        *ret_key = value_bytes(name.p, (uint32_t)name.n);
        return json_decode(p->value, r, a, ret_value, e);
    }
    return (json_reader_expect(r, '[') || refuse(r, e)) && json_decode(p->key, r, a, ret_key, e) &&
           (json_reader_expect(r, ',') || refuse(r, e)) && json_decode(p->value, r, a, ret_value, e) &&
           (json_reader_expect(r, ']') || refuse(r, e));
}

static bool take_map(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret, Err *e) {
    List list = {.arena = a};
    bool is_object = p->kind == JSON_KIND_OBJECT;
    if (!json_reader_expect(r, is_object ? '{' : '[')) return refuse(r, e);
    for (bool is_first = true; json_reader_next(r, is_object ? '}' : ']', &is_first);) {
        Value key, value;
        if (!json_reader_count(r, 2)) break;
        if (!take_pair(p, r, a, &key, &value, e)) return false;
        *list_add(&list) = key;
        *list_add(&list) = value;
    }
    *ret = record_struct(list.values, list.count / 2);
    return !r->why || refuse(r, e);
}

bool json_decode(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret, Err *e) {
    bool ok = true, truth;
    int64_t number;
    double d;
    Str text;
    if (json_reader_peek(r) == 'n' && json_reader_take_null(r)) return value_of_null(p, ret, e);
    switch (p->kind) {
    case JSON_KIND_INT:
        ok = json_reader_int(r, p->min, p->max, &number);
        if (ok) *ret = value_int(number);
        break;
    case JSON_KIND_BOOLEAN:
        ok = json_reader_bool(r, &truth);
        if (ok) *ret = value_int(truth);
        break;
    case JSON_KIND_FLOAT:
    case JSON_KIND_DOUBLE:
        ok = take_floating(r, a, p->kind == JSON_KIND_FLOAT, &d);
        if (ok) *ret = value_double(d);
        break;
    case JSON_KIND_TEXT:
        ok = json_reader_string(r, a, &text);
        if (ok) *ret = value_bytes(text.p, (uint32_t)text.n);
        break;
    case JSON_KIND_BASE64: ok = take_base64(r, a, ret); break;
    case JSON_KIND_DECIMAL: ok = take_decimal(p, r, a, ret); break;
    case JSON_KIND_STRUCT: return take_struct(p, r, a, ret, e);
    case JSON_KIND_ARRAY: return take_array(p, r, a, ret, e);
    case JSON_KIND_OBJECT:
    case JSON_KIND_PAIRS: return take_map(p, r, a, ret, e);
    }
    return ok || refuse(r, e);
}

/* ---- schemas ---- */

/* The attributes of a schema's object, each as its text; p NULL = it isn't there. */
typedef struct Parts {
    Str type, fields, items, keys, values, optional, name, version, doc, parameters, deflt, field;
} Parts;

typedef struct Build {
    const JsonRules *rules;
    Arena arena;  /* of names while it is built */
    size_t count; /* of schemas that were begun */
    Err *e;
} Build;

static bool build(Build *b, Str text, unsigned depth, const ConnectSchema **ret, Str *ret_field);

static bool bad_schema(Build *b, const char *why) {
    return err_set(b->e, ERR_DATA, false, "its schema can't be read: %s", why);
}

static bool read_parts(Build *b, Str text, Parts *ret) {
    JsonReader r = json_reader_over(text);
    const struct {
        const char *name;
        Str *to;
    } known[] = {{"type", &ret->type},     {"fields", &ret->fields},         {"items", &ret->items},
                 {"keys", &ret->keys},     {"values", &ret->values},         {"optional", &ret->optional},
                 {"name", &ret->name},     {"version", &ret->version},       {"doc", &ret->doc},
                 {"default", &ret->deflt}, {"parameters", &ret->parameters}, {"field", &ret->field}};
    *ret = (Parts){0};
    if (!json_reader_expect(&r, '{')) return bad_schema(b, "an object was expected");
    for (bool is_first = true; json_reader_next(&r, '}', &is_first);) {
        Str name, value;
        if (!json_reader_name(&r, &b->arena, &name) || !json_reader_skip(&r, &value)) break;
        if (str_eq_c(value, "null")) continue;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (str_eq_c(name, known[i].name)) *known[i].to = value;
    }
    return !r.why || bad_schema(b, r.why);
}

static bool read_text(Build *b, Str text, Str *ret) {
    *ret = (Str){NULL, 0};
    if (!text.p) return true;
    JsonReader r = json_reader_over(text);
    return json_reader_string(&r, &b->arena, ret) || bad_schema(b, r.why);
}

static bool read_type(Build *b, Str text, ConnectType *ret) {
    Str name;
    if (!read_text(b, text, &name)) return false;
    if (str_eq_c(name, "float")) *ret = CONNECT_FLOAT32;
    else if (str_eq_c(name, "double")) *ret = CONNECT_FLOAT64;
    else if (!connect_type_by_name(name, ret) || *ret == CONNECT_FLOAT32 || *ret == CONNECT_FLOAT64)
        return bad_schema(b, text.p ? "an unknown type" : "a schema without a type");
    return true;
}

static bool read_params(Build *b, Str text, ConnectSchema *spec) {
    enum { MOST_PARAMS = 1024 };
    if (!text.p) return true;
    JsonReader r = json_reader_over(text);
    ConnectParam *params = NULL;
    size_t cap = 0;
    if (!json_reader_expect(&r, '{')) return bad_schema(b, r.why);
    for (bool is_first = true; json_reader_next(&r, '}', &is_first);) {
        if (spec->param_count == MOST_PARAMS) return bad_schema(b, "too many parameters");
        if (spec->param_count == cap) {
            cap = cap ? 2 * cap : 8;
            ConnectParam *more = ARENA_ARRAY(&b->arena, ConnectParam, cap);
            if (spec->param_count > 0) memcpy(more, params, spec->param_count * sizeof *more);
            spec->params = params = more;
        }
        ConnectParam *param = &params[spec->param_count];
        if (!json_reader_name(&r, &b->arena, &param->name) ||
            !json_reader_string(&r, &b->arena, &param->value))
            break;
        spec->param_count++;
    }
    return !r.why || bad_schema(b, r.why);
}

static bool read_fields(Build *b, Str text, unsigned depth, ConnectField **ret, size_t *ret_count) {
    JsonReader r = json_reader_over(text);
    size_t cap = 0;
    if (!text.p || !json_reader_expect(&r, '[')) return bad_schema(b, "a struct without an array of fields");
    for (bool is_first = true; json_reader_next(&r, ']', &is_first);) {
        Str one;
        if (*ret_count == CONNECT_MAX_FIELDS) return bad_schema(b, "a struct of too many fields");
        if (*ret_count == cap) {
            cap = cap ? 2 * cap : 16;
            *ret = x_reallocarray(*ret, cap, sizeof **ret);
        }
        ConnectField *field = &(*ret)[*ret_count];
        *field = (ConnectField){0};
        if (!json_reader_skip(&r, &one)) break;
        if (!build(b, one, depth, &field->schema, &field->name)) return false;
        ++*ret_count;
        if (!field->name.p) return bad_schema(b, "a field without a name");
    }
    return !r.why || bad_schema(b, r.why);
}

/* spec with the default that text says, read under the schema it has without it. */
static bool add_default(Build *b, Str text, ConnectSchema *spec) {
    const ConnectSchema *plain = NULL;
    Value v;
    if (!connect_schema_new(spec, &plain, b->e)) return false;
    const JsonPlan *p = json_plan_new(plain, b->rules);
    JsonReader r = json_reader_over(text);
    bool ok = json_decode(p, &r, &b->arena, &v, b->e);
    if (ok) {
        spec->has_default = true;
        spec->default_value = connect_value_copy(plain, &v, &b->arena);
    }
    json_plan_free(p);
    connect_schema_unref(plain);
    return ok;
}

static bool read_scalars(Build *b, const Parts *parts, ConnectSchema *spec) {
    int64_t version = 0;
    if (parts->version.p) {
        JsonReader r = json_reader_over(parts->version);
        if (!json_reader_int(&r, INT32_MIN, INT32_MAX, &version)) return bad_schema(b, r.why);
    }
    spec->version = (int32_t)version;
    if (parts->optional.p) {
        JsonReader r = json_reader_over(parts->optional);
        if (!json_reader_bool(&r, &spec->is_optional)) return bad_schema(b, r.why);
    }
    return read_text(b, parts->name, &spec->name) && read_text(b, parts->doc, &spec->doc) &&
           read_params(b, parts->parameters, spec);
}

static bool read_inner(Build *b, const Parts *parts, unsigned depth, ConnectSchema *spec,
                       ConnectField **fields) {
    bool ok = true;
    size_t count = 0;
    if (spec->type == CONNECT_STRUCT) {
        ok = read_fields(b, parts->fields, depth, fields, &count);
        spec->fields = *fields;
        spec->field_count = count;
    }
    if (spec->type == CONNECT_ARRAY) ok = build(b, parts->items, depth, &spec->value, NULL);
    if (spec->type == CONNECT_MAP)
        ok = build(b, parts->keys, depth, &spec->key, NULL) &&
             build(b, parts->values, depth, &spec->value, NULL);
    return ok;
}

static bool build(Build *b, Str text, unsigned depth, const ConnectSchema **ret, Str *ret_field) {
    Parts parts;
    ConnectSchema spec = {0};
    ConnectField *fields = NULL;
    if (depth > CONNECT_MAX_DEPTH) return bad_schema(b, "it is nested too deep");
    if (++b->count > JSON_DECODE_MAX_SCHEMAS) return bad_schema(b, "it has too many fields");
    bool ok = read_parts(b, text, &parts) && read_type(b, parts.type, &spec.type) &&
              read_scalars(b, &parts, &spec) && read_inner(b, &parts, depth + 1, &spec, &fields) &&
              (!parts.deflt.p || add_default(b, parts.deflt, &spec)) && connect_schema_new(&spec, ret, b->e);
    if (ok && ret_field) ok = read_text(b, parts.field, ret_field);
    if (!ok) *ret = connect_schema_unref(*ret);
    for (size_t i = 0; i < spec.field_count; i++) connect_schema_unref(fields[i].schema);
    free(fields);
    connect_schema_unref(spec.key);
    connect_schema_unref(spec.value);
    return ok;
}

bool json_decode_schema(Str text, const JsonRules *rules, const ConnectSchema **ret, Err *e) {
    Build b = {.rules = rules, .e = e};
    *ret = NULL;
    if (str_eq_c(str_trim(text), "null")) return true;
    bool ok = build(&b, text, 1, ret, NULL);
    arena_done(&b.arena);
    if (!ok) e->code = ERR_DATA;
    return ok;
}
