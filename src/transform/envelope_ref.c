#include "transform/envelope_ref.h"

#include "transform/struct_map.h"

static bool is_one_of(Str s, const char *const *names) {
    for (; *names; names++)
        if (str_eq_c(s, *names)) return true;
    return false;
}

static Str default_struct(Str field, int debezium_version) {
    static const char *const transaction[] = {"id", "data_collection_order", "total_order", NULL};
    static const char *const own[] = {"op", "ts_ms", NULL}, *const own_27[] = {"ts_us", "ts_ns", NULL};
    if (is_one_of(field, transaction)) return STR_LIT("transaction");
    if (is_one_of(field, own) || (debezium_version >= 207 && is_one_of(field, own_27))) return (Str){0};
    return STR_LIT("source");
}

static bool parse_one(Str text, const char *prefix, int debezium_version, Arena *a, EnvelopeRef *ret,
                      Err *e) {
    size_t colon = str_find(text, ':');
    Str path = str_sub(text, 0, colon), name = str_sub(text, colon + 1, text.n);
    size_t dot = str_find(path, '.');
    Str field = dot < path.n ? str_sub(path, dot + 1, path.n) : path;
    field.n = str_find(field, '.');
    if (field.n == 0 || dot == 0 || (colon < text.n && (name.n == 0 || str_find(name, ':') < name.n)))
        return err_set(e, ERR_INVALID, false,
                       "'" STR_FMT "' isn't field, struct.field or either with :newname", STR_ARG(text));
    Str outer = dot < path.n ? str_sub(path, 0, dot) : default_struct(field, debezium_version);
    *ret = (EnvelopeRef){arena_str(a, outer), arena_str(a, field), {0}};
    if (colon < text.n) ret->name = str_from(arena_printf(a, "%s" STR_FMT, prefix, STR_ARG(name)));
    else if (dot < path.n)
        ret->name =
            str_from(arena_printf(a, "%s" STR_FMT "_" STR_FMT, prefix, STR_ARG(outer), STR_ARG(field)));
    else ret->name = str_from(arena_printf(a, "%s" STR_FMT, prefix, STR_ARG(field)));
    return true;
}

bool envelope_refs_parse(const TextList *texts, const char *prefix, int debezium_version, Arena *a,
                         EnvelopeRefs *ret, Err *e) {
    EnvelopeRefs refs = {.refs = ARENA_ARRAY(a, EnvelopeRef, texts->count + 1)};
    for (size_t i = 0; i < texts->count; i++)
        if (!parse_one(str_from(texts->items[i]), prefix, debezium_version, a, &refs.refs[refs.count++], e))
            return false;
    *ret = refs;
    return true;
}

static bool make_schema(const EnvelopeRef *ref, const ConnectSchema *field, const ConnectSchema **ret,
                        Err *e) {
    if (field->type == CONNECT_STRUCT || field->type == CONNECT_MAP)
        return err_set(e, ERR_DATA, false, "\"" STR_FMT "\" is a %s, which can't be added as a whole",
                       STR_ARG(ref->field), connect_type_name(field->type));
    ConnectSchema spec = struct_draft_basics(field, field->type);
    spec.is_optional = true;
    spec.value = field->value;
    return connect_schema_new(&spec, ret, e);
}

bool envelope_ref_place(const EnvelopeRef *ref, const ConnectSchema *envelope, EnvelopePlace *ret, Err *e) {
    EnvelopePlace place = {.outer = -1};
    const ConnectSchema *parent = envelope;
    if (ref->outer.n) {
        place.outer = connect_schema_find(envelope, ref->outer);
        if (place.outer < 0 || envelope->fields[place.outer].schema->type != CONNECT_STRUCT)
            return err_set(e, ERR_DATA, false, "the envelope has no struct \"" STR_FMT "\"",
                           STR_ARG(ref->outer));
        parent = envelope->fields[place.outer].schema;
    }
    place.field = connect_schema_find(parent, ref->field);
    if (place.field < 0) { /* put into the envelope by another transform */
        parent = envelope;
        place.outer = -1;
        place.field = connect_schema_find(envelope, ref->field);
    }
    if (place.field >= 0 && !make_schema(ref, parent->fields[place.field].schema, &place.schema, e))
        return false;
    *ret = place;
    return true;
}

Value envelope_ref_value(const EnvelopePlace *place, const Value *envelope) {
    if (place->outer < 0) return *record_field(envelope, (size_t)place->field);
    const Value *outer = record_field(envelope, (size_t)place->outer);
    return value_is_null(outer) ? value_null() : *record_field(outer, (size_t)place->field);
}
