/*
 * One pass over the JSON: a type is made where it is defined, named ones are entered before their fields are
 * read, so that these may refer to them. A type that is referred to while it is being read refers to itself.
 */
#include "convert/avro_type.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/avro_name.h"

struct AvroSchema {
    Arena arena;
    json_t **texts; /* owned, with what is in them: types borrow from them */
    size_t text_count;
    const AvroType *root;
    unsigned type_count;
    bool is_recursive;
};

typedef struct Parser {
    AvroSchema *s;
    StrMap *names; /* full name → AvroType */
    StrMap *open;  /* those being read */
    unsigned depth;
} Parser;

static const char *const kind_names[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                         "string", "record",  "enum", "fixed", "array", "map",    "union"};
enum { PRIMITIVES = AVRO_KIND_STRING + 1 };

const char *avro_type_kind_name(AvroKind kind) {
    return kind_names[kind];
}

static bool bad(Err *e, const char *what, Str name) {
    return err_set(e, ERR_DATA, false, "Avro schema: %s%s%.*s%s", what, name.n ? " \"" : "",
                   (int)(name.n < 120 ? name.n : 120), name.n ? name.p : "", name.n ? "\"" : "");
}

static Str text_of(const json_t *j) {
    if (!json_is_string(j)) return (Str){NULL, 0};
    return (Str){json_string_value(j), json_string_length(j)};
}

static bool new_type(Parser *p, AvroKind kind, const json_t *props, AvroType **ret, Err *e) {
    if (p->s->type_count >= AVRO_TYPE_MAX_TYPES) return bad(e, "too many types in it", (Str){NULL, 0});
    AvroType *t = arena_zalloc(&p->s->arena, sizeof *t);
    t->kind = kind;
    t->props = props;
    t->number = p->s->type_count++;
    *ret = t;
    return true;
}

/* ---- names ---- */

static size_t last_dot(Str s) {
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != '.') at--;
    return at; /* behind it; 0 = none */
}

static Str namespace_of(Str full) {
    size_t at = last_dot(full);
    return at ? str_sub(full, 0, at - 1) : (Str){"", 0};
}

static Str full_name(Parser *p, Str name, Str space) {
    if (last_dot(name) || space.n == 0) return arena_str(&p->s->arena, name);
    char *full = arena_printf(&p->s->arena, STR_FMT "." STR_FMT, STR_ARG(space), STR_ARG(name));
    return str_from(full);
}

/* Names the type by its object and enters it. */
static bool name_type(Parser *p, const json_t *j, Str space, AvroType *t, Err *e) {
    Str name = text_of(json_object_get(j, "name"));
    if (!name.p) return bad(e, "a record, enum or fixed without a name", (Str){NULL, 0});
    if (!avro_name_is_valid(str_sub(name, last_dot(name), name.n))) return bad(e, "not a name:", name);
    const json_t *own = json_object_get(j, "namespace");
    t->name = full_name(p, name, json_is_string(own) ? text_of(own) : space);
    t->doc = text_of(json_object_get(j, "doc"));
    if (strmap_get(p->names, t->name)) return bad(e, "defined twice:", t->name);
    (void)strmap_set(p->names, t->name, t);
    return true;
}

static bool primitive(Str word, AvroKind *ret) {
    for (int i = 0; i < PRIMITIVES; i++)
        if (str_eq_c(word, kind_names[i])) {
            *ret = (AvroKind)i;
            return true;
        }
    return false;
}

static bool refer(Parser *p, Str word, Str space, const AvroType **ret, Err *e) {
    AvroKind kind = AVRO_KIND_NULL;
    if (primitive(word, &kind)) {
        AvroType *t = NULL;
        if (!new_type(p, kind, NULL, &t, e)) return false;
        *ret = t;
        return true;
    }
    const AvroType *t = strmap_get(p->names, full_name(p, word, space));
    if (!t) t = strmap_get(p->names, word); /* of the null namespace */
    if (!t) return bad(e, "nothing defines", word);
    if (strmap_get(p->open, t->name)) p->s->is_recursive = true;
    *ret = t;
    return true;
}

/* ---- types ---- */

static bool parse_type(Parser *p, const json_t *j, Str space, const AvroType **ret, Err *e);

static bool parse_field(Parser *p, const json_t *j, Str space, AvroField *f, Err *e) {
    f->name = text_of(json_object_get(j, "name"));
    if (!avro_name_is_valid(f->name)) return bad(e, "not a field's name:", f->name);
    f->doc = text_of(json_object_get(j, "doc"));
    f->standard = json_object_get(j, "default");
    const json_t *type = json_object_get(j, "type");
    if (!type) return bad(e, "no type for field", f->name);
    return parse_type(p, type, space, &f->type, e);
}

static bool parse_record(Parser *p, const json_t *j, Str space, AvroType *t, Err *e) {
    if (!name_type(p, j, space, t, e)) return false;
    const json_t *list = json_object_get(j, "fields");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > AVRO_TYPE_MAX_FIELDS)
        return bad(e, "no list of fields, or too long a one, in record", t->name);
    AvroField *fields = ARENA_ARRAY(&p->s->arena, AvroField, count + 1);
    memset(fields, 0, (count + 1) * sizeof *fields);
    StrMap *seen = strmap_new(/* ignore_case= */ false);
    (void)strmap_set(p->open, t->name, t);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = parse_field(p, json_array_get(list, i), namespace_of(t->name), &fields[i], e);
        if (ok && strmap_set(seen, fields[i].name, t))
            ok = bad(e, "a record has twice the field", fields[i].name);
    }
    (void)strmap_del(p->open, t->name);
    strmap_free(seen);
    t->fields = fields;
    t->count = count;
    return ok;
}

static bool parse_enum(Parser *p, const json_t *j, Str space, AvroType *t, Err *e) {
    if (!name_type(p, j, space, t, e)) return false;
    const json_t *list = json_object_get(j, "symbols");
    size_t count = json_array_size(list);
    if (count == 0 || count > AVRO_TYPE_MAX_FIELDS)
        return bad(e, "no list of symbols, or too long a one, in enum", t->name);
    Str *symbols = ARENA_ARRAY(&p->s->arena, Str, count);
    for (size_t i = 0; i < count; i++) {
        symbols[i] = text_of(json_array_get(list, i));
        if (!symbols[i].p) return bad(e, "a symbol that isn't a text in enum", t->name);
    }
    t->symbols = symbols;
    t->count = count;
    return true;
}

static bool parse_fixed(Parser *p, const json_t *j, Str space, AvroType *t, Err *e) {
    if (!name_type(p, j, space, t, e)) return false;
    json_int_t size = json_integer_value(json_object_get(j, "size"));
    if (size <= 0 || size > AVRO_TYPE_MAX_FIXED) return bad(e, "no size that can be taken in fixed", t->name);
    t->size = (size_t)size;
    return true;
}

static bool parse_union(Parser *p, const json_t *j, Str space, AvroType *t, Err *e) {
    size_t count = json_array_size(j);
    if (count == 0 || count > AVRO_TYPE_MAX_BRANCHES)
        return bad(e, "a union of none or of too many types", (Str){NULL, 0});
    const AvroType **branches = ARENA_ARRAY(&p->s->arena, const AvroType *, count);
    for (size_t i = 0; i < count; i++) {
        if (json_is_array(json_array_get(j, i))) return bad(e, "a union right in a union", (Str){NULL, 0});
        if (!parse_type(p, json_array_get(j, i), space, &branches[i], e)) return false;
        for (size_t k = 0; k < i; k++)
            if (branches[k]->kind == branches[i]->kind && str_eq(branches[k]->name, branches[i]->name))
                return bad(e, "a union has twice the type", str_from(kind_names[branches[i]->kind]));
    }
    t->branches = branches;
    t->count = count;
    return true;
}

static bool kind_of(Str word, AvroKind *ret) {
    if (primitive(word, ret)) return true;
    for (int i = PRIMITIVES; i < AVRO_KIND_UNION; i++)
        if (str_eq_c(word, kind_names[i])) {
            *ret = (AvroKind)i;
            return true;
        }
    return str_eq_c(word, "error") ? (*ret = AVRO_KIND_RECORD, true) : false;
}

/* {"type": word, …} */
static bool parse_object(Parser *p, const json_t *j, Str space, const AvroType **ret, Err *e) {
    const json_t *type = json_object_get(j, "type");
    if (!type) return bad(e, "an object without a type", (Str){NULL, 0});
    AvroKind kind = AVRO_KIND_NULL;
    /* {"type": {…}} and {"type": "a.Name"}: as if it stood there itself */
    if (!json_is_string(type) || !kind_of(text_of(type), &kind)) return parse_type(p, type, space, ret, e);
    AvroType *t = NULL;
    if (!new_type(p, kind, j, &t, e)) return false;
    *ret = t;
    switch (kind) {
    case AVRO_KIND_RECORD: return parse_record(p, j, space, t, e);
    case AVRO_KIND_ENUM: return parse_enum(p, j, space, t, e);
    case AVRO_KIND_FIXED: return parse_fixed(p, j, space, t, e);
    case AVRO_KIND_ARRAY:
    case AVRO_KIND_MAP: {
        const json_t *items = json_object_get(j, kind == AVRO_KIND_MAP ? "values" : "items");
        if (!items) return bad(e, "no type for the items of", str_from(kind_names[kind]));
        return parse_type(p, items, space, &t->items, e);
    }
    default: return true;
    }
}

static bool parse_type(Parser *p, const json_t *j, Str space, const AvroType **ret, Err *e) {
    if (p->depth >= AVRO_TYPE_MAX_DEPTH) return bad(e, "nested too deep", (Str){NULL, 0});
    p->depth++;
    bool ok = false;
    if (json_is_string(j)) {
        ok = refer(p, text_of(j), space, ret, e);
    } else if (json_is_object(j)) {
        ok = parse_object(p, j, space, ret, e);
    } else if (json_is_array(j)) {
        AvroType *t = NULL;
        ok = new_type(p, AVRO_KIND_UNION, NULL, &t, e) && parse_union(p, j, space, t, e);
        *ret = t;
    } else {
        bad(e, "a type is a text, an object or a list", (Str){NULL, 0});
    }
    p->depth--;
    return ok;
}

static bool parse_text(Parser *p, Str text, size_t at, Err *e) {
    if (text.n > AVRO_TYPE_MAX_TEXT) return bad(e, "too long", (Str){NULL, 0});
    json_error_t error;
    json_t *j = json_loadb(text.p ? text.p : "", text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!j)
        return err_set(e, ERR_DATA, false, "Avro schema: not JSON: line %d: %.120s", error.line, error.text);
    p->s->texts[at] = j;
    return parse_type(p, j, (Str){"", 0}, &p->s->root, e);
}

bool avro_type_parse(const Str *texts, size_t count, AvroSchema **ret, Err *e) {
    assert(count > 0);
    AvroSchema *s = x_calloc(1, sizeof *s);
    s->texts = x_calloc(count, sizeof *s->texts);
    s->text_count = count;
    Parser p = {.s = s, .names = strmap_new(false), .open = strmap_new(false)};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = parse_text(&p, texts[i], i, e);
    strmap_free(p.names);
    strmap_free(p.open);
    if (!ok) {
        avro_type_free(s);
        return false;
    }
    *ret = s;
    return true;
}

AvroSchema *avro_type_free(AvroSchema *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < s->text_count; i++) json_decref(s->texts[i]);
    free(s->texts);
    arena_done(&s->arena);
    free(s);
    return NULL;
}

const AvroType *avro_type_root(const AvroSchema *s) {
    return s->root;
}

size_t avro_type_count(const AvroSchema *s) {
    return s->type_count;
}

bool avro_type_is_recursive(const AvroSchema *s) {
    return s->is_recursive;
}

const json_t *avro_type_prop(const AvroType *t, const char *name) {
    return t->props ? json_object_get(t->props, name) : NULL;
}

Str avro_type_text(const AvroType *t, const char *name) {
    return text_of(avro_type_prop(t, name));
}

const AvroType *avro_type_nullable(const AvroType *t, unsigned *ret_null) {
    if (t->kind != AVRO_KIND_UNION || t->count != 2) return NULL;
    for (unsigned i = 0; i < 2; i++)
        if (t->branches[i]->kind == AVRO_KIND_NULL) {
            *ret_null = i;
            return t->branches[1 - i];
        }
    return NULL;
}
